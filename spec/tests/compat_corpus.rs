//! Real documents: nothing is found where nothing has changed, and a comparison takes less time than reading.

// Clippy knows only functions marked as tests; what they call may print and unwrap as well.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use event_api_spec::compat::{Baseline, Comparison, Level, Report};
use event_api_spec::schema::Reading;
use event_api_spec::{Loaded, Loader};
use support::corpus::corpus;

fn compare(old: &Loaded, new: &Loaded, reading: Reading) -> Report {
    Comparison::new().reading(reading).compare(&[Baseline::new("old", old)], new).unwrap()
}

#[test]
fn nothing_is_found_where_nothing_has_changed() {
    let Some(entries) = corpus() else { return };
    let mut wrong = Vec::new();
    let mut took = Duration::ZERO;
    for entry in entries {
        let loaded = Loader::new().load(&entry.path);
        if loaded.document.is_none() {
            continue;
        }
        let again = Loader::new().load(&entry.path);
        for reading in [Reading::Declared, Reading::AsWritten] {
            let started = Instant::now();
            let report = compare(&loaded, &again, reading);
            took += started.elapsed();
            // What could not be read may be anything, and the report says so.
            let findings = report
                .findings
                .iter()
                .filter(|finding| !(finding.level == Level::Unknown && finding.message.contains("leads nowhere")));
            wrong.extend(findings.map(|finding| format!("{}: {reading:?} {finding:#?}", entry.file)));
        }
    }
    println!("compared in {took:?}");
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn changed_documents_are_compared_in_less_time_than_it_takes_to_read_them() {
    let Some(entries) = corpus() else { return };
    let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let mut entries: Vec<_> = entries.into_iter().filter(|entry| entry.is_valid).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(size(&entry.path)));
    let (mut all_read, mut all_compared) = (Duration::ZERO, Duration::ZERO);
    for entry in entries.iter().take(5) {
        let text = std::fs::read_to_string(&entry.path).unwrap();
        let changed = text.replacen("type: string", "type: integer", 20).replacen("\"string\"", "\"integer\"", 20);
        let started = Instant::now();
        let old = Loader::new().load_text(&entry.path, &text);
        let new = Loader::new().load_text(&entry.path, &changed);
        let read = started.elapsed();
        let started = Instant::now();
        let report = compare(&old, &new, Reading::Declared);
        let compared = started.elapsed();
        println!("{}: read in {read:?}, compared in {compared:?}, {} findings", entry.file, report.findings.len());
        assert!(!report.findings.is_empty(), "{}", entry.file);
        all_read += read;
        all_compared += compared;
    }
    // Twice as much is room for a busy machine.
    assert!(all_compared < 2 * all_read, "read in {all_read:?}, compared in {all_compared:?}");
}
