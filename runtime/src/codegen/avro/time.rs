//! Coders of dates and times: integers that count from a beginning.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Timelike};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};

use super::Coder;
use crate::avro::{LocalTimestamp, TimeOfDay, Timestamp};

/// `date`: days since 1970-01-01.
#[derive(Clone, Copy, Debug)]
pub struct Days;

impl Coder<NaiveDate> for Days {
    fn write<S: Serializer>(&self, value: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
        value.signed_duration_since(epoch()).num_days().serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<NaiveDate, D::Error> {
        let days = i32::deserialize(deserializer)?;
        let date = TimeDelta::try_days(days.into()).and_then(|days| epoch().checked_add_signed(days));
        date.ok_or_else(|| D::Error::custom(format_args!("the day {days} is out of range")))
    }
}

/// `time-millis` (1,000 a second) and `time-micros` (1,000,000): since midnight.
#[derive(Clone, Copy, Debug)]
pub struct TimeOf(pub u32);

impl Coder<TimeOfDay> for TimeOf {
    fn write<S: Serializer>(&self, value: &TimeOfDay, serializer: S) -> Result<S::Ok, S::Error> {
        if value.nanosecond() >= 1_000_000_000 {
            return Err(S::Error::custom("a time within a leap second cannot be written"));
        }
        let whole = i64::from(value.num_seconds_from_midnight()) * i64::from(self.0);
        (whole + i64::from(value.nanosecond() / (1_000_000_000 / self.0))).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<TimeOfDay, D::Error> {
        let count = i64::deserialize(deserializer)?;
        let per_second = i64::from(self.0);
        let seconds = u32::try_from(count.div_euclid(per_second)).ok();
        let fraction = count.rem_euclid(per_second) as u32 * (1_000_000_000 / self.0);
        let time = seconds.and_then(|seconds| NaiveTime::from_num_seconds_from_midnight_opt(seconds, fraction));
        time.ok_or_else(|| D::Error::custom(format_args!("{count} is no time of day")))
    }
}

/// `timestamp-millis`, `timestamp-micros` and `timestamp-nanos`, by how many there are in a second: since 1970.
#[derive(Clone, Copy, Debug)]
pub struct TimestampOf(pub u32);

impl Coder<Timestamp> for TimestampOf {
    fn write<S: Serializer>(&self, value: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        // Within a leap second, `subsec` is a second or more: then it is the second after.
        let fraction = i64::from(value.timestamp_subsec_nanos() / (1_000_000_000 / self.0));
        let whole = value.timestamp().checked_mul(self.0.into());
        match whole.and_then(|whole| whole.checked_add(fraction)) {
            Some(count) => count.serialize(serializer),
            None => Err(S::Error::custom(format_args!("the time {value} is out of the range of 64 bits"))),
        }
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<Timestamp, D::Error> {
        let count = i64::deserialize(deserializer)?;
        let per_second = i64::from(self.0);
        let fraction = count.rem_euclid(per_second) as u32 * (1_000_000_000 / self.0);
        let time = DateTime::from_timestamp(count.div_euclid(per_second), fraction);
        time.ok_or_else(|| D::Error::custom(format_args!("the time {count} is out of range")))
    }
}

/// `local-timestamp-…`: the same, of a date and time of day without a time zone.
#[derive(Clone, Copy, Debug)]
pub struct LocalTimestampOf(pub u32);

impl Coder<LocalTimestamp> for LocalTimestampOf {
    fn write<S: Serializer>(&self, value: &LocalTimestamp, serializer: S) -> Result<S::Ok, S::Error> {
        TimestampOf(self.0).write(&value.and_utc(), serializer)
    }

    fn read<'de, D: Deserializer<'de>>(&self, deserializer: D) -> Result<LocalTimestamp, D::Error> {
        TimestampOf(self.0).read(deserializer).map(|time| time.naive_utc())
    }
}

fn epoch() -> NaiveDate {
    DateTime::UNIX_EPOCH.date_naive()
}
