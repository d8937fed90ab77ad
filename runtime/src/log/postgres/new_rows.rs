//! A group of events that are taken to be new, in one round trip: a call of a function in the database
//! (`append_new.sql`), which takes the log's lock, lets the channels grow and inserts the rows.
//!
//! The call is a transaction of its own, which the server ends without the client: a process that stops when
//! it is sent holds up nobody. Where a machine vanishes whose last bytes (the protocol's `Sync`) are missing, the server
//! keeps the lock until its `tcp_keepalives_…` have run out.

use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use super::super::group::{Failure, Request};
use super::super::placement::{Committed, Placement};
use super::super::sql::storage;
use super::failure::{failure, unfit};
use super::insert;
use super::sequencer::Sequencer;

const APPEND: &str =
    "SELECT event_api_append_new($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

/// Commits the events of `group`. `None` when nothing was done: an id is there already, or events wait for their
/// positions, or whatever else the server says of the call; then the group is to go the other way, which finds out.
///
/// Fails when the server cannot be reached or says that it is no use, and with [`LogError::IdUndecided`](super::super::LogError::IdUndecided) when somebody's
/// transaction holds an id.
pub(super) async fn commit<'a>(
    connection: &mut PgConnection,
    sequencer: &Sequencer,
    group: &'a [Request],
) -> Result<Option<Committed<'a>>, Failure> {
    let placement = Placement::new(group);
    let Placement { channels, rows, .. } = &placement;
    let Some(first) = group.first().filter(|_| !rows.is_empty()) else {
        return placement.committed(&[]).map(Some).map_err(failure);
    };
    let query = sqlx::query(APPEND)
        .bind(sequencer.lock)
        .bind(&*sequencer.notifications)
        .bind(channels.iter().map(|growth| growth.channel).collect::<Vec<_>>())
        .bind(channels.iter().map(|growth| growth.events).collect::<Vec<_>>())
        .bind(channels.iter().map(|growth| growth.bytes).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| subscript(row.channel)).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.index).collect::<Vec<_>>());
    let query = insert::bind_events(query, rows.iter().map(|row| row.event)).map_err(failure)?;
    let ends: Option<Vec<i64>> = match query.fetch_one(connection).await {
        Ok(row) => row.try_get(0).map_err(|error| failure(storage(error)))?,
        Err(error) => {
            unfit(error, &first.channel)?;
            None
        }
    };
    ends.map(|ends| placement.committed(&ends)).transpose().map_err(failure)
}

/// Arrays begin at 1 there.
fn subscript(index: usize) -> i32 {
    i32::try_from(index + 1).unwrap_or(i32::MAX)
}
