//! What is generated speaks to no lint of the user's, and its documentation is safe for rustdoc.

// Clippy knows only functions marked as tests; what they call may unwrap (and print) as well.
#![allow(clippy::unwrap_used)]

// Tests may unwrap; the lint knows test functions, and not the helpers beside them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use event_api_codegen::Generator;

/// The strictest that a user may demand. `unused_results` and its like are rustc's; the groups are clippy's.
const LINTS: &str = "#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused, \
                     unused_qualifications, single_use_lifetimes, trivial_casts, unused_results, nonstandard_style, \
                     rust_2018_idioms, future_incompatible, rustdoc::all)]\n\
                     #![deny(clippy::all, clippy::pedantic, clippy::nursery, clippy::unwrap_used)]\n\
                     //! A service with strict lints.\n";

/// A crate that holds every document twice, as files of its own and as items in a private module, and once more as two
/// versions of which all types are the same.
fn strict_crate(directory: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let runtime = here.join("../runtime").canonicalize().unwrap();
    let manifest = format!(
        "[package]\nname = \"strict\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         event-api = {{ path = {runtime:?}, default-features = false }}\n"
    );
    fs::create_dir_all(directory.join("src")).unwrap();
    fs::write(directory.join("Cargo.toml"), manifest).unwrap();
    fs::copy(here.join("../Cargo.lock"), directory.join("Cargo.lock")).unwrap();
    let mut root = LINTS.to_owned();
    for entry in fs::read_dir(here.join("documents")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let generated = Generator::new().document(&path).unwrap();
        fs::write(directory.join(format!("src/{name}.rs")), generated.to_file().unwrap()).unwrap();
        fs::write(directory.join(format!("src/{name}.in")), generated.to_include().unwrap()).unwrap();
        let versions = Generator::new().versions(&[path.clone(), next_version(&path, directory)]).unwrap();
        let versions = versions.to_file().unwrap();
        assert!(!versions.contains("Upcast::upcast("), "a type of {name} is not the same as itself");
        fs::write(directory.join(format!("src/{name}_versions.rs")), versions).unwrap();
        root.push_str(&format!(
            "/// A file.\npub mod {name};\n/// Versions.\npub mod {name}_versions;\nmod private_{name} {{\n    \
             include!(\"{name}.in\");\n}}\n"
        ));
    }
    fs::write(directory.join("src/lib.rs"), root).unwrap();
}

/// The same document under another version and name, with what it refers to.
fn next_version(path: &Path, directory: &Path) -> PathBuf {
    let (documents, parts) = (directory.join("documents"), directory.join("parts"));
    fs::create_dir_all(&documents).unwrap();
    fs::create_dir_all(&parts).unwrap();
    for entry in fs::read_dir(path.parent().unwrap().join("../parts")).unwrap() {
        let part = entry.unwrap();
        fs::copy(part.path(), parts.join(part.file_name())).unwrap();
    }
    let text = fs::read_to_string(path).unwrap();
    let (before, behind) = text.split_once("version: ").unwrap();
    let end = behind.find([',', ' ', '\n', '}']).unwrap();
    let next = documents.join(format!("{}_next.yaml", path.file_stem().unwrap().to_str().unwrap()));
    fs::write(&next, format!("{before}version: 99.0.0{}", &behind[end..])).unwrap();
    next
}

fn cargo(directory: &Path, arguments: &[&str]) -> Result<(), String> {
    // Beside the workspace's own artefacts, so that a second run finds what the first one built.
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("strict");
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTDOCFLAGS")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(text.into_owned()) }
}

#[test]
fn strict_lints_and_rustdoc_find_nothing() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("strict-crate");
    strict_crate(&directory);
    match cargo(&directory, &["clippy", "--quiet"]) {
        Err(error) if error.contains("no such command") || error.contains("is not installed") => {
            assert!(std::env::var_os("CI").is_none(), "clippy is not installed: {error}");
            eprintln!("skipped: clippy is not installed, so that only rustc's lints are checked");
            cargo(&directory, &["check", "--quiet"]).unwrap();
        }
        result => result.unwrap(),
    }
    cargo(&directory, &["doc", "--quiet", "--no-deps", "--document-private-items"]).unwrap();
}

#[test]
fn no_block_of_a_description_is_a_doc_test() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("documents")).unwrap() {
        let text = Generator::new().document(entry.unwrap().path()).unwrap().to_file().unwrap();
        let mut in_fence = false;
        for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("///")) {
            let fence = line.trim_start();
            if fence.starts_with("```") || fence.starts_with("~~~") {
                assert!(in_fence || fence[3..].starts_with("text"), "{line}");
                in_fence = !in_fence;
            } else {
                assert!(in_fence || !line.starts_with("     "), "{line}");
            }
        }
        assert!(!in_fence);
    }
}
