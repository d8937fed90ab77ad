//! The AsyncAPI document of the feeds, served beside them, so that who finds a feed finds what its events mean.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use serde::Deserialize;

use super::respond::{Caching, Rendered, Stability};
use super::urls::Origin;

/// An AsyncAPI document, as it was given.
#[derive(Clone, Debug)]
pub(super) struct Document {
    name: &'static str,
    content_type: String,
    text: String,
}

impl Document {
    pub(super) fn new(text: String) -> Self {
        #[derive(Deserialize)]
        struct Versioned {
            asyncapi: String,
        }
        // YAML may begin with a brace too, but no document of AsyncAPI in YAML does.
        let is_json = text.trim_start_matches('\u{feff}').trim_start().starts_with('{');
        let (name, syntax, version) = match is_json {
            true => ("asyncapi.json", "json", serde_json::from_str::<Versioned>(&text).ok().map(|it| it.asyncapi)),
            false => ("asyncapi.yaml", "yaml", yaml_version(&text).map(str::to_owned)),
        };
        let version = version.filter(|version| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
        let parameter = version.map(|version| format!(";version={version}")).unwrap_or_default();
        Document { name, content_type: format!("application/vnd.aai.asyncapi+{syntax}{parameter}"), text }
    }

    /// The last segment of its URL.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The document as it is sent.
    pub(super) fn respond(&self, headers: &HeaderMap, caching: Caching) -> Response {
        let rendered = Rendered::new(self.text.clone().into_bytes(), self.content_type.clone(), None);
        rendered.respond(headers, caching, Stability::Growing)
    }

    /// Says in `response` where the document is: `rel="service-desc"` (RFC 8631). `uri` was requested, and stands beside
    /// the document.
    pub(super) fn link(&self, response: &mut Response, origin: &Origin, uri: &Uri, headers: &HeaderMap) {
        let url = origin.sibling(self.name, uri, headers);
        let link = format!("<{url}>; rel=\"service-desc\"; type=\"{}\"", self.content_type);
        if let Ok(link) = HeaderValue::try_from(link) {
            response.headers_mut().append(header::LINK, link);
        }
    }
}

/// The value of `asyncapi` at the top of a YAML document, written as everybody writes it.
fn yaml_version(text: &str) -> Option<&str> {
    let unquoted = |text: &'_ str| -> usize { text.len() - text.trim_start_matches(['"', '\'']).len() };
    text.lines().find_map(|line| {
        let line = line.trim_start_matches('\u{feff}');
        let line = &line[unquoted(line)..];
        let rest = line.strip_prefix("asyncapi")?.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?;
        let value = rest.split(" #").next().unwrap_or_default();
        Some(value.trim().trim_matches(['"', '\'']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_tells_syntax_and_version() {
        for (text, name, content_type) in [
            ("asyncapi: 3.0.0\n", "asyncapi.yaml", "application/vnd.aai.asyncapi+yaml;version=3.0.0"),
            (
                "# ours\n\"asyncapi\" : '2.6.0' # old\n",
                "asyncapi.yaml",
                "application/vnd.aai.asyncapi+yaml;version=2.6.0",
            ),
            ("info: {}\n  asyncapi: 1", "asyncapi.yaml", "application/vnd.aai.asyncapi+yaml"),
            ("asyncapi: \"3\r;x\"", "asyncapi.yaml", "application/vnd.aai.asyncapi+yaml"),
            (" {\"asyncapi\": \"3.1.0\"}", "asyncapi.json", "application/vnd.aai.asyncapi+json;version=3.1.0"),
            ("{", "asyncapi.json", "application/vnd.aai.asyncapi+json"),
        ] {
            let document = Document::new(text.to_owned());
            assert_eq!((document.name(), document.content_type.as_str()), (name, content_type), "{text}");
        }
    }
}
