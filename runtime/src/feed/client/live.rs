//! Connections over which a server brings events as they come: opened where the feed may be read, with the user's headers
//! and through redirects as pages are, and read frame by frame.

use std::collections::VecDeque;
use std::time::Duration;

use http::StatusCode;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::Url;

use super::event_stream::{EventStream, Sent, TooLarge};
use super::fetch::{Accepted, Fetcher, LONGEST_RETRY_AFTER, beginning, detail, text_header, wished_delay};
#[cfg(feature = "websocket")]
use super::socket::{self, Socket};
use crate::consume::ConsumeError;
use crate::event::Position;
use crate::http_client::Opened;

/// How a consumer that has come to the head of its feed learns of new events.
///
/// All ways are equally safe: what is there already is read by pages, a connection that breaks is followed by pages
/// again, and checkpoints are the same, so that a consumer may change from one way to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Live {
    /// Requests that the server holds until there are events; polling, where a server does not know that. Every server
    /// of feeds can do it.
    #[default]
    LongPoll,
    /// A stream of server-sent events (`text/event-stream`) on the feed's URL. A busy feed costs fewer requests.
    ServerSentEvents,
    /// A WebSocket on the feed's URL.
    #[cfg(feature = "websocket")]
    WebSocket,
}

/// What a connection brings.
#[derive(Debug)]
pub(super) enum Frame {
    /// An item of the feed.
    Item(String),
    /// Where to go on: there is nothing for this reader before.
    At(Position),
    /// A sign of life.
    Alive,
    /// It is over.
    End { reason: String, after: Option<Duration> },
}

/// What became of the wish for a connection.
pub(super) enum Opening {
    Open(Connection),
    /// The server does not do this.
    Unavailable(String),
    /// It cannot do it now.
    Later {
        reason: String,
        after: Option<Duration>,
    },
}

/// An open connection.
pub(super) enum Connection {
    Stream(Stream),
    #[cfg(feature = "websocket")]
    Socket(Box<Socket>),
}

impl Connection {
    /// Asks for the events at `url` and those that come. `limit` is how many bytes one may have.
    pub(super) async fn open(fetcher: &Fetcher, live: Live, url: &Url, limit: usize) -> Result<Opening, ConsumeError> {
        match live {
            Live::LongPoll => Ok(Opening::Unavailable("it is not wanted".to_owned())),
            Live::ServerSentEvents => Stream::open(fetcher, url, limit).await,
            #[cfg(feature = "websocket")]
            Live::WebSocket => socket::open(fetcher, url, limit).await,
        }
    }

    /// What comes next.
    pub(super) async fn next(&mut self) -> Result<Frame, ConsumeError> {
        match self {
            Connection::Stream(stream) => stream.next().await,
            #[cfg(feature = "websocket")]
            Connection::Socket(socket) => socket.next().await,
        }
    }

    /// Asks for a sign of life, where there is a way to.
    pub(super) async fn probe(&mut self) {
        match self {
            Connection::Stream(_) => {}
            #[cfg(feature = "websocket")]
            Connection::Socket(socket) => socket.probe().await,
        }
    }
}

/// Whether an answer that is no connection means that there will be none.
pub(super) async fn refused(fetcher: &Fetcher, url: &Url, opened: Opened) -> Result<Opening, ConsumeError> {
    let status = opened.status();
    let after = wished_delay(opened.headers());
    let content_type = text_header(opened.headers(), CONTENT_TYPE);
    if status.is_success() || status.is_informational() {
        // Its body may be a page, or have no end.
        let sort = content_type.map_or_else(|| "no content type".to_owned(), |name| beginning(&name));
        return Ok(Opening::Unavailable(format!("it answered {} with {sort}", status.as_u16())));
    }
    let body = match fetcher.read(url, opened).await? {
        Ok(response) => response.body,
        Err(_) => bytes::Bytes::new(),
    };
    let reason = format!("it answered {}: {}", status.as_u16(), detail(status, &body));
    let passes = match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => true,
        // The pages tell more about what was removed.
        StatusCode::GONE => true,
        StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => false,
        status => status.is_server_error(),
    };
    Ok(if passes { Opening::Later { reason, after } } else { Opening::Unavailable(reason) })
}

/// A stream of server-sent events.
pub(super) struct Stream {
    url: Url,
    body: Opened,
    text: EventStream,
    limit: usize,
    sent: VecDeque<Sent>,
}

impl Stream {
    async fn open(fetcher: &Fetcher, url: &Url, limit: usize) -> Result<Opening, ConsumeError> {
        let mut asking = HeaderMap::new();
        asking.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        asking.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let (url, body) = match fetcher.open(url, &asking, Accepted::Ours, fetcher.timeout).await? {
            Ok(opened) => opened,
            Err(reason) => return Ok(Opening::Later { reason, after: None }),
        };
        let content_type = text_header(body.headers(), CONTENT_TYPE).unwrap_or_default();
        let name = content_type.split(';').next().unwrap_or_default().trim();
        if body.status() != StatusCode::OK || !name.eq_ignore_ascii_case("text/event-stream") {
            return refused(fetcher, &url, body).await;
        }
        let stream = Stream { url, body, text: EventStream::new(limit), limit, sent: VecDeque::new() };
        Ok(Opening::Open(Connection::Stream(stream)))
    }

    async fn next(&mut self) -> Result<Frame, ConsumeError> {
        if self.sent.is_empty() {
            let after = self.text.retry().map(|after| after.min(LONGEST_RETRY_AFTER));
            let piece = match self.body.piece().await {
                Some(Ok(piece)) => piece,
                Some(Err(error)) => return Ok(Frame::End { reason: error.to_string(), after }),
                None => return Ok(Frame::End { reason: "the server ended the stream".to_owned(), after }),
            };
            if let Err(TooLarge) = self.text.read(&piece, &mut self.sent) {
                return Err(ConsumeError::PageTooLarge { url: self.url.to_string(), limit: self.limit });
            }
        }
        Ok(match self.sent.pop_front() {
            Some(Sent::Data(item)) => Frame::Item(item),
            // Ids are positions here. Others are of no use, because pages do not know them.
            Some(Sent::Id(id)) => match id.parse::<u64>().ok().and_then(|last| last.checked_add(1)) {
                Some(next) => Frame::At(Position(next)),
                None => Frame::Alive,
            },
            None => Frame::Alive,
        })
    }
}
