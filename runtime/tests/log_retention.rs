//! The task that keeps channels within their retention.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::time::Duration;

use event_api::Position;
use event_api::log::conformance::event;
use event_api::log::{Bounds, Log, MemoryLog, Retainer, Retention};

const PATIENCE: Duration = Duration::from_secs(30);

async fn begins_at(log: &impl Log, channel: &str, oldest: u64) {
    let reached = async {
        while log.bounds(channel).await.unwrap().oldest != Position(oldest) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("retention does not remove what it should");
}

#[tokio::test]
async fn channels_are_kept_within_their_retention_until_it_is_stopped() {
    let log = MemoryLog::new();
    // More than are removed in one step.
    log.append("few", (0..1500).map(event).collect()).await.unwrap();
    log.append("all", (0..10).map(event).collect()).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let retainer = Retainer::new(&log)
        .channel("few", Retention::forever().max_events(100))
        .channel("none", Retention::forever().max_events(1))
        .channel("all", Retention::forever())
        .every(Duration::from_millis(1))
        .shutdown(async { drop(stopped.await) });
    let running = tokio::spawn(retainer.run());
    begins_at(&log, "few", 1400).await;
    log.append("few", vec![event(0), event(1)]).await.unwrap();
    begins_at(&log, "few", 1402).await;
    drop(stop);
    tokio::time::timeout(PATIENCE, running).await.expect("it does not stop").unwrap();
    let kept = log.bounds("all").await.unwrap();
    assert_eq!(kept, Bounds { oldest: Position(0), next: Position(10) });
}
