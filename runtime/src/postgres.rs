//! What every Postgres store shares: how a pool is made, and how its tables come to be.
//!
//! In: a pool and the list of a store's migrations. Out: a database whose tables are at the newest version. Tables have
//! unqualified names: they are in the first schema of the connections' `search_path`, so that stores of different
//! services can share one database, each in a schema of its own. Each store counts its own versions.

use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};

/// First half of the keys of advisory locks: tells them from those of the service.
pub(crate) const LOCKS: i64 = 0x4556_4150 << 32;

/// A store whose tables could not be brought to the newest version.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
    #[error(
        "the tables of {store:?} have version {found}, and this program knows versions up to {known}: they were written \
         by a newer release of event-api; run that release or a newer one"
    )]
    Newer { store: &'static str, found: i64, known: i64 },
}

/// Connects to the database at `url`.
pub(crate) async fn connect(url: &str) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new().max_connections(10).connect_with(PgConnectOptions::from_str(url)?).await
}

/// Brings the tables of `store` to the newest version: the `n`-th migration leads from version `n` to `n + 1`.
///
/// Where they are at it already nothing is written: a service whose role may not create tables can use those that
/// another role has made.
pub(crate) async fn migrate(
    pool: &PgPool,
    store: &'static str,
    migrations: &[&'static str],
) -> Result<(), MigrationError> {
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    match version(&mut *pool.acquire().await?, store).await? {
        Some(found) if found == known => return Ok(()),
        Some(found) if found > known => return Err(MigrationError::Newer { store, found, known }),
        _ => {}
    }
    // READ COMMITTED: whoever waits for the lock sees afterwards what the other one has done.
    let mut transaction = pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
    // Of two processes that start at once, the second one waits and then finds the work done. Tables that are created
    // `IF NOT EXISTS` by two at once would fail in one of them.
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCKS).execute(&mut *transaction).await?;
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS event_api_schema (store text PRIMARY KEY, version bigint NOT NULL)")
        .execute(&mut *transaction)
        .await?;
    let found = version(&mut transaction, store).await?.unwrap_or(0);
    let pending = usize::try_from(found).ok().and_then(|done| migrations.get(done..));
    let Some(pending) = pending else {
        transaction.rollback().await?;
        return Err(MigrationError::Newer { store, found, known });
    };
    for migration in pending {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    if !pending.is_empty() {
        sqlx::query(
            "INSERT INTO event_api_schema (store, version) VALUES ($1, $2)
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

/// The version of the tables; `None` when there are none where they would be created, which is the first schema only:
/// those in another one are of another service.
async fn version(connection: &mut PgConnection, store: &str) -> Result<Option<i64>, sqlx::Error> {
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass(quote_ident(current_schema()) || '.event_api_schema') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await?;
    if !there {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT version FROM event_api_schema WHERE store = $1")
        .bind(store)
        .fetch_optional(connection)
        .await
}
