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
    #[inline]
    fn index(self, key: &str) -> usize {
        match self.names.get(self.expected) {
            Some(name) if is_same(name, key) => self.expected,
            _ => self.search(key),
        }
    }

    /// What is written in the order of the list, with optional members left out, is found ahead of the likely one.
    fn search(self, key: &str) -> usize {
        let (before, ahead) = self.names.split_at_checked(self.expected).unwrap_or((self.names, &[]));
        let find = |names: &[&str]| names.iter().position(|name| is_same(name, key));
        let found = find(ahead).map(|at| before.len() + at).or_else(|| find(before));
        found.unwrap_or(usize::MAX)
    }
}

/// Whether two names are the same. Names are short, and a call of `memcmp` costs more than to compare them.
#[inline]
fn is_same(name: &str, key: &str) -> bool {
    let (name, key) = (name.as_bytes(), key.as_bytes());
    if name.len() != key.len() {
        return false;
    }
    let (Some(name_end), Some(key_end)) = (name.last_chunk::<8>(), key.last_chunk::<8>()) else {
        let (Some(name_end), Some(key_end)) = (name.last_chunk::<4>(), key.last_chunk::<4>()) else {
            return name.iter().eq(key);
        };
        return name_end == key_end && name.first_chunk::<4>() == key.first_chunk::<4>();
    };
    let (name_chunks, key_chunks) = (name.as_chunks::<8>().0, key.as_chunks::<8>().0);
    name_end == key_end && name_chunks.iter().zip(key_chunks).all(|(name, key)| name == key)
}

impl<'de> DeserializeSeed<'de> for Names {
    type Value = usize;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Names {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    #[inline]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_they_are_expected() {
        let names = &["a", "id", "kind", "amount", "quantity", "postalCode", "a-very-long-name-of-a-member", "größe"];
        for expected in 0..=names.len() + 1 {
            let names = Names { names, expected };
            for (index, name) in names.names.iter().enumerate() {
                assert_eq!(names.index(name), index);
                for at in (0..name.len()).filter(|at| name.is_char_boundary(at + 1) && name.is_char_boundary(*at)) {
                    let mut other = (*name).to_owned();
                    other.replace_range(at..=at, "#");
                    assert_eq!(names.index(&other), usize::MAX, "{other}");
                }
            }
            assert_eq!(names.index(""), usize::MAX);
        }
    }
}
