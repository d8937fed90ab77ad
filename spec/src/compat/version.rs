//! How far one semantic version is from another.

use std::cmp::Ordering;

use semver::Version;

use super::rules::Bump;

/// How `old` was bumped to become `new`. Before 1.0.0, the second number stands for the first, and the third for the
/// second, as Cargo has it. A step back is none.
pub(super) fn bump(old: &Version, new: &Version) -> Bump {
    let (major, minor, patch) = (old.major, old.minor, old.patch);
    let (new_major, new_minor, new_patch) = (new.major, new.minor, new.patch);
    let is_initial = major == 0 && new_major == 0;
    match (major, minor, patch).cmp(&(new_major, new_minor, new_patch)) {
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
        _ if !old.pre.is_empty() && old.pre != new.pre => match (minor, patch) {
            (0, 0) => Bump::Major,
            (_, 0) => Bump::Minor,
            _ => Bump::Patch,
        },
        _ => Bump::None,
    }
}

/// The least version that is a bump away.
pub(super) fn bumped(version: &Version, bump: Bump) -> String {
    let (major, minor, patch) = (version.major, version.minor, version.patch);
    let [major, minor, patch] = match (bump, major) {
        (Bump::None, _) => [major, minor, patch],
        (Bump::Major, 0) => [0, minor.saturating_add(1), 0],
        (Bump::Minor | Bump::Patch, 0) | (Bump::Patch, _) => [major, minor, patch.saturating_add(1)],
        (Bump::Minor, _) => [major, minor.saturating_add(1), 0],
        (Bump::Major, _) => [major.saturating_add(1), 0, 0],
    };
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use super::{Bump, bumped};
    use crate::semantic_version;

    fn bump(old: &str, new: &str) -> Bump {
        super::bump(&semantic_version(old).unwrap(), &semantic_version(new).unwrap())
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
        let largest = semantic_version("0.18446744073709551615.0").unwrap();
        assert_eq!(bumped(&largest, Bump::Major), "0.18446744073709551615.0");
    }
}
