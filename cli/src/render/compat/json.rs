//! For programs: one JSON object, whose schema is `docs/compat/report.schema.json`.

use std::io::{self, Write};

use event_api_codegen::compat::words;
use event_api_spec::compat as spec;
use event_api_spec::schema::Reading;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Fact, Spot, verdict};
use crate::compat::{Compared, Fault, Results};

/// Raised when a reader of the old shape would misread the new one; added members do not raise it.
const VERSION: u32 = 1;

/// The report of `event-api compat --format json`.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// The version of this form. New members do not raise it.
    version: u32,
    /// A comparison for each document that could be compared.
    comparisons: Vec<Comparison>,
    /// What could not be compared, and why; the exit status is 2 when there is any.
    errors: Vec<Error>,
}

/// A document, compared with earlier versions of it.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Comparison {
    /// The path of the document, as it was given.
    document: String,
    /// What it comes to: `compatible`, `incompatible` or `undecided`.
    verdict: &'static str,
    /// What had to hold: `backward`, `forward` or `full`.
    mode: String,
    /// For which of the old versions: `latest` or `transitive`.
    scope: &'static str,
    /// What writers were taken to send: `declared`, or with `--strict` `as-written`.
    reading: &'static str,
    /// The old versions, oldest first; empty when the document is new.
    baselines: Vec<Version>,
    /// `info.version` of the document.
    new_version: String,
    /// The step of `info.version` that the change needs: `none`, `patch`, `minor` or `major`.
    required_bump: String,
    /// The step that was made; `null` when that cannot be told.
    declared_bump: Option<String>,
    /// What to deploy first: `any-order`, `consumers-first`, `publishers-first` or `impossible`.
    deploy: &'static str,
    /// What was found, the worst first.
    findings: Vec<Finding>,
    /// Ignore entries that did nothing.
    unused_ignores: Vec<UnusedIgnore>,
    /// What else a reader should know, such as that the document is new.
    notes: Vec<String>,
}

/// An old version.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    /// A path, or a git ref.
    name: String,
    /// Its `info.version`.
    version: String,
    /// Whether it was compared; others only gave the order.
    compared: bool,
}

/// One fact about the change.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    /// The id of the rule; rules are listed in docs/compat/rules.md.
    rule: &'static str,
    /// What breaks: `wire`, `source` or `semantic`.
    kind: String,
    /// How much it matters: `breaking`, `unknown` or `notice`.
    level: String,
    /// Whether the comparison fails because of it.
    fails: bool,
    /// Who cannot cope: `backward` (programs of the new version meet what the old one wrote), `forward` (the other way
    /// round) or `both`; `null` when it is no matter of reading.
    direction: Option<String>,
    /// What it is about.
    subject: String,
    /// What has changed and who breaks, one sentence.
    message: String,
    /// What to do about it.
    help: Option<String>,
    /// The place in the old version.
    old: Option<Location>,
    /// The place in the new version.
    new: Option<Location>,
    /// Other subjects where the same fact shows.
    also: Vec<String>,
    /// Events that prove it.
    counterexamples: Vec<Counterexample>,
    /// Which of the baselines was compared, from 0.
    baseline: usize,
    /// Other baselines against which the same was found.
    also_baselines: Vec<usize>,
    /// Why it does not fail the comparison although its rule would.
    accepted: Option<Accepted>,
}

/// A place in a file.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    /// The file.
    file: String,
    /// A JSON Pointer (RFC 6901) within it.
    pointer: String,
    /// The message, operation, channel or server that it is a part of, as a JSON Pointer.
    element: String,
    /// Its first character.
    start: Position,
    /// Behind its last character.
    end: Position,
    /// What is to be seen there.
    text: String,
}

/// A position in a file.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Position {
    /// The line, from 1.
    line: u32,
    /// The column in Unicode characters, from 1.
    column: u32,
}

/// An event that a writer of one version may send and a reader of the other refuses.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Counterexample {
    /// `forward`: the new version writes it; `backward`: the old one does.
    direction: String,
    /// The payload, or the headers, with every digit.
    #[schemars(with = "serde_json::Value")]
    event: Option<Box<RawValue>>,
    /// Why it is refused.
    refusals: Vec<Refusal>,
}

/// Why a reader refuses an event.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    /// The offending part of the event, as a JSON Pointer.
    pointer: String,
    /// The keyword of the reader's schema that it breaks.
    keyword: String,
    /// What is wrong.
    message: String,
}

/// Why a finding does not fail the comparison.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted {
    /// `ignored`, `draft`, `sunset` or `not-promised`.
    by: &'static str,
    /// In words; for an ignore entry, with its reason.
    reason: String,
}

