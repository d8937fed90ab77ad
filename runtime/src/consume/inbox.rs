//! The inbox: which events have been handled, so that an event that arrives again is not handled again.
//!
//! An event is claimed before it is handled and completed afterwards. While it is claimed, another delivery of it is
//! told to come back later; once it is completed, it is acknowledged without being handled. A claim has a lease: when
//! the process dies in between, the lease runs out and the event is handled again. So handling is at least once, and
//! exactly once unless a process dies, or the inbox fails, between the handler's success and the completion.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;

use super::dead_letter::{DeadLetters, MemoryDeadLetters};
use super::error::StoreError;
use super::transaction::Transactions;

/// Longer than any sender tries: Standard Webhooks' schedule ends after three days, others go on for a week.
pub(super) const DEFAULT_KEEP: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Old entries are looked for once in a while, not at every claim.
const PRUNE_EVERY: Duration = Duration::from_secs(10 * 60);

/// Remembers which events a consumer has handled.
///
/// `consumer` keeps the events of one consumer, or of one sender, apart from those of others that share the inbox; `id`
/// is the event's identity for it.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Asks whether to handle an event. Of all claims of one event at most one is granted at a time; for `lease`,
    /// unless it is completed or released before.
    ///
    /// # Errors
    /// When storage fails.
    async fn claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, StoreError>;

    /// The event is done with: it was handled, or is a dead letter. When it returns, this is as durable as the inbox is.
    ///
    /// # Errors
    /// When storage fails.
    async fn complete(&self, ticket: &Ticket) -> Result<(), StoreError>;

    /// The event was not handled, and may be claimed again at once. No effect when the lease has passed to another.
    ///
    /// # Errors
    /// When storage fails.
    async fn release(&self, ticket: &Ticket) -> Result<(), StoreError>;

    /// The event is still being handled: the claim holds for another `lease`, from now on. No effect when it has passed
    /// to another.
    ///
    /// # Errors
    /// When storage fails.
    async fn renew(&self, ticket: &Ticket, lease: Duration) -> Result<(), StoreError>;

    /// Where events go that were rejected.
    fn dead_letters(&self) -> Arc<dyn DeadLetters>;

    /// Transactions in the store's database, for handlers that ask for one, and for dead letters: those that
    /// [`StoreTransaction::add_letter`](super::StoreTransaction::add_letter) stores must be among
    /// [`Inbox::dead_letters`]. A store that has none cannot give handlers any, and a dead letter is stored before its
    /// event is [completed](Inbox::complete).
    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        None
    }
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Handle it, then complete or release it.
    Granted(Ticket),
    /// It has been handled.
    Done,
    /// Somebody else is handling it now.
    Busy,
}

/// The right to handle an event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ticket {
    /// The consumer that claimed it.
    pub consumer: String,
    /// The event.
    pub id: String,
    /// Tells this claim from later ones of the same event.
    pub token: String,
    /// How often the event has been claimed, this claim included.
    pub attempt: u32,
}

impl Ticket {
    /// A ticket, for implementations of [`Inbox`].
    pub fn new(consumer: impl Into<String>, id: impl Into<String>, token: impl Into<String>, attempt: u32) -> Self {
        Ticket { consumer: consumer.into(), id: id.into(), token: token.into(), attempt }
    }
}

#[async_trait]
impl<I: Inbox + ?Sized> Inbox for Arc<I> {
    async fn claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, StoreError> {
        (**self).claim(consumer, id, lease).await
    }

    async fn complete(&self, ticket: &Ticket) -> Result<(), StoreError> {
        (**self).complete(ticket).await
    }

    async fn release(&self, ticket: &Ticket) -> Result<(), StoreError> {
        (**self).release(ticket).await
    }

    async fn renew(&self, ticket: &Ticket, lease: Duration) -> Result<(), StoreError> {
        (**self).renew(ticket, lease).await
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        (**self).dead_letters()
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        (**self).transactions()
    }
}

