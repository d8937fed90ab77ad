//! Objects: rows of demands on members, names that must be there or must not, members that must exist go in, an object
//! comes out, or that there is none.

use std::collections::HashSet;
use std::rc::Rc;

use super::branch::{Facts, Name, Row, Someone};
use super::expand::mentions_members;
use super::goal::{Demand, Literal, Side};
use super::made::Made;
use super::outcome::{Outcome, Reason, Ways};
use super::sample::{Sample, Shared, text_node};
use super::search::Search;
use crate::schema::Keywords;

/// Members of which an object may consist.
const MAX_MEMBERS: u64 = 1000;

/// What a member must be.
pub(super) struct MemberGoal {
    pub(super) literals: Vec<Literal>,
    /// Something was left out that could not be decided.
    pub(super) about: Option<Reason>,
}

/// What an object is made of.
pub(super) struct Object<'f, 's> {
    pub(super) facts: &'f Facts<'s>,
    /// The facts' rows, and what closes the object.
    pub(super) rows: Vec<Row<'s>>,
}

/// What was settled so far.
#[derive(Clone, Default)]
pub(super) struct Settled {
    /// Members by name, with demands beyond those of the rows.
    pub(super) named: Vec<(Name, Vec<Literal>)>,
    /// Members whose names were made up.
    pub(super) made: Vec<Made>,
}

