//! A consumer that follows its feed over a connection handles every event once and in order, whatever becomes of the
//! connection.
#![cfg(all(feature = "client", feature = "server", feature = "websocket"))]
#![allow(clippy::unwrap_used, reason = "tests; clippy knows only those marked as such, not their helpers")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use event_api::consume::{Backoff, Checkpoints as _, ConsumeError, DeadLetters as _, MemoryCheckpoints, Retained};
use event_api::feed::{Consumer, Feeds, Live};
use event_api::log::{Log, MemoryLog, Retention};
use event_api::{EventSet as _, Position, Publisher};
use support::{Act, Fault, Feed, NameChanged, Recorder, UserEvents, ids};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

const LIVE: [Live; 2] = [Live::ServerSentEvents, Live::WebSocket];
const PATIENCE: Duration = Duration::from_secs(60);
const SOON: Backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));

async fn publish(log: &MemoryLog, range: std::ops::Range<usize>) {
    for id in ids(range) {
        let event = NameChanged { old_name: "a\nb".to_owned(), new_name: id.clone() };
        let publisher = Publisher::<UserEvents>::new(log).id(id.as_str());
        publisher.publish(UserEvents::NameChanged(event)).await.unwrap();
    }
}

async fn serve(feeds: Feeds) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().nest("/feeds", feeds.router())).await });
    address
}

fn feeds(log: &MemoryLog) -> Feeds {
    Feeds::new(log, [UserEvents::CHANNEL]).default_limit(2).heartbeat(Duration::from_millis(50))
}

/// A consumer that gets nothing new by polling.
fn consumer(address: SocketAddr, live: Live, checkpoints: &MemoryCheckpoints) -> Consumer {
    Consumer::new(format!("http://{address}/feeds/user-events"), checkpoints.clone())
        .name("mailer")
        .live(live)
        .backoff(SOON)
        .long_poll(Duration::ZERO)
        .poll_interval(Duration::from_secs(3600))
}

async fn until_handled(handler: &Recorder, count: usize) {
    let waiting = tokio::time::timeout(PATIENCE, handler.until_handled(count)).await;
    waiting.unwrap_or_else(|_| panic!("waited for {count} events, got {:?}", handler.handled()));
}

/// A proxy whose connections can be cut, or left without a word.
struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Cut,
    Silent,
}

impl Proxy {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, watched) = watch::channel(State::Open);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut watched = watched.clone();
                if *watched.borrow_and_update() == State::Cut {
                    continue;
                }
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.unwrap();
                    let end = tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => State::Cut,
                        changed = watched.wait_for(|state| *state != State::Open) => *changed.unwrap(),
                    };
                    if end == State::Silent {
                        // For its connections it stays so.
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Proxy { address, state }
    }

    fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

fn run(consumer: Consumer, handler: &Recorder) -> JoinHandle<Result<(), ConsumeError>> {
    tokio::spawn(consumer.run(handler.clone()))
}

#[tokio::test]
async fn events_come_as_they_are_published_and_over_restarts_once() {
    for (live, strict) in LIVE.into_iter().flat_map(|live| [(live, false), (live, true)]) {
        let log = MemoryLog::new();
        let address = serve(if strict { feeds(&log).strict() } else { feeds(&log) }).await;
        let (checkpoints, handler) = (MemoryCheckpoints::new(), Recorder::new());
        for start in [0, 7, 14] {
            publish(&log, start..start + 5).await;
            let (stop, stopped) = oneshot::channel::<()>();
            let consumer = consumer(address, live, &checkpoints).shutdown(async { drop(stopped.await) });
            let running = run(consumer, &handler);
            until_handled(&handler, start + 5).await;
            publish(&log, start + 5..start + 6).await;
            until_handled(&handler, start + 6).await;
            publish(&log, start + 6..start + 7).await;
            until_handled(&handler, start + 7).await;
            drop(stop);
            running.await.unwrap().unwrap();
        }
        assert_eq!(handler.called(), ids(0..21), "{live:?}");
        let checkpoint = checkpoints.load("mailer").await.unwrap().unwrap();
        assert_eq!((&*checkpoint.resume, checkpoint.position), ("?offset=21", Some(Position(20))));
    }
}

