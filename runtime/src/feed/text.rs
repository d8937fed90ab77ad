//! Texts of a feed, read without copying them where that is possible.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// A text, borrowed where it is written without escapes. `null` is no text; a number is read as its digits, as JSON
/// Feed 1.1 asks of readers that meet a numeric `id`.
pub(super) struct OptionalText<'de>(pub(super) Option<Cow<'de, str>>);

impl<'de> Deserialize<'de> for OptionalText<'de> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(TextVisitor).map(OptionalText)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<Er: Error>(self, text: &'de str) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<Er: Error>(self, text: &str) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<Er: Error>(self, number: u64) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_i64<Er: Error>(self, number: i64) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_f64<Er: Error>(self, number: f64) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_unit<Er: Error>(self) -> Result<Self::Value, Er> {
        Ok(None)
    }
}
