//! Schemas that say the same, found once for each schema: those of two arenas go in, and each becomes one of a class of
//! equals. A document that repeats a schema a thousand times asks one question about it, and what a new version has left
//! alone is known to be equal without being compared again.
//!
//! A class is known by the schema's own keywords and the classes within, so each schema is looked at once, whatever
//! contains it. Schemas that lead to themselves have no such beginning and are left to the comparison of pairs.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use indexmap::IndexMap;

use super::equal::{Words, alike, lists, maps, singles};
use super::goal::Side;
use crate::schema::check::canonical;
use crate::schema::{Keywords, SchemaId, SchemaKind, Schemas};
use crate::source::{Node, Number};

/// What is known of a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    /// It is being looked at.
    Open,
    /// It leads to itself, or to a schema that does, or says something that nothing is equal to.
    Alone,
    Class(u32),
}

/// Classes of schemas of two arenas.
#[derive(Debug)]
pub(super) struct Classes<'s> {
    words: Words,
    schemas: [&'s Schemas; 2],
    known: [Vec<Known>; 2],
    /// Of each class, the first schema of each side.
    first: Vec<[Option<SchemaId>; 2]>,
    by_hash: HashMap<u64, Vec<u32>>,
    looked_at: usize,
}

impl<'s> Classes<'s> {
    pub(super) fn new(words: Words, writer: &'s Schemas, reader: &'s Schemas) -> Self {
        Classes {
            words,
            schemas: [writer, reader],
            known: [Vec::new(), Vec::new()],
            first: Vec::new(),
            by_hash: HashMap::new(),
            looked_at: 0,
        }
    }

    /// The class of a schema; `None` when pairs must be compared.
    pub(super) fn of(&mut self, side: Side, id: SchemaId) -> Option<u32> {
        let schemas = self.schemas[side as usize];
        let id = schemas.follow(id);
        if self.known[side as usize].is_empty() {
            self.known[side as usize] = vec![Known::Nothing; schemas.ids().len()];
        }
        if self.get(side, id) == Known::Nothing {
            self.classify(side, id);
        }
        match self.get(side, id) {
            Known::Class(class) => Some(class),
            Known::Nothing | Known::Open | Known::Alone => None,
        }
    }

    /// The schema of its side that stands for all equal ones.
    pub(super) fn representative(&mut self, side: Side, id: SchemaId) -> SchemaId {
        let first = self.of(side, id).and_then(|class| self.first[class as usize][side as usize]);
        first.unwrap_or_else(|| self.schemas[side as usize].follow(id))
    }

    /// How many schemas were looked at since this was asked last.
    pub(super) fn take_looked_at(&mut self) -> usize {
        std::mem::take(&mut self.looked_at)
    }

    fn get(&self, side: Side, id: SchemaId) -> Known {
        self.known[side as usize][id.0 as usize]
    }

    fn set(&mut self, side: Side, id: SchemaId, known: Known) {
        self.known[side as usize][id.0 as usize] = known;
    }

    /// Goes through everything within a schema, deepest first: without recursion, for documents nest as they please.
    fn classify(&mut self, side: Side, root: SchemaId) {
        let mut way = vec![(root, self.within(side, root), 0usize)];
        self.set(side, root, Known::Open);
        while let Some((id, within, next)) = way.last_mut() {
            let id = *id;
            if let Some(&inner) = within.get(*next) {
                *next += 1;
                if self.get(side, inner) == Known::Nothing {
                    self.set(side, inner, Known::Open);
                    way.push((inner, self.within(side, inner), 0));
                }
                continue;
            }
            let known = self.classified(side, id, within);
            self.set(side, id, known);
            way.pop();
        }
    }

    /// The schemas within one, as they are meant.
    fn within(&mut self, side: Side, id: SchemaId) -> Vec<SchemaId> {
        self.looked_at += 1;
        let schemas = self.schemas[side as usize];
        let SchemaKind::Object(keywords) = &schemas[id].kind else { return Vec::new() };
        let single = singles(keywords).into_iter().flatten();
        let lists = lists(keywords).into_iter().flatten().copied();
        let members = maps(keywords).into_iter().flat_map(IndexMap::values).copied();
        single.chain(lists).chain(members).map(|id| schemas.follow(id)).collect()
    }

