//! The other forms of a feed: by `Accept` batches of CloudEvents, Atom, and streams of server-sent events; the strict form
//! of JSON Feed; and the AsyncAPI document beside them.
#![cfg(all(feature = "server", feature = "client"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod webhook_support;

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, StatusCode};
use event_api::feed::{self, Feeds};
use event_api::log::{Log, MemoryLog, Retention};
use event_api::{Headers, Position, RawEvent};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use webhook_support::{Answer, Http, PATIENCE, USERS, event_of, events, serve};

const BATCH: &str = "application/cloudevents-batch+json";

/// The feed's URL.
async fn start(feeds: Feeds) -> String {
    let (address, _) = serve(feeds.router()).await;
    format!("http://{address}/{}", USERS.name)
}

async fn append(log: &MemoryLog, events: Vec<RawEvent>) {
    log.append(USERS.name, events).await.unwrap();
}

async fn get(url: &str, accept: &str) -> Answer {
    Http::new().send(Request::get(url).header("accept", accept).body(Full::default()).unwrap()).await
}

fn ids(batch: &Value) -> Vec<&str> {
    batch.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_batch_has_the_attributes_of_cloud_events() {
    let log = MemoryLog::new();
    let mut full = event_of("NameChanged", 0);
    full.metadata.subject = Some("/user/1".to_owned());
    full.metadata.version = Some("1.2.0".to_owned());
    full.metadata.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    full.metadata.address = Some("users.1".to_owned());
    full.metadata.time = chrono::DateTime::parse_from_rfc3339("2020-05-01T14:00:00Z").unwrap().to_utc();
    let mut headers = Headers::default();
    headers.insert("priority", 3);
    full.metadata.headers = headers;
    let mut bare = event_of("UserDeleted", 1);
    bare.metadata.subject = Some(String::new());
    let data: Value = serde_json::from_str(full.data.get()).unwrap();
    append(&log, vec![full, bare]).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let answer = get(&url, BATCH).await;
    assert_eq!(answer.headers["content-type"], BATCH);
    let batch = answer.json();
    let expected = json!({
        "specversion": "1.0", "id": "event-0", "source": url, "type": "NameChanged", "time": "2020-05-01T14:00:00Z",
        "subject": "/user/1", "datacontenttype": "application/json", "sequence": "00000000000000000000",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "dataversion": "1.2.0",
        "dataschema": format!("{url}#1.2.0"),
        "address": "users.1", "headers": "{\"priority\":3}", "data": data,
    });
    assert_eq!(batch[0], expected);
    assert_eq!(batch[1].get("subject"), None, "an attribute is not empty");
    for event in batch.as_array().unwrap() {
        for (name, value) in event.as_object().unwrap() {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{name}");
            assert!(name == "data" || value.is_string(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_reader_by_last_event_id_meets_every_event_once() {
    let log = MemoryLog::new();
    append(&log, events(0..23)).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let mut seen: Vec<String> = Vec::new();
    loop {
        let last = seen.last().map_or(String::new(), |last| format!("&lastEventId={last}"));
        let answer = get(&format!("{url}?limit=5{last}"), BATCH).await;
        let batch = answer.json();
        let cached = answer.headers["cache-control"].to_str().unwrap();
        // Without an id, a batch begins where the log begins, and that moves.
        let full = batch.as_array().unwrap().len() == 5 && !last.is_empty();
        assert_eq!(cached.contains("immutable"), full, "{cached}");
        assert!(answer.headers["vary"].to_str().unwrap().contains("Accept"));
        if batch == json!([]) {
            assert!(answer.headers.get("link").is_none());
            break;
        }
        let next = format!("<{url}?offset={}&limit=5>; rel=\"next\"", seen.len() + batch.as_array().unwrap().len());
        assert_eq!(answer.headers["link"].to_str().unwrap(), next);
        seen.extend(ids(&batch).into_iter().map(str::to_owned));
    }
    assert_eq!(seen, events(0..23).iter().map(|event| event.metadata.id.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_empty_batch_is_the_end_however_many_events_of_other_types_stand_behind() {
    let log = MemoryLog::new();
    append(&log, events(0..1)).await;
    append(&log, (1..12_001).map(|number| event_of("UserDeleted", number)).collect()).await;
    append(&log, events(12_001..12_003)).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let batch = async |last: &str| {
        let answer = get(&format!("{url}?type=NameChanged&lastEventId={last}"), BATCH).await;
        let is_immutable = answer.headers["cache-control"].to_str().unwrap().contains("immutable");
        (ids(&answer.json()).into_iter().map(str::to_owned).collect::<Vec<_>>(), is_immutable)
    };
    assert_eq!(batch("event-0").await, (vec!["event-12001".to_owned()], true));
    assert_eq!(batch("event-12001").await, (vec!["event-12002".to_owned()], false));
    append(&log, (12_003..20_000).map(|number| event_of("UserDeleted", number)).collect()).await;
    assert_eq!(batch("event-12002").await, (vec![], false));
}

#[tokio::test]
async fn a_batch_at_the_head_waits_for_events() {
    let log = MemoryLog::new();
    append(&log, events(0..1)).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let waiting = tokio::spawn(async move { get(&format!("{url}?lastEventId=event-0&timeout=30000"), BATCH).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    append(&log, events(1..2)).await;
    let answer = tokio::time::timeout(PATIENCE / 2, waiting).await.unwrap().unwrap();
    assert_eq!(ids(&answer.json()), ["event-1"]);
}

#[tokio::test]
async fn a_last_event_id_that_is_not_there_is_told() {
    let log = MemoryLog::new();
    append(&log, events(0..5)).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    get(&format!("{url}?lastEventId=unknown"), BATCH).await.problem(400);
    log.trim(USERS.name, &Retention::forever().starting_at(Position(2)), 10).await.unwrap();
    let gone = get(&format!("{url}?lastEventId=event-0&limit=2"), BATCH).await;
    assert_eq!(gone.json()["oldest_position"], 2);
    assert_eq!(gone.json()["oldest_url"], format!("{url}?offset=2&limit=2"));
    gone.problem(410);
    assert_eq!(ids(&get(&format!("{url}?lastEventId=event-2"), BATCH).await.json()), ["event-3", "event-4"]);
}

/// A stream of server-sent events, read as the standard says.
struct Stream {
    body: hyper::body::Incoming,
    text: String,
    last_id: String,
}

impl Stream {
    async fn open(url: &str, last_event_id: Option<&str>) -> Result<Self, Answer> {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = Request::get(url).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = client.request(request.body(Full::default()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        if parts.status != StatusCode::OK {
            let body = body.collect().await.unwrap().to_bytes();
            return Err(Answer { status: parts.status, headers: parts.headers, body });
        }
        assert_eq!(parts.headers["content-type"], "text/event-stream");
        assert_eq!(parts.headers["cache-control"], "no-store");
        Ok(Stream { body, text: String::new(), last_id: String::new() })
    }

    /// The lines of the next block; `None` when the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("the stream stands still")?;
            self.text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
    }

    /// The next event that a client would see: its data.
    async fn event(&mut self) -> Option<Value> {
        loop {
            let block = self.block().await?;
            let mut data = Vec::new();
            for line in block.lines() {
                if let Some(id) = line.strip_prefix("id: ") {
                    id.clone_into(&mut self.last_id);
                } else if let Some(line) = line.strip_prefix("data: ") {
                    data.push(line);
                }
            }
            if !data.is_empty() {
                return Some(serde_json::from_str(&data.join("\n")).unwrap());
            }
        }
    }
}

#[tokio::test]
async fn a_stream_brings_what_is_there_and_what_comes() {
    let log = MemoryLog::new();
    let mut lines = event_of("NameChanged", 0);
    lines.data = serde_json::value::RawValue::from_string("{\n\"a\":\r\n1}".to_owned()).unwrap();
    append(&log, vec![lines]).await;
    append(&log, events(1..250)).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let mut stream = Stream::open(&url, None).await.ok().unwrap();
    for position in 0..250 {
        let item = stream.event().await.unwrap();
        assert_eq!((item["_position"].as_u64(), stream.last_id.parse().ok()), (Some(position), Some(position)));
        if position == 0 {
            assert_eq!(item["_data"], json!({"a": 1}), "line breaks within a payload do not break the event");
        }
    }
    append(&log, events(250..252)).await;
    assert_eq!(stream.event().await.unwrap()["id"], "event-250");
    assert_eq!(stream.event().await.unwrap()["id"], "event-251");
}

#[tokio::test]
async fn a_stream_goes_on_behind_the_last_event_id() {
    let log = MemoryLog::new();
    append(&log, events(0..10)).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let mut stream = Stream::open(&url, Some("6")).await.ok().unwrap();
    assert_eq!(stream.event().await.unwrap()["id"], "event-7");
    // A client repeats its URL, and says by the header how far it has come.
    let mut again = Stream::open(&format!("{url}?offset=3"), Some("8")).await.ok().unwrap();
    assert_eq!(again.event().await.unwrap()["id"], "event-9");
    let mut offset = Stream::open(&format!("{url}?offset=3"), None).await.ok().unwrap();
    assert_eq!(offset.event().await.unwrap()["id"], "event-3");
    for bad in ["x", "-1", "18446744073709551615"] {
        let Err(answer) = Stream::open(&url, Some(bad)).await else { panic!("{bad}") };
        answer.problem(400);
    }
    let Err(beyond) = Stream::open(&url, Some("10")).await else { panic!() };
    beyond.problem(400);
    log.trim(USERS.name, &Retention::forever().starting_at(Position(5)), 10).await.unwrap();
    let Err(gone) = Stream::open(&url, Some("3")).await else { panic!() };
    assert_eq!(gone.json()["oldest_position"], 5);
    assert_eq!(gone.json()["oldest_url"], format!("{url}?offset=5"));
    gone.problem(410);
}

#[tokio::test]
async fn a_stream_of_some_types_moves_on_over_the_others() {
    let log = MemoryLog::new();
    let types = ["NameChanged", "UserDeleted", "NameChanged", "NameChanged"];
    append(&log, types.iter().zip(0..).map(|(name, number)| event_of(name, number)).collect()).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let mut stream = Stream::open(&format!("{url}?type=UserDeleted"), None).await.ok().unwrap();
    assert_eq!(stream.event().await.unwrap()["id"], "event-1");
    assert_eq!(stream.block().await.unwrap(), "id: 3", "where to go on, without an event");
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_is_alive_and_ends_with_the_server() {
    let log = MemoryLog::new();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let feeds = Feeds::new(&log, [&USERS]).heartbeat(Duration::from_millis(10)).shutdown(async { drop(stopped.await) });
    let mut stream = Stream::open(&start(feeds).await, None).await.ok().unwrap();
    assert!(stream.block().await.unwrap().starts_with("retry:"));
    assert_eq!(stream.block().await.unwrap(), ":");
    assert_eq!(stream.block().await.unwrap(), ":");
    drop(stop);
    while let Some(block) = stream.block().await {
        assert_eq!(block, ":");
    }
}

#[tokio::test]
async fn a_stream_in_the_middle_of_the_history_ends_with_the_server() {
    let log = MemoryLog::new();
    append(&log, events(0..250)).await;
    let url = start(Feeds::new(&log, [&USERS]).shutdown(async {})).await;
    let mut stream = Stream::open(&url, None).await.ok().unwrap();
    assert_eq!(stream.event().await, None);
}

#[tokio::test]
async fn a_stream_that_retention_overtakes_ends() {
    let log = MemoryLog::new();
    append(&log, events(0..2)).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let mut stream = Stream::open(&url, None).await.ok().unwrap();
    stream.event().await.unwrap();
    stream.event().await.unwrap();
    // As it happens to a reader that was too slow.
    append(&log, events(2..4)).await;
    log.trim(USERS.name, &Retention::forever().starting_at(Position(3)), 10).await.unwrap();
    let mut seen = Vec::new();
    while let Some(item) = stream.event().await {
        seen.push(item["_position"].as_u64().unwrap());
        if seen == [2, 3] {
            return; // It was quicker than retention.
        }
    }
    assert!(seen.is_empty(), "no event is passed over in silence: {seen:?}");
}

#[tokio::test]
async fn a_feed_is_a_page_unless_another_form_is_asked_for() {
    let log = MemoryLog::new();
    append(&log, events(0..1)).await;
    let router = feed::router(&log, [&USERS]);
    let (address, _) = serve(router).await;
    let url = format!("http://{address}/{}", USERS.name);
    for accept in ["*/*", "application/json", "text/html, */*;q=0.1"] {
        assert_eq!(get(&url, accept).await.headers["content-type"], "application/feed+json", "{accept}");
    }
}

#[tokio::test]
async fn strict_items_have_one_extension_that_is_an_object() {
    let log = MemoryLog::new();
    let mut full = event_of("NameChanged", 0);
    full.metadata.subject = Some("/user/1".to_owned());
    full.metadata.headers.insert("priority", 3);
    full.metadata.traceparent = None;
    full.metadata.time = chrono::DateTime::parse_from_rfc3339("2020-05-01T14:00:00Z").unwrap().to_utc();
    append(&log, vec![full]).await;
    let url = start(Feeds::new(&log, [&USERS]).strict()).await;
    let expected = json!({
        "id": "event-0", "date_published": "2020-05-01T14:00:00Z", "content_text": "NameChanged",
        "_event": { "type": "NameChanged", "headers": {"priority": 3}, "data": {"newName": "0"}, "position": 0,
            "subject": "/user/1" },
    });
    assert_eq!(get(&url, "*/*").await.json()["items"], json!([expected]));
    assert_eq!(Stream::open(&url, None).await.ok().unwrap().event().await.unwrap(), expected);
}

#[tokio::test]
async fn a_page_of_atom_carries_the_events() {
    let log = MemoryLog::new();
    let mut odd = event_of("Name<Changed>", 0);
    odd.metadata.id = "a \u{0}&\"b\"".into();
    odd.metadata.subject = Some("<user>".to_owned());
    odd.metadata.time = chrono::DateTime::parse_from_rfc3339("2020-05-01T14:00:00Z").unwrap().to_utc();
    let mut uuid = event_of("UserDeleted", 1);
    uuid.metadata.id = "0190a3e4-7c3a-7000-8000-000000000000".into();
    append(&log, vec![odd, uuid]).await;
    let url = start(Feeds::new(&log, [&USERS])).await;
    let answer = get(&format!("{url}?offset=0&limit=2"), "application/atom+xml").await;
    assert_eq!(answer.headers["content-type"], "application/atom+xml");
    assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"));
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    for part in [
        "<title>Name&lt;Changed&gt;</title>",
        "<e:id>a \u{fffd}&amp;&quot;b&quot;</e:id>",
        "<updated>2020-05-01T14:00:00Z</updated>",
        "<category term=\"Name&lt;Changed&gt;\"/>",
        "<summary>Name&lt;Changed&gt;</summary>",
        "<e:position>1</e:position>",
        "<e:subject>&lt;user&gt;</e:subject>",
        "<id>urn:uuid:0190a3e4-7c3a-7000-8000-000000000000</id>",
        // {"newName": "0"}
        "<content type=\"application/json\">eyJuZXdOYW1lIjogIjAifQ==</content>",
        &format!("<link rel=\"next\" href=\"{url}?offset=2&amp;limit=2\"/>"),
        &format!("<link rel=\"self\" href=\"{url}?offset=0&amp;limit=2\"/>"),
        &format!("<id>{url}#a+%00%26%22b%22</id>"),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let end = get(&format!("{url}?offset=2"), "application/atom+xml").await;
    assert!(!String::from_utf8(end.body.to_vec()).unwrap().contains("rel=\"next\""));
}

#[tokio::test]
async fn the_document_stands_beside_the_feeds_and_they_lead_to_it() {
    let log = MemoryLog::new();
    append(&log, events(0..2)).await;
    let text = "asyncapi: 3.0.0\ninfo: {title: Users, version: 1.0.0}\n";
    let router = Feeds::new(&log, [&USERS]).document(text).router();
    let (address, _) = serve(axum::Router::new().nest("/feeds", router)).await;
    let base = format!("http://{address}/feeds");
    let link = format!(
        "<{base}/asyncapi.yaml>; rel=\"service-desc\"; type=\"application/vnd.aai.asyncapi+yaml;version=3.0.0\""
    );
    let feed = format!("{base}/{}", USERS.name);
    for (url, accept) in [(feed.as_str(), "*/*"), (&feed, BATCH), (&format!("{feed}?offset=0&limit=1"), "*/*")] {
        let answer = get(url, accept).await;
        let links: Vec<_> = answer.headers.get_all("link").iter().map(|link| link.to_str().unwrap()).collect();
        assert!(links.contains(&link.as_str()), "{links:?}");
    }
    assert_eq!(get(&base, "*/*").await.json()["document_url"], format!("{base}/asyncapi.yaml"));
    let document = get(&format!("{base}/asyncapi.yaml"), "*/*").await;
    assert_eq!(document.headers["content-type"], "application/vnd.aai.asyncapi+yaml;version=3.0.0");
    assert_eq!(
        (&document.body[..], &document.headers["cache-control"]),
        (text.as_bytes(), &"no-cache".parse().unwrap())
    );
    let known = Request::get(format!("{base}/asyncapi.yaml")).header("if-none-match", &document.headers["etag"]);
    assert_eq!(Http::new().send(known.body(Full::default()).unwrap()).await.status, StatusCode::NOT_MODIFIED);
    get(&format!("{base}/asyncapi.json"), "*/*").await.problem(404);
}
