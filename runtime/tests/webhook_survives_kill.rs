//! No event is lost to a subscription, nor to a handler, however often the dispatcher's or the receiver's process is
//! killed.
//!
//! The test starts itself again as a child, kills it in the middle, and starts it anew over the same database.
#![cfg(all(feature = "client", feature = "server", feature = "sqlite", unix))]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

mod webhook_support;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::Router;
use event_api::consume::SqliteInbox;
use event_api::log::{Log, SqliteLog};
use event_api::webhook::{Cursor, Dispatcher, RetrySchedule, SqliteSubscriptions, Subscriptions, receiver};
use event_api::{Context, Handler, HandlerResult, Position};
use webhook_support::*;

const CHANNEL: &str = "user-events";
const EVENTS: usize = 60;
const DATABASE: &str = "EVENT_API_TEST_KILLED_DATABASE";
const ADDRESS: &str = "EVENT_API_TEST_KILLED_ADDRESS";

/// Dies with the test, also when that fails.
struct Killed(Child);

impl Killed {
    /// Starts `test` of this program as a child.
    fn start(test: &str, database: &Path, address: Option<SocketAddr>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test]).env(DATABASE, database).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(address) = address {
            command.env(ADDRESS, address.to_string());
        }
        Killed(command.spawn().unwrap())
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // SIGKILL on Unix.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn dispatcher(log: &SqliteLog, subscriptions: &SqliteSubscriptions) -> Dispatcher {
    Dispatcher::new(log, subscriptions).guard(loopback()).retries(RetrySchedule::new([Duration::from_millis(5); 2000]))
}

async fn delivered(subscriptions: &SqliteSubscriptions) -> Option<()> {
    let subscription = subscriptions.list(None, 1).await.unwrap().remove(0);
    let cursors = subscriptions.cursors(&subscription.id).await.unwrap();
    let end = Cursor::at(Position(u64::try_from(EVENTS).unwrap()));
    (cursors == [(CHANNEL.to_owned(), end)]).then_some(())
}

/// A publisher's database with all events and one subscription.
async fn publisher(database: &Path, url: String) -> (SqliteLog, SqliteSubscriptions) {
    let log = SqliteLog::open(database).await.unwrap();
    let subscriptions = SqliteSubscriptions::with_pool(log.pool().clone()).await.unwrap();
    log.append(CHANNEL, events(0..EVENTS)).await.unwrap();
    subscriptions.create(&subscription(url), &[(CHANNEL, Position(0))]).await.unwrap();
    (log, subscriptions)
}

#[tokio::test]
async fn a_dispatcher_that_is_killed_loses_no_event() {
    if let Ok(database) = std::env::var(DATABASE) {
        let log = SqliteLog::open(&database).await.unwrap();
        let subscriptions = SqliteSubscriptions::open(&database).await.unwrap();
        // Bounded, should nobody kill it.
        _ = tokio::time::timeout(PATIENCE, dispatcher(&log, &subscriptions).run()).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("publisher.db");
    let endpoint = Endpoint::accepting().await;
    let (log, subscriptions) = publisher(&database, endpoint.url()).await;
    for killed_after in [1, 8, 21, 40] {
        let _child = Killed::start("a_dispatcher_that_is_killed_loses_no_event", &database, None);
        endpoint.wait_for(killed_after).await;
    }
    let _dispatcher = tokio::spawn(dispatcher(&log, &subscriptions).run());
    eventually("everything is delivered", async || delivered(&subscriptions).await).await;
    let mut received = endpoint.ids();
    received.dedup();
    assert_eq!(received, (0..EVENTS).map(|n| format!("event-{n}")).collect::<Vec<_>>());
}

/// Writes what it handles into the database, one row each time.
struct Recorder(sqlx::SqlitePool);

impl Handler for Recorder {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        sqlx::query("INSERT INTO handled (id) VALUES (?)").bind(cx.id.as_str()).execute(&self.0).await?;
        Ok(())
    }
}

async fn open(database: &Path) -> sqlx::SqlitePool {
    let pool = sqlx::SqlitePool::connect_with(SqliteLog::options(database)).await.unwrap();
    sqlx::query("CREATE TABLE IF NOT EXISTS handled (id TEXT NOT NULL)").execute(&pool).await.unwrap();
    pool
}

#[tokio::test]
async fn a_receiver_that_is_killed_loses_no_event_and_repeats_only_what_was_under_way() {
    if let (Ok(database), Ok(address)) = (std::env::var(DATABASE), std::env::var(ADDRESS)) {
        let pool = open(Path::new(&database)).await;
        let inbox = SqliteInbox::with_pool(pool.clone()).await.unwrap();
        let hooks = receiver(secret(), inbox, Recorder(pool));
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let serving = axum::serve(listener, Router::new().route("/hook", hooks));
        _ = tokio::time::timeout(PATIENCE, std::future::IntoFuture::into_future(serving)).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (published, consumed) = (folder.path().join("publisher.db"), folder.path().join("consumer.db"));
    // Free after this line; the children bind it one after the other.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (log, subscriptions) = publisher(&published, format!("http://{address}/hook")).await;
    let pool = open(&consumed).await;
    let _dispatcher = tokio::spawn(dispatcher(&log, &subscriptions).run());

    let rows = async || -> Vec<String> { sqlx::query_scalar("SELECT id FROM handled").fetch_all(&pool).await.unwrap() };
    let start = || {
        let test = "a_receiver_that_is_killed_loses_no_event_and_repeats_only_what_was_under_way";
        Killed::start(test, &consumed, Some(address))
    };
    let kills = [1, 8, 21, 40];
    for killed_after in kills {
        let child = start();
        eventually("some are handled", async || (rows().await.len() >= killed_after).then_some(())).await;
        drop(child);
        // A claim that the killed process held runs out after its lease; this test does not wait for that.
        sqlx::query("UPDATE event_api_inbox SET claimed_until = 0").execute(&pool).await.unwrap();
    }
    let _child = start();
    eventually("everything is delivered", async || delivered(&subscriptions).await).await;
    let mut handled = rows().await;
    let repeated = handled.len() - EVENTS;
    handled.dedup();
    assert_eq!(handled, (0..EVENTS).map(|n| format!("event-{n}")).collect::<Vec<_>>());
    assert!(repeated <= kills.len(), "{repeated} were handled twice");
}
