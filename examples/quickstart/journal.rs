//! The consumers' side: handlers that write down which events they have handled, how often, and from where.

use std::path::Path;
use std::time::Duration;

use event_api::log::SqliteLog;
use event_api::{Context, HandlerResult, Transport};
use sqlx::SqlitePool;
use tokio::sync::watch;

use crate::Result;
use crate::user_service::{NameChanged, UserDeleted, UserEventsHandler};

/// Far more than it takes. A receiver that was killed while it handled an event gets that again after 40 seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was handled, in a database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Journal {
    pool: SqlitePool,
    grown: watch::Sender<()>,
}

/// How many events were handled.
pub(crate) struct Counts {
    pub(crate) feed: u64,
    pub(crate) webhook: u64,
    /// Of both together, how many more than once.
    pub(crate) repeated: u64,
}

impl Journal {
    pub(crate) async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let pool = SqlitePool::connect_with(SqliteLog::options(path)).await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS handled (
                transport TEXT NOT NULL,
                event TEXT NOT NULL,
                times INTEGER NOT NULL,
                PRIMARY KEY (transport, event)
            ) STRICT",
        )
        .execute(&pool)
        .await?;
        Ok(Journal { pool, grown: watch::Sender::default() })
    }

    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// A handler of what comes by `transport`.
    pub(crate) fn recorder(&self, transport: Transport) -> Recorder {
        Recorder { journal: self.clone(), transport }
    }

    pub(crate) async fn counts(&self) -> Result<Counts> {
        let (feed, webhook, repeated) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE transport = 'Feed'), count(*) FILTER (WHERE transport = 'Webhook'),
             count(*) FILTER (WHERE times > 1) FROM handled",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Counts { feed, webhook, repeated })
    }

    /// Waits until `count` events have come by `transport`, in this run and earlier ones.
    pub(crate) async fn wait_for(&self, transport: Transport, count: u64) -> Result {
        let mut grown = self.grown.subscribe();
        let waiting = async {
            loop {
                let counts = self.counts().await?;
                let handled = if transport == Transport::Feed { counts.feed } else { counts.webhook };
                if handled >= count {
                    return Ok(());
                }
                grown.changed().await?;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| Err(format!("{count} events did not come by {transport:?} in {PATIENCE:?}").into()))
    }
}

/// Handles events by writing them down.
pub(crate) struct Recorder {
    journal: Journal,
    transport: Transport,
}

impl Recorder {
    async fn record(&self, cx: &Context, what: String) -> HandlerResult {
        println!("   {:?}: {} {what}", self.transport, cx.subject.as_deref().unwrap_or("someone"));
        sqlx::query(
            "INSERT INTO handled (transport, event, times) VALUES (?, ?, 1)
             ON CONFLICT DO UPDATE SET times = times + 1",
        )
        .bind(format!("{:?}", self.transport))
        .bind(cx.id.as_str())
        .execute(&self.journal.pool)
        .await?;
        self.journal.grown.send_replace(());
        Ok(())
    }
}

impl UserEventsHandler for Recorder {
    async fn name_changed(&self, event: NameChanged, cx: &Context) -> HandlerResult {
        self.record(cx, format!("was {} and is {} now", event.old_name, event.new_name)).await
    }

    async fn user_deleted(&self, event: UserDeleted, cx: &Context) -> HandlerResult {
        let reason = event.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        self.record(cx, format!("is deleted{reason}")).await
    }
}
