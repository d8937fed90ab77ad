//! What the receiver promises: nothing unsigned gets in, each event is handled once, and nothing that could not be
//! handled disappears.
#![cfg(all(feature = "client", feature = "server", feature = "sqlite"))]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

mod webhook_support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use event_api::consume::{
    Claim, DeadLetter, DeadLetters, Inbox, MemoryDeadLetters, MemoryInbox, OnUnknown, Replay, Replayed, SqliteInbox,
    StoreError, Ticket, replay,
};
use event_api::webhook::{Receiver, Secret, Secrets, receiver};
use event_api::{Context, EventSet, Handler, HandlerError, HandlerResult};
use http_body_util::Full;
use tokio::sync::{Notify, mpsc};
use webhook_support::*;

/// Does with the `n`-th call what a test wants, and records the events.
struct Scripted<E> {
    handled: Arc<Mutex<Vec<(E, Context)>>>,
    script: Box<dyn Fn(usize) -> HandlerResult + Send + Sync>,
}

impl<E: EventSet + Clone> Scripted<E> {
    fn new(script: impl Fn(usize) -> HandlerResult + Send + Sync + 'static) -> Self {
        Scripted { handled: Arc::default(), script: Box::new(script) }
    }

    fn accepting() -> Self {
        Self::new(|_| Ok(()))
    }

    fn handled(&self) -> Arc<Mutex<Vec<(E, Context)>>> {
        Arc::clone(&self.handled)
    }
}

impl<E: EventSet + Clone> Handler for Scripted<E> {
    type Events = E;

    async fn handle(&self, event: E, cx: &Context) -> HandlerResult {
        let call = {
            let mut handled = self.handled.lock().unwrap();
            handled.push((event, cx.clone()));
            handled.len() - 1
        };
        (self.script)(call)
    }
}

async fn start(receiver: Receiver) -> String {
    let (address, _) = serve(Router::new().route("/hooks", receiver.route())).await;
    format!("http://{address}/hooks")
}

fn name_changed(name: &str) -> String {
    format!(r#"{{"type":"NameChanged","timestamp":"2020-05-01T14:00:00Z","data":{{"newName":"{name}"}}}}"#)
}

async fn letters(inbox: &impl Inbox) -> Vec<DeadLetter> {
    let letters = inbox.dead_letters().list("webhook", 0, 100).await.unwrap();
    letters.into_iter().map(|stored| stored.letter).collect()
}

#[tokio::test]
async fn a_signed_event_reaches_the_handler_with_its_metadata() {
    let handler = Scripted::<UserEvents>::accepting();
    let handled = handler.handled();
    let (address, _) = serve(Router::new().route("/hooks", receiver(secret(), MemoryInbox::new(), handler))).await;
    let body = r#"{"type":"NameChanged","timestamp":"2020-05-01T14:00:00Z","data":{"newName":"John"},
        "channel":"user-events","position":7,"subject":"/user/1","version":"1.2.0","headers":{"priority":3}}"#;
    let mut request = signed(&format!("http://{address}/hooks"), "msg-1", body, 0);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.headers_mut().insert("traceparent", parent.parse().unwrap());
    let answer = Http::new().send(request).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let (event, cx) = handled.lock().unwrap().pop().unwrap();
    assert_eq!(event, UserEvents::NameChanged(NameChanged { new_name: "John".to_owned() }));
    assert_eq!(
        (cx.id.as_str(), cx.subject.as_deref(), cx.version.as_deref()),
        ("msg-1", Some("/user/1"), Some("1.2.0"))
    );
    assert_eq!((cx.position.unwrap().0, cx.attempt, cx.traceparent.as_deref()), (7, 1, Some(parent)));
    assert_eq!(cx.time.to_rfc3339(), "2020-05-01T14:00:00+00:00");
    assert_eq!(cx.headers.get("priority").unwrap(), 3);
}

