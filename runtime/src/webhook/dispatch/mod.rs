//! The dispatcher: events of the log go in, and signed requests to the subscribers' URLs come out.
//!
//! Each subscription has a lane in each of its channels: a task that reads the log from the subscription's cursor on
//! and has one event outstanding, so that delivery is in the order of the log, and a lane that waits, for new events or
//! for the next attempt, delays no other. The supervisor here starts a lane for each new subscription and stops
//! those of subscriptions that are deleted or disabled.

mod attempt;
mod lane;
mod schedule;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use self::attempt::Sender;
use self::lane::Lane;
pub use self::schedule::RetrySchedule;
use crate::consume::{Shutdown, StoreError, chain};
use crate::event::{Channel, Position, Transport};
use crate::http_client::{BodyLimit, Client};
use crate::log::{Log, LogError, PageLimit};
use crate::roots::{CertificateError, Roots};
use crate::webhook::guard::Guard;
use crate::webhook::subscription::{Cursor, Start, Status, Subscription, SubscriptionId, Subscriptions};

/// "A reasonable timeout is 15 to 30 s", says Standard Webhooks.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How often the store is asked for subscriptions that another process changed.
const POLL: Duration = Duration::from_secs(5);
/// Responses are read for their status; this much is read to log what the endpoint said.
const BODY: usize = 4096;
/// Subscriptions read from the store at once.
const PAGE: usize = 500;
/// Events read from the log at once, to find the first one after a time.
const SEARCH: PageLimit = PageLimit { events: 500, bytes: 8 << 20 };
/// Beyond the timeout of a request, what an orderly stop grants a lane to store its cursor.
const GRACE: Duration = Duration::from_secs(5);

/// Pushes events to the subscribers' URLs.
///
/// ```no_run
/// # use event_api::{log::MemoryLog, webhook::{Dispatcher, MemorySubscriptions}};
/// # async fn wiring(log: MemoryLog, subscriptions: MemorySubscriptions, stop: impl Future<Output = ()> + Send + 'static) {
/// tokio::spawn(Dispatcher::new(&log, &subscriptions).shutdown(stop).run());
/// # }
/// ```
///
/// What it promises: every event that a subscription asked for is delivered at least once, in the order of its
/// channel's log, or is a dead letter that says why not, whatever is killed or restarted when. An event is delivered
/// when the endpoint answers 2xx in time. Otherwise it is tried again by the [`RetrySchedule`], and the lane (this
/// subscription in this channel) waits for it; other lanes do not. 410 disables the subscription. `Retry-After` of 429
/// and 503 is obeyed, up to a day. Redirects are failures.
///
/// Several outstanding events of one subscription and channel, without order, are not offered yet.
///
/// One dispatcher at a time may work on a store, in one process: a second one would send everything again.
pub struct Dispatcher {
    log: Arc<dyn Log>,
    subscriptions: Arc<dyn Subscriptions>,
    channels: Vec<&'static Channel>,
    guard: Guard,
    roots: Roots,
    schedule: RetrySchedule,
    timeout: Duration,
    poll: Duration,
    shutdown: Shutdown,
}

/// What all lanes use.
struct Shared {
    log: Arc<dyn Log>,
    subscriptions: Arc<dyn Subscriptions>,
    sender: Sender,
    schedule: RetrySchedule,
    shutdown: Shutdown,
}

impl Dispatcher {
    /// A dispatcher of `log`'s events to `subscriptions`, that sends to public addresses over https.
    pub fn new(log: &(impl Log + Clone + 'static), subscriptions: &(impl Subscriptions + Clone + 'static)) -> Self {
        Dispatcher {
            log: Arc::new(log.clone()),
            subscriptions: Arc::new(subscriptions.clone()),
            channels: Vec::new(),
            guard: Guard::public_only(),
            roots: Roots::default(),
            schedule: RetrySchedule::default(),
            timeout: TIMEOUT,
            poll: POLL,
            shutdown: Shutdown::never(),
        }
    }

    /// The channels of this service. Those that are not carried by webhooks are left out.
    ///
    /// Needed only for channels that a subscription has not begun with, because they were added (or became carried by
    /// webhooks) after it was made; those that it began with are known without it. A subscription from the beginning
    /// gets such a channel from its oldest event on. Any other gets it from the first event on whose time is that of
    /// the subscription or later: nothing of a channel that is younger than the subscription is missed, and the
    /// history of an older channel is not sent.
    #[must_use]
    pub fn channels(mut self, channels: impl IntoIterator<Item = &'static Channel>) -> Self {
        let carried = channels.into_iter().filter(|channel| channel.transports.contains(&Transport::Webhook));
        self.channels.extend(carried);
        self
    }

