//! Schemas that nothing or nobody can satisfy, as far as that is cheap to see.

use super::Context;
use crate::diagnostic::{Diagnostic, Findings};
use crate::near::nearest;
use crate::rules;
use crate::schema::{Keywords, Pattern, PatternError, Schema, SchemaId, SchemaKind, Schemas};
use crate::source::Number;

pub(super) fn check(context: &Context<'_>, found: &mut Findings) {
    let schemas = &context.document.schemas;
    for id in schemas.ids() {
        let schema = &schemas[id];
        if let SchemaKind::Object(keywords) = &schema.kind {
            check_ranges(context, schema, keywords, found);
            check_required(context, schema, keywords, found);
            check_patterns(context, schema, keywords, found);
            check_discriminator(context, schema, keywords, found);
        }
    }
}

fn check_ranges(context: &Context<'_>, schema: &Schema, keywords: &Keywords, found: &mut Findings) {
    let mut refuse = |low: &str, high: &str, low_value: String, high_value: String| {
        let message = format!("nothing is valid here: `{low}` {low_value} leaves nothing below `{high}` {high_value}");
        found.push(
            Diagnostic::new(rules::UNSATISFIABLE_SCHEMA, message, &context.places.value(&schema.location, &[low]))
                .label(&context.places.value(&schema.location, &[high]), format!("`{high}`"))
                .help("swap the two, or correct one of them"),
        );
    };
    let lengths = [
        ("minLength", keywords.min_length, "maxLength", keywords.max_length),
        ("minItems", keywords.min_items, "maxItems", keywords.max_items),
        ("minProperties", keywords.min_properties, "maxProperties", keywords.max_properties),
        ("minContains", keywords.min_contains, "maxContains", keywords.max_contains),
    ];
    for (low, least, high, most) in lengths {
        if let (Some(least), Some(most)) = (least, most)
            && least > most
        {
            refuse(low, high, least.to_string(), most.to_string());
        }
    }
    let lower: [(&str, &Option<Number>, bool); 2] =
        [("minimum", &keywords.minimum, false), ("exclusiveMinimum", &keywords.exclusive_minimum, true)];
    let upper: [(&str, &Option<Number>, bool); 2] =
        [("maximum", &keywords.maximum, false), ("exclusiveMaximum", &keywords.exclusive_maximum, true)];
    for (low, least, excludes_least) in lower {
        for (high, most, excludes_most) in upper {
            if let (Some(least), Some(most)) = (least, most) {
                let order = least.compare(most);
                if order.is_gt() || (order.is_eq() && (excludes_least || excludes_most)) {
                    refuse(low, high, least.to_string(), most.to_string());
                }
            }
        }
    }
    if keywords.enum_values.as_ref().is_some_and(Vec::is_empty) {
        let at = context.places.value(&schema.location, &["enum"]);
        let message = "nothing is valid here: `enum` has no values";
        found
            .push(Diagnostic::new(rules::UNSATISFIABLE_SCHEMA, message, &at).help("list the values, or remove `enum`"));
    }
}

fn check_required(context: &Context<'_>, schema: &Schema, keywords: &Keywords, found: &mut Findings) {
    let schemas = &context.document.schemas;
    let closed = keywords.additional_properties.is_some_and(|id| is_false(schemas, id));
    for (index, name) in keywords.required.iter().enumerate() {
        let declared = keywords.properties.get(name);
        let forbidden = match declared {
            Some(&id) => is_false(schemas, id),
            None => closed && !keywords.pattern_properties.keys().any(|pattern| may_match(pattern, name)),
        };
        if !forbidden {
            continue;
        }
        let index = index.to_string();
        let at = context.places.value(&schema.location, &["required", &index]);
        let message = format!("nothing is valid here: `{name}` is required, and not allowed");
        let help = match nearest(name, keywords.properties.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare `{name}` under `properties`, or remove it from `required`"),
        };
        found.push(Diagnostic::new(rules::UNSATISFIABLE_SCHEMA, message, &at).help(help));
    }
    if let Some(most) = keywords.max_properties
        && (keywords.required.len() as u64) > most
    {
        let at = context.places.value(&schema.location, &["maxProperties"]);
        let count = keywords.required.len();
        let message = format!("nothing is valid here: {count} properties are required, and at most {most} allowed");
        found.push(
            Diagnostic::new(rules::UNSATISFIABLE_SCHEMA, message, &at).help("raise `maxProperties`, or require less"),
        );
    }
}

