//! Objects and arrays: presence, additional members, maps, constants, recursion, merging, tuples.

#![deny(warnings)]

use std::collections::BTreeMap;

use event_api_tests::contract::Contract;
use serde_json::json;

/// What is generated from `documents/objects.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/objects.rs"));
}

use api::*;

#[test]
fn presence_agrees_with_the_schema() {
    let mut contract = Contract::of("objects");
    contract.check::<Presence>(
        "Presence",
        &[
            r#"{"required": "a", "requiredNullable": null}"#,
            r#"{"requiredNullable": "b", "required": "", "optional": "c", "nullable": 1, "text": "d", "number": 2, "count": -3, "flag": false, "level": "high"}"#,
            r#"{"required": "a", "requiredNullable": null, "nullable": null}"#,
            r#"{"required": "a", "requiredNullable": null, "more": {"deep": [1, null, {"x": "y"}]}, "": 0}"#,
        ],
        &[
            "{}",
            r#"{"required": "a"}"#,
            r#"{"requiredNullable": null}"#,
            r#"{"required": null, "requiredNullable": null}"#,
            r#"{"required": "a", "requiredNullable": null, "optional": null}"#,
            r#"{"required": "a", "requiredNullable": null, "text": null}"#,
            r#"{"required": "a", "requiredNullable": null, "level": "middle"}"#,
            r#"{"required": "a", "requiredNullable": null, "flag": 1}"#,
            r#"["a", null]"#,
            r#"["a", "b", null, null, "d", 2, 3, true, "low"]"#,
            "null",
            "\"a\"",
        ],
    );
    contract.holds();
}

#[test]
fn an_absent_member_has_its_default() {
    let value: Presence = serde_json::from_value(json!({"required": "a", "requiredNullable": null})).unwrap();
    assert_eq!((value.optional, value.required_nullable, value.nullable), (None, None, None));
    assert_eq!((value.text.as_str(), value.number, value.count, value.flag), ("hello", -1.5, 7, true));
    assert_eq!(value.level, PresenceLevel::Low);
}

#[test]
fn an_absent_member_stays_absent() {
    let closed: Closed = serde_json::from_str("{}").unwrap();
    assert_eq!(serde_json::to_string(&closed).unwrap(), "{}");
    assert_eq!(closed, Closed::default());
}

