//! Runs every document of a collection through the whole pipeline: parse, validate, generate, compile.
//!
//! `cargo run --release -p event-api-tests --bin corpus -- DIR [--json]` prints a table and totals; with `--json` one
//! line a document.

#![allow(clippy::print_stdout, reason = "a command that prints its findings")]

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use event_api_codegen::{GenerateError, Generator};
use event_api_spec::{Diagnostic, Loader, Severity, Sources};
use event_api_tests::compile::Modules;
use event_api_tests::corpus::{Entry, entries};
use serde::Serialize;

/// Runs a collection of AsyncAPI documents through the generator.
#[derive(Parser)]
struct Arguments {
    /// The collection: a folder with a `manifest.jsonl`.
    directory: PathBuf,
    /// Prints one JSON line a document.
    #[arg(long)]
    json: bool,
    /// Only documents whose path contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Does not compile what was generated.
    #[arg(long)]
    no_compile: bool,
    /// Where to build; below the target folder by default.
    #[arg(long)]
    build: Option<PathBuf>,
}

#[derive(Serialize)]
struct Outcome {
    file: String,
    parsed: bool,
    valid: bool,
    generated: bool,
    compiled: bool,
    fallbacks: usize,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    has_position: bool,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let entries: Vec<Entry> =
        entries(&arguments.directory)?.into_iter().filter(|entry| entry.file.contains(&arguments.only)).collect();
    panic::set_hook(Box::new(|_| {}));
    let mut modules = Modules::default();
    // The same module is compiled once, however many documents it was generated from.
    let mut names: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut known: HashMap<String, String> = HashMap::new();
    let mut outcomes = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let path = arguments.directory.join(&entry.file);
        let (mut outcome, text) = run(&path, &entry.file);
        if let Some(text) = text {
            let body = text.split_once('\n').map_or(text.as_str(), |(_header, body)| body).to_owned();
            let name = known.entry(body).or_insert_with(|| {
                let name = format!("d{index:04}");
                modules.add(&name, &text);
                name
            });
            names.entry(name.clone()).or_default().push(index);
            outcome.compiled = !arguments.no_compile;
        }
        outcomes.push(outcome);
    }
    if !arguments.no_compile && !modules.is_empty() {
        let build = arguments.build.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/corpus"));
        for (name, error) in modules.check(&build)? {
            for index in names.get(&name).into_iter().flatten() {
                outcomes[*index].compiled = false;
                outcomes[*index].error = Some(error.clone());
            }
        }
    }
    print(&entries, &outcomes, arguments.json)
}

/// One document; a panic is an outcome like another, so that a run always ends.
fn run(path: &Path, file: &str) -> (Outcome, Option<String>) {
    let start = Instant::now();
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        let loaded = Loader::new().load(path);
        let parsed = loaded.document.is_some();
        let valid = parsed && !loaded.has_errors();
        let error = first_error(&loaded.diagnostics, &loaded.sources);
        if !valid {
            return (parsed, valid, Err(error), 0);
        }
        match Generator::new().document(path) {
            Ok(generated) => match generated.to_file() {
                Ok(text) => (parsed, valid, Ok(text), generated.fallbacks),
                Err(error) => (parsed, valid, Err(Some((error.to_string(), false))), 0),
            },
            Err(GenerateError::Document(errors)) => {
                (parsed, valid, Err(first_error(&errors.diagnostics, &errors.sources)), 0)
            }
            Err(error) => (parsed, valid, Err(Some((error.to_string(), false))), 0),
        }
    }));
    let seconds = start.elapsed().as_secs_f64();
    let file = file.to_owned();
    let failure = |parsed, valid, error: Option<(String, bool)>| {
        let (error, has_position) = error.map_or((None, false), |(error, position)| (Some(error), position));
        let file = file.clone();
        Outcome { file, parsed, valid, generated: false, compiled: false, fallbacks: 0, seconds, error, has_position }
    };
    match result {
        Err(payload) => {
            let text = payload.downcast_ref::<String>().cloned();
            let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let error = format!("PANIC: {}", text.unwrap_or_default());
            (failure(false, false, Some((error, false))), None)
        }
        Ok((parsed, valid, Ok(text), fallbacks)) => {
            let outcome = Outcome {
                file: file.clone(),
                parsed,
                valid,
                generated: true,
                compiled: false,
                fallbacks,
                seconds,
                error: None,
                has_position: true,
            };
            (outcome, Some(text))
        }
        Ok((parsed, valid, Err(error), _)) => (failure(parsed, valid, error), None),
    }
}

fn first_error(diagnostics: &[Diagnostic], sources: &Sources) -> Option<(String, bool)> {
    let error = diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error)?;
    let place = error.location().map(|location| sources.display(location.span));
    let has_position = place.is_some();
    let place = place.unwrap_or_else(|| "no position".to_owned());
    Some((format!("{place}: {} [{}]", error.message, error.rule.id), has_position))
}

fn print(entries: &[Entry], outcomes: &[Outcome], json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        for outcome in outcomes {
            writeln!(out, "{}", serde_json::to_string(outcome).map_err(io::Error::other)?)?;
        }
        return Ok(());
    }
    for outcome in outcomes.iter().filter(|outcome| !outcome.compiled || outcome.fallbacks > 0) {
        let stage = match outcome {
            Outcome { compiled: true, .. } => "compiled",
            Outcome { generated: true, .. } => "GENERATED",
            Outcome { valid: true, .. } => "VALID",
            Outcome { parsed: true, .. } => "PARSED",
            _ => "NOTHING",
        };
        let error = outcome.error.as_deref().unwrap_or_default();
        writeln!(out, "{stage:9} {:3} fallbacks  {}  {}", outcome.fallbacks, outcome.file, first_line(error))?;
    }
    writeln!(
        out,
        "\n{:36} {:>5} {:>7} {:>7} {:>10} {:>9} {:>10}",
        "documents", "all", "parsed", "valid", "generated", "compiled", "fallbacks"
    )?;
    type Choice = (&'static str, fn(&Entry) -> bool);
    let groups: [Choice; 5] = [
        ("all", |_| true),
        ("valid by the official parser", Entry::is_valid),
        ("valid examples of the specification", |e| e.is_valid() && e.is_specification_example()),
        ("real, valid", |e| e.is_real() && e.is_valid()),
        ("real, refused by the official parser", |e| e.is_real() && !e.is_valid()),
    ];
    for (name, belongs) in groups {
        let chosen: Vec<&Outcome> = entries.iter().zip(outcomes).filter(|(e, _)| belongs(e)).map(|(_, o)| o).collect();
        let count = |of: fn(&Outcome) -> bool| chosen.iter().filter(|outcome| of(outcome)).count();
        writeln!(
            out,
            "{name:36} {:>5} {:>7} {:>7} {:>10} {:>9} {:>10}",
            chosen.len(),
            count(|o| o.parsed),
            count(|o| o.valid),
            count(|o| o.generated),
            count(|o| o.compiled),
            chosen.iter().map(|o| o.fallbacks).sum::<usize>(),
        )?;
    }
    let nowhere = outcomes.iter().filter(|o| !o.generated && !o.has_position).count();
    writeln!(out, "failures without a position: {nowhere}")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
