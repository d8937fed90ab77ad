//! What is said of a comparison in every format: a report, or a part of it, comes in; words go out.

use event_api_spec::compat::{Bump, Counterexample, DeployOrder, Direction, Level, Refusal, Report, UnusedIgnore};

use crate::report::counted;

/// How many findings of which kind: `2 breaking, 1 notice`.
pub fn counts(report: &Report) -> String {
    let count = |level| report.failing().filter(|finding| finding.level == level).count();
    let (breaking, undecided) = (count(Level::Breaking), count(Level::Unknown));
    let accepted = report.findings.iter().filter(|finding| finding.accepted.is_some()).count();
    let notices = report.findings.len() - breaking - undecided - accepted;
    let parts = [(breaking, "breaking"), (undecided, "undecided"), (accepted, "accepted")];
    let mut parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if notices > 0 {
        parts.push(counted(notices, "notice"));
    }
    if parts.is_empty() { "nothing has changed that anybody reads".to_owned() } else { parts.join(", ") }
}

/// Whose programs fail; `None` when nobody's do.
pub fn who_breaks(report: &Report) -> Option<&'static str> {
    let directions = report.failing().filter_map(|finding| finding.direction);
    directions.reduce(Direction::and).map(|direction| match direction {
        Direction::Forward => "programs of the old version that meet what the new one writes",
        Direction::Backward => "programs of the new version that meet what the old one wrote",
        Direction::Both => "programs of either version that meet what the other one writes",
    })
}

/// What is said before an event, and before why it is refused.
pub fn sent_and_refused(direction: Direction) -> (&'static str, &'static str) {
    match direction {
        Direction::Backward => ("the old version may have sent", "the new one refuses it"),
        _ => ("the new version may send", "the old one refuses it"),
    }
}

/// What to deploy first.
pub fn deploy(order: DeployOrder) -> &'static str {
    match order {
        DeployOrder::AnyOrder => "in any order",
        DeployOrder::ConsumersFirst => "consumers first, then publishers",
        DeployOrder::PublishersFirst => "publishers first, then consumers",
        DeployOrder::Impossible => "no order works: publish under a new name, move the consumers, then remove the old",
    }
}

/// Which step of `info.version` is needed, and whether it was made; `None` when none is.
pub fn version_advice(report: &Report) -> Option<String> {
    let latest = report.baselines.last()?;
    let (needed, new) = (report.required_bump, &report.new_version);
    if needed == Bump::None {
        return None;
    }
    Some(match report.declared_bump {
        Some(declared) if declared >= needed => {
            format!("a {needed} step is needed, and {} to {new} is enough", latest.version)
        }
        Some(Bump::None) => format!("a {needed} step is needed, but it still is {new}"),
        Some(declared) => format!("a {needed} step is needed, but {} to {new} is a {declared} one", latest.version),
        None => format!("a {needed} step is needed, and it cannot be told whether {new} is one"),
    })
}

/// What an ignore entry without effect is.
pub fn unused_ignore(unused: &UnusedIgnore) -> String {
    let UnusedIgnore { ignore, reason, .. } = unused;
    format!("the ignore entry for `{}` at `{}` does nothing: {reason}", ignore.rule, ignore.pointer)
}

/// A version with its name: `` `orders.yaml` (1.2.0) ``.
pub fn version(name: &str, version: &str) -> String {
    if version.is_empty() { format!("`{name}`") } else { format!("`{name}` ({version})") }
}

/// Why a reader refuses an event, in one line.
pub fn refusals(counterexample: &Counterexample) -> String {
    let reason = |refusal: &Refusal| match refusal.pointer.as_str() {
        "" => refusal.message.clone(),
        pointer => format!("`{pointer}`: {}", refusal.message),
    };
    let reasons: Vec<String> = counterexample.refusals.iter().map(reason).collect();
    shortened(&reasons)
}

/// A list for people, the end of a long one as a number.
pub fn shortened(list: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = list.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    match list.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

/// Events up to this length are shown on one line.
const LINE: usize = 100;

/// The event as JSON, a long one with a member a line. Every digit of a number is kept.
pub fn event(counterexample: &Counterexample) -> String {
    let json = counterexample.event.to_string();
    if json.chars().count() <= LINE { json } else { pretty(&json) }
}

/// JSON with a member a line. The text is kept as it is otherwise: every digit of a number counts.
fn pretty(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let (mut in_string, mut is_escaped) = (false, false);
    let mut rest = json.chars().peekable();
    let new_line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    };
    while let Some(c) = rest.next() {
        if in_string {
            text.push(c);
            in_string = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                text.push(c);
                if rest.next_if(|next| matches!(next, '}' | ']')).map(|close| text.push(close)).is_none() {
                    depth += 1;
                    new_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut text, depth);
                text.push(c);
            }
            ',' => {
                text.push(c);
                new_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            c => {
                in_string = c == '"';
                text.push(c);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn long_events_have_a_member_a_line_and_keep_every_character() {
        let json = r#"{"a":[],"b":{"c":"{,\"x\\"},"d":[1.50,{}]}"#;
        let text = pretty(json);
        assert_eq!(text.lines().count(), 10, "{text}");
        let again: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(json).unwrap());
        assert!(text.contains("1.50"));
    }
}
