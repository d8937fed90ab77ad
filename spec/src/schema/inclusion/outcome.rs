//! What a search can come to.

use std::fmt;

use super::sample::Shared;

/// What came of looking for a value that fulfils a goal.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// There is one: this.
    Found(Shared),
    /// There is none, proved.
    Empty,
    /// Neither a value nor a proof was found.
    Unknown(Reason),
}

/// What several ways of finding a value come to together.
#[derive(Debug, Default)]
pub(super) struct Ways {
    open: Option<Reason>,
}

impl Ways {
    /// Takes what one more way came to; the outcome of all when no other can change it.
    pub(super) fn add(&mut self, outcome: Outcome) -> Option<Outcome> {
        match outcome {
            Outcome::Found(_) => Some(outcome),
            Outcome::Empty => None,
            Outcome::Unknown(reason) => {
                let is_last = reason.ends_search();
                self.open = Some(reason);
                is_last.then(|| self.outcome())
            }
        }
    }

    /// Takes a way that was left open.
    pub(super) fn leave_open(&mut self, reason: Reason) {
        self.open = Some(reason);
    }

    /// What they came to when none found a value.
    pub(super) fn outcome(&self) -> Outcome {
        self.open.clone().map_or(Outcome::Empty, Outcome::Unknown)
    }
}

/// The same for parts of a value.
#[derive(Clone, Debug)]
pub(super) enum Leaf<T> {
    Found(T),
    Empty,
    Unknown(Reason),
}

/// Why a question was left open.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The search took more steps than it may.
    TooManySteps,
    /// A list of alternatives, of patterns of names, or of members that must exist, is too long to go through.
    TooManyAlternatives,
    /// Regular expressions together have too many states.
    TooManyStates,
    /// The schemas are nested too deeply.
    TooDeep,
    /// A counterexample would have to be larger than is reasonable.
    TooLarge,
    /// A regular expression that no automaton can decide (back references, most look-around), or one too large.
    Pattern(String),
    /// Numbers of too many digits, or too far apart.
    Numbers,
    /// A reference that leads nowhere.
    UnresolvedReference(String),
    /// A keyword whose interplay with others is not decided.
    Keyword(&'static str),
    /// A schema refers to itself without going deeper into the value, which JSON Schema gives no meaning.
    EndlessReference,
    /// A counterexample was found, but the validator does not confirm it: the match of a regular expression could take
    /// too long, or a schema refers to itself without going deeper into the value.
    Unconfirmed,
}

impl Reason {
    /// Whether nothing else is looked at then.
    fn ends_search(&self) -> bool {
        matches!(self, Reason::TooManySteps | Reason::TooDeep)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::TooManySteps => f.write_str("there are too many combinations to go through"),
            Reason::TooManyAlternatives => f.write_str("there are too many alternatives to go through"),
            Reason::TooManyStates => f.write_str("regular expressions are too large to be compared"),
            Reason::TooDeep => f.write_str("the schemas are nested too deeply"),
            Reason::TooLarge => f.write_str("a counterexample would have to be unreasonably large"),
            Reason::Pattern(pattern) => write!(f, "the regular expression `{pattern}` cannot be decided"),
            Reason::Numbers => f.write_str("numbers have too many digits or are too far apart"),
            Reason::UnresolvedReference(reference) => write!(f, "the reference `{reference}` leads nowhere"),
            Reason::Keyword(keyword) => write!(f, "`{keyword}` depends here on what other keywords have evaluated"),
            Reason::EndlessReference => {
                f.write_str("a schema refers to itself without going deeper into the value, which has no meaning")
            }
            Reason::Unconfirmed => f.write_str("a counterexample was found, but the validator cannot confirm it"),
        }
    }
}
