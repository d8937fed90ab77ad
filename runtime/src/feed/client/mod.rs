//! The feed consumer: follows a feed over HTTP from its checkpoint on and brings every event to a handler.

mod ahead;
mod event_stream;
mod fetch;
mod follow;
mod fresh;
mod live;
mod location;
mod originals;
mod peek;
#[cfg(feature = "websocket")]
mod socket;
mod walk;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use self::follow::Following;
pub use self::live::Live;
use self::walk::{FeedReader, Pace};
use super::names::FieldNames;
use crate::consume::{Backoff, Checkpoints, ConsumeError, Handler, Settings, Until, consumer_settings};
use crate::http_client::{AnyAddress, BodyLimit, Client};
use crate::roots::{CertificateError, Roots};

/// Longer waits than this are mistakes, and longer ones still would overflow the clock.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// Consumes a feed: walks its pages oldest first, hands every event to a handler, and remembers in a checkpoint which
/// was the last one that was completed.
///
/// What may pass by itself (no connection, a timeout, 5xx, 429, a truncated or nonsensical page) is logged and tried
/// again with backoff, for as long as it takes, without moving. What will not (401, 404, a feed that leads to another
/// host) is an error.
///
/// Handling is at least once: an event whose handler succeeded is handled again only if the process is killed before
/// its checkpoint is stored. Events come in the feed's order and one at a time, or one of each subject at a time
/// ([`Consumer::concurrency`]); several instances can share the work ([`Consumer::group`]).
///
/// ```no_run
/// # use event_api::Handler;
/// # async fn wiring(mailer: impl Handler) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use event_api::consume::SqliteCheckpoints;
/// use event_api::feed;
///
/// let checkpoints = SqliteCheckpoints::open("mailer.db").await?;
/// feed::Consumer::new("https://users.internal/feeds/user-events", checkpoints)
///     .name("mailer")
///     .header("authorization", "Bearer …")
///     .handler_timeout(Duration::from_secs(60))
///     .shutdown(async { let _ = tokio::signal::ctrl_c().await; })
///     .run(mailer)
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Consumer {
    url: String,
    settings: Settings,
    start: Start,
    backoff: Backoff,
    poll_interval: Duration,
    long_poll: Duration,
    live: Live,
    timeout: Duration,
    page_limit: usize,
    headers: Vec<(String, String)>,
    allowed_origins: Vec<String>,
    roots: Roots,
    names: Option<FieldNames>,
}

/// Where a consumer begins that has no checkpoint yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    Beginning,
    Now,
}

impl Consumer {
    /// Consumes the feed at `url`. A URL that cannot be used is an error when the consumer is run.
    pub fn new(url: impl Into<String>, checkpoints: impl Checkpoints + 'static) -> Self {
        Consumer {
            url: url.into(),
            settings: Settings::new(checkpoints),
            start: Start::Beginning,
            backoff: Backoff::new(Duration::from_millis(500), Duration::from_secs(60)),
            poll_interval: Duration::from_secs(1),
            long_poll: Duration::from_secs(20),
            live: Live::default(),
            timeout: Duration::from_secs(30),
            page_limit: 16 * 1024 * 1024,
            headers: Vec::new(),
            allowed_origins: Vec::new(),
            roots: Roots::default(),
            names: None,
        }
    }

