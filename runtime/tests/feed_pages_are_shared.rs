//! Full pages are read from the log once, compressed once, and sent to everybody who asks; within bounds, and not longer
//! than retention keeps their events.
#![cfg(all(feature = "server", feature = "client", feature = "compression"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod counted_log;
mod webhook_support;

use std::io::Read as _;
use std::sync::atomic::Ordering;

use axum::http::{Method, Request, StatusCode};
use counted_log::{Counted, hold, large};
use event_api::Position;
use event_api::feed::Feeds;
use event_api::log::{Log, Retention};
use http_body_util::Full;
use webhook_support::{Answer, Http, USERS, events, eventually, serve};

async fn start(feeds: impl FnOnce(Feeds) -> Feeds) -> (Counted, String) {
    let log = Counted::default();
    Log::append(&log, USERS.name, events(0..100)).await.unwrap();
    let (address, _) = serve(feeds(Feeds::new(&log, [&USERS])).router()).await;
    (log, format!("http://{address}/{}", USERS.name))
}

async fn send(method: Method, url: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Http::new().send(request.body(Full::default()).unwrap()).await
}

async fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    send(Method::GET, url, headers).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn pages_are_compressed_as_the_client_likes() {
    let (log, url) = start(|feeds| feeds).await;
    for (query, cached) in [("offset=0&limit=50", "immutable"), ("offset=50&limit=90", "no-cache")] {
        let url = format!("{url}?{query}");
        let plain = get(&url, &[]).await;
        assert_eq!(header(&plain, "content-encoding"), "");
        let gzip = get(&url, &[("accept-encoding", "gzip, deflate, br")]).await;
        let mut unzipped = Vec::new();
        flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut unzipped).unwrap();
        let zstd = get(&url, &[("accept-encoding", "gzip, deflate, br, zstd")]).await;
        assert_eq!(unzipped, plain.body);
        assert_eq!(zstd::decode_all(&zstd.body[..]).unwrap(), plain.body);
        let mut tags = Vec::new();
        for (answer, encoding) in [(&plain, ""), (&gzip, "gzip"), (&zstd, "zstd")] {
            assert_eq!(header(answer, "content-encoding"), encoding);
            assert_eq!(header(answer, "content-type"), "application/feed+json");
            assert_eq!(header(answer, "content-length"), answer.body.len().to_string());
            assert!(header(answer, "vary").contains("Accept-Encoding"), "caches must tell them apart");
            assert!(header(answer, "cache-control").contains(cached));
            assert!(encoding.is_empty() || answer.body.len() < plain.body.len() / 3);
            let tag = header(answer, "etag").to_owned();
            let headers = [("if-none-match", tag.as_str()), ("accept-encoding", encoding)];
            let known = get(&url, &headers).await;
            assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0), "{encoding}");
            assert_eq!(header(&known, "etag"), tag);
            assert_eq!(header(&known, "content-encoding"), "", "there is no content");
            tags.push(tag);
            let head = send(Method::HEAD, &url, &[("accept-encoding", encoding)]).await;
            assert_eq!((header(&head, "content-encoding"), head.body.len()), (encoding, 0));
        }
        tags.dedup();
        assert_eq!(tags.len(), 3, "other bytes have another tag");
    }
    let small = get(&format!("{url}?offset=99"), &[("accept-encoding", "gzip")]).await;
    assert_eq!(header(&small, "content-encoding"), "", "a small page is not worth it");
    assert!(log.reads() > 0);
}

#[tokio::test]
async fn a_full_page_is_read_once_for_all() {
    let (log, url) = start(|feeds| feeds).await;
    let full = format!("{url}?offset=10&limit=50");
    let first = get(&full, &[]).await;
    let once = log.reads();
    for encoding in ["", "gzip", "zstd"] {
        for _ in 0..10 {
            assert_eq!(get(&full, &[("accept-encoding", encoding)]).await.status, StatusCode::OK);
        }
    }
    let same = get(&full, &[("prefer", "wait=1")]).await;
    assert_eq!((header(&same, "preference-applied"), &same.body), ("wait=1", &first.body));
    assert_eq!(log.reads(), once, "from memory");

    // What differs in anything is another page.
    for (url, headers) in [
        (format!("{url}?offset=11&limit=50"), ("x", "")),
        (format!("{url}?offset=10&limit=49"), ("x", "")),
        (format!("{url}?offset=10&limit=50&type=NameChanged"), ("x", "")),
        (full.clone(), ("accept", "application/cloudevents-batch+json")),
        (full.clone(), ("host", "other.example")),
    ] {
        let before = log.reads();
        let other = get(&url, &[headers]).await;
        assert!(
            other.status == StatusCode::OK && log.reads() > before && other.body != first.body,
            "{url} {headers:?}"
        );
    }
}

