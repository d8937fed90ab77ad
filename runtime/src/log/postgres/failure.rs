//! What an error of Postgres means, and what no answer means.

use std::io;
use std::sync::Once;
use std::time::Duration;

use sqlx::postgres::PgDatabaseError;
use tokio::time::timeout;

use super::super::LogError;
use super::super::group::Failure;
use super::super::sql::storage;

/// How long a transaction may take, waiting for locks and sending the events included. A server, or a network, that vanishes says nothing.
const DEADLINE: Duration = Duration::from_secs(60);

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>, as the others below.
const LOCK_NOT_AVAILABLE: &str = "55P03";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const UNDEFINED_FUNCTION: &str = "42883";

/// What is answered in time. After an error, the connection is to be closed.
pub(super) async fn in_time<T>(answer: impl Future<Output = T>) -> Result<T, sqlx::Error> {
    let late = |_| sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer"));
    timeout(DEADLINE, answer).await.map_err(late)
}

/// Whom the error of a statement concerns that writes a group.
pub(super) fn failure(error: LogError) -> Failure {
    match source(&error).is_some_and(is_outage) {
        true => Failure::Together(error),
        false => Failure::One(error),
    }
}

/// As [`failure`], of a statement that waits no longer for transactions that have inserted an id of its rows.
pub(super) fn insertion(error: LogError, channel: &str) -> Failure {
    match source(&error).is_some_and(is_undecided) {
        true => Failure::One(LogError::IdUndecided { channel: channel.to_owned() }),
        false => failure(error),
    }
}

/// What is an error of the call that commits new events in one round trip, when the group would fare no better another
/// way. Otherwise nothing was done.
pub(super) fn unfit(error: sqlx::Error, channel: &str) -> Result<(), Failure> {
    static MISSING: Once = Once::new();
    // By the other way, locks are waited for again, and for longer.
    let is_slow = has_code(&error, |code| code == LOCK_NOT_AVAILABLE);
    let is_unfit = matches!(error, sqlx::Error::Database(_)) && (is_slow || !is_outage(&error));
    if !is_unfit || is_undecided(&error) {
        return Err(insertion(storage(error), channel));
    }
    if has_code(&error, |code| [INSUFFICIENT_PRIVILEGE, UNDEFINED_FUNCTION].contains(&code)) {
        MISSING.call_once(|| {
            tracing::warn!(%error, "appends take several round trips, because event_api_append_new cannot be called");
        });
    }
    tracing::debug!(%error, "new events could not be committed in one round trip");
    Ok(())
}

/// Whether a transaction that has inserted one of the ids was waited for in vain. The innermost context is then "while
/// inserting index tuple (0,1) in relation "event_api_events"", translated but for the names and numbers; a statement
/// that waits for another lock has none, or stands there itself.
fn is_undecided(error: &sqlx::Error) -> bool {
    let names_ids = |error: &PgDatabaseError| {
        let innermost = error.r#where().and_then(|context| context.lines().next());
        innermost.is_some_and(|line| line.contains("event_api_events") && line.contains('('))
    };
    has_code(error, |code| code == LOCK_NOT_AVAILABLE)
        && error.as_database_error().and_then(|error| error.try_downcast_ref()).is_some_and(names_ids)
}

fn source(error: &LogError) -> Option<&sqlx::Error> {
    match error {
        LogError::Storage(source) => source.downcast_ref(),
        _ => None,
    }
}

/// Whether it is a matter of the server or of the way to it, and another statement would fare no better.
fn is_outage(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
    matches!(error, Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed | WorkerCrashed)
        || has_code(error, |code| {
            // Of the connection, or of a server that shuts down; a full disk, and too many connections.
            code.starts_with("08") || code.starts_with("57P0") || ["53100", "53300", LOCK_NOT_AVAILABLE].contains(&code)
        })
}

fn has_code(error: &sqlx::Error, is: impl Fn(&str) -> bool) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().is_some_and(|code| is(&code)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventId;

    #[test]
    fn errors_of_the_server_concern_all_and_others_one() {
        let broken = || sqlx::Error::Io(io::Error::from(io::ErrorKind::BrokenPipe));
        for outage in
            [broken(), sqlx::Error::PoolTimedOut, sqlx::Error::PoolClosed, sqlx::Error::Protocol(String::new())]
        {
            let outage = failure(LogError::Storage(outage.into()));
            assert!(matches!(outage, Failure::Together(_)), "{outage:?}");
        }
        let unencodable = LogError::Storage(sqlx::Error::Encode("too large".into()).into());
        let reused = LogError::IdReused { channel: String::new(), id: EventId::from(String::new()) };
        for error in [unencodable, reused] {
            let one = failure(error);
            assert!(matches!(one, Failure::One(_)), "{one:?}");
        }
    }
}
