//! Which keywords there are, in which dialects, and what their values look like.

use indexmap::IndexMap;

use super::{Dialect, Keywords, SchemaId};
use crate::source::{Node, Number};

type Field<T> = fn(&mut Keywords) -> &mut T;

/// What a keyword's value looks like and where it goes.
pub(super) enum Shape {
    /// Known, and of no consequence here or read elsewhere.
    Ignored,
    Reference,
    DynamicReference,
    Text(Field<Option<String>>),
    Flag(Field<bool>),
    Number(Field<Option<Number>>),
    Count(Field<Option<u64>>),
    Node(Field<Option<Node>>),
    Nodes(Field<Vec<Node>>),
    Enum,
    Types,
    Schema(Field<Option<SchemaId>>),
    Schemas(Field<Vec<SchemaId>>),
    Map(Field<IndexMap<String, SchemaId>>),
    Items,
    Names,
    DependentNames,
    Dependencies,
    Discriminator,
    Nullable,
}

// Sets of dialects.
const D7: u8 = 1;
const D19: u8 = 2;
const D20: u8 = 4;
const OPEN_API: u8 = 8;
const NEW: u8 = D19 | D20;
const JSON: u8 = D7 | NEW;
const ALL: u8 = JSON | OPEN_API;

/// By name, in the order of bytes.
const KEYWORDS: &[(&str, u8, Shape)] = &[
    ("$anchor", NEW, Shape::Ignored),
    ("$comment", ALL, Shape::Ignored),
    ("$defs", ALL, Shape::Map(|k| &mut k.definitions)),
    ("$dynamicAnchor", D20, Shape::Ignored),
    ("$dynamicRef", D20, Shape::DynamicReference),
    ("$id", ALL, Shape::Ignored),
    ("$recursiveAnchor", D19, Shape::Ignored),
    ("$recursiveRef", D19, Shape::DynamicReference),
    ("$ref", ALL, Shape::Reference),
    ("$schema", ALL, Shape::Ignored),
    ("$vocabulary", NEW, Shape::Ignored),
    ("additionalItems", D7 | D19, Shape::Ignored),
    ("additionalProperties", ALL, Shape::Schema(|k| &mut k.additional_properties)),
    ("allOf", ALL, Shape::Schemas(|k| &mut k.all_of)),
    ("anyOf", ALL, Shape::Schemas(|k| &mut k.any_of)),
    ("const", JSON, Shape::Node(|k| &mut k.const_value)),
    ("contains", JSON, Shape::Schema(|k| &mut k.contains)),
    ("contentEncoding", JSON, Shape::Text(|k| &mut k.content_encoding)),
    ("contentMediaType", JSON, Shape::Text(|k| &mut k.content_media_type)),
    ("contentSchema", NEW, Shape::Ignored),
    ("default", ALL, Shape::Node(|k| &mut k.default)),
    ("definitions", ALL, Shape::Map(|k| &mut k.definitions)),
    ("dependencies", D7, Shape::Dependencies),
    ("dependentRequired", NEW, Shape::DependentNames),
    ("dependentSchemas", NEW, Shape::Map(|k| &mut k.dependent_schemas)),
    ("deprecated", ALL, Shape::Flag(|k| &mut k.deprecated)),
    ("description", ALL, Shape::Text(|k| &mut k.description)),
    ("discriminator", ALL, Shape::Discriminator),
    ("else", JSON, Shape::Schema(|k| &mut k.else_schema)),
    ("enum", ALL, Shape::Enum),
    ("example", ALL, Shape::Ignored),
    ("examples", ALL, Shape::Nodes(|k| &mut k.examples)),
    ("exclusiveMaximum", ALL, Shape::Number(|k| &mut k.exclusive_maximum)),
    ("exclusiveMinimum", ALL, Shape::Number(|k| &mut k.exclusive_minimum)),
    ("externalDocs", ALL, Shape::Ignored),
    ("format", ALL, Shape::Text(|k| &mut k.format)),
    ("if", JSON, Shape::Schema(|k| &mut k.if_schema)),
    ("items", ALL, Shape::Items),
    ("maxContains", NEW, Shape::Count(|k| &mut k.max_contains)),
    ("maxItems", ALL, Shape::Count(|k| &mut k.max_items)),
    ("maxLength", ALL, Shape::Count(|k| &mut k.max_length)),
    ("maxProperties", ALL, Shape::Count(|k| &mut k.max_properties)),
    ("maximum", ALL, Shape::Number(|k| &mut k.maximum)),
    ("minContains", NEW, Shape::Count(|k| &mut k.min_contains)),
    ("minItems", ALL, Shape::Count(|k| &mut k.min_items)),
    ("minLength", ALL, Shape::Count(|k| &mut k.min_length)),
    ("minProperties", ALL, Shape::Count(|k| &mut k.min_properties)),
    ("minimum", ALL, Shape::Number(|k| &mut k.minimum)),
    ("multipleOf", ALL, Shape::Number(|k| &mut k.multiple_of)),
    ("not", ALL, Shape::Schema(|k| &mut k.not)),
    ("nullable", ALL, Shape::Nullable),
    ("oneOf", ALL, Shape::Schemas(|k| &mut k.one_of)),
    ("pattern", ALL, Shape::Text(|k| &mut k.pattern)),
    ("patternProperties", JSON, Shape::Map(|k| &mut k.pattern_properties)),
    ("prefixItems", D20, Shape::Schemas(|k| &mut k.prefix_items)),
    ("properties", ALL, Shape::Map(|k| &mut k.properties)),
    ("propertyNames", JSON, Shape::Schema(|k| &mut k.property_names)),
    ("readOnly", ALL, Shape::Flag(|k| &mut k.read_only)),
    ("required", ALL, Shape::Names),
    ("then", JSON, Shape::Schema(|k| &mut k.then_schema)),
    ("title", ALL, Shape::Text(|k| &mut k.title)),
    ("type", ALL, Shape::Types),
    ("unevaluatedItems", NEW, Shape::Schema(|k| &mut k.unevaluated_items)),
    ("unevaluatedProperties", NEW, Shape::Schema(|k| &mut k.unevaluated_properties)),
    ("uniqueItems", ALL, Shape::Flag(|k| &mut k.unique_items)),
    ("writeOnly", ALL, Shape::Flag(|k| &mut k.write_only)),
    ("xml", OPEN_API, Shape::Ignored),
];

