//! Arrays: rows of demands on every item and items that must exist go in, an array comes out, or that there is none.

use super::branch::{Facts, ItemFact, Row};
use super::goal::{Demand, Literal};
use super::outcome::{Outcome, Reason, Ways};
use super::sample::{Sample, Shared};
use super::search::Search;

/// Items of which an array may consist.
const MAX_ITEMS: u64 = 2000;

/// Items that are told apart where all must be different.
const MAX_DISTINCT: usize = 80;

/// Where the items that must exist stand: for each its index.
type Places = Vec<usize>;

impl<'s> Search<'s> {
    /// What every item at an index must be.
    pub(super) fn item_literals(&self, facts: &Facts<'s>, index: usize) -> Vec<Literal> {
        let mut literals = Vec::with_capacity(facts.rows.len());
        for row in &facts.rows {
            match row {
                Row::Schema { side, declared, keywords } => {
                    let demand = if *declared { Demand::Declared } else { Demand::Valid };
                    let id = keywords.prefix_items.get(index).copied().or(keywords.items);
                    literals.extend(id.map(|id| Literal::Schema { side: *side, id, demand }));
                }
                Row::Rest { mentioned, rest } => {
                    if mentioned.iter().all(|keywords| keywords.prefix_items.len() <= index) {
                        literals.extend(*rest);
                    }
                }
                Row::Every(literal) => literals.push(*literal),
            }
        }
        literals
    }