#[tokio::test]
async fn nothing_is_missed_or_repeated_when_connections_break() {
    for live in LIVE {
        let log = MemoryLog::new();
        let proxy = Proxy::to(serve(feeds(&log)).await).await;
        let (checkpoints, handler) = (MemoryCheckpoints::new(), Recorder::new());
        let running = run(consumer(proxy.address, live, &checkpoints), &handler);
        for round in 0..5 {
            publish(&log, round * 10..round * 10 + 5).await;
            until_handled(&handler, round * 10 + 5).await;
            proxy.set(State::Cut);
            publish(&log, round * 10 + 5..round * 10 + 10).await;
            proxy.set(State::Open);
        }
        until_handled(&handler, 50).await;
        running.abort();
        assert_eq!(handler.called(), ids(0..50), "{live:?}");
    }
}

#[tokio::test]
async fn a_connection_without_a_sign_of_life_is_opened_again() {
    for live in LIVE {
        let log = MemoryLog::new();
        let proxy = Proxy::to(serve(feeds(&log)).await).await;
        let (checkpoints, handler) = (MemoryCheckpoints::new(), Recorder::new());
        let running = run(consumer(proxy.address, live, &checkpoints).timeout(Duration::from_millis(400)), &handler);
        publish(&log, 0..3).await;
        until_handled(&handler, 3).await;
        // Heartbeats keep a quiet connection open for longer than that.
        tokio::time::sleep(Duration::from_millis(600)).await;
        proxy.set(State::Silent);
        publish(&log, 3..6).await;
        proxy.set(State::Open);
        until_handled(&handler, 6).await;
        running.abort();
        assert_eq!(handler.called(), ids(0..6), "{live:?}");
    }
}

#[tokio::test]
async fn what_retention_removes_meanwhile_is_told_as_the_policy_says() {
    for (live, policy) in LIVE.into_iter().flat_map(|live| [(live, Retained::Stop), (live, Retained::Continue)]) {
        let log = MemoryLog::new();
        let proxy = Proxy::to(serve(feeds(&log)).await).await;
        let (checkpoints, handler) = (MemoryCheckpoints::new(), Recorder::new());
        let running = run(consumer(proxy.address, live, &checkpoints).on_retained(policy), &handler);
        publish(&log, 0..3).await;
        until_handled(&handler, 3).await;
        proxy.set(State::Cut);
        publish(&log, 3..9).await;
        log.trim(UserEvents::CHANNEL.name, &Retention::forever().starting_at(Position(6)), 100).await.unwrap();
        proxy.set(State::Open);
        if policy == Retained::Stop {
            let error = tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap_err();
            assert!(matches!(error, ConsumeError::Retained { oldest: Some(Position(6)), .. }), "{error}");
            assert_eq!(handler.called(), ids(0..3));
        } else {
            until_handled(&handler, 6).await;
            publish(&log, 9..10).await;
            until_handled(&handler, 7).await;
            running.abort();
            assert_eq!(handler.called(), [ids(0..3), ids(6..10)].concat());
        }
    }
}

