//! From the commit to the handler: publisher, server and consumer are in one process, so that one clock measures all.
//!
//! The clock starts when the publisher is told that its event is durable. A reader may know a moment earlier: the log
//! wakes readers when it has committed, and answers the publisher then. Such times count as nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use event_api::consume::MemoryCheckpoints;
use event_api::feed::{self, Live};
use event_api::log::SqliteLog;
use event_api::{Context, Handler, HandlerResult};
use rand::Rng as _;
use tokio::net::TcpListener;

use super::{Failure, api, event, percentile};

const EVENTS: usize = 1000;
/// Between two events: readers are waiting again when the next one comes.
const PAUSE_MS: std::ops::Range<u64> = 4..12;

/// When each event got where, by its id.
#[derive(Clone, Default)]
struct Times(Arc<Mutex<HashMap<String, Instant>>>);

impl Times {
    fn note(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(id.to_owned()).or_insert_with(Instant::now);
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How much later than `earlier` it was.
    fn since(&self, earlier: &Times) -> Vec<Duration> {
        let (later, earlier) = (&self.0, &earlier.0);
        let later = later.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = earlier.lock().unwrap_or_else(PoisonError::into_inner);
        later.iter().filter_map(|(id, at)| Some(at.saturating_duration_since(*earlier.get(id)?))).collect()
    }
}

pub(super) async fn measure() -> Result<(), Failure> {
    for live in [Live::LongPoll, Live::ServerSentEvents, Live::WebSocket] {
        let (mut append, mut latency) = run(live).await?;
        println!(
            "latency {live:?}: from the commit to the handler median {:?}, p99 {:?}; from the append median {:?}, p99 {:?}",
            percentile(&mut latency, 50),
            percentile(&mut latency, 99),
            percentile(&mut append, 50),
            percentile(&mut append, 99),
        );
    }
    Ok(())
}

async fn run(live: Live) -> Result<(Vec<Duration>, Vec<Duration>), Failure> {
    let folder = tempfile::tempdir()?;
    let log = SqliteLog::open(folder.path().join("log.db")).await?;
    let accounts = api::AccountsEvents::publisher(&log);
    let app = Router::new().nest("/feeds", feed::router(&log, [api::AccountsEvents::CHANNEL]));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let server = tokio::spawn(async { axum::serve(listener, app).await });
    let (appended, committed, handled) = (Times::default(), Times::default(), Times::default());
    let reader = tokio::spawn(consume(address, live, handled.clone()));
    // The first events only see to it that the reader is there.
    let mut number = 0;
    while handled.len() == 0 {
        accounts.publish(event(number)).await?;
        number += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for number in 0..EVENTS {
        let pause = rand::rng().random_range(PAUSE_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let id = format!("event-{number}");
        appended.note(&id);
        accounts.id(id.as_str()).publish(event(number)).await?;
        committed.note(&id);
    }
    while handled.since(&committed).len() < EVENTS {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    reader.abort();
    server.abort();
    Ok((handled.since(&appended), handled.since(&committed)))
}

async fn consume(address: String, live: Live, handled: Times) -> Result<(), Failure> {
    let url = format!("http://{address}/feeds/accounts");
    let consumer = feed::Consumer::new(url, MemoryCheckpoints::new()).poll_interval(Duration::ZERO).live(live);
    Ok(consumer.run(Note(handled)).await?)
}

struct Note(Times);

impl Handler for Note {
    type Events = api::AccountsEvents;

    async fn handle(&self, _: api::AccountsEvents, cx: &Context) -> HandlerResult {
        self.0.note(cx.id.as_str());
        Ok(())
    }
}
