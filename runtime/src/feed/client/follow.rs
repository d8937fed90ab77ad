//! Following a feed from its head over a connection: event after event as the server brings them, by the rules by which
//! pages are walked. Whatever is odd ends the connection, and the pages say what is true.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::fetch::beginning;
use super::fresh::{self, Odd};
use super::live::{Connection, Frame, Live, Opening};
use super::location::{at_offset, offset, types};
use super::originals::Items;
use super::walk::{Walk, incoming};
use crate::consume::{ConsumeError, Flow, Handler, Original};
use crate::event::Position;
use crate::feed::page::PageItem;

/// How a walk follows its feed from the head on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Following {
    pub(super) live: Live,
    /// How long a connection may be silent.
    pub(super) silence: Duration,
    /// How many bytes an item may have.
    pub(super) limit: usize,
}

/// How following ended.
pub(super) enum Followed {
    /// Shutdown came.
    Stopped,
    /// There is nothing to follow here, now or later.
    Unavailable(String),
    /// The connection could not be opened, or is over.
    Over(Over),
}

/// Why a connection is over.
pub(super) struct Over {
    pub(super) reason: String,
    /// How long the server asks to wait.
    pub(super) after: Option<Duration>,
    /// It was of use: nothing is wrong with the feed, only this connection has ended.
    pub(super) was_of_use: bool,
}

impl<H: Handler> Walk<'_, H> {
    /// Follows the feed from behind the last completed event.
    pub(super) async fn follow(&mut self, following: &Following) -> Result<Followed, ConsumeError> {
        let Some(begin) = offset(&self.url) else {
            return Ok(Followed::Unavailable("the URLs of its pages have no `offset`".to_owned()));
        };
        let last = self.lanes.progress().checkpoint().and_then(|checkpoint| checkpoint.position);
        let begin = begin.max(last.map_or(begin, |last| Position(last.0.saturating_add(1))));
        let url = at_offset(&self.url, begin);
        let opening = Connection::open(self.fetcher, following.live, &url, following.limit);
        let Some(opening) = self.lanes.during(opening).await? else { return Ok(Followed::Stopped) };
        let mut connection = match opening? {
            Opening::Open(connection) => connection,
            Opening::Unavailable(reason) => return Ok(Followed::Unavailable(reason)),
            Opening::Later { reason, after } => return Ok(Followed::Over(Over { reason, after, was_of_use: false })),
        };
        tracing::debug!(consumer = self.lanes.consumer(), %url, live = ?following.live, "the feed is followed");

        let mut follow = Follow { walk: self, expected: begin, url };
        let odd = |reason| Ok(Followed::Over(Over { reason, after: None, was_of_use: false }));
        let (mut probed, mut was_of_use) = (false, false);
        loop {
            let frame = timeout(following.silence / 2, connection.next());
            let frame = match follow.walk.lanes.during(frame).await? {
                None => return Ok(Followed::Stopped),
                Some(Ok(frame)) => frame?,
                Some(Err(_)) if probed => {
                    let reason = format!("nothing came for {} s", following.silence.as_secs_f32());
                    return Ok(Followed::Over(Over { reason, after: None, was_of_use }));
                }
                Some(Err(_)) => {
                    probed = true;
                    // A connection that takes nothing would keep the probe waiting, too.
                    let _ = timeout(following.silence / 2, connection.probe()).await;
                    continue;
                }
            };
            probed = false;
            let taken = match frame {
                Frame::Item(text) => {
                    let text = follow.walk.fetcher.item_in_our_names(text);
                    follow.take(&text).await?
                }
                Frame::At(position) => follow.pass(position).await?,
                Frame::Alive => Taken::Yes,
                Frame::End { reason, after } => return Ok(Followed::Over(Over { reason, after, was_of_use })),
            };
            match taken {
                Taken::Yes => was_of_use = true,
                Taken::Stopped => return Ok(Followed::Stopped),
                Taken::Odd(reason) => return odd(reason),
                Taken::Unknown => {
                    return Ok(Followed::Unavailable("it sends items without `_position`".to_owned()));
                }
            }
        }
    }
}

/// What became of a frame.
enum Taken {
    Yes,
    Stopped,
    /// Not what a feed promises.
    Odd(String),
    /// Without a position, nobody knows where to go on when the connection breaks.
    Unknown,
}

/// The state of a connection that is followed.
struct Follow<'a, 'w, H: Handler> {
    walk: &'a mut Walk<'w, H>,
    /// The next position that can be new.
    expected: Position,
    /// Where it was opened.
    url: Url,
}

impl<H: Handler> Follow<'_, '_, H> {
    /// Takes an item through the pipeline, unless it was completed before.
    async fn take(&mut self, text: &str) -> Result<Taken, ConsumeError> {
        let walk = &mut *self.walk;
        let item = match PageItem::<H::Events>::from_text(text) {
            Ok(item) => item,
            Err(error) => return Ok(Taken::Odd(format!("what came is no item: {error} ({:?})", beginning(text)))),
        };
        let Some(position) = item.position else { return Ok(Taken::Unknown) };
        match fresh::items(std::slice::from_ref(&item), walk.lanes.progress().checkpoint()) {
            Ok(fresh) if fresh == [true] && position >= self.expected => {}
            Ok(_) => return Ok(Taken::Yes),
            Err(Odd::OutOfOrder(reason)) => return Ok(Taken::Odd(reason)),
            Err(Odd::Rewritten { position, expected, found }) => {
                let url = self.url.to_string();
                return Err(ConsumeError::Rewritten { url, position, expected, found });
            }
        }
        if let Some(gap) = self.gap(position) {
            return Ok(gap);
        }
        let Some(behind) = position.0.checked_add(1).map(Position) else {
            return Ok(Taken::Odd(format!("nothing can stand behind position {position}")));
        };
        let walk = &mut *self.walk;
        let next = at_offset(&walk.url, behind);
        let resume = walk.fetcher.places.remembered(&next);
        let original = Original::new(Arc::new(Items::<H::Events>::alone(text.as_bytes())), 0);
        let incoming = incoming(item, resume.into(), self.url.as_str().into(), original);
        if walk.lanes.take(incoming).await? == Flow::Stopped {
            return Ok(Taken::Stopped);
        }
        self.go_on(behind, next);
        Ok(Taken::Yes)
    }

    /// Goes on at `position`: there was nothing for this reader before.
    async fn pass(&mut self, position: Position) -> Result<Taken, ConsumeError> {
        if position <= self.expected {
            return Ok(Taken::Yes);
        }
        if let Some(gap) = self.gap(position) {
            return Ok(gap);
        }
        let next = at_offset(&self.walk.url, position);
        let resume = self.walk.fetcher.places.remembered(&next);
        self.walk.lanes.moved(&resume).await?;
        self.go_on(position, next);
        Ok(Taken::Yes)
    }

    fn go_on(&mut self, expected: Position, url: Url) {
        self.expected = expected;
        self.walk.url = url;
        self.walk.etag = None;
    }

    /// Positions are dense: where all types are asked for, one that was left out is an event that would be lost.
    fn gap(&self, position: Position) -> Option<Taken> {
        let expected = self.expected;
        (position > expected && types(&self.walk.url).is_empty())
            .then(|| Taken::Odd(format!("position {position} came where {expected} was expected")))
    }
}
