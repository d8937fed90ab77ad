//! A group of events that are taken to be new, in one transaction that is sent to the connection's thread at once.
//!
//! A round trip to that thread costs more than a row does. So the database itself says where the rows stand: first the
//! channels grow by what is appended to them, then each row stands as far before its channel's end as it should.

use std::sync::{Arc, OnceLock};

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};

use super::super::LogError;
use super::super::group::{Failure, Request};
use super::super::placement::{Committed, Growth, Place, Placement};
use super::super::sql::{headers_to_sql, storage, time_to_sql};
use super::insert::now;

/// How many rows a statement writes. Few sizes, so that each is prepared once; what a statement has no rows for stays
/// unbound, which is `NULL`, and is the row of no channel.
const SIZES: [usize; 3] = [1, 8, 64];
/// Values of a row.
const WIDTH: usize = 12;

/// Makes a channel longer, and tells where it ends then.
const GROW: &str = "INSERT INTO event_api_channels (name, next, bytes) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET next = next + excluded.next, bytes = bytes + excluded.bytes
    RETURNING next; ";

/// Commits the events of `group`. `None` when an id is there already: then nothing of them is left, and the requests are
/// to be appended one by one. After an error, the connection is to be closed.
pub(super) async fn commit<'a>(
    connection: &mut SqliteConnection,
    group: &'a [Request],
) -> Result<Option<Committed<'a>>, Failure> {
    let placement = Placement::new(group);
    match write(connection, &placement).await {
        Ok(ends) => placement.committed(&ends).map(Some).map_err(Failure::Together),
        Err(Stopped::Duplicate) => {
            let rolled_back = sqlx::query("ROLLBACK").execute(connection).await;
            rolled_back.map(|_| None).map_err(|error| Failure::Together(storage(error)))
        }
        Err(Stopped::Failed(failure)) => Err(failure),
    }
}

/// Why the transaction was not committed.
enum Stopped {
    /// An id is there already. The transaction is still open.
    Duplicate,
    Failed(Failure),
}

/// Writes the rows in one transaction. Where the channels end then, in their order.
async fn write(connection: &mut SqliteConnection, placement: &Placement<'_>) -> Result<Vec<i64>, Stopped> {
    let Placement { channels, rows, .. } = placement;
    let one = |error| Stopped::Failed(Failure::One(error));
    let mut ends = Vec::with_capacity(channels.len());
    let [.., largest] = SIZES;
    let mut chunks = rows.chunks(largest).peekable();
    let mut first = true;
    while let Some(chunk) = chunks.next() {
        let size = SIZES.into_iter().find(|size| *size >= chunk.len()).unwrap_or(largest);
        let last = chunks.peek().is_none();
        let mut arguments = SqliteArguments::default();
        arguments.reserve(3 * channels.len() + WIDTH * chunk.len(), 0);
        if first {
            for growth in channels {
                bind_growth(&mut arguments, growth).map_err(one)?;
            }
        }
        for row in chunk {
            bind_row(&mut arguments, &channels[row.channel], row).map_err(one)?;
        }
        // Made of constants only.
        let sql = AssertSqlSafe(sql(if first { channels.len() } else { 0 }, size, last));
        let mut answers = sqlx::query_with(sql, arguments).fetch(&mut *connection);
        loop {
            match answers.try_next().await {
                Ok(Some(row)) => ends.push(row.try_get(0).map_err(|error| one(storage(error)))?),
                Ok(None) => break,
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Err(Stopped::Duplicate),
                // The channels could not even be looked at: no fault of a row.
                Err(error) if ends.len() < channels.len() => {
                    return Err(Stopped::Failed(Failure::Together(storage(error))));
                }
                Err(error) => return Err(one(storage(error))),
            }
        }
        first = false;
    }
    Ok(ends)
}

/// Begins the transaction where `channels` are to grow, writes up to `size` rows, and commits if they are the last.
fn sql(channels: usize, size: usize, last: bool) -> Arc<str> {
    // What nearly all groups are.
    static USUAL: [OnceLock<Arc<str>>; SIZES.len()] = [const { OnceLock::new() }; SIZES.len()];
    match SIZES.iter().position(|known| *known == size) {
        Some(index) if channels == 1 && last => Arc::clone(USUAL[index].get_or_init(|| text(channels, size, last))),
        _ => text(channels, size, last),
    }
}

fn text(channels: usize, size: usize, last: bool) -> Arc<str> {
    let begin = if channels > 0 { "BEGIN IMMEDIATE; " } else { "" };
    let row = format!("({})", ["?"; WIDTH].join(","));
    // CROSS JOIN: for each row its channel, by name, and not the other way round.
    format!(
        "{begin}{}INSERT INTO event_api_events
         (channel, position, id, type, time, subject, address, version, traceparent, headers, data, stored_at)
         SELECT c.id, c.next - new.column2, column3, column4, column5, column6, column7, column8, column9, column10,
             column11, column12
         FROM (VALUES {}) AS new CROSS JOIN event_api_channels c WHERE c.name = new.column1{}",
        GROW.repeat(channels),
        vec![row; size].join(","),
        if last { "; COMMIT" } else { "" },
    )
    .into()
}

fn bind_growth(arguments: &mut SqliteArguments, growth: &Growth<'_>) -> Result<(), LogError> {
    let mut bind = || {
        arguments.add(growth.channel)?;
        arguments.add(growth.events)?;
        arguments.add(growth.bytes)
    };
    bind().map_err(LogError::Storage)
}

fn bind_row(arguments: &mut SqliteArguments, growth: &Growth<'_>, row: &Place<'_>) -> Result<(), LogError> {
    let event = row.event;
    let metadata = &event.metadata;
    let headers = headers_to_sql(metadata)?;
    let bind = || {
        arguments.add(growth.channel)?;
        arguments.add(growth.events - row.index)?;
        arguments.add(metadata.id.as_str())?;
        arguments.add(metadata.event_type.as_str())?;
        arguments.add(time_to_sql(metadata))?;
        arguments.add(metadata.subject.as_deref())?;
        arguments.add(metadata.address.as_deref())?;
        arguments.add(metadata.version.as_deref())?;
        arguments.add(metadata.traceparent.as_deref())?;
        arguments.add(headers)?;
        arguments.add(event.data.get())?;
        arguments.add(now())
    };
    bind().map_err(LogError::Storage)
}
