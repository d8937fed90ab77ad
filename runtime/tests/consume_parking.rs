//! Events that cannot be handled, and those of their subject: dead letters that hold up none, or a parked subject that is
//! released in order. And events of unknown types.
#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod consume_support;
mod postgres_support;
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use consume_support::{Scripted, Store, about, consumer, databases, log, publish, stores};
use event_api::chrono;
use event_api::consume::{
    Checkpoints, ConsumeError, DeadLetter, LetterState, MemoryCheckpoints, OnPoison, OnUnknown, Released, Replay,
    Replayed, replay, replay_subject,
};
use event_api::log::{Log, MemoryLog};
use event_api::{Context, Handler, HandlerError, HandlerResult};
use support::{Act, UserEvents};
use tokio::sync::Notify;

#[tokio::test]
async fn a_poisoned_subject_is_parked_and_others_go_on() {
    for store in stores().await {
        for concurrency in [1, 4] {
            let name = format!("mailer-{concurrency}");
            let events = [("a1", "/a"), ("b1", "/b"), ("a2", "/a"), ("free", ""), ("b2", "/b")];
            let log = log(&events).await;
            let handler = Scripted::that(|id, _| if id == "a1" { Act::Reject } else { Act::Succeed });
            let consumer = |log: &MemoryLog, checkpoints| {
                consumer(log, checkpoints).name(&name).concurrency(concurrency).on_poison(OnPoison::ParkSubject)
            };
            let checkpoints = store.checkpoints().await;
            consumer(&log, Arc::clone(&checkpoints)).run_until_caught_up(handler.clone()).await.unwrap();
            let mut handled = handler.handled();
            handled.sort();
            assert_eq!(handled, ["b1", "b2", "free"]);
            assert_eq!(handler.called.lock().unwrap().iter().filter(|id| id.starts_with('a')).count(), 1);

            // It stays parked over restarts.
            publish(&log, &[("a3", "/a"), ("b3", "/b")]).await;
            let second = Scripted::succeeding();
            consumer(&log, Arc::clone(&checkpoints)).run_until_caught_up(second.clone()).await.unwrap();
            assert_eq!(second.handled(), ["b3"]);

            let letters = store.letters().await;
            let kept = letters.list(&name, 0, 10).await.unwrap();
            let ids: Vec<&str> = kept.iter().map(|kept| kept.letter.event.metadata.id.as_str()).collect();
            assert_eq!(ids, ["a1", "a2", "a3"]);
            assert!(kept.iter().all(|kept| kept.letter.state == LetterState::Parked));
            assert_eq!(letters.parked_subjects(&name, "user-events").await.unwrap(), ["/a"]);

            // One behind another cannot be replayed; all can, in their order, up to one that fails again.
            let behind = replay(&letters, kept[1].number, &Scripted::succeeding()).await.unwrap();
            assert_eq!(behind, Replayed::Behind(kept[0].number));
            let failing = Scripted::that(|id, _| if id == "a2" { Act::Retry } else { Act::Succeed });
            let released = replay_subject(&letters, &name, "/a", &failing).await.unwrap();
            let number = kept[1].number;
            assert_eq!(released, Released::Failed { handled: 1, number, error: "not now".to_owned() });
            let mended = Scripted::succeeding();
            assert_eq!(replay_subject(&letters, &name, "/a", &mended).await.unwrap(), Released::All(2));
            assert_eq!(mended.handled(), ["a2", "a3"]);

            publish(&log, &[("a4", "/a")]).await;
            let third = Scripted::succeeding();
            consumer(&log, checkpoints).run_until_caught_up(third.clone()).await.unwrap();
            assert_eq!(third.handled(), ["a4"], "it is handled again");
        }
    }
}

#[tokio::test]
async fn a_subject_that_is_released_while_the_consumer_runs_is_handled_again() {
    for store in stores().await {
        let log = log(&[("a1", "/a"), ("b1", "/b")]).await;
        let handler = Scripted::that(|id, _| if id == "a1" { Act::Reject } else { Act::Succeed });
        let running = consumer(&log, store.checkpoints().await).on_poison(OnPoison::ParkSubject).run(handler.clone());
        let running = tokio::spawn(running);
        handler.until_handled(1).await;
        let released = replay_subject(&store.letters().await, "mailer", "/a", &Scripted::succeeding()).await.unwrap();
        assert_eq!(released, Released::All(1));
        publish(&log, &[("a2", "/a")]).await;
        handler.until_handled(2).await;
        assert_eq!(handler.handled(), ["b1", "a2"]);
        running.abort();
    }
}

