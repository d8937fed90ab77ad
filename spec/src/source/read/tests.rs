use super::read;
use crate::diagnostic::{Diagnostic, Findings};
use crate::source::{FileId, Node, Value};

/// The tree and what was found.
fn try_read(text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let mut found = Findings::default();
    let node = read(FileId(0), text, &mut found);
    (node, found.into_sorted())
}

/// The tree of a text in which nothing is wrong.
fn node(text: &str) -> Node {
    let (node, found) = try_read(text);
    assert_eq!(found, [], "{text}");
    node.unwrap()
}

fn json(text: &str) -> String {
    node(text).to_json().to_string()
}

/// What was found, as `rule pointer [text at the place] message`.
fn findings(text: &str) -> Vec<String> {
    try_read(text).1.iter().map(|diagnostic| describe(text, diagnostic)).collect()
}

fn describe(text: &str, diagnostic: &Diagnostic) -> String {
    assert!(diagnostic.help.is_some(), "{diagnostic:?}");
    let location = diagnostic.location().unwrap();
    let excerpt = &text[location.span.start as usize..location.span.end as usize];
    format!("{} {} [{excerpt}] {}", diagnostic.rule.id, location.pointer, diagnostic.message)
}

fn excerpt<'a>(text: &'a str, node: &Node) -> &'a str {
    &text[node.span.start as usize..node.span.end as usize]
}

mod corpus;
mod hostile;

#[test]
fn yaml_and_json_give_the_same_tree() {
    let yaml = "a: 1\nb: [x, 'y', \"z\"]\nc:\n  d: null\n  e: |\n    text\n    more\n200: ok\ntrue: t\n1.5: f\n";
    let json_text = r#"{"a": 1, "b": ["x", "y", "z"], "c": {"d": null, "e": "text\nmore\n"}, "200": "ok", "true": "t", "1.5": "f"}"#;
    assert_eq!(json(yaml), json(json_text));
    assert_eq!(json(&yaml.replace('\n', "\r\n")), json(json_text));
    assert_eq!(json(&format!("\u{feff}{yaml}")), json(json_text));
    assert_eq!(json(&format!("\u{feff}{json_text}")), json(json_text));
}

