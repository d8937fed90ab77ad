//! Unions: enums that know from the JSON which alternative is meant.

use std::borrow::Cow;

use serde::de::value::{CowStrDeserializer, MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Error, IntoDeserializer, MapAccess};
use serde_json::Value;

use super::read::at_pointer;
use super::rule::Rule;
use super::scalar::Text;

/// An object whose tag has been read, with all its members still to be read by the alternative.
///
/// When the tag comes first, nothing is kept: the rest is read from the input. Otherwise the members before it are
/// kept until it is found.
#[derive(Debug)]
pub struct Tagged<'de, A> {
    tag: Cow<'de, str>,
    member: &'static str,
    tag_is_pending: bool,
    before: Option<Box<Before<'de>>>,
    rest: A,
}

/// What stands before the tag, in a box of its own: mostly there is nothing.
#[derive(Debug)]
struct Before<'de> {
    members: std::vec::IntoIter<(Cow<'de, str>, Value)>,
    value: Option<(Cow<'de, str>, Value)>,
}

impl<'de, A: MapAccess<'de>> Tagged<'de, A> {
    /// Reads up to the member `member`, a string.
    ///
    /// # Errors
    /// When the object has no such member, or it is no string.
    pub fn read(mut map: A, member: &'static str) -> Result<Self, A::Error> {
        let mut before = Vec::new();
        while let Some(name) = map.next_key_seed(Text)? {
            if name == member {
                let tag = map.next_value_seed(Text)?;
                let before =
                    (!before.is_empty()).then(|| Box::new(Before { members: before.into_iter(), value: None }));
                return Ok(Tagged { tag, member, tag_is_pending: true, before, rest: map });
            }
            before.push((name, map.next_value()?));
        }
        Err(A::Error::missing_field(member))
    }

    /// The tag.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// Reads the alternative.
    ///
    /// # Errors
    /// When the object is not what the alternative demands.
    pub fn alternative<T: serde::Deserialize<'de>>(self) -> Result<T, A::Error> {
        T::deserialize(self.object())
    }

    /// The object, with its tag.
    pub fn object(self) -> MapAccessDeserializer<Self> {
        MapAccessDeserializer::new(self)
    }

    /// No alternative has this tag.
    ///
    /// # Errors
    /// Always.
    #[cold]
    pub fn unknown<T>(self, known: &'static [&'static str]) -> Result<T, A::Error> {
        Err(A::Error::custom(format_args!(
            "{}: unknown value {:?}, expected one of {}",
            self.member,
            self.tag,
            known.join(", ")
        )))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Tagged<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        if self.tag_is_pending {
            return seed.deserialize(self.member.into_deserializer()).map(Some);
        }
        if let Some(before) = &mut self.before
            && let Some((name, value)) = before.members.next()
        {
            let key = seed.deserialize(StrDeserializer::new(&name))?;
            before.value = Some((name, value));
            return Ok(Some(key));
        }
        self.rest.next_key_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        if self.tag_is_pending {
            self.tag_is_pending = false;
            let tag: CowStrDeserializer<'_, A::Error> = std::mem::take(&mut self.tag).into_deserializer();
            return seed.deserialize(tag);
        }
        match self.before.as_mut().and_then(|before| before.value.take()) {
            // What tracks the path sees the tag as the last member that it has met.
            Some((name, value)) => seed.deserialize(value).map_err(|error| at_pointer(&[name], &error)),
            None => self.rest.next_value_seed(seed),
        }
    }
}

/// The error for a value that no alternative accepts.
#[cold]
pub fn no_alternative<E: Error>(union: &str) -> E {
    E::custom(format_args!("no alternative of `{union}` accepts the value"))
}

/// An alternative's name and what its schema demands.
pub type Alternative<'r> = (&'r str, &'r Rule);

