//! The tree that every YAML or JSON text becomes: JSON's data model with a span on every node and key.

use std::fmt;

use super::Span;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The bytes of the value.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// JSON's data model. YAML is read by its 1.2 core schema, so `yes`, `on` and `2020-01-01` are strings.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, with the digits as they were written.
    Number(Number),
    /// A string.
    String(String),
    /// An array (a YAML sequence).
    Array(Vec<Node>),
    /// An object (a YAML mapping), in the order of the text.
    Object(Object),
}

/// A number as JSON would spell it, without rounding.
///
/// YAML's other spellings (`0x1F`, `0o17`, `+1`, `.5`, `1.`) are normalised to JSON's on reading.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(String);

impl Number {
    /// A number from its JSON spelling; `None` when the text is not a JSON number.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let valid = digits(whole)
            && (whole.len() == 1 || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)));
        valid.then(|| Number(text.to_owned()))
    }

    /// A number from a spelling that is known to be JSON's.
    pub(super) fn spelled(text: String) -> Self {
        Number(text)
    }

    /// The JSON spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The exact integer, when it is one of at most 128 bits. `1.0` and `1e3` are integers.
    pub fn as_i128(&self) -> Option<i128> {
        if let Ok(integer) = self.0.parse() {
            return Some(integer);
        }
        let (mantissa, exponent) = match self.0.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (self.0.as_str(), 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let zeros = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let digits = format!("{whole}{fraction}");
        if zeros >= 0 {
            digits.parse::<i128>().ok()?.checked_mul(10i128.checked_pow(zeros as u32)?)
        } else {
            let trimmed = digits.trim_end_matches('0');
            let removed = (digits.len() - trimmed.len()) as i32;
            let is_zero = trimmed.trim_start_matches('-').is_empty();
            if is_zero {
                Some(0)
            } else if removed >= -zeros {
                digits[..digits.len() - (-zeros) as usize].parse().ok()
            } else {
                None
            }
        }
    }

    /// The nearest double; infinite when it is too large for one.
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }
}

impl From<i128> for Number {
    fn from(value: i128) -> Self {
        Number(value.to_string())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A member's name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub name: String,
    /// Its bytes.
    pub span: Span,
}

/// The members of an object in the order of the text. Names are unique: the reader reports duplicates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    entries: Vec<(Key, Node)>,
}

impl Object {
    /// The member called `name`.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// Adds or replaces a member.
    pub fn insert(&mut self, key: Key, node: Node) {
        match self.entries.iter_mut().find(|(k, _)| k.name == key.name) {
            Some(entry) => *entry = (key, node),
            None => self.entries.push((key, node)),
        }
    }

    /// Adds a member that is known to be new; constant time, for readers that check duplicates themselves.
    pub(crate) fn push(&mut self, key: Key, node: Node) {
        self.entries.push((key, node));
    }

    /// Takes the members out.
    pub(crate) fn into_entries(self) -> Vec<(Key, Node)> {
        self.entries
    }

    /// The members in the order of the text.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Key, &Node)> + ExactSizeIterator {
        self.entries.iter().map(|(key, node)| (key, node))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Node {
    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object> {
        match &self.value {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The array, if it is one.
    pub fn as_array(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The member called `name`, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.as_object()?.get(name)
    }

    /// What it is, in JSON's words with an article: `an object`, `a string`.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }

    /// The plain JSON value, without positions. Numbers that fit neither 64-bit integers nor doubles become `null`;
    /// callers that care compare [`Number`]s instead.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => number.to_json(),
            Value::String(text) => text.as_str().into(),
            Value::Array(items) => items.iter().map(Node::to_json).collect(),
            Value::Object(object) => object.iter().map(|(key, node)| (key.name.clone(), node.to_json())).collect(),
        }
    }
}

impl Number {
    fn to_json(&self) -> serde_json::Value {
        serde_json::from_str(&self.0).unwrap_or(serde_json::Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::Number;

    #[test]
    fn integers_are_exact_whatever_their_spelling() {
        let integer = |text: &str| Number::parse(text).unwrap().as_i128();
        assert_eq!(integer("12"), Some(12));
        assert_eq!(integer("-1.0"), Some(-1));
        assert_eq!(integer("1e3"), Some(1000));
        assert_eq!(integer("1.50e1"), Some(15));
        assert_eq!(integer("1500e-2"), Some(15));
        assert_eq!(integer("0.0"), Some(0));
        assert_eq!(integer("1.5"), None);
        assert_eq!(integer("15e-2"), None);
        assert_eq!(integer("18446744073709551616"), Some(1 << 64));
    }

    #[test]
    fn only_json_spellings_parse() {
        for text in ["", "-", "01", "+1", ".5", "1.", "1e", "0x1", "NaN"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }
}
