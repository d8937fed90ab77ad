//! What the Postgres log does when others hold it up: processes and connections that stop in the middle, servers that
//! vanish, transactions that do not end.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod postgres_support;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_api::log::conformance::event;
use event_api::log::{Append as _, Log, LogError, PostgresLog, Retention};
use event_api::{Position, RawEvent};
use postgres_support::Schema;
use postgres_support::proxy::Proxy;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _};

const CHANNEL: &str = "user-events";
/// Longer than a new connection is waited for, which may have been asked for in the worst moment.
const PATIENCE: Duration = Duration::from_secs(120);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happened")
}

async fn append(log: &PostgresLog, events: Vec<RawEvent>) -> Vec<Position> {
    let receipts = Log::append(log, CHANNEL, events).await.unwrap();
    receipts.into_iter().map(|receipt| receipt.position.unwrap()).collect()
}

/// A log whose answers can get lost.
async fn through(proxy: &Proxy, schema: &Schema) -> PostgresLog {
    let options = proxy.options(schema.options()).application_name(schema.name());
    let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
    PostgresLog::with_pool(pool).await.unwrap()
}

#[tokio::test]
async fn a_process_that_freezes_while_it_appends_new_events_holds_up_nobody() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema.options()).await;
    let (frozen, other) = (through(&proxy, &schema).await, schema.log().await);
    // From here on its statements are prepared.
    append(&frozen, vec![event(0)]).await;
    proxy.fall_silent();
    let unheard = event(1);
    tokio::spawn({
        let unheard = unheard.clone();
        async move { append(&frozen, vec![unheard]).await }
    });
    let committed = async {
        while other.find(CHANNEL, &unheard.metadata.id).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(committed).await;
    assert_eq!(append(&other, vec![event(2)]).await, [Position(2)]);
}

/// Returns when a process `a` of the server waits for this transaction to end, of which the condition holds.
async fn waited_for(transaction: &mut PgConnection, condition: &str) {
    let sql = format!(
        "SELECT EXISTS (
             SELECT FROM pg_locks w JOIN pg_locks h USING (transactionid)
             JOIN pg_stat_activity a ON a.pid = w.pid
             WHERE NOT w.granted AND h.granted AND h.pid = pg_backend_pid() AND {condition})"
    );
    let waits = async {
        while !sqlx::query_scalar::<_, bool>(AssertSqlSafe(&*sql)).fetch_one(&mut *transaction).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(waits).await;
}

#[tokio::test]
async fn a_process_that_freezes_while_it_has_the_lock_holds_up_others_for_seconds_at_most() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema.options()).await;
    let (frozen, other) = (through(&proxy, &schema).await, schema.log().await);
    append(&other, vec![event(0)]).await;
    // To be given a position before the next event is appended, which takes several statements.
    let mut tx = other.pool().begin().await.unwrap();
    tx.append(CHANNEL, vec![event(1)]).await.unwrap();
    tx.commit().await.unwrap();
    let mut first = other.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM event_api_channels FOR UPDATE").execute(&mut *first).await.unwrap();
    tokio::spawn(async move { append(&frozen, vec![event(2)]).await });
    let has_the_lock = "a.query LIKE 'WITH grown%' AND EXISTS (
        SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.pid = a.pid)";
    waited_for(&mut first, has_the_lock).await;
    proxy.fall_silent();
    first.rollback().await.unwrap();
    assert_eq!(soon(append(&other, vec![event(3)])).await, [Position(2)]);
}

#[tokio::test]
async fn a_process_that_freezes_while_it_trims_holds_up_others_for_seconds_at_most() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema.options()).await;
    let (frozen, other) = (through(&proxy, &schema).await, schema.log().await);
    append(&other, (0..10).map(event).collect()).await;
    let mut first = other.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM event_api_channels FOR UPDATE").execute(&mut *first).await.unwrap();
    tokio::spawn(async move { frozen.trim(CHANNEL, &Retention::forever().max_events(1), 100).await });
    waited_for(&mut first, "true").await;
    // It gets the channel's row, and never hears of it.
    proxy.fall_silent();
    first.rollback().await.unwrap();
    assert_eq!(soon(append(&other, vec![event(10)])).await, [Position(10)]);
}

