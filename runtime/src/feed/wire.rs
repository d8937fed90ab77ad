//! The feed on the wire: a page of JSON Feed 1.1 whose items carry events in `_` extensions.
//!
//! In: events of the log. Out: the JSON of a page. Items write the type and the headers before the payload, so that a
//! reader can decode the payload where it stands, in one pass.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::{EventId, Headers, Position};
use crate::log::StoredEvent;

/// The media type of a page.
pub const MEDIA_TYPE: &str = "application/feed+json";

/// The `version` of a page.
pub const VERSION: &str = "https://jsonfeed.org/version/1.1";

/// A page of a feed, oldest event first.
#[derive(Clone, Debug, Serialize)]
pub struct Page<'a, I = Item<'a>> {
    /// Always [`VERSION`].
    pub version: &'a str,
    /// The title of the channel.
    pub title: &'a str,
    /// Where the feed begins.
    pub feed_url: &'a str,
    /// The page after this one. An empty page that is the end of the feed has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_url: Option<&'a str>,
    /// The events.
    pub items: Vec<I>,
}

/// An event in a page.
#[derive(Clone, Debug, Serialize)]
pub struct Item<'a> {
    /// The event's id.
    pub id: &'a EventId,
    /// When it happened.
    pub date_published: DateTime<Utc>,
    /// For readers that know nothing of events: the event's type. JSON Feed requires some content.
    pub content_text: &'a str,
    /// The event's type.
    #[serde(rename = "_type")]
    pub event_type: &'a str,
    /// The message's headers.
    #[serde(rename = "_headers", skip_serializing_if = "Option::is_none")]
    pub headers: Option<&'a Headers>,
    /// The payload, as it was published.
    #[serde(rename = "_data")]
    pub data: &'a RawValue,
    /// The place in the channel.
    #[serde(rename = "_position")]
    pub position: Position,
    /// What the event is about.
    #[serde(rename = "_subject", skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    /// The version of its schema.
    #[serde(rename = "_version", skip_serializing_if = "Option::is_none")]
    pub version: Option<&'a str>,
    /// W3C trace context of the publisher.
    #[serde(rename = "_traceparent", skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<&'a str>,
    /// The channel's address with its parameters filled in.
    #[serde(rename = "_address", skip_serializing_if = "Option::is_none")]
    pub address: Option<&'a str>,
}

impl<'a> From<&'a StoredEvent> for Item<'a> {
    fn from(stored: &'a StoredEvent) -> Self {
        let metadata = &stored.event.metadata;
        Item {
            id: &metadata.id,
            date_published: metadata.time,
            content_text: &metadata.event_type,
            event_type: &metadata.event_type,
            headers: (!metadata.headers.is_empty()).then_some(&metadata.headers),
            data: &stored.event.data,
            position: stored.position,
            subject: metadata.subject.as_deref(),
            version: metadata.version.as_deref(),
            traceparent: metadata.traceparent.as_deref(),
            address: metadata.address.as_deref(),
        }
    }
}

/// An event in a page of the strict form: JSON Feed 1.1 asks extensions to be objects, and some validators insist.
#[derive(Clone, Debug, Serialize)]
pub struct StrictItem<'a> {
    /// The event's id.
    pub id: &'a EventId,
    /// When it happened.
    pub date_published: DateTime<Utc>,
    /// For readers that know nothing of events: the event's type.
    pub content_text: &'a str,
    /// The event.
    #[serde(rename = "_event")]
    pub event: Extension<'a>,
}

/// The one extension of a [`StrictItem`]: what an [`Item`] has as members that begin with `_`.
#[derive(Clone, Debug, Serialize)]
pub struct Extension<'a> {
    /// The event's type.
    #[serde(rename = "type")]
    pub event_type: &'a str,
    /// The message's headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<&'a Headers>,
    /// The payload, as it was published.
    pub data: &'a RawValue,
    /// The place in the channel.
    pub position: Position,
    /// What the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    /// The version of its schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<&'a str>,
    /// W3C trace context of the publisher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<&'a str>,
    /// The channel's address with its parameters filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<&'a str>,
}

impl<'a> From<&'a StoredEvent> for StrictItem<'a> {
    fn from(stored: &'a StoredEvent) -> Self {
        let Item {
            id,
            date_published,
            content_text,
            event_type,
            headers,
            data,
            position,
            subject,
            version,
            traceparent,
            address,
        } = Item::from(stored);
        let event = Extension { event_type, headers, data, position, subject, version, traceparent, address };
        StrictItem { id, date_published, content_text, event }
    }
}
