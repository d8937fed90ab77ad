//! Coders of all but times: containers, bytes, numbers, decimals.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};

use super::{BranchName, Coder, Reading, Written, several_members};
use crate::avro::{Decimal, Duration};

/// As the type says itself.
#[derive(Clone, Copy, Debug)]
pub struct Same;

impl<T: Serialize + for<'de> Deserialize<'de>> Coder<T> for Same {
    fn write<S: Serializer>(&self, value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}

/// An enum with a default for symbols that it does not know.
#[derive(Clone, Copy, Debug)]
pub struct OrDefault<T>(pub T);

impl<T: Serialize + FromStr + Clone> Coder<T> for OrDefault<T> {
    fn write<S: Serializer>(&self, value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<T, D::Error> {
        read_text(deserializer, "a symbol", |text| Some(T::from_str(text).unwrap_or_else(|_| self.0.clone())))
    }
}

/// `null`, or an object with one member, called after the type.
#[derive(Clone, Copy, Debug)]
pub struct Optional<C>(pub &'static str, pub C);

impl<T, C: Coder<T>> Coder<Option<T>> for Optional<C> {
    fn write<S: Serializer>(&self, value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            None => serializer.serialize_unit(),
            Some(value) => {
                let mut object = serializer.serialize_map(Some(1))?;
                object.serialize_entry(self.0, &Written(value, &self.1))?;
                object.end()
            }
        }
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Option<T>, D::Error> {
        struct Read<'a, T, C>(&'a Optional<C>, PhantomData<T>);

        impl<'de, T, C: Coder<T>> Visitor<'de> for Read<'_, T, C> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "null or an object with the one member `{}`", self.0.0)
            }

            fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
                let Optional(name, coder) = self.0;
                if map.next_key_seed(BranchName(&[name]))?.is_none() {
                    return Err(A::Error::invalid_length(0, &self));
                }
                let value = map.next_value_seed(Reading::by(coder))?;
                several_members(map)?;
                Ok(Some(value))
            }
        }

        deserializer.deserialize_any(Read(self, PhantomData))
    }
}

/// `null`, or what the coder says: for a union that has names for its other branches itself.
#[derive(Clone, Copy, Debug)]
pub struct NullOr<C>(pub C);

impl<T, C: Coder<T>> Coder<Option<T>> for NullOr<C> {
    fn write<S: Serializer>(&self, value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            None => serializer.serialize_unit(),
            Some(value) => self.0.write(value, serializer),
        }
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Option<T>, D::Error> {
        struct Read<'a, T, C>(&'a C, PhantomData<T>);

        impl<'de, T, C: Coder<T>> Visitor<'de> for Read<'_, T, C> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("null or an object with one member")
            }

            fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
                self.0.read(deserializer).map(Some)
            }
        }

        deserializer.deserialize_option(Read(&self.0, PhantomData))
    }
}

/// An array of what the coder says.
#[derive(Clone, Copy, Debug)]
pub struct Each<C>(pub C);

impl<T, C: Coder<T>> Coder<Vec<T>> for Each<C> {
    fn write<S: Serializer>(&self, value: &Vec<T>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(value.iter().map(|item| Written(item, &self.0)))
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Vec<T>, D::Error> {
        struct Read<'a, T, C>(&'a C, PhantomData<T>);

        impl<'de, T, C: Coder<T>> Visitor<'de> for Read<'_, T, C> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Vec<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = array.next_element_seed(Reading::by(self.0))? {
                    items.push(item);
                }
                Ok(items)
            }
        }

        deserializer.deserialize_seq(Read(&self.0, PhantomData))
    }
}

/// A map of what the coder says.
#[derive(Clone, Copy, Debug)]
pub struct Values<C>(pub C);

impl<T, C: Coder<T>> Coder<BTreeMap<String, T>> for Values<C> {
    fn write<S: Serializer>(&self, value: &BTreeMap<String, T>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(value.iter().map(|(name, value)| (name, Written(value, &self.0))))
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<BTreeMap<String, T>, D::Error> {
        struct Read<'a, T, C>(&'a C, PhantomData<T>);

        impl<'de, T, C: Coder<T>> Visitor<'de> for Read<'_, T, C> {
            type Value = BTreeMap<String, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    members.insert(name, map.next_value_seed(Reading::by(self.0))?);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Read(&self.0, PhantomData))
    }
}

/// `double`: neither infinite nor not a number, which JSON cannot say.
#[derive(Clone, Copy, Debug)]
pub struct Double;

