//! Which types of a version are those of the next one: types that are read and written alike, down to the last type
//! inside of them, are one type in Rust.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::alike::{self, Inside, Measure};
use crate::ir::{Api, DefinitionId, Type};

/// The definitions of `old` that are definitions of `new`: each of those at most once, so that what is said of two types
/// is never said of one twice.
pub(super) fn find(old: &Api, new: &Api) -> BTreeMap<DefinitionId, DefinitionId> {
    let mut reused = candidates(old, new);
    // Two types are one as long as nothing speaks against it, which may be what speaks against another.
    loop {
        let refuted: Vec<DefinitionId> =
            reused.iter().filter(|(a, b)| !is_one((old, **a), (new, **b), &reused)).map(|(a, _)| *a).collect();
        if refuted.is_empty() {
            return reused;
        }
        refuted.iter().for_each(|id| _ = reused.remove(id));
    }
}

/// Pairs of definitions that could be one: those of the same name first, then those that stand at the same place.
fn candidates(old: &Api, new: &Api) -> BTreeMap<DefinitionId, DefinitionId> {
    let by_name: HashMap<&str, DefinitionId> = new.types.iter().map(|(id, it)| (it.name.as_str(), id)).collect();
    let mut pairs = BTreeMap::new();
    let mut taken = HashSet::new();
    let mut waiting: Vec<(DefinitionId, DefinitionId)> = Vec::new();
    for (id, definition) in old.types.iter() {
        if let Some(other) = by_name.get(definition.name.as_str()).copied()
            && could_be_one((old, id), (new, other))
        {
            pairs.insert(id, other);
            taken.insert(other);
            waiting.push((id, other));
        }
    }
    for (old_event, new_event) in super::common_events(old, new) {
        let parts = [(&old_event.payload, &new_event.payload), (&old_event.headers, &new_event.headers)];
        for part in parts {
            if let (Some(old), Some(new)) = part {
                named_pairs(old, new, &mut waiting);
            }
        }
    }
    let mut seen = HashSet::new();
    while let Some((a, b)) = waiting.pop() {
        if !seen.insert((a, b)) {
            continue;
        }
        let Some(inside) = alike::inside((old, a), (new, b), Measure::Convertible) else { continue };
        if !pairs.contains_key(&a) && could_be_one((old, a), (new, b)) && taken.insert(b) {
            pairs.insert(a, b);
        }
        let kept = alike::kept(&old.types[a], &new.types[b]);
        inside.into_iter().chain(kept).for_each(|(a, b)| named_pairs(a.ty, b.ty, &mut waiting));
    }
    pairs
}

/// The named types at the same places of two types.
fn named_pairs(old: &Type, new: &Type, pairs: &mut Vec<(DefinitionId, DefinitionId)>) {
    match (old, new) {
        (Type::Named(old), Type::Named(new)) => pairs.push((*old, *new)),
        (Type::Boxed(old), new) => named_pairs(old, new, pairs),
        (old, Type::Boxed(new)) => named_pairs(old, new, pairs),
        (Type::Nullable(old), Type::Nullable(new))
        | (Type::List(old), Type::List(new))
        | (Type::Map(old), Type::Map(new)) => named_pairs(old, new, pairs),
        (Type::Tuple(old), Type::Tuple(new)) => {
            old.iter().zip(new).for_each(|(old, new)| named_pairs(old, new, pairs));
        }
        _ => {}
    }
}

/// Whether nothing but types inside could speak against it.
fn could_be_one(old: (&Api, DefinitionId), new: (&Api, DefinitionId)) -> bool {
    let additions = |(api, id): (&Api, DefinitionId)| {
        let additions = &api.types[id].additions;
        (additions.derives.clone(), additions.attributes.clone())
    };
    additions(old) == additions(new) && alike::inside(old, new, Measure::OneType).is_some()
}

/// Whether the types inside are one, too.
fn is_one(old: (&Api, DefinitionId), new: (&Api, DefinitionId), reused: &BTreeMap<DefinitionId, DefinitionId>) -> bool {
    // Those of the candidates have been found alike but for what is inside.
    let Some(inside) = alike::inside(old, new, Measure::Convertible) else { return false };
    let kept = alike::kept(&old.0.types[old.1], &new.0.types[new.1]);
    let same = |a: Inside<'_>, b: Inside<'_>| a.options == b.options && same_type(a.ty, b.ty, reused);
    inside.into_iter().chain(kept).all(|(a, b)| same(a, b))
}

/// Whether two types are one where they are used.
fn same_type(old: &Type, new: &Type, reused: &BTreeMap<DefinitionId, DefinitionId>) -> bool {
    match (old, new) {
        (Type::Named(old), Type::Named(new)) => reused.get(old) == Some(new),
        (Type::Boxed(old), Type::Boxed(new))
        | (Type::Nullable(old), Type::Nullable(new))
        | (Type::List(old), Type::List(new))
        | (Type::Map(old), Type::Map(new)) => same_type(old, new, reused),
        (Type::Tuple(old), Type::Tuple(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| same_type(old, new, reused))
        }
        (old, new) => old == new,
    }
}
