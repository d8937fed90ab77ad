//! Dead letters in an SQL database.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Database, Pool, SqlSafeStr as _};

use super::checkpoints::migrate;
use super::transaction::SqlTransactions;
use super::{Dialect, Value, acquire, execute, number, optional, query, row, text};
use crate::consume::dead_letter::{DeadLetter, DeadLetters, LetterState, StoredDeadLetter};
use crate::consume::error::StoreError;
use crate::consume::inbox::{millis, now};
use crate::consume::transaction::Transactions;

/// Dead letters in an SQL database, see [`SqliteDeadLetters`](super::super::SqliteDeadLetters) and
/// [`PostgresDeadLetters`](super::super::PostgresDeadLetters). Cheap to clone.
pub struct SqlDeadLetters<DB: Database> {
    pub(super) pool: Pool<DB>,
}

const INSERT: &str = "
    INSERT INTO event_api_dead_letters (consumer, channel, source, position, event_id, event_type, event_time,
    subject, address, version, traceparent, headers, data, error, attempts, time, parked)";
const CONFLICT: &str = "ON CONFLICT (consumer, channel, event_id) DO UPDATE SET";
const REPLACE: &str = "
    source = excluded.source, position = excluded.position, event_type = excluded.event_type, event_time = excluded.event_time, subject = excluded.subject,
    address = excluded.address, version = excluded.version, traceparent = excluded.traceparent,
    headers = excluded.headers, data = excluded.data, error = excluded.error, attempts = excluded.attempts,
    time = excluded.time, parked = excluded.parked
    RETURNING number";
const PARKED: &str = "consumer = $1 AND channel = $2 AND subject = $8 AND parked";

impl<DB: Dialect> SqlDeadLetters<DB> {
    /// Uses a database of the caller's; tables named `event_api_…` are created in it.
    ///
    /// # Errors
    /// When the tables cannot be created, or were written by a newer version.
    pub async fn with_pool(pool: Pool<DB>) -> Result<Self, StoreError> {
        migrate(&pool).await?;
        Ok(SqlDeadLetters { pool })
    }

    /// The pool, for rows that share the database.
    pub fn pool(&self) -> &Pool<DB> {
        &self.pool
    }

    async fn read(
        &self,
        doing: impl Fn() -> String + Send,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        let rows = query(&self.pool, sql, values).await.map_err(|error| StoreError::new(doing(), error))?;
        let letters = rows.iter().map(row::letter::<DB>).collect::<Result<_, _>>();
        letters.map_err(|error| StoreError::new(doing(), error))
    }
}

#[async_trait]
impl<DB: Dialect> DeadLetters for SqlDeadLetters<DB> {
    async fn add(&self, letter: &DeadLetter) -> Result<u64, StoreError> {
        add::<DB>(&mut *acquire(&self.pool).await?, letter).await
    }

    async fn park(&self, letter: &DeadLetter) -> Result<Option<u64>, StoreError> {
        park::<DB>(&mut *acquire(&self.pool).await?, letter).await
    }

    async fn parked_subjects(&self, consumer: &str, channel: &str) -> Result<Vec<String>, StoreError> {
        let doing = || format!("listing the parked subjects of consumer {consumer:?}");
        let sql = "SELECT DISTINCT subject FROM event_api_dead_letters WHERE consumer = $1 AND channel = $2 AND parked
                   ORDER BY subject";
        let rows = query(&self.pool, sql, vec![text::<DB>(consumer), text::<DB>(channel)]).await;
        let rows = rows.map_err(|error| StoreError::new(doing(), error))?;
        let subjects = rows.iter().map(|row| DB::text_of(row, "subject")).filter_map(Result::transpose);
        subjects.collect::<Result<_, _>>().map_err(|error| StoreError::new(doing(), error))
    }

    async fn first_parked(
        &self,
        consumer: &str,
        channel: &str,
        subject: &str,
    ) -> Result<Option<StoredDeadLetter>, StoreError> {
        let sql =
            "SELECT * FROM event_api_dead_letters WHERE consumer = $1 AND channel = $2 AND subject = $3 AND parked
                   ORDER BY number LIMIT 1";
        let values = vec![text::<DB>(consumer), text::<DB>(channel), text::<DB>(subject)];
        let letters = self.read(|| format!("loading what is parked of subject {subject:?}"), sql, values).await?;
        Ok(letters.into_iter().next())
    }

    async fn list(&self, consumer: &str, after: u64, limit: usize) -> Result<Vec<StoredDeadLetter>, StoreError> {
        let sql = "SELECT * FROM event_api_dead_letters WHERE consumer = $1 AND number > $2 ORDER BY number LIMIT $3";
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let values = vec![text::<DB>(consumer), number(after), number(limit)];
        self.read(|| format!("listing the dead letters of consumer {consumer:?}"), sql, values).await
    }

    async fn get(&self, letter: u64) -> Result<Option<DeadLetter>, StoreError> {
        let sql = "SELECT * FROM event_api_dead_letters WHERE number = $1";
        let found = self.read(|| format!("loading dead letter {letter}"), sql, vec![number(letter)]).await?;
        Ok(found.into_iter().next().map(|stored| stored.letter))
    }

    async fn take(&self, letter: u64) -> Result<Option<DeadLetter>, StoreError> {
        let sql = "DELETE FROM event_api_dead_letters WHERE number = $1 RETURNING *";
        let found = self.read(|| format!("taking dead letter {letter}"), sql, vec![number(letter)]).await?;
        Ok(found.into_iter().next().map(|stored| stored.letter))
    }

