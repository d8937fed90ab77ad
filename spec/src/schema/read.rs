//! From nodes to [`Schemas`]: every keyword of every dialect, in one normalised form.
//!
//! Schemas are queued when something refers to them and read one after the other, so neither a deep schema nor a long
//! chain of references can exhaust the stack. The address of a node is its identity: two references to one schema
//! give one id.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::rc::Rc;

use indexmap::{IndexMap, IndexSet};

use super::keywords::{self, Shape};
use super::{Dialect, Discriminator, JsonType, Keywords, Schema, SchemaId, SchemaKind, Schemas};
use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::document::read::{kind_of, text};
use crate::near::nearest;
use crate::resolve::{At, Base, Resolver, Target, cycle, declared_dialect};
use crate::rules;
use crate::source::{Location, Node, Number, Object, Value};

/// Reads schemas. Nothing is read before [`SchemaReader::finish`].
#[derive(Debug, Default)]
pub(crate) struct SchemaReader<'a> {
    schemas: Schemas,
    ids: HashMap<(usize, Dialect), SchemaId>,
    queue: VecDeque<(SchemaId, Target<'a>, Dialect)>,
    /// Whether schemas are read to the letter of their dialect, as by a validator.
    ///
    /// Not so in AsyncAPI documents, whose authors mean what tools make of it: siblings of `$ref` apply as well
    /// (15 % of real documents write them), and so does OpenAPI's `nullable`.
    strict: bool,
}

impl<'a> SchemaReader<'a> {
    /// For the schemas of AsyncAPI documents.
    pub(crate) fn for_documents() -> Self {
        Self::default()
    }

    /// For bare schemas, read to the letter.
    pub(crate) fn for_schemas() -> Self {
        SchemaReader { strict: true, ..Self::default() }
    }

    /// The id of a schema, which is read later. `name` is what it is called, unless its place says so.
    pub(crate) fn add(&mut self, target: Target<'a>, dialect: Dialect, name: Option<String>) -> SchemaId {
        let wanted = (target.at.address(), dialect);
        if let Some(id) = self.ids.get(&wanted) {
            return *id;
        }
        let dialect = declared_dialect(target.at.node).unwrap_or(dialect);
        let actual = (target.at.address(), dialect);
        if actual != wanted
            && let Some(id) = self.ids.get(&actual).copied()
        {
            self.ids.insert(wanted, id);
            return id;
        }
        let id = self.schemas.add(Schema {
            location: target.at.location(),
            name: name.or_else(|| name_of(&target.at)),
            dialect,
            kind: SchemaKind::Bool(true),
        });
        self.ids.insert(actual, id);
        if actual != wanted {
            self.ids.insert(wanted, id);
        }
        self.queue.push_back((id, target, dialect));
        id
    }

    /// Reads everything that was added, and what that refers to.
    pub(crate) fn finish(mut self, resolver: &mut Resolver<'a>, found: &mut Findings) -> Schemas {
        while let Some((id, target, dialect)) = self.queue.pop_front() {
            let kind = match &target.at.node.value {
                Value::Bool(value) => SchemaKind::Bool(*value),
                Value::Object(object) => {
                    let base = resolver.enter(&target.base, &target.at);
                    let mut one = One { reader: &mut self, resolver, found, at: &target.at, base, dialect };
                    SchemaKind::Object(one.read(object))
                }
                other => {
                    let message = format!("a schema must be an object or a boolean, but is {}", target.at.node.kind());
                    let severity = if *other == Value::Null { Severity::Warning } else { Severity::Error };
                    let diagnostic = Diagnostic::new(rules::WRONG_TYPE, message, &target.at.location());
                    found.push(diagnostic.severity(severity).help("it is read as `true`, which accepts everything"));
                    SchemaKind::Bool(true)
                }
            };
            self.schemas.get_mut(id).kind = kind;
        }
        self.report_cycles(found);
        self.schemas
    }

    /// References that only lead to each other mean nothing.
    fn report_cycles(&self, found: &mut Findings) {
        let next = |id: SchemaId| match &self.schemas[id].kind {
            SchemaKind::Object(keywords) if keywords.is_bare_reference() => keywords.reference,
            _ => None,
        };
        // 0: not seen, else the number of the walk that saw it.
        let mut seen = vec![0u32; self.schemas.ids().len()];
        for start in self.schemas.ids() {
            let walk = start.0 + 1;
            let mut here = Some(start);
            while let Some(id) = here {
                match seen[id.0 as usize] {
                    0 => seen[id.0 as usize] = walk,
                    earlier if earlier == walk => {
                        let location = &self.schemas[id].location;
                        found.push(cycle(location.pointer.as_str(), location));
                        break;
                    }
                    _ => break,
                }
                here = next(id);
            }
        }
    }
}

