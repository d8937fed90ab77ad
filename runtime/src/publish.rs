//! Publishing: a typed event becomes one append to the log.
//!
//! Generated publisher traits are implemented for [`Publisher`] (its own transaction per event) and [`Within`]
//! (the caller's transaction: the event exists if and only if it commits).

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;
use tracing::{Instrument as _, Span};

use crate::event::{Envelope, EventId, EventSet, Metadata, Position, RawEvent};
use crate::log::{Append, Log, LogError};
use crate::telemetry::Sending;

/// What the log answers to an append.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The event's id.
    pub id: EventId,
    /// Its place in the channel; `None` where positions are assigned only after the caller's transaction commits.
    pub position: Option<Position>,
}

impl Receipt {
    /// A receipt, for implementations of [`Log`].
    pub fn new(id: EventId, position: Option<Position>) -> Self {
        Receipt { id, position }
    }
}

/// Why an event was not published, or is not known to be: after [`LogError::Storage`] it may be in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The event could not be written as JSON.
    #[error("the event cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The log refused it, or did not answer.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What publishing gives.
pub type PublishResult = Result<Receipt, PublishError>;

/// A publication under way: the future that generated publisher methods return. Every future with this output that
/// can be sent between threads is one, so a test double writes `async fn publish(…) -> PublishResult`.
pub trait Publishing: Future<Output = PublishResult> + Send {}

impl<F: Future<Output = PublishResult> + Send> Publishing for F {}

/// Publishes the events `E` of one channel. Cheap to clone.
pub struct Publisher<E> {
    log: Arc<dyn Log>,
    settings: Settings,
    events: PhantomData<fn(E)>,
}

/// What a publisher fills in for the events that it publishes.
#[derive(Clone, Debug, Default)]
struct Settings {
    address: Option<String>,
    subject: Option<String>,
    id: Option<EventId>,
    time: Option<DateTime<Utc>>,
    traceparent: Option<String>,
}

impl Settings {
    fn raw<E: EventSet>(&self, event: E) -> Result<RawEvent, PublishError> {
        let mut metadata = Metadata::new("");
        metadata.address.clone_from(&self.address);
        metadata.subject.clone_from(&self.subject);
        metadata.traceparent.clone_from(&self.traceparent);
        if let Some(id) = &self.id {
            metadata.id = id.clone();
        }
        if let Some(time) = self.time {
            metadata.time = time;
        }
        Envelope { metadata, event }.into_raw().map_err(PublishError::Encode)
    }

    /// The events as the log takes them, each with its span.
    fn prepare<E: EventSet>(
        &self,
        events: impl IntoIterator<Item = impl Into<E>>,
    ) -> Result<(Vec<RawEvent>, Vec<Sending>), PublishError> {
        let raw = events.into_iter().map(|event| self.raw::<E>(event.into()));
        let mut raw = raw.collect::<Result<Vec<_>, _>>()?;
        let sending = raw.iter_mut().map(|raw| Sending::begin(E::CHANNEL.name, &mut raw.metadata)).collect();
        Ok((raw, sending))
    }
}

impl<E> Clone for Publisher<E> {
    fn clone(&self) -> Self {
        Publisher { log: Arc::clone(&self.log), settings: self.settings.clone(), events: PhantomData }
    }
}

