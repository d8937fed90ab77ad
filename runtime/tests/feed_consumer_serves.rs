//! What a publisher appends to its log, a consumer of its feed handles, once and in order; so does a consumer of the log
//! itself.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, reason = "tests; clippy knows only those marked as such, not their helpers")]

mod support;

use std::time::Duration;

use event_api::consume::{Checkpoints as _, ConsumeError, LogConsumer, MemoryCheckpoints, Retained};
use event_api::log::{Log, MemoryLog, Retention};
use event_api::{EventSet as _, Metadata, Position, Publisher, RawEvent, feed};
use serde_json::value::RawValue;
use support::{Act, NameChanged, Recorder, UserEvents, ids};
use tokio::sync::oneshot;

fn publisher(log: &MemoryLog) -> Publisher<UserEvents> {
    Publisher::new(log)
}

async fn publish(log: &MemoryLog, range: std::ops::Range<usize>) {
    for id in ids(range) {
        let event = NameChanged { old_name: "John \"Foo\"".to_owned(), new_name: id.clone() };
        publisher(log).id(id.as_str()).subject("/user/1").publish(UserEvents::NameChanged(event)).await.unwrap();
    }
}

/// Serves the feed with pages of two, and tells its URL.
async fn serve(log: &MemoryLog) -> String {
    let feeds = feed::Feeds::new(log, [UserEvents::CHANNEL]).default_limit(2).router();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/feeds/user-events", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().nest("/feeds", feeds)).await });
    url
}

#[tokio::test]
async fn a_feed_is_consumed_over_restarts() {
    let log = MemoryLog::new();
    let url = serve(&log).await;
    let checkpoints = MemoryCheckpoints::new();
    let handler = Recorder::new();
    for total in [0, 5, 5, 6, 10] {
        publish(&log, handler.handled().len()..total).await;
        feed::Consumer::new(&url, checkpoints.clone()).run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(handler.called(), ids(0..total));
    }
    let name = url.trim_start_matches("http://");
    assert_eq!(checkpoints.load(name).await.unwrap().unwrap().position, Some(Position(9)));
}

#[tokio::test]
async fn events_reach_a_waiting_consumer_long_before_it_would_poll() {
    let log = MemoryLog::new();
    let url = serve(&log).await;
    let handler = Recorder::new();
    let consumer = feed::Consumer::new(url, MemoryCheckpoints::new()).poll_interval(Duration::from_secs(3600));
    let running = tokio::spawn(consumer.run(handler.clone()));
    for total in 1..4 {
        publish(&log, total - 1..total).await;
        tokio::time::timeout(Duration::from_secs(60), handler.until_handled(total)).await.unwrap();
    }
    running.abort();
    assert_eq!(handler.called(), ids(0..3));
}

#[tokio::test]
async fn pages_on_which_nothing_is_wanted_are_passed_over_without_a_pause() {
    let log = MemoryLog::new();
    let url = serve(&log).await;
    let others =
        (0..12_000).map(|_| RawEvent { metadata: Metadata::new("NameChanged"), data: RawValue::NULL.to_owned() });
    log.append(UserEvents::CHANNEL.name, others.collect()).await.unwrap();
    publisher(&log).id("deleted").publish(UserEvents::UserDeleted).await.unwrap();
    let handler = Recorder::new();
    let consumer = feed::Consumer::new(format!("{url}?type=UserDeleted"), MemoryCheckpoints::new());
    let running = consumer.poll_interval(Duration::from_secs(3600)).run_until_caught_up(handler.clone());
    tokio::time::timeout(Duration::from_secs(60), running).await.unwrap().unwrap();
    assert_eq!(handler.called(), ["deleted"]);
}

#[tokio::test]
async fn from_now_begins_with_what_is_published_next() {
    let log = MemoryLog::new();
    let url = serve(&log).await;
    publish(&log, 0..5).await;
    let checkpoints = MemoryCheckpoints::new();
    let handler = Recorder::new();
    let consumer = || feed::Consumer::new(&url, checkpoints.clone()).from_now();
    consumer().run_until_caught_up(handler.clone()).await.unwrap();
    publish(&log, 5..7).await;
    consumer().run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(5..7));
}

#[tokio::test]
async fn a_log_is_consumed_in_its_own_process_over_restarts() {
    let log = MemoryLog::new();
    publish(&log, 0..5).await;
    let checkpoints = MemoryCheckpoints::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let stop = std::sync::Mutex::new(Some(stop));
    let handler = Recorder::that(move |id, attempt| {
        if id == "e2" {
            stop.lock().unwrap().take().map(|stop| stop.send(()));
        }
        if id == "e3" && attempt == 1 { Act::Panic } else { Act::Succeed }
    });
    let consumer = || LogConsumer::new(&log, checkpoints.clone()).name("projection");
    consumer().shutdown(async { _ = stopped.await }).run(handler.clone()).await.unwrap();
    assert_eq!(handler.handled(), ids(0..3));
    consumer().run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.handled(), ids(0..5));

    let running = tokio::spawn(consumer().run(handler.clone()));
    publish(&log, 5..7).await;
    handler.until_handled(7).await;
    running.abort();
    assert_eq!(handler.handled(), ids(0..7));
}

