//! A small HTTP client, for what a person would do with curl.

use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use event_api::Json;
use event_api::chrono::Utc;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

use crate::Result;

/// Sends requests.
pub(crate) struct Client(hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>);

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    body: Bytes,
}

impl Client {
    pub(crate) fn new() -> Self {
        Client(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Answer> {
        self.send(Request::get(url).body(Full::default())?).await
    }

    pub(crate) async fn post_json(&self, url: &str, body: &Json) -> Result<Answer> {
        let request = Request::post(url).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Full::from(body.to_string()))?).await
    }

    /// Posts an event that is signed by somebody who does not know the secret.
    pub(crate) async fn forge_webhook(&self, url: &str) -> Result<Answer> {
        let request = Request::post(url)
            .header("webhook-id", "forged")
            .header("webhook-timestamp", Utc::now().timestamp())
            .header("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=");
        let body =
            r#"{"type":"UserDeleted","timestamp":"2020-05-01T14:00:00Z","data":{"deletedAt":"2020-05-01T14:00:00Z"}}"#;
        self.send(request.body(Full::from(body))?).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let (parts, body) = self.0.request(request).await?.into_parts();
        Ok(Answer { status: parts.status, body: body.collect().await?.to_bytes() })
    }
}

impl Answer {
    /// That the answer is no error.
    pub(crate) fn ok(self) -> Result<Self> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(format!("{}: {}", self.status, String::from_utf8_lossy(&self.body)).into())
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}
