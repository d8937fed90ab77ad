//! What a file can be referred to by besides pointers: `$id`, `$anchor` and their relatives.

use std::rc::Rc;

use super::{At, Base, uri};
use crate::schema::Dialect;
use crate::source::{Node, Pointer, Value};

/// What an identifier stands for.
pub(super) type Found<'a> = (String, At<'a>, Rc<Base<'a>>);

/// Walks a tree for identifiers.
///
/// Hardly any node has one, so pointers are put together only for those that do.
pub(super) struct Search<'a> {
    /// Whether the tree is nothing but a schema. Otherwise schemas may stand anywhere in it.
    pub(super) only_schemas: bool,
    /// Absolute URIs, and `uri#anchor`.
    pub(super) found: Vec<Found<'a>>,
    /// The way from the root to the node that is looked at.
    path: Vec<Step<'a>>,
}

/// One step down a tree.
#[derive(Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

/// Keywords that hold a schema or a list of them.
const SCHEMAS: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords that hold schemas by name.
const MAPS: &[&str] =
    &["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties", "schemas"];

/// Members that hold values, not schemas.
const VALUES: &[&str] = &["const", "default", "enum", "example", "examples"];

impl<'a> Search<'a> {
    pub(super) fn new(only_schemas: bool) -> Self {
        Search { only_schemas, found: Vec::new(), path: Vec::new() }
    }

    /// Looks through the tree below `node`, at first the root of a file.
    pub(super) fn schema(&mut self, node: &'a Node, base: &Rc<Base<'a>>, dialect: Dialect) {
        let object = match &node.value {
            Value::Object(object) => object,
            Value::Array(items) => {
                for (index, node) in items.iter().enumerate() {
                    self.below(Step::Item(index), node, base, dialect);
                }
                return;
            }
            _ => return,
        };
        let (mut own, mut dialect) = (base.clone(), dialect);
        // `$id`, `$anchor`, `$dynamicAnchor` and `$schema`.
        if object.iter().any(|(key, _)| key.name.starts_with('$')) {
            let at = self.at(node);
            dialect = declared_dialect(node).unwrap_or(dialect);
            own = enter(base, &at, dialect, self.only_schemas);
            if !Rc::ptr_eq(&own, base) {
                self.found.push((own.uri.clone(), at.clone(), own.clone()));
            }
            for anchor in anchors(node) {
                self.found.push((format!("{}#{anchor}", own.uri), at.clone(), own.clone()));
            }
        }
        for (key, node) in object.iter() {
            let name = key.name.as_str();
            if MAPS.contains(&name) {
                self.path.push(Step::Member(name));
                for (key, node) in node.as_object().into_iter().flat_map(|map| map.iter()) {
                    self.below(Step::Member(&key.name), node, &own, dialect);
                }
                self.path.pop();
            } else if SCHEMAS.contains(&name) || (!self.only_schemas && !VALUES.contains(&name)) {
                self.below(Step::Member(name), node, &own, dialect);
            }
        }
    }

    fn below(&mut self, step: Step<'a>, node: &'a Node, base: &Rc<Base<'a>>, dialect: Dialect) {
        self.path.push(step);
        self.schema(node, base, dialect);
        self.path.pop();
    }

    fn at(&self, node: &'a Node) -> At<'a> {
        let pointer = self.path.iter().fold(Pointer::root(), |pointer, step| match step {
            Step::Member(name) => pointer.join(name),
            Step::Item(index) => pointer.join(index),
        });
        At::new(node, pointer)
    }
}

fn anchors(node: &Node) -> impl Iterator<Item = &str> {
    let plain = ["$anchor", "$dynamicAnchor"].into_iter().filter_map(|name| node.get(name)?.as_str());
    // Draft-07 writes anchors as `$id: "#name"`.
    let draft7 = node.get("$id").and_then(Node::as_str).and_then(|id| id.split_once('#')).map(|(_, anchor)| anchor);
    plain.chain(draft7.filter(|anchor| !anchor.is_empty()))
}

/// The dialect that `$schema` names.
pub(crate) fn declared_dialect(node: &Node) -> Option<Dialect> {
    let schema = node.get("$schema")?.as_str()?;
    Some(match schema {
        _ if schema.contains("2020-12") => Dialect::Draft2020,
        _ if schema.contains("2019-09") => Dialect::Draft2019,
        _ if schema.contains("/draft-0") => Dialect::Draft7,
        _ => return None,
    })
}

/// The base inside of `at`: its own when it has an `$id`.
pub(super) fn enter<'a>(base: &Rc<Base<'a>>, at: &At<'a>, dialect: Dialect, strict: bool) -> Rc<Base<'a>> {
    if !base.has_identifiers || at.address() == base.root.address() && base.is_resource {
        return base.clone();
    }
    let ignores_siblings = strict && dialect == Dialect::Draft7;
    let id = at.node.get("$id").and_then(Node::as_str).filter(|_| !(ignores_siblings && at.reference().is_some()));
    let Some(id) = id.map(|id| id.split_once('#').map_or(id, |(id, _)| id)).filter(|id| !id.is_empty()) else {
        return base.clone();
    };
    Rc::new(Base {
        uri: uri::join(&base.uri, id),
        root: at.clone(),
        file: base.file,
        has_identifiers: true,
        is_resource: true,
    })
}
