//! Readers that wait for a page to grow cost little, however large it is.
#![cfg(all(feature = "server", feature = "client", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod counted_log;
mod webhook_support;

use counted_log::{Counted, hold, large};
use event_api::feed::Feeds;
use event_api::log::Log;
use webhook_support::{USERS, serve};

#[tokio::test]
async fn readers_that_wait_do_not_hold_their_pages_in_memory() {
    const READERS: usize = 100;
    const MIB: usize = 1 << 20;
    let log = Counted::default();
    Log::append(&log, USERS.name, large(1)).await.unwrap();
    let (address, _) = serve(Feeds::new(&log, [&USERS]).router()).await;
    let before = resident();
    let holding = hold(&log, &format!("http://{address}/{}?offset=0", USERS.name), READERS).await;
    let held = resident().saturating_sub(before);
    holding.into_iter().for_each(|reader| reader.abort());
    assert!(held < READERS * MIB / 2, "{} MiB are held for {READERS} readers of 1 MiB", held / MIB);
}

/// What this process holds in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<usize>().unwrap() << 10
}
