//! Subscriptions, and where each of them stands in the log: what the dispatcher reads and writes.
//!
//! A subscription is a cursor into each of its channels, not a row per event: while an event is being tried, the
//! cursor stands on it and remembers the failure. So a restart finds everything it needs to go on.

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Uuid;

pub use self::memory::MemorySubscriptions;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteSubscriptions;
use super::sign::Secrets;
use crate::consume::StoreError;
use crate::event::{Position, RawEvent};

/// Identifies a subscription. Ids made later are greater.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubscriptionId(String);

impl SubscriptionId {
    /// A new id.
    pub fn generate() -> Self {
        SubscriptionId(Uuid::now_v7().to_string())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for SubscriptionId {
    fn from(id: String) -> Self {
        SubscriptionId(id)
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who wants which events sent where.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Where events are posted.
    pub callback_url: String,
    /// The event types wanted; empty for all.
    pub event_types: Vec<String>,
    /// The channels wanted, by name; empty for all, also those that the service adds later.
    pub channels: Vec<String>,
    /// Where it began: `from` on the wire.
    pub start: Start,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Whether events are sent.
    pub status: Status,
    /// What deliveries are signed with.
    pub secrets: Secrets,
}

impl Subscription {
    /// A new active subscription to everything from now on.
    pub fn new(callback_url: impl Into<String>, secrets: impl Into<Secrets>) -> Self {
        Subscription {
            id: SubscriptionId::generate(),
            callback_url: callback_url.into(),
            event_types: Vec::new(),
            channels: Vec::new(),
            start: Start::Now,
            created_at: Utc::now(),
            status: Status::Active,
            secrets: secrets.into(),
        }
    }

    #[cfg(feature = "client")]
    pub(crate) fn wants_channel(&self, channel: &str) -> bool {
        self.channels.is_empty() || self.channels.iter().any(|wanted| wanted == channel)
    }

    #[cfg(feature = "client")]
    pub(crate) fn wants_type(&self, event_type: &str) -> bool {
        self.event_types.is_empty() || self.event_types.iter().any(|wanted| wanted == event_type)
    }
}

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// With the first event published after it was made.
    #[default]
    Now,
    /// With the oldest event of the log.
    Beginning,
    /// With the event at this position of its one channel.
    At(Position),
}

/// Whether events are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// They are.
    Active,
    /// They are not any more.
    Disabled {
        /// Since when.
        at: DateTime<Utc>,
        /// Why, for the owner.
        reason: String,
    },
}

/// How far a subscription has come in one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The first event that is not delivered, skipped, or a dead letter.
    pub position: Position,
    /// What happened to that event so far, if it was tried in vain.
    pub failure: Option<Failure>,
}

impl Cursor {
    /// A cursor on an event that has not been tried.
    pub fn at(position: Position) -> Self {
        Cursor { position, failure: None }
    }
}

/// An event that could not be delivered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How often it was tried.
    pub attempts: u32,
    /// When it will be tried again.
    pub next_attempt_at: DateTime<Utc>,
    /// What went wrong last.
    pub error: String,
    /// The HTTP status of the last attempt, if there was an answer.
    pub status: Option<u16>,
}

/// What a subscription did not get, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The channel.
    pub channel: String,
    /// The position of the event, or of the first of a gap.
    pub first: Position,
    /// The same, or the position of the last event of a gap.
    pub last: Position,
    /// The event; `None` for a gap: events that retention removed from the log before they could be delivered.
    pub event: Option<RawEvent>,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong last.
    pub error: String,
    /// The HTTP status of the last attempt, if there was an answer.
    pub status: Option<u16>,
    /// When it was given up.
    pub at: DateTime<Utc>,
}

/// Stores subscriptions. Handles are cheap to clone and share one store.
///
/// Several handles and processes may create, read and delete; one dispatcher at a time moves the cursors.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// Stores a new subscription and where it begins in each channel, or nothing.
    ///
    /// # Errors
    /// When storage fails.
    async fn create(&self, subscription: &Subscription, cursors: &[(&str, Position)]) -> Result<(), StoreError>;

    /// One subscription.
    ///
    /// # Errors
    /// When storage fails.
    async fn get(&self, id: &SubscriptionId) -> Result<Option<Subscription>, StoreError>;

    /// At most `limit` subscriptions with ids greater than `after`, in the order of ids.
    ///
    /// # Errors
    /// When storage fails.
    async fn list(&self, after: Option<&SubscriptionId>, limit: usize) -> Result<Vec<Subscription>, StoreError>;

    /// Removes a subscription with its cursors and dead letters. Whether it was there.
    ///
    /// # Errors
    /// When storage fails.
    async fn delete(&self, id: &SubscriptionId) -> Result<bool, StoreError>;

    /// Stops an active subscription. No effect on one that is disabled or gone.
    ///
    /// # Errors
    /// When storage fails.
    async fn disable(&self, id: &SubscriptionId, reason: &str) -> Result<(), StoreError>;

    /// Where a subscription stands in each channel that it has begun.
    ///
    /// # Errors
    /// When storage fails.
    async fn cursors(&self, id: &SubscriptionId) -> Result<Vec<(String, Cursor)>, StoreError>;

    /// Moves a cursor. No effect when the subscription is gone.
    ///
    /// # Errors
    /// When storage fails.
    async fn advance(&self, id: &SubscriptionId, channel: &str, cursor: &Cursor) -> Result<(), StoreError>;

    /// Stores a dead letter and moves the cursor behind it, both or neither. No effect when the subscription is gone.
    ///
    /// # Errors
    /// When storage fails.
    async fn bury(&self, letter: &DeadLetter) -> Result<(), StoreError>;

    /// At most `limit` dead letters of a subscription with numbers greater than `after`, oldest first.
    ///
    /// # Errors
    /// When storage fails.
    async fn dead_letters(
        &self,
        id: &SubscriptionId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, DeadLetter)>, StoreError>;

    /// Told of every creation, deletion and disabling through handles of this process: the dispatcher need not wait
    /// for its next look at the store.
    fn changes(&self) -> watch::Receiver<()>;
}

#[async_trait]
impl<S: Subscriptions + ?Sized> Subscriptions for Arc<S> {
    async fn create(&self, subscription: &Subscription, cursors: &[(&str, Position)]) -> Result<(), StoreError> {
        (**self).create(subscription, cursors).await
    }

    async fn get(&self, id: &SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        (**self).get(id).await
    }

    async fn list(&self, after: Option<&SubscriptionId>, limit: usize) -> Result<Vec<Subscription>, StoreError> {
        (**self).list(after, limit).await
    }

    async fn delete(&self, id: &SubscriptionId) -> Result<bool, StoreError> {
        (**self).delete(id).await
    }

    async fn disable(&self, id: &SubscriptionId, reason: &str) -> Result<(), StoreError> {
        (**self).disable(id, reason).await
    }

    async fn cursors(&self, id: &SubscriptionId) -> Result<Vec<(String, Cursor)>, StoreError> {
        (**self).cursors(id).await
    }

    async fn advance(&self, id: &SubscriptionId, channel: &str, cursor: &Cursor) -> Result<(), StoreError> {
        (**self).advance(id, channel, cursor).await
    }

    async fn bury(&self, letter: &DeadLetter) -> Result<(), StoreError> {
        (**self).bury(letter).await
    }

    async fn dead_letters(
        &self,
        id: &SubscriptionId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, DeadLetter)>, StoreError> {
        (**self).dead_letters(id, after, limit).await
    }

    fn changes(&self) -> watch::Receiver<()> {
        (**self).changes()
    }
}
