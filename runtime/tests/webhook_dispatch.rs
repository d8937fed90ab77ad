//! What the dispatcher promises: every event at least once and in order, whatever fails or is restarted, and nothing
//! to where nothing may go.
#![cfg(all(feature = "client", feature = "server", feature = "sqlite"))]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

mod webhook_support;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use chrono::Utc;
use event_api::log::{Log, MemoryLog, Retention, SqliteLog};
use event_api::webhook::{
    Cursor, Dispatcher, Failure, Guard, MemorySubscriptions, Resolve, RetrySchedule, SqliteSubscriptions, Start,
    Status, Subscription, SubscriptionId, Subscriptions,
};
use event_api::{Channel, Position, Transport};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use webhook_support::*;

const CHANNEL: &str = "user-events";

/// Many quick retries.
fn quick() -> RetrySchedule {
    RetrySchedule::new([Duration::from_millis(5); 50])
}

/// A dispatcher at work.
struct Running {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(dispatcher: Dispatcher) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let dispatcher = dispatcher.shutdown(async {
            _ = stopped.await;
        });
        Running { stop: Some(stop), task: tokio::spawn(dispatcher.run()) }
    }

    /// An orderly stop.
    async fn shut_down(mut self) {
        drop(self.stop.take());
        tokio::time::timeout(PATIENCE, &mut self.task).await.unwrap().unwrap();
    }

    /// As near to `kill -9` as it gets within a process: nothing runs after the next await.
    async fn kill(mut self) {
        self.task.abort();
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn dispatcher(
    log: &(impl Log + Clone + 'static),
    subscriptions: &(impl Subscriptions + Clone + 'static),
) -> Dispatcher {
    Dispatcher::new(log, subscriptions).guard(loopback()).retries(quick())
}

/// Stores a subscription to all of [`CHANNEL`] from its first event on.
async fn subscribe(subscriptions: &impl Subscriptions, subscription: Subscription) -> SubscriptionId {
    subscriptions.create(&subscription, &[(CHANNEL, Position(0))]).await.unwrap();
    subscription.id
}

async fn cursor(subscriptions: &impl Subscriptions, id: &SubscriptionId) -> Cursor {
    let cursors = subscriptions.cursors(id).await.unwrap();
    cursors.into_iter().find(|(channel, _)| channel == CHANNEL).unwrap().1
}

async fn at_position(subscriptions: &impl Subscriptions, id: &SubscriptionId, position: u64) {
    let there = async || (cursor(subscriptions, id).await == Cursor::at(Position(position))).then_some(());
    eventually("the cursor moves", there).await;
}

async fn failing(subscriptions: &impl Subscriptions, id: &SubscriptionId) -> Failure {
    eventually("a failure is stored", async || cursor(subscriptions, id).await.failure).await
}

fn ids(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| format!("event-{n}")).collect()
}

#[tokio::test]
async fn everything_is_delivered_in_order_and_verifies_with_the_reference_library() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::accepting().await;
    log.append(CHANNEL, events(0..150)).await.unwrap();
    let id = subscribe(&subscriptions, subscription(endpoint.url())).await;
    let running = Running::start(dispatcher(&log, &subscriptions));
    endpoint.wait_for(150).await;
    log.append(CHANNEL, events(150..160)).await.unwrap();
    endpoint.wait_for(160).await;
    at_position(&subscriptions, &id, 160).await;
    running.shut_down().await;

    assert_eq!(endpoint.ids(), ids(0..160));
    let reference = standardwebhooks::Webhook::new(&secret().reveal()).unwrap();
    for (position, request) in endpoint.received().iter().enumerate() {
        reference.verify(&request.body, &request.headers).unwrap();
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["traceparent"], event(0).metadata.traceparent.unwrap());
        let body = request.json();
        assert_eq!(body["type"], "NameChanged");
        assert_eq!((&body["channel"], &body["position"]), (&CHANNEL.into(), &position.into()));
        // As it was stored, the blank included.
        assert!(String::from_utf8_lossy(&request.body).contains(&format!(r#""data":{{"newName": "{position}"}}"#)));
    }
}

#[tokio::test]
async fn a_failing_event_is_tried_until_it_is_delivered_and_later_ones_wait() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::new(|number, _| match number {
        1..=2 => StatusCode::INTERNAL_SERVER_ERROR,
        3 => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    })
    .await;
    log.append(CHANNEL, events(0..3)).await.unwrap();
    let id = subscribe(&subscriptions, subscription(endpoint.url())).await;
    let _running = Running::start(dispatcher(&log, &subscriptions));
    at_position(&subscriptions, &id, 3).await;
    assert_eq!(endpoint.ids(), ["event-0", "event-1", "event-1", "event-1", "event-1", "event-2"]);
    assert_eq!(subscriptions.dead_letters(&id, None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn what_an_endpoint_says_is_not_shown_to_subscribers() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::new(|_, _| (StatusCode::FORBIDDEN, "the password is hunter2")).await;
    log.append(CHANNEL, events(0..1)).await.unwrap();
    let id = subscribe(&subscriptions, subscription(endpoint.url())).await;
    let running = Running::start(dispatcher(&log, &subscriptions));
    let failure = failing(&subscriptions, &id).await;
    running.kill().await;
    assert_eq!((failure.status, failure.error.as_str()), (Some(403), "the endpoint answered 403 Forbidden"));
}

#[tokio::test]
async fn redirects_are_failures_and_never_followed() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let target = Endpoint::accepting().await;
    let location = target.url();
    let endpoint = Endpoint::new(move |_, _| (StatusCode::TEMPORARY_REDIRECT, [("location", location.clone())])).await;
    log.append(CHANNEL, events(0..1)).await.unwrap();
    let id = subscribe(&subscriptions, subscription(endpoint.url())).await;
    let running = Running::start(dispatcher(&log, &subscriptions));
    let failure = failing(&subscriptions, &id).await;
    running.kill().await;
    assert_eq!(failure.status, Some(307));
    assert!(failure.error.contains("not followed"), "{}", failure.error);
    assert!(target.received().is_empty());
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    for (status, header) in [
        (StatusCode::TOO_MANY_REQUESTS, "3600".to_owned()),
        (StatusCode::SERVICE_UNAVAILABLE, (Utc::now() + chrono::TimeDelta::hours(1)).to_rfc2822()),
    ] {
        let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
        let endpoint = Endpoint::new(move |_, _| (status, [("retry-after", header.clone())])).await;
        log.append(CHANNEL, events(0..1)).await.unwrap();
        let id = subscribe(&subscriptions, subscription(endpoint.url())).await;
        let running = Running::start(dispatcher(&log, &subscriptions));
        let failure = failing(&subscriptions, &id).await;
        running.kill().await;
        assert_eq!((failure.attempts, failure.status), (1, Some(status.as_u16())));
        let wait = failure.next_attempt_at - Utc::now();
        assert!(wait > chrono::TimeDelta::minutes(50), "{wait}");
        assert_eq!(endpoint.received().len(), 1);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_and_its_owner_can_see_why() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::new(|_, _| StatusCode::GONE).await;
    log.append(CHANNEL, events(0..3)).await.unwrap();
    let id = subscribe(&subscriptions, subscription(endpoint.url())).await;
    let running = Running::start(dispatcher(&log, &subscriptions));
    let disabled = async || match subscriptions.get(&id).await.unwrap().unwrap().status {
        Status::Active => None,
        Status::Disabled { reason, .. } => Some(reason),
        _ => None,
    };
    let reason = eventually("the subscription is disabled", disabled).await;
    assert!(reason.contains("410"), "{reason}");
    running.shut_down().await;
    // A new dispatcher leaves it alone, and what it did not get is not lost.
    let bystander = Endpoint::accepting().await;
    subscribe(&subscriptions, subscription(bystander.url())).await;
    let _running = Running::start(dispatcher(&log, &subscriptions));
    bystander.wait_for(3).await;
    assert_eq!(endpoint.received().len(), 1);
    assert_eq!(cursor(&subscriptions, &id).await.position, Position(0));
}

#[tokio::test]
async fn an_event_that_fails_too_often_becomes_a_dead_letter_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("events.db")).await.unwrap();
    let subscriptions = SqliteSubscriptions::with_pool(log.pool().clone()).await.unwrap();
    let endpoint = Endpoint::new(|_, request| match request.id() {
        "event-1" => (StatusCode::INTERNAL_SERVER_ERROR, "no\tthanks"),
        _ => (StatusCode::OK, ""),
    })
    .await;
    log.append(CHANNEL, events(0..3)).await.unwrap();
    let id = subscribe(&subscriptions, subscription(endpoint.url())).await;
    let schedule = RetrySchedule::new([Duration::from_millis(1); 2]);
    let _running = Running::start(dispatcher(&log, &subscriptions).retries(schedule));
    at_position(&subscriptions, &id, 3).await;
    assert_eq!(endpoint.ids(), ["event-0", "event-1", "event-1", "event-1", "event-2"]);

    let letters = subscriptions.dead_letters(&id, None, 10).await.unwrap();
    let [(number, letter)] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.first, letter.last, letter.attempts, letter.status), (Position(1), Position(1), 3, Some(500)));
    assert_eq!(letter.error, "the endpoint answered 500 Internal Server Error");
    let stored = &log.read(CHANNEL, Position(1), 1).await.unwrap()[0].event;
    assert_eq!(letter.event.as_ref(), Some(stored));
    assert_eq!(subscriptions.dead_letters(&id, Some(*number), 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_restart_goes_on_where_the_last_one_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let endpoint = Endpoint::accepting().await;
    let id = {
        let log = SqliteLog::open(&path).await.unwrap();
        let subscriptions = SqliteSubscriptions::open(&path).await.unwrap();
        log.append(CHANNEL, events(0..60)).await.unwrap();
        subscribe(&subscriptions, subscription(endpoint.url())).await
    };
    for kill_after in [1, 13, 30, 31] {
        let log = SqliteLog::open(&path).await.unwrap();
        let subscriptions = SqliteSubscriptions::open(&path).await.unwrap();
        let running = Running::start(dispatcher(&log, &subscriptions));
        endpoint.wait_for(kill_after).await;
        running.kill().await;
    }
    let log = SqliteLog::open(&path).await.unwrap();
    let subscriptions = SqliteSubscriptions::open(&path).await.unwrap();
    let running = Running::start(dispatcher(&log, &subscriptions));
    at_position(&subscriptions, &id, 60).await;
    running.shut_down().await;

    let received = endpoint.ids();
    let mut firsts = received.clone();
    firsts.dedup();
    // Each kill may cost the one event that was under way a second delivery, and nothing else.
    assert_eq!(firsts, ids(0..60));
    assert!(received.len() <= 60 + 4, "{received:?}");
}

#[tokio::test]
async fn a_restart_remembers_the_attempts_and_the_wait() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subscriptions.db");
    let log = MemoryLog::new();
    log.append(CHANNEL, events(0..1)).await.unwrap();
    let endpoint = Endpoint::new(|_, _| StatusCode::BAD_GATEWAY).await;
    let schedule = || RetrySchedule::new([Duration::from_millis(1), Duration::from_secs(3600)]);
    let (id, before) = {
        let subscriptions = SqliteSubscriptions::open(&path).await.unwrap();
        let id = subscribe(&subscriptions, subscription(endpoint.url())).await;
        let running = Running::start(dispatcher(&log, &subscriptions).retries(schedule()));
        let second = async || cursor(&subscriptions, &id).await.failure.filter(|failure| failure.attempts == 2);
        let failure = eventually("the second attempt fails", second).await;
        running.kill().await;
        (id, failure)
    };
    let subscriptions = SqliteSubscriptions::open(&path).await.unwrap();
    assert_eq!(cursor(&subscriptions, &id).await.failure, Some(before.clone()));
    // The new dispatcher works (another subscription proves it), and does not try before it is time.
    let bystander = Endpoint::accepting().await;
    subscribe(&subscriptions, subscription(bystander.url())).await;
    let running = Running::start(dispatcher(&log, &subscriptions).retries(schedule()));
    bystander.wait_for(1).await;
    running.shut_down().await;
    assert_eq!(endpoint.received().len(), 2);
    assert_eq!(cursor(&subscriptions, &id).await.failure, Some(before));
}

#[tokio::test]
async fn a_dead_endpoint_delays_no_other() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    // Accepts connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let failing = Endpoint::new(|_, _| StatusCode::INTERNAL_SERVER_ERROR).await;
    for url in [format!("http://{}/", silent.local_addr().unwrap()), format!("http://{refused}/"), failing.url()] {
        subscribe(&subscriptions, subscription(url)).await;
    }
    let healthy = Endpoint::accepting().await;
    subscribe(&subscriptions, subscription(healthy.url())).await;
    let schedule = RetrySchedule::new([Duration::from_secs(3600)]);
    let running = Running::start(dispatcher(&log, &subscriptions).retries(schedule));
    for n in 0..20 {
        log.append(CHANNEL, vec![event(n)]).await.unwrap();
        healthy.wait_for(n + 1).await;
    }
    running.kill().await;
    assert_eq!(healthy.ids(), ids(0..20));
    assert_eq!(failing.received().len(), 1);
}

