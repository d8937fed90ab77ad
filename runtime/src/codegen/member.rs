//! Reading member names: which of a list a key is, without allocating and without code per type.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// Reads a key as its index in `names`; an unknown one is `usize::MAX`.
///
/// `expected` is where to look first: members mostly come in the order of the list.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The members' names.
    pub names: &'static [&'static str],
    /// The index that is likely.
    pub expected: usize,
}

impl Names {
    fn index(self, key: &str) -> usize {
        if self.names.get(self.expected).is_some_and(|name| *name == key) {
            return self.expected;
        }
        self.names.iter().position(|name| *name == key).unwrap_or(usize::MAX)
    }
}

impl<'de> DeserializeSeed<'de> for Names {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Names {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<usize, E> {
        Ok(self.index(key))
    }
}

/// Reads a key as its index; an unknown one is an error.
#[derive(Clone, Copy, Debug)]
pub struct Closed(pub Names);

impl<'de> DeserializeSeed<'de> for Closed {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Closed {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<usize, E> {
        match self.0.index(key) {
            usize::MAX => Err(E::unknown_field(key, self.0.names)),
            index => Ok(index),
        }
    }
}

/// Reads a key as its index, or as the text that it is.
#[derive(Clone, Copy, Debug)]
pub struct KeepOthers(pub Names);

impl<'de> DeserializeSeed<'de> for KeepOthers {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeepOthers {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        match self.0.index(key) {
            usize::MAX => Ok(Err(key.to_owned())),
            index => Ok(Ok(index)),
        }
    }
}
