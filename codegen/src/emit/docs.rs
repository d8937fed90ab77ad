//! Documentation comments: the document's CommonMark, made safe for rustdoc.
//!
//! Descriptions are prose of other people: a fenced block must not become a doc test, `[x]` no broken link, `<T>` no
//! unclosed tag.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::ir::Docs;

/// The `#[doc]` attribute of an item, and `#[deprecated]`. One attribute however many lines: tokens are what
/// generation and compilation pay for.
pub(super) fn attributes(docs: &Docs) -> TokenStream {
    let lines = text(docs);
    let deprecated = docs.deprecated.then(|| quote!(#[deprecated = "deprecated in the document"]));
    if lines.is_empty() {
        return quote!(#deprecated);
    }
    let mut all = String::with_capacity(lines.iter().map(|line| line.len() + 2).sum());
    for line in &lines {
        if !all.is_empty() {
            all.push('\n');
        }
        if !line.is_empty() {
            all.push(' ');
            all.push_str(&visible(line));
        }
    }
    let all = literal(&all);
    quote!(#[doc = #all] #deprecated)
}

/// A string literal. Escaping goes character by character; text that needs none is only put between quotes.
fn literal(text: &str) -> Literal {
    let is_plain = !text.bytes().any(|byte| matches!(byte, b'"' | b'\\' | b'\r' | 0));
    let quoted = is_plain.then(|| format!("\"{text}\"").parse().ok()).flatten();
    quoted.unwrap_or_else(|| Literal::string(text))
}

/// The first line alone, for the methods of an event whose documentation stands at its variant.
pub(super) fn brief(docs: &Docs, otherwise: &str) -> TokenStream {
    let text = docs.summary.as_deref().or(docs.description.as_deref()).unwrap_or_default().trim();
    let first = text.lines().next().unwrap_or(otherwise).to_owned();
    attributes(&Docs { summary: Some(first), deprecated: docs.deprecated, ..Docs::default() })
}

/// The text with what cannot be seen spelled out: control characters have no place in a comment, and rustc refuses those
/// that change the direction of what follows.
pub(crate) fn visible(line: &str) -> String {
    let is_hidden = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        if is_hidden(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

/// The lines of a documentation comment.
fn text(docs: &Docs) -> Vec<String> {
    let mut lines = Vec::new();
    let summary = docs.summary.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let description = docs.description.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if let Some(summary) = summary {
        push(&mut lines, summary);
    }
    if let Some(description) = description.filter(|description| Some(*description) != summary) {
        push(&mut lines, description);
    }
    for note in &docs.notes {
        push(&mut lines, note.trim());
    }
    if let Some(source) = &docs.source {
        separate(&mut lines);
        lines.push(format!("Source: {source}."));
    }
    lines
}

fn push(lines: &mut Vec<String>, markdown: &str) {
    separate(lines);
    let mut fence: Option<&str> = None;
    for line in markdown.lines() {
        let trimmed = line.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker));
        match (fence, marker) {
            (None, Some(marker)) => {
                fence = Some(marker);
                // Whatever language it names, it is no Rust to be tested.
                lines.push(format!("{marker}text"));
            }
            (Some(open), Some(marker)) if open == marker => {
                fence = None;
                lines.push(marker.to_owned());
            }
            (Some(_), _) => lines.push(line.trim_end().replace("*/", "* /").replace("/*", "/ *")),
            (None, None) => lines.push(escape(dedent(line))),
        }
    }
    if let Some(open) = fence {
        lines.push(open.to_owned());
    }
}

fn separate(lines: &mut Vec<String>) {
    if !lines.is_empty() {
        lines.push(String::new());
    }
}

/// Four spaces would make an indented code block, which rustdoc tests; two still nest a list.
fn dedent(line: &str) -> &str {
    let indent = line.len() - line.trim_start().len();
    if indent >= 4 { line[indent - 2..].trim_end() } else { line.trim_end() }
}

/// Escapes what rustdoc would take for a link or a tag, outside of inline code.
fn escape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut in_code = false;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if !in_code && (rest.starts_with("http://") || rest.starts_with("https://")) && !out.ends_with(['(', '<']) {
            let end = rest.find(|c: char| c.is_whitespace() || "<>()[]`\"'".contains(c)).unwrap_or(rest.len());
            let url = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?']);
            out.push('<');
            out.push_str(url);
            out.push('>');
            rest = &rest[url.len()..];
            continue;
        }
        match c {
            '`' => in_code = !in_code,
            // The printer makes one block comment of several lines, which these would end or nest.
            '/' if out.ends_with('*') => out.push(' '),
            '*' if out.ends_with('/') => out.push(' '),
            '<' | '[' | ']' if !in_code && !is_link(rest, c, &out) => out.push('\\'),
            _ => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// Whether a bracket belongs to an inline link, `[text](target)`.
fn is_link(rest: &str, c: char, before: &str) -> bool {
    match c {
        '[' => rest.find("](").is_some_and(|at| !rest[1..at].contains(['[', ']'])),
        ']' => rest.starts_with("](") && before.contains('['),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(markdown: &str) -> Vec<String> {
        text(&Docs { description: Some(markdown.to_owned()), ..Docs::default() })
    }

    #[test]
    fn code_is_never_a_doc_test() {
        assert_eq!(lines("```\nlet x;\n```"), ["```text", "let x;", "```"]);
        assert_eq!(lines("a\n\n    indented"), ["a", "", "  indented"]);
        assert_eq!(lines("```json\n{"), ["```text", "{", "```"]);
    }

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(visible("a\u{202e}b\u{7}\r\tc"), "a\\u{202e}b\\u{7}\\r\tc");
    }

    #[test]
    fn brackets_and_tags_are_escaped_and_links_kept() {
        assert_eq!(lines("a [b] Vec<T> `<c>`"), [r"a \[b\] Vec\<T> `<c>`"]);
        assert_eq!(lines("see [this](https://a.b/c) or https://a.b."), ["see [this](https://a.b/c) or <https://a.b>."]);
    }
}
