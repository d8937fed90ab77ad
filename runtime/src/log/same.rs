//! Whether an event that is published a second time under one id is the same event.

use serde_json::Value;

use crate::event::RawEvent;

/// Whether both say the same. Identity is type, subject, address, headers and payload; time, trace context and schema
/// version are circumstances of publishing that differ between two attempts to publish one event.
pub(super) fn same_content(one: &RawEvent, other: &RawEvent) -> bool {
    let (a, b) = (&one.metadata, &other.metadata);
    a.event_type == b.event_type
        && a.subject == b.subject
        && a.address == b.address
        && a.headers == b.headers
        && same_json(one.data.get(), other.data.get())
}

/// Equal as text, or at least as JSON: a map may be written in another order the second time.
fn same_json(one: &str, other: &str) -> bool {
    one == other
        || match (serde_json::from_str::<Value>(one), serde_json::from_str::<Value>(other)) {
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        }
}
