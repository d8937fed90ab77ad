//! Schemas and values by chance: no value may contradict a verdict.
//!
//! `EVENT_API_FUZZ_PAIRS` sets how many pairs of schemas there are (a few thousand take some seconds, unoptimised), and
//! `EVENT_API_FUZZ_SEED` which ones.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod dense;
mod random;
mod schemas;
mod values;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use event_api_spec::schema::{Checker, Dialect, Inclusion, Reading, SchemaId, Verdict};
use event_api_spec::{LoadedSchema, Loader, Node};
use random::Random;
use serde_json::{Value, json};

/// Values of the writer that are tried for each pair that is said to be compatible.
const VALUES: usize = 60;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn load(schema: &Value, dialect: Dialect) -> LoadedSchema {
    Loader::new().load_schema_text("schema.json", &schema.to_string(), dialect)
}

/// A value as the checker takes it: the default of a schema is one.
fn node(value: &Value) -> Node {
    let holder = load(&json!({ "const": value }), Dialect::Draft7);
    match &holder.schemas[holder.root.unwrap()].kind {
        event_api_spec::schema::SchemaKind::Object(keywords) => keywords.const_value.clone().unwrap(),
        event_api_spec::schema::SchemaKind::Bool(_) => panic!("an object was written"),
    }
}

/// What another validator says; `None` when it does not take the schema, or is known to differ.
fn other_validator(schema: &Value, value: &Value, dialect: Dialect) -> Option<bool> {
    // Line ends other than the usual one: for ECMA-262 they are some, for the engine of that validator they are not.
    if ["\\r", "\u{2028}", "\u{2029}"].iter().any(|end| value.to_string().contains(end)) {
        return None;
    }
    let draft = match dialect {
        Dialect::Draft2020 => jsonschema::Draft::Draft202012,
        _ => jsonschema::Draft::Draft7,
    };
    let options = jsonschema::options().with_draft(draft).should_validate_formats(false);
    Some(options.build(schema).ok()?.is_valid(value))
}

#[derive(Default)]
struct Tally {
    verdicts: HashMap<&'static str, usize>,
    unknown: HashMap<String, usize>,
    values: usize,
    most_steps: usize,
}

fn decide(writer: &LoadedSchema, reader: &LoadedSchema, reading: Reading) -> (Verdict, usize) {
    let mut inclusion = Inclusion::new(&writer.schemas, &reader.schemas, reading);
    let verdict = inclusion.decide(writer.root.unwrap(), reader.root.unwrap());
    (verdict, inclusion.steps())
}

/// Decides one pair and looks for contradictions with values that the writer is likely to accept.
fn examine(random: &mut Random, writer: &Value, reader: &Value, tally: &mut Tally) {
    examine_with(random, writer, reader, tally, |random| values::likely(random, writer, writer, 6));
}

/// Decides one pair and looks for contradictions.
fn examine_with(
    random: &mut Random,
    writer: &Value,
    reader: &Value,
    tally: &mut Tally,
    mut value: impl FnMut(&mut Random) -> Value,
) {
    let dialect = random.dialect;
    let (sending, reading) = (load(writer, dialect), load(reader, dialect));
    let (verdict, steps) = decide(&sending, &reading, Reading::AsWritten);
    let (declared, _) = decide(&sending, &reading, Reading::Declared);
    tally.most_steps = tally.most_steps.max(steps);
    let pair = || format!("\nwriter {writer}\nreader {reader}");
    let name = match &verdict {
        Verdict::Compatible => {
            assert!(!matches!(declared, Verdict::Incompatible { .. }), "what is declared is less{}", pair());
            let mut checkers = (Checker::new(&sending.schemas), Checker::new(&reading.schemas));
            for _ in 0..VALUES {
                let value = value(random);
                let node = node(&value);
                let valid = |checker: &mut Checker<'_>, id: Option<SchemaId>| checker.is_valid(id.unwrap(), &node);
                if valid(&mut checkers.0, sending.root) {
                    tally.values += 1;
                    assert!(valid(&mut checkers.1, reading.root), "{value} is refused{}", pair());
                }
            }
            "compatible"
        }
        Verdict::Incompatible { witness } => {
            let value = witness.to_json();
            let (sent, read) = (other_validator(writer, &value, dialect), other_validator(reader, &value, dialect));
            assert!(sent != Some(false) && read != Some(true), "{witness} is no counterexample{}", pair());
            "incompatible"
        }
        Verdict::Unknown { reason } => {
            *tally.unknown.entry(reason.to_string()).or_default() += 1;
            if std::env::var_os("EVENT_API_FUZZ_SHOW").is_some() {
                println!("{reason}: {}", pair());
            }
            "unknown"
        }
        other => panic!("{other:?}"),
    };
    if let (Verdict::Incompatible { .. }, Verdict::Incompatible { witness }) = (&verdict, &declared) {
        let value = witness.to_json();
        assert_ne!(other_validator(reader, &value, dialect), Some(true), "{witness} is no counterexample{}", pair());
    }
    *tally.verdicts.entry(name).or_default() += 1;
}

fn report(tally: &Tally) {
    println!("{:?}, {} values, at most {} steps", tally.verdicts, tally.values, tally.most_steps);
    tally.unknown.iter().for_each(|(reason, count)| println!("  {count} × {reason}"));
}

#[test]
fn no_value_contradicts_a_verdict_on_random_schemas() {
    random_pairs(Dialect::Draft7, 50);
}

#[test]
fn no_value_contradicts_a_verdict_on_random_schemas_of_2020() {
    // What `unevaluated…` sees is only decided where alternatives do not matter to it.
    random_pairs(Dialect::Draft2020, 10);
}

