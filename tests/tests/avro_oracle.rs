//! Avro's binary encoding against the `apache-avro` crate: random schemas, random values of them, random bytes.
//!
//! The schemas go through a document, so that what a document says is also what the other implementation is told.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use event_api::avro::LazySchema;
use event_api::codegen::{from_avro, to_avro};
use event_api_spec::Loader;
use event_api_spec::document::Payload;
use serde_json::{Map, Value, json};

/// A small generator of numbers (xorshift): the same ones in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// The definitions of a schema under way.
struct Schemas<'r> {
    random: &'r mut Random,
    defined: Vec<(String, Value)>,
}

impl Schemas<'_> {
    fn schema(&mut self, depth: usize) -> Value {
        let simple = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
        match self.random.below(if depth == 0 { 9 } else { 15 }) {
            at @ 0..8 => simple[at].into(),
            8 => {
                // A record that contains itself other than in an array has no value.
                let complete: Vec<&(String, Value)> =
                    self.defined.iter().filter(|(_, known)| !known.is_null()).collect();
                match self.random.below(complete.len() + 1) {
                    0 => json!({"type": "long", "logicalType": "timestamp-micros"}),
                    at => complete[at - 1].0.clone().into(),
                }
            }
            9 => json!({"type": "array", "items": self.schema(depth - 1)}),
            10 => json!({"type": "map", "values": self.schema(depth - 1)}),
            11 => self.union(depth),
            12 => {
                let symbols: Vec<String> = (0..=self.random.below(4)).map(|at| format!("S{at}")).collect();
                self.define(json!({"type": "enum", "symbols": symbols}))
            }
            13 => {
                let size = self.random.below(20);
                self.define(json!({"type": "fixed", "size": size}))
            }
            _ => self.record(depth),
        }
    }

    fn union(&mut self, depth: usize) -> Value {
        let mut branches: Vec<Value> = Vec::new();
        let mut kinds = Vec::new();
        for _ in 0..=self.random.below(4) {
            let defined = self.defined.len();
            let branch = self.schema(depth - 1);
            let kind = match &branch {
                Value::String(name) => name.clone(),
                Value::Array(_) => continue,
                object => match object["type"].as_str() {
                    Some(kind @ ("record" | "enum" | "fixed")) => {
                        // Defined now, so it is not among the branches yet.
                        format!("{kind} {defined}")
                    }
                    kind => kind.unwrap_or_default().to_owned(),
                },
            };
            let named = branch.get("name").and_then(Value::as_str).map_or(kind, str::to_owned);
            if kinds.contains(&named) {
                // What it defines must stay in the schema.
                if self.defined.len() > defined {
                    branches.push(json!({"type": "array", "items": branch}));
                    if kinds.contains(&"array".to_owned()) {
                        return branches.pop().unwrap_or_default();
                    }
                    kinds.push("array".to_owned());
                }
                continue;
            }
            kinds.push(named);
            branches.push(branch);
        }
        if branches.is_empty() { "null".into() } else { Value::Array(branches) }
    }

    fn define(&mut self, mut definition: Value) -> Value {
        let name = self.name();
        definition["name"] = name.clone().into();
        self.defined.push((name, definition.clone()));
        definition
    }

    /// Names with and without a namespace would be looked for in the namespace around them.
    fn name(&mut self) -> String {
        format!("n{}.T{}", self.random.below(3), self.defined.len())
    }

    fn record(&mut self, depth: usize) -> Value {
        let name = self.name();
        self.defined.push((name.clone(), Value::Null));
        let at = self.defined.len() - 1;
        let mut fields = vec![json!({"name": "again", "type": {"type": "array", "items": name}})];
        for index in 0..self.random.below(5) {
            fields.push(json!({"name": format!("f{index}"), "type": self.schema(depth - 1)}));
        }
        let definition = json!({"type": "record", "name": name, "fields": fields});
        self.defined[at].1 = definition.clone();
        definition
    }
}

/// A random value in the JSON encoding.
fn value(schema: &Value, defined: &[(String, Value)], random: &mut Random, depth: usize) -> Value {
    match schema {
        Value::Array(branches) => {
            let branch = &branches[random.below(branches.len())];
            let inner = value(branch, defined, random, depth);
            let name = match branch {
                Value::String(name) => name.as_str(),
                object => object.get("name").or_else(|| object.get("type")).and_then(Value::as_str).unwrap(),
            };
            if name == "null" { Value::Null } else { Value::Object(Map::from_iter([(name.to_owned(), inner)])) }
        }
        Value::String(name) => match name.as_str() {
            "null" => Value::Null,
            "boolean" => (random.below(2) == 0).into(),
            "int" => ((random.next() >> random.below(64)) as i32).into(),
            "long" => ((random.next() >> random.below(64)) as i64).wrapping_neg().into(),
            "float" => f64::from((random.next() as i32) as f32 / 1024.0).into(),
            "double" => (random.next() as i64 as f64 / 1e6).into(),
            "bytes" => text(random, 0xff).into(),
            "string" => text(random, 0xd7ff).into(),
            name => {
                let (_, definition) = defined.iter().find(|(known, _)| known == name).unwrap();
                value(definition, defined, random, depth)
            }
        },
        object => match object["type"].as_str().unwrap() {
            "array" | "map" if depth == 0 => {
                if object["type"] == "map" {
                    json!({})
                } else {
                    json!([])
                }
            }
            "array" => (0..random.below(4)).map(|_| value(&object["items"], defined, random, depth - 1)).collect(),
            "map" => {
                let members = (0..random.below(4))
                    .map(|at| (format!("k{at}"), value(&object["values"], defined, random, depth - 1)));
                Value::Object(members.collect())
            }
            "enum" => {
                let symbols = object["symbols"].as_array().unwrap();
                symbols[random.below(symbols.len())].clone()
            }
            "fixed" => {
                let bytes = (0..object["size"].as_u64().unwrap()).map(|_| char::from(random.next() as u8));
                bytes.collect::<String>().into()
            }
            "record" => {
                let fields = object["fields"].as_array().unwrap().iter().map(|field| {
                    let inside = value(&field["type"], defined, random, depth.saturating_sub(1));
                    (field["name"].as_str().unwrap().to_owned(), inside)
                });
                Value::Object(fields.collect())
            }
            simple => value(&simple.into(), defined, random, depth),
        },
    }
}

