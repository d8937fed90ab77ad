//! The way of one event through a consumer, whichever transport brought it: handler under a span, then acknowledged,
//! tried again, or made a dead letter. The checkpoint moves when this says that the event is completed.
//!
//! It holds no state between events but which subjects are parked, so several can be on their way at a time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Semaphore;
use tracing::{Instrument as _, Span};

use super::attempt;
use super::checkpoint::{Checkpoint, Checkpoints};
use super::completions::{Completion, Completions};
use super::dead_letter::{DeadLetter, DeadLetters, LetterState};
use super::error::{ConsumeError, StoreError};
use super::handler::{Context, Disposition, Handler};
use super::original::Original;
use super::patience::{BACKOFF, persist};
use super::policy::{OnPoison, OnUnknown};
use super::progress::Stored;
use super::retry::RetryPolicy;
use super::shutdown::Shutdown;
use super::transaction::{Moved, StoreTransaction, Transactions};
use crate::event::{DecodeError, Envelope, EventId, EventSet};
use crate::telemetry;
use crate::telemetry::record::Consuming;

/// How a consumer treats its events.
#[derive(Clone)]
pub(crate) struct Treatment {
    pub(crate) retry: RetryPolicy,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_poison: OnPoison,
    pub(crate) on_unknown: OnUnknown,
}

/// Brings events to a handler.
pub(crate) struct Pipeline<H> {
    pub(crate) consumer: String,
    pub(crate) metrics: Consuming,
    pub(crate) handler: Arc<H>,
    pub(crate) treatment: Treatment,
    pub(crate) checkpoints: Arc<dyn Checkpoints>,
    pub(crate) completions: Option<Arc<dyn Completions>>,
    pub(crate) dead_letters: Option<Arc<dyn DeadLetters>>,
    /// Of the checkpoints' store, where dead letters are in it too.
    pub(crate) letter_transactions: Option<Arc<dyn Transactions>>,
    pub(crate) shutdown: Shutdown,
    /// Handlers that may run at a time.
    pub(crate) slots: Semaphore,
    /// Subjects whose events are parked. Others may be replayed while this runs, so one may be here that no longer is;
    /// none is missing.
    pub(crate) parked: Mutex<HashSet<String>>,
}

/// An event as a transport brings it.
pub(crate) struct Incoming<E> {
    /// The event, or why it is none. In a box, because this is handed on from future to future.
    pub(crate) event: Box<Result<Envelope<E>, DecodeError>>,
    /// What it is about, where the event does not tell because it is none.
    pub(crate) subject: Option<String>,
    /// Behind it.
    pub(crate) checkpoint: Checkpoint,
    /// Where it came from.
    pub(crate) source: Arc<str>,
    /// It as it came, for further attempts and dead letters.
    pub(crate) original: Original,
}

/// What is stored with the handler's transaction.
pub(crate) enum Commit {
    /// The checkpoint moves, if it is still held by `holder`; without one, nobody holds it.
    Move { holder: Option<Arc<str>>, from: Option<Checkpoint>, to: Checkpoint },
    /// The event is noted as completed beyond the checkpoint.
    Note { holder: Arc<str>, completion: Completion },
}

/// What became of an event that went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was handled, or is a dead letter: the checkpoint may move past it, or has been.
    Completed(Stored),
    /// Shutdown came before it was completed: it will come again.
    Interrupted,
}

const COMPLETED: Outcome = Outcome::Completed(Stored::No);

impl<H: Handler> Pipeline<H> {
    /// Takes one event through.
    pub(crate) async fn process(
        &self,
        incoming: Incoming<H::Events>,
        commit: &Commit,
    ) -> Result<Outcome, ConsumeError> {
        let channel = H::Events::CHANNEL.name;
        self.metrics.consumed();
        let parked = self.parked_subject(&incoming);
        let Incoming { event, subject, checkpoint, source, original } = incoming;
        let origin = Origin { source, checkpoint, subject, original };
        let event_type = match &*event {
            Ok(envelope) => &envelope.metadata.event_type,
            Err(error) => &error.event_type,
        };
        // An item that cannot be read has no type, and is not of an unknown one.
        let unknown = !event_type.is_empty() && !H::Events::CHANNEL.event_types.contains(&event_type.as_str());
        // Whatever has become of those before it.
        match self.treatment.on_unknown {
            OnUnknown::Skip if unknown => return Ok(COMPLETED),
            OnUnknown::Stop if unknown => {
                return Err(ConsumeError::Unknown { id: origin.id(), event_type: event_type.clone() });
            }
            _ => {}
        }
        if let Some(subject) = parked
            && let Some(stored) = self.park_behind(&origin, &subject, commit).await?
        {
            return Ok(Outcome::Completed(stored));
        }
        if unknown && self.treatment.on_unknown == OnUnknown::DeadLetter {
            let reason = format!("the channel {channel:?} declares no event type {event_type:?}");
            return self.bury(&origin, reason, 0, commit).await;
        }
        match *event {
            Ok(Envelope { metadata, event }) => {
                let span = telemetry::processing(channel, &self.consumer, &metadata);
                let mut context = Context::new(metadata, origin.checkpoint.position);
                self.attempts(event, &mut context, commit, &origin).instrument(span).await
            }
            Err(error) => self.bury(&origin, error.to_string(), 0, commit).await,
        }
    }

