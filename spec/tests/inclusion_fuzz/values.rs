//! Random values, and values that a schema is likely to accept.

use serde_json::{Map, Value, json};

use super::random::Random;
use super::schemas::NAMES;

const TEXTS: &[&str] = &["", "a", "b", "ab", "ba", "abab", "x1", "1", "b b", "aé", "\n", "abc", "zzzz", "2020-01-01"];

pub(crate) fn scalar(random: &mut Random) -> Value {
    match random.below(8) {
        0 => Value::Null,
        1 => json!(random.once_in(2)),
        2..=4 => number(random),
        _ => json!(random.one(TEXTS)),
    }
}

fn number(random: &mut Random) -> Value {
    const NUMBERS: [f64; 9] = [0.5, 1.5, 2.5, -0.5, 0.25, 3.0, 1.0, 1e3, -7.5];
    match random.below(3) {
        0 => json!(*random.one(&NUMBERS)),
        _ => json!(random.below(9) as i64 - 3),
    }
}

/// Any value of at most so many levels.
pub(crate) fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 1 } else { 3 }) {
        0 => scalar(random),
        1 => (0..random.below(4)).map(|_| value(random, depth - 1)).collect(),
        _ => {
            let members = (0..random.below(4)).map(|_| (name(random), value(random, depth - 1)));
            Value::Object(members.collect())
        }
    }
}

fn name(random: &mut Random) -> String {
    let text = if random.once_in(4) { random.one(TEXTS) } else { random.one(NAMES) };
    (*text).to_owned()
}

/// A value that the schema is likely to accept.
pub(crate) fn likely(random: &mut Random, schema: &Value, root: &Value, depth: usize) -> Value {
    let Value::Object(keywords) = schema else { return value(random, depth.min(1)) };
    if depth == 0 || random.once_in(25) {
        return value(random, depth.min(2));
    }
    if let Some(pointer) = keywords.get("$ref").and_then(Value::as_str) {
        let target = pointer.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.map_or(Value::Null, |target| likely(random, target, root, depth - 1));
    }
    if let Some(value) = keywords.get("const") {
        return value.clone();
    }
    if let Some(Value::Array(values)) = keywords.get("enum")
        && !values.is_empty()
    {
        return random.one(values).clone();
    }
    let combined = ["allOf", "anyOf", "oneOf"].iter().filter_map(|name| keywords.get(*name)?.as_array());
    let mut parts: Vec<&Value> = combined.flatten().collect();
    parts.extend(["if", "then", "else"].iter().filter_map(|name| keywords.get(*name)));
    if !parts.is_empty() && (!keywords.contains_key("properties") || random.once_in(2)) {
        let first = *random.one(&parts);
        let mut made = likely(random, first, root, depth - 1);
        // Members of several parts together.
        for part in parts {
            if let (Value::Object(members), true) = (&mut made, random.once_in(2))
                && let Value::Object(others) = likely(random, part, root, depth - 1)
            {
                members.extend(others);
            }
        }
        return made;
    }
    match kind(random, keywords) {
        "null" => Value::Null,
        "boolean" => json!(random.once_in(2)),
        "integer" | "number" => near(random, keywords),
        "string" => text(random, keywords),
        "array" => array(random, keywords, root, depth),
        _ => object(random, keywords, root, depth),
    }
}

const KINDS: [&str; 7] = ["null", "boolean", "number", "string", "array", "object", "object"];

fn kind<'k>(random: &mut Random, keywords: &'k Map<String, Value>) -> &'k str {
    match keywords.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) if !kinds.is_empty() => random.one(kinds).as_str().unwrap_or("object"),
        _ => KINDS[random.below(KINDS.len())],
    }
}

fn near(random: &mut Random, keywords: &Map<String, Value>) -> Value {
    let marks = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
    let marks: Vec<f64> = marks.iter().filter_map(|name| keywords.get(*name)?.as_f64()).collect();
    if marks.is_empty() || random.once_in(3) {
        return number(random);
    }
    let made = random.one(&marks) + random.one(&[0.0, 1.0, -1.0, 0.5, 2.0]);
    if made.fract() == 0.0 { json!(made as i64) } else { json!(made) }
}

fn text(random: &mut Random, keywords: &Map<String, Value>) -> Value {
    let least = keywords.get("minLength").and_then(Value::as_u64).unwrap_or(0).min(100) as usize;
    let mut made = (*random.one(TEXTS)).to_owned();
    while made.chars().count() < least {
        made.push(*random.one(&['a', 'b']));
    }
    json!(made)
}

fn array(random: &mut Random, keywords: &Map<String, Value>, root: &Value, depth: usize) -> Value {
    let least = keywords.get("minItems").and_then(Value::as_u64).unwrap_or(0).min(20) as usize;
    let anything = json!(true);
    let item = |index: usize| {
        let prefix = keywords.get("prefixItems").or(keywords.get("items")).and_then(Value::as_array);
        let rest = keywords.get("items").filter(|items| !items.is_array());
        let others = ["additionalItems", "contains", "unevaluatedItems"].iter().find_map(|name| keywords.get(*name));
        prefix.and_then(|prefix| prefix.get(index)).or(rest).or(others).unwrap_or(&anything)
    };
    (0..least + random.below(3)).map(|index| likely(random, item(index), root, depth - 1)).collect()
}

fn object(random: &mut Random, keywords: &Map<String, Value>, root: &Value, depth: usize) -> Value {
    let mut members = Map::new();
    let anything = json!(true);
    let required = keywords.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
    if let Some(Value::Object(properties)) = keywords.get("properties") {
        for (name, schema) in properties {
            if is_required(name) || random.once_in(2) {
                members.insert(name.clone(), likely(random, schema, root, depth - 1));
            }
        }
    }
    let rest = keywords.get("additionalProperties").or(keywords.get("unevaluatedProperties")).unwrap_or(&anything);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            members.insert(name.to_owned(), likely(random, rest, root, depth - 1));
        }
    }
    if *rest != Value::Bool(false) || random.once_in(10) {
        for _ in 0..random.below(3) {
            members.entry(name(random)).or_insert_with(|| likely(random, rest, root, depth - 1));
        }
    }
    Value::Object(members)
}
