//! Dead letters: events that a consumer gave up, kept whole so that a person can look at them and replay them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::error::StoreError;
use super::transaction::Transactions;
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
    /// Whether others wait behind it.
    pub state: LetterState,
}

/// Whether a dead letter holds up its subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LetterState {
    /// It was given up, and the consumer has gone on.
    #[default]
    GivenUp,
    /// It, or one before it, was given up by a consumer that [parks subjects](super::OnPoison::ParkSubject): later events
    /// of its subject are kept as well, until [`replay_subject`](super::replay_subject) has handled them in their order.
    Parked,
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

    /// Stores how a letter was tried again (its error, attempts, time and state), if it is still there; says whether it
    /// was. Unless a store does better, this looks first and then [adds](DeadLetters::add) it.
    ///
    /// # Errors
    /// When storage fails.
    async fn update(&self, number: u64, letter: &DeadLetter) -> Result<bool, StoreError> {
        let there = self.get(number).await?.is_some();
        if there {
            self.add(letter).await?;
        }
        Ok(there)
    }

    /// Stores a parked letter behind those of the same consumer, channel and subject, and returns its number; `None` when
    /// there are none, because they have been replayed by now. Whoever removes the last of them either finds this one
    /// afterwards, or this one is not stored.
    ///
    /// A letter about the same event is replaced, as [`DeadLetters::add`] does; this one gets a new number, so it is behind
    /// the others: a consumer that begins anew parks its subject's events anew, in their order.
    ///
    /// # Errors
    /// When storage fails.
    async fn park(&self, letter: &DeadLetter) -> Result<Option<u64>, StoreError>;

    /// The subjects of a consumer and channel of which there are parked letters.
    ///
    /// # Errors
    /// When storage fails.
    async fn parked_subjects(&self, consumer: &str, channel: &str) -> Result<Vec<String>, StoreError>;

    /// The first of a subject's parked letters.
    ///
    /// # Errors
    /// When storage fails.
    async fn first_parked(
        &self,
        consumer: &str,
        channel: &str,
        subject: &str,
    ) -> Result<Option<StoredDeadLetter>, StoreError>;

    /// Makes `holder`, a text that no other holder ever had, the one that replays the parked letters of a subject, for
    /// `lease` from now on; where it is already, prolongs that. Says whether it is, or somebody else. Unless a store does
    /// better, everybody is: two that replay a subject at the same time then break its order.
    ///
    /// # Errors
    /// When storage fails.
    async fn hold(
        &self,
        consumer: &str,
        channel: &str,
        subject: &str,
        holder: &str,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let _ = (consumer, channel, subject, holder, lease);
        Ok(true)
    }

    /// `holder` is done with replaying a subject. No effect when it has passed to another.
    ///
    /// # Errors
    /// When storage fails.
    async fn let_go(&self, consumer: &str, channel: &str, subject: &str, holder: &str) -> Result<(), StoreError> {
        let _ = (consumer, channel, subject, holder);
        Ok(())
    }

    /// Transactions in the store's database, for handlers that ask for one while a letter is replayed: it is removed in
    /// the same. A store that has none cannot give them any.
    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        None
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

    async fn update(&self, number: u64, letter: &DeadLetter) -> Result<bool, StoreError> {
        (**self).update(number, letter).await
    }

    async fn park(&self, letter: &DeadLetter) -> Result<Option<u64>, StoreError> {
        (**self).park(letter).await
    }

    async fn parked_subjects(&self, consumer: &str, channel: &str) -> Result<Vec<String>, StoreError> {
        (**self).parked_subjects(consumer, channel).await
    }

    async fn first_parked(
        &self,
        consumer: &str,
        channel: &str,
        subject: &str,
    ) -> Result<Option<StoredDeadLetter>, StoreError> {
        (**self).first_parked(consumer, channel, subject).await
    }

    async fn hold(
        &self,
        consumer: &str,
        channel: &str,
        subject: &str,
        holder: &str,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        (**self).hold(consumer, channel, subject, holder, lease).await
    }

    async fn let_go(&self, consumer: &str, channel: &str, subject: &str, holder: &str) -> Result<(), StoreError> {
        (**self).let_go(consumer, channel, subject, holder).await
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        (**self).transactions()
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
    /// Who replays a subject (of a consumer and channel), and until when.
    held: HashMap<[String; 3], (String, Instant)>,
}

