//! How checkpoints and dead letters are read from rows.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::{BoxError, Dialect};
use crate::consume::checkpoint::Checkpoint;
use crate::consume::dead_letter::{DeadLetter, LetterState, StoredDeadLetter};
use crate::event::{EventId, Headers, Metadata, Position, RawEvent};

/// Reads `resume`, `position` and `event_id`. A row whose `resume` is empty only holds the place of a checkpoint.
pub(super) fn checkpoint<DB: Dialect>(row: &DB::Row) -> Result<Option<Checkpoint>, BoxError> {
    let resume = required::<DB>(row, "resume")?;
    if resume.is_empty() {
        return Ok(None);
    }
    let event_id = DB::text_of(row, "event_id")?.map(EventId::from);
    Ok(Some(Checkpoint { resume: resume.into(), position: position::<DB>(row)?, event_id }))
}

/// Positions are text: a feed of others may number as it likes, and the databases' integers end at half of `u64`.
fn position<DB: Dialect>(row: &DB::Row) -> Result<Option<Position>, BoxError> {
    let text = DB::text_of(row, "position")?;
    Ok(text.map(|text| text.parse::<Position>()).transpose()?)
}

fn required<DB: Dialect>(row: &DB::Row, column: &str) -> Result<String, BoxError> {
    DB::text_of(row, column)?.ok_or_else(|| format!("the column {column} is NULL").into())
}

/// Reads a dead letter and its number.
pub(super) fn letter<DB: Dialect>(row: &DB::Row) -> Result<StoredDeadLetter, BoxError> {
    let text = |column: &str| required::<DB>(row, column);
    let optional = |column: &str| DB::text_of(row, column);
    let time = |column: &str| -> Result<DateTime<Utc>, BoxError> { Ok(time(&text(column)?)) };
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
        position: position::<DB>(row)?,
        event: RawEvent { metadata, data: RawValue::from_string(text("data")?)? },
        error: text("error")?,
        attempts: u32::try_from(DB::integer_of(row, "attempts")?)?,
        time: time("time")?,
        state: if DB::truth_of(row, "parked")? { LetterState::Parked } else { LetterState::GivenUp },
    };
    Ok(StoredDeadLetter { number: u64::try_from(DB::integer_of(row, "number")?)?, letter })
}

/// Reads a time as `to_rfc3339` writes it: also of years that do not have four digits, which RFC 3339 cannot say. What is
/// no time is 1970, rather than that one letter hides all others of its consumer.
fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_read_back() {
        let far = ["9999-12-31T23:59:59-05:00".parse::<DateTime<Utc>>().unwrap(), DateTime::UNIX_EPOCH];
        for written in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC].into_iter().chain(far) {
            assert_eq!(time(&written.to_rfc3339()), written);
        }
        assert_eq!(time("yesterday"), DateTime::UNIX_EPOCH);
    }
}
