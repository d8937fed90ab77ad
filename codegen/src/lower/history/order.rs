//! Whether versions stand in their order, the oldest first, and each is another one: their numbers come in, and
//! diagnostics go out.

use event_api_spec::Diagnostic;
use semver::Prerelease;

use crate::ir::Api;
use crate::rules;

/// The oldest comes first, and no two are of one version: events say by it which of them describes them.
pub(super) fn check(apis: &[Api]) -> Result<(), Vec<Diagnostic>> {
    let mut found = Vec::new();
    for (index, api) in apis.iter().enumerate() {
        if let Some(other) = apis[..index].iter().find(|other| is_same(&other.version, &api.version)) {
            let written = if other.version == api.version { String::new() } else { format!(" ({})", other.version) };
            let message = format!(
                "`{}` and `{}` are both of version {}{written}, by which events tell what describes them",
                other.source, api.source, api.version
            );
            let help = "change `info.version` of the later one";
            found.push(Diagnostic::without_location(rules::VERSIONS_ALIKE, message).help(help));
        }
    }
    for two in apis.windows(2) {
        let (Some(before), Some(after)) = (Number::of(&two[0].version), Number::of(&two[1].version)) else { continue };
        if before > after {
            let message = format!(
                "`{}` of version {} is listed before `{}` of version {}, which is older",
                two[0].source, two[0].version, two[1].source, two[1].version
            );
            let help = "list the oldest version first: events are brought from each to the next";
            found.push(Diagnostic::without_location(rules::VERSIONS_OUT_OF_ORDER, message).help(help));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Whether events of the one are events of the other. Builds are versions of their own, of which none is the later one.
fn is_same(a: &str, b: &str) -> bool {
    let number = |version: &str| Number::of(version).filter(|_| !version.contains('+'));
    a == b || number(a).is_some_and(|a| Some(a) == number(b))
}

/// A semantic version, as the runtime reads it in an event: with or without a `v` before it, parts that are left out are 0.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Number([u64; 3], Prerelease);

impl Number {
    fn of(version: &str) -> Option<Self> {
        let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
        let version = version.split_once('+').map_or(version, |(version, _)| version);
        let (numbers, stage) = version.split_once('-').unwrap_or((version, ""));
        let mut found = [0; 3];
        let mut count = 0;
        for number in numbers.split('.') {
            *found.get_mut(count)? =
                number.parse().ok().filter(|_| number.starts_with(|c: char| c.is_ascii_digit()))?;
            count += 1;
        }
        // `2024-05-01` is a date.
        let is_whole = count == found.len() || stage.is_empty();
        Some(Number(found, Prerelease::new(stage).ok()?)).filter(|_| is_whole)
    }
}
