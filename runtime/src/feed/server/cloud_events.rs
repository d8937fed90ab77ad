//! A page as a batch of CloudEvents 1.0 (JSON batch format), for readers of the http-feeds protocol: `lastEventId` says
//! which event the reader has seen last, an empty array that there is nothing behind it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::EventId;
use crate::log::StoredEvent;

/// The media type of a batch.
pub(super) const MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// An event in a batch.
#[derive(Debug, Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a EventId,
    /// Where the event comes from: the feed. With the id, it names the event among all.
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    time: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    datacontenttype: &'static str,
    /// Which schema the data adheres to: another URI for each version of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataschema: Option<String>,
    /// The sequence extension: the place in the channel. Texts of one length, so that they are ordered as text.
    sequence: String,
    /// The distributed tracing extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    // Extensions of our own, `dataversion` the version as the document has it. They are texts, because CloudEvents' integers have 32 bits, and no extension is an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataversion: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<String>,
    data: &'a RawValue,
}

/// The batch of `events` from the feed at `source`.
pub(super) fn batch(source: &str, events: &[StoredEvent]) -> Result<Vec<u8>, serde_json::Error> {
    let batch: Vec<CloudEvent<'_>> = events.iter().map(|stored| event(source, stored)).collect::<Result<_, _>>()?;
    serde_json::to_vec(&batch)
}

fn event<'a>(source: &'a str, stored: &'a StoredEvent) -> Result<CloudEvent<'a>, serde_json::Error> {
    let metadata = &stored.event.metadata;
    let headers = (!metadata.headers.is_empty()).then(|| serde_json::to_string(&metadata.headers)).transpose()?;
    // An attribute must not be empty.
    let text = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
    Ok(CloudEvent {
        specversion: "1.0",
        id: &metadata.id,
        source,
        event_type: &metadata.event_type,
        time: metadata.time,
        subject: text(&metadata.subject),
        datacontenttype: "application/json",
        dataschema: text(&metadata.version).map(|version| schema_uri(source, version)),
        sequence: format!("{:020}", stored.position.0),
        traceparent: text(&metadata.traceparent),
        dataversion: text(&metadata.version),
        address: text(&metadata.address),
        headers,
        data: &stored.event.data,
    })
}

/// The feed with the version as its fragment: what a version is of is known by the feed.
fn schema_uri(source: &str, version: &str) -> String {
    let mut uri = format!("{source}#");
    for byte in version.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
