//! What each reader accepts and refuses, from text and from a collected value.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{Ipv4Addr, Ipv6Addr};

use event_api::codegen::ReadAs;
use event_api::codegen::readers::*;
use serde_json::Value;

/// The same comes of the text and of the value, owned and borrowed.
#[track_caller]
fn read<R, T>(text: &str) -> Result<T, String>
where
    R: for<'de> ReadAs<'de, T>,
    T: PartialEq + Debug,
{
    let mut json = serde_json::Deserializer::from_str(text);
    let from_text = R::read(&mut json).and_then(|value| json.end().map(|()| value)).map_err(|error| error.to_string());
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        assert_eq!(R::read(&value).ok().as_ref(), from_text.as_ref().ok(), "{text}");
        assert_eq!(R::read(value).ok().as_ref(), from_text.as_ref().ok(), "{text}");
    }
    from_text
}

#[track_caller]
fn accepts<R, T>(pairs: impl IntoIterator<Item = (&'static str, T)>)
where
    R: for<'de> ReadAs<'de, T>,
    T: PartialEq + Debug,
{
    for (text, expected) in pairs {
        assert_eq!(read::<R, T>(text), Ok(expected), "{text}");
    }
}

#[track_caller]
fn refuses<R, T>(texts: &[&str])
where
    R: for<'de> ReadAs<'de, T>,
    T: PartialEq + Debug,
{
    for text in texts {
        assert!(read::<R, T>(text).is_err(), "{text}");
    }
}

#[test]
fn an_integer_may_be_written_in_any_way_and_must_fit_its_type() {
    accepts::<Integer, i64>([
        ("0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("1.0", 1),
        ("-2e3", -2000),
        ("120e-1", 12),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
        ("-9223372036854774784.0", i64::MIN + 1024),
    ]);
    accepts::<Integer, u64>([("18446744073709551615", u64::MAX), ("1e19", 10_000_000_000_000_000_000)]);
    accepts::<Integer, u8>([("255", 255), ("255.0", 255)]);
    accepts::<Integer, i8>([("-128", -128)]);
    accepts::<Integer, u32>([("4294967295", u32::MAX)]);
    accepts::<Integer, i32>([("-2147483648", i32::MIN)]);
    accepts::<Integer, u16>([("65535", u16::MAX)]);
    accepts::<Integer, i16>([("32767", i16::MAX)]);
    let none = ["1.5", "0.1", "1e-1", "\"1\"", "true", "null", "[1]", "{}", "1e300", "9223372036854775808e1", ""];
    refuses::<Integer, i64>(&none);
    refuses::<Integer, u64>(&none);
    refuses::<Integer, i64>(&["9223372036854775808", "9223372036854775808.0", "1e19", "-9223372036854775809"]);
    refuses::<Integer, u64>(&["-1", "-1.0", "18446744073709551616", "1e20"]);
    refuses::<Integer, u8>(&["256", "256.0", "-1"]);
    assert_eq!(
        read::<Integer, u8>("256.0").unwrap_err(),
        "invalid value: floating point `256.0`, expected an integer from 0 to 255 at line 1 column 5"
    );
    assert!(read::<Integer, i64>("1.5").unwrap_err().contains("`1.5`, expected an integer from -9223372036854775808"));
}

#[test]
fn a_number_is_never_rounded_where_that_can_be_seen() {
    accepts::<Number, f64>([
        ("0", 0.0),
        ("-0.0", -0.0),
        ("1", 1.0),
        ("19.99", 19.99),
        ("9007199254740992", 9_007_199_254_740_992.0),
        ("9007199254740994", 9_007_199_254_740_994.0),
        ("-9007199254740992", -9_007_199_254_740_992.0),
        ("18446744073709549568", 18_446_744_073_709_549_568.0),
        ("1e300", 1e300),
        ("5e-324", 5e-324),
        ("0.1000000000000000055511151231257827", 0.1),
    ]);
    refuses::<Number, f64>(&["9007199254740993", "-9007199254740993", "18446744073709551615", "1e400"]);
    refuses::<Number, f64>(&["\"1\"", "null", "true", "[]", "{}"]);
    assert!(read::<Number, f64>("9007199254740993").unwrap_err().contains("not changed by rounding"));
}

#[test]
fn a_date_and_time_is_of_rfc_3339() {
    let read = |text: &str| read::<DateTime, event_api::DateTime>(&format!("{text:?}"));
    for text in [
        "2020-02-29T23:59:59Z",
        "2020-02-29t23:59:59z",
        "2020-02-29T23:59:59.123456789+01:30",
        "2020-02-29T23:59:59.1000000000000-23:59",
        "1998-12-31T23:59:60Z",
        "1998-12-31T15:59:60.123-08:00",
        "0000-01-01T00:00:00Z",
        "2020-01-01T00:00:00-00:00",
    ] {
        let moment = read(text).unwrap();
        // What is written is the same instant, and read again.
        let written = serde_json::to_value(moment).unwrap();
        assert_eq!(self::read::<DateTime, event_api::DateTime>(&written.to_string()), Ok(moment), "{text}");
    }
    for text in [
        "2020-02-30T00:00:00Z",
        "2021-02-29T00:00:00Z",
        "2020-02-29 23:59:59Z",
        "2020-02-29T23:59:59",
        "2020-02-29T23:59Z",
        "2020-02-29T24:00:00Z",
        "2020-02-29T23:59:61Z",
        "2020-02-29T23:59:59,5Z",
        "2020-02-29T23:59:59.Z",
        "2020-02-29T23:59:59.1234567891Z",
        "2020-02-29T23:59:59+0130",
        "2020-02-29T23:59:59+01",
        "2020-02-29T23:59:59+24:00",
        "2020-02-29T23:59:59+00:60",
        "2020-02-29T23:59:59+01:00Z",
        "2020-02-29T23:59:59 Z",
        " 2020-02-29T23:59:59Z",
        "+2020-02-29T23:59:59Z",
        "12020-02-29T23:59:59Z",
        "2020-060T23:59:59Z",
        "20200229T235959Z",
        "1998-12-31T23:58:60Z",
        "1998-12-31T22:59:60Z",
        "2020-02-29T23:59:59.\u{9ea}Z",
        "",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
    refuses::<DateTime, event_api::DateTime>(&["1582934400", "null", "[]"]);
}

#[test]
fn dates_uuids_and_addresses_are_of_their_rfcs() {
    accepts::<Date, event_api::Date>([("\"2020-02-29\"", "2020-02-29".parse().unwrap())]);
    let dates = [
        "2021-02-29",
        "2020-2-9",
        "2020-02-29T00:00:00Z",
        "+2020-02-29",
        "20200229",
        "2020-060",
        "",
        "2020-02-2\u{9ea}",
    ];
    refuses::<Date, event_api::Date>(&dates.map(|text| format!("{text:?}")).each_ref().map(String::as_str));

    let uuid = "123e4567-e89b-12d3-a456-426614174000";
    accepts::<Uuid, event_api::Uuid>([
        ("\"123e4567-e89b-12d3-a456-426614174000\"", uuid.parse().unwrap()),
        ("\"123E4567-E89B-12D3-A456-426614174000\"", uuid.parse().unwrap()),
    ]);
    let uuids = [
        "123e4567e89b12d3a456426614174000",
        "{123e4567-e89b-12d3-a456-426614174000}",
        "urn:uuid:123e4567-e89b-12d3-a456-426614174000",
        "123e4567-e89b-12d3-a456-42661417400",
        "123e4567-e89b-12d3-a456-42661417400g",
        "123e4567-e89b12d3--a456-426614174000",
        "",
    ];
    refuses::<Uuid, event_api::Uuid>(&uuids.map(|text| format!("{text:?}")).each_ref().map(String::as_str));

    accepts::<Ipv4, Ipv4Addr>([("\"127.0.0.1\"", Ipv4Addr::LOCALHOST)]);
    refuses::<Ipv4, Ipv4Addr>(&[
        "\"127.0.0.01\"",
        "\"256.0.0.1\"",
        "\"127.0.1\"",
        "\"::1\"",
        "\"0x7f.0.0.1\"",
        "1",
        "[127,0,0,1]",
    ]);
    accepts::<Ipv6, Ipv6Addr>([
        ("\"::1\"", Ipv6Addr::LOCALHOST),
        ("\"::ffff:1.2.3.4\"", "::ffff:1.2.3.4".parse().unwrap()),
    ]);
    refuses::<Ipv6, Ipv6Addr>(&[
        "\"127.0.0.1\"",
        "\"fe80::1%eth0\"",
        "\"1::2::3\"",
        "\"[::1]\"",
        "\"12345::\"",
        "null",
    ]);
}

#[test]
fn readers_nest() {
    accepts::<List<Maybe<Integer>>, Vec<Option<i64>>>([("[1.0, null]", vec![Some(1), None]), ("[]", vec![])]);
    refuses::<List<Integer>, Vec<i64>>(&["[1.5]", "[null]", "{}", "null", "1", "[1"]);
    accepts::<Map<List<Number>>, BTreeMap<String, Vec<f64>>>([(
        r#"{"a": [1], "b": []}"#,
        [("a".to_owned(), vec![1.0]), ("b".to_owned(), vec![])].into(),
    )]);
    refuses::<Map<Integer>, BTreeMap<String, i64>>(&[r#"{"a": 1.5}"#, "[]", "null", "[[\"a\", 1]]"]);
    accepts::<Maybe<Boxed<Integer>>, Option<Box<u8>>>([("null", None), ("7.0", Some(Box::new(7)))]);
    refuses::<Maybe<Integer>, Option<u8>>(&["1.5", "\"\"", "[]"]);
    accepts::<(Integer, Same, (Number,)), (i64, String, (f64,))>([("[1.0, \"a\", [2]]", (1, "a".to_owned(), (2.0,)))]);
    refuses::<(Integer, Same), (i64, String)>(&["[1]", "[]", "[1, \"a\", 2]", "[1.5, \"a\"]", "{}", "null"]);
    accepts::<Same, ()>([("null", ())]);
    refuses::<Same, ()>(&["0", "[]", "{}", "\"\"", "false"]);
}
