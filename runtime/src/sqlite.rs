//! What every SQLite store shares: how a database is opened, and how its tables come to be.
//!
//! In: a pool and the list of a store's migrations. Out: a database whose tables are at the newest version. Each store
//! (log, checkpoints, subscriptions, …) counts its own versions, so that they can share the database of a service and
//! still be used alone.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

/// How long a writer waits for another one, before it gives up with `SQLITE_BUSY`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Between two attempts of what SQLite does not wait for.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// A store whose tables could not be brought to the newest version.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error(transparent)]
    Sqlite(#[from] sqlx::Error),
    #[error(
        "the tables of {store:?} have version {found}, and this program knows versions up to {known}: they were written \
         by a newer release of event-api; run that release or a newer one"
    )]
    Newer { store: &'static str, found: i64, known: i64 },
}

/// How a database must be opened to keep what it acknowledged: write-ahead log, every commit synchronised to disk.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose the last commits when the power fails.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        // A whole page: the connection's thread need not stop for the reader after every 50 rows.
        .row_buffer_size(1024)
        .foreign_keys(true)
}

/// Opens the database at `path`, and creates it where there is none.
pub(crate) async fn open(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    let pool = SqlitePoolOptions::new()
        .max_connections(8)
        // A connection to a file does not break while it is idle.
        .test_before_acquire(false)
        .after_release(|connection, _| {
            Box::pin(async move {
                // Where SQLite itself rolled back a transaction (disk full, for example), sqlx believes it still open. The
                // ping waits for a rollback that is under way.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
        .connect_lazy_with(options(path));
    // While somebody else makes a new file a write-ahead log, SQLite gives up at once, whatever the busy timeout is.
    let begun = Instant::now();
    loop {
        match pool.acquire().await {
            Ok(_) => return Ok(pool),
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY_TIMEOUT => tokio::time::sleep(BUSY_PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

/// Somebody else has the lock that it takes: `SQLITE_BUSY`, or one of its extended codes.
fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code & 0xff == 5)
}

/// Brings the tables of `store` to the newest version: the `n`-th migration leads from version `n` to `n + 1`.
pub(crate) async fn migrate(
    pool: &SqlitePool,
    store: &'static str,
    migrations: &[&'static str],
) -> Result<(), MigrationError> {
    // IMMEDIATE: of two processes that start at once, the second one waits and then finds the work done.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS event_api_schema (store TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT",
    )
    .execute(&mut *transaction)
    .await?;
    let version: Option<i64> = sqlx::query_scalar("SELECT version FROM event_api_schema WHERE store = ?")
        .bind(store)
        .fetch_optional(&mut *transaction)
        .await?;
    let found = version.unwrap_or(0);
    let pending = usize::try_from(found).ok().and_then(|done| migrations.get(done..));
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let pending = pending.ok_or(MigrationError::Newer { store, found, known })?;
    if !pending.is_empty() {
        for migration in pending {
            sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
        }
        sqlx::query(
            "INSERT INTO event_api_schema (store, version) VALUES (?, ?)
             ON CONFLICT (store) DO UPDATE SET version = excluded.version",
        )
        .bind(store)
        .bind(known)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}
