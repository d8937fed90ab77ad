//! What is completed beyond a checkpoint. Where several events are handled at a time, they are completed out of order;
//! the checkpoint stays behind the first that is not, and those beyond it are noted here, so that they are not handled
//! again after a restart.
//!
//! Only one may move a checkpoint: its holder. Everything that is written here names the holder, and has no effect when
//! that is another one by then. A process that was away for a while, and replaced, can spoil nothing when it returns.

use async_trait::async_trait;

use super::checkpoint::Checkpoint;
use super::error::StoreError;
use super::transaction::Moved;

/// Notes what is completed beyond checkpoints.
///
/// Methods that write take a `holder`, a text that no other holder ever had. They answer [`Moved::Overtaken`], and change
/// nothing, when somebody else holds the checkpoint; and whoever takes it over waits until they are done.
#[async_trait]
pub trait Completions: Send + Sync {
    /// Makes `holder` the one that may move the checkpoint of `consumer`, instead of whoever was.
    ///
    /// # Errors
    /// When storage fails.
    async fn take_over(&self, consumer: &str, holder: &str) -> Result<(), StoreError>;

    /// The checkpoint of `consumer`, and what is completed beyond it. Where there is no checkpoint (somebody removed it to
    /// begin anew), nothing is.
    ///
    /// # Errors
    /// When storage fails.
    async fn open(&self, consumer: &str) -> Result<Opened, StoreError>;

    /// Whether `holder` holds the checkpoint of `consumer` now. By the time of the answer it may be another one.
    ///
    /// # Errors
    /// When storage fails.
    async fn holds(&self, consumer: &str, holder: &str) -> Result<bool, StoreError>;

    /// Whether an event is noted.
    ///
    /// # Errors
    /// When storage fails.
    async fn is_completed(&self, completion: &Completion) -> Result<bool, StoreError>;

    /// Notes events as completed, all or none. One that is noted already is no failure.
    ///
    /// # Errors
    /// When storage fails.
    async fn note(&self, holder: &str, completed: &[Completion]) -> Result<Moved, StoreError>;

    /// Moves the checkpoints of `consumers` to `next`, all or none, and forgets what they have `passed`.
    ///
    /// # Errors
    /// When storage fails.
    async fn advance(
        &self,
        holder: &str,
        consumers: &[&str],
        next: &Checkpoint,
        passed: &[Completion],
    ) -> Result<Moved, StoreError>;
}

/// A checkpoint with what is completed beyond it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The checkpoint, if there is one.
    pub checkpoint: Option<Checkpoint>,
    /// Events beyond it, as [`Completion::event`].
    pub completed: Vec<String>,
}

/// An event that is completed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Completion {
    /// The consumer, or its partition.
    pub consumer: String,
    /// The event: its position where there is one, else its id.
    pub event: String,
}
