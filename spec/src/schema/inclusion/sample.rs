//! Values that the search makes up: trees with shared parts, so that a witness of a deep schema costs no more than its
//! description. At the end one of them becomes an ordinary [`Node`].

use std::rc::Rc;

use crate::source::{FileId, Key, Node, Number, Object, Span, Value};

/// A value, shared by whatever contains it.
pub(super) type Shared = Rc<Sample>;

/// A JSON value without a place.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) kind: Kind,
    /// How many values it consists of when nothing is shared.
    size: u64,
}

/// What a [`Sample`] is.
#[derive(Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(Rc<str>),
    Array(Vec<Shared>),
    Object(Vec<(Rc<str>, Shared)>),
}

impl Sample {
    pub(super) fn null() -> Shared {
        Rc::new(Sample { kind: Kind::Null, size: 1 })
    }

    pub(super) fn boolean(value: bool) -> Shared {
        Rc::new(Sample { kind: Kind::Bool(value), size: 1 })
    }

    pub(super) fn number(value: Number) -> Shared {
        Rc::new(Sample { kind: Kind::Number(value), size: 1 })
    }

    pub(super) fn text(value: impl Into<Rc<str>>) -> Shared {
        let value = value.into();
        let size = 1 + value.len() as u64 / 16;
        Rc::new(Sample { kind: Kind::Text(value), size })
    }

    pub(super) fn array(items: Vec<Shared>) -> Shared {
        let size = items.iter().fold(1u64, |size, item| size.saturating_add(item.size));
        Rc::new(Sample { kind: Kind::Array(items), size })
    }

    pub(super) fn object(members: Vec<(Rc<str>, Shared)>) -> Shared {
        let size = members.iter().fold(1u64, |size, (_, member)| size.saturating_add(member.size));
        Rc::new(Sample { kind: Kind::Object(members), size })
    }

    /// The value that a document contains.
    pub(super) fn of(node: &Node) -> Shared {
        match &node.value {
            Value::Null => Sample::null(),
            Value::Bool(value) => Sample::boolean(*value),
            Value::Number(number) => Sample::number(number.clone()),
            Value::String(text) => Sample::text(text.as_str()),
            Value::Array(items) => Sample::array(items.iter().map(Sample::of).collect()),
            Value::Object(object) => {
                Sample::object(object.iter().map(|(key, node)| (key.name.as_str().into(), Sample::of(node))).collect())
            }
        }
    }

    /// How many values it consists of when nothing is shared.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The value as a document would contain it; the caller has looked at [`Sample::size`].
    pub(super) fn to_node(&self) -> Node {
        let value = match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.to_string()),
            Kind::Array(items) => Value::Array(items.iter().map(|item| item.to_node()).collect()),
            Kind::Object(members) => {
                let mut object = Object::default();
                for (name, member) in members {
                    object.push(Key { name: name.to_string(), span: NOWHERE }, member.to_node());
                }
                Value::Object(object)
            }
        };
        Node { span: NOWHERE, value }
    }

    /// Equality as JSON Schema has it: numbers by value, members in any order.
    pub(super) fn equals(&self, other: &Sample) -> bool {
        if std::ptr::eq(self, other) {
            return true;
        }
        match (&self.kind, &other.kind) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool(a), Kind::Bool(b)) => a == b,
            (Kind::Number(a), Kind::Number(b)) => a.compare(b).is_eq(),
            (Kind::Text(a), Kind::Text(b)) => a == b,
            (Kind::Array(a), Kind::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            (Kind::Object(a), Kind::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(name, a)| b.iter().any(|(other, b)| name == other && a.equals(b)))
            }
            _ => false,
        }
    }
}

/// A made-up value stands in no file.
const NOWHERE: Span = Span { file: FileId(u32::MAX), start: 0, end: 0 };

/// A string as a value that can be checked.
pub(super) fn text_node(text: &str) -> Node {
    Node { span: NOWHERE, value: Value::String(text.to_owned()) }
}
