//! Comparing versions of a document: what breaks whom, proved by events.
//!
//! Loaded documents go in ([`Comparison::compare`]), a [`Report`] comes out: [`Finding`]s with places in both versions, a
//! verdict, the bump of `info.version` that the change needs, and what to deploy first. Payloads and headers are compared
//! by [inclusion](crate::schema::Inclusion), everything else by the [rules] of a catalogue.
//!
//! ```
//! use event_api_spec::Loader;
//! use event_api_spec::compat::{Baseline, Comparison, Outcome};
//!
//! let load = |kind: &str| {
//!     let text = format!(
//!         "{{asyncapi: 3.0.0, info: {{title: Orders, version: 1.0.0}}, channels: {{orders: {{address: orders, messages: {{
//!         Placed: {{payload: {{type: object, properties: {{total: {{type: {kind}}}}}}}}}}}}}}}}}"
//!     );
//!     Loader::new().load_text("asyncapi.yaml", &text)
//! };
//! let (old, new) = (load("integer"), load("string"));
//! let report = Comparison::new().compare(&[Baseline::new("main", &old)], &new).unwrap();
//! assert_eq!(report.verdict(), Outcome::Incompatible);
//! assert_eq!(report.findings[0].rule.id, "schema-type-changed");
//! ```

mod avro;
mod bindings;
mod channels;
mod compare;
mod fact;
mod finding;
mod messages;
mod operations;
mod pairing;
mod policy;
mod report;
pub mod rules;
mod schemas;
mod security;
mod servers;
mod unsaid;
mod verdict;
mod version;

use std::fmt;

pub use finding::{Accepted, Counterexample, Direction, Finding, Place, Refusal};
pub use policy::{Date, Ignore, InvalidDate, Mode, Scope, Unused, UnusedIgnore};
pub use report::{BaselineInfo, DeployOrder, Outcome, Report};
pub use rules::{ALL_RULES, Bump, Kind, Level, Rule};

use crate::loader::Loaded;
use crate::schema::Reading;

/// How documents are compared.
///
/// ```
/// use event_api_spec::compat::{Comparison, Ignore, Mode, Scope};
/// use event_api_spec::schema::Reading;
///
/// let comparison = Comparison::new()
///     .mode(Mode::Backward)
///     .scope(Scope::Transitive)
///     .reading(Reading::AsWritten)
///     .ignore(Ignore::new("message-removed", "/channels/users/**", "nobody ever read it"))
///     .today("2026-11-22".parse().unwrap());
/// # _ = comparison;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    mode: Option<Mode>,
    scope: Scope,
    reading: Reading,
    ignores: Vec<Ignore>,
    levels: Vec<(String, Level)>,
    today: Option<Date>,
}

impl Comparison {
    /// In [`Mode::Full`] unless the document says something else, with the latest version only, and writers that send
    /// what they declare.
    pub fn new() -> Self {
        Self::default()
    }

    /// What must hold. It counts instead of the document's own `x-compatibility`; that of a channel is more special, and
    /// stays.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// For which of the old versions.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// What writers may send. A publisher that was generated to keep unknown members writes
    /// [`AsWritten`](Reading::AsWritten).
    #[must_use]
    pub fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// Accepts the findings that the entry describes.
    #[must_use]
    pub fn ignore(mut self, ignore: Ignore) -> Self {
        self.ignores.push(ignore);
        self
    }

    /// Accepts the findings that any of the entries describes.
    #[must_use]
    pub fn ignores(mut self, ignores: impl IntoIterator<Item = Ignore>) -> Self {
        self.ignores.extend(ignores);
        self
    }

    /// Gives the findings of a rule another level than [`Rule::level`]. An id that no rule has changes nothing.
    #[must_use]
    pub fn level(mut self, rule: impl Into<String>, level: Level) -> Self {
        self.levels.push((rule.into(), level));
        self
    }

    /// The day on which the comparison is made. Without it, no ignore entry expires and no sunset has come.
    #[must_use]
    pub fn today(mut self, today: Date) -> Self {
        self.today = Some(today);
        self
    }

    /// Compares a document with earlier versions of it, which come oldest first. Without any, everything is new and
    /// nothing can break.
    ///
    /// # Errors
    ///
    /// When one of them could not be read so far that there is a document. What its diagnostics say is for the caller to
    /// look at: parts that could not be read are compared as if they were not there.
    pub fn compare(&self, baselines: &[Baseline<'_>], new: &Loaded) -> Result<Report, NotComparable> {
        for baseline in baselines {
            if baseline.loaded.document.is_none() {
                return Err(NotComparable { version: Some(baseline.name.clone()) });
            }
        }
        let Some(document) = &new.document else { return Err(NotComparable { version: None }) };
        Ok(verdict::report(self, baselines, (document, &new.sources)))
    }

    fn level_of(&self, rule: &Rule) -> Level {
        let given = self.levels.iter().rev().find(|(id, _)| id == rule.id);
        given.map_or(rule.level, |(_, level)| *level)
    }
}

/// An earlier version of a document.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Baseline<'l> {
    /// What reports call it: a path or a git ref.
    pub name: String,
    /// The document, with its sources.
    pub loaded: &'l Loaded,
}

impl<'l> Baseline<'l> {
    /// An earlier version and what to call it.
    pub fn new(name: impl Into<String>, loaded: &'l Loaded) -> Self {
        Baseline { name: name.into(), loaded }
    }
}

/// A version could not be read so far that there is a document to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotComparable {
    /// The name of the baseline; `None` for the new version.
    pub version: Option<String>,
}

impl fmt::Display for NotComparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(name) => write!(f, "the old version `{name}` is no AsyncAPI document; see its diagnostics"),
            None => f.write_str("the new version is no AsyncAPI document; see its diagnostics"),
        }
    }
}

impl std::error::Error for NotComparable {}
