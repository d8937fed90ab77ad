//! What is to be generated, as a value: channels with their events, and the types those consist of.
//!
//! Lowering fills it from a document; emission prints it. Every name in it is final and free of clashes, so emission
//! decides nothing but layout.

mod avro;
mod history;
mod rule;
mod types;

pub(crate) use avro::{AvroDefinition, AvroType};
pub(crate) use history::{
    Boxing, Construction, Conversion, EarlierEvent, EarlierHeaders, Members, Module, Reused, SaidOfTypes, TypeOf,
    UpcastImpl, Version,
};
pub(crate) use rule::{NamedRule, Rule, RuleId};
pub(crate) use types::{
    Additional, Check, Constant, Definition, DefinitionId, Field, IntegerType, Kind, KnownType, Newtype, Presence,
    Struct, Tagging, TupleStruct, Type, Types, Union, ValueEnum, ValueVariant, Variant,
};

/// A whole generated module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Api {
    /// `info.title`
    pub(crate) title: String,
    /// `info.version`
    pub(crate) version: String,
    /// `info.description`
    pub(crate) description: Option<String>,
    /// Where the document is, as the user named it.
    pub(crate) source: String,
    /// The event sets: one a channel, and one for each operation that is restricted to some of its channel's messages.
    pub(crate) sets: Vec<EventSet>,
    /// The types of payloads, headers and parameters.
    pub(crate) types: Types,
    /// What it has to do with other versions of the document, where several are generated together.
    pub(crate) module: Option<Module>,
}

impl Api {
    /// The document with its title and version, on one line.
    pub(crate) fn origin(&self) -> String {
        let version = if self.version.is_empty() { String::new() } else { format!(", version {}", self.version) };
        crate::emit::visible(&format!("{} ({}{version})", self.source, self.title))
    }

    /// The type of another version that a definition is; `None` when it is one of its own.
    pub(crate) fn reused(&self, id: DefinitionId) -> Option<&Reused> {
        self.module.as_ref()?.reused.get(&id)
    }

    /// What a later version says of its types, which are also this one's.
    pub(crate) fn said_later(&self) -> Option<&SaidOfTypes> {
        self.module.as_ref().map(|module| &module.said_later)
    }
}

/// The events of a channel (or of an operation on it): one enum, one publisher trait, one handler trait.
#[derive(Clone, Debug)]
pub(crate) struct EventSet {
    /// The enum's name: `UserEvents`.
    pub(crate) name: String,
    /// Documentation of the channel or operation.
    pub(crate) docs: Docs,
    /// The channel's name in the log and in its feed's path: `user-events`.
    pub(crate) channel_name: String,
    /// The feed's title.
    pub(crate) title: String,
    /// `address`, as written.
    pub(crate) address: Option<String>,
    /// The typed address, for channels with parameters.
    pub(crate) typed_address: Option<Address>,
    /// The events, in the order of the document.
    pub(crate) events: Vec<Event>,
    /// How the channel may be carried.
    pub(crate) transports: Vec<Transport>,
    /// Whether it is some of a channel's messages, and has the typed address of the channel's own set.
    pub(crate) is_part: bool,
    /// What options add to the enum.
    pub(crate) additions: Additions,
}

/// How a channel may be carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// By a feed.
    Feed,
    /// By webhooks.
    Webhook,
}

/// A channel's address with its parameters as fields.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// The struct's name: `UserEventsAddress`.
    pub(crate) name: String,
    /// The address taken apart.
    pub(crate) parts: Vec<AddressPart>,
    /// What options add to the struct.
    pub(crate) additions: Additions,
}

/// Derives and attributes that options add to an item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Additions {
    /// Paths of derives.
    pub(crate) derives: Vec<String>,
    /// Attributes, without `#[…]`.
    pub(crate) attributes: Vec<String>,
}

/// A piece of an address template.
#[derive(Clone, Debug)]
pub(crate) enum AddressPart {
    /// Text that stands for itself.
    Literal(String),
    /// `{parameter}`
    Parameter {
        /// The field's name.
        field: String,
        /// `String`, or an enum of the allowed values.
        ty: Type,
        /// Documentation.
        docs: Docs,
    },
}

/// One message of a set.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The variant's name: `NameChanged`.
    pub(crate) variant: String,
    /// The method's name: `name_changed`.
    pub(crate) method: String,
    /// The type on the wire.
    pub(crate) event_type: String,
    /// Documentation of the message.
    pub(crate) docs: Docs,
    /// The payload; `None` for a message without one.
    pub(crate) payload: Option<Type>,
    /// The headers; `None` for a message that declares none.
    pub(crate) headers: Option<Type>,
    /// Whether the payload's type stands for this message alone, so that it can say so itself (`impl Event`).
    pub(crate) owns_payload: bool,
    /// Where the correlation id is.
    pub(crate) correlation_id: Option<Accessor>,
    /// The sets that answer, for a request.
    pub(crate) replies: Vec<String>,
    /// Whether its payload's type says which set answers it (`impl Request`): the same one wherever it is asked, and
    /// said once in the module.
    pub(crate) is_request: bool,
}

impl Event {
    /// The type that has its correlation id.
    pub(crate) fn correlated(&self) -> Option<(DefinitionId, &Accessor)> {
        let accessor = self.correlation_id.as_ref()?;
        match if accessor.in_headers { &self.headers } else { &self.payload } {
            Some(Type::Named(id)) => Some((*id, accessor)),
            _ => None,
        }
    }

    /// The type of its payload, where that is a named one.
    pub(crate) fn named_payload(&self) -> Option<DefinitionId> {
        match self.payload {
            Some(Type::Named(id)) => Some(id),
            _ => None,
        }
    }
}

impl EventSet {
    /// Whether the payload's type, on its own, says which event of the set it is.
    pub(crate) fn is_only_use(&self, event: &Event) -> bool {
        let uses = self.events.iter().filter(|other| other.payload == event.payload).count();
        uses == 1 && event.headers.is_none() && event.named_payload().is_some()
    }
}

/// A path to a value within a payload or headers type.
#[derive(Clone, Debug)]
pub(crate) struct Accessor {
    /// Whether it starts at the headers (else at the payload).
    pub(crate) in_headers: bool,
    /// The fields to go through, each with whether it is an `Option`.
    pub(crate) fields: Vec<(String, bool)>,
    /// The type at its end, without `Option`.
    pub(crate) ty: Type,
    /// `description` of the correlation id.
    pub(crate) description: Option<String>,
}

/// What the documentation of an item is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Docs {
    /// Title or summary: the first line.
    pub(crate) summary: Option<String>,
    /// The description, CommonMark.
    pub(crate) description: Option<String>,
    /// Further sentences: the name in the document where it differs, constraints.
    pub(crate) notes: Vec<String>,
    /// Where it is written: pointer and file.
    pub(crate) source: Option<String>,
    /// `deprecated`
    pub(crate) deprecated: bool,
}
