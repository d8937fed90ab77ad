//! One trace from a publisher over a feed to a handler and to what that publishes, and the metrics of all of it, printed
//! at the end. A service sends both to its collector instead: nothing but `Telemetry::install` would be other.

#![allow(clippy::print_stdout, reason = "it shows what happens")]

use std::collections::HashMap;
use std::error::Error;

use event_api::consume::MemoryCheckpoints;
use event_api::log::MemoryLog;
use event_api::{Context, HandlerError, HandlerResult, Publisher, feed};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use opentelemetry::trace::{SpanId, Status, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tokio::net::TcpListener;
use tracing::Instrument as _;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::user_service::{NameChanged, UserDeleted, UserEvents, UserEventsHandler, UserEventsPublisher};

/// The events of the user service, generated from its document.
#[event_api::event_api("../user-service/spec/asyncapi.yaml")]
pub mod user_service {}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::install()?;

    let log = MemoryLog::new();
    let users = UserEvents::publisher(&log);
    let request = tracing::info_span!("PUT /users/1/name");
    let changed = NameChanged { old_name: "John Foo".parse()?, new_name: "John Bar".parse()? };
    users.subject("/users/1").name_changed(changed).instrument(request).await?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/feeds/user-events", listener.local_addr()?);
    let app = axum::Router::new().nest("/feeds", feed::router(&log, [UserEvents::CHANNEL]));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let consumer = feed::Consumer::new(url, MemoryCheckpoints::new()).name("cleaner");
    consumer.run_until_caught_up(UserEvents::handler(Cleaner { users })).await?;
    server.abort();

    telemetry.print()
}

/// Deletes users whose names it does not like; and fails to like that somebody is deleted.
struct Cleaner {
    users: Publisher<UserEvents>,
}

impl UserEventsHandler for Cleaner {
    async fn name_changed(&self, _: NameChanged, cx: &Context) -> HandlerResult {
        let subject = cx.subject.clone().unwrap_or_default();
        // Published within the span of handling: the same trace.
        self.users.subject(subject).user_deleted(UserDeleted::new(cx.time.into())).await?;
        Ok(())
    }

    async fn user_deleted(&self, _: UserDeleted, _: &Context) -> HandlerResult {
        Err(HandlerError::reject("nobody should be deleted"))
    }
}

/// Where spans and metrics go: into memory.
struct Telemetry {
    spans: InMemorySpanExporter,
    provider: SdkTracerProvider,
    metrics: Snapshotter,
}

impl Telemetry {
    fn install() -> Result<Self, Box<dyn Error>> {
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("telemetry"));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;

        let recorder = DebuggingRecorder::new();
        let metrics = recorder.snapshotter();
        recorder.install()?;
        Ok(Telemetry { spans, provider, metrics })
    }

    fn print(&self) -> Result<(), Box<dyn Error>> {
        self.provider.force_flush()?;
        let mut children: HashMap<SpanId, Vec<SpanData>> = HashMap::new();
        for span in self.spans.get_finished_spans()? {
            children.entry(span.parent_span_id).or_default().push(span);
        }
        println!("Spans");
        print_spans(&children, SpanId::INVALID, 1);

        println!("\nMetrics");
        let mut lines: Vec<_> = self
            .metrics
            .snapshot()
            .into_vec()
            .into_iter()
            .map(|(key, _, _, value)| {
                let key = key.key();
                let labels: Vec<_> = key.labels().map(|label| label.value()).collect();
                let value = match value {
                    DebugValue::Counter(count) => count.to_string(),
                    DebugValue::Gauge(value) => format!("{value:.3}"),
                    DebugValue::Histogram(values) => format!("{} values", values.len()),
                };
                format!("  {:<36} {:<28} {value}", key.name(), labels.join(", "))
            })
            .collect();
        lines.sort();
        println!("{}", lines.join("\n"));
        Ok(())
    }
}

fn print_spans(children: &HashMap<SpanId, Vec<SpanData>>, parent: SpanId, depth: usize) {
    for span in children.get(&parent).into_iter().flatten() {
        let failed = if matches!(span.status, Status::Error { .. }) { "  failed" } else { "" };
        let (trace, id) = (span.span_context.trace_id(), span.span_context.span_id());
        println!(
            "{:indent$}{:<width$} {:?}  {trace}-{id}{failed}",
            "",
            span.name,
            span.span_kind,
            indent = depth * 2,
            width = 34 - depth * 2
        );
        print_spans(children, id, depth + 1);
    }
}
