//! The names of the metrics that the feature `metrics` records, and what they count.
//!
//! Where OpenTelemetry's semantic conventions for messaging have a metric, it is theirs; the others begin with
//! `event_api.`. Durations are in seconds. Exporters write names as their systems want them: for Prometheus,
//! `messaging.process.duration` is `messaging_process_duration`.
//!
//! | label | value |
//! | --- | --- |
//! | `messaging.system` | `event-api` |
//! | `messaging.operation.name` | `send`, `process` or `deliver`, as in spans |
//! | `messaging.destination.name` | the channel; [`OTHER`] of a webhook that is for no handler of its receiver |
//! | `messaging.consumer.group.name` | the consumer's name |
//! | `error.type` | why it failed; absent when it did not |

/// The channel of webhooks that are for no handler: senders choose the names in them, which may be any number.
pub const OTHER: &str = "_OTHER";

/// Counter: events that were published, or refused (`error.type`).
pub const SENT_MESSAGES: &str = "messaging.client.sent.messages";

/// Histogram: how long the log took to make a published event durable.
pub const OPERATION_DURATION: &str = "messaging.client.operation.duration";

/// Counter: events that were brought to a handler, each once however often it was tried.
pub const CONSUMED_MESSAGES: &str = "messaging.client.consumed.messages";

/// Histogram: how long one attempt of a handler took, also to replay a dead letter. Its count is the number of attempts;
/// with `error.type` (`retry`, `reject`) that of failed ones.
pub const PROCESS_DURATION: &str = "messaging.process.duration";

/// Counter: events that a consumer gave up, and those that it parked behind them.
pub const DEAD_LETTERS: &str = "event_api.dead_letters";

/// Gauge: how many events of the channel a consumer has not completed, as of when it last read. Of a consumer of a log,
/// which knows its end.
pub const LAG_EVENTS: &str = "event_api.lag.events";

/// Gauge: how old the oldest event is, in seconds, that has come to a consumer and is not completed; 0 when there is none,
/// also because the consumer has ended. It grows while a handler hangs or an event is tried again.
pub const LAG_SECONDS: &str = "event_api.lag.seconds";

/// Histogram: how long one attempt to deliver an event to a webhook took. Its count is the number of attempts; with
/// `error.type` (`gone`, `failed`, `impossible`) that of failed ones.
pub const DELIVERY_DURATION: &str = "event_api.webhook.delivery.duration";
