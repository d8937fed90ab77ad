//! Giving dead letters to a handler again: one, or all that are parked of a subject in their order. Letters that are not
//! for the handler stay where they are.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use chrono::Utc;
use tracing::Instrument as _;
use uuid::Uuid;

use super::attempt::{self, Failure};
use super::dead_letter::{DeadLetter, DeadLetters, LetterState};
use super::error::StoreError;
use super::handler::{Context, Handler};
use super::transaction::Moved;
use crate::event::EventSet as _;
use crate::telemetry;
use crate::telemetry::record::Consuming;

/// For how long a subject is held by who replays it, and prolonged three times as often: when that process dies, it can be
/// replayed again after so long.
const LEASE: Duration = Duration::from_secs(15);

/// What became of a dead letter that was replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replayed {
    /// The handler succeeded; the letter is gone.
    Handled,
    /// It failed again; the letter is kept, with this error and one more attempt.
    Failed(String),
    /// There is no such letter.
    NotFound,
    /// Its subject is parked, and this letter with a lower number comes before it. [`replay_subject`] takes all in order.
    Behind(u64),
    /// Its subject is parked, and is being replayed by somebody else.
    Busy,
    /// It is of this channel, and the handler is for another one; the letter is kept as it was. See
    /// [`Replay::on_channel`].
    OtherChannel(String),
    /// It is of this event type, which the handler's channel does not declare; the letter is kept as it was. See
    /// [`Replay::unknown_too`].
    UnknownType(String),
}

/// Gives a dead letter to a handler again, once.
///
/// A letter of another channel, or of an event type that the handler's channel does not declare, is kept; [`Replay`] is
/// for those.
///
/// The letter is removed after the handler succeeded, so a process that is killed in between replays it twice rather
/// than not at all. A handler that works in [`Context::transaction`](super::Context::transaction) has its effect exactly
/// once: the letter is removed in the same, where the store has transactions.
///
/// Of a parked subject, only the first letter can be replayed, and by one at a time. When a process is killed that replays
/// it, or the future is dropped, it can be replayed again after 15 seconds.
///
/// # Errors
/// When the store fails.
pub async fn replay<H: Handler>(letters: &dyn DeadLetters, number: u64, handler: &H) -> Result<Replayed, StoreError> {
    Replay::of(letters).one(number, handler).await
}

/// What became of a parked subject that was replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Released {
    /// All its letters, so many, were handled: the consumer handles the subject's next events itself again.
    All(u64),
    /// It is being replayed by somebody else, maybe since this process stood still for a while.
    Busy,
    /// After so many, a letter failed again: it and those behind it stay parked.
    Failed {
        /// How many were handled.
        handled: u64,
        /// The number of the letter that failed.
        number: u64,
        /// Why it did.
        error: String,
    },
    /// After so many, there came one that the handler's channel does not declare: it and those behind it stay parked as
    /// they were. See [`Replay::unknown_too`].
    UnknownType {
        /// How many were handled.
        handled: u64,
        /// The number of the letter.
        number: u64,
        /// Its event type.
        event_type: String,
    },
}

/// Gives what is parked of a subject to a handler, in its order, until nothing is left or one fails. The consumer may be
/// running meanwhile: what it parks behind is handled too, and it goes on when all are gone.
///
/// One that will never succeed is removed with [`DeadLetters::take`], and the rest replayed. One at a time replays a
/// subject, as [`replay`] says.
///
/// # Errors
/// When the store fails.
pub async fn replay_subject<H: Handler>(
    letters: &dyn DeadLetters,
    consumer: &str,
    subject: &str,
    handler: &H,
) -> Result<Released, StoreError> {
    Replay::of(letters).subject(consumer, subject, handler).await
}

