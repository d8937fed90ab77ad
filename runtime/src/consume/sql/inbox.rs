//! The inbox in an SQL database: what was handled stays handled over restarts, for all processes that share it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::{Database, Pool, SqlStr};
use uuid::Uuid;

use super::transaction::SqlTransactions;
use super::{Dialect, SqlDeadLetters, Store, Value, execute, query, text};
use crate::consume::dead_letter::DeadLetters;
use crate::consume::error::StoreError;
use crate::consume::inbox::{Claim, Inbox, Pruning, Ticket, millis, now};
use crate::consume::transaction::Transactions;

/// An inbox in an SQL database, see [`SqliteInbox`](super::super::SqliteInbox) and
/// [`PostgresInbox`](super::super::PostgresInbox). Cheap to clone.
pub struct SqlInbox<DB: Database> {
    pool: Pool<DB>,
    pruning: Arc<Pruning>,
    dead_letters: SqlDeadLetters<DB>,
}

impl<DB: Dialect> SqlInbox<DB> {
    /// An inbox in the database of the service; tables are named `event_api_…`.
    ///
    /// # Errors
    /// When the database cannot be written or its tables are those of a newer release.
    pub async fn with_pool(pool: Pool<DB>) -> Result<Self, StoreError> {
        let migrated = DB::migrate(&pool, Store::Inbox).await;
        migrated.map_err(|error| StoreError::new("preparing the inbox's tables", error))?;
        let dead_letters = SqlDeadLetters::with_pool(pool.clone()).await?;
        Ok(SqlInbox { pool, pruning: Arc::default(), dead_letters })
    }

    /// Remembers an event for `time` after it was last seen, instead of two weeks. Choose longer than the sender
    /// retries.
    #[must_use]
    pub fn keeping(mut self, time: Duration) -> Self {
        self.pruning = Arc::new(Pruning::new(time));
        self
    }

    /// The pool, for rows that share the database.
    pub fn pool(&self) -> &Pool<DB> {
        &self.pool
    }

    async fn try_claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, sqlx::Error> {
        let now = now();
        if let Some(before) = self.pruning.due(now) {
            let sql = "DELETE FROM event_api_inbox WHERE touched < $1";
            execute(&self.pool, sql, vec![Value::Integer(before)]).await?;
        }
        let token = Uuid::now_v7().to_string();
        // One statement, so that of claims that come at the same time one is granted.
        let sql = "
            INSERT INTO event_api_inbox AS held (consumer, id, attempts, token, claimed_until, done, touched)
            VALUES ($1, $2, 1, $3, $4, FALSE, $5)
            ON CONFLICT (consumer, id) DO UPDATE SET attempts = held.attempts + 1, token = excluded.token,
            claimed_until = excluded.claimed_until, touched = excluded.touched
            WHERE NOT held.done AND held.claimed_until <= $5
            RETURNING attempts";
        let until = now.saturating_add(millis(lease));
        let who = || [text::<DB>(consumer), text::<DB>(id)];
        let mut values = Vec::from(who());
        values.extend([text::<DB>(&token), Value::Integer(until), Value::Integer(now)]);
        if let Some(row) = query(&self.pool, sql, values).await?.first() {
            let attempts = u32::try_from(DB::integer_of(row, "attempts")?).unwrap_or(u32::MAX);
            // The ticket has what is stored.
            return Ok(Claim::Granted(Ticket::new(DB::text(consumer), DB::text(id), token, attempts)));
        }
        let sql = "SELECT done FROM event_api_inbox WHERE consumer = $1 AND id = $2";
        let rows = query(&self.pool, sql, who().into()).await?;
        let done = rows.first().map(|row| DB::truth_of(row, "done")).transpose()?;
        Ok(if done == Some(true) { Claim::Done } else { Claim::Busy })
    }
}

#[async_trait]
impl<DB: Dialect> Inbox for SqlInbox<DB> {
    async fn claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, StoreError> {
        let claim = self.try_claim(consumer, id, lease).await;
        claim.map_err(|error| StoreError::new(format!("claiming event {id:?} for consumer {consumer:?}"), error))
    }

    async fn complete(&self, ticket: &Ticket) -> Result<(), StoreError> {
        // Whoever holds the claim now: the event was handled.
        let sql = "UPDATE event_api_inbox SET done = TRUE, token = NULL, touched = $1 WHERE consumer = $2 AND id = $3";
        let values = vec![Value::Integer(now()), text::<DB>(&ticket.consumer), text::<DB>(&ticket.id)];
        let completed = execute(&self.pool, sql, values).await;
        completed.map_err(|error| StoreError::new(format!("storing that event {:?} was handled", ticket.id), error))?;
        Ok(())
    }

    async fn release(&self, ticket: &Ticket) -> Result<(), StoreError> {
        let sql = "UPDATE event_api_inbox SET claimed_until = 0, token = NULL, touched = $1
                   WHERE consumer = $2 AND id = $3 AND token = $4";
        let released = execute(&self.pool, sql, held::<DB>(ticket)).await;
        released.map_err(|error| StoreError::new(format!("releasing the claim of event {:?}", ticket.id), error))?;
        Ok(())
    }

    async fn renew(&self, ticket: &Ticket, lease: Duration) -> Result<(), StoreError> {
        let sql = "UPDATE event_api_inbox SET claimed_until = $5, touched = $1
                   WHERE consumer = $2 AND id = $3 AND token = $4 AND NOT done";
        let mut values = held::<DB>(ticket);
        values.push(Value::Integer(now().saturating_add(millis(lease))));
        let renewed = execute(&self.pool, sql, values).await;
        renewed.map_err(|error| StoreError::new(format!("renewing the claim of event {:?}", ticket.id), error))?;
        Ok(())
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        Some(Arc::new(SqlTransactions::new(self.pool.clone())))
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        Arc::new(self.dead_letters.clone())
    }
}

/// Stores that an event was handled, in the transaction of what its handler did. Whether the claim still held: if not,
/// another delivery may have handled it, and the transaction must not commit.
pub(super) async fn complete_within<DB: Dialect>(
    connection: &mut DB::Connection,
    ticket: &Ticket,
) -> Result<bool, sqlx::Error> {
    let sql = "UPDATE event_api_inbox SET done = TRUE, token = NULL, touched = $1
               WHERE consumer = $2 AND id = $3 AND token = $4 AND NOT done";
    Ok(DB::execute(connection, SqlStr::from_static(sql), held::<DB>(ticket)).await? == 1)
}

/// Now, and the claim.
fn held<DB: Dialect>(ticket: &Ticket) -> Vec<Value> {
    let Ticket { consumer, id, token, .. } = ticket;
    vec![Value::Integer(now()), text::<DB>(consumer), text::<DB>(id), text::<DB>(token)]
}

impl<DB: Database> Clone for SqlInbox<DB> {
    fn clone(&self) -> Self {
        SqlInbox {
            pool: self.pool.clone(),
            pruning: Arc::clone(&self.pruning),
            dead_letters: self.dead_letters.clone(),
        }
    }
}

impl<DB: Database> fmt::Debug for SqlInbox<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlInbox").field("pool", &self.pool).finish_non_exhaustive()
    }
}
