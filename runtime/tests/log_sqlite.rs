//! What the SQLite log promises beyond the contract of every log.
#![cfg(feature = "sqlite")]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use event_api::log::conformance::event;
use event_api::log::{Append, Log, LogError, SqliteLog};
use event_api::{Position, RawEvent};
use tempfile::TempDir;

const CHANNEL: &str = "user-events";
const PATIENCE: Duration = Duration::from_secs(30);

async fn temporary() -> (SqliteLog, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("events.db")).await.unwrap();
    (log, folder)
}

async fn events(log: &SqliteLog) -> Vec<RawEvent> {
    log.read(CHANNEL, Position(0), 1000).await.unwrap().into_iter().map(|stored| stored.event).collect()
}

async fn append(log: &SqliteLog, events: Vec<RawEvent>) -> Vec<Position> {
    let receipts = Log::append(log, CHANNEL, events).await.unwrap();
    receipts.into_iter().map(|receipt| receipt.position.unwrap()).collect()
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let (log, folder) = temporary().await;
    let written: Vec<_> = (0..5).map(event).collect();
    append(&log, written.clone()).await;
    log.trim(CHANNEL, Position(2)).await.unwrap();
    log.pool().close().await;
    let log = SqliteLog::open(folder.path().join("events.db")).await.unwrap();
    let bounds = log.bounds(CHANNEL).await.unwrap();
    assert_eq!((bounds.oldest, bounds.next), (Position(2), Position(5)));
    let page = log.read(CHANNEL, Position(2), 10).await.unwrap();
    assert_eq!(page.into_iter().map(|stored| stored.event).collect::<Vec<_>>(), written[2..]);
    assert_eq!(append(&log, vec![written[4].clone(), event(5)]).await, [Position(4), Position(5)]);
}

