//! Checkpoints and dead letters in SQLite: in a file of their own, or beside the consumer's own tables.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use super::checkpoint::{Checkpoint, Checkpoints};
use super::dead_letter::{DeadLetter, DeadLetters, StoredDeadLetter};
use super::error::StoreError;
use crate::event::{EventId, Headers, Metadata, Position, RawEvent};
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
        .bind(checkpoint.event_id.as_ref().map(EventId::as_str))
        .bind(Utc::now().to_rfc3339())
        .execute(&self.pool)
        .await
        .map_err(|error| StoreError::new(format!("storing the checkpoint of consumer {consumer:?}"), error))?;
        Ok(())
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(SqliteDeadLetters { pool: self.pool.clone() }))
    }
}

fn checkpoint(row: &SqliteRow) -> Result<Checkpoint, BoxError> {
    Ok(Checkpoint {
        resume: row.try_get("resume")?,
        position: position(row)?,
        event_id: row.try_get::<Option<String>, _>("event_id")?.map(EventId::from),
    })
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn position(row: &SqliteRow) -> Result<Option<Position>, BoxError> {
    let text: Option<String> = row.try_get("position")?;
    Ok(text.map(|text| text.parse::<Position>()).transpose()?)
}

#[async_trait]
impl DeadLetters for SqliteDeadLetters {
    async fn add(&self, letter: &DeadLetter) -> Result<u64, StoreError> {
        let metadata = &letter.event.metadata;
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
        .bind(&letter.consumer)
        .bind(letter.channel.as_deref().unwrap_or_default())
        .bind(&letter.source)
        .bind(letter.position.map(|position| position.to_string()))
        .bind(metadata.id.as_str())
        .bind(&metadata.event_type)
        .bind(metadata.time.to_rfc3339())
        .bind(&metadata.subject)
        .bind(&metadata.address)
        .bind(&metadata.version)
        .bind(&metadata.traceparent)
        .bind(headers)
        .bind(letter.event.data.get())
        .bind(&letter.error)
        .bind(letter.attempts)
        .bind(letter.time.to_rfc3339())
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
        rows.iter().map(stored).collect::<Result<_, _>>().map_err(|error| StoreError::new(doing(), error))
    }

    async fn get(&self, number: u64) -> Result<Option<DeadLetter>, StoreError> {
        let doing = || format!("loading dead letter {number}");
        let row = sqlx::query("SELECT * FROM event_api_dead_letters WHERE number = ?")
            .bind(integer(number))
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| StoreError::new(doing(), error))?;
        row.map(|row| stored(&row))
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
            .map(stored)
            .transpose()
            .map(|stored| stored.map(|stored| stored.letter))
            .map_err(|error| StoreError::new(doing(), error))
    }
}

/// A number no row has, where SQLite cannot hold it.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn stored(row: &SqliteRow) -> Result<StoredDeadLetter, BoxError> {
    let time = |column: &str| -> Result<DateTime<Utc>, BoxError> {
        let text: String = row.try_get(column)?;
        Ok(DateTime::parse_from_rfc3339(&text)?.to_utc())
    };
    let headers: String = row.try_get("headers")?;
    let metadata = Metadata {
        id: EventId::from(row.try_get::<String, _>("event_id")?),
        event_type: row.try_get("event_type")?,
        time: time("event_time")?,
        subject: row.try_get("subject")?,
        address: row.try_get("address")?,
        version: row.try_get("version")?,
        traceparent: row.try_get("traceparent")?,
        headers: serde_json::from_str::<Headers>(&headers)?,
    };
    let letter = DeadLetter {
        consumer: row.try_get("consumer")?,
        channel: Some(row.try_get::<String, _>("channel")?).filter(|channel| !channel.is_empty()),
        source: row.try_get("source")?,
        position: position(row)?,
        event: RawEvent { metadata, data: RawValue::from_string(row.try_get("data")?)? },
        error: row.try_get("error")?,
        attempts: row.try_get("attempts")?,
        time: time("time")?,
    };
    Ok(StoredDeadLetter { number: u64::try_from(row.try_get::<i64, _>("number")?)?, letter })
}
