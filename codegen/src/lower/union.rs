//! Unions: `oneOf`, `anyOf` and `type` lists become enums that know which alternative is meant.

use std::collections::HashSet;

use event_api_spec::schema::{Discriminator, JsonType, SchemaId};
use indexmap::IndexMap;

use super::conjunction::{Alternatives, Conjunction, Watch, is_only_a_type};
use super::names::{Scope, type_name};
use super::rule::Reading;
use super::types::{Lowering, Naming, json_type_name, keywords};
use crate::ir::{Docs, Kind, Rule, RuleId, Tagging, Type, Union, Variant};

/// More alternatives than this after multiplying unions out are not a type that anyone could read.
const MAX_ALTERNATIVES: usize = 256;

/// Unions nested deeper than this are tried in order rather than told apart.
const MAX_UNION_DEPTH: usize = 8;

/// An alternative, before its type is known.
struct Branch {
    /// The schema that names it.
    schema: SchemaId,
    /// All that applies to it: what stands beside the union, and the alternative itself.
    all: Conjunction,
}

impl Lowering<'_> {
    /// The type of a conjunction with a union in it.
    pub(super) fn lower_union(&mut self, conjunction: &Conjunction, naming: &Naming) -> Option<Type> {
        let union = conjunction.unions.first()?.clone();
        let rest = conjunction.beside_union();
        let mut branches: Vec<Branch> = Vec::new();
        let mut nullable = false;
        for schema in &union.branches {
            let mut all = rest.clone();
            all.add(self.schemas, *schema);
            all.drop_repeated_types(self.schemas);
            if self.is_null(&all) {
                nullable |= self.accepts_null(&all);
            } else if self.same_value.contains(&all) {
                // `A: anyOf: [B, A]`: an alternative that is the union itself accepts nothing more.
                let message = "this alternative leads back to the union that it is part of";
                let help = "remove it: a value is never closer to being valid by it";
                self.report(*schema, crate::rules::CIRCULAR_ALTERNATIVE, message, help);
            } else if !all.impossible {
                branches.push(Branch { schema: self.schemas.follow(*schema), all });
            }
        }
        let ty = self.lower_branches(&union, branches, conjunction, naming);
        Some(if nullable { ty.nullable() } else { ty })
    }

    fn lower_branches(
        &mut self,
        union: &Alternatives,
        branches: Vec<Branch>,
        conjunction: &Conjunction,
        naming: &Naming,
    ) -> Type {
        match branches.as_slice() {
            [] => return Type::Never,
            [only] => return self.lower_conjunction(only.all.clone(), naming),
            _ => {}
        }
        if let Some(ty) = self.lower_open_enum(union, &branches, naming) {
            return ty;
        }
        let tagging = self.tagging(union, &branches);
        let mut branches = branches;
        match (&tagging, union.exactly_one) {
            (None, false) => self.keep_what_others_declare(&mut branches),
            (None, true) => self.keep_what_tells_apart(&mut branches),
            (Some(_), _) => {}
        }
        let id = self.begin_definition(conjunction, naming);
        let base = naming.base(&self.types[id].name);
        let mut scope = Scope::default();
        let mut variants: Vec<Variant> = Vec::new();
        let mut nullables = 0;
        for (index, branch) in branches.iter().enumerate() {
            let word = self.variant_word(&branches, index, tagging.as_ref());
            let position = format!("{base}{word}");
            // `null` is the union's, not an alternative's: then a value's JSON type or tag leads to one alternative.
            let ty = match self.lower_branch(branch, position) {
                Type::Nullable(inner) => {
                    nullables += 1;
                    *inner
                }
                other => other,
            };
            let name = self.variant_name(&mut scope, &base, &word, &ty);
            let docs = self.docs_of_use(branch.schema, &ty);
            variants.push(Variant { name, ty, docs });
        }
        let tagging = tagging.unwrap_or_else(|| {
            let reading = self.reading_beside(&conjunction.beside_union());
            let names = variants.iter().map(|variant| format!("{base}_{}", variant.name));
            let rules = branches.iter().zip(names).map(|(branch, name)| self.rule_of_branch(branch, reading, &name));
            Tagging::Rule { exactly_one: union.exactly_one, rules: rules.collect() }
        });
        self.types[id].kind = Kind::Union(Union { variants, tagging });
        // Where exactly one alternative may accept, two that accept `null` refuse it.
        let is_nullable = nullables == 1 || (nullables > 1 && !union.exactly_one);
        if is_nullable { Type::Named(id).nullable() } else { Type::Named(id) }
    }

    /// The named rule that says whether a value is meant by this alternative.
    fn rule_of_branch(&mut self, branch: &Branch, reading: Reading, name: &str) -> RuleId {
        match self.rule(branch.schema, reading) {
            Rule::See(id) => id,
            rule => self.add_rule(name, rule),
        }
    }

    /// A value may be valid by several alternatives of an `anyOf`: one that accepts it keeps the members that only
    /// others declare.
    fn keep_what_others_declare(&self, branches: &mut [Branch]) {
        let declared: Vec<HashSet<&str>> = branches
            .iter()
            .map(|branch| {
                let keywords = branch.all.keywords(self.schemas);
                keywords.flat_map(|k| k.properties.keys().map(String::as_str)).collect()
            })
            .collect();
        for (branch, own) in branches.iter_mut().zip(&declared) {
            if !own.is_empty() && declared.iter().any(|others| !others.is_subset(own)) {
                branch.all.watch = branch.all.watch.max(Watch::Members);
            }
        }
    }

    /// A value of a `oneOf` is not to look like another alternative's after reading: one whose members are all that
    /// another requires keeps those that only the other declares, and keeps apart what is absent.
    fn keep_what_tells_apart(&self, branches: &mut [Branch]) {
        let members: Vec<(HashSet<&str>, HashSet<&str>)> = branches
            .iter()
            .map(|branch| {
                let keywords = branch.all.keywords(self.schemas);
                let declared = keywords.clone().flat_map(|k| k.properties.keys().map(String::as_str)).collect();
                (declared, keywords.flat_map(|k| k.required.iter().map(String::as_str)).collect())
            })
            .collect();
        for (index, branch) in branches.iter_mut().enumerate() {
            let own = &members[index].0;
            let others = members.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, members)| members);
            let near = others.filter(|(_, required)| !own.is_empty() && required.is_subset(own));
            for (declared, _) in near {
                if !declared.is_subset(own) {
                    branch.all.watch = branch.all.watch.max(Watch::Members);
                } else if self.fills_in(&branch.all) {
                    branch.all.watch = branch.all.watch.max(Watch::Declared);
                }
            }
        }
    }

    /// Whether members that are absent or `null` may be written as something else.
    fn fills_in(&self, all: &Conjunction) -> bool {
        all.keywords(self.schemas).flat_map(|k| k.properties.values()).any(|id| {
            let member = Conjunction::of(self.schemas, *id);
            let has_default = member.keywords(self.schemas).any(|k| k.default.is_some());
            let types = member.declared_types(self.schemas);
            has_default || !member.unions.is_empty() || types.is_some_and(|types| types.contains(&JsonType::Null))
        })
    }

    fn lower_branch(&mut self, branch: &Branch, position: String) -> Type {
        if Conjunction::of(self.schemas, branch.schema) == branch.all {
            return self.lower(branch.schema, position);
        }
        self.lower_conjunction(branch.all.clone(), &Naming::new(position, branch.schema))
    }

    /// The values of several JSON types: an alternative for each.
    pub(super) fn lower_several(&mut self, conjunction: &Conjunction, types: &[JsonType], naming: &Naming) -> Type {
        let nullable = types.contains(&JsonType::Null);
        let id = self.begin_definition(conjunction, naming);
        let base = naming.base(&self.types[id].name);
        let mut variants = Vec::new();
        let mut kinds = Vec::new();
        for json_type in types.iter().filter(|json_type| **json_type != JsonType::Null) {
            let name = type_name(json_type_name(*json_type));
            // The schema's own name is taken by the union, so its parts are named by their JSON type.
            let part = Naming::new(format!("{base}{name}"), naming.schema);
            let ty = self.lower_single(conjunction, *json_type, &part);
            variants.push(Variant { name, ty, docs: Docs::default() });
            kinds.push(vec![*json_type]);
        }
        self.types[id].kind = Kind::Union(Union { variants, tagging: Tagging::JsonType(kinds) });
        if nullable { Type::Named(id).nullable() } else { Type::Named(id) }
    }

    /// Whether the unions multiply to more alternatives than a type can have.
    pub(super) fn multiplies(&self, conjunction: &Conjunction) -> bool {
        let product = conjunction.unions.iter().try_fold(1usize, |all, union| all.checked_mul(union.branches.len()));
        product.is_none_or(|product| product > MAX_ALTERNATIVES)
    }

    /// Whether the alternatives describe nothing, but only say which members must (not) be there together.
    pub(super) fn only_restricts(&self, union: &Alternatives) -> bool {
        union.branches.iter().all(|branch| {
            let all = Conjunction::of(self.schemas, *branch);
            all.unions.is_empty()
                && !all.leaves.is_empty()
                && all.keywords(self.schemas).all(|k| {
                    let plain = k.properties.is_empty()
                        && k.additional_properties.is_none()
                        && k.pattern_properties.is_empty()
                        && k.items.is_none()
                        && k.prefix_items.is_empty()
                        && k.enum_values.is_none()
                        && k.const_value.is_none()
                        && k.format.is_none()
                        && k.pattern.is_none();
                    plain && (!k.required.is_empty() || k.not.is_some())
                })
        })
    }

    pub(super) fn is_null(&self, all: &Conjunction) -> bool {
        if !all.unions.is_empty() || all.impossible {
            return false;
        }
        let by_type = all.declared_types(self.schemas).is_some_and(|types| types == [JsonType::Null]);
        let by_value = all.keywords(self.schemas).any(|k| {
            k.const_value.as_ref().is_some_and(|v| v.value == event_api_spec::Value::Null)
                || k.enum_values.as_ref().is_some_and(|values| {
                    !values.is_empty() && values.iter().all(|v| v.value == event_api_spec::Value::Null)
                })
        });
        by_type || by_value
    }

    /// How to tell the alternatives apart by their tag or their JSON type; `None` where neither does.
    fn tagging(&self, union: &Alternatives, branches: &[Branch]) -> Option<Tagging> {
        let kinds: Vec<Vec<JsonType>> = branches.iter().map(|branch| self.kinds(&branch.all)).collect();
        let discriminator = self.discriminator(union, branches);
        if kinds.iter().all(|kinds| kinds == &[JsonType::Object])
            && let Some(tagging) = self.member_tagging(discriminator, branches)
        {
            return Some(tagging);
        }
        let mut seen = Vec::new();
        let disjoint = kinds.iter().flatten().all(|kind| {
            let kind = if *kind == JsonType::Integer { JsonType::Number } else { *kind };
            let new = !seen.contains(&kind);
            seen.push(kind);
            new
        });
        if disjoint && kinds.iter().all(|kinds| !kinds.is_empty()) {
            return Some(Tagging::JsonType(kinds));
        }
        None
    }

    fn discriminator(&self, union: &Alternatives, branches: &[Branch]) -> Option<&Discriminator> {
        if self.settings.exact {
            return None;
        }
        let own = keywords(&self.schemas[union.schema]).and_then(|k| k.discriminator.as_ref());
        own.or_else(|| branches.first()?.all.keywords(self.schemas).find_map(|k| k.discriminator.as_ref()))
    }

    /// A required member that has other constant values in every alternative, or the discriminator.
    fn member_tagging(&self, discriminator: Option<&Discriminator>, branches: &[Branch]) -> Option<Tagging> {
        let tags: Vec<IndexMap<&str, Vec<String>>> =
            branches.iter().map(|branch| self.constant_members(&branch.all)).collect();
        let declared = discriminator.map(|d| d.property.as_str());
        let candidates = declared.into_iter().chain(tags.first()?.keys().copied());
        for name in candidates {
            let values: Vec<Vec<String>> = tags.iter().filter_map(|tags| tags.get(name).cloned()).collect();
            if values.len() == branches.len() && all_differ(&values) {
                return Some(Tagging::Member { wire_name: name.to_owned(), values, is_constant: true });
            }
        }
        // A discriminator without constants names the alternatives by their schemas' names (AsyncAPI 2.6 and 3.0,
        // "Schema Object", `discriminator`), or by a mapping (OpenAPI 3.0, "Discriminator Object").
        let discriminator = discriminator?;
        // An alternative that does not have the member could not be written with it.
        let declares = |branch: &Branch| {
            branch.all.keywords(self.schemas).any(|k| k.properties.contains_key(&discriminator.property))
        };
        if !branches.iter().all(declares) {
            return None;
        }
        let values: Vec<Vec<String>> = branches
            .iter()
            .map(|branch| {
                let name = self.schemas[branch.schema].name.clone();
                let mapped = discriminator.mapping.iter().filter(|(_, target)| {
                    let last = target.rsplit('/').next();
                    name.is_some() && last == name.as_deref()
                });
                let mut values: Vec<String> = mapped.map(|(value, _)| value.clone()).collect();
                if values.is_empty() {
                    values.extend(name);
                }
                values
            })
            .collect();
        (values.iter().all(|values| !values.is_empty()) && all_differ(&values)).then(|| Tagging::Member {
            wire_name: discriminator.property.clone(),
            values,
            is_constant: false,
        })
    }

    /// The required members whose value can only be one of some strings.
    fn constant_members(&self, all: &Conjunction) -> IndexMap<&str, Vec<String>> {
        let mut found = IndexMap::new();
        if !all.unions.is_empty() {
            return found;
        }
        let required: Vec<&str> =
            all.keywords(self.schemas).flat_map(|k| k.required.iter().map(String::as_str)).collect();
        for k in all.keywords(self.schemas) {
            for (name, schema) in &k.properties {
                if required.contains(&name.as_str())
                    && let Some(values) = self.listed_strings(*schema)
                {
                    found.insert(name.as_str(), values);
                }
            }
        }
        found
    }

    /// The JSON types that an alternative can be of; empty when it cannot be told.
    fn kinds(&self, all: &Conjunction) -> Vec<JsonType> {
        self.kinds_within(all, MAX_UNION_DEPTH)
    }

    /// Whether the type of a value may leave something of it out: whether it may be an object, or hold one.
    pub(super) fn may_lose(&self, all: &Conjunction) -> bool {
        if all.is_anything() || all.lists_values(self.schemas) {
            return false;
        }
        let has_format = !self.settings.exact && all.keywords(self.schemas).any(|k| k.format.is_some());
        let kinds = self.kinds(all);
        has_format || kinds.is_empty() || kinds.iter().any(|kind| matches!(kind, JsonType::Object | JsonType::Array))
    }

    fn kinds_within(&self, all: &Conjunction, depth: usize) -> Vec<JsonType> {
        if let Some(types) = all.declared_types(self.schemas) {
            return types;
        }
        let listed = all.keywords(self.schemas).any(|k| k.enum_values.is_some() || k.const_value.is_some());
        if listed {
            let strings = all.keywords(self.schemas).all(|k| {
                let string = |value: &event_api_spec::Node| value.as_str().is_some();
                k.enum_values.iter().flatten().all(string) && k.const_value.iter().all(string)
            });
            return if strings { vec![JsonType::String] } else { Vec::new() };
        }
        if let Some(union) = all.unions.first() {
            if depth == 0 {
                return Vec::new();
            }
            let mut kinds = Vec::new();
            for branch in &union.branches {
                let here = self.kinds_within(&Conjunction::of(self.schemas, *branch), depth - 1);
                if here.is_empty() {
                    return here;
                }
                kinds.extend(here);
            }
            kinds.sort_unstable();
            kinds.dedup();
            return kinds;
        }
        match all.implied_types(self.schemas).as_slice() {
            [single] if !self.settings.exact => vec![*single],
            _ => Vec::new(),
        }
    }

    /// What to call an alternative: by its schema's name or title, its tag, its JSON type, a member that only it has, or
    /// its place.
    fn variant_word(&self, branches: &[Branch], index: usize, tagging: Option<&Tagging>) -> String {
        let branch = &branches[index];
        let schema = &self.schemas[branch.schema];
        if let Some(name) = &schema.name {
            return type_name(name);
        }
        if let Some(title) = keywords(schema).and_then(|k| k.title.as_deref())
            && title.split_whitespace().count() <= 4
        {
            return type_name(title);
        }
        match tagging {
            Some(Tagging::Member { values, .. }) => {
                if let [value] = values[index].as_slice() {
                    return type_name(value);
                }
            }
            Some(Tagging::JsonType(kinds)) => {
                if let [kind] = kinds[index].as_slice() {
                    return type_name(json_type_name(*kind));
                }
            }
            Some(Tagging::Rule { .. } | Tagging::Branch(_)) | None => {}
        }
        match self.kinds(&branch.all).as_slice() {
            [JsonType::Object] => match self.own_member(branches, index) {
                // `{created: {…}}` is what the member says; of several members, one is only what it has.
                Some(member) if self.is_in_one_member(branch) => type_name(member),
                Some(member) => format!("With{}", type_name(member)),
                None => format!("Alternative{}", index + 1),
            },
            [] => format!("Alternative{}", index + 1),
            [JsonType::String] => self.string_word(branches, index),
            [kind] => type_name(json_type_name(*kind)),
            _ => format!("Alternative{}", index + 1),
        }
    }

    /// Whether all that an object holds is in one member, an object of its own.
    fn is_in_one_member(&self, branch: &Branch) -> bool {
        let mut members = branch.all.keywords(self.schemas).flat_map(|k| k.properties.values());
        let (Some(only), None, []) = (members.next(), members.next(), branch.all.unions.as_slice()) else {
            return false;
        };
        self.kinds(&Conjunction::of(self.schemas, *only)) == [JsonType::Object]
    }

    /// What to call one of several alternatives that are strings: by what it says of them.
    fn string_word(&self, branches: &[Branch], index: usize) -> String {
        let is_listed = |branch: &Branch| branch.all.lists_values(self.schemas);
        let is_string = |branch: &Branch| self.kinds(&branch.all) == [JsonType::String];
        let strings = branches.iter().filter(|branch| is_string(branch));
        let listed = strings.clone().filter(|branch| is_listed(branch)).count();
        let others = strings.count() - listed;
        let branch = &branches[index];
        let format = branch.all.keywords(self.schemas).find_map(|k| k.format.as_deref());
        match (is_listed(branch), format) {
            (true, _) if listed == 1 && others > 0 => "Known".to_owned(),
            (false, Some(format)) if others > 1 => type_name(format),
            (false, _) if others == 1 && listed > 0 => "Other".to_owned(),
            _ => "String".to_owned(),
        }
    }

    /// `anyOf` of listed strings and of any string at all: an enum of strings that is open, by the document's own word.
    fn lower_open_enum(&mut self, union: &Alternatives, branches: &[Branch], naming: &Naming) -> Option<Type> {
        let [first, second] = branches else { return None };
        let (listed, other) = match (first.all.lists_values(self.schemas), second.all.lists_values(self.schemas)) {
            (true, false) => (first, second),
            (false, true) => (second, first),
            _ => return None,
        };
        let is_plain_string = other.all.declared_types(self.schemas)? == [JsonType::String]
            && other.all.unions.is_empty()
            && other.all.keywords(self.schemas).all(is_only_a_type);
        let is_list_of_strings = listed.all.unions.is_empty()
            && listed.all.keywords(self.schemas).all(|k| {
                let values = k.enum_values.iter().flatten().chain(&k.const_value);
                values.into_iter().all(|value| value.as_str().is_some())
            });
        if union.exactly_one || !is_plain_string || !is_list_of_strings {
            return None;
        }
        let ty = self.lower_values(&listed.all, naming)?;
        let Type::Named(id) = ty else { return None };
        if let Kind::ValueEnum(values) = &mut self.types[id].kind
            && values.other.is_none()
        {
            let mut scope = Scope::default();
            for variant in &values.variants {
                scope.claim([variant.name.clone()]);
            }
            values.other = Some(scope.claim(["Other".to_owned()]));
        }
        Some(Type::Named(id))
    }

    /// The first member, a required one if there is any, that no other alternative has.
    fn own_member(&self, branches: &[Branch], index: usize) -> Option<&str> {
        let members = |branch: &Branch| {
            let required = branch.all.keywords(self.schemas).flat_map(|k| &k.required);
            let declared = branch.all.keywords(self.schemas).flat_map(|k| k.properties.keys());
            required.chain(declared).map(String::as_str).collect::<Vec<_>>()
        };
        let others: Vec<&str> =
            branches.iter().enumerate().filter(|(other, _)| *other != index).flat_map(|(_, b)| members(b)).collect();
        members(&branches[index]).into_iter().find(|name| !others.contains(name))
    }

    /// The variant's name: the word, without the union's own name in front of it.
    fn variant_name(&self, scope: &mut Scope, base: &str, word: &str, ty: &Type) -> String {
        let word = match ty {
            Type::Named(id) if word.starts_with("Alternative") => self.types[*id].name.clone(),
            _ => word.to_owned(),
        };
        let short = word.strip_prefix(base).filter(|rest| rest.starts_with(char::is_uppercase));
        scope.claim([short.map_or_else(|| word.clone(), str::to_owned), word.clone()])
    }
}

fn all_differ(values: &[Vec<String>]) -> bool {
    let mut seen = std::collections::HashSet::new();
    values.iter().flatten().all(|value| seen.insert(value))
}
