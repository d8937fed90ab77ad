//! Bindings: every protocol's is kept as it is written, those of known protocols are read into types as well.

use super::{Fields, Reader, members};
use crate::diagnostic::Diagnostic;
use crate::document::{Binding, Bindings, TypedBinding};
use crate::resolve::At;
use crate::rules;
use crate::source::Value;

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
            let help = "write the name of each protocol and its binding below it, or leave `bindings` out";
            self.found.push(Diagnostic::new(rules::INVALID_BINDING, message, &at.location()).help(help));
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
        let (what, read): (&'static str, Read<'a>) = match (plain_protocol(protocol), owner) {
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
            ("ibmmq", Owner::Server) => ("IBM MQ Server Binding Object", Self::ibm_mq_server),
            ("ibmmq", Owner::Channel) => ("IBM MQ Channel Binding Object", Self::ibm_mq_channel),
            ("ibmmq", Owner::Message) => ("IBM MQ Message Binding Object", Self::ibm_mq_message),
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
            let is_own = [rules::WRONG_TYPE, rules::MISSING_FIELD, rules::UNKNOWN_VALUE].contains(&fault.rule);
            self.found.push(if is_own {
                Diagnostic { rule: rules::INVALID_BINDING, severity: rules::INVALID_BINDING.severity, ..fault }
            } else {
                fault
            });
        }
        typed
    }
}

/// The protocol whose bindings are those of `protocol`: over TLS it is the same.
pub(crate) fn plain_protocol(protocol: &str) -> &str {
    match protocol {
        "kafka-secure" => "kafka",
        "amqps" => "amqp",
        "secure-mqtt" | "mqtts" => "mqtt",
        "https" => "http",
        "wss" => "ws",
        other => other,
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
        NatsOperation,
        IbmMqServer,
        IbmMqChannel,
        IbmMqMessage
    );
}