/// The indices of the alternatives that accept the value, in their order.
///
/// # Errors
/// When none does.
pub fn accepting_alternatives<E: Error>(
    value: &Value,
    union: &str,
    alternatives: &[Alternative<'_>],
) -> Result<Vec<usize>, E> {
    let accepting = Rule::accepting(alternatives.iter().map(|(_, rule)| *rule), value);
    if accepting.is_empty() { Err(E::custom(refusal(value, union, alternatives))) } else { Ok(accepting) }
}

/// The other alternatives that accept a value of the alternative `own` as it would be written.
///
/// # Errors
/// When that is not valid itself.
pub fn rivals<E: serde::ser::Error>(
    value: &Value,
    union: &str,
    own: usize,
    alternatives: &[Alternative<'_>],
) -> Result<Vec<usize>, E> {
    let mut accepting = Rule::accepting(alternatives.iter().map(|(_, rule)| *rule), value);
    if !accepting.contains(&own) {
        return Err(E::custom(refusal(value, union, alternatives)));
    }
    accepting.retain(|index| *index != own);
    Ok(accepting)
}

/// What is said of a value that two alternatives accept where only one may.
#[cold]
pub fn several_alternatives(union: &str, first: &str, second: &str) -> String {
    format!("both `{first}` and `{second}` of `{union}` accept the value, where only one may")
}

/// An alternative that may be written, because its tag is its own.
///
/// # Errors
/// When it is another one's.
pub fn tagged_value<E: serde::ser::Error>(
    value: Result<Value, serde_json::Error>,
    member: &str,
    tags: &[&str],
) -> Result<Value, E> {
    let value = value.map_err(E::custom)?;
    match value.get(member).and_then(Value::as_str) {
        Some(tag) if tags.contains(&tag) => Ok(value),
        found => Err(E::custom(format_args!(
            "{member}: {} is the tag of another alternative, expected {}",
            found.map_or_else(|| "nothing".to_owned(), |tag| format!("{tag:?}")),
            tags.join(" or ")
        ))),
    }
}

#[cold]
fn refusal(value: &Value, union: &str, alternatives: &[Alternative<'_>]) -> String {
    let rules: Vec<&Rule> = alternatives.iter().map(|(_, rule)| *rule).collect();
    let (at, reason) = Rule::nearest(&rules, value);
    let name = at.and_then(|at| alternatives.get(at)).map_or("none", |(name, _)| name);
    format!("no alternative of `{union}` accepts the value; the nearest is `{name}`: {reason}")
}

#[doc(hidden)]
#[macro_export]
macro_rules! __union_serialize {
    ($name:ident { $($variant:ident),+ }) => {
        impl $crate::codegen::serde::Serialize for $name {
            fn serialize<__S: $crate::codegen::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                match self {
                    $(Self::$variant(value) => $crate::codegen::serde::Serialize::serialize(value, serializer),)+
                }
            }
        }
    };
}

/// A union of which a member says the alternative.
#[doc(hidden)]
#[macro_export]
macro_rules! __union_by_member {
    ($name:ident, $member:literal, { $($variant:ident = $($tag:literal)|+ $(as $reader:ty)?,)+ }) => {
        $crate::__union_serialize!($name { $($variant),+ });
        $crate::__union_by_member!(read $name, $member, { $($variant = $($tag)|+ $(as $reader)?,)+ });
    };
    // The alternatives do not hold their tags as constants: one with another's tag cannot be written.
    ($name:ident, $member:literal, checked { $($variant:ident = $($tag:literal)|+ $(as $reader:ty)?,)+ }) => {
        impl $crate::codegen::serde::Serialize for $name {
            fn serialize<__S: $crate::codegen::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                let value = match self {
                    $(Self::$variant(value) => $crate::codegen::tagged_value(
                        $crate::codegen::serde_json::to_value(value),
                        $member,
                        &[$($tag),+],
                    ),)+
                }?;
                $crate::codegen::serde::Serialize::serialize(&value, serializer)
            }
        }

        $crate::__union_by_member!(read $name, $member, { $($variant = $($tag)|+ $(as $reader)?,)+ });
    };
    (read $name:ident, $member:literal, { $($variant:ident = $($tag:literal)|+ $(as $reader:ty)?,)+ }) => {
        const _: () = {
            use $crate::codegen::serde;

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    struct __Read;

                    impl<'de> serde::de::Visitor<'de> for __Read {
                        type Value = $name;

                        fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                            f.write_str(::core::concat!("an object (`", ::core::stringify!($name), "`)"))
                        }

                        fn visit_map<__A: serde::de::MapAccess<'de>>(
                            self,
                            map: __A,
                        ) -> ::core::result::Result<$name, __A::Error> {
                            let tagged = $crate::codegen::Tagged::read(map, $member)?;
                            match tagged.tag() {
                                $($($tag)|+ => $crate::__read!(tagged.object() $(, $reader)?).map($name::$variant),)+
                                _ => tagged.unknown(&[$($($tag),+),+]),
                            }
                        }
                    }

                    deserializer.deserialize_map(__Read)
                }
            }
        };
    };
}

