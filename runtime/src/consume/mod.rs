//! Consuming: one pipeline for every transport.
//!
//! decode → handler under a span → acknowledged, tried again, or dead letter → checkpoint. Events come one at a time, or
//! one of each subject at a time; several instances can share the work as a [`Group`]. An event that fails is
//! tried again with [`Backoff`] until its [`RetryPolicy`] gives up; then, or at once when it was rejected or does not
//! decode, it becomes a [`DeadLetter`], and the consumer goes on. The [`Checkpoint`] moves only past events that are
//! completed in one of these ways. A handler may take the transaction in which it moves
//! ([`Context::transaction`]), which makes its effect in that database exactly once.

mod attempt;
mod checkpoint;
mod completions;
mod dead_letter;
mod error;
mod group;
mod handler;
mod inbox;
mod lanes;
mod log;
mod original;
mod patience;
mod pipeline;
mod policy;
mod progress;
mod replay;
mod retry;
mod settings;
mod shutdown;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
mod transaction;

pub(crate) use attempt::chain;
#[cfg(feature = "server")]
pub(crate) use attempt::run as attempt;
pub use checkpoint::{Checkpoint, Checkpoints, MemoryCheckpoints, Retained};
pub use completions::{Completion, Completions, Opened};
pub use dead_letter::{DeadLetter, DeadLetters, LetterState, MemoryDeadLetters, StoredDeadLetter};
pub use error::{ConsumeError, StoreError};
pub use group::{Acquired, Group, Leases, Membership, Standing};
pub use handler::{Context, Disposition, Handler, HandlerError, HandlerResult, Handling};
pub use inbox::{Claim, Inbox, MemoryInbox, Ticket};
#[cfg(feature = "client")]
pub(crate) use lanes::{Flow, Lanes};
pub use log::LogConsumer;
#[cfg(feature = "client")]
pub(crate) use original::{Original, Originals};
#[cfg(feature = "client")]
pub(crate) use pipeline::Incoming;
pub use policy::{OnPoison, OnUnknown};
pub use replay::{Released, Replay, Replayed, replay, replay_subject};
pub use retry::{Backoff, RetryPolicy};
#[cfg(feature = "client")]
pub(crate) use settings::{Reader, Settings, Until, consumer_settings};
pub(crate) use shutdown::Shutdown;
#[cfg(feature = "postgres")]
pub use sql::{PostgresCheckpoints, PostgresDeadLetters, PostgresInbox};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sql::{SqlCheckpoints, SqlDeadLetters, SqlInbox};
#[cfg(feature = "sqlite")]
pub use sql::{SqliteCheckpoints, SqliteDeadLetters, SqliteInbox};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use transaction::{HandlerTransaction, NoTransaction};
pub use transaction::{Moved, StoreTransaction, Transactions};
