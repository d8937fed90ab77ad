//! From schemas to types: which of Rust's shapes a conjunction of schemas takes.

use std::collections::{HashMap, HashSet};

use event_api_spec::schema::{Checker, JsonType, Keywords, SchemaId, SchemaKind, Schemas};
use event_api_spec::{Diagnostic, Location, Rule, Sources};

use super::Lowered;
use super::conjunction::Conjunction;
use super::names::{Scope, type_name};
use super::rule::Rules;
use super::shape::Shapes;
use crate::ir::{Api, Check, Definition, DefinitionId, Docs, Kind, Newtype, Type, Types};
use crate::rules;
use crate::settings::Settings;

/// The work of lowering types: what is done, what is under way, which names are taken.
pub(crate) struct Lowering<'a> {
    pub(crate) schemas: &'a Schemas,
    pub(crate) sources: &'a Sources,
    pub(crate) settings: &'a Settings,
    pub(crate) types: Types,
    pub(crate) scope: Scope,
    pub(super) shapes: Shapes<'a>,
    pub(super) rules: Rules,
    pub(super) checker: Checker<'a>,
    /// Names that named schemas have reserved, whether or not they come to be used.
    pub(super) reserved: HashMap<SchemaId, String>,
    done: HashMap<Conjunction, Type>,
    /// Conjunctions under way, and the definition that stands for each once one is needed.
    under_way: HashMap<Conjunction, Option<DefinitionId>>,
    /// Definitions of `under_way` that a type is being written into.
    begun: HashSet<DefinitionId>,
    /// Conjunctions under way for one and the same value: emptied when lowering goes into a container.
    pub(super) same_value: Vec<Conjunction>,
    diagnostics: Vec<Diagnostic>,
    reported: HashSet<(SchemaId, &'static str)>,
    pub(super) used_options: HashSet<String>,
    /// What options may name beside types: event sets and what belongs to them.
    pub(super) items: Vec<String>,
    /// The mapped formats that occur.
    pub(super) used_formats: HashSet<&'a str>,
    fallbacks: usize,
}

/// What a type may be called, best first, and where its schema is written.
#[derive(Clone, Debug)]
pub(crate) struct Naming {
    /// From the position: what the schema is called if it does not say so itself.
    pub(crate) position: String,
    /// The schema at which the name begins.
    pub(crate) schema: SchemaId,
    /// Whether the type is made of that schema alone, so that it may have the schema's own name.
    pub(crate) is_own: bool,
    /// What the names of its parts begin with, where that is not its own name.
    pub(crate) base: Option<String>,
}

impl Naming {
    /// For a type that is made of more or less than the schema.
    pub(crate) fn new(position: impl Into<String>, schema: SchemaId) -> Self {
        Naming { position: position.into(), schema, is_own: false, base: None }
    }

    /// What the names of the parts of a type called `name` begin with.
    pub(super) fn base(&self, name: &str) -> String {
        self.base.clone().unwrap_or_else(|| name.to_owned())
    }
}

/// Types nested deeper than this, reference after reference, are no document's but an attack's.
const MAX_DEPTH: usize = 1000;

/// Unions nested deeper than this are taken for such that may be `null`.
const MAX_NULLABLE_DEPTH: usize = 8;

/// More types than this are no document's but an attack's.
const MAX_DEFINITIONS: usize = 50_000;

/// Names that generated code uses without a path: a newtype called `Ok` would take the place of the variant.
const RESERVED_TYPE_NAMES: &[&str] = &["Self", "Some", "None", "Ok", "Err"];

impl<'a> Lowering<'a> {
    pub(crate) fn new(schemas: &'a Schemas, sources: &'a Sources, settings: &'a Settings) -> Self {
        Lowering {
            schemas,
            sources,
            settings,
            types: Types::default(),
            scope: Scope::with_reserved(RESERVED_TYPE_NAMES),
            shapes: Shapes::of(schemas),
            rules: Rules::default(),
            checker: Checker::new(schemas),
            reserved: HashMap::new(),
            done: HashMap::new(),
            under_way: HashMap::new(),
            begun: HashSet::new(),
            same_value: Vec::new(),
            diagnostics: Vec::new(),
            reported: HashSet::new(),
            used_options: HashSet::new(),
            items: Vec::new(),
            used_formats: HashSet::new(),
            fallbacks: 0,
        }
    }

