//! Payloads and headers: what readers of each version refuse of what writers of the other may send, and what else has
//! changed in their schemas.
//!
//! Pairs of schemas come in ([`Comparing::compare`]), facts go out. Both directions share what they have found out about a
//! pair with all messages that use it.

mod cases;
mod format;
mod generated;
mod locate;
mod notices;
mod parts;
mod tags;
mod words;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use generated::{Held, What};
use locate::{Difference, Found, Locator, declares};
use parts::{Path, Step, together};

use super::fact::{Fact, Facts, Site};
use super::finding::{Counterexample, Direction, Refusal};
use super::rules::{self, Rule};
use crate::schema::inclusion::equal::{Equality, Words};
use crate::schema::{Inclusion, Reading, SchemaId, Schemas, Violation};
use crate::source::Location;

/// Reasons for a refusal that are told.
const MAX_REFUSALS: usize = 5;

/// What both versions' schemas have in common and where they differ.
#[derive(Debug)]
pub(super) struct Comparing<'s> {
    old: &'s Schemas,
    new: &'s Schemas,
    forward: Locator<'s>,
    backward: Locator<'s>,
    identical: Equality<'s>,
    known: HashMap<(SchemaId, SchemaId), Rc<[Change]>>,
    held: HashMap<(SchemaId, SchemaId), Rc<[Held]>>,
}

/// A part in which a reader of either version refuses what a writer of the other may send.
#[derive(Debug)]
struct Change {
    direction: Direction,
    found: Found,
    old: SchemaId,
    new: SchemaId,
    counterexamples: Vec<Counterexample>,
}

/// What is compared, for sentences: the payload of a message, its headers, a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Payload,
    Headers,
    Query,
    Key,
    Parameter,
}

impl Part {
    fn root(self) -> &'static str {
        match self {
            Part::Payload => "the payload",
            Part::Headers => "the headers",
            Part::Query => "the query",
            Part::Key => "the key",
            Part::Parameter => "the parameter",
        }
    }

    /// What a place in it is called.
    fn name(self, path: &Path) -> String {
        if path.0.is_empty() { self.root().to_owned() } else { format!("`{path}`") }
    }
}

impl<'s> Comparing<'s> {
    pub(super) fn new(old: &'s Schemas, new: &'s Schemas, reading: Reading) -> Self {
        Comparing {
            old,
            new,
            forward: Locator::new(new, old, Inclusion::new(new, old, reading)),
            backward: Locator::new(old, new, Inclusion::new(old, new, reading)),
            identical: Equality::new(Words::All, old, new),
            known: HashMap::new(),
            held: HashMap::new(),
        }
    }

    /// Whether two schemas accept the same for the plainest of reasons: they say the same.
    pub(super) fn is_same(&mut self, old: SchemaId, new: SchemaId) -> bool {
        self.identical.same(old, new)
    }

    /// Whether the readers of both versions accept what the writers of the other send.
    pub(super) fn is_interchangeable(&mut self, old: SchemaId, new: SchemaId) -> bool {
        self.is_same(old, new) || self.changes(old, new).is_empty()
    }

    /// What the readers of one direction refuse, if anything; why nobody knows otherwise.
    pub(super) fn refusal(
        &mut self,
        direction: Direction,
        old: SchemaId,
        new: SchemaId,
    ) -> Result<Option<Counterexample>, String> {
        let refused = match direction {
            Direction::Forward => self.forward.refused_event(new, old)?,
            _ => self.backward.refused_event(old, new)?,
        };
        Ok(refused.map(|(event, violations)| Counterexample { direction, event, refusals: refusals(&violations) }))
    }

    /// Whom a pair of parts does not suit, looked at alone, of those who are affected as a whole.
    fn unsuited(&mut self, old: SchemaId, new: SchemaId, whole: Option<Direction>) -> Option<Direction> {
        let whole = whole?;
        let forward = whole.is_forward() && !self.forward.is_compatible(new, old);
        let backward = whole.is_backward() && !self.backward.is_compatible(old, new);
        match (forward, backward) {
            (false, false) => None,
            (true, false) => Some(Direction::Forward),
            (false, true) => Some(Direction::Backward),
            (true, true) => Some(Direction::Both),
        }
    }

