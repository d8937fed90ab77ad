//! Rules as the generator writes them, beside the schemas that they were made of: on random values the rule and the
//! `jsonschema` crate must be of one opinion.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::cell::Cell;

use event_api::codegen::rules::*;
use jsonschema::{Draft, Validator};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

const INTEGER: Rule = Rule::Type(&[Kind::Integer]);
const STRING: Rule = Rule::Type(&[Kind::String]);

static TYPES: Rule = Rule::AnyOf(&[INTEGER, Rule::Type(&[Kind::Null, Kind::Boolean, Kind::Object])]);
static VALUES: Rule = Rule::Values(&[
    Json::Null,
    Json::Int(1),
    Json::Number("0.5"),
    Json::Str("a"),
    Json::Array(&[Json::Int(1)]),
    Json::Object(&[("a", Json::Int(0))]),
]);
static RANGE: Rule = Rule::All(&[Rule::minimum("-1"), Rule::maximum("2"), Rule::multiple_of("0.5")]);
static OPEN_RANGE: Rule = Rule::All(&[Rule::above("-1"), Rule::below("2")]);
static TEXT: Rule = Rule::All(&[Rule::Length { min: 1, max: 2 }, Rule::Pattern(pattern!("^[ab]"))]);
static ITEMS: Rule = Rule::All(&[
    Rule::Items { prefix: &[INTEGER, STRING], rest: Some(&Rule::Type(&[Kind::Boolean, Kind::Integer])) },
    Rule::ItemCount { min: 1, max: 3 },
    Rule::UniqueItems,
]);
static CLOSED_ITEMS: Rule = Rule::Items { prefix: &[INTEGER], rest: Some(&Rule::Nothing) };
static CONTAINS: Rule = Rule::Contains { rule: &INTEGER, min: 1, max: 2, marks: Marks::Nothing };
static MEMBERS: Rule = Rule::All(&[
    Rule::Type(&[Kind::Object]),
    Rule::Members {
        properties: &[("a", INTEGER), ("b", Rule::AnyOf(&[STRING, Rule::See(&MEMBERS)]))],
        patterns: &[(pattern!("^.b"), STRING)],
        additional: Some(&Rule::Type(&[Kind::Array, Kind::Integer])),
    },
    Rule::MemberCount { min: 0, max: 2 },
]);
static NAMES: Rule = Rule::All(&[Rule::Names(&Rule::Length { min: 0, max: 1 }), Rule::Required(&["a"])]);
static DEPENDENT: Rule = Rule::Dependent(&[("a", Rule::Required(&["b"])), ("b", Rule::properties(&[("a", INTEGER)]))]);
static CONDITION: Rule = Rule::If {
    condition: &Rule::properties(&[("a", Rule::Values(&[Json::Int(1)]))]),
    then: &Rule::Required(&["b"]),
    otherwise: &Rule::Not(&Rule::Required(&["c"])),
};
static ONE: Rule = Rule::OneOf(&[INTEGER, Rule::minimum("1"), Rule::Type(&[Kind::Array])]);
static TREE: Rule = Rule::AnyOf(&[Rule::Type(&[Kind::Integer]), Rule::See(&BRANCH)]);
static BRANCH: Rule = Rule::All(&[Rule::Type(&[Kind::Array]), Rule::items(&Rule::See(&TREE))]);
static LOOP: Rule = Rule::All(&[Rule::See(&LOOP), INTEGER]);
static UNEVALUATED: Rule = Rule::All(&[
    Rule::UnevaluatedMembers(&INTEGER),
    Rule::properties(&[("a", Rule::Anything)]),
    Rule::All(&[Rule::If {
        condition: &Rule::properties(&[("b", STRING)]),
        then: &Rule::Required(&["b"]),
        otherwise: &Rule::Anything,
    }]),
    Rule::AnyOf(&[Rule::Required(&["c"]), Rule::properties(&[("ab", Rule::Anything)])]),
    Rule::Dependent(&[(
        "a",
        Rule::Members { properties: &[], patterns: &[(pattern!("x"), STRING)], additional: None },
    )]),
]);
static UNEVALUATED_ITEMS: Rule = Rule::All(&[
    Rule::OneOf(&[
        Rule::Items { prefix: &[INTEGER, Rule::Anything], rest: None },
        Rule::Items { prefix: &[STRING], rest: None },
    ]),
    Rule::Contains { rule: &Rule::Type(&[Kind::Boolean]), min: 0, max: u64::MAX, marks: Marks::Evaluated },
    Rule::UnevaluatedItems(&Rule::Nothing),
]);
static COUSINS: Rule = Rule::All(&[
    Rule::All(&[Rule::properties(&[("a", INTEGER)])]),
    Rule::All(&[Rule::UnevaluatedMembers(&Rule::Nothing)]),
]);
static NOT_EVALUATED: Rule =
    Rule::All(&[Rule::Not(&Rule::Not(&Rule::properties(&[("a", INTEGER)]))), Rule::UnevaluatedMembers(&STRING)]);
static FOUND_IN_VAIN: Rule = Rule::All(&[
    Rule::If {
        condition: &Rule::Contains { rule: &INTEGER, min: 1, max: 1, marks: Marks::Evaluated },
        then: &Rule::Anything,
        otherwise: &Rule::Anything,
    },
    Rule::UnevaluatedItems(&STRING),
]);

