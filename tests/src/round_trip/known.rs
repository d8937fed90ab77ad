//! Which members a schema knows of a value: a schema and a place in the value come in, and the parts of the schema that
//! apply there go out.

use serde_json::Value;

use crate::oracle::Judge;

/// More parts than this in one another are a cycle.
const DEPTH: usize = 64;

/// Whether some `properties` that applies to the object at `pointer` has this name.
pub(super) fn names_member(schema: &Value, judge: &Judge, whole: &Value, pointer: &str, name: &str) -> bool {
    let walk = Walk { root: schema, judge };
    let mut value = whole;
    let mut here = walk.in_place(schema, value);
    for token in pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~")) {
        let Some(child) = value.get(&token).or_else(|| value.get(token.parse::<usize>().ok()?)) else { return true };
        let schemas: Vec<&Value> = here.iter().flat_map(|schema| children(schema, value, &token)).collect();
        here = schemas.into_iter().flat_map(|schema| walk.in_place(schema, child)).collect();
        value = child;
    }
    here.iter().any(|schema| schema.get("properties").is_some_and(|properties| properties.get(name).is_some()))
}

struct Walk<'s> {
    root: &'s Value,
    judge: &'s Judge,
}

impl<'s> Walk<'s> {
    /// The schema, and those in it that judge the same value and accept it.
    fn in_place(&self, schema: &'s Value, value: &Value) -> Vec<&'s Value> {
        let mut all = Vec::new();
        self.collect(schema, value, &mut all, DEPTH);
        all
    }

    fn collect(&self, schema: &'s Value, value: &Value, all: &mut Vec<&'s Value>, depth: usize) {
        let Value::Object(keywords) = schema else { return };
        if depth == 0 {
            return;
        }
        let reference = keywords.get("$ref").and_then(Value::as_str);
        if reference.is_none() || !self.judge.ignores_siblings() {
            all.push(schema);
        }
        if let Some(pointer) = reference.and_then(|reference| reference.strip_prefix('#'))
            && let Some(target) = self.root.pointer(&pointer.replace("%20", " ").replace("%25", "%"))
        {
            self.collect(target, value, all, depth - 1);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for part in keywords.get(keyword).and_then(Value::as_array).into_iter().flatten() {
                if keyword == "allOf" || self.judge.part_accepts(part, value) {
                    self.collect(part, value, all, depth - 1);
                }
            }
        }
        if let Some(condition) = keywords.get("if") {
            let consequence = if self.judge.part_accepts(condition, value) { "then" } else { "else" };
            if let Some(part) = keywords.get(consequence) {
                self.collect(part, value, all, depth - 1);
            }
        }
        for keyword in ["dependencies", "dependentSchemas"] {
            for (name, part) in keywords.get(keyword).and_then(Value::as_object).into_iter().flatten() {
                if value.get(name).is_some() {
                    self.collect(part, value, all, depth - 1);
                }
            }
        }
    }
}

/// The schemas of a member or an item, by the keywords of `schema` alone.
fn children<'s>(schema: &'s Value, value: &Value, token: &str) -> Vec<&'s Value> {
    if value.is_object() {
        let member = schema.get("properties").and_then(|properties| properties.get(token));
        // Patterns are not matched: every one of them may apply.
        let patterns =
            schema.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(|all| all.values());
        let others = ["additionalProperties", "unevaluatedProperties"].into_iter().filter_map(|name| schema.get(name));
        return member.into_iter().chain(patterns).chain(others).collect();
    }
    let place = |list: &'s Value| list.get(token.parse::<usize>().ok()?);
    let mut all: Vec<&Value> =
        ["prefixItems", "items"].into_iter().filter_map(|name| place(schema.get(name)?)).collect();
    let others = ["items", "additionalItems", "unevaluatedItems", "contains"];
    all.extend(others.into_iter().filter_map(|name| schema.get(name)).filter(|schema| schema.is_object()));
    all
}
