//! What all consumers are told in the same way, and how they are started by it: alone, with several events at a time, or
//! as a member of a group.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use uuid::Uuid;

use super::checkpoint::{Checkpoint, Checkpoints, Retained};
use super::completions::{Completion, Completions, Opened};
use super::dead_letter::DeadLetters;
use super::error::ConsumeError;
use super::group::{self, Group};
use super::handler::Handler;
use super::lanes::{Lanes, Order};
use super::patience::persist;
use super::pipeline::{Pipeline, Treatment};
use super::policy::{OnPoison, OnUnknown};
use super::progress::{Keeper, Part, Progress};
use super::retry::RetryPolicy;
use super::shutdown::Shutdown;
use super::transaction::Transactions;
use crate::event::EventSet as _;
use crate::telemetry::record::Consuming;

/// When a consumer ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Shutdown,
    CaughtUp,
}

/// Brings events from where they are to lanes.
pub(crate) trait Reader: Send + Sync {
    /// Reads from the lanes' checkpoint on, until the lanes are stopped or the end is reached.
    fn read<H: Handler>(
        &self,
        lanes: &mut Lanes<H>,
        until: Until,
    ) -> impl Future<Output = Result<(), ConsumeError>> + Send;
}

/// What all consumers are told.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    pub(crate) name: Option<String>,
    pub(crate) treatment: Treatment,
    pub(crate) dead_letters: Option<Arc<dyn DeadLetters>>,
    pub(crate) on_retained: Retained,
    pub(crate) concurrency: usize,
    pub(crate) checkpoint_interval: Duration,
    pub(crate) group: Option<Group>,
    pub(crate) shutdown: Shutdown,
}

impl Settings {
    pub(crate) fn new(checkpoints: impl Checkpoints + 'static) -> Self {
        Settings {
            checkpoints: Arc::new(checkpoints),
            name: None,
            treatment: Treatment {
                retry: RetryPolicy::default(),
                timeout: None,
                on_poison: OnPoison::default(),
                on_unknown: OnUnknown::default(),
            },
            dead_letters: None,
            on_retained: Retained::default(),
            concurrency: 1,
            checkpoint_interval: Duration::ZERO,
            group: None,
            shutdown: Shutdown::never(),
        }
    }

    /// Consumes what `reader` brings; `name` is the consumer's unless it was given another one.
    pub(crate) async fn run<H: Handler>(
        self,
        name: String,
        reader: impl Reader,
        handler: H,
        until: Until,
    ) -> Result<(), ConsumeError> {
        let consumer = self.name.clone().unwrap_or(name);
        let dead_letters = self.dead_letters.clone().or_else(|| self.checkpoints.dead_letters());
        if self.treatment.on_poison == OnPoison::ParkSubject && dead_letters.is_none() {
            let reason =
                "subjects are parked among the dead letters, and there is no store for them; set `dead_letters`";
            return Err(ConsumeError::Setup(reason.to_owned()));
        }
        let completions = self.checkpoints.completions();
        let sessions = Sessions { settings: self, consumer, handler: Arc::new(handler), dead_letters };
        match (sessions.settings.group, completions) {
            (Some(group), Some(completions)) => group::run(&sessions, &completions, &group, &reader, until).await,
            (None, Some(completions)) => {
                let held = sessions.hold(completions).await?;
                sessions.session(held, &sessions.settings.shutdown, &reader, until).await
            }
            (None, None) if sessions.settings.concurrency == 1 => {
                let Settings { checkpoints, shutdown, .. } = &sessions.settings;
                let checkpoint = persist(shutdown, || checkpoints.load(&sessions.consumer)).await?;
                let held = sessions.single(checkpoint);
                sessions.session(held, &sessions.settings.shutdown, &reader, until).await
            }
            (_, None) => Err(ConsumeError::Setup(
                "its store of checkpoints cannot note what is completed beyond them (`Checkpoints::completions`), so \
                 several events cannot be handled at a time"
                    .to_owned(),
            )),
        }
    }
}

/// What the sessions of one consumer have in common. One that is alone has one; a member of a group has another one
/// whenever it is given other partitions.
pub(super) struct Sessions<H> {
    pub(super) settings: Settings,
    pub(super) consumer: String,
    handler: Arc<H>,
    dead_letters: Option<Arc<dyn DeadLetters>>,
}

