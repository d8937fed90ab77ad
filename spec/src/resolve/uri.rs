//! URI references (RFC 3986, section 5): what an `$id` or `$ref` means relative to where it stands.

use std::path::{Component, Path, PathBuf};

struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

fn split(uri: &str) -> Parts<'_> {
    let uri = uri.split_once('#').map_or(uri, |(uri, _)| uri);
    let (scheme, rest) = match scheme(uri) {
        Some(scheme) => (Some(scheme), &uri[scheme.len() + 1..]),
        None => (None, uri),
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            Parts { scheme, authority: Some(authority), path, query }
        }
        None => Parts { scheme, authority: None, path: rest, query },
    }
}

/// The scheme, when there is one. A single letter is a drive of Windows.
pub(crate) fn scheme(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    let valid = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    valid.then_some(scheme)
}

/// The host of a URL, without user and port.
pub(crate) fn host(uri: &str) -> Option<&str> {
    let authority = split(uri).authority?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return host.split_inclusive(']').next();
    }
    Some(host.split_once(':').map_or(host, |(host, _)| host))
}

/// `reference` seen from `base`, without its fragment.
pub(crate) fn join(base: &str, reference: &str) -> String {
    let reference = split(reference);
    let base = split(base);
    let (scheme, authority, path, query);
    if reference.scheme.is_some() {
        (scheme, authority, query) = (reference.scheme, reference.authority, reference.query);
        path = remove_dot_segments(reference.path);
    } else if reference.authority.is_some() {
        (scheme, authority, query) = (base.scheme, reference.authority, reference.query);
        path = remove_dot_segments(reference.path);
    } else {
        (scheme, authority) = (base.scheme, base.authority);
        if reference.path.is_empty() {
            path = base.path.to_owned();
            query = reference.query.or(base.query);
        } else {
            query = reference.query;
            path = if reference.path.starts_with('/') {
                remove_dot_segments(reference.path)
            } else if base.authority.is_some() && base.path.is_empty() {
                remove_dot_segments(&format!("/{}", reference.path))
            } else {
                let folder = base.path.rfind('/').map_or("", |at| &base.path[..=at]);
                remove_dot_segments(&format!("{folder}{}", reference.path))
            };
        }
    }
    let mut uri = String::new();
    if let Some(scheme) = scheme {
        uri.push_str(scheme);
        uri.push(':');
    }
    if let Some(authority) = authority {
        uri.push_str("//");
        uri.push_str(authority);
    }
    uri.push_str(&path);
    if let Some(query) = query {
        uri.push('?');
        uri.push_str(query);
    }
    uri
}

fn remove_dot_segments(path: &str) -> String {
    if !path.contains('.') {
        return path.to_owned();
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                // The empty segment before a leading slash stays.
                if segment == ".." && kept.len() > usize::from(path.starts_with('/')) {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    kept.join("/")
}

/// The `file:` URI of a path.
pub(crate) fn of_path(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let text = normalise(&absolute).to_string_lossy().replace('\\', "/");
    format!("file://{}{text}", if text.starts_with('/') { "" } else { "/" })
}

/// The path of a `file:` URI.
pub(crate) fn to_path(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://")?;
    // `file:///C:/…`
    let is_drive = path.as_bytes().get(2) == Some(&b':');
    Some(PathBuf::from(if is_drive { &path[1..] } else { path }))
}

/// A path without `.` and with `..` resolved by name.
pub(crate) fn normalise(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !matches!(normal.components().next_back(), Some(Component::Normal(_))) {
                    if !normal.has_root() {
                        normal.push("..");
                    }
                } else {
                    normal.pop();
                }
            }
            component => normal.push(component),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::{host, join, normalise, scheme};
    use std::path::Path;

    #[test]
    fn references_are_joined_as_rfc_3986_has_it() {
        let base = "http://a/b/c/d;p?q";
        // RFC 3986, section 5.4.
        for (reference, expected) in [
            ("gg:h", "gg:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("./g/.", "http://a/b/c/g/"),
            ("g/../h", "http://a/b/c/h"),
        ] {
            assert_eq!(join(base, reference), expected, "{reference}");
        }
        assert_eq!(join("urn:uuid:deadbeef", "#/a"), "urn:uuid:deadbeef");
    }

    #[test]
    fn schemes_and_hosts_are_told_from_paths() {
        assert_eq!(scheme("https://example.com/a"), Some("https"));
        assert_eq!(scheme("C:/a.yaml"), None);
        assert_eq!(scheme("./a:b.yaml"), None);
        assert_eq!(host("https://me@example.com:8080/a"), Some("example.com"));
        assert_eq!(host("urn:a:b"), None);
    }

    #[test]
    fn paths_lose_their_dots() {
        assert_eq!(normalise(Path::new("spec/./a/../../b.yaml")), Path::new("b.yaml"));
        assert_eq!(normalise(Path::new("spec/../../b.yaml")), Path::new("../b.yaml"));
        assert_eq!(normalise(Path::new("/../b.yaml")), Path::new("/b.yaml"));
    }
}
