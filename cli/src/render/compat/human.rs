//! For people: findings with excerpts of both versions, and what to do.

use std::io::{self, Write};

use event_api_codegen::compat::{Colours, ReportText};
use event_api_spec::compat::Outcome;

use crate::compat::Results;
use crate::render::Stream;

pub(crate) fn human(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let colours = if Stream::Output.has_colours() { Colours::Ansi } else { Colours::None };
    let mut is_first = true;
    for compared in &results.compared {
        if !std::mem::take(&mut is_first) {
            writeln!(out)?;
        }
        if results.compared.len() + results.faults.len() > 1 {
            writeln!(out, "{}\n", compared.path.display())?;
        }
        for note in &compared.baselines.notes {
            writeln!(out, "note: {note}\n")?;
        }
        let released = &compared.baselines.released;
        writeln!(out, "{}", ReportText::new(&compared.report, released, &compared.new, colours))?;
        if compared.report.verdict() == Outcome::Undecided && compared.verdict() == Outcome::Compatible {
            writeln!(out, "  passes    what could not be decided is allowed")?;
        }
    }
    Ok(())
}
