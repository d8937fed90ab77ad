//! Subscriptions in a SQLite database, that of the log or its own.
//!
//! Writes are single statements or `BEGIN IMMEDIATE` transactions, so writers queue instead of failing.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use tokio::sync::watch;

use super::{Cursor, DeadLetter, Failure, Secrets, Start, Status, Subscription, SubscriptionId, Subscriptions};
use crate::consume::StoreError;
use crate::event::{Position, RawEvent};
use crate::sqlite;
use crate::webhook::sign::Secret;
use crate::webhook::wire;

const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Subscriptions in a SQLite database. Handles are cheap to clone and share the pool.
///
/// Secrets are stored readably, because signing needs them: whoever can read the database can sign as the publisher.
#[derive(Clone, Debug)]
pub struct SqliteSubscriptions {
    pool: SqlitePool,
    changes: Arc<watch::Sender<()>>,
}

impl SqliteSubscriptions {
    /// Opens the subscriptions in the database file at `path`, and creates it where there is none.
    ///
    /// # Errors
    /// When the file cannot be opened or its tables are those of a newer release.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let opening = format!("opening the webhook subscriptions in {}", path.display());
        let pool = sqlite::open(path).await.map_err(|error| StoreError::new(opening, error))?;
        Self::with_pool(pool).await
    }

    /// Subscriptions in the database of the service, that of its log for one; tables are named `event_api_…`.
    ///
    /// # Errors
    /// When the database cannot be written or its tables are those of a newer release.
    pub async fn with_pool(pool: SqlitePool) -> Result<Self, StoreError> {
        let migrated = sqlite::migrate(&pool, "webhook", MIGRATIONS).await;
        migrated.map_err(|error| StoreError::new("preparing the tables of webhook subscriptions", error))?;
        Ok(SqliteSubscriptions { pool, changes: Arc::default() })
    }

    async fn insert(&self, subscription: &Subscription, cursors: &[(&str, Position)]) -> Result<(), Cause> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let secrets: Vec<String> = subscription.secrets.iter().map(Secret::reveal).collect();
        let (disabled_at, reason) = match &subscription.status {
            Status::Active => (None, None),
            Status::Disabled { at, reason } => (Some(time(*at)), Some(reason)),
        };
        sqlx::query(
            "INSERT INTO event_api_webhook_subscriptions
             (id, callback_url, event_types, channels, start, created_at, secrets, disabled_at, disabled_reason)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(subscription.id.as_str())
        .bind(&subscription.callback_url)
        .bind(serde_json::to_string(&subscription.event_types)?)
        .bind(serde_json::to_string(&subscription.channels)?)
        .bind(match subscription.start {
            Start::Now => "now".to_owned(),
            Start::Beginning => "beginning".to_owned(),
            Start::At(position) => position.to_string(),
        })
        .bind(time(subscription.created_at))
        .bind(secrets.join(" "))
        .bind(disabled_at)
        .bind(reason)
        .execute(&mut *transaction)
        .await?;
        for (channel, position) in cursors {
            sqlx::query("INSERT INTO event_api_webhook_cursors (subscription, channel, position) VALUES (?, ?, ?)")
                .bind(subscription.id.as_str())
                .bind(*channel)
                .bind(i64::try_from(position.0)?)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn page(&self, after: &str, limit: usize) -> Result<Vec<Subscription>, Cause> {
        let rows = sqlx::query("SELECT * FROM event_api_webhook_subscriptions WHERE id > ? ORDER BY id LIMIT ?")
            .bind(after)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(subscription).collect()
    }

    async fn remove(&self, id: &SubscriptionId) -> Result<bool, sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let removed = sqlx::query("DELETE FROM event_api_webhook_subscriptions WHERE id = ?")
            .bind(id.as_str())
            .execute(&mut *transaction)
            .await?;
        for statement in [
            "DELETE FROM event_api_webhook_cursors WHERE subscription = ?",
            "DELETE FROM event_api_webhook_dead_letters WHERE subscription = ?",
        ] {
            sqlx::query(statement).bind(id.as_str()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(removed.rows_affected() > 0)
    }

    async fn put(
        connection: impl sqlx::SqliteExecutor<'_>,
        id: &SubscriptionId,
        channel: &str,
        cursor: &Cursor,
    ) -> Result<u64, Cause> {
        let failure = cursor.failure.as_ref();
        // The SELECT: a cursor never outlives its subscription.
        let moved = sqlx::query(
            "INSERT INTO event_api_webhook_cursors
             (subscription, channel, position, attempts, next_attempt_at, error, status)
             SELECT id, ?, ?, ?, ?, ?, ? FROM event_api_webhook_subscriptions WHERE id = ?
             ON CONFLICT (subscription, channel) DO UPDATE SET
             position = excluded.position, attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at,
             error = excluded.error, status = excluded.status",
        )
        .bind(channel)
        .bind(i64::try_from(cursor.position.0)?)
        .bind(failure.map(|failure| failure.attempts))
        .bind(failure.map(|failure| time(failure.next_attempt_at)))
        .bind(failure.map(|failure| &failure.error))
        .bind(failure.and_then(|failure| failure.status))
        .bind(id.as_str())
        .execute(connection)
        .await?;
        Ok(moved.rows_affected())
    }

    async fn insert_letter(&self, letter: &DeadLetter) -> Result<(), Cause> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let next = Cursor::at(letter.last.next());
        if Self::put(&mut *transaction, &letter.subscription, &letter.channel, &next).await? == 0 {
            // The subscription is gone; dropping the transaction rolls it back.
            return Ok(());
        }
        let body = match &letter.event {
            Some(event) => Some(String::from_utf8(wire::write(&letter.channel, Some(letter.first), event)?)?),
            None => None,
        };
        let metadata = letter.event.as_ref().map(|event| &event.metadata);
        sqlx::query(
            "INSERT INTO event_api_webhook_dead_letters
             (subscription, channel, first, last, event_id, traceparent, body, attempts, error, status, at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(letter.subscription.as_str())
        .bind(&letter.channel)
        .bind(i64::try_from(letter.first.0)?)
        .bind(i64::try_from(letter.last.0)?)
        .bind(metadata.map(|metadata| metadata.id.as_str()))
        .bind(metadata.and_then(|metadata| metadata.traceparent.as_deref()))
        .bind(body)
        .bind(letter.attempts)
        .bind(&letter.error)
        .bind(letter.status)
        .bind(time(letter.at))
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

#[async_trait]
impl Subscriptions for SqliteSubscriptions {
    async fn create(&self, subscription: &Subscription, cursors: &[(&str, Position)]) -> Result<(), StoreError> {
        let stored = self.insert(subscription, cursors).await;
        stored.map_err(|error| StoreError::new(format!("storing webhook subscription {}", subscription.id), error))?;
        self.changes.send_replace(());
        Ok(())
    }

    async fn get(&self, id: &SubscriptionId) -> Result<Option<Subscription>, StoreError> {
        let fail = |error: Cause| StoreError::new(format!("reading webhook subscription {id}"), error);
        let row = sqlx::query("SELECT * FROM event_api_webhook_subscriptions WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| fail(error.into()))?;
        row.as_ref().map(subscription).transpose().map_err(fail)
    }

    async fn list(&self, after: Option<&SubscriptionId>, limit: usize) -> Result<Vec<Subscription>, StoreError> {
        let page = self.page(after.map_or("", SubscriptionId::as_str), limit).await;
        page.map_err(|error| StoreError::new("listing webhook subscriptions", error))
    }

    async fn delete(&self, id: &SubscriptionId) -> Result<bool, StoreError> {
        let removed = self.remove(id).await;
        let removed = removed.map_err(|error| StoreError::new(format!("deleting webhook subscription {id}"), error))?;
        self.changes.send_replace(());
        Ok(removed)
    }

    async fn disable(&self, id: &SubscriptionId, reason: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE event_api_webhook_subscriptions SET disabled_at = ?, disabled_reason = ?
             WHERE id = ? AND disabled_at IS NULL",
        )
        .bind(time(Utc::now()))
        .bind(reason)
        .bind(id.as_str())
        .execute(&self.pool)
        .await
        .map_err(|error| StoreError::new(format!("disabling webhook subscription {id}"), error))?;
        self.changes.send_replace(());
        Ok(())
    }

    async fn cursors(&self, id: &SubscriptionId) -> Result<Vec<(String, Cursor)>, StoreError> {
        let fail = |error: Cause| StoreError::new(format!("reading the cursors of webhook subscription {id}"), error);
        let rows = sqlx::query("SELECT * FROM event_api_webhook_cursors WHERE subscription = ?")
            .bind(id.as_str())
            .fetch_all(&self.pool)
            .await
            .map_err(|error| fail(error.into()))?;
        rows.iter().map(cursor).collect::<Result<_, _>>().map_err(fail)
    }

    async fn advance(&self, id: &SubscriptionId, channel: &str, cursor: &Cursor) -> Result<(), StoreError> {
        let moved = Self::put(&self.pool, id, channel, cursor).await;
        let doing = || format!("moving the cursor of webhook subscription {id} in channel {channel:?}");
        moved.map(|_| ()).map_err(|error| StoreError::new(doing(), error))
    }

    async fn bury(&self, letter: &DeadLetter) -> Result<(), StoreError> {
        let stored = self.insert_letter(letter).await;
        let doing = || format!("storing a dead letter of webhook subscription {}", letter.subscription);
        stored.map_err(|error| StoreError::new(doing(), error))
    }

    async fn dead_letters(
        &self,
        id: &SubscriptionId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, DeadLetter)>, StoreError> {
        let fail = |error: Cause| StoreError::new(format!("reading the dead letters of subscription {id}"), error);
        let rows = sqlx::query(
            "SELECT * FROM event_api_webhook_dead_letters WHERE subscription = ? AND number > ?
             ORDER BY number LIMIT ?",
        )
        .bind(id.as_str())
        .bind(i64::try_from(after.unwrap_or(0)).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(|error| fail(error.into()))?;
        rows.iter().map(dead_letter).collect::<Result<_, _>>().map_err(fail)
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}

fn subscription(row: &SqliteRow) -> Result<Subscription, Cause> {
    let secrets = row.try_get::<&str, _>("secrets")?;
    let mut secrets = secrets.split(' ').map(str::parse::<Secret>);
    let current = secrets.next().ok_or("the subscription has no secret")??;
    let secrets = secrets.try_fold(Secrets::from(current), |all, next| next.map(|secret| all.and(secret)))?;
    let disabled_at = row.try_get::<Option<&str>, _>("disabled_at")?;
    Ok(Subscription {
        id: SubscriptionId::from(row.try_get::<String, _>("id")?),
        callback_url: row.try_get("callback_url")?,
        event_types: serde_json::from_str(row.try_get("event_types")?)?,
        channels: serde_json::from_str(row.try_get("channels")?)?,
        start: match row.try_get("start")? {
            "now" => Start::Now,
            "beginning" => Start::Beginning,
            position => Start::At(position.parse()?),
        },
        created_at: row.try_get::<&str, _>("created_at")?.parse()?,
        status: match disabled_at {
            None => Status::Active,
            Some(at) => Status::Disabled {
                at: at.parse()?,
                reason: row.try_get::<Option<String>, _>("disabled_reason")?.unwrap_or_default(),
            },
        },
        secrets,
    })
}

fn cursor(row: &SqliteRow) -> Result<(String, Cursor), Cause> {
    let failure = match row.try_get::<Option<u32>, _>("attempts")? {
        None => None,
        Some(attempts) => Some(Failure {
            attempts,
            next_attempt_at: row.try_get::<&str, _>("next_attempt_at")?.parse()?,
            error: row.try_get("error")?,
            status: row.try_get("status")?,
        }),
    };
    Ok((row.try_get("channel")?, Cursor { position: position(row, "position")?, failure }))
}

fn dead_letter(row: &SqliteRow) -> Result<(u64, DeadLetter), Cause> {
    let at: DateTime<Utc> = row.try_get::<&str, _>("at")?.parse()?;
    let event: Option<RawEvent> = match row.try_get::<Option<&str>, _>("body")? {
        None => None,
        Some(body) => {
            let traceparent = row.try_get::<Option<&str>, _>("traceparent")?;
            Some(wire::read(body.as_bytes(), row.try_get("event_id")?, traceparent, at)?.event)
        }
    };
    let letter = DeadLetter {
        subscription: SubscriptionId::from(row.try_get::<String, _>("subscription")?),
        channel: row.try_get("channel")?,
        first: position(row, "first")?,
        last: position(row, "last")?,
        event,
        attempts: row.try_get("attempts")?,
        error: row.try_get("error")?,
        status: row.try_get("status")?,
        at,
    };
    Ok((row.try_get::<i64, _>("number")?.try_into()?, letter))
}

fn position(row: &SqliteRow, column: &str) -> Result<Position, Cause> {
    Ok(Position(row.try_get::<i64, _>(column)?.try_into()?))
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}
