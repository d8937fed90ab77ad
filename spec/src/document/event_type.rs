//! What events are called on the wire: one rule for generated code and for comparisons of versions.
//!
//! The messages of a channel come in, in their order; the type of each goes out.

use std::collections::{HashMap, HashSet};

use super::{Document, Message, MessageId, Payload, SpecVersion};

/// How the events of a document are called on the wire (`type` in CloudEvents).
///
/// ```
/// # use event_api_spec::Loader;
/// use event_api_spec::document::EventTypes;
///
/// let text = "{asyncapi: 3.0.0, info: {title: Orders, version: 1.0.0}, channels: {orders: {messages: {Placed: {name: placed}}}}}";
/// let document = Loader::new().load_text("asyncapi.yaml", text).document.unwrap();
/// let channel = &document[document.channels["orders"]];
/// let types = EventTypes::new(&document).of(channel.messages.iter().map(|(key, id)| (key.as_str(), *id)));
/// assert_eq!(types[0].name, "placed");
/// ```
#[derive(Clone, Debug)]
pub struct EventTypes<'d> {
    document: &'d Document,
    /// The first operation that the author named and that has nothing but the message.
    operations: HashMap<MessageId, &'d str>,
}

/// What the events of a message are called on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventType {
    /// The type.
    pub name: String,
    /// The name that the message has and that another message before it has as well, so this one goes by another.
    pub instead_of: Option<String>,
}

impl<'d> EventTypes<'d> {
    /// For the messages of a document.
    pub fn new(document: &'d Document) -> Self {
        let mut operations = HashMap::new();
        for operation in document.operations.values().filter(|operation| operation.is_named) {
            if let Some([message]) = operation.messages.as_deref() {
                operations.entry(*message).or_insert(operation.key.as_str());
            }
        }
        EventTypes { document, operations }
    }

    /// The types of messages that share a channel, which differ: a message's name; else its key; else, for a 2.x message
    /// that has neither, what its payload is called, or the operation that it is the only message of.
    pub fn of<'k>(&self, messages: impl IntoIterator<Item = (&'k str, MessageId)>) -> Vec<EventType> {
        let mut taken = HashSet::new();
        let mut types = Vec::new();
        for (key, id) in messages {
            let ty = self.next(key, id, &taken);
            taken.insert(ty.name.clone());
            types.push(ty);
        }
        types
    }

    fn next(&self, key: &str, id: MessageId, taken: &HashSet<String>) -> EventType {
        let message = &self.document[id];
        let free = |name: &&str| !taken.contains(*name);
        if let Some(name) = message.name.as_deref().filter(free) {
            return EventType { name: name.to_owned(), instead_of: None };
        }
        let has_key =
            self.document.version >= SpecVersion::V3_0 || message.key.is_some() || message.message_id.is_some();
        let candidates =
            [has_key.then_some(key), self.payload_name(message), self.operations.get(&id).copied(), Some(key)];
        let name = candidates.into_iter().flatten().find(free).map(str::to_owned);
        let numbered = || (2..).map(|number| format!("{key}{number}")).find(|name| !taken.contains(name));
        EventType { name: name.or_else(numbered).unwrap_or_default(), instead_of: message.name.clone() }
    }

    fn payload_name(&self, message: &Message) -> Option<&'d str> {
        match message.payload {
            Some(Payload::Schema(schema)) => self.document.schemas.name_of(schema),
            _ => None,
        }
    }
}
