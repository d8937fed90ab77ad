//! Random schemas: shapes as documents have them, with any keyword beside them now and then.
//!
//! References in place (where the same value is judged) lead only to later definitions, so that every schema ends;
//! references from members and items lead anywhere, so that types are recursive.

use jsonschema::Draft;
use serde_json::{Map, Value, json};

use super::Random;
use super::values::{FORMATS, NAMES, PATTERNS, any_scalar, any_value};
use crate::batch::Reading;

/// A schema with its definitions, and how it is read.
#[derive(Clone, Debug)]
pub struct Document {
    /// The schema.
    pub schema: Value,
    /// Its dialect.
    pub draft: Draft,
    /// How it is read where `type` is absent.
    pub reading: Reading,
}

/// What is built, and where.
struct Builder<'r> {
    random: &'r mut Random,
    /// Whether 2020-12 is written.
    modern: bool,
    definitions: usize,
}

type Keywords = Map<String, Value>;

/// A random schema.
pub fn document(random: &mut Random) -> Document {
    let modern = random.chance(30);
    let reading = if !modern && random.chance(25) { Reading::Implied } else { Reading::Exact };
    let definitions = random.below(4);
    let mut builder = Builder { random, modern, definitions };
    let mut root = match builder.schema(3, 0) {
        Value::Object(root) => root,
        other => object([("allOf", json!([other]))]),
    };
    if definitions > 0 {
        let named = (0..definitions).map(|index| (definition_name(index), builder.schema(2, index + 1)));
        let key = if modern { "$defs" } else { "definitions" };
        root.insert(key.to_owned(), Value::Object(named.collect()));
    }
    if modern {
        root.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    }
    let draft = if modern { Draft::Draft202012 } else { Draft::Draft7 };
    Document { schema: Value::Object(root), draft, reading }
}

