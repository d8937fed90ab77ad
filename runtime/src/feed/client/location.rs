//! Where a feed may lead: which URLs of pages, redirects and checkpoints are followed, and which were read before.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use url::{Origin, Url, form_urlencoded};

use crate::consume::ConsumeError;
use crate::event::Position;

/// Reads the URL of a feed as the user gave it.
pub(super) fn feed_url(text: &str) -> Result<Url, ConsumeError> {
    let unusable = |reason: String| ConsumeError::Url { url: text.to_owned(), reason };
    let mut url = Url::parse(text).map_err(|error| unusable(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(unusable(format!("{} is not http or https", url.scheme())));
    }
    if has_credentials(&url) {
        return Err(unusable("credentials do not belong into it; set them with `header`".to_owned()));
    }
    url.set_fragment(None);
    Ok(url)
}

/// Parameters that say where a page begins, how much it holds and how long its server waits, and not of what.
const OF_THE_PAGE: [&str; 3] = ["offset", "limit", "timeout"];

/// The name of a consumer that was given none. Feeds that differ in what they hold differ in it.
pub(super) fn default_name(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let mut name = format!("{}{port}{}", url.host_str().unwrap_or_default(), url.path());
    let of_what = pairs(url).filter(|pair| !OF_THE_PAGE.contains(&self::name(pair).as_str()));
    for (index, pair) in of_what.enumerate() {
        name.push(if index == 0 { '?' } else { '&' });
        name.push_str(pair);
    }
    name
}

/// Refuses a checkpoint at `resume` when the feed's URL now asks for other types of events: the checkpoint goes on with
/// the former ones, and says nothing about those that were added.
///
/// Only types are compared. What else there is in `resume` was made by the server, which may leave out, add and reorder
/// parameters as it likes.
pub(super) fn check_types(home: &Url, resume: &Url) -> Result<(), ConsumeError> {
    let says_types =
        resume.query().is_none() || resume.query_pairs().any(|(name, _)| name == "offset" || name == "type");
    let (wanted, kept) = (types(home), types(resume));
    if resume.path() != home.path() || !says_types || wanted == kept {
        return Ok(());
    }
    let all_or = |types: BTreeSet<String>| match types.is_empty() {
        true => "all types".to_owned(),
        false => format!("the types {}", types.into_iter().collect::<Vec<_>>().join(", ")),
    };
    Err(ConsumeError::Setup(format!(
        "its URL asks for {}, and its checkpoint is of a feed of {}, at {resume}; consume under another name to start \
         anew, or restore the former URL",
        all_or(wanted),
        all_or(kept)
    )))
}

/// The types that a URL asks for; all when it is empty. Split before decoding, as servers do: a comma that belongs to a
/// name is written `%2C`.
pub(super) fn types(url: &Url) -> BTreeSet<String> {
    let values = pairs(url).filter(|pair| name(pair) == "type").filter_map(|pair| pair.split_once('='));
    let names = values.flat_map(|(_, value)| value.split(',')).map(decode);
    names.filter(|name| !name.is_empty()).collect()
}

/// The pairs of a query, as they are written.
fn pairs(url: &Url) -> impl Iterator<Item = &str> {
    url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty())
}

/// The name of a pair.
fn name(pair: &str) -> String {
    decode(pair.split('=').next().unwrap_or_default())
}

