//! Objects: structs for declared members, maps where the names are open.

use event_api_spec::schema::{Keywords, SchemaId, SchemaKind};
use indexmap::IndexMap;
use serde_json::Value;

use super::conjunction::Conjunction;
use super::names::{Scope, field_name, type_name};
use super::types::{Lowering, Naming};
use crate::ir::{Additional, Check, Constant, DefinitionId, Docs, Field, Kind, Presence, Struct, Type};

impl Lowering<'_> {
    pub(super) fn lower_object(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        let declares = conjunction.keywords(self.schemas).any(|k| !k.properties.is_empty() || !k.required.is_empty());
        if declares { self.lower_struct(conjunction, naming) } else { self.lower_map(conjunction, naming) }
    }

    /// An object without declared members: a map, with checked keys where patterns name them.
    fn lower_map(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        let schemas = self.schemas;
        let position = format!("{}Value", naming.position);
        let mut checks = Vec::new();
        let mut values = Conjunction::default();
        let mut value_schema = None;
        for k in conjunction.keywords(schemas) {
            checks.extend(k.min_properties.filter(|count| *count > 0).map(Check::MinProperties));
            checks.extend(k.max_properties.map(Check::MaxProperties));
            let closed = k.additional_properties.is_some_and(|id| matches!(schemas[id].kind, SchemaKind::Bool(false)));
            if k.pattern_properties.is_empty() {
                if let Some(id) = k.additional_properties {
                    values.add(schemas, id);
                    value_schema.get_or_insert(id);
                }
            } else if closed {
                checks.push(Check::Keys(k.pattern_properties.keys().cloned().collect()));
                match k.pattern_properties.values().copied().collect::<Vec<_>>().as_slice() {
                    [single] => {
                        values.add(schemas, *single);
                        value_schema.get_or_insert(*single);
                    }
                    _ => return self.fall_back(naming.schema, "the values of its members depend on several patterns"),
                }
            } else {
                return self.fall_back(naming.schema, "some of its members are described by patterns, others are open");
            }
        }
        let value = match value_schema {
            None => Type::Any,
            // No member at all is allowed: an empty object.
            Some(_) if values.impossible => {
                let object = Struct { fields: Vec::new(), constants: Vec::new(), additional: Additional::Refuse };
                return Type::Named(self.add_definition(naming, Kind::Struct(object)));
            }
            Some(id) => self.lower_member(values, id, position),
        };
        self.checked(Type::Map(Box::new(value)), checks, naming)
    }

    fn lower_struct(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        let schemas = self.schemas;
        let id = self.begin_definition(conjunction, naming);
        let members = Members::of(conjunction.keywords(schemas), conjunction.leaves.iter().copied());
        let mut scope = Scope::default();
        let mut fields = Vec::new();
        let mut constants = Vec::new();
        let base = self.types[id].name.clone();
        for (wire_name, member) in &members.by_name {
            if member.schemas.is_empty() {
                // Required, but declared nowhere: it must be there, whatever it is.
                let docs = Docs { notes: vec!["Required, but not described.".to_owned()], ..Docs::default() };
                let name = scope.claim([field_name(wire_name)]);
                let wire_name = wire_name.clone();
                fields.push(Field { name, wire_name, ty: Type::Any, presence: Presence::Required, docs });
                continue;
            }
            if member.required
                && let [single] = member.schemas.as_slice()
                && let Some(value) = self.constant(*single)
            {
                constants.push(Constant { wire_name: wire_name.clone(), value });
                continue;
            }
            fields.push(self.lower_field(&base, wire_name, member, &mut scope));
        }
        let additional = self.lower_additional(&members, &base, &mut scope);
        self.types[id].kind = Kind::Struct(Struct { fields, constants, additional });
        Type::Named(id)
    }

    fn lower_field(&mut self, base: &str, wire_name: &str, member: &Member, scope: &mut Scope) -> Field {
        let schemas = self.schemas;
        let first = member.schemas[0];
        let shared = if member.schemas.len() == 1 { self.shared(first) } else { None };
        let ty = match shared {
            Some((name, representative)) => {
                let name = type_name(name);
                let position = if self.scope.is_free(&name) { name } else { format!("{base}{name}") };
                self.lower(representative, position)
            }
            None => {
                let position = format!("{base}{}", type_name(wire_name));
                let mut all = Conjunction::default();
                member.schemas.iter().for_each(|id| all.add(schemas, *id));
                self.lower_member(all, first, position)
            }
        };
        let mut docs = self.docs_of_use(first, &ty);
        let name = scope.claim([field_name(wire_name)]);
        let presence = if member.required { Presence::Required } else { self.presence(first, &ty, &mut docs) };
        Field { name, wire_name: wire_name.to_owned(), ty, presence, docs }
    }

    /// The type of a member, of which several schemas may speak.
    fn lower_member(&mut self, all: Conjunction, first: SchemaId, position: String) -> Type {
        let target = self.schemas.follow(first);
        if Conjunction::of(self.schemas, first) == all {
            return self.lower(first, position);
        }
        self.lower_conjunction(all, &Naming { position, schema: target })
    }

    /// An optional member with a default that its type can hold has that value when it is absent.
    fn presence(&self, schema: SchemaId, ty: &Type, docs: &mut Docs) -> Presence {
        let target = self.schemas.follow(schema);
        let default = [schema, target].into_iter().find_map(|id| match &self.schemas[id].kind {
            SchemaKind::Object(keywords) => keywords.default.as_ref(),
            SchemaKind::Bool(_) => None,
        });
        let Some(default) = default.map(event_api_spec::Node::to_json) else { return Presence::Optional };
        if self.can_default(ty, &default) {
            docs.notes.push(format!("Defaults to `{default}`."));
            Presence::Default(default)
        } else {
            if !default.is_null() && !default.is_array() && !default.is_object() {
                docs.notes.push(format!("Absent means `{default}`."));
            }
            Presence::Optional
        }
    }

    /// Whether the value is a literal of the type.
    fn can_default(&self, ty: &Type, value: &Value) -> bool {
        match ty {
            Type::String => value.is_string(),
            Type::Bool => value.is_boolean(),
            Type::Number => value.is_number(),
            Type::Integer(integer) => {
                let (low, high) = integer.range();
                let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
                number.is_some_and(|number| low <= number && number <= high)
            }
            Type::Named(id) => match &self.types[*id].kind {
                Kind::ValueEnum(values) => values.variants.iter().any(|variant| variant.value == *value),
                _ => false,
            },
            _ => false,
        }
    }

    fn lower_additional(&mut self, members: &Members<'_>, base: &str, scope: &mut Scope) -> Additional {
        let schemas = self.schemas;
        let mut kept = Conjunction::default();
        let mut first = None;
        for keywords in &members.leaves {
            // Patterns beside declared members are not typed yet: what they may match is read over.
            if !keywords.pattern_properties.is_empty() {
                if let Some(id) = members.first_leaf {
                    let help = "members that match a pattern are read over";
                    let message = "the generated type does not enforce `patternProperties` beside `properties`";
                    self.report(id, crate::rules::UNCHECKED_KEYWORD, message, help);
                }
                return Additional::Ignore;
            }
            if let Some(id) = keywords.additional_properties
                && !matches!(schemas[id].kind, SchemaKind::Bool(true))
            {
                kept.add(schemas, id);
                first.get_or_insert(id);
            }
        }
        match first {
            None => Additional::Ignore,
            // `additionalProperties: false` under `allOf` sees only its own `properties`; refusing what no leaf
            // declares is what all of them agree on.
            Some(_) if kept.impossible => Additional::Refuse,
            Some(_) if kept.is_anything() => Additional::Ignore,
            Some(id) => {
                let ty = self.lower_member(kept, id, format!("{base}AdditionalProperty"));
                Additional::Keep { field: scope.claim(["additional_properties".to_owned()]), ty }
            }
        }
    }
}