#[tokio::test]
async fn an_id_that_a_callers_transaction_holds_is_refused_and_all_else_goes_on() {
    let Some(schema) = Schema::create().await else { return };
    let (log, other) = (schema.log().await, schema.log().await);
    let held = event(0);
    let mut tx = log.pool().begin().await.unwrap();
    tx.append(CHANNEL, vec![held.clone()]).await.unwrap();
    let (refused, same, another, elsewhere) = soon(futures_util::future::join4(
        Log::append(&log, CHANNEL, vec![held.clone()]),
        Log::append(&log, CHANNEL, vec![event(1)]),
        Log::append(&log, "other", vec![event(2)]),
        Log::append(&other, "other", vec![event(3)]),
    ))
    .await;
    assert!(matches!(&refused, Err(LogError::IdUndecided { channel }) if channel == CHANNEL), "{refused:?}");
    for outcome in [same, another, elsewhere] {
        outcome.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(append(&log, vec![held]).await, [Position(1)]);
}

/// Lets `body` run before each statement that inserts events, and counts these.
async fn before_inserts(log: &PostgresLog, body: &str) {
    let sql = format!(
        "CREATE SEQUENCE inserts;
         CREATE FUNCTION before_inserts() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN PERFORM nextval('inserts'); {body} RETURN NULL; END $$;
         CREATE TRIGGER before_inserts BEFORE INSERT ON event_api_events EXECUTE FUNCTION before_inserts()"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(log.pool()).await.unwrap();
}

async fn inserts(log: &PostgresLog) -> i64 {
    sqlx::query_scalar("SELECT last_value FROM inserts").fetch_one(log.pool()).await.unwrap()
}

#[tokio::test]
async fn of_several_appends_whose_ids_are_held_one_waits_for_long() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let held = [event(0), event(1), event(2)];
    before_inserts(&log, "").await;
    let mut tx = log.pool().begin().await.unwrap();
    tx.append(CHANNEL, held.to_vec()).await.unwrap();
    let appends = held.map(|event| Log::append(&log, CHANNEL, vec![event]));
    for refused in soon(futures_util::future::join_all(appends)).await {
        assert!(matches!(&refused, Err(LogError::IdUndecided { .. })), "{refused:?}");
    }
    // That of the caller; all together; the first one twice, for longer the second time; each other once.
    assert_eq!(inserts(&log).await, 6);
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn an_append_that_waits_for_another_lock_is_not_said_to_wait_for_an_id() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    sqlx::query("CREATE TABLE gate ()").execute(log.pool()).await.unwrap();
    before_inserts(&log, "LOCK TABLE gate;").await;
    let mut closed = log.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE gate").execute(&mut *closed).await.unwrap();
    let refused = soon(Log::append(&log, CHANNEL, vec![event(0)])).await;
    assert!(matches!(refused, Err(LogError::Storage(_))), "{refused:?}");
    closed.rollback().await.unwrap();
    append(&log, vec![event(1)]).await;
}

#[tokio::test]
async fn a_server_that_says_it_is_no_use_is_asked_once() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    before_inserts(&log, "RAISE EXCEPTION USING ERRCODE = 'admin_shutdown';").await;
    let refused = Log::append(&log, CHANNEL, vec![event(0)]).await;
    assert!(matches!(refused, Err(LogError::Storage(_))), "{refused:?}");
    assert_eq!(inserts(&log).await, 1);
}

/// What was traced at the level of warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<u8>>>);

impl io::Write for Warnings {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn where_the_function_cannot_be_called_appends_are_made_without_it_and_one_warning_says_so() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    sqlx::query("DROP FUNCTION event_api_append_new").execute(log.pool()).await.unwrap();
    let warnings = Warnings::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN).with_writer({
            let warnings = warnings.clone();
            move || warnings.clone()
        });
    let guard = tracing::subscriber::set_default(subscriber.finish());
    for position in 0..3 {
        assert_eq!(append(&log, vec![event(0)]).await, [Position(position)]);
    }
    drop(guard);
    let warnings = String::from_utf8(warnings.0.lock().unwrap().clone()).unwrap();
    assert_eq!(warnings.matches("event_api_append_new cannot be called").count(), 1, "{warnings}");
}