/// The checkpoints that a session moves.
pub(super) struct Held {
    pub(super) keeper: Keeper,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) before: HashSet<Completion>,
    pub(super) order: Order,
}

impl<H: Handler> Sessions<H> {
    /// Transactions in which dead letters can be stored: those of the checkpoints, unless letters go elsewhere.
    fn letter_transactions(&self) -> Option<Arc<dyn Transactions>> {
        let beside = self.settings.dead_letters.is_none();
        beside.then(|| self.settings.checkpoints.transactions()).flatten()
    }

    /// The one checkpoint of a consumer that is alone.
    async fn hold(&self, completions: Arc<dyn Completions>) -> Result<Held, ConsumeError> {
        let consumer = &self.consumer;
        let holder: Arc<str> = Uuid::now_v7().to_string().into();
        // Another one that still runs under this name is stopped by it, at the latest when it stores something.
        persist(&self.settings.shutdown, || completions.take_over(consumer, &holder)).await?;
        let Opened { checkpoint, completed } = persist(&self.settings.shutdown, || completions.open(consumer)).await?;
        let order = match (self.settings.concurrency, completed.is_empty()) {
            (1, true) => Order::Single { holder: Some(Arc::clone(&holder)) },
            (1, false) => Order::Strict { holder: Arc::clone(&holder), consumer: consumer.clone() },
            _ => Order::BySubject { holder: Arc::clone(&holder), consumer: consumer.clone() },
        };
        let before = completed.into_iter().map(|event| Completion { consumer: consumer.clone(), event }).collect();
        let parts = vec![Part { consumer: consumer.clone(), at: None }];
        Ok(Held { keeper: Keeper::Holder { holder, parts, completions }, checkpoint, before, order })
    }

    /// The same, in a store that does not know who holds it.
    fn single(&self, checkpoint: Option<Checkpoint>) -> Held {
        let consumer = self.consumer.clone();
        let keeper = Keeper::Alone { consumer, checkpoints: Arc::clone(&self.settings.checkpoints) };
        Held { keeper, checkpoint, before: HashSet::new(), order: Order::Single { holder: None } }
    }

    /// Consumes from the checkpoint on, until `shutdown`.
    pub(super) async fn session(
        &self,
        held: Held,
        shutdown: &Shutdown,
        reader: &impl Reader,
        until: Until,
    ) -> Result<(), ConsumeError> {
        let Held { keeper, checkpoint, before, order } = held;
        let mut parked = HashSet::new();
        if let (OnPoison::ParkSubject, Some(letters)) = (self.settings.treatment.on_poison, &self.dead_letters) {
            let channel = H::Events::CHANNEL.name;
            parked.extend(persist(shutdown, || letters.parked_subjects(&self.consumer, channel)).await?);
        }
        let progress = Progress::new(keeper, self.settings.checkpoint_interval, checkpoint, before, shutdown);
        let mut lanes = Lanes::new(shutdown, progress, order, |shutdown| Pipeline {
            consumer: self.consumer.clone(),
            metrics: Consuming::of(H::Events::CHANNEL.name, &self.consumer),
            handler: Arc::clone(&self.handler),
            treatment: self.settings.treatment.clone(),
            checkpoints: Arc::clone(&self.settings.checkpoints),
            completions: self.settings.checkpoints.completions(),
            letter_transactions: self.letter_transactions(),
            dead_letters: self.dead_letters.clone(),
            shutdown,
            slots: Semaphore::new(self.settings.concurrency),
            parked: Mutex::new(parked),
        });
        let read = reader.read(&mut lanes, until).await;
        if read.is_err() {
            lanes.stop();
        }
        let finished = lanes.finish().await;
        // Why an event could not be completed says more than why reading ended by it.
        finished.and(read)
    }
}

