//! Processes that die, or stop, in the middle of appending to one Postgres log.
//!
//! The test starts itself again as children, which append and report each acknowledgement, ends or stops them in the
//! middle, and looks at what they left, and whether others can go on.
#![cfg(all(feature = "postgres", unix))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod postgres_support;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use event_api::Position;
use event_api::log::conformance::event;
use event_api::log::{Append, Log, PostgresLog};
use postgres_support::Schema;

const CHANNEL: &str = "user-events";
const URL: &str = "EVENT_API_TEST_KILLED_POSTGRES";

#[test]
fn processes_that_die_or_stop_lose_nothing_and_hold_up_others_for_seconds_at_most() {
    if let Ok(url) = std::env::var(URL) {
        return append_until_killed(&url);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(schema) = runtime.block_on(Schema::create()) else { return };
    runtime.block_on(schema.log());
    let mut acknowledged = HashMap::new();
    for round in 1..=3 {
        // Two at once: the second one goes on when the first is gone.
        let (mut first, mut second) = (start(&schema.url()), start(&schema.url()));
        take(&mut first.1, 100 * round, &mut acknowledged);
        end(first, &mut acknowledged);
        take(&mut second.1, 100, &mut acknowledged);
        end(second, &mut acknowledged);
        runtime.block_on(check(&schema, &acknowledged));
    }
    assert!(acknowledged.len() > 500, "{}", acknowledged.len());

    // One that is stopped, most probably while it has the lock, and whose connections stay open.
    let mut stopped = start(&schema.url());
    take(&mut stopped.1, 50, &mut acknowledged);
    signal(&stopped.0, "STOP");
    let begun = Instant::now();
    let receipts = runtime.block_on(async { Log::append(&schema.log().await, CHANNEL, vec![event(0)]).await.unwrap() });
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    acknowledged.insert(receipts[0].position.unwrap().0, receipts[0].id.to_string());
    end(stopped, &mut acknowledged);
    runtime.block_on(check(&schema, &acknowledged));
}

type Process = (Child, std::io::Lines<BufReader<ChildStderr>>);

fn start(url: &str) -> Process {
    let name = "processes_that_die_or_stop_lose_nothing_and_hold_up_others_for_seconds_at_most";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(URL, url)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    (child, lines)
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap().success());
}

fn take(lines: &mut impl Iterator<Item = std::io::Result<String>>, limit: usize, into: &mut HashMap<u64, String>) {
    for line in lines.take(limit) {
        let line = line.unwrap();
        let Some((position, id)) = line.strip_prefix("acknowledged ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        let before = into.insert(position.parse().unwrap(), id.to_owned());
        assert_eq!(before, None, "position {position} was acknowledged twice");
    }
}

fn end((mut child, mut lines): Process, acknowledged: &mut HashMap<u64, String>) {
    // SIGKILL on Unix. What the child had written to the pipe before is still there to be read.
    child.kill().unwrap();
    take(&mut lines, usize::MAX, acknowledged);
    child.wait().unwrap();
}

async fn check(schema: &Schema, acknowledged: &HashMap<u64, String>) {
    let log = schema.log().await;
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
async fn append_until_killed(url: &str) {
    let log = PostgresLog::connect(url).await.unwrap();
    let producers = (0..8).map(|task| {
        let log = log.clone();
        tokio::spawn(async move {
            // Bounded, should nobody kill it.
            for number in 0..20_000 {
                if task == 0 {
                    let mut tx = log.pool().begin().await.unwrap();
                    let mut event = event(number);
                    if number % 2 == 0 {
                        event.metadata.event_type = "Uncommitted".to_owned();
                    }
                    tx.append(CHANNEL, vec![event]).await.unwrap();
                    tokio::task::yield_now().await;
                    match number % 2 {
                        0 => tx.rollback().await.unwrap(),
                        _ => tx.commit().await.unwrap(),
                    }
                    continue;
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
