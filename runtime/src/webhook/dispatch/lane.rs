//! One subscription in one channel: reads the log from its cursor on, and has one event outstanding at a time.
//!
//! The cursor in the store is behind or at the truth, never before it: it moves after the endpoint has acknowledged.
//! Whatever is killed in between is sent again.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tracing::Instrument as _;

use super::Shared;
use super::attempt::Outcome;
use crate::consume::{Backoff, Shutdown};
use crate::event::Position;
use crate::log::{LogError, PageLimit, StoredEvent};
use crate::telemetry::{self, record};
use crate::webhook::subscription::{Cursor, DeadLetter, Failure, Subscription};

/// Events read at once. Few enough that lanes which wait hold little.
const PAGE: PageLimit = PageLimit { events: 100, bytes: 1 << 20 };
/// Between tries to reach a log or store that fails.
const STORAGE: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));
/// The longest sleep in one piece: the wall clock may be set while we sleep.
const NAP: Duration = Duration::from_secs(60);

pub(super) struct Lane {
    pub(super) shared: Arc<Shared>,
    pub(super) subscription: Arc<Subscription>,
    pub(super) channel: String,
    /// Where the lane stands; the store may lag behind by what was only skipped.
    pub(super) cursor: Cursor,
}

/// Why a lane ends: it is time to stop, or its subscription was disabled.
struct Ended;

impl Lane {
    pub(super) async fn run(mut self) {
        let span = tracing::info_span!(
            "webhook lane",
            subscription = %self.subscription.id,
            channel = %self.channel,
        );
        async move { while let Ok(()) = self.page().await {} }.instrument(span).await;
    }

    /// Waits until there is something to do, and does it for a page of events, or up to the first failure.
    async fn page(&mut self) -> Result<(), Ended> {
        if let Some(failure) = &self.cursor.failure {
            sleep_until(&self.shared.shutdown, failure.next_attempt_at).await?;
        }
        let shared = Arc::clone(&self.shared);
        let position = self.cursor.position;
        let read = persist(&shared.shutdown, "reading the log", || async {
            shared.log.wait(&self.channel, position).await?;
            match shared.log.read_page(&self.channel, position, PAGE).await {
                Err(LogError::Retained { oldest, .. }) => Ok(Err(oldest)),
                page => page.map(Ok),
            }
        });
        let page = shared.shutdown.or(read).await.ok_or(Ended)??;
        let page = match page {
            Ok(page) => page,
            Err(oldest) => return self.gap(oldest).await,
        };
        if page.is_empty() {
            // The log said that there is something; do not spin while it makes up its mind.
            return shared.shutdown.sleep(Duration::from_millis(100)).await.ok_or(Ended);
        }
        let mut skipped = false;
        for stored in page {
            if self.subscription.wants_type(&stored.event.metadata.event_type) {
                if shared.shutdown.requested() {
                    break;
                }
                self.event(stored).await?;
                skipped = false;
                if self.cursor.failure.is_some() {
                    break;
                }
            } else {
                self.cursor = Cursor::at(stored.position.next());
                skipped = true;
            }
        }
        if skipped {
            self.save().await?;
        }
        if shared.shutdown.requested() { Err(Ended) } else { Ok(()) }
    }

