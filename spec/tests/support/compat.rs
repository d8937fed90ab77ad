//! Reports of comparisons as text, for snapshots.

use std::fmt::Write as _;

use event_api_spec::compat::{Accepted, Place, Report};
use event_api_spec::{Loaded, Sources};

/// The whole report, a finding in a few lines.
pub(crate) fn text(report: &Report, old: &[&Loaded], new: &Loaded) -> String {
    let mut text = format!(
        "{:?}: needs {}, declares {}, deploy {}\n",
        report.verdict(),
        report.required_bump,
        report.declared_bump.map_or_else(|| "nothing".to_owned(), |bump| bump.to_string()),
        report.deploy
    );
    for finding in &report.findings {
        let direction = finding.direction.map_or_else(String::new, |direction| format!(" {direction}"));
        writeln!(text, "- {} ({} {}{direction})", finding.rule.id, finding.level, finding.rule.kind).unwrap();
        writeln!(text, "  {}: {}", finding.subject, finding.message).unwrap();
        for subject in &finding.also {
            writeln!(text, "  also {subject}").unwrap();
        }
        let mut place = |name: &str, place: &Option<Place>, sources: &Sources| {
            if let Some(place) = place {
                let at = sources.display(place.location.span);
                writeln!(text, "  {name} {at} {} {}", place.location.pointer, place.text).unwrap();
            }
        };
        place("old", &finding.old, &old[finding.baseline].sources);
        place("new", &finding.new, &new.sources);
        for example in &finding.counterexamples {
            writeln!(text, "  {} event {}", example.direction, example.event).unwrap();
            for refusal in &example.refusals {
                writeln!(text, "    {} {}: {}", refusal.pointer, refusal.keyword, refusal.message).unwrap();
            }
        }
        if let Some(help) = &finding.help {
            writeln!(text, "  help: {help}").unwrap();
        }
        match &finding.accepted {
            Some(accepted @ Accepted::Ignored { entry, .. }) => {
                writeln!(text, "  accepted by {entry}: {accepted}").unwrap()
            }
            Some(accepted) => writeln!(text, "  accepted: {accepted}").unwrap(),
            None => {}
        }
    }
    for unused in &report.unused_ignores {
        writeln!(text, "- ignore {} {} {}: {}", unused.entry, unused.ignore.rule, unused.ignore.pointer, unused.reason)
            .unwrap();
    }
    text
}
