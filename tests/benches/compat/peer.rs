//! The other program: built with dependencies of its own, and started for each turn.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use event_api_tests::measure::median;
use serde_json::Value;
use tempfile::NamedTempFile;

pub(super) struct Peer {
    program: PathBuf,
    pairs: NamedTempFile,
    /// Of each pair, the least time of all turns: without and with a counterexample.
    least: Vec<(Duration, Duration)>,
}

impl Peer {
    /// Builds the program, for these pairs. `None`, and a line that says so, where it cannot be built.
    pub(super) fn build(pairs: impl Iterator<Item = Value>) -> io::Result<Option<Self>> {
        let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers/jsoncompat/Cargo.toml");
        // Beside what this benchmark itself was built into.
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("peers");
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--release", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target)
            .status()?;
        if !built.success() {
            println!("skipped: jsoncompat cannot be built here");
            return Ok(None);
        }
        let mut file = NamedTempFile::new()?;
        let mut count = 0;
        for pair in pairs {
            writeln!(file, "{pair}")?;
            count += 1;
        }
        file.flush()?;
        let program = target.join("release/peer-jsoncompat");
        Ok(Some(Peer { program, pairs: file, least: vec![(Duration::MAX, Duration::MAX); count] }))
    }

    /// Lets it judge all pairs, each so many times.
    pub(super) fn turn(&mut self, rounds: usize) -> io::Result<()> {
        let output = Command::new(&self.program)
            .arg(self.pairs.path())
            .arg(rounds.to_string())
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || text.lines().count() != self.least.len() {
            return Err(io::Error::other(format!("jsoncompat failed: {}", output.status)));
        }
        for (line, least) in text.lines().zip(&mut self.least) {
            let mut words = line.split(' ').map(|word| word.parse().map(Duration::from_nanos).unwrap_or(Duration::MAX));
            let mut next = || words.next().unwrap_or(Duration::MAX);
            *least = (least.0.min(next()), least.1.min(next()));
        }
        Ok(())
    }

    /// The median pair.
    pub(super) fn medians(&self) -> (Duration, Duration) {
        let (plain, full) = self.least.iter().copied().unzip();
        (median(plain), median(full))
    }
}
