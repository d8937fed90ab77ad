//! 2.x documents become the same model as the 3.x documents that say the same.

mod support;

use event_api_spec::document::{Action, Payload, SpecVersion};
use event_api_spec::{Document, Loader};
use support::{keywords, load, load_clean, report};

const V2: &str = "
asyncapi: 2.6.0
info: {title: Users, version: 1.0.0}
tags: [{name: users}]
externalDocs: {url: https://example.com/docs}
defaultContentType: application/json
servers:
  production:
    url: mqtt://{host}:1883/base
    protocol: mqtt
    description: The real one
    variables: {host: {default: example.com, enum: [example.com, example.org]}}
    security: [{oauth: [read]}]
channels:
  users/{id}/events:
    description: What happens to a user
    servers: [production]
    parameters:
      id: {description: Which user, schema: {type: string, enum: [a, b], default: a}}
    bindings: {mqtt: {}}
    subscribe:
      operationId: sendUserEvent
      summary: A user changed
      bindings: {mqtt: {qos: 1, retain: true}}
      message:
        oneOf:
          - {$ref: '#/components/messages/NameChanged'}
          - {$ref: '#/components/messages/Deleted'}
    publish:
      operationId: receiveCommand
      message: {$ref: '#/components/messages/Rename'}
components:
  messages:
    NameChanged:
      name: NameChanged
      contentType: application/json
      headers: {type: object, properties: {trace: {type: string}}}
      payload: {$ref: '#/components/schemas/Name'}
      correlationId: {location: '$message.header#/trace'}
    Deleted: {payload: {type: object}}
    Rename: {payload: {$ref: '#/components/schemas/Name'}}
  schemas:
    Name: {type: object, required: [name], properties: {name: {type: string}}}
  securitySchemes:
    oauth:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: 'https://example.com/token', scopes: {read: Read it}}}
";

