//! Events of every shape: published into a log, read back, decoded, handled.

// Clippy knows only functions marked as tests; what they call may unwrap (and print) as well.
#![allow(clippy::unwrap_used)]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![deny(warnings)]

use std::future::Future;
use std::sync::{Arc, Mutex};

use event_api::log::{Log, MemoryLog, SqliteLog};
use event_api::{
    Context, Envelope, Event, EventSet, Handler, HandlerError, HandlerResult, Headers, Json, Metadata, Position,
    PublishError, RawEvent, Receipt, Request, Transport, UnknownEvent,
};
use serde_json::json;

/// What is generated from `documents/events.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/events.rs"));
}
/// The same, made to refuse event types that it does not know.
mod refusing {
    include!(concat!(env!("OUT_DIR"), "/refusing.rs"));
}
/// The same, for publishers alone.
mod publishing {
    include!(concat!(env!("OUT_DIR"), "/publishing.rs"));
}
/// The same, for consumers alone.
mod consuming {
    include!(concat!(env!("OUT_DIR"), "/consuming.rs"));
}

use api::*;

fn placed() -> OrderPlaced {
    serde_json::from_value(json!({"orderId": "o1", "amount": 9.5, "placedAt": "2020-05-01T14:00:00-07:00"})).unwrap()
}

fn cancelled() -> OrderCancelled {
    OrderCancelled { order_id: "o1".to_owned(), reason: None }
}

/// One of each, as the channel's enum.
fn every_order_event() -> Vec<OrdersEvents> {
    vec![
        OrdersEvents::OrderPlaced(placed()),
        OrdersEvents::OrderCancelled(cancelled()),
        OrdersEvents::Heartbeat,
        OrdersEvents::Count(-7),
        OrdersEvents::Batch(vec!["a".to_owned(), "b".to_owned()]),
        OrdersEvents::Tracked {
            headers: TrackedHeaders { tenant: "t".to_owned(), correlation: Some("c".to_owned()) },
            payload: Tracked { n: 1 },
        },
        OrdersEvents::Signal { headers: SignalHeaders { level: 3 } },
    ]
}

fn raw(event_type: &str, headers: Json, data: Json) -> RawEvent {
    let metadata = Metadata { headers: serde_json::from_value(headers).unwrap(), ..Metadata::new(event_type) };
    RawEvent { metadata, data: serde_json::value::to_raw_value(&data).unwrap() }
}

async fn read_all(log: &impl Log, channel: &str) -> Vec<RawEvent> {
    let stored = log.read(channel, Position(0), 1000).await.unwrap();
    stored.into_iter().map(|stored| stored.event).collect()
}

