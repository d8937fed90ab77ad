//! Reading: rows become events.

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool};

use super::super::sql::{event, from_sql, storage, stored, to_sql};
use super::super::{Bounds, LogError, PageLimit, StoredEvent};
use crate::event::{EventId, Position, RawEvent};

/// From which transaction on the channel may have events without positions, as SQL.
///
/// A floor that is ahead of the server's transactions is of another server, from which the tables were restored.
macro_rules! floor {
    ($channel:literal) => {
        concat!(
            "coalesce((SELECT CASE WHEN f.floor <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint THEN f.floor END
              FROM event_api_channels f WHERE f.name = ",
            $channel,
            "), 0)"
        )
    };
}
pub(super) use floor;

/// Whether the channel has committed events without positions, as SQL.
macro_rules! has_pending {
    ($channel:literal) => {
        concat!(
            "EXISTS (SELECT FROM event_api_events p WHERE p.position IS NULL AND p.channel = ",
            $channel,
            " AND p.xact >= ",
            $crate::log::postgres::row::floor!($channel),
            ")"
        )
    };
}
pub(super) use has_pending;

/// What one statement has seen of a channel, and whether there were committed events that had no position yet.
pub(super) struct Seen<T> {
    pub(super) value: T,
    pub(super) pending: bool,
}

/// Reads a page. Bounds and events come from one statement, so from one state of the database: retention that runs in
/// between cannot make it look as if events below the new oldest position had never been.
pub(super) async fn read(
    pool: &PgPool,
    channel: &str,
    from: Position,
    limit: PageLimit,
) -> Result<Seen<Vec<StoredEvent>>, LogError> {
    // One row at least, to learn the bounds from. The limit within keeps the sorting outside small. `before`: the bytes
    // of the payloads before it, for which those that are stored apart need not be read.
    let rows = sqlx::query(concat!(
        "SELECT coalesce(c.oldest, 0) AS oldest, e.*, ",
        has_pending!("$1"),
        " AS pending
         FROM (SELECT $1::text AS name) AS n
         LEFT JOIN event_api_channels c ON c.name = n.name
         LEFT JOIN LATERAL (
             SELECT *, sum(octet_length(data)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) - octet_length(data)
                       AS before
             FROM (
                 SELECT position, id, type, time, subject, address, version, traceparent, headers, data
                 FROM event_api_events WHERE channel = $1 AND position >= $2 ORDER BY position LIMIT $3
             ) AS page
         ) AS e ON e.before < $4
         ORDER BY e.position"
    ))
    .bind(channel)
    .bind(to_sql(from))
    .bind(i64::try_from(limit.events).unwrap_or(i64::MAX))
    .bind(i64::try_from(limit.bytes.max(1)).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
    .map_err(storage)?;
    let Some(first) = rows.first() else { return Ok(Seen { value: Vec::new(), pending: false }) };
    let oldest = from_sql(first.try_get("oldest").map_err(storage)?)?;
    let pending = first.try_get("pending").map_err(storage)?;
    if from < oldest {
        return Err(LogError::Retained { channel: channel.to_owned(), oldest });
    }
    if first.try_get::<Option<i64>, _>("position").map_err(storage)?.is_none() {
        return Ok(Seen { value: Vec::new(), pending });
    }
    Ok(Seen { value: rows.iter().map(stored).collect::<Result<_, _>>()?, pending })
}

/// Where an event stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Nowhere,
    /// It has no position yet.
    Pending,
    At(Position),
}

impl Place {
    pub(super) fn position(self) -> Option<Position> {
        match self {
            Place::At(position) => Some(position),
            Place::Nowhere | Place::Pending => None,
        }
    }
}

/// Where the event with this id stands.
pub(super) async fn find(pool: &PgPool, channel: &str, id: &EventId) -> Result<Place, LogError> {
    // It stores none with U+0000, and fails when it is asked for one.
    if id.as_str().contains('\0') {
        return Ok(Place::Nowhere);
    }
    let found: Option<Option<i64>> =
        sqlx::query_scalar("SELECT position FROM event_api_events WHERE channel = $1 AND id = $2")
            .bind(channel)
            .bind(id.as_str())
            .fetch_optional(pool)
            .await
            .map_err(storage)?;
    Ok(match found {
        None => Place::Nowhere,
        Some(None) => Place::Pending,
        Some(Some(position)) => Place::At(from_sql(position)?),
    })
}

pub(super) async fn bounds(pool: &PgPool, channel: &str) -> Result<Seen<Bounds>, LogError> {
    let (oldest, next, pending): (i64, i64, bool) = sqlx::query_as(concat!(
        "SELECT coalesce(c.oldest, 0), coalesce(c.next, 0), ",
        has_pending!("$1"),
        " FROM (SELECT $1::text AS name) AS n LEFT JOIN event_api_channels c ON c.name = n.name"
    ))
    .bind(channel)
    .fetch_one(pool)
    .await
    .map_err(storage)?;
    Ok(Seen { value: Bounds { oldest: from_sql(oldest)?, next: from_sql(next)? }, pending })
}

/// The next position of every channel.
pub(super) async fn ends(connection: &mut PgConnection) -> Result<Vec<(String, Position)>, LogError> {
    let found: Vec<(String, i64)> =
        sqlx::query_as("SELECT name, next FROM event_api_channels").fetch_all(connection).await.map_err(storage)?;
    found.into_iter().map(|(name, next)| Ok((name, from_sql(next)?))).collect()
}

/// The channels with committed events that have no position yet, of those that there are and those that are `awaited`.
pub(super) async fn pending(connection: &mut PgConnection, awaited: &[String]) -> Result<Vec<String>, LogError> {
    sqlx::query_scalar(concat!(
        "SELECT name FROM (SELECT name FROM event_api_channels UNION SELECT unnest($1::text[])) AS n WHERE ",
        has_pending!("n.name")
    ))
    .bind(awaited)
    .fetch_all(connection)
    .await
    .map_err(storage)
}

/// An event found by its id.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) channel: String,
    /// Where it stands; `None` when it has no position yet.
    pub(super) position: Option<Position>,
    pub(super) event: RawEvent,
}

/// The events that have one of `ids`, each in the channel of the same index.
pub(super) async fn by_ids(
    connection: &mut PgConnection,
    channels: &[&str],
    ids: &[&str],
) -> Result<Vec<Found>, LogError> {
    let rows = sqlx::query(
        "SELECT e.channel, position, e.id, type, time, subject, address, version, traceparent, headers, data
         FROM unnest($1::text[], $2::text[]) AS asked (channel, id)
         JOIN event_api_events e ON e.channel = asked.channel AND e.id = asked.id",
    )
    .bind(channels)
    .bind(ids)
    .fetch_all(connection)
    .await
    .map_err(storage)?;
    let found = rows.iter().map(|row| {
        Ok(Found {
            channel: row.try_get("channel").map_err(storage)?,
            position: row.try_get::<Option<i64>, _>("position").map_err(storage)?.map(from_sql).transpose()?,
            event: event(row)?,
        })
    });
    found.collect()
}
