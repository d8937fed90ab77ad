//! A feed as a stream of server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): what is
//! there first, then what comes, for as long as the client stays.
//!
//! The data of an event is an item as in a page, its id the position. A client that reconnects sends the last id, and
//! the stream goes on behind it.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::follow::{Follower, News};
use super::negotiate::EVENT_STREAM;
use super::tail::Chunk;
use crate::consume::chain;
use crate::log::LogError;

/// Nginx would collect the stream in its buffers.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Clients reconnect after a second. The browsers' own default is three.
const GREETING: &str = "retry: 1000\n\n";
/// A comment: the connection is alive, and a client that is gone is noticed.
const HEARTBEAT: &str = ":\n\n";

/// The stream of what `follower` reads.
pub(super) fn respond(follower: Follower) -> Response {
    let stream = stream::unfold(Stream { follower, greeted: false }, |mut stream| async move {
        let text = stream.text().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), stream))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("Accept")),
        (ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

struct Stream {
    follower: Follower,
    greeted: bool,
}

impl Stream {
    /// The next piece of the stream; `None` when it ends, and the client comes again or is told why it cannot.
    async fn text(&mut self) -> Option<String> {
        if !self.greeted {
            self.greeted = true;
            return Some(GREETING.to_owned());
        }
        match self.read().await {
            Ok(text) => text,
            Err(error) => {
                let channel = self.follower.channel.name;
                tracing::warn!(channel, error = chain(&error), "a stream of events was cut short");
                None
            }
        }
    }

    async fn read(&mut self) -> Result<Option<String>, LogError> {
        match self.follower.news().await? {
            News::Events(chunk) => self.write(&chunk).map(Some),
            News::Quiet => Ok(Some(HEARTBEAT.to_owned())),
            News::Shutdown => Ok(None),
        }
    }

    fn write(&self, chunk: &Chunk) -> Result<String, LogError> {
        let form = self.follower.feeds.item_form;
        let mut text = String::new();
        for stored in self.follower.wanted(chunk) {
            let item = form.item(stored).map_err(|error| LogError::Storage(error.into()))?;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "id: {}", stored.position);
            // A payload may have line breaks between its tokens.
            for line in item.split(['\n', '\r']) {
                let _ = writeln!(text, "data: {line}");
            }
            text.push('\n');
        }
        if let Some(position) = self.follower.passed(chunk) {
            // Nothing that the client would tell its user, but where it goes on when it reconnects.
            let _ = write!(text, "id: {position}\n\n");
        }
        Ok(text)
    }
}
