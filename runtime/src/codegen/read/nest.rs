//! Readers of what holds other values: lists, maps, what may be `null`, boxes, and arrays of a fixed length.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{ReadAs, read_as};

/// An array whose items are read by `A`.
#[derive(Debug)]
pub struct List<A>(PhantomData<A>);

/// An object whose values are read by `A`.
#[derive(Debug)]
pub struct Map<A>(PhantomData<A>);

/// `null`, or what `A` reads.
#[derive(Debug)]
pub struct Maybe<A>(PhantomData<A>);

/// What `A` reads, in a box.
#[derive(Debug)]
pub struct Boxed<A>(PhantomData<A>);

/// Visits on behalf of a reader that makes a `T`.
struct Read<R, T>(PhantomData<fn() -> (R, T)>);

/// Room for as many items as the format announces, but not more than a stranger may make us allocate.
fn capacity<T>(announced: Option<usize>) -> usize {
    const MOST_BYTES: usize = 64 * 1024;
    announced.unwrap_or(0).min(MOST_BYTES / size_of::<T>().max(1))
}

impl<'de, A: ReadAs<'de, T>, T> ReadAs<'de, Vec<T>> for List<A> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(Read::<Self, T>(PhantomData))
    }
}

impl<'de, A: ReadAs<'de, T>, T> Visitor<'de> for Read<List<A>, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut array: S) -> Result<Vec<T>, S::Error> {
        let mut items = Vec::with_capacity(capacity::<T>(array.size_hint()));
        while let Some(item) = array.next_element_seed(read_as::<A, T>())? {
            items.push(item);
        }
        Ok(items)
    }
}

impl<'de, A: ReadAs<'de, T>, T> ReadAs<'de, BTreeMap<String, T>> for Map<A> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error> {
        deserializer.deserialize_map(Read::<Self, T>(PhantomData))
    }
}

impl<'de, A: ReadAs<'de, T>, T> Visitor<'de> for Read<Map<A>, T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut object: M) -> Result<Self::Value, M::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = object.next_key()? {
            members.insert(name, object.next_value_seed(read_as::<A, T>())?);
        }
        Ok(members)
    }
}

impl<'de, A: ReadAs<'de, T>, T> ReadAs<'de, Option<T>> for Maybe<A> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_option(Read::<Self, T>(PhantomData))
    }
}

impl<'de, A: ReadAs<'de, T>, T> Visitor<'de> for Read<Maybe<A>, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null or a value")
    }

    fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        A::read(deserializer).map(Some)
    }
}

impl<'de, A: ReadAs<'de, T>, T> ReadAs<'de, Box<T>> for Boxed<A> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Box<T>, D::Error> {
        A::read(deserializer).map(Box::new)
    }
}

macro_rules! tuples {
    ($($length:literal: $($reader:ident $ty:ident $item:ident),+;)+) => {
        $(
            impl<'de, $($reader: ReadAs<'de, $ty>, $ty),+> ReadAs<'de, ($($ty,)+)> for ($($reader,)+) {
                fn read<D: Deserializer<'de>>(deserializer: D) -> Result<($($ty,)+), D::Error> {
                    deserializer.deserialize_seq(Read::<Self, ($($ty,)+)>(PhantomData))
                }
            }

            impl<'de, $($reader: ReadAs<'de, $ty>, $ty),+> Visitor<'de> for Read<($($reader,)+), ($($ty,)+)> {
                type Value = ($($ty,)+);

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!("an array of length ", $length))
                }

                fn visit_seq<S: SeqAccess<'de>>(self, mut array: S) -> Result<Self::Value, S::Error> {
                    let mut count = 0;
                    $(
                        let Some($item) = array.next_element_seed(read_as::<$reader, $ty>())? else {
                            return Err(S::Error::invalid_length(count, &self));
                        };
                        count += 1;
                    )+
                    // Not every format looks for what is left over.
                    while array.next_element::<IgnoredAny>()?.is_some() {
                        count += 1;
                    }
                    if count == $length { Ok(($($item,)+)) } else { Err(S::Error::invalid_length(count, &self)) }
                }
            }
        )+
    };
}

// As many as generation makes tuples of.
tuples! {
    1: A1 T1 a1;
    2: A1 T1 a1, A2 T2 a2;
    3: A1 T1 a1, A2 T2 a2, A3 T3 a3;
    4: A1 T1 a1, A2 T2 a2, A3 T3 a3, A4 T4 a4;
    5: A1 T1 a1, A2 T2 a2, A3 T3 a3, A4 T4 a4, A5 T5 a5;
    6: A1 T1 a1, A2 T2 a2, A3 T3 a3, A4 T4 a4, A5 T5 a5, A6 T6 a6;
    7: A1 T1 a1, A2 T2 a2, A3 T3 a3, A4 T4 a4, A5 T5 a5, A6 T6 a6, A7 T7 a7;
    8: A1 T1 a1, A2 T2 a2, A3 T3 a3, A4 T4 a4, A5 T5 a5, A6 T6 a6, A7 T7 a7, A8 T8 a8;
    9: A1 T1 a1, A2 T2 a2, A3 T3 a3, A4 T4 a4, A5 T5 a5, A6 T6 a6, A7 T7 a7, A8 T8 a8, A9 T9 a9;
    10: A1 T1 a1, A2 T2 a2, A3 T3 a3, A4 T4 a4, A5 T5 a5, A6 T6 a6, A7 T7 a7, A8 T8 a8, A9 T9 a9, A10 T10 a10;
    11: A1 T1 a1, A2 T2 a2, A3 T3 a3, A4 T4 a4, A5 T5 a5, A6 T6 a6, A7 T7 a7, A8 T8 a8, A9 T9 a9, A10 T10 a10, A11 T11 a11;
    12: A1 T1 a1, A2 T2 a2, A3 T3 a3, A4 T4 a4, A5 T5 a5, A6 T6 a6, A7 T7 a7, A8 T8 a8, A9 T9 a9, A10 T10 a10, A11 T11 a11, A12 T12 a12;
}
