//! Values that a document lists: how constants and enums are read and written.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::decimal::Decimal;
use super::json::Json;

/// Accepts this value and no other.
impl<'de> DeserializeSeed<'de> for &Json {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self {
            Json::Str(expected) => deserializer.deserialize_str(This(expected)),
            _ => read_json(deserializer, self, |found| found.is(self).then_some(())),
        }
    }
}

/// This string and no other.
struct This(&'static str);

impl Visitor<'_> for This {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Json::Str(self.0), f)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if text == self.0 { Ok(()) } else { Err(E::invalid_value(Unexpected::Str(text), &self)) }
    }
}

/// A value as it was read.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'a> {
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer beyond those.
    Large(u64),
    /// A number.
    Number(f64),
    /// A string.
    Str(&'a str),
    /// An array or an object.
    Compound(Value),
}

impl Found<'_> {
    /// Whether it is this value; `1.0` is the integer 1.
    pub fn is(&self, expected: &Json) -> bool {
        match (self, expected) {
            (Found::Str(found), Json::Str(expected)) => found == expected,
            (Found::Int(found), Json::Int(expected)) => found == expected,
            (Found::Bool(found), Json::Bool(expected)) => found == expected,
            (Found::Null, Json::Null) => true,
            (Found::Int(found), Json::Number(expected)) => Decimal::from(*found) == Decimal::parse(expected),
            (Found::Large(found), Json::Number(expected)) => Decimal::from(*found) == Decimal::parse(expected),
            (Found::Number(found), Json::Int(expected)) => Decimal::from(*found) == Decimal::from(*expected),
            (Found::Number(found), Json::Number(expected)) => Decimal::from(*found) == Decimal::parse(expected),
            (Found::Compound(found), expected) => expected.is(found),
            _ => false,
        }
    }
}

/// Reads a value that `choose` accepts. Only arrays and objects are collected before they are compared.
///
/// # Errors
/// When it is none that `choose` accepts.
pub fn read_json<'de, D, T>(
    deserializer: D,
    expected: &dyn fmt::Display,
    choose: impl Fn(&Found<'_>) -> Option<T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct Read<'a, F>(&'a dyn fmt::Display, F);

    impl<T, F: Fn(&Found<'_>) -> Option<T>> Read<'_, F> {
        fn choose<E: Error>(self, found: &Found<'_>, unexpected: Unexpected<'_>) -> Result<T, E> {
            (self.1)(found).ok_or_else(|| E::invalid_value(unexpected, &self.0.to_string().as_str()))
        }
    }

    impl<'de, T, F: Fn(&Found<'_>) -> Option<T>> Visitor<'de> for Read<'_, F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }

        fn visit_unit<E: Error>(self) -> Result<T, E> {
            self.choose(&Found::Null, Unexpected::Unit)
        }

        fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
            self.choose(&Found::Bool(value), Unexpected::Bool(value))
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
            self.choose(&Found::Int(value), Unexpected::Signed(value))
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
            let found = i64::try_from(value).map_or(Found::Large(value), Found::Int);
            self.choose(&found, Unexpected::Unsigned(value))
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
            self.choose(&Found::Number(value), Unexpected::Float(value))
        }

        fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
            self.choose(&Found::Str(value), Unexpected::Str(value))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<T, A::Error> {
            let value = Value::deserialize(SeqAccessDeserializer::new(array))?;
            self.choose(&Found::Compound(value), Unexpected::Seq)
        }

        fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
            let value = Value::deserialize(MapAccessDeserializer::new(object))?;
            self.choose(&Found::Compound(value), Unexpected::Map)
        }
    }

    deserializer.deserialize_any(Read(expected, choose))
}

/// A constant in generated code: `Int(1)`, `Null`, `Array(&[Int(1)])`.
#[doc(hidden)]
#[macro_export]
macro_rules! __json {
    ($kind:ident $(($value:expr))?) => {{
        #[allow(unused_imports, reason = "for what stands in arrays and objects")]
        use $crate::codegen::Json::*;
        $crate::codegen::Json::$kind $(($value))?
    }};
}

/// A string, borrowed where the input allows it.
pub(super) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

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

/// Reads a string as something that every string is.
///
/// # Errors
/// When it is no string.
pub fn read_text<'de, D: Deserializer<'de>, T: for<'t> From<&'t str>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_str(Text).map(|text| T::from(&text))
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
    // With a variant for all other strings.
    ($name:ident, open $other:ident { $($variant:ident = $text:literal,)+ }) => {
        impl $name {
            /// The values that the document lists, in its order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value as the document spells it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::$other(text) => text,
                }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::core::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    _ => Self::$other(::std::borrow::ToOwned::to_owned(text)),
                }
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = ::core::convert::Infallible;

            // Not `Self::Err`, which a variant may be called.
            fn from_str(text: &str) -> ::core::result::Result<Self, ::core::convert::Infallible> {
                Ok(text.into())
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
                    $crate::codegen::read_text(deserializer)
                }
            }
        };
    };
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

/// An enum of any JSON values: `ALL`, `Display`, `Serialize`, `Deserialize`.
#[doc(hidden)]
#[macro_export]
macro_rules! __scalar_enum {
    ($name:ident { $($variant:ident = $kind:ident $(($value:expr))?,)+ }) => {
        impl $name {
            /// All values, in the order of the document.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            const fn json(self) -> $crate::codegen::Json {
                match self {
                    $(Self::$variant => $crate::__json!($kind $(($value))?),)+
                }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.json(), f)
            }
        }

        const _: () = {
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    serde::Serialize::serialize(&self.json(), serializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    let expected = ::core::concat!("one of the values of `", ::core::stringify!($name), "`");
                    $crate::codegen::read_json(deserializer, &expected, |found| {
                        $name::ALL.iter().copied().find(|value| found.is(&value.json()))
                    })
                }
            }
        };
    };
}
