//! `compat` of documents as a user runs it: versions in files, in git and in a folder; every format; the settings file; and
//! what `docs/ci.md` tells to put into CI.

// Clippy lets only test functions unwrap; here it is their tools that do.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod catalogue;
mod ci;
mod git;
mod project;
mod settings;
mod validators;
mod versions;
