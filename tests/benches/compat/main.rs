//! Judging pairs of schemas, against the crate `jsoncompat`; comparing a large document with a changed copy; and how the time
//! grows with definitions that share references.
//!
//! `cargo bench -p event-api-tests --bench compat` prints `ratio NAME VALUE bar BAR`; larger is better. The pairs are those
//! of the collection (`EVENT_API_COMPAT`, else `../shared/compat`); without it, the rest is measured. `jsoncompat` is
//! built and run as a program of its own (`tests/peers/jsoncompat`) and takes turns; it gets the pairs in the dialect that
//! it knows.

#![allow(clippy::print_stdout, reason = "a benchmark that prints what it measured")]

mod dialect;
mod document;
mod peer;

use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use event_api_spec::schema::{Dialect, Inclusion, Reading, Verdict};
use event_api_spec::{LoadedSchema, Loader};
use event_api_tests::measure::{median, ratio};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Turns of all pairs; in each turn, the least time of a pair's rounds counts.
const TURNS: usize = 3;
const ROUNDS: usize = 7;
/// The bar says: at most half the time.
const BAR: f64 = 2.0;

fn main() -> io::Result<()> {
    growth();
    document::measure()?;
    match pairs()? {
        Some(pairs) => compare(&pairs),
        None => {
            println!("skipped: no collection of pairs; name its folder in EVENT_API_COMPAT");
            Ok(())
        }
    }
}

/// A line of the collection, as it is written.
#[derive(Deserialize)]
struct Pair {
    writer: Box<RawValue>,
    reader: Box<RawValue>,
}

fn pairs() -> io::Result<Option<Vec<Pair>>> {
    let folder = env::var_os("EVENT_API_COMPAT")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/compat"));
    let file = folder.join("pairs.jsonl");
    if !file.exists() {
        return Ok(None);
    }
    let lines = fs::read_to_string(file)?;
    Ok(Some(lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?))
}

fn load(text: &str) -> LoadedSchema {
    Loader::new().load_schema_text("schema.json", text, Dialect::Draft7)
}

/// From the texts to the verdict, with its witness.
fn judge(writer: &str, reader: &str) -> Option<Verdict> {
    let (writer, reader) = (load(writer), load(reader));
    let (sent, read) = (writer.root?, reader.root?);
    Some(Inclusion::new(&writer.schemas, &reader.schemas, Reading::AsWritten).decide(sent, read))
}

fn compare(pairs: &[Pair]) -> io::Result<()> {
    let Some(mut peer) = peer::Peer::build(pairs.iter().map(|pair| {
        let rewritten = |schema: &RawValue| dialect::to_2020_12(serde_json::from_str(schema.get()).unwrap_or_default());
        json!({ "writer": rewritten(&pair.writer), "reader": rewritten(&pair.reader) })
    }))?
    else {
        return Ok(());
    };
    let mut ours = vec![Duration::MAX; pairs.len()];
    for _ in 0..TURNS {
        peer.turn(ROUNDS)?;
        for (pair, least) in pairs.iter().zip(&mut ours) {
            for _ in 0..ROUNDS {
                let start = Instant::now();
                std::hint::black_box(judge(pair.writer.get(), pair.reader.get()));
                *least = (*least).min(start.elapsed());
            }
        }
    }
    let ours = median(ours);
    let (plain, full) = peer.medians();
    println!(
        "the median of {} pairs: {ours:?} with witnesses; jsoncompat {plain:?} without, {full:?} with counterexamples",
        pairs.len()
    );
    println!("ratio compat-pair {:.2} bar {BAR:.2}", ratio(plain, ours));
    Ok(())
}

/// Definitions of so many levels, each of which refers to the next one three times.
fn levels(count: usize) -> String {
    let mut definitions = serde_json::Map::new();
    for level in 0..count {
        let next = json!({ "$ref": format!("#/definitions/level{}", level + 1) });
        let properties = json!({ "first": next, "second": next, "third": next });
        definitions.insert(format!("level{level}"), json!({ "type": "object", "properties": properties }));
    }
    definitions.insert(format!("level{count}"), json!({ "type": "integer" }));
    Value::to_string(&json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$ref": "#/definitions/level0",
        "definitions": definitions,
    }))
}

fn growth() {
    let mut times = Vec::new();
    for count in [50, 100, 200] {
        let text = levels(count);
        let mut turns = Vec::new();
        for _ in 0..9 {
            let start = Instant::now();
            let verdict = std::hint::black_box(judge(&text, &text));
            turns.push(start.elapsed());
            assert_eq!(verdict, Some(Verdict::Compatible), "{count} levels");
        }
        let time = median(turns);
        println!("{count} levels of three references each: {time:?}");
        times.push(time);
    }
    // Linear: four times the levels in four times the time. Some more is granted for what is read before.
    println!("ratio compat-levels-linear {:.2} bar 0.80", 4.0 * ratio(times[0], times[2]));
    println!("ratio compat-levels-200 {:.2} bar 1.00", ratio(Duration::from_secs(1), times[2]));
}
