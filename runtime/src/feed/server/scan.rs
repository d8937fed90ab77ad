//! Collecting the events of a page from the log, bounded in what is read and in what is kept.
//!
//! A page ends when it holds as many events as asked for, before an event with which it would be too large, or when it has
//! passed by so many events of other types that the request should be answered. Each of these depends only on the events
//! themselves, so a page that has ended is the same for ever. A page that has met the end of the log instead can still
//! grow.

use std::collections::BTreeSet;
use std::io;

use tokio::time::Instant;

use crate::event::Position;
use crate::log::{Log, LogError, PageLimit, StoredEvent};

/// Events read from the log at once.
const CHUNK: usize = 256;
/// Events that a request with a filter looks at. A page may be empty for it, and its `next_url` leads on.
const LOOKED_AT: usize = 5000;
/// What the events of a page may weigh together, in bytes. One event by itself may weigh more.
const BYTES: usize = 8 << 20;
/// What an event takes on a page beside its texts: names of members, a time, a position.
const ITEM: usize = 256;

/// The events of one page, as far as they are known.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    types: &'a BTreeSet<String>,
    limit: usize,
    items: Vec<StoredEvent>,
    start: Position,
    next: Position,
    looked_at: usize,
    bytes: usize,
    /// The next event has no room.
    is_cut: bool,
    /// Until when an empty page is read on, however many events were looked at.
    until: Option<Instant>,
}

impl<'a> Scan<'a> {
    /// A page from `start` on, of at most `limit` events of `types` (all types when there are none).
    pub(super) fn new(start: Position, limit: usize, types: &'a BTreeSet<String>) -> Self {
        let (items, next) = (Vec::new(), start);
        Scan { types, limit, items, start, next, looked_at: 0, bytes: 0, is_cut: false, until: None }
    }

    /// Without an event, the page does not end before the log does: for forms in which an empty page is the end. It is
    /// read no further than `deadline`, as a page that can still grow.
    pub(super) fn not_empty_until(self, deadline: Instant) -> Self {
        Scan { until: Some(deadline), ..self }
    }

    /// Reads on, to the end of the page or of the log.
    pub(super) async fn extend(&mut self, log: &dyn Log, channel: &str) -> Result<(), LogError> {
        while !self.is_full() {
            let wanted = if self.types.is_empty() { CHUNK.min(self.limit - self.items.len()) } else { CHUNK };
            // What is filtered out does not count against the page, but it is read.
            let bytes = if self.types.is_empty() { BYTES - self.bytes } else { BYTES };
            let limit = PageLimit::events(wanted).bytes(bytes);
            let events = log.read_page(channel, self.next, limit).await?;
            let at_end = limit.is_at_end(&events);
            for stored in events {
                if self.is_full() {
                    break;
                }
                self.take(stored);
            }
            if at_end || (self.has_looked_enough() && self.until.is_some_and(|until| Instant::now() >= until)) {
                break;
            }
        }
        Ok(())
    }

    /// Takes events that follow those that were looked at, to the end of the page.
    pub(super) fn take_all(&mut self, events: &[StoredEvent]) {
        for stored in events {
            if self.is_full() {
                break;
            }
            self.take(stored.clone());
        }
    }

    fn take(&mut self, stored: StoredEvent) {
        let next = stored.position.next();
        if is_wanted(&stored, self.types) {
            let bytes = self.bytes + weight(&stored);
            if bytes > BYTES && !self.items.is_empty() {
                self.is_cut = true;
                return;
            }
            self.bytes = bytes;
            self.items.push(stored);
        }
        self.next = next;
        self.looked_at += 1;
    }

    /// Whether the page has ended and can never change.
    pub(super) fn is_full(&self) -> bool {
        let goes_on = self.until.is_some() && self.items.is_empty();
        self.items.len() >= self.limit || self.is_cut || self.bytes >= BYTES || (self.has_looked_enough() && !goes_on)
    }

    fn has_looked_enough(&self) -> bool {
        !self.types.is_empty() && self.looked_at >= LOOKED_AT
    }

    /// Whether no event has been looked at.
    pub(super) fn is_at_start(&self) -> bool {
        self.next == self.start
    }

    /// Where the page begins.
    pub(super) fn start(&self) -> Position {
        self.start
    }

    /// The events of the page.
    pub(super) fn items(&self) -> &[StoredEvent] {
        &self.items
    }

    /// Where the page after this one begins: behind the last event that was looked at.
    pub(super) fn next(&self) -> Position {
        self.next
    }
}

/// Whether an event is one of `types`; of all when there are none.
pub(super) fn is_wanted(stored: &StoredEvent, types: &BTreeSet<String>) -> bool {
    types.is_empty() || types.contains(&stored.event.metadata.event_type)
}

/// About what an event takes on a page, in bytes.
fn weight(stored: &StoredEvent) -> usize {
    let metadata = &stored.event.metadata;
    let optional = [&metadata.subject, &metadata.address, &metadata.version, &metadata.traceparent];
    let texts: usize = optional.into_iter().flatten().map(String::len).sum();
    let headers = match metadata.headers.is_empty() {
        true => 0,
        false => {
            let mut length = Length(0);
            // Writing cannot fail, and headers were read from JSON.
            let _ = serde_json::to_writer(&mut length, &metadata.headers);
            length.0
        }
    };
    // The type is the item's content, too.
    let names = metadata.id.as_str().len() + 2 * metadata.event_type.len();
    ITEM + names + texts + headers + stored.event.data.get().len()
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::event::{Metadata, RawEvent};
    use crate::log::MemoryLog;

    #[tokio::test]
    async fn a_page_that_must_not_be_empty_is_read_to_an_event_the_end_or_the_deadline() {
        let log = MemoryLog::new();
        let event = |name: &str| RawEvent { metadata: Metadata::new(name), data: RawValue::NULL.to_owned() };
        let others = |count: usize| (0..count).map(|_| event("Other")).collect::<Vec<_>>();
        let types = BTreeSet::from(["Wanted".to_owned()]);
        log.append("users", others(LOOKED_AT + 1000)).await.unwrap();
        let read = async |patience: Option<Instant>| {
            let mut scan = Scan::new(Position(0), 10, &types);
            scan.until = patience;
            scan.extend(&log, "users").await.unwrap();
            (scan.items().len(), scan.next().0, scan.is_full())
        };
        let (now, later) = (Some(Instant::now()), Some(Instant::now() + std::time::Duration::from_secs(3600)));
        let looked_at = LOOKED_AT as u64;
        assert_eq!(read(None).await, (0, looked_at, true));
        assert_eq!(read(later).await, (0, looked_at + 1000, false), "the end");
        let (items, next, full) = read(now).await;
        assert!(items == 0 && !full && (looked_at..looked_at + 1000).contains(&next), "the deadline");
        log.append("users", vec![event("Wanted"), event("Wanted")]).await.unwrap();
        assert_eq!(read(later).await, (1, looked_at + 1001, true), "an event");
    }
}
