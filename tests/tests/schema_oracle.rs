//! The fidelity contract against an oracle: random schemas are generated and compiled, and random values put to the
//! types and to the `jsonschema` crate. Whatever is accepted is written again, and compared.
//!
//! Schemas of real documents, where there is a collection of them, are tried with random values in the same way.
//!
//! `EVENT_API_ORACLE_SEED` and `EVENT_API_ORACLE_SCHEMAS` say where to begin and how many schemas to try. A disagreement
//! is shown with the schema and the value, and with the smallest of both that still disagree.

// Clippy knows only functions marked as tests; what they call may unwrap and print as well.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use event_api_tests::batch::Reading;
use event_api_tests::corpus;
use event_api_tests::oracle::without_formats;
use event_api_tests::random::{self, Document, Random};
use event_api_tests::trial::{self, Disagreement, Trial};
use jsonschema::Draft;

/// How many values each schema is tried with.
const VALUES: usize = 16;
/// Schemas with longer texts are left out: the types of one would take as long as those of all others.
const LONGEST: usize = 20_000;
/// How many disagreements are made smaller; the others are counted.
const SHOWN: usize = 8;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// A random schema with random values.
fn random_trial(random: &mut Random) -> Trial {
    loop {
        let document = random::document(random);
        let document = Document { schema: without_formats(document.schema), ..document };
        if let Some(trial) = Trial::new(document) {
            return trial.with_values(VALUES, random);
        }
    }
}

/// Runs trials, and shows the disagreements and what is left of them.
fn agree(name: &str, trials: Vec<Trial>) {
    let start = Instant::now();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let count = trials.len();
    let mut outcome = trial::run(scratch, name, trials).unwrap();
    let (values, wrong, schemas) = (outcome.values, outcome.wrong_values, outcome.disagreements.len());
    let seconds = start.elapsed().as_secs_f64();
    println!("{count} schemas, {values} values, {wrong} disagreements in {schemas} schemas, {seconds:.1} s");
    outcome.disagreements.truncate(SHOWN);
    let originals: Vec<String> = outcome.disagreements.iter().map(Disagreement::describe).collect();
    if !originals.is_empty() {
        let shrunk = trial::shrink(scratch, &format!("{name}-smaller"), outcome.disagreements).unwrap();
        for (original, shrunk) in originals.iter().zip(&shrunk) {
            println!("{original}\nsmaller:\n{}\n", shrunk.describe());
        }
    }
    assert_eq!(schemas, 0, "so many of {count} schemas disagree; some are shown above");
}

#[test]
fn random_schemas_use_every_keyword_and_random_values_are_valid_about_half_of_the_time() {
    // `format` is not among them: see `without_formats`.
    const KEYWORDS: [&str; 37] = [
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
        "items",
        "additionalItems",
        "prefixItems",
        "minItems",
        "maxItems",
        "uniqueItems",
        "contains",
        "minContains",
        "maxContains",
        "properties",
        "required",
        "minProperties",
        "maxProperties",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "dependencies",
        "dependentRequired",
        "dependentSchemas",
        "unevaluatedProperties",
        "unevaluatedItems",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
    ];
    let mut random = Random::new(1);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut valid, mut all, mut decided) = (0, 0, 0);
    for _ in 0..1000 {
        let trial = random_trial(&mut random);
        let text = trial.document().schema.to_string();
        for keyword in KEYWORDS {
            *seen.entry(keyword).or_default() += usize::from(text.contains(&format!("\"{keyword}\":")));
        }
        let accepted = trial.verdicts().filter(|(_, accepted)| *accepted).count();
        let tried = trial.verdicts().count();
        valid += accepted;
        all += tried;
        decided += usize::from(accepted > 0 && accepted < tried);
    }
    println!("{valid} of {all} values are valid; {decided} of 1000 schemas have values of both kinds; {seen:?}");
    assert!(seen.values().all(|count| *count >= 5), "{seen:?}");
    assert!((30..=65).contains(&(100 * valid / all)), "{valid} of {all}");
    assert!(decided >= 700, "{decided}");
}