/// An ignore entry that did nothing.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct UnusedIgnore {
    /// The rule that it names.
    rule: String,
    /// The pointer that it names.
    pointer: String,
    /// Why it did nothing.
    message: String,
}

/// A document that could not be compared.
#[derive(JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
struct Error {
    /// The path of the document, as it was given.
    document: String,
    /// Why.
    message: String,
    /// What to do about it.
    help: Option<String>,
    /// The errors of the version that has some.
    diagnostics: Vec<String>,
}

pub(crate) fn json(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let report = Report {
        version: VERSION,
        comparisons: results.compared.iter().map(comparison).collect(),
        errors: results.faults.iter().map(error).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn comparison(compared: &Compared) -> Comparison {
    let report = &compared.report;
    Comparison {
        document: compared.path.to_string_lossy().into_owned(),
        verdict: verdict(compared.verdict()),
        mode: report.mode.to_string(),
        scope: match report.scope {
            spec::Scope::Latest => "latest",
            spec::Scope::Transitive => "transitive",
        },
        reading: match report.reading {
            Reading::AsWritten => "as-written",
            _ => "declared",
        },
        baselines: report.baselines.iter().map(version).collect(),
        new_version: report.new_version.clone(),
        required_bump: report.required_bump.to_string(),
        declared_bump: report.declared_bump.map(|bump| bump.to_string()),
        deploy: match report.deploy {
            spec::DeployOrder::AnyOrder => "any-order",
            spec::DeployOrder::ConsumersFirst => "consumers-first",
            spec::DeployOrder::PublishersFirst => "publishers-first",
            spec::DeployOrder::Impossible => "impossible",
        },
        findings: Fact::all(compared).map(finding).collect(),
        unused_ignores: report.unused_ignores.iter().map(unused_ignore).collect(),
        notes: compared.baselines.notes.clone(),
    }
}

fn version(info: &spec::BaselineInfo) -> Version {
    Version { name: info.name.clone(), version: info.version.clone(), compared: info.is_compared }
}

fn finding(fact: Fact<'_>) -> Finding {
    let found = fact.finding;
    Finding {
        rule: found.rule.id,
        kind: found.rule.kind.to_string(),
        level: found.level.to_string(),
        fails: found.fails(),
        direction: found.direction.map(|direction| direction.to_string()),
        subject: found.subject.clone(),
        message: found.message.clone(),
        help: found.help.clone(),
        old: fact.old_spot().map(location),
        new: fact.new_spot().map(location),
        also: found.also.clone(),
        counterexamples: found.counterexamples.iter().map(counterexample).collect(),
        baseline: found.baseline,
        also_baselines: found.also_baselines.clone(),
        accepted: found.accepted.as_ref().map(accepted),
    }
}

fn location((place, spot): (&spec::Place, Spot<'_>)) -> Location {
    Location {
        file: spot.path.to_string_lossy().into_owned(),
        pointer: place.location.pointer.to_string(),
        element: place.element.to_string(),
        start: Position { line: spot.start.line, column: spot.start.column },
        end: Position { line: spot.end.line, column: spot.end.column },
        text: place.text.clone(),
    }
}

fn counterexample(found: &spec::Counterexample) -> Counterexample {
    let refusal = |refusal: &spec::Refusal| Refusal {
        pointer: refusal.pointer.to_string(),
        keyword: refusal.keyword.clone(),
        message: refusal.message.clone(),
    };
    Counterexample {
        direction: found.direction.to_string(),
        event: RawValue::from_string(found.event.to_string()).ok(),
        refusals: found.refusals.iter().map(refusal).collect(),
    }
}

fn accepted(accepted: &spec::Accepted) -> Accepted {
    let by = match accepted {
        spec::Accepted::Ignored { .. } => "ignored",
        spec::Accepted::Draft => "draft",
        spec::Accepted::Sunset { .. } => "sunset",
        _ => "not-promised",
    };
    Accepted { by, reason: accepted.to_string() }
}

fn unused_ignore(unused: &spec::UnusedIgnore) -> UnusedIgnore {
    let (rule, pointer) = (unused.ignore.rule.clone(), unused.ignore.pointer.clone());
    UnusedIgnore { rule, pointer, message: words::unused_ignore(unused) }
}

fn error(fault: &Fault) -> Error {
    Error {
        document: fault.path.to_string_lossy().into_owned(),
        message: fault.message.clone(),
        help: fault.help.clone(),
        diagnostics: fault.diagnostics(),
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    /// `EVENT_API_UPDATE=1` writes it anew.
    #[test]
    fn the_published_schema_is_that_of_the_report() {
        let text = format!("{:#}\n", schemars::schema_for!(Report).as_value());
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compat/report.schema.json");
        if std::env::var_os("EVENT_API_UPDATE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "run again with EVENT_API_UPDATE=1");
    }
}
