//! The way of one event through a consumer, whichever transport brought it: handler under a span, then acknowledged,
//! tried again, or made a dead letter. The transport moves its checkpoint when this says that the event is completed.
//!
//! Events go through one at a time: a pipeline is called for the next one when the one before is completed. It holds
//! no state between events, so that running several subjects side by side needs no other pipeline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use tracing::{Instrument as _, Span};

use super::attempt;
use super::checkpoint::{Checkpoint, Checkpoints};
use super::dead_letter::{DeadLetter, DeadLetters};
use super::error::ConsumeError;
use super::handler::{Context, Disposition, Handler};
use super::progress::{Stored, persist};
use super::retry::RetryPolicy;
use super::shutdown::Shutdown;
use super::transaction::Moved;
use crate::event::{DecodeError, Envelope, EventId, EventSet, Position, RawEvent};
use crate::telemetry::{self, record};

/// How a consumer treats its events.
#[derive(Clone)]
pub(crate) struct Treatment {
    pub(crate) retry: RetryPolicy,
    pub(crate) timeout: Option<Duration>,
}

/// Brings events to a handler.
pub(crate) struct Pipeline<H> {
    pub(crate) consumer: String,
    pub(crate) handler: H,
    pub(crate) treatment: Treatment,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    pub(crate) dead_letters: Option<Arc<dyn DeadLetters>>,
    pub(crate) shutdown: Shutdown,
}

/// An event as a transport brings it.
pub(crate) struct Incoming<E> {
    /// The event, or why it is none.
    pub(crate) event: Result<Envelope<E>, DecodeError>,
    pub(crate) step: Step,
}

/// How an event that is completed moves its consumer.
pub(crate) struct Step {
    pub(crate) from: Option<Checkpoint>,
    pub(crate) to: Checkpoint,
}

/// What became of an event that went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was handled, or is a dead letter: the checkpoint may move past it, or has been.
    Completed(Stored),
    /// Shutdown came before it was completed: it will come again.
    Interrupted,
}

impl<H: Handler> Pipeline<H> {
    /// Takes one event through. `raw` gives the event as it came, for further attempts and dead letters; `source`
    /// says where it came from.
    pub(crate) async fn process(
        &self,
        incoming: Incoming<H::Events>,
        source: &str,
        raw: &(dyn Fn() -> Option<RawEvent> + Send + Sync),
    ) -> Result<Outcome, ConsumeError> {
        let Incoming { event, step } = incoming;
        let position = step.to.position;
        let channel = H::Events::CHANNEL.name;
        record::consumed(channel, &self.consumer);
        match event {
            Ok(Envelope { metadata, event }) => {
                let span = telemetry::processing(channel, &self.consumer, &metadata);
                let context = Context::new(metadata, position);
                self.attempts(event, context, &step, source, raw).instrument(span).await
            }
            Err(error) => {
                let text = error.to_string();
                self.bury(&error.id, raw, Burial { source, position, error: text, attempts: 0 }).await
            }
        }
    }

    async fn attempts(
        &self,
        event: H::Events,
        mut context: Context,
        step: &Step,
        source: &str,
        raw: &(dyn Fn() -> Option<RawEvent> + Send + Sync),
    ) -> Result<Outcome, ConsumeError> {
        let mut event = event;
        let mut attempts: u32 = 1;
        loop {
            context.begin(attempts, self.checkpoints.transactions());
            let began = Instant::now();
            let outcome = self.attempt(event, &context, step).await?;
            let error = outcome.as_ref().err().map(|failure| failure.disposition().as_str());
            record::attempted(H::Events::CHANNEL.name, &self.consumer, began.elapsed(), error);
            let failure = match outcome {
                Ok(stored) => {
                    record::completed(H::Events::CHANNEL.name, &self.consumer, context.metadata.time);
                    return Ok(Outcome::Completed(stored));
                }
                Err(failure) => failure,
            };
            let delay = match failure.disposition() {
                Disposition::Retry => self.treatment.retry.random_delay(attempts),
                Disposition::Reject => None,
            };
            let Some(delay) = delay else {
                telemetry::fail(&Span::current(), failure.disposition().as_str());
                let burial = Burial { source, position: context.position, error: failure.into_error(), attempts };
                return self.bury(&context.metadata.id, raw, burial).await;
            };
            tracing::warn!(
                error = failure.error(),
                attempt = attempts,
                ?delay,
                "the handler failed and is tried again"
            );
            if self.shutdown.sleep(delay).await.is_none() {
                return Ok(Outcome::Interrupted);
            }
            attempts = attempts.saturating_add(1);
            // The handler took the event; it is read again rather than kept, because most succeed at once.
            let Some(again) = raw() else {
                return Err(ConsumeError::NotRepeatable { id: context.metadata.id });
            };
            event = match again.decode::<H::Events>() {
                Ok(event) => event,
                Err(error) => {
                    let error = error.to_string();
                    let burial = Burial { source, position: context.position, error, attempts };
                    return self.bury(&context.metadata.id, raw, burial).await;
                }
            };
        }
    }

