//! From keywords to facts: what a schema that accepts a value says of it, and in which ways a schema can refuse one. Only
//! what concerns the branch's JSON type.

use std::collections::HashSet;
use std::rc::Rc;

use super::branch::{Choice, Fact, Inclusive, Row, Someone, Subject};
use super::goal::{Demand, Literal, Side, Type};
use super::outcome::Reason;
use super::sample::{Kind, Sample, Shared};
use super::search::Search;
use crate::schema::{JsonType, Keywords, SchemaId, SchemaKind};
use crate::source::{Node, Value};

/// Alternatives of `oneOf` whose pairs are looked at.
const MAX_PAIRS_OF: usize = 40;

impl<'s> Search<'s> {
    /// What holds of a value that the schema accepts.
    pub(super) fn accepted(&mut self, side: Side, id: SchemaId, declared: bool, of: Type) -> Vec<Fact<'s>> {
        let keywords = match &self.schemas(side)[id].kind {
            SchemaKind::Bool(true) => return Vec::new(),
            SchemaKind::Bool(false) => return vec![Fact::Never],
            SchemaKind::Object(keywords) => &**keywords,
        };
        let mut facts = Vec::new();
        match accepts_type(keywords, of) {
            Accepts::No => return vec![Fact::Never],
            Accepts::Integers => facts.push(Fact::Integer),
            Accepts::Yes => {}
        }
        if let Some(reference) = &keywords.unresolved_reference {
            facts.push(Fact::Doubt(Reason::UnresolvedReference(reference.clone())));
        }
        if let Some(values) = &keywords.enum_values {
            facts.push(Fact::OneOf(values));
        }
        if let Some(value) = &keywords.const_value {
            facts.push(Fact::OneOf(std::slice::from_ref(value)));
        }
        let demand = if declared { Demand::Declared } else { Demand::Valid };
        let yes = |id| Fact::Literal(Literal::Schema { side, id, demand });
        let no = |id| Fact::Literal(Literal::Schema { side, id, demand: Demand::Invalid });
        let references = [keywords.reference, keywords.dynamic_reference];
        facts.extend(references.into_iter().flatten().chain(keywords.all_of.iter().copied()).map(yes));
        if let Some(id) = keywords.not {
            facts.push(no(id));
        }
        match of {
            Type::Null | Type::Boolean => {}
            Type::Number => {
                let bounds = |bound, fact: fn(&'s _, _) -> Fact<'s>, inclusive| bound_fact(bound, fact, inclusive);
                facts.extend(bounds(keywords.minimum.as_ref(), Fact::AtLeast, Inclusive::Yes));
                facts.extend(bounds(keywords.exclusive_minimum.as_ref(), Fact::AtLeast, Inclusive::No));
                facts.extend(bounds(keywords.maximum.as_ref(), Fact::AtMost, Inclusive::Yes));
                facts.extend(bounds(keywords.exclusive_maximum.as_ref(), Fact::AtMost, Inclusive::No));
                facts.extend(keywords.multiple_of.as_ref().map(Fact::MultipleOf));
            }
            Type::String => {
                facts.extend(size(keywords.min_length, keywords.max_length));
                if let Some(pattern) = &keywords.pattern {
                    facts.push(Fact::Pattern(self.languages.id(pattern), true));
                }
            }
            Type::Array => self.accepted_array(side, id, declared, keywords, &mut facts),
            Type::Object => self.accepted_object(side, id, declared, keywords, &mut facts),
        }
        if !keywords.any_of.is_empty() {
            facts.push(choice(keywords.any_of.iter().map(|&id| vec![yes(id)]).collect()));
        }
        if !keywords.one_of.is_empty() {
            let only = |(index, &id): (usize, &SchemaId)| {
                let others = keywords.one_of.iter().enumerate().filter(|(other, _)| *other != index);
                std::iter::once(yes(id)).chain(others.map(|(_, &id)| no(id))).collect()
            };
            facts.push(choice(keywords.one_of.iter().enumerate().map(only).collect()));
        }
        if let Some(condition) = keywords.if_schema
            && (keywords.then_schema.is_some() || keywords.else_schema.is_some())
        {
            facts.push(choice(vec![
                std::iter::once(yes(condition)).chain(keywords.then_schema.map(yes)).collect(),
                std::iter::once(no(condition)).chain(keywords.else_schema.map(yes)).collect(),
            ]));
        }
        facts
    }

