//! Bindings: every protocol's is kept as it is written, those of known protocols are read into types as well.

use super::{Fields, Reader, members};
use crate::diagnostic::Diagnostic;
use crate::document::{
    AmqpChannelBinding, AmqpMessageBinding, AmqpOperationBinding, Binding, Bindings, HttpMessageBinding,
    HttpOperationBinding, KafkaChannelBinding, KafkaMessageBinding, KafkaOperationBinding, KafkaServerBinding,
    MqttMessageBinding, MqttOperationBinding, MqttServerBinding, NatsOperationBinding, TypedBinding,
    WebSocketChannelBinding,
};
use crate::resolve::At;
use crate::rules;
use crate::schema::{Dialect, SchemaId};
use crate::source::{Node, Value};

/// Whose bindings they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Server,
    Channel,
    Operation,
    Message,
}

impl Owner {
    fn section(self) -> &'static str {
        match self {
            Owner::Server => "serverBindings",
            Owner::Channel => "channelBindings",
            Owner::Operation => "operationBindings",
            Owner::Message => "messageBindings",
        }
    }
}

impl<'a> Reader<'a> {
    /// The member `bindings`.
    pub(crate) fn bindings_of(&mut self, fields: &mut Fields<'a>, owner: Owner) -> Bindings {
        match fields.value("bindings", &mut self.found) {
            Some(at) => self.bindings(at, owner),
            None => Bindings::default(),
        }
    }

    pub(super) fn bindings(&mut self, at: At<'a>, owner: Owner) -> Bindings {
        let mut bindings = Bindings::default();
        let Some(at) = self.dereference(at, owner.section()) else { return bindings };
        if at.node.as_object().is_none() {
            let message = format!("`bindings` must be an object, but is {}", at.node.kind());
            self.found.push(Diagnostic::new(rules::INVALID_BINDING, message, &at.location()));
        }
        for (protocol, at) in members(&at) {
            // `x-…` members are values; a reference deep in a binding is its own affair.
            let at = match at.reference() {
                Some(_) if !protocol.starts_with("x-") => match self.dereference(at, owner.section()) {
                    Some(at) => at,
                    None => continue,
                },
                _ => at,
            };
            let typed = self.typed_binding(&protocol, &at, owner);
            bindings.insert(protocol, Binding { location: at.location(), node: at.node.clone(), typed });
        }
        bindings
    }

    fn typed_binding(&mut self, protocol: &str, at: &At<'a>, owner: Owner) -> Option<TypedBinding> {
        // `mqtt:` with nothing behind it says that the protocol is used.
        if at.node.value == Value::Null {
            return None;
        }
        type Read<'a> = fn(&mut Reader<'a>, &mut Fields<'a>) -> TypedBinding;
        let (what, read): (&'static str, Read<'a>) = match (protocol, owner) {
            ("http", Owner::Operation) => ("HTTP Operation Binding Object", Self::http_operation),
            ("http", Owner::Message) => ("HTTP Message Binding Object", Self::http_message),
            ("ws", Owner::Channel) => ("WebSockets Channel Binding Object", Self::ws_channel),
            ("kafka", Owner::Server) => ("Kafka Server Binding Object", Self::kafka_server),
            ("kafka", Owner::Channel) => ("Kafka Channel Binding Object", Self::kafka_channel),
            ("kafka", Owner::Operation) => ("Kafka Operation Binding Object", Self::kafka_operation),
            ("kafka", Owner::Message) => ("Kafka Message Binding Object", Self::kafka_message),
            ("amqp", Owner::Channel) => ("AMQP Channel Binding Object", Self::amqp_channel),
            ("amqp", Owner::Operation) => ("AMQP Operation Binding Object", Self::amqp_operation),
            ("amqp", Owner::Message) => ("AMQP Message Binding Object", Self::amqp_message),
            ("mqtt", Owner::Server) => ("MQTT Server Binding Object", Self::mqtt_server),
            ("mqtt", Owner::Operation) => ("MQTT Operation Binding Object", Self::mqtt_operation),
            ("mqtt", Owner::Message) => ("MQTT Message Binding Object", Self::mqtt_message),
            ("nats", Owner::Operation) => ("NATS Operation Binding Object", Self::nats_operation),
            _ => return None,
        };
        let found = std::mem::take(&mut self.found);
        let fields = Fields::of(at, what, &mut self.found);
        let typed = fields.map(|mut fields| {
            let mut typed = read(self, &mut fields);
            let version = fields.string("bindingVersion", &mut self.found);
            let extensions = fields.finish(&mut self.found);
            finish(&mut typed, version, extensions);
            typed
        });
        // Nothing but the wire depends on bindings, and there are many versions of them: one mild rule for all faults.
        let faults = std::mem::replace(&mut self.found, found);
        for fault in faults.into_sorted() {
            let is_own = [rules::WRONG_TYPE, rules::MISSING_FIELD].contains(&fault.rule);
            self.found.push(if is_own {
                Diagnostic { rule: rules::INVALID_BINDING, severity: rules::INVALID_BINDING.severity, ..fault }
            } else {
                fault
            });
        }
        typed
    }

