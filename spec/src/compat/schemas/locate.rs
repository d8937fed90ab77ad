//! Where two schemas differ so that a reader refuses what a writer may send: from the verdict on whole payloads down to
//! the deepest parts, each with a whole event that proves it.
//!
//! Parts are compared as schemas of their own, which can err in context: a member may never have the value in question. So
//! nothing is said of a part unless an event with that value at that place is valid for the whole of the writer's schema
//! and invalid for the reader's.

use super::parts::{ANY_KEY, Path, Step, alternatives, member, pairs, requires, together};
use crate::schema::ids::IdMap;
use crate::schema::{Checker, Inclusion, SchemaId, SchemaKind, Schemas, Verdict, Violation, Witness};
use crate::source::{FileId, Key, Node, Number, Object, Span, Value};

/// Steps of the engine that one direction of a comparison may take altogether: a matter of seconds.
const MAX_STEPS: usize = 3_000_000;

/// Differences of one payload that are told apart.
const MAX_FOUND: usize = 100;

/// Parts of one payload that are looked at.
const MAX_PAIRS: usize = 5_000;

/// How deep parts are told apart.
const MAX_DEPTH: usize = 40;

/// In which way a reader refuses what a writer may send.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Difference {
    /// The reader requires this member, the writer may leave it out.
    Required(String),
    /// The reader refuses this member, the writer may write it.
    Refused(String),
    /// Another keyword of the reader.
    Keyword(&'static str),
    /// It is not known whether it does.
    Undecided(String),
}

/// A part of two schemas where a reader refuses what a writer may send.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) difference: Difference,
    pub(super) path: Path,
    pub(super) writer: SchemaId,
    pub(super) reader: SchemaId,
    /// The event that proves it; `None` only when it is undecided.
    pub(super) proof: Option<(Witness, Vec<Violation>)>,
}

/// A difference before it is proved, with the value of the part that shows it.
struct Candidate {
    found: Found,
    value: Node,
    /// The schemas of the writer on the way to the part.
    way: Vec<(Step, SchemaId)>,
}

/// One direction of a comparison.
#[derive(Debug)]
pub(super) struct Locator<'s> {
    writer: &'s Schemas,
    reader: &'s Schemas,
    inclusion: Inclusion<'s>,
    checker: Checker<'s>,
    verdicts: IdMap<(SchemaId, SchemaId), Verdict>,
    samples: IdMap<SchemaId, Option<Node>>,
    steps: usize,
}

/// One walk through a payload.
#[derive(Default)]
struct Walk {
    seen: IdMap<(SchemaId, SchemaId), bool>,
    candidates: Vec<Candidate>,
    undecided: Vec<Found>,
}

impl<'s> Locator<'s> {
    pub(super) fn new(writer: &'s Schemas, reader: &'s Schemas, inclusion: Inclusion<'s>) -> Self {
        Locator {
            writer,
            reader,
            inclusion,
            checker: Checker::new(reader),
            verdicts: IdMap::default(),
            samples: IdMap::default(),
            steps: 0,
        }
    }