/// What a name or a value means.
fn decode(text: &str) -> String {
    // As a value, in which an `=` is nothing special.
    form_urlencoded::parse(format!("={text}").as_bytes()).map(|(_, value)| value).collect()
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether `url` says at which position its page begins.
pub(super) fn has_offset(url: &Url) -> bool {
    url.query_pairs().any(|(name, _)| name == "offset")
}

/// The position at which the page of `url` begins, if it says so.
pub(super) fn offset(url: &Url) -> Option<Position> {
    url.query_pairs().find(|(name, _)| name == "offset").and_then(|(_, offset)| offset.parse().ok())
}

/// `url` with `offset=position` in its query. The rest stays as it is written: `type=A,B` are two types, and `type=A%2CB`
/// is one.
pub(super) fn at_offset(url: &Url, position: Position) -> Url {
    let mut query = String::new();
    for pair in pairs(url).filter(|pair| name(pair) != "offset") {
        query.push_str(pair);
        query.push('&');
    }
    let mut moved = url.clone();
    moved.set_query(Some(&format!("{query}offset={position}")));
    moved
}

/// The places that a consumer may read.
#[derive(Clone, Debug)]
pub(super) struct Places {
    home: Url,
    allowed: Vec<Origin>,
}

impl Places {
    /// The origin of `home`, and `allowed` ones.
    pub(super) fn new(home: Url, allowed: &[String]) -> Result<Self, ConsumeError> {
        let allowed =
            allowed.iter().map(|origin| feed_url(origin).map(|url| url.origin())).collect::<Result<_, _>>()?;
        Ok(Places { home, allowed })
    }

    pub(super) fn home(&self) -> &Url {
        &self.home
    }

    /// `url` as it is remembered: without what it shares with the home, so that a feed that moves to another host is gone
    /// on with where it was left.
    pub(super) fn remembered(&self, url: &Url) -> String {
        if !self.is_home(url) {
            return url.to_string();
        }
        match url.query() {
            Some(query) if url.path() == self.home.path() => format!("?{query}"),
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }

    /// Whether `url` may be given the user's headers: they were meant for the home, or its secured form.
    pub(super) fn is_home(&self, url: &Url) -> bool {
        let secured = self.home.scheme() == "http"
            && url.scheme() == "https"
            && url.host() == self.home.host()
            && (url.port() == self.home.port());
        secured || url.origin() == self.home.origin()
    }

    /// Whether `url` is the home but for missing its https.
    fn is_plain_home(&self, url: &Url) -> bool {
        let same_port = url.port() == self.home.port() || url.port().is_none();
        self.home.scheme() == "https" && url.scheme() == "http" && url.host() == self.home.host() && same_port
    }

    /// Resolves what a page or redirect at `base` leads to.
    pub(super) fn follow(&self, base: &Url, reference: &str) -> Result<Url, ConsumeError> {
        let refused =
            |to: &str, reason: String| ConsumeError::NotFollowed { from: base.to_string(), to: to.to_owned(), reason };
        let mut url = base.join(reference).map_err(|error| refused(reference, error.to_string()))?;
        url.set_fragment(None);
        if has_credentials(&url) {
            return Err(refused(reference, "it carries credentials".to_owned()));
        }
        if self.is_plain_home(&url) {
            // Behind a proxy that ends TLS, servers often believe that they are asked over http. The failures of
            // these two calls are those of URLs without a host.
            let _ = url.set_scheme("https");
            let _ = url.set_port(self.home.port());
        }
        if self.is_home(&url) || self.allowed.contains(&url.origin()) {
            return Ok(url);
        }
        let reason = format!(
            "the feed is at {}; if it is meant to lead elsewhere, allow it with `allow_origin`",
            self.home.origin().ascii_serialization()
        );
        Err(refused(url.as_str(), reason))
    }
}

/// Remembers the last pages, to notice that they lead in a circle. A circle of more pages than it remembers is still
/// harmless where items tell positions: nothing is handled twice.
#[derive(Debug, Default)]
pub(super) struct Visited(VecDeque<u64>);

impl Visited {
    const REMEMBERED: usize = 1024;

    pub(super) fn contains(&self, url: &Url) -> bool {
        self.0.contains(&digest(url))
    }

    pub(super) fn add(&mut self, url: &Url) {
        let digest = digest(url);
        if self.0.back() == Some(&digest) {
            return;
        }
        if self.0.len() == Self::REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(digest);
    }
}

fn digest(url: &Url) -> u64 {
    let mut hasher = DefaultHasher::new();
    url.as_str().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(home: &str) -> Places {
        Places::new(feed_url(home).unwrap(), &["https://cdn.test".to_owned()]).unwrap()
    }

    #[test]
    fn pages_of_the_same_origin_are_followed_and_resolved() {
        let places = places("https://host.test/feeds/users");
        let base = feed_url("https://host.test/feeds/users?offset=1").unwrap();
        for (reference, url) in [
            ("?offset=2", "https://host.test/feeds/users?offset=2"),
            ("/other", "https://host.test/other"),
            ("https://host.test:443/x#part", "https://host.test/x"),
            ("https://cdn.test/x", "https://cdn.test/x"),
            ("http://host.test/plain", "https://host.test/plain"),
        ] {
            assert_eq!(places.follow(&base, reference).unwrap().as_str(), url);
        }
    }

    #[test]
    fn what_is_remembered_moves_with_the_home() {
        let (old, new) = (places("https://host.test/feeds/users?type=A"), places("https://new.test/v2/users?type=A"));
        for (url, remembered, moved) in [
            ("https://host.test/feeds/users?offset=7", "?offset=7", "https://new.test/v2/users?offset=7"),
            ("https://host.test/feeds/users", "/feeds/users", "https://new.test/feeds/users"),
            ("https://host.test/pages/2?x", "/pages/2?x", "https://new.test/pages/2?x"),
            ("https://cdn.test/pages/2", "https://cdn.test/pages/2", "https://cdn.test/pages/2"),
        ] {
            let url = feed_url(url).unwrap();
            assert_eq!(old.remembered(&url), remembered);
            assert_eq!(old.follow(old.home(), remembered).unwrap(), url);
            assert_eq!(new.follow(new.home(), remembered).unwrap().as_str(), moved);
        }
        // A server behind a proxy that ends TLS, asked without it.
        let plain = places("http://host.test/feeds/users");
        assert_eq!(plain.remembered(&feed_url("https://host.test/feeds/users?offset=7").unwrap()), "?offset=7");
    }

    #[test]
    fn other_places_are_refused() {
        let places = places("https://host.test/feeds/users");
        let base = feed_url("https://host.test/feeds/users").unwrap();
        for reference in [
            "http://host.test:8080/feeds/users",
            "http://cdn.test/",
            "https://host.test:8443/",
            "https://host.test.evil.test/",
            "//evil.test/feed",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://a:b@host.test/",
            "https://",
        ] {
            let error = places.follow(&base, reference).unwrap_err();
            assert!(matches!(error, ConsumeError::NotFollowed { .. }), "{reference}");
        }
    }

    #[test]
    fn the_secured_form_of_the_home_is_home_and_not_the_reverse() {
        let plain = places("http://host.test/feed");
        assert!(plain.is_home(&feed_url("https://host.test/feed").unwrap()));
        assert!(!plain.is_home(&feed_url("https://cdn.test/feed").unwrap()));
        let secured = places("https://host.test:8443/feed");
        assert!(!secured.is_home(&feed_url("http://host.test:8443/feed").unwrap()));
        let base = feed_url("https://host.test:8443/feed").unwrap();
        for plain in ["http://host.test:8443/2", "http://host.test/2"] {
            assert_eq!(secured.follow(&base, plain).unwrap().as_str(), "https://host.test:8443/2");
        }
    }

    #[test]
    fn a_feed_url_without_scheme_or_with_credentials_is_refused() {
        for url in ["users.test/feed", "ftp://users.test/", "https://me:secret@users.test/", ""] {
            assert!(feed_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn the_offset_is_replaced_and_the_rest_kept() {
        let moved = |url: &str| at_offset(&feed_url(url).unwrap(), Position(7)).to_string();
        for (url, at) in [
            ("https://host.test/f", "https://host.test/f?offset=7"),
            ("https://host.test/f?type=A&offset=3&limit=5", "https://host.test/f?type=A&limit=5&offset=7"),
            ("https://host.test/f?type=A,B%2CC+D%20E&&x", "https://host.test/f?type=A,B%2CC+D%20E&x&offset=7"),
            ("https://host.test/f?o%66fset=3", "https://host.test/f?offset=7"),
        ] {
            assert_eq!(moved(url), at);
        }
    }

    #[test]
    fn feeds_of_other_types_have_other_names() {
        let name = |url: &str| default_name(&feed_url(url).unwrap());
        assert_eq!(name("https://host.test/f"), "host.test/f");
        assert_eq!(
            name("http://host.test:81/f?offset=3&type=A,B&limit=5&x=%20&timeout=9"),
            "host.test:81/f?type=A,B&x=%20"
        );
    }

    #[test]
    fn a_checkpoint_of_other_types_is_refused() {
        let check = |home: &str, resume: &str| {
            let url = |query: &str| feed_url(&format!("https://host.test/{query}")).unwrap();
            check_types(&url(home), &url(resume))
        };
        for (home, resume) in [
            ("f", "f?offset=1"),
            ("f?type=B,A&limit=3&key=x", "f?offset=1&type=A,B"),
            ("f?type=A&type=B,C", "f?offset=1&type=A,B,C"),
            ("f?type=A%2CB", "f?offset=1&type=A%2cB"),
            ("f?type=A", "f?cursor=x"),
            ("f?type=A", "pages/7"),
        ] {
            check(home, resume).unwrap();
        }
        for (home, resume) in [
            ("f?type=A", "f?offset=1"),
            ("f", "f?offset=1&type=A"),
            ("f?type=A", "f?type=B"),
            ("f?type=A", "f"),
            ("f?type=A,B", "f?offset=1&type=A%2CB"),
        ] {
            let error = check(home, resume).unwrap_err();
            assert!(
                matches!(&error, ConsumeError::Setup(why) if why.contains("another name")),
                "{home} {resume}: {error}"
            );
        }
    }

    #[test]
    fn only_the_last_pages_are_remembered() {
        let url = |n: usize| feed_url(&format!("https://host.test/{n}")).unwrap();
        let mut visited = Visited::default();
        for n in 0..=Visited::REMEMBERED {
            visited.add(&url(n));
        }
        assert!(!visited.contains(&url(0)) && visited.contains(&url(1)) && visited.contains(&url(Visited::REMEMBERED)));
    }
}
