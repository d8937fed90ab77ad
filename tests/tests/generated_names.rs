//! Names that Rust, serde or the generated code itself use: what is generated compiles, and means the same.

// Clippy knows only functions marked as tests; what they call may unwrap (and print) as well.
#![allow(clippy::unwrap_used)]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![deny(warnings)]

use event_api_tests::contract::Contract;
use serde_json::{Map, Value};

/// What is generated from `documents/names.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/names.rs"));
}

/// What is generated from `documents/hostile.yaml`.
mod hostile {
    include!(concat!(env!("OUT_DIR"), "/hostile.rs"));
}

use api::Members;

/// An object with every declared member of the schema, each with a value of its own.
fn all_members(schema: &str) -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/documents/names.yaml")).unwrap();
    let document: Value = serde_yaml::from_str(&text).unwrap();
    let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
    let members: Map<String, Value> =
        properties.keys().enumerate().map(|(index, name)| (name.clone(), (index as i64 + 100).into())).collect();
    Value::Object(members).to_string()
}

#[test]
fn members_may_be_called_as_they_like() {
    let mut contract = Contract::of("names");
    let all = all_members("Members");
    contract.check::<Members>("Members", &["{}", &all], &[r#"{"type": "x"}"#, r#"{"user_id": "x"}"#]);
    contract.holds();
    let value: Members = serde_json::from_str(&all).unwrap();
    let same: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), same, "no two members share a field");
}

#[test]
fn members_may_be_called_like_what_the_macros_use() {
    let mut contract = Contract::of("names");
    let all = all_members("Macro");
    contract.check::<api::Macro>(
        "Macro",
        &[r#"{"map":1,"names":2,"expected":3,"at":4,"self":5}"#, &all],
        &["{}", r#"{"map":1,"names":2,"expected":3,"at":4}"#],
    );
    contract.holds();
    let value: api::Macro = serde_json::from_str(&all).unwrap();
    let same: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), same);
}

