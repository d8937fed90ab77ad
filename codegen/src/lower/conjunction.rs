//! All that applies to one value: a schema with its references followed and its `allOf` taken apart.
//!
//! A type is lowered from a conjunction, never from a single schema, so `allOf` across references, `$ref` with
//! siblings and a union beside other keywords are one case.

use std::collections::HashSet;

use event_api_spec::schema::{JsonType, Keywords, SchemaId, SchemaKind, Schemas};

/// Schemas that must all accept a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Conjunction {
    /// Schemas of which the keywords other than `$ref`, `allOf`, `anyOf` and `oneOf` count.
    pub(crate) leaves: Vec<SchemaId>,
    /// Unions of which one alternative must accept the value.
    pub(crate) unions: Vec<Alternatives>,
    /// Whether a `false` schema is among them: nothing is valid.
    pub(crate) impossible: bool,
    /// The schema that it began with, of which all others are parts, if that speaks of what its parts have evaluated.
    pub(crate) root: Option<SchemaId>,
    /// The schemas of whose keywords a rule around the type takes care, as far as the type cannot.
    pub(crate) settled: Vec<SchemaId>,
    /// How closely that rule looks at the value.
    pub(crate) watch: Watch,
}

/// How closely a rule that stands around a type looks at its values: what the type loses in reading, the rule would
/// miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Watch {
    /// There is none.
    #[default]
    None,
    /// It asks which of the declared members are there.
    Declared,
    /// It asks which members are there.
    Members,
    /// It compares whole values, with all that is in them.
    Everything,
}

/// `anyOf` or `oneOf` of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Alternatives {
    /// The schema.
    pub(crate) schema: SchemaId,
    /// Whether exactly one must accept (`oneOf`).
    pub(crate) exactly_one: bool,
    /// The alternatives.
    pub(crate) branches: Vec<SchemaId>,
}

impl Conjunction {
    /// What `schema` says.
    pub(crate) fn of(schemas: &Schemas, schema: SchemaId) -> Self {
        let target = schemas.follow(schema);
        let asks = match &schemas[target].kind {
            SchemaKind::Object(k) => k.unevaluated_properties.is_some() || k.unevaluated_items.is_some(),
            SchemaKind::Bool(_) => false,
        };
        let mut all = Conjunction { root: asks.then_some(target), ..Conjunction::default() };
        all.add(schemas, schema);
        all
    }

    /// What all of several schemas say.
    pub(crate) fn of_all(schemas: &Schemas, all: &[SchemaId]) -> Self {
        match all {
            [single] => Conjunction::of(schemas, *single),
            several => {
                let mut all = Conjunction::default();
                several.iter().for_each(|id| all.add(schemas, *id));
                all
            }
        }
    }

