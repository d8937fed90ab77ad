//! `$ref` in every form that documents use.

mod support;

use event_api_spec::document::Payload;
use event_api_spec::{Document, Loader};
use support::{HEAD, clean, keywords, lines, load, load_clean, load_files, report};

fn payload(document: &Document, channel: &str, message: &str) -> event_api_spec::schema::SchemaId {
    let message = document[document.channels[channel]].messages[message];
    match document[message].payload {
        Some(Payload::Schema(id)) => id,
        ref other => panic!("{other:?} is no schema"),
    }
}

#[test]
fn two_references_to_one_object_are_one_id() {
    let document = load_clean(&format!(
        "{HEAD}
channels:
  a: {{messages: {{m: {{$ref: '#/components/messages/M'}}}}}}
  b: {{messages: {{n: {{$ref: '#/components/messages/M'}}}}}}
operations:
  send:
    action: send
    channel: {{$ref: '#/channels/a'}}
    messages: [{{$ref: '#/channels/a/messages/m'}}]
components:
  messages:
    M: {{payload: {{$ref: '#/components/schemas/S'}}}}
    N: {{payload: {{$ref: '#/components/schemas/S'}}}}
  schemas:
    S: {{type: string}}
"
    ));
    let id = document.components.messages["M"];
    assert_eq!(document[document.channels["a"]].messages["m"], id);
    assert_eq!(document[document.channels["b"]].messages["n"], id);
    assert_eq!(document.operations["send"].messages.as_deref(), Some(&[id][..]));
    assert_eq!(document.operations["send"].channel, Some(document.channels["a"]));
    assert_eq!(payload(&document, "a", "m"), document.components.schemas["S"]);
    assert_eq!(document[document.components.schemas["S"]].name.as_deref(), Some("S"));
    assert_eq!(document[id].key.as_deref(), Some("M"));
}

#[test]
fn pointers_are_unescaped() {
    let document = load_clean(&format!(
        "{HEAD}
channels:
  user/created: {{messages: {{'a~b c': {{payload: {{type: string}}}}}}}}
operations:
  send:
    action: send
    channel: {{$ref: '#/channels/user~1created'}}
    messages: [{{$ref: '#/channels/user~1created/messages/a~0b%20c'}}]
"
    ));
    assert_eq!(document.operations["send"].messages.as_ref().map(Vec::len), Some(1));
}

#[test]
fn unescaped_slashes_are_understood_with_a_warning() {
    let loaded = load(&format!(
        "{HEAD}channels:
  user/created: {{}}
operations:
  send:
    action: send
    channel: {{$ref: '#/channels/user/created'}}
"
    ));
    insta::assert_snapshot!(report(&loaded));
    assert!(loaded.document.unwrap().operations["send"].channel.is_some());
}

#[test]
fn files_are_relative_to_the_file_that_refers_to_them() {
    let loaded = load_files(&[
        (
            "asyncapi.yaml",
            "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\nchannels:\n  c: {$ref: channels/user.yaml#/user}\n",
        ),
        ("channels/user.yaml", "user:\n  messages:\n    created: {$ref: ../messages/UserCreated.yaml}\n"),
        ("messages/UserCreated.yaml", "payload: {$ref: '../schemas/common.json#/definitions/User'}\n"),
        (
            "schemas/common.json",
            r##"{"definitions": {"User": {"type": "object", "properties": {
                "id": {"$ref": "#/definitions/Id"}, "home": {"$ref": "./address.yaml"}}}, "Id": {"type": "string"}}}"##,
        ),
        ("schemas/address.yaml", "type: object\nproperties: {street: {type: string}}\n"),
    ]);
    let files: Vec<_> =
        loaded.sources.files().map(|file| file.path().file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(files, ["asyncapi.yaml", "user.yaml", "UserCreated.yaml", "common.json", "address.yaml"]);
    let document = clean(loaded);
    assert_eq!(document[document[document.channels["c"]].messages["created"]].key.as_deref(), Some("UserCreated"));
    let user = payload(&document, "c", "created");
    assert_eq!(document[user].name.as_deref(), Some("User"));
    let user = keywords(&document, user);
    assert_eq!(keywords(&document, user.properties["id"]).types.as_ref().unwrap().len(), 1);
    let home = document.schemas.follow(user.properties["home"]);
    assert_eq!(document[home].name.as_deref(), Some("address"));
    assert!(keywords(&document, home).properties.contains_key("street"));
}

