//! Where nothing is left to choose: a value of what is known of it. Also values of lists, and the check of values by the
//! validator where the facts do not say everything.

use super::branch::{Branch, Facts};
use super::goal::{Demand, Goal, Literal, Side, Type};
use super::language::Wanted;
use super::outcome::{Leaf, Outcome, Reason, Ways};
use super::sample::{Kind, Sample, Shared};
use super::search::{MAX_SIZE, Search};
use crate::schema::SchemaId;
use crate::source::Node;

/// What looking for a number counts for.
const NUMBER_STEPS: usize = 10;

impl<'s> Search<'s> {
    /// A value where nothing is left to choose.
    pub(super) fn leaf(&mut self, branch: &Branch<'s>, goal: &Goal) -> Outcome {
        let facts = &branch.facts;
        let outcome = match branch.json_type {
            Type::Null => Outcome::Found(Sample::null()),
            Type::Boolean => {
                let values = [Sample::boolean(false), Sample::boolean(true)];
                let free = values.into_iter().find(|value| !facts.outside.iter().any(|other| other.equals(value)));
                free.map_or(Outcome::Empty, Outcome::Found)
            }
            Type::Number => {
                let mut numbers = facts.numbers.clone();
                for value in &facts.outside {
                    if let Kind::Number(number) = &value.kind {
                        numbers.exclude(number.clone());
                    }
                }
                self.note(NUMBER_STEPS);
                match numbers.find() {
                    Leaf::Found(number) => Outcome::Found(Sample::number(number)),
                    Leaf::Empty => Outcome::Empty,
                    Leaf::Unknown(reason) => Outcome::Unknown(reason),
                }
            }
            Type::String => return self.string(branch, goal),
            Type::Array => self.array(facts),
            Type::Object => self.object(facts),
        };
        match outcome {
            Outcome::Found(value) => self.confirmed(branch, goal, value, facts.about.clone()),
            other => other,
        }
    }

    fn string(&mut self, branch: &Branch<'s>, goal: &Goal) -> Outcome {
        let facts = &branch.facts;
        // The same expressions come again and again; lists of excluded strings do not.
        let key = facts.outside.is_empty().then(|| (facts.patterns.clone(), facts.size));
        let known = key.as_ref().and_then(|key| self.strings.get(key).cloned());
        let (found, undecided) = known.unwrap_or_else(|| {
            let found = self.made_string(facts);
            if let Some(key) = key {
                self.strings.insert(key, found.clone());
            }
            found
        });
        match found {
            Leaf::Found(text) => self.confirmed(branch, goal, text, undecided.or_else(|| facts.about.clone())),
            Leaf::Empty => Outcome::Empty,
            Leaf::Unknown(reason) => Outcome::Unknown(reason),
        }
    }

    /// The shortest string, and why it may not be one after all.
    fn made_string(&mut self, facts: &Facts<'s>) -> (Leaf<Shared>, Option<Reason>) {
        let mut undecided = None;
        let mut wanted = Wanted { least: facts.size.0, most: facts.size.1, ..Wanted::default() };
        for &(pattern, holds) in &facts.patterns {
            match self.languages.language(pattern) {
                Some(language) => wanted.languages.push((language, holds)),
                None => undecided = Some(Reason::Pattern(self.languages.text(pattern).to_string())),
            }
        }
        for value in &facts.outside {
            if let Kind::Text(text) = &value.kind {
                wanted.outside.insert(text.clone());
            }
        }
        let (found, steps) = wanted.find();
        self.note(steps / 32);
        let found = match found {
            Leaf::Found(text) => Leaf::Found(Sample::text(text)),
            Leaf::Empty => Leaf::Empty,
            Leaf::Unknown(reason) => Leaf::Unknown(reason),
        };
        (found, undecided)
    }

    /// What was found, when it is sure to be what was looked for.
    fn confirmed(&mut self, branch: &Branch<'s>, goal: &Goal, value: Shared, about: Option<Reason>) -> Outcome {
        if let Some(reason) = &branch.doubt {
            return Outcome::Unknown(reason.clone());
        }
        let Some(reason) = about else { return Outcome::Found(value) };
        if value.size() > MAX_SIZE {
            return Outcome::Unknown(Reason::TooLarge);
        }
        match self.fulfils(&value.to_node(), goal) {
            Some(true) => Outcome::Found(value),
            _ => Outcome::Unknown(reason),
        }
    }

    /// A value of a list.
    pub(super) fn among(&mut self, values: &'s [Node], goal: &Goal) -> Outcome {
        let mut ways = Ways::default();
        for value in values {
            if let Err(reason) = self.count(goal.len()) {
                return Outcome::Unknown(reason);
            }
            match self.fulfils(value, goal) {
                Some(true) => return Outcome::Found(Sample::of(value)),
                Some(false) => {}
                None => ways.leave_open(Reason::Unconfirmed),
            }
        }
        ways.outcome()
    }

    /// Whether a value fulfils all demands; `None` when the validator cannot tell.
    fn fulfils(&mut self, value: &Node, goal: &[Literal]) -> Option<bool> {
        let mut all = Some(true);
        for &literal in goal {
            let one = match literal {
                Literal::Schema { side, id, demand } => {
                    self.accepts(side, id, value).map(|valid| valid == (demand != Demand::Invalid))
                }
                Literal::Pattern(pattern, holds) => match value.as_str() {
                    Some(text) => self.languages.matches(pattern, text).map(|matches| matches == holds),
                    None => Some(true),
                },
                Literal::Outside(id) => {
                    let value = Sample::of(value);
                    Some(!self.values(id).iter().any(|other| other.equals(&value)))
                }
                Literal::Text => Some(value.as_str().is_some()),
            };
            match one {
                Some(false) => return Some(false),
                Some(true) => {}
                None => all = None,
            }
        }
        all
    }

    /// Whether a schema accepts a value; `None` when the validator cannot tell.
    pub(super) fn accepts(&mut self, side: Side, id: SchemaId, value: &Node) -> Option<bool> {
        let valid = self.checker(side).decide(id, value);
        let steps = self.checker(side).steps();
        self.note(steps / 8);
        valid
    }
}
