//! Which types of two versions are alike: by themselves, with the types inside put aside as pairs.
//!
//! What is compared is what is read and written. Documentation does not count, nor does the order of members.

use std::collections::HashSet;

use crate::ir::{
    Additional, Api, Check, Definition, DefinitionId, Kind, Presence, Rule, RuleId, Tagging, Type, ValueVariant,
};

/// The types that stand at the same place in two definitions: of the earlier version, of the later one.
pub(super) type Pairs<'a> = Vec<(Inside<'a>, Inside<'a>)>;

/// A type inside of a definition, as it is in Rust.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inside<'a> {
    /// Its name there.
    pub(super) name: &'a str,
    /// The type.
    pub(super) ty: &'a Type,
    /// How often an `Option` stands around it.
    pub(super) options: usize,
}

/// The types inside of two definitions that are otherwise alike; `None` when they are not.
pub(super) fn inside<'a>(
    old: (&'a Api, DefinitionId),
    new: (&'a Api, DefinitionId),
    measure: Measure,
) -> Option<Pairs<'a>> {
    let same_name = |old: &str, new: &str| measure == Measure::Convertible || old == new;
    let (old_api, new_api) = (old.0, new.0);
    let (old_definition, new_definition) = (&old_api.types[old.1], &new_api.types[new.1]);
    if !same_avro(old, new, measure) {
        return None;
    }
    match (&old_definition.kind, &new_definition.kind) {
        (Kind::Struct(old), Kind::Struct(new)) => {
            let same_constants = old.constants.len() == new.constants.len()
                && old.constants.iter().all(|constant| {
                    new.constants.iter().any(|it| it.wire_name == constant.wire_name && it.value == constant.value)
                });
            if !same_constants || old.fields.len() != new.fields.len() {
                return None;
            }
            let mut pairs = Vec::new();
            for field in &old.fields {
                let other = new.fields.iter().find(|other| other.wire_name == field.wire_name)?;
                if other.presence != field.presence || !same_name(&field.name, &other.name) {
                    return None;
                }
                let options = |ty: &Type| match (&field.presence, ty) {
                    (Presence::Optional, Type::Nullable(_)) | (Presence::Required | Presence::Default(_), _) => 0,
                    (Presence::Optional | Presence::OptionalOrNull, _) => 1,
                };
                pairs.push((
                    Inside { name: &field.name, ty: &field.ty, options: options(&field.ty) },
                    Inside { name: &other.name, ty: &other.ty, options: options(&other.ty) },
                ));
            }
            match (&old.additional, &new.additional) {
                (Additional::Ignore, Additional::Ignore) | (Additional::Refuse, Additional::Refuse) => {}
                (Additional::Keep { field, .. }, Additional::Keep { field: other, .. }) if same_name(field, other) => {}
                _ => return None,
            }
            Some(pairs)
        }
        (Kind::ValueEnum(old), Kind::ValueEnum(new)) => {
            let same_variant = |a: &ValueVariant, b: &ValueVariant| a.value == b.value && same_name(&a.name, &b.name);
            let same_other = match (&old.other, &new.other) {
                (Some(old), Some(new)) => same_name(old, new),
                (None, None) => true,
                _ => false,
            };
            let same = same_other
                && old.variants.len() == new.variants.len()
                && old.variants.iter().all(|variant| new.variants.iter().any(|it| same_variant(variant, it)));
            same.then(Vec::new)
        }
        (Kind::Union(old), Kind::Union(new)) => {
            if old.variants.len() != new.variants.len()
                || old.variants.iter().zip(&new.variants).any(|(a, b)| a.name != b.name)
            {
                return None;
            }
            let same = match (&old.tagging, &new.tagging) {
                (Tagging::Member { .. }, Tagging::Member { .. }) | (Tagging::JsonType(_), Tagging::JsonType(_)) => {
                    format!("{:?}", old.tagging) == format!("{:?}", new.tagging)
                }
                (Tagging::Branch(old), Tagging::Branch(new)) => old == new,
                (Tagging::Rule { exactly_one, rules: old }, Tagging::Rule { exactly_one: other, rules: new }) => {
                    let alike = || old.iter().zip(new).all(|(old, new)| same_rule((old_api, *old), (new_api, *new)));
                    exactly_one == other && (measure == Measure::Convertible || alike())
                }
                _ => false,
            };
            let pairs = || {
                old.variants.iter().zip(&new.variants).map(|(old, new)| {
                    (
                        Inside { name: &old.name, ty: &old.ty, options: 0 },
                        Inside { name: &new.name, ty: &new.ty, options: 0 },
                    )
                })
            };
            same.then(|| pairs().collect())
        }
        (Kind::Newtype(old), Kind::Newtype(new)) => {
            let same = old.checks.len() == new.checks.len()
                && old.checks.iter().zip(&new.checks).all(|checks| match checks {
                    (Check::Rule(old), Check::Rule(new)) => same_rule((old_api, *old), (new_api, *new)),
                    (old, new) => old == new,
                });
            let inner = |ty| Inside { name: "", ty, options: 0 };
            same.then(|| vec![(inner(&old.inner), inner(&new.inner))])
        }
        (Kind::Tuple(old), Kind::Tuple(new)) => {
            let same = old.items.len() == new.items.len()
                && old.min_items == new.min_items
                && old.rest.is_some() == new.rest.is_some();
            let inner = |ty| Inside { name: "", ty, options: 0 };
            let pairs = || old.items.iter().zip(&new.items).chain(old.rest.iter().zip(&new.rest));
            same.then(|| pairs().map(|(old, new)| (inner(old), inner(new))).collect())
        }
        _ => None,
    }
}

