//! Strings of a format that has a type in Rust, as strictly as the RFC that JSON Schema names for it. What cannot be
//! held exactly, such as picoseconds, is refused and not cut.

use std::fmt;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, Ipv6Addr};

use chrono::{NaiveDate, Timelike};
use serde::de::{Deserializer, Error, Unexpected, Visitor};

use super::ReadAs;

macro_rules! formats {
    ($($(#[$docs:meta])* $reader:ident: $ty:ty = $parse:expr, $expected:literal;)+) => {
        $(
            $(#[$docs])*
            #[derive(Debug)]
            pub enum $reader {}

            impl Format for $reader {
                type Type = $ty;
                const EXPECTED: &'static str = $expected;

                fn parse(text: &str) -> Option<$ty> {
                    $parse(text)
                }
            }

            impl<'de> ReadAs<'de, $ty> for $reader {
                fn read<D: Deserializer<'de>>(deserializer: D) -> Result<$ty, D::Error> {
                    deserializer.deserialize_str(Read::<Self>(PhantomData))
                }
            }
        )+
    };
}

formats! {
    /// `date-time`: RFC 3339, section 5.6, with up to nine digits of a second's fraction.
    DateTime: crate::DateTime = date_time, "a date and time of RFC 3339, such as `2020-02-29T12:00:00Z`";
    /// `date`: `full-date` of RFC 3339.
    Date: crate::Date = date, "a date of RFC 3339, such as `2020-02-29`";
    /// `uuid`: RFC 4122, with its hyphens.
    Uuid: crate::Uuid = uuid, "a UUID of RFC 4122, such as `123e4567-e89b-12d3-a456-426614174000`";
    /// `ipv4`: the dotted quad of RFC 2673, section 3.2.
    Ipv4: Ipv4Addr = ipv4, "an IPv4 address, such as `127.0.0.1`";
    /// `ipv6`: RFC 4291, section 2.2.
    Ipv6: Ipv6Addr = ipv6, "an IPv6 address, such as `::1`";
}

trait Format {
    type Type;
    const EXPECTED: &'static str;

    fn parse(text: &str) -> Option<Self::Type>;
}

struct Read<F>(PhantomData<F>);

impl<F: Format> Visitor<'_> for Read<F> {
    type Value = F::Type;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(F::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<F::Type, E> {
        F::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// Whether the text has the form, in which `9` stands for any digit.
fn has_form(text: &[u8], form: &[u8]) -> bool {
    let fits = |(&byte, &form): (&u8, &u8)| if form == b'9' { byte.is_ascii_digit() } else { byte == form };
    text.len() == form.len() && text.iter().zip(form).all(fits)
}

fn date(text: &str) -> Option<NaiveDate> {
    if has_form(text.as_bytes(), b"9999-99-99") { text.parse().ok() } else { None }
}

fn date_time(text: &str) -> Option<crate::DateTime> {
    let (start, rest) = text.split_at_checked("9999-99-99T99:99:99".len())?;
    let bytes = start.as_bytes();
    if !has_form(bytes, b"9999-99-99T99:99:99") && !has_form(bytes, b"9999-99-99t99:99:99") {
        return None;
    }
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|byte: char| byte.is_ascii_digit());
            let digits = &fraction[..fraction.len() - zone.len()];
            let held = digits.trim_end_matches('0').len() <= 9;
            if digits.is_empty() || !held {
                return None;
            }
            zone
        }
        None => rest,
    };
    let is_offset = has_form(zone.as_bytes(), b"+99:99") || has_form(zone.as_bytes(), b"-99:99");
    if !is_offset && zone != "Z" && zone != "z" {
        return None;
    }
    let moment = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    // Leap seconds stand at the end of a day of UTC (section 5.7).
    let utc = moment.naive_utc();
    let is_leap = utc.nanosecond() >= 1_000_000_000;
    if is_leap && (utc.hour(), utc.minute()) != (23, 59) { None } else { Some(moment) }
}

fn uuid(text: &str) -> Option<crate::Uuid> {
    let hyphens = [8, 13, 18, 23];
    let bytes = text.as_bytes();
    let is_hyphenated = bytes.len() == 36 && hyphens.iter().all(|&at| bytes[at] == b'-');
    if is_hyphenated { crate::Uuid::try_parse(text).ok() } else { None }
}

fn ipv4(text: &str) -> Option<Ipv4Addr> {
    text.parse().ok()
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok()
}
