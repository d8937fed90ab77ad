//! Compression: which encoding the client takes (`Accept-Encoding`, RFC 9110, section 12.5.3), and a page in it.
//!
//! Without the feature `compression` there is one encoding, and nothing to choose.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};

/// What is shorter is hardly made shorter.
const WORTHWHILE: usize = 1024;
/// What takes longer to compress than other tasks should wait.
#[cfg(feature = "compression")]
const LONG: usize = 64 << 10;

/// An encoding of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Encoding {
    Identity,
    #[cfg(feature = "compression")]
    Gzip,
    #[cfg(feature = "compression")]
    Zstd,
}

impl Encoding {
    /// The encodings that there are, the one that we prefer first.
    pub(super) const KNOWN: &[Encoding] = &[
        #[cfg(feature = "compression")]
        Encoding::Zstd,
        #[cfg(feature = "compression")]
        Encoding::Gzip,
        Encoding::Identity,
    ];

    /// Whether there is anything to choose, so that responses vary by it.
    pub(super) const CHOICE: bool = Self::KNOWN.len() > 1;

    /// The encoding that the client prefers for a page of `length` bytes.
    pub(super) fn wanted(headers: &HeaderMap, length: usize) -> Self {
        if length < WORTHWHILE {
            return Encoding::Identity;
        }
        let values = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
        let asked: Vec<(&str, f32)> = values.flat_map(|value| value.split(',')).map(quality).collect();
        let find = |name: &str| asked.iter().find(|(asked, _)| asked.eq_ignore_ascii_case(name)).map(|(_, q)| *q);
        let mut wanted = (Encoding::Identity, 0.0);
        for encoding in Self::KNOWN {
            let quality = match encoding {
                // Always acceptable, and preferred only when the client says so.
                Encoding::Identity => find("identity").unwrap_or(0.0),
                #[cfg(feature = "compression")]
                other => find(other.name()).or_else(|| find("*")).unwrap_or(0.0),
            };
            if quality > wanted.1 {
                wanted = (*encoding, quality);
            }
        }
        wanted.0
    }

    /// What it is called in `Content-Encoding`; nothing when the page is as it is.
    pub(super) fn content_encoding(self) -> Option<&'static str> {
        match self {
            Encoding::Identity => None,
            #[cfg(feature = "compression")]
            other => Some(other.name()),
        }
    }

    #[cfg(feature = "compression")]
    fn name(self) -> &'static str {
        match self {
            Encoding::Identity => "identity",
            Encoding::Gzip => "gzip",
            Encoding::Zstd => "zstd",
        }
    }

    /// The entity tag of a page in this encoding, whose own tag is `etag`: other bytes need another one.
    pub(super) fn etag(self, etag: &str) -> String {
        match self.content_encoding() {
            None => etag.to_owned(),
            Some(name) => format!("{}-{name}\"", etag.trim_end_matches('"')),
        }
    }

    /// The page in this encoding. In memory it cannot fail, and would be sent as it is if it did.
    pub(super) async fn encode(self, page: Bytes) -> Option<Bytes> {
        match self {
            Encoding::Identity => Some(page),
            #[cfg(feature = "compression")]
            _ if page.len() > LONG => tokio::task::spawn_blocking(move || self.compress(&page)).await.ok().flatten(),
            #[cfg(feature = "compression")]
            _ => self.compress(&page),
        }
    }

    #[cfg(feature = "compression")]
    fn compress(self, page: &[u8]) -> Option<Bytes> {
        use std::io::Write as _;
        let compressed = match self {
            Encoding::Identity => return None,
            Encoding::Gzip => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                gzip.write_all(page).and_then(|()| gzip.finish())
            }
            Encoding::Zstd => zstd::bulk::compress(page, zstd::DEFAULT_COMPRESSION_LEVEL),
        };
        compressed.ok().map(Bytes::from)
    }
}

fn quality(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let given = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    (name, given.map_or(1.0, |text| text.trim().parse().unwrap_or(0.0)))
}

#[cfg(all(test, feature = "compression"))]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_client_gets_the_encoding_that_it_prefers() {
        let wanted = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
            Encoding::wanted(&headers, WORTHWHILE)
        };
        assert_eq!(Encoding::wanted(&HeaderMap::new(), WORTHWHILE), Encoding::Identity);
        assert_eq!(wanted("gzip, deflate, br, zstd"), Encoding::Zstd);
        assert_eq!(wanted("gzip, deflate, br"), Encoding::Gzip);
        assert_eq!(wanted("zstd;q=0.5, gzip;q=0.6"), Encoding::Gzip);
        assert_eq!(wanted("gzip;q=0"), Encoding::Identity);
        assert_eq!(wanted("identity, gzip;q=0.5"), Encoding::Identity);
        assert_eq!(wanted("*"), Encoding::Zstd);
        assert_eq!(wanted("zstd;q=0, *"), Encoding::Gzip);
        assert_eq!(wanted("br"), Encoding::Identity);
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(Encoding::wanted(&headers, WORTHWHILE - 1), Encoding::Identity, "not worth it");
    }
}
