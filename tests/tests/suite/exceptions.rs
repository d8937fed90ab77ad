//! What the suite asks for and generated types do otherwise on purpose, each with the reason.

use std::collections::BTreeSet;

/// Cases of one kind that may be wrong.
#[derive(Debug)]
struct Exception {
    /// The run, or nothing for all of them.
    run: &'static str,
    file: &'static str,
    /// A part of `group: case`.
    contains: &'static str,
    reason: &'static str,
}

const DYNAMIC: &str = "`$dynamicRef` and `$recursiveRef` are resolved where they stand, not where they are used from: \
                       one schema is one type, whoever refers to it";
const VOCABULARY: &str = "a metaschema cannot turn keywords off";

const EXCEPTIONS: &[Exception] = &[
    Exception { run: "", file: "dynamicRef", contains: "", reason: DYNAMIC },
    Exception { run: "", file: "recursiveRef", contains: "", reason: DYNAMIC },
    Exception { run: "", file: "defs", contains: "against metaschema", reason: DYNAMIC },
    Exception { run: "", file: "unevaluatedItems", contains: "unevaluatedItems with $dynamicRef", reason: DYNAMIC },
    Exception { run: "", file: "unevaluatedItems", contains: "unevaluatedItems with $recursiveRef", reason: DYNAMIC },
    Exception {
        run: "",
        file: "unevaluatedProperties",
        contains: "unevaluatedProperties with $dynamicRef",
        reason: DYNAMIC,
    },
    Exception {
        run: "",
        file: "unevaluatedProperties",
        contains: "unevaluatedProperties with $recursiveRef",
        reason: DYNAMIC,
    },
    Exception { run: "", file: "vocabulary", contains: "no validation vocabulary", reason: VOCABULARY },
];

/// The exceptions, and which of them were needed.
pub(crate) struct Exceptions {
    needed: BTreeSet<usize>,
}

impl Exceptions {
    pub(crate) fn new() -> Self {
        Exceptions { needed: BTreeSet::new() }
    }

    /// Whether a case is left out, because it is wrong and may be.
    pub(crate) fn excuses(&mut self, run: &str, file: &str, what: &str, is_wrong: bool) -> bool {
        let fits = |exception: &Exception| {
            (exception.run.is_empty() || exception.run == run)
                && exception.file == file
                && what.contains(exception.contains)
        };
        let found = EXCEPTIONS.iter().position(fits).filter(|_| is_wrong);
        self.needed.extend(found);
        found.is_some()
    }

    /// Those that excused nothing.
    pub(crate) fn without_effect(&self) -> Vec<String> {
        let unneeded = EXCEPTIONS.iter().enumerate().filter(|(index, _)| !self.needed.contains(index));
        unneeded.map(|(_, exception)| format!("{exception:?} ({})", exception.reason)).collect()
    }
}
