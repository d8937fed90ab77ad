//! Whether a rule accepts a value. What stands behind a [`Rule::See`] is compared with one value once at most, so
//! shared and recursive references cost nothing extra; which members and items were looked at is kept only where a
//! rule asks.

use std::collections::HashMap;
use std::ptr::from_ref;

use serde_json::Value;

use super::evaluated::Evaluated;
use super::{Marks, Rule, assert};

/// Rules may stand in each other this deep. A value that JSON's reader accepts is at most 128 levels deep, and each of
/// them takes a reference, the rules of its schema and one of them.
const MAX_DEPTH: usize = 1500;

/// Whether somebody asks what a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Track {
    Nothing,
    Evaluated,
}

/// What came of comparing a rule with a value.
#[derive(Clone, Debug)]
pub(super) struct Outcome<'v> {
    pub(super) valid: bool,
    pub(super) evaluated: Option<Box<Evaluated<'v>>>,
}

impl<'v> Outcome<'v> {
    fn of(valid: bool) -> Self {
        Outcome { valid, evaluated: None }
    }

    /// Both must hold, and what either has evaluated is evaluated.
    fn take(&mut self, part: Outcome<'v>) {
        self.valid &= part.valid;
        self.merge(part.evaluated);
    }

    fn merge(&mut self, evaluated: Option<Box<Evaluated<'v>>>) {
        match (&mut self.evaluated, evaluated) {
            (Some(own), Some(other)) => own.merge(*other),
            (own @ None, other) => *own = other,
            (Some(_), None) => {}
        }
    }

    fn mark(&mut self, track: Track, mark: impl FnOnce(&mut Evaluated<'v>)) {
        if track == Track::Evaluated {
            mark(self.evaluated.get_or_insert_default());
        }
    }
}

/// What is known of a rule and a value.
#[derive(Debug)]
enum Known<'v> {
    /// The comparison is under way: the rule refers to itself without going deeper into the value.
    Open,
    Done(Outcome<'v>),
}

/// One check.
#[derive(Debug, Default)]
pub(super) struct Run<'v> {
    known: HashMap<(*const Rule, *const Value, Track), Known<'v>>,
    depth: usize,
    /// Whether the limit of depth was met: then nothing is certain, and nothing is accepted.
    pub(super) too_deep: bool,
}

impl<'v> Run<'v> {
    /// Whether the value is accepted.
    pub(super) fn accepts(&mut self, rule: &Rule, value: &'v Value) -> bool {
        self.holds(rule, value) && !self.too_deep
    }

    pub(super) fn holds(&mut self, rule: &Rule, value: &'v Value) -> bool {
        self.evaluate(rule, value, Track::Nothing).valid
    }

