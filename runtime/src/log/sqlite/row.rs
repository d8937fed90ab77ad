//! Reading: rows become events.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::super::sql::{from_sql, storage, stored, to_sql};
use super::super::{Bounds, LogError, PageLimit, StoredEvent};
use crate::event::{EventId, Position};

/// Reads a page. Bounds and events come from one statement, so from one state of the database: retention that runs in
/// between cannot make it look as if events below the new oldest position had never been.
pub(super) async fn read(
    pool: &SqlitePool,
    channel: &str,
    from: Position,
    limit: PageLimit,
) -> Result<Vec<StoredEvent>, LogError> {
    // The lengths of payloads are read first, which needs no payload, to find the event that ends the page.
    let rows = sqlx::query(
        "SELECT c.oldest, e.position, e.id, e.type, e.time, e.subject, e.address, e.version, e.traceparent, e.headers,
                e.data
         FROM event_api_channels c
         LEFT JOIN event_api_events e ON e.channel = c.id AND e.position >= ?2 AND e.position <= (
             SELECT coalesce(min(position), 9223372036854775807)
             FROM (
                 SELECT position, sum(bytes) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) AS total
                 FROM (
                     SELECT position, octet_length(data) AS bytes FROM event_api_events
                     WHERE channel = (SELECT id FROM event_api_channels WHERE name = ?1) AND position >= ?2
                     ORDER BY position LIMIT ?3
                 )
             )
             WHERE total >= ?4
         )
         WHERE c.name = ?1 ORDER BY e.position LIMIT max(?3, 1)",
    )
    .bind(channel)
    .bind(to_sql(from))
    .bind(i64::try_from(limit.events).unwrap_or(i64::MAX))
    .bind(i64::try_from(limit.bytes.max(1)).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
    .map_err(storage)?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let oldest = from_sql(first.try_get("oldest").map_err(storage)?)?;
    if from < oldest {
        return Err(LogError::Retained { channel: channel.to_owned(), oldest });
    }
    let mut events = Vec::with_capacity(rows.len());
    // Even for an empty page there is a row, to learn the bounds from.
    for row in rows.iter().take(limit.events) {
        if row.try_get::<Option<i64>, _>("position").map_err(storage)?.is_some() {
            events.push(stored(row)?);
        }
    }
    Ok(events)
}

/// The event with this id.
pub(super) async fn by_id(
    connection: &mut SqliteConnection,
    channel: i64,
    id: &EventId,
) -> Result<Option<StoredEvent>, LogError> {
    let row = sqlx::query(
        "SELECT position, id, type, time, subject, address, version, traceparent, headers, data
         FROM event_api_events WHERE channel = ? AND id = ?",
    )
    .bind(channel)
    .bind(id.as_str())
    .fetch_optional(connection)
    .await
    .map_err(storage)?;
    row.as_ref().map(stored).transpose()
}

/// Where the event with this id stands.
pub(super) async fn find(pool: &SqlitePool, channel: &str, id: &EventId) -> Result<Option<Position>, LogError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT e.position FROM event_api_channels c JOIN event_api_events e ON e.channel = c.id
         WHERE c.name = ? AND e.id = ?",
    )
    .bind(channel)
    .bind(id.as_str())
    .fetch_optional(pool)
    .await
    .map_err(storage)?;
    found.map(from_sql).transpose()
}

pub(super) async fn bounds(pool: &SqlitePool, channel: &str) -> Result<Bounds, LogError> {
    let found: Option<(i64, i64)> = sqlx::query_as("SELECT oldest, next FROM event_api_channels WHERE name = ?")
        .bind(channel)
        .fetch_optional(pool)
        .await
        .map_err(storage)?;
    match found {
        Some((oldest, next)) => Ok(Bounds { oldest: from_sql(oldest)?, next: from_sql(next)? }),
        None => Ok(Bounds::default()),
    }
}

/// The next position of every channel.
pub(super) async fn ends(pool: &SqlitePool) -> Result<Vec<(String, Position)>, LogError> {
    let found: Vec<(String, i64)> =
        sqlx::query_as("SELECT name, next FROM event_api_channels").fetch_all(pool).await.map_err(storage)?;
    found.into_iter().map(|(name, next)| Ok((name, from_sql(next)?))).collect()
}
