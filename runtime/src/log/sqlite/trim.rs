//! One step of retention, in one transaction.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::super::LogError;
use super::super::retention::{Aged, Held, Retention, Trimmed};
use super::super::sql::{from_sql, storage, to_sql};
use super::insert;
use crate::event::Position;

pub(super) async fn trim(
    connection: &mut SqliteConnection,
    channel: &str,
    retention: &Retention,
    limit: usize,
) -> Result<Trimmed, LogError> {
    // Nothing to do is the usual case, and no reason to lock the database.
    let looked = look(connection, channel, retention, limit).await?;
    if looked.is_none_or(|found| found.trimmed.events == 0) {
        return Ok(looked.map(|found| found.trimmed).unwrap_or_default());
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(storage)?;
    let Some(found) = look(&mut transaction, channel, retention, limit).await? else { return Ok(Trimmed::default()) };
    sqlx::query("DELETE FROM event_api_events WHERE channel = ? AND position < ?")
        .bind(found.channel)
        .bind(to_sql(found.trimmed.oldest))
        .execute(&mut *transaction)
        .await
        .map_err(storage)?;
    sqlx::query("UPDATE event_api_channels SET oldest = ?, bytes = bytes - ? WHERE id = ?")
        .bind(to_sql(found.trimmed.oldest))
        .bind(found.bytes)
        .bind(found.channel)
        .execute(&mut *transaction)
        .await
        .map_err(storage)?;
    transaction.commit().await.map_err(storage)?;
    Ok(found.trimmed)
}

/// What is to be removed.
#[derive(Clone, Copy)]
struct Found {
    channel: i64,
    trimmed: Trimmed,
    bytes: i64,
}

async fn look(
    connection: &mut SqliteConnection,
    channel: &str,
    retention: &Retention,
    limit: usize,
) -> Result<Option<Found>, LogError> {
    let found: Option<(i64, i64, i64, i64)> =
        sqlx::query_as("SELECT id, oldest, next, bytes FROM event_api_channels WHERE name = ?")
            .bind(channel)
            .fetch_optional(&mut *connection)
            .await
            .map_err(storage)?;
    let Some((channel, oldest, next, bytes)) = found else { return Ok(None) };
    // Only the length of payloads is read, not the payloads.
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT stored_at, octet_length(data) FROM event_api_events WHERE channel = ? ORDER BY position LIMIT ?",
    )
    .bind(channel)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await
    .map_err(storage)?;
    let now = insert::now();
    let aged = rows.into_iter().map(|(stored_at, bytes)| Aged {
        // A clock that was set back makes nothing old.
        age: Duration::from_millis(u64::try_from(now.saturating_sub(stored_at)).unwrap_or(0)),
        bytes: bytes.unsigned_abs(),
    });
    let held = Held { oldest: from_sql(oldest)?, next: from_sql(next)?, bytes: bytes.unsigned_abs() };
    let cut = retention.begin(held, aged);
    let trimmed = Trimmed::new(cut.events, Position(held.oldest.0 + cut.events));
    Ok(Some(Found { channel, trimmed, bytes: i64::try_from(cut.bytes).unwrap_or(i64::MAX) }))
}