impl Coder<f64> for Double {
    fn write<S: Serializer>(&self, value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { serializer.serialize_f64(*value) } else { Err(not_finite(*value)) }
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<f64, D::Error> {
        f64::deserialize(deserializer)
    }
}

/// `float`
#[derive(Clone, Copy, Debug)]
pub struct Float;

impl Coder<f32> for Float {
    fn write<S: Serializer>(&self, value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { serializer.serialize_f32(*value) } else { Err(not_finite((*value).into())) }
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<f32, D::Error> {
        let value = f32::deserialize(deserializer)?;
        if value.is_finite() { Ok(value) } else { Err(D::Error::custom("the number does not fit into 32 bits")) }
    }
}

#[cold]
fn not_finite<E: serde::ser::Error>(value: f64) -> E {
    E::custom(format_args!("JSON cannot say {value}"))
}

/// `bytes`: a text of the code points 0 to 255.
#[derive(Clone, Copy, Debug)]
pub struct ByteText;

impl Coder<Vec<u8>> for ByteText {
    fn write<S: Serializer>(&self, value: &Vec<u8>, serializer: S) -> Result<S::Ok, S::Error> {
        write_bytes(value, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Vec<u8>, D::Error> {
        read_bytes(deserializer, Ok)
    }
}

/// `fixed`: the same, of one length.
#[derive(Clone, Copy, Debug)]
pub struct ByteArray;

impl<const N: usize> Coder<[u8; N]> for ByteArray {
    fn write<S: Serializer>(&self, value: &[u8; N], serializer: S) -> Result<S::Ok, S::Error> {
        write_bytes(value, serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<[u8; N], D::Error> {
        read_bytes(deserializer, |bytes| {
            let count = bytes.len();
            <[u8; N]>::try_from(bytes).map_err(|_| format!("there are {count} bytes instead of {N}"))
        })
    }
}

/// `uuid` of a fixed.
#[derive(Clone, Copy, Debug)]
pub struct UuidFixed;

impl Coder<uuid::Uuid> for UuidFixed {
    fn write<S: Serializer>(&self, value: &uuid::Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        write_bytes(value.as_bytes(), serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<uuid::Uuid, D::Error> {
        ByteArray.read(deserializer).map(uuid::Uuid::from_bytes)
    }
}

/// `duration` of a fixed.
#[derive(Clone, Copy, Debug)]
pub struct DurationFixed;

impl Coder<Duration> for DurationFixed {
    fn write<S: Serializer>(&self, value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        write_bytes(&value.to_bytes(), serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Duration, D::Error> {
        ByteArray.read(deserializer).map(Duration::from_bytes)
    }
}

/// `decimal` of bytes.
#[derive(Clone, Copy, Debug)]
pub struct DecimalText;

impl<const P: u32, const Q: u32> Coder<Decimal<P, Q>> for DecimalText {
    fn write<S: Serializer>(&self, value: &Decimal<P, Q>, serializer: S) -> Result<S::Ok, S::Error> {
        write_bytes(&value.to_bytes(), serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Decimal<P, Q>, D::Error> {
        read_bytes(deserializer, |bytes| Decimal::from_bytes(&bytes).map_err(|invalid| invalid.to_string()))
    }
}

/// `decimal` of a fixed of so many bytes.
#[derive(Clone, Copy, Debug)]
pub struct DecimalFixed(pub usize);

impl<const P: u32, const Q: u32> Coder<Decimal<P, Q>> for DecimalFixed {
    fn write<S: Serializer>(&self, value: &Decimal<P, Q>, serializer: S) -> Result<S::Ok, S::Error> {
        match value.to_sized_bytes(self.0) {
            Some(bytes) => write_bytes(&bytes, serializer),
            // The generator has checked that the precision fits.
            None => Err(S::Error::custom("the number does not fit into the fixed")),
        }
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Decimal<P, Q>, D::Error> {
        read_bytes(deserializer, |bytes| match bytes.len() {
            count if count == self.0 => Decimal::from_bytes(&bytes).map_err(|invalid| invalid.to_string()),
            count => Err(format!("there are {count} bytes instead of {}", self.0)),
        })
    }
}

fn write_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::avro::text_of(bytes))
}

fn read_bytes<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    make: impl FnOnce(Vec<u8>) -> Result<T, String>,
) -> Result<T, D::Error> {
    let bytes = read_text(deserializer, "a text of the code points 0 to 255", crate::avro::bytes_of)?;
    make(bytes).map_err(D::Error::custom)
}

fn read_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    make: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Read<F>(&'static str, F);

    impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for Read<F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            let expected = self.0;
            (self.1)(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &expected))
        }
    }

    deserializer.deserialize_str(Read(expected, make))
}