    fn accepted_array(
        &mut self,
        side: Side,
        id: SchemaId,
        declared: bool,
        keywords: &'s Keywords,
        facts: &mut Vec<Fact<'s>>,
    ) {
        let demand = if declared { Demand::Declared } else { Demand::Valid };
        facts.extend(size(keywords.min_items, keywords.max_items));
        if keywords.unique_items {
            facts.push(Fact::Unique);
        }
        if !keywords.prefix_items.is_empty() || keywords.items.is_some() {
            facts.push(Fact::Row(Row::Schema { side, declared, keywords }));
        }
        if let Some(contains) = keywords.contains {
            let yes = Literal::Schema { side, id: contains, demand };
            let no = Literal::Schema { side, id: contains, demand: Demand::Invalid };
            match keywords.min_contains.unwrap_or(1) {
                0 => {}
                1 => facts.push(Fact::SomeItem(0, yes)),
                least => facts.push(Fact::Items(least, yes)),
            }
            if let Some(most) = keywords.max_contains {
                facts.push(Fact::FewItems(most, no));
            }
        }
        if let Some(rest) = keywords.unevaluated_items {
            let evaluating = self.in_place(side, id, Reach::Possible);
            let all = evaluating.iter().any(|other| {
                let nested = other.unevaluated_items.is_some() && !std::ptr::eq(*other, keywords);
                other.items.is_some() || other.contains.is_some() || nested
            });
            if !all {
                let mentioned = Rc::new(evaluating);
                let rest = Some(Literal::Schema { side, id: rest, demand });
                facts.push(Fact::Row(Row::Rest { mentioned, rest }));
            }
            facts.push(Fact::About(Reason::Keyword("unevaluatedItems")));
        }
    }

    fn accepted_object(
        &mut self,
        side: Side,
        id: SchemaId,
        declared: bool,
        keywords: &'s Keywords,
        facts: &mut Vec<Fact<'s>>,
    ) {
        let demand = if declared { Demand::Declared } else { Demand::Valid };
        facts.extend(size(keywords.min_properties, keywords.max_properties));
        for name in &keywords.required {
            facts.push(Fact::Present(self.name(name)));
        }
        let opens = keywords.additional_properties.is_some() || keywords.unevaluated_properties.is_some();
        if mentions_members(keywords) || opens || (declared && !keywords.required.is_empty()) {
            facts.push(Fact::Row(Row::Schema { side, declared, keywords }));
        }
        if let Some(id) = keywords.property_names {
            facts.push(Fact::Names(Literal::Schema { side, id, demand: Demand::Valid }));
        }
        for (trigger, needed) in &keywords.dependent_required {
            let absent = Fact::Absent(self.name(trigger));
            let needed = needed.iter().map(|name| Fact::Present(self.name(name))).collect();
            facts.push(dependency(absent, needed));
        }
        for (trigger, &id) in &keywords.dependent_schemas {
            let absent = Fact::Absent(self.name(trigger));
            facts.push(dependency(absent, vec![Fact::Literal(Literal::Schema { side, id, demand })]));
        }
        if let Some(rest) = keywords.unevaluated_properties {
            let evaluating = self.in_place(side, id, Reach::Possible);
            let all = evaluating.iter().any(|other| {
                let nested = other.unevaluated_properties.is_some() && !std::ptr::eq(*other, keywords);
                other.additional_properties.is_some() || nested
            });
            if !all {
                let mentioned = Rc::new(evaluating);
                let rest = Some(Literal::Schema { side, id: rest, demand });
                facts.push(Fact::Row(Row::Rest { mentioned, rest }));
            }
            facts.push(Fact::About(Reason::Keyword("unevaluatedProperties")));
        }
    }

