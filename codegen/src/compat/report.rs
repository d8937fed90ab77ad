//! The report of a comparison for people: the findings with their places in both versions, the events that prove them,
//! and below all of it what to do.
//!
//! The command line prints it, compile errors contain it.

use std::fmt::{self, Display, Formatter};

use event_api_spec::Loaded;
use event_api_spec::Sources;
use event_api_spec::compat::{
    Bump, Counterexample, DeployOrder, Direction, Finding, Level, Outcome, Place, Report, UnusedIgnore,
};
use event_api_spec::schema::Reading;

use super::Released;
use crate::report::{Excerpt, counted};

/// A report as text for people.
///
/// ```
/// use event_api_codegen::compat::{Colours, Released, ReportText};
/// use event_api_spec::Loader;
/// use event_api_spec::compat::Comparison;
///
/// let text = "{asyncapi: 3.0.0, info: {title: Users, version: 1.0.0}}";
/// let released = [Released::new("main", Loader::new().load_text("users.yaml", text))];
/// let new = Loader::new().load_text("users.yaml", text);
/// let report = Comparison::new().compare(&[released[0].baseline()], &new)?;
/// let text = ReportText::new(&report, &released, &new, Colours::None).to_string();
/// assert!(text.starts_with("compatible"));
/// # Ok::<(), event_api_spec::compat::NotComparable>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReportText<'a> {
    report: &'a Report,
    released: &'a [Released],
    new: &'a Loaded,
    colours: Colours,
    notices: Notices,
}

/// Whether a text has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Plain text.
    None,
    /// The escape sequences of terminals.
    Ansi,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notices {
    Shown,
    Left,
}

/// What a part of the text is, which decides on its colour.
#[derive(Clone, Copy)]
enum Role {
    Breaking,
    Undecided,
    Notice,
    Accepted,
    Fine,
    Old,
    Margin,
    Strong,
}

impl<'a> ReportText<'a> {
    /// `released` are the baselines that the report was made of, in the same order.
    pub fn new(report: &'a Report, released: &'a [Released], new: &'a Loaded, colours: Colours) -> Self {
        ReportText { report, released, new, colours, notices: Notices::Shown }
    }

    /// Without what breaks nobody.
    #[must_use]
    pub fn without_notices(mut self) -> Self {
        self.notices = Notices::Left;
        self
    }

