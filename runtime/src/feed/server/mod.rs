//! Serving feeds: an axum router over the log.
//!
//! In: requests `GET /{channel}?offset=N&limit=M&type=A,B`. Out: pages ([`super::wire`], or [`cloud_events`]), a stream
//! ([`sse`]), or problem documents. The request is read in [`negotiate`], [`query`] and [`prefer`], the events are
//! collected in [`scan`], the URLs are made in [`urls`], [`respond`] decides what may be cached, [`encoding`] compresses,
//! and full pages are held in [`pages`].

mod cloud_events;
mod encoding;
mod negotiate;
mod pages;
mod prefer;
mod query;
mod respond;
mod scan;
mod sse;
mod urls;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::encoding::Encoding;
use self::negotiate::Format;
use self::pages::{Key, Pages};
use self::query::Query;
use self::respond::{Caching, Rendered, Stability};
use self::scan::Scan;
pub use self::urls::ProxyHeaders;
use self::urls::{FeedUrls, Origin};
use crate::consume::Shutdown;
use crate::event::{Channel, Position, Transport};
use crate::log::{Log, LogError};
use crate::problem::Problem;

/// Serves the feeds of `channels` from `log`, with the settings that [`Feeds`] begins with.
///
/// ```no_run
/// # use event_api::{Channel, feed, log::MemoryLog};
/// # fn example(log: MemoryLog, user_events: &'static Channel) -> axum::Router {
/// axum::Router::new().nest("/feeds", feed::router(&log, [user_events]))
/// # }
/// ```
pub fn router(log: &(impl Log + Clone + 'static), channels: impl IntoIterator<Item = &'static Channel>) -> Router {
    Feeds::new(log, channels).router()
}

/// The feeds of a service, and how they are served.
#[derive(Clone)]
pub struct Feeds {
    log: Arc<dyn Log>,
    channels: BTreeMap<&'static str, &'static Channel>,
    default_limit: usize,
    max_limit: usize,
    max_wait: Duration,
    heartbeat: Duration,
    pages: Arc<Pages>,
    caching: Caching,
    origin: Origin,
    shutdown: Shutdown,
}

impl fmt::Debug for Feeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeds")
            .field("channels", &self.channels.keys())
            .field("default_limit", &self.default_limit)
            .field("max_limit", &self.max_limit)
            .field("max_wait", &self.max_wait)
            .field("caching", &self.caching)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Feeds {
    /// Feeds of `channels` from `log`. A channel whose document does not let it be carried by a feed is left out.
    pub fn new(log: &(impl Log + Clone + 'static), channels: impl IntoIterator<Item = &'static Channel>) -> Self {
        let carried = |channel: &&'static Channel| {
            let carried = channel.transports.contains(&Transport::Feed);
            if !carried {
                tracing::warn!(channel = channel.name, "the document does not let this channel be carried by a feed");
            }
            carried
        };
        Feeds {
            log: Arc::new(log.clone()),
            channels: channels.into_iter().filter(carried).map(|channel| (channel.name, channel)).collect(),
            default_limit: 100,
            max_limit: 1000,
            max_wait: Duration::from_secs(60),
            heartbeat: Duration::from_secs(15),
            pages: Arc::new(Pages::new(32 << 20)),
            caching: Caching::Public,
            origin: Origin::Request,
            shutdown: Shutdown::never(),
        }
    }

    /// How many events a page holds when the request does not say. 100 by default.
    #[must_use]
    pub fn default_limit(mut self, events: usize) -> Self {
        self.default_limit = events.max(1);
        self
    }

    /// How many events a page holds at most, whatever the request says. 1000 by default.
    #[must_use]
    pub fn max_limit(mut self, events: usize) -> Self {
        self.max_limit = events.max(1);
        self
    }

    /// How long a request may wait for new events. 60 seconds by default; keep it below the timeouts of proxies.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// How many bytes of full pages are kept in memory, as they are sent: 32 MiB unless set, none for 0. They never
    /// change, and readers of history share them.
    #[must_use]
    pub fn page_cache(mut self, bytes: usize) -> Self {
        self.pages = Arc::new(Pages::new(bytes));
        self
    }

    /// How often a stream of server-sent events without events says that it is alive. 15 seconds by default; keep it
    /// below the timeouts of proxies.
    #[must_use]
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = interval;
        self
    }

    /// The router stands behind authorisation: pages may be kept by the client, and not by shared caches.
    #[must_use]
    pub fn authorised(mut self) -> Self {
        self.caching = Caching::Private;
        self
    }

    /// The URL under which consumers reach the router: `https://api.example.com/feeds`. Without it, URLs are made from
    /// the request's own `Host` and path, with the scheme `http`.
    #[must_use]
    pub fn base_url(mut self, url: Url) -> Self {
        self.origin = Origin::Configured(url.as_str().trim_end_matches('/').to_owned());
        self
    }

    /// The router stands behind a proxy that sets `headers`: URLs are made from these. Only for a proxy that overwrites
    /// what clients send in all of them; else the URLs are those that a client chose, also for others where pages are
    /// cached. [`Feeds::base_url`] needs no such trust.
    #[must_use]
    pub fn behind_proxy(mut self, headers: ProxyHeaders) -> Self {
        self.origin = Origin::Proxy(headers);
        self
    }

    /// Answers requests that wait for new events at once when `wish` is fulfilled. Without it, a server that shuts down
    /// gracefully waits for them, up to [`Feeds::max_wait`].
    #[must_use]
    pub fn shutdown(mut self, wish: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Shutdown::when(wish);
        self
    }

    /// The router: `GET /` lists the feeds, `GET /{channel}` is a page of one. Nest it where the feeds shall stand.
    ///
    /// By `Accept`, the same URL is a page of JSON Feed (`application/feed+json`, unless the client wants another form), a
    /// batch of CloudEvents (`application/cloudevents-batch+json`, with `lastEventId` and `timeout` as in
    /// <https://www.http-feeds.org>), or a stream of server-sent events (`text/event-stream`).
    pub fn router(self) -> Router {
        Router::new()
            .route("/", get(index).fallback(not_allowed))
            .route("/{channel}", get(page).fallback(not_allowed))
            .with_state(Arc::new(self))
    }

    fn channel(&self, name: &str) -> Result<&'static Channel, Problem> {
        self.channels.get(name).copied().ok_or_else(|| {
            let known: Vec<&str> = self.channels.keys().copied().collect();
            let detail = format!("there is no channel {name:?}; `channels` lists those that there are");
            Problem::new(StatusCode::NOT_FOUND, "Unknown channel", detail).with("channels", known)
        })
    }

    /// Where a page begins, and whether a request for the same URL always begins there.
    async fn start(&self, channel: &Channel, query: &Query) -> Result<(Position, Begin), Problem> {
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
    async fn check_end(&self, channel: &Channel, offset: Position) -> Result<(), Problem> {
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

    async fn page(
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
        let limit = query.limit.unwrap_or(self.default_limit).min(self.max_limit);
        let log = self.log.as_ref();
        let key = Key::new(urls, query, offset, format);
        if begin == Begin::Named
            && let Some(page) = self.pages.get(&key)
            && self.pages.is_kept(log, channel.name, offset).await?
        {
            let mut response = self.send(page, Some(&key), headers).await;
            if let Some(wait) = wait {
                prefer::applied(&mut response, wait.min(self.max_wait));
            }
            return Ok(response);
        }
        let mut scan = Scan::new(offset, limit, &query.types);
        let retained = |error| match error {
            LogError::Retained { oldest, .. } => {
                let url = urls.page(oldest, query);
                Problem::from(error).with("oldest_url", url)
            }
            error => Problem::from(error),
        };
        scan.extend(log, channel.name).await.map_err(retained)?;
        if scan.is_at_start() && offset != Position::default() {
            self.check_end(channel, offset).await?;
        }
        let mut page = Rendered::new(format, channel, urls, query, &scan)?;
        if let Some(deadline) = deadline {
            // Nothing new: no events at all, or those that the client holds already.
            let known = scan.items().len();
            if !scan.is_full() && (known == 0 || page.is_known(headers)) {
                while !scan.is_full() && scan.items().len() == known {
                    match self.shutdown.or(timeout_at(deadline, log.wait(channel.name, scan.next()))).await {
                        Some(Ok(woken)) => woken?,
                        Some(Err(_)) | None => break,
                    }
                    scan.extend(log, channel.name).await.map_err(retained)?;
                }
                page = Rendered::new(format, channel, urls, query, &scan)?;
            }
        }
        // Without an offset, a page stands where the log begins, and retention moves that: even where it begins at 0,
        // the same URL will have another page later.
        let fixed = scan.is_full() && begin == Begin::Named;
        let page = Arc::new(page);
        if fixed {
            self.pages.put(key.clone(), &page);
        }
        let mut response = self.send(page, fixed.then_some(&key), headers).await;
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
}

impl Feeds {
    /// The response of a page, in the encoding that the client wants. A page with a key can never change.
    async fn send(&self, page: Arc<Rendered>, fixed: Option<&Key>, headers: &HeaderMap) -> Response {
        let encoding = Encoding::wanted(headers, page.len());
        let page = match fixed {
            _ if encoding == Encoding::Identity => page,
            None => Arc::new(page.encoded(encoding).await),
            Some(key) => {
                let key = key.encoded(encoding);
                match self.pages.get(&key) {
                    Some(page) => page,
                    None => {
                        let page = Arc::new(page.encoded(encoding).await);
                        self.pages.put(key, &page);
                        page
                    }
                }
            }
        };
        let stability = if fixed.is_some() { Stability::Fixed } else { Stability::Growing };
        page.respond(headers, self.caching, stability)
    }
}

async fn page(
    State(feeds): State<Arc<Feeds>>,
    name: Result<Path<String>, PathRejection>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // A name that is no UTF-8 is the name of no channel.
    let channel = feeds.channel(&name.map(|Path(name)| name).unwrap_or_default())?;
    let query = Query::parse(uri.query().unwrap_or_default())?;
    let urls = feeds.origin.feed(channel.name, &uri, &headers);
    match Format::wanted(&headers) {
        Format::Events => stream(feeds, channel, query, &headers).await,
        format => feeds.page(channel, &urls, &query, format, &headers).await,
    }
}

async fn stream(
    feeds: Arc<Feeds>,
    channel: &'static Channel,
    query: Query,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let next = match sse::resume(headers)? {
        Some(next) => next,
        None => feeds.start(channel, &query).await?.0,
    };
    // A client that cannot be served is told so; from the stream itself it would only reconnect.
    feeds.log.read(channel.name, next, 0).await?;
    feeds.check_end(channel, next).await?;
    Ok(sse::respond(feeds, channel, next, query.types))
}

/// How a request says where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// By a position, or by the event before it.
    Named,
    /// Not at all: with the oldest event, and retention moves that.
    Oldest,
}

/// The feeds that there are.
#[derive(Serialize)]
struct Index {
    feeds: Vec<IndexEntry>,
}

#[derive(Serialize)]
struct IndexEntry {
    channel: &'static str,
    title: &'static str,
    feed_url: String,
    event_types: &'static [&'static str],
    version: &'static str,
}

async fn index(State(feeds): State<Arc<Feeds>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let entry = |channel: &&'static Channel| IndexEntry {
        channel: channel.name,
        title: channel.title,
        feed_url: feeds.origin.child(channel.name, &uri, &headers),
        event_types: channel.event_types,
        version: channel.version,
    };
    let index = Index { feeds: feeds.channels.values().map(entry).collect() };
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Json(index)).into_response()
}

async fn not_allowed() -> Response {
    let detail = "feeds are read with GET; events are appended by the service that owns them";
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail);
    ([(header::ALLOW, HeaderValue::from_static("GET, HEAD"))], problem).into_response()
}
