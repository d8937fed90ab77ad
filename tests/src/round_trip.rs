//! What a type writes of what it read: the same value, but for what the fidelity contract leaves open.
//!
//! Left open are members that the schema does not know, which may be dropped; `null` against absence, as long as the
//! schema accepts the result; members that are absent and have a default; and the spelling of numbers, and of times,
//! identifiers and addresses, of which the types keep what they mean.

mod known;
mod spelling;

use std::collections::BTreeMap;

use event_api_spec::Number;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::oracle::Judge;

/// The comparison for the values of one schema.
#[derive(Debug)]
pub struct RoundTrip<'a> {
    judge: &'a Judge,
    schema: Value,
    /// Every `default`.
    defaults: Vec<Value>,
}

impl<'a> RoundTrip<'a> {
    /// For values of this schema, which the judge knows as well.
    pub fn new(schema: &Value, judge: &'a Judge) -> Self {
        RoundTrip { judge, schema: schema.clone(), defaults: defaults(schema) }
    }

    /// Knows the defaults of a document that the schema may refer to, as well.
    #[must_use]
    pub fn with_defaults_of(mut self, document: &Value) -> Self {
        self.defaults.append(&mut defaults(document));
        self
    }

    /// Compares what was read with what was written of it.
    ///
    /// # Errors
    /// When the schema refuses what was written, or it says something else: what and where.
    pub fn check(&self, read: &str, written: &str) -> Result<(), String> {
        let value: Value = serde_json::from_str(written).map_err(|error| format!("{written} is no JSON: {error}"))?;
        if !self.judge.accepts(&value) {
            return Err(format!("the schema refuses what is written: {written}"));
        }
        let whole: Value = serde_json::from_str(read).map_err(|error| error.to_string())?;
        let (read, written) = (Json::parse(read)?, Json::parse(written)?);
        self.compare(&read, &written, "", &whole)
    }

    fn compare(&self, read: &Json, written: &Json, pointer: &str, whole: &Value) -> Result<(), String> {
        match (read, written) {
            (Json::Object(read), Json::Object(written)) => {
                for (name, value) in read {
                    let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                    match written.get(name) {
                        Some(again) => self.compare(value, again, &pointer, whole)?,
                        None if matches!(value, Json::Null) => {}
                        None if self.is_unknown(name, &pointer, whole) => {}
                        None => return Err(format!("{pointer} is lost")),
                    }
                }
                for (name, value) in written.iter().filter(|(name, _)| !read.contains_key(*name)) {
                    if !matches!(value, Json::Null) && !self.is_default(value) {
                        return Err(format!("{pointer}/{name} is added"));
                    }
                }
                Ok(())
            }
            (Json::Array(read), Json::Array(written)) if read.len() == written.len() => {
                let items = read.iter().zip(written).enumerate();
                items.into_iter().try_for_each(|(index, (read, written))| {
                    self.compare(read, written, &format!("{pointer}/{index}"), whole)
                })
            }
            (Json::Number(read), Json::Number(written)) if read.compare(written).is_eq() => Ok(()),
            (Json::String(read), Json::String(written)) if spelling::is_same(read, written) => Ok(()),
            (read, written) if read == written => Ok(()),
            (read, written) => Err(format!("{pointer} was {read:?} and becomes {written:?}")),
        }
    }

    /// Whether the schema does not care what the member at `pointer` is, nor whether it is there.
    fn is_unknown(&self, name: &str, pointer: &str, whole: &Value) -> bool {
        let (parent, _) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        if known::names_member(&self.schema, self.judge, whole, parent, name) {
            return false;
        }
        let mut probe = whole.clone();
        let others =
            ["null", "true", "0", "-1.5", "1e3", r#""""#, r#""a long enough text""#, "[]", "[1,1]", "{}", r#"{"a":1}"#];
        let others = others.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok());
        let indifferent = others.into_iter().all(|other| {
            if let Some(place) = probe.pointer_mut(pointer) {
                *place = other;
            }
            self.judge.accepts(&probe)
        });
        let mut without = whole.clone();
        let removed =
            without.pointer_mut(parent).and_then(Value::as_object_mut).and_then(|members| members.remove(name));
        indifferent && removed.is_some() && self.judge.accepts(&without)
    }

