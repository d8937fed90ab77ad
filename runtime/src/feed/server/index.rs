//! What stands beside the feeds: the list of them, and the AsyncAPI document.

use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Feeds;
use crate::event::Channel;

/// The feeds that there are.
#[derive(Serialize)]
struct Index {
    /// Where the AsyncAPI document is, if it is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    document_url: Option<String>,
    feeds: Vec<IndexEntry>,
}

#[derive(Serialize)]
struct IndexEntry {
    channel: &'static str,
    title: &'static str,
    feed_url: String,
    event_types: &'static [&'static str],
    version: &'static str,
}

pub(super) async fn index(
    State(feeds): State<Arc<Feeds>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let entry = |channel: &&'static Channel| IndexEntry {
        channel: channel.name,
        title: channel.title,
        feed_url: feeds.origin.child(channel.name, &uri, &headers),
        event_types: channel.event_types,
        version: channel.version,
    };
    let document_url = feeds.document.as_ref().map(|document| feeds.origin.child(document.name(), &uri, &headers));
    let index = Index { document_url, feeds: feeds.channels.values().map(entry).collect() };
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))], Json(index)).into_response()
}

/// The AsyncAPI document.
pub(super) async fn document(State(feeds): State<Arc<Feeds>>, headers: HeaderMap) -> Response {
    match &feeds.document {
        Some(document) => document.respond(&headers, feeds.caching),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