fn pairs() -> Vec<(&'static str, &'static Rule, Draft, Value)> {
    let branch = json!({"type": "array", "items": {"$ref": "#/definitions/tree"}});
    let tree = json!({"anyOf": [{"type": "integer"}, {"$ref": "#/definitions/branch"}]});
    let (old, new) = (Draft::Draft7, Draft::Draft202012);
    vec![
        ("types", &TYPES, old, json!({"anyOf": [{"type": "integer"}, {"type": ["null", "boolean", "object"]}]})),
        ("values", &VALUES, old, json!({"enum": [null, 1, 0.5, "a", [1], {"a": 0}]})),
        ("range", &RANGE, old, json!({"minimum": -1, "maximum": 2, "multipleOf": 0.5})),
        ("open range", &OPEN_RANGE, old, json!({"exclusiveMinimum": -1, "exclusiveMaximum": 2})),
        ("text", &TEXT, old, json!({"minLength": 1, "maxLength": 2, "pattern": "^[ab]"})),
        (
            "items",
            &ITEMS,
            old,
            json!({"items": [{"type": "integer"}, {"type": "string"}], "additionalItems": {"type": ["boolean", "integer"]},
                "minItems": 1, "maxItems": 3, "uniqueItems": true}),
        ),
        ("closed items", &CLOSED_ITEMS, old, json!({"items": [{"type": "integer"}], "additionalItems": false})),
        ("contains", &CONTAINS, Draft::Draft201909, json!({"contains": {"type": "integer"}, "maxContains": 2})),
        (
            "members",
            &MEMBERS,
            old,
            json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"anyOf": [{"type": "string"}, {"$ref": "#"}]}},
                "patternProperties": {"^.b": {"type": "string"}}, "additionalProperties": {"type": ["array", "integer"]},
                "minProperties": 0, "maxProperties": 2}),
        ),
        ("names", &NAMES, old, json!({"propertyNames": {"maxLength": 1}, "required": ["a"]})),
        (
            "dependent",
            &DEPENDENT,
            old,
            json!({"dependencies": {"a": ["b"], "b": {"properties": {"a": {"type": "integer"}}}}}),
        ),
        (
            "condition",
            &CONDITION,
            old,
            json!({"if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}, "else": {"not": {"required": ["c"]}}}),
        ),
        ("one", &ONE, old, json!({"oneOf": [{"type": "integer"}, {"minimum": 1}, {"type": "array"}]})),
        ("tree", &TREE, old, json!({"$ref": "#/definitions/tree", "definitions": {"tree": tree, "branch": branch}})),
        ("loop", &LOOP, old, json!({"type": "integer"})),
        (
            "unevaluated",
            &UNEVALUATED,
            new,
            json!({"unevaluatedProperties": {"type": "integer"}, "properties": {"a": true},
                "allOf": [{"if": {"properties": {"b": {"type": "string"}}}, "then": {"required": ["b"]}}],
                "anyOf": [{"required": ["c"]}, {"properties": {"ab": true}}],
                "dependentSchemas": {"a": {"patternProperties": {"x": {"type": "string"}}}}}),
        ),
        (
            "unevaluated items",
            &UNEVALUATED_ITEMS,
            new,
            json!({"oneOf": [{"prefixItems": [{"type": "integer"}, true]}, {"prefixItems": [{"type": "string"}]}],
                "contains": {"type": "boolean"}, "minContains": 0, "unevaluatedItems": false}),
        ),
        (
            "cousins",
            &COUSINS,
            new,
            json!({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"unevaluatedProperties": false}]}),
        ),
        (
            "found in vain",
            &FOUND_IN_VAIN,
            new,
            json!({"if": {"contains": {"type": "integer"}, "maxContains": 1}, "unevaluatedItems": {"type": "string"}}),
        ),
        (
            "not evaluated",
            &NOT_EVALUATED,
            new,
            json!({"not": {"not": {"properties": {"a": {"type": "integer"}}}}, "unevaluatedProperties": {"type": "string"}}),
        ),
    ]
}

/// Small values of few words, so that they are often valid and often nearly so.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..4).prop_map(Value::from),
        (-4i32..8).prop_map(|halves| Value::from(f64::from(halves) / 2.0)),
        prop_oneof![Just(0.25), Just(1e30), Just(-1.75)].prop_map(Value::from),
        prop_oneof![Just(""), Just("a"), Just("ab"), Just("ba"), Just("abc"), Just("x"), Just("\u{1f980}a")]
            .prop_map(Value::from),
    ];
    let deep = leaf.clone().prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof![Just("a"), Just("b"), Just("c"), Just("ab"), Just("x"), Just("xx")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    });
    prop_oneof![1 => leaf, 3 => deep]
}

#[test]
fn rules_and_schemas_are_of_one_opinion() {
    let mut silent = Vec::new();
    for (name, rule, draft, schema) in pairs() {
        let validator: Validator = jsonschema::options().with_draft(draft).build(&schema).unwrap();
        let (accepted, refused) = (Cell::new(0), Cell::new(0));
        TestRunner::new(Config { cases: 600, failure_persistence: None, ..Config::default() })
            .run(&values(), |value| {
                let expected = validator.is_valid(&value);
                let count = if expected { &accepted } else { &refused };
                count.set(count.get() + 1);
                prop_assert_eq!(rule.accepts(&value), expected, "{}: {}", name, value);
                match rule.check(&value) {
                    Ok(()) => prop_assert!(expected, "{}: {}", name, value),
                    Err(error) => {
                        let words = error.to_string();
                        prop_assert!(!expected && words.ends_with("`)"), "{}: {}: {}", name, value, words);
                    }
                }
                Ok(())
            })
            .unwrap();
        if accepted.get() < 5 || refused.get() < 5 {
            silent.push((name, accepted, refused));
        }
    }
    assert!(silent.is_empty(), "too few values were accepted or refused to say anything: {silent:?}");
}