    /// The ways in which the schema can refuse a value; `None` when it refuses every value of the type.
    pub(super) fn refused(&mut self, side: Side, id: SchemaId, of: Type) -> Option<Vec<Vec<Fact<'s>>>> {
        let keywords = match &self.schemas(side)[id].kind {
            SchemaKind::Bool(true) => return Some(Vec::new()),
            SchemaKind::Bool(false) => return None,
            SchemaKind::Object(keywords) => &**keywords,
        };
        let mut ways = Vec::new();
        match accepts_type(keywords, of) {
            Accepts::No => return None,
            Accepts::Integers => ways.push(vec![Fact::Fraction]),
            Accepts::Yes => {}
        }
        if let Some(reference) = &keywords.unresolved_reference {
            ways.push(vec![Fact::Doubt(Reason::UnresolvedReference(reference.clone()))]);
        }
        if let Some(values) = &keywords.enum_values {
            ways.push(outside(values, of));
        }
        if let Some(value) = &keywords.const_value {
            ways.push(outside(std::slice::from_ref(value), of));
        }
        let yes = |id| Fact::Literal(Literal::Schema { side, id, demand: Demand::Valid });
        let no = |id| Fact::Literal(Literal::Schema { side, id, demand: Demand::Invalid });
        match of {
            Type::Null | Type::Boolean => {}
            Type::Number => {
                let bounds = |bound, fact: fn(&'s _, _) -> Fact<'s>, inclusive| {
                    bound_fact(bound, fact, inclusive).map(|fact| vec![fact])
                };
                ways.extend(bounds(keywords.minimum.as_ref(), Fact::AtMost, Inclusive::No));
                ways.extend(bounds(keywords.exclusive_minimum.as_ref(), Fact::AtMost, Inclusive::Yes));
                ways.extend(bounds(keywords.maximum.as_ref(), Fact::AtLeast, Inclusive::No));
                ways.extend(bounds(keywords.exclusive_maximum.as_ref(), Fact::AtLeast, Inclusive::Yes));
                ways.extend(keywords.multiple_of.as_ref().map(|divisor| vec![Fact::NoMultipleOf(divisor)]));
            }
            Type::String => {
                ways.extend(other_sizes(keywords.min_length, keywords.max_length));
                if let Some(pattern) = &keywords.pattern {
                    ways.push(vec![Fact::Pattern(self.languages.id(pattern), false)]);
                }
            }
            Type::Array => self.refused_array(side, id, keywords, &mut ways),
            Type::Object => self.refused_object(side, id, keywords, &mut ways),
        }
        let references = [keywords.reference, keywords.dynamic_reference];
        ways.extend(references.into_iter().flatten().chain(keywords.all_of.iter().copied()).map(|id| vec![no(id)]));
        if !keywords.any_of.is_empty() {
            ways.push(keywords.any_of.iter().map(|&id| no(id)).collect());
        }
        if !keywords.one_of.is_empty() {
            ways.push(keywords.one_of.iter().map(|&id| no(id)).collect());
            if keywords.one_of.len() > MAX_PAIRS_OF {
                ways.push(vec![Fact::Doubt(Reason::TooManyAlternatives)]);
            } else {
                for (index, &first) in keywords.one_of.iter().enumerate() {
                    ways.extend(keywords.one_of[..index].iter().map(|&second| vec![yes(second), yes(first)]));
                }
            }
        }
        ways.extend(keywords.not.map(|id| vec![yes(id)]));
        if let Some(condition) = keywords.if_schema {
            ways.extend(keywords.then_schema.map(|id| vec![yes(condition), no(id)]));
            ways.extend(keywords.else_schema.map(|id| vec![no(condition), no(id)]));
        }
        Some(ways)
    }

    fn refused_array(&mut self, side: Side, id: SchemaId, keywords: &'s Keywords, ways: &mut Vec<Vec<Fact<'s>>>) {
        let yes = |id| Literal::Schema { side, id, demand: Demand::Valid };
        let no = |id| Literal::Schema { side, id, demand: Demand::Invalid };
        ways.extend(other_sizes(keywords.min_items, keywords.max_items));
        if keywords.unique_items {
            ways.push(vec![Fact::Twins]);
        }
        for (index, &id) in keywords.prefix_items.iter().enumerate() {
            ways.push(vec![Fact::Size(index as u64 + 1, u64::MAX), Fact::Item(index, no(id))]);
        }
        let behind = keywords.prefix_items.len();
        if let Some(id) = keywords.items {
            ways.push(vec![Fact::Size(behind as u64 + 1, u64::MAX), Fact::SomeItem(behind, no(id))]);
        }
        if let Some(contains) = keywords.contains {
            if let Some(fewer) = keywords.min_contains.unwrap_or(1).checked_sub(1) {
                ways.push(vec![Fact::FewItems(fewer, no(contains))]);
            }
            if let Some(more) = keywords.max_contains.and_then(|most| most.checked_add(1)) {
                ways.push(vec![Fact::Items(more, yes(contains))]);
            }
        }
        if let Some(rest) = keywords.unevaluated_items {
            let evaluating = self.in_place(side, id, Reach::Certain);
            if !evaluating.iter().any(|other| other.items.is_some()) {
                let behind = evaluating.iter().map(|other| other.prefix_items.len()).max().unwrap_or(0);
                ways.push(vec![
                    Fact::Size(behind as u64 + 1, u64::MAX),
                    Fact::SomeItem(behind, no(rest)),
                    Fact::About(Reason::Keyword("unevaluatedItems")),
                ]);
            }
        }
    }

