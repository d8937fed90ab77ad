//! What schema inclusion promises: verdicts with a reason, both readings, and bounds.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use event_api_spec::schema::{Dialect, Inclusion, Reading, Reason, Verdict};
use event_api_spec::{LoadedSchema, Loader};
use serde_json::{Value, json};

fn load(schema: &Value) -> LoadedSchema {
    load_text(&schema.to_string())
}

fn load_text(schema: &str) -> LoadedSchema {
    let loaded = Loader::new().load_schema_text("schema.json", schema, Dialect::Draft7);
    assert!(loaded.root.is_some());
    loaded
}

/// `compatible`, a witness as JSON, or `unknown: reason`, and how many steps it took.
fn decide_counted(writer: &LoadedSchema, reader: &LoadedSchema, reading: Reading) -> (String, usize) {
    let mut inclusion = Inclusion::new(&writer.schemas, &reader.schemas, reading);
    let verdict = match inclusion.decide(writer.root.unwrap(), reader.root.unwrap()) {
        Verdict::Compatible => "compatible".to_owned(),
        Verdict::Incompatible { witness } => witness.to_string(),
        Verdict::Unknown { reason } => format!("unknown: {reason}"),
        other => panic!("{other:?}"),
    };
    (verdict, inclusion.steps())
}

fn decide(writer: &Value, reader: &Value, reading: Reading) -> String {
    decide_counted(&load(writer), &load(reader), reading).0
}

/// Each line: what one schema accepts, what another does, and what comes of it as they are written.
fn expect(lines: &[(Value, Value, &str)]) {
    for (writer, reader, expected) in lines {
        assert_eq!(decide(writer, reader, Reading::AsWritten), *expected, "{writer} in {reader}");
    }
}

#[test]
fn numbers_are_compared_exactly() {
    expect(&[
        (json!({"type": "integer"}), json!({"type": "number"}), "compatible"),
        (json!({"type": "number"}), json!({"type": "integer"}), "0.5"),
        (json!({"type": "number", "multipleOf": 1}), json!({"type": "integer"}), "compatible"),
        (
            json!({"type": "integer", "minimum": 1, "maximum": 9}),
            json!({"enum": [1, 2, 3, 4, 5, 6, 7, 8, 9.0]}),
            "compatible",
        ),
        (json!({"type": "number", "multipleOf": 0.3}), json!({"multipleOf": 0.1}), "compatible"),
        (json!({"type": "number", "multipleOf": 0.1}), json!({"multipleOf": 0.3}), "0.1"),
        (json!({"type": "integer"}), json!({"anyOf": [{"exclusiveMaximum": 5}, {"minimum": 4.5}]}), "compatible"),
        (
            json!({"type": "number"}),
            json!({"anyOf": [{"exclusiveMaximum": 5}, {"exclusiveMinimum": 5}, {"type": "string"}]}),
            "5",
        ),
        (json!({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 4}), json!(false), "compatible"),
    ]);
}

#[test]
fn languages_of_patterns_are_compared() {
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern});
    expect(&[
        (text("^[a-f]{2,3}$"), text("^[a-z]+$"), "compatible"),
        (text("^[a-z]+$"), json!({"type": "string", "maxLength": 3}), "\"aaaa\""),
        (text("^[a-z]{2,4}$"), json!({"type": "string", "minLength": 2, "maxLength": 4}), "compatible"),
        (json!({"enum": ["ab", "abab"]}), text("^(ab)+$"), "compatible"),
        (text("^(?!x)[a-z]$"), text("^[^x]$"), "compatible"),
        (text("^\\p{Lu}$"), text("^[A-Z]$"), "\"À\""),
        (text("^(ab)*$"), json!({"anyOf": [text("^$"), text("^a.*b$")]}), "compatible"),
        // What no automaton decides implies at least itself.
        (text("^(a|b)\\1$"), json!({"pattern": "^(a|b)\\1$"}), "compatible"),
    ]);
    let open = decide(&text("^(a|b)\\1$"), &text("^(aa|bb)$"), Reading::AsWritten);
    assert!(open.starts_with("unknown: the regular expression `^(a|b)\\1$`"), "{open}");
}

