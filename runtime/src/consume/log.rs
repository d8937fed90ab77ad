//! Consuming a log directly: for handlers that live in the same process as the log, without HTTP between them.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::checkpoint::{Checkpoint, Checkpoints, Retained};
use super::dead_letter::DeadLetters;
use super::error::ConsumeError;
use super::handler::Handler;
use super::pipeline::{Incoming, Outcome, Pipeline, Step, Treatment};
use super::progress::Progress;
use super::retry::RetryPolicy;
use super::shutdown::Shutdown;
use crate::event::{Envelope, EventSet, Position};
use crate::log::{Log, LogError, PageLimit, StoredEvent};
use crate::telemetry::record;

/// Events read from the log at once.
const BATCH: PageLimit = PageLimit { events: 100, bytes: 8 << 20 };

/// Consumes a channel of a log in the same process, by the rules by which feeds are consumed over HTTP: one event at a
/// time in the log's order, retries, dead letters, and a checkpoint behind the last completed event.
///
/// ```
/// # use event_api::{Handler, log::Log};
/// # async fn wiring(log: impl Log + Clone + 'static, projection: impl Handler) -> Result<(), Box<dyn std::error::Error>> {
/// use event_api::consume::{LogConsumer, SqliteCheckpoints};
///
/// let checkpoints = SqliteCheckpoints::open("projection.db").await?;
/// LogConsumer::new(&log, checkpoints).name("projection").run(projection).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct LogConsumer {
    log: Arc<dyn Log>,
    checkpoints: Arc<dyn Checkpoints>,
    name: Option<String>,
    treatment: Treatment,
    dead_letters: Option<Arc<dyn DeadLetters>>,
    on_retained: Retained,
    shutdown: Shutdown,
}

/// When a consumer ends by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Shutdown,
    CaughtUp,
}

impl LogConsumer {
    /// Consumes the channel of the handler's events in `log`.
    pub fn new(log: &(impl Log + Clone + 'static), checkpoints: impl Checkpoints + 'static) -> Self {
        LogConsumer {
            log: Arc::new(log.clone()),
            checkpoints: Arc::new(checkpoints),
            name: None,
            treatment: Treatment { retry: RetryPolicy::default(), timeout: None },
            dead_letters: None,
            on_retained: Retained::default(),
            shutdown: Shutdown::never(),
        }
    }

    /// The name under which the checkpoint is kept; by default the channel's.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How often a failing event is tried before it becomes a dead letter.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.treatment.retry = policy;
        self
    }

    /// How long a handler may take; beyond that it is dropped, and the attempt has failed. No limit by default.
    #[must_use]
    pub fn handler_timeout(mut self, limit: Duration) -> Self {
        self.treatment.timeout = Some(limit);
        self
    }

    /// Where dead letters go; by default where the checkpoints are.
    #[must_use]
    pub fn dead_letters(mut self, store: impl DeadLetters + 'static) -> Self {
        self.dead_letters = Some(Arc::new(store));
        self
    }

    /// What to do when unseen events were removed by retention: stop, unless set.
    #[must_use]
    pub fn on_retained(mut self, policy: Retained) -> Self {
        self.on_retained = policy;
        self
    }

    /// Stops the consumer when `wish` is fulfilled, after the event that is being handled.
    #[must_use]
    pub fn shutdown(mut self, wish: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Shutdown::when(wish);
        self
    }

    /// Consumes until [`LogConsumer::shutdown`], for ever without it.
    ///
    /// # Errors
    /// When the log or a store fails, retention has removed what was not consumed, or the log is not the one that the
    /// checkpoint is of. The checkpoint is at the last completed event.
    pub async fn run<H: Handler>(self, handler: H) -> Result<(), ConsumeError> {
        self.consume(handler, Until::Shutdown).await
    }

    /// Consumes until the end of the log is reached.
    ///
    /// # Errors
    /// As [`LogConsumer::run`].
    pub async fn run_until_caught_up<H: Handler>(self, handler: H) -> Result<(), ConsumeError> {
        self.consume(handler, Until::CaughtUp).await
    }

