//! Arrays: lists, exact tuples, and arrays whose first items have types of their own.

use event_api_spec::schema::{SchemaId, SchemaKind};

use super::conjunction::Conjunction;
use super::types::{Lowering, Naming};
use crate::ir::{Check, Kind, TupleStruct, Type};

impl Lowering<'_> {
    pub(super) fn lower_array(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        let schemas = self.schemas;
        let keywords = conjunction.keywords(schemas);
        let min_items = keywords.clone().filter_map(|k| k.min_items).max();
        let max_items = keywords.clone().filter_map(|k| k.max_items).min();
        let unique = keywords.clone().any(|k| k.unique_items);

        let mut prefixes = keywords.clone().filter(|k| !k.prefix_items.is_empty());
        if let Some(tuple) = prefixes.next() {
            let prefix = tuple.prefix_items.clone();
            if prefixes.next().is_some() {
                return self.fall_back(naming.schema, "several tuples apply at once");
            }
            return self.lower_tuple(&prefix, tuple.items, min_items, max_items, naming);
        }

        let items: Vec<SchemaId> = keywords.filter_map(|k| k.items).collect();
        let position = format!("{}Item", naming_base(naming));
        let item = match items.as_slice() {
            [] => Type::Any,
            [single] => self.lower(*single, position),
            several => {
                let mut all = Conjunction::default();
                several.iter().for_each(|id| all.add(schemas, *id));
                let naming = Naming { position, schema: schemas.follow(several[0]) };
                self.lower_conjunction(all, &naming)
            }
        };
        let mut checks = Vec::new();
        checks.extend(min_items.filter(|count| *count > 0).map(Check::MinItems));
        checks.extend(max_items.map(Check::MaxItems));
        if unique {
            checks.push(Check::UniqueItems);
        }
        self.checked(Type::List(Box::new(item)), checks, naming)
    }

    fn lower_tuple(
        &mut self,
        prefix: &[SchemaId],
        rest: Option<SchemaId>,
        min_items: Option<u64>,
        max_items: Option<u64>,
        naming: &Naming,
    ) -> Type {
        let base = naming_base(naming);
        let items: Vec<Type> =
            prefix.iter().enumerate().map(|(index, id)| self.lower(*id, format!("{base}Item{}", index + 1))).collect();
        let count = items.len() as u64;
        let closed = max_items.is_some_and(|max| max <= count)
            || rest.is_some_and(|id| matches!(self.schemas[id].kind, SchemaKind::Bool(false)));
        if closed && min_items == Some(count) && max_items.is_none_or(|max| max == count) && count <= 12 {
            return Type::Tuple(items);
        }
        let rest = match rest {
            _ if closed => None,
            Some(id) => Some(self.lower(id, format!("{base}Item"))),
            None => Some(Type::Any),
        };
        let min_items = min_items.unwrap_or(0).min(count) as usize;
        Type::Named(self.add_definition(naming, Kind::Tuple(TupleStruct { items, min_items, rest })))
    }
}

/// What the names of parts begin with.
pub(super) fn naming_base(naming: &Naming) -> &str {
    &naming.position
}
