//! A schema of its own for a program in the Postgres server that `EVENT_API_POSTGRES` names, dropped afterwards.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

/// Why there is none.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const VARIABLE: &str = "EVENT_API_POSTGRES";
const DEFAULT: &str = "postgres://postgres@127.0.0.1:5432/test";

/// A schema, which is there until [`Schema::remove`].
#[derive(Debug)]
pub struct Schema {
    name: String,
    server: String,
}

impl Schema {
    /// A new one; `None`, and a line that says so, where no server is reachable.
    ///
    /// # Errors
    /// With `CI` set, when no server is reachable; otherwise when the server refuses it.
    #[allow(clippy::print_stdout, reason = "what is skipped must be seen")]
    pub async fn create() -> Result<Option<Self>, Failure> {
        let server = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
        let mut connection = match PgConnection::connect(&server).await {
            Ok(connection) => connection,
            Err(error) if std::env::var_os("CI").is_none() => {
                println!("skipped: no Postgres server at {server} ({error}); name another one in {VARIABLE}");
                return Ok(None);
            }
            Err(error) => return Err(format!("no Postgres server at {server}: {error}").into()),
        };
        let name = format!("event_api_bench_{}", uuid::Uuid::now_v7().simple());
        // Made of letters and digits only, here and below.
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&mut connection).await?;
        Ok(Some(Schema { name, server }))
    }

    /// An address of the schema.
    #[must_use]
    pub fn url(&self) -> String {
        let separator = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{separator}options=-c%20search_path%3D{}", self.server, self.name)
    }

    /// Drops the schema with everything in it.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn remove(self) -> Result<(), Failure> {
        let mut connection = PgConnection::connect(&self.server).await?;
        let sql = format!("SET lock_timeout = '10s'; DROP SCHEMA {} CASCADE", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(())
    }
}
