//! The contract of the log as checks that every implementation runs, those of this crate and those of others.
//!
//! In: an empty log (each check needs one of its own). Out: nothing, or a panic that says which promise is broken.
//! Wire them with one test per check, so that a failure has a name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{TimeZone, Utc};
use futures_util::future::{join_all, try_join_all};
use serde_json::value::RawValue;

use super::{Append, Bounds, Log, LogError, PageLimit, Retention, StoredEvent, Trimmed};
use crate::event::{Headers, Metadata, Position, RawEvent};

const CHANNEL: &str = "user-events";
/// No check waits longer than this for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event with a number in it.
///
/// # Panics
/// Never: the payload is valid JSON.
pub fn event(number: usize) -> RawEvent {
    raw("NameChanged", format!("{{\"number\":{number}}}"))
}

fn raw(event_type: &str, data: String) -> RawEvent {
    let data =
        RawValue::from_string(data).unwrap_or_else(|error| panic!("the check's own payload is no JSON: {error}"));
    RawEvent { metadata: Metadata::new(event_type), data }
}

async fn append(log: &impl Log, events: Vec<RawEvent>) -> Vec<u64> {
    let expected: Vec<_> = events.iter().map(|event| event.metadata.id.clone()).collect();
    let receipts = log.append(CHANNEL, events).await.unwrap_or_else(|error| panic!("append failed: {error:?}"));
    let ids: Vec<_> = receipts.iter().map(|receipt| receipt.id.clone()).collect();
    assert_eq!(ids, expected, "there is one receipt for each event, in order");
    receipts.iter().map(|receipt| receipt.position.map_or(u64::MAX, |position| position.0)).collect()
}

async fn read(log: &impl Log, from: u64, limit: usize) -> Vec<StoredEvent> {
    log.read(CHANNEL, Position(from), limit).await.unwrap_or_else(|error| panic!("read failed: {error:?}"))
}

async fn bounds(log: &impl Log) -> (u64, u64) {
    let Bounds { oldest, next } = log.bounds(CHANNEL).await.unwrap_or_else(|error| panic!("bounds failed: {error:?}"));
    (oldest.0, next.0)
}

fn positions(page: &[StoredEvent]) -> Vec<u64> {
    page.iter().map(|stored| stored.position.0).collect()
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: nothing happened for {PATIENCE:?}"),
    }
}

/// A channel that was never written is empty, not an error.
pub async fn a_new_channel_is_empty(log: impl Log) {
    assert_eq!(bounds(&log).await, (0, 0));
    assert_eq!(read(&log, 0, 10).await, []);
    assert_eq!(read(&log, u64::MAX, 10).await, []);
}

/// Positions count from 0 without gaps, each channel for itself, and reading is in their order.
pub async fn positions_are_dense_and_ordered(log: impl Log) {
    let mut expected = Vec::new();
    for number in 0..20 {
        let event = event(number);
        expected.push(event.clone());
        assert_eq!(append(&log, vec![event]).await, [number as u64]);
    }
    let other = log.append("other", vec![event(0)]).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(other[0].position, Some(Position(0)), "another channel counts for itself");
    assert_eq!(bounds(&log).await, (0, 20));
    let page = read(&log, 0, 100).await;
    assert_eq!(positions(&page), (0..20).collect::<Vec<_>>());
    assert_eq!(page.into_iter().map(|stored| stored.event).collect::<Vec<_>>(), expected);
}

/// Reading in pages of any size gives every event once.
pub async fn pages_of_any_size_give_every_event_once(log: impl Log) {
    append(&log, (0..23).map(event).collect()).await;
    for size in [1, 2, 7, 22, 23, 24] {
        let mut seen = Vec::new();
        loop {
            let page = read(&log, seen.len() as u64, size).await;
            assert!(page.len() <= size, "a page of at most {size} has {}", page.len());
            if page.is_empty() {
                break;
            }
            seen.extend(positions(&page));
        }
        assert_eq!(seen, (0..23).collect::<Vec<_>>(), "pages of {size}");
    }
    assert_eq!(read(&log, 0, 0).await, [], "a page of none is empty");
}

