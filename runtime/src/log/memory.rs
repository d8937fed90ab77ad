//! The log in memory: for tests, demonstrations and events that may be lost with the process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::same::same_content;
use super::wake::Wake;
use super::{Append, Bounds, Log, LogError, StoredEvent, check};
use crate::event::{EventId, Position, RawEvent};
use crate::publish::Receipt;

/// A log in memory. It keeps the contract of [`Log`] but for durability: it ends with its last handle.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    channels: Mutex<HashMap<String, Channel>>,
    wake: Wake,
}

#[derive(Debug, Default)]
struct Channel {
    /// The position of the first event in `events`.
    oldest: u64,
    events: VecDeque<RawEvent>,
    positions: HashMap<EventId, Position>,
}

impl Channel {
    fn bounds(&self) -> Bounds {
        Bounds { oldest: Position(self.oldest), next: Position(self.oldest + self.events.len() as u64) }
    }

    fn get(&self, position: Position) -> Option<&RawEvent> {
        let index = position.0.checked_sub(self.oldest)?;
        self.events.get(usize::try_from(index).ok()?)
    }

    /// Appends all or none: on an error, what was appended before it is taken back.
    fn append(&mut self, name: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        let before = self.events.len();
        let mut receipts = Vec::with_capacity(events.len());
        for event in events {
            let id = event.metadata.id.clone();
            let position = match self.positions.get(&id) {
                Some(&position) => {
                    if !self.get(position).is_some_and(|first| same_content(first, &event)) {
                        for event in self.events.drain(before..) {
                            self.positions.remove(&event.metadata.id);
                        }
                        return Err(LogError::IdReused { channel: name.to_owned(), id });
                    }
                    position
                }
                None => {
                    let position = self.bounds().next;
                    self.positions.insert(id.clone(), position);
                    self.events.push_back(event);
                    position
                }
            };
            receipts.push(Receipt::new(id, Some(position)));
        }
        Ok(receipts)
    }
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        MemoryLog::default()
    }

    /// Removes the events before `before`, and returns how many they were. Who reads below gets
    /// [`LogError::Retained`]. The ids of removed events are forgotten.
    pub fn trim(&self, channel: &str, before: Position) -> u64 {
        let mut channels = self.channels();
        let Some(channel) = channels.get_mut(channel) else { return 0 };
        let mut removed = 0;
        while channel.oldest < before.0 {
            let Some(event) = channel.events.pop_front() else { break };
            channel.positions.remove(&event.metadata.id);
            channel.oldest += 1;
            removed += 1;
        }
        removed
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<String, Channel>> {
        // Nothing that holds this lock can leave a channel half changed.
        self.shared.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Log for MemoryLog {
    async fn append(&self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        check(channel, &events)?;
        let (receipts, next) = {
            let mut channels = self.channels();
            let held = channels.entry(channel.to_owned()).or_default();
            (held.append(channel, events)?, held.bounds().next)
        };
        self.shared.wake.advance(channel, next);
        Ok(receipts)
    }

    async fn read(&self, channel: &str, from: Position, limit: usize) -> Result<Vec<StoredEvent>, LogError> {
        let channels = self.channels();
        let Some(held) = channels.get(channel) else { return Ok(Vec::new()) };
        let Bounds { oldest, .. } = held.bounds();
        let Some(skip) = from.0.checked_sub(oldest.0) else {
            return Err(LogError::Retained { channel: channel.to_owned(), oldest });
        };
        // A position that does not fit is beyond the end.
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(held.events.len());
        let events = held.events.range(skip..).take(limit);
        Ok(events
            .zip(from.0..)
            .map(|(event, at)| StoredEvent { position: Position(at), event: event.clone() })
            .collect())
    }

    async fn bounds(&self, channel: &str) -> Result<Bounds, LogError> {
        Ok(self.channels().get(channel).map(Channel::bounds).unwrap_or_default())
    }

    async fn wait(&self, channel: &str, position: Position) -> Result<(), LogError> {
        let watch = self.shared.wake.watch(channel);
        if self.bounds(channel).await?.next <= position {
            watch.beyond(position).await;
        }
        Ok(())
    }
}

/// Each append is a transaction of its own: there is nothing to roll back.
#[async_trait]
impl Append for MemoryLog {
    async fn append(&mut self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        Log::append(self, channel, events).await
    }
}
