//! An event becomes a body and the id of its header.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::SecondsFormat;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::{EventId, Headers, Position, RawEvent};

/// The body as it is written.
#[derive(Serialize)]
struct Outgoing<'a> {
    #[serde(rename = "type")]
    event_type: &'a str,
    timestamp: String,
    data: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a EventId>,
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Headers::is_empty")]
    headers: &'a Headers,
}

/// The body of `event`. The same for every attempt.
pub(crate) fn write(channel: &str, position: Option<Position>, event: &RawEvent) -> Result<Vec<u8>, serde_json::Error> {
    let metadata = &event.metadata;
    serde_json::to_vec(&Outgoing {
        event_type: &metadata.event_type,
        timestamp: metadata.time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        data: &event.data,
        id: matches!(header_id(&metadata.id), Cow::Owned(_)).then_some(&metadata.id),
        channel,
        position,
        subject: metadata.subject.as_deref(),
        address: metadata.address.as_deref(),
        version: metadata.version.as_deref(),
        headers: &metadata.headers,
    })
}

/// The id as the `webhook-id` header carries it.
///
/// Ids are any text, the header is visible ASCII, and Standard Webhooks forbids full stops (they separate the parts of
/// the signed content). So anything else is percent-encoded; then the body has the id itself as `id`.
pub(crate) fn header_id(id: &EventId) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'.' && byte != b'%';
    let id = id.as_str();
    if id.bytes().all(plain) {
        return Cow::Borrowed(id);
    }
    let mut encoded = String::with_capacity(id.len() + 8);
    for byte in id.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            _ = write!(encoded, "%{byte:02X}");
        }
    }
    Cow::Owned(encoded)
}
