//! What the Postgres log does when others hold it up: processes and connections that stop in the middle, servers that
//! vanish, transactions that do not end.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod postgres_support;

use std::time::Duration;

use event_api::log::conformance::event;
use event_api::log::{Log, PostgresLog, Retention};
use event_api::{Position, RawEvent};
use postgres_support::Schema;
use postgres_support::proxy::Proxy;
use sqlx::postgres::PgPoolOptions;

const CHANNEL: &str = "user-events";
const PATIENCE: Duration = Duration::from_secs(30);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happened")
}

async fn append(log: &PostgresLog, events: Vec<RawEvent>) -> Vec<Position> {
    let receipts = Log::append(log, CHANNEL, events).await.unwrap();
    receipts.into_iter().map(|receipt| receipt.position.unwrap()).collect()
}

/// A log whose answers can get lost.
async fn through(proxy: &Proxy, schema: &Schema) -> PostgresLog {
    let pool = PgPoolOptions::new().max_connections(4).connect_with(proxy.options(schema.options())).await.unwrap();
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

#[tokio::test]
async fn a_process_that_freezes_while_it_trims_holds_up_others_for_seconds_at_most() {
    let Some(schema) = Schema::create().await else { return };
    let proxy = Proxy::start(&schema.options()).await;
    let (frozen, other) = (through(&proxy, &schema).await, schema.log().await);
    append(&other, (0..10).map(event).collect()).await;
    let mut first = other.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM event_api_channels FOR UPDATE").execute(&mut *first).await.unwrap();
    tokio::spawn(async move { frozen.trim(CHANNEL, &Retention::forever().max_events(1), 100).await });
    let waits = async {
        let sql = "SELECT EXISTS (SELECT FROM pg_locks w JOIN pg_locks h USING (transactionid)
                   WHERE NOT w.granted AND h.granted AND h.pid = pg_backend_pid())";
        while !sqlx::query_scalar::<_, bool>(sql).fetch_one(&mut *first).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    soon(waits).await;
    // It gets the channel's row, and never hears of it.
    proxy.fall_silent();
    first.rollback().await.unwrap();
    assert_eq!(soon(append(&other, vec![event(10)])).await, [Position(10)]);
}
