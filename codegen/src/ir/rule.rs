//! Rules: what a value must be where its type cannot say it, as data that generated code hands to the runtime.
//!
//! One for every keyword of JSON Schema that restricts, with the schemas inside as rules in turn. A rule that is
//! referred to, or that contains itself, stands in [`super::Types`] under a name.

use std::collections::BTreeSet;

use event_api_spec::schema::JsonType;
use serde_json::Value;

/// A named rule of a [`super::Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RuleId(pub(crate) usize);

/// A rule with a name.
#[derive(Clone, Debug)]
pub(crate) struct NamedRule {
    /// The static's name: `ORDER`.
    pub(crate) name: String,
    /// What it says.
    pub(crate) rule: Rule,
}

/// What a value must be. A rule about one JSON type holds for values of all others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    /// `true`
    Anything,
    /// `false`
    Nothing,
    /// `allOf`, and the keywords of one schema
    All(Vec<Rule>),
    /// `anyOf`
    AnyOf(Vec<Rule>),
    /// `oneOf`
    OneOf(Vec<Rule>),
    /// `not`
    Not(Box<Rule>),
    /// `if`, `then`, `else`
    If { condition: Box<Rule>, then: Box<Rule>, otherwise: Box<Rule> },
    /// `type`
    Type(Vec<JsonType>),
    /// `enum` and `const`
    Values(Vec<Value>),
    /// `minLength` and `maxLength`
    Length { min: u64, max: Option<u64> },
    /// `pattern`
    Pattern(String),
    /// `minimum`, `maximum` and their exclusive forms, as written
    Bounds { min: Option<String>, max: Option<String>, above: Option<String>, below: Option<String> },
    /// `multipleOf`, as written
    MultipleOf(String),
    /// `prefixItems` and `items`
    Items { prefix: Vec<Rule>, rest: Option<Box<Rule>> },
    /// `minItems` and `maxItems`
    ItemCount { min: u64, max: Option<u64> },
    /// `uniqueItems`
    UniqueItems,
    /// `contains`; whether the items that match count as evaluated
    Contains { rule: Box<Rule>, min: u64, max: Option<u64>, evaluates: bool },
    /// `properties`, `patternProperties`, `additionalProperties`
    Members { properties: Vec<(String, Rule)>, patterns: Vec<(String, Rule)>, additional: Option<Box<Rule>> },
    /// `required`
    Required(Vec<String>),
    /// `minProperties` and `maxProperties`
    MemberCount { min: u64, max: Option<u64> },
    /// `propertyNames`
    Names(Box<Rule>),
    /// `dependentSchemas` and `dependentRequired`
    Dependent(Vec<(String, Rule)>),
    /// `unevaluatedProperties`
    UnevaluatedMembers(Box<Rule>),
    /// `unevaluatedItems`
    UnevaluatedItems(Box<Rule>),
    /// A named rule.
    See(RuleId),
}

impl Rule {
    /// All of them, in the simplest form.
    pub(crate) fn all(rules: impl IntoIterator<Item = Rule>) -> Rule {
        let mut all = Vec::new();
        for rule in rules {
            match rule {
                Rule::Anything => {}
                Rule::Nothing => return Rule::Nothing,
                // What has been evaluated is a matter of one schema, so those that ask for it stay together.
                Rule::All(inner) if !inner.iter().any(Rule::asks_what_is_evaluated) => all.extend(inner),
                rule => all.push(rule),
            }
        }
        match all.len() {
            0 => Rule::Anything,
            1 if !all[0].asks_what_is_evaluated() => all.remove(0),
            _ => Rule::All(all),
        }
    }

    fn asks_what_is_evaluated(&self) -> bool {
        matches!(self, Rule::UnevaluatedMembers(_) | Rule::UnevaluatedItems(_))
    }