/// Replaying dead letters otherwise than [`replay`] and [`replay_subject`] do.
///
/// ```
/// # use event_api::{Handler, consume::{DeadLetters, StoreError}};
/// # async fn mend(letters: &dyn DeadLetters, number: u64, handler: &impl Handler) -> Result<(), StoreError> {
/// use event_api::consume::{Replay, Replayed};
///
/// // Of a webhook receiver's handler that was added by `on_channel("v2.users", ..)`.
/// let replayed = Replay::of(letters).on_channel("v2.users").one(number, handler).await?;
/// if let Replayed::UnknownType(event_type) = replayed {
///     println!("kept until a newer version declares {event_type}");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Copy)]
pub struct Replay<'a> {
    letters: &'a dyn DeadLetters,
    channel: Option<&'a str>,
    unknown_too: bool,
}

impl<'a> Replay<'a> {
    /// Replays what is in a store.
    pub fn of(letters: &'a dyn DeadLetters) -> Self {
        Replay { letters, channel: None, unknown_too: false }
    }

    /// What the channel of the handler's events is called in the letters, where that is not the handler's own name for
    /// it: that of [`Receiver::on_channel`](crate::webhook::Receiver::on_channel).
    #[must_use]
    pub fn on_channel(mut self, name: &'a str) -> Self {
        self.channel = Some(name);
        self
    }

    /// Gives the handler also what its channel does not declare, for its method `unknown`. That does nothing unless
    /// written, and then the letter is gone.
    #[must_use]
    pub fn unknown_too(mut self) -> Self {
        self.unknown_too = true;
        self
    }

    /// As [`replay`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn one<H: Handler>(&self, number: u64, handler: &H) -> Result<Replayed, StoreError> {
        let Some(letter) = self.letters.get(number).await? else { return Ok(Replayed::NotFound) };
        let (LetterState::Parked, Some(subject)) = (letter.state, &letter.event.metadata.subject) else {
            return self.try_again(number, letter, handler).await;
        };
        let channel = letter.channel.as_deref().unwrap_or_default();
        let replaying = async {
            match self.letters.first_parked(&letter.consumer, channel, subject).await? {
                Some(first) if first.number == number => self.try_again(number, first.letter, handler).await,
                Some(first) if first.number < number => Ok(Replayed::Behind(first.number)),
                // Somebody else has replayed it meanwhile.
                _ => Ok(Replayed::NotFound),
            }
        };
        let held = Held { letters: self.letters, consumer: &letter.consumer, channel, subject };
        Ok(held.during(replaying).await?.unwrap_or(Replayed::Busy))
    }

    /// As [`replay_subject`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn subject<H: Handler>(
        &self,
        consumer: &str,
        subject: &str,
        handler: &H,
    ) -> Result<Released, StoreError> {
        let channel = self.channel_of::<H>();
        let replaying = async {
            let mut handled = 0;
            while let Some(first) = self.letters.first_parked(consumer, channel, subject).await? {
                let number = first.number;
                match self.try_again(number, first.letter, handler).await? {
                    Replayed::Failed(error) => return Ok(Released::Failed { handled, number, error }),
                    Replayed::UnknownType(event_type) => {
                        return Ok(Released::UnknownType { handled, number, event_type });
                    }
                    Replayed::Handled => handled += 1,
                    // It was removed meanwhile.
                    _ => {}
                }
            }
            Ok(Released::All(handled))
        };
        let held = Held { letters: self.letters, consumer, channel, subject };
        Ok(held.during(replaying).await?.unwrap_or(Released::Busy))
    }

    fn channel_of<H: Handler>(&self) -> &'a str {
        self.channel.unwrap_or(H::Events::CHANNEL.name)
    }

    /// Why a letter is not for a handler, if it is not.
    fn refusal<H: Handler>(&self, letter: &DeadLetter) -> Option<Replayed> {
        let event_type = letter.event.metadata.event_type.as_str();
        match &letter.channel {
            Some(channel) if channel != self.channel_of::<H>() => Some(Replayed::OtherChannel(channel.clone())),
            _ if self.unknown_too || H::Events::CHANNEL.event_types.contains(&event_type) => None,
            _ => Some(Replayed::UnknownType(event_type.to_owned())),
        }
    }

    async fn try_again<H: Handler>(
        &self,
        number: u64,
        mut letter: DeadLetter,
        handler: &H,
    ) -> Result<Replayed, StoreError> {
        if let Some(refusal) = self.refusal::<H>(&letter) {
            return Ok(refusal);
        }
        let letters = self.letters;
        let outcome = match letter.event.decode::<H::Events>() {
            Err(error) => Err(error.to_string()),
            Ok(event) => {
                letter.attempts = letter.attempts.saturating_add(1);
                let mut context = Context::new(letter.event.metadata.clone(), letter.position);
                context.begin(letter.attempts, letters.transactions());
                let channel = self.channel_of::<H>();
                let span = telemetry::processing(channel, &letter.consumer, &letter.event.metadata);
                let metrics = Consuming::of(channel.to_owned(), &letter.consumer);
                let timed = metrics.attempt();
                let outcome = attempt::run(handler, event, &context, None).instrument(span.clone()).await;
                let failed = outcome.as_ref().err().map(|failure| failure.disposition().as_str());
                metrics.attempted(&timed, failed);
                if let Some(error) = failed {
                    telemetry::fail(&span, error);
                }
                match (outcome.map_err(Failure::into_error), context.end().await) {
                    (Ok(()), Ok(Some(mut transaction))) => {
                        if transaction.take_letter(number).await? == Moved::Overtaken {
                            transaction.rollback().await;
                            return Ok(Replayed::NotFound);
                        }
                        transaction.commit().await?;
                        return Ok(Replayed::Handled);
                    }
                    (Err(error), Ok(Some(transaction))) => {
                        transaction.rollback().await;
                        Err(error)
                    }
                    (outcome, Ok(None)) => outcome,
                    (outcome, Err(in_use)) => outcome.and(Err(in_use.to_string())),
                }
            }
        };
        match outcome {
            Ok(()) => {
                letters.take(number).await?;
                Ok(Replayed::Handled)
            }
            Err(error) => {
                letter.error.clone_from(&error);
                letter.time = Utc::now();
                // Unless another replay has removed it meanwhile.
                let there = letters.update(number, &letter).await?;
                Ok(if there { Replayed::Failed(error) } else { Replayed::NotFound })
            }
        }
    }
}

