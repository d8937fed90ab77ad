//! Kills the processes of a running system at random moments, and proves afterwards that it kept its promises.
//!
//! In: which log, how many kills, a seed. The driver ([`driver`]) starts two publishers of several writers each, a server
//! of the feed and of webhooks, a consumer and a receiver, kills one or all of them (`SIGKILL`) again and again, and
//! starts them anew. Out: what happened, and each promise that was broken ([`verdict`]); exit status 0 when none was.
//!
//! ```console
//! $ cargo run --release -p event-api-tests --bin faults -- --log sqlite --kills 300 --seed 7
//! ```
//!
//! The seed makes the same kills at the same intervals; what they hit depends on the machine. The processes are this
//! program in another role; they say on their standard output what they do ([`mod@line`]), and end with their standard input.

#![allow(clippy::print_stdout, reason = "a command that prints what it found")]

mod consumer;
mod driver;
mod ledger;
mod line;
mod publisher;
mod receiver;
mod server;
mod setup;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use self::setup::{Failure, LogKind, Ports, Role, Sabotage, Setup};

/// The events that are published: those of `documents/accounts.yaml`.
mod accounts {
    #![allow(dead_code, unreachable_pub, reason = "generated, of which this program uses a part")]
    include!(concat!(env!("OUT_DIR"), "/accounts.rs"));
}

/// Kills publishing, serving and consuming processes at random moments, and checks that nothing is lost or doubled
#[derive(Debug, Parser)]
struct Args {
    /// Where the events are
    #[arg(long, value_enum, default_value_t = LogKind::Sqlite)]
    log: LogKind,
    /// How many processes to kill
    #[arg(long, default_value_t = 300)]
    kills: u32,
    /// Decides which process is killed when; by default another one in each run
    #[arg(long)]
    seed: Option<u64>,
    /// How long consumers may take to catch up after the last kill, in seconds
    #[arg(long, default_value_t = 600)]
    drain: u64,
    /// Break a promise on purpose: the run must fail
    #[arg(long, value_enum, default_value_t = Sabotage::None)]
    sabotage: Sabotage,
    #[command(flatten)]
    inner: Inner,
}

/// What the driver tells the processes that it starts.
#[derive(Debug, clap::Args)]
struct Inner {
    #[arg(long, value_enum, hide = true)]
    role: Option<Role>,
    #[arg(long, hide = true, default_value = ".")]
    folder: PathBuf,
    #[arg(long, hide = true)]
    url: Option<String>,
    #[arg(long, hide = true, default_value_t = 0)]
    feed_port: u16,
    #[arg(long, hide = true, default_value_t = 0)]
    hooks_port: u16,
    /// Which of the publishers it is
    #[arg(long, hide = true, default_value_t = 0)]
    number: usize,
    /// The number with which each writer goes on
    #[arg(long, hide = true, value_delimiter = ',')]
    next: Vec<u64>,
    /// Events that may or may not have been published
    #[arg(long, hide = true, value_delimiter = ',')]
    again: Vec<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("faults: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(args: Args) -> Result<ExitCode, Failure> {
    let Args { log, kills, seed, drain, sabotage, inner } = args;
    let Some(role) = inner.role else {
        let seed = seed.unwrap_or_else(rand::random);
        let plan = driver::Plan { log, kills, seed, drain: Duration::from_secs(drain), sabotage };
        return driver::run(plan).await;
    };
    let ports = Ports { feed: inner.feed_port, hooks: inner.hooks_port };
    let setup = Setup { log, folder: inner.folder, url: inner.url, ports, sabotage };
    setup::end_with_the_driver();
    match role {
        Role::Publisher => publisher::run(&setup, inner.number, &inner.next, &inner.again).await?,
        Role::Server => server::run(&setup).await?,
        Role::Consumer => consumer::run(&setup).await?,
        Role::Receiver => receiver::run(&setup).await?,
    }
    Ok(ExitCode::SUCCESS)
}
