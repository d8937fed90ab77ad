//! For people: excerpts in the manner of rustc, and a summary line.

use std::io::{self, IsTerminal, Write};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use event_api_spec::{Diagnostic, Label, Severity, Sources};

use super::{Place, counted};
use crate::validate::{Counts, Report};

/// Where a report goes, which decides on colours.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Longer lines, as of minified JSON, are named but not shown.
const LONGEST_LINE: usize = 1000;

pub(crate) fn human(reports: &[Report], out: &mut impl Write) -> io::Result<()> {
    for report in reports {
        diagnostics(&report.loaded.diagnostics, &report.loaded.sources, Stream::Output, out)?;
    }
    let counts = Counts::of(reports.iter().flat_map(|report| &report.loaded.diagnostics));
    writeln!(out, "{}: {}", counted(reports.len(), "document"), summary(counts))
}

/// Findings without a summary.
pub(crate) fn diagnostics<'a>(
    diagnostics: impl IntoIterator<Item = &'a Diagnostic>,
    sources: &Sources,
    stream: Stream,
    out: &mut impl Write,
) -> io::Result<()> {
    let renderer = if stream.has_colours() { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    for diagnostic in diagnostics {
        writeln!(out, "{}\n", renderer.render(&[group(diagnostic, sources)]))?;
    }
    Ok(())
}

impl Stream {
    pub(crate) fn has_colours(self) -> bool {
        // https://no-color.org: any value but the empty one.
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let is_terminal = match self {
            Stream::Output => io::stdout().is_terminal(),
            Stream::Error => io::stderr().is_terminal(),
        };
        is_terminal && !refused && !dumb
    }
}

fn group<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut group = Group::with_title(level.primary_title(diagnostic.message.as_str()).id(diagnostic.rule.id));
    for excerpt in excerpts(&diagnostic.labels) {
        group = match excerpt.snippet(sources) {
            Some(snippet) => group.element(snippet),
            None => group.element(excerpt.origin(sources)),
        };
    }
    if let Some(location) = diagnostic.location().filter(|location| !location.pointer.as_str().is_empty()) {
        group = group.element(Level::NOTE.message(format!("at {}", location.pointer)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// A label with the line on which it begins.
struct Excerpt<'a> {
    label: &'a Label,
    kind: AnnotationKind,
}

/// The primary place first, the others below it.
fn excerpts(labels: &[Label]) -> impl Iterator<Item = Excerpt<'_>> {
    labels.iter().enumerate().map(|(index, label)| {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        Excerpt { label, kind }
    })
}

impl<'a> Excerpt<'a> {
    /// The first line of the place; `None` when it is too long to be shown.
    fn snippet(&self, sources: &'a Sources) -> Option<Snippet<'a, Annotation<'a>>> {
        let span = self.label.location.span;
        let place = Place::of(self.label, sources);
        let text = sources.file(span.file).text();
        let start = (span.start as usize).min(text.len());
        let line_start = text.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text.get(line_start..)?.split(['\n', '\r']).next()?;
        if line.len() > LONGEST_LINE {
            return None;
        }
        let from = start - line_start;
        let to = (span.end as usize).saturating_sub(line_start).clamp(from, line.len().max(from));
        let mut annotation = self.kind.span(from..to);
        if !self.label.text.is_empty() {
            annotation = annotation.label(self.label.text.as_str());
        }
        let snippet = Snippet::source(line)
            .line_start(place.start.line as usize)
            .path(place.path.to_string_lossy().into_owned())
            .annotation(annotation);
        Some(snippet)
    }

    fn origin(&self, sources: &'a Sources) -> Origin<'a> {
        let place = Place::of(self.label, sources);
        Origin::path(place.path.to_string_lossy().into_owned())
            .line(place.start.line as usize)
            .char_column(place.start.column as usize)
    }
}

/// `1 error, 2 warnings`
pub(crate) fn summary(counts: Counts) -> String {
    let mut parts = vec![];
    for (count, what) in [(counts.errors, "error"), (counts.warnings, "warning")] {
        if count > 0 {
            parts.push(counted(count, what));
        }
    }
    if counts.infos > 0 {
        parts.push(counted(counts.infos, "remark"));
    }
    if parts.is_empty() { "nothing to complain about".to_owned() } else { parts.join(", ") }
}
