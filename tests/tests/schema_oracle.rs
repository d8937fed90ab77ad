//! The fidelity contract against an oracle: random schemas are generated and compiled, and random values put to the
//! types and to the `jsonschema` crate. Whatever is accepted is written again, and compared.
//!
//! `EVENT_API_ORACLE_SEED` and `EVENT_API_ORACLE_SCHEMAS` say where to begin and how many schemas to try. A disagreement
//! is shown with the schema and the value, and with the smallest of both that still disagree.

// Clippy knows only functions marked as tests; what they call may unwrap and print as well.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use event_api_tests::batch::{Answer, Batch, SchemaNumber, Verdicts};
use event_api_tests::oracle::{Judge, Oracle};
use event_api_tests::random::{self, Document, Random};
use event_api_tests::round_trip::RoundTrip;
use serde_json::Value;

/// How many values each schema is tried with.
const VALUES: usize = 16;
/// How many disagreements are made smaller; the others are counted.
const SHOWN: usize = 10;
/// How often all that are made smaller are compiled again.
const ROUNDS: usize = 12;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// A schema, and what the oracle has to say about it.
struct Subject {
    document: Document,
    judge: Judge,
}

impl Subject {
    /// `None` when the oracle does not take it for a schema.
    fn new(document: Document) -> Option<Self> {
        let judge = Oracle::new(document.draft, document.reading).judge(&document.schema).ok()?;
        Some(Subject { document, judge })
    }

    fn accepts(&self, text: &str) -> bool {
        self.judge.accepts(&serde_json::from_str(text).unwrap())
    }

    /// What the answer is wrong about.
    fn disagreement(&self, text: &str, answer: &Answer) -> Option<String> {
        let valid = self.accepts(text);
        match (answer, answer.accepts()) {
            (_, None) => Some(format!("{answer:?}")),
            (_, Some(accepts)) if accepts != valid => Some(format!("the oracle says {valid}, the type {answer:?}")),
            (Answer::Lost(how), _) => Some(format!("round trip: {how}")),
            (Answer::Accepted(written), _) => {
                let trip = RoundTrip::new(&self.document.schema, &self.judge);
                trip.check(text, written).err().map(|error| format!("round trip: {error}"))
            }
            _ => None,
        }
    }
}

/// A schema and values of it, all different.
fn random_case(random: &mut Random) -> (Subject, Vec<String>) {
    let subject = loop {
        if let Some(subject) = Subject::new(random::document(random)) {
            break subject;
        }
    };
    let values = (0..VALUES).map(|_| {
        let value = random::value_near(&subject.document.schema, random);
        random::spell(&value, random)
    });
    let values: BTreeSet<String> = values.collect();
    (subject, values.into_iter().collect())
}

fn batch(name: &str) -> Batch {
    Batch::new(Path::new(env!("CARGO_TARGET_TMPDIR")), name)
}

#[test]
fn random_schemas_use_every_keyword_and_random_values_are_valid_about_half_of_the_time() {
    const KEYWORDS: [&str; 38] = [
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
        let (subject, values) = random_case(&mut random);
        let text = subject.document.schema.to_string();
        for keyword in KEYWORDS {
            *seen.entry(keyword).or_default() += usize::from(text.contains(&format!("\"{keyword}\":")));
        }
        let accepted = values.iter().filter(|value| subject.accepts(value)).count();
        valid += accepted;
        all += values.len();
        decided += usize::from(accepted > 0 && accepted < values.len());
    }
    println!("{valid} of {all} values are valid; {decided} of 1000 schemas have values of both kinds; {seen:?}");
    assert!(seen.values().all(|count| *count >= 5), "{seen:?}");
    assert!((30..=65).contains(&(100 * valid / all)), "{valid} of {all}");
    assert!(decided >= 700, "{decided}");
}

