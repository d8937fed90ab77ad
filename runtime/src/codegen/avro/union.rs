//! Unions as objects with one member, which is named after the branch.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// Reads a key as the index of a branch.
#[derive(Clone, Copy, Debug)]
pub struct BranchName<'a>(pub &'a [&'static str]);

impl<'de> DeserializeSeed<'de> for BranchName<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for BranchName<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a branch")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<usize, E> {
        let found = self.0.iter().position(|name| *name == key);
        found.ok_or_else(|| {
            E::custom(format_args!("`{key}` is no branch of the union, which has: {}", self.0.join(", ")))
        })
    }
}

/// Refuses a second member.
///
/// # Errors
/// When there is one.
pub fn several_members<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    match map.next_key::<IgnoredAny>()? {
        None => Ok(()),
        Some(_) => Err(A::Error::custom("a value of a union has one member, named after its branch, and no other")),
    }
}

/// `Serialize` and `Deserialize` of an enum of the branches, without `null`.
#[doc(hidden)]
#[macro_export]
macro_rules! __avro_union {
    ($name:ident { $($variant:ident = $branch:literal by ($coder:expr),)+ }) => {
        const _: () = {
            use $crate::codegen::avro as __avro;
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    let mut object = serializer.serialize_map(::core::option::Option::Some(1))?;
                    match self {
                        $(Self::$variant(value) => serde::ser::SerializeMap::serialize_entry(
                            &mut object,
                            $branch,
                            &__avro::Written(value, &$coder),
                        )?,)+
                    }
                    serde::ser::SerializeMap::end(object)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    const BRANCHES: &[&str] = &[$($branch),+];

                    #[allow(non_camel_case_types, reason = "named after the branches")]
                    enum __At { $($variant),+ }

                    struct __Read;

                    impl<'de> serde::de::Visitor<'de> for __Read {
                        type Value = $name;

                        fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                            f.write_str(::core::concat!(
                                "an object with one member, named after a branch (`", ::core::stringify!($name), "`)"
                            ))
                        }

                        fn visit_map<__A: serde::de::MapAccess<'de>>(
                            self,
                            mut map: __A,
                        ) -> ::core::result::Result<$name, __A::Error> {
                            let Some(at) = map.next_key_seed(__avro::BranchName(BRANCHES))? else {
                                return Err(<__A::Error as serde::de::Error>::invalid_length(0, &self));
                            };
                            $(if at == __At::$variant as usize {
                                let value = map.next_value_seed(__avro::Reading::by(&$coder))?;
                                __avro::several_members(map)?;
                                return Ok($name::$variant(value));
                            })+
                            // `BranchName` gives an index of `BRANCHES`, or an error.
                            Err(<__A::Error as serde::de::Error>::invalid_length(0, &self))
                        }
                    }

                    deserializer.deserialize_map(__Read)
                }
            }
        };
    };
}
