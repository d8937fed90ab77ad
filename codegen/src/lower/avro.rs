//! Avro schemas to types: records become structs, enums enums, unions enums of their branches or an `Option`.
//!
//! The types are the intermediate representation's own; how they differ from JSON Schema's on the wire stands beside
//! them (`ir/avro.rs`). A named type is lowered once however many payloads define it.

use std::collections::HashMap;

use event_api_spec::Location;
use event_api_spec::avro::{Field, Kind, Logical, Named, NamedId, NamedKind, Primitive, Schemas, Type as Avro, Unit};

use super::names::{Scope, field_name, type_name};
use super::types::{Lowering, source_of};
use crate::ir;
use crate::ir::{
    Additional, AvroDefinition, AvroType, Definition, DefinitionId, Docs, IntegerType, KnownType, Newtype, Presence,
    Struct, Tagging, Type, Union, ValueEnum, ValueVariant, Variant,
};

/// A larger fixed is no array on the stack.
const MAX_ARRAY: u64 = 1024;

/// More digits do not fit into 128 bits.
const MAX_PRECISION: u32 = 38;

/// The types that were made of Avro schemas.
pub(super) struct AvroLowering<'d> {
    schemas: &'d Schemas,
    named: HashMap<NamedId, Type>,
    /// Unions by the name of the field that they stand in, and by their branches.
    unions: HashMap<(String, Vec<Type>), DefinitionId>,
}

/// Where a type without a name stands, which it is named after.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// The record's name.
    base: &'p str,
    /// The field's.
    word: &'p str,
}

impl<'d> AvroLowering<'d> {
    pub(super) fn new(schemas: &'d Schemas) -> Self {
        AvroLowering { schemas, named: HashMap::new(), unions: HashMap::new() }
    }

    /// The type of a whole payload; a named one of the module, which knows its schema.
    pub(super) fn payload(&mut self, schema: &Avro, position: &str, types: &mut Lowering<'_>) -> Type {
        let ty = self.lower(schema, Place { base: "", word: position }, types);
        let id = match ty {
            Type::Named(id) => id,
            Type::Avro(AvroType::Custom { .. }) => return ty,
            inner => {
                let kind = ir::Kind::Newtype(Newtype { inner, checks: Vec::new() });
                self.define(&[position], None, &schema.location, kind, AvroDefinition::default(), types)
            }
        };
        if let Some(definition) = types.types.avro.get_mut(&id) {
            definition.schema.get_or_insert_with(|| self.schemas.text(schema));
        }
        Type::Named(id)
    }

    fn lower(&mut self, schema: &Avro, place: Place<'_>, types: &mut Lowering<'_>) -> Type {
        match &schema.kind {
            Kind::Primitive(primitive, logical) => primitive_type(*primitive, *logical),
            Kind::Array(items) => Type::List(Box::new(self.lower_part(items, place, "Item", types))),
            Kind::Map(values) => Type::Map(Box::new(self.lower_part(values, place, "Value", types))),
            Kind::Union(branches) => self.union(schema, branches, place, types),
            Kind::Named(id) => match self.named.get(id) {
                Some(ty) => ty.clone(),
                None => self.define_named(*id, types),
            },
        }
    }

    fn lower_part(&mut self, part: &Avro, place: Place<'_>, suffix: &str, types: &mut Lowering<'_>) -> Type {
        let word = format!("{}{suffix}", place.word);
        self.lower(part, Place { base: place.base, word: &word }, types)
    }

    fn union(&mut self, schema: &Avro, branches: &[Avro], place: Place<'_>, types: &mut Lowering<'_>) -> Type {
        let nullable = branches.iter().any(Avro::is_null);
        let others: Vec<&Avro> = branches.iter().filter(|branch| !branch.is_null()).collect();
        let ty = match others.as_slice() {
            [] => return Type::Null,
            [only] if nullable => return self.lower(only, place, types).nullable(),
            several => {
                let parts: Vec<Type> = several
                    .iter()
                    .map(|branch| self.lower_part(branch, place, &branch_word(branch, self.schemas), types))
                    .collect();
                let key = (place.word.to_owned(), parts);
                match self.unions.get(&key) {
                    Some(id) => Type::Named(*id),
                    None => {
                        let id = self.define_union(schema, several, &key.1, place, types);
                        self.unions.insert(key, id);
                        Type::Named(id)
                    }
                }
            }
        };
        if nullable { ty.nullable() } else { ty }
    }

