//! Real documents: what a generator needs of them is read, whatever else is wrong with them.

// Clippy knows only functions marked as tests; what they call may print and unwrap as well.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod support;

use std::time::Instant;

use event_api_spec::{Diagnostic, Loaded, Loader, Severity, Sources};
use support::corpus::corpus;

/// The only rule that a valid document may break: some refer to schemas on other hosts, which nobody has allowed.
const ALLOWED: &str = "remote-reference";

fn text(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let place = diagnostic.location().map_or_else(String::new, |location| sources.display(location.span));
    format!("{place} {} {} {}", diagnostic.severity, diagnostic.rule.id, diagnostic.message)
}

fn errors(loaded: &Loaded) -> Vec<String> {
    let errors = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let errors = errors.filter(|diagnostic| diagnostic.rule.id != ALLOWED);
    errors.map(|diagnostic| text(diagnostic, &loaded.sources)).collect()
}

#[test]
fn every_valid_document_loads_without_errors() {
    let Some(entries) = corpus() else { return };
    let mut failed = Vec::new();
    for entry in entries.iter().filter(|entry| entry.is_valid) {
        let loaded = Loader::new().load(&entry.path);
        let errors = errors(&loaded);
        if loaded.document.is_none() || !errors.is_empty() {
            failed.push(format!("{}\n    {}", entry.file, errors.join("\n    ")));
        }
    }
    assert!(failed.is_empty(), "{} documents:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_document_ends_in_a_document_or_an_error_with_a_place() {
    let Some(entries) = corpus() else { return };
    let started = Instant::now();
    for entry in &entries {
        let loaded = Loader::new().load(&entry.path);
        assert!(loaded.document.is_some() || loaded.has_errors(), "{}", entry.file);
        for diagnostic in &loaded.diagnostics {
            assert!(diagnostic.location().is_some(), "{}: {}", entry.file, text(diagnostic, &loaded.sources));
        }
    }
    println!("{} documents in {:?}", entries.len(), started.elapsed());
}
