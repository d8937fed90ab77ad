//! What generated code goes by beyond what schemas accept: a comparison of documents finds what changes of it.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod support;

use event_api_spec::Loader;
use event_api_spec::compat::{Baseline, Comparison, Direction, Level, Report};
use event_api_spec::schema::Reading;

fn compare_by(comparison: &Comparison, old: &str, new: &str) -> Report {
    let load = |text: &str| {
        let loaded = Loader::new().load_text("asyncapi.yaml", text);
        assert!(!loaded.has_errors(), "{}\n{text}", support::report(&loaded));
        loaded
    };
    let (old, new) = (load(old), load(new));
    comparison.compare(&[Baseline::new("old", &old)], &new).unwrap()
}

fn compare(old: &str, new: &str) -> Report {
    compare_by(&Comparison::new(), old, new)
}

/// What fails, with whom it affects.
fn failing(report: &Report) -> Vec<(&str, Option<Direction>)> {
    report.failing().map(|finding| (finding.rule.id, finding.direction)).collect()
}

/// A document of AsyncAPI 2 with one channel that is subscribed to.
fn v2(subscribe: &str) -> String {
    format!(
        "asyncapi: 2.6.0\ninfo: {{title: Orders, version: latest}}\nchannels: {{orders: {{subscribe: {subscribe}}}}}\n\
         components: {{schemas: {{Placed: {{type: object, properties: {{total: {{type: integer}}}}}}, \
         Ordered: {{type: object, properties: {{total: {{type: integer}}}}}}}}}}\n"
    )
}

#[test]
fn a_message_without_name_and_key_is_called_after_its_payload_or_operation_and_another_name_breaks() {
    let inline = "payload: {type: object, properties: {total: {type: integer}}}";
    let named = |name: &str| format!("payload: {{$ref: '#/components/schemas/{name}'}}");
    let operation = |id: &str| v2(&format!("{{operationId: {id}, message: {{{inline}}}}}"));
    let message = |text: &str| v2(&format!("{{message: {{{text}}}}}"));
    let pairs = [
        (operation("placed"), operation("ordered")),
        (message(&named("Placed")), message(&named("Ordered"))),
        (message(inline), message(&format!("{inline}, name: Placed"))),
    ];
    for (old, new) in pairs {
        assert_eq!(failing(&compare(&old, &new)), [("message-name-changed", Some(Direction::Both))], "{new}");
    }
    let (old, new) = (operation("placed"), message(&format!("{inline}, name: placed")));
    assert!(!failing(&compare(&old, &new)).iter().any(|(rule, _)| *rule == "message-name-changed"), "{new}");
}

#[test]
fn of_two_messages_of_one_name_the_first_has_it() {
    let document = |messages: &str| {
        format!(
            "asyncapi: 3.0.0\ninfo: {{title: Orders, version: latest}}\nchannels: {{orders: {{address: orders, messages: \
             {{{messages}}}}}}}\n"
        )
    };
    let (a, b) = ("A: {name: n, payload: {type: object}}", "B: {name: n, payload: {type: object}}");
    let report = compare(&document(&format!("{a}, {b}")), &document(&format!("{b}, {a}")));
    assert_eq!(failing(&report), [("message-removed", Some(Direction::Forward))]);
}

/// A document that sends one message with this payload; `schemas` are components.
fn payload(payload: &str, schemas: &str) -> String {
    format!(
        "asyncapi: 3.0.0\ninfo: {{title: Orders, version: latest}}\nchannels: {{orders: {{address: orders, messages: \
         {{Placed: {{payload: {payload}}}}}}}}}\ncomponents: {{schemas: {{{schemas}}}}}\n"
    )
}

fn payloads(old: &str, new: &str) -> Report {
    compare(&payload(old, ""), &payload(new, ""))
}

#[test]
fn strict_takes_a_schema_without_type_as_one_of_any_type() {
    let (old, new) = (payload("{maxLength: 5}", ""), payload("{maxLength: 5, type: string}", ""));
    assert_eq!(failing(&compare(&old, &new)), []);
    let strict = compare_by(&Comparison::new().reading(Reading::AsWritten), &old, &new);
    assert_eq!(failing(&strict), [("schema-type-changed", Some(Direction::Backward))]);
}

#[test]
fn a_format_is_found_wherever_it_is_written() {
    let uuid = "{type: string, format: uuid}";
    let plain = "{type: object, properties: {id: {type: string}}}";
    let pairs = [
        (plain.to_owned(), format!("{{type: object, properties: {{id: {{allOf: [{uuid}]}}}}}}")),
        (plain.to_owned(), format!("{{allOf: [{{type: object, properties: {{id: {uuid}}}}}]}}")),
        (plain.to_owned(), format!("{{type: object, properties: {{id: {{oneOf: [{uuid}, {{type: 'null'}}]}}}}}}")),
        ("{type: [string, 'null']}".to_owned(), format!("{{oneOf: [{uuid}, {{type: 'null'}}]}}")),
        ("{type: array, items: {type: string}}".to_owned(), format!("{{type: array, items: {{oneOf: [{uuid}]}}}}")),
        (
            "{type: object, additionalProperties: {type: string}}".to_owned(),
            format!("{{type: object, additionalProperties: {{type: string}}, properties: {{id: {uuid}}}}}"),
        ),
        (
            "{type: object, properties: {n: {type: integer}}}".to_owned(),
            "{type: object, properties: {n: {allOf: [{type: integer, format: int32}]}}}".to_owned(),
        ),
        (
            "{type: object, patternProperties: {'^a': {type: string}}}".to_owned(),
            format!("{{type: object, patternProperties: {{'^a': {uuid}}}}}"),
        ),
    ];
    for (narrow, wide) in pairs {
        let report = payloads(&narrow, &wide);
        let found = failing(&report);
        let formats: Vec<_> = found.iter().filter(|(rule, _)| *rule == "schema-format-changed").collect();
        assert_eq!(formats.len(), 1, "{wide}: {found:?}");
        assert_ne!(formats[0].1, Some(Direction::Forward), "{wide}");
    }
}

