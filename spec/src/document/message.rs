//! Messages: what travels over a channel.

use super::{Bindings, Extensions, ExternalDocs, Tag};
use crate::schema::SchemaId;
use crate::source::{Location, Node, Pointer};

/// The Message Object, with its traits merged.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where it is written.
    pub location: Location,
    /// The key of the map that holds it: in `components/messages`, else in its channel; the stem of the file whose root
    /// it is when it was reached by a reference to the whole file. `None` for a 2.x message written in an operation. (3.x channels name messages themselves: see [`super::Channel::messages`].)
    pub key: Option<String>,
    /// `messageId` of 2.4–2.6.
    pub message_id: Option<String>,
    /// `name`, machine-friendly: the event type on the wire.
    pub name: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// `summary`
    pub summary: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `contentType`; [`super::Document::default_content_type`] applies where absent.
    pub content_type: Option<String>,
    /// `headers`: a schema of an object.
    pub headers: Option<Payload>,
    /// `payload`
    pub payload: Option<Payload>,
    /// `correlationId`
    pub correlation_id: Option<CorrelationId>,
    /// `bindings`
    pub bindings: Bindings,
    /// `tags`
    pub tags: Vec<Tag>,
    /// `externalDocs`
    pub external_docs: Option<ExternalDocs>,
    /// `examples`
    pub examples: Vec<MessageExample>,
    /// `traits`, as they were before merging.
    pub traits: Vec<MessageTrait>,
    /// `x-…`
    pub extensions: Extensions,
}

/// The Message Trait Object: what a message takes over unless it says so itself.
#[derive(Clone, Debug)]
pub struct MessageTrait {
    /// Where it is written.
    pub location: Location,
    /// `headers`
    pub headers: Option<Payload>,
    /// The trait as it is written; what applies has been merged into the messages that use it.
    pub node: Node,
}

/// A payload or headers schema, in one of many languages.
#[derive(Clone, Debug)]
pub enum Payload {
    /// JSON Schema of a dialect this crate reads.
    Schema(SchemaId),
    /// Avro: the names in it are those of [`Document::avro`](super::Document::avro).
    Avro(crate::avro::Type),
    /// Another schema language, as it is written; also Avro that could not be read.
    Foreign {
        /// Which.
        format: SchemaFormat,
        /// Where it is written.
        location: Location,
        /// The schema.
        node: Node,
    },
}

/// The language of a payload, from `schemaFormat`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaFormat {
    /// `application/vnd.aai.asyncapi`, `application/schema`, OpenAPI, and JSON Schema's other names.
    JsonSchema(crate::schema::Dialect),
    /// `application/vnd.apache.avro`
    Avro,
    /// `application/vnd.google.protobuf`
    Protobuf,
    /// `application/raml+yaml`
    Raml,
    /// Anything else.
    Other(String),
}

/// The Correlation ID Object.
#[derive(Clone, Debug)]
pub struct CorrelationId {
    /// Where it is written.
    pub location: Location,
    /// `description`
    pub description: Option<String>,
    /// `location`; `None` when it is no valid runtime expression (which was reported).
    pub value_location: Option<RuntimeExpression>,
    /// `x-…`
    pub extensions: Extensions,
}

/// A runtime expression: `$message.header#/correlationId`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeExpression {
    /// `$message.header#…`
    Header(Pointer),
    /// `$message.payload#…`
    Payload(Pointer),
}

/// The Message Example Object.
#[derive(Clone, Debug)]
pub struct MessageExample {
    /// Where it is written.
    pub location: Location,
    /// `name`
    pub name: Option<String>,
    /// `summary`
    pub summary: Option<String>,
    /// `headers`
    pub headers: Option<Node>,
    /// `payload`
    pub payload: Option<Node>,
    /// `x-…`
    pub extensions: Extensions,
}
