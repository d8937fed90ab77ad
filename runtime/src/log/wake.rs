//! Waiting for events: readers park on a channel, whoever learns that the channel has grown wakes them.

use std::collections::HashMap;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::LogError;
use crate::event::Position;

/// What is known of each channel's next position, for the channels that somebody waits for.
type Watched = HashMap<String, watch::Sender<Position>>;

#[derive(Debug, Default)]
struct Channels {
    watched: Watched,
    /// Nothing more will be known.
    ended: bool,
}

/// Who waits for which channel.
#[derive(Debug, Default)]
pub(super) struct Wake {
    channels: Mutex<Channels>,
    /// Told when somebody begins to wait.
    arrival: Notify,
}

impl Wake {
    /// Begins to watch a channel. Look at the channel only afterwards, so that nothing falls between the two.
    pub(super) fn watch(&self, channel: &str) -> Watch {
        let mut channels = self.channels();
        let receiver = match channels.watched.get(channel) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(Position::default());
                if !channels.ended {
                    channels.watched.insert(channel.to_owned(), sender);
                }
                receiver
            }
        };
        drop(channels);
        self.arrival.notify_waiters();
        Watch(receiver)
    }

    /// The channel's next event will stand at `next`: wakes those who wait for an event before it.
    pub(super) fn advance(&self, channel: &str, next: Position) {
        let mut channels = self.channels();
        let Some(sender) = channels.watched.get(channel) else { return };
        if sender.receiver_count() == 0 {
            channels.watched.remove(channel);
            return;
        }
        sender.send_if_modified(|known| {
            let grown = next > *known;
            *known = next.max(*known);
            grown
        });
    }

    /// Nobody will learn of growth any more: ends all waiting, and that which begins later.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn end(&self) {
        *self.channels() = Channels { watched: Watched::new(), ended: true };
    }

    /// Returns when somebody waits; at once if somebody does.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) async fn somebody(&self) {
        loop {
            let mut arrival = pin!(self.arrival.notified());
            // From here on, nobody's arrival is missed.
            arrival.as_mut().enable();
            if self.is_awaited() {
                return;
            }
            arrival.await;
        }
    }

    /// The channels that somebody waits for.
    #[cfg(feature = "postgres")]
    pub(super) fn awaited(&self) -> Vec<String> {
        self.channels()
            .watched
            .iter()
            .filter(|(_, sender)| sender.receiver_count() > 0)
            .map(|(name, _)| name.clone())
            .collect()
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn is_awaited(&self) -> bool {
        let mut channels = self.channels();
        channels.watched.retain(|_, sender| sender.receiver_count() > 0);
        !channels.watched.is_empty()
    }

    fn channels(&self) -> MutexGuard<'_, Channels> {
        // Nothing that holds this lock can leave the map half changed.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits.
#[derive(Debug)]
pub(super) struct Watch(watch::Receiver<Position>);

impl Watch {
    /// Returns when the channel has grown beyond `position`.
    ///
    /// # Errors
    /// When nothing more will be known of the channel.
    pub(super) async fn beyond(mut self, position: Position) -> Result<(), LogError> {
        match self.0.wait_for(|next| *next > position).await {
            Ok(_) => Ok(()),
            Err(_) => Err(LogError::Storage(Box::new(Closed))),
        }
    }
}

/// The log was closed while somebody waited for its events.
#[derive(Debug, thiserror::Error)]
#[error("the log's database pool was closed")]
struct Closed;
