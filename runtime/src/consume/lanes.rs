//! Lanes: events of one subject one after the other, different subjects side by side.
//!
//! In: events, in the order of the source. Each goes into the lane of its subject; the first of a lane is handled, those
//! behind it wait until it is completed. How many handlers run at a time is bounded by the pipeline, and an event that
//! waits for another attempt is no handler that runs. How many events wait is bounded by the window of [`Progress`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::completions::Completion;
use super::error::ConsumeError;
use super::group::Partitions;
use super::handler::Handler;
use super::pipeline::{Commit, Incoming, Outcome, Pipeline};
use super::progress::Progress;
use super::shutdown::Shutdown;
use crate::event::EventSet;
use crate::telemetry::record::{Lag, Pending};

/// Whether there is a point in bringing more events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Onward,
    /// The consumer is to stop, or cannot go on.
    Stopped,
}

/// How events are ordered.
pub(super) enum Order {
    /// One event after the other; a handler's transaction moves the checkpoint itself. Without a holder where the store
    /// knows of none.
    Single { holder: Option<Arc<str>> },
    /// One event after the other, but some behind the checkpoint are completed already.
    Strict { holder: Arc<str>, consumer: String },
    /// One event of a subject after the other.
    BySubject { holder: Arc<str>, consumer: String },
    /// The same, for the subjects of some partitions.
    ByPartition { holder: Arc<str>, partitions: Partitions },
}

/// The events under way.
pub(crate) struct Lanes<H: Handler> {
    pipeline: Arc<Pipeline<H>>,
    progress: Progress,
    order: Order,
    shutdown: Shutdown,
    stop: watch::Sender<bool>,
    running: JoinSet<Finished>,
    /// Those that wait behind another one; there is an entry for each lane in which one is handled.
    waiting: HashMap<Lane, VecDeque<Taken<H::Events>>>,
    failed: Option<ConsumeError>,
    lag: Lag,
}

/// The subject; events without one are a lane of their own.
type Lane = Option<String>;

struct Taken<E> {
    number: u64,
    incoming: Incoming<E>,
    commit: Commit,
    pending: Pending,
}

struct Finished {
    number: u64,
    lane: Lane,
    outcome: Result<Outcome, ConsumeError>,
}

impl<H: Handler> Lanes<H> {
    /// Lanes that stop with `shutdown`, which the pipeline also has to know: it is given there by `pipeline`.
    pub(super) fn new(
        shutdown: &Shutdown,
        progress: Progress,
        order: Order,
        pipeline: impl FnOnce(Shutdown) -> Pipeline<H>,
    ) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let shutdown = shutdown.or_when(async move {
            // Without its sender there is nothing left to stop.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        });
        let pipeline = pipeline(shutdown.clone());
        Lanes {
            lag: Lag::of(H::Events::CHANNEL.name, &pipeline.consumer),
            pipeline: Arc::new(pipeline),
            progress,
            order,
            shutdown,
            stop,
            running: JoinSet::new(),
            waiting: HashMap::new(),
            failed: None,
        }
    }

    /// The consumer's name, for messages.
    pub(crate) fn consumer(&self) -> &str {
        &self.pipeline.consumer
    }

    /// How far the consumer is behind.
    pub(crate) fn lag(&self) -> &Lag {
        &self.lag
    }

    /// Where the consumer is; see [`Progress::checkpoint`].
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Takes one event. It is handled when this returns, or will be.
    pub(crate) async fn take(&mut self, incoming: Incoming<H::Events>) -> Result<Flow, ConsumeError> {
        if self.shutdown.requested() {
            return Ok(Flow::Stopped);
        }
        let (lane, holder, consumer) = match &self.order {
            Order::Single { holder } => {
                let holder = holder.clone();
                return self.handle(incoming, holder).await;
            }
            Order::Strict { holder, consumer } => (None, holder, consumer.as_str()),
            Order::BySubject { holder, consumer } => (incoming.subject().map(str::to_owned), holder, consumer.as_str()),
            Order::ByPartition { holder, partitions } => {
                let Some(position) = incoming.checkpoint.position else {
                    return Err(ConsumeError::Setup(
                        "a group needs a source that tells the positions of its events, to divide them".to_owned(),
                    ));
                };
                let Some(consumer) = partitions.consumer(incoming.subject(), position) else {
                    self.progress.pass(incoming.checkpoint);
                    return self.reap().await;
                };
                (incoming.subject().map(str::to_owned), holder, consumer)
            }
        };
        let completion = Completion { consumer: consumer.to_owned(), event: incoming.key() };
        if self.progress.is_completed(&completion) {
            self.progress.take_completed(incoming.checkpoint, completion);
            return self.reap().await;
        }
        let commit = Commit::Note { holder: Arc::clone(holder), completion: completion.clone() };
        // It may be held up, and then must not hold all of its page in memory.
        let incoming = Incoming { original: incoming.original.apart(), ..incoming };
        let number = self.progress.take(incoming.checkpoint.clone(), completion, incoming.original.size());
        let pending = self.lag.take(incoming.time());
        let taken = Taken { number, incoming, commit, pending };
        match self.waiting.get_mut(&lane) {
            Some(waiting) => waiting.push_back(taken),
            None => {
                self.waiting.insert(lane.clone(), VecDeque::new());
                self.start(lane, taken);
            }
        }
        while self.progress.is_full() {
            if self.reap_next().await? == Flow::Stopped {
                return Ok(Flow::Stopped);
            }
        }
        self.reap().await
    }

    /// Handles one event at once.
    async fn handle(&mut self, incoming: Incoming<H::Events>, holder: Option<Arc<str>>) -> Result<Flow, ConsumeError> {
        let _pending = self.lag.take(incoming.time());
        let checkpoint = incoming.checkpoint.clone();
        let commit = Commit::Move { holder, from: self.progress.stored().cloned(), to: checkpoint.clone() };
        let processed = self.pipeline.process(incoming, &commit).await;
        if let Err(ConsumeError::Overtaken { .. }) = processed {
            self.progress.overtaken();
        }
        match processed? {
            Outcome::Interrupted => Ok(Flow::Stopped),
            Outcome::Completed(stored) => {
                self.progress.completed(checkpoint, stored).await?;
                Ok(Flow::Onward)
            }
        }
    }

    /// What was read so far leads on at `resume`, without another event.
    #[cfg(feature = "client")]
    pub(crate) async fn moved(&mut self, resume: &str) -> Result<(), ConsumeError> {
        let mut next = self.progress.checkpoint().cloned().unwrap_or_default();
        if *next.resume == *resume {
            return Ok(());
        }
        next.resume = resume.into();
        self.passed(next).await
    }

    /// All up to here is passed without being handled.
    #[cfg(feature = "client")]
    pub(crate) async fn passed(&mut self, checkpoint: super::Checkpoint) -> Result<(), ConsumeError> {
        if let Order::Single { .. } = self.order {
            return self.progress.completed(checkpoint, super::progress::Stored::No).await;
        }
        self.progress.pass(checkpoint);
        self.progress.settle().await?;
        if self.progress.is_due() { self.progress.flush().await } else { Ok(()) }
    }

    /// Does something else while events are handled, until it is done or the consumer is to stop (then `None`).
    pub(crate) async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<Option<T>, ConsumeError> {
        let mut work = std::pin::pin!(work);
        loop {
            let due = self.progress.due();
            if due.is_some_and(|due| due <= Instant::now()) {
                self.progress.store_due().await?;
                continue;
            }
            tokio::select! {
                biased;
                () = self.shutdown.fulfilled() => return Ok(None),
                Some(finished) = self.running.join_next() => {
                    self.finished(finished);
                    self.reap().await?;
                }
                done = &mut work => return Ok(Some(done)),
                () = until(due) => {}
            }
        }
    }

    /// Waits until all events that were taken are completed, or, when the consumer is to stop, all that are being handled.
    pub(crate) async fn finish(mut self) -> Result<(), ConsumeError> {
        while let Some(finished) = self.running.join_next().await {
            self.finished(finished);
            self.reap_ready();
            if self.failed.is_none()
                && let Err(error) = self.progress.settle().await
            {
                self.fail(error);
            }
        }
        let settled = self.progress.settle_all().await;
        self.failed.map_or(settled, Err)
    }

    /// Lets no further event begin.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    fn start(&mut self, lane: Lane, taken: Taken<H::Events>) {
        let Taken { number, incoming, commit, pending } = taken;
        let pipeline = Arc::clone(&self.pipeline);
        self.running.spawn(async move {
            let _pending = pending;
            let outcome = pipeline.process(incoming, &commit).await;
            Finished { number, lane, outcome }
        });
    }