    fn paint(&self, role: Role, text: impl Display) -> String {
        if self.colours == Colours::None {
            return text.to_string();
        }
        let code = match role {
            Role::Breaking => "1;31",
            Role::Undecided => "1;33",
            Role::Notice => "1;32",
            Role::Accepted | Role::Strong => "1",
            Role::Fine => "1;32",
            Role::Old => "36",
            Role::Margin => "1;34",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    fn old_sources(&self, finding: &Finding) -> Option<&'a Sources> {
        self.released.get(finding.baseline).map(|released| &released.loaded.sources)
    }

    fn finding(&self, f: &mut Formatter<'_>, finding: &Finding) -> fmt::Result {
        let (role, word) = match (&finding.accepted, finding.level) {
            (Some(_), _) => (Role::Accepted, "accepted"),
            (None, Level::Breaking) => (Role::Breaking, "breaking"),
            (None, Level::Unknown) => (Role::Undecided, "undecided"),
            (None, Level::Notice) => (Role::Notice, "notice"),
        };
        let title = self.paint(role, format_args!("{word}[{}]", finding.rule.id));
        writeln!(f, "{title}: {}", self.paint(Role::Strong, &finding.message))?;
        let places = self.places(finding);
        let width = places.iter().map(|(_, _, excerpt)| excerpt.number.to_string().len()).max().unwrap_or(1);
        // What breaks nobody needs no excerpt: the place is enough.
        let is_short = !finding.fails();
        for (index, (mark, name, excerpt)) in places.iter().enumerate() {
            let arrow = self.paint(Role::Margin, if index == 0 { "-->" } else { ":::" });
            writeln!(f, "{:width$}{arrow} {name}", "")?;
            if is_short {
                continue;
            }
            let bar = self.paint(Role::Margin, "|");
            let number = self.paint(Role::Margin, format_args!("{:>width$}", excerpt.number));
            let (margin, marks) = excerpt.marks(mark);
            let role = if *mark == "^" { role } else { Role::Old };
            writeln!(f, "{number} {bar} {}", excerpt.line())?;
            writeln!(f, "{:width$} {bar} {margin}{}", "", self.paint(role, marks))?;
        }
        let mut note = |name: &str, text: &str| {
            let sign = self.paint(Role::Margin, "=");
            let name = self.paint(Role::Strong, format_args!("{name}:"));
            let indent = format!("\n{:width$}   ", "");
            writeln!(f, "{:width$} {sign} {name} {}", "", text.replace('\n', &indent))
        };
        note("in", &finding.subject)?;
        for counterexample in &finding.counterexamples {
            note("event", &event(counterexample))?;
            let (reader, reasons) = (reader(counterexample.direction), refusals(counterexample));
            note("refused by", &format!("{reader}: {reasons}"))?;
        }
        if !finding.also.is_empty() {
            note("also in", &shortened(&finding.also))?;
        }
        let others: Vec<String> =
            finding.also_baselines.iter().filter_map(|index| self.released.get(*index)).map(named).collect();
        if !others.is_empty() {
            note("also seen from", &shortened(&others))?;
        }
        match (&finding.accepted, &finding.help) {
            (Some(accepted), _) => note("accepted", &accepted.to_string()),
            (None, Some(help)) => note("help", help),
            (None, None) => Ok(()),
        }
    }

    /// The places of a finding, the new one first, each with the character that marks it and its name.
    fn places(&self, finding: &'a Finding) -> Vec<(&'static str, String, Excerpt<'a>)> {
        let mut places = Vec::new();
        let mut add = |mark, place: Option<&'a Place>, sources: Option<&'a Sources>, version: &str| {
            if let (Some(place), Some(sources)) = (place, sources) {
                let name = format!("{} {version}", sources.display(place.location.span));
                places.push((mark, name.trim_end().to_owned(), Excerpt::of(&place.location, &place.text, sources)));
            }
        };
        add("^", finding.new.as_ref(), Some(&self.new.sources), "");
        let old = self.report.baselines.get(finding.baseline);
        let version = old.map(|old| format!("(old: {})", in_words(&old.name, &old.version))).unwrap_or_default();
        let mark = if finding.new.is_some() { "-" } else { "^" };
        add(mark, finding.old.as_ref(), self.old_sources(finding), &version);
        places
    }

    fn summary(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let (role, verdict) = match report.verdict() {
            Outcome::Compatible => (Role::Fine, "compatible"),
            Outcome::Incompatible => (Role::Breaking, "incompatible"),
            Outcome::Undecided => (Role::Undecided, "undecided"),
        };
        write!(f, "{}: {}", self.paint(role, verdict), counts(report))?;
        let compared = report.baselines.iter().filter(|baseline| baseline.is_compared);
        let compared: Vec<String> = compared.map(|old| in_words(&old.name, &old.version)).collect();
        if compared.is_empty() {
            return write!(f, "\n  there is no old version to compare with: everything is new");
        }
        let reading = match report.reading {
            Reading::AsWritten => ", schemas as they are written",
            _ => "",
        };
        write!(f, "\n  compared  {} with {}, {}{reading}", report.new_version, compared.join(", "), report.mode)?;
        if let Some(who) = who_breaks(report) {
            write!(f, "\n  breaks    {who}")?;
        }
        if report.deploy != DeployOrder::AnyOrder {
            write!(f, "\n  deploy    {}", deploy(report.deploy))?;
        }
        match version_advice(report) {
            Some(advice) => write!(f, "\n  version   {advice}"),
            None => Ok(()),
        }
    }
}

impl Display for ReportText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let shown = |finding: &&Finding| finding.fails() || self.notices == Notices::Shown;
        for finding in self.report.findings.iter().filter(shown) {
            self.finding(f, finding)?;
            writeln!(f)?;
        }
        for unused in &self.report.unused_ignores {
            let title = self.paint(Role::Undecided, "warning");
            writeln!(f, "{title}: {}\n", unused_ignore(unused))?;
        }
        self.summary(f)
    }
}