#[test]
fn additional_members_are_refused_kept_or_read_over() {
    let mut contract = Contract::of("objects");
    contract.check::<Closed>("Closed", &["{}", r#"{"a": 1}"#], &[r#"{"b": 1}"#, r#"{"a": 1, "A": 1}"#, "[]", "[1]"]);
    contract.check::<Extended>(
        "Extended",
        &[r#"{"id": "x"}"#, r#"{"id": "x", "n": 1, "": -2, "Id": 3}"#],
        &[r#"{"id": "x", "n": "1"}"#, r#"{"id": "x", "n": null}"#, r#"{"n": 1}"#],
    );
    contract.check::<Undeclared>(
        "Undeclared",
        &[r#"{"known": 1, "unknown": null}"#, r#"{"unknown": {"any": [1]}, "known": 1, "more": 2}"#],
        &[r#"{"known": 1}"#, r#"{"unknown": 1}"#],
    );
    contract.check::<Nothing>("Nothing", &["{}"], &[r#"{"a": 1}"#, "[]", "null"]);
    contract.holds();
    let kept: Extended = serde_json::from_str(r#"{"n": 1, "id": "x", "m": 2}"#).unwrap();
    assert_eq!(kept.additional_properties, BTreeMap::from([("m".to_owned(), 2), ("n".to_owned(), 1)]));
}

#[test]
fn maps_check_their_keys_and_sizes() {
    let mut contract = Contract::of("objects");
    contract.check::<SmallMap>(
        "SmallMap",
        &[r#"{"a": "x"}"#, r#"{"a": "x", "": "y"}"#],
        &["{}", r#"{"a": "1", "b": "2", "c": "3"}"#, r#"{"a": 1}"#, "[]"],
    );
    contract.check::<Patterned>(
        "Patterned",
        &["{}", r#"{"x-a": true, "x-bc": false}"#],
        &[r#"{"x-": true}"#, r#"{"x-a": 1}"#, r#"{"y": true}"#, r#"{"x-A": true}"#, "[]"],
    );
    contract.holds();
    let bad = BTreeMap::from([("y".to_owned(), true)]);
    assert!(Patterned::try_from(bad).unwrap_err().to_string().contains("\"y\""));
}

#[test]
fn constants_are_written_and_checked() {
    let mut contract = Contract::of("objects");
    contract.check::<Constants>(
        "Constants",
        &[
            r#"{"kind": "user", "version": 2, "strict": true}"#,
            r#"{"name": "n", "strict": true, "version": 2.0, "kind": "user"}"#,
        ],
        &[
            r#"{"version": 2, "strict": true}"#,
            r#"{"kind": "admin", "version": 2, "strict": true}"#,
            r#"{"kind": "user", "version": 3, "strict": true}"#,
            r#"{"kind": "user", "version": "2", "strict": true}"#,
            r#"{"kind": "user", "version": 2, "strict": false}"#,
            r#"{"kind": null, "version": 2, "strict": true}"#,
        ],
    );
    contract.check::<OptionalConstant>("OptionalConstant", &["{}", r#"{"kind": "user"}"#], &[r#"{"kind": "x"}"#]);
    contract.holds();
    let value = Constants { name: None };
    assert_eq!(serde_json::to_value(&value).unwrap(), json!({"kind": "user", "version": 2, "strict": true}));
    let error = serde_json::from_value::<Constants>(json!({"kind": "admin", "version": 2, "strict": true}));
    assert!(error.unwrap_err().to_string().contains("kind"));
}

#[test]
fn types_may_contain_themselves() {
    let mut contract = Contract::of("objects");
    contract.check::<Tree>(
        "Tree",
        &[
            r#"{"value": 1}"#,
            r#"{"value": 1, "left": {"value": 2, "right": {"value": 3}}, "children": [{"value": 4, "children": []}], "byName": {"x": {"value": 5}}}"#,
        ],
        &[r#"{"value": 1, "left": {}}"#, r#"{"value": 1, "children": [1]}"#, r#"{"value": 1, "byName": {"x": null}}"#],
    );
    contract.check::<Chicken>(
        "Chicken",
        &["{}", r#"{"egg": {"size": 1, "chicken": {"egg": {"size": 2}}}}"#],
        &[r#"{"egg": {"size": 1, "chicken": {"egg": {}}}}"#],
    );
    contract.check::<Egg>("Egg", &[r#"{"size": 1}"#], &["{}"]);
    contract.check::<Nested>("Nested", &["[]", "[[],[[]]]"], &["[1]", "{}", "[[1]]"]);
    contract.holds();
}

#[test]
fn all_of_is_merged_across_references() {
    let mut contract = Contract::of("objects");
    contract.check::<Merged>(
        "Merged",
        &[r#"{"name": "abcd", "age": 0}"#, r#"{"age": 1, "name": "ab", "more": null}"#],
        &[
            r#"{"name": "a", "age": 0}"#,
            r#"{"name": "abcde", "age": 0}"#,
            r#"{"name": "ab"}"#,
            r#"{"age": 1}"#,
            r#"{"name": "ab", "age": -1}"#,
        ],
    );
    contract.check::<Named>("Named", &[r#"{"name": "a"}"#, r#"{"name": ""}"#], &[r#"{"name": "abcde"}"#]);
    contract.holds();
}

#[test]
fn tuples_are_exact_or_open() {
    type Pair = (String, i64);
    let mut contract = Contract::of("objects");
    contract.check::<Pair>("Pair", &[r#"["a", 1]"#], &["[]", r#"["a"]"#, r#"[1, "a"]"#, r#"["a", 1, 2]"#]);
    contract.check::<Open>(
        "Open",
        &[r#"["a"]"#, r#"["a", 1]"#, r#"["a", 1, true, false]"#],
        &["[]", r#"["a", "b"]"#, r#"["a", 1, 2]"#, r#"{"item1": "a"}"#, "null"],
    );
    contract.check::<Loose>("Loose", &["[]", r#"["a"]"#, r#"["a", 1, null, {"b": []}]"#], &["[1]", "{}"]);
    contract.holds();
}

#[test]
fn deep_input_is_an_error_and_no_crash() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(serde_json::from_str::<Nested>(&deep).is_err());
    let deep = format!("{}1{}", r#"{"value":1,"left":"#.repeat(100_000), "}".repeat(100_000));
    assert!(serde_json::from_str::<Tree>(&deep).is_err());
}