impl<'s> Search<'s> {
    /// What a member of this name must be; `None` when there can be none.
    pub(super) fn member(&mut self, rows: &[Row<'s>], name: Name) -> Option<MemberGoal> {
        let text = self.spelled(name);
        let mut goal = MemberGoal { literals: Vec::with_capacity(rows.len()), about: None };
        for row in rows {
            match row {
                Row::Schema { side, declared, keywords } => {
                    let demand = if *declared { Demand::Declared } else { Demand::Valid };
                    let mut mentioned = false;
                    if let Some(&id) = keywords.properties.get(&*text) {
                        mentioned = true;
                        goal.literals.push(Literal::Schema { side: *side, id, demand });
                    }
                    self.note(keywords.pattern_properties.len());
                    for (pattern, &id) in &keywords.pattern_properties {
                        match self.checker(*side).pattern_matches(pattern, &text) {
                            Some(true) => {
                                mentioned = true;
                                goal.literals.push(Literal::Schema { side: *side, id, demand });
                            }
                            Some(false) => {}
                            None => {
                                mentioned = true;
                                goal.about = Some(Reason::Pattern(pattern.clone()));
                            }
                        }
                    }
                    if !mentioned && let Some(id) = keywords.additional_properties {
                        goal.literals.push(Literal::Schema { side: *side, id, demand });
                    }
                }
                Row::Rest { mentioned, rest } => match self.mentions(mentioned, &text) {
                    Some(true) => {}
                    Some(false) => goal.literals.push((*rest)?),
                    None => goal.about = Some(Reason::Keyword("patternProperties")),
                },
                Row::Every(_) => {}
            }
        }
        Some(goal)
    }

    /// Whether `properties` or `patternProperties` of some of the schemas concern a name. Names that are required are
    /// mentioned as well.
    fn mentions(&mut self, schemas: &[&'s Keywords], text: &str) -> Option<bool> {
        let mut unknown = false;
        for keywords in schemas {
            if keywords.properties.contains_key(text) || keywords.required.iter().any(|name| name == text) {
                return Some(true);
            }
            for pattern in keywords.pattern_properties.keys() {
                match self.checker(Side::Writer).pattern_matches(pattern, text) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => unknown = true,
                }
            }
        }
        (!unknown).then_some(false)
    }

    /// An object.
    pub(super) fn object(&mut self, facts: &Facts<'s>) -> Outcome {
        let mut rows = facts.rows.clone();
        rows.extend(closing(facts));
        let object = Object { facts, rows };
        if facts.present.len() as u64 > facts.size.1 {
            return Outcome::Empty;
        }
        let mut settled = Settled::default();
        // Those of which most is asked come first: they are the most likely not to exist.
        for &(name, literal) in &facts.members {
            match settled.named.iter_mut().find(|(other, _)| *other == name) {
                Some((_, literals)) => literals.push(literal),
                None => settled.named.push((name, vec![literal])),
            }
        }
        for &name in &facts.present {
            if !settled.named.iter().any(|(other, _)| *other == name) {
                settled.named.push((name, Vec::new()));
            }
        }
        let mut open = None;
        for (name, literals) in &settled.named {
            match self.named(&object, *name, literals) {
                Outcome::Empty => return Outcome::Empty,
                Outcome::Unknown(reason) => open = Some(reason),
                Outcome::Found(_) => {}
            }
        }
        match (self.with_someones(&object, 0, settled), open) {
            (Outcome::Found(_), Some(reason)) => Outcome::Unknown(reason),
            (outcome, _) => outcome,
        }
    }

    /// A member of this name.
    fn named(&mut self, object: &Object<'_, 's>, name: Name, literals: &[Literal]) -> Outcome {
        let text = self.spelled(name);
        let mut about = None;
        for &literal in &object.facts.names {
            match self.name_fulfils(&text, literal) {
                Some(true) => {}
                Some(false) => return Outcome::Empty,
                None => about = Some(Reason::Keyword("propertyNames")),
            }
        }
        let Some(mut goal) = self.member(&object.rows, name) else { return Outcome::Empty };
        goal.literals.extend(literals);
        match (self.find(goal.literals), goal.about.or(about)) {
            (Outcome::Found(_), Some(reason)) => Outcome::Unknown(reason),
            (outcome, _) => outcome,
        }
    }

    /// Whether a name, as a string, is what is demanded.
    fn name_fulfils(&mut self, text: &str, literal: Literal) -> Option<bool> {
        let Literal::Schema { side, id, demand } = literal else { return None };
        self.accepts(side, id, &text_node(text)).map(|valid| valid == (demand != Demand::Invalid))
    }

    /// Places the members that must exist, from an index on.
    fn with_someones(&mut self, object: &Object<'_, 's>, index: usize, settled: Settled) -> Outcome {
        if let Err(reason) = self.count(1 + object.rows.len()) {
            return Outcome::Unknown(reason);
        }
        let facts = object.facts;
        let Some(someone) = facts.someone.get(index) else { return self.completed(object, settled) };
        let count = (settled.named.len() + settled.made.len()) as u64;
        let mut ways = Ways::default();
        // A member that is there anyway, or could be.
        let mut candidates: Vec<Name> = settled.named.iter().map(|(name, _)| *name).collect();
        if count < facts.size.1 {
            for name in self.mentioned_names(object) {
                if !candidates.contains(&name) && !facts.absent.contains(&name) {
                    candidates.push(name);
                }
            }
        }
        for name in candidates {
            match self.may_be(someone, name) {
                Some(true) => {}
                Some(false) => continue,
                None => {
                    ways.leave_open(Reason::Keyword("patternProperties"));
                    continue;
                }
            }
            let mut settled = settled.clone();
            let position = settled.named.iter().position(|(other, _)| *other == name).unwrap_or_else(|| {
                settled.named.push((name, Vec::new()));
                settled.named.len() - 1
            });
            settled.named[position].1.extend(someone.value);
            let literals = settled.named[position].1.clone();
            let outcome = match self.named(object, name, &literals) {
                Outcome::Found(_) => self.with_someones(object, index + 1, settled),
                other => other,
            };
            if let Some(outcome) = ways.add(outcome) {
                return outcome;
            }
        }
        if count < facts.size.1 {
            let outcome = self.with_made(object, &[index], settled.clone());
            if let Some(outcome) = ways.add(outcome) {
                return outcome;
            }
        }
        // One member can be two that must exist.
        for position in 0..settled.made.len() {
            let mut settled = settled.clone();
            let mut someones = settled.made.remove(position).someones;
            someones.push(index);
            let outcome = self.with_made(object, &someones, settled);
            if let Some(outcome) = ways.add(outcome) {
                return outcome;
            }
        }
        ways.outcome()
    }

    /// Makes up a member that is all of these, the last of which is the next to be placed, and places the others.
    fn with_made(&mut self, object: &Object<'_, 's>, someones: &[usize], mut settled: Settled) -> Outcome {
        match self.made_up(object, someones, &settled) {
            Ok(Some(made)) => {
                settled.made.push(made);
                let next = someones.last().map_or(0, |last| last + 1);
                self.with_someones(object, next, settled)
            }
            Ok(None) => Outcome::Empty,
            Err(reason) => Outcome::Unknown(reason),
        }
    }

    /// Whether a member that must exist may have this name.
    fn may_be(&mut self, someone: &Someone<'s>, name: Name) -> Option<bool> {
        if someone.other_than.contains(&name) {
            return Some(false);
        }
        let text = self.spelled(name);
        let mut all = Some(true);
        let mut also = |one: Option<bool>| match one {
            Some(true) => {}
            Some(false) => all = Some(false),
            None => all = all.filter(|all| !all),
        };
        if let Some(pattern) = someone.pattern {
            also(self.languages.matches(pattern, &text));
        }
        for keywords in &someone.unmentioned {
            also(Some(!keywords.properties.contains_key(&*text)));
            for pattern in keywords.pattern_properties.keys() {
                let pattern = self.languages.id(pattern);
                also(self.languages.matches(pattern, &text).map(|matches| !matches));
            }
        }
        if let Some(literal) = someone.name {
            also(self.name_fulfils(&text, literal));
        }
        all
    }

    /// Adds members until there are enough.
    fn completed(&mut self, object: &Object<'_, 's>, mut settled: Settled) -> Outcome {
        let least = object.facts.size.0;
        let mut ways = Ways::default();
        if (settled.named.len() + settled.made.len()) as u64 > object.facts.size.1 {
            return Outcome::Empty;
        }
        let missing = |settled: &Settled| least > (settled.named.len() + settled.made.len()) as u64;
        if missing(&settled) {
            for name in self.mentioned_names(object) {
                if !missing(&settled) {
                    break;
                }
                let known = settled.named.iter().any(|(other, _)| *other == name);
                if known || object.facts.absent.contains(&name) {
                    continue;
                }
                match self.named(object, name, &[]) {
                    Outcome::Empty => {}
                    Outcome::Unknown(reason) => ways.leave_open(reason),
                    Outcome::Found(_) => settled.named.push((name, Vec::new())),
                }
            }
        }
        while missing(&settled) {
            if settled.made.len() as u64 >= MAX_MEMBERS {
                return Outcome::Unknown(Reason::TooLarge);
            }
            match self.made_up(object, &[], &settled) {
                Ok(Some(made)) => settled.made.push(made),
                Ok(None) => return ways.outcome(),
                Err(reason) => return Outcome::Unknown(reason),
            }
        }
        let mut members = Vec::with_capacity(settled.named.len() + settled.made.len());
        for (name, literals) in &settled.named {
            match self.named(object, *name, literals) {
                Outcome::Found(value) => members.push((self.spelled(*name), value)),
                // Said before as well, but for what was not decided.
                other => return other,
            }
        }
        in_order(&object.rows, &mut members);
        members.extend(settled.made.into_iter().map(|made| (made.name, made.value)));
        Outcome::Found(Sample::object(members))
    }

    /// The names that some schema mentions.
    pub(super) fn mentioned_names(&mut self, object: &Object<'_, 's>) -> Vec<Name> {
        let facts = object.facts;
        let mut seen: HashSet<Name> = HashSet::new();
        let mut names = Vec::new();
        let mut add = |name: Name| {
            if seen.insert(name) {
                names.push(name);
            }
        };
        facts.present.iter().chain(&facts.absent).copied().for_each(&mut add);
        for row in &object.rows {
            let schemas = match row {
                Row::Schema { keywords, .. } => std::slice::from_ref(keywords),
                Row::Rest { mentioned, .. } => mentioned.as_slice(),
                Row::Every(_) => continue,
            };
            for keywords in schemas {
                keywords.properties.keys().for_each(|name| add(self.name(name)));
            }
        }
        for someone in &facts.someone {
            someone.other_than.iter().copied().for_each(&mut add);
            for keywords in &someone.unmentioned {
                keywords.properties.keys().for_each(|name| add(self.name(name)));
            }
        }
        self.note(names.len() / 16);
        names
    }
}

/// Members in the order in which schemas mention them.
fn in_order(rows: &[Row<'_>], members: &mut [(Rc<str>, Shared)]) {
    if members.len() < 2 {
        return;
    }
    let place = |name: &str| {
        rows.iter().enumerate().find_map(|(row, keywords)| match keywords {
            Row::Schema { keywords, .. } => keywords.properties.get_index_of(name).map(|index| (row, index)),
            Row::Rest { .. } | Row::Every(_) => None,
        })
    };
    members.sort_by_cached_key(|(name, _)| place(name).unwrap_or((usize::MAX, 0)));
}

/// What closes an object of which a writer sends what it declares: members that no schema mentions are not there, unless
/// some schema says what others may be.
fn closing<'s>(facts: &Facts<'s>) -> Option<Row<'s>> {
    let mut mentioned: Vec<&'s Keywords> = Vec::new();
    for row in &facts.rows {
        if let Row::Schema { declared: true, keywords, .. } = row {
            if keywords.additional_properties.is_some() || keywords.unevaluated_properties.is_some() {
                return None;
            }
            mentioned.push(keywords);
        }
    }
    // An object of which nothing is said may be any.
    mentioned
        .iter()
        .any(|keywords| mentions_members(keywords))
        .then(|| Row::Rest { mentioned: Rc::new(mentioned), rest: None })
}
