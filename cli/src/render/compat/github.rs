//! For pull requests: the workflow commands of GitHub Actions, one line a finding.

use std::io::{self, Write};
use std::path::Path;

use super::{Fact, Spot, Weight, summary};
use crate::compat::Results;
use crate::render::github::{data, property};

pub(crate) fn github(results: &Results, out: &mut impl Write) -> io::Result<()> {
    for fault in &results.faults {
        let message = [fault.message.as_str(), fault.help.as_deref().unwrap_or_default()].join("\n");
        write_command(out, "error", &fault.path, None, "not compared", message.trim_end())?;
    }
    for compared in &results.compared {
        for fact in Fact::all(compared) {
            let command = match fact.weight() {
                Weight::Breaking => "error",
                Weight::Undecided => "warning",
                Weight::Notice | Weight::Accepted => "notice",
            };
            let spot = fact.annotated();
            write_command(out, command, spot.path, Some(spot), fact.finding.rule.id, &fact.text())?;
        }
        for unused in &compared.report.unused_ignores {
            let message = event_api_codegen::compat::words::unused_ignore(unused);
            write_command(out, "warning", &compared.path, None, "unused ignore", &message)?;
        }
        let lines: Vec<String> = summary(compared).into_iter().map(|(name, text)| format!("{name}: {text}")).collect();
        write_command(out, "notice", &compared.path, None, "compatibility", &lines.join("\n"))?;
    }
    Ok(())
}

fn write_command(
    out: &mut impl Write,
    command: &str,
    path: &Path,
    spot: Option<Spot<'_>>,
    title: &str,
    message: &str,
) -> io::Result<()> {
    let path = path.strip_prefix(".").unwrap_or(path);
    write!(out, "::{command} file={}", property(&path.to_string_lossy()))?;
    if let Some(Spot { start, end, .. }) = spot {
        write!(out, ",line={},endLine={}", start.line, end.line)?;
        // Columns are ignored, or refused by some readers, when several lines are meant.
        if start.line == end.line {
            write!(out, ",col={},endColumn={}", start.column, end.column)?;
        }
    }
    writeln!(out, ",title={}::{}", property(title), data(message))
}
