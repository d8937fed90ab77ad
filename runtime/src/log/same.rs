//! Whether an event that is published a second time under one id is the same event.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::codegen::Decimal;
use crate::event::RawEvent;

/// Whether both say the same. Identity is type, subject, address, headers and payload; time, trace context and schema
/// version are circumstances of publishing that differ between two attempts to publish one event.
pub(super) fn same_content(one: &RawEvent, other: &RawEvent) -> bool {
    let (a, b) = (&one.metadata, &other.metadata);
    a.event_type == b.event_type
        && a.subject == b.subject
        && a.address == b.address
        && a.headers == b.headers
        && same_json(one.data.get(), other.data.get())
}

/// How deep JSON is looked into, as deep as `serde_json` reads values. Beyond, only the same text is the same.
const DEPTH: usize = 128;

/// Equal as text, or at least as JSON: a map may be written in another order the second time, and a number in another way.
fn same_json(one: &str, other: &str) -> bool {
    let parse = |text| serde_json::from_str::<&RawValue>(text);
    one == other || matches!((parse(one), parse(other)), (Ok(one), Ok(other)) if same_value(one, other, DEPTH))
}

/// Not by `serde_json::Value`, which rounds numbers to doubles.
fn same_value(one: &RawValue, other: &RawValue, depth: usize) -> bool {
    let (one, other) = (one.get(), other.get());
    if one == other {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else { return false };
    match (one.as_bytes().first(), other.as_bytes().first()) {
        (Some(b'{'), Some(b'{')) => both::<BTreeMap<String, &RawValue>>(one, other, |one, other| {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| one.0 == other.0 && same_value(one.1, other.1, depth))
        }),
        (Some(b'['), Some(b'[')) => both::<Vec<&RawValue>>(one, other, |one, other| {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_value(one, other, depth))
        }),
        (Some(b'"'), Some(b'"')) => both::<String>(one, other, |one, other| one == other),
        _ => {
            let (one, other) = (Decimal::parse(one), Decimal::parse(other));
            one.is_exact() && one == other
        }
    }
}

/// Whether both texts are of this kind, and the same as such.
fn both<'a, T: Deserialize<'a>>(one: &'a str, other: &'a str, same: impl FnOnce(&T, &T) -> bool) -> bool {
    matches!((serde_json::from_str(one), serde_json::from_str(other)), (Ok(one), Ok(other)) if same(&one, &other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_compared_as_what_it_says() {
        for (one, other) in [
            (r#"{"a":1,"b":[true,null]}"#, "{ \"b\": [ true, null ], \"a\": 1 }"),
            (r#""\u0041""#, r#""A""#),
            ("1", "1.0"),
            ("12e-1", "1.2"),
            ("-0", "0"),
            ("[100000000000000000000000]", "[1e23]"),
        ] {
            assert!(same_json(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("12345678901234567890123", "12345678901234567890124"),
            ("0.1", "0.1000000000000000055511151231257827"),
            ("1000000000000000000000000000000000000000001", "1000000000000000000000000000000000000000002"),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            ("[1,2]", "[2,1]"),
            ("[]", "{}"),
            ("null", "false"),
            ("1", "-1"),
            (r#""1""#, "1"),
        ] {
            assert!(!same_json(one, other), "{one} {other}");
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let nested = |depth: usize, inner: &str| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(same_json(&nested(100, "1"), &nested(100, "1.0")));
        assert!(!same_json(&nested(10_000, "1"), &nested(10_000, "1.0")));
    }
}
