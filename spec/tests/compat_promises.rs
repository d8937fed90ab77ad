//! What a comparison of documents promises, promise by promise.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod support;

use std::time::{Duration, Instant};

use event_api_spec::compat::{
    Accepted, Baseline, Bump, Comparison, Date, DeployOrder, Direction, Finding, Ignore, Level, Mode, Outcome, Report,
    Scope, Unused,
};
use event_api_spec::schema::Reading;
use event_api_spec::{Loaded, Loader};

fn load(text: &str) -> Loaded {
    let loaded = Loader::new().load_text("asyncapi.yaml", text);
    assert!(!loaded.has_errors(), "{}\n{text}", support::report(&loaded));
    loaded
}

fn compare_by(comparison: &Comparison, old: &str, new: &str) -> Report {
    let (old, new) = (load(old), load(new));
    comparison.compare(&[Baseline::new("old", &old)], &new).unwrap()
}

fn compare(old: &str, new: &str) -> Report {
    compare_by(&Comparison::new(), old, new)
}

/// A document that sends one message; the version is high enough for any change when `version` is.
fn document(version: &str, payload: &str) -> String {
    with(version, "", payload)
}

fn with(version: &str, extensions: &str, payload: &str) -> String {
    format!(
        "asyncapi: 3.0.0\ninfo: {{title: Orders, version: {version}}}\n{extensions}channels:\n  orders:\n    address: orders\n    \
         messages: {{Placed: {{payload: {payload}}}}}\noperations: {{publish: {{action: send, channel: {{$ref: \
         '#/channels/orders'}}}}}}\n"
    )
}

/// The only finding of a rule.
fn only<'r>(report: &'r Report, rule: &str) -> &'r Finding {
    let mut found = report.findings.iter().filter(|finding| finding.rule.id == rule);
    match (found.next(), found.next()) {
        (Some(only), None) => only,
        (first, second) => panic!("{rule}: {first:#?} {second:#?} in {:#?}", report.findings),
    }
}