    fn refused_object(&mut self, side: Side, id: SchemaId, keywords: &'s Keywords, ways: &mut Vec<Vec<Fact<'s>>>) {
        let no = |id| Literal::Schema { side, id, demand: Demand::Invalid };
        let present = Fact::Size(1, u64::MAX);
        for name in &keywords.required {
            ways.push(vec![Fact::Absent(self.name(name))]);
        }
        ways.extend(other_sizes(keywords.min_properties, keywords.max_properties));
        for (name, &id) in &keywords.properties {
            ways.push(vec![Fact::Member(self.name(name), no(self.schemas(side).follow(id)))]);
        }
        for (pattern, &id) in &keywords.pattern_properties {
            let pattern = Some(self.languages.id(pattern));
            let someone = Someone { pattern, value: Some(no(id)), ..Someone::default() };
            ways.push(vec![present.clone(), Fact::Someone(Rc::new(someone))]);
        }
        if let Some(id) = keywords.additional_properties {
            let someone = Someone { unmentioned: vec![keywords], value: Some(no(id)), ..Someone::default() };
            ways.push(vec![present.clone(), Fact::Someone(Rc::new(someone))]);
        }
        if let Some(id) = keywords.property_names {
            let someone = Someone { name: Some(no(id)), ..Someone::default() };
            ways.push(vec![present.clone(), Fact::Someone(Rc::new(someone))]);
        }
        for (trigger, needed) in &keywords.dependent_required {
            let trigger = Fact::Present(self.name(trigger));
            for name in needed {
                ways.push(vec![trigger.clone(), Fact::Absent(self.name(name))]);
            }
        }
        for (trigger, &id) in &keywords.dependent_schemas {
            ways.push(vec![Fact::Present(self.name(trigger)), Fact::Literal(no(id))]);
        }
        if let Some(rest) = keywords.unevaluated_properties {
            let evaluating = self.in_place(side, id, Reach::Certain);
            if !evaluating.iter().any(|other| other.additional_properties.is_some()) {
                let someone = Someone { unmentioned: evaluating, value: Some(no(rest)), ..Someone::default() };
                let about = Fact::About(Reason::Keyword("unevaluatedProperties"));
                ways.push(vec![present, Fact::Someone(Rc::new(someone)), about]);
            }
        }
    }

    /// What makes the value another than `value`, which is of the branch's type.
    pub(super) fn other_than(&mut self, value: &Shared) -> Fact<'s> {
        match &value.kind {
            Kind::Null => Fact::Never,
            Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => Fact::Outside(value.clone()),
            Kind::Array(items) => {
                let mut ways: Vec<_> = other_sizes(Some(items.len() as u64), Some(items.len() as u64)).collect();
                for (index, item) in items.iter().enumerate() {
                    let outside = self.outside(std::slice::from_ref(item));
                    ways.push(vec![Fact::Size(index as u64 + 1, u64::MAX), Fact::Item(index, outside)]);
                }
                Fact::Choice(Choice { alternatives: ways, subject: Subject::Refusal })
            }
            Kind::Object(members) => {
                let names: Vec<_> = members.iter().map(|(name, _)| self.name(name)).collect();
                let mut ways: Vec<_> = names.iter().map(|&name| vec![Fact::Absent(name)]).collect();
                for (&name, (_, member)) in names.iter().zip(members) {
                    ways.push(vec![Fact::Member(name, self.outside(std::slice::from_ref(member)))]);
                }
                let someone = Someone { other_than: names, ..Someone::default() };
                ways.push(vec![Fact::Size(1, u64::MAX), Fact::Someone(Rc::new(someone))]);
                Fact::Choice(Choice { alternatives: ways, subject: Subject::Refusal })
            }
        }
    }

    /// The schemas that look at the same value: all that may, or only those that do whenever this one accepts it.
    pub(super) fn in_place(&self, side: Side, id: SchemaId, reach: Reach) -> Vec<&'s Keywords> {
        let schemas = self.schemas(side);
        let (mut found, mut seen, mut open) = (Vec::new(), HashSet::new(), vec![id]);
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            let SchemaKind::Object(keywords) = &schemas[id].kind else { continue };
            open.extend(certain(keywords));
            if reach == Reach::Possible {
                open.extend(possible(keywords));
            }
            found.push(&**keywords);
        }
        found
    }

    /// Whether a schema leads to itself on the same value.
    pub(super) fn refers_to_itself(&mut self, side: Side, id: SchemaId) -> bool {
        let schemas = self.schemas(side);
        let (mut seen, mut open) = (HashSet::new(), vec![id]);
        while let Some(here) = open.pop() {
            self.note(1);
            let SchemaKind::Object(keywords) = &schemas[here].kind else { continue };
            for next in certain(keywords).chain(possible(keywords)).chain(keywords.not) {
                let next = schemas.follow(next);
                if next == id {
                    return true;
                }
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        false
    }
}

/// The schemas that accept a value whenever this one does.
fn certain(keywords: &Keywords) -> impl Iterator<Item = SchemaId> {
    [keywords.reference, keywords.dynamic_reference].into_iter().flatten().chain(keywords.all_of.iter().copied())
}

/// The schemas that may have to accept a value for this one to do so.
fn possible(keywords: &Keywords) -> impl Iterator<Item = SchemaId> {
    let lists = keywords.any_of.iter().chain(&keywords.one_of).chain(keywords.dependent_schemas.values());
    lists.copied().chain([keywords.if_schema, keywords.then_schema, keywords.else_schema].into_iter().flatten())
}

/// Which schemas [`Search::in_place`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Possible,
    Certain,
}

