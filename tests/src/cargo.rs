//! Crates of generated modules: written below a folder, compiled with cargo, and errors told apart by module.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde::Deserialize;

/// The first error of each module that has any, by package and module; an error outside of all modules has the name of
/// the file it is in, or none.
pub(crate) type Errors = BTreeMap<(String, String), String>;

#[derive(Deserialize)]
struct Line {
    reason: String,
    #[serde(default)]
    package_id: String,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    level: String,
    rendered: Option<String>,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    is_primary: bool,
    expansion: Option<Box<Expansion>>,
}

#[derive(Deserialize)]
struct Expansion {
    span: Span,
}

/// Writes a file unless it has this content already, so that cargo does not take it for changed.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    if fs::read(path).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    fs::write(path, text)
}

/// The manifest of a package that has only the types of the runtime.
pub(crate) fn package(name: &str) -> io::Result<String> {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime").canonicalize()?;
    Ok(format!(
        "[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         event-api = {{ path = {runtime:?}, default-features = false }}\n"
    ))
}

/// The same versions of everything as in this workspace.
pub(crate) fn copy_lock(directory: &Path) -> io::Result<()> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    if lock.is_file() {
        fs::copy(lock, directory.join("Cargo.lock"))?;
    }
    Ok(())
}

/// Runs a command of cargo in `directory` with `target` as its target folder, and gives the errors of the compiler.
///
/// # Errors
/// When cargo cannot be run, or fails without a word of the compiler.
pub(crate) fn run(directory: &Path, target: &Path, arguments: &[&str]) -> io::Result<Errors> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .args(["--quiet", "--message-format=json"])
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTFLAGS")
        .output()?;
    let mut errors = Errors::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(Line { reason, package_id, message: Some(message) }) = serde_json::from_str::<Line>(line) else {
            continue;
        };
        // The last message of a crate that fails sums up, and has no place.
        let sums_up = message.spans.is_empty()
            && message.rendered.as_deref().is_some_and(|text| text.contains("aborting due to"));
        if reason != "compiler-message" || !message.level.starts_with("error") || sums_up {
            continue;
        }
        let module = message.spans.iter().find(|span| span.is_primary).and_then(module_of);
        let key = (package_name(&package_id), module.unwrap_or_default());
        errors.entry(key).or_insert_with(|| message.rendered.unwrap_or_default());
    }
    if errors.is_empty() && !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(errors)
}

/// `part0` of `path+file:///folder/part0#0.0.0`, and of `path+file:///folder#part0@0.0.0`.
fn package_name(id: &str) -> String {
    let (path, version) = id.split_once('#').unwrap_or((id, ""));
    match version.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => path.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

/// The module in which an error stands, or in which the macro is called that it comes from.
fn module_of(span: &Span) -> Option<String> {
    let mut span = span;
    loop {
        let path = PathBuf::from(&span.file_name);
        let folder = path.parent().and_then(Path::file_name);
        if path.is_relative() && folder.is_some_and(|folder| folder == "src") {
            return Some(path.file_stem()?.to_string_lossy().into_owned());
        }
        span = &span.expansion.as_ref()?.span;
    }
}

#[cfg(test)]
mod tests {
    use super::package_name;

    #[test]
    fn a_package_is_known_by_its_name_in_both_forms_of_its_id() {
        assert_eq!(package_name("path+file:///somewhere/part0#0.0.0"), "part0");
        assert_eq!(package_name("path+file:///somewhere/else#part1@0.0.0"), "part1");
    }
}
