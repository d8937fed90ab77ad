//! The members of a feed page and of its items, read from JSON in one pass.
//!
//! Written by hand because a derived reader would have to buffer (`flatten`) or scan twice. Both forms of an item are
//! read: extension members beside the standard ones (`_type`, `_data`, …), and the strict form, which gathers them in
//! one object (`_event: {"type", "data", …}`).

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::page::{PageItem, Undecodable, read_time};
use super::text::OptionalText;
use crate::event::{EventId, EventSet, Headers, Metadata, Position, RawEvent};
use crate::upcast::Reader;

/// What a page consists of; `I` is what its items were read as.
pub(super) struct PageMembers<'de, I> {
    pub(super) title: Option<Cow<'de, str>>,
    pub(super) next_url: Option<Cow<'de, str>>,
    pub(super) items: Vec<I>,
}

/// A way to read the items of a page. They are put in their place at once: an item is too large to be handed up
/// through the layers of a reader again and again.
pub(super) trait ReadItem<'de> {
    type Item;

    /// Reads the next item into `items`, if there is one.
    fn read_next<A: SeqAccess<'de>>(seq: &mut A, items: &mut Vec<Self::Item>) -> Result<bool, A::Error>;
}

/// Items with their events.
pub(super) struct Typed<E>(PhantomData<E>);

impl<'de, E: EventSet> ReadItem<'de> for Typed<E> {
    type Item = PageItem<'de, E>;

    #[inline]
    fn read_next<A: SeqAccess<'de>>(seq: &mut A, items: &mut Vec<Self::Item>) -> Result<bool, A::Error> {
        Ok(seq.next_element_seed(TypedItem(items))?.is_some())
    }
}

/// Items left as text.
pub(super) struct Raw;

impl<'de> ReadItem<'de> for Raw {
    type Item = &'de RawValue;

    fn read_next<A: SeqAccess<'de>>(seq: &mut A, items: &mut Vec<Self::Item>) -> Result<bool, A::Error> {
        let item = seq.next_element::<Self::Item>()?;
        items.extend(item);
        Ok(item.is_some())
    }
}

/// Reads a page in one pass, its items in the way `R`.
pub(super) struct PageVisitor<R> {
    capacity: usize,
    way: PhantomData<R>,
}

/// An item of a few fields and its metadata take about this much text.
const TYPICAL_ITEM: usize = 256;

impl<'de, R: ReadItem<'de>> PageVisitor<R> {
    pub(super) fn read(text: &'de str) -> Result<PageMembers<'de, R::Item>, serde_json::Error> {
        // Bounded, so that a page of one huge item does not reserve for thousands.
        let capacity = (text.len() / TYPICAL_ITEM).min(256);
        let mut json = serde_json::Deserializer::from_str(text);
        let page = json.deserialize_map(PageVisitor::<R> { capacity, way: PhantomData })?;
        json.end()?;
        Ok(page)
    }
}

impl<'de, R: ReadItem<'de>> Visitor<'de> for PageVisitor<R> {
    type Value = PageMembers<'de, R::Item>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON Feed page")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut title, mut next_url, mut items) = (None, None, None);
        while let Some(key) = map.next_key::<PageKey>()? {
            match key {
                PageKey::Title => text(&mut title, "title", &mut map)?,
                PageKey::NextUrl => text(&mut next_url, "next_url", &mut map)?,
                PageKey::Items => {
                    let seed = Items::<R> { capacity: self.capacity, way: PhantomData };
                    once(&mut items, "items", map.next_value_seed(seed)?)?;
                }
                PageKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(PageMembers {
            title,
            next_url: next_url.filter(|url| !url.is_empty()),
            items: items.ok_or_else(|| A::Error::missing_field("items"))?,
        })
    }
}

enum PageKey {
    Title,
    NextUrl,
    Items,
    Other,
}

impl<'de> Deserialize<'de> for PageKey {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_identifier(KeyVisitor(|name: &str| match name {
            "title" => PageKey::Title,
            "next_url" => PageKey::NextUrl,
            "items" => PageKey::Items,
            _ => PageKey::Other,
        }))
    }
}