#[tokio::test]
async fn an_event_exists_if_and_only_if_the_callers_transaction_commits() {
    let (log, _folder) = temporary().await;
    sqlx::query("CREATE TABLE users (name TEXT NOT NULL)").execute(log.pool()).await.unwrap();
    let (lost, kept) = (event(1), event(2));

    let mut tx = log.begin().await.unwrap();
    sqlx::query("INSERT INTO users VALUES ('lost')").execute(&mut *tx).await.unwrap();
    let receipts = tx.append(CHANNEL, vec![lost.clone(), event(3)]).await.unwrap();
    assert_eq!(receipts[1].position, Some(Position(1)));
    assert_eq!(events(&log).await, [], "not visible before the commit");
    tx.rollback().await.unwrap();
    assert_eq!(events(&log).await, []);
    assert_eq!(log.bounds(CHANNEL).await.unwrap().next, Position(0));

    let mut tx = log.begin().await.unwrap();
    sqlx::query("INSERT INTO users VALUES ('kept')").execute(&mut *tx).await.unwrap();
    tx.append(CHANNEL, vec![kept.clone()]).await.unwrap();
    tx.append(CHANNEL, vec![kept.clone()]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(events(&log).await, std::slice::from_ref(&kept));
    let users: Vec<String> = sqlx::query_scalar("SELECT name FROM users").fetch_all(log.pool()).await.unwrap();
    assert_eq!(users, ["kept"]);
    assert_eq!(append(&log, vec![lost]).await, [Position(1)], "the id of a rolled-back event is free");
}

#[tokio::test]
async fn a_refused_append_leaves_the_callers_transaction_as_it_was() {
    let (log, _folder) = temporary().await;
    let first = event(1);
    append(&log, vec![first.clone()]).await;
    let mut reused = first.clone();
    reused.data = event(2).data;
    let mut tx = log.begin().await.unwrap();
    let before = event(3);
    tx.append(CHANNEL, vec![before.clone()]).await.unwrap();
    let refused = tx.append(CHANNEL, vec![event(4), reused]).await;
    assert!(matches!(refused, Err(LogError::IdReused { .. })), "{refused:?}");
    tx.commit().await.unwrap();
    assert_eq!(events(&log).await, [first, before]);
}

#[tokio::test]
async fn a_connection_without_a_transaction_appends_in_its_own() {
    let (log, _folder) = temporary().await;
    let mut connection = log.pool().acquire().await.unwrap();
    let receipts = connection.append(CHANNEL, vec![event(1), event(2)]).await.unwrap();
    assert_eq!(receipts[1].position, Some(Position(1)));
    assert_eq!(events(&log).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_ends_when_a_callers_transaction_commits() {
    let (log, _folder) = temporary().await;
    // Once found by the poller alone, once told.
    for (position, tell) in [(0, false), (1, true)] {
        let waiter = tokio::spawn({
            let log = log.clone();
            async move { log.wait(CHANNEL, Position(position)).await }
        });
        let mut tx = log.begin().await.unwrap();
        tx.append(CHANNEL, vec![event(0)]).await.unwrap();
        tx.commit().await.unwrap();
        if tell {
            log.wake();
        }
        tokio::time::timeout(PATIENCE, waiter).await.expect("the waiter was not woken").unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_logs_on_one_file_share_positions_and_wake_each_other() {
    let (one, folder) = temporary().await;
    let two = SqliteLog::open(folder.path().join("events.db")).await.unwrap();
    let waiter = tokio::spawn({
        let two = two.clone();
        async move { two.wait(CHANNEL, Position(79)).await }
    });
    let writers: Vec<_> = (0..8)
        .map(|task| {
            let log = if task % 2 == 0 { one.clone() } else { two.clone() };
            tokio::spawn(async move {
                let mut positions = Vec::new();
                for number in 0..10 {
                    if number % 3 == 0 {
                        let mut tx = log.begin().await.unwrap();
                        let receipts = tx.append(CHANNEL, vec![event(number)]).await.unwrap();
                        tx.commit().await.unwrap();
                        positions.push(receipts[0].position.unwrap());
                    } else {
                        positions.extend(append(&log, vec![event(number)]).await);
                    }
                }
                positions
            })
        })
        .collect();
    let mut positions = Vec::new();
    for writer in writers {
        positions.extend(writer.await.unwrap());
    }
    positions.sort();
    assert_eq!(positions, (0..80).map(Position).collect::<Vec<_>>());
    tokio::time::timeout(PATIENCE, waiter).await.expect("the waiter was not woken").unwrap().unwrap();
}

#[tokio::test]
async fn a_payload_that_cannot_be_stored_fails_alone() {
    let (log, _folder) = temporary().await;
    sqlx::raw_sql(
        "CREATE TRIGGER refuse BEFORE INSERT ON event_api_events WHEN NEW.type = 'Poison'
         BEGIN SELECT RAISE(ROLLBACK, 'poison'); END",
    )
    .execute(log.pool())
    .await
    .unwrap();
    let mut poison = event(0);
    poison.metadata.event_type = "Poison".to_owned();
    let appends = (0..20).map(|number| {
        let event = if number % 5 == 0 { poison.clone() } else { event(number) };
        let log = &log;
        async move { Log::append(log, CHANNEL, vec![event]).await }
    });
    let outcomes = futures_util::future::join_all(appends).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_err(), number % 5 == 0, "{number}: {outcome:?}");
    }
    assert_eq!(log.bounds(CHANNEL).await.unwrap().next, Position(16));
    assert_eq!(events(&log).await.len(), 16);
}

#[tokio::test]
async fn tables_of_a_newer_release_are_refused() {
    let (log, folder) = temporary().await;
    sqlx::query("UPDATE event_api_schema SET version = 999").execute(log.pool()).await.unwrap();
    let refused = SqliteLog::open(folder.path().join("events.db")).await.unwrap_err();
    let LogError::Storage(source) = refused else { panic!("{refused:?}") };
    assert!(source.to_string().contains("newer release"), "{source}");
}
