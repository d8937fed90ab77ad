//! Whether two schemas say the same, word by word: then each accepts what the other accepts, whatever that is. Most of a
//! new version of a document is the old one.

use indexmap::IndexMap;

use super::classes::Classes;
use super::goal::Side;
use crate::schema::check::same_value;
use crate::schema::ids::IdMap;
use crate::schema::{Keywords, Schema, SchemaId, SchemaKind, Schemas};
use crate::source::{Node, Number};

/// Pairs that one question may lead to.
const MAX_PAIRS: usize = 20_000;

type Pair = (SchemaId, SchemaId);

/// What must be the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Words {
    /// What decides which values are accepted.
    #[default]
    Assertions,
    /// Everything, also what is said to people and to generators.
    All,
}

/// What is known of schemas of two arenas.
#[derive(Debug)]
pub(crate) struct Equality<'s> {
    words: Words,
    left: &'s Schemas,
    right: &'s Schemas,
    classes: Classes<'s>,
    known: IdMap<Pair, bool>,
    /// Schemas and pairs that were looked at since somebody asked.
    compared: usize,
}

impl<'s> Equality<'s> {
    pub(crate) fn new(words: Words, left: &'s Schemas, right: &'s Schemas) -> Self {
        let classes = Classes::new(words, left, right);
        Equality { words, left, right, classes, known: IdMap::default(), compared: 0 }
    }

    /// The schema of its side that stands for all that say the same, as far as that is known.
    pub(super) fn representative(&mut self, side: Side, id: SchemaId) -> SchemaId {
        self.classes.representative(side, id)
    }

    /// Whether two schemas, one of each arena, say the same. Pairs that contain each other are equal when nothing tells
    /// them apart.
    pub(crate) fn same(&mut self, a: SchemaId, b: SchemaId) -> bool {
        // One that leads to itself is never equal to one that does not.
        match (self.classes.of(Side::Writer, a), self.classes.of(Side::Reader, b)) {
            (None, None) => self.same_pair(a, b),
            (a, b) => a == b,
        }
    }

    fn same_pair(&mut self, a: SchemaId, b: SchemaId) -> bool {
        let (left, right) = (self.left, self.right);
        let root = (left.follow(a), right.follow(b));
        if let Some(same) = self.known.get(&root) {
            return *same;
        }
        // Every pair that must be equal for the root to be, with those that ask for it.
        let mut pairs = vec![root];
        let mut indices = IdMap::from_iter([(root, 0usize)]);
        let mut asked_by: Vec<Vec<usize>> = vec![Vec::new()];
        let mut different = Vec::new();
        let mut next = 0;
        while next < pairs.len() {
            if pairs.len() > MAX_PAIRS {
                // They may be equal all the same; it is not worth more.
                self.known.insert(root, false);
                return false;
            }
            self.compared += 1;
            let (a, b) = pairs[next];
            let mut inner = Vec::new();
            let alike = match self.known.get(&(a, b)) {
                Some(same) => *same,
                None => match (self.classes.of(Side::Writer, a), self.classes.of(Side::Reader, b)) {
                    (None, None) => alike(self.words, (left, a), (right, b), &mut inner),
                    (a, b) => a == b,
                },
            };
            if !alike {
                different.push(next);
                inner.clear();
            }
            for (a, b) in inner {
                let pair = (left.follow(a), right.follow(b));
                let index = *indices.entry(pair).or_insert_with(|| {
                    pairs.push(pair);
                    asked_by.push(Vec::new());
                    pairs.len() - 1
                });
                asked_by[index].push(next);
            }
            next += 1;
        }
        let mut same = vec![true; pairs.len()];
        while let Some(index) = different.pop() {
            if std::mem::replace(&mut same[index], false) {
                different.append(&mut asked_by[index]);
            }
        }
        let answer = same[0];
        self.known.extend(pairs.into_iter().zip(same));
        answer
    }

    /// How many schemas and pairs were looked at since this was asked last.
    pub(super) fn take_compared(&mut self) -> usize {
        std::mem::take(&mut self.compared) + self.classes.take_looked_at()
    }
}

/// Whether two schemas have the same keywords; the schemas within, which must be equal as well, are added to `inner`.
pub(super) fn alike(
    words: Words,
    (left, a): (&Schemas, SchemaId),
    (right, b): (&Schemas, SchemaId),
    inner: &mut Vec<Pair>,
) -> bool {
    let (a, b) = (&left[a], &right[b]);
    let asserts_alike = match (&a.kind, &b.kind) {
        (SchemaKind::Bool(a), SchemaKind::Bool(b)) => a == b,
        (SchemaKind::Object(k), SchemaKind::Object(l)) => {
            a.dialect == b.dialect && assertions_alike(k, l) && inner_alike(k, l, inner)
        }
        _ => false,
    };
    asserts_alike && (words == Words::Assertions || annotations_alike(a, b))
}

