//! Groups: instances share the work of one consumer, take over from those that die, and are fenced off when they return
//! too late.
#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod consume_support;
mod postgres_support;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use consume_support::{Scripted, about, consumer};
use event_api::consume::{
    Acquired, Checkpoint, Checkpoints, Completion, Completions as _, ConsumeError, Group, Membership,
    MemoryCheckpoints, Moved, PostgresCheckpoints,
};
use event_api::log::{Log, MemoryLog};
use event_api::{Context, Handler, HandlerResult, Position};
use postgres_support::Schema;
use support::{Feed, UserEvents};
use tokio::sync::watch;
use tokio::task::JoinHandle;

const LEASE: Duration = Duration::from_millis(600);
const SUBJECTS: usize = 48;

fn group() -> Group {
    Group::new().partitions(8).lease(LEASE)
}

/// `count` events from number `from` on, of subjects that take turns.
async fn publish(log: &MemoryLog, from: usize, count: usize) {
    let event = |n: usize| about(&format!("e{n:04}"), Some(&format!("/users/{}", n % SUBJECTS)));
    log.append("user-events", (from..from + count).map(event).collect()).await.unwrap();
}

/// Which member handled which event, in the order in which they were.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<Record>>>, Arc<watch::Sender<usize>>);

/// The member, the subject, the event.
type Record = (usize, Option<String>, String);

impl Records {
    async fn until(&self, count: usize) {
        let mut seen = self.1.subscribe();
        let enough = tokio::time::timeout(Duration::from_secs(30), seen.wait_for(|seen| *seen >= count)).await;
        let seen = self.0.lock().unwrap().len();
        enough.unwrap_or_else(|_| panic!("only {seen} of {count} were handled in time")).unwrap();
    }

    fn ids(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().iter().map(|(_, _, id)| id.clone()).collect()
    }

    fn by(&self, member: usize) -> usize {
        self.0.lock().unwrap().iter().filter(|(by, _, _)| *by == member).count()
    }

    /// Each subject's events in order. Where an instance dies, some come again, but never one before another that was not
    /// there yet.
    fn check_order(&self) {
        let mut subjects: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
        for (_, subject, id) in self.0.lock().unwrap().iter() {
            let seen = subjects.entry(subject.clone()).or_default();
            if !seen.contains(id) {
                seen.push(id.clone());
            }
        }
        for (subject, ids) in subjects {
            assert!(ids.is_sorted(), "{subject:?}: {ids:?}");
        }
    }
}

struct Member(usize, Records);

impl Handler for Member {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.1.0.lock().unwrap().push((self.0, cx.subject.clone(), cx.id.to_string()));
        self.1.1.send_modify(|count| *count += 1);
        Ok(())
    }
}

type Running = JoinHandle<Result<(), ConsumeError>>;

