//! Pages: what a request asks for, from memory where it is there, else from the log, after a wait where the client wants
//! one and there is nothing new.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::time::{Instant, timeout_at};

use super::encoding::Encoding;
use super::flights::Outcome;
use super::negotiate::Format;
use super::pages::{Found, Key, PageFlight};
use super::query::Query;
use super::respond::{Rendered, Stability};
use super::scan::{Scan, is_wanted};
use super::tail::Chunk;
use super::urls::FeedUrls;
use super::{Feeds, prefer};
use crate::event::{Channel, Position};
use crate::log::LogError;
use crate::problem::Problem;

/// How long an event is looked for, where an empty page would be taken for the end.
const LONGEST_SEARCH: Duration = Duration::from_secs(10);
/// How often a request without an offset is answered anew, when retention removes the oldest event meanwhile.
const TRIES: usize = 3;

/// How a request says where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// By a position, or by the event before it.
    Named,
    /// Not at all: with the oldest event, and retention moves that.
    Oldest,
}

/// What became of reading a page, beside the page.
enum Kept {
    /// It is full, and kept for ever.
    Full,
    /// It can grow, and is kept for those who have waited for the same event.
    Grown(Key),
    /// It is this reader's own.
    No,
}

impl Feeds {
    /// Where a page begins, and whether a request for the same URL always begins there.
    pub(super) async fn start(
        &self,
        channel: &Channel,
        urls: &FeedUrls,
        query: &Query,
    ) -> Result<(Position, Begin), Problem> {
        if let Some(offset) = query.offset {
            return Ok((offset, Begin::Named));
        }
        let bounds = self.log.bounds(channel.name).await?;
        let Some(id) = &query.last_event_id else { return Ok((bounds.oldest, Begin::Oldest)) };
        if let Some(position) = self.log.find(channel.name, id).await? {
            return Ok((position.next(), Begin::Named));
        }
        let detail = format!("there is no event {id} in channel {:?}", channel.name);
        if bounds.oldest == Position::default() {
            return Err(Problem::bad_request(format!(
                "{detail}; leave `lastEventId` out to begin with the oldest event"
            )));
        }
        let detail = format!("{detail}, from which older events were removed by retention");
        Err(Problem::new(StatusCode::GONE, "Events removed by retention", detail)
            .with("oldest_position", bounds.oldest.0)
            .with("oldest_url", urls.page(bounds.oldest, query)))
    }

    /// Whether a request that was refused by `problem` is to be answered anew: one that begins with the oldest event
    /// cannot come too late for it, unless retention went on since that was looked up.
    pub(super) fn is_overtaken(begin: Begin, problem: &Problem, tries: &mut usize) -> bool {
        *tries += 1;
        begin == Begin::Oldest && problem.status() == StatusCode::GONE && *tries < TRIES
    }

    /// Refuses an offset behind the end. To wait there for events would skip those that come before it: the reader has
    /// read another log, or one that was since restored from an older state.
    pub(super) async fn check_end(&self, channel: &Channel, offset: Position) -> Result<(), Problem> {
        let next = self.log.bounds(channel.name).await?.next;
        if offset <= next {
            return Ok(());
        }
        let detail = format!(
            "offset {offset} is behind the end of channel {:?}, whose next event will stand at {next}; the log may have \
             been replaced since the reader was given this offset",
            channel.name
        );
        Err(Problem::bad_request(detail).with("next_position", next.0))
    }

