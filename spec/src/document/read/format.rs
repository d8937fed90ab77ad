//! Texts with a format: whether an e-mail address, a URL or a URI is one, and if not, why.
//!
//! Syntax only, and by the letter of the RFCs; nothing is looked up. What is wrong is a warning, because nothing
//! generated depends on it.

/// What a text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// RFC 5321 and, for other scripts, RFC 6531.
    Email,
    /// RFC 3986, with a scheme.
    Uri,
    /// A URI that says where something is.
    Url,
}

impl Format {
    /// What it is called, with an article.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Email => "an e-mail address",
            Format::Uri => "a URI",
            Format::Url => "an absolute URL",
        }
    }

    /// How one looks.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Format::Email => "support@example.com",
            Format::Uri => "urn:example:users",
            Format::Url => "https://example.com/path",
        }
    }

    /// Why `text` is none.
    pub(crate) fn fault(self, text: &str) -> Option<String> {
        match self {
            Format::Email => email_fault(text).map(str::to_owned),
            Format::Uri => uri_fault(text),
            Format::Url => uri_fault(text).or_else(|| host_fault(text)),
        }
    }
}

/// RFC 3986, appendix A. The parts are not told apart further: what is allowed in any of them is allowed.
fn uri_fault(text: &str) -> Option<String> {
    if let Some(wrong) = text.chars().find(|c| !is_uri_character(*c)) {
        return Some(match wrong {
            ' ' => "it has a space in it".to_owned(),
            wrong => format!("`{}` must be percent-encoded in it", wrong.escape_default()),
        });
    }
    let mut parts = text.split('%');
    parts.next();
    let is_encoded = |part: &str| part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !parts.all(is_encoded) {
        return Some("two hexadecimal digits must stand behind a `%`".to_owned());
    }
    let Some((scheme, rest)) = text.split_once(':') else { return Some("it has no scheme".to_owned()) };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme {
        return Some(format!("`{scheme}` is no scheme"));
    }
    rest.is_empty().then(|| "there is nothing behind its scheme".to_owned())
}

/// unreserved, gen-delims, sub-delims and `%`
fn is_uri_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

/// RFC 9110, section 4.2: an http or https URI has a host.
fn host_fault(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once(':')?;
    if !["http", "https"].iter().any(|web| web.eq_ignore_ascii_case(scheme)) {
        return None;
    }
    let authority = rest.strip_prefix("//").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let host = authority.map(|authority| authority.rsplit_once('@').map_or(authority, |(_user, host)| host));
    host.is_none_or(|host| host.is_empty() || host.starts_with(':')).then(|| "it has no host".to_owned())
}

fn email_fault(text: &str) -> Option<&'static str> {
    let Some((local, domain)) = text.rsplit_once('@') else { return Some("it has no `@`") };
    // RFC 5321, section 4.5.3.1
    if local.is_empty() || local.len() > 64 {
        return Some("what stands before the `@` must have 1 to 64 bytes");
    }
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let is_atom = |atom: &str| {
        let is_allowed = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
        !atom.is_empty() && atom.chars().all(is_allowed)
    };
    if !is_quoted && !local.split('.').all(is_atom) {
        return Some("what stands before the `@` is not allowed there without quotes");
    }
    let is_literal = domain.starts_with('[') && domain.ends_with(']');
    let is_label = |label: &str| {
        let is_allowed = |c: char| c.is_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(is_allowed) && !label.starts_with('-') && !label.ends_with('-')
    };
    (!is_literal && !domain.split('.').all(is_label)).then_some("what stands behind the `@` is no domain")
}

#[cfg(test)]
mod tests {
    use super::Format;

    fn are(format: Format, texts: &[&str]) {
        for text in texts {
            assert_eq!(format.fault(text), None, "{text}");
        }
    }

    fn are_not(format: Format, texts: &[&str]) {
        for text in texts {
            assert!(format.fault(text).is_some(), "{text}");
        }
    }

    #[test]
    fn uris_have_a_scheme_and_only_the_characters_of_rfc_3986() {
        are(
            Format::Uri,
            &[
                "urn:example:users",
                "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
                "https://example.com/a?b=c#d",
                "http://[2001:db8::7]:80/",
                "mailto:a@example.com",
                "tel:+1-816-555-1212",
                "a+b.c-d:e%20f",
            ],
        );
        are_not(Format::Uri, &["", "users", "/users", "a b:c", "1a:b", ":a", "urn:", "urn:a%2", "urn:a%zz", "urn:ä"]);
    }

    #[test]
    fn urls_of_the_web_have_a_host() {
        are(Format::Url, &["https://example.com", "HTTP://u:p@localhost:80/a", "ftp://a/b", "mailto:a@example.com"]);
        are_not(Format::Url, &["example.com", "./LICENSE", "https:example.com", "https:///a", "https://:80/"]);
        are_not(Format::Url, &["https://{tenant}.example.com/token", "https://example.com/a b"]);
    }

    #[test]
    fn e_mail_addresses_have_a_local_part_and_a_domain() {
        are(
            Format::Email,
            &["a@b", "first.last+tag@sub.example.com", "\"a b\"@example.com", "a@[127.0.0.1]", "jörg@bücher.example"],
        );
        are_not(
            Format::Email,
            &["", "a", "@b", "a@", "a b@c", "a..b@c", ".a@b", "a@b..c", "a@-b", "a@b c", "https://example.com"],
        );
    }
}