    /// Sees to all that have finished by now.
    async fn reap(&mut self) -> Result<Flow, ConsumeError> {
        self.reap_ready();
        self.progress.settle().await?;
        Ok(if self.shutdown.requested() { Flow::Stopped } else { Flow::Onward })
    }

    fn reap_ready(&mut self) {
        while let Some(finished) = self.running.try_join_next() {
            self.finished(finished);
        }
    }

    /// Waits for the next to finish.
    async fn reap_next(&mut self) -> Result<Flow, ConsumeError> {
        let due = self.progress.due();
        tokio::select! {
            biased;
            finished = self.running.join_next() => match finished {
                Some(finished) => self.finished(finished),
                // Nothing runs because lanes were given up.
                None => return Ok(Flow::Stopped),
            },
            () = until(due) => self.progress.store_due().await?,
        }
        self.reap().await
    }

    fn finished(&mut self, finished: Result<Finished, tokio::task::JoinError>) {
        let Finished { number, lane, outcome } = match finished {
            Ok(finished) => finished,
            // Handlers' panics are caught where they are called: this one is of a store, and its event is not completed.
            Err(error) => return self.fail(ConsumeError::Broken { reason: error.to_string() }),
        };
        match outcome {
            Ok(Outcome::Completed(stored)) => self.progress.complete(number, stored),
            // It comes again after a restart, and those behind it.
            Ok(Outcome::Interrupted) => {
                self.waiting.remove(&lane);
                return;
            }
            Err(error) => {
                self.waiting.remove(&lane);
                return self.fail(error);
            }
        }
        match self.waiting.get_mut(&lane).and_then(VecDeque::pop_front) {
            Some(next) if !self.shutdown.requested() => self.start(lane, next),
            _ => {
                self.waiting.remove(&lane);
            }
        }
    }

    fn fail(&mut self, error: ConsumeError) {
        self.failed.get_or_insert(error);
        self.stop();
    }
}

/// Waits until `due`, for ever without.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

impl<E: EventSet> Incoming<E> {
    /// What the event is about.
    pub(super) fn subject(&self) -> Option<&str> {
        match &*self.event {
            Ok(envelope) => envelope.metadata.subject.as_deref(),
            Err(_) => self.subject.as_deref(),
        }
    }

    /// When the event happened, if it says so.
    fn time(&self) -> DateTime<Utc> {
        (*self.event).as_ref().map_or_else(|_| Utc::now(), |envelope| envelope.metadata.time)
    }

    /// What tells the event from others of its consumer.
    fn key(&self) -> String {
        match (self.checkpoint.position, &self.checkpoint.event_id) {
            (Some(position), _) => position.to_string(),
            (None, Some(id)) => format!("id:{id}"),
            (None, None) => String::new(),
        }
    }
}
