//! The schemas of real documents as bare schemas: what `components/schemas` of a document names, each with the
//! definitions that it refers to.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

const PLACE: &str = "#/components/schemas/";

/// The named schemas of the document at `path`; none when it cannot be read. Left out are those that refer to anything
/// but each other, or speak AsyncAPI's own additions to JSON Schema.
pub fn schemas(path: &Path) -> Vec<Value> {
    let named = std::fs::read_to_string(path).ok().and_then(|text| serde_yaml::from_str::<Value>(&text).ok());
    let named = named.as_ref().and_then(|document| document.pointer("/components/schemas")).and_then(Value::as_object);
    named.map_or_else(Vec::new, |named| named.keys().filter_map(|name| bare(name, named)).collect())
}

/// The schema of this name, which refers to definitions.
fn bare(name: &str, named: &Map<String, Value>) -> Option<Value> {
    let mut definitions = Map::new();
    let mut todo = BTreeSet::from([name.to_owned()]);
    while let Some(name) = todo.pop_first() {
        if !definitions.contains_key(&name) {
            let mut schema = named.get(&name)?.clone();
            move_references(&mut schema, &mut todo)?;
            definitions.insert(name, schema);
        }
    }
    Some(json!({ "$ref": format!("#/definitions/{name}"), "definitions": definitions }))
}

/// Makes references lead to definitions, and collects what they lead to; `None` when one leads elsewhere.
fn move_references(schema: &mut Value, names: &mut BTreeSet<String>) -> Option<()> {
    match schema {
        Value::Object(keywords) => {
            if keywords.contains_key("discriminator") || keywords.contains_key("$id") {
                return None;
            }
            if let Some(Value::String(reference)) = keywords.get_mut("$ref") {
                let name = reference.strip_prefix(PLACE)?;
                if name.contains(['/', '~', '%']) {
                    return None;
                }
                names.insert(name.to_owned());
                *reference = format!("#/definitions/{name}");
            }
            keywords.values_mut().try_for_each(|value| move_references(value, names).ok_or(())).ok()
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| move_references(item, names).ok_or(())).ok(),
        _ => Some(()),
    }
}
