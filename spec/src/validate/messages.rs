//! Messages within their channel.

use std::collections::HashMap;

use super::Context;
use crate::diagnostic::{Diagnostic, Findings};
use crate::document::{Channel, MessageId};
use crate::rules;

pub(super) fn check(context: &Context<'_>, found: &mut Findings) {
    for channel in &context.document.channel_arena {
        check_names(context, channel, found);
    }
}

/// Two messages with one name: whoever receives an event cannot tell which one it is.
fn check_names(context: &Context<'_>, channel: &Channel, found: &mut Findings) {
    let mut by_name: HashMap<&str, MessageId> = HashMap::new();
    for &id in channel.messages.values() {
        let message = &context.document[id];
        let Some(name) = message.name.as_deref() else { continue };
        let first = *by_name.entry(name).or_insert(id);
        if first == id {
            continue;
        }
        let text = format!("two messages of channel `{}` have the name `{name}`", channel.key);
        let place = |id: MessageId| context.places.value(&context.document[id].location, &["name"]);
        found.push(
            Diagnostic::new(rules::DUPLICATE_MESSAGE_NAME, text, &place(id))
                .label(&place(first), "the other one")
                .help("give each message of a channel a name of its own: the name tells events apart on the wire"),
        );
    }
}
