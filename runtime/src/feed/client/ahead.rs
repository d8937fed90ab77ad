//! Asking for the next page, and decoding it, while the events of one are handled, so that a consumer with much to catch
//! up on does not wait for its server, nor the server for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tracing::Instrument as _;
use url::Url;

use super::decoded::Decoded;
use super::fetch::{Answer, Fetcher};
use crate::consume::ConsumeError;
use crate::event::EventSet;

/// A page with fewer events is handled so soon, or is so near to the head, that it is not worth it.
const FEWEST: usize = 16;

/// Asks for pages ahead, one at a time. What is not used is dropped, and its request with it.
pub(super) struct Ahead<E> {
    asked: Option<Asked<E>>,
    /// Events of the page before.
    before: usize,
}

/// A page that was asked for before it was needed.
pub(super) struct Asked<E> {
    url: Url,
    /// One task; it ends when this is dropped.
    task: JoinSet<Result<Answer<Decoded<E>>, ConsumeError>>,
}

impl<E: EventSet> Ahead<E> {
    pub(super) fn new() -> Self {
        Ahead { asked: None, before: 0 }
    }

    /// A page of so many new `events` leads on to `next`. One with fewer events than the page before is most likely the
    /// last: what stands behind it is better waited for than asked for.
    pub(super) fn ask(&mut self, fetcher: &Arc<Fetcher>, next: &Url, events: usize) {
        let before = std::mem::replace(&mut self.before, events);
        self.asked = (events >= FEWEST && events >= before).then(|| {
            let (fetcher, url) = (Arc::clone(fetcher), next.clone());
            let mut task = JoinSet::new();
            let asking = async move { fetcher.get(&url, None, Duration::ZERO).await.map(Answer::decode) };
            task.spawn(asking.in_current_span());
            Asked { url: next.clone(), task }
        });
    }

    /// What was asked for ahead, if it is the page at `url`.
    pub(super) fn take(&mut self, url: &Url) -> Option<Asked<E>> {
        self.asked.take().filter(|asked| asked.url == *url)
    }
}

impl<E: EventSet> Asked<E> {
    /// The answer; `None` when the request came to no end.
    pub(super) async fn answer(mut self) -> Option<Result<Answer<Decoded<E>>, ConsumeError>> {
        self.task.join_next().await?.ok()
    }
}
