//! Writing the row of one event, of which the id may be there already.

use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};

use super::super::LogError;
use super::super::sql::{headers_to_sql, storage, time_to_sql, to_sql};
use crate::event::{Position, RawEvent};

const INSERT: &str = "INSERT INTO event_api_events
    (channel, position, id, type, time, subject, address, version, traceparent, headers, data, stored_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel, id) DO NOTHING";

/// An event and where it shall stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewRow<'a> {
    pub(super) channel: i64,
    pub(super) position: Position,
    pub(super) event: &'a RawEvent,
}

/// Whether the row was inserted: not if the event's id is there.
pub(super) async fn unless_there(connection: &mut SqliteConnection, row: NewRow<'_>) -> Result<bool, LogError> {
    let query = bind(sqlx::query(INSERT), row)?;
    Ok(query.execute(connection).await.map_err(storage)?.rows_affected() == 1)
}

/// How far a channel has grown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grown {
    pub(super) channel: i64,
    pub(super) next: i64,
    /// Added bytes of payload.
    pub(super) bytes: i64,
}

/// Writes it down.
pub(super) const GROW: &str = "UPDATE event_api_channels SET next = ?, bytes = bytes + ? WHERE id = ?";

impl Grown {
    /// Binds what [`GROW`] asks for.
    pub(super) fn bind<'q>(&self, query: Statement<'q>) -> Statement<'q> {
        query.bind(self.next).bind(self.bytes).bind(self.channel)
    }
}

pub(super) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

fn bind<'q>(query: Statement<'q>, row: NewRow<'q>) -> Result<Statement<'q>, LogError> {
    let NewRow { channel, position, event } = row;
    let metadata = &event.metadata;
    let headers = headers_to_sql(metadata)?;
    Ok(query
        .bind(channel)
        .bind(to_sql(position))
        .bind(metadata.id.as_str())
        .bind(metadata.event_type.as_str())
        .bind(time_to_sql(metadata))
        .bind(metadata.subject.as_deref())
        .bind(metadata.address.as_deref())
        .bind(metadata.version.as_deref())
        .bind(metadata.traceparent.as_deref())
        .bind(headers)
        .bind(event.data.get())
        .bind(now()))
}

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
