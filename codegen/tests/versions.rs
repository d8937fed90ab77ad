//! What the generator says of versions that cannot stand beside each other, and what it takes for the same.

// Clippy knows only functions marked as tests; what they call may unwrap as well.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::fs;
use std::path::PathBuf;

use event_api_codegen::{GenerateError, Generated, Generator, Side};

/// Generates documents with these files, versions and payloads.
fn generate(generator: &Generator, versions: &[(&str, &str, &str)]) -> Result<Generated, GenerateError> {
    let texts = versions.iter().map(|(file, version, payload)| {
        let rest = format!("channels:\n  c:\n    address: c\n    messages:\n      Made: {{ payload: {payload} }}\n");
        (*file, *version, rest)
    });
    documents(generator, &texts.collect::<Vec<_>>())
}

/// Generates documents with these files, versions and what stands below.
fn documents(generator: &Generator, versions: &[(&str, &str, String)]) -> Result<Generated, GenerateError> {
    let folder = tempfile::tempdir().unwrap();
    let paths = versions.iter().map(|(file, version, rest)| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("asyncapi: 3.0.0\ninfo: {{ title: T, version: '{version}' }}\n{rest}")).unwrap();
        PathBuf::from(file)
    });
    let paths: Vec<PathBuf> = paths.collect();
    generator.clone().relative_to(folder.path()).versions(&paths)
}

fn text(versions: &[(&str, &str, &str)]) -> String {
    generate(&Generator::new(), versions).unwrap().to_file().unwrap()
}

const OBJECT: &str = "{ type: object, properties: { a: { type: string } } }";

fn refused(versions: &[(&str, &str, &str)]) -> String {
    generate(&Generator::new(), versions).unwrap_err().to_string()
}

#[test]
fn versions_that_cannot_be_told_apart_are_refused() {
    let alike = refused(&[("v1.yaml", "1.0.0", OBJECT), ("v2.yaml", "1.0.0", OBJECT)]);
    assert!(alike.contains("`v1.yaml` and `v2.yaml` are both of version 1.0.0"), "{alike}");
    let unnamed =
        refused(&[("a/v1.yaml", "1.0.0", OBJECT), ("b/c.yaml", "2.0.0", OBJECT), ("b/v1.yaml", "3.0.0", OBJECT)]);
    assert!(unnamed.contains("`a/v1.yaml` and `b/v1.yaml` would be generated as modules of one name"), "{unnamed}");
    let none = Generator::new().versions::<&str>(&[]).unwrap_err().to_string();
    assert!(none.contains("no version of a document is named"), "{none}");
}

#[test]
fn the_oldest_version_comes_first() {
    let turned = refused(&[("v2.yaml", "10.0.0", OBJECT), ("v1.yaml", "9.0.0", OBJECT)]);
    assert!(turned.contains("list the oldest version first"), "{turned}");
    for (before, after) in [("2.0.0", "2.0.0-rc.1"), ("2.0.0-rc.10", "2.0.0-rc.9"), ("2.1", "2.0.5"), ("v3", "v2")] {
        let turned = refused(&[("a.yaml", before, OBJECT), ("b.yaml", after, OBJECT)]);
        assert!(turned.contains(&format!("`b.yaml` of version {after}, which is older")), "{turned}");
        assert!(generate(&Generator::new(), &[("a.yaml", after, OBJECT), ("b.yaml", before, OBJECT)]).is_ok());
    }
    let one_version = refused(&[("a.yaml", "v2.0", OBJECT), ("b.yaml", "2.0.0", OBJECT)]);
    assert!(one_version.contains("`a.yaml` and `b.yaml` are both of version 2.0.0 (v2.0)"), "{one_version}");
    let unordered = [("a.yaml", "2024-05", OBJECT), ("b.yaml", "2023-05", OBJECT)];
    assert!(generate(&Generator::new(), &unordered).is_ok(), "only numbers tell");
}

#[test]
fn a_payload_for_which_no_upcast_can_be_written_is_refused() {
    let error = refused(&[("v1.yaml", "1.0.0", "{ type: string }"), ("v2.yaml", "2.0.0", "{ type: boolean }")]);
    assert!(error.contains("the payload of `Made` on the channel `c` cannot be brought from version 1.0.0 to 2.0.0"));
}