/// Looks a member's name up.
struct KeyVisitor<F>(F);

impl<K, F: FnOnce(&str) -> K> Visitor<'_> for KeyVisitor<F> {
    type Value = K;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    #[inline]
    fn visit_str<Er: Error>(self, name: &str) -> Result<K, Er> {
        Ok((self.0)(name))
    }
}

/// Reads the items of a page.
struct Items<R> {
    capacity: usize,
    way: PhantomData<R>,
}

impl<'de, R: ReadItem<'de>> DeserializeSeed<'de> for Items<R> {
    type Value = Vec<R::Item>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de, R: ReadItem<'de>> Visitor<'de> for Items<R> {
    type Value = Vec<R::Item>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of feed items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::with_capacity(self.capacity);
        while R::read_next(&mut seq, &mut items)? {}
        Ok(items)
    }
}

/// Reads one item with its event, to the end of those that were read before.
struct TypedItem<'a, 'de, E>(&'a mut Vec<PageItem<'de, E>>);

impl<'de, E: EventSet> DeserializeSeed<'de> for TypedItem<'_, 'de, E> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, E: EventSet> Visitor<'de> for TypedItem<'_, 'de, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a feed item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut members = Members::new(true);
        members.read(&mut map)?;
        let event = members.event()?;
        members.require(members.id.as_ref(), "id")?;
        self.0.push(members.into_item_with(Ok(event)));
        Ok(())
    }
}

/// The members of one item, as they are found.
pub(super) struct Members<'de, E> {
    id: Option<Cow<'de, str>>,
    date_published: Option<Cow<'de, str>>,
    event_type: Option<Cow<'de, str>>,
    position: Option<Position>,
    subject: Option<Cow<'de, str>>,
    version: Option<Cow<'de, str>>,
    traceparent: Option<Cow<'de, str>>,
    address: Option<Cow<'de, str>>,
    headers: Option<Headers>,
    payload: Payload<'de, E>,
    /// Whether the payload may be decoded as soon as the type is known.
    direct: bool,
}

enum Payload<'de, E> {
    Missing,
    /// It came before the type, or is wanted as text.
    Buffered(&'de RawValue),
    Decoded(E),
}

impl<'de, E: EventSet> Members<'de, E> {
    pub(super) fn new(direct: bool) -> Self {
        Members {
            id: None,
            date_published: None,
            event_type: None,
            position: None,
            subject: None,
            version: None,
            traceparent: None,
            address: None,
            headers: None,
            payload: Payload::Missing,
            direct,
        }
    }

    /// Reads one item; its payload stays text.
    pub(super) fn buffered(item: &'de RawValue) -> Result<Self, serde_json::Error> {
        serde_json::Deserializer::from_str(item.get()).deserialize_map(BufferedItem(PhantomData))
    }

