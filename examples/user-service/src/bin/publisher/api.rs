//! The REST resource of the users.

use std::error::Error;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use shared::user_service::{DeletionReason, UserName};

use crate::users::{Named, Users, UsersError};

pub(crate) fn router(users: Users) -> Router {
    Router::new()
        .route("/users/{id}", get(show).delete(delete))
        .route("/users/{id}/name", put(set_name))
        .with_state(users)
}

#[derive(Serialize)]
struct User {
    id: i64,
    name: UserName,
}

/// The body of a change. The generated type refuses names that could not be published.
#[derive(Deserialize)]
struct NewName {
    name: UserName,
}

#[derive(Deserialize)]
struct Deletion {
    reason: Option<DeletionReason>,
}

async fn show(State(users): State<Users>, Path(id): Path<i64>) -> Result<Response, UsersError> {
    Ok(match users.name(id).await? {
        Some(name) => Json(User { id, name }).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

async fn set_name(
    State(users): State<Users>,
    Path(id): Path<i64>,
    Json(NewName { name }): Json<NewName>,
) -> Result<StatusCode, UsersError> {
    Ok(match users.set_name(id, name).await? {
        Named::Registered => StatusCode::CREATED,
        Named::Renamed | Named::Unchanged => StatusCode::NO_CONTENT,
    })
}

async fn delete(
    State(users): State<Users>,
    Path(id): Path<i64>,
    Query(Deletion { reason }): Query<Deletion>,
) -> Result<StatusCode, UsersError> {
    Ok(if users.delete(id, reason).await? { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

impl IntoResponse for UsersError {
    fn into_response(self) -> Response {
        // The cause is for the operator, not for the client.
        tracing::error!(error = %self, cause = self.source().map(tracing::field::display), "a request failed");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