    fn parked(&self) -> MutexGuard<'_, HashSet<String>> {
        // Single insertions and removals: a panic elsewhere leaves nothing half done.
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The event's subject, if it is parked.
    fn parked_subject(&self, incoming: &Incoming<H::Events>) -> Option<String> {
        incoming.subject().filter(|subject| self.parked().contains(*subject)).map(str::to_owned)
    }

    /// Parks an event behind those of its subject, unless they have been replayed by now.
    async fn park_behind(
        &self,
        origin: &Origin,
        subject: &str,
        commit: &Commit,
    ) -> Result<Option<Stored>, ConsumeError> {
        let Some(store) = &self.dead_letters else { return Ok(None) };
        let error = "an event of its subject before it could not be handled; replay the subject".to_owned();
        let letter = DeadLetter { state: LetterState::Parked, ..self.letter(origin, error, 0)? };
        let kept = self.keep(store, &letter, Place::Behind, commit).await?;
        match &kept {
            None => {
                tracing::info!(consumer = self.consumer, subject, "what was parked of a subject has been replayed");
                self.parked().remove(subject);
            }
            Some(Kept { number: Some(number), .. }) => {
                self.metrics.buried();
                tracing::warn!(
                    consumer = self.consumer,
                    "event.id" = %letter.event.metadata.id,
                    "event.type" = letter.event.metadata.event_type,
                    subject,
                    number,
                    "an event is parked behind another one of its subject"
                );
            }
            // It was parked before, and only the answer was lost.
            Some(Kept { number: None, .. }) => {}
        }
        Ok(kept.map(|kept| kept.stored))
    }

    /// The context is borrowed, because futures are moved about, and what they hold is copied each time.
    async fn attempts(
        &self,
        mut event: H::Events,
        context: &mut Context,
        commit: &Commit,
        origin: &Origin,
    ) -> Result<Outcome, ConsumeError> {
        let mut attempts: u32 = 1;
        // Those that failed because of the store.
        let mut uncounted: u32 = 0;
        let mut doubt = Doubt::None;
        loop {
            // Held for one attempt, and not while waiting for the next one. The semaphore is never closed.
            let slot = self.slots.acquire().await;
            // The transport has asked before the first attempt; here, others may have been waited for.
            if self.shutdown.requested() {
                return Ok(Outcome::Interrupted);
            }
            context.begin(attempts, self.checkpoints.transactions());
            let timed = self.metrics.attempt();
            let outcome = self.attempt(event, context, commit, &mut doubt).await?;
            let error = outcome.as_ref().err().map(|failure| failure.disposition().as_str());
            self.metrics.attempted(&timed, error);
            let failure = match outcome {
                Ok(stored) => return Ok(Outcome::Completed(stored)),
                Err(failure) => failure,
            };
            drop(slot);
            // The handler may have failed because of what it has committed before.
            if doubt == Doubt::Committing && persist(&self.shutdown, || self.is_marked(commit)).await? {
                return Ok(Outcome::Completed(Stored::Yes));
            }
            let delay = match failure.disposition() {
                _ if !failure.counts() => {
                    uncounted = uncounted.saturating_add(1);
                    Some(BACKOFF.random_delay(uncounted))
                }
                Disposition::Retry => {
                    let delay = self.treatment.retry.random_delay(attempts);
                    delay.map(|delay| failure.after().unwrap_or(delay))
                }
                Disposition::Reject => None,
            };
            let Some(delay) = delay else {
                telemetry::fail(&Span::current(), failure.disposition().as_str());
                return self.bury(origin, failure.into_error(), attempts, commit).await;
            };
            tracing::warn!(
                error = failure.error(),
                attempt = attempts,
                counts = failure.counts(),
                ?delay,
                "the handler failed and is tried again"
            );
            if self.shutdown.sleep(delay).await.is_none() {
                return Ok(Outcome::Interrupted);
            }
            attempts = attempts.saturating_add(u32::from(failure.counts()));
            // The handler took the event; it is read again rather than kept, because most succeed at once.
            let Some(again) = origin.original.read() else {
                return Err(ConsumeError::NotRepeatable { id: context.metadata.id.clone() });
            };
            event = match again.decode::<H::Events>() {
                Ok(event) => event,
                Err(error) => return self.bury(origin, error.to_string(), attempts, commit).await,
            };
        }
    }