    /// Compares two schemas that describe the same thing in both versions.
    pub(super) fn compare(&mut self, facts: &mut Facts<'_>, site: &Site, part: Part, old: SchemaId, new: SchemaId) {
        if self.is_same(old, new) {
            return;
        }
        facts.tell_once(site, (part, old, new), |facts| self.tell(facts, site, part, old, new));
    }

    fn tell(&mut self, facts: &mut Facts<'_>, site: &Site, part: Part, old: SchemaId, new: SchemaId) {
        let (mut broken, mut formats, mut others) = (HashSet::new(), HashSet::new(), HashSet::new());
        let changes = self.changes(old, new);
        for change in changes.iter() {
            broken.insert((change.old, change.new, change.found.difference.member()));
            facts.add(site, self.fact(part, change));
        }
        let whole = changes.iter().map(|change| change.direction).reduce(Direction::and);
        let held = self.held(old, new);
        for held in held.iter() {
            if let What::Format { .. } = held.what {
                formats.insert(held.old);
                others.insert(held.new);
            }
            facts.add(site, self.held_fact(part, held));
        }
        notices::compare(
            self,
            facts,
            site,
            part,
            (old, new),
            &notices::Broken { parts: broken, whole, formats: (formats, others) },
        );
    }

    fn changes(&mut self, old: SchemaId, new: SchemaId) -> Rc<[Change]> {
        if let Some(known) = self.known.get(&(old, new)) {
            return known.clone();
        }
        let mut changes: Vec<Change> = Vec::new();
        let forward = self.forward.locate(new, old).into_iter().map(|found| (Direction::Forward, found));
        let backward = self.backward.locate(old, new).into_iter().map(|found| (Direction::Backward, found));
        for (direction, found) in forward.chain(backward) {
            let (old, new) = match direction {
                Direction::Forward => (found.reader, found.writer),
                _ => (found.writer, found.reader),
            };
            let counterexample = found.proof.as_ref().map(|(event, violations)| Counterexample {
                direction,
                event: event.clone(),
                refusals: refusals(violations),
            });
            let same = changes.iter_mut().find(|other| {
                (other.old, other.new) == (old, new)
                    && rule(&other.found.difference) == rule(&found.difference)
                    && other.found.difference.member() == found.difference.member()
            });
            match same {
                Some(same) => {
                    same.direction = same.direction.and(direction);
                    if !same.counterexamples.iter().any(|other| other.direction == direction) {
                        same.counterexamples.extend(counterexample);
                    }
                }
                None => changes.push(Change {
                    direction,
                    found,
                    old,
                    new,
                    counterexamples: counterexample.into_iter().collect(),
                }),
            }
        }
        let changes: Rc<[Change]> = changes.into();
        self.known.insert((old, new), changes.clone());
        changes
    }

    fn held(&mut self, old: SchemaId, new: SchemaId) -> Rc<[Held]> {
        if let Some(known) = self.held.get(&(old, new)) {
            return known.clone();
        }
        let held: Rc<[Held]> = generated::compare(self, old, new).into();
        self.held.insert((old, new), held.clone());
        held
    }

    fn held_fact(&self, part: Part, held: &Held) -> Fact {
        let what = part.name(&held.path);
        let fact = match &held.what {
            What::Format { direction, before, after, is_sure } => {
                let written = |format: &Option<String>| {
                    format.as_ref().map_or_else(|| "no format".to_owned(), |format| format!("the format `{format}`"))
                };
                let said = format!("{what} has {} now, and had {}", written(after), written(before));
                let whose = match direction {
                    Direction::Forward => "the old version",
                    Direction::Backward => "the new version",
                    Direction::Both => "either version",
                };
                if *is_sure {
                    let message = format!("{said}; types of consumers of {whose} hold nothing else than their format");
                    let help = "keep the format, or add a property of another name";
                    Fact::new(rules::SCHEMA_FORMAT_CHANGED, message).direction(*direction).help(help)
                } else {
                    let message = format!(
                        "{said}, if both versions mean the same by it, which could not be decided; types of consumers of {whose} \
                         hold nothing else than their format"
                    );
                    let help = "look at the change, and ignore this finding with a reason if the format is that of other values";
                    Fact::new(rules::SCHEMA_UNDECIDED, message).direction(*direction).help(help).key("format")
                }
            }
            What::Tags { direction, said } => {
                let who = match direction {
                    Direction::Forward => {
                        "consumers of the old version take new events for something else or refuse them"
                    }
                    Direction::Backward => {
                        "consumers of the new version take old events for something else or refuse them"
                    }
                    Direction::Both => {
                        "consumers of either version take events of the other for something else or refuse them"
                    }
                };
                let help = "keep the discriminator and the names of its alternatives; in OpenAPI 3.0 schemas, a `mapping` keeps them";
                Fact::new(rules::SCHEMA_DISCRIMINATOR_CHANGED, format!("{who}: in {what}, {said}"))
                    .direction(*direction)
                    .help(help)
            }
            What::TooLarge => {
                let message = format!("{what} is too large to be looked at in all its parts");
                Fact::new(rules::SCHEMA_UNDECIDED, message).key("size")
            }
        };
        fact.old(&self.old[held.old].location, "").new_at(&self.new[held.new].location, "")
    }

