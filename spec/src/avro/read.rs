//! From nodes to Avro types: kinds, names, references, and what is wrong with them, at the place where it is.
//!
//! Beside Avro's own way of naming a type that was defined before, a `$ref` may stand wherever a type may: it stands
//! for the schema that it leads to, in this document or another file. Where anything is wrong that a type depends on,
//! there is no type.

use std::collections::{HashMap, HashSet};

use super::attributes::{Attributes, is_name};
use super::value::default_of;
use super::{Field, Kind, Named, NamedId, NamedKind, Primitive, Schemas, Shared, Type};
use crate::diagnostic::{Diagnostic, Findings, Rule};
use crate::near::nearest;
use crate::resolve::{At, Resolver};
use crate::rules;
use crate::source::{Node, Value};

/// How deep types may be nested. References can nest them deeper than a text can.
const MAX_DEPTH: usize = 128;

/// How many types the payloads of a document may consist of: references to what has no name are read again each time.
const MAX_TYPES: usize = 200_000;

/// Reads the schema at `at`; its named types join those of the document. `None` when it is no Avro schema, which is
/// reported.
pub(crate) fn read<'a>(
    at: At<'a>,
    schemas: &mut Schemas,
    shared: &mut Shared,
    resolver: &mut Resolver<'a>,
    found: &mut Findings,
) -> Option<Type> {
    let mut reader = Reader {
        resolver,
        found,
        named: Vec::new(),
        names: Vec::new(),
        scope: HashMap::new(),
        places: HashMap::new(),
        defaults: Vec::new(),
        types: shared.types,
        failed: false,
    };
    let root = reader.ty(at, None, 0);
    shared.types = reader.types;
    let local = reader.finish()?;
    let mut root = root?;
    shared.join(schemas, local, &mut root);
    Some(root)
}

struct Reader<'r, 'a> {
    resolver: &'r mut Resolver<'a>,
    found: &'r mut Findings,
    /// In the order of their definitions; `None` while one is being read.
    named: Vec<Option<Named>>,
    /// Their full names.
    names: Vec<String>,
    /// By full name.
    scope: HashMap<String, NamedId>,
    /// By the address of the node: a definition that two references lead to is one.
    places: HashMap<usize, NamedId>,
    /// Defaults are checked when all names are known: the record, its field, the value.
    defaults: Vec<(NamedId, usize, At<'a>)>,
    types: usize,
    failed: bool,
}

impl<'a> Reader<'_, 'a> {
    fn finish(self) -> Option<Schemas> {
        if self.failed {
            return None;
        }
        let mut schemas = Schemas { named: self.named.into_iter().collect::<Option<_>>()? };
        for (id, index, at) in self.defaults {
            let NamedKind::Record(fields) = &schemas[id].kind else { continue };
            let field = &fields[index];
            match default_of(&schemas, &field.ty, at.node) {
                Some(default) => {
                    if let NamedKind::Record(fields) = &mut schemas.named[id.0 as usize].kind {
                        fields[index].default = Some(default);
                    }
                }
                None => {
                    let what = schemas.branch_name(&field.ty);
                    let message = format!("the default of the field `{}` is no value of its type, {what}", field.name);
                    let help = "the field counts as having no default; bytes are text of the code points 0 to 255, and \
                                a value of a union stands without the name of its branch";
                    self.found.push(Diagnostic::new(rules::AVRO_DEFAULT, message, &at.location()).help(help));
                }
            }
        }
        Some(schemas)
    }

    /// Reports what there can be no type with.
    fn fail<T>(&mut self, rule: Rule, message: String, at: &At<'a>, help: &str) -> Option<T> {
        self.failed = true;
        self.found.push(Diagnostic::new(rule, message, &at.location()).help(help));
        None
    }