    /// Reserves the names of named schemas, so that no other types take them.
    pub(crate) fn reserve<'n>(&mut self, named: impl Iterator<Item = (SchemaId, &'n str)>) {
        // Those that options rename come last, so that a name which another one has is seen to be taken.
        let mut renamed = Vec::new();
        for (schema, name) in named {
            let (name, pointer) = (type_name(name), self.pointer(schema));
            if self.is_renamed(&[&pointer, &name]) {
                renamed.push((schema, name, pointer));
            } else if !self.reserved.contains_key(&schema) {
                let name = self.claim([name], &pointer);
                self.reserved.insert(schema, name);
            }
        }
        for (schema, name, pointer) in renamed {
            if self.reserved.contains_key(&schema) {
                continue;
            }
            let new = [&pointer, &name].into_iter().find_map(|key| Some((key, self.rename_by(key)?)));
            let name = match new {
                Some((key, new)) => self.give(&new, key, &[""]),
                None => self.claim([name], &pointer),
            };
            self.reserved.insert(schema, name);
        }
    }

    /// The type of `schema`, which would be called `position` if it has no name of its own.
    pub(crate) fn lower(&mut self, schema: SchemaId, position: impl Into<String>) -> Type {
        let target = self.essence(schema);
        let written = [self.schemas.follow(schema), target];
        if let Some(path) = written.into_iter().find_map(|schema| self.replacement(schema)) {
            return Type::Custom(path);
        }
        let conjunction = Conjunction::of(self.schemas, schema);
        let naming = Naming { is_own: true, ..Naming::new(position, target) };
        self.lower_conjunction(conjunction, &naming)
    }

    /// Lowers the schema that a bare generation asked for.
    pub(crate) fn lower_root(&mut self, root: SchemaId, name: &str) {
        let name = self.scope.claim([type_name(name)]);
        self.reserved.insert(self.schemas.follow(root), name.clone());
        let ty = self.lower(root, name.clone());
        let is_root = |ty: &Type| matches!(ty, Type::Named(id) if self.types[*id].name == name);
        if !is_root(&ty) {
            // A nullable schema: what it is beside `null` has taken the name that the whole is asked to have.
            let taken = self.types.iter().find(|(_, definition)| definition.name == name).map(|(id, _)| id);
            if let Some(id) = taken {
                self.types[id].name = self.scope.claim([format!("{name}Value")]);
            }
            let definition = self.definition(name, root, Kind::Newtype(Newtype { inner: ty, checks: Vec::new() }));
            self.types.add(definition);
        }
    }

    /// The type of a value that all of `conjunction` must accept.
    pub(crate) fn lower_conjunction(&mut self, conjunction: Conjunction, naming: &Naming) -> Type {
        if conjunction.impossible {
            return Type::Never;
        }
        if conjunction.is_anything() {
            return Type::Any;
        }
        if let Some(ty) = self.done.get(&conjunction) {
            return ty.clone();
        }
        if let Some(definition) = self.under_way.get(&conjunction) {
            let id = match definition {
                Some(id) => *id,
                None => {
                    let id = self.add_definition(naming, Kind::Pending);
                    self.under_way.insert(conjunction.clone(), Some(id));
                    id
                }
            };
            let ty = Type::Named(id);
            return if self.is_nullable(&conjunction) { ty.nullable() } else { ty };
        }
        if self.under_way.len() > MAX_DEPTH || self.types.definitions.len() > MAX_DEFINITIONS {
            return self.fall_back(naming.schema, "the document nests or multiplies types beyond all measure");
        }
        self.under_way.insert(conjunction.clone(), None);
        self.same_value.push(conjunction.clone());
        let ty = self.lower_new(&conjunction, naming);
        self.same_value.pop();
        let ty = match self.under_way.remove(&conjunction).flatten() {
            // The definition is what the schema accepts beside `null`.
            Some(id) if ty == Type::Named(id).nullable() && !matches!(self.types[id].kind, Kind::Pending) => ty,
            // The schema refers to itself through something that is no named type, such as an array of itself.
            Some(id) if ty != Type::Named(id) => {
                self.types[id].kind = Kind::Newtype(Newtype { inner: ty, checks: Vec::new() });
                Type::Named(id)
            }
            _ => ty,
        };
        self.done.insert(conjunction, ty.clone());
        ty
    }

    /// Forgets the type of a conjunction.
    pub(super) fn forget(&mut self, conjunction: &Conjunction) {
        self.done.remove(conjunction);
    }

    /// Whether the type of the conjunction will be an `Option` of what else it accepts.
    fn is_nullable(&mut self, conjunction: &Conjunction) -> bool {
        self.may_be_null(conjunction, MAX_NULLABLE_DEPTH) && self.accepts_null(conjunction)
    }

    /// Whether `null` is among the types that the values are read as.
    fn may_be_null(&self, conjunction: &Conjunction, depth: usize) -> bool {
        if let Some(types) = conjunction.declared_types(self.schemas) {
            return types.contains(&JsonType::Null);
        }
        if conjunction.lists_values(self.schemas) {
            return true;
        }
        if let Some(union) = conjunction.unions.first() {
            return union.branches.iter().any(|branch| {
                let mut all = conjunction.beside_union();
                all.add(self.schemas, *branch);
                depth == 0 || self.may_be_null(&all, depth - 1)
            });
        }
        self.settings.exact || conjunction.implied_types(self.schemas).len() != 1
    }

    fn lower_new(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        if let Some(ty) = self.lower_values(conjunction, naming) {
            return ty;
        }
        if let Some(ty) = self.lower_with_rules(conjunction, naming) {
            return ty;
        }
        if !conjunction.unions.is_empty()
            && let Some(ty) = self.lower_union(conjunction, naming)
        {
            return ty;
        }
        let types = match conjunction.declared_types(self.schemas) {
            Some(types) => types,
            None => match self.read_types(conjunction) {
                Some(types) => types,
                None => return Type::Any,
            },
        };
        match types.as_slice() {
            [] => Type::Never,
            [single] => self.lower_single(conjunction, *single, naming),
            [first, JsonType::Null] | [JsonType::Null, first] => {
                self.lower_single(conjunction, *first, naming).nullable()
            }
            several => self.lower_several(conjunction, several, naming),
        }
    }

    /// The types to read where `type` is absent; `None` for anything.
    fn read_types(&mut self, conjunction: &Conjunction) -> Option<Vec<JsonType>> {
        let implied = conjunction.implied_types(self.schemas);
        if implied.is_empty() {
            return None;
        }
        if let (false, [single]) = (self.settings.exact, implied.as_slice()) {
            if let Some(id) = conjunction.leaves.first() {
                let message = format!("a schema without `type` is read as {}", article(*single));
                let help = format!("write `type: {}` to say so", json_type_name(*single));
                self.report(*id, rules::IMPLIED_TYPE, message, &help);
            }
            return Some(implied);
        }
        Some(vec![
            JsonType::Null,
            JsonType::Boolean,
            JsonType::Number,
            JsonType::String,
            JsonType::Array,
            JsonType::Object,
        ])
    }

    /// The type of values of one JSON type.
    pub(super) fn lower_single(&mut self, conjunction: &Conjunction, json_type: JsonType, naming: &Naming) -> Type {
        match json_type {
            JsonType::Null => Type::Null,
            JsonType::Boolean => Type::Bool,
            JsonType::Integer => self.lower_integer(conjunction, naming),
            JsonType::Number => self.lower_number(conjunction, naming),
            JsonType::String => self.lower_string(conjunction, naming),
            JsonType::Array => self.within(|lowering| lowering.lower_array(conjunction, naming)),
            JsonType::Object => self.within(|lowering| lowering.lower_object(conjunction, naming)),
        }
    }

    /// Lowers the parts of a container, which are other values than the container.
    fn within(&mut self, lower: impl FnOnce(&mut Self) -> Type) -> Type {
        let outside = std::mem::take(&mut self.same_value);
        let ty = lower(self);
        self.same_value = outside;
        ty
    }

    /// A newtype with checks, or the bare type when there is nothing to check.
    pub(super) fn checked(&mut self, inner: Type, checks: Vec<Check>, naming: &Naming) -> Type {
        if checks.is_empty() {
            return inner;
        }
        Type::Named(self.add_definition(naming, Kind::Newtype(Newtype { inner, checks })))
    }

    /// Adds a definition under the best free name.
    pub(super) fn add_definition(&mut self, naming: &Naming, kind: Kind) -> DefinitionId {
        let name = self.claim_name(naming);
        let definition = self.definition(name, naming.schema, kind);
        self.types.add(definition)
    }

    /// The definition that was begun for this conjunction, or a new one.
    pub(super) fn begin_definition(&mut self, conjunction: &Conjunction, naming: &Naming) -> DefinitionId {
        match self.under_way.get(conjunction) {
            // Only once: the parts of a union by JSON type come from the same conjunction as the union itself.
            Some(Some(id)) if self.begun.insert(*id) => return *id,
            Some(Some(_)) => return self.add_definition(naming, Kind::Pending),
            _ => {}
        }
        let id = self.add_definition(naming, Kind::Pending);
        self.begun.insert(id);
        if let Some(slot) = self.under_way.get_mut(conjunction) {
            *slot = Some(id);
        }
        id
    }

    fn claim_name(&mut self, naming: &Naming) -> String {
        if naming.is_own
            && let Some(name) = self.reserved.remove(&naming.schema)
        {
            return name;
        }
        let own = if naming.is_own { self.name_of(naming.schema) } else { None };
        let own = own.map(|name| type_name(&name));
        let pointer = self.pointer(naming.schema);
        self.claim(own.into_iter().chain([type_name(&naming.position)]), &pointer)
    }

    /// What the document calls a schema, if anything.
    pub(super) fn name_of(&self, schema: SchemaId) -> Option<String> {
        self.schemas.name_of(schema).map(str::to_owned)
    }

    fn definition(&mut self, name: String, schema: SchemaId, kind: Kind) -> Definition {
        let pointer = self.pointer(schema);
        let mut docs = self.docs(schema);
        docs.source = Some(self.source(schema));
        let additions = self.additions(&["*", &name, &pointer]);
        Definition { name, docs, kind, additions }
    }

    /// The member's name and the schema to lower instead, for one that occurs in several objects; not for one that an
    /// option names by its pointer.
    pub(super) fn shared(&self, schema: SchemaId) -> Option<(&'a str, SchemaId)> {
        let shared = self.shapes.shared(schema)?;
        let settings = self.settings;
        let has_options = !settings.replace.is_empty()
            || !settings.rename.is_empty()
            || !settings.derive.is_empty()
            || !settings.attr.is_empty();
        if has_options {
            let pointer = self.pointer(schema);
            let named = settings.replace.contains_key(&pointer)
                || settings.rename.contains_key(&pointer)
                || settings.derive.contains_key(&pointer)
                || settings.attr.contains_key(&pointer);
            if named {
                return None;
            }
        }
        Some(shared)
    }

    /// `#/components/schemas/User`: what options name a schema by.
    pub(super) fn pointer(&self, schema: SchemaId) -> String {
        format!("#{}", self.schemas[schema].location.pointer)
    }

    /// Where a schema is written, for its documentation.
    fn source(&self, schema: SchemaId) -> String {
        let location = &self.schemas[schema].location;
        source_of(self.sources, location)
    }

    /// The documentation that a schema brings.
    pub(super) fn docs(&self, schema: SchemaId) -> Docs {
        let Some(keywords) = keywords(&self.schemas[schema]) else { return Docs::default() };
        Docs {
            summary: keywords.title.clone(),
            description: keywords.description.clone(),
            deprecated: keywords.deprecated,
            ..Docs::default()
        }
    }

    /// The documentation of a place that uses a schema as `ty`: what is said there. A type of its own carries the
    /// documentation itself, so its uses repeat but the first line of it.
    pub(super) fn docs_of_use(&self, schema: SchemaId, ty: &Type) -> Docs {
        let here = self.docs(schema);
        let is_reference = keywords(&self.schemas[schema]).is_some_and(|k| k.reference.is_some());
        if is_reference && (here.summary.is_some() || here.description.is_some()) {
            return here;
        }
        let target = self.docs(self.schemas.follow(schema));
        let deprecated = here.deprecated || target.deprecated;
        if names_type(ty) {
            let text = target.summary.as_deref().or(target.description.as_deref());
            let first = text.and_then(|text| text.trim().lines().next()).map(str::to_owned);
            return Docs { summary: first, deprecated, ..Docs::default() };
        }
        Docs { deprecated, ..target }
    }

    /// Reports what is true of a schema, once.
    pub(super) fn report(&mut self, schema: SchemaId, rule: Rule, message: impl Into<String>, help: &str) {
        if self.reported.insert((schema, rule.id)) {
            let location = &self.schemas[schema].location;
            self.diagnostics.push(Diagnostic::new(rule, message, location).help(help));
        }
    }

    pub(crate) fn diagnose(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// An untyped value for a schema that says more than can be expressed.
    pub(super) fn fall_back(&mut self, schema: SchemaId, why: &str) -> Type {
        self.fallbacks += 1;
        let help = "name a type of your own for it with the option `replace`";
        self.report(schema, rules::UNTYPED_VALUE, format!("this schema becomes an untyped JSON value: {why}"), help);
        Type::Any
    }

    /// Ends the work: breaks cycles by boxes, and refuses options that meant nothing.
    pub(crate) fn finish(mut self) -> Lowered {
        super::recursion::box_cycles(&mut self.types);
        let unused_options = self.report_unused_options();
        if self.checker.is_exhausted() {
            let message = "which listed values are valid cannot be decided in bounded time";
            let help = "look for unions that refer to each other in circles or in many levels";
            self.diagnostics.push(Diagnostic::without_location(rules::CHECK_LIMIT, message).help(help));
        }
        let api = Api { types: self.types, ..Api::default() };
        Lowered { api, diagnostics: self.diagnostics, fallbacks: self.fallbacks, unused_options }
    }
}

