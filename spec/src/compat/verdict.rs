//! From the facts of each pair of versions to one report: facts that hold against several old versions are one, the
//! version that the change needs, the order of deployment, and ignore entries without use.

use std::collections::HashMap;

use super::compare::{self, mode_of};
use super::fact::{Fact, Facts, Site, Use};
use super::finding::Finding;
use super::policy::Promise;
use super::version;
use super::{
    ALL_RULES, Accepted, Baseline, BaselineInfo, Bump, Comparison, DeployOrder, Level, Report, Scope, Unused,
    UnusedIgnore, rules,
};
use crate::document::Document;
use crate::near::nearest;
use crate::semantic_version;
use crate::source::{Location, Pointer, Sources};

/// Compares a document with its earlier versions, oldest first.
pub(super) fn report(
    comparison: &Comparison,
    baselines: &[Baseline<'_>],
    (new, sources): (&Document, &Sources),
) -> Report {
    let documents: Vec<&Document> = baselines.iter().filter_map(|baseline| baseline.loaded.document.as_ref()).collect();
    let is_compared = |index: usize| comparison.scope == Scope::Transitive || index + 1 == documents.len();
    let mut merged = Merged::default();
    let mut used = vec![Use::Never; comparison.ignores.len()];
    let mut declared_bump = None;
    let new_version = compare::Version::new(new, comparison.reading).read_from(sources);
    for (index, old) in documents.iter().enumerate().rev().filter(|(index, _)| is_compared(*index)) {
        let is_latest = index + 1 == documents.len();
        let old_version = compare::Version::new(old, comparison.reading).read_from(&baselines[index].loaded.sources);
        let mut facts = compare::compare(comparison, index, &old_version, &new_version);
        if is_latest {
            declared_bump = declared(old, new);
            not_raised(comparison, &mut facts, old, new, declared_bump);
        }
        for (all, own) in used.iter_mut().zip(&facts.used) {
            *all = (*all).max(*own);
        }
        for finding in facts.into_findings() {
            // What came and went since an old version is the history of the versions between.
            if is_latest || finding.level != Level::Notice {
                merged.add(finding, index);
            }
        }
    }
    let mut findings = merged.findings;
    findings.sort_by_key(order);
    let latest = documents.len().checked_sub(1);
    let required_bump = required(findings.iter().filter(|finding| {
        Some(finding.baseline) == latest || latest.is_some_and(|latest| finding.also_baselines.contains(&latest))
    }));
    let info = |(index, (baseline, document)): (usize, (&Baseline<'_>, &&Document))| BaselineInfo {
        name: baseline.name.clone(),
        version: document.info.version.clone(),
        is_compared: is_compared(index),
    };
    Report {
        mode: mode_of(comparison, documents.last().copied(), new),
        scope: comparison.scope,
        reading: comparison.reading,
        baselines: baselines.iter().zip(&documents).enumerate().map(info).collect(),
        new_version: new.info.version.clone(),
        required_bump,
        declared_bump,
        deploy: deploy(&findings),
        findings,
        unused_ignores: unused(comparison, &used),
    }
}

/// Findings of all pairs, each fact once.
#[derive(Default)]
struct Merged {
    findings: Vec<Finding>,
    known: HashMap<(&'static str, String, String, Option<Location>), usize>,
}

impl Merged {
    fn add(&mut self, finding: Finding, baseline: usize) {
        let place = finding.new.as_ref().map(|place| place.location.clone());
        let key = (finding.rule.id, finding.subject.clone(), finding.message.clone(), place);
        match self.known.get(&key) {
            Some(&index) if self.findings[index].baseline != baseline => {
                let other = &mut self.findings[index];
                if !other.also_baselines.contains(&baseline) {
                    other.also_baselines.push(baseline);
                }
                // What is accepted against one version only is not accepted; but when something may go, the latest
                // version that has it says, which comes first: older ones were published before it was known.
                let is_announced = matches!(other.accepted, Some(Accepted::Sunset { .. }));
                if finding.accepted.is_none() && !is_announced {
                    other.accepted = None;
                }
            }
            Some(_) => self.findings.push(finding),
            None => {
                self.known.insert(key, self.findings.len());
                self.findings.push(finding);
            }
        }
    }
}

/// What fails first, the worst first, then in the order of the text.
fn order(finding: &Finding) -> impl Ord + use<> {
    let start = |place: &Option<super::Place>| place.as_ref().map(|place| place.location.span);
    (
        !finding.fails(),
        std::cmp::Reverse(finding.level),
        finding.accepted.is_some(),
        // What follows from the others comes behind them.
        finding.rule == rules::VERSION_NOT_RAISED,
        start(&finding.new).or(start(&finding.old)),
        start(&finding.old),
    )
}

fn required<'f>(findings: impl Iterator<Item = &'f Finding>) -> Bump {
    findings.map(Finding::bump).max().unwrap_or_default()
}

fn declared(old: &Document, new: &Document) -> Option<Bump> {
    Some(version::bump(&semantic_version(&old.info.version)?, &semantic_version(&new.info.version)?))
}

/// A version that says less than has changed. Words for people alone need no new version.
fn not_raised(comparison: &Comparison, facts: &mut Facts<'_>, old: &Document, new: &Document, declared: Option<Bump>) {
    let needed = required(facts.findings().iter());
    let Some(declared) = declared.filter(|declared| *declared < needed && needed > Bump::Patch) else { return };
    let (before, after) = (&old.info.version, &new.info.version);
    let least = semantic_version(before).map(|version| version::bumped(&version, needed)).unwrap_or_default();
    let word = match declared {
        Bump::None if before == after => format!("`info.version` is still {after}"),
        _ => format!("`info.version` goes from {before} to {after}"),
    };
    let kind = if needed == Bump::Major { "breaks somebody" } else { "adds something" };
    let version = |document: &Document| {
        let location = &document.info.location;
        Location { span: location.span, pointer: location.pointer.join("version") }
    };
    let (old_at, new_at) = (version(old), version(new));
    let site = Site {
        subject: "the document".to_owned(),
        old: Some(Pointer::root()),
        new: Some(Pointer::root()),
        promise: Promise::of(mode_of(comparison, Some(old), new)),
        is_draft: false,
    };
    let fact = Fact::new(rules::VERSION_NOT_RAISED, format!("{word}, and the change {kind}"))
        .old(&old_at, before.clone())
        .new_at(&new_at, after.clone())
        .help(format!("make it {least} or later"));
    facts.add(&site, fact);
}

fn deploy(findings: &[Finding]) -> DeployOrder {
    let directions =
        || findings.iter().filter(|finding| finding.orders_deployment()).filter_map(|finding| finding.direction);
    match (directions().any(|direction| direction.is_forward()), directions().any(|direction| direction.is_backward()))
    {
        (false, false) => DeployOrder::AnyOrder,
        (true, false) => DeployOrder::ConsumersFirst,
        (false, true) => DeployOrder::PublishersFirst,
        (true, true) => DeployOrder::Impossible,
    }
}

fn unused(comparison: &Comparison, used: &[Use]) -> Vec<UnusedIgnore> {
    let mut list = Vec::new();
    for (entry, (ignore, used)) in comparison.ignores.iter().zip(used).enumerate() {
        let reason = match used {
            Use::Used => continue,
            Use::Expired => Unused::Expired,
            Use::Never if !ALL_RULES.iter().any(|rule| rule.id == ignore.rule) => {
                let ids = ALL_RULES.iter().map(|rule| rule.id);
                Unused::UnknownRule { nearest: nearest(&ignore.rule, ids) }
            }
            Use::Never => Unused::NothingMatches,
        };
        list.push(UnusedIgnore { entry, ignore: ignore.clone(), reason });
    }
    list
}
