//! What generated code costs to compile: the types of documents of a collection as they are generated, as people write
//! them with serde's derives, and as `cargo typify` generates them from the same schemas.
//!
//! `cargo run --release -p event-api-tests --bin compile_cost -- DIR FILE… [--typify COMMAND]` prints the CPU seconds of
//! `cargo check` and of a release build, with all dependencies built before, and `ratio NAME VALUE bar BAR`; larger is
//! better. CPU time is read from `/proc`, so this runs on Linux.

#![allow(clippy::print_stdout, reason = "a command that prints what it measured")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use clap::Parser;
use event_api_codegen::Generator;
use event_api_tests::by_hand;
use event_api_tests::scratch::Scratch;
use serde_json::{Map, Value, json};

/// `cargo check` may take a tenth more than for what is written by hand.
const BY_HAND: f64 = 0.91;
/// It may take half as much as for what typify makes.
const TYPIFY: f64 = 2.0;

/// Measures what generated code costs to compile.
#[derive(Parser)]
struct Arguments {
    /// The collection of documents.
    directory: PathBuf,
    /// Documents below it, AsyncAPI with its types under `components.schemas`.
    files: Vec<PathBuf>,
    /// The program `cargo-typify`; without it nothing is compared with typify.
    #[arg(long)]
    typify: Option<PathBuf>,
    /// Where to build; below the target folder by default.
    #[arg(long)]
    build: Option<PathBuf>,
    /// Builds of each, of which the cheapest counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let build = arguments.build.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compile-cost"));
    fs::create_dir_all(&build)?;
    let scratch = Scratch::new(&build)?;
    let empty = [String::from("pub struct Root;")];
    for arguments_of_cargo in [CHECK, RELEASE] {
        let base = scratch.costs(&empty, arguments_of_cargo, arguments.rounds)?;
        println!("{}: {:.2} s of CPU for an empty crate", arguments_of_cargo.join(" "), base[0]);
    }
    for (index, file) in arguments.files.iter().enumerate() {
        println!("\n{}", file.display());
        let schema = build.join(format!("schema-{index}.json"));
        let document = fs::read_to_string(arguments.directory.join(file))?;
        fs::write(&schema, bare(&document)?)?;
        let generated = Generator::new().schema(&schema, "Root").and_then(|generated| generated.to_file());
        let generated = generated.map_err(io::Error::other)?;
        let mut texts = vec![by_hand::with_derives(&generated)?, generated];
        if let Some(program) = &arguments.typify {
            match typify(program, &schema) {
                Ok(text) => texts.push(text),
                Err(error) => println!("    no comparison with typify: {error}"),
            }
        }
        for text in &mut texts {
            // What reads and writes a value makes the compiler work on all of the types.
            text.push_str(
                "\npub fn read(text: &str) -> ::core::result::Result<Root, ::serde_json::Error> { ::serde_json::from_str(text) }\n\
                 pub fn write(root: &Root) -> ::core::result::Result<::std::string::String, ::serde_json::Error> { ::serde_json::to_string(root) }\n",
            );
        }
        compare(&scratch, &texts, index, arguments.rounds)?;
    }
    Ok(())
}

const CHECK: &[&str] = &["check"];
const RELEASE: &[&str] = &["build", "--release"];

fn compare(scratch: &Scratch, texts: &[String], index: usize, rounds: usize) -> io::Result<()> {
    let lines: Vec<usize> = texts.iter().map(|text| text.lines().count()).collect();
    println!("    lines: by hand {}, generated {}{}", lines[0], lines[1], of_typify(&lines, |n| n.to_string()));
    for (name, command) in [("check", CHECK), ("release", RELEASE)] {
        let costs = scratch.costs(texts, command, rounds)?;
        println!(
            "    {name}: by hand {:.2} s, generated {:.2} s{}",
            costs[0],
            costs[1],
            of_typify(&costs, |seconds| format!("{seconds:.2} s"))
        );
        println!("ratio compile-{index}-{name} {:.2} bar {BY_HAND}", costs[0] / costs[1]);
        if let Some(typify) = costs.get(2) {
            println!("ratio compile-{index}-{name}-typify {:.2} bar {TYPIFY}", typify / costs[1]);
        }
    }
    Ok(())
}

fn of_typify<T>(all: &[T], show: impl Fn(&T) -> String) -> String {
    all.get(2).map(|value| format!(", typify {}", show(value))).unwrap_or_default()
}

/// The schemas of a document as one bare schema, an object with a member for each of them.
fn bare(document: &str) -> io::Result<String> {
    let document: Value = serde_yaml::from_str(document).map_err(io::Error::other)?;
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    let members: Map<String, Value> =
        schemas.keys().map(|name| (name.clone(), json!({"$ref": format!("#/definitions/{name}")}))).collect();
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Root",
        "type": "object",
        "properties": members,
        "definitions": schemas,
    });
    Ok(schema.to_string().replace("#/components/schemas/", "#/definitions/"))
}

/// What typify makes of a schema.
fn typify(program: &Path, schema: &Path) -> io::Result<String> {
    let output = Command::new(program).args(["typify", "--no-builder", "--output", "-"]).arg(schema).output()?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(io::Error::other);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(text.lines().find(|line| !line.trim().is_empty()).unwrap_or("it fails").to_owned()))
}
