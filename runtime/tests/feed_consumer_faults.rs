//! Whatever a feed answers, a consumer loses nothing and handles nothing twice: it tries again, or says clearly why it
//! stopped.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "tests; clippy knows only those marked as such, not their helpers")]

mod support;

use std::time::Duration;

use event_api::Position;
use event_api::consume::{Checkpoints as _, ConsumeError, MemoryCheckpoints, Retained};
use support::{Fault, Feed, Recorder, ids};

/// Lets a consumer loose on a feed of five events that begins with `faults`.
async fn survives(faults: impl IntoIterator<Item = Fault>) {
    let feed = Feed::with(5).await;
    feed.spoil(faults);
    let handler = Recorder::new();
    let consumer = feed.consumer(MemoryCheckpoints::new()).timeout(Duration::from_millis(200));
    consumer.run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..5));
}

/// What stops a consumer whose feed of five events answers one page and then `fault`.
async fn stops(fault: Fault) -> (ConsumeError, Feed) {
    let feed = Feed::with(5).await;
    let checkpoints = MemoryCheckpoints::new();
    let handler = Recorder::new();
    // The first page is read before there is a fault.
    feed.consumer(checkpoints.clone()).run_until_caught_up(handler.clone()).await.unwrap();
    feed.publish(1);
    feed.spoil([fault]);
    let error = feed.consumer(checkpoints.clone()).run_until_caught_up(handler.clone()).await.unwrap_err();
    assert_eq!(handler.called(), ids(0..5));
    // Nothing is lost: once the fault is gone, the consumer goes on.
    feed.consumer(checkpoints).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..6));
    (error, feed)
}

#[tokio::test]
async fn server_errors_are_waited_out() {
    survives([500, 502, 503, 429, 408].map(Fault::status)).await;
}

#[tokio::test]
async fn garbage_is_asked_for_again() {
    let garbage = [
        "",
        "<!doctype html><h1>Bad gateway</h1>",
        "{\"error\": \"try later\"}",
        "{\"items\": [",
        "[]",
        "\u{0}\u{1}",
        r#"{"items": [{"id": "x", "_type": "UserDeleted", "_position": 1}, {"id": "y", "_type": "UserDeleted", "_position": 0}]}"#,
    ];
    survives(garbage.map(|body| Fault::Body(body.to_owned()))).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_asked_for_again() {
    survives([Fault::Truncated, Fault::Truncated]).await;
}

#[tokio::test]
async fn a_server_that_never_answers_is_asked_again() {
    survives([Fault::Silence, Fault::Close]).await;
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    // Its zero seconds win over a backoff of an hour.
    let feed = Feed::with(1).await;
    feed.spoil([Fault::Status(503, "retry-after: 0\r\n", String::new())]);
    let an_hour = Duration::from_secs(3600);
    let handler = Recorder::new();
    let consumer = feed.consumer(MemoryCheckpoints::new());
    let consumer = consumer.backoff(event_api::consume::Backoff::new(an_hour, an_hour));
    consumer.run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..1));
}

#[tokio::test]
async fn a_page_over_the_limit_stops_the_consumer_and_is_not_skipped() {
    let feed = Feed::with(1).await;
    feed.spoil([Fault::Body("x".repeat(2000))]);
    let checkpoints = MemoryCheckpoints::new();
    let handler = Recorder::new();
    let consumer = || feed.consumer(checkpoints.clone()).page_limit(1000);
    let error = consumer().run_until_caught_up(handler.clone()).await.unwrap_err();
    assert!(matches!(error, ConsumeError::PageTooLarge { limit: 1000, .. }), "{error}");
    assert!(error.to_string().contains("page_limit"), "{error}");
    assert_eq!(feed.requests().len(), 1);
    consumer().run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_waited_for_until_shutdown() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let handler = Recorder::new();
    let consumer = event_api::feed::Consumer::new(format!("http://{address}/"), MemoryCheckpoints::new())
        .backoff(event_api::consume::Backoff::new(Duration::from_millis(1), Duration::from_millis(5)))
        .shutdown(tokio::time::sleep(Duration::from_millis(50)));
    consumer.run(handler.clone()).await.unwrap();
    assert!(handler.called().is_empty());
}

