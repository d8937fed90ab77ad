//! A schema of its own for each test in the Postgres server that `EVENT_API_POSTGRES` names.
//!
//! Where no server is reachable, tests are skipped with a line that says so; in CI that is a failure.

#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

pub(crate) mod proxy;

use event_api::log::PostgresLog;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _};

const VARIABLE: &str = "EVENT_API_POSTGRES";
const DEFAULT: &str = "postgres://postgres@127.0.0.1:5432/test";

/// A schema that is dropped with this value.
pub(crate) struct Schema {
    name: String,
    url: String,
}

impl Schema {
    /// `None` where no server is reachable.
    pub(crate) async fn create() -> Option<Self> {
        let url = std::env::var(VARIABLE).unwrap_or_else(|_| DEFAULT.to_owned());
        let mut connection = match PgConnection::connect(&url).await {
            Ok(connection) => connection,
            Err(error) if std::env::var_os("CI").is_none() => {
                eprintln!("skipped: no Postgres server at {url} ({error}); name another one in {VARIABLE}");
                return None;
            }
            Err(error) => panic!("no Postgres server at {url}, and in CI that is a failure: {error}"),
        };
        let name = format!("event_api_test_{}", uuid::Uuid::now_v7().simple());
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).execute(&mut connection).await.unwrap();
        Some(Schema { name, url })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Connections to the schema.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.url.parse::<PgConnectOptions>().unwrap().options([("search_path", self.name.as_str())])
    }

    /// An address of the schema, for other processes.
    pub(crate) fn url(&self) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}options=-c%20search_path%3D{}", self.url, self.name)
    }

    pub(crate) async fn pool(&self, connections: u32) -> PgPool {
        PgPoolOptions::new().max_connections(connections).connect_with(self.options()).await.unwrap()
    }

    pub(crate) async fn log(&self) -> PostgresLog {
        PostgresLog::with_pool(self.pool(8).await).await.unwrap()
    }

    /// A log whose connections have settings of the server, such as `synchronous_commit`.
    pub(crate) async fn log_with(&self, settings: impl IntoIterator<Item = (&str, &str)>) -> PostgresLog {
        let options = self.options().options(settings);
        PostgresLog::with_pool(PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap())
            .await
            .unwrap()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (name, url) = (self.name.clone(), self.url.clone());
        // In a thread with a runtime of its own: the test's may be about to end.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&url).await?;
                let sql = format!("SET lock_timeout = '10s'; DROP SCHEMA {name} CASCADE");
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await
            })
        });
        if !matches!(dropped.join(), Ok(Ok(_))) {
            eprintln!("the schema {} could not be dropped", self.name);
        }
    }
}
