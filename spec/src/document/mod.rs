//! The one model: an AsyncAPI 3.x document with references resolved and traits merged.
//!
//! 2.x documents are upgraded on reading, so nothing behind this module knows that they exist. What has an identity
//! (servers, channels, messages, schemas) stands in arenas and is named by id; two references to the same object are
//! the same id. Everything else is held by value. `location` is always where the object is written, in whatever file.

mod binding;
mod event_type;
mod message;
mod operation;
pub(crate) mod read;
mod security;
mod server;

use indexmap::IndexMap;

pub use binding::{
    AmqpChannelBinding, AmqpExchange, AmqpMessageBinding, AmqpOperationBinding, AmqpQueue, Binding, Bindings,
    HttpMessageBinding, HttpOperationBinding, IbmMqChannelBinding, IbmMqMessageBinding, IbmMqQueue, IbmMqServerBinding,
    IbmMqTopic, KafkaChannelBinding, KafkaMessageBinding, KafkaOperationBinding, KafkaServerBinding, MqttLastWill,
    MqttMessageBinding, MqttOperationBinding, MqttServerBinding, NatsOperationBinding, TypedBinding,
    WebSocketChannelBinding,
};
pub use event_type::{EventType, EventTypes};
pub use message::{CorrelationId, Message, MessageExample, MessageTrait, Payload, RuntimeExpression, SchemaFormat};
pub use operation::{Action, Operation, OperationTrait, Reply, ReplyAddress};
pub use security::{OAuthFlow, OAuthFlows, RequiredScheme, SecurityRequirement, SecurityScheme, SecuritySchemeKind};
pub use server::{Server, ServerVariable};

use crate::schema::{SchemaId, Schemas};
use crate::source::{Location, Node};

/// `x-…` members, as they are written.
pub type Extensions = IndexMap<String, Node>;

/// The version of the specification that a document was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SpecVersion {
    /// 2.0.0
    V2_0,
    /// 2.1.0
    V2_1,
    /// 2.2.0
    V2_2,
    /// 2.3.0
    V2_3,
    /// 2.4.0
    V2_4,
    /// 2.5.0
    V2_5,
    /// 2.6.0
    V2_6,
    /// 3.0.0
    V3_0,
    /// 3.1.0
    V3_1,
}

macro_rules! arena_id {
    ($($(#[$doc:meta])* $name:ident => $field:ident: $target:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) u32);

        impl std::ops::Index<$name> for Document {
            type Output = $target;

            fn index(&self, id: $name) -> &$target {
                &self.$field[id.0 as usize]
            }
        }
    )*};
}

arena_id! {
    /// A server of a document: `document[id]`.
    ServerId => server_arena: Server;
    /// A channel of a document: `document[id]`.
    ChannelId => channel_arena: Channel;
    /// A message of a document: `document[id]`.
    MessageId => message_arena: Message;
}

/// An AsyncAPI document.
#[derive(Clone, Debug)]
pub struct Document {
    /// The version it was written for.
    pub version: SpecVersion,
    /// The whole document.
    pub location: Location,
    /// `id`: an identifier of the application, a URI.
    pub id: Option<String>,
    /// `info`
    pub info: Info,
    /// `defaultContentType`
    pub default_content_type: Option<String>,
    /// `servers`
    pub servers: IndexMap<String, ServerId>,
    /// `channels`
    pub channels: IndexMap<String, ChannelId>,
    /// `operations`. A 2.x operation without an `operationId` is keyed by its channel and direction, as the
    /// migration guide's converter does it: `user/signedup.publish`.
    pub operations: IndexMap<String, Operation>,
    /// `components`: also what nothing refers to.
    pub components: Components,
    /// Every schema.
    pub schemas: Schemas,
    /// The named types of every payload in Avro.
    pub avro: crate::avro::Schemas,
    /// `x-…`
    pub extensions: Extensions,
    pub(crate) server_arena: Vec<Server>,
    pub(crate) channel_arena: Vec<Channel>,
    pub(crate) message_arena: Vec<Message>,
}

impl std::ops::Index<SchemaId> for Document {
    type Output = crate::schema::Schema;

    fn index(&self, id: SchemaId) -> &crate::schema::Schema {
        &self.schemas[id]
    }
}

/// The Info Object. `tags` and `externalDocs` of a 2.x root stand here, as in 3.x.
#[derive(Clone, Debug)]
pub struct Info {
    /// Where it is written.
    pub location: Location,
    /// `title`
    pub title: String,
    /// `version` of the application's interface.
    pub version: String,
    /// `description`, CommonMark
    pub description: Option<String>,
    /// `termsOfService`, a URL
    pub terms_of_service: Option<String>,
    /// `contact`
    pub contact: Option<Contact>,
    /// `license`
    pub license: Option<License>,
    /// `tags`
    pub tags: Vec<Tag>,
    /// `externalDocs`
    pub external_docs: Option<ExternalDocs>,
    /// `x-…`
    pub extensions: Extensions,
}

/// The Contact Object.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    /// `name`
    pub name: Option<String>,
    /// `url`
    pub url: Option<String>,
    /// `email`
    pub email: Option<String>,
    /// `x-…`
    pub extensions: Extensions,
}

