//! Compiles many generated modules in one crate, and tells which of them do not compile and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use crate::cargo;

/// Rust files to compile as modules of one crate, by name.
#[derive(Debug, Default)]
pub struct Modules {
    texts: BTreeMap<String, String>,
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
        let manifest = cargo::package("generated")? + "\n[workspace]\n\n[profile.dev]\ndebug = false\n";
        fs::write(directory.join("Cargo.toml"), manifest)?;
        cargo::copy_lock(directory)?;
        let mut failed = BTreeMap::new();
        loop {
            let mut root = String::from("#![deny(warnings)]\n");
            for (name, text) in self.texts.iter().filter(|(name, _)| !failed.contains_key(*name)) {
                fs::write(directory.join(format!("src/{name}.rs")), text)?;
                root.push_str(&format!("pub mod {name};\n"));
            }
            fs::write(directory.join("src/lib.rs"), root)?;
            let errors = cargo::run(directory, &directory.join("target"), &["check"])?;
            if errors.is_empty() {
                return Ok(failed);
            }
            let known: BTreeSet<&String> = self.texts.keys().collect();
            let before = failed.len();
            for ((_, name), error) in errors {
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
