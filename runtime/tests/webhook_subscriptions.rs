//! The subscription resource over HTTP, the contract of its stores, and the whole road: subscribe, publish, receive.
#![cfg(all(feature = "client", feature = "server", feature = "sqlite"))]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

mod webhook_support;

use std::collections::HashSet;

use axum::Router;
use chrono::{TimeDelta, Utc};
use event_api::consume::SqliteInbox;
use event_api::log::{Log, MemoryLog, Retention, SqliteLog};
use event_api::webhook::{
    Cursor, DeadLetter, Dispatcher, Failure, MemorySubscriptions, Receiver, Secret, Secrets, Settings,
    SqliteSubscriptions, Start, Status, Subscriptions, router,
};
use event_api::{Context, Handler, HandlerResult, Position, Publisher};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use webhook_support::*;

/// The router as a service nests it.
async fn api() -> (String, MemoryLog, MemorySubscriptions) {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let settings = Settings::new(&log, [&USERS, &ORDERS]).guard(loopback().allow("hooks.example").unwrap());
    let app = Router::new().nest("/webhooks", router(&subscriptions, settings));
    let (address, _) = serve(app).await;
    (format!("http://{address}/webhooks/subscriptions"), log, subscriptions)
}

fn origin(url: &str) -> &str {
    url.strip_suffix("/webhooks/subscriptions").unwrap()
}

