//! Schemas with values, put to the generated types and to the oracle: trials go in, disagreements come out, and each of
//! them can be made smaller.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::batch::{Answer, Batch, SchemaNumber, Verdicts};
use crate::oracle::{Judge, Oracle};
use crate::random::{self, Document, Random};
use crate::round_trip::RoundTrip;

/// How many smaller schemas of one are compiled at a time.
const CANDIDATES: usize = 40;
/// How long disagreements are made smaller.
const PATIENCE: Duration = Duration::from_secs(120);

/// A schema, what the oracle has to say about it, and the values to try, as texts.
#[derive(Debug)]
pub struct Trial {
    document: Document,
    judge: Judge,
    values: BTreeSet<String>,
}

/// A value about which a type and the oracle have different opinions.
#[derive(Debug)]
pub struct Disagreement {
    trial: Trial,
    value: String,
    what: String,
}

/// What came of trials.
#[derive(Debug)]
pub struct Outcome {
    /// How many values were tried.
    pub values: usize,
    /// How many of them were disagreed about.
    pub wrong_values: usize,
    /// The shortest value of each schema that has any.
    pub disagreements: Vec<Disagreement>,
}

impl Trial {
    /// A trial without values; `None` when the oracle does not take the schema for one.
    pub fn new(document: Document) -> Option<Self> {
        let judge = Oracle::new(document.draft, document.reading).judge(&document.schema).ok()?;
        Some(Trial { document, judge, values: BTreeSet::new() })
    }

    /// With so many random values; equal ones are one.
    #[must_use]
    pub fn with_values(mut self, count: usize, random: &mut Random) -> Self {
        for _ in 0..count {
            let value = random::value_near(&self.document.schema, random);
            self.values.insert(random::spell(&value, random));
        }
        self
    }

    /// With this value, as a text.
    #[must_use]
    pub fn with_value(mut self, text: &str) -> Self {
        self.values.insert(text.to_owned());
        self
    }

    /// The schema.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The values and whether the oracle accepts them.
    pub fn verdicts(&self) -> impl Iterator<Item = (&str, bool)> {
        self.values.iter().map(|text| (text.as_str(), self.accepts(text)))
    }

    fn accepts(&self, text: &str) -> bool {
        serde_json::from_str(text).is_ok_and(|value| self.judge.accepts(&value))
    }

    fn add_to(&self, batch: &mut Batch) -> io::Result<SchemaNumber> {
        batch.add(&self.document.schema.to_string(), self.document.reading)
    }

    /// What is wrong with the answer, which says nothing of the schema or the value.
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

    /// The disagreement about a value, if there is one.
    fn disagree(self, number: SchemaNumber, value: &str, verdicts: &Verdicts) -> io::Result<Option<Disagreement>> {
        let answers = verdicts.ask(&[(number, value)])?;
        let what = answers.first().and_then(|answer| self.disagreement(value, answer));
        Ok(what.map(|what| Disagreement { trial: self, value: value.to_owned(), what }))
    }
}

/// Compiles the types of all trials below `scratch`, and tries them.
///
/// # Errors
/// When the types cannot be compiled or run.
pub fn run(scratch: &Path, name: &str, trials: Vec<Trial>) -> io::Result<Outcome> {
    let mut batch = Batch::new(scratch, name);
    let numbers = trials.iter().map(|trial| trial.add_to(&mut batch)).collect::<io::Result<Vec<_>>>()?;
    let verdicts = batch.build()?;
    let questions: Vec<(SchemaNumber, &str)> = numbers
        .iter()
        .zip(&trials)
        .flat_map(|(number, trial)| trial.values.iter().map(|value| (*number, value.as_str())))
        .collect();
    let mut answers = verdicts.ask(&questions)?.into_iter();
    let mut outcome = Outcome { values: questions.len(), wrong_values: 0, disagreements: Vec::new() };
    for trial in trials {
        let found = trial.values.iter().zip(answers.by_ref());
        let found: Vec<(String, String)> =
            found.filter_map(|(value, answer)| Some((value.clone(), trial.disagreement(value, &answer)?))).collect();
        outcome.wrong_values += found.len();
        if let Some((value, what)) = found.into_iter().min_by_key(|(value, _)| value.len()) {
            outcome.disagreements.push(Disagreement { trial, value, what });
        }
    }
    Ok(outcome)
}

