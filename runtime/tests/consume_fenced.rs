//! Who was replaced stores nothing more: no checkpoint, no dead letter, no effect. And what is stored together is stored
//! whole, whenever a process is killed or an answer is lost.
#![cfg(all(feature = "sqlite", feature = "postgres", feature = "server", feature = "client"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod consume_support;
mod postgres_support;
mod support;

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use consume_support::{Scripted, Store, about, consumer, databases, log, publish, stores};
use event_api::consume::{
    Acquired, Checkpoint, Checkpoints, Completion, Completions, ConsumeError, DeadLetter, DeadLetters, Group, Leases,
    Membership, MemoryCheckpoints, MemoryDeadLetters, Moved, OnPoison, Opened, Replayed, Standing, StoreError,
    StoreTransaction, Ticket, Transactions, replay,
};
use event_api::log::{Log as _, MemoryLog};
use event_api::{Context, EventSet as _, Handler, HandlerError, HandlerResult, Position, feed};
use support::{Act, UserEvents};
use tokio::sync::{Notify, watch};

const LONG: Duration = Duration::from_secs(30);

/// Waits in one event until it may go on; then does what it is told.
struct Held {
    at: &'static str,
    then: Act,
    store: Option<Store>,
    entered: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Handler for Held {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        if cx.id.as_str() == self.at {
            self.entered.notify_one();
            self.go_on.notified().await;
            return match self.then {
                Act::Reject => Err(HandlerError::reject("the database said no")),
                // Without a transaction.
                _ => Ok(()),
            };
        }
        match &self.store {
            Some(store) => store.affect(cx).await,
            None => Ok(()),
        }
    }
}

#[tokio::test]
async fn who_was_replaced_stores_no_dead_letter_and_parks_no_subject() {
    for (concurrency, store) in [1, 2]
        .into_iter()
        .zip([stores().await, stores().await])
        .flat_map(|(n, stores)| stores.into_iter().map(move |store| (n, store)))
    {
        let log = log(&[("e1", "/s"), ("e2", "/s")]).await;
        let checkpoints = store.checkpoints().await;
        let mailer =
            || consumer(&log, Arc::clone(&checkpoints)).concurrency(concurrency).on_poison(OnPoison::ParkSubject);
        let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entering, going_on) = (Arc::clone(&entered), Arc::clone(&go_on));
        let held = Held { at: "e1", then: Act::Reject, store: None, entered: entering, go_on: going_on };
        let old = tokio::spawn(mailer().run_until_caught_up(held));
        entered.notified().await;
        let new = Scripted::succeeding();
        mailer().run_until_caught_up(new.clone()).await.unwrap();
        assert_eq!(new.handled(), ["e1", "e2"]);
        go_on.notify_one();
        let stopped = old.await.unwrap();
        assert!(matches!(stopped, Err(ConsumeError::Overtaken { .. })), "{concurrency}: {stopped:?}");
        assert_eq!(store.letters().await.list("mailer", 0, 10).await.unwrap(), [], "{concurrency}");

        publish(&log, &[("e3", "/s")]).await;
        let next = Scripted::succeeding();
        mailer().run_until_caught_up(next.clone()).await.unwrap();
        assert_eq!(next.handled(), ["e3"], "its subject is healthy");
    }
}

#[tokio::test]
async fn a_dead_letter_elsewhere_is_not_stored_by_who_was_replaced() {
    for store in stores().await {
        let log = log(&[("e1", "/s")]).await;
        let (checkpoints, letters) = (store.checkpoints().await, MemoryDeadLetters::new());
        let mailer = || consumer(&log, Arc::clone(&checkpoints)).concurrency(2).dead_letters(letters.clone());
        let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entering, going_on) = (Arc::clone(&entered), Arc::clone(&go_on));
        let held = Held { at: "e1", then: Act::Reject, store: None, entered: entering, go_on: going_on };
        let old = tokio::spawn(mailer().run_until_caught_up(held));
        entered.notified().await;
        mailer().run_until_caught_up(Scripted::succeeding()).await.unwrap();
        go_on.notify_one();
        let stopped = old.await.unwrap();
        assert!(matches!(stopped, Err(ConsumeError::Overtaken { .. })), "{stopped:?}");
        assert_eq!(letters.list("mailer", 0, 10).await.unwrap(), []);
    }
}

