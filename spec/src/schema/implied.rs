//! Schemas without `type`, read as they are meant: one whose keywords all belong to one type is of that type.
//!
//! One real document in ten writes `properties` without `type: object`. Generated code reads them so, and comparisons of
//! documents must read what generated code reads. Schemas come in, a copy with the types written out goes out.

use std::borrow::Cow;

use super::ids::IdSet;
use super::{JsonType, Keywords, SchemaId, SchemaKind, Schemas};

impl Schemas {
    /// These schemas with `type` where it is missing and the keywords leave no choice, in `roots` and in whatever they
    /// demand of members, items and alternatives. What a schema only asks about (`not`, `if`, `contains`,
    /// `propertyNames`, dependencies) stays as it is written.
    #[must_use]
    pub fn with_implied_types(&self, roots: impl IntoIterator<Item = SchemaId>) -> Schemas {
        self.as_meant(roots).into_owned()
    }

    /// The same, without a copy where nothing is missing.
    pub(crate) fn as_meant(&self, roots: impl IntoIterator<Item = SchemaId>) -> Cow<'_, Schemas> {
        let open = roots.into_iter().map(|id| (id, Vec::new())).collect();
        let mut reading =
            Reading { schemas: self, open, values: IdSet::default(), parts: IdSet::default(), found: Vec::new() };
        while let Some((id, beside)) = reading.open.pop() {
            reading.value(id, &beside);
        }
        let found = reading.found;
        if found.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut schemas = self.clone();
        for (id, json_type) in found {
            if let SchemaKind::Object(keywords) = &mut schemas.get_mut(id).kind {
                keywords.types = Some(vec![json_type]);
            }
        }
        Cow::Owned(schemas)
    }
}

struct Reading<'s> {
    schemas: &'s Schemas,
    /// Schemas that describe a value, with what else applies to it (of an alternative: the rest of its schema), which are
    /// to be looked at.
    open: Vec<(SchemaId, Vec<SchemaId>)>,
    values: IdSet<SchemaId>,
    parts: IdSet<SchemaId>,
    found: Vec<(SchemaId, JsonType)>,
}

impl<'s> Reading<'s> {
    /// Looks at all that applies to one value.
    fn value(&mut self, id: SchemaId, beside: &[SchemaId]) {
        if !self.values.insert(id) {
            return;
        }
        let own = self.together(&[id]);
        let all = self.together(&[&[id], beside].concat());
        let unions = own.iter().any(|&part| alternatives(self.keywords(part)).next().is_some());
        let all: Vec<&Keywords> = all.into_iter().filter_map(|part| self.keywords(part)).collect();
        let says = |keywords: &&Keywords| {
            keywords.types.is_some() || keywords.enum_values.is_some() || keywords.const_value.is_some()
        };
        if !unions && !all.iter().any(says) {
            let mut types: Vec<_> = all.iter().flat_map(|keywords| keywords.spoken_of()).collect();
            types.sort_unstable();
            types.dedup();
            if let [only] = types.as_slice() {
                self.found.push((id, *only));
            }
        }
        for &part in &own {
            let Some(keywords) = self.keywords(part).filter(|_| self.parts.insert(part)) else { continue };
            let members = keywords.properties.values().chain(keywords.pattern_properties.values());
            let items = keywords.prefix_items.iter().chain(&keywords.items).chain(&keywords.unevaluated_items);
            let rest = keywords.additional_properties.iter().chain(&keywords.unevaluated_properties);
            self.open.extend(members.chain(items).chain(rest).map(|&id| (id, Vec::new())));
            self.open.extend(alternatives(Some(keywords)).map(|alternative| (alternative, own.clone())));
        }
    }

    fn keywords(&self, id: SchemaId) -> Option<&'s Keywords> {
        match &self.schemas[id].kind {
            SchemaKind::Object(keywords) => Some(keywords),
            SchemaKind::Bool(_) => None,
        }
    }

    /// The schemas and whatever they refer to in place.
    fn together(&self, ids: &[SchemaId]) -> Vec<SchemaId> {
        if let [only] = ids
            && self.keywords(*only).is_none_or(|keywords| refers_to(keywords).next().is_none())
        {
            return vec![*only];
        }
        let (mut seen, mut open, mut all) = (IdSet::default(), ids.to_vec(), Vec::new());
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            all.push(id);
            if let Some(keywords) = self.keywords(id) {
                open.extend(refers_to(keywords));
            }
        }
        all
    }
}

/// What applies to the same value in any case.
fn refers_to(keywords: &Keywords) -> impl Iterator<Item = &SchemaId> {
    keywords.reference.iter().chain(&keywords.dynamic_reference).chain(&keywords.all_of)
}

fn alternatives(keywords: Option<&Keywords>) -> impl Iterator<Item = SchemaId> {
    keywords.into_iter().flat_map(|keywords| keywords.any_of.iter().chain(&keywords.one_of)).copied()
}

impl Keywords {
    /// The types of whose values these keywords speak, `type` itself aside: `properties` speaks of objects.
    pub fn spoken_of(&self) -> impl Iterator<Item = JsonType> + use<> {
        let types = [
            (self.speak_of_objects(), JsonType::Object),
            (self.speak_of_arrays(), JsonType::Array),
            (self.speak_of_numbers(), JsonType::Number),
            (self.speak_of_strings(), JsonType::String),
        ];
        types.into_iter().filter(|(spoken, _)| *spoken).map(|(_, json_type)| json_type)
    }

    fn speak_of_objects(&self) -> bool {
        !self.properties.is_empty()
            || !self.pattern_properties.is_empty()
            || self.additional_properties.is_some()
            || self.unevaluated_properties.is_some()
            || self.property_names.is_some()
            || !self.required.is_empty()
            || self.min_properties.is_some()
            || self.max_properties.is_some()
            || !self.dependent_required.is_empty()
            || !self.dependent_schemas.is_empty()
    }

    fn speak_of_arrays(&self) -> bool {
        !self.prefix_items.is_empty()
            || self.items.is_some()
            || self.contains.is_some()
            || self.min_items.is_some()
            || self.max_items.is_some()
            || self.unique_items
            || self.unevaluated_items.is_some()
    }

    fn speak_of_numbers(&self) -> bool {
        self.minimum.is_some()
            || self.maximum.is_some()
            || self.exclusive_minimum.is_some()
            || self.exclusive_maximum.is_some()
            || self.multiple_of.is_some()
    }

    fn speak_of_strings(&self) -> bool {
        self.min_length.is_some()
            || self.max_length.is_some()
            || self.pattern.is_some()
            || self.content_encoding.is_some()
            || is_of_strings(self.format.as_deref())
    }
}

/// Whether a format is one of strings; others are of numbers (`int32`), or unknown.
fn is_of_strings(format: Option<&str>) -> bool {
    const STRINGS: [&str; 10] =
        ["date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"];
    format.is_some_and(|format| STRINGS.contains(&format))
}
