//! One branch of a search: facts about a value of one JSON type, and the choices that are still open.

use std::rc::Rc;

use super::goal::{Literal, Side, Type};
use super::language::PatternId;
use super::number::Numbers;
use super::outcome::Reason;
use super::sample::Shared;
use crate::schema::Keywords;
use crate::source::{Node, Number};

/// The name of a member, as a [`super::search::Search`] numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name(pub(super) u32);

/// Something that must hold of the value.
#[derive(Clone, Debug)]
pub(super) enum Fact<'s> {
    /// Another demand on the same value.
    Literal(Literal),
    /// One of these alternatives.
    Choice(Choice<'s>),
    /// Nothing fulfils it.
    Never,
    /// It cannot be said whether something fulfils it.
    Doubt(Reason),
    /// One of these values.
    OneOf(&'s [Node]),
    /// None of these values (only those of the branch's type are given).
    Outside(Shared),
    /// Characters, items or members.
    Size(u64, u64),
    Integer,
    Fraction,
    AtLeast(&'s Number, Inclusive),
    AtMost(&'s Number, Inclusive),
    MultipleOf(&'s Number),
    NoMultipleOf(&'s Number),
    Pattern(PatternId, bool),
    /// What a schema says of an array's items, or an object's members.
    Row(Row<'s>),
    /// An item at this index.
    Item(usize, Literal),
    /// Some item at this index or behind it.
    SomeItem(usize, Literal),
    /// So many items.
    Items(u64, Literal),
    /// At most so many items.
    FewItems(u64, Literal),
    /// No two items are equal.
    Unique,
    /// Two items are equal.
    Twins,
    Present(Name),
    Absent(Name),
    /// A member, which is there.
    Member(Name, Literal),
    /// Some member.
    Someone(Rc<Someone<'s>>),
    /// Every member's name.
    Names(Literal),
    /// The facts before are more than what is demanded, or less, for this reason.
    About(Reason),
}

/// Whether an end of an interval belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inclusive {
    Yes,
    No,
}

/// Alternatives, of which one must hold.
#[derive(Clone, Debug)]
pub(super) struct Choice<'s> {
    pub(super) alternatives: Vec<Vec<Fact<'s>>>,
    pub(super) subject: Subject,
}

/// What a choice is about, in the order in which choices are taken: what says most of the value comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// What it is: `anyOf`, `oneOf`, `if`.
    Being,
    /// In which way something refuses it.
    Refusal,
    /// What there is beside a member.
    Dependency,
}

/// What applies to every item or member.
#[derive(Clone, Debug)]
pub(super) enum Row<'s> {
    /// `prefixItems` and `items`, or `properties`, `patternProperties` and `additionalProperties`.
    Schema { side: Side, declared: bool, keywords: &'s Keywords },
    /// Members and items that none of the schemas mentions.
    Rest { mentioned: Rc<Vec<&'s Keywords>>, rest: Option<Literal> },
    /// Each item.
    Every(Literal),
}

/// A member that must exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Someone<'s> {
    /// Its name is none that these schemas mention in `properties` or `patternProperties`.
    pub(super) unmentioned: Vec<&'s Keywords>,
    /// Its name matches.
    pub(super) pattern: Option<PatternId>,
    /// Its name is none of these.
    pub(super) other_than: Vec<Name>,
    /// What its name is.
    pub(super) name: Option<Literal>,
    /// What it is.
    pub(super) value: Option<Literal>,
}

/// What is known of the value.
#[derive(Clone, Debug)]
pub(super) struct Facts<'s> {
    pub(super) size: (u64, u64),
    pub(super) numbers: Numbers<'s>,
    pub(super) patterns: Vec<(PatternId, bool)>,
    pub(super) outside: Vec<Shared>,
    pub(super) rows: Vec<Row<'s>>,
    pub(super) items: Vec<ItemFact>,
    pub(super) few_items: Vec<(u64, Literal)>,
    pub(super) unique: bool,
    pub(super) twins: bool,
    pub(super) present: Vec<Name>,
    pub(super) absent: Vec<Name>,
    pub(super) members: Vec<(Name, Literal)>,
    pub(super) someone: Vec<Rc<Someone<'s>>>,
    pub(super) names: Vec<Literal>,
    /// Why what is found may have to be checked again.
    pub(super) about: Option<Reason>,
}

/// An item that must exist.
#[derive(Clone, Copy, Debug)]
pub(super) struct ItemFact {
    /// At this index, or not before it.
    pub(super) index: usize,
    /// Whether it is at that very index.
    pub(super) exactly: bool,
    /// Items of one group are different ones.
    pub(super) group: Option<u32>,
    pub(super) literal: Literal,
}

impl Default for Facts<'_> {
    fn default() -> Self {
        Facts {
            size: (0, u64::MAX),
            numbers: Numbers::default(),
            patterns: Vec::new(),
            outside: Vec::new(),
            rows: Vec::new(),
            items: Vec::new(),
            few_items: Vec::new(),
            unique: false,
            twins: false,
            present: Vec::new(),
            absent: Vec::new(),
            members: Vec::new(),
            someone: Vec::new(),
            names: Vec::new(),
            about: None,
        }
    }
}

/// A branch.
#[derive(Clone, Debug)]
pub(super) struct Branch<'s> {
    pub(super) json_type: Type,
    pub(super) facts: Facts<'s>,
    pub(super) open: Vec<Choice<'s>>,
    /// Demands that are part of the facts already.
    pub(super) seen: Vec<Literal>,
    /// The value is one of these.
    pub(super) one_of: Option<&'s [Node]>,
    /// The branch cannot be decided.
    pub(super) doubt: Option<Reason>,
}

impl Branch<'_> {
    pub(super) fn new(json_type: Type) -> Self {
        Branch { json_type, facts: Facts::default(), open: Vec::new(), seen: Vec::new(), one_of: None, doubt: None }
    }
}

