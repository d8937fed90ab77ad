//! Serving feeds: an axum router over the log.
//!
//! In: requests `GET /{channel}?offset=N&limit=M&type=A,B`. Out: pages ([`super::wire`], [`cloud_events`], [`atom`]),
//! streams ([`sse`], [`websocket`]), or problem documents. The request is read in [`negotiate`], [`query`] and
//! [`prefer`]; [`page`] answers it with a page, whose events are collected in [`scan`]; streams are fed by [`follow`].
//! The URLs are made in [`urls`], [`respond`] decides what may be cached, [`encoding`] compresses, full pages are held
//! in [`pages`], and made once for all who want them ([`flights`]); so are the last events, in [`tail`]. Beside the feeds stand their list ([`index`]) and
//! their [`document`].

mod atom;
mod cloud_events;
mod document;
mod encoding;
mod flights;
mod follow;
mod index;
mod item_form;
mod negotiate;
mod page;
mod pages;
mod prefer;
mod query;
mod respond;
mod scan;
mod sse;
mod tail;
mod urls;
#[cfg(feature = "websocket")]
mod websocket;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use url::Url;

use self::document::Document;
use self::follow::Follower;
use self::item_form::ItemForm;
use self::negotiate::Format;
use self::page::Begin;
use self::pages::Pages;
use self::query::Query;
use self::respond::Caching;
use self::tail::Tails;
pub use self::urls::ProxyHeaders;
use self::urls::{FeedUrls, Origin};
use super::names::FieldNames;
use crate::consume::Shutdown;
use crate::event::{Channel, Transport};
use crate::log::Log;
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
    page_cache: usize,
    pages: Arc<Pages>,
    tails: Arc<Tails>,
    item_form: ItemForm,
    document: Option<Document>,
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
            page_cache: 32 << 20,
            pages: Arc::new(Pages::new(0)),
            tails: Arc::new(Tails::new()),
            item_form: ItemForm::Extended,
            document: None,
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
    /// change, and readers of history share them. With less than 12 MiB, the largest pages may not be kept.
    #[must_use]
    pub fn page_cache(mut self, bytes: usize) -> Self {
        self.page_cache = bytes;
        self
    }

    /// How often a stream of server-sent events or a WebSocket without events says that it is alive. 15 seconds by
    /// default; keep it below the timeouts of proxies.
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

    /// Answers requests that wait for new events at once when `wish` is fulfilled, and ends streams and WebSockets.
    /// Without it, a server that shuts down gracefully waits for them: for requests up to [`Feeds::max_wait`], for
    /// streams as long as their clients stay.
    ///
    /// A WebSocket whose client takes nothing for four heartbeats is left. A stream or a page whose client takes nothing
    /// cannot be ended from here: it is the server's connection that waits to write, and a graceful shutdown waits with
    /// it. Give that a limit of time:
    ///
    /// ```no_run
    /// # use std::{future::Future, time::Duration};
    /// # async fn run(
    /// #     listener: tokio::net::TcpListener,
    /// #     app: axum::Router,
    /// #     wish: impl Future<Output = ()> + Clone + Send + 'static,
    /// # ) -> std::io::Result<()> {
    /// let serving = axum::serve(listener, app).with_graceful_shutdown(wish.clone()).into_future();
    /// let limit = async {
    ///     wish.await;
    ///     tokio::time::sleep(Duration::from_secs(30)).await;
    /// };
    /// tokio::select! {
    ///     served = serving => served,
    ///     () = limit => Ok(()),
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn shutdown(mut self, wish: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Shutdown::when(wish);
        self
    }

    /// Serves the AsyncAPI document `text` beside the feeds, as `asyncapi.yaml` or `asyncapi.json`, whichever it is.
    /// Feeds tell where it is (`Link: …; rel="service-desc"`), and so does their list.
    ///
    /// ```no_run
    /// # use event_api::{Channel, feed::Feeds, log::MemoryLog};
    /// # fn example(log: MemoryLog, user_events: &'static Channel) -> axum::Router {
    /// # const DOCUMENT: &str = "asyncapi: 3.0.0";
    /// // const DOCUMENT: &str = include_str!("../spec/asyncapi.yaml");
    /// Feeds::new(&log, [user_events]).document(DOCUMENT).router()
    /// # }
    /// ```
    #[must_use]
    pub fn document(mut self, text: impl Into<String>) -> Self {
        self.document = Some(Document::new(text.into()));
        self
    }

    /// Writes items in the strict form: with one extension object, `_event: {"type", "data", …}`, instead of members that
    /// begin with `_`. JSON Feed 1.1 asks extensions to be objects, and some validators insist. Consumers read both.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.item_form = ItemForm::Strict;
        self
    }

    /// Writes the type and the payload of events under other names than `_type` and `_data`, for readers that expect
    /// others. Consumers need the same ([`Consumer::field_names`](super::Consumer::field_names)). Instead of
    /// [`Feeds::strict`]: what is set last counts.
    #[must_use]
    pub fn field_names(mut self, names: FieldNames) -> Self {
        self.item_form = ItemForm::Named(names);
        self
    }

    /// The router: `GET /` lists the feeds, `GET /{channel}` is a page of one. Nest it where the feeds shall stand; under
    /// `/feeds`, the list is at `/feeds`, without a slash at its end.
    ///
    /// By `Accept`, the same URL is a page of JSON Feed (`application/feed+json`, unless the client wants another form), a
    /// batch of CloudEvents (`application/cloudevents-batch+json`, with `lastEventId` and `timeout` as in
    /// <https://www.http-feeds.org>), a page of Atom (`application/atom+xml`), or a stream of server-sent events
    /// (`text/event-stream`). With the feature `websocket`, it is a WebSocket for those who ask for one.
    pub fn router(mut self) -> Router {
        // Not that of a clone with other settings, whose pages are others.
        self.pages = Arc::new(Pages::new(self.page_cache));
        let mut router = Router::new()
            .route("/", get(index::index).fallback(not_allowed))
            .route("/{channel}", get(feed).fallback(not_allowed));
        if let Some(document) = &self.document {
            router = router.route(&format!("/{}", document.name()), get(index::document).fallback(not_allowed));
        }
        router.with_state(Arc::new(self))
    }

    /// Follows a channel from where the request says.
    async fn follow(
        self: Arc<Self>,
        channel: &'static Channel,
        urls: &FeedUrls,
        query: Query,
        headers: &HeaderMap,
    ) -> Result<Follower, Problem> {
        let resume = follow::resume(headers)?;
        let mut tries = 0;
        let next = loop {
            let (next, begin) = match resume {
                Some(next) => (next, Begin::Named),
                None => self.start(channel, urls, &query).await?,
            };
            // A client that cannot be served is told so; from the stream itself it would only reconnect.
            match self.log.read(channel.name, next, 0).await.map_err(|error| urls.refused(error, &query)) {
                Ok(_) => break next,
                Err(problem) if Self::is_overtaken(begin, &problem, &mut tries) => {}
                Err(problem) => return Err(problem),
            }
        };
        self.check_end(channel, next).await?;
        Ok(Follower::new(self, channel, next, query.types))
    }

    fn channel(&self, name: &str) -> Result<&'static Channel, Problem> {
        self.channels.get(name).copied().ok_or_else(|| {
            let known: Vec<&str> = self.channels.keys().copied().collect();
            let detail = format!("there is no channel {name:?}; `channels` lists those that there are");
            Problem::new(StatusCode::NOT_FOUND, "Unknown channel", detail).with("channels", known)
        })
    }
}

