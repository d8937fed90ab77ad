//! The stores in SQL databases: written once, for SQLite and Postgres.
//!
//! A [`Dialect`] is what the two differ in: how a statement is run, how a transaction begins, how rows are locked, and
//! the tables themselves. Statements are the same for both; what they hold is of two kinds only, texts and integers.

mod checkpoints;
mod completions;
mod dead_letters;
mod inbox;
#[cfg(feature = "postgres")]
mod leases;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
mod transaction;

use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool, SqlSafeStr, SqlStr, Transaction};

use super::error::StoreError;
use super::group::Leases;

pub use checkpoints::SqlCheckpoints;
pub use dead_letters::SqlDeadLetters;
pub use inbox::SqlInbox;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresCheckpoints, PostgresDeadLetters, PostgresInbox};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteCheckpoints, SqliteDeadLetters, SqliteInbox};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A database that can hold the stores. Implemented for `sqlx::Sqlite` and `sqlx::Postgres`; not for others to implement.
pub trait Dialect: Database {
    /// Ends a query whose rows stay as they are until the transaction ends, and which waits for others that have them.
    const FOR_UPDATE: &'static str;

    /// The same, where others may do the same at the same time.
    const FOR_SHARE: &'static str;

    /// A number for a dead letter that replaces another one, as one that is new would get.
    const NEXT_NUMBER: &'static str;

    /// What stands before and behind a parameter that is a JSON array of texts, to make a list of it for `IN`.
    const LIST: (&'static str, &'static str);

    /// A text that the database can hold.
    fn text(text: &str) -> Cow<'_, str>;

    /// How members of groups share work, where the database can.
    fn leases(checkpoints: &SqlCheckpoints<Self>) -> Option<Arc<dyn Leases>>;

    /// Brings the tables of a store to the newest version.
    fn migrate(pool: &Pool<Self>, store: Store) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Begins a transaction that may write.
    fn begin(pool: &Pool<Self>) -> impl Future<Output = Result<Transaction<'static, Self>, sqlx::Error>> + Send;

    /// Runs a statement to its end, where it is committed: after the first row, a failing commit would go unheard.
    fn query<'a>(
        connection: &'a mut Self::Connection,
        sql: SqlStr,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send + 'a;

    /// Runs a statement; how many rows it changed.
    fn execute<'a>(
        connection: &'a mut Self::Connection,
        sql: SqlStr,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send + 'a;

    /// A text of a row.
    ///
    /// # Errors
    /// When the row has no such column.
    fn text_of(row: &Self::Row, column: &str) -> Result<Option<String>, sqlx::Error>;

    /// An integer of a row.
    ///
    /// # Errors
    /// When the row has no such column.
    fn integer_of(row: &Self::Row, column: &str) -> Result<i64, sqlx::Error>;

    /// A truth value of a row.
    ///
    /// # Errors
    /// When the row has no such column.
    fn truth_of(row: &Self::Row, column: &str) -> Result<bool, sqlx::Error>;
}

/// The stores: each counts the versions of its tables by itself.
#[derive(Clone, Copy, Debug)]
pub enum Store {
    /// Checkpoints and dead letters.
    Consume,
    /// The inbox.
    Inbox,
}

/// A parameter of a statement.
#[derive(Clone, Debug)]
pub enum Value {
    /// A text, or none.
    Text(Option<String>),
    /// An integer.
    Integer(i64),
}

/// A parameter.
fn text<DB: Dialect>(text: &str) -> Value {
    Value::Text(Some(DB::text(text).into_owned()))
}

/// A parameter that may be absent.
fn optional<DB: Dialect>(text: Option<&str>) -> Value {
    Value::Text(text.map(|text| DB::text(text).into_owned()))
}

/// A parameter that is a list of texts, for [`Dialect::LIST`].
fn list<'a, DB: Dialect>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    let texts = texts.into_iter().map(|text| DB::text(text).into_owned().into());
    Value::Text(Some(serde_json::Value::Array(texts.collect()).to_string()))
}

/// A parameter that no row has, where the database cannot hold it.
fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A connection, for one statement.
async fn acquire<DB: Dialect>(pool: &Pool<DB>) -> Result<PoolConnection<DB>, StoreError> {
    let acquired = pool.acquire().await;
    acquired.map_err(|error| StoreError::new("getting a connection to the consumer's store", error))
}

/// Runs a statement by itself.
async fn query<DB: Dialect>(
    pool: &Pool<DB>,
    sql: impl SqlSafeStr,
    values: Vec<Value>,
) -> Result<Vec<DB::Row>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    DB::query(&mut connection, sql.into_sql_str(), values).await
}

/// Runs a statement by itself; how many rows it changed.
async fn execute<DB: Dialect>(pool: &Pool<DB>, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<u64, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    DB::execute(&mut connection, sql.into_sql_str(), values).await
}

/// Begins a transaction, for a handler or a store. In a task: a caller that is dropped in the middle must not leave a
/// connection with half a beginning.
async fn begin<DB: Dialect>(pool: &Pool<DB>) -> Result<Transaction<'static, DB>, StoreError> {
    const DOING: &str = "beginning a transaction of the consumer's store";
    let pool = pool.clone();
    let begun = tokio::spawn(async move { DB::begin(&pool).await }).await;
    begun.map_err(|error| StoreError::new(DOING, error))?.map_err(|error| StoreError::new(DOING, error))
}
