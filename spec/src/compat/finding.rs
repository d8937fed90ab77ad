//! What a comparison finds, as values: the fact, who is affected, both places, and events that prove it.
//!
//! Nothing here prints; reports are made of these at the edge.

use std::fmt;

use super::rules::{Level, Rule};
use crate::schema::Witness;
use crate::source::{Location, Pointer};

/// Who reads what somebody else wrote, and cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Programs of the new version meet what programs of the old one wrote: the log, or publishers that lag behind.
    Backward,
    /// Programs of the old version meet what programs of the new one write: consumers that lag behind.
    Forward,
    /// Both.
    Both,
}

impl Direction {
    /// Whether programs of the new version have to cope with the old one.
    pub fn is_backward(self) -> bool {
        self != Direction::Forward
    }

    /// Whether programs of the old version have to cope with the new one.
    pub fn is_forward(self) -> bool {
        self != Direction::Backward
    }

    /// What is affected by either.
    #[must_use]
    pub fn and(self, other: Direction) -> Direction {
        if self == other { self } else { Direction::Both }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Backward => "backward",
            Direction::Forward => "forward",
            Direction::Both => "both",
        })
    }
}

/// A place in one of the two documents.
///
/// Its excerpt is in the sources of that document: `baselines[finding.baseline].loaded.sources` for the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The deepest part that differs; in whatever file it is written.
    pub location: Location,
    /// What is to be seen there: `a string`. May be empty.
    pub text: String,
    /// The message, operation, channel or server that it is a part of.
    pub element: Pointer,
}

/// An event that a writer of one version may send and a reader of the other refuses.
///
/// It is a whole payload (or all headers), checked against the schemas of both versions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Counterexample {
    /// Whose event it is: [`Direction::Forward`] when the new version writes it, [`Direction::Backward`] when the old one
    /// does.
    pub direction: Direction,
    /// The event.
    pub event: Witness,
    /// Why the reader refuses it; never empty.
    pub refusals: Vec<Refusal>,
}

/// One reason for which a reader refuses an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The offending part of the event.
    pub pointer: Pointer,
    /// The keyword of the reader's schema that it breaks: `required`. For Avro, the rule of schema resolution.
    pub keyword: String,
    /// What is wrong with it.
    pub message: String,
}

/// Why a finding does not fail the comparison although its rule would.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accepted {
    /// Somebody ignores it, with a reason.
    Ignored {
        /// Which of the comparison's ignore entries, from 0.
        entry: usize,
        /// Its reason.
        reason: String,
    },
    /// The old version said `x-stability: draft` of it.
    Draft,
    /// Its `x-sunset` has passed, so it may go.
    Sunset {
        /// The date.
        date: super::Date,
    },
    /// `x-compatibility` (of the channel or the document) or the mode does not promise this direction.
    NotPromised,
}

impl fmt::Display for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Accepted::Ignored { reason, .. } => write!(f, "ignored: {reason}"),
            Accepted::Draft => f.write_str("it was a draft (`x-stability: draft`)"),
            Accepted::Sunset { date } => write!(f, "it was announced to go on {date} (`x-sunset`)"),
            Accepted::NotPromised => f.write_str("nothing is promised in this direction"),
        }
    }
}

/// One fact about the change, however many places show it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// Which rule found it.
    pub rule: Rule,
    /// How much it matters: [`Rule::level`] unless the comparison was told otherwise.
    pub level: Level,
    /// Who cannot cope; `None` when the change concerns both versions' programs alike, or none.
    pub direction: Option<Direction>,
    /// What it is about: ``message `NameChanged` of channel `user-events` ``.
    pub subject: String,
    /// What has changed and who breaks, one sentence without a trailing period.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The place in the old version; `None` when there is none, as for what was added.
    pub old: Option<Place>,
    /// The place in the new version; `None` when there is none, as for what was removed.
    pub new: Option<Place>,
    /// Other subjects where the same fact shows.
    pub also: Vec<String>,
    /// Events that prove it, at most one for each direction; those of a payload's incompatibility always have one.
    pub counterexamples: Vec<Counterexample>,
    /// Which old version was compared: the index of the baseline.
    pub baseline: usize,
    /// Other baselines against which the same was found.
    pub also_baselines: Vec<usize>,
    /// Why it does not fail the comparison although its rule would.
    pub accepted: Option<Accepted>,
}

impl Finding {
    /// Whether the comparison fails because of it: it is breaking or undecided, and nothing accepts it.
    pub fn fails(&self) -> bool {
        self.level != Level::Notice && self.accepted.is_none()
    }
}
