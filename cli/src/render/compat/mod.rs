//! Comparisons as text: for people, for programs, for pull requests, for code scanning. All formats say the same; what
//! they say alike is here.

mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod markdown;
mod sarif;

use std::collections::HashMap;
use std::path::Path;

use event_api_codegen::compat::words;
use event_api_spec::compat::{Finding, Level, Outcome, Place};
use event_api_spec::{LineColumn, Location, Sources};

use crate::compat::{Compared, Origin};
pub(crate) use github::github;
pub(crate) use gitlab::gitlab;
pub(crate) use human::human;
pub(crate) use json::json;
pub(crate) use junit::junit;
pub(crate) use markdown::markdown;
pub(crate) use sarif::sarif;

/// A place in the terms of an editor.
#[derive(Clone, Copy)]
struct Spot<'a> {
    path: &'a Path,
    start: LineColumn,
    /// Behind the last character.
    end: LineColumn,
}

impl<'a> Spot<'a> {
    fn of(location: &Location, sources: &'a Sources) -> Self {
        let file = sources.file(location.span.file);
        let (start, end) = (file.line_column(location.span.start), file.line_column(location.span.end));
        Spot { path: file.path(), start, end }
    }
}

/// A finding within its comparison.
#[derive(Clone, Copy)]
struct Fact<'a> {
    compared: &'a Compared,
    finding: &'a Finding,
}

/// What a finding is to whoever has to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Breaking,
    Undecided,
    Notice,
    Accepted,
}

impl<'a> Fact<'a> {
    fn all(compared: &'a Compared) -> impl Iterator<Item = Fact<'a>> {
        compared.report.findings.iter().map(move |finding| Fact { compared, finding })
    }

    fn weight(self) -> Weight {
        match (&self.finding.accepted, self.finding.level) {
            (Some(_), _) => Weight::Accepted,
            (None, Level::Breaking) => Weight::Breaking,
            (None, Level::Unknown) => Weight::Undecided,
            (None, Level::Notice) => Weight::Notice,
        }
    }

    /// The place in the new version.
    fn new_spot(self) -> Option<(&'a Place, Spot<'a>)> {
        let place = self.finding.new.as_ref()?;
        Some((place, Spot::of(&place.location, &self.compared.new.sources)))
    }

    /// The place in the old version.
    fn old_spot(self) -> Option<(&'a Place, Spot<'a>)> {
        let place = self.finding.old.as_ref()?;
        let released = self.compared.baselines.released.get(self.finding.baseline)?;
        Some((place, Spot::of(&place.location, &released.loaded.sources)))
    }

    /// Whether the old version is a file that is there.
    fn is_old_on_disk(self) -> bool {
        self.compared.baselines.origins.get(self.finding.baseline) == Some(&Origin::Disk)
    }

    /// What the old version is called.
    fn old_name(self) -> Option<&'a str> {
        self.compared.baselines.released.get(self.finding.baseline).map(|released| released.name.as_str())
    }

    /// Where to annotate: in the new version, because that is the one that can be changed. What is no more has no place in
    /// it, and stands at its first line.
    fn annotated(self) -> Spot<'a> {
        if let Some((_, spot)) = self.new_spot() {
            return spot;
        }
        let start = LineColumn { line: 1, column: 1 };
        let line = self.compared.new.sources.files().next().and_then(|file| file.text().lines().next());
        let width = line.map_or(0, |line| line.chars().count());
        let end = LineColumn { line: 1, column: u32::try_from(width).unwrap_or(u32::MAX).saturating_add(1) };
        Spot { path: &self.compared.path, start, end }
    }

    /// `spec/asyncapi.yaml:12:3 in origin/main`
    fn old_place(self) -> Option<String> {
        let (_, spot) = self.old_spot()?;
        let origin = match self.old_name() {
            Some(name) if !self.is_old_on_disk() => format!(" in {name}"),
            _ => String::new(),
        };
        Some(format!("{}:{}:{}{origin}", spot.path.display(), spot.start.line, spot.start.column))
    }

    /// What stands below the message, a line each: a name and a text.
    fn notes(self) -> Vec<(&'static str, String)> {
        let finding = self.finding;
        let mut notes = vec![("in", finding.subject.clone())];
        notes.extend(self.old_place().map(|place| ("was", place)));
        for counterexample in &finding.counterexamples {
            let (sent, refused) = words::sent_and_refused(counterexample.direction);
            notes.push((sent, counterexample.event.to_string()));
            notes.push((refused, words::refusals(counterexample)));
        }
        if !finding.also.is_empty() {
            notes.push(("also in", words::shortened(&finding.also)));
        }
        match (&finding.accepted, &finding.help) {
            (Some(accepted), _) => notes.push(("accepted", accepted.to_string())),
            (None, Some(help)) => notes.push(("help", help.clone())),
            (None, None) => {}
        }
        notes
    }

    /// The message and what stands below it, as plain text.
    fn text(self) -> String {
        let mut text = self.finding.message.clone();
        for (name, note) in self.notes() {
            text.push_str(&format!("\n{name}: {note}"));
        }
        text
    }
}

/// What is the same about a finding when lines move and words change. No two of a report are alike.
#[derive(Default)]
struct Fingerprints {
    seen: HashMap<u64, u64>,
}

impl Fingerprints {
    fn of(&mut self, fact: Fact<'_>) -> String {
        let pointer =
            |place: &Option<Place>| place.as_ref().map_or("", |place| place.location.pointer.as_str()).to_owned();
        let Finding { rule, subject, old, new, .. } = fact.finding;
        let path = fact.compared.path.to_string_lossy();
        let hash = fnv(&[&path, rule.id, subject, &pointer(old), &pointer(new)].join("\0"));
        let times = self.seen.entry(hash).or_default();
        *times += 1;
        if *times == 1 { format!("{hash:016x}") } else { format!("{hash:016x}-{times}") }
    }
}

/// FNV-1a: the same on every machine and in every version, which the standard library's hashes are not.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// `compatible`, `incompatible` or `undecided`.
fn verdict(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Compatible => "compatible",
        Outcome::Incompatible => "incompatible",
        Outcome::Undecided => "undecided",
    }
}

/// The last lines of every report: the verdict and what to do, a line each.
fn summary(compared: &Compared) -> Vec<(&'static str, String)> {
    let report = &compared.report;
    let mut lines = vec![(verdict(compared.verdict()), words::counts(report))];
    let breaks = if report.verdict() == Outcome::Undecided { "at risk" } else { "breaks" };
    lines.extend(words::who_breaks(report).map(|who| (breaks, who.to_owned())));
    lines.push(("deploy", words::deploy(report.deploy).to_owned()));
    lines.extend(words::version_advice(report).map(|advice| ("version", advice)));
    lines
}

#[cfg(test)]
mod tests {
    use super::fnv;

    #[test]
    fn hashes_are_those_of_fnv_1a() {
        assert_eq!(fnv(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv("foobar"), 0x8594_4171_f739_67e8);
    }
}
