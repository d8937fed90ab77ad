//! For pull requests: the workflow commands of GitHub Actions, one line a finding.

use std::io::{self, Write};

use event_api_spec::{Diagnostic, Severity, Sources};

use super::Place;
use crate::validate::Report;

pub(crate) fn github(reports: &[Report], out: &mut impl Write) -> io::Result<()> {
    for report in reports {
        for diagnostic in &report.loaded.diagnostics {
            writeln!(out, "{}", command(diagnostic, &report.loaded.sources))?;
        }
    }
    Ok(())
}

fn command(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = Vec::new();
    if let Some(label) = diagnostic.labels.first() {
        let place = Place::of(label, sources);
        properties.push(format!("file={}", property(&place.path.to_string_lossy())));
        properties.push(format!("line={},endLine={}", place.start.line, place.end.line));
        // Columns are ignored, or refused by some readers, when several lines are meant.
        if place.start.line == place.end.line {
            properties.push(format!("col={},endColumn={}", place.start.column, place.end.column));
        }
    }
    properties.push(format!("title={}", property(diagnostic.rule.id)));
    let mut message = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        message.push_str("\nhelp: ");
        message.push_str(help);
    }
    format!("::{command} {}::{}", properties.join(","), data(&message))
}

pub(crate) fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

pub(crate) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(data("100 %\nnext"), "100 %25%0Anext");
        assert_eq!(property("C:\\a,b"), "C%3A\\a%2Cb");
    }
}
