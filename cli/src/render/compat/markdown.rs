//! A comment for a pull request: the verdict first, the findings that fail, the others folded away.

use std::io::{self, Write};

use event_api_codegen::compat::words;

use super::{Fact, Weight, summary, verdict};
use crate::compat::{Compared, Results};

pub(crate) fn markdown(results: &Results, out: &mut impl Write) -> io::Result<()> {
    for fault in &results.faults {
        writeln!(out, "### {}: could not be compared\n", code(&fault.path.to_string_lossy()))?;
        writeln!(out, "{}\n", escape(&fault.message))?;
        if let Some(help) = &fault.help {
            writeln!(out, "{}\n", escape(help))?;
        }
    }
    for each in &results.compared {
        compared(each, out)?;
    }
    Ok(())
}

fn compared(compared: &Compared, out: &mut impl Write) -> io::Result<()> {
    let path = code(&compared.path.to_string_lossy());
    writeln!(out, "### {path}: {}\n", verdict(compared.verdict()))?;
    let report = &compared.report;
    let old = report.baselines.iter().filter(|baseline| baseline.is_compared);
    let old: Vec<String> = old.map(|baseline| words::version(&baseline.name, &baseline.version)).collect();
    if !old.is_empty() {
        writeln!(out, "Compared with {}, {}.\n", escape(&old.join(", ")), report.mode)?;
    }
    for (name, text) in summary(compared) {
        writeln!(out, "- **{name}**: {}", escape(&text))?;
    }
    let notes = compared.baselines.notes.iter().cloned();
    for note in notes.chain(report.unused_ignores.iter().map(words::unused_ignore)) {
        writeln!(out, "- **note**: {}", escape(&note))?;
    }
    writeln!(out)?;
    let (failing, others): (Vec<_>, Vec<_>) = Fact::all(compared).partition(|fact| fact.finding.fails());
    failing.into_iter().try_for_each(|fact| finding(fact, out))?;
    if others.is_empty() {
        return Ok(());
    }
    writeln!(out, "<details><summary>What breaks nobody, or is accepted ({})</summary>\n", others.len())?;
    for fact in others {
        let accepted = match fact.weight() {
            Weight::Accepted => fact.finding.accepted.as_ref().map(|why| format!(" – {why}")).unwrap_or_default(),
            _ => String::new(),
        };
        let place = fact.new_spot().map(|(_, spot)| format!("{}:{}", spot.path.display(), spot.start.line));
        let place = place.or_else(|| fact.old_place()).map(|place| format!(" ({})", code(&place))).unwrap_or_default();
        let (rule, message) = (fact.finding.rule.id, escape(&fact.finding.message));
        writeln!(out, "- `{rule}` {message}{place}{}", escape(&accepted))?;
    }
    writeln!(out, "\n</details>\n")
}

fn finding(fact: Fact<'_>, out: &mut impl Write) -> io::Result<()> {
    let finding = fact.finding;
    let word = if fact.weight() == Weight::Undecided { "undecided" } else { "breaking" };
    writeln!(out, "#### {word}: {}\n", escape(&finding.message))?;
    let place = |place: String| code(&place);
    let new =
        fact.new_spot().map(|(_, spot)| format!("{}:{}:{}", spot.path.display(), spot.start.line, spot.start.column));
    writeln!(out, "- **rule**: `{}`, {}", finding.rule.id, finding.rule.kind)?;
    writeln!(out, "- **in**: {}", escape(&finding.subject))?;
    if let Some(new) = new {
        writeln!(out, "- **now**: {}", place(new))?;
    }
    if let Some(old) = fact.old_place() {
        writeln!(out, "- **was**: {}", place(old))?;
    }
    if !finding.also.is_empty() {
        writeln!(out, "- **also in**: {}", escape(&words::shortened(&finding.also)))?;
    }
    if let Some(help) = &finding.help {
        writeln!(out, "- **help**: {}", escape(help))?;
    }
    writeln!(out)?;
    for counterexample in &finding.counterexamples {
        let event = words::event(counterexample);
        let fence = fence(&event);
        let (sent, refused) = words::sent_and_refused(counterexample.direction);
        writeln!(out, "This is what {sent}:\n\n{fence}json\n{event}\n{fence}\n")?;
        writeln!(out, "and {refused}: {}.\n", escape(&words::refusals(counterexample)))?;
    }
    Ok(())
}

/// A span of code, whatever is in it.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('\n', " "))
}

/// More backticks than the text has in a row.
fn fence(text: &str) -> String {
    "`".repeat((longest_run(text) + 1).max(3))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Messages are plain text with names between backticks. Outside of these nothing may become markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut is_code = false;
    for c in text.chars() {
        is_code ^= c == '`';
        match c {
            '\n' => escaped.push(' '),
            '<' if !is_code => escaped.push_str("&lt;"),
            '*' | '_' | '[' | ']' | '#' | '|' | '\\' | '~' if !is_code => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    // A single backtick does not begin code.
    if is_code { escaped.replace('`', "\\`") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::{code, escape, fence};

    #[test]
    fn names_stay_names() {
        assert_eq!(escape("`a_b<c>` is *new* <b>"), "`a_b<c>` is \\*new\\* &lt;b>");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(fence("```"), "````");
    }
}
