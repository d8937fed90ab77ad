//! What types alone cannot say: it is neither read, nor made, nor written.

#![deny(warnings)]

use event_api_tests::contract::Contract;
use serde_json::{from_value, json, to_value};

/// What is generated from `documents/rules.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/rules.rs"));
}

use api::*;

#[test]
fn conditions_and_negations_agree_with_their_schemas() {
    let mut contract = Contract::of("rules");
    contract.check::<Order>(
        "Order",
        &[
            r#"{"id": "1"}"#,
            r#"{"id": "1", "kind": "plain"}"#,
            r#"{"id": "1", "kind": "gift", "message": null}"#,
            r#"{"id": "1", "kind": "gift", "message": "x", "more": [1]}"#,
        ],
        &[r#"{"id": "1", "kind": "gift"}"#, r#"{"id": "1", "draft": true}"#, r#"{}"#, "[]", "null"],
    );
    contract.check::<Contact>(
        "Contact",
        &[r#"{"mail": "m"}"#, r#"{"phone": "p", "mail": "m"}"#],
        &["{}", r#"{"x": 1}"#],
    );
    contract.check::<Payment>(
        "Payment",
        &["{}", r#"{"card": "1", "owner": 2}"#, r#"{"iban": "1", "x": 1}"#],
        &[r#"{"card": "1"}"#, r#"{"iban": "1"}"#],
    );
    contract.holds();
}

#[test]
fn arrays_and_member_names_agree_with_their_schemas() {
    let mut contract = Contract::of("rules");
    contract.check::<Tags>("Tags", &[r#"["main"]"#, r#"["a", "main", "b"]"#], &["[]", r#"["a"]"#, r#"["main",1]"#]);
    contract.check::<Tags>("Tags", &[], &[r#"["a", "b", "c", "main"]"#]);
    contract.check::<Labels>("Labels", &["{}", r#"{"a": "x"}"#], &[r#"{"A": "x"}"#, r#"{"a": 1}"#]);
    contract.check::<Extended>(
        "Extended",
        &[r#"{"name": "n"}"#, r#"{"name": "n", "x-a": 1, "x-": 2.0}"#],
        &[r#"{"name": "n", "y": 1}"#, r#"{"name": "n", "x-a": "1"}"#, r#"{"x-a": 1}"#],
    );
    contract.check::<Point>("Point", &["[]", "[1]", "[1, 2]"], &["[1, 1.0]", "[1, 2, 3]", r#"["1"]"#]);
    contract.holds();
}

#[test]
fn listed_values_may_be_of_any_kind_and_are_only_the_valid_ones() {
    let mut contract = Contract::of("rules");
    let listed = ["1", "1.0", "1.5", r#""on""#, "[1, 2.0]", r#"{"a": null}"#];
    contract.check::<Mixed>("Mixed", &listed, &["2", "[2, 1]", "{}", "null", "true"]);
    contract.check::<Short>("Short", &[r#""a""#, r#""bb""#], &[r#""ccc""#, r#""x""#]);
    contract.holds();
    assert_eq!(Short::ALL.len(), 2, "a value that is too long is no variant");
}

#[test]
fn what_the_document_forbids_cannot_be_made() {
    let gift = OrderFields { kind: Some(OrderKind::Gift), ..OrderFields::new("1".to_owned()) };
    let refused = Order::new(gift.clone()).unwrap_err().to_string();
    assert!(refused.contains("`message` is missing") && refused.contains("(`required`)"), "{refused}");
    let order = Order::try_from(OrderFields { message: Some(None), ..gift }).unwrap();
    assert_eq!(order.message, Some(None), "absent and `null` are kept apart, because the rule does");
    assert_eq!(to_value(&order).unwrap(), json!({"id": "1", "kind": "gift", "message": null}));

    assert!(Contact::new(ContactFields::default()).is_err());
    assert!(Tags::new(vec!["a".to_owned()]).is_err());
    assert!(Point::new(PointItems { item1: Some(1.0), item2: Some(1.0) }).is_err());
}

#[test]
fn a_rule_sees_the_members_that_nobody_declares_and_they_are_kept() {
    let value = json!({"card": "1", "owner": {"name": "x"}});
    let payment: Payment = from_value(value.clone()).unwrap();
    assert_eq!(to_value(&payment).unwrap(), value);
    let mut fields = payment.into_inner();
    fields.additional_properties.clear();
    assert!(Payment::new(fields).is_err(), "without the owner it is not valid");
}

#[test]
fn a_value_that_two_alternatives_of_one_of_accept_is_not_written() {
    let figure = Figure::from(FigureWithRadius { radius: 1.0 });
    assert_eq!(to_value(&figure).unwrap(), json!({"radius": 1.0}));
    assert!(from_value::<Figure>(json!({"radius": 1, "side": 1})).is_err());
}

#[test]
fn an_alternative_of_any_of_keeps_what_others_declare() {
    let both = json!({"a": 1, "b": 2});
    assert_eq!(to_value(from_value::<Either>(both.clone()).unwrap()).unwrap(), both);
    assert!(from_value::<Either>(json!({"c": 1})).is_err());
}

#[test]
fn listed_strings_beside_any_string_are_an_open_enum() {
    assert_eq!(from_value::<Channel>(json!("beta")).unwrap(), Channel::Beta);
    let other = from_value::<Channel>(json!("nightly")).unwrap();
    assert_eq!(other, Channel::Other("nightly".to_owned()));
    assert_eq!(to_value(&other).unwrap(), json!("nightly"));
    assert!(from_value::<Channel>(json!(1)).is_err());
}
