//! The catalogue of changes: for every rule a pair of small documents, and every rule is run over every pair, so an
//! unexpected finding shows in review.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use event_api_spec::Loader;
use event_api_spec::compat::{ALL_RULES, Baseline, Comparison, Report};
use support::compat::text;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat")
}

/// Compares the pair of a rule; both documents must be valid.
fn report(rule: &str) -> (Report, String) {
    let load = |side: &str| {
        let path = folder().join(rule).join(side);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let loaded = Loader::new().load_text(side, &text);
        assert!(!loaded.has_errors(), "{rule}: {}", support::report(&loaded));
        loaded
    };
    let (old, new) = (load("old.yaml"), load("new.yaml"));
    let report = Comparison::new().compare(&[Baseline::new("old", &old)], &new).unwrap();
    let text = text(&report, &[&old], &new);
    (report, text)
}

#[test]
fn every_rule_has_a_pair_of_documents_in_which_it_finds_something() {
    let rules: BTreeSet<String> = ALL_RULES.iter().map(|rule| rule.id.to_owned()).collect();
    let folders: BTreeSet<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(folders, rules);
    for rule in ALL_RULES {
        let (report, text) = report(rule.id);
        assert!(report.findings.iter().any(|finding| finding.rule == *rule), "{} finds nothing:\n{text}", rule.id);
    }
}

#[test]
fn every_rule_finds_what_it_is_for_and_nothing_else() {
    let mut all = String::new();
    for rule in ALL_RULES {
        let (_, text) = report(rule.id);
        all.push_str(&format!("# {}\n\n{text}\n", rule.id));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_document_is_compatible_with_itself_and_nothing_is_found() {
    for rule in ALL_RULES {
        for side in ["old.yaml", "new.yaml"] {
            let loaded = Loader::new().load(folder().join(rule.id).join(side));
            let report = Comparison::new().compare(&[Baseline::new("old", &loaded)], &loaded).unwrap();
            assert!(report.findings.is_empty(), "{}: {:#?}", rule.id, report.findings);
        }
    }
}
