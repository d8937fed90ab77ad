//! The rules that look at a value alone and need no other rule, and the words for what they refuse.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::{Kind, Rule};
use crate::codegen::decimal::Decimal;
use crate::codegen::json::{Json, canonical};

/// Whether the value is what the rule demands; `true` for rules that need other rules.
pub(super) fn holds(rule: &Rule, value: &Value) -> bool {
    match (rule, value) {
        (Rule::Type(kinds), value) => kinds.iter().any(|&kind| is_kind(value, kind)),
        (Rule::Values(allowed), value) => allowed.iter().any(|allowed| allowed.is(value)),
        (Rule::Length { min, max }, Value::String(text)) => is_within(characters(text), *min, *max),
        (Rule::Pattern(pattern), Value::String(text)) => pattern.is_match(text),
        (Rule::Minimum(limit), Value::Number(number)) => compare(number, limit).is_some_and(Ordering::is_ge),
        (Rule::Maximum(limit), Value::Number(number)) => compare(number, limit).is_some_and(Ordering::is_le),
        (Rule::Above(limit), Value::Number(number)) => compare(number, limit).is_some_and(Ordering::is_gt),
        (Rule::Below(limit), Value::Number(number)) => compare(number, limit).is_some_and(Ordering::is_lt),
        (Rule::MultipleOf(divisor), Value::Number(number)) => Decimal::from(number).is_multiple_of(divisor),
        (Rule::ItemCount { min, max }, Value::Array(items)) => is_within(items.len(), *min, *max),
        (Rule::UniqueItems, Value::Array(items)) => repeated(items).is_none(),
        (Rule::Required(names), Value::Object(members)) => missing(names, members).is_none(),
        (Rule::MemberCount { min, max }, Value::Object(members)) => is_within(members.len(), *min, *max),
        _ => true,
    }
}

/// The keyword that refuses the value, and why. Asked only where [`holds`] is false.
pub(super) fn complaint(rule: &Rule, value: &Value) -> (&'static str, String) {
    let found = describe(value);
    let limit = |keyword, what: &str, limit: &Decimal| (keyword, format!("{found} is {what} {limit}"));
    match (rule, value) {
        (Rule::Type(kinds), _) => ("type", format!("expected {}, found {found}", expected(kinds))),
        (Rule::Values([only]), _) => ("const", format!("{found} is not {}", cut(&only.to_string()))),
        (Rule::Values(allowed), _) => ("enum", format!("{found} is none of {}", list(allowed))),
        (Rule::Length { min, max }, Value::String(text)) => {
            count("character", characters(text), (*min, "minLength"), (*max, "maxLength"))
        }
        (Rule::Pattern(pattern), _) => ("pattern", format!("{found} does not match {}", pattern.text())),
        (Rule::Minimum(min), _) => limit("minimum", "less than", min),
        (Rule::Maximum(max), _) => limit("maximum", "more than", max),
        (Rule::Above(above), _) => limit("exclusiveMinimum", "not more than", above),
        (Rule::Below(below), _) => limit("exclusiveMaximum", "not less than", below),
        (Rule::MultipleOf(of), _) => limit("multipleOf", "not a multiple of", of),
        (Rule::ItemCount { min, max }, Value::Array(items)) => {
            count("item", items.len(), (*min, "minItems"), (*max, "maxItems"))
        }
        (Rule::UniqueItems, Value::Array(items)) => match repeated(items) {
            Some((first, second)) => ("uniqueItems", format!("items {first} and {second} are equal")),
            None => ("uniqueItems", "two items are equal".to_owned()),
        },
        (Rule::Required(names), Value::Object(members)) => {
            ("required", format!("the member `{}` is missing", missing(names, members).unwrap_or_default()))
        }
        (Rule::MemberCount { min, max }, Value::Object(members)) => {
            count("member", members.len(), (*min, "minProperties"), (*max, "maxProperties"))
        }
        (Rule::Not(_), _) => ("not", format!("{found} is what `not` describes, and not allowed")),
        _ => ("false", format!("{found} is not allowed here")),
    }
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

fn is_within(count: usize, min: u64, max: u64) -> bool {
    (min..=max).contains(&(count as u64))
}

fn compare(number: &Number, limit: &Decimal) -> Option<Ordering> {
    Decimal::from(number).compare(limit)
}

fn is_kind(value: &Value, kind: Kind) -> bool {
    match (kind, value) {
        (Kind::Null, Value::Null)
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Number, Value::Number(_))
        | (Kind::String, Value::String(_))
        | (Kind::Array, Value::Array(_))
        | (Kind::Object, Value::Object(_)) => true,
        (Kind::Integer, Value::Number(number)) => {
            number.is_i64() || number.is_u64() || Decimal::from(number).is_integer()
        }
        _ => false,
    }
}

/// Two items that are equal.
fn repeated(items: &[Value]) -> Option<(usize, usize)> {
    let mut seen = HashSet::with_capacity(items.len());
    let second = items.iter().position(|item| !seen.insert(canonical(item)))?;
    let text = canonical(&items[second]);
    let first = items.iter().position(|item| canonical(item) == text)?;
    Some((first, second))
}

fn missing(names: &[&'static str], members: &Map<String, Value>) -> Option<&'static str> {
    names.iter().find(|name| !members.contains_key(**name)).copied()
}

fn count(
    what: &str,
    count: usize,
    (min, min_keyword): (u64, &'static str),
    (max, max_keyword): (u64, &'static str),
) -> (&'static str, String) {
    let counted = if count == 1 { format!("1 {what} is") } else { format!("{count} {what}s are") };
    if (count as u64) < min {
        (min_keyword, format!("{counted} fewer than {min}"))
    } else {
        (max_keyword, format!("{counted} more than {max}"))
    }
}

fn expected(kinds: &[Kind]) -> String {
    let words = kinds.iter().map(|kind| match kind {
        Kind::Null => "null",
        Kind::Boolean => "a boolean",
        Kind::Integer => "an integer",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "an array",
        Kind::Object => "an object",
    });
    words.collect::<Vec<_>>().join(" or ")
}

/// A value as messages name it.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => format!("the string {}", cut(&format!("{text:?}"))),
        Value::Array(items) => format!("an array of {}", counted(items.len(), "item")),
        Value::Object(members) => format!("an object of {}", counted(members.len(), "member")),
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn list(values: &[Json]) -> String {
    const MOST: usize = 8;
    let mut words: Vec<_> = values.iter().take(MOST).map(|value| cut(&value.to_string())).collect();
    if values.len() > MOST {
        words.push(format!("{} others", values.len() - MOST));
    }
    words.join(", ")
}

/// Texts of strangers are shown up to a length.
fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
