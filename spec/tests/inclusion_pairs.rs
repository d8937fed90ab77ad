//! Judged pairs of schemas: the engine must never be wrong where a value proves it, and rarely undecided.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use event_api_spec::Loader;
use event_api_spec::schema::{Dialect, Inclusion, Reading, Verdict};

/// Pairs that the collection presumes to be compatible, because nobody found a counterexample. The engine has one.
///
/// Each witness is confirmed by two validators, in [`run`].
const PRESUMED_WRONGLY: &[(&str, &str)] = &[
    ("71c7333d5d44", "`ax` ends in x, so the writer has a pattern for it; the reader has none and allows no others"),
    (
        "0454675eeb42",
        "arrays of 150 arrays of numbers where the reader wants strings: no value was tried, being so large",
    ),
    ("b71f84b911fa", "version 1.0 where the reader wants 2.0: no value was tried, being so large"),
    ("c1f62a534f48", "version 2.0 where the reader wants 1.0: no value was tried, being so large"),
    ("382b5bbed533", LINE_END),
    ("3c64be22969e", LINE_END),
    ("04e20b903901", LINE_END),
    ("1e45d7197031", LINE_END),
    ("8bc4c891b630", LINE_END),
    ("54ad13091f71", LINE_END),
    ("fa977039b046", LINE_END),
    ("8a6877697b5d", LINE_END),
    ("d608dbfc370c", LINE_END),
    ("a43e8cfd1f89", LINE_END),
    ("f0457e53c1f8", LINE_END),
];

const LINE_END: &str =
    "a string of line ends: `.` matches none of them (ECMA-262, section 22.2.2.7.1), while `minLength` counts them";

fn collection() -> Option<Vec<serde_json::Value>> {
    let folder = std::env::var_os("EVENT_API_COMPAT")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/compat"), PathBuf::from);
    let file = folder.join("pairs.jsonl");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("skipped: there are no judged pairs at {}", file.display());
        return None;
    };
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// What another validator says.
fn is_valid(schema: &serde_json::Value, value: &serde_json::Value) -> bool {
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft7).should_validate_formats(false);
    options.build(schema).unwrap().is_valid(value)
}

#[derive(Default)]
struct Tally {
    right: usize,
    unsound: Vec<String>,
    over_strict: Vec<String>,
    unknown: Vec<String>,
    /// The pairs that are said to be incompatible.
    broken: BTreeSet<String>,
    micros: Vec<u128>,
}

fn run(pairs: &[serde_json::Value], reading: Reading) -> Tally {
    let mut tally = Tally::default();
    for pair in pairs {
        let id = pair["id"].as_str().unwrap().to_owned();
        let load = |side: &str| {
            Loader::new().load_schema_text(format!("{side}.json"), &pair[side].to_string(), Dialect::Draft7)
        };
        let (writer, reader) = (load("writer"), load("reader"));
        let start = std::time::Instant::now();
        let mut inclusion = Inclusion::new(&writer.schemas, &reader.schemas, reading);
        let verdict = inclusion.decide(writer.root.unwrap(), reader.root.unwrap());
        tally.micros.push(start.elapsed().as_micros());
        let expected = pair["expected"].as_str().unwrap();
        match verdict {
            Verdict::Unknown { reason } => tally.unknown.push(format!("{id} ({expected}): {reason}")),
            Verdict::Compatible if expected == "compatible" => tally.right += 1,
            // What is declared is less than what is written.
            Verdict::Compatible if reading == Reading::Declared => tally.right += 1,
            Verdict::Compatible => {
                tally.unsound.push(format!("{id}: {} is sent and not read", pair["counterexample"]));
            }
            Verdict::Incompatible { witness } => {
                let json = witness.to_json();
                tally.broken.insert(id.clone());
                assert!(is_valid(&pair["writer"], &json), "{id}: {witness} is not valid for the writer");
                assert!(!is_valid(&pair["reader"], &json), "{id}: {witness} is valid for the reader");
                if expected == "incompatible" {
                    tally.right += 1;
                } else {
                    tally.over_strict.push(format!("{id}: {witness}"));
                }
            }
            other => panic!("{other:?}"),
        }
    }
    tally.micros.sort_unstable();
    println!("{reading:?}: {} pairs", pairs.len());
    println!("  right        {:5} ({:.1} %)", tally.right, 100.0 * tally.right as f64 / pairs.len() as f64);
    for (name, list) in [("unsound", &tally.unsound), ("over-strict", &tally.over_strict), ("unknown", &tally.unknown)]
    {
        println!("  {name:12} {:5}", list.len());
        list.iter().for_each(|line| println!("    {line}"));
    }
    println!("  median {} µs, longest {} µs", tally.micros[pairs.len() / 2], tally.micros[pairs.len() - 1]);
    tally
}

#[test]
fn no_verdict_on_the_judged_pairs_is_unsound_and_few_are_open() {
    let Some(pairs) = collection() else { return };
    let tally = run(&pairs, Reading::AsWritten);
    assert!(pairs.len() >= 1400, "{} pairs", pairs.len());
    assert_eq!(tally.unsound, Vec::<String>::new());
    let unexplained = |line: &&String| !PRESUMED_WRONGLY.iter().any(|(id, _)| line.starts_with(id));
    assert_eq!(tally.over_strict.iter().filter(unexplained).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(tally.unknown, Vec::<String>::new());
}

#[test]
fn what_is_declared_breaks_no_reader_that_what_is_written_would_not() {
    let Some(pairs) = collection() else { return };
    let (written, declared) = (run(&pairs, Reading::AsWritten), run(&pairs, Reading::Declared));
    assert_eq!(declared.unknown, Vec::<String>::new());
    let more: Vec<_> = declared.broken.difference(&written.broken).collect();
    assert!(more.is_empty(), "{more:?}");
    assert!(declared.broken.len() < written.broken.len());
}
