//! One request for one page: redirects followed where they may be, the answer sorted into what it means for a reader.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{
    ACCEPT, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LOCATION,
    RETRY_AFTER,
};
use http::{Request, StatusCode};
use serde::Deserialize;
use url::Url;

use super::super::names::FieldNames;
use super::location::Places;
use crate::consume::ConsumeError;
use crate::event::Position;
use crate::http_client::{Client, ClientError, Opened, Response};

/// RFC 7240.
const PREFER: HeaderName = HeaderName::from_static("prefer");
const REDIRECTS: usize = 5;
/// A server that asks for more patience than this is asked again anyway.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Fetches pages.
pub(super) struct Fetcher {
    pub(super) client: Client,
    pub(super) places: Places,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
    /// The names in items, where they are not ours.
    pub(super) names: Option<FieldNames>,
}

/// Whose `Accept` a request has, where the user has set one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    /// The user's, who may know the server better.
    Given,
    /// Ours: nothing else is of use.
    Ours,
}

/// What an answer means.
#[derive(Debug)]
pub(super) enum Answer {
    /// A page, presumably.
    Page(Body),
    /// Nothing has changed since the page with that `ETag`.
    Unchanged,
    /// The events there were removed by retention.
    Retained(Oldest),
    /// The server cannot answer now.
    Later { reason: String, after: Option<Duration> },
}

/// What is left after retention, as far as the server tells.
#[derive(Debug, Default)]
pub(super) struct Oldest {
    pub(super) position: Option<Position>,
    /// Where the feed goes on with it.
    pub(super) url: Option<String>,
}

/// A page that has not been read yet.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    /// Where it was found, after redirects: what relative URLs in it are relative to.
    pub(super) url: Url,
    pub(super) etag: Option<HeaderValue>,
    /// The URL that the server names for what it sent (RFC 9110, section 8.7).
    pub(super) location: Option<String>,
    pub(super) content_type: Option<String>,
}

impl Fetcher {
    /// Asks for the page at `url`, unless it is still the one with `etag`. The server may wait for news for `wait`.
    pub(super) async fn get(
        &self,
        url: &Url,
        etag: Option<&HeaderValue>,
        wait: Duration,
    ) -> Result<Answer, ConsumeError> {
        let mut asking = HeaderMap::new();
        asking.insert(ACCEPT, HeaderValue::from_static("application/feed+json, application/json;q=0.9, */*;q=0.1"));
        if let Some(etag) = etag {
            asking.insert(IF_NONE_MATCH, etag.clone());
        }
        if wait.as_secs() > 0
            && let Ok(prefer) = HeaderValue::from_str(&format!("wait={}", wait.as_secs()))
        {
            asking.insert(PREFER, prefer);
        }
        let (place, opened) = match self.open(url, &asking, Accepted::Given, self.timeout + wait).await? {
            Ok(opened) => opened,
            Err(reason) => return Ok(Answer::Later { reason, after: None }),
        };
        match self.read(&place, opened).await? {
            Ok(response) => answer(place, response).map(|answer| self.in_our_names(answer)),
            Err(error) => Ok(Answer::Later { reason: error.to_string(), after: None }),
        }
    }

    /// What is no page stays as it is, and is refused when it is read.
    fn in_our_names(&self, answer: Answer) -> Answer {
        match (self.names, answer) {
            (Some(names), Answer::Page(body)) => {
                let bytes = names.page_in_ours(&body.bytes).map(Bytes::from);
                Answer::Page(Body { bytes: bytes.unwrap_or_else(|| body.bytes.clone()), ..body })
            }
            (_, answer) => answer,
        }
    }

    /// The same for an item that came by itself.
    pub(super) fn item_in_our_names(&self, item: String) -> String {
        self.names.and_then(|names| names.item_in_ours(&item)).unwrap_or(item)
    }

    /// Asks for `url` with the headers `asking` beside the user's own, through redirects. What may pass is a reason.
    pub(super) async fn open(
        &self,
        url: &Url,
        asking: &HeaderMap,
        accepted: Accepted,
        patience: Duration,
    ) -> Result<Result<(Url, Opened), String>, ConsumeError> {
        let mut place = url.clone();
        for _ in 0..=REDIRECTS {
            let opened = match self.send(&place, asking, accepted, patience).await? {
                Ok(opened) => opened,
                Err(error) => return Ok(Err(error.to_string())),
            };
            if !is_redirect(opened.status()) {
                return Ok(Ok((place, opened)));
            }
            let Some(target) = opened.headers().get(LOCATION).and_then(|target| target.to_str().ok()) else {
                return Ok(Err(format!("it answered {} without a usable `Location`", opened.status())));
            };
            place = self.places.follow(&place, target)?;
        }
        Err(ConsumeError::NotFollowed {
            from: url.to_string(),
            to: place.to_string(),
            reason: format!("there were more than {REDIRECTS} redirects"),
        })
    }

