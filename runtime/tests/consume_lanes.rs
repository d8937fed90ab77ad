//! Several events at a time: in order for each subject, side by side for different ones, and the checkpoint never past
//! one that is not completed.
#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod consume_support;
mod postgres_support;
mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use consume_support::{Scripted, consumer, databases, log, stores};
use event_api::consume::{Backoff, Checkpoints, ConsumeError, MemoryCheckpoints, RetryPolicy};
use event_api::{Context, Handler, HandlerResult, Position};
use support::{Act, Feed, UserEvents};
use tokio::sync::{oneshot, watch};

/// Four subjects, ten events each, taking turns.
fn forty() -> Vec<(String, String)> {
    (0..40).map(|n| (format!("e{n:02}"), format!("/users/{}", n % 4))).collect()
}

fn borrowed(events: &[(String, String)]) -> Vec<(&str, &str)> {
    events.iter().map(|(id, subject)| (id.as_str(), subject.as_str())).collect()
}

/// Goes on only when `together` handlers run at a time, once; remembers the order of each subject.
struct Together {
    running: AtomicUsize,
    most: AtomicUsize,
    met: watch::Sender<bool>,
    together: usize,
    order: Mutex<HashMap<Option<String>, Vec<String>>>,
}

impl Together {
    fn new(together: usize) -> Arc<Self> {
        Arc::new(Together {
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            met: watch::channel(false).0,
            together,
            order: Mutex::default(),
        })
    }
}

