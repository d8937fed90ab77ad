//! Bindings: what a protocol is told, by a table of which fields both sides must agree on.

use indexmap::IndexSet;

use super::compare::Versions;
use super::fact::{Fact, Site};
use super::finding::Direction;
use super::rules;
use super::schemas::Part;
use super::unsaid::{OneSided, Suits, Unsaid};
use crate::document::read::binding::plain_protocol;
use crate::document::{Binding, Bindings, TypedBinding};
use crate::schema::{SchemaId, same_value};
use crate::source::{Location, Node};

/// What it means when a field changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Programs of the two versions do not meet, or do not understand each other.
    Wire,
    /// It works better or worse, and all the same.
    Tuning,
    /// It is a schema, and compared as such.
    Schema(Part),
    /// It says nothing to programs.
    Nothing,
}

use Effect::{Nothing, Schema, Tuning, Wire};

/// Protocol, object, fields and their effect. `exchange.name` is a field within a field; `*` is any.
const FIELDS: &[(&str, &str, &[&str], Effect)] = &[
    ("http", "operation", &["method"], Wire),
    // Gone since version 0.3 of the binding: the operation's action says it.
    ("http", "operation", &["type"], Nothing),
    ("http", "operation", &["query"], Schema(Part::Query)),
    ("http", "message", &["headers"], Schema(Part::Headers)),
    ("http", "message", &["statusCode"], Wire),
    ("ws", "channel", &["method"], Wire),
    ("ws", "channel", &["query"], Schema(Part::Query)),
    ("ws", "channel", &["headers"], Schema(Part::Headers)),
    ("kafka", "server", &["schemaRegistryUrl", "schemaRegistryVendor"], Wire),
    ("kafka", "channel", &["topic"], Wire),
    // Events of one key may move to another partition, so their order is lost once.
    ("kafka", "channel", &["partitions", "replicas", "topicConfiguration.*"], Tuning),
    ("kafka", "operation", &["groupId", "clientId"], Tuning),
    ("kafka", "message", &["key"], Schema(Part::Key)),
    ("kafka", "message", &["schemaIdLocation", "schemaIdPayloadEncoding", "schemaLookupStrategy"], Wire),
    // A broker refuses to declare an exchange or a queue that exists with other flags.
    ("amqp", "channel", &["is", "exchange.*", "queue.*"], Wire),
    ("amqp", "operation", &["cc", "bcc", "replyTo"], Wire),
    (
        "amqp",
        "operation",
        &["expiration", "userId", "priority", "deliveryMode", "mandatory", "timestamp", "ack"],
        Tuning,
    ),
    ("amqp", "message", &["contentEncoding", "messageType"], Wire),
    ("mqtt", "server", &["lastWill.*"], Wire),
    (
        "mqtt",
        "server",
        &["clientId", "cleanSession", "keepAlive", "sessionExpiryInterval", "maximumPacketSize"],
        Tuning,
    ),
    ("mqtt", "operation", &["qos", "retain", "messageExpiryInterval"], Tuning),
    ("mqtt", "message", &["payloadFormatIndicator", "contentType", "responseTopic"], Wire),
    ("mqtt", "message", &["correlationData"], Schema(Part::Key)),
    ("nats", "operation", &["queue"], Wire),
    ("ibmmq", "server", &["groupId", "ccdtQueueManagerName", "cipherSpec"], Wire),
    ("ibmmq", "server", &["multiEndpointServer", "heartBeatInterval"], Tuning),
    ("ibmmq", "channel", &["destinationType", "queue.*", "topic.*", "maxMsgLength"], Wire),
    ("ibmmq", "message", &["type", "headers"], Wire),
    ("ibmmq", "message", &["expiry"], Tuning),
    ("ibmmq", "message", &["description"], Nothing),
    ("solace", "server", &["msgVpn", "msgVpnName"], Wire),
    ("solace", "server", &["clientName"], Tuning),
    ("solace", "operation", &["destinations"], Wire),
    ("solace", "operation", &["timeToLive", "priority", "dmqEligible"], Tuning),
    ("sns", "channel", &["name", "ordering.*"], Wire),
    ("sns", "channel", &["policy.*", "tags.*"], Tuning),
    ("sqs", "channel", &["queue.*"], Wire),
    ("sqs", "channel", &["deadLetterQueue.*"], Tuning),
    ("googlepubsub", "channel", &["topic", "schemaSettings.*"], Wire),
    ("googlepubsub", "channel", &["labels.*", "messageRetentionDuration", "messageStoragePolicy.*"], Tuning),
    ("googlepubsub", "message", &["attributes.*", "orderingKey", "schema.*"], Wire),
    ("pulsar", "server", &["tenant"], Wire),
    ("pulsar", "channel", &["namespace", "persistence"], Wire),
    ("pulsar", "channel", &["compaction", "geo-replication", "retention.*", "ttl", "deduplication"], Tuning),
    ("anypointmq", "channel", &["destination", "destinationType"], Wire),
    ("jms", "server", &["jmsConnectionFactory"], Wire),
    ("jms", "server", &["clientID", "properties"], Tuning),
    ("jms", "channel", &["destination", "destinationType"], Wire),
];

