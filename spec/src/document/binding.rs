//! Bindings: what a protocol adds to a server, channel, operation or message.
//!
//! Every binding is kept as it is written; those of http, ws, kafka, amqp, mqtt, nats and ibmmq are also read into types.

use indexmap::IndexMap;

use super::Extensions;
use crate::schema::SchemaId;
use crate::source::{Location, Node};

/// The bindings of one object by protocol: `document[channel].bindings.get("kafka")`.
pub type Bindings = IndexMap<String, Binding>;

/// One protocol's binding.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Where it is written.
    pub location: Location,
    /// As it is written.
    pub node: Node,
    /// As a type, where this crate knows the protocol and the binding could be read.
    pub typed: Option<TypedBinding>,
}

/// The bindings that are read into types.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TypedBinding {
    /// `http` of an operation
    HttpOperation(HttpOperationBinding),
    /// `http` of a message
    HttpMessage(HttpMessageBinding),
    /// `ws` of a channel
    WebSocketChannel(WebSocketChannelBinding),
    /// `kafka` of a server
    KafkaServer(KafkaServerBinding),
    /// `kafka` of a channel
    KafkaChannel(KafkaChannelBinding),
    /// `kafka` of an operation
    KafkaOperation(KafkaOperationBinding),
    /// `kafka` of a message
    KafkaMessage(KafkaMessageBinding),
    /// `amqp` of a channel
    AmqpChannel(AmqpChannelBinding),
    /// `amqp` of an operation
    AmqpOperation(AmqpOperationBinding),
    /// `amqp` of a message
    AmqpMessage(AmqpMessageBinding),
    /// `mqtt` of a server
    MqttServer(MqttServerBinding),
    /// `mqtt` of an operation
    MqttOperation(MqttOperationBinding),
    /// `mqtt` of a message
    MqttMessage(MqttMessageBinding),
    /// `nats` of an operation
    NatsOperation(NatsOperationBinding),
    /// `ibmmq` of a server
    IbmMqServer(IbmMqServerBinding),
    /// `ibmmq` of a channel
    IbmMqChannel(IbmMqChannelBinding),
    /// `ibmmq` of a message
    IbmMqMessage(IbmMqMessageBinding),
}

/// Objects of which every member may be absent.
macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: Option<$type>,)*
            /// `x-…`
            pub extensions: Extensions,
        }
    )*};
}

