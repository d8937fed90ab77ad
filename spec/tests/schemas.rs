//! Schemas of every dialect in one normalised form.

mod support;

use event_api_spec::document::{Payload, SchemaFormat};
use event_api_spec::schema::{Dialect, JsonType, Keywords, SchemaId, SchemaKind, Schemas};
use event_api_spec::{Document, Loader};
use support::{HEAD, keywords, lines, load, load_clean, report};

fn schema(text: &str, dialect: Dialect) -> (Schemas, Keywords) {
    let loaded = Loader::new().load_schema_text("schema.json", text, dialect);
    assert_eq!(lines(&loaded.diagnostics, &loaded.sources), "", "{text}");
    let root = object(&loaded.schemas, loaded.root.expect("the schema is readable")).clone();
    (loaded.schemas, root)
}

fn object(schemas: &Schemas, id: SchemaId) -> &Keywords {
    match &schemas[id].kind {
        SchemaKind::Object(keywords) => keywords,
        SchemaKind::Bool(value) => panic!("{value} is no object"),
    }
}

fn component(text: &str) -> Document {
    load_clean(&format!("{HEAD}components: {{schemas: {{S: {text}}}}}\n"))
}

#[test]
fn tuples_are_prefix_items_in_every_dialect() {
    for (text, dialect) in [
        (r#"{"items": [{"type": "string"}], "additionalItems": false}"#, Dialect::Draft7),
        (r#"{"items": [{"type": "string"}], "additionalItems": false}"#, Dialect::Draft2019),
        (r#"{"prefixItems": [{"type": "string"}], "items": false}"#, Dialect::Draft2020),
    ] {
        let (schemas, root) = schema(text, dialect);
        assert_eq!(root.prefix_items.len(), 1, "{text}");
        assert!(matches!(schemas[root.items.unwrap()].kind, SchemaKind::Bool(false)), "{text}");
    }
    let (_, root) = schema(r#"{"items": {}, "additionalItems": false}"#, Dialect::Draft7);
    assert!(root.prefix_items.is_empty());
}

#[test]
fn what_a_dialect_does_not_know_is_no_assertion() {
    let (_, root) = schema(
        r#"{"prefixItems": [{}], "dependentRequired": {"a": ["b"]}, "unevaluatedProperties": false}"#,
        Dialect::Draft7,
    );
    assert!(!root.has_assertions());
    assert_eq!(root.extensions.len(), 3);
    let (_, root) = schema(r#"{"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}"#, Dialect::Draft7);
    assert_eq!(root.dependent_required["a"], ["b"]);
    assert!(root.dependent_schemas.contains_key("c"));
}

#[test]
fn open_api_nullable_and_boolean_bounds_are_normalised() {
    let (_, root) = schema(
        r#"{"type": "integer", "nullable": true, "minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false}"#,
        Dialect::OpenApi30,
    );
    assert_eq!(root.types.as_deref(), Some(&[JsonType::Integer, JsonType::Null][..]));
    assert_eq!(root.exclusive_minimum.unwrap().as_str(), "1");
    assert_eq!((root.minimum, root.maximum.unwrap().as_str()), (None, "9"));
}

#[test]
fn siblings_of_a_reference_count_in_documents_and_newer_dialects_only() {
    let text = r##"{"$ref": "#/definitions/a", "maxLength": 3, "definitions": {"a": {"type": "string"}}}"##;
    let (_, root) = schema(text, Dialect::Draft7);
    assert!(root.is_bare_reference());
    let (_, root) = schema(text, Dialect::Draft2019);
    assert_eq!(root.max_length, Some(3));
    let document =
        component("{$ref: '#/components/schemas/S/definitions/a', maxLength: 3, definitions: {a: {type: string}}}");
    let root = object(&document.schemas, document.components.schemas["S"]);
    assert!(root.reference.is_some());
    assert_eq!(root.max_length, Some(3));
}

#[test]
fn the_schema_itself_says_its_dialect() {
    let text = r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "prefixItems": [true]}"#;
    let (_, root) = schema(text, Dialect::Draft7);
    assert_eq!(root.prefix_items.len(), 1);
}

#[test]
fn numbers_keep_every_digit() {
    let document = component("{type: integer, maximum: 18446744073709551615, multipleOf: 0.1, minLength: 2.0}");
    let root = keywords(&document, document.components.schemas["S"]);
    assert_eq!(root.maximum.as_ref().unwrap().as_str(), "18446744073709551615");
    assert_eq!(root.multiple_of.as_ref().unwrap().as_str(), "0.1");
    assert_eq!(root.min_length, Some(2));
}

#[test]
fn properties_may_be_called_like_keywords() {
    let document = component(
        "{properties: {$ref: {type: string}, properties: {type: object}, type: {type: string}}, required: [$ref]}",
    );
    let root = keywords(&document, document.components.schemas["S"]);
    assert_eq!(root.properties.keys().collect::<Vec<_>>(), ["$ref", "properties", "type"]);
}

#[test]
fn booleans_are_schemas() {
    let document = component("true");
    assert!(matches!(document[document.components.schemas["S"]].kind, SchemaKind::Bool(true)));
}

#[test]
fn a_multi_format_schema_names_its_language() {
    let document = load_clean(&format!(
        "{HEAD}components:
  schemas:
    New: {{schemaFormat: 'application/schema+json;version=2020-12', schema: {{prefixItems: [{{type: string}}]}}}}
    Api: {{schemaFormat: 'application/vnd.oai.openapi+json;version=3.0.0', schema: {{type: string, nullable: true}}}}
  messages:
    M: {{payload: {{$ref: '#/components/schemas/Api'}}}}
"
    ));
    let new = document.components.schemas["New"];
    assert_eq!((document[new].dialect, document[new].name.as_deref()), (Dialect::Draft2020, Some("New")));
    assert_eq!(keywords(&document, new).prefix_items.len(), 1);
    let Some(Payload::Schema(payload)) = document[document.components.messages["M"]].payload else { panic!() };
    assert_eq!(payload, document.components.schemas["Api"]);
    assert_eq!(keywords(&document, payload).types.as_ref().unwrap().len(), 2);
}

#[test]
fn another_schema_language_is_kept_and_named() {
    let loaded = load(&format!(
        "{HEAD}components:
  schemas:
    Proto: {{schemaFormat: 'application/vnd.google.protobuf;version=3', schema: 'message R {{}}'}}
  messages:
    M: {{payload: {{$ref: '#/components/schemas/Proto'}}}}
    N: {{payload: {{schemaFormat: 'application/x-own', schema: 'whatever'}}}}
"
    ));
    insta::assert_snapshot!(report(&loaded));
    let document = loaded.document.unwrap();
    let schema = &document.components.foreign_schemas["Proto"];
    assert!(matches!(schema, Payload::Foreign { format: SchemaFormat::Protobuf, .. }));
    let payload = document[document.components.messages["M"]].payload.as_ref();
    assert!(matches!(payload, Some(Payload::Foreign { format: SchemaFormat::Protobuf, .. })));
}

#[test]
fn slips_in_schemas_are_warnings_and_do_not_accept_less() {
    let loaded = load(&format!(
        "{HEAD}components:
  schemas:
    S:
      type: object
      required: true
      properties:
        a: {{type: file}}
        b: {{type: [string, datetime]}}
        c: {{type: string, nullable: true}}
        d: {{type: string, minlength: 3}}
        e: {{prefixItems: [{{}}]}}
        f: {{type: integer, minimum: '5', example: 7}}
"
    ));
    insta::assert_snapshot!(report(&loaded));
    assert!(!loaded.has_errors());
    let document = loaded.document.unwrap();
    let root = keywords(&document, document.components.schemas["S"]);
    assert!(root.required.is_empty());
    let property = |name: &str| keywords(&document, root.properties[name]);
    assert_eq!((&property("a").types, &property("b").types), (&None, &None));
    assert_eq!(property("c").types.as_ref().unwrap().len(), 2);
    assert_eq!(property("f").minimum.as_ref().unwrap().as_str(), "5");
    assert_eq!(property("f").examples.len(), 1);
}

#[test]
fn a_reference_to_a_message_means_its_payload() {
    let loaded = load(&format!(
        "{HEAD}components:
  messages: {{M: {{payload: {{type: string}}}}}}
  parameters: {{p: {{}}}}
  schemas:
    S: {{properties: {{m: {{$ref: '#/components/messages/M'}}, p: {{$ref: '#/components/parameters/p'}}}}}}
"
    ));
    insta::assert_snapshot!(report(&loaded));
    let document = loaded.document.unwrap();
    let root = keywords(&document, document.components.schemas["S"]);
    assert!(keywords(&document, root.properties["m"]).types.is_some());
    assert_eq!(
        keywords(&document, root.properties["p"]).unresolved_reference.as_deref(),
        Some("#/components/parameters/p")
    );
}
