//! A consumer's place in its source, in memory and in the store: moved only when an event is completed.

use std::sync::Arc;
use std::time::Duration;

use super::checkpoint::{Checkpoint, Checkpoints};
use super::error::StoreError;
use super::retry::{Backoff, RetryPolicy};

/// Storage may be locked or away for a moment; when it stays away, consuming must stop.
pub(super) const STORE_RETRY: RetryPolicy =
    RetryPolicy::attempts(5).backoff(Backoff::new(Duration::from_millis(100), Duration::from_secs(2)));

/// Whether a checkpoint is in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// It was committed with the handler's transaction.
    Yes,
    No,
}

pub(crate) struct Progress {
    consumer: String,
    checkpoints: Arc<dyn Checkpoints>,
    stored: Option<Checkpoint>,
}

impl Progress {
    pub(crate) async fn load(consumer: String, checkpoints: Arc<dyn Checkpoints>) -> Result<Self, StoreError> {
        let stored = checkpoints.load(&consumer).await?;
        Ok(Progress { consumer, checkpoints, stored })
    }

    /// The checkpoint, if there is one yet.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        self.stored.as_ref()
    }

    /// An event is completed.
    pub(crate) async fn completed(&mut self, checkpoint: Checkpoint, stored: Stored) -> Result<(), StoreError> {
        match stored {
            Stored::Yes => {
                self.stored = Some(checkpoint);
                Ok(())
            }
            Stored::No => self.store(checkpoint).await,
        }
    }

    /// Reading goes on at `resume` without another event completed.
    #[cfg(feature = "client")]
    pub(crate) async fn moved(&mut self, resume: &str) -> Result<(), StoreError> {
        if self.stored.as_ref().is_some_and(|stored| stored.resume == resume) {
            return Ok(());
        }
        let mut next = self.stored.clone().unwrap_or_default();
        resume.clone_into(&mut next.resume);
        self.store(next).await
    }

    async fn store(&mut self, next: Checkpoint) -> Result<(), StoreError> {
        persist(|| self.checkpoints.store(&self.consumer, &next)).await?;
        self.stored = Some(next);
        Ok(())
    }
}

/// Writes to a store, and again if it fails, a few times.
pub(super) async fn persist<T, F>(mut write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut attempt = 1;
    loop {
        let error = match write().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some(delay) = STORE_RETRY.random_delay(attempt) else { return Err(error) };
        tracing::warn!(error = super::attempt::chain(&error), attempt, ?delay, "a store failed and is tried again");
        tokio::time::sleep(delay).await;
        attempt += 1;
    }
}
