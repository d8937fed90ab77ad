//! What a comparison finds of everything around payloads: bindings, headers, parameters, security, replies, promises.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

mod support;

use event_api_spec::compat::{Accepted, Baseline, Comparison, Date, Direction, Outcome, Report, Scope};
use event_api_spec::schema::Reading;
use event_api_spec::{Loaded, Loader};

fn load(text: &str) -> Loaded {
    let loaded = Loader::new().load_text("asyncapi.yaml", text);
    assert!(!loaded.has_errors(), "{}\n{text}", support::report(&loaded));
    loaded
}

fn compare_by(comparison: &Comparison, old: &str, new: &str) -> Report {
    let (old, new) = (load(old), load(new));
    comparison.compare(&[Baseline::new("old", &old)], &new).unwrap()
}

/// What fails, and whom it affects.
fn failing(report: &Report) -> Vec<(&str, Option<Direction>)> {
    report.failing().map(|finding| (finding.rule.id, finding.direction)).collect()
}

fn found(old: &str, new: &str) -> Vec<(String, Option<Direction>)> {
    let report = compare_by(&Comparison::new(), old, new);
    failing(&report).into_iter().map(|(rule, direction)| (rule.to_owned(), direction)).collect()
}

/// The texts of findings of a rule.
fn messages(report: &Report, rule: &str) -> Vec<String> {
    report.findings.iter().filter(|finding| finding.rule.id == rule).map(|finding| finding.message.clone()).collect()
}

fn one(rule: &str, direction: Direction) -> Vec<(String, Option<Direction>)> {
    vec![(rule.to_owned(), Some(direction))]
}

const NOTHING: Vec<(String, Option<Direction>)> = Vec::new();

/// A channel with a message and whatever else they say.
fn channel(version: &str, channel: &str, message: &str) -> String {
    format!(
        "asyncapi: 3.0.0\ninfo: {{title: Orders, version: {version}}}\nchannels:\n  orders:\n    address: orders\n{channel}    \
         messages: {{Placed: {{{message}payload: {{type: object}}}}}}\noperations: {{publish: {{action: send, channel: {{$ref: \
         '#/channels/orders'}}}}}}\n"
    )
}

const NEEDED: &str = "{type: object, required: [token], properties: {token: {type: string}}}";
const OPTIONAL: &str = "{type: object, properties: {token: {type: string}}}";

#[test]
fn a_schema_of_a_binding_that_comes_or_goes_breaks_those_whom_its_readers_refuse() {
    let plain = |version| channel(version, "", "");
    for field in ["query", "headers"] {
        for protocol in ["ws", "wss"] {
            let with = |version, schema: &str| {
                channel(version, &format!("    bindings: {{{protocol}: {{{field}: {schema}}}}}\n"), "")
            };
            let (backward, forward) = (Direction::Backward, Direction::Forward);
            assert_eq!(found(&plain("1.0.0"), &with("2.0.0", NEEDED)), one("binding-changed", backward));
            assert_eq!(found(&with("1.0.0", NEEDED), &plain("2.0.0")), one("binding-changed", forward));
            assert_eq!(found(&plain("1.0.0"), &with("2.0.0", OPTIONAL)), NOTHING, "{protocol} {field}");
            assert_eq!(found(&with("1.0.0", OPTIONAL), &plain("2.0.0")), NOTHING, "{protocol} {field}");
        }
    }
    let key = |version, schema: &str| channel(version, "", &format!("bindings: {{kafka-secure: {{key: {schema}}}}}, "));
    assert_eq!(found(&plain("1.0.0"), &key("2.0.0", "{type: integer}")), one("binding-changed", Direction::Backward));
    assert_eq!(found(&key("1.0.0", "{type: integer}"), &plain("2.0.0")), one("binding-changed", Direction::Forward));
    assert_eq!(found(&plain("1.0.0"), &key("2.0.0", "true")), NOTHING);
}

