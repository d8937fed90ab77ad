//! Avro's JSON encoding of generated types.
//!
//! Rust's types say less than Avro's: a `Vec<u8>` is a text, an `Option<String>` is `null` or `{"string": …}`, a
//! `DateTime` counts milliseconds or microseconds. A [`Coder`] says how a type is written where it is used; generated
//! code puts one at each field and alternative.

mod coder;
mod record;
mod time;
mod union;

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

use crate::codegen::Invalid;

pub use coder::{
    ByteArray, ByteText, DecimalFixed, DecimalText, Double, DurationFixed, Each, Float, NullOr, Optional, OrDefault,
    Same, UuidFixed, Values,
};
pub use time::{Days, LocalTimestampOf, TimeOf, TimestampOf};
pub use union::{BranchName, several_members};

/// How values of a type are written as JSON, and read.
pub trait Coder<T> {
    /// Writes a value.
    ///
    /// # Errors
    /// When the serializer fails, or the encoding has no such value.
    fn write<S: Serializer>(&self, value: &T, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads a value.
    ///
    /// # Errors
    /// When there is none of the type.
    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error>;
}

/// A value with its coder, to be written.
#[derive(Debug)]
pub struct Written<'a, T, C>(pub &'a T, pub &'a C);

impl<T, C: Coder<T>> Serialize for Written<'_, T, C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.1.write(self.0, serializer)
    }
}

/// A coder, to read with.
#[derive(Debug)]
pub struct Reading<'a, T, C>(&'a C, PhantomData<T>);

impl<'a, T, C: Coder<T>> Reading<'a, T, C> {
    /// Reads with this coder.
    pub fn by(coder: &'a C) -> Self {
        Reading(coder, PhantomData)
    }
}

impl<'de, T, C: Coder<T>> DeserializeSeed<'de> for Reading<'_, T, C> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        self.0.read(deserializer)
    }
}

/// Reads a key as what a function makes of it.
#[derive(Clone, Copy, Debug)]
pub struct Member(pub fn(&str) -> usize);

impl<'de> DeserializeSeed<'de> for Member {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Member {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<usize, E> {
        Ok((self.0)(key))
    }
}

/// The default of a field that is not there.
///
/// # Errors
/// When the text is no value of the field, which the generator has checked.
pub fn default_value<T, E: Error>(coder: &impl Coder<T>, text: &str) -> Result<T, E> {
    coder.read(&mut serde_json::Deserializer::from_str(text)).map_err(E::custom)
}

/// Whether there are exactly `size` bytes.
///
/// # Errors
/// When there are fewer or more.
pub fn check_size(bytes: &[u8], size: usize) -> Result<(), Invalid> {
    if bytes.len() == size { Ok(()) } else { Err(Invalid::size(bytes.len(), size)) }
}

/// The schema, and the binary encoding, of the type of a whole payload.
#[doc(hidden)]
#[macro_export]
macro_rules! __avro_payload {
    ($name:ident, $schema:literal) => {
        impl $name {
            /// The Avro schema, as JSON text that needs no other text.
            pub const AVRO_SCHEMA: &'static str = $schema;

            /// The value in Avro's binary encoding, without a schema or a header.
            ///
            /// # Errors
            /// When it holds something that Avro cannot say, such as a time out of the range of its logical type.
            pub fn to_avro(&self) -> ::core::result::Result<::std::vec::Vec<u8>, $crate::avro::AvroError> {
                $crate::codegen::to_avro(Self::__avro_schema(), self)
            }

            /// The value of bytes that were written with the same schema.
            ///
            /// # Errors
            /// When they are no such value.
            pub fn from_avro(bytes: &[u8]) -> ::core::result::Result<Self, $crate::avro::AvroError> {
                $crate::codegen::from_avro(Self::__avro_schema(), bytes)
            }

            fn __avro_schema() -> &'static $crate::avro::LazySchema {
                static SCHEMA: $crate::avro::LazySchema = $crate::avro::LazySchema::new($schema);
                &SCHEMA
            }
        }
    };
}
