//! What tests of consuming share: a log of events with subjects, stores of every kind, and a handler that can be told
//! what to do and remembers what it did.

#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_api::consume::{
    Backoff, Checkpoints, DeadLetters, LogConsumer, MemoryCheckpoints, PostgresCheckpoints, RetryPolicy,
    SqliteCheckpoints,
};
use event_api::log::conformance::event;
use event_api::log::{Log, MemoryLog};
use event_api::{Context, EventSet, Handler, HandlerError, HandlerResult, RawEvent};
use sqlx::postgres::{PgPool, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::postgres_support::Schema;
use crate::support::{Act, UserEvents};

pub(crate) const SOON: Backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));
const TABLE: &str = "CREATE TABLE effects (id text NOT NULL, subject text)";

/// A database of each kind, and none: what checkpoints are kept in.
#[derive(Clone)]
pub(crate) enum Store {
    Memory(MemoryCheckpoints),
    Sqlite(SqlitePool, Arc<TempDir>),
    Postgres(PgPool, Arc<Schema>),
}

pub(crate) async fn stores() -> Vec<Store> {
    let mut stores = vec![Store::Memory(MemoryCheckpoints::new())];
    stores.extend(databases().await);
    stores
}

pub(crate) async fn databases() -> Vec<Store> {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("service.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(10));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql(TABLE).execute(&pool).await.unwrap();
    let mut databases = vec![Store::Sqlite(pool, Arc::new(folder))];
    if let Some(schema) = Schema::create().await {
        let pool = schema.pool(16).await;
        sqlx::raw_sql(TABLE).execute(&pool).await.unwrap();
        databases.push(Store::Postgres(pool, Arc::new(schema)));
    }
    databases
}

impl Store {
    pub(crate) async fn checkpoints(&self) -> Arc<dyn Checkpoints> {
        match self {
            Store::Memory(checkpoints) => Arc::new(checkpoints.clone()),
            Store::Sqlite(pool, _) => Arc::new(SqliteCheckpoints::with_pool(pool.clone()).await.unwrap()),
            Store::Postgres(pool, _) => Arc::new(PostgresCheckpoints::with_pool(pool.clone()).await.unwrap()),
        }
    }

    pub(crate) async fn letters(&self) -> Arc<dyn DeadLetters> {
        self.checkpoints().await.dead_letters().unwrap()
    }

    /// Writes in the handler's transaction; in memory there is none.
    pub(crate) async fn affect(&self, cx: &Context) -> HandlerResult {
        let sql = "INSERT INTO effects VALUES ($1, $2)";
        match self {
            Store::Memory(_) => {}
            Store::Sqlite(..) => {
                let mut tx = cx.transaction::<Sqlite>().await?;
                sqlx::query(sql).bind(cx.id.as_str()).bind(&cx.subject).execute(&mut *tx).await?;
            }
            Store::Postgres(..) => {
                let mut tx = cx.transaction::<Postgres>().await?;
                sqlx::query(sql).bind(cx.id.as_str()).bind(&cx.subject).execute(&mut *tx).await?;
            }
        }
        Ok(())
    }

    /// The ids that were written, sorted.
    pub(crate) async fn effects(&self) -> Vec<String> {
        let sql = "SELECT id FROM effects ORDER BY id";
        match self {
            Store::Memory(_) => Vec::new(),
            Store::Sqlite(pool, _) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
            Store::Postgres(pool, _) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        }
    }
}

/// An event about `subject`.
pub(crate) fn about(id: &str, subject: Option<&str>) -> RawEvent {
    let mut event = event(0);
    event.metadata.id = id.into();
    event.metadata.event_type = "NameChanged".to_owned();
    event.metadata.subject = subject.map(str::to_owned);
    event.data = serde_json::value::RawValue::from_string(r#"{"oldName":"a","newName":"b"}"#.to_owned()).unwrap();
    event
}

pub(crate) async fn publish(log: &impl Log, events: &[(&str, &str)]) {
    let events = events.iter().map(|(id, subject)| about(id, Some(*subject).filter(|subject| !subject.is_empty())));
    log.append(UserEvents::CHANNEL.name, events.collect()).await.unwrap();
}

pub(crate) async fn log(events: &[(&str, &str)]) -> MemoryLog {
    let log = MemoryLog::new();
    publish(&log, events).await;
    log
}

pub(crate) fn consumer(log: &MemoryLog, checkpoints: impl Checkpoints + 'static) -> LogConsumer {
    LogConsumer::new(log, checkpoints).name("mailer").retry(RetryPolicy::attempts(3).backoff(SOON))
}

type Then = dyn Fn(&str, u32) -> Act + Send + Sync;

/// Does what a test wants, and remembers the ids of the events that succeeded.
#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) handled: Arc<watch::Sender<Vec<String>>>,
    pub(crate) called: Arc<Mutex<Vec<String>>>,
    store: Option<Store>,
    then: Arc<Then>,
}

impl Scripted {
    pub(crate) fn that(then: impl Fn(&str, u32) -> Act + Send + Sync + 'static) -> Self {
        let handled = Arc::new(watch::channel(Vec::new()).0);
        Scripted { handled, called: Arc::default(), store: None, then: Arc::new(then) }
    }

    pub(crate) fn succeeding() -> Self {
        Self::that(|_, _| Act::Succeed)
    }

    /// Also writes in the handler's transaction.
    pub(crate) fn writing(mut self, store: &Store) -> Self {
        self.store = Some(store.clone());
        self
    }

    pub(crate) fn handled(&self) -> Vec<String> {
        self.handled.borrow().clone()
    }

    pub(crate) async fn until_handled(&self, count: usize) {
        let enough = self.handled.subscribe();
        let enough = async move { enough.clone().wait_for(|handled| handled.len() >= count).await.map(|_| ()) };
        tokio::time::timeout(Duration::from_secs(30), enough).await.expect("it is handled in time").unwrap();
    }
}

impl Handler for Scripted {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        self.called.lock().unwrap().push(cx.id.to_string());
        if let Some(store) = &self.store {
            store.affect(cx).await?;
        }
        match (self.then)(cx.id.as_str(), cx.attempt) {
            Act::Succeed => {
                self.handled.send_modify(|handled| handled.push(cx.id.to_string()));
                Ok(())
            }
            Act::Retry => Err(HandlerError::retry("not now")),
            Act::Reject => Err(HandlerError::reject("never")),
            Act::Panic => panic!("a bug in the handler"),
            Act::Hang => std::future::pending().await,
        }
    }
}