/// What a schema is called by its place.
fn name_of(at: &At<'_>) -> Option<String> {
    let pointer = at.pointer.as_str();
    let (map, _) = pointer.rsplit_once('/')?;
    if map == "/components/schemas" || map.ends_with("/definitions") || map.ends_with("/$defs") {
        return at.pointer.last();
    }
    // The inside of a Multi Format Schema Object.
    let name = map.strip_prefix("/components/schemas/").filter(|name| !name.contains('/'));
    name.filter(|_| pointer.ends_with("/schema")).map(|name| name.replace("~1", "/").replace("~0", "~"))
}

/// What a schema that is referred to is called: its key, wherever it stands, unless the place is one within a schema.
pub(crate) fn referred_name(at: &At<'_>) -> Option<String> {
    // As they are written: no word that is looked for has anything to escape.
    let (path, name) = at.pointer.as_str().rsplit_once('/')?;
    let is_structure = |token: &str| keywords::is_keyword(token) || ["payload", "headers", "schema"].contains(&token);
    let holder = path.rsplit_once('/').map(|(_, holder)| holder);
    let is_inside = holder.is_some_and(is_structure) || is_structure(name) || name.parse::<u32>().is_ok();
    name_of(at).or_else(|| at.pointer.last().filter(|_| !is_inside))
}

/// Reads one schema object.
struct One<'r, 'a> {
    reader: &'r mut SchemaReader<'a>,
    resolver: &'r mut Resolver<'a>,
    found: &'r mut Findings,
    at: &'r At<'a>,
    base: Rc<Base<'a>>,
    dialect: Dialect,
}

