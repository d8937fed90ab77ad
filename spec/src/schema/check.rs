//! Whether a value is valid by a schema, and where it is not.
//!
//! Exact for every keyword of the arena: numbers are compared as decimals, patterns are ECMA-262, formats are
//! annotations. A schema and a value are compared once at most, so shared and recursive references cost nothing extra.

mod applicators;
mod evaluated;
#[cfg(test)]
mod tests;
mod values;

use std::collections::HashMap;
use std::rc::Rc;

use evaluated::Evaluated;
pub(crate) use values::{canonical, same_value};

use super::ids::IdMap;
use super::{JsonType, Keywords, Pattern, SchemaId, SchemaKind, Schemas};
use crate::source::{Node, Pointer, Span, Value};

/// References may lead this deep before a value counts as valid.
const MAX_DEPTH: usize = 256;

/// Comparisons of one schema with one value that a [`Checker`] makes altogether.
const MAX_STEPS: usize = 2_000_000;

/// One way in which a value breaks its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The offending part of the value, from the value's root.
    pub pointer: Pointer,
    /// Where that part is written.
    pub span: Span,
    /// The keyword that it breaks.
    pub keyword: &'static str,
    /// What is wrong, without a trailing period.
    pub message: String,
}

/// Checks values against schemas of one arena.
#[derive(Debug)]
pub struct Checker<'s> {
    schemas: &'s Schemas,
    patterns: HashMap<&'s str, Option<Rc<Pattern>>>,
    /// Whether any schema asks what others have evaluated.
    tracks_evaluated: bool,
    steps: usize,
    /// Something was taken to be valid because it could not be decided within the limits.
    is_unsure: bool,
}

impl<'s> Checker<'s> {
    /// A checker for the schemas of a document.
    pub fn new(schemas: &'s Schemas) -> Self {
        let tracks_evaluated = schemas.ids().any(|id| match &schemas[id].kind {
            SchemaKind::Object(keywords) => {
                keywords.unevaluated_items.is_some() || keywords.unevaluated_properties.is_some()
            }
            SchemaKind::Bool(_) => false,
        });
        Checker { schemas, patterns: HashMap::new(), tracks_evaluated, steps: 0, is_unsure: false }
    }

    /// What is wrong with `value` by `schema`; nothing when it is valid.
    pub fn check(&mut self, schema: SchemaId, value: &Node) -> Vec<Violation> {
        let mut violations = Vec::new();
        let mut run = Run { checker: self, known: IdMap::default(), path: Vec::new(), depth: 0 };
        run.evaluate(schema, value, &mut Some(&mut violations));
        violations
    }

    /// Whether `value` is valid by `schema`.
    pub fn is_valid(&mut self, schema: SchemaId, value: &Node) -> bool {
        let mut run = Run { checker: self, known: IdMap::default(), path: Vec::new(), depth: 0 };
        run.evaluate(schema, value, &mut None).valid
    }

    /// Whether `value` is valid by `schema`; `None` when that cannot be said for sure within the limits.
    pub(crate) fn decide(&mut self, schema: SchemaId, value: &Node) -> Option<bool> {
        self.steps = 0;
        self.is_unsure = false;
        let valid = self.is_valid(schema, value);
        (!self.is_unsure).then_some(valid)
    }

    /// Whether this checker has made as many comparisons as it may. What it was asked since then counts as valid, whatever
    /// it is: hostile documents nest unions so that every answer takes exponential time.
    pub fn is_exhausted(&self) -> bool {
        self.steps > MAX_STEPS
    }

    /// Comparisons that the last decision took.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// Whether a regular expression matches; `None` when that cannot be said within the limits.
    pub(crate) fn pattern_matches(&mut self, pattern: &'s str, text: &str) -> Option<bool> {
        self.pattern(pattern)?.matches(text)
    }

    fn pattern(&mut self, text: &'s str) -> Option<Rc<Pattern>> {
        self.patterns.entry(text).or_insert_with(|| Pattern::new(text).map(Rc::new)).clone()
    }

    /// Whether `pattern` (ECMA-262) is found in the text, as `pattern` and `patternProperties` have it. Undecidable and
    /// invalid patterns match: they are reported elsewhere, if at all.
    pub fn matches(&mut self, pattern: &'s str, text: &str) -> bool {
        let matches = self.pattern_matches(pattern, text);
        self.is_unsure |= matches.is_none();
        matches.unwrap_or(true)
    }
}

