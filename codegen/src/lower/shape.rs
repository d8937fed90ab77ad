//! Which anonymous schemas are the same: documents that were bundled repeat a member's schema wherever it occurs, and
//! it should be one type.
//!
//! Two schemas are the same when everything that they say is, documentation included; references are the same when they
//! lead to the same schema. A member of the same name and the same schema in several objects has one type, called
//! after the member.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use event_api_spec::schema::{Keywords, SchemaId, SchemaKind, Schemas};
use event_api_spec::{Node, Value};

/// Which of all the different things that are said a schema says.
type Shape = usize;

/// The shapes of schemas, and what each of them says: equal bytes are equal words.
#[derive(Default)]
struct Known {
    of_schema: HashMap<SchemaId, Shape>,
    of_words: HashMap<Vec<u8>, Shape>,
}

/// The members that occur more than once.
pub(super) struct Shapes<'s> {
    /// Every anonymous member schema, and the first one of its name and shape if there are several.
    first: HashMap<SchemaId, (&'s str, SchemaId)>,
}

impl<'s> Shapes<'s> {
    pub(super) fn of(schemas: &'s Schemas) -> Self {
        let mut known = Known::default();
        let mut members: HashMap<(&str, Shape), Vec<SchemaId>> = HashMap::new();
        for id in schemas.ids() {
            let SchemaKind::Object(keywords) = &schemas[id].kind else { continue };
            for (name, member) in &keywords.properties {
                if is_anonymous(schemas, *member) {
                    let shape = shape(schemas, *member, &mut known);
                    members.entry((name, shape)).or_default().push(*member);
                }
            }
        }
        let mut first = HashMap::new();
        for ((name, _), ids) in members.into_iter().filter(|(_, ids)| ids.len() > 1) {
            for id in &ids {
                first.insert(*id, (name, ids[0]));
            }
        }
        Shapes { first }
    }

    /// The first schema that is the same, and the member's name, for a schema that occurs in several objects.
    pub(super) fn shared(&self, schema: SchemaId) -> Option<(&'s str, SchemaId)> {
        self.first.get(&schema).copied()
    }
}

fn is_anonymous(schemas: &Schemas, id: SchemaId) -> bool {
    let schema = &schemas[id];
    let refers =
        matches!(&schema.kind, SchemaKind::Object(k) if k.reference.is_some() || k.dynamic_reference.is_some());
    schema.name.is_none() && !refers
}

/// The schemas inside of a schema are written in it, so this ends; what it refers to is known by its id.
fn shape(schemas: &Schemas, id: SchemaId, known: &mut Known) -> Shape {
    if let Some(shape) = known.of_schema.get(&id) {
        return *shape;
    }
    let mut words = Words(Vec::with_capacity(512));
    match &schemas[id].kind {
        SchemaKind::Bool(value) => value.hash(&mut words),
        SchemaKind::Object(keywords) => {
            hash_keywords(keywords, &mut words);
            // How many there are is among the keywords.
            children(keywords).for_each(|child| shape(schemas, child, known).hash(&mut words));
        }
    }
    let next = known.of_words.len();
    let shape = *known.of_words.entry(words.0).or_insert(next);
    known.of_schema.insert(id, shape);
    shape
}

/// What is hashed, itself: no two different things have the same bytes, as no `Hash` here writes one that could be the
/// beginning of another.
struct Words(Vec<u8>);

impl Hasher for Words {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// The keywords that hold one schema.
fn single_children(k: &Keywords) -> [Option<SchemaId>; 10] {
    [
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

/// The schemas that are written inside, in a fixed order.
fn children(k: &Keywords) -> impl Iterator<Item = SchemaId> {
    let lists = [&k.prefix_items, &k.all_of, &k.any_of, &k.one_of];
    let maps = [&k.properties, &k.pattern_properties, &k.dependent_schemas];
    single_children(k)
        .into_iter()
        .flatten()
        .chain(lists.into_iter().flatten().copied())
        .chain(maps.into_iter().flat_map(|map| map.values().copied()))
}

fn hash_keywords(k: &Keywords, state: &mut Words) {
    (k.reference, &k.unresolved_reference, k.dynamic_reference).hash(state);
    (&k.title, &k.description, &k.format, k.deprecated, k.read_only, k.write_only).hash(state);
    (&k.content_encoding, &k.content_media_type, &k.types, &k.pattern, k.unique_items, &k.required).hash(state);
    (&k.multiple_of, &k.minimum, &k.maximum, &k.exclusive_minimum, &k.exclusive_maximum).hash(state);
    (k.min_length, k.max_length, k.min_items, k.max_items, k.min_contains, k.max_contains).hash(state);
    (k.min_properties, k.max_properties).hash(state);
    // Which of the children is which.
    single_children(k).map(|child| child.is_some()).hash(state);
    [k.prefix_items.len(), k.all_of.len(), k.any_of.len(), k.one_of.len()].hash(state);
    for map in [&k.properties, &k.pattern_properties, &k.dependent_schemas] {
        map.len().hash(state);
        map.keys().for_each(|name| name.hash(state));
    }
    k.dependent_required.len().hash(state);
    for (name, names) in &k.dependent_required {
        (name, names).hash(state);
    }
    k.discriminator.as_ref().map(|discriminator| discriminator.mapping.len()).hash(state);
    if let Some(discriminator) = &k.discriminator {
        discriminator.property.hash(state);
        for (value, target) in &discriminator.mapping {
            (value, target).hash(state);
        }
    }
    k.default.is_some().hash(state);
    k.default.iter().chain(&k.const_value).for_each(|node| hash_node(node, state));
    k.const_value.is_some().hash(state);
    k.enum_values.as_ref().map(Vec::len).hash(state);
    k.enum_values.iter().flatten().for_each(|node| hash_node(node, state));
}

fn hash_node(node: &Node, state: &mut Words) {
    std::mem::discriminant(&node.value).hash(state);
    match &node.value {
        Value::Null => {}
        Value::Bool(value) => value.hash(state),
        Value::Number(number) => number.hash(state),
        Value::String(text) => text.hash(state),
        Value::Array(items) => {
            items.len().hash(state);
            items.iter().for_each(|item| hash_node(item, state));
        }
        Value::Object(object) => {
            object.len().hash(state);
            for (key, value) in object.iter() {
                key.name.hash(state);
                hash_node(value, state);
            }
        }
    }
}
