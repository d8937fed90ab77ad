//! `validate` as a user runs it: the built programs on documents of our own.

// Clippy lets only test functions unwrap; here it is their tools that do.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::path::Path;
use std::process::{Command, Output};

const FAULTY: &str = "\
asyncapi: 3.0.0
info: { title: Users, version: 1.0.0 }
channels:
  users:
    address: users/{userId}/events
    parameters:
      userID: {}
    messages:
      created:
        name: UserCreated
        payload:
          type: object
          required: [id]
          properties:
            id: { type: string, format: uuid }
            age: { type: integer, minimum: 0, default: -1 }
            ref: { $ref: '#/components/schemas/Naem' }
        examples:
          - payload: { id: 7 }
components:
  schemas:
    Name: { type: string, pattern: '(' }
";

const VALID: &str = "\
asyncapi: 3.0.0
info: { title: Users, version: 1.0.0 }
channels:
  users:
    address: users
    messages:
      created: { payload: { type: object } }
";

/// A folder with one document, in which the program runs, so that paths are the same everywhere.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("asyncapi.yaml"), text).unwrap();
    folder
}

fn run_as(program: &str, folder: &Path, args: &[&str]) -> Output {
    Command::new(program).args(args).current_dir(folder).env_remove("NO_COLOR").output().unwrap()
}

fn run(folder: &Path, args: &[&str]) -> Output {
    run_as(env!("CARGO_BIN_EXE_event-api"), folder, args)
}

fn stdout(output: &Output) -> String {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn people_see_excerpts_pointers_and_help() {
    let folder = folder(FAULTY);
    let output = run(folder.path(), &["validate", "asyncapi.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("human", stdout(&output));
}

#[test]
fn programs_get_one_json_object() {
    let folder = folder(FAULTY);
    let output = run(folder.path(), &["validate", "--format", "json", "asyncapi.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["documents"][0]["valid"], false);
    assert_eq!(json["summary"]["errors"], 1);
    insta::assert_snapshot!("json", text);
}

#[test]
fn pull_requests_get_annotations() {
    let folder = folder(FAULTY);
    let output = run(folder.path(), &["validate", "--format", "github", "asyncapi.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!("github", stdout(&output));
}

#[test]
fn code_scanning_gets_sarif() {
    let folder = folder(FAULTY);
    let output = run(folder.path(), &["validate", "--format", "sarif", "asyncapi.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let mut log: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &mut log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap().clone();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(region["startLine"].as_u64().unwrap() >= 1 && region["startColumn"].as_u64().unwrap() >= 1);
    }
    // Indices change with every new rule.
    for result in run["results"].as_array_mut().unwrap() {
        result.as_object_mut().unwrap().remove("ruleIndex");
    }
    insta::assert_snapshot!("sarif", serde_json::to_string_pretty(&run["results"]).unwrap());
}

#[test]
fn a_valid_document_passes_in_every_format_and_strictly() {
    let folder = folder(VALID);
    for format in ["human", "json", "github", "sarif"] {
        let output = run(folder.path(), &["validate", "--strict", "--format", format, "asyncapi.yaml"]);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    }
    let output = run(folder.path(), &["validate", "asyncapi.yaml"]);
    assert_eq!(stdout(&output), "1 document: nothing to complain about\n");
}

#[test]
fn warnings_fail_only_when_strict() {
    let folder = folder(&VALID.replace("address: users", "address: users/{id}"));
    assert_eq!(run(folder.path(), &["validate", "asyncapi.yaml"]).status.code(), Some(0));
    assert_eq!(run(folder.path(), &["validate", "--strict", "asyncapi.yaml"]).status.code(), Some(1));
}

#[test]
fn a_file_that_cannot_be_read_is_status_2() {
    let folder = folder(VALID);
    for format in ["human", "json", "github", "sarif"] {
        let output = run(folder.path(), &["validate", "--format", format, "asyncapi.yaml", "missing.yaml"]);
        assert_eq!(output.status.code(), Some(2), "{format}");
        assert!(stdout(&output).contains("missing.yaml"), "{format}: {}", stdout(&output));
    }
}

#[test]
fn wrong_usage_is_status_2() {
    let folder = folder(VALID);
    for args in [&["validate"][..], &["validate", "--format", "xml", "asyncapi.yaml"], &[], &["frobnicate"]] {
        let output = run(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn cargo_and_plain_names_are_one_program() {
    let folder = folder(FAULTY);
    let plain = run(folder.path(), &["validate", "asyncapi.yaml"]);
    let program = env!("CARGO_BIN_EXE_cargo-event-api");
    let through_cargo = run_as(program, folder.path(), &["event-api", "validate", "asyncapi.yaml"]);
    let alone = run_as(program, folder.path(), &["validate", "asyncapi.yaml"]);
    assert_eq!(plain.stdout, through_cargo.stdout);
    assert_eq!(plain.stdout, alone.stdout);
    assert_eq!(through_cargo.status.code(), Some(1));
}

#[test]
fn no_colours_reach_a_pipe() {
    let folder = folder(FAULTY);
    let output = run(folder.path(), &["validate", "asyncapi.yaml"]);
    assert!(!output.stdout.contains(&0x1b));
}