#[test]
fn a_union_is_covered_by_its_branches_together() {
    expect(&[
        (
            json!({"type": ["string", "integer"]}),
            json!({"anyOf": [{"type": "string", "maxLength": 3}, {"type": "string", "minLength": 3}, {"type": "number"}]}),
            "compatible",
        ),
        (
            json!({"type": "integer"}),
            json!({"oneOf": [{"type": "integer", "minimum": 0}, {"type": "integer", "maximum": 0}]}),
            "0",
        ),
        (
            json!({"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["a", "b"]}}}),
            json!({"oneOf": [
                {"required": ["kind"], "properties": {"kind": {"const": "a"}}},
                {"required": ["kind"], "properties": {"kind": {"const": "b"}}},
            ]}),
            "compatible",
        ),
        (json!({"if": {"type": "string"}, "then": {"minLength": 1}}), json!({"not": {"const": ""}}), "compatible"),
    ]);
}

#[test]
fn arrays_are_compared_item_by_item_and_as_a_whole() {
    let many = |items: Value| json!({"type": "array", "items": items});
    expect(&[
        (many(json!({"type": "integer"})), many(json!({"type": "number"})), "compatible"),
        (many(json!(true)), many(json!({"type": "string"})), "[null]"),
        (
            json!({"type": "array", "items": [{"type": "string"}], "additionalItems": false}),
            json!({"maxItems": 1}),
            "compatible",
        ),
        (
            json!({"type": "array", "items": {"type": "boolean"}, "uniqueItems": true}),
            json!({"maxItems": 2}),
            "compatible",
        ),
        (
            json!({"type": "array", "items": {"type": "boolean"}, "minItems": 3}),
            json!({"uniqueItems": true}),
            "[false,false,false]",
        ),
        (
            json!({"type": "array", "minItems": 1, "items": {"type": "integer"}}),
            json!({"contains": {"type": "number"}}),
            "compatible",
        ),
        (many(json!(false)), json!({"const": []}), "compatible"),
        (json!({"type": "array", "contains": {"const": 1}}), json!({"minItems": 1}), "compatible"),
        // One item is what two demands ask for.
        (
            json!({"type": "array", "uniqueItems": true, "contains": {"const": 7}}),
            json!({"anyOf": [{"items": [{}, {}, {}], "additionalItems": {"not": {"const": 7}}}, {"maxItems": 3}]}),
            "[true,false,null,7]",
        ),
        (json!({"type": "array", "contains": {"const": 1}}), json!({"items": {"const": 1}}), "[1,null]"),
    ]);
}

#[test]
fn objects_are_compared_member_by_member_and_as_a_whole() {
    expect(&[
        (json!({"type": "object", "required": ["a", "b"]}), json!({"minProperties": 2}), "compatible"),
        (
            json!({"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": false}),
            json!({"maxProperties": 2}),
            "compatible",
        ),
        (
            json!({"type": "object", "patternProperties": {"^x_": {"type": "integer"}}, "additionalProperties": false}),
            json!({"propertyNames": {"pattern": "^x"}, "additionalProperties": {"type": "number"}}),
            "compatible",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            json!({"properties": {"a": {"type": "string", "maxLength": 2}}}),
            "{\"a\":\"aaa\"}",
        ),
        (json!({"type": "object", "properties": {"a": false}, "required": ["a"]}), json!(false), "compatible"),
        (
            json!({"type": "object", "required": ["a"], "dependencies": {"a": ["b"], "b": {"properties": {"c": {"type": "null"}}}}}),
            json!({"required": ["b"], "properties": {"c": {"type": ["null", "string"]}}}),
            "compatible",
        ),
        (json!({"type": "object"}), json!({"properties": {"a": {"type": "string"}}}), "{\"a\":null}"),
    ]);
}

#[test]
fn members_that_must_exist_do_not_take_each_others_names() {
    // A counterexample needs a string called x1 or x2 and a number called x1.
    let writer = json!({"type": "object", "additionalProperties": {"type": ["string", "number"]}});
    let reader = json!({"anyOf": [
        {"patternProperties": {"^x[12]$": {"not": {"type": "string"}}}},
        {"patternProperties": {"^x1$": {"not": {"type": "number"}}}},
    ]});
    let verdict = decide(&writer, &reader, Reading::AsWritten);
    assert!(verdict == "{\"x2\":\"\",\"x1\":0}" || verdict.starts_with("unknown"), "{verdict}");
}

#[test]
fn what_nothing_satisfies_is_part_of_everything() {
    expect(&[
        (json!(false), json!(false), "compatible"),
        (json!({"type": "string", "enum": [1, 2]}), json!({"type": "null"}), "compatible"),
        (json!({"allOf": [{"type": "string"}, {"not": {"type": "string"}}]}), json!(false), "compatible"),
        // Only an endless value would do.
        (
            json!({"$ref": "#/definitions/n", "definitions": {
                "n": {"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#/definitions/n"}}}}}),
            json!(false),
            "compatible",
        ),
    ]);
}

