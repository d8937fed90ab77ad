//! Versions side by side: a handler of the newest version gets the events of all, however they come.

// Clippy knows only functions marked as tests; what they call may unwrap (and print) as well.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
#![deny(warnings)]

use std::any::TypeId;
use std::sync::Mutex;

use event_api::feed::Page;
use event_api::log::{Log, MemoryLog};
use event_api::{
    Context, Envelope, Event, EventSet, Handler, HandlerResult, Headers, Json, Metadata, Position, RawEvent,
    UnknownEvent, Upcast, UpcastError,
};
use serde_json::json;

/// What is generated from `versions/v1.yaml`, `v2.yaml` and `v3.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/versions.rs"));
}
/// From the last two, for consumers alone, made to refuse event types that it does not know.
mod refusing {
    include!(concat!(env!("OUT_DIR"), "/versions_refusing.rs"));
}

use api::{UserEvents, UserEventsHandler, UserEventsPublisher as _, v1, v2, v3};

/// All that the three versions ask for. The whole list: what is the same, and what only holds others that changed, is
/// not in it.
mod upcasts {
    use super::*;

    impl Upcast<v1::NameChanged> for v2::NameChanged {
        fn upcast(old: v1::NameChanged) -> Result<Self, UpcastError> {
            let (first, last) = old.name.as_str().rsplit_once(' ').ok_or("a name of one word")?;
            Ok(v2::NameChanged { name: v2::PersonName { first: first.parse()?, last: last.parse()? } })
        }
    }

    impl Upcast<v2::NameChanged> for v3::NameChanged {
        fn upcast(old: v2::NameChanged) -> Result<Self, UpcastError> {
            Ok(v3::NameChanged { name: old.name, by: "unknown".to_owned() })
        }
    }

    impl Upcast<v1::Address> for v2::Address {
        fn upcast(old: v1::Address) -> Result<Self, UpcastError> {
            Ok(v2::Address { city: old.city, country: "NL".to_owned() })
        }
    }

    impl Upcast<v1::Merged> for v3::Merged {
        fn upcast(old: v1::Merged) -> Result<Self, UpcastError> {
            Ok(v3::Merged { survivor: old.into })
        }
    }

    impl Upcast<v2::Tracked> for v3::Tracked {
        fn upcast(old: v2::Tracked) -> Result<Self, UpcastError> {
            Ok(v3::Tracked { n: old.n.to_string() })
        }
    }

    impl Upcast<v1::TrackedHeaders> for v2::TrackedHeaders {
        fn upcast(old: v1::TrackedHeaders) -> Result<Self, UpcastError> {
            Ok(v2::TrackedHeaders { tenant: old.tenant, priority: 0 })
        }
    }

    impl Upcast<()> for v2::Ping {
        fn upcast((): ()) -> Result<Self, UpcastError> {
            Ok(v2::Ping { sequence: 0 })
        }
    }

    impl Upcast<Headers> for v2::PingHeaders {
        fn upcast(old: Headers) -> Result<Self, UpcastError> {
            Ok(v2::PingHeaders { from: old.get("from").and_then(Json::as_str).map(str::to_owned) })
        }
    }

    // The other module has types of its own.
    impl Upcast<super::refusing::v2::NameChanged> for super::refusing::NameChanged {
        fn upcast(old: super::refusing::v2::NameChanged) -> Result<Self, UpcastError> {
            Ok(super::refusing::NameChanged { name: old.name, by: "unknown".to_owned() })
        }
    }

    impl Upcast<super::refusing::v2::Tracked> for super::refusing::Tracked {
        fn upcast(old: super::refusing::v2::Tracked) -> Result<Self, UpcastError> {
            Ok(super::refusing::Tracked { n: old.n.to_string() })
        }
    }
}

fn event(version: Option<&str>, event_type: &str, data: Json) -> RawEvent {
    let metadata = Metadata { version: version.map(str::to_owned), ..Metadata::new(event_type) };
    RawEvent { metadata, data: serde_json::value::to_raw_value(&data).unwrap() }
}

fn read(version: Option<&str>, event_type: &str, data: Json) -> Result<UserEvents, String> {
    event(version, event_type, data).decode().map_err(|error| error.to_string())
}

fn renamed(first: &str, last: &str, by: &str) -> UserEvents {
    let name = v3::PersonName { first: first.parse().unwrap(), last: last.parse().unwrap() };
    UserEvents::NameChanged(v3::NameChanged { name, by: by.to_owned() })
}

