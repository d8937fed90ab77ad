//! Discriminators: generated code tells alternatives apart by a member whose values are the names of their schemas, or
//! those of a mapping, which the schemas themselves do not say. What is a constant in the schemas is compared there.

use super::Comparing;
use super::cases::Union;
use super::parts::{keywords, member, requires, together};
use crate::compat::finding::Direction;
use crate::schema::{Discriminator, JsonType, SchemaId, Schemas};
use crate::source::Value;

/// The values of a member by which alternatives are told apart, each with its alternative.
#[derive(Clone, Debug)]
struct Tags {
    property: String,
    values: Vec<(String, SchemaId)>,
}

/// What has changed, in words, and whom it breaks.
pub(super) fn compare(comparing: &mut Comparing<'_>, old: &Union, new: &Union) -> Option<(Direction, String)> {
    let (before, after) = (named(comparing.old, old), named(comparing.new, new));
    let mut broken = Vec::new();
    for (direction, reader) in [(Direction::Forward, &before), (Direction::Backward, &after)] {
        let Some(read) = reader else { continue };
        let sent = match direction {
            Direction::Forward => written(comparing.new, new, &after, &read.property),
            _ => written(comparing.old, old, &before, &read.property),
        };
        let said = match sent {
            Some(sent) => lost(comparing, direction, read, &sent),
            None => {
                let by = |tags: &Option<Tags>| {
                    tags.as_ref().map_or_else(|| "no member".to_owned(), |tags| format!("`{}`", tags.property))
                };
                Some(format!("alternatives are told apart by {} now, and were by {}", by(&after), by(&before)))
            }
        };
        broken.extend(said.map(|said| (direction, said)));
    }
    let direction = broken.iter().map(|(direction, _)| *direction).reduce(Direction::and)?;
    let mut said: Vec<String> = broken.into_iter().map(|(_, said)| said).collect();
    said.dedup();
    Some((direction, said.join("; ")))
}

/// A tag that stands for something else to the reader, though it knows the alternative that is written with it.
fn lost(
    comparing: &mut Comparing<'_>,
    direction: Direction,
    read: &Tags,
    sent: &[(String, SchemaId)],
) -> Option<String> {
    for (tag, alternative) in sent {
        let is_known = |comparing: &mut Comparing<'_>, other: SchemaId| match direction {
            Direction::Forward => comparing.forward.is_compatible(*alternative, other),
            _ => comparing.backward.is_compatible(*alternative, other),
        };
        let meant = read.values.iter().find(|(value, _)| value == tag);
        if meant.is_some_and(|(_, other)| is_known(comparing, *other)) {
            continue;
        }
        // An alternative that the reader does not know at all is found where schemas are compared.
        if let Some((known, _)) = read.values.iter().find(|(_, other)| is_known(comparing, *other)) {
            let version = if direction == Direction::Forward { "old" } else { "new" };
            let what = if meant.is_some() { "another alternative" } else { "nothing" };
            return Some(format!(
                "the value `{tag}` of the discriminator `{}` stands for {what} in the {version} version, which expects `{known}`",
                read.property
            ));
        }
    }
    None
}

/// The alternatives of a union that are not just `null`.
fn alternatives(schemas: &Schemas, union: &Union) -> Vec<SchemaId> {
    let is_null = |id: SchemaId| {
        let mut types = together(schemas, id).into_iter().filter_map(|k| k.types.as_ref()).peekable();
        types.peek().is_some() && types.any(|types| types.as_slice() == [JsonType::Null])
    };
    union.alternatives.iter().copied().filter(|id| !is_null(*id)).collect()
}

/// The values of a member by which generated code tells alternatives apart though their schemas do not.
fn named(schemas: &Schemas, union: &Union) -> Option<Tags> {
    let alternatives = alternatives(schemas, union);
    let own = keywords(schemas, union.owner).and_then(|k| k.discriminator.as_ref());
    let inherited = || together(schemas, *alternatives.first()?).into_iter().find_map(|k| k.discriminator.as_ref());
    let discriminator = own.or_else(inherited)?;
    let is_object = |id: SchemaId| {
        together(schemas, id)
            .iter()
            .filter_map(|k| k.types.as_ref())
            .all(|types| types.as_slice() == [JsonType::Object])
    };
    if alternatives.len() < 2 || !alternatives.iter().all(|id| is_object(*id)) {
        return None;
    }
    // Constants come first in generated code, and schemas say them.
    let first = together(schemas, alternatives[0]);
    let mut names = first.iter().flat_map(|k| k.properties.keys()).chain([&discriminator.property]);
    if names.any(|name| constants(schemas, &alternatives, name).is_some_and(|values| all_differ(&values))) {
        return None;
    }
    let declares =
        |id: SchemaId| together(schemas, id).iter().any(|k| k.properties.contains_key(&discriminator.property));
    if !alternatives.iter().all(|id| declares(*id)) {
        return None;
    }
    let mut values = Vec::new();
    for &id in &alternatives {
        let tags = tags_of(schemas, discriminator, id);
        if tags.is_empty() {
            return None;
        }
        values.extend(tags.into_iter().map(|tag| (tag, id)));
    }
    all_differ(&values).then(|| Tags { property: discriminator.property.clone(), values })
}

/// The tags of an alternative: those of the mapping, else its schema's name.
fn tags_of(schemas: &Schemas, discriminator: &Discriminator, id: SchemaId) -> Vec<String> {
    let Some(name) = &schemas[schemas.follow(id)].name else { return Vec::new() };
    let is_own = |target: &String| target.rsplit('/').next() == Some(name.as_str());
    let mapped = discriminator.mapping.iter().filter(|(_, target)| is_own(target));
    let mapped: Vec<String> = mapped.map(|(value, _)| value.clone()).collect();
    if mapped.is_empty() { vec![name.clone()] } else { mapped }
}

/// What a writer may write as this member, with the alternative that it then writes.
fn written(schemas: &Schemas, union: &Union, named: &Option<Tags>, property: &str) -> Option<Vec<(String, SchemaId)>> {
    match named {
        Some(tags) if tags.property == property => Some(tags.values.clone()),
        _ => constants(schemas, &alternatives(schemas, union), property),
    }
}

/// The strings that a required member can only be, in all alternatives.
fn constants(schemas: &Schemas, alternatives: &[SchemaId], name: &str) -> Option<Vec<(String, SchemaId)>> {
    let mut all = Vec::new();
    for &id in alternatives {
        let parts = together(schemas, id);
        let declared = member(&parts, name).filter(|_| requires(&parts, name))?;
        let listed = together(schemas, declared).into_iter().find_map(|k| match (&k.const_value, &k.enum_values) {
            (Some(value), _) => Some(std::slice::from_ref(value)),
            (None, values) => values.as_deref(),
        })?;
        for value in listed {
            let Value::String(text) = &value.value else { return None };
            all.push((text.clone(), id));
        }
    }
    Some(all)
}

fn all_differ(values: &[(String, SchemaId)]) -> bool {
    let mut seen = std::collections::HashSet::new();
    values.iter().all(|(value, _)| seen.insert(value))
}
