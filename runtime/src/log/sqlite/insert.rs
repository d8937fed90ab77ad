//! Writing the rows of events: one of which the id may be there already, or many that are taken to be new.

use sqlx::AssertSqlSafe;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};

use super::super::LogError;
use super::super::sql::{headers_to_sql, storage, time_to_sql, to_sql};
use crate::event::{Position, RawEvent};

const INSERT: &str = "INSERT INTO event_api_events
    (channel, position, id, type, time, subject, address, version, traceparent, headers, data, stored_at) VALUES ";
const VALUES: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// How many rows one statement writes. A statement costs a round trip to the connection's thread, which is more than a
/// row costs; few sizes, so that each statement is prepared once.
const SIZES: [usize; 3] = [64, 8, 1];

/// An event and where it shall stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewRow<'a> {
    pub(super) channel: i64,
    pub(super) position: Position,
    pub(super) event: &'a RawEvent,
}

/// Whether the row was inserted: not if the event's id is there.
pub(super) async fn unless_there(connection: &mut SqliteConnection, row: NewRow<'_>) -> Result<bool, LogError> {
    let sql = format!("{INSERT}{VALUES} ON CONFLICT (channel, id) DO NOTHING");
    // Made of constants only, here and below.
    let query = bind(sqlx::query(AssertSqlSafe(sql)), row)?;
    Ok(query.execute(connection).await.map_err(storage)?.rows_affected() == 1)
}

/// Inserts all rows, writes down how the channels have grown, and commits the connection's transaction. Whether it did:
/// not when the id of a row was there; then the transaction is rolled back.
pub(super) async fn all_and_commit(
    connection: &mut SqliteConnection,
    mut rows: &[NewRow<'_>],
    grown: &[Grown],
) -> Result<bool, LogError> {
    for size in SIZES {
        while let Some((chunk, rest)) = rows.split_at_checked(size) {
            let mut sql = format!("{INSERT}{}", vec![VALUES; size].join(", "));
            // What ends the transaction goes with the last rows.
            let grown = if rest.is_empty() { grown } else { &[] };
            if rest.is_empty() {
                sql.extend(grown.iter().flat_map(|_| ["; ", GROW]));
                sql.push_str("; COMMIT");
            }
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for row in chunk {
                query = bind(query, *row)?;
            }
            query = grown.iter().fold(query, |query, grown| grown.bind(query));
            match query.execute(&mut *connection).await {
                Ok(_) if rest.is_empty() => return Ok(true),
                Ok(_) => rows = rest,
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                    sqlx::query("ROLLBACK").execute(connection).await.map_err(storage)?;
                    return Ok(false);
                }
                Err(error) => return Err(storage(error)),
            }
        }
    }
    // Nothing to append.
    sqlx::query("ROLLBACK").execute(connection).await.map_err(storage)?;
    Ok(true)
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
