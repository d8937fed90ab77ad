//! What the Postgres log promises beyond the contract of every log.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod postgres_support;

use std::time::{Duration, Instant};

use event_api::log::conformance::event;
use event_api::log::{Append, Log, LogError, PostgresLog, Retention};
use event_api::{Position, RawEvent};
use postgres_support::Schema;
use sqlx::postgres::PgPool;

const CHANNEL: &str = "user-events";
const PATIENCE: Duration = Duration::from_secs(30);

async fn events(log: &PostgresLog) -> Vec<RawEvent> {
    log.read(CHANNEL, Position(0), 1000).await.unwrap().into_iter().map(|stored| stored.event).collect()
}

async fn append(log: &PostgresLog, events: Vec<RawEvent>) -> Vec<Position> {
    let receipts = Log::append(log, CHANNEL, events).await.unwrap();
    receipts.into_iter().map(|receipt| receipt.position.unwrap()).collect()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happened")
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let Some(schema) = Schema::create().await else { return };
    let written: Vec<_> = (0..5).map(event).collect();
    let log = schema.log().await;
    append(&log, written.clone()).await;
    log.trim(CHANNEL, &Retention::forever().starting_at(Position(2)), 1000).await.unwrap();
    log.pool().close().await;
    let log = PostgresLog::connect(&schema.url()).await.unwrap();
    let bounds = log.bounds(CHANNEL).await.unwrap();
    assert_eq!((bounds.oldest, bounds.next), (Position(2), Position(5)));
    let page = log.read(CHANNEL, Position(2), 10).await.unwrap();
    assert_eq!(page.into_iter().map(|stored| stored.event).collect::<Vec<_>>(), written[2..]);
    assert_eq!(append(&log, vec![written[4].clone(), event(5)]).await, [Position(4), Position(5)]);
}

#[tokio::test]
async fn an_event_exists_if_and_only_if_the_callers_transaction_commits() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    sqlx::query("CREATE TABLE users (name text NOT NULL)").execute(log.pool()).await.unwrap();
    let (lost, kept) = (event(1), event(2));

    let mut tx = log.pool().begin().await.unwrap();
    sqlx::query("INSERT INTO users VALUES ('lost')").execute(&mut *tx).await.unwrap();
    let receipts = tx.append(CHANNEL, vec![lost.clone(), event(3)]).await.unwrap();
    assert_eq!(receipts[1].position, None, "positions are given after the commit");
    assert_eq!(events(&log).await, [], "not visible before the commit");
    tx.rollback().await.unwrap();
    assert_eq!(events(&log).await, []);
    assert_eq!(log.bounds(CHANNEL).await.unwrap().next, Position(0));

    let mut tx = log.pool().begin().await.unwrap();
    sqlx::query("INSERT INTO users VALUES ('kept')").execute(&mut *tx).await.unwrap();
    tx.append(CHANNEL, vec![kept.clone()]).await.unwrap();
    tx.append(CHANNEL, vec![kept.clone()]).await.unwrap();
    tx.commit().await.unwrap();
    let found = log.find(CHANNEL, &kept.metadata.id).await.unwrap();
    assert_eq!(found, Some(Position(0)), "found at once after the commit");
    assert_eq!(log.bounds(CHANNEL).await.unwrap().next, Position(1), "visible at once after the commit");
    assert_eq!(events(&log).await, std::slice::from_ref(&kept));
    let users: Vec<String> = sqlx::query_scalar("SELECT name FROM users").fetch_all(log.pool()).await.unwrap();
    assert_eq!(users, ["kept"]);
    assert_eq!(
        append(&log, vec![lost, kept]).await,
        [Position(1), Position(0)],
        "the id of a rolled-back event is free"
    );
}

