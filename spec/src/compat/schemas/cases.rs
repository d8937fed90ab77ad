//! The cases of a value: what applies to it together, with one alternative of each of its unions. Schemas of a place in a
//! value come in, cases and pairs of them go out.

use super::Comparing;
use super::parts::{counterpart, keywords};
use crate::schema::{Keywords, Pattern, SchemaId, SchemaKind, Schemas, same_value};

/// Cases of one place that are told apart.
const MAX_CASES: usize = 1024;

/// One case, in the order in which generated code looks at its parts.
#[derive(Clone, Debug, Default)]
pub(super) struct Case {
    pub(super) parts: Vec<SchemaId>,
    /// What stands for it: the alternative that was chosen last, else the schema of the place.
    pub(super) chosen: Option<SchemaId>,
    unions: Vec<Union>,
    is_impossible: bool,
}

/// Alternatives, and the schema that lists them.
#[derive(Clone, Debug)]
pub(super) struct Union {
    pub(super) owner: SchemaId,
    pub(super) alternatives: Vec<SchemaId>,
}

impl Case {
    fn add(&mut self, schemas: &Schemas, id: SchemaId) {
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let keywords = match &schemas[id].kind {
                SchemaKind::Bool(is_possible) => {
                    self.is_impossible |= !is_possible;
                    continue;
                }
                SchemaKind::Object(keywords) => keywords,
            };
            if self.parts.contains(&id) {
                continue;
            }
            self.parts.push(id);
            open.extend(keywords.all_of.iter().rev());
            open.extend(keywords.dynamic_reference);
            open.extend(keywords.reference);
            for alternatives in [&keywords.one_of, &keywords.any_of] {
                match alternatives.as_slice() {
                    [] => {}
                    [only] => open.push(*only),
                    several => self.unions.push(Union { owner: id, alternatives: several.to_vec() }),
                }
            }
        }
    }

    pub(super) fn keywords<'s>(&self, schemas: &'s Schemas) -> impl Iterator<Item = &'s Keywords> {
        self.parts.iter().filter_map(move |id| keywords(schemas, *id))
    }

    /// All that is said of a member of this name.
    pub(super) fn member(&self, schemas: &Schemas, name: &str) -> Vec<SchemaId> {
        let mut found = Vec::new();
        for k in self.keywords(schemas) {
            let before = found.len();
            found.extend(k.properties.get(name));
            let matches = |text: &str| Pattern::new(text).and_then(|pattern| pattern.matches(name)).unwrap_or(false);
            found.extend(k.pattern_properties.iter().filter(|(text, _)| matches(text)).map(|(_, id)| *id));
            if found.len() == before {
                found.extend(k.additional_properties);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// All that is said of the item of a tuple, or of any item beyond.
    pub(super) fn item(&self, schemas: &Schemas, index: usize) -> Vec<SchemaId> {
        self.keywords(schemas).filter_map(|k| k.prefix_items.get(index).copied().or(k.items)).collect()
    }

    pub(super) fn values(&self, schemas: &Schemas) -> Vec<SchemaId> {
        self.keywords(schemas).filter_map(|k| k.additional_properties).collect()
    }

    fn member_names<'s>(&self, schemas: &'s Schemas) -> Vec<&'s String> {
        let mut names: Vec<&String> = self.keywords(schemas).flat_map(|k| k.properties.keys()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The unions at a place.
pub(super) fn unions(schemas: &Schemas, place: &[SchemaId]) -> Vec<Union> {
    let mut all = Case::default();
    place.iter().for_each(|id| all.add(schemas, *id));
    all.unions
}

/// The cases of a place; `None` when there are too many.
pub(super) fn cases(schemas: &Schemas, place: &[SchemaId]) -> Option<Vec<Case>> {
    let mut start = Case { chosen: place.first().copied(), ..Case::default() };
    place.iter().for_each(|id| start.add(schemas, *id));
    let (mut open, mut cases) = (vec![start], Vec::new());
    let mut steps = 0;
    while let Some(mut case) = open.pop() {
        steps += 1;
        if steps > 4 * MAX_CASES || open.len() + cases.len() > MAX_CASES {
            return None;
        }
        if case.is_impossible {
            continue;
        }
        let Some(union) = case.unions.pop() else {
            cases.push(case);
            continue;
        };
        for alternative in union.alternatives.iter().rev() {
            let mut with = Case { chosen: Some(*alternative), ..case.clone() };
            with.add(schemas, *alternative);
            open.push(with);
        }
    }
    Some(cases)
}

/// Which cases of two versions are meant to be the same, and whether that is sure.
pub(super) fn pairs(comparing: &mut Comparing<'_>, old: &[Case], new: &[Case]) -> Vec<(usize, usize, bool)> {
    if let ([_], [_]) = (old, new) {
        return vec![(0, 0, true)];
    }
    let (schemas, others) = (comparing.old, comparing.new);
    let list = |cases: &[Case]| cases.iter().filter_map(|case| case.chosen).collect::<Vec<_>>();
    let (before, after) = (list(old), list(new));
    let mut pairs = Vec::new();
    for (index, &id) in before.iter().enumerate() {
        let same = after.iter().position(|other| comparing.is_same(id, *other));
        let found = same.or_else(|| {
            let other = counterpart(schemas, id, others, &after, None)?;
            after.iter().position(|it| *it == other)
        });
        let found = found.or_else(|| new.iter().position(|other| has_tag_of(schemas, &old[index], others, other)));
        match found {
            Some(found) => pairs.push((index, found, true)),
            None if old.len() == new.len() => {
                let is_alike = old[index].member_names(schemas) == new[index].member_names(others);
                pairs.push((index, index, is_alike));
            }
            None => pairs.extend((0..new.len()).map(|other| (index, other, false))),
        }
    }
    for index in 0..new.len() {
        if !pairs.iter().any(|(_, other, _)| *other == index) {
            pairs.extend((0..old.len()).map(|before| (before, index, false)));
        }
    }
    pairs
}

/// Whether both cases have a member with the same constant.
fn has_tag_of(schemas: &Schemas, case: &Case, others: &Schemas, other: &Case) -> bool {
    case.member_names(schemas).into_iter().any(|name| {
        let constant = |schemas: &Schemas, case: &Case| {
            let ids = case.member(schemas, name);
            ids.into_iter().find_map(|id| keywords(schemas, schemas.follow(id))?.const_value.clone())
        };
        let pair = constant(schemas, case).zip(constant(others, other));
        pair.is_some_and(|(a, b)| same_value(&a, &b))
    })
}