#[tokio::test]
async fn a_subscription_is_created_shown_and_deleted() {
    let (url, _log, subscriptions) = api().await;
    let http = Http::new();
    let body = json!({
        "callback_url": "http://127.0.0.1:9/hook#x", "event_types": ["NameChanged"], "channels": ["user-events"],
    });
    let created = http.post_json(&url, body.to_string()).await;
    assert_eq!(created.status, 201, "{created:?}");
    let shown = created.json();
    let location = created.headers["location"].to_str().unwrap();
    assert_eq!(location, format!("/webhooks/subscriptions/{}", shown["id"].as_str().unwrap()));
    assert_eq!(created.headers["cache-control"], "no-store");
    let secret: Secret = shown["secret"].as_str().unwrap().parse().unwrap();

    let resource = format!("{}{location}", origin(&url));
    let got = http.get(&resource).await;
    let mut expected = shown.clone();
    expected.as_object_mut().unwrap().remove("secret");
    expected["progress"] = json!([{ "channel": "user-events", "position": 0 }]);
    assert_eq!(got.json(), expected);
    assert_eq!(expected["callback_url"], "http://127.0.0.1:9/hook");
    assert_eq!((&expected["status"], &expected["from"]), (&json!("active"), &json!("now")));
    assert!(!String::from_utf8_lossy(&http.get(&url).await.body).contains("whsec_"));
    let stored = subscriptions.list(None, 10).await.unwrap().remove(0);
    assert_eq!(stored.secrets, Secrets::from(secret));

    assert_eq!(http.delete(&resource).await.status, 204);
    http.delete(&resource).await.problem(404);
    http.get(&resource).await.problem(404);
    assert_eq!(http.get(&url).await.json(), json!({ "subscriptions": [] }));
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused_with_the_reason() {
    let (url, log, subscriptions) = api().await;
    log.append("user-events", events(0..10)).await.unwrap();
    log.trim("user-events", &Retention::forever().starting_at(Position(3)), 1000).await.unwrap();
    let http = Http::new();
    let hook = "http://127.0.0.1:9/";
    for (body, status, reason) in [
        (json!("hello"), 400, "no subscription"),
        (json!({}), 400, "callback_url"),
        (json!({ "callback_url": hook, "event_type": ["NameChanged"] }), 400, "event_type"),
        (json!({ "callback_url": hook, "channels": "user-events" }), 400, "channels"),
        (json!({ "callback_url": "/hook" }), 422, "absolute URL"),
        (json!({ "callback_url": "ftp://127.0.0.1/" }), 422, "https"),
        (json!({ "callback_url": "https://10.0.0.1/" }), 422, "not at a public address"),
        (json!({ "callback_url": "https://[::ffff:169.254.169.254]/" }), 422, "not at a public address"),
        (json!({ "callback_url": "https://0xa000001/" }), 422, "not at a public address"),
        (json!({ "callback_url": "https://u:p@127.0.0.1/" }), 422, "password"),
        (json!({ "callback_url": hook, "channels": ["nope"] }), 422, "user-events, order-events"),
        (json!({ "callback_url": hook, "channels": ["user-events", "user-events"] }), 422, "twice"),
        (json!({ "callback_url": hook, "event_types": ["Nope"] }), 422, "NameChanged, OrderPlaced, UserDeleted"),
        (
            json!({ "callback_url": hook, "event_types": ["OrderPlaced"], "channels": ["user-events"] }),
            422,
            "NameChanged, UserDeleted",
        ),
        (json!({ "callback_url": hook, "from": "yesterday" }), 422, "yesterday"),
        (json!({ "callback_url": hook, "from": -1, "channels": ["user-events"] }), 422, "-1"),
        (json!({ "callback_url": hook, "from": 5 }), 422, "exactly one"),
        (json!({ "callback_url": hook, "from": 2, "channels": ["user-events"] }), 422, "3 to 10"),
        (json!({ "callback_url": hook, "from": 11, "channels": ["user-events"] }), 422, "3 to 10"),
    ] {
        let detail = http.post_json(&url, body.to_string()).await.problem(status);
        assert!(detail.contains(reason), "{body}: {detail}");
        assert!(!detail.contains("10.0.0.1") && !detail.contains("169.254"), "an internal address is told: {detail}");
    }
    http.post_json(&url, "{").await.problem(400);
    http.post_json(&url, vec![b' '; 100_000]).await.problem(413);
    let form = axum::http::Request::post(&url).header("content-type", "text/plain");
    http.send(form.body(json!({ "callback_url": hook }).to_string().into()).unwrap()).await.problem(415);
    http.delete(&url).await.problem(405);
    assert_eq!(subscriptions.list(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_subscription_begins_where_it_asks_to() {
    let (url, log, subscriptions) = api().await;
    log.append("user-events", events(0..10)).await.unwrap();
    log.trim("user-events", &Retention::forever().starting_at(Position(3)), 1000).await.unwrap();
    log.append("order-events", vec![event_of("OrderPlaced", 0)]).await.unwrap();
    let http = Http::new();
    for (from, channels, expected, start) in [
        (Value::Null, json!([]), vec![("order-events", 1), ("user-events", 10)], Start::Now),
        (json!("now"), json!(["user-events"]), vec![("user-events", 10)], Start::Now),
        (json!("beginning"), json!([]), vec![("order-events", 0), ("user-events", 3)], Start::Beginning),
        (json!(7), json!(["user-events"]), vec![("user-events", 7)], Start::At(Position(7))),
        (json!(10), json!(["user-events"]), vec![("user-events", 10)], Start::At(Position(10))),
    ] {
        let body = json!({ "callback_url": "https://hooks.example/", "from": from, "channels": channels });
        let created = http.post_json(&url, body.to_string()).await;
        assert_eq!(created.status, 201, "{created:?}");
        let id = created.json()["id"].as_str().unwrap().to_owned().into();
        let mut cursors = subscriptions.cursors(&id).await.unwrap();
        cursors.sort_by(|a, b| a.0.cmp(&b.0));
        let expected: Vec<(String, Cursor)> = expected
            .into_iter()
            .map(|(channel, position)| (channel.to_owned(), Cursor::at(Position(position))))
            .collect();
        assert_eq!(cursors, expected, "{body}");
        assert_eq!(subscriptions.get(&id).await.unwrap().unwrap().start, start);
    }
}

#[tokio::test]
async fn lists_are_paged() {
    let (url, _log, _subscriptions) = api().await;
    let http = Http::new();
    let mut created = HashSet::new();
    for _ in 0..5 {
        let answer = http.post_json(&url, r#"{"callback_url":"https://hooks.example/"}"#).await;
        created.insert(answer.json()["id"].clone());
    }
    let (mut next, mut listed, mut pages) = (Some("/webhooks/subscriptions?limit=2".to_owned()), HashSet::new(), 0);
    while let Some(page) = next {
        let page = http.get(format!("{}{page}", origin(&url))).await.json();
        listed.extend(page["subscriptions"].as_array().unwrap().iter().map(|one| one["id"].clone()));
        next = page["next"].as_str().map(str::to_owned);
        pages += 1;
    }
    assert_eq!((listed, pages), (created, 3));
    for query in ["limit=0", "limit=501", "limit=x"] {
        http.get(format!("{url}?{query}")).await.problem(400);
    }
}

async fn a_store_keeps_what_it_is_told(store: impl Subscriptions) {
    let now = Utc::now();
    let mut first = subscription("https://a.example/");
    first.event_types = vec!["NameChanged".to_owned()];
    first.channels = vec!["user-events".to_owned()];
    first.start = Start::At(Position(7));
    first.secrets = Secrets::from(secret()).and(Secret::generate().unwrap());
    let second = subscription("https://b.example/");
    store.create(&first, &[("user-events", Position(7))]).await.unwrap();
    let changes = store.changes();
    store.create(&second, &[]).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(store.get(&first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.list(None, 10).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.list(None, 1).await.unwrap(), [first.clone()]);
    assert_eq!(store.list(Some(&first.id), 10).await.unwrap(), std::slice::from_ref(&second));

    let failure = Failure {
        attempts: 3,
        next_attempt_at: now + TimeDelta::hours(1),
        error: "no\nanswer".to_owned(),
        status: Some(503),
    };
    let failed = Cursor { position: Position(8), failure: Some(failure) };
    store.advance(&first.id, "user-events", &failed).await.unwrap();
    store.advance(&first.id, "order-events", &Cursor::at(Position(0))).await.unwrap();
    let mut cursors = store.cursors(&first.id).await.unwrap();
    cursors.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(cursors, [("order-events".to_owned(), Cursor::at(Position(0))), ("user-events".to_owned(), failed)]);

    let letter = |n: u64| DeadLetter {
        subscription: first.id.clone(),
        channel: "user-events".to_owned(),
        first: Position(n),
        last: Position(n),
        event: Some(event_of("Name.Changed ü", 8)),
        attempts: 10,
        error: "gone wrong".to_owned(),
        status: None,
        at: now,
    };
    let gap = DeadLetter { last: Position(20), event: None, ..letter(9) };
    store.bury(&letter(8)).await.unwrap();
    store.bury(&gap).await.unwrap();
    let cursors = store.cursors(&first.id).await.unwrap();
    assert!(cursors.contains(&("user-events".to_owned(), Cursor::at(Position(21)))), "{cursors:?}");
    let letters = store.dead_letters(&first.id, None, 10).await.unwrap();
    assert_eq!(letters.iter().map(|(_, letter)| letter.first).collect::<Vec<_>>(), [Position(8), Position(9)]);
    assert_eq!(letters[1].1, gap);
    assert_eq!(letters[0].1.event.as_ref().unwrap().data.get(), letter(8).event.unwrap().data.get());
    assert_eq!(store.dead_letters(&first.id, Some(letters[0].0), 10).await.unwrap().len(), 1);
    assert_eq!(store.dead_letters(&second.id, None, 10).await.unwrap(), []);

    store.disable(&first.id, "gone").await.unwrap();
    store.disable(&first.id, "a later reason does not replace it").await.unwrap();
    let status = store.get(&first.id).await.unwrap().unwrap().status;
    assert!(matches!(&status, Status::Disabled { reason, .. } if reason == "gone"), "{status:?}");

    assert!(store.delete(&first.id).await.unwrap());
    assert!(!store.delete(&first.id).await.unwrap());
    // What a dispatcher still does for it has no effect.
    store.advance(&first.id, "user-events", &Cursor::at(Position(9))).await.unwrap();
    store.bury(&letter(9)).await.unwrap();
    store.disable(&first.id, "gone").await.unwrap();
    assert_eq!(store.get(&first.id).await.unwrap(), None);
    assert_eq!(store.cursors(&first.id).await.unwrap(), []);
    assert_eq!(store.dead_letters(&first.id, None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn the_store_in_memory_keeps_what_it_is_told() {
    a_store_keeps_what_it_is_told(MemorySubscriptions::new()).await;
}

#[tokio::test]
async fn the_store_in_sqlite_keeps_what_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    a_store_keeps_what_it_is_told(SqliteSubscriptions::open(folder.path().join("s.db")).await.unwrap()).await;
}

struct Collector(mpsc::UnboundedSender<(UserEvents, Context)>);

impl Handler for Collector {
    type Events = UserEvents;

    async fn handle(&self, event: UserEvents, cx: &Context) -> HandlerResult {
        self.0.send((event, cx.clone())).map_err(|error| error.to_string()).unwrap();
        Ok(())
    }
}

#[tokio::test]
async fn from_subscribing_over_http_to_the_handler() {
    let folder = tempfile::tempdir().unwrap();
    // The publishing service: log and subscriptions share one database.
    let log = SqliteLog::open(folder.path().join("publisher.db")).await.unwrap();
    let subscriptions = SqliteSubscriptions::with_pool(log.pool().clone()).await.unwrap();
    let settings = Settings::new(&log, [&USERS]).guard(loopback());
    let (publisher, _) = serve(Router::new().nest("/webhooks", router(&subscriptions, settings))).await;
    let _dispatcher = tokio::spawn(Dispatcher::new(&log, &subscriptions).guard(loopback()).run());

    // The consuming service: it learns its secret by subscribing, so its address comes first.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hook = format!("http://{}/hooks", listener.local_addr().unwrap());
    let body = json!({ "callback_url": hook }).to_string();
    let created = Http::new().post_json(format!("http://{publisher}/webhooks/subscriptions"), body).await;
    let secret: Secret = created.json()["secret"].as_str().unwrap().parse().unwrap();
    let inbox = SqliteInbox::open(folder.path().join("consumer.db")).await.unwrap();
    let (collector, mut collected) = mpsc::unbounded_channel();
    let receiver = Receiver::new(secret, inbox).on(Collector(collector));
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/hooks", receiver.route())).await.unwrap();
    });

    let users = Publisher::<UserEvents>::new(&log);
    for n in 0..10 {
        let event = NameChanged { new_name: n.to_string() };
        // An id that no header can carry as it is.
        users.id(format!("user.{n} ü")).subject("/user/1").publish(event.clone()).await.unwrap();
        let (got, cx) = tokio::time::timeout(PATIENCE, collected.recv()).await.unwrap().unwrap();
        assert_eq!(got, UserEvents::NameChanged(event));
        assert_eq!((cx.id.as_str(), cx.subject.as_deref()), (format!("user.{n} ü").as_str(), Some("/user/1")));
        assert_eq!((cx.position, cx.version.as_deref()), (Some(Position(n)), Some("1.0.0")));
    }
}
