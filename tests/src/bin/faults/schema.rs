//! A schema of its own for a run in the Postgres server that `EVENT_API_POSTGRES` names, dropped afterwards.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::setup::Failure;

const VARIABLE: &str = "EVENT_API_POSTGRES";
const DEFAULT: &str = "postgres://postgres@127.0.0.1:5432/test";

/// A schema. It is removed by [`Schema::remove`], also after a failure.
pub(crate) struct Schema {
    name: String,
    server: String,
}

impl Schema {
    /// `None` where no server is reachable; with `CI` set, that is a failure.
    pub(crate) async fn create() -> Result<Option<Self>, Failure> {
        let server = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
        let mut connection = match PgConnection::connect(&server).await {
            Ok(connection) => connection,
            Err(error) if std::env::var_os("CI").is_none() => {
                println!("skipped: no Postgres server at {server} ({error}); name another one in {VARIABLE}");
                return Ok(None);
            }
            Err(error) => return Err(format!("no Postgres server at {server}: {error}").into()),
        };
        let name = format!("event_api_faults_{}", uuid::Uuid::now_v7().simple());
        // Made of letters and digits only, here and below.
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&mut connection).await?;
        Ok(Some(Schema { name, server }))
    }

    /// An address of the schema.
    pub(crate) fn url(&self) -> String {
        let separator = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{separator}options=-c%20search_path%3D{}", self.server, self.name)
    }

    pub(crate) async fn remove(self) -> Result<(), Failure> {
        let mut connection = PgConnection::connect(&self.server).await?;
        let sql = format!("SET lock_timeout = '10s'; DROP SCHEMA {} CASCADE", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(())
    }
}