/// An inbox that lasts as long as the process: after a restart, what arrives again is handled again. Handles are cheap
/// to clone and share their content.
#[derive(Clone, Debug, Default)]
pub struct MemoryInbox {
    entries: Arc<Mutex<HashMap<(String, String), Entry>>>,
    pruning: Arc<Pruning>,
    dead_letters: MemoryDeadLetters,
}

#[derive(Debug)]
struct Entry {
    attempts: u32,
    state: State,
    /// In milliseconds since 1970, as all times here.
    touched: i64,
}

#[derive(Debug, PartialEq)]
enum State {
    Claimed { until: i64 },
    Released,
    Done,
}

impl MemoryInbox {
    /// An empty inbox that remembers for two weeks.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty inbox that remembers an event for `time` after it was last seen. Choose longer than the sender retries.
    pub fn keeping(time: Duration) -> Self {
        MemoryInbox { pruning: Arc::new(Pruning::new(time)), ..Self::default() }
    }

    /// No method leaves the entries half changed, so a panic elsewhere does not spoil them.
    fn entries(&self) -> MutexGuard<'_, HashMap<(String, String), Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, ticket: &Ticket, state: State) {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(&(ticket.consumer.clone(), ticket.id.clone()))
            // Done stays done. Every claim counts, so the count tells claims apart.
            && entry.state != State::Done
            && (entry.attempts == ticket.attempt || state == State::Done)
        {
            entry.state = state;
            entry.touched = now();
        }
    }
}

#[async_trait]
impl Inbox for MemoryInbox {
    async fn claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, StoreError> {
        let now = now();
        let mut entries = self.entries();
        if let Some(before) = self.pruning.due(now) {
            entries.retain(|_, entry| entry.touched >= before);
        }
        let entry = entries.entry((consumer.to_owned(), id.to_owned())).or_insert(Entry {
            attempts: 0,
            state: State::Released,
            touched: now,
        });
        match entry.state {
            State::Done => return Ok(Claim::Done),
            State::Claimed { until } if until > now => return Ok(Claim::Busy),
            State::Claimed { .. } | State::Released => {}
        }
        entry.attempts = entry.attempts.saturating_add(1);
        entry.state = State::Claimed { until: now.saturating_add(millis(lease)) };
        entry.touched = now;
        Ok(Claim::Granted(Ticket::new(consumer, id, entry.attempts.to_string(), entry.attempts)))
    }

    async fn complete(&self, ticket: &Ticket) -> Result<(), StoreError> {
        self.leave(ticket, State::Done);
        Ok(())
    }

    async fn release(&self, ticket: &Ticket) -> Result<(), StoreError> {
        self.leave(ticket, State::Released);
        Ok(())
    }

    async fn renew(&self, ticket: &Ticket, lease: Duration) -> Result<(), StoreError> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(&(ticket.consumer.clone(), ticket.id.clone()))
            && entry.attempts == ticket.attempt
            && let State::Claimed { until } = &mut entry.state
        {
            *until = now().saturating_add(millis(lease));
            entry.touched = now();
        }
        Ok(())
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        Arc::new(self.dead_letters.clone())
    }
}

/// When to forget what.
#[derive(Debug)]
pub(super) struct Pruning {
    keep: Duration,
    next: AtomicI64,
}

impl Pruning {
    pub(super) fn new(keep: Duration) -> Self {
        Pruning { keep, next: AtomicI64::new(0) }
    }

    /// The time before which entries are forgotten, when it is time to forget.
    pub(super) fn due(&self, now: i64) -> Option<i64> {
        let next = self.next.load(Ordering::Relaxed);
        let after = now.saturating_add(millis(PRUNE_EVERY.min(self.keep)));
        let mine = now >= next && self.next.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        mine.then(|| now.saturating_sub(millis(self.keep)))
    }
}

impl Default for Pruning {
    fn default() -> Self {
        Pruning::new(DEFAULT_KEEP)
    }
}

pub(super) fn now() -> i64 {
    Utc::now().timestamp_millis()
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
