//! A feed as a WebSocket, on the same URL.
#![cfg(all(feature = "server", feature = "client", feature = "websocket"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod webhook_support;

use std::time::Duration;

use event_api::Position;
use event_api::feed::Feeds;
use event_api::log::{Log, MemoryLog, Retention};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use webhook_support::{PATIENCE, USERS, event_of, events, serve};

async fn append(log: &MemoryLog, numbers: std::ops::Range<usize>) {
    log.append(USERS.name, events(numbers)).await.unwrap();
}

/// `host:port/channel` of the feed.
async fn start(feeds: Feeds) -> String {
    let (address, _) = serve(feeds.router()).await;
    format!("{address}/{}", USERS.name)
}

struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn open(url: &str, headers: &[(&'static str, &str)]) -> Result<Self, (u16, Value)> {
        let socket = TcpStream::connect(url.split('/').next().unwrap()).await.unwrap();
        Self::over(socket, url, headers).await
    }

    async fn over(socket: TcpStream, url: &str, headers: &[(&'static str, &str)]) -> Result<Self, (u16, Value)> {
        let mut request = format!("ws://{url}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tokio_tungstenite::client_async(request, socket).await {
            Ok((stream, _)) => Ok(Client(stream)),
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                Err((response.status().as_u16(), serde_json::from_slice(&body).unwrap_or_default()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn message(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, self.0.next()).await.expect("nothing comes").expect("it has ended").unwrap()
    }

    async fn item(&mut self) -> Value {
        loop {
            match self.message().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn positions(&mut self, count: usize) -> Vec<u64> {
        let mut positions = Vec::new();
        for _ in 0..count {
            positions.push(self.item().await["_position"].as_u64().unwrap());
        }
        positions
    }

    async fn ping(&mut self) -> String {
        loop {
            if let Message::Ping(payload) = self.message().await {
                return String::from_utf8(payload.to_vec()).unwrap();
            }
        }
    }

    async fn close(&mut self) -> CloseFrame {
        loop {
            if let Message::Close(frame) = self.message().await {
                return frame.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_socket_brings_what_is_there_and_what_comes() {
    let log = MemoryLog::new();
    append(&log, 0..250).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let mut client = Client::open(&url, &[]).await.unwrap();
    let first = client.item().await;
    assert_eq!(
        (&first["id"], &first["_type"], &first["_data"]["newName"]),
        (&"event-0".into(), &"NameChanged".into(), &"0".into())
    );
    assert_eq!(client.positions(249).await, (1..250).collect::<Vec<_>>());
    append(&log, 250..252).await;
    assert_eq!(client.positions(2).await, [250, 251]);
    client.0.close(None).await.unwrap();
    while let Some(Ok(_)) = client.0.next().await {}
}

#[tokio::test]
async fn a_socket_goes_on_at_an_offset_or_behind_an_event() {
    let log = MemoryLog::new();
    append(&log, 0..10).await;
    let url = start(Feeds::new(&log, [&USERS]).strict()).await;
    for (query, headers, position) in
        [("?offset=7", &[][..], 7), ("?lastEventId=event-4", &[], 5), ("?offset=3", &[("last-event-id", "8")], 9)]
    {
        let mut client = Client::open(&format!("{url}{query}"), headers).await.unwrap();
        assert_eq!(client.item().await["_event"]["position"], position, "{query}, in the form of the feed's items");
    }
    log.trim(USERS.name, &Retention::forever().starting_at(Position(5)), 10).await.unwrap();
    for (query, status) in [("?offset=3", 410), ("?offset=11", 400), ("?offset=x", 400)] {
        let (found, problem) = Client::open(&format!("{url}{query}"), &[]).await.err().unwrap();
        assert_eq!((found, problem["status"].as_u64()), (status, Some(u64::from(status))), "{query}");
    }
    let (_, gone) = Client::open(&format!("{url}?offset=3"), &[]).await.err().unwrap();
    assert_eq!(gone["oldest_position"], 5);
    assert_eq!(gone["oldest_url"], format!("http://{url}?offset=5"));
}

#[tokio::test]
async fn pings_say_where_to_go_on_when_nothing_comes_or_is_passed_over() {
    let log = MemoryLog::new();
    let types = ["NameChanged", "UserDeleted", "NameChanged", "NameChanged"];
    let appended = types.iter().zip(0..).map(|(name, number)| event_of(name, number)).collect();
    log.append(USERS.name, appended).await.unwrap();
    let url = start(Feeds::new(&log, [&USERS]).heartbeat(Duration::from_millis(20))).await;
    let mut client = Client::open(&format!("{url}?type=UserDeleted"), &[]).await.unwrap();
    assert_eq!(client.positions(1).await, [1]);
    assert_eq!(client.ping().await, "4", "behind the events of other types");
    append(&log, 4..5).await;
    while client.ping().await != "5" {}
}

#[tokio::test]
async fn a_server_that_shuts_down_says_so() {
    let log = MemoryLog::new();
    append(&log, 0..3).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let url = start(Feeds::new(&log, [&USERS]).shutdown(async { drop(stopped.await) })).await;
    let mut client = Client::open(&url, &[]).await.unwrap();
    assert_eq!(client.positions(3).await, [0, 1, 2]);
    drop(stop);
    let close = client.close().await;
    assert_eq!((u16::from(close.code), close.reason.as_str()), (1001, "the server shuts down; go on at offset=3"));
}

/// A client whose system takes little for it.
async fn slow(url: &str) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let stream = socket.connect(url.split('/').next().unwrap().parse().unwrap()).await.unwrap();
    Client::over(stream, url, &[]).await.unwrap()
}

/// More than buffers of systems hold.
async fn append_much(log: &MemoryLog) -> usize {
    const EVENTS: usize = 600;
    let large = |number| {
        let mut event = event_of("NameChanged", number);
        event.data = serde_json::value::RawValue::from_string(format!("\"{}\"", "x".repeat(64 << 10))).unwrap();
        event
    };
    log.append(USERS.name, (0..EVENTS).map(large).collect()).await.unwrap();
    EVENTS
}

#[tokio::test]
async fn a_slow_client_is_not_read_ahead_for_and_learns_that_retention_overtook_it() {
    let log = MemoryLog::new();
    let count = append_much(&log).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let mut client = slow(&url).await;
    assert_eq!(client.positions(1).await, [0]);
    // Had the server read ahead, it would have all of them.
    tokio::time::sleep(Duration::from_millis(200)).await;
    log.trim(USERS.name, &Retention::forever().starting_at(Position(count as u64)), count).await.unwrap();
    let close = client.close().await;
    let problem: Value = serde_json::from_str(&close.reason).unwrap();
    assert_eq!(
        (u16::from(close.code), &problem["status"], &problem["oldest_position"]),
        (4410, &410.into(), &count.into())
    );
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_left() {
    let log = MemoryLog::new();
    append_much(&log).await;
    let url = start(Feeds::new(&log, [&USERS]).heartbeat(Duration::from_millis(50))).await;
    let mut client = slow(&url).await;
    tokio::time::sleep(Duration::from_millis(50 * 4 + 3000)).await;
    let mut taken = 0;
    let broken = loop {
        match tokio::time::timeout(PATIENCE, client.0.next()).await.unwrap() {
            Some(Ok(_)) => taken += 1,
            _ => break true,
        }
    };
    assert!(broken && taken < 600, "{taken}");
}

#[tokio::test]
async fn pages_of_other_sites_may_not_open_sockets_on_feeds_that_are_not_public() {
    let log = MemoryLog::new();
    append(&log, 0..1).await;
    let private = start(Feeds::new(&log, [&USERS]).authorised()).await;
    let public = start(Feeds::new(&log, [&USERS])).await;
    let own = format!("http://{}", private.split('/').next().unwrap());
    assert!(Client::open(&private, &[("origin", &own)]).await.is_ok());
    assert!(Client::open(&private, &[]).await.is_ok(), "no browser");
    for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
        assert_eq!(Client::open(&private, &[("origin", origin)]).await.err().unwrap().0, 403, "{origin}");
        assert!(Client::open(&public, &[("origin", origin)]).await.is_ok());
    }
}

#[tokio::test]
async fn what_is_no_sound_upgrade_is_a_problem() {
    let log = MemoryLog::new();
    let url = start(Feeds::new(&log, [&USERS])).await;
    for (name, value) in [("sec-websocket-version", "7"), ("connection", "keep-alive")] {
        let request = http::Request::get(format!("http://{url}"))
            .header("upgrade", "websocket")
            .header("connection", if name == "connection" { value } else { "upgrade" })
            .header("sec-websocket-version", if name == "connection" { "13" } else { value })
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
        webhook_support::Http::new().send(request.body(Default::default()).unwrap()).await.problem(400);
    }
}

#[tokio::test]
async fn what_a_client_says_is_ignored_within_bounds() {
    let log = MemoryLog::new();
    append(&log, 0..1).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let mut client = Client::open(&url, &[]).await.unwrap();
    client.0.send(Message::text("hello?")).await.unwrap();
    client.0.send(Message::Ping("x".into())).await.unwrap();
    assert_eq!(client.positions(1).await, [0]);
    assert!(matches!(client.message().await, Message::Pong(payload) if payload == "x"));
    client.0.send(Message::text("x".repeat(64 << 10))).await.unwrap();
    while let Some(Ok(_)) = tokio::time::timeout(PATIENCE, client.0.next()).await.expect("it is not refused") {}
}
