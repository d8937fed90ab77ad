//! What the SQLite log promises beyond the contract of every log.
#![cfg(feature = "sqlite")]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use event_api::log::conformance::event;
use event_api::log::{Append, Log, LogError, Retention, SqliteLog};
use event_api::{Channel, EventSet, Headers, Position, PublishError, Publisher, RawEvent, Transport};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
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
    log.trim(CHANNEL, &Retention::forever().starting_at(Position(2)), 1000).await.unwrap();
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
async fn a_log_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let pool = sqlx::SqlitePool::connect_with(SqliteLog::options(&path)).await.unwrap();
    sqlx::raw_sql(include_str!("../src/log/sqlite/schema.sql")).execute(&pool).await.unwrap();
    sqlx::raw_sql(
        r#"CREATE TABLE event_api_schema (store TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
        INSERT INTO event_api_schema VALUES ('log', 1);
        INSERT INTO event_api_channels (name, next) VALUES ('user-events', 2);
        INSERT INTO event_api_events (channel, position, id, type, time, data) VALUES
            (1, 0, 'old', 'NameChanged', '2020-05-01T14:00:00.123456789Z', '"äää"'),
            (1, 1, 'new', 'NameChanged', '2999-05-01T14:00:00.000000000Z', '"äää"');"#,
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let log = SqliteLog::open(&path).await.unwrap();
    assert_eq!(events(&log).await.len(), 2);
    assert_eq!(log.trim(CHANNEL, &Retention::forever().max_bytes(16), 9).await.unwrap().events, 0);
    let hour = Retention::forever().max_age(Duration::from_secs(3600));
    assert_eq!(log.trim(CHANNEL, &hour, 9).await.unwrap().events, 1, "they count from their own time");
    assert_eq!(log.trim(CHANNEL, &Retention::forever().max_bytes(8), 9).await.unwrap().events, 0);
    assert_eq!(log.trim(CHANNEL, &Retention::forever().max_bytes(7), 9).await.unwrap().events, 1);
}

#[tokio::test]
async fn tables_of_a_newer_release_are_refused() {
    let (log, folder) = temporary().await;
    sqlx::query("UPDATE event_api_schema SET version = 999").execute(log.pool()).await.unwrap();
    let refused = SqliteLog::open(folder.path().join("events.db")).await.unwrap_err();
    let LogError::Storage(source) = refused else { panic!("{refused:?}") };
    assert!(source.to_string().contains("newer release"), "{source}");
}

/// What generated code looks like to the runtime.
#[derive(Clone, Debug, PartialEq)]
struct NameChanged(String);

impl EventSet for NameChanged {
    const CHANNEL: &'static Channel = &Channel {
        name: CHANNEL,
        title: "User events",
        address: None,
        event_types: &["NameChanged"],
        version: "1.2.0",
        transports: &[Transport::Feed],
    };

    fn event_type(&self) -> &str {
        "NameChanged"
    }

    fn data(&self) -> Result<Box<RawValue>, serde_json::Error> {
        serde_json::value::to_raw_value(&self.0)
    }

    fn decode<'de, D: Deserializer<'de>>(_: &str, _: &Headers, data: D) -> Result<Self, D::Error> {
        String::deserialize(data).map(NameChanged)
    }
}

#[tokio::test]
async fn a_publisher_publishes_by_itself_or_within_a_transaction() {
    let (log, _folder) = temporary().await;
    let users = Publisher::<NameChanged>::new(&log).subject("/user/7");
    let first = users.publish(NameChanged("John".to_owned())).await.unwrap();
    let mut tx = log.begin().await.unwrap();
    users.within(&mut tx).publish(NameChanged("lost".to_owned())).await.unwrap();
    tx.rollback().await.unwrap();
    // A deferred transaction will do, when the append comes before any reading.
    let mut tx = log.pool().begin().await.unwrap();
    let within = users.id("my-id").within(&mut tx).publish(NameChanged("Jack".to_owned())).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((first.position, within.position), (Some(Position(0)), Some(Position(1))));
    let stored = log.read(CHANNEL, Position(0), 10).await.unwrap();
    let names: Vec<NameChanged> = stored.iter().map(|stored| stored.event.decode().unwrap()).collect();
    assert_eq!(names, [NameChanged("John".to_owned()), NameChanged("Jack".to_owned())]);
    let metadata = &stored[1].event.metadata;
    assert_eq!(metadata.id.as_str(), "my-id");
    assert_eq!((metadata.subject.as_deref(), metadata.version.as_deref()), (Some("/user/7"), Some("1.2.0")));
    let again = users.id("my-id").publish(NameChanged("Jack".to_owned())).await.unwrap();
    assert_eq!(again, within, "publishing again is a no-op with the first receipt");
}

