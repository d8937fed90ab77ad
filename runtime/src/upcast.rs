//! Versions of one document side by side: how an event of an earlier version becomes one of the newest.
//!
//! An event and the version of the document that it was published under come in; an event of the newest version goes
//! out. Which version reads an event is decided here, once for every transport; the steps between versions are
//! [`Upcast`]s, which generated code asks for.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use serde::Deserializer;
use serde::de::Error as _;

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
pub(crate) enum Reader<'v> {
    /// By the newest one: the event says so, says a later one still, or is of a type that the newest does not declare.
    Newest,
    /// By an earlier one.
    Earlier(&'static str),
    /// By the newest one that accepts it: the event does not say.
    Unstated,
    /// By none: the event says this version, for which none of them speaks.
    Nobody(&'v str),
}

impl<'v> Reader<'v> {
    /// For an event of `E` that was published under `version`.
    pub(crate) fn of<E: EventSet>(version: Option<&'v str>, event_type: &str) -> Self {
        // What the newest does not declare has nothing to become: it is kept as it came, or refused.
        if E::EARLIER.is_empty() || !E::CHANNEL.event_types.contains(&event_type) {
            return Reader::Newest;
        }
        match version.filter(|version| !version.is_empty()) {
            None => Reader::Unstated,
            Some(version) => choose(version, E::earlier_of(event_type), E::CHANNEL.version),
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
            Reader::Nobody(version) => Err(D::Error::custom(nobody_reads::<E>(version, event_type))),
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
        let with =
            |reader: Reader<'_>| reader.decode(event_type, headers, &mut serde_json::Deserializer::from_str(data));
        let read = with(self);
        if self != Reader::Unstated || read.is_ok() {
            return read;
        }
        let earlier = E::earlier_of(event_type).iter().rev();
        let earlier = earlier.copied().find_map(|version| with(Reader::Earlier(version)).ok());
        earlier.map_or(read, Ok)
    }
}

/// The version itself where it is known. Otherwise, of those that promise to be compatible with it by Semantic
/// Versioning, the nearest one that is not older, for it declares all that the event may hold; else the newest of them.
/// An event of the future is read by the newest version; for any other, nobody knows what it means. `earlier` are the
/// versions that declare the event, as the newest one does.
fn choose<'v>(version: &'v str, earlier: &'static [&'static str], newest: &str) -> Reader<'v> {
    if version == newest {
        return Reader::Newest;
    }
    if let Some(known) = earlier.iter().find(|known| **known == version) {
        return Reader::Earlier(known);
    }
    let Some(number) = Number::of(version) else { return Reader::Nobody(version) };
    let all = earlier.iter().map(|known| (*known, Reader::Earlier(known))).chain([(newest, Reader::Newest)]);
    let kin = all.filter_map(|(known, reader)| Some((Number::of(known)?, reader)));
    let kin: Vec<(Number<'_>, Reader<'_>)> = kin.filter(|(known, _)| known.is_compatible_with(number)).collect();
    let above = kin.iter().filter(|(known, _)| *known >= number).min_by_key(|(known, _)| *known);
    let found = above.or_else(|| kin.iter().max_by_key(|(known, _)| *known));
    match found {
        Some((_, reader)) => *reader,
        None if Number::of(newest).is_some_and(|newest| number > newest) => Reader::Newest,
        None => Reader::Nobody(version),
    }
}

/// What is wrong with a version for which none of those that are known speaks, and what to do.
#[cold]
fn nobody_reads<E: EventSet>(version: &str, event_type: &str) -> String {
    let earlier = E::earlier_of(event_type);
    let known = || earlier.iter().copied().chain([E::CHANNEL.version]);
    let what_to_do = "add its document to the versions that the module is generated from";
    let Some(number) = Number::of(version) else {
        return format!("`{version}` is none of the versions that are listed, and no version number; {what_to_do}");
    };
    if known().filter_map(Number::of).all(|known| number < known) {
        let restriction = if earlier == E::EARLIER { "" } else { " and declare it" };
        return format!("version {version} is older than all that are listed{restriction}; {what_to_do}");
    }
    let known: Vec<&str> = known().collect();
    let known = known.join(", ");
    format!("none of the versions that declare it ({known}) is compatible with version {version}; {what_to_do}")
}

/// A semantic version, with or without a `v` before it. Parts that are left out are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number<'v> {
    numbers: (u64, u64, u64),
    stage: Stage<'v>,
}