/// Binding objects: all of them state a version.
macro_rules! bindings {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        objects! {$(
            $(#[$doc])*
            $name {
                $($(#[$field_doc])* $field: $type,)*
                /// `bindingVersion`
                binding_version: String,
            }
        )*}
    };
}

bindings! {
    /// `http` of an operation.
    HttpOperationBinding {
        /// `type` (0.1–0.2): `request` or `response`
        kind: String,
        /// `method`
        method: String,
        /// `query`
        query: SchemaId,
    }
    /// `http` of a message.
    HttpMessageBinding {
        /// `headers`
        headers: SchemaId,
        /// `statusCode`
        status_code: u64,
    }
    /// `ws` of a channel.
    WebSocketChannelBinding {
        /// `method`: `GET` or `POST`
        method: String,
        /// `query`
        query: SchemaId,
        /// `headers`
        headers: SchemaId,
    }
    /// `kafka` of a server.
    KafkaServerBinding {
        /// `schemaRegistryUrl`
        schema_registry_url: String,
        /// `schemaRegistryVendor`
        schema_registry_vendor: String,
    }
    /// `kafka` of a channel.
    KafkaChannelBinding {
        /// `topic`
        topic: String,
        /// `partitions`
        partitions: u64,
        /// `replicas`
        replicas: u64,
        /// `topicConfiguration`
        topic_configuration: Node,
    }
    /// `kafka` of an operation.
    KafkaOperationBinding {
        /// `groupId`
        group_id: SchemaId,
        /// `clientId`
        client_id: SchemaId,
    }
    /// `kafka` of a message.
    KafkaMessageBinding {
        /// `key`
        key: SchemaId,
        /// `schemaIdLocation`
        schema_id_location: String,
        /// `schemaIdPayloadEncoding`
        schema_id_payload_encoding: String,
        /// `schemaLookupStrategy`
        schema_lookup_strategy: String,
    }
    /// `amqp` of a channel.
    AmqpChannelBinding {
        /// `is`: `queue` or `routingKey`
        is: String,
        /// `exchange`
        exchange: AmqpExchange,
        /// `queue`
        queue: AmqpQueue,
    }
    /// `amqp` of an operation.
    AmqpOperationBinding {
        /// `expiration`, milliseconds
        expiration: u64,
        /// `userId`
        user_id: String,
        /// `cc`: routing keys
        cc: Vec<String>,
        /// `priority`
        priority: u64,
        /// `deliveryMode`: 1 transient, 2 persistent
        delivery_mode: u64,
        /// `mandatory`
        mandatory: bool,
        /// `bcc`: routing keys
        bcc: Vec<String>,
        /// `timestamp`
        timestamp: bool,
        /// `ack`
        ack: bool,
        /// `replyTo` (0.1–0.2)
        reply_to: String,
    }
    /// `amqp` of a message.
    AmqpMessageBinding {
        /// `contentEncoding`
        content_encoding: String,
        /// `messageType`
        message_type: String,
    }
    /// `mqtt` of a server.
    MqttServerBinding {
        /// `clientId`
        client_id: String,
        /// `cleanSession`
        clean_session: bool,
        /// `lastWill`
        last_will: MqttLastWill,
        /// `keepAlive`, seconds
        keep_alive: u64,
        /// `sessionExpiryInterval`: seconds, or a schema
        session_expiry_interval: Node,
        /// `maximumPacketSize`: bytes, or a schema
        maximum_packet_size: Node,
    }
    /// `mqtt` of an operation.
    MqttOperationBinding {
        /// `qos`: 0, 1 or 2
        qos: u64,
        /// `retain`
        retain: bool,
        /// `messageExpiryInterval`: seconds, or a schema
        message_expiry_interval: Node,
    }
    /// `mqtt` of a message.
    MqttMessageBinding {
        /// `payloadFormatIndicator`: 0 or 1
        payload_format_indicator: u64,
        /// `correlationData`
        correlation_data: SchemaId,
        /// `contentType`
        content_type: String,
        /// `responseTopic`: a URI, or a schema
        response_topic: Node,
    }
    /// `nats` of an operation.
    NatsOperationBinding {
        /// `queue`: the queue group
        queue: String,
    }
    /// `ibmmq` of a server.
    IbmMqServerBinding {
        /// `groupId`: the queue manager group
        group_id: String,
        /// `ccdtQueueManagerName`
        ccdt_queue_manager_name: String,
        /// `cipherSpec`
        cipher_spec: String,
        /// `multiEndpointServer`
        multi_endpoint_server: bool,
        /// `heartBeatInterval`, seconds
        heart_beat_interval: u64,
    }
    /// `ibmmq` of a channel.
    IbmMqChannelBinding {
        /// `destinationType`: `topic` or `queue`
        destination_type: String,
        /// `queue`
        queue: IbmMqQueue,
        /// `topic`
        topic: IbmMqTopic,
        /// `maxMsgLength`, bytes
        max_msg_length: u64,
    }
    /// `ibmmq` of a message.
    IbmMqMessageBinding {
        /// `type`: `string`, `jms` or `binary`
        kind: String,
        /// `headers`: names, separated by commas
        headers: String,
        /// `description`
        description: String,
        /// `expiry`, milliseconds
        expiry: u64,
    }
}

objects! {
    /// `exchange` of an AMQP channel.
    AmqpExchange {
        /// `name`, at most 255 characters
        name: String,
        /// `type`: `topic`, `direct`, `fanout`, `default` or `headers`
        kind: String,
        /// `durable`
        durable: bool,
        /// `autoDelete`
        auto_delete: bool,
        /// `vhost`
        vhost: String,
    }
    /// `queue` of an AMQP channel.
    AmqpQueue {
        /// `name`, at most 255 characters
        name: String,
        /// `durable`
        durable: bool,
        /// `exclusive`
        exclusive: bool,
        /// `autoDelete`
        auto_delete: bool,
        /// `vhost`
        vhost: String,
    }
    /// `lastWill` of an MQTT server.
    MqttLastWill {
        /// `topic`
        topic: String,
        /// `qos`: 0, 1 or 2
        qos: u64,
        /// `message`
        message: String,
        /// `retain`
        retain: bool,
    }
    /// `queue` of an IBM MQ channel.
    IbmMqQueue {
        /// `objectName`, at most 48 characters
        object_name: String,
        /// `isPartitioned`
        is_partitioned: bool,
        /// `exclusive`
        exclusive: bool,
    }
    /// `topic` of an IBM MQ channel.
    IbmMqTopic {
        /// `string`, at most 10240 characters
        string: String,
        /// `objectName`, at most 48 characters
        object_name: String,
        /// `durablePermitted`
        durable_permitted: bool,
        /// `lastMsgRetained`
        last_msg_retained: bool,
    }
}
