//! Newtypes: a value that the document constrains, behind a constructor that checks it. How the checks are made is in
//! `check.rs` and `rule/`.

use serde::de::{Deserializer, Error};
use serde_json::Value;

use super::rule::Rule;

/// Reads a value that the rule accepts.
///
/// # Errors
/// When it is no JSON, or the rule does not accept it.
pub fn read_checked<'de, D: Deserializer<'de>>(deserializer: D, rule: &Rule) -> Result<Value, D::Error> {
    let value: Value = serde::Deserialize::deserialize(deserializer)?;
    rule.check(&value).map_err(D::Error::custom)?;
    Ok(value)
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
        $crate::__newtype_deserialize!($name, ::std::string::String);
    };
}

/// Another type with checks: `new`, `get`, `Deref`, `AsRef`, `into_inner`, `TryFrom`, `Serialize`, `Deserialize`. The
/// checks are those of the type's own `check`, or a rule. A rule is asked about the JSON as it is read, with the members
/// that the type ignores, and of a new value about the JSON that would be written.
#[doc(hidden)]
#[macro_export]
macro_rules! __newtype {
    ($name:ident($inner:ty) $(as $reader:ty)?, rule $rule:expr) => {
        impl $name {
            fn check(value: &$inner) -> ::core::result::Result<(), $crate::codegen::Invalid> {
                $crate::codegen::check_rule(value, &$rule)
            }
        }

        $crate::__newtype_access!($name, $inner);
        $crate::__newtype_conversions!($name, $inner);

        impl<'de> $crate::codegen::serde::Deserialize<'de> for $name {
            fn deserialize<__D: $crate::codegen::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                let value = $crate::codegen::read_checked(deserializer, &$rule)?;
                $crate::__from_json!(value $(, $reader)?).map(Self)
            }
        }
    };
    ($name:ident($inner:ty) $(as $reader:ty)?) => {
        $crate::__newtype_access!($name, $inner);
        $crate::__newtype_conversions!($name, $inner);
        $crate::__newtype_deserialize!($name, $inner $(, $reader)?);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __newtype_access {
    ($name:ident, $inner:ty) => {
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

        impl ::core::ops::Deref for $name {
            type Target = $inner;

            fn deref(&self) -> &$inner {
                &self.0
            }
        }
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
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __newtype_deserialize {
    ($name:ident, $inner:ty $(, $reader:ty)?) => {
        impl<'de> $crate::codegen::serde::Deserialize<'de> for $name {
            fn deserialize<__D: $crate::codegen::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                let value: $inner = $crate::__read!(deserializer $(, $reader)?)?;
                Self::new(value).map_err($crate::codegen::serde::de::Error::custom)
            }
        }
    };
}

/// A name for another type, without checks.
#[doc(hidden)]
#[macro_export]
macro_rules! __wrapper {
    ($name:ident($inner:ty) $(as $reader:ty)?) => {
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
                    $crate::__read!(deserializer $(, $reader)?).map(Self)
                }
            }
        };
    };
}