#[tokio::test]
async fn what_does_not_decode_parks_its_subject() {
    let log = log(&[]).await;
    let mut bad = about("a1", Some("/a"));
    bad.data = serde_json::value::RawValue::from_string("7".to_owned()).unwrap();
    log.append("user-events", vec![bad]).await.unwrap();
    publish(&log, &[("a2", "/a"), ("b1", "/b")]).await;
    let handler = Scripted::succeeding();
    let consumer = consumer(&log, MemoryCheckpoints::new()).on_poison(OnPoison::ParkSubject);
    consumer.run_until_caught_up(handler.clone()).await.unwrap();
    assert_eq!(handler.handled(), ["b1"]);
}

#[tokio::test]
async fn a_replay_in_the_handlers_transaction_has_its_effect_once() {
    for store in databases().await {
        let log = log(&[("a1", "/a"), ("b1", "/b")]).await;
        let rejecting = Scripted::that(|_, _| Act::Reject);
        consumer(&log, store.checkpoints().await).run_until_caught_up(rejecting).await.unwrap();
        let letters = store.letters().await;
        let numbers: Vec<u64> =
            letters.list("mailer", 0, 10).await.unwrap().iter().map(|stored| stored.number).collect();
        let failing = Scripted::that(|_, _| Act::Reject).writing(&store);
        assert_eq!(replay(&letters, numbers[0], &failing).await.unwrap(), Replayed::Failed("never".to_owned()));
        assert_eq!(store.effects().await, [""; 0], "undone");
        let handler = Scripted::succeeding().writing(&store);
        for number in &numbers {
            assert_eq!(replay(&letters, *number, &handler).await.unwrap(), Replayed::Handled);
            assert_eq!(replay(&letters, *number, &handler).await.unwrap(), Replayed::NotFound);
        }
        assert_eq!(store.effects().await, ["a1", "b1"]);
    }
}

#[tokio::test]
async fn what_is_parked_anew_is_replayed_in_its_order() {
    for store in stores().await {
        let log = log(&[("a0", "/a"), ("a1", "/a"), ("a2", "/a")]).await;
        let rejecting = Scripted::that(|id, _| if id == "a1" { Act::Reject } else { Act::Succeed });
        let parking = |checkpoints| consumer(&log, checkpoints).on_poison(OnPoison::ParkSubject);
        parking(store.checkpoints().await).run_until_caught_up(rejecting).await.unwrap();
        let letters = store.letters().await;

        // It begins anew, with what is parked left over.
        let anew = "DELETE FROM event_api_checkpoints";
        match &store {
            Store::Memory(_) => {
                let beside = parking(Arc::new(MemoryCheckpoints::new())).dead_letters(Arc::clone(&letters));
                beside.run_until_caught_up(Scripted::succeeding()).await.unwrap();
            }
            Store::Sqlite(pool, _) => drop(sqlx::raw_sql(anew).execute(pool).await.unwrap()),
            Store::Postgres(pool, _) => drop(sqlx::raw_sql(anew).execute(pool).await.unwrap()),
        }
        if !matches!(store, Store::Memory(_)) {
            parking(store.checkpoints().await).run_until_caught_up(Scripted::succeeding()).await.unwrap();
        }
        publish(&log, &[("a3", "/a")]).await;
        parking(store.checkpoints().await).run_until_caught_up(Scripted::succeeding()).await.unwrap();
        let handler = Scripted::succeeding();
        let released = replay_subject(&letters, "mailer", "/a", &handler).await.unwrap();
        assert_eq!(released, Released::All(4));
        assert_eq!(handler.handled(), ["a0", "a1", "a2", "a3"]);
    }
}

#[tokio::test]
async fn an_unknown_type_is_no_less_skipped_or_a_reason_to_stop_when_its_subject_is_parked() {
    let log = log(&[("u0", "/u")]).await;
    let mut unknown = about("u1", Some("/u"));
    unknown.metadata.event_type = "Renamed".to_owned();
    log.append("user-events", vec![unknown]).await.unwrap();
    for (policy, kept) in
        [(OnUnknown::Skip, 1), (OnUnknown::DeadLetter, 2), (OnUnknown::Handle, 2), (OnUnknown::Stop, 1)]
    {
        let store = MemoryCheckpoints::new();
        let consumer = consumer(&log, store.clone()).on_poison(OnPoison::ParkSubject).on_unknown(policy);
        let ended = consumer.run_until_caught_up(Scripted::that(|_, _| Act::Reject)).await;
        let letters = Checkpoints::dead_letters(&store).unwrap().list("mailer", 0, 10).await.unwrap();
        assert_eq!(letters.len(), kept, "{policy:?}");
        assert_eq!(matches!(ended, Err(ConsumeError::Unknown { .. })), policy == OnUnknown::Stop, "{ended:?}");
    }
}

