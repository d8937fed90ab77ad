//! Generating the largest document of the collection, against reading its text into a plain value with `serde_yaml`.
//! Without the collection, a document of about the same size is made up.
//!
//! `cargo bench -p event-api-tests --bench generation` prints `ratio NAME VALUE bar BAR`; larger is better: the bar is
//! three times the time that the plain reading takes. A breakdown says where the time goes.

#![allow(clippy::print_stdout, reason = "a benchmark that prints what it measured")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use event_api_codegen::{Generated, Generator};
use event_api_spec::Loader;
use event_api_tests::corpus;
use event_api_tests::measure::{compare, ratio};

/// Generation may take this many times as long as plain reading.
const ALLOWED: f64 = 3.0;

const ROUNDS: usize = 7;

fn main() -> io::Result<()> {
    let made_up = std::env::temp_dir().join(format!("event-api-generation-{}.yaml", std::process::id()));
    let result = match corpus::directory() {
        Some(directory) => {
            measure("generation", largest(&directory, "")?.as_deref())?;
            measure("generation-yaml", largest(&directory, ".yaml")?.as_deref())
        }
        None => {
            println!("no collection of documents here: a document is made up");
            fs::write(&made_up, synthetic(4000))?;
            measure("generation", Some(&made_up))
        }
    };
    let _ = fs::remove_file(made_up);
    result
}

/// The largest document of the collection, by bytes, that generates.
fn largest(directory: &Path, suffix: &str) -> io::Result<Option<PathBuf>> {
    let mut files: Vec<(u64, PathBuf)> = corpus::entries(directory)?
        .iter()
        .filter(|entry| entry.file.ends_with(suffix))
        .filter_map(|entry| {
            let path = directory.join(&entry.file);
            Some((fs::metadata(&path).ok()?.len(), path))
        })
        .collect();
    files.sort_unstable();
    Ok(files.into_iter().rev().map(|(_, path)| path).find(|path| Generator::new().document(path).is_ok()))
}

fn measure(name: &str, path: Option<&Path>) -> io::Result<()> {
    let Some(path) = path else {
        println!("no document generates");
        return Ok(());
    };
    let text = fs::read_to_string(path)?;
    let (parsing, generating) = compare(
        ROUNDS,
        || serde_yaml::from_str::<serde_yaml::Value>(&text),
        || Generator::new().document(path).map(|generated| generated.to_file().map(|file| (generated, file))),
    );
    println!(
        "{name}: {} bytes of {}: generation {generating:?}, reading into a plain value {parsing:?}",
        text.len(),
        path.file_name().unwrap_or_default().display()
    );
    breakdown(path);
    println!("ratio {name} {:.2} bar 1.00", ALLOWED * ratio(parsing, generating));
    Ok(())
}

/// Where the time of one generation goes.
fn breakdown(path: &Path) {
    let mut spans: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        drop(std::hint::black_box(Loader::new().load(path)));
        spans[0].push(start.elapsed());
        let start = Instant::now();
        let Ok(generated) = Generator::new().document(path) else { return };
        spans[1].push(start.elapsed());
        let start = Instant::now();
        drop(std::hint::black_box(Generated::to_file(&generated)));
        spans[2].push(start.elapsed());
    }
    let [load, tokens, text] = spans.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    println!(
        "    load and validate {load:?}, lower and emit tokens {:?}, format as text {text:?}",
        tokens.saturating_sub(load)
    );
}

/// A document of `count` messages and as many schemas.
fn synthetic(count: usize) -> String {
    let mut out = String::from(
        "asyncapi: 3.0.0\ninfo: { title: Made up, version: 1.0.0 }\nchannels:\n  all:\n    address: all\n    messages:\n",
    );
    for number in 0..count {
        let _ =
            writeln!(out, "      Message{number}:\n        payload: {{ $ref: '#/components/schemas/Schema{number}' }}");
    }
    out.push_str("components:\n  schemas:\n");
    for number in 0..count {
        let _ = writeln!(
            out,
            "    Schema{number}:\n      type: object\n      description: What number {number} says.\n      required: [id, kind]\n      \
             properties:\n        id: {{ type: string, minLength: 1 }}\n        kind: {{ type: string, enum: [first, second] }}\n        \
             amount: {{ type: number, minimum: 0 }}\n        next: {{ $ref: '#/components/schemas/Schema{} ' }}",
            (number + 1) % count
        );
    }
    out.replace(" ' }", "' }")
}
