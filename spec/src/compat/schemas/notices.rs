//! What has changed in a schema without making a reader refuse an event: members that came and went, formats, defaults,
//! names of types, deprecation, words for people.
//!
//! Both schemas are walked side by side, and parts that say the same are passed by.

use std::collections::HashSet;

use super::parts::{Path, Step, counterpart, keywords};
use super::words::{differences, kind, listed, shown};
use super::{Comparing, Part};
use crate::compat::compare::CHANGED_WORDS;
use crate::compat::fact::{Fact, Facts, Site};
use crate::compat::finding::Direction;
use crate::compat::rules;
use crate::schema::{Keywords, SchemaId, same_value};

/// Parts of one payload that are looked at.
const MAX_PAIRS: usize = 20_000;

type Pair = (SchemaId, SchemaId);

/// What is known to break somebody.
pub(super) struct Broken<'b> {
    /// The parts, with the member in question.
    pub(super) parts: HashSet<(SchemaId, SchemaId, Option<&'b str>)>,
    /// Whom the whole of it affects.
    pub(super) whole: Option<Direction>,
    /// The schemas of both versions whose formats were found to break somebody.
    pub(super) formats: (HashSet<SchemaId>, HashSet<SchemaId>),
}

pub(super) fn compare(
    comparing: &mut Comparing<'_>,
    facts: &mut Facts<'_>,
    site: &Site,
    part: Part,
    root: Pair,
    broken: &Broken<'_>,
) {
    let mut seen = HashSet::new();
    let mut open = vec![(root, Path::default())];
    while let Some(((old, new), path)) = open.pop() {
        // Names of types are those of the schemas that are referred to.
        let pair = (comparing.old.follow(old), comparing.new.follow(new));
        if !seen.insert(pair) || comparing.is_same(pair.0, pair.1) {
            continue;
        }
        if seen.len() > MAX_PAIRS {
            let message = format!("{} is too large to be looked at in all its parts", part.root());
            let (old, new) = (&comparing.old[root.0].location, &comparing.new[root.1].location);
            facts.add(site, Fact::new(rules::SCHEMA_UNDECIDED, message).old(old, "").new_at(new, "").key("size"));
            return;
        }
        let (schemas, others) = (comparing.old, comparing.new);
        if let (Some(k), Some(l)) = (keywords(schemas, pair.0), keywords(others, pair.1)) {
            Notices { comparing, facts, site, part, pair, path: &path, k, l, broken }.all();
            let before = open.len();
            inner(comparing, k, l, &path, &mut open);
            open[before..].reverse();
        }
    }
}

/// One pair of schemas with keywords.
struct Notices<'a, 'f, 's> {
    comparing: &'a mut Comparing<'s>,
    facts: &'a mut Facts<'f>,
    site: &'a Site,
    part: Part,
    pair: Pair,
    path: &'a Path,
    k: &'a Keywords,
    l: &'a Keywords,
    broken: &'a Broken<'a>,
}

