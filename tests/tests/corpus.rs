//! The collection of real documents, where it is present: all of them through the generator, a sample of them through
//! the compiler. `cargo run --release -p event-api-tests --bin corpus` compiles all.

// Clippy knows only functions marked as tests; what they call may unwrap (and print) as well.
#![allow(clippy::print_stdout, clippy::explicit_write, clippy::unwrap_used)]

// Tests may unwrap; the lint knows test functions, and not the helpers beside them.

use std::io::Write;
use std::panic;
use std::path::{Path, PathBuf};

use event_api_codegen::{GenerateError, Generator};
use event_api_spec::Severity;
use event_api_tests::compile::Modules;
use event_api_tests::corpus::{self, Entry};

/// Every how many documents one is compiled here.
const SAMPLE: usize = 60;

fn collection() -> Option<(PathBuf, Vec<Entry>)> {
    let Some(directory) = corpus::directory() else {
        // Not `eprintln!`, which the harness keeps to itself when a test passes.
        let line = "skipped: no collection of documents; name its folder in EVENT_API_CORPUS";
        _ = writeln!(std::io::stderr(), "{line}");
        return None;
    };
    let entries = corpus::entries(&directory).unwrap();
    Some((directory, entries))
}

/// What is generated, or why nothing is: an error of the document with a position.
fn generate(path: &Path) -> Result<String, String> {
    match Generator::new().document(path) {
        Ok(generated) => generated.to_file().map_err(|error| panic!("{}: {error}", path.display())),
        Err(GenerateError::Document(errors)) => {
            let mut of_document = errors.diagnostics.iter().filter(|d| d.severity == Severity::Error).peekable();
            assert!(of_document.peek().is_some(), "{}: refused without an error", path.display());
            let placed = of_document.find(|diagnostic| diagnostic.location().is_some());
            let placed = placed.unwrap_or_else(|| panic!("{}: no error has a position", path.display()));
            Err(placed.message.clone())
        }
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

#[test]
fn every_document_generates_or_says_where_it_is_wrong() {
    let Some((directory, entries)) = collection() else { return };
    let mut failures = Vec::new();
    let (mut valid, mut generated, mut refused_real, mut generated_refused_real) = (0, 0, 0, 0);
    for entry in &entries {
        let path = directory.join(&entry.file);
        let result = match panic::catch_unwind(|| generate(&path)) {
            Ok(result) => result.map(drop),
            Err(payload) => {
                let text = payload.downcast_ref::<String>().cloned().unwrap_or_default();
                failures.push(format!("{}: panic: {text}", entry.file));
                continue;
            }
        };
        if entry.is_valid() {
            valid += 1;
            generated += usize::from(result.is_ok());
        } else if entry.is_real() {
            refused_real += 1;
            generated_refused_real += usize::from(result.is_ok());
        }
        if let Err(error) = result
            && entry.is_valid()
            && entry.is_specification_example()
        {
            failures.push(format!("{}: a valid example of the specification: {error}", entry.file));
        }
    }
    println!(
        "{} documents: {generated} of {valid} valid ones and {generated_refused_real} of {refused_real} real ones that \
         the official parser refuses are generated",
        entries.len()
    );
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(generated * 100 >= valid * 95, "{generated} of {valid} valid documents are generated");
}

#[test]
fn a_sample_of_the_documents_compiles() {
    let Some((directory, entries)) = collection() else { return };
    let mut modules = Modules::default();
    let mut files = Vec::new();
    // A fixed sample over all of the collection, whose order is that of the manifest.
    for entry in entries.iter().filter(|entry| entry.is_valid()).step_by(SAMPLE) {
        if let Ok(text) = generate(&directory.join(&entry.file)) {
            modules.add(format!("d{:04}", files.len()), text);
            files.push(&entry.file);
        }
    }
    let build = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("corpus-sample");
    let failures = modules.check(&build).unwrap();
    let failures: Vec<String> = failures
        .iter()
        .map(|(name, error)| format!("{}: {error}", files[name[1..].parse::<usize>().unwrap()]))
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
