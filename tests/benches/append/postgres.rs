//! The log in Postgres, against a task that commits groups of rows with `INSERT … SELECT FROM unnest(…)`. Skipped where no
//! server is reachable.

use event_api::log::PostgresLog;
use event_api_tests::schema::Schema;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::sync::mpsc;

use super::bare::{GROUP, Request, produce, queue};
use super::{CHANNEL, Failure, ROUNDS, api, publish, report};

const INSERT: &str = "INSERT INTO event_api_events
    (channel, position, id, type, time, subject, address, version, traceparent, headers, data)
    SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                             $9::text[], $10::text[], $11::text[])";

pub(super) async fn measure() -> Result<(), Failure> {
    let (Some(ours), Some(theirs)) = (Schema::create().await?, Schema::create().await?) else { return Ok(()) };
    let result = measure_in(&ours, &theirs).await;
    ours.remove().await?;
    theirs.remove().await?;
    result
}

async fn measure_in(ours: &Schema, theirs: &Schema) -> Result<(), Failure> {
    let log = PostgresLog::connect(&ours.url()).await?;
    let publisher = api::AccountsEvents::publisher(&log);
    // Makes the tables.
    PostgresLog::connect(&theirs.url()).await?.pool().close().await;
    let (queue, requests) = queue();
    let bare = tokio::spawn(run(PgConnection::connect(&theirs.url()).await?, requests));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let times = (publish(&publisher).await?, produce(&queue).await?);
        if round > 0 {
            ours.push(times.0);
            theirs.push(times.1);
        }
    }
    report("append-postgres", ours, theirs);
    log.pool().close().await;
    drop(queue);
    bare.await?
}

/// The loop: everything that has queued up, in one statement, which is a transaction.
async fn run(mut connection: PgConnection, mut requests: mpsc::Receiver<Request>) -> Result<(), Failure> {
    let mut next: i64 = 0;
    let mut group: Vec<Request> = Vec::new();
    while requests.recv_many(&mut group, GROUP).await > 0 {
        let metadata = || group.iter().map(|request| &request.event.metadata);
        let positions: Vec<i64> = (next..).take(group.len()).collect();
        next += group.len() as i64;
        sqlx::query(INSERT)
            .bind(CHANNEL)
            .bind(positions)
            .bind(metadata().map(|metadata| metadata.id.as_str()).collect::<Vec<_>>())
            .bind(metadata().map(|metadata| metadata.event_type.as_str()).collect::<Vec<_>>())
            .bind(metadata().map(|metadata| metadata.time.to_rfc3339()).collect::<Vec<_>>())
            .bind(metadata().map(|metadata| metadata.subject.as_deref()).collect::<Vec<_>>())
            .bind(metadata().map(|metadata| metadata.address.as_deref()).collect::<Vec<_>>())
            .bind(metadata().map(|metadata| metadata.version.as_deref()).collect::<Vec<_>>())
            .bind(metadata().map(|metadata| metadata.traceparent.as_deref()).collect::<Vec<_>>())
            .bind(vec![None::<String>; group.len()])
            .bind(group.iter().map(|request| request.event.data.get()).collect::<Vec<_>>())
            .execute(&mut connection)
            .await?;
        for request in group.drain(..) {
            // A producer that has gone away needs no answer.
            let _ = request.done.send(());
        }
    }
    Ok(connection.close().await?)
}
