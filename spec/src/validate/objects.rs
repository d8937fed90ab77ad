//! Schemas that must describe objects: headers, and what bindings say about headers and queries.

use super::Context;
use crate::diagnostic::{Diagnostic, Findings};
use crate::document::{Bindings, Payload, TypedBinding};
use crate::rules;
use crate::schema::{JsonType, Keywords, SchemaId, SchemaKind, Schemas};

pub(super) fn check(context: &Context<'_>, found: &mut Findings) {
    let document = context.document;
    let components = &document.components;
    for message in &document.message_arena {
        check_headers(context, message.headers.as_ref(), found);
        check_bindings(context, &message.bindings, found);
    }
    let traits = document.message_arena.iter().flat_map(|message| &message.traits);
    for one in traits.chain(components.message_traits.values()) {
        check_headers(context, one.headers.as_ref(), found);
    }
    for channel in &document.channel_arena {
        check_bindings(context, &channel.bindings, found);
    }
    for operation in document.operations.values().chain(components.operations.values()) {
        check_bindings(context, &operation.bindings, found);
    }
    let maps = [&components.channel_bindings, &components.operation_bindings, &components.message_bindings];
    for bindings in maps.into_iter().flat_map(|map| map.values()) {
        check_bindings(context, bindings, found);
    }
}

/// "Schema definition of the application headers. Schema MUST be a map of key-value pairs." (3.0, Message Object)
fn check_headers(context: &Context<'_>, headers: Option<&Payload>, found: &mut Findings) {
    let Some(&Payload::Schema(id)) = headers else { return };
    let schemas = &context.document.schemas;
    if !refuses_objects(schemas, id, &mut 0) {
        return;
    }
    // Said for the schema, so that a message and the trait that it has it from say it once.
    let at = &schemas[schemas.follow(id)].location;
    let at = context.places.value(at, &["type"]);
    let message = "`headers` must be an object, but this schema accepts none";
    let help = "describe the headers as an object: `type: object`, and each of them under `properties`";
    found.push(Diagnostic::new(rules::HEADERS_NOT_OBJECT, message, &at).help(help));
}

/// "This schema MUST be of type `object` and have a `properties` key" (the bindings of http and ws).
fn check_bindings(context: &Context<'_>, bindings: &Bindings, found: &mut Findings) {
    for binding in bindings.values() {
        let fields: &[(&str, Option<SchemaId>)] = match &binding.typed {
            Some(TypedBinding::WebSocketChannel(ws)) => &[("query", ws.query), ("headers", ws.headers)],
            Some(TypedBinding::HttpOperation(http)) => &[("query", http.query)],
            Some(TypedBinding::HttpMessage(http)) => &[("headers", http.headers)],
            _ => continue,
        };
        for (name, id) in fields.iter().filter_map(|(name, id)| Some((name, (*id)?))) {
            let schemas = &context.document.schemas;
            let schema = &schemas[schemas.follow(id)];
            let problem = if refuses_objects(schemas, id, &mut 0) {
                "must be a schema of an object"
            } else if is_closed_to_properties(context, id) {
                "has no `properties`"
            } else {
                continue;
            };
            let at = context.places.value(&schema.location, &["type"]);
            let message = format!("`{name}` of a binding {problem}");
            let help = format!("write `{name}: {{ type: object, properties: {{ … }} }}`");
            found.push(Diagnostic::new(rules::INVALID_BINDING, message, &at).help(help));
        }
    }
}

/// Whether a schema says nothing about members, neither itself nor by way of other schemas.
fn is_closed_to_properties(context: &Context<'_>, id: SchemaId) -> bool {
    let schemas = &context.document.schemas;
    let schema = &schemas[schemas.follow(id)];
    let SchemaKind::Object(keywords) = &schema.kind else { return false };
    let refers = keywords.reference.is_some()
        || keywords.unresolved_reference.is_some()
        || keywords.dynamic_reference.is_some()
        || !(keywords.all_of.is_empty() && keywords.any_of.is_empty() && keywords.one_of.is_empty());
    // `properties: {}` says that there are none.
    !refers && keywords.properties.is_empty() && !context.places.has(&schema.location, "properties")
}

/// Whether no object is valid by a schema, as far as its types tell.
fn refuses_objects(schemas: &Schemas, id: SchemaId, steps: &mut usize) -> bool {
    // Also the deepest that the recursion goes.
    const MOST_STEPS: usize = 100;
    *steps += 1;
    match &schemas[id].kind {
        SchemaKind::Bool(accepts) => !accepts,
        // Undecided: nothing is reported.
        SchemaKind::Object(_) if *steps > MOST_STEPS => false,
        SchemaKind::Object(keywords) => refuses_by_keywords(schemas, keywords, steps),
    }
}

fn refuses_by_keywords(schemas: &Schemas, keywords: &Keywords, steps: &mut usize) -> bool {
    if keywords.types.as_ref().is_some_and(|types| !types.contains(&JsonType::Object)) {
        return true;
    }
    if keywords.all_of.iter().chain(&keywords.reference).any(|&id| refuses_objects(schemas, id, steps)) {
        return true;
    }
    [&keywords.any_of, &keywords.one_of].into_iter().any(|alternatives| {
        !alternatives.is_empty() && alternatives.iter().all(|&id| refuses_objects(schemas, id, steps))
    })
}
