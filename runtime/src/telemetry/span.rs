//! The spans of publishing, delivering and handling, with the attributes of OpenTelemetry's semantic conventions for
//! messaging spans.

use std::time::Instant;

use tracing::{Span, field};

use super::{record, trace_context};
use crate::event::Metadata;
use crate::log::LogError;

/// An event on its way into the log.
pub(crate) struct Sending {
    channel: &'static str,
    span: Span,
    began: Instant,
}

impl Sending {
    /// From now on, `metadata` carries the context of this span, unless it has one already.
    pub(crate) fn begin(channel: &'static str, metadata: &mut Metadata) -> Self {
        let span = tracing::info_span!(
            "send",
            "otel.name" = format_args!("send {channel}"),
            "otel.kind" = "producer",
            "otel.status_code" = field::Empty,
            "messaging.system" = "event-api",
            "messaging.operation.name" = "send",
            "messaging.operation.type" = "send",
            "messaging.destination.name" = channel,
            "messaging.message.id" = %metadata.id,
            "event.type" = metadata.event_type,
            "event.subject" = metadata.subject,
            "error.type" = field::Empty,
        );
        if metadata.traceparent.is_none() {
            metadata.traceparent = trace_context::of(&span);
        }
        Sending { channel, span, began: Instant::now() }
    }

    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The log has answered.
    pub(crate) fn end(self, error: Option<&LogError>) {
        let error = error.map(error_type);
        if let Some(error) = error {
            fail(&self.span, error);
        }
        record::sent(self.channel, self.began.elapsed(), error);
    }
}

/// The span of handling an event, which goes on in the trace of its publisher.
pub(crate) fn processing(channel: &str, consumer: &str, metadata: &Metadata) -> Span {
    let span = tracing::info_span!(
        "process",
        "otel.name" = format_args!("process {channel}"),
        "otel.kind" = "consumer",
        "otel.status_code" = field::Empty,
        "messaging.system" = "event-api",
        "messaging.operation.name" = "process",
        "messaging.operation.type" = "process",
        "messaging.destination.name" = channel,
        "messaging.consumer.group.name" = consumer,
        "messaging.message.id" = %metadata.id,
        "event.type" = metadata.event_type,
        "event.subject" = metadata.subject,
        "traceparent" = metadata.traceparent,
        "error.type" = field::Empty,
    );
    trace_context::go_on(&span, metadata.traceparent.as_deref());
    span
}

/// The span of one attempt to deliver an event to a webhook. The receiver goes on in the publisher's span, not in this
/// one: the context of a message stays what its creator gave it.
#[cfg(feature = "client")]
pub(crate) fn delivering(channel: &str, subscription: &str, metadata: &Metadata, attempt: u32) -> Span {
    let span = tracing::info_span!(
        "deliver",
        "otel.name" = format_args!("deliver {channel}"),
        "otel.kind" = "client",
        "otel.status_code" = field::Empty,
        "messaging.system" = "event-api",
        "messaging.operation.name" = "deliver",
        "messaging.operation.type" = "send",
        "messaging.destination.name" = channel,
        "messaging.destination.subscription.name" = subscription,
        "messaging.message.id" = %metadata.id,
        "event.type" = metadata.event_type,
        attempt,
        "error.type" = field::Empty,
    );
    trace_context::go_on(&span, metadata.traceparent.as_deref());
    span
}

/// What the span is of has failed.
pub(crate) fn fail(span: &Span, error: &'static str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error);
}

/// The error in a word: values of `error.type` are to be counted by.
fn error_type(error: &LogError) -> &'static str {
    match error {
        LogError::IdReused { .. } => "id_reused",
        LogError::IdUndecided { .. } => "id_undecided",
        LogError::Refused { .. } => "refused",
        _ => "storage",
    }
}