/// Commits transactions that notify, one after the other and each for a tenth of a second. Only one of them at a time can
/// commit in the whole server.
async fn notify_slowly(schema: &Schema) {
    let options = schema.options().options([("commit_delay", "100000"), ("commit_siblings", "0")]);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    loop {
        // The message is something for the disk.
        let notify = "NOTIFY event_api_test; SELECT pg_logical_emit_message(true, '', '')";
        sqlx::raw_sql(notify).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn slow_commits_of_others_that_notify_are_waited_for() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    let first = event(0);
    append(&log, vec![first.clone()]).await;
    let crowd = async {
        // Three before an append: longer than it waits for an id.
        let waiting = "SELECT count(*) > 2 FROM pg_locks
                       WHERE NOT granted AND locktype = 'object' AND classid = 'pg_database'::regclass AND objid = 0";
        while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(log.pool()).await.unwrap() {}
    };
    let appends = async {
        soon(crowd).await;
        assert_eq!(append(&log, vec![event(1)]).await, [Position(1)]);
        assert_eq!(append(&log, vec![first, event(2)]).await, [Position(0), Position(2)]);
    };
    tokio::select! {
        () = appends => {}
        _ = futures_util::future::join_all((0..6).map(|_| notify_slowly(&schema))) => {}
    }
}

#[tokio::test]
async fn an_append_commits_without_the_haste_in_which_it_waits_for_ids() {
    let Some(schema) = Schema::create().await else { return };
    let log = schema.log().await;
    sqlx::raw_sql(
        "CREATE TABLE seen (lock_timeout interval);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO seen VALUES (current_setting('lock_timeout')::interval); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER see AFTER INSERT ON event_api_events DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION see();",
    )
    .execute(log.pool())
    .await
    .unwrap();
    let first = event(0);
    append(&log, vec![first.clone()]).await;
    append(&log, vec![first, event(1)]).await;
    let patient: Vec<bool> =
        sqlx::query_scalar("SELECT lock_timeout >= '10 s' FROM seen").fetch_all(log.pool()).await.unwrap();
    assert_eq!(patient, [true, true]);
}

#[tokio::test]
async fn a_server_that_vanishes_without_a_word_is_given_up_and_found_again() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema.options()).await;
    let (log, direct) = (through(&proxy, &schema).await, schema.pool(1).await);
    append(&log, vec![event(0)]).await;
    let waiter = tokio::spawn({
        let log = log.clone();
        async move { log.wait(CHANNEL, Position(2)).await }
    });
    // The server's process that listens for the log, and is another one than this.
    let listener = async |before: i32| {
        let sql =
            "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'LISTEN %' AND pid <> $2";
        let find =
            async || sqlx::query_scalar(sql).bind(schema.name()).bind(before).fetch_optional(&direct).await.unwrap();
        let found = async {
            loop {
                match find().await {
                    Some(pid) => return pid,
                    None => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        soon(found).await
    };
    let before: i32 = listener(0).await;
    proxy.fall_silent();
    // Nothing comes any more, so nothing but deadlines can pass.
    tokio::time::pause();
    let hour = Duration::from_secs(3600);
    let unheard = event(1);
    let outcome = tokio::time::timeout(hour, Log::append(&log, CHANNEL, vec![unheard.clone()])).await.unwrap();
    assert!(matches!(outcome, Err(LogError::Storage(_))), "{outcome:?}");
    tokio::time::sleep(Duration::from_secs(300)).await;
    tokio::time::resume();
    proxy.speak();
    // It was committed, or is now.
    assert_eq!(append(&log, vec![unheard, event(2)]).await, [Position(1), Position(2)]);
    soon(waiter).await.unwrap().unwrap();
    listener(before).await;
}