#[test]
#[ignore = "the generator is not exact yet: run it to see where"]
fn generated_types_agree_with_the_oracle() {
    let start = Instant::now();
    let seed = setting("EVENT_API_ORACLE_SEED", 1);
    let count = setting("EVENT_API_ORACLE_SCHEMAS", 300);
    let mut random = Random::new(seed);
    let cases: Vec<(Subject, Vec<String>)> = (0..count).map(|_| random_case(&mut random)).collect();
    let mut batch = batch("schema-oracle");
    let numbers: Vec<SchemaNumber> = cases.iter().map(|(subject, _)| add(&mut batch, &subject.document)).collect();
    let verdicts = batch.build().unwrap();
    let mut wrong = Vec::new();
    let (mut asked, mut disagreements) = (0, 0);
    for ((subject, values), number) in cases.into_iter().zip(numbers) {
        let questions: Vec<(SchemaNumber, &str)> = values.iter().map(|value| (number, value.as_str())).collect();
        let answers = verdicts.ask(&questions).unwrap();
        asked += answers.len();
        let found = values
            .iter()
            .zip(&answers)
            .filter_map(|(value, answer)| Some((value.clone(), subject.disagreement(value, answer)?)));
        let found: Vec<(String, String)> = found.collect();
        disagreements += found.len();
        if let Some((value, what)) = found.into_iter().min_by_key(|(value, _)| value.len()) {
            wrong.push(Disagreement { subject, value, what });
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{count} schemas, {asked} values, {disagreements} disagreements in {} schemas, {seconds:.1} s",
        wrong.len()
    );
    if wrong.is_empty() {
        return;
    }
    let total = wrong.len();
    wrong.truncate(SHOWN);
    let originals: Vec<String> = wrong.iter().map(Disagreement::describe).collect();
    let shrunk = shrink(wrong);
    for (original, shrunk) in originals.iter().zip(&shrunk) {
        println!("{original}\nsmaller:\n{}\n", shrunk.describe());
    }
    panic!("{total} of {count} schemas disagree; EVENT_API_ORACLE_SEED={seed} has them again");
}

fn add(batch: &mut Batch, document: &Document) -> SchemaNumber {
    batch.add(&document.schema.to_string(), document.reading).unwrap()
}

/// A value about which a type and the oracle have different opinions.
struct Disagreement {
    subject: Subject,
    value: String,
    what: String,
}

impl Disagreement {
    fn describe(&self) -> String {
        let Document { schema, reading, .. } = &self.subject.document;
        format!("schema ({reading:?}): {schema}\nvalue: {}\n{}", self.value, self.what)
    }
}

/// Takes things away from each schema, and then from each value, as long as there is a disagreement.
fn shrink(mut all: Vec<Disagreement>) -> Vec<Disagreement> {
    for _ in 0..ROUNDS {
        let mut batch = batch("schema-oracle-smaller");
        let mut candidates: Vec<Vec<(Subject, SchemaNumber)>> = Vec::new();
        for disagreement in &all {
            let document = &disagreement.subject.document;
            let smaller = random::smaller_schemas(&document.schema).into_iter();
            let smaller = smaller.filter_map(|schema| Subject::new(Document { schema, ..document.clone() }));
            candidates.push(
                smaller
                    .map(|subject| {
                        let number = add(&mut batch, &subject.document);
                        (subject, number)
                    })
                    .collect(),
            );
        }
        if candidates.iter().all(Vec::is_empty) {
            break;
        }
        let verdicts = batch.build().unwrap();
        let mut progress = false;
        for (disagreement, candidates) in all.iter_mut().zip(candidates) {
            for (subject, number) in candidates {
                if let Some(smaller) = disagree(subject, number, &disagreement.value, &verdicts) {
                    *disagreement = smaller;
                    progress = true;
                    break;
                }
            }
        }
        if !progress {
            break;
        }
    }
    let mut batch = batch("schema-oracle-smaller");
    let numbers: Vec<SchemaNumber> = all.iter().map(|one| add(&mut batch, &one.subject.document)).collect();
    let verdicts = batch.build().unwrap();
    all.into_iter().zip(numbers).map(|(one, number)| shrink_value(one, number, &verdicts)).collect()
}

/// The disagreement about this value, if there is one.
fn disagree(subject: Subject, number: SchemaNumber, value: &str, verdicts: &Verdicts) -> Option<Disagreement> {
    let answers = verdicts.ask(&[(number, value)]).unwrap();
    let what = subject.disagreement(value, &answers[0])?;
    Some(Disagreement { subject, value: value.to_owned(), what })
}

fn shrink_value(mut disagreement: Disagreement, number: SchemaNumber, verdicts: &Verdicts) -> Disagreement {
    'smaller: loop {
        let value: Value = serde_json::from_str(&disagreement.value).unwrap();
        for smaller in random::smaller_values(&value) {
            let text = smaller.to_string();
            let answers = verdicts.ask(&[(number, &text)]).unwrap();
            if let Some(what) = disagreement.subject.disagreement(&text, &answers[0]) {
                disagreement = Disagreement { value: text, what, ..disagreement };
                continue 'smaller;
            }
        }
        return disagreement;
    }
}
