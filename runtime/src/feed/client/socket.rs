//! The feed as a WebSocket (RFC 6455), from the client's side: the handshake goes over the same HTTP client as pages do, so
//! that TLS, redirects, headers and the check of addresses are the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use http::header::{
    CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use url::Url;

use super::fetch::{Accepted, Fetcher, beginning};
use super::live::{Connection, Frame, Opening, refused};
use crate::consume::ConsumeError;
use crate::event::Position;

/// An open WebSocket.
pub(super) struct Socket {
    url: Url,
    limit: usize,
    stream: WebSocketStream<TokioIo<Upgraded>>,
}

/// Asks for a WebSocket at `url`, whose messages have at most `limit` bytes.
pub(super) async fn open(fetcher: &Fetcher, url: &Url, limit: usize) -> Result<Opening, ConsumeError> {
    let unable = |reason: &str| Ok(Opening::Later { reason: reason.to_owned(), after: None });
    let mut nonce = [0; 16];
    if getrandom::fill(&mut nonce).is_err() {
        return unable("the system has no random numbers");
    }
    let key = STANDARD.encode(nonce);
    let Ok(key_header) = HeaderValue::from_str(&key) else { return unable("a key could not be sent") };
    let mut asking = HeaderMap::new();
    asking.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    asking.insert(UPGRADE, HeaderValue::from_static("websocket"));
    asking.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    asking.insert(SEC_WEBSOCKET_KEY, key_header);
    let (url, opened) = match fetcher.open(url, &asking, Accepted::Given, fetcher.timeout).await? {
        Ok(opened) => opened,
        Err(reason) => return Ok(Opening::Later { reason, after: None }),
    };
    if opened.status() != StatusCode::SWITCHING_PROTOCOLS {
        return refused(fetcher, &url, opened).await;
    }
    // Section 4.1: an answer to another question comes from something that does not speak WebSocket.
    let accepted = opened.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Ok(Opening::Unavailable("its answer to the WebSocket handshake is wrong".to_owned()));
    }
    let upgraded = match opened.upgraded().await {
        Ok(upgraded) => upgraded,
        Err(error) => return Ok(Opening::Later { reason: error.to_string(), after: None }),
    };
    let config = WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
    let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await;
    Ok(Opening::Open(Connection::Socket(Box::new(Socket { url, limit, stream }))))
}

impl Socket {
    /// What comes next.
    pub(super) async fn next(&mut self) -> Result<Frame, ConsumeError> {
        let over = |reason: String| Ok(Frame::End { reason, after: None });
        match self.stream.next().await {
            Some(Ok(Message::Text(item))) => Ok(Frame::Item(item.as_str().to_owned())),
            // Servers of these feeds say in pings where to go on.
            Some(Ok(Message::Ping(payload))) => {
                let next = std::str::from_utf8(&payload).ok().and_then(|text| text.parse().ok());
                Ok(next.map_or(Frame::Alive, |next| Frame::At(Position(next))))
            }
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => Ok(Frame::Alive),
            Some(Ok(Message::Binary(_))) => over("it sent a binary message, which is no item of a feed".to_owned()),
            Some(Ok(Message::Close(Some(frame)))) => {
                over(format!("the server ended it with {}: {}", u16::from(frame.code), beginning(&frame.reason)))
            }
            Some(Ok(Message::Close(None))) | None => over("the server ended it".to_owned()),
            Some(Err(Error::Capacity(_))) => {
                Err(ConsumeError::PageTooLarge { url: self.url.to_string(), limit: self.limit })
            }
            Some(Err(error)) => over(error.to_string()),
        }
    }

    /// Asks for a pong. That it cannot be sent is noticed when reading.
    pub(super) async fn probe(&mut self) {
        let _ = self.stream.send(Message::Ping(Default::default())).await;
    }
}
