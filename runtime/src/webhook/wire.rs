//! What a delivery looks like: an event of the log becomes an id header and a JSON body, and back.
//!
//! The body is that of Standard Webhooks, `{"type","timestamp","data"}`, where `data` is the stored JSON text as it
//! stands. Beside these, where there is something to say:
//!
//! | member | holds |
//! | --- | --- |
//! | `channel` | the channel's name in the publisher's log |
//! | `position` | the event's place in that channel: dense, from 0 |
//! | `subject` | what the event is about |
//! | `address` | the channel's address with its parameters filled in |
//! | `version` | the version of the publisher's document |
//! | `headers` | the message's headers, an object |
//! | `id` | the event's id, only when it differs from the `webhook-id` header (see [`header_id`]) |
//!
//! Receivers ignore members that they do not know. The W3C `traceparent` travels as the HTTP header of that name.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::{EventId, Headers, Metadata, Position, RawEvent};

/// The HTTP header with the publisher's trace context.
pub(crate) const TRACEPARENT: &str = "traceparent";

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
pub(crate) struct Delivered {
    pub(crate) channel: Option<String>,
    pub(crate) position: Option<Position>,
    pub(crate) event: RawEvent,
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

/// Reads a body. `id` is the `webhook-id` header; `time` stands in for a body without a timestamp.
pub(crate) fn read(
    body: &[u8],
    id: &str,
    traceparent: Option<&str>,
    time: DateTime<Utc>,
) -> Result<Delivered, serde_json::Error> {
    let body: Incoming = serde_json::from_slice(body)?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(id: &str, data: &str) -> RawEvent {
        let mut metadata = Metadata::new("NameChanged");
        metadata.id = id.into();
        metadata.time = "2020-05-01T14:00:00.123456789-07:00".parse().unwrap();
        RawEvent { metadata, data: RawValue::from_string(data.to_owned()).unwrap() }
    }

    #[test]
    fn the_body_is_that_of_standard_webhooks_with_the_data_verbatim() {
        let data = r#"{ "big": 12345678901234567890123,  "e": 1.0e2 }"#;
        let body = write("user-events", Some(Position(7)), &event("0190", data)).unwrap();
        assert_eq!(
            String::from_utf8(body).unwrap(),
            format!(
                r#"{{"type":"NameChanged","timestamp":"2020-05-01T21:00:00.123456789Z","data":{data},"channel":"user-events","position":7}}"#
            )
        );
    }

    #[test]
    fn an_event_comes_back_as_it_went() {
        let mut event = event("käse 1.5%", "null");
        event.metadata.subject = Some("/user/1".to_owned());
        event.metadata.address = Some("users.1".to_owned());
        event.metadata.version = Some("1.2.0".to_owned());
        event.metadata.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
        event.metadata.headers.insert("priority", 3);
        let body = write("user-events", Some(Position(7)), &event).unwrap();
        let id = header_id(&event.metadata.id);
        assert_eq!(id, "k%C3%A4se%201%2E5%25");
        let read = read(&body, &id, event.metadata.traceparent.as_deref(), Utc::now()).unwrap();
        assert_eq!(read.event, event);
        assert_eq!((read.channel.as_deref(), read.position), (Some("user-events"), Some(Position(7))));
    }

    #[test]
    fn a_body_with_only_what_the_standard_names_is_read() {
        let now = Utc::now();
        let read = super::read(br#"{"type":"a.b","data":{},"extra":[1]}"#, "msg_1", None, now).unwrap();
        assert_eq!((read.event.metadata.event_type.as_str(), read.event.metadata.time), ("a.b", now));
        assert_eq!(read.event.metadata.id.as_str(), "msg_1");
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "\u{feff}{}",
            r#"{"type":"a"}"#,
            r#"{"data":{}}"#,
            r#"{"type":1,"data":{}}"#,
            r#"{"type":"a","data":{},"timestamp":"yesterday"}"#,
            r#"{"type":"a","type":"b","data":{}}"#,
            r#"{"type":"a","data":{}} trailing"#,
        ] {
            assert!(read(body.as_bytes(), "id", None, Utc::now()).is_err(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_id_is_a_header_value_and_no_two_ids_share_one(a in ".*", b in ".*") {
            let (a, b) = (EventId::from(a), EventId::from(b));
            let (x, y) = (header_id(&a), header_id(&b));
            prop_assert!(x.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.'));
            prop_assert_eq!(a == b, x == y);
        }
    }
}
