//! The binding objects of each protocol, from their fields to their types.
//!
//! Which values they allow is what their specifications in <https://github.com/asyncapi/bindings> say; where versions
//! differ, the fields of all of them are known. What is wrong becomes one rule in [`super::binding`].

use super::{Fields, Reader, text};
use crate::diagnostic::Diagnostic;
use crate::document::{
    AmqpChannelBinding, AmqpExchange, AmqpMessageBinding, AmqpOperationBinding, AmqpQueue, HttpMessageBinding,
    HttpOperationBinding, IbmMqChannelBinding, IbmMqMessageBinding, IbmMqQueue, IbmMqServerBinding, IbmMqTopic,
    KafkaChannelBinding, KafkaMessageBinding, KafkaOperationBinding, KafkaServerBinding, MqttLastWill,
    MqttMessageBinding, MqttOperationBinding, MqttServerBinding, NatsOperationBinding, TypedBinding,
    WebSocketChannelBinding,
};
use crate::resolve::At;
use crate::rules;
use crate::schema::{Dialect, SchemaId};
use crate::source::{Node, Value};

/// RFC 9110, section 9.3, and PATCH.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"];

impl<'a> Reader<'a> {
    fn schema_of(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<SchemaId> {
        let at = fields.value(name, &mut self.found)?;
        if at.node.as_object().is_none() && !matches!(at.node.value, Value::Bool(_)) {
            let message = format!("`{name}` must be a schema, but is {}", at.node.kind());
            let help = format!("write a schema, for example `{name}: {{ type: object }}`");
            self.found.push(Diagnostic::new(rules::INVALID_BINDING, message, &at.location()).help(help));
            return None;
        }
        Some(self.schema(at, Dialect::default(), None))
    }

    fn node_of(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<Node> {
        fields.value(name, &mut self.found).map(|at| at.node.clone())
    }

    pub(super) fn http_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        let version = fields.peek("bindingVersion");
        let version = version.and_then(|at| text(at.node)).unwrap_or_default();
        // 0.3 has no `type` any more, and is what a binding without a version is.
        if ["0.1.", "0.2."].iter().any(|old| version.starts_with(old)) && !fields.has("type") {
            fields.missing("type", &mut self.found);
        }
        TypedBinding::HttpOperation(HttpOperationBinding {
            kind: fields.choice("type", &["request", "response"], &mut self.found),
            method: fields.choice("method", METHODS, &mut self.found),
            query: self.schema_of(fields, "query"),
            ..Default::default()
        })
    }

    pub(super) fn http_message(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::HttpMessage(HttpMessageBinding {
            headers: self.schema_of(fields, "headers"),
            status_code: fields.within("statusCode", 100..=599, &mut self.found),
            ..Default::default()
        })
    }

    pub(super) fn ws_channel(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::WebSocketChannel(WebSocketChannelBinding {
            method: fields.choice("method", &["GET", "POST"], &mut self.found),
            query: self.schema_of(fields, "query"),
            headers: self.schema_of(fields, "headers"),
            ..Default::default()
        })
    }

    pub(super) fn kafka_server(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::KafkaServer(KafkaServerBinding {
            schema_registry_url: fields.string("schemaRegistryUrl", &mut self.found),
            schema_registry_vendor: fields.string("schemaRegistryVendor", &mut self.found),
            ..Default::default()
        })
    }

    pub(super) fn kafka_channel(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::KafkaChannel(KafkaChannelBinding {
            topic: fields.string("topic", &mut self.found),
            partitions: fields.unsigned("partitions", &mut self.found),
            replicas: fields.unsigned("replicas", &mut self.found),
            topic_configuration: self.node_of(fields, "topicConfiguration"),
            ..Default::default()
        })
    }

    pub(super) fn kafka_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::KafkaOperation(KafkaOperationBinding {
            group_id: self.schema_of(fields, "groupId"),
            client_id: self.schema_of(fields, "clientId"),
            ..Default::default()
        })
    }

