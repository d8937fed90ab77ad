//! AsyncAPI 2.0–2.6, upgraded to the 3.x model while it is read.
//!
//! What differs: a channel's key is its address and it holds its operations; `publish` and `subscribe` are seen from
//! the other side (the application *receives* what others publish and *sends* what others subscribe to); messages
//! stand in operations, several of them below `oneOf`; parameters have schemas.

use indexmap::IndexMap;

use crate::diagnostic::Diagnostic;
use crate::document::read::binding::Owner;
use crate::document::read::{Fields, Reader, text};
use crate::document::{Action, Channel, ChannelId, MessageId, Operation, Parameter};
use crate::resolve::At;
use crate::rules;

type Operations = IndexMap<String, Operation>;

/// An operation as it is read, before its channel has an id.
struct Pending<'a> {
    at: At<'a>,
    direction: &'static str,
    operation: Operation,
}

impl<'a> Reader<'a> {
    /// The 2.x channel that `at` is or refers to, and its operations.
    pub(crate) fn channel_v2(&mut self, at: &At<'a>, address: &str, operations: &mut Operations) -> Option<ChannelId> {
        let at = self.channel_object(at)?;
        if let Some(id) = self.known_channel(&at) {
            return Some(id);
        }
        let mut fields = Fields::of(&at, "Channel Item Object", &mut self.found)?;
        self.check_address(address, &at);
        let mut channel = Channel {
            location: at.location(),
            key: address.to_owned(),
            address: Some(address.to_owned()),
            title: None,
            summary: None,
            description: fields.string("description", &mut self.found),
            messages: IndexMap::new(),
            servers: Vec::new(),
            parameters: self.parameters(&mut fields, Some(address)),
            tags: Vec::new(),
            external_docs: None,
            bindings: self.bindings_of(&mut fields, Owner::Channel),
            extensions: IndexMap::new(),
        };
        for at in fields.list("servers", &mut self.found).unwrap_or_default() {
            let server = match at.node.as_str() {
                Some(name) => self.server_by_name(name, &at),
                None => {
                    let message =
                        format!("`servers` of a channel must be an array of names, but has {}", at.node.kind());
                    let help = "write the keys of servers in `servers` of the document";
                    self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
                    None
                }
            };
            channel.servers.extend(server);
        }
        let mut pending = Vec::new();
        for (direction, action) in [("subscribe", Action::Send), ("publish", Action::Receive)] {
            if let Some(at) = fields.value(direction, &mut self.found) {
                pending.extend(self.operation_v2(at, address, direction, action, &mut channel));
            }
        }
        channel.extensions = fields.finish(&mut self.found);
        let id = self.push_channel(&at, channel);
        // As they stand in the text.
        pending.sort_by_key(|pending| pending.at.node.span);
        for mut pending in pending {
            pending.operation.channel = Some(id);
            self.claim_operation(pending, address, operations);
        }
        Some(id)
    }

    /// A channel of `components` that no channel of the document refers to.
    pub(crate) fn unused_channel_v2(&mut self, at: &At<'a>, key: &str) -> Option<ChannelId> {
        self.channel_v2(at, key, &mut Operations::new())
    }

