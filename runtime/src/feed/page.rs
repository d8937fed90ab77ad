//! Reading a feed page: JSON text comes in, typed events go out.
//!
//! The good case is one pass: where an item tells its type before its payload (as this crate's own feeds do), the
//! payload is decoded straight into the channel's event type, texts are borrowed, and nothing is buffered. Only when
//! that pass fails is the page read again item by item, so that one bad item never spoils its neighbours.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::item::{Members, PageMembers, PageVisitor, Raw, Typed};
use crate::event::{DecodeError, Envelope, EventId, EventSet, Headers, Metadata, Position, RawEvent};

/// One page of a feed, decoded into the events `E`. It borrows from the text that it was read from.
///
/// ```
/// # use event_api::{Channel, EventSet, Headers};
/// # use serde::{Deserialize, Deserializer};
/// # struct Greeting(String);
/// # static GREETINGS: Channel = Channel { name: "greetings", title: "", address: None, event_types: &["Hello"],
/// #     version: "1.0.0", transports: &[] };
/// # impl EventSet for Greeting {
/// #     const CHANNEL: &'static Channel = &GREETINGS;
/// #     fn event_type(&self) -> &str { "Hello" }
/// #     fn data(&self) -> Result<Box<serde_json::value::RawValue>, serde_json::Error> {
/// #         serde_json::value::to_raw_value(&self.0)
/// #     }
/// #     fn decode<'de, D: Deserializer<'de>>(_: &str, _: &Headers, data: D) -> Result<Self, D::Error> {
/// #         String::deserialize(data).map(Greeting)
/// #     }
/// # }
/// use event_api::feed::Page;
///
/// let body = br#"{"items": [{"id": "1", "_type": "Hello", "_data": "world"}, {"id": "2", "_type": "Hello", "_data": 7}]}"#;
/// let page = Page::<Greeting>::from_slice(body)?;
/// assert!(matches!(&page.items[0].event, Ok(Greeting(who)) if who == "world"));
/// assert!(page.items[1].event.is_err(), "a bad item is told, and its neighbour is there");
/// # Ok::<(), event_api::feed::PageError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<'a, E> {
    /// The feed's title.
    pub title: Option<Cow<'a, str>>,
    /// Where the feed continues; `None` at its head. As written: it may be relative to the page's own URL.
    pub next_url: Option<Cow<'a, str>>,
    /// The items, oldest first.
    pub items: Vec<PageItem<'a, E>>,
    /// The page itself, for the texts of its items.
    text: &'a str,
    /// The items as they came: found when one is wanted, and then all at once.
    texts: OnceLock<Vec<&'a RawValue>>,
}

/// One item of a feed page.
#[derive(Debug)]
#[non_exhaustive]
pub struct PageItem<'a, E> {
    /// The event's id.
    pub id: Cow<'a, str>,
    /// The event's type.
    pub event_type: Cow<'a, str>,
    /// When it happened, as written. [`PageItem::into_event`] reads it.
    pub date_published: Option<Cow<'a, str>>,
    /// Its place in the publisher's log, where the feed tells.
    pub position: Option<Position>,
    /// What it is about.
    pub subject: Option<Cow<'a, str>>,
    /// The version of its schema.
    pub version: Option<Cow<'a, str>>,
    /// W3C trace context of the publisher.
    pub traceparent: Option<Cow<'a, str>>,
    /// The channel's address with its parameters filled in.
    pub address: Option<Cow<'a, str>>,
    /// The message's headers.
    pub headers: Headers,
    /// The event, or why the item holds none.
    pub event: Result<E, Box<Undecodable>>,
}

/// An item that is no event of the channel, kept as it came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Undecodable {
    /// The event as far as it was understood. Where not even its type was, the payload is the whole item.
    pub raw: RawEvent,
    /// What is wrong with it.
    pub error: DecodeError,
}

/// A text that is no feed page.
#[derive(Debug, thiserror::Error)]
#[error("not a feed page: {reason}")]
#[non_exhaustive]
pub struct PageError {
    /// What is wrong.
    pub reason: String,
}

impl PageError {
    fn new(reason: impl fmt::Display) -> Self {
        PageError { reason: reason.to_string() }
    }
}

impl<E> PageItem<'_, E> {
    /// What an item that is no event says that it is about.
    #[cfg(feature = "client")]
    pub(super) fn subject_of_unreadable(&self) -> Option<String> {
        self.event.is_err().then(|| self.subject.as_deref().map(str::to_owned)).flatten()
    }
}

impl<'a, E: EventSet> Page<'a, E> {
    /// Reads a JSON Feed page. Items that are no events of `E` are isolated, see [`PageItem::event`].
    ///
    /// # Errors
    /// When the text as a whole is no feed page: no UTF-8, no JSON, cut off, or without `items`.
    pub fn from_slice(body: &'a [u8]) -> Result<Self, PageError> {
        let text = text_of(body)?;
        Self::in_one_pass(text).or_else(|_| Self::item_by_item(text))
    }

    /// The fast way: fails when any item does.
    pub(super) fn in_one_pass(text: &'a str) -> Result<Self, serde_json::Error> {
        let PageMembers { title, next_url, items } = PageVisitor::<Typed<E>>::read(text)?;
        Ok(Page { title, next_url, items, text, texts: OnceLock::new() })
    }

