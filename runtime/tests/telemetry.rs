//! What the library tells about its work: one trace from the publisher through every transport to the handler and to
//! what that publishes, and numbers that say what became of the events.
#![cfg(all(feature = "client", feature = "server", feature = "metrics", feature = "opentelemetry"))]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

mod webhook_support;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use event_api::chrono::{TimeDelta, Utc};
use event_api::consume::{
    Backoff, LogConsumer, MemoryCheckpoints, MemoryDeadLetters, MemoryInbox, OnPoison, Replayed, RetryPolicy, replay,
};
use event_api::log::MemoryLog;
use event_api::telemetry::metric;
use event_api::webhook::{Dispatcher, MemorySubscriptions, Subscriptions as _, receiver};
use event_api::{Context, Handler, HandlerError, HandlerResult, Position, Publisher, feed};
use metrics_util::CompositeKey;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use opentelemetry::trace::{SpanKind, Status, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;
use webhook_support::*;

/// A subscriber beside those of the tests. Where there is only one, `tracing` asks that of the thread that comes first to a
/// span whether anybody wants it, and a test that collects none would answer for all.
static ANOTHER: LazyLock<tracing::Dispatch> = LazyLock::new(|| tracing::Dispatch::new(tracing_subscriber::registry()));

/// Collects the spans of this thread while it lives.
struct Traces {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    _subscriber: tracing::subscriber::DefaultGuard,
}

impl Traces {
    fn collect() -> Self {
        LazyLock::force(&ANOTHER);
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let subscriber = tracing_subscriber::registry().with(layer);
        Traces { exporter, provider, _subscriber: tracing::subscriber::set_default(subscriber) }
    }

    /// The spans that have ended, in that order.
    fn ended(&self) -> Vec<SpanData> {
        self.provider.force_flush().unwrap();
        self.exporter.get_finished_spans().unwrap()
    }

    /// Waits until so many spans of this name have ended.
    async fn until(&self, name: &str, count: usize) -> Vec<SpanData> {
        eventually(name, async || {
            let spans: Vec<_> = self.ended().into_iter().filter(|span| span.name == name).collect();
            (spans.len() == count).then_some(spans)
        })
        .await
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key)?;
    Some(found.value.to_string())
}

/// Publishes an order for each change of a name.
#[derive(Clone)]
struct Orders(Publisher<OrderEvents>);

impl Handler for Orders {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, _: &Context) -> HandlerResult {
        self.0.publish(OrderPlaced { number: 1 }).await?;
        Ok(())
    }
}

