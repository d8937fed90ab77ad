//! Feeds over real HTTP: the wire, walking, caching, waiting, and errors.
#![cfg(all(feature = "server", feature = "client", feature = "sqlite"))]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use axum::Router;
use chrono::{TimeZone, Utc};
use event_api::feed::{self, Feeds, ProxyHeaders};
use event_api::log::conformance::event;
use event_api::log::{Log, MemoryLog, Retention, SqliteLog};
use event_api::{Channel, Headers, Metadata, Position, RawEvent, Transport};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::value::RawValue;
use serde_json::{Value, json};

static USERS: Channel = Channel {
    name: "user-events",
    title: "User service: user events",
    address: None,
    event_types: &["NameChanged", "UserDeleted"],
    version: "1.2.0",
    transports: &[Transport::Feed, Transport::Webhook],
};
static HOOKS_ONLY: Channel = Channel { name: "hooks-only", transports: &[Transport::Webhook], ..USERS };
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    base: String,
    client: Client<HttpConnector, Empty<&'static [u8]>>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn positions(&self) -> Vec<u64> {
        self.json()["items"].as_array().unwrap().iter().map(|item| item["_position"].as_u64().unwrap()).collect()
    }

    fn next_url(&self) -> Option<String> {
        self.json()["next_url"].as_str().map(str::to_owned)
    }

    fn is_immutable(&self) -> bool {
        self.header(header::CACHE_CONTROL).contains("immutable")
    }
}

