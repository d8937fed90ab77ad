//! Random schemas of few names, numbers and strings, so that they have to do with each other, and changes of schemas.

use event_api_spec::schema::Dialect;
use serde_json::{Map, Value, json};

use super::random::Random;
use super::values;

pub(crate) const NAMES: &[&str] = &["a", "b", "ab", "x1"];
pub(crate) const PATTERNS: &[&str] =
    &["^a", "b$", "^[ab]*$", "a.*b", "^x\\d$", "^x1$", "^x[12]$", "^(?!a)", "^.{1,2}$", "\\d", "^(ab)*$"];
const TYPES: &[&str] = &["null", "boolean", "integer", "number", "string", "array", "object"];

/// A schema, with definitions that it and they refer to.
pub(crate) fn document(random: &mut Random) -> Value {
    random.references = &[];
    let last = schema(random, 2);
    random.references = &["#/definitions/e"];
    let definitions = json!({ "d": schema(random, 2), "e": last });
    random.references = &["#/definitions/d", "#/definitions/e"];
    let mut root = schema(random, 3);
    random.references = &[];
    if let Value::Object(root) = &mut root {
        if root.contains_key("$ref") {
            let reference = root.remove("$ref").unwrap();
            root.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
        }
        root.insert("definitions".to_owned(), definitions);
    }
    root
}

/// A schema of at most so many levels.
pub(crate) fn schema(random: &mut Random, depth: usize) -> Value {
    if depth == 0 || random.once_in(12) {
        return match random.below(9) {
            0 | 1 => json!(true),
            8 if random.once_in(2) => json!(false),
            2 => json!({ "const": values::scalar(random) }),
            3 => json!({ "type": random.one(TYPES) }),
            4 => json!({ "type": "integer", "minimum": number(random) }),
            5 => json!({ "type": "string", "pattern": random.one(PATTERNS) }),
            6 => json!({ "enum": [values::scalar(random), values::scalar(random)] }),
            7 if !random.references.is_empty() => json!({ "$ref": random.one(random.references) }),
            _ => json!({ "type": random.one(TYPES) }),
        };
    }
    let mut keywords = Map::new();
    match random.below(10) {
        0..=5 => {
            let kind = *random.one(TYPES);
            keywords.insert("type".to_owned(), json!(kind));
            for _ in 0..1 + random.below(4) {
                let (name, value) = keyword_for(random, kind, depth);
                keywords.insert(name.to_owned(), value);
            }
        }
        6 => {
            keywords.insert("type".to_owned(), json!([random.one(TYPES), random.one(&["object", "array"])]));
            for _ in 0..1 + random.below(4) {
                let kind = *random.one(TYPES);
                let (name, value) = keyword_for(random, kind, depth);
                keywords.insert(name.to_owned(), value);
            }
        }
        _ => {}
    }
    if keywords.is_empty() || random.once_in(3) {
        // A type and an enumeration mostly have nothing in common.
        let (name, value) = combination(random, depth, if keywords.is_empty() { 9 } else { 7 });
        keywords.insert(name.to_owned(), value);
        if name == "if" {
            keywords.insert("then".to_owned(), schema(random, depth - 1));
            keywords.insert("else".to_owned(), schema(random, depth - 1));
        }
    }
    if let Some(Value::Array(types)) = keywords.get_mut("type") {
        types.dedup();
    }
    Value::Object(keywords)
}

fn list(random: &mut Random, depth: usize) -> Value {
    (0..1 + random.below(3)).map(|_| schema(random, depth - 1)).collect()
}

/// What is one level deeper in the value as well: there, a schema may refer to the whole.
fn inner(random: &mut Random, depth: usize) -> Value {
    const ALL: &[&str] = &["#", "#/definitions/d", "#/definitions/e"];
    if random.once_in(8) { json!({ "$ref": random.one(ALL) }) } else { schema(random, depth - 1) }
}

fn combination(random: &mut Random, depth: usize, kinds: usize) -> (&'static str, Value) {
    match random.below(kinds) {
        0 => ("allOf", list(random, depth)),
        1 | 2 => ("anyOf", list(random, depth)),
        3 | 4 => ("oneOf", list(random, depth)),
        5 => ("not", schema(random, depth - 1)),
        6 => ("if", schema(random, depth - 1)),
        7 => ("enum", (0..1 + random.below(4)).map(|_| values::value(random, 2)).collect()),
        _ => ("const", values::value(random, 2)),
    }
}

fn number(random: &mut Random) -> Value {
    random.one(&[json!(0), json!(1), json!(2), json!(-1), json!(1.5), json!(3), json!(2.0)]).clone()
}