    fn fact(&self, part: Part, change: &Change) -> Fact {
        let Change { direction, found, old, new, counterexamples } = change;
        let what = part.name(&found.path);
        let (said, help) = self.said(part, change, &what);
        let who = match direction {
            Direction::Forward => "consumers of the old version refuse new events",
            Direction::Backward => "consumers of the new version refuse old events",
            Direction::Both => "consumers of either version refuse events of the other",
        };
        let message = match &found.difference {
            Difference::Undecided(reason) => format!("it could not be decided whether {what} is compatible: {reason}"),
            _ => format!("{who}: {said}"),
        };
        let rule = rule(&found.difference);
        let mut fact =
            Fact::new(rule, message).direction(*direction).help(help).counterexamples(counterexamples.clone());
        let member = found.difference.member();
        let place = |schemas: &'s Schemas, id: SchemaId| -> (Location, String) {
            let declared = member.and_then(|name| declares(schemas, id, name));
            let shown = declared.map_or(id, |declared| schemas.follow(declared));
            let text = match (&found.difference, declared) {
                (Difference::Required(name), _) => {
                    let is_required = parts::requires(&together(schemas, id), name);
                    match (is_required, declared) {
                        (true, _) => format!("`{name}` is required"),
                        (false, Some(_)) => format!("`{name}` is optional"),
                        (false, None) => format!("there is no `{name}`"),
                    }
                }
                (Difference::Refused(name), None) => format!("`{name}` is not allowed"),
                _ => words::kind(schemas, shown),
            };
            (schemas[shown].location.clone(), text)
        };
        let ((before, text), (after, new_text)) = (place(self.old, *old), place(self.new, *new));
        fact = fact.old(&before, text).new_at(&after, new_text);
        if let Some(name) = member {
            fact = fact.key(name);
            let schemas = self.old;
            // Only that it goes was announced, not what else becomes of it.
            let is_gone = declares(self.new, *new, name).is_none() && !parts::requires(&together(self.new, *new), name);
            let announced = declares(schemas, *old, name)
                .and_then(|id| super::policy::sunset(&parts::keywords(schemas, schemas.follow(id))?.extensions));
            fact = fact.sunset(announced.filter(|_| is_gone));
        }
        fact
    }

    /// What has changed, and what to do about it.
    fn said(&self, part: Part, change: &Change, what: &str) -> (String, &'static str) {
        let Change { direction, found, old, new, .. } = change;
        let (old, new) = ((self.old, *old), (self.new, *new));
        let member = |name: &str| part.name(&found.path.join(Some(Step::Member(name.to_owned()))));
        match &found.difference {
            Difference::Required(name) => {
                let what = member(name);
                if direction.is_backward() {
                    let words =
                        if declares(old.0, old.1, name).is_some() { "is now required" } else { "is new and required" };
                    (format!("{what} {words}"), "make it optional, or give the event a new name")
                } else if declares(new.0, new.1, name).is_some() {
                    (format!("{what} may now be absent"), "keep it required, or give the event a new name")
                } else {
                    (
                        format!("{what} is gone"),
                        "keep writing it; announce its end with `deprecated` and `x-sunset` first",
                    )
                }
            }
            Difference::Refused(name) => {
                let what = member(name);
                if direction.is_forward() {
                    let help = "old schemas refuse members they do not know (`additionalProperties`): move the consumers first, \
                                or give the event a new name";
                    (format!("{what} is new"), help)
                } else {
                    let help = "let `additionalProperties` allow what is in the log, or keep the property";
                    (format!("{what} is no longer allowed"), help)
                }
            }
            Difference::Keyword("type") if words::kind(old.0, old.1) == words::kind(new.0, new.1) => {
                // A member is of another type that only one side declares.
                let refusal = change.counterexamples.first().and_then(|example| example.refusals.first());
                let said = refusal.map_or_else(
                    || format!("{what} has another type"),
                    |refusal| format!("{what} may hold something else at `{}`: {}", refusal.pointer, refusal.message),
                );
                (said, "say which other members are allowed (`additionalProperties`), or give the member another name")
            }
            Difference::Keyword("type") => {
                let (before, after) = (words::kind(old.0, old.1), words::kind(new.0, new.1));
                let words = format!("{what} is now {after} (was {before})");
                (words, "add a property of another name for the new type, or give the event a new name")
            }
            Difference::Keyword("enum" | "const") => {
                let help = match direction {
                    Direction::Forward => {
                        "move the consumers first, or make it a plain string, which has room for values to come"
                    }
                    _ => "keep the values that the log holds",
                };
                (words::values_changed(what, old, new), help)
            }
            Difference::Keyword(keyword) => {
                let of =
                    |(schemas, id): (&Schemas, SchemaId)| parts::keywords(schemas, id).cloned().unwrap_or_default();
                let differences = words::differences(&of(old), &of(new));
                let refusal = change.counterexamples.first().and_then(|example| example.refusals.first());
                let choice =
                    |(schemas, id): (&Schemas, SchemaId)| parts::alternatives(schemas, id).map(<[SchemaId]>::len);
                let is_choice = matches!(*keyword, "oneOf" | "anyOf");
                let changed = match (choice(old), choice(new)) {
                    (Some(count), None) if is_choice => {
                        let kind = words::kind(new.0, new.1);
                        Some(format!("{what} is {kind} of one kind now (was one of {count} alternatives)"))
                    }
                    (None, Some(count)) if is_choice => {
                        let kind = words::kind(old.0, old.1);
                        Some(format!("{what} is one of {count} alternatives now (was {kind} of one kind)"))
                    }
                    _ => None,
                };
                let said = match (differences.is_empty(), refusal) {
                    _ if changed.is_some() => changed.unwrap_or_default(),
                    (false, _) => format!("{what}: {}", differences.join(", ")),
                    (true, Some(refusal)) => format!("{what}: {}", refusal.message),
                    (true, None) => format!("{what} breaks `{keyword}`"),
                };
                let help = match direction {
                    Direction::Forward => "keep to what the old version allows, or move the consumers first",
                    _ => "keep allowing what the old version allowed",
                };
                (said, help)
            }
            Difference::Undecided(_) => {
                (String::new(), "simplify the schema, or look at the change and ignore this finding with a reason")
            }
        }
    }
}