#[test]
fn schemas_in_bindings_of_protocols_over_tls_are_compared() {
    let query = |version, schema: &str| channel(version, &format!("    bindings: {{wss: {{query: {schema}}}}}\n"), "");
    let report = compare_by(&Comparison::new(), &query("1.0.0", OPTIONAL), &query("2.0.0", NEEDED));
    assert_eq!(failing(&report), [("schema-required-changed", Some(Direction::Backward))]);
    let key = |version, schema: &str| channel(version, "", &format!("bindings: {{kafka-secure: {{key: {schema}}}}}, "));
    let report = compare_by(&Comparison::new(), &key("1.0.0", "{type: integer}"), &key("2.0.0", "{type: string}"));
    assert_eq!(failing(&report), [("schema-type-changed", Some(Direction::Both))]);
}

#[test]
fn a_schema_of_a_binding_that_could_not_be_read_is_undecided_when_it_changes() {
    let query = |version, text: &str| channel(version, &format!("    bindings: {{ws: {{query: {text}}}}}\n"), "");
    let (old, new) = (query("1.0.0", "everything"), query("2.0.0", "nothing"));
    let report = compare_by(&Comparison::new(), &old, &new);
    assert_eq!(report.verdict(), Outcome::Undecided, "{:#?}", report.findings);
}

#[test]
fn headers_that_come_or_go_may_have_been_anything_when_schemas_are_read_as_they_are_written() {
    let plain = |version| channel(version, "", "");
    let with = |version| channel(version, "", &format!("headers: {OPTIONAL}, "));
    assert_eq!(found(&plain("1.0.0"), &with("2.0.0")), NOTHING);
    assert_eq!(found(&with("1.0.0"), &plain("2.0.0")), NOTHING);
    let strict = Comparison::new().reading(Reading::AsWritten);
    let report = compare_by(&strict, &plain("1.0.0"), &with("2.0.0"));
    assert_eq!(failing(&report), [("headers-added", Some(Direction::Backward))]);
    let report = compare_by(&strict, &with("1.0.0"), &plain("2.0.0"));
    assert_eq!(failing(&report), [("headers-removed", Some(Direction::Forward))]);
}

#[test]
fn a_schema_of_a_parameter_that_comes_narrows_it_and_one_that_goes_widens_it() {
    let document = |version: &str, schema: &str| {
        format!(
            "asyncapi: 2.6.0\ninfo: {{title: Users, version: {version}}}\nchannels:\n  'users/{{id}}':\n    parameters: {{id: \
             {{description: d{schema}}}}}\n    subscribe: {{message: {{name: Moved, payload: {{type: object}}}}}}\n"
        )
    };
    let digits = ", schema: {type: string, pattern: '^[0-9]+$'}";
    let narrowed = found(&document("1.0.0", ""), &document("2.0.0", digits));
    assert_eq!(narrowed, one("parameter-values-narrowed", Direction::Backward));
    let report = compare_by(&Comparison::new(), &document("1.0.0", digits), &document("2.0.0", ""));
    assert_eq!(messages(&report, "parameter-values-widened").len(), 1, "{:#?}", report.findings);
    let text = ", schema: {type: string}";
    assert_eq!(found(&document("1.0.0", ""), &document("1.0.1", text)), NOTHING);
    // Listed values are not said twice.
    let listed = ", schema: {type: string, enum: [a, b]}";
    let narrowed = found(&document("1.0.0", ""), &document("2.0.0", listed));
    assert_eq!(narrowed, one("parameter-values-narrowed", Direction::Backward));
}

/// A 2.x document whose server has these security requirements.
fn secured(version: &str, requirements: &str) -> String {
    format!(
        "asyncapi: 2.6.0\ninfo: {{title: Orders, version: {version}}}\nservers: {{main: {{url: example.org, protocol: kafka, security: \
         [{requirements}]}}}}\nchannels: {{}}\ncomponents: {{securitySchemes: {{a: {{type: userPassword}}, b: {{type: X509}}, o: {{type: \
         oauth2, flows: {{clientCredentials: {{tokenUrl: 'https://example.org/token', scopes: {{r: read, w: write}}}}}}}}}}}}\n"
    )
}

