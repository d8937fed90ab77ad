//! JSON (RFC 8259) into the tree: strict, so that whatever is not JSON is left to the YAML reader.

use super::Source;
use super::tree::{LimitReached, Tree};
use crate::diagnostic::{Diagnostic, Findings};
use crate::rules;
use crate::source::{Node, Number, Value};

/// Why there is no tree.
pub(super) enum Refusal {
    /// The text is not JSON.
    Syntax(Box<Diagnostic>),
    /// It is, but it breaks a limit that YAML has as well; this was reported.
    Limit,
}

impl From<LimitReached> for Refusal {
    fn from(_: LimitReached) -> Self {
        Refusal::Limit
    }
}

pub(super) fn read(source: Source<'_>, found: &mut Findings) -> Result<Node, Refusal> {
    let bytes = source.text.as_bytes();
    let mut reader = Reader { source, bytes, at: source.start, tree: Tree::new(source) };
    reader.document(found)?;
    match reader.tree.into_root() {
        Some(root) => Ok(root),
        // `document` returns only when something was placed at the root.
        None => Err(Refusal::Limit),
    }
}

struct Reader<'a> {
    source: Source<'a>,
    bytes: &'a [u8],
    at: usize,
    tree: Tree<'a>,
}

/// What the grammar allows next.
enum Expect {
    Value,
    /// A value or the end of the array that was just opened.
    FirstItem,
    /// A key or the end of the object that was just opened.
    FirstKey,
    Key,
    /// A comma or the end of what is open.
    More,
}

impl Reader<'_> {
    fn document(&mut self, found: &mut Findings) -> Result<(), Refusal> {
        let mut expect = Expect::Value;
        loop {
            self.skip_whitespace();
            let byte = self.peek();
            expect = match (expect, byte) {
                (Expect::FirstItem, Some(b']')) | (Expect::FirstKey, Some(b'}')) => self.close(found)?,
                (Expect::FirstKey | Expect::Key, Some(b'"')) => {
                    let start = self.at;
                    let name = self.string()?;
                    let span = self.source.span(start, self.at);
                    self.tree.key(name, span, found)?;
                    self.skip_whitespace();
                    if self.peek() != Some(b':') {
                        return Err(self.unexpected("`:` behind the key"));
                    }
                    self.at += 1;
                    Expect::Value
                }
                (Expect::FirstKey, _) => return Err(self.unexpected("a quoted key or `}`")),
                (Expect::Key, _) => return Err(self.unexpected("a quoted key")),
                (Expect::Value | Expect::FirstItem, Some(b'{')) => {
                    self.tree.open_object(self.at, 0, found)?;
                    self.at += 1;
                    Expect::FirstKey
                }
                (Expect::Value | Expect::FirstItem, Some(b'[')) => {
                    self.tree.open_array(self.at, 0, found)?;
                    self.at += 1;
                    Expect::FirstItem
                }
                (Expect::Value | Expect::FirstItem, _) => {
                    let start = self.at;
                    let value = self.scalar()?;
                    self.tree.value(Node { span: self.source.span(start, self.at), value }, 0);
                    Expect::More
                }
                (Expect::More, Some(b',')) => {
                    self.at += 1;
                    if self.tree.expects_key() { Expect::Key } else { Expect::Value }
                }
                (Expect::More, Some(b'}')) if self.tree.expects_key() => self.close(found)?,
                (Expect::More, Some(b']')) if !self.tree.expects_key() => self.close(found)?,
                (Expect::More, _) if self.tree.expects_key() => return Err(self.unexpected("`,` or `}`")),
                (Expect::More, _) => return Err(self.unexpected("`,` or `]`")),
            };
            if self.tree.is_complete() {
                self.skip_whitespace();
                return match self.peek() {
                    None => Ok(()),
                    Some(_) => Err(self.unexpected("the end of the file")),
                };
            }
        }
    }

    fn close(&mut self, found: &mut Findings) -> Result<Expect, Refusal> {
        self.at += 1;
        if let Some(closed) = self.tree.close(Some(self.at), found) {
            self.tree.place(closed, found)?;
        }
        Ok(Expect::More)
    }

    fn scalar(&mut self) -> Result<Value, Refusal> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => {
                let start = self.at;
                while matches!(self.peek(), Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
                    self.at += 1;
                }
                match Number::parse(&self.source.text[start..self.at]) {
                    Some(number) => Ok(Value::Number(number)),
                    None => Err(self.problem(start, "this is not a JSON number")),
                }
            }
            _ => {
                let rest = &self.bytes[self.at..];
                let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
                for (word, value) in words {
                    if rest.starts_with(word.as_bytes()) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.unexpected("a value"))
            }
        }
    }

    /// A string; `self.at` is at its opening quote, and behind its closing one afterwards.
    fn string(&mut self) -> Result<String, Refusal> {
        let opening = self.at;
        self.at += 1;
        let mut decoded = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.at += 1;
            }
            // Both ends are at ASCII characters, so this is a slice of whole characters.
            let plain = &self.source.text[start..self.at];
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    if decoded.is_empty() {
                        return Ok(plain.to_owned());
                    }
                    decoded.push_str(plain);
                    return Ok(decoded);
                }
                Some(b'\\') => {
                    decoded.push_str(plain);
                    let escaped = self.escape()?;
                    decoded.push(escaped);
                }
                Some(_) => return Err(self.problem(self.at, "control characters in strings must be escaped")),
                None => return Err(self.problem(opening, "this string has no closing quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Refusal> {
        let start = self.at;
        let byte = self.bytes.get(self.at + 1).copied();
        self.at = (self.at + 2).min(self.bytes.len());
        Ok(match byte {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.hex4(start)?;
                let code = match unit {
                    0xd800..=0xdbff if self.bytes[self.at..].starts_with(b"\\u") => {
                        self.at += 2;
                        let low = self.hex4(start)?;
                        if !(0xdc00..=0xdfff).contains(&low) {
                            return Err(self.problem(start, "this surrogate has no partner"));
                        }
                        0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                    }
                    unit => unit,
                };
                match char::from_u32(code) {
                    Some(character) => character,
                    None => return Err(self.problem(start, "this surrogate has no partner")),
                }
            }
            _ => return Err(self.problem(start, "JSON has no such escape")),
        })
    }

    fn hex4(&mut self, start: usize) -> Result<u32, Refusal> {
        let digits = self.bytes.get(self.at..self.at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else { return Err(self.problem(start, "`\\u` needs four hexadecimal digits")) };
        self.at += 4;
        Ok(digits.iter().fold(0, |code, &digit| code * 16 + char::from(digit).to_digit(16).unwrap_or(0)))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn unexpected(&self, expected: &str) -> Refusal {
        let message = match self.source.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(character) => format!("expected {expected}, found {character:?}"),
            None => format!("expected {expected}, found the end of the file"),
        };
        self.problem(self.at, &message)
    }

    fn problem(&self, at: usize, message: &str) -> Refusal {
        let location = self.tree.location(self.source.rest_of_line(at));
        let diagnostic = Diagnostic::new(rules::JSON_SYNTAX, format!("not valid JSON: {message}"), &location)
            .help("look here or on the line before for a missing or surplus comma, quote or bracket");
        Refusal::Syntax(Box::new(diagnostic))
    }
}
