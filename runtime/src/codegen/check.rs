//! Checks of values: what a newtype's constructor and its `Deserialize` refuse.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde_json::Value;

/// A value that the document does not allow, and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    #[cold]
    fn new(message: impl Into<String>) -> Self {
        Invalid(message.into())
    }

    /// A value that is none of those listed.
    #[cold]
    pub fn value(allowed: &[&str]) -> Self {
        Invalid(format!("not one of {}", allowed.join(", ")))
    }

    /// A number that is not of the form of a decimal type.
    #[cold]
    pub(crate) fn decimal(problem: String) -> Self {
        Invalid(problem)
    }

    /// Bytes of another count than their type has.
    #[cold]
    pub(crate) fn size(count: usize, size: usize) -> Self {
        Invalid(format!("there are {count} bytes instead of {size}"))
    }

    /// Text that is no address of the channel.
    #[cold]
    pub fn address(template: &str) -> Self {
        Invalid(format!("not an address of the form {template}"))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// An ECMA-262 regular expression, compiled when it is first used.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    compiled: OnceLock<Option<regress::Regex>>,
}

impl Pattern {
    /// The pattern of a `static`.
    pub const fn new(text: &'static str) -> Self {
        Pattern { text, compiled: OnceLock::new() }
    }

    /// Whether it is found anywhere in `text`, as JSON Schema has it. Read in Unicode mode, or without where only that
    /// is valid (`\-`), as documents are checked. The generator refuses patterns that do not compile, so one that does
    /// not compile here matches nothing.
    fn is_match(&self, text: &str) -> bool {
        let compile = || regress::Regex::with_flags(self.text, "u").or_else(|_| regress::Regex::new(self.text)).ok();
        let compiled = self.compiled.get_or_init(compile);
        compiled.as_ref().is_some_and(|regex| regex.find(text).is_some())
    }

    /// `pattern`
    ///
    /// # Errors
    /// When it is not found.
    pub fn check(&self, text: &str) -> Result<(), Invalid> {
        if self.is_match(text) {
            Ok(())
        } else {
            Err(Invalid::new(format!("does not match the pattern {}", self.text)))
        }
    }
}

/// `minLength` and `maxLength`, in Unicode scalar values.
///
/// # Errors
/// When the text is shorter or longer.
pub fn check_length(text: &str, min: u64, max: u64) -> Result<(), Invalid> {
    // Bytes bound characters from above, so most texts need no counting.
    let length = text.chars().count() as u64;
    if length < min {
        return Err(Invalid::new(format!("{length} characters are fewer than {min}")));
    }
    if length > max {
        return Err(Invalid::new(format!("{length} characters are more than {max}")));
    }
    Ok(())
}

/// `minimum` and `maximum` of an integer.
///
/// # Errors
/// When it is outside.
pub fn check_integer_bounds(value: impl Into<i128>, min: i128, max: i128) -> Result<(), Invalid> {
    let value = value.into();
    if value < min {
        return Err(Invalid::new(format!("{value} is less than {min}")));
    }
    if value > max {
        return Err(Invalid::new(format!("{value} is more than {max}")));
    }
    Ok(())
}

/// `multipleOf` of an integer.
///
/// # Errors
/// When it is none.
pub fn check_integer_multiple(value: impl Into<i128>, of: i128) -> Result<(), Invalid> {
    let value = value.into();
    if value % of == 0 { Ok(()) } else { Err(Invalid::new(format!("{value} is not a multiple of {of}"))) }
}

/// `minimum`, `maximum` and their exclusive forms of a number.
///
/// # Errors
/// When it is outside, or not a number.
pub fn check_number_bounds(
    value: f64,
    min: Option<f64>,
    max: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
) -> Result<(), Invalid> {
    let broken = [
        (min.filter(|min| value < *min), "less than"),
        (max.filter(|max| value > *max), "more than"),
        (above.filter(|above| value <= *above), "not more than"),
        (below.filter(|below| value >= *below), "not less than"),
    ];
    if value.is_nan() {
        return Err(Invalid::new("not a number"));
    }
    match broken.into_iter().find_map(|(limit, what)| Some((limit?, what))) {
        Some((limit, what)) => Err(Invalid::new(format!("{value} is {what} {limit}"))),
        None => Ok(()),
    }
}

/// `multipleOf` of a number. The remainder of decimal fractions such as `0.3 / 0.1` is not exact in binary, so the
/// nearest multiple is compared by its shortest decimal spelling.
///
/// # Errors
/// When it is none.
pub fn check_multiple(value: f64, of: f64) -> Result<(), Invalid> {
    let quotient = (value / of).round();
    let nearest = quotient * of;
    let close = (nearest - value).abs() <= f64::EPSILON * value.abs().max(of.abs());
    if quotient.is_finite() && close { Ok(()) } else { Err(Invalid::new(format!("{value} is not a multiple of {of}"))) }
}

/// `minItems` and `maxItems`.
///
/// # Errors
/// When there are fewer or more.
pub fn check_item_count<T>(items: &[T], min: u64, max: u64) -> Result<(), Invalid> {
    check_count(items.len() as u64, min, max, "items")
}

/// `minProperties` and `maxProperties`.
///
/// # Errors
/// When there are fewer or more.
pub fn check_member_count<V>(members: &BTreeMap<String, V>, min: u64, max: u64) -> Result<(), Invalid> {
    check_count(members.len() as u64, min, max, "members")
}

