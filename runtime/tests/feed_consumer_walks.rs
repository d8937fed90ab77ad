//! A feed consumer reads every event of a feed once and in order, whenever it is stopped and started.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "tests; clippy knows only those marked as such, not their helpers")]

mod support;

use std::time::Duration;

use event_api::Position;
use event_api::consume::{Checkpoints as _, MemoryCheckpoints};
use support::{Act, Feed, Recorder, ids};
use tokio::sync::oneshot;

#[tokio::test]
async fn all_pages_are_walked_in_order() {
    let feed = Feed::with(8).await;
    let handler = Recorder::new();
    feed.consumer(MemoryCheckpoints::new()).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.handled(), ids(0..8));
}

#[tokio::test]
async fn a_restart_goes_on_behind_the_last_event() {
    let feed = Feed::start().await;
    let checkpoints = MemoryCheckpoints::new();
    let handler = Recorder::new();
    for total in [4, 4, 7, 9] {
        feed.publish(total - handler.handled().len());
        feed.consumer(checkpoints.clone()).run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(handler.handled(), ids(0..total));
    }
    let checkpoint = checkpoints.load("mailer").await.unwrap().unwrap();
    assert_eq!(checkpoint.position, Some(Position(8)));
    assert!(checkpoint.resume.ends_with("offset=9"), "{}", checkpoint.resume);
}

#[tokio::test]
async fn shutdown_in_the_middle_of_a_page_loses_and_repeats_nothing() {
    let feed = Feed::with(6).await;
    let checkpoints = MemoryCheckpoints::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let stop = std::sync::Mutex::new(Some(stop));
    let handler = Recorder::that(move |id, _| {
        if id == "e4" {
            // While this event is being handled: it is finished, and the next one is not begun.
            stop.lock().unwrap().take().map(|stop| stop.send(()));
        }
        Act::Succeed
    });
    let consumer = feed.consumer(checkpoints.clone()).shutdown(async { _ = stopped.await });
    consumer.run(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..5));
    assert_eq!(checkpoints.load("mailer").await.unwrap().unwrap().position, Some(Position(4)));

    feed.consumer(checkpoints).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..6));
}

#[tokio::test]
async fn shutdown_ends_the_wait_for_another_attempt_and_the_event_comes_again() {
    let feed = Feed::with(2).await;
    let checkpoints = MemoryCheckpoints::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let stop = std::sync::Mutex::new(Some(stop));
    let failing = Recorder::that(move |id, _| {
        if id != "e1" {
            return Act::Succeed;
        }
        stop.lock().unwrap().take().map(|stop| stop.send(()));
        Act::Retry
    });
    let an_hour = Duration::from_secs(3600);
    let policy =
        event_api::consume::RetryPolicy::attempts(5).backoff(event_api::consume::Backoff::new(an_hour, an_hour));
    let consumer = feed.consumer(checkpoints.clone()).retry(policy).shutdown(async { _ = stopped.await });
    consumer.run(failing).await.unwrap();

    let handler = Recorder::new();
    feed.consumer(checkpoints).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.handled(), ids(1..2));
}

#[tokio::test]
async fn new_events_at_the_head_are_noticed() {
    let feed = Feed::with(1).await;
    let handler = Recorder::new();
    let consumer = feed.consumer(MemoryCheckpoints::new()).long_poll(Duration::from_secs(20));
    let running = tokio::spawn(consumer.run(handler.clone()));
    for total in 2..5 {
        handler.until_handled(total - 1).await;
        feed.publish(1);
    }
    handler.until_handled(4).await;
    running.abort();
    assert_eq!(handler.handled(), ids(0..4));
    assert!(feed.requests().iter().all(|request| request.contains("prefer: wait=20\r\n")));
    // The head was asked for again by its `ETag`, unless events came too fast for that.
    assert!(feed.requests().len() >= 4);
}

