//! Checkpoints and dead letters in Postgres, beside the consumer's own tables.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use sqlx::postgres::{PgConnection, PgPool};

use super::checkpoint::{Checkpoint, Checkpoints};
use super::dead_letter::{DeadLetter, DeadLetters, StoredDeadLetter};
use super::error::StoreError;
use super::sql::{checkpoint, integer, letter};
use super::transaction::{Moved, Transactions};
use super::transaction_postgres::PostgresTransactions;
use crate::event::EventId;
use crate::postgres;

/// Each entry takes the tables from one version to the next. Never edit an entry that was released; append one.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE event_api_checkpoints (
        consumer text PRIMARY KEY,
        resume text NOT NULL,
        position text,
        event_id text,
        updated text NOT NULL
    );
    CREATE TABLE event_api_dead_letters (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        consumer text NOT NULL,
        -- Empty when it is not known: NULLs would be different from each other.
        channel text NOT NULL,
        source text NOT NULL,
        position text,
        event_id text NOT NULL,
        event_type text NOT NULL,
        event_time text NOT NULL,
        subject text,
        address text,
        version text,
        traceparent text,
        headers text NOT NULL,
        data text NOT NULL,
        error text NOT NULL,
        attempts bigint NOT NULL,
        time text NOT NULL,
        UNIQUE (consumer, channel, event_id)
    );
"];

/// Checkpoints that survive the process and, once stored, the loss of power. Cheap to clone.
///
/// ```no_run
/// # async fn wiring() -> Result<(), Box<dyn std::error::Error>> {
/// let checkpoints = event_api::consume::PostgresCheckpoints::connect("postgres://localhost/mailer").await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresCheckpoints {
    pool: PgPool,
}

impl PostgresCheckpoints {
    /// Connects to the database at `url`; tables named `event_api_…` are made where there are none.
    ///
    /// # Errors
    /// When the database cannot be reached, or was written by a newer version.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(PostgresCheckpoints { pool: connect(url).await? })
    }

    /// Uses a database of the caller's; tables named `event_api_…` are created in it.
    ///
    /// # Errors
    /// When the tables cannot be created, or were written by a newer version.
    pub async fn with_pool(pool: PgPool) -> Result<Self, StoreError> {
        migrate(&pool).await?;
        Ok(PostgresCheckpoints { pool })
    }

    /// The pool, for rows that share the database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// Dead letters in Postgres. Cheap to clone. Consumers with [`PostgresCheckpoints`] put theirs into the same database
/// unless told otherwise, so this is what lists and replays them.
#[derive(Clone, Debug)]
pub struct PostgresDeadLetters {
    pool: PgPool,
}

impl PostgresDeadLetters {
    /// Connects to the database at `url`; tables named `event_api_…` are made where there are none.
    ///
    /// # Errors
    /// When the database cannot be reached, or was written by a newer version.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(PostgresDeadLetters { pool: connect(url).await? })
    }

    /// Uses a database of the caller's; tables named `event_api_…` are created in it.
    ///
    /// # Errors
    /// When the tables cannot be created, or were written by a newer version.
    pub async fn with_pool(pool: PgPool) -> Result<Self, StoreError> {
        migrate(&pool).await?;
        Ok(PostgresDeadLetters { pool })
    }

    /// The pool, for rows that share the database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

async fn connect(url: &str) -> Result<PgPool, StoreError> {
    // Without the URL, which may hold a password.
    let pool = postgres::connect(url).await.map_err(|error| {
        StoreError::new("connecting to the Postgres database of checkpoints or dead letters", error)
    })?;
    migrate(&pool).await?;
    Ok(pool)
}

async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    postgres::migrate(pool, "consume", MIGRATIONS)
        .await
        .map_err(|error| StoreError::new("creating the tables for checkpoints and dead letters", error))
}

