//! Giving dead letters to a handler again: one, or all that are parked of a subject in their order.

use chrono::Utc;

use super::attempt::{self, Failure};
use super::dead_letter::{DeadLetter, DeadLetters, LetterState};
use super::error::StoreError;
use super::handler::{Context, Handler};
use super::transaction::Moved;
use crate::event::EventSet as _;

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
}

/// Gives a dead letter to a handler again, once.
///
/// The letter is removed after the handler succeeded, so a process that is killed in between replays it twice rather
/// than not at all. A handler that works in [`Context::transaction`](super::Context::transaction) has its effect exactly
/// once: the letter is removed in the same, where the store has transactions.
///
/// Of a parked subject, only the first letter can be replayed.
///
/// # Errors
/// When the store fails.
pub async fn replay<H: Handler>(letters: &dyn DeadLetters, number: u64, handler: &H) -> Result<Replayed, StoreError> {
    let Some(letter) = letters.get(number).await? else { return Ok(Replayed::NotFound) };
    if let (LetterState::Parked, Some(subject)) = (letter.state, &letter.event.metadata.subject) {
        let channel = letter.channel.as_deref().unwrap_or_default();
        match letters.first_parked(&letter.consumer, channel, subject).await? {
            Some(first) if first.number != number => return Ok(Replayed::Behind(first.number)),
            _ => {}
        }
    }
    try_again(letters, number, letter, handler).await
}

/// What became of a parked subject that was replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Released {
    /// All its letters, so many, were handled: the consumer handles the subject's next events itself again.
    All(u64),
    /// After so many, a letter failed again: it and those behind it stay parked.
    Failed {
        /// How many were handled.
        handled: u64,
        /// The number of the letter that failed.
        number: u64,
        /// Why it did.
        error: String,
    },
}

/// Gives what is parked of a subject to a handler, in its order, until nothing is left or one fails. The consumer may be
/// running meanwhile: what it parks behind is handled too, and it goes on when all are gone.
///
/// One that will never succeed is removed with [`DeadLetters::take`], and the rest replayed.
///
/// # Errors
/// When the store fails.
pub async fn replay_subject<H: Handler>(
    letters: &dyn DeadLetters,
    consumer: &str,
    subject: &str,
    handler: &H,
) -> Result<Released, StoreError> {
    let mut handled = 0;
    while let Some(first) = letters.first_parked(consumer, H::Events::CHANNEL.name, subject).await? {
        let number = first.number;
        match try_again(letters, number, first.letter, handler).await? {
            Replayed::Failed(error) => return Ok(Released::Failed { handled, number, error }),
            Replayed::Handled => handled += 1,
            // Others have replayed it meanwhile.
            _ => {}
        }
    }
    Ok(Released::All(handled))
}

async fn try_again<H: Handler>(
    letters: &dyn DeadLetters,
    number: u64,
    mut letter: DeadLetter,
    handler: &H,
) -> Result<Replayed, StoreError> {
    let outcome = match letter.event.decode::<H::Events>() {
        Err(error) => Err(error.to_string()),
        Ok(event) => {
            letter.attempts = letter.attempts.saturating_add(1);
            let mut context = Context::new(letter.event.metadata.clone(), letter.position);
            context.begin(letter.attempts, letters.transactions());
            let outcome = attempt::run(handler, event, &context, None).await.map_err(Failure::into_error);
            match (outcome, context.end().await) {
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
