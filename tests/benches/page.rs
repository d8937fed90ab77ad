//! A full page of a feed that is held in memory, against a body of the same size that an axum handler returns.
//!
//! `cargo bench -p event-api-tests --bench page` prints `ratio NAME VALUE bar BAR`; larger is better: requests in the same
//! time, and processor time of the server for a request. Both servers are processes of their own, and take turns.

#![allow(clippy::print_stdout, reason = "a benchmark that prints what it measured")]

use std::io::{self, Write as _};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::routing::get;
use event_api::feed;
use event_api::log::MemoryLog;
use event_api_tests::child::{self, Child};
use event_api_tests::get::Connection;
use event_api_tests::measure::ratio;
use tokio::net::TcpListener;

/// What is generated from `documents/accounts.yaml`.
mod api {
    #![allow(dead_code, reason = "generated, of which the benchmark uses a part")]
    include!(concat!(env!("OUT_DIR"), "/accounts.rs"));
}

const ROUNDS: usize = 21;
const REQUESTS: usize = 8_000;
const CONNECTIONS: usize = 16;
const PATH: &str = "/feeds/accounts?offset=0&limit=100";

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    match child::role().as_deref() {
        Some("feed") => serve(feed_server().await?).await,
        Some(_) => serve(static_server()?).await,
        None => measure().await,
    }
}

async fn serve(app: Router) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    io::stdout().flush()?;
    Ok(axum::serve(listener, app).await?)
}

async fn feed_server() -> Result<Router, Failure> {
    let log = MemoryLog::new();
    let accounts = api::AccountsEvents::publisher(&log).subject("/users/user-000017");
    for number in 0..200 {
        let event = api::NameChanged::new(format!("user-{number:06}"), "Johanna Überacker".into(), "Jo".into());
        accounts.publish(event).await?;
    }
    Ok(Router::new().nest("/feeds", feed::router(&log, [api::AccountsEvents::CHANNEL])))
}

/// The body is in the file that is named on the command line.
fn static_server() -> Result<Router, Failure> {
    let file = std::env::args().nth(1).ok_or("no file")?;
    let body = Bytes::from(std::fs::read(file)?);
    let handler = move || {
        let body = body.clone();
        async move { ([(header::CONTENT_TYPE, "application/feed+json")], body) }
    };
    Ok(Router::new().route("/feeds/accounts", get(handler)))
}

async fn measure() -> Result<(), Failure> {
    let feed = Child::start("feed", "")?;
    let mut connection = Connection::open(&feed.address, PATH, "").await?;
    let page = connection.get().await?.to_vec();
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &page)?;
    let fixed = Child::start("static", &file.path().display().to_string())?;
    let mut servers = [Server::open(feed, page.len()).await?, Server::open(fixed, page.len()).await?];
    for round in 0..=ROUNDS {
        // Each goes first in every other round.
        for index in [round % 2, (round + 1) % 2] {
            servers[index].round(round > 0).await?;
        }
    }
    let [feed, fixed] = servers.map(Server::medians);
    let rate = |(time, _): (Duration, Duration)| REQUESTS as f64 / time.as_secs_f64();
    let cost = |(_, cpu): (Duration, Duration)| cpu.as_secs_f64() * 1e6 / REQUESTS as f64;
    println!(
        "a page of {} bytes: feed {:.0} requests/s, {:.1} µs of CPU each; static {:.0} requests/s, {:.1} µs",
        page.len(),
        rate(feed),
        cost(feed),
        rate(fixed),
        cost(fixed)
    );
    println!("ratio page-requests {:.2} bar 0.80", ratio(fixed.0, feed.0));
    println!("ratio page-cpu {:.2} bar 0.80", ratio(fixed.1, feed.1));
    Ok(())
}

/// A server, the connections to it, and what was measured: the time of a round, and the server's own.
struct Server {
    process: Child,
    connections: Vec<Connection>,
    length: usize,
    times: Vec<Duration>,
    cpu: Vec<Duration>,
}

impl Server {
    async fn open(process: Child, length: usize) -> io::Result<Self> {
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            connections.push(Connection::open(&process.address, PATH, "").await?);
        }
        Ok(Server { process, connections, length, times: Vec::new(), cpu: Vec::new() })
    }

    async fn round(&mut self, counts: bool) -> io::Result<()> {
        let (before, start) = (self.process.cpu()?, std::time::Instant::now());
        let length = self.length;
        let ask = |mut connection: Connection| async move {
            for _ in 0..REQUESTS / CONNECTIONS {
                let body = connection.get().await?;
                assert_eq!(body.len(), length, "both serve the same page");
            }
            Ok::<_, io::Error>(connection)
        };
        let tasks: Vec<_> = self.connections.drain(..).map(|connection| tokio::spawn(ask(connection))).collect();
        for task in tasks {
            self.connections.push(task.await??);
        }
        if counts {
            self.times.push(start.elapsed());
            self.cpu.push(self.process.cpu()?.saturating_sub(before));
        }
        Ok(())
    }

    fn medians(self) -> (Duration, Duration) {
        let median = event_api_tests::measure::median;
        (median(self.times), median(self.cpu))
    }
}
