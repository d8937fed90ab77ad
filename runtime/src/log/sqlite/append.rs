//! Appending on one connection, in a transaction that somebody else commits: the group writer or a caller.

use std::collections::HashMap;

use async_trait::async_trait;
use sqlx::Connection;
use sqlx::sqlite::{Sqlite, SqliteConnection};

use super::super::same::same_content;
use super::super::sql::{from_sql, storage, to_sql};
use super::super::{Append, LogError, check};
use super::insert::{self, GROW, Grown, NewRow};
use super::row;
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
    /// Added bytes of payload.
    bytes: i64,
}

/// Where a channel ends.
const SLOT: &str = "INSERT INTO event_api_channels (name) VALUES (?)
    ON CONFLICT (name) DO UPDATE SET next = next
    RETURNING id, next";

impl Slot {
    /// What is to be written down.
    fn grown(&self) -> Grown {
        Grown { channel: self.channel, next: to_sql(self.next), bytes: self.bytes }
    }

    /// The event now stands at `next`.
    fn grow(&mut self, event: &RawEvent) {
        self.next = self.next.next();
        self.bytes = self.bytes.saturating_add(i64::try_from(event.data.get().len()).unwrap_or(i64::MAX));
    }
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
            let row = NewRow { channel: slot.channel, position: slot.next, event };
            let position = if insert::unless_there(connection, row).await? {
                slot.grow(event);
                row.position
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
            let grown = slot.grown();
            grown.bind(sqlx::query(GROW)).execute(&mut *connection).await.map_err(storage)?;
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
        let (id, next): (i64, i64) = sqlx::query_as(SLOT).bind(channel).fetch_one(connection).await.map_err(storage)?;
        Ok(Slot { channel: id, next: from_sql(next)?, bytes: 0 })
    }
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
