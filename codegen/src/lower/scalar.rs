//! Values that are no containers: enums and constants, numbers, strings.

use std::cmp::Ordering;

use event_api_spec::schema::{Keywords, SchemaId, TypedFormat};
use event_api_spec::{Node, Number};
use serde_json::Value;

use super::conjunction::{Conjunction, Watch};
use super::names::{Scope, type_name};
use super::types::{Lowering, Naming};
use crate::ir::{Check, IntegerType, Kind, KnownType, Type, ValueEnum, ValueVariant};

impl Lowering<'_> {
    /// The type of a conjunction that lists its values (`enum`, `const`); `None` if it does not. Those that other
    /// keywords refuse are left out.
    pub(super) fn lower_values(&mut self, conjunction: &Conjunction, naming: &Naming) -> Option<Type> {
        let mut values = self.valid_values(conjunction)?;
        let nullable = values.iter().any(Value::is_null);
        values.retain(|value| !value.is_null());
        if values.is_empty() {
            return Some(if nullable { Type::Null } else { Type::Never });
        }
        let mut scope = Scope::default();
        let is_string = values.iter().all(Value::is_string);
        let variants = values
            .into_iter()
            .map(|value| {
                let name = match &value {
                    Value::String(text) => type_name(text),
                    Value::Array(_) => "List".to_owned(),
                    Value::Object(_) => "Object".to_owned(),
                    other => type_name(&other.to_string()),
                };
                ValueVariant { name: scope.claim([name]), value }
            })
            .collect();
        let id = self.add_definition(naming, Kind::ValueEnum(ValueEnum { variants, other: None }));
        let settings = self.settings;
        let (name, pointer) = (self.types[id].name.clone(), self.pointer(naming.schema));
        if is_string
            && self.is_listed(&settings.open_enums, "open_enum", &name, &pointer)
            && let Kind::ValueEnum(values) = &mut self.types[id].kind
        {
            values.other = Some(scope.claim(["Other".to_owned()]));
        }
        Some(if nullable { Type::Named(id).nullable() } else { Type::Named(id) })
    }

    /// The values that `enum` and `const` leave and all other keywords accept; `None` when neither is there.
    fn valid_values(&mut self, conjunction: &Conjunction) -> Option<Vec<Value>> {
        let schemas = self.schemas;
        let first = conjunction.keywords(schemas).find_map(|k| match (&k.enum_values, &k.const_value) {
            (Some(values), _) => Some(values.iter().collect::<Vec<_>>()),
            (None, Some(value)) => Some(vec![value]),
            (None, None) => None,
        })?;
        let mut values: Vec<Value> = Vec::with_capacity(first.len());
        for node in first {
            if self.accepts(conjunction, node) {
                let value = plain(node);
                // A number that is too large for any type, which is read by none.
                let is_lost = value.is_null() && node.value != event_api_spec::Value::Null;
                if !is_lost && !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        Some(values)
    }

    /// The constant that a member always has: a string, an integer or a boolean, listed alone.
    pub(super) fn constant(&mut self, schema: SchemaId) -> Option<Value> {
        let conjunction = Conjunction::of(self.schemas, schema);
        if !conjunction.unions.is_empty() || conjunction.impossible {
            return None;
        }
        let const_only = conjunction.keywords(self.schemas).any(|keywords| keywords.const_value.is_some());
        let values = self.valid_values(&conjunction)?;
        match values.as_slice() {
            [value] if const_only && (value.is_string() || value.is_i64() || value.is_boolean()) => Some(value.clone()),
            _ => None,
        }
    }

    /// The strings that a member may be, when it may be nothing else.
    pub(super) fn listed_strings(&self, schema: SchemaId) -> Option<Vec<String>> {
        let conjunction = Conjunction::of(self.schemas, schema);
        if !conjunction.unions.is_empty() || conjunction.impossible {
            return None;
        }
        let values = listed_values(conjunction.keywords(self.schemas))?;
        values.into_iter().map(|value| value.as_str().map(str::to_owned)).collect()
    }

    pub(super) fn lower_integer(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        let keywords = conjunction.keywords(self.schemas);
        let bounds = Bounds::of(keywords.clone());
        let (min, max) = bounds.integers();
        let format = keywords.clone().find_map(|k| k.format.as_deref());
        let multiples: Vec<&Number> = keywords.filter_map(|k| k.multiple_of.as_ref()).collect();

        let by_format = match format.and_then(TypedFormat::of) {
            Some(TypedFormat::Integer { least, most }) => {
                IntegerType::ALL.into_iter().find(|ty| ty.range() == (least, most))
            }
            _ => None,
        };
        let holds = |ty: &IntegerType| {
            let (low, high) = ty.range();
            let natural = min.is_some_and(|min| min >= 0);
            (low == 0) == natural && min.is_none_or(|min| low <= min) && max.is_none_or(|max| high >= max)
        };
        let ty = match (min, max) {
            (Some(_), Some(_)) => IntegerType::ALL.into_iter().find(holds),
            _ => None,
        };
        let ty = ty.or(by_format).unwrap_or(match min {
            Some(min) if min >= 0 && max.is_none() => IntegerType::U64,
            _ => IntegerType::I64,
        });
        let (low, high) = ty.range();
        let mut checks = Vec::new();
        checks.extend(min.filter(|min| *min > low).map(Check::MinInteger));
        checks.extend(max.filter(|max| *max < high).map(Check::MaxInteger));
        for multiple in multiples {
            match multiple.as_i128() {
                Some(1) => {}
                Some(integer) => checks.push(Check::MultipleOfInteger(integer)),
                None => checks.push(Check::MultipleOf(multiple.as_str().to_owned())),
            }
        }
        checks.dedup();
        self.checked(Type::Integer(ty), checks, naming)
    }

    pub(super) fn lower_number(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        let keywords = conjunction.keywords(self.schemas);
        let mut checks = Vec::new();
        for k in keywords {
            let text = |number: &Option<Number>| number.as_ref().map(|n| n.as_str().to_owned());
            checks.extend(text(&k.minimum).map(Check::Min));
            checks.extend(text(&k.maximum).map(Check::Max));
            checks.extend(text(&k.exclusive_minimum).map(Check::ExclusiveMin));
            checks.extend(text(&k.exclusive_maximum).map(Check::ExclusiveMax));
            checks.extend(text(&k.multiple_of).map(Check::MultipleOf));
        }
        checks.dedup();
        self.checked(Type::Number, checks, naming)
    }

    pub(super) fn lower_string(&mut self, conjunction: &Conjunction, naming: &Naming) -> Type {
        let mut checks = Vec::new();
        for k in conjunction.keywords(self.schemas) {
            checks.extend(k.min_length.filter(|length| *length > 0).map(Check::MinLength));
            checks.extend(k.max_length.map(Check::MaxLength));
            checks.extend(k.pattern.clone().map(Check::Pattern));
        }
        checks.dedup();
        if checks.is_empty() {
            let format = conjunction.keywords(self.schemas).find_map(|k| k.format.as_deref());
            if let Some((format, path)) = format.and_then(|format| self.settings.formats.get_key_value(format)) {
                self.used_formats.insert(format);
                return Type::Custom(path.clone());
            }
            let is_literal = self.settings.exact || conjunction.watch == Watch::Everything;
            if let (false, Some(known)) = (is_literal, format.and_then(known_format)) {
                return Type::Known(known);
            }
        }
        self.checked(Type::String, checks, naming)
    }
}

fn known_format(format: &str) -> Option<KnownType> {
    Some(match TypedFormat::of(format)? {
        TypedFormat::DateTime => KnownType::DateTime,
        TypedFormat::Date => KnownType::Date,
        TypedFormat::Uuid => KnownType::Uuid,
        TypedFormat::Ipv4 => KnownType::Ipv4,
        TypedFormat::Ipv6 => KnownType::Ipv6,
        _ => return None,
    })
}

/// The values that `enum` and `const` leave; `None` when neither is there.
fn listed_values<'k>(keywords: impl Iterator<Item = &'k Keywords>) -> Option<Vec<Value>> {
    let mut left: Option<Vec<Value>> = None;
    for k in keywords {
        let here: [Option<Vec<Value>>; 2] = [
            k.enum_values.as_ref().map(|values| values.iter().map(plain).collect()),
            k.const_value.as_ref().map(|value| vec![plain(value)]),
        ];
        for values in here.into_iter().flatten() {
            left = Some(match left {
                None => values,
                Some(known) => known.into_iter().filter(|value| values.contains(value)).collect(),
            });
        }
    }
    left.map(|values| {
        let mut unique: Vec<Value> = Vec::with_capacity(values.len());
        for value in values {
            if !unique.contains(&value) {
                unique.push(value);
            }
        }
        unique
    })
}