#[tokio::test]
async fn a_refusal_stops_the_consumer_with_what_the_server_says() {
    let problem = r#"{"type": "about:blank", "title": "Not found", "detail": "there is no channel user-events"}"#;
    let (error, _) = stops(Fault::Status(404, "", problem.to_owned())).await;
    let ConsumeError::Refused { status: 404, ref detail, .. } = error else { panic!("{error}") };
    assert_eq!(detail, "there is no channel user-events");
    for status in [400, 401, 403, 406] {
        let (error, _) = stops(Fault::status(status)).await;
        assert!(matches!(error, ConsumeError::Refused { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_next_url_of_another_origin_is_refused_after_the_page() {
    for next in ["http://elsewhere.test/feed", "https://127.0.0.1:1/feed", "file:///etc/passwd"] {
        let feed = Feed::with(0).await;
        let checkpoints = MemoryCheckpoints::new();
        let handler = Recorder::new();
        let item = r#"{"id": "e0", "_type": "UserDeleted", "_position": 0}"#;
        feed.spoil([Fault::Body(format!(r#"{{"items": [{item}], "next_url": "{next}"}}"#))]);
        let error = feed.consumer(checkpoints.clone()).run_until_caught_up(handler.clone()).await.unwrap_err();
        assert!(matches!(error, ConsumeError::NotFollowed { .. }), "{error}");
        assert_eq!(handler.called(), ids(0..1));
        let checkpoint = checkpoints.load("mailer").await.unwrap().unwrap();
        let resume = "/feeds/user-events".into();
        assert_eq!((checkpoint.resume, checkpoint.position), (resume, Some(Position(0))));
    }
}

#[tokio::test]
async fn headers_are_not_sent_to_an_allowed_origin() {
    let (feed, other) = (Feed::with(0).await, Feed::with(2).await);
    let handler = Recorder::new();
    feed.spoil([Fault::Body(format!(r#"{{"items": [], "next_url": "{}?offset=0"}}"#, other.url()))]);
    let consumer = feed.consumer(MemoryCheckpoints::new()).header("authorization", "secret");
    consumer.allow_origin(other.url()).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..2));
    assert!(feed.requests().iter().all(|request| request.contains("secret")));
    assert!(!other.requests().is_empty() && other.requests().iter().all(|request| !request.contains("secret")));
}

#[tokio::test]
async fn a_feed_that_leads_in_a_circle_is_noticed() {
    let item = |n: usize| format!(r#"{{"id": "e{n}", "_type": "UserDeleted", "_data": null}}"#);
    let page = |n: usize, next: &str| Fault::Body(format!(r#"{{"items": [{}], "next_url": "{next}"}}"#, item(n)));
    let feed = Feed::start().await;
    let handler = Recorder::new();
    feed.spoil([page(0, "?page=1"), page(1, "?page=2"), page(2, "?page=1")]);
    let error = feed.consumer(MemoryCheckpoints::new()).run_until_caught_up(handler.clone()).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Circle { .. }), "{error}");
    assert_eq!(handler.called(), ids(0..3));

    feed.spoil([page(0, "/feeds/user-events")]);
    let error = feed.consumer(MemoryCheckpoints::new()).run_until_caught_up(Recorder::new()).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Circle { .. }), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_within_the_origin_and_counted() {
    let to = |target: &'static str| Fault::Status(302, target, String::new());
    survives([to("location: /moved\r\n"), to("location: feeds/user-events\r\n")]).await;

    let (error, _) = stops(to("location: http://elsewhere.test/\r\n")).await;
    assert!(matches!(error, ConsumeError::NotFollowed { .. }), "{error}");

    let feed = Feed::with(1).await;
    feed.spoil((0..6).map(|_| to("location: ?again\r\n")));
    let error = feed.consumer(MemoryCheckpoints::new()).run_until_caught_up(Recorder::new()).await.unwrap_err();
    assert!(matches!(error, ConsumeError::NotFollowed { .. }), "{error}");
    assert_eq!(feed.requests().len(), 6);
}

#[tokio::test]
async fn events_that_retention_removed_stop_the_consumer_or_are_passed_over_by_choice() {
    let gone = || Fault::Status(410, "", r#"{"title": "Gone", "status": 410, "oldest_position": 7}"#.to_owned());
    let (error, _) = stops(gone()).await;
    assert!(matches!(error, ConsumeError::Retained { oldest: Some(Position(7)), .. }), "{error}");

    let feed = Feed::with(9).await;
    feed.spoil([gone()]);
    let handler = Recorder::new();
    let consumer = feed.consumer(MemoryCheckpoints::new()).on_retained(Retained::Continue);
    consumer.run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(7..9));
}

#[tokio::test]
async fn a_leap_over_removed_events_keeps_what_is_asked_for() {
    let feed = Feed::with(9).await;
    feed.spoil([Fault::Status(410, "", r#"{"status": 410, "oldest_position": 7}"#.to_owned())]);
    let handler = Recorder::new();
    let consumer =
        event_api::feed::Consumer::new(format!("{}?type=A,NameChanged", feed.url()), MemoryCheckpoints::new());
    consumer.on_retained(Retained::Continue).run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(7..9));
    assert!(feed.requests()[1].contains("?type=A,NameChanged&offset=7 "), "{}", feed.requests()[1]);
}

#[tokio::test]
async fn a_feed_that_was_rebuilt_is_not_mistaken_for_the_old_one() {
    let feed = Feed::with(2).await;
    let checkpoints = MemoryCheckpoints::new();
    let handler = Recorder::new();
    let item = |id: &str| format!(r#"{{"items": [{{"id": "{id}", "_type": "UserDeleted", "_position": 0}}]}}"#);
    feed.spoil([Fault::Body(item("old"))]);
    feed.consumer(checkpoints.clone()).run_until_caught_up(handler.clone()).await.unwrap();
    feed.spoil([Fault::Body(item("new"))]);
    let error = feed.consumer(checkpoints).run_until_caught_up(handler.clone()).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Rewritten { position: Position(0), .. }), "{error}");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_errors_and_do_not_tell_secrets() {
    let consumer = |url: &str| event_api::feed::Consumer::new(url, MemoryCheckpoints::new());
    for url in ["", "users.test", "ftp://users.test/", "http://me:hunter2@users.test/"] {
        let error = consumer(url).run(Recorder::new()).await.unwrap_err();
        assert!(matches!(error, ConsumeError::Url { .. }), "{error}");
    }
    let error = consumer("http://127.0.0.1:1/").header("authorization", "hunter2\n").run(Recorder::new()).await;
    let error = error.unwrap_err();
    assert!(matches!(error, ConsumeError::Setup(_)) && !error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn the_url_that_a_server_names_for_the_first_page_is_kept_if_it_may_be_read() {
    let page = r#"{"items": []}"#.to_owned();
    let kept = async |location: &'static str| {
        let feed = Feed::with(0).await;
        let checkpoints = MemoryCheckpoints::new();
        feed.spoil([Fault::Status(200, location, page.clone())]);
        let result = feed.consumer(checkpoints.clone()).run_until_caught_up(Recorder::new()).await;
        (result, checkpoints.load("mailer").await.unwrap().map(|checkpoint| checkpoint.resume))
    };
    let (result, resume) = kept("content-location: user-events?offset=4\r\n").await;
    assert_eq!((result.unwrap(), resume.as_deref()), ((), Some("?offset=4")));
    let (result, resume) = kept("content-location: user-events.json.en\r\n").await;
    assert_eq!((result.unwrap(), resume), ((), None), "a variant is not where the feed goes on");
    let (result, resume) = kept("content-location: http://elsewhere.test/user-events.json\r\n").await;
    assert_eq!((result.unwrap(), resume), ((), None), "nor is one that stands elsewhere");
    let (result, resume) = kept("content-location: http://elsewhere.test/?offset=4\r\n").await;
    assert!(matches!(result.unwrap_err(), ConsumeError::NotFollowed { .. }));
    assert_eq!(resume, None);
}