impl Notices<'_, '_, '_> {
    fn all(&mut self) {
        self.members();
        self.required();
        self.alternatives();
        self.format();
        self.default();
        self.deprecated();
        self.name();
        self.rest();
        self.documentation();
    }

    fn what(&self) -> String {
        self.part.name(self.path)
    }

    fn member(&self, name: &str) -> String {
        self.part.name(&self.path.join(Some(Step::Member(name.to_owned()))))
    }

    /// A fact with the pair as its places.
    fn fact(&self, rule: rules::Rule, message: String) -> Fact {
        let (old, new) = self.pair;
        Fact::new(rule, message)
            .old(&self.comparing.old[old].location, "")
            .new_at(&self.comparing.new[new].location, "")
    }

    fn add(&mut self, fact: Fact) {
        self.facts.add(self.site, fact);
    }

    fn breaks(&self, member: Option<&str>) -> bool {
        self.broken.parts.contains(&(self.pair.0, self.pair.1, member))
    }

    fn members(&mut self) {
        let (old, new) = (self.comparing.old, self.comparing.new);
        for (name, id) in &self.l.properties {
            if !self.k.properties.contains_key(name) && !self.breaks(Some(name)) {
                let id = new.follow(*id);
                let message = format!("{} is new", self.member(name));
                let (place, text) = (old[self.pair.0].location.clone(), format!("there was no `{name}`"));
                let fact = Fact::new(rules::PROPERTY_ADDED, message).old(&place, text).key(name);
                self.add(fact.new_at(&new[id].location, kind(new, id)));
            }
        }
        for (name, id) in &self.k.properties {
            if !self.l.properties.contains_key(name) && !self.breaks(Some(name)) {
                let id = old.follow(*id);
                let message = format!("{} is gone: code that names it no longer compiles", self.member(name));
                let (place, text) = (new[self.pair.1].location.clone(), format!("there is no `{name}`"));
                let fact = Fact::new(rules::PROPERTY_REMOVED, message).new_at(&place, text).key(name);
                let help =
                    "do not give the name another type later: `full-transitive` finds that, and the log still has it";
                self.add(fact.old(&old[id].location, kind(old, id)).help(help));
            }
        }
    }

    fn required(&mut self) {
        for (name, id) in &self.l.properties {
            let Some(before) = self.k.properties.get(name) else { continue };
            let is = |keywords: &Keywords| keywords.required.contains(name);
            let (rule, message) = match (is(self.k), is(self.l)) {
                (false, true) => (
                    rules::FIELD_BECAME_REQUIRED,
                    format!("the field of {} is no longer an `Option`, and constructors take it", self.member(name)),
                ),
                (true, false) => {
                    (rules::FIELD_BECAME_OPTIONAL, format!("the field of {} is an `Option` now", self.member(name)))
                }
                _ => continue,
            };
            let (old, new) = (self.comparing.old, self.comparing.new);
            let fact = Fact::new(rule, message).old(&old[old.follow(*before)].location, "").key(name);
            self.add(fact.new_at(&new[new.follow(*id)].location, ""));
        }
    }

    /// New values of an enumeration, new alternatives.
    fn alternatives(&mut self) {
        if let (Some(before), Some(after)) = (&self.k.enum_values, &self.l.enum_values) {
            let is_new = |value: &&crate::source::Node| !before.iter().any(|other| same_value(value, other));
            let added: Vec<String> = after.iter().filter(is_new).take(4).map(shown).collect();
            if !added.is_empty() {
                let what = self.what();
                let message = format!("the enum of {what} has new variants: {}", listed(&added, "and"));
                let fact = self.fact(rules::VARIANT_ADDED, message);
                self.add(fact.help("a `match` without a wildcard no longer compiles, which is what it is for"));
            }
        }
        for (before, after) in [(&self.k.one_of, &self.l.one_of), (&self.k.any_of, &self.l.any_of)] {
            if !before.is_empty() && after.len() > before.len() {
                let message = format!(
                    "the enum of {} has new variants: {} alternatives, and had {}",
                    self.what(),
                    after.len(),
                    before.len()
                );
                let fact = self.fact(rules::VARIANT_ADDED, message);
                self.add(fact.help("a `match` without a wildcard no longer compiles, which is what it is for"));
            }
        }
    }

    fn format(&mut self) {
        if self.k.format == self.l.format {
            return;
        }
        // What generated types hold to was found where all that applies to the value is looked at together.
        if self.broken.formats.0.contains(&self.pair.0) || self.broken.formats.1.contains(&self.pair.1) {
            return;
        }
        let written = |format: &Option<String>| {
            format.as_ref().map_or_else(|| "no format".to_owned(), |format| format!("the format `{format}`"))
        };
        let said = format!("{} has {} now, and had {}", self.what(), written(&self.l.format), written(&self.k.format));
        let fact = self.fact(rules::SCHEMA_FORMAT_NOTED, said);
        self.add(fact);
    }

    fn default(&mut self) {
        let (before, after) = (&self.k.default, &self.l.default);
        let is_same = match (before, after) {
            (Some(a), Some(b)) => same_value(a, b),
            (None, None) => true,
            _ => false,
        };
        if is_same {
            return;
        }
        let written = |value: &Option<crate::source::Node>| value.as_ref().map_or_else(|| "none".to_owned(), shown);
        let message = format!("the default of {} is {} now, and was {}", self.what(), written(after), written(before));
        let help = "consumers of the two versions take different values for an absent member";
        let fact = self.fact(rules::SCHEMA_DEFAULT_CHANGED, message).help(help);
        self.add(fact);
    }

    fn deprecated(&mut self) {
        if self.l.deprecated && !self.k.deprecated {
            let fact = self.fact(rules::DEPRECATED, format!("{} is deprecated now", self.what()));
            self.add(fact);
        }
    }

    /// The title, and else the name among the components, is what a generated type is called.
    fn name(&mut self) {
        let makes_type = |keywords: &Keywords| {
            !keywords.properties.is_empty() || keywords.enum_values.is_some() || !keywords.one_of.is_empty()
        };
        let (old, new) = (&self.comparing.old[self.pair.0], &self.comparing.new[self.pair.1]);
        let before = self.k.title.as_ref().or(old.name.as_ref());
        let after = self.l.title.as_ref().or(new.name.as_ref());
        if let (Some(before), Some(after)) = (before, after)
            && before != after
            && makes_type(self.k)
            && makes_type(self.l)
        {
            let message =
                format!("the type of {} is called after `{after}` now, and was after `{before}`", self.what());
            let fact = self.fact(rules::TYPE_RENAMED, message);
            self.add(fact.help("the option `rename` keeps the old name in code"));
        }
    }

    /// Keywords that neither version's readers stumble over.
    fn rest(&mut self) {
        if self.breaks(None) {
            return;
        }
        let mut said = differences(self.k, self.l);
        if self.k.types != self.l.types {
            let (old, new) = (kind(self.comparing.old, self.pair.0), kind(self.comparing.new, self.pair.1));
            if old != new {
                said.push(format!("it is {new} (was {old})"));
            }
        }
        let count = |keywords: &Keywords| {
            (
                keywords.enum_values.as_ref().map_or(0, Vec::len),
                keywords.additional_properties.is_some(),
                keywords.all_of.len(),
                keywords.any_of.len(),
                keywords.one_of.len(),
                keywords.not.is_some(),
                keywords.if_schema.is_some(),
            )
        };
        if said.is_empty() && count(self.k) != count(self.l) {
            said.push("it is written in another way".to_owned());
        }
        if said.is_empty() {
            return;
        }
        let (what, said) = (self.what(), said.join(", "));
        // Beside parts that break somebody, nobody has looked for events that break over this alone.
        let unsuited = self.comparing.unsuited(self.pair.0, self.pair.1, self.broken.whole);
        let fact = match unsuited {
            None => self.fact(rules::SCHEMA_CHANGED, format!("{what} has changed, and all events stay valid: {said}")),
            Some(direction) => {
                let message = format!(
                    "{what} has changed in itself, too: {said}; other findings hide whether that breaks anybody"
                );
                let help = "mend or accept what is said of its parts, and compare again";
                self.fact(rules::SCHEMA_UNDECIDED, message).direction(direction).help(help)
            }
        };
        self.add(fact);
    }

    fn documentation(&mut self) {
        let says = |keywords: &Keywords| (keywords.title.clone(), keywords.description.clone());
        let examples = |keywords: &Keywords| keywords.examples.len();
        if says(self.k) != says(self.l) || examples(self.k) != examples(self.l) {
            let fact = self.fact(rules::DOCUMENTATION_CHANGED, CHANGED_WORDS.to_owned());
            self.add(fact);
        }
    }
}

