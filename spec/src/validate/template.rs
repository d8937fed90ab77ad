//! `user/{id}/signedup`: names in braces.

use std::collections::BTreeSet;

/// The names between braces; `None` when the braces do not match, which was reported when the text was read.
pub(super) fn names(text: &str) -> Option<BTreeSet<&str>> {
    let mut names = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (name, behind) = rest[at..].strip_prefix('{')?.split_once('}')?;
        if name.is_empty() || name.contains('{') {
            return None;
        }
        names.insert(name);
        rest = behind;
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_stand_between_braces() {
        assert_eq!(names("a/{b}/{c}.{b}").unwrap().into_iter().collect::<Vec<_>>(), ["b", "c"]);
        assert!(names("a").unwrap().is_empty());
        for broken in ["a/{}", "a/{b", "a/b}", "a/{b{c}}"] {
            assert_eq!(names(broken), None, "{broken}");
        }
    }
}