#[tokio::test]
async fn an_unchanged_head_is_asked_for_by_its_etag() {
    let feed = Feed::start().await;
    let handler = Recorder::new();
    let running = tokio::spawn(feed.consumer(MemoryCheckpoints::new()).run(handler.clone()));
    while feed.requests().len() < 3 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(feed.requests()[2].contains("if-none-match: \"0-0\"\r\n"), "{}", feed.requests()[2]);
    feed.publish(2);
    handler.until_handled(2).await;
    running.abort();
    assert_eq!(handler.handled(), ids(0..2));
}

#[tokio::test]
async fn from_now_passes_over_what_is_there() {
    let feed = Feed::with(5).await;
    let checkpoints = MemoryCheckpoints::new();
    let handler = Recorder::new();
    let consumer = || feed.consumer(checkpoints.clone()).from_now();
    consumer().run_until_caught_up(handler.clone()).await.unwrap();
    assert!(handler.called().is_empty());
    feed.publish(2);
    consumer().run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.handled(), ids(5..7));
}

#[tokio::test]
async fn a_feed_without_positions_is_consumed_by_its_ids() {
    let feed = Feed::with(5).await;
    for position in 0..5 {
        feed.edit(position, |item| {
            item.as_object_mut().unwrap().remove("_position");
        });
    }
    let checkpoints = MemoryCheckpoints::new();
    let (stop, stopped) = oneshot::channel::<()>();
    let stop = std::sync::Mutex::new(Some(stop));
    let handler = Recorder::that(move |id, _| {
        if id == "e3" {
            stop.lock().unwrap().take().map(|stop| stop.send(()));
        }
        Act::Succeed
    });
    let consumer = feed.consumer(checkpoints.clone()).shutdown(async { _ = stopped.await });
    consumer.run(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..4));
    feed.consumer(checkpoints).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..5));
}

#[tokio::test]
async fn headers_of_the_user_are_sent() {
    let feed = Feed::start().await;
    let consumer = feed.consumer(MemoryCheckpoints::new()).header("Authorization", "Bearer secret");
    consumer.run_until_caught_up(Recorder::new()).await.unwrap();
    assert!(feed.requests()[0].contains("authorization: Bearer secret\r\n"));
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_checkpoint_in_sqlite_outlives_its_process() {
    use event_api::consume::SqliteCheckpoints;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailer.db");
    let feed = Feed::start().await;
    let handler = Recorder::new();
    for total in [4, 5, 8] {
        feed.publish(total - handler.handled().len());
        let checkpoints = SqliteCheckpoints::open(&file).await.unwrap();
        feed.consumer(checkpoints).run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(handler.called(), ids(0..total));
    }
    let checkpoints = SqliteCheckpoints::open(&file).await.unwrap();
    let other = Recorder::new();
    feed.consumer(checkpoints).name("another").run_until_caught_up(other.clone()).await.unwrap();
    assert_eq!(other.handled(), ids(0..8));
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_consumer_that_is_dropped_anywhere_loses_nothing_and_repeats_one_event_at_most() {
    use event_api::consume::SqliteCheckpoints;

    const EVENTS: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let feed = Feed::with(EVENTS).await;
    let handler = Recorder::new();
    let mut drops = 0;
    let is_done = || handler.handled().last().map(String::as_str) == Some("e39");
    while !is_done() {
        let checkpoints = SqliteCheckpoints::open(folder.path().join("mailer.db")).await.unwrap();
        let running = tokio::spawn(feed.consumer(checkpoints).run(handler.clone()));
        // Somewhere between a request, a handler and a checkpoint.
        let enough = handler.handled().len() + 1 + drops % 3;
        while handler.handled().len() < enough && !is_done() {
            tokio::task::yield_now().await;
        }
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        drops += 1;
    }
    let mut handled = handler.handled();
    let repeated = handled.len();
    handled.dedup();
    assert_eq!(handled, ids(0..EVENTS), "in order, and only the event at which it was dropped came again");
    assert!(repeated - EVENTS <= drops);
}
