//! Schemas of draft-07, rewritten to 2020-12, as far as the collection of pairs needs it.

use serde_json::{Map, Value};

/// The same schema in the newer dialect.
pub(super) fn to_2020_12(schema: Value) -> Value {
    match schema {
        Value::Object(members) => {
            // Beside a reference, draft-07 reads nothing.
            if let Some(reference @ Value::String(_)) = members.get("$ref") {
                let mut rewritten = Map::from_iter([("$ref".to_owned(), renamed(reference))]);
                if let Some(definitions) = members.get("definitions") {
                    rewritten.insert("$defs".to_owned(), each(definitions.clone()));
                }
                return Value::Object(rewritten);
            }
            let tuple = matches!(members.get("items"), Some(Value::Array(_)));
            let mut rewritten = Map::new();
            for (keyword, value) in members {
                match (keyword.as_str(), value) {
                    ("$schema", _) => {
                        let dialect = "https://json-schema.org/draft/2020-12/schema";
                        rewritten.insert(keyword, Value::from(dialect));
                    }
                    ("definitions", value) => {
                        rewritten.insert("$defs".to_owned(), each(value));
                    }
                    ("items", Value::Array(items)) => {
                        let items = items.into_iter().map(to_2020_12).collect();
                        rewritten.insert("prefixItems".to_owned(), items);
                    }
                    ("additionalItems", value) if tuple => {
                        rewritten.insert("items".to_owned(), to_2020_12(value));
                    }
                    ("additionalItems", _) => {}
                    ("dependencies", Value::Object(dependencies)) => dependent(dependencies, &mut rewritten),
                    ("properties" | "patternProperties", value) => {
                        rewritten.insert(keyword, each(value));
                    }
                    // Values, not schemas.
                    ("const" | "enum" | "default" | "examples", value) => {
                        rewritten.insert(keyword, value);
                    }
                    (_, value) => {
                        rewritten.insert(keyword, to_2020_12(value));
                    }
                }
            }
            Value::Object(rewritten)
        }
        Value::Array(schemas) => schemas.into_iter().map(to_2020_12).collect(),
        other => other,
    }
}

/// Schemas by name.
fn each(schemas: Value) -> Value {
    match schemas {
        Value::Object(schemas) => schemas.into_iter().map(|(name, schema)| (name, to_2020_12(schema))).collect(),
        other => other,
    }
}

fn renamed(reference: &Value) -> Value {
    let text = reference.as_str().unwrap_or_default();
    Value::from(text.replace("#/definitions/", "#/$defs/").replace("/definitions/", "/$defs/"))
}

fn dependent(dependencies: Map<String, Value>, rewritten: &mut Map<String, Value>) {
    let (mut required, mut schemas) = (Map::new(), Map::new());
    for (name, dependency) in dependencies {
        match dependency {
            Value::Array(_) => required.insert(name, dependency),
            schema => schemas.insert(name, to_2020_12(schema)),
        };
    }
    for (keyword, members) in [("dependentRequired", required), ("dependentSchemas", schemas)] {
        if !members.is_empty() {
            rewritten.insert(keyword.to_owned(), Value::Object(members));
        }
    }
}