impl MemoryDeadLetters {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Letters {
    fn add(&mut self, letter: &DeadLetter) -> u64 {
        let number = self.number_of(letter).unwrap_or(self.last + 1);
        self.last = self.last.max(number);
        self.letters.insert(number, letter.clone());
        number
    }

    /// The number of the letter about the same event.
    fn number_of(&self, letter: &DeadLetter) -> Option<u64> {
        let same = |other: &DeadLetter| {
            other.consumer == letter.consumer
                && other.channel == letter.channel
                && other.event.metadata.id == letter.event.metadata.id
        };
        self.letters.iter().find(|(_, other)| same(other)).map(|(number, _)| *number)
    }

    /// The parked letters of a consumer and channel, in their order.
    fn parked<'a>(&'a self, consumer: &'a str, channel: &'a str) -> impl Iterator<Item = (&'a u64, &'a DeadLetter)> {
        self.letters.iter().filter(move |(_, letter)| {
            letter.state == LetterState::Parked
                && letter.consumer == consumer
                && letter.channel.as_deref().unwrap_or_default() == channel
        })
    }
}

#[async_trait]
impl DeadLetters for MemoryDeadLetters {
    async fn add(&self, letter: &DeadLetter) -> Result<u64, StoreError> {
        Ok(self.letters.lock().await.add(letter))
    }

    async fn park(&self, letter: &DeadLetter) -> Result<Option<u64>, StoreError> {
        let mut letters = self.letters.lock().await;
        let subject = &letter.event.metadata.subject;
        let parked = letters
            .parked(&letter.consumer, letter.channel.as_deref().unwrap_or_default())
            .any(|(_, other)| other.event.metadata.subject == *subject);
        if !parked {
            return Ok(None);
        }
        if let Some(number) = letters.number_of(letter) {
            letters.letters.remove(&number);
        }
        Ok(Some(letters.add(letter)))
    }

    async fn parked_subjects(&self, consumer: &str, channel: &str) -> Result<Vec<String>, StoreError> {
        let letters = self.letters.lock().await;
        let subjects: BTreeSet<String> =
            letters.parked(consumer, channel).filter_map(|(_, letter)| letter.event.metadata.subject.clone()).collect();
        Ok(subjects.into_iter().collect())
    }

    async fn first_parked(
        &self,
        consumer: &str,
        channel: &str,
        subject: &str,
    ) -> Result<Option<StoredDeadLetter>, StoreError> {
        let letters = self.letters.lock().await;
        let mut of_subject = letters
            .parked(consumer, channel)
            .filter(|(_, letter)| letter.event.metadata.subject.as_deref() == Some(subject));
        Ok(of_subject.next().map(|(number, letter)| StoredDeadLetter { number: *number, letter: letter.clone() }))
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

    async fn update(&self, number: u64, letter: &DeadLetter) -> Result<bool, StoreError> {
        let mut letters = self.letters.lock().await;
        let there = letters.letters.get_mut(&number);
        Ok(there.map(|there| there.clone_from(letter)).is_some())
    }

    async fn hold(
        &self,
        consumer: &str,
        channel: &str,
        subject: &str,
        holder: &str,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let mut letters = self.letters.lock().await;
        let now = Instant::now();
        letters.held.retain(|_, (_, until)| *until > now);
        let subject = [consumer, channel, subject].map(str::to_owned);
        let (held_by, until) = letters.held.entry(subject).or_insert_with(|| (holder.to_owned(), now));
        let holds = held_by == holder;
        if holds {
            *until = now + lease;
        }
        Ok(holds)
    }

    async fn let_go(&self, consumer: &str, channel: &str, subject: &str, holder: &str) -> Result<(), StoreError> {
        let subject = [consumer, channel, subject].map(str::to_owned);
        let held = &mut self.letters.lock().await.held;
        if held.get(&subject).is_some_and(|(held_by, _)| held_by == holder) {
            held.remove(&subject);
        }
        Ok(())
    }
}