#[tokio::test]
async fn subscriptions_start_and_stop_while_the_dispatcher_runs() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    // Only notifications can be fast enough for this test.
    let _running = Running::start(dispatcher(&log, &subscriptions).poll(Duration::from_secs(3600)));
    let (deleted, kept) = (Endpoint::accepting().await, Endpoint::accepting().await);
    let id = subscribe(&subscriptions, subscription(deleted.url())).await;
    log.append(CHANNEL, events(0..1)).await.unwrap();
    deleted.wait_for(1).await;
    assert!(subscriptions.delete(&id).await.unwrap());
    // What comes after the deletion was noticed: the next subscription is started in the same round or a later one.
    subscribe(&subscriptions, subscription(kept.url())).await;
    kept.wait_for(1).await;
    log.append(CHANNEL, events(1..5)).await.unwrap();
    kept.wait_for(5).await;
    assert_eq!(deleted.ids(), ids(0..1));
    assert_eq!(subscriptions.cursors(&id).await.unwrap(), [], "nothing is left of a deleted subscription");
}

#[tokio::test]
async fn subscriptions_made_by_another_process_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let log = SqliteLog::open(&path).await.unwrap();
    let here = SqliteSubscriptions::open(&path).await.unwrap();
    // Another handle that shares no notification with the first, as another process has it.
    let there = SqliteSubscriptions::open(&path).await.unwrap();
    let _running = Running::start(dispatcher(&log, &here).poll(Duration::from_millis(10)));
    let endpoint = Endpoint::accepting().await;
    subscribe(&there, subscription(endpoint.url())).await;
    log.append(CHANNEL, events(0..1)).await.unwrap();
    endpoint.wait_for(1).await;
}

