//! Who gives positions: one transaction at a time, that of whoever needs the order.
//!
//! Events of a caller's transaction are committed without positions, so that callers do not wait for each other.
//! Positions are given afterwards under one lock, which belongs to a short transaction and ends with it: by the group
//! writer before its own events, by a reader that has come to the end, by a waiting reader's poller. So there is no
//! process that must be alive: when one dies, its transaction ends, and with it the lock.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use sqlx::postgres::{PgConnection, PgPool, Postgres};
use sqlx::{AssertSqlSafe, Connection as _, Transaction};

use super::super::LogError;
use super::super::sql::{from_sql, storage, to_sql};
use super::failure::in_time;
use super::{insert, row};
use crate::event::Position;
use crate::postgres::LOCKS;

/// Begins a transaction in which others are made to wait.
///
/// A process that stops in the middle of it, and whose connection stays open (the machine has lost its network), must not
/// keep its locks. READ COMMITTED: each statement sees what was committed before a lock was got. Whatever else the service
/// can do without: what is acknowledged is on the disk. All in one round trip.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL lock_timeout = '30s';
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';";

/// Events that get positions in one transaction, so that others need not wait for long.
const ROUND: i64 = 5000;

/// Gives positions in one log.
#[derive(Clone)]
pub(super) struct Sequencer {
    pool: PgPool,
    begin: Arc<str>,
    /// The key of the log's lock.
    pub(super) lock: i64,
    /// The name under which new events are notified.
    pub(super) notifications: Arc<str>,
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequencer").finish_non_exhaustive()
    }
}

/// What is known of a channel under the lock, and what has been done to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    pub(super) next: Position,
    /// Added bytes of payload.
    pub(super) bytes: i64,
    /// Transactions before this one have ended, and their events have positions.
    floor: i64,
    /// Whether `next` has grown.
    pub(super) grown: bool,
    /// Whether there may be more committed events without positions.
    pub(super) more: bool,
}

impl Slot {
    /// Takes the next position for an event.
    pub(super) fn take(&mut self, bytes: usize) -> Position {
        let position = self.next;
        self.next = position.next();
        self.bytes = self.bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.grown = true;
        position
    }
}

pub(super) type Slots<'a> = HashMap<&'a str, Slot>;

/// Writes down how far channels have grown, and tells the readers of all processes. A notification has less than 8000
/// bytes; of a channel with such a name, readers learn by polling.
const GROW: &str = "WITH grown AS (
        INSERT INTO event_api_channels AS c (name, next, bytes, floor)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
        ON CONFLICT (name) DO UPDATE SET next = excluded.next, bytes = c.bytes + excluded.bytes, floor = excluded.floor
        RETURNING name, next
    )
    SELECT pg_notify($5, left(next || ' ' || name, 1900)) FROM grown";