fn text(random: &mut Random, limit: usize) -> String {
    (0..random.below(6)).filter_map(|_| char::from_u32(random.below(limit + 1) as u32)).collect()
}

/// The schema as the document says it, complete in itself.
fn through_a_document(schema: &Value) -> String {
    let document = json!({
        "asyncapi": "3.0.0",
        "info": {"title": "T", "version": "1"},
        "components": {"messages": {"M": {"payload": {"schemaFormat": "application/vnd.apache.avro", "schema": schema}}}},
    });
    let loaded = Loader::new().load_text("t.json", &document.to_string());
    assert!(loaded.diagnostics.is_empty(), "{schema}: {:?}", loaded.diagnostics);
    let document = loaded.document.unwrap();
    match &document[document.components.messages["M"]].payload {
        Some(Payload::Avro(ty)) => document.avro.text(ty),
        other => panic!("{other:?}"),
    }
}

#[test]
fn random_values_are_the_same_for_both() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut values, mut refused, mut accepted) = (0, 0, 0);
    for _ in 0..400 {
        let mut schemas = Schemas { random: &mut random, defined: Vec::new() };
        let schema = schemas.schema(4);
        let defined = schemas.defined;
        let text = through_a_document(&schema);
        let ours = LazySchema::new(text.clone().leak());
        let theirs = apache_avro::Schema::parse_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let reader = GenericDatumReader::builder(&theirs).build().unwrap();
        let writer = GenericDatumWriter::builder(&theirs).build().unwrap();
        for _ in 0..10 {
            let json = value(&schema, &defined, &mut random, 4);
            let bytes = to_avro(&ours, &json).unwrap_or_else(|error| panic!("{text} {json}: {error}"));
            assert_eq!(from_avro::<Value>(&ours, &bytes).unwrap(), json, "{text}");
            let mut rest = bytes.as_slice();
            let decoded = reader.read_value(&mut rest).unwrap_or_else(|error| panic!("{text} {json}: {error}"));
            assert!(rest.is_empty(), "{text} {json}");
            let again = writer.write_value_to_vec(decoded).unwrap_or_else(|error| panic!("{text} {json}: {error}"));
            assert_eq!(from_avro::<Value>(&ours, &again).unwrap(), json, "{text}");
            values += 1;

            // One byte wrong: whatever it means now, it means the same to both, and what is read can be written.
            let mut wrong = bytes.clone();
            if !wrong.is_empty() {
                let at = random.below(wrong.len());
                wrong[at] ^= 1 << random.below(8);
            }
            match from_avro::<Value>(&ours, &wrong) {
                Ok(read) => {
                    accepted += 1;
                    let mut rest = wrong.as_slice();
                    reader.read_value(&mut rest).unwrap_or_else(|error| panic!("{text} {wrong:?}: {error}"));
                    let written = to_avro(&ours, &read).unwrap();
                    assert_eq!(from_avro::<Value>(&ours, &written).unwrap(), read, "{text}");
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(
        values == 4000 && refused > 500 && accepted > 500,
        "{values} values, {refused} refused, {accepted} accepted"
    );
}

#[test]
fn a_few_bytes_do_not_take_much_memory() {
    // Nine million items that take no bytes, in five; and as many as are still read.
    let nulls = LazySchema::new(r#"{"type": "array", "items": "null"}"#);
    let announced = |count: i64| {
        let mut bytes = to_avro(&LazySchema::new(r#""long""#), &count).unwrap();
        bytes.push(0);
        bytes
    };
    let error = from_avro::<Value>(&nulls, &announced(9_000_000)).unwrap_err().to_string();
    assert!(error.contains("too many items that take no bytes"), "{error}");
    assert_eq!(from_avro::<Vec<()>>(&nulls, &announced(65_536)).unwrap().len(), 65_536);
    // A length that the input does not have, of bytes and of a text.
    for schema in [r#""bytes""#, r#""string""#, r#"{"type": "map", "values": "int"}"#] {
        assert!(from_avro::<Value>(&LazySchema::new(schema), &announced(i64::MAX)).is_err(), "{schema}");
        assert!(from_avro::<Value>(&LazySchema::new(schema), &announced(i64::MIN)).is_err(), "{schema}");
    }
}
