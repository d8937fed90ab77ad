//! The append-only log: what every transport reads and every publisher writes.
//!
//! The contract, which every implementation keeps (and the shared suite checks): an acknowledged append survives the
//! process; positions are dense and in commit order, so a reader that has seen position n never later finds a new
//! event at or below n; an event id is appended once.

#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod group;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod held;
mod memory;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod placement;
#[cfg(feature = "postgres")]
mod postgres;
mod retention;
mod same;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod wake;

use async_trait::async_trait;
use chrono::Datelike;

pub use memory::MemoryLog;
#[cfg(feature = "postgres")]
pub use postgres::PostgresLog;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLog;

pub use retention::{Retainer, Retention, Trimmed};

use crate::event::{EventId, Position, RawEvent};
use crate::publish::Receipt;

/// Appends events to a channel: a log in a transaction of its own, or a caller's transaction.
#[async_trait]
pub trait Append: Send {
    /// Appends all of `events`, in their order, or none.
    ///
    /// An event whose id the channel has already is not appended again: its receipt is the first one's.
    ///
    /// # Errors
    /// [`LogError::IdReused`] when an id is there with other content; [`LogError::IdUndecided`] when a caller's
    /// transaction holds one; [`LogError::Refused`] for what cannot be stored: then nothing was appended. Otherwise when
    /// storage fails: then all may be appended, or nothing.
    async fn append(&mut self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError>;
}

/// An append-only log of several channels. Handles are cheap to clone and share one log.
#[async_trait]
pub trait Log: Send + Sync {
    /// Appends all of `events`, in their order, or none. When it returns, they are durable.
    ///
    /// # Errors
    /// As [`Append::append`].
    async fn append(&self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError>;

    /// Reads at most `limit` events from `from` on, oldest first. Empty at the end of the log.
    ///
    /// Where payloads may be large, [`Log::read_page`] bounds what is held in memory.
    ///
    /// # Errors
    /// [`LogError::Retained`] when events at `from` were removed by retention; otherwise when storage fails.
    async fn read(&self, channel: &str, from: Position, limit: usize) -> Result<Vec<StoredEvent>, LogError> {
        self.read_page(channel, from, PageLimit::events(limit)).await
    }

    /// Reads events from `from` on, oldest first, until `limit` is reached. Empty at the end of the log only.
    ///
    /// # Errors
    /// As [`Log::read`].
    async fn read_page(&self, channel: &str, from: Position, limit: PageLimit) -> Result<Vec<StoredEvent>, LogError>;

    /// Where the event with this id stands. Nowhere: it was never there, or removed by retention.
    ///
    /// # Errors
    /// When storage fails.
    async fn find(&self, channel: &str, id: &EventId) -> Result<Option<Position>, LogError>;

    /// Which positions a channel holds. A channel that was never written holds none.
    ///
    /// # Errors
    /// When storage fails.
    async fn bounds(&self, channel: &str) -> Result<Bounds, LogError>;

    /// Returns when the channel holds an event at `position` (at once if it does). Slow readers cost a parked task.
    ///
    /// # Errors
    /// When storage fails.
    async fn wait(&self, channel: &str, position: Position) -> Result<(), LogError>;

    /// One step of retention: removes the oldest events of a channel, at most `limit` of those that `retention` does not
    /// keep. Fewer than `limit` were removed when there are no more. Who reads below gets [`LogError::Retained`]; the
    /// ids of removed events are forgotten. [`Retainer`] does it all the time.
    ///
    /// # Errors
    /// When storage fails; then nothing was removed.
    async fn trim(&self, channel: &str, retention: &Retention, limit: usize) -> Result<Trimmed, LogError>;
}

/// Where a page ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    /// It holds at most so many events.
    pub events: usize,
    /// It ends with the event with which its payloads reach so many bytes. So it holds at most that and one event, and
    /// a single event of any size is a page.
    pub bytes: usize,
}

impl PageLimit {
    /// So many events, whatever their size.
    pub fn events(events: usize) -> Self {
        PageLimit { events, bytes: usize::MAX }
    }

    /// Ends the page with the event with which its payloads reach `bytes`.
    #[must_use]
    pub fn bytes(self, bytes: usize) -> Self {
        PageLimit { bytes, ..self }
    }

    /// Whether a page that was read is at the end of the log, and was not ended by this limit.
    pub fn is_at_end(&self, page: &[StoredEvent]) -> bool {
        let bytes = |stored: &StoredEvent| stored.event.data.get().len();
        page.len() < self.events && page.iter().map(bytes).sum::<usize>() < self.bytes.max(1)
    }
}

/// An event in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its place in its channel.
    pub position: Position,
    /// The event.
    pub event: RawEvent,
}

/// The positions that a channel holds: `oldest..next`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The oldest event that is still there; equals `next` when there is none.
    pub oldest: Position,
    /// Where the next event will stand.
    pub next: Position,
}

/// Why the log could not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// An event with this id is in the channel, with other content.
    #[error("event id {id} is already in channel {channel:?} with other content; use a new id for a new event")]
    IdReused {
        /// The channel.
        channel: String,
        /// The id.
        id: EventId,
    },
    /// Whether an event with the same id will be in the channel is not decided yet.
    #[error(
        "a transaction that has not ended appends an event with the same id to channel {channel:?}; append again when it \
         has ended"
    )]
    IdUndecided {
        /// The channel.
        channel: String,
    },
    /// The event or the channel cannot be stored as it is.
    #[error("event {id:?} cannot be appended to channel {channel:?}: {reason}")]
    Refused {
        /// The channel.
        channel: String,
        /// The event's id.
        id: EventId,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The events asked for were removed by retention.
    #[error("channel {channel:?} begins at position {oldest}: older events were removed by retention")]
    Retained {
        /// The channel.
        channel: String,
        /// The oldest position that is still there.
        oldest: Position,
    },
    /// The storage failed. What was to be appended may be there all the same, where its answer was lost. Appending again
    /// with the same ids appends nothing twice.
    #[error("the event log's storage failed")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored is not what this version wrote.
    #[error("the event log holds a row that cannot be read: {0}")]
    Corrupt(String),
    /// The implementation answered with fewer receipts than events.
    #[error("the log acknowledged an append without a receipt")]
    NoReceipt,
}

/// The longest event id, in bytes. Webhooks carry the id in a header, percent-encoded to at most three times that,
/// and receivers bound what they store: a longer one would be refused again and again, and hold up its channel.
const LONGEST_ID: usize = 128;

/// Refuses what no transport could carry later.
fn check(channel: &str, events: &[RawEvent]) -> Result<(), LogError> {
    for event in events {
        let metadata = &event.metadata;
        let reason = if metadata.id.as_str().is_empty() {
            "its id is empty; leave it out to get one, or give it one that is its own"
        } else if metadata.id.as_str().len() > LONGEST_ID {
            "its id is longer than 128 bytes; use a shorter one, for example a UUID or a hash of what you have"
        } else if metadata.event_type.is_empty() {
            "its type is empty"
        } else if !(0..=9999).contains(&metadata.time.year()) {
            "the year of its time has more than four digits, which RFC 3339 cannot say"
        } else {
            continue;
        };
        return Err(LogError::Refused { channel: channel.to_owned(), id: metadata.id.clone(), reason });
    }
    Ok(())
}