    /// The name under which the checkpoint is kept; by default the host and path of the URL, and its query but for
    /// `offset`, `limit` and `timeout`. Consumers that share a store must differ in it. A URL whose query holds
    /// something that changes, or that is a secret, needs a name of its own.
    ///
    /// The checkpoint belongs to the types that the URL asked for (`?type=A,B`). To ask for others under the same name
    /// is an error.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into());
        self
    }

    /// A consumer without a checkpoint begins with the oldest event. This is the default.
    #[must_use]
    pub fn from_beginning(mut self) -> Self {
        self.start = Start::Beginning;
        self
    }

    /// A consumer without a checkpoint passes over all events that are there and begins with the next one. JSON Feed
    /// knows no way to ask for the end, so the pages are walked once to find it. A [group](Consumer::group) begins at the
    /// beginning.
    #[must_use]
    pub fn from_now(mut self) -> Self {
        self.start = Start::Now;
        self
    }

    consumer_settings!();

    /// The waits between failed requests: 500 ms, doubling up to a minute, unless set. `Retry-After` goes before.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How often the head of the feed is asked for new events at most: every second, unless set. With servers that
    /// hold requests ([`Consumer::long_poll`]), new events do not wait for it.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval.min(LONGEST_TIMEOUT);
        self
    }

    /// Lets the server hold requests at the head of the feed until there are events, for at most `wait` (in whole
    /// seconds; RFC 7240 `Prefer: wait`): 20 s, unless set. Zero asks for none. Servers that do not know it are polled.
    #[must_use]
    pub fn long_poll(mut self, wait: Duration) -> Self {
        self.long_poll = wait.min(LONGEST_TIMEOUT);
        self
    }

    /// How the consumer learns of new events when it has come to the head of the feed: by long polling, unless set.
    ///
    /// A server that offers no such connection is polled instead, with a warning. A connection that breaks, or is
    /// silent for as long as a request may take, is opened again with the waits of [`Consumer::backoff`], after a look
    /// at the pages. This needs a feed whose pages have an `offset` and whose items have positions, as those that
    /// this crate serves; [`Consumer::run_until_caught_up`] needs no connection and opens none.
    ///
    /// ```no_run
    /// # use event_api::Handler;
    /// # async fn wiring(mailer: impl Handler) -> Result<(), Box<dyn std::error::Error>> {
    /// use event_api::consume::MemoryCheckpoints;
    /// use event_api::feed::{Consumer, Live};
    ///
    /// let consumer = Consumer::new("https://users.internal/feeds/user-events", MemoryCheckpoints::new());
    /// consumer.live(Live::ServerSentEvents).run(mailer).await?;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn live(mut self, live: Live) -> Self {
        self.live = live;
        self
    }

    /// How long a request may take from connecting to the last byte (and the time of [`Consumer::long_poll`] on top):
    /// 30 s, unless set.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit.min(LONGEST_TIMEOUT);
        self
    }

    /// How many bytes a page, or an event of a connection, may have: 16 MiB, unless set. A larger one stops the consumer
    /// ([`ConsumeError::PageTooLarge`]), and nothing of it is handled or skipped: raise the limit, or have the publisher
    /// serve fewer events on a page, and start again.
    #[must_use]
    pub fn page_limit(mut self, bytes: usize) -> Self {
        self.page_limit = bytes;
        self
    }

    /// A header for every request, such as `authorization`. It is sent only to the origin of the feed's URL, not to
    /// [allowed ones](Consumer::allow_origin).
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Trusts a private authority beside the public ones: `pem_or_der` is its certificate in DER, or any number of them in
    /// PEM. Without it, a feed whose certificate such an authority has issued is asked for again and again.
    ///
    /// ```no_run
    /// # fn wiring(checkpoints: event_api::consume::MemoryCheckpoints) -> Result<(), Box<dyn std::error::Error>> {
    /// use event_api::feed::Consumer;
    ///
    /// let authority = std::fs::read("/etc/ssl/internal-ca.pem")?;
    /// let consumer = Consumer::new("https://users.internal/feeds/user-events", checkpoints).root_certificate(authority)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When there is no certificate in it, or one that cannot be read.
    pub fn root_certificate(mut self, pem_or_der: impl AsRef<[u8]>) -> Result<Self, CertificateError> {
        self.roots.add(pem_or_der.as_ref())?;
        Ok(self)
    }

    /// Reads a feed whose items carry the type and the payload of their event under other names than `_type` and `_data`.
    /// Its pages are read in two passes instead of one.
    ///
    /// ```no_run
    /// # fn wiring(checkpoints: event_api::consume::MemoryCheckpoints) -> Result<(), Box<dyn std::error::Error>> {
    /// use event_api::feed::{Consumer, FieldNames};
    ///
    /// let consumer = Consumer::new("https://orders.example/feed", checkpoints)
    ///     .field_names(FieldNames::new("_kind", "_payload")?);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn field_names(mut self, names: FieldNames) -> Self {
        self.names = Some(names);
        self
    }

    /// Lets the feed lead to another origin, such as `https://cdn.example`. Without it, a page or a redirect that
    /// leads away from the feed's own origin (or its https form) is an error.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed_origins.push(origin.into());
        self
    }

    /// Consumes until [`Consumer::shutdown`], for ever without it.
    ///
    /// # Errors
    /// When going on cannot help, see [`ConsumeError`]. The checkpoint is behind all that is completed.
    pub async fn run<H: Handler>(self, handler: H) -> Result<(), ConsumeError> {
        self.walk(handler, Until::Shutdown).await
    }

    /// Consumes until the head of the feed is reached and all events are completed: for jobs that run now and then, and for tests.
    ///
    /// # Errors
    /// As [`Consumer::run`].
    pub async fn run_until_caught_up<H: Handler>(self, handler: H) -> Result<(), ConsumeError> {
        self.walk(handler, Until::CaughtUp).await
    }

    async fn walk<H: Handler>(self, handler: H, until: Until) -> Result<(), ConsumeError> {
        if self.settings.group.is_some() && self.start == Start::Now {
            // Each member would have another "now", and the events between would be nobody's.
            return Err(ConsumeError::Setup("a group cannot begin `from_now`; it begins at the beginning".to_owned()));
        }
        let home = location::feed_url(&self.url)?;
        let name = location::default_name(&home);
        let fetcher = fetch::Fetcher {
            client: Client::new(AnyAddress, self.roots).body_limit(BodyLimit::Refuse(self.page_limit)),
            places: location::Places::new(home.clone(), &self.allowed_origins)?,
            headers: headers(&self.headers)?,
            timeout: self.timeout,
            names: self.names,
        };
        let reader = FeedReader {
            fetcher: Arc::new(fetcher),
            home,
            pass_over: self.start == Start::Now,
            pace: Pace { backoff: self.backoff, poll_interval: self.poll_interval, long_poll: self.long_poll },
            following: Following { live: self.live, silence: self.timeout + self.long_poll, limit: self.page_limit },
            on_retained: self.settings.on_retained,
        };
        self.settings.run(name, reader, handler, until).await
    }
}

fn headers(given: &[(String, String)]) -> Result<HeaderMap, ConsumeError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        // The value may be a secret: it is not told.
        let unusable = || ConsumeError::Setup(format!("{name:?} or its value cannot be a header"));
        let header = HeaderName::try_from(name).map_err(|_| unusable())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| unusable())?;
        value.set_sensitive(true);
        headers.append(header, value);
    }
    Ok(headers)
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("url", &self.url).field("name", &self.settings.name).finish_non_exhaustive()
    }
}
