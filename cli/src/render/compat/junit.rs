//! For whatever shows results of tests: JUnit XML, a suite for each document and a case for each finding.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Fact, Weight, summary};
use crate::compat::{Compared, Fault, Results};

pub(crate) fn junit(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let mut suites = String::new();
    for each in &results.compared {
        compared(&mut suites, each);
    }
    for each in &results.faults {
        fault(&mut suites, each);
    }
    write!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n{suites}</testsuites>\n")
}

fn compared(text: &mut String, compared: &Compared) {
    let (mut cases, mut failures, mut skipped) = (String::new(), 0, 0);
    let mut tests = 0;
    let class = escape(&compared.path.to_string_lossy());
    for fact in Fact::all(compared) {
        tests += 1;
        let name = escape(&format!("{}: {}", fact.finding.rule.id, fact.finding.subject));
        let (message, body) = (escape(&fact.finding.message), escape(&fact.text()));
        let inner = match fact.weight() {
            Weight::Breaking | Weight::Undecided => {
                failures += 1;
                format!("<failure type=\"{}\" message=\"{message}\">{body}</failure>", fact.finding.level)
            }
            Weight::Accepted => {
                skipped += 1;
                let reason = fact.finding.accepted.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("<skipped message=\"{}\"/>", escape(&reason))
            }
            Weight::Notice => format!("<system-out>{body}</system-out>"),
        };
        // Writing to a string cannot fail.
        _ = writeln!(cases, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"0\">{inner}</testcase>");
    }
    if tests == 0 {
        tests = 1;
        _ = writeln!(cases, "    <testcase classname=\"{class}\" name=\"compatible\" time=\"0\"/>");
    }
    let said: Vec<String> = summary(compared).into_iter().map(|(name, text)| format!("{name}: {text}")).collect();
    _ = write!(
        text,
        "  <testsuite name=\"{class}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" \
         time=\"0\">\n{cases}    <system-out>{}</system-out>\n  </testsuite>\n",
        escape(&said.join("\n"))
    );
}

fn fault(text: &mut String, fault: &Fault) {
    let class = escape(&fault.path.to_string_lossy());
    let (message, help) = (escape(&fault.message), escape(fault.help.as_deref().unwrap_or_default()));
    // Writing to a string cannot fail.
    _ = write!(
        text,
        "  <testsuite name=\"{class}\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" time=\"0\">\n    \
         <testcase classname=\"{class}\" name=\"comparison\" time=\"0\"><error type=\"not-compared\" \
         message=\"{message}\">{help}</error></testcase>\n  </testsuite>\n"
    );
}

/// Text for an element or an attribute. XML 1.0 has no way to write most control characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escape("a<b & \"c\"\u{1b}[1m\n"), "a&lt;b &amp; &quot;c&quot;\u{fffd}[1m&#10;");
    }
}