    fn schema_of(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<SchemaId> {
        let at = fields.value(name, &mut self.found)?;
        if at.node.as_object().is_none() && !matches!(at.node.value, Value::Bool(_)) {
            let message = format!("`{name}` must be a schema, but is {}", at.node.kind());
            self.found.push(Diagnostic::new(rules::INVALID_BINDING, message, &at.location()));
            return None;
        }
        Some(self.schema(at, Dialect::default(), None))
    }

    fn node_of(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<Node> {
        fields.value(name, &mut self.found).map(|at| at.node.clone())
    }

    fn http_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::HttpOperation(HttpOperationBinding {
            kind: fields.string("type", &mut self.found),
            method: fields.string("method", &mut self.found),
            query: self.schema_of(fields, "query"),
            ..Default::default()
        })
    }

    fn http_message(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::HttpMessage(HttpMessageBinding {
            headers: self.schema_of(fields, "headers"),
            status_code: fields.unsigned("statusCode", &mut self.found),
            ..Default::default()
        })
    }

    fn ws_channel(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::WebSocketChannel(WebSocketChannelBinding {
            method: fields.string("method", &mut self.found),
            query: self.schema_of(fields, "query"),
            headers: self.schema_of(fields, "headers"),
            ..Default::default()
        })
    }

    fn kafka_server(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::KafkaServer(KafkaServerBinding {
            schema_registry_url: fields.string("schemaRegistryUrl", &mut self.found),
            schema_registry_vendor: fields.string("schemaRegistryVendor", &mut self.found),
            ..Default::default()
        })
    }

    fn kafka_channel(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::KafkaChannel(KafkaChannelBinding {
            topic: fields.string("topic", &mut self.found),
            partitions: fields.unsigned("partitions", &mut self.found),
            replicas: fields.unsigned("replicas", &mut self.found),
            topic_configuration: self.node_of(fields, "topicConfiguration"),
            ..Default::default()
        })
    }

    fn kafka_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::KafkaOperation(KafkaOperationBinding {
            group_id: self.schema_of(fields, "groupId"),
            client_id: self.schema_of(fields, "clientId"),
            ..Default::default()
        })
    }

    fn kafka_message(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::KafkaMessage(KafkaMessageBinding {
            key: self.schema_of(fields, "key"),
            schema_id_location: fields.string("schemaIdLocation", &mut self.found),
            schema_id_payload_encoding: fields.string("schemaIdPayloadEncoding", &mut self.found),
            schema_lookup_strategy: fields.string("schemaLookupStrategy", &mut self.found),
            ..Default::default()
        })
    }

    fn amqp_channel(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::AmqpChannel(AmqpChannelBinding {
            is: fields.string("is", &mut self.found),
            exchange: self.node_of(fields, "exchange"),
            queue: self.node_of(fields, "queue"),
            ..Default::default()
        })
    }

    fn amqp_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::AmqpOperation(AmqpOperationBinding {
            expiration: fields.unsigned("expiration", &mut self.found),
            user_id: fields.string("userId", &mut self.found),
            cc: fields.has("cc").then(|| fields.strings("cc", &mut self.found)),
            priority: fields.unsigned("priority", &mut self.found),
            delivery_mode: fields.unsigned("deliveryMode", &mut self.found),
            mandatory: fields.boolean("mandatory", &mut self.found),
            bcc: fields.has("bcc").then(|| fields.strings("bcc", &mut self.found)),
            timestamp: fields.boolean("timestamp", &mut self.found),
            ack: fields.boolean("ack", &mut self.found),
            reply_to: fields.string("replyTo", &mut self.found),
            ..Default::default()
        })
    }

    fn amqp_message(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::AmqpMessage(AmqpMessageBinding {
            content_encoding: fields.string("contentEncoding", &mut self.found),
            message_type: fields.string("messageType", &mut self.found),
            ..Default::default()
        })
    }

    fn mqtt_server(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::MqttServer(MqttServerBinding {
            client_id: fields.string("clientId", &mut self.found),
            clean_session: fields.boolean("cleanSession", &mut self.found),
            last_will: self.node_of(fields, "lastWill"),
            keep_alive: fields.unsigned("keepAlive", &mut self.found),
            session_expiry_interval: self.node_of(fields, "sessionExpiryInterval"),
            maximum_packet_size: self.node_of(fields, "maximumPacketSize"),
            ..Default::default()
        })
    }

    fn mqtt_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::MqttOperation(MqttOperationBinding {
            qos: fields.unsigned("qos", &mut self.found),
            retain: fields.boolean("retain", &mut self.found),
            message_expiry_interval: self.node_of(fields, "messageExpiryInterval"),
            ..Default::default()
        })
    }

    fn mqtt_message(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::MqttMessage(MqttMessageBinding {
            payload_format_indicator: fields.unsigned("payloadFormatIndicator", &mut self.found),
            correlation_data: self.schema_of(fields, "correlationData"),
            content_type: fields.string("contentType", &mut self.found),
            response_topic: self.node_of(fields, "responseTopic"),
            ..Default::default()
        })
    }

    fn nats_operation(&mut self, fields: &mut Fields<'a>) -> TypedBinding {
        TypedBinding::NatsOperation(NatsOperationBinding {
            queue: fields.string("queue", &mut self.found),
            ..Default::default()
        })
    }
}

/// What all of them have.
fn finish(typed: &mut TypedBinding, version: Option<String>, members: crate::document::Extensions) {
    macro_rules! each {
        ($($variant:ident),*) => {
            match typed {
                $(TypedBinding::$variant(binding) => {
                    binding.binding_version = version;
                    binding.extensions = members;
                })*
            }
        };
    }
    each!(
        HttpOperation,
        HttpMessage,
        WebSocketChannel,
        KafkaServer,
        KafkaChannel,
        KafkaOperation,
        KafkaMessage,
        AmqpChannel,
        AmqpOperation,
        AmqpMessage,
        MqttServer,
        MqttOperation,
        MqttMessage,
        NatsOperation
    );
}
