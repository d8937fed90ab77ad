//! `info.version` as a semantic version, and how far one is from another.

use std::cmp::Ordering;

use super::rules::Bump;

/// A semantic version, as far as it says how it was bumped. `v1.2` and `1` count as `1.2.0` and `1.0.0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    numbers: [u64; 3],
    pre_release: Option<String>,
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (core, pre_release) = match text.split_once('-') {
            Some((core, pre_release)) => (core, Some(pre_release.to_owned())),
            None => (text, None),
        };
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for number in &mut numbers {
            let Some(part) = parts.next() else { break };
            *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
        }
        (parts.next().is_none() && !core.is_empty()).then_some(Version { numbers, pre_release })
    }

    /// How it was bumped to become `new`. Before 1.0.0, the second number stands for the first, and the third for the
    /// second, as Cargo has it. A step back is none.
    pub(super) fn bump_to(&self, new: &Version) -> Bump {
        let [major, minor, patch] = self.numbers;
        let [new_major, new_minor, new_patch] = new.numbers;
        let is_initial = major == 0 && new_major == 0;
        match self.numbers.cmp(&new.numbers) {
            Ordering::Greater => Bump::None,
            Ordering::Less if new_major > major => Bump::Major,
            Ordering::Less if new_minor > minor => {
                if is_initial {
                    Bump::Major
                } else {
                    Bump::Minor
                }
            }
            Ordering::Less if new_patch > patch => {
                if is_initial {
                    Bump::Minor
                } else {
                    Bump::Patch
                }
            }
            // From one pre-release to the next, or to the release: whatever was announced may still change.
            _ if self.pre_release.is_some() && self.pre_release != new.pre_release => match (minor, patch) {
                (0, 0) => Bump::Major,
                (_, 0) => Bump::Minor,
                _ => Bump::Patch,
            },
            _ => Bump::None,
        }
    }

    /// The least version that is a bump away.
    pub(super) fn bumped(&self, bump: Bump) -> String {
        let [major, minor, patch] = self.numbers;
        let [major, minor, patch] = match (bump, major) {
            (Bump::None, _) => [major, minor, patch],
            (Bump::Major, 0) => [0, minor.saturating_add(1), 0],
            (Bump::Minor | Bump::Patch, 0) | (Bump::Patch, _) => [major, minor, patch.saturating_add(1)],
            (Bump::Minor, _) => [major, minor.saturating_add(1), 0],
            (Bump::Major, _) => [major.saturating_add(1), 0, 0],
        };
        format!("{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Bump, Version};

    fn bump(old: &str, new: &str) -> Bump {
        Version::parse(old).unwrap().bump_to(&Version::parse(new).unwrap())
    }

    #[test]
    fn bumps_are_those_of_semantic_versioning() {
        assert_eq!(bump("1.2.3", "2.0.0"), Bump::Major);
        assert_eq!(bump("1.2.3", "1.3.0"), Bump::Minor);
        assert_eq!(bump("1.2.3", "1.2.4"), Bump::Patch);
        assert_eq!(bump("1.2.3", "1.2.3"), Bump::None);
        assert_eq!(bump("2.0.0", "1.9.0"), Bump::None);
        assert_eq!(bump("0.1.0", "0.2.0"), Bump::Major);
        assert_eq!(bump("0.1.0", "0.1.1"), Bump::Minor);
        assert_eq!(bump("v1", "1.1"), Bump::Minor);
        assert_eq!(bump("2.0.0-beta.1", "2.0.0"), Bump::Major);
        assert_eq!(bump("1.0.0+build", "1.0.0"), Bump::None);
    }

    #[test]
    fn the_largest_numbers_are_not_raised_beyond_themselves() {
        let largest = Version::parse("0.18446744073709551615.0").unwrap();
        assert_eq!(largest.bumped(Bump::Major), "0.18446744073709551615.0");
    }

    #[test]
    fn other_texts_are_no_versions() {
        for text in ["", "latest", "1.2.3.4", "1..2", "one", "-1"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
