//! A page as a response: its bytes, its entity tag, and how long who may keep it.

use std::borrow::Cow;
use std::fmt::Write;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::super::wire::MEDIA_TYPE;
use super::atom::{self, AtomPage};
use super::cloud_events;
use super::encoding::Encoding;
use super::item_form::ItemForm;
use super::negotiate::Format;
use super::query::Query;
use super::scan::Scan;
use super::urls::FeedUrls;
use crate::event::Channel;
use crate::problem::Problem;

/// Who may keep a page.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caching {
    /// Every cache on the way.
    Public,
    /// The client itself.
    Private,
}

/// Whether a page can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stability {
    /// It has ended, and is the same for ever.
    Fixed,
    /// It has met the end of the log.
    Growing,
}

/// A page as bytes.
#[derive(Clone, Debug)]
pub(super) struct Rendered {
    body: Bytes,
    encoding: Encoding,
    /// Of the page before it was encoded.
    etag: String,
    /// The same as it is in the header, for the page in its encoding.
    etag_value: Option<HeaderValue>,
    content_type: Option<HeaderValue>,
    /// The page after this one, for forms whose body cannot say it.
    link: Option<String>,
}

impl Rendered {
    /// The page of what `scan` has found.
    pub(super) fn page(
        format: Format,
        form: ItemForm,
        channel: &Channel,
        urls: &FeedUrls,
        query: &Query,
        scan: &Scan<'_>,
    ) -> Result<Self, Problem> {
        let next_url = (!scan.is_at_start()).then(|| urls.page(scan.next(), query));
        let (next, events) = (next_url.as_deref(), scan.items());
        let rendered = match format {
            Format::CloudEvents => cloud_events::batch(&urls.feed, events),
            Format::Atom => AtomPage { channel, urls, query, start: scan.start(), next_url: next, events }
                .write()
                .map(String::into_bytes),
            Format::Feed | Format::Events => form.page(channel.title, &urls.feed, next, events),
        };
        let body = rendered.map_err(|error| Problem::internal(&error))?;
        let (content_type, link) = match format {
            Format::CloudEvents => (cloud_events::MEDIA_TYPE, next_url),
            Format::Atom => (atom::MEDIA_TYPE, None),
            Format::Feed | Format::Events => (MEDIA_TYPE, None),
        };
        Ok(Rendered::new(body, content_type, link))
    }

    /// `body` with its entity tag.
    pub(super) fn new(body: Vec<u8>, content_type: impl Into<Cow<'static, str>>, link: Option<String>) -> Self {
        let mut etag = String::from("\"");
        // Half of the digest: as unlikely to be met twice as a UUID.
        for byte in &Sha256::digest(&body)[..16] {
            // Writing to a string cannot fail.
            let _ = write!(etag, "{byte:02x}");
        }
        etag.push('"');
        Rendered {
            body: body.into(),
            encoding: Encoding::Identity,
            etag_value: HeaderValue::try_from(&etag).ok(),
            etag,
            content_type: HeaderValue::from_str(&content_type.into()).ok(),
            link,
        }
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    /// The page in another encoding; as it is where that fails.
    pub(super) async fn encoded(&self, encoding: Encoding) -> Self {
        match encoding.encode(self.body.clone()).await {
            Some(body) => {
                let etag_value = HeaderValue::try_from(encoding.etag(&self.etag)).ok();
                Rendered { body, encoding, etag_value, ..self.clone() }
            }
            None => self.clone(),
        }
    }

    /// What is sent of it to a client that [holds it](Rendered::is_known) in an encoding: no body, but its tag.
    pub(super) fn known(&self, encoding: Encoding) -> Self {
        let etag_value = HeaderValue::try_from(encoding.etag(&self.etag)).ok();
        Rendered { body: Bytes::new(), etag_value, ..self.clone() }
    }

    /// Whether the client says that it holds this page, in any encoding: `If-None-Match` (RFC 9110, section 13.1.2).
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        let values = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .map(|tag| tag.strip_prefix("W/").unwrap_or(tag))
            .any(|tag| tag == "*" || Encoding::KNOWN.iter().any(|encoding| encoding.etag(&self.etag) == tag))
    }

    /// The response. A page that can never change may be kept for ever.
    pub(super) fn respond(&self, headers: &HeaderMap, caching: Caching, stability: Stability) -> Response {
        let cache_control = match (caching, stability) {
            (Caching::Public, Stability::Fixed) => "public, max-age=31536000, immutable",
            (Caching::Private, Stability::Fixed) => "private, max-age=31536000, immutable",
            (Caching::Public, Stability::Growing) => "no-cache",
            (Caching::Private, Stability::Growing) => "private, no-cache",
        };
        let known = self.is_known(headers);
        let mut response = match known {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => {
                let mut response = Body::from(self.body.clone()).into_response();
                response.headers_mut().reserve(6);
                if let Some(content_type) = &self.content_type {
                    response.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
                }
                response
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
        if let Some(etag) = &self.etag_value {
            headers.insert(header::ETAG, etag.clone());
        }
        if let (Some(encoding), false) = (self.encoding.content_encoding(), known) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        // RFC 7240, section 2: what a preference may change varies by it.
        let vary = match (stability, Encoding::CHOICE) {
            (Stability::Growing, true) => "Accept, Accept-Encoding, Prefer",
            (Stability::Growing, false) => "Accept, Prefer",
            (Stability::Fixed, true) => "Accept, Accept-Encoding",
            (Stability::Fixed, false) => "Accept",
        };
        headers.insert(header::VARY, HeaderValue::from_static(vary));
        if let Some(link) =
            self.link.as_ref().and_then(|url| HeaderValue::try_from(format!("<{url}>; rel=\"next\"")).ok())
        {
            headers.insert(header::LINK, link);
        }
        response
    }
}
