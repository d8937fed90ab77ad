//! Avro payloads: whether a reader's schema can be resolved against a writer's, by the rules of Avro itself (Apache Avro
//! 1.12, "Schema Resolution").

use std::collections::HashSet;

use super::fact::{Fact, Facts, Site};
use super::finding::Direction;
use super::rules;
use crate::avro::{Field, Kind, Logical, Named, NamedId, NamedKind, Primitive, Schemas, Type};
use crate::source::Location;

/// Problems of one payload that are told apart.
const MAX_PROBLEMS: usize = 50;

type Side<'s> = (&'s Schemas, &'s Type);

/// Why a reader cannot resolve what a writer writes.
#[derive(Debug)]
struct Problem {
    message: String,
    writer: Location,
    reader: Location,
}

/// Compares two Avro payloads.
pub(super) fn compare(facts: &mut Facts<'_>, site: &Site, old: Side<'_>, new: Side<'_>) {
    if old.0.text(old.1) == new.0.text(new.1) {
        return;
    }
    let mut is_broken = false;
    for (direction, writer, reader) in [(Direction::Forward, new, old), (Direction::Backward, old, new)] {
        let mut resolution =
            Resolution { writer: writer.0, reader: reader.0, open: HashSet::new(), problems: Vec::new() };
        resolution.resolve(writer.1, reader.1, "the payload");
        for problem in resolution.problems {
            is_broken = true;
            let who = match direction {
                Direction::Forward => "consumers of the old version cannot read new events",
                _ => "consumers of the new version cannot read old events",
            };
            let (before, after) = match direction {
                Direction::Forward => (problem.reader, problem.writer),
                _ => (problem.writer, problem.reader),
            };
            let help = match direction {
                Direction::Forward => "keep what the old schema needs, or give the event a new name",
                _ => "give new fields a default and new enums a default symbol, or give the event a new name",
            };
            let fact = Fact::new(rules::AVRO_INCOMPATIBLE, format!("{who}: {}", problem.message)).direction(direction);
            facts.add(site, fact.old(&before, "").new_at(&after, "").key(problem.message).help(help));
        }
    }
    if !is_broken {
        let message = "the Avro schema has changed, and readers of each version resolve the other's";
        let fact = Fact::new(rules::SCHEMA_CHANGED, message);
        facts.add(site, fact.old(&old.1.location, "").new_at(&new.1.location, ""));
    }
}

struct Resolution<'s> {
    writer: &'s Schemas,
    reader: &'s Schemas,
    /// Pairs of named types that are being resolved, or are.
    open: HashSet<(NamedId, NamedId)>,
    problems: Vec<Problem>,
}

