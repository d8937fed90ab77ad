//! The collection of real AsyncAPI documents that the suites read, where it is present.

mod schemas;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use schemas::schemas;

/// A line of the collection's `manifest.jsonl`.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The document's path below the collection.
    pub file: String,
    /// The official parser's opinion: `true`, `false` or a text.
    pub valid: serde_json::Value,
    /// The version of the specification.
    pub asyncapi_version: serde_json::Value,
    /// References to other hosts.
    #[serde(default)]
    pub remote_refs: Vec<String>,
}

impl Entry {
    /// Whether the official parser accepts it.
    pub fn is_valid(&self) -> bool {
        self.valid == true
    }

    /// Whether it is a document that somebody wrote for a system of theirs.
    pub fn is_real(&self) -> bool {
        self.file.starts_with("real/")
    }

    /// Whether it is an example of the specification itself.
    pub fn is_specification_example(&self) -> bool {
        self.file.starts_with("official/asyncapi__spec/")
    }
}

/// Where the collection is: `EVENT_API_CORPUS`, else `../shared/corpus` beside the workspace.
pub fn directory() -> Option<PathBuf> {
    let stated = std::env::var_os("EVENT_API_CORPUS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    [stated, Some(beside)].into_iter().flatten().find(|path| path.join("manifest.jsonl").is_file())
}

/// The entries of the collection in `directory`.
///
/// # Errors
/// When the manifest cannot be read.
pub fn entries(directory: &Path) -> std::io::Result<Vec<Entry>> {
    let manifest = std::fs::read_to_string(directory.join("manifest.jsonl"))?;
    let lines = manifest.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).map_err(std::io::Error::other)).collect()
}