#[test]
fn a_way_to_authenticate_suffices_when_it_demands_no_more_than_an_old_one() {
    // (old, new, what breaks, whether something is relaxed)
    let expected = [
        ("{a: []}", "{a: [], b: []}", Some("security-required"), false),
        ("{a: [], b: []}", "{a: []}", None, true),
        ("{a: []}, {}", "{a: []}", Some("security-required"), false),
        ("{a: []}", "{a: []}, {}", None, true),
        ("{a: []}", "{a: []}, {b: []}", None, true),
        ("{a: []}, {b: []}", "{b: []}", Some("security-required"), false),
        ("{a: []}", "{b: []}", Some("security-required"), true),
        ("", "{a: []}", Some("security-required"), false),
        ("{a: []}", "", None, true),
        ("{o: [r]}", "{o: [r, w]}", Some("security-scope-added"), false),
        ("{o: [r, w]}", "{o: [r]}", None, true),
        ("{o: [r], a: []}", "{o: [r, w], a: []}", Some("security-scope-added"), false),
        ("{a: []}, {b: []}", "{b: []}, {a: []}", None, false),
    ];
    for (old, new, rule, is_relaxed) in expected {
        let report = compare_by(&Comparison::new(), &secured("1.0.0", old), &secured("2.0.0", new));
        let failing: Vec<&str> = report.failing().map(|finding| finding.rule.id).collect();
        assert_eq!(failing, Vec::from_iter(rule), "{old} {new}: {:#?}", report.findings);
        assert_eq!(!messages(&report, "security-relaxed").is_empty(), is_relaxed, "{old} {new}");
    }
    let report = compare_by(&Comparison::new(), &secured("1.0.0", "{a: []}"), &secured("2.0.0", "{a: [], b: []}"));
    let message =
        "user and password no longer suffices without an X.509 certificate: programs of the old version are refused";
    assert_eq!(messages(&report, "security-required"), [message]);
}

const BREAK: (&str, &str) = (
    "payload: {type: object, properties: {n: {type: integer}}}",
    "payload: {type: object, properties: {n: {type: string}}}",
);

#[test]
fn the_change_that_breaks_cannot_lift_what_was_promised_without_a_word() {
    let document = |version, extension: &str, payload: &str| {
        channel(version, extension, "").replace("payload: {type: object}", payload)
    };
    let (old, new) = (document("1.0.0", "", BREAK.0), document("2.0.0", "    x-compatibility: none\n", BREAK.1));
    let report = compare_by(&Comparison::new(), &old, &new);
    assert_eq!(failing(&report), [("schema-type-changed", Some(Direction::Both))]);
    assert_eq!(messages(&report, "compatibility-weakened").len(), 1);
    let root = |text: String| text.replace("channels:\n", "x-compatibility: none\nchannels:\n");
    let report = compare_by(&Comparison::new(), &old, &root(document("2.0.0", "", BREAK.1)));
    assert_eq!(failing(&report), [("schema-type-changed", Some(Direction::Both))]);
    // A channel that says nothing is promised what the document promises.
    let report = compare_by(&Comparison::new(), &root(old.clone()), &root(new));
    assert_eq!(failing(&report), []);
}

#[test]
fn what_is_announced_to_go_may_not_become_something_else() {
    let payload = |member: &str, required: &str| {
        channel("1.0.0", "", "")
            .replace("{type: object}", &format!("{{type: object{required}, properties: {{{member}}}}}"))
    };
    let old = payload("x: {type: integer, x-sunset: '2026-01-01'}", "");
    let comparison = Comparison::new().today("2026-11-22".parse::<Date>().unwrap());
    for new in [payload("x: {type: integer}", ", required: [x]"), payload("", ", required: [x]")] {
        let report = compare_by(&comparison, &old, &new.replace("1.0.0", "2.0.0"));
        let expected = ("schema-required-changed", Some(Direction::Backward));
        assert!(failing(&report).contains(&expected), "{:#?}", report.findings);
    }
}