/// Asks `times` times for `url` while the log lets nobody read, and tells how often it was read in the end.
async fn at_once(log: &Counted, url: &str, times: usize, headers: &'static [(&'static str, &'static str)]) -> usize {
    let before = log.reads();
    let shut = log.gate.write().await;
    let client = Http::new();
    let asking: Vec<_> = (0..times)
        .map(|_| {
            let mut request = Request::get(url);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (client, request) = (client.clone(), request.body(Full::default()).unwrap());
            tokio::spawn(async move { client.send(request).await })
        })
        .collect();
    eventually("somebody reads", async || (log.reads() > before).then_some(())).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    drop(shut);
    for answer in asking {
        assert_eq!(answer.await.unwrap().status, StatusCode::OK);
    }
    log.reads() - before
}

#[tokio::test]
async fn a_full_page_that_many_want_at_once_is_read_once() {
    for room in [0, 32 << 20] {
        let (log, url) = start(|feeds| feeds.page_cache(room)).await;
        for (query, headers) in [
            ("offset=10&limit=50", &[][..]),
            ("offset=20&limit=50", &[("accept-encoding", "zstd")]),
            ("offset=30&limit=50", &[("prefer", "wait=60"), ("accept", "application/cloudevents-batch+json")]),
            ("limit=50", &[("accept", "application/atom+xml")]),
        ] {
            let read = at_once(&log, &format!("{url}?{query}"), 100, headers).await;
            // Without room, who asks when the others have got it reads again.
            assert!(read == 1 || (room == 0 && read < 50), "{query} was read {read} times");
        }
    }
}

