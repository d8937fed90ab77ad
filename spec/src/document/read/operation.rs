//! Operations and replies of 3.x.

use super::binding::Owner;
use super::{Fields, Reader};
use crate::diagnostic::{Diagnostic, Severity};
use crate::document::{Action, MessageId, Operation, OperationTrait, Reply, ReplyAddress};
use crate::resolve::At;
use crate::rules;

impl<'a> Reader<'a> {
    pub(super) fn operation(&mut self, at: &At<'a>, key: &str) -> Option<Operation> {
        let at = self.dereference(at.clone(), "operations")?;
        let (mut fields, traits) = self.with_traits(&at, "Operation Object", "operationTraits")?;
        let action = self.action(&mut fields)?;
        let channel = match fields.value("channel", &mut self.found) {
            Some(at) => self.channel(&at, None),
            None => {
                let message = "an Operation Object has no `channel`";
                let diagnostic = Diagnostic::new(rules::MISSING_FIELD, message, fields.location());
                self.found.push(diagnostic.severity(Severity::Error).help("write `channel: { $ref: '#/channels/…' }`"));
                None
            }
        };
        let messages = self.messages_by_reference(&mut fields);
        Some(Operation {
            location: at.location(),
            key: key.to_owned(),
            is_named: true,
            action,
            channel,
            title: fields.string("title", &mut self.found),
            summary: fields.string("summary", &mut self.found),
            description: fields.string("description", &mut self.found),
            messages,
            reply: fields.value("reply", &mut self.found).and_then(|at| self.reply(at)),
            security: self.security(&mut fields),
            tags: self.tags(&mut fields),
            external_docs: self.external_docs_of(&mut fields),
            bindings: self.bindings_of(&mut fields, Owner::Operation),
            traits: traits.iter().filter_map(|at| self.read_operation_trait(at)).collect(),
            extensions: fields.finish(&mut self.found),
        })
    }

    fn action(&mut self, fields: &mut Fields<'a>) -> Option<Action> {
        let Some(at) = fields.value("action", &mut self.found) else {
            // Who writes cannot be guessed.
            let message = "an Operation Object has no `action`";
            let diagnostic = Diagnostic::new(rules::MISSING_FIELD, message, fields.location());
            let help = "write `action: send` when the application sends, `action: receive` when it receives";
            self.found.push(diagnostic.severity(Severity::Error).help(help));
            return None;
        };
        match at.node.as_str() {
            Some("send") => Some(Action::Send),
            Some("receive") => Some(Action::Receive),
            written => {
                let written = written.map_or_else(|| at.node.kind().to_owned(), |text| format!("`{text}`"));
                let message = format!("`action` must be `send` or `receive`, but is {written}");
                let help = match at.node.as_str() {
                    Some("publish") => "2.x `publish` is `receive`: the application receives what others publish",
                    Some("subscribe") => "2.x `subscribe` is `send`: the application sends what others subscribe to",
                    _ => "write `send` when the application sends, `receive` when it receives",
                };
                let diagnostic = Diagnostic::new(rules::UNKNOWN_VALUE, message, &at.location());
                self.found.push(diagnostic.severity(Severity::Error).help(help));
                None
            }
        }
    }

    /// The member `messages`: references to messages, normally of the channel.
    fn messages_by_reference(&mut self, fields: &mut Fields<'a>) -> Option<Vec<MessageId>> {
        let listed = fields.list("messages", &mut self.found)?;
        Some(listed.iter().filter_map(|at| self.message(at, None)).collect())
    }

    pub(super) fn reply(&mut self, at: At<'a>) -> Option<Reply> {
        let at = self.dereference(at, "replies")?;
        let mut fields = Fields::of(&at, "Operation Reply Object", &mut self.found)?;
        let address = fields.value("address", &mut self.found).and_then(|at| self.reply_address(at));
        let channel = fields.value("channel", &mut self.found).and_then(|at| self.channel(&at, None));
        Some(Reply {
            location: at.location(),
            address,
            channel,
            messages: self.messages_by_reference(&mut fields),
            extensions: fields.finish(&mut self.found),
        })
    }

    pub(super) fn reply_address(&mut self, at: At<'a>) -> Option<ReplyAddress> {
        let at = self.dereference(at, "replyAddresses")?;
        let mut fields = Fields::of(&at, "Operation Reply Address Object", &mut self.found)?;
        Some(ReplyAddress {
            location: at.location(),
            description: fields.string("description", &mut self.found),
            value_location: fields.required("location", &mut self.found).and_then(|at| self.expression(&at)),
            extensions: fields.finish(&mut self.found),
        })
    }

    /// Reads a trait for itself: what is wrong with the object that uses it is said there.
    pub(crate) fn read_operation_trait(&mut self, at: &At<'a>) -> Option<OperationTrait> {
        const V2: &[&str] = &["message", "traits"];
        const V3: &[&str] = &["action", "channel", "messages", "reply", "traits"];
        let at = self.dereference(at.clone(), "operationTraits")?;
        self.check_trait(&at, "Operation Trait Object", if self.version.is_v3() { V3 } else { V2 })?;
        Some(OperationTrait { location: at.location(), node: at.node.clone() })
    }
}
