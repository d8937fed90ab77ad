//! Schemas that only one of the versions has: whether who was told nothing gets along with who is told something.
//!
//! A place without a schema stands for one: a key for anything, headers and queries for none of them (for any, where
//! schemas are read as they are written), a parameter for any text. So both versions have a schema, and the engine is
//! asked as it is asked of every other pair.

use super::compare::Versions;
use super::finding::{Counterexample, Direction};
use crate::schema::{Dialect, JsonType, Keywords, Reading, Schema, SchemaId, SchemaKind, Schemas};
use crate::source::Location;

/// What a place without a schema may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsaid {
    /// Anything.
    Anything,
    /// Members, none of which is known.
    Members,
    /// A text.
    Text,
}

/// The schemas that stand for what is not said, among those of a version.
#[derive(Clone, Copy, Debug)]
pub(super) struct StandIns {
    anything: SchemaId,
    none: SchemaId,
    any: SchemaId,
    text: SchemaId,
}

impl StandIns {
    /// Adds them to the schemas of a document.
    pub(super) fn add(schemas: &mut Schemas, location: &Location) -> Self {
        let mut add =
            |kind| schemas.add(Schema { location: location.clone(), name: None, dialect: Dialect::default(), kind });
        let of = |json_type| Keywords { types: Some(vec![json_type]), ..Keywords::default() };
        StandIns {
            anything: add(SchemaKind::Bool(true)),
            none: add(SchemaKind::Object(Box::new(Keywords { max_properties: Some(0), ..of(JsonType::Object) }))),
            any: add(SchemaKind::Object(Box::new(of(JsonType::Object)))),
            text: add(SchemaKind::Object(Box::new(of(JsonType::String)))),
        }
    }

    fn of(self, unsaid: Unsaid, reading: Reading) -> SchemaId {
        match (unsaid, reading) {
            (Unsaid::Anything, _) => self.anything,
            (Unsaid::Members, Reading::Declared) => self.none,
            (Unsaid::Members, Reading::AsWritten) => self.any,
            (Unsaid::Text, _) => self.text,
        }
    }
}

/// The only schema that there is of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OneSided {
    /// The old version's: the new one says nothing any more.
    Gone(SchemaId),
    /// The new version's: the old one said nothing.
    New(SchemaId),
}

/// Whether a reader accepts what a writer sends who was told nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Suits {
    /// It does.
    All,
    /// It does not.
    NotAll(Option<Counterexample>),
    /// Nobody knows, and why.
    Undecided(String),
}

impl OneSided {
    /// Of what both versions say; `None` where both or neither has a schema.
    pub(super) fn of(old: Option<SchemaId>, new: Option<SchemaId>) -> Option<Self> {
        match (old, new) {
            (Some(old), None) => Some(OneSided::Gone(old)),
            (None, Some(new)) => Some(OneSided::New(new)),
            _ => None,
        }
    }

    /// Whom it breaks, if it breaks anybody: whoever reads by the schema.
    pub(super) fn direction(self) -> Direction {
        match self {
            OneSided::Gone(_) => Direction::Forward,
            OneSided::New(_) => Direction::Backward,
        }
    }

    /// Who refuses what, for sentences.
    pub(super) fn who(self) -> &'static str {
        match self {
            OneSided::Gone(_) => "consumers of the old version refuse new events",
            OneSided::New(_) => "consumers of the new version refuse old events",
        }
    }
}

impl Versions<'_, '_> {
    /// Whether the version that has the schema accepts what the other one may send.
    pub(super) fn suits(&mut self, one: OneSided, unsaid: Unsaid) -> Suits {
        let reading = self.facts.reading();
        let (old, new) = match one {
            OneSided::Gone(old) => (old, self.new_stand_ins.of(unsaid, reading)),
            OneSided::New(new) => (self.old_stand_ins.of(unsaid, reading), new),
        };
        match self.schemas.refusal(one.direction(), old, new) {
            Ok(None) => Suits::All,
            Ok(example) => Suits::NotAll(example),
            Err(reason) => Suits::Undecided(reason),
        }
    }
}
