//! Appending on one connection, in a transaction that somebody else commits: the group writer or a caller.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::SecondsFormat;
use sqlx::Connection;
use sqlx::sqlite::{Sqlite, SqliteConnection};

use super::super::same::same_content;
use super::super::{Append, LogError, check};
use super::{row, storage};
use crate::event::{EventId, Position, RawEvent};
use crate::publish::Receipt;

/// Appends within a transaction; remembers the channels, so that many appends to one of them cost one look at it.
#[derive(Debug, Default)]
pub(super) struct Appender {
    channels: HashMap<String, Slot>,
}

/// A channel within the transaction.
#[derive(Clone, Copy, Debug)]
struct Slot {
    channel: i64,
    next: Position,
}

impl Appender {
    /// Appends `events`. After an error, the transaction must be rolled back to where it was before, and the appender
    /// is as it was before. [`Appender::finish`] must follow.
    pub(super) async fn append(
        &mut self,
        connection: &mut SqliteConnection,
        channel: &str,
        events: &[RawEvent],
    ) -> Result<Vec<Receipt>, LogError> {
        let mut slot = self.slot(connection, channel).await?;
        let mut receipts = Vec::with_capacity(events.len());
        for event in events {
            let id = &event.metadata.id;
            let position = if insert(connection, slot, event).await? {
                let position = slot.next;
                slot.next = position.next();
                position
            } else {
                first(connection, slot, event)
                    .await?
                    .ok_or_else(|| LogError::IdReused { channel: channel.to_owned(), id: id.clone() })?
            };
            receipts.push(Receipt::new(id.clone(), Some(position)));
        }
        self.channels.insert(channel.to_owned(), slot);
        Ok(receipts)
    }

    /// Writes down how far the channels have grown.
    pub(super) async fn finish(&self, connection: &mut SqliteConnection) -> Result<(), LogError> {
        for slot in self.channels.values() {
            sqlx::query("UPDATE event_api_channels SET next = ? WHERE id = ?")
                .bind(row::to_sql(slot.next))
                .bind(slot.channel)
                .execute(&mut *connection)
                .await
                .map_err(storage)?;
        }
        Ok(())
    }

    /// The channels that were appended to and their next positions, once the transaction has committed.
    pub(super) fn grown(&self) -> impl Iterator<Item = (&str, Position)> {
        self.channels.iter().map(|(channel, slot)| (channel.as_str(), slot.next))
    }

    async fn slot(&mut self, connection: &mut SqliteConnection, channel: &str) -> Result<Slot, LogError> {
        if let Some(slot) = self.channels.get(channel) {
            return Ok(*slot);
        }
        // Writes before it reads, so that a deferred transaction takes the lock here and reads what is committed.
        let (id, next): (i64, i64) = sqlx::query_as(
            "INSERT INTO event_api_channels (name) VALUES (?)
             ON CONFLICT (name) DO UPDATE SET next = next
             RETURNING id, next",
        )
        .bind(channel)
        .fetch_one(connection)
        .await
        .map_err(storage)?;
        Ok(Slot { channel: id, next: row::from_sql(next)? })
    }
}

/// Whether the event was inserted: not if its id is there.
async fn insert(connection: &mut SqliteConnection, slot: Slot, event: &RawEvent) -> Result<bool, LogError> {
    let metadata = &event.metadata;
    let headers = match metadata.headers.is_empty() {
        true => None,
        false => Some(serde_json::to_string(&metadata.headers).map_err(|error| LogError::Storage(error.into()))?),
    };
    let inserted = sqlx::query(
        "INSERT INTO event_api_events
         (channel, position, id, type, time, subject, address, version, traceparent, headers, data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (channel, id) DO NOTHING",
    )
    .bind(slot.channel)
    .bind(row::to_sql(slot.next))
    .bind(metadata.id.as_str())
    .bind(metadata.event_type.as_str())
    .bind(metadata.time.to_rfc3339_opts(SecondsFormat::Nanos, true))
    .bind(metadata.subject.as_deref())
    .bind(metadata.address.as_deref())
    .bind(metadata.version.as_deref())
    .bind(metadata.traceparent.as_deref())
    .bind(headers)
    .bind(event.data.get())
    .execute(connection)
    .await
    .map_err(storage)?;
    Ok(inserted.rows_affected() == 1)
}

/// Where the event stands that has the id of `event`; `None` when it is another event.
async fn first(connection: &mut SqliteConnection, slot: Slot, event: &RawEvent) -> Result<Option<Position>, LogError> {
    let id: &EventId = &event.metadata.id;
    let stored = row::by_id(connection, slot.channel, id).await?;
    Ok(stored.filter(|stored| same_content(&stored.event, event)).map(|stored| stored.position))
}

/// Appends within the connection's transaction; where it has none, in a transaction of its own.
#[async_trait]
impl Append for SqliteConnection {
    async fn append(&mut self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        check(channel, &events)?;
        // A savepoint within the caller's transaction: an error, or a caller that stops polling, leaves nothing of
        // this append behind, and what the caller did before stands.
        let mut savepoint = self.begin().await.map_err(storage)?;
        let mut appender = Appender::default();
        let receipts = appender.append(&mut savepoint, channel, &events).await?;
        appender.finish(&mut savepoint).await?;
        savepoint.commit().await.map_err(storage)?;
        Ok(receipts)
    }
}

/// Appends when the transaction commits. The position of the receipt is final if it does.
#[async_trait]
impl Append for sqlx::Transaction<'_, Sqlite> {
    async fn append(&mut self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        Append::append(&mut **self, channel, events).await
    }
}
