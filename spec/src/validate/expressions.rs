//! Runtime expressions: `$message.header#/correlationId` must lead to something that the message declares.

use super::{Context, listed};
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::document::{Message, MessageId, Payload, RuntimeExpression};
use crate::near::nearest;
use crate::rules;
use crate::schema::{Pattern, SchemaId, SchemaKind, Schemas};
use crate::source::Location;

pub(super) fn check(context: &Context<'_>, found: &mut Findings) {
    let document = context.document;
    for message in &document.message_arena {
        let Some(correlation) = &message.correlation_id else { continue };
        if let Some(expression) = &correlation.value_location {
            let at = || context.places.value(&correlation.location, &["location"]);
            check_one(context, "correlation ID", expression, message, &at, found);
        }
    }
    for channel in &document.channel_arena {
        for (name, parameter) in &channel.parameters {
            let Some(expression) = &parameter.value_location else { continue };
            let at = || context.places.value(&parameter.location, &["location"]);
            check_all(context, &format!("parameter `{name}`"), expression, channel.messages.values(), &at, found);
        }
    }
    for operation in document.operations.values() {
        let Some(address) = operation.reply.as_ref().and_then(|reply| reply.address.as_ref()) else { continue };
        let (Some(expression), Some(channel)) = (&address.value_location, operation.channel) else { continue };
        let at = || context.places.value(&address.location, &["location"]);
        let owner = format!("reply address of operation `{}`", operation.key);
        match &operation.messages {
            Some(messages) => check_all(context, &owner, expression, messages.iter(), &at, found),
            None => check_all(context, &owner, expression, document[channel].messages.values(), &at, found),
        }
    }
}

/// The expression must lead somewhere in every message: it is not known which one comes.
fn check_all<'m>(
    context: &Context<'_>,
    owner: &str,
    expression: &RuntimeExpression,
    messages: impl Iterator<Item = &'m MessageId>,
    at: &dyn Fn() -> Location,
    found: &mut Findings,
) {
    for &id in messages {
        check_one(context, owner, expression, &context.document[id], at, found);
    }
}

fn check_one(
    context: &Context<'_>,
    owner: &str,
    expression: &RuntimeExpression,
    message: &Message,
    at: &dyn Fn() -> Location,
    found: &mut Findings,
) {
    let (part, pointer, payload) = match expression {
        RuntimeExpression::Header(pointer) => ("headers", pointer, &message.headers),
        RuntimeExpression::Payload(pointer) => ("payload", pointer, &message.payload),
    };
    let name = message.name.as_deref().or(message.key.as_deref()).unwrap_or("(unnamed)");
    let missing = match payload {
        None => Missing { token: None, siblings: Vec::new() },
        // What an Avro schema declares, the generator looks for.
        Some(Payload::Foreign { .. } | Payload::Avro(_)) => return,
        Some(Payload::Schema(id)) => {
            let tokens: Vec<String> = pointer.tokens().collect();
            match (Search { schemas: &context.document.schemas, steps: 0, depth: 0 }).reach(*id, &tokens) {
                Ok(()) => return,
                Err(missing) => missing,
            }
        }
    };
    let (severity, text, help) = match missing.token {
        // Many documents leave headers undeclared; nothing contradicts the expression then.
        None => {
            let text = format!("the {owner} stands in the {part} of message `{name}`, which declares none");
            (Severity::Info, text, format!("declare `{part}` in the message"))
        }
        Some(token) => {
            let text = format!(
                "the {owner} stands at `{pointer}` in the {part} of message `{name}`, where no `{token}` is declared"
            );
            let siblings = || missing.siblings.iter().map(String::as_str);
            let help = match nearest(&token, siblings()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if missing.siblings.is_empty() => format!("declare `{token}` there"),
                None => format!("declare `{token}` there, or use one of {}", listed(siblings())),
            };
            (rules::DANGLING_EXPRESSION.severity, text, help)
        }
    };
    found.push(
        Diagnostic::new(rules::DANGLING_EXPRESSION, text, &at())
            .severity(severity)
            .label(&message.location, "the message")
            .help(help),
    );
}

/// What an expression leads to does not exist.
struct Missing {
    /// The first token that leads nowhere.
    token: Option<String>,
    /// The names that would.
    siblings: Vec<String>,
}

struct Search<'a> {
    schemas: &'a Schemas,
    steps: usize,
    depth: usize,
}

impl Search<'_> {
    /// Whether the path leads to something that the schema declares, or may lead to something that it leaves open.
    fn reach(&mut self, id: SchemaId, path: &[String]) -> Result<(), Missing> {
        const MOST_STEPS: usize = 1000;
        const MOST_DEPTH: usize = 64;
        self.steps += 1;
        if self.steps > MOST_STEPS || self.depth > MOST_DEPTH {
            return Ok(());
        }
        self.depth += 1;
        let reached = self.reach_in(id, path);
        self.depth -= 1;
        reached
    }

    fn reach_in(&mut self, id: SchemaId, path: &[String]) -> Result<(), Missing> {
        let Some((token, rest)) = path.split_first() else { return Ok(()) };
        let SchemaKind::Object(keywords) = &self.schemas[id].kind else { return Ok(()) };
        if keywords.unresolved_reference.is_some() {
            return Ok(());
        }
        if let Some(&id) = keywords.properties.get(token) {
            return self.reach(id, rest);
        }
        for (pattern, &id) in &keywords.pattern_properties {
            if Pattern::new(pattern).and_then(|pattern| pattern.matches(token)).unwrap_or(true) {
                return self.reach(id, rest);
            }
        }
        if let Ok(index) = token.parse::<usize>()
            && let Some(id) = keywords.prefix_items.get(index).copied().or(keywords.items)
        {
            return self.reach(id, rest);
        }
        let mut siblings: Vec<String> = keywords.properties.keys().cloned().collect();
        let parts = [&keywords.all_of, &keywords.any_of, &keywords.one_of];
        let parts = parts.into_iter().flatten().chain(&keywords.reference).chain(&keywords.dynamic_reference);
        let conditional = keywords.then_schema.iter().chain(&keywords.else_schema).chain(&keywords.if_schema);
        let mut says_something = !siblings.is_empty();
        for &id in parts.chain(conditional) {
            match self.reach(id, path) {
                Ok(()) => return Ok(()),
                Err(missing) => {
                    says_something = true;
                    siblings.extend(missing.siblings);
                }
            }
        }
        if let Some(id) = keywords.additional_properties
            && !matches!(self.schemas[id].kind, SchemaKind::Bool(false))
        {
            return self.reach(id, rest);
        }
        // A schema without properties describes no member, but it does not say that there are none either.
        let closed = keywords.additional_properties.is_some();
        if says_something || closed { Err(Missing { token: Some(token.clone()), siblings }) } else { Ok(()) }
    }
}
