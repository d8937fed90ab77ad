//! `compat`: documents and what to compare them with come in; reports go out.

mod baselines;
mod git;
mod pairs;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use event_api_codegen::compat::{Config, ReleasedError, Undecided, comparison};
use event_api_spec::compat::{self, Report};
use event_api_spec::schema::Reading;
use event_api_spec::{Diagnostic, Loaded, Loader, Severity};

use crate::Outcome;
use crate::args::{CompatArgs, CompatFormat};
use crate::render::{self, Stream};
pub(crate) use baselines::Origin;
use baselines::{Baselines, Plan};
use git::GitError;

/// A document that was compared.
pub(crate) struct Compared {
    /// As the user named it.
    pub(crate) path: PathBuf,
    pub(crate) new: Loaded,
    pub(crate) baselines: Baselines,
    pub(crate) report: Report,
    /// What becomes of what could not be decided.
    pub(crate) undecided: Undecided,
}

/// A document that could not be compared, and why.
pub(crate) struct Fault {
    pub(crate) path: PathBuf,
    /// One sentence without a trailing period.
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// The version that has errors.
    pub(crate) invalid: Option<Box<Loaded>>,
}

/// What came of all documents.
#[derive(Default)]
pub(crate) struct Results {
    pub(crate) compared: Vec<Compared>,
    pub(crate) faults: Vec<Fault>,
}

impl Compared {
    /// The verdict, as the settings have it.
    pub(crate) fn verdict(&self) -> compat::Outcome {
        self.undecided.verdict(&self.report)
    }
}

impl Fault {
    fn new(path: &Path, message: impl Into<String>) -> Self {
        Fault { path: path.to_owned(), message: message.into(), help: None, invalid: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn git(path: &Path, error: GitError) -> Self {
        Fault { help: error.help, ..Fault::new(path, error.message) }
    }

    fn released(path: &Path, error: ReleasedError) -> Self {
        match error {
            ReleasedError::Invalid(invalid) => {
                Fault::invalid(path, &format!("`{}`", invalid.path.display()), invalid.loaded)
            }
            error => Fault::new(path, error.to_string()),
        }
    }

    /// The errors of the version that has some, a line each.
    pub(crate) fn diagnostics(&self) -> Vec<String> {
        let Some(invalid) = &self.invalid else { return Vec::new() };
        let errors = invalid.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let place = |found: &Diagnostic| found.location().map(|at| invalid.sources.display(at.span) + ": ");
        errors.map(|found| format!("{}{}", place(found).unwrap_or_default(), found.message)).collect()
    }

    /// A version that has errors.
    fn invalid(path: &Path, version: &str, loaded: Loaded) -> Self {
        Fault {
            invalid: Some(Box::new(loaded)),
            ..Fault::new(path, format!("{version} has errors, and cannot be compared"))
        }
    }
}

impl Results {
    fn outcome(&self) -> Outcome {
        if !self.faults.is_empty() {
            Outcome::CouldNotRun
        } else if self.compared.iter().any(|compared| compared.verdict() != compat::Outcome::Compatible) {
            Outcome::Failed
        } else {
            Outcome::Passed
        }
    }
}

pub(crate) fn run(args: &CompatArgs, out: &mut impl Write, err: &mut impl Write) -> io::Result<Outcome> {
    if let Some(schemas) = &args.schemas {
        return pairs::run(schemas, reading(args).unwrap_or_default(), out, err);
    }
    let mut results = Results::default();
    for plan in baselines::plans(args) {
        match plan.and_then(|plan| compare(args, plan)) {
            Ok(compared) => results.compared.push(compared),
            Err(fault) => {
                report(&fault, err)?;
                results.faults.push(fault);
            }
        }
    }
    match args.format {
        CompatFormat::Human => render::compat::human(&results, out)?,
        CompatFormat::Json => render::compat::json(&results, out)?,
        CompatFormat::Github => render::compat::github(&results, out)?,
        CompatFormat::Gitlab => render::compat::gitlab(&results, out)?,
        CompatFormat::Sarif => render::compat::sarif(&results, out)?,
        CompatFormat::Junit => render::compat::junit(&results, out)?,
        CompatFormat::Markdown => render::compat::markdown(&results, out)?,
    }
    out.flush()?;
    Ok(results.outcome())
}

/// What `--strict` says; without it, a settings file may.
fn reading(args: &CompatArgs) -> Option<Reading> {
    args.strict.then_some(Reading::AsWritten)
}

fn loader(args: &CompatArgs) -> Loader {
    args.map_remote.iter().fold(Loader::new(), |loader, (url, folder)| loader.map_remote(url.as_str(), folder))
}

fn compare(args: &CompatArgs, plan: Plan) -> Result<Compared, Fault> {
    let path = plan.document.clone();
    let new = loader(args).load(&path);
    if new.has_errors() || new.document.is_none() {
        return Err(Fault::invalid(&path, &format!("`{}`", path.display()), new));
    }
    let config = plan.config.as_ref();
    let baselines = plan.read(&loader(args))?;
    let comparison = comparison(args.mode, reading(args), config)
        .ignores(config.map(|config: &Config| config.ignores_of(&path)).unwrap_or_default());
    let versions: Vec<_> = baselines.released.iter().map(|released| released.baseline()).collect();
    let report = comparison.compare(&versions, &new).map_err(|error| Fault::new(&path, error.to_string()))?;
    let configured = config.map(|config| config.compat.undecided).unwrap_or_default();
    let undecided = if args.allow_undecided { Undecided::Pass } else { configured };
    Ok(Compared { path, new, baselines, report, undecided })
}

/// Tells on standard error why a document could not be compared.
fn report(fault: &Fault, err: &mut impl Write) -> io::Result<()> {
    if let Some(invalid) = &fault.invalid {
        let errors = invalid.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        render::diagnostics(errors, &invalid.sources, Stream::Error, err)?;
    }
    writeln!(err, "error: {}", fault.message)?;
    fault.help.as_ref().map_or(Ok(()), |help| writeln!(err, "help: {help}"))
}
