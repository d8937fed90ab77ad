//! What a branch already says of further facts: that they are impossible, that they hold anyway, or neither. Alternatives
//! that are impossible are dropped and choices that hold anyway are settled before anything is tried, which is what keeps
//! the search small.

use super::branch::{Branch, Fact, Facts, Name};
use super::expand::{Accepts, accepts_type};
use super::goal::{Demand, Literal};
use super::outcome::Outcome;
use super::search::{Search, opposites};
use crate::schema::SchemaKind;

/// What the facts of a branch say of another fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Judgement {
    Impossible,
    Possible,
    Implied,
}

impl<'s> Search<'s> {
    /// What a branch says of an alternative.
    pub(super) fn judge(&mut self, branch: &Branch<'s>, alternative: &[Fact<'s>]) -> Judgement {
        let mut all = Judgement::Implied;
        for fact in alternative {
            self.note(1);
            let one = self.judge_fact(branch, fact);
            all = all.min(one);
            if all == Judgement::Impossible {
                break;
            }
        }
        all
    }

    fn judge_fact(&mut self, branch: &Branch<'s>, fact: &Fact<'s>) -> Judgement {
        let facts = &branch.facts;
        let when = |impossible: bool, implied: bool| match (impossible, implied) {
            (true, _) => Judgement::Impossible,
            (false, true) => Judgement::Implied,
            (false, false) => Judgement::Possible,
        };
        match fact {
            Fact::Never => Judgement::Impossible,
            Fact::About(_) => Judgement::Implied,
            Fact::Literal(Literal::Schema { side, id, demand }) => {
                let id = self.meant(*side, *id);
                let literal = Literal::Schema { side: *side, id, demand: *demand };
                if branch.seen.contains(&literal) {
                    return Judgement::Implied;
                }
                if opposites(literal).iter().any(|other| branch.seen.contains(other)) {
                    let endless = self.is_endless(*side, id);
                    return if endless { Judgement::Possible } else { Judgement::Impossible };
                }
                let accepts = match &self.schemas(*side)[id].kind {
                    SchemaKind::Bool(true) => return when(*demand == Demand::Invalid, *demand != Demand::Invalid),
                    SchemaKind::Bool(false) => Accepts::No,
                    SchemaKind::Object(keywords) => accepts_type(keywords, branch.json_type),
                };
                match accepts {
                    Accepts::No => when(*demand != Demand::Invalid, *demand == Demand::Invalid),
                    _ => Judgement::Possible,
                }
            }
            Fact::Size(least, most) => {
                let (low, high) = facts.size;
                when(*least > high || *most < low, *least <= low && *most >= high)
            }
            Fact::Pattern(pattern, holds) => {
                when(facts.patterns.contains(&(*pattern, !holds)), facts.patterns.contains(&(*pattern, *holds)))
            }
            Fact::Unique => when(facts.twins, facts.unique),
            Fact::Twins => when(facts.unique, facts.twins),
            Fact::Present(name) => self.judge_present(facts, *name),
            Fact::Absent(name) => match self.judge_present(facts, *name) {
                Judgement::Impossible => Judgement::Implied,
                Judgement::Implied => Judgement::Impossible,
                Judgement::Possible => Judgement::Possible,
            },
            Fact::Member(name, literal) => self.judge_member(facts, *name, *literal),
            Fact::Item(index, literal) => self.judge_item(facts, *index, *literal),
            Fact::SomeItem(from, literal) => self.judge_some_item(facts, *from, *literal),
            _ => Judgement::Possible,
        }
    }

    fn judge_present(&mut self, facts: &Facts<'s>, name: Name) -> Judgement {
        if facts.absent.contains(&name) {
            return Judgement::Impossible;
        }
        if facts.present.contains(&name) {
            return Judgement::Implied;
        }
        let empty = match self.member(&facts.rows, name) {
            None => true,
            Some(goal) => !goal.literals.is_empty() && self.surely_empty(goal.literals),
        };
        if empty { Judgement::Impossible } else { Judgement::Possible }
    }

    fn judge_member(&mut self, facts: &Facts<'s>, name: Name, literal: Literal) -> Judgement {
        if facts.absent.contains(&name) {
            return Judgement::Impossible;
        }
        let Some(mut goal) = self.member(&facts.rows, name) else { return Judgement::Impossible };
        goal.literals.extend(facts.members.iter().filter(|(other, _)| *other == name).map(|(_, literal)| *literal));
        let mut with = goal.literals.clone();
        with.push(literal);
        if matches!(self.find(with), Outcome::Empty) {
            return Judgement::Impossible;
        }
        if facts.present.contains(&name)
            && let Literal::Schema { side, id, demand } = literal
        {
            let demand = if demand == Demand::Invalid { Demand::Valid } else { Demand::Invalid };
            goal.literals.push(Literal::Schema { side, id, demand });
            if self.surely_empty(goal.literals) {
                return Judgement::Implied;
            }
        }
        Judgement::Possible
    }

    fn judge_item(&mut self, facts: &Facts<'s>, index: usize, literal: Literal) -> Judgement {
        if facts.size.1 <= index as u64 {
            return Judgement::Impossible;
        }
        let mut literals = self.item_literals(facts, index);
        literals.push(literal);
        match self.find(literals) {
            Outcome::Empty => Judgement::Impossible,
            _ => Judgement::Possible,
        }
    }

    fn judge_some_item(&mut self, facts: &Facts<'s>, from: usize, literal: Literal) -> Judgement {
        let last = Self::tail(facts).max(from);
        for index in from..=last {
            if self.judge_item(facts, index, literal) == Judgement::Possible {
                return Judgement::Possible;
            }
        }
        Judgement::Impossible
    }
}
