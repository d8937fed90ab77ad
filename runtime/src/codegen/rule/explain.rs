//! Why a rule does not accept a value: the place in the value, the keyword, and what was found there. Of alternatives
//! the nearest is named: not one of another type or kind, and else the one that misses least.

use std::collections::HashSet;
use std::fmt::Write;
use std::ptr::from_ref;

use serde_json::Value;

use super::assert::{complaint, describe};
use super::evaluate::{Part, Run, Track, asks_for_evaluated, rules_of_member};
use super::{Invalid, Rule};

/// Words are looked for in this many places at most; alternatives of alternatives can be many.
const MAX_STEPS: usize = 2000;

/// And this deep: what stands deeper is told as a whole.
const MAX_DEPTH: usize = 300;

/// One way in which a value breaks a rule.
#[derive(Clone, Debug)]
struct Complaint {
    path: String,
    keyword: &'static str,
    message: String,
}

/// Everything that is wrong with a value, of which the first is told.
#[derive(Clone, Debug)]
struct Complaints {
    first: Complaint,
    count: usize,
    /// How many say that the value itself is of another type.
    types: usize,
    /// How many say that something, such as a tag, is another value.
    values: usize,
}

impl Complaints {
    /// How far away the rule is: one of another type or kind is farther than one that misses much.
    fn distance(&self) -> (usize, usize) {
        (self.types + self.values, self.count)
    }
}

struct Explain<'e, 'v> {
    run: &'e mut Run<'v>,
    path: String,
    under_way: HashSet<(*const Rule, *const Value)>,
    steps: usize,
    depth: usize,
}

impl<'v> Run<'v> {
    /// Why the rule does not accept the value.
    pub(super) fn explain(&mut self, rule: &Rule, value: &'v Value) -> Invalid {
        let complaints = Explain::new(self).rule(rule, value);
        self.refusal(complaints.map(|complaints| complaints.first), value)
    }

    /// The nearest of the rules, none of which accepts the value, and why it does not.
    pub(super) fn explain_alternatives(&mut self, rules: &[&Rule], value: &'v Value) -> (Option<usize>, Invalid) {
        let (at, complaints) = Explain::new(self).nearest(rules.iter().copied(), value).unzip();
        let first = complaints.map(|complaints| complaints.first);
        (at, self.refusal(first, value))
    }

    fn refusal(&self, complaint: Option<Complaint>, value: &Value) -> Invalid {
        match complaint {
            _ if self.too_deep => Invalid::new("the value is nested too deeply to be checked"),
            Some(Complaint { path, keyword, message }) if path.is_empty() => {
                Invalid::new(format!("{message} (`{keyword}`)"))
            }
            Some(Complaint { path, keyword, message }) => Invalid::new(format!("`{path}`: {message} (`{keyword}`)")),
            None => Invalid::new(format!("{} is not allowed here", describe(value))),
        }
    }
}

impl<'e, 'v> Explain<'e, 'v> {
    fn new(run: &'e mut Run<'v>) -> Self {
        Explain { run, path: String::new(), under_way: HashSet::new(), steps: 0, depth: 0 }
    }

    fn complain(&self, keyword: &'static str, message: String) -> Complaints {
        let first = Complaint { path: self.path.clone(), keyword, message };
        Complaints { first, count: 1, types: 0, values: 0 }
    }

