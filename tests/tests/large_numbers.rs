//! Numbers that a Rust type cannot hold are refused, and never rounded on the way from a text to a type and back.
//!
//! This is about integers of 64 bits. Of larger ones, and of fractions, serde_json makes doubles before any type sees them.

// Clippy knows only functions marked as tests; what they call may unwrap as well.
#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::path::Path;

use event_api_tests::batch::{Answer, Batch, Reading};
use event_api_tests::round_trip::is_same_value;

const SCHEMAS: [&str; 8] = [
    r#"{ "type": "integer" }"#,
    r#"{ "type": "integer", "minimum": 0 }"#,
    r#"{ "type": "integer", "format": "int32" }"#,
    r#"{ "type": "number" }"#,
    r#"{ "type": "number", "minimum": -1 }"#,
    r#"{ "type": ["number", "string"] }"#,
    r#"{ "properties": { "a": { "type": "integer" } }, "additionalProperties": { "type": "number" } }"#,
    "true",
];

/// Numbers, and whether all of the types for numbers can hold them.
const NUMBERS: [(&str, bool); 11] = [
    ("0", true),
    ("-0.0", false),
    ("0.1", false),
    ("1e2", true),
    ("100.000", true),
    ("2147483648", false),
    ("9007199254740992", false),
    ("9007199254740993", false),
    ("9223372036854775807", false),
    ("18446744073709551615", false),
    ("1e400", false),
];

#[test]
#[ignore = "doubles still take integers that they cannot hold, and integers refuse 1.0"]
fn a_number_is_held_exactly_or_refused() {
    let mut batch = Batch::new(Path::new(env!("CARGO_TARGET_TMPDIR")), "large-numbers");
    let mut questions = Vec::new();
    for schema in SCHEMAS {
        let number = batch.add(schema, Reading::Implied).unwrap();
        for (text, fits) in NUMBERS {
            let text =
                if schema.contains("properties") { format!(r#"{{"a":{text},"b":{text}}}"#) } else { text.to_owned() };
            questions.push((number, text, schema, fits));
        }
    }
    let asked: Vec<_> = questions.iter().map(|(number, text, _, _)| (*number, text.as_str())).collect();
    let answers = batch.build().unwrap().ask(&asked).unwrap();
    let mut wrong = Vec::new();
    for ((_, text, schema, fits), answer) in questions.iter().zip(answers) {
        let fine = match &answer {
            Answer::Accepted(written) => is_same_value(text, written),
            Answer::Refused(_) => !fits,
            _ => false,
        };
        if !fine {
            wrong.push(format!("{schema} and {text}: {answer:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