/// The settings that all consumers have, as methods that their builders share.
macro_rules! consumer_settings {
    () => {
        /// How often a failing event is tried before it is given up.
        #[must_use]
        pub fn retry(mut self, policy: $crate::consume::RetryPolicy) -> Self {
            self.settings.treatment.retry = policy;
            self
        }

        /// How long a handler may take for one attempt; beyond that it is dropped, and the attempt has failed. No limit by
        /// default.
        #[must_use]
        pub fn handler_timeout(mut self, limit: ::std::time::Duration) -> Self {
            // Longer ones are mistakes, and longer ones still would overflow the clock.
            self.settings.treatment.timeout = Some(limit.min(::std::time::Duration::from_secs(24 * 3600)));
            self
        }

        /// Where dead letters go; by default where the checkpoints are.
        #[must_use]
        pub fn dead_letters(mut self, store: impl $crate::consume::DeadLetters + 'static) -> Self {
            self.settings.dead_letters = Some(::std::sync::Arc::new(store));
            self
        }

        /// What to do with an event that is given up: a dead letter that holds up none, unless set.
        #[must_use]
        pub fn on_poison(mut self, policy: $crate::consume::OnPoison) -> Self {
            self.settings.treatment.on_poison = policy;
            self
        }

        /// What to do with an event whose type the handler's channel does not declare: the handler's method `unknown`
        /// gets it, unless set.
        #[must_use]
        pub fn on_unknown(mut self, policy: $crate::consume::OnUnknown) -> Self {
            self.settings.treatment.on_unknown = policy;
            self
        }

        /// What to do when unseen events were removed by retention: stop, unless set.
        #[must_use]
        pub fn on_retained(mut self, policy: $crate::consume::Retained) -> Self {
            self.settings.on_retained = policy;
            self
        }

        /// How many handlers may run at a time: one, unless set, and then all events come one after the other; 0 counts
        /// as 1.
        ///
        /// With more, events of one subject still come one after the other and in their order, and those of different
        /// subjects side by side. Events without a subject are ordered among themselves, as if they had one in common. An
        /// event that waits for another attempt holds up its subject, and no other.
        ///
        /// The checkpoint stays behind the first event that is not completed; what is completed beyond it is noted in the
        /// store. A handler that works in [`Context::transaction`](crate::Context::transaction) has its effect exactly once
        /// as before: the note is in the same transaction. Each such handler has a connection of the store's pool while it
        /// works, so the pool should have some more than there may be handlers.
        #[must_use]
        pub fn concurrency(mut self, handlers: usize) -> Self {
            // More than the window holds could never run.
            self.settings.concurrency = handlers.clamp(1, 1024);
            self
        }

        /// Stores the checkpoint only so often, instead of after each event, which costs a commit: for consumers with much
        /// to catch up on, whose handlers do not mind to be called again.
        ///
        /// What was completed since the checkpoint was stored is handled again after a kill: the events of one interval,
        /// and of the time that the handler then takes for the next event. Nothing is lost by it, nothing is repeated after
        /// an orderly stop, and a handler that works in [`Context::transaction`](crate::Context::transaction) has its
        /// effect exactly once as before.
        ///
        /// ```
        /// # use std::time::Duration;
        /// # use event_api::consume::{LogConsumer, MemoryCheckpoints};
        /// # fn rebuild(log: &event_api::log::MemoryLog) -> LogConsumer {
        /// LogConsumer::new(log, MemoryCheckpoints::new()).checkpoint_interval(Duration::from_millis(200))
        /// # }
        /// ```
        #[must_use]
        pub fn checkpoint_interval(mut self, interval: ::std::time::Duration) -> Self {
            // Longer ones are mistakes, and longer ones still would overflow the clock.
            self.settings.checkpoint_interval = interval.min(::std::time::Duration::from_secs(24 * 3600));
            self
        }

        /// Shares the work with all that consume under the same name, in this process and others: each handles the events
        /// of some subjects. See [`Group`]($crate::consume::Group).
        #[must_use]
        pub fn group(mut self, group: $crate::consume::Group) -> Self {
            self.settings.group = Some(group);
            self
        }

        /// Stops the consumer when `wish` is fulfilled. Events that are being handled are finished and their checkpoint
        /// stored; those that wait for another attempt are left for the next start.
        #[must_use]
        pub fn shutdown(mut self, wish: impl ::std::future::Future<Output = ()> + Send + 'static) -> Self {
            self.settings.shutdown = $crate::consume::Shutdown::when(wish);
            self
        }
    };
}

pub(crate) use consumer_settings;
