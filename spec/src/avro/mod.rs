//! Avro schemas: the payloads that a document describes in Apache Avro 1.12 or earlier, as a model with positions.
//!
//! `read.rs` (with `attributes.rs`) makes [`Type`]s of nodes and reports what is wrong with them, `value.rs` reads defaults, `shared.rs` finds
//! out which named types of several payloads are the same, and `text.rs` writes a schema back, complete in itself.
//! Names are resolved here: a [`Type`] refers to a record, enum or fixed by its id in [`Schemas`], so recursion is an id.

mod attributes;
mod read;
mod shared;
mod text;
mod value;

use std::fmt;

pub(crate) use read::read;
pub(crate) use shared::Shared;

use crate::source::Location;

/// The records, enums and fixed types of a document's Avro schemas. Types of one full name that say the same in
/// several payloads are one.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    named: Vec<Named>,
}

impl Schemas {
    /// All of them, in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (NamedId, &Named)> {
        self.named.iter().enumerate().map(|(index, named)| (NamedId(index as u32), named))
    }
}

impl std::ops::Index<NamedId> for Schemas {
    type Output = Named;

    fn index(&self, id: NamedId) -> &Named {
        &self.named[id.0 as usize]
    }
}

/// A named type of a [`Schemas`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedId(pub(crate) u32);

/// A type where it is used.
#[derive(Clone, Debug)]
pub struct Type {
    /// Where it is written.
    pub location: Location,
    /// What it is.
    pub kind: Kind,
}

/// What a type is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// One of the primitive types, with what it stands for.
    Primitive(Primitive, Option<Logical>),
    /// `array`, of such items
    Array(Box<Type>),
    /// `map`, with such values
    Map(Box<Type>),
    /// One of several types: no union among them, and no two that are told apart by nothing.
    Union(Vec<Type>),
    /// A record, an enum or a fixed.
    Named(NamedId),
}

/// The types without a name and without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Primitive {
    /// `null`
    Null,
    /// `boolean`
    Boolean,
    /// `int`: 32 bits, signed
    Int,
    /// `long`: 64 bits, signed
    Long,
    /// `float`: 32 bits, IEEE 754
    Float,
    /// `double`: 64 bits, IEEE 754
    Double,
    /// `bytes`
    Bytes,
    /// `string`
    String,
}

impl Primitive {
    /// All of them.
    pub const ALL: [Primitive; 8] = [
        Primitive::Null,
        Primitive::Boolean,
        Primitive::Int,
        Primitive::Long,
        Primitive::Float,
        Primitive::Double,
        Primitive::Bytes,
        Primitive::String,
    ];

    /// What schemas call it.
    pub fn name(self) -> &'static str {
        match self {
            Primitive::Null => "null",
            Primitive::Boolean => "boolean",
            Primitive::Int => "int",
            Primitive::Long => "long",
            Primitive::Float => "float",
            Primitive::Double => "double",
            Primitive::Bytes => "bytes",
            Primitive::String => "string",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|primitive| primitive.name() == name)
    }
}

/// What a type stands for beyond how it is encoded ("Logical Types"). One that is unknown or not allowed for its type
/// counts as not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Logical {
    /// `decimal`, of `bytes` or a fixed: an unscaled integer, two's complement, big-endian
    Decimal {
        /// How many decimal digits at most.
        precision: u32,
        /// How many of them stand behind the point.
        scale: u32,
    },
    /// `uuid`, of a `string` or a fixed of 16 bytes
    Uuid,
    /// `date`, of an `int`: days since 1970-01-01
    Date,
    /// `time-millis`, `time-micros`: since midnight
    Time(Unit),
    /// `timestamp-millis`, `-micros`, `-nanos`, of a `long`: since 1970-01-01 00:00 UTC
    Timestamp(Unit),
    /// `local-timestamp-millis`, `-micros`, `-nanos`, of a `long`: a date and time of day without a time zone
    LocalTimestamp(Unit),
    /// `duration`, of a fixed of 12 bytes: months, days and milliseconds
    Duration,
}

/// The unit of a logical type of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A thousandth of a second.
    Millis,
    /// A millionth of a second.
    Micros,
    /// A billionth of a second.
    Nanos,
}

/// A type with a name.
#[derive(Clone, Debug)]
pub struct Named {
    /// The full name: `com.example.User`.
    pub name: String,
    /// Where it is defined.
    pub location: Location,
    /// `doc`
    pub doc: Option<String>,
    /// `aliases`, as full names
    pub aliases: Vec<String>,
    /// What it is.
    pub kind: NamedKind,
}

impl Named {
    /// The name without its namespace.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

/// What a named type is.
#[derive(Clone, Debug)]
pub enum NamedKind {
    /// `record` (and `error`)
    Record(Vec<Field>),
    /// `enum`
    Enum {
        /// `symbols`
        symbols: Vec<String>,
        /// `default`: what a reader takes for a symbol that it does not know
        default: Option<String>,
    },
    /// `fixed`
    Fixed {
        /// How many bytes.
        size: u64,
        /// What they stand for.
        logical: Option<Logical>,
    },
}

/// A field of a record.
#[derive(Clone, Debug)]
pub struct Field {
    /// `name`
    pub name: String,
    /// Where it is written.
    pub location: Location,
    /// `doc`
    pub doc: Option<String>,
    /// `aliases`
    pub aliases: Vec<String>,
    /// `type`
    pub ty: Type,
    /// `default`; one that is no value of the type was reported and is left out.
    pub default: Option<FieldDefault>,
}

/// What a reader takes for a field that the writer does not have.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDefault {
    /// As the schema writes it: a value of a union without the name of its branch.
    pub written: serde_json::Value,
    /// In Avro's JSON encoding.
    pub encoded: serde_json::Value,
    /// Whether it is a value of a union's first branch, which implementations before Avro 1.12 demand.
    pub of_first_branch: bool,
}

impl Schemas {
    /// What JSON calls a type when it is a branch of a union ("JSON Encoding"): the name of the type.
    pub fn branch_name(&self, ty: &Type) -> &str {
        match &ty.kind {
            Kind::Primitive(primitive, _) => primitive.name(),
            Kind::Array(_) => "array",
            Kind::Map(_) => "map",
            Kind::Union(_) => "union",
            Kind::Named(id) => &self[*id].name,
        }
    }
}

impl Type {
    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Primitive(Primitive::Null, _))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unit::Millis => "millis",
            Unit::Micros => "micros",
            Unit::Nanos => "nanos",
        })
    }
}
