//! What a refused value is told: the path within it, the keyword, what was found; and that values made to be expensive
//! are decided within bounds.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::time::{Duration, Instant};

use event_api::codegen::rules::*;
use serde_json::{Value, json};

const STRING: Rule = Rule::Type(&[Kind::String]);
const INTEGER: Rule = Rule::Type(&[Kind::Integer]);

#[track_caller]
fn says(rule: &Rule, value: &Value, words: &str) {
    assert_eq!(rule.check(value).unwrap_err().to_string(), words);
    assert!(!rule.accepts(value));
}

#[test]
fn each_rule_names_its_keyword_and_what_was_found() {
    says(&Rule::Nothing, &json!({"a": 1}), "an object of 1 member is not allowed here (`false`)");
    says(&INTEGER, &json!(1.5), "expected an integer, found the number 1.5 (`type`)");
    says(
        &Rule::Type(&[Kind::Null, Kind::Array]),
        &json!(true),
        "expected null or an array, found the boolean true (`type`)",
    );
    says(&Rule::Values(&[Json::Str("a")]), &json!("b"), "the string \"b\" is not \"a\" (`const`)");
    says(&Rule::Values(&[Json::Int(1), Json::Null]), &json!([]), "an array of 0 items is none of 1, null (`enum`)");
    says(&Rule::Length { min: 2, max: 3 }, &json!("\u{1f980}"), "1 character is fewer than 2 (`minLength`)");
    says(&Rule::Length { min: 0, max: 3 }, &json!("abcd"), "4 characters are more than 3 (`maxLength`)");
    says(&Rule::Length { min: 3, max: 2 }, &json!("abc"), "3 characters are more than 2 (`maxLength`)");
    says(&Rule::Pattern(pattern!("^a")), &json!("b"), "the string \"b\" does not match ^a (`pattern`)");
    says(&Rule::minimum("3"), &json!(2), "the number 2 is less than 3 (`minimum`)");
    says(&Rule::maximum("2"), &json!(3), "the number 3 is more than 2 (`maximum`)");
    says(&Rule::above("0.5"), &json!(0.5), "the number 0.5 is not more than 0.5 (`exclusiveMinimum`)");
    says(&Rule::below("1e2"), &json!(100), "the number 100 is not less than 100 (`exclusiveMaximum`)");
    says(&Rule::multiple_of("0.01"), &json!(19.995), "the number 19.995 is not a multiple of 0.01 (`multipleOf`)");
    says(&Rule::ItemCount { min: 1, max: 2 }, &json!([]), "0 items are fewer than 1 (`minItems`)");
    says(&Rule::ItemCount { min: 1, max: 2 }, &json!([1, 2, 3]), "3 items are more than 2 (`maxItems`)");
    says(&Rule::UniqueItems, &json!([1, {"a": [2]}, {"a": [2.0]}]), "items 1 and 2 are equal (`uniqueItems`)");
    says(&Rule::Required(&["a", "b"]), &json!({"a": 1}), "the member `b` is missing (`required`)");
    says(&Rule::MemberCount { min: 0, max: 0 }, &json!({"a": 1}), "1 member is more than 0 (`maxProperties`)");
    says(&Rule::MemberCount { min: 2, max: 9 }, &json!({"a": 1}), "1 member is fewer than 2 (`minProperties`)");
    says(
        &Rule::Names(&Rule::Length { min: 0, max: 1 }),
        &json!({"abc": 1}),
        "the member name \"abc\": 3 characters are more than 1 (`propertyNames`)",
    );
    says(&Rule::Not(&STRING), &json!("a"), "the string \"a\" is what `not` describes, and not allowed (`not`)");
    says(&Rule::contains(&INTEGER), &json!(["a"]), "0 items are as `contains` describes, where 1 must be (`contains`)");
    says(
        &Rule::Contains { rule: &INTEGER, min: 0, max: 1, marks: Marks::Nothing },
        &json!([1, 2]),
        "2 items are as `contains` describes, where 1 may be (`maxContains`)",
    );
}

