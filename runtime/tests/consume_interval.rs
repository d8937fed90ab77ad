//! Checkpoints that are stored only so often: what that saves, what comes again after a kill, and what never does.
#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod consume_support;
mod postgres_support;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use consume_support::{Scripted, consumer, databases, log, stores};
use event_api::consume::{
    Checkpoint, Checkpoints, Completion, Completions, DeadLetters as _, MemoryCheckpoints, MemoryDeadLetters, Moved,
    Opened, StoreError,
};
use event_api::{Context, Handler, HandlerResult, Position};
use support::{Act, UserEvents};

const HOUR: Duration = Duration::from_secs(3600);

fn events(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("e{n:03}"), format!("/users/{}", n % 3))).collect()
}

fn borrowed(events: &[(String, String)]) -> Vec<(&str, &str)> {
    events.iter().map(|(id, subject)| (id.as_str(), subject.as_str())).collect()
}

/// Checkpoints in memory that count how often they are moved.
#[derive(Clone, Default)]
struct Counting {
    checkpoints: MemoryCheckpoints,
    moved: Arc<AtomicUsize>,
}

#[async_trait]
impl Checkpoints for Counting {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        self.checkpoints.load(consumer).await
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.checkpoints.store(consumer, checkpoint).await
    }

    fn completions(&self) -> Option<Arc<dyn Completions>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Completions for Counting {
    async fn take_over(&self, consumer: &str, holder: &str) -> Result<(), StoreError> {
        self.checkpoints.take_over(consumer, holder).await
    }

    async fn open(&self, consumer: &str) -> Result<Opened, StoreError> {
        self.checkpoints.open(consumer).await
    }

    async fn holds(&self, consumer: &str, holder: &str) -> Result<bool, StoreError> {
        self.checkpoints.holds(consumer, holder).await
    }

    async fn is_completed(&self, completion: &Completion) -> Result<bool, StoreError> {
        self.checkpoints.is_completed(completion).await
    }

    async fn note(&self, holder: &str, completed: &[Completion]) -> Result<Moved, StoreError> {
        self.checkpoints.note(holder, completed).await
    }

    async fn advance(
        &self,
        holder: &str,
        consumers: &[&str],
        next: &Checkpoint,
        passed: &[Completion],
    ) -> Result<Moved, StoreError> {
        self.moved.fetch_add(1, Ordering::SeqCst);
        self.checkpoints.advance(holder, consumers, next, passed).await
    }
}

