//! What the suites that compile many schemas rely on: one bad schema takes no other with it.

use std::path::Path;

use event_api_tests::batch::{Answer, Batch, Reading};

/// A type of its own, with a way to behave for each text.
const STRANGE: &str = r##"
pub struct Root(String);
impl<'de> ::event_api::codegen::serde::Deserialize<'de> for Root {
    fn deserialize<D: ::event_api::codegen::serde::Deserializer<'de>>(data: D) -> Result<Self, D::Error> {
        let text = String::deserialize(data)?;
        match text.as_str() {
            "panic" => panic!("as it was told"),
            "exit" => ::std::process::exit(1),
            _ => Ok(Root(text)),
        }
    }
}
impl ::event_api::codegen::serde::Serialize for Root {
    fn serialize<S: ::event_api::codegen::serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0.as_str() {
            "unwritable" => Err(::event_api::codegen::serde::ser::Error::custom("as it was told")),
            "unreadable" => out.serialize_u8(1),
            text => out.serialize_str(text),
        }
    }
}
"##;

#[test]
fn a_schema_that_fails_takes_no_other_with_it() {
    let mut batch = Batch::new(Path::new(env!("CARGO_TARGET_TMPDIR")), "batch-of-failures");
    let good = batch.add(r#"{ "type": "integer", "minimum": 3 }"#, Reading::Exact).unwrap();
    let no_schema = batch.add(r##"{ "$ref": "#/nowhere" }"##, Reading::Exact).unwrap();
    let no_rust = batch.add_module("pub struct Root; fn wrong() -> u8 { \"\" }");
    let no_type = batch.add_module("pub struct Other;");
    // The linker's error names no module.
    let no_link = batch.add_module(
        "pub type Root = ::std::vec::Vec<u8>; #[link(name = \"not_on_any_machine\")] unsafe extern \"C\" {}",
    );
    let strange = batch.add_module(STRANGE);
    let verdicts = batch.build().unwrap();
    for (schema, why) in [
        (no_schema, "`#/nowhere` leads nowhere"),
        (no_rust, "does not compile"),
        (no_type, "does not compile"),
        (no_link, "does not compile"),
    ] {
        assert!(
            verdicts.failure(schema).is_some_and(|failure| failure.contains(why)),
            "{:?}",
            verdicts.failure(schema)
        );
    }
    let questions = [
        (good, "3"),
        (good, "2"),
        (no_schema, "3"),
        (strange, r#""panic""#),
        (strange, r#""exit""#),
        (strange, r#""unwritable""#),
        (strange, r#""unreadable""#),
        (strange, "\"more\"\n"),
    ];
    let answers = verdicts.ask(&questions).unwrap();
    assert_eq!(answers[0], Answer::Accepted("3".to_owned()));
    assert!(matches!(answers[1], Answer::Refused(_)), "{:?}", answers[1]);
    assert!(matches!(answers[2], Answer::NoType(_)), "{:?}", answers[2]);
    assert_eq!(answers[3], Answer::Crashed("as it was told".to_owned()));
    assert!(matches!(answers[4], Answer::Crashed(_)), "{:?}", answers[4]);
    assert!(matches!(answers[5], Answer::Lost(_)), "{:?}", answers[5]);
    assert!(matches!(answers[6], Answer::Lost(_)), "{:?}", answers[6]);
    assert_eq!(answers[7], Answer::Accepted(r#""more""#.to_owned()));
}
