use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::event::Channel;

/// Two events with payloads; `Counted` also reads a header.
#[derive(Clone, Debug, PartialEq)]
enum Sample {
    Named(Named),
    Counted { count: u64, header: Option<String> },
    Bare,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, Deserialize)]
struct Named {
    name: String,
    tags: Vec<String>,
}

static SAMPLES: Channel = Channel {
    name: "samples",
    title: "Samples",
    address: None,
    event_types: &["Named", "Counted", "Bare"],
    version: "1.0.0",
    transports: &[],
};

impl EventSet for Sample {
    const CHANNEL: &'static Channel = &SAMPLES;

    fn event_type(&self) -> &str {
        match self {
            Sample::Named(_) => "Named",
            Sample::Counted { .. } => "Counted",
            Sample::Bare => "Bare",
        }
    }

    fn data(&self) -> Result<Box<RawValue>, serde_json::Error> {
        match self {
            Sample::Named(named) => serde_json::value::to_raw_value(named),
            Sample::Counted { count, .. } => serde_json::value::to_raw_value(count),
            Sample::Bare => serde_json::value::to_raw_value(&()),
        }
    }

    fn decode<'de, D: serde::Deserializer<'de>>(
        event_type: &str,
        headers: &Headers,
        data: D,
    ) -> Result<Self, D::Error> {
        match event_type {
            "Named" => Named::deserialize(data).map(Sample::Named),
            "Counted" => {
                let header = headers.get("unit").and_then(|unit| unit.as_str()).map(str::to_owned);
                u64::deserialize(data).map(|count| Sample::Counted { count, header })
            }
            "Bare" => <()>::deserialize(data).map(|()| Sample::Bare),
            other => Err(serde::de::Error::custom(format!("unknown event type {other:?}"))),
        }
    }
}

fn page(items: &str) -> String {
    format!(r#"{{"version": "https://jsonfeed.org/version/1.1", "title": "Samples", "items": [{items}]}}"#)
}

const NAMED: &str = r#"{"id": "n", "_type": "Named", "_data": {"name": "a", "tags": []}, "_position": 4}"#;

fn decode(text: &str) -> Page<'_, Sample> {
    Page::from_slice(text.as_bytes()).expect("a page")
}

#[test]
fn texts_without_escapes_are_borrowed() {
    let text = page(NAMED);
    let page = decode(&text);
    assert!(matches!(page.items[0].id, Cow::Borrowed("n")));
    assert_eq!(page.items[0].position, Some(Position(4)));
    assert!(page.next_url.is_none());
}

#[test]
fn the_strict_form_is_read_like_the_plain_one() {
    let text = page(
        r#"{"id": "1", "content_text": "Counted", "_event": {"type": "Counted", "headers": {"unit": "kg"},
            "data": 3, "position": 9, "subject": "/s", "version": "2.0.0"}}"#,
    );
    let page = Page::<Sample>::in_one_pass(&text).unwrap();
    let item = &page.items[0];
    assert_eq!(item.event.as_ref().unwrap(), &Sample::Counted { count: 3, header: Some("kg".into()) });
    assert_eq!((item.position, item.subject.as_deref()), (Some(Position(9)), Some("/s")));
}