    /// Reads one item with its event.
    pub(super) fn typed(item: &'de RawValue) -> Result<Option<PageItem<'de, E>>, serde_json::Error> {
        let mut items = Vec::with_capacity(1);
        TypedItem(&mut items).deserialize(&mut serde_json::Deserializer::from_str(item.get()))?;
        Ok(items.pop())
    }

    /// Takes the event out, decoding it if that was not done on the way.
    #[inline]
    fn event<Er: Error>(&mut self) -> Result<E, Er> {
        match std::mem::replace(&mut self.payload, Payload::Missing) {
            Payload::Decoded(event) => Ok(event),
            Payload::Buffered(data) => self.decode(data.get()),
            // A message without a payload needs no `_data`.
            Payload::Missing => self.decode("null"),
        }
    }

    fn decode<Er: Error>(&self, data: &'de str) -> Result<E, Er> {
        let event_type = self.require(self.event_type.as_deref(), "_type")?;
        let none = Headers::default();
        let headers = self.headers.as_ref().unwrap_or(&none);
        Reader::of::<E>(self.version.as_deref(), event_type).read(event_type, headers, data).map_err(Er::custom)
    }

    fn require<T, Er: Error>(&self, member: Option<T>, name: &'static str) -> Result<T, Er> {
        member.ok_or_else(|| Er::missing_field(name))
    }

    /// The item with `event` as its event.
    #[inline]
    pub(super) fn into_item_with(self, event: Result<E, Box<Undecodable>>) -> PageItem<'de, E> {
        PageItem {
            id: self.id.unwrap_or_default(),
            event_type: self.event_type.unwrap_or_default(),
            date_published: self.date_published,
            position: self.position,
            subject: self.subject,
            version: self.version,
            traceparent: self.traceparent,
            address: self.address,
            headers: self.headers.unwrap_or_default(),
            event,
        }
    }

    /// The raw event of an item that was read with its payload buffered. A time that cannot be read is replaced by
    /// the present one: the raw event is what a person looks at when the item was refused.
    pub(super) fn raw(&self) -> Result<RawEvent, serde_json::Error> {
        let text = |text: &Option<Cow<'de, str>>| text.as_deref().map(str::to_owned);
        let id = self.require(self.id.as_deref(), "id")?;
        let event_type = self.require(self.event_type.as_deref(), "_type")?;
        let data = match &self.payload {
            Payload::Buffered(data) => (*data).to_owned(),
            Payload::Missing | Payload::Decoded(_) => RawValue::from_string("null".to_owned())?,
        };
        let mut metadata = Metadata::new(event_type);
        metadata.id = EventId::from(id);
        if let Ok(time) = read_time(self.date_published.as_deref()) {
            metadata.time = time;
        }
        metadata.subject = text(&self.subject);
        metadata.address = text(&self.address);
        metadata.version = text(&self.version);
        metadata.traceparent = text(&self.traceparent);
        metadata.headers = self.headers.clone().unwrap_or_default();
        Ok(RawEvent { metadata, data })
    }

    #[inline]
    fn read<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(ItemName::Extended)? {
            self.take(key, map)?;
        }
        Ok(())
    }

    // Always inlined: as a call, it costs a tenth of the time that a page takes.
    #[inline(always)]
    fn take<A: MapAccess<'de>>(&mut self, key: ItemKey, map: &mut A) -> Result<(), A::Error> {
        match key {
            ItemKey::Id => text(&mut self.id, "id", map),
            ItemKey::DatePublished => text(&mut self.date_published, "date_published", map),
            ItemKey::Type => text(&mut self.event_type, "_type", map),
            ItemKey::Subject => text(&mut self.subject, "_subject", map),
            ItemKey::Version => text(&mut self.version, "_version", map),
            ItemKey::Traceparent => text(&mut self.traceparent, "_traceparent", map),
            ItemKey::Address => text(&mut self.address, "_address", map),
            ItemKey::Position => {
                if let Some(position) = map.next_value::<Option<Position>>()? {
                    once(&mut self.position, "_position", position)?;
                }
                Ok(())
            }
            ItemKey::Headers => {
                if matches!(self.payload, Payload::Decoded(_)) {
                    // The payload was decoded as if there were none: the second reading knows them beforehand.
                    return Err(A::Error::custom("`_headers` come after `_data`"));
                }
                if let Some(headers) = map.next_value::<Option<Headers>>()? {
                    once(&mut self.headers, "_headers", headers)?;
                }
                Ok(())
            }
            ItemKey::Data => {
                if !matches!(self.payload, Payload::Missing) {
                    return Err(A::Error::duplicate_field("_data"));
                }
                self.payload = match &self.event_type {
                    // With several versions of the document, the one that reads it must be known, too.
                    Some(event_type) if self.direct && (E::EARLIER.is_empty() || self.version.is_some()) => {
                        let none = Headers::default();
                        let headers = self.headers.as_ref().unwrap_or(&none);
                        let reader = Reader::of::<E>(self.version.as_deref(), event_type);
                        let decode = Decode { reader, event_type, headers, events: PhantomData };
                        Payload::Decoded(map.next_value_seed(decode)?)
                    }
                    _ => Payload::Buffered(map.next_value()?),
                };
                Ok(())
            }
            ItemKey::Event => map.next_value_seed(Extensions(self)),
            ItemKey::Other => map.next_value::<IgnoredAny>().map(drop),
        }
    }
}

