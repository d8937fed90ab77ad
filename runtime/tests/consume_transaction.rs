//! The handler's own transaction: its effect is committed together with the note that the event was handled.
#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod postgres_support;
mod support;
#[cfg(all(feature = "server", feature = "client"))]
mod webhook_support;

use std::sync::Arc;
use std::time::Duration;

use event_api::consume::{
    Backoff, Checkpoints, ConsumeError, Inbox, LogConsumer, MemoryCheckpoints, NoTransaction, PostgresCheckpoints,
    PostgresInbox, RetryPolicy, SqliteCheckpoints, SqliteInbox,
};
use event_api::log::conformance::event;
use event_api::log::{Append, Log, MemoryLog, PostgresLog, SqliteLog};
use event_api::{Context, EventSet, Handler, HandlerError, HandlerResult, Position, RawEvent};
use postgres_support::Schema;
use sqlx::postgres::{PgPool, Postgres};
use sqlx::sqlite::{Sqlite, SqlitePool};
use support::{Act, UserEvents};
use tempfile::TempDir;
use tokio::sync::Notify;

const SOON: Backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));
const TABLE: &str = "CREATE TABLE effects (id text NOT NULL)";

/// A database with a table for what handlers do, and what keeps it there.
#[derive(Clone)]
#[expect(dead_code, reason = "the folder and the schema go with their last owner")]
enum Database {
    Sqlite(SqlitePool, Arc<TempDir>),
    Postgres(PgPool, Arc<Schema>),
}