    /// What is wrong, if something is.
    fn rule(&mut self, rule: &Rule, value: &'v Value) -> Option<Complaints> {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.run.too_deep || self.run.holds(rule, value) {
            return None;
        }
        if self.depth >= MAX_DEPTH {
            return Some(self.complain("$ref", format!("something deep within {} is not allowed", describe(value))));
        }
        self.depth += 1;
        let complaints = self.broken(rule, value);
        self.depth -= 1;
        complaints
    }

    /// What is wrong by a rule that does not hold. Small, because it stands on the stack once for each level.
    fn broken(&mut self, rule: &Rule, value: &'v Value) -> Option<Complaints> {
        match rule {
            Rule::All(rules) => self.all(rules, value),
            Rule::AnyOf(rules) => Some(self.no_alternative("anyOf", rules, value)),
            Rule::OneOf(rules) => Some(self.not_exactly_one(rules, value)),
            Rule::If { condition, then, otherwise } => {
                let consequence = if self.run.holds(condition, value) { then } else { otherwise };
                self.rule(consequence, value)
            }
            Rule::See(target) => self.see(target, value),
            Rule::Dependent(rules) => self.dependent(rules, value),
            Rule::Items { prefix, rest } => self.items(prefix, *rest, value),
            Rule::Contains { rule, min, max, .. } => Some(self.contains(rule, *min, *max, value)),
            Rule::Members { additional, .. } => self.members(rule, *additional, value),
            Rule::Names(names) => self.name(names, value),
            Rule::UnevaluatedMembers(_) | Rule::UnevaluatedItems(_) => self.unevaluated(rule, None, value),
            _ => Some(self.assertion(rule, value)),
        }
    }

    fn assertion(&mut self, rule: &Rule, value: &Value) -> Complaints {
        let (keyword, message) = complaint(rule, value);
        let types = usize::from(keyword == "type");
        let values = usize::from(matches!(keyword, "const" | "enum"));
        Complaints { types, values, ..self.complain(keyword, message) }
    }

    fn see(&mut self, target: &Rule, value: &'v Value) -> Option<Complaints> {
        let key = (from_ref(target), from_ref(value));
        if !self.under_way.insert(key) {
            return None;
        }
        let complaints = self.rule(target, value);
        self.under_way.remove(&key);
        complaints
    }

    fn dependent(&mut self, rules: &[(&str, Rule)], value: &'v Value) -> Option<Complaints> {
        let Value::Object(members) = value else { return None };
        let asked = rules.iter().filter(|(name, _)| members.contains_key(*name));
        self.together(asked.map(|(_, rule)| rule), value)
    }

    fn together<'r>(&mut self, rules: impl Iterator<Item = &'r Rule>, value: &'v Value) -> Option<Complaints> {
        rules.fold(None, |before, rule| {
            let more = self.rule(rule, value);
            add(before, more)
        })
    }

    fn all(&mut self, rules: &[Rule], value: &'v Value) -> Option<Complaints> {
        let others = rules.iter().filter(|rule| !asks_for_evaluated(rule));
        if let Some(complaints) = self.together(others, value) {
            return Some(complaints);
        }
        // Only where the others hold is it known what they have looked at.
        rules.iter().filter(|rule| asks_for_evaluated(rule)).find_map(|rule| self.unevaluated(rule, Some(rules), value))
    }

    fn unevaluated(&mut self, rule: &Rule, beside: Option<&[Rule]>, value: &'v Value) -> Option<Complaints> {
        let evaluated = beside.and_then(|rules| self.run.evaluated(rules, value));
        let (part, inner, found) = self.run.first_bad_unevaluated(rule, value, evaluated.as_deref())?;
        let keyword = match rule {
            Rule::UnevaluatedMembers(_) => "unevaluatedProperties",
            _ => "unevaluatedItems",
        };
        self.descend(part, inner, found, keyword)
    }

    /// What is wrong with a part; `false` is told by the keyword that it stands under.
    fn descend(&mut self, part: Part<'v>, rule: &Rule, value: &'v Value, keyword: &'static str) -> Option<Complaints> {
        let length = self.path.len();
        // Writing to a string cannot fail.
        let _ = match part {
            Part::Member(name) => write!(self.path, "/{}", name.replace('~', "~0").replace('/', "~1")),
            Part::Item(index) => write!(self.path, "/{index}"),
        };
        let complaints = match (rule, part) {
            (Rule::Nothing, Part::Member(_)) => Some(self.complain(keyword, "the member is not allowed".to_owned())),
            (Rule::Nothing, Part::Item(_)) => Some(self.complain(keyword, "the item is not allowed".to_owned())),
            _ => self.rule(rule, value),
        };
        self.path.truncate(length);
        complaints.map(|complaints| Complaints { types: 0, ..complaints })
    }

    fn items(&mut self, prefix: &[Rule], rest: Option<&Rule>, value: &'v Value) -> Option<Complaints> {
        let Value::Array(items) = value else { return None };
        let mut found = None;
        for (index, item) in items.iter().enumerate() {
            let Some(rule) = prefix.get(index).or(rest) else { break };
            let more = self.descend(Part::Item(index), rule, item, "items");
            found = add(found, more);
        }
        found
    }

    fn contains(&mut self, rule: &Rule, min: u64, max: u64, value: &'v Value) -> Complaints {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let count = items.iter().filter(|item| self.run.holds(rule, item)).count() as u64;
        let items = if count == 1 { "1 item is".to_owned() } else { format!("{count} items are") };
        if count < min {
            let keyword = if min == 1 { "contains" } else { "minContains" };
            self.complain(keyword, format!("{items} as `contains` describes, where {min} must be"))
        } else {
            self.complain("maxContains", format!("{items} as `contains` describes, where {max} may be"))
        }
    }

    fn members(&mut self, rule: &Rule, additional: Option<&Rule>, value: &'v Value) -> Option<Complaints> {
        let Value::Object(members) = value else { return None };
        let mut found = None;
        for (name, member) in members {
            let mut is_known = false;
            for rule in rules_of_member(rule, name) {
                is_known = true;
                let more = self.descend(Part::Member(name), rule, member, "properties");
                found = add(found, more);
            }
            if !is_known && let Some(rule) = additional {
                let more = self.descend(Part::Member(name), rule, member, "additionalProperties");
                found = add(found, more);
            }
        }
        found
    }

    fn name(&mut self, rule: &Rule, value: &'v Value) -> Option<Complaints> {
        let name = self.run.first_bad_name(rule, value)?;
        let text = Value::from(name);
        let mut run = Run::default();
        let reason = Explain::new(&mut run).rule(rule, &text).map(|complaints| complaints.first.message);
        let reason = reason.unwrap_or_else(|| "it is not allowed".to_owned());
        Some(self.complain("propertyNames", format!("the member name {name:?}: {reason}")))
    }

    fn not_exactly_one(&mut self, rules: &[Rule], value: &'v Value) -> Complaints {
        let accepting: Vec<usize> =
            (0..rules.len()).filter(|&index| self.run.evaluate(&rules[index], value, Track::Nothing).valid).collect();
        match accepting.as_slice() {
            [first, second, ..] => {
                let (first, second) = (first + 1, second + 1);
                self.complain(
                    "oneOf",
                    format!("alternatives {first} and {second} both accept this, where only one may"),
                )
            }
            _ => self.no_alternative("oneOf", rules, value),
        }
    }

    fn no_alternative(&mut self, keyword: &'static str, rules: &[Rule], value: &'v Value) -> Complaints {
        let here = self.path.len();
        let found = describe(value);
        match self.nearest(rules.iter(), value) {
            // An alternative that stands for the whole is as good as its own words.
            Some((_, nearest)) if rules.len() == 1 => nearest,
            Some((_, Complaints { first, count, types, values })) => {
                let place = if first.path.len() == here { String::new() } else { format!(" at `{}`", first.path) };
                let message = format!(
                    "no alternative accepts {found}; the nearest fails{place}: {} (`{}`)",
                    first.message, first.keyword
                );
                Complaints { count, types, values, ..self.complain(keyword, message) }
            }
            None => self.complain(keyword, format!("no alternative accepts {found}")),
        }
    }

    fn nearest<'r>(&mut self, rules: impl Iterator<Item = &'r Rule>, value: &'v Value) -> Option<(usize, Complaints)> {
        let mut nearest: Option<(usize, Complaints)> = None;
        for (index, rule) in rules.enumerate() {
            if let Some(other) = self.rule(rule, value)
                && nearest.as_ref().is_none_or(|(_, nearest)| other.distance() < nearest.distance())
            {
                nearest = Some((index, other));
            }
        }
        nearest
    }
}

fn add(before: Option<Complaints>, more: Option<Complaints>) -> Option<Complaints> {
    match (before, more) {
        (Some(before), Some(more)) => Some(Complaints {
            first: before.first,
            count: before.count + more.count,
            types: before.types + more.types,
            values: before.values + more.values,
        }),
        (before, more) => before.or(more),
    }
}
