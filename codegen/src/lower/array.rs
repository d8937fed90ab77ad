//! Arrays: lists, exact tuples, and arrays whose first items have types of their own.

use event_api_spec::schema::{Keywords, SchemaId};

use super::conjunction::{Conjunction, Watch};
use super::types::{Lowering, Naming};
use crate::ir::{Check, Kind, Newtype, Rule, TupleStruct, Type};

/// Rust's tuples have traits up to this many items.
const MAX_TUPLE: u64 = 12;

/// What several schemas say of an array, merged item by item.
struct Array {
    /// The first items, which have schemas of their own.
    prefix: Vec<Items>,
    /// All others.
    rest: Items,
    min: u64,
    max: Option<u64>,
    unique: bool,
}

/// What applies to an item.
struct Items {
    all: Conjunction,
    schema: Option<SchemaId>,
}

impl Lowering<'_> {
    pub(super) fn lower_array(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        let array = self.array_view(conjunction);
        if !array.prefix.is_empty() {
            return self.lower_tuple(array, conjunction, naming);
        }
        let item = self.lower_item(array.rest, format!("{}Item", naming.base(&naming.position)));
        let mut checks = Vec::new();
        checks.extend((array.min > 0).then_some(Check::MinItems(array.min)));
        checks.extend(array.max.map(Check::MaxItems));
        checks.extend(array.unique.then_some(Check::UniqueItems));
        self.checked(Type::List(Box::new(item)), checks, naming)
    }

    fn array_view(&self, conjunction: &Conjunction) -> Array {
        let leaves: Vec<&Keywords> = conjunction.keywords(self.schemas).collect();
        let unique = leaves.iter().any(|k| k.unique_items);
        let items = |index: usize| {
            let schemas: Vec<SchemaId> =
                leaves.iter().filter_map(|k| k.prefix_items.get(index).copied().or(k.items)).collect();
            let mut all = Conjunction::of_all(self.schemas, &schemas);
            // Items that differ in what their type ignores must not become equal.
            if (unique || conjunction.watch == Watch::Everything) && self.may_lose(&all) {
                all.watch = Watch::Everything;
            }
            Items { all, schema: schemas.first().copied() }
        };
        let max = leaves.iter().filter_map(|k| k.max_items).min();
        let longest = leaves.iter().map(|k| k.prefix_items.len()).max().unwrap_or(0);
        let rest = items(longest);
        // Items behind the last one that may be there have no types, and neither have those that are like all others.
        let longest = max.map_or(longest, |max| longest.min(usize::try_from(max).unwrap_or(usize::MAX)));
        Array {
            prefix: (0..longest).map(items).collect(),
            rest,
            min: leaves.iter().filter_map(|k| k.min_items).max().unwrap_or(0),
            max,
            unique,
        }
    }

    fn lower_item(&mut self, items: Items, position: String) -> Type {
        match items.schema {
            None => Type::Any,
            Some(schema) if Conjunction::of(self.schemas, schema) == items.all => self.lower(schema, position),
            Some(schema) => {
                let schema = self.schemas.follow(schema);
                self.lower_conjunction(items.all, &Naming::new(position, schema))
            }
        }
    }

    fn lower_tuple(&mut self, array: Array, conjunction: &Conjunction, naming: &Naming) -> Type {
        let Array { prefix, rest, min, max, unique } = array;
        let count = prefix.len() as u64;
        let closed = rest.all.impossible || max.is_some_and(|max| max <= count);
        let is_tuple = closed && min == count && count <= MAX_TUPLE;

        let mut rules = Vec::new();
        if min > count || max.is_some_and(|max| max > count && !closed) {
            rules.push(Rule::ItemCount { min, max });
        }
        rules.extend(unique.then_some(Rule::UniqueItems));
        // The newtype, if there is one, takes the name.
        let newtype = (!rules.is_empty()).then(|| self.begin_definition(conjunction, naming));
        let base = naming.base(&naming.position);
        let naming = match newtype {
            Some(id) => Naming::new(format!("{}Items", self.types[id].name), naming.schema),
            None => naming.clone(),
        };
        let mut items = Vec::new();
        for (index, item) in prefix.into_iter().enumerate() {
            items.push(self.lower_item(item, format!("{base}Item{}", index + 1)));
        }
        let inner = if is_tuple {
            Type::Tuple(items)
        } else {
            let rest = if closed { None } else { Some(self.lower_item(rest, format!("{base}Item"))) };
            let min_items = usize::try_from(min.min(count)).unwrap_or(usize::MAX);
            Type::Named(self.add_definition(&naming, Kind::Tuple(TupleStruct { items, min_items, rest })))
        };
        match newtype {
            None => inner,
            Some(id) => {
                let name = self.types[id].name.clone();
                let check = Check::Rule(self.add_rule(&name, Rule::all(rules)));
                self.types[id].kind = Kind::Newtype(Newtype { inner, checks: vec![check] });
                Type::Named(id)
            }
        }
    }
}