#[tokio::test]
async fn one_at_a_time_who_was_replaced_moves_no_checkpoint_back() {
    for store in databases().await {
        let log = log(&[("n0", "/n"), ("e1", "/s"), ("e2", "/s")]).await;
        let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (entering, going_on) = (Arc::clone(&entered), Arc::clone(&go_on));
        let held =
            Held { at: "n0", then: Act::Succeed, store: Some(store.clone()), entered: entering, go_on: going_on };
        let checkpoints = store.checkpoints().await;
        let old = tokio::spawn(consumer(&log, Arc::clone(&checkpoints)).run_until_caught_up(held));
        entered.notified().await;
        let new = Scripted::succeeding().writing(&store);
        consumer(&log, Arc::clone(&checkpoints)).run_until_caught_up(new).await.unwrap();
        go_on.notify_one();
        let stopped = old.await.unwrap();
        assert!(matches!(stopped, Err(ConsumeError::Overtaken { .. })), "{stopped:?}");
        assert_eq!(store.effects().await, ["e1", "e2", "n0"], "each once");
        assert_eq!(checkpoints.load("mailer").await.unwrap().unwrap().position, Some(Position(2)));
    }
}

#[tokio::test]
async fn a_letter_that_was_replayed_is_not_handled_again_after_a_kill() {
    for store in databases().await {
        let log = log(&[("e0", "/a"), ("e1", "/b")]).await;
        let checkpoints = store.checkpoints().await;
        let handler = Scripted::that(|id, _| if id == "e0" { Act::Hang } else { Act::Reject });
        let running = tokio::spawn(consumer(&log, Arc::clone(&checkpoints)).concurrency(2).run(handler));
        let letters = store.letters().await;
        let number = async {
            loop {
                if let Some(letter) = letters.list("mailer", 0, 1).await.unwrap().pop() {
                    break letter.number;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let number = tokio::time::timeout(LONG, number).await.unwrap();
        let mended = Scripted::succeeding().writing(&store);
        assert_eq!(replay(&letters, number, &mended).await.unwrap(), Replayed::Handled);
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        consumer(&log, checkpoints).concurrency(2).run_until_caught_up(mended).await.unwrap();
        assert_eq!(store.effects().await, ["e0", "e1"], "each once");
    }
}

/// A store in memory with leases for one member, that can be told to fail.
#[derive(Clone, Default)]
struct Leased {
    store: MemoryCheckpoints,
    /// So many times, loading fails.
    failing: Arc<AtomicUsize>,
    /// Leases are had once, and renewing them never ends.
    hangs: Arc<AtomicBool>,
    acquired: Arc<Mutex<Option<Instant>>>,
}

#[async_trait]
impl Checkpoints for Leased {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        self.store.load(consumer).await
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.store.store(consumer, checkpoint).await
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        self.store.dead_letters()
    }

    fn completions(&self) -> Option<Arc<dyn Completions>> {
        Some(Arc::new(self.clone()))
    }

    fn leases(&self) -> Option<Arc<dyn Leases>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Completions for Leased {
    async fn take_over(&self, consumer: &str, holder: &str) -> Result<(), StoreError> {
        self.store.take_over(consumer, holder).await
    }

    async fn open(&self, consumer: &str) -> Result<Opened, StoreError> {
        match self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(StoreError::new("loading", "the connection was lost")),
            Err(_) => self.store.open(consumer).await,
        }
    }

    async fn holds(&self, consumer: &str, holder: &str) -> Result<bool, StoreError> {
        self.store.holds(consumer, holder).await
    }

    async fn is_completed(&self, completion: &Completion) -> Result<bool, StoreError> {
        self.store.is_completed(completion).await
    }

    async fn note(&self, holder: &str, completed: &[Completion]) -> Result<Moved, StoreError> {
        self.store.note(holder, completed).await
    }

    async fn advance(
        &self,
        holder: &str,
        consumers: &[&str],
        next: &Checkpoint,
        passed: &[Completion],
    ) -> Result<Moved, StoreError> {
        self.store.advance(holder, consumers, next, passed).await
    }
}

#[async_trait]
impl Leases for Leased {
    async fn acquire(&self, member: &Membership, holder: &str) -> Result<Acquired, StoreError> {
        let mut acquired = self.acquired.lock().unwrap().is_some();
        acquired &= self.hangs.load(Ordering::SeqCst);
        let held: Vec<u32> = if acquired { Vec::new() } else { (0..member.partitions).collect() };
        for partition in &held {
            self.store.take_over(&format!("{}#{partition}", member.group), holder).await?;
        }
        if !acquired {
            *self.acquired.lock().unwrap() = Some(Instant::now());
        }
        Ok(Acquired { partitions: member.partitions, held })
    }

    async fn renew(&self, member: &Membership, _: &str) -> Result<Standing, StoreError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let all = usize::try_from(member.partitions).unwrap();
        Ok(Standing { held: all, share: all, free: 0 })
    }

    async fn leave(&self, _: &Membership) -> Result<(), StoreError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_partition_that_is_further_on_keeps_its_place() {
    let log = MemoryLog::new();
    let events = (0..500).map(|n| about(&format!("e{n:03}"), Some(&format!("/users/{}", n % 20)))).collect();
    log.append("user-events", events).await.unwrap();
    let feeds = axum::Router::new().nest("/feeds", feed::Feeds::new(&log, [UserEvents::CHANNEL]).router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/feeds/user-events", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, feeds).await.unwrap() });
    let member = |store: &Leased| feed::Consumer::new(&url, store.clone()).name("g").group(Group::new().partitions(2));

    let complete = Leased::default();
    member(&complete).run_until_caught_up(Scripted::succeeding()).await.unwrap();
    let further = complete.load("g#1").await.unwrap().unwrap();
    assert_eq!(further.position, Some(Position(499)));
    // The other partition was never begun.
    let store = Leased::default();
    store.store("g#1", &further).await.unwrap();
    let hanging = Scripted::that(|_, _| Act::Hang);
    let running = tokio::spawn(member(&store).run_until_caught_up(hanging.clone()));
    let called = async {
        while hanging.called.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, called).await.unwrap();
    assert_eq!(store.load("g#1").await.unwrap(), Some(further.clone()));
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let rest = Scripted::succeeding();
    member(&store).run_until_caught_up(rest.clone()).await.unwrap();
    assert!((1..500).contains(&rest.handled().len()), "only the other partition's: {}", rest.handled().len());
    assert_eq!(store.load("g#0").await.unwrap().unwrap().position, Some(Position(499)));
    assert_eq!(store.load("g#1").await.unwrap(), Some(further));
}

/// Loses a partition to somebody else in one of its events.
struct Loses {
    at: &'static str,
    store: Leased,
    called: Arc<Mutex<Vec<String>>>,
}

impl Handler for Loses {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        let first = {
            let mut called = self.called.lock().unwrap();
            called.push(cx.id.to_string());
            called.iter().filter(|id| *id == self.at).count() == 1
        };
        if cx.id.as_str() == self.at && first {
            self.store.take_over("mailer#0", "somebody else").await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_partition_that_is_lost_costs_the_others_nothing() {
    // Of two partitions, these subjects are in the first and in the second.
    let (first, second) = ("/users/2", "/users/1");
    let events = [("n0", second), ("n1", first), ("n2", second), ("n3", second)];
    for concurrency in [1, 4] {
        let (log, store) = (log(&events).await, Leased::default());
        let called = Arc::new(Mutex::new(Vec::new()));
        let handler = Loses { at: "n1", store: store.clone(), called: Arc::clone(&called) };
        let member = consumer(&log, store.clone()).group(Group::new().partitions(2)).concurrency(concurrency);
        member.run_until_caught_up(handler).await.unwrap();
        let mut called = called.lock().unwrap().clone();
        called.sort();
        assert_eq!(called, ["n0", "n1", "n1", "n2", "n3"], "{concurrency}: only what was lost comes again");
        for partition in ["mailer#0", "mailer#1"] {
            assert_eq!(store.load(partition).await.unwrap().unwrap().position, Some(Position(3)));
        }
    }
}

#[tokio::test]
async fn a_member_whose_leases_cannot_be_renewed_stops_before_they_run_out() {
    const LEASE: Duration = Duration::from_millis(1500);
    let events: Vec<(String, &str)> = (0..200).map(|n| (format!("e{n:03}"), "/s")).collect();
    let events: Vec<(&str, &str)> = events.iter().map(|(id, subject)| (id.as_str(), *subject)).collect();
    let log = log(&events).await;
    let store = Leased::default();
    store.hangs.store(true, Ordering::SeqCst);
    let last = Arc::new(Mutex::new(None));
    let handler = Slow(Arc::clone(&last));
    let (stop, mut stopped) = watch::channel(false);
    let member = consumer(&log, store.clone())
        .group(Group::standby().lease(LEASE))
        .shutdown(async move { drop(stopped.wait_for(|stopped| *stopped).await) });
    let running = tokio::spawn(member.run(handler));
    tokio::time::sleep(LEASE * 2).await;
    stop.send_replace(true);
    running.await.unwrap().unwrap();
    let (began, last) = (store.acquired.lock().unwrap().unwrap(), last.lock().unwrap().unwrap());
    assert!(last - began < LEASE, "a handler was called {:?} after the lease began", last - began);
    assert!(last - began > LEASE / 3, "it had begun");
}

/// Takes a moment, and remembers when it was called last.
struct Slow(Arc<Mutex<Option<Instant>>>);

impl Handler for Slow {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, _: &Context) -> HandlerResult {
        *self.0.lock().unwrap() = Some(Instant::now());
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(())
    }
}

#[tokio::test]
async fn a_store_that_fails_while_a_session_begins_is_tried_again() {
    let log = log(&[("e0", "/s"), ("e1", "/t")]).await;
    for group in [Some(Group::standby()), None] {
        let store = Leased::default();
        store.failing.store(2, Ordering::SeqCst);
        let handler = Scripted::succeeding();
        let consumer = consumer(&log, store);
        let consumer = match group {
            Some(group) => consumer.group(group),
            None => consumer,
        };
        consumer.run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(handler.handled(), ["e0", "e1"]);
    }
}

/// A store whose first commit succeeds and gives no answer, and that cannot be read right after it.
#[derive(Clone)]
struct Answerless {
    checkpoints: Arc<dyn Checkpoints>,
    lost: Arc<AtomicBool>,
    unreadable: Arc<AtomicBool>,
}

impl Answerless {
    fn readable(&self) -> Result<(), StoreError> {
        match self.unreadable.swap(false, Ordering::SeqCst) {
            true => Err(StoreError::new("reading", "the connection was lost")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Checkpoints for Answerless {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        self.readable()?;
        self.checkpoints.load(consumer).await
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.checkpoints.store(consumer, checkpoint).await
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        self.checkpoints.dead_letters()
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        Some(Arc::new(self.clone()))
    }

    fn completions(&self) -> Option<Arc<dyn Completions>> {
        self.checkpoints.completions()
    }
}

#[async_trait]
impl Transactions for Answerless {
    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StoreError> {
        let begun = self.checkpoints.transactions().unwrap().begin().await?;
        Ok(Box::new(Answering { begun, store: self.clone() }))
    }
}

struct Answering {
    begun: Box<dyn StoreTransaction>,
    store: Answerless,
}

#[async_trait]
impl StoreTransaction for Answering {
    fn inner(&mut self) -> &mut (dyn Any + Send) {
        self.begun.inner()
    }

    async fn move_checkpoint(
        &mut self,
        consumer: &str,
        holder: Option<&str>,
        previous: Option<&Checkpoint>,
        next: &Checkpoint,
    ) -> Result<Moved, StoreError> {
        self.begun.move_checkpoint(consumer, holder, previous, next).await
    }

    async fn note(&mut self, holder: &str, completion: &Completion) -> Result<Moved, StoreError> {
        self.begun.note(holder, completion).await
    }

    async fn add_letter(&mut self, letter: &DeadLetter) -> Result<u64, StoreError> {
        self.begun.add_letter(letter).await
    }

    async fn park_letter(&mut self, letter: &DeadLetter) -> Result<Option<u64>, StoreError> {
        self.begun.park_letter(letter).await
    }

    async fn take_letter(&mut self, number: u64) -> Result<Moved, StoreError> {
        self.begun.take_letter(number).await
    }

    async fn complete(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        self.begun.complete(ticket).await
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.begun.commit().await?;
        if self.store.lost.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.store.unreadable.store(true, Ordering::SeqCst);
        Err(StoreError::new("committing", "the connection was lost"))
    }

    async fn rollback(self: Box<Self>) {
        self.begun.rollback().await;
    }
}

#[tokio::test]
async fn an_event_whose_commit_succeeded_unheard_becomes_no_dead_letter() {
    for store in databases().await {
        let log = log(&[("e0", "/s"), ("e1", "/s")]).await;
        let elsewhere = MemoryDeadLetters::new();
        let checkpoints =
            Answerless { checkpoints: store.checkpoints().await, lost: Arc::default(), unreadable: Arc::default() };
        // The second time, it meets what it has committed.
        let handler =
            Scripted::that(|_, attempt| if attempt == 1 { Act::Succeed } else { Act::Reject }).writing(&store);
        // Elsewhere, where a letter does not meet that the event is completed.
        let mailer = consumer(&log, checkpoints).dead_letters(elsewhere.clone());
        mailer.run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(elsewhere.list("mailer", 0, 10).await.unwrap(), []);
        assert_eq!(store.effects().await, ["e0", "e1"], "each once");
    }
}
