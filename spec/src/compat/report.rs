//! What a comparison comes to: findings, a verdict, the version that the change needs, and what to deploy first.

use std::fmt;

use super::finding::Finding;
use super::policy::{Mode, Scope, UnusedIgnore};
use super::rules::{Bump, Level};
use crate::schema::Reading;

/// What came of comparing a document with earlier versions of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// What had to hold: as the comparison says, else as the document does (`x-compatibility`), else [`Mode::Full`].
    pub mode: Mode,
    /// For which of the old versions.
    pub scope: Scope,
    /// What writers were taken to send.
    pub reading: Reading,
    /// The old versions that were compared, oldest first, with the indices that findings use.
    pub baselines: Vec<BaselineInfo>,
    /// `info.version` of the new version.
    pub new_version: String,
    /// What was found, the worst first, then in the order of the text.
    pub findings: Vec<Finding>,
    /// The least bump of `info.version` that the change needs, seen from the latest old version.
    pub required_bump: Bump,
    /// How `info.version` was bumped since then; `None` when either is no semantic version, or there is no old version.
    pub declared_bump: Option<Bump>,
    /// What to deploy first.
    pub deploy: DeployOrder,
    /// Ignore entries that did nothing.
    pub unused_ignores: Vec<UnusedIgnore>,
}

/// An old version that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaselineInfo {
    /// What the caller calls it: a path or a git ref.
    pub name: String,
    /// Its `info.version`.
    pub version: String,
    /// Whether it was compared: all but the latest are left out unless the scope is [`Scope::Transitive`].
    pub is_compared: bool,
}

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Whatever had to hold holds.
    Compatible,
    /// It does not, and there is proof.
    Incompatible,
    /// It could not be decided whether it does; see [`Level::Unknown`].
    Undecided,
}

/// What has to be deployed first for nothing to break on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeployOrder {
    /// It does not matter.
    #[default]
    AnyOrder,
    /// Consumers, because those of the old version cannot read new events.
    ConsumersFirst,
    /// Publishers, because consumers of the new version cannot read old events.
    PublishersFirst,
    /// No order helps: consumers of either version cannot read events of the other. Publish under a new name beside the
    /// old, move the consumers, then remove the old.
    Impossible,
}

impl fmt::Display for DeployOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DeployOrder::AnyOrder => "in any order",
            DeployOrder::ConsumersFirst => "consumers first",
            DeployOrder::PublishersFirst => "publishers first",
            DeployOrder::Impossible => "no order works",
        })
    }
}

impl Report {
    /// The verdict of all findings that are not accepted.
    pub fn verdict(&self) -> Outcome {
        let failing = || self.findings.iter().filter(|finding| finding.fails());
        if failing().any(|finding| finding.level == Level::Breaking) {
            Outcome::Incompatible
        } else if failing().next().is_some() {
            Outcome::Undecided
        } else {
            Outcome::Compatible
        }
    }

    /// The findings because of which the comparison fails.
    pub fn failing(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.fails())
    }
}
