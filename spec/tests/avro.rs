//! Avro schemas in documents: what is read, and what is wrong with them.

mod support;

use event_api_spec::Document;
use event_api_spec::avro::{Kind, Logical, NamedKind, Primitive, Type, Unit};
use event_api_spec::document::{Payload, SchemaFormat};
use support::{HEAD, load, load_clean, load_files, report};

const FORMAT: &str = "application/vnd.apache.avro;version=1.9.0";

/// A document whose one message has this payload.
fn text(schema: &str) -> String {
    let payload = format!("{{schemaFormat: '{FORMAT}', schema: {schema}}}");
    format!("{HEAD}components:\n  messages:\n    M:\n      payload: {payload}\n")
}

fn payload(document: &Document) -> &Type {
    match &document[document.components.messages["M"]].payload {
        Some(Payload::Avro(schema)) => schema,
        other => panic!("the payload is {other:?}"),
    }
}

fn schema_text(schema: &str) -> String {
    let document = load_clean(&text(schema));
    document.avro.text(payload(&document))
}

/// What is wrong with a schema, without the name of the file.
fn wrong(schema: &str) -> String {
    let loaded = load(&text(schema));
    let report = report(&loaded);
    assert!(!report.is_empty(), "{schema} is accepted");
    report.replace("asyncapi.yaml:", "")
}

#[test]
fn every_spelling_of_the_format_is_avro() {
    for format in [
        "application/vnd.apache.avro",
        "application/vnd.apache.avro;version=1.9.0",
        "application/vnd.apache.avro+json;version=1.12.0",
        "application/vnd.apache.avro+yaml;version=1.9.0",
        "application/VND.apache.avro ; version=1.9.0",
    ] {
        let document = load_clean(&text("string").replace(FORMAT, format));
        assert!(matches!(payload(&document).kind, Kind::Primitive(Primitive::String, None)), "{format}");
    }
    let v2 = format!(
        "asyncapi: 2.6.0\ninfo: {{title: T, version: '1'}}\nchannels:\n  a:\n    publish:\n      message:\n        \
         schemaFormat: {FORMAT}\n        payload: {{type: record, name: R, fields: []}}\n"
    );
    let document = load_clean(&v2);
    let message = document.channels.values().flat_map(|id| document[*id].messages.values()).next();
    assert!(matches!(document[*message.unwrap()].payload, Some(Payload::Avro(_))));
}

#[test]
fn a_record_among_the_components_of_2_x_is_avro() {
    let document = load_clean(&format!(
        "asyncapi: 2.6.0\ninfo: {{title: T, version: '1'}}\nchannels:\n  a:\n    publish:\n      message:\n        \
         schemaFormat: {FORMAT}\n        payload: {{$ref: '#/components/schemas/R'}}\ncomponents:\n  schemas:\n    R: \
         {{type: record, name: R, fields: [{{name: id, type: int}}]}}\n"
    ));
    assert!(document.components.schemas.is_empty());
    assert!(matches!(document.components.foreign_schemas["R"], Payload::Avro(_)));
    assert_eq!(document.avro.iter().count(), 1, "it is one type, however often it is referred to");
}

#[test]
fn logical_types_are_read_with_the_type_they_stand_in() {
    let logical = |schema: &str| {
        let document = load_clean(&text(schema));
        match &payload(&document).kind {
            Kind::Primitive(_, logical) => *logical,
            Kind::Named(id) => match document.avro[*id].kind {
                NamedKind::Fixed { logical, .. } => logical,
                _ => None,
            },
            _ => None,
        }
    };
    for (schema, expected) in [
        ("{type: int, logicalType: date}", Some(Logical::Date)),
        ("{type: int, logicalType: time-millis}", Some(Logical::Time(Unit::Millis))),
        ("{type: long, logicalType: time-micros}", Some(Logical::Time(Unit::Micros))),
        ("{type: long, logicalType: timestamp-nanos}", Some(Logical::Timestamp(Unit::Nanos))),
        ("{type: long, logicalType: local-timestamp-millis}", Some(Logical::LocalTimestamp(Unit::Millis))),
        ("{type: string, logicalType: uuid}", Some(Logical::Uuid)),
        ("{type: bytes, logicalType: decimal, precision: 4}", Some(Logical::Decimal { precision: 4, scale: 0 })),
        (
            "{type: fixed, name: D, size: 4, logicalType: decimal, precision: 9, scale: 9}",
            Some(Logical::Decimal { precision: 9, scale: 9 }),
        ),
        ("{type: fixed, name: D, size: 12, logicalType: duration}", Some(Logical::Duration)),
        ("{type: string, logicalType: our-own}", None),
        ("{type: {type: long}}", None),
    ] {
        assert_eq!(logical(schema), expected, "{schema}");
    }
}

