//! Errors on the wire: problem documents (RFC 9457), for every router of this crate.
//!
//! In: what went wrong, in the words of the API. Out: a response. What only concerns the operator (the storage's own
//! words, for example) goes to the trace, never to the client.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::log::LogError;

/// A problem document.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Problem {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    title: &'static str,
    #[serde(serialize_with = "code")]
    status: StatusCode,
    detail: String,
    #[serde(flatten)]
    extensions: Map<String, Value>,
}

impl Problem {
    /// `title` says what kind of problem it is, `detail` what happened this time and what to do.
    pub(crate) fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Problem { kind: None, title, status, detail: detail.into(), extensions: Map::new() }
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The URI that names the kind of problem, where the status alone does not.
    #[allow(dead_code, reason = "for routers whose problems have names of their own")]
    pub(crate) fn kind(mut self, uri: &'static str) -> Self {
        self.kind = Some(uri);
        self
    }

    /// A further member, for programs.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// The request's own fault.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "Bad request", detail)
    }

    /// Our own fault: `error` is told to the operator.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let causes: Vec<String> =
            std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string).collect();
        tracing::error!(%error, ?causes, "a request failed");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Internal error",
            "the request could not be answered; try again later",
        )
    }
}

/// Errors of the log that the client cannot do anything about. [`LogError::Retained`] has a better answer where the
/// router knows the URL of the oldest event.
impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match &error {
            LogError::Retained { oldest, .. } => {
                Problem::new(StatusCode::GONE, "Events removed by retention", error.to_string())
                    .with("oldest_position", oldest.0)
            }
            _ => Problem::internal(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (self.status, headers, body).into_response()
    }
}

fn code<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_what_rfc_9457_says() {
        let problem =
            Problem::new(StatusCode::NOT_FOUND, "Unknown channel", "there is no `x`").with("channels", vec!["y"]);
        assert_eq!(
            serde_json::to_string(&problem).unwrap(),
            r#"{"title":"Unknown channel","status":404,"detail":"there is no `x`","channels":["y"]}"#
        );
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn an_internal_error_tells_the_client_nothing() {
        let problem = Problem::from(LogError::Storage("the secret of the database".into()));
        assert!(!serde_json::to_string(&problem).unwrap().contains("secret"));
    }
}