    /// The response to a request for a page.
    pub(super) async fn page(
        &self,
        channel: &'static Channel,
        urls: &FeedUrls,
        query: &Query,
        format: Format,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let wait = prefer::wait(headers);
        let deadline = wait.or(query.timeout).map(|wait| Instant::now() + wait.min(self.max_wait));
        let mut tries = 0;
        let (offset, begin, key, (page, kept)) = loop {
            let (offset, begin) = self.start(channel, urls, query).await?;
            let key = Key::new(urls, query, offset, format);
            if let Some(page) = self.page_at_hand(channel, &key, offset) {
                break (offset, begin, key, (page, Kept::Full));
            }
            // In a box: most requests are for what is at hand, and should not carry around what the others need.
            let limit = query.limit.unwrap_or(self.default_limit).min(self.max_limit);
            let wanted = Wanted { channel, urls, query, format, offset, limit, headers, deadline };
            match Box::pin(self.find_or_read(&wanted, &key)).await {
                Err(problem) if Self::is_overtaken(begin, &problem, &mut tries) => {}
                found => break (offset, begin, key, found?),
            }
        };
        let (full, key) = match kept {
            Kept::Full => (true, Some(key)),
            Kept::Grown(key) => (false, Some(key)),
            Kept::No => (false, None),
        };
        // Without an offset, a page stands where the log begins, and retention moves that: even where it begins at 0,
        // the same URL will have another page later.
        let stability = if full && begin == Begin::Named { Stability::Fixed } else { Stability::Growing };
        let mut response = self.send(page, key.as_ref(), stability, headers).await;
        if begin == Begin::Oldest
            && let Ok(here) = HeaderValue::try_from(urls.page(offset, query))
        {
            // RFC 9110, section 8.7: the URL that goes on meaning this page when retention moves where the log begins.
            // A reader that remembers it learns of the gap (410) instead of passing over it unawares.
            response.headers_mut().insert(header::CONTENT_LOCATION, here);
        }
        if let Some(wait) = wait {
            prefer::applied(&mut response, wait.min(self.max_wait));
        }
        Ok(response)
    }

    /// The page, if nobody need be asked for it.
    fn page_at_hand(&self, channel: &Channel, key: &Key, offset: Position) -> Option<Arc<Rendered>> {
        self.pages.get(key).filter(|_| self.pages.is_believed_kept(channel.name, offset) == Some(true))
    }

    /// The page, from memory or from the log.
    async fn find_or_read(&self, wanted: &Wanted<'_>, key: &Key) -> Result<(Arc<Rendered>, Kept), Problem> {
        match self.find(wanted, key).await? {
            Found::Page(page) => Ok((page, Kept::Full)),
            Found::Missing(flight) => self.read(wanted, key, flight).await,
        }
    }

    /// The page from memory, or the right to read it.
    async fn find(&self, wanted: &Wanted<'_>, key: &Key) -> Result<Found, Problem> {
        match self.pages.find(key).await {
            Found::Page(_) if !self.pages.is_kept(self.log.as_ref(), wanted.channel.name, wanted.offset).await? => {
                Ok(Found::Missing(None))
            }
            found => Ok(found),
        }
    }

    /// Reads a page. Others wait for `flight` until it is known whether it is full, and not for events.
    async fn read(
        &self,
        wanted: &Wanted<'_>,
        key: &Key,
        flight: Option<PageFlight>,
    ) -> Result<(Arc<Rendered>, Kept), Problem> {
        let mut scan = wanted.scan();
        let read = scan.extend(self.log.as_ref(), wanted.channel.name).await;
        if read.is_ok() && scan.is_full() {
            let page = Arc::new(self.render(wanted, &scan)?);
            self.pages.put(key.clone(), &page, flight);
            return Ok((page, Kept::Full));
        }
        if let Some(flight) = flight {
            // Where reading fails, too: to fail one after the other would take long.
            flight.land(Outcome::Own);
        }
        read.map_err(|error| wanted.refused(error))?;
        if scan.is_at_start() && wanted.offset != Position::default() {
            self.check_end(wanted.channel, wanted.offset).await?;
        }
        let page = self.render(wanted, &scan)?;
        // Nothing new: no events at all, or those that the client holds already.
        match wanted.deadline {
            Some(deadline) if scan.items().is_empty() => self.begun(wanted, key, scan, deadline).await,
            Some(deadline) if page.is_known(wanted.headers) => {
                // Thousands may wait, and none of them holds more of the page than its tag meanwhile.
                let known = Arc::new(page.known(Encoding::wanted(wanted.headers, page.len())));
                let next = scan.next();
                drop((page, scan));
                Box::pin(self.grown(wanted, key, known, next, deadline)).await
            }
            _ => Ok((Arc::new(page), Kept::No)),
        }
    }

    /// An empty page, when it has got its first events.
    async fn begun(
        &self,
        wanted: &Wanted<'_>,
        key: &Key,
        mut scan: Scan<'_>,
        deadline: Instant,
    ) -> Result<(Arc<Rendered>, Kept), Problem> {
        while !scan.is_full() && scan.items().is_empty() {
            let Some(news) = self.news(wanted, scan.next(), deadline).await? else { break };
            scan.take_all(news.events());
        }
        let page = Arc::new(self.render(wanted, &scan)?);
        if !scan.is_full() {
            return Ok((page, Kept::No));
        }
        self.pages.put(key.clone(), &page, None);
        Ok((page, Kept::Full))
    }

