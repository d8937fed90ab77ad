//! For code scanning: SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format).

use std::io::{self, Write};
use std::path::Path;

use event_api_spec::{ALL_RULES, Diagnostic, Label, Severity, Sources};
use serde_json::{Map, Value, json};

use super::Place;
use crate::validate::Report;

pub(crate) fn sarif(reports: &[Report], out: &mut impl Write) -> io::Result<()> {
    let results: Vec<Value> = reports
        .iter()
        .flat_map(|report| report.loaded.diagnostics.iter().map(|d| result(d, &report.loaded.sources)))
        .collect();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "event-api",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": ALL_RULES.iter().map(|rule| json!({
                    "id": rule.id,
                    "shortDescription": { "text": rule.summary },
                    "defaultConfiguration": { "level": level(rule.severity) },
                })).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let text = match &diagnostic.help {
        Some(help) => format!("{}. Help: {help}.", diagnostic.message),
        None => format!("{}.", diagnostic.message),
    };
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), diagnostic.rule.id.into());
    if let Some(index) = ALL_RULES.iter().position(|rule| rule.id == diagnostic.rule.id) {
        result.insert("ruleIndex".to_owned(), index.into());
    }
    result.insert("level".to_owned(), level(diagnostic.severity).into());
    result.insert("message".to_owned(), json!({ "text": text }));
    let mut labels = diagnostic.labels.iter();
    if let Some(primary) = labels.next() {
        result.insert("locations".to_owned(), json!([location(primary, sources)]));
    }
    let related: Vec<Value> = labels.map(|label| location(label, sources)).collect();
    if !related.is_empty() {
        result.insert("relatedLocations".to_owned(), related.into());
    }
    Value::Object(result)
}

fn location(label: &Label, sources: &Sources) -> Value {
    let place = Place::of(label, sources);
    let span = label.location.span;
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(place.path) },
            "region": {
                "startLine": place.start.line,
                "startColumn": place.start.column,
                "endLine": place.end.line,
                "endColumn": place.end.column,
                "byteOffset": span.start,
                "byteLength": span.end - span.start,
            },
        },
        "logicalLocations": [{ "fullyQualifiedName": label.location.pointer.as_str() }],
    });
    if !label.text.is_empty() {
        location["message"] = json!({ "text": label.text });
    }
    location
}

/// A path as a URI reference (RFC 3986): relative ones stay relative.
pub(crate) fn uri(path: &Path) -> String {
    let path = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' | b'+' => {
                uri.push(char::from(byte));
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::uri;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri(Path::new("spec/async api.yaml")), "spec/async%20api.yaml");
        assert_eq!(uri(Path::new("/srv/ä.json")), "file:///srv/%C3%A4.json");
    }
}
