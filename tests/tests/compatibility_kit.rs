//! The technology compatibility kit of AsyncAPI: what it calls invalid does not pass a strict check, what it calls
//! valid loads.

// Clippy knows only functions marked as tests; what they call may print and unwrap as well.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::PathBuf;

use event_api_spec::{Diagnostic, Loaded, Loader, Severity};
use event_api_tests::corpus;

const KIT: &str = "official/asyncapi__tck/";

/// Documents that the kit calls invalid and that pass all the same, with the reason.
const ACCEPTED: &[(&str, &str)] = &[];

/// Documents that the kit calls valid and that a strict check refuses all the same, by the rule and the reason.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "valid-complete.yaml",
        "dangling-expression",
        "a parameter is said to stand in a payload that does not declare it",
    ),
    ("valid-optional-raml-api.yaml", "unsupported-schema-format", "RAML is optional, and not read"),
    ("valid-optional-raml-datatype.yaml", "unsupported-schema-format", "RAML is optional, and not read"),
];

struct Case {
    file: String,
    path: PathBuf,
    is_valid: bool,
}

impl Case {
    fn is_called_invalid(&self) -> bool {
        self.file.rsplit('/').next().is_some_and(|name| name.starts_with("invalid-"))
    }
}

fn kit() -> Option<Vec<Case>> {
    let Some(directory) = corpus::directory() else {
        println!("skipped: there is no collection of documents with the compatibility kit");
        return None;
    };
    let entries = corpus::entries(&directory).unwrap().into_iter().filter(|entry| entry.file.starts_with(KIT));
    let case =
        |entry: corpus::Entry| Case { path: directory.join(&entry.file), is_valid: entry.is_valid(), file: entry.file };
    Some(entries.map(case).collect())
}

/// What a strict check fails on.
fn faults(loaded: &Loaded) -> Vec<&Diagnostic> {
    loaded.diagnostics.iter().filter(|diagnostic| diagnostic.severity >= Severity::Warning).collect()
}

#[test]
fn a_strict_check_refuses_what_the_kit_calls_invalid() {
    let Some(cases) = kit() else { return };
    let invalid: Vec<&Case> = cases.iter().filter(|case| case.is_called_invalid()).collect();
    assert!(invalid.len() > 100, "the kit has {} invalid documents", invalid.len());
    let mut passed = Vec::new();
    for case in invalid {
        let loaded = Loader::new().load(&case.path);
        let faults = faults(&loaded);
        let is_accepted = ACCEPTED.iter().any(|(file, _reason)| case.file == *file);
        if faults.is_empty() != is_accepted {
            passed.push(format!("{}: {} faults", case.file, faults.len()));
        }
        for fault in faults {
            assert!(fault.location().is_some(), "{}: {} has no place", case.file, fault.message);
            assert!(fault.help.is_some(), "{}: {} has no help", case.file, fault.message);
        }
    }
    assert!(passed.is_empty(), "{} documents:\n{}", passed.len(), passed.join("\n"));
}

#[test]
fn what_the_official_parser_accepts_of_the_kit_loads() {
    let Some(cases) = kit() else { return };
    let mut refused = Vec::new();
    for case in cases.iter().filter(|case| case.is_valid) {
        let loaded = Loader::new().load(&case.path);
        if loaded.has_errors() || loaded.document.is_none() {
            let error = loaded.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
            refused.push(format!("{}: {}", case.file, error.map_or("no document", |error| &error.message)));
        }
    }
    assert!(refused.is_empty(), "{} documents:\n{}", refused.len(), refused.join("\n"));
}

#[test]
fn what_the_kit_calls_valid_passes_a_strict_check() {
    let Some(cases) = kit() else { return };
    let mut refused = Vec::new();
    for case in cases.iter().filter(|case| case.is_valid && !case.is_called_invalid()) {
        let loaded = Loader::new().load(&case.path);
        let is_expected = |fault: &&Diagnostic| {
            REFUSED
                .iter()
                .any(|(name, rule, _reason)| case.file.ends_with(&format!("/{name}")) && fault.rule.id == *rule)
        };
        if let Some(fault) = faults(&loaded).into_iter().find(|fault| !is_expected(fault)) {
            refused.push(format!("{}: {} [{}]", case.file, fault.message, fault.rule.id));
        }
    }
    assert!(refused.is_empty(), "{} documents:\n{}", refused.len(), refused.join("\n"));
}
