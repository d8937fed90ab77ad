//! Whether a log stays as fast as it was while it grows: how many events are appended and read in a second when it holds
//! 10⁴ events, 10⁵, and so on.
//!
//! ```console
//! $ cargo run --release -p event-api-tests --bin growth -- --log sqlite --events 10000000
//! ```
//!
//! Out: a table, and `growth NAME VALUE bar 0.80` for the slowest size against the smallest. At each size, rounds of appends
//! by 64 publishers and of reads of pages at random places take turns, and the median counts. Before, what a server does in
//! its own time while a log grows over months is done (`VACUUM`, a checkpoint): here it has grown in a minute. Ten million
//! events take some six gigabytes; `--folder` says where.

#![allow(clippy::print_stdout, reason = "a command that prints what it measured")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use event_api::log::{Log, PostgresLog, SqliteLog};
use event_api::{Metadata, Position, RawEvent};
use event_api_tests::measure::median;
use event_api_tests::schema::Schema;
use rand::Rng as _;
use serde_json::value::RawValue;

const CHANNEL: &str = "accounts";
const PUBLISHERS: u64 = 64;
/// Of each publisher in a round.
const EVENTS: u64 = 40;
/// Pages that are read in a round.
const PAGES: u64 = 400;
const PAGE: usize = 100;
const ROUNDS: usize = 9;
/// How many events are appended at once while the log grows to its next size.
const LOT: u64 = 1000;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Appends to a log and reads from it while it grows, and says whether it becomes slower
#[derive(Debug, Parser)]
struct Args {
    /// Where the events are
    #[arg(long, value_enum, default_value_t = LogKind::Sqlite)]
    log: LogKind,
    /// The size at which to end
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Where the SQLite database is made, and removed afterwards; by default in the folder for temporary files
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogKind {
    Sqlite,
    Postgres,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let Args { log, events, folder } = Args::parse();
    match log {
        LogKind::Sqlite => {
            let folder = match folder {
                Some(folder) => tempfile::tempdir_in(folder)?,
                None => tempfile::tempdir()?,
            };
            let log = SqliteLog::open(folder.path().join("log.db")).await?;
            let settle =
                || async { Ok(sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(log.pool()).await.map(drop)?) };
            measure("sqlite", Arc::new(log.clone()), settle, events).await
        }
        LogKind::Postgres => {
            let Some(schema) = Schema::create().await? else { return Ok(()) };
            let log = PostgresLog::connect(&schema.url()).await?;
            let settle = || async {
                for command in ["VACUUM (ANALYZE) event_api_events", "CHECKPOINT"] {
                    sqlx::raw_sql(command).execute(log.pool()).await?;
                }
                Ok(())
            };
            let measured = measure("postgres", Arc::new(log.clone()), settle, events).await;
            log.pool().close().await;
            schema.remove().await?;
            measured
        }
    }
}

async fn measure(
    name: &str,
    log: Arc<dyn Log>,
    settle: impl AsyncFn() -> Result<(), Failure>,
    events: u64,
) -> Result<(), Failure> {
    println!("| events in {name} | appended a second | read a second, in pages of {PAGE} |");
    println!("| --- | --- | --- |");
    let (mut appends, mut reads) = (Vec::new(), Vec::new());
    for size in (4..).map(|power| 10_u64.pow(power)).take_while(|size| *size <= events) {
        grow(&log, size).await?;
        settle().await?;
        let mut times = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let taken = (append(&log).await?, read(&log, size).await?);
            if round > 0 {
                times.0.push(taken.0);
                times.1.push(taken.1);
            }
        }
        let append = (PUBLISHERS * EVENTS) as f64 / median(times.0).as_secs_f64();
        let read = (PAGES * PAGE as u64) as f64 / median(times.1).as_secs_f64();
        println!("| {size} | {append:.0} | {read:.0} |");
        appends.push(append);
        reads.push(read);
    }
    for (what, rates) in [("append", appends), ("read", reads)] {
        let first = rates.first().copied().unwrap_or(f64::NAN);
        let slowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
        println!("growth {name}-{what} {:.2} bar 0.80", slowest / first);
    }
    Ok(())
}

/// Appends until the log holds `size` events.
async fn grow(log: &Arc<dyn Log>, size: u64) -> Result<(), Failure> {
    let mut next = log.bounds(CHANNEL).await?.next.0;
    while next < size {
        let lot = LOT.min(size - next);
        log.append(CHANNEL, (next..next + lot).map(event).collect::<Result<_, _>>()?).await?;
        next += lot;
    }
    Ok(())
}

async fn append(log: &Arc<dyn Log>) -> Result<Duration, Failure> {
    let start = Instant::now();
    let publish = |log: Arc<dyn Log>| async move {
        for number in 0..EVENTS {
            log.append(CHANNEL, vec![event(number)?]).await?;
        }
        Ok::<_, Failure>(())
    };
    let publishers: Vec<_> = (0..PUBLISHERS).map(|_| tokio::spawn(publish(Arc::clone(log)))).collect();
    for publisher in publishers {
        publisher.await??;
    }
    Ok(start.elapsed())
}

/// Pages at random places: the middle of a history is as good as its end.
async fn read(log: &Arc<dyn Log>, size: u64) -> Result<Duration, Failure> {
    let start = Instant::now();
    for _ in 0..PAGES {
        let from = rand::rng().random_range(0..=size - PAGE as u64);
        let page = log.read(CHANNEL, Position(from), PAGE).await?;
        assert_eq!(page.len(), PAGE);
    }
    Ok(start.elapsed())
}

fn event(number: u64) -> Result<RawEvent, serde_json::Error> {
    let mut metadata = Metadata::new("NameChanged");
    metadata.subject = Some(format!("/users/user-{:06}", number % 100_000));
    metadata.version = Some("1.0.0".to_owned());
    let data = format!(r#"{{"userId":"user-{number:06}","oldName":"Johanna Überacker","newName":"Johanna Feldmann"}}"#);
    Ok(RawEvent { metadata, data: RawValue::from_string(data)? })
}
