//! What the stores in SQL databases share: how checkpoints and dead letters are read from rows.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{ColumnIndex, Decode, Row, Type};

use super::checkpoint::Checkpoint;
use super::dead_letter::{DeadLetter, StoredDeadLetter};
use crate::event::{EventId, Headers, Metadata, Position, RawEvent};

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A number no row has, where the database cannot hold it.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads `resume`, `position` and `event_id`.
pub(super) fn checkpoint<R: Row>(row: &R) -> Result<Checkpoint, BoxError>
where
    for<'a> &'a str: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(Checkpoint {
        resume: row.try_get("resume")?,
        position: position(row)?,
        event_id: row.try_get::<Option<String>, _>("event_id")?.map(EventId::from),
    })
}

/// Positions are text: a feed of others may number as it likes, and the databases' integers end at half of `u64`.
fn position<R: Row>(row: &R) -> Result<Option<Position>, BoxError>
where
    for<'a> &'a str: ColumnIndex<R>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    let text: Option<String> = row.try_get("position")?;
    Ok(text.map(|text| text.parse::<Position>()).transpose()?)
}

/// Reads a dead letter and its number.
pub(super) fn letter<R: Row>(row: &R) -> Result<StoredDeadLetter, BoxError>
where
    for<'a> &'a str: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    let text = |column: &str| row.try_get::<String, _>(column);
    let optional = |column: &str| row.try_get::<Option<String>, _>(column);
    let time = |column: &str| -> Result<DateTime<Utc>, BoxError> {
        Ok(DateTime::parse_from_rfc3339(&text(column)?)?.to_utc())
    };
    let metadata = Metadata {
        id: EventId::from(text("event_id")?),
        event_type: text("event_type")?,
        time: time("event_time")?,
        subject: optional("subject")?,
        address: optional("address")?,
        version: optional("version")?,
        traceparent: optional("traceparent")?,
        headers: serde_json::from_str::<Headers>(&text("headers")?)?,
    };
    let letter = DeadLetter {
        consumer: text("consumer")?,
        channel: Some(text("channel")?).filter(|channel| !channel.is_empty()),
        source: text("source")?,
        position: position(row)?,
        event: RawEvent { metadata, data: RawValue::from_string(text("data")?)? },
        error: text("error")?,
        attempts: u32::try_from(row.try_get::<i64, _>("attempts")?)?,
        time: time("time")?,
    };
    Ok(StoredDeadLetter { number: u64::try_from(row.try_get::<i64, _>("number")?)?, letter })
}