fn is_false(schemas: &Schemas, id: SchemaId) -> bool {
    matches!(schemas[schemas.follow(id)].kind, SchemaKind::Bool(false))
}

fn may_match(pattern: &str, text: &str) -> bool {
    Pattern::new(pattern).ok().and_then(|pattern| pattern.matches(text)).unwrap_or(true)
}

fn check_patterns(context: &Context<'_>, schema: &Schema, keywords: &Keywords, found: &mut Findings) {
    let places = &context.places;
    let mut check = |pattern: &str, at: &dyn Fn() -> crate::source::Location| {
        if let Err(PatternError::Invalid(reason)) = Pattern::new(pattern) {
            let message = format!("`{pattern}` is no regular expression of ECMA-262: {reason}");
            let help = "write it as JavaScript reads it, for example without flags such as `(?i)`";
            found.push(Diagnostic::new(rules::INVALID_PATTERN, message, &at()).help(help));
        }
    };
    if let Some(pattern) = &keywords.pattern {
        check(pattern, &|| places.value(&schema.location, &["pattern"]));
    }
    for pattern in keywords.pattern_properties.keys() {
        check(pattern, &|| places.key(&schema.location, &["patternProperties", pattern]));
    }
}

/// The property must be declared and required, here or in every alternative (AsyncAPI 3.0, Schema Object).
fn check_discriminator(context: &Context<'_>, schema: &Schema, keywords: &Keywords, found: &mut Findings) {
    let Some(discriminator) = &keywords.discriminator else { return };
    let name = &discriminator.property;
    let schemas = &context.document.schemas;
    let alternatives: Vec<SchemaId> = keywords.one_of.iter().chain(&keywords.any_of).copied().collect();
    let mut steps = 0;
    let declared = Declared::of_keywords(schemas, keywords, name, &mut steps);
    let everywhere = !alternatives.is_empty()
        && alternatives.iter().all(|&id| {
            let own = Declared::of(schemas, id, name, &mut 0);
            (own.property || declared.property) && (own.required || declared.required)
        });
    if (declared.property && declared.required) || everywhere {
        return;
    }
    let problem = if declared.property { "not required" } else { "not a property of every alternative" };
    let problem = if alternatives.is_empty() && !declared.property { "not a property" } else { problem };
    let message = format!("the discriminator `{name}` is {problem}");
    let help = format!("declare `{name}` under `properties` and list it in `required`, here or in every alternative");
    let at = context.places.value(&schema.location, &["discriminator"]);
    found.push(Diagnostic::new(rules::DISCRIMINATOR_PROPERTY, message, &at).help(help));
}

/// What a schema says about one property, with what it takes from `allOf` and references.
#[derive(Clone, Copy, Default)]
struct Declared {
    property: bool,
    required: bool,
}

impl Declared {
    fn of(schemas: &Schemas, id: SchemaId, name: &str, steps: &mut usize) -> Self {
        // Also the deepest that the recursion goes.
        const MOST_STEPS: usize = 100;
        *steps += 1;
        match &schemas[id].kind {
            SchemaKind::Object(keywords) if *steps <= MOST_STEPS => Self::of_keywords(schemas, keywords, name, steps),
            // Undecided: nothing is reported.
            _ => Declared { property: true, required: true },
        }
    }

    fn of_keywords(schemas: &Schemas, keywords: &Keywords, name: &str, steps: &mut usize) -> Self {
        let mut declared = Declared {
            property: keywords.properties.contains_key(name),
            required: keywords.required.iter().any(|required| required == name),
        };
        if keywords.unresolved_reference.is_some() {
            return Declared { property: true, required: true };
        }
        for &id in keywords.all_of.iter().chain(&keywords.reference) {
            let part = Self::of(schemas, id, name, steps);
            declared.property |= part.property;
            declared.required |= part.required;
        }
        declared
    }
}
