//! `compat --schemas`: pairs of schemas come in, one a line; a verdict on each goes out, one a line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::time::Instant;

use event_api_spec::schema::{Dialect, Inclusion, Reading, Verdict};
use event_api_spec::{LoadedSchema, Loader, Severity};
use serde_json::value::RawValue;

use crate::Outcome;

/// The members of a line, as they are written: every digit of a number counts.
type Line<'l> = BTreeMap<Cow<'l, str>, &'l RawValue>;

pub(super) fn run(path: &Path, reading: Reading, out: &mut impl Write, err: &mut impl Write) -> io::Result<Outcome> {
    let input: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        match File::open(path) {
            Ok(file) => Box::new(BufReader::new(file)),
            Err(error) => {
                writeln!(err, "error: cannot read `{}`: {error}", path.display())?;
                return Ok(Outcome::CouldNotRun);
            }
        }
    };
    let mut outcome = Outcome::Passed;
    for (index, line) in input.lines().enumerate() {
        let fault = match line {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => match answer(&line, reading) {
                Ok(answer) => {
                    writeln!(out, "{answer}")?;
                    continue;
                }
                Err(fault) => fault,
            },
            Err(error) => error.to_string(),
        };
        writeln!(err, "error: {}:{}: {fault}", path.display(), index + 1)?;
        outcome = Outcome::CouldNotRun;
    }
    out.flush()?;
    Ok(outcome)
}

/// The verdict on one pair as a line of JSON, or why the line is none.
fn answer(line: &str, reading: Reading) -> Result<String, String> {
    let members: Line<'_> =
        serde_json::from_str(line).map_err(|error| format!("the line is no JSON object: {error}"))?;
    let member = |name: &str| {
        members.get(name).copied().ok_or_else(|| {
            format!("the member `{name}` is missing; a line is {{\"id\": …, \"writer\": SCHEMA, \"reader\": SCHEMA}}")
        })
    };
    let (id, writer, reader) = (member("id")?, member("writer")?, member("reader")?);
    let (writer, reader) = (load("writer", writer), load("reader", reader));
    let start = Instant::now();
    let verdict = decide(&writer, &reader, reading);
    let micros = start.elapsed().as_micros();
    let (verdict, more) = match verdict {
        Ok(Verdict::Compatible) => ("compatible", String::new()),
        Ok(Verdict::Incompatible { witness }) => ("incompatible", format!(",\"witness\":{witness}")),
        Ok(Verdict::Unknown { reason }) => ("unknown", because(&reason.to_string())),
        // Verdicts that this program does not know yet are no promise.
        Ok(_) => ("unknown", String::new()),
        Err(reason) => ("unknown", because(&reason)),
    };
    Ok(format!("{{\"id\":{id},\"verdict\":\"{verdict}\"{more},\"micros\":{micros}}}"))
}

fn because(reason: &str) -> String {
    format!(",\"reason\":{}", serde_json::Value::from(reason))
}

fn load(side: &str, schema: &RawValue) -> LoadedSchema {
    Loader::new().load_schema_text(format!("{side}.json"), schema.get(), Dialect::Draft7)
}

/// The verdict, or why a schema cannot be judged.
fn decide(writer: &LoadedSchema, reader: &LoadedSchema, reading: Reading) -> Result<Verdict, String> {
    let root = |loaded: &LoadedSchema, side: &str| {
        let first = loaded.diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
        match (loaded.root, first) {
            (Some(root), None) => Ok(root),
            (_, Some(error)) => {
                let place = error.location().map_or_else(String::new, |at| format!(" at `{}`", at.pointer));
                Err(format!("the {side}'s schema has an error{place}: {}", error.message))
            }
            (None, None) => Err(format!("the {side}'s schema cannot be read")),
        }
    };
    let (sent, read) = (root(writer, "writer")?, root(reader, "reader")?);
    Ok(Inclusion::new(&writer.schemas, &reader.schemas, reading).decide(sent, read))
}
