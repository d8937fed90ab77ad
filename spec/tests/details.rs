//! What nothing generated depends on is checked all the same, and said as a warning.

mod support;

use event_api_spec::Severity;
use event_api_spec::document::TypedBinding;
use support::{HEAD, load, load_clean, report};

/// The report about a document of 2.6, which may have nothing but warnings.
fn warnings_of_v2(text: &str) -> String {
    warnings(&format!("asyncapi: 2.6.0\n{text}"))
}

fn warnings(text: &str) -> String {
    let loaded = load(text);
    let report = report(&loaded);
    assert!(loaded.diagnostics.iter().all(|diagnostic| diagnostic.severity == Severity::Warning), "{report}");
    assert!(loaded.diagnostics.iter().all(|diagnostic| diagnostic.help.is_some()), "{report}");
    report
}

#[test]
fn addresses_of_people_and_pages_have_their_syntax() {
    let found = warnings_of_v2(
        "
id: users of example
info:
  title: T
  version: '1'
  termsOfService: /terms
  contact: {email: support, url: example.com}
  license: {name: MIT, url: https://}
externalDocs: {url: 'https://example.com/a b'}
channels: {}
",
    );
    insta::assert_snapshot!(found);
}

#[test]
fn tags_of_one_object_have_different_names() {
    let found = warnings(&format!(
        "{HEAD}channels:
  a:
    tags: [{{$ref: '#/components/tags/user'}}, {{name: other}}, {{$ref: '#/components/tags/user'}}]
components:
  tags: {{user: {{name: user}}}}
"
    ));
    insta::assert_snapshot!(found);
}

#[test]
fn keys_of_components_are_plain() {
    let found = warnings(&format!(
        "{HEAD}components:
  schemas: {{a.b-c_D1: {{}}, 'a b': {{}}, '': {{}}}}
  tags: {{'a/b': {{name: a}}}}
"
    ));
    insta::assert_snapshot!(found);
}

#[test]
fn headers_are_objects() {
    let found = warnings_of_v2(
        "
info: {title: T, version: '1'}
channels:
  a:
    publish:
      message:
        headers: {$ref: '#/components/schemas/Text'}
        traits: [{$ref: '#/components/messageTraits/used'}]
  b:
    publish:
      message: {traits: [{$ref: '#/components/messageTraits/used'}]}
  c:
    publish:
      message: {headers: {allOf: [{properties: {a: {}}}]}}
components:
  schemas: {Text: {type: string}}
  messageTraits:
    used: {headers: {type: integer}}
    unused: {headers: {oneOf: [{type: string}, {type: 'null'}]}}
",
    );
    insta::assert_snapshot!(found);
}

#[test]
fn traits_leave_to_the_objects_what_is_theirs() {
    let found = warnings_of_v2(
        "
info: {title: T, version: '1'}
channels:
  a:
    publish: {traits: [{$ref: '#/components/operationTraits/one'}]}
components:
  operationTraits: {one: {message: {payload: {type: string}}}}
  messageTraits: {one: {payload: {type: string}}}
",
    );
    insta::assert_snapshot!(found);
}

#[test]
fn security_names_values_urls_and_scopes_that_are_known() {
    let found = warnings_of_v2(
        "
info: {title: T, version: '1'}
servers:
  a:
    url: example.com
    protocol: ws
    security: [{key: [read]}, {http: none}, {oauth: [read]}, oauth]
channels: {}
components:
  securitySchemes:
    key: {type: apiKey, in: header}
    http: {type: httpApiKey, name: X-Key, in: headers}
    oauth:
      type: oauth2
      flows:
        implicit: {authorizationUrl: login, scopes: {read: ''}}
        authorizationCode: {authorizationUrl: 'https://example.com/login', scopes: {}}
        password: {}
    open: {type: openIdConnect, openIdConnectUrl: '.well-known/openid-configuration'}
",
    );
    insta::assert_snapshot!(found);
}

#[test]
fn a_reference_is_a_string() {
    let loaded = load(&format!("{HEAD}channels: {{a: {{messages: {{b: {{$ref: 5}}}}}}}}\n"));
    insta::assert_snapshot!(report(&loaded));
    let loaded = load(&format!("{HEAD}channels: {{a: {{tags: [{{$ref: {{a: b}}}}]}}}}\n"));
    assert!(!loaded.has_errors(), "{}", report(&loaded));
}

#[test]
fn bindings_have_the_values_of_their_protocols() {
    let found = warnings(&format!(
        "{HEAD}components:
  serverBindings:
    mqtt: {{mqtt: {{lastWill: {{topic: [], qos: 3, retain: perhaps}}}}}}
    ibmmq: {{ibmmq: {{heartBeatInterval: 1000000, multiEndpointServer: 1}}}}
  channelBindings:
    amqp: {{amqp: {{is: route, exchange: {{name: {{}}, type: topics, autoDelete: x}}, queue: 5}}}}
    ws: {{ws: {{method: PUT, query: {{type: string}}, headers: {{type: object}}}}}}
    ibmmq: {{ibmmq: {{destinationType: queue, queue: {{exclusive: x}}, topic: {{durablePermited: true}}}}}}
  operationBindings:
    amqp: {{amqp: {{deliveryMode: 3}}}}
    http: {{http: {{method: get, query: {{}}, bindingVersion: 0.2.0}}}}
    mqtt: {{mqtt: {{qos: 3}}}}
  messageBindings:
    http: {{http: {{statusCode: 20, headers: {{type: array}}}}}}
    ibmmq: {{ibmmq: {{type: text, expiry: -1}}}}
"
    ));
    insta::assert_snapshot!(found);
}

#[test]
fn a_binding_that_is_right_is_typed_to_its_leaves() {
    let document = load_clean(&format!(
        "{HEAD}components:
  serverBindings:
    all: {{mqtt: {{lastWill: {{topic: /last, qos: 2, message: gone, retain: true}}}}}}
  channelBindings:
    all:
      amqp:
        is: routingKey
        exchange: {{name: users, type: topic, durable: true, autoDelete: false, vhost: /}}
        queue: {{name: all, durable: true, exclusive: true, autoDelete: false, vhost: /, x-own: 1}}
        bindingVersion: 0.3.0
"
    ));
    let binding = |bindings: &event_api_spec::document::Bindings, name: &str| bindings[name].typed.clone().unwrap();
    let TypedBinding::MqttServer(mqtt) = binding(&document.components.server_bindings["all"], "mqtt") else {
        panic!("an MQTT server binding")
    };
    let will = mqtt.last_will.unwrap();
    assert_eq!((will.topic.as_deref(), will.qos, will.retain), (Some("/last"), Some(2), Some(true)));
    let TypedBinding::AmqpChannel(amqp) = binding(&document.components.channel_bindings["all"], "amqp") else {
        panic!("an AMQP channel binding")
    };
    let (exchange, queue) = (amqp.exchange.unwrap(), amqp.queue.unwrap());
    assert_eq!((exchange.kind.as_deref(), exchange.durable), (Some("topic"), Some(true)));
    assert_eq!((queue.exclusive, queue.extensions.len()), (Some(true), 1));
    assert_eq!(amqp.binding_version.as_deref(), Some("0.3.0"));
}
