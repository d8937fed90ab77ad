//! Checkpoints and dead letters in Postgres.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod postgres_support;

use chrono::{TimeZone, Utc};
use event_api::consume::{
    Checkpoint, Checkpoints, DeadLetter, DeadLetters, Inbox, LetterState, PostgresCheckpoints, PostgresDeadLetters,
    PostgresInbox,
};
use event_api::{Headers, Metadata, Position, RawEvent};
use postgres_support::Schema;
use serde_json::value::RawValue;

fn letter(id: &str, channel: Option<&str>) -> DeadLetter {
    let mut metadata = Metadata::new("NameChanged");
    metadata.id = id.into();
    metadata.time = Utc.with_ymd_and_hms(2020, 5, 1, 14, 0, 0).unwrap();
    metadata.subject = Some("/users/1".to_owned());
    let mut headers = Headers::default();
    headers.insert("priority", 3);
    metadata.headers = headers;
    DeadLetter {
        consumer: "mailer".to_owned(),
        channel: channel.map(str::to_owned),
        source: "https://users.internal/feeds/user-events".to_owned(),
        position: Some(Position(u64::MAX)),
        event: RawEvent { metadata, data: RawValue::from_string("{\"a\" : \"\\u0000\"}".to_owned()).unwrap() },
        error: "no".to_owned(),
        attempts: u32::MAX,
        time: Utc.with_ymd_and_hms(2020, 5, 2, 14, 0, 0).unwrap(),
        state: LetterState::GivenUp,
    }
}

#[tokio::test]
async fn a_checkpoint_is_found_again_by_another_process() {
    let Some(schema) = Schema::create().await else { return };
    let checkpoints = PostgresCheckpoints::connect(&schema.url()).await.unwrap();
    assert_eq!(checkpoints.load("mailer").await.unwrap(), None);
    let mut checkpoint = Checkpoint { resume: "https://x/?offset=7".into(), position: None, event_id: None };
    checkpoints.store("mailer", &checkpoint).await.unwrap();
    checkpoint.position = Some(Position(u64::MAX));
    checkpoint.event_id = Some("e7".into());
    checkpoints.store("mailer", &checkpoint).await.unwrap();
    let other = PostgresCheckpoints::with_pool(schema.pool(2).await).await.unwrap();
    assert_eq!(other.load("mailer").await.unwrap(), Some(checkpoint));
    assert_eq!(other.load("other").await.unwrap(), None);
}

#[tokio::test]
async fn dead_letters_are_kept_listed_and_taken() {
    let Some(schema) = Schema::create().await else { return };
    let store = PostgresCheckpoints::with_pool(schema.pool(4).await).await.unwrap().dead_letters().unwrap();
    let first = store.add(&letter("1", Some("users"))).await.unwrap();
    let second = store.add(&letter("1", Some("orders"))).await.unwrap();
    let third = store.add(&letter("1", None)).await.unwrap();
    let mut again = letter("1", Some("users"));
    again.error = "still no".to_owned();
    assert_eq!(store.add(&again).await.unwrap(), first, "one letter for each event of a channel");
    let listed = PostgresDeadLetters::connect(&schema.url()).await.unwrap().list("mailer", 0, 10).await.unwrap();
    let letters: Vec<_> = listed.iter().map(|stored| (stored.number, stored.letter.clone())).collect();
    let expected = [(first, again.clone()), (second, letter("1", Some("orders"))), (third, letter("1", None))];
    assert_eq!(letters, expected);
    assert_eq!(store.list("mailer", first, 1).await.unwrap()[0].number, second);
    assert_eq!(store.get(second).await.unwrap(), Some(letter("1", Some("orders"))));
    assert_eq!(store.take(second).await.unwrap(), Some(letter("1", Some("orders"))));
    assert_eq!(store.take(second).await.unwrap(), None);
    assert_eq!(store.get(u64::MAX).await.unwrap(), None);
}

#[tokio::test]
async fn what_postgres_cannot_store_holds_up_nobody() {
    let Some(schema) = Schema::create().await else { return };
    let inbox = PostgresInbox::connect(&schema.url()).await.unwrap();
    let mut odd = letter("a\0b", Some("x\0y"));
    odd.event.metadata.subject = Some("\0".to_owned());
    odd.error = "\0".to_owned();
    let number = inbox.dead_letters().add(&odd).await.unwrap();
    let stored = inbox.dead_letters().get(number).await.unwrap().unwrap();
    assert_eq!(stored.event.metadata.id.as_str(), "a\u{FFFD}b");
    assert_eq!(stored.event.data.get(), odd.event.data.get());
    let claimed = inbox.claim("c", "a\0b", std::time::Duration::from_secs(60)).await.unwrap();
    let event_api::consume::Claim::Granted(ticket) = claimed else { panic!("{claimed:?}") };
    inbox.complete(&ticket).await.unwrap();
    let checkpoints = PostgresCheckpoints::with_pool(inbox.pool().clone()).await.unwrap();
    let odd = Checkpoint { resume: "r".into(), position: None, event_id: Some("a\0b".into()) };
    checkpoints.store("mailer", &odd).await.unwrap();
    assert_eq!(checkpoints.load("mailer").await.unwrap(), Some(Checkpoint { event_id: None, ..odd }));
}
