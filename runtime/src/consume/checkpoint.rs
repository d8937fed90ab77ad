//! Checkpoints: how far a consumer has come, kept where a restart finds it.
//!
//! A checkpoint names the last event that was completed (handled, or stored as a dead letter) and where to read on. It
//! is stored after every event unless the consumer was given an interval, and never before: a consumer that is killed
//! between an event's effect and its checkpoint handles that event again. So handling is at least once; in every orderly
//! stop and restart it is exactly once. Where several events are handled at a time, [`Completions`] know those beyond the
//! checkpoint that are completed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::completions::{Completion, Completions, Opened};
use super::dead_letter::{DeadLetters, MemoryDeadLetters};
use super::error::StoreError;
use super::group::Leases;
use super::transaction::{Moved, Transactions};
use crate::event::{EventId, Position};

/// How far a consumer has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    /// Where to read on: the URL of the page that holds the last completed event, or of the one after it, relative to
    /// the feed's own where it is on the same host.
    pub resume: Arc<str>,
    /// The position of the last completed event, where the transport tells.
    pub position: Option<Position>,
    /// The id of the last completed event; `None` before the first.
    pub event_id: Option<EventId>,
}

/// Keeps checkpoints, one for each consumer name.
///
/// Of two processes that consume under one name, the one that started last goes on, and the other one stops with
/// [`ConsumeError::Overtaken`](super::ConsumeError::Overtaken), where the store has [`Completions`]; in another one they
/// would overwrite each other's checkpoint. Those that are to share the work are a [group](super::Group).
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

    /// What is completed beyond the checkpoints. A store that cannot note it is of no use to consumers that handle
    /// several events at a time.
    fn completions(&self) -> Option<Arc<dyn Completions>> {
        None
    }

    /// How the members of a group share its work. A store that has none is of no use to groups.
    fn leases(&self) -> Option<Arc<dyn Leases>> {
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

    fn completions(&self) -> Option<Arc<dyn Completions>> {
        (**self).completions()
    }

    fn leases(&self) -> Option<Arc<dyn Leases>> {
        (**self).leases()
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
    state: Arc<Mutex<State>>,
    dead_letters: MemoryDeadLetters,
}

#[derive(Debug, Default)]
struct State {
    consumers: HashMap<String, Kept>,
    completed: HashSet<Completion>,
}

/// What is kept of a consumer, or of a partition of a group.
#[derive(Debug, Default)]
struct Kept {
    checkpoint: Option<Checkpoint>,
    /// Who may move it.
    holder: Option<String>,
}

impl State {
    fn holds(&self, consumer: &str, holder: &str) -> bool {
        self.consumers.get(consumer).is_some_and(|kept| kept.holder.as_deref() == Some(holder))
    }

    fn checkpoint(&self, consumer: &str) -> Option<Checkpoint> {
        self.consumers.get(consumer).and_then(|kept| kept.checkpoint.clone())
    }

    fn kept(&mut self, consumer: &str) -> &mut Kept {
        self.consumers.entry(consumer.to_owned()).or_default()
    }
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
        Ok(self.state.lock().await.checkpoint(consumer))
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.state.lock().await.kept(consumer).checkpoint = Some(checkpoint.clone());
        Ok(())
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(self.dead_letters.clone()))
    }

    fn completions(&self) -> Option<Arc<dyn Completions>> {
        Some(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Completions for MemoryCheckpoints {
    async fn take_over(&self, consumer: &str, holder: &str) -> Result<(), StoreError> {
        self.state.lock().await.kept(consumer).holder = Some(holder.to_owned());
        Ok(())
    }

    async fn open(&self, consumer: &str) -> Result<Opened, StoreError> {
        let state = self.state.lock().await;
        let completed = state.completed.iter().filter(|completion| completion.consumer == consumer);
        let completed = completed.map(|completion| completion.event.clone()).collect();
        Ok(Opened { checkpoint: state.checkpoint(consumer), completed })
    }

    async fn holds(&self, consumer: &str, holder: &str) -> Result<bool, StoreError> {
        Ok(self.state.lock().await.holds(consumer, holder))
    }

    async fn is_completed(&self, completion: &Completion) -> Result<bool, StoreError> {
        Ok(self.state.lock().await.completed.contains(completion))
    }

    async fn note(&self, holder: &str, completed: &[Completion]) -> Result<Moved, StoreError> {
        let mut state = self.state.lock().await;
        if !completed.iter().all(|completion| state.holds(&completion.consumer, holder)) {
            return Ok(Moved::Overtaken);
        }
        state.completed.extend(completed.iter().cloned());
        Ok(Moved::Yes)
    }

    async fn advance(
        &self,
        holder: &str,
        consumers: &[&str],
        next: &Checkpoint,
        passed: &[Completion],
    ) -> Result<Moved, StoreError> {
        let mut state = self.state.lock().await;
        if !consumers.iter().all(|consumer| state.holds(consumer, holder)) {
            return Ok(Moved::Overtaken);
        }
        for consumer in consumers {
            if let Some(kept) = state.consumers.get_mut(*consumer) {
                kept.checkpoint = Some(next.clone());
            }
        }
        for completion in passed {
            state.completed.remove(completion);
        }
        Ok(Moved::Yes)
    }
}
