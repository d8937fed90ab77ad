//! Without the feature `metrics`: the same calls as `record.rs`, which record nothing.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub(crate) const IS_ON: bool = false;

pub(crate) fn sent(_: &'static str, _: Duration, _: Option<&'static str>) {}

pub(crate) struct Consuming;

impl Consuming {
    pub(crate) fn of(_: impl Into<Cow<'static, str>>, _: &str) -> Self {
        Consuming
    }

    pub(crate) fn consumed(&self) {}

    pub(crate) fn attempt(&self) -> Attempt {
        Attempt
    }

    pub(crate) fn attempted(&self, _: &Attempt, _: Option<&'static str>) {}

    pub(crate) fn buried(&self) {}
}

pub(crate) struct Attempt;

pub(crate) struct Lag;

impl Lag {
    pub(crate) fn of(_: &'static str, _: &str) -> Self {
        Lag
    }

    pub(crate) fn take(&self, _: DateTime<Utc>) -> Pending {
        Pending
    }

    pub(crate) fn beyond(&self, _: u64) {}
}

pub(crate) struct Pending;

#[cfg(feature = "client")]
pub(crate) fn delivered(_: &str, _: Duration, _: Option<&'static str>) {}