fn same<A: 'static, B: 'static>() -> bool {
    TypeId::of::<A>() == TypeId::of::<B>()
}

#[test]
fn a_type_that_is_the_same_in_two_versions_is_one_type() {
    assert!(same::<v1::UserDeleted, v3::UserDeleted>());
    assert!(same::<v2::PersonName, v3::PersonName>());
    assert!(same::<v1::UserRegion, v3::UserRegion>());
    assert!(same::<v2::Moved, v3::Moved>());
    assert!(!same::<v1::Moved, v2::Moved>(), "an address in it has changed");
    assert!(!same::<v1::Household, v2::Household>(), "however deep");
    assert!(!same::<v2::NameChanged, v3::NameChanged>());
}

#[test]
fn the_newest_version_stands_beside_the_modules() {
    assert!(same::<UserEvents, v3::UserEvents>());
    assert_eq!(UserEvents::CHANNEL.version, "3.1.0");
    assert_eq!(UserEvents::EARLIER, ["1.2.0", "2.0.1"]);
    assert!(same::<<v1::UserDeleted as Event>::Set, UserEvents>(), "a shared type belongs to the newest");
    assert_eq!(v1::UserEvents::CHANNEL.version, "1.2.0");
    assert!(v1::UserEvents::EARLIER.is_empty());
}

#[test]
fn an_event_is_read_by_its_version_and_brought_to_the_newest_step_by_step() {
    let old = read(Some("1.2.0"), "NameChanged", json!({"name": "Ada Lovelace"}));
    assert_eq!(old, Ok(renamed("Ada", "Lovelace", "unknown")));
    let middle = read(Some("2.0.1"), "NameChanged", json!({"name": {"first": "Ada", "last": "Byron"}}));
    assert_eq!(middle, Ok(renamed("Ada", "Byron", "unknown")));
    let new = read(Some("3.1.0"), "NameChanged", json!({"name": {"first": "A", "last": "B"}, "by": "me"}));
    assert_eq!(new, Ok(renamed("A", "B", "me")));
}

#[test]
fn a_type_in_which_others_have_changed_is_converted_member_by_member() {
    let data = json!({
        "from": {"city": "Delft"}, "to": {"city": "Gouda"}, "stations": [{"city": "Leiden"}],
        "byYear": {"1999": {"city": "Breda"}}, "place": {"city": "Ede"}, "reason": "fraud",
        "household": {"address": {"city": "Goes"}, "members": [{"address": {"city": "Epe"}}],
                      "parent": {"address": {"city": "Urk"}}},
    });
    let expected = json!({
        "from": {"city": "Delft", "country": "NL"}, "to": {"city": "Gouda", "country": "NL"},
        "stations": [{"city": "Leiden", "country": "NL"}], "byYear": {"1999": {"city": "Breda", "country": "NL"}},
        "place": {"city": "Ede", "country": "NL"}, "reason": "fraud",
        "household": {"address": {"city": "Goes", "country": "NL"},
                      "members": [{"address": {"city": "Epe", "country": "NL"}}],
                      "parent": {"address": {"city": "Urk", "country": "NL"}}},
    });
    let moved = read(Some("1.2.0"), "Moved", data).unwrap();
    assert_eq!(serde_json::from_str::<Json>(moved.data().unwrap().get()).unwrap(), expected);
    let addresses = read(Some("1.2.0"), "Addresses", json!([{"city": "Delft"}])).unwrap();
    let address = v3::Address { city: "Delft".to_owned(), country: "NL".to_owned() };
    assert_eq!(addresses, UserEvents::Addresses(vec![address]));
}

#[test]
fn headers_are_brought_along_and_so_is_what_an_earlier_version_did_not_have() {
    let mut tracked = event(Some("1.2.0"), "Tracked", json!({"n": 7}));
    tracked.metadata.headers.insert("tenant", "t");
    let headers = v3::TrackedHeaders { tenant: "t".to_owned(), priority: 0 };
    let payload = v3::Tracked { n: "7".to_owned() };
    assert_eq!(tracked.decode::<UserEvents>().unwrap(), UserEvents::Tracked { payload, headers });

    let mut ping = event(Some("1.2.0"), "Ping", Json::Null);
    ping.metadata.headers.insert("from", "here");
    let (payload, headers) = (v3::Ping { sequence: 0 }, v3::PingHeaders { from: Some("here".to_owned()) });
    assert_eq!(ping.decode::<UserEvents>().unwrap(), UserEvents::Ping { payload, headers });
}

