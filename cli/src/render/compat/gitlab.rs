//! For merge requests: a code quality report of GitLab, a list of findings with fingerprints.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::{Fact, Fingerprints, Weight, fnv};
use crate::compat::{Fault, Results};

pub(crate) fn gitlab(results: &Results, out: &mut impl Write) -> io::Result<()> {
    let mut fingerprints = Fingerprints::default();
    let mut list: Vec<Value> = results.faults.iter().map(fault).collect();
    for compared in &results.compared {
        list.extend(Fact::all(compared).map(|fact| entry(fact, &mut fingerprints)));
    }
    serde_json::to_writer_pretty(&mut *out, &list)?;
    writeln!(out)
}

fn entry(fact: Fact<'_>, fingerprints: &mut Fingerprints) -> Value {
    let severity = match fact.weight() {
        Weight::Breaking => "critical",
        Weight::Undecided => "major",
        Weight::Notice | Weight::Accepted => "info",
    };
    let spot = fact.annotated();
    json!({
        "description": fact.text(),
        "check_name": fact.finding.rule.id,
        "fingerprint": fingerprints.of(fact),
        "severity": severity,
        "location": { "path": relative(spot.path), "lines": { "begin": spot.start.line } },
    })
}

fn fault(fault: &Fault) -> Value {
    json!({
        "description": fault.message,
        "check_name": "not-compared",
        "fingerprint": format!("{:016x}", fnv(&format!("not-compared\0{}", fault.path.display()))),
        "severity": "blocker",
        "location": { "path": relative(&fault.path), "lines": { "begin": 1 } },
    })
}

/// GitLab does not know paths that begin with `./`.
fn relative(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).to_string_lossy().into_owned()
}