#[tokio::test]
async fn one_trace_leads_from_the_publisher_over_feed_and_webhook_to_what_handlers_publish() {
    let traces = Traces::collect();
    let log = MemoryLog::new();
    let handler = Orders(Publisher::new(&log));

    let request = tracing::info_span!("request");
    let users = Publisher::<UserEvents>::new(&log).subject("/users/1");
    users.publish(NameChanged { new_name: "John".to_owned() }).instrument(request.clone()).await.unwrap();
    drop(request);

    let feeds = feed::router(&log, [&USERS]);
    let inbox = MemoryInbox::new();
    let app = axum::Router::new().nest("/feeds", feeds).route("/hooks", receiver(secret(), inbox, handler.clone()));
    let (address, _server) = serve(app).await;

    let url = format!("http://{address}/feeds/user-events");
    let consumer = feed::Consumer::new(url, MemoryCheckpoints::new()).name("orders");
    consumer.run_until_caught_up(handler).await.unwrap();

    let subscriptions = MemorySubscriptions::new();
    let subscription = subscription(format!("http://{address}/hooks"));
    subscriptions.create(&subscription, &[("user-events", Position(0))]).await.unwrap();
    let dispatcher = tokio::spawn(Dispatcher::new(&log, &subscriptions).guard(loopback()).run());
    let handled = traces.until("process user-events", 2).await;
    let delivered = traces.until("deliver user-events", 1).await;
    dispatcher.abort();

    let spans = traces.ended();
    let request = spans.iter().find(|span| span.name == "request").unwrap();
    let trace = request.span_context.trace_id();
    assert!(spans.iter().filter(|span| span.name != "webhook lane").all(|span| span.span_context.trace_id() == trace));
    let sent = spans.iter().find(|span| span.name == "send user-events").unwrap();
    assert_eq!((sent.parent_span_id, &sent.span_kind), (request.span_context.span_id(), &SpanKind::Producer));
    assert_eq!(attribute(sent, "event.subject").as_deref(), Some("/users/1"));
    assert_eq!(
        (delivered[0].parent_span_id, &delivered[0].span_kind),
        (sent.span_context.span_id(), &SpanKind::Client)
    );
    for span in &handled {
        assert_eq!((span.parent_span_id, &span.span_kind), (sent.span_context.span_id(), &SpanKind::Consumer));
        assert!(span.parent_span_is_remote);
        for (key, value) in [
            ("messaging.system", "event-api"),
            ("messaging.operation.name", "process"),
            ("messaging.operation.type", "process"),
            ("messaging.destination.name", "user-events"),
        ] {
            assert_eq!(attribute(span, key).as_deref(), Some(value), "{key}");
        }
        assert_eq!(attribute(span, "messaging.message.id"), attribute(sent, "messaging.message.id"));
    }
    // Both handlers have published, each within its own span.
    let parents: Vec<_> =
        spans.iter().filter(|span| span.name == "send order-events").map(|span| span.parent_span_id).collect();
    assert_eq!(parents, handled.iter().map(|span| span.span_context.span_id()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_trace_context_that_is_given_is_kept_and_one_that_is_none_does_no_harm() {
    let traces = Traces::collect();
    let log = MemoryLog::new();
    let users = Publisher::<UserEvents>::new(&log);
    let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for traceparent in [given, "no trace context"] {
        users.traceparent(traceparent).publish(NameChanged { new_name: "John".to_owned() }).await.unwrap();
    }
    let consumer = LogConsumer::new(&log, MemoryCheckpoints::new());
    consumer.run_until_caught_up(Orders(Publisher::new(&log))).await.unwrap();
    let handled = traces.until("process user-events", 2).await;
    assert_eq!(handled[0].span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(handled[0].parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(!handled[1].parent_span_is_remote);
}

/// Fails twice, then succeeds; rejects the second event.
struct Moody;

impl Handler for Moody {
    type Events = UserEvents;

    async fn handle(&self, event: UserEvents, cx: &Context) -> HandlerResult {
        let UserEvents::NameChanged(changed) = event else { return Ok(()) };
        match (changed.new_name.as_str(), cx.attempt) {
            ("never", _) => Err(HandlerError::reject("never")),
            (_, 1..=2) => Err(HandlerError::retry("not now")),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_span_of_handling_says_that_it_failed_and_how() {
    let traces = Traces::collect();
    let log = MemoryLog::new();
    Publisher::<UserEvents>::new(&log).publish(NameChanged { new_name: "never".to_owned() }).await.unwrap();
    let consumer = LogConsumer::new(&log, MemoryCheckpoints::new()).dead_letters(MemoryDeadLetters::new());
    consumer.run_until_caught_up(Moody).await.unwrap();
    let handled = traces.until("process user-events", 1).await;
    assert!(matches!(handled[0].status, Status::Error { .. }), "{:?}", handled[0].status);
    assert_eq!(attribute(&handled[0], "error.type").as_deref(), Some("reject"));
}

type Measured = (CompositeKey, Option<metrics::Unit>, Option<metrics::SharedString>, DebugValue);

/// Every metric with its labels, and its value: of a histogram the number of values.
fn numbers(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    by_name(snapshotter.snapshot().into_vec())
}

fn by_name(snapshot: Vec<Measured>) -> BTreeMap<String, f64> {
    snapshot
        .into_iter()
        .map(|(key, _, _, value)| {
            let key = key.key();
            let errors = key.labels().filter(|label| label.key() == "error.type");
            let name = errors.fold(key.name().to_owned(), |name, label| format!("{name} {}", label.value()));
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(value) => value.0,
                DebugValue::Histogram(values) => values.len() as f64,
            };
            (name, value)
        })
        .collect()
}

#[tokio::test]
async fn the_metrics_say_what_became_of_the_events() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let log = MemoryLog::new();
    let users = Publisher::<UserEvents>::new(&log).id("one");
    users.publish(NameChanged { new_name: "John".to_owned() }).await.unwrap();
    users.publish(NameChanged { new_name: "Jack".to_owned() }).await.unwrap_err();
    users.id("two").publish(NameChanged { new_name: "never".to_owned() }).await.unwrap();

    let backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(2));
    let consumer = LogConsumer::new(&log, MemoryCheckpoints::new()).dead_letters(MemoryDeadLetters::new());
    consumer.retry(RetryPolicy::attempts(5).backoff(backoff)).run_until_caught_up(Moody).await.unwrap();

    let snapshot = snapshotter.snapshot().into_vec();
    for (name, operation) in [
        (metric::SENT_MESSAGES, "send"),
        (metric::OPERATION_DURATION, "send"),
        (metric::CONSUMED_MESSAGES, "process"),
        (metric::PROCESS_DURATION, "process"),
    ] {
        let (key, ..) = snapshot.iter().find(|(key, ..)| key.key().name() == name).unwrap();
        let label = |name| key.key().labels().find(|label| label.key() == name).map(|label| label.value());
        assert_eq!(label("messaging.system"), Some("event-api"), "{name}");
        assert_eq!(label("messaging.operation.name"), Some(operation), "{name}");
    }
    let numbers = by_name(snapshot);
    let retries = format!("{} retry", metric::PROCESS_DURATION);
    let rejected = format!("{} reject", metric::PROCESS_DURATION);
    let reused = format!("{} id_reused", metric::SENT_MESSAGES);
    for (name, value) in [
        (metric::SENT_MESSAGES, 2.0),
        (reused.as_str(), 1.0),
        (metric::CONSUMED_MESSAGES, 2.0),
        (metric::PROCESS_DURATION, 1.0),
        (retries.as_str(), 2.0),
        (rejected.as_str(), 1.0),
        (metric::DEAD_LETTERS, 1.0),
        (metric::LAG_EVENTS, 0.0),
        (metric::LAG_SECONDS, 0.0),
    ] {
        assert_eq!(numbers.get(name), Some(&value), "{name} in {numbers:?}");
    }
}

#[tokio::test]
async fn what_is_parked_is_counted_and_a_replay_is_seen() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let traces = Traces::collect();
    let log = MemoryLog::new();
    let users = Publisher::<UserEvents>::new(&log).subject("/users/1");
    for name in ["never", "John"] {
        users.publish(NameChanged { new_name: name.to_owned() }).await.unwrap();
    }
    let letters = MemoryDeadLetters::new();
    let consumer = LogConsumer::new(&log, MemoryCheckpoints::new()).name("mailer").dead_letters(letters.clone());
    consumer.on_poison(OnPoison::ParkSubject).run_until_caught_up(Moody).await.unwrap();
    assert_eq!(numbers(&snapshotter)[metric::DEAD_LETTERS], 2.0);

    let sent = traces.until("send user-events", 2).await;
    let handled = traces.until("process user-events", 1).await;
    assert!(matches!(replay(&letters, 1, &Moody).await.unwrap(), Replayed::Failed(_)));
    let replayed = traces.until("process user-events", 2).await.pop().unwrap();
    assert_eq!(replayed.parent_span_id, sent[0].span_context.span_id());
    assert_eq!(attribute(&replayed, "messaging.consumer.group.name").as_deref(), Some("mailer"));
    assert_eq!(attribute(&replayed, "error.type").as_deref(), Some("reject"));
    assert!(matches!(handled[0].status, Status::Error { .. }));
    let rejected = format!("{} reject", metric::PROCESS_DURATION);
    assert_eq!(numbers(&snapshotter)[&rejected], 1.0, "the replay, since the last look");
}

#[tokio::test]
async fn a_receiver_counts_what_its_handler_was_called_with() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let hooks = receiver(secret(), MemoryInbox::new(), Moody);
    let (address, _server) = serve(axum::Router::new().route("/hooks", hooks)).await;
    for (id, name, status) in [
        ("a", r#""John""#, 503),
        ("a", r#""John""#, 503),
        ("a", r#""John""#, 204),
        ("a", r#""John""#, 204),
        ("undecodable", "7", 204),
    ] {
        let body = format!(r#"{{"type":"NameChanged","data":{{"newName":{name}}}}}"#);
        let answer = Http::new().deliver(format!("http://{address}/hooks"), id, &body, 0).await;
        assert_eq!(answer.status, status);
    }
    let numbers = numbers(&snapshotter);
    let retries = format!("{} retry", metric::PROCESS_DURATION);
    let expected = [
        (metric::CONSUMED_MESSAGES, 1.0),
        (metric::PROCESS_DURATION, 1.0),
        (retries.as_str(), 2.0),
        (metric::DEAD_LETTERS, 1.0),
    ];
    let expected: BTreeMap<String, f64> = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn senders_of_webhooks_do_not_choose_labels() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let hooks = receiver(secret(), MemoryInbox::new(), Moody);
    let (address, _server) = serve(axum::Router::new().route("/hooks", hooks)).await;
    for (id, channel) in [("a", "user-events"), ("b", "no-channel-1"), ("c", "no-channel-2"), ("d", "no-channel-3")] {
        let data = r#"{"newName":"never"}"#;
        let body = format!(
            r#"{{"type":"NameChanged","timestamp":"2020-05-01T14:00:00Z","channel":"{channel}","data":{data}}}"#
        );
        let answer = Http::new().deliver(format!("http://{address}/hooks"), id, &body, 0).await;
        assert_eq!(answer.status, 204);
    }
    let snapshot = snapshotter.snapshot().into_vec();
    let labels = snapshot.iter().flat_map(|(key, ..)| key.key().labels());
    let channels = labels.filter(|label| label.key() == "messaging.destination.name").map(|label| label.value());
    let channels: std::collections::BTreeSet<_> = channels.collect();
    assert_eq!(channels.into_iter().collect::<Vec<_>>(), [metric::OTHER, "user-events"]);
}

#[tokio::test]
async fn the_lag_is_that_of_the_oldest_event_that_is_not_completed() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let log = MemoryLog::new();
    let hour_ago = Utc::now() - TimeDelta::hours(1);
    let users = Publisher::<UserEvents>::new(&log);
    users.time(hour_ago).publish(NameChanged { new_name: "John".to_owned() }).await.unwrap();
    users.publish(NameChanged { new_name: "Jack".to_owned() }).await.unwrap();

    let backoff = Backoff::new(Duration::from_secs(3600), Duration::from_secs(3600));
    let consumer = LogConsumer::new(&log, MemoryCheckpoints::new()).retry(RetryPolicy::attempts(5).backoff(backoff));
    let failing = tokio::spawn(consumer.run(Moody));
    let seen = eventually("the lag of an event that waits for another attempt", async || {
        let numbers = numbers(&snapshotter);
        numbers.contains_key(&format!("{} retry", metric::PROCESS_DURATION)).then_some(numbers)
    });
    let seen = seen.await;
    assert!(seen[metric::LAG_SECONDS] >= 3600.0, "{seen:?}");
    assert_eq!(seen[metric::LAG_EVENTS], 2.0, "{seen:?}");
    failing.abort();

    // One that goes on waiting for events has none when all are completed.
    let running = tokio::spawn(LogConsumer::new(&log, MemoryCheckpoints::new()).run(Orders(Publisher::new(&log))));
    eventually("no lag", async || {
        let numbers = numbers(&snapshotter);
        (numbers.get(metric::LAG_EVENTS) == Some(&0.0) && numbers.get(metric::LAG_SECONDS) == Some(&0.0)).then_some(())
    })
    .await;
    running.abort();
}
