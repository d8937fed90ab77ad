//! `docs/generator-diagnostics.md` and the generator's rules say the same.

use std::collections::BTreeMap;
use std::path::Path;

use event_api_codegen::rules;

#[test]
fn every_rule_has_a_section_with_its_severity_and_every_section_a_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/generator-diagnostics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let sections: BTreeMap<String, String> = text
        .split("\n### `")
        .skip(1)
        .map(|section| {
            let (id, body) = section.split_once('`').unwrap();
            let severity = body.trim_start().trim_start_matches('*').split('*').next().unwrap();
            (id.to_owned(), severity.to_owned())
        })
        .collect();
    let rules: BTreeMap<String, String> =
        rules::ALL.iter().map(|rule| (rule.id.to_owned(), rule.severity.to_string())).collect();
    assert_eq!(sections, rules);
}
