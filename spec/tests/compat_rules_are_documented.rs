//! `docs/compat/rules.md` and the rules of compatibility say the same.

use std::path::Path;

use event_api_spec::compat::ALL_RULES;

#[test]
fn every_rule_has_a_section_with_what_it_means_and_every_section_a_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compat/rules.md");
    let text = std::fs::read_to_string(path).unwrap();
    let sections: Vec<String> = text
        .split("\n### `")
        .skip(1)
        .map(|section| {
            let (id, body) = section.split_once('`').unwrap();
            let mut parts = body.trim().split("\n\n");
            let (meaning, summary) = (parts.next().unwrap(), parts.next().unwrap());
            assert!(parts.next().unwrap().starts_with("Why: "), "{id}");
            assert!(parts.next().unwrap().starts_with("What to do: "), "{id}");
            format!("{id} {meaning} {summary}")
        })
        .collect();
    let rules: Vec<String> = ALL_RULES
        .iter()
        .map(|rule| format!("{} *{}* · {} · {} {}", rule.id, rule.level, rule.kind, rule.bump, rule.summary))
        .collect();
    assert_eq!(sections, rules);
}