#[test]
fn no_value_contradicts_a_verdict_on_schemas_that_say_much_of_little() {
    let (seed, pairs) = (setting("EVENT_API_FUZZ_SEED", 1), setting("EVENT_API_FUZZ_PAIRS", 1000) * 2);
    let mut tally = Tally::default();
    for index in 0..pairs {
        let mut random = Random::new(seed.wrapping_mul(1 << 32).wrapping_add(index + 1));
        random.dialect = if index % 4 == 0 { Dialect::Draft2020 } else { Dialect::Draft7 };
        let kind = *random.one(&["array", "array", "object", "object", "string", "number"]);
        let writer = dense::schema(&mut random, kind);
        let reader = match random.below(3) {
            0 => dense::schema(&mut random, kind),
            1 => json!({ "anyOf": [dense::schema(&mut random, kind), dense::schema(&mut random, kind), false] }),
            _ => json!({ "allOf": [writer, { "not": dense::schema(&mut random, kind) }] }),
        };
        examine_with(&mut random, &writer, &reader, &mut tally, |random| dense::small(random, kind));
    }
    report(&tally);
    let undecided = tally.verdicts.get("unknown").copied().unwrap_or(0) as u64;
    assert!(undecided * 50 <= pairs, "{undecided} of {pairs} are undecided: {:?}", tally.unknown);
}

/// Of so many pairs, one may be left undecided.
fn random_pairs(dialect: Dialect, undecided_of: u64) {
    let (seed, pairs) = (setting("EVENT_API_FUZZ_SEED", 1), setting("EVENT_API_FUZZ_PAIRS", 1000));
    let mut tally = Tally::default();
    for index in 0..pairs {
        let mut random = Random::new(seed.wrapping_mul(1 << 32).wrapping_add(index + 1));
        random.dialect = dialect;
        let writer = schemas::document(&mut random);
        let reader = match random.below(5) {
            0 => schemas::document(&mut random),
            1 => {
                let once = schemas::changed(&mut random, &writer);
                schemas::changed(&mut random, &once)
            }
            _ => schemas::changed(&mut random, &writer),
        };
        let (writer, reader) = if random.once_in(2) { (writer, reader) } else { (reader, writer) };
        examine(&mut random, &writer, &reader, &mut tally);
    }
    report(&tally);
    let undecided = tally.verdicts.get("unknown").copied().unwrap_or(0) as u64;
    assert!(undecided * undecided_of <= pairs, "{undecided} of {pairs} are undecided: {:?}", tally.unknown);
}

/// A document's schemas by their names.
type Named = serde_json::Map<String, Value>;

/// The files of real documents.
fn real_files() -> Option<Vec<PathBuf>> {
    let folder = std::env::var_os("EVENT_API_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    let Ok(manifest) = std::fs::read_to_string(folder.join("manifest.jsonl")) else {
        println!("skipped: there is no corpus at {}", folder.display());
        return None;
    };
    let file = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        folder.join(entry["file"].as_str().unwrap())
    };
    Some(manifest.lines().map(file).collect())
}

/// The schemas of a document, when it can be read and has some.
fn named_schemas(file: &Path) -> Option<Named> {
    let document: Value = serde_yaml::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    document.pointer("/components/schemas")?.as_object().filter(|all| !all.is_empty()).cloned()
}

/// A schema of a document and what it refers to, as one schema; nothing when that is no schema of draft-07.
fn with_what_it_needs(all: &Named, name: &str) -> Option<Value> {
    let mut needed = Named::new();
    let mut open = vec![name.to_owned()];
    while let Some(name) = open.pop() {
        let schema = all.get(&name)?;
        if needed.insert(name, schema.clone()).is_none() {
            collect_references(schema, &mut open);
        }
    }
    let pointer = format!("#/components/schemas/{}", name.replace('~', "~0").replace('/', "~1"));
    let schema = json!({ "allOf": [{ "$ref": pointer }], "components": { "schemas": needed } });
    let loaded = load(&schema, Dialect::Draft7);
    (loaded.root.is_some() && !loaded.has_errors() && jsonschema::draft7::new(&schema).is_ok()).then_some(schema)
}

fn collect_references(value: &Value, open: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            open.extend(reference.and_then(|r| r.strip_prefix("#/components/schemas/")).map(str::to_owned));
            members.values().for_each(|member| collect_references(member, open));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, open)),
        _ => {}
    }
}

#[test]
fn no_value_contradicts_a_verdict_on_changes_of_real_schemas() {
    /// Pairs made of one document: reading it takes longer than deciding them.
    const EACH: u64 = 10;
    let Some(files) = real_files() else { return };
    let (seed, pairs) = (setting("EVENT_API_FUZZ_SEED", 1), setting("EVENT_API_FUZZ_PAIRS", 1000) / 5);
    let mut tally = Tally::default();
    for index in 0..pairs / EACH {
        let mut random = Random::new(seed.wrapping_mul(1 << 32).wrapping_add(index + 1));
        let Some(all) = named_schemas(random.one::<PathBuf>(&files)) else { continue };
        let names: Vec<&String> = all.keys().collect();
        for _ in 0..EACH {
            let Some(writer) = with_what_it_needs(&all, random.one::<&String>(&names)) else { continue };
            let reader = schemas::changed(&mut random, &writer);
            let (writer, reader) = if random.once_in(2) { (writer, reader) } else { (reader, writer) };
            examine(&mut random, &writer, &reader, &mut tally);
        }
    }
    report(&tally);
}
