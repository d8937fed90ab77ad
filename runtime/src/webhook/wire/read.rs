//! A body becomes an event.

use chrono::{DateTime, Datelike as _, Utc};
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;

use crate::event::{EventId, Headers, Metadata, Position, RawEvent};

/// The body as it is read: also from senders that write only what Standard Webhooks names.
#[derive(Deserialize)]
struct Incoming {
    #[serde(rename = "type")]
    event_type: String,
    timestamp: Option<DateTime<Utc>>,
    data: Box<RawValue>,
    id: Option<EventId>,
    channel: Option<String>,
    position: Option<Position>,
    subject: Option<String>,
    address: Option<String>,
    version: Option<String>,
    #[serde(default)]
    headers: Headers,
}

/// A delivery that has been read.
#[derive(Debug)]
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "stores read only the event back"))]
pub(crate) struct Delivered {
    pub(crate) channel: Option<String>,
    pub(crate) position: Option<Position>,
    pub(crate) event: RawEvent,
}

/// Reads a body. `id` is the `webhook-id` header; `time` stands in for a body without a timestamp.
pub(crate) fn read(
    body: &[u8],
    id: &str,
    traceparent: Option<&str>,
    time: DateTime<Utc>,
) -> Result<Delivered, serde_json::Error> {
    let body: Incoming = serde_json::from_slice(body)?;
    if body.timestamp.is_some_and(|time| !(0..=9999).contains(&time.year())) {
        // As the log does: what is stored and sent on is written in RFC 3339.
        return Err(serde_json::Error::custom("the year of its timestamp, in UTC, does not have four digits"));
    }
    let metadata = Metadata {
        id: body.id.unwrap_or_else(|| id.into()),
        event_type: body.event_type,
        time: body.timestamp.unwrap_or(time),
        subject: body.subject,
        address: body.address,
        version: body.version,
        traceparent: traceparent.map(str::to_owned),
        headers: body.headers,
    };
    let event = RawEvent { metadata, data: body.data };
    Ok(Delivered { channel: body.channel, position: body.position, event })
}
