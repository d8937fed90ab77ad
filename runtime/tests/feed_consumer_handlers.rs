//! Whatever a handler does with an event, the consumer goes on, and no event is lost: it is handled, or a dead letter.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "tests; clippy knows only those marked as such, not their helpers")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use event_api::consume::{
    Backoff, Checkpoint, Checkpoints, ConsumeError, DeadLetter, DeadLetters, MemoryCheckpoints, MemoryDeadLetters,
    Replayed, RetryPolicy, StoreError, StoredDeadLetter, replay,
};
use event_api::{Position, feed};
use serde_json::json;
use support::{Act, Feed, Recorder, UserEvents, ids};

/// The dead letters of a consumer that met this handler on a feed of five events.
async fn letters_of(handler: &Recorder) -> (Vec<StoredDeadLetter>, MemoryDeadLetters) {
    let feed = Feed::with(5).await;
    consume(&feed, handler).await
}

async fn consume(feed: &Feed, handler: &Recorder) -> (Vec<StoredDeadLetter>, MemoryDeadLetters) {
    let letters = MemoryDeadLetters::new();
    let consumer = feed.consumer(MemoryCheckpoints::new()).dead_letters(letters.clone());
    let consumer = consumer.handler_timeout(Duration::from_millis(100));
    consumer.run_until_caught_up(handler.clone()).await.unwrap();
    (letters.list("mailer", 0, 100).await.unwrap(), letters)
}

#[tokio::test]
async fn an_event_that_does_not_decode_is_a_dead_letter_and_its_neighbours_are_handled() {
    let feed = Feed::with(5).await;
    feed.edit(1, |item| item["_data"]["newName"] = json!(17));
    feed.edit(3, |item| item["_type"] = json!("Strange"));
    feed.edit(4, |item| item["date_published"] = json!("yesterday"));
    let handler = Recorder::new();
    let (letters, _) = consume(&feed, &handler).await;
    assert_eq!(handler.called(), ["e0", "e2"]);
    let seen: Vec<_> = letters.iter().map(|stored| (stored.letter.position, stored.letter.attempts)).collect();
    assert_eq!(seen, [(Some(Position(1)), 0), (Some(Position(3)), 0), (Some(Position(4)), 0)]);
    assert!(letters[0].letter.error.contains("newName"), "{}", letters[0].letter.error);
    assert_eq!(letters[0].letter.event.data.get(), r#"{"newName":17,"oldName":"John Foo"}"#);
    assert_eq!(letters[0].letter.source, feed.url());
}

#[tokio::test]
async fn a_failing_event_is_tried_again_before_the_next_one() {
    let handler = Recorder::that(|id, attempt| if id == "e1" && attempt < 3 { Act::Retry } else { Act::Succeed });
    let (letters, _) = letters_of(&handler).await;
    assert_eq!(handler.called(), ["e0", "e1", "e1", "e1", "e2", "e3", "e4"]);
    assert!(letters.is_empty());
}

#[tokio::test]
async fn an_event_whose_attempts_run_out_is_a_dead_letter() {
    let handler = Recorder::that(|id, _| if id == "e1" { Act::Retry } else { Act::Succeed });
    let (letters, _) = letters_of(&handler).await;
    assert_eq!(handler.called(), ["e0", "e1", "e1", "e1", "e2", "e3", "e4"]);
    assert_eq!((letters.len(), letters[0].letter.attempts), (1, 3));
    assert_eq!(letters[0].letter.error, "not now");
    assert_eq!(letters[0].letter.event.metadata.id.as_str(), "e1");
}

#[tokio::test]
async fn a_rejected_event_is_a_dead_letter_at_once() {
    let handler = Recorder::that(|id, _| if id == "e4" { Act::Reject } else { Act::Succeed });
    let (letters, _) = letters_of(&handler).await;
    assert_eq!(handler.called(), ids(0..5));
    assert_eq!((letters.len(), letters[0].letter.attempts, letters[0].letter.error.as_str()), (1, 1, "never"));
}

#[tokio::test]
async fn a_handler_that_panics_or_hangs_has_failed_and_is_called_again() {
    let handler = Recorder::that(|id, attempt| match (id, attempt) {
        ("e0" | "e2", 1) => Act::Panic,
        ("e2", 2) => Act::Hang,
        ("e3", _) => Act::Panic,
        _ => Act::Succeed,
    });
    let (letters, _) = letters_of(&handler).await;
    assert_eq!(handler.handled(), ["e0", "e1", "e2", "e4"]);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].letter.error, "the handler panicked: a bug in the handler");
}

