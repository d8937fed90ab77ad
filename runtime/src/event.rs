//! What an event is: its typed form, the set of events of a channel, its metadata, and its raw form on the way.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::upcast::Reader;

/// A payload type that belongs to one message of one channel. Generated types implement it.
pub trait Event: Serialize + DeserializeOwned + Into<Self::Set> + Send + Sync + 'static {
    /// The event type on the wire: the message's `name`, or its key.
    const TYPE: &'static str;

    /// The events of the channel that the message belongs to.
    type Set: EventSet;
}

/// A message that asks: the set of events that answer it, from the operation's `reply`.
pub trait Request {
    /// The replies.
    type Replies: EventSet;
}

/// The events of one channel. Generated enums implement it.
pub trait EventSet: Sized + Send + Sync + 'static {
    /// The channel.
    const CHANNEL: &'static Channel;

    /// The event type on the wire.
    fn event_type(&self) -> &str;

    /// The message's headers, for messages that declare them.
    ///
    /// # Errors
    /// When a header cannot be written as JSON.
    fn headers(&self) -> Result<Headers, serde_json::Error> {
        Ok(Headers::default())
    }

    /// The payload as JSON.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON, such as a map whose keys are no strings.
    fn data(&self) -> Result<Box<RawValue>, serde_json::Error>;

    /// Reads the event of type `event_type` from its headers and payload.
    ///
    /// # Errors
    /// When the payload or the headers are not what the document says of this type, or the type is unknown and the
    /// module was generated to refuse unknown types.
    fn decode<'de, D: Deserializer<'de>>(event_type: &str, headers: &Headers, data: D) -> Result<Self, D::Error>;

    /// The earlier versions of the document whose events are read too, the oldest first: those that the module was
    /// generated from beside this one. None by default.
    const EARLIER: &'static [&'static str] = &[];

    /// Those of the [`EventSet::EARLIER`] versions that declare events of the type `event_type`: only they know what one
    /// holds. All of them by default.
    fn earlier_of(event_type: &str) -> &'static [&'static str] {
        let _ = event_type;
        Self::EARLIER
    }

    /// Reads the event of type `event_type` that was published under one of the [`EventSet::EARLIER`] versions, and
    /// makes it one of this version. By default, all versions are alike.
    ///
    /// # Errors
    /// When the payload or the headers are not what that version says, or have no counterpart in this one.
    fn decode_earlier<'de, D: Deserializer<'de>>(
        version: &str,
        event_type: &str,
        headers: &Headers,
        data: D,
    ) -> Result<Self, D::Error> {
        let _ = version;
        Self::decode(event_type, headers, data)
    }
}

/// A channel as the document declares it: what wiring needs to know, so that it needs no strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The name in the log and the last segment of the feed's path: the channel's key in kebab case.
    pub name: &'static str,
    /// The title of the feed.
    pub title: &'static str,
    /// `address` as written, with parameters in braces; `None` when it is known only at run time.
    pub address: Option<&'static str>,
    /// The event types that the channel declares.
    pub event_types: &'static [&'static str],
    /// `info.version` of the document: the version of the event's schema.
    pub version: &'static str,
    /// How the channel may be carried.
    pub transports: &'static [Transport],
}

/// A way to carry a channel's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// Consumers pull a feed.
    Feed,
    /// A dispatcher pushes to webhooks.
    Webhook,
}

/// The place of an event in its channel: dense, from 0, in commit order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// The position behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Position(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Position)
    }
}

/// The identity of an event: a UUIDv7 by default, any non-empty text by choice.
///
/// Publishing again with the same id is a no-op; consumers deduplicate by it.
///
/// Clones share the text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct EventId(Arc<str>);

