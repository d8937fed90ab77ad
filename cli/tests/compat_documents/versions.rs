//! Two files, and folders of released versions: exit status and what is said.

use std::path::Path;

use crate::catalogue::parse;
use crate::project::{BROKEN, Project, document};

fn pair(old: &str, new: &str) -> Project {
    Project::new(&[("old.yaml", old), ("new.yaml", new)])
}

#[test]
fn the_status_tells_compatible_from_incompatible_from_could_not_compare() {
    let project = pair(&document("1.0.0", "integer"), &document("2.0.0", "string"));
    project.write("same.yaml", &document("1.0.0", "integer"));
    project.write("broken.yaml", BROKEN);
    for format in ["human", "json", "github", "gitlab", "sarif", "junit", "markdown"] {
        let compat = |old: &str, new: &str| project.compat(&[old, new, "--format", format]);
        compat("old.yaml", "same.yaml").with(0);
        compat("old.yaml", "new.yaml").with(1);
        for (old, new) in [("broken.yaml", "new.yaml"), ("old.yaml", "broken.yaml"), ("gone.yaml", "new.yaml")] {
            let run = compat(old, new).with(2);
            assert!(run.err.contains("error"), "{format}: {run:?}");
        }
    }
    let run = project.compat(&["old.yaml", "broken.yaml"]);
    assert!(run.err.contains("broken.yaml:3") && run.err.contains("`broken.yaml` has errors"), "{}", run.err);
}

#[test]
fn formats_for_programs_say_what_could_not_be_compared() {
    let project = pair(BROKEN, &document("1.0.0", "string"));
    let of = |format: &str| project.compat(&["old.yaml", "new.yaml", "--format", format]).with(2).out;
    let report = parse(&of("json"));
    assert_eq!(report["errors"][0]["document"], "new.yaml");
    assert!(report["errors"][0]["diagnostics"][0].as_str().unwrap().starts_with("old.yaml:3:"), "{report}");
    let log = parse(&of("sarif"));
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
    assert_eq!(parse(&of("gitlab"))[0]["severity"], "blocker");
    assert!(of("junit").contains("<error type=\"not-compared\""));
    assert!(of("github").starts_with("::error file=new.yaml,title=not compared::"));
}

#[test]
fn a_report_shows_both_versions_the_event_and_what_to_do() {
    let project = pair(&document("1.0.0", "integer"), &document("1.1.0", "string"));
    let out = project.compat(&["old.yaml", "new.yaml"]).with(1).out;
    for part in [
        "breaking[schema-type-changed]",
        "new.yaml:12:20",
        "old.yaml:12:20",
        "the new version may send: {\"total\":",
        "the old one refuses it: `/total`",
        "a major step is needed, but 1.0.0 to 1.1.0 is a minor one",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    assert!(!out.contains('\u{1b}'), "colours in a pipe: {out}");
}

#[test]
fn the_mode_says_which_direction_must_hold() {
    // What the old version wrote is valid for the new one, and not the other way round.
    let project = pair(&document("1.0.0", "integer"), &document("2.0.0", "number"));
    for (mode, status) in [("full", 1), ("forward", 1), ("backward", 0)] {
        project.compat(&["old.yaml", "new.yaml", "--mode", mode]).with(status);
    }
    let run = project.compat(&["old.yaml", "new.yaml", "--mode", "sideways"]).with(2);
    assert!(run.err.contains("full-transitive"), "{}", run.err);
}

#[test]
fn strictly_no_optional_property_can_be_added() {
    let more = document("1.1.0", "integer")
        .replace("total: { type: integer }", "total: { type: integer }\n            note: { type: string }");
    let project = pair(&document("1.0.0", "integer"), &more);
    project.compat(&["old.yaml", "new.yaml"]).with(0);
    let run = project.compat(&["old.yaml", "new.yaml", "--strict"]).with(1);
    assert!(run.out.contains("schemas as they are written"), "{}", run.out);
}

#[test]
fn what_is_undecided_fails_unless_it_is_allowed() {
    let pair_of_rule = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/tests/compat/schema-undecided");
    let read = |name: &str| std::fs::read_to_string(pair_of_rule.join(name)).unwrap();
    let project = pair(&read("old.yaml"), &read("new.yaml"));
    let run = project.compat(&["old.yaml", "new.yaml"]).with(1);
    assert!(run.out.contains("undecided: 1 undecided"), "{}", run.out);
    let run = project.compat(&["old.yaml", "new.yaml", "--allow-undecided"]).with(0);
    assert!(run.out.contains("what could not be decided is allowed"), "{}", run.out);
}

#[test]
fn released_versions_are_compared_in_their_order() {
    let with =
        |version: &str, more: &str| document(version, "integer").replace("total: {", &format!("{more}total: {{"));
    let number = "note: { type: integer }\n            ";
    let text = "note: { type: string }\n            ";
    let project = Project::new(&[
        ("released/1.10.0.yaml", &with("1.10.0", "")),
        ("released/1.9.0.yaml", &with("1.9.0", number)),
        ("asyncapi.yaml", &with("1.11.0", text)),
    ]);
    // The name was removed in 1.10.0: only a comparison with all versions sees that it comes back as something else.
    project.compat(&["--history", "released", "asyncapi.yaml"]).with(0);
    let run = project.compat(&["--history", "released", "asyncapi.yaml", "--mode", "full-transitive"]).with(1);
    assert!(run.out.contains("`released/1.9.0.yaml` (1.9.0), `released/1.10.0.yaml` (1.10.0)"), "{}", run.out);
    assert!(run.out.contains("note: { type: integer }"), "{}", run.out);
    let run = project.compat(&["--history", "gone", "asyncapi.yaml"]).with(2);
    assert!(run.err.contains("`gone`, where released versions should be, is no folder"), "{}", run.err);
}

#[test]
fn several_documents_are_several_comparisons() {
    let project = Project::new(&[
        ("released/1.0.0.yaml", &document("1.0.0", "integer")),
        ("a.yaml", &document("1.0.0", "integer")),
        ("b.yaml", &document("1.0.0", "string")),
    ]);
    let run = project.compat(&["--history", "released", "a.yaml", "b.yaml", "--format", "json"]).with(1);
    let report = parse(&run.out);
    assert_eq!(report["comparisons"][0]["verdict"], "compatible");
    assert_eq!(report["comparisons"][1]["verdict"], "incompatible");
}

#[test]
fn nothing_to_compare_with_is_a_question_back() {
    let project = Project::new(&[("asyncapi.yaml", &document("1.0.0", "integer"))]);
    let run = project.compat(&["asyncapi.yaml"]).with(2);
    assert!(run.err.contains("`--against origin/main`"), "{}", run.err);
    project.compat(&[]).with(2);
}
