//! What has changed between two schemas, in words: short enough to be read in five seconds.

use crate::schema::{JsonType, Keywords, SchemaId, Schemas, same_value};
use crate::source::{Node, Number};

use super::parts::{alternatives, together};

/// Values that are named; of more, the number.
const MAX_VALUES: usize = 4;

/// Characters of a value that are shown.
const MAX_SHOWN: usize = 40;

/// What kind of value a schema describes: `a string`, `an integer or null`.
pub(super) fn kind(schemas: &Schemas, id: SchemaId) -> String {
    let parts = together(schemas, id);
    let types = parts.iter().find_map(|part| part.types.as_ref());
    match types {
        Some(types) => {
            let names: Vec<&str> = types.iter().map(|json_type| type_name(*json_type)).collect();
            listed(&names, "or")
        }
        None if alternatives(schemas, id).is_some() => {
            let list = alternatives(schemas, id).unwrap_or_default();
            let mut kinds: Vec<String> =
                list.iter().take(MAX_VALUES + 1).map(|id| shallow_kind(schemas, *id)).collect();
            kinds.dedup();
            if kinds.len() > MAX_VALUES {
                return format!("one of {} alternatives", list.len());
            }
            listed(&kinds, "or")
        }
        None => match parts.iter().find_map(|part| part.const_value.as_ref()) {
            Some(value) => shown(value),
            None if parts.iter().any(|part| part.enum_values.is_some()) => "one of some values".to_owned(),
            None => "anything".to_owned(),
        },
    }
}

fn shallow_kind(schemas: &Schemas, id: SchemaId) -> String {
    let types = together(schemas, id).into_iter().find_map(|part| part.types.as_ref());
    match (&schemas[schemas.follow(id)].name, types) {
        (Some(name), _) => format!("`{name}`"),
        (None, Some(types)) => {
            let names: Vec<&str> = types.iter().map(|json_type| type_name(*json_type)).collect();
            listed(&names, "or")
        }
        (None, None) => "something".to_owned(),
    }
}

fn type_name(json_type: JsonType) -> &'static str {
    match json_type {
        JsonType::Null => "null",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn listed(names: &[impl AsRef<str>], word: &str) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

/// A value on one line.
pub(super) fn shown(value: &Node) -> String {
    let text = value.to_json().to_string();
    if text.chars().count() <= MAX_SHOWN {
        return text;
    }
    let head: String = text.chars().take(MAX_SHOWN).collect();
    format!("{head}…")
}

/// The values that a schema lists.
fn values(schemas: &Schemas, id: SchemaId) -> Option<Vec<&Node>> {
    together(schemas, id).into_iter().find_map(|part| match (&part.enum_values, &part.const_value) {
        (_, Some(value)) => Some(vec![value]),
        (Some(values), None) => Some(values.iter().collect()),
        (None, None) => None,
    })
}

/// What values `new` lists that `old` does not, as text.
fn only_in(new: &[&Node], old: &[&Node]) -> Vec<String> {
    let is_new = |value: &&&Node| !old.iter().any(|other| same_value(value, other));
    new.iter().filter(is_new).map(|value| shown(value)).collect()
}

fn some_of(values: &[String]) -> String {
    match values.len().checked_sub(MAX_VALUES) {
        None | Some(0) => listed(values, "and"),
        Some(more) => format!("{} and {more} more", values[..MAX_VALUES].join(", ")),
    }
}

/// How the listed values of a schema have changed.
pub(super) fn values_changed(what: &str, old: (&Schemas, SchemaId), new: (&Schemas, SchemaId)) -> String {
    match (values(old.0, old.1), values(new.0, new.1)) {
        (Some(before), Some(after)) => {
            let (added, removed) = (only_in(&after, &before), only_in(&before, &after));
            match (added.is_empty(), removed.is_empty()) {
                (false, true) => format!("{what} may now be {}", some_of(&added)),
                (true, false) => format!("{what} may no longer be {}", some_of(&removed)),
                (false, false) => {
                    format!("{what} may now be {}, and no longer {}", some_of(&added), some_of(&removed))
                }
                (true, true) => format!("{what} has other values"),
            }
        }
        (None, Some(after)) => format!(
            "{what} must now be {}, and was {}",
            some_of(&after.iter().map(|value| shown(value)).collect::<Vec<_>>()),
            kind(old.0, old.1)
        ),
        (Some(before), None) => format!(
            "{what} is now {}, and was {}",
            kind(new.0, new.1),
            some_of(&before.iter().map(|value| shown(value)).collect::<Vec<_>>())
        ),
        (None, None) => format!("{what} has other values"),
    }
}

/// What differs in the keywords that look at a value itself: `minLength` is 3 (was 1).
pub(super) fn differences(old: &Keywords, new: &Keywords) -> Vec<String> {
    let mut list = Vec::new();
    let mut say = |name: &str, before: Option<String>, after: Option<String>| {
        if before == after {
            return;
        }
        list.push(match (before, after) {
            (Some(before), Some(after)) => format!("`{name}` is {after} (was {before})"),
            (None, Some(after)) => format!("`{name}` {after} is new"),
            (Some(before), None) => format!("`{name}` {before} is gone"),
            (None, None) => return,
        });
    };
    let number = |value: &Option<Number>| value.as_ref().map(ToString::to_string);
    let count = |value: Option<u64>| value.map(|value| value.to_string());
    say("minimum", number(&old.minimum), number(&new.minimum));
    say("maximum", number(&old.maximum), number(&new.maximum));
    say("exclusiveMinimum", number(&old.exclusive_minimum), number(&new.exclusive_minimum));
    say("exclusiveMaximum", number(&old.exclusive_maximum), number(&new.exclusive_maximum));
    say("multipleOf", number(&old.multiple_of), number(&new.multiple_of));
    say("minLength", count(old.min_length), count(new.min_length));
    say("maxLength", count(old.max_length), count(new.max_length));
    let pattern = |pattern: &Option<String>| pattern.as_ref().map(|pattern| format!("`{pattern}`"));
    say("pattern", pattern(&old.pattern), pattern(&new.pattern));
    say("minItems", count(old.min_items), count(new.min_items));
    say("maxItems", count(old.max_items), count(new.max_items));
    say("minContains", count(old.min_contains), count(new.min_contains));
    say("maxContains", count(old.max_contains), count(new.max_contains));
    say("minProperties", count(old.min_properties), count(new.min_properties));
    say("maxProperties", count(old.max_properties), count(new.max_properties));
    let flag = |value: bool| value.then(|| "true".to_owned());
    say("uniqueItems", flag(old.unique_items), flag(new.unique_items));
    list
}
