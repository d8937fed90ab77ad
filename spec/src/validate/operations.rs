//! Operations, their channels and replies.

use super::{Context, listed};
use crate::diagnostic::{Diagnostic, Findings, Rule};
use crate::document::{ChannelId, MessageId, Operation};
use crate::near::nearest;
use crate::rules;
use crate::source::Location;

pub(super) fn check(context: &Context<'_>, found: &mut Findings) {
    let document = context.document;
    for operation in document.operations.values().chain(document.components.operations.values()) {
        if let (Some(channel), Some(messages)) = (operation.channel, &operation.messages) {
            let owner = format!("operation `{}`", operation.key);
            let subset = Subset { owner, channel, messages, rule: rules::OPERATION_MESSAGE };
            subset.check(context, &operation.location, &["messages"], found);
        }
        check_reply(context, operation, found);
    }
}

fn check_reply(context: &Context<'_>, operation: &Operation, found: &mut Findings) {
    let Some(reply) = &operation.reply else { return };
    if let (Some(channel), Some(messages)) = (reply.channel, &reply.messages) {
        let owner = format!("the reply of operation `{}`", operation.key);
        let subset = Subset { owner, channel, messages, rule: rules::REPLY_MESSAGE };
        subset.check(context, &reply.location, &["messages"], found);
    }
}

/// Some messages, which must be among those of a channel.
struct Subset<'a> {
    owner: String,
    channel: ChannelId,
    messages: &'a [MessageId],
    rule: Rule,
}

impl Subset<'_> {
    fn check(&self, context: &Context<'_>, holder: &Location, path: &[&str], found: &mut Findings) {
        let channel = &context.document[self.channel];
        for &id in self.messages {
            if channel.messages.values().any(|&own| own == id) {
                continue;
            }
            let message = &context.document[id];
            let name = message.key.as_deref().or(message.name.as_deref()).unwrap_or("(unnamed)");
            let text =
                format!("{} has the message `{name}`, which channel `{}` does not have", self.owner, channel.key);
            let keys = || channel.messages.keys().map(String::as_str);
            let help = match nearest(name, keys()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if channel.messages.is_empty() => {
                    format!("add it to `messages` of channel `{}`", channel.key)
                }
                None => format!(
                    "add it to `messages` of channel `{}`, or use one of its messages: {}",
                    channel.key,
                    listed(keys())
                ),
            };
            let diagnostic = Diagnostic::new(self.rule, text, &context.places.value(holder, path))
                .label(&context.places.key(&channel.location, &[]), "the channel")
                .help(help);
            found.push(diagnostic);
        }
    }
}
