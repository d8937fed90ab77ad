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
use std::process::{Command, Stdio};

use event_api::consume::{LogConsumer, PostgresCheckpoints, SqliteCheckpoints};
use event_api::log::conformance::event;
use event_api::log::{Log, PostgresLog, SqliteLog};
use event_api::{Context, EventSet, Handler, HandlerResult, RawEvent};
use postgres_support::Schema;
use sqlx::postgres::Postgres;
use sqlx::sqlite::Sqlite;
use support::UserEvents;

const EVENTS: usize = 400;
const DATABASE: &str = "EVENT_API_TEST_KILLED_CONSUMER";
const TABLE: &str = "CREATE TABLE effects (id text NOT NULL)";
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
    let name = "effects_in_postgres_are_exactly_once";
    if let Ok(url) = std::env::var(DATABASE) {
        return consume_postgres(&url);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(schema) = runtime.block_on(Schema::create()) else { return };
    let log = runtime.block_on(async {
        let log = schema.log().await;
        sqlx::raw_sql(TABLE).execute(log.pool()).await.unwrap();
        fill(&log).await;
        log
    });
    let kills = run_until_done(name, &schema.url());
    let effects = runtime.block_on(async { sqlx::query_scalar(ALL).fetch_all(log.pool()).await.unwrap() });
    runtime.block_on(log.pool().close());
    check(&effects, kills);
}

fn id(number: usize) -> String {
    format!("event-{number:04}")
}

async fn fill(log: &impl Log) {
    let data = serde_json::value::RawValue::from_string(r#"{"oldName":"a","newName":"b"}"#.to_owned()).unwrap();
    let changed = |number| {
        let mut event: RawEvent = event(number);
        event.metadata.id = id(number).into();
        event.data.clone_from(&data);
        event
    };
    log.append(UserEvents::CHANNEL.name, (0..EVENTS).map(changed).collect()).await.unwrap();
}

/// Starts the child and kills it, until it comes to the end by itself. How often it was killed.
fn run_until_done(name: &str, database: &str) -> usize {
    for kills in 0.. {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(DATABASE, database)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
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
        sqlx::query("INSERT INTO effects VALUES ($1)").bind(cx.id.as_str()).execute(&mut *tx).await?;
        writeln!(std::io::stderr(), "handled").map_err(Into::into)
    }
}

impl Handler for Notes<Postgres> {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        let mut tx = cx.transaction::<Postgres>().await?;
        sqlx::query("INSERT INTO effects VALUES ($1)").bind(cx.id.as_str()).execute(&mut *tx).await?;
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
async fn consume_postgres(url: &str) {
    let log = PostgresLog::connect(url).await.unwrap();
    let checkpoints = PostgresCheckpoints::with_pool(log.pool().clone()).await.unwrap();
    LogConsumer::new(&log, checkpoints).run_until_caught_up(Notes::<Postgres>(PhantomData)).await.unwrap();
}
