//! Members with names that no schema mentions: which patterns their names match decides what they are, so the ways of
//! matching are gone through.

use std::rc::Rc;

use super::branch::Row;
use super::goal::{Demand, Literal};
use super::language::PatternId;
use super::object::{Object, Settled};
use super::outcome::{Outcome, Reason};
use super::sample::{Kind, Sample, Shared};
use super::search::Search;

/// Patterns of names that are told apart.
const MAX_PATTERNS: usize = 12;

/// A member with a name that no schema mentions.
#[derive(Clone)]
pub(super) struct Made {
    /// Which of the members that must exist it is.
    pub(super) someones: Vec<usize>,
    pub(super) name: Rc<str>,
    pub(super) value: Shared,
}

/// A search for a member with a made-up name.
struct NameSearch<'a, 'f, 's> {
    object: &'a Object<'f, 's>,
    someones: &'a [usize],
    name_literals: Vec<Literal>,
    value_literals: Vec<Literal>,
    /// Names that some schema mentions.
    mentioned: Vec<Rc<str>>,
    /// Names that were made up before.
    made: Vec<Rc<str>>,
    /// Why something was left undecided.
    open: Option<Reason>,
}

impl<'s> Search<'s> {
    /// A member with a name that no schema mentions, which is all of the given ones that must exist.
    pub(super) fn made_up(
        &mut self,
        object: &Object<'_, 's>,
        someones: &[usize],
        settled: &Settled,
    ) -> Result<Option<Made>, Reason> {
        let facts = object.facts;
        let mut patterns: Vec<PatternId> = Vec::new();
        let mut demanded: Vec<(PatternId, bool)> = Vec::new();
        for row in &object.rows {
            let schemas = match row {
                Row::Schema { keywords, .. } => std::slice::from_ref(keywords),
                Row::Rest { mentioned, .. } => mentioned.as_slice(),
                Row::Every(_) => continue,
            };
            for pattern in schemas.iter().flat_map(|keywords| keywords.pattern_properties.keys()) {
                patterns.push(self.languages.id(pattern));
            }
        }
        let mut name_literals = facts.names.clone();
        let mut value_literals = Vec::new();
        for &index in someones {
            let someone = &facts.someone[index];
            demanded.extend(someone.pattern.map(|pattern| (pattern, true)));
            for pattern in someone.unmentioned.iter().flat_map(|keywords| keywords.pattern_properties.keys()) {
                demanded.push((self.languages.id(pattern), false));
            }
            name_literals.extend(someone.name);
            value_literals.extend(someone.value);
        }
        patterns.sort_unstable();
        patterns.dedup();
        patterns.retain(|pattern| !demanded.iter().any(|(other, _)| other == pattern));
        if demanded.iter().any(|(pattern, holds)| demanded.contains(&(*pattern, !holds))) {
            return Ok(None);
        }
        if patterns.len() > MAX_PATTERNS {
            return Err(Reason::TooManyAlternatives);
        }
        let mentioned = self.mentioned_names(object).into_iter().map(|name| self.spelled(name)).collect();
        let made = settled.made.iter().map(|made| made.name.clone()).collect();
        let mut search = NameSearch { object, someones, name_literals, value_literals, mentioned, made, open: None };
        let found = self.classes(&mut search, &patterns, demanded);
        match (found, search.open) {
            (Some(made), _) => Ok(Some(made)),
            (None, Some(reason)) => Err(reason),
            (None, None) => Ok(None),
        }
    }

    /// Goes through the ways in which a name can match the patterns, none first.
    fn classes(
        &mut self,
        search: &mut NameSearch<'_, '_, 's>,
        patterns: &[PatternId],
        matching: Vec<(PatternId, bool)>,
    ) -> Option<Made> {
        let Some((&pattern, rest)) = patterns.split_first() else { return self.of_class(search, &matching) };
        for holds in [false, true] {
            let mut matching = matching.clone();
            matching.push((pattern, holds));
            // Many combinations have no names at all.
            if rest.len() > 1 && matches!(self.name_of_class(search, &matching), Outcome::Empty) {
                continue;
            }
            if let Some(made) = self.classes(search, rest, matching) {
                return Some(made);
            }
        }
        None
    }

