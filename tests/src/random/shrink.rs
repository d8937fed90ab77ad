//! Smaller schemas and values: each without one keyword, member or item, or only a part of the whole.

use serde_json::Value;

/// The schema with one thing less, the largest steps first. Not all of them are schemas.
pub fn smaller_schemas(schema: &Value) -> Vec<Value> {
    let mut smaller = smaller_values(schema);
    // The whole replaced by a schema in it, with the definitions that it refers to.
    if let Value::Object(keywords) = schema {
        let parts = keywords.iter().filter(|(keyword, _)| !is_kept(keyword)).flat_map(|(_, value)| match value {
            Value::Array(parts) => parts.clone(),
            Value::Object(members) => std::iter::once(value.clone()).chain(members.values().cloned()).collect(),
            _ => Vec::new(),
        });
        for part in parts {
            if let Value::Object(mut part) = part {
                for (keyword, value) in keywords.iter().filter(|(keyword, _)| is_kept(keyword)) {
                    part.entry(keyword.clone()).or_insert_with(|| value.clone());
                }
                smaller.insert(0, Value::Object(part));
            }
        }
    }
    smaller.insert(0, without_unused_definitions(schema));
    smaller.retain(|smaller| size(smaller) < size(schema));
    smaller
}

/// Without the definitions that nothing refers to.
fn without_unused_definitions(schema: &Value) -> Value {
    let mut smaller = schema.clone();
    let text = schema.to_string();
    for folder in ["definitions", "$defs"] {
        if let Some(Value::Object(definitions)) = smaller.get_mut(folder) {
            definitions.retain(|name, _| text.contains(&format!("#/{folder}/{}\"", name.replace(' ', "%20"))));
            if definitions.is_empty() {
                smaller.as_object_mut().map(|keywords| keywords.remove(folder));
            }
        }
    }
    smaller
}

/// The value with one member or item less, at any depth, the largest steps first.
pub fn smaller_values(value: &Value) -> Vec<Value> {
    let mut smaller = Vec::new();
    match value {
        Value::Array(items) => {
            for index in 0..items.len() {
                let mut less = items.clone();
                less.remove(index);
                smaller.push(Value::Array(less));
            }
            for (index, item) in items.iter().enumerate() {
                for item in smaller_values(item) {
                    let mut less = items.clone();
                    less[index] = item;
                    smaller.push(Value::Array(less));
                }
            }
        }
        Value::Object(members) => {
            for name in members.keys().filter(|name| *name != "$schema") {
                let mut less = members.clone();
                less.remove(name);
                smaller.push(Value::Object(less));
            }
            for (name, member) in members {
                for member in smaller_values(member) {
                    let mut less = members.clone();
                    less.insert(name.clone(), member);
                    smaller.push(Value::Object(less));
                }
            }
        }
        _ => {}
    }
    smaller.sort_by_key(size);
    smaller
}

fn is_kept(keyword: &str) -> bool {
    matches!(keyword, "definitions" | "$defs" | "$schema")
}

fn size(value: &Value) -> usize {
    value.to_string().len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::smaller_schemas;

    #[test]
    fn what_is_smaller_keeps_the_definitions_in_use_and_ends() {
        let schema = json!({
            "allOf": [{ "$ref": "#/definitions/a" }, { "minimum": 1 }],
            "definitions": { "a": true, "b": false },
        });
        let smaller = smaller_schemas(&schema);
        for expected in [
            json!({ "allOf": [{ "$ref": "#/definitions/a" }, { "minimum": 1 }], "definitions": { "a": true } }),
            json!({ "minimum": 1, "definitions": { "a": true, "b": false } }),
            json!({ "allOf": [{ "$ref": "#/definitions/a" }], "definitions": { "a": true, "b": false } }),
        ] {
            assert!(smaller.contains(&expected), "{expected} {smaller:?}");
        }
        let size = |value: &serde_json::Value| value.to_string().len();
        assert!(smaller.iter().all(|smaller| size(smaller) < size(&schema)));
    }
}