impl<'a> One<'_, 'a> {
    fn read(&mut self, object: &'a Object) -> Box<Keywords> {
        // Filled where it stays: there are many, and they are large.
        let mut keywords = Box::<Keywords>::default();
        let reference = object.get("$ref").filter(|node| node.as_str().is_some());
        let ignores_siblings =
            self.reader.strict && matches!(self.dialect, Dialect::Draft7 | Dialect::OpenApi30) && reference.is_some();
        for (key, node) in object.iter() {
            let name = key.name.as_str();
            if ignores_siblings && name != "$ref" {
                continue;
            }
            let location = || Location { span: key.span, pointer: self.at.pointer.join(name) };
            match keywords::shape(name, self.dialect) {
                Some(shape) => self.keyword(&mut keywords, name, shape, node),
                None => {
                    if !self.reader.strict && !name.starts_with("x-") {
                        if let Some(home) = keywords::home(name) {
                            let message = format!("`{name}` is a keyword of {home}, and ignored here");
                            let help = "say by `schemaFormat` or `$schema` which dialect it is";
                            self.found.push(Diagnostic::new(rules::FOREIGN_KEYWORD, message, &location()).help(help));
                        } else if let Some(near) = nearest(name, keywords::names()).filter(|_| name.len() > 3) {
                            let message = format!("a schema has no keyword `{name}`");
                            let help = format!("did you mean `{near}`?");
                            self.found.push(Diagnostic::new(rules::UNKNOWN_FIELD, message, &location()).help(help));
                        }
                    }
                    keywords.extensions.insert(name.to_owned(), node.clone());
                }
            }
        }
        self.combine(&mut keywords, object);
        keywords
    }

    /// What two keywords mean together.
    fn combine(&mut self, keywords: &mut Keywords, object: &'a Object) {
        // Draft-04 and OpenAPI 3.0: `exclusiveMinimum: true` makes `minimum` exclusive.
        if object.get("exclusiveMinimum").is_some_and(|node| node.value == Value::Bool(true)) {
            keywords.exclusive_minimum = keywords.minimum.take();
        }
        if object.get("exclusiveMaximum").is_some_and(|node| node.value == Value::Bool(true)) {
            keywords.exclusive_maximum = keywords.maximum.take();
        }
        if object.get("nullable").is_some_and(|node| node.value == Value::Bool(true))
            && keywords::shape("nullable", self.dialect).is_some()
            && !(self.reader.strict && self.dialect != Dialect::OpenApi30)
            && let Some(types) = keywords.types.as_mut()
            && !types.contains(&JsonType::Null)
        {
            types.push(JsonType::Null);
        }
        // `additionalItems` counts only behind the array form of `items`.
        if let Some(node) = object.get("additionalItems")
            && self.dialect != Dialect::Draft2020
            && object.get("items").is_some_and(|items| items.as_array().is_some())
        {
            let at = At::new(node, self.at.pointer.join("additionalItems"));
            keywords.items = Some(self.schema(at));
        }
        if keywords.contains.is_none() {
            // They count `contains` (2019-09, section 6.4.4).
            keywords.min_contains = None;
            keywords.max_contains = None;
        }
        if keywords.if_schema.is_none() && self.reader.strict {
            keywords.then_schema = None;
            keywords.else_schema = None;
        }
        if let Some(example) =
            object.get("example").filter(|_| !self.reader.strict || self.dialect == Dialect::OpenApi30)
        {
            keywords.extensions.shift_remove("example");
            keywords.examples.push(example.clone());
        }
    }

    fn keyword(&mut self, keywords: &mut Keywords, name: &str, shape: &Shape, node: &'a Node) {
        // Most keywords need no pointer, and there are many.
        let at = || At::new(node, self.at.pointer.join(name));
        match *shape {
            Shape::Ignored => {}
            Shape::Reference => self.reference(keywords, &at()),
            Shape::DynamicReference => {
                let at = at();
                if let Some(text) = self.text(name, &at) {
                    keywords.dynamic_reference = self.target(text, &at);
                }
            }
            Shape::Text(field) => match &node.value {
                Value::String(text) => *field(keywords) = Some(text.clone()),
                Value::Null => {}
                _ => self.wrong_type(name, "a string", &at()),
            },
            Shape::Flag(field) => match node.value {
                Value::Bool(value) => *field(keywords) = value,
                _ => self.wrong_type(name, "a boolean", &at()),
            },
            Shape::Number(field) => match &node.value {
                Value::Number(number) => *field(keywords) = Some(number.clone()),
                // Handled beside `minimum` and `maximum`.
                Value::Bool(_) if name.starts_with("exclusive") => {}
                Value::String(text) if Number::parse(text).is_some() => {
                    self.wrong_type(name, "a number", &at());
                    *field(keywords) = Number::parse(text);
                }
                _ => self.wrong_type(name, "a number", &at()),
            },
            Shape::Count(field) => {
                let number = match &node.value {
                    Value::Number(number) => number.as_i128(),
                    Value::String(text) => {
                        self.wrong_type(name, "a whole number that is not negative", &at());
                        *field(keywords) = text.parse().ok();
                        return;
                    }
                    _ => None,
                };
                // No string is longer than what 64 bits can count.
                match number.filter(|number| *number >= 0) {
                    Some(number) => *field(keywords) = Some(u64::try_from(number).unwrap_or(u64::MAX)),
                    None => self.wrong_type(name, "a whole number that is not negative", &at()),
                }
            }
            Shape::Node(field) => *field(keywords) = Some(node.clone()),
            Shape::Nodes(field) => match node.as_array() {
                Some(items) => field(keywords).extend(items.iter().cloned()),
                // `examples` as an object or a single value: what OpenAPI's authors write.
                None => self.wrong_type(name, "an array", &at()),
            },
            Shape::Enum => match node.as_array() {
                Some(items) => keywords.enum_values = Some(items.to_vec()),
                None => self.wrong_type(name, "an array", &at()),
            },
            Shape::Types => keywords.types = self.types(&at()),
            Shape::Schema(field) => *field(keywords) = Some(self.schema(at())),
            Shape::Schemas(field) => match node.as_array() {
                Some(items) => {
                    let pointer = at().pointer;
                    for (index, node) in items.iter().enumerate() {
                        let id = self.schema(At::new(node, pointer.join(index)));
                        field(keywords).push(id);
                    }
                }
                None => self.wrong_type(name, "an array of schemas", &at()),
            },
            Shape::Map(field) => {
                for (name, at) in self.map(name, &at()) {
                    let id = self.schema(at);
                    field(keywords).insert(name, id);
                }
            }
            Shape::Items => match node.as_array() {
                Some(items) if self.dialect == Dialect::Draft2020 => {
                    self.wrong_type(name, "a schema (write `prefixItems` for a tuple)", &at());
                    self.tuple(keywords, items, &at());
                }
                Some(items) => self.tuple(keywords, items, &at()),
                None => keywords.items = Some(self.schema(at())),
            },
            Shape::Names => keywords.required = self.names(name, &at()),
            Shape::DependentNames => {
                for (key, at) in self.map(name, &at()) {
                    let names = self.names(name, &at);
                    keywords.dependent_required.insert(key, names);
                }
            }
            Shape::Dependencies => {
                for (key, at) in self.map(name, &at()) {
                    if at.node.as_array().is_some() {
                        let names = self.names(name, &at);
                        keywords.dependent_required.insert(key, names);
                    } else {
                        let id = self.schema(at);
                        keywords.dependent_schemas.insert(key, id);
                    }
                }
            }
            Shape::Discriminator => self.discriminator(keywords, &at()),
            Shape::Nullable => {
                if !self.reader.strict && self.dialect != Dialect::OpenApi30 {
                    let message = "`nullable` is a keyword of OpenAPI 3.0";
                    let help = "it is read as OpenAPI has it; write `type: [string, 'null']` (or whatever the type is)";
                    self.found.push(Diagnostic::new(rules::FOREIGN_KEYWORD, message, &at().location()).help(help));
                }
            }
        }
    }

    fn tuple(&mut self, keywords: &mut Keywords, items: &'a [Node], at: &At<'a>) {
        for (index, node) in items.iter().enumerate() {
            let id = self.schema(At::new(node, at.pointer.join(index)));
            keywords.prefix_items.push(id);
        }
    }

    fn schema(&mut self, at: At<'a>) -> SchemaId {
        let target = Target { at, base: self.base.clone() };
        self.reader.add(target, self.dialect, None)
    }

    fn reference(&mut self, keywords: &mut Keywords, at: &At<'a>) {
        let Some(reference) = at.node.as_str() else {
            self.wrong_type("$ref", "a string", at);
            return;
        };
        keywords.reference = self.target(reference, at);
        if keywords.reference.is_none() {
            keywords.unresolved_reference = Some(reference.to_owned());
        }
    }

    /// The schema that a reference leads to.
    fn target(&mut self, reference: &str, at: &At<'a>) -> Option<SchemaId> {
        let from = at.location();
        let mut target = match self.resolver.resolve(reference, &self.base, &from) {
            Ok(target) => target,
            Err(failure) => {
                self.found.push(*failure);
                return None;
            }
        };
        if let Some(kind) = kind_of(&target.at.pointer).filter(|kind| *kind != "schemas" && !self.reader.strict) {
            let is_message = kind == "messages";
            let message = format!("`{reference}` leads to one of `{kind}`, where a schema is expected");
            let diagnostic = Diagnostic::new(rules::WRONG_REFERENCE_KIND, message, &from)
                .label(&target.at.location(), "it leads here");
            // What a message is to a schema can only be its payload, and some authors write it so.
            let Some(payload) = target.at.get("payload").filter(|_| is_message) else {
                self.found.push(diagnostic.help("refer to a schema, or write one in its place"));
                return None;
            };
            let help = format!("it is read as the message's payload; write `{reference}/payload`");
            self.found.push(diagnostic.severity(Severity::Warning).help(help));
            target.at = payload;
        }
        let mut dialect = self.dialect;
        if !self.reader.strict
            && let Some(format) = target.at.get("schemaFormat")
            && let Some(schema) = target.at.get("schema")
        {
            match format.node.as_str().map(crate::document::SchemaFormat::parse) {
                Some(crate::document::SchemaFormat::JsonSchema(of_target)) => {
                    dialect = of_target;
                    target.at = schema;
                }
                _ => {
                    let message = format!("`{reference}` leads to a schema in another language");
                    let diagnostic = Diagnostic::new(rules::WRONG_REFERENCE_KIND, message, &from)
                        .label(&format.location(), "its language")
                        .help("a JSON Schema can only refer to JSON Schemas");
                    self.found.push(diagnostic);
                    return None;
                }
            }
        }
        let is_whole_file = target.at.pointer.as_str().is_empty() && target.at.node.span.file != from.span.file;
        let stem = || {
            let path = self.resolver.sources.file(target.at.node.span.file).path();
            let name = path.file_name()?.to_str()?;
            Some(name.split('.').next().unwrap_or(name).to_owned())
        };
        let name = if is_whole_file { stem() } else { referred_name(&target.at) };
        Some(self.reader.add(target, dialect, name))
    }

    fn text(&mut self, name: &str, at: &At<'a>) -> Option<&'a str> {
        let text = at.node.as_str();
        if text.is_none() && at.node.value != Value::Null {
            self.wrong_type(name, "a string", at);
        }
        text
    }

    fn types(&mut self, at: &At<'a>) -> Option<Vec<JsonType>> {
        let names: Vec<At<'a>> = match at.node.as_array() {
            Some(items) => items.iter().enumerate().map(|(i, node)| At::new(node, at.pointer.join(i))).collect(),
            None => vec![at.clone()],
        };
        let mut types = Vec::with_capacity(names.len());
        let mut is_open = false;
        for at in names {
            // YAML reads `type: null` as null.
            let name = if at.node.value == Value::Null { Some("null") } else { at.node.as_str() };
            match name.and_then(JsonType::parse) {
                Some(json_type) if types.contains(&json_type) => {}
                Some(json_type) => types.push(json_type),
                None => {
                    is_open = true;
                    let written = text(at.node).map_or_else(|| at.node.kind().to_owned(), |text| format!("`{text}`"));
                    let message = format!("{written} is no type of JSON Schema, and ignored");
                    let diagnostic = Diagnostic::new(rules::UNKNOWN_VALUE, message, &at.location());
                    let near = name.and_then(|name| nearest(name, JsonType::NAMES.iter().map(|(name, _)| *name)));
                    self.found.push(match near {
                        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                        None => {
                            diagnostic.help("the types are null, boolean, integer, number, string, array and object")
                        }
                    });
                }
            }
        }
        // What else an unknown type would have accepted is anyone's guess.
        (!is_open && (!types.is_empty() || self.reader.strict)).then_some(types)
    }

    fn names(&mut self, name: &str, at: &At<'a>) -> Vec<String> {
        let Some(items) = at.node.as_array() else {
            self.wrong_type(name, "an array of names", at);
            return Vec::new();
        };
        let mut names = IndexSet::with_capacity(items.len());
        for (index, node) in items.iter().enumerate() {
            if node.as_str().is_none() {
                self.wrong_type(name, "an array of names", &At::new(node, at.pointer.join(index)));
            }
            names.extend(text(node));
        }
        names.into_iter().collect()
    }

    fn map(&mut self, name: &str, at: &At<'a>) -> Vec<(String, At<'a>)> {
        if at.node.as_object().is_none() && at.node.value != Value::Null {
            self.wrong_type(name, "an object", at);
        }
        crate::document::read::members(at)
    }

    fn discriminator(&mut self, keywords: &mut Keywords, at: &At<'a>) {
        let property = match &at.node.value {
            Value::String(property) => Some(property.as_str()),
            Value::Object(object) => object.get("propertyName").and_then(Node::as_str),
            _ => None,
        };
        let Some(property) = property else {
            self.wrong_type("discriminator", "the name of a property", at);
            return;
        };
        let mapping = at.get("mapping").map(|at| crate::document::read::members(&at)).unwrap_or_default();
        let mapping: IndexMap<_, _> =
            mapping.into_iter().filter_map(|(value, at)| Some((value, text(at.node)?))).collect();
        keywords.discriminator = Some(Discriminator { property: property.to_owned(), mapping });
    }

    fn wrong_type(&mut self, name: &str, expected: &str, at: &At<'a>) {
        let message = format!("`{name}` of a schema must be {expected}, but is {}", at.node.kind());
        let help = match at.node.value {
            Value::Bool(_) if name == "required" => {
                "list the required properties beside `properties`: `required: [id, name]`".to_owned()
            }
            _ => format!("write {expected}, or leave it out"),
        };
        self.found.push(Diagnostic::new(rules::WRONG_TYPE, message, &at.location()).help(help));
    }
}

impl JsonType {
    const NAMES: [(&'static str, JsonType); 7] = [
        ("null", JsonType::Null),
        ("boolean", JsonType::Boolean),
        ("integer", JsonType::Integer),
        ("number", JsonType::Number),
        ("string", JsonType::String),
        ("array", JsonType::Array),
        ("object", JsonType::Object),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, json_type)| *json_type)
    }
}