    /// The patient way: every item by itself.
    #[cold]
    pub(super) fn item_by_item(text: &'a str) -> Result<Self, PageError> {
        let PageMembers { title, next_url, items } = raw_page(text).map_err(PageError::new)?;
        let isolated = items.iter().map(|item| PageItem::isolated(item)).collect();
        Ok(Page { title, next_url, items: isolated, text, texts: items.into() })
    }

    /// The item at `index` as a raw event, read again from its text: what a dead letter or another attempt needs, and
    /// the good case does not pay for.
    pub fn raw(&self, index: usize) -> Option<RawEvent> {
        let texts = self.texts.get_or_init(|| raw_page(self.text).map(|page| page.items).unwrap_or_default());
        texts.get(index).copied().map(raw_item::<E>)
    }
}

/// The items of a page as they came; none when it is no page.
#[cfg(feature = "client")]
pub(super) fn item_texts(body: &[u8]) -> Vec<&RawValue> {
    text_of(body).and_then(|text| raw_page(text).map_err(PageError::new)).map(|page| page.items).unwrap_or_default()
}

/// The JSON text of a page.
pub(super) fn text_of(body: &[u8]) -> Result<&str, PageError> {
    // Checked once for the whole page; from here on, strings need no further check.
    let text = std::str::from_utf8(body).map_err(PageError::new)?;
    // RFC 8259 section 8.1 allows a reader to ignore a byte order mark.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// An item as a raw event.
pub(super) fn raw_item<E: EventSet>(item: &RawValue) -> RawEvent {
    match Members::<E>::buffered(item).and_then(|members| members.raw()) {
        Ok(raw) => raw,
        Err(error) => unreadable(item, &error).raw,
    }
}

/// Reads a page whose items stay text.
fn raw_page(text: &str) -> Result<PageMembers<'_, &RawValue>, serde_json::Error> {
    PageVisitor::<Raw>::read(text)
}

impl<'a, E: EventSet> PageItem<'a, E> {
    /// Reads one item apart from its page.
    fn isolated(item: &'a RawValue) -> Self {
        if let Ok(Some(read)) = Members::typed(item) {
            return read;
        }
        let (members, error) = match Members::<E>::buffered(item) {
            Ok(members) => match members.raw() {
                Ok(raw) => {
                    let event = raw.decode::<E>().map_err(|error| Box::new(Undecodable { raw, error }));
                    return members.into_item_with(event);
                }
                Err(error) => (members, error),
            },
            Err(error) => (Members::new(false), error),
        };
        let bad = unreadable(item, &error);
        let id = Cow::Owned(bad.raw.metadata.id.as_str().to_owned());
        PageItem { id, ..members.into_item_with(Err(Box::new(bad))) }
    }

    /// Reads an item that came by itself. Fails only when it is no JSON at all.
    #[cfg(feature = "client")]
    pub(super) fn from_text(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(Self::isolated)
    }

    /// The event with its metadata. An item without a time happened now.
    ///
    /// The time is read here and not with the page: not every reader needs it.
    ///
    /// # Errors
    /// When the item holds no event of `E`, or its time is not one of RFC 3339.
    pub fn into_event(self) -> Result<Envelope<E>, DecodeError> {
        let id = EventId::from(self.id.as_ref());
        self.into_event_of(id)
    }

    /// The same where its id is known as such.
    pub(super) fn into_event_of(self, id: EventId) -> Result<Envelope<E>, DecodeError> {
        let event_type = self.event_type.into_owned();
        let event = self.event.map_err(|undecodable| undecodable.error)?;
        let time = match read_time(self.date_published.as_deref()) {
            Ok(time) => time,
            Err(reason) => return Err(DecodeError { event_type, id, path: "date_published".to_owned(), reason }),
        };
        let metadata = Metadata {
            id,
            event_type,
            time,
            subject: self.subject.map(Cow::into_owned),
            address: self.address.map(Cow::into_owned),
            version: self.version.map(Cow::into_owned),
            traceparent: self.traceparent.map(Cow::into_owned),
            headers: self.headers,
        };
        Ok(Envelope { metadata, event })
    }
}

/// Reads `date_published`, which JSON Feed 1.1 leaves optional.
pub(super) fn read_time(text: Option<&str>) -> Result<DateTime<Utc>, String> {
    match text {
        None => Ok(Utc::now()),
        Some(text) => DateTime::parse_from_rfc3339(text)
            .map(|time| time.to_utc())
            .map_err(|error| format!("{text:?} is no RFC 3339 time: {error}")),
    }
}

/// An item that cannot be read as one: all of it becomes the payload, under an id that is the same each time.
#[cold]
fn unreadable(item: &RawValue, error: &serde_json::Error) -> Undecodable {
    #[derive(Deserialize)]
    struct Identified {
        id: String,
    }
    let id = match serde_json::from_str::<Identified>(item.get()) {
        Ok(identified) => EventId::from(identified.id),
        Err(_) => {
            let digest = Sha256::digest(item.get());
            let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            EventId::from(format!("sha256:{hex}"))
        }
    };
    let metadata = Metadata { id: id.clone(), ..Metadata::new("") };
    let error = DecodeError { event_type: String::new(), id, path: ".".to_owned(), reason: error.to_string() };
    Undecodable { raw: RawEvent { metadata, data: item.to_owned() }, error }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
