//! Replaying a history of a million events: a consumer with an empty handler over HTTP, against reading and parsing the
//! same pages from memory.
//!
//! `cargo bench -p event-api-tests --bench replay` prints `ratio NAME VALUE bar BAR`; larger is better. The server is a
//! process of its own, and keeps the pages in memory; the consumer keeps its checkpoint in SQLite, and stores it ten times
//! a second, as one does that has much to catch up on. `EVENT_API_REPLAY_EVENTS` names another number of events.

#![allow(clippy::print_stdout, reason = "a benchmark that prints what it measured")]

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use event_api::consume::{Checkpoints, MemoryCheckpoints, SqliteCheckpoints};
use event_api::feed::{self, Feeds, Page};
use event_api::log::{Log, MemoryLog};
use event_api::{Context, Envelope, Handler, HandlerResult, Metadata};
use event_api_tests::child::{self, Child};
use event_api_tests::get::Connection;
use event_api_tests::measure::{median, ratio};
use tokio::net::TcpListener;

/// What is generated from `documents/accounts.yaml`.
mod api {
    #![allow(dead_code, reason = "generated, of which the benchmark uses a part")]
    include!(concat!(env!("OUT_DIR"), "/accounts.rs"));
}

const ROUNDS: usize = 5;
/// Events of a page: as the feed has it unless asked, and the most that it gives when asked.
const PAGES: [usize; 2] = [100, 1000];

/// How often the checkpoint is stored.
const INTERVAL: Duration = Duration::from_millis(100);

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let events = match std::env::var("EVENT_API_REPLAY_EVENTS") {
        Ok(text) => text.parse()?,
        Err(_) => 1_000_000,
    };
    match child::role() {
        Some(_) => serve(events).await,
        None => measure(events).await,
    }
}

async fn serve(events: usize) -> Result<(), Failure> {
    let log = MemoryLog::new();
    for from in (0..events).step_by(1000) {
        let events = (from..events.min(from + 1000)).map(|number| {
            let mut metadata = Metadata::new("");
            metadata.subject = Some(format!("/users/user-{number:06}"));
            let event = api::NameChanged::new(format!("user-{number:06}"), "Johanna Überacker".into(), "Jo".into());
            Envelope { metadata, event: api::AccountsEvents::from(event) }.into_raw()
        });
        Log::append(&log, api::AccountsEvents::CHANNEL.name, events.collect::<Result<_, _>>()?).await?;
    }
    let feeds = Feeds::new(&log, [api::AccountsEvents::CHANNEL]).page_cache(2 << 30);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    Ok(axum::serve(listener, Router::new().nest("/feeds", feeds.router())).await?)
}

async fn measure(events: usize) -> Result<(), Failure> {
    let server = Child::start("server", "")?;
    let folder = tempfile::tempdir()?;
    for limit in PAGES {
        measure_pages(&server, events, limit, folder.path()).await?;
    }
    let each = consume(&server, MemoryCheckpoints::new(), Duration::ZERO, "?limit=1000", events).await?;
    // A hundredth, because each checkpoint is a commit.
    let checkpoints = SqliteCheckpoints::open(folder.path().join("each.db")).await?;
    let from = events - events / 100;
    let durable = consume(&server, checkpoints, Duration::ZERO, &format!("?offset={from}"), events - from).await?;
    println!(
        "for comparison, with a checkpoint after each event: {:.0} events/s in memory, {:.0} in SQLite",
        events as f64 / each.as_secs_f64(),
        (events - from) as f64 / durable.as_secs_f64()
    );
    Ok(())
}

async fn measure_pages(server: &Child, events: usize, limit: usize, folder: &Path) -> Result<(), Failure> {
    let pages = fetch(server, events, limit).await?;
    let bytes: usize = pages.iter().map(Vec::len).sum();
    println!("{events} events, {} pages of {} bytes", pages.len(), bytes / pages.len().max(1));
    let query = format!("?limit={limit}");
    let (mut parsed, mut consumed, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let parsing = parse(&pages, events);
        let before = child::own_cpu()?;
        let checkpoints = SqliteCheckpoints::open(folder.join(format!("{limit}-{round}.db"))).await?;
        let consuming = consume(server, checkpoints, INTERVAL, &query, events).await?;
        if round > 0 {
            parsed.push(parsing);
            consumed.push(consuming);
            cpu.push(child::own_cpu()?.saturating_sub(before));
        }
    }
    let (parsed, consumed) = (median(parsed), median(consumed));
    let rate = |time: Duration| events as f64 / time.as_secs_f64();
    println!("parsing {:.0} events/s, consuming {:.0} events/s", rate(parsed), rate(consumed));
    // Where other processes compete, a consumer that waits for its server loses more than one that only computes.
    println!("for comparison: {:.2} by the processor time of the consumer's process alone", ratio(parsed, median(cpu)));
    println!("ratio replay-{limit} {:.2} bar 0.50", ratio(parsed, consumed));
    Ok(())
}

/// All pages, as they come over the wire. The server has them in its memory then.
async fn fetch(server: &Child, events: usize, limit: usize) -> Result<Vec<Vec<u8>>, Failure> {
    let mut pages = Vec::with_capacity(events / limit);
    for offset in (0..events).step_by(limit) {
        // As the consumer asks: it follows the URLs that it is given.
        let path = format!("/feeds/accounts?offset={offset}&limit={limit}");
        pages.push(Connection::open(&server.address, &path, "").await?.get().await?.to_vec());
    }
    Ok(pages)
}

fn parse(pages: &[Vec<u8>], events: usize) -> Duration {
    let start = Instant::now();
    let read = |page: &Vec<u8>| match Page::<api::AccountsEvents>::from_slice(page) {
        Ok(page) => std::hint::black_box(page).items.iter().filter(|item| item.event.is_ok()).count(),
        Err(_) => 0,
    };
    assert_eq!(pages.iter().map(read).sum::<usize>(), events);
    start.elapsed()
}

async fn consume(
    server: &Child,
    checkpoints: impl Checkpoints + 'static,
    interval: Duration,
    query: &str,
    events: usize,
) -> Result<Duration, Failure> {
    let handled = Arc::<AtomicUsize>::default();
    let url = format!("http://{}/feeds/accounts{query}", server.address);
    let start = Instant::now();
    let consumer = feed::Consumer::new(url, checkpoints).checkpoint_interval(interval);
    consumer.run_until_caught_up(Empty(Arc::clone(&handled))).await?;
    let elapsed = start.elapsed();
    assert_eq!(handled.load(Ordering::Relaxed), events);
    Ok(elapsed)
}

/// Counts, so that it is known that nothing was passed over.
struct Empty(Arc<AtomicUsize>);

impl Handler for Empty {
    type Events = api::AccountsEvents;

    async fn handle(&self, _: api::AccountsEvents, _: &Context) -> HandlerResult {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
