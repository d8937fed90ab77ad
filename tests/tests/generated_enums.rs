//! Listed values: each has a name of its own, and reads and writes as it is listed.

#![deny(warnings)]

use std::collections::HashSet;

use event_api_tests::contract::Contract;

/// What is generated from `documents/enums.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/enums.rs"));
}

use api::*;

#[test]
fn string_enums_agree_with_their_schemas() {
    let mut contract = Contract::of("enums");
    contract.check::<Color>(
        "Color",
        &["\"red\"", "\"dark blue\""],
        &["\"Red\"", "\"\"", "\"darkBlue\"", "1", "null", "[\"red\"]", "{\"red\": null}"],
    );
    contract.check::<Letter>("Letter", &["\"a\"", "\"A\"", "\"ä\"", "\"Ä\""], &["\"b\"", "\"a\\u0308\""]);
    contract.check::<Separators>(
        "Separators",
        &["\"foo-bar\"", "\"foo_bar\"", "\"fooBar\"", "\"foo bar\"", "\"FOO_BAR\""],
        &["\"foobar\"", "\"FooBar\""],
    );
    contract.check::<Symbols>(
        "Symbols",
        &["\"+\"", "\"\"", "\" \"", "\"-1\"", "\"<=\"", "\"/\""],
        &["\"++\"", "\"  \"", "1"],
    );
    contract.check::<Digits>("Digits", &["\"1\"", "\"2nd\"", "\"3.0\"", "\"3-0\"", "\"007\""], &["\"7\"", "1", "3.0"]);
    contract.check::<World>(
        "World",
        &["\"日本\"", "\"größe\"", "\"🦀\"", "\"🐍\"", "\"مرحبا\"", "\"µs\""],
        &["\"μs\"", "\"x\""],
    );
    contract.check::<Prelude>(
        "Prelude",
        &["\"None\"", "\"Self\"", "\"self\"", "\"Err\"", "\"type\"", "\"Type\""],
        &["\"none\""],
    );
    contract.check::<Quotes>("Quotes", &[r#""a\"b""#, r#""a\\b""#, r#""a\nb""#, "\"a`b\"", "\"{}\""], &["\"ab\""]);
    contract.check::<Single>("Single", &["\"only\""], &["\"Only\"", "null"]);
    contract.check::<Constant>("Constant", &["\"fixed\""], &["\"other\"", "1"]);
    contract.check::<Doubled>("Doubled", &["\"x\"", "\"y\""], &["\"z\""]);
    contract.holds();
}

#[test]
fn enums_of_numbers_and_of_several_types_agree_with_their_schemas() {
    let mut contract = Contract::of("enums");
    contract.check::<Number>("Number", &["1", "2.0", "-3", "1e6"], &["0", "\"1\"", "1.5", "true", "null", "[1]"]);
    contract.check::<Mixed>(
        "Mixed",
        &["\"on\"", "1", "true", "-5"],
        &["false", "\"true\"", "\"1\"", "0", "null", "\"off\""],
    );
    contract.check::<Holder>(
        "Holder",
        &[
            "{}",
            r#"{"status": "open", "Status": "held"}"#,
            r#"{"maybe": null}"#,
            r#"{"maybe": "yes"}"#,
            r#"{"constant": "fixed"}"#,
        ],
        &[
            r#"{"status": "held"}"#,
            r#"{"Status": "closed"}"#,
            r#"{"maybe": "maybe"}"#,
            r#"{"constant": "other"}"#,
            r#"{"status": null}"#,
        ],
    );
    contract.holds();
}

#[test]
fn every_value_has_a_name_of_its_own() {
    assert_eq!(Symbols::ALL.len(), 17);
    assert_eq!(Separators::ALL.len(), 5);
    assert_eq!(Prelude::ALL.len(), 16);
    assert_eq!(Doubled::ALL.len(), 2, "a value that is listed twice is one value");
    let texts: HashSet<&str> = Symbols::ALL.iter().map(|symbol| symbol.as_str()).collect();
    assert_eq!(texts.len(), 17);
    for symbol in Symbols::ALL {
        assert_eq!(symbol.as_str().parse::<Symbols>().unwrap(), *symbol);
        assert_eq!(symbol.to_string(), symbol.as_str());
    }
    assert_eq!(Color::ALL, [Color::Red, Color::Green, Color::DarkBlue]);
    assert_eq!("red".parse::<Color>().unwrap(), Color::Red);
    assert_eq!("blue".parse::<Color>().unwrap_err().to_string(), "not one of red, green, dark blue");
}

#[test]
fn an_unknown_value_is_refused_with_the_known_ones() {
    let error = serde_json::from_str::<Color>("\"blue\"").unwrap_err().to_string();
    assert!(error.contains("blue") && error.contains("`dark blue`"), "{error}");
    let error = serde_json::from_str::<Number>("7").unwrap_err().to_string();
    assert!(error.contains('7') && error.contains("Number"), "{error}");
}
