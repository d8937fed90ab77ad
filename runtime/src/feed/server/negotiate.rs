//! In which form the client wants the events: `Accept` (RFC 9110, section 12.5.1).

use axum::http::{HeaderMap, header};

use super::super::wire;
use super::{atom, cloud_events};

/// A form of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Format {
    /// A page of JSON Feed.
    Feed,
    /// A batch of CloudEvents.
    CloudEvents,
    /// A page of Atom.
    Atom,
    /// A stream of server-sent events.
    Events,
}

/// The media type of a stream of server-sent events.
pub(super) const EVENT_STREAM: &str = "text/event-stream";

/// What each form is called, the one that we prefer first.
const NAMES: [(&str, Format); 5] = [
    (wire::MEDIA_TYPE, Format::Feed),
    ("application/json", Format::Feed),
    (cloud_events::MEDIA_TYPE, Format::CloudEvents),
    (atom::MEDIA_TYPE, Format::Atom),
    (EVENT_STREAM, Format::Events),
];

impl Format {
    /// The form that the client prefers. One that asks for something else altogether gets a page: it may be content.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let ranges: Vec<Range<'_>> = headers
            .get_all(header::ACCEPT)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(Range::parse)
            .collect();
        let mut wanted = (Format::Feed, 0.0);
        for (name, format) in NAMES {
            // The most specific range decides.
            let range = ranges.iter().filter(|range| range.includes(name)).max_by_key(|range| range.precision());
            let quality = range.map_or(0.0, |range| range.quality);
            if quality > wanted.1 {
                wanted = (format, quality);
            }
        }
        wanted.0
    }
}

struct Range<'a> {
    name: &'a str,
    quality: f32,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.eq_ignore_ascii_case("q").then(|| value.parse().unwrap_or(0.0))
        });
        Range { name, quality: quality.unwrap_or(1.0) }
    }

    fn includes(&self, name: &str) -> bool {
        let of_kind = |kind: &str| name.split_once('/').is_some_and(|(own, _)| own.eq_ignore_ascii_case(kind));
        self.name == "*/*" || self.name.eq_ignore_ascii_case(name) || self.name.strip_suffix("/*").is_some_and(of_kind)
    }

    fn precision(&self) -> usize {
        match self.name {
            "*/*" => 0,
            name if name.ends_with("/*") => 1,
            _ => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_client_gets_the_form_that_it_prefers() {
        let wanted = |accept: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            Format::wanted(&headers)
        };
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for accept in [None, Some("*/*"), Some(browser), Some("application/json"), Some("image/png"), Some("")] {
            assert_eq!(wanted(accept), Format::Feed, "{accept:?}");
        }
        let batch = "application/cloudevents-batch+json";
        assert_eq!(wanted(Some(batch)), Format::CloudEvents);
        assert_eq!(wanted(Some("Application/CloudEvents-Batch+JSON; charset=utf-8")), Format::CloudEvents);
        assert_eq!(
            wanted(Some("application/feed+json;q=0.5, application/cloudevents-batch+json")),
            Format::CloudEvents
        );
        assert_eq!(wanted(Some("application/feed+json, application/cloudevents-batch+json")), Format::Feed);
        assert_eq!(wanted(Some("application/atom+xml, text/xml;q=0.5, */*;q=0.1")), Format::Atom);
        assert_eq!(wanted(Some("text/event-stream, */*;q=0.1")), Format::Events);
        assert_eq!(wanted(Some("text/event-stream;q=0")), Format::Feed);
        assert_eq!(
            wanted(Some("application/*;q=0.2, application/json;q=0, application/feed+json;q=0")),
            Format::CloudEvents
        );
    }
}
