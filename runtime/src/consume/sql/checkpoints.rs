//! Checkpoints in an SQL database.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use sqlx::{AssertSqlSafe, Database, Pool, SqlSafeStr as _};

use super::transaction::SqlTransactions;
use super::{Dialect, SqlDeadLetters, Store, Value, execute, optional, query, row, text};
use crate::consume::checkpoint::{Checkpoint, Checkpoints};
use crate::consume::completions::Completions;
use crate::consume::dead_letter::DeadLetters;
use crate::consume::error::StoreError;
use crate::consume::group::Leases;
use crate::consume::transaction::{Moved, Transactions};
use crate::event::EventId;

/// Checkpoints in an SQL database, see [`SqliteCheckpoints`](super::super::SqliteCheckpoints) and
/// [`PostgresCheckpoints`](super::super::PostgresCheckpoints). Cheap to clone.
pub struct SqlCheckpoints<DB: Database> {
    pub(super) pool: Pool<DB>,
}

impl<DB: Dialect> SqlCheckpoints<DB> {
    /// Uses a database of the caller's; tables named `event_api_…` are created in it. How durable a checkpoint is
    /// depends on the settings of the pool (in SQLite: `synchronous`).
    ///
    /// # Errors
    /// When the tables cannot be created, or were written by a newer version.
    pub async fn with_pool(pool: Pool<DB>) -> Result<Self, StoreError> {
        migrate(&pool).await?;
        Ok(SqlCheckpoints { pool })
    }

    /// The pool, for rows that share the database.
    pub fn pool(&self) -> &Pool<DB> {
        &self.pool
    }
}

pub(super) async fn migrate<DB: Dialect>(pool: &Pool<DB>) -> Result<(), StoreError> {
    let migrated = DB::migrate(pool, Store::Consume).await;
    migrated.map_err(|error| StoreError::new("creating the tables for checkpoints and dead letters", error))
}

#[async_trait]
impl<DB: Dialect> Checkpoints for SqlCheckpoints<DB> {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        let sql = "SELECT resume, position, event_id FROM event_api_checkpoints WHERE consumer = $1";
        let doing = || format!("loading the checkpoint of consumer {consumer:?}");
        let rows = query(&self.pool, sql, vec![text::<DB>(consumer)]).await;
        let rows = rows.map_err(|error| StoreError::new(doing(), error))?;
        let read = rows.first().map(row::checkpoint::<DB>).transpose();
        Ok(read.map_err(|error| StoreError::new(doing(), error))?.flatten())
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let sql = "
            INSERT INTO event_api_checkpoints (consumer, resume, position, event_id, updated)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (consumer) DO UPDATE SET resume = excluded.resume, position = excluded.position,
            event_id = excluded.event_id, updated = excluded.updated";
        let mut values = vec![text::<DB>(consumer)];
        values.extend(place::<DB>(checkpoint));
        values.push(now::<DB>());
        let stored = execute(&self.pool, sql, values).await;
        stored.map_err(|error| StoreError::new(format!("storing the checkpoint of consumer {consumer:?}"), error))?;
        Ok(())
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        Some(Arc::new(SqlTransactions::new(self.pool.clone())))
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(SqlDeadLetters { pool: self.pool.clone() }))
    }

    fn completions(&self) -> Option<Arc<dyn Completions>> {
        Some(Arc::new(self.clone()))
    }

    fn leases(&self) -> Option<Arc<dyn Leases>> {
        DB::leases(self)
    }
}

/// Moves a checkpoint, in the connection's transaction, unless it is not where it is believed to be.
pub(super) async fn move_on<DB: Dialect>(
    connection: &mut DB::Connection,
    consumer: &str,
    holder: Option<&str>,
    previous: Option<&Checkpoint>,
    next: &Checkpoint,
) -> Result<Moved, StoreError> {
    let held = match (holder, previous) {
        (None, _) => String::new(),
        (Some(_), previous) => {
            let parameter = if previous.is_some() { 9 } else { 6 };
            let share = DB::FOR_SHARE;
            format!("AND EXISTS (SELECT 1 FROM event_api_claims WHERE consumer = $1 AND holder = ${parameter}{share})")
        }
    };
    let sql = match previous {
        // A row without a place is there when several events were handled at a time before.
        None => {
            format!(
                "INSERT INTO event_api_checkpoints (consumer, resume, position, event_id, updated)
                 SELECT $1, $2, $3, $4, $5 WHERE true {held}
                 ON CONFLICT (consumer) DO UPDATE SET resume = excluded.resume, position = excluded.position,
                 event_id = excluded.event_id, updated = excluded.updated
                 WHERE event_api_checkpoints.resume = ''"
            )
        }
        Some(_) => {
            format!(
                "UPDATE event_api_checkpoints SET resume = $2, position = $3, event_id = $4, updated = $5
                 WHERE consumer = $1 AND resume = $6 AND position IS NOT DISTINCT FROM $7
                 AND event_id IS NOT DISTINCT FROM $8 {held}"
            )
        }
    };
    let mut values = vec![text::<DB>(consumer)];
    values.extend(place::<DB>(next));
    values.push(now::<DB>());
    values.extend(previous.into_iter().flat_map(place::<DB>));
    values.extend(holder.map(text::<DB>));
    let moved = DB::execute(connection, AssertSqlSafe(sql).into_sql_str(), values).await;
    let moved =
        moved.map_err(|error| StoreError::new(format!("storing the checkpoint of consumer {consumer:?}"), error))?;
    Ok(if moved == 1 { Moved::Yes } else { Moved::Overtaken })
}

/// `resume`, `position` and `event_id`.
pub(super) fn place<DB: Dialect>(checkpoint: &Checkpoint) -> [Value; 3] {
    let id = checkpoint.event_id.as_ref().map(EventId::as_str);
    // The checkpoint is as good without an id that the database cannot hold.
    let id = id.filter(|id| DB::text(id) == *id);
    [
        text::<DB>(&checkpoint.resume),
        Value::Text(checkpoint.position.map(|position| position.to_string())),
        optional::<DB>(id),
    ]
}

pub(super) fn now<DB: Dialect>() -> Value {
    text::<DB>(&Utc::now().to_rfc3339())
}

impl<DB: Database> Clone for SqlCheckpoints<DB> {
    fn clone(&self) -> Self {
        SqlCheckpoints { pool: self.pool.clone() }
    }
}

impl<DB: Database> fmt::Debug for SqlCheckpoints<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlCheckpoints").field("pool", &self.pool).finish()
    }
}