    /// The rules directly inside.
    pub(crate) fn parts(&self) -> Vec<&Rule> {
        match self {
            Rule::All(rules) | Rule::AnyOf(rules) | Rule::OneOf(rules) => rules.iter().collect(),
            Rule::Not(rule) | Rule::Names(rule) | Rule::UnevaluatedMembers(rule) | Rule::UnevaluatedItems(rule) => {
                vec![&**rule]
            }
            Rule::Contains { rule, .. } => vec![&**rule],
            Rule::If { condition, then, otherwise } => vec![&**condition, &**then, &**otherwise],
            Rule::Items { prefix, rest } => prefix.iter().chain(rest.as_deref()).collect(),
            Rule::Members { properties, patterns, additional } => {
                let named = properties.iter().chain(patterns).map(|(_, rule)| rule);
                named.chain(additional.as_deref()).collect()
            }
            Rule::Dependent(rules) => rules.iter().map(|(_, rule)| rule).collect(),
            _ => Vec::new(),
        }
    }

    /// Itself with all references leading to the same place, and where they led, in their order: two rules are alike
    /// when the one is, and what the others lead to.
    pub(crate) fn without_references(&self) -> (Rule, Vec<RuleId>) {
        let (mut rule, mut references) = (self.clone(), Vec::new());
        rule.take_references(&mut references);
        (rule, references)
    }

    fn take_references(&mut self, references: &mut Vec<RuleId>) {
        match self {
            Rule::See(id) => references.push(std::mem::replace(id, RuleId(0))),
            Rule::All(rules) | Rule::AnyOf(rules) | Rule::OneOf(rules) => {
                rules.iter_mut().for_each(|rule| rule.take_references(references));
            }
            Rule::Not(rule)
            | Rule::Names(rule)
            | Rule::UnevaluatedMembers(rule)
            | Rule::UnevaluatedItems(rule)
            | Rule::Contains { rule, .. } => rule.take_references(references),
            Rule::If { condition, then, otherwise } => {
                [condition, then, otherwise].into_iter().for_each(|rule| rule.take_references(references));
            }
            Rule::Items { prefix, rest } => {
                prefix.iter_mut().chain(rest.as_deref_mut()).for_each(|rule| rule.take_references(references));
            }
            Rule::Members { properties, patterns, additional } => {
                let named = properties.iter_mut().chain(patterns).map(|(_, rule)| rule);
                named.chain(additional.as_deref_mut()).for_each(|rule| rule.take_references(references));
            }
            Rule::Dependent(rules) => rules.iter_mut().for_each(|(_, rule)| rule.take_references(references)),
            _ => {}
        }
    }

    /// The keywords that it stands for, in a fixed order, for its documentation.
    pub(crate) fn keywords(&self) -> BTreeSet<&'static str> {
        let mut found = BTreeSet::new();
        let name = match self {
            Rule::All(rules) => {
                rules.iter().for_each(|rule| found.extend(rule.keywords()));
                return found;
            }
            Rule::Anything | Rule::Nothing | Rule::See(_) => return found,
            Rule::AnyOf(_) => "anyOf",
            Rule::OneOf(_) => "oneOf",
            Rule::Not(_) => "not",
            Rule::If { .. } => "if",
            Rule::Type(_) => "type",
            Rule::Values(_) => "enum",
            Rule::Length { min: 0, .. } => "maxLength",
            Rule::Length { .. } => "minLength",
            Rule::Pattern(_) => "pattern",
            Rule::Bounds { .. } => "minimum",
            Rule::MultipleOf(_) => "multipleOf",
            Rule::Items { .. } => "items",
            Rule::ItemCount { min: 0, .. } => "maxItems",
            Rule::ItemCount { .. } => "minItems",
            Rule::UniqueItems => "uniqueItems",
            Rule::Contains { .. } => "contains",
            Rule::Members { patterns, .. } if !patterns.is_empty() => "patternProperties",
            Rule::Members { .. } => "properties",
            Rule::Required(_) => "required",
            Rule::MemberCount { min: 0, .. } => "maxProperties",
            Rule::MemberCount { .. } => "minProperties",
            Rule::Names(_) => "propertyNames",
            Rule::Dependent(_) => "dependencies",
            Rule::UnevaluatedMembers(_) => "unevaluatedProperties",
            Rule::UnevaluatedItems(_) => "unevaluatedItems",
        };
        found.insert(name);
        found
    }
}