#[tokio::test]
async fn a_feed_of_some_types_moves_on_over_the_others() {
    for live in LIVE {
        let log = MemoryLog::new();
        let address = serve(feeds(&log)).await;
        let (checkpoints, handler) = (MemoryCheckpoints::new(), Recorder::new());
        let url = format!("http://{address}/feeds/user-events?type=UserDeleted");
        let running = run(Consumer::new(url, checkpoints.clone()).name("mailer").live(live).backoff(SOON), &handler);
        let delete = Publisher::<UserEvents>::new(&log);
        delete.publish(UserEvents::UserDeleted).await.unwrap();
        until_handled(&handler, 1).await;
        publish(&log, 1..6).await;
        let moved = async {
            while !checkpoints.load("mailer").await.unwrap().unwrap().resume.contains("offset=6") {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, moved).await.unwrap();
        delete.publish(UserEvents::UserDeleted).await.unwrap();
        until_handled(&handler, 2).await;
        running.abort();
        assert_eq!(checkpoints.load("mailer").await.unwrap().unwrap().position, Some(Position(6)));
    }
}

#[tokio::test]
async fn a_feed_of_several_types_brings_each_of_them() {
    for live in LIVE {
        let log = MemoryLog::new();
        let address = serve(feeds(&log)).await;
        let (checkpoints, handler) = (MemoryCheckpoints::new(), Recorder::new());
        let url = format!("http://{address}/feeds/user-events?type=UserDeleted,NameChanged");
        let consumer = Consumer::new(url, checkpoints.clone()).name("mailer").live(live).backoff(SOON);
        let running = run(consumer.long_poll(Duration::ZERO).poll_interval(Duration::from_secs(3600)), &handler);
        for round in 0..4 {
            publish(&log, 2 * round..2 * round + 1).await;
            Publisher::<UserEvents>::new(&log).publish(UserEvents::UserDeleted).await.unwrap();
            until_handled(&handler, 2 * round + 2).await;
        }
        running.abort();
        assert_eq!(checkpoints.load("mailer").await.unwrap().unwrap().position, Some(Position(7)), "{live:?}");
    }
}

#[tokio::test]
async fn failing_handlers_are_tried_again_and_give_dead_letters_as_with_pages() {
    for live in LIVE {
        let log = MemoryLog::new();
        let address = serve(feeds(&log)).await;
        let checkpoints = MemoryCheckpoints::new();
        let handler = Recorder::that(|id, attempt| match (id, attempt) {
            ("e1", 1) => Act::Retry,
            ("e2", _) => Act::Reject,
            ("e3", 1) => Act::Panic,
            _ => Act::Succeed,
        });
        let retry = event_api::consume::RetryPolicy::attempts(3).backoff(SOON);
        let running = run(consumer(address, live, &checkpoints).retry(retry), &handler);
        publish(&log, 0..1).await;
        until_handled(&handler, 1).await;
        publish(&log, 1..5).await;
        until_handled(&handler, 4).await;
        running.abort();
        assert_eq!(handler.called(), ["e0", "e1", "e1", "e2", "e3", "e3", "e4"], "{live:?}");
        let letters = checkpoints.dead_letters().unwrap().list("mailer", 0, 10).await.unwrap();
        assert_eq!(letters.iter().map(|letter| letter.letter.event.metadata.id.as_str()).collect::<Vec<_>>(), ["e2"]);
    }
}

/// Waits until `count` connections were asked for.
async fn until_asked(feed: &Feed, count: usize) {
    let waiting = async {
        while feed.live_requests() < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waiting = tokio::time::timeout(PATIENCE, waiting).await;
    waiting.unwrap_or_else(|_| panic!("waited for {count} requests, got {:?}", feed.requests()));
}

#[tokio::test]
async fn servers_that_offer_no_connection_are_polled() {
    for live in LIVE {
        for refusal in [None, Some(404), Some(405), Some(406), Some(400), Some(426), Some(501), Some(204), Some(101)] {
            let feed = Feed::with(4).await;
            let handler = Recorder::new();
            feed.live(refusal.map(Fault::status));
            let consumer = feed.consumer(MemoryCheckpoints::new()).live(live).header("authorization", "Bearer x");
            let running = run(consumer, &handler);
            until_handled(&handler, 4).await;
            until_asked(&feed, 1).await;
            feed.publish(3);
            until_handled(&handler, 7).await;
            running.abort();
            assert_eq!((handler.called(), feed.live_requests()), (ids(0..7), 1), "{live:?} {refusal:?}");
            assert!(feed.requests().iter().all(|head| head.contains("authorization: Bearer x")), "{live:?}");
        }
    }
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_for_a_connection() {
    for live in LIVE {
        let feed = Feed::with(3).await;
        let handler = Recorder::new();
        feed.live([Fault::status(503), Fault::Status(429, "retry-after: 0\r\n", String::new()), Fault::Close]);
        feed.live([Fault::Status(307, "location: /feeds/user-events?offset=3\r\n", String::new()), Fault::status(500)]);
        let running = run(feed.consumer(MemoryCheckpoints::new()).live(live), &handler);
        until_asked(&feed, 6).await;
        running.abort();
        assert_eq!(handler.called(), ids(0..3), "{live:?}");
    }
}

#[tokio::test]
async fn connections_to_other_origins_are_not_followed() {
    for live in LIVE {
        let feed = Feed::with(1).await;
        feed.live([Fault::Status(302, "location: http://elsewhere.test/\r\n", String::new())]);
        let consumer = feed.consumer(MemoryCheckpoints::new()).live(live);
        let error = tokio::time::timeout(PATIENCE, consumer.run(Recorder::new())).await.unwrap().unwrap_err();
        assert!(matches!(error, ConsumeError::NotFollowed { .. }), "{error}");
    }
}

#[tokio::test]
async fn odd_streams_lose_and_repeat_nothing() {
    let feed = Feed::with(3).await;
    let handler = Recorder::new();
    let event = |position: usize| format!("id: {position}\ndata: {}\n\n", support::item(position));
    let streams = [
        // What was completed comes again, then one event, and one that is cut off.
        format!("{}{}{}data: {}\n", event(1), event(2), event(3), support::item(4)),
        // One is left out.
        format!("{}{}", event(4), event(6)),
        "data: {\"id\": \"nonsense\n\n".to_owned(),
        "<html>this is no stream</html>".to_owned(),
        String::new(),
        // Here too, something is left out.
        format!("id: 30\n\n{}", event(30)),
        format!("retry: 1\n\n{}", event(5)),
    ];
    let count = streams.len();
    feed.live(streams.map(Fault::Stream));
    let consumer = feed.consumer(MemoryCheckpoints::new()).live(Live::ServerSentEvents);
    let running = run(consumer.poll_interval(Duration::from_secs(3600)), &handler);
    until_asked(&feed, count + 1).await;
    assert_eq!(handler.called(), ids(0..6));
    running.abort();
}

#[tokio::test]
async fn connections_that_fall_silent_after_they_were_of_use_are_not_waited_for_longer_each_time() {
    const CONNECTIONS: usize = 20;
    let feed = Feed::with(1).await;
    feed.live((0..CONNECTIONS).map(|_| Fault::Quiet(":\n\n".to_owned())));
    // The waits would be of minutes by the last one.
    let growing = Backoff::new(Duration::from_millis(1), Duration::from_secs(3600));
    let consumer = feed.consumer(MemoryCheckpoints::new()).live(Live::ServerSentEvents).backoff(growing);
    let running = run(consumer.timeout(Duration::from_millis(100)).long_poll(Duration::ZERO), &Recorder::new());
    until_asked(&feed, CONNECTIONS).await;
    running.abort();
}

#[tokio::test]
async fn an_event_over_the_limit_stops_the_consumer() {
    let feed = Feed::with(1).await;
    feed.live([Fault::Stream(format!("data: {}", "x".repeat(5000)))]);
    let consumer = feed.consumer(MemoryCheckpoints::new()).live(Live::ServerSentEvents).page_limit(4000);
    let error = tokio::time::timeout(PATIENCE, consumer.run(Recorder::new())).await.unwrap().unwrap_err();
    assert!(matches!(error, ConsumeError::PageTooLarge { limit: 4000, .. }), "{error}");
}

#[tokio::test]
async fn a_position_that_nothing_can_stand_behind_is_odd() {
    let feed = Feed::with(1).await;
    let mut last = support::item(1);
    last["_position"] = u64::MAX.into();
    feed.live([Fault::Stream(format!("id: {}\n\ndata: {last}\n\n", u64::MAX))]);
    let handler = Recorder::new();
    let checkpoints = MemoryCheckpoints::new();
    let url = format!("{}?type=NameChanged", feed.url());
    let consumer = Consumer::new(url, checkpoints).live(Live::ServerSentEvents).backoff(SOON);
    let running = run(consumer, &handler);
    until_asked(&feed, 2).await;
    assert_eq!(handler.called(), ids(0..1));
    running.abort();
}

#[tokio::test]
async fn another_event_in_the_place_of_the_last_is_noticed() {
    let feed = Feed::with(2).await;
    let mut other = support::item(1);
    other["id"] = "rebuilt".into();
    feed.live([Fault::Stream(format!("data: {other}\n\n"))]);
    let consumer = feed.consumer(MemoryCheckpoints::new()).live(Live::ServerSentEvents);
    let error = tokio::time::timeout(PATIENCE, consumer.run(Recorder::new())).await.unwrap().unwrap_err();
    assert!(matches!(error, ConsumeError::Rewritten { position: Position(1), .. }), "{error}");
}

#[tokio::test]
async fn who_only_catches_up_opens_no_connection() {
    let feed = Feed::with(4).await;
    let handler = Recorder::new();
    let consumer = feed.consumer(MemoryCheckpoints::new()).live(Live::WebSocket);
    consumer.run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!((handler.called(), feed.live_requests()), (ids(0..4), 0));
}
