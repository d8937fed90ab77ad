//! A schema as JSON text, complete in itself: what implementations of Avro parse.
//!
//! Every named type is defined where it is first used, by its full name, and referred to from then on. Documentation is
//! left out, as are attributes that mean nothing to Avro.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::{Kind, Logical, NamedId, NamedKind, Primitive, Schemas, Type};

impl Schemas {
    /// The schema as JSON text that needs no other text.
    pub fn text(&self, ty: &Type) -> String {
        Writer { schemas: self, defined: HashSet::new() }.ty(ty).to_string()
    }
}

struct Writer<'s> {
    schemas: &'s Schemas,
    defined: HashSet<NamedId>,
}

impl Writer<'_> {
    fn ty(&mut self, ty: &Type) -> Json {
        match &ty.kind {
            Kind::Primitive(primitive, logical) => self::primitive(*primitive, *logical),
            Kind::Array(items) => json!({"type": "array", "items": self.ty(items)}),
            Kind::Map(values) => json!({"type": "map", "values": self.ty(values)}),
            Kind::Union(branches) => branches.iter().map(|branch| self.ty(branch)).collect(),
            Kind::Named(id) => self.named(*id),
        }
    }

    fn named(&mut self, id: NamedId) -> Json {
        let named = &self.schemas[id];
        if !self.defined.insert(id) {
            // A name without a dot would be looked for in the namespace of the type around it.
            return named.name.as_str().into();
        }
        let mut out = Map::new();
        out.insert("name".to_owned(), named.short_name().into());
        // Always said, if only to say that there is none: what is inside takes over the namespace otherwise.
        let namespace = named.name.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        out.insert("namespace".to_owned(), namespace.into());
        if !named.aliases.is_empty() {
            out.insert("aliases".to_owned(), named.aliases.clone().into());
        }
        match &named.kind {
            NamedKind::Record(fields) => {
                out.insert("type".to_owned(), "record".into());
                let fields = fields.iter().map(|field| {
                    let mut out = Map::new();
                    out.insert("name".to_owned(), field.name.as_str().into());
                    out.insert("type".to_owned(), self.ty(&field.ty));
                    if !field.aliases.is_empty() {
                        out.insert("aliases".to_owned(), field.aliases.clone().into());
                    }
                    if let Some(default) = field.default.as_ref().filter(|default| default.of_first_branch) {
                        out.insert("default".to_owned(), default.written.clone());
                    }
                    Json::Object(out)
                });
                let fields = fields.collect();
                out.insert("fields".to_owned(), fields);
            }
            NamedKind::Enum { symbols, default } => {
                out.insert("type".to_owned(), "enum".into());
                out.insert("symbols".to_owned(), symbols.clone().into());
                if let Some(default) = default {
                    out.insert("default".to_owned(), default.as_str().into());
                }
            }
            NamedKind::Fixed { size, logical } => {
                out.insert("type".to_owned(), "fixed".into());
                out.insert("size".to_owned(), (*size).into());
                if let Some(logical) = logical {
                    add_logical(&mut out, *logical);
                }
            }
        }
        Json::Object(out)
    }
}

fn primitive(primitive: Primitive, logical: Option<Logical>) -> Json {
    let Some(logical) = logical else { return primitive.name().into() };
    let mut out = Map::new();
    out.insert("type".to_owned(), primitive.name().into());
    add_logical(&mut out, logical);
    Json::Object(out)
}

fn add_logical(out: &mut Map<String, Json>, logical: Logical) {
    out.insert("logicalType".to_owned(), logical.name().into());
    if let Logical::Decimal { precision, scale } = logical {
        out.insert("precision".to_owned(), precision.into());
        out.insert("scale".to_owned(), scale.into());
    }
}

impl Logical {
    /// What schemas call it.
    pub fn name(self) -> String {
        match self {
            Logical::Decimal { .. } => "decimal".to_owned(),
            Logical::Uuid => "uuid".to_owned(),
            Logical::Date => "date".to_owned(),
            Logical::Time(unit) => format!("time-{unit}"),
            Logical::Timestamp(unit) => format!("timestamp-{unit}"),
            Logical::LocalTimestamp(unit) => format!("local-timestamp-{unit}"),
            Logical::Duration => "duration".to_owned(),
        }
    }
}