    fn is_default(&self, value: &Json) -> bool {
        let default = |default: &Value| Json::parse(&default.to_string()).is_ok_and(|default| default.same(value));
        self.defaults.iter().any(default)
    }
}

/// Whether two JSON texts are the same value, numbers compared without rounding.
pub fn is_same_value(one: &str, two: &str) -> bool {
    match (Json::parse(one), Json::parse(two)) {
        (Ok(one), Ok(two)) => one.same(&two),
        _ => false,
    }
}

/// Every `default` in a schema.
fn defaults(schema: &Value) -> Vec<Value> {
    match schema {
        Value::Object(keywords) => {
            let own = keywords.get("default").cloned().into_iter();
            own.chain(keywords.values().flat_map(defaults)).collect()
        }
        Value::Array(items) => items.iter().flat_map(defaults).collect(),
        _ => Vec::new(),
    }
}

/// A value whose numbers are as they were written.
#[derive(Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    fn parse(text: &str) -> Result<Json, String> {
        Self::read(text.trim()).ok_or_else(|| format!("{text} is no JSON"))
    }

    fn read(text: &str) -> Option<Json> {
        Some(match text.as_bytes().first()? {
            b'n' => Json::Null,
            b't' | b'f' => Json::Bool(text == "true"),
            b'"' => Json::String(serde_json::from_str(text).ok()?),
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                Json::Array(items.into_iter().map(|item| Self::read(item.get())).collect::<Option<_>>()?)
            }
            b'{' => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
                let members = members.into_iter().map(|(name, value)| Some((name, Self::read(value.get())?)));
                Json::Object(members.collect::<Option<_>>()?)
            }
            _ => Json::Number(Number::parse(text)?),
        })
    }

    fn same(&self, other: &Json) -> bool {
        match (self, other) {
            (Json::Number(one), Json::Number(two)) => one.compare(two).is_eq(),
            (Json::Array(one), Json::Array(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same(two))
            }
            (Json::Object(one), Json::Object(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.0 == two.0 && one.1.same(two.1))
            }
            (one, two) => one == two,
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::Draft;
    use serde_json::json;

    use super::RoundTrip;
    use crate::batch::Reading;
    use crate::oracle::Oracle;

    #[test]
    fn only_what_the_contract_leaves_open_may_differ() {
        let schema = json!({
            "properties": {
                "count": { "type": ["integer", "null"], "minimum": 0 },
                "size": { "enum": ["s", "l"], "default": "s" },
            },
            "patternProperties": { "^x-": { "type": "string" } },
            "anyOf": [{ "properties": { "one": true } }, { "properties": { "two": true }, "required": ["two"] }],
        });
        let judge = Oracle::new(Draft::Draft7, Reading::Exact).judge(&schema).unwrap();
        let trip = RoundTrip::new(&schema, &judge);
        for (read, written) in [
            (r#"{"count":1.0}"#, r#"{"count":1}"#),
            (r#"{"count":null}"#, "{}"),
            ("{}", r#"{"count":null}"#),
            (r#"{"other":1}"#, "{}"),
            (r#"{"other":{"count":1}}"#, "{}"),
            ("{}", r#"{"size":"s"}"#),
            ("[1e2, \"\\u0041\"]", r#"[100,"A"]"#),
        ] {
            assert_eq!(trip.check(read, written), Ok(()), "{read} {written}");
        }
        for (read, written) in [
            (r#"{"count":1}"#, "{}"),
            (r#"{"x-a":"b"}"#, "{}"),
            (r#"{"one":1,"two":2}"#, r#"{"two":2}"#),
            (r#"{"one":1,"two":2}"#, r#"{"one":1}"#),
            ("{}", r#"{"size":"l"}"#),
            ("{}", r#"{"other":1}"#),
            (r#"{"count":1}"#, r#"{"count":-1}"#),
            ("12345678901234567890123", "12345678901234567000000"),
            ("[1]", "[1,1]"),
            ("1", "true"),
        ] {
            assert!(trip.check(read, written).is_err(), "{read} {written}");
        }
    }
}
