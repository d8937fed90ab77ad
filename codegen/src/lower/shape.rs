//! Which anonymous schemas are the same: documents that were bundled repeat a member's schema wherever it occurs, and
//! it should be one type.
//!
//! Two schemas are the same when everything that they say is, documentation included; references are the same when they
//! lead to the same schema. A member of the same name and the same schema in several objects has one type, called
//! after the member.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use event_api_spec::schema::{Keywords, SchemaId, SchemaKind, Schemas};
use event_api_spec::{Node, Value};

/// What a schema says, in 128 bits.
type Shape = (u64, u64);

/// The members that occur more than once.
pub(super) struct Shapes<'s> {
    /// Every anonymous member schema, and the first one of its name and shape if there are several.
    first: HashMap<SchemaId, (&'s str, SchemaId)>,
}

impl<'s> Shapes<'s> {
    pub(super) fn of(schemas: &'s Schemas) -> Self {
        let mut known = HashMap::new();
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
fn shape(schemas: &Schemas, id: SchemaId, known: &mut HashMap<SchemaId, Shape>) -> Shape {
    if let Some(shape) = known.get(&id) {
        return *shape;
    }
    // Two hashers with different beginnings make 128 bits: equal shapes of different schemas do not occur.
    let mut hashers = (DefaultHasher::new(), DefaultHasher::new());
    1u8.hash(&mut hashers.1);
    match &schemas[id].kind {
        SchemaKind::Bool(value) => both(&mut hashers, value),
        SchemaKind::Object(keywords) => {
            let inside: Vec<Shape> = children(keywords).map(|child| shape(schemas, child, known)).collect();
            both(&mut hashers, &inside);
            hash_keywords(keywords, &mut hashers.0);
            hash_keywords(keywords, &mut hashers.1);
        }
    }
    let shape = (hashers.0.finish(), hashers.1.finish());
    known.insert(id, shape);
    shape
}

fn both(hashers: &mut (DefaultHasher, DefaultHasher), value: &impl Hash) {
    value.hash(&mut hashers.0);
    value.hash(&mut hashers.1);
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

fn hash_keywords(k: &Keywords, state: &mut DefaultHasher) {
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
    for (name, names) in &k.dependent_required {
        (name, names).hash(state);
    }
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

fn hash_node(node: &Node, state: &mut DefaultHasher) {
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
