//! JSON values that a document states, as constants of generated code: the values of enums and constants. They compare
//! with what was read as JSON Schema has it: numbers by value, members of objects in any order.

use std::fmt;

use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::decimal::Decimal;

/// A JSON value that can stand in a `static`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Any other number, as its text.
    Number(&'static str),
    /// A string.
    Str(&'static str),
    /// An array.
    Array(&'static [Json]),
    /// An object, each member once.
    Object(&'static [(&'static str, Json)]),
}

impl Json {
    /// Whether it is this value: `1.0` is 1, and members have no order.
    pub fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Json::Null, Value::Null) => true,
            (Json::Bool(expected), Value::Bool(found)) => expected == found,
            (Json::Int(expected), Value::Number(found)) => match found.as_i64() {
                Some(found) => found == *expected,
                None => Decimal::from(found) == Decimal::from(*expected),
            },
            (Json::Number(expected), Value::Number(found)) => Decimal::from(found) == Decimal::parse(expected),
            (Json::Str(expected), Value::String(found)) => expected == found,
            (Json::Array(expected), Value::Array(found)) => {
                expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| expected.is(found))
            }
            (Json::Object(expected), Value::Object(found)) => {
                expected.len() == found.len()
                    && expected.iter().all(|(name, expected)| found.get(*name).is_some_and(|found| expected.is(found)))
            }
            _ => false,
        }
    }
}

/// As JSON.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Number(text) => f.write_str(text),
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "[" } else { "," })?;
                }
                f.write_str(if items.is_empty() { "[]" } else { "]" })
            }
            Json::Object(members) => {
                for (index, (name, value)) in members.iter().enumerate() {
                    write!(f, "{}{}:{value}", if index == 0 { "{" } else { "," }, Json::Str(name))?;
                }
                f.write_str(if members.is_empty() { "{}" } else { "}" })
            }
            scalar => f.write_str(&serde_json::to_string(scalar).map_err(|_| fmt::Error)?),
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Int(number) => serializer.serialize_i64(*number),
            Json::Number(text) => {
                if let Ok(number) = text.parse::<u64>() {
                    return serializer.serialize_u64(number);
                }
                match text.parse::<f64>() {
                    Ok(number) if number.is_finite() => serializer.serialize_f64(number),
                    _ => Err(S::Error::custom(format_args!("the number {text} is too large to be written"))),
                }
            }
            Json::Str(text) => serializer.serialize_str(text),
            Json::Array(items) => serializer.collect_seq(*items),
            Json::Object(members) => {
                let mut object = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| object.serialize_entry(name, value))?;
                object.end()
            }
        }
    }
}

/// A text that is the same for equal values only.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    use std::fmt::Write;

    // Writing to a string cannot fail.
    let _ = match value {
        Value::Null => write!(text, "null"),
        Value::Bool(value) => write!(text, "{value}"),
        Value::Number(number) => match number.as_i64() {
            Some(number) => write!(text, "{number}"),
            None => Decimal::from(number).write_canonical(text),
        },
        Value::String(string) => write!(text, "{string:?}"),
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_canonical(item, text);
                text.push(',');
            }
            write!(text, "]")
        }
        Value::Object(members) => {
            // Another crate may have asked `serde_json` to keep the order of members.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (name, value) in members {
                let _ = write!(text, "{name:?}:");
                write_canonical(value, text);
                text.push(',');
            }
            write!(text, "}}")
        }
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static ALL: Json = Json::Array(&[
        Json::Null,
        Json::Bool(true),
        Json::Int(-1),
        Json::Number("2.50"),
        Json::Number("18446744073709551615"),
        Json::Str("a\"b"),
        Json::Array(&[]),
        Json::Object(&[]),
        Json::Object(&[("b", Json::Int(1)), ("a", Json::Int(2))]),
    ]);

    #[test]
    fn values_are_equal_as_json_has_it() {
        let value = json!([null, true, -1.0, 2.5, u64::MAX, "a\"b", [], {}, {"a": 2.0, "b": 1}]);
        assert!(ALL.is(&value));
        for (index, other) in
            [json!(0), json!(false), json!(1), json!(2), json!(1.0), json!("a")].into_iter().enumerate()
        {
            let mut changed = value.clone();
            changed[index] = other;
            assert!(!ALL.is(&changed), "{changed}");
        }
        assert!(!Json::Int(0).is(&json!(false)));
        assert!(!Json::Array(&[]).is(&json!({})));
        assert!(!Json::Int(9_007_199_254_740_993).is(&json!(9_007_199_254_740_992.0)));
        assert!(!Json::Object(&[("a", Json::Null)]).is(&json!({"a": null, "b": null})));
    }

    #[test]
    fn values_are_written_as_json() {
        let text = r#"[null,true,-1,2.5,18446744073709551615,"a\"b",[],{},{"b":1,"a":2}]"#;
        assert_eq!(serde_json::to_string(&ALL).unwrap(), text);
        assert_eq!(ALL.to_string(), text.replace("2.5", "2.50"));
        assert!(serde_json::to_string(&Json::Number("1e400")).unwrap_err().to_string().contains("too large"));
    }

    #[test]
    fn equal_values_have_equal_texts() {
        assert_eq!(canonical(&json!({"a": 1, "b": [1.5]})), canonical(&json!({"b": [1.5], "a": 1.0})));
        assert_eq!(canonical(&json!(0.0)), canonical(&json!(-0.0)));
        assert_eq!(canonical(&json!(1e19)), canonical(&json!(10_000_000_000_000_000_000u64)));
        assert_eq!(canonical(&json!(10)), canonical(&json!(1e1)));
        for (a, b) in
            [(json!(1), json!(true)), (json!("1"), json!(1)), (json!([]), json!({})), (json!(0.1), json!(0.2))]
        {
            assert_ne!(canonical(&a), canonical(&b));
        }
    }
}
