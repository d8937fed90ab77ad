//! Readers that wait at the end of a feed: how long it takes from a commit to the handler, over long polls, server-sent
//! events and WebSockets, and what thousands of idle readers cost.
//!
//! `cargo bench -p event-api-tests --bench waiting` prints what it measured; there is nothing to compare it with, and no bar.
//! The log is SQLite.

#![allow(clippy::print_stdout, reason = "a benchmark that prints what it measured")]

mod idle;
mod latency;

/// What is generated from `documents/accounts.yaml`.
mod api {
    #![allow(dead_code, reason = "generated, of which the benchmark uses a part")]
    include!(concat!(env!("OUT_DIR"), "/accounts.rs"));
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    match event_api_tests::child::role() {
        Some(_) => idle::serve().await,
        None => {
            latency::measure().await?;
            idle::measure().await
        }
    }
}

fn event(number: usize) -> api::NameChanged {
    api::NameChanged::new(format!("user-{number:06}"), "Johanna Überacker".to_owned(), "Johanna Feldmann".to_owned())
}

/// The one of `times` below which so many of a hundred are.
fn percentile(times: &mut [std::time::Duration], percent: usize) -> std::time::Duration {
    times.sort_unstable();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}
