//! What a consumer is told when one field of a payload is wrong: the path to it, whatever form the payload's types have.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use event_api::{DecodeError, EventSet, Metadata, RawEvent};
use serde_json::{Value, json};

/// A module as the generator writes it.
#[allow(unreachable_pub, reason = "generated code is public")]
mod api {
    mod __rules {
        use event_api::codegen::rules::*;

        pub(super) static ORDER: Rule = Rule::properties(&[("items", Rule::items(&Rule::See(&ITEM)))]);
        static ITEM: Rule = Rule::All(&[
            Rule::Type(&[Kind::Object]),
            Rule::Required(&["count"]),
            Rule::properties(&[("count", Rule::All(&[Rule::Type(&[Kind::Integer]), Rule::minimum("1")]))]),
        ]);
        pub(super) static TEXT: Rule = Rule::Type(&[Kind::String]);
        // Says less than the type does.
        pub(super) static OBJECT: Rule = Rule::Type(&[Kind::Object]);
    }

    #[derive(Clone, Debug, PartialEq)]
    pub struct Item {
        pub count: i64,
    }

    event_api::codegen::object!(Item, ignore, { required count = "count" as Integer, });

    #[derive(Clone, Debug, PartialEq)]
    pub struct Order {
        pub items: Vec<Item>,
    }

    event_api::codegen::object!(Order, ignore, { required items = "items", });

    #[derive(Clone, Debug, PartialEq)]
    pub struct CheckedOrder(Order);

    event_api::codegen::newtype!(CheckedOrder(Order), rule __rules::ORDER);

    #[derive(Clone, Debug, PartialEq)]
    pub enum OrderOrText {
        Order(Order),
        Text(String),
    }

    event_api::codegen::union_by_rule!(OrderOrText, first { Order = __rules::OBJECT, Text = __rules::TEXT, });

    #[derive(Clone, Debug, PartialEq)]
    pub enum TaggedOrder {
        Order(Order),
    }

    event_api::codegen::union_by_member!(TaggedOrder, "type", { Order = "order", });

    #[derive(Clone, Debug, PartialEq)]
    pub struct Wrapped {
        pub order: CheckedOrder,
    }

    event_api::codegen::object!(Wrapped, ignore, { required order = "order", });

    #[derive(Clone, Debug, PartialEq)]
    pub enum Events {
        Order(Order),
        Checked(CheckedOrder),
        Either(OrderOrText),
        Tagged(TaggedOrder),
        Wrapped(Wrapped),
        Counts(Vec<i64>),
    }

    impl Events {
        pub const CHANNEL: &'static event_api::Channel = &event_api::Channel {
            name: "orders",
            title: "Orders",
            address: None,
            event_types: &["Order", "Checked", "Either", "Tagged", "Wrapped", "Counts"],
            version: "1.0.0",
            transports: &[],
        };
    }

    event_api::codegen::events!(Events, {
        Order(event) = "Order" => order,
        Checked(event) = "Checked" => checked,
        Either(event) = "Either" => either,
        Tagged(event) = "Tagged" => tagged,
        Wrapped(event) = "Wrapped" => wrapped,
        Counts(event) = "Counts" => counts as List<Integer>,
    });
}

fn decode(event_type: &str, data: &Value) -> Result<api::Events, DecodeError> {
    let data = serde_json::value::to_raw_value(data).unwrap();
    RawEvent { metadata: Metadata::new(event_type), data }.decode()
}

fn refused(event_type: &str, data: &Value) -> (String, String) {
    let error = decode(event_type, data).unwrap_err();
    (error.path, error.reason)
}

fn order(count: Value) -> Value {
    let mut items = vec![json!({"count": 1.0}); 5];
    items[3]["count"] = count;
    json!({ "items": items })
}

#[test]
fn what_is_right_is_read() {
    for event_type in ["Order", "Checked", "Either"] {
        assert_eq!(decode(event_type, &order(json!(2.0))).unwrap().event_type(), event_type);
    }
    assert_eq!(decode("Counts", &json!([1.0, 2])).unwrap(), api::Events::Counts(vec![1, 2]));
}

#[test]
fn a_struct_and_a_reader_name_the_path() {
    let (path, reason) = refused("Order", &order(json!(1.5)));
    assert_eq!(path, "items[3].count");
    assert!(reason.starts_with("invalid value: floating point `1.5`, expected an integer from"), "{reason}");
    let (path, reason) = refused("Counts", &json!([1, 2, 3.5]));
    assert_eq!(path, "[2]");
    assert!(reason.contains("3.5"), "{reason}");
    let (path, _) = refused("Counts", &json!(1));
    assert_eq!(path, ".");
}

#[test]
fn what_is_collected_first_names_the_rest_of_the_path() {
    let (path, reason) = refused("Checked", &order(json!(0)));
    assert_eq!((path.as_str(), reason.as_str()), (".", "`/items/3/count`: the number 0 is less than 1 (`minimum`)"));
    let (path, reason) = refused("Wrapped", &json!({"order": order(json!(0))}));
    assert_eq!(path, "order");
    assert!(reason.starts_with("`/items/3/count`: the number 0 is less than 1 (`minimum`)"), "{reason}");
    let (_, reason) = refused("Either", &order(json!(1.5)));
    assert!(reason.starts_with("`/items/3/count`: invalid value: floating point `1.5`"), "{reason}");
    let mut tagged = order(json!(1.5));
    tagged["type"] = json!("order");
    let (_, reason) = refused("Tagged", &tagged);
    assert!(reason.starts_with("`/items"), "{reason}");
}
