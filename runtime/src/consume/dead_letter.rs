//! Dead letters: events that a consumer gave up, kept whole so that a person can look at them and replay them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use super::attempt::{self, Failure};
use super::error::StoreError;
use super::handler::{Context, Handler};
use crate::event::{Position, RawEvent};

/// An event that a consumer gave up.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The consumer's name.
    pub consumer: String,
    /// The event's channel, where it is known: event ids are unique only within one.
    pub channel: Option<String>,
    /// Where the event came from: the URL of the feed page, or the channel of a log.
    pub source: String,
    /// The event's place in the publisher's log, where the transport tells.
    pub position: Option<Position>,
    /// The event as it came.
    pub event: RawEvent,
    /// Why it was given up.
    pub error: String,
    /// How often a handler was tried; 0 for what did not decode.
    pub attempts: u32,
    /// When it was given up.
    pub time: DateTime<Utc>,
}

/// A dead letter in its store.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredDeadLetter {
    /// Its number in the store.
    pub number: u64,
    /// The dead letter.
    pub letter: DeadLetter,
}

/// Keeps dead letters.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Stores a dead letter and returns its number. A letter of the same consumer about the same event (its
    /// channel and id) is replaced, so that a consumer that was killed before its checkpoint leaves no second one.
    ///
    /// # Errors
    /// When storage fails.
    async fn add(&self, letter: &DeadLetter) -> Result<u64, StoreError>;

    /// At most `limit` letters of `consumer` with numbers above `after` (0 for the first), in the order of numbers.
    ///
    /// # Errors
    /// When storage fails.
    async fn list(&self, consumer: &str, after: u64, limit: usize) -> Result<Vec<StoredDeadLetter>, StoreError>;

    /// One letter.
    ///
    /// # Errors
    /// When storage fails.
    async fn get(&self, number: u64) -> Result<Option<DeadLetter>, StoreError>;

    /// Removes one letter and returns it.
    ///
    /// # Errors
    /// When storage fails.
    async fn take(&self, number: u64) -> Result<Option<DeadLetter>, StoreError>;
}

/// What became of a dead letter that was replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The handler succeeded; the letter is gone.
    Handled,
    /// It failed again; the letter is kept, with this error and one more attempt.
    Failed(String),
    /// There is no such letter.
    NotFound,
}

/// Gives a dead letter to a handler again, once.
///
/// The letter is removed after the handler succeeded, so a process that is killed in between replays it twice rather
/// than not at all.
///
/// # Errors
/// When the store fails.
pub async fn replay<H: Handler>(letters: &dyn DeadLetters, number: u64, handler: &H) -> Result<Replayed, StoreError> {
    let Some(mut letter) = letters.get(number).await? else { return Ok(Replayed::NotFound) };
    let outcome = match letter.event.decode::<H::Events>() {
        Err(error) => Err(error.to_string()),
        Ok(event) => {
            letter.attempts = letter.attempts.saturating_add(1);
            let mut context = Context::new(letter.event.metadata.clone(), letter.position);
            context.attempt = letter.attempts;
            attempt::run(handler, event, &context, None).await.map_err(Failure::into_error)
        }
    };
    match outcome {
        Ok(()) => {
            letters.take(number).await?;
            Ok(Replayed::Handled)
        }
        Err(error) => {
            letter.error.clone_from(&error);
            letter.time = Utc::now();
            letters.add(&letter).await?;
            Ok(Replayed::Failed(error))
        }
    }
}

#[async_trait]
impl<D: DeadLetters + ?Sized> DeadLetters for Arc<D> {
    async fn add(&self, letter: &DeadLetter) -> Result<u64, StoreError> {
        (**self).add(letter).await
    }

    async fn list(&self, consumer: &str, after: u64, limit: usize) -> Result<Vec<StoredDeadLetter>, StoreError> {
        (**self).list(consumer, after, limit).await
    }

    async fn get(&self, number: u64) -> Result<Option<DeadLetter>, StoreError> {
        (**self).get(number).await
    }

    async fn take(&self, number: u64) -> Result<Option<DeadLetter>, StoreError> {
        (**self).take(number).await
    }
}

/// Dead letters that last as long as the process. Handles are cheap to clone and share their content.
#[derive(Clone, Debug, Default)]
pub struct MemoryDeadLetters {
    letters: Arc<Mutex<Letters>>,
}

#[derive(Debug, Default)]
struct Letters {
    last: u64,
    letters: BTreeMap<u64, DeadLetter>,
}

impl MemoryDeadLetters {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl DeadLetters for MemoryDeadLetters {
    async fn add(&self, letter: &DeadLetter) -> Result<u64, StoreError> {
        let mut store = self.letters.lock().await;
        let same = |other: &DeadLetter| {
            other.consumer == letter.consumer
                && other.channel == letter.channel
                && other.event.metadata.id == letter.event.metadata.id
        };
        let known = store.letters.iter().find(|(_, other)| same(other)).map(|(number, _)| *number);
        let number = known.unwrap_or(store.last + 1);
        store.last = store.last.max(number);
        store.letters.insert(number, letter.clone());
        Ok(number)
    }

    async fn list(&self, consumer: &str, after: u64, limit: usize) -> Result<Vec<StoredDeadLetter>, StoreError> {
        let store = self.letters.lock().await;
        let of_consumer =
            store.letters.iter().filter(|(number, letter)| **number > after && letter.consumer == consumer);
        Ok(of_consumer
            .take(limit)
            .map(|(number, letter)| StoredDeadLetter { number: *number, letter: letter.clone() })
            .collect())
    }

    async fn get(&self, number: u64) -> Result<Option<DeadLetter>, StoreError> {
        Ok(self.letters.lock().await.letters.get(&number).cloned())
    }

    async fn take(&self, number: u64) -> Result<Option<DeadLetter>, StoreError> {
        Ok(self.letters.lock().await.letters.remove(&number))
    }
}
