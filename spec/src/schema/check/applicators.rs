//! The keywords that apply other schemas: to the same value, to its items, to its members.

use super::{Outcome, Run, Sink, Step, Violation};
use crate::schema::ids::IdMap;
use crate::schema::{Dialect, Keywords, SchemaId};
use crate::source::{Key, Node, Object, Value};

impl<'s, 'v> Run<'_, 's, 'v> {
    /// References, combinations and conditions.
    pub(super) fn in_place(
        &mut self,
        keywords: &'s Keywords,
        value: &'v Node,
        outcome: &mut Outcome,
        sink: &mut Sink<'_>,
    ) {
        let references = [keywords.reference, keywords.dynamic_reference];
        for &id in references.iter().flatten().chain(&keywords.all_of) {
            let part = self.evaluate(id, value, sink);
            outcome.take(&part);
        }
        if !keywords.any_of.is_empty() {
            self.any_of(&keywords.any_of, value, outcome, sink);
        }
        if !keywords.one_of.is_empty() {
            self.one_of(&keywords.one_of, value, outcome, sink);
        }
        if let Some(id) = keywords.not
            && self.evaluate(id, value, &mut None).valid
        {
            outcome.valid = false;
            self.report(sink, value, "not", || "what `not` describes is not allowed".to_owned());
        }
        if let Some(condition) = keywords.if_schema {
            let condition = self.evaluate(condition, value, &mut None);
            if condition.valid {
                outcome.evaluated.merge(&condition.evaluated);
            }
            let consequence = if condition.valid { keywords.then_schema } else { keywords.else_schema };
            if let Some(id) = consequence {
                let part = self.evaluate(id, value, sink);
                outcome.take(&part);
            }
        }
        if let Value::Object(object) = &value.value {
            for (name, &id) in &keywords.dependent_schemas {
                if object.get(name).is_some() {
                    let part = self.evaluate(id, value, sink);
                    outcome.take(&part);
                }
            }
        }
    }

    fn any_of(&mut self, ids: &'s [SchemaId], value: &'v Node, outcome: &mut Outcome, sink: &mut Sink<'_>) {
        let mut matched = false;
        for &id in ids {
            let part = self.evaluate(id, value, &mut None);
            if part.valid {
                matched = true;
                outcome.evaluated.merge(&part.evaluated);
                // Only `unevaluated…` asks what the other alternatives have seen.
                if !self.checker.tracks_evaluated {
                    return;
                }
            }
        }
        if !matched {
            outcome.valid = false;
            self.report_no_alternative("anyOf", ids, value, sink);
        }
    }

    fn one_of(&mut self, ids: &'s [SchemaId], value: &'v Node, outcome: &mut Outcome, sink: &mut Sink<'_>) {
        let mut matching = Vec::new();
        for (index, &id) in ids.iter().enumerate() {
            let part = self.evaluate(id, value, &mut None);
            if part.valid {
                matching.push(index);
                outcome.evaluated.merge(&part.evaluated);
            }
        }
        match matching.as_slice() {
            [_] => {}
            [] => {
                outcome.valid = false;
                self.report_no_alternative("oneOf", ids, value, sink);
            }
            [first, second, ..] => {
                outcome.valid = false;
                let (first, second) = (first + 1, second + 1);
                self.report(sink, value, "oneOf", || {
                    format!("alternatives {first} and {second} of `oneOf` both accept this; only one may")
                });
            }
        }
    }

    /// Names what the nearest alternative misses: not one of another type or kind, and else the one that misses least.
    fn report_no_alternative(
        &mut self,
        keyword: &'static str,
        ids: &'s [SchemaId],
        value: &'v Node,
        sink: &mut Sink<'_>,
    ) {
        if sink.is_none() {
            return;
        }
        let here = self.pointer();
        let mut nearest: Option<((usize, usize), Violation)> = None;
        for &id in ids {
            let mut violations = Vec::new();
            self.evaluate(id, value, &mut Some(&mut violations));
            let is_foreign = |violation: &&Violation| match violation.keyword {
                "const" | "enum" => true,
                "type" => violation.pointer == here,
                _ => false,
            };
            let rank = (violations.iter().filter(is_foreign).count(), violations.len());
            if let Some(first) = violations.into_iter().next()
                && nearest.as_ref().is_none_or(|(other, _)| rank < *other)
            {
                nearest = Some((rank, first));
            }
        }
        let count = ids.len();
        self.report(sink, value, keyword, || {
            let reason = nearest.map_or_else(String::new, |(_, violation)| {
                let place =
                    if violation.pointer == here { String::new() } else { format!(" at `{}`", violation.pointer) };
                format!("; the nearest fails{place}: {}", violation.message)
            });
            format!("none of the {count} alternatives of `{keyword}` accepts this{reason}")
        });
    }

    /// What an array's items must be.
    pub(super) fn items(
        &mut self,
        id: SchemaId,
        keywords: &'s Keywords,
        value: &'v Node,
        items: &'v [Node],
        outcome: &mut Outcome,
        sink: &mut Sink<'_>,
    ) {
        for (index, (&id, item)) in keywords.prefix_items.iter().zip(items).enumerate() {
            outcome.valid &= self.descend(Step::Item(index), id, item, sink);
            outcome.evaluated.item(index);
        }
        if let Some(id) = keywords.items {
            for (index, item) in items.iter().enumerate().skip(keywords.prefix_items.len()) {
                outcome.valid &= self.descend(Step::Item(index), id, item, sink);
            }
            outcome.evaluated.all_items();
        }
        if let Some(contains) = keywords.contains {
            let mut count = 0;
            for (index, item) in items.iter().enumerate() {
                if self.descend(Step::Item(index), contains, item, &mut None) {
                    count += 1;
                    // Since 2020-12 (core, section 10.3.1.3).
                    if self.checker.schemas[id].dialect == Dialect::Draft2020 {
                        outcome.evaluated.item(index);
                    }
                }
            }
            let least = keywords.min_contains.unwrap_or(1);
            if count < least {
                outcome.valid = false;
                self.report(sink, value, "contains", || format!("{count} items match `contains`, fewer than {least}"));
            }
            if let Some(most) = keywords.max_contains.filter(|&most| count > most) {
                outcome.valid = false;
                self.report(sink, value, "maxContains", || format!("{count} items match `contains`, more than {most}"));
            }
        }
        if let Some(id) = keywords.unevaluated_items {
            for (index, item) in items.iter().enumerate() {
                if !outcome.evaluated.has_item(index) {
                    outcome.valid &= self.descend(Step::Item(index), id, item, sink);
                }
            }
            outcome.evaluated.all_items();
        }
    }

    /// What an object's members and their names must be.
    pub(super) fn members(
        &mut self,
        keywords: &'s Keywords,
        object: &'v Object,
        outcome: &mut Outcome,
        sink: &mut Sink<'_>,
    ) {
        let tracks = self.checker.tracks_evaluated;
        for (index, (key, member)) in object.iter().enumerate() {
            let step = || Step::Member(&key.name);
            let mut known = false;
            if let Some(&id) = keywords.properties.get(&key.name) {
                known = true;
                outcome.valid &= self.descend(step(), id, member, sink);
            }
            for (pattern, &id) in &keywords.pattern_properties {
                if self.checker.matches(pattern, &key.name) {
                    known = true;
                    outcome.valid &= self.descend(step(), id, member, sink);
                }
            }
            if !known && let Some(id) = keywords.additional_properties {
                known = true;
                self.additional(id, &key.name, member, outcome, sink);
            }
            if known && tracks {
                outcome.evaluated.member(index);
            }
        }
        if let Some(id) = keywords.property_names {
            for (key, member) in object.iter() {
                self.property_name(id, key, member, outcome, sink);
            }
        }
        if let Some(id) = keywords.unevaluated_properties {
            for (index, (key, member)) in object.iter().enumerate() {
                if !outcome.evaluated.has_member(index) {
                    self.additional(id, &key.name, member, outcome, sink);
                }
            }
            outcome.evaluated.all_members();
        }
    }

    /// Checks a member's name as the string that it is.
    fn property_name(&mut self, id: SchemaId, key: &Key, member: &'v Node, outcome: &mut Outcome, sink: &mut Sink<'_>) {
        let name = Node { span: key.span, value: Value::String(key.name.clone()) };
        // A run of its own: what is known of a value is kept by its address, and this one is gone at once.
        let mut violations = Vec::new();
        let mut run = Run { checker: self.checker, known: IdMap::default(), path: Vec::new(), depth: self.depth };
        if run.evaluate(id, &name, &mut Some(&mut violations)).valid {
            return;
        }
        outcome.valid = false;
        let reason = violations.into_iter().next().map_or_else(String::new, |violation| violation.message);
        self.report(sink, member, "propertyNames", || format!("the name `{}` is not allowed: {reason}", key.name));
    }

    fn additional(
        &mut self,
        id: SchemaId,
        name: &'v str,
        member: &'v Node,
        outcome: &mut Outcome,
        sink: &mut Sink<'_>,
    ) {
        let forbidden = matches!(self.checker.schemas[id].kind, crate::schema::SchemaKind::Bool(false));
        if !forbidden {
            outcome.valid &= self.descend(Step::Member(name), id, member, sink);
            return;
        }
        outcome.valid = false;
        self.path.push(Step::Member(name));
        self.report(sink, member, "additionalProperties", || format!("the property `{name}` is not allowed"));
        self.path.pop();
    }
}