/// `2 breaking, 1 notice`
pub(super) fn counts(report: &Report) -> String {
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

/// Whose programs fail, in words; `None` when nobody's do.
pub(super) fn who_breaks(report: &Report) -> Option<&'static str> {
    let directions = report.failing().filter_map(|finding| finding.direction);
    directions.reduce(Direction::and).map(|direction| match direction {
        Direction::Forward => "whoever still has the old version and meets what the new one writes",
        Direction::Backward => "whoever has the new version and meets what the old one wrote",
        Direction::Both => {
            "both: who has the old version and meets new events, and who has the new one and meets old ones"
        }
    })
}

/// Who cannot read an event.
pub(super) fn reader(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "consumers of the old version",
        Direction::Backward => "consumers of the new version",
        Direction::Both => "consumers of both versions",
    }
}

pub(super) fn deploy(order: DeployOrder) -> &'static str {
    match order {
        DeployOrder::AnyOrder => "in any order",
        DeployOrder::ConsumersFirst => "consumers first, then publishers",
        DeployOrder::PublishersFirst => "publishers first, then consumers",
        DeployOrder::Impossible => "no order works: publish under a new name, move the consumers, then remove the old",
    }
}

/// What `info.version` has to become.
pub(super) fn version_advice(report: &Report) -> Option<String> {
    let latest = report.baselines.last()?;
    let (needed, new) = (report.required_bump, &report.new_version);
    let what = match needed {
        Bump::None => return None,
        Bump::Patch => "a patch step",
        Bump::Minor => "a minor step",
        Bump::Major => "a major step",
    };
    Some(match report.declared_bump {
        Some(declared) if declared >= needed => format!("{what} is needed, and {} to {new} is enough", latest.version),
        Some(Bump::None) => format!("{what} is needed, and {new} is what it was before"),
        Some(declared) => format!("{what} is needed, and {} to {new} is a {declared} one", latest.version),
        None => format!("{what} is needed from {}", latest.version),
    })
}

pub(super) fn unused_ignore(unused: &UnusedIgnore) -> String {
    let UnusedIgnore { ignore, reason, .. } = unused;
    format!("the ignore entry for `{}` at `{}` does nothing: {reason}", ignore.rule, ignore.pointer)
}

/// `` `orders` 1.2.0 ``
fn in_words(name: &str, version: &str) -> String {
    if version.is_empty() { format!("`{name}`") } else { format!("`{name}` {version}") }
}

fn named(released: &Released) -> String {
    in_words(&released.name, released.version())
}

/// Events up to this length are shown on one line.
const LINE: usize = 100;

/// The event as JSON, longer ones with a member a line.
fn event(counterexample: &Counterexample) -> String {
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

/// Why a reader refuses an event, in one line.
pub(super) fn refusals(counterexample: &Counterexample) -> String {
    let reason = |refusal: &event_api_spec::compat::Refusal| match refusal.pointer.as_str() {
        "" => refusal.message.clone(),
        pointer => format!("`{pointer}` {}", refusal.message),
    };
    let reasons: Vec<String> = counterexample.refusals.iter().map(reason).collect();
    shortened(&reasons)
}

/// A list for people, the end of a long one as a number.
fn shortened(list: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = list.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    match list.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn long_events_have_a_member_a_line_and_keep_every_character() {
        let json = r#"{"a":[],"b":{"c":"{,\"x\\"},"d":[1.50,{}]}"#;
        let text = pretty(json);
        assert_eq!(text.lines().count(), 9, "{text}");
        let again: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(json).unwrap());
        assert!(text.contains("1.50"));
    }
}