#[tokio::test]
async fn a_refused_append_leaves_the_callers_transaction_as_it_was() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let first = event(1);
    append(&log, vec![first.clone()]).await;
    let mut reused = first.clone();
    reused.data = event(2).data;
    let mut tx = log.pool().begin().await.unwrap();
    let before = event(3);
    tx.append(CHANNEL, vec![before.clone()]).await.unwrap();
    for lot in [vec![reused.clone()], vec![event(4), reused]] {
        let refused = tx.append(CHANNEL, lot).await;
        assert!(matches!(refused, Err(LogError::IdReused { .. })), "{refused:?}");
    }
    let again = tx.append(CHANNEL, vec![first.clone()]).await.unwrap();
    assert_eq!(again[0].position, Some(Position(0)), "the first receipt");
    tx.commit().await.unwrap();
    assert_eq!(events(&log).await, [first, before]);
}

#[tokio::test]
async fn a_connection_without_a_transaction_appends_in_its_own() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let mut connection = log.pool().acquire().await.unwrap();
    connection.append(CHANNEL, vec![event(1), event(2)]).await.unwrap();
    connection.append(CHANNEL, vec![event(3)]).await.unwrap();
    assert_eq!(events(&log).await.len(), 3);
}

#[tokio::test]
async fn a_callers_transaction_holds_up_nobody_and_comes_when_it_commits() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let (slow, other, direct) = (event(1), event(2), event(3));
    let mut long = log.pool().begin().await.unwrap();
    soon(long.append(CHANNEL, vec![slow.clone()])).await.unwrap();
    let mut short = log.pool().begin().await.unwrap();
    soon(short.append(CHANNEL, vec![other.clone()])).await.unwrap();
    soon(short.commit()).await.unwrap();
    assert_eq!(soon(append(&log, vec![direct.clone()])).await, [Position(1)], "behind what was committed before it");
    assert_eq!(soon(events(&log)).await, [other.clone(), direct.clone()]);
    long.commit().await.unwrap();
    assert_eq!(soon(events(&log)).await, [other, direct, slow]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_event_in_two_transactions_is_one_event() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let same = event(1);
    let mut one = log.pool().begin().await.unwrap();
    one.append(CHANNEL, vec![same.clone()]).await.unwrap();
    let mut two = log.pool().begin().await.unwrap();
    let waiting = tokio::spawn({
        let same = same.clone();
        async move {
            two.append(CHANNEL, vec![same]).await.unwrap();
            two.commit().await.unwrap();
        }
    });
    one.commit().await.unwrap();
    soon(waiting).await.unwrap();
    assert_eq!(append(&log, vec![same.clone()]).await, [Position(0)]);
    assert_eq!(events(&log).await, [same]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_ends_when_a_callers_transaction_commits() {
    let Some(schema) = Schema::create().await else { return };
    let (here, there) = (schema.log().await, schema.log().await);
    // Found by the poller alone; told by the process that committed; told in another process.
    for (position, tell) in [(0, None), (1, Some(&here)), (2, Some(&there))] {
        let waiter = tokio::spawn({
            let log = here.clone();
            async move { log.wait(CHANNEL, Position(position)).await }
        });
        let mut tx = there.pool().begin().await.unwrap();
        tx.append(CHANNEL, vec![event(0)]).await.unwrap();
        tx.commit().await.unwrap();
        if let Some(log) = tell {
            log.wake();
        }
        soon(waiter).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_in_other_processes_are_told_and_need_not_poll() {
    const ROUNDS: u32 = 20;
    let Some(schema) = Schema::create().await else { return };
    let (here, there) = (schema.log().await, schema.log().await);
    append(&there, vec![event(0)]).await;
    let mut took = Vec::new();
    for round in 1..=ROUNDS {
        let waiter = tokio::spawn({
            let log = here.clone();
            async move { log.wait(CHANNEL, Position(u64::from(round))).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        let begun = Instant::now();
        append(&there, vec![event(0)]).await;
        soon(waiter).await.unwrap().unwrap();
        took.push(begun.elapsed());
    }
    took.sort();
    // By polling alone it would take half a second on average.
    assert!(took[took.len() / 2] < Duration::from_millis(250), "{took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_share_positions() {
    let Some(schema) = Schema::create().await else { return };
    let logs = [schema.log().await, schema.log().await, schema.log().await];
    let writers: Vec<_> = (0..9)
        .map(|task| {
            let log = logs[task % 3].clone();
            tokio::spawn(async move {
                let mut positions = Vec::new();
                for number in 0..10 {
                    if number % 3 == 0 {
                        let mut tx = log.pool().begin().await.unwrap();
                        tx.append(CHANNEL, vec![event(number)]).await.unwrap();
                        tx.commit().await.unwrap();
                    } else {
                        positions.extend(append(&log, vec![event(number)]).await);
                    }
                }
                positions
            })
        })
        .collect();
    let mut positions: Vec<Position> =
        soon(futures_util::future::try_join_all(writers)).await.unwrap().into_iter().flatten().collect();
    positions.sort();
    positions.dedup();
    assert_eq!(positions.len(), 54, "no position twice");
    for log in &logs {
        let page = log.read(CHANNEL, Position(0), 1000).await.unwrap();
        let all: Vec<u64> = page.iter().map(|stored| stored.position.0).collect();
        assert_eq!(all, (0..90).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn more_than_one_round_of_waiting_events_stays_in_order() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let lot: Vec<_> = (0..6000).map(event).collect();
    let mut tx = log.pool().begin().await.unwrap();
    tx.append(CHANNEL, lot.clone()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(append(&log, vec![event(0)]).await, [Position(6000)]);
    let read = log.read(CHANNEL, Position(0), 6000).await.unwrap();
    assert!(read.iter().map(|stored| &stored.event).eq(&lot));
}

#[tokio::test]
async fn what_postgres_cannot_store_is_refused_and_fails_alone() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poison'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON event_api_events FOR EACH ROW WHEN (NEW.type = 'Poison')
         EXECUTE FUNCTION refuse();",
    )
    .execute(log.pool())
    .await
    .unwrap();
    let mut poison = event(0);
    poison.metadata.event_type = "Poison".to_owned();
    let mut nul = event(0);
    nul.metadata.subject = Some("\0".to_owned());
    let appends = (0..20).map(|number| {
        let event = match number % 5 {
            0 => poison.clone(),
            1 => nul.clone(),
            _ => event(number),
        };
        let log = &log;
        async move { Log::append(log, CHANNEL, vec![event]).await }
    });
    let outcomes = futures_util::future::join_all(appends).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_err(), number % 5 < 2, "{number}: {outcome:?}");
    }
    assert!(matches!(outcomes[1], Err(LogError::Refused { .. })), "{:?}", outcomes[1]);
    assert_eq!(log.bounds(CHANNEL).await.unwrap().next, Position(12));
    assert_eq!(events(&log).await.len(), 12);
}

#[tokio::test]
async fn readers_that_stop_waiting_leave_no_transaction_behind() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    // Each time one answer of the server further, so that the reader is dropped between any two of its statements.
    for answers in 0..12 {
        let mut tx = log.pool().begin().await.unwrap();
        tx.append(CHANNEL, vec![event(answers)]).await.unwrap();
        tx.commit().await.unwrap();
        let mut reading = log.read(CHANNEL, Position(0), 1000);
        for _ in 0..answers {
            // Polled once: it gives way as soon as the reader waits for the server.
            tokio::select! { biased; _ = &mut reading => break, () = std::future::ready(()) => {} }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(reading);
        // A lock that is left behind ends after five seconds.
        let begun = Instant::now();
        let other = schema.log().await;
        soon(append(&other, vec![event(answers)])).await;
        assert!(begun.elapsed() < Duration::from_secs(4), "after {answers} answers, somebody still had the lock");
    }
}

#[tokio::test]
async fn a_long_reading_transaction_does_not_make_it_slow() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    // As a backup does: until it ends, nothing that was there when it began can be vacuumed.
    let mut backup = log.pool().begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
    sqlx::query("SELECT count(*) FROM event_api_events").execute(&mut *backup).await.unwrap();
    let publish = async |count: usize| {
        let mut tx = log.pool().begin().await.unwrap();
        tx.append(CHANNEL, (0..count).map(event).collect()).await.unwrap();
        tx.commit().await.unwrap();
        log.bounds(CHANNEL).await.unwrap();
    };
    publish(1000).await;
    let last: i64 = sqlx::query_scalar("SELECT max(xact) FROM event_api_events").fetch_one(log.pool()).await.unwrap();
    // All that has positions is passed over, as soon as the transactions of other tests have ended that began before.
    let passed_over = async {
        loop {
            publish(1).await;
            let floor: i64 =
                sqlx::query_scalar("SELECT floor FROM event_api_channels").fetch_one(log.pool()).await.unwrap();
            if floor > last {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(passed_over).await;
    backup.rollback().await.unwrap();
}

/// Where tables come from that are restored here, transactions had come further by so many. Until where.
async fn restore(log: &PostgresLog, further: i64) -> i64 {
    sqlx::query_scalar(
        "UPDATE event_api_channels SET floor = pg_snapshot_xmax(pg_current_snapshot())::text::bigint + $1 RETURNING floor",
    )
    .bind(further)
    .fetch_one(log.pool())
    .await
    .unwrap()
}

async fn floor(log: &PostgresLog) -> i64 {
    sqlx::query_scalar("SELECT floor FROM event_api_channels").fetch_one(log.pool()).await.unwrap()
}

#[tokio::test]
async fn tables_restored_in_another_server_lose_nothing() {
    let Some(schema) = Schema::create().await else { return };
    let before = schema.log().await;
    append(&before, vec![event(0)]).await;
    let far = restore(&before, 100).await;
    let log = schema.log().await;
    let mut tx = log.pool().begin().await.unwrap();
    tx.append(CHANNEL, vec![event(1)]).await.unwrap();
    tx.commit().await.unwrap();
    // Nobody reads until this server's transactions have come as far, and those of other tests have ended.
    let passed = async {
        let sql = "SELECT pg_current_xact_id()::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
        while sqlx::query_as::<_, (i64, i64)>(sql).fetch_one(log.pool()).await.unwrap().1 <= far {}
    };
    soon(passed).await;
    assert_eq!(events(&log).await.len(), 2);
}

#[tokio::test]
async fn a_floor_of_another_server_is_not_carried_on() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let first = event(0);
    append(&log, vec![first.clone()]).await;
    let far = restore(&log, 1_000_000_000_000).await;
    let mut tx = log.pool().begin().await.unwrap();
    tx.append(CHANNEL, vec![event(1)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(events(&log).await.len(), 2);
    assert!(floor(&log).await < far, "by who gives positions");
    let far = restore(&log, 1_000_000_000_000).await;
    append(&log, vec![first, event(2)]).await;
    assert!(floor(&log).await < far, "by who appends an id again");
}

#[tokio::test]
async fn tables_of_a_newer_release_are_refused_also_where_none_may_be_created() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    sqlx::query("UPDATE event_api_schema SET version = 999").execute(log.pool()).await.unwrap();
    for role in ["none", "pg_read_all_data"] {
        let pool = PgPool::connect_with(schema.options().options([("role", role)])).await.unwrap();
        let refused = PostgresLog::with_pool(pool).await.unwrap_err();
        let LogError::Storage(source) = refused else { panic!("{refused:?}") };
        assert!(source.to_string().contains("newer release"), "{source}");
    }
}

#[tokio::test]
async fn tables_are_those_of_the_first_schema_only() {
    let (Some(one), Some(other)) = (Schema::create().await, Schema::create().await) else { return };
    let log = one.log().await;
    append(&log, vec![event(0)]).await;
    let path = format!("{},{}", other.name(), one.name());
    let both = other.log_with([("search_path", path.as_str())]).await;
    append(&both, vec![event(1)]).await;
    assert_eq!((events(&log).await.len(), events(&both).await.len()), (1, 1));
    let alone = other.log().await;
    assert_eq!(events(&alone).await, events(&both).await, "also when the first one is all that it sees");
}

#[tokio::test]
async fn processes_that_start_at_once_make_the_tables_once() {
    let Some(schema) = Schema::create().await else { return };
    // A stricter level would see what was there before the other one had made the tables.
    let level = [("default_transaction_isolation", "serializable")];
    let opened = futures_util::future::join_all((0..4).map(|_| schema.log_with(level))).await;
    for log in &opened {
        append(log, vec![event(0)]).await;
    }
    assert_eq!(opened[0].bounds(CHANNEL).await.unwrap().next, Position(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_whatever_isolation_level_is_the_default() {
    let Some(schema) = Schema::create().await else { return };
    for (round, level) in ["read uncommitted", "repeatable read", "serializable"].into_iter().enumerate() {
        let options = [("default_transaction_isolation", level)];
        let logs = [schema.log_with(options).await, schema.log_with(options).await];
        let channel = format!("{CHANNEL} {round}");
        let writers = (0..8).map(|task| {
            let (log, channel) = (logs[task % 2].clone(), channel.clone());
            tokio::spawn(async move {
                for number in 0..10 {
                    if (task + number) % 4 == 0 {
                        let mut tx = log.pool().begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await.unwrap();
                        tx.append(&channel, vec![event(number)]).await.unwrap();
                        tx.commit().await.unwrap();
                    } else {
                        let receipts = Log::append(&log, &channel, vec![event(number)]).await.unwrap();
                        let position = receipts[0].position.unwrap();
                        let page = log.read(&channel, position, 1).await.unwrap();
                        assert_eq!(page[0].event.metadata.id, receipts[0].id);
                    }
                }
            })
        });
        soon(futures_util::future::try_join_all(writers)).await.unwrap();
        let page = logs[0].read(&channel, Position(0), 1000).await.unwrap();
        let positions: Vec<u64> = page.iter().map(|stored| stored.position.0).collect();
        assert_eq!(positions, (0..80).collect::<Vec<_>>(), "{level}");
    }
}

#[tokio::test]
async fn an_append_is_on_the_disk_whatever_a_connection_was_told() {
    let Some(schema) = Schema::create().await else { return };
    let log = PostgresLog::with_pool(schema.pool(1).await).await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE seen (setting text);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
         CREATE TRIGGER see AFTER INSERT ON event_api_events EXECUTE FUNCTION see();
         SET synchronous_commit = off;",
    )
    .execute(log.pool())
    .await
    .unwrap();
    let first = event(0);
    append(&log, vec![first.clone()]).await;
    append(&log, vec![first, event(1)]).await;
    let seen: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT setting FROM seen").fetch_all(log.pool()).await.unwrap();
    assert_eq!(seen, ["on"]);
}

#[tokio::test]
async fn a_page_needs_no_more_than_one_round_of_waiting_events() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let mut tx = log.pool().begin().await.unwrap();
    tx.append(CHANNEL, (0..6000).map(event).collect()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(log.read(CHANNEL, Position(0), 10).await.unwrap().len(), 10);
    let sql = "SELECT count(*) FROM event_api_events WHERE position IS NULL";
    let waiting: i64 = sqlx::query_scalar(sql).fetch_one(log.pool()).await.unwrap();
    assert_eq!(waiting, 1000);
    assert_eq!(log.read(CHANNEL, Position(0), 10_000).await.unwrap().len(), 6000);
}

#[tokio::test]
async fn waiting_ends_when_the_pool_is_closed() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let mut waiting = std::pin::pin!(log.wait(CHANNEL, Position(0)));
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut waiting).await.is_err());
    log.pool().close().await;
    soon(waiting).await.unwrap_err();
}