fn check_count(count: u64, min: u64, max: u64, what: &str) -> Result<(), Invalid> {
    if count < min {
        return Err(Invalid::new(format!("{count} {what} are fewer than {min}")));
    }
    if count > max {
        return Err(Invalid::new(format!("{count} {what} are more than {max}")));
    }
    Ok(())
}

/// `uniqueItems`, by JSON's equality.
///
/// # Errors
/// When two items are equal.
pub fn check_unique<T: serde::Serialize>(items: &[T]) -> Result<(), Invalid> {
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let value = serde_json::to_value(item).map_err(|error| Invalid::new(error.to_string()))?;
        // `Value` orders the members of objects, so equal values have equal texts; `1.0` is 1.
        if !seen.insert(normalise(value).to_string()) {
            return Err(Invalid::new(format!("item {index} is there twice")));
        }
    }
    Ok(())
}

fn normalise(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_i64() && !number.is_u64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                Value::from(float as i64)
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(normalise).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, normalise(value))).collect(),
        other => other,
    }
}

/// Every key matches one of the patterns.
///
/// # Errors
/// When one matches none.
pub fn check_keys<V>(members: &BTreeMap<String, V>, patterns: &[Pattern]) -> Result<(), Invalid> {
    match members.keys().find(|key| !patterns.iter().any(|pattern| pattern.is_match(key))) {
        Some(key) => Err(Invalid::new(format!("the member name {key:?} matches no pattern of the document"))),
        None => Ok(()),
    }
}

/// A string with checks: `new`, `as_str`, `FromStr`, `AsRef<str>`, `Display`, `TryFrom`, `Serialize`, `Deserialize`.
#[doc(hidden)]
#[macro_export]
macro_rules! __string_newtype {
    ($name:ident) => {
        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// When the document does not allow it.
            pub fn new(
                text: impl ::core::convert::Into<::std::string::String>,
            ) -> ::core::result::Result<Self, $crate::codegen::Invalid> {
                let text = text.into();
                Self::check(&text)?;
                Ok(Self(text))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text.
            #[must_use]
            pub fn into_inner(self) -> ::std::string::String {
                self.0
            }
        }

        impl ::core::convert::AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::codegen::Invalid;

            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        $crate::__newtype_conversions!($name, ::std::string::String);
    };
}

/// Another type with checks: `new`, `get`, `into_inner`, `TryFrom`, `Serialize`, `Deserialize`.
#[doc(hidden)]
#[macro_export]
macro_rules! __newtype {
    ($name:ident($inner:ty)) => {
        impl $name {
            /// Checks the value.
            ///
            /// # Errors
            /// When the document does not allow it.
            pub fn new(value: $inner) -> ::core::result::Result<Self, $crate::codegen::Invalid> {
                Self::check(&value)?;
                Ok(Self(value))
            }

            /// The value.
            #[must_use]
            pub const fn get(&self) -> &$inner {
                &self.0
            }

            /// The value.
            #[must_use]
            pub fn into_inner(self) -> $inner {
                self.0
            }
        }

        impl ::core::convert::AsRef<$inner> for $name {
            fn as_ref(&self) -> &$inner {
                &self.0
            }
        }

        $crate::__newtype_conversions!($name, $inner);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __newtype_conversions {
    ($name:ident, $inner:ty) => {
        impl ::core::convert::TryFrom<$inner> for $name {
            type Error = $crate::codegen::Invalid;

            fn try_from(value: $inner) -> ::core::result::Result<Self, Self::Error> {
                Self::new(value)
            }
        }

        impl ::core::convert::From<$name> for $inner {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        const _: () = {
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    serde::Serialize::serialize(&self.0, serializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    let value = <$inner as serde::Deserialize>::deserialize(deserializer)?;
                    Self::new(value).map_err(serde::de::Error::custom)
                }
            }
        };
    };
}

/// A name for another type, without checks.
#[doc(hidden)]
#[macro_export]
macro_rules! __wrapper {
    ($name:ident($inner:ty)) => {
        impl ::core::convert::From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }

        const _: () = {
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    serde::Serialize::serialize(&self.0, serializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    <$inner as serde::Deserialize>::deserialize(deserializer).map(Self)
                }
            }
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(check_length("größe", 5, 5).is_ok());
        assert_eq!(check_length("é", 2, 9).unwrap_err().to_string(), "1 characters are fewer than 2");
    }

    #[test]
    fn decimal_multiples_are_recognised() {
        assert!(check_multiple(0.3, 0.1).is_ok());
        assert!(check_multiple(19.99, 0.01).is_ok());
        assert!(check_multiple(0.35, 0.1).is_err());
        assert!(check_multiple(1e308, 0.5e-300).is_err());
    }

    #[test]
    fn items_are_compared_as_json() {
        assert!(check_unique(&[1.0, 2.0]).is_ok());
        assert!(check_unique(&[serde_json::json!({"a": 1, "b": 2}), serde_json::json!({"b": 2, "a": 1.0})]).is_err());
    }

    #[test]
    fn patterns_search_anywhere() {
        static DIGITS: Pattern = Pattern::new(r"\d+");
        assert!(DIGITS.check("abc 12").is_ok());
        assert!(DIGITS.check("abc").is_err());
    }
}