async fn feed(
    State(feeds): State<Arc<Feeds>>,
    name: Result<Path<String>, PathRejection>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    // A name that is no UTF-8 is the name of no channel.
    let channel = feeds.channel(&name.map(|Path(name)| name).unwrap_or_default())?;
    let query = Query::parse(uri.query().unwrap_or_default())?;
    let urls = feeds.origin.feed(channel.name, &uri, &parts.headers);
    #[cfg(feature = "websocket")]
    if websocket::is_wanted(&parts.method, &parts.headers) {
        websocket::check_origin(&parts.headers, &urls, feeds.caching)?;
        let mut parts = parts;
        let upgrade = match Box::pin(websocket::accept(&mut parts)).await {
            Ok(upgrade) => upgrade,
            Err(response) => return Ok(response),
        };
        let follower = Box::pin(feeds.follow(channel, &urls, query, &parts.headers)).await?;
        return Ok(websocket::respond(upgrade, follower));
    }
    let headers = &parts.headers;
    let mut response = match Format::wanted(headers) {
        Format::Events => sse::respond(Box::pin(Arc::clone(&feeds).follow(channel, &urls, query, headers)).await?),
        format => feeds.page(channel, &urls, &query, format, headers).await?,
    };
    if let Some(document) = &feeds.document {
        document.link(&mut response, &feeds.origin, &uri, headers);
    }
    Ok(response)
}

async fn not_allowed() -> Response {
    let detail = "feeds are read with GET; events are appended by the service that owns them";
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail);
    ([(header::ALLOW, HeaderValue::from_static("GET, HEAD"))], problem).into_response()
}
