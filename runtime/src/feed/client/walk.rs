//! The walk along a feed: page after page, event after event, waiting at the head, and never a step further than what
//! was completed.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use tokio::time::Instant;
use url::Url;

use super::ahead::Ahead;
use super::fetch::{Answer, Body, Fetcher, Oldest, beginning};
use super::follow::{Followed, Following, Over};
use super::fresh;
use super::live::Live;
use super::location::{Visited, at_offset, check_types, has_offset, offset};
use super::originals::Items;
use crate::consume::{
    Backoff, Checkpoint, ConsumeError, Flow, Handler, Incoming, Lanes, Original, Originals, Reader, Retained, Until,
};
use crate::event::{EventId, EventSet, Position};
use crate::feed::page::{Page, PageError, PageItem};

const SHORTEST_RETRY_AFTER: Duration = Duration::from_millis(100);

/// How fast it goes where there is nothing to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) backoff: Backoff,
    pub(super) poll_interval: Duration,
    /// How long the server may wait for news.
    pub(super) long_poll: Duration,
}

/// Walks a feed.
pub(super) struct FeedReader {
    pub(super) fetcher: Arc<Fetcher>,
    /// Where the feed begins.
    pub(super) home: Url,
    /// Whether what is there is skipped, where there is no checkpoint.
    pub(super) pass_over: bool,
    pub(super) pace: Pace,
    pub(super) following: Following,
    pub(super) on_retained: Retained,
}

impl Reader for FeedReader {
    async fn read<H: Handler>(&self, lanes: &mut Lanes<H>, until: Until) -> Result<(), ConsumeError> {
        let (url, passing) = match lanes.progress().checkpoint() {
            Some(checkpoint) => {
                let resume = self.fetcher.places.follow(&self.home, &checkpoint.resume)?;
                check_types(&self.home, &resume)?;
                (resume, None)
            }
            None => (self.home.clone(), self.pass_over.then_some(None)),
        };
        let visited = Visited::default();
        let ahead = Ahead::new();
        let walk = Walk { fetcher: &self.fetcher, lanes, url, etag: None, ahead, visited, passing };
        walk.run(self.pace, self.following, self.on_retained, until).await
    }
}

/// A walk from the checkpoint on, or else from the beginning.
pub(super) struct Walk<'a, H: Handler> {
    pub(super) fetcher: &'a Arc<Fetcher>,
    pub(super) lanes: &'a mut Lanes<H>,
    /// The page that is asked for next.
    pub(super) url: Url,
    /// The `ETag` of the page at `url`, once all of it is taken.
    pub(super) etag: Option<HeaderValue>,
    ahead: Ahead,
    visited: Visited,
    /// While events are passed over until the head is reached: the last one that was.
    passing: Option<Passed>,
}

/// The last event that was passed over, if there was one.
type Passed = Option<(Option<Position>, EventId)>;

/// What an answer led to.
enum Step {
    /// There are more pages.
    Onward,
    /// There are more pages, but this one held nothing new, and nothing tells whether it led further: no reason to hurry.
    Slowly,
    /// There is nothing more yet.
    Head,
    /// Shutdown came.
    Stopped,
    /// The page must be asked for again.
    Again(Again),
}

struct Again {
    reason: String,
    after: Option<Duration>,
}