impl Sequencer {
    /// The sequencer of the log whose tables the pool's connections see.
    pub(super) async fn new(pool: PgPool) -> Result<Self, LogError> {
        // Two logs in different schemas of one database have different tables, and need not wait for each other.
        let (table, foreign): (i64, bool) = sqlx::query_as(
            "SELECT 'event_api_events'::regclass::oid::bigint, EXISTS (
                 SELECT FROM event_api_channels WHERE floor > pg_snapshot_xmin(pg_current_snapshot())::text::bigint)",
        )
        .fetch_one(&pool)
        .await
        .map_err(storage)?;
        if foreign {
            // Of another server, from which the tables were restored: when this one's transactions have come as far, those
            // before would be taken to have ended long ago.
            sqlx::query(
                "UPDATE event_api_channels SET floor = 0
                 WHERE floor > pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
            )
            .execute(&pool)
            .await
            .map_err(storage)?;
        }
        let lock = LOCKS | table;
        let begin = format!("{BEGIN} SELECT pg_advisory_xact_lock({lock});");
        Ok(Sequencer { pool, begin: begin.into(), lock, notifications: format!("event_api_{table}").into() })
    }

    /// Begins a transaction that holds the lock. After an error, the connection is to be closed.
    pub(super) async fn begin<'c>(
        &self,
        connection: &'c mut PgConnection,
    ) -> Result<Transaction<'c, Postgres>, LogError> {
        // Made of numbers and constants only.
        connection.begin_with(AssertSqlSafe(self.begin.to_string())).await.map_err(storage)
    }

    /// Gives positions to the events of `channels` that have none, and tells where the channels end then.
    pub(super) async fn slots<'a>(
        &self,
        connection: &mut PgConnection,
        channels: &[&'a str],
    ) -> Result<Slots<'a>, LogError> {
        let found: Vec<(i64, i64, bool)> = sqlx::query_as(concat!(
            "SELECT coalesce(c.next, 0), ",
            row::floor!("asked.name"),
            ", ",
            row::has_pending!("asked.name"),
            " FROM unnest($1::text[]) WITH ORDINALITY AS asked (name, ordinal)
             LEFT JOIN event_api_channels c ON c.name = asked.name ORDER BY ordinal"
        ))
        .bind(channels)
        .fetch_all(&mut *connection)
        .await
        .map_err(storage)?;
        let mut slots = Slots::with_capacity(channels.len());
        for (channel, (next, floor, pending)) in channels.iter().zip(found) {
            let mut slot = Slot { next: from_sql(next)?, floor, ..Slot::default() };
            if pending {
                let numbered = insert::number(connection, channel, slot.next, ROUND).await?;
                slot.next = Position(slot.next.0 + numbered.count);
                slot.bytes = numbered.bytes;
                slot.grown = numbered.count > 0;
                slot.more = numbered.count == ROUND.unsigned_abs();
                if !slot.more {
                    slot.floor = numbered.floor;
                }
            }
            slots.insert(channel, slot);
        }
        Ok(slots)
    }

    /// Writes down how far the channels have grown, and tells the readers of all processes when it is committed.
    pub(super) async fn grow(&self, connection: &mut PgConnection, slots: &Slots<'_>) -> Result<(), LogError> {
        let grown = || slots.iter().filter(|(_, slot)| slot.grown);
        if grown().next().is_none() {
            return Ok(());
        }
        sqlx::query(GROW)
            .bind(grown().map(|(name, _)| *name).collect::<Vec<_>>())
            .bind(grown().map(|(_, slot)| to_sql(slot.next)).collect::<Vec<_>>())
            .bind(grown().map(|(_, slot)| slot.bytes).collect::<Vec<_>>())
            .bind(grown().map(|(_, slot)| slot.floor).collect::<Vec<_>>())
            .bind(&*self.notifications)
            .execute(connection)
            .await
            .map_err(storage)?;
        Ok(())
    }

    /// Gives positions to all committed events of a channel that have none. Where the channel ends then.
    pub(super) async fn number(&self, channel: &str) -> Result<Position, LogError> {
        loop {
            let slot = self.number_some(channel).await?;
            if !slot.more {
                return Ok(slot.next);
            }
        }
    }

    /// Gives positions to the first committed events of a channel that have none.
    ///
    /// It goes on when the caller stops waiting: a transaction must not be left where it is.
    pub(super) async fn number_some(&self, channel: &str) -> Result<Slot, LogError> {
        let (this, channel) = (self.clone(), channel.to_owned());
        let task = tokio::spawn(async move {
            let mut connection = this.pool.acquire().await.map_err(storage)?;
            let numbered = in_time(this.round(&mut connection, &channel)).await.map_err(storage).flatten();
            if numbered.is_err() {
                connection.close_on_drop();
            }
            numbered
        });
        task.await.map_err(|error| LogError::Storage(error.into()))?
    }

    async fn round(&self, connection: &mut PgConnection, channel: &str) -> Result<Slot, LogError> {
        let mut transaction = self.begin(connection).await?;
        let slots = self.slots(&mut transaction, &[channel]).await?;
        self.grow(&mut transaction, &slots).await?;
        transaction.commit().await.map_err(storage)?;
        Ok(slots.get(channel).copied().unwrap_or_default())
    }
}
