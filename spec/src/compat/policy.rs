//! What must hold between versions, and what may break all the same: modes, ignore entries, dates.
//!
//! What the documents say about it themselves (`x-compatibility`, `x-stability`, `x-sunset`) is read here as well.

use std::fmt;
use std::str::FromStr;

use super::finding::Direction;
use super::rules::Rule;
use crate::document::Extensions;

/// Which promise must hold between the versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Programs of the new version can read what programs of the old one wrote.
    Backward,
    /// Programs of the old version can read what programs of the new one write.
    Forward,
    /// Both, because a feed keeps old events and consumers lag behind.
    #[default]
    Full,
    /// Nothing: what breaks is said, and fails nothing.
    None,
}

impl Mode {
    /// Whether the mode promises anything to whom `direction` affects. Who breaks in no particular direction breaks in
    /// every mode.
    pub fn demands(self, direction: Option<Direction>) -> bool {
        Promise::of(self).demands(direction)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Backward => "backward",
            Mode::Forward => "forward",
            Mode::Full => "full",
            Mode::None => "none",
        })
    }
}

/// To which of the old versions the promise applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// To the latest.
    #[default]
    Latest,
    /// To all of them: a name that was removed cannot come back as something else.
    Transitive,
}

/// What is promised of a channel or a document by `x-compatibility`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) backward: bool,
    pub(super) forward: bool,
}

impl Promise {
    pub(super) fn of(mode: Mode) -> Self {
        Promise {
            backward: matches!(mode, Mode::Backward | Mode::Full),
            forward: matches!(mode, Mode::Forward | Mode::Full),
        }
    }

    pub(super) fn mode(self) -> Mode {
        match (self.backward, self.forward) {
            (true, true) => Mode::Full,
            (true, false) => Mode::Backward,
            (false, true) => Mode::Forward,
            (false, false) => Mode::None,
        }
    }

    /// What `x-compatibility` says; `None` when it is absent or says something else.
    pub(super) fn written(extensions: &Extensions) -> Option<Self> {
        let (backward, forward) = match extensions.get("x-compatibility")?.as_str()? {
            "full" => (true, true),
            "backward" => (true, false),
            "forward" => (false, true),
            "none" => (false, false),
            _ => return None,
        };
        Some(Promise { backward, forward })
    }

    /// The stronger of both.
    pub(super) fn and(self, other: Self) -> Self {
        Promise { backward: self.backward || other.backward, forward: self.forward || other.forward }
    }

    pub(super) fn demands(self, direction: Option<Direction>) -> bool {
        match direction {
            None => self.backward || self.forward,
            Some(direction) => (self.backward && direction.is_backward()) || (self.forward && direction.is_forward()),
        }
    }
}

/// Whether something was published as a draft.
pub(super) fn is_draft(extensions: &Extensions) -> bool {
    extensions.get("x-stability").and_then(|node| node.as_str()) == Some("draft")
}

/// When something was announced to go.
pub(super) fn sunset(extensions: &Extensions) -> Option<Date> {
    extensions.get("x-sunset")?.as_str()?.parse().ok()
}

/// A day of the calendar.
///
/// ```
/// use event_api_spec::compat::Date;
///
/// let date: Date = "2027-01-31".parse().unwrap();
/// assert!(date < "2027-02-01".parse().unwrap());
/// assert!("2027-02-30".parse::<Date>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// A day; `None` when there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (year <= 9999 && (1..=days).contains(&day)).then_some(Date { year, month, day })
    }
}

/// A text is no date of the form `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDate(String);

impl fmt::Display for InvalidDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no date; write it as 2027-01-31", self.0)
    }
}

impl std::error::Error for InvalidDate {}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let part = |range: std::ops::Range<usize>| {
            text.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let date = || {
            let is_shaped = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
            let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
            is_shaped.then_some(())?;
            Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
        };
        date().ok_or_else(|| InvalidDate(text.to_owned()))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// An entry that accepts findings, with a reason.
///
/// ```
/// use event_api_spec::compat::Ignore;
///
/// let ignore = Ignore::new("message-removed", "/channels/users/**", "nobody subscribed to it, see the logs of March");
/// assert!(ignore.expires.is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ignore {
    /// The id of the rule.
    pub rule: String,
    /// A JSON Pointer: to the place of the finding in the old or the new version, or to the message, operation, channel or
    /// server that it is a part of. `/**` at the end means whatever stands below as well.
    pub pointer: String,
    /// Why it is acceptable.
    pub reason: String,
    /// The last day on which the entry counts.
    pub expires: Option<Date>,
}

impl Ignore {
    /// An entry that does not expire.
    pub fn new(rule: impl Into<String>, pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Ignore { rule: rule.into(), pointer: pointer.into(), reason: reason.into(), expires: None }
    }

    /// Counts until the end of `date` only.
    #[must_use]
    pub fn expires(mut self, date: Date) -> Self {
        self.expires = Some(date);
        self
    }

    pub(super) fn covers(&self, rule: &Rule, pointer: &str) -> bool {
        if self.rule != rule.id {
            return false;
        }
        match self.pointer.strip_suffix("/**") {
            Some(above) => pointer.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            None => self.pointer == pointer,
        }
    }
}

/// An ignore entry that did nothing, which is worth knowing: it is a slip, or its time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnusedIgnore {
    /// Which of the comparison's entries, from 0.
    pub entry: usize,
    /// The entry.
    pub ignore: Ignore,
    /// Why it did nothing.
    pub reason: Unused,
}

/// Why an ignore entry did nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unused {
    /// No finding is what it describes.
    NothingMatches,
    /// It has expired; without that it would still accept something.
    Expired,
    /// There is no such rule.
    UnknownRule {
        /// The rule that was meant, perhaps.
        nearest: Option<&'static str>,
    },
}

impl fmt::Display for Unused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unused::NothingMatches => f.write_str("it matches no finding; remove it"),
            Unused::Expired => f.write_str("it has expired; mend what it ignores, or give it a new date"),
            Unused::UnknownRule { nearest: Some(rule) } => write!(f, "there is no such rule; did you mean `{rule}`?"),
            Unused::UnknownRule { nearest: None } => f.write_str("there is no such rule"),
        }
    }
}
