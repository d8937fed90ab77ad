//! The search for a value that fulfils a goal: type by type, branch by branch, with a memory of every goal that was
//! decided.
//!
//! A goal that is met again while it is being decided counts as having no value, for a smallest value of it would contain
//! a smaller one. What was concluded from that is provisional until the goal itself is decided.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::branch::{Branch, Choice, Fact, Name, Subject};
use super::equal::{Equality, Words};
use super::expand::{Accepts, accepts_type};
use super::goal::{Demand, Goal, Literal, OutsideId, Side, Type};
use super::judge::Judgement;
use super::language::{Languages, PatternId};
use super::outcome::{Leaf, Outcome, Reason, Ways};
use super::sample::{Kind, Sample, Shared};
use crate::schema::ids::IdMap;
use crate::schema::{Checker, SchemaId, SchemaKind, Schemas};
use crate::source::Node;

/// Facts that a search looks at: what bounds the time of a decision.
const MAX_STEPS: usize = 200_000;

/// Goals within goals: values within values.
const MAX_DEPTH: usize = 240;

/// Parts of which a value may consist when it is looked at as a whole.
pub(super) const MAX_SIZE: u64 = 20_000;

/// Expressions that a string matches or does not, and its length.
type StringKey = (Vec<(PatternId, bool)>, (u64, u64));

/// One search, with everything that it has found out.
#[derive(Debug)]
pub(super) struct Search<'s> {
    writer: &'s Schemas,
    reader: &'s Schemas,
    checkers: [Checker<'s>; 2],
    pub(super) languages: Languages,
    /// What came of looking for strings that match some expressions and not others, of a length.
    pub(super) strings: HashMap<StringKey, (Leaf<Shared>, Option<Reason>)>,
    names: HashMap<Rc<str>, Name>,
    name_texts: Vec<Rc<str>>,
    outside: Vec<Rc<[Shared]>>,
    memo: IdMap<Goal, Memo>,
    endless: IdMap<(Side, SchemaId), bool>,
    equality: Equality<'s>,
    /// Goals without a value, if those of lower depth that they led to have none.
    provisional: Vec<Goal>,
    depth: usize,
    /// The least depth of an undecided goal that was met since this was reset.
    lowest: usize,
    steps: usize,
    /// The search was given up.
    given_up: Option<Reason>,
}

/// What is known of a goal.
#[derive(Debug)]
enum Memo {
    /// It is being decided, at this depth.
    Open(usize),
    Done(Outcome),
    /// It has no value if the goal that is being decided at this depth has none.
    Provisional(usize),
}

impl<'s> Search<'s> {
    pub(super) fn new(writer: &'s Schemas, reader: &'s Schemas) -> Self {
        Search {
            writer,
            reader,
            checkers: [Checker::new(writer), Checker::new(reader)],
            languages: Languages::default(),
            strings: HashMap::new(),
            names: HashMap::new(),
            name_texts: Vec::new(),
            outside: Vec::new(),
            memo: IdMap::default(),
            endless: IdMap::default(),
            equality: Equality::new(Words::Assertions, writer, reader),
            provisional: Vec::new(),
            depth: 0,
            lowest: usize::MAX,
            steps: 0,
            given_up: None,
        }
    }

    /// Makes the search ready for another question.
    pub(super) fn begin(&mut self) {
        self.steps = 0;
        self.given_up = None;
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Counts what cannot stop here; the next [`Search::count`] says whether it was too much.
    pub(super) fn note(&mut self, steps: usize) {
        self.steps += steps;
    }

    /// Counts what was done; `Err` when that was all that may be done.
    pub(super) fn count(&mut self, steps: usize) -> Result<(), Reason> {
        self.steps += steps + self.languages.take_size() / 64 + self.equality.take_compared() / 8;
        if self.steps > MAX_STEPS {
            self.given_up.get_or_insert(Reason::TooManySteps);
        }
        self.given_up.clone().map_or(Ok(()), Err)
    }

    pub(super) fn schemas(&self, side: Side) -> &'s Schemas {
        match side {
            Side::Writer => self.writer,
            Side::Reader => self.reader,
        }
    }

    /// The schema that stands for this one: where references lead, and the first of those that say the same.
    pub(super) fn meant(&mut self, side: Side, id: SchemaId) -> SchemaId {
        self.equality.representative(side, id)
    }

