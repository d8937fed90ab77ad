//! Values that the document gives for its own schemas: defaults, examples, enumerations.

use super::Context;
use crate::diagnostic::{Diagnostic, Findings, Rule};
use crate::document::Payload;
use crate::rules;
use crate::schema::{Checker, Keywords, Schema, SchemaId, SchemaKind, Violation};
use crate::source::{Location, Node, Pointer};

/// So many violations of one value are reported.
const MOST_VIOLATIONS: usize = 3;

/// So many values of an enumeration are checked: what is wrong with one is wrong with most.
const MOST_ENUMERATED: usize = 200;

pub(super) fn check(context: &Context<'_>, checker: &mut Checker<'_>, found: &mut Findings) {
    let schemas = &context.document.schemas;
    for id in schemas.ids() {
        if let SchemaKind::Object(keywords) = &schemas[id].kind {
            check_schema(context, checker, id, keywords, found);
        }
    }
    for message in &context.document.message_arena {
        for example in &message.examples {
            let parts =
                [("payload", &message.payload, &example.payload), ("headers", &message.headers, &example.headers)];
            for (part, schema, value) in parts {
                if let (Some(Payload::Schema(schema)), Some(value)) = (schema, value) {
                    let given = Given {
                        rule: rules::EXAMPLE_MISMATCH,
                        what: if part == "payload" {
                            "the example's payload does not match its schema"
                        } else {
                            "the example's headers do not match their schema"
                        },
                        pointer: || example.location.pointer.join(part),
                        value,
                    };
                    given.check(context, checker, *schema, found);
                }
            }
        }
    }
}

fn check_schema(
    context: &Context<'_>,
    checker: &mut Checker<'_>,
    id: SchemaId,
    keywords: &Keywords,
    found: &mut Findings,
) {
    let schema = &context.document.schemas[id];
    let pointer = &schema.location.pointer;
    if let Some(value) = &keywords.default {
        let pointer = || pointer.join("default");
        let given =
            Given { rule: rules::DEFAULT_MISMATCH, what: "the default does not match its schema", pointer, value };
        given.check(context, checker, id, found);
    }
    for (index, value) in keywords.examples.iter().enumerate() {
        let pointer = || {
            // `example` of OpenAPI is kept as the last of `examples`.
            let listed = context.places.value(&schema.location, &["examples", &index.to_string()]);
            if listed.span == value.span { listed.pointer } else { pointer.join("example") }
        };
        let given =
            Given { rule: rules::EXAMPLE_MISMATCH, what: "the example does not match its schema", pointer, value };
        given.check(context, checker, id, found);
    }
    check_enumerated(context, checker, id, schema, keywords, found);
}

/// Enumerated values that no value can equal, because another keyword forbids them.
fn check_enumerated(
    context: &Context<'_>,
    checker: &mut Checker<'_>,
    id: SchemaId,
    schema: &Schema,
    keywords: &Keywords,
    found: &mut Findings,
) {
    let listed = keywords.enum_values.iter().flatten().take(MOST_ENUMERATED).enumerate();
    let listed = listed.map(|(index, value)| (Some(index), value));
    for (index, value) in listed.chain(keywords.const_value.iter().map(|value| (None, value))) {
        let pointer = || match index {
            Some(index) => schema.location.pointer.join("enum").join(index),
            None => schema.location.pointer.join("const"),
        };
        let given = Given { rule: rules::ENUM_MISMATCH, what: "this value does not match its schema", pointer, value };
        given.check(context, checker, id, found);
    }
}

/// A value that the document gives.
struct Given<'n, P> {
    rule: Rule,
    /// What to say when it is not valid.
    what: &'static str,
    /// Where it stands; asked for only when something is wrong with it.
    pointer: P,
    value: &'n Node,
}

impl<P: Fn() -> Pointer> Given<'_, P> {
    fn check(&self, context: &Context<'_>, checker: &mut Checker<'_>, schema: SchemaId, found: &mut Findings) {
        let violations = checker.check(schema, self.value);
        let count = violations.len();
        for violation in violations.into_iter().take(MOST_VIOLATIONS) {
            found.push(self.diagnostic(context, schema, &violation, count));
        }
    }

    fn diagnostic(&self, context: &Context<'_>, schema: SchemaId, violation: &Violation, count: usize) -> Diagnostic {
        let pointer = violation.pointer.tokens().fold((self.pointer)(), |pointer, token| pointer.join(token));
        let place = Location { span: violation.span, pointer };
        let mut message = format!("{}: {}", self.what, violation.message);
        if count > MOST_VIOLATIONS {
            message.push_str(&format!(" (one of {count} mismatches)"));
        }
        let schemas = &context.document.schemas;
        let location = &schemas[schemas.follow(schema)].location;
        let help = match violation.keyword {
            "additionalProperties" => "declare the property in the schema, or remove it here",
            "required" => "add the property here, or take it out of `required`",
            _ => "correct the value or the schema",
        };
        let diagnostic = Diagnostic::new(self.rule, message, &place).help(help);
        if location.span.start <= place.span.start && place.span.end <= location.span.end {
            diagnostic
        } else {
            diagnostic.label(location, "the schema")
        }
    }
}
