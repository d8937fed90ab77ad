//! What the generator says of versions that cannot stand beside each other, and what it takes for the same.

// Clippy knows only functions marked as tests; what they call may unwrap as well.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::fs;
use std::path::PathBuf;

use event_api_codegen::{GenerateError, Generated, Generator, Side};

/// Generates documents with these files, versions and payloads.
fn generate(generator: &Generator, versions: &[(&str, &str, &str)]) -> Result<Generated, GenerateError> {
    let folder = tempfile::tempdir().unwrap();
    let paths = versions.iter().map(|(file, version, payload)| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!(
            "asyncapi: 3.0.0\ninfo: {{ title: T, version: '{version}' }}\nchannels:\n  c:\n    address: c\n    messages:\n      \
             Made: {{ payload: {payload} }}\n"
        );
        fs::write(&path, text).unwrap();
        PathBuf::from(file)
    });
    let paths: Vec<PathBuf> = paths.collect();
    generator.clone().relative_to(folder.path()).versions(&paths)
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
