//! A consumer's place in its source, in memory and in the store.
//!
//! Events that were taken and are not yet behind the checkpoint stand in a window, in the order of the source. They may
//! be completed in any order; the checkpoint moves past those at the front that are. A window of one is the plain case
//! of one event after the other.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::checkpoint::{Checkpoint, Checkpoints};
use super::completions::{Completion, Completions};
use super::error::ConsumeError;
use super::patience::persist;
use super::shutdown::Shutdown;
use super::transaction::Moved;
use crate::event::Position;

/// How far events may be taken beyond the first that is not completed: what is held in memory.
const WINDOW: usize = 1024;
const WINDOW_BYTES: usize = 32 << 20;
/// When so many events are completed beyond the checkpoint, that is noted. Until it is stored, up to as many as the window
/// holds may be completed: they are handled again after a kill, unless their handler noted it in its transaction.
const UNNOTED: usize = 32;

/// Whether it is in the store that an event is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// It was committed with the handler's transaction.
    Yes,
    No,
}

/// The checkpoints that move.
pub(super) enum Keeper {
    /// That of one consumer, by itself.
    Alone { consumer: String, checkpoints: Arc<dyn Checkpoints> },
    /// Those that `holder` holds, with notes of what is completed beyond them.
    Holder { holder: Arc<str>, parts: Vec<Part>, completions: Arc<dyn Completions> },
}

/// A checkpoint that is held.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The consumer, or its partition.
    pub(super) consumer: String,
    /// Where it stands; not further back than the others of its group.
    pub(super) at: Option<Position>,
}

pub(crate) struct Progress {
    keeper: Keeper,
    /// How long what was completed may be known here alone.
    interval: Duration,
    /// When the checkpoint was stored.
    stored_at: Instant,
    /// The checkpoint in the store, as far as this consumer has read it or moved it.
    stored: Option<Checkpoint>,
    shutdown: Shutdown,
    /// Behind the last event that was taken.
    read: Option<Checkpoint>,
    /// Completed before this consumer was started.
    before: HashSet<Completion>,
    window: VecDeque<Slot>,
    /// The number of the window's first slot.
    first: u64,
    bytes: usize,
    unnoted: usize,
    /// How far the checkpoint may go, where it is not yet in the store.
    unwritten: Option<Checkpoint>,
    /// Whether that passes events of this consumer.
    own: bool,
    /// What the checkpoint has passed then, of what is noted in the store.
    passed: Vec<Completion>,
}

struct Slot {
    checkpoint: Checkpoint,
    state: State,
    /// `None` for what is no event of this consumer: a page that ends, an event that belongs to another.
    completion: Option<Completion>,
    bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Done(Stored),
}

impl Progress {
    pub(super) fn new(
        keeper: Keeper,
        interval: Duration,
        checkpoint: Option<Checkpoint>,
        before: HashSet<Completion>,
        shutdown: &Shutdown,
    ) -> Self {
        Progress {
            keeper,
            interval,
            stored_at: Instant::now(),
            stored: checkpoint.clone(),
            shutdown: shutdown.clone(),
            read: checkpoint,
            before,
            window: VecDeque::new(),
            first: 0,
            bytes: 0,
            unnoted: 0,
            unwritten: None,
            own: false,
            passed: Vec::new(),
        }
    }

