//! Records the metrics of [`super::metric`] through the `metrics` crate.

use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::{Label, SharedString, counter, gauge, histogram};

use super::metric;

/// Whether anything is recorded: what costs a query is only asked for then.
pub(crate) const IS_ON: bool = true;

/// An event was published, or was not.
pub(crate) fn sent(channel: &'static str, took: Duration, error: Option<&'static str>) {
    let mut labels = vec![destination(channel)];
    labels.extend(error.map(error_type));
    counter!(metric::SENT_MESSAGES, labels.clone()).increment(1);
    histogram!(metric::OPERATION_DURATION, labels).record(took);
}

/// An event has come to a consumer.
pub(crate) fn consumed(channel: impl Into<SharedString>, consumer: &str) {
    counter!(metric::CONSUMED_MESSAGES, labels(channel, consumer)).increment(1);
}

/// A handler was called.
pub(crate) fn attempted(channel: impl Into<SharedString>, consumer: &str, took: Duration, error: Option<&'static str>) {
    let mut labels = labels(channel, consumer);
    labels.extend(error.map(error_type));
    histogram!(metric::PROCESS_DURATION, labels).record(took);
}

/// An event became a dead letter.
pub(crate) fn buried(channel: impl Into<SharedString>, consumer: &str) {
    counter!(metric::DEAD_LETTERS, labels(channel, consumer)).increment(1);
}

/// An event that happened at `time` is completed.
pub(crate) fn completed(channel: impl Into<SharedString>, consumer: &str, time: DateTime<Utc>) {
    let age = (Utc::now() - time).to_std().unwrap_or_default();
    gauge!(metric::LAG_SECONDS, labels(channel, consumer)).set(age);
}

/// There is no further event for now.
pub(crate) fn caught_up(channel: impl Into<SharedString>, consumer: &str) {
    gauge!(metric::LAG_SECONDS, labels(channel, consumer)).set(0.0);
}

/// So many events of the channel are not completed.
pub(crate) fn behind(channel: impl Into<SharedString>, consumer: &str, events: u64) {
    // Exact up to 2^53.
    gauge!(metric::LAG_EVENTS, labels(channel, consumer)).set(events as f64);
}

/// An event was posted to a webhook.
#[cfg(feature = "client")]
pub(crate) fn delivered(channel: &str, took: Duration, error: Option<&'static str>) {
    let mut labels = vec![destination(channel.to_owned())];
    labels.extend(error.map(error_type));
    histogram!(metric::DELIVERY_DURATION, labels).record(took);
}

fn labels(channel: impl Into<SharedString>, consumer: &str) -> Vec<Label> {
    vec![destination(channel), Label::new("messaging.consumer.group.name", consumer.to_owned())]
}

fn destination(channel: impl Into<SharedString>) -> Label {
    Label::new("messaging.destination.name", channel)
}

fn error_type(error: &'static str) -> Label {
    Label::new("error.type", error)
}
