//! From the commit to the handler: publisher, server and consumer are in one process, so that one clock measures all.
//!
//! The clock starts when the publisher is told that its event is durable. A reader may know a moment earlier: the log
//! wakes readers when it has committed, and answers the publisher then. Such times count as nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use event_api::consume::MemoryCheckpoints;
use event_api::log::SqliteLog;
use event_api::{Context, Handler, HandlerResult, feed};
use rand::Rng as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

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

/// How events come to the reader.
#[derive(Clone, Copy, Debug)]
enum Transport {
    /// The consumer, to its handler.
    LongPoll,
    /// A bare reader of the stream, to the line that names the event.
    Sse,
}

pub(super) async fn measure() -> Result<(), Failure> {
    for transport in [Transport::LongPoll, Transport::Sse] {
        let (mut append, mut latency) = run(transport).await?;
        println!(
            "latency {transport:?}: from the commit to the handler median {:?}, p99 {:?}; from the append median {:?}, p99 {:?}",
            percentile(&mut latency, 50),
            percentile(&mut latency, 99),
            percentile(&mut append, 50),
            percentile(&mut append, 99),
        );
    }
    Ok(())
}

async fn run(transport: Transport) -> Result<(Vec<Duration>, Vec<Duration>), Failure> {
    let folder = tempfile::tempdir()?;
    let log = SqliteLog::open(folder.path().join("log.db")).await?;
    let accounts = api::AccountsEvents::publisher(&log);
    let app = Router::new().nest("/feeds", feed::router(&log, [api::AccountsEvents::CHANNEL]));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let server = tokio::spawn(async { axum::serve(listener, app).await });
    let (appended, committed, handled) = (Times::default(), Times::default(), Times::default());
    let reader = match transport {
        Transport::LongPoll => tokio::spawn(consume(address, handled.clone())),
        Transport::Sse => tokio::spawn(stream(address, handled.clone())),
    };
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

async fn consume(address: String, handled: Times) -> Result<(), Failure> {
    let url = format!("http://{address}/feeds/accounts");
    let consumer = feed::Consumer::new(url, MemoryCheckpoints::new()).poll_interval(Duration::ZERO);
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

async fn stream(address: String, handled: Times) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(&address).await?;
    let request = format!("GET /feeds/accounts HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        let id = line.strip_prefix("data: {\"id\":\"").and_then(|rest| rest.split_once('"'));
        if let Some((id, _)) = id {
            handled.note(id);
        }
    }
    Ok(())
}
