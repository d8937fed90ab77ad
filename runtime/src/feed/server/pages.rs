//! Full pages in memory, ready to be sent: they never change, so a thousand readers of history are one reader of the log.
//! So are those who have waited for the same event with a page that it belongs to.
//!
//! A page that many want at once and that is not there yet is read once, too. Bounded in bytes. A page whose first event retention has removed is not served any more, after a second at the
//! latest: so long it is believed where a channel begins.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use super::encoding::Encoding;
use super::flights::{Flight, Flights, Outcome, Turn};
use super::negotiate::Format;
use super::query::Query;
use super::respond::Rendered;
use super::urls::FeedUrls;
use crate::event::Position;
use crate::log::{Log, LogError};

/// How long it is believed where a channel begins.
const BELIEVED: Duration = Duration::from_secs(1);
/// About what a page takes in memory, for the number of pages that room is made for.
const TYPICAL: usize = 32 << 10;
/// What the largest page takes in memory, unless it is a single event: in Atom, a third more than what a page may hold.
const LARGEST: usize = 12 << 20;
/// What an entry takes beside the page and its URL.
const OVERHEAD: usize = 256;

/// What makes a page what it is: the URLs in it too, which may be those of the request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    feed: String,
    query: String,
    format: Format,
    encoding: Encoding,
    /// For a page that can grow: an event that it was read after, for those who have waited for that.
    with: Option<Position>,
}

impl Key {
    /// The page at `offset`, as it is.
    pub(super) fn new(urls: &FeedUrls, query: &Query, offset: Position, format: Format) -> Self {
        Key { feed: urls.feed.clone(), query: query.at(offset), format, encoding: Encoding::Identity, with: None }
    }

    /// The same page for those who have waited for the event at `position`. It may grow afterwards, as it may when it is
    /// on its way to them.
    pub(super) fn with(&self, position: Position) -> Self {
        Key { with: Some(position), ..self.clone() }
    }

    /// The same page in another encoding.
    pub(super) fn encoded(&self, encoding: Encoding) -> Self {
        Key { encoding, ..self.clone() }
    }
}

#[derive(Clone, Copy)]
struct Bytes;

impl Weighter<Key, Arc<Rendered>> for Bytes {
    fn weight(&self, key: &Key, page: &Arc<Rendered>) -> u64 {
        (key.feed.len() + key.query.len() + page.len() + OVERHEAD) as u64
    }
}

/// A page in the making that others may wait for.
pub(super) type PageFlight = Flight<Key, Arc<Rendered>>;

/// What there is of a page.
pub(super) enum Found {
    Page(Arc<Rendered>),
    /// It has to be made. With a flight, others wait for it.
    Missing(Option<PageFlight>),
}

/// The pages that are held.
pub(super) struct Pages {
    cache: Cache<Key, Arc<Rendered>, Bytes>,
    flights: Flights<Key, Arc<Rendered>>,
    /// Where channels begin, and when that was asked.
    oldest: Mutex<HashMap<&'static str, (Position, Instant)>>,
}

impl Pages {
    /// Room for `bytes`; none keeps nothing.
    pub(super) fn new(bytes: usize) -> Self {
        // The cache divides its room among shards, by default four for each core, and what is larger than a shard is not
        // kept. It rounds their number up to a power of two.
        let shards = 1 << (bytes / LARGEST).max(1).ilog2();
        let mut options = OptionsBuilder::new();
        options.estimated_items_capacity((bytes / TYPICAL).max(1)).weight_capacity(bytes as u64).shards(shards);
        // Fails only where one of the capacities is missing.
        let options = options.build().expect("both capacities are given");
        let cache = Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Pages { cache, flights: Flights::new(), oldest: Mutex::default() }
    }

    /// The page, if it is there.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Rendered>> {
        self.cache.get(key)
    }

    /// The page, or the right to make it. Who makes one keeps others waiting who want the same.
    pub(super) async fn find(&self, key: &Key) -> Found {
        if let Some(page) = self.cache.get(key) {
            return Found::Page(page);
        }
        match self.flights.turn(key).await {
            // Somebody may have landed between the look and the turn.
            Turn::Lead(flight) => self.cache.get(key).map_or(Found::Missing(Some(flight)), Found::Page),
            Turn::Landed(Outcome::Shared(page)) => Found::Page(page),
            Turn::Landed(Outcome::Own) => Found::Missing(None),
        }
    }

    /// Keeps a page, and gives it to those who wait for `flight`.
    pub(super) fn put(&self, key: Key, page: &Arc<Rendered>, flight: Option<PageFlight>) {
        self.cache.insert(key, Arc::clone(page));
        if let Some(flight) = flight {
            flight.land(Outcome::Shared(Arc::clone(page)));
        }
    }

    /// Whether events at `position` may still be served.
    pub(super) async fn is_kept(
        &self,
        log: &dyn Log,
        channel: &'static str,
        position: Position,
    ) -> Result<bool, LogError> {
        if let Some(kept) = self.is_believed_kept(channel, position) {
            return Ok(kept);
        }
        let oldest = log.bounds(channel).await?.oldest;
        let now = (oldest, Instant::now());
        self.oldest.lock().unwrap_or_else(PoisonError::into_inner).insert(channel, now);
        Ok(oldest <= position)
    }

    /// The same without asking the log; `None` where it was not asked for too long.
    pub(super) fn is_believed_kept(&self, channel: &str, position: Position) -> Option<bool> {
        let oldest = self.oldest.lock().unwrap_or_else(PoisonError::into_inner);
        let believed = oldest.get(channel).filter(|(_, asked)| asked.elapsed() < BELIEVED);
        believed.map(|(oldest, _)| *oldest <= position)
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("pages", &self.cache.len()).field("bytes", &self.cache.weight()).finish()
    }
}
