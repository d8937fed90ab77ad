//! Objects: structs for declared members, maps where the names are open.
//!
//! What several schemas say of one object is merged member by member: a member that one of them declares must also be
//! what the others say of members that they do not name.

use event_api_spec::Value as NodeValue;
use event_api_spec::schema::{Keywords, SchemaId, SchemaKind, Schemas};
use indexmap::IndexMap;
use serde_json::Value;

use super::conjunction::{Conjunction, Watch};
use super::names::{Scope, field_name, type_name};
use super::types::{Lowering, Naming};
use crate::ir::{Additional, Check, Constant, DefinitionId, Docs, Field, Kind, Presence, Rule, Struct, Type};

/// What all schemas of a conjunction say of an object.
pub(super) struct Object<'k> {
    /// The members that are declared or required, in the order of the text.
    pub(super) members: IndexMap<&'k str, Member>,
    /// What they say of all others.
    pub(super) others: Others<'k>,
    /// Whether any schema declares or requires members.
    pub(super) declares: bool,
}

/// One member.
#[derive(Default)]
pub(super) struct Member {
    /// What applies to its value.
    all: Conjunction,
    /// The schemas under its name.
    schemas: Vec<SchemaId>,
    pub(super) required: bool,
}

/// The members that nobody declares.
pub(super) enum Others<'k> {
    /// Nothing is said of them.
    Open,
    /// There are none.
    Closed,
    /// Their values are alike; the names must match one of the patterns, if there are any.
    Alike { patterns: Vec<&'k str>, all: Conjunction, schema: SchemaId },
    /// What they are depends on their names.
    ByName,
}