    /// A Channel Item Object may be a reference to one (2.x allows members beside `$ref`, without saying what they mean).
    fn channel_object(&mut self, at: &At<'a>) -> Option<At<'a>> {
        self.dereference(at.clone(), "channels")
    }

    fn operation_v2(
        &mut self,
        at: At<'a>,
        address: &str,
        direction: &'static str,
        action: Action,
        channel: &mut Channel,
    ) -> Option<Pending<'a>> {
        let at = self.dereference(at, "operations")?;
        let (mut fields, traits) = self.with_traits(&at, "Operation Object", "operationTraits")?;
        let id = fields.string("operationId", &mut self.found).filter(|id| !id.is_empty());
        let listed = match fields.value("message", &mut self.found) {
            Some(at) => self.messages_v2(at),
            None => Vec::new(),
        };
        let mut messages = Vec::new();
        for (index, message) in listed.iter().enumerate() {
            let fallback = match listed.len() {
                1 => format!("{direction}.message"),
                _ => format!("{direction}.message.{index}"),
            };
            self.add_message(channel, *message, fallback);
            if !messages.contains(message) {
                messages.push(*message);
            }
        }
        let operation = Operation {
            location: at.location(),
            is_named: id.is_some(),
            key: id.unwrap_or_else(|| format!("{address}.{direction}")),
            action,
            channel: None,
            title: None,
            summary: fields.string("summary", &mut self.found),
            description: fields.string("description", &mut self.found),
            messages: Some(messages),
            reply: None,
            security: self.security(&mut fields),
            tags: self.tags(&mut fields),
            external_docs: self.external_docs_of(&mut fields),
            bindings: self.bindings_of(&mut fields, Owner::Operation),
            traits: traits.iter().filter_map(|at| self.read_operation_trait(at)).collect(),
            extensions: fields.finish(&mut self.found),
        };
        Some(Pending { at, direction, operation })
    }

    /// The messages of an operation: one, or those of `oneOf`.
    fn messages_v2(&mut self, at: At<'a>) -> Vec<MessageId> {
        let alternatives = at.get("oneOf").filter(|_| at.reference().is_none());
        let Some(alternatives) = alternatives else { return self.message(&at, None).into_iter().collect() };
        let Some(items) = alternatives.node.as_array() else {
            let message = format!("`oneOf` of a message must be an array, but is {}", alternatives.node.kind());
            let help = "write a list of messages";
            self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &alternatives.location()).help(help));
            return Vec::new();
        };
        let items = items.iter().enumerate();
        items.filter_map(|(index, node)| self.message(&At::new(node, alternatives.pointer.join(index)), None)).collect()
    }

    /// Gives a message its key in the channel: the one it has in `components`, or what it calls itself.
    fn add_message(&mut self, channel: &mut Channel, id: MessageId, fallback: String) {
        if channel.messages.values().any(|known| *known == id) {
            return;
        }
        let message = self.read_message(id);
        let own = message.key.clone().or_else(|| message.message_id.clone()).or_else(|| message.name.clone());
        let mut key = own.filter(|key| !channel.messages.contains_key(key)).unwrap_or(fallback);
        while channel.messages.contains_key(&key) {
            key.push('_');
        }
        channel.messages.insert(key, id);
    }

    /// Puts an operation under its key. One whose `operationId` is taken is kept under a key of its own.
    fn claim_operation(&mut self, pending: Pending<'a>, address: &str, operations: &mut Operations) {
        let mut operation = pending.operation;
        if let Some(other) = operations.get(&operation.key) {
            let message = format!("there are two operations with the `operationId` `{}`", operation.key);
            let at = pending.at.get("operationId").unwrap_or(pending.at);
            let diagnostic = Diagnostic::new(rules::DUPLICATE_OPERATION, message, &at.location())
                .label(&other.location, "the other one")
                .help("give each operation an `operationId` of its own");
            self.found.push(diagnostic);
            operation.key = format!("{address}.{}", pending.direction);
            operation.is_named = false;
        }
        operations.entry(operation.key.clone()).or_insert(operation);
    }

    /// Takes from the schema of a 2.x parameter what a 3.x parameter can say.
    pub(crate) fn upgrade_parameter(&mut self, schema: &At<'a>, parameter: &mut Parameter) {
        let Ok(schema) = self.resolver.follow(schema.clone()) else { return };
        let node = schema.at.node;
        let texts = |name: &str| -> Vec<String> {
            node.get(name).and_then(|node| node.as_array()).unwrap_or_default().iter().filter_map(text).collect()
        };
        if parameter.enum_values.is_empty() {
            parameter.enum_values = texts("enum");
        }
        if parameter.examples.is_empty() {
            parameter.examples = texts("examples");
        }
        parameter.default = parameter.default.take().or_else(|| text(node.get("default")?));
        let described = || node.get("description").and_then(|node| node.as_str()).map(str::to_owned);
        parameter.description = parameter.description.take().or_else(described);
    }
}
