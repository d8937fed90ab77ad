//! The URLs that pages carry: absolute, and the ones under which the client reached the router.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

use super::query::Query;
use crate::event::Position;
use crate::log::LogError;
use crate::problem::Problem;

/// The headers in which a proxy tells how it was reached. A proxy writes one kind and passes the other on as the client
/// sent it, so the other kind is never read: a client could make the URLs of pages that others get from a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeaders {
    /// `Forwarded` (RFC 7239), with `proto` and `host`.
    Forwarded,
    /// `X-Forwarded-Proto` and `X-Forwarded-Host`.
    XForwarded,
}

/// From what URLs are made.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// From the request's target and `Host`.
    Request,
    /// As [`Origin::Request`], but what a proxy says goes first.
    Proxy(ProxyHeaders),
    /// The router's own URL, without a slash at its end.
    Configured(String),
}

/// The URLs of one feed.
#[derive(Clone, Debug)]
pub(super) struct FeedUrls {
    pub(super) feed: String,
}

impl FeedUrls {
    /// The page at `offset` for what `query` asks.
    pub(super) fn page(&self, offset: Position, query: &Query) -> String {
        format!("{}?{}", self.feed, query.at(offset))
    }

    /// The answer to a request that the log refuses; where events were removed, it says where the feed goes on.
    pub(super) fn refused(&self, error: LogError, query: &Query) -> Problem {
        match error {
            LogError::Retained { oldest, .. } => Problem::from(error).with("oldest_url", self.page(oldest, query)),
            error => Problem::from(error),
        }
    }
}

impl Origin {
    /// The URLs of a feed that was requested at `uri`.
    pub(super) fn feed(&self, channel: &str, uri: &Uri, headers: &HeaderMap) -> FeedUrls {
        let feed = match self {
            Origin::Configured(base) => format!("{base}/{channel}"),
            _ => format!("{}{}", self.server(uri, headers), uri.path()),
        };
        FeedUrls { feed }
    }

    /// The URL of a feed, where the list of feeds was requested at `uri`.
    pub(super) fn child(&self, channel: &str, uri: &Uri, headers: &HeaderMap) -> String {
        match self {
            Origin::Configured(base) => format!("{base}/{channel}"),
            _ => format!("{}{}/{channel}", self.server(uri, headers), uri.path().trim_end_matches('/')),
        }
    }

    /// The URL of what stands beside the feeds under `name`, where one of them was requested at `uri`.
    pub(super) fn sibling(&self, name: &str, uri: &Uri, headers: &HeaderMap) -> String {
        let folder = uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        match self {
            Origin::Configured(base) => format!("{base}/{name}"),
            _ => format!("{}{folder}/{name}", self.server(uri, headers)),
        }
    }

    /// `scheme://host`. Empty when the request does not name a host: then URLs are relative to the one requested.
    fn server(&self, uri: &Uri, headers: &HeaderMap) -> String {
        let told = match self {
            Origin::Proxy(kind) => forwarded(*kind, headers),
            _ => Forwarded::default(),
        };
        let asked = || headers.get(header::HOST)?.to_str().ok();
        let host = told.host.as_deref().or_else(|| uri.authority().map(Authority::as_str)).or_else(asked);
        // What is no authority would make a URL that leads elsewhere than it seems.
        let host = host.filter(|host| !host.contains('@')).and_then(|host| host.parse::<Authority>().ok());
        let Some(host) = host else { return String::new() };
        let scheme = told.scheme.or_else(|| uri.scheme_str().map(str::to_owned)).unwrap_or_else(|| "http".to_owned());
        format!("{scheme}://{host}")
    }
}

/// What a proxy says of the request that it got.
#[derive(Debug, Default, PartialEq, Eq)]
struct Forwarded {
    scheme: Option<String>,
    host: Option<String>,
}

/// What the proxy says in `kind`. In lists, the first entry is the client's own request.
fn forwarded(kind: ProxyHeaders, headers: &HeaderMap) -> Forwarded {
    let first = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        value.split(',').next().map(str::trim).filter(|value| !value.is_empty())
    };
    let (scheme, host) = match kind {
        ProxyHeaders::XForwarded => (first("x-forwarded-proto"), first("x-forwarded-host")),
        ProxyHeaders::Forwarded => {
            let element = first("forwarded").unwrap_or_default();
            let parameter = |wanted: &str| {
                let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
                let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
                Some(value.trim().trim_matches('"'))
            };
            (parameter("proto"), parameter("host"))
        }
    };
    Forwarded {
        scheme: scheme.map(str::to_ascii_lowercase).filter(|scheme| ["http", "https"].contains(&scheme.as_str())),
        host: host.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn server(origin: &Origin, headers: &[(&'static str, &'static str)]) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        origin.feed("x", &Uri::from_static("/feeds/x?offset=1"), &headers).feed
    }

    #[test]
    fn urls_are_those_under_which_the_client_came() {
        let host = ("host", "internal:8080");
        assert_eq!(server(&Origin::Request, &[host]), "http://internal:8080/feeds/x");
        assert_eq!(server(&Origin::Request, &[]), "/feeds/x");
        assert_eq!(server(&Origin::Request, &[("host", "a b")]), "/feeds/x");
        let old = [host, ("x-forwarded-proto", "https"), ("x-forwarded-host", "api.example.com, proxy")];
        assert_eq!(server(&Origin::Request, &old), "http://internal:8080/feeds/x", "nobody said that there is a proxy");
        let (standard, common) = (Origin::Proxy(ProxyHeaders::Forwarded), Origin::Proxy(ProxyHeaders::XForwarded));
        assert_eq!(server(&common, &old), "https://api.example.com/feeds/x");
        let new = [host, ("forwarded", "for=1.2.3.4;Proto=https;host=\"api.example.com:444\", for=5.6.7.8;host=no")];
        assert_eq!(server(&standard, &new), "https://api.example.com:444/feeds/x");
        assert_eq!(server(&common, &[host, ("x-forwarded-proto", "javascript")]), "http://internal:8080/feeds/x");
        let configured = Origin::Configured("https://api.example.com/v1".to_owned());
        assert_eq!(server(&configured, &old), "https://api.example.com/v1/x");
    }

    #[test]
    fn headers_that_the_proxy_does_not_set_are_not_believed() {
        let host = ("host", "internal:8080");
        let common = [("x-forwarded-proto", "https"), ("x-forwarded-host", "api.example.com")];
        let standard = ("forwarded", "proto=https;host=api.example.com");
        let read = |kind, headers: &[_]| server(&Origin::Proxy(kind), headers);
        let (ours, plain) = ("https://api.example.com/feeds/x", "http://internal:8080/feeds/x");

        let forged = ("forwarded", "proto=http;host=evil.example");
        assert_eq!(read(ProxyHeaders::XForwarded, &[host, common[0], common[1], forged]), ours);
        assert_eq!(read(ProxyHeaders::XForwarded, &[host, forged]), plain);
        let forged = [("x-forwarded-proto", "http"), ("x-forwarded-host", "evil.example")];
        assert_eq!(read(ProxyHeaders::Forwarded, &[host, forged[0], forged[1], standard]), ours);
        assert_eq!(read(ProxyHeaders::Forwarded, &[host, forged[0], forged[1], ("forwarded", "for=1.2.3.4")]), plain);
    }
}