fn failing(report: &Report) -> Vec<&str> {
    report.failing().map(|finding| finding.rule.id).collect()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

const WITHOUT: &str = "{type: object, properties: {total: {type: integer}}}";
const OPTIONAL: &str = "{type: object, properties: {total: {type: integer}, note: {type: string}}}";
const REQUIRED: &str = "{type: object, required: [note], properties: {total: {type: integer}, note: {type: string}}}";
const OTHER_TYPE: &str = "{type: object, properties: {total: {type: integer}, note: {type: integer}}}";

#[test]
fn an_optional_property_can_be_added_and_removed_unless_open_objects_may_carry_anything() {
    for (old, new) in [(WITHOUT, OPTIONAL), (OPTIONAL, WITHOUT)] {
        let (old, new) = (document("1.0.0", old), document("1.1.0", new));
        let report = compare(&old, &new);
        assert_eq!(report.verdict(), Outcome::Compatible, "{:#?}", report.findings);
        assert_eq!((report.required_bump, report.reading), (Bump::Minor, Reading::Declared));
        let strict = compare_by(&Comparison::new().reading(Reading::AsWritten), &old, &new);
        assert_eq!(strict.verdict(), Outcome::Incompatible);
    }
}

#[test]
fn a_name_that_comes_back_with_another_type_is_found_by_the_transitive_scope_alone() {
    let versions = [document("1.0.0", OPTIONAL), document("1.1.0", WITHOUT)].map(|text| load(&text));
    let new = load(&document("1.2.0", OTHER_TYPE));
    let baselines = [Baseline::new("1.0.0", &versions[0]), Baseline::new("1.1.0", &versions[1])];
    let latest = Comparison::new().compare(&baselines, &new).unwrap();
    assert_eq!(latest.verdict(), Outcome::Compatible, "{:#?}", latest.findings);
    assert!(!latest.baselines[0].is_compared && latest.baselines[1].is_compared);
    let all = Comparison::new().scope(Scope::Transitive).compare(&baselines, &new).unwrap();
    assert_eq!(failing(&all), ["schema-type-changed"]);
    assert_eq!(only(&all, "schema-type-changed").baseline, 0);
}

#[test]
fn the_same_fact_against_several_versions_is_one_finding() {
    let versions = [document("1.0.0", OPTIONAL), document("1.1.0", OPTIONAL)].map(|text| load(&text));
    let new = load(&document("2.0.0", OTHER_TYPE));
    let baselines = [Baseline::new("1.0.0", &versions[0]), Baseline::new("1.1.0", &versions[1])];
    let report = Comparison::new().scope(Scope::Transitive).compare(&baselines, &new).unwrap();
    let finding = only(&report, "schema-type-changed");
    assert_eq!((finding.baseline, finding.also_baselines.as_slice()), (1, [0].as_slice()));
}

/// A message that is sent, received, or a reply to what is sent or received.
fn role(role: &str, payload: &str) -> String {
    let (operation, reply) = match role {
        "send" | "receive" => (role, String::new()),
        "reply to send" => ("send", ", reply: {channel: {$ref: '#/channels/orders'}}".to_owned()),
        "reply to receive" => ("receive", ", reply: {channel: {$ref: '#/channels/orders'}}".to_owned()),
        other => panic!("{other}"),
    };
    let channel = if reply.is_empty() { "orders" } else { "questions" };
    format!(
        "asyncapi: 3.0.0\ninfo: {{title: Orders, version: 1.0.0}}\nchannels:\n  questions: {{address: questions, messages: \
         {{Asked: {{payload: {{type: object}}}}}}}}\n  orders:\n    address: orders\n    messages: {{{payload}}}\noperations: \
         {{work: {{action: {operation}, channel: {{$ref: '#/channels/{channel}'}}{reply}}}}}\n"
    )
}

#[test]
fn whoever_writes_old_events_break_backward_and_new_events_break_forward() {
    let message = |payload: &str| format!("Placed: {{payload: {payload}}}");
    for who in ["send", "receive", "reply to send", "reply to receive"] {
        let (optional, required) = (role(who, &message(OPTIONAL)), role(who, &message(REQUIRED)));
        let report = compare(&optional, &required);
        let finding = only(&report, "schema-required-changed");
        assert_eq!(finding.direction, Some(Direction::Backward), "{who}");
        assert_eq!(report.deploy, DeployOrder::PublishersFirst, "{who}");
        let report = compare(&required, &optional);
        let finding = only(&report, "schema-required-changed");
        assert_eq!(finding.direction, Some(Direction::Forward), "{who}");
        assert_eq!(report.deploy, DeployOrder::ConsumersFirst, "{who}");
    }
}

#[test]
fn what_was_sent_is_missed_by_old_consumers_and_what_was_received_is_still_sent_by_old_publishers() {
    let both = "Placed: {payload: {type: object}}, Cancelled: {payload: {type: object}}";
    let one = "Placed: {payload: {type: object}}";
    let expected = [
        ("send", Direction::Forward),
        ("receive", Direction::Backward),
        ("reply to send", Direction::Backward),
        ("reply to receive", Direction::Forward),
    ];
    for (who, direction) in expected {
        let report = compare(&role(who, both), &role(who, one));
        assert_eq!(only(&report, "message-removed").direction, Some(direction), "{who}");
    }
}

#[test]
fn a_mode_fails_on_its_own_direction_only_and_still_says_the_rest() {
    let (old, new) = (document("1.0.0", OPTIONAL), document("1.1.0", REQUIRED));
    let expected = [
        (Mode::Full, Outcome::Incompatible),
        (Mode::Backward, Outcome::Incompatible),
        (Mode::Forward, Outcome::Compatible),
        (Mode::None, Outcome::Compatible),
    ];
    for (mode, verdict) in expected {
        let report = compare_by(&Comparison::new().mode(mode), &old, &new);
        assert_eq!((report.verdict(), report.mode), (verdict, mode), "{:#?}", report.findings);
        let finding = only(&report, "schema-required-changed");
        let accepted = (verdict == Outcome::Compatible).then_some(Accepted::NotPromised);
        assert_eq!(finding.accepted, accepted);
    }
}

#[test]
fn the_document_and_the_channel_say_what_they_promise() {
    let new = document("1.1.0", REQUIRED);
    let lenient = with("1.1.0", "x-compatibility: forward\n", REQUIRED);
    let report = compare(&with("1.0.0", "x-compatibility: forward\n", OPTIONAL), &lenient);
    assert_eq!((report.verdict(), report.mode), (Outcome::Compatible, Mode::Forward));
    // What is not said is the default, which is full.
    let report = compare(&document("1.0.0", OPTIONAL), &lenient);
    assert_eq!((report.verdict(), report.mode), (Outcome::Incompatible, Mode::Full));
    // What was promised cannot be taken back by the change that breaks it.
    let report = compare(&with("1.0.0", "x-compatibility: full\n", OPTIONAL), &lenient);
    assert_eq!((report.verdict(), report.mode), (Outcome::Incompatible, Mode::Full));
    only(&report, "compatibility-weakened");
    // The caller's mode counts instead of the document's.
    let full = compare_by(&Comparison::new().mode(Mode::Full), &document("1.0.0", OPTIONAL), &lenient);
    assert_eq!(full.verdict(), Outcome::Incompatible);
    // That of a channel stays.
    let channel = |text: &str| text.replace("address: orders", "address: orders\n    x-compatibility: none");
    let comparison = Comparison::new().mode(Mode::Full);
    let report = compare_by(&comparison, &channel(&document("1.0.0", OPTIONAL)), &channel(&new));
    assert_eq!(failing(&report), Vec::<&str>::new());
}

#[test]
fn a_draft_may_change_when_the_old_version_said_so() {
    let draft = |text: String| text.replace("address: orders", "address: orders\n    x-stability: draft");
    let report = compare(&draft(document("1.0.0", OPTIONAL)), &document("1.0.1", REQUIRED));
    assert_eq!(only(&report, "schema-required-changed").accepted, Some(Accepted::Draft));
    assert!(!failing(&report).contains(&"schema-required-changed"));
    let report = compare(&document("1.0.0", OPTIONAL), &draft(document("2.0.0", REQUIRED)));
    assert_eq!(failing(&report), ["schema-required-changed"]);
}

#[test]
fn what_was_announced_to_go_may_go_once_the_day_has_come() {
    let two = |extra: &str| {
        document("1.0.0", OPTIONAL).replace(
            "messages: {",
            &format!("messages: {{Cancelled: {{x-sunset: '2026-06-30', payload: {{type: object}}}}{extra}, "),
        )
    };
    let (old, new) = (two(""), document("2.0.0", OPTIONAL));
    let on = |day: &str| compare_by(&Comparison::new().today(date(day)), &old, &new);
    assert_eq!(failing(&on("2026-06-29")), ["message-removed"]);
    let report = on("2026-06-30");
    assert_eq!(only(&report, "message-removed").accepted, Some(Accepted::Sunset { date: date("2026-06-30") }));
    // Without a calendar no day comes.
    assert_eq!(failing(&compare(&old, &new)), ["message-removed"]);
    // A property that was required.
    let property = REQUIRED.replace("note: {type: string", "note: {x-sunset: '2026-06-30', type: string");
    let comparison = Comparison::new().today(date("2027-01-01"));
    let report = compare_by(&comparison, &document("1.0.0", &property), &document("2.0.0", WITHOUT));
    assert_eq!(failing(&report), Vec::<&str>::new(), "{:#?}", report.findings);
}

#[test]
fn the_version_must_be_raised_by_as_much_as_the_change_needs() {
    let expected = [
        (OPTIONAL, "1.0.0", true),
        (OPTIONAL, "1.0.1", true),
        (OPTIONAL, "1.1.0", false),
        (OPTIONAL, "2.0.0", false),
        (OPTIONAL, "0.9.0", true),
        (OPTIONAL, "latest", false),
        (WITHOUT, "1.0.0", false),
    ];
    for (payload, version, fails) in expected {
        let report = compare(&document("1.0.0", WITHOUT), &document(version, payload));
        assert_eq!(failing(&report).contains(&"version-not-raised"), fails, "{version}: {:#?}", report.findings);
    }
    let report = compare(&document("1.0.0", OPTIONAL), &document("1.4.0", REQUIRED));
    let finding = only(&report, "version-not-raised");
    assert_eq!(finding.help.as_deref(), Some("make it 2.0.0 or later"));
    assert_eq!((report.required_bump, report.declared_bump), (Bump::Major, Some(Bump::Minor)));
    // Before 1.0.0 the second number is the first.
    let report = compare(&document("0.3.0", OPTIONAL), &document("0.4.0", REQUIRED));
    assert_eq!(report.declared_bump, Some(Bump::Major));
}

#[test]
fn ignore_entries_accept_what_they_name_and_those_without_use_are_reported() {
    let (old, new) = (document("1.0.0", OPTIONAL), document("2.0.0", REQUIRED));
    let rule = "schema-required-changed";
    let accepts = |pointer: &str| {
        let report = compare_by(&Comparison::new().ignore(Ignore::new(rule, pointer, "tried")), &old, &new);
        (failing(&report).is_empty(), report.unused_ignores.is_empty())
    };
    let payload = "/channels/orders/messages/Placed/payload";
    for pointer in [
        &format!("{payload}/properties/note"),
        &format!("{payload}/**"),
        "/channels/orders/messages/Placed",
        "/channels/orders/**",
        "/**",
    ] {
        assert_eq!(accepts(pointer), (true, true), "{pointer}");
    }
    for pointer in ["/channels/orders", "/channels/order/**", "/channels/orders/messages/Place", ""] {
        assert_eq!(accepts(pointer), (false, false), "{pointer}");
    }
    let entries = |last: &str| {
        let comparison = Comparison::new()
            .ignore(Ignore::new(rule, "/**", "for a while").expires(date(last)))
            .ignore(Ignore::new("schema-required-change", "/**", "a slip"))
            .ignore(Ignore::new("channel-removed", "/**", "long ago"))
            .today(date("2026-11-22"));
        compare_by(&comparison, &old, &new)
    };
    let report = entries("2026-11-22");
    assert_eq!(failing(&report), Vec::<&str>::new());
    let finding = only(&report, rule);
    assert_eq!(finding.accepted, Some(Accepted::Ignored { entry: 0, reason: "for a while".to_owned() }));
    let reasons: Vec<(usize, Unused)> =
        report.unused_ignores.into_iter().map(|unused| (unused.entry, unused.reason)).collect();
    let slip = Unused::UnknownRule { nearest: Some("schema-required-changed") };
    assert_eq!(reasons, [(1, slip), (2, Unused::NothingMatches)]);
    let report = entries("2026-11-21");
    assert_eq!(failing(&report), [rule]);
    assert_eq!(report.unused_ignores[0].reason, Unused::Expired);
}

/// Two messages whose payloads have the same component within.
fn shared(version: &str, zip: &str) -> String {
    let message = |member: &str| {
        format!(
            "{{payload: {{type: object, required: [id], properties: {{id: {{type: string, minLength: 1}}, {member}}}}}}}"
        )
    };
    let address = "address: {$ref: '#/components/schemas/Address'}";
    let list = "stops: {type: array, items: {type: object, properties: {at: {$ref: '#/components/schemas/Address'}}}}";
    format!(
        "asyncapi: 3.0.0\ninfo: {{title: Orders, version: {version}}}\nchannels: {{orders: {{address: orders, messages: {{Placed: \
         {}, Shipped: {}}}}}}}\ncomponents: {{schemas: {{Address: {{type: object, properties: {{zip: {zip}}}}}}}}}\n",
        message(address),
        message(list)
    )
}

#[test]
fn a_change_in_a_shared_schema_is_one_finding_at_its_place_with_a_whole_event() {
    let (old, new) = (shared("1.0.0", "{type: integer}"), shared("2.0.0", "{type: string}"));
    let report = compare(&old, &new);
    let finding = only(&report, "schema-type-changed");
    assert_eq!(finding.subject, "message `Placed` of channel `orders`");
    assert_eq!(finding.also, ["message `Shipped` of channel `orders`"]);
    let place = finding.new.as_ref().unwrap();
    assert_eq!(place.location.pointer.as_str(), "/components/schemas/Address/properties/zip");
    assert_eq!(place.element.as_str(), "/channels/orders/messages/Placed");
    let events: Vec<String> = finding.counterexamples.iter().map(|example| example.event.to_string()).collect();
    assert_eq!(events, [r#"{"id":"a","address":{"zip":""}}"#, r#"{"id":"a","address":{"zip":0}}"#]);
    assert_eq!(finding.counterexamples[0].refusals[0].pointer.as_str(), "/address/zip");
    assert_eq!(report.findings.len(), 1, "{:#?}", report.findings);
    // Accepting it for one message accepts it for that one only.
    let ignore = Ignore::new("schema-type-changed", "/channels/orders/messages/Placed", "nobody reads it");
    let report = compare_by(&Comparison::new().ignore(ignore), &old, &new);
    assert_eq!(
        report.failing().map(|finding| finding.subject.as_str()).collect::<Vec<_>>(),
        ["message `Shipped` of channel `orders`"]
    );
    let report = compare_by(
        &Comparison::new().ignore(Ignore::new("schema-type-changed", "/components/schemas/Address/**", "agreed")),
        &old,
        &new,
    );
    assert_eq!(report.verdict(), Outcome::Compatible);
}

#[test]
fn every_change_of_a_payload_is_found_and_not_only_the_first() {
    let old = "{type: object, required: [id], properties: {id: {type: string}, total: {type: integer, maximum: 10}, state: \
               {enum: [open, paid]}, by: {oneOf: [{type: object, required: [card], properties: {card: {type: string}}}, \
               {type: 'null'}]}, lines: {type: array, items: {type: object, properties: {pieces: {type: integer}}}}}}";
    let new = "{type: object, required: [id, at], properties: {id: {type: integer}, total: {type: integer, maximum: 20}, state: \
               {enum: [open, paid, gone]}, by: {oneOf: [{type: object, required: [card], properties: {card: {type: boolean}}}, \
               {type: 'null'}]}, lines: {type: array, items: {type: object, properties: {pieces: {type: string}}}}, at: {type: string}}}";
    let report = compare(&document("1.0.0", old), &document("2.0.0", new));
    let mut found: Vec<String> = report
        .failing()
        .map(|finding| {
            let pointer = finding.new.as_ref().unwrap().location.pointer.to_string();
            let direction = finding.direction.unwrap();
            format!("{} {direction} {}", finding.rule.id, pointer.rsplit("/payload").next().unwrap())
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "schema-bounds-changed forward /properties/total",
            "schema-required-changed backward /properties/at",
            "schema-type-changed both /properties/by/oneOf/0/properties/card",
            "schema-type-changed both /properties/id",
            "schema-type-changed both /properties/lines/items/properties/pieces",
            "schema-values-changed forward /properties/state",
        ]
    );
    for finding in report.failing() {
        assert!(!finding.counterexamples.is_empty(), "{finding:#?}");
        assert!(finding.counterexamples.iter().all(|example| !example.refusals.is_empty()), "{finding:#?}");
    }
}

#[test]
fn what_hides_behind_another_change_is_not_called_compatible() {
    let payload = |kind: &str, of: &str, rest: &str| {
        format!("{{type: object, properties: {{at: {{type: {kind}, properties: {{zip: {{type: {of}}}}}{rest}}}}}}}")
    };
    let old = document("1.0.0", &payload("object", "integer", ""));
    let zip = "/channels/orders/messages/Placed/payload/properties/at/properties/zip";
    let ignore = || Comparison::new().ignore(Ignore::new("schema-type-changed", zip, "agreed"));
    // A value of another type, beside a member of another type.
    let new = document("2.0.0", &payload("[object, 'null']", "string", ""));
    let report = compare_by(&ignore(), &old, &new);
    assert_eq!(failing(&report), ["schema-type-changed"], "{:#?}", report.findings);
    // A bound that a witness for the member does not show.
    let new = document("2.0.0", &payload("object", "string", ", maxProperties: 0"));
    let report = compare_by(&ignore(), &old, &new);
    assert_ne!(report.verdict(), Outcome::Compatible, "{:#?}", report.findings);
}

#[test]
fn two_operations_that_do_what_one_did_break_nobody() {
    let document = |version: &str, operations: &str| {
        format!(
            "asyncapi: 3.0.0\ninfo: {{title: Orders, version: {version}}}\nchannels: {{orders: {{address: orders, messages: {{Placed: \
             {{payload: {{type: object}}}}, Cancelled: {{payload: {{type: object}}}}}}}}}}\noperations: {{{operations}}}\n"
        )
    };
    let one = "all: {action: send, channel: {$ref: '#/channels/orders'}}";
    let part = |key: &str| {
        format!(
            "{key}: {{action: send, channel: {{$ref: '#/channels/orders'}}, messages: [{{$ref: '#/channels/orders/messages/{key}'}}]}}"
        )
    };
    let two = format!("{}, {}", part("Placed"), part("Cancelled"));
    assert_eq!(failing(&compare(&document("1.0.0", one), &document("1.1.0", &two))), Vec::<&str>::new());
    assert_eq!(failing(&compare(&document("1.0.0", &two), &document("1.1.0", one))), Vec::<&str>::new());
    assert!(
        failing(&compare(&document("1.0.0", one), &document("2.0.0", &part("Placed")))).contains(&"operation-removed")
    );
}

/// A document whose payload is an Avro record with one field.
fn avro(version: &str, field: &str) -> String {
    let fields = format!("{{name: id, type: string}}{field}");
    let schema = format!("{{type: record, name: Placed, fields: [{fields}]}}");
    document(version, &format!("{{schemaFormat: 'application/vnd.apache.avro;version=1.9.0', schema: {schema}}}"))
}

#[test]
fn avro_payloads_are_compared_by_the_rules_of_schema_resolution() {
    let field = |ty: &str| format!(", {{name: total, type: {ty}}}");
    let with_default = ", {name: total, type: int, default: 0}";
    let state =
        |symbols: &str, default: &str| field(&format!("{{type: enum, name: State, symbols: [{symbols}]{default}}}"));
    let expected = [
        // A wider number reads a narrower one.
        (field("int"), field("long"), Some(Direction::Forward)),
        (field("string"), field("bytes"), None),
        (field("string"), field("long"), Some(Direction::Both)),
        // A reader needs a default for what the writer does not write.
        (String::new(), field("int"), Some(Direction::Backward)),
        (String::new(), with_default.to_owned(), None),
        (field("int"), String::new(), Some(Direction::Forward)),
        (field("int"), field("['null', int]"), Some(Direction::Forward)),
        (state("A", ""), state("A, B", ""), Some(Direction::Forward)),
        (state("A", ", default: A"), state("A, B", ", default: A"), None),
        (
            field("{type: long, logicalType: timestamp-millis}"),
            field("{type: long, logicalType: timestamp-micros}"),
            Some(Direction::Both),
        ),
        (field("{type: array, items: int}"), field("{type: array, items: double}"), Some(Direction::Forward)),
    ];
    for (old, new, direction) in expected {
        let report = compare(&avro("1.0.0", &old), &avro("2.0.0", &new));
        let found = report.failing().map(|finding| {
            assert_eq!(finding.rule.id, "avro-incompatible");
            finding.direction.unwrap()
        });
        assert_eq!(found.reduce(Direction::and), direction, "{old} {new}: {:#?}", report.findings);
    }
}

#[test]
fn a_document_that_was_upgraded_to_asyncapi_3_is_the_same_on_the_wire() {
    let old = "asyncapi: 2.6.0\ninfo: {title: Orders, version: 1.0.0}\nchannels:\n  shop/orders:\n    subscribe:\n      operationId: \
               publishOrders\n      message: {name: Placed, payload: {type: object, properties: {total: {type: integer}}}}\n";
    let new = "asyncapi: 3.0.0\ninfo: {title: Orders, version: 1.0.0}\nchannels:\n  orders:\n    address: shop/orders\n    messages: \
               {placed: {name: Placed, payload: {type: object, properties: {total: {type: integer}}}}}\noperations: {publishOrders: \
               {action: send, channel: {$ref: '#/channels/orders'}}}\n";
    let report = compare(old, new);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}

#[test]
fn a_rule_can_be_given_another_level() {
    let (old, new) = (document("1.0.0", WITHOUT), document("1.1.0", OPTIONAL));
    let comparison = Comparison::new().level("property-added", Level::Breaking);
    assert_eq!(failing(&compare_by(&comparison, &old, &new)), ["property-added"]);
    let (old, new) = (document("1.0.0", OPTIONAL), document("2.0.0", REQUIRED));
    let comparison = Comparison::new().level("schema-required-changed", Level::Notice);
    assert_eq!(compare_by(&comparison, &old, &new).verdict(), Outcome::Compatible);
}

#[test]
fn what_cannot_be_decided_fails_and_says_why() {
    let payload = |pattern: &str| document("2.0.0", &format!("{{type: string, pattern: '{pattern}'}}"));
    let report = compare(&payload(r"^(a+)\1$"), &payload(r"^(a+)\1?b*$"));
    assert_eq!(report.verdict(), Outcome::Undecided, "{:#?}", report.findings);
    let finding = only(&report, "schema-undecided");
    assert!(finding.message.contains("regular expression"), "{}", finding.message);
    assert!(failing(&report).iter().all(|rule| *rule == "schema-undecided"));
}

#[test]
fn without_an_earlier_version_nothing_can_break_and_what_is_no_document_is_an_error() {
    let new = load(&document("1.0.0", OPTIONAL));
    let report = Comparison::new().compare(&[], &new).unwrap();
    assert_eq!((report.verdict(), report.findings.len(), report.declared_bump), (Outcome::Compatible, 0, None));
    let broken = Loader::new().load_text("old.yaml", "just a text");
    let error = Comparison::new().compare(&[Baseline::new("main", &broken)], &new).unwrap_err();
    assert_eq!(error.version.as_deref(), Some("main"));
    assert!(Comparison::new().compare(&[Baseline::new("main", &new)], &broken).is_err());
}

/// Definitions that refer to the next one three times: 3ⁿ ways through them.
fn ladder(version: &str, end: &str) -> String {
    let mut schemas = String::new();
    for level in 0..14 {
        let next = level + 1;
        let member = |name: &str| format!("{name}: {{$ref: '#/components/schemas/L{next}'}}");
        let members = [member("a"), member("b"), member("c")].join(", ");
        schemas.push_str(&format!("    L{level}: {{type: object, properties: {{{members}}}}}\n"));
    }
    format!(
        "{}components:\n  schemas:\n{schemas}    L14: {end}\n",
        document(version, "{$ref: '#/components/schemas/L0'}")
    )
}

#[test]
fn hostile_documents_take_bounded_time() {
    let started = Instant::now();
    let report = compare(&ladder("1.0.0", "{type: integer}"), &ladder("2.0.0", "{type: string}"));
    let finding = only(&report, "schema-type-changed");
    assert_eq!(finding.new.as_ref().unwrap().location.pointer.as_str(), "/components/schemas/L14");
    // A tree that contains itself in every way.
    let tree = |version: &str, kind: &str| {
        let payload = format!(
            "{{type: object, properties: {{value: {kind}, left: {{$ref: '#/channels/orders/messages/Placed/payload'}}, right: {{$ref: \
             '#/channels/orders/messages/Placed/payload'}}}}}}"
        );
        document(version, &payload)
    };
    let report = compare(&tree("1.0.0", "{type: integer}"), &tree("2.0.0", "{type: string}"));
    assert_eq!(failing(&report), ["schema-type-changed"]);
    // Many properties, all of another type.
    let wide = |version: &str, kind: &str| {
        let members: Vec<String> = (0..400).map(|index| format!("p{index}: {{type: {kind}}}")).collect();
        document(version, &format!("{{type: object, properties: {{{}}}}}", members.join(", ")))
    };
    let report = compare(&wide("1.0.0", "integer"), &wide("2.0.0", "string"));
    assert!(report.findings.len() >= 50);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
