//! Schemas as data: what Rust's types cannot say, the generator writes as a `static` [`Rule`], and values are checked
//! by walking it. In comes a JSON value, out comes whether the rule accepts it and, where not, the place in the value,
//! the keyword that it breaks and what was found there.
//!
//! `evaluate.rs` decides, `assert.rs` has the rules that look at a value alone, `explain.rs` finds the words.

mod assert;
mod evaluate;
mod evaluated;
mod explain;

use serde::Serialize;
use serde_json::Value;

use super::check::{Invalid, Pattern};
use super::decimal::Decimal;
use super::json::Json;
use evaluate::Run;

/// What generated rules are written with.
pub mod rules {
    pub use super::{Kind, Marks, Rule};
    pub use crate::__pattern as pattern;
    pub use crate::codegen::json::Json;
}

/// The type of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// A boolean.
    Boolean,
    /// A number without a fractional part: `1.0` is one.
    Integer,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// What a schema demands of a value. Rules for another JSON type than the value's hold, as in JSON Schema.
#[derive(Debug)]
pub enum Rule {
    /// The schema `true`.
    Anything,
    /// The schema `false`.
    Nothing,
    /// Every one of them: the keywords of one schema, or `allOf`.
    All(&'static [Rule]),
    /// `anyOf`
    AnyOf(&'static [Rule]),
    /// `oneOf`
    OneOf(&'static [Rule]),
    /// `not`
    Not(&'static Rule),
    /// `if`, `then` and `else`.
    If {
        /// Whether this holds decides.
        condition: &'static Rule,
        /// What then must hold.
        then: &'static Rule,
        /// What else must hold.
        otherwise: &'static Rule,
    },
    /// `type`
    Type(&'static [Kind]),
    /// `enum`; `const` with one value.
    Values(&'static [Json]),
    /// `minLength` and `maxLength`, in Unicode scalar values.
    Length {
        /// The fewest.
        min: u64,
        /// The most.
        max: u64,
    },
    /// `pattern`
    Pattern(&'static Pattern),
    /// `minimum`; see [`Rule::minimum`].
    Minimum(Decimal),
    /// `maximum`; see [`Rule::maximum`].
    Maximum(Decimal),
    /// `exclusiveMinimum`; see [`Rule::above`].
    Above(Decimal),
    /// `exclusiveMaximum`; see [`Rule::below`].
    Below(Decimal),
    /// `multipleOf`; see [`Rule::multiple_of`].
    MultipleOf(Decimal),
    /// `prefixItems` and `items`; in older drafts `items` and `additionalItems`.
    Items {
        /// Of the first items, each its own.
        prefix: &'static [Rule],
        /// Of all others; none where no keyword speaks of them.
        rest: Option<&'static Rule>,
    },
    /// `minItems` and `maxItems`.
    ItemCount {
        /// The fewest.
        min: u64,
        /// The most.
        max: u64,
    },
    /// `uniqueItems`
    UniqueItems,
    /// `contains`, `minContains` and `maxContains`.
    Contains {
        /// What is looked for.
        rule: &'static Rule,
        /// The fewest; 1 where the document says nothing.
        min: u64,
        /// The most.
        max: u64,
        /// Whether `unevaluatedItems` counts those found.
        marks: Marks,
    },
    /// `properties`, `patternProperties` and `additionalProperties`.
    Members {
        /// By name.
        properties: &'static [(&'static str, Rule)],
        /// By pattern of the name.
        patterns: &'static [(&'static Pattern, Rule)],
        /// Of all others; none where no keyword speaks of them.
        additional: Option<&'static Rule>,
    },
    /// `required`
    Required(&'static [&'static str]),
    /// `minProperties` and `maxProperties`.
    MemberCount {
        /// The fewest.
        min: u64,
        /// The most.
        max: u64,
    },
    /// `propertyNames`
    Names(&'static Rule),
    /// `dependentSchemas`, `dependentRequired` and `dependencies`: what holds for the object that has the member.
    Dependent(&'static [(&'static str, Rule)]),
    /// `unevaluatedProperties`: of members that the rules beside it in [`Rule::All`] have not looked at.
    UnevaluatedMembers(&'static Rule),
    /// `unevaluatedItems`: of items that the rules beside it in [`Rule::All`] have not looked at.
    UnevaluatedItems(&'static Rule),
    /// Another `static`: how references and recursion are written.
    See(&'static Rule),
}

/// Whether an item that `contains` finds counts as evaluated: since 2020-12 it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marks {
    /// It counts (2020-12).
    Evaluated,
    /// It does not (earlier drafts).
    Nothing,
}

impl Rule {
    /// `minimum`, as the document spells it.
    pub const fn minimum(number: &str) -> Rule {
        Rule::Minimum(stated(number))
    }

    /// `maximum`, as the document spells it.
    pub const fn maximum(number: &str) -> Rule {
        Rule::Maximum(stated(number))
    }

    /// `exclusiveMinimum`, as the document spells it.
    pub const fn above(number: &str) -> Rule {
        Rule::Above(stated(number))
    }

    /// `exclusiveMaximum`, as the document spells it.
    pub const fn below(number: &str) -> Rule {
        Rule::Below(stated(number))
    }

    /// `multipleOf`, as the document spells it.
    pub const fn multiple_of(number: &str) -> Rule {
        Rule::MultipleOf(stated(number))
    }

    /// `properties` alone.
    pub const fn properties(properties: &'static [(&'static str, Rule)]) -> Rule {
        Rule::Members { properties, patterns: &[], additional: None }
    }

    /// `items` alone.
    pub const fn items(rule: &'static Rule) -> Rule {
        Rule::Items { prefix: &[], rest: Some(rule) }
    }

    /// `contains` alone.
    pub const fn contains(rule: &'static Rule) -> Rule {
        Rule::Contains { rule, min: 1, max: u64::MAX, marks: Marks::Evaluated }
    }

    /// Whether a value is accepted.
    pub fn accepts(&self, value: &Value) -> bool {
        Run::default().accepts(self, value)
    }

    /// Checks a value.
    ///
    /// # Errors
    /// When it is not accepted: where, why and by which keyword.
    pub fn check(&self, value: &Value) -> Result<(), Invalid> {
        let mut run = Run::default();
        if run.accepts(self, value) { Ok(()) } else { Err(run.explain(self, value)) }
    }

    /// Which of several rules accept a value, by their indices.
    pub(super) fn accepting<'r>(rules: impl Iterator<Item = &'r Rule>, value: &Value) -> Vec<usize> {
        let mut run = Run::default();
        rules.enumerate().filter(|(_, rule)| run.accepts(rule, value)).map(|(index, _)| index).collect()
    }

    /// The nearest of several rules, none of which accepts the value, and what it complains of.
    pub(super) fn nearest(rules: &[&Rule], value: &Value) -> (Option<usize>, Invalid) {
        Run::default().explain_alternatives(rules, value)
    }
}

/// A number that the generator took from the document. One that is none is an error of the compiler.
const fn stated(number: &str) -> Decimal {
    let number = Decimal::parse(number);
    assert!(number.is_finite(), "not a number");
    number
}

/// Checks what a value is as JSON.
///
/// # Errors
/// When the rule does not accept it, or it cannot be written as JSON.
pub fn check_rule<T: Serialize + ?Sized>(value: &T, rule: &Rule) -> Result<(), Invalid> {
    let value = serde_json::to_value(value).map_err(|error| Invalid::new(error.to_string()))?;
    rule.check(&value)
}

/// A pattern that rules refer to: a `static` of its own, where one is needed.
#[doc(hidden)]
#[macro_export]
macro_rules! __pattern {
    ($text:literal) => {{
        static PATTERN: $crate::codegen::Pattern = $crate::codegen::Pattern::new($text);
        &PATTERN
    }};
}
