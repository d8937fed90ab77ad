//! Versions of one document side by side: how an event of an earlier version becomes one of the newest.
//!
//! An event and the version of the document that it was published under come in; an event of the newest version goes
//! out. Which version reads an event is decided here, once for every transport; the steps between versions are
//! [`Upcast`]s, which generated code asks for.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use serde::Deserializer;

use crate::event::{Channel, EventSet, Headers};

/// Makes a value of an earlier version of the document into one of a later version.
///
/// A module that is generated from several versions (`versions = ["spec/v1.yaml", "spec/v2.yaml"]`) needs one for every
/// type that differs between two versions and is part of an event that both declare; the compiler says which. A type
/// that is the same in both is one type in Rust, and a type in which only others have changed is converted member by
/// member: for these there is nothing to write.
///
/// ```
/// use event_api::{Upcast, UpcastError};
///
/// # mod v1 { pub struct NameChanged { pub name: String } }
/// # mod v2 { pub struct NameChanged { pub first_name: String, pub last_name: String } }
/// impl Upcast<v1::NameChanged> for v2::NameChanged {
///     fn upcast(old: v1::NameChanged) -> Result<Self, UpcastError> {
///         let (first, last) = old.name.rsplit_once(' ').ok_or("a name of one word")?;
///         Ok(v2::NameChanged { first_name: first.to_owned(), last_name: last.to_owned() })
///     }
/// }
///
/// let old = v1::NameChanged { name: "Ada Lovelace".to_owned() };
/// assert_eq!(v2::NameChanged::upcast(old)?.last_name, "Lovelace");
/// # Ok::<(), UpcastError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "events of an earlier version hold `{Old}`, and nothing says how it becomes `{Self}`",
    label = "`impl Upcast<{Old}> for {Self}` is missing",
    note = "the type differs between two versions of the document: write `impl event_api::Upcast<{Old}> for {Self}`, \
            so that handlers of the newest version get the events of the earlier one"
)]
pub trait Upcast<Old>: Sized {
    /// The value in the later version.
    ///
    /// # Errors
    /// When this value has no counterpart there. The event is then a dead letter, as one that cannot be decoded is.
    fn upcast(old: Old) -> Result<Self, UpcastError>;
}

/// What did not change is what it was.
impl<T> Upcast<T> for T {
    fn upcast(old: T) -> Result<Self, UpcastError> {
        Ok(old)
    }
}

/// A value of an earlier version that has no counterpart in the later one. Any error converts into it, and so does a
/// text.
pub struct UpcastError(Box<dyn Error + Send + Sync>);

impl UpcastError {
    /// For this reason.
    pub fn new(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        UpcastError(reason.into())
    }

    /// The reason.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        self.0.as_ref()
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for UpcastError {
    fn from(reason: E) -> Self {
        UpcastError::new(reason)
    }
}

impl fmt::Debug for UpcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UpcastError({:?})", self.0)
    }
}

impl fmt::Display for UpcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// By which version of the document an event is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// By the newest one: the event says so, or says a version that none of the earlier ones speaks for.
    Newest,
    /// By an earlier one.
    Earlier(&'static str),
    /// By the newest one that accepts it: the event does not say.
    Unstated,
}

impl Reader {
    /// For an event of `E` that was published under `version`.
    pub(crate) fn of<E: EventSet>(version: Option<&str>) -> Self {
        if E::EARLIER.is_empty() {
            return Reader::Newest;
        }
        match version.filter(|version| !version.is_empty()) {
            None => Reader::Unstated,
            Some(version) => choose(version, E::EARLIER, E::CHANNEL.version),
        }
    }

    /// Reads a payload that can be read only once.
    pub(crate) fn decode<'de, E: EventSet, D: Deserializer<'de>>(
        self,
        event_type: &str,
        headers: &Headers,
        data: D,
    ) -> Result<E, D::Error> {
        match self {
            Reader::Newest | Reader::Unstated => E::decode(event_type, headers, data),
            Reader::Earlier(version) => E::decode_earlier(version, event_type, headers, data),
        }
    }

    /// Reads a payload from its text. One that does not say its version, and that the newest does not accept, is read
    /// by the newest that does; where none does, the error is that of the newest.
    pub(crate) fn read<E: EventSet>(
        self,
        event_type: &str,
        headers: &Headers,
        data: &str,
    ) -> Result<E, serde_json::Error> {
        let with = |reader: Reader| reader.decode(event_type, headers, &mut serde_json::Deserializer::from_str(data));
        let read = with(self);
        if self != Reader::Unstated || read.is_ok() {
            return read;
        }
        let earlier = E::EARLIER.iter().rev().find_map(|version| with(Reader::Earlier(version)).ok());
        earlier.map_or(read, Ok)
    }
}

