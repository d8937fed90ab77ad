//! The receiver: signed deliveries go in, and events for handlers come out, each handled once.
//!
//! size limit → signature over the raw bytes → timestamp → event → inbox → handler → 2xx. Nothing is parsed before the
//! signature is verified, and nothing is acknowledged before it was handled or stored as a dead letter.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::Request;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use chrono::Utc;
use tracing::{Instrument as _, Span};

use super::sign::{DEFAULT_TOLERANCE, Secrets, SignatureError, Signed};
use super::wire::Delivered;
use super::{body, sign, wire};
use crate::consume::{
    Claim, Context, DeadLetter, Disposition, Handler, Inbox, LetterState, OnUnknown, StoreError, StoreTransaction,
    Ticket,
};
use crate::event::{Channel, EventSet as _, RawEvent};
use crate::problem::Problem;
use crate::telemetry::record::Consuming;
use crate::telemetry::{self, metric};

const BODY_LIMIT: usize = 1024 * 1024;
/// Less than the 15 s that senders wait, so that they get the answer.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(10);
/// What a claim is held for, and renewed three times as often: when this process dies, the event can be handled again
/// after so long. Longer than a handler takes, so that an inbox that fails for a moment costs nothing.
const LEASE: Duration = Duration::from_secs(15);
/// What a sender is asked to wait when its event could not be handled now, and the handler does not know better.
const RETRY_HINT: Duration = Duration::from_secs(5);
/// Ids are stored; nobody needs longer ones. The log's longest id fits, percent-encoded.
const LONGEST_ID: usize = 512;

/// Receives webhooks signed by Standard Webhooks, for one handler: `.route("/hooks", webhook::receiver(..))`.
///
/// The same as [`Receiver::new`]`(secrets, inbox)`[`.on(handler)`](Receiver::on)[`.route()`](Receiver::route).
pub fn receiver<S: Clone + Send + Sync + 'static>(
    secrets: impl Into<Secrets>,
    inbox: impl Inbox + 'static,
    handler: impl Handler,
) -> MethodRouter<S> {
    Receiver::new(secrets, inbox).on(handler).route()
}

/// Receives webhooks signed by Standard Webhooks, and gives each event to its handler once.
///
/// | what happened | answer | the sender |
/// | --- | --- | --- |
/// | handled, now or before | 204 | is done |
/// | rejected by the handler, does not decode, or is for no handler | 204, and a dead letter of the inbox | is done |
/// | the handler asks for a retry, panics or takes too long | 503 with `Retry-After` | tries again |
/// | another delivery of the same event is being handled | 503 with `Retry-After` | tries again |
/// | the inbox fails | 503 with `Retry-After` | tries again |
/// | its type is not declared, with [`OnUnknown::Stop`] | 503 with `Retry-After` | tries again |
/// | body over the limit | 413 | |
/// | headers missing or malformed, or signed but no event | 400 | |
/// | signature wrong, or timestamp off by more than five minutes | 401 | |
///
/// An event is handled again only when this process dies, or its inbox fails, after the handler succeeded and before
/// that was stored. A handler that works in [`Context::transaction`] has its effect exactly once even then. A handler goes
/// on when the sender hangs up.
///
/// A dead letter is stored in one transaction with the note that its event is done with, where the inbox has
/// [transactions](Inbox::transactions). In another inbox it is stored first: an event whose process dies in between, or
/// whose claim has passed to another delivery by then, can be handled although it is a dead letter. Replayed, its effect
/// is there twice.
pub struct Receiver {
    secrets: Secrets,
    inbox: Arc<dyn Inbox>,
    handlers: Vec<Registered>,
    name: String,
    limit: usize,
    tolerance: Duration,
    timeout: Duration,
    on_unknown: OnUnknown,
}

impl Receiver {
    /// A receiver of what is signed with one of `secrets`, that remembers in `inbox` what it has handled.
    pub fn new(secrets: impl Into<Secrets>, inbox: impl Inbox + 'static) -> Self {
        Receiver {
            secrets: secrets.into(),
            inbox: Arc::new(inbox),
            handlers: Vec::new(),
            name: "webhook".to_owned(),
            limit: BODY_LIMIT,
            tolerance: DEFAULT_TOLERANCE,
            timeout: HANDLER_TIMEOUT,
            on_unknown: OnUnknown::default(),
        }
    }

    /// Adds the handler of a channel, under the channel's own name.
    ///
    /// A delivery that names its channel (`channel`) goes to the handler of that channel, and is a dead letter when
    /// there is none: an event of the same type in another channel is another event. One that names no channel goes
    /// to the first handler whose channel declares its type; else, when there is only one, to that one, as an unknown
    /// event.
    #[must_use]
    pub fn on<H: Handler>(self, handler: H) -> Self {
        self.on_channel(H::Events::CHANNEL.name, handler)
    }

