//! One step of retention, in one transaction.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnection, PgPool};

use super::super::LogError;
use super::super::retention::{Aged, Held, Retention, Trimmed};
use super::super::sql::{from_sql, storage, to_sql};
use super::failure::in_time;
use super::sequencer::BEGIN;
use crate::event::Position;

pub(super) async fn trim(
    pool: &PgPool,
    channel: &str,
    retention: &Retention,
    limit: usize,
) -> Result<Trimmed, LogError> {
    // Nothing to do is the usual case, and no reason to make writers wait.
    let mut connection = pool.acquire().await.map_err(storage)?;
    let found = look(&mut connection, Lock::None, channel, retention, limit).await?;
    drop(connection);
    if found.trimmed.events == 0 {
        return Ok(found.trimmed);
    }
    // To its end also when the caller stops waiting: a transaction must not be left where it is.
    let (pool, channel, retention) = (pool.clone(), channel.to_owned(), retention.clone());
    let task = tokio::spawn(async move {
        let mut connection = pool.acquire().await.map_err(storage)?;
        let trimmed = in_time(remove(&mut connection, &channel, &retention, limit)).await.map_err(storage).flatten();
        if trimmed.is_err() {
            connection.close_on_drop();
        }
        trimmed
    });
    task.await.map_err(|error| LogError::Storage(error.into()))?
}

/// After an error, the connection is to be closed.
async fn remove(
    connection: &mut PgConnection,
    channel: &str,
    retention: &Retention,
    limit: usize,
) -> Result<Trimmed, LogError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(storage)?;
    let found = look(&mut transaction, Lock::Channel, channel, retention, limit).await?;
    sqlx::query(
        "WITH removed AS (DELETE FROM event_api_events WHERE channel = $1 AND position < $2)
         UPDATE event_api_channels SET oldest = $2, bytes = bytes - $3 WHERE name = $1",
    )
    .bind(channel)
    .bind(to_sql(found.trimmed.oldest))
    .bind(found.bytes)
    .execute(&mut *transaction)
    .await
    .map_err(storage)?;
    transaction.commit().await.map_err(storage)?;
    Ok(found.trimmed)
}

/// What nobody else may change while it is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    None,
    /// The channel's row: who appends waits, and so does another step.
    Channel,
}

/// What is to be removed.
#[derive(Clone, Copy, Default)]
struct Found {
    trimmed: Trimmed,
    bytes: i64,
}

async fn look(
    connection: &mut PgConnection,
    lock: Lock,
    channel: &str,
    retention: &Retention,
    limit: usize,
) -> Result<Found, LogError> {
    let sql = match lock {
        Lock::None => "SELECT oldest, next, bytes FROM event_api_channels WHERE name = $1",
        Lock::Channel => "SELECT oldest, next, bytes FROM event_api_channels WHERE name = $1 FOR NO KEY UPDATE",
    };
    let found: Option<(i64, i64, i64)> =
        sqlx::query_as(sql).bind(channel).fetch_optional(&mut *connection).await.map_err(storage)?;
    let Some((oldest, next, bytes)) = found else { return Ok(Found::default()) };
    // By the server's clock, which is one for all processes. Only the length of payloads is read, not the payloads.
    let rows: Vec<(f64, i32)> = sqlx::query_as(
        "SELECT extract(epoch FROM clock_timestamp() - stored_at)::float8, octet_length(data) FROM event_api_events
         WHERE channel = $1 AND position >= $2 ORDER BY position LIMIT $3",
    )
    .bind(channel)
    .bind(oldest)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await
    .map_err(storage)?;
    let aged = rows.into_iter().map(|(age, bytes)| Aged {
        // A clock that was set back makes nothing old.
        age: Duration::try_from_secs_f64(age.max(0.0)).unwrap_or(Duration::MAX),
        bytes: u64::from(bytes.unsigned_abs()),
    });
    let held = Held { oldest: from_sql(oldest)?, next: from_sql(next)?, bytes: bytes.unsigned_abs() };
    let cut = retention.begin(held, aged);
    let trimmed = Trimmed::new(cut.events, Position(held.oldest.0 + cut.events));
    Ok(Found { trimmed, bytes: i64::try_from(cut.bytes).unwrap_or(i64::MAX) })
}
