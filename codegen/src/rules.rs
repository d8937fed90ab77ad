//! The rules of which the generator itself speaks; those of documents are in `event_api_spec`.

use event_api_spec::{Rule, Severity};

/// A schema without `type`, whose keywords all belong to one type, is read as that type.
pub const IMPLIED_TYPE: Rule = Rule {
    id: "implied-type",
    severity: Severity::Info,
    summary: "a schema whose keywords all belong to one type should say `type`",
};

/// A schema that says more than the generated type can express.
pub const UNTYPED_VALUE: Rule =
    Rule { id: "untyped-value", severity: Severity::Warning, summary: "a schema should be expressible as a type" };

/// An option that names nothing in the document.
pub const UNUSED_OPTION: Rule = Rule {
    id: "unused-option",
    severity: Severity::Error,
    summary: "an option of the generator must name something in the document",
};

/// An alternative of a union that is the union itself.
pub const CIRCULAR_ALTERNATIVE: Rule = Rule {
    id: "circular-alternative",
    severity: Severity::Warning,
    summary: "no alternative of a union should lead back to the union",
};

/// An option whose value is no Rust.
pub const INVALID_OPTION: Rule = Rule {
    id: "invalid-option",
    severity: Severity::Error,
    summary: "the value of an option of the generator must be Rust",
};

/// A payload or headers in a schema language that is not read.
pub const FOREIGN_SCHEMA: Rule = Rule {
    id: "foreign-schema",
    severity: Severity::Warning,
    summary: "payloads in other schema languages than JSON Schema and Avro become untyped JSON values",
};

/// Two messages of a channel with the same type on the wire.
pub const AMBIGUOUS_EVENT_TYPE: Rule = Rule {
    id: "ambiguous-event-type",
    severity: Severity::Warning,
    summary: "the messages of a channel should differ in name",
};

/// A correlation id that points to no member.
pub const CORRELATION_ID_NOWHERE: Rule = Rule {
    id: "correlation-id-nowhere",
    severity: Severity::Info,
    summary: "a correlation id's location should lead to a declared member",
};

/// Schemas whose listed values take too long to check.
pub const CHECK_LIMIT: Rule = Rule {
    id: "check-limit",
    severity: Severity::Error,
    summary: "it can be decided in bounded time which of the listed values are valid",
};

/// Versions of a document that could not be told apart.
pub const VERSIONS_ALIKE: Rule = Rule {
    id: "versions-alike",
    severity: Severity::Error,
    summary: "versions that are generated together must differ in `info.version` and in the name of their file",
};

/// Versions of a document in another order than that of their numbers.
pub const VERSIONS_OUT_OF_ORDER: Rule = Rule {
    id: "versions-out-of-order",
    severity: Severity::Error,
    summary: "versions that are generated together must be listed from the oldest to the newest",
};

/// A channel that only earlier versions have.
pub const VERSIONS_CHANNEL_GONE: Rule = Rule {
    id: "versions-channel-gone",
    severity: Severity::Warning,
    summary: "a channel of an earlier version should have a counterpart in the newest",
};

/// A message that no `impl` can bring from one version to the next.
pub const VERSIONS_UNRELATED: Rule = Rule {
    id: "versions-unrelated",
    severity: Severity::Error,
    summary: "a message of several versions must have types between which an `Upcast` can be written",
};

/// Every rule of the generator.
pub const ALL: &[Rule] = &[
    CHECK_LIMIT,
    IMPLIED_TYPE,
    UNTYPED_VALUE,
    UNUSED_OPTION,
    INVALID_OPTION,
    CIRCULAR_ALTERNATIVE,
    FOREIGN_SCHEMA,
    AMBIGUOUS_EVENT_TYPE,
    CORRELATION_ID_NOWHERE,
    VERSIONS_ALIKE,
    VERSIONS_OUT_OF_ORDER,
    VERSIONS_CHANNEL_GONE,
    VERSIONS_UNRELATED,
];