#[tokio::test]
async fn types_that_are_not_wanted_are_skipped_and_the_cursor_is_stored() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::accepting().await;
    let mixed = (0..250).map(|n| event_of(if n % 100 == 5 { "UserDeleted" } else { "NameChanged" }, n));
    log.append(CHANNEL, mixed.collect()).await.unwrap();
    let mut wanting = subscription(endpoint.url());
    wanting.event_types = vec!["UserDeleted".to_owned()];
    let id = subscribe(&subscriptions, wanting).await;
    let _running = Running::start(dispatcher(&log, &subscriptions));
    at_position(&subscriptions, &id, 250).await;
    assert_eq!(endpoint.ids(), ["event-5", "event-105", "event-205"]);
}

#[tokio::test]
async fn events_removed_by_retention_are_recorded_and_the_rest_is_delivered() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::accepting().await;
    log.append(CHANNEL, events(0..10)).await.unwrap();
    log.trim(CHANNEL, &Retention::forever().starting_at(Position(7)), 1000).await.unwrap();
    let id = subscribe(&subscriptions, subscription(endpoint.url())).await;
    let _running = Running::start(dispatcher(&log, &subscriptions));
    at_position(&subscriptions, &id, 10).await;
    assert_eq!(endpoint.ids(), ids(7..10));
    let letters = subscriptions.dead_letters(&id, None, 10).await.unwrap();
    let [(_, letter)] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((letter.first, letter.last, &letter.event), (Position(0), Position(6), &None));
    assert!(letter.error.contains("retention"), "{}", letter.error);
}

