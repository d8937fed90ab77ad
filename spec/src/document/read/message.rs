//! Messages, correlation ids, runtime expressions and message examples.

use super::binding::Owner;
use super::{Fields, Reader, members, text};
use crate::diagnostic::Diagnostic;
use crate::document::{CorrelationId, Message, MessageExample, MessageId, MessageTrait, RuntimeExpression};
use crate::resolve::At;
use crate::rules;
use crate::source::{Node, Pointer, Value};

impl<'a> Reader<'a> {
    /// The message that `at` is or refers to. `holder` is its key in the map that holds it, if one does.
    pub(crate) fn message(&mut self, at: &At<'a>, holder: Option<&str>) -> Option<MessageId> {
        let is_reference = at.reference().is_some();
        let at = self.dereference(at.clone(), "messages")?;
        if let Some(id) = self.message_ids.get(&at.address()) {
            return Some(*id);
        }
        let (mut fields, traits) = self.with_traits(&at, "Message Object", "messageTraits")?;
        let key = match key_of(&at.pointer) {
            Some(key) => Some(key),
            None if is_reference && at.pointer.as_str().is_empty() => self.file_stem(&at),
            None => holder.map(str::to_owned),
        };
        let mut format = fields.value("schemaFormat", &mut self.found);
        if let Some(at) = format.as_ref().filter(|_| self.version.is_v3()) {
            let message = "a Message Object of 3.x has no `schemaFormat`";
            let help = "write `payload: { schemaFormat: …, schema: … }`";
            self.found.push(Diagnostic::new(rules::UNKNOWN_FIELD, message, &at.location()).help(help));
        }
        // A payload of `null` cannot be told from one that is left empty, which is how YAML reads `payload:`.
        let payload = fields.value("payload", &mut self.found);
        let payload = payload.and_then(|at| self.payload(at, format.take().as_ref(), None));
        let headers = fields.value("headers", &mut self.found).and_then(|at| self.payload(at, None, None));
        let message = Message {
            location: at.location(),
            key,
            message_id: fields.string("messageId", &mut self.found),
            name: fields.string("name", &mut self.found),
            title: fields.string("title", &mut self.found),
            summary: fields.string("summary", &mut self.found),
            description: fields.string("description", &mut self.found),
            content_type: fields.string("contentType", &mut self.found),
            headers,
            payload,
            correlation_id: fields.value("correlationId", &mut self.found).and_then(|at| self.correlation_id(at)),
            bindings: self.bindings_of(&mut fields, Owner::Message),
            tags: self.tags(&mut fields),
            external_docs: self.external_docs_of(&mut fields),
            examples: self.message_examples(&mut fields),
            traits: traits.into_iter().filter_map(|at| self.read_message_trait(&at)).collect(),
            extensions: fields.finish(&mut self.found),
        };
        let id = MessageId(self.messages.len() as u32);
        self.messages.push(message);
        self.message_ids.insert(at.address(), id);
        Some(id)
    }

    /// The name of the file that `at` stands in, without its extension.
    pub(super) fn file_stem(&self, at: &At<'a>) -> Option<String> {
        let path = self.resolver.sources.file(at.node.span.file).path();
        let name = path.file_name()?.to_str()?;
        Some(name.split('.').next().unwrap_or(name).to_owned())
    }

    pub(super) fn correlation_id(&mut self, at: At<'a>) -> Option<CorrelationId> {
        let at = self.dereference(at, "correlationIds")?;
        let mut fields = Fields::of_detail(&at, "Correlation ID Object", &mut self.found)?;
        Some(CorrelationId {
            location: at.location(),
            description: fields.string("description", &mut self.found),
            value_location: fields.required("location", &mut self.found).and_then(|at| self.expression(&at)),
            extensions: fields.finish(&mut self.found),
        })
    }

    /// `$message.header#/correlationId`; reported when it is none.
    pub(crate) fn expression(&mut self, at: &At<'a>) -> Option<RuntimeExpression> {
        let expression = at.node.as_str().and_then(RuntimeExpression::parse);
        if expression.is_none() {
            let written = text(at.node).map_or_else(|| at.node.kind().to_owned(), |text| format!("`{text}`"));
            let message = format!("{written} is no runtime expression");
            let help = "write `$message.header#/` or `$message.payload#/` and the path to the value";
            self.found.push(Diagnostic::new(rules::INVALID_EXPRESSION, message, &at.location()).help(help));
        }
        expression
    }

    fn message_examples(&mut self, fields: &mut Fields<'a>) -> Vec<MessageExample> {
        let listed = fields.list("examples", &mut self.found).unwrap_or_default();
        listed.into_iter().filter_map(|at| self.message_example(at)).collect()
    }

    fn message_example(&mut self, at: At<'a>) -> Option<MessageExample> {
        const FIELDS: [&str; 4] = ["headers", "payload", "name", "summary"];
        let at = self.dereference(at, "messageExamples")?;
        let is_example = members(&at).iter().any(|(name, _)| FIELDS.contains(&name.as_str()));
        if !is_example {
            // The payload itself, without `payload:`. A warning, as nothing depends on examples.
            let message = "a Message Example Object has neither `headers` nor `payload`";
            let help = "write the example below `payload:`";
            self.found.push(Diagnostic::new(rules::MISSING_FIELD, message, &at.location()).help(help));
            return None;
        }
        let mut fields = Fields::of_detail(&at, "Message Example Object", &mut self.found)?;
        let mut node = |name| fields.take(name).map(|at: At<'a>| at.node.clone());
        let (headers, payload): (Option<Node>, Option<Node>) = (node("headers"), node("payload"));
        Some(MessageExample {
            location: at.location(),
            name: fields.string("name", &mut self.found),
            summary: fields.string("summary", &mut self.found),
            headers: headers.filter(|node| node.value != Value::Null),
            payload,
            extensions: fields.finish(&mut self.found),
        })
    }

    /// Reads a trait for itself: what is wrong with the object that uses it is said there.
    pub(super) fn read_message_trait(&mut self, at: &At<'a>) -> Option<MessageTrait> {
        let at = self.dereference(at.clone(), "messageTraits")?;
        self.check_trait(&at, "Message Trait Object", &["payload", "traits"])?;
        let headers = at.get("headers").filter(|at| at.node.value != Value::Null);
        let headers = headers.and_then(|at| self.payload(at, None, None));
        Some(MessageTrait { location: at.location(), headers, node: at.node.clone() })
    }
}

/// The key of a message in the map that it is written in.
fn key_of(pointer: &Pointer) -> Option<String> {
    let tokens: Vec<String> = pointer.tokens().collect();
    match &tokens[..] {
        [.., map, key] if map == "messages" => Some(key.clone()),
        _ => None,
    }
}

impl RuntimeExpression {
    /// Reads `$message.header#/…` and `$message.payload#/…`.
    pub fn parse(text: &str) -> Option<Self> {
        let (source, fragment) = text.trim().split_once('#')?;
        let pointer = Pointer::from_fragment(fragment)?;
        match source {
            "$message.header" => Some(RuntimeExpression::Header(pointer)),
            "$message.payload" => Some(RuntimeExpression::Payload(pointer)),
            _ => None,
        }
    }
}