#[test]
fn a_format_under_another_pattern_is_undecided() {
    let (old, new) =
        ("{patternProperties: {'^a': {type: string}}}", "{patternProperties: {'^a.*': {type: string, format: uuid}}}");
    let report = payloads(old, new);
    assert_eq!(failing(&report), [("schema-undecided", Some(Direction::Backward))]);
    assert!(report.failing().all(|finding| finding.level == Level::Unknown));
}

#[test]
fn a_format_that_no_type_holds_to_is_noted() {
    for (old, new) in [
        ("{type: string}", "{type: string, format: time}"),
        ("{type: string, minLength: 3}", "{type: string, minLength: 3, format: uuid}"),
        ("{type: string, pattern: '^a'}", "{allOf: [{type: string, pattern: '^a'}], format: uuid}"),
        ("{type: integer, minimum: 0, maximum: 9}", "{type: integer, minimum: 0, maximum: 9, format: int64}"),
    ] {
        assert_eq!(failing(&payloads(old, new)), [], "{new}");
    }
}

#[test]
fn formats_of_alternatives_are_compared_with_those_of_the_same_alternative() {
    let one = |format: &str| format!("{{type: object, required: [a], properties: {{a: {{const: x}}, id: {format}}}}}");
    let other = "{type: object, required: [a], properties: {a: {const: y}, id: {type: string}}}";
    let (text, uuid) = (one("{type: string}"), one("{type: string, format: uuid}"));
    let swapped = payloads(&format!("{{oneOf: [{uuid}, {other}]}}"), &format!("{{oneOf: [{other}, {uuid}]}}"));
    assert_eq!(failing(&swapped), []);
    let narrowed = payloads(&format!("{{oneOf: [{text}, {other}]}}"), &format!("{{oneOf: [{other}, {uuid}]}}"));
    assert_eq!(failing(&narrowed), [("schema-format-changed", Some(Direction::Backward))]);
}

/// Pets, told apart by a discriminator; `names` are those of the schemas of cats and dogs.
fn pets(discriminator: &str, names: (&str, &str), kind: (&str, &str)) -> String {
    let (cat, dog) = names;
    let schema = |name: &str, kind: &str, own: &str| {
        format!(
            "{name}: {{type: object, required: [kind, sort, {own}], properties: {{kind: {kind}, sort: {{type: string}}, {own}: \
             {{type: integer}}}}}}"
        )
    };
    payload(
        &format!(
            "{{oneOf: [{{$ref: '#/components/schemas/{cat}'}}, {{$ref: '#/components/schemas/{dog}'}}]{discriminator}}}"
        ),
        &format!("{}, {}", schema(cat, kind.0, "mice"), schema(dog, kind.1, "sticks")),
    )
}

#[test]
fn a_discriminator_and_its_values_are_what_readers_go_by() {
    let (cats, any) = (("Cat", "Dog"), ("{type: string}", "{type: string}"));
    let old = pets(", discriminator: kind", cats, any);
    let changed = "schema-discriminator-changed";
    for (new, direction) in [
        (pets(", discriminator: sort", cats, any), Direction::Both),
        (pets(", discriminator: kind", ("Kitty", "Dog"), any), Direction::Both),
        (pets(", discriminator: kind", ("Dog", "Cat"), any), Direction::Both),
        (pets("", cats, any), Direction::Forward),
    ] {
        assert_eq!(failing(&compare(&old, &new)), [(changed, Some(direction))], "{new}");
    }
    let report = compare(&pets("", cats, any), &old);
    assert_eq!(failing(&report), [(changed, Some(Direction::Backward))]);
}

#[test]
fn where_schemas_say_the_tags_their_names_do_not_matter() {
    let constant = ("{const: cat}", "{const: dog}");
    let old = pets(", discriminator: kind", ("Cat", "Dog"), constant);
    for new in [pets(", discriminator: kind", ("Kitty", "Dog"), constant), pets("", ("Cat", "Dog"), constant)] {
        assert_eq!(failing(&compare(&old, &new)), [], "{new}");
    }
}

#[test]
fn an_alternative_that_goes_is_one_finding() {
    let one = |name: &str| format!("{{type: object, required: [{name}], properties: {{{name}: {{type: string}}}}}}");
    let (both, a) = (format!("{{oneOf: [{}, {}]}}", one("a"), one("b")), one("a"));
    let report = payloads(&both, &a);
    assert_eq!(failing(&report), [("schema-alternatives-changed", Some(Direction::Backward))]);
    let message = &report.failing().next().unwrap().message;
    assert!(message.contains("was one of 2 alternatives"), "{message}");
    let report = payloads(&both, &format!("{{oneOf: [{a}]}}"));
    assert_eq!(failing(&report), [("schema-alternatives-changed", Some(Direction::Backward))]);
}

#[test]
fn a_new_property_of_an_object_that_was_open_is_found_at_the_property() {
    let open = |more: &str| {
        format!("{{type: object, properties: {{x: {{type: integer}}{more}}}, additionalProperties: true}}")
    };
    let report = payloads(&open(""), &open(", y: {type: integer}"));
    assert_eq!(failing(&report), [("schema-type-changed", Some(Direction::Backward))]);
    let message = &report.failing().next().unwrap().message;
    assert!(message.contains("`y` is now an integer (was anything)"), "{message}");
}