    fn define_union(
        &self,
        schema: &Avro,
        branches: &[&Avro],
        parts: &[Type],
        place: Place<'_>,
        types: &mut Lowering<'_>,
    ) -> DefinitionId {
        let mut scope = Scope::default();
        let variants = branches.iter().zip(parts).map(|(branch, ty)| {
            let doc = match &branch.kind {
                Kind::Named(id) => self.schemas[*id].doc.clone(),
                _ => None,
            };
            let summary = doc.as_deref().and_then(|doc| doc.trim().lines().next()).map(str::to_owned);
            Variant {
                name: scope.claim([branch_word(branch, self.schemas)]),
                ty: ty.clone(),
                docs: Docs { summary, ..Docs::default() },
            }
        });
        let names = branches.iter().map(|branch| self.schemas.branch_name(branch).to_owned()).collect();
        let kind = ir::Kind::Union(Union { variants: variants.collect(), tagging: Tagging::Branch(names) });
        let long = format!("{}{}", place.base, place.word);
        self.define(&[&long], None, &schema.location, kind, AvroDefinition::default(), types)
    }

    fn define_named(&mut self, id: NamedId, types: &mut Lowering<'_>) -> Type {
        let schemas = self.schemas;
        let named = &schemas[id];
        if let Some(path) = replacement(named, types) {
            let ty = Type::Avro(AvroType::Custom { path, branch: named.name.clone() });
            self.named.insert(id, ty.clone());
            return ty;
        }
        let branch = named.name.clone();
        let ty = match &named.kind {
            NamedKind::Record(fields) => {
                // Known before what is in it: records contain themselves.
                let definition = self.define_as(
                    named,
                    ir::Kind::Pending,
                    AvroDefinition { branch, ..AvroDefinition::default() },
                    types,
                );
                self.named.insert(id, Type::Named(definition));
                self.record(definition, fields, types);
                return Type::Named(definition);
            }
            NamedKind::Enum { symbols, default } => {
                let mut scope = Scope::default();
                let variants: Vec<ValueVariant> = symbols
                    .iter()
                    .map(|symbol| ValueVariant { name: scope.claim([type_name(symbol)]), value: symbol.clone().into() })
                    .collect();
                let default = variants.iter().find(|variant| variant.value.as_str() == default.as_deref());
                let default = default.map(|variant| variant.name.clone());
                let avro = AvroDefinition { branch, default, ..AvroDefinition::default() };
                Type::Named(self.define_as(
                    named,
                    ir::Kind::ValueEnum(ValueEnum { variants, other: None }),
                    avro,
                    types,
                ))
            }
            NamedKind::Fixed { size, logical } => match logical {
                Some(Logical::Uuid) => Type::Avro(AvroType::UuidFixed { branch }),
                Some(Logical::Duration) => Type::Avro(AvroType::Duration { branch }),
                Some(Logical::Decimal { precision, scale }) if *precision <= MAX_PRECISION => {
                    let fixed = Some((branch, *size));
                    Type::Avro(AvroType::Decimal { precision: *precision, scale: *scale, fixed })
                }
                _ => {
                    let bytes = if *size > MAX_ARRAY { AvroType::SizedBytes(*size) } else { AvroType::Array(*size) };
                    let kind = ir::Kind::Newtype(Newtype { inner: Type::Avro(bytes), checks: Vec::new() });
                    Type::Named(self.define_as(
                        named,
                        kind,
                        AvroDefinition { branch, ..AvroDefinition::default() },
                        types,
                    ))
                }
            },
        };
        self.named.insert(id, ty.clone());
        ty
    }

    fn record(&mut self, id: DefinitionId, fields: &[Field], types: &mut Lowering<'_>) {
        let base = types.types[id].name.clone();
        let mut scope = Scope::default();
        let mut lowered = Vec::new();
        let mut aliases = Vec::new();
        for field in fields {
            let word = type_name(&field.name);
            let ty = self.lower(&field.ty, Place { base: &base, word: &word }, types);
            let mut docs = Docs { description: field.doc.clone(), ..Docs::default() };
            let presence = match &field.default {
                Some(default) => {
                    docs.notes.push(format!("Default: `{}`.", default.written.to_string().replace('`', "'")));
                    Presence::Default(default.encoded.clone())
                }
                None => Presence::Required,
            };
            let name = scope.claim([field_name(&field.name)]);
            lowered.push(ir::Field { name, wire_name: field.name.clone(), ty, presence, docs });
            aliases.push(field.aliases.clone());
        }
        let object = Struct { fields: lowered, constants: Vec::new(), additional: Additional::Ignore };
        types.types[id].kind = ir::Kind::Struct(object);
        if let Some(definition) = types.types.avro.get_mut(&id) {
            definition.aliases = aliases;
        }
    }

