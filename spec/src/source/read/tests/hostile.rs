//! Texts that are written to hurt: each ends in a diagnostic or a tree, in memory and time that its length bounds.

use super::{findings, try_read};

fn only_rule(text: &str, rule: &str) {
    let (_, found) = try_read(text);
    assert_eq!(found.iter().map(|diagnostic| diagnostic.rule.id).collect::<Vec<_>>(), [rule]);
}

#[test]
fn deep_nesting_is_refused_in_every_style() {
    const N: usize = 100_000;
    only_rule(&"[".repeat(N), "nesting-limit");
    only_rule(&"{\"a\":".repeat(N), "nesting-limit");
    only_rule(&format!("a: {}", "[".repeat(N)), "nesting-limit");
    only_rule(&format!("a: {}", "{a: ".repeat(N)), "nesting-limit");
    only_rule(&"- ".repeat(N), "nesting-limit");
    only_rule(&"? ".repeat(N), "nesting-limit");
    let block: String = (0..2000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    only_rule(&block, "nesting-limit");
}

#[test]
fn nesting_through_aliases_counts() {
    let mut text = format!("a0: &a0 {}{}\n", "[".repeat(100), "]".repeat(100));
    for level in 1..50 {
        text += &format!("a{level}: &a{level} [[[[*a{}]]]]\n", level - 1);
    }
    only_rule(&text, "nesting-limit");
}

#[test]
fn alias_bombs_are_refused() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..20 {
        let previous = format!("*a{}", level - 1);
        laughs += &format!("a{level}: &a{level} [{}]\n", vec![previous; 9].join(", "));
    }
    only_rule(&laughs, "alias-limit");
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 10_000].join(", "));
    only_rule(&long, "alias-limit");
    assert_eq!(findings("a: &a [*a]\n"), ["alias-limit /a/0 [*a] this alias stands within the value that it names"]);
}

#[test]
fn long_keys_cannot_multiply_pointers() {
    let key = "k".repeat(5000);
    only_rule(&format!("{{\"a\": {{\"{key}\": 1}}}}"), "nesting-limit");
}

#[test]
fn many_duplicates_are_reported_up_to_a_bound() {
    let text = "a: 1\n".repeat(50_000);
    let (_, found) = try_read(&text);
    assert_eq!(found.len(), 100);
}

/// Each text has a shape in which a careless reader takes quadratic time: at this size it would not return.
#[test]
fn time_is_linear_in_the_length() {
    const N: usize = 400_000;
    let nested_lists: String = (0..N / 8).map(|_| "[[1],[2]],").collect();
    let texts = [
        format!("a: [{nested_lists}]"),
        format!("[{}", "[],".repeat(N)),
        format!("a: [{}]", "{a: 1}, ".repeat(N / 4)),
        format!("a: [{}]", "a: 1, ".repeat(N / 4)),
        format!("a: {}", "x ".repeat(N)),
        format!("a: '{}'", "x\n  ".repeat(N / 4)),
        format!("a: \"{}\"", "\\n".repeat(N)),
        format!("a: |\n{}", "  x\n".repeat(N / 4)),
        format!("a: |\n{}", "\n".repeat(N)),
        format!("a: >\n{}", "  ä\n\n".repeat(N / 4)),
        format!("? {}\n: 1", "k".repeat(N)),
        "k".repeat(N),
        "ä ".repeat(N),
        (0..N / 4).map(|i| format!("k{i}: v\n")).collect(),
        (0..N / 8).map(|i| format!("k{i}: &a{i} v\n")).collect(),
        format!("# {}\na: 1\n", "c".repeat(N)),
        "# c\n".repeat(N),
        "---\n".repeat(N),
        format!("a: {}", "!".repeat(N)),
        format!("a: {}", "&a ".repeat(N)),
        format!("{{{}", "\"a\":{},".repeat(N / 4)),
        format!("a: {}", "1".repeat(N)),
        "\u{feff}".repeat(N),
        "\t".repeat(N),
        format!("a:{}b", "\n".repeat(N)),
    ];
    for text in &texts {
        try_read(text);
    }
}

/// Documents with bytes removed, doubled, swapped and replaced at places of a fixed pseudo-random sequence.
#[test]
fn mutated_documents_never_panic() {
    const SEEDS: &[&str] = &[
        "asyncapi: 3.0.0\ninfo: {title: 'Ä', version: \"1\\u00e4\"}\nchannels:\n  c: &c\n    address: a/{b}\n    <<: *c\n    list:\n    - |\n      text\n    - >-\n      folded\n    ? key\n    : value\n...\n---\n- x\n",
        "{\"a\": [1, -2.5e3, \"\\ud83d\\ude00\", null, true], \"ключ\": {\"b\": {}}, \"c\": []}\n",
        "%YAML 1.2\n%TAG !e! tag:example.com,2000:\n--- !e!x\n- !!str 1\n- &a [a: b, {c: d}, ? e]\n- *a\n- \"multi\n  line\"\n- 'it''s'\n",
    ];
    const BYTES: &[u8] = b"{}[]:,-?&*!|>'\"%@`#\\ \t\n\r\0a1~<.\xc3";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound.max(1) as u64) as usize
    };
    for seed in SEEDS {
        for _ in 0..4000 {
            let mut bytes = seed.as_bytes().to_vec();
            for _ in 0..=random(4) {
                if bytes.is_empty() {
                    break;
                }
                let at = random(bytes.len());
                match random(5) {
                    0 => {
                        bytes.remove(at);
                    }
                    1 => bytes.insert(at, BYTES[random(BYTES.len())]),
                    2 => bytes[at] = BYTES[random(BYTES.len())],
                    3 => bytes.truncate(at.max(1)),
                    _ => {
                        let end = (at + random(20)).min(bytes.len());
                        let part = bytes[at..end].to_vec();
                        let to = random(bytes.len());
                        bytes.splice(to..to, part);
                    }
                }
            }
            let text = String::from_utf8_lossy(&bytes);
            let (tree, found) = try_read(&text);
            assert!(tree.is_some() || !found.is_empty(), "{text:?}");
            for label in found.iter().flat_map(|diagnostic| &diagnostic.labels) {
                let span = label.location.span;
                assert!(text.get(span.start as usize..span.end as usize).is_some(), "{text:?}: {found:?}");
            }
        }
    }
}
