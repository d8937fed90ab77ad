//! The stores in SQLite: in a file of their own, or beside the consumer's own tables.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Row as _, SqlStr, Transaction};

use super::{BoxError, Dialect, SqlCheckpoints, SqlDeadLetters, SqlInbox, Store, Value};
use crate::consume::error::StoreError;
use crate::consume::group::Leases;
use crate::sqlite;

/// Each entry takes the tables from one version to the next. Never edit an entry that was released; append one.
///
/// Positions are text: a feed of others may number as it likes, and SQLite's integers end at half of `u64`.
const CONSUME: &[&str] = &[
    "
    CREATE TABLE event_api_checkpoints (
        consumer TEXT PRIMARY KEY,
        resume TEXT NOT NULL,
        position TEXT,
        event_id TEXT,
        updated TEXT NOT NULL
    ) STRICT;
    CREATE TABLE event_api_dead_letters (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        consumer TEXT NOT NULL,
        -- Empty when it is not known: NULLs would be different from each other.
        channel TEXT NOT NULL,
        source TEXT NOT NULL,
        position TEXT,
        event_id TEXT NOT NULL,
        event_type TEXT NOT NULL,
        event_time TEXT NOT NULL,
        subject TEXT,
        address TEXT,
        version TEXT,
        traceparent TEXT,
        headers TEXT NOT NULL,
        data TEXT NOT NULL,
        error TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        time TEXT NOT NULL,
        UNIQUE (consumer, channel, event_id)
    ) STRICT;
",
    "
    ALTER TABLE event_api_dead_letters ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX event_api_dead_letters_parked ON event_api_dead_letters (consumer, channel, subject, number)
        WHERE parked;
    -- Who may move a checkpoint, where several could.
    CREATE TABLE event_api_claims (
        consumer TEXT PRIMARY KEY,
        holder TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- What is completed beyond the checkpoint.
    CREATE TABLE event_api_completed (
        consumer TEXT NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (consumer, event)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- Who replays the parked letters of a subject, and until when, in milliseconds since 1970.
    CREATE TABLE event_api_replays (
        consumer TEXT NOT NULL,
        channel TEXT NOT NULL,
        subject TEXT NOT NULL,
        holder TEXT NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (consumer, channel, subject)
    ) STRICT, WITHOUT ROWID;
",
];

const INBOX: &[&str] = &["
    CREATE TABLE event_api_inbox (
        consumer TEXT NOT NULL,
        id TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        -- Of the claim that holds; NULL when there is none.
        token TEXT,
        claimed_until INTEGER NOT NULL,
        done INTEGER NOT NULL,
        touched INTEGER NOT NULL,
        PRIMARY KEY (consumer, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX event_api_inbox_touched ON event_api_inbox (touched);
"];

/// Checkpoints that survive the process and, once stored, the loss of power. Cheap to clone.
///
/// ```no_run
/// # async fn wiring() -> Result<(), Box<dyn std::error::Error>> {
/// let checkpoints = event_api::consume::SqliteCheckpoints::open("mailer.db").await?;
/// # Ok(()) }
/// ```
pub type SqliteCheckpoints = SqlCheckpoints<Sqlite>;

/// Dead letters in SQLite. Consumers with [`SqliteCheckpoints`] put theirs into the same database unless told otherwise,
/// so this is what lists and replays them.
pub type SqliteDeadLetters = SqlDeadLetters<Sqlite>;

/// An inbox in a SQLite database. Cheap to clone; several processes may share the database.
pub type SqliteInbox = SqlInbox<Sqlite>;

impl SqlCheckpoints<Sqlite> {
    /// Opens a database file, which is created if there is none.
    ///
    /// # Errors
    /// When the file cannot be opened, is no SQLite database, or was written by a newer version.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::with_pool(open(path.as_ref()).await?).await
    }
}

impl SqlDeadLetters<Sqlite> {
    /// Opens a database file, which is created if there is none. It may be that of [`SqliteCheckpoints`].
    ///
    /// # Errors
    /// When the file cannot be opened, is no SQLite database, or was written by a newer version.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::with_pool(open(path.as_ref()).await?).await
    }
}

impl SqlInbox<Sqlite> {
    /// Opens the inbox in the database file at `path`, and creates it where there is none.
    ///
    /// # Errors
    /// When the file cannot be opened or its tables are those of a newer release.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::with_pool(open(path.as_ref()).await?).await
    }
}

async fn open(path: &Path) -> Result<SqlitePool, StoreError> {
    let opened = sqlite::open(path).await;
    opened.map_err(|error| StoreError::new(format!("opening the SQLite database {}", path.display()), error))
}

impl Dialect for Sqlite {
    // Whoever writes has the whole database.
    const FOR_UPDATE: &'static str = "";
    const FOR_SHARE: &'static str = "";
    const NEXT_NUMBER: &'static str = "excluded.number";
    const LIST: (&'static str, &'static str) = ("(SELECT value FROM json_each(", "))");

    fn text(text: &str) -> Cow<'_, str> {
        text.into()
    }

    fn leases(_: &SqlCheckpoints<Self>) -> Option<Arc<dyn Leases>> {
        None
    }

    async fn migrate(pool: &SqlitePool, store: Store) -> Result<(), BoxError> {
        let migrated = match store {
            Store::Consume => sqlite::migrate(pool, "consume", CONSUME).await,
            Store::Inbox => sqlite::migrate(pool, "inbox", INBOX).await,
        };
        migrated.map_err(Into::into)
    }

    async fn begin(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        // Immediate: a transaction that reads first and writes later could not be retried by waiting.
        pool.begin_with("BEGIN IMMEDIATE").await
    }

    async fn query(
        connection: &mut SqliteConnection,
        sql: SqlStr,
        values: Vec<Value>,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        bind(sql, values).fetch_all(connection).await
    }

    async fn execute(connection: &mut SqliteConnection, sql: SqlStr, values: Vec<Value>) -> Result<u64, sqlx::Error> {
        Ok(bind(sql, values).execute(connection).await?.rows_affected())
    }

    fn text_of(row: &SqliteRow, column: &str) -> Result<Option<String>, sqlx::Error> {
        row.try_get(column)
    }

    fn integer_of(row: &SqliteRow, column: &str) -> Result<i64, sqlx::Error> {
        row.try_get(column)
    }

    fn truth_of(row: &SqliteRow, column: &str) -> Result<bool, sqlx::Error> {
        row.try_get(column)
    }
}

fn bind(sql: SqlStr, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Integer(integer) => query.bind(integer),
    })
}