#[test]
fn headers_behind_the_payload_are_still_seen_by_it() {
    let text = page(r#"{"id": "1", "_type": "Counted", "_data": 3, "_headers": {"unit": "kg"}}"#);
    let event = decode(&text).items.remove(0).event.unwrap();
    assert_eq!(event, Sample::Counted { count: 3, header: Some("kg".into()) });
}

#[test]
fn a_message_without_payload_needs_no_data() {
    let text = page(r#"{"id": "1", "_type": "Bare"}"#);
    assert_eq!(decode(&text).items[0].event.as_ref().unwrap(), &Sample::Bare);
}

#[test]
fn one_bad_item_does_not_spoil_its_neighbours() {
    let bad = [
        r#"{"id": "b", "_type": "Named", "_data": {"name": 7, "tags": []}}"#,
        r#"{"id": "b", "_type": "Strange", "_data": {}}"#,
        r#"{"id": "b", "title": "a blog post"}"#,
        r#"{"_type": "Counted", "_data": 1}"#,
        r#"{"id": "b", "_type": "Counted", "_data": 1, "_data": 2}"#,
        r#"{"id": "b", "_type": "Counted", "_data": 1, "_position": -1}"#,
        r#"["b"]"#,
        "null",
        "17",
    ];
    for bad in bad {
        let text = page(&format!("{NAMED}, {bad}, {NAMED}"));
        let page = decode(&text);
        assert_eq!(page.items.len(), 3, "{bad}");
        assert!(page.items[0].event.is_ok() && page.items[2].event.is_ok(), "{bad}");
        let undecodable = page.items[1].event.as_ref().expect_err(bad);
        assert!(!undecodable.raw.metadata.id.as_str().is_empty(), "{bad}: every bad item has an id");
        assert_eq!(Some(&undecodable.raw.data.get()), page.raw(1).as_ref().map(|raw| raw.data.get()).as_ref());
    }
}

#[test]
fn an_item_that_is_no_event_keeps_its_place() {
    let text = page(r#"{"id": "b", "_position": 7, "title": "a blog post"}"#);
    let page = decode(&text);
    assert_eq!((page.items[0].id.as_ref(), page.items[0].position), ("b", Some(Position(7))));
    let undecodable = page.items[0].event.as_ref().unwrap_err();
    assert!(undecodable.error.reason.contains("_type"), "{}", undecodable.error);
    assert!(undecodable.raw.data.get().contains("a blog post"));
}

#[test]
fn an_error_in_a_payload_names_the_path() {
    let text = page(r#"{"id": "b", "_type": "Named", "_data": {"name": "x", "tags": ["a", 1]}}"#);
    let page = decode(&text);
    let undecodable = page.items[0].event.as_ref().unwrap_err();
    assert_eq!(undecodable.error.path, "tags[1]");
    assert_eq!(undecodable.raw.metadata.event_type, "Named");
}

#[test]
fn a_payload_deeper_than_the_reader_goes_is_isolated() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let text = page(&format!(r#"{NAMED}, {{"id": "d", "_type": "Named", "_data": {deep}}}"#));
    let page = decode(&text);
    assert!(page.items[0].event.is_ok());
    assert!(page.items[1].event.is_err());
}

#[test]
fn a_bad_time_is_told_when_it_is_read() {
    let text = page(r#"{"id": "1", "_type": "Counted", "_data": 1, "date_published": "yesterday"}"#);
    let error = decode(&text).items.remove(0).into_event().unwrap_err();
    assert_eq!(error.path, "date_published");
}

#[test]
fn what_is_no_page_is_refused() {
    for text in [
        "",
        "<!doctype html><title>502</title>",
        "null",
        "[]",
        "[\"title\", null, []]",
        "{}",
        r#"{"items": {}}"#,
        r#"{"items": []"#,
        r#"{"items": []} trailing"#,
        r#"{"items": [], "items": []}"#,
        r#"{"items": [], "next_url": {}}"#,
    ] {
        assert!(Page::<Sample>::from_slice(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Page::<Sample>::from_slice(b"{\"items\": [\"\xff\"]}").is_err());
}

#[test]
fn odd_but_valid_pages_are_read() {
    let text = "\u{feff}{\"items\": [{\"id\": 17, \"_type\": \"Counted\", \"_data\": 1, \"_subject\": null}], \
                \"next_url\": \"\"}";
    let page = decode(text);
    assert_eq!(page.items[0].id, "17");
    assert!(page.next_url.is_none());
}

/// One item's members in their canonical order, before they are shuffled.
fn members() -> impl Strategy<Value = Vec<String>> {
    let payload = prop_oneof![
        ("[a-z\"\\\\é]{0,6}", prop::collection::vec("[a-z]{0,3}", 0..3)).prop_map(|(name, tags)| {
            (r#""Named""#, serde_json::to_string(&Named { name, tags }).expect("serialises"))
        }),
        any::<u64>().prop_map(|count| (r#""Counted""#, count.to_string())),
        Just((r#""Counted""#, "-1".to_owned())),
        Just((r#""Bare""#, "null".to_owned())),
        Just((r#""Strange""#, "{}".to_owned())),
    ];
    (
        payload,
        "[a-z\"é]{1,8}",
        prop::option::of(any::<u64>()),
        prop::option::of(Just(r#""_headers": {"unit": "kg"}"#)),
        prop::option::of(Just(r#""content_text": "_type", "x": {"_data": [1]}"#)),
        prop::option::of(Just(r#""date_published": "2020-05-01T14:00:00-07:00""#)),
    )
        .prop_map(|((event_type, data), id, position, headers, other, date)| {
            let id = serde_json::to_string(&id).expect("serialises");
            let mut members = vec![format!(r#""id": {id}"#), format!(r#""_type": {event_type}"#)];
            members.extend(position.map(|position| format!(r#""_position": {position}"#)));
            members.extend([headers, other, date].into_iter().flatten().map(str::to_owned));
            members.push(format!(r#""_data": {data}"#));
            members
        })
}

proptest! {
    #[test]
    fn one_pass_reads_what_item_by_item_reads(
        items in prop::collection::vec(members().prop_shuffle(), 0..6),
    ) {
        let items: Vec<String> = items.iter().map(|members| format!("{{{}}}", members.join(", "))).collect();
        let text = page(&items.join(", "));
        let patient = Page::<Sample>::item_by_item(&text).unwrap();
        if let Ok(fast) = Page::<Sample>::in_one_pass(&text) {
            let read = |page: Page<'_, Sample>| format!("{:?}", (page.title, page.next_url, page.items));
            prop_assert_eq!(read(fast), read(Page::item_by_item(&text).unwrap()));
        } else {
            let headers_last = items.iter().any(|item| item.find("_headers") > item.find("\"_data\": "));
            prop_assert!(headers_last || patient.items.iter().any(|item| item.event.is_err()));
        }
        for (index, item) in patient.items.iter().enumerate() {
            let raw = patient.raw(index).unwrap();
            prop_assert_eq!(raw.metadata.id.as_str(), item.id.as_ref());
            prop_assert_eq!(raw.decode::<Sample>().ok(), item.event.as_ref().ok().cloned());
        }
    }
}

#[test]
fn each_item_is_found_again_without_reading_the_others() {
    const ITEMS: usize = 20_000;
    let items: Vec<String> = (0..ITEMS).map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    let text = format!(r#"{{"items":[{}]}}"#, items.join(","));
    let began = std::time::Instant::now();
    let page = Page::<Sample>::from_slice(text.as_bytes()).unwrap();
    for (index, item) in items.iter().enumerate() {
        assert_eq!(page.raw(index).unwrap().data.get(), item);
    }
    assert!(page.raw(ITEMS).is_none());
    // To read the whole page for each of them takes minutes.
    assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
}