/// What two definitions are to be alike for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// To be one type: all that code can see of them is compared, as are the names of their parts in Rust.
    OneType,
    /// To be converted part by part: parts may have other names in Rust, and what is also about the types inside does
    /// not count, which is the rules by which a union knows its alternatives and the text of a whole Avro schema.
    Convertible,
}

/// The types of the members that two structs do not name, where they keep them.
pub(super) fn kept<'a>(old: &'a Definition, new: &'a Definition) -> Option<(Inside<'a>, Inside<'a>)> {
    let kept = |definition: &'a Definition| match &definition.kind {
        Kind::Struct(object) => match &object.additional {
            Additional::Keep { field, ty } => Some(Inside { name: field, ty, options: 0 }),
            _ => None,
        },
        _ => None,
    };
    Some((kept(old)?, kept(new)?))
}

fn same_avro(old: (&Api, DefinitionId), new: (&Api, DefinitionId), measure: Measure) -> bool {
    match (old.0.types.avro.get(&old.1), new.0.types.avro.get(&new.1)) {
        (None, None) => true,
        (Some(old), Some(new)) => {
            (&old.branch, &old.aliases, &old.default) == (&new.branch, &new.aliases, &new.default)
                && (measure == Measure::Convertible || old.schema == new.schema)
        }
        _ => false,
    }
}

/// Whether two rules say the same, with all that they refer to.
fn same_rule(old: (&Api, RuleId), new: (&Api, RuleId)) -> bool {
    let rule = |(api, RuleId(index)): (&Api, RuleId)| -> (Rule, Vec<RuleId>) {
        api.types.rules[index].rule.without_references()
    };
    let mut seen = HashSet::new();
    let mut waiting = vec![(old.1, new.1)];
    while let Some(pair) = waiting.pop() {
        if !seen.insert(pair) {
            continue;
        }
        let ((old_rule, old_references), (new_rule, new_references)) = (rule((old.0, pair.0)), rule((new.0, pair.1)));
        if old_rule != new_rule {
            return false;
        }
        waiting.extend(old_references.into_iter().zip(new_references));
    }
    true
}