#[test]
fn types_may_be_called_like_those_of_the_prelude_and_of_the_macros() {
    let mut contract = Contract::of("names");
    contract.check::<api::Option>("Option", &["{}", r#"{"a": "x"}"#], &[r#"{"a": null}"#]);
    contract.check::<api::Result>("Result", &["{}", r#"{"option": {"a": "x"}}"#], &[r#"{"option": null}"#]);
    contract.check::<api::String>("String", &["\"x\""], &["\"\""]);
    contract.check::<api::Vec>("Vec", &["{}", r#"{"items": ["a"]}"#], &[r#"{"items": [""]}"#]);
    contract.check::<api::Box>("Box", &[r#"{"inner": {"text": "x"}}"#], &[r#"{"inner": null}"#]);
    contract.check::<api::Read>("Read", &[r#"{"value": 1}"#], &[r#"{"value": "1"}"#]);
    contract.check::<api::At>("At", &["\"x\"", r#"{"k": "a"}"#], &["1", r#"{"k": "b"}"#]);
    contract.check::<api::A>("A", &[r#"{"k": "a", "v": "x"}"#], &[r#"{"k": "b"}"#]);
    contract.check::<api::D>("D", &[r#"{"k": "a", "v": "x"}"#, r#"{"v": "x", "k": "b"}"#], &[r#"{"k": "c"}"#]);
    contract.check::<api::E>("E", &["\"e\""], &["\"g\""]);
    contract.check::<api::S>("S", &["1"], &["3"]);
    contract.check::<api::H>("H", &["\"h\""], &["\"x\""]);
    contract.check::<api::V>("V", &[r#"{"q": "x"}"#, r#"{"w": "x"}"#], &["{}"]);
    contract.check::<api::T>("T", &["[1]"], &["[1, 1]"]);
    contract.check::<api::Send>("Send", &["\"x\"", "1"], &["null"]);
    contract.check::<api::Default>("Default", &["{}", r#"{"d": "x"}"#], &[r#"{"d": 1}"#]);
    contract.check::<api::Error>("Error", &["\"Err\""], &["\"err\""]);
    contract.holds();
}

#[test]
fn types_may_be_called_like_readers_and_like_what_the_runtime_exports() {
    let mut contract = Contract::of("names");
    contract.check::<api::Rule>("Rule", &["\"x\""], &["\"no\""]);
    contract.check::<api::Json>("Json", &["\"x\"", "1"], &["\"\"", "true"]);
    contract.check::<api::Integer>("Integer", &["1.0"], &["10"]);
    contract.check::<api::List>("List", &["[1.5]"], &["[10]"]);
    contract.check::<api::Map>("Map", &[r#"{"a": 1.0}"#], &[r#"{"a": 10}"#]);
    contract.check::<api::Same>("Same", &[r#"[1, "a"]"#], &[r#"["a"]"#]);
    contract.check::<api::Date>("Date", &[r#"{"d": "2020-01-01"}"#], &[r#"{"d": 1}"#]);
    contract.check::<api::Uuid>("Uuid", &["{}"], &[r#"{"u": 1}"#]);
    contract.check::<api::PartialEq>("PartialEq", &[r#"{"rule": "x"}"#], &[r#"{"x": 1}"#]);
    contract.check::<api::Context>("Context", &[r#"{"json": 1}"#], &[r#"{"json": null}"#]);
    contract.check::<api::BTreeMap>("BTreeMap", &[r#"{"m": 1}"#], &[r#"{"m": "1"}"#]);
    let methods = r#"{"new": 1, "get": 2, "check": 3, "into_inner": 4, "more": "x"}"#;
    contract.check::<api::Methods>("Methods", &[methods], &["{}"]);
    contract.check::<api::Variants>("Variants", &["\"new\"", "\"ALL\"", "\"all\"", "\"Err\""], &["\"New\""]);
    contract.check::<api::Kinds>("Kinds", &["\"x\"", "true", "[\"x\"]", methods], &["1"]);
    contract.holds();
    assert_eq!(api::Methods::new(1, 2, 3).default, 1);
}

#[test]
fn payloads_of_messages_of_one_name_are_called_after_their_channels() {
    let event = api::ClockEvents::from(api::Tick { at: 1 });
    assert!(matches!(event, api::ClockEvents::Tick(_)));
    let event = api::MarketEvents::from(api::MarketTick { price: 1.5 });
    assert!(matches!(event, api::MarketEvents::Tick(_)));
}

#[test]
fn a_script_without_case_writes_types_and_fields_alike() {
    let text = r#"{"地域":"関東"}"#;
    let map: api::地図 = serde_json::from_str(text).unwrap();
    assert_eq!(map.地域_.as_str(), "関東");
    assert_eq!(serde_json::to_string(&map).unwrap(), text);
    assert_eq!(api::UncasedEventsAddress { 地域_: "関東".to_owned() }.to_string(), "a/関東");
}

#[test]
fn channels_that_differ_only_in_case_are_two() {
    let names = [api::OrdersEvents::CHANNEL.name, api::Orders2Events::CHANNEL.name, api::Orders3Events::CHANNEL.name];
    assert_eq!(names, ["orders", "orders2", "orders3"]);
    let addresses =
        [api::OrdersEvents::CHANNEL.address, api::Orders2Events::CHANNEL.address, api::Orders3Events::CHANNEL.address];
    assert_eq!(addresses, [Some("orders"), Some("Orders"), Some("ORDERS")]);
}

#[tokio::test]
async fn messages_may_be_called_like_the_methods_of_a_publisher() {
    use api::Orders2EventsPublisher as _;
    let log = event_api::log::MemoryLog::default();
    let orders = api::Orders2Events::publisher(&log);
    for receipt in [
        orders.publish_event("p".to_owned()).await,
        orders.publish_all_event("a".to_owned()).await,
        orders.subject_event("s".to_owned()).await,
        orders.id_event("i".to_owned()).await,
        orders.within_event("w".to_owned()).await,
        orders.clone_event("c".to_owned()).await,
        orders.r#type("t".to_owned()).await,
        orders.self_("t".to_owned()).await,
    ] {
        assert!(receipt.is_ok());
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let value: hostile::Texts = serde_json::from_str("{}").unwrap();
    let written = serde_json::to_value(&value).unwrap();
    assert_eq!(written["*/"], "*/ \"# \\ \u{7} \u{202e} {}");
    let mut contract = Contract::of("hostile");
    contract.check::<hostile::Texts>(
        "Texts",
        &[
            "{}",
            r#"{"quoted": "*/"}"#,
            r#"{"quoted": "\""}"#.replace("\\\"", "\\\"#").as_str(),
            r#"{"backtick": "`/"}"#,
        ],
        &[r#"{"quoted": "x"}"#, r#"{"backtick": "x"}"#],
    );
    contract.holds();
}