#[tokio::test]
async fn a_log_that_was_replaced_by_a_shorter_one_is_delivered_whole() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::accepting().await;
    log.append(CHANNEL, events(0..2)).await.unwrap();
    let stored = subscription(endpoint.url());
    subscriptions.create(&stored, &[(CHANNEL, Position(100))]).await.unwrap();
    let _running = Running::start(dispatcher(&log, &subscriptions));
    endpoint.wait_for(2).await;
    assert_eq!(endpoint.ids(), ids(0..2));
}

#[tokio::test]
async fn a_channel_added_later_reaches_subscriptions_to_all_channels() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let (all, one) = (Endpoint::accepting().await, Endpoint::accepting().await);
    subscribe(&subscriptions, subscription(all.url())).await;
    let mut only_users = subscription(one.url());
    only_users.channels = vec![CHANNEL.to_owned()];
    subscribe(&subscriptions, only_users).await;
    log.append("order-events", vec![event_of("OrderPlaced", 7)]).await.unwrap();
    let running = Running::start(dispatcher(&log, &subscriptions).channels([&USERS, &ORDERS]));
    all.wait_for(1).await;
    log.append(CHANNEL, events(0..1)).await.unwrap();
    all.wait_for(2).await;
    one.wait_for(1).await;
    running.shut_down().await;
    assert_eq!(all.ids(), ["event-7", "event-0"]);
    assert_eq!(one.ids(), ["event-0"]);
}