    /// Adds what `schema` says.
    pub(crate) fn add(&mut self, schemas: &Schemas, schema: SchemaId) {
        let mut seen = HashSet::new();
        let mut todo = vec![schema];
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            let keywords = match &schemas[id].kind {
                SchemaKind::Bool(true) => continue,
                SchemaKind::Bool(false) => {
                    self.impossible = true;
                    continue;
                }
                SchemaKind::Object(keywords) => keywords,
            };
            todo.extend(keywords.all_of.iter().rev());
            todo.extend(keywords.dynamic_reference);
            todo.extend(keywords.reference);
            for (exactly_one, branches) in [(true, &keywords.one_of), (false, &keywords.any_of)] {
                match branches.as_slice() {
                    [] => {}
                    [single] => todo.push(*single),
                    _ => {
                        let union = Alternatives { schema: id, exactly_one, branches: branches.clone() };
                        if !self.unions.contains(&union) {
                            self.unions.push(union);
                        }
                    }
                }
            }
            if says_something(keywords) && !self.leaves.contains(&id) {
                self.leaves.push(id);
            }
        }
    }

    /// Leaves out schemas that say nothing but a `type` which others say as well: the union in
    /// `{type: object, oneOf: […]}` is the same without it.
    pub(crate) fn drop_repeated_types(&mut self, schemas: &Schemas) {
        let only_types = |id: &SchemaId| match &schemas[*id].kind {
            SchemaKind::Object(k) => is_only_a_type(k),
            SchemaKind::Bool(_) => false,
        };
        let Some(position) = self.leaves.iter().position(only_types) else { return };
        let others = Conjunction { leaves: self.leaves.clone(), ..Conjunction::default() };
        let all = others.declared_types(schemas);
        let mut without = others;
        without.leaves.remove(position);
        if without.declared_types(schemas) == all {
            self.leaves.remove(position);
        }
    }

    /// The keywords of the leaves.
    pub(crate) fn keywords<'s>(&self, schemas: &'s Schemas) -> impl Iterator<Item = &'s Keywords> + Clone {
        self.leaves.iter().filter_map(|id| match &schemas[*id].kind {
            SchemaKind::Object(keywords) => Some(keywords.as_ref()),
            SchemaKind::Bool(_) => None,
        })
    }

    /// Whether anything at all is valid and nothing is said about it.
    pub(crate) fn is_anything(&self) -> bool {
        self.leaves.is_empty() && self.unions.is_empty() && !self.impossible
    }

    /// What applies beside its first union.
    pub(crate) fn beside_union(&self) -> Conjunction {
        let unions = self.unions.iter().skip(1).cloned().collect();
        Conjunction { unions, root: None, ..self.clone() }
    }

    /// The leaves of whose keywords no rule takes care yet.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = SchemaId> + '_ {
        self.leaves.iter().copied().filter(|id| !self.settled.contains(id))
    }

    /// Whether the values are listed, by `enum` or `const`.
    pub(crate) fn lists_values(&self, schemas: &Schemas) -> bool {
        self.keywords(schemas).any(|k| k.enum_values.is_some() || k.const_value.is_some())
    }

    /// The types that `type` allows; `None` when it is absent everywhere.
    pub(crate) fn declared_types(&self, schemas: &Schemas) -> Option<Vec<JsonType>> {
        let mut all: Option<Vec<JsonType>> = None;
        for types in self.keywords(schemas).filter_map(|keywords| keywords.types.as_ref()) {
            all = Some(match all {
                None => types.clone(),
                Some(known) => known.iter().filter_map(|left| intersect(*left, types)).collect(),
            });
        }
        all.map(|mut types| {
            if types.contains(&JsonType::Number) {
                types.retain(|t| *t != JsonType::Integer);
            }
            let mut seen = Vec::new();
            types.retain(|json_type| {
                let is_new = !seen.contains(json_type);
                seen.push(*json_type);
                is_new
            });
            types
        })
    }

    /// The types that the keywords imply where `type` is absent: those of which a keyword speaks. With `exact`, a
    /// schema without `type` accepts values of every type.
    pub(crate) fn implied_types(&self, schemas: &Schemas) -> Vec<JsonType> {
        let mut types = Vec::new();
        for keywords in self.keywords(schemas) {
            for json_type in keywords.spoken_of() {
                if !types.contains(&json_type) {
                    types.push(json_type);
                }
            }
        }
        types
    }
}

fn intersect(left: JsonType, types: &[JsonType]) -> Option<JsonType> {
    if types.contains(&left) {
        return Some(left);
    }
    match left {
        JsonType::Number if types.contains(&JsonType::Integer) => Some(JsonType::Integer),
        JsonType::Integer if types.contains(&JsonType::Number) => Some(JsonType::Integer),
        _ => None,
    }
}

fn says_something(keywords: &Keywords) -> bool {
    keywords.types.is_some() || says_more_than_types(keywords)
}

/// Whether nothing but a type stands in a leaf.
pub(super) fn is_only_a_type(keywords: &Keywords) -> bool {
    keywords.types.is_some() && !says_more_than_types(keywords) && keywords.format.is_none()
}

fn says_more_than_types(keywords: &Keywords) -> bool {
    keywords.enum_values.is_some()
        || keywords.const_value.is_some()
        || keywords.not.is_some()
        || keywords.if_schema.is_some()
        || keywords.spoken_of().next().is_some()
}
