//! How SQLite commits a group of appends: as if all were new, and one by one where an id is there already.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Connection;
use sqlx::sqlite::{Sqlite, SqliteConnection};

use super::super::LogError;
use super::super::group::{Commit, Failure, Outcome, Patience, Request};
use super::super::held::Held;
use super::super::sql::storage;
use super::append::Appender;
use super::new_rows;
use super::wait::Waiting;

/// Where groups are committed, and who is told of it.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Held<Sqlite>,
    pub(super) waiting: Arc<Waiting>,
}

#[async_trait]
impl Commit for Database {
    /// There is nothing to be patient with: one transaction at a time writes to the database.
    async fn commit(&mut self, group: &[Request], _: Patience) -> Result<Vec<Outcome>, Failure> {
        // After an error, how far the transaction came is not known, to sqlx neither: SQLite itself may have rolled back
        // (https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction).
        let mut connection = self.connection.take().await?;
        let outcome = commit_on(&mut connection, group, &self.waiting).await;
        self.connection.put_back(connection, &outcome);
        outcome
    }

    fn rest(&mut self) {
        self.connection.give_back();
    }
}

async fn commit_on(
    connection: &mut SqliteConnection,
    group: &[Request],
    waiting: &Waiting,
) -> Result<Vec<Outcome>, Failure> {
    if let Some(committed) = new_rows::commit(connection, group).await? {
        for (channel, next) in committed.grown {
            waiting.wake.advance(channel, next);
        }
        return Ok(committed.receipts.into_iter().map(Ok).collect());
    }
    let together = |error| Failure::Together(storage(error));
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(together)?;
    let mut appender = Appender::default();
    let outcomes = one_by_one(&mut appender, &mut transaction, group).await?;
    appender.finish(&mut transaction).await.map_err(Failure::Together)?;
    transaction.commit().await.map_err(together)?;
    for (channel, next) in appender.grown() {
        waiting.wake.advance(channel, next);
    }
    Ok(outcomes)
}

/// Appends where some ids are there already: those appends get the first receipt, or are refused, each for itself.
async fn one_by_one(
    appender: &mut Appender,
    connection: &mut SqliteConnection,
    group: &[Request],
) -> Result<Vec<Outcome>, Failure> {
    let mut outcomes = Vec::with_capacity(group.len());
    for request in group {
        outcomes.push(match append(appender, connection, request).await {
            Ok(receipts) => Ok(receipts),
            Err(error @ LogError::IdReused { .. }) => Err(error),
            Err(error) => return Err(Failure::One(error)),
        });
    }
    Ok(outcomes)
}

async fn append(appender: &mut Appender, connection: &mut SqliteConnection, request: &Request) -> Outcome {
    // A single event that is refused has written nothing, and needs no savepoint.
    if request.events.len() < 2 {
        return appender.append(connection, &request.channel, &request.events).await;
    }
    let mut savepoint = connection.begin().await.map_err(storage)?;
    let receipts = appender.append(&mut savepoint, &request.channel, &request.events).await;
    match &receipts {
        Ok(_) => savepoint.commit().await,
        Err(_) => savepoint.rollback().await,
    }
    .map_err(storage)?;
    receipts
}
