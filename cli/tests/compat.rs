//! `compat --schemas` as a user runs it: pairs of schemas in, verdicts out.

// Clippy lets only test functions unwrap; here it is their tools that do.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::process::{Command, Output};

const PAIRS: &str = r##"{"id": "same", "writer": {"type": "string"}, "reader": {"type": "string"}}
{"id": 2, "writer": {"type": "integer"}, "reader": {"maximum": 12345678901234567890123}}

{"id": "optional", "writer": {"properties": {"a": true}}, "reader": {"properties": {"a": true, "b": {"type": "null"}}}}
{"id": "open", "writer": {"type": "string", "pattern": "^(a)\\1$"}, "reader": {"type": "string", "maxLength": 2}}
{"id": "broken", "writer": {"$ref": "#/gone"}, "reader": true}
"##;

fn run(text: &str, args: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pairs.jsonl"), text).unwrap();
    let program = env!("CARGO_BIN_EXE_cargo-event-api");
    Command::new(program)
        .args(["event-api", "compat", "--schemas"])
        .args(args)
        .current_dir(folder.path())
        .output()
        .unwrap()
}

/// The output with the times, which differ, left out.
fn verdicts(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let without_time = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["micros"].is_u64(), "{line}");
        format!("{}}}", &line[..line.rfind(",\"micros\"").unwrap()])
    };
    text.lines().map(without_time).collect()
}

#[test]
fn every_pair_gets_a_verdict_on_a_line_of_its_own() {
    let output = run(PAIRS, &["pairs.jsonl"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        verdicts(&output),
        [
            r#"{"id":"same","verdict":"compatible"}"#,
            r#"{"id":2,"verdict":"incompatible","witness":12345678901234567890124}"#,
            r#"{"id":"optional","verdict":"compatible"}"#,
            r#"{"id":"open","verdict":"unknown","reason":"the regular expression `^(a)\\1$` cannot be decided"}"#,
            r##"{"id":"broken","verdict":"unknown","reason":"the writer's schema has an error at `/$ref`: `#/gone` leads nowhere: there is no `gone` at the top level"}"##,
        ]
    );
}

#[test]
fn strict_takes_schemas_as_they_are_written() {
    let output = run(PAIRS, &["pairs.jsonl", "--strict"]);
    assert_eq!(verdicts(&output)[2], r#"{"id":"optional","verdict":"incompatible","witness":{"b":false}}"#);
}

#[test]
fn a_line_that_is_no_pair_is_named_and_the_others_are_answered() {
    let output =
        run("{\"id\": 1, \"writer\": true}\n[]\n{\"id\": 3, \"writer\": false, \"reader\": true}\n", &["pairs.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(verdicts(&output), [r#"{"id":3,"verdict":"compatible"}"#]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("pairs.jsonl:1: the member `reader` is missing"), "{errors}");
    assert!(errors.contains("pairs.jsonl:2: the line is no JSON object"), "{errors}");
}

#[test]
fn a_file_that_is_not_there_is_status_2() {
    let output = run(PAIRS, &["gone.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot read `gone.jsonl`"));
}
