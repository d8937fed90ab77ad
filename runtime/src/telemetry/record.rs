//! Records the metrics of [`super::metric`] through the `metrics` crate.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use metrics::{Counter, Gauge, Histogram, Label, SharedString, counter, gauge, histogram};

use super::metric;

/// Whether anything is recorded: what costs a query is only asked for then.
pub(crate) const IS_ON: bool = true;

/// An event was published, or was not.
pub(crate) fn sent(channel: &'static str, took: Duration, error: Option<&'static str>) {
    let mut labels = common("send", channel);
    labels.extend(error.map(error_type));
    counter!(metric::SENT_MESSAGES, labels.clone()).increment(1);
    histogram!(metric::OPERATION_DURATION, labels).record(took);
}

/// What a consumer does. The recorder is asked once for what counts every event.
pub(crate) struct Consuming {
    labels: Vec<Label>,
    consumed: Counter,
    succeeded: Histogram,
}

impl Consuming {
    /// A consumer that begins.
    pub(crate) fn of(channel: impl Into<SharedString>, consumer: &str) -> Self {
        let labels = labels(channel, consumer);
        let consumed = counter!(metric::CONSUMED_MESSAGES, labels.clone());
        let succeeded = histogram!(metric::PROCESS_DURATION, labels.clone());
        Consuming { labels, consumed, succeeded }
    }

    /// An event has come to it.
    pub(crate) fn consumed(&self) {
        self.consumed.increment(1);
    }

    /// A handler is called.
    pub(crate) fn attempt(&self) -> Attempt {
        Attempt(Instant::now())
    }

    /// A handler was called, and has failed if there is an `error`.
    pub(crate) fn attempted(&self, attempt: &Attempt, error: Option<&'static str>) {
        let took = attempt.0.elapsed();
        match error {
            None => self.succeeded.record(took),
            Some(error) => {
                let labels: Vec<Label> = self.labels.iter().cloned().chain([error_type(error)]).collect();
                histogram!(metric::PROCESS_DURATION, labels).record(took);
            }
        }
    }

    /// An event became a dead letter.
    pub(crate) fn buried(&self) {
        counter!(metric::DEAD_LETTERS, self.labels.clone()).increment(1);
    }
}

/// A handler that runs.
pub(crate) struct Attempt(Instant);

/// An event was posted to a webhook.
#[cfg(feature = "client")]
pub(crate) fn delivered(channel: &str, took: Duration, error: Option<&'static str>) {
    let mut labels = common("deliver", channel.to_owned());
    labels.extend(error.map(error_type));
    histogram!(metric::DELIVERY_DURATION, labels).record(took);
}

/// How often the lag is told while nothing happens: an event that is not completed grows old.
const TICK: Duration = Duration::from_secs(1);

/// How far a consumer is behind: by the oldest event that has come to it and is not completed, and by those of the log
/// that have not come yet.
#[derive(Clone)]
pub(crate) struct Lag(Arc<Behind>);

struct Behind {
    labels: Vec<Label>,
    seconds: Gauge,
    /// Told only where it is known.
    events_behind: OnceLock<Gauge>,
    events: Mutex<Events>,
}

#[derive(Default)]
struct Events {
    /// When they happened, and a number for each.
    taken: BTreeSet<(DateTime<Utc>, u64)>,
    number: u64,
    /// How many there are beyond those, where that is known.
    beyond: Option<u64>,
}

impl Lag {
    /// Of a consumer that begins, within a runtime.
    pub(crate) fn of(channel: &'static str, consumer: &str) -> Self {
        let labels = labels(channel, consumer);
        let seconds = gauge!(metric::LAG_SECONDS, labels.clone());
        let lag = Lag(Arc::new(Behind { labels, seconds, events_behind: OnceLock::new(), events: Mutex::default() }));
        let behind = Arc::downgrade(&lag.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                let Some(behind) = behind.upgrade() else { return };
                behind.tell(&behind.events());
            }
        });
        lag
    }

    /// An event that happened at `time` has come. It is completed when what is returned is dropped.
    pub(crate) fn take(&self, time: DateTime<Utc>) -> Pending {
        let mut events = self.0.events();
        events.number += 1;
        let key = (time, events.number);
        events.taken.insert(key);
        events.beyond = events.beyond.map(|beyond| beyond.saturating_sub(1));
        self.0.tell(&events);
        Pending { behind: Arc::clone(&self.0), key }
    }

    /// So many events of the log have not come yet.
    pub(crate) fn beyond(&self, count: u64) {
        let mut events = self.0.events();
        events.beyond = Some(count);
        self.0.tell(&events);
    }
}

impl Behind {
    fn events(&self) -> MutexGuard<'_, Events> {
        // Single insertions and removals: a panic elsewhere leaves nothing half done.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, events: &Events) {
        let oldest = events.taken.first().map(|(time, _)| (Utc::now() - time).to_std().unwrap_or_default());
        self.seconds.set(oldest.unwrap_or_default());
        if let Some(beyond) = events.beyond {
            // Exact up to 2^53.
            let gauge = self.events_behind.get_or_init(|| gauge!(metric::LAG_EVENTS, self.labels.clone()));
            gauge.set((events.taken.len() as u64 + beyond) as f64);
        }
    }
}

/// An event that is not completed.
pub(crate) struct Pending {
    behind: Arc<Behind>,
    key: (DateTime<Utc>, u64),
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut events = self.behind.events();
        events.taken.remove(&self.key);
        self.behind.tell(&events);
    }
}

fn labels(channel: impl Into<SharedString>, consumer: &str) -> Vec<Label> {
    let mut labels = common("process", channel);
    labels.push(Label::new("messaging.consumer.group.name", consumer.to_owned()));
    labels
}

/// What all metrics have: the conventions require the first two, though they tell no two of ours apart.
fn common(operation: &'static str, channel: impl Into<SharedString>) -> Vec<Label> {
    vec![
        Label::new("messaging.system", "event-api"),
        Label::new("messaging.operation.name", operation),
        Label::new("messaging.destination.name", channel),
    ]
}

fn error_type(error: &'static str) -> Label {
    Label::new("error.type", error)
}
