//! Checkpoints and dead letters in SQLite: in a file of their own, or beside the consumer's own tables.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::checkpoint::{Checkpoint, Checkpoints};
use super::dead_letter::{DeadLetter, DeadLetters, StoredDeadLetter};
use super::error::StoreError;
use super::sql::{checkpoint, integer, letter};
use super::transaction::{Moved, Transactions};
use super::transaction_sqlite::SqliteTransactions;
use crate::event::EventId;
use crate::sqlite;

/// Each entry takes the tables from one version to the next. Never edit an entry that was released; append one.
///
/// Positions are text: a feed of others may number as it likes, and SQLite's integers end at half of `u64`.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE event_api_checkpoints (
        consumer TEXT PRIMARY KEY,
        resume TEXT NOT NULL,
        position TEXT,
        event_id TEXT,
        updated TEXT NOT NULL
    ) STRICT;
    CREATE TABLE event_api_dead_letters (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        consumer TEXT NOT NULL,
        -- Empty when it is not known: NULLs would be different from each other.
        channel TEXT NOT NULL,
        source TEXT NOT NULL,
        position TEXT,
        event_id TEXT NOT NULL,
        event_type TEXT NOT NULL,
        event_time TEXT NOT NULL,
        subject TEXT,
        address TEXT,
        version TEXT,
        traceparent TEXT,
        headers TEXT NOT NULL,
        data TEXT NOT NULL,
        error TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        time TEXT NOT NULL,
        UNIQUE (consumer, channel, event_id)
    ) STRICT;
"];

/// Checkpoints that survive the process and, once stored, the loss of power. Cheap to clone.
///
/// ```no_run
/// # async fn wiring() -> Result<(), Box<dyn std::error::Error>> {
/// let checkpoints = event_api::consume::SqliteCheckpoints::open("mailer.db").await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteCheckpoints {
    pool: SqlitePool,
}

impl SqliteCheckpoints {
    /// Opens a database file, which is created if there is none.
    ///
    /// # Errors
    /// When the file cannot be opened, is no SQLite database, or was written by a newer version.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Ok(SqliteCheckpoints { pool: open(path.as_ref()).await? })
    }

    /// Uses a database of the caller's; tables named `event_api_…` are created in it. How durable a checkpoint is
    /// depends on the settings of the pool (`synchronous`).
    ///
    /// # Errors
    /// When the tables cannot be created, or were written by a newer version.
    pub async fn with_pool(pool: SqlitePool) -> Result<Self, StoreError> {
        migrate(&pool).await?;
        Ok(SqliteCheckpoints { pool })
    }

    /// The pool, for rows that share the database.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}

/// Dead letters in SQLite. Cheap to clone. Consumers with [`SqliteCheckpoints`] put theirs into the same database
/// unless told otherwise, so this is what lists and replays them.
#[derive(Clone, Debug)]
pub struct SqliteDeadLetters {
    pool: SqlitePool,
}

impl SqliteDeadLetters {
    /// Opens a database file, which is created if there is none. It may be that of [`SqliteCheckpoints`].
    ///
    /// # Errors
    /// When the file cannot be opened, is no SQLite database, or was written by a newer version.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Ok(SqliteDeadLetters { pool: open(path.as_ref()).await? })
    }

    /// Uses a database of the caller's; tables named `event_api_…` are created in it.
    ///
    /// # Errors
    /// When the tables cannot be created, or were written by a newer version.
    pub async fn with_pool(pool: SqlitePool) -> Result<Self, StoreError> {
        migrate(&pool).await?;
        Ok(SqliteDeadLetters { pool })
    }

    /// The pool, for rows that share the database.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }
}

async fn open(path: &Path) -> Result<SqlitePool, StoreError> {
    let pool = sqlite::open(path)
        .await
        .map_err(|error| StoreError::new(format!("opening the SQLite database {}", path.display()), error))?;
    migrate(&pool).await?;
    Ok(pool)
}

async fn migrate(pool: &SqlitePool) -> Result<(), StoreError> {
    sqlite::migrate(pool, "consume", MIGRATIONS)
        .await
        .map_err(|error| StoreError::new("creating the tables for checkpoints and dead letters", error))
}

#[async_trait]
impl Checkpoints for SqliteCheckpoints {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        let doing = || format!("loading the checkpoint of consumer {consumer:?}");
        let row = sqlx::query("SELECT resume, position, event_id FROM event_api_checkpoints WHERE consumer = ?")
            .bind(consumer)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| StoreError::new(doing(), error))?;
        row.map(|row| checkpoint(&row)).transpose().map_err(|error| StoreError::new(doing(), error))
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO event_api_checkpoints (consumer, resume, position, event_id, updated) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (consumer) DO UPDATE SET resume = excluded.resume, position = excluded.position,
             event_id = excluded.event_id, updated = excluded.updated",
        )
        .bind(consumer)
        .bind(&checkpoint.resume)
        .bind(checkpoint.position.map(|position| position.to_string()))
        .bind(event_id(checkpoint))
        .bind(Utc::now().to_rfc3339())
        .execute(&self.pool)
        .await
        .map_err(|error| StoreError::new(format!("storing the checkpoint of consumer {consumer:?}"), error))?;
        Ok(())
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        Some(Arc::new(SqliteTransactions::new(self.pool.clone())))
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(SqliteDeadLetters { pool: self.pool.clone() }))
    }
}

