//! Avro payloads: what other implementations write is read, and what is written they read.

#![deny(warnings)]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use event_api::avro::{Decimal, Duration};
use event_api::chrono::{NaiveDate, NaiveTime, TimeZone, Utc};

/// What is generated from `documents/avro.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/avro.rs"));
}

use api::*;

/// Types, fields and symbols that are called like what generated code uses.
mod names {
    include!(concat!(env!("OUT_DIR"), "/avro_names.rs"));
}

/// An order in Avro's JSON encoding, as `fastavro` 1.13 writes it. `PAGE` stands for 2,000 bytes `07`.
const ORDER_JSON: &str = r#"{"orderId": -42,
    "customer": {"id": "018f3a5e-7b1c-7def-8123-456789abcdef",
    "address": {"street": "Main St",
    "zip": null},
    "previous": {"shop.common.Address": {"street": "Old",
    "zip": {"string": "1000"}}}},
    "type": "EXPRESS",
    "fallback": "NORMAL",
    "total": "\u00fb\u001e",
    "tax": "\u0000\u0000\u0000\u0000\u0000\u0000\u0007l",
    "lines": [{"sku": "a",
    "count": 3,
    "weight": 0.5,
    "price": 1.25}],
    "labels": {"k": {"string": "v"},
    "n": null},
    "notes": [null, {"string": "x"}],
    "digest": "\u00f0\u00f1\u00f2\u00f3\u00f4\u00f5\u00f6\u00f7\u00f8\u00f9\u00fa\u00fb\u00fc\u00fd\u00fe\u00ff",
    "blob": "\u0000\u00ff",
    "page": "PAGE",
    "payment": {"shop.orders.Card": {"number": "4111"}},
    "reference": {"long": 7},
    "day": -1,
    "at": 1767323045678,
    "precisely": -1,
    "nanos": 1700000000123456789,
    "local": 1767323045678,
    "opens": 30600005,
    "closes": 86399999999,
    "maybeAt": {"long": 1000},
    "stays": "\u0001\u0000\u0000\u0000\u0002\u0000\u0000\u0000\u0003\u0000\u0000\u0000",
    "device": "\u0001\u008f:^{\u001c}\u00ef\u0081#Eg\u0089\u00ab\u00cd\u00ef",
    "gift": true,
    "nothing": null}"#;

/// The same order in the binary encoding, in hexadecimal digits, by the same.
const ORDER_BINARY: &str = "\
534830313866336135652d376231632d376465662d383132332d3435363738396162636465660e4d61696e2053740002064f
6c64020831303030020004fb1e000000000000076c020261060000003f000000000000f43f0004026b020276026e00000400
02027800f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff0400ffPAGE040834313131020e01dcbccccaef6601aab4aed8c7bfce972f
dcbccccaef668aad971dfeffbadd830502d00f010000000200000003000000018f3a5e7b1c7def8123456789abcdef01";

const UUID: &str = "018f3a5e-7b1c-7def-8123-456789abcdef";

fn order() -> OrderPlaced {
    let address = |street: &str, zip: Option<&str>| Address { street: street.to_owned(), zip: zip.map(str::to_owned) };
    OrderPlaced {
        order_id: -42,
        customer: Customer {
            id: UUID.parse().unwrap(),
            address: address("Main St", None),
            previous: Some(address("Old", Some("1000"))),
        },
        r#type: Kind::Express,
        fallback: Kind::Normal,
        total: "-12.50".parse().unwrap(),
        tax: "0.1900".parse().unwrap(),
        lines: vec![Line { sku: "a".to_owned(), count: 3, weight: 0.5, price: 1.25 }],
        labels: [("k".to_owned(), Some("v".to_owned())), ("n".to_owned(), None)].into(),
        notes: vec![None, Some("x".to_owned())],
        digest: Md5(std::array::from_fn(|index| 240 + index as u8)),
        blob: vec![0, 0xff],
        page: Page::try_from(vec![7; Page::SIZE]).unwrap(),
        payment: Some(Card { number: "4111".to_owned() }.into()),
        reference: 7.into(),
        day: NaiveDate::from_ymd_opt(1969, 12, 31).unwrap(),
        at: Utc.timestamp_millis_opt(1_767_323_045_678).unwrap(),
        precisely: Utc.timestamp_micros(-1).unwrap(),
        nanos: Utc.timestamp_nanos(1_700_000_000_123_456_789),
        local: Utc.timestamp_millis_opt(1_767_323_045_678).unwrap().naive_utc(),
        opens: NaiveTime::from_hms_milli_opt(8, 30, 0, 5).unwrap(),
        closes: NaiveTime::from_hms_micro_opt(23, 59, 59, 999_999).unwrap(),
        maybe_at: Some(Utc.timestamp_millis_opt(1000).unwrap()),
        stays: Duration { months: 1, days: 2, millis: 3 },
        device: UUID.parse().unwrap(),
        gift: true,
        nothing: (),
    }
}