    /// Makes one attempt, and stores what came of it before anything else happens.
    async fn event(&mut self, stored: StoredEvent) -> Result<(), Ended> {
        let attempts = self.cursor.failure.as_ref().map_or(0, |failure| failure.attempts).saturating_add(1);
        let id = self.subscription.id.as_str();
        let span = telemetry::delivering(&self.channel, id, &stored.event.metadata, attempts);
        let shared = Arc::clone(&self.shared);
        let began = Instant::now();
        let outcome = shared.sender.attempt(&self.subscription, &self.channel, &stored).instrument(span.clone()).await;
        let error = outcome.error_type();
        record::delivered(&self.channel, began.elapsed(), error);
        if let Some(error) = error {
            telemetry::fail(&span, error);
        }
        match outcome {
            Outcome::Delivered => {
                tracing::debug!(parent: &span, "delivered");
                self.cursor = Cursor::at(stored.position.next());
                self.save().await
            }
            Outcome::Gone => {
                tracing::warn!(parent: &span, url = %self.subscription.callback_url, "answered 410 Gone: disabled");
                let reason = "the endpoint answered 410 Gone, which means that it wants no more events";
                let disable = || shared.subscriptions.disable(&self.subscription.id, reason);
                persist(&shared.shutdown, "disabling a subscription", disable).await?;
                Err(Ended)
            }
            Outcome::Failed { error, status, retry_after } => {
                let status = status.map(|status| status.as_u16());
                let Some(wait) = shared.schedule.wait(attempts, rand::random()) else {
                    return self.give_up(stored, attempts, error, status).await;
                };
                // What the endpoint asks for is the least; the schedule still takes its three days.
                let wait = wait.max(retry_after.unwrap_or_default());
                tracing::warn!(parent: &span, %error, retry_in = ?wait, "delivery failed");
                // Durations that chrono cannot hold are longer than anybody waits.
                let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(365));
                self.cursor = Cursor {
                    position: stored.position,
                    failure: Some(Failure { attempts, next_attempt_at: Utc::now() + wait, error, status }),
                };
                self.save().await
            }
            Outcome::Impossible(error) => self.give_up(stored, attempts, error, None).await,
        }
    }

    async fn give_up(
        &mut self,
        stored: StoredEvent,
        attempts: u32,
        error: String,
        status: Option<u16>,
    ) -> Result<(), Ended> {
        tracing::error!(id = %stored.event.metadata.id, attempts, %error, "delivery given up: now a dead letter");
        self.bury(DeadLetter {
            subscription: self.subscription.id.clone(),
            channel: self.channel.clone(),
            first: stored.position,
            last: stored.position,
            event: Some(stored.event),
            attempts,
            error,
            status,
            at: Utc::now(),
        })
        .await
    }

    /// Events between the cursor and `oldest` are no longer there: goes on, and leaves a record that they are missing.
    async fn gap(&mut self, oldest: Position) -> Result<(), Ended> {
        let first = self.cursor.position;
        // A log that says "retained" of a position that it still has would make us go back.
        let last = Position(oldest.0.saturating_sub(1).max(first.0));
        tracing::error!(%first, %last, "retention removed events before they were delivered");
        let failure = self.cursor.failure.take();
        let (attempts, status) = failure.map_or((0, None), |failure| (failure.attempts, failure.status));
        self.bury(DeadLetter {
            subscription: self.subscription.id.clone(),
            channel: self.channel.clone(),
            first,
            last,
            event: None,
            attempts,
            error: format!("the log's retention removed the events {first} to {last} before they were delivered"),
            status,
            at: Utc::now(),
        })
        .await
    }

    async fn bury(&mut self, letter: DeadLetter) -> Result<(), Ended> {
        let shared = &self.shared;
        persist(&shared.shutdown, "storing a dead letter", || shared.subscriptions.bury(&letter)).await?;
        self.cursor = Cursor::at(letter.last.next());
        Ok(())
    }

    async fn save(&self) -> Result<(), Ended> {
        let shared = &self.shared;
        let advance = || shared.subscriptions.advance(&self.subscription.id, &self.channel, &self.cursor);
        persist(&shared.shutdown, "moving a cursor", advance).await
    }
}

/// Tries until it succeeds: storage that fails now stops deliveries, and loses none.
async fn persist<T, E, F>(
    shutdown: &Shutdown,
    doing: &'static str,
    mut operation: impl FnMut() -> F,
) -> Result<T, Ended>
where
    F: Future<Output = Result<T, E>>,
    E: std::error::Error + 'static,
{
    let mut attempt = 0;
    loop {
        match operation().await {
            Ok(done) => return Ok(done),
            Err(error) => {
                attempt += 1;
                tracing::error!(error = crate::consume::chain(&error), attempt, "{doing} failed");
                shutdown.sleep(STORAGE.random_delay(attempt)).await.ok_or(Ended)?;
            }
        }
    }
}

async fn sleep_until(shutdown: &Shutdown, time: DateTime<Utc>) -> Result<(), Ended> {
    while let Ok(left) = (time - Utc::now()).to_std() {
        if left.is_zero() {
            break;
        }
        shutdown.sleep(left.min(NAP)).await.ok_or(Ended)?;
    }
    Ok(())
}