async fn databases() -> Vec<Database> {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteLog::options(folder.path().join("service.db"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql(TABLE).execute(&pool).await.unwrap();
    let mut databases = vec![Database::Sqlite(pool, Arc::new(folder))];
    if let Some(schema) = Schema::create().await {
        let pool = schema.pool(5).await;
        sqlx::raw_sql(TABLE).execute(&pool).await.unwrap();
        databases.push(Database::Postgres(pool, Arc::new(schema)));
    }
    databases
}

impl Database {
    async fn checkpoints(&self) -> Arc<dyn Checkpoints> {
        match self {
            Database::Sqlite(pool, _) => Arc::new(SqliteCheckpoints::with_pool(pool.clone()).await.unwrap()),
            Database::Postgres(pool, _) => Arc::new(PostgresCheckpoints::with_pool(pool.clone()).await.unwrap()),
        }
    }

    async fn inbox(&self) -> Arc<dyn Inbox> {
        match self {
            Database::Sqlite(pool, _) => Arc::new(SqliteInbox::with_pool(pool.clone()).await.unwrap()),
            Database::Postgres(pool, _) => Arc::new(PostgresInbox::with_pool(pool.clone()).await.unwrap()),
        }
    }

    async fn effects(&self) -> Vec<String> {
        let sql = "SELECT id FROM effects ORDER BY id";
        match self {
            Database::Sqlite(pool, _) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
            Database::Postgres(pool, _) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        }
    }

    /// Writes within the handler's transaction, and publishes there.
    async fn affect(&self, cx: &Context) -> HandlerResult {
        let sql = "INSERT INTO effects VALUES ($1)";
        match self {
            Database::Sqlite(..) => {
                let mut tx = cx.transaction::<Sqlite>().await?;
                sqlx::query(sql).bind(cx.id.as_str()).execute(&mut *tx).await?;
            }
            Database::Postgres(..) => {
                let mut tx = cx.transaction::<Postgres>().await?;
                sqlx::query(sql).bind(cx.id.as_str()).execute(&mut *tx).await?;
            }
        }
        Ok(())
    }
}

type Then = dyn Fn(&str, u32) -> Act + Send + Sync;

/// Writes, and does then what a test wants.
struct Effects {
    database: Database,
    then: Box<Then>,
}

impl Effects {
    fn new(database: &Database, then: impl Fn(&str, u32) -> Act + Send + Sync + 'static) -> Self {
        Effects { database: database.clone(), then: Box::new(then) }
    }
}

impl Handler for Effects {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        self.database.affect(cx).await?;
        match (self.then)(cx.id.as_str(), cx.attempt) {
            Act::Succeed => Ok(()),
            Act::Retry => Err(HandlerError::retry("not now")),
            Act::Reject => Err(HandlerError::reject("never")),
            Act::Panic => panic!("a bug in the handler"),
            Act::Hang => std::future::pending().await,
        }
    }
}

fn changed(id: &str) -> RawEvent {
    let mut event = event(0);
    event.metadata.id = id.into();
    event.data = serde_json::value::RawValue::from_string(r#"{"oldName":"a","newName":"b"}"#.to_owned()).unwrap();
    event
}

async fn log(ids: &[&str]) -> MemoryLog {
    let log = MemoryLog::new();
    let events = ids.iter().map(|id| changed(id)).collect();
    Log::append(&log, UserEvents::CHANNEL.name, events).await.unwrap();
    log
}

fn consumer(log: &MemoryLog, checkpoints: impl Checkpoints + 'static) -> LogConsumer {
    LogConsumer::new(log, checkpoints)
        .name("mailer")
        .retry(RetryPolicy::attempts(3).backoff(SOON))
        .handler_timeout(Duration::from_millis(500))
}

#[tokio::test]
async fn what_a_failed_attempt_has_done_is_undone() {
    for database in databases().await {
        let log = log(&["fails", "hangs", "panics", "rejected", "succeeds", "unhandled"]).await;
        let checkpoints = database.checkpoints().await;
        let handler = Effects::new(&database, |id, attempt| match (id, attempt) {
            ("fails", 1) | ("unhandled", _) => Act::Retry,
            ("hangs", 1) => Act::Hang,
            ("panics", 1) => Act::Panic,
            ("rejected", _) => Act::Reject,
            _ => Act::Succeed,
        });
        consumer(&log, Arc::clone(&checkpoints)).run_until_caught_up(handler).await.unwrap();
        assert_eq!(database.effects().await, ["fails", "hangs", "panics", "succeeds"], "each once");
        let letters = checkpoints.dead_letters().unwrap().list("mailer", 0, 10).await.unwrap();
        let ids: Vec<_> = letters.iter().map(|stored| stored.letter.event.metadata.id.as_str()).collect();
        assert_eq!(ids, ["rejected", "unhandled"]);
        let checkpoint = checkpoints.load("mailer").await.unwrap().unwrap();
        assert_eq!(checkpoint.position, Some(Position(5)));
    }
}

/// In its first attempt it leaves a task behind that keeps the transaction until the second one.
struct Leaves {
    database: Database,
    then: Act,
    again: Arc<Notify>,
}

impl Handler for Leaves {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        if cx.attempt > 1 {
            self.again.notify_one();
            return Ok(());
        }
        self.database.affect(cx).await?;
        let (cx, again, database) = (cx.clone(), Arc::clone(&self.again), self.database.clone());
        let kept = Arc::new(Notify::new());
        let keeps = Arc::clone(&kept);
        tokio::spawn(async move {
            match database {
                Database::Sqlite(..) => {
                    let _transaction = cx.transaction::<Sqlite>().await.unwrap();
                    keeps.notify_one();
                    again.notified().await;
                }
                Database::Postgres(..) => {
                    let _transaction = cx.transaction::<Postgres>().await.unwrap();
                    keeps.notify_one();
                    again.notified().await;
                }
            }
            // For as long as this context lives.
            std::future::pending::<()>().await;
        });
        kept.notified().await;
        match self.then {
            Act::Succeed => Ok(()),
            _ => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn a_task_that_is_left_behind_with_the_transaction_does_not_hold_up_the_consumer() {
    for database in databases().await {
        for then in [Act::Succeed, Act::Hang] {
            let log = log(&["one"]).await;
            let name = if matches!(then, Act::Succeed) { "succeeds" } else { "hangs" };
            let handler = Leaves { database: database.clone(), then, again: Arc::default() };
            let checkpoints = database.checkpoints().await;
            let consumer = consumer(&log, Arc::clone(&checkpoints)).name(name);
            let running = tokio::time::timeout(Duration::from_secs(60), consumer.run_until_caught_up(handler));
            running.await.expect("the transaction is not waited for without end").unwrap();
            assert_eq!(database.effects().await, [""; 0], "what the first attempt did is undone");
            let letters = checkpoints.dead_letters().unwrap().list(name, 0, 1).await.unwrap();
            assert!(letters.is_empty(), "the second attempt succeeded: {letters:?}");
        }
    }
}

#[tokio::test]
async fn effect_and_checkpoint_are_seen_together() {
    for database in databases().await {
        let log = log(&["one", "two"]).await;
        let checkpoints = database.checkpoints().await;
        // Stopped between the handler's return and the end: neither the effect nor the checkpoint may be there alone.
        let handler = Effects::new(&database, |id, _| if id == "two" { Act::Hang } else { Act::Succeed });
        let running =
            tokio::spawn(LogConsumer::new(&log, Arc::clone(&checkpoints)).name("mailer").run_until_caught_up(handler));
        let first = async {
            while checkpoints.load("mailer").await.unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), first).await.unwrap();
        assert_eq!(database.effects().await, ["one"]);
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        assert_eq!(checkpoints.load("mailer").await.unwrap().unwrap().event_id, Some("one".into()));
        let handler = Effects::new(&database, |_, _| Act::Succeed);
        consumer(&log, Arc::clone(&checkpoints)).run_until_caught_up(handler).await.unwrap();
        assert_eq!(database.effects().await, ["one", "two"]);
        assert_eq!(checkpoints.load("mailer").await.unwrap().unwrap().event_id, Some("two".into()));
    }
}

#[tokio::test]
async fn a_transaction_that_cannot_commit_is_a_failed_attempt() {
    for database in databases().await {
        let log = log(&["one"]).await;
        let checkpoints = database.checkpoints().await;
        // Fails when the transaction commits, and not before.
        let deferred = "CREATE TABLE parents (id text PRIMARY KEY);
             CREATE TABLE children (id text REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);";
        match &database {
            Database::Sqlite(pool, _) => sqlx::raw_sql(deferred).execute(pool).await.map(drop).unwrap(),
            Database::Postgres(pool, _) => sqlx::raw_sql(deferred).execute(pool).await.map(drop).unwrap(),
        }
        let handler = Orphan(database.clone());
        consumer(&log, Arc::clone(&checkpoints)).run_until_caught_up(handler).await.unwrap();
        assert_eq!(database.effects().await, [""; 0]);
        let letters = checkpoints.dead_letters().unwrap().list("mailer", 0, 10).await.unwrap();
        assert_eq!(letters[0].letter.attempts, 3);
        assert!(
            letters[0].letter.error.contains("committing the handler's transaction"),
            "{}",
            letters[0].letter.error
        );
    }
}

struct Orphan(Database);

impl Handler for Orphan {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        self.0.affect(cx).await?;
        let orphan = "INSERT INTO children VALUES ('nobody')";
        match &self.0 {
            Database::Sqlite(..) => {
                sqlx::query(orphan).execute(&mut *cx.transaction::<Sqlite>().await?).await?;
            }
            Database::Postgres(..) => {
                sqlx::query(orphan).execute(&mut *cx.transaction::<Postgres>().await?).await?;
            }
        }
        Ok(())
    }
}

/// Publishes in the handler's transaction, and fails the first time.
struct Forwards(Database);

impl Handler for Forwards {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        let sent = vec![changed(cx.id.as_str())];
        match &self.0 {
            Database::Sqlite(..) => drop(cx.transaction::<Sqlite>().await?.append("sent", sent).await?),
            Database::Postgres(..) => drop(cx.transaction::<Postgres>().await?.append("sent", sent).await?),
        }
        if cx.attempt == 1 { Err(HandlerError::retry("not now")) } else { Ok(()) }
    }
}

#[tokio::test]
async fn events_published_in_the_transaction_are_part_of_it() {
    for database in databases().await {
        let source = log(&["one", "two"]).await;
        let target: Arc<dyn Log> = match &database {
            Database::Sqlite(pool, _) => Arc::new(SqliteLog::with_pool(pool.clone()).await.unwrap()),
            Database::Postgres(pool, _) => Arc::new(PostgresLog::with_pool(pool.clone()).await.unwrap()),
        };
        let handler = Forwards(database.clone());
        consumer(&source, database.checkpoints().await).run_until_caught_up(handler).await.unwrap();
        let sent = target.read("sent", Position(0), 10).await.unwrap();
        let ids: Vec<_> = sent.iter().map(|stored| stored.event.metadata.id.as_str()).collect();
        assert_eq!(ids, ["one", "two"]);
    }
}

/// Asks for a transaction in a database where there is none, and reports what it is told.
struct Elsewhere(tokio::sync::mpsc::UnboundedSender<String>);

impl Handler for Elsewhere {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        let refused = cx.transaction::<Postgres>().await;
        assert!(matches!(refused, Err(NoTransaction::Elsewhere { .. })), "{refused:?}");
        self.0.send(refused.unwrap_err().to_string()).unwrap();
        Ok(())
    }
}

