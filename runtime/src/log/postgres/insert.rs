//! Writing the rows of events, many in one statement.

use sqlx::Row;
use sqlx::postgres::{PgArguments, PgConnection, Postgres};
use sqlx::query::Query;

use super::super::LogError;
use super::super::sql::{headers_to_sql, storage, time_to_sql, to_sql};
use super::row;
use crate::event::{Position, RawEvent};

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// An event and where it shall stand: without a position where the transaction is the caller's.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewRow<'a> {
    pub(super) channel: &'a str,
    pub(super) position: Option<Position>,
    pub(super) event: &'a RawEvent,
}

/// Identities are given in the order of the rows.
const INSERT: &str = "INSERT INTO event_api_events
     (channel, position, id, type, time, subject, address, version, traceparent, headers, data)
 SELECT channel, position, id, type, time, subject, address, version, traceparent, headers, data
 FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
             $9::text[], $10::text[], $11::text[]) WITH ORDINALITY AS new
     (channel, position, id, type, time, subject, address, version, traceparent, headers, data, ordinal)
 ORDER BY ordinal
 ON CONFLICT (channel, id) DO NOTHING";

/// Inserts those rows of which the id is not there; how many these were.
///
/// Where another transaction has inserted an id and has not ended, this waits for its end.
pub(super) async fn unless_there(connection: &mut PgConnection, rows: &[NewRow<'_>]) -> Result<u64, LogError> {
    let query = sqlx::query(INSERT)
        .bind(rows.iter().map(|row| row.channel).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.position.map(to_sql)).collect::<Vec<_>>());
    let query = bind_events(query, rows.iter().map(|row| row.event))?;
    Ok(query.execute(connection).await.map_err(storage)?.rows_affected())
}

/// Binds the columns that say what the events are: from `id` to `data`.
pub(super) fn bind_events<'q, 'a: 'q>(
    query: Statement<'q>,
    events: impl Iterator<Item = &'a RawEvent> + Clone,
) -> Result<Statement<'q>, LogError> {
    let metadata = || events.clone().map(|event| &event.metadata);
    let headers: Vec<Option<String>> = metadata().map(headers_to_sql).collect::<Result<_, _>>()?;
    Ok(query
        .bind(metadata().map(|metadata| metadata.id.as_str()).collect::<Vec<_>>())
        .bind(metadata().map(|metadata| metadata.event_type.as_str()).collect::<Vec<_>>())
        .bind(metadata().map(time_to_sql).collect::<Vec<_>>())
        .bind(metadata().map(|metadata| metadata.subject.as_deref()).collect::<Vec<_>>())
        .bind(metadata().map(|metadata| metadata.address.as_deref()).collect::<Vec<_>>())
        .bind(metadata().map(|metadata| metadata.version.as_deref()).collect::<Vec<_>>())
        .bind(metadata().map(|metadata| metadata.traceparent.as_deref()).collect::<Vec<_>>())
        .bind(headers)
        .bind(events.map(|event| event.data.get()).collect::<Vec<_>>()))
}

/// Events that were given positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbered {
    pub(super) count: u64,
    /// Of their payloads.
    pub(super) bytes: i64,
    /// Transactions before this one had ended: if these were all events without positions, there are no others.
    pub(super) floor: i64,
}

/// Gives positions from `next` on to at most `limit` committed events that have none, in the order in which they were
/// appended. Only under the log's lock.
pub(super) async fn number(
    connection: &mut PgConnection,
    channel: &str,
    next: Position,
    limit: i64,
) -> Result<Numbered, LogError> {
    let row = sqlx::query(concat!(
        "WITH waiting AS (
             SELECT id, appended FROM event_api_events WHERE channel = $1 AND position IS NULL AND xact >= ",
        row::floor!("$1"),
        " ORDER BY appended LIMIT $3
         ), ordered AS (
             SELECT id, row_number() OVER (ORDER BY appended) - 1 AS ordinal FROM waiting
         ), numbered AS (
             UPDATE event_api_events e SET position = $2 + ordinal
             FROM ordered WHERE e.channel = $1 AND e.id = ordered.id
             RETURNING octet_length(e.data) AS bytes
         )
         SELECT count(*), coalesce(sum(bytes), 0)::bigint AS bytes,
                pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS floor FROM numbered"
    ))
    .bind(channel)
    .bind(to_sql(next))
    .bind(limit)
    .fetch_one(connection)
    .await
    .map_err(storage)?;
    let count: i64 = row.try_get("count").map_err(storage)?;
    Ok(Numbered {
        count: count.unsigned_abs(),
        bytes: row.try_get("bytes").map_err(storage)?,
        floor: row.try_get("floor").map_err(storage)?,
    })
}