    pub(super) fn kafka_message(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::KafkaMessage(KafkaMessageBinding {
            key: self.schema_of(fields, "key"),
            schema_id_location: fields.string("schemaIdLocation", &mut self.found),
            schema_id_payload_encoding: fields.string("schemaIdPayloadEncoding", &mut self.found),
            schema_lookup_strategy: fields.string("schemaLookupStrategy", &mut self.found),
            ..Default::default()
        })
    }

    pub(super) fn amqp_channel(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::AmqpChannel(AmqpChannelBinding {
            is: fields.choice("is", &["queue", "routingKey"], &mut self.found),
            exchange: fields.value("exchange", &mut self.found).and_then(|at| self.amqp_exchange(&at)),
            queue: fields.value("queue", &mut self.found).and_then(|at| self.amqp_queue(&at)),
            ..Default::default()
        })
    }

    fn amqp_exchange(&mut self, at: &At<'a>) -> Option<AmqpExchange> {
        const TYPES: &[&str] = &["topic", "direct", "fanout", "default", "headers"];
        let mut fields = Fields::of(at, "AMQP Exchange Object", &mut self.found)?;
        Some(AmqpExchange {
            name: fields.short_string("name", 255, &mut self.found),
            kind: fields.choice("type", TYPES, &mut self.found),
            durable: fields.boolean("durable", &mut self.found),
            auto_delete: fields.boolean("autoDelete", &mut self.found),
            vhost: fields.string("vhost", &mut self.found),
            extensions: fields.finish(&mut self.found),
        })
    }

    fn amqp_queue(&mut self, at: &At<'a>) -> Option<AmqpQueue> {
        let mut fields = Fields::of(at, "AMQP Queue Object", &mut self.found)?;
        Some(AmqpQueue {
            name: fields.short_string("name", 255, &mut self.found),
            durable: fields.boolean("durable", &mut self.found),
            exclusive: fields.boolean("exclusive", &mut self.found),
            auto_delete: fields.boolean("autoDelete", &mut self.found),
            vhost: fields.string("vhost", &mut self.found),
            extensions: fields.finish(&mut self.found),
        })
    }