/// Two channels for questions and answers, with these messages among the answers and these operations.
fn asking(version: &str, answers: &str, operations: &str) -> String {
    format!(
        "asyncapi: 3.0.0\ninfo: {{title: Questions, version: {version}}}\nchannels:\n  ask: {{address: ask, messages: {{Asked: {{payload: \
         {{type: object}}}}}}}}\n  answer: {{address: answer, messages: {{{answers}}}}}\noperations: {{{operations}}}\n"
    )
}

fn operation(key: &str, more: &str) -> String {
    format!("{key}: {{action: send, channel: {{$ref: '#/channels/ask'}}{more}}}")
}

#[test]
fn an_operation_that_is_gone_takes_its_reply_and_its_security_with_it() {
    let yes = "Yes: {payload: {type: object}}";
    let reply = ", reply: {channel: {$ref: '#/channels/answer'}}";
    let (first, second) = (operation("first", reply), operation("second", ""));
    let both = asking("1.0.0", yes, &format!("{first}, {second}"));
    assert_eq!(found(&both, &asking("2.0.0", yes, &second)), one("operation-removed", Direction::Forward));
    assert_eq!(found(&both, &asking("2.0.0", yes, &first)), NOTHING);
    // Another one that replies as it did is as good.
    let both = asking("1.0.0", yes, &format!("{first}, {}", operation("second", reply)));
    assert_eq!(found(&both, &asking("2.0.0", yes, &first)), NOTHING);
    let secured = operation("second", ", security: [{type: X509}]");
    let both = asking("1.0.0", yes, &format!("{}, {secured}", operation("first", "")));
    assert_eq!(found(&both, &asking("2.0.0", yes, &secured)), one("operation-removed", Direction::Forward));
    assert_eq!(found(&both, &asking("2.0.0", yes, &operation("first", ""))), NOTHING);
}

#[test]
fn a_reply_that_the_old_channel_did_not_carry_is_one_more() {
    let reply = ", reply: {channel: {$ref: '#/channels/answer'}}";
    let (yes, no) = ("Yes: {payload: {type: object}}", "No: {payload: {type: integer}}");
    let old = asking("1.0.0", yes, &operation("first", reply));
    let new = asking("2.0.0", &format!("{yes}, {no}"), &operation("first", reply));
    assert_eq!(found(&old, &new), one("reply-messages-widened", Direction::Forward));
    // One that the operation does not give is no reply.
    let only = ", reply: {channel: {$ref: '#/channels/answer'}, messages: [{$ref: '#/channels/answer/messages/Yes'}]}";
    let new = asking("2.0.0", &format!("{yes}, {no}"), &operation("first", only));
    assert_eq!(found(&old, &new), NOTHING);
}

#[test]
fn what_a_channel_says_holds_for_what_is_done_on_it() {
    let two = |version, extension: &str, operations: &str| {
        channel(version, extension, "").replace("operations: {", &format!("operations: {{{operations}"))
    };
    let more = "hear: {action: receive, channel: {$ref: '#/channels/orders'}}, ";
    assert_eq!(found(&two("1.0.0", "", more), &two("2.0.0", "", "")), one("operation-removed", Direction::Backward));
    for extension in ["    x-compatibility: none\n", "    x-stability: draft\n"] {
        let found = found(&two("1.0.0", extension, more), &two("2.0.0", extension, ""));
        assert_eq!(found, NOTHING, "{extension}");
    }
}

