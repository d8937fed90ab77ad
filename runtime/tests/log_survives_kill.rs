//! An append that was acknowledged survives the process, however it ends.
//!
//! The test starts itself again as a child, which appends and reports each acknowledgement, kills it in the middle, and
//! looks at what it left.
#![cfg(all(feature = "sqlite", unix))]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use event_api::Position;
use event_api::log::conformance::event;
use event_api::log::{Append, Log, SqliteLog};

const CHANNEL: &str = "user-events";
const DATABASE: &str = "EVENT_API_TEST_KILLED_DATABASE";

#[test]
fn what_was_acknowledged_survives_kill_and_what_was_not_committed_does_not() {
    if let Ok(database) = std::env::var(DATABASE) {
        return append_until_killed(Path::new(&database));
    }
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("events.db");
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "what_was_acknowledged_survives_kill_and_what_was_not_committed_does_not", "--nocapture"])
            .env(DATABASE, &database)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut take = |line: String| {
            let Some((position, id)) = line.strip_prefix("acknowledged ").and_then(|rest| rest.split_once(' ')) else {
                return;
            };
            acknowledged.push((position.parse().unwrap(), id.to_owned()));
        };
        for line in lines.by_ref().take(100 * round) {
            take(line.unwrap());
        }
        // SIGKILL on Unix. What the child had written to the pipe before is still there to be read.
        child.kill().unwrap();
        for line in lines {
            take(line.unwrap());
        }
        child.wait().unwrap();
        check(&database, &acknowledged);
    }
    assert!(acknowledged.len() > 300, "{}", acknowledged.len());
}

#[tokio::main(flavor = "current_thread")]
async fn check(database: &Path, acknowledged: &[(u64, String)]) {
    let log = SqliteLog::open(database).await.unwrap();
    let next = log.bounds(CHANNEL).await.unwrap().next;
    let stored = log.read(CHANNEL, Position(0), usize::MAX).await.unwrap();
    let positions: Vec<u64> = stored.iter().map(|stored| stored.position.0).collect();
    assert_eq!(positions, (0..next.0).collect::<Vec<_>>(), "no gaps");
    for (position, id) in acknowledged {
        let found = stored.get(usize::try_from(*position).unwrap()).map(|stored| stored.event.metadata.id.as_str());
        assert_eq!(found, Some(id.as_str()), "the event acknowledged at {position}");
    }
    assert!(stored.iter().all(|stored| stored.event.metadata.event_type != "Uncommitted"));
    log.pool().close().await;
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn append_until_killed(database: &Path) {
    let log = SqliteLog::open(database).await.unwrap();
    let producers = (0..8).map(|task| {
        let log = log.clone();
        tokio::spawn(async move {
            // Bounded, should nobody kill it.
            for number in 0..20_000 {
                if task == 0 && number % 20 == 0 {
                    let mut tx = log.begin().await.unwrap();
                    let mut uncommitted = event(number);
                    uncommitted.metadata.event_type = "Uncommitted".to_owned();
                    tx.append(CHANNEL, vec![uncommitted]).await.unwrap();
                    tokio::task::yield_now().await;
                    tx.rollback().await.unwrap();
                }
                let receipts = Log::append(&log, CHANNEL, vec![event(number), event(number)]).await.unwrap();
                let mut report = String::new();
                for receipt in receipts {
                    report += &format!("acknowledged {} {}\n", receipt.position.unwrap(), receipt.id);
                }
                std::io::stderr().write_all(report.as_bytes()).unwrap();
            }
        })
    });
    futures_util::future::join_all(producers).await;
}
