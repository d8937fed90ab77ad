//! Members of which the specification fixes more than the type: a set of values, a range, a length, a format.
//!
//! The value is handed on as it is written, whatever is wrong with it: nothing generated depends on it.

use std::ops::RangeInclusive;

use super::Fields;
use super::fields::article;
use super::format::Format;
use crate::diagnostic::{Diagnostic, Findings};
use crate::near::nearest;
use crate::resolve::At;
use crate::rules;

impl<'a> Fields<'a> {
    /// One of some words.
    pub(crate) fn choice(&mut self, name: &'static str, words: &[&str], found: &mut Findings) -> Option<String> {
        let at = self.value(name, found)?;
        let text = self.to_string(name, &at, found)?;
        if !words.contains(&text.as_str()) {
            let message = format!("`{name}` of {} cannot be `{text}`", article(self.what()));
            let help = match nearest(&text, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of {}", words.join(", ")),
            };
            found.push(Diagnostic::new(rules::UNKNOWN_VALUE, message, &at.location()).help(help));
        }
        Some(text)
    }

    /// One of some words, which must be there.
    pub(crate) fn required_choice(&mut self, name: &'static str, words: &[&str], found: &mut Findings) -> String {
        if !self.has(name) {
            self.missing(name, found);
        }
        self.choice(name, words, found).unwrap_or_default()
    }

    /// A number of a range.
    pub(crate) fn within(
        &mut self,
        name: &'static str,
        range: RangeInclusive<u64>,
        found: &mut Findings,
    ) -> Option<u64> {
        let at = self.peek(name);
        let number = self.unsigned(name, found)?;
        if let Some(at) = at.filter(|_| !range.contains(&number)) {
            let message = format!("`{name}` of {} cannot be {number}", article(self.what()));
            let help = format!("write a number from {} to {}", range.start(), range.end());
            found.push(Diagnostic::new(rules::UNKNOWN_VALUE, message, &at.location()).help(help));
        }
        Some(number)
    }

    /// A text of at most so many characters.
    pub(crate) fn short_string(&mut self, name: &'static str, most: usize, found: &mut Findings) -> Option<String> {
        let at = self.value(name, found)?;
        let text = self.to_string(name, &at, found)?;
        let length = text.chars().count();
        if length > most {
            let message = format!("`{name}` of {} has {length} characters", article(self.what()));
            let help = format!("shorten it to at most {most} characters");
            found.push(Diagnostic::new(rules::UNKNOWN_VALUE, message, &at.location()).help(help));
        }
        Some(text)
    }

    /// A text of a format.
    pub(crate) fn formatted(&mut self, name: &'static str, format: Format, found: &mut Findings) -> Option<String> {
        let at = self.value(name, found)?;
        let text = self.to_string(name, &at, found)?;
        if let Some(reason) = format.fault(&text) {
            found.push(self.no(name, format, &text, &reason, &at));
        }
        Some(text)
    }

    /// A text of a format that must be there.
    pub(crate) fn required_formatted(
        &mut self,
        name: &'static str,
        format: Format,
        found: &mut Findings,
    ) -> Option<String> {
        let text = self.formatted(name, format, found);
        if text.is_none() {
            self.missing(name, found);
        }
        text
    }

    fn no(&self, name: &str, format: Format, text: &str, reason: &str, at: &At<'a>) -> Diagnostic {
        let message =
            format!("`{name}` of {} must be {}, but is `{text}`: {reason}", article(self.what()), format.name());
        let help = format!("write it in full, for example `{}`", format.example());
        Diagnostic::new(rules::INVALID_FORMAT, message, &at.location()).help(help)
    }
}
