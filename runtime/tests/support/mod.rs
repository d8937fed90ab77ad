//! What the consumer tests share: a channel of two events as the generator would write it, a handler that records, and
//! a feed server whose answers a test can spoil one by one.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_api::consume::{Backoff, RetryPolicy};
use event_api::{Channel, Context, EventSet, Handler, HandlerError, HandlerResult, Headers, feed};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

static USER_EVENTS: Channel = Channel {
    name: "user-events",
    title: "User events",
    address: None,
    event_types: &["NameChanged", "UserDeleted"],
    version: "1.2.0",
    transports: &[event_api::Transport::Feed],
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NameChanged {
    pub(crate) old_name: String,
    pub(crate) new_name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum UserEvents {
    NameChanged(NameChanged),
    UserDeleted,
}

impl EventSet for UserEvents {
    const CHANNEL: &'static Channel = &USER_EVENTS;

    fn event_type(&self) -> &str {
        match self {
            UserEvents::NameChanged(_) => "NameChanged",
            UserEvents::UserDeleted => "UserDeleted",
        }
    }

    fn data(&self) -> Result<Box<RawValue>, serde_json::Error> {
        match self {
            UserEvents::NameChanged(event) => serde_json::value::to_raw_value(event),
            UserEvents::UserDeleted => serde_json::value::to_raw_value(&()),
        }
    }

    fn decode<'de, D: Deserializer<'de>>(event_type: &str, _: &Headers, data: D) -> Result<Self, D::Error> {
        match event_type {
            "NameChanged" => NameChanged::deserialize(data).map(UserEvents::NameChanged),
            "UserDeleted" => <()>::deserialize(data).map(|()| UserEvents::UserDeleted),
            other => Err(serde::de::Error::custom(format!("unknown event type {other:?}"))),
        }
    }
}

/// What a handler does with an event, by its id and attempt.
type Behaviour = dyn Fn(&str, u32) -> Act + Send + Sync;

pub(crate) enum Act {
    Succeed,
    Retry,
    Reject,
    Panic,
    Hang,
}

/// Records the ids that it was called with, and the ones that it succeeded with.
#[derive(Clone)]
pub(crate) struct Recorder {
    pub(crate) called: Arc<Mutex<Vec<String>>>,
    pub(crate) handled: Arc<Mutex<Vec<String>>>,
    behaviour: Arc<Behaviour>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::that(|_, _| Act::Succeed)
    }

    pub(crate) fn that(behaviour: impl Fn(&str, u32) -> Act + Send + Sync + 'static) -> Self {
        Recorder { called: Arc::default(), handled: Arc::default(), behaviour: Arc::new(behaviour) }
    }

    pub(crate) fn called(&self) -> Vec<String> {
        self.called.lock().unwrap().clone()
    }

    pub(crate) fn handled(&self) -> Vec<String> {
        self.handled.lock().unwrap().clone()
    }

    /// Waits until `count` events were handled.
    pub(crate) async fn until_handled(&self, count: usize) {
        while self.handled.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Handler for Recorder {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        let id = cx.id.as_str().to_owned();
        self.called.lock().unwrap().push(id.clone());
        match (self.behaviour)(&id, cx.attempt) {
            Act::Succeed => {
                self.handled.lock().unwrap().push(id);
                Ok(())
            }
            Act::Retry => Err(HandlerError::retry("not now")),
            Act::Reject => Err(HandlerError::reject("never")),
            Act::Panic => panic!("a bug in the handler"),
            Act::Hang => std::future::pending().await,
        }
    }
}

/// How the server answers one request instead of with a page.
pub(crate) enum Fault {
    Status(u16, &'static str, String),
    /// A 200 with this body.
    Body(String),
    /// A stream of server-sent events that ends after this.
    Stream(String),
    /// A stream of server-sent events that brings this, and then nothing for as long as the client stays.
    Quiet(String),
    /// A 200 whose body breaks off.
    Truncated,
    /// No answer until the client goes away.
    Silence,
    /// The connection is closed without an answer.
    Close,
}

impl Fault {
    pub(crate) fn status(status: u16) -> Self {
        Fault::Status(status, "", String::new())
    }
}

#[derive(Default)]
struct State {
    items: Vec<Value>,
    /// Events of a page.
    limit: usize,
    faults: VecDeque<Fault>,
    live: VecDeque<Fault>,
    requests: Vec<String>,
}

/// A feed over loopback, with pages of three unless told otherwise.
pub(crate) struct Feed {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

const LIMIT: usize = 3;

impl Feed {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { limit: LIMIT, ..State::default() }));
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Feed { address, state }
    }

    /// A feed that holds `count` events with the ids `e0`, `e1`, ….
    pub(crate) async fn with(count: usize) -> Self {
        let feed = Self::start().await;
        feed.publish(count);
        feed
    }

    /// The same with pages of `limit` events.
    pub(crate) async fn with_pages_of(limit: usize, count: usize) -> Self {
        let feed = Self::with(count).await;
        feed.state.lock().unwrap().limit = limit;
        feed
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/feeds/user-events", self.address)
    }

    pub(crate) fn publish(&self, count: usize) {
        let mut state = self.state.lock().unwrap();
        for _ in 0..count {
            let position = state.items.len();
            state.items.push(item(position));
        }
    }

    /// Replaces members of one item.
    pub(crate) fn edit(&self, position: usize, edit: impl FnOnce(&mut Value)) {
        edit(&mut self.state.lock().unwrap().items[position]);
    }

    /// Spoils the next answers, one each.
    pub(crate) fn spoil(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    /// Answers to the next requests for a stream or a WebSocket, one each. Without any, they are answered with a page.
    pub(crate) fn live(&self, answers: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().live.extend(answers);
    }

    /// How many requests for a stream or a WebSocket there were.
    pub(crate) fn live_requests(&self) -> usize {
        self.requests().iter().filter(|head| is_live(head)).count()
    }

    /// The heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// A consumer that does not wait long.
    pub(crate) fn consumer(&self, checkpoints: impl event_api::consume::Checkpoints + 'static) -> feed::Consumer {
        let soon = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));
        feed::Consumer::new(self.url(), checkpoints)
            .name("mailer")
            .backoff(soon)
            .retry(RetryPolicy::attempts(3).backoff(soon))
            .poll_interval(Duration::from_millis(5))
    }
}

