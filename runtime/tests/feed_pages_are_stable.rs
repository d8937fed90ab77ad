//! Whatever is appended, asked for and removed: a page that may be kept for ever never changes, and a reader that
//! follows `next_url` meets each event that it asked for once, in order.
#![cfg(all(feature = "server", feature = "client"))]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use event_api::feed;
use event_api::log::conformance::event;
use event_api::log::{Log, MemoryLog};
use event_api::{Channel, Position, RawEvent, Transport};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;
use tower_service::Service;

static USERS: Channel = Channel {
    name: "user-events",
    title: "User events",
    address: None,
    event_types: &["A", "B", "C"],
    version: "1.2.0",
    transports: &[Transport::Feed],
};

/// What happens between two requests of a reader.
#[derive(Clone, Debug)]
enum Step {
    /// These types are appended.
    Append(Vec<&'static str>),
    /// The reader takes its next page.
    Read,
    /// Somebody asks for a page.
    Ask { offset: Option<u64>, limit: Option<usize>, types: &'static str },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let types = prop::sample::select(vec!["A", "B", "C"]);
    let filter = prop::sample::select(vec!["", "A", "B,C", "A,B,C", "D"]);
    let step = prop_oneof![
        prop::collection::vec(types, 1..8).prop_map(Step::Append),
        Just(Step::Read),
        (prop::option::of(0_u64..40), prop::option::of(1_usize..9), filter)
            .prop_map(|(offset, limit, types)| Step::Ask { offset, limit, types }),
    ];
    prop::collection::vec(step, 1..40)
}

async fn get(app: &mut Router, url: &str) -> (StatusCode, bool, String) {
    let request = Request::get(url).header(header::HOST, "feeds.test").body(Body::empty()).unwrap();
    let response = app.call(request).await.unwrap();
    let cached = response.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable");
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, cached, String::from_utf8(body.to_vec()).unwrap())
}

fn positions(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|item| item["_position"].as_u64().unwrap()).collect()
}

async fn check(steps: Vec<Step>, filter: &str, limit: usize) {
    let log = MemoryLog::new();
    let mut app = feed::router(&log, [&USERS]);
    let mut kept: HashMap<String, String> = HashMap::new();
    let mut appended: Vec<&str> = Vec::new();
    let mut url = format!("/user-events?limit={limit}&type={filter}");
    let mut seen = Vec::new();
    // The reader gets to the end after all that happens.
    let last = std::iter::repeat_n(Step::Read, 300);
    for step in steps.into_iter().chain(last) {
        match step {
            Step::Append(types) => {
                let events = types.iter().enumerate().map(|(number, event_type)| {
                    let mut event = event(number);
                    event.metadata.event_type = (*event_type).to_owned();
                    event
                });
                log.append(USERS.name, events.collect()).await.unwrap();
                appended.extend(types);
            }
            Step::Read => {
                let (status, cached, text) = get(&mut app, &url).await;
                assert_eq!(status, StatusCode::OK, "{text}");
                let page: Value = serde_json::from_str(&text).unwrap();
                seen.extend(positions(&page));
                if cached {
                    kept.insert(url.clone(), text);
                }
                match page["next_url"].as_str() {
                    Some(next) => url = next.to_owned(),
                    None => assert!(positions(&page).is_empty()),
                }
            }
            Step::Ask { offset, limit, types } => {
                let mut url = format!("/user-events?type={types}");
                url.extend(offset.map(|offset| format!("&offset={offset}")));
                url.extend(limit.map(|limit| format!("&limit={limit}")));
                let (status, cached, text) = get(&mut app, &url).await;
                if offset.is_some_and(|offset| offset > appended.len() as u64) {
                    assert_eq!(status, StatusCode::BAD_REQUEST);
                } else {
                    assert_eq!(status, StatusCode::OK, "{text}");
                }
                if cached {
                    kept.insert(url, text);
                }
            }
        }
    }
    let wanted = |event_type: &str| filter.is_empty() || filter.split(',').any(|name| name == event_type);
    let expected: Vec<u64> = (0..).zip(&appended).filter(|(_, name)| wanted(name)).map(|(at, _)| at).collect();
    assert_eq!(seen, expected);
    assert_eq!(log.bounds(USERS.name).await.unwrap().next, Position(appended.len() as u64));
    for (url, text) in kept {
        assert_eq!(get(&mut app, &url).await.2, text, "{url} has changed");
    }
}

/// Events of which each takes more than a third of what a page may hold: by their payload, or by their headers.
fn large(number: usize) -> RawEvent {
    let mut large = event(number);
    let text = "x".repeat(3 << 20);
    match number % 2 {
        0 => large.data = RawValue::from_string(format!("\"{text}\"")).unwrap(),
        _ => large.metadata.headers.insert("h", text),
    }
    large
}

#[tokio::test]
async fn a_page_ends_before_an_event_with_which_it_would_be_too_large() {
    const MIB: usize = 1 << 20;
    let log = MemoryLog::new();
    let mut app = feed::router(&log, [&USERS]);
    log.append(USERS.name, vec![large(0), large(1)]).await.unwrap();
    let (_, cached, growing) = get(&mut app, "/user-events?offset=0").await;
    assert!(!cached, "a small event would have room");

    let mut huge = event(3);
    huge.data = RawValue::from_string(format!("\"{}\"", "x".repeat(9 * MIB))).unwrap();
    log.append(USERS.name, vec![large(2), huge, event(4), large(5)]).await.unwrap();
    let (mut url, mut sizes) = ("/user-events?offset=0".to_owned(), Vec::new());
    for _ in 0..4 {
        let (_, cached, text) = get(&mut app, &url).await;
        let page: Value = serde_json::from_str(&text).unwrap();
        sizes.push(positions(&page));
        assert_eq!(cached, sizes.len() < 4, "{sizes:?}");
        assert!(text.len() < 8 * MIB || positions(&page).len() == 1, "{} bytes at {url}", text.len());
        if sizes.len() == 1 {
            assert!(text == growing, "what was read before is what may be kept now");
        }
        url = page["next_url"].as_str().unwrap().to_owned();
    }
    assert_eq!(sizes, [vec![0, 1], vec![2], vec![3], vec![4, 5]]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kept_pages_never_change_and_walks_are_complete(
        steps in steps(),
        filter in prop::sample::select(vec!["", "A", "B,C"]),
        limit in 1_usize..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(steps, filter, limit));
    }
}