/// What all schemas of a conjunction say about an object's members.
struct Members<'k> {
    by_name: IndexMap<String, Member>,
    leaves: Vec<&'k Keywords>,
    first_leaf: Option<SchemaId>,
}

/// One member.
#[derive(Default)]
struct Member {
    schemas: Vec<SchemaId>,
    required: bool,
}

impl<'k> Members<'k> {
    fn of(keywords: impl Iterator<Item = &'k Keywords> + Clone, mut ids: impl Iterator<Item = SchemaId>) -> Self {
        let mut by_name: IndexMap<String, Member> = IndexMap::new();
        for k in keywords.clone() {
            for (name, id) in &k.properties {
                let member = by_name.entry(name.clone()).or_default();
                if !member.schemas.contains(id) {
                    member.schemas.push(*id);
                }
            }
        }
        for name in keywords.clone().flat_map(|k| &k.required) {
            by_name.entry(name.clone()).or_default().required = true;
        }
        Members { by_name, leaves: keywords.collect(), first_leaf: ids.next() }
    }
}

/// The struct behind a type, if it is one.
pub(super) fn as_struct(types: &crate::ir::Types, id: DefinitionId) -> Option<&Struct> {
    match &types[id].kind {
        Kind::Struct(object) => Some(object),
        _ => None,
    }
}
