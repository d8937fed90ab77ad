//! Judged pairs of schemas as payloads of documents: a comparison of documents says what the engine says of the schemas.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::path::{Path, PathBuf};

use event_api_spec::compat::{Baseline, Comparison, Direction, Mode, Outcome};
use event_api_spec::document::Payload;
use event_api_spec::schema::{Inclusion, Reading, SchemaId, Schemas, Verdict};
use event_api_spec::{Loaded, Loader};
use serde_json::{Value, json};

fn document(payload: &Value) -> Loaded {
    let document = json!({
        "asyncapi": "3.0.0", "info": {"title": "Orders", "version": "latest"},
        "channels": {"orders": {"address": "orders", "messages": {"Placed": {"payload": payload}}}}
    });
    Loader::new().load_text("asyncapi.json", &document.to_string())
}

/// The payload, read as comparisons of documents read it.
fn payload(loaded: &Loaded, reading: Reading) -> Option<(Schemas, SchemaId)> {
    let document = loaded.document.as_ref()?;
    let channel = document.channels.values().next()?;
    let message = document[*channel].messages.values().next()?;
    match document[*message].payload {
        Some(Payload::Schema(id)) => match reading {
            Reading::AsWritten => Some((document.schemas.clone(), id)),
            _ => Some((document.schemas.with_implied_types([id]), id)),
        },
        _ => None,
    }
}

#[test]
fn documents_are_compatible_exactly_when_their_payloads_are() {
    let folder = std::env::var_os("EVENT_API_COMPAT")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/compat"), PathBuf::from);
    let file = folder.join("pairs.jsonl");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("skipped: there are no judged pairs at {}", file.display());
        return;
    };
    let mut compared = 0;
    for line in text.lines() {
        let pair: Value = serde_json::from_str(line).unwrap();
        let (new, old) = (document(&pair["writer"]), document(&pair["reader"]));
        if payload(&new, Reading::Declared).is_none() || payload(&old, Reading::Declared).is_none() {
            continue;
        }
        compared += 1;
        for reading in [Reading::AsWritten, Reading::Declared] {
            let (Some((writer, w)), Some((reader, r))) = (payload(&new, reading), payload(&old, reading)) else {
                continue;
            };
            let comparison = Comparison::new().mode(Mode::Forward).reading(reading);
            let report = comparison.compare(&[Baseline::new("old", &old)], &new).unwrap();
            let mut failing = report.failing().filter(|finding| finding.rule.id != "schema-format-changed");
            match Inclusion::new(&writer, &reader, reading).decide(w, r) {
                Verdict::Compatible => {
                    let found: Vec<_> = failing.collect();
                    assert!(found.is_empty(), "{} {reading:?}: {found:#?}", pair["id"]);
                }
                Verdict::Incompatible { .. } => {
                    let is_proved = failing.any(|finding| {
                        finding.counterexamples.iter().any(|example| example.direction == Direction::Forward)
                    });
                    assert!(is_proved, "{} {reading:?}: {:#?}", pair["id"], report.findings);
                    assert_eq!(report.verdict(), Outcome::Incompatible, "{}", pair["id"]);
                }
                _ => assert_ne!(report.verdict(), Outcome::Compatible, "{} {reading:?}", pair["id"]),
            }
        }
    }
    println!("{compared} pairs");
    assert!(compared >= 1400, "{compared} pairs");
}
