//! Pages: what a request asks for, from memory where it is there, else from the log, after a wait where the client wants
//! one and there is nothing new.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio::time::{Instant, timeout_at};

use super::encoding::Encoding;
use super::flights::Outcome;
use super::negotiate::Format;
use super::pages::{Found, Key, PageFlight};
use super::query::Query;
use super::respond::{Rendered, Stability};
use super::scan::Scan;
use super::urls::FeedUrls;
use super::{Feeds, prefer};
use crate::event::{Channel, Position};
use crate::log::LogError;
use crate::problem::Problem;

/// How a request says where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// By a position, or by the event before it.
    Named,
    /// Not at all: with the oldest event, and retention moves that.
    Oldest,
}

impl Feeds {
    /// Where a page begins, and whether a request for the same URL always begins there.
    pub(super) async fn start(&self, channel: &Channel, query: &Query) -> Result<(Position, Begin), Problem> {
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
            .with("oldest_position", bounds.oldest.0))
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
        let (offset, begin) = self.start(channel, query).await?;
        let key = Key::new(urls, query, offset, format);
        let (page, full) = match self.page_at_hand(channel, &key, offset) {
            Some(page) => (page, true),
            // In a box: most requests are for what is at hand, and should not carry around what the others need.
            None => {
                let limit = query.limit.unwrap_or(self.default_limit).min(self.max_limit);
                let wanted = Wanted { channel, urls, query, format, offset, limit, headers, deadline };
                Box::pin(self.find_or_read(&wanted, &key)).await?
            }
        };
        // Without an offset, a page stands where the log begins, and retention moves that: even where it begins at 0,
        // the same URL will have another page later.
        let stability = if full && begin == Begin::Named { Stability::Fixed } else { Stability::Growing };
        let mut response = self.send(page, full.then_some(&key), stability, headers).await;
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

    /// The page and whether it is full, from memory or from the log.
    async fn find_or_read(&self, wanted: &Wanted<'_>, key: &Key) -> Result<(Arc<Rendered>, bool), Problem> {
        match self.full_page(wanted.channel, key, wanted.offset).await? {
            Found::Page(page) => Ok((page, true)),
            Found::Missing(flight) => self.read(wanted, key, flight).await,
        }
    }

    /// The page from memory, or the right to read it.
    async fn full_page(&self, channel: &Channel, key: &Key, offset: Position) -> Result<Found, Problem> {
        match self.pages.find(key).await {
            Found::Page(_) if !self.pages.is_kept(self.log.as_ref(), channel.name, offset).await? => {
                Ok(Found::Missing(None))
            }
            found => Ok(found),
        }
    }

    /// Reads a page, and says whether it is full. Others wait for `flight` until that is known, and not for events.
    async fn read(
        &self,
        wanted: &Wanted<'_>,
        key: &Key,
        flight: Option<PageFlight>,
    ) -> Result<(Arc<Rendered>, bool), Problem> {
        let Wanted { channel, urls, query, format, offset, limit, headers, deadline } = *wanted;
        let log = self.log.as_ref();
        let mut scan = Scan::new(offset, limit, &query.types);
        let retained = |error| match error {
            LogError::Retained { oldest, .. } => {
                let url = urls.page(oldest, query);
                Problem::from(error).with("oldest_url", url)
            }
            error => Problem::from(error),
        };
        let render = |scan: &Scan<'_>| Rendered::page(format, self.item_form, channel, urls, query, scan);
        let first = scan.extend(log, channel.name).await;
        let flight = match first.is_ok() && scan.is_full() {
            true => flight,
            false => {
                // Where reading fails, too: to fail one after the other would take long.
                if let Some(flight) = flight {
                    flight.land(Outcome::Own);
                }
                None
            }
        };
        first.map_err(retained)?;
        if scan.is_at_start() && offset != Position::default() {
            self.check_end(channel, offset).await?;
        }
        let mut page = render(&scan)?;
        if let Some(deadline) = deadline {
            // Nothing new: no events at all, or those that the client holds already.
            let known = scan.items().len();
            if !scan.is_full() && (known == 0 || page.is_known(headers)) {
                while !scan.is_full() && scan.items().len() == known {
                    match self.shutdown.or(timeout_at(deadline, log.wait(channel.name, scan.next()))).await {
                        Some(Ok(woken)) => woken?,
                        Some(Err(_)) | None => break,
                    }
                    // All who have waited want the same events.
                    let news = self.tails.read(log, channel.name, scan.next()).await.map_err(retained)?;
                    scan.take_all(news.events());
                }
                page = render(&scan)?;
            }
        }
        let page = Arc::new(page);
        if scan.is_full() {
            self.pages.put(key.clone(), &page, flight);
        }
        Ok((page, scan.is_full()))
    }

    /// The response of a page, in the encoding that the client wants. A full page has a key, by which it is kept.
    async fn send(
        &self,
        page: Arc<Rendered>,
        full: Option<&Key>,
        stability: Stability,
        headers: &HeaderMap,
    ) -> Response {
        let encoding = Encoding::wanted(headers, page.len());
        let page =
            if encoding == Encoding::Identity { page } else { Box::pin(self.encode(page, full, encoding)).await };
        page.respond(headers, self.caching, stability)
    }

    async fn encode(&self, page: Arc<Rendered>, full: Option<&Key>, encoding: Encoding) -> Arc<Rendered> {
        let Some(key) = full.map(|key| key.encoded(encoding)) else { return Arc::new(page.encoded(encoding).await) };
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