#[tokio::test]
async fn a_long_history_moves_the_checkpoint_once() {
    let events = events(500);
    for (interval, concurrency, most) in [(HOUR, 1, 1), (HOUR, 4, 1), (Duration::ZERO, 1, 500)] {
        let checkpoints = Counting::default();
        let consumer = consumer(&log(&borrowed(&events)).await, checkpoints.clone());
        let consumer = consumer.checkpoint_interval(interval).concurrency(concurrency);
        consumer.run_until_caught_up(Scripted::succeeding()).await.unwrap();
        let moved = checkpoints.moved.load(Ordering::SeqCst);
        assert_eq!(moved, most, "{interval:?}, {concurrency} at a time");
        let position = checkpoints.load("mailer").await.unwrap().unwrap().position;
        assert_eq!(position, Some(Position(499)), "after an orderly stop nothing comes again");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_for_events_stores_what_is_completed() {
    for concurrency in [1, 4] {
        let (checkpoints, handler) = (MemoryCheckpoints::new(), Scripted::succeeding());
        let consumer = consumer(&log(&borrowed(&events(3))).await, checkpoints.clone());
        let consumer = consumer.checkpoint_interval(HOUR).concurrency(concurrency);
        let running = tokio::spawn(consumer.run(handler.clone()));
        handler.handled.subscribe().wait_for(|handled| handled.len() == 3).await.unwrap();
        let position = async || checkpoints.load("mailer").await.unwrap().and_then(|checkpoint| checkpoint.position);
        tokio::time::sleep(HOUR / 2).await;
        assert_eq!(position().await, None);
        tokio::time::sleep(HOUR).await;
        assert_eq!(position().await, Some(Position(2)));
        running.abort();
    }
}

#[tokio::test]
async fn a_kill_repeats_what_was_not_stored_and_loses_nothing() {
    let events = events(20);
    for store in stores().await {
        for concurrency in [1, 4] {
            let log = log(&borrowed(&events)).await;
            let (checkpoints, name) = (store.checkpoints().await, format!("mailer-{concurrency}"));
            let consumer = || {
                let consumer = consumer(&log, Arc::clone(&checkpoints)).name(name.clone());
                consumer.checkpoint_interval(HOUR).concurrency(concurrency)
            };
            let stuck = Scripted::that(|id, _| if id == "e015" { Act::Hang } else { Act::Succeed });
            let running = tokio::spawn(consumer().run(stuck.clone()));
            stuck.handled.subscribe().wait_for(|handled| handled.len() >= 15).await.unwrap();
            running.abort();
            let again = Scripted::succeeding();
            consumer().run_until_caught_up(again.clone()).await.unwrap();
            assert_eq!(again.handled.borrow().len(), 20, "all of it comes again");
        }
    }
}

/// Writes in a transaction for every third event only.
struct Thirds(Scripted, Scripted);

impl Handler for Thirds {
    type Events = UserEvents;

    async fn handle(&self, event: UserEvents, cx: &Context) -> HandlerResult {
        match cx.id.as_str()[1..].parse::<usize>() {
            Ok(number) if number % 3 == 0 => self.0.handle(event, cx).await,
            _ => self.1.handle(event, cx).await,
        }
    }
}

#[tokio::test]
async fn effects_in_transactions_stay_exactly_once() {
    let events = events(20);
    for store in databases().await {
        for concurrency in [1, 4] {
            let log = log(&borrowed(&events)).await;
            let before = store.effects().await.len();
            let checkpoints = store.checkpoints().await;
            let name = format!("mailer-{concurrency}");
            let consumer = || {
                let consumer = consumer(&log, Arc::clone(&checkpoints)).name(name.clone());
                consumer.checkpoint_interval(HOUR).concurrency(concurrency)
            };
            let stuck = Scripted::that(|id, _| if id == "e014" { Act::Hang } else { Act::Succeed });
            let running = tokio::spawn(consumer().run(Thirds(Scripted::succeeding().writing(&store), stuck.clone())));
            // e013 comes behind e012, which was committed, with the checkpoint of all before it.
            stuck.handled.subscribe().wait_for(|handled| handled.contains(&"e013".to_owned())).await.unwrap();
            running.abort();
            let handler = Thirds(Scripted::succeeding().writing(&store), Scripted::succeeding());
            consumer().run_until_caught_up(handler).await.unwrap();
            assert_eq!(store.effects().await.len() - before, 7, "{concurrency} at a time");
        }
    }
}

#[tokio::test]
async fn one_that_is_held_up_does_not_keep_notes_of_others_from_the_store() {
    // The first event hangs, and all others are completed beyond the checkpoint.
    let events: Vec<(String, String)> = (0..200).map(|n| (format!("e{n:03}"), format!("/users/{n}"))).collect();
    for store in stores().await {
        let log = log(&borrowed(&events)).await;
        let checkpoints = store.checkpoints().await;
        let consumer = || {
            let consumer = consumer(&log, Arc::clone(&checkpoints)).concurrency(4);
            consumer.checkpoint_interval(Duration::from_millis(20))
        };
        let stuck = Scripted::that(|id, _| if id == "e000" { Act::Hang } else { Act::Succeed });
        let running = tokio::spawn(consumer().run(stuck.clone()));
        let noted = async || checkpoints.completions().unwrap().open("mailer").await.unwrap().completed.len();
        let all = async {
            while noted().await < 160 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), all).await.expect("noted although nothing else ends");
        running.abort();
        let again = Scripted::succeeding();
        consumer().run_until_caught_up(again.clone()).await.unwrap();
        assert!(again.handled.borrow().len() <= 40, "{} came again", again.handled.borrow().len());
    }
}

/// Writes for all events but the last, which hangs.
struct AllButTheLast(Scripted, Scripted);

impl Handler for AllButTheLast {
    type Events = UserEvents;

    async fn handle(&self, event: UserEvents, cx: &Context) -> HandlerResult {
        if cx.id.as_str() == "e1499" { self.1.handle(event, cx).await } else { self.0.handle(event, cx).await }
    }
}

#[tokio::test]
async fn what_the_checkpoint_passes_is_forgotten_before_it_is_too_much() {
    // All is noted in handlers' transactions, and an hour is a long time to remember it.
    let events = events(1500);
    for store in databases().await {
        let log = log(&borrowed(&events)).await;
        let checkpoints = store.checkpoints().await;
        let writing = Scripted::succeeding().writing(&store);
        let handler = AllButTheLast(writing.clone(), Scripted::that(|_, _| Act::Hang));
        let consumer = consumer(&log, Arc::clone(&checkpoints)).concurrency(4).checkpoint_interval(HOUR);
        let running = tokio::spawn(consumer.run(handler));
        let all = writing.handled.subscribe();
        let all = async move { all.clone().wait_for(|handled| handled.len() == 1499).await.map(drop) };
        tokio::time::timeout(Duration::from_secs(60), all).await.expect("all are handled").unwrap();
        let noted = checkpoints.completions().unwrap().open("mailer").await.unwrap().completed.len();
        assert!(noted <= 1100, "{noted} are noted");
        running.abort();
    }
}

#[tokio::test]
async fn a_dead_letter_elsewhere_moves_the_checkpoint_at_once() {
    for concurrency in [1, 4] {
        let (checkpoints, letters) = (MemoryCheckpoints::new(), MemoryDeadLetters::new());
        let handler = Scripted::that(|id, _| if id == "e004" { Act::Reject } else { Act::Succeed });
        let log = log(&borrowed(&events(5))).await;
        let consumer = || {
            let consumer = consumer(&log, checkpoints.clone()).dead_letters(letters.clone());
            consumer.concurrency(concurrency).checkpoint_interval(HOUR)
        };
        let running = tokio::spawn(consumer().run(handler.clone()));
        let kept = async {
            while letters.list("mailer", 0, 9).await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        kept.await;
        // What stores the letter stores this too, before anything else.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        running.abort();
        let again = Scripted::succeeding();
        consumer().run_until_caught_up(again.clone()).await.unwrap();
        assert!(!again.handled.borrow().contains(&"e004".to_owned()), "replayed, it would be handled twice");
    }
}
