//! The check at build time: a document and options come in; nothing goes out when it is compatible with its released
//! versions, and the report when it is not.

use std::fmt;
use std::path::{Path, PathBuf};

use event_api_spec::compat::{NotComparable, Outcome, Report, Scope};
use event_api_spec::{Loaded, Loader};

use super::{Colours, Compat, Config, ConfigError, Released, ReleasedError, ReportText, comparison, read_released};

/// What to compare with, and what must hold.
pub(crate) struct Check<'a> {
    /// A released version, or a folder of them.
    pub(crate) baseline: &'a Path,
    /// What must hold; without it, the settings file says so, or the document.
    pub(crate) mode: Option<Compat>,
    /// What paths are relative to.
    pub(crate) folder: &'a Path,
}

/// A document does not pass the check at build time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompatError {
    /// The released versions cannot be read.
    #[error(transparent)]
    Released(#[from] ReleasedError),
    /// `event-api.toml` cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A version is no document.
    #[error(transparent)]
    NotComparable(#[from] NotComparable),
    /// There is only one version, and all are to be compared.
    #[error(
        "`{mode}` compares with every released version, and `{}` is a single one; name the folder that they are in",
        path.display()
    )]
    SingleVersion {
        /// The mode.
        mode: Compat,
        /// The version.
        path: PathBuf,
    },
    /// It is not compatible, or it could not be decided whether it is. The message is the report.
    #[error("{0}")]
    Incompatible(Box<Incompatible>),
}

/// A document that is not compatible with its released versions; displayed, it is the whole report.
#[derive(Debug)]
#[non_exhaustive]
pub struct Incompatible {
    /// The document.
    pub path: PathBuf,
    /// Why.
    pub report: Report,
    /// The versions that it was compared with.
    pub released: Vec<Released>,
    /// The document as it was read.
    pub new: Loaded,
}

impl fmt::Display for Incompatible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Incompatible { path, report, released, new } = self;
        let what = match report.verdict() {
            Outcome::Undecided => "could not be proved compatible with its released versions",
            _ => "is not compatible with its released versions",
        };
        writeln!(f, "`{}` {what}\n", path.display())?;
        // Remarks would stand between people and the reason.
        ReportText::new(report, released, new, Colours::None).without_notices().fmt(f)
    }
}

impl Check<'_> {
    /// Compares the document, and says which files decided about it, so that a build is repeated when one changes.
    pub(crate) fn run(&self, path: &Path, new: &Loaded, loader: &Loader) -> Result<Vec<PathBuf>, CompatError> {
        let config = Config::find(&self.folder.join(path))?;
        let released = read_released(self.baseline, self.folder, loader)?;
        if let Some(mode) = self.mode.filter(|mode| mode.scope() == Scope::Transitive)
            && !self.folder.join(self.baseline).is_dir()
        {
            return Err(CompatError::SingleVersion { mode, path: self.baseline.to_owned() });
        }
        let entries = config.iter().flat_map(|config| config.ignores_of(&self.folder.join(path)));
        let comparison = comparison(self.mode, None, config.as_ref()).ignores(entries);
        let baselines: Vec<_> = released.iter().map(Released::baseline).collect();
        let report = comparison.compare(&baselines, new)?;
        let undecided = config.as_ref().map(|config| config.compat.undecided).unwrap_or_default();
        if undecided.verdict(&report) != Outcome::Compatible {
            let (path, new) = (path.to_owned(), new.clone());
            return Err(CompatError::Incompatible(Box::new(Incompatible { path, report, released, new })));
        }
        let files = released.iter().flat_map(|version| version.loaded.sources.files());
        let mut read: Vec<PathBuf> = files.map(|file| file.path().to_owned()).collect();
        read.push(self.baseline.to_owned());
        // Its path is one from where the process runs, which need not be the folder that others are relative to.
        read.extend(config.and_then(|config| std::path::absolute(config.path).ok()));
        read.sort();
        read.dedup();
        Ok(read)
    }
}