fn keyword_for(random: &mut Random, kind: &str, depth: usize) -> (&'static str, Value) {
    let count = |random: &mut Random| json!(random.below(4));
    if random.dialect == Dialect::Draft2020 && random.once_in(2) {
        match (kind, random.below(4)) {
            ("array", 0) => return ("prefixItems", list(random, depth)),
            ("array", 1) => return ("minContains", count(random)),
            ("array", 2) => return ("maxContains", count(random)),
            ("array", _) => return ("unevaluatedItems", schema(random, depth - 1)),
            ("object", 0) => return ("dependentRequired", json!({ (*random.one(NAMES)): [random.one(NAMES)] })),
            ("object", 1) => {
                return ("dependentSchemas", map(random, depth, NAMES, |random, depth| schema(random, depth - 1)));
            }
            ("object", 2) => return ("unevaluatedProperties", json!(false)),
            ("object", _) => return ("unevaluatedProperties", schema(random, depth - 1)),
            _ => {}
        }
    }
    match kind {
        "integer" | "number" => match random.below(5) {
            0 => ("minimum", number(random)),
            1 => ("maximum", number(random)),
            2 => ("exclusiveMinimum", number(random)),
            3 => ("exclusiveMaximum", number(random)),
            _ => ("multipleOf", random.one(&[json!(1), json!(2), json!(0.5), json!(3), json!(1.5)]).clone()),
        },
        "string" => match random.below(4) {
            0 => ("minLength", count(random)),
            1 => ("maxLength", count(random)),
            _ => ("pattern", json!(random.one(PATTERNS))),
        },
        "array" => match random.below(8) {
            0 => ("minItems", count(random)),
            1 => ("maxItems", count(random)),
            2 => ("uniqueItems", json!(true)),
            3 => ("contains", inner(random, depth)),
            4 if random.dialect == Dialect::Draft7 => ("items", list(random, depth)),
            5 if random.dialect == Dialect::Draft7 => ("additionalItems", inner(random, depth)),
            _ => ("items", inner(random, depth)),
        },
        "object" => match random.below(12) {
            0 => ("minProperties", count(random)),
            1 => ("maxProperties", count(random)),
            2 | 3 => ("required", names(random)),
            4 => ("additionalProperties", inner(random, depth)),
            5 => ("additionalProperties", json!(false)),
            6 => ("propertyNames", schema(random, depth - 1)),
            7 => ("patternProperties", map(random, depth, PATTERNS, inner)),
            8 if random.dialect == Dialect::Draft7 => {
                ("dependencies", json!({ (*random.one(NAMES)): [random.one(NAMES)] }))
            }
            9 if random.dialect == Dialect::Draft7 => {
                ("dependencies", map(random, depth, NAMES, |random, depth| schema(random, depth - 1)))
            }
            _ => ("properties", map(random, depth, NAMES, inner)),
        },
        _ => combination(random, depth, 9),
    }
}

/// One name or two different ones: a list with repetitions is no schema.
fn names(random: &mut Random) -> Value {
    let first = random.below(NAMES.len());
    (0..1 + random.below(2)).map(|index| json!(NAMES[(first + index) % NAMES.len()])).collect()
}

fn map(random: &mut Random, depth: usize, keys: &[&str], member: fn(&mut Random, usize) -> Value) -> Value {
    Value::Object((0..1 + random.below(3)).map(|_| ((*random.one(keys)).to_owned(), member(random, depth))).collect())
}

/// The same schema with something changed somewhere.
pub(crate) fn changed(random: &mut Random, schema: &Value) -> Value {
    let mut places = Vec::new();
    collect(schema, "", true, &mut places);
    let place = random.one(&places).clone();
    let mut changed = schema.clone();
    if let Some(target) = changed.pointer_mut(&place) {
        change(random, target);
    }
    changed
}

/// The places of schemas within a schema. Maps of schemas are told from schemas by what holds them.
fn collect(value: &Value, pointer: &str, is_schema: bool, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if is_schema {
                places.push(pointer.to_owned());
            }
            for (name, member) in members {
                let holds_map =
                    ["properties", "patternProperties", "definitions", "dependencies", "schemas", "components"];
                let is_data =
                    ["enum", "const", "required", "examples", "default", "dependentRequired"].contains(&name.as_str());
                if is_schema && is_data {
                    continue;
                }
                let inner = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                collect(member, &inner, !(is_schema && holds_map.contains(&name.as_str())), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{pointer}/{index}"), true, places);
            }
        }
        Value::Bool(_) if is_schema => places.push(pointer.to_owned()),
        _ => {}
    }
}

fn change(random: &mut Random, target: &mut Value) {
    let Value::Object(keywords) = target else {
        *target = schema(random, 1);
        return;
    };
    let names: Vec<String> = keywords
        .keys()
        .filter(|name| !["definitions", "components", "$ref"].contains(&name.as_str()))
        .cloned()
        .collect();
    match random.below(4) {
        0 if !names.is_empty() => {
            keywords.remove(random.one(&names));
        }
        1 if !names.is_empty() => {
            let name = random.one(&names).clone();
            alter(random, &mut keywords[&name]);
        }
        2 => {
            let kind = keywords.get("type").and_then(Value::as_str).unwrap_or("object").to_owned();
            let (name, value) = keyword_for(random, &kind, 1);
            keywords.insert(name.to_owned(), value);
        }
        _ => {
            let kind = *random.one(TYPES);
            let (name, value) = keyword_for(random, kind, 1);
            keywords.insert(name.to_owned(), value);
        }
    }
    // What is no schema any more would be refused by every validator.
    if keywords.get("required").is_some_and(|required| !required.is_array()) {
        keywords.remove("required");
    }
}

fn alter(random: &mut Random, value: &mut Value) {
    match value {
        Value::Number(number) => {
            let old = number.as_f64().unwrap_or(0.0);
            *value = json!((old as i64 + 1).max(1));
        }
        Value::Array(items) if items.len() > 1 => {
            let index = random.below(items.len());
            items.remove(index);
        }
        Value::Bool(flag) => *flag = !*flag,
        Value::Object(members) if !members.is_empty() => {
            let names: Vec<_> = members.keys().cloned().collect();
            members.remove(random.one(&names));
        }
        _ => {}
    }
}
