//! Unions: the alternative that is meant is found, and nothing else is accepted.

#![deny(warnings)]

use event_api_tests::contract::Contract;
use serde_json::json;

/// What is generated from `documents/unions.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/unions.rs"));
}

use api::*;

#[test]
fn a_discriminator_names_the_alternative() {
    // The schema's language does not know discriminators: it tells these two apart by their required members alone.
    let mut contract = Contract::of("unions");
    contract.check::<Pet>(
        "Pet",
        &[
            r#"{"petType": "Cat", "lives": 9}"#,
            r#"{"lives": 9, "name": "Tom", "petType": "Cat", "more": [1]}"#,
            r#"{"bark": "wau", "petType": "Dog"}"#,
        ],
        &[r#"{"petType": "Cat"}"#, r#"{"lives": 9}"#, r#"{"petType": 1, "lives": 9}"#, "[]", "null", "\"Cat\""],
    );
    contract.holds();
    let wrong = serde_json::from_value::<Pet>(json!({"petType": "Dog", "lives": 9}));
    assert!(wrong.is_err(), "the discriminator says another alternative than the members do");
    let cat = PetCat::new("Cat".to_owned(), 9);
    assert!(serde_json::to_value(Pet::from(cat.clone())).is_ok());
    let wrong = serde_json::to_value(Pet::from(PetCat { pet_type: "Dog".to_owned(), ..cat })).unwrap_err();
    assert_eq!(wrong.to_string(), "petType: \"Dog\" is the tag of another alternative, expected Cat");
}

#[test]
fn constants_name_the_alternative_with_and_without_a_discriminator() {
    let mut contract = Contract::of("unions");
    contract.check::<Vehicle>(
        "Vehicle",
        &[
            r#"{"kind": "car", "doors": 3}"#,
            r#"{"doors": 3, "kind": "car"}"#,
            r#"{"kind": "bike", "gears": 7}"#,
            r#"{"kind": "bike"}"#,
        ],
        &[
            r#"{"kind": "car"}"#,
            r#"{"kind": "boat", "doors": 3}"#,
            r#"{"doors": 3}"#,
            r#"{"kind": "bike", "gears": "x"}"#,
        ],
    );
    contract.check::<Shape>(
        "Shape",
        &[
            r#"{"shape": "circle", "radius": 1.5}"#,
            r#"{"radius": 1, "x": {"shape": "square"}, "shape": "circle"}"#,
            r#"{"shape": "square", "side": 2}"#,
            r#"{"shape": "quad", "side": 2}"#,
        ],
        &[
            r#"{"shape": "circle", "side": 2}"#,
            r#"{"shape": "line"}"#,
            r#"{"radius": 1}"#,
            r#"{"shape": null, "radius": 1}"#,
            "[]",
        ],
    );
    contract.holds();
    let shape: Shape = serde_json::from_value(json!({"radius": 1.0, "shape": "circle"})).unwrap();
    assert!(matches!(shape, Shape::Circle(_)));
}

#[test]
fn an_unknown_tag_is_refused_with_the_known_ones() {
    let error = serde_json::from_value::<Vehicle>(json!({"kind": "boat", "doors": 3})).unwrap_err().to_string();
    assert!(
        error.contains("boat") && error.contains("car") && error.contains("bike") && error.contains("kind"),
        "{error}"
    );
    let error = serde_json::from_value::<Shape>(json!({"radius": 3})).unwrap_err().to_string();
    assert!(error.contains("shape"), "{error}");
}

#[test]
fn json_types_name_the_alternative() {
    let mut contract = Contract::of("unions");
    contract.check::<Scalar>(
        "Scalar",
        &["\"a\"", "1", "-2", "true", "[]", "[\"x\"]", "{}", r#"{"a": 1}"#],
        &["1.5", "null", "[1]", r#"{"a": "b"}"#],
    );
    contract.check::<TypeList>("TypeList", &["\"a\"", "1", "false", "{}", r#"{"a": null}"#], &["1.5", "null", "[]"]);
    contract.check::<ObjectOrText>("ObjectOrText", &["\"a\"", r#"{"a": 1}"#], &["{}", "1", r#"{"a": "x"}"#, "[]"]);
    contract.check::<Option<NullableAlternatives>>(
        "NullableAlternatives",
        &["null", "\"a\"", r#"{"a": 1}"#],
        &["{}", "1", "[]", r#"{"a": null}"#],
    );
    contract.check::<Option<NullableUnion>>("NullableUnion", &["null", "\"a\"", "1"], &["1.5", "true", "[]", "{}"]);
    contract.holds();
}

#[test]
fn what_may_be_null_is_an_option_of_the_rest() {
    let mut contract = Contract::of("unions");
    contract.check::<Option<NullableObject>>(
        "NullableObject",
        &["null", r#"{"a": 1}"#, r#"{"a": 1, "next": null}"#, r#"{"a": 1, "next": {"a": 2}}"#],
        &["{}", "1", r#"{"a": 1, "next": {}}"#],
    );
    contract.check::<Option<NullableChain>>(
        "NullableChain",
        &["null", "\"a\"", "[null, [null, \"b\"]]"],
        &["1", "[1]", "{}"],
    );
    contract.holds();
}

#[test]
fn exactly_one_alternative_of_one_of_may_accept() {
    let mut contract = Contract::of("unions");
    contract.check::<Overlapping>(
        "Overlapping",
        &[r#"{"a": 1}"#, r#"{"b": 1}"#, r#"{"a": 1, "c": 2}"#],
        &["{}", r#"{"a": 1, "b": 2}"#, r#"{"a": "x"}"#, "[]"],
    );
    contract.check::<Bounded>("Bounded", &["10", "-5", "100", "101"], &["11", "99", "1.5", "\"1\""]);
    contract.holds();
    let both = serde_json::from_value::<Overlapping>(json!({"a": 1, "b": 2})).unwrap_err().to_string();
    assert!(both.contains("HasA") && both.contains("HasB"), "{both}");
    let none = serde_json::from_value::<Overlapping>(json!({})).unwrap_err().to_string();
    assert!(none.contains("the nearest is `HasA`: the member `a` is missing (`required`)"), "{none}");
}

#[test]
fn the_first_alternative_of_any_of_that_accepts_is_taken() {
    let mut contract = Contract::of("unions");
    contract.check::<Either>("Either", &[r#"{"a": 1}"#, r#"{"a": 1, "b": 2}"#], &["{}", r#"{"b": 2}"#, "1"]);
    contract.holds();
    assert!(matches!(serde_json::from_value(json!({"a": 1, "b": 2})).unwrap(), Either::Full(_)));
    assert!(matches!(serde_json::from_value(json!({"a": 1})).unwrap(), Either::Part(_)));
    assert!(matches!(serde_json::from_value(json!({"a": 1, "b": "x"})), Ok(Either::Part(_))));
}

#[test]
fn members_beside_a_union_belong_to_every_alternative() {
    let mut contract = Contract::of("unions");
    contract.check::<Beside>(
        "Beside",
        &[r#"{"id": 1, "mail": "a@b"}"#, r#"{"phone": "1", "id": 1}"#],
        &[
            r#"{"id": 1}"#,
            r#"{"mail": "a@b"}"#,
            r#"{"id": 1, "mail": "a", "phone": "b"}"#,
            r#"{"id": "x", "mail": "a"}"#,
        ],
    );
    contract.holds();
}

#[test]
fn unions_nest_and_refer_to_themselves() {
    let mut contract = Contract::of("unions");
    contract.check::<Expression>(
        "Expression",
        &["1", r#"{"op": "sum", "left": 1, "right": {"left": 2.5, "right": 3, "op": "sum"}}"#],
        &[r#"{"op": "sum", "left": 1}"#, r#"{"op": "product", "left": 1, "right": 2}"#, "\"1\""],
    );
    contract.check::<Holder>(
        "Holder",
        &[
            "{}",
            r#"{"maybe": null}"#,
            r#"{"maybe": 1}"#,
            r#"{"shape": {"side": 1, "shape": "quad"}, "shapes": [{"radius": 1, "shape": "circle"}]}"#,
        ],
        &[r#"{"shape": null}"#, r#"{"maybe": true}"#, r#"{"shapes": [null]}"#],
    );
    contract.holds();
}

#[test]
fn an_alternative_that_is_one_object_is_called_by_it() {
    let change: Change = serde_json::from_str(r#"{"created": {"id": "x"}}"#).unwrap();
    assert!(matches!(change, Change::Created(ChangeCreated { .. })));
    let change: Change = serde_json::from_str(r#"{"code": 1}"#).unwrap();
    assert!(matches!(change, Change::WithCode(_)));
}
