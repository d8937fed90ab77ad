//! Right and wrong by run and file.

use std::collections::BTreeMap;

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
    /// What is wrong, a line a case, and whether an exception excuses it.
    details: Vec<(String, bool)>,
}

impl Tally {
    /// Adds a case. What is wrong counts as wrong, excused or not.
    pub(crate) fn count(&mut self, run: &str, file: &str, what: &str, wrong: Option<Wrong>, is_excused: bool) {
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
        let line = format!("{run} / {file} / {what} / {}", why.lines().next().unwrap_or_default());
        self.details.push((line, is_excused));
    }

    /// The table; and every wrong case when that is asked for.
    pub(crate) fn print(&self) {
        if std::env::var_os("EVENT_API_SUITE_REPORT").is_some() {
            self.details.iter().for_each(|(line, _)| println!("{line}"));
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

    /// The cases that are wrong and must not be.
    pub(crate) fn inexcusable(&self) -> Vec<&str> {
        self.details.iter().filter(|(_, is_excused)| !is_excused).map(|(line, _)| line.as_str()).collect()
    }
}

fn line(run: &str, file: &str, count: Count) {
    let right = count.cases - count.wrong;
    println!("{run:16} {file:28} {:>6} {right:>6} {:>6} {:>11}", count.cases, count.wrong, count.lost);
}
