//! What a handler is, what it is told about an event, and how it says that it failed.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use super::transaction::{HandlerTransaction, NoTransaction};
use super::transaction::{InUse, Slot, StoreTransaction, Transactions};
use crate::event::{EventSet, Metadata, Position};

/// Handles the events of one channel. Generated adapters implement it: `UserEvents::handler(Mailer { .. })`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no `Handler` by itself",
    label = "this is not a `Handler`",
    note = "what implements a generated trait such as `UserEventsHandler` is handed over as `UserEvents::handler(..)`"
)]
pub trait Handler: Send + Sync + 'static {
    /// The events.
    type Events: EventSet;

    /// Handles one event. It may be called again with the same event after a failure or a restart.
    fn handle(&self, event: Self::Events, cx: &Context) -> impl Future<Output = HandlerResult> + Send;
}

impl<H: Handler> Handler for Arc<H> {
    type Events = H::Events;

    fn handle(&self, event: Self::Events, cx: &Context) -> impl Future<Output = HandlerResult> + Send {
        (**self).handle(event, cx)
    }
}

/// What a handler returns.
pub type HandlerResult = Result<(), HandlerError>;

/// An event being handled: the future that generated handler methods return. Every future with this output that can be
/// sent between threads is one, so handlers write `async fn name_changed(…) -> HandlerResult`.
pub trait Handling: Future<Output = HandlerResult> + Send {}

impl<F: Future<Output = HandlerResult> + Send> Handling for F {}

/// What a handler is told beside the event: its metadata, its position, which attempt this is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// The event's metadata; `cx.id` and the like reach it directly.
    pub metadata: Metadata,
    /// The place in the publisher's log, where the transport tells.
    pub position: Option<Position>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    transaction: Slot,
}

impl Context {
    /// The context of a first attempt.
    pub fn new(metadata: Metadata, position: Option<Position>) -> Self {
        Context { metadata, position, attempt: 1, transaction: Slot::new(None) }
    }

    /// The context of an attempt whose handler may ask for a transaction.
    pub(crate) fn begin(&mut self, attempt: u32, transactions: Option<Arc<dyn Transactions>>) {
        self.attempt = attempt;
        self.transaction = Slot::new(transactions);
    }

    /// Whether the handler has asked for a transaction, and the store has given none.
    pub(crate) fn was_refused(&self) -> bool {
        self.transaction.was_refused()
    }

    /// The transaction that the handler has asked for, if it has: the attempt is over.
    pub(crate) async fn end(&self) -> Result<Option<Box<dyn StoreTransaction>>, InUse> {
        self.transaction.take().await
    }

    /// The transaction in which it is stored that the event was handled. What the handler changes in it is committed
    /// together with that, or not at all, so the effect in this database is exactly once, even when the process is
    /// killed.
    ///
    /// It is in the database of the consumer's checkpoints, or of the receiver's inbox, and begins with the first call:
    ///
    /// ```no_run
    /// # use event_api::{Context, HandlerResult};
    /// # use sqlx::Sqlite;
    /// async fn handle(cx: &Context) -> HandlerResult {
    ///     let mut tx = cx.transaction::<Sqlite>().await?;
    ///     sqlx::query("UPDATE accounts SET balance = balance + 10").execute(&mut *tx).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Nobody commits it but the consumer, when the handler has returned `Ok`; after an error it is rolled back. Do not
    /// wait in it for something else that writes to a SQLite database: publish with `users.within(&mut *tx)`.
    /// It is lent to one part of the handler at a time: who asks for it waits until it is let go of, for five seconds.
    ///
    /// Wait for the tasks that use it: where one still does two seconds after the handler has ended, nothing is committed,
    /// and the attempt has failed.
    ///
    /// While it is open it has one of the pool's connections. A handler that gets a second one of the same pool meanwhile
    /// may wait for others that do the same, until the pool gives up: let the pool have at least twice as many connections
    /// as `concurrency`, or work in the transaction alone.
    ///
    /// # Errors
    /// When the consumer's store is in no such database, when another part of the handler does not let go of the
    /// transaction, or when it cannot be begun: hand that on with `?`, and a
    /// consumer tries again without counting the attempt.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub async fn transaction<DB: sqlx::Database>(&self) -> Result<HandlerTransaction<'_, DB>, NoTransaction> {
        self.transaction.get().await
    }
}

impl Deref for Context {
    type Target = Metadata;

    fn deref(&self) -> &Metadata {
        &self.metadata
    }
}

/// A handler's failure, and whether trying again may help.
///
/// Any error converts into one that asks for a retry, so `?` does the usual thing.
pub struct HandlerError {
    disposition: Disposition,
    after: Option<Duration>,
    source: Box<dyn Error + Send + Sync>,
}

/// What to do with an event whose handler failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Try again later; when attempts run out, it becomes a dead letter.
    Retry,
    /// Trying again cannot help: it becomes a dead letter at once.
    Reject,
}

impl Disposition {
    /// In a word, for spans and metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Disposition::Retry => "retry",
            Disposition::Reject => "reject",
        }
    }
}

impl HandlerError {
    /// A failure that may pass: the event is tried again with backoff.
    pub fn retry(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        HandlerError { disposition: Disposition::Retry, after: None, source: error.into() }
    }

    /// A failure that may pass after some time, as a service says that answers `Retry-After`: the event is tried again
    /// then, and not after the time of the consumer's own backoff. It counts as an attempt like others.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let busy = event_api::HandlerError::retry_after(Duration::from_secs(30), "the mail service is busy");
    /// assert_eq!(busy.after(), Some(Duration::from_secs(30)));
    /// ```
    pub fn retry_after(time: Duration, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        HandlerError { disposition: Disposition::Retry, after: Some(time), source: error.into() }
    }

    /// A failure that will not pass: the event becomes a dead letter.
    pub fn reject(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        HandlerError { disposition: Disposition::Reject, after: None, source: error.into() }
    }

    /// What to do with the event.
    pub fn disposition(&self) -> Disposition {
        self.disposition
    }

    /// After what time to try again, where the handler knows.
    pub fn after(&self) -> Option<Duration> {
        self.after
    }

    /// The error itself.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        self.source.as_ref()
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        HandlerError::retry(error)
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerError::{:?}({:?})", self.disposition, self.source)
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