/// Which values of a type the keyword `type` lets pass.
pub(super) enum Accepts {
    No,
    Integers,
    Yes,
}

pub(super) fn accepts_type(keywords: &Keywords, of: Type) -> Accepts {
    let Some(types) = &keywords.types else { return Accepts::Yes };
    let named = match of {
        Type::Null => JsonType::Null,
        Type::Boolean => JsonType::Boolean,
        Type::Number => JsonType::Number,
        Type::String => JsonType::String,
        Type::Array => JsonType::Array,
        Type::Object => JsonType::Object,
    };
    if types.contains(&named) {
        Accepts::Yes
    } else if of == Type::Number && types.contains(&JsonType::Integer) {
        Accepts::Integers
    } else {
        Accepts::No
    }
}

/// Whether any name of a member is mentioned.
pub(super) fn mentions_members(keywords: &Keywords) -> bool {
    !keywords.properties.is_empty() || !keywords.pattern_properties.is_empty()
}

/// The type of a value.
pub(super) fn type_of(node: &Node) -> Type {
    match &node.value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Boolean,
        Value::Number(_) => Type::Number,
        Value::String(_) => Type::String,
        Value::Array(_) => Type::Array,
        Value::Object(_) => Type::Object,
    }
}

fn choice(alternatives: Vec<Vec<Fact<'_>>>) -> Fact<'_> {
    Fact::Choice(Choice { alternatives, subject: Subject::Being })
}

fn dependency<'s>(without: Fact<'s>, with: Vec<Fact<'s>>) -> Fact<'s> {
    Fact::Choice(Choice { alternatives: vec![vec![without], with], subject: Subject::Dependency })
}

fn bound_fact<'s, N>(
    bound: Option<&'s N>,
    fact: fn(&'s N, Inclusive) -> Fact<'s>,
    inclusive: Inclusive,
) -> Option<Fact<'s>> {
    bound.map(|bound| fact(bound, inclusive))
}

fn size<'s>(least: Option<u64>, most: Option<u64>) -> Option<Fact<'s>> {
    (least.is_some() || most.is_some()).then(|| Fact::Size(least.unwrap_or(0), most.unwrap_or(u64::MAX)))
}

/// The sizes outside of a range.
fn other_sizes<'s>(least: Option<u64>, most: Option<u64>) -> impl Iterator<Item = Vec<Fact<'s>>> {
    let fewer = least.and_then(|least| least.checked_sub(1)).map(|most| vec![Fact::Size(0, most)]);
    let more = most.and_then(|most| most.checked_add(1)).map(|least| vec![Fact::Size(least, u64::MAX)]);
    fewer.into_iter().chain(more)
}

/// None of the values, of those of one type.
fn outside<'s>(values: &[Node], of: Type) -> Vec<Fact<'s>> {
    values.iter().filter(|value| type_of(value) == of).map(|value| Fact::Outside(Sample::of(value))).collect()
}