/// The License Object.
#[derive(Clone, Debug, Default)]
pub struct License {
    /// `name`
    pub name: String,
    /// `url`
    pub url: Option<String>,
    /// `x-…`
    pub extensions: Extensions,
}

/// The Tag Object.
#[derive(Clone, Debug)]
pub struct Tag {
    /// Where it is written.
    pub location: Location,
    /// `name`
    pub name: String,
    /// `description`
    pub description: Option<String>,
    /// `externalDocs`
    pub external_docs: Option<ExternalDocs>,
    /// `x-…`
    pub extensions: Extensions,
}

/// The External Documentation Object.
#[derive(Clone, Debug)]
pub struct ExternalDocs {
    /// Where it is written.
    pub location: Location,
    /// `url`
    pub url: String,
    /// `description`
    pub description: Option<String>,
    /// `x-…`
    pub extensions: Extensions,
}

/// The Channel Object.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Where it is written.
    pub location: Location,
    /// The key in `channels` (or in `components/channels` for one that only stands there). In 2.x, the address.
    pub key: String,
    /// `address`; `None` when it is `null` or absent, that is unknown until run time.
    pub address: Option<String>,
    /// `title`
    pub title: Option<String>,
    /// `summary`
    pub summary: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `messages` by their keys in the channel.
    pub messages: IndexMap<String, MessageId>,
    /// `servers`; empty means all servers of the document.
    pub servers: Vec<ServerId>,
    /// `parameters`, in the order in which the address uses them, then the others.
    pub parameters: IndexMap<String, Parameter>,
    /// `tags`
    pub tags: Vec<Tag>,
    /// `externalDocs`
    pub external_docs: Option<ExternalDocs>,
    /// `bindings`
    pub bindings: Bindings,
    /// `x-…`
    pub extensions: Extensions,
}

/// The Parameter Object. 3.x parameters are strings; a 2.x `schema` is kept beside what could be upgraded.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Where it is written.
    pub location: Location,
    /// `description`
    pub description: Option<String>,
    /// `enum`
    pub enum_values: Vec<String>,
    /// `default`
    pub default: Option<String>,
    /// `examples`
    pub examples: Vec<String>,
    /// `location`: where the parameter's value stands in a message.
    pub value_location: Option<RuntimeExpression>,
    /// `schema` of 2.x.
    pub schema: Option<SchemaId>,
    /// `x-…`
    pub extensions: Extensions,
}

/// The Components Object: reusable objects by name, referenced or not.
#[derive(Clone, Debug, Default)]
pub struct Components {
    /// `schemas` in JSON Schema
    pub schemas: IndexMap<String, SchemaId>,
    /// `schemas` in another schema language (3.x Multi Format Schema Objects)
    pub foreign_schemas: IndexMap<String, Payload>,
    /// `servers`
    pub servers: IndexMap<String, ServerId>,
    /// `channels`
    pub channels: IndexMap<String, ChannelId>,
    /// `operations` (3.x)
    pub operations: IndexMap<String, Operation>,
    /// `messages`
    pub messages: IndexMap<String, MessageId>,
    /// `securitySchemes`
    pub security_schemes: IndexMap<String, SecurityScheme>,
    /// `serverVariables`
    pub server_variables: IndexMap<String, ServerVariable>,
    /// `parameters`
    pub parameters: IndexMap<String, Parameter>,
    /// `correlationIds`
    pub correlation_ids: IndexMap<String, CorrelationId>,
    /// `replies`
    pub replies: IndexMap<String, Reply>,
    /// `replyAddresses`
    pub reply_addresses: IndexMap<String, ReplyAddress>,
    /// `externalDocs`
    pub external_docs: IndexMap<String, ExternalDocs>,
    /// `tags`
    pub tags: IndexMap<String, Tag>,
    /// `operationTraits`
    pub operation_traits: IndexMap<String, OperationTrait>,
    /// `messageTraits`
    pub message_traits: IndexMap<String, MessageTrait>,
    /// `serverBindings`
    pub server_bindings: IndexMap<String, Bindings>,
    /// `channelBindings`
    pub channel_bindings: IndexMap<String, Bindings>,
    /// `operationBindings`
    pub operation_bindings: IndexMap<String, Bindings>,
    /// `messageBindings`
    pub message_bindings: IndexMap<String, Bindings>,
    /// `x-…`
    pub extensions: Extensions,
}
