//! Every rule of compatibility, as data: `docs/compat/rules.md` is checked against [`ALL_RULES`].

use std::fmt;

/// A rule's stable identity, as `docs/compat/rules.md` lists it, with what its findings mean by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Kebab-case id, for example `channel-removed`. Never changes once released.
    pub id: &'static str,
    /// What breaks.
    pub kind: Kind,
    /// Whether the comparison fails.
    pub level: Level,
    /// The bump of `info.version` that it needs.
    pub bump: Bump,
    /// One sentence: what the rule finds.
    pub summary: &'static str,
}

/// What breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A program that runs fails.
    Wire,
    /// Code that is generated again does not compile with what was written against it.
    Source,
    /// A program goes on, and silently gets something else or nothing.
    Semantic,
}

/// Whether a comparison fails because of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing; never fails.
    Notice,
    /// It could not be decided whether something breaks; fails.
    Unknown,
    /// Something breaks; fails.
    Breaking,
}

/// A step of `info.version`, as [Semantic Versioning](https://semver.org) has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bump {
    /// None is needed.
    #[default]
    None,
    /// The third number.
    Patch,
    /// The second number.
    Minor,
    /// The first number.
    Major,
}

macro_rules! display {
    ($($name:ident { $($variant:ident => $text:literal),* })*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($name::$variant => $text),* })
            }
        }
    )*};
}

display! {
    Kind { Wire => "wire", Source => "source", Semantic => "semantic" }
    Level { Notice => "notice", Unknown => "unknown", Breaking => "breaking" }
    Bump { None => "none", Patch => "patch", Minor => "minor", Major => "major" }
}