    /// One attempt, and the end of the transaction that the handler has asked for.
    async fn attempt(
        &self,
        event: H::Events,
        context: &Context,
        step: &Step,
    ) -> Result<Result<Stored, attempt::Failure>, ConsumeError> {
        let outcome = attempt::run(&self.handler, event, context, self.treatment.timeout).await;
        let Some(mut transaction) = context.end().await else { return Ok(outcome.map(|()| Stored::No)) };
        if let Err(failure) = outcome {
            transaction.rollback().await;
            return Ok(Err(failure));
        }
        let moved = match transaction.move_checkpoint(&self.consumer, step.from.as_ref(), &step.to).await {
            Ok(Moved::Yes) => transaction.commit().await.map(|()| Moved::Yes),
            Ok(Moved::Overtaken) => {
                transaction.rollback().await;
                Ok(Moved::Overtaken)
            }
            Err(error) => Err(error),
        };
        if let Ok(Moved::Yes) = moved {
            return Ok(Ok(Stored::Yes));
        }
        // The connection may have been lost after a commit and before its answer, that of an attempt before or of a
        // process that is gone: to handle the event again would double its effect.
        let stored = self.checkpoints.load(&self.consumer).await;
        match (moved, stored) {
            (_, Ok(Some(stored))) if stored == step.to => Ok(Ok(Stored::Yes)),
            (Ok(_), _) => Err(ConsumeError::Overtaken { consumer: self.consumer.clone() }),
            (Err(error), _) => Ok(Err(attempt::Failure::retry(attempt::chain(&error)))),
        }
    }

    /// Makes an event a dead letter. Without that, it is not completed.
    async fn bury(
        &self,
        id: &EventId,
        raw: &(dyn Fn() -> Option<RawEvent> + Send + Sync),
        burial: Burial<'_>,
    ) -> Result<Outcome, ConsumeError> {
        let Burial { source, position, error, attempts } = burial;
        let Some(store) = &self.dead_letters else {
            return Err(ConsumeError::NoDeadLetters { id: id.clone(), error });
        };
        let event = raw().ok_or_else(|| ConsumeError::NotRepeatable { id: id.clone() })?;
        let letter = DeadLetter {
            consumer: self.consumer.clone(),
            channel: Some(H::Events::CHANNEL.name.to_owned()),
            source: source.to_owned(),
            position,
            event,
            error,
            attempts,
            time: Utc::now(),
        };
        let number = persist(|| store.add(&letter)).await?;
        record::buried(H::Events::CHANNEL.name, &self.consumer);
        tracing::error!(
            consumer = letter.consumer,
            "event.id" = %id,
            "event.type" = letter.event.metadata.event_type,
            error = letter.error,
            attempts,
            number,
            "an event was given up and is a dead letter"
        );
        Ok(Outcome::Completed(Stored::No))
    }
}

/// What a dead letter says beside the event.
struct Burial<'a> {
    source: &'a str,
    position: Option<Position>,
    error: String,
    attempts: u32,
}
