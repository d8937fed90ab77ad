//! Scalars and arrays: which Rust type a schema becomes, and what it refuses.

#![deny(warnings)]

use event_api_tests::contract::Contract;

/// What is generated from `documents/scalars.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/scalars.rs"));
}

use api::*;

#[test]
fn integers_take_the_smallest_type_that_the_document_states() {
    let everything: Everything = serde_json::from_str(r#"{"anyInteger": -1, "wide": 18446744073709551615, "flag": true, "port": 65535, "signed32": -2147483648, "byte": 255}"#).unwrap();
    let _: i64 = everything.any_integer;
    let _: u64 = everything.wide;
    let _: Option<u64> = everything.count;
    let _: Option<u16> = everything.port;
    let _: Option<i32> = everything.signed32;
    let _: Option<u8> = everything.byte;
    let _: Option<f64> = everything.any_number;
    let _: Option<event_api::DateTime> = everything.moment;
    let _: Option<event_api::Date> = everything.day;
    let _: Option<event_api::Uuid> = everything.key;
    let _: Option<std::net::Ipv4Addr> = everything.host4;
    let _: Option<std::net::Ipv6Addr> = everything.host6;
    let _: Option<Vec<Vec<i64>>> = everything.grid;
}

#[test]
fn constrained_integers_agree_with_their_schemas() {
    let mut contract = Contract::of("scalars");
    contract.check::<Percent>(
        "Percent",
        &["0", "100", "50"],
        &["-1", "101", "0.5", "\"1\"", "null", "[1]", "300", "1e30"],
    );
    contract.check::<Celsius>("Celsius", &["-273", "0", "1000"], &["-274", "1001", "-1e300"]);
    contract.check::<Dozens>("Dozens", &["0", "12", "-24", "144"], &["1", "13", "12.5"]);
    contract.holds();
}

#[test]
fn an_integer_may_be_written_with_a_point() {
    let mut contract = Contract::of("scalars");
    contract.check::<Percent>("Percent", &["50.0", "1e2"], &["50.5"]);
    contract.check::<Dozens>("Dozens", &["144.0"], &[]);
    contract.check::<Everything>("Everything", &[r#"{"anyInteger":1.0,"wide":2e3,"flag":false}"#], &[]);
    contract.holds();
}

#[test]
fn constrained_numbers_agree_with_their_schemas() {
    let mut contract = Contract::of("scalars");
    contract.check::<Ratio>("Ratio", &["1", "0.5", "1e-300"], &["0", "0.0", "1.0001", "-1", "\"0.5\"", "true"]);
    contract.check::<Price>("Price", &["0", "0.01", "19.99", "0.3", "1e2", "123456.78"], &["0.001", "19.999", "-0.01"]);
    contract.holds();
}

#[test]
fn lengths_and_patterns_count_characters_and_not_bytes() {
    let mut contract = Contract::of("scalars");
    contract.check::<Name>(
        "Name",
        &["\"ab\"", "\"größe\"", "\"日本\"", "\"🦀🦀🦀🦀🦀\"", "\"\\ud83e\\udd80x\"", "\"\\u0000\\n\""],
        &["\"\"", "\"a\"", "\"🦀\"", "\"é\"", "\"abcdef\"", "\"🦀🦀🦀🦀🦀🦀\"", "1", "null", "[\"ab\"]"],
    );
    contract.check::<Code>(
        "Code",
        &["\"AB-1\"", "\"ZZ-0042\""],
        &["\"ab-1\"", "\"AB-\"", "\"xAB-1\"", "\"AB-1\\n\"", "\"\""],
    );
    contract.check::<Dashed>("Dashed", &["\"a-b\"", "\"_\""], &["\"a b\"", "\"\""]);
    contract.check::<Letters>("Letters", &["\"äöü\"", "\"日本\""], &["\"a1\"", "\"abcde\"", "\"\""]);
    contract.holds();
}

#[test]
fn arrays_agree_with_their_schemas() {
    let mut contract = Contract::of("scalars");
    contract.check::<Tags>(
        "Tags",
        &["[\"a\"]", "[\"a\",\"b\",\"A\"]"],
        &["[]", "[\"a\",\"a\"]", "[\"a\",\"b\",\"c\",\"d\"]", "[1]", "\"a\"", "{}", "null"],
    );
    contract.check::<Numbers>("Numbers", &["[]", "[1, 2, 1.5]"], &["[1, 1.0]", "[0.1, 0.1]", "[0, -0.0]"]);
    contract.holds();
}

#[test]
fn every_scalar_agrees_where_types_stand() {
    let member = |name: &str, value: &str| format!(r#"{{"anyInteger":1,"wide":2,"flag":false,"{name}":{value}}}"#);
    let accepted = [
        ("count", "9223372036854775808"),
        ("port", "0"),
        ("anyNumber", "1"),
        ("anyNumber", "-1.5e10"),
        ("nothing", "null"),
        ("freeText", "\"\""),
        ("grid", "[[],[1,2]]"),
        ("moment", "\"2020-02-29T23:59:59.123456789+01:30\""),
        ("moment", "\"2020-02-29T23:59:59Z\""),
        ("day", "\"2020-02-29\""),
        ("key", "\"123e4567-e89b-12d3-a456-426614174000\""),
        ("host4", "\"127.0.0.1\""),
        ("host6", "\"::1\""),
        ("maybeName", "null"),
        ("maybeName", "\"x\""),
    ];
    let refused = [
        ("count", "-1"),
        ("count", "null"),
        ("anyNumber", "null"),
        ("anyNumber", "\"1\""),
        ("nothing", "0"),
        ("freeText", "null"),
        ("freeText", "1"),
        ("grid", "[1]"),
        ("moment", "1"),
        ("moment", "null"),
        ("maybeName", "\"\""),
        ("maybeName", "1"),
    ];
    let refused: Vec<String> = refused.iter().map(|(name, value)| member(name, value)).collect();
    let accepted: Vec<String> = accepted.iter().map(|(name, value)| member(name, value)).collect();
    let (accepted, refused): (Vec<&str>, Vec<&str>) =
        (accepted.iter().map(String::as_str).collect(), refused.iter().map(String::as_str).collect());
    let mut contract = Contract::of("scalars");
    contract.check::<Everything>("Everything", &accepted, &refused);
    contract.holds();
}

#[test]
fn formats_with_a_rust_type_refuse_what_is_not_of_it() {
    let member = |name: &str, value: &str| format!(r#"{{"anyInteger":1,"wide":2,"flag":false,"{name}":{value}}}"#);
    let refused: Vec<String> = [
        ("moment", "\"2020-02-30T00:00:00Z\""),
        ("moment", "\"yesterday\""),
        ("moment", "\"2020-02-28\""),
        ("day", "\"2021-02-29\""),
        ("day", "\"2021-02-28T00:00:00Z\""),
        ("key", "\"123e4567\""),
        ("host4", "\"256.0.0.1\""),
        ("host4", "\"::1\""),
        ("host6", "\"127.0.0.1\""),
    ]
    .iter()
    .map(|(name, value)| member(name, value))
    .collect();
    let mut contract = Contract::of("scalars");
    contract.refuses_formats::<Everything>("Everything", &refused.iter().map(String::as_str).collect::<Vec<_>>());
    contract.holds();
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let twice = r#"{"anyInteger":1,"wide":2,"flag":true,"flag":true}"#;
    assert!(serde_json::from_str::<Everything>(twice).unwrap_err().to_string().contains("duplicate field `flag`"));
}

#[test]
fn newtypes_cannot_hold_what_the_document_refuses() {
    assert!(Name::try_from("ok".to_owned()).is_ok());
    assert_eq!(Name::try_from("x".to_owned()).unwrap_err().to_string(), "1 characters are fewer than 2");
    assert!("größe".parse::<Name>().is_ok());
    assert!("größer".parse::<Name>().is_err());
    assert!(Name::new("longer").is_err());
    let name: Name = "abc".parse().unwrap();
    assert_eq!((name.as_str(), name.as_ref(), name.to_string()), ("abc", "abc", "abc".to_owned()));
    assert_eq!(String::from(name), "abc");

    assert!(Percent::try_from(101).is_err());
    assert_eq!(*Percent::new(100).unwrap().get(), 100);
    assert!(Ratio::try_from(f64::NAN).is_err());
    assert!(Ratio::try_from(f64::INFINITY).is_err());
    assert!(Price::try_from(0.015).is_err());
    assert!(Tags::try_from(vec![]).is_err());
    assert!(Tags::try_from(vec!["a".to_owned(), "a".to_owned()]).unwrap_err().to_string().contains("twice"));
}
