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

/// Collects what is found on the way, so that one run reports everything.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    list: Vec<Diagnostic>,
}

impl Findings {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds everything that another part found.
    pub(crate) fn append(&mut self, mut other: Findings) {
        self.list.append(&mut other.list);
    }

    /// In the order of the text, each finding once: an object that is referenced twice is read twice.
    pub(crate) fn into_sorted(self) -> Vec<Diagnostic> {
        let mut list = self.list;
        let place = |diagnostic: &Diagnostic| diagnostic.location().map(|location| location.span);
        list.sort_by(|a, b| {
            place(a)
                .cmp(&place(b))
                .then(b.severity.cmp(&a.severity))
                .then_with(|| a.rule.id.cmp(b.rule.id))
                .then_with(|| a.message.cmp(&b.message))
        });
        list.dedup();
        list
    }
}