impl Disagreement {
    /// The schema, the value, and what is wrong.
    pub fn describe(&self) -> String {
        let Document { schema, reading, .. } = &self.trial.document;
        format!("schema ({reading:?}): {schema}\nvalue: {}\n{}", self.value, self.what)
    }
}

/// Takes things away from each schema, and then from each value, as long as there is a disagreement.
///
/// # Errors
/// When types cannot be compiled or run.
pub fn shrink(scratch: &Path, name: &str, all: Vec<Disagreement>) -> io::Result<Vec<Disagreement>> {
    let start = Instant::now();
    let mut shrinking = Shrinking { scratch: scratch.to_owned(), name: name.to_owned(), tried: vec![0; all.len()] };
    let mut all = all;
    while start.elapsed() < PATIENCE && shrinking.shrink_schemas(&mut all)? {}
    shrinking.shrink_values(all)
}

struct Shrinking {
    scratch: PathBuf,
    name: String,
    /// How many smaller schemas of each were tried in vain.
    tried: Vec<usize>,
}

impl Shrinking {
    /// At most one step for each; whether anything is left to try.
    fn shrink_schemas(&mut self, all: &mut [Disagreement]) -> io::Result<bool> {
        let mut batch = Batch::new(&self.scratch, &self.name);
        let mut candidates = Vec::new();
        for (disagreement, tried) in all.iter().zip(&self.tried) {
            let document = &disagreement.trial.document;
            let smaller = random::smaller_schemas(&document.schema).into_iter();
            let smaller = smaller.filter_map(|schema| Trial::new(Document { schema, ..document.clone() }));
            let smaller = smaller.skip(*tried).take(CANDIDATES);
            let smaller = smaller.map(|trial| Ok((trial.add_to(&mut batch)?, trial)));
            candidates.push(smaller.collect::<io::Result<Vec<_>>>()?);
        }
        if candidates.iter().all(Vec::is_empty) {
            return Ok(false);
        }
        let verdicts = batch.build()?;
        for ((disagreement, tried), candidates) in all.iter_mut().zip(&mut self.tried).zip(candidates) {
            *tried += candidates.len();
            for (number, trial) in candidates {
                if let Some(smaller) = trial.disagree(number, &disagreement.value, &verdicts)? {
                    *disagreement = smaller;
                    *tried = 0;
                    break;
                }
            }
        }
        Ok(true)
    }

    fn shrink_values(&self, all: Vec<Disagreement>) -> io::Result<Vec<Disagreement>> {
        let mut batch = Batch::new(&self.scratch, &self.name);
        let numbers = all.iter().map(|one| one.trial.add_to(&mut batch)).collect::<io::Result<Vec<_>>>()?;
        let verdicts = batch.build()?;
        all.into_iter().zip(numbers).map(|(one, number)| shrink_value(one, number, &verdicts)).collect()
    }
}

fn shrink_value(mut one: Disagreement, number: SchemaNumber, verdicts: &Verdicts) -> io::Result<Disagreement> {
    'smaller: loop {
        let value: Value = serde_json::from_str(&one.value)?;
        for smaller in random::smaller_values(&value) {
            let text = smaller.to_string();
            let answers = verdicts.ask(&[(number, &text)])?;
            if let Some(what) = answers.first().and_then(|answer| one.trial.disagreement(&text, answer)) {
                one = Disagreement { value: text, what, ..one };
                continue 'smaller;
            }
        }
        return Ok(one);
    }
}