#[test]
fn a_file_that_refers_back_is_read_once() {
    let loaded = load_files(&[
        (
            "asyncapi.yaml",
            "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\ncomponents:\n  schemas:\n    A: {properties: {b: {$ref: b.yaml#/B}}}\n",
        ),
        ("b.yaml", "B: {properties: {a: {$ref: 'asyncapi.yaml#/components/schemas/A'}}}\n"),
    ]);
    assert_eq!(loaded.sources.files().count(), 2);
    let document = clean(loaded);
    let a = document.components.schemas["A"];
    let b = keywords(&document, a).properties["b"];
    assert_eq!(document.schemas.follow(keywords(&document, b).properties["a"]), a);
}

#[test]
fn a_whole_section_may_be_a_reference() {
    let document = clean(load_files(&[
        (
            "asyncapi.yaml",
            "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\ncomponents:\n  schemas: {$ref: ./schemas.yaml}\n  messages:\n    M: {payload: {$ref: '#/components/schemas/User'}}\n",
        ),
        ("schemas.yaml", "User: {type: object}\n"),
    ]));
    assert_eq!(document[document.components.schemas["User"]].name.as_deref(), Some("User"));
    let Some(Payload::Schema(payload)) = document[document.components.messages["M"]].payload else { panic!() };
    assert_eq!(payload, document.components.schemas["User"]);
}

#[test]
fn recursive_schemas_are_no_cycles_and_references_that_lead_nowhere_are() {
    let loaded = load(&format!(
        "{HEAD}components:
  schemas:
    Tree: {{type: object, properties: {{children: {{type: array, items: {{$ref: '#/components/schemas/Tree'}}}}}}}}
    A: {{$ref: '#/components/schemas/B'}}
    B: {{$ref: '#/components/schemas/A'}}
  messages:
    M: {{$ref: '#/components/messages/M'}}
"
    ));
    insta::assert_snapshot!(report(&loaded));
}

#[test]
fn what_leads_nowhere_is_reported_where_it_is_written() {
    let loaded = load(&format!(
        "{HEAD}channels:
  c:
    messages:
      a: {{$ref: '#/components/messages/UserCreatd'}}
      b: {{$ref: ./missing.yaml}}
      c: {{$ref: '#anchor'}}
      d: {{$ref: 'https://example.com/m.yaml'}}
      e: {{$ref: '#/components/schemas/S'}}
components:
  messages: {{UserCreated: {{payload: {{$ref: '#/components/schemas/T'}}}}}}
  schemas: {{S: {{}}}}
"
    ));
    insta::assert_snapshot!(report(&loaded));
    assert!(loaded.has_errors());
    assert!(loaded.document.is_some());
}

#[test]
fn hosts_are_asked_only_when_they_are_allowed() {
    let text = format!("{HEAD}components: {{schemas: {{S: {{$ref: 'https://example.com/s.json#/$defs/a'}}}}}}\n");
    let fetch = |url: &str| match url {
        "https://example.com/s.json" => Ok(r##"{"$defs": {"a": {"type": "string"}}}"##.to_owned()),
        other => Err(format!("nobody expected {other}")),
    };
    let allowed = Loader::new().allow_host("example.com");
    let without = allowed.load_text("asyncapi.yaml", &text);
    insta::assert_snapshot!(report(&without));
    let document = clean(allowed.fetcher(fetch).load_text("asyncapi.yaml", &text));
    assert!(keywords(&document, document.components.schemas["S"]).types.is_some());
    let refused = Loader::new().fetcher(fetch).load_text("asyncapi.yaml", &text);
    assert_eq!(refused.diagnostics[0].rule.id, "remote-reference");
}

#[test]
fn identifiers_and_anchors_are_found() {
    let schema = r##"{
        "$id": "https://example.com/root.json",
        "properties": {
            "a": {"$ref": "item.json"}, "b": {"$ref": "item.json#name"}, "c": {"$ref": "#/$defs/item"},
            "d": {"const": {"$id": "https://example.com/fake.json"}}, "e": {"$ref": "fake.json"}
        },
        "$defs": {"item": {"$id": "item.json", "type": "object", "$defs": {"name": {"$anchor": "name", "type": "string"}}}}
    }"##;
    let loaded = Loader::new().load_schema_text("root.json", schema, event_api_spec::schema::Dialect::Draft2020);
    let schemas = &loaded.schemas;
    let event_api_spec::schema::SchemaKind::Object(root) = &schemas[loaded.root.unwrap()].kind else { panic!() };
    let item = schemas.follow(root.properties["c"]);
    assert_eq!(schemas.follow(root.properties["a"]), item);
    assert_eq!(schemas[schemas.follow(root.properties["b"])].name.as_deref(), Some("name"));
    // What only looks like an identifier is none.
    insta::assert_snapshot!(lines(&loaded.diagnostics, &loaded.sources));
}