    pub(super) fn amqp_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::AmqpOperation(AmqpOperationBinding {
            expiration: fields.unsigned("expiration", &mut self.found),
            user_id: fields.string("userId", &mut self.found),
            cc: fields.has("cc").then(|| fields.strings("cc", &mut self.found)),
            priority: fields.unsigned("priority", &mut self.found),
            delivery_mode: fields.within("deliveryMode", 1..=2, &mut self.found),
            mandatory: fields.boolean("mandatory", &mut self.found),
            bcc: fields.has("bcc").then(|| fields.strings("bcc", &mut self.found)),
            timestamp: fields.boolean("timestamp", &mut self.found),
            ack: fields.boolean("ack", &mut self.found),
            reply_to: fields.string("replyTo", &mut self.found),
            ..Default::default()
        })
    }

    pub(super) fn amqp_message(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::AmqpMessage(AmqpMessageBinding {
            content_encoding: fields.string("contentEncoding", &mut self.found),
            message_type: fields.string("messageType", &mut self.found),
            ..Default::default()
        })
    }

    pub(super) fn mqtt_server(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::MqttServer(MqttServerBinding {
            client_id: fields.string("clientId", &mut self.found),
            clean_session: fields.boolean("cleanSession", &mut self.found),
            last_will: fields.value("lastWill", &mut self.found).and_then(|at| self.mqtt_last_will(&at)),
            keep_alive: fields.unsigned("keepAlive", &mut self.found),
            session_expiry_interval: self.node_of(fields, "sessionExpiryInterval"),
            maximum_packet_size: self.node_of(fields, "maximumPacketSize"),
            ..Default::default()
        })
    }

    fn mqtt_last_will(&mut self, at: &At<'a>) -> Option<MqttLastWill> {
        let mut fields = Fields::of(at, "MQTT Last Will Object", &mut self.found)?;
        Some(MqttLastWill {
            topic: fields.string("topic", &mut self.found),
            qos: fields.within("qos", 0..=2, &mut self.found),
            message: fields.string("message", &mut self.found),
            retain: fields.boolean("retain", &mut self.found),
            extensions: fields.finish(&mut self.found),
        })
    }

    pub(super) fn mqtt_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::MqttOperation(MqttOperationBinding {
            qos: fields.within("qos", 0..=2, &mut self.found),
            retain: fields.boolean("retain", &mut self.found),
            message_expiry_interval: self.node_of(fields, "messageExpiryInterval"),
            ..Default::default()
        })
    }

    pub(super) fn mqtt_message(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::MqttMessage(MqttMessageBinding {
            payload_format_indicator: fields.within("payloadFormatIndicator", 0..=1, &mut self.found),
            correlation_data: self.schema_of(fields, "correlationData"),
            content_type: fields.string("contentType", &mut self.found),
            response_topic: self.node_of(fields, "responseTopic"),
            ..Default::default()
        })
    }

    pub(super) fn nats_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::NatsOperation(NatsOperationBinding {
            queue: fields.string("queue", &mut self.found),
            ..Default::default()
        })
    }
    pub(super) fn ibm_mq_server(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::IbmMqServer(IbmMqServerBinding {
            group_id: fields.string("groupId", &mut self.found),
            ccdt_queue_manager_name: fields.string("ccdtQueueManagerName", &mut self.found),
            cipher_spec: fields.string("cipherSpec", &mut self.found),
            multi_endpoint_server: fields.boolean("multiEndpointServer", &mut self.found),
            heart_beat_interval: fields.within("heartBeatInterval", 0..=999_999, &mut self.found),
            ..Default::default()
        })
    }

    pub(super) fn ibm_mq_channel(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        if let (Some(topic), Some(queue)) = (fields.peek("topic"), fields.peek("queue")) {
            let message = "an IBM MQ Channel Binding Object has both `queue` and `topic`";
            let diagnostic = Diagnostic::new(rules::INVALID_BINDING, message, &topic.location())
                .label(&queue.location(), "the other one")
                .help("keep the one that `destinationType` names");
            self.found.push(diagnostic);
        }
        TypedBinding::IbmMqChannel(IbmMqChannelBinding {
            destination_type: fields.choice("destinationType", &["topic", "queue"], &mut self.found),
            queue: fields.value("queue", &mut self.found).and_then(|at| self.ibm_mq_queue(&at)),
            topic: fields.value("topic", &mut self.found).and_then(|at| self.ibm_mq_topic(&at)),
            max_msg_length: fields.within("maxMsgLength", 0..=104_857_600, &mut self.found),
            ..Default::default()
        })
    }

    fn ibm_mq_queue(&mut self, at: &At<'a>) -> Option<IbmMqQueue> {
        let mut fields = Fields::of(at, "IBM MQ Queue Object", &mut self.found)?;
        if !fields.has("objectName") {
            fields.missing("objectName", &mut self.found);
        }
        Some(IbmMqQueue {
            object_name: fields.short_string("objectName", 48, &mut self.found),
            is_partitioned: fields.boolean("isPartitioned", &mut self.found),
            exclusive: fields.boolean("exclusive", &mut self.found),
            extensions: fields.finish(&mut self.found),
        })
    }

    fn ibm_mq_topic(&mut self, at: &At<'a>) -> Option<IbmMqTopic> {
        let mut fields = Fields::of(at, "IBM MQ Topic Object", &mut self.found)?;
        Some(IbmMqTopic {
            string: fields.short_string("string", 10_240, &mut self.found),
            object_name: fields.short_string("objectName", 48, &mut self.found),
            durable_permitted: fields.boolean("durablePermitted", &mut self.found),
            last_msg_retained: fields.boolean("lastMsgRetained", &mut self.found),
            extensions: fields.finish(&mut self.found),
        })
    }

    pub(super) fn ibm_mq_message(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::IbmMqMessage(IbmMqMessageBinding {
            kind: fields.choice("type", &["string", "jms", "binary"], &mut self.found),
            headers: fields.string("headers", &mut self.found),
            description: fields.string("description", &mut self.found),
            expiry: fields.unsigned("expiry", &mut self.found),
            ..Default::default()
        })
    }
}
