//! Structs as JSON objects, and arrays whose first items have types of their own.

use serde::de::{Error, MapAccess};
use serde::ser::SerializeMap;

use super::json::Json;

/// Members that always have the same value.
#[derive(Debug)]
pub struct Constants<const N: usize> {
    expected: &'static [(&'static str, Json); N],
    seen: [bool; N],
}

impl<const N: usize> Constants<N> {
    /// None seen yet.
    pub fn new(expected: &'static [(&'static str, Json); N]) -> Self {
        Constants { expected, seen: [false; N] }
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn write<S: SerializeMap>(
        expected: &'static [(&'static str, Json); N],
        object: &mut S,
    ) -> Result<(), S::Error> {
        expected.iter().try_for_each(|(name, value)| object.serialize_entry(name, value))
    }

    /// Reads the value of the constant at `index`.
    ///
    /// # Errors
    /// When it is another value.
    pub fn read<'de, A: MapAccess<'de>>(&mut self, index: usize, map: &mut A) -> Result<(), A::Error> {
        let (name, expected) = &self.expected[index];
        self.seen[index] = true;
        map.next_value_seed(expected).map_err(|error| A::Error::custom(format_args!("{name}: {error}")))
    }

    /// Whether all were there.
    ///
    /// # Errors
    /// When one was not.
    pub fn finish<E: Error>(&self) -> Result<(), E> {
        match self.seen.iter().position(|seen| !seen) {
            Some(index) => Err(E::missing_field(self.expected[index].0)),
            None => Ok(()),
        }
    }
}

/// The error for a required member that is not there.
#[cold]
pub fn missing<E: Error>(name: &'static str) -> E {
    E::missing_field(name)
}