impl<H: Handler> Walk<'_, H> {
    async fn run(
        mut self,
        pace: Pace,
        mut following: Following,
        on_retained: Retained,
        until: Until,
    ) -> Result<(), ConsumeError> {
        let (mut failures, mut gaps, mut broken) = (0_u32, 0_u32, 0_u32);
        loop {
            let asked = Instant::now();
            // Who wants to know where the head is must not wait until it has moved.
            let follows = following.live != Live::LongPoll && until == Until::Shutdown;
            let in_a_hurry = until == Until::CaughtUp || self.passing.is_some() || follows;
            let patience = if in_a_hurry { Duration::ZERO } else { pace.long_poll };
            // A request is dropped by shutdown; the handling of its answer is not.
            let (ahead, fetcher, url, etag) = (&mut self.ahead, self.fetcher, &self.url, self.etag.as_ref());
            let asking = async move {
                if etag.is_none()
                    && let Some(answer) = ahead.answer(url).await
                {
                    return (answer, true);
                }
                (fetcher.get(url, etag, patience).await, false)
            };
            let Some((answer, was_ahead)) = self.lanes.during(asking).await? else {
                return Ok(());
            };
            let step = match answer? {
                Answer::Page(body) => self.read(&body).await?,
                Answer::Unchanged => Step::Head,
                Answer::Later { reason, after } => Step::Again(Again { reason, after }),
                // It may have changed since it was asked for.
                Answer::Retained(_) if was_ahead => continue,
                Answer::Retained(oldest) => {
                    gaps += 1;
                    self.leap(on_retained, oldest, gaps).await?;
                    continue;
                }
            };
            if was_ahead && matches!(step, Step::Head | Step::Slowly) {
                // There may be more since it was asked for, which is to be asked for anew.
                self.ahead.stop();
                (failures, gaps) = (0, 0);
                continue;
            }
            let wait = match step {
                Step::Stopped => return Ok(()),
                Step::Head if until == Until::CaughtUp => return Ok(()),
                Step::Again(again) => {
                    failures = failures.saturating_add(1);
                    self.complain(again, failures, &pace.backoff)
                }
                Step::Head if follows => {
                    (failures, gaps) = (0, 0);
                    match self.follow(&following).await? {
                        Followed::Stopped => return Ok(()),
                        Followed::Unavailable(reason) => {
                            self.fall_back(following.live, &reason);
                            following.live = Live::LongPoll;
                            continue;
                        }
                        Followed::Over(over) if over.was_of_use => {
                            broken = 0;
                            self.reopen(&over, &pace.backoff)
                        }
                        Followed::Over(Over { reason, after, .. }) => {
                            broken = broken.saturating_add(1);
                            self.complain(Again { reason, after }, broken, &pace.backoff)
                        }
                    }
                }
                Step::Onward | Step::Slowly | Step::Head => {
                    (failures, gaps) = (0, 0);
                    match step {
                        Step::Onward => continue,
                        // A long poll that took its time is no reason to wait longer.
                        _ => pace.poll_interval.saturating_sub(asked.elapsed()),
                    }
                }
            };
            if self.lanes.during(tokio::time::sleep(wait)).await?.is_none() {
                return Ok(());
            }
        }
    }

    /// Says that the feed cannot be read, and how long to wait.
    fn complain(&self, Again { reason, after }: Again, failures: u32, backoff: &Backoff) -> Duration {
        // A server that asks for no wait at all is not taken at its word: it may say so again and again.
        let delay = after.map_or_else(|| backoff.random_delay(failures), |after| after.max(SHORTEST_RETRY_AFTER));
        tracing::warn!(
            consumer = self.lanes.consumer(),
            url = %self.url,
            reason,
            failures,
            ?delay,
            "the feed cannot be read and is tried again"
        );
        delay
    }

    /// Says that a connection has ended, and how long to wait for another one. Servers that are deployed and proxies end
    /// connections now and then.
    fn reopen(&self, over: &Over, backoff: &Backoff) -> Duration {
        let delay = over.after.map_or_else(|| backoff.random_delay(1), |after| after.max(SHORTEST_RETRY_AFTER));
        tracing::info!(
            consumer = self.lanes.consumer(),
            url = %self.url,
            reason = over.reason,
            ?delay,
            "the connection to the feed has ended and is opened again"
        );
        delay
    }

    fn fall_back(&self, live: Live, reason: &str) {
        tracing::warn!(
            consumer = self.lanes.consumer(),
            url = %self.url,
            ?live,
            reason,
            "the feed cannot be followed in this way; it is polled instead until the consumer is started again"
        );
    }

    async fn read(&mut self, body: &Body) -> Result<Step, ConsumeError> {
        match Page::from_slice(&body.bytes) {
            Ok(page) => {
                self.settle(body).await?;
                self.take(page, body).await
            }
            // What is no page may become one.
            Err(error) => Ok(Step::Again(Again { reason: unreadable(&error, body), after: None })),
        }
    }

    /// Goes over to the URL with an offset that the server names for a page that was asked for without one. Where such
    /// a page begins moves with retention: from a checkpoint there, removed events would be passed over unnoticed.
    async fn settle(&mut self, body: &Body) -> Result<(), ConsumeError> {
        let Some(location) = &body.location else { return Ok(()) };
        if has_offset(&self.url) {
            return Ok(());
        }
        // Other servers name a variant or a file, which is not where the feed goes on, wherever it is.
        if !body.url.join(location).is_ok_and(|located| has_offset(&located)) {
            return Ok(());
        }
        let located = self.fetcher.places.follow(&body.url, location)?;
        // Before the first event is handled: it may be removed before it succeeds. While events are passed over there
        // is nothing to keep, and a checkpoint would end the passing.
        if self.passing.is_none() {
            self.lanes.moved(&self.fetcher.places.remembered(&located)).await?;
        }
        self.go_to(located);
        Ok(())
    }

    /// Takes every event of a page that was not taken yet.
    async fn take(&mut self, page: Page<'_, H::Events>, body: &Body) -> Result<Step, ConsumeError> {
        let Page { items, next_url, .. } = page;
        let fresh = match fresh::items(&items, self.lanes.progress().checkpoint()) {
            Ok(fresh) => fresh,
            Err(fresh::Odd::OutOfOrder(reason)) => return Ok(Step::Again(Again { reason, after: None })),
            Err(fresh::Odd::Rewritten { position, expected, found }) => {
                let url = self.url.to_string();
                return Err(ConsumeError::Rewritten { url, position, expected, found });
            }
        };
        // Where the feed leads on is looked at beforehand, for the last event's checkpoint; that it leads astray is
        // told afterwards, because the events of this page are good.
        let last = fresh.iter().rposition(|fresh| *fresh);
        let next = self.next(next_url.as_deref(), body, last.is_some());

        if self.passing.is_some() {
            let passed = items.last().map(|item| (item.position, EventId::from(item.id.as_ref())));
            return self.pass(passed, next?, body).await;
        }
        let here: Arc<str> = self.url.as_str().into();
        let originals: Arc<dyn Originals> = Arc::new(Items::<H::Events>::of_page(body.bytes.clone()));
        let remembered = |url| -> Arc<str> { self.fetcher.places.remembered(url).into() };
        let resume_here = remembered(&self.url);
        let resume_next = next.as_ref().ok().and_then(Option::as_ref).map(remembered);
        if let (Ok(Some(next)), true) = (&next, last.is_some()) {
            self.ahead.ask(self.fetcher, next, items.len(), body.bytes.len());
        }
        for (index, item) in items.into_iter().enumerate() {
            if !fresh[index] {
                continue;
            }
            let resume = match &resume_next {
                // One write instead of two.
                Some(next) if last == Some(index) => next,
                _ => &resume_here,
            };
            let original = Original::new(Arc::clone(&originals), index);
            let incoming = incoming(item, Arc::clone(resume), Arc::clone(&here), original);
            if self.lanes.take(incoming).await? == Flow::Stopped {
                return Ok(Step::Stopped);
            }
        }
        let Some(next) = next? else {
            self.etag.clone_from(&body.etag);
            return Ok(Step::Head);
        };
        self.lanes.moved(&self.fetcher.places.remembered(&next)).await?;
        // A page of other types has more behind it, and offsets that grow come to an end.
        let grows = offset(&self.url).is_some_and(|here| offset(&next) > Some(here));
        self.go_to(next);
        Ok(if last.is_some() || grows { Step::Onward } else { Step::Slowly })
    }

    /// Where the page leads on, if it does.
    fn next(&self, reference: Option<&str>, body: &Body, fresh: bool) -> Result<Option<Url>, ConsumeError> {
        let Some(reference) = reference else { return Ok(None) };
        let next = self.fetcher.places.follow(&body.url, reference)?;
        let stays = next == self.url || next == body.url;
        if stays && !fresh {
            // Against JSON Feed 1.1, but clear: ask here again.
            return Ok(None);
        }
        if stays || self.visited.contains(&next) {
            return Err(ConsumeError::Circle { from: self.url.to_string(), to: next.to_string() });
        }
        Ok(Some(next))
    }

    /// Passes over a page, up to the head.
    async fn pass(&mut self, passed: Passed, next: Option<Url>, body: &Body) -> Result<Step, ConsumeError> {
        let passed = passed.or_else(|| self.passing.take().flatten());
        let Some(next) = next else {
            self.passing = None;
            self.etag.clone_from(&body.etag);
            let here = self.fetcher.places.remembered(&self.url);
            match passed {
                Some((position, id)) => self.lanes.passed(checkpoint(&here, position, id)).await?,
                None => self.lanes.moved(&here).await?,
            }
            return Ok(Step::Head);
        };
        self.passing = Some(passed);
        self.go_to(next);
        Ok(Step::Onward)
    }

    /// Goes over the gap that retention left, or stops before it.
    async fn leap(&mut self, policy: Retained, oldest: Oldest, gaps: u32) -> Result<(), ConsumeError> {
        // Retention may go on while this reader is on its way, but not for ever.
        const TRIES: u32 = 5;
        let Oldest { position, url } = oldest;
        let target = match (policy, url, position) {
            (Retained::Continue, Some(url), _) => Some(self.fetcher.places.follow(&self.url, &url)?),
            (Retained::Continue, None, Some(position)) => Some(at_offset(&self.url, position)),
            (Retained::Continue, None, None) | (Retained::Stop, ..) => None,
        };
        let Some(target) = target.filter(|target| gaps <= TRIES && *target != self.url) else {
            return Err(ConsumeError::Retained { url: self.url.to_string(), oldest: position });
        };
        tracing::warn!(
            consumer = self.lanes.consumer(),
            url = %self.url,
            oldest = position.map(|position| position.0),
            "events were removed by the publisher's retention before they were consumed; going on with the oldest left"
        );
        self.lanes.moved(&self.fetcher.places.remembered(&target)).await?;
        self.go_to(target);
        Ok(())
    }

    fn go_to(&mut self, url: Url) {
        self.visited.add(&self.url);
        self.url = url;
        self.etag = None;
    }
}

/// An item on its way to the handler.
pub(super) fn incoming<E: EventSet>(
    item: PageItem<'_, E>,
    resume: Arc<str>,
    source: Arc<str>,
    original: Original,
) -> Incoming<E> {
    let id = EventId::from(item.id.as_ref());
    Incoming {
        checkpoint: Checkpoint { resume, position: item.position, event_id: Some(id.clone()) },
        subject: item.subject_of_unreadable(),
        event: Box::new(item.into_event_of(id)),
        source,
        original,
    }
}

fn unreadable(error: &PageError, body: &Body) -> String {
    let content_type = body.content_type.as_deref().map_or_else(|| "of no content type".to_owned(), beginning);
    let text = String::from_utf8_lossy(&body.bytes[..body.bytes.len().min(400)]);
    let begins: String = beginning(&text).chars().take(80).collect();
    format!("{error} (the answer is {content_type} and begins {begins:?})")
}

fn checkpoint(resume: &str, position: Option<Position>, id: EventId) -> Checkpoint {
    Checkpoint { resume: resume.into(), position, event_id: Some(id) }
}