impl<'v> Number<'v> {
    fn of(version: &'v str) -> Option<Self> {
        let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
        let version = version.split_once('+').map_or(version, |(version, _)| version);
        let (numbers, stage) = match version.split_once('-') {
            Some((numbers, identifiers)) => (numbers, Stage::Before(Identifiers(identifiers))),
            None => (version, Stage::Release),
        };
        let mut found = [0; 3];
        let mut count = 0;
        for number in numbers.split('.') {
            *found.get_mut(count)? =
                number.parse().ok().filter(|_| number.starts_with(|c: char| c.is_ascii_digit()))?;
            count += 1;
        }
        // `2024-05-01` is a date.
        let is_whole = count == found.len() || stage == Stage::Release;
        is_whole.then_some(Number { numbers: found.into(), stage })
    }

    /// Before 1.0.0, each minor version may break.
    fn is_compatible_with(self, other: Number<'_>) -> bool {
        let (a, b) = (self.numbers, other.numbers);
        a.0 == b.0 && (a.0 > 0 || a.1 == b.1)
    }
}

/// Whether a version is the one of its numbers, or goes before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage<'v> {
    /// `2.0.0-rc.1`
    Before(Identifiers<'v>),
    /// `2.0.0`
    Release,
}

/// `rc.1`: numbers come before words, and are compared as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identifiers<'v>(&'v str);

impl Identifiers<'_> {
    fn parts(&self) -> impl Iterator<Item = (bool, u64, &str)> {
        self.0.split('.').map(|part| match part.parse() {
            Ok(number) => (false, number, ""),
            Err(_) => (true, 0, part),
        })
    }
}

impl Ord for Identifiers<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        // What differs in writing alone (`01`) is told apart, so that equal is what is the same.
        self.parts().cmp(other.parts()).then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for Identifiers<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
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

    fn chosen(version: &str) -> &str {
        match choose(version, EARLIER, "3.1.0") {
            Reader::Earlier(version) => version,
            Reader::Newest => "newest",
            Reader::Unstated => "unstated",
            Reader::Nobody(_) => "nobody",
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
    fn a_version_is_the_same_however_it_is_written() {
        for (version, reader) in [
            ("v1.2.0", "1.2.0"),
            ("1", "1.2.0"),
            ("1.2", "1.2.0"),
            ("V2", "2.4.1"),
            ("0.3", "0.3.0"),
            ("v3.1", "newest"),
        ] {
            assert_eq!(chosen(version), reader, "{version}");
        }
        let short: &[&str] = &["v1", "2.0"];
        assert_eq!(choose("1.0.0", short, "v3"), Reader::Earlier("v1"));
        assert_eq!(choose("2.0.0", short, "v3"), Reader::Earlier("2.0"));
        assert_eq!(choose("3.0.0+build.7", short, "v3"), Reader::Newest);
    }

    #[test]
    fn a_version_of_the_future_is_read_by_the_newest() {
        for version in ["4.0.0", "10.0.0-beta", "v4"] {
            assert_eq!(chosen(version), "newest", "{version}");
        }
    }

    #[test]
    fn a_version_that_nothing_speaks_for_is_read_by_none() {
        for version in ["0.2.0", "0.4.0", "0.3.0.1", "2024-05-01", "1.2.3.4", "main", "v", "1.", "+1", "1.2-rc"] {
            assert_eq!(chosen(version), "nobody", "{version}");
        }
        let late: &[&str] = &["2.0.0", "3.0.0"];
        assert_eq!(choose("1.5.0", late, "5.0.0"), Reader::Nobody("1.5.0"));
        assert_eq!(choose("4.0.0", late, "5.0.0"), Reader::Nobody("4.0.0"), "between two that may have broken with it");
        assert_eq!(choose("1.0.0", &["draft"], "final"), Reader::Nobody("1.0.0"));
    }

    #[test]
    fn of_several_compatible_versions_the_nearest_later_one_reads() {
        let earlier: &[&str] = &["1.0.0", "1.2.0", "1.4.0"];
        assert_eq!(choose("1.1.0", earlier, "1.6.0"), Reader::Earlier("1.2.0"));
        assert_eq!(choose("1.5.0", earlier, "1.6.0"), Reader::Newest);
        assert_eq!(choose("1.7.0", earlier, "1.6.0"), Reader::Newest);
    }

    #[test]
    fn a_version_before_a_release_is_older_than_it() {
        let earlier: &[&str] = &["2.0.0-alpha", "2.0.0-rc.1", "2.0.0-rc.11"];
        assert_eq!(choose("2.0.0-beta", earlier, "2.0.0"), Reader::Earlier("2.0.0-rc.1"));
        assert_eq!(choose("2.0.0-rc.2", earlier, "2.0.0"), Reader::Earlier("2.0.0-rc.11"));
        assert_eq!(choose("2.0.0-rc.12", earlier, "2.0.0"), Reader::Newest);
        assert_eq!(choose("2.0.0-7", earlier, "2.0.0"), Reader::Earlier("2.0.0-alpha"), "numbers come before words");
    }
}
