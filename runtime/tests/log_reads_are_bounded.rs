//! Large events do not make large reads: what the feed server and the dispatcher read at once is bounded in bytes.
#![cfg(all(feature = "server", feature = "client"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod webhook_support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use event_api::log::{
    Bounds, Log, LogError, MemoryLog, PageLimit, Retention, StoredEvent, Trimmed, conformance::event,
};
use event_api::webhook::{Dispatcher, MemorySubscriptions, Subscriptions};
use event_api::{EventId, Position, RawEvent, Receipt, feed};
use serde_json::value::RawValue;
use webhook_support::{Endpoint, Http, USERS, loopback, serve, subscription};

const MEGABYTE: usize = 1 << 20;

/// A log that remembers how many bytes were read at once.
#[derive(Clone, Default)]
struct Measured {
    log: MemoryLog,
    largest: Arc<AtomicUsize>,
}

#[async_trait]
impl Log for Measured {
    async fn append(&self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        Log::append(&self.log, channel, events).await
    }

    async fn read_page(&self, channel: &str, from: Position, limit: PageLimit) -> Result<Vec<StoredEvent>, LogError> {
        let page = self.log.read_page(channel, from, limit).await?;
        self.largest.fetch_max(page.iter().map(|stored| stored.event.data.get().len()).sum(), Ordering::SeqCst);
        Ok(page)
    }

    async fn find(&self, channel: &str, id: &EventId) -> Result<Option<Position>, LogError> {
        self.log.find(channel, id).await
    }

    async fn bounds(&self, channel: &str) -> Result<Bounds, LogError> {
        self.log.bounds(channel).await
    }

    async fn wait(&self, channel: &str, position: Position) -> Result<(), LogError> {
        self.log.wait(channel, position).await
    }

    async fn trim(&self, channel: &str, retention: &Retention, limit: usize) -> Result<Trimmed, LogError> {
        self.log.trim(channel, retention, limit).await
    }
}

async fn large_events(count: usize) -> Measured {
    let log = Measured::default();
    for number in 0..count {
        let mut event = event(number);
        event.metadata.id = format!("event-{number}").as_str().into();
        event.data = RawValue::from_string(format!("\"{}\"", "x".repeat(MEGABYTE - 2))).unwrap();
        Log::append(&log, USERS.name, vec![event]).await.unwrap();
    }
    log
}

#[tokio::test]
async fn a_page_of_large_events_is_not_read_beyond_its_end() {
    let log = large_events(30).await;
    let (address, _server) = serve(feed::router(&log, [&USERS])).await;
    for query in ["limit=1000", "limit=1000&type=NameChanged", "limit=1000&type=Other"] {
        let page = Http::new().get(format!("http://{address}/{}?{query}", USERS.name)).await.json();
        let items = page["items"].as_array().unwrap().len();
        assert_eq!(items, if query.ends_with("Other") { 0 } else { 7 }, "{query}: what stands beside payloads counts");
        let largest = log.largest.swap(0, Ordering::SeqCst);
        assert!((MEGABYTE..=9 * MEGABYTE).contains(&largest), "{query}: {largest} bytes were read at once");
    }
}

#[tokio::test]
async fn a_lane_holds_few_large_events() {
    let log = large_events(5).await;
    let subscriptions = MemorySubscriptions::new();
    let endpoint = Endpoint::accepting().await;
    subscriptions.create(&subscription(endpoint.url()), &[(USERS.name, Position(0))]).await.unwrap();
    let running = tokio::spawn(Dispatcher::new(&log, &subscriptions).guard(loopback()).run());
    endpoint.wait_for(5).await;
    running.abort();
    let largest = log.largest.load(Ordering::SeqCst);
    assert!((MEGABYTE..=2 * MEGABYTE).contains(&largest), "{largest} bytes were read at once");
}
