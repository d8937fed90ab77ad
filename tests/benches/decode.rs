//! Decoding a feed page of 100 events: into the generated enum by this crate's page, and into hand-written structs
//! behind an adjacently tagged enum by `serde_json`. Both read the same members of each item.
//!
//! `cargo bench -p event-api-tests --bench decode` prints `ratio NAME VALUE bar BAR`; larger is better.

#![allow(clippy::print_stdout, reason = "a benchmark that prints what it measured")]

use std::borrow::Cow;

use event_api::feed::Page;
use event_api_tests::measure::{compare, ratio};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is generated from `documents/accounts.yaml`.
mod api {
    include!(concat!(env!("OUT_DIR"), "/accounts.rs"));
}

/// What a careful person writes for the same document and wire.
#[allow(dead_code, reason = "fields are read from JSON and looked at by nobody")]
mod by_hand {
    use super::{Cow, Deserialize};

    #[derive(Debug, Deserialize)]
    pub(super) struct Page<'a> {
        #[serde(borrow)]
        pub(super) title: Option<Cow<'a, str>>,
        #[serde(borrow)]
        pub(super) next_url: Option<Cow<'a, str>>,
        #[serde(borrow)]
        pub(super) items: Vec<Item<'a>>,
    }

    /// Serde's own way to put the event beside the other members.
    #[derive(Debug, Deserialize)]
    pub(super) struct Item<'a> {
        #[serde(borrow)]
        pub(super) id: Cow<'a, str>,
        #[serde(borrow)]
        pub(super) date_published: Option<Cow<'a, str>>,
        #[serde(rename = "_position")]
        pub(super) position: Option<u64>,
        #[serde(borrow, rename = "_subject")]
        pub(super) subject: Option<Cow<'a, str>>,
        #[serde(borrow, rename = "_version")]
        pub(super) version: Option<Cow<'a, str>>,
        #[serde(borrow, rename = "_traceparent")]
        pub(super) traceparent: Option<Cow<'a, str>>,
        #[serde(flatten)]
        pub(super) event: Event,
    }

    /// The page for those who want the events and nothing else.
    #[derive(Debug, Deserialize)]
    pub(super) struct Bare {
        pub(super) items: Vec<Event>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "_type", content = "_data")]
    pub(super) enum Event {
        NameChanged(NameChanged),
        AddressChanged(AddressChanged),
        UserDeleted(UserDeleted),
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct NameChanged {
        pub(super) user_id: String,
        pub(super) old_name: String,
        pub(super) new_name: String,
        pub(super) changed_by: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct AddressChanged {
        pub(super) user_id: String,
        pub(super) primary: bool,
        pub(super) address: PostalAddress,
        pub(super) labels: Option<Vec<String>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct PostalAddress {
        pub(super) street: String,
        pub(super) city: String,
        pub(super) postal_code: Option<String>,
        pub(super) country: Country,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "UPPERCASE")]
    pub(super) enum Country {
        De,
        Fr,
        Nl,
        Us,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct UserDeleted {
        pub(super) user_id: String,
        pub(super) reason: Reason,
        pub(super) revision: i64,
        pub(super) balance: f64,
        pub(super) note: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub(super) enum Reason {
        Requested,
        Inactive,
        Fraud,
    }
}

/// A page as the feed of this crate writes it.
fn page() -> String {
    let items: Vec<String> = (0..100).map(item).collect();
    format!(
        r#"{{"version":"https://jsonfeed.org/version/1.1","title":"Accounts: accounts","feed_url":"https://users.example/feeds/accounts","next_url":"https://users.example/feeds/accounts?offset=100","items":[{}]}}"#,
        items.join(",")
    )
}

fn item(number: u64) -> String {
    let user = format!("user-{:06}", number * 7919 % 1_000_000);
    let (event_type, data): (&str, Value) = match number % 3 {
        0 => (
            "NameChanged",
            json!({"userId": user, "oldName": "Johanna Überacker", "newName": "Johanna \"Jo\" Feldmann", "changedBy": "support"}),
        ),
        1 => (
            "AddressChanged",
            json!({
                "userId": user,
                "primary": number.is_multiple_of(2),
                "address": {"street": "Lange Straße 12", "city": "Bremen", "postalCode": "28195", "country": "DE"},
                "labels": ["home", "billing"],
            }),
        ),
        _ => (
            "UserDeleted",
            json!({"userId": user, "reason": "inactive", "revision": number * 31, "balance": 12.5 + number as f64, "note": null}),
        ),
    };
    format!(
        r#"{{"id":"01900000-0000-7000-8000-{number:012x}","date_published":"2026-05-01T14:00:{:02}Z","content_text":"{event_type}","_type":"{event_type}","_data":{data},"_position":{number},"_subject":"/users/{user}","_version":"1.0.0","_traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}"#,
        number % 60
    )
}

fn ours(page: &[u8]) -> usize {
    match Page::<api::AccountsEvents>::from_slice(page) {
        Ok(page) => page.items.iter().filter(|item| item.event.is_ok()).count(),
        Err(_) => 0,
    }
}

fn main() {
    let page = page();
    let page = page.as_bytes();
    // Both must have read all of it, or the comparison means nothing.
    assert_eq!(ours(page), 100);
    assert_eq!(serde_json::from_slice::<by_hand::Page<'_>>(page).map_or(0, |page| page.items.len()), 100);

    let repetitions = 5;
    let mut ratios = [Vec::new(), Vec::new()];
    for _ in 0..repetitions {
        let (by_hand, generated) = compare(
            2000,
            || serde_json::from_slice::<by_hand::Page<'_>>(page),
            || Page::<api::AccountsEvents>::from_slice(page),
        );
        let (bare, _) = compare(
            2000,
            || serde_json::from_slice::<by_hand::Bare>(page),
            || Page::<api::AccountsEvents>::from_slice(page),
        );
        println!(
            "decode a page of {} bytes: generated {generated:?}, by hand {by_hand:?}, by hand without the metadata {bare:?}",
            page.len()
        );
        ratios[0].push(ratio(by_hand, generated));
        ratios[1].push(ratio(bare, generated));
    }
    let [whole, bare] = ratios.map(|mut ratios| {
        ratios.sort_unstable_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    });
    println!("ratio decode {whole:.2} bar 1.00");
    println!("for comparison: {bare:.2} against an enum that reads no metadata");
}
