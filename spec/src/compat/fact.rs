//! Facts on their way to findings: where in the documents one looks ([`Site`]), what was seen there ([`Fact`]), and how
//! facts become findings: acceptance, levels, and one finding for one fact.

use std::collections::{HashMap, HashSet};

use super::finding::{Accepted, Counterexample, Direction, Finding, Place};
use super::policy::{Mode, Promise, is_draft};
use super::rules::{self, Bump, Kind, Level, Rule};
use super::schemas::Part;
use super::{Comparison, Date};
use crate::document::Extensions;
use crate::schema::{Reading, SchemaId};
use crate::source::{Location, Pointer};

/// The part of both documents that is being compared.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// What to call it.
    pub(super) subject: String,
    pub(super) old: Option<Pointer>,
    pub(super) new: Option<Pointer>,
    /// What the mode promises here.
    pub(super) promise: Promise,
    /// Whether the old version said that it is a draft.
    pub(super) is_draft: bool,
}

impl Site {
    /// A part of this one, as both versions write it.
    pub(super) fn part(&self, subject: String, old: Option<&Location>, new: Option<&Location>) -> Self {
        let pointer = |location: Option<&Location>, outer: &Option<Pointer>| {
            location.map(|location| location.pointer.clone()).or_else(|| outer.clone())
        };
        Site { subject, old: pointer(old, &self.old), new: pointer(new, &self.new), ..self.clone() }
    }

    /// Heeds what the old version says of the part: that it is a draft.
    pub(super) fn with(mut self, old: &Extensions) -> Self {
        self.is_draft |= is_draft(old);
        self
    }
}

/// Something that was seen.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    rule: Rule,
    message: String,
    direction: Option<Direction>,
    old: Option<(Location, String)>,
    new: Option<(Location, String)>,
    help: Option<String>,
    counterexamples: Vec<Counterexample>,
    /// What distinguishes it from facts of the same rule at the same places; the message unless something is given.
    key: Option<String>,
    sunset: Option<Date>,
}

impl Fact {
    pub(super) fn new(rule: Rule, message: impl Into<String>) -> Self {
        Fact {
            rule,
            message: message.into(),
            direction: None,
            old: None,
            new: None,
            help: None,
            counterexamples: Vec::new(),
            key: None,
            sunset: None,
        }
    }

    pub(super) fn direction(mut self, direction: Direction) -> Self {
        self.direction = Some(direction);
        self
    }

    pub(super) fn old(mut self, location: &Location, text: impl Into<String>) -> Self {
        self.old = Some((location.clone(), text.into()));
        self
    }

    pub(super) fn new_at(mut self, location: &Location, text: impl Into<String>) -> Self {
        self.new = Some((location.clone(), text.into()));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn counterexamples(mut self, counterexamples: Vec<Counterexample>) -> Self {
        self.counterexamples = counterexamples;
        self
    }

    pub(super) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// It is a removal, which was announced for this day.
    pub(super) fn sunset(mut self, date: Option<Date>) -> Self {
        self.sunset = date;
        self
    }
}

type Identity = (&'static str, Option<Direction>, Option<Location>, Option<Location>, Option<String>, Option<Accepted>);

/// Two schemas, as parts of this kind.
pub(super) type Pair = (Part, SchemaId, SchemaId);

/// What findings about a pair of schemas depend on.
type Telling = (Pair, bool, Mode);

/// What was found of one pair of versions.
#[derive(Debug)]
pub(super) struct Facts<'c> {
    comparison: &'c Comparison,
    baseline: usize,
    known: HashMap<Identity, usize>,
    findings: Vec<Finding>,
    /// Numbers of subjects, and at which findings they stand: one schema may be that of all messages.
    subjects: HashMap<String, usize>,
    shown: HashSet<(usize, usize)>,
    /// The findings of what was told once and for all, and of what is being told.
    told: HashMap<Telling, Vec<usize>>,
    telling: Vec<usize>,
    /// Which ignore entries accepted something, and which would have, had they not expired.
    pub(super) used: Vec<Use>,
}

/// What became of an ignore entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    #[default]
    Never,
    Expired,
    Used,
}

impl<'c> Facts<'c> {
    pub(super) fn new(comparison: &'c Comparison, baseline: usize) -> Self {
        let used = vec![Use::Never; comparison.ignores.len()];
        Facts {
            comparison,
            baseline,
            known: HashMap::new(),
            findings: Vec::new(),
            subjects: HashMap::new(),
            shown: HashSet::new(),
            told: HashMap::new(),
            telling: Vec::new(),
            used,
        }
    }

    /// The number of a subject.
    fn subject(&mut self, subject: &str) -> usize {
        if let Some(number) = self.subjects.get(subject) {
            return *number;
        }
        let number = self.subjects.len();
        self.subjects.insert(subject.to_owned(), number);
        number
    }

    /// Tells what a pair of schemas comes to, which `tell` adds fact by fact. Where the same was told of another subject that
    /// is promised the same, the subject is noted, and nothing is made up again. Ignore entries have a say at each place.
    pub(super) fn tell_once(&mut self, site: &Site, pair: Pair, tell: impl FnOnce(&mut Self)) {
        let telling = (pair, site.is_draft, site.promise.mode());
        let known = self.told.remove(&telling).filter(|_| self.comparison.ignores.is_empty());
        let findings = match known {
            Some(findings) => {
                let subject = self.subject(&site.subject);
                findings.iter().for_each(|index| self.show(*index, subject, site));
                findings
            }
            None => {
                self.telling.clear();
                tell(self);
                std::mem::take(&mut self.telling)
            }
        };
        self.told.insert(telling, findings);
    }

