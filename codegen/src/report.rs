//! Findings as plain text, for the entrances whose only voice is the compiler's or cargo's: diagnostics and the texts
//! that they point into come in; a report, or a line, goes out. The command line renders diagnostics with colours of its
//! own. Excerpts are for the report of a comparison as well.

use std::fmt::{self, Display, Formatter};

use event_api_spec::{Diagnostic, Location, Severity, Sources};

use crate::generator::DocumentErrors;

/// Longer lines, as of minified JSON, are shown around the place only.
const EXCERPT_WIDTH: usize = 100;

impl Display for DocumentErrors {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "no code can be generated from `{}`: ", self.path.display())?;
        errors(f, &self.diagnostics, &self.sources)
    }
}

/// Every error, and how many warnings there are besides.
pub(crate) fn errors(f: &mut Formatter<'_>, diagnostics: &[Diagnostic], sources: &Sources) -> fmt::Result {
    let of = |severity: Severity| diagnostics.iter().filter(move |diagnostic| diagnostic.severity == severity);
    f.write_str(&counted(of(Severity::Error).count(), "error"))?;
    for error in of(Severity::Error) {
        write!(f, "\n\n{}", Finding { diagnostic: error, sources })?;
    }
    if sources.files().next().is_none() {
        f.write_str("\nhelp: the path is relative to the folder of the crate's `Cargo.toml`")?;
    }
    match of(Severity::Warning).count() {
        0 => Ok(()),
        warnings => {
            let warnings = counted(warnings, "warning");
            write!(f, "\n\nbesides {warnings}, which `cargo event-api validate` shows")
        }
    }
}

/// A finding as one line, without an excerpt.
pub(crate) fn line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let mut line = title(diagnostic, sources);
    if let Some(help) = &diagnostic.help {
        line.push_str("; help: ");
        line.push_str(help);
    }
    // Names in messages are the document's: they may hold anything.
    line.replace(['\n', '\r'], " ")
}

/// `asyncapi.yaml:12:17: error[unresolved-reference]: …`
fn title(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let place = diagnostic.location().map(|location| sources.display(location.span) + ": ").unwrap_or_default();
    format!("{place}{}[{}]: {}", diagnostic.severity, diagnostic.rule.id, diagnostic.message)
}

/// A finding with excerpts and help.
struct Finding<'a> {
    diagnostic: &'a Diagnostic,
    sources: &'a Sources,
}

impl Display for Finding<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&title(self.diagnostic, self.sources))?;
        for (index, label) in self.diagnostic.labels.iter().enumerate() {
            if index > 0 {
                write!(f, "\n{}:", self.sources.display(label.location.span))?;
            }
            Excerpt::of(&label.location, &label.text, self.sources).fmt(f)?;
        }
        match &self.diagnostic.help {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

/// The first line of a place with a mark below.
pub(crate) struct Excerpt<'a> {
    pub(crate) number: u32,
    before: String,
    marked: String,
    after: String,
    text: &'a str,
}

impl<'a> Excerpt<'a> {
    pub(crate) fn of(location: &Location, said: &'a str, sources: &Sources) -> Self {
        let span = location.span;
        let file = sources.file(span.file);
        let text = file.text();
        let start = floor(text, span.start as usize);
        let end = floor(text, span.end as usize).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |length| start + length);
        let marked = &text[start..end.min(line_end)];
        Excerpt {
            number: file.line_column(span.start).line,
            before: last(&text[line_start..start], EXCERPT_WIDTH),
            marked: first(marked, EXCERPT_WIDTH),
            after: first(&text[start + marked.len()..line_end], EXCERPT_WIDTH),
            text: said,
        }
    }

    /// The line of the file.
    pub(crate) fn line(&self) -> String {
        format!("{}{}{}", self.before, self.marked, self.after).trim_end().to_owned()
    }

    /// The marks below it, made of `mark`, up to where they begin, and with what is said of it.
    pub(crate) fn marks(&self, mark: &str) -> (String, String) {
        // A tab is as wide as the one above it.
        let margin = self.before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let mut marks = mark.repeat(self.marked.chars().count().max(1));
        if !self.text.is_empty() {
            marks.push(' ');
            marks.push_str(self.text);
        }
        (margin, marks)
    }
}

impl Display for Excerpt<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let number = self.number.to_string();
        let width = number.len();
        let (margin, marks) = self.marks("^");
        write!(f, "\n{number} | {}\n{:width$} | {margin}{marks}", self.line(), "")
    }
}

/// The nearest boundary of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn first(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn last(text: &str, length: usize) -> String {
    match text.chars().count().checked_sub(length) {
        None | Some(0) => text.to_owned(),
        Some(skipped) => format!("…{}", text.chars().skip(skipped).collect::<String>()),
    }
}

/// `1 error`, `2 errors`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