    /// Adds the handler of a channel that the sender calls `name`, where that is not what this side's document calls
    /// it. As [`Receiver::on`] otherwise.
    #[must_use]
    pub fn on_channel(mut self, name: impl Into<String>, handler: impl Handler) -> Self {
        self.handlers.push(Registered { name: name.into(), handler: Arc::new(Typed(handler)) });
        self
    }

    /// The consumer's name in the inbox and its dead letters: `webhook` unless set. Receivers of different senders that
    /// share an inbox need different names, because senders choose their events' ids.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The largest body that is accepted: 1 MiB unless set.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// How far a delivery's timestamp may be from this machine's clock: five minutes unless set.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How long a handler may take: 10 s unless set, which is less than senders wait.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// What to do with an event of a type that the channel of its handler does not declare: the handler's method `unknown`
    /// gets it, unless set.
    ///
    /// A receiver cannot stop: with [`OnUnknown::Stop`], the delivery is answered with 503 and not handled, so that the
    /// sender keeps it and tries again, until this service declares the type or the sender gives up. Whether events
    /// behind it wait is the sender's choice.
    #[must_use]
    pub fn on_unknown(mut self, policy: OnUnknown) -> Self {
        self.on_unknown = policy;
        self
    }

    /// The route: `Router::new().route("/hooks", receiver.route())`.
    pub fn route<S: Clone + Send + Sync + 'static>(self) -> MethodRouter<S> {
        let receiver = Arc::new(self);
        post(move |request: Request| {
            let receiver = Arc::clone(&receiver);
            async move { receiver.receive(request).await.unwrap_or_else(Refusal::into_response) }
        })
    }

    async fn receive(self: Arc<Self>, request: Request) -> Result<Response, Refusal> {
        let headers = request.headers().clone();
        let body = body::read(request, self.limit).await?;
        let id = header(&headers, sign::ID)?;
        if id.is_empty() || id.len() > LONGEST_ID {
            let detail = format!("the header `{}` must have 1 to {LONGEST_ID} characters", sign::ID);
            return Err(Problem::bad_request(detail).into());
        }
        let signed = Signed {
            id,
            timestamp: header(&headers, sign::TIMESTAMP)?,
            signatures: header(&headers, sign::SIGNATURE)?,
            body: &body,
        };
        let now = Utc::now();
        self.secrets.verify(signed, now, self.tolerance).map_err(|error| {
            tracing::warn!(id, %error, "a webhook was refused");
            match error {
                SignatureError::BadTimestamp => Problem::bad_request(error.to_string()),
                _ => Problem::new(StatusCode::UNAUTHORIZED, "Signature not accepted", error.to_string()),
            }
        })?;
        let traceparent = headers.get(wire::TRACEPARENT).and_then(|value| value.to_str().ok());
        let delivered = wire::read(&body, id, traceparent, now).map_err(|error| {
            tracing::warn!(id, %error, "a webhook with a valid signature is no event");
            Problem::bad_request(format!("the body is no event: {error}"))
        })?;
        // A line feed cannot be in a header, so it separates unambiguously. Ids are unique only within a channel.
        let key = match &delivered.channel {
            Some(channel) => format!("{channel}\n{id}"),
            None => id.to_owned(),
        };
        let channel = delivered.channel.clone().unwrap_or_default();
        let span = telemetry::processing(&channel, &self.name, &delivered.event.metadata);
        // A task of its own: the server drops this future when the sender hangs up, and a handler is not left halfway.
        let handling = tokio::spawn(async move { self.handle(&key, delivered).await }.instrument(span));
        match handling.await {
            Ok(result) => result.map(IntoResponse::into_response),
            Err(error) => {
                // Of a panic in the inbox, for example; its message is for the operator, not for the sender.
                tracing::error!(%error, "the handling of a webhook was cut short");
                Err(later("Internal error", "the event was not handled".to_owned()))
            }
        }
    }

    async fn handle(&self, key: &str, delivered: Delivered) -> Result<StatusCode, Refusal> {
        match self.inbox.claim(&self.name, key, LEASE).await? {
            Claim::Granted(ticket) => tokio::select! {
                biased;
                done = self.handle_claimed(&ticket, delivered) => done,
                never = self.keep_claimed(&ticket) => match never {},
            },
            Claim::Done => {
                tracing::debug!("delivered again, and handled before");
                Ok(StatusCode::NO_CONTENT)
            }
            Claim::Busy => Err(later("Being handled", "another delivery of this event is being handled".to_owned())),
        }
    }

    /// Renews a claim for as long as this is polled.
    async fn keep_claimed(&self, ticket: &Ticket) -> Infallible {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            if let Err(error) = self.inbox.renew(ticket, LEASE).await {
                tracing::warn!(error = crate::consume::chain(&error), "the claim of an event could not be renewed");
            }
        }
    }

    async fn handle_claimed(&self, ticket: &Ticket, delivered: Delivered) -> Result<StatusCode, Refusal> {
        let event_type = delivered.event.metadata.event_type.as_str();
        let Some(registered) = self.registered(&delivered) else {
            let error = format!(
                "no handler of this receiver is for channel {:?} or declares type {event_type:?}",
                delivered.channel.as_deref().unwrap_or("(not named)"),
            );
            // Senders may name whatever they like, and every label is kept for as long as the process runs.
            return self.give_up(ticket, delivered, metric::OTHER, error, 0).await;
        };
        let channel = registered.name.as_str();
        if !registered.handler.channel().event_types.contains(&event_type) {
            match self.on_unknown {
                OnUnknown::Handle => {}
                OnUnknown::Skip => return self.complete(ticket).await,
                OnUnknown::DeadLetter => {
                    let error = format!("the channel {channel:?} declares no event type {event_type:?}");
                    return self.give_up(ticket, delivered, channel, error, 0).await;
                }
                OnUnknown::Stop => {
                    telemetry::fail(&Span::current(), Disposition::Retry.as_str());
                    tracing::error!(channel, event_type, "an event of an unknown type is left to its sender");
                    self.inbox.release(ticket).await?;
                    return Err(later("Unknown event type", format!("events of type {event_type:?} are not declared")));
                }
            }
        }
        let mut context = Context::new(delivered.event.metadata.clone(), delivered.position);
        context.begin(ticket.attempt, self.inbox.transactions());
        let metrics = Consuming::of(channel.to_owned(), &self.name);
        let timed = metrics.attempt();
        let outcome = registered.handler.handle(&delivered.event, &context, self.timeout).await;
        let tried = outcome.as_ref().err().is_none_or(|failed| failed.tried);
        let transaction = context.end().await;
        let (outcome, completed) = match (outcome, transaction) {
            (Ok(()), Ok(Some(transaction))) => match commit(transaction, ticket).await {
                Ok(()) => (Ok(()), true),
                Err(error) => (Err(Failed::retry(crate::consume::chain(&error))), false),
            },
            (failed, Ok(Some(transaction))) => {
                transaction.rollback().await;
                (failed, false)
            }
            (outcome, Ok(None)) => (outcome, false),
            (outcome, Err(in_use)) => (outcome.and(Err(Failed::retry(in_use.to_string()))), false),
        };
        let error = outcome.as_ref().err().map(|failed| failed.disposition.as_str());
        if tried {
            if ticket.attempt == 1 {
                metrics.consumed();
            }
            metrics.attempted(&timed, error);
        }
        match outcome {
            Ok(()) if completed => Ok(StatusCode::NO_CONTENT),
            Ok(()) => self.complete(ticket).await,
            Err(Failed { disposition: Disposition::Retry, error, after, .. }) => {
                telemetry::fail(&Span::current(), Disposition::Retry.as_str());
                tracing::warn!(error, attempt = ticket.attempt, "the handler failed; the sender is asked to try again");
                self.inbox.release(ticket).await?;
                let refusal = later("Not handled", "the event could not be handled now".to_owned());
                Err(Refusal { after: after.or(refusal.after), ..refusal })
            }
            Err(Failed { disposition: Disposition::Reject, error, .. }) => {
                let attempts = if tried { ticket.attempt } else { 0 };
                self.give_up(ticket, delivered, channel, error, attempts).await
            }
        }
    }

    /// The handler that a delivery is for.
    fn registered(&self, delivered: &Delivered) -> Option<&Registered> {
        let handlers = &self.handlers;
        if let Some(channel) = &delivered.channel {
            handlers.iter().find(|registered| &registered.name == channel)
        } else {
            let event_type = delivered.event.metadata.event_type.as_str();
            let declares = |registered: &&Registered| registered.handler.channel().event_types.contains(&event_type);
            let only = || handlers.first().filter(|_| handlers.len() == 1);
            handlers.iter().find(declares).or_else(only)
        }
    }

    /// Makes an event a dead letter, and is done with it.
    async fn give_up(
        &self,
        ticket: &Ticket,
        delivered: Delivered,
        channel: &str,
        error: String,
        attempts: u32,
    ) -> Result<StatusCode, Refusal> {
        let letter = DeadLetter {
            consumer: self.name.clone(),
            channel: delivered.channel.clone(),
            source: delivered.channel.unwrap_or_else(|| self.name.clone()),
            position: delivered.position,
            event: delivered.event,
            error,
            attempts,
            time: Utc::now(),
            state: LetterState::GivenUp,
        };
        if let Err(error) = self.bury(ticket, &letter).await {
            self.inbox.release(ticket).await?;
            return Err(error.into());
        }
        Consuming::of(channel.to_owned(), &self.name).buried();
        telemetry::fail(&Span::current(), Disposition::Reject.as_str());
        tracing::error!(error = letter.error, attempts, "an event was given up and is a dead letter");
        Ok(StatusCode::NO_CONTENT)
    }

    /// Stores a dead letter and that its event is done with. Where the inbox has transactions both or none, and neither
    /// when the claim has passed to another delivery, which may have handled the event.
    async fn bury(&self, ticket: &Ticket, letter: &DeadLetter) -> Result<(), StoreError> {
        let Some(transactions) = self.inbox.transactions() else {
            // In this order: killed in between, the event is handled again, and not lost.
            self.inbox.dead_letters().add(letter).await?;
            return self.inbox.complete(ticket).await;
        };
        let mut transaction = transactions.begin().await?;
        transaction.complete(ticket).await?;
        transaction.add_letter(letter).await?;
        transaction.commit().await
    }

    /// The event is done with, so it is worth a second try to remember that.
    async fn complete(&self, ticket: &Ticket) -> Result<StatusCode, Refusal> {
        if let Err(error) = self.inbox.complete(ticket).await {
            tracing::warn!(%error, "the inbox failed when the event was done with; trying once more");
            self.inbox.complete(ticket).await?;
        }
        Ok(StatusCode::NO_CONTENT)
    }
}