/// Schemas of which types were wrong once, each with values that showed it.
const PICKED: &[(&str, &[&str])] = &[
    (
        r##"{"definitions":{"x":{"type":"array","minItems":1,"items":{"type":"integer"},"contains":{"const":5}},
        "y":{"allOf":[{"$ref":"#/definitions/x"}],"anyOf":[{"not":{"maxItems":2}},{"not":{"minItems":2}}]}},
        "type":"object","properties":{"x":{"$ref":"#/definitions/x"},"y":{"$ref":"#/definitions/y"},
        "z":{"type":"string","minLength":3}}}"##,
        &[r#"{"y":[5]}"#, r#"{"y":[5,5]}"#, r#"{"y":[1,2,5],"z":"abc"}"#],
    ),
    (
        r#"{"type":"object","minProperties":2,"not":{"required":["z"]},"oneOf":[
        {"type":"object","required":["kind"],"properties":{"kind":{"const":"a"}}},
        {"type":"object","required":["kind"],"properties":{"kind":{"const":"b"}}}]}"#,
        &[r#"{"kind":"a"}"#, r#"{"kind":"a","q":1}"#, r#"{"kind":"b","z":1}"#],
    ),
    (
        r#"{"type":"object","additionalProperties":{"type":"string"},"not":{"required":["z"]},"anyOf":[
        {"type":"object","required":["kind"],"patternProperties":{"^k":{"minLength":1}}},{"required":["b"]}]}"#,
        &[r#"{"kind":"a","q":5}"#, r#"{"kind":"a","q":"s"}"#, r#"{"b":"s"}"#],
    ),
    (
        r##"{"anyOf":[{"type":["string","null"]},{"type":"array","items":{"$ref":"#"}}]}"##,
        &["[null]", r#"[["a"],null]"#, "null", "[1]"],
    ),
    (r##"{"properties":{"a":{"$ref":"#"}},"minLength":2}"##, &[r#"{"a":null}"#, r#"{"a":{"a":"x"}}"#, "null"]),
    (
        r#"{"type":"array","items":{"type":"object","properties":{"a":{"type":"integer"}}},"contains":{"required":["z"]}}"#,
        &[r#"[{"a":1,"z":2}]"#, r#"[{"a":1}]"#],
    ),
    (
        r#"{"type":"object","properties":{"a":{"type":"object","properties":{"p":{}}},"b":{}},
        "if":{"properties":{"a":{"required":["z"]}}},"then":true,"else":{"required":["b"]}}"#,
        &[r#"{"a":{"z":1}}"#, r#"{"a":{}}"#, r#"{"a":{},"b":1}"#],
    ),
    (
        r#"{"allOf":[{"type":"number","minimum":1},{"minimum":5},{"exclusiveMaximum":9},{"maximum":7}]}"#,
        &["3", "5", "7", "8"],
    ),
    (
        r#"{"type":"object","required":["s"],"properties":{"s":{"type":"string","oneOf":[
        {"const":null},{"const":"a"},{"const":"b"}]}}}"#,
        &[r#"{"s":null}"#, r#"{"s":"a"}"#],
    ),
    (r#"{"type":"integer","minimum":1e30}"#, &["5", "-5"]),
    (r#"{"type":"integer","minimum":9007199254740992.5}"#, &["9007199254740992", "9007199254740993"]),
    (
        r#"{"type":"array","uniqueItems":true,"items":{"anyOf":[
        {"type":"object","properties":{"a":{"type":"object","properties":{"p":{}}}}},
        {"type":"object","properties":{"b":{}}}]}}"#,
        &[r#"[{"a":{"z":1}},{"a":{"z":2}}]"#, r#"[{"a":{"z":1}},{"a":{"z":1}}]"#],
    ),
    (
        r#"{"type":"array","uniqueItems":true,"items":{"type":"object","additionalProperties":
        {"type":"object","properties":{"p":{}}}}}"#,
        &[r#"[{"k":{"z":1}},{"k":{"z":2}}]"#],
    ),
    (
        r#"{"oneOf":[{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}}},
        {"type":"object","required":["a"],"properties":{"a":{"type":"integer"},"c":{"type":"string"}}}]}"#,
        &[r#"{"a":1,"c":5}"#, r#"{"a":1}"#, r#"{"a":1,"c":"x"}"#],
    ),
    (r#"{"allOf":[{"type":["number","string","integer"]},{"type":["integer","string"]}]}"#, &["1", "1.5", r#""a""#]),
];

#[test]
fn types_that_were_wrong_once_agree_with_the_oracle() {
    let mut random = Random::new(1);
    let mut trials = Vec::new();
    for reading in [Reading::Exact, Reading::Implied] {
        for (schema, values) in PICKED {
            let schema = serde_json::from_str(schema).unwrap();
            let trial = Trial::new(Document { schema, draft: Draft::Draft7, reading }).unwrap();
            let trial = values.iter().fold(trial, |trial, value| trial.with_value(value));
            trials.push(trial.with_values(VALUES, &mut random));
        }
    }
    agree("picked-oracle", trials);
}

#[test]
fn generated_types_agree_with_the_oracle() {
    let seed = setting("EVENT_API_ORACLE_SEED", 1);
    let count = setting("EVENT_API_ORACLE_SCHEMAS", 300);
    println!("EVENT_API_ORACLE_SEED={seed} EVENT_API_ORACLE_SCHEMAS={count}");
    let mut random = Random::new(seed);
    agree("schema-oracle", (0..count).map(|_| random_trial(&mut random)).collect());
}

#[test]
fn types_of_real_documents_agree_with_the_oracle() {
    let Some(directory) = corpus::directory() else {
        let line = "skipped: no collection of documents; name its folder in EVENT_API_CORPUS";
        _ = writeln!(std::io::stderr(), "{line}");
        return;
    };
    let seed = setting("EVENT_API_ORACLE_SEED", 1);
    let count = setting("EVENT_API_ORACLE_SCHEMAS", 200) as usize;
    let mut random = Random::new(seed);
    let entries = corpus::entries(&directory).unwrap();
    let valid = entries.iter().filter(|entry| entry.is_valid());
    let all: BTreeSet<String> = valid
        .flat_map(|entry| corpus::schemas(&directory.join(&entry.file)))
        .map(|schema| schema.to_string())
        .filter(|schema| schema.len() < LONGEST)
        .collect();
    let mut all: Vec<String> = all.into_iter().collect();
    println!("EVENT_API_ORACLE_SEED={seed} takes {count} of {} schemas", all.len());
    let mut trials = Vec::new();
    while trials.len() < count && !all.is_empty() {
        let schema = serde_json::from_str(&all.swap_remove(random.below(all.len()))).unwrap();
        let document = Document { schema, draft: Draft::Draft7, reading: Reading::Implied };
        trials.extend(Trial::new(document).map(|trial| trial.with_values(VALUES, &mut random)));
    }
    agree("corpus-oracle", trials);
}