/// A union of which the JSON type says the alternative.
#[doc(hidden)]
#[macro_export]
macro_rules! __union_by_kind {
    ($name:ident { $($variant:ident = $($kind:ident)|+ $(as $reader:ty)?,)+ }) => {
        $crate::__union_serialize!($name { $($variant),+ });

        const _: () = {
            use $crate::codegen::serde;

            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<__D: serde::Deserializer<'de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    struct __Read;

                    impl<'de> serde::de::Visitor<'de> for __Read {
                        type Value = $name;

                        fn expecting(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                            f.write_str(::core::concat!(
                                "a value of `", ::core::stringify!($name), "`:"
                                $($(, " ", ::core::stringify!($kind))+)+
                            ))
                        }

                        $($crate::__visit_kinds!([$($kind),+], $name, $variant, [$($reader)?]);)+
                    }

                    deserializer.deserialize_any(__Read)
                }
            }
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __visit_kinds {
    ([$($kind:ident),+], $name:ident, $variant:ident, $reader:tt) => {
        $($crate::__visit_kind!($kind, $name, $variant, $reader);)+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __visit_kind {
    (null, $name:ident, $variant:ident, [$($reader:ty)?]) => {
        fn visit_unit<__E: serde::de::Error>(self) -> ::core::result::Result<$name, __E> {
            let value = serde::de::value::UnitDeserializer::new();
            $crate::__read!(value $(, $reader)?).map($name::$variant)
        }
    };
    (boolean, $name:ident, $variant:ident, [$($reader:ty)?]) => {
        fn visit_bool<__E: serde::de::Error>(self, value: bool) -> ::core::result::Result<$name, __E> {
            let value = serde::de::value::BoolDeserializer::new(value);
            $crate::__read!(value $(, $reader)?).map($name::$variant)
        }
    };
    (number, $name:ident, $variant:ident, [$($reader:ty)?]) => {
        fn visit_i64<__E: serde::de::Error>(self, value: i64) -> ::core::result::Result<$name, __E> {
            let value = serde::de::value::I64Deserializer::new(value);
            $crate::__read!(value $(, $reader)?).map($name::$variant)
        }

        fn visit_u64<__E: serde::de::Error>(self, value: u64) -> ::core::result::Result<$name, __E> {
            let value = serde::de::value::U64Deserializer::new(value);
            $crate::__read!(value $(, $reader)?).map($name::$variant)
        }

        fn visit_f64<__E: serde::de::Error>(self, value: f64) -> ::core::result::Result<$name, __E> {
            let value = serde::de::value::F64Deserializer::new(value);
            $crate::__read!(value $(, $reader)?).map($name::$variant)
        }
    };
    (string, $name:ident, $variant:ident, [$($reader:ty)?]) => {
        fn visit_str<__E: serde::de::Error>(self, value: &str) -> ::core::result::Result<$name, __E> {
            let value = serde::de::value::StrDeserializer::new(value);
            $crate::__read!(value $(, $reader)?).map($name::$variant)
        }
    };
    (array, $name:ident, $variant:ident, [$($reader:ty)?]) => {
        fn visit_seq<__A: serde::de::SeqAccess<'de>>(self, array: __A) -> ::core::result::Result<$name, __A::Error> {
            let array = serde::de::value::SeqAccessDeserializer::new(array);
            $crate::__read!(array $(, $reader)?).map($name::$variant)
        }
    };
    (object, $name:ident, $variant:ident, [$($reader:ty)?]) => {
        fn visit_map<__A: serde::de::MapAccess<'de>>(self, object: __A) -> ::core::result::Result<$name, __A::Error> {
            let object = serde::de::value::MapAccessDeserializer::new(object);
            $crate::__read!(object $(, $reader)?).map($name::$variant)
        }
    };
}

/// A union of which a rule of each alternative says whether it is meant: the `first` that accepts (`anyOf`), or the
/// `only` one (`oneOf`), which is then also the only one when it is written.
#[doc(hidden)]
#[macro_export]
macro_rules! __union_by_rule {
    ($name:ident, first { $($variant:ident = $rule:path $(as $reader:ty)?,)+ }) => {
        $crate::__union_serialize!($name { $($variant),+ });
        $crate::__union_deserialize!($name, first { $($variant = $rule $(as $reader)?,)+ });
    };
    ($name:ident, only { $($variant:ident = $rule:path $(as $reader:ty)?,)+ }) => {
        impl $crate::codegen::serde::Serialize for $name {
            fn serialize<__S: $crate::codegen::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                enum __At { $($variant),+ }

                let (own, name, value) = match self {
                    $(Self::$variant(value) => (
                        __At::$variant as usize,
                        ::core::stringify!($variant),
                        $crate::codegen::serde_json::to_value(value),
                    ),)+
                };
                let value = value.map_err($crate::codegen::serde::ser::Error::custom)?;
                let alternatives: &[$crate::codegen::Alternative<'_>] =
                    &[$((::core::stringify!($variant), &$rule)),+];
                let union = ::core::stringify!($name);
                for at in $crate::codegen::rivals(&value, union, own, alternatives)? {
                    $(if at == __At::$variant as usize {
                        let other: ::core::result::Result<Self, $crate::codegen::serde_json::Error> =
                            $crate::__from_json!(value $(, $reader)?).map(Self::$variant);
                        if other.is_ok() {
                            let other = ::core::stringify!($variant);
                            let (first, second) = if at < own { (other, name) } else { (name, other) };
                            let message = $crate::codegen::several_alternatives(union, first, second);
                            return Err($crate::codegen::serde::ser::Error::custom(message));
                        }
                    })+
                }
                $crate::codegen::serde::Serialize::serialize(&value, serializer)
            }
        }

        $crate::__union_deserialize!($name, only { $($variant = $rule $(as $reader)?,)+ });
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __union_deserialize {
    ($name:ident, $which:ident { $($variant:ident = $rule:path $(as $reader:ty)?,)+ }) => {
        impl<'de> $crate::codegen::serde::Deserialize<'de> for $name {
            fn deserialize<__D: $crate::codegen::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                enum __At { $($variant),+ }

                let value: $crate::codegen::serde_json::Value =
                    $crate::codegen::serde::Deserialize::deserialize(deserializer)?;
                let union = ::core::stringify!($name);
                let alternatives: &[$crate::codegen::Alternative<'_>] =
                    &[$((::core::stringify!($variant), &$rule)),+];
                #[allow(unused_mut, reason = "`first` never changes it")]
                let mut found: ::core::option::Option<(&str, Self)> = ::core::option::Option::None;
                let mut failed = ::core::option::Option::None;
                // A rule knows nothing of Rust's types: an alternative that it accepts may have a narrower one (a format,
                // an integer), and then another is meant.
                for at in $crate::codegen::accepting_alternatives(&value, union, alternatives)? {
                    $(if at == __At::$variant as usize {
                        match $crate::__from_json!(value $(, $reader)?).map(Self::$variant) {
                            Ok(alternative) => {
                                $crate::__found_alternative!($which, union, found, $variant, alternative);
                            }
                            Err(error) => {
                                failed.get_or_insert(error);
                            }
                        }
                    })+
                }
                match (found, failed) {
                    (Some((_, value)), _) => Ok(value),
                    (None, Some(error)) => Err(error),
                    (None, None) => Err($crate::codegen::no_alternative(union)),
                }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __found_alternative {
    (first, $union:ident, $found:ident, $variant:ident, $alternative:ident) => {
        return Ok($alternative)
    };
    (only, $union:ident, $found:ident, $variant:ident, $alternative:ident) => {{
        let name = ::core::stringify!($variant);
        if let ::core::option::Option::Some((first, _)) = &$found {
            let message = $crate::codegen::several_alternatives($union, first, name);
            return Err($crate::codegen::serde::de::Error::custom(message));
        }
        $found = ::core::option::Option::Some((name, $alternative));
    }};
}
