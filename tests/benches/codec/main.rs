//! Reading and writing JSON with generated types, against the same types written by hand with serde's derives
//! (`by_hand.rs`). Both read and write the same texts (`samples.rs`).
//!
//! `cargo bench -p event-api-tests --bench codec` prints `ratio NAME VALUE bar BAR`; larger is better.
//! `cargo bench -p event-api-tests --bench codec -- NAME…` measures only what has one of the words in its name.

#![allow(clippy::print_stdout, reason = "a benchmark that prints what it measured")]

mod by_hand;
mod samples;

use std::fmt::Debug;

use event_api_tests::measure::{fastest, ratio};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What is generated from `documents/codec.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/codec.rs"));
}

/// What both must reach: generated code is nearly as fast, where it is not faster.
const BAR: f64 = 0.95;

/// Batches of each, of which the fastest counts: it was disturbed least.
const ROUNDS: usize = 1500;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let bench = Bench { wanted };
    bench.run::<api::Flat, by_hand::Flat>("flat", &as_written::<by_hand::Flat>(&samples::flat()));
    bench.run::<api::Flat, by_hand::Flat>("flat-any-order", &samples::flat());
    bench.run::<api::Nested, by_hand::Nested>("nested", &as_written::<by_hand::Nested>(&samples::nested()));
    bench.run::<api::Checked, by_hand::Checked>("checked", &as_written::<by_hand::Checked>(&samples::checked()));
    bench.run::<api::Tagged, by_hand::Tagged>("tag-first", &samples::tag_first());
    bench.run::<api::Tagged, by_hand::Tagged>("tag-last", &samples::tag_last());
    bench.run::<api::Adjacent, by_hand::Adjacent>("adjacent", &as_written::<by_hand::Adjacent>(&samples::adjacent()));
    bench.run::<api::Kinds, by_hand::Kinds>("kinds", &as_written::<by_hand::Kinds>(&samples::kinds()));
    bench.run::<api::Sparse, by_hand::Sparse>("sparse", &as_written::<by_hand::Sparse>(&samples::sparse()));
    bench.run::<api::Integers, by_hand::Integers>("integers", &samples::integers());
    bench.run::<api::Counters, by_hand::Counters>("counters", &samples::counters());
    bench.run::<api::Directory, by_hand::Directory>(
        "directory",
        &as_written::<by_hand::Directory>(&samples::directory()),
    );
}

/// Texts with their members in the order in which programs write them: that of the document.
fn as_written<H: Serialize + DeserializeOwned + Debug>(texts: &[String]) -> Vec<String> {
    write_all(&read::<H>(texts))
}

struct Bench {
    wanted: Vec<String>,
}

impl Bench {
    fn run<G, H>(&self, name: &str, texts: &[String])
    where
        G: Serialize + DeserializeOwned + Debug,
        H: Serialize + DeserializeOwned + Debug,
    {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            return;
        }
        let generated: Vec<G> = read(texts);
        let by_hand: Vec<H> = read(texts);
        // Both must mean the same, or the comparison means nothing.
        for (text, (generated, by_hand)) in texts.iter().zip(generated.iter().zip(&by_hand)) {
            let value: Value = parse(text);
            assert_eq!(parse::<Value>(&write(generated)), value, "{generated:?}");
            assert_eq!(parse::<Value>(&write(by_hand)), value, "{by_hand:?}");
        }

        let (hand, ours) = fastest(ROUNDS, || read::<H>(texts), || read::<G>(texts));
        println!("{name}: read in {ours:?}, by hand in {hand:?}");
        println!("ratio codec-{name}-read {:.2} bar {BAR}", ratio(hand, ours));
        let (hand, ours) = fastest(ROUNDS, || write_all(&by_hand), || write_all(&generated));
        println!("{name}: written in {ours:?}, by hand in {hand:?}");
        println!("ratio codec-{name}-write {:.2} bar {BAR}", ratio(hand, ours));
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn write<T: Serialize + Debug>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| panic!("{value:?}: {error}"))
}

fn read<T: DeserializeOwned>(texts: &[String]) -> Vec<T> {
    texts.iter().map(|text| parse(text)).collect()
}

fn write_all<T: Serialize + Debug>(values: &[T]) -> Vec<String> {
    values.iter().map(write).collect()
}
