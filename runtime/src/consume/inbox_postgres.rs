//! The inbox in a Postgres database: what was handled stays handled over restarts, for all processes that share it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

use super::dead_letter::DeadLetters;
use super::error::StoreError;
use super::inbox::{Claim, Inbox, Pruning, Ticket, millis, now};
use super::postgres::{PostgresDeadLetters, clean};
use super::transaction::Transactions;
use super::transaction_postgres::PostgresTransactions;
use crate::postgres;

/// Times are milliseconds since 1970.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE event_api_inbox (
        consumer text NOT NULL,
        id text NOT NULL,
        attempts bigint NOT NULL,
        -- Of the claim that holds; NULL when there is none.
        token text,
        claimed_until bigint NOT NULL,
        done boolean NOT NULL,
        touched bigint NOT NULL,
        PRIMARY KEY (consumer, id)
    );
    CREATE INDEX event_api_inbox_touched ON event_api_inbox (touched);
"];

/// An inbox in a Postgres database. Cheap to clone; several processes may share the database.
#[derive(Clone, Debug)]
pub struct PostgresInbox {
    pool: PgPool,
    pruning: Arc<Pruning>,
    dead_letters: PostgresDeadLetters,
}

impl PostgresInbox {
    /// Connects to the database at `url`; tables named `event_api_…` are made where there are none.
    ///
    /// # Errors
    /// When the database cannot be reached or its tables are those of a newer release.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        // Without the URL, which may hold a password.
        let pool = postgres::connect(url).await;
        Self::with_pool(
            pool.map_err(|error| StoreError::new("connecting to the Postgres database of the inbox", error))?,
        )
        .await
    }

    /// An inbox in the database of the service; tables are named `event_api_…`.
    ///
    /// # Errors
    /// When the database cannot be written or its tables are those of a newer release.
    pub async fn with_pool(pool: PgPool) -> Result<Self, StoreError> {
        let migrated = postgres::migrate(&pool, "inbox", MIGRATIONS).await;
        migrated.map_err(|error| StoreError::new("preparing the inbox's tables", error))?;
        let dead_letters = PostgresDeadLetters::with_pool(pool.clone()).await?;
        Ok(PostgresInbox { pool, pruning: Arc::default(), dead_letters })
    }

    /// Remembers an event for `time` after it was last seen, instead of two weeks. Choose longer than the sender
    /// retries.
    #[must_use]
    pub fn keeping(mut self, time: Duration) -> Self {
        self.pruning = Arc::new(Pruning::new(time));
        self
    }

    /// The pool, for rows that share the database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    async fn try_claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, sqlx::Error> {
        let now = now();
        if let Some(before) = self.pruning.due(now) {
            sqlx::query("DELETE FROM event_api_inbox WHERE touched < $1").bind(before).execute(&self.pool).await?;
        }
        let token = Uuid::now_v7().to_string();
        // One statement, so that of claims that come at the same time one is granted.
        let attempts: Vec<i64> = sqlx::query_scalar(
            "INSERT INTO event_api_inbox AS held (consumer, id, attempts, token, claimed_until, done, touched)
             VALUES ($1, $2, 1, $3, $4, false, $5)
             ON CONFLICT (consumer, id) DO UPDATE SET attempts = held.attempts + 1, token = excluded.token,
             claimed_until = excluded.claimed_until, touched = excluded.touched
             WHERE NOT held.done AND held.claimed_until <= $5
             RETURNING attempts",
        )
        .bind(consumer)
        .bind(id)
        .bind(&token)
        .bind(now.saturating_add(millis(lease)))
        .bind(now)
        // To the end of the statement, where it is committed: after the first row, a failing commit would go unheard.
        .fetch_all(&self.pool)
        .await?;
        if let Some(&attempts) = attempts.first() {
            let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
            return Ok(Claim::Granted(Ticket::new(consumer, id, token, attempts)));
        }
        let done: Option<bool> = sqlx::query_scalar("SELECT done FROM event_api_inbox WHERE consumer = $1 AND id = $2")
            .bind(consumer)
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(if done == Some(true) { Claim::Done } else { Claim::Busy })
    }
}

#[async_trait]
impl Inbox for PostgresInbox {
    async fn claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, StoreError> {
        // The ticket has what is stored.
        let claim = self.try_claim(&clean(consumer), &clean(id), lease).await;
        claim.map_err(|error| StoreError::new(format!("claiming event {id:?} for consumer {consumer:?}"), error))
    }

    async fn complete(&self, ticket: &Ticket) -> Result<(), StoreError> {
        // Whoever holds the claim now: the event was handled.
        sqlx::query(
            "UPDATE event_api_inbox SET done = true, token = NULL, touched = $1 WHERE consumer = $2 AND id = $3",
        )
        .bind(now())
        .bind(&ticket.consumer)
        .bind(&ticket.id)
        .execute(&self.pool)
        .await
        .map_err(|error| StoreError::new(format!("storing that event {:?} was handled", ticket.id), error))?;
        Ok(())
    }

    async fn release(&self, ticket: &Ticket) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE event_api_inbox SET claimed_until = 0, token = NULL, touched = $1
             WHERE consumer = $2 AND id = $3 AND token = $4",
        )
        .bind(now())
        .bind(&ticket.consumer)
        .bind(&ticket.id)
        .bind(&ticket.token)
        .execute(&self.pool)
        .await
        .map_err(|error| StoreError::new(format!("releasing the claim of event {:?}", ticket.id), error))?;
        Ok(())
    }

    fn transactions(&self) -> Option<Arc<dyn Transactions>> {
        Some(Arc::new(PostgresTransactions::new(self.pool.clone())))
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        Arc::new(self.dead_letters.clone())
    }
}

/// Stores that an event was handled, in the transaction of what its handler did. Whether the claim still held: if not,
/// another delivery may have handled it, and the transaction must not commit.
pub(super) async fn complete_within(connection: &mut PgConnection, ticket: &Ticket) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE event_api_inbox SET done = true, token = NULL, touched = $1
         WHERE consumer = $2 AND id = $3 AND token = $4 AND NOT done",
    )
    .bind(now())
    .bind(&ticket.consumer)
    .bind(&ticket.id)
    .bind(&ticket.token)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
