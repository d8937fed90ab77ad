//! What tests of shared pages and waiting readers share: a log that counts, large events, and readers that wait.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::http::Request;
use event_api::log::{Bounds, Log, LogError, MemoryLog, PageLimit, Retention, StoredEvent, Trimmed};
use event_api::{EventId, Position, RawEvent, Receipt};
use http_body_util::Full;
use serde_json::value::RawValue;
use tokio::sync::RwLock;
use tokio::task::JoinHandle;

use crate::webhook_support::{Answer, Http, events, eventually};

/// A log that counts how often it is read, and can let readers wait.
#[derive(Clone, Default)]
pub(crate) struct Counted {
    pub(crate) log: MemoryLog,
    reads: Arc<AtomicUsize>,
    pub(crate) waits: Arc<AtomicUsize>,
    pub(crate) gate: Arc<RwLock<()>>,
}

impl Counted {
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Log for Counted {
    async fn append(&self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        Log::append(&self.log, channel, events).await
    }

    async fn read_page(&self, channel: &str, from: Position, limit: PageLimit) -> Result<Vec<StoredEvent>, LogError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.read().await;
        self.log.read_page(channel, from, limit).await
    }

    async fn find(&self, channel: &str, id: &EventId) -> Result<Option<Position>, LogError> {
        self.log.find(channel, id).await
    }

    async fn bounds(&self, channel: &str) -> Result<Bounds, LogError> {
        self.log.bounds(channel).await
    }

    async fn wait(&self, channel: &str, position: Position) -> Result<(), LogError> {
        self.waits.fetch_add(1, Ordering::SeqCst);
        self.log.wait(channel, position).await
    }

    async fn trim(&self, channel: &str, retention: &Retention, limit: usize) -> Result<Trimmed, LogError> {
        self.log.trim(channel, retention, limit).await
    }
}

/// Asks `times` times for `head` with its tag, and waits until all of them wait.
pub(crate) async fn hold(log: &Counted, head: &str, times: usize) -> Vec<JoinHandle<Answer>> {
    let client = Http::new();
    let tag = client.get(head).await.headers["etag"].clone();
    let before = log.waits.load(Ordering::SeqCst);
    let asking = (0..times).map(|_| {
        let request = Request::get(head).header("if-none-match", &tag).header("prefer", "wait=60");
        let (client, request) = (client.clone(), request.body(Full::default()).unwrap());
        tokio::spawn(async move { client.send(request).await })
    });
    let asking = asking.collect();
    let all_wait = async || (log.waits.load(Ordering::SeqCst) >= before + times).then_some(());
    eventually("all wait", all_wait).await;
    asking
}

/// Events whose payloads have a MiB each.
pub(crate) fn large(count: usize) -> Vec<RawEvent> {
    let data = RawValue::from_string(format!("\"{}\"", "x".repeat(1 << 20))).unwrap();
    events(0..count).into_iter().map(|event| RawEvent { data: data.clone(), ..event }).collect()
}