#[tokio::test]
async fn readers_of_a_page_that_can_grow_do_not_wait_for_each_other() {
    let (log, url) = start(|feeds| feeds).await;
    let head = format!("{url}?offset=90");
    let read = at_once(&log, &head, 20, &[]).await;
    assert_eq!(read, 20, "each may know of events that another did not read");

    let tag = header(&get(&head, &[]).await, "etag").to_owned();
    let waiting = {
        let (head, tag) = (head.clone(), tag.clone());
        tokio::spawn(async move { get(&head, &[("if-none-match", &tag), ("prefer", "wait=60")]).await })
    };
    let asked = log.reads();
    eventually("it waits", async || (log.reads() > asked).then_some(())).await;
    let quick = get(&head, &[("if-none-match", &tag)]).await;
    assert_eq!(quick.status, StatusCode::NOT_MODIFIED, "while another waits for events");
    Log::append(&log, USERS.name, events(100..101)).await.unwrap();
    assert_eq!(waiting.await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn a_reader_that_goes_away_leaves_the_page_to_others() {
    let (log, url) = start(|feeds| feeds).await;
    let full = format!("{url}?offset=10&limit=50");
    let shut = log.gate.write().await;
    let first = tokio::spawn({
        let full = full.clone();
        async move { get(&full, &[]).await }
    });
    eventually("it reads", async || (log.reads() == 1).then_some(())).await;
    let second = tokio::spawn(async move { get(&full, &[]).await });
    first.abort();
    eventually("another reads", async || (log.reads() == 2).then_some(())).await;
    drop(shut);
    assert_eq!(second.await.unwrap().status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_that_can_grow_is_read_each_time() {
    let (log, url) = start(|feeds| feeds).await;
    for query in ["offset=90", "offset=100", "limit=101"] {
        let url = format!("{url}?{query}");
        get(&url, &[]).await;
        let before = log.reads();
        get(&url, &[]).await;
        assert!(log.reads() > before, "{query}");
    }
    let head = format!("{url}?offset=90");
    let before = get(&head, &[]).await.json()["items"].as_array().unwrap().len();
    Log::append(&log, USERS.name, events(100..101)).await.unwrap();
    assert_eq!(get(&head, &[]).await.json()["items"].as_array().unwrap().len(), before + 1);
}

#[tokio::test]
async fn a_page_goes_when_retention_has_removed_its_events() {
    let (log, url) = start(|feeds| feeds).await;
    let (gone, kept) = (format!("{url}?offset=0&limit=10"), format!("{url}?offset=20&limit=10"));
    assert_eq!(get(&gone, &[]).await.status, StatusCode::OK);
    assert_eq!(get(&kept, &[]).await.status, StatusCode::OK);
    log.trim(USERS.name, &Retention::forever().starting_at(Position(5)), 100).await.unwrap();
    let is_gone = async || (get(&gone, &[]).await.status == StatusCode::GONE).then_some(());
    eventually("the page goes", is_gone).await;
    assert_eq!(get(&kept, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_for_the_oldest_events_is_not_too_late_for_them() {
    let (log, url) = start(|feeds| feeds).await;
    for (accept, oldest) in [("application/feed+json", 5), ("text/event-stream", 7)] {
        let before = log.reads();
        let shut = log.gate.write().await;
        let request = Request::get(&url).header("accept", accept).body(Full::<axum::body::Bytes>::default()).unwrap();
        let pool = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new());
        let asking = tokio::spawn(pool.build_http().request(request));
        eventually("it has looked up where the log begins", async || (log.reads() > before).then_some(())).await;
        log.trim(USERS.name, &Retention::forever().starting_at(Position(oldest)), 100).await.unwrap();
        drop(shut);
        assert_eq!(asking.await.unwrap().unwrap().status(), StatusCode::OK, "{accept}");
    }
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    for room in [0, 64 << 10] {
        let (log, url) = start(|feeds| feeds.page_cache(room)).await;
        let mut pages = 0;
        for offset in 0..80 {
            pages += get(&format!("{url}?offset={offset}&limit=20"), &[]).await.body.len();
        }
        assert!(pages > 4 * room, "more than there is room for: {pages}");
        let before = log.reads();
        for offset in 0..80 {
            get(&format!("{url}?offset={offset}&limit=20"), &[]).await;
        }
        let read = log.reads() - before;
        assert!(read > 0 && (room > 0 || read == 80), "{read} of 80 pages were read again with room for {room}");
    }
}

#[tokio::test]
async fn a_page_that_many_hold_is_read_once_when_it_grows() {
    let (log, url) = start(|feeds| feeds).await;
    for query in ["offset=90", "offset=90&type=NameChanged"] {
        let holding = hold(&log, &format!("{url}?{query}"), 50).await;
        let (before, end) = (log.reads(), log.bounds(USERS.name).await.unwrap().next.0 as usize);
        let news = [vec![webhook_support::event_of("UserDeleted", end)], events(end + 1..end + 2)].concat();
        Log::append(&log, USERS.name, news).await.unwrap();
        for answer in holding {
            let answer = answer.await.unwrap();
            assert_eq!((answer.status, header(&answer, "cache-control")), (StatusCode::OK, "no-cache"));
            let items = answer.json()["items"].as_array().unwrap().len();
            assert!(query.contains("type") || items == end + 2 - 90, "{items}");
            assert_eq!(answer.json()["items"][items - 1]["id"], format!("event-{}", end + 1));
        }
        let read = log.reads() - before;
        assert!(read <= 4, "{query} was read {read} times, the events themselves included");
    }
}

#[tokio::test]
async fn a_page_that_does_not_grow_in_time_is_still_known() {
    let (_, url) = start(|feeds| feeds).await;
    for encoding in ["", "gzip"] {
        let tag = header(&get(&format!("{url}?offset=50"), &[("accept-encoding", encoding)]).await, "etag").to_owned();
        let headers = [("if-none-match", tag.as_str()), ("accept-encoding", encoding)];
        let same = get(&format!("{url}?offset=50&timeout=20"), &headers).await;
        assert_eq!((same.status, header(&same, "etag")), (StatusCode::NOT_MODIFIED, tag.as_str()));
    }
}

#[tokio::test]
async fn the_largest_pages_are_kept() {
    let log = Counted::default();
    Log::append(&log, USERS.name, large(12)).await.unwrap();
    let (address, _) = serve(Feeds::new(&log, [&USERS]).router()).await;
    for accept in ["application/feed+json", "application/cloudevents-batch+json", "application/atom+xml"] {
        for offset in 0..4 {
            let url = format!("http://{address}/{}?offset={offset}&limit=7", USERS.name);
            get(&url, &[("accept", accept)]).await;
            let before = log.reads();
            assert!(get(&url, &[("accept", accept)]).await.body.len() > 7 << 20);
            assert_eq!(log.reads(), before, "{accept} at {offset}");
        }
    }
}

#[tokio::test]
async fn an_event_that_many_wait_for_is_read_once() {
    let (log, url) = start(|feeds| feeds).await;
    let head = format!("{url}?offset=100");
    let client = Http::new();
    let polling: Vec<_> = (0..50)
        .map(|_| {
            let request = Request::get(&head).header("prefer", "wait=60").body(Full::default()).unwrap();
            let client = client.clone();
            tokio::spawn(async move { client.send(request).await })
        })
        .collect();
    let mut streams = Vec::new();
    for _ in 0..50 {
        let pool = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new());
        let request =
            Request::get(&head).header("accept", "text/event-stream").body(Full::<axum::body::Bytes>::default());
        let mut body = pool.build_http().request(request.unwrap()).await.unwrap().into_body();
        // The greeting.
        http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
        streams.push(body);
    }
    // Each has found that there is nothing: those who poll when they looked and again before they wait.
    let quiet = log.waits.clone();
    eventually("all wait", async || (quiet.load(Ordering::SeqCst) >= 100).then_some(())).await;
    let before = log.reads();
    Log::append(&log, USERS.name, events(100..101)).await.unwrap();
    for answer in polling {
        assert_eq!(answer.await.unwrap().json()["items"][0]["id"], "event-100");
    }
    for mut body in streams {
        let frame = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap().into_data().unwrap();
        assert!(String::from_utf8_lossy(&frame).contains("event-100"));
    }
    // Streams have looked for more by now.
    let read = log.reads() - before;
    assert!(read <= 1 + 50, "{read} times");
}