#[tokio::test]
async fn what_is_published_reads_back_as_the_same_event() {
    let log = MemoryLog::default();
    let orders = OrdersEvents::publisher(&log);
    for event in every_order_event() {
        orders.publish(event).await.unwrap();
    }
    let raw = read_all(&log, "orders").await;
    let types: Vec<&str> = raw.iter().map(|event| event.metadata.event_type.as_str()).collect();
    assert_eq!(types, ["OrderPlaced", "order-cancelled", "Heartbeat", "Count", "Batch", "Tracked", "Signal"]);
    assert_eq!(types, OrdersEvents::CHANNEL.event_types);
    let events: Vec<OrdersEvents> = raw.iter().map(|event| event.decode().unwrap()).collect();
    assert_eq!(events, every_order_event());
    assert_eq!(raw[0].metadata.version.as_deref(), Some("1.2.0"));
    assert_eq!(raw[0].data.get(), r#"{"orderId":"o1","amount":9.5,"placedAt":"2020-05-01T14:00:00-07:00"}"#);
    assert_eq!(raw[2].data.get(), "null", "a message without a payload carries null");
    assert_eq!(raw[3].data.get(), "-7");
    assert_eq!(raw[5].metadata.headers.get("tenant"), Some(&json!("t")));
}

#[tokio::test]
async fn every_message_has_a_method_of_its_own() {
    let log = MemoryLog::default();
    let orders = OrdersEvents::publisher(&log);
    orders.order_placed(placed()).await.unwrap();
    orders.order_cancelled(cancelled()).await.unwrap();
    orders.heartbeat().await.unwrap();
    orders.count(-7).await.unwrap();
    orders.batch(vec!["a".to_owned(), "b".to_owned()]).await.unwrap();
    let headers = TrackedHeaders { tenant: "t".to_owned(), correlation: Some("c".to_owned()) };
    orders.tracked(Tracked { n: 1 }, headers).await.unwrap();
    let receipt = orders.signal(SignalHeaders { level: 3 }).await.unwrap();
    assert_eq!(receipt.position, Some(Position(6)));
    let events: Vec<OrdersEvents> =
        read_all(&log, "orders").await.iter().map(|event| event.decode().unwrap()).collect();
    assert_eq!(events, every_order_event());
}

#[test]
fn channels_say_what_wiring_needs() {
    let channel = OrdersEvents::CHANNEL;
    assert_eq!((channel.name, channel.title, channel.address), ("orders", "Shop: Orders", Some("orders")));
    assert_eq!(channel.transports, [Transport::Feed, Transport::Webhook]);
    assert_eq!(NothingEvents::CHANNEL.event_types, [""; 0]);
    assert_eq!(SingleEvents::CHANNEL.event_types, ["Only"]);
}

#[test]
fn a_message_of_two_channels_is_one_type_and_an_event_of_each() {
    let orders = OrdersEvents::from(placed());
    let audit = AuditEvents::from(placed());
    assert_eq!(orders.event_type(), audit.event_type());
    // A type that stands for one message alone knows which.
    assert_eq!(<Only as Event>::TYPE, "Only");
    let _: SingleEvents = Only::default().into();
}

#[test]
fn a_channel_without_messages_keeps_what_comes() {
    let event: NothingEvents = raw("Anything", json!({}), json!([1])).decode().unwrap();
    let NothingEvents::Unknown(unknown) = event;
    assert_eq!((unknown.event_type.as_str(), unknown.data), ("Anything", json!([1])));
}

#[test]
fn required_headers_must_be_there() {
    let event = raw("Tracked", json!({"tenant": "t"}), json!({"n": 1})).decode::<OrdersEvents>().unwrap();
    assert!(matches!(event, OrdersEvents::Tracked { headers, .. } if headers.tenant == "t"));
    let missing = raw("Tracked", json!({}), json!({"n": 1})).decode::<OrdersEvents>().unwrap_err();
    assert!(missing.to_string().contains("headers") && missing.to_string().contains("tenant"), "{missing}");
    let wrong = raw("Signal", json!({"level": "high"}), json!(null)).decode::<OrdersEvents>().unwrap_err();
    assert!(wrong.to_string().contains("headers"), "{wrong}");
    // What is not declared does not disturb, in headers as in payloads.
    assert!(raw("Heartbeat", json!({"x": 1}), json!({"y": 2})).decode::<OrdersEvents>().is_ok());
}

#[test]
fn what_does_not_decode_says_where_and_why() {
    let error = raw("OrderPlaced", json!({}), json!({"orderId": "o", "amount": -1})).decode::<OrdersEvents>();
    let error = error.unwrap_err();
    assert_eq!((error.event_type.as_str(), error.path.as_str()), ("OrderPlaced", "amount"));
    assert!(error.reason.contains("-1"), "{error}");
    let error = raw("OrderPlaced", json!({}), json!({"orderId": "o"})).decode::<OrdersEvents>().unwrap_err();
    assert!(error.to_string().contains("amount"), "{error}");
    let error = raw("Batch", json!({}), json!(["a", 2])).decode::<OrdersEvents>().unwrap_err();
    assert_eq!(error.path, "[1]");
}

#[test]
fn unknown_events_are_kept_or_refused() {
    let raw = raw("OrderShipped", json!({"h": 1}), json!({"orderId": "o"}));
    let kept: OrdersEvents = raw.decode().unwrap();
    let OrdersEvents::Unknown(unknown) = &kept else { panic!("{kept:?}") };
    assert_eq!((unknown.event_type.as_str(), &unknown.data), ("OrderShipped", &json!({"orderId": "o"})));
    assert_eq!(kept.event_type(), "OrderShipped");
    assert_eq!(kept.headers().unwrap().get("h"), Some(&json!(1)));
    assert_eq!(kept.data().unwrap().get(), r#"{"orderId":"o"}"#);

    let refused = raw.decode::<refusing::OrdersEvents>().unwrap_err().to_string();
    assert!(refused.contains("OrderShipped") && refused.contains("order-cancelled"), "{refused}");
}

#[test]
fn correlation_ids_are_read_through_accessors() {
    let ask = Ask { q: "why".to_owned(), meta: AskMeta { id: "1".to_owned() } };
    let id: &str = ask.correlation_id();
    assert_eq!(id, "1");
    let poke: Poke = serde_json::from_value(json!({"meta": {"id": 7}})).unwrap();
    let id: Option<&i64> = poke.correlation_id();
    assert_eq!(id, Some(&7));
    assert_eq!(Poke::default().correlation_id(), None);
    let headers = TrackedHeaders { tenant: "t".to_owned(), correlation: Some("c".to_owned()) };
    let id: Option<&str> = headers.correlation_id();
    assert_eq!(id, Some("c"));
}

#[test]
fn requests_know_their_replies() {
    fn replies<R: Request>() -> &'static [&'static str] {
        <R::Replies as EventSet>::CHANNEL.event_types
    }
    assert_eq!(replies::<Ask>(), ["Answer", "Refusal"]);
    assert_eq!(replies::<Poke>(), ["Refusal"]);
    assert_eq!(replies::<Beg>(), ["Answer", "Refusal"], "with headers as well");
}

#[test]
fn an_operation_on_some_messages_has_a_set_of_its_own() {
    assert_eq!(PlaceOrdersEvents::CHANNEL.event_types, ["OrderPlaced", "order-cancelled"]);
    assert_eq!(PlaceOrdersEvents::CHANNEL.name, "orders");
    let event: PlaceOrdersEvents = placed().into();
    assert_eq!(event.event_type(), "OrderPlaced");
}

#[tokio::test]
async fn addresses_with_parameters_are_typed() {
    let address = RoomsEventsAddress { building: RoomsBuilding::North, room_id: "7".to_owned() };
    assert_eq!(address.to_string(), "rooms/north/7/events");
    assert_eq!("rooms/north/7/events".parse::<RoomsEventsAddress>().unwrap(), address);
    for wrong in ["rooms/north/7", "rooms/west/7/events", "rooms//7/events", "xrooms/north/7/events", ""] {
        assert!(wrong.parse::<RoomsEventsAddress>().is_err(), "{wrong}");
    }
    let log = MemoryLog::default();
    RoomsEvents::publisher(&log, &address).entered(Entered { who: "me".to_owned() }).await.unwrap();
    assert_eq!(read_all(&log, "rooms").await[0].metadata.address.as_deref(), Some("rooms/north/7/events"));
}

/// Keeps what was published: a double implements `publish` and nothing else.
#[derive(Default)]
struct Double(Mutex<Vec<OrdersEvents>>);

impl OrdersEventsPublisher for Double {
    async fn publish(&self, event: OrdersEvents) -> Result<Receipt, PublishError> {
        self.0.lock().unwrap().push(event);
        Ok(Receipt::new("1".into(), None))
    }
}

/// Business code that is tested with the double: it knows the trait alone.
async fn place(orders: &impl OrdersEventsPublisher) -> Result<(), PublishError> {
    orders.order_placed(placed()).await?;
    orders.heartbeat().await?;
    Ok(())
}

#[tokio::test]
async fn a_test_double_implements_publish_alone() {
    let double = Double::default();
    place(&double).await.unwrap();
    assert_eq!(*double.0.lock().unwrap(), [OrdersEvents::OrderPlaced(placed()), OrdersEvents::Heartbeat]);
    let log = MemoryLog::default();
    place(&OrdersEvents::publisher(&log)).await.unwrap();
    assert_eq!(read_all(&log, "orders").await.len(), 2);
}

#[tokio::test]
async fn publishers_work_in_tasks_and_behind_references() {
    fn is_send<T: Send>(task: T) -> T {
        task
    }
    let log = MemoryLog::default();
    let orders = Arc::new(OrdersEvents::publisher(&log));
    let tasks: Vec<_> = (0..4)
        .map(|number| {
            let orders = Arc::clone(&orders);
            tokio::spawn(is_send(async move { orders.count(number).await.map(drop) }))
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(read_all(&log, "orders").await.len(), 4);
}

#[tokio::test]
async fn an_event_exists_if_and_only_if_the_transaction_commits() {
    let directory = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(directory.path().join("events.db")).await.unwrap();
    let orders = OrdersEvents::publisher(&log);

    let mut transaction = log.begin().await.unwrap();
    orders.within(&mut transaction).order_placed(placed()).await.unwrap();
    place(&orders.within(&mut transaction)).await.unwrap();
    transaction.rollback().await.unwrap();
    assert!(read_all(&log, "orders").await.is_empty(), "a rollback leaves nothing");

    let mut transaction = log.begin().await.unwrap();
    orders.subject("o1").within(&mut transaction).order_cancelled(cancelled()).await.unwrap();
    transaction.commit().await.unwrap();
    let events = read_all(&log, "orders").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].metadata.subject.as_deref(), Some("o1"));
    assert_eq!(events[0].decode::<OrdersEvents>().unwrap(), OrdersEvents::OrderCancelled(cancelled()));
}

/// Notes which method was called with what.
#[derive(Default, Clone)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, text: impl Into<String>, cx: &Context) -> HandlerResult {
        self.0.lock().unwrap().push(format!("{} {}", text.into(), cx.event_type));
        Ok(())
    }
}