    /// One attempt, and the end of the transaction that the handler has asked for.
    async fn attempt(
        &self,
        event: H::Events,
        context: &Context,
        commit: &Commit,
        doubt: &mut Doubt,
    ) -> Result<Result<Stored, attempt::Failure>, ConsumeError> {
        let outcome = attempt::run(&self.handler, event, context, self.treatment.timeout).await;
        let refused = context.was_refused();
        let outcome = outcome.map_err(|failure| if refused { failure.of_store() } else { failure });
        let transaction = match context.end().await {
            Ok(transaction) => transaction,
            Err(in_use) => {
                return Ok(Err(outcome.err().unwrap_or_else(|| attempt::Failure::retry(in_use.to_string()))));
            }
        };
        let Some(mut transaction) = transaction else { return Ok(outcome.map(|()| Stored::No)) };
        if let Err(failure) = outcome {
            transaction.rollback().await;
            return Ok(Err(failure));
        }
        let moved = match self.mark(transaction.as_mut(), commit).await {
            Ok(Moved::Yes) => {
                *doubt = Doubt::Committing;
                transaction.commit().await.map(|()| Moved::Yes)
            }
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
        match (moved, self.is_marked(commit).await) {
            (_, Ok(true)) => Ok(Ok(Stored::Yes)),
            (Ok(_), _) => Err(ConsumeError::Overtaken { consumer: self.consumer.clone() }),
            // The store answers: it is what the handler has done that cannot be committed.
            (Err(error), Ok(false)) => Ok(Err(attempt::Failure::retry(attempt::chain(&error)))),
            (Err(error), Err(_)) => Ok(Err(attempt::Failure::retry(attempt::chain(&error)).of_store())),
        }
    }

    /// Stores with the transaction that the event is completed.
    async fn mark(&self, transaction: &mut dyn StoreTransaction, commit: &Commit) -> Result<Moved, StoreError> {
        match commit {
            Commit::Move { holder, from, to } => {
                transaction.move_checkpoint(&self.consumer, holder.as_deref(), from.as_ref(), to).await
            }
            Commit::Note { holder, completion } => transaction.note(holder, completion).await,
        }
    }

    /// Whether it is stored that the event is completed.
    async fn is_marked(&self, commit: &Commit) -> Result<bool, StoreError> {
        match (commit, &self.completions) {
            (Commit::Move { to, .. }, _) => Ok(self.checkpoints.load(&self.consumer).await?.as_ref() == Some(to)),
            (Commit::Note { completion, .. }, Some(completions)) => completions.is_completed(completion).await,
            (Commit::Note { .. }, None) => Ok(false),
        }
    }

    /// Makes an event a dead letter, or the first of those that are parked of its subject. Without that, it is not
    /// completed.
    async fn bury(
        &self,
        origin: &Origin,
        error: String,
        attempts: u32,
        commit: &Commit,
    ) -> Result<Outcome, ConsumeError> {
        let Some(store) = &self.dead_letters else {
            return Err(ConsumeError::NoDeadLetters { id: origin.id(), error });
        };
        let mut letter = self.letter(origin, error, attempts)?;
        let parks = self.treatment.on_poison == OnPoison::ParkSubject;
        let subject = origin.subject.as_ref().or(letter.event.metadata.subject.as_ref()).filter(|_| parks).cloned();
        if subject.is_some() {
            letter.state = LetterState::Parked;
        }
        let kept = self.keep(store, &letter, Place::Anywhere, commit).await?;
        if let Some(subject) = &subject {
            self.parked().insert(subject.clone());
        }
        let Some(Kept { number: Some(number), stored }) = kept else {
            // It was completed before, and only the answer was lost; maybe as this letter.
            return Ok(Outcome::Completed(Stored::Yes));
        };
        self.metrics.buried();
        tracing::error!(
            consumer = letter.consumer,
            "event.id" = %letter.event.metadata.id,
            "event.type" = letter.event.metadata.event_type,
            error = letter.error,
            attempts,
            number,
            parked = ?subject,
            "an event was given up and is a dead letter"
        );
        Ok(Outcome::Completed(stored))
    }

    /// Stores a dead letter and that its event is completed. `None` when it was to be behind others, and there are none.
    async fn keep(
        &self,
        store: &Arc<dyn DeadLetters>,
        letter: &DeadLetter,
        place: Place,
        commit: &Commit,
    ) -> Result<Option<Kept>, ConsumeError> {
        let overtaken = || ConsumeError::Overtaken { consumer: self.consumer.clone() };
        if let Some(transactions) = &self.letter_transactions {
            // Both or none, and neither when somebody else has taken over: it may have handled the event.
            let kept = persist(&self.shutdown, || self.keep_within(transactions, letter, place, commit)).await?;
            return kept.ok_or_else(overtaken);
        }
        if !persist(&self.shutdown, || self.holds(commit)).await? {
            return Err(overtaken());
        }
        let number = match place {
            Place::Anywhere => Some(persist(&self.shutdown, || store.add(letter)).await?),
            Place::Behind => persist(&self.shutdown, || store.park(letter)).await?,
        };
        let Some(number) = number else { return Ok(None) };
        // At once: a letter may be replayed, and its event must not be handled again after that.
        match persist(&self.shutdown, || self.mark_alone(commit)).await? {
            Moved::Yes => Ok(Some(Kept { number: Some(number), stored: Stored::Yes })),
            Moved::Overtaken => Err(overtaken()),
        }
    }

    /// Stores that the event is completed, without a transaction.
    async fn mark_alone(&self, commit: &Commit) -> Result<Moved, StoreError> {
        match (commit, &self.completions) {
            (Commit::Note { holder, completion }, Some(completions)) => {
                completions.note(holder, std::slice::from_ref(completion)).await
            }
            (Commit::Move { holder: Some(holder), to, .. }, Some(completions)) => {
                completions.advance(holder, &[&self.consumer], to, &[]).await
            }
            (Commit::Move { to, .. }, _) => self.checkpoints.store(&self.consumer, to).await.map(|()| Moved::Yes),
            (Commit::Note { .. }, None) => Ok(Moved::Overtaken),
        }
    }

    /// The same in one transaction. The outer `None` when somebody else has taken over.
    async fn keep_within(
        &self,
        transactions: &Arc<dyn Transactions>,
        letter: &DeadLetter,
        place: Place,
        commit: &Commit,
    ) -> Result<Option<Option<Kept>>, StoreError> {
        let mut transaction = transactions.begin().await?;
        if self.mark(transaction.as_mut(), commit).await? == Moved::Overtaken {
            transaction.rollback().await;
            // Or the answer to a commit was lost.
            let before = self.is_marked(commit).await?;
            return Ok(before.then_some(Some(Kept { number: None, stored: Stored::Yes })));
        }
        let number = match place {
            Place::Anywhere => Some(transaction.add_letter(letter).await?),
            Place::Behind => transaction.park_letter(letter).await?,
        };
        if number.is_none() {
            transaction.rollback().await;
            return Ok(Some(None));
        }
        transaction.commit().await?;
        Ok(Some(Some(Kept { number, stored: Stored::Yes })))
    }

    /// Whether nobody else has taken over the checkpoint.
    async fn holds(&self, commit: &Commit) -> Result<bool, StoreError> {
        let (holder, consumer) = match commit {
            Commit::Move { holder: Some(holder), .. } => (holder, &self.consumer),
            Commit::Move { holder: None, .. } => return Ok(true),
            Commit::Note { holder, completion } => (holder, &completion.consumer),
        };
        match &self.completions {
            Some(completions) => completions.holds(consumer, holder).await,
            None => Ok(true),
        }
    }

    fn letter(&self, origin: &Origin, error: String, attempts: u32) -> Result<DeadLetter, ConsumeError> {
        Ok(DeadLetter {
            consumer: self.consumer.clone(),
            channel: Some(H::Events::CHANNEL.name.to_owned()),
            source: origin.source.to_string(),
            position: origin.checkpoint.position,
            event: origin.original.read().ok_or_else(|| ConsumeError::NotRepeatable { id: origin.id() })?,
            error,
            attempts,
            time: Utc::now(),
            state: LetterState::GivenUp,
        })
    }
}

/// Whether an attempt may have been committed although it is held to have failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    None,
    /// The answer to a commit was lost, and it may even be under way still.
    Committing,
}

/// Where a dead letter goes.
#[derive(Clone, Copy)]
enum Place {
    Anywhere,
    /// Behind those that are parked of its subject.
    Behind,
}

/// A dead letter is in its store.
struct Kept {
    /// `None` when it was before.
    number: Option<u64>,
    stored: Stored,
}

/// What is known of an event beside what its handler gets.
struct Origin {
    source: Arc<str>,
    checkpoint: Checkpoint,
    /// As [`Incoming::subject`].
    subject: Option<String>,
    original: Original,
}

impl Origin {
    fn id(&self) -> EventId {
        self.checkpoint.event_id.clone().unwrap_or_else(|| EventId::from(""))
    }
}
