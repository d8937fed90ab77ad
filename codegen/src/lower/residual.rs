//! What a schema says that its type cannot: rules that stand around the type.
//!
//! A conjunction is lowered to a type that accepts every valid value and perhaps more. What is left over becomes a
//! newtype with a rule, and the type inside is told how closely that rule looks, so that it loses nothing in reading
//! that the rule would miss.

use event_api_spec::schema::{JsonType, SchemaId};
use event_api_spec::{Node, Value as NodeValue};
use serde_json::Value;

use super::conjunction::{Conjunction, Watch};
use super::object::{Object, Others};
use super::rule::Reading;
use super::types::{Lowering, Naming};
use crate::ir::{Check, Kind, Newtype, Rule, RuleId, Type};

impl Lowering<'_> {
    /// A newtype with rules around the type of what else the conjunction says; `None` when that says it all.
    pub(super) fn lower_with_rules(&mut self, conjunction: &Conjunction, naming: &Naming) -> Option<Type> {
        let mut inside = conjunction.clone();
        let mut rules = self.rules_of_unions(&mut inside);
        rules.extend(self.rules_of_leaves(conjunction));
        let rule = match Rule::all(rules) {
            Rule::Anything => return None,
            Rule::Nothing => return Some(Type::Never),
            rule => rule,
        };
        let declared: Vec<&str> =
            conjunction.keywords(self.schemas).flat_map(|k| k.properties.keys().map(String::as_str)).collect();
        inside.watch = inside.watch.max(self.watch_of(&rule, &declared, &mut Vec::new()));
        let unions = inside.unions.iter().map(|union| union.schema);
        inside.settled = inside.leaves.iter().copied().chain(unions).collect();

        let id = self.begin_definition(conjunction, naming);
        let name = self.types[id].name.clone();
        let position = format!("{name}{}", self.word_inside(&inside));
        let before = self.types.definitions.len();
        let named = Naming { base: Some(naming.base(&name)), ..Naming::new(position, naming.schema) };
        let known = inside.clone();
        let inner = self.lower_conjunction(inside, &named);
        let (inner, nullable) = match inner {
            Type::Nullable(inner) => (*inner, self.accepts_null(conjunction)),
            inner => (inner, false),
        };
        let taken = self.take_newtype(&inner, before);
        if taken.is_some() {
            // Its definition is gone, so nobody may be led to it.
            self.forget(&known);
        }
        let newtype = match taken {
            Some(Newtype { inner, mut checks }) if is_scalar(&inner) => {
                checks.push(Check::Rule(self.add_rule(&name, rule)));
                Newtype { inner, checks }
            }
            // One rule for all of it: it is asked about the value as it is read, which a check of the type is not.
            Some(Newtype { inner, checks }) => {
                let rule = Rule::all(checks.into_iter().filter_map(as_rule).chain([rule]));
                Newtype { inner, checks: vec![Check::Rule(self.add_rule(&name, rule))] }
            }
            None => Newtype { inner, checks: vec![Check::Rule(self.add_rule(&name, rule))] },
        };
        self.types[id].kind = Kind::Newtype(newtype);
        Some(if nullable { Type::Named(id).nullable() } else { Type::Named(id) })
    }

    /// What the type inside of a newtype is called, after the newtype.
    fn word_inside(&self, inside: &Conjunction) -> &'static str {
        if !inside.unions.is_empty() {
            return "Kind";
        }
        let types = inside.declared_types(self.schemas).unwrap_or_else(|| inside.implied_types(self.schemas));
        if types.contains(&JsonType::Object) { "Fields" } else { "Value" }
    }

    /// A newtype that was made for nothing but the inside of another: its checks can stand in that one.
    fn take_newtype(&mut self, inner: &Type, before: usize) -> Option<Newtype> {
        let Type::Named(id) = inner else { return None };
        if id.0 < before || id.0 + 1 != self.types.definitions.len() {
            return None;
        }
        match &self.types[*id].kind {
            Kind::Newtype(newtype) if newtype.checks.iter().all(|check| !matches!(check, Check::Rule(_))) => {
                match self.types.definitions.pop()?.kind {
                    Kind::Newtype(newtype) => Some(newtype),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Whether `null` is valid.
    pub(super) fn accepts_null(&mut self, conjunction: &Conjunction) -> bool {
        let schema = conjunction.leaves.first().copied().or(conjunction.unions.first().map(|union| union.schema));
        match schema {
            Some(schema) => self.accepts(conjunction, &self.value_beside(schema, NodeValue::Null)),
            None => !conjunction.impossible,
        }
    }

    /// A value that is checked for what a schema says of it: it stands where the schema is.
    pub(super) fn value_beside(&self, schema: SchemaId, value: NodeValue) -> Node {
        Node { span: self.schemas[schema].location.span, value }
    }

    /// Whether a value is valid by all schemas of a conjunction.
    pub(super) fn accepts(&mut self, conjunction: &Conjunction, value: &Node) -> bool {
        let unions = conjunction.unions.iter().map(|union| union.schema);
        !conjunction.impossible
            && conjunction.leaves.iter().copied().chain(unions).all(|id| self.checker.is_valid(id, value))
    }

    /// Unions that describe nothing, but only restrict what the rest describes, are taken out of the conjunction; and
    /// so are all but the first of those that would multiply to more alternatives than anyone could read.
    fn rules_of_unions(&mut self, inside: &mut Conjunction) -> Vec<Rule> {
        let mut rules = Vec::new();
        let reading = self.reading_beside(inside);
        let multiplied = self.multiplies(inside);
        let mut kept = 0;
        let unions = std::mem::take(&mut inside.unions);
        for union in unions {
            if inside.settled.contains(&union.schema) {
                inside.unions.push(union);
                kept += 1;
                continue;
            }
            let restricts = !inside.leaves.is_empty() && self.only_restricts(&union);
            let rule = |lowering: &mut Self| {
                let branches = union.branches.iter().map(|branch| lowering.rule(*branch, reading)).collect();
                if union.exactly_one { Rule::OneOf(branches) } else { Rule::AnyOf(branches) }
            };
            if restricts || (multiplied && kept == 1) {
                rules.push(rule(self));
                continue;
            }
            // `null` is not an alternative of the enum, so that another one accepts it as well goes unseen there.
            let null = self.value_beside(union.schema, NodeValue::Null);
            let nulls = union.branches.iter().filter(|branch| self.checker.is_valid(**branch, &null)).count();
            if union.exactly_one && nulls > 1 {
                rules.push(rule(self));
            }
            inside.unions.push(union.clone());
            kept += 1;
        }
        rules
    }

    /// How the alternatives of a union beside other schemas are read.
    pub(super) fn reading_beside(&self, conjunction: &Conjunction) -> Reading {
        let types = conjunction.declared_types(self.schemas);
        if types.is_some() || conjunction.implied_types(self.schemas).len() == 1 {
            Reading::Typed
        } else {
            Reading::Alone
        }
    }

    fn rules_of_leaves(&mut self, conjunction: &Conjunction) -> Vec<Rule> {
        let mut rules = Vec::new();
        let types = self.types_read(conjunction);
        let concerns = |json_type: JsonType| types.as_ref().is_none_or(|types| types.contains(&json_type));
        let (arrays, objects) = (concerns(JsonType::Array), concerns(JsonType::Object));
        let reading = match types.as_deref() {
            Some([single]) => Reading::Of(*single),
            _ => Reading::Alone,
        };
        let schemas = self.schemas;
        for id in conjunction.unsettled() {
            let Some(k) = super::types::keywords(&schemas[id]) else { continue };
            if k.not.is_some() || k.then_schema.is_some() || k.else_schema.is_some() {
                rules.extend(self.conditional_rules(k, reading));
            }
            if objects {
                rules.extend(self.dependent_rule(k));
            }
            if arrays {
                rules.extend(self.contains_rule(id, k));
            }
            let unevaluated = (arrays && k.unevaluated_items.is_some())
                || (objects && k.unevaluated_properties.is_some() && !self.is_plain_root(conjunction, id));
            if unevaluated {
                // What has been evaluated is a matter of the whole schema.
                rules.push(self.whole_rule(id));
            }
        }
        // What one schema says of members may be in fields where no other stands beside it, and not where one does: so all
        // of them are looked at again as soon as one has come in addition.
        if objects && self.may_need_rules(conjunction) && conjunction.unsettled().next().is_some() {
            let object = self.object_view(conjunction);
            rules.extend(self.others_rules(&object, conjunction));
            rules.extend(self.rules_of_object(&object, conjunction));
        }
        rules
    }

    /// Whether `unevaluatedProperties` of this leaf is in the fields of the struct.
    fn is_plain_root(&self, conjunction: &Conjunction, id: SchemaId) -> bool {
        conjunction.root == Some(id) && self.evaluates_plainly(conjunction)
    }

    fn may_need_rules(&self, conjunction: &Conjunction) -> bool {
        conjunction.keywords(self.schemas).any(|k| {
            k.property_names.is_some()
                || !k.pattern_properties.is_empty()
                || k.min_properties.is_some()
                || k.max_properties.is_some()
        })
    }

    /// `propertyNames` of members that are not declared, and counts beside declared members.
    fn rules_of_object(&mut self, object: &Object<'_>, conjunction: &Conjunction) -> Vec<Rule> {
        let mut rules = Vec::new();
        let closed = matches!(object.others, Others::Closed);
        let schemas = self.schemas;
        let leaves = conjunction.keywords(schemas);
        let required = object.members.values().filter(|member| member.required).count() as u64;
        for k in leaves {
            if let (false, Some(names)) = (closed, k.property_names) {
                let names = self.rule(names, Reading::Alone);
                rules.push(Rule::Names(Box::new(names)));
            }
            let min = k.min_properties.filter(|min| *min > required).unwrap_or(0);
            let max = k.max_properties.filter(|max| !closed || *max < object.members.len() as u64);
            if object.declares && (min > 0 || max.is_some()) {
                rules.push(Rule::MemberCount { min, max });
            }
        }
        rules
    }

    /// The JSON types that the values may be of, as far as that is known.
    fn types_read(&self, conjunction: &Conjunction) -> Option<Vec<JsonType>> {
        conjunction.declared_types(self.schemas).or_else(|| {
            let implied = conjunction.implied_types(self.schemas);
            (!self.settings.exact && implied.len() == 1 && conjunction.unions.is_empty()).then_some(implied)
        })
    }

    /// How closely a rule looks at an object of which these members are declared.
    fn watch_of(&self, rule: &Rule, declared: &[&str], seen: &mut Vec<RuleId>) -> Watch {
        let by_names = |names: Vec<&String>| {
            let known = names.into_iter().all(|name| declared.contains(&name.as_str()));
            if known { Watch::Declared } else { Watch::Members }
        };
        match rule {
            Rule::Values(values) if values.iter().any(holds_object) => Watch::Everything,
            // What is in a member or an item is read as another type, which may lose what the rule looks for there.
            Rule::Members { .. } | Rule::Items { .. } | Rule::Contains { .. }
                if rule.parts().into_iter().any(|part| self.looks_at_members(part, &mut Vec::new())) =>
            {
                Watch::Everything
            }
            Rule::UnevaluatedMembers(inner) | Rule::UnevaluatedItems(inner)
                if self.looks_at_members(inner, &mut Vec::new()) =>
            {
                Watch::Everything
            }
            Rule::MemberCount { .. } | Rule::Names(_) | Rule::UnevaluatedMembers(_) => Watch::Members,
            Rule::Members { properties, patterns, additional: None } if patterns.is_empty() => {
                by_names(properties.iter().map(|(name, _)| name).collect())
            }
            Rule::Members { .. } => Watch::Members,
            Rule::Required(required) => by_names(required.iter().collect()),
            Rule::Dependent(rules) => {
                let inside = rules.iter().map(|(_, rule)| self.watch_of(rule, declared, seen)).max();
                by_names(rules.iter().map(|(name, _)| name).collect()).max(inside.unwrap_or_default())
            }
            Rule::See(id) => {
                if seen.contains(id) {
                    return Watch::Declared;
                }
                seen.push(*id);
                self.watch_of(&self.types.rules[id.0].rule, declared, seen)
            }
            Rule::Items { .. } | Rule::Contains { .. } | Rule::UnevaluatedItems(_) => Watch::Declared,
            rule => {
                let parts = rule.parts().into_iter().map(|part| self.watch_of(part, declared, seen));
                parts.max().unwrap_or(Watch::Declared)
            }
        }
    }

    /// Whether a rule asks of an object, or of one somewhere in the value, which members it has.
    fn looks_at_members(&self, rule: &Rule, seen: &mut Vec<RuleId>) -> bool {
        match rule {
            Rule::Values(values) => values.iter().any(holds_object),
            Rule::MemberCount { .. }
            | Rule::Names(_)
            | Rule::UnevaluatedMembers(_)
            | Rule::Members { .. }
            | Rule::Required(_)
            | Rule::Dependent(_) => true,
            Rule::UniqueItems => true,
            Rule::See(id) if seen.contains(id) => false,
            Rule::See(id) => {
                seen.push(*id);
                self.looks_at_members(&self.types.rules[id.0].rule, seen)
            }
            rule => rule.parts().into_iter().any(|part| self.looks_at_members(part, seen)),
        }
    }
}

/// Whether an object stands anywhere in the value.
fn holds_object(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(items) => items.iter().any(holds_object),
        _ => false,
    }
}

/// Whether nothing of a value is lost in reading it as this type.
fn is_scalar(ty: &Type) -> bool {
    matches!(ty, Type::String | Type::Bool | Type::Integer(_) | Type::Number)
}

/// A check of a list or map as a rule.
fn as_rule(check: Check) -> Option<Rule> {
    Some(match check {
        Check::MinItems(min) => Rule::ItemCount { min, max: None },
        Check::MaxItems(max) => Rule::ItemCount { min: 0, max: Some(max) },
        Check::UniqueItems => Rule::UniqueItems,
        Check::MinProperties(min) => Rule::MemberCount { min, max: None },
        Check::MaxProperties(max) => Rule::MemberCount { min: 0, max: Some(max) },
        Check::Keys(patterns) => {
            let patterns = patterns.into_iter().map(|pattern| (pattern, Rule::Anything)).collect();
            Rule::Members { properties: Vec::new(), patterns, additional: Some(Box::new(Rule::Nothing)) }
        }
        _ => return None,
    })
}
