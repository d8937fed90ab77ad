//! What the attribute makes of documents and options that are wrong: one compile error at the right place, which shows
//! the document's file, line and column, and what to do.

// Clippy lets only test functions unwrap; here it is their tools that do.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::fs;
use std::path::Path;

#[test]
fn the_attribute_says_what_is_wrong_and_where() {
    put_documents_where_the_cases_are_compiled();
    let cases = trybuild::TestCases::new();
    for entry in fs::read_dir("tests/trybuild").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            cases.compile_fail(path);
        }
    }
}

/// `trybuild` compiles the cases in a package of its own, below the target folder. The attribute's paths are relative
/// to that.
fn put_documents_where_the_cases_are_compiled() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join("tests/trybuild").join(env!("CARGO_PKG_NAME")).join("spec");
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir("tests/trybuild/spec").unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
}
