//! The report of a comparison for people: the findings with their places in both versions, the events that prove them,
//! and below all of it what to do.
//!
//! The command line prints it, compile errors contain it.

use std::fmt::{self, Display, Formatter};

use event_api_spec::compat::{DeployOrder, Finding, Level, Outcome, Place, Report};
use event_api_spec::schema::Reading;
use event_api_spec::{Loaded, Sources};

use super::{Released, words};
use crate::report::Excerpt;

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
        writeln!(f, "{title}: {}", self.paint(Role::Strong, visible(&finding.message)))?;
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
            writeln!(f, "{number} {bar} {}", visible(&excerpt.line()))?;
            writeln!(f, "{:width$} {bar} {margin}{}", "", self.paint(role, visible(&marks)))?;
        }
        let mut note = |name: &str, text: &str| {
            let sign = self.paint(Role::Margin, "=");
            let name = self.paint(Role::Strong, format_args!("{name}:"));
            let indent = format!("\n{:width$}   ", "");
            writeln!(f, "{:width$} {sign} {name} {}", "", visible(text).replace('\n', &indent))
        };
        note("in", &finding.subject)?;
        for counterexample in &finding.counterexamples {
            let (sent, refused) = words::sent_and_refused(counterexample.direction);
            note(sent, &words::event(counterexample))?;
            note(refused, &words::refusals(counterexample))?;
        }
        if !finding.also.is_empty() {
            note("also in", &words::shortened(&finding.also))?;
        }
        let others: Vec<String> = finding
            .also_baselines
            .iter()
            .filter_map(|index| self.released.get(*index))
            .map(|old| words::version(&old.name, old.version()))
            .collect();
        if !others.is_empty() {
            note("also seen from", &words::shortened(&others))?;
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
        let version = old.map(|old| format!("in {}", words::version(&old.name, &old.version))).unwrap_or_default();
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
        write!(f, "{}: {}", self.paint(role, verdict), words::counts(report))?;
        let compared = report.baselines.iter().filter(|baseline| baseline.is_compared);
        let compared: Vec<String> = compared.map(|old| words::version(&old.name, &old.version)).collect();
        if compared.is_empty() {
            return write!(f, "\n  there is no old version to compare with: everything is new");
        }
        let reading = match report.reading {
            Reading::AsWritten => ", schemas as they are written",
            _ => "",
        };
        write!(f, "\n  compared  {} with {}, {}{reading}", report.new_version, compared.join(", "), report.mode)?;
        if let Some(who) = words::who_breaks(report) {
            let word = if report.verdict() == Outcome::Undecided { "at risk " } else { "breaks  " };
            write!(f, "\n  {word}  {who}")?;
        }
        if report.deploy != DeployOrder::AnyOrder {
            write!(f, "\n  deploy    {}", words::deploy(report.deploy))?;
        }
        match words::version_advice(report) {
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
            writeln!(f, "{title}: {}\n", words::unused_ignore(unused))?;
        }
        self.summary(f)
    }
}

/// Without what a terminal would obey: names and texts are the document's.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' && c != '\n' { '\u{fffd}' } else { c }).collect()
}
