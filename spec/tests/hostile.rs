//! Documents that mean harm end in diagnostics, within bounded time and memory.

mod support;

use std::fmt::Write as _;

use event_api_spec::Loader;
use event_api_spec::schema::Dialect;
use support::{HEAD, load, load_files};

#[test]
fn a_long_chain_of_schemas_does_not_exhaust_the_stack() {
    let mut text = format!("{HEAD}components:\n  schemas:\n");
    for index in 0..20_000 {
        writeln!(text, "    S{index}: {{properties: {{next: {{$ref: '#/components/schemas/S{}'}}}}}}", index + 1)
            .unwrap();
    }
    text.push_str("    S20000: {}\n");
    let loaded = load(&text);
    assert!(!loaded.has_errors());
    assert_eq!(loaded.document.unwrap().components.schemas.len(), 20_001);
}

#[test]
fn a_long_chain_of_bare_references_is_followed_without_recursion() {
    let mut text = String::from(r##"{"$ref": "#/definitions/S0", "definitions": {"##);
    for index in 0..20_000 {
        write!(text, r##""S{index}": {{"$ref": "#/definitions/S{}"}},"##, index + 1).unwrap();
    }
    text.push_str(r#""S20000": {"type": "string"}}}"#);
    let loaded = Loader::new().load_schema_text("schema.json", &text, Dialect::Draft7);
    assert!(!loaded.has_errors());
    let end = loaded.schemas.follow(loaded.root.unwrap());
    assert_eq!(loaded.schemas[end].name.as_deref(), Some("S20000"));
}

#[test]
fn references_through_references_that_circle_end() {
    let loaded = load(&format!(
        "{HEAD}channels:
  a: {{$ref: '#/channels/b/x'}}
  b: {{$ref: '#/channels/a/y'}}
operations:
  o: {{action: send, channel: {{$ref: '#/channels/a/messages/m'}}}}
"
    ));
    assert!(loaded.has_errors());
}

#[test]
fn traits_that_contain_themselves_end() {
    let loaded = load(
        "
asyncapi: 3.0.0
info: {title: T, version: '1'}
components:
  messages:
    M: {headers: {$ref: '#/components/schemas/A'}, traits: [{headers: {$ref: '#/components/schemas/B'}}]}
  schemas:
    A: {properties: {next: {$ref: '#/components/schemas/A'}}}
    B: {properties: {next: {$ref: '#/components/schemas/B'}}}
  messageTraits:
    T: {$ref: '#/components/messageTraits/T'}
",
    );
    assert!(loaded.diagnostics.iter().any(|diagnostic| diagnostic.rule.id == "reference-cycle"));
}

#[test]
fn folders_and_broken_files_are_no_documents() {
    let loaded = load_files(&[
        (
            "asyncapi.yaml",
            "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\ncomponents: {schemas: {A: {$ref: .}, B: {$ref: broken.yaml}, C: {$ref: broken.yaml}, D: {$ref: sub}}}\n",
        ),
        ("broken.yaml", "a: [\n"),
        ("sub/x.yaml", ""),
    ]);
    let rules: Vec<_> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.rule.id).collect();
    assert_eq!(rules.iter().filter(|rule| **rule == "unresolved-reference").count(), 4, "{rules:?}");
    // The file itself is reported once.
    assert_eq!(rules.len(), 5, "{rules:?}");
}

#[test]
fn a_missing_document_is_a_diagnostic() {
    let loaded = Loader::new().load("does/not/exist.yaml");
    assert!(loaded.document.is_none());
    assert_eq!(loaded.diagnostics[0].rule.id, "unreadable-file");
}

#[test]
fn references_do_not_blow_a_document_up() {
    let mut text = format!("{HEAD}components:\n  messageTraits:\n    T: {{x-big: [");
    text.push_str(&"0,".repeat(5_000));
    text.push_str("], headers: {properties: {");
    for index in 0..5_000 {
        write!(text, "p{index}: {{}},").unwrap();
    }
    text.push_str("}}}\n  messages:\n");
    for index in 0..5_000 {
        writeln!(text, "    M{index}: {{headers: {{}}, traits: [{{$ref: '#/components/messageTraits/T'}}]}}").unwrap();
    }
    let loaded = load(&text);
    let limits = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.rule.id == "expansion-limit");
    assert_eq!(limits.count(), 1);
}

#[test]
fn merging_many_traits_stays_linear_enough() {
    let mut text = format!("{HEAD}components:\n  messages:\n");
    for index in 0..2_000 {
        writeln!(text, "    M{index}: {{headers: {{properties: {{a{index}: {{}}}}}}, traits: [{{$ref: '#/components/messageTraits/T'}}]}}").unwrap();
    }
    text.push_str("  messageTraits: {T: {headers: {properties: {trace: {type: string}}}}}\n");
    let loaded = load(&text);
    assert!(!loaded.has_errors());
    assert_eq!(loaded.document.unwrap().components.messages.len(), 2_000);
}