/// Whatever an event carries comes back as it was.
pub async fn every_field_comes_back(log: impl Log) {
    let mut full = raw("Ärger \"quoted\"", " {\"b\": 1.0,\n\t\"a\": \"\\u0000 \u{1F600}\" } ".trim().to_owned());
    let metadata = &mut full.metadata;
    metadata.id = "any text / ' \u{1F600}".into();
    metadata.time = Utc.with_ymd_and_hms(2020, 5, 1, 14, 0, 0).unwrap() + Duration::from_nanos(123_456_789);
    metadata.subject = Some("/user/123".to_owned());
    metadata.address = Some("users.123".to_owned());
    metadata.version = Some("1.2.0".to_owned());
    metadata.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    let mut headers = Headers::default();
    headers.insert("number", 18_446_744_073_709_551_615_u64);
    headers.insert("text", "a\nb");
    headers.insert("float", 0.1);
    metadata.headers = headers;
    let scalar = raw("Scalar", "null".to_owned());
    append(&log, vec![full.clone(), scalar.clone()]).await;
    let page = read(&log, 0, 10).await;
    assert_eq!(page[0].event, full);
    assert_eq!(page[0].event.data.get(), full.data.get(), "the payload's text is untouched");
    assert_eq!(page[1].event, scalar);
}

/// Appending an event a second time changes nothing and gives the first receipt.
pub async fn appending_again_gives_the_first_receipt(log: impl Log) {
    let first = event(1);
    assert_eq!(append(&log, vec![first.clone(), event(2)]).await, [0, 1]);
    let mut again = first.clone();
    again.metadata.time = Utc.with_ymd_and_hms(2030, 1, 1, 0, 0, 0).unwrap();
    again.metadata.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    again.data = raw("", "{ \"number\" : 1 }".to_owned()).data;
    assert_eq!(append(&log, vec![again]).await, [0], "time, trace and white space do not make another event");
    assert_eq!(append(&log, vec![event(3), first.clone(), event(4)]).await, [2, 0, 3]);
    let twin = event(5);
    assert_eq!(append(&log, vec![twin.clone(), twin]).await, [4, 4], "twice in one append");
    assert_eq!(bounds(&log).await, (0, 5));
    assert_eq!(read(&log, 0, 1).await[0].event, first, "the first one stays as it was");
    let other = log.append("other", vec![first]).await.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(other[0].position, Some(Position(0)), "another channel may hold the same id");
}

/// An event is found by its id, in its own channel.
pub async fn an_event_is_found_by_its_id(log: impl Log) {
    let (first, second, absent) = (event(1), event(2), event(3));
    append(&log, vec![first.clone(), second.clone()]).await;
    let find = async |channel: &str, event: &RawEvent| {
        log.find(channel, &event.metadata.id).await.unwrap_or_else(|error| panic!("find failed: {error:?}"))
    };
    assert_eq!(find(CHANNEL, &first).await, Some(Position(0)));
    assert_eq!(find(CHANNEL, &second).await, Some(Position(1)));
    assert_eq!(find(CHANNEL, &absent).await, None);
    assert_eq!(find("other", &first).await, None);
    let mut strange = absent;
    strange.metadata.id = "\0".into();
    assert_eq!(find(CHANNEL, &strange).await, None);
    trim(&log, &Retention::forever().starting_at(Position(1))).await;
    assert_eq!(find(CHANNEL, &first).await, None, "removed events are forgotten");
    assert_eq!(find(CHANNEL, &second).await, Some(Position(1)));
}

