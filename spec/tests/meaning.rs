//! What the parts of a document say about each other: each semantic rule on a small document.

mod support;

use event_api_spec::Loaded;
use support::{HEAD, load, report};

fn findings(body: &str) -> String {
    report(&load(&format!("{HEAD}{body}")))
}

fn clean(body: &str) {
    assert_eq!(findings(body), "");
}

#[test]
fn addresses_and_parameters_agree() {
    insta::assert_snapshot!(findings(
        "channels:
  a: {address: 'users/{userId}/{other}', parameters: {userID: {}}}
  b: {address: 'users?since=now'}
  c: {address: users#new}
  d: {address: 'x/{p}', parameters: {p: {enum: [one, two], default: on, examples: [two, three]}}}
"
    ));
    clean(
        "channels: {a: {address: 'sensors/+/#'}, b: {address: 'u/{id}', parameters: {id: {enum: [a], default: a}}}}\n",
    );
}

#[test]
fn addresses_of_2_x_are_keys() {
    let text = "asyncapi: 2.6.0\ninfo: {title: T, version: '1'}\nchannels:\n  users/{id}: {}\n";
    insta::assert_snapshot!(report(&load(text)));
}

#[test]
fn servers_and_variables_agree() {
    insta::assert_snapshot!(findings(
        "servers:
  s:
    host: '{region}.example.com'
    pathname: '/{version}'
    protocol: mqtt
    variables:
      regoin: {default: eu, enum: [eu, us]}
      version: {default: v3, enum: [v1, v2], examples: [v2, v9]}
"
    ));
    let url = "asyncapi: 2.6.0
info: {title: T, version: '1'}
servers:
  s: {url: '{scheme}://example.com:{port}/', protocol: ws, variables: {scheme: {default: ws}, port: {default: '80'}}}
channels: {}
";
    assert_eq!(report(&load(url)), "");
}

#[test]
fn operations_and_replies_have_messages_of_their_channels() {
    insta::assert_snapshot!(findings(
        "channels:
  users: {messages: {created: {$ref: '#/components/messages/Created'}}}
  answers: {messages: {ok: {}}}
operations:
  good: {action: send, channel: {$ref: '#/channels/users'}, messages: [{$ref: '#/channels/users/messages/created'}]}
  same: {action: send, channel: {$ref: '#/channels/users'}, messages: [{$ref: '#/components/messages/Created'}]}
  bad:
    action: send
    channel: {$ref: '#/channels/users'}
    messages: [{$ref: '#/components/messages/Create'}]
    reply: {channel: {$ref: '#/channels/answers'}, messages: [{$ref: '#/channels/users/messages/created'}]}
components:
  messages: {Created: {}, Create: {}}
"
    ));
}

#[test]
fn names_of_messages_tell_them_apart() {
    insta::assert_snapshot!(findings(
        "channels:
  a:
    messages:
      one: {name: Event}
      two: {name: Event}
      three: {name: Other}
      four: {$ref: '#/channels/a/messages/three'}
"
    ));
}

#[test]
fn expressions_lead_to_declared_members() {
    insta::assert_snapshot!(findings(
        "channels:
  a:
    address: 'a/{id}'
    parameters: {id: {location: $message.payload#/user/idd}}
    messages:
      m:
        correlationId: {location: $message.header#/correlation}
        headers: {type: object, properties: {correlationId: {type: string}}}
        payload: {type: object, properties: {user: {$ref: '#/components/schemas/User'}}}
      n:
        correlationId: {location: $message.header#/id}
        payload: {type: object}
components:
  schemas:
    User: {type: object, properties: {id: {type: string}}}
"
    ));
    clean(
        "channels:
  a:
    messages:
      m:
        correlationId: {location: $message.payload#/deep/0/id}
        payload:
          allOf: [{properties: {other: {}}}, {properties: {deep: {items: {oneOf: [{properties: {x: {}}}, {properties: {id: {}}}]}}}}]
      n: {correlationId: {location: $message.payload#/x}, payload: {additionalProperties: {type: string}}}
      o: {correlationId: {location: $message.payload#/x1}, payload: {patternProperties: {'^x': {}}}}
      p: {correlationId: {location: $message.payload#/x}, payload: {$ref: '#/components/schemas/Tree'}}
components:
  schemas: {Tree: {allOf: [{$ref: '#/components/schemas/Tree'}]}}
",
    );
}

#[test]
fn values_match_their_schemas() {
    insta::assert_snapshot!(findings(
        "components:
  schemas:
    A: {type: integer, default: none, examples: [1, 1.0, 1.5]}
    B: {type: string, enum: [a, 1]}
    C: {type: object, const: x}
    D: {oneOf: [{properties: {kind: {const: a}}, required: [kind, a]}, {type: string}], examples: [{kind: a}]}
    E: {type: object, additionalProperties: false, properties: {a: {multipleOf: 0.1}}, examples: [{a: 0.3, b: 1}]}
    F: {type: object, required: [a, b, c, d], default: {}}
  messages:
    M:
      payload: {$ref: '#/components/schemas/A'}
      headers: {type: object, properties: {n: {type: integer}}}
      examples: [{payload: 7, headers: {n: 1}}, {payload: seven, headers: {n: '1'}}]
"
    ));
}

#[test]
fn schemas_that_nothing_fits_are_seen() {
    insta::assert_snapshot!(findings(
        "components:
  schemas:
    A: {type: number, minimum: 2, maximum: 1.5}
    B: {type: number, exclusiveMinimum: 1, maximum: 1.0}
    C: {type: string, minLength: 3, maxLength: 2}
    D: {type: array, minItems: 3, maxItems: 2}
    E: {enum: []}
    F: {type: object, required: [nmae], properties: {name: {}}, additionalProperties: false}
    G: {type: object, required: [a, b], maxProperties: 1}
    H: {type: string, pattern: '(?P<year>[0-9]{4})'}
    I: {type: object, patternProperties: {'[': {}}}
    J: {type: object, discriminator: kind, properties: {kind: {type: string}}}
    K: {discriminator: kind, oneOf: [{required: [kind], properties: {kind: {}}}, {type: object}]}
"
    ));
    clean(
        "components:
  schemas:
    A: {type: number, minimum: 1, maximum: 1.0}
    B: {type: object, required: [x1], patternProperties: {'^x': {}}, additionalProperties: false}
    C: {discriminator: kind, oneOf: [{$ref: '#/components/schemas/D'}]}
    D: {allOf: [{required: [kind], properties: {kind: {type: string}}}]}
",
    );
}

#[test]
fn long_chains_of_schemas_do_not_exhaust_the_stack() {
    let mut text =
        "components:\n  schemas:\n    S0: {allOf: [{$ref: '#/components/schemas/S1'}], examples: [1]}\n".to_owned();
    for index in 1..2000 {
        text += &format!(
            "    S{index}: {{not: {{not: {{oneOf: [{{allOf: [{{$ref: '#/components/schemas/S{}'}}]}}]}}}}}}\n",
            index + 1
        );
    }
    text += "    S2000: {}\n  messages:\n    M: {correlationId: {location: $message.payload#/a}, payload: {$ref: '#/components/schemas/S0'}}\n";
    clean(&text);
}

#[test]
fn patterns_that_could_take_forever_do_not() {
    let text = format!("x{}!", "a".repeat(5000));
    clean(&format!("components: {{schemas: {{A: {{type: string, pattern: '^x(a+)+$', examples: [{text}]}}}}}}\n"));
}

/// Bytes of whole documents removed, doubled, replaced and copied at places of a fixed pseudo-random sequence: what
/// comes of it is a document or a finding.
#[test]
fn mutated_documents_never_panic() {
    const SEEDS: &[&str] = &[
        "asyncapi: 3.0.0
info: {title: T, version: '1'}
servers: {s: {host: '{r}.x', protocol: ws, variables: {r: {enum: [a], default: a}}}}
channels:
  c:
    address: 'a/{id}'
    parameters: {id: {location: $message.payload#/id}}
    messages:
      m: {$ref: '#/components/messages/M'}
operations:
  o: {action: send, channel: {$ref: '#/channels/c'}, messages: [{$ref: '#/channels/c/messages/m'}]}
components:
  messages:
    M: {traits: [{headers: {type: object}}], payload: {$ref: '#/components/schemas/S'}, examples: [{payload: {id: 1}}]}
  schemas:
    S: {type: object, required: [id], properties: {id: {type: integer, minimum: 0}, next: {$ref: '#/components/schemas/S'}}}
",
        "asyncapi: '2.6.0'
info: {title: T, version: '1'}
channels:
  'a/{id}':
    parameters: {id: {schema: {type: string, enum: [a, b]}}}
    publish: {operationId: p, message: {oneOf: [{$ref: '#/components/messages/M'}, {payload: {type: string}}]}}
    subscribe: {message: {$ref: '#/components/messages/M'}}
components:
  messages:
    M: {payload: {allOf: [{$ref: '#/components/schemas/S'}]}}
  schemas:
    S: {oneOf: [{const: 1}, {pattern: '^a+$', default: b}], discriminator: k}
",
    ];
    const BYTES: &[u8] = b"{}[]:,-?&*!|>'\"#/~$ \n01ae";
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound.max(1) as u64) as usize
    };
    for seed in SEEDS {
        for _ in 0..600 {
            let mut bytes = seed.as_bytes().to_vec();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                match random(4) {
                    0 => {
                        bytes.remove(at);
                    }
                    1 => bytes.insert(at, BYTES[random(BYTES.len())]),
                    2 => bytes[at] = BYTES[random(BYTES.len())],
                    _ => {
                        let end = (at + random(30)).min(bytes.len());
                        let part = bytes[at..end].to_vec();
                        let to = random(bytes.len());
                        bytes.splice(to..to, part);
                    }
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            let Loaded { document, diagnostics, sources } = load(&text);
            assert!(document.is_some() || !diagnostics.is_empty(), "{text}");
            for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
                let span = label.location.span;
                assert!(sources.file(span.file).text().get(span.start as usize..span.end as usize).is_some(), "{text}");
            }
        }
    }
}
