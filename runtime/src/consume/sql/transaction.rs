//! Transactions in the stores' database, for handlers.

use std::any::Any;

use async_trait::async_trait;
use sqlx::{Pool, SqlStr, Transaction};

use super::{Dialect, checkpoints, completions, dead_letters, inbox, number};
use crate::consume::checkpoint::Checkpoint;
use crate::consume::completions::Completion;
use crate::consume::dead_letter::DeadLetter;
use crate::consume::error::StoreError;
use crate::consume::inbox::Ticket;
use crate::consume::transaction::{ClaimLost, Moved, StoreTransaction, Transactions};

/// Begins them.
#[derive(Debug)]
pub(super) struct SqlTransactions<DB: Dialect> {
    pool: Pool<DB>,
}

impl<DB: Dialect> SqlTransactions<DB> {
    pub(super) fn new(pool: Pool<DB>) -> Self {
        SqlTransactions { pool }
    }
}

#[async_trait]
impl<DB: Dialect> Transactions for SqlTransactions<DB> {
    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StoreError> {
        Ok(Box::new(Open(super::begin(&self.pool).await?)))
    }
}

struct Open<DB: Dialect>(Transaction<'static, DB>);

#[async_trait]
impl<DB: Dialect> StoreTransaction for Open<DB> {
    fn inner(&mut self) -> &mut (dyn Any + Send) {
        &mut self.0
    }

    async fn move_checkpoint(
        &mut self,
        consumer: &str,
        holder: Option<&str>,
        previous: Option<&Checkpoint>,
        next: &Checkpoint,
    ) -> Result<Moved, StoreError> {
        checkpoints::move_on::<DB>(&mut self.0, consumer, holder, previous, next).await
    }

    async fn note(&mut self, holder: &str, completion: &Completion) -> Result<Moved, StoreError> {
        completions::note_within::<DB>(&mut self.0, holder, completion).await
    }

    async fn add_letter(&mut self, letter: &DeadLetter) -> Result<u64, StoreError> {
        dead_letters::add::<DB>(&mut self.0, letter).await
    }

    async fn park_letter(&mut self, letter: &DeadLetter) -> Result<Option<u64>, StoreError> {
        dead_letters::park::<DB>(&mut self.0, letter).await
    }

    async fn complete(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        let doing = || format!("storing that event {:?} was handled", ticket.id);
        match inbox::complete_within::<DB>(&mut self.0, ticket).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::new(doing(), ClaimLost)),
            Err(error) => Err(StoreError::new(doing(), error)),
        }
    }

    async fn take_letter(&mut self, letter: u64) -> Result<Moved, StoreError> {
        let sql = SqlStr::from_static("DELETE FROM event_api_dead_letters WHERE number = $1");
        let taken = DB::execute(&mut self.0, sql, vec![number(letter)]).await;
        let taken = taken.map_err(|error| StoreError::new(format!("removing dead letter {letter}"), error))?;
        Ok(if taken == 1 { Moved::Yes } else { Moved::Overtaken })
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