    /// What the reader refuses of what the writer may send; nothing when it refuses nothing.
    pub(super) fn locate(&mut self, w: SchemaId, r: SchemaId) -> Vec<Found> {
        let root = match self.decide(w, r) {
            Verdict::Compatible => return Vec::new(),
            Verdict::Incompatible { witness } => Some(witness),
            Verdict::Unknown { .. } => None,
        };
        let mut walk = Walk::default();
        self.walk(&mut walk, w, r, &Path::default(), &mut Vec::new());
        let mut found = walk.undecided;
        let root = root.map(|witness| {
            let violations = self.checker.check(r, witness.node());
            (witness, violations)
        });
        for candidate in walk.candidates {
            let at = candidate.found.path.pointer();
            let is_near = |violations: &[Violation]| {
                violations.iter().any(|violation| {
                    let (there, here) = (violation.pointer.as_str(), at.as_str());
                    is_below(there, here) || is_below(here, there)
                })
            };
            let proof = self.embed(&candidate.way, candidate.value).and_then(|event| self.prove(w, r, event));
            let proof = proof.filter(|(_, violations)| is_near(violations));
            let shown = || {
                root.clone()
                    .filter(|(_, violations)| violations.iter().any(|v| is_below(v.pointer.as_str(), at.as_str())))
            };
            if let Some(proof) = proof.or_else(shown) {
                found.push(Found { proof: Some(proof), ..candidate.found });
            }
        }
        let is_proved = found.iter().any(|found| found.proof.is_some());
        match root {
            Some((witness, violations)) if !is_proved => {
                let keyword = violations.first().map_or("false", |violation| violation.keyword);
                let difference = Difference::Keyword(keyword);
                let proof = Some((witness, violations));
                found.push(Found { difference, path: Path::default(), writer: w, reader: r, proof });
            }
            None if found.is_empty() => {
                let reason = "its parts are compatible one by one, and their interplay could not be decided".to_owned();
                let difference = Difference::Undecided(reason);
                found.push(Found { difference, path: Path::default(), writer: w, reader: r, proof: None });
            }
            _ => {}
        }
        found
    }

    /// An event that the writer may send and the reader refuses, if there is any; why nobody knows otherwise.
    pub(super) fn refused_event(
        &mut self,
        w: SchemaId,
        r: SchemaId,
    ) -> Result<Option<(Witness, Vec<Violation>)>, String> {
        match self.decide(w, r) {
            Verdict::Compatible => Ok(None),
            Verdict::Incompatible { witness } => {
                let violations = self.checker.check(r, witness.node());
                Ok(Some((witness, violations)))
            }
            Verdict::Unknown { reason } => Err(reason.to_string()),
        }
    }

    /// Whether the reader accepts all that the writer may send, for these two alone.
    pub(super) fn is_compatible(&mut self, w: SchemaId, r: SchemaId) -> bool {
        self.decide(w, r) == Verdict::Compatible
    }

    fn decide(&mut self, w: SchemaId, r: SchemaId) -> Verdict {
        let (w, r) = self.inclusion.representatives(w, r);
        if let Some(verdict) = self.verdicts.get(&(w, r)) {
            return verdict.clone();
        }
        if self.steps > MAX_STEPS {
            return Verdict::Unknown { reason: crate::schema::Reason::TooManySteps };
        }
        let verdict = self.inclusion.decide(w, r);
        self.steps += self.inclusion.steps();
        self.verdicts.insert((w, r), verdict.clone());
        verdict
    }

    /// Looks for the deepest differences; whether there is any.
    fn walk(
        &mut self,
        walk: &mut Walk,
        w: SchemaId,
        r: SchemaId,
        path: &Path,
        way: &mut Vec<(Step, SchemaId)>,
    ) -> bool {
        let (w, r) = (self.writer.follow(w), self.reader.follow(r));
        if let Some(known) = walk.seen.get(&(w, r)) {
            return *known;
        }
        if walk.seen.len() >= MAX_PAIRS || path.0.len() >= MAX_DEPTH {
            return false;
        }
        walk.seen.insert((w, r), true);
        let verdict = self.decide(w, r);
        if verdict == Verdict::Compatible {
            walk.seen.insert((w, r), false);
            return false;
        }
        let mut is_inside = false;
        for (step, own, other) in pairs(self.writer, w, self.reader, r) {
            if let (Some(Step::Member(name)), SchemaKind::Bool(false)) = (&step, &self.reader[other].kind) {
                is_inside |= self.refused(walk, (w, r), own, name, path, way);
                continue;
            }
            let step_way = step.clone().map(|step| (step, w));
            let pushed = step_way.is_some();
            way.extend(step_way);
            is_inside |= self.walk(walk, own, other, &path.join(step), way);
            if pushed {
                way.pop();
            }
        }
        match verdict {
            Verdict::Incompatible { witness } => self.local(walk, (w, r), witness.node(), is_inside, path, way),
            Verdict::Unknown { reason } => {
                if !is_inside {
                    let difference = Difference::Undecided(reason.to_string());
                    walk.undecided.push(Found { difference, path: path.clone(), writer: w, reader: r, proof: None });
                }
            }
            Verdict::Compatible => {}
        }
        true
    }