impl EventId {
    /// A new UUIDv7.
    pub fn generate() -> Self {
        EventId::from(Uuid::now_v7())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for EventId {
    fn from(id: String) -> Self {
        EventId(id.into())
    }
}

impl From<&str> for EventId {
    fn from(id: &str) -> Self {
        EventId(id.into())
    }
}

impl From<Uuid> for EventId {
    fn from(id: Uuid) -> Self {
        EventId::from(&*id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message's headers: a JSON object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Headers(serde_json::Map<String, serde_json::Value>);

impl Headers {
    /// Writes a typed header struct.
    ///
    /// # Errors
    /// When it cannot be written as JSON, or is no object.
    pub fn from_typed<H: Serialize>(headers: &H) -> Result<Self, serde_json::Error> {
        serde_json::to_value(headers).and_then(serde_json::from_value)
    }

    /// Reads a typed header struct.
    ///
    /// # Errors
    /// When the headers are not what the document says.
    pub fn to_typed<H: DeserializeOwned>(&self) -> Result<H, serde_json::Error> {
        H::deserialize(serde_json::Value::Object(self.0.clone()))
    }

    /// One header.
    pub fn get(&self, name: &str) -> Option<&serde_json::Value> {
        self.0.get(name)
    }

    /// Sets one header.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// All that an event carries beside its payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// Its identity.
    pub id: EventId,
    /// Its type: the message's name.
    pub event_type: String,
    /// When it happened (by default: when it was published).
    pub time: DateTime<Utc>,
    /// What it is about; events of one subject stay in order.
    pub subject: Option<String>,
    /// The channel's address with its parameters filled in, for channels that have parameters.
    pub address: Option<String>,
    /// The version of its schema: `info.version` of the publisher's document.
    pub version: Option<String>,
    /// W3C trace context of the publisher.
    pub traceparent: Option<String>,
    /// The message's headers.
    pub headers: Headers,
}

impl Metadata {
    /// Metadata of a new event that happens now.
    pub fn new(event_type: impl Into<String>) -> Self {
        Metadata {
            id: EventId::generate(),
            event_type: event_type.into(),
            time: Utc::now(),
            subject: None,
            address: None,
            version: None,
            traceparent: None,
            headers: Headers::default(),
        }
    }
}

/// An event of which only the metadata has been understood: what the log stores and transports carry.
#[derive(Clone, Debug)]
pub struct RawEvent {
    /// Everything but the payload.
    pub metadata: Metadata,
    /// The payload: JSON text.
    pub data: Box<RawValue>,
}

impl RawEvent {
    /// The typed event. One that was published under an earlier version of the document, among those that `E` was
    /// generated from, is read by that version and brought to the newest.
    ///
    /// # Errors
    /// When the payload or headers are not what the document says; the error names the path to the offending field.
    pub fn decode<E: EventSet>(&self) -> Result<E, DecodeError> {
        let metadata = &self.metadata;
        let reader = Reader::of::<E>(metadata.version.as_deref(), &metadata.event_type);
        let read = reader.read(&metadata.event_type, &metadata.headers, self.data.get());
        read.map_err(|_| self.explain::<E>(reader))
    }

    /// Decodes a second time to learn where it failed: the good case pays nothing for it.
    #[cold]
    fn explain<E: EventSet>(&self, reader: Reader<'_>) -> DecodeError {
        let metadata = &self.metadata;
        let mut json = serde_json::Deserializer::from_str(self.data.get());
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
        let reason = match reader.decode::<E, _>(&metadata.event_type, &metadata.headers, tracked) {
            Err(error) => error.to_string(),
            Ok(_) => "decoding failed once and succeeded on a second attempt".to_owned(),
        };
        let path = track.path().to_string();
        DecodeError { event_type: metadata.event_type.clone(), id: metadata.id.clone(), path, reason }
    }
}

impl PartialEq for RawEvent {
    fn eq(&self, other: &Self) -> bool {
        self.metadata == other.metadata && self.data.get() == other.data.get()
    }
}

/// A payload that is not what the document says.
#[derive(Clone, Debug, thiserror::Error)]
#[error("event {id} of type {event_type:?} does not match the document at `{path}`: {reason}")]
#[non_exhaustive]
pub struct DecodeError {
    /// The event's type.
    pub event_type: String,
    /// The event's id.
    pub id: EventId,
    /// The path to the offending field: `items[3].price`, `.` for the whole payload.
    pub path: String,
    /// What is wrong there.
    pub reason: String,
}

/// A typed event with its metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<E> {
    /// Everything but the payload.
    pub metadata: Metadata,
    /// The event.
    pub event: E,
}

impl<E> Deref for Envelope<E> {
    type Target = Metadata;

    fn deref(&self) -> &Metadata {
        &self.metadata
    }
}

impl<E: EventSet> Envelope<E> {
    /// The form in which it is stored and carried. Type, headers and schema version are taken from the event.
    ///
    /// # Errors
    /// When the event cannot be written as JSON.
    pub fn into_raw(self) -> Result<RawEvent, serde_json::Error> {
        let Envelope { mut metadata, event } = self;
        event.event_type().clone_into(&mut metadata.event_type);
        metadata.headers = event.headers()?;
        metadata.version = Some(E::CHANNEL.version.to_owned());
        Ok(RawEvent { data: event.data()?, metadata })
    }
}

/// An event whose type this version of the document does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownEvent {
    /// Its type.
    pub event_type: String,
    /// Its headers.
    pub headers: Headers,
    /// Its payload.
    pub data: serde_json::Value,
}
