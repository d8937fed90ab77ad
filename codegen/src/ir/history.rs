//! Several versions of a document side by side: which types they share, and how events of earlier ones become events of
//! the newest.

use std::collections::{BTreeMap, BTreeSet};

use super::{DefinitionId, Type};

/// A module that stands beside those of other versions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Module {
    /// What it is called: `v1`.
    pub(crate) name: String,
    /// Which of the versions it is.
    pub(crate) version: usize,
    /// All versions, the oldest first.
    pub(crate) versions: Vec<Version>,
    /// The definitions that a later version has as well, and that are its types.
    pub(crate) reused: BTreeMap<DefinitionId, Reused>,
    /// For each event set of the newest version, the events of earlier versions that differ.
    pub(crate) events: Vec<Vec<EarlierEvent>>,
    /// For each event set of the newest version and each of its events, the earlier versions that declare it.
    pub(crate) declared: Vec<Vec<Vec<usize>>>,
    /// Conversions that are written out: of types in which only other types differ.
    pub(crate) upcasts: Vec<UpcastImpl>,
    /// What a later version says of the definitions that are its types, too.
    pub(crate) said_later: SaidOfTypes,
}

/// What a module says of the types of its messages. It is said of a type once.
#[derive(Clone, Debug, Default)]
pub(crate) struct SaidOfTypes {
    /// Those that say which event they are (`impl Event`).
    pub(crate) events: BTreeSet<DefinitionId>,
    /// Those that say what answers them (`impl Request`).
    pub(crate) requests: BTreeSet<DefinitionId>,
    /// Those that have a correlation id (`correlation_id()`).
    pub(crate) correlation_ids: BTreeSet<DefinitionId>,
}

/// A type of another module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reused {
    /// The module's name.
    pub(crate) module: String,
    /// The type's name there.
    pub(crate) name: String,
}

/// One of the versions.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// `info.version`
    pub(crate) number: String,
    /// What its module is called.
    pub(crate) module: String,
    /// What its definitions are called, by their ids.
    pub(crate) names: Vec<String>,
}

/// A type of one of the versions, which are counted from the oldest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeOf<T = Type> {
    /// Which version.
    pub(crate) version: usize,
    /// The type there.
    pub(crate) ty: T,
}

/// An event as an earlier version declares it, and how it becomes one of this version.
#[derive(Clone, Debug)]
pub(crate) struct EarlierEvent {
    /// Which version.
    pub(crate) version: usize,
    /// Which event of the set.
    pub(crate) event: usize,
    /// The payload to read; `None` when nothing of it is needed.
    pub(crate) payload: Option<Type>,
    /// The headers to read; `None` when none are needed.
    pub(crate) headers: Option<EarlierHeaders>,
    /// Steps from one version to the next that make the payload.
    pub(crate) payload_steps: Vec<Conversion>,
    /// Steps that make the headers.
    pub(crate) header_steps: Vec<Conversion>,
}

/// The headers that an event has in an earlier version.
#[derive(Clone, Debug)]
pub(crate) enum EarlierHeaders {
    /// As they were declared.
    Declared(Type),
    /// None were declared, and this version asks for some: as they came.
    Raw,
}

/// How a value becomes one of a later version.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Conversion {
    /// The types are one.
    Same,
    /// `Upcast` of the type does it: one that is written out, or one that the compiler asks for.
    Upcast {
        /// What it is.
        from: TypeOf,
        /// What it becomes.
        to: TypeOf,
    },
    /// Each item.
    List(Box<Conversion>),
    /// Each value.
    Map(Box<Conversion>),
    /// What is there.
    Nullable(Box<Conversion>),
    /// Each at its place.
    Tuple(Vec<Conversion>),
    /// In or out of a box.
    Boxed { from: Boxing, to: Boxing, inner: Box<Conversion> },
}

/// Whether a value is in a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boxing {
    /// It is.
    Boxed,
    /// It is not.
    Plain,
}

/// `impl Upcast<Old> for New`, member by member.
#[derive(Clone, Debug)]
pub(crate) struct UpcastImpl {
    /// The type of the earlier version.
    pub(crate) from: TypeOf<DefinitionId>,
    /// The type of the module that it stands in.
    pub(crate) to: DefinitionId,
    /// What becomes of what.
    pub(crate) members: Members,
}

/// The members of a type, with the old name, the new name and how the one becomes the other.
#[derive(Clone, Debug)]
pub(crate) enum Members {
    /// Fields, all of them.
    Fields(Vec<(String, String, Conversion)>),
    /// Variants without a payload, and with one of a text that is not listed.
    Values(Vec<(String, String)>, Option<(String, String)>),
    /// Variants with a payload.
    Variants(Vec<(String, String, Conversion)>),
    /// What a newtype holds, and what its constructor is.
    Inner(Conversion, Construction),
}

/// How a newtype is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Construction {
    /// Its field is public.
    Plain,
    /// By a constructor that checks.
    Checked,
}