    /// Notes that a finding shows at another subject.
    fn show(&mut self, index: usize, subject: usize, site: &Site) {
        if self.shown.insert((index, subject)) {
            self.findings[index].also.push(site.subject.clone());
        }
    }

    /// How schemas are read.
    pub(super) fn reading(&self) -> Reading {
        self.comparison.reading
    }

    pub(super) fn add(&mut self, site: &Site, fact: Fact) {
        let level = self.comparison.level_of(&fact.rule);
        let accepted = if level == Level::Notice { None } else { self.accepted(site, &fact) };
        // Notices are ignored as well where an entry names them: the entry is of use.
        let accepted = accepted.or_else(|| self.ignored(site, &fact));
        let key = fact.key.clone().or_else(|| {
            // A fact with both places is known by them; others need their words.
            (fact.old.is_none() || fact.new.is_none()).then(|| fact.message.clone())
        });
        let place = |place: &Option<(Location, String)>| place.as_ref().map(|(location, _)| location.clone());
        let identity = if fact.rule == rules::DOCUMENTATION_CHANGED {
            // That words have changed is one fact, wherever they stand.
            (fact.rule.id, None, None, None, None, accepted.clone())
        } else {
            (fact.rule.id, fact.direction, place(&fact.old), place(&fact.new), key, accepted.clone())
        };
        let subject = self.subject(&site.subject);
        if let Some(&index) = self.known.get(&identity) {
            self.telling.push(index);
            self.show(index, subject, site);
            return;
        }
        self.telling.push(self.findings.len());
        self.shown.insert((self.findings.len(), subject));
        self.known.insert(identity, self.findings.len());
        let place = |place: Option<(Location, String)>, element: &Option<Pointer>| {
            place.map(|(location, text)| {
                let element = element.clone().unwrap_or_else(|| location.pointer.clone());
                Place { location, text, element }
            })
        };
        let mut help = fact.help;
        if let (Some(date), None, true) = (fact.sunset, &accepted, level != Level::Notice) {
            help = Some(format!("it was announced to go on {date}; keep it until then"));
        }
        self.findings.push(Finding {
            rule: fact.rule,
            level,
            direction: fact.direction,
            subject: site.subject.clone(),
            message: fact.message,
            help,
            old: place(fact.old, &site.old),
            new: place(fact.new, &site.new),
            also: Vec::new(),
            counterexamples: fact.counterexamples,
            baseline: self.baseline,
            also_baselines: Vec::new(),
            accepted,
        });
    }

    fn accepted(&mut self, site: &Site, fact: &Fact) -> Option<Accepted> {
        if let Some(ignored) = self.ignored(site, fact) {
            return Some(ignored);
        }
        if site.is_draft {
            return Some(Accepted::Draft);
        }
        if let (Some(date), Some(today)) = (fact.sunset, self.comparison.today)
            && date <= today
        {
            return Some(Accepted::Sunset { date });
        }
        (!site.promise.demands(fact.direction)).then_some(Accepted::NotPromised)
    }

    fn ignored(&mut self, site: &Site, fact: &Fact) -> Option<Accepted> {
        let location =
            |place: &Option<(Location, String)>| place.as_ref().map(|(location, _)| location.pointer.clone());
        let pointers = [location(&fact.old), location(&fact.new), site.old.clone(), site.new.clone()];
        let pointers: Vec<&str> = pointers.iter().flatten().map(Pointer::as_str).collect();
        let mut ignored = None;
        for (entry, ignore) in self.comparison.ignores.iter().enumerate() {
            if !pointers.iter().any(|pointer| ignore.covers(&fact.rule, pointer)) {
                continue;
            }
            let is_expired = ignore.expires.zip(self.comparison.today).is_some_and(|(last, today)| last < today);
            let what = if is_expired { Use::Expired } else { Use::Used };
            self.used[entry] = self.used[entry].max(what);
            if !is_expired && ignored.is_none() {
                ignored = Some(Accepted::Ignored { entry, reason: ignore.reason.clone() });
            }
        }
        ignored
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl Finding {
    /// The bump that it needs. A major version says that something breaks: what nobody was promised, what is ignored for
    /// a reason, and what the comparison was told to take for a notice do not. Of what is undecided nobody knows.
    pub(super) fn bump(&self) -> Bump {
        let is_lowered = self.level == Level::Notice && self.rule.level != Level::Notice;
        match self.accepted {
            None if self.level == Level::Unknown => Bump::None,
            Some(Accepted::Draft) => Bump::None,
            Some(Accepted::NotPromised | Accepted::Ignored { .. }) => self.rule.bump.min(Bump::Minor),
            _ if is_lowered => self.rule.bump.min(Bump::Minor),
            _ => self.rule.bump,
        }
    }

    /// Whether it says something about which programs can read which events on the wire.
    pub(super) fn orders_deployment(&self) -> bool {
        self.rule.kind == Kind::Wire && self.rule.level == Level::Breaking && self.accepted != Some(Accepted::Draft)
    }
}
