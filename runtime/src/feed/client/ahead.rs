//! Asking for the next pages while the events of one are handled, so that a consumer with much to catch up on does not
//! wait for its server, nor the server for it: while one page is handled, the next one is there, and the one behind it
//! is on its way.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument as _;
use url::Url;

use super::fetch::{Answer, Body, Fetcher};
use super::peek;
use crate::consume::ConsumeError;

/// A page with fewer events is handled so soon, or is so near to the head, that it is not worth it.
const FEWEST: usize = 16;
/// Larger pages than this are not held beside two others.
const LARGEST: usize = 1 << 20;

/// Asks for pages ahead. What is not used is dropped, and its request with it.
pub(super) struct Ahead {
    running: Option<Running>,
    /// Events of the page before.
    before: usize,
}

struct Running {
    /// The page that comes next.
    url: Url,
    pages: mpsc::Receiver<Page>,
    /// One task; it ends when this is dropped.
    _task: JoinSet<()>,
}

/// A page that was asked for before it was needed.
struct Page {
    answer: Result<Answer, ConsumeError>,
    /// The page that comes behind it, where it is asked for too.
    then: Option<Url>,
}

impl Ahead {
    pub(super) fn new() -> Self {
        Ahead { running: None, before: 0 }
    }

    /// A page of so many new `events` and `bytes` leads on to `next`. One with fewer events than the page before is most
    /// likely the last: what stands behind it is better waited for than asked for.
    pub(super) fn ask(&mut self, fetcher: &Arc<Fetcher>, next: &Url, events: usize, bytes: usize) {
        let before = std::mem::replace(&mut self.before, events);
        if self.running.as_ref().is_some_and(|running| running.url == *next) {
            return;
        }
        self.running = (events >= FEWEST && events >= before).then(|| {
            // One page waits here.
            let (sender, pages) = mpsc::channel(1);
            let mut task = JoinSet::new();
            task.spawn(run(Arc::clone(fetcher), next.clone(), bytes, sender).in_current_span());
            Running { url: next.clone(), pages, _task: task }
        });
    }

    /// Drops what was asked for.
    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    /// The answer for the page at `url`, if it was asked for ahead and the request came to an end.
    pub(super) async fn answer(&mut self, url: &Url) -> Option<Result<Answer, ConsumeError>> {
        let mut running = self.running.take().filter(|running| running.url == *url)?;
        let Page { answer, then } = running.pages.recv().await?;
        self.running = then.map(|url| Running { url, ..running });
        Some(answer)
    }
}

/// Asks for page after page, for as long as they promise to be full. The page `before` has so many bytes.
async fn run(fetcher: Arc<Fetcher>, url: Url, mut before: usize, pages: mpsc::Sender<Page>) {
    let mut asked = fetch(&fetcher, url);
    while let Some(Ok(answer)) = asked.join_next().await {
        let Ok(place) = pages.reserve().await else { return };
        let then = match &answer {
            Ok(Answer::Page(body)) => behind(&fetcher, body, before),
            _ => None,
        };
        if let Ok(Answer::Page(body)) = &answer {
            before = body.bytes.len();
        }
        // Before this one is taken: the server is not to wait for that.
        let next = then.clone().map(|then| fetch(&fetcher, then));
        place.send(Page { answer, then });
        match next {
            Some(next) => asked = next,
            None => return,
        }
    }
}

fn fetch(fetcher: &Arc<Fetcher>, url: Url) -> JoinSet<Result<Answer, ConsumeError>> {
    let fetcher = Arc::clone(fetcher);
    let mut task = JoinSet::new();
    task.spawn(async move { fetcher.get(&url, None, Duration::ZERO).await }.in_current_span());
    task
}

/// The page behind `body`, if it is worth asking for before this one is read: a page that is much shorter than the one
/// `before` is most likely the last.
fn behind(fetcher: &Fetcher, body: &Body, before: usize) -> Option<Url> {
    let length = body.bytes.len();
    if length > LARGEST || length < before / 4 * 3 {
        return None;
    }
    let next = peek::next_url(&body.bytes)?;
    fetcher.places.follow(&body.url, &next).ok().filter(|next| *next != body.url)
}
