//! Types as Rust will know them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rule::{NamedRule, RuleId};
use super::{Additions, AvroDefinition, AvroType, Docs};

/// A named type of a [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DefinitionId(pub(crate) usize);

/// The named types of a module, in the order in which they are emitted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    pub(crate) definitions: Vec<Definition>,
    /// The rules that stand around types, and those that they refer to.
    pub(crate) rules: Vec<NamedRule>,
    /// What Avro says of those that come from Avro schemas.
    pub(crate) avro: BTreeMap<DefinitionId, AvroDefinition>,
}

impl Types {
    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (DefinitionId, &Definition)> {
        self.definitions.iter().enumerate().map(|(index, definition)| (DefinitionId(index), definition))
    }

    pub(crate) fn add(&mut self, definition: Definition) -> DefinitionId {
        self.definitions.push(definition);
        DefinitionId(self.definitions.len() - 1)
    }
}

impl std::ops::Index<DefinitionId> for Types {
    type Output = Definition;

    fn index(&self, id: DefinitionId) -> &Definition {
        &self.definitions[id.0]
    }
}

impl std::ops::IndexMut<DefinitionId> for Types {
    fn index_mut(&mut self, id: DefinitionId) -> &mut Definition {
        &mut self.definitions[id.0]
    }
}

/// A type where it is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    /// A named type of this module.
    Named(DefinitionId),
    /// `String`
    String,
    /// `bool`
    Bool,
    /// An integer.
    Integer(IntegerType),
    /// `f64`
    Number,
    /// `()`: JSON `null`.
    Null,
    /// `serde_json::Value`
    Any,
    /// `std::convert::Infallible`: nothing is valid.
    Never,
    /// `Option<T>`: `null` or a value.
    Nullable(Box<Type>),
    /// `Vec<T>`
    List(Box<Type>),
    /// `BTreeMap<String, T>`
    Map(Box<Type>),
    /// `(A, B)`: an array of exactly that many items.
    Tuple(Vec<Type>),
    /// `Box<T>`, where a type would contain itself.
    Boxed(Box<Type>),
    /// A type of another crate that a `format` stands for.
    Known(KnownType),
    /// A type of the user's, by its path.
    Custom(String),
    /// A type with an encoding of its own in Avro's JSON.
    Avro(AvroType),
}

impl Type {
    /// `Option<T>` of it; an `Option` stays as it is.
    pub(crate) fn nullable(self) -> Type {
        match self {
            Type::Nullable(_) | Type::Null | Type::Any => self,
            other => Type::Nullable(Box::new(other)),
        }
    }
}

/// A type that a `format` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KnownType {
    /// `chrono::DateTime<FixedOffset>`
    DateTime,
    /// `chrono::NaiveDate`
    Date,
    /// `uuid::Uuid`
    Uuid,
    /// `std::net::Ipv4Addr`
    Ipv4,
    /// `std::net::Ipv6Addr`
    Ipv6,
}

/// Rust's integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum IntegerType {
    /// `i8`
    I8,
    /// `u8`
    U8,
    /// `i16`
    I16,
    /// `u16`
    U16,
    /// `i32`
    I32,
    /// `u32`
    U32,
    /// `i64`
    I64,
    /// `u64`
    U64,
}

impl IntegerType {
    /// All of them, the smaller first, the signed before the unsigned of its width.
    pub(crate) const ALL: [IntegerType; 8] = [
        IntegerType::I8,
        IntegerType::U8,
        IntegerType::I16,
        IntegerType::U16,
        IntegerType::I32,
        IntegerType::U32,
        IntegerType::I64,
        IntegerType::U64,
    ];

    /// Rust's name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            IntegerType::I8 => "i8",
            IntegerType::U8 => "u8",
            IntegerType::I16 => "i16",
            IntegerType::U16 => "u16",
            IntegerType::I32 => "i32",
            IntegerType::U32 => "u32",
            IntegerType::I64 => "i64",
            IntegerType::U64 => "u64",
        }
    }

    /// Its smallest and largest value.
    pub(crate) fn range(self) -> (i128, i128) {
        match self {
            IntegerType::I8 => (i8::MIN.into(), i8::MAX.into()),
            IntegerType::U8 => (0, u8::MAX.into()),
            IntegerType::I16 => (i16::MIN.into(), i16::MAX.into()),
            IntegerType::U16 => (0, u16::MAX.into()),
            IntegerType::I32 => (i32::MIN.into(), i32::MAX.into()),
            IntegerType::U32 => (0, u32::MAX.into()),
            IntegerType::I64 => (i64::MIN.into(), i64::MAX.into()),
            IntegerType::U64 => (0, u64::MAX.into()),
        }
    }
}

/// A named type.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    /// Its name.
    pub(crate) name: String,
    /// Its documentation.
    pub(crate) docs: Docs,
    /// What it is.
    pub(crate) kind: Kind,
    /// What options add.
    pub(crate) additions: Additions,
}

/// What a named type is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Being lowered: only seen while a recursive schema is under way.
    Pending,
    /// An object with known members.
    Struct(Struct),
    /// One of some values.
    ValueEnum(ValueEnum),
    /// One of some types.
    Union(Union),
    /// Another type with checks.
    Newtype(Newtype),
    /// An array whose first items have types of their own.
    Tuple(TupleStruct),
}