/// Whether a use of the type shows a named type, in whatever container.
fn names_type(ty: &Type) -> bool {
    match ty {
        Type::Named(_) => true,
        Type::Nullable(inner) | Type::Boxed(inner) => names_type(inner),
        _ => false,
    }
}

/// The keywords of a schema that has any.
pub(super) fn keywords(schema: &event_api_spec::schema::Schema) -> Option<&Keywords> {
    match &schema.kind {
        SchemaKind::Object(keywords) => Some(keywords),
        SchemaKind::Bool(_) => None,
    }
}

/// `#/components/schemas/User` in `spec/asyncapi.yaml`.
pub(crate) fn source_of(sources: &Sources, location: &Location) -> String {
    let path = sources.file(location.span.file).path();
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    format!("`#{}` in `{file}`", location.pointer)
}

pub(super) fn json_type_name(json_type: JsonType) -> &'static str {
    match json_type {
        JsonType::Null => "null",
        JsonType::Boolean => "boolean",
        JsonType::Integer => "integer",
        JsonType::Number => "number",
        JsonType::String => "string",
        JsonType::Array => "array",
        JsonType::Object => "object",
    }
}

fn article(json_type: JsonType) -> &'static str {
    match json_type {
        JsonType::Null => "null",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "an array",
        JsonType::Object => "an object",
    }
}
