//! Where exactly a keyword or a key is written.
//!
//! The model keeps the place of every object but not of every field, because nobody asks until something is wrong.
//! Then the field is looked up in the tree that the file was read into.

use crate::resolve::Resolver;
use crate::source::{Key, Location, Node, Value};

/// Finds fields in the files of a document.
pub(super) struct Places<'a> {
    resolver: &'a Resolver<'a>,
}

impl<'a> Places<'a> {
    pub(super) fn new(resolver: &'a Resolver<'a>) -> Self {
        Places { resolver }
    }

    /// The value at `path` below an object; the object itself when the field came from somewhere else, as from a trait.
    pub(super) fn value(&self, object: &Location, path: &[&str]) -> Location {
        self.find(object, path).map_or_else(|| object.clone(), |found| found.value)
    }

    /// The key of the member at `path` below an object; with an empty path, the object's own key.
    pub(super) fn key(&self, object: &Location, path: &[&str]) -> Location {
        let Some(found) = self.find(object, path) else { return object.clone() };
        match found.key {
            Some(key) => Location { span: key.span, pointer: found.value.pointer },
            None => found.value,
        }
    }

    /// Whether the object is written with the member `name`.
    pub(super) fn has(&self, object: &Location, name: &str) -> bool {
        self.find(object, &[name]).is_some()
    }

    /// The string that the member `name` of the object is written as.
    pub(super) fn text(&self, object: &Location, name: &str) -> Option<String> {
        let span = self.find(object, &[name])?.value.span;
        let text = self.resolver.sources.file(span.file).text().get(span.start as usize..span.end as usize)?;
        Some(text.to_owned())
    }

    fn find(&self, object: &Location, path: &[&str]) -> Option<Found> {
        let (mut node, mut key) = (self.resolver.tree(object.span.file)?, None);
        for token in object.pointer.tokens() {
            (key, node) = step(node, &token)?;
        }
        let mut pointer = object.pointer.clone();
        for token in path {
            // What was written elsewhere is not looked up here.
            (key, node) = step(node, token)?;
            pointer = pointer.join(token);
        }
        Some(Found { value: Location { span: node.span, pointer }, key: key.cloned() })
    }
}

struct Found {
    value: Location,
    key: Option<Key>,
}

fn step<'n>(node: &'n Node, token: &str) -> Option<(Option<&'n Key>, &'n Node)> {
    match &node.value {
        Value::Object(object) => {
            object.iter().find(|(key, _)| key.name == token).map(|(key, value)| (Some(key), value))
        }
        Value::Array(items) => Some((None, items.get(token.parse::<usize>().ok()?)?)),
        _ => None,
    }
}