    /// A page that the client holds as far as `next`, when it has got more events; `known` when it gets none.
    async fn grown(
        &self,
        wanted: &Wanted<'_>,
        key: &Key,
        known: Arc<Rendered>,
        mut next: Position,
        deadline: Instant,
    ) -> Result<(Arc<Rendered>, Kept), Problem> {
        let first = loop {
            let Some(news) = self.news(wanted, next, deadline).await? else { return Ok((known, Kept::No)) };
            if let Some(first) = news.events().iter().find(|stored| is_wanted(stored, &wanted.query.types)) {
                break first.position;
            }
            next = news.events().last().map_or(next, |last| last.position.next());
        };
        // All who have waited for this event want a page that was read after it came: one of them reads it.
        let with_first = key.with(first);
        let flight = match self.find(wanted, &with_first).await? {
            Found::Page(page) => return Ok((page, Kept::Grown(with_first))),
            Found::Missing(flight) => flight,
        };
        let mut scan = wanted.scan();
        if let Err(error) = scan.extend(self.log.as_ref(), wanted.channel.name).await {
            if let Some(flight) = flight {
                flight.land(Outcome::Own);
            }
            return Err(wanted.refused(error));
        }
        let page = Arc::new(self.render(wanted, &scan)?);
        self.pages.put(with_first.clone(), &page, flight);
        if !scan.is_full() {
            return Ok((page, Kept::Grown(with_first)));
        }
        self.pages.put(key.clone(), &page, None);
        Ok((page, Kept::Full))
    }

    /// Events from `next` on, as soon as there are any; nothing when there is none in time.
    async fn news(&self, wanted: &Wanted<'_>, next: Position, deadline: Instant) -> Result<Option<Chunk>, Problem> {
        let (log, channel) = (self.log.as_ref(), wanted.channel.name);
        // A wait that is over at once never meets its deadline.
        if Instant::now() >= deadline {
            return Ok(None);
        }
        match self.shutdown.or(timeout_at(deadline, log.wait(channel, next))).await {
            Some(Ok(woken)) => woken?,
            Some(Err(_)) | None => return Ok(None),
        }
        // All who have waited want the same events.
        self.tails.read(log, channel, next).await.map(Some).map_err(|error| wanted.refused(error))
    }

    fn render(&self, wanted: &Wanted<'_>, scan: &Scan<'_>) -> Result<Rendered, Problem> {
        Rendered::page(wanted.format, self.item_form, wanted.channel, wanted.urls, wanted.query, scan)
    }

    /// The response of a page, in the encoding that the client wants. A page that others want has a key, by which it is
    /// kept.
    async fn send(
        &self,
        page: Arc<Rendered>,
        key: Option<&Key>,
        stability: Stability,
        headers: &HeaderMap,
    ) -> Response {
        let encoding = Encoding::wanted(headers, page.len());
        let page = if encoding == Encoding::Identity { page } else { Box::pin(self.encode(page, key, encoding)).await };
        page.respond(headers, self.caching, stability)
    }

    async fn encode(&self, page: Arc<Rendered>, key: Option<&Key>, encoding: Encoding) -> Arc<Rendered> {
        let Some(key) = key.map(|key| key.encoded(encoding)) else { return Arc::new(page.encoded(encoding).await) };
        match self.pages.find(&key).await {
            Found::Page(page) => page,
            Found::Missing(flight) => {
                let page = Arc::new(page.encoded(encoding).await);
                self.pages.put(key, &page, flight);
                page
            }
        }
    }
}

/// A page that has to be read.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    channel: &'static Channel,
    urls: &'a FeedUrls,
    query: &'a Query,
    format: Format,
    offset: Position,
    limit: usize,
    headers: &'a HeaderMap,
    deadline: Option<Instant>,
}

impl<'a> Wanted<'a> {
    /// The page, before anything of it is read.
    fn scan(&self) -> Scan<'a> {
        let scan = Scan::new(self.offset, self.limit, &self.query.types);
        match self.format {
            Format::CloudEvents => scan.not_empty_until(Instant::now() + LONGEST_SEARCH),
            Format::Feed | Format::Atom | Format::Events => scan,
        }
    }

    fn refused(&self, error: LogError) -> Problem {
        self.urls.refused(error, self.query)
    }
}
