//! Sloppy documents load, and say where they are sloppy.

mod support;

use event_api_spec::document::{RuntimeExpression, SecuritySchemeKind};
use support::{load, report};

#[test]
fn what_generation_can_do_without_is_a_warning() {
    let loaded = load(
        "
asyncapi: 3.0
info:
  version: 1.0
  licence: MIT
  contact: me
  license: {name: null}
  tags: [users]
servers:
  s: {host: example.com, protocol: mqtt, security: [{basic: []}]}
  t: {protocol: ws}
channels:
  c:
    adress: a
    address: 'a/{id'
    servers: [s, u]
    parameters: {id: {schema: {type: string, enum: [x]}}}
    messages:
      m:
        playload: {}
        contentType: null
        correlationId: {location: header}
        examples: [{name: n, payload: 1}, {id: 1}]
        bindings: {kafka: {key: text, partiton: 1}, mqtt: null}
components:
  securitySchemes:
    basic: {type: userPasword}
",
    );
    insta::assert_snapshot!(report(&loaded));
    assert!(!loaded.has_errors());
    let document = loaded.document.unwrap();
    assert_eq!((document.info.title.as_str(), document.info.version.as_str()), ("", "1.0"));
    assert_eq!(document.info.tags[0].name, "users");
    let channel = &document[document.channels["c"]];
    assert_eq!(channel.servers.len(), 1);
    assert_eq!(channel.parameters["id"].enum_values, ["x"]);
    let message = &document[channel.messages["m"]];
    assert_eq!(message.examples.len(), 1);
    assert!(message.bindings.contains_key("mqtt"));
    let server = &document[document.servers["s"]];
    let scheme = server.security[0].schemes[0].scheme.as_ref().unwrap();
    assert!(matches!(&scheme.kind, SecuritySchemeKind::Other(kind) if kind == "userPasword"));
}

#[test]
fn what_decides_who_writes_and_what_must_be_right() {
    let loaded = load(
        "
asyncapi: 3.0.0
info: {title: T, version: '1'}
channels:
  c: {messages: {m: text}}
  d: []
operations:
  a: {action: publish, channel: {$ref: '#/channels/c'}}
  b: {channel: {$ref: '#/channels/c'}}
  c: {action: send, channel: {$ref: '#/components/messages/M'}}
  d: {action: send}
components:
  messages: {M: {payload: 5}}
",
    );
    insta::assert_snapshot!(report(&loaded));
    let document = loaded.document.unwrap();
    assert_eq!(document.operations.keys().collect::<Vec<_>>(), ["c", "d"]);
}

#[test]
fn extensions_are_kept_everywhere() {
    let loaded = load(
        "
asyncapi: 3.0.0
x-root: 1
info: {title: T, version: '1', x-info: 1}
servers: {s: {host: h, protocol: p, x-server: 1}}
channels: {c: {x-channel: {deep: [1]}, messages: {m: {x-message: 1, payload: {x-schema: 1}}}}}
components: {x-components: 1}
",
    );
    assert_eq!(report(&loaded), "");
    let document = loaded.document.unwrap();
    assert!(document.extensions.contains_key("x-root"));
    assert!(document.info.extensions.contains_key("x-info"));
    assert!(document[document.servers["s"]].extensions.contains_key("x-server"));
    assert!(document[document.channels["c"]].extensions["x-channel"].get("deep").is_some());
    assert!(document.components.extensions.contains_key("x-components"));
}

#[test]
fn runtime_expressions_are_read() {
    let parse = RuntimeExpression::parse;
    assert!(matches!(parse("$message.header#/a/b"), Some(RuntimeExpression::Header(at)) if at.as_str() == "/a/b"));
    assert!(matches!(parse("$message.payload#"), Some(RuntimeExpression::Payload(at)) if at.as_str().is_empty()));
    for text in ["", "message.header#/a", "$message.header", "$message.body#/a", "$message.header#a"] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn parameters_stand_in_the_order_of_the_address() {
    let loaded = load(
        "
asyncapi: 3.0.0
info: {title: T, version: '1'}
channels: {c: {address: '{b}/{a}', parameters: {unused: {}, a: {}, b: {}}}}
",
    );
    let document = loaded.document.unwrap();
    assert_eq!(document[document.channels["c"]].parameters.keys().collect::<Vec<_>>(), ["b", "a", "unused"]);
}
