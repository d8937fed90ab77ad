//! The log in a SQLite database, its own or the one of the service.
//!
//! Appends go through one writer, which commits all that have queued up in one transaction ([`writer`]); appends in a
//! caller's transaction take the same road within it ([`append`]). SQLite admits one writing transaction at a time,
//! which is what makes positions dense and ordered by commit. Reads are single statements, each on one snapshot.

mod append;
mod insert;
mod new_rows;
mod row;
mod trim;
mod wait;
mod writer;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqlitePool};

use super::group::Writer;
use super::held::Held;
use super::retention::{Retention, Trimmed};
use super::sql::storage;
use super::{Append, Bounds, Log, LogError, PageLimit, StoredEvent, check};
use crate::event::{EventId, Position, RawEvent};
use crate::publish::Receipt;
use crate::sqlite;

const MIGRATIONS: &[&str] = &[include_str!("schema.sql"), include_str!("retention.sql")];

/// A log in a SQLite database. Handles are cheap to clone and share the pool, the writer and the waiting.
///
/// An append that was acknowledged survives the process and power loss; appends that come at the same time share a
/// commit. Several processes may use one database file.
///
/// # The caller's own transaction
///
/// In a service that keeps its rows in the same database ([`SqliteLog::with_pool`]), an event can be published in the
/// transaction that changes the rows, and exists if and only if that commits:
///
/// ```no_run
/// # use event_api::log::{Append, SqliteLog};
/// # async fn example(log: SqliteLog, event: event_api::RawEvent) -> Result<(), Box<dyn std::error::Error>> {
/// let mut tx = log.begin().await?;
/// sqlx::query("UPDATE users SET name = ? WHERE id = ?").bind("John").bind(7).execute(&mut *tx).await?;
/// tx.append("user-events", vec![event]).await?; // or: users.within(&mut tx).name_changed(..).await?
/// tx.commit().await?;
/// log.wake();
/// # Ok(())
/// # }
/// ```
///
/// Begin it with [`SqliteLog::begin`], or with `BEGIN IMMEDIATE`. A plain `BEGIN` is deferred: a transaction that reads
/// first and writes later fails with `SQLITE_BUSY_SNAPSHOT` when somebody else has written in between, and no timeout
/// helps. While such a transaction is open, no other can write: keep it short, and do not wait in it for something that
/// itself appends to the log.
#[derive(Clone, Debug)]
pub struct SqliteLog {
    pool: SqlitePool,
    writer: Writer,
    waiting: Arc<wait::Waiting>,
}

impl SqliteLog {
    /// Opens the log in the database file at `path`, and creates it where there is none.
    ///
    /// # Errors
    /// When the file cannot be opened or its tables are those of a newer release.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, LogError> {
        Self::with_pool(sqlite::open(path.as_ref()).await.map_err(storage)?).await
    }

    /// How to open a database so that it keeps what it acknowledged: for services that make a pool of their own and
    /// give it to [`SqliteLog::with_pool`].
    pub fn options(path: impl AsRef<Path>) -> SqliteConnectOptions {
        sqlite::options(path.as_ref())
    }

    /// A log in the database of the service; its tables are named `event_api_…`.
    ///
    /// Durability is that of the pool's connections: open them as [`SqliteLog::options`] does. A pool needs at least two
    /// connections when appends are made while a transaction of the caller is open.
    ///
    /// # Errors
    /// When the database cannot be written or its tables are those of a newer release.
    pub async fn with_pool(pool: SqlitePool) -> Result<Self, LogError> {
        sqlite::migrate(&pool, "log", MIGRATIONS).await.map_err(|error| LogError::Storage(error.into()))?;
        warn_unless_durable(&pool).await?;
        let waiting = Arc::new(wait::Waiting::start(pool.clone()));
        let writer =
            Writer::start(writer::Database { connection: Held::new(pool.clone()), waiting: Arc::clone(&waiting) });
        Ok(SqliteLog { pool, writer, waiting })
    }

    /// The pool, for stores and rows that share the database.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Begins a transaction that may write at once, in which events can be published beside other changes.
    ///
    /// # Errors
    /// When no connection is free or another transaction writes for longer than the busy timeout.
    pub async fn begin(&self) -> Result<sqlx::Transaction<'static, Sqlite>, LogError> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(storage)
    }

    /// Tells readers at once of events that a caller's transaction has committed. Without it they learn of them within
    /// some 50 milliseconds.
    pub fn wake(&self) {
        self.waiting.look();
    }
}

#[async_trait]
impl Log for SqliteLog {
    async fn append(&self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        check(channel, &events)?;
        self.writer.append(channel, events).await
    }

    async fn read_page(&self, channel: &str, from: Position, limit: PageLimit) -> Result<Vec<StoredEvent>, LogError> {
        row::read(&self.pool, channel, from, limit).await
    }

    async fn find(&self, channel: &str, id: &EventId) -> Result<Option<Position>, LogError> {
        row::find(&self.pool, channel, id).await
    }

    async fn bounds(&self, channel: &str) -> Result<Bounds, LogError> {
        row::bounds(&self.pool, channel).await
    }

    async fn wait(&self, channel: &str, position: Position) -> Result<(), LogError> {
        let watch = self.waiting.wake.watch(channel);
        match self.bounds(channel).await?.next <= position {
            true => watch.beyond(position).await,
            false => Ok(()),
        }
    }

    async fn trim(&self, channel: &str, retention: &Retention, limit: usize) -> Result<Trimmed, LogError> {
        let mut connection = self.pool.acquire().await.map_err(storage)?;
        trim::trim(&mut connection, channel, retention, limit).await
    }
}

/// Each append is a transaction of its own.
#[async_trait]
impl Append for SqliteLog {
    async fn append(&mut self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        Log::append(self, channel, events).await
    }
}

async fn warn_unless_durable(pool: &SqlitePool) -> Result<(), LogError> {
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await.map_err(storage)?;
    // 2 is FULL, 3 is EXTRA: https://www.sqlite.org/pragma.html#pragma_synchronous
    if synchronous < 2 {
        tracing::warn!(
            synchronous,
            "the pool's connections are not synchronous=FULL: events that were acknowledged can be lost when the power \
             fails; open them with SqliteLog::options"
        );
    }
    Ok(())
}
