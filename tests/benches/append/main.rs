//! Durable appends by 64 publishers at once, against bare loops that commit the same rows in groups: through `rusqlite` on
//! SQLite (`synchronous=FULL`), through `unnest` on Postgres.
//!
//! `cargo bench -p event-api-tests --bench append` prints `ratio NAME VALUE bar BAR`; larger is better. The bare loops
//! write into the same tables with the same indexes, answer the same number of producers, each after the commit that
//! holds its row, and do nothing else: no ids that may be there already, no lock, no notification.

#![allow(clippy::print_stdout, reason = "a benchmark that prints what it measured")]

mod bare;
mod postgres;
mod sqlite;

use std::time::{Duration, Instant};

use event_api::{Envelope, Metadata, Publisher, RawEvent};
use event_api_tests::measure::{median, ratio};

/// What is generated from `documents/accounts.yaml`.
mod api {
    #![allow(dead_code, reason = "generated, of which the benchmark uses a part")]
    include!(concat!(env!("OUT_DIR"), "/accounts.rs"));
}

const CHANNEL: &str = api::AccountsEvents::CHANNEL.name;
const PUBLISHERS: usize = 64;
/// Of each publisher, one after the other.
const EVENTS: usize = 150;
const ROUNDS: usize = 15;
const BAR: f64 = 0.70;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    sqlite::measure().await?;
    postgres::measure().await
}

fn event(number: usize) -> api::NameChanged {
    api::NameChanged::new(format!("user-{number:06}"), "Johanna Überacker".to_owned(), "Johanna Feldmann".to_owned())
}

/// The same event as the publishers publish, as a row.
fn raw(number: usize) -> Result<RawEvent, serde_json::Error> {
    Envelope { metadata: Metadata::new(""), event: api::AccountsEvents::from(event(number)) }.into_raw()
}

/// A round of the log's publishers.
async fn publish(publisher: &Publisher<api::AccountsEvents>) -> Result<Duration, Failure> {
    let start = Instant::now();
    let publish = |publisher: Publisher<api::AccountsEvents>| async move {
        for number in 0..EVENTS {
            publisher.publish(event(number)).await?;
        }
        Ok::<_, Failure>(())
    };
    let publishers: Vec<_> = (0..PUBLISHERS).map(|_| tokio::spawn(publish(publisher.clone()))).collect();
    for publisher in publishers {
        publisher.await??;
    }
    Ok(start.elapsed())
}

/// Says what came of the turns.
fn report(name: &str, ours: Vec<Duration>, bare: Vec<Duration>) {
    let (ours, bare) = (median(ours), median(bare));
    let rate = |time: Duration| (PUBLISHERS * EVENTS) as f64 / time.as_secs_f64();
    println!("{name}: {:.0} events/s; the bare loop {:.0} rows/s", rate(ours), rate(bare));
    println!("ratio {name} {:.2} bar {BAR:.2}", ratio(bare, ours));
}
