//! From schemas to rules: a schema with everything below it as data, for what a type cannot say.
//!
//! A schema that is referred to becomes a named rule, once, so shared and recursive references cost nothing extra.

use std::collections::HashMap;

use event_api_spec::schema::{Dialect, JsonType, Keywords, SchemaId, SchemaKind};
use event_api_spec::{Node, Number};

use super::conjunction::Conjunction;
use super::names::{Scope, constant_name};
use super::scalar::plain;
use super::types::Lowering;
use crate::ir::{NamedRule, Rule, RuleId};

/// The named rules so far.
#[derive(Default)]
pub(super) struct Rules {
    scope: Scope,
    known: HashMap<(SchemaId, Reading), RuleId>,
}

/// How a schema without `type` is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reading {
    /// By itself: its keywords imply a type if they all belong to one.
    Alone,
    /// Beside others that say of which types the value is.
    Typed,
    /// The value is known to be of this type.
    Of(JsonType),
}

impl Lowering<'_> {
    /// The rule that a schema stands for.
    pub(super) fn rule(&mut self, schema: SchemaId, reading: Reading) -> Rule {
        let schemas = self.schemas;
        match &schemas[schema].kind {
            SchemaKind::Bool(true) => Rule::Anything,
            SchemaKind::Bool(false) => Rule::Nothing,
            SchemaKind::Object(k) => match k.reference {
                Some(target) if k.is_bare_reference() => self.see(target, reading),
                _ => self.rule_of_keywords(schema, k, reading),
            },
        }
    }

    /// A reference to the rule of a schema.
    fn see(&mut self, schema: SchemaId, reading: Reading) -> Rule {
        let schemas = self.schemas;
        let keywords = match &schemas[schema].kind {
            SchemaKind::Bool(_) => return self.rule(schema, reading),
            SchemaKind::Object(keywords) => keywords,
        };
        if let Some(id) = self.rules.known.get(&(schema, reading)) {
            return match &self.types.rules[id.0].rule {
                rule @ Rule::Type(_) => rule.clone(),
                _ => Rule::See(*id),
            };
        }
        let name = self.name_of(schema).unwrap_or_else(|| "rule".to_owned());
        // In place before it is built: it may refer to itself.
        let id = self.add_rule(&name, Rule::Anything);
        self.rules.known.insert((schema, reading), id);
        let rule = match keywords.reference {
            Some(target) if keywords.is_bare_reference() => self.see(target, reading),
            _ => self.rule_of_keywords(schema, keywords, reading),
        };
        self.types.rules[id.0].rule = rule.clone();
        match rule {
            // As short as a reference to it.
            Rule::Type(_) | Rule::Anything | Rule::Nothing => rule,
            _ => Rule::See(id),
        }
    }

    /// Gives a rule a name.
    pub(super) fn add_rule(&mut self, name: &str, rule: Rule) -> RuleId {
        let name = self.rules.scope.claim([constant_name(name)]);
        self.types.rules.push(NamedRule { name, rule });
        RuleId(self.types.rules.len() - 1)
    }

    /// The rule of all that stands in one schema.
    pub(super) fn whole_rule(&mut self, schema: SchemaId) -> Rule {
        self.see(schema, Reading::Alone)
    }

    fn rule_of_keywords(&mut self, schema: SchemaId, k: &Keywords, reading: Reading) -> Rule {
        let implied = self.implied_type(schema, reading);
        let inside = if implied.is_some() || k.types.is_some() { Reading::Typed } else { reading };
        let mut all = Vec::new();
        all.extend(k.types.clone().or(implied.map(|json_type| vec![json_type])).map(Rule::Type));
        all.extend(k.enum_values.as_ref().map(|values| Rule::Values(values.iter().map(plain).collect())));
        all.extend(k.const_value.as_ref().map(|value: &Node| Rule::Values(vec![plain(value)])));
        all.extend(scalar_rules(k));
        for target in [k.reference, k.dynamic_reference].into_iter().flatten() {
            all.push(self.see(target, inside));
        }
        for part in &k.all_of {
            all.push(self.rule(*part, inside));
        }
        for (branches, combine) in
            [(&k.any_of, Rule::AnyOf as fn(Vec<Rule>) -> Rule), (&k.one_of, Rule::OneOf as fn(Vec<Rule>) -> Rule)]
        {
            match branches.as_slice() {
                [] => {}
                [single] => all.push(self.rule(*single, inside)),
                several => all.push(combine(several.iter().map(|branch| self.rule(*branch, inside)).collect())),
            }
        }
        all.extend(self.conditional_rules(k, self.known_type(schema, reading)));
        all.extend(self.array_rules(schema, k));
        all.extend(self.object_rules(k));
        if let Some(other) = k.unevaluated_items {
            all.push(Rule::UnevaluatedItems(Box::new(self.rule(other, Reading::Alone))));
        }
        if let Some(other) = k.unevaluated_properties {
            all.push(Rule::UnevaluatedMembers(Box::new(self.rule(other, Reading::Alone))));
        }
        Rule::all(all)
    }

    /// How a schema that is applied to the same value is read by itself.
    fn known_type(&self, schema: SchemaId, reading: Reading) -> Reading {
        let declared = Conjunction::of(self.schemas, schema).declared_types(self.schemas);
        match (declared.as_deref(), self.implied_type(schema, reading), reading) {
            (Some([single]), ..) => Reading::Of(*single),
            (None, Some(single), _) => Reading::Of(single),
            (None, None, Reading::Of(single)) => Reading::Of(single),
            _ => Reading::Alone,
        }
    }

    /// The type that a schema without any is read as.
    fn implied_type(&self, schema: SchemaId, reading: Reading) -> Option<JsonType> {
        if self.settings.exact || reading == Reading::Typed {
            return None;
        }
        let all = Conjunction::of(self.schemas, schema);
        if all.declared_types(self.schemas).is_some() || all.lists_values(self.schemas) {
            return None;
        }
        match all.implied_types(self.schemas).as_slice() {
            [single] => Some(*single).filter(|json_type| reading != Reading::Of(*json_type)),
            _ => None,
        }
    }

    /// `not`, `if`, `then`, `else`. An `if` alone restricts nothing, but says what is evaluated.
    pub(super) fn conditional_rules(&mut self, k: &Keywords, reading: Reading) -> Vec<Rule> {
        let mut all = Vec::new();
        if let Some(not) = k.not {
            all.push(Rule::Not(Box::new(self.rule(not, reading))));
        }
        if let Some(condition) = k.if_schema {
            let mut rule =
                |schema: Option<SchemaId>| Box::new(schema.map_or(Rule::Anything, |schema| self.rule(schema, reading)));
            all.push(Rule::If {
                condition: rule(Some(condition)),
                then: rule(k.then_schema),
                otherwise: rule(k.else_schema),
            });
        }
        all
    }

    fn array_rules(&mut self, schema: SchemaId, k: &Keywords) -> Vec<Rule> {
        let mut all = Vec::new();
        if !k.prefix_items.is_empty() || k.items.is_some() {
            let prefix = k.prefix_items.iter().map(|id| self.rule(*id, Reading::Alone)).collect();
            let rest = k.items.map(|id| Box::new(self.rule(id, Reading::Alone)));
            all.push(Rule::Items { prefix, rest });
        }
        if k.min_items.is_some_and(|min| min > 0) || k.max_items.is_some() {
            all.push(Rule::ItemCount { min: k.min_items.unwrap_or(0), max: k.max_items });
        }
        if k.unique_items {
            all.push(Rule::UniqueItems);
        }
        all.extend(self.contains_rule(schema, k));
        all
    }

    /// `contains`, `minContains`, `maxContains`
    pub(super) fn contains_rule(&mut self, schema: SchemaId, k: &Keywords) -> Option<Rule> {
        let contains = k.contains?;
        // In 2019-09 they do not (the older drafts have nobody who asks).
        let evaluates = self.schemas[schema].dialect != Dialect::Draft2019;
        let rule = Box::new(self.rule(contains, Reading::Alone));
        Some(Rule::Contains { rule, min: k.min_contains.unwrap_or(1), max: k.max_contains, evaluates })
    }

    fn object_rules(&mut self, k: &Keywords) -> Vec<Rule> {
        let mut all = Vec::new();
        all.extend(self.members_rule(k));
        if !k.required.is_empty() {
            all.push(Rule::Required(k.required.clone()));
        }
        if k.min_properties.is_some_and(|min| min > 0) || k.max_properties.is_some() {
            all.push(Rule::MemberCount { min: k.min_properties.unwrap_or(0), max: k.max_properties });
        }
        if let Some(names) = k.property_names {
            all.push(Rule::Names(Box::new(self.rule(names, Reading::Alone))));
        }
        all.extend(self.dependent_rule(k));
        all
    }

    fn members_rule(&mut self, k: &Keywords) -> Option<Rule> {
        if k.properties.is_empty() && k.pattern_properties.is_empty() && k.additional_properties.is_none() {
            return None;
        }
        let mut named = |map: &indexmap::IndexMap<String, SchemaId>| -> Vec<(String, Rule)> {
            map.iter().map(|(name, id)| (name.clone(), self.rule(*id, Reading::Alone))).collect()
        };
        let (properties, patterns) = (named(&k.properties), named(&k.pattern_properties));
        let additional = k.additional_properties.map(|id| Box::new(self.rule(id, Reading::Alone)));
        Some(Rule::Members { properties, patterns, additional })
    }

    /// What `patternProperties` and `additionalProperties` say of members that `properties` does not name.
    pub(super) fn other_members_rule(&mut self, k: &Keywords) -> Rule {
        let patterns = k
            .pattern_properties
            .iter()
            .map(|(pattern, id)| (pattern.clone(), self.rule(*id, Reading::Alone)))
            .collect();
        let properties = k.properties.keys().map(|name| (name.clone(), Rule::Anything)).collect();
        let additional = k.additional_properties.map(|id| Box::new(self.rule(id, Reading::Alone)));
        Rule::Members { properties, patterns, additional }
    }

    /// `dependentRequired`, `dependentSchemas` and `dependencies`
    pub(super) fn dependent_rule(&mut self, k: &Keywords) -> Option<Rule> {
        let required = k.dependent_required.iter().filter(|(_, names)| !names.is_empty());
        let mut rules: Vec<(String, Rule)> =
            required.map(|(name, names)| (name.clone(), Rule::Required(names.clone()))).collect();
        for (name, schema) in &k.dependent_schemas {
            rules.push((name.clone(), self.rule(*schema, Reading::Of(JsonType::Object))));
        }
        (!rules.is_empty()).then_some(Rule::Dependent(rules))
    }
}

/// What is said of numbers and strings.
fn scalar_rules(k: &Keywords) -> Vec<Rule> {
    let mut all = Vec::new();
    if k.min_length.is_some_and(|min| min > 0) || k.max_length.is_some() {
        all.push(Rule::Length { min: k.min_length.unwrap_or(0), max: k.max_length });
    }
    all.extend(k.pattern.clone().map(Rule::Pattern));
    let text = |number: &Option<Number>| number.as_ref().map(|number| number.as_str().to_owned());
    let bounds = [&k.minimum, &k.maximum, &k.exclusive_minimum, &k.exclusive_maximum].map(text);
    if bounds.iter().any(Option::is_some) {
        let [min, max, above, below] = bounds;
        all.push(Rule::Bounds { min, max, above, below });
    }
    all.extend(text(&k.multiple_of).map(Rule::MultipleOf));
    all
}
