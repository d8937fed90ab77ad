//! What is looked for: a value that fulfils all of some demands at once.

use std::rc::Rc;

use super::language::PatternId;
use crate::schema::SchemaId;

/// Which arena a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Side {
    Writer,
    Reader,
}

/// What a schema is asked to say of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Demand {
    Valid,
    /// Valid, and without members that the schema does not mention.
    Declared,
    Invalid,
}

/// One demand on a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Literal {
    Schema {
        side: Side,
        id: SchemaId,
        demand: Demand,
    },
    /// If it is a string: in the language, or not.
    Pattern(PatternId, bool),
    /// None of a list of values.
    Outside(OutsideId),
    /// It is a string.
    Text,
}

/// A list of values of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct OutsideId(pub(super) u32);

/// Demands in their one order.
pub(super) type Goal = Rc<[Literal]>;

/// The types among which a search distinguishes; integers are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    pub(super) const ALL: [Type; 6] =
        [Type::Null, Type::Boolean, Type::Number, Type::String, Type::Array, Type::Object];
}
