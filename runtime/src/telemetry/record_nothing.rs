//! Without the feature `metrics`: the same calls as `record.rs`, which record nothing.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub(crate) const IS_ON: bool = false;

pub(crate) fn sent(_: &'static str, _: Duration, _: Option<&'static str>) {}

pub(crate) fn consumed(_: impl Into<Cow<'static, str>>, _: &str) {}

pub(crate) fn attempted(_: impl Into<Cow<'static, str>>, _: &str, _: Duration, _: Option<&'static str>) {}

pub(crate) fn buried(_: impl Into<Cow<'static, str>>, _: &str) {}

pub(crate) fn completed(_: impl Into<Cow<'static, str>>, _: &str, _: DateTime<Utc>) {}

pub(crate) fn caught_up(_: impl Into<Cow<'static, str>>, _: &str) {}

pub(crate) fn behind(_: impl Into<Cow<'static, str>>, _: &str, _: u64) {}

#[cfg(feature = "client")]
pub(crate) fn delivered(_: &str, _: Duration, _: Option<&'static str>) {}
