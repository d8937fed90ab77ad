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
/// Bytes of payload that share a commit; a larger append has one of its own. Far below what a database takes at once.
const LARGEST: usize = 64 * 1024 * 1024;
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

impl Request {
    fn answer(self, outcome: Outcome) {
        // A caller that has gone away needs no answer.
        let _ = self.reply.send(outcome);
    }
}

/// How a database commits a group.
#[async_trait]
pub(super) trait Commit: Send + 'static {
    /// Commits the group in one transaction; one outcome for each request. An id that is reused is the outcome of its
    /// own request, and no failure.
    async fn commit(&mut self, group: &[Request], patience: Patience) -> Result<Vec<Outcome>, Failure>;

    /// No group comes for now: gives back what is kept from one to the next.
    fn rest(&mut self);
}

/// How long a group may wait for callers' transactions that have inserted its ids, while all others wait for the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// For as long as a short transaction takes.
    Long,
    /// Hardly at all: an append that must wait for longer is tried alone, or others of its group have waited enough.
    Short,
}

/// Why a group is not known to be committed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database cannot be written, or does not answer: the group may be committed, or nothing of it.
    Together(LogError),
    /// A statement of one append failed: nothing of the group is committed.
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
        commit_in_shares(&mut database, &mut group, LARGEST).await;
        // Those who were answered come first, and append again: the next commit is theirs together.
        tokio::task::yield_now().await;
    }
}

/// Commits the appends, at most `largest` bytes of payload at once, until one of the commits says that nothing can be
/// written: then all that are left are refused.
async fn commit_in_shares(database: &mut impl Commit, group: &mut Vec<Request>, largest: usize) {
    while !group.is_empty() {
        let share = share(group, largest);
        if let Err(error) = commit(database, group.drain(..share).collect()).await {
            refuse(group.drain(..), &error);
        }
    }
}

/// How many of the first appends share a commit: those whose payloads have at most `largest` bytes, and one at least.
fn share(group: &[Request], largest: usize) -> usize {
    let mut bytes: usize = 0;
    let fits = |request: &&Request| {
        bytes += request.events.iter().map(|event| event.data.get().len()).sum::<usize>();
        bytes <= largest
    };
    group.iter().take_while(fits).count().max(1)
}

/// Commits the appends, each answered as soon as its outcome is known. An error, which has been answered, when nothing can
/// be written: what is to follow would fail in the same way, each after its own time.
async fn commit(database: &mut impl Commit, group: Vec<Request>) -> Result<(), Arc<LogError>> {
    let patience = if group.len() == 1 { Patience::Long } else { Patience::Short };
    match database.commit(&group, patience).await {
        Ok(outcomes) => group.into_iter().zip(outcomes).for_each(|(request, outcome)| request.answer(outcome)),
        Err(Failure::Together(error)) => return Err(refuse(group, &Arc::new(error))),
        Err(Failure::One(error)) if group.len() == 1 => {
            group.into_iter().zip([Err(error)]).for_each(|(request, outcome)| request.answer(outcome));
        }
        // One of them cannot be stored, such as a payload beyond the database's limit: the others must not suffer.
        Err(Failure::One(_)) => {
            let mut patience = Patience::Long;
            let mut group = group.into_iter();
            while let Some(request) = group.next() {
                let outcome = match database.commit(std::slice::from_ref(&request), patience).await {
                    Ok(mut outcomes) => outcomes.pop().unwrap_or(Err(LogError::NoReceipt)),
                    Err(Failure::One(error)) => Err(error),
                    Err(Failure::Together(error)) => {
                        return Err(refuse([request].into_iter().chain(group), &Arc::new(error)));
                    }
                };
                if matches!(outcome, Err(LogError::IdUndecided { .. })) {
                    patience = Patience::Short;
                }
                request.answer(outcome);
            }
        }
    }
    Ok(())
}