#[test]
fn recursive_schemas_are_compared() {
    let tree = |value: Value| {
        json!({"$ref": "#/definitions/tree", "definitions": {"tree": {
            "type": "object",
            "properties": {"value": value, "children": {"type": "array", "items": {"$ref": "#/definitions/tree"}}},
        }}})
    };
    let (whole, any) = (tree(json!({"type": "integer"})), tree(json!({"type": "number"})));
    expect(&[(whole.clone(), any.clone(), "compatible"), (any, whole, "{\"value\":0.5}")]);
}

#[test]
fn what_holds_only_within_a_recursion_is_not_taken_outside_of_it() {
    // While a value of `a` is looked for, an array of `b` seems to be none, for it would contain an `a`. But `a` has
    // another one.
    let writer = json!({
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"$ref": "#/definitions/a"}, "b": {"$ref": "#/definitions/b"}},
        "definitions": {
            "a": {"type": ["array", "object"], "minItems": 1, "items": {"$ref": "#/definitions/b"}},
            "b": {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/a"}},
        },
    });
    expect(&[(writer, json!(false), "{\"a\":{},\"b\":[{}]}")]);
}

#[test]
fn an_optional_property_can_be_added_where_writers_send_what_they_declare() {
    let old = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}});
    let mut new = old.clone();
    new["properties"]["note"] = json!({"type": "string"});
    for (writer, reader) in [(&old, &new), (&new, &old)] {
        assert_eq!(decide(writer, reader, Reading::Declared), "compatible");
    }
    assert_eq!(decide(&old, &new, Reading::AsWritten), "{\"id\":\"\",\"note\":null}");
    assert_eq!(decide(&new, &old, Reading::AsWritten), "compatible");
    // What a name meant before, it still means in what was written then.
    let mut reused = old.clone();
    reused["properties"]["note"] = json!({"type": "integer"});
    assert_eq!(decide(&new, &reused, Reading::Declared), "{\"id\":\"\",\"note\":\"\"}");
}

#[test]
fn what_is_declared_is_declared_by_all_parts_together() {
    let parts = json!({
        "allOf": [{"$ref": "#/definitions/base"}, {"properties": {"b": {"type": "integer"}}, "required": ["c"]}],
        "definitions": {"base": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}},
    });
    let names = |names: Value| json!({"propertyNames": {"enum": names}});
    assert_eq!(decide(&parts, &names(json!(["a", "b", "c"])), Reading::Declared), "compatible");
    assert_eq!(decide(&parts, &names(json!(["a", "c"])), Reading::Declared), "{\"a\":0,\"b\":0,\"c\":null}");
    // Unknown members are kept, or nothing is said of members: then there may be any.
    for open in [
        json!({"type": "object", "properties": {"a": {}}, "additionalProperties": true}),
        json!({"type": "object"}),
        json!(true),
    ] {
        assert_ne!(decide(&open, &names(json!(["a"])), Reading::Declared), "compatible", "{open}");
    }
    // The reader is always as written.
    let closed = json!({"type": "object", "properties": {"a": {}}, "additionalProperties": false});
    assert_eq!(decide(&parts, &closed, Reading::Declared), "{\"a\":0,\"c\":null}");
}