#[tokio::test]
async fn a_dead_letter_can_be_replayed() {
    let broken = Recorder::that(|id, _| if id == "e1" { Act::Reject } else { Act::Succeed });
    let (letters, store) = letters_of(&broken).await;
    let number = letters[0].number;

    assert_eq!(replay(&store, number, &broken).await.unwrap(), Replayed::Failed("never".to_owned()));
    let kept = store.get(number).await.unwrap().unwrap();
    assert_eq!((kept.attempts, kept.position), (2, Some(Position(1))));

    let mended = Recorder::new();
    assert_eq!(replay(&store, number, &mended).await.unwrap(), Replayed::Handled);
    assert_eq!(mended.handled(), ["e1"]);
    assert_eq!(replay(&store, number, &mended).await.unwrap(), Replayed::NotFound);
}

/// Storage that fails a number of times.
#[derive(Clone, Default)]
struct Failing {
    left: Arc<AtomicU32>,
    checkpoints: MemoryCheckpoints,
    letters: MemoryDeadLetters,
}

impl Failing {
    fn times(count: u32) -> Self {
        Failing { left: Arc::new(AtomicU32::new(count)), ..Failing::default() }
    }

    fn fail(&self) -> Result<(), StoreError> {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(StoreError::new("writing", "the disk is full")),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl Checkpoints for Failing {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, StoreError> {
        self.checkpoints.load(consumer).await
    }

    async fn store(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.fail()?;
        self.checkpoints.store(consumer, checkpoint).await
    }
}

#[async_trait]
impl DeadLetters for Failing {
    async fn add(&self, letter: &DeadLetter) -> Result<u64, StoreError> {
        self.fail()?;
        self.letters.add(letter).await
    }

    async fn list(&self, consumer: &str, after: u64, limit: usize) -> Result<Vec<StoredDeadLetter>, StoreError> {
        self.letters.list(consumer, after, limit).await
    }

    async fn get(&self, number: u64) -> Result<Option<DeadLetter>, StoreError> {
        self.letters.get(number).await
    }

    async fn take(&self, number: u64) -> Result<Option<DeadLetter>, StoreError> {
        self.letters.take(number).await
    }

    async fn park(&self, letter: &DeadLetter) -> Result<Option<u64>, StoreError> {
        self.fail()?;
        self.letters.park(letter).await
    }

    async fn parked_subjects(&self, consumer: &str, channel: &str) -> Result<Vec<String>, StoreError> {
        self.letters.parked_subjects(consumer, channel).await
    }

    async fn first_parked(
        &self,
        consumer: &str,
        channel: &str,
        subject: &str,
    ) -> Result<Option<StoredDeadLetter>, StoreError> {
        self.letters.first_parked(consumer, channel, subject).await
    }
}

#[tokio::test]
async fn storage_that_fails_for_a_moment_is_tried_again() {
    let feed = Feed::with(5).await;
    let (checkpoints, letters) = (Failing::times(2), Failing::times(2));
    let handler = Recorder::that(|id, _| if id == "e1" { Act::Reject } else { Act::Succeed });
    let consumer = feed.consumer(checkpoints).dead_letters(letters.clone());
    consumer.run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.called(), ids(0..5));
    assert_eq!(letters.list("mailer", 0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_event_whose_dead_letter_cannot_be_stored_is_not_passed() {
    let feed = Feed::with(3).await;
    let checkpoints = MemoryCheckpoints::new();
    let handler = Recorder::that(|id, _| if id == "e1" { Act::Reject } else { Act::Succeed });
    let consumer = feed.consumer(checkpoints.clone()).dead_letters(Failing::times(1000));
    let error = consumer.run_until_caught_up(handler.clone()).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Store(_)), "{error}");
    assert_eq!(checkpoints.load("mailer").await.unwrap().unwrap().position, Some(Position(0)));

    let mended = Recorder::new();
    feed.consumer(checkpoints).run_until_caught_up(mended.clone()).await.unwrap();
    assert_eq!(mended.handled(), ids(1..3));
}

#[tokio::test]
async fn without_a_place_for_dead_letters_the_consumer_stops_at_the_first() {
    let feed = Feed::with(3).await;
    let handler = Recorder::that(|id, _| if id == "e1" { Act::Reject } else { Act::Succeed });
    let error = feed.consumer(Failing::times(0)).run_until_caught_up(handler.clone()).await.unwrap_err();
    assert!(matches!(error, ConsumeError::NoDeadLetters { .. }), "{error}");
    assert_eq!(handler.called(), ids(0..2));
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn dead_letters_in_sqlite_are_kept_whole_beside_the_checkpoints() {
    use event_api::consume::{SqliteCheckpoints, SqliteDeadLetters};

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailer.db");
    let feed = Feed::with(2).await;
    feed.edit(1, |item| {
        item["_headers"] = json!({"tenant": "a"});
        item["_subject"] = json!("/user/1");
        item["_position"] = json!(u64::MAX);
    });
    let failing = Recorder::that(|_, _| Act::Retry);
    let soon = Backoff::new(Duration::from_millis(1), Duration::from_millis(1));
    let consumer: feed::Consumer = feed.consumer(SqliteCheckpoints::open(&file).await.unwrap());
    consumer.retry(RetryPolicy::attempts(2).backoff(soon)).run_until_caught_up(failing.clone()).await.unwrap();

    let store = SqliteDeadLetters::open(&file).await.unwrap();
    let letters = store.list("mailer", 0, 10).await.unwrap();
    assert_eq!(letters.len(), 2);
    let letter = &letters[1].letter;
    assert_eq!((letter.attempts, letter.position), (2, Some(Position(u64::MAX))));
    assert_eq!(letter.event.metadata.subject.as_deref(), Some("/user/1"));
    assert_eq!(letter.event.metadata.headers.get("tenant"), Some(&json!("a")));
    assert_eq!(letter.event.metadata.time.to_rfc3339(), "2020-05-01T21:00:00+00:00");
    assert!(matches!(letter.event.decode(), Ok(UserEvents::NameChanged(_))));
    assert_eq!(store.list("mailer", letters[0].number, 10).await.unwrap().len(), 1);
    assert!(store.list("another", 0, 10).await.unwrap().is_empty());

    // The same event again replaces its letter, and keeps its number.
    assert_eq!(store.add(letter).await.unwrap(), letters[1].number);
    assert_eq!(replay(&store, letters[1].number, &failing).await.unwrap(), Replayed::Failed("not now".to_owned()));
    assert_eq!(replay(&store, letters[1].number, &Recorder::new()).await.unwrap(), Replayed::Handled);
    assert_eq!(store.take(letters[0].number).await.unwrap().as_ref(), Some(&letters[0].letter));
    assert!(store.list("mailer", 0, 10).await.unwrap().is_empty());
    assert_eq!(store.take(u64::MAX).await.unwrap(), None);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn tables_of_a_newer_version_are_not_touched() {
    use event_api::consume::SqliteCheckpoints;

    let options = sqlx::sqlite::SqliteConnectOptions::new().in_memory(true);
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    SqliteCheckpoints::with_pool(pool.clone()).await.unwrap();
    SqliteCheckpoints::with_pool(pool.clone()).await.unwrap();
    sqlx::query("UPDATE event_api_schema SET version = 99").execute(&pool).await.unwrap();
    let error = SqliteCheckpoints::with_pool(pool).await.unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("99"));
}