#[test]
fn json_is_read_as_json() {
    assert_eq!(json("{\n\t\"a\"\t:\t1\r\n}"), r#"{"a":1}"#);
    assert_eq!(
        node(r#"["\ud83d\ude00\/\u00e4\b\f\n\r\t\"\\"]"#).as_array().unwrap()[0].as_str(),
        Some("😀/ä\u{8}\u{c}\n\r\t\"\\")
    );
    let long = "k".repeat(3000);
    assert!(node(&format!("{{\"{long}\": 1}}")).get(&long).is_some());
    let huge = node("[123456789012345678901234567890.5e400]");
    assert!(
        matches!(&huge.as_array().unwrap()[0].value, Value::Number(n) if n.as_str() == "123456789012345678901234567890.5e400")
    );
}

#[test]
fn flow_yaml_that_looks_like_json_is_read_as_yaml() {
    assert_eq!(json("{a: 1, 'b': [x, y,], # comment\n}"), r#"{"a":1,"b":["x","y"]}"#);
}

#[test]
fn spans_cover_keys_and_values_with_their_quotes() {
    let text = "# ä€😀\n'kéy': \"välue\"\nplain: 😀 words # comment\nlist: [ 'ö', {a: b} ] # end\nblock:\n  - x: 1\n    y: 2\n\n  - last\n\nliteral: |\n  some\n  text\n\nempty:\nend: &anchor ~\n";
    let tree = node(text);
    let object = tree.as_object().unwrap();
    let key = |name: &str| {
        let (key, _) = object.iter().find(|(key, _)| key.name == name).unwrap();
        &text[key.span.start as usize..key.span.end as usize]
    };
    let value = |name: &str| excerpt(text, tree.get(name).unwrap());
    assert_eq!((key("kéy"), value("kéy")), ("'kéy'", "\"välue\""));
    assert_eq!((key("plain"), value("plain")), ("plain", "😀 words"));
    assert_eq!(value("list"), "[ 'ö', {a: b} ]");
    assert_eq!(excerpt(text, &tree.get("list").unwrap().as_array().unwrap()[1]), "{a: b}");
    assert_eq!(value("block"), "- x: 1\n    y: 2\n\n  - last");
    assert_eq!(excerpt(text, &tree.get("block").unwrap().as_array().unwrap()[0]), "x: 1\n    y: 2");
    assert_eq!(value("literal"), "some\n  text");
    assert_eq!(value("empty"), "");
    assert_eq!(tree.get("empty").unwrap().span.start as usize, text.find("empty:").unwrap() + "empty:".len());
    assert_eq!(value("end"), "&anchor ~");
    assert_eq!(excerpt(text, &tree), text.split_once('\n').unwrap().1.trim_end());

    let text = "{ \"ключ\" : [ 1 , \"два\" ] , \"b\" : { } }";
    let tree = node(text);
    let (key, value) = tree.as_object().unwrap().iter().next().unwrap();
    assert_eq!(&text[key.span.start as usize..key.span.end as usize], "\"ключ\"");
    assert_eq!(excerpt(text, value), "[ 1 , \"два\" ]");
    assert_eq!(excerpt(text, tree.get("b").unwrap()), "{ }");
    assert_eq!(excerpt(text, &tree), text);
}

#[test]
fn explicit_tags_are_obeyed() {
    assert_eq!(
        json(
            "a: !!str 12\nb: !!int '12'\nc: !!float 1\nd: !!bool 'true'\ne: !!null ''\nf: ! 12\ng: !!map {}\nh: !!seq []\ni: !<tag:yaml.org,2002:str> 1\n"
        ),
        r#"{"a":"12","b":12,"c":1,"d":true,"e":null,"f":"12","g":{},"h":[],"i":"1"}"#
    );
    assert_eq!(
        findings("a: !!int x\nb: !color red\n"),
        [
            "invalid-tag /a [!!int x] `x` is no value for the tag `!!int`",
            "unknown-tag /b [!color red] the tag `!color` is ignored",
        ]
    );
}

#[test]
fn aliases_are_copies_and_merge_keys_fill_in() {
    assert_eq!(
        json("base: &base {a: 1, b: 2}\nother: &other\n  c: 3\none: *base\nmerged:\n  <<: *base\n  b: own\nboth:\n  <<: [*base, *other]\nquoted: {\"<<\": 1}\nkey: &k name\n*k : value\n"),
        r#"{"base":{"a":1,"b":2},"other":{"c":3},"one":{"a":1,"b":2},"merged":{"b":"own","a":1},"both":{"a":1,"b":2,"c":3},"quoted":{"<<":1},"key":"name","name":"value"}"#
            .parse::<serde_json::Value>()
            .unwrap()
            .to_string()
    );
    assert_eq!(
        findings("a:\n  <<: 1\n  b: 2\n"),
        ["invalid-merge /a [1] `<<` merges an object or a list of objects, not a number"]
    );
}

#[test]
fn duplicate_keys_are_reported_and_the_first_counts() {
    let text = "a:\n  k: 1\n  l: 2\n  'k': 3\n";
    assert_eq!(findings(text), ["duplicate-key /a/k ['k'] duplicate key `k`"]);
    let (tree, found) = try_read(text);
    assert_eq!(tree.unwrap().to_json().to_string(), r#"{"a":{"k":1,"l":2}}"#);
    assert_eq!(found[0].labels[1].text, "first given here");
    assert_eq!(findings("{\"k\": 1, \"k\": 2}"), ["duplicate-key /k [\"k\"] duplicate key `k`"]);
}

#[test]
fn keys_that_are_no_scalars_are_reported() {
    assert_eq!(findings("a:\n  {id}: 1\n"), ["complex-key /a [{id}] an object cannot be a key"]);
    assert_eq!(findings("? [a, b]\n: 1\n"), ["complex-key  [[a, b]] an array cannot be a key"]);
}

#[test]
fn numbers_that_json_lacks_are_reported() {
    assert_eq!(
        findings("a: .inf\n"),
        ["unrepresentable-number /a [.inf] JSON has no number `.inf`, so it is read as a string"]
    );
}

#[test]
fn a_file_holds_one_document() {
    for empty in ["", "\u{feff}", "  \n", "# only a comment\n", "---\n", "---\n...\n"] {
        let found = findings(empty);
        assert_eq!(found.len(), 1, "{empty:?}: {found:?}");
        assert!(found[0].starts_with("empty-document"), "{empty:?}: {found:?}");
    }
    assert_eq!(json("---\na: 1\n---\n"), r#"{"a":1}"#);
    assert_eq!(json("%YAML 1.2\n---\na: 1\n...\n"), r#"{"a":1}"#);
    assert_eq!(
        findings("a: 1\n---\nb: 2\n"),
        ["multiple-documents  [---] the file holds a second document, which is ignored"]
    );
}

#[test]
fn syntax_errors_have_a_place() {
    for (text, expected) in [
        ("ä: ok\na: b: c\n", "yaml-syntax  [: c] not valid YAML: mapping values are not allowed in this context"),
        ("a:\n\t- b\n", "yaml-syntax"),
        (
            "a: 'open\n",
            "yaml-syntax /a ['open] not valid YAML: while scanning a quoted scalar, found unexpected end of stream",
        ),
        ("a: *nowhere\n", "yaml-syntax /a [*nowhere] not valid YAML: while parsing node, found unknown anchor"),
        ("a: @b\n", "yaml-syntax"),
        ("{\"a\": }", "json-syntax"),
        ("{\"a\": 1 \"b\": 2}", "json-syntax  [\"b\": 2}] not valid JSON: expected `,` or `}`, found '\"'"),
        ("{\"a\": [1, 2}", "json-syntax /a/2 [}] not valid JSON: expected `,` or `]`, found '}'"),
        ("{\"a\": \"\\ud83d\"}", "json-syntax"),
        ("{\"a\": 1", "json-syntax  [1] not valid JSON: expected `,` or `}`, found the end of the file"),
    ] {
        let (tree, _) = try_read(text);
        let found = findings(text);
        if text == "{\"a\": }" {
            // An absent value is null in YAML.
            assert!(tree.is_some());
            continue;
        }
        assert!(tree.is_none(), "{text}");
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(expected), "{text}: {found:?}");
    }
}
