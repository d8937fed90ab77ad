//! One attempt: an event becomes a signed request, and the answer becomes an [`Outcome`].

use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Request, StatusCode};

use super::schedule::retry_after;
use crate::http_client::{Client, ClientError};
use crate::log::StoredEvent;
use crate::webhook::guard::{Guard, NOT_PUBLIC};
use crate::webhook::subscription::Subscription;
use crate::webhook::{sign, wire};

/// What subscribers are told of a certificate from nowhere.
const UNKNOWN_AUTHORITY: &str = "no authority that is trusted here has issued the endpoint's certificate";
/// How much of a response is logged.
const EXCERPT: usize = 300;

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    /// 2xx.
    Delivered,
    /// 410: the endpoint wants no more.
    Gone,
    /// Anything else that may pass. The error is shown to subscribers, so it tells nothing about the operator's network:
    /// internal addresses and what their services answer are only logged.
    Failed { error: String, status: Option<StatusCode>, retry_after: Option<Duration> },
    /// No request can be made of this event, now or later.
    Impossible(String),
}

impl Outcome {
    /// Why it failed, in a word, for spans and metrics.
    pub(super) fn error_type(&self) -> Option<&'static str> {
        match self {
            Outcome::Delivered => None,
            Outcome::Gone => Some("gone"),
            Outcome::Failed { .. } => Some("failed"),
            Outcome::Impossible(_) => Some("impossible"),
        }
    }
}

/// How attempts are made.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) guard: Guard,
    pub(super) timeout: Duration,
}

impl Sender {
    /// Sends `stored` to `subscription`, once.
    pub(super) async fn attempt(&self, subscription: &Subscription, channel: &str, stored: &StoredEvent) -> Outcome {
        // The guard may have become stricter since the subscription was made.
        if let Err(error) = self.guard.check_form(&subscription.callback_url) {
            tracing::warn!(%error, "the callback URL is refused by the guard");
            return failed(error.public());
        }
        let request = match request(subscription, channel, stored) {
            Ok(request) => request,
            Err(error) => return Outcome::Impossible(format!("the event cannot be sent: {error}")),
        };
        let response = match self.client.send(request, self.timeout).await {
            Ok(response) => response,
            Err(error) => {
                tracing::info!(%error, "the request failed");
                return failed(match error {
                    ClientError::Refused(_) => NOT_PUBLIC.to_owned(),
                    // What it says beyond that is for the operator.
                    ClientError::UnknownAuthority { .. } => UNKNOWN_AUTHORITY.to_owned(),
                    error => error.to_string(),
                });
            }
        };
        match response.status {
            status if status.is_success() => Outcome::Delivered,
            StatusCode::GONE => Outcome::Gone,
            status => {
                tracing::info!(%status, said = excerpt(&response.body), "the endpoint did not accept the event");
                let wait = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
                let wait = response.headers.get(RETRY_AFTER).filter(|_| wait);
                Outcome::Failed {
                    error: describe(status),
                    status: Some(status),
                    retry_after: wait.and_then(|wait| retry_after(wait.to_str().ok()?, Utc::now())),
                }
            }
        }
    }
}

fn failed(error: String) -> Outcome {
    Outcome::Failed { error, status: None, retry_after: None }
}

fn request(
    subscription: &Subscription,
    channel: &str,
    stored: &StoredEvent,
) -> Result<Request<Bytes>, Box<dyn std::error::Error>> {
    let metadata = &stored.event.metadata;
    let body = wire::write(channel, Some(stored.position), &stored.event)?;
    let id = wire::header_id(&metadata.id);
    let now = Utc::now();
    let mut request = Request::post(subscription.callback_url.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(sign::ID, id.as_ref())
        .header(sign::TIMESTAMP, now.timestamp())
        .header(sign::SIGNATURE, subscription.secrets.sign(&id, now, &body))
        .body(Bytes::from(body))?;
    // A trace context that is no header value is no trace context, and no reason to withhold the event.
    if let Some(Ok(parent)) = metadata.traceparent.as_deref().map(HeaderValue::from_str) {
        request.headers_mut().insert(wire::TRACEPARENT, parent);
    }
    Ok(request)
}

fn describe(status: StatusCode) -> String {
    let mut text = format!("the endpoint answered {status}");
    if status.is_redirection() {
        text.push_str(" (redirects are not followed: subscribe with the final URL)");
    }
    text
}

/// The beginning of what the endpoint says, in one line.
fn excerpt(body: &[u8]) -> String {
    let said = String::from_utf8_lossy(body);
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(EXCERPT).collect()
}