fn order_json() -> String {
    ORDER_JSON.replace("PAGE", &r"\u0007".repeat(2000))
}

fn order_binary() -> Vec<u8> {
    let digits: String = ORDER_BINARY.replace("PAGE", &"07".repeat(2000)).split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn parsed(schema: &str) -> apache_avro::Schema {
    apache_avro::Schema::parse_str(schema).unwrap_or_else(|error| panic!("{error}: {schema}"))
}

/// Decodes with `apache-avro`.
fn decoded(schema: &str, bytes: &[u8]) -> Value {
    let schema = parsed(schema);
    let mut rest = bytes;
    let value = GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut rest).unwrap();
    assert!(rest.is_empty(), "{} bytes are left", rest.len());
    value
}

/// Encodes with `apache-avro`.
fn encoded(schema: &str, value: Value) -> Vec<u8> {
    let schema = parsed(schema);
    GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value).unwrap()
}

fn error<T: serde::de::DeserializeOwned>(json: &str) -> String {
    match serde_json::from_str::<T>(json) {
        Ok(_) => panic!("{json} is accepted"),
        Err(error) => error.to_string().split(" at line").next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn the_json_encoding_is_that_of_another_implementation() {
    let theirs: serde_json::Value = serde_json::from_str(&order_json()).unwrap();
    assert_eq!(serde_json::to_value(order()).unwrap(), theirs);
    assert_eq!(serde_json::from_str::<OrderPlaced>(&order_json()).unwrap(), order());
    assert_eq!(serde_json::from_value::<OrderPlaced>(theirs).unwrap(), order());
}

#[test]
fn the_binary_encoding_is_that_of_another_implementation() {
    assert_eq!(order().to_avro().unwrap(), order_binary());
    assert_eq!(OrderPlaced::from_avro(&order_binary()).unwrap(), order());
}

#[test]
fn what_apache_avro_decodes_and_encodes_again_is_the_same_value() {
    let bytes = order().to_avro().unwrap();
    let value = decoded(OrderPlaced::AVRO_SCHEMA, &bytes);
    let Value::Record(fields) = &value else { panic!("{value:?}") };
    assert_eq!(fields[0], ("orderId".to_owned(), Value::Long(-42)));
    assert_eq!(OrderPlaced::from_avro(&encoded(OrderPlaced::AVRO_SCHEMA, value)).unwrap(), order());

    let leaf = |label: &str| Node { label: label.to_owned(), left: None, right: None, others: Vec::new() };
    let tree = Node { left: Some(Box::new(leaf("a"))), others: vec![leaf("b"), leaf("c")], ..leaf("root") };
    let value = decoded(Node::AVRO_SCHEMA, &tree.to_avro().unwrap());
    assert_eq!(Node::from_avro(&encoded(Node::AVRO_SCHEMA, value)).unwrap(), tree);

    for note in [Note(None), Note(Some("é".to_owned()))] {
        let value = decoded(Note::AVRO_SCHEMA, &note.to_avro().unwrap());
        assert_eq!(Note::from_avro(&encoded(Note::AVRO_SCHEMA, value)).unwrap(), note);
    }
    let readings = Readings(vec![1.into(), (-0.25).into(), Fault { code: i32::MIN }.into()]);
    let value = decoded(Readings::AVRO_SCHEMA, &readings.to_avro().unwrap());
    assert_eq!(Readings::from_avro(&encoded(Readings::AVRO_SCHEMA, value)).unwrap(), readings);
    assert!(Empty {}.to_avro().unwrap().is_empty());
    assert_eq!(Empty::from_avro(&[]).unwrap(), Empty {});
}

#[test]
fn payloads_that_are_no_record_have_a_type_of_their_own() {
    assert_eq!(serde_json::to_string(&Note(Some("x".to_owned()))).unwrap(), r#"{"string":"x"}"#);
    assert_eq!(serde_json::to_string(&Note(None)).unwrap(), "null");
    assert_eq!(serde_json::from_str::<Note>("null").unwrap(), Note(None));
    let readings: Readings = serde_json::from_str(r#"[{"int":1},{"double":0.5},{"Fault":{"code":3}}]"#).unwrap();
    assert_eq!(readings, Readings(vec![1.into(), 0.5.into(), Fault { code: 3 }.into()]));
}

#[test]
fn types_of_one_name_are_one_type_where_they_say_the_same() {
    let cancelled = OrderCancelled { order_id: 1, customer: order().customer, reason: OrdersKind::Late };
    let bytes = cancelled.to_avro().unwrap();
    assert_eq!(OrderCancelled::from_avro(&bytes).unwrap(), cancelled);
    let customer: Customer = cancelled.customer;
    assert_eq!(Customer::from_avro(&customer.to_avro().unwrap()).unwrap(), customer);
}

#[test]
fn a_field_that_is_not_there_has_its_default_or_is_missing() {
    let line: Line = serde_json::from_str(r#"{"sku": "a", "weight": 1, "price": 2, "new": [1]}"#).unwrap();
    assert_eq!(line, Line { sku: "a".to_owned(), count: 1, weight: 1.0, price: 2.0 });
    let renamed: Line = serde_json::from_str(r#"{"sku": "a", "quantity": 5, "weight": 1, "price": 2}"#).unwrap();
    assert_eq!(renamed.count, 5, "an alias is the field's former name");
    let mut json: serde_json::Value = serde_json::from_str(&order_json()).unwrap();
    for name in ["labels", "blob", "payment", "reference", "maybeAt", "gift", "fallback"] {
        json.as_object_mut().unwrap().remove(name);
    }
    let order: OrderPlaced = serde_json::from_value(json).unwrap();
    assert!(order.labels.is_empty() && order.payment.is_none() && order.maybe_at.is_none() && !order.gift);
    assert_eq!(order.blob, [0xff]);
    assert_eq!(order.reference, OrderPlacedReference::String("none".to_owned()));
    assert_eq!(order.fallback, Kind::Normal);
    assert_eq!(error::<Line>(r#"{"sku": "a", "weight": 1}"#), "missing field `price`");
}

#[test]
fn an_unknown_symbol_is_the_default_of_an_enum_that_has_one() {
    let json = order_json().replace(r#""EXPRESS""#, r#""DRONE""#);
    assert_eq!(serde_json::from_str::<OrderPlaced>(&json).unwrap().r#type, Kind::Unknown);
    assert!(error::<OrdersKind>(r#""DRONE""#).contains("unknown variant `DRONE`"));
}

#[test]
fn json_that_is_no_value_of_the_schema_is_refused() {
    let with = |from: &str, to: &str| {
        let json = order_json();
        assert!(json.contains(from), "{from}");
        error::<OrderPlaced>(&json.replace(from, to))
    };
    insta::assert_snapshot!(
        [
            with(r#"{"long": 7}"#, "7"),
            with(r#"{"long": 7}"#, r#"{"int": 7}"#),
            with(r#"{"long": 7}"#, r#"{"long": 7, "string": "x"}"#),
            with(r#"{"long": 7}"#, "{}"),
            with(r#"{"long": 1000}"#, "1000"),
            with(r#"{"long": 1000}"#, r#"{"int": 1000}"#),
            with(r#"{"long": 1000}"#, r#"{"long": 1000, "int": 1}"#),
            with(r#""\u0000\u00ff""#, r#""\u0100""#),
            with(r#""\u00f0\u00f1"#, r#""\u00f1"#),
            with(r#""page": ""#, r#""page": "x"#),
            with(r#""orderId": -42"#, r#""orderId": 9223372036854775808"#),
            with(r#""orderId": -42"#, r#""orderId": 1.5"#),
            with(r#""count": 3"#, r#""count": 2147483648"#),
            with(r#""weight": 0.5"#, r#""weight": 1e39"#),
            with(r#""total": "\u00fb\u001e""#, r#""total": "\u0002\u0054\u000b\u00e4\u0000""#),
            with(r#""opens": 30600005"#, r#""opens": 86400000"#),
            with(r#""day": -1"#, r#""day": 2147483647"#),
            with(r#""at": 1767323045678"#, r#""at": 9223372036854775807"#),
            with(r#""nothing": null"#, r#""nothing": 0"#),
            with(r#""gift": true"#, r#""gift": true, "gift": true"#),
            error::<Fault>("[1]"),
        ]
        .join("\n")
    );
}

#[test]
fn bytes_that_are_no_value_of_the_schema_are_refused() {
    let refused = |bytes: &[u8]| match Readings::from_avro(bytes) {
        Ok(value) => panic!("{bytes:?} is {value:?}"),
        Err(error) => error.to_string(),
    };
    let deep = [2, b'x', 2].repeat(5_000);
    insta::assert_snapshot!(
        [
            refused(&[]),
            refused(&[2]),
            refused(&[2, 6]),
            refused(&[2, 1]),
            refused(&[2, 0, 0x80]),
            refused(&[2, 0, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]),
            refused(&[2, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]),
            refused(&[2, 2, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f, 0]),
            refused(&[2, 0, 2, 0, 7]),
            refused(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            Node::from_avro(&deep).unwrap_err().to_string(),
            Note::from_avro(&[2, 4, 0xff, 0xfe]).unwrap_err().to_string(),
            Note::from_avro(&[2, 1]).unwrap_err().to_string(),
        ]
        .join("\n")
    );
}

#[test]
fn what_the_encoding_cannot_say_is_not_written() {
    let mut order = order();
    order.lines[0].price = f64::NAN;
    assert!(serde_json::to_string(&order).is_err());
    assert!(order.to_avro().unwrap_err().to_string().contains("JSON cannot say NaN"));
    order.lines[0].price = 1.0;
    order.nanos = Utc.timestamp_opt(10_000_000_000, 0).unwrap();
    assert!(order.to_avro().unwrap_err().to_string().contains("out of the range of 64 bits"));
    assert!(Page::try_from(vec![0; 3]).is_err());
    assert!(Decimal::<10, 2>::from_unscaled(10_000_000_000).is_err());
}

#[test]
fn names_that_generated_code_uses_itself_do_no_harm() {
    let json = r#"{"self":{"crate":1,"map":"\u00ff"},"at":{"clash.Vec":{"crate":2,"map":""}},"String":"Some",
        "text":{"clash.String":"ok"},"coder":{"Self":{}},"same":{"a":{"clash.Same":"unknown"}},"self_":[null]}"#;
    let clash: names::Option = serde_json::from_str(json).unwrap();
    assert_eq!(clash.string, names::String::Some);
    assert_eq!(names::Option::from_avro(&clash.to_avro().unwrap()).unwrap(), clash);
    let theirs = decoded(names::Option::AVRO_SCHEMA, &clash.to_avro().unwrap());
    assert_eq!(names::Option::from_avro(&encoded(names::Option::AVRO_SCHEMA, theirs)).unwrap(), clash);
}

#[test]
fn events_carry_the_json_encoding() {
    use event_api::EventSet;
    let event = OrdersEvents::from(order());
    let data = event.data().unwrap();
    assert_eq!(serde_json::from_str::<OrderPlaced>(data.get()).unwrap(), order());
}
