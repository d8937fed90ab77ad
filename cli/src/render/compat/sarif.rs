//! For code scanning: SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format).

use std::io::{self, Write};
use std::path::Path;

use event_api_spec::compat::{ALL_RULES, Accepted, Level, Place, Rule};
use serde_json::{Map, Value, json};

use super::{Fact, Fingerprints, Spot, Weight};
use crate::compat::{Fault, Results};
use crate::render::sarif::uri;

pub(crate) fn sarif(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let mut fingerprints = Fingerprints::default();
    let facts = results.compared.iter().flat_map(Fact::all);
    let found: Vec<Value> = facts.map(|fact| result(fact, &mut fingerprints)).collect();
    let mut invocation = json!({ "executionSuccessful": results.faults.is_empty() });
    if !results.faults.is_empty() {
        invocation["toolExecutionNotifications"] = results.faults.iter().map(notification).collect();
    }
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "event-api",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": ALL_RULES.iter().map(rule).collect::<Vec<_>>(),
            }},
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": found,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.summary },
        "fullDescription": { "text": rule.summary },
        "helpUri": format!("{}/blob/main/docs/compat/rules.md#{}", env!("CARGO_PKG_REPOSITORY"), rule.id),
        "defaultConfiguration": { "level": level(rule.level) },
        "properties": { "kind": rule.kind.to_string() },
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Breaking => "error",
        Level::Unknown => "warning",
        Level::Notice => "note",
    }
}

fn result(fact: Fact<'_>, fingerprints: &mut Fingerprints) -> Value {
    let finding = fact.finding;
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), finding.rule.id.into());
    if let Some(index) = ALL_RULES.iter().position(|rule| rule.id == finding.rule.id) {
        result.insert("ruleIndex".to_owned(), index.into());
    }
    result.insert("level".to_owned(), level(finding.level).into());
    result.insert("message".to_owned(), json!({ "text": fact.text() }));
    let place = finding.new.as_ref().or(finding.old.as_ref());
    result.insert("locations".to_owned(), json!([location(place, fact.annotated())]));
    // A version in git is no file that a viewer could open.
    if let Some((place, spot)) = fact.old_spot().filter(|_| fact.is_old_on_disk()) {
        let mut old = location(Some(place), spot);
        old["message"] = json!({ "text": "the old version" });
        result.insert("relatedLocations".to_owned(), json!([old]));
    }
    result.insert("partialFingerprints".to_owned(), json!({ "finding/v1": fingerprints.of(fact) }));
    if fact.weight() == Weight::Accepted
        && let Some(accepted) = &finding.accepted
    {
        // An ignore entry stands outside of the document, everything else in it.
        let kind = if matches!(accepted, Accepted::Ignored { .. }) { "external" } else { "inSource" };
        result.insert("suppressions".to_owned(), json!([{ "kind": kind, "justification": accepted.to_string() }]));
    }
    Value::Object(result)
}

fn location(place: Option<&Place>, spot: Spot<'_>) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": file_uri(spot.path) },
            "region": {
                "startLine": spot.start.line,
                "startColumn": spot.start.column,
                "endLine": spot.end.line,
                "endColumn": spot.end.column,
            },
        },
    });
    if let Some(place) = place {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": place.location.pointer.as_str() }]);
    }
    location
}

fn notification(fault: &Fault) -> Value {
    json!({
        "level": "error",
        "message": { "text": fault.message },
        "locations": [{ "physicalLocation": { "artifactLocation": { "uri": file_uri(&fault.path) } } }],
    })
}

fn file_uri(path: &Path) -> String {
    uri(path.strip_prefix(".").unwrap_or(path))
}