macro_rules! rules {
    ($($name:ident, $id:literal, $kind:ident, $level:ident, $bump:ident, $summary:literal;)*) => {
        $(
            #[doc = $summary]
            pub const $name: Rule = Rule {
                id: $id, kind: Kind::$kind, level: Level::$level, bump: Bump::$bump, summary: $summary,
            };
        )*

        /// Every rule of compatibility, in the order of `docs/compat/rules.md`.
        pub const ALL_RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    CHANNEL_REMOVED, "channel-removed", Wire, Breaking, Major, "A channel is gone.";
    CHANNEL_ADDED, "channel-added", Semantic, Notice, Minor, "A channel is new.";
    CHANNEL_ADDRESS_CHANGED, "channel-address-changed", Wire, Breaking, Major, "A channel has another address.";
    CHANNEL_RENAMED, "channel-renamed", Source, Notice, Minor, "A channel has another key at the same address.";
    CHANNEL_SERVER_REMOVED, "channel-server-removed", Wire, Breaking, Major, "A channel is no longer on a server.";
    CHANNEL_SERVER_ADDED, "channel-server-added", Semantic, Notice, Minor, "A channel is on another server as well.";

    PARAMETER_ADDED, "parameter-added", Source, Notice, Minor, "A channel declares another parameter.";
    PARAMETER_REMOVED, "parameter-removed", Source, Notice, Minor, "A channel no longer declares a parameter.";
    PARAMETER_RENAMED, "parameter-renamed", Source, Notice, Minor, "A parameter in the same place of an address has another name.";
    PARAMETER_VALUES_NARROWED, "parameter-values-narrowed", Wire, Breaking, Major, "A parameter may no longer have some values.";
    PARAMETER_VALUES_WIDENED, "parameter-values-widened", Semantic, Notice, Minor, "A parameter may have more values.";
    PARAMETER_DEFAULT_CHANGED, "parameter-default-changed", Semantic, Notice, Minor, "A parameter has another default.";
    PARAMETER_LOCATION_CHANGED, "parameter-location-changed", Wire, Breaking, Major, "A parameter's value stands elsewhere in the message.";

    MESSAGE_REMOVED, "message-removed", Semantic, Breaking, Major, "A channel no longer carries a message.";
    MESSAGE_ADDED, "message-added", Semantic, Notice, Minor, "A channel carries another message.";
    MESSAGE_NAME_CHANGED, "message-name-changed", Wire, Breaking, Major, "A message has another name on the wire.";
    MESSAGE_RENAMED, "message-renamed", Source, Notice, Minor, "A message has another key, and the same name on the wire.";
    CONTENT_TYPE_CHANGED, "content-type-changed", Wire, Breaking, Major, "A message is encoded in another content type.";
    CONTENT_TYPE_NOTED, "content-type-noted", Semantic, Notice, Minor, "The parameters of a message's content type have changed.";
    CORRELATION_ID_CHANGED, "correlation-id-changed", Wire, Breaking, Major, "A message's correlation id is missing or stands elsewhere.";
    CORRELATION_ID_ADDED, "correlation-id-added", Semantic, Notice, Minor, "A message says where its correlation id is.";

    PAYLOAD_ADDED, "payload-added", Wire, Breaking, Major, "A message that said nothing of its payload does.";
    PAYLOAD_REMOVED, "payload-removed", Wire, Breaking, Major, "A message says nothing of its payload any more.";
    HEADERS_ADDED, "headers-added", Wire, Breaking, Major, "A message has headers that must be there, and had none.";
    HEADERS_REMOVED, "headers-removed", Wire, Breaking, Major, "A message has no headers any more, and some had to be there.";
    SCHEMA_LANGUAGE_CHANGED, "schema-language-changed", Wire, Breaking, Major, "A payload is described in another schema language.";
    SCHEMA_TYPE_CHANGED, "schema-type-changed", Wire, Breaking, Major, "A value may be of a type that a reader refuses.";
    SCHEMA_REQUIRED_CHANGED, "schema-required-changed", Wire, Breaking, Major, "A reader requires a member that a writer need not write.";
    SCHEMA_MEMBER_REFUSED, "schema-member-refused", Wire, Breaking, Major, "A reader refuses a member that a writer may write.";
    SCHEMA_VALUES_CHANGED, "schema-values-changed", Wire, Breaking, Major, "A value may be one that is not among the reader's.";
    SCHEMA_BOUNDS_CHANGED, "schema-bounds-changed", Wire, Breaking, Major, "A value may be outside of a reader's bounds, lengths or pattern.";
    SCHEMA_ALTERNATIVES_CHANGED, "schema-alternatives-changed", Wire, Breaking, Major, "A value may fit none of a reader's alternatives, or too many.";
    SCHEMA_INCOMPATIBLE, "schema-incompatible", Wire, Breaking, Major, "A writer's value may be invalid for a reader in another way.";
    SCHEMA_FORMAT_CHANGED, "schema-format-changed", Wire, Breaking, Major, "A reader's type demands a `format` that a writer's does not.";
    SCHEMA_DISCRIMINATOR_CHANGED, "schema-discriminator-changed", Wire, Breaking, Major, "A reader tells alternatives apart by another member or other values of it.";
    AVRO_INCOMPATIBLE, "avro-incompatible", Wire, Breaking, Major, "Avro cannot resolve a writer's schema to a reader's.";
    SCHEMA_UNDECIDED, "schema-undecided", Wire, Unknown, Major, "It could not be decided whether a reader accepts what a writer may send.";
    SCHEMA_CHANGED, "schema-changed", Wire, Notice, Minor, "A schema has changed, and readers of each version accept events of the other.";
    SCHEMA_FORMAT_NOTED, "schema-format-noted", Semantic, Notice, Minor, "A `format` has changed that no reader demands.";
    SCHEMA_DEFAULT_CHANGED, "schema-default-changed", Semantic, Notice, Minor, "A value that is taken for an absent member has changed.";
    DEPRECATED, "deprecated", Semantic, Notice, Minor, "Something is deprecated, or has a date on which it will go.";

    OPERATION_REMOVED, "operation-removed", Semantic, Breaking, Major, "The application no longer does something.";
    OPERATION_ADDED, "operation-added", Semantic, Notice, Minor, "The application does something more.";
    OPERATION_RENAMED, "operation-renamed", Source, Notice, Minor, "An operation has another key.";
    OPERATION_ACTION_CHANGED, "operation-action-changed", Wire, Breaking, Major, "The application sends what it received, or the other way round.";
    OPERATION_CHANNEL_CHANGED, "operation-channel-changed", Wire, Breaking, Major, "An operation uses another channel.";
    OPERATION_MESSAGES_NARROWED, "operation-messages-narrowed", Semantic, Breaking, Major, "An operation no longer concerns a message of its channel.";
    OPERATION_MESSAGES_WIDENED, "operation-messages-widened", Semantic, Notice, Minor, "An operation concerns another message of its channel.";

    REPLY_ADDED, "reply-added", Wire, Breaking, Major, "An operation that had no reply has one.";
    REPLY_REMOVED, "reply-removed", Wire, Breaking, Major, "An operation has no reply any more.";
    REPLY_ADDRESS_CHANGED, "reply-address-changed", Wire, Breaking, Major, "The address of replies stands elsewhere in the request.";
    REPLY_CHANNEL_CHANGED, "reply-channel-changed", Wire, Breaking, Major, "Replies come over another channel.";
    REPLY_MESSAGES_NARROWED, "reply-messages-narrowed", Wire, Breaking, Major, "A message is no longer among the replies.";
    REPLY_MESSAGES_WIDENED, "reply-messages-widened", Wire, Breaking, Major, "A message is a reply that was none.";

    SERVER_REMOVED, "server-removed", Wire, Breaking, Major, "A server is gone.";
    SERVER_ADDED, "server-added", Semantic, Notice, Minor, "A server is new.";
    SERVER_RENAMED, "server-renamed", Source, Notice, Minor, "A server has another key at the same address.";
    SERVER_ADDRESS_CHANGED, "server-address-changed", Wire, Breaking, Major, "A server has another host or path.";
    SERVER_PROTOCOL_CHANGED, "server-protocol-changed", Wire, Breaking, Major, "A server speaks another protocol, or another version of it.";
    SERVER_VARIABLE_CHANGED, "server-variable-changed", Wire, Breaking, Major, "A variable of a server's address has another default, or fewer values.";
    SERVER_VARIABLE_WIDENED, "server-variable-widened", Semantic, Notice, Minor, "A variable of a server's address may have more values.";

    SECURITY_REQUIRED, "security-required", Wire, Breaking, Major, "A way to authenticate that sufficed no longer does.";
    SECURITY_SCOPE_ADDED, "security-scope-added", Wire, Breaking, Major, "A way to authenticate needs another scope.";
    SECURITY_RELAXED, "security-relaxed", Semantic, Notice, Minor, "There is another way to authenticate, or less is needed.";

    BINDING_CHANGED, "binding-changed", Wire, Breaking, Major, "A protocol is told something else that both sides must agree on.";
    BINDING_TUNED, "binding-tuned", Semantic, Notice, Minor, "A protocol is told something else that no program depends on.";
    BINDING_UNDECIDED, "binding-undecided", Wire, Unknown, Major, "A binding has changed of which it is not known what it means.";

    PROPERTY_ADDED, "property-added", Semantic, Notice, Minor, "An object may have another member.";
    PROPERTY_REMOVED, "property-removed", Source, Notice, Minor, "An object no longer declares a member.";
    TYPE_RENAMED, "type-renamed", Source, Notice, Minor, "A generated type has another name.";
    FIELD_BECAME_REQUIRED, "field-became-required", Source, Notice, Minor, "A generated field is no longer optional.";
    FIELD_BECAME_OPTIONAL, "field-became-optional", Source, Notice, Minor, "A generated field has become optional.";
    VARIANT_ADDED, "variant-added", Source, Notice, Minor, "A generated enum has another variant.";

    DOCUMENTATION_CHANGED, "documentation-changed", Semantic, Notice, Patch, "What is said to people has changed.";
    COMPATIBILITY_WEAKENED, "compatibility-weakened", Semantic, Notice, Minor, "`x-compatibility` promises less than before.";
    VERSION_NOT_RAISED, "version-not-raised", Semantic, Breaking, None, "`info.version` is raised by less than the change needs.";
}

#[cfg(test)]
mod tests {
    use super::ALL_RULES;

    #[test]
    fn ids_are_unique_and_in_kebab_case() {
        let mut seen = std::collections::HashSet::new();
        for rule in ALL_RULES {
            assert!(seen.insert(rule.id), "{} is there twice", rule.id);
            assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.id);
            assert!(rule.summary.ends_with('.'), "{}", rule.id);
        }
    }
}
