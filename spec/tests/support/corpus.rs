//! The collection of real documents.

#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::path::{Path, PathBuf};

/// A document of the corpus.
pub(crate) struct Entry {
    /// Its path in the collection.
    pub(crate) file: String,
    /// Its path.
    pub(crate) path: PathBuf,
    /// The repository that it is of.
    pub(crate) repository: String,
    /// Whether AsyncAPI's own tools accept it.
    pub(crate) is_valid: bool,
}

/// All documents; `None`, and a line that says so, where there is no corpus.
pub(crate) fn corpus() -> Option<Vec<Entry>> {
    let folder = std::env::var_os("EVENT_API_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    let Ok(manifest) = std::fs::read_to_string(folder.join("manifest.jsonl")) else {
        println!("skipped: there is no corpus at {}", folder.display());
        return None;
    };
    let entries = manifest.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let file = line["file"].as_str().unwrap().to_owned();
        let repository = line["repo"].as_str().unwrap_or_default().to_owned();
        Entry { path: folder.join(&file), file, repository, is_valid: line["valid"] == true }
    });
    Some(entries.collect())
}