    /// Behind the last event that was taken, if there was one yet.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        self.read.as_ref()
    }

    /// The checkpoint in the store.
    pub(super) fn stored(&self) -> Option<&Checkpoint> {
        self.stored.as_ref()
    }

    /// When something has to be stored, if there is anything.
    pub(super) fn due(&self) -> Option<Instant> {
        let is_something = self.unwritten.is_some() || self.unnoted >= UNNOTED;
        is_something.then(|| self.stored_at + self.interval)
    }

    /// Whether the interval is over.
    pub(super) fn is_due(&self) -> bool {
        self.interval.is_zero() || self.stored_at.elapsed() >= self.interval
    }

    /// Whether more events were taken than can be remembered.
    pub(super) fn is_full(&self) -> bool {
        self.window.len() >= WINDOW || self.bytes >= WINDOW_BYTES
    }

    /// Whether an event was completed before this consumer was started.
    pub(super) fn is_completed(&self, completion: &Completion) -> bool {
        self.before.contains(completion)
    }

    /// An event is taken. Its number is for [`Progress::complete`].
    pub(super) fn take(&mut self, checkpoint: Checkpoint, completion: Completion, bytes: usize) -> u64 {
        self.push(Slot { checkpoint, state: State::Open, completion: Some(completion), bytes })
    }

    /// An event is taken that was completed before.
    pub(super) fn take_completed(&mut self, checkpoint: Checkpoint, completion: Completion) {
        self.push(Slot { checkpoint, state: State::Done(Stored::Yes), completion: Some(completion), bytes: 0 });
    }

    /// Something is passed that is no event of this consumer.
    pub(super) fn pass(&mut self, checkpoint: Checkpoint) {
        match self.window.back_mut() {
            Some(Slot { checkpoint: last, state: State::Done(_), completion: None, .. }) => {
                last.clone_from(&checkpoint);
                self.read = Some(checkpoint);
            }
            _ => {
                self.push(Slot { checkpoint, state: State::Done(Stored::No), completion: None, bytes: 0 });
            }
        }
    }

    fn push(&mut self, slot: Slot) -> u64 {
        self.read = Some(slot.checkpoint.clone());
        self.bytes += slot.bytes;
        self.window.push_back(slot);
        self.first + self.window.len() as u64 - 1
    }

    /// An event is completed.
    pub(super) fn complete(&mut self, number: u64, stored: Stored) {
        let index = number.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(slot) = index.and_then(|index| self.window.get_mut(index)) {
            slot.state = State::Done(stored);
            self.unnoted += usize::from(stored == Stored::No);
        }
    }

    /// The only event under way is completed.
    pub(super) async fn completed(&mut self, checkpoint: Checkpoint, stored: Stored) -> Result<(), ConsumeError> {
        self.read = Some(checkpoint.clone());
        match stored {
            Stored::Yes => {
                self.unwritten = None;
                self.stored = Some(checkpoint);
                self.stored_at = Instant::now();
                Ok(())
            }
            Stored::No => {
                self.unwritten = Some(checkpoint);
                if self.is_due() { self.flush().await } else { Ok(()) }
            }
        }
    }

    /// Moves the checkpoint as far as it may go. Where it would only pass events of others, of which there may be many,
    /// it waits for one of its own, or for [`Progress::flush`].
    pub(super) async fn settle(&mut self) -> Result<(), ConsumeError> {
        let done = self.window.iter().take_while(|slot| slot.state != State::Open).count();
        if done > 0 {
            let passed: Vec<Slot> = self.window.drain(..done).collect();
            self.first += done as u64;
            self.bytes -= passed.iter().map(|slot| slot.bytes).sum::<usize>();
            self.own |= passed.iter().any(|slot| slot.completion.is_some());
            for slot in passed {
                let Slot { checkpoint, state, completion, .. } = slot;
                self.unwritten = Some(checkpoint);
                match (state, completion) {
                    (State::Done(Stored::Yes), Some(completion)) => {
                        self.before.remove(&completion);
                        self.passed.push(completion);
                    }
                    (State::Done(Stored::No), Some(_)) => self.unnoted = self.unnoted.saturating_sub(1),
                    _ => {}
                }
            }
        }
        // What has to be forgotten is held in memory until then.
        if self.own && (self.is_due() || self.passed.len() >= WINDOW) {
            self.flush().await?;
        }
        if self.unnoted >= UNNOTED && self.is_due() { self.note().await } else { Ok(()) }
    }

    /// Stores what is due.
    pub(super) async fn store_due(&mut self) -> Result<(), ConsumeError> {
        self.flush().await?;
        if self.unnoted >= UNNOTED { self.note().await } else { Ok(()) }
    }

    /// Somebody else has moved the checkpoint: where nobody would notice, it must not be moved back.
    pub(super) fn overtaken(&mut self) {
        if let Keeper::Alone { .. } = self.keeper {
            self.unwritten = None;
        }
    }

    /// Stores how far the checkpoint may go.
    pub(super) async fn flush(&mut self) -> Result<(), ConsumeError> {
        let Some(next) = self.unwritten.take() else { return Ok(()) };
        let passed = std::mem::take(&mut self.passed);
        self.own = false;
        self.write(&next, &passed).await?;
        self.stored = Some(next);
        self.stored_at = Instant::now();
        Ok(())
    }

    /// Moves the checkpoint as far as it may go, and notes what is completed beyond it.
    pub(super) async fn settle_all(&mut self) -> Result<(), ConsumeError> {
        let settled = match self.settle().await {
            Ok(()) => self.flush().await,
            failed => failed,
        };
        match settled {
            // What is completed of the checkpoints that are still held.
            Ok(()) | Err(ConsumeError::Overtaken { .. }) => {
                let noted = self.note().await;
                settled.and(noted)
            }
            failed => failed,
        }
    }

    /// Notes what is completed beyond the checkpoint.
    async fn note(&mut self) -> Result<(), ConsumeError> {
        let Keeper::Holder { holder, completions, .. } = &self.keeper else { return Ok(()) };
        let done = |slot: &&mut Slot| slot.state == State::Done(Stored::No) && slot.completion.is_some();
        let slots: Vec<&mut Slot> = self.window.iter_mut().filter(done).collect();
        let mut completed: Vec<Completion> = slots.iter().filter_map(|slot| slot.completion.clone()).collect();
        completed.sort_by(|one, next| one.consumer.cmp(&next.consumer));
        self.unnoted = 0;
        self.stored_at = Instant::now();
        if completed.is_empty() {
            return Ok(());
        }
        if persist(&self.shutdown, || completions.note(holder, &completed)).await? == Moved::Overtaken {
            // Of those that are still held, it is noted.
            let mut lost = None;
            for completed in completed.chunk_by(|one, next| one.consumer == next.consumer) {
                if persist(&self.shutdown, || completions.note(holder, completed)).await? == Moved::Overtaken {
                    lost = completed.first();
                }
            }
            let consumer = lost.or(completed.first()).map_or_else(String::new, |lost| lost.consumer.clone());
            return Err(ConsumeError::Overtaken { consumer });
        }
        for slot in slots {
            slot.state = State::Done(Stored::Yes);
        }
        Ok(())
    }

    async fn write(&mut self, next: &Checkpoint, passed: &[Completion]) -> Result<(), ConsumeError> {
        match &mut self.keeper {
            Keeper::Alone { consumer, checkpoints } => {
                persist(&self.shutdown, || checkpoints.store(consumer, next)).await.map_err(ConsumeError::Store)
            }
            Keeper::Holder { holder, parts, completions } => {
                // A partition that was further on than the others keeps its place, also before those have one. The
                // only part is where its own reading has come, also in a feed that tells positions of some events only.
                if let [Part { consumer, .. }] = parts.as_slice() {
                    let only = [consumer.as_str()];
                    let moved = persist(&self.shutdown, || completions.advance(holder, &only, next, passed));
                    return match moved.await? {
                        Moved::Yes => Ok(()),
                        Moved::Overtaken => Err(ConsumeError::Overtaken { consumer: consumer.clone() }),
                    };
                }
                let parts: Vec<&mut Part> = parts.iter_mut().filter(|part| part.at <= next.position).collect();
                let consumers: Vec<&str> = parts.iter().map(|part| part.consumer.as_str()).collect();
                if consumers.is_empty() && passed.is_empty() {
                    return Ok(());
                }
                let moved = persist(&self.shutdown, || completions.advance(holder, &consumers, next, passed)).await?;
                if moved == Moved::Overtaken {
                    // Those that are still held move all the same.
                    let mut lost = None;
                    for part in parts {
                        let own = |passed: &&Completion| passed.consumer == part.consumer;
                        let passed: Vec<Completion> = passed.iter().filter(own).cloned().collect();
                        let alone = [part.consumer.as_str()];
                        match persist(&self.shutdown, || completions.advance(holder, &alone, next, &passed)).await? {
                            Moved::Yes => part.at = next.position,
                            Moved::Overtaken => lost = Some(part.consumer.clone()),
                        }
                    }
                    return Err(ConsumeError::Overtaken { consumer: lost.unwrap_or_default() });
                }
                for part in parts {
                    part.at = next.position;
                }
                Ok(())
            }
        }
    }
}