/// An object.
#[derive(Clone, Debug)]
pub(crate) struct Struct {
    /// The members that are fields.
    pub(crate) fields: Vec<Field>,
    /// Members whose value is always the same: written and checked, but no field.
    pub(crate) constants: Vec<Constant>,
    /// What happens to other members.
    pub(crate) additional: Additional,
}

/// A member whose value is always the same.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    /// Its name in JSON.
    pub(crate) wire_name: String,
    /// Its value: a string, an integer or a boolean.
    pub(crate) value: Value,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// The field's name in Rust.
    pub(crate) name: String,
    /// The member's name in JSON.
    pub(crate) wire_name: String,
    /// The type, without the `Option` that an optional member adds.
    pub(crate) ty: Type,
    /// Whether it may be absent.
    pub(crate) presence: Presence,
    /// Its documentation.
    pub(crate) docs: Docs,
}

/// Whether a member may be absent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Presence {
    /// No.
    Required,
    /// Yes: the field is an `Option`.
    Optional,
    /// Yes: the field is an `Option` of the nullable type, so that absence and `null` differ.
    OptionalOrNull,
    /// Yes: then it has this value, a scalar that the type accepts; in Avro any value, in its JSON encoding.
    Default(Value),
}

/// What happens to members that are no fields.
#[derive(Clone, Debug)]
pub(crate) enum Additional {
    /// They are read over.
    Ignore,
    /// They are refused.
    Refuse,
    /// They are kept in a map.
    Keep {
        /// The map's field.
        field: String,
        /// The type of the values.
        ty: Type,
    },
}

/// One of some scalar values.
#[derive(Clone, Debug)]
pub(crate) struct ValueEnum {
    /// The values.
    pub(crate) variants: Vec<ValueVariant>,
    /// The variant for all other strings, if there is one.
    pub(crate) other: Option<String>,
}

impl ValueEnum {
    /// Whether all values are strings.
    pub(crate) fn is_string(&self) -> bool {
        self.variants.iter().all(|variant| variant.value.is_string())
    }
}

/// A value with a name.
#[derive(Clone, Debug)]
pub(crate) struct ValueVariant {
    /// The variant's name.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: Value,
}

/// One of some types.
#[derive(Clone, Debug)]
pub(crate) struct Union {
    /// The alternatives.
    pub(crate) variants: Vec<Variant>,
    /// How to tell which one is meant.
    pub(crate) tagging: Tagging,
}

/// An alternative.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// The variant's name.
    pub(crate) name: String,
    /// Its type.
    pub(crate) ty: Type,
    /// Its documentation.
    pub(crate) docs: Docs,
}

/// How to tell which alternative is meant.
#[derive(Clone, Debug)]
pub(crate) enum Tagging {
    /// A member of the object says it: for each alternative, the values that mean it.
    Member {
        /// The member.
        wire_name: String,
        /// Per alternative.
        values: Vec<Vec<String>>,
        /// Whether the types of the alternatives hold no other values of it.
        is_constant: bool,
    },
    /// The JSON type says it: for each alternative, the types that mean it.
    JsonType(Vec<Vec<event_api_spec::schema::JsonType>>),
    /// A rule says it, for each alternative.
    Rule {
        /// Whether exactly one may accept (`oneOf`), or the first that does is meant (`anyOf`).
        exactly_one: bool,
        /// Per alternative.
        rules: Vec<RuleId>,
    },
    /// The only member of an object is named after it: for each alternative, how (Avro's JSON encoding).
    Branch(Vec<String>),
}

/// Another type with checks.
#[derive(Clone, Debug)]
pub(crate) struct Newtype {
    /// What it holds.
    pub(crate) inner: Type,
    /// What must be true of it.
    pub(crate) checks: Vec<Check>,
}

/// What must be true of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Check {
    /// `minLength`, in Unicode scalar values
    MinLength(u64),
    /// `maxLength`, in Unicode scalar values
    MaxLength(u64),
    /// `pattern`, ECMA-262
    Pattern(String),
    /// `minimum` of an integer
    MinInteger(i128),
    /// `maximum` of an integer
    MaxInteger(i128),
    /// `multipleOf` of an integer, itself one
    MultipleOfInteger(i128),
    /// `minimum`, as written
    Min(String),
    /// `maximum`, as written
    Max(String),
    /// `exclusiveMinimum`, as written
    ExclusiveMin(String),
    /// `exclusiveMaximum`, as written
    ExclusiveMax(String),
    /// `multipleOf`, as written
    MultipleOf(String),
    /// `minItems`
    MinItems(u64),
    /// `maxItems`
    MaxItems(u64),
    /// `uniqueItems`
    UniqueItems,
    /// `minProperties`
    MinProperties(u64),
    /// `maxProperties`
    MaxProperties(u64),
    /// Every key matches one of these patterns, ECMA-262.
    Keys(Vec<String>),
    /// What no other check says.
    Rule(RuleId),
}

/// An array whose first items have types of their own.
#[derive(Clone, Debug)]
pub(crate) struct TupleStruct {
    /// The first items.
    pub(crate) items: Vec<Type>,
    /// How many must be there.
    pub(crate) min_items: usize,
    /// The type of further items; `None` when there must be none.
    pub(crate) rest: Option<Type>,
}
