//! Schemas that say much about small values: every keyword of one type with every other, so that what they mean together
//! is met often.

use event_api_spec::schema::Dialect;
use serde_json::{Map, Value, json};

use super::random::Random;

const NAMES: &[&str] = &["a", "b", "x1", "x2"];

/// A schema of one type, or a combination of some.
pub(crate) fn schema(random: &mut Random, kind: &str) -> Value {
    let some = |random: &mut Random| -> Value { (0..2 + random.below(2)).map(|_| one(random, kind)).collect() };
    match random.below(8) {
        0 => json!({ "type": kind, "anyOf": some(random) }),
        1 => json!({ "type": kind, "oneOf": some(random) }),
        2 => json!({ "type": kind, "allOf": some(random) }),
        3 => json!({ "type": kind, "not": one(random, kind) }),
        4 => json!({ "type": kind, "if": one(random, kind), "then": one(random, kind), "else": one(random, kind) }),
        _ => one(random, kind),
    }
}

fn one(random: &mut Random, kind: &str) -> Value {
    let mut keywords = Map::new();
    keywords.insert("type".to_owned(), json!(kind));
    for _ in 0..1 + random.below(4) {
        let (name, value) = match kind {
            "array" => of_arrays(random),
            "object" => of_objects(random),
            "string" => of_strings(random),
            _ => of_numbers(random),
        };
        keywords.insert(name.to_owned(), value);
    }
    Value::Object(keywords)
}

/// A schema of a few values.
fn tiny(random: &mut Random) -> Value {
    match random.below(10) {
        0 => json!(true),
        1 => json!(false),
        2 => json!({ "type": "boolean" }),
        3 => json!({ "enum": [0, 1] }),
        4 => json!({ "type": ["null", "boolean"] }),
        5 => json!({ "not": { "const": 1 } }),
        6 => json!({ "type": "number", "maximum": 1 }),
        7 => json!({ "type": "string", "maxLength": 1 }),
        _ => json!({ "const": value(random) }),
    }
}

fn value(random: &mut Random) -> Value {
    random.one(&[json!(null), json!(true), json!(false), json!(0), json!(1), json!("a"), json!("")]).clone()
}

fn of_arrays(random: &mut Random) -> (&'static str, Value) {
    let recent = random.dialect == Dialect::Draft2020;
    let count = |random: &mut Random| json!(random.below(5));
    match random.below(if recent { 11 } else { 9 }) {
        0 => ("minItems", count(random)),
        1 => ("maxItems", count(random)),
        2 | 3 => ("uniqueItems", json!(true)),
        4 => ("contains", tiny(random)),
        5 if !recent => ("additionalItems", tiny(random)),
        6 | 7 => {
            let prefix = (0..1 + random.below(3)).map(|_| tiny(random)).collect();
            (if recent { "prefixItems" } else { "items" }, prefix)
        }
        9 => ("minContains", count(random)),
        10 => ("maxContains", count(random)),
        _ => ("items", tiny(random)),
    }
}

fn of_objects(random: &mut Random) -> (&'static str, Value) {
    const PATTERNS: &[&str] = &["^x", "^x1$", "^x[12]$", "^[ab]$", "1$", "^.$"];
    let recent = random.dialect == Dialect::Draft2020;
    let names = |random: &mut Random| -> Value {
        let first = random.below(4);
        (0..1 + random.below(2)).map(|index| json!(NAMES[(first + index) % 4])).collect()
    };
    let mut map = |keys: &[&str]| -> Value {
        let members = (0..1 + random.below(3)).map(|_| ((*random.one(keys)).to_owned(), tiny(random)));
        Value::Object(members.collect())
    };
    let (properties, patterns) = (map(NAMES), map(PATTERNS));
    match random.below(11) {
        0 => ("minProperties", json!(random.below(4))),
        1 => ("maxProperties", json!(random.below(4))),
        2 | 3 => ("required", names(random)),
        4 | 5 => ("properties", properties),
        6 => ("patternProperties", patterns),
        7 => ("additionalProperties", tiny(random)),
        8 => ("propertyNames", json!({ "pattern": random.one(PATTERNS) })),
        9 => {
            let keyword = if recent { "dependentRequired" } else { "dependencies" };
            (keyword, json!({ (*random.one(NAMES)): names(random) }))
        }
        _ => (if recent { "dependentSchemas" } else { "dependencies" }, {
            json!({ (*random.one(NAMES)): { "properties": properties } })
        }),
    }
}

fn of_strings(random: &mut Random) -> (&'static str, Value) {
    const PATTERNS: &[&str] = &["a", "^a", "b$", "^[ab]+$", "^(ab)*$", "^(?!b)", "^.{2}$", "^a?b?$", "é"];
    match random.below(5) {
        0 => ("minLength", json!(random.below(4))),
        1 => ("maxLength", json!(random.below(4))),
        2 => ("enum", (0..1 + random.below(3)).map(|_| small(random, "string")).collect()),
        _ => ("pattern", json!(random.one(PATTERNS))),
    }
}

fn of_numbers(random: &mut Random) -> (&'static str, Value) {
    let number = |random: &mut Random| json!(random.below(9) as f64 / 2.0 - 1.0);
    match random.below(7) {
        0 => ("minimum", number(random)),
        1 => ("maximum", number(random)),
        2 => ("exclusiveMinimum", number(random)),
        3 => ("exclusiveMaximum", number(random)),
        4 => ("enum", (0..1 + random.below(3)).map(|_| number(random)).collect()),
        5 => ("type", json!("integer")),
        _ => ("multipleOf", random.one(&[json!(0.5), json!(1), json!(1.5), json!(2), json!(0.75)]).clone()),
    }
}

/// A small value of the type.
pub(crate) fn small(random: &mut Random, kind: &str) -> Value {
    match kind {
        "array" => (0..random.below(5)).map(|_| value(random)).collect(),
        "object" => {
            const MORE: &[&str] = &["a", "b", "x1", "x2", "c", "xx"];
            Value::Object((0..random.below(4)).map(|_| ((*random.one(MORE)).to_owned(), value(random))).collect())
        }
        "string" => json!((0..random.below(5)).map(|_| *random.one(&['a', 'a', 'b', 'b', 'é'])).collect::<String>()),
        _ => json!(random.below(25) as f64 / 4.0 - 2.0),
    }
}