/// Waits in each event until it may go on.
struct Waits {
    entered: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Handler for Waits {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, _: &Context) -> HandlerResult {
        self.entered.notify_one();
        self.go_on.notified().await;
        Ok(())
    }
}

#[tokio::test]
async fn a_subject_is_replayed_by_one_at_a_time() {
    for store in stores().await {
        let log = log(&[("a1", "/a"), ("a2", "/a"), ("b1", "/b")]).await;
        let rejecting = Scripted::that(|_, _| Act::Reject);
        let consumer = consumer(&log, store.checkpoints().await).on_poison(OnPoison::ParkSubject);
        consumer.run_until_caught_up(rejecting).await.unwrap();
        let letters = store.letters().await;
        let first = letters.list("mailer", 0, 1).await.unwrap()[0].number;
        let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let waits = Waits { entered: Arc::clone(&entered), go_on: Arc::clone(&go_on) };
        let replaying = tokio::spawn({
            let letters = Arc::clone(&letters);
            async move { replay_subject(&letters, "mailer", "/a", &waits).await.unwrap() }
        });
        entered.notified().await;
        let other = Scripted::succeeding();
        assert_eq!(replay_subject(&letters, "mailer", "/a", &other).await.unwrap(), Released::Busy);
        assert_eq!(replay(&letters, first, &other).await.unwrap(), Replayed::Busy);
        assert_eq!(replay_subject(&letters, "mailer", "/b", &other).await.unwrap(), Released::All(1));
        go_on.notify_one();
        entered.notified().await;
        assert_eq!(replay_subject(&letters, "mailer", "/a", &other).await.unwrap(), Released::Busy);
        go_on.notify_one();
        assert_eq!(replaying.await.unwrap(), Released::All(2));
        assert_eq!(other.handled(), ["b1"]);
        // And again, when it is done.
        assert_eq!(replay_subject(&letters, "mailer", "/a", &other).await.unwrap(), Released::All(0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_subject_that_is_replayed_for_long_stays_held_and_is_free_some_time_after_a_kill() {
    let (log, store) = (log(&[("a1", "/a")]).await, MemoryCheckpoints::new());
    let consumer = consumer(&log, store.clone()).on_poison(OnPoison::ParkSubject);
    consumer.run_until_caught_up(Scripted::that(|_, _| Act::Reject)).await.unwrap();
    let letters = Checkpoints::dead_letters(&store).unwrap();
    let replaying = tokio::spawn({
        let letters = Arc::clone(&letters);
        async move { replay_subject(&letters, "mailer", "/a", &Scripted::that(|_, _| Act::Hang)).await }
    });
    tokio::time::sleep(Duration::from_secs(100)).await;
    let other = Scripted::succeeding();
    assert_eq!(replay_subject(&letters, "mailer", "/a", &other).await.unwrap(), Released::Busy);
    replaying.abort();
    assert!(replaying.await.unwrap_err().is_cancelled());
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(replay_subject(&letters, "mailer", "/a", &other).await.unwrap(), Released::All(1));
}

async fn with_unknown() -> MemoryLog {
    let log = log(&[("a", "/a")]).await;
    let mut unknown = about("u", Some("/u"));
    unknown.metadata.event_type = "Renamed".to_owned();
    log.append("user-events", vec![unknown]).await.unwrap();
    publish(&log, &[("b", "/b")]).await;
    log
}

#[tokio::test]
async fn unknown_types_are_skipped_kept_or_a_reason_to_stop() {
    let log = with_unknown().await;
    for (policy, kept) in [(OnUnknown::Skip, 0), (OnUnknown::DeadLetter, 1), (OnUnknown::Handle, 1)] {
        let store = MemoryCheckpoints::new();
        let handler = Scripted::succeeding();
        consumer(&log, store.clone()).on_unknown(policy).run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(handler.handled(), ["a", "b"], "{policy:?}");
        let letters = Checkpoints::dead_letters(&store).unwrap();
        assert_eq!(letters.list("mailer", 0, 10).await.unwrap().len(), kept, "{policy:?}");
    }
    let handler = Scripted::succeeding();
    let stopping = consumer(&log, MemoryCheckpoints::new()).on_unknown(OnUnknown::Stop);
    let stopped = stopping.run_until_caught_up(handler.clone()).await;
    assert!(
        matches!(&stopped, Err(ConsumeError::Unknown { event_type, .. }) if event_type == "Renamed"),
        "{stopped:?}"
    );
    assert_eq!(handler.handled(), ["a"]);
}

#[tokio::test]
async fn releasing_a_subject_stops_before_a_type_that_is_not_declared() {
    for store in stores().await {
        let log = log(&[("a1", "/a")]).await;
        let mut unknown = about("a2", Some("/a"));
        unknown.metadata.event_type = "Renamed".to_owned();
        log.append("user-events", vec![unknown]).await.unwrap();
        publish(&log, &[("a3", "/a")]).await;
        let rejecting = Scripted::that(|_, _| Act::Reject);
        let consumer = consumer(&log, store.checkpoints().await).on_poison(OnPoison::ParkSubject);
        consumer.run_until_caught_up(rejecting).await.unwrap();
        let letters = store.letters().await;
        let kept = letters.list("mailer", 0, 10).await.unwrap();
        let handler = Scripted::succeeding();
        let released = replay_subject(&letters, "mailer", "/a", &handler).await.unwrap();
        let number = kept[1].number;
        assert_eq!(released, Released::UnknownType { handled: 1, number, event_type: "Renamed".to_owned() });
        assert_eq!(handler.handled(), ["a1"]);
        assert_eq!(letters.list("mailer", 0, 10).await.unwrap(), kept[1..], "as they were");
        // This handler refuses what it does not know.
        let released = Replay::of(&letters).unknown_too().subject("mailer", "/a", &handler).await.unwrap();
        assert!(matches!(released, Released::Failed { handled: 0, number: failed, .. } if failed == number));
    }
}

#[tokio::test]
async fn a_time_that_rfc_3339_cannot_say_hides_no_letters() {
    for store in stores().await {
        let letters = store.letters().await;
        let mut letter = DeadLetter {
            consumer: "mailer".to_owned(),
            channel: Some("user-events".to_owned()),
            source: "user-events".to_owned(),
            position: None,
            event: about("usual", None),
            error: "never".to_owned(),
            attempts: 1,
            time: chrono::Utc::now(),
            state: LetterState::GivenUp,
        };
        letters.add(&letter).await.unwrap();
        letter.event.metadata.id = "far".into();
        letter.event.metadata.time = "9999-12-31T23:59:59-05:00".parse().unwrap();
        letters.add(&letter).await.unwrap();
        let kept = letters.list("mailer", 0, 10).await.unwrap();
        assert_eq!(kept.len(), 2);
        assert_eq!(kept[1].letter.event, letter.event);
    }
}

/// Says when it wants to be called again.
struct Busy(Arc<AtomicBool>);

impl Handler for Busy {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, cx: &Context) -> HandlerResult {
        if !self.0.swap(true, Ordering::SeqCst) {
            return Err(HandlerError::retry_after(Duration::from_millis(60), "the service is busy"));
        }
        assert_eq!(cx.attempt, 2);
        Ok(())
    }
}

#[tokio::test]
async fn a_handler_can_say_after_what_time_to_try_again() {
    let log = log(&[("a", "/a")]).await;
    let began = Instant::now();
    consumer(&log, MemoryCheckpoints::new()).run_until_caught_up(Busy(Arc::default())).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(60), "not after the backoff of a few milliseconds");
}

#[tokio::test]
async fn a_letter_that_is_removed_while_it_is_replayed_does_not_come_back() {
    for store in stores().await {
        let log = log(&[("a1", "/a")]).await;
        consumer(&log, store.checkpoints().await)
            .run_until_caught_up(Scripted::that(|_, _| Act::Reject))
            .await
            .unwrap();
        let letters = store.letters().await;
        let number = letters.list("mailer", 0, 1).await.unwrap()[0].number;
        let removing = Removing(Arc::clone(&letters), number);
        assert_eq!(replay(&letters, number, &removing).await.unwrap(), Replayed::NotFound);
        assert_eq!(letters.list("mailer", 0, 10).await.unwrap(), []);
    }
}

/// Fails while another replay succeeds.
struct Removing(Arc<dyn event_api::consume::DeadLetters>, u64);

impl Handler for Removing {
    type Events = UserEvents;

    async fn handle(&self, _: UserEvents, _: &Context) -> HandlerResult {
        self.0.take(self.1).await?.expect("it is there");
        Err(HandlerError::retry("not now"))
    }
}
