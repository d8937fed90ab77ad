//! Unions: `oneOf`, `anyOf` and `type` lists become enums that know which alternative is meant.

use event_api_spec::schema::{Discriminator, JsonType, SchemaId};
use indexmap::IndexMap;

use super::conjunction::{Alternatives, Conjunction};
use super::names::{Scope, type_name};
use super::types::{Lowering, Naming, json_type_name, keywords};
use crate::ir::{Docs, Kind, Tagging, Type, Union, Variant};

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
    /// The type of a conjunction with a union in it; `None` when the union only restricts what the rest describes.
    pub(super) fn lower_union(&mut self, conjunction: &Conjunction, naming: &Naming) -> Option<Type> {
        let union = conjunction.unions.first()?.clone();
        let rest = conjunction.beside_union();
        if !rest.leaves.is_empty() && self.only_restricts(&union) {
            let message = format!(
                "the generated type does not enforce this `{}`, whose alternatives only demand members",
                if union.exactly_one { "oneOf" } else { "anyOf" }
            );
            self.report(union.schema, crate::rules::UNCHECKED_KEYWORD, message, "every combination is accepted");
            return Some(self.lower_conjunction(rest, naming));
        }
        let product = conjunction.unions.iter().try_fold(1usize, |all, union| all.checked_mul(union.branches.len()));
        if product.is_none_or(|product| product > MAX_ALTERNATIVES) {
            return Some(self.fall_back(naming.schema, "its unions multiply to too many alternatives"));
        }
        let mut branches = Vec::new();
        let mut nullable = false;
        for schema in &union.branches {
            let mut all = rest.clone();
            all.add(self.schemas, *schema);
            if self.is_null(&all) {
                nullable = true;
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
        let tagging = self.tagging(union, &branches);
        let id = self.begin_definition(conjunction, naming);
        let base = self.types[id].name.clone();
        let mut scope = Scope::default();
        let mut variants: Vec<Variant> = Vec::new();
        let mut nullables = 0;
        for (index, branch) in branches.iter().enumerate() {
            let word = self.variant_word(branch, index, &tagging);
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
        self.types[id].kind = Kind::Union(Union { variants, tagging });
        // Where exactly one alternative may accept, two that accept `null` refuse it.
        let is_nullable = nullables == 1 || (nullables > 1 && !union.exactly_one);
        if is_nullable { Type::Named(id).nullable() } else { Type::Named(id) }
    }

    fn lower_branch(&mut self, branch: &Branch, position: String) -> Type {
        if Conjunction::of(self.schemas, branch.schema) == branch.all {
            return self.lower(branch.schema, position);
        }
        self.lower_conjunction(branch.all.clone(), &Naming { position, schema: branch.schema })
    }

    /// The values of several JSON types: an alternative for each.
    pub(super) fn lower_several(&mut self, conjunction: &Conjunction, types: &[JsonType], naming: &Naming) -> Type {
        let nullable = types.contains(&JsonType::Null);
        let id = self.begin_definition(conjunction, naming);
        let base = self.types[id].name.clone();
        let mut variants = Vec::new();
        let mut kinds = Vec::new();
        for json_type in types.iter().filter(|json_type| **json_type != JsonType::Null) {
            let name = type_name(json_type_name(*json_type));
            // The schema's own name is taken by the union, so its parts are named by their JSON type.
            let part = Naming { position: format!("{base}{name}"), schema: naming.schema };
            let ty = self.lower_single(conjunction, *json_type, &part);
            variants.push(Variant { name, ty, docs: Docs::default() });
            kinds.push(vec![*json_type]);
        }
        self.types[id].kind = Kind::Union(Union { variants, tagging: Tagging::JsonType(kinds) });
        if nullable { Type::Named(id).nullable() } else { Type::Named(id) }
    }

    /// Whether the alternatives describe nothing, but only say which members must (not) be there together.
    fn only_restricts(&self, union: &Alternatives) -> bool {
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

    /// How to tell the alternatives apart.
    fn tagging(&self, union: &Alternatives, branches: &[Branch]) -> Tagging {
        let discriminator = self.discriminator(union, branches);
        if let Some(tagging) = self.member_tagging(discriminator, branches) {
            return tagging;
        }
        let kinds: Vec<Vec<JsonType>> = branches.iter().map(|branch| self.kinds(&branch.all)).collect();
        let mut seen = Vec::new();
        let disjoint = kinds.iter().flatten().all(|kind| {
            let kind = if *kind == JsonType::Integer { JsonType::Number } else { *kind };
            let new = !seen.contains(&kind);
            seen.push(kind);
            new
        });
        if disjoint && kinds.iter().all(|kinds| !kinds.is_empty()) {
            return Tagging::JsonType(kinds);
        }
        if union.exactly_one { Tagging::Only } else { Tagging::First }
    }

    fn discriminator(&self, union: &Alternatives, branches: &[Branch]) -> Option<&Discriminator> {
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
                return Some(Tagging::Member { wire_name: name.to_owned(), values });
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
        (values.iter().all(|values| !values.is_empty()) && all_differ(&values))
            .then(|| Tagging::Member { wire_name: discriminator.property.clone(), values })
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

    /// What to call an alternative: by its schema's name or title, its tag, its JSON type, or its place.
    fn variant_word(&self, branch: &Branch, index: usize, tagging: &Tagging) -> String {
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
            Tagging::Member { values, .. } => {
                if let [value] = values[index].as_slice() {
                    return type_name(value);
                }
            }
            Tagging::JsonType(kinds) => {
                if let [kind] = kinds[index].as_slice() {
                    return type_name(json_type_name(*kind));
                }
            }
            Tagging::First | Tagging::Only | Tagging::Branch(_) => {}
        }
        match self.kinds(&branch.all).as_slice() {
            [JsonType::Object] | [] => format!("Alternative{}", index + 1),
            [kind] => type_name(json_type_name(*kind)),
            _ => format!("Alternative{}", index + 1),
        }
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
