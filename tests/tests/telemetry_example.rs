//! The example `telemetry` shows one trace, and what became of its events.

// Clippy knows only functions marked as tests; what they call may unwrap as well.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::process::Command;

#[test]
fn the_example_shows_one_trace_and_the_metrics_of_it() {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--example", "telemetry"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);

    let (spans, metrics) = out.split_once("Metrics").unwrap();
    let spans: Vec<_> = spans.lines().skip(1).filter(|line| !line.is_empty()).collect();
    let depths: Vec<_> = spans.iter().map(|line| (line.len() - line.trim_start().len()) / 2).collect();
    assert_eq!(depths, [1, 2, 3, 4, 5], "{out}");
    assert!(spans[4].trim_start().starts_with("process user-events") && spans[4].ends_with("failed"), "{out}");
    let trace = |line: &&str| line.split_whitespace().find(|word| word.len() == 49).unwrap()[..32].to_owned();
    assert_eq!(spans.iter().map(trace).collect::<HashSet<_>>().len(), 1, "{out}");
    for metric in ["messaging.client.sent.messages", "messaging.process.duration", "event_api.dead_letters"] {
        assert!(metrics.contains(metric), "{metric} in {out}");
    }
}