    async fn consume<H: Handler>(self, handler: H, until: Until) -> Result<(), ConsumeError> {
        let channel = H::Events::CHANNEL.name;
        let consumer = self.name.unwrap_or_else(|| channel.to_owned());
        let dead_letters = self.dead_letters.or_else(|| self.checkpoints.dead_letters());
        let mut progress = Progress::load(consumer.clone(), Arc::clone(&self.checkpoints)).await?;
        let pipeline = Pipeline {
            consumer,
            handler,
            treatment: self.treatment,
            checkpoints: self.checkpoints,
            dead_letters,
            shutdown: self.shutdown,
        };

        let mut next = start(self.log.as_ref(), channel, progress.checkpoint()).await?;
        loop {
            let reading = async {
                if until == Until::Shutdown {
                    self.log.wait(channel, next).await?;
                }
                self.log.read_page(channel, next, BATCH).await
            };
            let Some(events) = pipeline.shutdown.or(reading).await else { return Ok(()) };
            if record::IS_ON
                && let Ok(bounds) = self.log.bounds(channel).await
            {
                record::behind(channel, &pipeline.consumer, bounds.next.0.saturating_sub(next.0));
                if bounds.next <= next {
                    record::caught_up(channel, &pipeline.consumer);
                }
            }
            let events = match events {
                Ok(events) if events.is_empty() && until == Until::CaughtUp => return Ok(()),
                Ok(events) => events,
                Err(LogError::Retained { oldest, .. }) if self.on_retained == Retained::Continue && oldest > next => {
                    tracing::warn!(
                        consumer = pipeline.consumer,
                        channel,
                        next = next.0,
                        oldest = oldest.0,
                        "events were removed by retention before they were consumed; going on with the oldest left"
                    );
                    next = oldest;
                    continue;
                }
                Err(error) => return Err(log_error(error)),
            };
            for StoredEvent { position, event } in events {
                if pipeline.shutdown.requested() {
                    return Ok(());
                }
                let checkpoint = Checkpoint {
                    resume: channel.to_owned(),
                    position: Some(position),
                    event_id: Some(event.metadata.id.clone()),
                };
                let typed = event.decode().map(|typed| Envelope { metadata: event.metadata.clone(), event: typed });
                let step = Step { from: progress.checkpoint().cloned(), to: checkpoint.clone() };
                let incoming = Incoming { event: typed, step };
                match pipeline.process(incoming, channel, &|| Some(event.clone())).await? {
                    Outcome::Interrupted => return Ok(()),
                    Outcome::Completed(stored) => progress.completed(checkpoint, stored).await?,
                }
                next = position.next();
            }
        }
    }
}

/// The first event that is not completed. Refuses a log that is not the one that the checkpoint is of: to go on
/// behind the checkpoint's position would skip what that log holds before it.
async fn start(log: &dyn Log, channel: &str, checkpoint: Option<&Checkpoint>) -> Result<Position, ConsumeError> {
    let bounds = log.bounds(channel).await.map_err(log_error)?;
    let Some((checkpoint, position)) = checkpoint.and_then(|checkpoint| Some((checkpoint, checkpoint.position?)))
    else {
        return Ok(bounds.oldest);
    };
    let next = position.next();
    if bounds.next < next {
        return Err(ConsumeError::Rewound { channel: channel.to_owned(), position, end: bounds.next });
    }
    let last = match log.read(channel, position, 1).await {
        Ok(events) => events.into_iter().next(),
        // What was completed may be removed.
        Err(LogError::Retained { .. }) => None,
        Err(error) => return Err(log_error(error)),
    };
    if let (Some(last), Some(expected)) = (last, &checkpoint.event_id)
        && last.position == position
        && last.event.metadata.id != *expected
    {
        return Err(ConsumeError::Rewritten {
            url: channel.to_owned(),
            position,
            expected: expected.clone(),
            found: last.event.metadata.id,
        });
    }
    Ok(next)
}

fn log_error(error: LogError) -> ConsumeError {
    match error {
        LogError::Retained { channel, oldest } => ConsumeError::Retained { url: channel, oldest: Some(oldest) },
        error => ConsumeError::Log(error),
    }
}

impl fmt::Debug for LogConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogConsumer").field("name", &self.name).finish_non_exhaustive()
    }
}
