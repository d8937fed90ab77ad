//! Compiles many generated modules in one crate, and tells which of them do not compile and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde::Deserialize;

/// Rust files to compile as modules of one crate, by name.
#[derive(Debug, Default)]
pub struct Modules {
    texts: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Line {
    reason: String,
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

impl Modules {
    /// Adds a module; `name` is a Rust identifier.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.texts.insert(name.into(), text.into());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Checks all of them with `cargo check` in a crate at `directory`; gives the first errors and warnings of each
    /// module that has any. Modules that fail are taken out and the rest is checked again, so that errors of an early
    /// phase do not hide those of a later one.
    ///
    /// # Errors
    /// When cargo cannot be run, or fails without naming a module.
    pub fn check(&self, directory: &Path) -> io::Result<BTreeMap<String, String>> {
        fs::create_dir_all(directory.join("src"))?;
        let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime").canonicalize()?;
        let manifest = format!(
            "[package]\nname = \"generated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
             event-api = {{ path = {:?}, default-features = false }}\n\n[profile.dev]\ndebug = false\n",
            runtime
        );
        fs::write(directory.join("Cargo.toml"), manifest)?;
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        if lock.is_file() {
            fs::copy(lock, directory.join("Cargo.lock"))?;
        }
        let mut failed = BTreeMap::new();
        loop {
            let mut root = String::from("#![deny(warnings)]\n");
            for (name, text) in self.texts.iter().filter(|(name, _)| !failed.contains_key(*name)) {
                fs::write(directory.join(format!("src/{name}.rs")), text)?;
                root.push_str(&format!("pub mod {name};\n"));
            }
            fs::write(directory.join("src/lib.rs"), root)?;
            let errors = run(directory)?;
            if errors.is_empty() {
                return Ok(failed);
            }
            let known: BTreeSet<&String> = self.texts.keys().collect();
            let before = failed.len();
            for (name, error) in errors {
                if known.contains(&name) {
                    failed.entry(name).or_insert(error);
                } else {
                    return Err(io::Error::other(format!("an error outside of the modules: {error}")));
                }
            }
            if failed.len() == before {
                return Err(io::Error::other("cargo fails again for modules that were taken out"));
            }
        }
    }
}

/// The errors of one `cargo check`, by module.
fn run(directory: &Path) -> io::Result<BTreeMap<String, String>> {
    let target = directory.join("target");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["check", "--quiet", "--message-format=json"])
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .output()?;
    let mut errors = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(Line { reason, message: Some(message) }) = serde_json::from_str::<Line>(line) else { continue };
        if reason != "compiler-message" || message.level != "error" {
            continue;
        }
        let rendered = message.rendered.unwrap_or_default();
        let name = message.spans.iter().find(|span| span.is_primary).and_then(module_of);
        match name {
            Some(name) => {
                errors.entry(name).or_insert(rendered);
            }
            None if message.spans.is_empty() => {}
            None => {
                errors.entry(String::new()).or_insert(rendered);
            }
        }
    }
    if errors.is_empty() && !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(errors)
}

/// The module in which an error stands, or in which the macro is called that it comes from.
fn module_of(span: &Span) -> Option<String> {
    let mut span = span;
    loop {
        let path = PathBuf::from(&span.file_name);
        let in_crate = path.parent().is_some_and(|parent| parent == Path::new("src"));
        if in_crate && path.extension().is_some_and(|extension| extension == "rs") {
            return Some(path.file_stem()?.to_string_lossy().into_owned());
        }
        span = &span.expansion.as_ref()?.span;
    }
}
