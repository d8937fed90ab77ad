//! The last events of each channel in memory, for those who follow it: an event for which a thousand readers have waited is
//! read from the log once.
//!
//! Events never change, so that a piece of the log is right whenever it was read. It may end before events that were
//! committed since: only those read from here who ask again, and not those who want to know where the log ends now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::flights::{Flights, Outcome, Turn};
use crate::event::Position;
use crate::log::{Log, LogError, PageLimit, StoredEvent};

/// Read at once.
const CHUNK: PageLimit = PageLimit { events: 100, bytes: 1 << 18 };

/// Some successive events of a channel.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    events: Arc<[StoredEvent]>,
    /// Those before are not wanted.
    skipped: usize,
}

impl Chunk {
    pub(super) fn events(&self) -> &[StoredEvent] {
        &self.events[self.skipped..]
    }

    /// What is at `from` and behind it, if any of it is here.
    fn from(&self, from: Position) -> Option<Chunk> {
        let first = self.events.first()?.position;
        let skipped = usize::try_from(from.0.checked_sub(first.0)?).ok()?;
        let begins = self.events.get(skipped).is_some_and(|stored| stored.position == from);
        begins.then(|| Chunk { events: Arc::clone(&self.events), skipped })
    }

    fn last(&self) -> Option<Position> {
        self.events.last().map(|stored| stored.position)
    }
}

/// The last events of each channel that were read.
pub(super) struct Tails {
    chunks: Mutex<HashMap<&'static str, Chunk>>,
    flights: Flights<(&'static str, Position), Chunk>,
}

impl Tails {
    pub(super) fn new() -> Self {
        Tails { chunks: Mutex::default(), flights: Flights::new() }
    }

    /// Events from `from` on; none where there were none a moment ago.
    pub(super) async fn read(&self, log: &dyn Log, channel: &'static str, from: Position) -> Result<Chunk, LogError> {
        if let Some(chunk) = self.held(channel, from) {
            return Ok(chunk);
        }
        match self.flights.turn(&(channel, from)).await {
            Turn::Landed(Outcome::Shared(chunk)) => Ok(chunk),
            Turn::Landed(Outcome::Own) => self.read_log(log, channel, from).await,
            Turn::Lead(flight) => {
                // Somebody may have landed between the look and the turn.
                let chunk = match self.held(channel, from) {
                    Some(chunk) => Ok(chunk),
                    None => self.read_log(log, channel, from).await,
                };
                match &chunk {
                    Ok(chunk) => flight.land(Outcome::Shared(chunk.clone())),
                    // To fail one after the other would take long.
                    Err(_) => flight.land(Outcome::Own),
                }
                chunk
            }
        }
    }

    async fn read_log(&self, log: &dyn Log, channel: &'static str, from: Position) -> Result<Chunk, LogError> {
        let events = log.read_page(channel, from, CHUNK).await?;
        let chunk = Chunk { events: events.into(), skipped: 0 };
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        // Who reads history does not push out what many are about to read.
        if chunk.last() > chunks.get(channel).and_then(Chunk::last) {
            chunks.insert(channel, chunk.clone());
        }
        Ok(chunk)
    }

    fn held(&self, channel: &'static str, from: Position) -> Option<Chunk> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).get(channel)?.from(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Metadata, RawEvent};
    use crate::log::MemoryLog;

    #[tokio::test]
    async fn events_come_from_memory_where_they_are_there_and_from_the_log_where_not() {
        let log = MemoryLog::new();
        let append = async |count: usize| {
            let data = || serde_json::value::RawValue::from_string("1".to_owned()).unwrap();
            let events = (0..count).map(|_| RawEvent { metadata: Metadata::new("A"), data: data() }).collect();
            log.append("users", events).await.unwrap();
        };
        let tails = Tails::new();
        let read = async |from: u64| {
            let chunk = tails.read(&log, "users", Position(from)).await.unwrap();
            chunk.events().iter().map(|stored| stored.position.0).collect::<Vec<_>>()
        };
        assert!(read(0).await.is_empty());
        append(3).await;
        assert_eq!(read(0).await, [0, 1, 2]);
        append(2).await;
        assert_eq!(read(1).await, [1, 2], "from memory");
        assert_eq!(read(3).await, [3, 4], "from the log");
        assert_eq!(read(4).await, [4]);
        assert_eq!(read(0).await, [0, 1, 2, 3, 4], "history");
        assert!(read(5).await.is_empty());
        assert!(read(6).await.is_empty());
    }
}
