//! Whether versions stand in their order, the oldest first, and each is another one: their numbers come in, and
//! diagnostics go out.

use event_api_spec::{Diagnostic, semantic_version};

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
        let (Some(before), Some(after)) = (semantic_version(&two[0].version), semantic_version(&two[1].version)) else {
            continue;
        };
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
    let number = |version: &str| semantic_version(version).filter(|_| !version.contains('+'));
    a == b || number(a).is_some_and(|a| Some(a) == number(b))
}