#[test]
fn an_unchanged_schema_is_compatible_whatever_it_means() {
    // A real way to write inheritance that means nothing to JSON Schema: each refers to the other in place.
    let schema = json!({"$ref": "#/definitions/a", "definitions": {
        "a": {"oneOf": [{"$ref": "#/definitions/b"}], "properties": {"x": {"pattern": "(a)\\1"}}},
        "b": {"allOf": [{"$ref": "#/definitions/a"}], "required": ["x"]},
    }});
    for reading in [Reading::AsWritten, Reading::Declared] {
        assert_eq!(decide(&schema, &schema, reading), "compatible");
    }
}

#[test]
fn a_schema_that_refers_to_itself_in_place_is_not_judged() {
    let paradox = |least: u64| {
        json!({"$ref": "#/definitions/a", "definitions": {
            "a": {"oneOf": [{"$ref": "#/definitions/b"}, {"$ref": "#/definitions/c"}]},
            "b": {"allOf": [{"$ref": "#/definitions/a"}], "minProperties": least},
            "c": {"allOf": [{"$ref": "#/definitions/a"}], "maxProperties": 3},
        }})
    };
    for writer in [json!({"type": "object"}), paradox(1)] {
        let verdict = decide(&writer, &paradox(2), Reading::AsWritten);
        assert!(verdict.starts_with("unknown"), "{verdict}");
    }
}

#[test]
fn an_unresolved_reference_is_neither_compatible_nor_a_counterexample() {
    let broken = json!({"type": "object", "properties": {"a": {"$ref": "#/definitions/gone"}}});
    let unknown = "unknown: the reference `#/definitions/gone` leads nowhere";
    assert_eq!(decide(&json!({"type": "object"}), &broken, Reading::AsWritten), unknown);
    // Nor is what it would have to hold a counterexample.
    assert_eq!(decide(&broken, &json!({"maxProperties": 0}), Reading::Declared), unknown);
    assert_eq!(decide(&broken, &json!({"type": "object"}), Reading::Declared), "compatible");
}

#[test]
fn a_missing_type_is_read_as_generated_code_reads_it() {
    let with_types = |schema: &Value| {
        let mut loaded = load(schema);
        loaded.schemas = loaded.schemas.with_implied_types(loaded.root);
        loaded
    };
    let compared =
        |writer: &Value, reader: &Value| decide_counted(&with_types(writer), &with_types(reader), Reading::Declared).0;
    let untyped = json!({"properties": {"a": {"minLength": 1}, "b": {"items": {"minimum": 0}}}});
    let typed = json!({"type": "object", "properties": {
        "a": {"type": "string", "minLength": 1},
        "b": {"type": "array", "items": {"type": "number", "minimum": 0}},
    }});
    assert_eq!(decide(&untyped, &typed, Reading::Declared), "null");
    assert_eq!(compared(&untyped, &typed), "compatible");
    // What the parts say together counts, and an alternative is read with what stands beside it.
    let parts =
        json!({"allOf": [{"$ref": "#/definitions/p"}, {"type": ["object", "null"]}], "definitions": {"p": untyped}});
    assert_eq!(compared(&parts, &json!({"type": "object"})), "null");
    let either = json!({"anyOf": [{"required": ["a"]}, {"properties": {"b": {"type": "null"}}}]});
    assert_eq!(compared(&either, &json!({"type": "object"})), "compatible");
    let beside = json!({"type": ["array", "object"], "anyOf": [{"required": ["a"]}, {"minItems": 1}]});
    assert_eq!(compared(&beside, &json!({"type": "object"})), "[]");
    // Keywords of two types leave a choice, and a question is no demand.
    for open in [
        json!({"minimum": 0, "minLength": 1}),
        json!({"if": {"required": ["a"]}, "then": {"minProperties": 2}}),
        json!({"title": "Any"}),
    ] {
        assert_eq!(compared(&open, &json!({"type": "object"})), "null", "{open}");
    }
}

