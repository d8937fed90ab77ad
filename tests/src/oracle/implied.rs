//! The default reading as a transformation: `type` is added to every schema object whose keywords all belong to one
//! type and that has none. What comes out means by the letter what the schema that comes in means by default.

use serde_json::{Map, Value};

const OF_OBJECTS: [&str; 9] = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "required",
    "minProperties",
    "maxProperties",
    "dependencies",
    "unevaluatedProperties",
];
const OF_ARRAYS: [&str; 8] =
    ["items", "prefixItems", "additionalItems", "contains", "minItems", "maxItems", "uniqueItems", "unevaluatedItems"];
const OF_NUMBERS: [&str; 5] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
const OF_STRINGS: [&str; 5] = ["minLength", "maxLength", "pattern", "contentEncoding", "contentMediaType"];
/// Formats that are known to be formats of strings.
const STRING_FORMATS: [&str; 10] =
    ["date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"];
/// Keywords that speak of values of any type.
const OF_ANY: [&str; 14] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "type",
    "enum",
    "const",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "format",
];

/// Keywords whose value is one schema, or a list of schemas.
const SCHEMAS: [&str; 16] = [
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "unevaluatedItems",
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
    "not",
    "if",
    "then",
    "else",
    "allOf",
    "anyOf",
    "oneOf",
    "contentSchema",
];
/// Keywords whose value has a schema in every member.
const MAPS: [&str; 6] = ["properties", "patternProperties", "definitions", "$defs", "dependencies", "dependentSchemas"];

/// The schema with the types that are implied.
pub fn with_implied_types(schema: &Value) -> Value {
    let mut schema = schema.clone();
    each_schema(&mut schema, &mut |keywords| {
        if let Some(implied) = implied_type(keywords) {
            keywords.insert("type".to_owned(), implied.into());
        }
    });
    schema
}

/// Calls `change` with the keywords of every schema in `schema`, the outermost first.
pub(super) fn each_schema(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Value::Object(keywords) = schema else { return };
    change(keywords);
    for (keyword, value) in keywords.iter_mut() {
        match value {
            Value::Object(members) if MAPS.contains(&keyword.as_str()) => {
                members.values_mut().for_each(|member| each_schema(member, change));
            }
            Value::Array(items) if SCHEMAS.contains(&keyword.as_str()) => {
                items.iter_mut().for_each(|item| each_schema(item, change));
            }
            Value::Object(_) if SCHEMAS.contains(&keyword.as_str()) => each_schema(value, change),
            _ => {}
        }
    }
}

fn implied_type(keywords: &Map<String, Value>) -> Option<&'static str> {
    let mut implied = None;
    for (keyword, value) in keywords {
        let keyword = keyword.as_str();
        let of = match keyword {
            _ if OF_OBJECTS.contains(&keyword) => "object",
            // Without `items` it says nothing, in any draft.
            "additionalItems" if !keywords.contains_key("items") => continue,
            _ if OF_ARRAYS.contains(&keyword) => "array",
            _ if OF_NUMBERS.contains(&keyword) => "number",
            _ if OF_STRINGS.contains(&keyword) => "string",
            "format" if value.as_str().is_some_and(|format| STRING_FORMATS.contains(&format)) => "string",
            _ if OF_ANY.contains(&keyword) => return None,
            // Annotations, and what the dialect does not know.
            _ => continue,
        };
        if *implied.get_or_insert(of) != of {
            return None;
        }
    }
    implied
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::with_implied_types;

    #[test]
    fn keywords_of_one_type_imply_it_and_others_do_not() {
        for (schema, expected) in [
            (json!({ "minimum": 1, "title": "One" }), json!({ "minimum": 1, "title": "One", "type": "number" })),
            (json!({ "minimum": 1, "minLength": 1 }), json!({ "minimum": 1, "minLength": 1 })),
            (json!({ "enum": ["a"], "minLength": 1 }), json!({ "enum": ["a"], "minLength": 1 })),
            (json!({ "not": { "required": ["type"] } }), json!({ "not": { "required": ["type"], "type": "object" } })),
            (json!({ "$ref": "#", "minimum": 1 }), json!({ "$ref": "#", "minimum": 1 })),
        ] {
            assert_eq!(with_implied_types(&schema), expected);
        }
    }
}
