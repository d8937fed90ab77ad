//! The fidelity contract against the official JSON Schema test suite: every schema of it is generated and compiled, and
//! every instance is put to the type.
//!
//! `cargo test -p event-api-tests --test json_schema_suite -- --nocapture` prints right and wrong by file. A case is
//! wrong when the type's verdict is another than the suite's, and also when there is no type. What is accepted is
//! written again, and compared ([`RoundTrip`]).
//!
//! What is wrong must be excused by an exception with a reason (`suite/exceptions.rs`). With `EVENT_API_SUITE_REPORT=1`,
//! excused cases are printed as well.

// Clippy knows only functions marked as tests; what they call may unwrap and print as well.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod suite;

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use event_api_tests::batch::{Answer, Batch, Reading, SchemaNumber};
use event_api_tests::oracle::{Judge, METASCHEMAS, Oracle, metaschemas, write_metaschemas};
use event_api_tests::round_trip::RoundTrip;
use event_api_tests::schema_suite::{self, Group, REMOTES};
use jsonschema::Draft;
use serde_json::Value;

use suite::exceptions::Exceptions;
use suite::formats;
use suite::tally::{Tally, Wrong};

/// One way to go through one folder of the suite.
struct Run {
    name: &'static str,
    folder: &'static str,
    draft: Draft,
    reading: Reading,
}

const RUNS: [Run; 4] = [
    Run { name: "draft7 exact", folder: "tests/draft7", draft: Draft::Draft7, reading: Reading::Exact },
    Run { name: "draft7 default", folder: "tests/draft7", draft: Draft::Draft7, reading: Reading::Implied },
    Run { name: "2019-09 exact", folder: "tests/draft2019-09", draft: Draft::Draft201909, reading: Reading::Exact },
    Run { name: "2020-12 exact", folder: "tests/draft2020-12", draft: Draft::Draft202012, reading: Reading::Exact },
];

/// The run through the optional files of formats.
const FORMATS: &str = "formats";

/// A group in a run, and its type.
struct Subject {
    run: &'static str,
    reading: Reading,
    group: Group,
    schema: Value,
    judge: Result<Judge, String>,
    number: SchemaNumber,
}

#[test]
fn generated_types_agree_with_the_official_suite() {
    let Some(directory) = schema_suite::directory() else {
        let line = "skipped: no JSON Schema test suite; name its folder in EVENT_API_JSON_SCHEMA_SUITE";
        // Not `eprintln!`, which the harness keeps to itself when a test passes.
        _ = writeln!(std::io::stderr(), "{line}");
        return;
    };
    let start = Instant::now();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let remotes = directory.join("remotes");
    let mut batch = Batch::new(scratch, "json-schema-suite").map_remote(REMOTES, &remotes);
    let metaschemas = scratch.join("metaschemas");
    write_metaschemas(&metaschemas).unwrap();
    for url in METASCHEMAS {
        batch = batch.map_remote(url, &metaschemas);
    }
    let mut subjects = Vec::new();
    for run in &RUNS {
        let groups = schema_suite::groups(&directory.join(run.folder)).unwrap();
        add(&mut subjects, &mut batch, run, groups, &remotes);
    }
    let formats = Run { name: FORMATS, folder: "", draft: Draft::Draft7, reading: Reading::Implied };
    add(&mut subjects, &mut batch, &formats, formats::groups(&directory, scratch), &remotes);
    println!("{} schemas generated after {:.1} s", subjects.len(), start.elapsed().as_secs_f64());
    let verdicts = batch.build().unwrap();
    println!("compiled after {:.1} s", start.elapsed().as_secs_f64());
    let mut questions = Vec::new();
    for subject in &subjects {
        questions.extend(subject.group.tests.iter().map(|case| (subject.number, case.data.get())));
    }
    let answers = verdicts.ask(&questions).unwrap();
    println!("asked {} questions after {:.1} s", questions.len(), start.elapsed().as_secs_f64());

    let mut tally = Tally::default();
    let mut exceptions = Exceptions::new();
    let mut answers = answers.into_iter();
    for subject in &subjects {
        for (case, answer) in subject.group.tests.iter().zip(answers.by_ref()) {
            let what = format!("{}: {}", subject.group.description, case.description);
            let wrong = judge(subject, case, &answer);
            let is_excused = exceptions.excuses(subject.run, &subject.group.file, &what, wrong.is_some());
            tally.count(subject.run, &subject.group.file, &what, wrong, is_excused);
        }
    }
    tally.print();
    let faults = exceptions.without_effect();
    assert!(faults.is_empty(), "exceptions that no case needs any more: {faults:#?}");
    let wrong = tally.inexcusable();
    assert!(wrong.is_empty(), "{} cases are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn add(subjects: &mut Vec<Subject>, batch: &mut Batch, run: &Run, groups: Vec<Group>, remotes: &Path) {
    let oracle = Oracle::new(run.draft, run.reading).map_remote(REMOTES, remotes);
    for group in groups {
        let schema: Value = serde_json::from_str(group.schema.get()).unwrap();
        let judge = oracle.judge(&schema);
        let number = batch.add(group.schema.get(), run.reading).unwrap();
        subjects.push(Subject { run: run.name, reading: run.reading, group, schema, judge, number });
    }
}

/// What is wrong with an answer.
fn judge(subject: &Subject, case: &schema_suite::Case, answer: &Answer) -> Option<Wrong> {
    let expected = match (subject.reading, &subject.judge) {
        (Reading::Exact, _) => case.valid,
        // Mapped formats are assertions, and only in the default reading are they mapped.
        _ if subject.run == FORMATS => case.valid,
        (Reading::Implied, Ok(judge)) => judge.accepts(&serde_json::from_str(case.data.get()).unwrap()),
        (Reading::Implied, Err(error)) => return Some(Wrong::Verdict(format!("the oracle cannot read it: {error}"))),
    };
    match answer.accepts() {
        None => Some(Wrong::Verdict(format!("{answer:?}"))),
        Some(accepts) if accepts != expected => {
            let said = if expected { "refuses what is valid" } else { "accepts what is invalid" };
            Some(Wrong::Verdict(format!("{said}: {answer:?}")))
        }
        Some(_) => match (answer, &subject.judge) {
            (Answer::Lost(how), _) => Some(Wrong::RoundTrip(how.clone())),
            (Answer::Accepted(written), Ok(judge)) => {
                let mut trip = RoundTrip::new(&subject.schema, judge);
                if subject.group.schema.get().contains("json-schema.org/") {
                    trip = metaschemas().fold(trip, RoundTrip::with_defaults_of);
                }
                trip.check(case.data.get(), written).err().map(Wrong::RoundTrip)
            }
            _ => None,
        },
    }
}

#[test]
fn the_oracle_agrees_with_the_official_suite() {
    let Some(directory) = schema_suite::directory() else { return };
    let mut wrong = Vec::new();
    for run in RUNS.iter().filter(|run| run.reading == Reading::Exact) {
        let oracle = Oracle::new(run.draft, run.reading).map_remote(REMOTES, directory.join("remotes"));
        for group in schema_suite::groups(&directory.join(run.folder)).unwrap() {
            let judge = oracle.judge(&serde_json::from_str(group.schema.get()).unwrap()).unwrap();
            for case in &group.tests {
                // Formats that stand for a Rust type are assertions here.
                let is_annotation = case.description.ends_with("string is only an annotation by default");
                let accepts = judge.accepts(&serde_json::from_str(case.data.get()).unwrap());
                if accepts != case.valid && !is_annotation {
                    wrong.push(format!("{}: {}: {}: {}", run.name, group.file, group.description, case.description));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
