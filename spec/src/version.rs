//! `info.version` as a semantic version, as people write it.

use semver::{BuildMetadata, Prerelease, Version};

/// A version by [Semantic Versioning](https://semver.org): also with a `v` before it, and with parts left out, which are 0.
/// Which build it is does not matter. Anything else is none: `2024-05-01` is a date.
///
/// ```
/// use event_api_spec::semantic_version;
///
/// assert_eq!(semantic_version("v1.2").unwrap().to_string(), "1.2.0");
/// assert!(semantic_version("1.0.0-rc.2") < semantic_version("1.0.0+build.7"));
/// assert_eq!(semantic_version("latest"), None);
/// ```
pub fn semantic_version(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let (core, stage) = text.split_once('-').unwrap_or((text, ""));
    let mut numbers = [0; 3];
    let mut count = 0;
    for part in core.split('.') {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *numbers.get_mut(count)? = part.parse().ok().filter(|_| is_number)?;
        count += 1;
    }
    let [major, minor, patch] = numbers;
    let pre = Prerelease::new(stage).ok()?;
    let version = Version { major, minor, patch, pre, build: BuildMetadata::EMPTY };
    (count == numbers.len() || !text.contains('-')).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::semantic_version;

    #[test]
    fn other_texts_are_no_versions() {
        for text in ["", "v", "latest", "1.2.3.4", "1..2", "one", "-1", "+1.0.0", "2024-05", "2024-05-01", "1.0.0-a..b"]
        {
            assert_eq!(semantic_version(text), None, "{text}");
        }
    }

    #[test]
    fn pre_releases_come_in_their_order() {
        let order = ["1.0.0-alpha", "1.0.0-rc.2", "1.0.0-rc.11", "1", "v1.0.1", "1.10"];
        assert!(order.is_sorted_by_key(|text| semantic_version(text).unwrap()), "{order:?}");
    }
}