fn definition_name(index: usize) -> String {
    ["Node", "Leaf item", "other_thing"][index % 3].to_owned()
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Keywords {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Builder<'_> {
    /// A schema; `in_place` is the first definition that may be referred to in place.
    fn schema(&mut self, depth: usize, in_place: usize) -> Value {
        if self.random.chance(4) {
            return self.random.pick(&[json!(true), json!({}), json!(false)]).clone();
        }
        let mut keywords = match self.random.below(if depth == 0 { 9 } else { 22 }) {
            0 | 1 => self.string(),
            2 => self.integer(),
            3 => self.number(),
            4 => object([("type", self.random.pick(&["boolean", "null"]).to_string().into())]),
            5 | 6 => self.listed(),
            7 => self.types(),
            8 => self.reference(in_place),
            9..=13 => self.object(depth - 1),
            14 => self.map(depth - 1),
            15 => self.list(depth - 1),
            16 => self.tuple(depth - 1),
            17 => self.tagged_union(depth - 1),
            18 => self.union(depth - 1, in_place),
            19 => self.all_of(depth - 1, in_place),
            20 => self.condition(depth - 1, in_place),
            _ => self.anything(depth - 1),
        };
        let is_reference = keywords.contains_key("$ref");
        if depth > 0 && !is_reference && self.random.chance(12) {
            let more = match self.random.below(5) {
                0 => self.union(0, in_place),
                1 => self.all_of(0, in_place),
                2 => self.condition(0, in_place),
                3 => self.anything(depth - 1),
                _ => object([("not", self.schema(0, in_place))]),
            };
            more.into_iter().for_each(|(keyword, value)| {
                keywords.entry(keyword).or_insert(value);
            });
        }
        if !is_reference && self.random.chance(5) {
            keywords.insert("title".to_owned(), (*self.random.pick(&["Thing", "The other thing", "a"])).into());
        }
        if !is_reference && self.random.chance(3) {
            keywords.insert("description".to_owned(), "What it is for.".into());
        }
        Value::Object(keywords)
    }

    /// A schema of another value than this one: a member or an item.
    fn child(&mut self, depth: usize) -> Value {
        if self.definitions > 0 && self.random.chance(15) {
            let target = self.random.below(self.definitions);
            return Value::Object(self.reference_to(target));
        }
        // What it refers to in place may refer to anything but itself, so that it ends.
        self.schema(depth, 0)
    }

    fn reference(&mut self, in_place: usize) -> Keywords {
        if in_place >= self.definitions {
            return self.string();
        }
        let target = in_place + self.random.below(self.definitions - in_place);
        let mut keywords = self.reference_to(target);
        // Siblings count in 2020-12, and not in draft-07.
        if self.random.chance(20) {
            let siblings = if self.random.chance(50) { self.string() } else { self.integer() };
            siblings.into_iter().for_each(|(keyword, value)| {
                keywords.entry(keyword).or_insert(value);
            });
        }
        keywords
    }

    fn reference_to(&mut self, target: usize) -> Keywords {
        let folder = if self.modern { "$defs" } else { "definitions" };
        let name = definition_name(target).replace(' ', "%20");
        object([("$ref", format!("#/{folder}/{name}").into())])
    }

    fn string(&mut self) -> Keywords {
        let mut keywords = object([("type", "string".into())]);
        for keyword in self.random.some(&["minLength", "maxLength", "pattern", "format"], 25) {
            keywords.insert((*keyword).to_owned(), self.value_of(keyword, 0));
        }
        keywords
    }

    fn integer(&mut self) -> Keywords {
        let mut keywords = object([("type", "integer".into())]);
        self.bounds(&mut keywords, 30);
        if self.random.chance(5) {
            keywords.insert("default".to_owned(), 3.into());
        }
        keywords
    }

    fn number(&mut self) -> Keywords {
        let mut keywords = object([("type", "number".into())]);
        self.bounds(&mut keywords, 30);
        keywords
    }

    fn bounds(&mut self, keywords: &mut Keywords, percent: usize) {
        let all = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];
        for keyword in self.random.some(&all, percent) {
            keywords.insert((*keyword).to_owned(), self.value_of(keyword, 0));
        }
    }

    /// `enum` or `const`, alone or beside other keywords.
    fn listed(&mut self) -> Keywords {
        let keyword = if self.random.chance(70) { "enum" } else { "const" };
        let mut keywords = object([(keyword, self.value_of(keyword, 0))]);
        if self.random.chance(30) {
            let siblings = if self.random.chance(50) { self.string() } else { self.integer() };
            keywords.extend(siblings);
        }
        keywords
    }

    /// Several types, with keywords of some of them.
    fn types(&mut self) -> Keywords {
        let mut keywords = object([("type", self.value_of("type", 0))]);
        if self.random.chance(40) {
            self.bounds(&mut keywords, 20);
        }
        for keyword in self.random.some(&["minLength", "pattern", "minItems", "required"], 15) {
            keywords.insert((*keyword).to_owned(), self.value_of(keyword, 0));
        }
        keywords
    }

    fn object(&mut self, depth: usize) -> Keywords {
        let mut keywords = object([("properties", self.value_of("properties", depth))]);
        if self.random.chance(80) {
            keywords.insert("type".to_owned(), "object".into());
        }
        for (keyword, percent) in [
            ("required", 50),
            ("additionalProperties", 30),
            ("patternProperties", 12),
            ("minProperties", 5),
            ("maxProperties", 5),
            ("propertyNames", 5),
            (self.dependency(), 10),
        ] {
            if self.random.chance(percent) {
                keywords.insert(keyword.to_owned(), self.value_of(keyword, depth));
            }
        }
        self.unevaluated("unevaluatedProperties", &mut keywords, depth);
        keywords
    }

    fn dependency(&mut self) -> &'static str {
        match (self.modern, self.random.chance(50)) {
            (true, true) => "dependentRequired",
            (true, false) => "dependentSchemas",
            (false, _) => "dependencies",
        }
    }

    fn map(&mut self, depth: usize) -> Keywords {
        let mut keywords = object([("type", "object".into())]);
        let values = if self.random.chance(70) { "additionalProperties" } else { "patternProperties" };
        keywords.insert(values.to_owned(), self.value_of(values, depth));
        for keyword in self.random.some(&["propertyNames", "minProperties", "maxProperties", "required"], 15) {
            keywords.insert((*keyword).to_owned(), self.value_of(keyword, depth));
        }
        keywords
    }

    fn list(&mut self, depth: usize) -> Keywords {
        let mut keywords = object([("type", "array".into()), ("items", self.child(depth))]);
        for keyword in self.random.some(&["minItems", "maxItems", "uniqueItems", "contains"], 20) {
            keywords.insert((*keyword).to_owned(), self.value_of(keyword, depth));
        }
        self.count_contained(&mut keywords);
        keywords
    }

    /// How many items `contains` is about, which is newer than draft-07.
    fn count_contained(&mut self, keywords: &mut Keywords) {
        if self.modern && keywords.contains_key("contains") {
            for keyword in self.random.some(&["minContains", "maxContains"], 40) {
                keywords.insert((*keyword).to_owned(), self.value_of(keyword, 0));
            }
        }
    }

    /// What nothing else has looked at, which is newer than draft-07 as well.
    fn unevaluated(&mut self, keyword: &str, keywords: &mut Keywords, depth: usize) {
        if self.modern && self.random.chance(15) {
            keywords.insert(keyword.to_owned(), self.value_of(keyword, depth));
        }
    }

    fn tuple(&mut self, depth: usize) -> Keywords {
        let items: Vec<Value> = (0..=self.random.below(3)).map(|_| self.child(depth)).collect();
        let count = items.len();
        let mut keywords = object([("type", "array".into())]);
        let (first, rest) = if self.modern { ("prefixItems", "items") } else { ("items", "additionalItems") };
        keywords.insert(first.to_owned(), Value::Array(items));
        if self.random.chance(60) {
            let rest_schema = if self.random.chance(60) { json!(false) } else { self.child(depth) };
            keywords.insert(rest.to_owned(), rest_schema);
        }
        if self.random.chance(60) {
            keywords.insert("minItems".to_owned(), count.into());
        }
        self.unevaluated("unevaluatedItems", &mut keywords, depth);
        keywords
    }

    /// Alternatives that a constant member tells apart, as documents write events.
    fn tagged_union(&mut self, depth: usize) -> Keywords {
        let count = 2 + self.random.below(2);
        let alternatives = (0..count).map(|index| {
            let mut alternative = self.object(depth);
            let tag = json!({ "const": NAMES[index] });
            match alternative.get_mut("properties") {
                Some(Value::Object(properties)) => properties.insert("kind".to_owned(), tag),
                _ => None,
            };
            alternative.insert("required".to_owned(), json!(["kind"]));
            Value::Object(alternative)
        });
        let alternatives: Value = alternatives.collect();
        let keyword = *self.random.pick(&["oneOf", "anyOf"]);
        object([(keyword, alternatives)])
    }

    fn union(&mut self, depth: usize, in_place: usize) -> Keywords {
        let count = 2 + self.random.below(2);
        let alternatives: Value = (0..count).map(|_| self.schema(depth, in_place)).collect();
        let keyword = *self.random.pick(&["oneOf", "anyOf"]);
        object([(keyword, alternatives)])
    }

    fn all_of(&mut self, depth: usize, in_place: usize) -> Keywords {
        let count = 1 + self.random.below(3);
        object([("allOf", (0..count).map(|_| self.schema(depth, in_place)).collect())])
    }

    fn condition(&mut self, depth: usize, in_place: usize) -> Keywords {
        if self.random.chance(30) {
            return object([("not", self.schema(depth, in_place))]);
        }
        let mut keywords = object([("if", self.schema(depth, in_place))]);
        for keyword in self.random.some(&["then", "else"], 70) {
            keywords.insert((*keyword).to_owned(), self.schema(depth, in_place));
        }
        keywords
    }

    /// Any keywords that do not apply in place, whatever they speak of.
    fn anything(&mut self, depth: usize) -> Keywords {
        const OLD: [&str; 24] = [
            "type",
            "enum",
            "const",
            "multipleOf",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "minLength",
            "maxLength",
            "pattern",
            "format",
            "items",
            "minItems",
            "maxItems",
            "uniqueItems",
            "contains",
            "properties",
            "required",
            "minProperties",
            "maxProperties",
            "additionalProperties",
            "patternProperties",
            "propertyNames",
        ];
        let mut keywords = Keywords::new();
        for keyword in self.random.some(&OLD, 10) {
            keywords.insert((*keyword).to_owned(), self.value_of(keyword, depth));
        }
        let more: &[&str] = if self.modern {
            &["dependentRequired", "dependentSchemas", "prefixItems", "unevaluatedProperties", "unevaluatedItems"]
        } else {
            &["dependencies", "additionalItems"]
        };
        for keyword in self.random.some(more, 10) {
            keywords.insert((*keyword).to_owned(), self.value_of(keyword, depth));
        }
        self.count_contained(&mut keywords);
        keywords
    }

    /// A value of a keyword.
    fn value_of(&mut self, keyword: &str, depth: usize) -> Value {
        let less = depth.saturating_sub(1);
        match keyword {
            "type" => self.type_names(),
            "enum" => self.list_of_values(),
            "const" => {
                if self.random.chance(80) {
                    any_scalar(self.random)
                } else {
                    any_value(self.random, 1)
                }
            }
            "multipleOf" => self.random.pick(&[json!(2), json!(3), json!(0.5), json!(0.1), json!(1), json!(5)]).clone(),
            "minimum" | "exclusiveMinimum" => self.random.pick(&[json!(-3), json!(0), json!(1), json!(0.5)]).clone(),
            "maximum" | "exclusiveMaximum" => self.random.pick(&[json!(2), json!(5), json!(10), json!(2.5)]).clone(),
            "minLength" | "minItems" | "minProperties" | "minContains" => self.random.below(3).into(),
            "maxLength" | "maxItems" | "maxProperties" | "maxContains" => (1 + self.random.below(3)).into(),
            "pattern" => self.random.pick(&PATTERNS).0.into(),
            "format" => self.random.pick(&FORMATS).0.into(),
            "uniqueItems" => self.random.chance(85).into(),
            "required" => self.names(),
            "properties" | "dependentSchemas" => {
                let names = self.random.some(&NAMES, 30);
                Value::Object(
                    names.into_iter().map(|name| ((*name).to_owned(), self.child_of(keyword, depth))).collect(),
                )
            }
            "patternProperties" => {
                let names = self.random.some(&PATTERNS, 20);
                Value::Object(names.into_iter().map(|name| (name.0.to_owned(), self.child(less))).collect())
            }
            "dependentRequired" => {
                let names = self.random.some(&NAMES, 15);
                Value::Object(names.into_iter().map(|name| ((*name).to_owned(), self.names())).collect())
            }
            "dependencies" => {
                let keyword = if self.random.chance(50) { "dependentRequired" } else { "dependentSchemas" };
                self.value_of(keyword, depth)
            }
            "prefixItems" => (0..=self.random.below(2)).map(|_| self.child(less)).collect(),
            "items" if !self.modern && self.random.chance(30) => {
                (0..=self.random.below(2)).map(|_| self.child(less)).collect()
            }
            "additionalProperties" | "additionalItems" | "unevaluatedProperties" | "unevaluatedItems" => {
                if self.random.chance(60) { json!(false) } else { self.child(less) }
            }
            "propertyNames" => match self.random.below(3) {
                0 => json!({ "pattern": self.random.pick(&PATTERNS).0 }),
                1 => json!({ "maxLength": 1 + self.random.below(2) }),
                _ => json!({ "enum": ["a", "b", "x-a"] }),
            },
            _ => self.child(less),
        }
    }

    /// A schema in a map: of a member, or of the whole object under a condition.
    fn child_of(&mut self, keyword: &str, depth: usize) -> Value {
        if keyword == "properties" {
            return self.child(depth);
        }
        // It judges the same value, so it may not lead back here.
        self.schema(0, self.definitions)
    }

    fn names(&mut self) -> Value {
        self.random.some(&NAMES, 20).into_iter().map(|name| Value::from(*name)).collect()
    }

    fn type_names(&mut self) -> Value {
        const TYPES: [&str; 7] = ["string", "integer", "number", "boolean", "null", "array", "object"];
        let one = *self.random.pick(&TYPES);
        match self.random.below(3) {
            0 => one.into(),
            1 if one != "null" => json!([one, "null"]),
            _ => {
                let mut some = self.random.some(&TYPES, 30);
                if some.is_empty() {
                    some.push(&TYPES[0]);
                }
                some.into_iter().map(|name| Value::from(*name)).collect()
            }
        }
    }

    fn list_of_values(&mut self) -> Value {
        let mut values: Vec<Value> = Vec::new();
        let strings = self.random.chance(60);
        for _ in 0..=self.random.below(4) {
            let value = match () {
                () if strings => Value::from(*self.random.pick(&NAMES)),
                () if self.random.chance(85) => any_scalar(self.random),
                () => any_value(self.random, 1),
            };
            // Numbers that are equal are the same value, however they are spelled.
            let same = |known: &Value| known == &value || known.as_f64().is_some() && known.as_f64() == value.as_f64();
            if !values.iter().any(same) {
                values.push(value);
            }
        }
        Value::Array(values)
    }
}
