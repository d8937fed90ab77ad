//! `validate`: loads documents and reports what was found.

use std::io::{self, Write};
use std::path::PathBuf;

use event_api_spec::{Diagnostic, Loaded, Loader, Severity, rules};

use crate::Outcome;
use crate::args::{Format, ValidateArgs};
use crate::render;

/// A document and what was found in it.
pub(crate) struct Report {
    /// As the user named it.
    pub(crate) path: PathBuf,
    pub(crate) loaded: Loaded,
}

impl Report {
    /// Whether the file could not be read at all, as opposed to one that it refers to.
    fn is_unreadable(&self) -> bool {
        let unreadable =
            |diagnostic: &Diagnostic| diagnostic.rule.id == rules::UNREADABLE_FILE.id && diagnostic.labels.is_empty();
        self.loaded.diagnostics.iter().any(unreadable)
    }
}

/// How many findings there are of each severity.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) infos: usize,
}

impl Counts {
    pub(crate) fn of<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>) -> Self {
        let mut counts = Counts::default();
        for diagnostic in diagnostics {
            match diagnostic.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
                Severity::Info => counts.infos += 1,
            }
        }
        counts
    }
}

pub(crate) fn run(args: &ValidateArgs, out: &mut impl Write) -> io::Result<Outcome> {
    let loader =
        args.map_remote.iter().fold(Loader::new(), |loader, (url, folder)| loader.map_remote(url.as_str(), folder));
    let reports: Vec<Report> =
        args.files.iter().map(|path| Report { path: path.clone(), loaded: loader.load(path) }).collect();
    match args.format {
        Format::Human => render::human(&reports, out)?,
        Format::Json => render::json(&reports, out)?,
        Format::Github => render::github(&reports, out)?,
        Format::Sarif => render::sarif(&reports, out)?,
    }
    out.flush()?;
    let counts = Counts::of(reports.iter().flat_map(|report| &report.loaded.diagnostics));
    Ok(if reports.iter().any(Report::is_unreadable) {
        Outcome::CouldNotRun
    } else if counts.errors > 0 || (args.strict && counts.warnings > 0) {
        Outcome::Failed
    } else {
        Outcome::Passed
    })
}
