//! The users, in the database that also holds the event log: a change and its event are one transaction.

use event_api::chrono::Utc;
use event_api::log::{LogError, SqliteLog};
use event_api::{Invalid, PublishError, Publisher};
use shared::user_service::{DeletionReason, NameChanged, UserDeleted, UserEvents, UserEventsPublisher, UserName};

/// The users of the service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Users {
    log: SqliteLog,
    events: Publisher<UserEvents>,
}

/// What became of a name that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The user is new.
    Registered,
    /// The user had another name before.
    Renamed,
    /// The user had this name already.
    Unchanged,
}

/// Why users cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsersError {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("no transaction could be begun")]
    Log(#[from] LogError),
    #[error("the event was not published, and nothing was changed")]
    Publish(#[from] PublishError),
    #[error("the database holds a name that the contract does not allow")]
    Name(#[from] Invalid),
}

impl Users {
    pub(crate) async fn new(log: &SqliteLog) -> Result<Self, UsersError> {
        sqlx::query("CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
            .execute(log.pool())
            .await?;
        Ok(Users { log: log.clone(), events: UserEvents::publisher(log) })
    }

    pub(crate) async fn name(&self, id: i64) -> Result<Option<UserName>, UsersError> {
        let name: Option<String> =
            sqlx::query_scalar("SELECT name FROM users WHERE id = ?").bind(id).fetch_optional(self.log.pool()).await?;
        Ok(name.map(UserName::new).transpose()?)
    }

    /// Gives a user a name; the user's first one registers them.
    pub(crate) async fn set_name(&self, id: i64, name: UserName) -> Result<Named, UsersError> {
        let mut tx = self.log.begin().await?;
        let old: Option<String> =
            sqlx::query_scalar("SELECT name FROM users WHERE id = ?").bind(id).fetch_optional(&mut *tx).await?;
        sqlx::query("INSERT INTO users (id, name) VALUES (?, ?) ON CONFLICT DO UPDATE SET name = excluded.name")
            .bind(id)
            .bind(name.as_str())
            .execute(&mut *tx)
            .await?;
        let named = match old {
            None => Named::Registered,
            Some(old) if old == name.as_str() => Named::Unchanged,
            Some(old) => {
                let event = NameChanged { old_name: UserName::new(old)?, new_name: name };
                self.events.subject(subject(id)).within(&mut tx).name_changed(event).await?;
                Named::Renamed
            }
        };
        tx.commit().await?;
        self.log.wake();
        Ok(named)
    }

    /// Deletes a user, and returns whether there was one.
    pub(crate) async fn delete(&self, id: i64, reason: Option<DeletionReason>) -> Result<bool, UsersError> {
        let mut tx = self.log.begin().await?;
        let deleted = sqlx::query("DELETE FROM users WHERE id = ?").bind(id).execute(&mut *tx).await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        let event = UserDeleted { deleted_at: Utc::now().fixed_offset(), reason };
        self.events.subject(subject(id)).within(&mut tx).user_deleted(event).await?;
        tx.commit().await?;
        self.log.wake();
        Ok(true)
    }
}

/// What the events of a user are about, as the document says.
fn subject(id: i64) -> String {
    format!("/users/{id}")
}