    fn ty(&mut self, at: At<'a>, namespace: Option<&str>, depth: usize) -> Option<Type> {
        self.types += 1;
        // What is said once need not be said again for whatever else is there.
        if self.failed && (depth > MAX_DEPTH || self.types > MAX_TYPES) {
            return None;
        }
        if depth > MAX_DEPTH {
            let message = format!("this Avro type is nested more than {MAX_DEPTH} levels deep");
            return self.fail(rules::NESTING_LIMIT, message, &at, "give the types in it names, and refer to these");
        }
        if self.types > MAX_TYPES {
            let message = format!("the Avro schemas of this document consist of more than {MAX_TYPES} types");
            let help = "give types that are used again a name, and refer to that";
            return self.fail(rules::EXPANSION_LIMIT, message, &at, help);
        }
        if at.reference().is_some() {
            return match self.resolver.follow(at) {
                // A reference stands for what it leads to, as if that were written here: Avro knows no references, and
                // tools that take them away first leave the namespace of this place to it.
                Ok(target) => self.ty(target.at, namespace, depth + 1),
                Err(failure) => {
                    self.failed = true;
                    self.found.push(*failure);
                    None
                }
            };
        }
        let location = at.location();
        let kind = match &at.node.value {
            Value::String(name) => self.by_name(name, &at, namespace)?,
            Value::Null => {
                let message = "a type must be a name, but is null".to_owned();
                let help = "quote it: `\"null\"` is the name of the type";
                self.found.push(Diagnostic::new(rules::AVRO_ATTRIBUTE, message, &location).help(help).severity(
                    // What is meant is plain, and YAML invites to it.
                    crate::diagnostic::Severity::Warning,
                ));
                Kind::Primitive(Primitive::Null, None)
            }
            Value::Array(items) => self.union(items, &at, namespace, depth)?,
            Value::Object(_) => return self.object(at, namespace, depth),
            _ => {
                let message = format!("a type must be a name, an object or an array, but is {}", at.node.kind());
                let help = "write for example `\"string\"`, or `{\"type\": \"array\", \"items\": \"string\"}`";
                return self.fail(rules::AVRO_ATTRIBUTE, message, &at, help);
            }
        };
        Some(Type { location, kind })
    }

