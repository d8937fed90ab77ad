//! The generated text of a few small documents, as snapshots: a change of the generator is seen in review. The same
//! documents are compiled and put to the test by the suites of `event-api-tests`, so a snapshot here is code that works.

// Clippy knows only functions marked as tests; what they call may unwrap (and print) as well.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

// Tests may unwrap; the lint knows test functions, and not the helpers beside them.

use std::path::Path;

use event_api_codegen::Generator;

fn generated(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/documents/{name}.yaml"));
    let text = Generator::new().document(path).unwrap().to_file().unwrap();
    // The first line names the document by its path, which is another on every machine.
    text.split_once("\n\n").map_or_else(|| text.clone(), |(_header, items)| items.to_owned())
}

#[test]
fn events_of_every_shape() {
    insta::assert_snapshot!(generated("events"));
}

#[test]
fn unions() {
    insta::assert_snapshot!(generated("unions"));
}

#[test]
fn objects() {
    insta::assert_snapshot!(generated("objects"));
}

#[test]
fn enums() {
    insta::assert_snapshot!(generated("enums"));
}

#[test]
fn avro() {
    insta::assert_snapshot!(generated("avro"));
}

#[test]
fn versions_side_by_side() {
    let paths = ["v2", "v3"].map(|name| Path::new("../tests/versions").join(format!("{name}.yaml")));
    let generator = Generator::new().relative_to(env!("CARGO_MANIFEST_DIR"));
    insta::assert_snapshot!(generator.versions(&paths).unwrap().to_file().unwrap());
}
