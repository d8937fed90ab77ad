//! Documents that nobody writes for a system of theirs: generation ends, with code or with a diagnostic.

// Clippy knows only functions marked as tests; what they call may unwrap as well.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use event_api_codegen::{GenerateError, Generated, Generator};

fn generate(schemas: &str) -> Generated {
    try_to_generate(schemas).unwrap()
}

fn try_to_generate(schemas: &str) -> Result<Generated, GenerateError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("asyncapi.yaml");
    let head = "asyncapi: 3.0.0\ninfo: {title: T, version: 1.0.0}\ncomponents:\n  schemas:\n";
    std::fs::write(&path, format!("{head}{schemas}")).unwrap();
    Generator::new().document(&path)
}

#[test]
fn a_chain_of_thousands_of_references_does_not_overflow_the_stack() {
    let schema = |n: usize| {
        format!("    A{n}: {{type: object, properties: {{next: {{$ref: '#/components/schemas/A{}'}}}}}}\n", n + 1)
    };
    let mut schemas: String = (0..5000).map(schema).collect();
    schemas.push_str("    A5000: {type: string}\n");
    let generated = generate(&schemas);
    assert!(generated.diagnostics.iter().any(|finding| finding.rule.id == "untyped-value"));
}

#[test]
fn of_unions_that_multiply_all_but_the_first_become_rules() {
    let mut schemas = String::from("    Cube:\n      allOf:\n");
    for union in 0..6 {
        schemas.push_str("        - oneOf:\n");
        for alternative in 0..20 {
            schemas
                .push_str(&format!("            - {{type: object, properties: {{p{union}x{alternative}: {{}}}}}}\n"));
        }
    }
    let generated = generate(&schemas);
    assert_eq!(generated.fallbacks, 0);
    let text = generated.to_file().unwrap();
    assert_eq!(text.matches("Rule::OneOf(").count(), 5, "{text}");
}

#[test]
fn a_nullable_root_is_called_as_it_is_asked_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.json");
    std::fs::write(&path, r#"{"type": ["object", "null"], "properties": {"a": {"type": "string"}}}"#).unwrap();
    let text = Generator::new().schema(&path, "Root").unwrap().to_file().unwrap();
    assert_eq!(text.matches("pub struct Root(").count(), 1, "{text}");
    assert_eq!(text.matches("pub struct RootValue {").count(), 1, "{text}");
}

#[test]
fn names_around_a_channel_never_meet_those_of_schemas() {
    let text = generate(
        "    UserEventsAddress: {type: object, properties: {street: {type: string}}}\nchannels:\n  user:\n    \
         address: 'user/{id}'\n    parameters: {id: {}}\n    messages: {created: {payload: {type: string}}}\n",
    )
    .to_file()
    .unwrap();
    assert_eq!(text.matches("pub struct UserEventsAddress ").count(), 1, "{text}");
    assert_eq!(text.matches("pub struct User2EventsAddress ").count(), 1, "{text}");
}

#[test]
fn values_that_take_too_long_to_check_are_an_error_and_not_a_guess() {
    let listed: Vec<String> = (0..2500).map(|value| value.to_string()).collect();
    let bounds: Vec<String> = (0..1000).map(|bound| format!("{{maximum: {}}}", 10_000 + bound)).collect();
    let schemas = format!("    Number:\n      enum: [{}]\n      allOf: [{}]\n", listed.join(", "), bounds.join(", "));
    let Err(GenerateError::Document(errors)) = try_to_generate(&schemas) else { panic!("code was generated") };
    let found: Vec<_> = errors.diagnostics.iter().map(|finding| finding.rule.id).collect();
    assert_eq!(found, ["check-limit"]);
}
