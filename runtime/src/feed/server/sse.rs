//! A feed as a stream of server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): what is
//! there first, then what comes, for as long as the client stays.
//!
//! The data of an event is an item as in a page, its id the position. A client that reconnects sends the last id, and
//! the stream goes on behind it. A reader that is slow, or has nothing to read, costs a parked task.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::super::wire::Item;
use super::Feeds;
use super::negotiate::EVENT_STREAM;
use crate::consume::chain;
use crate::event::{Channel, Position};
use crate::log::{LogError, PageLimit, StoredEvent};
use crate::problem::Problem;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Nginx would collect the stream in its buffers.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Read and sent at once.
const CHUNK: PageLimit = PageLimit { events: 100, bytes: 1 << 18 };
/// Clients reconnect after a second. The browsers' own default is three.
const GREETING: &str = "retry: 1000\n\n";

/// Where a client goes on that reconnects. It goes before the URL, which a client repeats as it was.
pub(super) fn resume(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    // A client without an id sends none, or an empty one.
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else { return Ok(None) };
    let seen = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    let Some(next) = seen.and_then(|seen| seen.checked_add(1)) else {
        let detail =
            format!("`Last-Event-ID` is {value:?}, and must be the id of an event of this stream, a whole number");
        return Err(Problem::bad_request(detail));
    };
    Ok(Some(Position(next)))
}

/// The stream from `next` on, where events may be read.
pub(super) fn respond(
    feeds: Arc<Feeds>,
    channel: &'static Channel,
    next: Position,
    types: BTreeSet<String>,
) -> Response {
    let reader = Reader { feeds, channel, next, types, greeted: false };
    let stream = stream::unfold(reader, |mut reader| async move {
        let text = reader.text().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), reader))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("Accept")),
        (ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

struct Reader {
    feeds: Arc<Feeds>,
    channel: &'static Channel,
    next: Position,
    types: BTreeSet<String>,
    greeted: bool,
}

impl Reader {
    /// The next piece of the stream; `None` when it ends, and the client comes again or is told why it cannot.
    async fn text(&mut self) -> Option<String> {
        if !self.greeted {
            self.greeted = true;
            return Some(GREETING.to_owned());
        }
        match self.read().await {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!(channel = self.channel.name, error = chain(&error), "a stream of events was cut short");
                None
            }
        }
    }

    async fn read(&mut self) -> Result<Option<String>, LogError> {
        let feeds = Arc::clone(&self.feeds);
        loop {
            let page = feeds.log.read_page(self.channel.name, self.next, CHUNK).await?;
            if !page.is_empty() {
                return self.write(&page).map(Some);
            }
            let waiting = tokio::time::timeout(feeds.heartbeat, feeds.log.wait(self.channel.name, self.next));
            match feeds.shutdown.or(waiting).await {
                None => return Ok(None),
                // A comment: the connection is alive, and a client that is gone is noticed.
                Some(Err(_)) => return Ok(Some(":\n\n".to_owned())),
                Some(Ok(woken)) => woken?,
            }
        }
    }

    fn write(&mut self, page: &[StoredEvent]) -> Result<String, LogError> {
        let mut text = String::new();
        let mut skipped = None;
        for stored in page {
            self.next = stored.position.next();
            if !self.types.is_empty() && !self.types.contains(&stored.event.metadata.event_type) {
                skipped = Some(stored.position);
                continue;
            }
            skipped = None;
            let item = serde_json::to_string(&Item::from(stored)).map_err(|error| LogError::Storage(error.into()))?;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "id: {}", stored.position);
            // A payload may have line breaks between its tokens.
            for line in item.split(['\n', '\r']) {
                let _ = writeln!(text, "data: {line}");
            }
            text.push('\n');
        }
        if let Some(position) = skipped {
            // Nothing that the client would tell its user, but where it goes on when it reconnects.
            let _ = write!(text, "id: {position}\n\n");
        }
        Ok(text)
    }
}