impl Handler for Together {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        if running == self.together {
            self.met.send_replace(true);
        }
        self.met.subscribe().wait_for(|met| *met).await.unwrap();
        tokio::task::yield_now().await;
        self.order.lock().unwrap().entry(cx.subject.clone()).or_default().push(cx.id.to_string());
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subjects_go_side_by_side_and_each_in_its_order() {
    let events = forty();
    for store in stores().await {
        let handler = Together::new(3);
        let checkpoints = store.checkpoints().await;
        let running = consumer(&log(&borrowed(&events)).await, Arc::clone(&checkpoints))
            .concurrency(3)
            .run_until_caught_up(Arc::clone(&handler));
        tokio::time::timeout(Duration::from_secs(30), running).await.expect("three run at a time").unwrap();
        assert_eq!(handler.most.load(Ordering::SeqCst), 3, "and no more");
        let order = handler.order.lock().unwrap().clone();
        for (subject, ids) in &order {
            assert_eq!(ids.len(), 10, "{subject:?}");
            assert!(ids.is_sorted(), "{subject:?}: {ids:?}");
        }
        let checkpoint = checkpoints.load("mailer").await.unwrap().unwrap();
        assert_eq!(checkpoint.position, Some(Position(39)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subjects_of_a_feed_go_side_by_side_too() {
    let feed = Feed::with(12).await;
    for position in 0..12 {
        feed.edit(position, |item| item["_subject"] = format!("/users/{}", position % 3).into());
    }
    let handler = Together::new(3);
    let checkpoints = MemoryCheckpoints::new();
    let running = feed.consumer(checkpoints.clone()).concurrency(3).run_until_caught_up(Arc::clone(&handler));
    tokio::time::timeout(Duration::from_secs(30), running).await.expect("three run at a time").unwrap();
    assert!(handler.order.lock().unwrap().values().all(|ids| ids.len() == 4));
    let checkpoint = checkpoints.load("mailer").await.unwrap().unwrap();
    assert_eq!(checkpoint.position, Some(Position(11)));
    assert!(checkpoint.resume.ends_with("offset=12"), "{}", checkpoint.resume);
}

#[tokio::test]
async fn events_without_a_subject_are_ordered_among_themselves() {
    let log = log(&[("a", ""), ("b", ""), ("c", "")]).await;
    let handler = Scripted::that(|id, attempt| if id == "a" && attempt < 3 { Act::Retry } else { Act::Succeed });
    consumer(&log, MemoryCheckpoints::new()).concurrency(8).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.handled(), ["a", "b", "c"]);
}

#[tokio::test]
async fn an_event_that_waits_for_another_attempt_holds_up_no_other_subject() {
    let log = log(&[("a1", "/a"), ("a2", "/a"), ("b1", "/b"), ("b2", "/b"), ("c1", "/c")]).await;
    let others = Arc::new(AtomicUsize::new(0));
    let handler = Scripted::that({
        let others = Arc::clone(&others);
        move |id, _| match id {
            // Not before all other subjects are done.
            "a1" if others.load(Ordering::SeqCst) < 3 => Act::Retry,
            "a1" | "a2" => Act::Succeed,
            _ => {
                others.fetch_add(1, Ordering::SeqCst);
                Act::Succeed
            }
        }
    });
    consumer(&log, MemoryCheckpoints::new())
        .concurrency(2)
        .retry(RetryPolicy::attempts(10_000).backoff(consume_support::SOON))
        .run_until_caught_up(handler.clone())
        .await
        .unwrap();
    let handled = handler.handled();
    assert_eq!(handled[3..], ["a1", "a2"], "{handled:?}");
}

#[tokio::test]
async fn what_is_completed_beyond_the_checkpoint_is_not_handled_again() {
    for store in stores().await {
        let log = log(&[("a1", "/a"), ("b1", "/b"), ("a2", "/a"), ("c1", "/c"), ("b2", "/b")]).await;
        let checkpoints = store.checkpoints().await;
        let (stop, stopped) = oneshot::channel::<()>();
        let handler = Scripted::that(|id, _| if id == "a1" { Act::Retry } else { Act::Succeed }).writing(&store);
        let running = consumer(&log, Arc::clone(&checkpoints))
            .concurrency(4)
            .retry(RetryPolicy::attempts(9).backoff(Backoff::new(Duration::from_secs(600), Duration::from_secs(600))))
            .shutdown(async { drop(stopped.await) })
            .run(handler.clone());
        let running = tokio::spawn(running);
        handler.until_handled(3).await;
        stop.send(()).unwrap();
        running.await.unwrap().unwrap();
        assert_eq!(checkpoints.load("mailer").await.unwrap(), None, "the first event is not completed");

        // One at a time: what is noted counts for that, too.
        let again = Scripted::succeeding().writing(&store);
        consumer(&log, Arc::clone(&checkpoints)).run_until_caught_up(again.clone()).await.unwrap();
        assert_eq!(again.handled(), ["a1", "a2"]);
        assert_eq!(checkpoints.load("mailer").await.unwrap().unwrap().position, Some(Position(4)));
        consume_support::publish(&log, &[("a3", "/a")]).await;
        let third = Scripted::succeeding();
        consumer(&log, checkpoints).run_until_caught_up(third.clone()).await.unwrap();
        assert_eq!(third.handled(), ["a3"], "and the notes are gone, or of no effect");
    }
}

#[tokio::test]
async fn a_consumer_whose_checkpoint_was_removed_begins_anew() {
    for store in databases().await {
        let log = log(&[("a1", "/a"), ("b1", "/b")]).await;
        let checkpoints = store.checkpoints().await;
        let completions = checkpoints.completions().unwrap();
        completions.take_over("mailer", "before").await.unwrap();
        completions.open("mailer").await.unwrap();
        let noted = event_api::consume::Completion { consumer: "mailer".to_owned(), event: "1".to_owned() };
        completions.note("before", std::slice::from_ref(&noted)).await.unwrap();
        assert!(completions.is_completed(&noted).await.unwrap());
        let sql = "DELETE FROM event_api_checkpoints";
        match &store {
            consume_support::Store::Sqlite(pool, _) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
            consume_support::Store::Postgres(pool, _) => drop(sqlx::query(sql).execute(pool).await.unwrap()),
            consume_support::Store::Memory(_) => unreachable!(),
        }
        let handler = Scripted::succeeding();
        consumer(&log, checkpoints).concurrency(2).run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(handler.handled().len(), 2);
    }
}

#[tokio::test]
async fn effects_side_by_side_are_exactly_once() {
    let events = forty();
    for store in databases().await {
        let log = log(&borrowed(&events)).await;
        let handler = Scripted::that(|id, attempt| match (id, attempt) {
            ("e03" | "e17", 1) => Act::Retry,
            ("e08", 1) => Act::Panic,
            ("e21", _) => Act::Reject,
            _ => Act::Succeed,
        });
        let checkpoints = store.checkpoints().await;
        consumer(&log, checkpoints).concurrency(4).run_until_caught_up(handler.writing(&store)).await.unwrap();
        let expected: Vec<String> = events.iter().map(|(id, _)| id.clone()).filter(|id| id != "e21").collect();
        assert_eq!(store.effects().await, expected);
    }
}

#[tokio::test]
async fn one_that_starts_under_the_same_name_takes_over() {
    for store in databases().await {
        let log = log(&[("a1", "/a"), ("b1", "/b")]).await;
        let (reached, mut at_work) = tokio::sync::mpsc::unbounded_channel();
        let (go_on, wait) = watch::channel(false);
        let paused = Paused { store: store.clone(), reached, wait };
        let first = consumer(&log, store.checkpoints().await).concurrency(2).run_until_caught_up(paused);
        let first = tokio::spawn(first);
        at_work.recv().await.unwrap();
        at_work.recv().await.unwrap();
        let second = Scripted::succeeding().writing(&store);
        consumer(&log, store.checkpoints().await).concurrency(2).run_until_caught_up(second).await.unwrap();
        go_on.send_replace(true);
        let stopped = first.await.unwrap();
        assert!(matches!(stopped, Err(ConsumeError::Overtaken { .. })), "{stopped:?}");
        assert_eq!(store.effects().await, ["a1", "b1"], "each once");
    }
}

/// Waits before it does anything.
struct Paused {
    store: consume_support::Store,
    reached: tokio::sync::mpsc::UnboundedSender<()>,
    wait: watch::Receiver<bool>,
}

impl Handler for Paused {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        self.reached.send(()).unwrap();
        self.wait.clone().wait_for(|go_on| *go_on).await.unwrap();
        self.store.affect(cx).await
    }
}

#[tokio::test]
async fn what_is_held_in_memory_is_bounded() {
    // The first event is never completed; the others are, and after some 1,024 no more are taken.
    let ids: Vec<(String, String)> = (0..1500).map(|n| (format!("e{n:04}"), format!("/{n}"))).collect();
    let log = log(&borrowed(&ids)).await;
    let handler = Scripted::that(|id, _| if id == "e0000" { Act::Hang } else { Act::Succeed });
    let running = tokio::spawn(consumer(&log, MemoryCheckpoints::new()).concurrency(2).run(handler.clone()));
    handler.until_handled(1023).await;
    tokio::task::yield_now().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(handler.handled().len(), 1023);
    running.abort();
}

#[tokio::test]
async fn a_store_that_cannot_note_completions_is_refused() {
    struct Plain(MemoryCheckpoints);

    #[async_trait::async_trait]
    impl Checkpoints for Plain {
        async fn load(
            &self,
            consumer: &str,
        ) -> Result<Option<event_api::consume::Checkpoint>, event_api::consume::StoreError> {
            self.0.load(consumer).await
        }

        async fn store(
            &self,
            consumer: &str,
            checkpoint: &event_api::consume::Checkpoint,
        ) -> Result<(), event_api::consume::StoreError> {
            self.0.store(consumer, checkpoint).await
        }
    }

    let log = log(&[("a", "/a")]).await;
    let refused = consumer(&log, Plain(MemoryCheckpoints::new())).concurrency(2).run(Scripted::succeeding()).await;
    assert!(matches!(refused, Err(ConsumeError::Setup(_))), "{refused:?}");
    let alone =
        consumer(&log, Plain(MemoryCheckpoints::new())).dead_letters(event_api::consume::MemoryDeadLetters::new());
    alone.run_until_caught_up(Scripted::succeeding()).await.unwrap();
}

#[tokio::test]
async fn an_error_of_one_subject_stops_the_others_after_what_they_do() {
    let log = log(&[("a1", "/a"), ("b1", "/b"), ("b2", "/b")]).await;
    let mut unknown = consume_support::about("u", Some("/u"));
    unknown.metadata.event_type = "Renamed".to_owned();
    event_api::log::Log::append(&log, "user-events", vec![unknown]).await.unwrap();
    let checkpoints = MemoryCheckpoints::new();
    let handler = Scripted::succeeding();
    let stopped = consumer(&log, checkpoints.clone())
        .concurrency(4)
        .on_unknown(event_api::consume::OnUnknown::Stop)
        .run(handler.clone())
        .await;
    assert!(matches!(stopped, Err(ConsumeError::Unknown { .. })), "{stopped:?}");
    // What was begun is completed, and the checkpoint is behind it.
    let completed = checkpoints.load("mailer").await.unwrap().and_then(|checkpoint| checkpoint.position);
    assert!(completed < Some(Position(3)));
    assert!(handler.handled().len() as u64 >= completed.map_or(0, |position| position.0 + 1));
}
