//! A page as Atom (RFC 4287), for feed readers and for systems that speak nothing else. Pages are linked as in RFC 5005,
//! section 3: `next` leads to newer events, because a feed of events is read from its beginning.
//!
//! The payload is the content of an entry, as `application/json`: for media types that are neither text nor XML, Atom
//! wants base64 (section 4.1.3.3). What else an event carries stands in elements of a namespace of our own.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use url::form_urlencoded;
use uuid::Uuid;

use super::query::Query;
use super::urls::FeedUrls;
use crate::event::{Channel, Position};
use crate::log::StoredEvent;

/// The media type of a page.
pub(super) const MEDIA_TYPE: &str = "application/atom+xml";

/// Of the elements that Atom does not have.
const NAMESPACE: &str = "https://github.com/event-api/event-api/ns/atom";

/// A page of Atom.
pub(super) struct AtomPage<'a> {
    pub(super) channel: &'a Channel,
    pub(super) urls: &'a FeedUrls,
    pub(super) query: &'a Query,
    /// Where it begins.
    pub(super) start: Position,
    /// The page after it, if it holds anything.
    pub(super) next_url: Option<&'a str>,
    pub(super) events: &'a [StoredEvent],
}

impl AtomPage<'_> {
    /// The page as text.
    pub(super) fn write(&self) -> Result<String, serde_json::Error> {
        let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"));
        xml.open("feed", &[("xmlns", "http://www.w3.org/2005/Atom"), ("xmlns:e", NAMESPACE)]);
        xml.element("id", &self.urls.feed);
        xml.element("title", self.channel.title);
        // Atom wants a time even where there is nothing that has one.
        let updated = self.events.last().map_or(DateTime::UNIX_EPOCH, |last| last.event.metadata.time);
        xml.element("updated", &rfc3339(updated));
        xml.open("author", &[]);
        xml.element("name", self.channel.title);
        xml.close("author");
        xml.link("self", &self.urls.page(self.start, self.query));
        xml.link("first", &self.urls.feed);
        if let Some(next) = self.next_url {
            xml.link("next", next);
        }
        for stored in self.events {
            self.entry(&mut xml, stored)?;
        }
        xml.close("feed");
        Ok(xml.0)
    }

    fn entry(&self, xml: &mut Xml, stored: &StoredEvent) -> Result<(), serde_json::Error> {
        let metadata = &stored.event.metadata;
        let time = rfc3339(metadata.time);
        xml.open("entry", &[]);
        xml.element("id", &self.entry_id(metadata.id.as_str()));
        xml.element("title", &metadata.event_type);
        xml.element("updated", &time);
        xml.element("published", &time);
        xml.empty("category", &[("term", &metadata.event_type)]);
        // Section 4.1.2: an entry whose content is in base64 must have one.
        xml.element("summary", &metadata.event_type);
        xml.element("e:id", metadata.id.as_str());
        xml.element("e:position", &stored.position.to_string());
        let optional = [
            ("e:subject", &metadata.subject),
            ("e:version", &metadata.version),
            ("e:traceparent", &metadata.traceparent),
            ("e:address", &metadata.address),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                xml.element(name, value);
            }
        }
        if !metadata.headers.is_empty() {
            xml.element("e:headers", &serde_json::to_string(&metadata.headers)?);
        }
        xml.open("content", &[("type", "application/json")]);
        STANDARD.encode_string(stored.event.data.get(), &mut xml.0);
        xml.close("content");
        xml.close("entry");
        Ok(())
    }

    /// Atom's ids are IRIs. Ids of events are any text, but mostly UUIDs.
    fn entry_id(&self, id: &str) -> String {
        match Uuid::try_parse(id) {
            Ok(uuid) => uuid.urn().to_string(),
            Err(_) => {
                let fragment: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
                format!("{}#{fragment}", self.urls.feed)
            }
        }
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// XML in the making. Element and attribute names are ours; texts are anybody's, and are escaped.
struct Xml(String);

impl Xml {
    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">");
    }

    fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>");
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "<{name}");
        for (name, value) in attributes {
            let _ = write!(self.0, " {name}=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push_str(end);
    }

    fn close(&mut self, name: &str) {
        let _ = writeln!(self.0, "</{name}>");
    }

    fn element(&mut self, name: &str, text: &str) {
        self.open(name, &[]);
        self.text(text);
        self.close(name);
    }

    fn link(&mut self, relation: &str, url: &str) {
        self.empty("link", &[("rel", relation), ("href", url)]);
        self.0.push('\n');
    }

    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                // As they are, a reader would take them for spaces in attributes, or for other line ends.
                '\t' => self.0.push_str("&#9;"),
                '\n' => self.0.push_str("&#10;"),
                '\r' => self.0.push_str("&#13;"),
                // XML 1.0, section 2.2: there is no way to write these.
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                other => self.0.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_out_of_its_element() {
        let mut xml = Xml(String::new());
        xml.empty("a", &[("b", "\"><script>\n")]);
        xml.element("c", "]]> & \u{0}\u{1b}ä");
        assert_eq!(xml.0, "<a b=\"&quot;&gt;&lt;script&gt;&#10;\"/><c>]]&gt; &amp; \u{fffd}\u{fffd}ä</c>\n");
    }
}
