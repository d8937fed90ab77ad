//! Effects in the handler's transaction are exactly once, however often the consumer is killed.
//!
//! The test starts itself again as a child, which consumes a log and writes down each event, kills it in the middle,
//! again and again, and looks at what was written down.
#![cfg(all(feature = "sqlite", feature = "postgres", unix))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod postgres_support;
mod support;

use std::io::{BufRead, BufReader, Write};
use std::marker::PhantomData;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use event_api::consume::{Group, LogConsumer, PostgresCheckpoints, SqliteCheckpoints};
use event_api::log::conformance::event;
use event_api::log::{Log, PostgresLog, SqliteLog};
use event_api::{Context, EventSet, Handler, HandlerResult, RawEvent};
use postgres_support::Schema;
use sqlx::postgres::Postgres;
use sqlx::sqlite::Sqlite;
use support::UserEvents;

const EVENTS: usize = 400;
const SUBJECTS: usize = 10;
const DATABASE: &str = "EVENT_API_TEST_KILLED_CONSUMER";
const TABLE: &str = "CREATE TABLE effects (id text NOT NULL)";
const NUMBERED: &str = "CREATE TABLE effects (id text NOT NULL, number bigint GENERATED ALWAYS AS IDENTITY)";
const ALL: &str = "SELECT id FROM effects ORDER BY id";

#[test]
fn effects_in_sqlite_are_exactly_once() {
    let name = "effects_in_sqlite_are_exactly_once";
    if let Ok(path) = std::env::var(DATABASE) {
        return consume_sqlite(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let log = runtime.block_on(async {
        let log = SqliteLog::open(&path).await.unwrap();
        sqlx::raw_sql(TABLE).execute(log.pool()).await.unwrap();
        fill(&log).await;
        log
    });
    let kills = run_until_done(name, path.to_str().unwrap());
    let effects = runtime.block_on(async { sqlx::query_scalar(ALL).fetch_all(log.pool()).await.unwrap() });
    check(&effects, kills);
}

#[test]
fn effects_in_postgres_are_exactly_once() {
    in_postgres("effects_in_postgres_are_exactly_once", 1, |url| consume_postgres(url, 1));
}

#[test]
fn effects_side_by_side_are_exactly_once() {
    in_postgres("effects_side_by_side_are_exactly_once", 1, |url| consume_postgres(url, 8));
}

#[test]
fn effects_of_a_group_are_exactly_once() {
    in_postgres("effects_of_a_group_are_exactly_once", 2, consume_in_group);
}

/// Has children consume, `members` at a time.
fn in_postgres(name: &str, members: usize, consume: impl Fn(&str)) {
    if let Ok(url) = std::env::var(DATABASE) {
        return consume(&url);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(schema) = runtime.block_on(Schema::create()) else { return };
    let log = runtime.block_on(async {
        let log = schema.log().await;
        sqlx::raw_sql(NUMBERED).execute(log.pool()).await.unwrap();
        fill(&log).await;
        log
    });
    let others: Vec<Child> = (1..members).map(|_| start(name, &schema.url())).collect();
    let kills = run_until_done(name, &schema.url());
    for mut other in others {
        assert!(other.wait().unwrap().success(), "a member that was not killed failed");
    }
    let effects: Vec<String> = runtime.block_on(async { sqlx::query_scalar(ALL).fetch_all(log.pool()).await.unwrap() });
    let order: Vec<(String, i64)> = runtime.block_on(async {
        sqlx::query_as("SELECT id, number FROM effects ORDER BY number").fetch_all(log.pool()).await.unwrap()
    });
    runtime.block_on(log.pool().close());
    assert!(kills > 1, "killed only {kills} times");
    assert_eq!(effects, (0..EVENTS).map(id).collect::<Vec<_>>(), "each event once, after {kills} kills");
    for subject in 0..SUBJECTS {
        let of_subject: Vec<&String> = order
            .iter()
            .map(|(id, _)| id)
            .filter(|id| (0..EVENTS).any(|n| n % SUBJECTS == subject && **id == self::id(n)))
            .collect();
        assert!(of_subject.is_sorted(), "subject {subject} out of order: {of_subject:?}");
    }
}

fn id(number: usize) -> String {
    format!("event-{number:04}")
}

async fn fill(log: &impl Log) {
    let data = serde_json::value::RawValue::from_string(r#"{"oldName":"a","newName":"b"}"#.to_owned()).unwrap();
    let changed = |number| {
        let mut event: RawEvent = event(number);
        event.metadata.id = id(number).into();
        event.metadata.subject = Some(format!("/{}", number % SUBJECTS));
        event.data.clone_from(&data);
        event
    };
    log.append(UserEvents::CHANNEL.name, (0..EVENTS).map(changed).collect()).await.unwrap();
}

fn start(name: &str, database: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(DATABASE, database)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Starts the child and kills it, until it comes to the end by itself. How often it was killed.
fn run_until_done(name: &str, database: &str) -> usize {
    for kills in 0.. {
        let mut child = start(name, database);
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // At another place each time: some kills come before the commit, some after it.
        let handled =
            lines.map_while(Result::ok).filter(|line| line.starts_with("handled")).take(25 + kills % 7).count();
        if handled < 25 + kills % 7 {
            assert!(child.wait().unwrap().success(), "the child failed");
            return kills;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    unreachable!("the child makes progress each time")
}

fn check(effects: &[String], kills: usize) {
    assert_eq!(effects, (0..EVENTS).map(id).collect::<Vec<_>>(), "each event once, after {kills} kills");
    assert!(kills > 5, "killed only {kills} times");
}

struct Notes<DB>(PhantomData<fn() -> DB>);

impl Handler for Notes<Sqlite> {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        let mut tx = cx.transaction::<Sqlite>().await?;
        sqlx::query("INSERT INTO effects (id) VALUES ($1)").bind(cx.id.as_str()).execute(&mut *tx).await?;
        writeln!(std::io::stderr(), "handled").map_err(Into::into)
    }
}

impl Handler for Notes<Postgres> {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        let mut tx = cx.transaction::<Postgres>().await?;
        sqlx::query("INSERT INTO effects (id) VALUES ($1)").bind(cx.id.as_str()).execute(&mut *tx).await?;
        writeln!(std::io::stderr(), "handled").map_err(Into::into)
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn consume_sqlite(path: &str) {
    let log = SqliteLog::open(path).await.unwrap();
    let checkpoints = SqliteCheckpoints::with_pool(log.pool().clone()).await.unwrap();
    LogConsumer::new(&log, checkpoints).run_until_caught_up(Notes::<Sqlite>(PhantomData)).await.unwrap();
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn consume_postgres(url: &str, concurrency: usize) {
    let log = PostgresLog::connect(url).await.unwrap();
    let checkpoints = PostgresCheckpoints::with_pool(log.pool().clone()).await.unwrap();
    let consumer = LogConsumer::new(&log, checkpoints).concurrency(concurrency);
    consumer.run_until_caught_up(Notes::<Postgres>(PhantomData)).await.unwrap();
}

/// Until all is done, whoever did it.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn consume_in_group(url: &str) {
    let log = PostgresLog::connect(url).await.unwrap();
    let pool = log.pool().clone();
    let checkpoints = PostgresCheckpoints::with_pool(pool.clone()).await.unwrap();
    let group = Group::new().partitions(8).lease(Duration::from_millis(300));
    let done = async move {
        while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM effects").fetch_one(&pool).await.unwrap() < 400 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let consumer = LogConsumer::new(&log, checkpoints).group(group).concurrency(4).shutdown(done);
    consumer.run(Notes::<Postgres>(PhantomData)).await.unwrap();
}
