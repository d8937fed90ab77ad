//! Waiting for events of whatever origin: the writer of this process tells at once, those of other processes by
//! `NOTIFY`, and a poller, which runs only while somebody waits, gives positions to what callers have committed, and
//! finds what was not notified.
//!
//! Callers' transactions do not notify: Postgres lets only one transaction of the whole server at a time commit with a
//! notification, and they would all wait for each other's disk.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgListener, PgPool};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::super::LogError;
use super::super::sql::storage;
use super::super::wake::Wake;
use super::failure::in_time;
use super::row;
use super::sequencer::Sequencer;
use crate::event::Position;

/// How long a commit of a caller's transaction may stay unseen.
const INTERVAL: Duration = Duration::from_millis(50);
/// How long a lost notification may stay unnoticed.
const SAFETY: Duration = Duration::from_secs(1);
/// How long nothing must have been heard before it is asked whether the other end is still there.
const SILENCE: Duration = Duration::from_secs(60);
/// How long to wait before the database is asked again after it has failed.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) wake: Arc<Wake>,
    look: Arc<Notify>,
    tasks: [AbortHandle; 2],
}

impl Waiting {
    pub(super) fn start(pool: PgPool, sequencer: Sequencer) -> Self {
        let wake = Arc::new(Wake::default());
        let look = Arc::new(Notify::new());
        let listener = tokio::spawn({
            let (pool, wake) = (pool.clone(), Arc::clone(&wake));
            let name = Arc::clone(&sequencer.notifications);
            async move { pool.close_event().do_until(listen(&pool, &name, &wake)).await }
        });
        let poller = tokio::spawn({
            let (wake, look) = (Arc::clone(&wake), Arc::clone(&look));
            async move {
                // An error says that it was closed.
                let _ = pool.close_event().do_until(poll(&pool, &sequencer, &wake, &look)).await;
                wake.end();
            }
        });
        Waiting { wake, look, tasks: [listener.abort_handle(), poller.abort_handle()] }
    }

    /// Makes the poller look now.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Hears of events that other processes have committed. Takes a connection when somebody waits for the first time, and
/// keeps it: a process that only publishes needs none.
async fn listen(pool: &PgPool, name: &str, wake: &Wake) {
    wake.somebody().await;
    loop {
        if let Err(error) = hear(pool, name, wake).await {
            tracing::warn!(error = %error, "cannot listen for new events; polling for them");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear(pool: &PgPool, name: &str, wake: &Wake) -> Result<(), sqlx::Error> {
    // Beside the pool, whose connections are for queries.
    let options = pool.options().clone().min_connections(0).max_connections(1).max_lifetime(None).idle_timeout(None);
    let own = options.connect_lazy_with((*pool.connect_options()).clone());
    let mut listener = PgListener::connect_with(&own).await?;
    in_time(listener.listen(name)).await??;
    loop {
        let Ok(notification) = tokio::time::timeout(SILENCE, listener.recv()).await else {
            in_time(sqlx::query("SELECT 1").execute(&mut listener)).await??;
            continue;
        };
        let notification = notification?;
        let told = notification.payload().split_once(' ').and_then(|(next, name)| Some((next.parse().ok()?, name)));
        if let Some((next, channel)) = told {
            wake.advance(channel, Position(next));
        }
    }
}

async fn poll(pool: &PgPool, sequencer: &Sequencer, wake: &Wake, look: &Notify) {
    let mut looked = Instant::now();
    loop {
        tokio::select! {
            // Somebody in another process may wait for what was committed here.
            () = look.notified() => {}
            () = next_time(wake) => {}
        }
        let complete = looked.elapsed() >= SAFETY;
        match find(pool, sequencer, wake, complete).await {
            Ok(()) if complete => looked = Instant::now(),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(error = %error, source = ?std::error::Error::source(&error), "cannot look for new events");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn next_time(wake: &Wake) {
    wake.somebody().await;
    tokio::time::sleep(INTERVAL).await;
}

/// Gives positions to what has none, and looks at where all channels end when the look is to be complete.
async fn find(pool: &PgPool, sequencer: &Sequencer, wake: &Wake, complete: bool) -> Result<(), LogError> {
    for channel in asked(pool, async |connection| row::pending(connection, &wake.awaited()).await).await? {
        let next = sequencer.number(&channel).await?;
        wake.advance(&channel, next);
    }
    if complete {
        for (channel, next) in asked(pool, row::ends).await? {
            wake.advance(&channel, next);
        }
    }
    Ok(())
}

/// What the database answers, in time.
async fn asked<T>(
    pool: &PgPool,
    question: impl AsyncFnOnce(&mut PgConnection) -> Result<T, LogError>,
) -> Result<T, LogError> {
    let mut connection = pool.acquire().await.map_err(storage)?;
    let answer = in_time(question(&mut connection)).await.map_err(storage).flatten();
    if answer.is_err() {
        connection.close_on_drop();
    }
    answer
}