/// A parked subject that one at a time replays: two would handle its letters beside each other, and out of their order.
struct Held<'a> {
    letters: &'a dyn DeadLetters,
    consumer: &'a str,
    channel: &'a str,
    subject: &'a str,
}

impl Held<'_> {
    /// Does something while the subject is held. `None` when it is, or comes to be, held by somebody else.
    async fn during<T>(self, work: impl Future<Output = Result<T, StoreError>>) -> Result<Option<T>, StoreError> {
        let Held { letters, consumer, channel, subject } = self;
        let holder = Uuid::now_v7().to_string();
        if !letters.hold(consumer, channel, subject, &holder, LEASE).await? {
            return Ok(None);
        }
        let lost = async {
            loop {
                tokio::time::sleep(LEASE / 3).await;
                match letters.hold(consumer, channel, subject, &holder, LEASE).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => {
                        let error = attempt::chain(&error);
                        tracing::warn!(consumer, subject, error, "a subject that is replayed could not be held on to");
                    }
                }
            }
        };
        let done = tokio::select! {
            biased;
            done = work => done,
            () = lost => return Ok(None),
        };
        if let Err(error) = letters.let_go(consumer, channel, subject, &holder).await {
            // Then it is free when the lease has run out.
            let error = attempt::chain(&error);
            tracing::warn!(consumer, subject, error, "a subject that was replayed could not be let go");
        }
        done.map(Some)
    }
}

impl fmt::Debug for Replay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Replay { channel, unknown_too, .. } = self;
        f.debug_struct("Replay").field("channel", channel).field("unknown_too", unknown_too).finish_non_exhaustive()
    }
}