impl<'s> Facts<'s> {
    /// Adds a fact that needs no expansion; `false` when it contradicts those that are there.
    pub(super) fn add(&mut self, fact: Fact<'s>) -> bool {
        match fact {
            Fact::Size(least, most) => {
                self.size = (self.size.0.max(least), self.size.1.min(most));
                return self.size.0 <= self.size.1;
            }
            Fact::Outside(value) => self.outside.push(value),
            Fact::Integer => self.numbers.integer(),
            Fact::Fraction => self.numbers.fraction(),
            Fact::AtLeast(at, inclusive) => self.numbers.at_least(at, inclusive == Inclusive::Yes),
            Fact::AtMost(at, inclusive) => self.numbers.at_most(at, inclusive == Inclusive::Yes),
            Fact::MultipleOf(divisor) => self.numbers.multiple_of(divisor),
            Fact::NoMultipleOf(divisor) => self.numbers.no_multiple_of(divisor),
            Fact::Pattern(pattern, holds) => {
                if self.patterns.contains(&(pattern, !holds)) {
                    return false;
                }
                if !self.patterns.contains(&(pattern, holds)) {
                    self.patterns.push((pattern, holds));
                }
            }
            Fact::Row(row) => self.rows.push(row),
            Fact::Item(index, literal) => {
                self.items.push(ItemFact { index, exactly: true, group: None, literal });
            }
            Fact::SomeItem(index, literal) => {
                self.items.push(ItemFact { index, exactly: false, group: None, literal });
            }
            Fact::Items(count, literal) => {
                // More than an array of reasonable size has is decided by its size.
                self.size.0 = self.size.0.max(count);
                let group = Some(self.items.len() as u32);
                let copies = count.min(MAX_COPIES);
                if copies < count {
                    self.about = Some(Reason::TooLarge);
                }
                self.items.extend((0..copies).map(|_| ItemFact { index: 0, exactly: false, group, literal }));
                return self.size.0 <= self.size.1;
            }
            Fact::FewItems(0, literal) => self.rows.push(Row::Every(literal)),
            Fact::FewItems(most, literal) => {
                self.few_items.push((most, literal));
                self.about.get_or_insert(Reason::Keyword("maxContains"));
            }
            Fact::Unique => self.unique = true,
            Fact::Twins => {
                self.twins = true;
                self.size.0 = self.size.0.max(2);
                return self.size.0 <= self.size.1;
            }
            Fact::Present(name) => {
                if !self.present.contains(&name) {
                    self.present.push(name);
                }
                return !self.absent.contains(&name);
            }
            Fact::Absent(name) => {
                if !self.absent.contains(&name) {
                    self.absent.push(name);
                }
                return !self.present.contains(&name);
            }
            Fact::Member(name, literal) => {
                self.members.push((name, literal));
                return self.add(Fact::Present(name));
            }
            Fact::Someone(someone) => self.someone.push(someone),
            Fact::Names(literal) => self.names.push(literal),
            Fact::About(reason) => self.about = Some(reason),
            Fact::Never => return false,
            // Taken apart by the search.
            Fact::Literal(_) | Fact::Choice(_) | Fact::Doubt(_) | Fact::OneOf(_) => {}
        }
        true
    }
}

/// Items that `minContains` asks for one by one.
const MAX_COPIES: u64 = 64;