/// Puts a member in its place. A second one of the same name is an error: readers would differ in which they take.
#[inline]
fn once<T, Er: Error>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), Er> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Er::duplicate_field(name)),
    }
}

#[inline]
fn text<'de, A: MapAccess<'de>>(
    slot: &mut Option<Cow<'de, str>>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    match map.next_value::<OptionalText<'de>>()?.0 {
        Some(text) => once(slot, name, text),
        None => Ok(()),
    }
}

/// Decodes a payload whose type is known, as it is read.
struct Decode<'a, E> {
    reader: Reader<'a>,
    event_type: &'a str,
    headers: &'a Headers,
    events: PhantomData<E>,
}

impl<'de, E: EventSet> DeserializeSeed<'de> for Decode<'_, E> {
    type Value = E;

    fn deserialize<D: Deserializer<'de>>(self, data: D) -> Result<E, D::Error> {
        self.reader.decode(self.event_type, self.headers, data)
    }
}

/// Reads one item and leaves its payload text.
struct BufferedItem<E>(PhantomData<E>);

impl<'de, E: EventSet> Visitor<'de> for BufferedItem<E> {
    type Value = Members<'de, E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a feed item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::new(false);
        members.read(&mut map)?;
        Ok(members)
    }
}

/// Reads the `_event` object of the strict form.
struct Extensions<'a, 'de, E>(&'a mut Members<'de, E>);

impl<'de, E: EventSet> DeserializeSeed<'de> for Extensions<'_, 'de, E> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, E: EventSet> Visitor<'de> for Extensions<'_, 'de, E> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an `_event` object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(ItemName::Gathered)? {
            self.0.take(key, &mut map)?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum ItemKey {
    Id,
    DatePublished,
    Type,
    Data,
    Position,
    Subject,
    Version,
    Traceparent,
    Address,
    Headers,
    Event,
    Other,
}

/// How the members of an item are named: beside the standard ones, or gathered in `_event`.
enum ItemName {
    Extended,
    Gathered,
}

impl<'de> DeserializeSeed<'de> for ItemName {
    type Value = ItemKey;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<ItemKey, D::Error> {
        json.deserialize_identifier(KeyVisitor(|name: &str| match self {
            ItemName::Extended => match name {
                "id" => ItemKey::Id,
                "date_published" => ItemKey::DatePublished,
                "_type" => ItemKey::Type,
                "_data" => ItemKey::Data,
                "_position" => ItemKey::Position,
                "_subject" => ItemKey::Subject,
                "_version" => ItemKey::Version,
                "_traceparent" => ItemKey::Traceparent,
                "_address" => ItemKey::Address,
                "_headers" => ItemKey::Headers,
                "_event" => ItemKey::Event,
                _ => ItemKey::Other,
            },
            ItemName::Gathered => match name {
                "type" => ItemKey::Type,
                "data" => ItemKey::Data,
                "position" => ItemKey::Position,
                "subject" => ItemKey::Subject,
                "version" => ItemKey::Version,
                "traceparent" => ItemKey::Traceparent,
                "address" => ItemKey::Address,
                "headers" => ItemKey::Headers,
                _ => ItemKey::Other,
            },
        }))
    }
}