#[test]
fn an_error_of_any_version_is_shown() {
    let error = refused(&[("v1.yaml", "1.0.0", "{ $ref: '#/nowhere' }"), ("v2.yaml", "2.0.0", OBJECT)]);
    assert!(error.contains("v1.yaml:7:"), "the first one's: {error}");
}

#[test]
fn what_is_written_about_a_type_makes_no_difference() {
    let described = "{ description: Other words, type: object, properties: { a: { type: string, title: A } } }";
    let generated =
        generate(&Generator::new(), &[("v1.yaml", "1.0.0", OBJECT), ("v2.yaml", "2.0.0", described)]).unwrap();
    let text = generated.to_file().unwrap();
    assert!(text.contains("pub use super::v2::Made;"), "{text}");
    assert!(!text.contains("Upcast"), "{text}");
}

#[test]
fn what_is_accepted_makes_a_difference() {
    let cases = [
        ("{ type: object, properties: { a: { type: string } }, required: [a] }", "required"),
        ("{ type: object, properties: { a: { type: string }, b: { type: string } } }", "a member"),
        ("{ type: object, properties: { a: { type: string } }, additionalProperties: false }", "other members"),
        ("{ type: object, properties: { a: { type: string, default: x } } }", "a default"),
        ("{ type: object, properties: { a: { type: string, maxLength: 3 } } }", "a bound"),
        ("{ type: object, properties: { a: { type: string } }, minProperties: 1 }", "a rule"),
    ];
    for (payload, what) in cases {
        let versions = [("v1.yaml", "1.0.0", OBJECT), ("v2.yaml", "2.0.0", payload)];
        let text = generate(&Generator::new(), &versions).unwrap().to_file().unwrap();
        assert!(text.contains("Upcast::upcast(payload)?"), "{what}: {text}");
        assert!(!text.contains("impl ::event_api::Upcast"), "{what} is for the user to say: {text}");
    }
}

#[test]
fn an_option_need_not_name_something_in_every_version() {
    let other = "{ type: object, title: Other, properties: { b: { type: string } } }";
    let versions = [("v1.yaml", "1.0.0", OBJECT), ("v2.yaml", "2.0.0", other)];
    let generated = generate(&Generator::new().derive("Other", "Eq"), &versions).unwrap();
    assert!(generated.to_file().unwrap().contains("PartialEq, Default, Eq"));
    let error = generate(&Generator::new().derive("Neither", "Eq"), &versions).unwrap_err().to_string();
    assert!(error.contains("the option `derive` names `Neither`"), "{error}");
}

#[test]
fn who_only_publishes_is_asked_for_nothing() {
    let changed = "{ type: object, properties: { b: { type: string } } }";
    let versions = [("v1.yaml", "1.0.0", OBJECT), ("v2.yaml", "2.0.0", changed)];
    let text = |side| generate(&Generator::new().side(side), &versions).unwrap().to_file().unwrap();
    assert!(!text(Side::Publisher).contains("Upcast"));
    assert!(text(Side::Consumer).contains("Upcast::upcast(payload)?"));
}

#[test]
fn a_version_alone_is_a_module_too() {
    let text = generate(&Generator::new(), &[("v1.yaml", "1.0.0", OBJECT)]).unwrap().to_file().unwrap();
    assert!(text.contains("pub mod v1 {") && text.contains("pub use v1::*;"), "{text}");
}

#[test]
fn what_has_other_names_in_rust_is_another_type_and_is_converted() {
    let payload = |values: &str| {
        format!("{{ type: object, properties: {{ s: {{ type: string, enum: {values}, default: a-b }} }} }}")
    };
    let (old, new) = (payload("[a-b, a_b]"), payload("[a_b, a-b]"));
    let values = text(&[("v1.yaml", "1.0.0", &old), ("v2.yaml", "2.0.0", &new)]);
    assert!(values.contains("super::v1::MadeS::AB => Self::AB2"), "{values}");
    assert!(values.contains("super::v1::MadeS::AB2 => Self::AB,"), "{values}");
    let members = |first: &str, second: &str| {
        format!("{{ type: object, properties: {{ {first}: {{ type: string }}, {second}: {{ type: string }} }} }}")
    };
    let (old, new) = (members("a-b", "a_b"), members("a_b", "a-b"));
    let members = text(&[("v1.yaml", "1.0.0", &old), ("v2.yaml", "2.0.0", &new)]);
    assert!(!members.contains("pub use super::v2::Made;"), "{members}");
}

