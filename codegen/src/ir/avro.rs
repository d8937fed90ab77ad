//! What Avro adds to types: Rust types whose JSON is not their own, and what a definition is called in a union.

/// A type that is written in Avro's JSON encoding in a way that its Rust type does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AvroType {
    /// `f32`
    Float,
    /// `Vec<u8>`
    Bytes,
    /// `[u8; N]`, inside of a fixed's newtype
    Array(u64),
    /// `Vec<u8>` of one length, for a fixed that is too large for the stack
    SizedBytes(u64),
    /// `Uuid` of a fixed
    UuidFixed {
        /// The fixed's full name.
        branch: String,
    },
    /// `NaiveDate`
    Date,
    /// `NaiveTime`, in so many parts of a second
    Time(u32),
    /// `DateTime<Utc>`, in so many parts of a second
    Timestamp(u32),
    /// `NaiveDateTime`, in so many parts of a second
    LocalTimestamp(u32),
    /// `Decimal<PRECISION, SCALE>`
    Decimal {
        precision: u32,
        scale: u32,
        /// The name and size of the fixed; `None` for bytes.
        fixed: Option<(String, u64)>,
    },
    /// `Duration` of a fixed
    Duration {
        /// The fixed's full name.
        branch: String,
    },
    /// A type of the user's in the place of a named type.
    Custom {
        /// Its path.
        path: String,
        /// The named type's full name.
        branch: String,
    },
}

/// What Avro says of a named type of the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct AvroDefinition {
    /// What it is called as a branch of a union.
    pub(crate) branch: String,
    /// The schema as text, for the type of a whole payload.
    pub(crate) schema: Option<String>,
    /// For each field of a record, its other names.
    pub(crate) aliases: Vec<Vec<String>>,
    /// The variant of an enum that stands for symbols it does not know.
    pub(crate) default: Option<String>,
}
