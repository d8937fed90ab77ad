//! `user/{id}/signedup`: names in braces.

use std::collections::BTreeSet;

/// The names between braces. What is no template has none: that was reported when it was read.
pub(super) fn names(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let mut rest = text;
    while let Some((_, inner)) = rest.split_once('{') {
        let Some((name, behind)) = inner.split_once('}') else { break };
        if !name.is_empty() && !name.contains('{') {
            names.insert(name);
        }
        rest = behind;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_stand_between_braces() {
        assert_eq!(names("a/{b}/{c}.{b}").into_iter().collect::<Vec<_>>(), ["b", "c"]);
        assert!(names("a/{}/{b/{").is_empty());
        assert!(names("a").is_empty());
    }
}
