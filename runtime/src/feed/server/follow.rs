//! Following a channel: what is there first, then what comes. Streams of server-sent events and WebSockets are two
//! framings of it. A reader that has nothing to read costs a parked task.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};

use super::Feeds;
use super::scan::is_wanted;
use super::tail::Chunk;
use crate::event::{Channel, Position};
use crate::log::{LogError, StoredEvent};
use crate::problem::Problem;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where a client goes on that reconnects. It goes before the URL, which a client repeats as it was.
pub(super) fn resume(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    // A client without an id sends none, or an empty one.
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    let seen = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    let Some(next) = seen.and_then(|seen| seen.checked_add(1)) else {
        let detail =
            format!("`Last-Event-ID` is {value:?}, and must be the id of an event of this stream, a whole number");
        return Err(Problem::bad_request(detail));
    };
    Ok(Some(Position(next)))
}

/// A reader of a channel from a position on.
pub(super) struct Follower {
    pub(super) feeds: Arc<Feeds>,
    pub(super) channel: &'static Channel,
    next: Position,
    types: BTreeSet<String>,
}

/// What a follower has to tell.
pub(super) enum News {
    /// Events, not all of which may be of the types that are asked for.
    Events(Chunk),
    /// For the time of a heartbeat there was nothing.
    Quiet,
    /// The server shuts down.
    Shutdown,
}

impl Follower {
    /// A follower from `next` on, where events may be read; of all types when there are none.
    pub(super) fn new(feeds: Arc<Feeds>, channel: &'static Channel, next: Position, types: BTreeSet<String>) -> Self {
        Follower { feeds, channel, next, types }
    }

    /// Where it goes on.
    #[cfg(feature = "websocket")]
    pub(super) fn next(&self) -> Position {
        self.next
    }

    /// Waits for what is next.
    pub(super) async fn news(&mut self) -> Result<News, LogError> {
        let feeds = Arc::clone(&self.feeds);
        loop {
            // A reader of a long history need not come to its end first.
            if feeds.shutdown.requested() {
                return Ok(News::Shutdown);
            }
            let chunk = feeds.tails.read(feeds.log.as_ref(), self.channel.name, self.next).await?;
            if let Some(last) = chunk.events().last() {
                self.next = last.position.next();
                return Ok(News::Events(chunk));
            }
            let waiting = tokio::time::timeout(feeds.heartbeat, feeds.log.wait(self.channel.name, self.next));
            match feeds.shutdown.or(waiting).await {
                None => return Ok(News::Shutdown),
                Some(Err(_)) => return Ok(News::Quiet),
                Some(Ok(woken)) => woken?,
            }
        }
    }

    /// Those of the events that are asked for.
    pub(super) fn wanted<'a>(&self, chunk: &'a Chunk) -> impl Iterator<Item = &'a StoredEvent> {
        chunk.events().iter().filter(|stored| is_wanted(stored, &self.types))
    }

    /// The last event that was looked at, where it is not asked for: the client goes on behind it.
    pub(super) fn passed(&self, chunk: &Chunk) -> Option<Position> {
        chunk.events().last().filter(|last| !is_wanted(last, &self.types)).map(|last| last.position)
    }
}
