//! What `docs/ci.md` tells to put into CI and into hooks, run as it stands there, in a repository with a change that is
//! compatible and with one that is not.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project::{PROGRAM, Project, Run, document, git, run};

/// The code blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let begin = format!("```{language}\n");
    let blocks = text.split(begin.as_str()).skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// The one that has a text in it.
fn block(language: &str, part: &str) -> String {
    blocks(language).into_iter().find(|block| block.contains(part)).unwrap()
}

/// The commands of a workflow that a shell can run here; what is installed is here already.
fn commands(list: &serde_yaml::Value, member: Option<&str>) -> Vec<String> {
    let command = |step: &serde_yaml::Value| match member {
        Some(member) => step[member].as_str().map(str::to_owned),
        None => step.as_str().map(str::to_owned),
    };
    let commands: Vec<String> = list.as_sequence().unwrap().iter().filter_map(command).collect();
    assert!(commands.iter().any(|command| command == "cargo install cargo-event-api --locked"));
    commands.into_iter().filter(|command| !command.starts_with("cargo install")).collect()
}

/// A clone, with a change of the `total` on a branch, of a repository with a document.
fn clone(total: &str) -> Project {
    let project = Project::in_git(&[("origin.yaml", "")]);
    project.git("init --quiet --initial-branch main origin");
    project.write("origin/spec/asyncapi.yaml", &document("1.0.0", "integer"));
    for args in ["-C origin add --all", "-C origin commit --quiet -m first", "clone --quiet origin clone"] {
        project.git(args);
    }
    project.git("-C clone switch --quiet -c change");
    project.write("clone/spec/asyncapi.yaml", &document("1.0.1", total));
    project
}

/// Runs a line in the clone, with the program on the path, as a runner's shell does.
fn shell(project: &Project, line: &str, variables: &[(&str, &str)]) -> Run {
    let mut command = Command::new("bash");
    command.args(["-e", "-o", "pipefail", "-c", line]).current_dir(project.path().join("clone"));
    command.env("PATH", path()).envs(variables.iter().copied());
    run(&mut command)
}

/// The program first.
fn path() -> std::ffi::OsString {
    let folder = Path::new(PROGRAM).parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&others))).unwrap()
}

#[test]
fn the_github_workflow_annotates_and_fails() {
    let workflow: serde_yaml::Value = serde_yaml::from_str(&block("yaml", "GITHUB_BASE_REF")).unwrap();
    let commands = commands(&workflow["jobs"]["compat"]["steps"], Some("run"));
    assert_eq!(commands.len(), 2);
    for (total, status) in [("integer", 0), ("string", 1)] {
        let project = clone(total);
        let summary = project.path().join("summary.md");
        let variables = [("GITHUB_BASE_REF", "main"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())];
        let run = shell(&project, &commands[0], &variables).with(status);
        assert_eq!(run.out.contains("::error file=spec/asyncapi.yaml,line="), status == 1, "{}", run.out);
        shell(&project, &commands[1], &variables).with(0);
        let summary = std::fs::read_to_string(summary).unwrap();
        assert!(summary.starts_with("### `spec/asyncapi.yaml`:"), "{summary}");
    }
}

#[test]
fn the_gitlab_job_writes_its_reports_and_fails() {
    let pipeline: serde_yaml::Value = serde_yaml::from_str(&block("yaml", "GIT_DEPTH")).unwrap();
    let commands = commands(&pipeline["contract"]["script"], None);
    for (total, status) in [("integer", 0), ("string", 1)] {
        let project = clone(total);
        let base = project.git("-C clone rev-parse origin/main");
        let variables = [("CI_MERGE_REQUEST_DIFF_BASE_SHA", base.trim())];
        let (last, others) = commands.split_last().unwrap();
        others.iter().for_each(|line| drop(shell(&project, line, &variables).with(0)));
        shell(&project, last, &variables).with(status);
        let artifacts = &pipeline["contract"]["artifacts"]["reports"];
        for kind in ["codequality", "junit"] {
            let report = project.path().join("clone").join(artifacts[kind].as_str().unwrap());
            let report = std::fs::read_to_string(report).unwrap();
            assert_eq!(report.contains("schema-type-changed"), status == 1, "{report}");
        }
    }
}

/// A clone whose document refers to a file, which alone changes on the branch.
fn clone_in_parts(total: &str) -> Project {
    let project = Project::in_git(&[("origin.yaml", "")]);
    project.git("init --quiet --initial-branch main origin");
    let whole = document("1.0.0", "integer").replace("{ type: integer }", "{ $ref: types/total.yaml }");
    project.write("origin/spec/asyncapi.yaml", &whole);
    project.write("origin/spec/types/total.yaml", "type: integer\n");
    for args in ["-C origin add --all", "-C origin commit --quiet -m first", "clone --quiet origin clone"] {
        project.git(args);
    }
    project.write("clone/spec/types/total.yaml", &format!("type: {total}\ndescription: the sum\n"));
    project
}

/// Commits the change in a clone that has a hook, and says whether git accepted it.
fn commits(project: &Project) -> Run {
    project.git("-C clone add --all");
    run(git(&project.path().join("clone")).args(["commit", "--quiet", "-m", "change"]).env("PATH", path()))
}

#[cfg(unix)]
#[test]
fn the_hook_refuses_a_commit_that_breaks_somebody() {
    use std::os::unix::fs::PermissionsExt;

    let all =
        [(clone("integer"), 0), (clone("string"), 1), (clone_in_parts("integer"), 0), (clone_in_parts("string"), 1)];
    for (project, status) in all {
        let hook = project.path().join("clone/.git/hooks/pre-commit");
        project.write("clone/.git/hooks/pre-commit", &blocks("sh")[0]);
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
        let run = commits(&project);
        assert_eq!(run.status == 0, status == 0, "{run:?}");
        // Git hands what hooks print to standard error.
        assert_eq!(run.err.contains("breaking[schema-type-changed]"), status == 1, "{run:?}");
    }
}

#[test]
fn the_pre_commit_framework_runs_the_same() {
    let Some(environment) = crate::validators::python(&["pre-commit==4.6.0"]) else { return };
    let program: PathBuf = environment.join("bin/pre-commit");
    let all =
        [(clone("integer"), 0), (clone("string"), 1), (clone_in_parts("integer"), 0), (clone_in_parts("string"), 1)];
    for (project, status) in all {
        project.write("clone/.pre-commit-config.yaml", &block("yaml", "language: system"));
        project.git("-C clone add --all");
        let mut command = Command::new(&program);
        command.args(["run", "--all-files"]).current_dir(project.path().join("clone")).env("PATH", path());
        command.env("PRE_COMMIT_HOME", project.path().join("home"));
        let run = run(&mut command).with(status);
        assert_eq!(run.out.contains("breaking[schema-type-changed]"), status == 1, "{}", run.out);
    }
}
