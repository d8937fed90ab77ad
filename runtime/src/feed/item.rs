//! The members of a feed page and of its items, read from JSON in one pass.
//!
//! Written by hand because a derived reader would have to buffer (`flatten`) or scan twice. Both forms of an item are
//! read: extension members beside the standard ones (`_type`, `_data`, …), and the strict form, which gathers them in
//! one object (`_event: {"type", "data", …}`).

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::page::{PageItem, Undecodable, read_time};
use crate::event::{EventId, EventSet, Headers, Metadata, Position, RawEvent};

/// What a page consists of; `I` is what its items were read as.
pub(super) struct PageMembers<'de, I> {
    pub(super) title: Option<Cow<'de, str>>,
    pub(super) next_url: Option<Cow<'de, str>>,
    pub(super) items: Vec<I>,
}

/// Reads a page in one pass, each of its items by the seed `S`.
pub(super) struct PageVisitor<S> {
    item: S,
    capacity: usize,
}

/// An item of a few fields and its metadata take about this much text.
const TYPICAL_ITEM: usize = 256;

impl<'de, S: DeserializeSeed<'de> + Clone> PageVisitor<S> {
    pub(super) fn read(item: S, text: &'de str) -> Result<PageMembers<'de, S::Value>, serde_json::Error> {
        // Bounded, so that a page of one huge item does not reserve for thousands.
        let capacity = (text.len() / TYPICAL_ITEM).min(256);
        let mut json = serde_json::Deserializer::from_str(text);
        let page = json.deserialize_map(PageVisitor { item, capacity })?;
        json.end()?;
        Ok(page)
    }
}

impl<'de, S: DeserializeSeed<'de> + Clone> Visitor<'de> for PageVisitor<S> {
    type Value = PageMembers<'de, S::Value>;

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
                    let seed = Items { item: self.item.clone(), capacity: self.capacity };
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

    fn visit_str<Er: Error>(self, name: &str) -> Result<K, Er> {
        Ok((self.0)(name))
    }
}

/// Reads the items of a page.
struct Items<S> {
    item: S,
    capacity: usize,
}

impl<'de, S: DeserializeSeed<'de> + Clone> DeserializeSeed<'de> for Items<S> {
    type Value = Vec<S::Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Clone> Visitor<'de> for Items<S> {
    type Value = Vec<S::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of feed items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::with_capacity(self.capacity);
        while let Some(item) = seq.next_element_seed(self.item.clone())? {
            items.push(item);
        }
        Ok(items)
    }
}

/// Reads one item with its event.
pub(super) struct WholeItem<E>(PhantomData<E>);

impl<E> WholeItem<E> {
    pub(super) fn new() -> Self {
        WholeItem(PhantomData)
    }
}

impl<E> Clone for WholeItem<E> {
    fn clone(&self) -> Self {
        WholeItem(PhantomData)
    }
}

impl<'de, E: EventSet> DeserializeSeed<'de> for WholeItem<E> {
    type Value = PageItem<'de, E>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        Item { direct: true, events: PhantomData }.deserialize(json)?.into_item()
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
        Item { direct: false, events: PhantomData }.deserialize(&mut serde_json::Deserializer::from_str(item.get()))
    }

    /// The item with its event decoded.
    pub(super) fn into_item<Er: Error>(mut self) -> Result<PageItem<'de, E>, Er> {
        let event = match std::mem::replace(&mut self.payload, Payload::Missing) {
            Payload::Decoded(event) => event,
            Payload::Buffered(data) => self.decode(data.get())?,
            // A message without a payload needs no `_data`.
            Payload::Missing => self.decode("null")?,
        };
        self.require(self.id.as_ref(), "id")?;
        Ok(self.into_item_with(Ok(event)))
    }

    fn decode<Er: Error>(&self, data: &'de str) -> Result<E, Er> {
        let event_type = self.require(self.event_type.as_deref(), "_type")?;
        let none = Headers::default();
        let headers = self.headers.as_ref().unwrap_or(&none);
        E::decode(event_type, headers, &mut serde_json::Deserializer::from_str(data)).map_err(Er::custom)
    }

    fn require<T, Er: Error>(&self, member: Option<T>, name: &'static str) -> Result<T, Er> {
        member.ok_or_else(|| Er::missing_field(name))
    }

    /// The item with `event` as its event.
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
                    Some(event_type) if self.direct => {
                        let none = Headers::default();
                        let headers = self.headers.as_ref().unwrap_or(&none);
                        Payload::Decoded(map.next_value_seed(Decode { event_type, headers, events: PhantomData })?)
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
fn once<T, Er: Error>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), Er> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Er::duplicate_field(name)),
    }
}

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
    event_type: &'a str,
    headers: &'a Headers,
    events: PhantomData<E>,
}

impl<'de, E: EventSet> DeserializeSeed<'de> for Decode<'_, E> {
    type Value = E;

    fn deserialize<D: Deserializer<'de>>(self, data: D) -> Result<E, D::Error> {
        E::decode(self.event_type, self.headers, data)
    }
}

/// Reads one item.
struct Item<E> {
    direct: bool,
    events: PhantomData<E>,
}

impl<'de, E: EventSet> DeserializeSeed<'de> for Item<E> {
    type Value = Members<'de, E>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, E: EventSet> Visitor<'de> for Item<E> {
    type Value = Members<'de, E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a feed item")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::new(self.direct);
        while let Some(key) = map.next_key_seed(ItemName::Extended)? {
            members.take(key, &mut map)?;
        }
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

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<ItemKey, D::Error> {
        json.deserialize_identifier(KeyVisitor(|name: &str| match self {
            ItemName::Extended => match name {
                "id" => ItemKey::Id,
                "date_published" => ItemKey::DatePublished,
                "_event" => ItemKey::Event,
                _ => name.strip_prefix('_').map_or(ItemKey::Other, extension),
            },
            ItemName::Gathered => extension(name),
        }))
    }
}

fn extension(name: &str) -> ItemKey {
    match name {
        "type" => ItemKey::Type,
        "data" => ItemKey::Data,
        "position" => ItemKey::Position,
        "subject" => ItemKey::Subject,
        "version" => ItemKey::Version,
        "traceparent" => ItemKey::Traceparent,
        "address" => ItemKey::Address,
        "headers" => ItemKey::Headers,
        _ => ItemKey::Other,
    }
}

/// A text, borrowed where it is written without escapes. `null` is no text; a number is read as its digits, as JSON
/// Feed 1.1 asks of readers that meet a numeric `id`.
struct OptionalText<'de>(Option<Cow<'de, str>>);

impl<'de> Deserialize<'de> for OptionalText<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(TextVisitor).map(OptionalText)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<Er: de::Error>(self, text: &'de str) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<Er: de::Error>(self, text: &str) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<Er: de::Error>(self, number: u64) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_i64<Er: de::Error>(self, number: i64) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_f64<Er: de::Error>(self, number: f64) -> Result<Self::Value, Er> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_unit<Er: de::Error>(self) -> Result<Self::Value, Er> {
        Ok(None)
    }
}
