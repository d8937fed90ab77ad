//! The log in SQLite, against a thread that commits groups of rows through `rusqlite`.

use event_api::log::SqliteLog;
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::mpsc;

use super::bare::{GROUP, Request, produce, queue};
use super::{CHANNEL, Failure, ROUNDS, api, publish, report};

const INSERT: &str = "INSERT INTO event_api_events
    (channel, position, id, type, time, subject, address, version, traceparent, headers, data, stored_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

pub(super) async fn measure() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let log = SqliteLog::open(folder.path().join("log.db")).await?;
    let publisher = api::AccountsEvents::publisher(&log);
    let file = folder.path().join("bare.db");
    // Makes the tables.
    SqliteLog::open(&file).await?.pool().close().await;
    let connection = Connection::open(&file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute("INSERT INTO event_api_channels (id, name) VALUES (1, ?)", [CHANNEL])?;
    let (queue, requests) = queue();
    let bare = std::thread::spawn(move || run(connection, requests));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let times = (publish(&publisher).await?, produce(&queue).await?);
        if round > 0 {
            ours.push(times.0);
            theirs.push(times.1);
        }
    }
    report("append-sqlite", ours, theirs);
    drop(queue);
    Ok(bare.join().map_err(|_| "the bare loop panicked")??)
}

/// The loop: everything that has queued up, in one transaction.
fn run(mut connection: Connection, mut requests: mpsc::Receiver<Request>) -> rusqlite::Result<()> {
    let mut next: i64 = 0;
    let mut group: Vec<Request> = Vec::new();
    while requests.blocking_recv_many(&mut group, GROUP) > 0 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for Request { event, .. } in &group {
                let metadata = &event.metadata;
                let time = metadata.time.to_rfc3339();
                insert.execute(params![
                    1,
                    next,
                    metadata.id.as_str(),
                    metadata.event_type,
                    time,
                    metadata.subject,
                    metadata.address,
                    metadata.version,
                    metadata.traceparent,
                    None::<String>,
                    event.data.get(),
                    metadata.time.timestamp_millis(),
                ])?;
                next += 1;
            }
            transaction.prepare_cached("UPDATE event_api_channels SET next = ? WHERE id = 1")?.execute([next])?;
        }
        transaction.commit()?;
        for request in group.drain(..) {
            // A producer that has gone away needs no answer.
            let _ = request.done.send(());
        }
    }
    Ok(())
}