    /// A member that the reader has no room for.
    fn refused(
        &mut self,
        walk: &mut Walk,
        (w, r): (SchemaId, SchemaId),
        own: SchemaId,
        name: &str,
        path: &Path,
        way: &[(Step, SchemaId)],
    ) -> bool {
        let Some(value) = self.sample(own) else { return false };
        let mut object = self.sample(w).and_then(as_object).unwrap_or_default();
        object.insert(key(name), value);
        let value = Node { span: NOWHERE, value: Value::Object(object) };
        self.candidate(walk, Difference::Refused(name.to_owned()), (w, r), value, path, way)
    }

    /// What a pair of schemas itself says differently, beside its parts.
    fn local(
        &mut self,
        walk: &mut Walk,
        (w, r): (SchemaId, SchemaId),
        witness: &Node,
        is_inside: bool,
        path: &Path,
        way: &[(Step, SchemaId)],
    ) {
        let (sent, read) = (together(self.writer, w), together(self.reader, r));
        let mut names: Vec<&String> = read.iter().flat_map(|part| &part.required).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| !requires(&sent, name));
        let mut is_found = is_inside;
        let is_object = sent.iter().any(|part| !part.properties.is_empty()) || witness.as_object().is_some();
        for name in names.into_iter().filter(|_| is_object) {
            let base = if witness.as_object().is_some() { Some(witness.clone()) } else { self.sample(w) };
            let object = base.and_then(as_object).unwrap_or_default();
            let mut without = Object::default();
            for (key, node) in object.iter().filter(|(key, _)| key.name != *name) {
                without.push(key.clone(), node.clone());
            }
            let value = Node { span: NOWHERE, value: Value::Object(without) };
            // Of a choice, it is an alternative that the reader does not know, and not the member.
            if alternatives(self.writer, w).is_some() {
                let difference = Difference::Keyword("oneOf");
                is_found |= self.candidate(walk, difference, (w, r), value, path, way);
                if is_found {
                    break;
                }
                continue;
            }
            is_found |= self.candidate(walk, Difference::Required(name.clone()), (w, r), value, path, way);
        }
        let violations = self.checker.check(r, witness);
        let mut own: Vec<&Violation> =
            violations.iter().filter(|violation| violation.pointer.as_str().is_empty()).collect();
        own.retain(|violation| match violation.keyword {
            "required" => !is_found,
            "oneOf" | "anyOf" => !is_inside,
            _ => true,
        });
        let first = own.first().map(|violation| Difference::Keyword(violation.keyword));
        let stray = || {
            let violation = violations.first().filter(|_| !is_found)?;
            Some(match violation.pointer.last() {
                Some(name) if violation.keyword == "additionalProperties" => Difference::Refused(name),
                _ => Difference::Keyword(violation.keyword),
            })
        };
        if let Some(difference) = first.or_else(stray) {
            self.candidate(walk, difference, (w, r), witness.clone(), path, way);
        } else if is_inside {
            self.probe(walk, (w, r), path, way);
        }
    }

    /// Values without parts, which show what a pair itself says differently where its parts differ as well.
    fn probe(&mut self, walk: &mut Walk, (w, r): (SchemaId, SchemaId), path: &Path, way: &[(Step, SchemaId)]) {
        let number = Number::parse("0.5").map(Value::Number);
        let values = [
            Some(Value::Null),
            Some(Value::Bool(true)),
            number,
            Some(Value::Number(Number::from(0))),
            Some(Value::String(String::new())),
            Some(Value::Array(Vec::new())),
            Some(Value::Object(Object::default())),
        ];
        for value in values.into_iter().flatten() {
            let value = Node { span: NOWHERE, value };
            let keyword = self.checker.check(r, &value).first().map(|violation| violation.keyword);
            if let Some(keyword) = keyword.filter(|keyword| *keyword != "required")
                && self.candidate(walk, Difference::Keyword(keyword), (w, r), value, path, way)
            {
                return;
            }
        }
    }

    fn candidate(
        &mut self,
        walk: &mut Walk,
        difference: Difference,
        (writer, reader): (SchemaId, SchemaId),
        value: Node,
        path: &Path,
        way: &[(Step, SchemaId)],
    ) -> bool {
        if walk.candidates.len() >= MAX_FOUND {
            return true;
        }
        // The part itself must refuse it, or nothing is said.
        if self.inclusion.witness(writer, reader, value.clone()).is_none() {
            return false;
        }
        let found = Found { difference, path: path.clone(), writer, reader, proof: None };
        walk.candidates.push(Candidate { found, value, way: way.to_vec() });
        true
    }

    /// An event as a proof, if the writer may send it and the reader refuses it.
    fn prove(&mut self, w: SchemaId, r: SchemaId, event: Node) -> Option<(Witness, Vec<Violation>)> {
        let witness = self.inclusion.witness(w, r, event)?;
        self.steps += self.inclusion.steps();
        let violations = self.checker.check(r, witness.node());
        (!violations.is_empty()).then_some((witness, violations))
    }

    fn sample(&mut self, w: SchemaId) -> Option<Node> {
        let w = self.inclusion.representative(w);
        if let Some(known) = self.samples.get(&w) {
            return known.clone();
        }
        if self.steps > MAX_STEPS {
            return None;
        }
        let sample = self.inclusion.sample(w);
        self.steps += self.inclusion.steps();
        self.samples.insert(w, sample.clone());
        sample
    }

    /// A whole event with `value` at the end of the way.
    fn embed(&mut self, way: &[(Step, SchemaId)], value: Node) -> Option<Node> {
        let mut value = value;
        for &(ref step, holder) in way.iter().rev() {
            value = match step {
                Step::Member(name) => {
                    let mut object = self.sample(holder).and_then(as_object).unwrap_or_default();
                    object.insert(key(name), value);
                    Node { span: NOWHERE, value: Value::Object(object) }
                }
                Step::Values => {
                    let mut object = self.sample(holder).and_then(as_object).unwrap_or_default();
                    object.insert(key(ANY_KEY), value);
                    Node { span: NOWHERE, value: Value::Object(object) }
                }
                Step::Item(_) | Step::Items => {
                    let index = if let Step::Item(index) = step { *index } else { 0 };
                    let mut items = match self.sample(holder)?.value {
                        Value::Array(items) => items,
                        _ => Vec::new(),
                    };
                    if items.len() < index {
                        for &id in
                            together(self.writer, holder).first()?.prefix_items.iter().take(index).skip(items.len())
                        {
                            items.push(self.sample(id)?);
                        }
                    }
                    if index < items.len() {
                        items[index] = value
                    } else {
                        items.push(value)
                    }
                    Node { span: NOWHERE, value: Value::Array(items) }
                }
            };
        }
        Some(value)
    }
}

/// Whether one pointer leads into what the other leads to.
fn is_below(pointer: &str, above: &str) -> bool {
    pointer.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn as_object(node: Node) -> Option<Object> {
    match node.value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// A made-up value stands in no file.
const NOWHERE: Span = Span { file: FileId(u32::MAX), start: 0, end: 0 };

fn key(name: &str) -> Key {
    Key { name: name.to_owned(), span: NOWHERE }
}

/// Whether a member is declared by a schema.
pub(super) fn declares(schemas: &Schemas, id: SchemaId, name: &str) -> Option<SchemaId> {
    member(&together(schemas, id), name)
}
