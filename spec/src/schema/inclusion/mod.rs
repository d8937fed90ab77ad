//! Schema inclusion: is every value that one schema accepts valid for another?
//!
//! Two schemas go in, of one arena or of two; a [`Verdict`] comes out. It is decided by looking for a counterexample, a
//! value that the writer's schema accepts and the reader's refuses: type by type, alternative by alternative, exactly for
//! every keyword. When the search ends without one, there is none. A counterexample is checked like any other value
//! before it is shown.

mod array;
mod branch;
mod classes;
pub(crate) mod equal;
mod expand;
mod goal;
mod judge;
mod language;
mod leaf;
mod made;
mod number;
mod object;
mod outcome;
mod sample;
mod search;

use std::fmt;

use goal::{Demand, Literal, Side};
use outcome::Outcome;
pub use outcome::Reason;
use search::{MAX_SIZE, Search};

use super::{SchemaId, Schemas};
use crate::source::{Node, Value};

/// What a writer may send of what its schema accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reading {
    /// What the schema declares: an object that has `properties` and no `additionalProperties` has no other members, for
    /// a publisher made from the schema cannot write them.
    #[default]
    Declared,
    /// Whatever the schema accepts.
    AsWritten,
}

/// Whether a reader accepts whatever a writer sends.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// Every value of the writer is valid for the reader.
    Compatible,
    /// Not every one.
    Incompatible {
        /// A value that the writer may send and the reader refuses: checked against both schemas.
        witness: Witness,
    },
    /// It could not be decided within the limits.
    Unknown {
        /// Why not.
        reason: Reason,
    },
}

/// A value that a writer may send and a reader refuses.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness(Node);

impl Witness {
    /// The value. Its spans stand for nothing.
    pub fn node(&self) -> &Node {
        &self.0
    }

    /// The value as plain JSON; see [`Node::to_json`].
    pub fn to_json(&self) -> serde_json::Value {
        self.0.to_json()
    }
}

/// JSON on one line, with every digit of every number.
impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_json(&self.0, f)
    }
}

fn write_json(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match &node.value {
        Value::Null => f.write_str("null"),
        Value::Bool(value) => write!(f, "{value}"),
        Value::Number(number) => write!(f, "{number}"),
        Value::String(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
        Value::Array(items) => {
            f.write_str("[")?;
            for (index, item) in items.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { "," })?;
                write_json(item, f)?;
            }
            f.write_str("]")
        }
        Value::Object(object) => {
            f.write_str("{")?;
            for (index, (key, member)) in object.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { "," })?;
                write!(f, "{}:", serde_json::Value::from(key.name.as_str()))?;
                write_json(member, f)?;
            }
            f.write_str("}")
        }
    }
}

/// Compares schemas of a writer's document with schemas of a reader's. What was found out about one pair is remembered
/// for the next.
///
/// ```
/// use event_api_spec::Loader;
/// use event_api_spec::schema::{Dialect, Inclusion, Reading, Verdict};
///
/// let load = |text| Loader::new().load_schema_text("schema.json", text, Dialect::Draft7);
/// let writer = load(r#"{"type": "integer", "minimum": 0}"#);
/// let reader = load(r#"{"type": "number", "maximum": 9}"#);
/// let mut inclusion = Inclusion::new(&writer.schemas, &reader.schemas, Reading::AsWritten);
/// match inclusion.decide(writer.root.unwrap(), reader.root.unwrap()) {
///     Verdict::Incompatible { witness } => assert_eq!(witness.to_string(), "10"),
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(Debug)]
pub struct Inclusion<'s> {
    search: Search<'s>,
    reading: Reading,
}

impl<'s> Inclusion<'s> {
    /// For the schemas of two documents, which may be the same.
    pub fn new(writer: &'s Schemas, reader: &'s Schemas, reading: Reading) -> Self {
        Inclusion { search: Search::new(writer, reader), reading }
    }

    /// Whether every value that `writer` may send is valid for `reader`.
    pub fn decide(&mut self, writer: SchemaId, reader: SchemaId) -> Verdict {
        let demand = self.demand();
        self.search.begin();
        let outcome = self.search.find(vec![
            Literal::Schema { side: Side::Writer, id: writer, demand },
            Literal::Schema { side: Side::Reader, id: reader, demand: Demand::Invalid },
        ]);
        let sample = match outcome {
            Outcome::Empty => return Verdict::Compatible,
            Outcome::Unknown(reason) => return Verdict::Unknown { reason },
            Outcome::Found(sample) if sample.size() > MAX_SIZE => {
                return Verdict::Unknown { reason: Reason::TooLarge };
            }
            Outcome::Found(sample) => sample,
        };
        let witness = sample.to_node();
        let sent = self.search.accepts(Side::Writer, writer, &witness);
        let read = self.search.accepts(Side::Reader, reader, &witness);
        match (sent, read) {
            (Some(true), Some(false)) => Verdict::Incompatible { witness: Witness(witness) },
            _ => Verdict::Unknown { reason: Reason::Unconfirmed },
        }
    }

    /// A value that `writer` may send, however little it says; `None` when none was found within the limits.
    pub(crate) fn sample(&mut self, writer: SchemaId) -> Option<Node> {
        self.search.begin();
        let outcome = self.search.find(vec![Literal::Schema { side: Side::Writer, id: writer, demand: self.demand() }]);
        match outcome {
            Outcome::Found(sample) if sample.size() <= MAX_SIZE => Some(sample.to_node()),
            _ => None,
        }
    }

    /// The value as a witness, if `writer` accepts it and `reader` refuses it.
    pub(crate) fn witness(&mut self, writer: SchemaId, reader: SchemaId, value: Node) -> Option<Witness> {
        self.search.begin();
        let sent = self.search.accepts(Side::Writer, writer, &value);
        let read = self.search.accepts(Side::Reader, reader, &value);
        matches!((sent, read), (Some(true), Some(false))).then_some(Witness(value))
    }

    fn demand(&self) -> Demand {
        match self.reading {
            Reading::Declared => Demand::Declared,
            Reading::AsWritten => Demand::Valid,
        }
    }

    /// Schemas for which the answer is the same as for these: those that stand for all that say the same.
    pub(crate) fn representatives(&mut self, writer: SchemaId, reader: SchemaId) -> (SchemaId, SchemaId) {
        (self.representative(writer), self.search.meant(Side::Reader, reader))
    }

    /// The writer's schema that stands for all of its own that say the same.
    pub(crate) fn representative(&mut self, writer: SchemaId) -> SchemaId {
        self.search.meant(Side::Writer, writer)
    }

    /// How many steps the last decision took: what bounds it, whatever the machine.
    pub fn steps(&self) -> usize {
        self.search.steps()
    }
}
