//! Old versions from git: all files of the ref, whatever folder, work tree or hook the program runs in.

use std::process::Command;

use crate::catalogue::parse;
use crate::project::{BROKEN, PROGRAM, Project, document, git, run};

const SPLIT: &str = "\
asyncapi: 3.0.0
info: { title: Orders, version: 1.0.0 }
channels:
  orders:
    address: orders
    messages:
      Placed: { payload: { $ref: types/placed.yaml#/Placed } }
operations:
  place: { action: send, channel: { $ref: '#/channels/orders' } }
";
const PLACED: &str = "Placed: { type: object, properties: { total: { $ref: total.yaml } } }\n";

fn split() -> Project {
    Project::in_git(&[
        ("spec/asyncapi.yaml", SPLIT),
        ("spec/types/placed.yaml", PLACED),
        ("spec/types/total.yaml", "type: integer\n"),
    ])
}

#[test]
fn references_are_read_from_the_same_ref() {
    let project = split();
    project.compat(&["--against", "main", "spec/asyncapi.yaml"]).with(0);
    // Only the file at the end of two references has changed.
    project.write("spec/types/total.yaml", "type: string\n");
    let out = project.compat(&["--against", "main", "spec/asyncapi.yaml"]).with(1).out;
    assert!(out.contains("--> spec/types/total.yaml:1:1"), "{out}");
    assert!(out.contains("::: spec/types/total.yaml:1:1 in `main` (1.0.0)"), "{out}");
    assert!(out.contains("1 | type: integer") && out.contains("1 | type: string"), "{out}");
}

#[test]
fn a_file_that_the_work_tree_no_longer_has_is_read_from_the_ref() {
    let project = split();
    project.write("spec/asyncapi.yaml", &SPLIT.replace("types/placed.yaml", "all.yaml").replace("1.0.0", "1.1.0"));
    project.write("spec/all.yaml", "Placed: { type: object, properties: { total: { type: integer } } }\n");
    std::fs::remove_dir_all(project.path().join("spec/types")).unwrap();
    project.compat(&["--against", "HEAD", "spec/asyncapi.yaml"]).with(0);
}

#[test]
fn paths_are_right_in_every_folder_and_in_other_work_trees() {
    let project = split();
    project.git("worktree add --quiet ../other -b other");
    project.write("spec/types/total.yaml", "type: string\n");
    for (folder, path) in [("", "spec/asyncapi.yaml"), ("spec", "asyncapi.yaml"), ("spec/types", "../asyncapi.yaml")] {
        let out = project.compat_in(folder, &["--against", "main", path]).with(1).out;
        assert!(out.contains("type: integer"), "{folder}: {out}");
    }
    let absolute = project.path().join("spec/asyncapi.yaml");
    project.compat(&["--against", "main", absolute.to_str().unwrap()]).with(1);
    // The other work tree has what is committed; the document's repository counts, not that of the current folder.
    let other = project.path().join("../other/spec/asyncapi.yaml");
    project.compat(&["--against", "main", other.to_str().unwrap()]).with(0);
    std::fs::remove_dir_all(project.path().join("../other")).unwrap();
}

#[test]
fn neither_the_work_tree_nor_the_index_is_touched() {
    let project = split();
    project.write("spec/types/total.yaml", "type: string\n");
    project.write("untracked.txt", "mine");
    let state = || (project.git("status --porcelain"), std::fs::read(project.path().join(".git/index")).unwrap());
    let before = state();
    project.compat(&["--against", "main", "spec/asyncapi.yaml"]).with(1);
    assert_eq!(state(), before);
}

#[test]
fn a_document_that_the_ref_does_not_have_is_new() {
    let project = split();
    project.write("spec/users.yaml", &document("1.0.0", "integer"));
    let out = project.compat(&["--against", "main", "spec/users.yaml"]).with(0).out;
    assert!(out.contains("note: `spec/users.yaml` is not in `main`: as a new document, it can break nobody"), "{out}");
    let report = parse(&project.compat(&["--against", "main", "spec/users.yaml", "--format", "json"]).with(0).out);
    assert_eq!(report["comparisons"][0]["baselines"].as_array().unwrap().len(), 0);
}

#[test]
fn before_the_first_commit_everything_is_new() {
    let project = Project::new(&[("asyncapi.yaml", &document("1.0.0", "integer"))]);
    project.git("init --quiet --initial-branch main");
    let out = project.compat(&["--against", "HEAD", "asyncapi.yaml"]).with(0).out;
    assert!(out.contains("nothing has been committed yet"), "{out}");
    project.compat(&["--against", "main", "asyncapi.yaml"]).with(2);
}

#[test]
fn a_renamed_document_is_compared_with_what_it_was() {
    let project = Project::in_git(&[("spec/old name.yaml", &document("1.0.0", "integer"))]);
    assert!(git(project.path()).args(["mv", "spec/old name.yaml", "spec/orders.yaml"]).status().unwrap().success());
    project.write("spec/orders.yaml", &document("1.0.0", "string"));
    let out = project.compat(&["--against", "main", "spec/orders.yaml"]).with(1).out;
    assert!(out.contains("`spec/orders.yaml` was `spec/old name.yaml` in `main`"), "{out}");
}

#[test]
fn a_document_that_was_moved_behind_the_back_of_git_names_what_it_was() {
    let project = split();
    std::fs::rename(project.path().join("spec/asyncapi.yaml"), project.path().join("spec/orders.yaml")).unwrap();
    // Only one of what is gone is a document.
    std::fs::rename(project.path().join("spec/types"), project.path().join("spec/parts")).unwrap();
    project.write("spec/orders.yaml", &SPLIT.replace("{ $ref: types/placed.yaml#/Placed }", "{ type: string }"));
    let out = project.compat(&["--against", "main", "spec/orders.yaml"]).with(0).out;
    assert!(out.contains("note: `spec/orders.yaml` is not in `main`"), "{out}");
    assert!(out.contains("note: `main` has `spec/asyncapi.yaml`, which is not here any more"), "{out}");
    assert!(out.contains("`--against main:spec/asyncapi.yaml`"), "{out}");
    project.compat(&["--against", "main:spec/asyncapi.yaml", "spec/orders.yaml"]).with(1);
    // The other way out.
    project.git("add spec/orders.yaml");
    project.compat(&["--against", "main", "spec/orders.yaml"]).with(1);
}

#[test]
fn another_file_of_the_ref_can_be_named() {
    let project = Project::in_git(&[("spec/v1.yaml", &document("1.0.0", "integer"))]);
    project.write("spec/v2.yaml", &document("2.0.0", "string"));
    project.compat(&["--against", "main:spec/v1.yaml", "spec/v2.yaml"]).with(1);
    project.compat_in("spec", &["--against", "main:./v1.yaml", "v2.yaml"]).with(1);
    let run = project.compat(&["--against", "main:spec/v3.yaml", "spec/v2.yaml"]).with(2);
    assert!(run.err.contains("does not exist in that commit") && run.err.contains("did you mean"), "{}", run.err);
}

#[cfg(unix)]
#[test]
fn symbolic_links_lead_to_what_the_ref_has() {
    let project = Project::new(&[("spec/v1.yaml", &document("1.0.0", "integer"))]);
    std::os::unix::fs::symlink("v1.yaml", project.path().join("spec/current.yaml")).unwrap();
    project.git("init --quiet --initial-branch main");
    project.commit("the first");
    project.write("spec/v1.yaml", &document("1.0.0", "string"));
    project.compat(&["--against", "main", "spec/current.yaml"]).with(1);
    // The folder above is one.
    std::os::unix::fs::symlink("spec", project.path().join("link")).unwrap();
    project.compat(&["--against", "main", "link/v1.yaml"]).with(1);
}

#[test]
fn a_ref_that_is_not_there_is_status_2_with_a_way_out() {
    let project = split();
    project.git("branch release");
    project.git("remote add origin ./nowhere");
    for (reference, help) in [
        ("relase", "did you mean `release`?"),
        ("origin/main", "fetch it first: `git fetch origin main`"),
        ("--help", "name a branch, a tag or a commit"),
    ] {
        let run = project.compat(&[&format!("--against={reference}"), "spec/asyncapi.yaml"]).with(2);
        assert!(
            run.err.contains(&format!("git knows no commit `{reference}`")) && run.err.contains(help),
            "{}",
            run.err
        );
    }
}

#[test]
fn a_shallow_clone_is_told_how_to_be_deep() {
    let origin = split();
    let url = format!("file://{}", origin.path().display());
    let project = Project::new(&[]);
    project.git(&format!("clone --quiet --depth 1 {url} clone"));
    let run = project.compat_in("clone", &["--against", "HEAD~1", "spec/asyncapi.yaml"]).with(2);
    assert!(run.err.contains("fetch-depth: 0"), "{}", run.err);
}

#[test]
fn without_a_repository_two_files_are_suggested() {
    let project = Project::new(&[("asyncapi.yaml", &document("1.0.0", "integer"))]);
    let run = project.compat(&["--against", "main", "asyncapi.yaml"]).with(2);
    assert!(run.err.contains("is in no work tree of git") && run.err.contains("`compat OLD NEW`"), "{}", run.err);
}

#[test]
fn what_git_tells_hooks_does_not_lead_astray() {
    let project = split();
    project.write("spec/types/total.yaml", "type: string\n");
    let mut command = Command::new(PROGRAM);
    command.args(["compat", "--against", "main", "asyncapi.yaml"]).current_dir(project.path().join("spec"));
    command.env("GIT_DIR", ".git").env("GIT_INDEX_FILE", ".git/index").env("GIT_PREFIX", "");
    run(&mut command).with(1);
}

#[test]
fn versions_that_have_errors_are_named_with_their_ref() {
    let project = Project::in_git(&[("asyncapi.yaml", BROKEN)]);
    project.write("asyncapi.yaml", &document("1.0.0", "integer"));
    let run = project.compat(&["--against", "main", "asyncapi.yaml"]).with(2);
    assert!(run.err.contains("`asyncapi.yaml` in `main` has errors"), "{}", run.err);
}