impl OrdersEventsHandler for Notes {
    async fn order_placed(&self, event: OrderPlaced, cx: &Context) -> HandlerResult {
        self.note(event.order_id, cx)
    }

    async fn order_cancelled(&self, event: OrderCancelled, _: &Context) -> HandlerResult {
        Err(HandlerError::reject(format!("{} cannot be cancelled", event.order_id)))
    }

    async fn heartbeat(&self, cx: &Context) -> HandlerResult {
        self.note("beat", cx)
    }

    async fn count(&self, event: i32, cx: &Context) -> HandlerResult {
        self.note(event.to_string(), cx)
    }

    async fn batch(&self, event: Vec<String>, cx: &Context) -> HandlerResult {
        self.note(event.concat(), cx)
    }

    async fn tracked(&self, event: Tracked, headers: TrackedHeaders, cx: &Context) -> HandlerResult {
        self.note(format!("{}{}", event.n, headers.tenant), cx)
    }

    fn signal(&self, headers: SignalHeaders, cx: &Context) -> impl Future<Output = HandlerResult> + Send {
        std::future::ready(self.note(headers.level.to_string(), cx))
    }
}

#[tokio::test]
async fn the_adapter_gives_every_event_to_its_method() {
    let notes = Notes::default();
    let handler = OrdersEvents::handler(notes.clone());
    let mut failures = Vec::new();
    let unknown = UnknownEvent { event_type: "Other".to_owned(), headers: Headers::default(), data: json!(null) };
    let unknown = OrdersEvents::Unknown(unknown);
    for event in every_order_event().into_iter().chain([unknown]) {
        let cx = Context::new(Metadata::new(event.event_type()), None);
        if let Err(error) = handler.handle(event, &cx).await {
            failures.push(error.to_string());
        }
    }
    let notes = notes.0.lock().unwrap().join(", ");
    assert_eq!(notes, "o1 OrderPlaced, beat Heartbeat, -7 Count, ab Batch, 1t Tracked, 3 Signal");
    assert_eq!(failures, ["o1 cannot be cancelled"], "an unknown event is skipped");
}

#[tokio::test]
async fn each_side_can_be_generated_alone() {
    struct Quiet;
    impl consuming::SingleEventsHandler for Quiet {
        async fn only(&self, _: consuming::Only, _: &Context) -> HandlerResult {
            Ok(())
        }
    }
    let log = MemoryLog::default();
    {
        use publishing::SingleEventsPublisher as _;
        publishing::SingleEvents::publisher(&log).only(publishing::Only { a: Some(1) }).await.unwrap();
    }
    let raw = read_all(&log, "single").await.remove(0);
    let event: consuming::SingleEvents = raw.decode().unwrap();
    let envelope = Envelope { metadata: raw.metadata.clone(), event };
    let cx = Context::new(raw.metadata, None);
    consuming::SingleEvents::handler(Quiet).handle(envelope.event, &cx).await.unwrap();
}