    /// What a schema is when everything within is known.
    fn classified(&mut self, side: Side, id: SchemaId, within: &[SchemaId]) -> Known {
        let is_class = |known: Known| matches!(known, Known::Class(_));
        if !within.iter().all(|&inner| is_class(self.get(side, inner))) {
            return Known::Alone;
        }
        let schemas = self.schemas[side as usize];
        if let SchemaKind::Object(keywords) = &schemas[id].kind
            && keywords.unresolved_reference.is_some()
        {
            return Known::Alone;
        }
        let hash = self.hash(side, id);
        for &class in self.by_hash.get(&hash).map_or(&[][..], Vec::as_slice) {
            if self.belongs(side, id, class) {
                self.first[class as usize][side as usize].get_or_insert(id);
                return Known::Class(class);
            }
        }
        let class = self.first.len() as u32;
        let mut first = [None, None];
        first[side as usize] = Some(id);
        self.first.push(first);
        self.by_hash.entry(hash).or_default().push(class);
        Known::Class(class)
    }

    /// Whether a schema says what those of a class say.
    fn belongs(&self, side: Side, id: SchemaId, class: u32) -> bool {
        let other = [Side::Writer, Side::Reader]
            .into_iter()
            .find_map(|side| self.first[class as usize][side as usize].map(|id| (side, id)));
        let Some((other_side, other)) = other else { return false };
        let (left, right) = (self.schemas[side as usize], self.schemas[other_side as usize]);
        let mut inner = Vec::new();
        alike(self.words, (left, id), (right, other), &mut inner)
            && inner.into_iter().all(|(a, b)| {
                let (a, b) = (self.get(side, left.follow(a)), self.get(other_side, right.follow(b)));
                a == b && matches!(a, Known::Class(_))
            })
    }

    /// The same for schemas that say the same. What it leaves out only costs time.
    fn hash(&self, side: Side, id: SchemaId) -> u64 {
        let schemas = self.schemas[side as usize];
        let mut hasher = DefaultHasher::new();
        let hasher = &mut hasher;
        let k = match &schemas[id].kind {
            SchemaKind::Bool(accepts) => {
                accepts.hash(hasher);
                return hasher.finish();
            }
            SchemaKind::Object(keywords) => &**keywords,
        };
        schemas[id].dialect.hash(hasher);
        if self.words == Words::All {
            schemas[id].name.hash(hasher);
            (&k.title, &k.description, &k.format, k.default.is_some()).hash(hasher);
        }
        hash_assertions(k, hasher);
        let class = |inner: &SchemaId| match self.get(side, schemas.follow(*inner)) {
            Known::Class(class) => class,
            Known::Nothing | Known::Open | Known::Alone => u32::MAX,
        };
        for inner in singles(k) {
            inner.as_ref().map(class).hash(hasher);
        }
        for list in lists(k) {
            list.len().hash(hasher);
            list.iter().for_each(|inner| class(inner).hash(hasher));
        }
        // In any order.
        for members in maps(k) {
            let all = members.iter().map(|(name, inner)| hash_of(&(name, class(inner))));
            all.fold(members.len() as u64, u64::wrapping_add).hash(hasher);
        }
        hasher.finish()
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The keywords that look at a value itself.
fn hash_assertions(k: &Keywords, hasher: &mut DefaultHasher) {
    k.types.hash(hasher);
    for number in [&k.multiple_of, &k.minimum, &k.maximum, &k.exclusive_minimum, &k.exclusive_maximum] {
        // By value and not by spelling.
        number.as_ref().map(Number::canonical).hash(hasher);
    }
    (k.min_length, k.max_length, &k.pattern).hash(hasher);
    (k.min_contains, k.max_contains).hash(hasher);
    (k.min_items, k.max_items, k.unique_items).hash(hasher);
    (k.min_properties, k.max_properties).hash(hasher);
    k.required.hash(hasher);
    let mut hash_values = |values: &[Node]| {
        values.len().hash(hasher);
        values.iter().for_each(|value| canonical(value).hash(hasher));
    };
    hash_values(k.const_value.as_slice());
    hash_values(k.enum_values.as_deref().unwrap_or_default());
}
