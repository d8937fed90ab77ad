//! What of one schema corresponds to what of another: the parts that apply to a value together, its members, items and
//! alternatives.

use std::fmt;

use crate::schema::{JsonType, Keywords, SchemaId, SchemaKind, Schemas};
use crate::source::Pointer;

/// Parts that are looked at together; more are not told apart.
const MAX_PARTS: usize = 64;

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The member of this name.
    Member(String),
    /// The item with this index, of a tuple.
    Item(usize),
    /// Any item.
    Items,
    /// Any member without a schema of its own.
    Values,
}

/// The way into a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Path(pub(super) Vec<Step>);

impl Path {
    pub(super) fn join(&self, step: Option<Step>) -> Self {
        let mut path = self.clone();
        path.0.extend(step);
        path
    }

    /// The place in a value whose arrays have the item in question first, and whose maps have it under `key`.
    pub(super) fn pointer(&self) -> Pointer {
        self.0.iter().fold(Pointer::root(), |pointer, step| match step {
            Step::Member(name) => pointer.join(name),
            Step::Item(index) => pointer.join(index),
            Step::Items => pointer.join(0),
            Step::Values => pointer.join(ANY_KEY),
        })
    }
}

/// The name of a member that stands for any.
pub(super) const ANY_KEY: &str = "key";

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            match step {
                Step::Member(name) => write!(f, "{dot}{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Items => f.write_str("[]")?,
                Step::Values => write!(f, "{dot}*")?,
            }
        }
        Ok(())
    }
}

/// The keywords of a schema; `None` for `true` and `false`.
pub(super) fn keywords(schemas: &Schemas, id: SchemaId) -> Option<&Keywords> {
    match &schemas[id].kind {
        SchemaKind::Object(keywords) => Some(keywords),
        SchemaKind::Bool(_) => None,
    }
}

/// All that applies to a value at once: the schema, what it refers to, and the parts of its `allOf`.
pub(super) fn together(schemas: &Schemas, id: SchemaId) -> Vec<&Keywords> {
    let (mut seen, mut open, mut all) = (Vec::new(), vec![id], Vec::new());
    while let Some(id) = open.pop() {
        if seen.contains(&id) || all.len() >= MAX_PARTS {
            continue;
        }
        seen.push(id);
        if let Some(keywords) = keywords(schemas, id) {
            all.push(keywords);
            open.extend(keywords.reference.iter().chain(&keywords.dynamic_reference).chain(&keywords.all_of));
        }
    }
    all
}

/// The one schema that all parts have for a member of this name.
pub(super) fn member(parts: &[&Keywords], name: &str) -> Option<SchemaId> {
    let mut found = parts.iter().filter_map(|part| part.properties.get(name));
    let first = found.next()?;
    found.all(|other| other == first).then_some(*first)
}

pub(super) fn requires(parts: &[&Keywords], name: &str) -> bool {
    parts.iter().any(|part| part.required.iter().any(|required| required == name))
}

/// The alternatives of a schema that is nothing but a choice.
pub(super) fn alternatives(schemas: &Schemas, id: SchemaId) -> Option<&[SchemaId]> {
    let keywords = keywords(schemas, id)?;
    let list = match (keywords.one_of.as_slice(), keywords.any_of.as_slice()) {
        (list, []) | ([], list) if !list.is_empty() => list,
        _ => return None,
    };
    let says_more = !keywords.properties.is_empty()
        || !keywords.all_of.is_empty()
        || keywords.reference.is_some()
        || keywords.additional_properties.is_some()
        || !keywords.required.is_empty();
    (!says_more).then_some(list)
}

/// The types that a schema names.
fn types(schemas: &Schemas, id: SchemaId) -> Option<Vec<JsonType>> {
    together(schemas, id).into_iter().find_map(|part| part.types.clone())
}

