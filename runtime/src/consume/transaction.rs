//! The handler's own transaction: the rows that it changes are committed together with the note that the event was
//! handled, so its effect in that database is exactly once.
//!
//! A handler asks for it ([`Context::transaction`](super::Context::transaction)); nothing is begun for those that do not.
//! When the handler succeeds, the consumer writes its checkpoint (or completes the event in its inbox) in the same
//! transaction and commits; when it fails, everything is rolled back, and the event is tried again.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::checkpoint::Checkpoint;
use super::completions::Completion;
use super::dead_letter::DeadLetter;
use super::error::StoreError;
use super::inbox::Ticket;

/// Begins transactions in the database of a store, for handlers.
#[async_trait]
pub trait Transactions: Send + Sync {
    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// When storage fails.
    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StoreError>;
}

/// An open transaction. Dropped, it is rolled back.
#[async_trait]
pub trait StoreTransaction: Send {
    /// What the handler gets when it asks for it by its type: `sqlx::Transaction<'static, Sqlite>`, for example.
    fn inner(&mut self) -> &mut (dyn Any + Send);

    /// Moves the checkpoint of `consumer` from `previous` to `next` when the transaction commits, and waits for others
    /// that move it. Where there is a `holder`, only if nobody else holds the checkpoint by then; see
    /// [`Completions`](super::Completions).
    ///
    /// # Errors
    /// When storage fails.
    async fn move_checkpoint(
        &mut self,
        consumer: &str,
        holder: Option<&str>,
        previous: Option<&Checkpoint>,
        next: &Checkpoint,
    ) -> Result<Moved, StoreError>;

    /// Notes an event as completed beyond the checkpoint when the transaction commits, unless somebody else than `holder`
    /// holds the checkpoint, or the event is noted already. See [`Completions`](super::Completions).
    ///
    /// # Errors
    /// When storage fails.
    async fn note(&mut self, holder: &str, completion: &Completion) -> Result<Moved, StoreError>;

    /// Stores a dead letter when the transaction commits, as [`DeadLetters::add`](super::DeadLetters::add) does, among
    /// those that [`Checkpoints::dead_letters`](super::Checkpoints::dead_letters) of the same store gives.
    ///
    /// # Errors
    /// When storage fails.
    async fn add_letter(&mut self, letter: &DeadLetter) -> Result<u64, StoreError>;

    /// The same, as [`DeadLetters::park`](super::DeadLetters::park) does.
    ///
    /// # Errors
    /// When storage fails.
    async fn park_letter(&mut self, letter: &DeadLetter) -> Result<Option<u64>, StoreError>;

    /// Removes a dead letter when the transaction commits; [`Moved::Overtaken`] when it is not there.
    ///
    /// # Errors
    /// When storage fails.
    async fn take_letter(&mut self, number: u64) -> Result<Moved, StoreError>;

    /// Completes an event in the inbox when the transaction commits.
    ///
    /// # Errors
    /// When storage fails, or the claim has passed to another: then the transaction must not be committed.
    async fn complete(&mut self, ticket: &Ticket) -> Result<(), StoreError>;

    /// Commits. When it returns, everything is as durable as the store is.
    ///
    /// # Errors
    /// When storage fails.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;

    /// Rolls back, and waits for it.
    async fn rollback(self: Box<Self>);
}

/// Whether a checkpoint was where it was believed to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It was, and moves with the commit.
    Yes,
    /// Somebody else has moved it: the transaction must not be committed.
    Overtaken,
}

/// The claim of an event has passed to another delivery while the event was handled.
#[derive(Debug, thiserror::Error)]
#[error("the handler took longer than its claim of the event, which has passed to another delivery")]
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) struct ClaimLost;

/// How long a transaction is waited for that something still uses when its handler has ended.
const GRACE: Duration = Duration::from_secs(2);

/// How long a handler that asks for its transaction waits for another part of it that has it. Longer than most statements
/// take, and shorter than a receiver of webhooks lets a handler take.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
const PATIENCE: Duration = Duration::from_secs(5);

/// Something still uses the transaction of an attempt that is over.
#[derive(Debug, thiserror::Error)]
#[error(
    "a task that the handler started still used the event's transaction {GRACE:?} after the handler had ended, so nothing \
     is committed; let the handler wait for its tasks, or give them no copy of its context"
)]
pub(crate) struct InUse;

/// The transaction of one attempt, which is begun when the handler asks for it.
#[derive(Clone)]
pub(super) struct Slot {
    /// `None` where the store has no transactions.
    state: Option<Arc<Mutex<State>>>,
}

#[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), expect(dead_code, reason = "handlers name a database"))]
enum State {
    Ready(Arc<dyn Transactions>),
    /// The store was asked for one, and has given none yet.
    Refused(Arc<dyn Transactions>),
    Open(Box<dyn StoreTransaction>),
    /// The attempt is over.
    Over,
}

