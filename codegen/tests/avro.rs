//! Avro payloads: options, accessors, and what is said where a payload stays untyped.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use event_api_codegen::{GenerateError, Generator};

const HEAD: &str =
    "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\nchannels:\n  orders:\n    messages:\n      Order:\n";

fn document(message: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let message: String = message.lines().map(|line| format!("        {line}\n")).collect();
    std::fs::write(folder.path().join("asyncapi.yaml"), format!("{HEAD}{message}")).unwrap();
    folder
}

/// The code without white space beyond one blank, and what was said.
fn generate(generator: &Generator, message: &str) -> (String, Vec<String>) {
    let folder = document(message);
    let generated = generator.document(folder.path().join("asyncapi.yaml")).unwrap();
    let place = format!("{}/", folder.path().display());
    let said = generated.warnings().map(|warning| warning.replace(&place, "")).collect();
    let code = generated.to_file().unwrap();
    (code.split_whitespace().collect::<Vec<_>>().join(" "), said)
}

const ORDER: &str = "
correlationId: {location: '$message.payload#/meta/id'}
payload:
  schemaFormat: application/vnd.apache.avro;version=1.9.0
  schema:
    type: record
    namespace: shop
    name: Order
    fields:
      - {name: meta, type: {type: record, name: Meta, fields: [{name: id, type: {type: string, logicalType: uuid}}]}}
      - {name: size, type: ['null', {type: enum, name: Size, symbols: [S, L]}]}
      - {name: before, type: ['null', Meta]}
";

#[test]
fn options_name_types_by_their_rust_name_their_full_name_or_their_pointer() {
    let generator = Generator::new()
        .rename("shop.Meta", "Envelope")
        .derive("Order", "::core::cmp::Eq")
        .replace("shop.Size", "crate::Size");
    let (code, said) = generate(&generator, ORDER);
    assert_eq!(said, Vec::<String>::new());
    assert!(code.contains("pub meta: Envelope,"), "{code}");
    assert!(code.contains("pub size: Option<crate::Size>,"), "{code}");
    assert!(code.contains(r#"size = "size" by(__avro::Optional("shop.Size", __avro::Same)),"#), "{code}");
    assert!(code.contains(r#"before = "before" by(__avro::Optional("shop.Meta", __avro::Same)),"#), "{code}");
    assert!(code.contains("::core::cmp::Eq)] pub struct Order {"), "{code}");

    let pointer = "#/channels/orders/messages/Order/payload/schema";
    let (code, _) = generate(&Generator::new().rename(pointer, "Placed"), ORDER);
    assert!(code.contains("pub struct Placed {"), "{code}");
    let folder = document(ORDER);
    let unknown = Generator::new().rename("shop.Mete", "Envelope").document(folder.path().join("asyncapi.yaml"));
    assert!(matches!(unknown, Err(GenerateError::Document(_))), "an option that names nothing is an error");
}

#[test]
fn a_correlation_id_is_found_in_records() {
    let (code, said) = generate(&Generator::new(), ORDER);
    assert_eq!(said, Vec::<String>::new());
    assert!(code.contains("correlation_id"), "{code}");
}

#[test]
fn headers_may_be_a_record() {
    let headers = "
headers:
  schemaFormat: application/vnd.apache.avro
  schema: {type: record, name: Head, fields: [{name: tenant, type: string}]}
";
    let (code, said) = generate(&Generator::new(), headers);
    assert_eq!(said, Vec::<String>::new());
    assert!(code.contains("pub struct Head { pub tenant: String, }"), "{code}");
}

#[test]
fn what_stays_untyped_is_said() {
    let said = |payload: &str| generate(&Generator::new(), payload).1;
    let protobuf = "payload: {schemaFormat: 'application/vnd.google.protobuf;version=3', schema: 'message Order {}'}";
    let remote = "payload: {schemaFormat: application/vnd.apache.avro, schema: {$ref: 'https://example.com/a.avsc'}}";
    insta::assert_snapshot!([said(protobuf), said(remote)].concat().join("\n"));
}

#[test]
fn a_schema_that_is_wrong_is_an_error() {
    let folder = document("payload: {schemaFormat: application/vnd.apache.avro, schema: {type: record}}");
    match Generator::new().document(folder.path().join("asyncapi.yaml")) {
        Err(GenerateError::Document(errors)) => {
            assert!(errors.diagnostics.iter().any(|found| found.rule.id == "avro-attribute"), "{errors:?}");
        }
        other => panic!("{:?}", other.map(|_| "generated")),
    }
}