    fn of_class(&mut self, search: &mut NameSearch<'_, '_, 's>, matching: &[(PatternId, bool)]) -> Option<Made> {
        let mut literals = search.value_literals.clone();
        for row in &search.object.rows {
            match row {
                Row::Schema { side, declared, keywords } => {
                    let demand = if *declared { Demand::Declared } else { Demand::Valid };
                    let mut mentioned = false;
                    for (pattern, &id) in &keywords.pattern_properties {
                        if matching.contains(&(self.languages.id(pattern), true)) {
                            mentioned = true;
                            literals.push(Literal::Schema { side: *side, id, demand });
                        }
                    }
                    if !mentioned && let Some(id) = keywords.additional_properties {
                        literals.push(Literal::Schema { side: *side, id, demand });
                    }
                }
                Row::Rest { mentioned, rest } => {
                    let mut patterns = mentioned.iter().flat_map(|keywords| keywords.pattern_properties.keys());
                    if !patterns.any(|pattern| matching.contains(&(self.languages.id(pattern), true))) {
                        literals.push((*rest)?);
                    }
                }
                Row::Every(_) => {}
            }
        }
        let value = match self.find(literals) {
            Outcome::Found(value) => value,
            Outcome::Empty => return None,
            Outcome::Unknown(reason) => {
                if !matches!(self.name_of_class(search, matching), Outcome::Empty) {
                    search.open = Some(reason);
                }
                return None;
            }
        };
        match self.name_of_class(search, matching) {
            Outcome::Found(name) => match &name.kind {
                Kind::Text(name) => Some(Made { someones: search.someones.to_vec(), name: name.clone(), value }),
                _ => None,
            },
            Outcome::Empty => None,
            Outcome::Unknown(reason) => {
                search.open = Some(reason);
                None
            }
        }
    }

    /// A name that matches so, and is none that is mentioned or was made up before.
    fn name_of_class(&mut self, search: &mut NameSearch<'_, '_, 's>, matching: &[(PatternId, bool)]) -> Outcome {
        let mut taken: Vec<Rc<str>> = search.mentioned.clone();
        taken.extend(search.made.iter().cloned());
        if matching.is_empty() && search.name_literals.is_empty() {
            return Outcome::Found(Sample::text(fresh(&taken)));
        }
        let mut literals = search.name_literals.clone();
        literals.push(Literal::Text);
        literals.extend(matching.iter().map(|&(pattern, holds)| Literal::Pattern(pattern, holds)));
        let outcome = self.name_other_than(&literals, &taken);
        // An earlier member may have the only name that this one could have, and might have had another.
        if matches!(outcome, Outcome::Empty)
            && !search.someones.is_empty()
            && !search.made.is_empty()
            && !matches!(self.name_other_than(&literals, &search.mentioned), Outcome::Empty)
        {
            search.open = Some(Reason::TooManyAlternatives);
        }
        outcome
    }

    fn name_other_than(&mut self, literals: &[Literal], taken: &[Rc<str>]) -> Outcome {
        let mut literals = literals.to_vec();
        if !taken.is_empty() {
            let taken: Vec<Shared> = taken.iter().map(|name| Sample::text(name.clone())).collect();
            literals.push(self.outside(&taken));
        }
        self.find(literals)
    }
}

/// A name that is not taken.
fn fresh(taken: &[Rc<str>]) -> String {
    let mut number = 0;
    loop {
        let name = match number {
            0 => "other".to_owned(),
            number => format!("other{number}"),
        };
        if !taken.iter().any(|other| **other == *name) {
            return name;
        }
        number += 1;
    }
}
