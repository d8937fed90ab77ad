//! The URLs that pages carry: absolute, and the ones under which the client reached the router.

use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};

use super::query::Query;
use crate::event::Position;

/// From what URLs are made.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// From the request's target and `Host`.
    Request,
    /// As [`Origin::Request`], but what a proxy says goes first.
    Proxy,
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

    /// `scheme://host`. Empty when the request does not name a host: then URLs are relative to the one requested.
    fn server(&self, uri: &Uri, headers: &HeaderMap) -> String {
        let told = match self {
            Origin::Proxy => forwarded(headers),
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

/// `Forwarded` (RFC 7239), or else its predecessors. In lists, the first entry is the client's own request.
fn forwarded(headers: &HeaderMap) -> Forwarded {
    let first = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        value.split(',').next().map(str::trim).filter(|value| !value.is_empty())
    };
    let pairs = first("forwarded").unwrap_or_default().split(';').filter_map(|pair| pair.split_once('='));
    let pairs: Vec<_> = pairs.map(|(name, value)| (name.trim(), value.trim().trim_matches('"'))).collect();
    let standard =
        |wanted: &str| pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value);
    let scheme = standard("proto").or_else(|| first("x-forwarded-proto"));
    let host = standard("host").or_else(|| first("x-forwarded-host"));
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
        assert_eq!(server(&Origin::Proxy, &old), "https://api.example.com/feeds/x");
        let new = [host, ("forwarded", "for=1.2.3.4;Proto=https;host=\"api.example.com:444\", for=5.6.7.8;host=no")];
        assert_eq!(server(&Origin::Proxy, &new), "https://api.example.com:444/feeds/x");
        assert_eq!(
            server(&Origin::Proxy, &[host, ("x-forwarded-proto", "javascript")]),
            "http://internal:8080/feeds/x"
        );
        let configured = Origin::Configured("https://api.example.com/v1".to_owned());
        assert_eq!(server(&configured, &old), "https://api.example.com/v1/x");
    }
}
