//! A feed as a WebSocket (RFC 6455), on the same URL: what is there first, then what comes.
//!
//! Each text frame is an item as in a page. Pings keep the connection alive, and their payload is the offset at which a
//! client goes on that reconnects. What cannot be served is refused with a problem document before the upgrade; what
//! happens later is told in the close frame: 1001 when the server shuts down, 4410 when retention has removed what comes
//! next (with a problem document as the reason), 1011 when the log fails. Nothing is read ahead for a client that is
//! slow: the next events are read when it has taken those before.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts as _, ws};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::time::timeout;

use super::follow::{Follower, News};
use super::respond::Caching;
use super::urls::FeedUrls;
use crate::consume::chain;
use crate::log::LogError;
use crate::problem::Problem;

/// Clients have nothing to say but pongs and the end.
const FROM_CLIENT: usize = 4 << 10;
/// What is written to the connection at once. Beside one item, this is all that waits for a slow client here.
const TO_CLIENT: usize = 64 << 10;
/// How long a client may take nothing at all, in heartbeats.
const PATIENCE: u32 = 4;
/// How long it may take to answer a close frame.
const FAREWELL: Duration = Duration::from_secs(2);
/// From the range for applications: the HTTP status, with what is read next removed by retention.
const GONE: u16 = 4410;

/// Whether the request asks for a WebSocket.
pub(super) fn is_wanted(method: &Method, headers: &HeaderMap) -> bool {
    let names = |header| {
        let values = headers.get_all(header).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim)
    };
    *method == Method::GET && names(header::UPGRADE).any(|name| name.eq_ignore_ascii_case("websocket"))
}

/// The upgrade, if the request is fit for one.
pub(super) async fn accept(parts: &mut Parts) -> Result<WebSocketUpgrade, Response> {
    WebSocketUpgrade::from_request_parts(parts, &()).await.map_err(
        |rejection: ws::rejection::WebSocketUpgradeRejection| {
            let status = rejection.status();
            Problem::new(status, "No WebSocket", rejection.body_text()).into_response()
        },
    )
}

/// Refuses pages of other sites: for WebSockets, browsers send cookies and client certificates along wherever the page
/// comes from, and do not ask whether it may read the answer.
pub(super) fn check_origin(headers: &HeaderMap, urls: &FeedUrls, caching: Caching) -> Result<(), Problem> {
    let (Some(origin), Caching::Private) = (headers.get(header::ORIGIN), caching) else { return Ok(()) };
    let authority = |text: &str| text.parse::<Uri>().ok().and_then(|uri| uri.authority().map(Authority::to_string));
    let asks = origin.to_str().ok().and_then(authority);
    if asks.is_some() && asks == authority(&urls.feed) {
        return Ok(());
    }
    let detail = format!("pages of {origin:?} may not open WebSockets here, because this feed is not public");
    Err(Problem::new(StatusCode::FORBIDDEN, "Other origin", detail))
}

/// Upgrades, and sends what `follower` reads.
pub(super) fn respond(upgrade: WebSocketUpgrade, follower: Follower) -> Response {
    upgrade
        .read_buffer_size(FROM_CLIENT)
        .max_message_size(FROM_CLIENT)
        .max_frame_size(FROM_CLIENT)
        .write_buffer_size(TO_CLIENT)
        .on_upgrade(move |socket| serve(socket, follower))
}

/// Why a connection ends.
enum End {
    /// The client is gone, or takes nothing.
    Lost,
    /// It is told.
    Close(CloseFrame),
}

async fn serve(socket: WebSocket, mut follower: Follower) {
    let (mut sink, mut stream) = socket.split();
    let end = tokio::select! {
        () = listen(&mut stream) => End::Lost,
        end = speak(&mut sink, &mut follower) => end,
    };
    match end {
        // Answers the client's close frame, where there was one.
        End::Lost => drop(timeout(FAREWELL, sink.close()).await),
        End::Close(frame) => {
            // Before the frame, a slow client takes what was sent.
            let patience = follower.feeds.heartbeat.saturating_mul(PATIENCE);
            if let Ok(Ok(())) = timeout(patience, sink.send(Message::Close(Some(frame)))).await {
                // Who does not answer in time is left.
                let _ = timeout(FAREWELL, listen(&mut stream)).await;
            }
        }
    }
}

/// Reads until the client ends the connection. What it says is of no interest; pings are answered on the way.
async fn listen(stream: &mut SplitStream<WebSocket>) {
    while let Some(Ok(message)) = stream.next().await {
        if matches!(message, Message::Close(_)) {
            break;
        }
    }
}

async fn speak(sink: &mut SplitSink<WebSocket, Message>, follower: &mut Follower) -> End {
    let patience = follower.feeds.heartbeat.saturating_mul(PATIENCE);
    loop {
        let messages = match follower.news().await.and_then(|news| messages(news, follower)) {
            Ok(Some(messages)) => messages,
            Ok(None) => {
                let reason = format!("the server shuts down; go on at offset={}", follower.next());
                return End::Close(CloseFrame { code: close_code::AWAY, reason: reason.into() });
            }
            Err(error) => return failed(&error, follower),
        };
        for message in messages {
            match timeout(patience, sink.feed(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return End::Lost,
            }
        }
        match timeout(patience, sink.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return End::Lost,
        }
    }
}

/// What is sent of `news`; nothing when it is over.
fn messages(news: News, follower: &Follower) -> Result<Option<Vec<Message>>, LogError> {
    let here = || Message::Ping(follower.next().to_string().into());
    let chunk = match news {
        News::Events(chunk) => chunk,
        News::Quiet => return Ok(Some(vec![here()])),
        News::Shutdown => return Ok(None),
    };
    let form = follower.feeds.item_form;
    let item = |stored| form.item(stored).map(|item| Message::Text(item.into()));
    let items: Result<Vec<_>, _> = follower.wanted(&chunk).map(item).collect();
    let mut messages = items.map_err(|error| LogError::Storage(error.into()))?;
    if follower.passed(&chunk).is_some() {
        messages.push(here());
    }
    Ok(Some(messages))
}

fn failed(error: &LogError, follower: &Follower) -> End {
    let channel = follower.channel.name;
    tracing::warn!(channel, error = chain(error), "a WebSocket was cut short");
    let frame = match error {
        // A reason has room for 123 bytes.
        LogError::Retained { oldest, .. } => {
            let problem = json!({ "title": "Events removed by retention", "status": 410, "oldest_position": oldest.0 });
            CloseFrame { code: GONE, reason: problem.to_string().into() }
        }
        _ => CloseFrame { code: close_code::ERROR, reason: "the feed could not be read; try again later".into() },
    };
    End::Close(frame)
}
