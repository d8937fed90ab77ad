//! Records as JSON objects. Members that the schema does not name are read over, as fields that only the writer has.

/// `Serialize` and `Deserialize` of a struct whose fields have coders.
#[doc(hidden)]
#[macro_export]
macro_rules! __avro_record {
    ($name:ident {
        $($field:ident = $wire:literal $(| $alias:literal)* by ($coder:expr) $(or $default:literal)?,)*
    }) => {
        const _: () = {
            use $crate::codegen::avro as __avro;
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    const FIELDS: &[&str] = &[$($wire),*];
                    #[allow(unused_mut, reason = "a record may have no fields")]
                    let mut object = serializer.serialize_map(::core::option::Option::Some(FIELDS.len()))?;
                    $(serde::ser::SerializeMap::serialize_entry(
                        &mut object,
                        $wire,
                        &__avro::Written(&self.$field, &$coder),
                    )?;)*
                    serde::ser::SerializeMap::end(object)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    #[allow(non_camel_case_types, reason = "named after the fields")]
                    enum __At { $($field,)* __End }

                    fn at(name: &str) -> usize {
                        match name {
                            $($wire $(| $alias)* => __At::$field as usize,)*
                            _ => __At::__End as usize,
                        }
                    }

                    struct __Read;

                    impl<'de> serde::de::Visitor<'de> for __Read {
                        type Value = $name;

                        fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                            f.write_str(::core::concat!("an object (`", ::core::stringify!($name), "`)"))
                        }

                        fn visit_map<__A: serde::de::MapAccess<'de>>(
                            self,
                            mut map: __A,
                        ) -> ::core::result::Result<$name, __A::Error> {
                            $(let mut $field = ::core::option::Option::None;)*
                            while let Some(at) = map.next_key_seed(__avro::Member(at))? {
                                $(if at == __At::$field as usize {
                                    if $field.is_some() {
                                        return Err(<__A::Error as serde::de::Error>::duplicate_field($wire));
                                    }
                                    $field = ::core::option::Option::Some(
                                        map.next_value_seed(__avro::Reading::by(&$coder))?,
                                    );
                                    continue;
                                })*
                                map.next_value::<serde::de::IgnoredAny>()?;
                            }
                            Ok($name {
                                $($field: match $field {
                                    Some(value) => value,
                                    None => $crate::__avro_absent!($wire, $coder $(, $default)?),
                                },)*
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
macro_rules! __avro_absent {
    ($wire:literal, $coder:expr) => {
        return Err($crate::codegen::missing($wire))
    };
    ($wire:literal, $coder:expr, $default:literal) => {
        $crate::codegen::avro::default_value(&$coder, $default)?
    };
}

/// A type that stands for another one: `Serialize` and `Deserialize` by its coder, and conversions.
#[doc(hidden)]
#[macro_export]
macro_rules! __avro_newtype {
    ($name:ident($inner:ty), $coder:expr) => {
        impl ::core::convert::From<$inner> for $name {
            fn from(value: $inner) -> Self {
                $name(value)
            }
        }

        impl ::core::convert::From<$name> for $inner {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        const _: () = {
            use $crate::codegen::avro as __avro;
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    __avro::Coder::write(&$coder, &self.0, serializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    __avro::Coder::read(&$coder, deserializer).map($name)
                }
            }
        };
    };
}

/// A fixed that is too large for an array: bytes whose count is checked.
#[doc(hidden)]
#[macro_export]
macro_rules! __avro_sized_bytes {
    ($name:ident[$size:literal]) => {
        impl $name {
            /// How many bytes there are.
            pub const SIZE: usize = $size;
        }

        impl ::core::convert::TryFrom<::std::vec::Vec<u8>> for $name {
            type Error = $crate::codegen::Invalid;

            fn try_from(bytes: ::std::vec::Vec<u8>) -> ::core::result::Result<Self, $crate::codegen::Invalid> {
                $crate::codegen::avro::check_size(&bytes, $size)?;
                Ok($name(bytes))
            }
        }

        impl ::core::convert::AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl ::core::convert::From<$name> for ::std::vec::Vec<u8> {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        const _: () = {
            use $crate::codegen::avro as __avro;
            use $crate::codegen::serde;

            impl serde::Serialize for $name {
                fn serialize<__S: serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    __avro::Coder::write(&__avro::ByteText, &self.0, serializer)
                }
            }

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    let bytes: ::std::vec::Vec<u8> = __avro::Coder::read(&__avro::ByteText, deserializer)?;
                    __avro::check_size(&bytes, $size).map_err(<__D::Error as serde::de::Error>::custom)?;
                    Ok($name(bytes))
                }
            }
        };
    };
}