#[tokio::test]
async fn a_channel_that_webhooks_do_not_carry_is_not_pushed() {
    static FEED_ONLY: Channel = Channel {
        name: "audit-events",
        title: "Audit",
        address: None,
        event_types: &["NameChanged"],
        version: "1.0.0",
        transports: &[Transport::Feed],
    };
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::accepting().await;
    let mut everything = subscription(endpoint.url());
    everything.start = Start::Beginning;
    let id = subscribe(&subscriptions, everything).await;
    log.append("audit-events", events(100..110)).await.unwrap();
    let running = Running::start(dispatcher(&log, &subscriptions).channels([&USERS, &FEED_ONLY]));
    log.append(CHANNEL, events(0..1)).await.unwrap();
    at_position(&subscriptions, &id, 1).await;
    running.shut_down().await;
    assert_eq!(endpoint.ids(), ["event-0"]);
    assert_eq!(subscriptions.cursors(&id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_subscription_from_now_on_does_not_get_the_history_of_a_channel_without_cursor() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let (now, beginning) = (Endpoint::accepting().await, Endpoint::accepting().await);
    log.append("order-events", (0..3).map(|n| event_of("OrderPlaced", n)).collect()).await.unwrap();
    // Events published in the same instant as the subscription is made would count as new.
    let mut from_now = subscription(now.url());
    from_now.created_at = Utc::now() + chrono::TimeDelta::seconds(1);
    let mut late = event_of("OrderPlaced", 3);
    late.metadata.time = from_now.created_at;
    let from_now = subscribe(&subscriptions, from_now).await;
    let mut from_beginning = subscription(beginning.url());
    from_beginning.start = Start::Beginning;
    subscribe(&subscriptions, from_beginning).await;
    // After the subscription, and before a dispatcher has seen the channel: new, as is all that follows it.
    log.append("order-events", vec![late, event_of("OrderPlaced", 4)]).await.unwrap();
    let running = Running::start(dispatcher(&log, &subscriptions).channels([&USERS, &ORDERS]));
    now.wait_for(2).await;
    beginning.wait_for(5).await;
    running.shut_down().await;
    assert_eq!(now.ids(), ids(3..5));
    assert_eq!(beginning.ids(), ids(0..5));
    let cursors = subscriptions.cursors(&from_now).await.unwrap();
    assert!(cursors.contains(&("order-events".to_owned(), Cursor::at(Position(5)))), "{cursors:?}");
}

#[tokio::test]
async fn a_shutdown_finishes_the_request_that_is_under_way() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let (begun, mut under_way) = tokio::sync::mpsc::unbounded_channel();
    let go_on = Arc::new(tokio::sync::Notify::new());
    let answer = Arc::clone(&go_on);
    let app = axum::Router::new().fallback(move || {
        let (begun, answer) = (begun.clone(), Arc::clone(&answer));
        async move {
            begun.send(()).unwrap();
            answer.notified().await;
            StatusCode::OK
        }
    });
    let (address, _server) = serve(app).await;
    log.append(CHANNEL, events(0..2)).await.unwrap();
    let id = subscribe(&subscriptions, subscription(format!("http://{address}/"))).await;
    let running = Running::start(dispatcher(&log, &subscriptions));
    under_way.recv().await.unwrap();
    let stopping = tokio::spawn(running.shut_down());
    tokio::task::yield_now().await;
    go_on.notify_one();
    stopping.await.unwrap();
    // The first was acknowledged and is remembered; the second was not begun.
    assert_eq!(cursor(&subscriptions, &id).await, Cursor::at(Position(1)));
    assert!(under_way.try_recv().is_err());
}

#[tokio::test]
async fn no_request_leaves_for_an_address_that_is_not_allowed() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::accepting().await;
    log.append(CHANNEL, events(0..1)).await.unwrap();
    // As if it had been stored when the guard was more generous, or by other means.
    let port = endpoint.address.port();
    for url in [endpoint.url(), format!("http://localhost:{port}/"), format!("http://0x7f.1:{port}/")] {
        let id = subscribe(&subscriptions, subscription(url)).await;
        let dispatcher = dispatcher(&log, &subscriptions).guard(Guard::public_only().allow_http());
        let running = Running::start(dispatcher);
        let failure = failing(&subscriptions, &id).await;
        running.kill().await;
        assert!(failure.error.contains("not at a public address"), "{}", failure.error);
        assert!(!failure.error.contains("127.0.0.1") && !failure.error.contains("loopback"), "{}", failure.error);
    }
    assert!(endpoint.received().is_empty());
}

