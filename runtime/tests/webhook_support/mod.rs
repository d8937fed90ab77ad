//! What the webhook tests share: a channel with its events as generated code would have them, endpoints on loopback
//! that answer as a script says, and an HTTP client.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(unreachable_pub, reason = "a module of test binaries, which export nothing")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use event_api::webhook::{Guard, Secret, Secrets, Subscription};
use event_api::{Channel, Event, EventSet, Headers, Metadata, RawEvent, Transport, UnknownEvent};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::watch;

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub static USERS: Channel = Channel {
    name: "user-events",
    title: "Users",
    address: Some("users"),
    event_types: &["NameChanged", "UserDeleted"],
    version: "1.0.0",
    transports: &[Transport::Feed, Transport::Webhook],
};

pub static ORDERS: Channel = Channel {
    name: "order-events",
    title: "Orders",
    address: Some("orders"),
    event_types: &["OrderPlaced"],
    version: "1.0.0",
    transports: &[Transport::Webhook],
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NameChanged {
    pub new_name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderPlaced {
    pub number: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum UserEvents {
    NameChanged(NameChanged),
    Unknown(UnknownEvent),
}

#[derive(Clone, Debug, PartialEq)]
pub enum OrderEvents {
    OrderPlaced(OrderPlaced),
    Unknown(UnknownEvent),
}

macro_rules! event_set {
    ($set:ident, $event:ident, $name:literal, $channel:ident) => {
        impl From<$event> for $set {
            fn from(event: $event) -> Self {
                $set::$event(event)
            }
        }

        impl Event for $event {
            const TYPE: &'static str = $name;
            type Set = $set;
        }

        impl EventSet for $set {
            const CHANNEL: &'static Channel = &$channel;

            fn event_type(&self) -> &str {
                match self {
                    $set::$event(_) => $name,
                    $set::Unknown(unknown) => &unknown.event_type,
                }
            }

            fn data(&self) -> Result<Box<RawValue>, serde_json::Error> {
                match self {
                    $set::$event(event) => serde_json::value::to_raw_value(event),
                    $set::Unknown(unknown) => serde_json::value::to_raw_value(&unknown.data),
                }
            }

            fn decode<'de, D: Deserializer<'de>>(
                event_type: &str,
                headers: &Headers,
                data: D,
            ) -> Result<Self, D::Error> {
                match event_type {
                    $name => $event::deserialize(data).map($set::$event),
                    _ => Value::deserialize(data).map(|data| {
                        $set::Unknown(UnknownEvent {
                            event_type: event_type.to_owned(),
                            headers: headers.clone(),
                            data,
                        })
                    }),
                }
            }
        }
    };
}

event_set!(UserEvents, NameChanged, "NameChanged", USERS);
event_set!(OrderEvents, OrderPlaced, "OrderPlaced", ORDERS);

/// The `n`-th event of a test: its id and payload tell its number.
pub fn event(n: usize) -> RawEvent {
    event_of("NameChanged", n)
}

pub fn event_of(event_type: &str, n: usize) -> RawEvent {
    let mut metadata = Metadata::new(event_type);
    metadata.id = format!("event-{n}").into();
    metadata.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    RawEvent { metadata, data: RawValue::from_string(format!(r#"{{"newName": "{n}"}}"#)).unwrap() }
}

pub fn events(numbers: std::ops::Range<usize>) -> Vec<RawEvent> {
    numbers.map(event).collect()
}

/// https to public addresses, and http to this machine.
pub fn loopback() -> Guard {
    Guard::public_only().allow("127.0.0.0/8").unwrap().allow_http()
}

pub fn secret() -> Secret {
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().unwrap()
}

pub fn subscription(url: impl Into<String>) -> Subscription {
    Subscription::new(url, Secrets::from(secret()))
}

/// A request that an endpoint received.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A server on loopback that records what it receives and answers as its script says.
pub struct Endpoint {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    count: watch::Receiver<usize>,
    server: tokio::task::JoinHandle<()>,
}

impl Endpoint {
    /// `script` sees the number of the request, from 0, and the request.
    pub async fn new<R: IntoResponse>(script: impl Fn(usize, &Received) -> R + Send + Sync + 'static) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let (counter, count) = watch::channel(0);
        let (script, log) = (Arc::new(script), Arc::clone(&received));
        let app = axum::Router::new().fallback(move |request: Request| {
            let (script, log, counter) = (Arc::clone(&script), Arc::clone(&log), counter.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let request = Received { headers: parts.headers, body };
                let number = log.lock().unwrap().len();
                let response = script(number, &request).into_response();
                log.lock().unwrap().push(request);
                counter.send_modify(|count| *count += 1);
                response
            }
        });
        let (address, server) = serve(app).await;
        Endpoint { address, received, count, server }
    }

    /// Answers 204 to everything.
    pub async fn accepting() -> Self {
        Self::new(|_, _| StatusCode::NO_CONTENT).await
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn ids(&self) -> Vec<String> {
        self.received().iter().map(|request| request.id().to_owned()).collect()
    }

    /// Waits until at least `count` requests have come.
    pub async fn wait_for(&self, count: usize) {
        let mut counter = self.count.clone();
        let waiting = tokio::time::timeout(PATIENCE, counter.wait_for(|received| *received >= count)).await;
        let received = self.ids();
        waiting.unwrap_or_else(|_| panic!("waited for {count} requests, got {received:?}")).unwrap();
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub async fn serve(app: axum::Router) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }))
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// That it is a problem document with `status`, and its detail.
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{:?}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// A test's HTTP client.
#[derive(Clone)]
pub struct Http(Client<HttpConnector, Full<Bytes>>);

impl Http {
    pub fn new() -> Self {
        Http(Client::builder(TokioExecutor::new()).build_http())
    }

    pub async fn send(&self, request: axum::http::Request<Full<Bytes>>) -> Answer {
        let response = tokio::time::timeout(PATIENCE, self.0.request(request)).await.unwrap().unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, url: impl AsRef<str>) -> Answer {
        self.send(axum::http::Request::get(url.as_ref()).body(Full::default()).unwrap()).await
    }

    pub async fn delete(&self, url: impl AsRef<str>) -> Answer {
        self.send(axum::http::Request::delete(url.as_ref()).body(Full::default()).unwrap()).await
    }

    pub async fn post_json(&self, url: impl AsRef<str>, body: impl Into<Bytes>) -> Answer {
        let request = axum::http::Request::post(url.as_ref()).header("content-type", "application/json");
        self.send(request.body(Full::new(body.into())).unwrap()).await
    }

    /// Delivers `body` as a webhook that was signed `age` seconds ago.
    pub async fn deliver(&self, url: impl AsRef<str>, id: &str, body: &str, age: i64) -> Answer {
        self.send(signed(url.as_ref(), id, body, age)).await
    }
}

/// A webhook signed by the reference library, so that the tests do not agree with themselves only.
pub fn signed(url: &str, id: &str, body: &str, age: i64) -> axum::http::Request<Full<Bytes>> {
    let timestamp = chrono::Utc::now().timestamp() - age;
    let reference = standardwebhooks::Webhook::new(&secret().reveal()).unwrap();
    axum::http::Request::post(url)
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", reference.sign(id, timestamp, body.as_bytes()).unwrap())
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

/// What a condition in a store becomes true of, asked again and again: for states that nothing announces.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("never came true: {what}"))
}
