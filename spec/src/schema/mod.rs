//! JSON Schema as a graph: every schema of a document in one arena, references resolved to ids.
//!
//! What comes in are nodes of any supported dialect (draft-07 with AsyncAPI's additions, 2019-09, 2020-12,
//! OpenAPI 3.0); what stands here is one normalised form: `nullable` is a `null` in `types`, boolean exclusive
//! bounds are numbers, `definitions` and `$defs` are one map, tuples are `prefix_items`.

mod check;
mod format;
pub(crate) mod ids;
mod implied;
pub(crate) mod inclusion;
mod keywords;
mod pattern;
pub(crate) mod read;

use indexmap::IndexMap;

pub(crate) use check::same_value;
pub use check::{Checker, Violation};
pub use format::TypedFormat;
pub use inclusion::{Inclusion, Reading, Reason, Verdict, Witness};
pub(crate) use pattern::Pattern;

use crate::source::{Location, Node, Number};

/// A schema of a [`Schemas`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaId(pub(crate) u32);

/// Every schema that a document contains or refers to. Cycles are ordinary: they go through ids.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    nodes: Vec<Schema>,
}

impl Schemas {
    /// The ids of all schemas.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = SchemaId> + use<> {
        (0..self.nodes.len()).map(|index| SchemaId(index as u32))
    }

    /// Adds a schema. A reader of recursive schemas adds a placeholder first and replaces it.
    pub(crate) fn add(&mut self, schema: Schema) -> SchemaId {
        self.nodes.push(schema);
        SchemaId(self.nodes.len() as u32 - 1)
    }

    pub(crate) fn get_mut(&mut self, id: SchemaId) -> &mut Schema {
        &mut self.nodes[id.0 as usize]
    }

    /// Follows `$ref`s without siblings to the schema that says something. A cycle of bare references
    /// (reported on reading) ends at the schema where it closes.
    pub fn follow(&self, mut id: SchemaId) -> SchemaId {
        for _ in 0..self.nodes.len() {
            match &self[id].kind {
                SchemaKind::Object(keywords) if keywords.is_bare_reference() => match keywords.reference {
                    Some(target) => id = target,
                    None => break,
                },
                _ => break,
            }
        }
        id
    }

    /// What a schema is called where there is no better place to call it after: its name among the components, else a
    /// title that is short enough to be a name, for titles are prose as often.
    pub fn name_of(&self, id: SchemaId) -> Option<&str> {
        let schema = &self[self.follow(id)];
        let title = || {
            let SchemaKind::Object(keywords) = &schema.kind else { return None };
            let title = keywords.title.as_deref()?;
            let words = title.split_whitespace().count();
            (title.chars().any(char::is_alphabetic) && words <= 4 && title.len() <= 40).then_some(title)
        };
        schema.name.as_deref().or_else(title)
    }
}

impl std::ops::Index<SchemaId> for Schemas {
    type Output = Schema;

    fn index(&self, id: SchemaId) -> &Schema {
        &self.nodes[id.0 as usize]
    }
}

/// One schema.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Where it is written.
    pub location: Location,
    /// The key under which a map of named schemas holds it (`components/schemas`, `definitions`, `$defs`, or whatever
    /// a reference leads into, as `common.yaml#/User` does), or the stem of the file whose root it is when it was
    /// reached by a reference to the whole file.
    pub name: Option<String>,
    /// The dialect it is written in.
    pub dialect: Dialect,
    /// What it says.
    pub kind: SchemaKind,
}

/// What a schema says.
#[derive(Clone, Debug)]
pub enum SchemaKind {
    /// `true` accepts everything, `false` nothing.
    Bool(bool),
    /// Keywords.
    Object(Box<Keywords>),
}

/// The dialect of a schema.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// JSON Schema draft-07 with AsyncAPI's `discriminator`, `externalDocs` and `deprecated`: the default.
    /// Siblings of `$ref` are ignored, as draft-07 has it, in a bare schema; in an AsyncAPI document they apply as well
    /// (one real document in seven writes them, and AsyncAPI's own tools heed them).
    #[default]
    Draft7,
    /// JSON Schema 2019-09.
    Draft2019,
    /// JSON Schema 2020-12.
    Draft2020,
    /// The Schema Object of OpenAPI 3.0.
    OpenApi30,
}

/// The JSON types, as the keyword `type` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JsonType {
    /// `null`
    Null,
    /// `boolean`
    Boolean,
    /// `integer`: a number without fractional part, `1.0` included
    Integer,
    /// `number`
    Number,
    /// `string`
    String,
    /// `array`
    Array,
    /// `object`
    Object,
}

