//! Real documents: the values are those that a reader of other descent finds, and the spans point at them.

use std::path::{Path, PathBuf};

use super::{excerpt, try_read};
use crate::source::{Node, Value};

/// The folder with real documents, if this machine has it.
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("EVENT_API_CORPUS")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"));
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpus at {}", folder.display());
    None
}

/// Every YAML and JSON text of the corpus, with its path.
fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|e| extension == *e))
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                found.push((path, text));
            }
        }
    }
    found.sort();
    found
}

/// Where the two may differ, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("more than one document", "the first of several documents is read here, with a warning"),
    ("asyncapi-adeo.yml", "a block scalar that ends a file without a line break: `|` keeps one by YAML 1.2"),
    ("adeo-kafka-request-reply-asyncapi.yml", "the same"),
    ("invalid-asyncapi-with-ref-with-line-break", "YAML 1.2 wants continuation lines of quoted scalars indented"),
];

#[test]
fn values_are_those_of_another_reader() {
    let Some(folder) = corpus() else { return };
    let mut differing = Vec::new();
    let texts = texts(&folder);
    assert!(texts.len() > 800, "{}", texts.len());
    for (path, text) in &texts {
        let (tree, found) = try_read(text);
        let path = path.strip_prefix(&folder).unwrap().display();
        let oracle = if path.to_string().ends_with(".json") {
            serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| error.to_string())
        } else {
            serde_yaml::from_str::<serde_yaml::Value>(text)
                .and_then(|mut value| value.apply_merge().map(|()| value))
                .map(|value| plain_json(&value))
                .map_err(|error| error.to_string())
        };
        match (tree, oracle) {
            (Some(tree), Ok(oracle)) if tree.to_json() == oracle => {}
            (None, Err(_)) => {}
            (Some(_), Ok(_)) => differing.push(format!("{path}: other values")),
            (Some(_), Err(error)) => differing.push(format!("{path}: only this reader reads it: {error}")),
            (None, Ok(_)) => differing.push(format!("{path}: refused: {found:?}")),
        }
    }
    differing.retain(|line| !EXCEPTIONS.iter().any(|(part, _)| line.contains(part)));
    assert_eq!(differing, Vec::<String>::new());
}

#[test]
fn spans_point_at_what_was_read() {
    let Some(folder) = corpus() else { return };
    for (path, text) in texts(&folder) {
        if let Some(tree) = try_read(&text).0 {
            // Values that came through an alias stand elsewhere.
            check(&text, &tree, !text.contains('&')).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        }
    }
}

fn check(text: &str, node: &Node, nested: bool) -> Result<(), String> {
    let written = excerpt(text, node);
    let inside = |inner: crate::source::Span| !nested || (node.span.start <= inner.start && inner.end <= node.span.end);
    let fits = match &node.value {
        Value::Null => written.is_empty() || written == "~" || written.eq_ignore_ascii_case("null"),
        Value::Bool(value) => written.eq_ignore_ascii_case(&value.to_string()),
        Value::Number(number) => written == number.as_str() || written.starts_with(['0', '+', '.']),
        Value::String(value) => {
            let quoted = written.len() >= 2 && written.starts_with(['"', '\'']) && written.ends_with(['"', '\'']);
            let first = |text: &str| text.split_whitespace().next().map(str::to_owned);
            quoted || first(written) == first(value)
        }
        Value::Array(items) => {
            for item in items {
                check(text, item, nested)?;
                if !inside(item.span) {
                    return Err(format!("{:?} is outside of {:?}", item.span, node.span));
                }
            }
            written.starts_with(['[', '-']) || !nested
        }
        Value::Object(object) => {
            for (key, value) in object.iter() {
                let name = &text[key.span.start as usize..key.span.end as usize];
                if !(name == key.name || name.starts_with(['"', '\''])) {
                    return Err(format!("key {} at {name}", key.name));
                }
                check(text, value, nested)?;
                if !inside(value.span) || !inside(key.span) {
                    return Err(format!("{} at {:?} is outside of {:?}", key.name, value.span, node.span));
                }
            }
            true
        }
    };
    if fits { Ok(()) } else { Err(format!("{} at {written:?}", node.kind())) }
}

/// The oracle's value as JSON, keys as their texts.
fn plain_json(value: &serde_yaml::Value) -> serde_json::Value {
    use serde_yaml::Value::{Bool, Mapping, Null, Number, Sequence, String, Tagged};
    match value {
        Null => serde_json::Value::Null,
        Bool(value) => (*value).into(),
        Number(number) => serde_json::from_str(&number.to_string()).unwrap_or_default(),
        String(text) => text.as_str().into(),
        Sequence(items) => items.iter().map(plain_json).collect(),
        Mapping(members) => members
            .iter()
            .map(|(key, value)| {
                let key = match plain_json(key) {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                (key, plain_json(value))
            })
            .collect(),
        Tagged(tagged) => plain_json(&tagged.value),
    }
}

/// Run by hand, in a release build: `cargo test --release -p event-api-spec --lib speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn reading_speed() {
    let Some(folder) = corpus() else { return };
    for file in [
        "real/unfoldedcircle__core-api/core-api/websocket/UCR-core-asyncapi.yaml",
        "real/tyrumai__tyrum/specs/asyncapi.json",
    ] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let best = |run: &dyn Fn()| {
            let times = (0..15).map(|_| {
                let start = std::time::Instant::now();
                run();
                start.elapsed()
            });
            times.min().unwrap()
        };
        let ours = best(&|| drop(try_read(&text)));
        let theirs = best(&|| drop(serde_yaml::from_str::<serde_yaml::Value>(&text)));
        println!(
            "{file}: {ours:?} here, {theirs:?} serde_yaml, {:.2} times",
            ours.as_secs_f64() / theirs.as_secs_f64()
        );
    }
}
