//! `generate` as a user runs it: the built program on documents of our own.

// Clippy lets only test functions unwrap; here it is their tools that do.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use event_api_codegen::{Generator, Side};

const DOCUMENT: &str = "\
asyncapi: 3.0.0
info: { title: User service, version: 1.2.0 }
channels:
  userEvents:
    address: users/{userId}/events
    parameters:
      userId: { description: Whose events }
    messages:
      nameChanged:
        name: NameChanged
        summary: A user got another name
        payload:
          type: object
          required: [userId, newName]
          properties:
            userId: { $ref: types.yaml#/UserId }
            oldName: { type: string }
            newName: { type: string, minLength: 1, description: What the user is called now }
      userDeleted:
        name: UserDeleted
        payload:
          type: object
          required: [userId]
          properties:
            userId: { $ref: types.yaml#/UserId }
";

const TYPES: &str = "UserId: { type: string, format: uuid }\n";

const SCHEMA: &str = r#"{ "type": "object", "properties": { "size": { "minimum": 0 } }, "required": ["size"] }"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("asyncapi.yaml"), DOCUMENT).unwrap();
    fs::write(folder.path().join("types.yaml"), TYPES).unwrap();
    fs::write(folder.path().join("size.json"), SCHEMA).unwrap();
    folder
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_event-api");
    Command::new(program).arg("generate").args(args).current_dir(folder).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a run that fails with this status says.
fn failure(output: &Output, status: i32) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{said}");
    assert!(output.stdout.is_empty());
    said
}

#[test]
fn a_document_becomes_a_file() {
    let folder = folder();
    insta::assert_snapshot!("file", stdout(&run(folder.path(), &["asyncapi.yaml"])));
}

#[test]
fn the_library_generates_the_same_with_the_same_options() {
    let folder = folder();
    let args = ["--side", "publisher", "--rename", "NameChanged=Renamed", "--derive", "*=Eq", "asyncapi.yaml"];
    let generator = Generator::new().relative_to(folder.path()).side(Side::Publisher);
    let generator = generator.rename("NameChanged", "Renamed").derive("*", "Eq");
    let expected = generator.document("asyncapi.yaml").unwrap().to_file().unwrap();
    assert_eq!(stdout(&run(folder.path(), &args)), expected);
}

#[test]
fn every_option_reaches_the_generator() {
    let folder = folder();
    let file = |args: &[&str]| stdout(&run(folder.path(), &[args, &["asyncapi.yaml"]].concat()));
    assert!(!file(&["--side", "consumer"]).contains("trait UserEventsPublisher"));
    assert!(!file(&["--unknown-events", "refuse"]).contains("Unknown("));
    assert!(file(&["--replace", "UserId=crate::UserId"]).contains("pub user_id: crate::UserId"));
    assert!(file(&["--attr", "UserDeleted=must_use"]).contains("#[must_use]\npub struct UserDeleted"));
    assert!(file(&["--attr", "#/channels/userEvents=must_use"]).contains("#[must_use]\npub enum UserEvents {"));
}

#[test]
fn a_bare_schema_becomes_its_types() {
    let folder = folder();
    let loose = stdout(&run(folder.path(), &["--schema", "size.json", "--name", "Box"]));
    let exact = stdout(&run(folder.path(), &["--schema", "size.json", "--name", "Box", "--exact"]));
    assert!(loose.contains("pub struct Box"), "{loose}");
    assert_ne!(loose, exact);
}

#[test]
fn a_file_is_written_only_when_it_changes_and_checked_without_being_written() {
    let folder = folder();
    let path = folder.path().join("users.rs");
    let write = ["asyncapi.yaml", "-o", "users.rs"];
    let check = ["asyncapi.yaml", "-o", "users.rs", "--derive", "*=Eq", "--check"];

    let said = failure(&run(folder.path(), &check), 1);
    assert_eq!(
        said,
        "error: `users.rs` does not exist; to generate it, run:\n  \
         cargo event-api generate asyncapi.yaml -o users.rs --derive '*=Eq'\n"
    );
    assert!(!path.exists());

    assert_eq!(stdout(&run(folder.path(), &write)), "");
    let (text, modified) = (fs::read_to_string(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
    assert_eq!(text, stdout(&run(folder.path(), &["asyncapi.yaml"])));
    stdout(&run(folder.path(), &write));
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), modified);

    stdout(&run(folder.path(), &["asyncapi.yaml", "-o", "users.rs", "--check"]));
    fs::write(folder.path().join("types.yaml"), "UserId: { type: integer }\n").unwrap();
    let said = failure(&run(folder.path(), &["asyncapi.yaml", "-o", "users.rs", "--check"]), 1);
    assert!(said.starts_with("error: `users.rs` is stale; to generate it, run:\n"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn errors_are_shown_with_excerpts_and_write_nothing() {
    let folder = folder();
    fs::write(folder.path().join("types.yaml"), "UserIdentity: { type: strnig }\n").unwrap();
    let said = failure(&run(folder.path(), &["asyncapi.yaml", "-o", "users.rs"]), 1);
    assert!(!folder.path().join("users.rs").exists());
    insta::assert_snapshot!("errors", said);
}

#[test]
fn an_option_that_names_nothing_is_an_error() {
    let folder = folder();
    let said = failure(&run(folder.path(), &["asyncapi.yaml", "--rename", "NameChangd=Renamed"]), 1);
    assert!(said.contains("did you mean `NameChanged`?"), "{said}");
}

#[test]
fn what_cannot_be_read_or_written_is_status_2() {
    let folder = folder();
    let said = failure(&run(folder.path(), &["asyncapi.yml"]), 2);
    assert!(said.contains("`asyncapi.yml` cannot be read: does not exist"), "{said}");
    assert!(said.contains("did you mean `asyncapi.yaml`?"), "{said}");
    let said = failure(&run(folder.path(), &["asyncapi.yaml", "-o", "no/such/folder.rs"]), 2);
    assert!(said.starts_with("error: `no/such/folder.rs` cannot be written: "), "{said}");
}

#[test]
fn many_schemas_become_a_module_each_and_failures_stop_none() {
    let folder = folder();
    let lines = r##"{"name": "UserName", "schema": {"type": "string", "minLength": 1}}
{"name": "Broken", "schema": {"$ref": "#/nowhere"}}

{"name": "user-name", "schema": true}
{"name": "Typo", "shema": {}}
{"name": "Pair", "schema": {"$ref": "#/$defs/a", "maxLength": 3, "$defs": {"a": {"type": "string"}}}, "dialect": "2020-12"}
{"name": "Far", "schema": {"$ref": "https://example.com/size.json"}}
"##;
    fs::write(folder.path().join("many.jsonl"), lines).unwrap();
    let args = ["--schemas", "many.jsonl", "--exact", "--map-remote", "https://example.com/=.", "-o", "many.rs"];
    let output = run(folder.path(), &args);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    let said: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lines_and_names: Vec<_> = said.iter().map(|line| (line["line"].as_u64(), line["name"].as_str())).collect();
    assert_eq!(lines_and_names, [(Some(2), Some("Broken")), (Some(4), Some("user-name")), (Some(5), None)]);
    assert_eq!(said[0]["error"], "#/$ref: `#/nowhere` leads nowhere: there is no `nowhere` at the top level");
    assert!(said[1]["error"].as_str().unwrap().contains("another line has the module `user_name`"));
    assert!(said[2]["error"].as_str().unwrap().contains("unknown field `shema`"));
    insta::assert_snapshot!("many", fs::read_to_string(folder.path().join("many.rs")).unwrap());
}

#[test]
fn a_schema_of_many_is_generated_as_alone() {
    let folder = folder();
    let line = format!(r#"{{"name": "Size", "schema": {SCHEMA}}}"#);
    fs::write(folder.path().join("one.jsonl"), line).unwrap();
    let alone = stdout(&run(folder.path(), &["--schema", "size.json", "--name", "Size"]));
    let many = stdout(&run(folder.path(), &["--schemas", "one.jsonl"]));
    let inside = many.lines().skip_while(|line| *line != "pub mod size {").skip(1);
    let inside: Vec<&str> = inside.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let alone: Vec<&str> = alone.lines().skip(2).chain(["}"]).collect();
    assert_eq!(inside, alone);
}

#[test]
fn wrong_usage_is_status_2() {
    let folder = folder();
    for args in [
        &[][..],
        &["--schema", "size.json"],
        &["asyncapi.yaml", "--name", "Root"],
        &["asyncapi.yaml", "--schemas", "many.jsonl"],
        &["--schemas", "many.jsonl", "--name", "Root"],
        &["--schemas", "not-there.jsonl"],
        &["asyncapi.yaml", "--schema", "size.json", "--name", "Root"],
        &["asyncapi.yaml", "--check"],
        &["asyncapi.yaml", "--rename", "NameChanged"],
        &["asyncapi.yaml", "--side", "server"],
    ] {
        failure(&run(folder.path(), args), 2);
    }
}

#[test]
fn other_hosts_are_asked_only_when_they_are_allowed_and_folders_can_stand_for_them() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/size.json", listener.local_addr().unwrap());
    fs::write(folder.path().join("far.json"), format!(r#"{{ "properties": {{ "box": {{ "$ref": "{url}" }} }} }}"#))
        .unwrap();
    let far = ["--schema", "far.json", "--name", "Far"];

    let said = failure(&run(folder.path(), &far), 1);
    assert!(said.contains("references to `127.0.0.1` are not allowed"), "{said}");

    let mapped = format!("{}=.", url.trim_end_matches("size.json"));
    let from_folder = stdout(&run(folder.path(), &[&far[..], &["--map-remote", &mapped]].concat()));

    let server = std::thread::spawn(move || {
        let mut connection = listener.accept().unwrap().0;
        let mut request = [0; 1024];
        let length = connection.read(&mut request).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", SCHEMA.len());
        connection.write_all((head + SCHEMA).as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..length]).lines().next().unwrap_or_default().to_owned()
    });
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl, which fetches from other hosts, is not installed");
        return;
    }
    let fetched = stdout(&run(folder.path(), &[&far[..], &["--allow-host", "127.0.0.1"]].concat()));
    assert_eq!(server.join().unwrap(), "GET /size.json HTTP/1.1");
    let types = |text: &str| text.lines().filter(|line| !line.starts_with("//")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(types(&fetched), types(&from_folder));
}

#[test]
fn a_new_name_that_something_else_has_is_refused() {
    let folder = folder();
    let schema = r#"{ "type": "object", "properties": { "size": { "enum": ["s"] }, "shape": { "enum": ["round"] } } }"#;
    fs::write(folder.path().join("thing.json"), schema).unwrap();
    let clashes = [
        (vec!["asyncapi.yaml", "--rename", "NameChanged=userevents"], "belongs to what is generated for a channel"),
        (
            vec!["asyncapi.yaml", "--rename", "UserEvents=X", "--rename", "NameChanged=XHandler"],
            "`XHandler` belongs to",
        ),
        (vec!["asyncapi.yaml", "--rename", "NameChanged=Some"], "belongs to the generated code itself"),
        (
            vec!["--schema", "thing.json", "--name", "Thing", "--rename", "ThingShape=ThingSize"],
            "the name `ThingSize` belongs to the type of `#/properties/size` in `thing.json`",
        ),
    ];
    for (args, says) in clashes {
        let said = failure(&run(folder.path(), &args), 1);
        assert!(said.contains("error[invalid-option]") && said.contains(says), "{said}");
    }
    let swapped = run(folder.path(), &["asyncapi.yaml", "--rename", "NameChanged=userNAME"]);
    assert!(stdout(&swapped).contains("pub struct userNAME {"), "and one that is free is given as it is");
}

#[test]
fn formats_open_enums_and_unknown_members_are_options_of_the_command() {
    let folder = folder();
    let schema = r#"{ "type": "object", "properties": { "size": { "enum": ["s"] }, "span": { "type": "string", "format": "duration" } } }"#;
    fs::write(folder.path().join("thing.json"), schema).unwrap();
    let options = ["--format-type", "duration=crate::Span", "--open-enum", "*", "--keep-unknown", "Thing"];
    let args: Vec<&str> = options.into_iter().chain(["--schema", "thing.json", "--name", "Thing"]).collect();
    let text = stdout(&run(folder.path(), &args));
    for part in ["pub span: Option<crate::Span>", "Other(String)", "pub additional_properties: "] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let said = failure(&run(folder.path(), &["asyncapi.yaml", "--open-enum", "NoEnum"]), 1);
    assert!(said.contains("the option `open_enum` names `NoEnum`"), "{said}");
}
