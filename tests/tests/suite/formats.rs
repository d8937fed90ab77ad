//! The optional files of the suite about formats, as far as these are mapped to Rust types.
//!
//! They are beside the required files where the whole suite is; otherwise the npm package `json-schema-test-suite` has
//! those of older drafts, and is fetched once where there is npm.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use event_api_tests::oracle::MAPPED_FORMATS;
use event_api_tests::schema_suite::{self, Group};
use serde_json::Value;

const PACKAGE: &str = "json-schema-test-suite@0.0.10";

/// The groups that are about nothing but one mapped format.
pub(crate) fn groups(suite: &Path, scratch: &Path) -> Vec<Group> {
    let optional = suite.join("tests/draft7/optional/format");
    let mut groups = if optional.is_dir() {
        schema_suite::groups(&optional).unwrap()
    } else {
        let Some(package) = package(scratch) else { return Vec::new() };
        let files = ["draft3", "draft4"].map(|draft| package.join("tests").join(draft).join("optional/format.json"));
        files.iter().flat_map(|file| schema_suite::groups_of_file(file).unwrap()).collect()
    };
    groups.retain(|group| format_of(group).is_some());
    for group in &mut groups {
        group.file = format_of(group).unwrap_or_default();
    }
    groups
}

/// The mapped format that a group is about, when its schema says nothing else.
fn format_of(group: &Group) -> Option<String> {
    let schema: Value = serde_json::from_str(group.schema.get()).unwrap();
    let keywords = schema.as_object()?;
    let format = keywords.get("format")?.as_str()?;
    let alone = keywords.keys().all(|keyword| keyword == "format" || keyword == "$schema");
    (alone && MAPPED_FORMATS.contains(&format)).then(|| format.to_owned())
}

/// The unpacked npm package.
fn package(scratch: &Path) -> Option<PathBuf> {
    let folder = scratch.join("json-schema-formats");
    let package = folder.join("package");
    if package.join("tests").is_dir() {
        return Some(package);
    }
    fs::create_dir_all(&folder).unwrap();
    let packed = Command::new("npm").args(["pack", "--silent", PACKAGE]).current_dir(&folder).output();
    let archive = packed.ok().filter(|packed| packed.status.success());
    let archive = archive.and_then(|packed| String::from_utf8(packed.stdout).ok());
    let archive = archive.as_deref().and_then(|said| said.lines().map(str::trim).rfind(|line| line.ends_with(".tgz")));
    let unpacked = archive.is_some_and(|archive| {
        Command::new("tar").args(["xzf", archive]).current_dir(&folder).status().is_ok_and(|status| status.success())
    });
    if !unpacked {
        let line = format!("skipped: files about formats; npm, which would fetch {PACKAGE}, is absent or fails");
        _ = writeln!(std::io::stderr(), "{line}");
        return None;
    }
    Some(package)
}