/// Commits what the handler did together with the note that it is done. Where the answer to a commit is lost, the next
/// delivery finds that the event is done.
async fn commit(mut transaction: Box<dyn StoreTransaction>, ticket: &Ticket) -> Result<(), StoreError> {
    transaction.complete(ticket).await?;
    transaction.commit().await
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels: Vec<&str> = self.handlers.iter().map(|registered| registered.name.as_str()).collect();
        f.debug_struct("Receiver").field("name", &self.name).field("channels", &channels).finish_non_exhaustive()
    }
}

/// A handler, and what the sender calls its channel.
struct Registered {
    name: String,
    handler: Arc<dyn AnyHandler>,
}

/// A handler whose event type has been put behind a pointer.
#[async_trait]
trait AnyHandler: Send + Sync {
    fn channel(&self) -> &'static Channel;

    async fn handle(&self, event: &RawEvent, context: &Context, timeout: Duration) -> Result<(), Failed>;
}

struct Typed<H>(H);

#[async_trait]
impl<H: Handler> AnyHandler for Typed<H> {
    fn channel(&self) -> &'static Channel {
        H::Events::CHANNEL
    }

    async fn handle(&self, event: &RawEvent, context: &Context, timeout: Duration) -> Result<(), Failed> {
        let decoded = event.decode::<H::Events>().map_err(|error| Failed::rejected(error.to_string()))?;
        let handled = crate::consume::attempt(&self.0, decoded, context, Some(timeout)).await;
        handled.map_err(|failure| Failed {
            disposition: failure.disposition(),
            tried: true,
            after: failure.after(),
            error: failure.into_error(),
        })
    }
}