#[test]
fn nothing_is_asked_for_that_nothing_needs() {
    let payload = |deep: &str, last: &str| {
        let deep = format!("{{ type: object, title: Deep, properties: {{ x: {{ type: {deep} }} }} }}");
        let holder = format!("{{ type: object, title: Holder, properties: {{ deep: {deep} }} }}");
        format!("{{ type: object, properties: {{ a: {holder}, b: {{ type: {last} }} }} }}")
    };
    let (old, new) = (payload("string", "integer"), payload("integer", "string"));
    let changed = text(&[("v1.yaml", "1.0.0", &old), ("v2.yaml", "2.0.0", &new)]);
    assert!(changed.contains("Upcast::upcast(payload)?"), "the payload is for the user to convert");
    assert!(!changed.contains("impl ::event_api::Upcast"), "and so is what is in it: {changed}");
    let new = payload("integer", "integer");
    let inside = text(&[("v1.yaml", "1.0.0", &old), ("v2.yaml", "2.0.0", &new)]);
    assert_eq!(inside.matches("impl ::event_api::Upcast").count(), 2, "the payload and the holder: {inside}");
}

#[test]
fn an_avro_record_that_only_holds_one_that_changed_is_converted() {
    let order = |field: &str| {
        format!(
            "{{ schemaFormat: application/vnd.apache.avro;version=1.9.0, schema: {{ type: record, name: Order, fields: \
             [{{ name: line, type: {{ type: record, name: Line, fields: [{{ name: {field}, type: string }}] }} }}] }} }}"
        )
    };
    let (old, new) = (order("a"), order("b"));
    let code = text(&[("v1.yaml", "1.0.0", &old), ("v2.yaml", "2.0.0", &new)]);
    assert!(code.contains("impl ::event_api::Upcast<super::v1::Order> for Order"), "{code}");
    assert!(!code.contains("Upcast<super::v1::Line> for Line"), "{code}");
}

#[test]
fn a_message_whose_type_outlives_it_still_has_that_type_as_its_event() {
    let with = |messages: &str| {
        format!(
            "channels: {{ c: {{ address: c, messages: {{ Made: {{ payload: {{ $ref: '#/components/schemas/Thing' }} }}{messages} }} \
             }} }}\ncomponents:\n  schemas:\n    Part: {{ type: object, properties: {{ id: {{ type: string }} }} }}\n    Thing: {{ \
             type: object, properties: {{ part: {{ $ref: '#/components/schemas/Part' }} }} }}\n"
        )
    };
    let gone = ", Gone: { correlationId: { location: '$message.payload#/id' }, payload: { $ref: '#/components/schemas/Part' } }";
    let versions = [("v1.yaml", "1.0.0", with(gone)), ("v2.yaml", "2.0.0", with(gone)), ("v3.yaml", "3.0.0", with(""))];
    let code = documents(&Generator::new(), &versions).unwrap().to_file().unwrap();
    assert_eq!(code.matches("pub use super::v2::Part;").count(), 1, "{code}");
    assert_eq!(code.matches("Gone(Part) = \"Gone\"").count(), 1, "the last version that has it says so: {code}");
    assert_eq!(code.matches("pub fn correlation_id(&self)").count(), 1, "{code}");
    assert_eq!(code.matches("Made(Thing) = \"Made\"").count(), 1, "{code}");
}

#[test]
fn a_channel_that_the_newest_version_does_not_have_is_warned_of() {
    let with = |channels: &[&str]| {
        let channel =
            |key: &&str| format!("  {key}: {{ address: c, messages: {{ Made: {{ payload: {OBJECT} }} }} }}\n");
        format!("channels:\n{}", channels.iter().map(channel).collect::<String>())
    };
    let versions = [
        ("v1.yaml", "1.0.0", with(&["kept", "gone", "early"])),
        ("v2.yaml", "2.0.0", with(&["kept", "gone"])),
        ("v3.yaml", "3.0.0", with(&["kept", "new"])),
    ];
    let said = |side| documents(&Generator::new().side(side), &versions).unwrap().warnings().collect::<Vec<_>>();
    let warnings = said(Side::Consumer);
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].contains("the channel `gone` of version 2.0.0 (`v2.yaml`) is not in version 3.0.0"),
        "{warnings:?}"
    );
    assert!(warnings[1].contains("the channel `early` of version 1.0.0"), "{warnings:?}");
    assert!(said(Side::Publisher).is_empty(), "who only publishes reads none");
}
