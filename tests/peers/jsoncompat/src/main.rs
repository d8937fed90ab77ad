//! Judges pairs of schemas with the crate `jsoncompat`, in the dialect that it knows, and says how long it took.
//!
//! In: a file of lines `{"writer": SCHEMA, "reader": SCHEMA}`, and how often to judge each pair. Out: for each line the least
//! nanoseconds from the texts to the verdict, the same to the verdict with a counterexample, and the verdict.

use std::error::Error;
use std::time::Instant;

use jsoncompat::{CompatibilityResult, Role, SchemaDocument, analyze_compat, check_compat};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(rounds)) = (arguments.next(), arguments.next()) else {
        return Err("usage: peer-jsoncompat FILE ROUNDS".into());
    };
    let rounds: usize = rounds.parse()?;
    for line in std::fs::read_to_string(file)?.lines() {
        let pair: Value = serde_json::from_str(line)?;
        let (writer, reader) = (pair["writer"].to_string(), pair["reader"].to_string());
        let (plain, _) = least(rounds, || check(&writer, &reader));
        let (full, verdict) = least(rounds, || analyze(&writer, &reader));
        println!("{plain} {full} {verdict}");
    }
    Ok(())
}

fn least(rounds: usize, mut judge: impl FnMut() -> Result<&'static str, Box<dyn Error>>) -> (u128, &'static str) {
    let mut least = u128::MAX;
    let mut verdict = "error";
    for _ in 0..rounds.max(1) {
        let start = Instant::now();
        let judged = judge();
        least = least.min(start.elapsed().as_nanos());
        verdict = judged.unwrap_or("error");
    }
    (least, verdict)
}

fn documents(writer: &str, reader: &str) -> Result<(SchemaDocument, SchemaDocument), Box<dyn Error>> {
    Ok((
        SchemaDocument::from_json(&serde_json::from_str(writer)?)?,
        SchemaDocument::from_json(&serde_json::from_str(reader)?)?,
    ))
}

/// In the role of the serializer, the new schema is the writer's and the old one the reader's.
fn check(writer: &str, reader: &str) -> Result<&'static str, Box<dyn Error>> {
    let (writer, reader) = documents(writer, reader)?;
    Ok(if check_compat(&reader, &writer, Role::Serializer)? { "compatible" } else { "incompatible" })
}

fn analyze(writer: &str, reader: &str) -> Result<&'static str, Box<dyn Error>> {
    let (writer, reader) = documents(writer, reader)?;
    Ok(match analyze_compat(&reader, &writer, Role::Serializer)? {
        CompatibilityResult::Compatible => "compatible",
        CompatibilityResult::Incompatible { .. } => "incompatible",
        CompatibilityResult::Unknown { .. } => "unknown",
    })
}
