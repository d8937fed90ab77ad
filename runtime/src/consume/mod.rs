//! Consuming: one pipeline for every transport.
//!
//! decode → handler under a span → acknowledged, tried again, or dead letter → checkpoint. An event that fails is
//! tried again with [`Backoff`] until its [`RetryPolicy`] gives up; then, or at once when it was rejected or does not
//! decode, it becomes a [`DeadLetter`], and the consumer goes on. The [`Checkpoint`] moves only past events that are
//! completed in one of these ways. A handler may take the transaction in which it moves
//! ([`Context::transaction`]), which makes its effect in that database exactly once.

mod attempt;
mod checkpoint;
mod dead_letter;
mod error;
mod handler;
mod inbox;
#[cfg(feature = "postgres")]
mod inbox_postgres;
#[cfg(feature = "sqlite")]
mod inbox_sqlite;
mod log;
mod pipeline;
#[cfg(feature = "postgres")]
mod postgres;
mod progress;
mod retry;
mod shutdown;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod transaction;
#[cfg(feature = "postgres")]
mod transaction_postgres;
#[cfg(feature = "sqlite")]
mod transaction_sqlite;

pub(crate) use attempt::chain;
#[cfg(feature = "server")]
pub(crate) use attempt::run as attempt;
pub use checkpoint::{Checkpoint, Checkpoints, MemoryCheckpoints, Retained};
pub use dead_letter::{DeadLetter, DeadLetters, MemoryDeadLetters, Replayed, StoredDeadLetter, replay};
pub use error::{ConsumeError, StoreError};
pub use handler::{Context, Disposition, Handler, HandlerError, HandlerResult, Handling};
pub use inbox::{Claim, Inbox, MemoryInbox, Ticket};
#[cfg(feature = "postgres")]
pub use inbox_postgres::PostgresInbox;
#[cfg(feature = "sqlite")]
pub use inbox_sqlite::SqliteInbox;
pub use log::LogConsumer;
#[cfg(feature = "client")]
pub(crate) use pipeline::{Incoming, Outcome, Pipeline, Step, Treatment};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresCheckpoints, PostgresDeadLetters};
#[cfg(feature = "client")]
pub(crate) use progress::{Progress, Stored};
pub use retry::{Backoff, RetryPolicy};
pub(crate) use shutdown::Shutdown;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteCheckpoints, SqliteDeadLetters};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use transaction::{HandlerTransaction, NoTransaction};
pub use transaction::{Moved, StoreTransaction, Transactions};
