//! A look at the beginning of a page.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use crate::feed::page::text_of;

/// Where a page leads on, if it says so before its items, which are not looked at.
pub(super) fn next_url(body: &[u8]) -> Option<String> {
    struct Peek<'p>(&'p mut Option<String>);

    impl<'de> Visitor<'de> for Peek<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a page")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                match &*name {
                    "next_url" => {
                        *self.0 = map.next_value()?;
                        break;
                    }
                    "items" => break,
                    _ => map.next_value::<IgnoredAny>().map(drop)?,
                }
            }
            Ok(())
        }
    }

    let mut next = None;
    // An error, too: there is more behind what was read.
    let _ = serde_json::Deserializer::from_str(text_of(body).ok()?).deserialize_map(Peek(&mut next));
    next
}

#[cfg(test)]
mod tests {
    use super::next_url;

    #[test]
    fn what_stands_before_the_items_is_read_and_nothing_behind() {
        let next = |body: &str| next_url(body.as_bytes());
        assert_eq!(
            next(r#"{"title": {"a": [1]}, "next_url": "?offset=\u0031", "items": [cut off"#).unwrap(),
            "?offset=1"
        );
        assert_eq!(next(r#"{"items": [], "next_url": "?offset=1"}"#), None);
        for odd in ["", "[]", "{}", r#"{"next_url": 7}"#, r#"{"next_url": null}"#, "\u{feff}{"] {
            assert_eq!(next(odd), None, "{odd}");
        }
    }
}