/// An event that was not handled.
struct Failed {
    disposition: Disposition,
    /// Whether a handler has seen it.
    tried: bool,
    /// When to try again, where the handler knows.
    after: Option<Duration>,
    error: String,
}

impl Failed {
    fn rejected(error: String) -> Self {
        Failed { disposition: Disposition::Reject, tried: false, after: None, error }
    }

    fn retry(error: String) -> Self {
        Failed { disposition: Disposition::Retry, tried: true, after: None, error }
    }
}

/// A problem, and when the sender should try again.
struct Refusal {
    problem: Problem,
    after: Option<Duration>,
}

impl Refusal {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        if let Some(after) = self.after {
            // In whole seconds, and not too soon.
            let seconds = after.as_secs().saturating_add(u64::from(after.subsec_nanos() > 0));
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal { problem, after: None }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        // What the storage says is for the operator, not for the sender.
        tracing::error!(error = crate::consume::chain(&error), "the inbox failed");
        later("Inbox failed", "the event could not be recorded".to_owned())
    }
}

fn later(title: &'static str, detail: String) -> Refusal {
    Refusal { problem: Problem::new(StatusCode::SERVICE_UNAVAILABLE, title, detail), after: Some(RETRY_HINT) }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Problem> {
    let value = headers.get(name).ok_or_else(|| Problem::bad_request(format!("the header `{name}` is missing")))?;
    value.to_str().map_err(|_| Problem::bad_request(format!("the header `{name}` is not visible ASCII")))
}
