//! The official JSON Schema test suite, where it is present.
//!
//! Schemas and instances stay the texts that they are, so that no number is rounded on the way.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Where the suite serves its `remotes`.
pub const REMOTES: &str = "http://localhost:1234/";

/// A schema and instances of it.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// The file without its extension, such as `allOf`.
    #[serde(skip)]
    pub file: String,
    /// What is tested.
    pub description: String,
    /// The schema.
    pub schema: Box<RawValue>,
    /// The instances.
    pub tests: Vec<Case>,
}

/// An instance, and whether it is valid.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Case {
    /// What is tested.
    pub description: String,
    /// The instance.
    pub data: Box<RawValue>,
    /// The verdict.
    pub valid: bool,
}

/// Where the suite is: `EVENT_API_JSON_SCHEMA_SUITE`, else `../shared/json-schema-test-suite` beside the workspace.
pub fn directory() -> Option<PathBuf> {
    let stated = std::env::var_os("EVENT_API_JSON_SCHEMA_SUITE").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/json-schema-test-suite");
    [stated, Some(beside)].into_iter().flatten().find(|path| path.join("tests").is_dir())
}

/// The groups of every file directly in a folder, such as `tests/draft7`, ordered by file.
///
/// # Errors
/// When a file cannot be read, or is no file of tests.
pub fn groups(folder: &Path) -> io::Result<Vec<Group>> {
    let entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        all.extend(groups_of_file(&path)?);
    }
    Ok(all)
}

/// The groups of one file.
///
/// # Errors
/// When it cannot be read, or is no file of tests.
pub fn groups_of_file(path: &Path) -> io::Result<Vec<Group>> {
    let mut groups: Vec<Group> = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let file = path.file_stem().unwrap_or_default().to_string_lossy();
    groups.iter_mut().for_each(|group| group.file = file.clone().into_owned());
    Ok(groups)
}