/// An id that stands for an event cannot stand for another one; nothing of such an append is kept.
pub async fn an_id_cannot_be_reused_and_the_append_is_all_or_nothing(log: impl Log) {
    let first = event(1);
    append(&log, vec![first.clone()]).await;
    let mut others = vec![first.clone(); 5];
    others[0].data = event(2).data;
    others[1].metadata.event_type = "Other".to_owned();
    others[2].metadata.subject = Some("/user/1".to_owned());
    others[3].metadata.address = Some("users.1".to_owned());
    others[4].metadata.headers.insert("a", 1);
    for other in others {
        for events in [vec![other.clone()], vec![event(7), event(8), other, event(9)]] {
            match log.append(CHANNEL, events).await {
                Err(LogError::IdReused { channel, id }) => {
                    assert_eq!((channel.as_str(), &id), (CHANNEL, &first.metadata.id));
                }
                other => panic!("the id was used for another event, and the log said {other:?}"),
            }
        }
    }
    assert_eq!(bounds(&log).await, (0, 1));
    assert_eq!(append(&log, vec![event(10)]).await, [1], "a refused append leaves no gap");
}

/// What no transport could carry is refused.
pub async fn what_cannot_be_carried_is_refused(log: impl Log) {
    let mut nameless = event(1);
    nameless.metadata.id = "".into();
    let mut typeless = event(1);
    typeless.metadata.event_type.clear();
    let mut distant = event(1);
    distant.metadata.time = chrono::DateTime::<Utc>::MAX_UTC;
    let mut long = event(2);
    long.metadata.id = "ä".repeat(65).into();
    for event in [nameless, typeless, distant, long] {
        let outcome = log.append(CHANNEL, vec![event]).await;
        assert!(matches!(outcome, Err(LogError::Refused { .. })), "{outcome:?}");
    }
    assert_eq!(bounds(&log).await, (0, 0));
    let mut longest = event(2);
    longest.metadata.id = "ä".repeat(64).into();
    assert_eq!(append(&log, vec![longest]).await, [0]);
}

/// An append of nothing is nothing.
pub async fn an_empty_append_changes_nothing(log: impl Log) {
    assert_eq!(append(&log, Vec::new()).await, [0_u64; 0]);
    assert_eq!(bounds(&log).await, (0, 0));
}

/// Many tasks append at once, some of them events that are refused: every acknowledged event can be read at once where
/// its receipt says, no position is missing, and a reader at the head meets each position once.
pub async fn concurrent_appends_are_dense_and_readable(log: impl Log + Clone + 'static) {
    const TASKS: usize = 32;
    const EACH: usize = 12;
    let taken = event(0);
    append(&log, vec![taken.clone()]).await;
    let reader = tokio::spawn({
        let log = log.clone();
        async move {
            let mut seen = Vec::new();
            while seen.len() < 1 + TASKS * EACH {
                soon("a reader at the head", log.wait(CHANNEL, Position(seen.len() as u64)))
                    .await
                    .unwrap_or_else(|error| panic!("{error:?}"));
                seen.extend(read(&log, seen.len() as u64, 10).await);
            }
            seen
        }
    });
    let writers = (0..TASKS).map(|task| {
        let (log, taken) = (log.clone(), taken.clone());
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for number in 0..EACH / 2 {
                let mut stolen = taken.clone();
                stolen.data = event(task * EACH + number + 1).data;
                let batch = vec![event(task * EACH + number), event(task * EACH + number)];
                let (refused, receipts) =
                    futures_util::future::join(log.append(CHANNEL, vec![stolen]), append(&log, batch.clone())).await;
                assert!(matches!(refused, Err(LogError::IdReused { .. })), "{refused:?}");
                assert_eq!(receipts[1], receipts[0] + 1, "events of one append stand together");
                for (position, event) in receipts.into_iter().zip(batch) {
                    assert_eq!(read(&log, position, 1).await[0].event, event, "acknowledged, so readable");
                    acknowledged.push(position);
                }
            }
            acknowledged
        })
    });
    let acknowledged: BTreeSet<u64> =
        try_join_all(writers).await.unwrap_or_else(|error| panic!("{error}")).into_iter().flatten().collect();
    assert_eq!(acknowledged, (1..=(TASKS * EACH) as u64).collect(), "each position once, none missing");
    let seen = reader.await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(positions(&seen), (0..=(TASKS * EACH) as u64).collect::<Vec<_>>());
}