/// Where violations go, when somebody wants them.
type Sink<'l> = Option<&'l mut Vec<Violation>>;

/// What came of comparing one schema with one value.
#[derive(Clone, Debug, Default)]
struct Outcome {
    valid: bool,
    evaluated: Evaluated,
}

impl Outcome {
    fn valid() -> Self {
        Outcome { valid: true, evaluated: Evaluated::default() }
    }

    /// Both must hold, and what either has evaluated is evaluated.
    fn take(&mut self, part: &Outcome) {
        self.valid &= part.valid;
        self.evaluated.merge(&part.evaluated);
    }
}

/// What is known of a schema and a value.
enum Known {
    /// The comparison is under way: the schema refers to itself without going deeper into the value.
    Open,
    Done {
        outcome: Outcome,
        /// Whether its violations were asked for.
        reported: bool,
    },
}

enum Step<'v> {
    Member(&'v str),
    Item(usize),
}

/// One check.
struct Run<'c, 's, 'v> {
    checker: &'c mut Checker<'s>,
    known: IdMap<(SchemaId, *const Node), Known>,
    path: Vec<Step<'v>>,
    depth: usize,
}

impl<'s, 'v> Run<'_, 's, 'v> {
    fn evaluate(&mut self, id: SchemaId, value: &'v Node, sink: &mut Sink<'_>) -> Outcome {
        let key = (id, std::ptr::from_ref(value));
        match self.known.get(&key) {
            Some(Known::Open) => {
                self.checker.is_unsure = true;
                return Outcome::valid();
            }
            Some(Known::Done { outcome, reported }) if outcome.valid || *reported || sink.is_none() => {
                return outcome.clone();
            }
            _ => {}
        }
        self.checker.steps += 1;
        if self.depth >= MAX_DEPTH || self.checker.steps > MAX_STEPS {
            self.checker.is_unsure = true;
            return Outcome::valid();
        }
        let schemas = self.checker.schemas;
        self.known.insert(key, Known::Open);
        self.depth += 1;
        let outcome = match &schemas[id].kind {
            SchemaKind::Bool(true) => Outcome::valid(),
            SchemaKind::Bool(false) => {
                self.report(sink, value, "false", || "nothing is allowed here".to_owned());
                Outcome::default()
            }
            SchemaKind::Object(keywords) => self.keywords(id, keywords, value, sink),
        };
        self.depth -= 1;
        self.known.insert(key, Known::Done { outcome: outcome.clone(), reported: sink.is_some() });
        outcome
    }

    fn keywords(&mut self, id: SchemaId, keywords: &'s Keywords, value: &'v Node, sink: &mut Sink<'_>) -> Outcome {
        let mut outcome = Outcome { valid: self.assertions(keywords, value, sink), evaluated: Evaluated::default() };
        self.in_place(keywords, value, &mut outcome, sink);
        match &value.value {
            Value::Array(items) => self.items(id, keywords, value, items, &mut outcome, sink),
            Value::Object(object) => self.members(keywords, object, &mut outcome, sink),
            _ => {}
        }
        outcome
    }

    /// Compares a part of the value that stands one step deeper.
    fn descend(&mut self, step: Step<'v>, id: SchemaId, value: &'v Node, sink: &mut Sink<'_>) -> bool {
        self.path.push(step);
        let valid = self.evaluate(id, value, sink).valid;
        self.path.pop();
        valid
    }

    /// Where the part that is being looked at stands in the value.
    fn pointer(&self) -> Pointer {
        self.path.iter().fold(Pointer::root(), |pointer, step| match step {
            Step::Member(name) => pointer.join(name),
            Step::Item(index) => pointer.join(index),
        })
    }

    fn report(&self, sink: &mut Sink<'_>, value: &Node, keyword: &'static str, message: impl FnOnce() -> String) {
        if let Some(violations) = sink {
            violations.push(Violation { pointer: self.pointer(), span: value.span, keyword, message: message() });
        }
    }
}

/// The types that a value has: an integer is also a number.
fn has_type(value: &Node, wanted: JsonType) -> bool {
    match (&value.value, wanted) {
        (Value::Null, JsonType::Null)
        | (Value::Bool(_), JsonType::Boolean)
        | (Value::Number(_), JsonType::Number)
        | (Value::String(_), JsonType::String)
        | (Value::Array(_), JsonType::Array)
        | (Value::Object(_), JsonType::Object) => true,
        (Value::Number(number), JsonType::Integer) => number.is_integer(),
        _ => false,
    }
}
