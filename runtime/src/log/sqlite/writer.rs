//! Group commit: one task takes the appends that have queued up, and commits them in one transaction.
//!
//! An append is acknowledged after the commit that holds it. Waiting for the disk takes far longer than writing a row,
//! so while one group is committed the next one gathers, and the more producers there are the larger the groups grow.

use std::fmt;
use std::sync::Arc;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use super::super::LogError;
use super::append::Appender;
use super::storage;
use super::wait::Waiting;
use crate::event::RawEvent;
use crate::publish::Receipt;

/// Appends that may wait for the writer; beyond that, callers wait to enter.
const QUEUE: usize = 1024;
/// Appends that share a commit.
const GROUP: usize = 512;

/// The way to the writer. It stops when the last handle is gone and the queue is empty.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Request>,
}

#[derive(Debug)]
struct Request {
    channel: String,
    events: Vec<RawEvent>,
    reply: oneshot::Sender<Outcome>,
}

type Outcome = Result<Vec<Receipt>, LogError>;

impl Writer {
    pub(super) fn start(pool: SqlitePool, waiting: Arc<Waiting>) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        tokio::spawn(run(pool, waiting, requests));
        Writer { queue }
    }

    /// Appends. When the caller stops waiting, the append is still made.
    pub(super) async fn append(&self, channel: &str, events: Vec<RawEvent>) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let request = Request { channel: channel.to_owned(), events, reply };
        self.queue.send(request).await.map_err(|_| LogError::Storage(Box::new(WriterGone)))?;
        outcome.await.map_err(|_| LogError::Storage(Box::new(WriterGone)))?
    }
}

/// The task that writes is gone: the runtime in which the log was opened has shut down.
#[derive(Debug, thiserror::Error)]
#[error("the log's writer has stopped, because the runtime that opened the log has shut down")]
struct WriterGone;

async fn run(pool: SqlitePool, waiting: Arc<Waiting>, mut requests: mpsc::Receiver<Request>) {
    let mut group = Vec::new();
    while requests.recv_many(&mut group, GROUP).await > 0 {
        let outcomes = match commit(&pool, &group, &waiting).await {
            Ok(outcomes) => outcomes,
            Err(Failure::Together(error)) => {
                let error = Arc::new(error);
                group.iter().map(|_| Err(LogError::Storage(Box::new(Shared(Arc::clone(&error)))))).collect()
            }
            Err(Failure::One(error)) if group.len() == 1 => vec![Err(error)],
            // One of them cannot be stored, such as a payload beyond SQLite's limit: the others must not suffer.
            Err(Failure::One(_)) => {
                let mut outcomes = Vec::with_capacity(group.len());
                for request in &group {
                    outcomes.push(match commit(&pool, std::slice::from_ref(request), &waiting).await {
                        Ok(mut outcome) => outcome.pop().unwrap_or(Err(LogError::NoReceipt)),
                        Err(Failure::One(error) | Failure::Together(error)) => Err(error),
                    });
                }
                outcomes
            }
        };
        for (request, outcome) in group.drain(..).zip(outcomes) {
            // A caller that has gone away needs no answer.
            let _ = request.reply.send(outcome);
        }
    }
}

/// Why a group was not committed; nothing of it was.
enum Failure {
    /// The database cannot be written.
    Together(LogError),
    /// A statement of one append failed.
    One(LogError),
}

async fn commit(pool: &SqlitePool, group: &[Request], waiting: &Waiting) -> Result<Vec<Outcome>, Failure> {
    let mut connection = pool.acquire().await.map_err(|error| Failure::Together(storage(error)))?;
    let outcome = commit_on(&mut connection, group, waiting).await;
    if outcome.is_err() {
        // SQLite itself may have rolled back (https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction),
        // which sqlx does not notice: to it the connection would be in a transaction for ever.
        connection.close_on_drop();
    }
    outcome
}

async fn commit_on(
    connection: &mut SqliteConnection,
    group: &[Request],
    waiting: &Waiting,
) -> Result<Vec<Outcome>, Failure> {
    let together = |error| Failure::Together(storage(error));
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(together)?;
    let mut appender = Appender::default();
    let mut outcomes = Vec::with_capacity(group.len());
    for request in group {
        outcomes.push(match append(&mut appender, &mut transaction, request).await {
            Ok(receipts) => Ok(receipts),
            Err(error @ LogError::IdReused { .. }) => Err(error),
            // It is not known what of the transaction is left.
            Err(error) => return Err(Failure::One(error)),
        });
    }
    appender.finish(&mut transaction).await.map_err(Failure::Together)?;
    transaction.commit().await.map_err(together)?;
    for (channel, next) in appender.grown() {
        waiting.wake.advance(channel, next);
    }
    Ok(outcomes)
}

async fn append(appender: &mut Appender, connection: &mut SqliteConnection, request: &Request) -> Outcome {
    // A single event that is refused has written nothing, and needs no savepoint.
    if request.events.len() < 2 {
        return appender.append(connection, &request.channel, &request.events).await;
    }
    let mut savepoint = connection.begin().await.map_err(storage)?;
    let receipts = appender.append(&mut savepoint, &request.channel, &request.events).await;
    match &receipts {
        Ok(_) => savepoint.commit().await,
        Err(_) => savepoint.rollback().await,
    }
    .map_err(storage)?;
    receipts
}

/// An error that several callers get.
#[derive(Clone)]
struct Shared(Arc<LogError>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