#[tokio::test]
async fn a_store_elsewhere_gives_no_transaction_and_says_so() {
    let (report, mut told) = tokio::sync::mpsc::unbounded_channel();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteCheckpoints::open(folder.path().join("mailer.db")).await.unwrap();
    for checkpoints in [Arc::new(MemoryCheckpoints::new()) as Arc<dyn Checkpoints>, Arc::new(sqlite)] {
        let log = log(&["one"]).await;
        consumer(&log, checkpoints).run_until_caught_up(Elsewhere(report.clone())).await.unwrap();
        let told = told.recv().await.unwrap();
        assert!(told.contains("PostgreSQL"), "{told}");
    }
}

#[tokio::test]
async fn a_context_that_outlives_its_attempt_gives_no_transaction() {
    struct Keeps(tokio::sync::mpsc::UnboundedSender<Context>);

    impl Handler for Keeps {
        type Events = UserEvents;

        async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
            self.0.send(cx.clone()).unwrap();
            Ok(())
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let checkpoints = SqliteCheckpoints::open(folder.path().join("mailer.db")).await.unwrap();
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    consumer(&log(&["one"]).await, checkpoints).run_until_caught_up(Keeps(keep)).await.unwrap();
    let late = kept.recv().await.unwrap();
    assert!(matches!(late.transaction::<Sqlite>().await, Err(NoTransaction::Over)));
}

#[tokio::test]
async fn a_handler_that_has_its_transaction_and_asks_for_it_again_is_told_so() {
    struct Twice(tokio::sync::mpsc::UnboundedSender<NoTransaction>);

    impl Handler for Twice {
        type Events = UserEvents;

        async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
            let _has = cx.transaction::<Sqlite>().await?;
            tokio::time::pause();
            let again = tokio::time::timeout(Duration::from_secs(60), cx.transaction::<Sqlite>()).await;
            tokio::time::resume();
            self.0.send(again?.unwrap_err()).unwrap();
            Ok(())
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let checkpoints = SqliteCheckpoints::open(folder.path().join("mailer.db")).await.unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let consumer = LogConsumer::new(&log(&["one"]).await, checkpoints);
    consumer.run_until_caught_up(Twice(tell)).await.unwrap();
    let refused = told.recv().await.expect("it does not wait for ever");
    assert!(matches!(refused, NoTransaction::InUse), "{refused}");
}

#[cfg(all(feature = "server", feature = "client"))]
mod webhook {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use axum::Router;
    use event_api::consume::{Claim, DeadLetters, StoreError, Ticket, Transactions};
    use event_api::webhook::Receiver;

    use super::webhook_support::{Http, secret, serve};
    use super::*;

    const BODY: &str =
        r#"{"type":"NameChanged","timestamp":"2020-05-01T14:00:00Z","data":{"oldName":"a","newName":"b"}}"#;

    async fn start(receiver: Receiver) -> String {
        let (address, _) = serve(Router::new().route("/hooks", receiver.route())).await;
        format!("http://{address}/hooks")
    }

    #[tokio::test]
    async fn the_inbox_commits_with_the_effect_of_a_webhook() {
        for database in databases().await {
            let inbox = database.inbox().await;
            let handler = Effects::new(&database, |id, attempt| match (id, attempt) {
                ("fails", 1) => Act::Retry,
                ("rejected", _) => Act::Reject,
                _ => Act::Succeed,
            });
            let hooks = start(Receiver::new(secret(), Arc::clone(&inbox)).on(handler)).await;
            for (id, status) in
                [("ok", 204), ("ok", 204), ("fails", 503), ("fails", 204), ("fails", 204), ("rejected", 204)]
            {
                let answer = Http::new().deliver(&hooks, id, BODY, 0).await;
                assert_eq!(answer.status.as_u16(), status, "{id}");
            }
            assert_eq!(database.effects().await, ["fails", "ok"]);
        }
    }

    /// The first attempt outlasts its claim: it works, forgets time, and meanwhile another delivery is handled.
    struct Slow(Database, Arc<dyn Inbox>, AtomicU32);

    impl Handler for Slow {
        type Events = UserEvents;

        async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
            if self.2.fetch_add(1, Ordering::SeqCst) == 0 {
                // As when the lease has run out and another process has taken over and is done. Before the transaction,
                // which in SQLite would lock the inbox.
                let ticket = event_api::consume::Ticket::new("webhook", cx.id.as_str(), "another", 2);
                self.1.complete(&ticket).await?;
            }
            self.0.affect(cx).await
        }
    }

    #[tokio::test]
    async fn an_attempt_that_lost_its_claim_has_no_effect() {
        for database in databases().await {
            let inbox = database.inbox().await;
            let handler = Slow(database.clone(), Arc::clone(&inbox), AtomicU32::new(0));
            let hooks = start(Receiver::new(secret(), inbox).on(handler)).await;
            assert_eq!(Http::new().deliver(&hooks, "late", BODY, 0).await.status.as_u16(), 503);
            assert_eq!(database.effects().await, [""; 0]);
            assert_eq!(
                Http::new().deliver(&hooks, "late", BODY, 0).await.status.as_u16(),
                204,
                "it was done by another"
            );
            assert_eq!(database.effects().await, [""; 0]);
        }
    }

    /// While it works, another delivery of the event is handled; then it rejects it.
    struct Late(Arc<dyn Inbox>);

    impl Handler for Late {
        type Events = UserEvents;

        async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
            self.0.complete(&Ticket::new("webhook", cx.id.as_str(), "another", 2)).await?;
            Err(HandlerError::reject("never"))
        }
    }

    #[tokio::test]
    async fn an_attempt_that_lost_its_claim_leaves_no_dead_letter() {
        for database in databases().await {
            let inbox = database.inbox().await;
            let hooks = start(Receiver::new(secret(), Arc::clone(&inbox)).on(Late(Arc::clone(&inbox)))).await;
            assert_eq!(Http::new().deliver(&hooks, "late", BODY, 0).await.status.as_u16(), 503);
            assert_eq!(Http::new().deliver(&hooks, "late", BODY, 0).await.status.as_u16(), 204);
            assert_eq!(inbox.dead_letters().list("webhook", 0, 10).await.unwrap(), []);
        }
    }

    /// An inbox that fails whenever it is told that an event is done with, as when its process is killed before that.
    struct Incomplete(Arc<dyn Inbox>);

    #[async_trait]
    impl Inbox for Incomplete {
        async fn claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, StoreError> {
            self.0.claim(consumer, id, lease).await
        }

        async fn complete(&self, _: &Ticket) -> Result<(), StoreError> {
            Err(StoreError::new("completing", "the process was killed"))
        }

        async fn release(&self, ticket: &Ticket) -> Result<(), StoreError> {
            self.0.release(ticket).await
        }

        async fn renew(&self, ticket: &Ticket, lease: Duration) -> Result<(), StoreError> {
            self.0.renew(ticket, lease).await
        }

        fn dead_letters(&self) -> Arc<dyn DeadLetters> {
            self.0.dead_letters()
        }

        fn transactions(&self) -> Option<Arc<dyn Transactions>> {
            self.0.transactions()
        }
    }

    #[tokio::test]
    async fn an_event_that_is_a_dead_letter_is_done_with_in_the_same_transaction() {
        for database in databases().await {
            let inbox = database.inbox().await;
            let handler = Effects::new(&database, |_, _| Act::Reject);
            let hooks = start(Receiver::new(secret(), Incomplete(Arc::clone(&inbox))).on(handler)).await;
            for _ in 0..2 {
                assert_eq!(Http::new().deliver(&hooks, "rejected", BODY, 0).await.status.as_u16(), 204);
            }
            let letters = inbox.dead_letters().list("webhook", 0, 10).await.unwrap();
            assert_eq!(letters.len(), 1);
            assert_eq!(letters[0].letter.attempts, 1, "it is not handled again");
        }
    }
}

