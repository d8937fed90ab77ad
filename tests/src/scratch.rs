//! A crate of which only the text changes, to measure what the compiler needs for it. What it depends on is built once.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cargo;

/// The crate.
#[derive(Debug)]
pub struct Scratch {
    directory: PathBuf,
}

impl Scratch {
    /// A crate in `directory`, with the runtime and what code by other hands may use.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(directory: &Path) -> io::Result<Self> {
        let directory = directory.join("scratch");
        fs::create_dir_all(directory.join("src"))?;
        let manifest = cargo::package("scratch")?
            + "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\nregress = \"*\"\n\
               chrono = { version = \"0.4\", default-features = false, features = [\"serde\"] }\n\
               uuid = { version = \"1\", features = [\"serde\"] }\n\n[workspace]\n\n[profile.dev]\ndebug = false\n";
        fs::write(directory.join("Cargo.toml"), manifest)?;
        cargo::copy_lock(&directory)?;
        Ok(Scratch { directory })
    }

    /// The seconds of CPU that a command of cargo takes for each of the texts, in turns, the least of several rounds.
    ///
    /// # Errors
    /// When cargo cannot be run, or a text does not compile.
    pub fn costs(&self, texts: &[String], command: &[&str], rounds: usize) -> io::Result<Vec<f64>> {
        let root = self.directory.join("src/lib.rs");
        let mut costs = vec![f64::INFINITY; texts.len()];
        // The first round builds what the crate depends on, too, and is not counted.
        for round in 0..=rounds {
            for (text, cost) in texts.iter().zip(&mut costs) {
                // A comment makes it another text, so that nothing is taken from an earlier build.
                fs::write(&root, format!("{text}\n// {round}\n"))?;
                let before = children_seconds()?;
                let errors = cargo::run(&self.directory, &self.directory.join("target"), command)?;
                if let Some(error) = errors.values().next() {
                    return Err(io::Error::other(error.clone()));
                }
                if round > 0 {
                    *cost = cost.min(children_seconds()? - before);
                }
            }
        }
        Ok(costs)
    }
}

/// User and system time of all processes that this one has waited for.
fn children_seconds() -> io::Result<f64> {
    /// The unit is the same on all of Linux' usual platforms, whatever the kernel's own clock.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    // proc(5): the name of the program is in parentheses and may hold anything; `cutime` and `cstime` are the 14th and
    // 15th field behind it.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let ticks = behind.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / TICKS_PER_SECOND)
}