    async fn send(
        &self,
        url: &Url,
        asking: &HeaderMap,
        accepted: Accepted,
        patience: Duration,
    ) -> Result<Result<Opened, ClientError>, ConsumeError> {
        let unusable = |error: http::Error| ConsumeError::Url { url: url.to_string(), reason: error.to_string() };
        let mut request = Request::get(url.as_str()).body(Bytes::new()).map_err(unusable)?;
        let headers = request.headers_mut();
        if self.places.is_home(url) {
            headers.clone_from(&self.headers);
        }
        for (name, value) in asking {
            if name == ACCEPT && accepted == Accepted::Given && headers.contains_key(ACCEPT) {
                continue;
            }
            headers.insert(name, value.clone());
        }
        self.sort(url, self.client.open(request, patience).await)
    }

    /// The whole response.
    pub(super) async fn read(&self, url: &Url, opened: Opened) -> Result<Result<Response, ClientError>, ConsumeError> {
        self.sort(url, opened.whole().await)
    }

    /// Tells what asking again cannot mend from what may pass.
    fn sort<T>(&self, url: &Url, sent: Result<T, ClientError>) -> Result<Result<T, ClientError>, ConsumeError> {
        match sent {
            Err(ClientError::Refused(refused)) => Err(ConsumeError::NotFollowed {
                from: self.places.home().to_string(),
                to: url.to_string(),
                reason: refused.to_string(),
            }),
            // It only grows: to ask again would be for ever.
            Err(ClientError::TooLarge { limit, .. }) => Err(ConsumeError::PageTooLarge { url: url.to_string(), limit }),
            sent => Ok(sent),
        }
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn answer(url: Url, response: Response) -> Result<Answer, ConsumeError> {
    let Response { status, headers, body } = response;
    match status {
        StatusCode::OK => Ok(Answer::Page(Body {
            bytes: body,
            url,
            etag: headers.get(ETAG).cloned(),
            location: text_header(&headers, CONTENT_LOCATION),
            content_type: text_header(&headers, CONTENT_TYPE),
        })),
        StatusCode::NOT_MODIFIED | StatusCode::NO_CONTENT => Ok(Answer::Unchanged),
        StatusCode::GONE => Ok(Answer::Retained(Oldest::read(&body))),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Ok(later(status, &headers, &body))
        }
        status if status.is_client_error() => {
            Err(ConsumeError::Refused { url: url.to_string(), status: status.as_u16(), detail: detail(status, &body) })
        }
        status => Ok(later(status, &headers, &body)),
    }
}

fn later(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Answer {
    let after = wished_delay(headers);
    Answer::Later { reason: format!("it answered {}: {}", status.as_u16(), detail(status, body)), after }
}

/// How long the server asks to wait before another request.
pub(super) fn wished_delay(headers: &HeaderMap) -> Option<Duration> {
    text_header(headers, RETRY_AFTER).and_then(|text| retry_after(&text, Utc::now()))
}

pub(super) fn text_header(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// RFC 9110 section 10.2.3: seconds or a date.
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        // A date that has passed asks for no wait.
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().unwrap_or_default(),
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// What of a problem document (RFC 9457) is of use here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

impl Oldest {
    fn read(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Members {
            oldest_position: Option<Position>,
            oldest_url: Option<String>,
        }
        let members = serde_json::from_slice::<Members>(body);
        members.map_or_else(
            |_| Oldest::default(),
            |members| Oldest { position: members.oldest_position, url: members.oldest_url },
        )
    }
}

impl Problem {
    fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

/// What the server says about a failure, or what its status means.
pub(super) fn detail(status: StatusCode, body: &[u8]) -> String {
    let said = Problem::read(body).and_then(|problem| problem.detail.or(problem.title));
    let said = said.map(|text| beginning(&text)).filter(|text| !text.is_empty());
    said.unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given").to_lowercase())
}

/// The beginning of a text of others, fit for one line of a log.
pub(super) fn beginning(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_date_and_bounded() {
        let now = DateTime::parse_from_rfc3339("2024-10-21T07:28:00Z").unwrap().to_utc();
        for (text, wait) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Mon, 21 Oct 2024 07:29:30 GMT", Some(90)),
            ("Mon, 21 Oct 2024 07:00:00 GMT", Some(0)),
            ("99999999999", Some(3600)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(text, now), wait.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn what_the_server_says_fits_one_line() {
        let body = br#"{"title": "Not found", "detail": "no channel\n\u001b[31musers"}"#;
        assert_eq!(detail(StatusCode::NOT_FOUND, body), "no channel  [31musers");
        assert_eq!(detail(StatusCode::NOT_FOUND, b"<html>"), "not found");
        assert_eq!(detail(StatusCode::NOT_FOUND, br#"{"title": "Gone fishing"}"#), "Gone fishing");
    }
}
