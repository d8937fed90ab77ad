//! What a plain YAML scalar means: the core schema of YAML 1.2 (section 10.3.2).

use crate::source::{Number, Value};

/// What the text of a scalar is.
pub(super) enum Scalar {
    /// A value of JSON's data model.
    Value(Value),
    /// Infinity, not-a-number, or digits beyond what can be converted: nothing that JSON could say.
    Unrepresentable,
}

/// A plain scalar without a tag.
pub(super) fn plain(text: String) -> Scalar {
    let value = match text.as_bytes().first() {
        None | Some(b'~' | b'n' | b'N') if is_null(&text) => Value::Null,
        Some(b't' | b'T' | b'f' | b'F') => match boolean(&text) {
            Some(value) => Value::Bool(value),
            None => Value::String(text),
        },
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => return number(text),
        _ => Value::String(text),
    };
    Scalar::Value(value)
}

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// A number in one of YAML's spellings, or the string that it is otherwise.
pub(super) fn number(text: String) -> Scalar {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text.as_str(), ".nan" | ".NaN" | ".NAN") {
        return Scalar::Unrepresentable;
    }
    // Only these two have a radix, and never a sign.
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|digit| digit.is_digit(radix))
        {
            return match i128::from_str_radix(digits, radix) {
                Ok(value) => Scalar::Value(Value::Number(value.into())),
                Err(_) => Scalar::Unrepresentable,
            };
        }
    }
    Scalar::Value(match decimal(&text) {
        Some(number) => Value::Number(number),
        None => Value::String(text),
    })
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` in JSON's spelling.
fn decimal(text: &str) -> Option<Number> {
    // Most numbers are written as JSON writes them.
    if let Some(number) = Number::parse(text) {
        return Some(number);
    }
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let mut json = format!("{sign}{whole}");
    if !fraction.is_empty() {
        json.push('.');
        json.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        json.push('e');
        json.push_str(exponent);
    }
    Number::parse(&json)
}

#[cfg(test)]
mod tests {
    use super::{Scalar, plain};

    fn json(text: &str) -> String {
        match plain(text.to_owned()) {
            Scalar::Value(value) => {
                let span = crate::source::Span { file: crate::source::FileId(0), start: 0, end: 0 };
                crate::source::Node { span, value }.to_json().to_string()
            }
            Scalar::Unrepresentable => "unrepresentable".to_owned(),
        }
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, expected) in [
            ("", "null"),
            ("~", "null"),
            ("Null", "null"),
            ("nULL", "\"nULL\""),
            ("true", "true"),
            ("FALSE", "false"),
            ("tRUE", "\"tRUE\""),
            ("12", "12"),
            ("+12", "12"),
            ("-12", "-12"),
            ("0777", "777"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("-0x1F", "\"-0x1F\""),
            ("1.5e3", "1500.0"),
            (".5", "0.5"),
            ("1.", "1"),
            ("-.5", "-0.5"),
            (".", "\".\""),
            ("-", "\"-\""),
            ("+", "\"+\""),
            ("1e", "\"1e\""),
            ("e3", "\"e3\""),
            ("1_000", "\"1_000\""),
            ("1.2.3", "\"1.2.3\""),
            ("12:30:45", "\"12:30:45\""),
            ("2020-01-01", "\"2020-01-01\""),
            ("yes", "\"yes\""),
            ("no", "\"no\""),
            ("on", "\"on\""),
            ("Off", "\"Off\""),
            ("0b101", "\"0b101\""),
            (".inf", "unrepresentable"),
            ("-.INF", "unrepresentable"),
            (".NaN", "unrepresentable"),
            ("-.nan", "\"-.nan\""),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
        assert_eq!(json(&format!("0x{}", "f".repeat(40))), "unrepresentable");
    }
}
