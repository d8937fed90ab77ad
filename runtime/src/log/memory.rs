//! The log in memory: for tests, demonstrations and events that may be lost with the process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;

use super::retention::{self, Aged, Retention, Trimmed};
use super::same::same_content;
use super::wake::Wake;
use super::{Append, Bounds, Log, LogError, PageLimit, StoredEvent, check};
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
    events: VecDeque<Held>,
    /// Of all payloads.
    bytes: u64,
    positions: HashMap<EventId, Position>,
}

#[derive(Debug)]
struct Held {
    event: RawEvent,
    since: Instant,
}

impl Held {
    fn bytes(&self) -> usize {
        self.event.data.get().len()
    }
}

impl Channel {
    fn bounds(&self) -> Bounds {
        Bounds { oldest: Position(self.oldest), next: Position(self.oldest + self.events.len() as u64) }
    }

    fn get(&self, position: Position) -> Option<&RawEvent> {
        let index = position.0.checked_sub(self.oldest)?;
        self.events.get(usize::try_from(index).ok()?).map(|held| &held.event)
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
                        for held in self.events.drain(before..) {
                            self.bytes -= held.bytes() as u64;
                            self.positions.remove(&held.event.metadata.id);
                        }
                        return Err(LogError::IdReused { channel: name.to_owned(), id });
                    }
                    position
                }
                None => {
                    let position = self.bounds().next;
                    self.positions.insert(id.clone(), position);
                    let held = Held { event, since: Instant::now() };
                    self.bytes += held.bytes() as u64;
                    self.events.push_back(held);
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

    async fn read_page(&self, channel: &str, from: Position, limit: PageLimit) -> Result<Vec<StoredEvent>, LogError> {
        let channels = self.channels();
        let Some(held) = channels.get(channel) else { return Ok(Vec::new()) };
        let Bounds { oldest, .. } = held.bounds();
        let Some(skip) = from.0.checked_sub(oldest.0) else {
            return Err(LogError::Retained { channel: channel.to_owned(), oldest });
        };
        // A position that does not fit is beyond the end.
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(held.events.len());
        let mut bytes = 0_usize;
        let events = held.events.range(skip..).take(limit.events).take_while(|held| {
            let taken = bytes < limit.bytes.max(1);
            bytes = bytes.saturating_add(held.bytes());
            taken
        });
        Ok(events
            .zip(from.0..)
            .map(|(held, at)| StoredEvent { position: Position(at), event: held.event.clone() })
            .collect())
    }

    async fn find(&self, channel: &str, id: &EventId) -> Result<Option<Position>, LogError> {
        Ok(self.channels().get(channel).and_then(|channel| channel.positions.get(id).copied()))
    }

    async fn bounds(&self, channel: &str) -> Result<Bounds, LogError> {
        Ok(self.channels().get(channel).map(Channel::bounds).unwrap_or_default())
    }

    async fn wait(&self, channel: &str, position: Position) -> Result<(), LogError> {
        let watch = self.shared.wake.watch(channel);
        match self.bounds(channel).await?.next <= position {
            true => watch.beyond(position).await,
            false => Ok(()),
        }
    }

    async fn trim(&self, channel: &str, retention: &Retention, limit: usize) -> Result<Trimmed, LogError> {
        let mut channels = self.channels();
        let Some(channel) = channels.get_mut(channel) else { return Ok(Trimmed::default()) };
        let Bounds { oldest, next } = channel.bounds();
        let aged = |held: &Held| Aged { age: held.since.elapsed(), bytes: held.bytes() as u64 };
        let holding = retention::Held { oldest, next, bytes: channel.bytes };
        let cut = retention.begin(holding, channel.events.iter().take(limit).map(aged));
        for _ in 0..cut.events {
            if let Some(held) = channel.events.pop_front() {
                channel.positions.remove(&held.event.metadata.id);
            }
        }
        channel.oldest += cut.events;
        channel.bytes -= cut.bytes;
        Ok(Trimmed::new(cut.events, channel.bounds().oldest))
    }
}

/// Each append is a transaction of its own: there is nothing to roll back.
#[async_trait]
impl Append for MemoryLog {
    async fn append(&mut self, channel: &str, events: Vec<RawEvent>) -> Result<Vec<Receipt>, LogError> {
        Log::append(self, channel, events).await
    }
}