/// Levels that each refer to the next three times.
fn levels(count: usize, last: &Value) -> Value {
    let mut definitions = serde_json::Map::new();
    for level in 0..count {
        let next = json!({"$ref": format!("#/definitions/l{}", level + 1)});
        definitions.insert(
            format!("l{level}"),
            json!({"type": "object", "properties": {"a": next, "b": next, "c": next}, "required": ["a"]}),
        );
    }
    definitions.insert(format!("l{count}"), last.clone());
    json!({"$ref": "#/definitions/l0", "definitions": definitions})
}

#[test]
fn shared_references_cost_linear_time() {
    for last in [json!({"type": "number"}), json!({"type": "integer"})] {
        let steps = |count: usize| {
            let writer = load(&levels(count, &json!({"type": "integer"})));
            let reader = load(&levels(count, &last));
            let (verdict, steps) = decide_counted(&writer, &reader, Reading::AsWritten);
            assert_eq!(verdict, "compatible");
            steps
        };
        let (few, many) = (steps(20), steps(200));
        assert!(many <= few * 11, "{last}: {few} steps for 20 levels, {many} for 200");
    }
}

/// An object with so many members that each say all of this.
fn copies(count: usize, of: &Value) -> Value {
    let properties: serde_json::Map<_, _> = (0..count).map(|index| (format!("m{index}"), of.clone())).collect();
    json!({"type": "object", "properties": properties})
}

#[test]
fn schemas_that_say_the_same_are_decided_once() {
    let steps = |count: usize| {
        let [writer, reader] = ["integer", "number"].map(|kind| copies(30, &json!({"type": kind})));
        let (writer, reader) = (load(&copies(count, &writer)), load(&copies(count, &reader)));
        let (verdict, steps) = decide_counted(&writer, &reader, Reading::AsWritten);
        assert_eq!(verdict, "compatible");
        steps
    };
    let (one, many) = (steps(1), steps(60));
    // Each copy is looked at, which is a part of a step for each schema within, and none is decided again.
    assert!(many <= one + 60 * 20, "{one} steps for one copy, {many} for 60");
}

#[test]
fn what_differs_at_the_end_of_a_long_chain_is_found() {
    let verdict =
        decide(&levels(40, &json!({"type": "number"})), &levels(40, &json!({"type": "integer"})), Reading::Declared);
    assert_eq!(verdict, format!("{}0.5{}", "{\"a\":".repeat(40), "}".repeat(40)));
}

/// More steps than any decision may take, with what the last one does.
const MOST_STEPS: usize = 250_000;

fn bounded(writer: &str, reader: &str) -> String {
    let (verdict, steps) = decide_counted(&load_text(writer), &load_text(reader), Reading::AsWritten);
    assert!(steps <= MOST_STEPS, "{steps} steps");
    verdict
}

#[test]
fn nests_of_one_of_end() {
    let nest = |depth: usize, salt: i64| {
        let mut schema = json!({"type": "object", "properties": {"a": {"minimum": salt}}});
        for level in 0..depth {
            let other = json!({"minProperties": level, "properties": {"b": {"maximum": level as i64 - salt}}});
            schema = json!({"oneOf": [schema, {"anyOf": [other, {"not": schema}]}, {"maxProperties": level}]});
        }
        schema
    };
    bounded(&nest(7, 0).to_string(), &nest(7, 1).to_string());
    let wide = |salt: i64| -> Value {
        let one = |i: i64| json!({"properties": {format!("p{i}"): {"minimum": i + salt}}, "maxProperties": 3 + i % 2});
        json!({"type": "object", "oneOf": (0..40).map(one).collect::<Vec<_>>()})
    };
    bounded(&wide(0).to_string(), &wide(1).to_string());
}