#[async_trait]
impl Checkpoints for PostgresCheckpoints {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        let doing = || format!("loading the checkpoint of consumer {consumer:?}");
        let row = sqlx::query("SELECT resume, position, event_id FROM event_api_checkpoints WHERE consumer = $1")
            .bind(consumer)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| StoreError::new(doing(), error))?;
        row.map(|row| checkpoint(&row)).transpose().map_err(|error| StoreError::new(doing(), error))
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO event_api_checkpoints (consumer, resume, position, event_id, updated) VALUES ($1, $2, $3, $4, $5)
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
        Some(Arc::new(PostgresTransactions::new(self.pool.clone())))
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(PostgresDeadLetters { pool: self.pool.clone() }))
    }
}

#[async_trait]
impl DeadLetters for PostgresDeadLetters {
    async fn add(&self, dead: &DeadLetter) -> Result<u64, StoreError> {
        let metadata = &dead.event.metadata;
        let doing = || format!("storing event {} as a dead letter", metadata.id);
        let headers = serde_json::to_string(&metadata.headers).map_err(|error| StoreError::new(doing(), error))?;
        let numbers: Vec<i64> = sqlx::query_scalar(
            "INSERT INTO event_api_dead_letters (consumer, channel, source, position, event_id, event_type, event_time,
             subject, address, version, traceparent, headers, data, error, attempts, time)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             ON CONFLICT (consumer, channel, event_id) DO UPDATE SET source = excluded.source, position = excluded.position,
             event_type = excluded.event_type, event_time = excluded.event_time, subject = excluded.subject,
             address = excluded.address, version = excluded.version, traceparent = excluded.traceparent,
             headers = excluded.headers, data = excluded.data, error = excluded.error, attempts = excluded.attempts,
             time = excluded.time
             RETURNING number",
        )
        .bind(clean(&dead.consumer))
        .bind(clean(dead.channel.as_deref().unwrap_or_default()))
        .bind(clean(&dead.source))
        .bind(dead.position.map(|position| position.to_string()))
        .bind(clean(metadata.id.as_str()))
        .bind(clean(&metadata.event_type))
        .bind(metadata.time.to_rfc3339())
        .bind(metadata.subject.as_deref().map(clean))
        .bind(metadata.address.as_deref().map(clean))
        .bind(metadata.version.as_deref().map(clean))
        .bind(metadata.traceparent.as_deref().map(clean))
        .bind(headers)
        .bind(dead.event.data.get())
        .bind(clean(&dead.error))
        .bind(i64::from(dead.attempts))
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
            "SELECT * FROM event_api_dead_letters WHERE consumer = $1 AND number > $2 ORDER BY number LIMIT $3",
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
        let row = sqlx::query("SELECT * FROM event_api_dead_letters WHERE number = $1")
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
        let rows = sqlx::query("DELETE FROM event_api_dead_letters WHERE number = $1 RETURNING *")
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

/// Postgres stores no U+0000. Who sent an event with it must not hold up what comes after it.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}").into() } else { text.into() }
}

/// Moves a checkpoint, in the connection's transaction, unless it is not where it is believed to be.
pub(super) async fn move_on(
    connection: &mut PgConnection,
    consumer: &str,
    previous: Option<&Checkpoint>,
    next: &Checkpoint,
) -> Result<Moved, StoreError> {
    let moved = match previous {
        None => sqlx::query(
            "INSERT INTO event_api_checkpoints (consumer, resume, position, event_id, updated)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (consumer) DO NOTHING",
        ),
        Some(_) => sqlx::query(
            "UPDATE event_api_checkpoints SET resume = $2, position = $3, event_id = $4, updated = $5
             WHERE consumer = $1 AND resume = $6 AND position IS NOT DISTINCT FROM $7 AND event_id IS NOT DISTINCT FROM $8",
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

/// The checkpoint is as good without an id that Postgres cannot store.
fn event_id(checkpoint: &Checkpoint) -> Option<&str> {
    checkpoint.event_id.as_ref().map(EventId::as_str).filter(|id| !id.contains('\0'))
}
