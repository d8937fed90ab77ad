//! A feed consumer asks for the next page while it handles one, and what it learns so is never older than it seems.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "tests; clippy knows only those marked as such, not their helpers")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use event_api::consume::MemoryCheckpoints;
use support::{Act, Fault, Feed, Recorder, ids};

const PATIENCE: Duration = Duration::from_secs(30);

/// Whether the page at `offset` was asked for, or is before long. Blocks, as a handler does that computes.
fn is_asked_for(feed: &Feed, offset: usize) -> bool {
    let (line, begin) = (format!("?offset={offset} "), Instant::now());
    while !feed.requests().iter().any(|head| head.contains(&line)) {
        if begin.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_page_is_asked_for_while_one_is_handled() {
    let feed = Arc::new(Feed::with_pages_of(20, 150).await);
    let asked = Arc::clone(&feed);
    let handler = Recorder::that(move |id, _| {
        if id == "e0" {
            assert!(is_asked_for(&asked, 20) && is_asked_for(&asked, 40), "the next page, and the one behind it");
            std::thread::sleep(Duration::from_millis(50));
            let further = |head: &String| head.contains("?offset=80 ");
            assert!(!asked.requests().iter().any(further), "and not all: they would be held in memory");
        }
        Act::Succeed
    });
    feed.consumer(MemoryCheckpoints::new()).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..150));
    for offset in (20..140).step_by(20) {
        let line = format!("?offset={offset} ");
        let once = feed.requests().iter().filter(|head| head.contains(&line)).count();
        assert_eq!(once, 1, "what was asked for ahead is not asked for again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_head_that_was_seen_ahead_is_looked_at_again() {
    let feed = Arc::new(Feed::with_pages_of(20, 40).await);
    let asked = Arc::clone(&feed);
    let handler = Recorder::that(move |id, _| {
        if id == "e39" {
            assert!(is_asked_for(&asked, 40));
            // The answer is on its way, or was read: nothing stood behind the last event.
            std::thread::sleep(Duration::from_millis(50));
            asked.publish(5);
        }
        Act::Succeed
    });
    feed.consumer(MemoryCheckpoints::new()).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..45));
}

#[tokio::test]
async fn a_page_that_could_not_be_had_ahead_is_asked_for_again() {
    for fault in [Fault::status(503), Fault::Close, Fault::Truncated, Fault::Body("no page".to_owned())] {
        let feed = Arc::new(Feed::with_pages_of(20, 60).await);
        let (server, fault) = (Arc::clone(&feed), Mutex::new(Some(fault)));
        let handler = Recorder::that(move |id, _| {
            if id == "e20" {
                server.spoil(fault.lock().unwrap().take());
            }
            Act::Succeed
        });
        feed.consumer(MemoryCheckpoints::new()).run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(handler.called(), ids(0..60));
    }
}

#[tokio::test]
async fn at_the_head_nothing_is_asked_for_ahead() {
    let feed = Feed::with_pages_of(20, 25).await;
    let handler = Recorder::new();
    feed.consumer(MemoryCheckpoints::new()).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..25));
    let asked = |offset: &str| feed.requests().iter().filter(|head| head.contains(offset)).count();
    assert_eq!((asked("?offset=20 "), asked("?offset=25 ")), (1, 1));
}
