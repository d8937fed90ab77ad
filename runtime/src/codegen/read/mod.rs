//! Readers: how a field is read where `Deserialize` of its type accepts more or less than the schema. Generated code
//! names one behind `as`, such as `List<Maybe<Integer>>`; what names none is read by `Deserialize`. A reader asks the
//! format for what the type is (`deserialize_i64`, not `deserialize_any`), so it costs nothing extra.
//!
//! `number.rs` reads numbers, `format.rs` strings of a format, `nest.rs` whatever holds other values.

mod format;
mod nest;
mod number;

use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error};
use serde_json::Value;
use serde_path_to_error::{Path, Segment, Track};

/// What is in scope behind `as`.
pub mod readers {
    pub use super::format::{Date, DateTime, Ipv4, Ipv6, Uuid};
    pub use super::nest::{Boxed, List, Map, Maybe};
    pub use super::number::{Integer, Number};
    pub use super::{ReadAs, Same};
}

/// Reads a `T` in this reader's way.
pub trait ReadAs<'de, T> {
    /// Reads it.
    ///
    /// # Errors
    /// When the input is not what the schema says.
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error>;
}

/// By the type's own `Deserialize`.
#[derive(Debug)]
pub enum Same {}

impl<'de, T: Deserialize<'de>> ReadAs<'de, T> for Same {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}

/// A reader where serde wants a seed.
#[derive(Debug)]
pub struct As<R, T>(PhantomData<fn() -> (R, T)>);

/// A reader as a seed.
pub const fn read_as<R, T>() -> As<R, T> {
    As(PhantomData)
}

impl<'de, R: ReadAs<'de, T>, T> DeserializeSeed<'de> for As<R, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        R::read(deserializer)
    }
}

/// Reads what had to be collected first, and names the place where that fails.
///
/// # Errors
/// When the value is not what the reader accepts.
pub fn from_json<R, T, E: Error>(value: &Value) -> Result<T, E>
where
    R: for<'de> ReadAs<'de, T>,
{
    R::read(value).or_else(|_| {
        // A second time, to learn where it fails: the good case pays nothing for it.
        let mut track = Track::new();
        R::read(serde_path_to_error::Deserializer::new(value, &mut track))
            .map_err(|error| at_pointer(&segments(&track.path()), &error))
    })
}

fn segments(path: &Path) -> Vec<String> {
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().filter_map(segment).collect()
}

/// An error with the place where it happened, written as rules write it.
#[cold]
pub(super) fn at_pointer<S: AsRef<str>, E: Error>(segments: &[S], error: &impl std::fmt::Display) -> E {
    if segments.is_empty() {
        return E::custom(error);
    }
    let path: String =
        segments.iter().map(|name| format!("/{}", name.as_ref().replace('~', "~0").replace('/', "~1"))).collect();
    E::custom(format_args!("`{path}`: {error}"))
}

/// Reads with the reader, if one is named. It is named in a scope of its own: types of the user may have its name.
#[doc(hidden)]
#[macro_export]
macro_rules! __read {
    ($deserializer:expr) => {
        $crate::codegen::Deserialize::deserialize($deserializer)
    };
    ($deserializer:expr, $reader:ty) => {{
        #[allow(unused_imports, reason = "a reader may be named by its whole path")]
        use $crate::codegen::readers::*;
        <$reader as ReadAs<'_, _>>::read($deserializer)
    }};
}

/// The next value of a map.
#[doc(hidden)]
#[macro_export]
macro_rules! __read_value {
    ($map:ident) => {
        $map.next_value()
    };
    ($map:ident, $reader:ty) => {{
        #[allow(unused_imports, reason = "a reader may be named by its whole path")]
        use $crate::codegen::readers::*;
        $map.next_value_seed($crate::codegen::read_as::<$reader, _>())
    }};
}

/// The next item of an array.
#[doc(hidden)]
#[macro_export]
macro_rules! __read_element {
    ($array:ident) => {
        $array.next_element()
    };
    ($array:ident, $reader:ty) => {{
        #[allow(unused_imports, reason = "a reader may be named by its whole path")]
        use $crate::codegen::readers::*;
        $array.next_element_seed($crate::codegen::read_as::<$reader, _>())
    }};
}

/// What was collected, as the type that it is.
#[doc(hidden)]
#[macro_export]
macro_rules! __from_json {
    ($value:ident) => {
        $crate::codegen::from_json::<$crate::codegen::readers::Same, _, _>(&$value)
    };
    ($value:ident, $reader:ty) => {{
        #[allow(unused_imports, reason = "a reader may be named by its whole path")]
        use $crate::codegen::readers::*;
        $crate::codegen::from_json::<$reader, _, _>(&$value)
    }};
}
