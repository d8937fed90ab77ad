//! JSON Pointer (RFC 6901).

use std::fmt::{self, Write as _};

/// A JSON Pointer: the path from the root of a file to a node, `""` for the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The root.
    pub fn root() -> Self {
        Self::default()
    }

    /// This pointer with one more token, escaped as needed.
    #[must_use]
    pub fn join(&self, token: impl fmt::Display) -> Self {
        /// As long as most names are, so that most pointers are one allocation.
        const TOKEN: usize = 24;
        let mut text = String::with_capacity(self.0.len() + 1 + TOKEN);
        text.push_str(&self.0);
        text.push('/');
        let start = text.len();
        // Writing to a string cannot fail.
        _ = write!(text, "{token}");
        if text.as_bytes()[start..].iter().any(|byte| b"~/".contains(byte)) {
            let escaped = text[start..].replace('~', "~0").replace('/', "~1");
            text.replace_range(start.., &escaped);
        }
        Pointer(text)
    }

    /// The pointer of a URI fragment (the part behind `#`), percent-decoded (RFC 6901, section 6).
    /// `None` when it is not a pointer, as in `#anchor`.
    pub fn from_fragment(fragment: &str) -> Option<Self> {
        let text = percent_decode(fragment)?;
        (text.is_empty() || text.starts_with('/')).then_some(Pointer(text))
    }

    /// The unescaped tokens.
    pub fn tokens(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').skip(1).map(unescape)
    }

    /// The last token, unescaped; `None` for the root.
    pub fn last(&self) -> Option<String> {
        let (_, token) = self.0.rsplit_once('/')?;
        Some(unescape(token))
    }

    /// As written: `/components/schemas/User`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn unescape(token: &str) -> String {
    match token.contains('~') {
        true => token.replace("~1", "/").replace("~0", "~"),
        false => token.to_owned(),
    }
}

pub(crate) fn percent_decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push((high * 16 + low) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::Pointer;

    #[test]
    fn tokens_are_escaped_and_unescaped() {
        let pointer = Pointer::root().join("channels").join("user/{id}~x").join(0);
        assert_eq!(pointer.as_str(), "/channels/user~1{id}~0x/0");
        assert_eq!(pointer.tokens().collect::<Vec<_>>(), ["channels", "user/{id}~x", "0"]);
        assert_eq!(pointer.last().as_deref(), Some("0"));
    }

    #[test]
    fn fragments_are_percent_decoded_and_anchors_are_no_pointers() {
        assert_eq!(Pointer::from_fragment("/a%20b/c%7E1d").unwrap().tokens().collect::<Vec<_>>(), ["a b", "c/d"]);
        assert_eq!(Pointer::from_fragment(""), Some(Pointer::root()));
        assert_eq!(Pointer::from_fragment("anchor"), None);
        assert_eq!(Pointer::from_fragment("/bad%2"), None);
    }
}
