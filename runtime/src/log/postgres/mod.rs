//! The log in a Postgres database, its own or the one of the service.
//!
//! Appends go through one writer a process, which commits all that have queued up in one transaction ([`writer`]).
//! Appends in a caller's transaction ([`append`]) write rows without positions, which they get after the commit
//! ([`sequencer`]): callers do not wait for each other, and positions are still dense and in the order in which they
//! became visible. Reads are single statements, each on one snapshot.

mod append;
mod failure;
mod insert;
mod new_rows;
mod row;
mod sequencer;
mod trim;
mod wait;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::postgres::PgPool;

use super::group::Writer;
use super::held::Held;
use super::retention::{Retention, Trimmed};
use super::sql::storage;
use super::{Append, Bounds, Log, LogError, PageLimit, StoredEvent};
use crate::event::{EventId, Position, RawEvent};
use crate::postgres;
use crate::publish::Receipt;

const MIGRATIONS: &[&str] = &[include_str!("schema.sql"), include_str!("append_new.sql")];

/// A log in a Postgres database. Handles are cheap to clone and share the pool, the writer and the waiting.
///
/// An append that was acknowledged survives the process and power loss; appends that come at the same time share a
/// commit. Any number of processes may use one database, for writing and for reading; none of them is special. Tables
/// are named `event_api_…`, in the first schema of the connections' `search_path`. Postgres 13 or later.
///
/// # The caller's own transaction
///
/// An event can be published in the transaction that changes the service's rows, and exists if and only if that commits:
///
/// ```no_run
/// # use event_api::log::{Append, PostgresLog};
/// # async fn example(log: PostgresLog, event: event_api::RawEvent) -> Result<(), Box<dyn std::error::Error>> {
/// let mut tx = log.pool().begin().await?;
/// sqlx::query("UPDATE users SET name = $1 WHERE id = $2").bind("John").bind(7).execute(&mut *tx).await?;
/// tx.append("user-events", vec![event]).await?; // or: users.within(&mut tx).name_changed(..).await?
/// tx.commit().await?;
/// log.wake();
/// # Ok(())
/// # }
/// ```
///
/// Such transactions may be long and many: none waits for another, unless both append the same event id; an append of the
/// log itself does not wait for their end, and is refused with [`LogError::IdUndecided`]. Positions are
/// given after the commit, so receipts have none. Events of transactions that commit at nearly the same time stand in the
/// order in which they were appended; what was committed before a transaction began stands before its events.
///
/// # Connections
///
/// A process in which somebody waits for events listens on one connection beside the pool. Through a proxy that gives
/// connections to transactions (PgBouncer in transaction mode) there are no notifications, and events of other
/// processes are seen after a second at the latest.
///
/// A server, or a network, may vanish without a word. A transaction of the log that has no answer after a minute, in which
/// its events are sent too, is given up: its appends fail, and all that were taken from the queue with them. What was queued
/// later is tried in a transaction of its own. Waiting for events goes on with another connection. Whether that append was made is known when it is made again with the same ids.
#[derive(Clone, Debug)]
pub struct PostgresLog {
    pool: PgPool,
    writer: Writer,
    sequencer: sequencer::Sequencer,
    waiting: Arc<wait::Waiting>,
}

impl PostgresLog {
    /// Opens the log in the database at `url`: `postgres://user:password@host/database`. Its tables are made where there
    /// are none.
    ///
    /// # Errors
    /// When the database cannot be reached or its tables are those of a newer release.
    pub async fn connect(url: &str) -> Result<Self, LogError> {
        Self::with_pool(postgres::connect(url).await.map_err(storage)?).await
    }

    /// A log in the database of the service.
    ///
    /// A pool needs at least two connections when appends are made while a transaction of the caller is open.
    ///
    /// # Errors
    /// When the database cannot be written or its tables are those of a newer release.
    pub async fn with_pool(pool: PgPool) -> Result<Self, LogError> {
        postgres::migrate(&pool, "log", MIGRATIONS).await.map_err(|error| LogError::Storage(error.into()))?;
        let sequencer = sequencer::Sequencer::new(pool.clone()).await?;
        let waiting = Arc::new(wait::Waiting::start(pool.clone(), sequencer.clone()));
        let writer = Writer::start(writer::Database {
            connection: Held::new(pool.clone()),
            sequencer: sequencer.clone(),
            wake: Arc::clone(&waiting.wake),
        });
        Ok(PostgresLog { pool, writer, sequencer, waiting })
    }

    /// The pool, for stores and rows that share the database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Tells readers at once of events that a caller's transaction has committed. Without it they learn of them within
    /// some 50 milliseconds.
    pub fn wake(&self) {
        self.waiting.look();
    }
}

#[async_trait]
impl Log for PostgresLog {
    async fn append(&self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        check(channel, &events)?;
        self.writer.append(channel, events).await
    }

    async fn read_page(&self, channel: &str, from: Position, limit: PageLimit) -> Result<Vec<StoredEvent>, LogError> {
        let mut seen = row::read(&self.pool, channel, from, limit).await?;
        let mut more = seen.pending;
        while more && limit.is_at_end(&seen.value) {
            more = self.sequencer.number_some(channel).await?.more;
            seen = row::read(&self.pool, channel, from, limit).await?;
        }
        Ok(seen.value)
    }

    async fn find(&self, channel: &str, id: &EventId) -> Result<Option<Position>, LogError> {
        let find = || row::find(&self.pool, channel, id);
        match find().await? {
            // Committed, and given its position by those who ask first.
            row::Place::Pending => {
                self.sequencer.number(channel).await?;
                Ok(find().await?.position())
            }
            place => Ok(place.position()),
        }
    }

    async fn bounds(&self, channel: &str) -> Result<Bounds, LogError> {
        let seen = row::bounds(&self.pool, channel).await?;
        match seen.pending {
            true => Ok(Bounds { next: self.sequencer.number(channel).await?, ..seen.value }),
            false => Ok(seen.value),
        }
    }

    async fn wait(&self, channel: &str, position: Position) -> Result<(), LogError> {
        let watch = self.waiting.wake.watch(channel);
        match self.bounds(channel).await?.next <= position {
            true => watch.beyond(position).await,
            false => Ok(()),
        }
    }

    async fn trim(&self, channel: &str, retention: &Retention, limit: usize) -> Result<Trimmed, LogError> {
        trim::trim(&self.pool, channel, retention, limit).await
    }
}

/// Each append is a transaction of its own.
#[async_trait]
impl Append for PostgresLog {
    async fn append(&mut self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        Log::append(self, channel, events).await
    }
}

/// Refuses what no transport could carry later, or Postgres cannot store.
fn check(channel: &str, events: &[RawEvent]) -> Result<(), LogError> {
    super::check(channel, events)?;
    for event in events {
        let metadata = &event.metadata;
        let texts = [&metadata.subject, &metadata.address, &metadata.version, &metadata.traceparent];
        let texts = texts.into_iter().flatten().map(String::as_str);
        let mut all = texts.chain([channel, metadata.id.as_str(), &metadata.event_type]);
        if all.any(|text| text.contains('\0')) {
            let reason = "its metadata or the channel's name has the character U+0000, which Postgres cannot store";
            return Err(LogError::Refused { channel: channel.to_owned(), id: metadata.id.clone(), reason });
        }
    }
    Ok(())
}