async fn start(
    schema: &Schema,
    log: &MemoryLog,
    number: usize,
    records: &Records,
    stop: &watch::Receiver<bool>,
) -> Running {
    let checkpoints = PostgresCheckpoints::with_pool(schema.pool(4).await).await.unwrap();
    let mut stop = stop.clone();
    let consumer = consumer(log, checkpoints)
        .group(group())
        .concurrency(3)
        .shutdown(async move { drop(stop.wait_for(|stop| *stop).await) });
    tokio::spawn(consumer.run(Member(number, records.clone())))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_share_the_work_and_each_event_is_handled_once() {
    let Some(schema) = Schema::create().await else { return };
    let (log, records) = (MemoryLog::new(), Records::default());
    let (stop, stopped) = watch::channel(false);
    let mut members = Vec::new();
    for number in 0..3 {
        members.push(start(&schema, &log, number, &records, &stopped).await);
    }
    // Until the work is divided: all three do some.
    let mut published = 0;
    let divided = async {
        while (0..3).any(|member| records.by(member) == 0) {
            publish(&log, published, 60).await;
            published += 60;
            records.until(published).await;
        }
        publish(&log, published, 300).await;
        published += 300;
        records.until(published).await;
    };
    tokio::time::timeout(Duration::from_secs(60), divided).await.expect("all get some of the work");
    stop.send_replace(true);
    for member in members {
        member.await.unwrap().unwrap();
    }
    assert_eq!(records.ids().len(), published);
    assert_eq!(records.0.lock().unwrap().len(), published, "none was handled twice");
    records.check_order();

    // Another one finds nothing left to do.
    let checkpoints = PostgresCheckpoints::with_pool(schema.pool(4).await).await.unwrap();
    let late = Scripted::succeeding();
    consumer(&log, checkpoints).group(group()).run_until_caught_up(late.clone()).await.unwrap();
    assert_eq!(late.handled(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_instance_had_is_taken_over() {
    let Some(schema) = Schema::create().await else { return };
    let (log, records) = (MemoryLog::new(), Records::default());
    let (stop, stopped) = watch::channel(false);
    let first = start(&schema, &log, 0, &records, &stopped).await;
    let second = start(&schema, &log, 1, &records, &stopped).await;
    publish(&log, 0, 600).await;
    records.until(150).await;
    // It says goodbye to nobody.
    first.abort();
    drop(first.await);
    let all = async {
        while records.ids().len() < 600 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("the other one does it all");
    records.check_order();
    stop.send_replace(true);
    second.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stands_by_takes_over_from_the_one_that_works() {
    let Some(schema) = Schema::create().await else { return };
    let (log, records) = (MemoryLog::new(), Records::default());
    let alone = Group::standby().lease(LEASE);
    let mut members = Vec::new();
    for number in 0..2 {
        let checkpoints = PostgresCheckpoints::with_pool(schema.pool(4).await).await.unwrap();
        let running = consumer(&log, checkpoints).group(alone).run(Member(number, records.clone()));
        members.push(tokio::spawn(running));
    }
    publish(&log, 0, 50).await;
    records.until(50).await;
    let active = usize::from(records.by(0) == 0);
    assert_eq!(records.by(active), 50, "one works, and the other waits");
    members.remove(active).abort();
    publish(&log, 50, 50).await;
    let all = async {
        while records.ids().len() < 100 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("the other one takes over");
    members.remove(0).abort();
}

#[tokio::test]
async fn instances_share_a_feed() {
    let Some(schema) = Schema::create().await else { return };
    let (feed, records) = (Feed::with(90).await, Records::default());
    for position in 0..90 {
        feed.edit(position, |item| {
            item["id"] = format!("e{position:04}").into();
            item["_subject"] = format!("/users/{}", position % SUBJECTS).into();
        });
    }
    let mut members = Vec::new();
    for number in 0..2 {
        let checkpoints = PostgresCheckpoints::with_pool(schema.pool(4).await).await.unwrap();
        let consumer = feed.consumer(checkpoints).group(group()).concurrency(2);
        members.push(tokio::spawn(consumer.run(Member(number, records.clone()))));
    }
    let all = async {
        while records.ids().len() < 90 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("all events are handled");
    records.check_order();
    members.iter().for_each(JoinHandle::abort);
}

/// A member by hand.
struct ByHand {
    checkpoints: PostgresCheckpoints,
    member: Membership,
    holder: String,
}

impl ByHand {
    async fn new(schema: &Schema, name: &str) -> Self {
        let checkpoints = PostgresCheckpoints::with_pool(schema.pool(4).await).await.unwrap();
        let member = Membership::new("mailer", name, 1, Duration::from_millis(100));
        ByHand { checkpoints, member, holder: format!("{name}'s") }
    }

    async fn acquire(&self) -> Acquired {
        self.checkpoints.leases().unwrap().acquire(&self.member, &self.holder).await.unwrap()
    }

    /// Acquires until it gets the one partition.
    async fn take(&self) {
        while self.acquire().await.held.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.checkpoints.open("mailer#0").await.unwrap();
    }

    async fn advance(&self, position: u64) -> Moved {
        let next = Checkpoint {
            resume: "user-events".into(),
            position: Some(Position(position)),
            event_id: Some(format!("e{position}").as_str().into()),
        };
        self.checkpoints.advance(&self.holder, &["mailer#0"], &next, &[]).await.unwrap()
    }
}

fn event(number: u64) -> Completion {
    Completion { consumer: "mailer#0".to_owned(), event: number.to_string() }
}

#[tokio::test]
async fn a_holder_that_was_away_for_too_long_can_store_nothing() {
    let Some(schema) = Schema::create().await else { return };
    let (old, new) = (ByHand::new(&schema, "old").await, ByHand::new(&schema, "new").await);
    old.take().await;
    assert_eq!(old.advance(3).await, Moved::Yes);
    assert!(new.acquire().await.held.is_empty(), "while the lease holds, nobody else gets it");
    // It is away, its lease runs out.
    new.take().await;
    assert_eq!(new.advance(7).await, Moved::Yes);

    assert_eq!(old.advance(4).await, Moved::Overtaken);
    assert_eq!(old.checkpoints.note(&old.holder, &[event(5)]).await.unwrap(), Moved::Overtaken);
    let mut transaction = old.checkpoints.transactions().unwrap().begin().await.unwrap();
    assert_eq!(transaction.note(&old.holder, &event(5)).await.unwrap(), Moved::Overtaken);
    transaction.rollback().await;
    let opened = new.checkpoints.open("mailer#0").await.unwrap();
    assert_eq!(opened.checkpoint.unwrap().position, Some(Position(7)));
    assert_eq!(opened.completed, [""; 0]);
    let standing = old.checkpoints.leases().unwrap().renew(&old.member, &old.holder).await.unwrap();
    assert_eq!(standing.held, 0, "and it learns of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_over_waits_for_what_is_about_to_be_committed_and_sees_it() {
    let Some(schema) = Schema::create().await else { return };
    let (old, new) = (ByHand::new(&schema, "old").await, ByHand::new(&schema, "new").await);
    old.take().await;
    let mut transaction = old.checkpoints.transactions().unwrap().begin().await.unwrap();
    assert_eq!(transaction.note(&old.holder, &event(5)).await.unwrap(), Moved::Yes);
    let taking = tokio::spawn(async move {
        new.take().await;
        new.checkpoints.open("mailer#0").await.unwrap()
    });
    tokio::time::sleep(old.member.lease * 3).await;
    assert!(!taking.is_finished(), "the old holder's transaction is open");
    transaction.commit().await.unwrap();
    assert_eq!(taking.await.unwrap().completed, ["5"]);
}

#[tokio::test]
async fn a_group_is_divided_once_for_all() {
    let Some(schema) = Schema::create().await else { return };
    let log = MemoryLog::new();
    let with = |partitions| {
        let (schema, log) = (&schema, &log);
        async move {
            let checkpoints = PostgresCheckpoints::with_pool(schema.pool(2).await).await.unwrap();
            let group = Group::new().partitions(partitions).lease(LEASE);
            consumer(log, checkpoints).group(group).run_until_caught_up(Scripted::succeeding()).await
        }
    };
    with(8).await.unwrap();
    let error = with(9).await.unwrap_err();
    assert!(matches!(&error, ConsumeError::Setup(reason) if reason.contains("8 partitions")), "{error}");
}

#[tokio::test]
async fn a_group_needs_a_store_with_leases() {
    let log = MemoryLog::new();
    let refused = consumer(&log, MemoryCheckpoints::new()).group(group()).run(Scripted::succeeding()).await;
    assert!(matches!(refused, Err(ConsumeError::Setup(_))), "{refused:?}");
    let feed = Feed::with(1).await;
    let refused = feed.consumer(MemoryCheckpoints::new()).from_now().group(group()).run(Scripted::succeeding()).await;
    assert!(matches!(&refused, Err(ConsumeError::Setup(reason)) if reason.contains("from_now")), "{refused:?}");
}

/// Takes longer than a lease, in a transaction.
struct Long(consume_support::Store, Arc<Mutex<Vec<String>>>);

impl Handler for Long {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        self.1.lock().unwrap().push(cx.id.to_string());
        self.0.affect(cx).await?;
        tokio::time::sleep(LEASE * 3).await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_that_have_all_connections_do_not_cost_a_member_its_leases() {
    let Some(schema) = Schema::create().await else { return };
    let schema = Arc::new(schema);
    let pool = schema.pool(4).await;
    sqlx::raw_sql("CREATE TABLE effects (id text NOT NULL, subject text)").execute(&pool).await.unwrap();
    let log = MemoryLog::new();
    let called = Arc::new(Mutex::new(Vec::new()));
    publish(&log, 0, 4).await;
    let mut members = Vec::new();
    for pool in [pool, schema.pool(4).await] {
        let store = consume_support::Store::Postgres(pool, Arc::clone(&schema));
        let handler = Long(store.clone(), Arc::clone(&called));
        let member = consumer(&log, store.checkpoints().await).group(Group::standby().lease(LEASE)).concurrency(4);
        members.push((tokio::spawn(member.run(handler)), store));
    }
    let all = async {
        while members[0].1.effects().await.len() < 4 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("all are committed");
    let mut called = called.lock().unwrap().clone();
    called.sort();
    assert_eq!(called, ["e0000", "e0001", "e0002", "e0003"], "nobody took over");
    members.iter().for_each(|(member, _)| member.abort());
}

#[tokio::test]
async fn one_that_stands_still_in_a_transaction_does_not_hold_up_the_others() {
    let Some(schema) = Schema::create().await else { return };
    let two = |name: &str| Membership::new("mailer", name, 2, Duration::from_millis(100));
    let (old, new) = (ByHand::new(&schema, "old").await, ByHand::new(&schema, "new").await);
    let leases = |member: &ByHand| member.checkpoints.leases().unwrap();
    assert_eq!(leases(&old).acquire(&two("old"), "old's").await.unwrap().held, [0, 1]);
    old.checkpoints.open("mailer#0").await.unwrap();
    let mut transaction = old.checkpoints.transactions().unwrap().begin().await.unwrap();
    assert_eq!(transaction.note("old's", &event(5)).await.unwrap(), Moved::Yes);
    // And so it stays. The other partition is free when its lease has run out.
    let other = async {
        loop {
            let held = leases(&new).acquire(&two("new"), "new's").await.unwrap().held;
            if !held.is_empty() {
                break held;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let held = tokio::time::timeout(Duration::from_secs(10), other).await.expect("it gets the other one");
    assert_eq!(held, [1]);
    // It should have both, and keeps its session all the same: to begin another one would not give it the other.
    let renew = async || leases(&new).renew(&two("new"), "new's").await.unwrap();
    let share = async {
        loop {
            let standing = renew().await;
            if standing.share == 2 {
                break standing;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let standing = tokio::time::timeout(Duration::from_secs(10), share).await.expect("the other one is gone");
    assert_eq!((standing.held, standing.free), (1, 0));
    transaction.rollback().await;
    assert_eq!(renew().await.free, 1, "now it can be had");
}

#[tokio::test]
async fn a_partition_whose_name_another_consumer_has_is_an_error() {
    let Some(schema) = Schema::create().await else { return };
    let other = PostgresCheckpoints::with_pool(schema.pool(4).await).await.unwrap();
    other.take_over("mailer#3", "a consumer of that name").await.unwrap();
    let member = Membership::new("mailer", "one", 8, LEASE);
    let refused = other.leases().unwrap().acquire(&member, "one's").await.unwrap_err();
    let reason = std::error::Error::source(&refused).unwrap().to_string();
    assert!(reason.contains("another consumer has the name"), "{reason}");
}