#[test]
fn a_message_that_was_away_for_a_version_goes_straight_to_where_it_is_again() {
    let merged = read(Some("1.2.0"), "Merged", json!({"into": "u1"}));
    assert_eq!(merged, Ok(UserEvents::Merged(v3::Merged { survivor: "u1".to_owned() })));
}

#[test]
fn a_message_that_is_gone_is_unknown_and_keeps_its_payload() {
    let Ok(UserEvents::Unknown(UnknownEvent { event_type, data, .. })) =
        read(Some("1.2.0"), "Retired", json!({"since": "2020"}))
    else {
        panic!("a message that the newest version does not have")
    };
    assert_eq!((event_type.as_str(), &data), ("Retired", &json!({"since": "2020"})));
    let retired: v1::Retired = serde_json::from_value(data).unwrap();
    assert_eq!(retired.since, "2020");
    let refused = event(Some("1.2.0"), "Retired", json!({"since": "2020"})).decode::<refusing::UserEvents>();
    assert!(refused.unwrap_err().reason.contains("unknown variant `Retired`"));
}

#[test]
fn a_version_between_those_that_are_known_is_read_by_the_one_that_speaks_for_it() {
    for version in ["1.0.0", "1.1.9", "1.2.0-rc.1", "1.9.0"] {
        let old = read(Some(version), "NameChanged", json!({"name": "Ada Lovelace"}));
        assert_eq!(old, Ok(renamed("Ada", "Lovelace", "unknown")), "{version}");
    }
    let refused = read(Some("4.0.0"), "NameChanged", json!({"name": "Ada Lovelace"})).unwrap_err();
    assert!(refused.contains("at `name`"), "the newest reads what is newer still, and refuses: {refused}");
}

#[test]
fn a_version_is_the_same_however_it_is_written() {
    for version in ["v1.2.0", "1", "1.2"] {
        let old = read(Some(version), "NameChanged", json!({"name": "Ada Lovelace"}));
        assert_eq!(old, Ok(renamed("Ada", "Lovelace", "unknown")), "{version}");
    }
}

