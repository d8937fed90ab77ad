//! Traits are merged as the version of the specification has it.

mod support;

use event_api_spec::document::Payload;
use support::{clean, keywords, load_clean, load_files};

const PARTS: &str = "
components:
  messageTraits:
    One:
      title: title of one
      summary: summary of one
      headers: {type: object, properties: {a: {type: string}}}
      tags: [{name: one}]
    Two:
      summary: summary of two
      headers: {properties: {b: {type: integer}}}
      tags: [{name: two}]
  messages:
    M:
      title: own title
      headers: {properties: {c: {type: boolean}}}
      traits:
        - {$ref: '#/components/messageTraits/One'}
        - {$ref: '#/components/messageTraits/Two'}
";

fn message(text: &str) -> (Option<String>, Option<String>, Vec<String>, Vec<String>) {
    let document = load_clean(text);
    let message = &document[document.components.messages["M"]];
    assert_eq!(message.traits.len(), 2);
    let Some(Payload::Schema(headers)) = message.headers else { panic!() };
    let headers = keywords(&document, headers).properties.keys().cloned().collect();
    let tags = message.tags.iter().map(|tag| tag.name.clone()).collect();
    (message.title.clone(), message.summary.clone(), headers, tags)
}

#[test]
fn a_trait_of_3_x_never_overrides_its_target_and_the_later_trait_wins() {
    let text = format!("asyncapi: 3.0.0\ninfo: {{title: T, version: '1'}}{PARTS}");
    let (title, summary, mut headers, tags) = message(&text);
    assert_eq!(title.as_deref(), Some("own title"));
    assert_eq!(summary.as_deref(), Some("summary of two"));
    headers.sort();
    assert_eq!(headers, ["a", "b", "c"]);
    // JSON Merge Patch replaces arrays as a whole.
    assert_eq!(tags, ["two"]);
}

#[test]
fn traits_of_2_x_patch_their_target_in_their_order() {
    let text = format!("asyncapi: 2.6.0\ninfo: {{title: T, version: '1'}}\nchannels: {{}}{PARTS}");
    let (title, summary, mut headers, tags) = message(&text);
    assert_eq!(title.as_deref(), Some("title of one"));
    assert_eq!(summary.as_deref(), Some("summary of two"));
    headers.sort();
    assert_eq!(headers, ["a", "b", "c"]);
    assert_eq!(tags, ["two"]);
}

#[test]
fn null_takes_away_what_a_trait_brings() {
    let document = load_clean(
        "
asyncapi: 3.0.0
info: {title: T, version: '1'}
components:
  messages:
    M: {summary: null, traits: [{summary: s, title: t}]}
",
    );
    let message = &document[document.components.messages["M"]];
    assert_eq!((message.summary.as_deref(), message.title.as_deref()), (None, Some("t")));
}

#[test]
fn what_a_trait_refers_to_is_relative_to_the_trait_and_shared() {
    let document = clean(load_files(&[
        (
            "asyncapi.yaml",
            "
asyncapi: 3.0.0
info: {title: T, version: '1'}
components:
  messages:
    A: {traits: [{$ref: traits/common.yaml}]}
    B: {traits: [{$ref: traits/common.yaml}]}
",
        ),
        ("traits/common.yaml", "headers: {$ref: ./headers.yaml}\n"),
        ("traits/headers.yaml", "type: object\nproperties: {trace: {type: string}}\n"),
    ]));
    let headers = |name: &str| match document[document.components.messages[name]].headers {
        Some(Payload::Schema(id)) => id,
        _ => panic!(),
    };
    assert_eq!(headers("A"), headers("B"));
    assert_eq!(document[headers("A")].name.as_deref(), Some("headers"));
}

#[test]
fn operations_take_over_bindings_of_their_traits() {
    let document = load_clean(
        "
asyncapi: 3.0.0
info: {title: T, version: '1'}
channels: {c: {}}
operations:
  o:
    action: send
    channel: {$ref: '#/channels/c'}
    bindings: {kafka: {groupId: {type: string}}}
    traits: [{$ref: '#/components/operationTraits/t'}]
components:
  operationTraits: {t: {bindings: {kafka: {clientId: {type: string}}, amqp: {ack: true}}}}
",
    );
    let bindings = &document.operations["o"].bindings;
    assert_eq!(bindings.len(), 2);
    let kafka = bindings["kafka"].typed.as_ref();
    let Some(event_api_spec::document::TypedBinding::KafkaOperation(kafka)) = kafka else { panic!("{kafka:?}") };
    assert!(kafka.group_id.is_some() && kafka.client_id.is_some());
}