impl Difference {
    fn member(&self) -> Option<&str> {
        match self {
            Difference::Required(name) | Difference::Refused(name) => Some(name),
            _ => None,
        }
    }
}

fn rule(difference: &Difference) -> Rule {
    match difference {
        Difference::Required(_) => rules::SCHEMA_REQUIRED_CHANGED,
        Difference::Refused(_) => rules::SCHEMA_MEMBER_REFUSED,
        Difference::Undecided(_) => rules::SCHEMA_UNDECIDED,
        Difference::Keyword(keyword) => match *keyword {
            "type" => rules::SCHEMA_TYPE_CHANGED,
            "required" | "dependentRequired" => rules::SCHEMA_REQUIRED_CHANGED,
            "additionalProperties" | "unevaluatedProperties" => rules::SCHEMA_MEMBER_REFUSED,
            "enum" | "const" => rules::SCHEMA_VALUES_CHANGED,
            "oneOf" | "anyOf" | "not" => rules::SCHEMA_ALTERNATIVES_CHANGED,
            "false" | "propertyNames" | "contains" => rules::SCHEMA_INCOMPATIBLE,
            _ => rules::SCHEMA_BOUNDS_CHANGED,
        },
    }
}

/// Why a reader refuses an event.
fn refusals(violations: &[Violation]) -> Vec<Refusal> {
    let refusal = |violation: &Violation| Refusal {
        pointer: violation.pointer.clone(),
        keyword: violation.keyword.to_owned(),
        message: violation.message.clone(),
    };
    violations.iter().take(MAX_REFUSALS).map(refusal).collect()
}