/// The keywords that look at a value itself.
fn assertions_alike(a: &Keywords, b: &Keywords) -> bool {
    a.unresolved_reference.is_none()
        && b.unresolved_reference.is_none()
        && a.types == b.types
        && same_numbers(&a.multiple_of, &b.multiple_of)
        && same_numbers(&a.minimum, &b.minimum)
        && same_numbers(&a.maximum, &b.maximum)
        && same_numbers(&a.exclusive_minimum, &b.exclusive_minimum)
        && same_numbers(&a.exclusive_maximum, &b.exclusive_maximum)
        && (a.min_length, a.max_length) == (b.min_length, b.max_length)
        && a.pattern == b.pattern
        && (a.min_contains, a.max_contains) == (b.min_contains, b.max_contains)
        && (a.min_items, a.max_items, a.unique_items) == (b.min_items, b.max_items, b.unique_items)
        && (a.min_properties, a.max_properties) == (b.min_properties, b.max_properties)
        && a.required == b.required
        && a.dependent_required == b.dependent_required
        && same_values(a.const_value.as_slice(), b.const_value.as_slice())
        && a.enum_values.is_some() == b.enum_values.is_some()
        && same_values(a.enum_values.as_deref().unwrap_or_default(), b.enum_values.as_deref().unwrap_or_default())
}

/// The keywords that say something to people and to generators.
fn annotations_alike(a: &Schema, b: &Schema) -> bool {
    let (SchemaKind::Object(k), SchemaKind::Object(l)) = (&a.kind, &b.kind) else { return true };
    a.name == b.name
        && (&k.title, &k.description, &k.format) == (&l.title, &l.description, &l.format)
        && same_values(k.default.as_slice(), l.default.as_slice())
        && same_values(&k.examples, &l.examples)
        && (k.deprecated, k.read_only, k.write_only) == (l.deprecated, l.read_only, l.write_only)
        && (&k.content_encoding, &k.content_media_type) == (&l.content_encoding, &l.content_media_type)
        && k.discriminator == l.discriminator
        && k.extensions.len() == l.extensions.len()
        && k.extensions.iter().all(|(name, a)| l.extensions.get(name).is_some_and(|b| same_value(a, b)))
}

fn same_numbers(a: &Option<Number>, b: &Option<Number>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.compare(b).is_eq(),
        (None, None) => true,
        _ => false,
    }
}

fn same_values(a: &[Node], b: &[Node]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
}

/// The pairs of schemas that must be equal as well; `false` when there is a schema without its counterpart.
pub(super) fn inner_alike(a: &Keywords, b: &Keywords, pairs: &mut Vec<Pair>) -> bool {
    for pair in singles(a).into_iter().zip(singles(b)) {
        match pair {
            (Some(a), Some(b)) => pairs.push((a, b)),
            (None, None) => {}
            _ => return false,
        }
    }
    for (a, b) in lists(a).into_iter().zip(lists(b)) {
        if a.len() != b.len() {
            return false;
        }
        pairs.extend(a.iter().copied().zip(b.iter().copied()));
    }
    for (a, b) in maps(a).into_iter().zip(maps(b)) {
        if a.len() != b.len() {
            return false;
        }
        for (name, &a) in a {
            let Some(&b) = b.get(name) else { return false };
            pairs.push((a, b));
        }
    }
    true
}

/// The keywords that hold one schema.
pub(super) fn singles(k: &Keywords) -> [Option<SchemaId>; 12] {
    [
        k.reference,
        k.dynamic_reference,
        k.items,
        k.contains,
        k.unevaluated_items,
        k.additional_properties,
        k.unevaluated_properties,
        k.property_names,
        k.not,
        k.if_schema,
        k.then_schema,
        k.else_schema,
    ]
}

/// The keywords that hold schemas in an order.
pub(super) fn lists(k: &Keywords) -> [&[SchemaId]; 4] {
    [&k.prefix_items, &k.all_of, &k.any_of, &k.one_of]
}

/// The keywords that hold schemas by name.
pub(super) fn maps(k: &Keywords) -> [&IndexMap<String, SchemaId>; 3] {
    [&k.properties, &k.pattern_properties, &k.dependent_schemas]
}