/// The same event appended by many at once is one event.
pub async fn concurrent_appends_of_one_event_are_one_event(log: impl Log + Clone + 'static) {
    let event = event(1);
    let receipts = join_all((0..16).map(|_| append(&log, vec![event.clone()]))).await;
    assert!(receipts.iter().all(|positions| *positions == [0]), "{receipts:?}");
    assert_eq!(bounds(&log).await, (0, 1));
}

/// An append whose caller stops waiting is made or not made, but leaves the log whole.
pub async fn a_caller_that_stops_waiting_harms_nobody(log: impl Log + Clone + 'static) {
    for number in 0..50 {
        let gone = tokio::spawn({
            let log = log.clone();
            async move { append(&log, vec![event(number), event(number)]).await }
        });
        let stays = append(&log, vec![event(number)]);
        tokio::task::yield_now().await;
        gone.abort();
        stays.await;
    }
    let (_, next) = bounds(&log).await;
    let page = read(&log, 0, 1000).await;
    assert_eq!(positions(&page), (0..next).collect::<Vec<_>>());
    assert!(next >= 50, "those who stayed were acknowledged");
}

/// Waiting ends at once for what is there, and otherwise when it comes, for all who wait.
pub async fn waiting_ends_when_the_event_comes(log: impl Log + Clone + 'static) {
    append(&log, vec![event(0)]).await;
    soon("waiting for what is there", log.wait(CHANNEL, Position(0))).await.unwrap_or_else(|error| panic!("{error:?}"));
    let waiters: Vec<_> = (0..100)
        .map(|number| {
            let log = log.clone();
            tokio::spawn(async move { log.wait(CHANNEL, Position(1 + number % 2)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    log.append("other", vec![event(0), event(1), event(2)]).await.unwrap_or_else(|error| panic!("{error:?}"));
    append(&log, vec![event(1)]).await;
    let (first, second): (Vec<_>, Vec<_>) = waiters.into_iter().enumerate().partition(|(number, _)| number % 2 == 0);
    for (_, waiter) in first {
        let outcome = soon("a waiter", waiter).await;
        assert!(matches!(outcome, Ok(Ok(()))), "{outcome:?}");
    }
    assert!(second.iter().all(|(_, waiter)| !waiter.is_finished()), "nobody waits for too little");
    append(&log, vec![event(2)]).await;
    for (_, waiter) in second {
        let outcome = soon("a waiter for the second event", waiter).await;
        assert!(matches!(outcome, Ok(Ok(()))), "{outcome:?}");
    }
}

/// Retention removes a prefix; who reads below it is told where the channel begins, and positions go on.
pub async fn below_retention_is_an_error(log: impl Log) {
    append(&log, (0..10).map(event).collect()).await;
    trim(&log, &Retention::forever().starting_at(Position(4))).await;
    assert_eq!(bounds(&log).await, (4, 10));
    for (from, limit) in [(0, 10), (3, 1), (3, 0)] {
        match log.read(CHANNEL, Position(from), limit).await {
            Err(LogError::Retained { channel, oldest }) => assert_eq!((channel.as_str(), oldest.0), (CHANNEL, 4)),
            other => panic!("reading below retention gave {other:?}"),
        }
    }
    assert_eq!(positions(&read(&log, 4, 3).await), [4, 5, 6]);
    trim(&log, &Retention::forever().starting_at(Position(2))).await;
    assert_eq!(bounds(&log).await, (4, 10), "what is gone cannot come back");
    trim(&log, &Retention::forever().starting_at(Position(1000))).await;
    assert_eq!(bounds(&log).await, (10, 10), "retention ends at the head");
    assert_eq!(read(&log, 10, 1).await, []);
    assert_eq!(append(&log, vec![event(10)]).await, [10]);
    let none = log.trim("never written", &Retention::forever().max_events(0), 10).await;
    assert_eq!(none.unwrap_or_else(|error| panic!("{error:?}")), Trimmed::default());
}

/// Removes in steps of three, until there is no more to do.
async fn trim(log: &impl Log, retention: &Retention) -> u64 {
    const STEP: usize = 3;
    let mut removed = 0;
    loop {
        let (oldest, _) = bounds(log).await;
        let step = log.trim(CHANNEL, retention, STEP).await.unwrap_or_else(|error| panic!("trim failed: {error:?}"));
        assert!(step.events <= STEP as u64, "a step removes no more than it may, and not {}", step.events);
        assert_eq!((step.oldest.0, bounds(log).await.0), (oldest + step.events, oldest + step.events));
        removed += step.events;
        if step.events < STEP as u64 {
            return removed;
        }
    }
}

/// Retention by number and by size keeps the newest events, whatever was removed or refused before.
pub async fn retention_keeps_the_newest(log: impl Log) {
    append(&log, (0..20).map(|number| raw("Sized", format!("\"{number:08}\""))).collect()).await;
    let mut stolen = raw("Sized", "\"another\"".to_owned());
    stolen.metadata.id = read(&log, 0, 1).await[0].event.metadata.id.clone();
    let refused = log.append(CHANNEL, vec![raw("Sized", "\"unseen\"".to_owned()), stolen]).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(trim(&log, &Retention::forever()).await, 0, "nothing is removed unasked");
    assert_eq!(trim(&log, &Retention::forever().max_events(15)).await, 5);
    assert_eq!(bounds(&log).await, (5, 20));
    assert_eq!(trim(&log, &Retention::forever().max_events(15)).await, 0);
    // Ten bytes each, with the quotes.
    assert_eq!(trim(&log, &Retention::forever().max_bytes(109).max_events(15)).await, 5);
    assert_eq!(bounds(&log).await, (10, 20));
    append(&log, vec![raw("Sized", "\"ÄÄÄÄ\"".to_owned())]).await;
    assert_eq!(trim(&log, &Retention::forever().max_bytes(110)).await, 0, "bytes, and not characters, are counted");
    assert_eq!(trim(&log, &Retention::forever().max_bytes(109)).await, 1);
    assert_eq!(trim(&log, &Retention::forever().max_bytes(0)).await, 10);
    assert_eq!(bounds(&log).await, (21, 21));
    assert_eq!(append(&log, vec![event(0)]).await, [21]);
}

/// Retention by age counts from the append, whatever time an event carries.
pub async fn retention_by_age_counts_from_the_append(log: impl Log) {
    const AGE: Duration = Duration::from_secs(2);
    let mut ancient = event(0);
    ancient.metadata.time = Utc.with_ymd_and_hms(1999, 1, 1, 0, 0, 0).unwrap();
    append(&log, vec![ancient, event(1), event(2), event(3)]).await;
    assert_eq!(trim(&log, &Retention::forever().max_age(Duration::from_secs(3600))).await, 0);
    assert_eq!(trim(&log, &Retention::forever().max_age(Duration::MAX)).await, 0);
    tokio::time::sleep(AGE + Duration::from_millis(100)).await;
    append(&log, vec![event(4), event(5)]).await;
    assert_eq!(trim(&log, &Retention::forever().max_age(AGE)).await, 4);
    assert_eq!(bounds(&log).await, (4, 6));
}

/// While events are appended and removed, readers see every event where its receipt says, but for those that were removed
/// before they came to them.
pub async fn retention_harms_neither_readers_nor_writers(log: impl Log + Clone + 'static) {
    const TASKS: usize = 4;
    const EACH: usize = 50;
    const KEPT: u64 = 20;
    let all = (TASKS * EACH) as u64;
    let writers = (0..TASKS).map(|_| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut appended = BTreeMap::new();
            for number in 0..EACH {
                let event = event(number);
                let position = append(&log, vec![event.clone()]).await[0];
                appended.insert(position, event.metadata.id);
            }
            appended
        })
    });
    let readers = (0..2).map(|_| {
        let log = log.clone();
        tokio::spawn(async move {
            let (mut seen, mut next) = (BTreeMap::new(), 0);
            while next < all {
                soon("a reader", log.wait(CHANNEL, Position(next))).await.unwrap_or_else(|error| panic!("{error:?}"));
                // At its own pace, and where the channel begins, which is where events go meanwhile.
                for from in [next, bounds(&log).await.0] {
                    match log.read(CHANNEL, Position(from), 7).await {
                        Ok(page) => {
                            let expected: Vec<_> = (from..).take(page.len()).collect();
                            assert_eq!(positions(&page), expected, "a page has no gaps");
                            next = next.max(from + page.len() as u64);
                            seen.extend(page.into_iter().map(|stored| (stored.position.0, stored.event.metadata.id)));
                        }
                        Err(LogError::Retained { oldest, .. }) => {
                            assert!(oldest.0 > from, "removed from {oldest} on, and not {from}");
                            next = next.max(oldest.0);
                        }
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
            seen
        })
    });
    let (writers, readers): (Vec<_>, Vec<_>) = (writers.collect(), readers.collect());
    let retention = Retention::forever().max_events(KEPT);
    while bounds(&log).await.1 < all {
        trim(&log, &retention).await;
        tokio::task::yield_now().await;
    }
    let appended = try_join_all(writers).await.unwrap_or_else(|error| panic!("{error}"));
    let appended: BTreeMap<_, _> = appended.into_iter().flatten().collect();
    assert!(appended.keys().copied().eq(0..all), "each position once, none missing");
    for seen in try_join_all(readers).await.unwrap_or_else(|error| panic!("{error}")) {
        assert!(seen.iter().all(|(position, id)| appended.get(position) == Some(id)), "what was acknowledged is read");
    }
    trim(&log, &retention).await;
    assert_eq!(bounds(&log).await, (all - KEPT, all));
}

/// How a caller begins and ends the transactions in which events can be appended. Methods panic where they fail.
///
/// ```
/// # #[cfg(feature = "sqlite")] mod example {
/// # use event_api::log::{SqliteLog, conformance::Transactions};
/// struct OfSqlite(SqliteLog);
///
/// impl Transactions for OfSqlite {
///     type Transaction = sqlx::Transaction<'static, sqlx::Sqlite>;
///
///     async fn begin(&self) -> Self::Transaction {
///         self.0.begin().await.unwrap()
///     }
///
///     async fn commit(&self, transaction: Self::Transaction) {
///         transaction.commit().await.unwrap();
///     }
///
///     async fn rollback(&self, transaction: Self::Transaction) {
///         transaction.rollback().await.unwrap();
///     }
/// }
/// # }
/// ```
pub trait Transactions: Send + Sync + 'static {
    /// A transaction under way.
    type Transaction: Append;

    /// Begins a transaction.
    fn begin(&self) -> impl Future<Output = Self::Transaction> + Send;

    /// Commits it.
    fn commit(&self, transaction: Self::Transaction) -> impl Future<Output = ()> + Send;

    /// Rolls it back.
    fn rollback(&self, transaction: Self::Transaction) -> impl Future<Output = ()> + Send;
}

/// Events appended within transactions are there if and only if these commit, once, and behind everything that was
/// committed before their transaction began; beside them, the log's own appends keep their receipts.
pub async fn events_are_there_if_and_only_if_their_transaction_commits(
    log: impl Log + Clone + 'static,
    transactions: impl Transactions,
) {
    const TASKS: usize = 6;
    const EACH: usize = 10;
    let (transactions, clock) = (Arc::new(transactions), Arc::new(AtomicUsize::new(0)));
    let writers = (0..TASKS).map(|task| {
        let (log, transactions, clock) = (log.clone(), Arc::clone(&transactions), Arc::clone(&clock));
        tokio::spawn(async move {
            let mut committed = Vec::new();
            for number in 0..EACH {
                let began = clock.fetch_add(1, Ordering::SeqCst);
                let events: Vec<_> = (0..=number % 3).map(event).collect();
                let ids: Vec<_> = events.iter().map(|event| event.metadata.id.clone()).collect();
                if (task + number) % 3 == 0 {
                    append(&log, events).await;
                } else {
                    let mut transaction = transactions.begin().await;
                    for event in events {
                        let receipts = transaction.append(CHANNEL, vec![event]).await;
                        receipts.unwrap_or_else(|error| panic!("append failed: {error:?}"));
                        tokio::task::yield_now().await;
                    }
                    if number % 4 == 0 {
                        transactions.rollback(transaction).await;
                        continue;
                    }
                    transactions.commit(transaction).await;
                }
                committed.push((began, clock.fetch_add(1, Ordering::SeqCst), ids));
            }
            committed
        })
    });
    let writers: Vec<_> = writers.collect();
    let committed = soon("transactions", try_join_all(writers)).await.unwrap_or_else(|error| panic!("{error}"));
    let committed: Vec<_> = committed.into_iter().flatten().collect();
    let stored = read(&log, 0, usize::MAX).await;
    assert_eq!(positions(&stored), (0..stored.len() as u64).collect::<Vec<_>>(), "no gaps");
    let places: BTreeMap<_, _> = stored.iter().map(|stored| (&stored.event.metadata.id, stored.position.0)).collect();
    let count: usize = committed.iter().map(|(_, _, ids)| ids.len()).sum();
    assert_eq!((stored.len(), places.len()), (count, count), "what was committed, once, and nothing else");
    let place = |id| *places.get(id).unwrap_or_else(|| panic!("{id} was committed, and is not there"));
    for (began, ended, ids) in &committed {
        let own: Vec<_> = ids.iter().map(place).collect();
        assert!(own.is_sorted(), "events of a transaction stand in their order");
        for (later, _, behind) in committed.iter().filter(|(later, ..)| later > ended) {
            let first = behind.iter().map(place).min();
            assert!(
                first > own.last().copied(),
                "committed at {ended} (begun at {began}), and behind what began at {later}"
            );
        }
    }
}

/// A page ends with the event with which its payloads reach the limit in bytes, and holds one event at least.
pub async fn a_page_is_bounded_in_bytes(log: impl Log) {
    // Sizes 2, 12, 102, 1002, …: the larger ones are stored apart in some databases.
    let sizes = [0, 10, 100, 1000, 10_000, 100_000, 10, 10];
    append(&log, sizes.iter().map(|size| raw("Sized", format!("\"{}\"", "ä".repeat(size / 2)))).collect()).await;
    for (from, events, bytes, expected) in [
        (0, 10, 1, 0..1),
        (0, 10, 0, 0..1),
        (0, 10, 2, 0..1),
        (0, 10, 3, 0..2),
        (0, 10, 14, 0..2),
        (0, 10, 15, 0..3),
        (0, 2, 1_000_000, 0..2),
        (2, 10, 100, 2..3),
        (4, 10, 5, 4..5),
        (4, 10, 10_003, 4..6),
        (5, 10, usize::MAX, 5..8),
        (6, 10, 24, 6..8),
        (6, 10, 25, 6..8),
        (8, 10, 1, 8..8),
    ] {
        let limit = PageLimit::events(events).bytes(bytes);
        let page = log.read_page(CHANNEL, Position(from), limit).await;
        let page = page.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(positions(&page), expected.clone().collect::<Vec<_>>(), "from {from}, {limit:?}");
        assert_eq!(limit.is_at_end(&page), expected.end == 8 && bytes != 24, "from {from}, {limit:?}");
    }
}
