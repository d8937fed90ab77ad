//! The official JSON Schema test suite, through the loader.

use std::path::{Path, PathBuf};

use super::Checker;
use crate::schema::Dialect;
use crate::source::Node;
use crate::{Loader, Value};

/// What is on purpose decided differently, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("validate definition against metaschema", METASCHEMA),
    ("remote ref, containing refs itself", METASCHEMA),
    ("recursiveRef: ", DYNAMIC),
    ("dynamicRef: ", DYNAMIC),
    ("with $recursiveRef", DYNAMIC),
    ("with $dynamicRef", DYNAMIC),
    ("custom metaschema with with no validation vocabulary", "vocabularies are not read; every keyword asserts"),
];

const METASCHEMA: &str = "the schema of schemas is remote, and remote references are refused; nothing is asserted then";
const DYNAMIC: &str = "dynamic references are read as references to their initial target";

fn suite() -> Option<PathBuf> {
    let folder = std::env::var_os("EVENT_API_JSON_SCHEMA_SUITE")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/json-schema-test-suite"));
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no JSON Schema test suite at {}", folder.display());
    None
}

/// The groups of one draft whose verdicts differ, as `file: group: case`.
fn run(draft: &str, dialect: Dialect) -> Option<(usize, Vec<String>)> {
    let suite = suite()?;
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(suite.join("tests").join(draft)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let loader = Loader::new().map_remote("http://localhost:1234/", suite.join("remotes"));
    let (mut count, mut wrong) = (0, Vec::new());
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        let groups: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for group in groups.as_array().unwrap() {
            let loaded = loader.load_schema_text("schema.json", &group["schema"].to_string(), dialect);
            let mut checker = Checker::new(&loaded.schemas);
            for case in group["tests"].as_array().unwrap() {
                count += 1;
                let data = node(&case["data"]);
                let valid = loaded.root.map(|root| checker.is_valid(root, &data));
                let name = path.file_stem().unwrap().to_string_lossy();
                let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
                let line = format!("{name}: {}: {}", text(&group["description"]), text(&case["description"]));
                if valid != case["valid"].as_bool() && !EXCEPTIONS.iter().any(|(part, _)| line.contains(part)) {
                    wrong.push(line);
                }
                // What is told and what is decided must be the same.
                if let Some(root) = loaded.root {
                    assert_eq!(checker.check(root, &data).is_empty(), checker.is_valid(root, &data));
                }
            }
        }
    }
    Some((count, wrong))
}

/// A scalar is no file, so the value travels in an array.
fn node(data: &serde_json::Value) -> Node {
    let mut found = crate::diagnostic::Findings::default();
    let array = crate::source::read(crate::source::FileId(0), &format!("[{data}]"), &mut found).unwrap();
    match array.value {
        Value::Array(mut items) => items.remove(0),
        _ => unreachable!("an array was written"),
    }
}

#[test]
fn draft_07_is_decided_as_the_official_suite_has_it() {
    let Some((count, wrong)) = run("draft7", Dialect::Draft7) else { return };
    assert!(count > 900, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn draft_2019_09_is_decided_as_the_official_suite_has_it() {
    let Some((count, wrong)) = run("draft2019-09", Dialect::Draft2019) else { return };
    assert!(count > 1200, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn draft_2020_12_is_decided_as_the_official_suite_has_it() {
    let Some((count, wrong)) = run("draft2020-12", Dialect::Draft2020) else { return };
    assert!(count > 1200, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}
