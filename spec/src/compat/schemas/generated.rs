//! What generated types make of schemas beyond what these accept: formats that have a type of their own, and members that
//! tell alternatives apart.
//!
//! Two schemas are walked place by place; at each, all that applies to the value counts together, so that it does not
//! matter where it is written.

use std::collections::HashSet;

use super::cases::{Case, cases, pairs, unions};
use super::parts::{Path, Step};
use super::{Comparing, format, tags};
use crate::compat::finding::Direction;
use crate::schema::{SchemaId, SchemaKind, Schemas};

/// Places of one payload that are looked at.
const MAX_PLACES: usize = 20_000;

/// A difference of what generated types hold.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) what: What,
    pub(super) path: Path,
    pub(super) old: SchemaId,
    pub(super) new: SchemaId,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// The formats of both versions, and whether it is sure that they are formats of the same thing.
    Format { direction: Direction, before: Option<String>, after: Option<String>, is_sure: bool },
    /// How alternatives are told apart.
    Tags { direction: Direction, said: String },
    /// There is too much to look at.
    TooLarge,
}

/// All that applies to a value, in both versions.
type Place = (Vec<SchemaId>, Vec<SchemaId>);

struct Open {
    place: Place,
    path: Path,
    is_sure: bool,
}

/// What differs between two schemas.
pub(super) fn compare(comparing: &mut Comparing<'_>, old: SchemaId, new: SchemaId) -> Vec<Held> {
    let mut found = Vec::new();
    let mut seen: HashSet<Place> = HashSet::new();
    let mut open = vec![Open { place: (vec![old], vec![new]), path: Path::default(), is_sure: true }];
    while let Some(Open { place, path, is_sure }) = open.pop() {
        if let ([a], [b]) = (place.0.as_slice(), place.1.as_slice())
            && comparing.is_same(*a, *b)
        {
            continue;
        }
        if !seen.insert(place.clone()) {
            continue;
        }
        let (schemas, others) = (comparing.old, comparing.new);
        let held = |what| {
            let (a, b) = (place.0[0], place.1[0]);
            Held { what, path: path.clone(), old: schemas.follow(a), new: others.follow(b) }
        };
        let both = cases(schemas, &place.0).zip(cases(others, &place.1)).filter(|_| seen.len() <= MAX_PLACES);
        let Some((before, after)) = both else {
            found.push(held(What::TooLarge));
            continue;
        };
        if let Some(direction) = narrowed((schemas, &before), (others, &after)) {
            let of = |schemas: &Schemas, cases: &[Case]| {
                let (part, format) = cases.iter().flat_map(|case| &case.parts).find_map(|id| {
                    let SchemaKind::Object(keywords) = &schemas[*id].kind else { return None };
                    Some((*id, keywords.format.clone()?))
                })?;
                Some((part, format))
            };
            let (a, b) = (of(schemas, &before), of(others, &after));
            let format = |of: &Option<(SchemaId, String)>| of.as_ref().map(|(_, format)| format.clone());
            let mut held = held(What::Format { direction, before: format(&a), after: format(&b), is_sure });
            held.old = a.map_or(held.old, |(id, _)| id);
            held.new = b.map_or(held.new, |(id, _)| id);
            found.push(held);
        }
        for (a, b) in unions(schemas, &place.0).iter().zip(&unions(others, &place.1)) {
            if let Some((direction, said)) = tags::compare(comparing, a, b) {
                let held = Held { old: a.owner, new: b.owner, ..held(What::Tags { direction, said }) };
                found.push(held);
            }
        }
        let from = open.len();
        for (a, b, is_pair_sure) in pairs(comparing, &before, &after) {
            inside((schemas, &before[a]), (others, &after[b]), &path, is_sure && is_pair_sure, &mut open);
        }
        open[from..].reverse();
    }
    found
}

/// Whose types hold less than the other version may send.
fn narrowed(old: (&Schemas, &[Case]), new: (&Schemas, &[Case])) -> Option<Direction> {
    match (format::is_narrower(old, new), format::is_narrower(new, old)) {
        (true, true) => Some(Direction::Both),
        (true, false) => Some(Direction::Forward),
        (false, true) => Some(Direction::Backward),
        (false, false) => None,
    }
}

/// The places within a pair of cases of which both versions say something.
fn inside(old: (&Schemas, &Case), new: (&Schemas, &Case), path: &Path, is_sure: bool, open: &mut Vec<Open>) {
    let mut add = |step: Step, old: Vec<SchemaId>, new: Vec<SchemaId>, is_sure: bool| {
        if !old.is_empty() && !new.is_empty() {
            open.push(Open { place: (old, new), path: path.join(Some(step)), is_sure });
        }
    };
    let names = |(schemas, case): (&Schemas, &Case)| -> Vec<String> {
        case.keywords(schemas).flat_map(|k| k.properties.keys().cloned()).collect()
    };
    let mut seen = HashSet::new();
    for name in names(old).into_iter().chain(names(new)) {
        if seen.insert(name.clone()) {
            let (before, after) = (old.1.member(old.0, &name), new.1.member(new.0, &name));
            add(Step::Member(name), before, after, is_sure);
        }
    }
    let patterns = |(schemas, case): (&Schemas, &Case)| -> Vec<(String, SchemaId)> {
        case.keywords(schemas).flat_map(|k| k.pattern_properties.iter().map(|(text, id)| (text.clone(), *id))).collect()
    };
    let (before, after) = (patterns(old), patterns(new));
    let (values, other_values) = (old.1.values(old.0), new.1.values(new.0));
    // Members that match one pattern may match another, or none of the other version's.
    for (text, id) in &before {
        match after.iter().find(|(other, _)| other == text) {
            Some((_, other)) => add(Step::Values, vec![*id], vec![*other], is_sure),
            None => {
                after.iter().for_each(|(_, other)| add(Step::Values, vec![*id], vec![*other], false));
                add(Step::Values, vec![*id], other_values.clone(), false);
            }
        }
    }
    for (_, id) in after.iter().filter(|(text, _)| !before.iter().any(|(other, _)| other == text)) {
        add(Step::Values, values.clone(), vec![*id], false);
    }
    add(Step::Values, values, other_values, is_sure);
    let longest = |(schemas, case): (&Schemas, &Case)| {
        case.keywords(schemas).map(|k| k.prefix_items.len()).max().unwrap_or_default()
    };
    let count = longest(old).max(longest(new));
    for index in 0..count {
        add(Step::Item(index), old.1.item(old.0, index), new.1.item(new.0, index), is_sure);
    }
    add(Step::Items, old.1.item(old.0, usize::MAX), new.1.item(new.0, usize::MAX), is_sure);
}
