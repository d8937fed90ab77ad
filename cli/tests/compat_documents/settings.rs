//! `event-api.toml`: what it says counts, what is wrong with it is named, and what it says in vain is told.

use std::path::Path;

use crate::catalogue::parse;
use crate::project::{Project, document};

fn project(settings: &str) -> Project {
    Project::new(&[
        ("spec/event-api.toml", settings),
        ("spec/released/1.0.0.yaml", &document("1.0.0", "integer")),
        ("spec/asyncapi.yaml", &document("2.0.0", "string")),
    ])
}

const IGNORED: &str = "\
[compat]
history = 'released'

[[compat.ignore]]
rule = 'schema-type-changed'
pointer = '/channels/orders/**'
reason = 'all consumers were asked'
";

#[test]
fn an_ignored_finding_is_accepted_with_its_reason() {
    let project = project(IGNORED);
    let out = project.compat(&["spec/asyncapi.yaml"]).with(0).out;
    assert!(out.contains("accepted[schema-type-changed]"), "{out}");
    assert!(out.contains("ignored: all consumers were asked") && out.contains("compatible: 1 accepted"), "{out}");
    let log = parse(&project.compat(&["spec/asyncapi.yaml", "--format", "sarif"]).with(0).out);
    let suppression = &log["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(suppression["kind"], "external");
    assert_eq!(suppression["justification"], "ignored: all consumers were asked");
    let junit = project.compat(&["spec/asyncapi.yaml", "--format", "junit"]).with(0).out;
    assert!(junit.contains("<skipped message=\"ignored: all consumers were asked\"/>"), "{junit}");
}

#[test]
fn an_entry_that_matches_nothing_or_has_expired_is_reported() {
    let expired = project(&format!("{IGNORED}expires = 2020-01-31\n"));
    let out = expired.compat(&["spec/asyncapi.yaml"]).with(1).out;
    assert!(out.contains("does nothing: it has expired"), "{out}");
    let elsewhere = project(&IGNORED.replace("/channels/orders/**", "/channels/users/**"));
    let out = elsewhere.compat(&["spec/asyncapi.yaml"]).with(1).out;
    assert!(out.contains("warning: the ignore entry for `schema-type-changed` at `/channels/users/**`"), "{out}");
    let slip = project(&IGNORED.replace("schema-type-changed", "schema-typ-changed"));
    for format in ["human", "github", "json", "markdown"] {
        let out = slip.compat(&["spec/asyncapi.yaml", "--format", format]).with(1).out;
        assert!(out.contains("did you mean `schema-type-changed`"), "{format}: {out}");
    }
}

#[test]
fn an_entry_for_another_document_neither_counts_nor_complains() {
    let project = project(&format!("{IGNORED}document = 'users.yaml'\n"));
    let out = project.compat(&["spec/asyncapi.yaml"]).with(1).out;
    assert!(!out.contains("ignore entry"), "{out}");
    project.write("spec/event-api.toml", &format!("{IGNORED}document = 'asyncapi.yaml'\n"));
    project.compat_in("spec", &["asyncapi.yaml"]).with(0);
}

#[test]
fn arguments_come_before_settings() {
    let project = project("compat.mode = 'backward'\ncompat.history = 'released'\n");
    project.write("spec/asyncapi.yaml", &document("2.0.0", "number"));
    project.compat(&["spec/asyncapi.yaml"]).with(0);
    project.compat(&["spec/asyncapi.yaml", "--mode", "full"]).with(1);
    project.write("other.toml", "compat.mode = 'forward'\ncompat.history = 'spec/released'\n");
    project.compat(&["spec/asyncapi.yaml", "--config", "other.toml"]).with(1);
    project.compat(&["spec/asyncapi.yaml", "--config", "gone.toml"]).with(2);
}

#[test]
fn a_rule_can_be_made_a_notice() {
    let project = project("compat.history = 'released'\ncompat.levels.schema-type-changed = 'notice'\n");
    let out = project.compat(&["spec/asyncapi.yaml"]).with(0).out;
    assert!(out.contains("notice[schema-type-changed]"), "{out}");
}

#[test]
fn what_is_ignored_or_made_a_notice_needs_no_major_version() {
    for settings in [IGNORED, "compat.history = 'released'\ncompat.levels.schema-type-changed = 'notice'\n"] {
        let project = project(settings);
        project.write("spec/asyncapi.yaml", &document("1.1.0", "string"));
        let out = project.compat(&["spec/asyncapi.yaml"]).with(0).out;
        assert!(!out.contains("version-not-raised"), "{out}");
    }
    // Without either it needs one.
    let project = project("compat.history = 'released'\n");
    project.write("spec/asyncapi.yaml", &document("1.1.0", "string"));
    let out = project.compat(&["spec/asyncapi.yaml"]).with(1).out;
    assert!(out.contains("version-not-raised"), "{out}");
}

#[test]
fn two_files_are_told_that_the_settings_do_not_count() {
    let project = project("compat.history = 'released'\n");
    let two = ["spec/released/1.0.0.yaml", "spec/asyncapi.yaml"];
    let out = project.compat(&two).with(1).out;
    assert!(out.contains("note: `spec/released/1.0.0.yaml` counts as the old version"), "{out}");
    let report = parse(&project.compat(&[two[0], two[1], "--format", "json"]).with(1).out);
    assert_eq!(report["comparisons"][0]["notes"].as_array().unwrap().len(), 1);
    project.write("spec/event-api.toml", "");
    let out = project.compat(&two).with(1).out;
    assert!(!out.contains("note: "), "{out}");
}

#[test]
fn what_is_no_setting_is_status_2_with_its_place() {
    let project = project("[compat]\nmoode = 'full'\n");
    let run = project.compat(&["spec/asyncapi.yaml"]).with(2);
    assert!(run.err.contains("spec/event-api.toml:2:1: unknown field `moode`"), "{}", run.err);
}

#[test]
fn the_ref_to_compare_with_can_be_a_setting() {
    let project = Project::in_git(&[
        ("event-api.toml", "compat.against = 'main'\n"),
        ("asyncapi.yaml", &document("1.0.0", "integer")),
    ]);
    project.compat(&["asyncapi.yaml"]).with(0);
    project.write("asyncapi.yaml", &document("2.0.0", "string"));
    project.compat(&["asyncapi.yaml"]).with(1);
}

#[test]
fn the_settings_of_the_documentation_are_valid() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let text = std::fs::read_to_string(docs.join("command-line.md")).unwrap();
    let (_, rest) = text.split_once("```toml\n").unwrap();
    let (settings, _) = rest.split_once("```").unwrap();
    let config = event_api_codegen::compat::Config::parse(Path::new("event-api.toml"), settings).unwrap();
    assert!(!config.compat.ignores.is_empty());
}
