//! What passes by itself is waited out: a log or a store that fails for a while ends no consumer.
#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod consume_support;
mod postgres_support;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use consume_support::{Scripted, consumer, databases, log, publish};
use event_api::consume::{
    Acquired, Checkpoint, Checkpoints, Completion, Completions, ConsumeError, DeadLetters, Group, Leases, LogConsumer,
    Membership, MemoryCheckpoints, Moved, Opened, RetryPolicy, Standing, StoreError, StoreTransaction, Transactions,
};
use event_api::log::{Bounds, Log, LogError, MemoryLog, PageLimit, Retention, StoredEvent, Trimmed};
use event_api::{EventId, Position, RawEvent, Receipt};
use support::Act;
use tokio::sync::oneshot;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// A log whose storage fails so many times.
#[derive(Clone)]
struct Away {
    log: MemoryLog,
    failures: Arc<AtomicUsize>,
}

impl Away {
    fn times(log: &MemoryLog, failures: usize) -> Self {
        Away { log: log.clone(), failures: Arc::new(AtomicUsize::new(failures)) }
    }

    fn reach(&self) -> Result<(), LogError> {
        match self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(LogError::Storage("the connection was lost".into())),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl Log for Away {
    async fn append(&self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        Log::append(&self.log, channel, events).await
    }

    async fn read_page(&self, channel: &str, from: Position, limit: PageLimit) -> Result<Vec<StoredEvent>, LogError> {
        self.reach()?;
        self.log.read_page(channel, from, limit).await
    }

    async fn find(&self, channel: &str, id: &EventId) -> Result<Option<Position>, LogError> {
        self.log.find(channel, id).await
    }

    async fn bounds(&self, channel: &str) -> Result<Bounds, LogError> {
        self.reach()?;
        self.log.bounds(channel).await
    }

    async fn wait(&self, channel: &str, position: Position) -> Result<(), LogError> {
        self.reach()?;
        self.log.wait(channel, position).await
    }

    async fn trim(&self, channel: &str, retention: &Retention, limit: usize) -> Result<Trimmed, LogError> {
        self.log.trim(channel, retention, limit).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_is_waited_for() {
    let (events, checkpoints) = (log(&[("e0", "/a")]).await, MemoryCheckpoints::new());
    let away = Away::times(&events, 100);
    let handler = Scripted::succeeding();
    let mailer = || LogConsumer::new(&away, checkpoints.clone()).name("mailer");
    mailer().run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.handled(), ["e0"]);

    // Again, where there is a checkpoint to compare with; and while it waits for events.
    publish(&events, &[("e1", "/a")]).await;
    away.failures.store(5, Ordering::SeqCst);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(mailer().shutdown(async { drop(stopped.await) }).run(handler.clone()));
    handler.until_handled(2).await;
    away.failures.store(5, Ordering::SeqCst);
    publish(&events, &[("e2", "/a")]).await;
    handler.until_handled(3).await;
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(handler.handled(), ["e0", "e1", "e2"]);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_waits_for_its_log_can_be_stopped() {
    let away = Away::times(&MemoryLog::new(), usize::MAX);
    let consumer = LogConsumer::new(&away, MemoryCheckpoints::new()).shutdown(tokio::time::sleep(100 * SECOND));
    consumer.run(Scripted::succeeding()).await.unwrap();
}

/// Checkpoints that cannot be reached for a time, nor the leases beside them.
#[derive(Clone)]
struct Unreachable {
    store: MemoryCheckpoints,
    from: Instant,
    until: Instant,
    /// Leaving a group never ends.
    keeps: bool,
}

impl Unreachable {
    fn between(from: Duration, until: Duration) -> Self {
        let now = Instant::now();
        Unreachable { store: MemoryCheckpoints::new(), from: now + from, until: now + until, keeps: false }
    }

    fn reach(&self) -> Result<(), StoreError> {
        let now = Instant::now();
        if self.from <= now && now < self.until {
            return Err(StoreError::new("reaching the store", "the database system is starting up"));
        }
        Ok(())
    }
}

#[async_trait]
impl Checkpoints for Unreachable {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        self.reach()?;
        self.store.load(consumer).await
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.reach()?;
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
impl Completions for Unreachable {
    async fn take_over(&self, consumer: &str, holder: &str) -> Result<(), StoreError> {
        self.reach()?;
        self.store.take_over(consumer, holder).await
    }

    async fn open(&self, consumer: &str) -> Result<Opened, StoreError> {
        self.reach()?;
        self.store.open(consumer).await
    }

    async fn holds(&self, consumer: &str, holder: &str) -> Result<bool, StoreError> {
        self.reach()?;
        self.store.holds(consumer, holder).await
    }

    async fn is_completed(&self, completion: &Completion) -> Result<bool, StoreError> {
        self.reach()?;
        self.store.is_completed(completion).await
    }

    async fn note(&self, holder: &str, completed: &[Completion]) -> Result<Moved, StoreError> {
        self.reach()?;
        self.store.note(holder, completed).await
    }

    async fn advance(
        &self,
        holder: &str,
        consumers: &[&str],
        next: &Checkpoint,
        passed: &[Completion],
    ) -> Result<Moved, StoreError> {
        self.reach()?;
        self.store.advance(holder, consumers, next, passed).await
    }
}

/// For one member.
#[async_trait]
impl Leases for Unreachable {
    async fn acquire(&self, member: &Membership, holder: &str) -> Result<Acquired, StoreError> {
        self.reach()?;
        let held: Vec<u32> = (0..member.partitions).collect();
        for partition in &held {
            self.store.take_over(&format!("{}#{partition}", member.group), holder).await?;
        }
        Ok(Acquired { partitions: member.partitions, held })
    }

    async fn renew(&self, member: &Membership, _: &str) -> Result<Standing, StoreError> {
        self.reach()?;
        let all = usize::try_from(member.partitions).unwrap();
        Ok(Standing { held: all, share: all, free: 0 })
    }

    async fn leave(&self, _: &Membership) -> Result<(), StoreError> {
        if self.keeps {
            std::future::pending::<()>().await;
        }
        self.reach()
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_waited_for() {
    let log = log(&[("e0", "/a"), ("e1", "/b")]).await;
    for concurrency in [1, 4] {
        let store = Unreachable::between(Duration::ZERO, 50 * SECOND);
        let handler = Scripted::succeeding();
        let mailer = consumer(&log, store.clone()).concurrency(concurrency);
        mailer.run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(handler.handled(), ["e0", "e1"]);
        assert_eq!(store.load("mailer").await.unwrap().unwrap().position, Some(Position(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_away_ends_the_consumer_after_a_minute() {
    let log = log(&[("e0", "/a")]).await;
    let began = Instant::now();
    let store = Unreachable::between(Duration::ZERO, 10_000 * SECOND);
    let ended = consumer(&log, store).run_until_caught_up(Scripted::succeeding()).await;
    assert!(matches!(ended, Err(ConsumeError::Store(_))), "{ended:?}");
    assert!((60 * SECOND..80 * SECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_waits_for_its_store_can_be_stopped() {
    let log = log(&[("e0", "/a")]).await;
    let began = Instant::now();
    let store = Unreachable::between(Duration::ZERO, 10_000 * SECOND);
    let mailer = consumer(&log, store).shutdown(tokio::time::sleep(10 * SECOND));
    let ended = mailer.run(Scripted::succeeding()).await;
    assert!(matches!(ended, Err(ConsumeError::Store(_))), "{ended:?}");
    assert!((10 * SECOND..13 * SECOND).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_store_is_away_for_longer_than_its_lease_begins_again() {
    let log = log(&[("e0", "/a")]).await;
    let store = Unreachable::between(SECOND, 50 * SECOND);
    let handler = Scripted::succeeding();
    let (stop, stopped) = oneshot::channel::<()>();
    let mailer = consumer(&log, store.clone()).group(Group::standby()).shutdown(async { drop(stopped.await) });
    let running = tokio::spawn(mailer.run(handler.clone()));
    handler.until_handled(1).await;
    tokio::time::sleep_until(store.from + SECOND).await;
    publish(&log, &[("e1", "/a")]).await;
    tokio::time::sleep_until(store.until + 20 * SECOND).await;
    assert!(!running.is_finished(), "{:?}", running.await);
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(store.load("mailer#0").await.unwrap().unwrap().position, Some(Position(1)));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_cannot_leave_its_group_ends() {
    let log = log(&[("e0", "/a")]).await;
    let store = Unreachable { keeps: true, ..Unreachable::between(Duration::ZERO, Duration::ZERO) };
    let member = consumer(&log, store).group(Group::standby()).run_until_caught_up(Scripted::succeeding());
    tokio::time::timeout(60 * SECOND, member).await.expect("it does not wait for ever").unwrap();
}

/// A store that often gives no transaction: it fails, or does not answer.
#[derive(Clone)]
struct Busy {
    checkpoints: Arc<dyn Checkpoints>,
    failures: Arc<AtomicUsize>,
    hangs: bool,
}

#[async_trait]
impl Checkpoints for Busy {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
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
impl Transactions for Busy {
    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StoreError> {
        match self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) if self.hangs => std::future::pending().await,
            Ok(_) => Err(StoreError::new("beginning", "the pool has no connection")),
            Err(_) => self.checkpoints.transactions().unwrap().begin().await,
        }
    }
}

#[tokio::test]
async fn an_event_is_not_given_up_because_its_store_is_busy() {
    for (hangs, store) in [false, true].into_iter().zip([databases().await, databases().await]) {
        for store in store {
            let log = log(&[("e0", "/a")]).await;
            let failures = Arc::new(AtomicUsize::new(1));
            let checkpoints = Busy { checkpoints: store.checkpoints().await, failures, hangs };
            let handler = Scripted::that(|_, attempt| if attempt == 1 { Act::Succeed } else { Act::Reject });
            let limit = if hangs { 2 * SECOND } else { 60 * SECOND };
            let mailer = consumer(&log, checkpoints).retry(RetryPolicy::attempts(1)).handler_timeout(limit);
            mailer.run_until_caught_up(handler.writing(&store)).await.unwrap();
            assert_eq!(store.effects().await, ["e0"], "in its first attempt that counts");
            assert_eq!(store.letters().await.list("mailer", 0, 10).await.unwrap(), []);
        }
    }
}
