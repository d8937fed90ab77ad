//! Appending in a caller's transaction: rows without positions, which they get after the commit.
//!
//! So two such transactions wait for each other only when they append the same event id, however long they last, and
//! one that is rolled back leaves no gap.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::{Connection as _, Transaction};

use super::super::same::same_content;
use super::super::sql::storage;
use super::super::{Append, LogError};
use super::check;
use super::insert::{self, NewRow};
use super::row::{self, Found};
use crate::event::RawEvent;
use crate::publish::Receipt;

/// Appends within the connection's transaction; where it has none, in a transaction of its own. Receipts of new events
/// have no position: events get theirs after the commit.
#[async_trait]
impl Append for PgConnection {
    async fn append(&mut self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        check(channel, &events)?;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        // One event is one statement, which has written nothing when the event is refused.
        if events.len() == 1 {
            return append(self, channel, &events).await;
        }
        // A savepoint within the caller's transaction: a refused append leaves nothing of it behind.
        let mut savepoint = self.begin().await.map_err(storage)?;
        let receipts = append(&mut savepoint, channel, &events).await?;
        savepoint.commit().await.map_err(storage)?;
        Ok(receipts)
    }
}

/// Appends when the transaction commits. Receipts of new events have no position: events get theirs after the commit.
#[async_trait]
impl Append for Transaction<'_, Postgres> {
    async fn append(&mut self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        Append::append(&mut **self, channel, events).await
    }
}

async fn append(connection: &mut PgConnection, channel: &str, events: &[RawEvent]) -> Result<Vec<Receipt>, LogError> {
    let rows: Vec<NewRow<'_>> = events.iter().map(|event| NewRow { channel, position: None, event }).collect();
    let inserted = insert::unless_there(connection, &rows).await?;
    if inserted == rows.len() as u64 {
        return Ok(events.iter().map(|event| Receipt::new(event.metadata.id.clone(), None)).collect());
    }
    // Some ids are there: the events that have them, those that were inserted just now included, must be the same.
    let ids: Vec<&str> = events.iter().map(|event| event.metadata.id.as_str()).collect();
    let found = row::by_ids(connection, &vec![channel; ids.len()], &ids).await?;
    let found: HashMap<&str, &Found> = found.iter().map(|found| (found.event.metadata.id.as_str(), found)).collect();
    let receipt = |event: &RawEvent| {
        let id = event.metadata.id.clone();
        match found.get(id.as_str()) {
            Some(found) if same_content(&found.event, event) => Ok(Receipt::new(id, found.position)),
            Some(_) => Err(LogError::IdReused { channel: channel.to_owned(), id }),
            None => Err(LogError::Storage(Box::new(Vanished))),
        }
    };
    events.iter().map(receipt).collect()
}

/// Retention has removed an event while it was appended again.
#[derive(Debug, thiserror::Error)]
#[error("the event was there and is gone, removed by retention; append it again in a new transaction")]
struct Vanished;