const V3: &str = "
asyncapi: 3.0.0
info:
  title: Users
  version: 1.0.0
  tags: [{name: users}]
  externalDocs: {url: https://example.com/docs}
defaultContentType: application/json
servers:
  production:
    host: '{host}:1883'
    pathname: /base
    protocol: mqtt
    description: The real one
    variables: {host: {default: example.com, enum: [example.com, example.org]}}
    security: [{$ref: '#/components/securitySchemes/oauth'}]
channels:
  users/{id}/events:
    address: users/{id}/events
    description: What happens to a user
    servers: [{$ref: '#/servers/production'}]
    parameters: {id: {description: Which user, enum: [a, b], default: a}}
    bindings: {mqtt: {}}
    messages:
      NameChanged: {$ref: '#/components/messages/NameChanged'}
      Deleted: {$ref: '#/components/messages/Deleted'}
      Rename: {$ref: '#/components/messages/Rename'}
operations:
  sendUserEvent:
    action: send
    channel: {$ref: '#/channels/users~1{id}~1events'}
    summary: A user changed
    bindings: {mqtt: {qos: 1, retain: true}}
    messages:
      - {$ref: '#/channels/users~1{id}~1events/messages/NameChanged'}
      - {$ref: '#/channels/users~1{id}~1events/messages/Deleted'}
  receiveCommand:
    action: receive
    channel: {$ref: '#/channels/users~1{id}~1events'}
    messages: [{$ref: '#/channels/users~1{id}~1events/messages/Rename'}]
components:
  messages:
    NameChanged:
      name: NameChanged
      contentType: application/json
      headers: {type: object, properties: {trace: {type: string}}}
      payload: {$ref: '#/components/schemas/Name'}
      correlationId: {location: '$message.header#/trace'}
    Deleted: {payload: {type: object}}
    Rename: {payload: {$ref: '#/components/schemas/Name'}}
  schemas:
    Name: {type: object, required: [name], properties: {name: {type: string}}}
  securitySchemes:
    oauth:
      type: oauth2
      scopes: [read]
      flows: {clientCredentials: {tokenUrl: 'https://example.com/token', availableScopes: {read: Read it}}}
";

/// Everything of a document but where it stands and what 2.x has in excess.
fn essence(document: &Document) -> String {
    let mut text = String::new();
    let mut say = |line: String| text.push_str(&(line + "\n"));
    let info = &document.info;
    say(format!("{} {} {:?}", info.title, info.version, document.default_content_type));
    say(format!(
        "{:?} {:?}",
        info.tags.iter().map(|tag| &tag.name).collect::<Vec<_>>(),
        info.external_docs.as_ref().map(|docs| &docs.url)
    ));
    for (key, id) in &document.servers {
        let server = &document[*id];
        say(format!("{key} {} {:?} {} {:?}", server.host, server.pathname, server.protocol, server.description));
        for (name, variable) in &server.variables {
            say(format!("  {name} {:?} {:?}", variable.default, variable.enum_values));
        }
        for required in server.security.iter().flat_map(|requirement| &requirement.schemes) {
            say(format!("  {:?} {:?}", required.name, required.scopes));
        }
    }
    for (key, id) in &document.channels {
        let channel = &document[*id];
        say(format!(
            "{key} {:?} {:?} {:?} {:?}",
            channel.address,
            channel.description,
            channel.servers,
            channel.bindings.keys()
        ));
        for (name, parameter) in &channel.parameters {
            say(format!("  {name} {:?} {:?} {:?}", parameter.description, parameter.enum_values, parameter.default));
        }
        for (key, id) in &channel.messages {
            let message = &document[*id];
            let payload = match message.payload {
                Some(Payload::Schema(id)) => keywords(document, id).properties.keys().collect::<Vec<_>>(),
                _ => Vec::new(),
            };
            let location = message.correlation_id.as_ref().map(|id| &id.value_location);
            say(format!(
                "  {key} {:?} {:?} {:?} {payload:?} {location:?}",
                message.key, message.name, message.content_type
            ));
        }
    }
    for (key, operation) in &document.operations {
        let channel = operation.channel.map(|id| &document[id].key);
        let messages = operation.messages.iter().flatten().map(|id| &document[*id].key).collect::<Vec<_>>();
        let typed = operation.bindings.values().map(|binding| format!("{:?}", binding.typed)).collect::<Vec<_>>();
        say(format!("{key} {:?} {channel:?} {:?} {messages:?} {typed:?}", operation.action, operation.summary));
    }
    text
}

#[test]
fn the_same_api_in_2_x_and_3_x_is_the_same_model() {
    let (old, new) = (load_clean(V2), load_clean(V3));
    assert_eq!(old.version, SpecVersion::V2_6);
    assert_eq!(essence(&old), essence(&new));
}

#[test]
fn the_application_receives_what_2_x_calls_publish() {
    let document = load_clean(V2);
    assert_eq!(document.operations["receiveCommand"].action, Action::Receive);
    assert_eq!(document.operations["sendUserEvent"].action, Action::Send);
}

#[test]
fn operations_and_messages_without_names_get_stable_ones() {
    let document = load_clean(
        "
asyncapi: 2.0.0
info: {title: T, version: '1'}
channels:
  a/b:
    subscribe: {message: {payload: {type: string}}}
    publish: {message: {oneOf: [{payload: {type: string}}, {name: named, payload: {type: number}}]}}
",
    );
    let operations: Vec<_> =
        document.operations.iter().map(|(key, operation)| (key.as_str(), operation.is_named)).collect();
    assert_eq!(operations, [("a/b.subscribe", false), ("a/b.publish", false)]);
    let channel = &document[document.channels["a/b"]];
    assert_eq!(channel.messages.keys().collect::<Vec<_>>(), ["subscribe.message", "publish.message.0", "named"]);
}

#[test]
fn every_version_of_2_and_3_is_read_and_no_other() {
    for version in ["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0", "2.6.7", "3.0.0", "3.1.0", "3.0.99"]
    {
        let loaded = load(&format!("asyncapi: {version}\ninfo: {{title: T, version: '1'}}\nchannels: {{}}\n"));
        assert_eq!(report(&loaded), "", "{version}");
    }
    let mut reports = String::new();
    for text in [
        "asyncapi: 1.2.0",
        "asyncapi: 4.0.0",
        "asyncapi: 2.7.0",
        "asyncapi: [3]",
        "openapi: 3.0.0",
        "asyncAPI: 3.0.0",
        "- 1",
        "42",
    ] {
        let loaded = load(text);
        assert!(loaded.document.is_none(), "{text}");
        reports.push_str(&report(&loaded));
    }
    insta::assert_snapshot!(reports);
}

#[test]
fn two_operations_with_one_id_are_both_kept_and_reported() {
    let loaded = load(
        "
asyncapi: 2.0.0
info: {title: T, version: '1'}
channels:
  a: {publish: {operationId: same}}
  b: {publish: {operationId: same}}
",
    );
    insta::assert_snapshot!(report(&loaded));
    assert_eq!(loaded.document.unwrap().operations.keys().collect::<Vec<_>>(), ["same", "b.publish"]);
}

#[test]
fn a_path_is_needed_only_for_references() {
    assert!(!Loader::new().load_text("", "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\n").has_errors());
}
