//! What a process says to the driver: one line for one fact, on its standard output.
//!
//! A line is written whole or not at all, and outlives the process in the pipe. So what was acknowledged is known even if
//! the process was killed right after it, and the lines of one process are in the order of its facts.

use std::fmt;
use std::io::Write as _;
use std::str::FromStr;

/// A fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// These events are about to be appended; nobody was told of them before.
    Intend(Vec<String>),
    /// The log has acknowledged these; at which positions, if it said so.
    Acknowledge(Vec<(String, Option<u64>)>),
    /// A handler without a transaction was called.
    Handled { id: String, position: u64 },
}

impl Line {
    /// Says it.
    pub(crate) fn say(&self) -> std::io::Result<()> {
        std::io::stdout().lock().write_all(format!("{self}\n").as_bytes())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Intend(ids) => write!(f, "intend {}", ids.join(" ")),
            Line::Acknowledge(receipts) => {
                f.write_str("acknowledge")?;
                receipts.iter().try_for_each(|(id, position)| match position {
                    Some(position) => write!(f, " {id}@{position}"),
                    None => write!(f, " {id}"),
                })
            }
            Line::Handled { id, position } => write!(f, "handled {id}@{position}"),
        }
    }
}

impl FromStr for Line {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let unknown = || format!("a process said {line:?}, which is no fact");
        let (fact, rest) = line.split_once(' ').ok_or_else(unknown)?;
        let at = |text: &str| match text.split_once('@') {
            Some((id, position)) => Ok((id.to_owned(), Some(position.parse().map_err(|_| unknown())?))),
            None => Ok((text.to_owned(), None)),
        };
        match fact {
            "intend" => Ok(Line::Intend(rest.split(' ').map(str::to_owned).collect())),
            "acknowledge" => rest.split(' ').map(at).collect::<Result<_, _>>().map(Line::Acknowledge),
            "handled" => match at(rest)? {
                (id, Some(position)) => Ok(Line::Handled { id, position }),
                _ => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }
}