#[tokio::test]
async fn a_publisher_publishes_many_or_none() {
    let (log, _folder) = temporary().await;
    let users = Publisher::<NameChanged>::new(&log).subject("/user/7");
    let names = |names: [&str; 3]| names.map(|name| NameChanged(name.to_owned()));
    let receipts = users.publish_all(names(["John", "Jack", "James"])).await.unwrap();
    let places: Vec<_> = receipts.iter().map(|receipt| receipt.position.unwrap().0).collect();
    assert_eq!(places, [0, 1, 2]);
    let stored = log.read(CHANNEL, Position(0), 10).await.unwrap();
    for ((stored, receipt), name) in stored.iter().zip(&receipts).zip(names(["John", "Jack", "James"])) {
        assert_eq!((&stored.event.metadata.id, stored.event.decode::<NameChanged>().unwrap()), (&receipt.id, name));
        assert_eq!(stored.event.metadata.subject.as_deref(), Some("/user/7"));
    }
    let refused = users.id("one").publish_all(names(["one", "id", "for all"])).await.unwrap_err();
    assert!(matches!(refused, PublishError::Log(LogError::IdReused { .. })), "{refused:?}");
    assert_eq!(users.publish_all(Vec::<NameChanged>::new()).await.unwrap(), []);
    let mut tx = log.begin().await.unwrap();
    let within = users.within(&mut tx).publish_all(names(["a", "b", "c"])).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((within[0].position, within.len()), (Some(Position(3)), 3));
    assert_eq!(events(&log).await.len(), 6);
}

#[tokio::test]
async fn a_service_and_the_log_share_a_pool() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteLog::options(folder.path().join("service.db"));
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let log = SqliteLog::with_pool(pool.clone()).await.unwrap();
    let same = SqliteLog::with_pool(pool).await.unwrap();
    append(&log, vec![event(1)]).await;
    assert_eq!(events(&same).await.len(), 1);
    let pragma = |name: &'static str| {
        let pool = log.pool().clone();
        async move { sqlx::query_scalar::<_, String>(name).fetch_one(&pool).await.unwrap() }
    };
    assert_eq!(pragma("SELECT journal_mode FROM pragma_journal_mode").await, "wal");
    assert_eq!(pragma("SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous").await, "2", "FULL");
}

#[tokio::test]
async fn appends_of_any_size_to_several_channels_share_commits() {
    let (log, _folder) = temporary().await;
    let mut tasks = tokio::task::JoinSet::new();
    let mut number = 0;
    for size in [1, 2, 7, 8, 9, 63, 64, 65, 130] {
        for channel in ["a", "b", "c"] {
            let events: Vec<_> = (number..number + size).map(event).collect();
            number += size;
            let log = log.clone();
            tasks.spawn(async move {
                let receipts = Log::append(&log, channel, events.clone()).await.unwrap();
                (channel, events, receipts)
            });
        }
    }
    let mut taken: std::collections::HashMap<_, Vec<u64>> = std::collections::HashMap::new();
    while let Some(done) = tasks.join_next().await {
        let (channel, events, receipts) = done.unwrap();
        for (event, receipt) in events.iter().zip(&receipts) {
            let position = receipt.position.unwrap();
            let page = log.read(channel, position, 1).await.unwrap();
            assert_eq!(page.first().map(|stored| (&stored.event, stored.position)), Some((event, position)));
            taken.entry(channel).or_default().push(position.0);
        }
        assert_eq!(receipts.len(), events.len());
    }
    for (channel, mut positions) in taken {
        positions.sort_unstable();
        assert_eq!(positions, (0..349).collect::<Vec<_>>(), "{channel}");
        assert_eq!(log.bounds(channel).await.unwrap().next, Position(349));
    }
}

#[tokio::test]
async fn the_writer_keeps_no_connection_that_others_need() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteLog::options(folder.path().join("events.db"));
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let log = SqliteLog::with_pool(pool).await.unwrap();
    let busy = log.clone();
    let appending = tokio::spawn(async move {
        for number in 0..100 {
            append(&busy, vec![event(number)]).await;
        }
    });
    while log.bounds(CHANNEL).await.unwrap().next < Position(100) {}
    appending.await.unwrap();
    tokio::time::timeout(PATIENCE, log.pool().close()).await.expect("nor one that nobody needs");
}

#[tokio::test]
async fn a_pool_can_be_closed_right_after_an_append() {
    let (log, _folder) = temporary().await;
    append(&log, vec![event(1)]).await;
    tokio::time::timeout(PATIENCE, log.pool().close()).await.unwrap();
    assert!(Log::append(&log, CHANNEL, vec![event(2)]).await.is_err());
}

#[tokio::test]
async fn waiting_ends_when_the_pool_is_closed() {
    let (log, _folder) = temporary().await;
    let mut waiting = std::pin::pin!(log.wait(CHANNEL, Position(0)));
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut waiting).await.is_err());
    log.pool().close().await;
    tokio::time::timeout(PATIENCE, waiting).await.expect("it waits for ever").unwrap_err();
}

#[tokio::test]
async fn a_new_file_can_be_opened_while_another_process_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    let writing = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut opening = std::pin::pin!(SqliteLog::open(&file));
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut opening).await.is_err(), "it gives up at once");
    writing.rollback().await.unwrap();
    let log = tokio::time::timeout(PATIENCE, opening).await.unwrap().unwrap();
    append(&log, vec![event(0)]).await;
}
