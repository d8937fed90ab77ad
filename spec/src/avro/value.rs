//! Defaults: whether a value is one of a type, and how Avro's JSON encoding writes it.
//!
//! A default is written as the encoding writes values, except that a value of a union stands there without the name of
//! its branch ("Complex Types", table of defaults).

use serde_json::{Map, Value as Json};

use super::{FieldDefault, Kind, Named, NamedKind, Primitive, Schemas, Type};
use crate::source::{Node, Value};

/// Branches are tried one after the other, and records in them have unions again: no real default takes more steps.
const MAX_STEPS: usize = 100_000;

/// `written` as a default of `ty`; `None` when it is no value of it.
pub(super) fn default_of(schemas: &Schemas, ty: &Type, written: &Node) -> Option<FieldDefault> {
    let mut encoder = Encoder { schemas, steps: 0 };
    let encoded = encoder.encode(ty, written)?;
    let of_first_branch = match &ty.kind {
        Kind::Union(branches) => branches.first().is_some_and(|first| encoder.encode(first, written).is_some()),
        _ => true,
    };
    Some(FieldDefault { written: written.to_json(), encoded, of_first_branch })
}

struct Encoder<'s> {
    schemas: &'s Schemas,
    steps: usize,
}

impl Encoder<'_> {
    fn encode(&mut self, ty: &Type, node: &Node) -> Option<Json> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        match &ty.kind {
            Kind::Primitive(primitive, _) => encode_primitive(*primitive, node),
            Kind::Array(items) => node.as_array()?.iter().map(|item| self.encode(items, item)).collect(),
            Kind::Map(values) => {
                let members = node.as_object()?.iter();
                members.map(|(key, value)| Some((key.name.clone(), self.encode(values, value)?))).collect()
            }
            Kind::Union(branches) => branches.iter().find_map(|branch| {
                let value = self.encode(branch, node)?;
                if branch.is_null() {
                    return Some(value);
                }
                let name = self.schemas.branch_name(branch).to_owned();
                Some(Json::Object(Map::from_iter([(name, value)])))
            }),
            Kind::Named(id) => self.encode_named(&self.schemas[*id], node),
        }
    }

    fn encode_named(&mut self, named: &Named, node: &Node) -> Option<Json> {
        match &named.kind {
            NamedKind::Record(fields) => {
                let object = node.as_object()?;
                let mut members = Map::new();
                for field in fields {
                    let value = match (object.get(&field.name), &field.default) {
                        (Some(value), _) => self.encode(&field.ty, value)?,
                        (None, Some(default)) => default.encoded.clone(),
                        (None, None) => return None,
                    };
                    members.insert(field.name.clone(), value);
                }
                Some(Json::Object(members))
            }
            NamedKind::Enum { symbols, .. } => {
                let symbol = node.as_str()?;
                symbols.iter().any(|known| known == symbol).then(|| symbol.into())
            }
            NamedKind::Fixed { size, .. } => {
                let text = byte_text(node)?;
                (text.chars().count() as u64 == *size).then(|| text.into())
            }
        }
    }
}

fn encode_primitive(primitive: Primitive, node: &Node) -> Option<Json> {
    match (primitive, &node.value) {
        (Primitive::Null, Value::Null) => Some(Json::Null),
        (Primitive::Boolean, Value::Bool(value)) => Some((*value).into()),
        (Primitive::Int, Value::Number(number)) => Some(i32::try_from(number.as_i128()?).ok()?.into()),
        (Primitive::Long, Value::Number(number)) => Some(i64::try_from(number.as_i128()?).ok()?.into()),
        (Primitive::Float, Value::Number(number)) if (number.as_f64() as f32).is_finite() => Some(node.to_json()),
        (Primitive::Double, Value::Number(number)) if number.as_f64().is_finite() => Some(node.to_json()),
        (Primitive::Bytes, _) => byte_text(node).map(Json::from),
        (Primitive::String, Value::String(text)) => Some(text.as_str().into()),
        _ => None,
    }
}

/// Bytes are text of the code points 0 to 255.
fn byte_text(node: &Node) -> Option<&str> {
    node.as_str().filter(|text| text.chars().all(|c| u32::from(c) <= 0xff))
}