impl Slot {
    pub(super) fn new(transactions: Option<Arc<dyn Transactions>>) -> Self {
        Slot { state: transactions.map(|transactions| Arc::new(Mutex::new(State::Ready(transactions)))) }
    }

    /// Whether the handler has asked for a transaction, and the store has given none: it failed, or did not answer before
    /// the handler was given up.
    pub(super) fn was_refused(&self) -> bool {
        let state = self.state.as_ref().and_then(|state| state.try_lock().ok());
        state.is_some_and(|state| matches!(*state, State::Refused(_)))
    }

    /// Ends the attempt: the transaction, if the handler has asked for it. Those that still use it are waited for, but
    /// not for ever: a handler that has been given up may have left tasks behind.
    ///
    /// # Errors
    /// When the transaction does not come free. It is rolled back as soon as it does.
    pub(super) async fn take(&self) -> Result<Option<Box<dyn StoreTransaction>>, InUse> {
        let Some(state) = &self.state else { return Ok(None) };
        // Mostly nobody else has it, and then no clock is needed.
        if let Ok(mut state) = state.try_lock() {
            return Ok(state.end());
        }
        if let Ok(mut state) = timeout(GRACE, state.lock()).await {
            return Ok(state.end());
        }
        let state = Arc::clone(state);
        tokio::spawn(async move {
            let open = state.lock().await.end();
            if let Some(transaction) = open {
                transaction.rollback().await;
            }
        });
        Err(InUse)
    }
}

impl State {
    fn end(&mut self) -> Option<Box<dyn StoreTransaction>> {
        match std::mem::replace(self, State::Over) {
            State::Open(transaction) => Some(transaction),
            State::Ready(_) | State::Refused(_) | State::Over => None,
        }
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod guard {
    use std::ops::{Deref, DerefMut};
    use std::sync::Arc;

    use sqlx::{Database, Transaction};
    use tokio::sync::{MappedMutexGuard, MutexGuard};
    use tokio::time::timeout;

    use super::{PATIENCE, Slot, State};
    use crate::consume::error::StoreError;

    /// The transaction in which the event's completion is stored, for the handler's own rows:
    /// `sqlx::query(…).execute(&mut *tx)`, or `users.within(&mut *tx)` to publish.
    ///
    /// The consumer commits it when the handler has succeeded.
    pub struct HandlerTransaction<'a, DB: Database>(MappedMutexGuard<'a, Transaction<'static, DB>>);

    impl<DB: Database> Deref for HandlerTransaction<'_, DB> {
        type Target = DB::Connection;

        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }

    impl<DB: Database> DerefMut for HandlerTransaction<'_, DB> {
        fn deref_mut(&mut self) -> &mut Self::Target {
            &mut self.0
        }
    }

    impl<DB: Database> std::fmt::Debug for HandlerTransaction<'_, DB> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("HandlerTransaction").finish_non_exhaustive()
        }
    }

    /// Why a handler gets no transaction.
    #[derive(Debug, thiserror::Error)]
    #[non_exhaustive]
    pub enum NoTransaction {
        /// The consumer's checkpoints, or the receiver's inbox, are not in such a database.
        #[error(
            "the consumer keeps what it has handled in no {database} database, so there is no transaction to share; give \
             it checkpoints or an inbox there"
        )]
        Elsewhere {
            /// The database that was asked for.
            database: &'static str,
        },
        /// The attempt that the context belongs to has ended.
        #[error("the handling of this event has ended, and its transaction with it")]
        Over,
        /// The handler has it already, or a task of its own.
        #[error(
            "the handler of this event has had its transaction for {PATIENCE:?} while it asked for it again; let go of it \
             before, or hand on what it was given"
        )]
        InUse,
        /// It could not be begun.
        #[error(transparent)]
        Store(#[from] StoreError),
    }

    impl Slot {
        pub(in crate::consume) async fn get<DB: Database>(&self) -> Result<HandlerTransaction<'_, DB>, NoTransaction> {
            let elsewhere = NoTransaction::Elsewhere { database: DB::NAME };
            let Some(state) = &self.state else { return Err(elsewhere) };
            let state = timeout(PATIENCE, state.lock()).await;
            let mut state = state.map_err(|_| NoTransaction::InUse)?;
            if let State::Ready(transactions) | State::Refused(transactions) = &*state {
                let transactions = Arc::clone(transactions);
                *state = State::Refused(Arc::clone(&transactions));
                *state = State::Open(transactions.begin().await?);
            }
            match &*state {
                State::Open(_) => {}
                State::Over => return Err(NoTransaction::Over),
                State::Ready(_) | State::Refused(_) => return Err(elsewhere),
            }
            let found = MutexGuard::try_map(state, |state| match state {
                State::Open(open) => open.inner().downcast_mut::<Transaction<'static, DB>>(),
                _ => None,
            });
            found.map(HandlerTransaction).map_err(|_| elsewhere)
        }
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use guard::{HandlerTransaction, NoTransaction};