impl<'a> Lowering<'a> {
    /// Merges what the schemas of a conjunction say of objects.
    pub(super) fn object_view(&mut self, conjunction: &Conjunction) -> Object<'a> {
        let schemas = self.schemas;
        let leaves: Vec<&'a Keywords> = conjunction.keywords(schemas).collect();
        let mut members: IndexMap<&'a str, Member> = IndexMap::new();
        for k in &leaves {
            for (name, id) in &k.properties {
                let member = members.entry(name).or_default();
                if !member.schemas.contains(id) {
                    member.schemas.push(*id);
                }
            }
        }
        for name in leaves.iter().flat_map(|k| &k.required) {
            members.entry(name).or_default().required = true;
        }
        for (name, member) in &mut members {
            member.all = Conjunction::of_all(schemas, &member.schemas);
            for k in &leaves {
                let mut evaluated = k.properties.contains_key(*name);
                for (pattern, id) in &k.pattern_properties {
                    if self.checker.matches(pattern, name) {
                        evaluated = true;
                        member.add(schemas, *id);
                    }
                }
                if let (false, Some(id)) = (evaluated, k.additional_properties) {
                    member.add(schemas, id);
                }
                if k.property_names.is_some_and(|names| !self.accepts_name(names, name)) {
                    member.all.impossible = true;
                }
            }
        }
        if let Some(id) = self.unevaluated_members(conjunction, &leaves) {
            for member in members.values_mut().filter(|member| member.schemas.is_empty()) {
                member.add(schemas, id);
            }
        }
        if conjunction.watch == Watch::Everything {
            for member in members.values_mut().filter(|member| self.may_lose(&member.all)) {
                member.all.watch = Watch::Everything;
            }
        }
        let declares = !members.is_empty();
        let mut others = self.others(conjunction, &leaves);
        if let Others::Alike { all, .. } = &mut others
            && conjunction.watch == Watch::Everything
            && self.may_lose(all)
        {
            all.watch = Watch::Everything;
        }
        Object { members, others, declares }
    }

    fn others(&self, conjunction: &Conjunction, leaves: &[&'a Keywords]) -> Others<'a> {
        let schemas = self.schemas;
        let mut all = Conjunction::default();
        let mut first = None;
        let mut patterned = Vec::new();
        for k in leaves {
            if k.pattern_properties.is_empty() {
                if let Some(id) = k.additional_properties {
                    all.add(schemas, id);
                    first.get_or_insert(id);
                }
            } else {
                patterned.push(*k);
            }
        }
        if let Some(id) = self.unevaluated_members(conjunction, leaves) {
            all.add(schemas, id);
            first.get_or_insert(id);
        }
        if all.impossible {
            return Others::Closed;
        }
        match (patterned.as_slice(), first) {
            ([], None) => Others::Open,
            ([], Some(_)) if all.is_anything() => Others::Open,
            ([], Some(schema)) => Others::Alike { patterns: Vec::new(), all, schema },
            ([k], _) if k.additional_properties.is_some_and(|id| is_false(schemas, id)) => {
                let schema = k.pattern_properties[0];
                if k.pattern_properties.values().any(|other| *other != schema) && k.pattern_properties.len() > 1 {
                    return Others::ByName;
                }
                all.add(schemas, schema);
                if all.impossible {
                    return Others::Closed;
                }
                let patterns = k.pattern_properties.keys().map(String::as_str).collect();
                Others::Alike { patterns, all, schema }
            }
            _ => Others::ByName,
        }
    }

    /// `unevaluatedProperties` where it means the members that no part of the schema declares: where no alternative or
    /// condition decides what is evaluated. Elsewhere it is a rule's matter.
    fn unevaluated_members(&self, conjunction: &Conjunction, leaves: &[&Keywords]) -> Option<SchemaId> {
        let root = super::types::keywords(&self.schemas[conjunction.root?])?;
        let schema = root.unevaluated_properties?;
        (self.evaluates_plainly(conjunction) && leaves.iter().all(|k| k.additional_properties.is_none()))
            .then_some(schema)
    }

    /// Whether what the schemas evaluate does not depend on the value.
    pub(super) fn evaluates_plainly(&self, conjunction: &Conjunction) -> bool {
        let root = conjunction.root.and_then(|root| super::types::keywords(&self.schemas[root]));
        conjunction.unions.is_empty()
            && conjunction.keywords(self.schemas).all(|k| {
                k.if_schema.is_none()
                    && (k.unevaluated_properties.is_none() || root.is_some_and(|root| std::ptr::eq(k, root)))
                    && k.unevaluated_items.is_none()
                    && k.dependent_schemas.is_empty()
                    && k.pattern_properties.is_empty()
                    && k.contains.is_none()
                    && k.any_of.is_empty()
                    && k.one_of.is_empty()
            })
    }

    fn accepts_name(&mut self, names: SchemaId, name: &str) -> bool {
        let node = self.value_beside(names, NodeValue::String(name.to_owned()));
        self.checker.is_valid(names, &node)
    }

    pub(super) fn lower_object(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        let object = self.object_view(conjunction);
        if object.declares {
            self.lower_struct(&object, conjunction, naming)
        } else {
            self.lower_map(&object, conjunction, naming)
        }
    }

    /// An object without declared members: a map.
    fn lower_map(&mut self, object: &Object<'_>, conjunction: &Conjunction, naming: &Naming) -> Type {
        let mut checks = Vec::new();
        for k in conjunction.keywords(self.schemas) {
            checks.extend(k.min_properties.filter(|count| *count > 0).map(Check::MinProperties));
            checks.extend(k.max_properties.map(Check::MaxProperties));
        }
        let value = match &object.others {
            Others::Open | Others::ByName => Type::Any,
            Others::Closed if checks.iter().any(|check| matches!(check, Check::MinProperties(_))) => {
                return Type::Never;
            }
            Others::Closed => {
                // No member at all is allowed: an empty object.
                let object = Struct { fields: Vec::new(), constants: Vec::new(), additional: Additional::Refuse };
                let id = self.begin_definition(conjunction, naming);
                self.types[id].kind = Kind::Struct(object);
                return Type::Named(id);
            }
            Others::Alike { patterns, all, schema } => {
                if !patterns.is_empty() {
                    checks.push(Check::Keys(patterns.iter().map(|pattern| (*pattern).to_owned()).collect()));
                }
                self.lower_member(all.clone(), *schema, format!("{}Value", naming.base(&naming.position)))
            }
        };
        self.checked(Type::Map(Box::new(value)), checks, naming)
    }

    fn lower_struct(&mut self, object: &Object<'_>, conjunction: &Conjunction, naming: &Naming) -> Type {
        let id = self.begin_definition(conjunction, naming);
        let mut scope = Scope::default();
        let mut fields = Vec::new();
        let mut constants = Vec::new();
        let base = naming.base(&self.types[id].name);
        for (wire_name, member) in &object.members {
            if member.schemas.is_empty() && member.all.is_anything() {
                // Required, but declared nowhere: it must be there, whatever it is.
                let docs = Docs { notes: vec!["Required, but not described.".to_owned()], ..Docs::default() };
                let (name, wire_name) = (scope.claim([field_name(wire_name)]), (*wire_name).to_owned());
                fields.push(Field { name, wire_name, ty: Type::Any, presence: Presence::Required, docs });
                continue;
            }
            if member.required
                && let [single] = member.schemas.as_slice()
                && member.all == Conjunction::of(self.schemas, *single)
                && let Some(value) = self.constant(*single)
            {
                constants.push(Constant { wire_name: (*wire_name).to_owned(), value });
                continue;
            }
            fields.push(self.lower_field(&base, wire_name, member, conjunction.watch, &mut scope));
        }
        let settings = self.settings;
        let (name, pointer) = (self.types[id].name.clone(), self.pointer(naming.schema));
        let keeps = self.is_listed(&settings.keep_unknown, "keep_unknown", &name, &pointer);
        let watch = if keeps { conjunction.watch.max(Watch::Members) } else { conjunction.watch };
        let additional = self.lower_others(&object.others, watch, &base, &mut scope);
        self.types[id].kind = Kind::Struct(Struct { fields, constants, additional });
        Type::Named(id)
    }

    fn lower_field(&mut self, base: &str, wire_name: &str, member: &Member, watch: Watch, scope: &mut Scope) -> Field {
        let first = member.schemas.first().copied();
        let alone = first.filter(|_| member.schemas.len() == 1);
        let shared = alone
            .filter(|first| member.all == Conjunction::of(self.schemas, *first))
            .and_then(|first| self.shared(first));
        let ty = match shared {
            Some((name, representative)) => {
                let name = type_name(name);
                let position = if self.scope.is_free(&name) { name } else { format!("{base}{name}") };
                self.lower(representative, position)
            }
            None => {
                let position = format!("{base}{}", type_name(wire_name));
                let schema = first
                    .or_else(|| member.all.leaves.first().copied())
                    .or_else(|| member.all.unions.first().map(|union| union.schema));
                match schema {
                    Some(schema) => self.lower_member(member.all.clone(), schema, position),
                    // Of an undeclared member, other schemas say at most that there is none.
                    None if member.all.impossible => Type::Never,
                    None => Type::Any,
                }
            }
        };
        let mut docs = first.map_or_else(Docs::default, |first| self.docs_of_use(first, &ty));
        let name = scope.claim([field_name(wire_name)]);
        let presence = match first {
            _ if member.required => Presence::Required,
            _ if watch != Watch::None && matches!(ty, Type::Nullable(_)) => Presence::OptionalOrNull,
            Some(first) if watch == Watch::None && !self.settings.exact => self.presence(first, &ty, &mut docs),
            _ => Presence::Optional,
        };
        Field { name, wire_name: wire_name.to_owned(), ty, presence, docs }
    }

    /// The type of a member, of which several schemas may speak.
    fn lower_member(&mut self, all: Conjunction, first: SchemaId, position: String) -> Type {
        if Conjunction::of(self.schemas, first) == all {
            return self.lower(first, position);
        }
        let schema = self.schemas.follow(first);
        self.lower_conjunction(all, &Naming::new(position, schema))
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

    fn lower_others(&mut self, others: &Others<'_>, watch: Watch, base: &str, scope: &mut Scope) -> Additional {
        let ty = match others {
            Others::Open if watch < Watch::Members => return Additional::Ignore,
            Others::Closed => return Additional::Refuse,
            Others::Open | Others::ByName => Type::Any,
            Others::Alike { all, schema, .. } => {
                self.lower_member(all.clone(), *schema, format!("{base}AdditionalProperty"))
            }
        };
        Additional::Keep { field: scope.claim(["additional_properties".to_owned()]), ty }
    }

    /// What `patternProperties` and `additionalProperties` say that a struct's or map's fields cannot.
    pub(super) fn others_rules(&mut self, object: &Object<'_>, conjunction: &Conjunction) -> Vec<Rule> {
        match &object.others {
            Others::ByName => {
                let schemas = self.schemas;
                let leaves = conjunction.keywords(schemas);
                let leaves = leaves.filter(|k| !k.pattern_properties.is_empty() || k.additional_properties.is_some());
                leaves.map(|k| self.other_members_rule(k)).collect()
            }
            Others::Alike { patterns, .. } if object.declares && !patterns.is_empty() => {
                let properties = object.members.keys().map(|name| ((*name).to_owned(), Rule::Anything)).collect();
                let patterns = patterns.iter().map(|pattern| ((*pattern).to_owned(), Rule::Anything)).collect();
                vec![Rule::Members { properties, patterns, additional: Some(Box::new(Rule::Nothing)) }]
            }
            _ => Vec::new(),
        }
    }
}

impl Member {
    fn add(&mut self, schemas: &Schemas, id: SchemaId) {
        if is_false(schemas, id) {
            self.all.impossible = true;
        } else {
            self.all.add(schemas, id);
        }
    }
}

fn is_false(schemas: &Schemas, id: SchemaId) -> bool {
    matches!(schemas[id].kind, SchemaKind::Bool(false))
}

/// The struct behind a type, if there is one. A newtype around it derefs to it.
pub(super) fn as_struct(types: &crate::ir::Types, id: DefinitionId) -> Option<&Struct> {
    match &types[id].kind {
        Kind::Struct(object) => Some(object),
        Kind::Newtype(newtype) => match newtype.inner {
            Type::Named(inner) => as_struct(types, inner),
            _ => None,
        },
        _ => None,
    }
}
