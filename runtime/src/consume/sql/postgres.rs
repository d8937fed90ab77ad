//! The stores in Postgres, beside the consumer's own tables.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{Row as _, SqlStr, Transaction};

use super::leases::PostgresLeases;
use super::{BoxError, Dialect, SqlCheckpoints, SqlDeadLetters, SqlInbox, Store, Value};
use crate::consume::error::StoreError;
use crate::consume::group::Leases;
use crate::postgres;

/// Each entry takes the tables from one version to the next. Never edit an entry that was released; append one.
///
/// Positions are text: a feed of others may number as it likes, and the database's integers end at half of `u64`.
const CONSUME: &[&str] = &[
    "
    CREATE TABLE event_api_checkpoints (
        consumer text PRIMARY KEY,
        resume text NOT NULL,
        position text,
        event_id text,
        updated text NOT NULL
    );
    CREATE TABLE event_api_dead_letters (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        consumer text NOT NULL,
        -- Empty when it is not known: NULLs would be different from each other.
        channel text NOT NULL,
        source text NOT NULL,
        position text,
        event_id text NOT NULL,
        event_type text NOT NULL,
        event_time text NOT NULL,
        subject text,
        address text,
        version text,
        traceparent text,
        headers text NOT NULL,
        data text NOT NULL,
        error text NOT NULL,
        attempts bigint NOT NULL,
        time text NOT NULL,
        UNIQUE (consumer, channel, event_id)
    );
",
    "
    ALTER TABLE event_api_dead_letters ADD COLUMN parked boolean NOT NULL DEFAULT false;
    CREATE INDEX event_api_dead_letters_parked ON event_api_dead_letters (consumer, channel, subject, number)
        WHERE parked;
    -- Who may move a checkpoint, where several could.
    CREATE TABLE event_api_claims (
        consumer text PRIMARY KEY,
        holder text NOT NULL,
        -- Of a partition of a group.
        group_name text,
        partition bigint,
        member text,
        until timestamptz
    );
    CREATE UNIQUE INDEX event_api_claims_group ON event_api_claims (group_name, partition);
    CREATE TABLE event_api_members (
        group_name text NOT NULL,
        member text NOT NULL,
        until timestamptz NOT NULL,
        PRIMARY KEY (group_name, member)
    );
    CREATE TABLE event_api_groups (
        group_name text PRIMARY KEY,
        partitions bigint NOT NULL
    );
    -- What is completed beyond the checkpoint.
    CREATE TABLE event_api_completed (
        consumer text NOT NULL,
        event text NOT NULL,
        PRIMARY KEY (consumer, event)
    );
",
    "
    -- Who replays the parked letters of a subject, and until when, in milliseconds since 1970.
    CREATE TABLE event_api_replays (
        consumer text NOT NULL,
        channel text NOT NULL,
        subject text NOT NULL,
        holder text NOT NULL,
        until bigint NOT NULL,
        PRIMARY KEY (consumer, channel, subject)
    );
",
];

const INBOX: &[&str] = &["
    CREATE TABLE event_api_inbox (
        consumer text NOT NULL,
        id text NOT NULL,
        attempts bigint NOT NULL,
        -- Of the claim that holds; NULL when there is none.
        token text,
        claimed_until bigint NOT NULL,
        done boolean NOT NULL,
        touched bigint NOT NULL,
        PRIMARY KEY (consumer, id)
    );
    CREATE INDEX event_api_inbox_touched ON event_api_inbox (touched);
"];

/// Checkpoints that survive the process and, once stored, the loss of power. Cheap to clone.
///
/// ```no_run
/// # async fn wiring() -> Result<(), Box<dyn std::error::Error>> {
/// let checkpoints = event_api::consume::PostgresCheckpoints::connect("postgres://localhost/mailer").await?;
/// # Ok(()) }
/// ```
pub type PostgresCheckpoints = SqlCheckpoints<Postgres>;

/// Dead letters in Postgres. Consumers with [`PostgresCheckpoints`] put theirs into the same database unless told otherwise,
/// so this is what lists and replays them.
pub type PostgresDeadLetters = SqlDeadLetters<Postgres>;

/// An inbox in a Postgres database. Cheap to clone; several processes may share the database.
pub type PostgresInbox = SqlInbox<Postgres>;

impl SqlCheckpoints<Postgres> {
    /// Connects to the database at `url`; tables named `event_api_…` are made where there are none.
    ///
    /// # Errors
    /// When the database cannot be reached, or was written by a newer version.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::with_pool(connect(url).await?).await
    }
}

impl SqlDeadLetters<Postgres> {
    /// Connects to the database at `url`; tables named `event_api_…` are made where there are none.
    ///
    /// # Errors
    /// When the database cannot be reached, or was written by a newer version.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::with_pool(connect(url).await?).await
    }
}

impl SqlInbox<Postgres> {
    /// Connects to the database at `url`; tables named `event_api_…` are made where there are none.
    ///
    /// # Errors
    /// When the database cannot be reached, or was written by a newer version.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::with_pool(connect(url).await?).await
    }
}

async fn connect(url: &str) -> Result<PgPool, StoreError> {
    // Without the URL, which may hold a password.
    let connected = postgres::connect(url).await;
    connected.map_err(|error| StoreError::new("connecting to the Postgres database of the consumer's store", error))
}

impl Dialect for Postgres {
    const FOR_UPDATE: &'static str = " FOR UPDATE";
    const FOR_SHARE: &'static str = " FOR SHARE";
    const NEXT_NUMBER: &'static str = "DEFAULT";
    const LIST: (&'static str, &'static str) = ("(SELECT json_array_elements_text(", "::json))");

    // Postgres stores no U+0000. Who sent an event with it must not hold up what comes after it.
    fn text(text: &str) -> Cow<'_, str> {
        if text.contains('\0') { text.replace('\0', "\u{FFFD}").into() } else { text.into() }
    }

    fn leases(checkpoints: &SqlCheckpoints<Self>) -> Option<Arc<dyn Leases>> {
        Some(Arc::new(PostgresLeases::beside(&checkpoints.pool)))
    }

    async fn migrate(pool: &PgPool, store: Store) -> Result<(), BoxError> {
        let migrated = match store {
            Store::Consume => postgres::migrate(pool, "consume", CONSUME).await,
            Store::Inbox => postgres::migrate(pool, "inbox", INBOX).await,
        };
        migrated.map_err(Into::into)
    }

    async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        pool.begin().await
    }

    async fn query(connection: &mut PgConnection, sql: SqlStr, values: Vec<Value>) -> Result<Vec<PgRow>, sqlx::Error> {
        bind(sql, values).fetch_all(connection).await
    }

    async fn execute(connection: &mut PgConnection, sql: SqlStr, values: Vec<Value>) -> Result<u64, sqlx::Error> {
        Ok(bind(sql, values).execute(connection).await?.rows_affected())
    }

    fn text_of(row: &PgRow, column: &str) -> Result<Option<String>, sqlx::Error> {
        row.try_get(column)
    }

    fn integer_of(row: &PgRow, column: &str) -> Result<i64, sqlx::Error> {
        row.try_get(column)
    }

    fn truth_of(row: &PgRow, column: &str) -> Result<bool, sqlx::Error> {
        row.try_get(column)
    }
}

fn bind(sql: SqlStr, values: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Integer(integer) => query.bind(integer),
    })
}