#[test]
fn the_path_within_the_value_is_named() {
    static PRICE: Rule = Rule::properties(&[("price/net~", Rule::minimum("0"))]);
    static ORDER: Rule = Rule::properties(&[("items", Rule::items(&Rule::See(&PRICE)))]);
    says(
        &ORDER,
        &json!({"items": [{}, {"price/net~": 1}, {"price/net~": -1}]}),
        "`/items/2/price~1net~0`: the number -1 is less than 0 (`minimum`)",
    );
    static CLOSED: Rule =
        Rule::Members { properties: &[("a", STRING)], patterns: &[], additional: Some(&Rule::Nothing) };
    says(&CLOSED, &json!({"a": "x", "b": 1}), "`/b`: the member is not allowed (`additionalProperties`)");
    static PAIR: Rule = Rule::Items { prefix: &[STRING], rest: Some(&Rule::Nothing) };
    says(&PAIR, &json!(["a", 1]), "`/1`: the item is not allowed (`items`)");
    static NAMED: Rule = Rule::All(&[Rule::properties(&[("a", STRING)]), Rule::UnevaluatedMembers(&Rule::Nothing)]);
    says(&NAMED, &json!({"a": "x", "b": 1}), "`/b`: the member is not allowed (`unevaluatedProperties`)");
    static ITEMS: Rule = Rule::All(&[Rule::Items { prefix: &[STRING], rest: None }, Rule::UnevaluatedItems(&INTEGER)]);
    says(&ITEMS, &json!(["a", 1, "b"]), "`/2`: expected an integer, found the string \"b\" (`type`)");
}

#[test]
fn of_alternatives_the_nearest_is_named() {
    static CIRCLE: Rule = Rule::All(&[
        Rule::properties(&[("shape", Rule::Values(&[Json::Str("circle")])), ("radius", Rule::minimum("0"))]),
        Rule::Required(&["radius"]),
    ]);
    static SQUARE: Rule = Rule::All(&[
        Rule::Required(&["side"]),
        Rule::properties(&[("shape", Rule::Values(&[Json::Str("square")])), ("side", Rule::minimum("0"))]),
    ]);
    static SHAPE: Rule = Rule::OneOf(&[Rule::See(&SQUARE), Rule::See(&CIRCLE), STRING]);
    static DRAWING: Rule = Rule::properties(&[("shapes", Rule::items(&Rule::See(&SHAPE)))]);
    says(
        &DRAWING,
        &json!({"shapes": [{"shape": "circle", "radius": -1}]}),
        "`/shapes/0`: no alternative accepts an object of 2 members; the nearest fails at `/shapes/0/radius`: \
         the number -1 is less than 0 (`minimum`) (`oneOf`)",
    );
    says(
        &SHAPE,
        &json!({"radius": 1, "side": 1}),
        "alternatives 1 and 2 both accept this, where only one may (`oneOf`)",
    );
    static TEXT_OR_LIST: Rule = Rule::AnyOf(&[STRING, Rule::All(&[Rule::Type(&[Kind::Array]), Rule::items(&STRING)])]);
    says(
        &TEXT_OR_LIST,
        &json!(["a", 1]),
        "no alternative accepts an array of 2 items; the nearest fails at `/1`: expected a string, found the number 1 \
         (`type`) (`anyOf`)",
    );
    static CONDITION: Rule =
        Rule::If { condition: &STRING, then: &Rule::Length { min: 1, max: 9 }, otherwise: &INTEGER };
    says(&CONDITION, &json!(""), "0 characters are fewer than 1 (`minLength`)");
    says(&CONDITION, &json!(null), "expected an integer, found null (`type`)");
}

#[test]
fn long_texts_of_strangers_are_cut() {
    let error = STRING.check(&json!(["x"])).unwrap_err().to_string();
    assert!(error.len() < 100);
    let error = INTEGER.check(&json!("\u{1f980}".repeat(10_000))).unwrap_err().to_string();
    assert!(error.contains('…') && error.chars().count() < 150, "{error}");
}

/// Each level of the value has two ways to be accepted and two to be refused.
static NEST: Rule = Rule::AnyOf(&[
    Rule::All(&[Rule::Type(&[Kind::Array]), Rule::items(&Rule::See(&NEST))]),
    Rule::All(&[Rule::Type(&[Kind::Array]), Rule::items(&Rule::OneOf(&[Rule::See(&NEST), Rule::See(&NEST_2)]))]),
    Rule::Type(&[Kind::Integer]),
]);
static NEST_2: Rule =
    Rule::OneOf(&[Rule::All(&[Rule::See(&NEST), Rule::Not(&Rule::See(&NEST))]), Rule::Type(&[Kind::Null])]);