/// A name server that an attacker controls: a public address for the check, loopback for the request.
#[derive(Clone, Default)]
struct Rebinding(Arc<AtomicUsize>);

#[async_trait]
impl Resolve for Rebinding {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let address = match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => [8, 8, 8, 8],
            _ => [127, 0, 0, 1],
        };
        Ok(vec![IpAddr::from(address)])
    }
}

#[tokio::test]
async fn a_name_that_is_rebound_after_the_check_is_not_followed() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let endpoint = Endpoint::accepting().await;
    log.append(CHANNEL, events(0..1)).await.unwrap();
    let resolver = Rebinding::default();
    let guard = Guard::public_only().allow_http().resolver(resolver.clone());
    let url = format!("http://rebinding.example:{}/", endpoint.address.port());
    guard.check(&url).await.unwrap();
    let id = subscribe(&subscriptions, subscription(url)).await;
    let schedule = RetrySchedule::new([Duration::from_secs(3600)]);
    let running = Running::start(dispatcher(&log, &subscriptions).guard(guard).retries(schedule));
    let failure = failing(&subscriptions, &id).await;
    running.kill().await;
    assert!(failure.error.contains("not at a public address"), "{}", failure.error);
    assert!(!failure.error.contains("127.0.0.1"), "{}", failure.error);
    assert!(endpoint.received().is_empty());
    assert_eq!(resolver.0.load(Ordering::SeqCst), 2, "resolved once for the check and once for the request");
}