    /// A definition that is called after its type; where that name is taken, with its namespace's last part in front.
    fn define_as(&self, named: &Named, kind: ir::Kind, avro: AvroDefinition, types: &mut Lowering<'_>) -> DefinitionId {
        let mut parts = named.name.rsplit('.');
        let short = parts.next().unwrap_or_default();
        let long = parts.next().map_or_else(|| short.to_owned(), |namespace| format!("{namespace}_{short}"));
        self.define(&[short, &long], Some(named), &named.location, kind, avro, types)
    }

    fn define(
        &self,
        words: &[&str],
        named: Option<&Named>,
        location: &Location,
        kind: ir::Kind,
        avro: AvroDefinition,
        types: &mut Lowering<'_>,
    ) -> DefinitionId {
        let pointer = format!("#{}", location.pointer);
        let full = named.map(|named| named.name.as_str());
        let name = match full.and_then(|full| Some((full, types.rename_by(full)?))) {
            Some((full, new)) => types.give(&new, full, &[""]),
            None => types.claim(words.iter().map(|word| type_name(word)), &pointer),
        };
        let additions = types.additions(&["*", &name, &pointer]);
        let mut docs = Docs { source: Some(source_of(types.sources, location)), ..Docs::default() };
        docs.description = named.and_then(|named| named.doc.clone());
        if let Some(full) = full.filter(|full| *full != name) {
            docs.notes.push(format!("Avro type: `{full}`."));
        }
        let id = types.types.add(Definition { name, docs, kind, additions });
        types.types.avro.insert(id, avro);
        id
    }
}

/// The first of the keys that the option has.
fn option(options: &std::collections::BTreeMap<String, String>, keys: &[Option<&str>]) -> Option<(String, String)> {
    keys.iter().flatten().find_map(|key| options.get_key_value(*key)).map(|(key, value)| (key.clone(), value.clone()))
}

fn replacement(named: &Named, types: &mut Lowering<'_>) -> Option<String> {
    let pointer = format!("#{}", named.location.pointer);
    let short = type_name(named.short_name());
    let (key, path) = option(&types.settings.replace, &[Some(&pointer), Some(&named.name), Some(&short)])?;
    types.used_options.insert(format!("replace {key}"));
    Some(path)
}

fn primitive_type(primitive: Primitive, logical: Option<Logical>) -> Type {
    match (primitive, logical) {
        (_, Some(Logical::Date)) => Type::Avro(AvroType::Date),
        (_, Some(Logical::Time(unit))) => Type::Avro(AvroType::Time(per_second(unit))),
        (_, Some(Logical::Timestamp(unit))) => Type::Avro(AvroType::Timestamp(per_second(unit))),
        (_, Some(Logical::LocalTimestamp(unit))) => Type::Avro(AvroType::LocalTimestamp(per_second(unit))),
        (_, Some(Logical::Decimal { precision, scale })) if precision <= MAX_PRECISION => {
            Type::Avro(AvroType::Decimal { precision, scale, fixed: None })
        }
        (_, Some(Logical::Uuid)) => Type::Known(KnownType::Uuid),
        (Primitive::Null, _) => Type::Null,
        (Primitive::Boolean, _) => Type::Bool,
        (Primitive::Int, _) => Type::Integer(IntegerType::I32),
        (Primitive::Long, _) => Type::Integer(IntegerType::I64),
        (Primitive::Float, _) => Type::Avro(AvroType::Float),
        (Primitive::Double, _) => Type::Number,
        (Primitive::Bytes, _) => Type::Avro(AvroType::Bytes),
        (Primitive::String, _) => Type::String,
    }
}

fn per_second(unit: Unit) -> u32 {
    match unit {
        Unit::Millis => 1_000,
        Unit::Micros => 1_000_000,
        Unit::Nanos => 1_000_000_000,
    }
}

/// What to call a branch of a union.
fn branch_word(branch: &Avro, schemas: &Schemas) -> String {
    match &branch.kind {
        Kind::Named(id) => type_name(schemas[*id].short_name()),
        Kind::Primitive(_, Some(logical)) => match logical {
            Logical::Time(_) => "Time".to_owned(),
            Logical::Timestamp(_) => "Timestamp".to_owned(),
            Logical::LocalTimestamp(_) => "LocalTimestamp".to_owned(),
            other => type_name(&other.name()),
        },
        _ => type_name(schemas.branch_name(branch)),
    }
}
