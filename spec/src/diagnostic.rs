//! What is wrong with a document, as a value: a stable rule, a sentence, the places and a way out.
//!
//! Rendering (colours, excerpts, JSON, SARIF) happens at the edge; nothing here prints.

use std::fmt;

use crate::source::Location;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; never fails a check.
    Info,
    /// The document is not as its author meant it, but what is needed can still be generated.
    /// `validate --strict` fails on it.
    Warning,
    /// Generated code would be impossible or wrong.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// A rule's stable identity, as `docs/diagnostics.md` lists it, with the severity it has by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Kebab-case id, for example `unresolved-reference`. Never changes once released.
    pub id: &'static str,
    /// The severity of its findings.
    pub severity: Severity,
    /// One sentence: what the rule demands.
    pub summary: &'static str,
}

/// A place in a source file and what to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub location: Location,
    /// What is to be seen there; may be empty for the primary label.
    pub text: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Which rule it breaks.
    pub rule: Rule,
    /// How much it matters here; [`Rule::severity`] unless the rule says otherwise for this case.
    pub severity: Severity,
    /// What is wrong, one sentence without a trailing period.
    pub message: String,
    /// The places; the first is the primary one.
    /// Empty only when there is no text to point at, such as a file that cannot be read.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding of `rule` at `location`.
    pub fn new(rule: Rule, message: impl Into<String>, location: &Location) -> Self {
        Self::without_location(rule, message).label(location, "")
    }

    /// A finding that has no text to point at.
    pub fn without_location(rule: Rule, message: impl Into<String>) -> Self {
        Diagnostic { rule, severity: rule.severity, message: message.into(), labels: Vec::new(), help: None }
    }

    /// Adds a further place.
    #[must_use]
    pub fn label(mut self, location: &Location, text: impl Into<String>) -> Self {
        self.labels.push(Label { location: location.clone(), text: text.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Overrides the rule's default severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The primary place, if there is one.
    pub fn location(&self) -> Option<&Location> {
        self.labels.first().map(|label| &label.location)
    }
}
