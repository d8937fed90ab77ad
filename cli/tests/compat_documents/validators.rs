//! Reports before validators that others publish: SARIF before Microsoft's, JUnit before the XML schema that pytest is
//! tested with.
//!
//! They come from npm and PyPI, once, into the target folder. Where that is not possible, the tests are skipped with a
//! line that says so; in CI that is a failure.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};

use event_api_spec::compat::ALL_RULES;

use crate::catalogue::report;
use crate::project::{BROKEN, Project, document};

static INSTALLING: Mutex<()> = Mutex::new(());

fn installing() -> MutexGuard<'static, ()> {
    INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Runs what installs something, unless it is there.
fn install(place: PathBuf, commands: &mut [Command]) -> Option<PathBuf> {
    let done = place.join("installed");
    if done.is_file() {
        return Some(place);
    }
    for command in commands {
        let name = format!("{command:?}");
        let fault = match command.output() {
            Ok(output) if output.status.success() => continue,
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        assert!(std::env::var_os("CI").is_none(), "{name} fails, and in CI that is a failure: {fault}");
        eprintln!("skipped: {name} fails: {fault}");
        return None;
    }
    std::fs::write(done, "").unwrap();
    Some(place)
}

fn place(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&place).unwrap();
    place
}

/// An environment of Python with these packages.
pub(crate) fn python(packages: &[&str]) -> Option<PathBuf> {
    let _guard = installing();
    let place = place(&format!("python-{}", packages.join("-").replace("==", "-")));
    let mut environment = Command::new("python3");
    environment.args(["-m", "venv"]).arg(&place);
    let mut install_packages = Command::new(place.join("bin/pip"));
    install_packages.args(["install", "--quiet", "--disable-pip-version-check"]).args(packages);
    install(place, &mut [environment, install_packages])
}

#[test]
fn sarif_is_what_its_authors_validate() {
    let guard = installing();
    let place = place("sarif");
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--no-save", "@microsoft/sarif-multitool-linux@5.7.0"]);
    npm.current_dir(&place);
    std::fs::write(place.join("package.json"), "{\"private\": true}").unwrap();
    let Some(place) = install(place, &mut [npm]) else { return };
    drop(guard);

    let folder = tempfile::tempdir().unwrap();
    for rule in ALL_RULES {
        std::fs::write(folder.path().join(format!("{}.sarif", rule.id)), report(rule.id, "sarif")).unwrap();
    }
    let broken = Project::new(&[("old.yaml", BROKEN), ("new.yaml", &document("1.0.0", "integer"))]);
    let fault = broken.compat(&["old.yaml", "new.yaml", "--format", "sarif"]).with(2).out;
    std::fs::write(folder.path().join("fault.sarif"), fault).unwrap();
    // So that the validator is known to look.
    std::fs::write(folder.path().join("wrong.sarif"), "{\"version\": \"2.1.0\", \"runs\": [{}]}").unwrap();
    let output = Command::new(place.join("node_modules/.bin/sarif-multitool-linux"))
        .args(["validate", "--log", "ForceOverwrite", "--output", "found.log"])
        .arg(format!("{}/*.sarif", folder.path().display()))
        .current_dir(folder.path())
        .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = |line: &&str| line.contains(": error ") || line.contains(": warning ");
    let (wrong, ours): (Vec<&str>, Vec<&str>) =
        said.lines().filter(found).partition(|line| line.contains("wrong.sarif"));
    assert!(!wrong.is_empty(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(ours.is_empty(), "{ours:#?}");
}

/// Validates every file that is named behind the schema.
const VALIDATE: &str = "
import sys, xmlschema
schema = xmlschema.XMLSchema(sys.argv[1])
for path in sys.argv[2:]:
    schema.validate(path)
";

#[test]
fn junit_is_valid_for_the_schema_of_others() {
    let Some(environment) = python(&["xmlschema==4.3.1"]) else { return };
    let place = place("pytest");
    // Its source has the schema; its wheel has not.
    let mut download = Command::new(environment.join("bin/pip"));
    // pip asks the source for its metadata, and gets what builds it as wheels.
    download.args(["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", "pytest"]);
    download.arg("pytest==8.4.2").current_dir(&place);
    let mut unpack = Command::new("tar");
    unpack.args(["xzf", "pytest-8.4.2.tar.gz", "--strip-components", "1"]).current_dir(&place);
    let guard = installing();
    let Some(place) = install(place, &mut [download, unpack]) else { return };
    drop(guard);

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut files: Vec<PathBuf> =
        ALL_RULES.iter().map(|rule| write(&format!("{}.xml", rule.id), &report(rule.id, "junit"))).collect();
    let broken = Project::new(&[("old.yaml", BROKEN), ("new.yaml", &document("1.0.0", "integer"))]);
    let fault = broken.compat(&["old.yaml", "new.yaml", "--format", "junit"]).with(2).out;
    files.push(write("fault.xml", &fault));
    let validate = |files: &[PathBuf]| {
        let mut command = Command::new(environment.join("bin/python"));
        command.args(["-c", VALIDATE]).arg(place.join("testing/example_scripts/junit-10.xsd")).args(files);
        command.output().unwrap()
    };
    let output = validate(&files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let wrong = write("wrong.xml", "<testsuites><testsuite><case/></testsuite></testsuites>");
    assert!(!validate(&[wrong]).status.success());
}
