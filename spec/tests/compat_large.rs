//! Large documents: what a comparison takes grows with what there is to say, not with its square.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod support;

use std::fmt::Write;
use std::time::Instant;

use event_api_spec::compat::{Baseline, Comparison, Ignore, Report};
use event_api_spec::{Loaded, Loader};

/// So many that what grows with the square takes far longer than reading.
const MESSAGES: usize = 3_000;
const CHANNELS: usize = 10_000;

fn load(text: &str) -> Loaded {
    let loaded = Loader::new().load_text("asyncapi.yaml", text);
    assert!(!loaded.has_errors(), "{}", support::report(&loaded));
    loaded
}

fn head(version: &str) -> String {
    format!("asyncapi: 3.0.0\ninfo: {{title: Orders, version: {version}}}\n")
}

/// Messages of one channel that all have the same schema, each of whose properties has this length.
fn one_schema(version: &str, messages: usize, properties: usize, length: usize) -> String {
    let mut text = head(version) + "channels:\n  orders:\n    address: orders\n    messages:\n";
    for index in 0..messages {
        writeln!(text, "      M{index}: {{payload: {{$ref: '#/components/schemas/Order'}}}}").unwrap();
    }
    text += "components:\n  schemas:\n    Order:\n      type: object\n      properties:\n";
    for index in 0..properties {
        writeln!(text, "        p{index}: {{type: string, maxLength: {length}}}").unwrap();
    }
    text
}

/// Channels with an operation each, whose keys begin with `prefix`.
fn channels(version: &str, prefix: &str, count: usize) -> String {
    let mut text = head(version) + "channels:\n";
    for index in 0..count {
        let message = "messages: {A: {payload: {type: integer}}}";
        writeln!(text, "  {prefix}{index}: {{address: a/{index}, {message}}}").unwrap();
    }
    text += "operations:\n";
    for index in 0..count {
        writeln!(text, "  {prefix}{index}: {{action: send, channel: {{$ref: '#/channels/{prefix}{index}'}}}}").unwrap();
    }
    text
}

/// Compares, and checks that it took no more than so many times what reading both took, whatever else the machine does.
#[track_caller]
fn compare(old: &str, new: &str, times: u32) -> Report {
    let started = Instant::now();
    let (old, new) = (load(old), load(new));
    let reading = started.elapsed();
    let report = Comparison::new().compare(&[Baseline::new("old", &old)], &new).unwrap();
    let comparing = started.elapsed() - reading;
    assert!(comparing < reading * times, "comparing took {comparing:?}, reading both {reading:?}");
    report
}

#[test]
fn what_all_messages_share_is_told_once_and_names_all_of_them() {
    let (old, new) = (one_schema("1.0.0", MESSAGES, 100, 9), one_schema("2.0.0", MESSAGES, 100, 8));
    let report = compare(&old, &new, 6);
    assert_eq!(report.findings.len(), 100);
    for finding in &report.findings {
        assert_eq!((finding.rule.id, finding.also.len()), ("schema-bounds-changed", MESSAGES - 1));
    }
    assert_eq!(report.findings[0].also[0], "message `M1` of channel `orders`");
}

#[test]
fn what_is_ignored_for_one_message_is_not_ignored_for_others_of_the_same_schema() {
    let (old, new) = (load(&one_schema("1.0.0", 3, 1, 9)), load(&one_schema("2.0.0", 3, 1, 8)));
    let pointer = "/channels/orders/messages/M1";
    let comparison = Comparison::new().ignore(Ignore::new("schema-bounds-changed", pointer, "nobody reads it"));
    let report = comparison.compare(&[Baseline::new("old", &old)], &new).unwrap();
    let (failing, accepted): (Vec<_>, Vec<_>) = report.findings.iter().partition(|finding| finding.fails());
    assert_eq!((failing.len(), accepted.len()), (1, 1));
    assert_eq!(accepted[0].subject, "message `M1` of channel `orders`");
    assert_eq!(failing[0].also, ["message `M2` of channel `orders`"]);
}

#[test]
fn many_channels_are_renamed_or_replaced_in_linear_time() {
    let old = channels("1.0.0", "k", CHANNELS);
    let renamed = channels("2.0.0", "l", CHANNELS);
    let ids = |report: &Report, rule: &str| report.findings.iter().filter(|finding| finding.rule.id == rule).count();
    let report = compare(&old, &renamed, 1);
    assert_eq!((ids(&report, "channel-renamed"), ids(&report, "operation-renamed")), (CHANNELS, CHANNELS));
    let report = compare(&old, &renamed.replace("address: a", "address: b"), 1);
    assert_eq!((ids(&report, "channel-removed"), ids(&report, "channel-added")), (CHANNELS, CHANNELS));
}