/// The version itself where it is known. Otherwise, of those that promise to be compatible with it by Semantic
/// Versioning, the nearest one that is not older, for it declares all that the event may hold; else the newest of them.
fn choose(version: &str, earlier: &'static [&'static str], newest: &str) -> Reader {
    if version == newest {
        return Reader::Newest;
    }
    if let Some(known) = earlier.iter().find(|known| **known == version) {
        return Reader::Earlier(known);
    }
    let Some(number) = Number::of(version) else { return Reader::Newest };
    let all = earlier.iter().map(|known| (*known, Reader::Earlier(known))).chain([(newest, Reader::Newest)]);
    let kin = all.filter_map(|(known, reader)| Some((Number::of(known)?, reader)));
    let kin: Vec<(Number, Reader)> = kin.filter(|(known, _)| known.is_compatible_with(number)).collect();
    let above = kin.iter().filter(|(known, _)| *known >= number).min_by_key(|(known, _)| *known);
    let found = above.or_else(|| kin.iter().max_by_key(|(known, _)| *known));
    found.map_or(Reader::Newest, |(_, reader)| *reader)
}

/// The numbers of a semantic version. What stands behind them does not tell schemas apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number(u64, u64, u64);

impl Number {
    fn of(version: &str) -> Option<Self> {
        let numbers = version.split(['-', '+']).next()?;
        let mut numbers = numbers.split('.').map(|number| number.parse().ok());
        let number = Number(numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(number)
    }

    /// Before 1.0.0, each minor version may break.
    fn is_compatible_with(self, other: Number) -> bool {
        self.0 == other.0 && (self.0 > 0 || self.1 == other.1)
    }
}

/// The event of the newest version, for generated code.
///
/// # Errors
/// When the value has no counterpart in it.
pub fn upcast_event<E, Er: serde::de::Error>(
    version: &str,
    channel: &Channel,
    make: impl FnOnce() -> Result<E, UpcastError>,
) -> Result<E, Er> {
    make().map_err(|error| {
        let newest = channel.version;
        Er::custom(format_args!("of version {version}, it has no counterpart in version {newest}: {error}"))
    })
}

/// Each item of a list, for generated code.
///
/// # Errors
/// When one has no counterpart.
pub fn upcast_list<A, B>(old: Vec<A>, upcast: impl FnMut(A) -> Result<B, UpcastError>) -> Result<Vec<B>, UpcastError> {
    old.into_iter().map(upcast).collect()
}

/// Each value of a map, for generated code.
///
/// # Errors
/// When one has no counterpart.
pub fn upcast_map<A, B>(
    old: BTreeMap<String, A>,
    mut upcast: impl FnMut(A) -> Result<B, UpcastError>,
) -> Result<BTreeMap<String, B>, UpcastError> {
    old.into_iter().map(|(key, value)| Ok((key, upcast(value)?))).collect()
}

/// What is there, for generated code.
///
/// # Errors
/// When it has no counterpart.
pub fn upcast_option<A, B>(
    old: Option<A>,
    upcast: impl FnOnce(A) -> Result<B, UpcastError>,
) -> Result<Option<B>, UpcastError> {
    old.map(upcast).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLIER: &[&str] = &["0.3.0", "1.2.0", "2.4.1", "draft"];

    fn chosen(version: &str) -> &'static str {
        match choose(version, EARLIER, "3.1.0") {
            Reader::Earlier(version) => version,
            Reader::Newest => "newest",
            Reader::Unstated => "unstated",
        }
    }

    #[test]
    fn a_version_that_is_known_is_itself() {
        for version in EARLIER {
            assert_eq!(chosen(version), *version);
        }
        assert_eq!(chosen("3.1.0"), "newest");
    }

    #[test]
    fn another_version_is_read_by_the_nearest_that_is_compatible_with_it() {
        assert_eq!(chosen("1.0.0"), "1.2.0");
        assert_eq!(chosen("1.2.0-rc.1"), "1.2.0");
        assert_eq!(chosen("1.9.0"), "1.2.0", "no later one of its kind is known");
        assert_eq!(chosen("2.4.0"), "2.4.1");
        assert_eq!(chosen("0.3.7"), "0.3.0");
        assert_eq!(chosen("3.0.0"), "newest");
    }

    #[test]
    fn a_version_that_nothing_speaks_for_is_read_by_the_newest() {
        for version in ["4.0.0", "0.2.0", "2024-05-01", "1", "1.2", "1.2.3.4", "v1.2.0", "main"] {
            assert_eq!(chosen(version), "newest", "{version}");
        }
    }

    #[test]
    fn of_several_compatible_versions_the_nearest_later_one_reads() {
        let earlier: &[&str] = &["1.0.0", "1.2.0", "1.4.0"];
        assert_eq!(choose("1.1.0", earlier, "1.6.0"), Reader::Earlier("1.2.0"));
        assert_eq!(choose("1.5.0", earlier, "1.6.0"), Reader::Newest);
        assert_eq!(choose("1.7.0", earlier, "1.6.0"), Reader::Newest);
    }
}
