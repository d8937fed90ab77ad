//! Values that a document lists: constants and enums.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A string, an integer or a boolean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    Str(&'static str),
    /// An integer.
    Int(i64),
    /// A boolean.
    Bool(bool),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Str(text) => write!(f, "{text:?}"),
            Scalar::Int(number) => number.fmt(f),
            Scalar::Bool(value) => value.fmt(f),
        }
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Scalar::Str(text) => serializer.serialize_str(text),
            Scalar::Int(number) => serializer.serialize_i64(*number),
            Scalar::Bool(value) => serializer.serialize_bool(*value),
        }
    }
}

/// Accepts this value and no other.
impl<'de> DeserializeSeed<'de> for &Scalar {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self {
            Scalar::Str(expected) => {
                let found = deserializer.deserialize_str(Text)?;
                if found == *expected { Ok(()) } else { Err(wrong(Unexpected::Str(&found), self)) }
            }
            Scalar::Int(_) | Scalar::Bool(_) => read_scalar(deserializer, self, |found| found.is(self).then_some(())),
        }
    }
}

#[cold]
fn wrong<E: Error>(found: Unexpected<'_>, expected: &Scalar) -> E {
    E::invalid_value(found, &expected.to_string().as_str())
}

/// A scalar as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'a> {
    /// A string.
    Str(&'a str),
    /// A number.
    Number(f64),
    /// An integer.
    Int(i64),
    /// A boolean.
    Bool(bool),
}

impl Found<'_> {
    /// Whether it is this value; `1.0` is the integer 1.
    pub fn is(&self, scalar: &Scalar) -> bool {
        match (self, scalar) {
            (Found::Str(found), Scalar::Str(expected)) => found == expected,
            (Found::Int(found), Scalar::Int(expected)) => found == expected,
            // Exact: every integer that a double holds without loss compares equal to itself only.
            (Found::Number(found), Scalar::Int(expected)) => *found == *expected as f64,
            (Found::Bool(found), Scalar::Bool(expected)) => found == expected,
            _ => false,
        }
    }
}

/// Reads a scalar that `choose` accepts.
///
/// # Errors
/// When it is no scalar, or none that `choose` accepts.
pub fn read_scalar<'de, D, T>(
    deserializer: D,
    expected: &dyn fmt::Display,
    choose: impl Fn(&Found<'_>) -> Option<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct Read<'a, F>(&'a dyn fmt::Display, F);

    impl<'de, T, F: Fn(&Found<'_>) -> Option<T>> Visitor<'de> for Read<'_, F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
            (self.1)(&Found::Bool(value)).ok_or_else(|| E::invalid_value(Unexpected::Bool(value), &self))
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
            (self.1)(&Found::Int(value)).ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
            let found = i64::try_from(value).map(Found::Int).unwrap_or(Found::Number(value as f64));
            (self.1)(&found).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
            (self.1)(&Found::Number(value)).ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
            (self.1)(&Found::Str(value)).ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
        }
    }

    deserializer.deserialize_any(Read(expected, choose))
}

/// A string, borrowed where the input allows it.
struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }
}

/// What the schema `false` accepts: nothing. There is no value of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Never {}

impl Serialize for Never {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match *self {}
    }
}

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("the document allows no value here"))
    }
}

/// An enum of strings: `ALL`, `as_str`, `Display`, `FromStr`, `Serialize`, `Deserialize`.
#[doc(hidden)]
#[macro_export]
macro_rules! __string_enum {
    ($name:ident { $($variant:ident = $text:literal,)+ }) => {
        impl $name {
            /// All values, in the order of the document.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value as the document spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::codegen::Invalid;

            // Not `Self::Err`, which a variant may be called.
            fn from_str(text: &str) -> ::core::result::Result<Self, $crate::codegen::Invalid> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::codegen::Invalid::value(&[$($text),+])),
                }
            }
        }

        const _: () = {
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    struct __Read;

                    impl serde::de::Visitor<'_> for __Read {
                        type Value = $name;

                        fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                            f.write_str(::core::concat!("a string (`", ::core::stringify!($name), "`)"))
                        }

                        fn visit_str<__E: serde::de::Error>(
                            self,
                            text: &str,
                        ) -> ::core::result::Result<$name, __E> {
                            match text {
                                $($text => Ok($name::$variant),)+
                                _ => Err(__E::unknown_variant(text, &[$($text),+])),
                            }
                        }
                    }

                    deserializer.deserialize_str(__Read)
                }
            }
        };
    };
}

/// An enum of strings, integers and booleans: `ALL`, `Serialize`, `Deserialize`.
#[doc(hidden)]
#[macro_export]
macro_rules! __scalar_enum {
    ($name:ident { $($variant:ident = $kind:ident($value:literal),)+ }) => {
        impl $name {
            /// All values, in the order of the document.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            const fn scalar(self) -> $crate::codegen::Scalar {
                match self {
                    $(Self::$variant => $crate::codegen::Scalar::$kind($value),)+
                }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.scalar(), f)
            }
        }

        const _: () = {
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    serde::Serialize::serialize(&self.scalar(), serializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    let expected = ::core::concat!("one of the values of `", ::core::stringify!($name), "`");
                    $crate::codegen::read_scalar(deserializer, &expected, |found| {
                        $name::ALL.iter().copied().find(|value| found.is(&value.scalar()))
                    })
                }
            }
        };
    };
}
