//! The catalogue of changes in every format: a pair of small documents for every rule.

use std::path::{Path, PathBuf};
use std::process::Command;

use event_api_spec::compat::ALL_RULES;
use serde_json::Value;

use crate::project::{PROGRAM, run};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/tests/compat")
}

/// The report on the pair of a rule.
pub(crate) fn report(rule: &str, format: &str) -> String {
    let args = ["compat", "old.yaml", "new.yaml", "--format", format];
    let run = run(Command::new(PROGRAM).args(args).current_dir(folder().join(rule)));
    assert!(run.status < 2 && run.err.is_empty(), "{rule}: {}", run.err);
    run.out
}

/// All pairs, each through `shown`.
fn all(format: &str, shown: impl Fn(&str) -> String) -> String {
    let part = |rule: &str| format!("# {rule}\n\n{}\n", shown(&report(rule, format)).trim_end());
    ALL_RULES.iter().map(|rule| part(rule.id)).collect::<Vec<_>>().join("\n")
}

pub(crate) fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// Members of a list, one a line, so that a change of one is a line in review.
fn lines<'v>(list: impl IntoIterator<Item = &'v Value>) -> String {
    list.into_iter().map(|value| format!("{value}\n")).collect()
}

#[test]
fn people_see_both_versions_and_the_event_that_proves_it() {
    insta::assert_snapshot!("human", all("human", str::to_owned));
}

#[test]
fn pull_requests_get_annotations() {
    insta::assert_snapshot!("github", all("github", str::to_owned));
}

#[test]
fn pull_requests_get_a_comment() {
    insta::assert_snapshot!("markdown", all("markdown", str::to_owned));
}

#[test]
fn test_viewers_get_junit() {
    insta::assert_snapshot!("junit", all("junit", str::to_owned));
}

#[test]
fn programs_get_json_that_is_valid_for_the_published_schema() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compat/report.schema.json");
    let schema = parse(&std::fs::read_to_string(schema).unwrap());
    let validator = jsonschema::validator_for(&schema).unwrap();
    let shown = |text: &str| {
        let mut report = parse(text);
        let faults: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{faults:?}: {text}");
        let comparison = report["comparisons"][0].as_object_mut().unwrap();
        let findings = comparison.remove("findings").unwrap();
        format!("{}{}", lines([&Value::Object(comparison.clone())]), lines(findings.as_array().unwrap()))
    };
    insta::assert_snapshot!("json", all("json", shown));
    assert!(!validator.is_valid(&serde_json::json!({ "version": 1 })));
}

#[test]
fn merge_requests_get_a_code_quality_report() {
    let shown = |text: &str| {
        let list = parse(text);
        for finding in list.as_array().unwrap() {
            // What GitLab demands of an entry.
            assert!(finding["description"].is_string() && finding["check_name"].is_string(), "{finding}");
            assert!(["info", "major", "critical"].contains(&finding["severity"].as_str().unwrap()), "{finding}");
            assert!(finding["location"]["lines"]["begin"].as_u64().unwrap() >= 1, "{finding}");
            assert_eq!(finding["location"]["path"], "new.yaml");
        }
        lines(list.as_array().unwrap())
    };
    insta::assert_snapshot!("gitlab", all("gitlab", shown));
}

#[test]
fn fingerprints_are_unique_and_do_not_depend_on_lines() {
    let prints = |text: &str| -> Vec<String> {
        let list = parse(text);
        list.as_array().unwrap().iter().map(|entry| entry["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    let old = std::fs::read_to_string(folder().join("schema-type-changed/old.yaml")).unwrap();
    let new = std::fs::read_to_string(folder().join("schema-type-changed/new.yaml")).unwrap();
    let moved = format!("# A line more.\n{new}");
    let of = |new: &str| {
        let project = crate::project::Project::new(&[("old.yaml", &old), ("new.yaml", new)]);
        prints(&project.compat(&["old.yaml", "new.yaml", "--format", "gitlab"]).with(1).out)
    };
    assert_eq!(of(&new), of(&moved));
    for rule in ALL_RULES {
        let mut found = prints(&report(rule.id, "gitlab"));
        let count = found.len();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), count, "{}", rule.id);
    }
}

#[test]
fn code_scanning_gets_sarif() {
    let shown = |text: &str| {
        let mut log = parse(text);
        let run = &mut log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap().clone();
        let results = run["results"].as_array_mut().unwrap();
        for result in results.iter_mut() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            // Indices change with every new rule.
            result.as_object_mut().unwrap().remove("ruleIndex");
        }
        lines(results.iter())
    };
    insta::assert_snapshot!("sarif", all("sarif", shown));
}