impl Resolution<'_> {
    fn resolve(&mut self, writer: &Type, reader: &Type, what: &str) {
        if self.problems.len() >= MAX_PROBLEMS {
            return;
        }
        match (&writer.kind, &reader.kind) {
            (Kind::Union(branches), _) => branches.iter().for_each(|branch| self.resolve(branch, reader, what)),
            (_, Kind::Union(branches)) => self.resolve_in(writer, reader, branches, what),
            (Kind::Array(items), Kind::Array(others)) => self.resolve(items, others, &format!("{what}[]")),
            (Kind::Map(values), Kind::Map(others)) => self.resolve(values, others, &format!("{what}.*")),
            (Kind::Primitive(from, meant), Kind::Primitive(to, read)) => {
                if !is_promoted(*from, *to) {
                    self.problem(
                        writer,
                        reader,
                        format!("{what} is written as {} and read as {}", from.name(), to.name()),
                    );
                } else if !is_meant_alike(meant.as_ref(), read.as_ref()) {
                    self.problem(writer, reader, format!("{what} has another logical type"));
                }
            }
            (Kind::Named(w), Kind::Named(r)) => self.resolve_named((*w, writer), (*r, reader), what),
            _ => {
                let (from, to) = (self.writer.branch_name(writer), self.reader.branch_name(reader));
                let message = format!("{what} is written as {from} and read as {to}");
                self.problem(writer, reader, message);
            }
        }
    }

    /// The first branch of the reader's union that matches takes the value.
    fn resolve_in(&mut self, writer: &Type, reader: &Type, branches: &[Type], what: &str) {
        let same_kind = |branch: &&Type| match (&writer.kind, &branch.kind) {
            (Kind::Named(w), Kind::Named(r)) => is_same_name(&self.writer[*w], &self.reader[*r]),
            (Kind::Primitive(from, _), Kind::Primitive(to, _)) => from == to,
            (Kind::Array(_), Kind::Array(_)) | (Kind::Map(_), Kind::Map(_)) => true,
            _ => false,
        };
        let promoted = |branch: &&Type| match (&writer.kind, &branch.kind) {
            (Kind::Primitive(from, _), Kind::Primitive(to, _)) => is_promoted(*from, *to),
            _ => false,
        };
        match branches.iter().find(same_kind).or_else(|| branches.iter().find(promoted)) {
            Some(branch) => self.resolve(writer, branch, what),
            None => {
                let name = self.writer.branch_name(writer);
                self.problem(writer, reader, format!("{what} may be {name}, which is no branch of the reader's union"));
            }
        }
    }

    fn resolve_named(&mut self, (w, writer): (NamedId, &Type), (r, reader): (NamedId, &Type), what: &str) {
        if !self.open.insert((w, r)) {
            return;
        }
        let (writers, readers) = (self.writer, self.reader);
        let (own, other) = (&writers[w], &readers[r]);
        if !is_same_name(own, other) {
            self.problem(writer, reader, format!("{what} is written as `{}` and read as `{}`", own.name, other.name));
            return;
        }
        let places = (&own.location, &other.location);
        match (&own.kind, &other.kind) {
            (NamedKind::Record(fields), NamedKind::Record(others)) => self.resolve_fields(fields, others, places, what),
            (NamedKind::Enum { symbols, .. }, NamedKind::Enum { symbols: others, default }) => {
                let unknown: Vec<&str> =
                    symbols.iter().filter(|symbol| !others.contains(symbol)).map(String::as_str).collect();
                if !unknown.is_empty() && default.is_none() {
                    let message =
                        format!("{what} may be `{}`, which the reader's enum does not have", unknown.join("`, `"));
                    self.add(places, message);
                }
            }
            (NamedKind::Fixed { size, logical }, NamedKind::Fixed { size: other, logical: read }) => {
                if size != other {
                    self.add(places, format!("{what} is written in {size} bytes and read from {other}"));
                } else if !is_meant_alike(logical.as_ref(), read.as_ref()) {
                    self.add(places, format!("{what} has another logical type"));
                }
            }
            _ => self.add(places, format!("{what} is another kind of type for the reader")),
        }
    }

    fn resolve_fields(&mut self, fields: &[Field], others: &[Field], places: (&Location, &Location), what: &str) {
        for other in others {
            let is_it = |field: &&Field| field.name == other.name || other.aliases.contains(&field.name);
            let name =
                if what == "the payload" { format!("`{}`", other.name) } else { format!("{what}.`{}`", other.name) };
            match fields.iter().find(is_it) {
                Some(field) => self.resolve(&field.ty, &other.ty, &name),
                None if other.default.is_none() => {
                    let message = format!("{name} is not written, and the reader has no default for it");
                    self.add((places.0, &other.location), message);
                }
                None => {}
            }
        }
    }

    fn problem(&mut self, writer: &Type, reader: &Type, message: String) {
        self.add((&writer.location, &reader.location), message);
    }

    fn add(&mut self, (writer, reader): (&Location, &Location), message: String) {
        self.problems.push(Problem { message, writer: writer.clone(), reader: reader.clone() });
    }
}

/// "the unqualified name", or an alias of the reader's.
fn is_same_name(writer: &Named, reader: &Named) -> bool {
    writer.short_name() == reader.short_name() || reader.aliases.contains(&writer.name)
}

fn is_promoted(from: Primitive, to: Primitive) -> bool {
    use Primitive::{Bytes, Double, Float, Int, Long, String};
    from == to
        || matches!(
            (from, to),
            (Int, Long | Float | Double) | (Long, Float | Double) | (Float, Double) | (String, Bytes) | (Bytes, String)
        )
}

/// Whether both sides take the bytes for the same: decimals of another scale are other numbers, and milliseconds are no
/// microseconds.
fn is_meant_alike(writer: Option<&Logical>, reader: Option<&Logical>) -> bool {
    match (writer, reader) {
        (Some(Logical::Decimal { scale, precision }), Some(Logical::Decimal { scale: other, precision: most })) => {
            scale == other && precision <= most
        }
        (writer, reader) => writer == reader,
    }
}