fn find(name: &str) -> Option<&'static (&'static str, u8, Shape)> {
    KEYWORDS.binary_search_by(|(known, _, _)| (*known).cmp(name)).ok().map(|index| &KEYWORDS[index])
}

/// How a keyword is read in a dialect; `None` when it means nothing there.
pub(super) fn shape(name: &str, dialect: Dialect) -> Option<&'static Shape> {
    let bit = match dialect {
        Dialect::Draft7 => D7,
        Dialect::Draft2019 => D19,
        Dialect::Draft2020 => D20,
        Dialect::OpenApi30 => OPEN_API,
    };
    let (_, dialects, shape) = find(name)?;
    (dialects & bit != 0).then_some(shape)
}

/// The dialects that know a keyword, in words.
pub(super) fn home(name: &str) -> Option<&'static str> {
    let (_, dialects, _) = find(name)?;
    Some(match *dialects {
        D20 => "JSON Schema 2020-12",
        D19 => "JSON Schema 2019-09",
        OPEN_API => "OpenAPI",
        dialects if dialects & D7 != 0 => "JSON Schema draft-07",
        _ => "JSON Schema 2019-09 and 2020-12",
    })
}

/// Whether any dialect knows the name.
pub(super) fn is_keyword(name: &str) -> bool {
    find(name).is_some()
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().map(|(name, _, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::KEYWORDS;

    #[test]
    fn keywords_are_sorted_for_the_binary_search() {
        assert!(KEYWORDS.is_sorted_by(|(a, _, _), (b, _, _)| a < b));
    }
}