#[test]
fn patterns_that_explode_end() {
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern}).to_string();
    for pattern in ["^(a|b)*a(a|b){30}$", "^(\\w{1,900}){1,900}$", "(x+x+)+y", "^([\\p{L}\\d]{200}){4}$"] {
        let verdict = bounded(&text(pattern), &text("^[0-9]{3}$"));
        assert_ne!(verdict, "compatible", "{pattern}");
    }
    let many: Vec<_> = (0..12).map(|i| json!({"pattern": format!("(a|b){{{i}}}a(a|b){{4}}")})).collect();
    bounded(&json!({"type": "string", "allOf": many}).to_string(), &text("^c"));
    let long = json!({"type": "string", "pattern": "^[a-z]*$", "minLength": 1_000_000}).to_string();
    assert!(bounded(&long, &json!({"maxLength": 5}).to_string()).starts_with("unknown"));
}

#[test]
fn deep_schemas_end() {
    let deep = |count: usize, last: &str| format!("{}{last}{}", "{\"items\":".repeat(count), "}".repeat(count));
    bounded(&deep(100, "{\"type\":\"string\"}"), &deep(100, "{\"type\":\"null\"}"));
    let chain = levels(2000, &json!({"type": "number"})).to_string();
    assert_eq!(bounded(&chain, &chain), "compatible");
    let other = levels(2000, &json!({"type": "integer"})).to_string();
    assert_eq!(bounded(&chain, &other), format!("unknown: {}", Reason::TooDeep));
}

#[test]
fn large_counts_end() {
    let least = |count: u64| json!({"type": "array", "minItems": count, "uniqueItems": true}).to_string();
    assert_eq!(bounded(&least(1_000_000), &least(1_000)), "compatible");
    assert_eq!(bounded(&least(1_000_000), "{\"maxItems\": 3}"), format!("unknown: {}", Reason::TooLarge));
    let members = json!({"type": "object", "minProperties": 1_000_000_000u64}).to_string();
    assert_eq!(bounded(&members, "{\"maxProperties\": 3}"), format!("unknown: {}", Reason::TooLarge));
    let names: Vec<_> = (0..300).map(|i| format!("n{i}")).collect();
    let all: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), json!({"type": "string"}))).collect();
    let required = json!({"type": "object", "required": names, "properties": all}).to_string();
    assert_eq!(bounded(&required, &required), "compatible");
    bounded(&required, &json!({"type": "object", "properties": all, "maxProperties": 299}).to_string());
    let each: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), json!([format!("{name}x")]))).collect();
    let dependent = json!({"type": "object", "dependencies": each}).to_string();
    assert_eq!(bounded(&dependent, "{\"maxProperties\": 1}"), "{\"other\":null,\"other1\":null}");
    assert_eq!(bounded("{\"type\": \"object\", \"maxProperties\": 1}", &dependent), "{\"n0\":null}");
}

#[test]
fn deep_levels_of_many_choices_end() {
    // Every level takes several choices and several ways into the value before the next one.
    let level = |level: usize, next: &Value| {
        json!({
            "anyOf": [{"required": ["a"]}, {"required": ["b"]}, {"maxProperties": level}],
            "oneOf": [{"properties": {"t": {"const": level}}}, {"required": ["t", "u"], "properties": {"t": {"const": "x"}}}],
            "dependencies": {"a": ["b"], "b": {"minProperties": 1}, "c": ["a"]},
            "patternProperties": {"^a": {"type": "array", "contains": next, "items": {"anyOf": [next, {"type": "null"}]}}},
            "additionalProperties": {"type": ["object", "array"], "properties": {"n": next}, "items": next},
            "minProperties": 1,
        })
    };
    let whole = |count: usize, last: &str| {
        let mut definitions = serde_json::Map::new();
        for index in 0..count {
            let next = json!({"$ref": format!("#/definitions/l{}", index + 1)});
            definitions.insert(format!("l{index}"), level(index, &next));
        }
        definitions.insert(format!("l{count}"), json!({"type": last}));
        json!({"$ref": "#/definitions/l0", "definitions": definitions}).to_string()
    };
    for count in [3, 30, 300] {
        bounded(&whole(count, "string"), &whole(count, "null"));
    }
}