#[tokio::test]
async fn what_is_not_signed_by_the_sender_now_is_refused() {
    let handler = Scripted::<UserEvents>::accepting();
    let handled = handler.handled();
    let url = start(Receiver::new(Secret::generate().unwrap(), MemoryInbox::new()).on(handler)).await;
    let http = Http::new();
    let detail = http.deliver(&url, "msg-1", &name_changed("a"), 0).await.problem(401);
    assert!(detail.contains("webhook-signature"), "{detail}");

    let handler = Scripted::<UserEvents>::accepting();
    let url = start(Receiver::new(secret(), MemoryInbox::new()).on(handler)).await;
    let http = Http::new();
    for (age, word) in [(301, "ago"), (86400, "ago"), (-310, "future")] {
        let detail = http.deliver(&url, "msg-1", &name_changed("a"), age).await.problem(401);
        assert!(detail.contains(word), "{detail}");
    }
    // Signed, and changed on the way.
    let (parts, _) = signed(&url, "msg-1", &name_changed("a"), 0).into_parts();
    let changed = Request::from_parts(parts, Full::from(name_changed("b")));
    http.send(changed).await.problem(401);
    for (header, value, status) in [
        ("webhook-id", Some("msg-2"), 401),
        ("webhook-id", Some(""), 400),
        ("webhook-id", None, 400),
        ("webhook-timestamp", Some("1"), 401),
        ("webhook-timestamp", Some("now"), 400),
        ("webhook-timestamp", None, 400),
        ("webhook-signature", Some("v1,AAAA"), 401),
        ("webhook-signature", Some(""), 401),
        ("webhook-signature", None, 400),
    ] {
        let mut request = signed(&url, "msg-1", &name_changed("a"), 0);
        match value {
            Some(value) => _ = request.headers_mut().insert(header, value.parse().unwrap()),
            None => _ = request.headers_mut().remove(header),
        }
        let detail = http.send(request).await.problem(status);
        assert!(status == 401 || detail.contains(header), "{header} {value:?}: {detail}");
    }
    assert!(handled.lock().unwrap().is_empty());
}

