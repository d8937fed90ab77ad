//! Schemas as the binary encoding needs them: names resolved, logical types and defaults left out.
//!
//! The text comes from the generator, which writes every name in full where it refers to it and as a name with a
//! namespace where it defines it.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::Value;

use super::AvroError;

/// A schema of a `static`, read when it is first used.
#[derive(Debug)]
pub struct LazySchema {
    text: &'static str,
    parsed: OnceLock<Result<Schema, String>>,
}

impl LazySchema {
    /// The schema of this text.
    pub const fn new(text: &'static str) -> Self {
        LazySchema { text, parsed: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> Result<&Schema, AvroError> {
        let parsed = self.parsed.get_or_init(|| Schema::parse(self.text));
        parsed.as_ref().map_err(|problem| AvroError::Schema(problem.clone()))
    }
}

/// A schema with its named types.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) root: Shape,
    pub(crate) named: Vec<Named>,
}

/// A type where it is used.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(Box<Shape>),
    Map(Box<Shape>),
    /// Each branch with the name that JSON gives it.
    Union(Vec<(String, Shape)>),
    /// An index of `named`.
    Named(usize),
}

#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Record(Vec<(String, Shape)>),
    Enum(Vec<String>),
    Fixed(usize),
}

impl Schema {
    fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut reader = Reader { named: Vec::new(), ids: HashMap::new() };
        let root = reader.shape(&value)?;
        Ok(Schema { root, named: reader.named })
    }

    /// What a type is called: the name of its branch in a union.
    pub(crate) fn name<'s>(&'s self, shape: &'s Shape) -> &'s str {
        match shape {
            Shape::Named(id) => &self.named[*id].name,
            other => other.kind(),
        }
    }
}

impl Shape {
    fn kind(&self) -> &'static str {
        match self {
            Shape::Null => "null",
            Shape::Boolean => "boolean",
            Shape::Int => "int",
            Shape::Long => "long",
            Shape::Float => "float",
            Shape::Double => "double",
            Shape::Bytes => "bytes",
            Shape::String => "string",
            Shape::Array(_) => "array",
            Shape::Map(_) => "map",
            Shape::Union(_) => "union",
            Shape::Named(_) => "named",
        }
    }
}

struct Reader {
    named: Vec<Named>,
    ids: HashMap<String, usize>,
}

impl Reader {
    fn shape(&mut self, value: &Value) -> Result<Shape, String> {
        match value {
            Value::String(name) => self.by_name(name),
            Value::Array(branches) => {
                let branches = branches.iter().map(|branch| {
                    let shape = self.shape(branch)?;
                    let name = match &shape {
                        Shape::Named(id) => self.named[*id].name.clone(),
                        other => other.kind().to_owned(),
                    };
                    Ok((name, shape))
                });
                branches.collect::<Result<_, String>>().map(Shape::Union)
            }
            Value::Object(object) => match text(value, "type")? {
                "array" => self.inner(value, "items").map(Shape::Array),
                "map" => self.inner(value, "values").map(Shape::Map),
                kind @ ("record" | "enum" | "fixed") => self.define(value, kind),
                _ => self.shape(&object["type"]),
            },
            _ => Err(format!("{value} is no type")),
        }
    }

    fn inner(&mut self, value: &Value, name: &str) -> Result<Box<Shape>, String> {
        self.shape(value.get(name).ok_or_else(|| format!("there is no `{name}`"))?).map(Box::new)
    }

    fn by_name(&self, name: &str) -> Result<Shape, String> {
        Ok(match name {
            "null" => Shape::Null,
            "boolean" => Shape::Boolean,
            "int" => Shape::Int,
            "long" => Shape::Long,
            "float" => Shape::Float,
            "double" => Shape::Double,
            "bytes" => Shape::Bytes,
            "string" => Shape::String,
            _ => Shape::Named(*self.ids.get(name).ok_or_else(|| format!("there is no type `{name}`"))?),
        })
    }

    fn define(&mut self, value: &Value, kind: &str) -> Result<Shape, String> {
        let name = match value.get("namespace").and_then(Value::as_str) {
            Some(namespace) if !namespace.is_empty() => format!("{namespace}.{}", text(value, "name")?),
            _ => text(value, "name")?.to_owned(),
        };
        // Known before what is in it: records contain themselves.
        let id = self.named.len();
        self.ids.insert(name.clone(), id);
        self.named.push(Named { name, kind: Kind::Fixed(0) });
        let kind = match kind {
            "record" => {
                let fields = list(value, "fields")?.iter().map(|field| {
                    let ty = field.get("type").ok_or("a field has no type")?;
                    Ok((text(field, "name")?.to_owned(), self.shape(ty)?))
                });
                Kind::Record(fields.collect::<Result<_, String>>()?)
            }
            "enum" => {
                let symbols = list(value, "symbols")?.iter().map(|symbol| symbol.as_str().map(str::to_owned));
                Kind::Enum(symbols.collect::<Option<_>>().ok_or("a symbol is no string")?)
            }
            _ => {
                let size = value.get("size").and_then(Value::as_u64).ok_or("a fixed has no size")?;
                Kind::Fixed(usize::try_from(size).map_err(|error| error.to_string())?)
            }
        };
        self.named[id].kind = kind;
        Ok(Shape::Named(id))
    }
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str, String> {
    value.get(name).and_then(Value::as_str).ok_or_else(|| format!("there is no string `{name}`"))
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v Vec<Value>, String> {
    value.get(name).and_then(Value::as_array).ok_or_else(|| format!("there is no array `{name}`"))
}