#[async_trait]
impl DeadLetters for SqliteDeadLetters {
    async fn add(&self, dead: &DeadLetter) -> Result<u64, StoreError> {
        let metadata = &dead.event.metadata;
        let doing = || format!("storing event {} as a dead letter", metadata.id);
        let headers = serde_json::to_string(&metadata.headers).map_err(|error| StoreError::new(doing(), error))?;
        let numbers: Vec<i64> = sqlx::query_scalar(
            "INSERT INTO event_api_dead_letters (consumer, channel, source, position, event_id, event_type, event_time,
             subject, address, version, traceparent, headers, data, error, attempts, time)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (consumer, channel, event_id) DO UPDATE SET source = excluded.source, position = excluded.position,
             event_type = excluded.event_type, event_time = excluded.event_time, subject = excluded.subject,
             address = excluded.address, version = excluded.version, traceparent = excluded.traceparent,
             headers = excluded.headers, data = excluded.data, error = excluded.error, attempts = excluded.attempts,
             time = excluded.time
             RETURNING number",
        )
        .bind(&dead.consumer)
        .bind(dead.channel.as_deref().unwrap_or_default())
        .bind(&dead.source)
        .bind(dead.position.map(|position| position.to_string()))
        .bind(metadata.id.as_str())
        .bind(&metadata.event_type)
        .bind(metadata.time.to_rfc3339())
        .bind(&metadata.subject)
        .bind(&metadata.address)
        .bind(&metadata.version)
        .bind(&metadata.traceparent)
        .bind(headers)
        .bind(dead.event.data.get())
        .bind(&dead.error)
        .bind(dead.attempts)
        .bind(dead.time.to_rfc3339())
        // To the end of the statement, where it is committed: after the first row, a failing commit would go unheard.
        .fetch_all(&self.pool)
        .await
        .map_err(|error| StoreError::new(doing(), error))?;
        let number = *numbers.first().ok_or_else(|| StoreError::new(doing(), sqlx::Error::RowNotFound))?;
        u64::try_from(number).map_err(|error| StoreError::new(doing(), error))
    }

    async fn list(&self, consumer: &str, after: u64, limit: usize) -> Result<Vec<StoredDeadLetter>, StoreError> {
        let doing = || format!("listing the dead letters of consumer {consumer:?}");
        let rows = sqlx::query(
            "SELECT * FROM event_api_dead_letters WHERE consumer = ? AND number > ? ORDER BY number LIMIT ?",
        )
        .bind(consumer)
        .bind(integer(after))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(|error| StoreError::new(doing(), error))?;
        rows.iter().map(letter).collect::<Result<_, _>>().map_err(|error| StoreError::new(doing(), error))
    }

    async fn get(&self, number: u64) -> Result<Option<DeadLetter>, StoreError> {
        let doing = || format!("loading dead letter {number}");
        let row = sqlx::query("SELECT * FROM event_api_dead_letters WHERE number = ?")
            .bind(integer(number))
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| StoreError::new(doing(), error))?;
        row.map(|row| letter(&row))
            .transpose()
            .map(|stored| stored.map(|stored| stored.letter))
            .map_err(|error| StoreError::new(doing(), error))
    }

    async fn take(&self, number: u64) -> Result<Option<DeadLetter>, StoreError> {
        let doing = || format!("taking dead letter {number}");
        let rows = sqlx::query("DELETE FROM event_api_dead_letters WHERE number = ? RETURNING *")
            .bind(integer(number))
            // As above: to where it is committed.
            .fetch_all(&self.pool)
            .await
            .map_err(|error| StoreError::new(doing(), error))?;
        rows.first()
            .map(letter)
            .transpose()
            .map(|stored| stored.map(|stored| stored.letter))
            .map_err(|error| StoreError::new(doing(), error))
    }
}

/// Moves a checkpoint, in the connection's transaction, unless it is not where it is believed to be.
pub(super) async fn move_on(
    connection: &mut SqliteConnection,
    consumer: &str,
    previous: Option<&Checkpoint>,
    next: &Checkpoint,
) -> Result<Moved, StoreError> {
    let moved = match previous {
        None => sqlx::query(
            "INSERT INTO event_api_checkpoints (consumer, resume, position, event_id, updated)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (consumer) DO NOTHING",
        ),
        Some(_) => sqlx::query(
            "UPDATE event_api_checkpoints SET resume = ?2, position = ?3, event_id = ?4, updated = ?5
             WHERE consumer = ?1 AND resume = ?6 AND position IS ?7 AND event_id IS ?8",
        ),
    };
    let mut moved = moved
        .bind(consumer)
        .bind(&next.resume)
        .bind(next.position.map(|position| position.to_string()))
        .bind(event_id(next))
        .bind(Utc::now().to_rfc3339());
    if let Some(previous) = previous {
        moved = moved
            .bind(&previous.resume)
            .bind(previous.position.map(|position| position.to_string()))
            .bind(event_id(previous));
    }
    let doing = || format!("storing the checkpoint of consumer {consumer:?}");
    let moved = moved.execute(connection).await.map_err(|error| StoreError::new(doing(), error))?;
    Ok(if moved.rows_affected() == 1 { Moved::Yes } else { Moved::Overtaken })
}

fn event_id(checkpoint: &Checkpoint) -> Option<&str> {
    checkpoint.event_id.as_ref().map(EventId::as_str)
}
