//! `pattern`: regular expressions of ECMA-262, matched within bounded time.
//!
//! The engine backtracks, and both the expression and the text come from the document, so what could take long is
//! estimated first and then left undecided.

use regress::{Error, Flags, Regex};

/// How many steps a match may take by the estimate.
const MAX_STEPS: f64 = 1e7;

/// Longer expressions are not compiled: the compiler recurses over groups.
const MAX_LENGTH: usize = 2000;

/// A compiled regular expression.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    /// How many of its quantifiers can repeat a varying number of times.
    quantifiers: u32,
    /// Whether such a quantifier stands within another.
    nested: bool,
}

impl Pattern {
    /// Compiles; `None` when it has a [`Pattern::fault`] or is too long.
    pub(crate) fn new(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let regex = compile(text, Flags::default()).ok()?;
        let (quantifiers, nested) = quantifiers(text);
        Some(Pattern { regex, quantifiers, nested })
    }

    /// Why a text is not in the language, in the engine's words; `None` when it is, or is too long to tell. Cheaper than
    /// [`Pattern::new`].
    pub(crate) fn fault(text: &str) -> Option<String> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        compile(text, Flags { no_opt: true, ..Flags::default() }).err().map(|error| error.text)
    }

    /// Whether the text is in the language in Unicode mode.
    pub(crate) fn is_unicode(text: &str) -> bool {
        text.len() <= MAX_LENGTH
            && Regex::with_flags(text, Flags { unicode: true, no_opt: true, ..Flags::default() }).is_ok()
    }

    /// Whether it matches anywhere in the text; `None` when finding out could take too long.
    pub(crate) fn matches(&self, text: &str) -> Option<bool> {
        let length = text.chars().count() as f64;
        // A nested quantifier can split the text in exponentially many ways, k plain ones in (n + k over k).
        let steps = if self.nested {
            3_f64.powf(length)
        } else {
            (1..=self.quantifiers).fold(length + 1.0, |steps, k| steps * (length + f64::from(k)) / f64::from(k))
        };
        (steps <= MAX_STEPS).then(|| self.regex.find(text).is_some())
    }
}

/// In Unicode mode as JSON Schema recommends it, or without where only that is valid (`\-`, `\_`).
fn compile(text: &str, flags: Flags) -> Result<Regex, Error> {
    Regex::with_flags(text, Flags { unicode: true, ..flags }).or_else(|_| Regex::with_flags(text, flags))
}

/// How many quantifiers repeat a varying number of times, and whether one stands in another. Overestimates.
fn quantifiers(pattern: &str) -> (u32, bool) {
    let bytes = pattern.as_bytes();
    let (mut count, mut nested) = (0, false);
    // For each open group, whether a quantifier or an alternative was seen in it.
    let mut groups = vec![false];
    let mut closed = None;
    let mut in_class = false;
    let mut at = 0;
    while at < bytes.len() {
        let group_before = closed.take();
        match bytes[at] {
            b'\\' => at += 1,
            b']' => in_class = false,
            _ if in_class => {}
            b'[' => in_class = true,
            b'(' => groups.push(false),
            b')' => {
                let varies = groups.pop().unwrap_or(false);
                if let Some(outer) = groups.last_mut() {
                    *outer |= varies;
                }
                closed = Some(varies);
            }
            b'|' => {
                if let Some(group) = groups.last_mut() {
                    *group = true;
                }
            }
            b'?' if at > 0 && bytes[at - 1] == b'(' => {}
            quantifier @ (b'*' | b'+' | b'?' | b'{') => {
                let end = bytes[at..].iter().position(|&b| b == b'}').map_or(at, |length| at + length);
                if quantifier != b'{' || bytes[at..end].contains(&b',') || group_before == Some(true) {
                    count += 1;
                    nested |= group_before == Some(true) && quantifier != b'?';
                    if let Some(group) = groups.last_mut() {
                        *group = true;
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    (count, nested)
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn ordinary_patterns_decide() {
        for (pattern, text, expected) in [
            ("^[a-z]+-[a-z]+$", "user-created", true),
            ("^\\d{4}-\\d{2}$", "2020-1", false),
            ("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", "550e8400-e29b-41d4-a716-446655440000", true),
            ("^\\p{Lu}", "Ä", true),
            ("^[\\w\\-]+$", "a-b", true),
            ("", "x", true),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn what_could_take_forever_is_left_undecided() {
        let text = "a".repeat(60) + "!";
        for pattern in ["^(a+)+$", "^(a|a)*$", "^((a?)+)+$", "^a*a*a*a*a*a*a*a*a*a*b$", "^(a{1,9}){1,99}$"] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(&text), None, "{pattern}");
        }
        let long = "(".repeat(100_000);
        assert!(Pattern::new(&long).is_none() && Pattern::fault(&long).is_none());
        assert!(Pattern::fault(&"(".repeat(1000)).is_some());
        Pattern::new(&format!("{}{}", "(".repeat(900), ")".repeat(900)));
        Pattern::new("a{99999999}");
    }

    #[test]
    fn what_is_not_ecma_262_is_an_error() {
        for pattern in ["(a", "(?P<year>a)"] {
            assert!(Pattern::new(pattern).is_none() && Pattern::fault(pattern).is_some(), "{pattern}");
        }
    }
}
