//! What all processes of a run share: where the databases and servers are, and how they are opened.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use event_api::log::SqliteLog;
use event_api::{Context, HandlerResult};
use sqlx::postgres::{PgPool, PgPoolOptions, Postgres};
use sqlx::sqlite::{Sqlite, SqlitePool, SqlitePoolOptions};
use tokio::net::TcpListener;

/// Whatever ends a run early.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Few connections a process: a server of tests is shared by many.
const CONNECTIONS: u32 = 4;

/// Which log a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogKind {
    Sqlite,
    Postgres,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Role {
    Publisher,
    Server,
    Consumer,
    Receiver,
}

/// A promise to break on purpose, to see that the driver notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sabotage {
    None,
    /// Publishers acknowledge events before they append them.
    AcknowledgeEarly,
    /// Handlers write their effects beside the transaction in which the checkpoint moves.
    EffectsBesideTheTransaction,
    /// Handlers return before they have done anything: the checkpoint moves first.
    CheckpointFirst,
}

/// Where the servers of a run listen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) feed: u16,
    pub(crate) hooks: u16,
}

/// Where everything is.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) log: LogKind,
    pub(crate) folder: PathBuf,
    /// The schema in Postgres.
    pub(crate) url: Option<String>,
    pub(crate) ports: Ports,
    pub(crate) sabotage: Sabotage,
}

/// A database of a service.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Setup {
    /// The database of the service called `name`: a file of its own, or the schema that all share.
    pub(crate) async fn database(&self, name: &str) -> Result<Database, Failure> {
        match (self.log, &self.url) {
            (LogKind::Postgres, Some(url)) => {
                let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
                Ok(Database::Postgres(pool))
            }
            (LogKind::Postgres, None) => Err("Postgres without a schema".into()),
            (LogKind::Sqlite, _) => {
                let options = SqliteLog::options(self.folder.join(name).with_extension("db"));
                let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await?;
                Ok(Database::Sqlite(pool))
            }
        }
    }

    /// The URL of the feed.
    pub(crate) fn feed_url(&self, channel: &str) -> String {
        format!("http://127.0.0.1:{}/feeds/{channel}", self.ports.feed)
    }

    /// The URL of the receiver.
    pub(crate) fn hooks_url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.ports.hooks)
    }
}

impl Database {
    /// Creates the tables of the run: what handlers did, in its order, and rows that are written beside events.
    pub(crate) async fn create_tables(&self) -> Result<(), sqlx::Error> {
        match self {
            Database::Sqlite(pool) => {
                let sql = "CREATE TABLE IF NOT EXISTS effects
                               (number INTEGER PRIMARY KEY AUTOINCREMENT, way TEXT NOT NULL, id TEXT NOT NULL);
                           CREATE TABLE IF NOT EXISTS rows (id TEXT PRIMARY KEY);";
                sqlx::raw_sql(sql).execute(pool).await?;
            }
            Database::Postgres(pool) => {
                let sql = "CREATE TABLE IF NOT EXISTS effects
                               (number bigserial PRIMARY KEY, way text NOT NULL, id text NOT NULL);
                           CREATE TABLE IF NOT EXISTS rows (id text PRIMARY KEY);";
                sqlx::raw_sql(sql).execute(pool).await?;
            }
        }
        Ok(())
    }

    /// Writes down, in the handler's own transaction, that an event had its effect.
    pub(crate) async fn affect(&self, way: &str, cx: &Context) -> HandlerResult {
        let sql = "INSERT INTO effects (way, id) VALUES ($1, $2)";
        match self {
            Database::Sqlite(_) => {
                let mut tx = cx.transaction::<Sqlite>().await?;
                sqlx::query(sql).bind(way).bind(cx.id.as_str()).execute(&mut *tx).await?;
            }
            Database::Postgres(_) => {
                let mut tx = cx.transaction::<Postgres>().await?;
                sqlx::query(sql).bind(way).bind(cx.id.as_str()).execute(&mut *tx).await?;
            }
        }
        Ok(())
    }

    /// The same in a transaction of its own.
    pub(crate) async fn affect_beside(&self, way: &str, id: &str) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO effects (way, id) VALUES ($1, $2)";
        match self {
            Database::Sqlite(pool) => sqlx::query(sql).bind(way).bind(id).execute(pool).await.map(|_| ()),
            Database::Postgres(pool) => sqlx::query(sql).bind(way).bind(id).execute(pool).await.map(|_| ()),
        }?;
        // Long enough to be killed in: a fault that is hardly ever hit proves nothing of the driver.
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(())
    }

    /// The events that had their effect, in the order in which they had it.
    pub(crate) async fn effects(&self, way: &str) -> Result<Vec<String>, sqlx::Error> {
        let sql = "SELECT id FROM effects WHERE way = $1 ORDER BY number";
        match self {
            Database::Sqlite(pool) => sqlx::query_scalar(sql).bind(way).fetch_all(pool).await,
            Database::Postgres(pool) => sqlx::query_scalar(sql).bind(way).fetch_all(pool).await,
        }
    }

    /// How many effects there are.
    pub(crate) async fn count_effects(&self, way: &str) -> Result<u64, sqlx::Error> {
        let sql = "SELECT count(*) FROM effects WHERE way = $1";
        let count: i64 = match self {
            Database::Sqlite(pool) => sqlx::query_scalar(sql).bind(way).fetch_one(pool).await?,
            Database::Postgres(pool) => sqlx::query_scalar(sql).bind(way).fetch_one(pool).await?,
        };
        Ok(count.unsigned_abs())
    }

    /// The rows that were written in the transactions of events.
    pub(crate) async fn rows(&self) -> Result<Vec<String>, sqlx::Error> {
        let sql = "SELECT id FROM rows";
        match self {
            Database::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(pool).await,
            Database::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await,
        }
    }
}

/// The driver has closed this process's standard input: finish, and end.
static ASKED_TO_END: AtomicBool = AtomicBool::new(false);

/// Whether the process shall come to its end.
pub(crate) fn asked_to_end() -> bool {
    ASKED_TO_END.load(Ordering::Relaxed)
}

/// Watches the standard input, which ends when the driver wants this process to end, or is gone itself.
pub(crate) fn end_with_the_driver() {
    std::thread::spawn(|| {
        let mut nothing = [0; 64];
        while std::io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
        ASKED_TO_END.store(true, Ordering::Relaxed);
        // What has not ended by then never will: nobody is there to kill it.
        std::thread::sleep(Duration::from_secs(30));
        std::process::exit(2);
    });
}

/// Returns when the process shall end.
pub(crate) async fn until_asked_to_end() {
    while !asked_to_end() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Listens where the process that was killed did.
pub(crate) async fn listen(port: u16) -> Result<TcpListener, Failure> {
    let start = Instant::now();
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return Ok(listener),
            // The kernel may take a moment to close what a killed process had open.
            Err(_) if start.elapsed() < Duration::from_secs(5) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => return Err(format!("port {port} cannot be listened on: {error}").into()),
        }
    }
}
