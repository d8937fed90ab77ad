//! What the logs in SQL databases share: how positions, headers and rows are written and read.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::value::RawValue;
use sqlx::{ColumnIndex, Decode, Row, Type};

use super::{LogError, StoredEvent};
use crate::event::{EventId, Headers, Metadata, Position, RawEvent};

/// SQL's integers are signed. A position beyond them is beyond every event, as the largest one is.
pub(super) fn to_sql(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

pub(super) fn from_sql(position: i64) -> Result<Position, LogError> {
    u64::try_from(position).map(Position).map_err(|_| LogError::Corrupt(format!("the position {position} is negative")))
}

pub(super) fn storage(error: sqlx::Error) -> LogError {
    LogError::Storage(error.into())
}

/// RFC 3339 in UTC with nanoseconds.
pub(super) fn time_to_sql(metadata: &Metadata) -> String {
    metadata.time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// A JSON object; nothing when there are no headers.
pub(super) fn headers_to_sql(metadata: &Metadata) -> Result<Option<String>, LogError> {
    if metadata.headers.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(&metadata.headers).map(Some).map_err(|error| LogError::Storage(error.into()))
}

/// Reads the event, without its position.
pub(super) fn event<R: Row>(row: &R) -> Result<RawEvent, LogError>
where
    for<'a> &'a str: ColumnIndex<R>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    let text = |column: &str| row.try_get::<String, _>(column).map_err(storage);
    let optional = |column: &str| row.try_get::<Option<String>, _>(column).map_err(storage);
    let id = text("id")?;
    let corrupt =
        |column: &str, error: &dyn std::fmt::Display| LogError::Corrupt(format!("event {id:?}, {column}: {error}"));
    let time = DateTime::parse_from_rfc3339(&text("time")?).map_err(|error| corrupt("time", &error))?;
    let headers = match optional("headers")? {
        Some(text) => serde_json::from_str(&text).map_err(|error| corrupt("headers", &error))?,
        None => Headers::default(),
    };
    let data = RawValue::from_string(text("data")?).map_err(|error| corrupt("data", &error))?;
    let metadata = Metadata {
        event_type: text("type")?,
        time: time.with_timezone(&Utc),
        subject: optional("subject")?,
        address: optional("address")?,
        version: optional("version")?,
        traceparent: optional("traceparent")?,
        headers,
        id: EventId::from(id),
    };
    Ok(RawEvent { metadata, data })
}

/// Reads the event and its position.
pub(super) fn stored<R: Row>(row: &R) -> Result<StoredEvent, LogError>
where
    for<'a> &'a str: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
{
    let position = from_sql(row.try_get("position").map_err(storage)?)?;
    Ok(StoredEvent { position, event: event(row)? })
}
