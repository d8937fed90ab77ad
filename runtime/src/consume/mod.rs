//! Consuming: one pipeline for every transport.
//!
//! decode → handler under a span → acknowledged, tried again, or dead letter → checkpoint. An event that fails is
//! tried again with [`Backoff`] until its [`RetryPolicy`] gives up; then, or at once when it was rejected or does not
//! decode, it becomes a [`DeadLetter`], and the consumer goes on. The [`Checkpoint`] moves only past events that are
//! completed in one of these ways.

mod attempt;
mod checkpoint;
mod dead_letter;
mod error;
mod handler;
mod inbox;
#[cfg(feature = "sqlite")]
mod inbox_sqlite;
mod log;
mod pipeline;
mod progress;
mod retry;
mod shutdown;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use attempt::chain;
#[cfg(feature = "server")]
pub(crate) use attempt::run as attempt;
pub use checkpoint::{Checkpoint, Checkpoints, MemoryCheckpoints, Retained};
pub use dead_letter::{DeadLetter, DeadLetters, MemoryDeadLetters, Replayed, StoredDeadLetter, replay};
pub use error::{ConsumeError, StoreError};
pub use handler::{Context, Disposition, Handler, HandlerError, HandlerResult, Handling};
pub use inbox::{Claim, Inbox, MemoryInbox, Ticket};
#[cfg(feature = "sqlite")]
pub use inbox_sqlite::SqliteInbox;
pub use log::LogConsumer;
#[cfg(feature = "client")]
pub(crate) use pipeline::{Incoming, Outcome, Pipeline, Treatment};
#[cfg(feature = "client")]
pub(crate) use progress::Progress;
pub use retry::{Backoff, RetryPolicy};
#[cfg(any(feature = "client", feature = "server"))]
pub(crate) use shutdown::Shutdown;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteCheckpoints, SqliteDeadLetters};
