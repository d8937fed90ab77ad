//! Collecting the events of a page from the log, bounded in what is read and in what is kept.
//!
//! A page ends when it holds as many events as asked for, when it has grown too large, or when it has passed by so many
//! events of other types that the request should be answered. Each of these depends only on the events themselves, so
//! a page that has ended is the same for ever. A page that has met the end of the log instead can still grow.

use std::collections::BTreeSet;

use crate::event::Position;
use crate::log::{Log, LogError, PageLimit, StoredEvent};

/// Events read from the log at once.
const CHUNK: usize = 256;
/// Events that a request with a filter looks at. A page may be empty for it, and its `next_url` leads on.
const LOOKED_AT: usize = 5000;
/// Bytes of payload after which a page ends.
const BYTES: usize = 8 << 20;

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
}

impl<'a> Scan<'a> {
    /// A page from `start` on, of at most `limit` events of `types` (all types when there are none).
    pub(super) fn new(start: Position, limit: usize, types: &'a BTreeSet<String>) -> Self {
        Scan { types, limit, items: Vec::new(), start, next: start, looked_at: 0, bytes: 0 }
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
            if at_end {
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
        self.next = stored.position.next();
        self.looked_at += 1;
        if self.types.is_empty() || self.types.contains(&stored.event.metadata.event_type) {
            self.bytes += stored.event.data.get().len();
            self.items.push(stored);
        }
    }

    /// Whether the page has ended and can never change.
    pub(super) fn is_full(&self) -> bool {
        self.items.len() >= self.limit || self.bytes >= BYTES || (!self.types.is_empty() && self.looked_at >= LOOKED_AT)
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
