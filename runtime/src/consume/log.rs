//! Consuming a log directly: for handlers that live in the same process as the log, without HTTP between them.

use std::fmt;
use std::sync::Arc;

use super::checkpoint::{Checkpoint, Checkpoints, Retained};
use super::error::ConsumeError;
use super::handler::Handler;
use super::lanes::{Flow, Lanes};
use super::original::Original;
use super::patience::BACKOFF;
use super::pipeline::Incoming;
use super::settings::{Reader, Settings, Until, consumer_settings};
use crate::event::{Envelope, EventSet, Position};
use crate::log::{Log, LogError, PageLimit, StoredEvent};
use crate::telemetry::record;

/// Events read from the log at once.
const BATCH: PageLimit = PageLimit { events: 100, bytes: 8 << 20 };

/// Consumes a channel of a log in the same process, by the rules by which feeds are consumed over HTTP: in the log's
/// order, with retries, dead letters, and a checkpoint behind what is completed.
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
    settings: Settings,
}

impl LogConsumer {
    /// Consumes the channel of the handler's events in `log`.
    pub fn new(log: &(impl Log + Clone + 'static), checkpoints: impl Checkpoints + 'static) -> Self {
        LogConsumer { log: Arc::new(log.clone()), settings: Settings::new(checkpoints) }
    }

    /// The name under which the checkpoint is kept; by default the channel's.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into());
        self
    }

    consumer_settings!();

    /// Consumes until [`LogConsumer::shutdown`], for ever without it. A log whose storage fails is waited for.
    ///
    /// # Errors
    /// When a store is away for a minute, the log holds what cannot be read, retention has removed what was not consumed,
    /// or the log is not the one that the checkpoint is of. The checkpoint is behind all that is completed.
    pub async fn run<H: Handler>(self, handler: H) -> Result<(), ConsumeError> {
        self.consume(handler, Until::Shutdown).await
    }

    /// Consumes until the end of the log is reached, and all events that were read are completed.
    ///
    /// # Errors
    /// As [`LogConsumer::run`].
    pub async fn run_until_caught_up<H: Handler>(self, handler: H) -> Result<(), ConsumeError> {
        self.consume(handler, Until::CaughtUp).await
    }

    async fn consume<H: Handler>(self, handler: H, until: Until) -> Result<(), ConsumeError> {
        let reader = LogReader { log: self.log, on_retained: self.settings.on_retained };
        self.settings.run(H::Events::CHANNEL.name.to_owned(), reader, handler, until).await
    }
}

struct LogReader {
    log: Arc<dyn Log>,
    on_retained: Retained,
}

impl Reader for LogReader {
    async fn read<H: Handler>(&self, lanes: &mut Lanes<H>, until: Until) -> Result<(), ConsumeError> {
        let channel = H::Events::CHANNEL.name;
        let source: Arc<str> = channel.into();
        let log = self.log.as_ref();
        let checkpoint = lanes.progress().checkpoint().cloned();
        let start = || start(log, channel, checkpoint.as_ref());
        let Some(started) = patiently(lanes, start).await? else { return Ok(()) };
        let mut next = started.map_err(log_error)??;
        loop {
            if record::IS_ON {
                let Some(bounds) = lanes.during(log.bounds(channel)).await? else { return Ok(()) };
                if let Ok(bounds) = bounds {
                    lanes.lag().beyond(bounds.next.0.saturating_sub(next.0));
                }
            }
            let reading = || async {
                if until == Until::Shutdown {
                    log.wait(channel, next).await?;
                }
                log.read_page(channel, next, BATCH).await
            };
            let Some(events) = patiently(lanes, reading).await? else { return Ok(()) };
            let events = match events {
                Ok(events) if events.is_empty() && until == Until::CaughtUp => return Ok(()),
                Ok(events) => events,
                Err(LogError::Retained { oldest, .. }) if self.on_retained == Retained::Continue && oldest > next => {
                    tracing::warn!(
                        consumer = lanes.consumer(),
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
            for stored in events {
                next = stored.position.next();
                if lanes.take(incoming(stored, &source)).await? == Flow::Stopped {
                    return Ok(());
                }
            }
        }
    }
}

/// Reads from the log, and again for as long as its storage fails. `None` when the consumer is to stop.
async fn patiently<H: Handler, T, F>(
    lanes: &mut Lanes<H>,
    read: impl Fn() -> F,
) -> Result<Option<Result<T, LogError>>, ConsumeError>
where
    F: Future<Output = Result<T, LogError>>,
{
    let mut failures = 0;
    loop {
        let Some(answer) = lanes.during(read()).await? else { return Ok(None) };
        let Err(LogError::Storage(error)) = answer else { return Ok(Some(answer)) };
        failures += 1;
        let delay = BACKOFF.random_delay(failures);
        tracing::warn!(
            consumer = lanes.consumer(),
            channel = H::Events::CHANNEL.name,
            error = super::attempt::chain(error.as_ref()),
            failures,
            ?delay,
            "the log cannot be read and is tried again"
        );
        if lanes.during(tokio::time::sleep(delay)).await?.is_none() {
            return Ok(None);
        }
    }
}

fn incoming<E: EventSet>(stored: StoredEvent, source: &Arc<str>) -> Incoming<E> {
    let StoredEvent { position, event } = stored;
    let metadata = &event.metadata;
    let checkpoint =
        Checkpoint { resume: Arc::clone(source), position: Some(position), event_id: Some(metadata.id.clone()) };
    let typed = event.decode().map(|typed| Envelope { metadata: metadata.clone(), event: typed });
    Incoming {
        subject: typed.is_err().then(|| metadata.subject.clone()).flatten(),
        event: Box::new(typed),
        checkpoint,
        source: Arc::clone(source),
        original: Original::new(Arc::new(event), 0),
    }
}

/// The first event that is not completed. Refuses a log that is not the one that the checkpoint is of: to go on
/// behind the checkpoint's position would skip what that log holds before it. The outer error is that the log could not be
/// asked.
async fn start(
    log: &dyn Log,
    channel: &str,
    checkpoint: Option<&Checkpoint>,
) -> Result<Result<Position, ConsumeError>, LogError> {
    let bounds = log.bounds(channel).await?;
    let Some((checkpoint, position)) = checkpoint.and_then(|checkpoint| Some((checkpoint, checkpoint.position?)))
    else {
        return Ok(Ok(bounds.oldest));
    };
    let next = position.next();
    if bounds.next < next {
        return Ok(Err(ConsumeError::Rewound { channel: channel.to_owned(), position, end: bounds.next }));
    }
    let last = match log.read(channel, position, 1).await {
        Ok(events) => events.into_iter().next(),
        // What was completed may be removed.
        Err(LogError::Retained { .. }) => None,
        Err(error) => return Err(error),
    };
    if let (Some(last), Some(expected)) = (last, &checkpoint.event_id)
        && last.position == position
        && last.event.metadata.id != *expected
    {
        return Ok(Err(ConsumeError::Rewritten {
            url: channel.to_owned(),
            position,
            expected: expected.clone(),
            found: last.event.metadata.id,
        }));
    }
    Ok(Ok(next))
}

fn log_error(error: LogError) -> ConsumeError {
    match error {
        LogError::Retained { channel, oldest } => ConsumeError::Retained { url: channel, oldest: Some(oldest) },
        error => ConsumeError::Log(error),
    }
}

impl fmt::Debug for LogConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogConsumer").field("name", &self.settings.name).finish_non_exhaustive()
    }
}