/// The keywords of a schema, by their names in JSON Schema 2020-12 where the drafts differ.
#[derive(Clone, Debug, Default)]
pub struct Keywords {
    /// `$ref`, resolved. `None` also when it could not be resolved (which was reported; see `unresolved_reference`).
    pub reference: Option<SchemaId>,
    /// `$ref` was there but could not be resolved: the text of it.
    pub unresolved_reference: Option<String>,
    /// `$dynamicRef` and `$recursiveRef`, resolved as plain references to their initial target.
    pub dynamic_reference: Option<SchemaId>,
    /// `title`
    pub title: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `format`
    pub format: Option<String>,
    /// `default`
    pub default: Option<Node>,
    /// `examples`, and OpenAPI's `example` as its last element
    pub examples: Vec<Node>,
    /// `deprecated`
    pub deprecated: bool,
    /// `readOnly`
    pub read_only: bool,
    /// `writeOnly`
    pub write_only: bool,
    /// `contentEncoding`
    pub content_encoding: Option<String>,
    /// `contentMediaType`
    pub content_media_type: Option<String>,
    /// `discriminator`: the name of the property. AsyncAPI 2.x and 3.x write a string, OpenAPI an object.
    pub discriminator: Option<Discriminator>,
    /// `type`; `None` when absent. OpenAPI's `nullable: true` adds [`JsonType::Null`] when a type is given.
    pub types: Option<Vec<JsonType>>,
    /// `enum`
    pub enum_values: Option<Vec<Node>>,
    /// `const`
    pub const_value: Option<Node>,
    /// `multipleOf`
    pub multiple_of: Option<Number>,
    /// `minimum`
    pub minimum: Option<Number>,
    /// `maximum`
    pub maximum: Option<Number>,
    /// `exclusiveMinimum`
    pub exclusive_minimum: Option<Number>,
    /// `exclusiveMaximum`
    pub exclusive_maximum: Option<Number>,
    /// `minLength`, in Unicode scalar values
    pub min_length: Option<u64>,
    /// `maxLength`, in Unicode scalar values
    pub max_length: Option<u64>,
    /// `pattern`, ECMA-262
    pub pattern: Option<String>,
    /// `prefixItems`, or the array form of `items`
    pub prefix_items: Vec<SchemaId>,
    /// `items`, or `additionalItems` behind the array form of `items`
    pub items: Option<SchemaId>,
    /// `contains`
    pub contains: Option<SchemaId>,
    /// `minContains`
    pub min_contains: Option<u64>,
    /// `maxContains`
    pub max_contains: Option<u64>,
    /// `minItems`
    pub min_items: Option<u64>,
    /// `maxItems`
    pub max_items: Option<u64>,
    /// `uniqueItems`
    pub unique_items: bool,
    /// `unevaluatedItems`
    pub unevaluated_items: Option<SchemaId>,
    /// `properties`, in the order of the text
    pub properties: IndexMap<String, SchemaId>,
    /// `patternProperties`
    pub pattern_properties: IndexMap<String, SchemaId>,
    /// `additionalProperties`
    pub additional_properties: Option<SchemaId>,
    /// `unevaluatedProperties`
    pub unevaluated_properties: Option<SchemaId>,
    /// `propertyNames`
    pub property_names: Option<SchemaId>,
    /// `required`
    pub required: Vec<String>,
    /// `minProperties`
    pub min_properties: Option<u64>,
    /// `maxProperties`
    pub max_properties: Option<u64>,
    /// `dependentRequired`, and the array form of `dependencies`
    pub dependent_required: IndexMap<String, Vec<String>>,
    /// `dependentSchemas`, and the schema form of `dependencies`
    pub dependent_schemas: IndexMap<String, SchemaId>,
    /// `allOf`
    pub all_of: Vec<SchemaId>,
    /// `anyOf`
    pub any_of: Vec<SchemaId>,
    /// `oneOf`
    pub one_of: Vec<SchemaId>,
    /// `not`
    pub not: Option<SchemaId>,
    /// `if`
    pub if_schema: Option<SchemaId>,
    /// `then`
    pub then_schema: Option<SchemaId>,
    /// `else`
    pub else_schema: Option<SchemaId>,
    /// `definitions` and `$defs`
    pub definitions: IndexMap<String, SchemaId>,
    /// Members that are no keyword: `x-…` extensions and unknown ones.
    pub extensions: IndexMap<String, Node>,
}

impl Keywords {
    /// Whether the schema is nothing but a `$ref`: annotations beside it count as nothing, and a dialect in which
    /// siblings of `$ref` are ignored never fills the other keywords.
    pub fn is_bare_reference(&self) -> bool {
        self.reference.is_some() && !self.has_assertions()
    }

    /// Whether any keyword beside `$ref` restricts what is accepted or shapes the type.
    pub fn has_assertions(&self) -> bool {
        self.types.is_some()
            || self.enum_values.is_some()
            || self.const_value.is_some()
            || self.multiple_of.is_some()
            || self.minimum.is_some()
            || self.maximum.is_some()
            || self.exclusive_minimum.is_some()
            || self.exclusive_maximum.is_some()
            || self.min_length.is_some()
            || self.max_length.is_some()
            || self.pattern.is_some()
            || self.items.is_some()
            || self.contains.is_some()
            || self.min_contains.is_some()
            || self.max_contains.is_some()
            || self.min_items.is_some()
            || self.max_items.is_some()
            || self.unevaluated_items.is_some()
            || self.additional_properties.is_some()
            || self.unevaluated_properties.is_some()
            || self.property_names.is_some()
            || self.min_properties.is_some()
            || self.max_properties.is_some()
            || self.not.is_some()
            || self.if_schema.is_some()
            || self.dynamic_reference.is_some()
            || self.format.is_some()
            || self.discriminator.is_some()
            || self.unique_items
            || !self.prefix_items.is_empty()
            || !self.properties.is_empty()
            || !self.pattern_properties.is_empty()
            || !self.required.is_empty()
            || !self.dependent_required.is_empty()
            || !self.dependent_schemas.is_empty()
            || !self.all_of.is_empty()
            || !self.any_of.is_empty()
            || !self.one_of.is_empty()
    }
}

/// `discriminator`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discriminator {
    /// The property that names the alternative.
    pub property: String,
    /// OpenAPI's `mapping`: the property's value → the alternative as written (a name or a reference).
    pub mapping: IndexMap<String, String>,
}
