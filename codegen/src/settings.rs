//! What a user may choose about the generated code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::compat::Compat;

/// Options of a generation. All have defaults; see the methods of [`crate::Generator`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) side: Side,
    pub(crate) unknown_events: UnknownEvents,
    pub(crate) exact: bool,
    /// What relative paths are relative to.
    pub(crate) folder: PathBuf,
    pub(crate) remote_hosts: Vec<String>,
    /// URL prefix → folder that is read instead.
    pub(crate) mirrors: Vec<(String, PathBuf)>,
    /// Schema pointer or type name → path of the user's own type.
    pub(crate) replace: BTreeMap<String, String>,
    /// Schema pointer or type name → the name to use.
    pub(crate) rename: BTreeMap<String, String>,
    /// Schema pointer, type name or `*` → paths of further derives.
    pub(crate) derive: BTreeMap<String, Vec<String>>,
    /// Schema pointer, type name or `*` → further attributes, without `#[…]`.
    pub(crate) attr: BTreeMap<String, Vec<String>>,
    /// `format` → path of the user's own type.
    pub(crate) formats: BTreeMap<String, String>,
    /// Schema pointers, type names or `*`: string enums that take other values.
    pub(crate) open_enums: BTreeSet<String>,
    /// Schema pointers, type names or `*`: structs that keep members which the document does not name.
    pub(crate) keep_unknown: BTreeSet<String>,
    /// The released version to compare with, or a folder of them.
    pub(crate) baseline: Option<PathBuf>,
    /// What must hold between versions.
    pub(crate) compat: Option<Compat>,
}

/// An option that names nothing in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnusedOption {
    /// `replace`, `rename`, `derive`, `attr`, `format`, `open_enum` or `keep_unknown`.
    pub option: &'static str,
    /// What it names.
    pub name: String,
}

/// Which half of the contract to generate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Publisher and handler traits.
    #[default]
    Both,
    /// Only what publishes.
    Publisher,
    /// Only what handles.
    Consumer,
}

/// What the generated enums do with an event type that the document does not declare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownEvents {
    /// An `Unknown` variant keeps it, and the handler's `unknown` method (which skips by default) gets it.
    #[default]
    Keep,
    /// It does not decode; the consumer makes it a dead letter.
    Refuse,
}
