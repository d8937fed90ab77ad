//! The address book: the names of users, kept up to date from the feed.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use event_api::{Context, HandlerError, HandlerResult};
use serde::Serialize;
use shared::user_service::{NameChanged, UserDeleted, UserEventsHandler};
use sqlx::SqlitePool;

/// Users and their names. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AddressBook {
    pool: SqlitePool,
}

#[derive(Serialize)]
struct Contact {
    user: String,
    name: String,
}

impl AddressBook {
    pub(crate) async fn new(pool: &SqlitePool) -> Result<Self, sqlx::Error> {
        sqlx::query("CREATE TABLE IF NOT EXISTS contacts (user TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT")
            .execute(pool)
            .await?;
        Ok(AddressBook { pool: pool.clone() })
    }

    /// `GET /contacts` shows what is in it.
    pub(crate) fn router(&self) -> Router {
        Router::new().route("/contacts", get(contacts)).with_state(self.clone())
    }
}

/// An event may come again after a failure. Setting a name twice, or deleting twice, changes nothing.
impl UserEventsHandler for AddressBook {
    async fn name_changed(&self, event: NameChanged, cx: &Context) -> HandlerResult {
        let user = user(cx)?;
        sqlx::query("INSERT INTO contacts (user, name) VALUES (?, ?) ON CONFLICT DO UPDATE SET name = excluded.name")
            .bind(user)
            .bind(event.new_name.as_str())
            .execute(&self.pool)
            .await?;
        tracing::info!(user, name = %event.new_name, "address book: name changed");
        Ok(())
    }

    async fn user_deleted(&self, _: UserDeleted, cx: &Context) -> HandlerResult {
        let user = user(cx)?;
        sqlx::query("DELETE FROM contacts WHERE user = ?").bind(user).execute(&self.pool).await?;
        tracing::info!(user, "address book: user erased");
        Ok(())
    }
}

/// The user that an event is about. An event without one is not what was agreed, and will not become so: it is
/// rejected, and kept as a dead letter.
fn user(cx: &Context) -> Result<&str, HandlerError> {
    cx.subject.as_deref().ok_or_else(|| HandlerError::reject("the event does not say which user it is about"))
}

async fn contacts(State(book): State<AddressBook>) -> Result<Json<Vec<Contact>>, StatusCode> {
    let rows = sqlx::query_as("SELECT user, name FROM contacts ORDER BY user").fetch_all(&book.pool).await;
    let rows = rows.map_err(|error| {
        tracing::error!(%error, "the contacts cannot be read");
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    Ok(Json(rows.into_iter().map(|(user, name)| Contact { user, name }).collect()))
}