#[test]
fn names_are_resolved_in_their_namespace() {
    let schema = "
        {type: record, name: a.b.Outer, namespace: ignored, fields: [
          {name: one, type: {type: fixed, name: Inner, size: 2}},
          {name: two, type: Inner},
          {name: three, type: a.b.Inner},
          {name: four, type: {type: enum, name: E, namespace: c, symbols: [A], aliases: [F, d.G]}},
          {name: five, type: c.E},
          {name: self, type: ['null', Outer]}]}";
    insta::assert_snapshot!(schema_text(schema));
}

#[test]
fn the_text_of_a_schema_needs_no_other_text() {
    let loaded = load_files(&[
        (
            "asyncapi.yaml",
            &format!(
                "{HEAD}components:\n  messages:\n    M: {{payload: {{schemaFormat: {FORMAT}, schema: {{$ref: './user.avsc'}}}}}}\n"
            ),
        ),
        (
            "user.avsc",
            r##"{"type": "record", "name": "User", "namespace": "shop", "doc": "Somebody.", "fields": [
                {"name": "home", "type": {"$ref": "address.yaml#/Address"}},
                {"name": "work", "type": ["null", {"$ref": "address.yaml#/Address"}], "default": null},
                {"name": "friends", "type": {"type": "array", "items": {"$ref": "#"}}, "default": []}]}"##,
        ),
        ("address.yaml", "Address: {type: record, name: Address, fields: [{name: city, type: string}]}\n"),
    ]);
    assert_eq!(report(&loaded), "");
    let document = loaded.document.unwrap();
    insta::assert_snapshot!(document.avro.text(payload(&document)));
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    insta::assert_snapshot!(
        [
            wrong("{type: record, fields: []}"),
            wrong("{type: record, name: 5, fields: []}"),
            wrong("{type: record, name: R}"),
            wrong("{type: record, name: R, fields: {}}"),
            wrong("{type: record, name: R, fields: [a, {name: b}, {type: int}]}"),
            wrong(
                "{type: record, name: R, fields: [{name: a-b, type: int}, {name: c, type: int}, {name: c, type: int}]}"
            ),
            wrong("{type: record, name: R, fields: [{name: at, type: long, logicalType: timestamp-millis}]}"),
            wrong("{type: record, name: R-1, fields: []}"),
            wrong("{type: record, name: R, namespace: a..b, fields: []}"),
            wrong("{name: R}"),
            wrong("{type: enum, name: E, symbols: []}"),
            wrong("{type: enum, name: E, symbols: [A, A, 1]}"),
            wrong("{type: enum, name: E, symbols: [A, A, x-y]}"),
            wrong("{type: enum, name: E, symbols: [A], default: B}"),
            wrong("{type: fixed, name: F}"),
            wrong("{type: fixed, name: F, size: -1}"),
            wrong("{type: array}"),
            wrong("{type: map, items: int}"),
            wrong("strin"),
            wrong("record"),
            wrong("{type: array, items: timestamp_ms}"),
            wrong("{type: array, items: com.acme.Address}"),
            wrong("17"),
            wrong("[null, int]"),
            wrong("[]"),
            wrong("[int, [string]]"),
            wrong("[int, {type: int, logicalType: date}]"),
            wrong("[{type: array, items: int}, {type: array, items: string}]"),
            wrong("[{type: fixed, name: F, size: 1}, {type: fixed, name: F, size: 2}]"),
            wrong("{type: string, logicalType: date}"),
            wrong("{type: bytes, logicalType: decimal}"),
            wrong("{type: bytes, logicalType: decimal, precision: 2, scale: 3}"),
            wrong("{type: fixed, name: F, size: 2, logicalType: decimal, precision: 5}"),
            wrong("{$ref: '#/components/schemas/Nowhere'}"),
            wrong("{type: array, items: {$ref: '#/components/schemas/Nowhere'}}"),
        ]
        .join("\n")
    );
}

