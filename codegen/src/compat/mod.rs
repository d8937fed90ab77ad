//! Whether a document is compatible with its released versions: what the three entrances share of it.
//!
//! Released versions and settings are read here, and the report for people is made here. What is compatible is decided by
//! [`event_api_spec::compat`].

mod check;
mod config;
mod released;
mod report;
pub mod words;

pub(crate) use check::Check;
pub use check::{CompatError, Incompatible};
pub use config::{CompatConfig, Config, ConfigError, IgnoreEntry, Undecided};
pub use released::{InvalidVersion, Released, ReleasedError, read_released};
pub use report::{Colours, ReportText};

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use event_api_spec::compat::{Comparison, Date, Mode, Scope};
use event_api_spec::schema::Reading;

/// What must hold between versions of a document, and for which of the old ones.
///
/// ```
/// use event_api_codegen::compat::Compat;
///
/// assert_eq!("full-transitive".parse(), Ok(Compat::FullTransitive));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(
    test,
    schemars(description = "What must hold between versions of a document, and for which of the old ones.")
)]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// Programs of the new version can read what programs of the latest old one wrote.
    Backward,
    /// Programs of the latest old version can read what programs of the new one write.
    Forward,
    /// Both.
    Full,
    /// Programs of the new version can read what programs of any old one wrote.
    BackwardTransitive,
    /// Programs of every old version can read what programs of the new one write.
    ForwardTransitive,
    /// Both, for every old version.
    FullTransitive,
}

impl Compat {
    /// All, by their names.
    pub const ALL: [(&'static str, Compat); 6] = [
        ("backward", Compat::Backward),
        ("forward", Compat::Forward),
        ("full", Compat::Full),
        ("backward-transitive", Compat::BackwardTransitive),
        ("forward-transitive", Compat::ForwardTransitive),
        ("full-transitive", Compat::FullTransitive),
    ];

    /// What must hold.
    pub fn mode(self) -> Mode {
        match self {
            Compat::Backward | Compat::BackwardTransitive => Mode::Backward,
            Compat::Forward | Compat::ForwardTransitive => Mode::Forward,
            Compat::Full | Compat::FullTransitive => Mode::Full,
        }
    }

    /// For which of the old versions.
    pub fn scope(self) -> Scope {
        match self {
            Compat::Backward | Compat::Forward | Compat::Full => Scope::Latest,
            Compat::BackwardTransitive | Compat::ForwardTransitive | Compat::FullTransitive => Scope::Transitive,
        }
    }
}

/// A word is none of the modes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no mode `{0}`; it is one of `backward`, `forward`, `full`, each also with `-transitive`")]
pub struct UnknownMode(String);

impl FromStr for Compat {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        let mode = Compat::ALL.iter().find(|(name, _)| *name == text);
        mode.map(|(_, mode)| *mode).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

impl fmt::Display for Compat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Compat::ALL.iter().find(|(_, mode)| mode == self).map_or(Ok(()), |(name, _)| f.write_str(name))
    }
}

/// How documents are compared: what the caller says, and where it says nothing, what the settings file does. Ignore
/// entries are the caller's: it knows which document they are for.
pub fn comparison(mode: Option<Compat>, reading: Option<Reading>, config: Option<&Config>) -> Comparison {
    let mut comparison = Comparison::new();
    if let Some(today) = today() {
        comparison = comparison.today(today);
    }
    let settings = config.map(|config| &config.compat);
    if let Some(mode) = mode.or(settings.and_then(|settings| settings.mode)) {
        comparison = comparison.mode(mode.mode()).scope(mode.scope());
    }
    comparison = comparison.reading(match reading {
        Some(reading) => reading,
        None if settings.is_some_and(|settings| settings.strict) => Reading::AsWritten,
        None => Reading::Declared,
    });
    let levels = settings.into_iter().flat_map(CompatConfig::levels);
    levels.fold(comparison, |comparison, (rule, level)| comparison.level(rule, level))
}

/// The day on which entries expire and sunsets come: today, or for builds that have to be the same on every day the one
/// of `SOURCE_DATE_EPOCH`.
fn today() -> Option<Date> {
    let told = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    date_of(match told {
        Some(seconds) => seconds,
        None => SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs(),
    })
}

/// The day of a number of seconds since 1970, in the Gregorian calendar and in UTC.
fn date_of(seconds: u64) -> Option<Date> {
    // Eras of 400 years, each of 146,097 days, with years that begin in March, so that the odd day is the last one.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_days_of_the_calendar() {
        for (seconds, date) in [
            (0, "1970-01-01"),
            (86_399, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_795_305_600, "2026-11-22"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(date_of(seconds).unwrap().to_string(), date);
        }
        assert_eq!(date_of(u64::MAX), None);
    }

    #[test]
    fn every_mode_has_one_name() {
        for (name, mode) in Compat::ALL {
            assert_eq!((name.parse(), mode.to_string().as_str()), (Ok(mode), name));
        }
    }
}
