//! The mailer: says goodbye and congratulates, when webhooks tell it to. It only writes down what it would send.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use event_api::{Context, HandlerResult};
use serde::Serialize;
use shared::user_service::{DeletionReason, NameChanged, UserDeleted, UserEventsHandler};
use sqlx::SqlitePool;

/// The mails to be sent. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mailer {
    pool: SqlitePool,
}

#[derive(Serialize)]
struct Mail {
    event: String,
    text: String,
}

impl Mailer {
    pub(crate) async fn new(pool: &SqlitePool) -> Result<Self, sqlx::Error> {
        sqlx::query("CREATE TABLE IF NOT EXISTS mails (event TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT")
            .execute(pool)
            .await?;
        Ok(Mailer { pool: pool.clone() })
    }

    /// `GET /mails` shows what was written.
    pub(crate) fn router(&self) -> Router {
        Router::new().route("/mails", get(mails)).with_state(self.clone())
    }

    /// One mail an event: the event's id makes sure that a second attempt writes no second mail.
    async fn write(&self, cx: &Context, text: String) -> HandlerResult {
        tracing::info!(event = %cx.id, attempt = cx.attempt, text, "mailer: mail");
        sqlx::query("INSERT INTO mails (event, text) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(cx.id.as_str())
            .bind(text)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

impl UserEventsHandler for Mailer {
    async fn name_changed(&self, event: NameChanged, cx: &Context) -> HandlerResult {
        self.write(cx, format!("Dear {}, from now on we call you {}.", event.old_name, event.new_name)).await
    }

    async fn user_deleted(&self, event: UserDeleted, cx: &Context) -> HandlerResult {
        let text = match event.reason {
            Some(DeletionReason::Fraud) => return Ok(()),
            Some(DeletionReason::Inactive) => "We have not seen you for long. Farewell.",
            Some(DeletionReason::Requested) | None => "As you wished, we have forgotten you. Farewell.",
        };
        self.write(cx, text.to_owned()).await
    }
}

async fn mails(State(mailer): State<Mailer>) -> Result<Json<Vec<Mail>>, StatusCode> {
    let rows = sqlx::query_as("SELECT event, text FROM mails ORDER BY rowid").fetch_all(&mailer.pool).await;
    let rows = rows.map_err(|error| {
        tracing::error!(%error, "the mails cannot be read");
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    Ok(Json(rows.into_iter().map(|(event, text)| Mail { event, text }).collect()))
}