/// What a change of `field` means; `None` when nobody knows.
fn effect(protocol: &str, of: &str, field: &str) -> Option<Effect> {
    let protocol = plain_protocol(protocol);
    if field == "bindingVersion" || field.starts_with("x-") {
        return Some(Nothing);
    }
    let covers = |pattern: &str| match pattern.strip_suffix(".*") {
        Some(above) => field.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
        None => pattern == field,
    };
    let known = FIELDS.iter().filter(|(of_protocol, object, ..)| *of_protocol == protocol && *object == of);
    known.clone().find(|(_, _, fields, _)| fields.iter().any(|pattern| covers(pattern))).map(|(.., effect)| *effect)
}

/// Compares the bindings of an object: of a `server`, `channel`, `operation` or `message`.
pub(super) fn compare(
    versions: &mut Versions<'_, '_>,
    site: &Site,
    of: &'static str,
    old: &Bindings,
    new: &Bindings,
    places: (&Location, &Location),
) {
    let protocols: IndexSet<&String> = old.keys().chain(new.keys()).collect();
    for protocol in protocols {
        let (before, after) = (old.get(protocol), new.get(protocol));
        let node = |binding: Option<&Binding>| binding.map(|binding| binding.node.clone());
        let (was, is) = (node(before), node(after));
        if let (Some(was), Some(is)) = (&was, &is)
            && same_value(was, is)
            && !has_references(was)
        {
            continue;
        }
        let at =
            (before.map_or(places.0, |binding| &binding.location), after.map_or(places.1, |binding| &binding.location));
        let mut fields: IndexSet<String> = IndexSet::new();
        for node in [&was, &is].into_iter().flatten() {
            collect(node, "", &mut fields);
        }
        for field in fields {
            let value = |node: &Option<Node>| node.as_ref().and_then(|node| within(node, &field).cloned());
            let (was, is) = (value(&was), value(&is));
            let effect = effect(protocol, of, &field);
            // What is written and could not be read as a schema is compared as it is written.
            let is_read = |binding: Option<&Binding>, node: &Option<Node>| {
                node.is_none() || binding.is_some_and(|binding| schema_of(binding, &field).is_some())
            };
            if let Some(Schema(part)) = effect
                && is_read(before, &was)
                && is_read(after, &is)
            {
                schema(versions, site, part, (before, after), (protocol, &field), at);
                continue;
            }
            let is_same = match (&was, &is) {
                (Some(was), Some(is)) => same_value(was, is),
                (None, None) => true,
                _ => false,
            };
            let is_vital = !matches!(effect, Some(Nothing | Tuning));
            if is_same && is_vital && was.as_ref().is_some_and(|was| versions.may_refer_to_other(was)) {
                let message = format!("`{field}` of `{protocol}` refers to what is not read and may have changed");
                let fact = Fact::new(rules::BINDING_UNDECIDED, message).key(format!("{protocol} {field}"));
                let help = "look at the change, and ignore this finding with a reason if it breaks nobody";
                versions.facts.add(site, fact.old(at.0, "").new_at(at.1, "").help(help));
            }
            if !is_same {
                change(versions, site, (protocol, &field), effect, (was, is), at);
            }
        }
    }
}

/// Schemas in bindings may be references, which say nothing of what they lead to.
fn has_references(node: &Node) -> bool {
    let is_object = |node: &Node| node.as_object().is_some();
    node.as_object().is_some_and(|object| object.iter().any(|(key, node)| key.name == "$ref" || is_object(node)))
}

