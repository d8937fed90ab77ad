//! The official JSON Schema test suite: every schema of it is read, and every reference in it found.

// Clippy knows only functions marked as tests; what they call may print and unwrap as well.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use event_api_spec::schema::Dialect;
use event_api_spec::{Loader, Severity};

const DIALECTS: [(&str, Dialect); 3] =
    [("draft7", Dialect::Draft7), ("draft2019-09", Dialect::Draft2019), ("draft2020-12", Dialect::Draft2020)];

fn suite() -> Option<PathBuf> {
    let folder = std::env::var_os("EVENT_API_JSON_SCHEMA_SUITE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/json-schema-test-suite"),
        PathBuf::from,
    );
    if folder.join("tests").is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no JSON Schema test suite at {}", folder.display());
    None
}

#[test]
fn every_schema_of_the_official_suite_resolves() {
    let Some(folder) = suite() else { return };
    let loader = Loader::new().map_remote("http://localhost:1234/", folder.join("remotes"));
    let mut failed = Vec::new();
    let mut count = 0;
    for (name, dialect) in DIALECTS {
        for file in std::fs::read_dir(folder.join("tests").join(name)).unwrap() {
            let path = file.unwrap().path();
            let groups: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            for group in groups.as_array().unwrap() {
                count += 1;
                let text = group["schema"].to_string();
                let loaded = loader.load_schema_text("schema.json", &text, dialect);
                let errors = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
                // The dialects' own schemas are not part of the suite.
                let errors: Vec<_> = errors.filter(|error| !error.message.contains("json-schema.org")).collect();
                if loaded.root.is_none() || !errors.is_empty() {
                    failed.push(format!(
                        "{name}/{}: {}\n    {:?}",
                        path.file_stem().unwrap().display(),
                        group["description"],
                        errors
                    ));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n"));
}
