//! For programs: one JSON object, whose shape `docs/command-line.md` describes.

use std::io::{self, Write};

use event_api_spec::{Diagnostic, Label, Sources};
use serde_json::{Value, json};

use super::Place;
use crate::validate::{Counts, Report};

/// Raised when a reader of the old shape would misread the new one; added members do not raise it.
const VERSION: u32 = 1;

pub(crate) fn json(reports: &[Report], out: &mut impl Write) -> io::Result<()> {
    let counts = Counts::of(reports.iter().flat_map(|report| &report.loaded.diagnostics));
    let report = json!({
        "version": VERSION,
        "documents": reports.iter().map(document).collect::<Vec<_>>(),
        "summary": {
            "documents": reports.len(),
            "errors": counts.errors,
            "warnings": counts.warnings,
            "infos": counts.infos,
        },
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn document(report: &Report) -> Value {
    let diagnostics = &report.loaded.diagnostics;
    json!({
        "path": report.path.to_string_lossy(),
        "valid": !report.loaded.has_errors(),
        "diagnostics": diagnostics.iter().map(|d| diagnostic(d, &report.loaded.sources)).collect::<Vec<_>>(),
    })
}

fn diagnostic(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    json!({
        "rule": diagnostic.rule.id,
        "severity": diagnostic.severity.to_string(),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "locations": diagnostic.labels.iter().map(|label| location(label, sources)).collect::<Vec<_>>(),
    })
}

fn location(label: &Label, sources: &Sources) -> Value {
    let place = Place::of(label, sources);
    let span = label.location.span;
    json!({
        "file": place.path.to_string_lossy(),
        "pointer": label.location.pointer.as_str(),
        "start": { "line": place.start.line, "column": place.start.column, "offset": span.start },
        "end": { "line": place.end.line, "column": place.end.column, "offset": span.end },
        "text": label.text,
    })
}