    async fn update(&self, letter: u64, changed: &DeadLetter) -> Result<bool, StoreError> {
        // What a replay changes.
        let sql = "UPDATE event_api_dead_letters SET error = $2, attempts = $3, time = $4, parked = $5 = 1
                   WHERE number = $1";
        let values = vec![
            number(letter),
            text::<DB>(&changed.error),
            Value::Integer(i64::from(changed.attempts)),
            text::<DB>(&changed.time.to_rfc3339()),
            Value::Integer(i64::from(changed.state == LetterState::Parked)),
        ];
        let updated = execute(&self.pool, sql, values).await;
        let updated = updated.map_err(|error| StoreError::new(format!("updating dead letter {letter}"), error))?;
        Ok(updated == 1)
    }

    async fn hold(
        &self,
        consumer: &str,
        channel: &str,
        subject: &str,
        holder: &str,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO event_api_replays AS held (consumer, channel, subject, holder, until)
                   VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (consumer, channel, subject) DO UPDATE SET holder = excluded.holder, until = excluded.until
                   WHERE held.holder = excluded.holder OR held.until <= $6";
        let now = now();
        let mut values: Vec<Value> = [consumer, channel, subject, holder].into_iter().map(text::<DB>).collect();
        values.extend([Value::Integer(now.saturating_add(millis(lease))), Value::Integer(now)]);
        let held = execute(&self.pool, sql, values).await;
        Ok(held.map_err(|error| StoreError::new(format!("holding subject {subject:?} for a replay"), error))? == 1)
    }

    async fn let_go(&self, consumer: &str, channel: &str, subject: &str, holder: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM event_api_replays WHERE consumer = $1 AND channel = $2 AND subject = $3 AND holder = $4";
        let values = [consumer, channel, subject, holder].into_iter().map(text::<DB>).collect();
        let gone = execute(&self.pool, sql, values).await;
        gone.map_err(|error| StoreError::new(format!("letting go of subject {subject:?} after a replay"), error))?;
        Ok(())
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        Some(Arc::new(SqlTransactions::new(self.pool.clone())))
    }
}

/// Stores a letter; its number.
pub(super) async fn add<DB: Dialect>(connection: &mut DB::Connection, letter: &DeadLetter) -> Result<u64, StoreError> {
    let sql = format!(
        "{INSERT} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17 = 1)
         {CONFLICT} {REPLACE}"
    );
    let number = insert::<DB>(connection, letter, sql).await?;
    number.ok_or_else(|| StoreError::new("storing a dead letter", sqlx::Error::RowNotFound))
}

/// Stores a letter behind those that are parked of its subject, if there are any; its number.
pub(super) async fn park<DB: Dialect>(
    connection: &mut DB::Connection,
    letter: &DeadLetter,
) -> Result<Option<u64>, StoreError> {
    // The rows are locked: whoever removes the last of them waits and then finds the new one, or this one waits
    // and then finds none.
    let (locked, next) = (DB::FOR_UPDATE, DB::NEXT_NUMBER);
    let sql = format!(
        "{INSERT} SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17 = 1
         WHERE EXISTS (SELECT 1 FROM event_api_dead_letters WHERE {PARKED}{locked})
         {CONFLICT} number = {next}, {REPLACE}"
    );
    insert::<DB>(connection, letter, sql).await
}

/// Inserts a letter; its number, if it was inserted.
async fn insert<DB: Dialect>(
    connection: &mut DB::Connection,
    letter: &DeadLetter,
    sql: String,
) -> Result<Option<u64>, StoreError> {
    let doing = || format!("storing event {} as a dead letter", letter.event.metadata.id);
    let values = values::<DB>(letter).map_err(|error| StoreError::new(doing(), error))?;
    let rows = DB::query(connection, AssertSqlSafe(sql).into_sql_str(), values).await;
    let rows = rows.map_err(|error| StoreError::new(doing(), error))?;
    let Some(row) = rows.first() else { return Ok(None) };
    let number = DB::integer_of(row, "number").map_err(|error| StoreError::new(doing(), error))?;
    u64::try_from(number).map(Some).map_err(|error| StoreError::new(doing(), error))
}

fn values<DB: Dialect>(letter: &DeadLetter) -> Result<Vec<Value>, serde_json::Error> {
    let metadata = &letter.event.metadata;
    Ok(vec![
        text::<DB>(&letter.consumer),
        text::<DB>(letter.channel.as_deref().unwrap_or_default()),
        text::<DB>(&letter.source),
        Value::Text(letter.position.map(|position| position.to_string())),
        text::<DB>(metadata.id.as_str()),
        text::<DB>(&metadata.event_type),
        text::<DB>(&metadata.time.to_rfc3339()),
        optional::<DB>(metadata.subject.as_deref()),
        optional::<DB>(metadata.address.as_deref()),
        optional::<DB>(metadata.version.as_deref()),
        optional::<DB>(metadata.traceparent.as_deref()),
        Value::Text(Some(serde_json::to_string(&metadata.headers)?)),
        Value::Text(Some(letter.event.data.get().to_owned())),
        text::<DB>(&letter.error),
        Value::Integer(i64::from(letter.attempts)),
        text::<DB>(&letter.time.to_rfc3339()),
        Value::Integer(i64::from(letter.state == LetterState::Parked)),
    ])
}

impl<DB: Database> Clone for SqlDeadLetters<DB> {
    fn clone(&self) -> Self {
        SqlDeadLetters { pool: self.pool.clone() }
    }
}

impl<DB: Database> fmt::Debug for SqlDeadLetters<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlDeadLetters").field("pool", &self.pool).finish()
    }
}
