//! The contract of inboxes, checked on each of them.
#![cfg(all(feature = "sqlite", feature = "postgres"))]
// Tests may unwrap; the lint knows test functions, and not the helpers beside them.
#![allow(clippy::unwrap_used)]

mod postgres_support;

use std::time::Duration;

use event_api::consume::{Claim, DeadLetter, Inbox, LetterState, MemoryInbox, PostgresInbox, SqliteInbox, Ticket};
use event_api::{Metadata, RawEvent};
use postgres_support::Schema;
use serde_json::value::RawValue;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;

const LEASE: Duration = Duration::from_secs(3600);

async fn sqlite() -> (SqliteInbox, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (SqliteInbox::open(folder.path().join("inbox.db")).await.unwrap(), folder)
}

async fn granted(inbox: &impl Inbox, id: &str, lease: Duration) -> Ticket {
    match inbox.claim("c", id, lease).await.unwrap() {
        Claim::Granted(ticket) => ticket,
        other => panic!("{id} was not granted: {other:?}"),
    }
}

macro_rules! on_each {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(super::MemoryInbox::new()).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                let Some(schema) = super::Schema::create().await else { return };
                super::$name(super::PostgresInbox::with_pool(schema.pool(8).await).await.unwrap()).await;
            })*
        }
        mod sqlite {
            $(#[tokio::test] async fn $name() { let (inbox, _folder) = super::sqlite().await; super::$name(inbox).await; })*
        }
    };
}

on_each!(
    a_completed_event_is_done_for_its_consumer_only,
    a_claimed_event_is_busy_until_it_is_released,
    a_lease_that_has_run_out_is_granted_anew,
    a_claim_that_is_renewed_holds_and_one_that_was_lost_does_not,
    of_concurrent_claims_one_is_granted,
);

async fn a_completed_event_is_done_for_its_consumer_only(inbox: impl Inbox) {
    let ticket = granted(&inbox, "1", LEASE).await;
    inbox.complete(&ticket).await.unwrap();
    assert_eq!(inbox.claim("c", "1", LEASE).await.unwrap(), Claim::Done);
    inbox.release(&ticket).await.unwrap();
    assert_eq!(inbox.claim("c", "1", LEASE).await.unwrap(), Claim::Done);
    assert!(matches!(inbox.claim("d", "1", LEASE).await.unwrap(), Claim::Granted(_)));
    granted(&inbox, "2", LEASE).await;
}

async fn a_claimed_event_is_busy_until_it_is_released(inbox: impl Inbox) {
    let first = granted(&inbox, "1", LEASE).await;
    assert_eq!(inbox.claim("c", "1", LEASE).await.unwrap(), Claim::Busy);
    inbox.release(&first).await.unwrap();
    let second = granted(&inbox, "1", LEASE).await;
    assert_eq!((first.attempt, second.attempt), (1, 2));
    // The first has nothing to release any more.
    inbox.release(&first).await.unwrap();
    assert_eq!(inbox.claim("c", "1", LEASE).await.unwrap(), Claim::Busy);
}

async fn a_lease_that_has_run_out_is_granted_anew(inbox: impl Inbox) {
    let crashed = granted(&inbox, "1", Duration::ZERO).await;
    let second = granted(&inbox, "1", LEASE).await;
    assert_eq!(second.attempt, 2);
    // The first was only slow: what it handled is handled, and the second cannot undo it.
    inbox.complete(&crashed).await.unwrap();
    inbox.release(&second).await.unwrap();
    assert_eq!(inbox.claim("c", "1", LEASE).await.unwrap(), Claim::Done);
}

async fn a_claim_that_is_renewed_holds_and_one_that_was_lost_does_not(inbox: impl Inbox) {
    let slow = granted(&inbox, "1", Duration::ZERO).await;
    inbox.renew(&slow, LEASE).await.unwrap();
    assert_eq!(inbox.claim("c", "1", LEASE).await.unwrap(), Claim::Busy);

    let lost = granted(&inbox, "2", Duration::ZERO).await;
    let second = granted(&inbox, "2", Duration::ZERO).await;
    inbox.renew(&lost, LEASE).await.unwrap();
    let third = granted(&inbox, "2", LEASE).await;
    inbox.release(&third).await.unwrap();
    inbox.renew(&second, LEASE).await.unwrap();
    granted(&inbox, "2", LEASE).await;
}