#[test]
fn the_latest_version_that_has_it_says_when_something_may_go() {
    let with = |version: &str, extension: &str| {
        load(
            &channel(version, "", &format!("{extension}name: Placed, "))
                .replace("Placed: {", "Other: {payload: {type: string}}, Placed: {"),
        )
    };
    let (old, announced) = (with("1.0.0", ""), with("1.1.0", "x-sunset: '2026-01-01', "));
    let new = load(
        &channel("2.0.0", "", "name: Placed, ")
            .replace("Placed: {", "Other: {payload: {type: string}}, Placed: {")
            .replace("Placed: {name: Placed, payload: {type: object}}", "Third: {payload: {type: number}}"),
    );
    let comparison = Comparison::new().scope(Scope::Transitive).today("2026-11-22".parse::<Date>().unwrap());
    let baselines = [Baseline::new("1.0.0", &old), Baseline::new("1.1.0", &announced)];
    let report = comparison.compare(&baselines, &new).unwrap();
    let removed = report.findings.iter().find(|finding| finding.rule.id == "message-removed").unwrap();
    assert!(matches!(removed.accepted, Some(Accepted::Sunset { .. })), "{removed:#?}");
    assert_eq!(failing(&report), []);
    // What the latest version takes back was not announced.
    let baselines = [Baseline::new("1.1.0", &announced), Baseline::new("1.0.0", &old)];
    let report = comparison.compare(&baselines, &new).unwrap();
    assert_eq!(failing(&report), [("message-removed", Some(Direction::Forward))]);
}

#[test]
fn references_in_schemas_that_are_not_read_are_undecided_unless_all_files_are_the_same() {
    let raml = |version: &str, of: &str| {
        channel(version, "", "").replace(
            "payload: {type: object}",
            &format!("payload: {{schemaFormat: application/raml+yaml;version=1.0, schema: {{u: {of}}}}}"),
        )
    };
    let referring = |version| raml(version, "{$ref: './users.yaml#/User'}");
    let report = compare_by(&Comparison::new(), &referring("1.0.0"), &referring("1.0.1"));
    assert_eq!(failing(&report), [("schema-undecided", Some(Direction::Both))]);
    assert_eq!(found(&referring("1.0.0"), &referring("1.0.0")), NOTHING);
    assert_eq!(found(&raml("1.0.0", "string"), &raml("1.0.1", "string")), NOTHING);
    let settings = |version: &str, encoding: &str| {
        let bindings = "    bindings: {googlepubsub: {topic: t, schemaSettings: {$ref: '#/components/x-settings'}}}\n";
        format!("{}components: {{x-settings: {{encoding: {encoding}}}}}\n", channel(version, bindings, ""))
    };
    let report = compare_by(&Comparison::new(), &settings("1.0.0", "json"), &settings("2.0.0", "binary"));
    assert_eq!(report.verdict(), Outcome::Undecided, "{:#?}", report.findings);
    assert_eq!(found(&settings("1.0.0", "json"), &settings("1.0.0", "json")), NOTHING);
}

#[test]
fn small_changes_of_what_programs_are_told_are_noted() {
    let typed = |charset: &str| channel("1.0.0", "", &format!("contentType: 'application/json; charset={charset}', "));
    let report = compare_by(&Comparison::new(), &typed("utf-8"), &typed("utf-16").replace("1.0.0", "1.1.0"));
    assert_eq!(messages(&report, "content-type-noted").len(), 1, "{:#?}", report.findings);
    assert_eq!(failing(&report), []);
    let server = |version: &str, variables: &str, format: &str| {
        format!(
            "asyncapi: 2.6.0\ninfo: {{title: Orders, version: {version}}}\nservers: {{main: {{url: '{{region}}.example.org', protocol: \
             kafka{variables}, security: [{{a: []}}]}}}}\nchannels: {{}}\ncomponents: {{securitySchemes: {{a: {{type: http, scheme: \
             bearer, bearerFormat: {format}}}}}}}\n"
        )
    };
    let old = server("1.0.0", ", variables: {region: {description: where}}", "JWT");
    let report = compare_by(&Comparison::new(), &old, &server("1.1.0", "", "JWT"));
    assert_eq!(messages(&report, "server-variable-widened").len(), 1, "{:#?}", report.findings);
    let report = compare_by(&Comparison::new(), &old, &old.replace("JWT", "opaque"));
    assert_eq!(messages(&report, "documentation-changed").len(), 1, "{:#?}", report.findings);
}