    /// Where requests may go. Give the router of the subscriptions the same guard.
    #[must_use]
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// Trusts a private authority beside the public ones: `pem_or_der` is its certificate in DER, or any number of them in
    /// PEM. Endpoints on addresses that are not public need a [`Guard`] that allows them, too.
    ///
    /// ```no_run
    /// # use event_api::{log::MemoryLog, webhook::{Dispatcher, MemorySubscriptions}};
    /// # fn wiring(log: MemoryLog, subscriptions: MemorySubscriptions) -> Result<(), Box<dyn std::error::Error>> {
    /// let authority = std::fs::read("/etc/ssl/internal-ca.pem")?;
    /// let dispatcher = Dispatcher::new(&log, &subscriptions).root_certificate(authority)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When there is no certificate in it, or one that cannot be read.
    pub fn root_certificate(mut self, pem_or_der: impl AsRef<[u8]>) -> Result<Self, CertificateError> {
        self.roots.add(pem_or_der.as_ref())?;
        Ok(self)
    }

    /// When a failed delivery is tried again, and when it is given up.
    #[must_use]
    pub fn retries(mut self, schedule: RetrySchedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// How long an endpoint may take to answer: 15 s unless set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often the store is asked for subscriptions that another process made or deleted: every 5 s unless set.
    /// Those of this process are noticed at once.
    #[must_use]
    pub fn poll(mut self, interval: Duration) -> Self {
        self.poll = interval;
        self
    }

    /// Stops when `wish` is done: requests that are under way are finished, and [`Dispatcher::run`] returns.
    #[must_use]
    pub fn shutdown(mut self, wish: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Shutdown::when(wish);
        self
    }

    /// Dispatches until the shutdown. Storage that fails is tried again: this never gives up by itself.
    ///
    /// Dropping the future stops at once; what was under way is sent again by the next dispatcher.
    pub async fn run(self) {
        let mut changes = self.subscriptions.changes();
        let mut supervisor = Supervisor {
            channels: self.channels,
            lanes: HashMap::new(),
            shared: Arc::new(Shared {
                log: self.log,
                subscriptions: self.subscriptions,
                sender: Sender {
                    client: Client::new(self.guard.clone(), self.roots).body_limit(BodyLimit::Truncate(BODY)),
                    guard: self.guard,
                    timeout: self.timeout,
                },
                schedule: self.schedule,
                shutdown: self.shutdown.clone(),
            }),
        };
        loop {
            // Marked as seen before the store is read: a change during the reading is seen in the next round.
            changes.mark_unchanged();
            match self.shutdown.or(supervisor.reconcile()).await {
                None => break,
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    tracing::error!(error = chain(&error), "the webhook subscriptions could not be read");
                }
            }
            let woken = async {
                // A store that is gone changes no more, and is polled in vain, but not without pause.
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            if self.shutdown.or(tokio::time::timeout(self.poll, woken)).await.is_none() {
                break;
            }
        }
        supervisor.drain(self.timeout + GRACE).await;
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("guard", &self.guard)
            .field("schedule", &self.schedule)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Keeps the lanes that run and those that should the same.
struct Supervisor {
    channels: Vec<&'static Channel>,
    lanes: HashMap<SubscriptionId, Lanes>,
    shared: Arc<Shared>,
}

/// The lanes of one subscription, as it was when they were started.
struct Lanes {
    subscription: Arc<Subscription>,
    tasks: Vec<Task>,
}

/// A lane that does not outlive whoever started it.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Supervisor {
    async fn reconcile(&mut self) -> Result<(), Error> {
        let mut active = HashMap::new();
        let mut after: Option<SubscriptionId> = None;
        loop {
            let page = self.shared.subscriptions.list(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            let is_active = |subscription: &Subscription| subscription.status == Status::Active;
            active.extend(page.into_iter().filter(is_active).map(|next| (next.id.clone(), next)));
        }
        // Lanes end by themselves only when the subscription was disabled, or by a panic: then they are started anew.
        let ended: Vec<SubscriptionId> = self
            .lanes
            .iter()
            .filter(|(id, lanes)| active.get(id) != Some(&lanes.subscription) || lanes.tasks.iter().any(Task::ended))
            .map(|(id, _)| id.clone())
            .collect();
        for id in ended {
            tracing::info!(subscription = %id, "lanes stop: the subscription is gone, disabled or changed");
            if let Some(lanes) = self.lanes.remove(&id) {
                lanes.stop().await;
            }
        }
        for (id, subscription) in active {
            if !self.lanes.contains_key(&id) {
                let lanes = self.start(Arc::new(subscription)).await?;
                self.lanes.insert(id, lanes);
            }
        }
        Ok(())
    }

    async fn start(&self, subscription: Arc<Subscription>) -> Result<Lanes, Error> {
        let shared = &self.shared;
        let mut cursors = shared.subscriptions.cursors(&subscription.id).await?;
        for channel in &self.channels {
            let begun = cursors.iter().any(|(name, _)| name == channel.name);
            if !begun && subscription.wants_channel(channel.name) {
                let cursor = Cursor::at(self.beginning(&subscription, channel.name).await?);
                shared.subscriptions.advance(&subscription.id, channel.name, &cursor).await?;
                cursors.push((channel.name.to_owned(), cursor));
            }
        }
        for (channel, cursor) in &mut cursors {
            let bounds = shared.log.bounds(channel).await?;
            if cursor.position > bounds.next {
                // Another log than the cursor was made for: an emptied one, or an older backup. Waiting for it to reach
                // the cursor would lose what it holds until then.
                tracing::error!(
                    subscription = %subscription.id, channel, cursor = %cursor.position, next = %bounds.next,
                    "the cursor is beyond the end of the log; delivering again from the log's oldest event"
                );
                *cursor = Cursor::at(bounds.oldest);
            }
        }
        tracing::info!(subscription = %subscription.id, url = %subscription.callback_url, "lanes start");
        let lane = |(channel, cursor)| Lane {
            shared: Arc::clone(shared),
            subscription: Arc::clone(&subscription),
            channel,
            cursor,
        };
        let tasks = cursors.into_iter().map(|cursor| Task(tokio::spawn(lane(cursor).run()))).collect();
        Ok(Lanes { subscription, tasks })
    }

    /// Where `subscription` begins in a channel for which it has no cursor.
    ///
    /// The end of the log would lose what was published before the dispatcher first saw the channel, and its oldest
    /// event would send history that was not asked for. So the time of the events decides. They are read in order and
    /// not bisected, because their times are the publishers' and need not ascend; the cursor is stored, so this
    /// happens once for each subscription and channel.
    async fn beginning(&self, subscription: &Subscription, channel: &str) -> Result<Position, Error> {
        let log = &self.shared.log;
        let mut position = log.bounds(channel).await?.oldest;
        match subscription.start {
            Start::Beginning => return Ok(position),
            // A position is one of the only channel that the subscription names.
            Start::At(wanted) if !subscription.channels.is_empty() => return Ok(wanted.max(position)),
            Start::Now | Start::At(_) => {}
        }
        loop {
            let page = match log.read_page(channel, position, SEARCH).await {
                // Retention went by while we read.
                Err(LogError::Retained { oldest, .. }) if oldest > position => {
                    position = oldest;
                    continue;
                }
                page => page?,
            };
            let Some(last) = page.last() else { return Ok(position) };
            if let Some(first) = page.iter().find(|stored| stored.event.metadata.time >= subscription.created_at) {
                return Ok(first.position);
            }
            position = last.position.next();
        }
    }

    /// Waits until the lanes, which have been told to stop, have ended; those that take too long are cut off.
    async fn drain(self, grace: Duration) {
        let deadline = Instant::now() + grace;
        for mut task in self.lanes.into_values().flat_map(|lanes| lanes.tasks) {
            // Dropping a task that is late aborts it.
            _ = timeout_at(deadline, &mut task.0).await;
        }
    }
}

impl Lanes {
    /// Aborts the lanes and waits until they are gone, so that no two of one kind ever run at the same time.
    async fn stop(self) {
        for task in &self.tasks {
            task.0.abort();
        }
        for mut task in self.tasks {
            // An error means that it was aborted or panicked; the panic has been reported by the runtime.
            _ = (&mut task.0).await;
        }
    }
}

impl Task {
    fn ended(&self) -> bool {
        self.0.is_finished()
    }
}