/// Answers all with the same error, and gives it back.
fn refuse(group: impl IntoIterator<Item = Request>, error: &Arc<LogError>) -> Arc<LogError> {
    for request in group {
        request.answer(Err(LogError::Storage(Box::new(Shared(Arc::clone(error))))));
    }
    Arc::clone(error)
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

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::event::Metadata;

    fn event(data: &str) -> RawEvent {
        let data = serde_json::value::to_raw_value(data).unwrap();
        RawEvent { metadata: Metadata::new("Test"), data }
    }

    /// Commits no group of several; of single appends it commits one for each permit, and then none.
    struct Failing {
        permits: Arc<Semaphore>,
        commits: mpsc::UnboundedSender<usize>,
    }

    #[async_trait]
    impl Commit for Failing {
        async fn commit(&mut self, group: &[Request], _: Patience) -> Result<Vec<Outcome>, Failure> {
            self.commits.send(group.len()).unwrap();
            if group.len() > 1 {
                return Err(Failure::One(LogError::NoReceipt));
            }
            match self.permits.acquire().await {
                Ok(permit) => permit.forget(),
                Err(_) => return Err(Failure::Together(LogError::Corrupt("the disk".to_owned()))),
            }
            Ok(vec![Ok(vec![Receipt::new(group[0].events[0].metadata.id.clone(), None)])])
        }

        fn rest(&mut self) {}
    }

    #[tokio::test(start_paused = true)]
    async fn appends_of_a_group_that_fails_are_answered_one_by_one_until_nothing_can_be_written() {
        let (commits, mut committed) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(0));
        let writer = Writer::start(Failing { permits: Arc::clone(&permits), commits });
        let appends = [0; 20].map(|_| {
            tokio::spawn({
                let writer = writer.clone();
                async move { writer.append("channel", vec![event("")]).await }
            })
        });
        let [first, second, rest @ ..] = appends;
        permits.add_permits(1);
        let first = timeout(PAUSE, first).await.expect("it is answered before the others are tried");
        first.unwrap().unwrap();
        permits.add_permits(1);
        second.await.unwrap().unwrap();
        permits.close();
        for append in rest {
            let error = append.await.unwrap().unwrap_err();
            assert!(
                matches!(&error, LogError::Storage(source) if source.to_string().contains("the disk")),
                "{error:?}"
            );
        }
        drop(writer);
        let mut sizes = Vec::new();
        while let Some(size) = committed.recv().await {
            sizes.push(size);
        }
        assert_eq!(sizes, [20, 1, 1, 1], "what nobody can write is tried once");
    }

    fn request(data: &str) -> (Request, oneshot::Receiver<Outcome>) {
        let (reply, outcome) = oneshot::channel();
        (Request { channel: String::new(), events: vec![event(data)], reply }, outcome)
    }

    #[tokio::test]
    async fn when_nothing_can_be_written_all_that_were_taken_together_are_refused() {
        let (commits, mut committed) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(1));
        permits.close();
        let (mut group, outcomes): (Vec<_>, Vec<_>) = ["one", "two", "three"].map(request).into_iter().unzip();
        commit_in_shares(&mut Failing { permits, commits }, &mut group, 1).await;
        for outcome in outcomes {
            let error = outcome.await.unwrap().unwrap_err();
            assert!(error.to_string().contains("storage"), "{error:?}");
        }
        assert_eq!(
            (committed.recv().await, committed.recv().await),
            (Some(1), None),
            "what nobody can write is tried once"
        );
    }

    /// All ids are held by callers' transactions.
    struct Held(Vec<(usize, Patience)>);

    #[async_trait]
    impl Commit for Held {
        async fn commit(&mut self, group: &[Request], patience: Patience) -> Result<Vec<Outcome>, Failure> {
            self.0.push((group.len(), patience));
            Err(Failure::One(LogError::IdUndecided { channel: group[0].channel.clone() }))
        }

        fn rest(&mut self) {}
    }

    #[tokio::test]
    async fn of_a_group_only_one_append_waits_for_long() {
        let mut held = Held(Vec::new());
        let (mut group, outcomes): (Vec<_>, Vec<_>) = ["one", "two", "three"].map(request).into_iter().unzip();
        commit_in_shares(&mut held, &mut group, LARGEST).await;
        for outcome in outcomes {
            let error = outcome.await.unwrap().unwrap_err();
            assert!(matches!(error, LogError::IdUndecided { .. }), "{error:?}");
        }
        let (long, short) = (Patience::Long, Patience::Short);
        assert_eq!(held.0, [(3, short), (1, long), (1, short), (1, short)]);
    }

    #[test]
    fn payloads_that_are_too_large_together_are_committed_apart() {
        // Two bytes more each, with the quotes.
        let group: Vec<_> = [98, 3, 3, 3, 0].map(|length| request(&"a".repeat(length)).0).into();
        assert_eq!(share(&group, 10), 1);
        assert_eq!(share(&group[1..], 10), 2);
        assert_eq!(share(&group[3..], 10), 2);
    }
}
