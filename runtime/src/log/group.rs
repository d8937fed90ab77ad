//! Group commit: one task takes the appends that have queued up, and commits them in one transaction.
//!
//! An append is acknowledged after the commit that holds it. Waiting for the disk takes far longer than writing a row,
//! so while one group is committed the next one gathers, and the more producers there are the larger the groups grow.
//! In: appends, and how a database commits a group of them ([`Commit`]). Out: an outcome for each append.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::LogError;
use crate::event::RawEvent;
use crate::publish::Receipt;

/// Appends that may wait for the writer; beyond that, callers wait to enter.
const QUEUE: usize = 1024;
/// Appends that share a commit.
const GROUP: usize = 512;
/// How long no append must have come before the writer rests.
const PAUSE: Duration = Duration::from_millis(50);

/// What an append is answered.
pub(super) type Outcome = Result<Vec<Receipt>, LogError>;

/// An append that waits for its commit.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) channel: String,
    pub(super) events: Vec<RawEvent>,
    reply: oneshot::Sender<Outcome>,
}

/// How a database commits a group.
#[async_trait]
pub(super) trait Commit: Send + 'static {
    /// Commits the group in one transaction; one outcome for each request. An id that is reused is the outcome of its
    /// own request, and no failure.
    async fn commit(&mut self, group: &[Request]) -> Result<Vec<Outcome>, Failure>;

    /// No group comes for now: gives back what is kept from one to the next.
    fn rest(&mut self);
}

/// Why a group was not committed; nothing of it was.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database cannot be written.
    Together(LogError),
    /// A statement of one append failed.
    One(LogError),
}

/// The way to the writer. It stops when the last handle is gone and the queue is empty.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Request>,
}

impl Writer {
    pub(super) fn start(database: impl Commit) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        tokio::spawn(run(database, requests));
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

async fn run(mut database: impl Commit, mut requests: mpsc::Receiver<Request>) {
    let mut group = Vec::new();
    loop {
        let taken = match timeout(PAUSE, requests.recv_many(&mut group, GROUP)).await {
            Ok(taken) => taken,
            Err(_) => {
                database.rest();
                requests.recv_many(&mut group, GROUP).await
            }
        };
        if taken == 0 {
            return;
        }
        let outcomes = match database.commit(&group).await {
            Ok(outcomes) => outcomes,
            Err(Failure::Together(error)) => {
                let error = Arc::new(error);
                group.iter().map(|_| Err(LogError::Storage(Box::new(Shared(Arc::clone(&error)))))).collect()
            }
            Err(Failure::One(error)) if group.len() == 1 => vec![Err(error)],
            // One of them cannot be stored, such as a payload beyond the database's limit: the others must not suffer.
            Err(Failure::One(_)) => {
                let mut outcomes = Vec::with_capacity(group.len());
                for request in &group {
                    outcomes.push(match database.commit(std::slice::from_ref(request)).await {
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
        // Those who were answered come first, and append again: the next commit is theirs together.
        tokio::task::yield_now().await;
    }
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