async fn of_concurrent_claims_one_is_granted(inbox: impl Inbox) {
    let claims = futures_util::future::join_all((0..20).map(|_| inbox.claim("c", "1", LEASE))).await;
    let granted = claims.into_iter().filter(|claim| matches!(claim, Ok(Claim::Granted(_)))).count();
    assert_eq!(granted, 1);
}

#[tokio::test]
async fn a_reopened_inbox_remembers() {
    let (inbox, folder) = sqlite().await;
    let ticket = granted(&inbox, "1", LEASE).await;
    inbox.complete(&ticket).await.unwrap();
    granted(&inbox, "2", LEASE).await;
    let inbox = SqliteInbox::open(folder.path().join("inbox.db")).await.unwrap();
    assert_eq!(inbox.claim("c", "1", LEASE).await.unwrap(), Claim::Done);
    assert_eq!(inbox.claim("c", "2", LEASE).await.unwrap(), Claim::Busy);
}

#[tokio::test]
async fn old_entries_are_forgotten() {
    let (stored, _folder) = sqlite().await;
    let mut inboxes: Vec<Box<dyn Inbox>> =
        vec![Box::new(MemoryInbox::keeping(Duration::ZERO)), Box::new(stored.keeping(Duration::ZERO))];
    let schema = Schema::create().await;
    if let Some(schema) = &schema {
        let stored = PostgresInbox::with_pool(schema.pool(8).await).await.unwrap();
        inboxes.push(Box::new(stored.keeping(Duration::ZERO)));
    }
    for inbox in inboxes {
        let Claim::Granted(ticket) = inbox.claim("c", "1", Duration::ZERO).await.unwrap() else { panic!() };
        inbox.complete(&ticket).await.unwrap();
        // Times are in milliseconds.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let Claim::Granted(again) = inbox.claim("c", "1", LEASE).await.unwrap() else { panic!("not forgotten") };
        assert_eq!(again.attempt, 1);
    }
}

#[tokio::test]
async fn what_could_not_be_committed_is_not_reported_as_done() {
    let (inbox, folder) = sqlite().await;
    let options = SqliteConnectOptions::new().filename(folder.path().join("inbox.db"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let letter = DeadLetter {
        consumer: "c".to_owned(),
        channel: None,
        source: "test".to_owned(),
        position: None,
        event: RawEvent { metadata: Metadata::new("A"), data: RawValue::from_string("1".to_owned()).unwrap() },
        error: "no".to_owned(),
        attempts: 1,
        time: chrono::Utc::now(),
        state: LetterState::GivenUp,
    };
    let kept = inbox.dead_letters().add(&letter).await.unwrap();
    // A deferred constraint fails when the statement is committed, after it has returned its row.
    sqlx::raw_sql(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER a AFTER INSERT ON event_api_inbox BEGIN INSERT INTO child VALUES (1); END;
         CREATE TRIGGER b AFTER INSERT ON event_api_dead_letters BEGIN INSERT INTO child VALUES (1); END;
         CREATE TRIGGER c AFTER DELETE ON event_api_dead_letters BEGIN INSERT INTO child VALUES (1); END;",
    )
    .execute(&pool)
    .await
    .unwrap();
    let claim = inbox.claim("c", "1", LEASE).await;
    assert!(claim.is_err(), "{claim:?}");
    let mut other = letter.clone();
    other.event.metadata.id = "other".into();
    let added = inbox.dead_letters().add(&other).await;
    assert!(added.is_err(), "{added:?}");
    let taken = inbox.dead_letters().take(kept).await;
    assert!(taken.is_err(), "{taken:?}");
    let letters = inbox.dead_letters().list("c", 0, 10).await.unwrap();
    assert_eq!(letters.into_iter().map(|stored| stored.number).collect::<Vec<_>>(), [kept]);
}