impl Server {
    async fn start(feeds: Router) -> Server {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().nest("/feeds", feeds);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Server { base, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    async fn request(&self, method: Method, url: &str, headers: &[(&str, &str)]) -> Answer {
        let url = if url.starts_with('/') { format!("{}{url}", self.base) } else { url.to_owned() };
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::new()).unwrap();
        let response = tokio::time::timeout(PATIENCE, self.client.request(request)).await.unwrap().unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    async fn get(&self, url: &str) -> Answer {
        self.get_with(url, &[]).await
    }

    async fn get_with(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.request(Method::GET, url, headers).await
    }
}

fn of_type(event_type: &str, number: usize) -> RawEvent {
    let mut event = event(number);
    event.metadata.event_type = event_type.to_owned();
    event
}

async fn append(log: &impl Log, events: impl IntoIterator<Item = RawEvent>) {
    log.append(USERS.name, events.into_iter().collect()).await.unwrap();
}

async fn memory() -> (MemoryLog, Server) {
    let log = MemoryLog::new();
    let server = Server::start(feed::router(&log, [&USERS])).await;
    (log, server)
}

#[tokio::test]
async fn the_page_is_as_documented() {
    let (log, server) = memory().await;
    let mut headers = Headers::default();
    headers.insert("tenant", "acme");
    let full = Metadata {
        id: "0190".into(),
        event_type: "NameChanged".to_owned(),
        time: Utc.with_ymd_and_hms(2020, 5, 1, 21, 0, 0).unwrap(),
        subject: Some("/user/123".to_owned()),
        address: Some("users.123".to_owned()),
        version: Some("1.2.0".to_owned()),
        traceparent: Some("00-01-02-00".to_owned()),
        headers,
    };
    let mut bare = Metadata::new("UserDeleted");
    bare.id = "0191".into();
    bare.time = full.time + Duration::from_millis(1);
    let data = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let events = [
        RawEvent { metadata: full, data: data(r#"{"newName": "John \u0042ar",  "n": 1.0}"#) },
        RawEvent { metadata: bare, data: data("null") },
    ];
    append(&log, events).await;
    let answer = server.get("/feeds/user-events").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header(header::CONTENT_TYPE), "application/feed+json");
    let expected = concat!(
        r#"{"version":"https://jsonfeed.org/version/1.1","title":"User service: user events","#,
        r#""feed_url":"BASE/feeds/user-events","next_url":"BASE/feeds/user-events?offset=2","items":["#,
        r#"{"id":"0190","date_published":"2020-05-01T21:00:00Z","content_text":"NameChanged","#,
        r#""_type":"NameChanged","_headers":{"tenant":"acme"},"_data":{"newName": "John \u0042ar",  "n": 1.0},"#,
        r#""_position":0,"_subject":"/user/123","_version":"1.2.0","_traceparent":"00-01-02-00","_address":"users.123"},"#,
        r#"{"id":"0191","date_published":"2020-05-01T21:00:00.001Z","content_text":"UserDeleted","#,
        r#""_type":"UserDeleted","_data":null,"_position":1}]}"#,
    );
    assert_eq!(answer.text.replace(&server.base, "BASE"), expected);
}

#[tokio::test]
async fn an_empty_page_has_no_next_url() {
    let (log, server) = memory().await;
    let empty = server.get("/feeds/user-events").await;
    assert_eq!((empty.status, empty.next_url(), empty.positions()), (StatusCode::OK, None, vec![]));
    append(&log, [event(0)]).await;
    let page = server.get("/feeds/user-events?offset=0").await;
    let end = server.get(&page.next_url().unwrap()).await;
    assert_eq!((end.status, end.next_url(), end.positions()), (StatusCode::OK, None, vec![]));
    assert_eq!(end.header(header::CACHE_CONTROL), "no-cache");
}

/// Follows `next_url` until the events `0..total` have been met.
async fn walk(server: &Server, query: &str, total: usize) -> Vec<u64> {
    let mut url = format!("/feeds/user-events{query}");
    let mut seen = Vec::new();
    while seen.len() < total {
        let page = server.get_with(&url, &[("prefer", "wait=20")]).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text);
        seen.extend(page.positions());
        if let Some(next) = page.next_url() {
            assert_ne!(next, url, "the next page is another one");
            url = next;
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walking_meets_each_event_once_in_order_while_writers_write() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("events.db")).await.unwrap();
    let server = Server::start(feed::router(&log, [&USERS])).await;
    let writers: Vec<_> = (0..6)
        .map(|task| {
            let log = log.clone();
            tokio::spawn(async move {
                for number in 0..40 {
                    if task % 2 == 0 {
                        append(&log, [event(number)]).await;
                    } else {
                        let mut tx = log.begin().await.unwrap();
                        let events = vec![event(number)];
                        event_api::log::Append::append(&mut tx, USERS.name, events).await.unwrap();
                        tx.commit().await.unwrap();
                    }
                }
            })
        })
        .collect();
    let expected: Vec<u64> = (0..240).collect();
    let walks = futures_util::future::join(walk(&server, "", 240), walk(&server, "?limit=7&offset=0", 240));
    let (one, two) = walks.await;
    assert_eq!(one, expected);
    assert_eq!(two, expected);
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn a_filtered_walk_meets_every_event_of_its_types_and_passes_by_the_others() {
    let (log, server) = memory().await;
    // Long runs of other types: some pages are empty, and lead on all the same.
    let types = |number: usize| if number % 6007 == 6006 { "UserDeleted" } else { "NameChanged" };
    append(&log, (0..19_000).map(|number| of_type(types(number), number))).await;
    let mut url = "/feeds/user-events?type=UserDeleted,Other%2C&limit=2".to_owned();
    let (mut seen, mut empty) = (Vec::new(), 0);
    loop {
        let page = server.get(&url).await;
        empty += usize::from(page.positions().is_empty());
        seen.extend(page.positions());
        match page.next_url() {
            Some(next) => {
                assert!(next.contains("type=Other%2C,UserDeleted") && next.contains("limit=2"), "{next}");
                let is_first = !url.contains("offset=");
                let is_last = next.contains("offset=19000");
                assert_eq!(page.is_immutable(), !is_first && !is_last, "a page that leads on is fixed: {url}");
                url = next;
            }
            None => break,
        }
    }
    assert_eq!(seen, [6006, 12_013, 18_020]);
    assert!(empty > 1, "the test has met an empty page that leads on");
}

#[tokio::test]
async fn a_full_page_never_changes_and_may_be_kept_for_ever() {
    let (log, server) = memory().await;
    append(&log, (0..10).map(|number| of_type(if number % 3 == 0 { "A" } else { "B" }, number))).await;
    let mut fixed = Vec::new();
    for query in [
        "",
        "?limit=4",
        "?offset=0&limit=4",
        "?offset=3&limit=7",
        "?offset=4&limit=7",
        "?offset=0&type=A&limit=4",
        "?offset=0&type=A&limit=5",
        "?offset=0&type=B&limit=2",
        "?type=B&limit=2",
    ] {
        let page = server.get(&format!("/feeds/user-events{query}")).await;
        let full = ["?offset=0&limit=4", "?offset=3&limit=7", "?offset=0&type=A&limit=4", "?offset=0&type=B&limit=2"]
            .contains(&query);
        assert_eq!(page.is_immutable(), full, "{query}");
        if full {
            assert_eq!(page.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable");
            fixed.push((query, page.text));
        } else {
            assert_eq!(page.header(header::CACHE_CONTROL), "no-cache", "{query}");
        }
    }
    for _ in 0..3 {
        append(&log, (0..5).map(|number| of_type("A", number))).await;
        for (query, text) in &fixed {
            assert_eq!(&server.get(&format!("/feeds/user-events{query}")).await.text, text, "{query}");
        }
    }
}

#[tokio::test]
async fn a_page_without_an_offset_is_revalidated_because_retention_moves_it() {
    let (log, server) = memory().await;
    append(&log, (0..5).map(event)).await;
    let url = "/feeds/user-events?limit=2";
    let before = server.get(url).await;
    assert_eq!((before.positions(), before.header(header::CACHE_CONTROL)), (vec![0, 1], "no-cache"));
    let etag = [("if-none-match", before.header(header::ETAG))];
    assert_eq!(server.get_with(url, &etag).await.status, StatusCode::NOT_MODIFIED);
    log.trim(USERS.name, &Retention::forever().starting_at(Position(3)), 1000).await.unwrap();
    let after = server.get_with(url, &etag).await;
    assert_eq!((after.status, after.positions()), (StatusCode::OK, vec![3, 4]));
}

#[tokio::test]
async fn the_head_is_revalidated_by_its_entity_tag() {
    let (log, server) = memory().await;
    append(&log, [event(0)]).await;
    let page = server.get("/feeds/user-events").await;
    let etag = page.header(header::ETAG).to_owned();
    assert!(etag.starts_with('"') && etag.len() > 2, "a strong tag: {etag}");
    for tag in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let same = server.get_with("/feeds/user-events", &[("if-none-match", &tag)]).await;
        assert_eq!((same.status, same.text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{tag}");
        assert_eq!(same.header(header::ETAG), etag);
        assert_eq!(same.header(header::CACHE_CONTROL), "no-cache");
    }
    append(&log, [event(1)]).await;
    let grown = server.get_with("/feeds/user-events", &[("if-none-match", &etag)]).await;
    assert_eq!((grown.status, grown.positions()), (StatusCode::OK, vec![0, 1]));
    assert_ne!(grown.header(header::ETAG), etag);
}

#[tokio::test]
async fn pages_behind_authorisation_are_private() {
    let log = MemoryLog::new();
    append(&log, [event(0), event(1)]).await;
    let server = Server::start(Feeds::new(&log, [&USERS]).authorised().router()).await;
    let full = server.get("/feeds/user-events?offset=0&limit=2").await;
    assert_eq!(full.header(header::CACHE_CONTROL), "private, max-age=31536000, immutable");
    assert_eq!(server.get("/feeds/user-events").await.header(header::CACHE_CONTROL), "private, no-cache");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_reader_is_answered_when_a_matching_event_comes() {
    let (log, server) = memory().await;
    append(&log, [event(0)]).await;
    let waiting = server.get_with("/feeds/user-events?offset=1&type=Wanted", &[("prefer", "wait=3600")]);
    let (page, ()) = futures_util::future::join(waiting, async {
        for _ in 0..5 {
            append(&log, [of_type("Other", 1)]).await;
            tokio::task::yield_now().await;
        }
        append(&log, [of_type("Wanted", 2)]).await;
    })
    .await;
    assert_eq!(page.positions(), [6]);
    assert_eq!(page.header("preference-applied"), "wait=60", "the server's own bound");

    // One who holds the page waits until it grows.
    let etag = page.header(header::ETAG).to_owned();
    let headers = [("if-none-match", etag.as_str()), ("prefer", "wait=30")];
    let waiting = server.get_with("/feeds/user-events?offset=1&type=Wanted", &headers);
    let (page, ()) = futures_util::future::join(waiting, async {
        append(&log, [of_type("Wanted", 2)]).await;
    })
    .await;
    assert_eq!((page.status, page.positions()), (StatusCode::OK, vec![6, 7]));
}

#[tokio::test]
async fn waiting_for_nothing_ends_with_an_empty_page() {
    let (log, server) = memory().await;
    for (url, prefer) in [("?timeout=20", "x"), ("", "wait=0")] {
        let page = server.get_with(&format!("/feeds/user-events{url}"), &[("prefer", prefer)]).await;
        assert_eq!((page.status, page.positions()), (StatusCode::OK, vec![]));
    }
    append(&log, [of_type("Other", 0)]).await;
    let page = server.get("/feeds/user-events?type=Wanted&timeout=20").await;
    assert_eq!(page.positions(), [0_u64; 0]);
    assert!(page.next_url().unwrap().contains("offset=1"), "what was passed by need not be looked at again");
}

#[tokio::test]
async fn head_answers_like_get_without_the_page() {
    let (log, server) = memory().await;
    append(&log, [event(0)]).await;
    let get = server.get("/feeds/user-events").await;
    let head = server.request(Method::HEAD, "/feeds/user-events", &[]).await;
    assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
    for name in [header::ETAG, header::CONTENT_TYPE, header::CACHE_CONTROL, header::CONTENT_LENGTH] {
        assert_eq!(head.header(&name), get.header(&name), "{name}");
    }
}

#[tokio::test]
async fn errors_are_problem_documents_that_say_what_to_do() {
    let (log, server) = memory().await;
    append(&log, (0..5).map(event)).await;
    let unknown = server.get("/feeds/nothing").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.header(header::CONTENT_TYPE), "application/problem+json");
    assert_eq!(unknown.json()["status"], 404);
    assert_eq!(unknown.json()["channels"], json!(["user-events"]));
    assert_eq!(server.get("/feeds/%FF").await.status, StatusCode::NOT_FOUND);
    for query in ["offset=x", "offset=-1", "offset=6", "limit=0", "limit=x", "timeout=x"] {
        let bad = server.get(&format!("/feeds/user-events?{query}")).await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(bad.header(header::CONTENT_TYPE), "application/problem+json", "{query}");
        assert!(bad.json()["detail"].as_str().is_some_and(|detail| detail.contains(query.split('=').next().unwrap())));
    }
    assert_eq!(server.get("/feeds/user-events?unknown=1&offset=5").await.status, StatusCode::OK);
    let post = server.request(Method::POST, "/feeds/user-events", &[]).await;
    assert_eq!((post.status, post.header(header::ALLOW)), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
}

#[tokio::test]
async fn below_retention_the_answer_is_gone_and_says_where_the_feed_begins() {
    let (log, server) = memory().await;
    append(&log, (0..5).map(event)).await;
    log.trim(USERS.name, &Retention::forever().starting_at(Position(3)), 1000).await.unwrap();
    let gone = server.get("/feeds/user-events?offset=1&limit=2").await;
    assert_eq!(gone.status, StatusCode::GONE);
    assert_eq!(gone.json()["oldest_position"], 3);
    let page = server.get(gone.json()["oldest_url"].as_str().unwrap()).await;
    assert_eq!(page.positions(), [3, 4]);
    let start = server.get("/feeds/user-events?limit=2").await;
    assert_eq!(start.positions(), [3, 4], "without an offset, the feed begins where it begins");
    assert!(!start.is_immutable(), "and that moves with retention");
}

#[tokio::test]
async fn a_storage_error_is_told_to_the_operator_only() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("events.db")).await.unwrap();
    let server = Server::start(feed::router(&log, [&USERS])).await;
    log.pool().close().await;
    let broken = server.get("/feeds/user-events").await;
    assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(broken.header(header::CONTENT_TYPE), "application/problem+json");
    assert!(!broken.text.contains("pool"), "{}", broken.text);
}

#[tokio::test]
async fn limits_are_the_servers() {
    let log = MemoryLog::new();
    append(&log, (0..10).map(event)).await;
    let server = Server::start(Feeds::new(&log, [&USERS]).default_limit(3).max_limit(4).router()).await;
    assert_eq!(server.get("/feeds/user-events").await.positions().len(), 3);
    let most = server.get("/feeds/user-events?limit=99999999999999999999").await;
    assert_eq!(most.status, StatusCode::BAD_REQUEST, "more than any number");
    let most = server.get("/feeds/user-events?offset=0&limit=1000000").await;
    assert_eq!(most.positions().len(), 4);
    assert!(most.is_immutable());
}

#[tokio::test]
async fn the_index_lists_the_feeds_that_the_document_allows() {
    let log = MemoryLog::new();
    let feeds = Feeds::new(&log, [&USERS, &HOOKS_ONLY]).base_url("https://api.example.com/v1/feeds/".parse().unwrap());
    let server = Server::start(feeds.router()).await;
    let index = server.get("/feeds").await;
    let feed_url = "https://api.example.com/v1/feeds/user-events";
    let entry = json!({ "channel": "user-events", "title": USERS.title, "feed_url": feed_url,
        "event_types": USERS.event_types, "version": "1.2.0" });
    assert_eq!(index.json(), json!({ "feeds": [entry] }));
    assert_eq!(server.get("/feeds/user-events").await.json()["feed_url"], feed_url);
    assert_eq!(server.get("/feeds/hooks-only").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn urls_name_the_host_that_the_client_asked() {
    let log = MemoryLog::new();
    let server = Server::start(Feeds::new(&log, [&USERS]).behind_proxy(ProxyHeaders::XForwarded).router()).await;
    let headers = [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "api.example.com"),
        ("forwarded", "proto=http;host=evil.example"),
    ];
    let index = server.get_with("/feeds", &headers).await;
    assert_eq!(index.json()["feeds"][0]["feed_url"], "https://api.example.com/feeds/user-events");
    let page = server.get_with("/feeds/user-events?limit=3", &headers).await;
    assert_eq!(page.json()["feed_url"], "https://api.example.com/feeds/user-events");
}

#[tokio::test]
async fn a_server_that_stops_answers_those_who_wait() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let feeds = Feeds::new(&MemoryLog::new(), [&USERS]).shutdown(async { _ = stopped.await });
    let server = Server::start(feeds.router()).await;
    // Longer than the patience of the test.
    let waiting = server.get_with("/feeds/user-events", &[("prefer", "wait=60")]);
    let (answer, ()) = tokio::join!(waiting, async { drop(stop) });
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.positions().is_empty());
}

#[tokio::test]
async fn a_page_without_an_offset_names_the_url_that_goes_on_meaning_it() {
    let (log, server) = memory().await;
    append(&log, (0..5).map(event)).await;
    log.trim(USERS.name, &Retention::forever().starting_at(Position(2)), 1000).await.unwrap();
    let url = "/feeds/user-events?limit=2&type=";
    let page = server.get(&format!("{url}Other,NameChanged")).await;
    let located = page.header(header::CONTENT_LOCATION);
    assert_eq!(located, format!("{}/feeds/user-events?offset=2&limit=2&type=NameChanged,Other", server.base));
    let same = server.get(located).await;
    assert_eq!((same.status, same.text.as_str()), (StatusCode::OK, page.text.as_str()));
    assert!(!same.headers.contains_key(header::CONTENT_LOCATION));

    let etag = [("if-none-match", page.header(header::ETAG))];
    let unchanged = server.get_with(&format!("{url}Other,NameChanged"), &etag).await;
    assert_eq!((unchanged.status, unchanged.header(header::CONTENT_LOCATION)), (StatusCode::NOT_MODIFIED, located));

    log.trim(USERS.name, &Retention::forever().starting_at(Position(4)), 1000).await.unwrap();
    // A page in memory is believed to be kept for a second.
    let gone = async { while server.get(located).await.status != StatusCode::GONE {} };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}
