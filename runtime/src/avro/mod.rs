//! Payloads that a document describes in Apache Avro.
//!
//! The generated types of such payloads are carried like all others: as JSON, in the log, in feeds and by webhooks. The
//! JSON is Avro's own JSON encoding: bytes are text of the code points 0 to 255, and a value of a union that is not
//! `null` is an object with one member, named after the branch: `{"string": "x"}`. Where a broker or a file wants Avro's
//! binary encoding, the type of the whole payload has it:
//!
//! - `AVRO_SCHEMA`: the schema as JSON text that needs no other text, for a schema registry or another implementation;
//! - `to_avro()`: the value in the binary encoding, as bare as the specification has it: without the schema, without
//!   the header of an object container file, without the prefix of a schema registry;
//! - `from_avro(bytes)`: the value of such bytes, which must have been written with the same schema. To read what was
//!   written with another version, resolve it first by a crate such as `apache-avro`, with `AVRO_SCHEMA` as the
//!   reader's schema.
//!
//! Reading is bounded by the input, in memory and in depth, whatever the bytes say.

mod binary;
mod decimal;
mod error;
mod schema;

pub(crate) use binary::{bytes_of, decode, encode, text_of};
pub use decimal::Decimal;
pub use error::AvroError;
#[doc(hidden)]
pub use schema::LazySchema;
pub(crate) use schema::{Kind, Schema, Shape};

/// `timestamp-millis`, `timestamp-micros`, `timestamp-nanos`: an instant. What is finer than the unit is cut off when
/// it is written.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// `local-timestamp-millis`, `local-timestamp-micros`, `local-timestamp-nanos`: a date and a time of day, wherever that
/// is. What is finer than the unit is cut off when it is written.
pub type LocalTimestamp = chrono::NaiveDateTime;

/// `time-millis`, `time-micros`: a time of day. What is finer than the unit is cut off when it is written.
pub type TimeOfDay = chrono::NaiveTime;

/// `duration`: months, days and milliseconds, none of which can be expressed in the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Duration {
    /// Months.
    pub months: u32,
    /// Days.
    pub days: u32,
    /// Milliseconds.
    pub millis: u32,
}

impl Duration {
    /// Three integers of 32 bits, little-endian.
    pub(crate) fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        for (place, part) in bytes.chunks_exact_mut(4).zip([self.months, self.days, self.millis]) {
            place.copy_from_slice(&part.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; 12]) -> Self {
        let part = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Duration { months: part(0), days: part(4), millis: part(8) }
    }
}
