//! What can be wrong with Avro's binary encoding.

/// Why a value is not written as, or not read from, Avro's binary encoding.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AvroError {
    /// The schema is not one that the generator writes.
    #[error("the Avro schema cannot be read: {0}")]
    Schema(String),
    /// The value cannot be written: for example a time that its logical type cannot hold, or a number that is none.
    #[error("the value cannot be written as Avro: {0}")]
    Value(#[source] serde_json::Error),
    /// The value is not what the schema demands at a place in it.
    #[error("{path}: {problem}, where the Avro schema has `{expected}`")]
    Mismatch {
        /// The place: the names of fields and the indexes of items on the way to it.
        path: String,
        /// What is there.
        problem: String,
        /// What the schema has there.
        expected: String,
    },
    /// The bytes are no value of the schema, or were written with another one.
    #[error("byte {offset}: {problem}")]
    Bytes {
        /// How many bytes were read before.
        offset: usize,
        /// What is wrong.
        problem: String,
    },
    /// The bytes are a value of the Avro schema, but not one that the type accepts.
    #[error("the Avro value is not accepted: {0}")]
    Rejected(#[source] serde_json::Error),
}
