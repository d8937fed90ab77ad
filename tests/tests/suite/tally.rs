//! Right and wrong by run and file, and the comparison with what is known to be wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// What is wrong with a case.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// The type's verdict, or there is none.
    Verdict(String),
    /// The verdict is right; what is written of the value is not.
    RoundTrip(String),
}

/// The numbers of one file in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    cases: usize,
    wrong: usize,
    lost: usize,
}

/// The numbers of all.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The runs in their order, and the files of each by name.
    runs: Vec<(String, BTreeMap<String, Count>)>,
    details: Vec<String>,
}

impl Tally {
    /// Adds a case.
    pub(crate) fn count(&mut self, run: &str, file: &str, what: &str, wrong: Option<Wrong>) {
        if self.runs.last().is_none_or(|(last, _)| last != run) {
            self.runs.push((run.to_owned(), BTreeMap::new()));
        }
        let Some((_, files)) = self.runs.last_mut() else { return };
        let count = files.entry(file.to_owned()).or_default();
        count.cases += 1;
        let why = match &wrong {
            None => return,
            Some(Wrong::Verdict(why)) => {
                count.wrong += 1;
                why.clone()
            }
            Some(Wrong::RoundTrip(why)) => {
                count.lost += 1;
                format!("round trip: {why}")
            }
        };
        self.details.push(format!("{run} / {file} / {what} / {}", why.lines().next().unwrap_or_default()));
    }

    /// The table; and every wrong case when that is asked for.
    pub(crate) fn print(&self) {
        if std::env::var_os("EVENT_API_SUITE_REPORT").is_some() {
            self.details.iter().for_each(|line| println!("{line}"));
        }
        println!("{:16} {:28} {:>6} {:>6} {:>6} {:>11}", "run", "file", "cases", "right", "wrong", "round trip");
        for (run, files) in &self.runs {
            let mut sum = Count::default();
            for (file, count) in files {
                line(run, file, *count);
                sum.cases += count.cases;
                sum.wrong += count.wrong;
                sum.lost += count.lost;
            }
            line(run, "all", sum);
            println!("{run}: {:.1} % right", 100.0 * (sum.cases - sum.wrong) as f64 / sum.cases.max(1) as f64);
        }
    }

    /// Compares with the file of known faults: lines of a run, a file, and how many verdicts and round trips are wrong.
    /// Without the file nothing may be wrong.
    ///
    /// # Panics
    /// When more is wrong than is known.
    pub(crate) fn compare(&self, known: &Path) -> io::Result<()> {
        if std::env::var_os("EVENT_API_BLESS").is_some() {
            return self.bless(known);
        }
        let text = match fs::read_to_string(known) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let mut allowed = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [run, file, wrong, lost] = fields.as_slice() else {
                return Err(io::Error::other(format!("not a line of known faults: {line}")));
            };
            let number = |text: &str| text.parse::<usize>().map_err(io::Error::other);
            allowed.insert((*run, *file), (number(wrong)?, number(lost)?));
        }
        let mut worse = Vec::new();
        for (run, files) in &self.runs {
            for (file, count) in files {
                let (wrong, lost) = allowed.remove(&(run.as_str(), file.as_str())).unwrap_or_default();
                if count.wrong > wrong || count.lost > lost {
                    let known = format!("known are {wrong} and {lost}");
                    worse.push(format!(
                        "{run}, {file}: {} verdicts and {} round trips are wrong; {known}",
                        count.wrong, count.lost
                    ));
                } else if count.wrong < wrong || count.lost < lost {
                    println!("better than known: {run}, {file}; EVENT_API_BLESS=1 keeps it so");
                }
            }
        }
        assert!(worse.is_empty(), "EVENT_API_SUITE_REPORT=1 says more:\n{}", worse.join("\n"));
        Ok(())
    }

    fn bless(&self, known: &Path) -> io::Result<()> {
        let mut text = String::from("# run, file, wrong verdicts, wrong round trips\n");
        for (run, files) in &self.runs {
            for (file, count) in files.iter().filter(|(_, count)| count.wrong > 0 || count.lost > 0) {
                text.push_str(&format!("{run}\t{file}\t{}\t{}\n", count.wrong, count.lost));
            }
        }
        fs::write(known, text)
    }
}

fn line(run: &str, file: &str, count: Count) {
    let right = count.cases - count.wrong;
    println!("{run:16} {file:28} {:>6} {right:>6} {:>6} {:>11}", count.cases, count.wrong, count.lost);
}