    /// From this index on, all items must be the same.
    pub(super) fn tail(facts: &Facts<'s>) -> usize {
        let length = |row: &Row<'s>| match row {
            Row::Schema { keywords, .. } => keywords.prefix_items.len(),
            Row::Rest { mentioned, .. } => {
                mentioned.iter().map(|keywords| keywords.prefix_items.len()).max().unwrap_or(0)
            }
            Row::Every(_) => 0,
        };
        facts.rows.iter().map(length).max().unwrap_or(0)
    }

    /// An array.
    pub(super) fn array(&mut self, facts: &Facts<'s>) -> Outcome {
        if facts.unique && facts.twins {
            return Outcome::Empty;
        }
        let (least, mut most) = facts.size;
        let tail = Self::tail(facts);
        // No item can stand where nothing is allowed.
        for index in 0..=tail {
            if index as u64 >= most {
                break;
            }
            if matches!(self.find(self.item_literals(facts, index)), Outcome::Empty) {
                most = index as u64;
            }
        }
        let needed = facts.items.iter().map(|item| item.index as u64 + 1).max().unwrap_or(0);
        let first = least.max(needed);
        if first > most {
            return Outcome::Empty;
        }
        if first > MAX_ITEMS {
            return match self.too_few_values(facts, tail, first) {
                true => Outcome::Empty,
                false => Outcome::Unknown(Reason::TooLarge),
            };
        }
        let spread = facts.items.len() as u64 + if facts.twins { 2 } else { 0 };
        let last = most.min(first.max(tail as u64) + spread);
        // Those with the least freedom come first, so that the others can share their places.
        let mut facts = facts.clone();
        facts.items.sort_by_key(|item| (!item.exactly, std::cmp::Reverse(item.index)));
        let mut ways = Ways::default();
        for length in first..=last {
            let outcome = self.placed(&facts, length as usize, tail, &mut Places::new());
            if let Some(outcome) = ways.add(outcome) {
                return outcome;
            }
        }
        ways.outcome()
    }

    /// Whether so many different items cannot be had.
    fn too_few_values(&mut self, facts: &Facts<'s>, tail: usize, length: u64) -> bool {
        if !facts.unique {
            return false;
        }
        let literals = self.item_literals(facts, tail);
        let (values, complete) = self.several(&literals, MAX_DISTINCT);
        complete && (values.len() as u64) < length - tail as u64
    }

    /// Tries all places for the items that must exist and have none yet.
    fn placed(&mut self, facts: &Facts<'s>, length: usize, tail: usize, places: &mut Places) -> Outcome {
        if let Err(reason) = self.count(1) {
            return Outcome::Unknown(reason);
        }
        let Some(item) = facts.items.get(places.len()) else { return self.filled(facts, length, tail, places) };
        let range = if item.exactly { item.index..item.index + 1 } else { item.index..length };
        let mut ways = Ways::default();
        let mut tried_free = false;
        for index in range {
            let same_group = |(place, other): (&usize, &ItemFact)| {
                *place == index && item.group.is_some() && other.group == item.group
            };
            if index >= length || places.iter().zip(&facts.items).any(same_group) {
                continue;
            }
            // Of places that are alike, one is enough.
            if index >= tail && !places.contains(&index) && std::mem::replace(&mut tried_free, true) {
                continue;
            }
            places.push(index);
            let literals = self.literals_at(facts, places, index);
            let outcome = match self.find(literals) {
                Outcome::Empty => Outcome::Empty,
                _ => self.placed(facts, length, tail, places),
            };
            places.pop();
            if let Some(outcome) = ways.add(outcome) {
                return outcome;
            }
        }
        ways.outcome()
    }

    /// What an item must be, with what was placed there.
    fn literals_at(&self, facts: &Facts<'s>, places: &Places, index: usize) -> Vec<Literal> {
        let mut literals = self.item_literals(facts, index);
        let here = places.iter().zip(&facts.items).filter(|(place, _)| **place == index);
        literals.extend(here.map(|(_, item)| item.literal));
        literals
    }

    /// An array of a length with every place settled.
    fn filled(&mut self, facts: &Facts<'s>, length: usize, tail: usize, places: &Places) -> Outcome {
        if facts.twins {
            return self.with_twins(facts, length, tail, places);
        }
        let goals: Vec<_> = (0..length).map(|index| self.literals_at(facts, places, index)).collect();
        self.items(facts, &goals)
    }

    fn with_twins(&mut self, facts: &Facts<'s>, length: usize, tail: usize, places: &Places) -> Outcome {
        let mut ways = Ways::default();
        let last = length.min(tail.max(places.iter().max().map_or(0, |last| last + 1)) + 2);
        for second in 0..last {
            for first in 0..second {
                let outcome = self.with_equal(facts, (first, second), length, places);
                if let Some(outcome) = ways.add(outcome) {
                    return outcome;
                }
            }
        }
        ways.outcome()
    }

    /// An array of which two given items are equal.
    fn with_equal(
        &mut self,
        facts: &Facts<'s>,
        (first, second): (usize, usize),
        length: usize,
        places: &Places,
    ) -> Outcome {
        let mut goals: Vec<_> = (0..length).map(|index| self.literals_at(facts, places, index)).collect();
        let both = [std::mem::take(&mut goals[first]), std::mem::take(&mut goals[second])].concat();
        let twin = match self.find(both) {
            Outcome::Found(twin) => twin,
            other => return other,
        };
        let mut items = match self.each(&goals) {
            Ok(items) => items,
            Err(outcome) => return outcome,
        };
        items[first] = twin.clone();
        items[second] = twin;
        Outcome::Found(Sample::array(items))
    }

    /// Items that fulfil the goals, each its own; else why there are none.
    fn each(&mut self, goals: &[Vec<Literal>]) -> Result<Vec<Shared>, Outcome> {
        let mut items: Vec<Shared> = Vec::with_capacity(goals.len());
        let mut open = None;
        for (index, goal) in goals.iter().enumerate() {
            // Long arrays repeat themselves.
            if index > 0 && open.is_none() && *goal == goals[index - 1] {
                items.push(items[index - 1].clone());
                continue;
            }
            match self.find(goal.clone()) {
                Outcome::Empty => return Err(Outcome::Empty),
                Outcome::Unknown(reason) => open = Some(reason),
                Outcome::Found(item) => items.push(item),
            }
        }
        open.map_or(Ok(items), |reason| Err(Outcome::Unknown(reason)))
    }

    /// An array with an item for each goal.
    fn items(&mut self, facts: &Facts<'s>, goals: &[Vec<Literal>]) -> Outcome {
        let items = match self.each(goals) {
            Ok(items) => items,
            Err(outcome) => return outcome,
        };
        let repeated = |index: usize| items[..index].iter().any(|other| other.equals(&items[index]));
        if !facts.unique || !(1..items.len()).any(repeated) {
            return Outcome::Found(Sample::array(items));
        }
        self.different(goals)
    }

    /// Different items: enough values for each place, then as a matching of places and values.
    fn different(&mut self, goals: &[Vec<Literal>]) -> Outcome {
        let wanted = goals.len().min(MAX_DISTINCT);
        let mut values: Vec<Shared> = Vec::new();
        let mut choices: Vec<Vec<usize>> = Vec::with_capacity(goals.len());
        let mut complete = goals.len() <= MAX_DISTINCT;
        for (index, goal) in goals.iter().enumerate() {
            if index > 0 && *goal == goals[index - 1] {
                choices.push(choices[index - 1].clone());
                continue;
            }
            let (found, all) = self.several(goal, wanted);
            complete &= all || found.len() >= wanted;
            // Places whose few values are fewer than the places.
            if all {
                let alike = goals.iter().filter(|other| *other == goal).count();
                if found.len() < alike {
                    return Outcome::Empty;
                }
            }
            let number = |value: Shared| match values.iter().position(|other| other.equals(&value)) {
                Some(index) => index,
                None => {
                    values.push(value);
                    values.len() - 1
                }
            };
            choices.push(found.into_iter().map(number).collect());
        }
        let mut holders: Vec<Option<usize>> = vec![None; values.len()];
        for place in 0..goals.len() {
            let mut seen = vec![false; values.len()];
            if !matched(place, &choices, &mut holders, &mut seen) {
                return if complete { Outcome::Empty } else { Outcome::Unknown(Reason::TooLarge) };
            }
        }
        let mut items = vec![Sample::null(); goals.len()];
        for (value, holder) in holders.iter().enumerate() {
            if let Some(place) = holder {
                items[*place] = values[value].clone();
            }
        }
        Outcome::Found(Sample::array(items))
    }

    /// Several values of one goal, and whether there are no others.
    fn several(&mut self, goal: &[Literal], count: usize) -> (Vec<Shared>, bool) {
        let mut values: Vec<Shared> = Vec::new();
        while values.len() < count {
            let mut literals = goal.to_vec();
            if !values.is_empty() {
                literals.push(self.outside(&values));
            }
            match self.find(literals) {
                Outcome::Found(value) => values.push(value),
                Outcome::Empty => return (values, true),
                Outcome::Unknown(_) => return (values, false),
            }
        }
        (values, false)
    }
}

/// Gives a place one of its values, moving others where that helps (Kuhn's algorithm).
fn matched(place: usize, choices: &[Vec<usize>], holders: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    for &value in &choices[place] {
        if std::mem::replace(&mut seen[value], true) {
            continue;
        }
        let free = match holders[value] {
            None => true,
            Some(other) => matched(other, choices, holders, seen),
        };
        if free {
            holders[value] = Some(place);
            return true;
        }
    }
    false
}