/// `Serialize` and `Deserialize` of a struct whose fields are an object's members.
#[doc(hidden)]
#[macro_export]
macro_rules! __object {
    (
        $name:ident, $others:ident $(($rest:ident $(as $rest_reader:ty)?))?
        $(, [$($const_name:literal = $const_kind:ident $(($const_value:expr))?),+ $(,)?])?
        $(, { $($mode:ident $(($default:expr))? $field:ident = $wire:literal $(as $reader:ty)?,)* })?
    ) => {
        const _: () = {
            use $crate::codegen::serde;

            const CONSTANTS: &[(&str, $crate::codegen::Json); [$($($const_name,)+)? ""].len() - 1] =
                &[$($(($const_name, $crate::__json!($const_kind $(($const_value))?)),)+)?];

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    #[allow(unused_mut, reason = "an object may have no members")]
                    let mut object = serializer.serialize_map(::core::option::Option::None)?;
                    $crate::codegen::Constants::write(CONSTANTS, &mut object)?;
                    $($($crate::__write_member!($mode, object, self.$field, $wire);)*)?
                    $(for (name, value) in &self.$rest {
                        serde::ser::SerializeMap::serialize_entry(&mut object, name, value)?;
                    })?
                    serde::ser::SerializeMap::end(object)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    #[allow(non_camel_case_types, reason = "named after the fields")]
                    enum __At { $($($field,)*)? __End }

                    struct __Read;

                    impl $crate::codegen::Members for __Read {
                        const NAMES: &'static [&'static str] = &[$($($wire,)*)? $($($const_name,)+)?];

                        fn index(name: &str) -> usize {
                            match name {
                                $($($wire => __At::$field as usize,)*)?
                                _ => $crate::codegen::constant_index(CONSTANTS, __At::__End as usize, name),
                            }
                        }
                    }

                    impl<'de> serde::de::Visitor<'de> for __Read {
                        type Value = $name;

                        fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                            f.write_str(::core::concat!("an object (`", ::core::stringify!($name), "`)"))
                        }

                        fn visit_map<__A: serde::de::MapAccess<'de>>(
                            self,
                            mut map: __A,
                        ) -> ::core::result::Result<$name, __A::Error> {
                            $($(let mut $field = ::core::option::Option::None;)*)?
                            $(let mut $rest = ::std::collections::BTreeMap::new();)?
                            let mut constants = $crate::codegen::Constants::new(CONSTANTS);
                            loop {
                                let names = $crate::codegen::Names::<__Read>::of();
                                let at = $crate::__next_member!($others, map, names $(, $rest $(as $rest_reader)?)?);
                                $($(if at == __At::$field as usize {
                                    if $field.is_some() {
                                        return Err(<__A::Error as serde::de::Error>::duplicate_field($wire));
                                    }
                                    $field = ::core::option::Option::Some($crate::__read_value!(map $(, $reader)?)?);
                                    continue;
                                })*)?
                                if at == usize::MAX {
                                    map.next_value::<serde::de::IgnoredAny>()?;
                                } else {
                                    constants.read(at - __At::__End as usize, &mut map)?;
                                }
                            }
                            constants.finish()?;
                            Ok($name {
                                $($($field: $crate::__finish_member!($mode $(($default))?, $field, $wire),)*)?
                                $($rest,)?
                            })
                        }
                    }

                    deserializer.deserialize_map(__Read)
                }
            }
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __next_member {
    (ignore, $map:ident, $names:ident) => {
        match $map.next_key_seed($names)? {
            Some(at) => at,
            None => break,
        }
    };
    (refuse, $map:ident, $names:ident) => {
        match $map.next_key_seed($crate::codegen::Closed($names))? {
            Some(at) => at,
            None => break,
        }
    };
    (keep, $map:ident, $names:ident, $rest:ident $(as $reader:ty)?) => {
        match $map.next_key_seed($crate::codegen::KeepOthers($names))? {
            Some(Ok(at)) => at,
            Some(Err(name)) => {
                $rest.insert(name, $crate::__read_value!($map $(, $reader)?)?);
                continue;
            }
            None => break,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __write_member {
    (optional, $object:ident, $value:expr, $wire:literal) => {
        if let Some(value) = &$value {
            $crate::codegen::serde::ser::SerializeMap::serialize_entry(&mut $object, $wire, value)?;
        }
    };
    (nullable, $object:ident, $value:expr, $wire:literal) => {
        $crate::__write_member!(optional, $object, $value, $wire)
    };
    (maybe_null, $object:ident, $value:expr, $wire:literal) => {
        $crate::__write_member!(optional, $object, $value, $wire)
    };
    ($mode:ident, $object:ident, $value:expr, $wire:literal) => {
        $crate::codegen::serde::ser::SerializeMap::serialize_entry(&mut $object, $wire, &$value)?
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __finish_member {
    (required, $field:ident, $wire:literal) => {
        match $field {
            Some(value) => value,
            None => return Err($crate::codegen::missing($wire)),
        }
    };
    (optional, $field:ident, $wire:literal) => {
        $field
    };
    // The type itself has a `None`: absent and `null` are the same.
    (nullable, $field:ident, $wire:literal) => {
        $field.unwrap_or(None)
    };
    // An `Option` in an `Option`: absent, `null` and a value are three things.
    (maybe_null, $field:ident, $wire:literal) => {
        $field
    };
    (default($default:expr), $field:ident, $wire:literal) => {
        match $field {
            Some(value) => value,
            None => $default,
        }
    };
}

/// `Serialize` and `Deserialize` of a struct whose fields are an array's items.
#[doc(hidden)]
#[macro_export]
macro_rules! __tuple {
    (
        $name:ident,
        [$($mode:ident $item:ident $(as $reader:ty)?),* $(,)?]
        $(, rest $rest:ident $(as $rest_reader:ty)?)?
    ) => {
        const _: () = {
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    let mut array = serializer.serialize_seq(::core::option::Option::None)?;
                    $($crate::__write_item!($mode, array, self.$item);)*
                    $(for item in &self.$rest {
                        serde::ser::SerializeSeq::serialize_element(&mut array, item)?;
                    })?
                    serde::ser::SerializeSeq::end(array)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    struct __Read;

                    impl<'de> serde::de::Visitor<'de> for __Read {
                        type Value = $name;

                        fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                            f.write_str(::core::concat!("an array (`", ::core::stringify!($name), "`)"))
                        }

                        fn visit_seq<__A: serde::de::SeqAccess<'de>>(
                            self,
                            mut array: __A,
                        ) -> ::core::result::Result<$name, __A::Error> {
                            let mut count = 0;
                            $(
                                let $item = $crate::__read_item!($mode, array, count, $name $(, $reader)?);
                                count += 1;
                            )*
                            $(
                                let mut $rest = ::std::vec::Vec::new();
                                while let Some(item) = $crate::__read_element!(array $(, $rest_reader)?)? {
                                    $rest.push(item);
                                }
                            )?
                            if array.next_element::<serde::de::IgnoredAny>()?.is_some() {
                                return Err(<__A::Error as serde::de::Error>::invalid_length(count + 1, &self));
                            }
                            Ok($name { $($item,)* $($rest,)? })
                        }
                    }

                    deserializer.deserialize_seq(__Read)
                }
            }
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __write_item {
    (required, $array:ident, $value:expr) => {
        $crate::codegen::serde::ser::SerializeSeq::serialize_element(&mut $array, &$value)?
    };
    // An absent item ends the array: what would stand behind it has no place.
    (optional, $array:ident, $value:expr) => {
        match &$value {
            Some(value) => $crate::codegen::serde::ser::SerializeSeq::serialize_element(&mut $array, value)?,
            None => return $crate::codegen::serde::ser::SerializeSeq::end($array),
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __read_item {
    (required, $array:ident, $count:ident, $name:ident $(, $reader:ty)?) => {
        match $crate::__read_element!($array $(, $reader)?)? {
            Some(item) => item,
            None => {
                let expected = ::core::concat!("an array (`", ::core::stringify!($name), "`) with more items");
                return Err(<__A::Error as $crate::codegen::serde::de::Error>::invalid_length($count, &expected));
            }
        }
    };
    (optional, $array:ident, $count:ident, $name:ident $(, $reader:ty)?) => {
        $crate::__read_element!($array $(, $reader)?)?
    };
}
