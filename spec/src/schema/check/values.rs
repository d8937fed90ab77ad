//! The keywords that look at a value itself: type, enumeration, ranges, lengths, patterns, counts.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt::Write as _;

use super::{JsonType, Keywords, Run, Sink, has_type};
use crate::source::{Node, Number, Object, Value};

impl<'s, 'v> Run<'_, 's, 'v> {
    /// Checks everything that needs no other schema.
    pub(super) fn assertions(&mut self, keywords: &'s Keywords, value: &'v Node, sink: &mut Sink<'_>) -> bool {
        let mut valid = true;
        let mut refuse = |run: &Self, keyword: &'static str, message: &dyn Fn() -> String| {
            valid = false;
            run.report(sink, value, keyword, message);
        };
        if let Some(types) = &keywords.types
            && !types.iter().any(|&wanted| has_type(value, wanted))
        {
            refuse(self, "type", &|| format!("expected {}, found {}", describe_types(types), describe_kind(value)));
        }
        // Long enumerations count as what they cost.
        self.checker.steps += keywords.enum_values.as_ref().map_or(0, Vec::len) / 16;
        if let Some(allowed) = &keywords.enum_values
            && !allowed.iter().any(|other| same_value(value, other))
        {
            refuse(self, "enum", &|| format!("{} is none of {}", shown(value), list(allowed)));
        }
        if let Some(only) = &keywords.const_value
            && !same_value(value, only)
        {
            refuse(self, "const", &|| format!("{} is not {}", shown(value), shown(only)));
        }
        match &value.value {
            Value::Number(number) => {
                for bound in bounds(keywords) {
                    if !(bound.fits)(number.compare(bound.number)) {
                        refuse(self, bound.keyword, &|| format!("{number} is not {} {}", bound.words, bound.number));
                    }
                }
                if let Some(divisor) = &keywords.multiple_of
                    && !number.is_multiple_of(divisor)
                {
                    refuse(self, "multipleOf", &|| format!("{number} is no multiple of {divisor}"));
                }
            }
            Value::String(text) => {
                let length = text.chars().count() as u64;
                if let Some(least) = keywords.min_length.filter(|&least| length < least) {
                    refuse(self, "minLength", &|| format!("{length} characters are fewer than {least}"));
                }
                if let Some(most) = keywords.max_length.filter(|&most| length > most) {
                    refuse(self, "maxLength", &|| format!("{length} characters are more than {most}"));
                }
                if let Some(pattern) = &keywords.pattern
                    && !self.checker.matches(pattern, text)
                {
                    refuse(self, "pattern", &|| format!("{} does not match `{pattern}`", shown(value)));
                }
            }
            Value::Array(items) => {
                let count = items.len() as u64;
                if let Some(least) = keywords.min_items.filter(|&least| count < least) {
                    refuse(self, "minItems", &|| format!("{count} items are fewer than {least}"));
                }
                if let Some(most) = keywords.max_items.filter(|&most| count > most) {
                    refuse(self, "maxItems", &|| format!("{count} items are more than {most}"));
                }
                if keywords.unique_items && !are_unique(items) {
                    refuse(self, "uniqueItems", &|| "two items are equal".to_owned());
                }
            }
            Value::Object(object) => {
                let count = object.len() as u64;
                if let Some(least) = keywords.min_properties.filter(|&least| count < least) {
                    refuse(self, "minProperties", &|| format!("{count} properties are fewer than {least}"));
                }
                if let Some(most) = keywords.max_properties.filter(|&most| count > most) {
                    refuse(self, "maxProperties", &|| format!("{count} properties are more than {most}"));
                }
                if let Some(names) = missing(object, &keywords.required) {
                    refuse(self, "required", &|| format!("{names} missing"));
                }
                for (trigger, needed) in &keywords.dependent_required {
                    if object.get(trigger).is_some()
                        && let Some(names) = missing(object, needed)
                    {
                        refuse(self, "dependentRequired", &|| format!("{names} missing beside `{trigger}`"));
                    }
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
        valid
    }
}

/// A bound of a range.
struct Bound<'k> {
    keyword: &'static str,
    number: &'k Number,
    /// What a value's order to it must be.
    fits: fn(Ordering) -> bool,
    /// How to say so.
    words: &'static str,
}

fn bounds(keywords: &Keywords) -> impl Iterator<Item = Bound<'_>> {
    let mut bounds = Vec::new();
    let mut add = |keyword, number, fits: fn(Ordering) -> bool, words| {
        if let Some(number) = number {
            bounds.push(Bound { keyword, number, fits, words });
        }
    };
    add("minimum", keywords.minimum.as_ref(), Ordering::is_ge, "at least");
    add("maximum", keywords.maximum.as_ref(), Ordering::is_le, "at most");
    add("exclusiveMinimum", keywords.exclusive_minimum.as_ref(), Ordering::is_gt, "more than");
    add("exclusiveMaximum", keywords.exclusive_maximum.as_ref(), Ordering::is_lt, "less than");
    bounds.into_iter()
}

/// Which of the names the object does not have, as the subject of a sentence with its verb.
fn missing(object: &Object, names: &[String]) -> Option<String> {
    let present: HashSet<&str> = object.iter().map(|(key, _)| key.name.as_str()).collect();
    let missing: Vec<_> = names.iter().filter(|name| !present.contains(name.as_str())).collect();
    match missing.as_slice() {
        [] => None,
        [name] => Some(format!("the required property `{name}` is")),
        names => {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            Some(format!("the required properties {} are", names.join(", ")))
        }
    }
}

/// Equality as JSON Schema has it: numbers by value, members in any order.
pub(crate) fn same_value(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a.compare(b).is_eq(),
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && canonical_object(a) == canonical_object(b),
        _ => false,
    }
}

fn are_unique(items: &[Node]) -> bool {
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().all(|item| seen.insert(canonical(item)))
}

/// A text that is the same for equal values only.
pub(crate) fn canonical(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.canonical(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(object) => canonical_object(object),
    }
}

fn canonical_object(object: &Object) -> String {
    let mut members: Vec<_> = object.iter().map(|(key, node)| format!("{:?}:{}", key.name, canonical(node))).collect();
    members.sort_unstable();
    format!("{{{}}}", members.join(","))
}

/// A value as a message shows it: JSON, cut where it gets long.
fn shown(node: &Node) -> String {
    const LONGEST: usize = 60;
    let text = node.to_json().to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

fn list(values: &[Node]) -> String {
    const MOST: usize = 8;
    let mut text = values.iter().take(MOST).map(shown).collect::<Vec<_>>().join(", ");
    if values.len() > MOST {
        // Writing to a string cannot fail.
        let _ = write!(text, " and {} others", values.len() - MOST);
    }
    text
}

fn describe_types(types: &[JsonType]) -> String {
    let name = |json_type: &JsonType| match json_type {
        JsonType::Null => "null",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    };
    types.iter().map(name).collect::<Vec<_>>().join(" or ")
}

fn describe_kind(value: &Node) -> String {
    match &value.value {
        Value::Number(_) | Value::Bool(_) => format!("{} ({})", value.kind(), shown(value)),
        Value::String(_) => format!("the string {}", shown(value)),
        _ => value.kind().to_owned(),
    }
}
