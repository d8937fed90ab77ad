//! Transactions of the stores in Sqlite, for handlers.

use std::any::Any;

use async_trait::async_trait;
use sqlx::Transaction;
use sqlx::sqlite::{Sqlite, SqlitePool};

use super::checkpoint::Checkpoint;
use super::error::StoreError;
use super::inbox::Ticket;
use super::transaction::{ClaimLost, Moved, StoreTransaction, Transactions};
use super::{inbox_sqlite, sqlite};

/// Begins them.
#[derive(Debug)]
pub(super) struct SqliteTransactions {
    pool: SqlitePool,
}

impl SqliteTransactions {
    pub(super) fn new(pool: SqlitePool) -> Self {
        SqliteTransactions { pool }
    }
}

#[async_trait]
impl Transactions for SqliteTransactions {
    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StoreError> {
        // Immediate: a transaction that reads first and writes later could not be retried by waiting.
        let pool = self.pool.clone();
        // In a task: a handler that is dropped in the middle must not leave a connection with half a beginning.
        let begun = tokio::spawn(async move { pool.begin_with("BEGIN IMMEDIATE").await }).await;
        let begun = begun.map_err(|error| StoreError::new("beginning the handler's transaction", error))?;
        let transaction = begun.map_err(|error| StoreError::new("beginning the handler's transaction", error))?;
        Ok(Box::new(Open(transaction)))
    }
}

struct Open(Transaction<'static, Sqlite>);

#[async_trait]
impl StoreTransaction for Open {
    fn inner(&mut self) -> &mut (dyn Any + Send) {
        &mut self.0
    }

    async fn move_checkpoint(
        &mut self,
        consumer: &str,
        previous: Option<&Checkpoint>,
        next: &Checkpoint,
    ) -> Result<Moved, StoreError> {
        sqlite::move_on(&mut self.0, consumer, previous, next).await
    }

    async fn complete(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        let doing = || format!("storing that event {:?} was handled", ticket.id);
        match inbox_sqlite::complete_within(&mut self.0, ticket).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::new(doing(), ClaimLost)),
            Err(error) => Err(StoreError::new(doing(), error)),
        }
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.commit().await.map_err(|error| StoreError::new("committing the handler's transaction", error))
    }

    async fn rollback(self: Box<Self>) {
        if let Err(error) = self.0.rollback().await {
            tracing::warn!(%error, "the handler's transaction could not be rolled back; its connection is closed");
        }
    }
}
