//! A feed that has chosen other names for the type and the payload of its events is served and consumed as any other.
#![cfg(all(feature = "client", feature = "server", feature = "websocket"))]
#![allow(clippy::unwrap_used, reason = "tests; clippy knows only those marked as such, not their helpers")]

mod support;

use std::time::Duration;

use event_api::consume::{Backoff, Checkpoints as _, DeadLetters as _, MemoryCheckpoints, RetryPolicy};
use event_api::feed::{Consumer, Feeds, FieldNames, Live};
use event_api::log::MemoryLog;
use event_api::{EventSet as _, Publisher};
use http_body_util::{BodyExt as _, Empty};
use serde_json::{Value, json};
use support::{Act, Feed, NameChanged, Recorder, UserEvents, ids};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(60);

fn names() -> FieldNames {
    FieldNames::new("_kind", "_payload").unwrap()
}

async fn publish(log: &MemoryLog, range: std::ops::Range<usize>) {
    for id in ids(range) {
        let event = NameChanged { old_name: "John".to_owned(), new_name: id.clone() };
        let publisher = Publisher::<UserEvents>::new(log).id(id.as_str()).subject("/user/1");
        publisher.publish(UserEvents::NameChanged(event)).await.unwrap();
    }
}

/// Serves the feed of `log` and tells its URL.
async fn serve(log: &MemoryLog) -> String {
    let feeds = Feeds::new(log, [UserEvents::CHANNEL]).field_names(names()).router();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/user-events", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, feeds).await });
    url
}

#[tokio::test]
async fn items_are_written_with_the_names_of_the_feed() {
    let log = MemoryLog::new();
    publish(&log, 0..1).await;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let answer = client.request(http::Request::get(serve(&log).await).body(Empty::<&[u8]>::new()).unwrap()).await;
    let page: Value = serde_json::from_slice(&answer.unwrap().into_body().collect().await.unwrap().to_bytes()).unwrap();
    let mut item = page["items"][0].clone();
    let members = item.as_object_mut().unwrap();
    assert!(members.remove("date_published").is_some());
    let expected = json!({
        "id": "e0", "content_text": "NameChanged", "_kind": "NameChanged",
        "_payload": { "oldName": "John", "newName": "e0" }, "_position": 0, "_subject": "/user/1", "_version": "1.2.0",
    });
    assert_eq!(item, expected);
}

#[tokio::test]
async fn events_come_by_pages_and_connections_with_their_dead_letters() {
    for live in [Live::LongPoll, Live::ServerSentEvents, Live::WebSocket] {
        let log = MemoryLog::new();
        let url = serve(&log).await;
        let checkpoints = MemoryCheckpoints::new();
        let handler = Recorder::that(|id, attempt| match (id, attempt) {
            ("e1" | "e5", _) => Act::Reject,
            ("e2" | "e6", 1) => Act::Retry,
            _ => Act::Succeed,
        });
        let soon = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));
        let consumer = Consumer::new(url, checkpoints.clone()).name("mailer").field_names(names());
        let consumer = consumer.live(live).retry(RetryPolicy::attempts(3).backoff(soon));
        publish(&log, 0..4).await;
        let running = tokio::spawn(consumer.run(handler.clone()));
        tokio::time::timeout(PATIENCE, handler.until_handled(3)).await.unwrap();
        publish(&log, 4..8).await;
        tokio::time::timeout(PATIENCE, handler.until_handled(6)).await.unwrap();
        running.abort();
        assert_eq!(handler.called(), ["e0", "e1", "e2", "e2", "e3", "e4", "e5", "e6", "e6", "e7"], "{live:?}");
        let letters = checkpoints.dead_letters().unwrap().list("mailer", 0, 10).await.unwrap();
        let event = &letters[1].letter.event;
        assert_eq!((event.metadata.id.as_str(), event.metadata.event_type.as_str()), ("e5", "NameChanged"));
        assert_eq!(event.data.get(), r#"{"oldName":"John","newName":"e5"}"#);
    }
}

#[tokio::test]
async fn what_has_our_names_in_such_a_feed_is_something_else() {
    let feed = Feed::with(2).await;
    for position in 0..2 {
        feed.edit(position, |item| {
            let item = item.as_object_mut().unwrap();
            let payload = item.insert("_data".to_owned(), json!("2 KiB")).unwrap();
            item.insert("_payload".to_owned(), payload);
            let kind = item.insert("_type".to_owned(), json!("article")).unwrap();
            item.insert("_kind".to_owned(), kind);
        });
    }
    let handler = Recorder::new();
    let consumer = feed.consumer(MemoryCheckpoints::new()).field_names(names());
    consumer.run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.handled(), ids(0..2));
}

#[test]
fn names_that_mean_something_else_are_refused() {
    for (event_type, data) in [("id", "_data"), ("_type", "_subject"), ("", "_data"), ("_event", "_data"), ("x", "x")] {
        let error = FieldNames::new(event_type, data).unwrap_err();
        assert!([event_type, data].contains(&error.name), "{error}");
    }
}
