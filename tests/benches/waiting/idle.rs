//! Thousands of readers that wait at the end of a feed: the memory that each takes in the server, and how long it takes
//! until all are answered when an event comes.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use event_api::feed;
use event_api::log::SqliteLog;
use event_api_tests::child::Child;
use event_api_tests::get::Connection;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;

use super::{Failure, api, event, percentile};

const READERS: usize = 5_000;
const ROUNDS: usize = 5;
/// Connections are opened in lots, so that none has to knock twice.
const LOT: usize = 100;

/// The server: `/publish` appends an event.
pub(super) async fn serve() -> Result<(), Failure> {
    raise_limit();
    let folder = tempfile::tempdir()?;
    let log = SqliteLog::open(folder.path().join("log.db")).await?;
    let accounts = api::AccountsEvents::publisher(&log);
    let publish = move || {
        let accounts = accounts.clone();
        async move { accounts.publish(event(0)).await.map(|receipt| receipt.id.to_string()).unwrap_or_default() }
    };
    let app = Router::new()
        .nest("/feeds", feed::router(&log, [api::AccountsEvents::CHANNEL]))
        .route("/publish", get(publish));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    Ok(axum::serve(listener, app).await?)
}

pub(super) async fn measure() -> Result<(), Failure> {
    raise_limit();
    let server = Child::start("server", "")?;
    let mut publisher = Connection::open(&server.address, "/publish", "").await?;
    publisher.get().await?;
    settle(&server).await?;
    let before = server.memory()?;
    // Of each round: until the publisher was answered, until the first, the middle and the last reader was.
    let mut times: [Vec<Duration>; 4] = Default::default();
    let mut readers = 0;
    for round in 0..ROUNDS {
        let path = format!("/feeds/accounts?offset={}", round + 1);
        let mut waiting = Vec::with_capacity(READERS);
        for lot in 0..READERS / LOT {
            for _ in 0..LOT {
                let mut reader = Connection::open(&server.address, &path, "prefer: wait=50\r\n").await?;
                reader.ask().await?;
                waiting.push(reader);
            }
            if lot % 10 == 9 {
                settle(&server).await?;
            }
        }
        settle(&server).await?;
        if round == 0 {
            readers = (server.memory()?.saturating_sub(before)) / READERS as u64;
        }
        let start = Instant::now();
        let answered: Vec<_> = waiting
            .into_iter()
            .map(|mut reader| tokio::spawn(async move { reader.read().await.map(|_| start.elapsed()) }))
            .collect();
        publisher.get().await?;
        times[0].push(start.elapsed());
        let mut all = Vec::with_capacity(READERS);
        for reader in answered {
            all.push(reader.await??);
        }
        for (times, percent) in times[1..].iter_mut().zip([0, 50, 100]) {
            times.push(percentile(&mut all, percent));
        }
    }
    let [published, first, middle, last] = times.map(|mut times| percentile(&mut times, 50));
    println!("idle: {READERS} readers take {readers} bytes of the server's memory each");
    println!(
        "idle: an event is durable after {published:?}; the first reader has it after {first:?}, half of them after \
         {middle:?}, the last one after {last:?}"
    );
    Ok(())
}

/// Returns when the server has nothing left to do.
async fn settle(server: &Child) -> io::Result<()> {
    let pause = Duration::from_millis(200);
    loop {
        let before = server.cpu()?;
        tokio::time::sleep(pause).await;
        // One poller for all readers goes on looking.
        if server.cpu()?.saturating_sub(before) < pause / 20 {
            return Ok(());
        }
    }
}

/// A connection is an open file on both sides.
fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        eprintln!("the limit of open files stays as it is: {error}");
    }
}
