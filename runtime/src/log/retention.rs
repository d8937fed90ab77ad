//! Retention: what a channel keeps, and the task that removes the rest.
//!
//! Only a prefix is ever removed, so what is left has no gaps, and a reader that stands below learns where the channel
//! begins now. In: limits by age, number and size. Out: small steps, each a transaction of its own, so that nobody waits
//! long for one.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{Log, LogError};
use crate::consume::{Shutdown, chain};
use crate::event::Position;

/// What a channel keeps: all of it, unless limits are set. An event is removed when any of the limits says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    age: Option<Duration>,
    events: Option<u64>,
    bytes: Option<u64>,
    from: Position,
}

impl Retention {
    /// Keeps everything.
    pub fn forever() -> Self {
        Retention::default()
    }

    /// Keeps events for `age` after they were appended, whatever time they carry themselves.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// Keeps the newest `events`.
    #[must_use]
    pub fn max_events(mut self, events: u64) -> Self {
        self.events = Some(events);
        self
    }

    /// Keeps the newest events whose payloads have `bytes` together.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// Keeps the events at `position` and behind it.
    #[must_use]
    pub fn starting_at(mut self, position: Position) -> Self {
        self.from = position;
        self
    }

    /// Where a channel is to begin that `held` describes and whose oldest events are `oldest`. Those that are looked at
    /// bound the step: the channel may have to begin even later.
    pub(super) fn begin(&self, held: Held, oldest: impl IntoIterator<Item = Aged>) -> Cut {
        let mut cut = Cut { events: 0, bytes: 0 };
        for event in oldest {
            let position = held.oldest.0.saturating_add(cut.events);
            let behind = held.next.0.saturating_sub(position);
            let bytes = held.bytes.saturating_sub(cut.bytes);
            let kept = position >= self.from.0
                && self.events.is_none_or(|most| behind <= most)
                && self.bytes.is_none_or(|most| bytes <= most)
                && self.age.is_none_or(|most| event.age <= most);
            if kept {
                break;
            }
            cut.events += 1;
            cut.bytes = cut.bytes.saturating_add(event.bytes);
        }
        cut
    }
}

/// What a channel holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) oldest: Position,
    pub(super) next: Position,
    /// Of all payloads.
    pub(super) bytes: u64,
}

/// What counts of an event when it may have to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aged {
    pub(super) age: Duration,
    /// Of its payload.
    pub(super) bytes: u64,
}

/// How much is removed from the beginning of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) events: u64,
    pub(super) bytes: u64,
}

/// What one step of retention has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trimmed {
    /// How many events were removed.
    pub events: u64,
    /// Where the channel begins now.
    pub oldest: Position,
}

impl Trimmed {
    /// The outcome of a step, for implementations of [`Log`].
    pub fn new(events: u64, oldest: Position) -> Self {
        Trimmed { events, oldest }
    }
}

/// Events that are removed at once.
const STEP: usize = 500;
/// How often it is looked whether something is to be removed.
const INTERVAL: Duration = Duration::from_secs(60);
/// Between steps, for those who want to write.
const PAUSE: Duration = Duration::from_millis(5);

/// Keeps channels within their retention, for as long as it runs. Several processes may run it on one log.
///
/// ```no_run
/// # use std::time::Duration;
/// # use event_api::log::{Log, Retainer, Retention};
/// # fn wiring(log: impl Log + Clone + 'static) {
/// let month = Retention::forever().max_age(Duration::from_secs(30 * 24 * 60 * 60));
/// tokio::spawn(Retainer::new(&log).channel("user-events", month).run());
/// # }
/// ```
#[derive(Clone)]
pub struct Retainer {
    log: Arc<dyn Log>,
    channels: Vec<(String, Retention)>,
    interval: Duration,
    shutdown: Shutdown,
}

impl Retainer {
    /// Of `log`, and of no channel yet.
    pub fn new(log: &(impl Log + Clone + 'static)) -> Self {
        Retainer { log: Arc::new(log.clone()), channels: Vec::new(), interval: INTERVAL, shutdown: Shutdown::never() }
    }

    /// What a channel keeps; give it the name that generated code knows, `UserEvents::CHANNEL.name`.
    #[must_use]
    pub fn channel(mut self, name: impl Into<String>, retention: Retention) -> Self {
        self.channels.push((name.into(), retention));
        self
    }

    /// How often to look: every minute unless set.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Stops when `wish` is fulfilled.
    #[must_use]
    pub fn shutdown(mut self, wish: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Shutdown::when(wish);
        self
    }

    /// Runs until [`Retainer::shutdown`], for ever without it. Failures are reported and tried again at the next look.
    pub async fn run(self) {
        loop {
            for (channel, retention) in &self.channels {
                match self.shutdown.or(self.trim(channel, retention)).await {
                    None => return,
                    Some(Ok(0)) => {}
                    Some(Ok(events)) => tracing::info!(channel, events, "events were removed by retention"),
                    Some(Err(error)) => {
                        tracing::error!(channel, error = chain(&error), "retention failed, and is tried again later");
                    }
                }
            }
            if self.shutdown.sleep(self.interval).await.is_none() {
                return;
            }
        }
    }

    async fn trim(&self, channel: &str, retention: &Retention) -> Result<u64, LogError> {
        let mut events = 0;
        loop {
            let trimmed = self.log.trim(channel, retention, STEP).await?;
            events += trimmed.events;
            if trimmed.events < STEP as u64 {
                return Ok(events);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl fmt::Debug for Retainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retainer")
            .field("channels", &self.channels)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
