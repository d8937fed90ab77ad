//! Numbers that are what the document says: `1.0` is an integer, and nothing is rounded that can be seen to be.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

use super::ReadAs;

/// An integer of Rust: a number without a fractional part, within the type's range.
#[derive(Debug)]
pub enum Integer {}

/// A double: a number, and no integer that a double cannot hold.
#[derive(Debug)]
pub enum Number {}

/// The integers that generated code has.
pub trait IntegerType: Copy {
    /// What is expected.
    const RANGE: &'static str;

    /// The value, where it is within range.
    fn from_wide(value: i128) -> Option<Self>;

    /// Asks the format for it.
    ///
    /// # Errors
    /// When the visitor has one.
    fn ask<'de, D: Deserializer<'de>, V: Visitor<'de>>(deserializer: D, visitor: V) -> Result<V::Value, D::Error>;
}

macro_rules! integer_types {
    ($($integer:ident $ask:ident $range:literal,)+) => {
        $(impl IntegerType for $integer {
            const RANGE: &'static str = $range;

            fn from_wide(value: i128) -> Option<Self> {
                Self::try_from(value).ok()
            }

            fn ask<'de, D: Deserializer<'de>, V: Visitor<'de>>(deserializer: D, visitor: V) -> Result<V::Value, D::Error> {
                deserializer.$ask(visitor)
            }
        })+
    };
}

integer_types! {
    i8 deserialize_i8 "an integer from -128 to 127",
    i16 deserialize_i16 "an integer from -32768 to 32767",
    i32 deserialize_i32 "an integer from -2147483648 to 2147483647",
    i64 deserialize_i64 "an integer from -9223372036854775808 to 9223372036854775807",
    u8 deserialize_u8 "an integer from 0 to 255",
    u16 deserialize_u16 "an integer from 0 to 65535",
    u32 deserialize_u32 "an integer from 0 to 4294967295",
    u64 deserialize_u64 "an integer from 0 to 18446744073709551615",
}

impl<'de, T: IntegerType> ReadAs<'de, T> for Integer {
    #[inline]
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::ask(deserializer, ReadInteger(PhantomData))
    }
}

struct ReadInteger<T>(PhantomData<T>);

impl<T: IntegerType> Visitor<'_> for ReadInteger<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::RANGE)
    }

    #[inline]
    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::from_wide(value.into()).ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    #[inline]
    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::from_wide(value.into()).ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        // An integer just below the range of `i64` comes here as the double at its end. Beyond the other ends there is no
        // such double. So the end itself is taken from an integer only.
        const LOWEST: f64 = i64::MIN as f64;
        let is_integer = value.fract() == 0.0 && value > LOWEST && value < 2f64.powi(64);
        let integer = if is_integer { T::from_wide(value as i128) } else { None };
        integer.ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }
}

impl<'de> ReadAs<'de, f64> for Number {
    #[inline]
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        deserializer.deserialize_f64(ReadNumber)
    }
}

struct ReadNumber;

/// The first integer that has a neighbour no double holds.
const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

impl Visitor<'_> for ReadNumber {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number that is not changed by rounding to a double")
    }

    #[inline]
    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    #[inline]
    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        let double = value as f64;
        if value.unsigned_abs() <= EXACT || double as i128 == i128::from(value) {
            return Ok(double);
        }
        Err(E::invalid_value(Unexpected::Signed(value), &self))
    }

    #[inline]
    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        let double = value as f64;
        if value <= EXACT || double as i128 == i128::from(value) {
            return Ok(double);
        }
        Err(E::invalid_value(Unexpected::Unsigned(value), &self))
    }
}
