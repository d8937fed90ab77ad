//! Every rule that a document can break, as data: `docs/diagnostics.md` is checked against [`ALL_RULES`].

use crate::diagnostic::{Rule, Severity};

macro_rules! rules {
    ($(#[$doc:meta])* $group:ident; $($name:ident, $id:literal, $severity:ident, $summary:literal;)*) => {
        $(
            #[doc = $summary]
            pub const $name: Rule = Rule { id: $id, severity: Severity::$severity, summary: $summary };
        )*

        $(#[$doc])*
        const $group: &[Rule] = &[$($name),*];
    };
}

rules! {
    /// The rules of text: YAML and JSON.
    TEXT;
    ALIAS_LIMIT, "alias-limit", Error, "YAML aliases do not blow the document up.";
    COMPLEX_KEY, "complex-key", Error, "The keys of an object are scalars.";
    DUPLICATE_KEY, "duplicate-key", Error, "The keys of an object are unique.";
    EMPTY_DOCUMENT, "empty-document", Error, "A file holds a document.";
    FILE_TOO_LARGE, "file-too-large", Error, "A file has less than 4 GiB.";
    FLOW_INDENTATION, "flow-indentation", Warning, "Lines between brackets are indented deeper than their key.";
    INVALID_MERGE, "invalid-merge", Error, "`<<` merges an object or a list of objects.";
    INVALID_TAG, "invalid-tag", Error, "A value is what its YAML tag says.";
    JSON_SYNTAX, "json-syntax", Error, "Text that begins with a bracket is JSON or YAML.";
    MULTIPLE_DOCUMENTS, "multiple-documents", Warning, "A file holds one document.";
    NESTING_LIMIT, "nesting-limit", Error, "A document is nested at most 128 levels deep.";
    UNKNOWN_TAG, "unknown-tag", Warning, "YAML tags are those of the core schema.";
    UNREPRESENTABLE_NUMBER, "unrepresentable-number", Warning, "Numbers are finite, as JSON has no others.";
    YAML_SYNTAX, "yaml-syntax", Error, "The text is well-formed YAML.";
}

rules! {
    /// The rules of reading and resolving.
    READING;
    DUPLICATE_OPERATION, "duplicate-operation", Error, "No two operations have the same `operationId`.";
    DUPLICATE_TAG, "duplicate-tag", Warning, "The tags of an object have different names.";
    EXPANSION_LIMIT, "expansion-limit", Error, "References do not blow the document up.";
    FOREIGN_KEYWORD, "foreign-keyword", Warning, "A schema uses only keywords of its dialect.";
    INVALID_ADDRESS, "invalid-address", Warning, "A channel address has balanced braces with names in them.";
    INVALID_BINDING, "invalid-binding", Warning, "A binding of a known protocol has the fields of its specification, with the right types and values.";
    INVALID_COMPONENT_KEY, "invalid-component-key", Warning, "The keys of components are letters, digits, `.`, `-` and `_`.";
    INVALID_EXPRESSION, "invalid-expression", Warning, "A location is a runtime expression such as `$message.header#/correlationId`.";
    INVALID_FORMAT, "invalid-format", Warning, "E-mail addresses, URLs and URIs have the syntax of one.";
    MISSING_FIELD, "missing-field", Warning, "Fields that the specification requires are there.";
    REFERENCE_CYCLE, "reference-cycle", Error, "References lead to an object in the end, not back to themselves.";
    REMOTE_REFERENCE, "remote-reference", Error, "References to other hosts are followed only when the host is allowed.";
    UNDEFINED_SECURITY_SCHEME, "undefined-security-scheme", Warning, "A security requirement names a scheme of `components/securitySchemes`.";
    UNDEFINED_SERVER, "undefined-server", Warning, "A channel names servers that the document defines.";
    UNESCAPED_POINTER, "unescaped-pointer", Warning, "References write `~1` for a slash and `~0` for a tilde in a name.";
    UNEXPECTED_SCOPES, "unexpected-scopes", Warning, "Only schemes of OAuth 2.0 and OpenID Connect are required with scopes.";
    UNKNOWN_FIELD, "unknown-field", Warning, "Objects have only the fields of the specification and `x-` extensions.";
    UNKNOWN_VALUE, "unknown-value", Warning, "A field with a fixed set of values has one of them.";
    UNREADABLE_FILE, "unreadable-file", Error, "Files that a document consists of can be read as UTF-8 text.";
    UNRESOLVED_REFERENCE, "unresolved-reference", Error, "Every `$ref` leads to something that exists.";
    UNSUPPORTED_SCHEMA_FORMAT, "unsupported-schema-format", Warning, "Payloads are written in a schema language that is read.";
    UNSUPPORTED_VERSION, "unsupported-version", Error, "The document is AsyncAPI 2.0 to 2.6, 3.0 or 3.1.";
    WRONG_REFERENCE_KIND, "wrong-reference-kind", Error, "A `$ref` leads to the kind of object that is expected in its place.";
    WRONG_TYPE, "wrong-type", Warning, "Fields have the type that the specification gives them.";
}

rules! {
    /// The rules of Avro schemas.
    AVRO;
    AVRO_ATTRIBUTE, "avro-attribute", Error, "An Avro type has the attributes of its kind, with the right types.";
    AVRO_DEFAULT, "avro-default", Warning, "The default of an Avro field or enum is one of its values.";
    AVRO_DUPLICATE_NAME, "avro-duplicate-name", Error, "The types of an Avro schema, the fields of a record and the symbols of an enum have different names.";
    AVRO_LOGICAL_TYPE, "avro-logical-type", Warning, "A logical type of Avro belongs to the type that it stands in.";
    AVRO_NAME, "avro-name", Error, "Names in Avro are letters of ASCII, digits and `_`.";
    AVRO_UNION, "avro-union", Error, "The branches of an Avro union can be told apart.";
    AVRO_UNKNOWN_TYPE, "avro-unknown-type", Error, "An Avro type that is named is defined before.";
}

rules! {
    /// The rules of meaning: what the parts of a document say about each other.
    MEANING;
    ADDRESS_WITH_QUERY, "address-with-query", Warning, "A channel address has no query and no fragment.";
    DANGLING_EXPRESSION, "dangling-expression", Warning, "A runtime expression leads to something that the message declares.";
    DEFAULT_MISMATCH, "default-mismatch", Warning, "A default is valid by its schema.";
    DISCRIMINATOR_PROPERTY, "discriminator-property", Warning, "A discriminator names a required property.";
    DUPLICATE_MESSAGE_NAME, "duplicate-message-name", Warning, "The messages of a channel have different names.";
    ENUM_MISMATCH, "enum-mismatch", Warning, "Enumerated and constant values are valid by the rest of their schema.";
    EXAMPLE_MISMATCH, "example-mismatch", Warning, "Examples are valid by their schema.";
    HEADERS_NOT_OBJECT, "headers-not-object", Warning, "Headers are described by a schema of an object.";
    INVALID_PATTERN, "invalid-pattern", Warning, "A pattern is a regular expression of ECMA-262.";
    OPERATION_MESSAGE, "operation-message", Error, "The messages of an operation are messages of its channel.";
    REPLY_MESSAGE, "reply-message", Error, "The messages of a reply are messages of its channel.";
    UNDEFINED_PARAMETER, "undefined-parameter", Warning, "Every parameter in a channel address is declared.";
    UNDEFINED_SERVER_VARIABLE, "undefined-server-variable", Warning, "Every variable in a server's host and path is declared.";
    UNSATISFIABLE_SCHEMA, "unsatisfiable-schema", Warning, "A schema accepts something.";
    UNUSED_PARAMETER, "unused-parameter", Warning, "Every declared parameter occurs in the channel's address.";
    UNUSED_SERVER_VARIABLE, "unused-server-variable", Warning, "Every declared server variable occurs in the host or path.";
    VALUE_NOT_IN_ENUM, "value-not-in-enum", Warning, "Defaults and examples of parameters and variables are among their values.";
}

/// The rules of each part.
const PARTS: &[&[Rule]] = &[TEXT, READING, AVRO, MEANING];

/// Every rule that a document can break.
pub const ALL_RULES: &[Rule] = &joined::<{ count() }>();

const fn count() -> usize {
    let mut count = 0;
    let mut part = 0;
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
}

// Loops by hand: iterators are not for constants yet.
const fn joined<const N: usize>() -> [Rule; N] {
    let mut rules = [PARTS[0][0]; N];
    let (mut filled, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut index = 0;
        while index < PARTS[part].len() {
            rules[filled] = PARTS[part][index];
            filled += 1;
            index += 1;
        }
        part += 1;
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::ALL_RULES;

    #[test]
    fn ids_are_unique_and_in_kebab_case() {
        let mut seen = std::collections::HashSet::new();
        for rule in ALL_RULES {
            assert!(seen.insert(rule.id), "{} is there twice", rule.id);
            assert!(rule.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.id);
            assert!(rule.summary.ends_with('.'), "{}", rule.id);
        }
    }
}