#[tokio::test]
async fn either_secret_of_a_rotation_is_accepted() {
    let secrets = Secrets::from(Secret::generate().unwrap()).and(secret());
    let url = start(Receiver::new(secrets, MemoryInbox::new()).on(Scripted::<UserEvents>::accepting())).await;
    assert_eq!(Http::new().deliver(&url, "msg-1", &name_changed("a"), 0).await.status, 204);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_anything_else() {
    let handler = Scripted::<UserEvents>::accepting();
    let handled = handler.handled();
    let body = name_changed("a");
    let at_limit = Receiver::new(secret(), MemoryInbox::new()).on(handler).body_limit(body.len());
    let url = start(at_limit).await;
    let http = Http::new();
    assert_eq!(http.deliver(&url, "msg-1", &body, 0).await.status, 204);
    let detail = http.deliver(&url, "msg-2", &name_changed("ab"), 0).await.problem(413);
    assert!(detail.contains(&body.len().to_string()), "{detail}");
    // Without a declared length, and unsigned: still the size is what is judged first.
    use http_body_util::{BodyExt, StreamBody};
    let frames = futures_util::stream::iter(
        (0..1000)
            .map(|_| Ok::<_, std::io::Error>(hyper::body::Frame::data(axum::body::Bytes::from_static(&[b' '; 100])))),
    );
    let client: hyper_util::client::legacy::Client<_, http_body_util::combinators::BoxBody<_, std::io::Error>> =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = Request::post(&url).body(StreamBody::new(frames).boxed()).unwrap();
    assert_eq!(client.request(request).await.unwrap().status(), 413);
    assert_eq!(handled.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_signed_body_that_is_no_event_is_refused() {
    let handler = Scripted::<UserEvents>::accepting();
    let handled = handler.handled();
    let inbox = MemoryInbox::new();
    let url = start(Receiver::new(secret(), inbox.clone()).on(handler)).await;
    let http = Http::new();
    for body in ["", "hello", "[]", r#"{"type":"NameChanged"}"#, r#"{"data":{}}"#, r#"{"type":7,"data":{}}"#] {
        let detail = http.deliver(&url, "msg-1", body, 0).await.problem(400);
        assert!(detail.contains("no event"), "{detail}");
    }
    assert!(handled.lock().unwrap().is_empty());
    // Nor does it spoil the id for the event itself.
    assert_eq!(http.deliver(&url, "msg-1", &name_changed("a"), 0).await.status, 204);
    assert_eq!(handled.lock().unwrap().len(), 1);
}

async fn an_event_that_comes_twice_is_handled_once(inbox: impl Inbox + Clone + 'static) {
    let handler = Scripted::<UserEvents>::accepting();
    let handled = handler.handled();
    let url = start(Receiver::new(secret(), inbox).on(handler)).await;
    let http = Http::new();
    for _ in 0..3 {
        assert_eq!(http.deliver(&url, "msg-1", &name_changed("a"), 0).await.status, 204);
    }
    assert_eq!(http.deliver(&url, "msg-2", &name_changed("b"), 0).await.status, 204);
    assert_eq!(handled.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_event_that_comes_twice_is_handled_once_in_memory() {
    an_event_that_comes_twice_is_handled_once(MemoryInbox::new()).await;
}

#[tokio::test]
async fn an_event_that_comes_twice_is_handled_once_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    an_event_that_comes_twice_is_handled_once(SqliteInbox::open(folder.path().join("inbox.db")).await.unwrap()).await;
}

#[tokio::test]
async fn equal_ids_of_different_channels_are_different_events() {
    let (a, b) = (Scripted::<UserEvents>::accepting(), Scripted::<UserEvents>::accepting());
    let (handled_a, handled_b) = (a.handled(), b.handled());
    let receiver = Receiver::new(secret(), MemoryInbox::new()).on_channel("a", a).on_channel("b", b);
    let url = start(receiver).await;
    for channel in ["a", "b", "a"] {
        let body = format!(r#"{{"type":"NameChanged","data":{{"newName":"x"}},"channel":"{channel}"}}"#);
        assert_eq!(Http::new().deliver(&url, "msg-1", &body, 0).await.status, 204);
    }
    assert_eq!((handled_a.lock().unwrap().len(), handled_b.lock().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn a_restarted_receiver_remembers_what_was_handled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("inbox.db");
    let http = Http::new();
    let handler = Scripted::<UserEvents>::accepting();
    let first = start(Receiver::new(secret(), SqliteInbox::open(&path).await.unwrap()).on(handler)).await;
    assert_eq!(http.deliver(&first, "msg-1", &name_changed("a"), 0).await.status, 204);

    let handler = Scripted::<UserEvents>::accepting();
    let handled = handler.handled();
    let second = start(Receiver::new(secret(), SqliteInbox::open(&path).await.unwrap()).on(handler)).await;
    assert_eq!(http.deliver(&second, "msg-1", &name_changed("a"), 0).await.status, 204);
    assert_eq!(http.deliver(&second, "msg-2", &name_changed("b"), 0).await.status, 204);
    let ids: Vec<String> = handled.lock().unwrap().iter().map(|(_, cx)| cx.id.to_string()).collect();
    assert_eq!(ids, ["msg-2"]);
}

/// Tells when it begins, and goes on when it is told to.
struct Slow {
    begun: mpsc::UnboundedSender<()>,
    go_on: Arc<Notify>,
    done: mpsc::UnboundedSender<()>,
}

impl Handler for Slow {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, _: &Context) -> HandlerResult {
        self.begun.send(())?;
        self.go_on.notified().await;
        self.done.send(())?;
        Ok(())
    }
}

fn slow() -> (Slow, mpsc::UnboundedReceiver<()>, Arc<Notify>, mpsc::UnboundedReceiver<()>) {
    let ((begun, has_begun), (done, is_done)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let go_on = Arc::new(Notify::new());
    (Slow { begun, go_on: Arc::clone(&go_on), done }, has_begun, go_on, is_done)
}

async fn concurrent_duplicates_are_handled_once(inbox: impl Inbox + Clone + 'static) {
    let (handler, mut begun, go_on, _done) = slow();
    let url = start(Receiver::new(secret(), inbox).on(handler)).await;
    let http = Http::new();
    let first = {
        let (http, url) = (http.clone(), url.clone());
        tokio::spawn(async move { http.deliver(&url, "msg-1", &name_changed("a"), 0).await })
    };
    begun.recv().await.unwrap();
    for _ in 0..3 {
        let busy = http.deliver(&url, "msg-1", &name_changed("a"), 0).await;
        assert!(busy.headers.contains_key("retry-after"));
        busy.problem(503);
    }
    go_on.notify_one();
    assert_eq!(first.await.unwrap().status, 204);
    assert_eq!(http.deliver(&url, "msg-1", &name_changed("a"), 0).await.status, 204);
    assert!(begun.try_recv().is_err(), "handled a second time");
}

#[tokio::test]
async fn concurrent_duplicates_are_handled_once_in_memory() {
    concurrent_duplicates_are_handled_once(MemoryInbox::new()).await;
}

#[tokio::test]
async fn concurrent_duplicates_are_handled_once_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    concurrent_duplicates_are_handled_once(SqliteInbox::open(folder.path().join("inbox.db")).await.unwrap()).await;
}

#[tokio::test]
async fn a_handler_finishes_when_the_sender_hangs_up() {
    let (handler, mut begun, go_on, mut done) = slow();
    let url = start(Receiver::new(secret(), MemoryInbox::new()).on(handler)).await;
    let sender = {
        let url = url.clone();
        // A client of its own: its connection closes with it.
        tokio::spawn(async move { Http::new().deliver(&url, "msg-1", &name_changed("a"), 0).await })
    };
    begun.recv().await.unwrap();
    sender.abort();
    assert!(sender.await.unwrap_err().is_cancelled());
    go_on.notify_one();
    done.recv().await.unwrap();
    // The next attempt finds it handled, as soon as that has been stored.
    let http = Http::new();
    let again = async || {
        let answer = http.deliver(&url, "msg-1", &name_changed("a"), 0).await;
        (answer.status == 204).then_some(())
    };
    eventually("the event is completed", again).await;
    assert!(begun.try_recv().is_err(), "handled a second time");
}

#[tokio::test]
async fn a_handler_that_fails_is_tried_again_by_the_sender() {
    let handler = Scripted::<UserEvents>::new(|call| match call {
        0 => Err(HandlerError::retry("the database is away")),
        1 => panic!("a bug"),
        _ => Ok(()),
    });
    let handled = handler.handled();
    let inbox = MemoryInbox::new();
    let url = start(Receiver::new(secret(), inbox.clone()).on(handler)).await;
    let http = Http::new();
    for _ in 0..2 {
        let answer = http.deliver(&url, "msg-1", &name_changed("a"), 0).await;
        assert!(answer.headers.contains_key("retry-after"));
        let detail = answer.problem(503);
        assert!(!detail.contains("database"), "what went wrong inside is not the sender's business: {detail}");
    }
    assert_eq!(http.deliver(&url, "msg-1", &name_changed("a"), 0).await.status, 204);
    let attempts: Vec<u32> = handled.lock().unwrap().iter().map(|(_, cx)| cx.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert_eq!(letters(&inbox).await, []);
}

#[tokio::test]
async fn a_handler_that_hangs_is_cut_off_and_tried_again() {
    let (handler, _begun, _go_on, _done) = slow();
    let receiver = Receiver::new(secret(), MemoryInbox::new()).on(handler).timeout(Duration::from_millis(20));
    let url = start(receiver).await;
    Http::new().deliver(&url, "msg-1", &name_changed("a"), 0).await.problem(503);
}

#[tokio::test]
async fn what_is_rejected_or_does_not_decode_becomes_a_dead_letter_and_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = SqliteInbox::open(folder.path().join("inbox.db")).await.unwrap();
    let handler = Scripted::<UserEvents>::new(|_| Err(HandlerError::reject("no such user")));
    let handled = handler.handled();
    let url = start(Receiver::new(secret(), inbox.clone()).on(handler)).await;
    let http = Http::new();
    for _ in 0..2 {
        assert_eq!(http.deliver(&url, "msg-1", &name_changed("a"), 0).await.status, 204);
        let wrong = r#"{"type":"NameChanged","data":{"newName":7},"channel":"user-events"}"#;
        assert_eq!(http.deliver(&url, "msg-2", wrong, 0).await.status, 204);
    }
    assert_eq!(handled.lock().unwrap().len(), 1);
    let letters = letters(&inbox).await;
    let [rejected, undecodable] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((rejected.event.metadata.id.as_str(), rejected.attempts), ("msg-1", 1));
    assert!(rejected.error.contains("no such user"), "{}", rejected.error);
    assert_eq!((undecodable.event.data.get(), undecodable.attempts), (r#"{"newName":7}"#, 0));
    assert!(undecodable.error.contains("newName"), "{}", undecodable.error);
    assert_eq!(undecodable.source, "user-events");
}

#[tokio::test]
async fn each_event_goes_to_the_handler_of_its_channel_or_type() {
    let (users, orders) = (Scripted::<UserEvents>::accepting(), Scripted::<OrderEvents>::accepting());
    let (handled_users, handled_orders) = (users.handled(), orders.handled());
    let inbox = MemoryInbox::new();
    let url = start(Receiver::new(secret(), inbox.clone()).on(users).on(orders)).await;
    let http = Http::new();
    for (id, body) in [
        ("1", r#"{"type":"NameChanged","data":{"newName":"a"}}"#),
        ("2", r#"{"type":"OrderPlaced","data":{"number":1}}"#),
        ("3", r#"{"type":"OrderPlaced","data":{"number":2},"channel":"order-events"}"#),
        // A newer publisher's type: unknown, for the channel that it names.
        ("4", r#"{"type":"OrderLost","data":{},"channel":"order-events"}"#),
        ("5", r#"{"type":"Whatever","data":{"a":1},"channel":"elsewhere"}"#),
    ] {
        assert_eq!(http.deliver(&url, id, body, 0).await.status, 204, "{body}");
    }
    assert_eq!(handled_users.lock().unwrap().len(), 1);
    let orders: Vec<OrderEvents> = handled_orders.lock().unwrap().iter().map(|(event, _)| event.clone()).collect();
    assert!(matches!(
        orders.as_slice(),
        [OrderEvents::OrderPlaced(_), OrderEvents::OrderPlaced(_), OrderEvents::Unknown(_)]
    ));
    let letters = letters(&inbox).await;
    let [stray] = letters.as_slice() else { panic!("{letters:?}") };
    assert!(stray.error.contains("elsewhere") && stray.error.contains("Whatever"), "{}", stray.error);
}

#[tokio::test]
async fn unknown_types_are_handled_skipped_kept_or_left_to_the_sender() {
    for (policy, status, handled, kept) in [
        (OnUnknown::Handle, 204, 1, 0),
        (OnUnknown::Skip, 204, 0, 0),
        (OnUnknown::DeadLetter, 204, 0, 1),
        (OnUnknown::Stop, 503, 0, 0),
    ] {
        let handler = Scripted::<UserEvents>::accepting();
        let calls = handler.handled();
        let inbox = MemoryInbox::new();
        let url = start(Receiver::new(secret(), inbox.clone()).on(handler).on_unknown(policy)).await;
        // Twice: it is done with, or comes again.
        for _ in 0..2 {
            let answer = Http::new().deliver(&url, "1", r#"{"type":"Promoted","data":{}}"#, 0).await;
            assert_eq!(answer.status, status, "{policy:?}");
            assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{policy:?}");
        }
        assert_eq!(letters(&inbox).await.len(), kept, "{policy:?}");
        assert_eq!(calls.lock().unwrap().len(), handled, "{policy:?}");
        assert_eq!(Http::new().deliver(&url, "2", &name_changed("a"), 0).await.status, 204);
        assert_eq!(calls.lock().unwrap().len(), handled + 1, "{policy:?}: what is declared is handled");
    }
}

#[tokio::test]
async fn an_event_of_a_channel_without_handler_reaches_no_other_handler_of_its_type() {
    let users = Scripted::<UserEvents>::accepting();
    let handled = users.handled();
    let inbox = MemoryInbox::new();
    let url = start(Receiver::new(secret(), inbox.clone()).on(users).on(Scripted::<OrderEvents>::accepting())).await;
    let body = r#"{"type":"NameChanged","data":{"newName":"a"},"channel":"company-events"}"#;
    assert_eq!(Http::new().deliver(&url, "1", body, 0).await.status, 204);
    assert!(handled.lock().unwrap().is_empty());
    let letters = letters(&inbox).await;
    let [stray] = letters.as_slice() else { panic!("{letters:?}") };
    assert!(stray.error.contains("company-events"), "{}", stray.error);
    assert_eq!((stray.source.as_str(), stray.attempts), ("company-events", 0));
}

async fn dead_letters_of_equal_ids_in_different_channels_are_all_kept(inbox: impl Inbox + Clone + 'static) {
    let handler = || Scripted::<UserEvents>::new(|_| Err(HandlerError::reject("no")));
    let receiver = Receiver::new(secret(), inbox.clone()).on_channel("a", handler()).on_channel("b", handler());
    let url = start(receiver).await;
    for (channel, id) in [(r#","channel":"a""#, "1"), (r#","channel":"b""#, "1"), ("", "1"), ("", "1")] {
        let body = format!(r#"{{"type":"NameChanged","data":{{"newName":"x"}}{channel}}}"#);
        assert_eq!(Http::new().deliver(&url, id, &body, 0).await.status, 204);
    }
    let kept = letters(&inbox).await;
    let channels: Vec<Option<&str>> = kept.iter().map(|letter| letter.channel.as_deref()).collect();
    assert_eq!(channels, [Some("a"), Some("b"), None]);
    // The same event again replaces its letter, also where no channel is known.
    for letter in &kept {
        inbox.dead_letters().add(letter).await.unwrap();
    }
    assert_eq!(letters(&inbox).await, kept);
}

#[tokio::test]
async fn dead_letters_of_equal_ids_in_different_channels_are_all_kept_in_memory() {
    dead_letters_of_equal_ids_in_different_channels_are_all_kept(MemoryInbox::new()).await;
}

#[tokio::test]
async fn dead_letters_of_equal_ids_in_different_channels_are_all_kept_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let inbox = SqliteInbox::open(folder.path().join("inbox.db")).await.unwrap();
    dead_letters_of_equal_ids_in_different_channels_are_all_kept(inbox).await;
}

#[tokio::test]
async fn a_letter_is_replayed_by_the_handler_of_its_channel_and_no_other() {
    let inbox = MemoryInbox::new();
    let rejecting = || Scripted::<OrderEvents>::new(|_| Err(HandlerError::reject("no")));
    let url = start(Receiver::new(secret(), inbox.clone()).on_channel("shop/orders", rejecting())).await;
    // The second is of no type that users know, and their handler would call it unknown.
    for (id, channel, event_type) in
        [("1", "shop/orders", "OrderPlaced"), ("2", "elsewhere", "OrderLost"), ("3", "user-events", "Promoted")]
    {
        let body = format!(r#"{{"type":"{event_type}","data":{{"number":1}},"channel":"{channel}"}}"#);
        assert_eq!(Http::new().deliver(&url, id, &body, 0).await.status, 204);
    }
    let store = inbox.dead_letters();
    let kept = letters(&inbox).await;
    let (users, orders) = (Scripted::<UserEvents>::accepting(), Scripted::<OrderEvents>::accepting());
    let (by_users, by_orders) = (users.handled(), orders.handled());

    let other = |channel: &str| Replayed::OtherChannel(channel.to_owned());
    assert_eq!(replay(&store, 1, &users).await.unwrap(), other("shop/orders"));
    assert_eq!(replay(&store, 1, &orders).await.unwrap(), other("shop/orders"), "the sender's name is not its own");
    assert_eq!(replay(&store, 2, &users).await.unwrap(), other("elsewhere"));
    assert_eq!(replay(&store, 3, &users).await.unwrap(), Replayed::UnknownType("Promoted".to_owned()));
    assert_eq!(letters(&inbox).await, kept, "as they were");
    assert!(by_users.lock().unwrap().is_empty() && by_orders.lock().unwrap().is_empty());

    let shop = Replay::of(&store).on_channel("shop/orders");
    assert_eq!(shop.one(1, &orders).await.unwrap(), Replayed::Handled);
    let unknown_too = Replay::of(&store).unknown_too();
    assert_eq!(unknown_too.one(2, &users).await.unwrap(), other("elsewhere"));
    assert_eq!(unknown_too.one(3, &users).await.unwrap(), Replayed::Handled);
    assert!(matches!(by_users.lock().unwrap().as_slice(), [(UserEvents::Unknown(_), _)]));
    assert_eq!(by_orders.lock().unwrap().len(), 1);
    assert_eq!(letters(&inbox).await.len(), 1);
}

/// Counts how often a claim is renewed.
#[derive(Clone, Default)]
struct Counting(MemoryInbox, Arc<Mutex<Vec<Duration>>>);

#[async_trait::async_trait]
impl Inbox for Counting {
    async fn claim(&self, consumer: &str, id: &str, lease: Duration) -> Result<Claim, StoreError> {
        self.1.lock().unwrap().push(lease);
        self.0.claim(consumer, id, lease).await
    }

    async fn complete(&self, ticket: &Ticket) -> Result<(), StoreError> {
        self.0.complete(ticket).await
    }

    async fn release(&self, ticket: &Ticket) -> Result<(), StoreError> {
        self.0.release(ticket).await
    }

    async fn renew(&self, ticket: &Ticket, lease: Duration) -> Result<(), StoreError> {
        self.1.lock().unwrap().push(lease);
        self.0.renew(ticket, lease).await
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        self.0.dead_letters()
    }
}

struct Sleeps(Duration);

impl Handler for Sleeps {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, _: &Context) -> HandlerResult {
        tokio::time::sleep(self.0).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_short_and_renewed_while_the_handler_works() {
    let inbox = Counting::default();
    let receiver = Receiver::new(secret(), inbox.clone()).timeout(Duration::from_secs(60));
    let mut route = receiver.on(Sleeps(Duration::from_secs(32))).route::<()>();
    let request = signed("http://hooks/", "slow", &name_changed("a"), 0).map(axum::body::Body::new);
    let answer = tower_service::Service::call(&mut route, request).await.unwrap();
    assert_eq!(answer.status(), 204);
    let leases = inbox.1.lock().unwrap().clone();
    // A process that is killed holds up its event for a quarter of a minute, whatever its handlers' time.
    assert_eq!(leases, vec![Duration::from_secs(15); 7], "claimed once, renewed every five seconds");
}

#[tokio::test]
async fn a_handler_can_say_when_the_sender_is_to_try_again() {
    let handler =
        Scripted::<UserEvents>::new(|_| Err(HandlerError::retry_after(Duration::from_millis(89_500), "it is busy")));
    let url = start(Receiver::new(secret(), MemoryInbox::new()).on(handler)).await;
    let answer = Http::new().deliver(&url, "msg-1", &name_changed("a"), 0).await;
    assert_eq!(answer.headers["retry-after"], "90");
    answer.problem(503);
}

/// An inbox with a bug.
struct Panicking;

#[async_trait::async_trait]
impl Inbox for Panicking {
    async fn claim(&self, _: &str, _: &str, _: Duration) -> Result<Claim, StoreError> {
        panic!("the password is hunter2")
    }

    async fn complete(&self, _: &Ticket) -> Result<(), StoreError> {
        Ok(())
    }

    async fn release(&self, _: &Ticket) -> Result<(), StoreError> {
        Ok(())
    }

    async fn renew(&self, _: &Ticket, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        Arc::new(MemoryDeadLetters::new())
    }
}

#[tokio::test]
async fn the_message_of_a_panic_is_not_told_to_the_sender() {
    let url = start(Receiver::new(secret(), Panicking).on(Scripted::<UserEvents>::accepting())).await;
    let detail = Http::new().deliver(&url, "1", &name_changed("a"), 0).await.problem(503);
    assert_eq!(detail, "the event was not handled");
}