    pub(super) fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.names.get(text) {
            return *name;
        }
        let name = Name(self.name_texts.len() as u32);
        let text: Rc<str> = text.into();
        self.names.insert(text.clone(), name);
        self.name_texts.push(text);
        name
    }

    pub(super) fn spelled(&self, name: Name) -> Rc<str> {
        self.name_texts[name.0 as usize].clone()
    }

    /// The demand to be none of some values.
    pub(super) fn outside(&mut self, values: &[Shared]) -> Literal {
        let same =
            |known: &Rc<[Shared]>| known.len() == values.len() && known.iter().zip(values).all(|(a, b)| a.equals(b));
        let index = self.outside.iter().position(same).unwrap_or_else(|| {
            self.outside.push(values.into());
            self.outside.len() - 1
        });
        Literal::Outside(OutsideId(index as u32))
    }

    pub(super) fn values(&self, id: OutsideId) -> &Rc<[Shared]> {
        &self.outside[id.0 as usize]
    }

    /// A value that fulfils all demands.
    pub(super) fn find(&mut self, literals: Vec<Literal>) -> Outcome {
        let Some(goal) = self.normalise(literals) else { return Outcome::Empty };
        match self.memo.get(&goal) {
            Some(Memo::Done(outcome)) => return outcome.clone(),
            Some(&Memo::Open(depth) | &Memo::Provisional(depth)) => {
                self.lowest = self.lowest.min(depth);
                return Outcome::Empty;
            }
            None => {}
        }
        if self.depth >= MAX_DEPTH {
            self.given_up.get_or_insert(Reason::TooDeep);
        }
        if let Err(reason) = self.count(1) {
            return Outcome::Unknown(reason);
        }
        let depth = self.depth;
        let lowest_outside = std::mem::replace(&mut self.lowest, usize::MAX);
        let first = self.provisional.len();
        self.memo.insert(goal.clone(), Memo::Open(depth));
        self.depth += 1;
        let outcome = self.decide(&goal);
        self.depth -= 1;
        let lowest = std::mem::replace(&mut self.lowest, lowest_outside);
        match outcome {
            Outcome::Empty if lowest < depth => {
                self.lowest = self.lowest.min(lowest);
                self.memo.insert(goal.clone(), Memo::Provisional(lowest));
                self.provisional.push(goal);
            }
            Outcome::Empty => {
                for goal in self.provisional.drain(first..) {
                    self.memo.insert(goal, Memo::Done(Outcome::Empty));
                }
                self.memo.insert(goal, Memo::Done(Outcome::Empty));
            }
            Outcome::Found(_) | Outcome::Unknown(_) => {
                for goal in self.provisional.drain(first..) {
                    self.memo.remove(&goal);
                }
                // What was given up may be decided when it is asked for itself.
                if self.given_up.is_some() {
                    self.memo.remove(&goal);
                } else {
                    self.memo.insert(goal, Memo::Done(outcome.clone()));
                }
            }
        }
        outcome
    }

    /// The demands in their one form; `None` when two contradict each other.
    fn normalise(&mut self, literals: Vec<Literal>) -> Option<Goal> {
        let mut goal = Vec::with_capacity(literals.len());
        for literal in literals {
            let literal = match literal {
                Literal::Schema { side, id, demand } => {
                    let id = self.meant(side, id);
                    match &self.schemas(side)[id].kind {
                        SchemaKind::Bool(accepts) if *accepts == (demand != Demand::Invalid) => continue,
                        SchemaKind::Bool(_) => return None,
                        SchemaKind::Object(_) => Literal::Schema { side, id, demand },
                    }
                }
                other => other,
            };
            goal.push(literal);
        }
        goal.sort_unstable();
        goal.dedup();
        let contradicts = |literal: &Literal| opposites(*literal).iter().any(|other| goal.binary_search(other).is_ok());
        (!goal.iter().any(contradicts)).then(|| goal.into())
    }

    /// Whether one schema must accept and another, that says the same, must refuse.
    fn contradicts_itself(&mut self, goal: &Goal) -> bool {
        let demands = |wanted: Side, invalid: bool| {
            goal.iter().filter_map(move |literal| match *literal {
                Literal::Schema { side, id, demand } if side == wanted && (demand == Demand::Invalid) == invalid => {
                    Some(id)
                }
                _ => None,
            })
        };
        for sent in demands(Side::Writer, false) {
            for refused in demands(Side::Reader, true) {
                if self.equality.same(sent, refused) {
                    return true;
                }
            }
        }
        false
    }

    fn decide(&mut self, goal: &Goal) -> Outcome {
        if self.contradicts_itself(goal) {
            return Outcome::Empty;
        }
        let mut few: Option<&'s [Node]> = None;
        for literal in goal.iter() {
            let Literal::Schema { side, id, demand: Demand::Valid | Demand::Declared } = *literal else { continue };
            let SchemaKind::Object(keywords) = &self.schemas(side)[id].kind else { continue };
            let constant = keywords.const_value.as_ref().map(std::slice::from_ref);
            let values = constant.or(keywords.enum_values.as_deref());
            if let Some(values) = values.filter(|values| few.is_none_or(|few| values.len() < few.len())) {
                few = Some(values);
            }
        }
        if let Some(values) = few {
            return self.among(values, goal);
        }
        let mut ways = Ways::default();
        for json_type in Type::ALL {
            let excluded = |literal: &Literal| match *literal {
                Literal::Schema { side, id, demand: Demand::Valid | Demand::Declared } => {
                    match &self.schemas(side)[id].kind {
                        SchemaKind::Object(keywords) => matches!(accepts_type(keywords, json_type), Accepts::No),
                        SchemaKind::Bool(accepts) => !accepts,
                    }
                }
                Literal::Text => json_type != Type::String,
                _ => false,
            };
            if goal.iter().any(excluded) {
                continue;
            }
            let mut branch = Branch::new(json_type);
            if !self.assume(&mut branch, goal.iter().map(|&literal| Fact::Literal(literal)).collect()) {
                continue;
            }
            let outcome = self.explore(branch, goal);
            if let Some(outcome) = ways.add(outcome) {
                return outcome;
            }
        }
        ways.outcome()
    }

    /// Adds facts to a branch; `false` when they contradict it.
    pub(super) fn assume(&mut self, branch: &mut Branch<'s>, facts: Vec<Fact<'s>>) -> bool {
        let mut waiting = VecDeque::from(facts);
        while let Some(fact) = waiting.pop_front() {
            // Long lists are looked through at each addition.
            self.note(1 + branch.facts.present.len() / 64);
            match fact {
                Fact::Literal(Literal::Schema { side, id, demand }) => {
                    let id = self.meant(side, id);
                    let literal = Literal::Schema { side, id, demand };
                    if branch.seen.contains(&literal) {
                        continue;
                    }
                    if opposites(literal).iter().any(|other| branch.seen.contains(other)) {
                        if !self.is_endless(side, id) {
                            return false;
                        }
                        // What it means to refer to itself is not for this search to say.
                        branch.doubt = Some(Reason::EndlessReference);
                        continue;
                    }
                    branch.seen.push(literal);
                    if demand == Demand::Invalid {
                        if let Some(ways) = self.refused(side, id, branch.json_type) {
                            waiting.push_back(Fact::Choice(Choice { alternatives: ways, subject: Subject::Refusal }));
                        }
                    } else {
                        waiting.extend(self.accepted(side, id, demand == Demand::Declared, branch.json_type));
                    }
                }
                Fact::Literal(Literal::Pattern(pattern, holds)) => {
                    if branch.json_type == Type::String && !branch.facts.add(Fact::Pattern(pattern, holds)) {
                        return false;
                    }
                }
                Fact::Literal(Literal::Outside(id)) => {
                    let values = self.outside[id.0 as usize].clone();
                    for value in values.iter().filter(|value| type_of_sample(value) == branch.json_type) {
                        waiting.push_back(Fact::Outside(value.clone()));
                    }
                }
                Fact::Literal(Literal::Text) => {
                    if branch.json_type != Type::String {
                        return false;
                    }
                }
                Fact::Outside(value) => match self.other_than(&value) {
                    fact @ Fact::Outside(_) => {
                        branch.facts.add(fact);
                    }
                    other => waiting.push_back(other),
                },
                Fact::Choice(mut choice) => {
                    if choice.alternatives.iter().any(Vec::is_empty) {
                        continue;
                    }
                    match choice.alternatives.len() {
                        0 => return false,
                        1 => waiting.extend(choice.alternatives.remove(0)),
                        _ => branch.open.push(choice),
                    }
                }
                Fact::Doubt(reason) => branch.doubt = Some(reason),
                Fact::OneOf(values) => {
                    if branch.one_of.is_none_or(|few| values.len() < few.len()) {
                        branch.one_of = Some(values);
                    }
                }
                fact => {
                    if !branch.facts.add(fact) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// A value of a branch.
    fn explore(&mut self, mut branch: Branch<'s>, goal: &Goal) -> Outcome {
        if let Err(reason) = self.count(1 + branch.open.len() + branch.facts.present.len() / 16) {
            return Outcome::Unknown(reason);
        }
        if !self.propagate(&mut branch) {
            return Outcome::Empty;
        }
        if let Some(values) = branch.one_of {
            return self.among(values, goal);
        }
        // Then, the fewer alternatives the better.
        let rank = |choice: &Choice<'_>| (choice.subject, choice.alternatives.len());
        let Some(index) = (0..branch.open.len()).min_by_key(|&index| rank(&branch.open[index])) else {
            return self.leaf(&branch, goal);
        };
        let choice = branch.open.swap_remove(index);
        let mut ways = Ways::default();
        for alternative in choice.alternatives {
            let mut narrower = branch.clone();
            if !self.assume(&mut narrower, alternative) {
                continue;
            }
            let outcome = self.explore(narrower, goal);
            if let Some(outcome) = ways.add(outcome) {
                return outcome;
            }
        }
        ways.outcome()
    }

    /// Drops alternatives that the facts exclude and choices that they settle, as long as there are any; `false` when
    /// nothing remains of a choice.
    fn propagate(&mut self, branch: &mut Branch<'s>) -> bool {
        let mut index = 0;
        while index < branch.open.len() {
            if branch.one_of.is_some() {
                return true;
            }
            if self.given_up.is_some() {
                return true;
            }
            let mut choice = branch.open.swap_remove(index);
            let mut settled = false;
            choice.alternatives.retain(|alternative| {
                let judgement = if settled { Judgement::Possible } else { self.judge(branch, alternative) };
                settled |= judgement == Judgement::Implied;
                judgement != Judgement::Impossible
            });
            if settled {
                continue;
            }
            match choice.alternatives.len() {
                0 => return false,
                1 => {
                    if !self.assume(branch, choice.alternatives.remove(0)) {
                        return false;
                    }
                    // What was possible before may not be any more.
                    index = 0;
                }
                _ => {
                    branch.open.push(choice);
                    let last = branch.open.len() - 1;
                    branch.open.swap(index, last);
                    index += 1;
                }
            }
        }
        true
    }

    /// Whether a schema refers to itself without going deeper into the value.
    pub(super) fn is_endless(&mut self, side: Side, id: SchemaId) -> bool {
        if let Some(endless) = self.endless.get(&(side, id)) {
            return *endless;
        }
        let endless = self.refers_to_itself(side, id);
        self.endless.insert((side, id), endless);
        endless
    }

    /// Like [`Search::find`], but only what does not depend on undecided goals counts as empty.
    pub(super) fn surely_empty(&mut self, literals: Vec<Literal>) -> bool {
        let lowest = std::mem::replace(&mut self.lowest, usize::MAX);
        let outcome = self.find(literals);
        let sure = self.lowest == usize::MAX;
        self.lowest = lowest;
        sure && matches!(outcome, Outcome::Empty)
    }

    pub(super) fn checker(&mut self, side: Side) -> &mut Checker<'s> {
        &mut self.checkers[side as usize]
    }
}

/// The demands that cannot be fulfilled together with this one.
pub(super) fn opposites(literal: Literal) -> Vec<Literal> {
    match literal {
        Literal::Schema { side, id, demand: Demand::Invalid } => {
            [Demand::Valid, Demand::Declared].map(|demand| Literal::Schema { side, id, demand }).into()
        }
        Literal::Schema { side, id, .. } => vec![Literal::Schema { side, id, demand: Demand::Invalid }],
        Literal::Pattern(pattern, holds) => vec![Literal::Pattern(pattern, !holds)],
        Literal::Outside(_) | Literal::Text => Vec::new(),
    }
}

fn type_of_sample(value: &Sample) -> Type {
    match &value.kind {
        Kind::Null => Type::Null,
        Kind::Bool(_) => Type::Boolean,
        Kind::Number(_) => Type::Number,
        Kind::Text(_) => Type::String,
        Kind::Array(_) => Type::Array,
        Kind::Object(_) => Type::Object,
    }
}
