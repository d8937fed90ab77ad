//! What every program of verdicts consists of, beside the generated modules: lines come in, lines go out.
//!
//! A line in is the number of a type, a tab and a JSON text. The line out begins with a word, and a tab and a text follow:
//! `refused` and the error, `accepted` and the value as it is written again, `unwritable` and the error, `unreadable` and
//! what is wrong with the text that was written, `differs` and what is made of the same as a value and not a text,
//! `panicked` and the message. This file is no part of the test library: it is copied beside the modules.

use std::io::{BufRead, Write};
use std::panic;

use event_api::codegen::serde::{Serialize, de::DeserializeOwned};
use event_api::codegen::serde_json;

/// How one type judges a text.
pub(crate) type Check = fn(&str) -> (&'static str, String);

/// The check of a type.
pub(crate) fn check<T: Serialize + DeserializeOwned>(text: &str) -> (&'static str, String) {
    let from_text = serde_json::from_str::<T>(text);
    // Numbers that are too large for a value are a matter of texts alone.
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        match (&from_text, serde_json::from_value::<T>(value)) {
            (Ok(_), Err(error)) => return ("differs", format!("refused as a value: {error}")),
            (Err(error), Ok(_)) => return ("differs", format!("accepted as a value, and not as a text: {error}")),
            _ => {}
        }
    }
    let value = match from_text {
        Ok(value) => value,
        Err(error) => return ("refused", error.to_string()),
    };
    let written = match serde_json::to_string(&value) {
        Ok(written) => written,
        Err(error) => return ("unwritable", error.to_string()),
    };
    match serde_json::from_str::<T>(&written).and_then(|again| serde_json::to_string(&again)) {
        Ok(again) if again == written => ("accepted", written),
        Ok(again) => ("unreadable", format!("{written} reads back as {again}")),
        Err(error) => ("unreadable", format!("{written} does not read back: {error}")),
    }
}

/// Answers until the input ends.
pub(crate) fn answer(checks: &[Check]) {
    panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("the input is UTF-8");
        let (number, text) = line.split_once('\t').expect("a number, a tab and a text");
        let check = checks[number.parse::<usize>().expect("a number")];
        let (word, rest) = panic::catch_unwind(|| check(text)).unwrap_or_else(|payload| {
            let said = payload.downcast_ref::<String>().cloned();
            let said = said.or_else(|| payload.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            ("panicked", said.unwrap_or_default())
        });
        writeln!(out, "{word}\t{}", rest.replace(['\n', '\r'], " ")).expect("somebody reads the answers");
        out.flush().expect("somebody reads the answers");
    }
}