/// The pairs within a pair, with their ways into the value.
fn inner(comparing: &Comparing<'_>, k: &Keywords, l: &Keywords, path: &Path, open: &mut Vec<(Pair, Path)>) {
    let mut add = |step: Option<Step>, old: SchemaId, new: SchemaId| open.push(((old, new), path.join(step)));
    for (name, &id) in &k.properties {
        if let Some(&other) = l.properties.get(name) {
            add(Some(Step::Member(name.clone())), id, other);
        }
    }
    for (pattern, &id) in &k.pattern_properties {
        if let Some(&other) = l.pattern_properties.get(pattern) {
            add(Some(Step::Values), id, other);
        }
    }
    for (index, (&id, &other)) in k.prefix_items.iter().zip(&l.prefix_items).enumerate() {
        add(Some(Step::Item(index)), id, other);
    }
    type Single = fn(&Keywords) -> Option<SchemaId>;
    let singles: [(Option<Step>, Single); 9] = [
        (Some(Step::Items), |k| k.items),
        (Some(Step::Values), |k| k.additional_properties),
        (Some(Step::Items), |k| k.contains),
        (None, |k| k.reference),
        (None, |k| k.dynamic_reference),
        (None, |k| k.if_schema),
        (None, |k| k.then_schema),
        (None, |k| k.else_schema),
        (None, |k| k.not),
    ];
    for (step, get) in singles {
        if let (Some(id), Some(other)) = (get(k), get(l)) {
            add(step, id, other);
        }
    }
    for (before, after) in [(&k.all_of, &l.all_of), (&k.one_of, &l.one_of), (&k.any_of, &l.any_of)] {
        for (index, &id) in before.iter().enumerate() {
            let place = (before.len() == after.len()).then_some(index);
            if let Some(other) = counterpart(comparing.old, id, comparing.new, after, place) {
                add(None, id, other);
            }
        }
    }
}