/// The names of all fields; those of objects within by `outer.inner`.
fn collect(node: &Node, outer: &str, fields: &mut IndexSet<String>) {
    let Some(object) = node.as_object() else { return };
    for (key, value) in object.iter() {
        let name = if outer.is_empty() { key.name.clone() } else { format!("{outer}.{}", key.name) };
        let is_plain = matches!(name.as_str(), "exchange" | "queue" | "topic" | "lastWill" | "topicConfiguration");
        if is_plain && value.as_object().is_some_and(|object| !object.is_empty()) {
            collect(value, &name, fields);
        } else {
            fields.insert(name);
        }
    }
}

fn within<'n>(node: &'n Node, field: &str) -> Option<&'n Node> {
    // Names may have dots themselves: `cleanup.policy` of a Kafka topic.
    if let Some(found) = node.get(field) {
        return Some(found);
    }
    let (outer, inner) = field.split_once('.')?;
    within(node.get(outer)?, inner)
}

/// The schema that a field was read into.
fn schema_of(binding: &Binding, field: &str) -> Option<SchemaId> {
    match (binding.typed.as_ref()?, field) {
        (TypedBinding::HttpOperation(http), "query") => http.query,
        (TypedBinding::HttpMessage(http), "headers") => http.headers,
        (TypedBinding::WebSocketChannel(ws), "query") => ws.query,
        (TypedBinding::WebSocketChannel(ws), "headers") => ws.headers,
        (TypedBinding::KafkaMessage(kafka), "key") => kafka.key,
        (TypedBinding::MqttMessage(mqtt), "correlationData") => mqtt.correlation_data,
        _ => None,
    }
}

fn schema(
    versions: &mut Versions<'_, '_>,
    site: &Site,
    part: Part,
    (old, new): (Option<&Binding>, Option<&Binding>),
    (protocol, field): (&str, &str),
    places: (&Location, &Location),
) {
    let of = |binding: Option<&Binding>| schema_of(binding?, field);
    let (before, after) = (of(old), of(new));
    if let (Some(before), Some(after)) = (before, after) {
        versions.schemas.compare(&mut versions.facts, site, part, before, after);
        return;
    }
    let Some(one) = OneSided::of(before, after) else { return };
    let unsaid = if part == Part::Key { Unsaid::Anything } else { Unsaid::Members };
    let is_new = matches!(one, OneSided::New(_));
    let said = format!("`{field}` of `{protocol}` is {}", if is_new { "described now" } else { "no longer described" });
    let fact = match versions.suits(one, unsaid) {
        Suits::All => Fact::new(rules::BINDING_TUNED, said),
        Suits::NotAll(example) => {
            let help = match one {
                OneSided::New(_) => {
                    "let the schema accept what is sent without it; if it describes what was always sent, ignore this \
                     finding with that reason"
                }
                OneSided::Gone(_) => "keep sending and describing it until everybody has moved",
            };
            Fact::new(rules::BINDING_CHANGED, format!("{}: {said}", one.who()))
                .direction(one.direction())
                .counterexamples(example.into_iter().collect())
                .help(help)
        }
        Suits::Undecided(reason) => {
            let message = format!("{said}, and it could not be decided whether that is compatible: {reason}");
            Fact::new(rules::BINDING_UNDECIDED, message)
                .direction(one.direction())
                .help("look at the change, and ignore this finding with a reason if it breaks nobody")
        }
    };
    versions.facts.add(site, fact.key(format!("{protocol} {field}")).old(places.0, "").new_at(places.1, ""));
}

fn change(
    versions: &mut Versions<'_, '_>,
    site: &Site,
    (protocol, field): (&str, &str),
    effect: Option<Effect>,
    (was, is): (Option<Node>, Option<Node>),
    places: (&Location, &Location),
) {
    let shown =
        |node: &Option<Node>| node.as_ref().map_or_else(|| "not set".to_owned(), |node| node.to_json().to_string());
    let (was, is) = (shown(&was), shown(&is));
    let said = format!("`{field}` of `{protocol}` is {is} now, and was {was}");
    let fact = match effect {
        Some(Nothing) => return,
        Some(Tuning) => Fact::new(rules::BINDING_TUNED, said),
        Some(Wire) => Fact::new(rules::BINDING_CHANGED, format!("{said}: programs of the two versions do not agree"))
            .direction(Direction::Both)
            .help("keep it until everybody has moved; if it only describes what was so before, ignore this finding with that reason"),
        None | Some(Schema(_)) => Fact::new(rules::BINDING_UNDECIDED, format!("{said}, and it is not known what that means"))
            .help("look at the change, and ignore this finding with a reason if it breaks nobody"),
    };
    versions.facts.add(site, fact.old(places.0, was).new_at(places.1, is).key(format!("{protocol} {field}")));
}
