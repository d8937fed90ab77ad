//! Whatever a feed sends, what is taken of it and not completed stays within the consumer's window.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, reason = "tests; clippy knows only those marked as such, not their helpers")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::Uri;
use event_api::consume::MemoryCheckpoints;
use event_api::feed::Consumer;
use support::{Act, Recorder};
use tokio::net::TcpListener;
use tokio::sync::Notify;

const MIB: usize = 1 << 20;

/// Serves `page`, which is told the number behind `?offset=`.
async fn serve(page: impl Fn(usize) -> String + Clone + Send + Sync + 'static) -> String {
    let app = axum::Router::new().fallback(move |uri: Uri| {
        let offset = uri.query().and_then(|query| query.strip_prefix("offset=")).map_or(0, |at| at.parse().unwrap());
        let body = page(offset);
        async move { body }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/feed", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// A page of one new event behind those that were read before, with `padding` beside its items and in the new one.
fn page_of_one(position: usize, padding: usize, in_item: usize) -> String {
    let before: String =
        (0..position).map(|at| format!(r#"{{"id":"e{at}","_type":"UserDeleted","_position":{at}}},"#)).collect();
    let (outside, inside) = ("x".repeat(padding), "x".repeat(in_item));
    let next = position + 1;
    format!(
        r#"{{"next_url":"?offset={next}","padding":"{outside}","items":[{before}
        {{"id":"e{position}","_type":"UserDeleted","_position":{position},"_subject":"s","more":"{inside}"}}]}}"#
    )
}

/// A handler that comes to no end with the first event.
fn hanging() -> Recorder {
    Recorder::that(|_, _| Act::Hang)
}

#[tokio::test]
async fn the_window_counts_an_event_by_its_own_size() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let url = serve(move |position| {
        counter.fetch_max(position, Ordering::SeqCst);
        page_of_one(position, 0, MIB)
    })
    .await;
    let consumer = Consumer::new(url, MemoryCheckpoints::new()).name("bounded").concurrency(2);
    let running = tokio::spawn(consumer.run_until_caught_up(hanging()));
    while asked.load(Ordering::SeqCst) < 31 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // 32 events of a MiB fill it. Nothing tells that no more is asked for but time.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = asked.load(Ordering::SeqCst);
    running.abort();
    assert!((31..=33).contains(&asked), "asked for page {asked}, of one event of 1 MiB each");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn events_that_wait_do_not_hold_their_pages_in_memory() {
    const PAGES: usize = 300;
    let before = resident();
    let reached = Arc::new(Notify::new());
    let notify = Arc::clone(&reached);
    let url = serve(move |position| {
        if position == PAGES {
            notify.notify_one();
        }
        page_of_one(position, MIB, 0)
    })
    .await;
    let consumer = Consumer::new(url, MemoryCheckpoints::new()).name("bounded").concurrency(2);
    let running = tokio::spawn(consumer.run_until_caught_up(hanging()));
    reached.notified().await;
    let held = resident().saturating_sub(before);
    running.abort();
    // The other tests of this file hold less than a third of it.
    assert!(held < PAGES * MIB / 2, "{} MiB are held for {PAGES} small events", held / MIB);
}

/// What this process holds in memory.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<usize>().unwrap() << 10
}
