//! Checkpoints: how far a consumer has come, kept where a restart finds it.
//!
//! A checkpoint names the last event that was completed (handled, or stored as a dead letter) and where to read on. It
//! is stored after every event, never before: a consumer that is killed between an event's effect and its checkpoint
//! handles that one event again. So handling is at least once; in every orderly stop and restart it is exactly once.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::dead_letter::{DeadLetters, MemoryDeadLetters};
use super::error::StoreError;
use super::transaction::Transactions;
use crate::event::{EventId, Position};

/// How far a consumer has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Where to read on: the URL of the page that holds the last completed event, or of the one after it, relative to
    /// the feed's own where it is on the same host.
    pub resume: String,
    /// The position of the last completed event, where the transport tells.
    pub position: Option<Position>,
    /// The id of the last completed event; `None` before the first.
    pub event_id: Option<EventId>,
}

/// Keeps checkpoints, one for each consumer name.
///
/// Two processes must not consume under one name at the same time: they would overwrite each other's checkpoint.
#[async_trait]
pub trait Checkpoints: Send + Sync {
    /// The checkpoint of `consumer`, if it has one.
    ///
    /// # Errors
    /// When storage fails.
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError>;

    /// Replaces the checkpoint of `consumer`. When it returns, the checkpoint is as durable as the store makes it.
    ///
    /// # Errors
    /// When storage fails.
    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError>;

    /// Where consumers with these checkpoints put dead letters unless told otherwise. A store that has none makes
    /// them stop at the first event that must become a dead letter.
    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        None
    }

    /// Transactions in the store's database, for handlers that ask for one. A store that has none cannot give them any.
    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        None
    }
}

#[async_trait]
impl<C: Checkpoints + ?Sized> Checkpoints for Arc<C> {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        (**self).load(consumer).await
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        (**self).store(consumer, checkpoint).await
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        (**self).dead_letters()
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        (**self).transactions()
    }
}

/// What to do when the publisher has removed events that the consumer has not seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retained {
    /// Stop with [`ConsumeError::Retained`](super::ConsumeError::Retained).
    #[default]
    Stop,
    /// Go on with the oldest event that is left, and log the gap.
    Continue,
}

/// Checkpoints that last as long as the process: for tests, and for consumers that read from the beginning each time.
/// Handles are cheap to clone and share their content.
#[derive(Clone, Debug, Default)]
pub struct MemoryCheckpoints {
    checkpoints: Arc<Mutex<HashMap<String, Checkpoint>>>,
    dead_letters: MemoryDeadLetters,
}

impl MemoryCheckpoints {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Checkpoints for MemoryCheckpoints {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        Ok(self.checkpoints.lock().await.get(consumer).cloned())
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.checkpoints.lock().await.insert(consumer.to_owned(), checkpoint.clone());
        Ok(())
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(self.dead_letters.clone()))
    }
}
