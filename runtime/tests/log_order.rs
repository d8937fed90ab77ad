//! A reader misses nothing, however transactions interleave.
//!
//! Sixteen writers commit out of order, with pauses and rollbacks, while a reader follows the log. The same transactions
//! write to a table with a sequence, which a naive reader follows by asking for what is beyond the last number it has
//! seen: it must be seen to lose events, or the test would prove nothing.
//!
//! `EVENT_API_ORDER_EVENTS` is how many events are written, 5,000 unless set.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod postgres_support;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use event_api::log::conformance::event;
use event_api::log::{Append, Log, PostgresLog};
use event_api::{Position, RawEvent};
use postgres_support::Schema;
use sqlx::postgres::PgPool;

const CHANNEL: &str = "user-events";
const WRITERS: usize = 16;
/// Nothing that must happen takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Progress {
    committed: AtomicUsize,
    finished: AtomicBool,
}

/// What a writer has committed: the ids in its own order, with positions where it was told.
type Committed = Vec<(String, Option<Position>)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_misses_nothing_that_a_naive_reader_loses() {
    let total = std::env::var("EVENT_API_ORDER_EVENTS").map_or(5000, |text| text.parse().unwrap());
    let Some(schema) = Schema::create().await else { return };
    // As in two processes that publish, and one that reads.
    let publishing = [schema.pool(10).await, schema.pool(10).await];
    let logs = [
        PostgresLog::with_pool(publishing[0].clone()).await.unwrap(),
        PostgresLog::with_pool(publishing[1].clone()).await.unwrap(),
    ];
    let reading = schema.log().await;
    sqlx::raw_sql("CREATE TABLE naive (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL)")
        .execute(reading.pool())
        .await
        .unwrap();
    let progress = Arc::new(Progress::default());
    let begun = Instant::now();

    let reader = tokio::spawn(follow(reading.clone(), Arc::clone(&progress)));
    let naive = tokio::spawn(follow_naively(reading.pool().clone(), Arc::clone(&progress)));
    let writers =
        (0..WRITERS).map(|number| tokio::spawn(write(number, logs[number % 2].clone(), Arc::clone(&progress), total)));
    let committed: Vec<Committed> = futures_util::future::try_join_all(writers).await.unwrap();
    progress.finished.store(true, Ordering::SeqCst);
    let seen = reader.await.unwrap();
    let (naively_seen, naively_written) = naive.await.unwrap();

    let places: HashMap<&str, usize> = seen.iter().enumerate().map(|(place, event)| (id(event), place)).collect();
    assert_eq!(places.len(), seen.len(), "no event twice");
    let count: usize = committed.iter().map(Vec::len).sum();
    assert!(count >= total);
    assert_eq!(seen.len(), count, "what was committed, and nothing of what was rolled back");
    for (writer, events) in committed.iter().enumerate() {
        let mut last = None;
        for (id, position) in events {
            let place = places.get(id.as_str()).copied();
            assert!(place.is_some(), "writer {writer} committed {id}, and the reader missed it");
            assert!(place > last, "writer {writer} committed {id} later than the event before it");
            if let Some(position) = position {
                assert_eq!(place, usize::try_from(position.0).ok(), "the position in the receipt of {id}");
            }
            last = place;
        }
    }
    let lost = naively_written - naively_seen;
    println!(
        "{count} events by {WRITERS} writers in {:.1?}: the reader missed 0, the naive reader lost {lost} of {naively_written}",
        begun.elapsed()
    );
    assert!(lost > 0, "the naive reader lost nothing, so transactions did not commit out of order");
}

fn id(event: &RawEvent) -> &str {
    event.metadata.id.as_str()
}

/// Numbers that differ from call to call, and are the same in every run.
struct Dice(u64);

impl Dice {
    /// From 0 to below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX generator, of which the upper bits are the better ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

async fn write(number: usize, log: PostgresLog, progress: Arc<Progress>, total: usize) -> Committed {
    let mut dice = Dice(number as u64 + 1);
    let mut committed = Committed::new();
    while progress.committed.load(Ordering::Relaxed) < total {
        let events: Vec<RawEvent> = (0..=dice.roll(4)).map(|_| event(committed.len())).collect();
        let ids: Vec<String> = events.iter().map(|event| id(event).to_owned()).collect();
        if dice.roll(10) == 0 {
            let receipts = Log::append(&log, CHANNEL, events).await.unwrap();
            progress.committed.fetch_add(receipts.len(), Ordering::Relaxed);
            committed.extend(receipts.into_iter().map(|receipt| (receipt.id.to_string(), receipt.position)));
            continue;
        }
        let mut tx = log.pool().begin().await.unwrap();
        tx.append(CHANNEL, events).await.unwrap();
        sqlx::query("INSERT INTO naive (id) SELECT unnest($1::text[])").bind(&ids).execute(&mut *tx).await.unwrap();
        // Most commit at once, some after those who began later.
        match dice.roll(20) {
            0 => tokio::time::sleep(Duration::from_millis(dice.roll(100))).await,
            1..=4 => tokio::time::sleep(Duration::from_millis(dice.roll(8))).await,
            _ => {}
        }
        if dice.roll(10) == 0 {
            tx.rollback().await.unwrap();
            continue;
        }
        tx.commit().await.unwrap();
        progress.committed.fetch_add(ids.len(), Ordering::Relaxed);
        committed.extend(ids.into_iter().map(|id| (id, None)));
    }
    committed
}

/// Reads the log at its head, and checks that no position is missing.
async fn follow(log: PostgresLog, progress: Arc<Progress>) -> Vec<RawEvent> {
    let mut seen = Vec::new();
    loop {
        let finished = progress.finished.load(Ordering::SeqCst);
        let page = log.read(CHANNEL, Position(seen.len() as u64), 100).await.unwrap();
        if page.is_empty() {
            if finished {
                return seen;
            }
            let next = Position(seen.len() as u64);
            // The last event may have been read already.
            let waiting = tokio::time::timeout(Duration::from_secs(1), log.wait(CHANNEL, next));
            if let Ok(outcome) = waiting.await {
                outcome.unwrap();
            }
        }
        for stored in page {
            assert_eq!(stored.position, Position(seen.len() as u64), "positions are dense");
            seen.push(stored.event);
        }
    }
}

/// What a naive reader has seen, and what there was.
async fn follow_naively(pool: PgPool, progress: Arc<Progress>) -> (usize, usize) {
    let mut seen = BTreeMap::new();
    let mut last = 0_i64;
    let begun = Instant::now();
    loop {
        let finished = progress.finished.load(Ordering::SeqCst);
        let page: Vec<(i64, String)> =
            sqlx::query_as("SELECT number, id FROM naive WHERE number > $1 ORDER BY number LIMIT 100")
                .bind(last)
                .fetch_all(&pool)
                .await
                .unwrap();
        if page.is_empty() && finished {
            break;
        }
        if page.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        last = page.last().map_or(last, |(number, _)| *number);
        seen.extend(page);
        assert!(finished || begun.elapsed() < PATIENCE * 20, "the writers do not come to an end");
    }
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM naive").fetch_one(&pool).await.unwrap();
    (seen.len(), usize::try_from(written).unwrap())
}
