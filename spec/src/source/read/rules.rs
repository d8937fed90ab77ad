//! The rules of reading.

use crate::diagnostic::{Rule, Severity};

pub(crate) const YAML_SYNTAX: Rule =
    Rule { id: "yaml-syntax", severity: Severity::Error, summary: "The text is well-formed YAML." };
pub(crate) const JSON_SYNTAX: Rule =
    Rule { id: "json-syntax", severity: Severity::Error, summary: "Text that begins with a bracket is JSON or YAML." };
pub(crate) const FLOW_INDENTATION: Rule = Rule {
    id: "flow-indentation",
    severity: Severity::Warning,
    summary: "Lines between brackets are indented deeper than their key.",
};
pub(crate) const EMPTY_DOCUMENT: Rule =
    Rule { id: "empty-document", severity: Severity::Error, summary: "A file holds a document." };
pub(crate) const FILE_TOO_LARGE: Rule =
    Rule { id: "file-too-large", severity: Severity::Error, summary: "A file has less than 4 GiB." };
pub(crate) const DUPLICATE_KEY: Rule =
    Rule { id: "duplicate-key", severity: Severity::Error, summary: "The keys of an object are unique." };
pub(crate) const COMPLEX_KEY: Rule =
    Rule { id: "complex-key", severity: Severity::Error, summary: "The keys of an object are scalars." };
pub(crate) const NESTING_LIMIT: Rule =
    Rule { id: "nesting-limit", severity: Severity::Error, summary: "A document is nested at most 128 levels deep." };
pub(crate) const ALIAS_LIMIT: Rule =
    Rule { id: "alias-limit", severity: Severity::Error, summary: "YAML aliases do not blow the document up." };
pub(crate) const INVALID_MERGE: Rule =
    Rule { id: "invalid-merge", severity: Severity::Error, summary: "`<<` merges an object or a list of objects." };
pub(crate) const INVALID_TAG: Rule =
    Rule { id: "invalid-tag", severity: Severity::Error, summary: "A value is what its YAML tag says." };
pub(crate) const UNKNOWN_TAG: Rule =
    Rule { id: "unknown-tag", severity: Severity::Warning, summary: "YAML tags are those of the core schema." };
pub(crate) const UNREPRESENTABLE_NUMBER: Rule = Rule {
    id: "unrepresentable-number",
    severity: Severity::Warning,
    summary: "Numbers are finite, as JSON has no others.",
};
pub(crate) const MULTIPLE_DOCUMENTS: Rule =
    Rule { id: "multiple-documents", severity: Severity::Warning, summary: "A file holds one document." };

/// All of the above.
pub(crate) const RULES: &[Rule] = &[
    YAML_SYNTAX,
    JSON_SYNTAX,
    FLOW_INDENTATION,
    EMPTY_DOCUMENT,
    FILE_TOO_LARGE,
    DUPLICATE_KEY,
    COMPLEX_KEY,
    NESTING_LIMIT,
    ALIAS_LIMIT,
    INVALID_MERGE,
    INVALID_TAG,
    UNKNOWN_TAG,
    UNREPRESENTABLE_NUMBER,
    MULTIPLE_DOCUMENTS,
];