#[test]
fn an_event_for_whose_version_no_document_speaks_is_not_read_as_something_else() {
    let tracked = |version| {
        let mut tracked = event(Some(version), "Tracked", json!({"n": "7"}));
        tracked.metadata.headers.insert("tenant", "t");
        tracked.metadata.headers.insert("priority", 1);
        tracked.decode::<UserEvents>().map_err(|error| error.reason)
    };
    assert!(tracked("3.0.0").is_ok(), "the newest accepts it");
    let older = tracked("0.9.0").unwrap_err();
    assert!(older.contains("version 0.9.0 is older than all that are listed; add its document"), "{older}");
    let none = tracked("main").unwrap_err();
    assert!(none.contains("`main` is none of the versions that are listed, and no version number"), "{none}");
    // In a page, too, where the item is read as it comes.
    let item = r#"{"id": "1", "_version": "0.9.0", "_type": "UserDeleted", "_data": {"reason": "fraud"}}"#;
    let body = format!(r#"{{"items": [{item}]}}"#);
    let page = Page::<UserEvents>::from_slice(body.as_bytes()).unwrap();
    let error = page.items.into_iter().next().unwrap().into_event().unwrap_err().to_string();
    assert!(error.contains("version 0.9.0 is older than all that are listed"), "{error}");
    // What no version could bring to the newest is passed on as it is.
    assert!(matches!(read(Some("0.9.0"), "Retired", json!(7)), Ok(UserEvents::Unknown(_))));
}

#[test]
fn only_versions_that_declare_an_event_read_it() {
    assert_eq!(UserEvents::earlier_of("Merged"), ["1.2.0"]);
    assert_eq!(UserEvents::earlier_of("Created"), ["2.0.1"]);
    assert_eq!(UserEvents::earlier_of("NameChanged"), UserEvents::EARLIER);
    // The second version does not have it, so what an event of that version holds is not known.
    for version in ["2.0.1", "2.0.0"] {
        let error = read(Some(version), "Merged", json!({"survivor": "u1"})).unwrap_err();
        assert!(error.contains("none of the versions that declare it (1.2.0, 3.1.0) is compatible"), "{error}");
    }
    let error = read(Some("1.2.0"), "Created", json!({"name": {"first": "A", "last": "B"}})).unwrap_err();
    assert!(error.contains("version 1.2.0 is older than all that are listed and declare it"), "{error}");
}

#[test]
fn a_default_is_the_value_that_the_document_says_whatever_it_is_called() {
    assert!(!same::<v1::Marked, v2::Marked>() && same::<v2::Marked, v3::Marked>());
    let marked = read(Some("1.2.0"), "Marked", json!({"x": 1})).unwrap();
    assert_eq!(serde_json::from_str::<Json>(marked.data().unwrap().get()).unwrap(), json!({"x": 1, "mark": "a-b"}));
    let old: v1::Marked = serde_json::from_value(json!({})).unwrap();
    assert_eq!(serde_json::to_value(&old).unwrap(), json!({"mark": "a-b"}));
}

#[test]
fn a_type_that_outlives_its_message_is_spoken_of_by_the_last_version_that_has_the_message() {
    assert!(same::<v2::PersonName, v3::PersonName>());
    assert_eq!(<v2::PersonName as Event>::TYPE, "Named");
    assert!(same::<<v2::PersonName as Event>::Set, v2::UserEvents>());
    let name = v2::PersonName { first: "Ada".parse().unwrap(), last: "Byron".parse().unwrap() };
    assert_eq!(name.correlation_id().as_str(), "Ada");
}

#[test]
fn an_event_without_a_version_is_read_by_the_newest_that_accepts_it() {
    let new = read(None, "NameChanged", json!({"name": {"first": "A", "last": "B"}, "by": "me"}));
    assert_eq!(new, Ok(renamed("A", "B", "me")));
    let middle = read(None, "NameChanged", json!({"name": {"first": "A", "last": "B"}}));
    assert_eq!(middle, Ok(renamed("A", "B", "unknown")));
    let old = read(Some(""), "NameChanged", json!({"name": "Ada Lovelace"}));
    assert_eq!(old, Ok(renamed("Ada", "Lovelace", "unknown")));
    let none = read(None, "NameChanged", json!({"name": 7})).unwrap_err();
    assert!(none.contains("at `name`"), "the error is that of the newest: {none}");
}

#[test]
fn what_its_own_version_refuses_is_not_read_by_another() {
    let error = read(Some("1.2.0"), "NameChanged", json!({"name": {"first": "A", "last": "B"}, "by": "me"}));
    assert!(error.unwrap_err().contains("at `name`"));
}

#[test]
fn a_value_without_a_counterpart_is_an_error_that_says_so() {
    let error = read(Some("1.2.0"), "NameChanged", json!({"name": "Ada"})).unwrap_err();
    let expected = "of version 1.2.0, it has no counterpart in version 3.1.0: a name of one word";
    assert!(error.contains(expected), "{error}");
    let error = read(Some("1.2.0"), "NameChanged", json!({"name": " Ada"})).unwrap_err();
    assert!(error.contains("no counterpart"), "the document's own checks: {error}");
}

#[test]
fn sets_of_some_of_the_messages_read_all_versions_too() {
    let old = event(Some("1.2.0"), "NameChanged", json!({"name": "Ada Lovelace"}));
    let UserEvents::NameChanged(expected) = renamed("Ada", "Lovelace", "unknown") else { unreachable!() };
    assert_eq!(old.decode::<v3::SendSomeEvents>().unwrap(), v3::SendSomeEvents::NameChanged(expected));
}

/// Writes down what it gets.
#[derive(Default)]
struct Names(Mutex<Vec<String>>);

impl Names {
    fn say(&self, what: String, cx: &Context) {
        let version = cx.version.as_deref().unwrap_or_default();
        self.0.lock().unwrap().push(format!("{version}: {what}"));
    }
}

impl UserEventsHandler for &'static Names {
    async fn name_changed(&self, event: v3::NameChanged, cx: &Context) -> HandlerResult {
        self.say(format!("{} by {}", event.name.last, event.by), cx);
        Ok(())
    }
    async fn user_deleted(&self, event: v3::UserDeleted, cx: &Context) -> HandlerResult {
        self.say(event.reason.to_string(), cx);
        Ok(())
    }
    async fn moved(&self, _: v3::Moved, _: &Context) -> HandlerResult {
        Ok(())
    }
    async fn merged(&self, _: v3::Merged, _: &Context) -> HandlerResult {
        Ok(())
    }
    async fn tracked(&self, _: v3::Tracked, _: v3::TrackedHeaders, _: &Context) -> HandlerResult {
        Ok(())
    }
    async fn ping(&self, _: v3::Ping, _: v3::PingHeaders, _: &Context) -> HandlerResult {
        Ok(())
    }
    async fn marked(&self, _: v3::Marked, _: &Context) -> HandlerResult {
        Ok(())
    }
    async fn addresses(&self, _: Vec<v3::Address>, _: &Context) -> HandlerResult {
        Ok(())
    }
    async fn created(&self, _: v3::Created, _: &Context) -> HandlerResult {
        Ok(())
    }
}