#[tokio::test]
async fn a_consumer_that_was_overtaken_stops_and_undoes_what_it_did() {
    for database in databases().await {
        let log = log(&["one", "two", "three"]).await;
        let checkpoints = database.checkpoints().await;
        // While the first consumer is at the second event, another one under its name has come to the end.
        let (reached, mut at_two) = tokio::sync::mpsc::unbounded_channel();
        let (go_on, wait) = tokio::sync::watch::channel(false);
        let first = Paused { database: database.clone(), reached, wait };
        let running =
            tokio::spawn(LogConsumer::new(&log, Arc::clone(&checkpoints)).name("mailer").run_until_caught_up(first));
        at_two.recv().await.unwrap();
        let second = Effects::new(&database, |_, _| Act::Succeed);
        consumer(&log, Arc::clone(&checkpoints)).run_until_caught_up(second).await.unwrap();
        go_on.send(true).unwrap();
        let stopped = running.await.unwrap();
        assert!(matches!(stopped, Err(ConsumeError::Overtaken { .. })), "{stopped:?}");
        assert_eq!(database.effects().await, ["one", "three", "two"]);
    }
}

/// Waits at the second event, before it does anything.
struct Paused {
    database: Database,
    reached: tokio::sync::mpsc::UnboundedSender<()>,
    wait: tokio::sync::watch::Receiver<bool>,
}

impl Handler for Paused {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        if cx.id.as_str() == "two" {
            self.reached.send(()).unwrap();
            self.wait.clone().wait_for(|go_on| *go_on).await.unwrap();
        }
        self.database.affect(cx).await
    }
}