/// The alternative among `list` that is meant to be what `id` is: of the same name, the same tag or the only one of its
/// type; else the one in the same place.
pub(super) fn counterpart(
    schemas: &Schemas,
    id: SchemaId,
    others: &Schemas,
    list: &[SchemaId],
    place: Option<usize>,
) -> Option<SchemaId> {
    let name = &schemas[schemas.follow(id)].name;
    if name.is_some()
        && let Some(same) = list.iter().find(|&&other| others[others.follow(other)].name == *name)
    {
        return Some(*same);
    }
    let title = keywords(schemas, schemas.follow(id)).and_then(|keywords| keywords.title.as_ref());
    let of_title =
        |other: SchemaId| keywords(others, others.follow(other)).and_then(|keywords| keywords.title.as_ref());
    if title.is_some()
        && let Some(same) = list.iter().find(|&&other| of_title(other) == title)
    {
        return Some(*same);
    }
    let own = types(schemas, id);
    let mut of_type = list.iter().filter(|&&other| own.is_some() && types(others, other) == own);
    if let (Some(only), None) = (of_type.next(), of_type.next()) {
        return Some(*only);
    }
    place.and_then(|place| list.get(place).copied())
}

/// The schemas of the parts of a value that a writer's and a reader's schema both speak of.
pub(super) fn pairs(
    writer: &Schemas,
    w: SchemaId,
    reader: &Schemas,
    r: SchemaId,
) -> Vec<(Option<Step>, SchemaId, SchemaId)> {
    let mut pairs = Vec::new();
    match (alternatives(writer, w), alternatives(reader, r)) {
        (Some(sent), Some(read)) => {
            for (index, &alternative) in sent.iter().enumerate() {
                let place = (sent.len() == read.len()).then_some(index);
                let other = counterpart(writer, alternative, reader, read, place);
                pairs.extend(other.map(|other| (None, alternative, other)));
            }
            // Of several that seem to be the same one, it is not known which went.
            let all = pairs.clone();
            pairs.retain(|(_, _, other)| all.iter().filter(|(_, _, it)| it == other).count() == 1);
            return pairs;
        }
        (Some(sent), None) => {
            if let Some(same) = counterpart(reader, r, writer, sent, None) {
                pairs.push((None, same, r));
            }
            return pairs;
        }
        (None, Some(read)) => {
            pairs.extend(counterpart(writer, w, reader, read, None).map(|other| (None, w, other)));
            return pairs;
        }
        (None, None) => {}
    }
    let (sent, read) = (together(writer, w), together(reader, r));
    let mut names: Vec<&String> = sent.iter().flat_map(|part| part.properties.keys()).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(*name));
    for name in names {
        let Some(own) = member(&sent, name) else { continue };
        let other = match (member(&read, name), read.as_slice()) {
            (Some(other), _) => Some(other),
            (None, [only]) if !only.properties.contains_key(name) && only.pattern_properties.is_empty() => {
                only.additional_properties
            }
            _ => None,
        };
        pairs.extend(other.map(|other| (Some(Step::Member(name.clone())), own, other)));
    }
    // What the reader declares may be among what the writer's says of all other members.
    if let [only] = sent.as_slice()
        && let Some(others) = only.additional_properties.filter(|_| only.pattern_properties.is_empty())
    {
        let mut names: Vec<&String> = read.iter().flat_map(|part| part.properties.keys()).collect();
        names.retain(|name| !only.properties.contains_key(*name));
        names.sort_unstable();
        names.dedup();
        let own = names.into_iter().filter_map(|name| Some((name, member(&read, name)?)));
        pairs.extend(own.map(|(name, own)| (Some(Step::Member(name.clone())), others, own)));
    }
    if let ([sent], [read]) = (sent.as_slice(), read.as_slice()) {
        for (index, (a, b)) in sent.prefix_items.iter().zip(&read.prefix_items).enumerate() {
            pairs.push((Some(Step::Item(index)), *a, *b));
        }
        if sent.prefix_items.is_empty() && read.prefix_items.is_empty() {
            pairs.extend(sent.items.zip(read.items).map(|(a, b)| (Some(Step::Items), a, b)));
        }
        if read.pattern_properties.is_empty() && !read.properties.contains_key(ANY_KEY) {
            let values = sent.additional_properties.zip(read.additional_properties);
            pairs.extend(values.map(|(a, b)| (Some(Step::Values), a, b)));
        }
    }
    pairs
}