    pub(super) fn evaluate(&mut self, rule: &Rule, value: &'v Value, track: Track) -> Outcome<'v> {
        if self.depth >= MAX_DEPTH {
            self.too_deep = true;
            return Outcome::of(false);
        }
        self.depth += 1;
        let outcome = self.apply(rule, value, track);
        self.depth -= 1;
        outcome
    }

    /// Small, because it stands on the stack once for each level: what needs room has a function of its own.
    fn apply(&mut self, rule: &Rule, value: &'v Value, track: Track) -> Outcome<'v> {
        match rule {
            Rule::Anything => Outcome::of(true),
            Rule::Nothing => Outcome::of(false),
            Rule::All(rules) => self.all(rules, value, track),
            Rule::AnyOf(rules) => self.any_of(rules, value, track),
            Rule::OneOf(rules) => self.one_of(rules, value, track),
            Rule::Not(rule) => Outcome::of(!self.holds(rule, value)),
            Rule::If { condition, then, otherwise } => self.conditional((condition, then, otherwise), value, track),
            Rule::See(target) => self.see(target, value, track),
            Rule::Dependent(rules) => self.dependent(rules, value, track),
            Rule::Items { prefix, rest } => self.items(prefix, *rest, value, track),
            Rule::Contains { rule, min, max, marks } => self.contains(rule, (*min, *max), *marks, value, track),
            Rule::Members { .. } => self.members(rule, value, track),
            Rule::Names(rule) => Outcome::of(self.first_bad_name(rule, value).is_none()),
            // On their own they have no rules beside them.
            Rule::UnevaluatedMembers(_) | Rule::UnevaluatedItems(_) => self.unevaluated(rule, value, track, None),
            _ => Outcome::of(assert::holds(rule, value)),
        }
    }

    fn all(&mut self, rules: &[Rule], value: &'v Value, track: Track) -> Outcome<'v> {
        let asks = rules.iter().any(asks_for_evaluated);
        let inner = if asks { Track::Evaluated } else { track };
        let mut outcome = Outcome::of(true);
        for rule in rules.iter().filter(|rule| !asks_for_evaluated(rule)) {
            let part = self.evaluate(rule, value, inner);
            outcome.take(part);
            if !outcome.valid {
                return Outcome::of(false);
            }
        }
        for rule in rules.iter().filter(|rule| asks_for_evaluated(rule)) {
            let part = self.unevaluated(rule, value, track, outcome.evaluated.as_deref());
            outcome.take(part);
        }
        outcome
    }

    fn any_of(&mut self, rules: &[Rule], value: &'v Value, track: Track) -> Outcome<'v> {
        let mut outcome = Outcome::of(false);
        for rule in rules {
            let part = self.evaluate(rule, value, track);
            if part.valid {
                outcome.valid = true;
                outcome.merge(part.evaluated);
                if track == Track::Nothing {
                    break;
                }
            }
        }
        outcome
    }

    fn one_of(&mut self, rules: &[Rule], value: &'v Value, track: Track) -> Outcome<'v> {
        let mut outcome = Outcome::of(false);
        for rule in rules {
            let part = self.evaluate(rule, value, track);
            if part.valid {
                if outcome.valid {
                    return Outcome::of(false);
                }
                outcome = part;
            }
        }
        outcome
    }

    fn conditional(
        &mut self,
        (condition, then, otherwise): (&Rule, &Rule, &Rule),
        value: &'v Value,
        track: Track,
    ) -> Outcome<'v> {
        let condition = self.evaluate(condition, value, track);
        let mut outcome = self.evaluate(if condition.valid { then } else { otherwise }, value, track);
        if condition.valid {
            outcome.merge(condition.evaluated);
        }
        outcome
    }

    fn see(&mut self, target: &Rule, value: &'v Value, track: Track) -> Outcome<'v> {
        let key = (from_ref(target), from_ref(value), track);
        match self.known.get(&key) {
            Some(Known::Open) => return Outcome::of(true),
            Some(Known::Done(outcome)) => return outcome.clone(),
            None => {}
        }
        self.known.insert(key, Known::Open);
        let outcome = self.evaluate(target, value, track);
        self.known.insert(key, Known::Done(outcome.clone()));
        outcome
    }

    fn dependent(&mut self, rules: &[(&str, Rule)], value: &'v Value, track: Track) -> Outcome<'v> {
        let mut outcome = Outcome::of(true);
        let Value::Object(members) = value else { return outcome };
        for (_, rule) in rules.iter().filter(|(name, _)| members.contains_key(*name)) {
            let part = self.evaluate(rule, value, track);
            outcome.take(part);
        }
        outcome
    }

    fn items(&mut self, prefix: &[Rule], rest: Option<&Rule>, value: &'v Value, track: Track) -> Outcome<'v> {
        let mut outcome = Outcome::of(true);
        let Value::Array(items) = value else { return outcome };
        for (index, item) in items.iter().enumerate() {
            let Some(rule) = prefix.get(index).or(rest) else { break };
            if !self.holds(rule, item) {
                return Outcome::of(false);
            }
            outcome.mark(track, |evaluated| evaluated.item(index));
        }
        if rest.is_some() {
            outcome.mark(track, Evaluated::all_items);
        }
        outcome
    }

    fn contains(
        &mut self,
        rule: &Rule,
        (min, max): (u64, u64),
        marks: Marks,
        value: &'v Value,
        track: Track,
    ) -> Outcome<'v> {
        let mut outcome = Outcome::of(true);
        let Value::Array(items) = value else { return outcome };
        let mut count = 0;
        for (index, item) in items.iter().enumerate() {
            if self.holds(rule, item) {
                count += 1;
                if marks == Marks::Evaluated {
                    outcome.mark(track, |evaluated| evaluated.item(index));
                }
            }
        }
        outcome.valid = (min..=max).contains(&count);
        outcome
    }

    fn members(&mut self, rule: &Rule, value: &'v Value, track: Track) -> Outcome<'v> {
        let mut outcome = Outcome::of(true);
        let (Rule::Members { additional, .. }, Value::Object(members)) = (rule, value) else { return outcome };
        for (name, member) in members {
            let mut is_known = false;
            for rule in rules_of_member(rule, name) {
                is_known = true;
                if !self.holds(rule, member) {
                    return Outcome::of(false);
                }
            }
            if is_known {
                outcome.mark(track, |evaluated| evaluated.member(name));
            } else if let Some(rule) = additional
                && !self.holds(rule, member)
            {
                return Outcome::of(false);
            }
        }
        if additional.is_some() {
            outcome.mark(track, Evaluated::all_members);
        }
        outcome
    }

    /// The first name that is not what `propertyNames` demands.
    pub(super) fn first_bad_name<'o>(&mut self, rule: &Rule, value: &'o Value) -> Option<&'o str> {
        let Value::Object(members) = value else { return None };
        members.keys().map(String::as_str).find(|name| {
            let name = Value::from(*name);
            // What is known is known by address, and the next name may stand where this one did.
            let mut run = Run { depth: self.depth, ..Run::default() };
            let holds = run.holds(rule, &name);
            self.too_deep |= run.too_deep;
            !holds
        })
    }

    fn unevaluated(
        &mut self,
        rule: &Rule,
        value: &'v Value,
        track: Track,
        evaluated: Option<&Evaluated<'v>>,
    ) -> Outcome<'v> {
        let mut outcome = Outcome::of(self.first_bad_unevaluated(rule, value, evaluated).is_none());
        match rule {
            Rule::UnevaluatedMembers(_) => outcome.mark(track, Evaluated::all_members),
            _ => outcome.mark(track, Evaluated::all_items),
        }
        outcome
    }

    /// The first member or item that nothing has looked at and that is not what the rule demands.
    pub(super) fn first_bad_unevaluated<'r>(
        &mut self,
        rule: &'r Rule,
        value: &'v Value,
        evaluated: Option<&Evaluated<'v>>,
    ) -> Option<(Part<'v>, &'r Rule, &'v Value)> {
        match (rule, value) {
            (Rule::UnevaluatedMembers(rule), Value::Object(members)) => members.iter().find_map(|(name, member)| {
                let is_new = evaluated.is_none_or(|evaluated| !evaluated.has_member(name));
                (is_new && !self.holds(rule, member)).then_some((Part::Member(name), *rule, member))
            }),
            (Rule::UnevaluatedItems(rule), Value::Array(items)) => {
                items.iter().enumerate().find_map(|(index, item)| {
                    let is_new = evaluated.is_none_or(|evaluated| !evaluated.has_item(index));
                    (is_new && !self.holds(rule, item)).then_some((Part::Item(index), *rule, item))
                })
            }
            _ => None,
        }
    }

    /// What the rules beside `unevaluated…` have looked at.
    pub(super) fn evaluated(&mut self, rules: &[Rule], value: &'v Value) -> Option<Box<Evaluated<'v>>> {
        let mut outcome = Outcome::of(true);
        for rule in rules.iter().filter(|rule| !asks_for_evaluated(rule)) {
            let part = self.evaluate(rule, value, Track::Evaluated);
            outcome.take(part);
        }
        outcome.evaluated
    }
}

/// A member's name or an item's index.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'v> {
    Member(&'v str),
    Item(usize),
}

pub(super) fn asks_for_evaluated(rule: &Rule) -> bool {
    matches!(rule, Rule::UnevaluatedMembers(_) | Rule::UnevaluatedItems(_))
}

/// What [`Rule::Members`] demands of the member of this name; nothing where it is additional.
pub(super) fn rules_of_member<'r>(rule: &'r Rule, name: &str) -> impl Iterator<Item = &'r Rule> {
    let (properties, patterns) = match rule {
        Rule::Members { properties, patterns, .. } => (*properties, *patterns),
        _ => (&[][..], &[][..]),
    };
    let named = properties.iter().find(|(property, _)| *property == name).map(|(_, rule)| rule);
    let matched = patterns.iter().filter(move |(pattern, _)| pattern.is_match(name)).map(|(_, rule)| rule);
    named.into_iter().chain(matched)
}