impl<E> fmt::Debug for Publisher<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<E: EventSet> Publisher<E> {
    /// A publisher into `log`. Generated code calls it: `UserEvents::publisher(&log)`.
    pub fn new(log: &(impl Log + Clone + 'static)) -> Self {
        Publisher { log: Arc::new(log.clone()), settings: Settings::default(), events: PhantomData }
    }

    /// The address to which events are published, for channels with parameters.
    #[must_use]
    pub fn address(mut self, address: impl fmt::Display) -> Self {
        self.settings.address = Some(address.to_string());
        self
    }

    /// What the events published through the returned publisher are about: `users.subject("/user/123")`.
    #[must_use]
    pub fn subject(&self, subject: impl Into<String>) -> Self {
        let mut publisher = self.clone();
        publisher.settings.subject = Some(subject.into());
        publisher
    }

    /// The id of the next event. Publishing the same event again with the same id is a no-op, and so can be tried until
    /// the log answers; use a publisher with an id for one event only.
    #[must_use]
    pub fn id(&self, id: impl Into<EventId>) -> Self {
        let mut publisher = self.clone();
        publisher.settings.id = Some(id.into());
        publisher
    }

    /// When the events happened, where that is not now.
    #[must_use]
    pub fn time(&self, time: DateTime<Utc>) -> Self {
        let mut publisher = self.clone();
        publisher.settings.time = Some(time);
        publisher
    }

    /// The W3C `traceparent` that the events carry, where it is not that of the current span (which needs the feature
    /// `opentelemetry`).
    #[must_use]
    pub fn traceparent(&self, traceparent: impl Into<String>) -> Self {
        let mut publisher = self.clone();
        publisher.settings.traceparent = Some(traceparent.into());
        publisher
    }

    /// Publishes one event. When it returns, the event is durable.
    ///
    /// Each call makes an id, so that a second one publishes a second event. What is to be tried again, such as after a
    /// lost connection, needs an id beforehand:
    ///
    /// ```no_run
    /// # use event_api::log::LogError;
    /// # use event_api::{EventId, EventSet, PublishError, Publisher, Receipt};
    /// # async fn example<E: EventSet + Clone>(users: Publisher<E>, renamed: E) -> Result<Receipt, PublishError> {
    /// let users = users.id(EventId::generate()); // or one that the service has, such as that of the command
    /// loop {
    ///     match users.publish(renamed.clone()).await {
    ///         Err(PublishError::Log(LogError::Storage(_))) => tokio::time::sleep(std::time::Duration::from_secs(1)).await,
    ///         answer => return answer,
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the event cannot be encoded or the log refuses it; then it is not published. After [`LogError::Storage`] it may
    /// be: the log's answer may be what was lost. That is also so when the caller stops waiting.
    pub async fn publish(&self, event: impl Into<E>) -> PublishResult {
        self.publish_all([event]).await.and_then(only)
    }

    /// Publishes all of `events`, in their order and in one append, or none; a receipt for each. When it returns, they are
    /// durable.
    ///
    /// ```no_run
    /// # use event_api::{EventSet, PublishError, Publisher};
    /// # async fn example<E: EventSet>(users: Publisher<E>, created: E, renamed: E) -> Result<(), PublishError> {
    /// let receipts = users.publish_all([created, renamed]).await?;
    /// assert_eq!(receipts.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When an event cannot be encoded or the log refuses one; then none is published. After [`LogError::Storage`] all may
    /// be, or none. Their ids are new in each call: what is to be tried again is published one by one, each with its
    /// [`id`](Self::id).
    pub async fn publish_all(
        &self,
        events: impl IntoIterator<Item = impl Into<E>>,
    ) -> Result<Vec<Receipt>, PublishError> {
        let (raw, sending) = self.settings.prepare::<E>(events)?;
        let appended = self.log.append(E::CHANNEL.name, raw).instrument(first(&sending)).await;
        end(sending, appended)
    }

    /// A publisher that appends in the caller's transaction: events exist if and only if it commits.
    pub fn within<'a>(&self, transaction: &'a mut dyn Append) -> Within<'a, E> {
        Within { transaction: Mutex::new(transaction), settings: self.settings.clone(), events: PhantomData }
    }
}

/// Publishes within the caller's transaction. See [`Publisher::within`].
pub struct Within<'a, E> {
    transaction: Mutex<&'a mut dyn Append>,
    settings: Settings,
    events: PhantomData<fn(E)>,
}

impl<E: EventSet> Within<'_, E> {
    /// Publishes one event when the transaction commits.
    ///
    /// # Errors
    /// When the event cannot be encoded or the log refuses it; the transaction should then be rolled back.
    pub async fn publish(&self, event: impl Into<E>) -> PublishResult {
        self.publish_all([event]).await.and_then(only)
    }

    /// Publishes all of `events`, in their order, when the transaction commits; a receipt for each. As
    /// [`Publisher::publish_all`].
    ///
    /// # Errors
    /// When an event cannot be encoded or the log refuses one; the transaction should then be rolled back.
    pub async fn publish_all(
        &self,
        events: impl IntoIterator<Item = impl Into<E>>,
    ) -> Result<Vec<Receipt>, PublishError> {
        let (raw, sending) = self.settings.prepare::<E>(events)?;
        let mut transaction = self.transaction.lock().await;
        let appended = transaction.append(E::CHANNEL.name, raw).instrument(first(&sending)).await;
        end(sending, appended)
    }
}

/// The span of an append: that of its first event.
fn first(sending: &[Sending]) -> Span {
    sending.first().map_or_else(Span::none, Sending::span)
}

/// The log has answered.
fn end(sending: Vec<Sending>, appended: Result<Vec<Receipt>, LogError>) -> Result<Vec<Receipt>, PublishError> {
    let complete = |receipts: &Vec<Receipt>| receipts.len() == sending.len();
    let appended = appended.and_then(|receipts| Some(receipts).filter(complete).ok_or(LogError::NoReceipt));
    for sending in sending {
        sending.end(appended.as_ref().err());
    }
    Ok(appended?)
}

fn only(receipts: Vec<Receipt>) -> PublishResult {
    receipts.into_iter().next().ok_or(PublishError::Log(LogError::NoReceipt))
}
