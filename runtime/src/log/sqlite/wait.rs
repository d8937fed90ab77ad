//! Waiting for events of whatever origin: the writer of this process tells at once; commits of callers' transactions
//! and of other processes are found by one poller, which runs only while somebody waits.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::super::wake::Wake;
use super::row;

/// How long a commit by somebody else may stay unseen.
const INTERVAL: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) wake: Arc<Wake>,
    look: Arc<Notify>,
    poller: AbortHandle,
}

impl Waiting {
    pub(super) fn start(pool: SqlitePool) -> Self {
        let wake = Arc::new(Wake::default());
        let look = Arc::new(Notify::new());
        let poller = tokio::spawn({
            let (wake, look) = (Arc::clone(&wake), Arc::clone(&look));
            async move {
                let mut closed = pool.close_event();
                tokio::select! {
                    () = poll(&pool, &wake, &look) => {}
                    () = &mut closed => wake.end(),
                }
            }
        });
        let poller = poller.abort_handle();
        Waiting { wake, look, poller }
    }

    /// Makes the poller look now.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.poller.abort();
    }
}

async fn poll(pool: &SqlitePool, wake: &Wake, look: &Notify) {
    loop {
        wake.somebody().await;
        // Either way it is time to look.
        let _ = tokio::time::timeout(INTERVAL, look.notified()).await;
        match row::ends(pool).await {
            Ok(ends) => {
                for (channel, next) in ends {
                    wake.advance(&channel, next);
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, source = ?std::error::Error::source(&error), "cannot look for new events");
            }
        }
    }
}