fn nested(depth: usize, inner: Value) -> Value {
    (0..depth).fold(inner, |value, _| json!([value, 1, value]))
}

#[test]
fn alternatives_within_alternatives_take_no_more_than_linear_time() {
    let started = Instant::now();
    // 4096 leaves; tried one by one, each level would double the work twice.
    assert!(!NEST.accepts(&nested(12, json!("no"))));
    assert!(NEST.accepts(&nested(12, json!(2))));
    assert!(NEST.check(&nested(12, json!("no"))).is_err());
    let chain = (0..120).fold(json!("no"), |value, _| json!([value]));
    assert!(NEST.check(&chain).is_err());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn what_is_as_deep_as_json_may_be_is_checked_on_a_small_stack() {
    static CHAIN: Rule = Rule::All(&[
        Rule::AnyOf(&[Rule::Type(&[Kind::Null]), Rule::Type(&[Kind::Object])]),
        Rule::properties(&[("next", Rule::All(&[Rule::See(&CHAIN_2)]))]),
    ]);
    static CHAIN_2: Rule = Rule::All(&[Rule::See(&CHAIN), Rule::UnevaluatedMembers(&Rule::Nothing)]);
    let chain = |depth: usize, end: Value| {
        (0..depth).fold(end, |value, _| Value::Object([("next".to_owned(), value)].into_iter().collect()))
    };
    let check = move || {
        assert!(CHAIN.accepts(&chain(127, json!(null))));
        let error = CHAIN.check(&chain(40, json!({"next": 1}))).unwrap_err().to_string();
        assert!(error.contains("/next`: no alternative accepts the number 1"), "{error}");
        let error = CHAIN.check(&chain(126, json!({"next": 1}))).unwrap_err().to_string();
        assert!(error.contains("/next/next`: something deep within an object of 1 member is not allowed"), "{error}");
    };
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(check).unwrap().join().unwrap();
}

#[test]
fn what_is_nested_too_deeply_is_refused_and_not_accepted() {
    static LIST: Rule = Rule::items(&Rule::See(&LIST));
    static NOT_LIST: Rule = Rule::Not(&Rule::See(&LIST));
    let deep = (0..10_000).fold(json!(1), |value, _| Value::Array(vec![value]));
    let check = move || {
        assert!(!LIST.accepts(&deep));
        assert!(!NOT_LIST.accepts(&deep));
        assert_eq!(LIST.check(&deep).unwrap_err().to_string(), "the value is nested too deeply to be checked");
        // Dropping a value is recursive too.
        std::mem::forget(deep);
    };
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(check).unwrap().join().unwrap();
}

#[test]
fn rules_that_lead_back_to_themselves_end() {
    static ALONE: Rule = Rule::See(&ALONE);
    static PING: Rule = Rule::All(&[Rule::See(&PONG), INTEGER]);
    static PONG: Rule = Rule::AnyOf(&[Rule::See(&PING), STRING]);
    assert!(ALONE.accepts(&json!(1)));
    assert!(PING.accepts(&json!(1)));
    says(&PING, &json!("a"), "expected an integer, found the string \"a\" (`type`)");
}

#[test]
fn what_contains_finds_is_evaluated_since_2020_12_and_not_before() {
    // In 2019-09 `contains` leaves no annotation (core, section 9.3.1.4).
    static BEFORE: Rule = Rule::All(&[
        Rule::Contains { rule: &INTEGER, min: 1, max: u64::MAX, marks: Marks::Nothing },
        Rule::UnevaluatedItems(&STRING),
    ]);
    static SINCE: Rule = Rule::All(&[Rule::contains(&INTEGER), Rule::UnevaluatedItems(&STRING)]);
    assert!(SINCE.accepts(&json!([1, "a"])));
    says(&BEFORE, &json!([1, "a"]), "`/0`: expected a string, found the number 1 (`type`)");
    says(&SINCE, &json!([1, null]), "`/1`: expected a string, found null (`type`)");
}