#[test]
fn a_default_is_a_value_of_its_type() {
    let default = |ty: &str, value: &str| {
        let schema = format!("{{type: record, name: R, fields: [{{name: f, type: {ty}, default: {value}}}]}}");
        let loaded = load(&text(&schema));
        let document = loaded.document.as_ref().unwrap();
        let (_, named) = document.avro.iter().last().unwrap();
        let found = document.avro.iter().find_map(|(_, named)| match &named.kind {
            NamedKind::Record(fields) if named.name == "R" => fields[0].default.clone(),
            _ => None,
        });
        assert_eq!(found.is_none(), report(&loaded).contains("avro-default"), "{}: {ty} {value}", named.name);
        found.map(|default| default.encoded.to_string())
    };
    for (ty, value, encoded) in [
        ("int", "3", Some("3")),
        ("int", "3.0", Some("3")),
        ("int", "2147483648", None),
        ("long", "2147483648", Some("2147483648")),
        ("long", "1.5", None),
        ("float", "1e39", None),
        ("double", "1e39", Some("1e+39")),
        ("boolean", "0", None),
        ("string", "x", Some("\"x\"")),
        ("string", "null", None),
        ("'null'", "null", Some("null")),
        ("bytes", "\"\\u00ff\"", Some("\"ÿ\"")),
        ("bytes", "\"\\u0100\"", None),
        ("{type: fixed, name: F, size: 2}", "ab", Some("\"ab\"")),
        ("{type: fixed, name: F, size: 2}", "abc", None),
        ("{type: enum, name: E, symbols: [A]}", "A", Some("\"A\"")),
        ("{type: enum, name: E, symbols: [A]}", "B", None),
        ("['null', string]", "null", Some("null")),
        ("['null', string]", "x", Some("{\"string\":\"x\"}")),
        ("[string, 'null']", "null", Some("null")),
        ("['null', int]", "x", None),
        ("{type: array, items: ['null', int]}", "[1, null]", Some("[{\"int\":1},null]")),
        ("{type: map, values: long}", "{a: 1}", Some("{\"a\":1}")),
        ("{type: map, values: long}", "[]", None),
        ("{type: record, name: S, fields: [{name: a, type: int}]}", "{a: 1, b: 2}", Some("{\"a\":1}")),
        ("{type: record, name: S, fields: [{name: a, type: int, default: 4}]}", "{}", Some("{\"a\":4}")),
        ("{type: record, name: S, fields: [{name: a, type: int}]}", "{}", None),
    ] {
        assert_eq!(default(ty, value).as_deref(), encoded, "{ty} {value}");
    }
}

#[test]
fn types_that_say_the_same_are_one_whatever_payload_defines_them() {
    let record = |name: &str, inner: &str| {
        format!(
            "{{schemaFormat: {FORMAT}, schema: {{type: record, name: {name}, fields: [{{name: a, type: {{type: record, \
             name: Shared, fields: [{{name: b, type: {{type: record, name: Deep, fields: [{{name: c, type: \
             {inner}}}]}}}}]}}}}]}}}}"
        )
    };
    let document = load_clean(&format!(
        "{HEAD}components:\n  messages:\n    A: {{payload: {}}}\n    B: {{payload: {}}}\n    C: {{payload: {}}}\n",
        record("A", "int"),
        record("B", "int"),
        record("C", "long"),
    ));
    let names: Vec<&str> = document.avro.iter().map(|(_, named)| named.name.as_str()).collect();
    // `Shared` says the same in all three, but leads to another `Deep` in the third.
    assert_eq!(names, ["A", "Shared", "Deep", "B", "C", "Shared", "Deep"]);
}

#[test]
fn a_schema_that_cannot_be_reached_leaves_the_payload_untyped() {
    let loaded = load(&text("{$ref: 'https://example.com/user.avsc'}"));
    insta::assert_snapshot!(report(&loaded));
    let document = loaded.document.unwrap();
    let payload = document[document.components.messages["M"]].payload.as_ref();
    assert!(matches!(payload, Some(Payload::Foreign { format: SchemaFormat::Avro, .. })));
}

#[test]
fn hostile_schemas_end() {
    // References that have no end, one by one and all at once.
    let endless = format!(
        "{HEAD}components:\n  schemas:\n    L: {{schemaFormat: {FORMAT}, schema: {{type: array, items: {{$ref: \
         '#/components/schemas/L/schema'}}}}}}\n  messages: {{}}\n"
    );
    assert!(report(&load(&endless)).contains("nesting-limit"));
    let mut many = format!("{HEAD}components:\n  schemas:\n    S0: {{schemaFormat: {FORMAT}, schema: int}}\n");
    for level in 1..100 {
        let below = format!("{{$ref: '#/components/schemas/S{}/schema'}}", level - 1);
        many.push_str(&format!(
            "    S{level}: {{schemaFormat: {FORMAT}, schema: [{{type: array, items: {below}}}, {{type: map, values: \
             {below}}}]}}\n"
        ));
    }
    assert!(report(&load(&many)).contains("expansion-limit"));
    // A default that fits a branch only in the end.
    let mut schema = "{type: record, name: R0, fields: [{name: f, type: int}]}".to_owned();
    let mut default = "x".to_owned();
    for level in 1..20 {
        schema = format!("{{type: record, name: R{level}, fields: [{{name: f, type: [{schema}, 'null']}}]}}");
        default = format!("{{f: {default}}}");
    }
    let schema = format!("{{type: record, name: Top, fields: [{{name: f, type: {schema}, default: {default}}}]}}");
    assert!(report(&load(&text(&schema))).contains("avro-default"));
}
