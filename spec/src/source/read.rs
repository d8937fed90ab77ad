//! Text in, one tree of spanned [`Node`]s out: YAML 1.2 and JSON alike.
//!
//! JSON text goes through its own small parser (it is several times faster, and YAML readers disagree with JSON on
//! surrogate escapes and long keys); everything else, also "JSON" with comments or trailing commas, is read as YAML
//! from `saphyr-parser`'s events. Both feed one [`tree::Tree`], which watches duplicate keys, depth and alias growth,
//! so that time and memory stay proportional to the text whatever it holds.

mod json;
mod offsets;
mod relax;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;
mod yaml;

use super::{FileId, Location, Node, Pointer, Span};
use crate::diagnostic::{Diagnostic, Findings};
use crate::rules;

/// Reads a text. What is wrong goes to `found`; `None` when there is no tree at all.
pub(crate) fn read(file: FileId, text: &str, found: &mut Findings) -> Option<Node> {
    if u32::try_from(text.len()).is_err() {
        let message = format!("the file has {} bytes; at most {} can be read", text.len(), u32::MAX);
        found.push(Diagnostic::without_location(rules::FILE_TOO_LARGE, message));
        return None;
    }
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let source = Source { file, text, start };
    if !text[start..].trim_start().starts_with(['{', '[']) {
        return yaml::read(source, found);
    }
    let mut json_findings = Findings::default();
    match json::read(source, &mut json_findings) {
        Ok(node) => {
            found.append(json_findings);
            Some(node)
        }
        // What begins with a bracket may still be YAML in flow style.
        Err(json::Refusal::Syntax(problem)) => {
            let mut yaml_findings = Findings::default();
            let node = yaml::read(source, &mut yaml_findings);
            if node.is_some() {
                found.append(yaml_findings);
            } else {
                found.push(*problem);
            }
            node
        }
        Err(json::Refusal::Limit) => {
            found.append(json_findings);
            None
        }
    }
}

/// The text that is being read.
#[derive(Clone, Copy)]
struct Source<'a> {
    file: FileId,
    text: &'a str,
    /// Where the document begins: behind a byte order mark.
    start: usize,
}

impl Source<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        // `read` refuses texts whose offsets do not fit.
        Span { file: self.file, start: start as u32, end: end.max(start) as u32 }
    }

    /// From `at` to the end of its line, so that an excerpt has something to underline. At the end of the text, its
    /// last visible character.
    fn rest_of_line(&self, at: usize) -> Span {
        let text = self.text;
        let mut start = at.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        if text[start..].trim().is_empty() {
            let visible = text[..start].trim_end();
            start = visible.char_indices().next_back().map_or(0, |(index, _)| index);
        }
        let line = text[start..].split(['\n', '\r']).next().unwrap_or_default().trim_end();
        self.span(start, start + line.len())
    }

    fn location(&self, span: Span, pointer: Pointer) -> Location {
        Location { span, pointer }
    }
}
