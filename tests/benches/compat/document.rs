//! The largest document of the collection that loads, compared with a changed copy of itself, against parsing both.

use std::path::{Path, PathBuf};
use std::{fs, io};

use event_api_spec::compat::{Baseline, Comparison};
use event_api_spec::{Loaded, Loader};
use event_api_tests::corpus;
use event_api_tests::measure::{compare, ratio};

const ROUNDS: usize = 11;
/// A comparison may take twice the time of parsing both.
const ALLOWED: f64 = 2.0;
/// Of the places that could be changed, one in so many is.
const CHANGED: usize = 25;

pub(super) fn measure() -> io::Result<()> {
    let Some(folder) = corpus::directory() else {
        println!("skipped: no collection of documents; name its folder in EVENT_API_CORPUS");
        return Ok(());
    };
    let Some(path) = largest(&folder)? else { return Ok(()) };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(&path)?;
    let changed = change(&text);
    let load = |text: &str| Loader::new().load_text(&name, text);
    let (old, new) = (load(&text), load(&changed));
    let judge = |old: &Loaded, new: &Loaded| Comparison::new().compare(&[Baseline::new("old", old)], new);
    let (parsing, comparing) = compare(ROUNDS, || (load(&text), load(&changed)), || judge(&old, &new));
    let findings = judge(&old, &new).map(|report| report.findings.len()).unwrap_or_default();
    println!("{name}, {} bytes: comparing {comparing:?} ({findings} findings), parsing both {parsing:?}", text.len());
    println!("ratio compat-document {:.2} bar 1.00", ALLOWED * ratio(parsing, comparing));
    Ok(())
}

fn largest(folder: &Path) -> io::Result<Option<PathBuf>> {
    let mut files: Vec<(u64, PathBuf)> = corpus::entries(folder)?
        .iter()
        .filter_map(|entry| {
            let path = folder.join(&entry.file);
            Some((fs::metadata(&path).ok()?.len(), path))
        })
        .collect();
    files.sort_unstable();
    let usable = |path: &PathBuf| {
        let loaded = Loader::new().load(path);
        Comparison::new().compare(&[Baseline::new("old", &loaded)], &loaded).is_ok()
    };
    Ok(files.into_iter().rev().map(|(_, path)| path).find(usable))
}

/// Some texts become numbers, in JSON or in YAML.
fn change(text: &str) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut rest = text;
    let mut seen = 0;
    let places = [r#""type": "string""#, r#""type":"string""#, "type: string"];
    while let Some((at, place)) =
        places.iter().filter_map(|place| Some((rest.find(place)?, *place))).min_by_key(|(at, _)| *at)
    {
        let (before, after) = rest.split_at(at);
        changed.push_str(before);
        seen += 1;
        match seen % CHANGED {
            0 => changed.push_str(&place.replace("string", "integer")),
            _ => changed.push_str(place),
        }
        rest = &after[place.len()..];
    }
    changed + rest
}
