//! Merges traits into what uses them, before anything is read from either.
//!
//! 2.x: traits patch the object in their order, by JSON Merge Patch (RFC 7386). 3.x: the same among the traits, but what
//! the object itself says stays ("a property on a trait MUST NOT override the same property on the target object").

use super::Reader;
use super::fields::{Entry, Fields, article, entries};
use crate::diagnostic::Diagnostic;
use crate::resolve::At;
use crate::rules;
use crate::source::{Location, Node, Object, Value};

impl<'a> Reader<'a> {
    /// The members of `at` with its traits merged in, and the traits themselves.
    pub(crate) fn with_traits(
        &mut self,
        at: &At<'a>,
        what: &'static str,
        section: &'static str,
    ) -> Option<(Fields<'a>, Vec<At<'a>>)> {
        let mut own = Fields::of(at, what, &mut self.found)?;
        let listed = own.list("traits", &mut self.found).unwrap_or_default();
        let traits: Vec<At<'a>> = listed.into_iter().filter_map(|at| self.dereference(at, section)).collect();
        let mut layers: Vec<At<'a>> = traits.clone();
        layers.retain(|layer| {
            let is_object = layer.node.as_object().is_some();
            if !is_object {
                // Reported by the reader of fields.
                Fields::of(layer, "Trait Object", &mut self.found);
            }
            is_object
        });
        let target = if self.version.is_v3() { layers.len() } else { 0 };
        layers.insert(target, at.clone());
        let mut merged: Vec<Entry<'a>> = Vec::new();
        for (index, layer) in layers.iter().enumerate() {
            for entry in entries(layer).unwrap_or_default() {
                if entry.key.name == "traits" {
                    continue;
                }
                let position = merged.iter().position(|known| known.key.name == entry.key.name);
                match position {
                    None => merged.push(entry),
                    Some(position) if entry.node.value == Value::Null => {
                        merged.remove(position);
                    }
                    Some(position) => {
                        let known = merged[position].clone();
                        let node = self.merge(&known, &entry);
                        // What is put together counts as written where the object itself is.
                        let is_merged = !std::ptr::eq(node, entry.node);
                        let place = if is_merged && index != target { known } else { entry };
                        merged[position] = Entry { node, ..place };
                    }
                }
            }
        }
        let mut fields = Fields::from_entries(what, at.location(), merged);
        // So that it is offered as a near name.
        fields.take("traits");
        Some((fields, traits))
    }

    /// Says which members a trait must leave to the objects that use it. They are merged all the same: what the author
    /// means is plain. `None` when the trait is no object.
    pub(super) fn check_trait(&mut self, at: &At<'a>, what: &'static str, of_target: &[&str]) -> Option<()> {
        Fields::of(at, what, &mut self.found)?;
        for entry in entries(at)?.into_iter().filter(|entry| of_target.contains(&entry.key.name.as_str())) {
            let name = &entry.key.name;
            let message = format!("{} has no field `{name}`", article(what));
            let location = Location { span: entry.key.span, pointer: entry.pointer };
            let help = format!("write `{name}` in the objects that use the trait");
            self.found.push(Diagnostic::new(rules::UNKNOWN_FIELD, message, &location).help(help));
        }
        Some(())
    }

    fn merge(&mut self, base: &Entry<'a>, patch: &Entry<'a>) -> &'a Node {
        if std::ptr::eq(base.node, patch.node) {
            return patch.node;
        }
        let (Value::Object(_), Value::Object(_)) = (&base.node.value, &patch.node.value) else { return patch.node };
        // A reference patched by an object means what it refers to.
        let base = self.resolver.follow(At::new(base.node, base.pointer.clone()));
        let over = self.resolver.follow(At::new(patch.node, patch.pointer.clone()));
        let (Ok(base), Ok(over)) = (base, over) else { return patch.node };
        if base.at.address() == over.at.address() {
            return patch.node;
        }
        match (&base.at.node.value, &over.at.node.value) {
            (Value::Object(left), Value::Object(right)) if self.may_copy(&base.at, &over.at.location()) => {
                let value = Value::Object(patched(left, right));
                self.store.merged.push(Node { span: patch.node.span, value })
            }
            _ => patch.node,
        }
    }
}

/// RFC 7386, section 2. References deeper down count as they stand.
fn patched(base: &Object, patch: &Object) -> Object {
    let mut result = Object::default();
    for (key, node) in base.iter() {
        match patch.get(&key.name) {
            None => result.push(key.clone(), node.clone()),
            Some(Node { value: Value::Null, .. }) => {}
            Some(over) => {
                let is_reference = node.get("$ref").is_some() || over.get("$ref").is_some();
                let value = match (&node.value, &over.value) {
                    (Value::Object(left), Value::Object(right)) if !is_reference => Value::Object(patched(left, right)),
                    _ => over.value.clone(),
                };
                result.push(key.clone(), Node { span: over.span, value });
            }
        }
    }
    for (key, node) in patch.iter() {
        if base.get(&key.name).is_none() && node.value != Value::Null {
            result.push(key.clone(), node.clone());
        }
    }
    result
}