/// One event of each version, as services of that time published them.
async fn history(log: &MemoryLog) {
    let region = v3::UserRegion::North;
    let first = v1::UserEvents::publisher(log, &v1::UserEventsAddress { region });
    first.publish(v1::NameChanged { name: "Ada Lovelace".parse().unwrap() }).await.unwrap();
    first.publish(v1::UserDeleted::new(v1::Reason::Fraud)).await.unwrap();
    let name = v2::PersonName { first: "Ada".parse().unwrap(), last: "Byron".parse().unwrap() };
    let second = v2::UserEvents::publisher(log, &v2::UserEventsAddress { region });
    second.publish(v2::NameChanged { name: name.clone() }).await.unwrap();
    let newest = UserEvents::publisher(log, &v3::UserEventsAddress { region });
    newest.name_changed(v3::NameChanged { name, by: "Ada".to_owned() }).await.unwrap();
}

#[tokio::test]
async fn a_handler_of_the_newest_version_gets_the_events_of_all_and_knows_which_they_were() {
    let log = MemoryLog::default();
    history(&log).await;
    let names: &Names = Box::leak(Box::default());
    let handler = UserEvents::handler(names);
    for stored in log.read(UserEvents::CHANNEL.name, Position(0), 10).await.unwrap() {
        let event = stored.event.decode().unwrap();
        handler.handle(event, &Context::new(stored.event.metadata, Some(stored.position))).await.unwrap();
    }
    let expected = ["1.2.0: Lovelace by unknown", "1.2.0: fraud", "2.0.1: Byron by unknown", "3.1.0: Byron by Ada"];
    assert_eq!(*names.0.lock().unwrap(), expected);
}

#[test]
fn a_feed_page_reads_each_item_by_its_version_wherever_it_stands_in_the_item() {
    let old = r#"{"id": "1", "_type": "NameChanged", "_data": {"name": "Ada Lovelace"}, "_version": "1.2.0"}"#;
    let before =
        r#"{"id": "2", "_version": "2.0.1", "_type": "NameChanged", "_data": {"name": {"first": "A", "last": "B"}}}"#;
    let strict = r#"{"id": "3", "_event": {"type": "NameChanged", "data": {"name": "C D"}, "version": "1.0.0"}}"#;
    let unstated = r#"{"id": "4", "_type": "NameChanged", "_data": {"name": "E F"}}"#;
    let bad = r#"{"id": "5", "_type": "NameChanged", "_data": {"name": "Ada"}, "_version": "1.2.0"}"#;
    let read = |items: &[&str]| -> Vec<Result<Envelope<UserEvents>, String>> {
        let body = format!(r#"{{"items": [{}]}}"#, items.join(","));
        let page = Page::<UserEvents>::from_slice(body.as_bytes()).unwrap();
        page.items.into_iter().map(|item| item.into_event().map_err(|error| error.to_string())).collect()
    };
    // In one pass, and, beside one that is bad, item by item.
    for items in [vec![old, before, strict, unstated], vec![old, before, strict, unstated, bad]] {
        let mut events = read(&items);
        if items.len() == 5 {
            assert!(events.pop().unwrap().unwrap_err().contains("a name of one word"));
        }
        let events: Vec<UserEvents> = events.into_iter().map(|event| event.unwrap().event).collect();
        let expected = [("Ada", "Lovelace"), ("A", "B"), ("C", "D"), ("E", "F")];
        assert_eq!(events, expected.map(|(first, last)| renamed(first, last, "unknown")));
    }
}