pub(crate) fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("e{n}")).collect()
}

/// The item of the event at `position`.
pub(crate) fn item(position: usize) -> Value {
    json!({
        "id": format!("e{position}"),
        "date_published": "2020-05-01T14:00:00-07:00",
        "_type": "NameChanged",
        "_data": { "oldName": "John Foo", "newName": "John Bar" },
        "_position": position,
    })
}

fn is_live(head: &str) -> bool {
    head.contains("accept: text/event-stream") || head.contains("upgrade: websocket")
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut head = Vec::new();
    let mut byte = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(read) if read > 0 => head.extend_from_slice(&byte[..read]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let fault = {
        let mut state = state.lock().unwrap();
        state.requests.push(head.clone());
        if is_live(&head) { state.live.pop_front() } else { state.faults.pop_front() }
    };
    let answer = match fault {
        None => page(&head, &state.lock().unwrap()),
        Some(Fault::Status(status, headers, body)) => response(status, headers, &body),
        Some(Fault::Body(body)) => response(200, "content-type: text/plain\r\n", &body),
        Some(Fault::Stream(body)) => stream_of(&body),
        Some(Fault::Quiet(body)) => {
            let _ = stream.write_all(stream_of(&body).as_bytes()).await;
            while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
            return;
        }
        Some(Fault::Truncated) => {
            let whole = page(&head, &state.lock().unwrap());
            whole[..whole.len() - 20].to_owned()
        }
        Some(Fault::Silence) => {
            while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
            return;
        }
        Some(Fault::Close) => return,
    };
    // The client may have gone away.
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn stream_of(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}")
}

fn response(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} Whatever\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn page(head: &str, state: &State) -> String {
    let items = &state.items;
    let target = head.split(' ').nth(1).unwrap();
    let offset: usize = target.split_once("offset=").map_or(0, |(_, offset)| offset.parse().unwrap());
    let items = &items[offset.min(items.len())..];
    let items = &items[..items.len().min(state.limit)];
    let mut body =
        json!({ "version": "https://jsonfeed.org/version/1.1", "title": "User events", "items": items }).to_string();
    if !items.is_empty() {
        // Before the items, as feeds of this crate have it.
        let next = format!(r#""next_url":"/feeds/user-events?offset={}","#, offset + items.len());
        body.insert_str(1, &next);
    }
    let etag = format!("\"{offset}-{}\"", items.len());
    if head.contains(&format!("if-none-match: {etag}\r\n")) {
        return response(304, "", "");
    }
    response(200, &format!("content-type: application/feed+json\r\netag: {etag}\r\n"), &body)
}