/// A consumer of `url` that gives up at once, and forgets nothing.
fn consumer(url: &str, checkpoints: &MemoryCheckpoints) -> feed::Consumer {
    feed::Consumer::new(url, checkpoints.clone()).name("mailer")
}

#[tokio::test]
async fn retention_of_unseen_events_is_noticed_from_the_first_page_on() {
    // How many events are handled before the consumer is stopped, all on the first page.
    for handled in [0, 1] {
        let log = MemoryLog::new();
        let url = serve(&log).await;
        let checkpoints = MemoryCheckpoints::new();
        let (stop, stopped) = oneshot::channel::<()>();
        let stop = std::sync::Mutex::new(Some(stop));
        let handler = Recorder::that(move |id, _| {
            if id == format!("e{handled}") || handled == 1 {
                stop.lock().unwrap().take().map(|stop| stop.send(()));
            }
            if id == "e0" && handled == 0 { Act::Retry } else { Act::Succeed }
        });
        publish(&log, 0..5).await;
        consumer(&url, &checkpoints).shutdown(async { _ = stopped.await }).run(handler.clone()).await.unwrap();
        assert_eq!(handler.handled(), ids(0..handled));

        log.trim(UserEvents::CHANNEL.name, &Retention::forever().starting_at(Position(3)), 1000).await.unwrap();
        let later = Recorder::new();
        let error = consumer(&url, &checkpoints).run_until_caught_up(later.clone()).await.unwrap_err();
        assert!(matches!(error, ConsumeError::Retained { oldest: Some(Position(3)), .. }), "{error}");
        assert!(later.called().is_empty());
        let going_on = consumer(&url, &checkpoints).on_retained(Retained::Continue);
        going_on.run_until_caught_up(later.clone()).await.unwrap();
        assert_eq!(later.called(), ids(3..5));
    }
}

#[tokio::test]
async fn a_feed_that_was_empty_at_first_is_asked_for_from_where_it_began() {
    let log = MemoryLog::new();
    let url = serve(&log).await;
    let checkpoints = MemoryCheckpoints::new();
    consumer(&url, &checkpoints).run_until_caught_up(Recorder::new()).await.unwrap();
    publish(&log, 0..5).await;
    log.trim(UserEvents::CHANNEL.name, &Retention::forever().starting_at(Position(3)), 1000).await.unwrap();
    let error = consumer(&url, &checkpoints).run_until_caught_up(Recorder::new()).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Retained { .. }), "{error}");
}

#[tokio::test]
async fn a_log_that_was_replaced_is_not_mistaken_for_the_one_that_was_consumed() {
    let log = MemoryLog::new();
    let checkpoints = MemoryCheckpoints::new();
    publish(&log, 0..3).await;
    let consume = |log: &MemoryLog, handler: &Recorder| {
        LogConsumer::new(log, checkpoints.clone()).run_until_caught_up(handler.clone())
    };
    consume(&log, &Recorder::new()).await.unwrap();

    // An older state, which then grows with other events.
    let handler = Recorder::new();
    let restored = MemoryLog::new();
    publish(&restored, 0..2).await;
    let error = consume(&restored, &handler).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Rewound { position: Position(2), end: Position(2), .. }), "{error}");
    publish(&restored, 7..9).await;
    let error = consume(&restored, &handler).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Rewritten { position: Position(2), .. }), "{error}");
    assert!(handler.called().is_empty());

    // Retention of what was consumed is no such thing.
    log.trim(UserEvents::CHANNEL.name, &Retention::forever().starting_at(Position(3)), 1000).await.unwrap();
    consume(&log, &handler).await.unwrap();
    publish(&log, 3..4).await;
    consume(&log, &handler).await.unwrap();
    assert_eq!(handler.called(), ids(3..4));
}

#[tokio::test]
async fn consumers_of_other_types_do_not_share_a_checkpoint() {
    let log = MemoryLog::new();
    let url = serve(&log).await;
    publish(&log, 0..3).await;
    publisher(&log).id("deleted").publish(UserEvents::UserDeleted).await.unwrap();
    let checkpoints = MemoryCheckpoints::new();
    let changes = format!("{url}?type=NameChanged");
    let deletions = format!("{url}?type=UserDeleted");

    // Without a name, each has a checkpoint of its own.
    for (url, expected) in [(&changes, ids(0..3)), (&deletions, vec!["deleted".to_owned()])] {
        let handler = Recorder::new();
        for _ in 0..2 {
            let consumer = feed::Consumer::new(url, checkpoints.clone());
            consumer.run_until_caught_up(handler.clone()).await.unwrap();
        }
        assert_eq!(handler.called(), expected);
    }
    // Under one name, the other types are refused, and the same ones are not, however they are written.
    let handler = Recorder::new();
    consumer(&changes, &checkpoints).run_until_caught_up(handler.clone()).await.unwrap();
    for other in [&deletions, &url] {
        let error = consumer(other, &checkpoints).run_until_caught_up(handler.clone()).await.unwrap_err();
        assert!(matches!(error, ConsumeError::Setup(_)), "{error}");
    }
    let same = format!("{url}?limit=7&type=,NameChanged&timeout=1");
    consumer(&same, &checkpoints).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..3));
}