/// The JSON value, with `1.0` as the integer that it is.
pub(super) fn plain(node: &Node) -> Value {
    if let event_api_spec::Value::Number(number) = &node.value
        && let Some(integer) = number.as_i128()
        && let Ok(integer) = i64::try_from(integer)
    {
        return integer.into();
    }
    node.to_json()
}

/// The tightest numeric bounds of a conjunction.
struct Bounds<'k> {
    minimum: Vec<&'k Number>,
    maximum: Vec<&'k Number>,
    exclusive_minimum: Vec<&'k Number>,
    exclusive_maximum: Vec<&'k Number>,
}

impl<'k> Bounds<'k> {
    fn of(keywords: impl Iterator<Item = &'k Keywords> + Clone) -> Self {
        Bounds {
            minimum: keywords.clone().filter_map(|k| k.minimum.as_ref()).collect(),
            maximum: keywords.clone().filter_map(|k| k.maximum.as_ref()).collect(),
            exclusive_minimum: keywords.clone().filter_map(|k| k.exclusive_minimum.as_ref()).collect(),
            exclusive_maximum: keywords.filter_map(|k| k.exclusive_maximum.as_ref()).collect(),
        }
    }

    /// The smallest and the largest integer within the bounds.
    fn integers(&self) -> (Option<i128>, Option<i128>) {
        let least = self.minimum.iter().map(|n| -floor_of_negated(n));
        let least = least.chain(self.exclusive_minimum.iter().map(|n| floor(n) + 1));
        let most = self.maximum.iter().map(|n| floor(n));
        let most = most.chain(self.exclusive_maximum.iter().map(|n| -floor_of_negated(n) - 1));
        (least.max(), most.min())
    }
}

/// Bounds beyond 64 bits are all alike: what fits is on one side of them.
const FAR: i128 = 1 << 65;

/// The largest integer that is not above the number.
fn floor(number: &Number) -> i128 {
    if let Some(integer) = number.as_i128() {
        return integer.clamp(-FAR, FAR);
    }
    let near = number.as_f64().floor();
    if near.abs() >= FAR as f64 {
        return if near < 0.0 { -FAR } else { FAR };
    }
    // A double is near, and no more than that.
    let is_above = |integer: i128| {
        Number::parse(&integer.to_string()).is_some_and(|integer| integer.compare(number) == Ordering::Greater)
    };
    let mut integer = near as i128;
    while is_above(integer) {
        integer -= 1;
    }
    while !is_above(integer + 1) {
        integer += 1;
    }
    integer
}

/// The negative of the smallest integer that is not below the number.
fn floor_of_negated(number: &Number) -> i128 {
    let text = number.as_str();
    let negated = text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned);
    Number::parse(&negated).map_or(-FAR, |number| floor(&number))
}
