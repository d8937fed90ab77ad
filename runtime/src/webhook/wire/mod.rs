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
//! | `id` | the event's id, only when it differs from the `webhook-id` header (percent-encoded there) |
//!
//! Receivers ignore members that they do not know. The W3C `traceparent` travels as the HTTP header of that name.

#[cfg(any(feature = "server", feature = "sqlite"))]
mod read;
#[cfg(any(feature = "client", feature = "sqlite"))]
mod write;

#[cfg(feature = "server")]
pub(crate) use read::Delivered;
#[cfg(any(feature = "server", feature = "sqlite"))]
pub(crate) use read::read;
#[cfg(feature = "client")]
pub(crate) use write::header_id;
#[cfg(any(feature = "client", feature = "sqlite"))]
pub(crate) use write::write;

/// The HTTP header with the publisher's trace context.
pub(crate) const TRACEPARENT: &str = "traceparent";

#[cfg(all(test, feature = "client", feature = "server"))]
mod tests {
    use proptest::prelude::*;

    use chrono::Utc;
    use serde_json::value::RawValue;

    use super::*;
    use crate::event::{EventId, Metadata, Position, RawEvent};

    fn event(id: &str, data: &str) -> RawEvent {
        let mut metadata = Metadata::new("NameChanged");
        metadata.id = id.into();
        metadata.time = "2020-05-01T14:00:00.123456789-07:00".parse().expect("a time");
        RawEvent { metadata, data: RawValue::from_string(data.to_owned()).expect("JSON") }
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
            r#"{"type":"a","data":{},"timestamp":"9999-12-31T23:59:59-05:00"}"#,
            r#"{"type":"a","data":{},"timestamp":"-0001-12-31T23:59:59Z"}"#,
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