    fn by_name(&mut self, name: &str, at: &At<'a>, namespace: Option<&str>) -> Option<Kind> {
        if let Some(primitive) = Primitive::parse(name) {
            return Some(Kind::Primitive(primitive, None));
        }
        let full = full_name(name, namespace);
        if let Some(id) = self.scope.get(&full) {
            return Some(Kind::Named(*id));
        }
        let known = self.scope.keys().map(String::as_str).chain(Primitive::ALL.map(Primitive::name));
        let known: Vec<&str> = known.chain(["record", "enum", "array", "map", "fixed"]).collect();
        let help = match nearest(&full, known.iter().copied()).or_else(|| nearest(name, known.iter().copied())) {
            _ if matches!(name, "record" | "error" | "enum" | "array" | "map" | "fixed") => {
                format!("a type of this kind is an object: `{{\"type\": \"{name}\", …}}`")
            }
            _ if ["timestamp", "date", "time", "uuid", "decimal"].iter().any(|logical| name.starts_with(logical)) => {
                "a logical type stands in the type that it belongs to: `{\"type\": \"long\", \"logicalType\": \
                 \"timestamp-millis\"}`"
                    .to_owned()
            }
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "define it before it is used, or put a `$ref` to its definition in the place of the name".to_owned()
            }
        };
        let message = format!("there is no type `{full}` before this place");
        self.fail(rules::AVRO_UNKNOWN_TYPE, message, at, &help)
    }

    fn union(&mut self, items: &'a [Node], at: &At<'a>, namespace: Option<&str>, depth: usize) -> Option<Kind> {
        if items.is_empty() {
            let help = "list the types that a value may be of, for example `[\"null\", \"string\"]`";
            return self.fail(rules::AVRO_UNION, "a union must have branches, but has none".to_owned(), at, help);
        }
        let mut branches: Vec<Type> = Vec::with_capacity(items.len());
        let mut seen = HashSet::new();
        let mut complete = true;
        for (index, node) in items.iter().enumerate() {
            let at = At::new(node, at.pointer.join(index.to_string()));
            let Some(branch) = self.ty(at.clone(), namespace, depth + 1) else {
                complete = false;
                continue;
            };
            let what = match &branch.kind {
                Kind::Union(_) => {
                    let message = "a branch of a union is a union again".to_owned();
                    complete = false;
                    self.fail::<()>(rules::AVRO_UNION, message, &at, "list its branches in the outer union instead");
                    continue;
                }
                Kind::Named(id) => self.names[id.0 as usize].clone(),
                Kind::Primitive(primitive, _) => primitive.name().to_owned(),
                Kind::Array(_) => "array".to_owned(),
                Kind::Map(_) => "map".to_owned(),
            };
            if !seen.insert(what.clone()) {
                let message = format!("two branches of this union are of the type `{what}`");
                let help = "a reader could not tell them apart: remove one, or wrap it in a record of its own";
                complete = false;
                self.fail::<()>(rules::AVRO_UNION, message, &at, help);
            }
            branches.push(branch);
        }
        complete.then_some(Kind::Union(branches))
    }

    /// `{"type": …}`
    fn object(&mut self, at: At<'a>, namespace: Option<&str>, depth: usize) -> Option<Type> {
        if let Some(id) = self.places.get(&at.address()) {
            return Some(Type { location: at.location(), kind: Kind::Named(*id) });
        }
        let Some(type_at) = at.get("type") else {
            let help = "say what it is, for example `\"type\": \"record\"`";
            return self.fail(rules::AVRO_ATTRIBUTE, "this Avro type has no `type`".to_owned(), &at, help);
        };
        let location = at.location();
        let kind = match type_at.node.as_str() {
            Some("record" | "error") => self
                .define(&at, namespace, |reader, attributes, id, inner| reader.record(attributes, id, inner, depth))?,
            Some("enum") => self.define(&at, namespace, |reader, attributes, _, _| reader.symbols(attributes))?,
            Some("fixed") => self.define(&at, namespace, |reader, attributes, _, _| reader.fixed(attributes))?,
            Some("array") => Kind::Array(Box::new(self.inner(&at, "items", namespace, depth)?)),
            Some("map") => Kind::Map(Box::new(self.inner(&at, "values", namespace, depth)?)),
            _ => {
                let kind = self.ty(type_at, namespace, depth + 1)?.kind;
                match kind {
                    Kind::Primitive(primitive, None) => {
                        let base = Base::Primitive(primitive);
                        Kind::Primitive(primitive, Attributes::new(&at).logical(base, self.found))
                    }
                    other => other,
                }
            }
        };
        Some(Type { location, kind })
    }

    fn inner(&mut self, at: &At<'a>, name: &str, namespace: Option<&str>, depth: usize) -> Option<Type> {
        match at.get(name) {
            Some(inner) => self.ty(inner, namespace, depth + 1),
            None => {
                let kind = if name == "items" { "an array" } else { "a map" };
                let help = format!("say what is in it, for example `\"{name}\": \"string\"`");
                self.fail(rules::AVRO_ATTRIBUTE, format!("{kind} must have `{name}`"), at, &help)
            }
        }
    }

    /// Defines a named type: its name is known before what is in it is read.
    fn define(
        &mut self,
        at: &At<'a>,
        namespace: Option<&str>,
        read: impl FnOnce(&mut Self, &Attributes<'a>, NamedId, Option<&str>) -> Option<NamedKind>,
    ) -> Option<Kind> {
        let attributes = Attributes::new(at);
        let name = self.definition_name(&attributes, namespace)?;
        let inner = name.rsplit_once('.').map(|(namespace, _)| namespace.to_owned());
        let id = NamedId(self.named.len() as u32);
        if self.scope.contains_key(&name) {
            let message = format!("the type `{name}` is defined twice");
            let help = "give one of them another name, or write the name alone where the same type is meant";
            let name_at = at.get("name").unwrap_or_else(|| at.clone());
            return self.fail(rules::AVRO_DUPLICATE_NAME, message, &name_at, help);
        }
        self.named.push(None);
        self.names.push(name.clone());
        self.scope.insert(name.clone(), id);
        self.places.insert(at.address(), id);
        let aliases = self.strings(&attributes, "aliases")?;
        let aliases = aliases.into_iter().map(|alias| full_name(&alias, inner.as_deref())).collect();
        let kind = read(self, &attributes, id, inner.as_deref())?;
        let doc = attributes.text("doc");
        self.named[id.0 as usize] = Some(Named { name, location: at.location(), doc, aliases, kind });
        Some(Kind::Named(id))
    }

    /// The full name that a definition states ("Names").
    fn definition_name(&mut self, attributes: &Attributes<'a>, namespace: Option<&str>) -> Option<String> {
        let name = self.name(attributes, "type")?;
        let own = attributes.text("namespace");
        let namespace = own.as_deref().or(namespace).filter(|namespace| !namespace.is_empty());
        let full = full_name(&name, namespace);
        if let Some(part) = full.split('.').find(|part| !is_name(part)) {
            let message = format!("`{part}` is no name in Avro");
            let at = attributes.place(if name.contains(part) { "name" } else { "namespace" });
            return self.fail(rules::AVRO_NAME, message, &at, NAME_HELP);
        }
        Some(full)
    }

    fn name(&mut self, attributes: &Attributes<'a>, what: &str) -> Option<String> {
        match attributes.text("name") {
            Some(name) => Some(name),
            None => {
                let (message, at) = match attributes.at.get("name") {
                    Some(at) => (format!("a name must be a string, but is {}", at.node.kind()), at),
                    None => (format!("this {what} has no `name`"), attributes.at.clone()),
                };
                self.fail(rules::AVRO_ATTRIBUTE, message, &at, "name it, for example `\"name\": \"User\"`")
            }
        }
    }

    fn record(
        &mut self,
        attributes: &Attributes<'a>,
        id: NamedId,
        namespace: Option<&str>,
        depth: usize,
    ) -> Option<NamedKind> {
        let fields_at = self.list(attributes, "fields")?;
        let mut names = HashSet::new();
        let mut fields = Vec::new();
        let mut complete = true;
        for at in fields_at {
            let Some(mut field) = self.field(&at, namespace, depth) else {
                complete = false;
                continue;
            };
            if !names.insert(field.name.clone()) {
                let message = format!("two fields of this record are called `{}`", field.name);
                let at = at.get("name").unwrap_or(at);
                self.fail::<()>(rules::AVRO_DUPLICATE_NAME, message, &at, "rename or remove one of them");
                continue;
            }
            field.aliases.retain(|alias| names.insert(alias.clone()));
            if let Some(default) = at.get("default") {
                self.defaults.push((id, fields.len(), default));
            }
            fields.push(field);
        }
        complete.then_some(NamedKind::Record(fields))
    }

    fn field(&mut self, at: &At<'a>, namespace: Option<&str>, depth: usize) -> Option<Field> {
        if at.node.as_object().is_none() {
            let message = format!("a field must be an object, but is {}", at.node.kind());
            return self.fail(rules::AVRO_ATTRIBUTE, message, at, "write `{\"name\": \"id\", \"type\": \"string\"}`");
        }
        let attributes = Attributes::new(at);
        let name = self.name(&attributes, "field");
        if let Some(name) = name.as_deref().filter(|name| !is_name(name)) {
            let message = format!("`{name}` is no name in Avro");
            self.fail::<()>(rules::AVRO_NAME, message, &attributes.place("name"), NAME_HELP);
        }
        let Some(type_at) = at.get("type") else {
            let help = "say of which type its values are, for example `\"type\": \"string\"`";
            return self.fail(rules::AVRO_ATTRIBUTE, "this field has no `type`".to_owned(), at, help);
        };
        let beside = match type_at.node.as_str().and_then(Primitive::parse) {
            // `{"name": "at", "type": "long", "logicalType": …}`: it must stand in the type, where it counts.
            Some(_) if at.get("logicalType").is_some() => Some(attributes.place("logicalType")),
            _ => None,
        };
        if let Some(place) = beside {
            let message = "a `logicalType` beside the type of a field means nothing".to_owned();
            let help = "put it into the type: `\"type\": {\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}`";
            self.found.push(Diagnostic::new(rules::AVRO_LOGICAL_TYPE, message, &place.location()).help(help));
        }
        let ty = self.ty(type_at, namespace, depth + 1);
        let aliases = self.strings(&attributes, "aliases")?;
        Some(Field {
            name: name?,
            location: at.location(),
            doc: attributes.text("doc"),
            aliases,
            ty: ty?,
            default: None,
        })
    }

    fn symbols(&mut self, attributes: &Attributes<'a>) -> Option<NamedKind> {
        let list = self.list(attributes, "symbols")?;
        if list.is_empty() {
            let message = "an enum must have symbols, but has none".to_owned();
            return self.fail(rules::AVRO_ATTRIBUTE, message, &attributes.place("symbols"), "list its values");
        }
        let symbols = self.strings(attributes, "symbols")?;
        let mut seen = HashSet::new();
        for (symbol, at) in symbols.iter().zip(list) {
            if !is_name(symbol) {
                self.fail::<()>(rules::AVRO_NAME, format!("`{symbol}` is no name in Avro"), &at, NAME_HELP);
            }
            if !seen.insert(symbol) {
                let message = format!("the symbol `{symbol}` is there twice");
                self.fail::<()>(rules::AVRO_DUPLICATE_NAME, message, &at, "remove one");
            }
        }
        let mut default = attributes.text("default");
        if default.as_ref().is_some_and(|default| !symbols.contains(default)) {
            let message = format!("the default `{}` is none of the symbols", default.unwrap_or_default());
            let at = attributes.place("default").location();
            let help = "name one of the symbols; the enum counts as having no default";
            self.found.push(Diagnostic::new(rules::AVRO_DEFAULT, message, &at).help(help));
            default = None;
        }
        Some(NamedKind::Enum { symbols, default })
    }

    fn fixed(&mut self, attributes: &Attributes<'a>) -> Option<NamedKind> {
        let size = attributes.at.get("size").and_then(|at| match &at.node.value {
            Value::Number(number) => u32::try_from(number.as_i128()?).ok(),
            _ => None,
        });
        let Some(size) = size else {
            let message = "a fixed must have a `size`, a number of bytes below 2^32".to_owned();
            let help = "say how many bytes it has, for example `\"size\": 16`";
            return self.fail(rules::AVRO_ATTRIBUTE, message, &attributes.place("size"), help);
        };
        let size = u64::from(size);
        Some(NamedKind::Fixed { size, logical: attributes.logical(Base::Fixed(size), self.found) })
    }

    /// The elements of an attribute that must be there and an array.
    fn list(&mut self, attributes: &Attributes<'a>, name: &str) -> Option<Vec<At<'a>>> {
        let list = attributes.at.get(name);
        match list.as_ref().and_then(|at| Some((at, at.node.as_array()?))) {
            Some((at, items)) => Some(elements(at, items)),
            None => {
                let message = match &list {
                    Some(at) => format!("`{name}` must be an array, but is {}", at.node.kind()),
                    None => format!("there must be an array `{name}` here"),
                };
                let help = if name == "fields" { "write `[]` for none" } else { "list the values that there are" };
                self.fail(rules::AVRO_ATTRIBUTE, message, &attributes.place(name), help)
            }
        }
    }

    /// The strings of an attribute; none when it is not there.
    fn strings(&mut self, attributes: &Attributes<'a>, name: &str) -> Option<Vec<String>> {
        let Some(at) = attributes.at.get(name) else { return Some(Vec::new()) };
        let strings = at.node.as_array().and_then(|items| {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<String>>>()
        });
        match strings {
            Some(strings) => Some(strings),
            None => {
                let message = format!("`{name}` must be an array of strings");
                self.fail(rules::AVRO_ATTRIBUTE, message, &at, "quote what YAML would read as another type")
            }
        }
    }
}

const NAME_HELP: &str =
    "names consist of letters of ASCII, digits and `_`, do not begin with a digit, and may not be empty";

/// What a logical type is a logical type of.
#[derive(Clone, Copy)]
pub(super) enum Base {
    Primitive(Primitive),
    Fixed(u64),
}

fn elements<'a>(at: &At<'a>, items: &'a [Node]) -> Vec<At<'a>> {
    items.iter().enumerate().map(|(index, node)| At::new(node, at.pointer.join(index.to_string()))).collect()
}

/// A name with a dot in it is full already.
fn full_name(name: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) if !name.contains('.') => format!("{namespace}.{name}"),
        _ => name.to_owned(),
    }
}
