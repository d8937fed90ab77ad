//! Reading member names: which of a type's members a key is, without allocating.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use super::json::Json;

/// The members of a type. Each type looks its names up itself, as a `match` of texts that the compiler knows: that is
/// what serde's derives do, and faster than any list.
pub trait Members {
    /// All of their names.
    const NAMES: &'static [&'static str];

    /// The index of a member; an unknown one is `usize::MAX`.
    fn index(name: &str) -> usize;
}

/// The index of a constant in its list, behind `before` other members; an unknown one is `usize::MAX`.
pub fn constant_index(constants: &[(&str, Json)], before: usize, name: &str) -> usize {
    constants.iter().position(|(constant, _)| *constant == name).map_or(usize::MAX, |at| before + at)
}

/// Reads a key as its index among the members of `M`.
#[derive(Debug)]
pub struct Names<M>(PhantomData<M>);

impl<M> Names<M> {
    /// For the members of `M`.
    pub const fn of() -> Self {
        Names(PhantomData)
    }
}

impl<'de, M: Members> DeserializeSeed<'de> for Names<M> {
    type Value = usize;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<M: Members> Visitor<'_> for Names<M> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    #[inline]
    fn visit_str<E: Error>(self, key: &str) -> Result<usize, E> {
        Ok(M::index(key))
    }
}

/// Reads a key as its index; an unknown one is an error.
#[derive(Debug)]
pub struct Closed<M>(pub Names<M>);

impl<'de, M: Members> DeserializeSeed<'de> for Closed<M> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<M: Members> Visitor<'_> for Closed<M> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<usize, E> {
        match M::index(key) {
            usize::MAX => Err(E::unknown_field(key, M::NAMES)),
            index => Ok(index),
        }
    }
}

/// Reads a key as its index, or as the text that it is.
#[derive(Debug)]
pub struct KeepOthers<M>(pub Names<M>);

impl<'de, M: Members> DeserializeSeed<'de> for KeepOthers<M> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<M: Members> Visitor<'_> for KeepOthers<M> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        match M::index(key) {
            usize::MAX => Ok(Err(key.to_owned())),
            index => Ok(Ok(index)),
        }
    }
}
