//! Editing a document changes the generated code on the next `cargo build`: for the attribute and for a build script,
//! also when only a file that the document refers to has changed.

// Clippy lets only test functions unwrap; here it is their tools that do.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The events of both programs' channel, as their generated code knows them.
const PRINT: &str = "
fn main() {
    let payload = <user_service::Name as std::str::FromStr>::from_str;
    println!(\"{:?} {}\", user_service::UserEvents::CHANNEL.event_types, payload(\"Adam\").is_ok());
}
";

const DOCUMENT: &str = "\
asyncapi: 3.0.0
info: { title: User service, version: 1.0.0 }
channels:
  userEvents:
    address: users
    messages:
      created: { name: UserCreated, payload: { $ref: types.yaml#/Name } }
";

const TYPES: &str = "Name: { type: string, maxLength: 3 }\n";

/// Two programs, because a build script that runs again would also expand the attribute again.
struct Project {
    folder: PathBuf,
    target: PathBuf,
}

impl Project {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
        // At the same place every time, so that dependencies are compiled once.
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rebuild");
        let project = Project { folder: place.join("project"), target: place.join("target") };
        if project.folder.exists() {
            fs::remove_dir_all(&project.folder).unwrap();
        }
        let dependency = |name: &str, rest: &str| {
            let path = root.join(name);
            format!("{{ path = {path:?}{rest} }}")
        };
        let runtime =
            |features: &str| dependency("runtime", &format!(", default-features = false, features = [{features}]"));
        project.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"attribute\", \"script\"]\n\n[profile.dev]\ndebug = false\n",
        );
        // Nothing is resolved anew, and nothing is downloaded that this workspace does not have.
        fs::copy(root.join("Cargo.lock"), project.folder.join("Cargo.lock")).unwrap();
        let package = |name: &str, dependencies: String| {
            format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n{dependencies}\n")
        };
        let macros = format!("[dependencies]\nevent-api = {}", runtime("\"macros\""));
        project.write("attribute/Cargo.toml", &package("attribute", macros));
        project.write(
            "attribute/src/main.rs",
            &format!("#[event_api::event_api(\"../spec/asyncapi.yaml\")]\nmod user_service {{}}\n{PRINT}"),
        );
        let helper = format!(
            "[dependencies]\nevent-api = {}\n\n[build-dependencies]\nevent-api-codegen = {}",
            runtime(""),
            dependency("codegen", "")
        );
        project.write("script/Cargo.toml", &package("script", helper));
        project.write(
            "script/build.rs",
            "fn main() -> Result<(), event_api_codegen::BuildError> {\n    \
             event_api_codegen::configure().compile_as(\"user_service\", \"../spec/asyncapi.yaml\")\n}\n",
        );
        project.write(
            "script/src/main.rs",
            &format!("mod user_service {{\n    event_api::include_api!(\"user_service\");\n}}\n{PRINT}"),
        );
        project.write("spec/asyncapi.yaml", DOCUMENT);
        project.write("spec/types.yaml", TYPES);
        project
    }

    /// Lets both programs compare the document with released versions.
    fn compare_with(&self, baseline: &str) {
        for (path, before, after) in [
            ("attribute/src/main.rs", "asyncapi.yaml\"", format!("asyncapi.yaml\", baseline = {baseline:?}")),
            ("script/build.rs", "configure()", format!("configure().baseline({baseline:?})")),
        ] {
            let text = fs::read_to_string(self.folder.join(path)).unwrap();
            self.write(path, &text.replacen(before, &after, 1));
        }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn cargo(&self, args: &[&str]) -> Output {
        Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(args)
            .args(["--offline", "--color", "never"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .env_remove("RUSTFLAGS")
            .output()
            .unwrap()
    }

    /// What both programs print after a build.
    fn output(&self) -> [String; 2] {
        let build = self.cargo(&["build"]);
        assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
        ["attribute", "script"].map(|name| {
            let program = self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            String::from_utf8(Command::new(program).output().unwrap().stdout).unwrap()
        })
    }

    /// What the compiler says about each program.
    fn errors(&self) -> [String; 2] {
        ["attribute", "script"].map(|name| {
            let build = self.cargo(&["build", "--package", name]);
            assert!(!build.status.success(), "{name} builds");
            String::from_utf8(build.stderr).unwrap()
        })
    }
}

#[test]
fn an_edit_of_any_file_changes_the_code_of_the_next_build() {
    let project = Project::new();
    let before = "[\"UserCreated\"] false\n";
    assert_eq!(project.output(), [before, before]);

    let edited = format!("{DOCUMENT}      deleted: {{ name: UserDeleted }}\n");
    project.write("spec/asyncapi.yaml", &edited);
    let with_event = "[\"UserCreated\", \"UserDeleted\"] false\n";
    assert_eq!(project.output(), [with_event, with_event], "after an edit of the document");

    project.write("spec/types.yaml", &TYPES.replace('3', "4"));
    let with_type = "[\"UserCreated\", \"UserDeleted\"] true\n";
    assert_eq!(project.output(), [with_type, with_type], "after an edit of the other file only");

    let fresh = project.cargo(&["build"]);
    let said = String::from_utf8_lossy(&fresh.stderr);
    assert!(!said.contains("Compiling"), "nothing was edited, and yet: {said}");

    project.write("spec/types.yaml", "Name: { $ref: '#/Nothing' }\n");
    for said in project.errors() {
        let expected = "../spec/types.yaml:1:15: error[unresolved-reference]";
        assert!(said.contains(expected), "{said}");
    }

    project.write("spec/types.yaml", TYPES);
    assert_eq!(project.output(), [with_event, with_event], "after the error was mended");

    // The file of a released version, and one that it refers to, decide as well.
    project.write("spec/released/1.0.0.yaml", DOCUMENT);
    project.write("spec/released/types.yaml", TYPES);
    project.write("spec/asyncapi.yaml", &edited.replace("1.0.0", "1.1.0"));
    project.compare_with("../spec/released");
    assert_eq!(project.output(), [with_event, with_event], "compatible with what is released");
    project.write("spec/released/types.yaml", "Name: { type: integer }\n");
    for said in project.errors() {
        assert!(said.contains("breaking[schema-type-changed]"), "{said}");
        assert!(said.contains("../spec/released/types.yaml:1:7"), "{said}");
    }
}
