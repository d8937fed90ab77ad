//! Findings as text: for people, for programs, for pull requests, for code scanning.

pub(crate) mod compat;
mod github;
mod human;
mod json;
mod sarif;

use std::path::Path;

use event_api_spec::{Label, LineColumn, Sources};

pub(crate) use github::github;
pub(crate) use human::{Stream, diagnostics, human, summary};
pub(crate) use json::json;
pub(crate) use sarif::sarif;

/// A label's place in the terms of an editor.
struct Place<'a> {
    path: &'a Path,
    start: LineColumn,
    /// Behind the last character.
    end: LineColumn,
}

impl<'a> Place<'a> {
    fn of(label: &Label, sources: &'a Sources) -> Self {
        let span = label.location.span;
        let file = sources.file(span.file);
        Place { path: file.path(), start: file.line_column(span.start), end: file.line_column(span.end) }
    }
}

/// `1 error`, `2 errors`.
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
