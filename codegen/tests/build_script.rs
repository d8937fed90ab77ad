//! The helper for build scripts, as it behaves where no cargo listens; `tests/tests/rebuild.rs` has it under cargo.

// Clippy lets only test functions unwrap; here it is their tools that do.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use event_api_codegen::compat::{Compat, CompatError};
use event_api_codegen::{BuildError, GenerateError, configure};

const DOCUMENT: &str = "\
asyncapi: 3.0.0
info: { title: Users, version: 1.0.0 }
channels:
  users:
    messages:
      created: { payload: { type: string } }
";

/// A folder with a document in it, and the document's path.
fn folder(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.yaml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn the_file_is_named_as_the_document_or_as_said() {
    let (folder, document) = folder(DOCUMENT);
    let out = folder.path().join("out");
    configure().out_dir(&out).compile(&document).unwrap();
    configure().out_dir(&out).compile_as("user_service", &document).unwrap();
    assert_eq!(fs::read(out.join("users.rs")).unwrap(), fs::read(out.join("user_service.rs")).unwrap());
}

#[test]
fn a_file_that_is_up_to_date_is_not_touched() {
    let (folder, document) = folder(DOCUMENT);
    let generate = || configure().out_dir(folder.path()).compile(&document).unwrap();
    generate();
    let file = fs::File::options().write(true).open(folder.path().join("users.rs")).unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    file.set_modified(long_ago).unwrap();
    generate();
    assert_eq!(file.metadata().unwrap().modified().unwrap(), long_ago);

    fs::write(&document, DOCUMENT.replace("created", "made")).unwrap();
    generate();
    assert_ne!(file.metadata().unwrap().modified().unwrap(), long_ago);
}

#[test]
fn what_main_prints_is_the_report() {
    let (folder, document) = folder(&DOCUMENT.replace("type: string", "$ref: '#/components/schemas/Name'"));
    let error = configure().out_dir(folder.path()).compile(&document).unwrap_err();
    let report = format!("{error:?}").replace(&*folder.path().to_string_lossy(), "spec");
    assert_eq!(
        report,
        "no code can be generated from `spec/users.yaml`: 1 error\n\n\
         spec/users.yaml:6:35: error[unresolved-reference]: `#/components/schemas/Name` leads nowhere: there is no \
         `components` at the top level\n\
         6 |       created: { payload: { $ref: '#/components/schemas/Name' } }\n  \
         |                                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^\n\
         help: what there is: `asyncapi`, `info`, `channels`"
    );
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    let (folder, document) = folder(DOCUMENT);
    for name in ["../users", "", "a/b", ".."] {
        let error = configure().out_dir(folder.path()).compile_as(name, &document).unwrap_err();
        assert!(matches!(error, BuildError::Name(_)), "{name}: {error}");
    }
}

#[test]
fn without_a_folder_the_error_says_what_to_do() {
    let (_folder, document) = folder(DOCUMENT);
    // Cargo sets OUT_DIR only for crates that have a build script, which this one has not.
    let error = configure().compile(&document).unwrap_err();
    assert!(matches!(error, BuildError::NoOutDir), "{error}");
}

#[test]
fn versions_are_generated_together() {
    let (folder, first) = folder(DOCUMENT);
    let second = folder.path().join("v2.yaml");
    fs::write(&second, DOCUMENT.replace("1.0.0", "2.0.0")).unwrap();
    configure().out_dir(folder.path()).compile_versions("users", &[&first, &second]).unwrap();
    let text = fs::read_to_string(folder.path().join("users.rs")).unwrap();
    for part in ["pub mod users {", "pub mod v2 {", "pub use v2::*;", "pub use generated::*;"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let error = configure().out_dir(folder.path()).compile_versions("users", &[&second, &first]).unwrap_err();
    assert!(format!("{error:?}").contains("error[versions-out-of-order]"), "{error:?}");
}

/// A folder with two released versions of a document, and that document with another type.
fn released() -> tempfile::TempDir {
    let (folder, _) = folder(&DOCUMENT.replace("1.0.0", "2.0.0").replace("type: string", "type: integer"));
    let released = folder.path().join("released");
    fs::create_dir(&released).unwrap();
    fs::write(released.join("1.0.0.yaml"), DOCUMENT).unwrap();
    fs::write(released.join("1.1.0.yaml"), DOCUMENT.replace("1.0.0", "1.1.0")).unwrap();
    folder
}

#[test]
fn what_breaks_consumers_of_a_released_version_is_not_generated() {
    let folder = released();
    let configured = || configure().out_dir(folder.path()).baseline(folder.path().join("released"));
    let compile = |mode| configured().compat(mode).compile(folder.path().join("users.yaml"));
    let error = compile(Compat::FullTransitive).unwrap_err();
    let report = format!("{error:?}").replace(&*folder.path().to_string_lossy(), "spec");
    assert!(report.starts_with("`spec/users.yaml` is not compatible with its released versions\n\n"), "{report}");
    for part in ["breaking[schema-type-changed]", "spec/released/1.1.0.yaml:6:27", "the new version may send: 0"] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    assert!(!report.contains('\u{1b}'), "{report}");
    assert!(!folder.path().join("users.rs").exists());

    let ignore = "[[compat.ignore]]\nrule = 'schema-type-changed'\npointer = '/channels/**'\nreason = 'agreed'\n";
    fs::write(folder.path().join("event-api.toml"), ignore).unwrap();
    compile(Compat::FullTransitive).unwrap();
    assert!(folder.path().join("users.rs").exists());
}

#[test]
fn without_a_mode_the_settings_file_says_what_must_hold() {
    let folder = released();
    // Whatever the old versions wrote is valid for the new one, and not the other way round.
    fs::write(
        folder.path().join("users.yaml"),
        DOCUMENT.replace("1.0.0", "2.0.0").replace("type: string", "type: [string, integer]"),
    )
    .unwrap();
    let configured = || configure().out_dir(folder.path()).baseline(folder.path().join("released"));
    configured().compile(folder.path().join("users.yaml")).unwrap_err();
    fs::write(folder.path().join("event-api.toml"), "compat.mode = 'backward'").unwrap();
    configured().compile(folder.path().join("users.yaml")).unwrap();
    configured().compat(Compat::Full).compile(folder.path().join("users.yaml")).unwrap_err();
    fs::write(folder.path().join("event-api.toml"), "compat.moode = 'backward'").unwrap();
    let error = configured().compile(folder.path().join("users.yaml")).unwrap_err();
    assert!(error.to_string().contains("event-api.toml:1:8: unknown field `moode`"), "{error}");
}

#[test]
fn settings_of_a_comparison_that_make_no_sense_together_are_refused() {
    let folder = released();
    let document = folder.path().join("users.yaml");
    let alone = configure().out_dir(folder.path()).compat(Compat::Full).compile(&document).unwrap_err();
    assert!(alone.to_string().contains("but there is no `baseline` to compare with"), "{alone}");
    let file = folder.path().join("released/1.0.0.yaml");
    let one = configure().out_dir(folder.path()).baseline(file).compat(Compat::FullTransitive).compile(&document);
    let Err(BuildError::Generate(GenerateError::Compat(error))) = one else { panic!("{one:?}") };
    assert!(matches!(*error, CompatError::SingleVersion { .. }), "{error}");
}
