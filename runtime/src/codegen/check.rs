//! Checks of values: what a newtype's constructor and its `Deserialize` refuse.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use super::decimal::Decimal;
use super::json::canonical;

/// A value that the document does not allow, and the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    #[cold]
    pub(super) fn new(message: impl Into<String>) -> Self {
        Invalid(message.into())
    }

    /// A value that is none of those listed.
    #[cold]
    pub fn value(allowed: &[&str]) -> Self {
        Invalid(format!("not one of {}", allowed.join(", ")))
    }

    /// A number that is not of the form of a decimal type.
    #[cold]
    pub(crate) fn decimal(problem: String) -> Self {
        Invalid(problem)
    }

    /// Bytes of another count than their type has.
    #[cold]
    pub(crate) fn size(count: usize, size: usize) -> Self {
        Invalid(format!("there are {count} bytes instead of {size}"))
    }

    /// Text that is no address of the channel.
    #[cold]
    pub fn address(template: &str) -> Self {
        Invalid(format!("not an address of the form {template}"))
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}

/// An ECMA-262 regular expression, compiled when it is first used.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    compiled: OnceLock<Option<regress::Regex>>,
}

impl Pattern {
    /// The pattern of a `static`.
    pub const fn new(text: &'static str) -> Self {
        Pattern { text, compiled: OnceLock::new() }
    }

    /// Whether it is found anywhere in `text`, as JSON Schema has it. Read in Unicode mode, or without where only that
    /// is valid (`\-`), as documents are checked. The generator refuses patterns that do not compile, so one that does
    /// not compile here matches nothing.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let compile = || regress::Regex::with_flags(self.text, "u").or_else(|_| regress::Regex::new(self.text)).ok();
        let compiled = self.compiled.get_or_init(compile);
        compiled.as_ref().is_some_and(|regex| regex.find(text).is_some())
    }

    /// The pattern itself.
    pub(super) fn text(&self) -> &'static str {
        self.text
    }

    /// `pattern`
    ///
    /// # Errors
    /// When it is not found.
    pub fn check(&self, text: &str) -> Result<(), Invalid> {
        if self.is_match(text) {
            Ok(())
        } else {
            Err(Invalid::new(format!("does not match the pattern {}", self.text)))
        }
    }
}

/// `minLength` and `maxLength`, in Unicode scalar values.
///
/// # Errors
/// When the text is shorter or longer.
pub fn check_length(text: &str, min: u64, max: u64) -> Result<(), Invalid> {
    // A character has one to four bytes, so most texts need no counting.
    let bytes = text.len() as u64;
    if bytes <= max && bytes / 4 >= min {
        return Ok(());
    }
    let length = text.chars().count() as u64;
    if (min..=max).contains(&length) { Ok(()) } else { Err(wrong_length(length, min, max)) }
}

#[cold]
fn wrong_length(length: u64, min: u64, max: u64) -> Invalid {
    if length < min {
        Invalid::new(format!("{length} characters are fewer than {min}"))
    } else {
        Invalid::new(format!("{length} characters are more than {max}"))
    }
}

/// `minimum` and `maximum` of an integer.
///
/// # Errors
/// When it is outside.
#[inline]
pub fn check_integer_bounds(value: impl Into<i128>, min: i128, max: i128) -> Result<(), Invalid> {
    let value = value.into();
    if (min..=max).contains(&value) { Ok(()) } else { Err(out_of_bounds(value, min, max)) }
}

#[cold]
fn out_of_bounds(value: i128, min: i128, max: i128) -> Invalid {
    if value < min {
        Invalid::new(format!("{value} is less than {min}"))
    } else {
        Invalid::new(format!("{value} is more than {max}"))
    }
}

/// `multipleOf` of an integer.
///
/// # Errors
/// When it is none.
pub fn check_integer_multiple(value: impl Into<i128>, of: i128) -> Result<(), Invalid> {
    let value = value.into();
    if value % of == 0 { Ok(()) } else { Err(Invalid::new(format!("{value} is not a multiple of {of}"))) }
}

/// `minimum`, `maximum` and their exclusive forms of a number.
///
/// # Errors
/// When it is outside, or not a number.
#[inline]
pub fn check_number_bounds(
    value: f64,
    min: Option<f64>,
    max: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
) -> Result<(), Invalid> {
    let is_within = min.is_none_or(|min| value >= min)
        && max.is_none_or(|max| value <= max)
        && above.is_none_or(|above| value > above)
        && below.is_none_or(|below| value < below);
    if is_within && !value.is_nan() { Ok(()) } else { Err(beyond(value, min, max, above, below)) }
}

#[cold]
fn beyond(value: f64, min: Option<f64>, max: Option<f64>, above: Option<f64>, below: Option<f64>) -> Invalid {
    if value.is_nan() {
        return Invalid::new("not a number");
    }
    let broken = [
        (min.filter(|min| value < *min), "less than"),
        (max.filter(|max| value > *max), "more than"),
        (above.filter(|above| value <= *above), "not more than"),
        (below.filter(|below| value >= *below), "not less than"),
    ];
    match broken.into_iter().find_map(|(limit, what)| Some((limit?, what))) {
        Some((limit, what)) => Invalid::new(format!("{value} is {what} {limit}")),
        None => Invalid::new(format!("{value} is out of bounds")),
    }
}

/// `multipleOf` of any number, exact in decimal: `0.3` is a multiple of `0.1`. The divisor is a number or its text.
///
/// # Errors
/// When it is none.
pub fn check_multiple<N, M>(value: N, of: M) -> Result<(), Invalid>
where
    N: Into<Decimal> + fmt::Display + Copy,
    M: Into<Decimal> + fmt::Display + Copy,
{
    let is_multiple = value.into().is_multiple_of(&of.into());
    if is_multiple { Ok(()) } else { Err(Invalid::new(format!("{value} is not a multiple of {of}"))) }
}

/// `minItems` and `maxItems`.
///
/// # Errors
/// When there are fewer or more.
pub fn check_item_count<T>(items: &[T], min: u64, max: u64) -> Result<(), Invalid> {
    check_count(items.len() as u64, min, max, "items")
}

/// `minProperties` and `maxProperties`.
///
/// # Errors
/// When there are fewer or more.
pub fn check_member_count<V>(members: &BTreeMap<String, V>, min: u64, max: u64) -> Result<(), Invalid> {
    check_count(members.len() as u64, min, max, "members")
}

fn check_count(count: u64, min: u64, max: u64, what: &str) -> Result<(), Invalid> {
    if count < min {
        return Err(Invalid::new(format!("{count} {what} are fewer than {min}")));
    }
    if count > max {
        return Err(Invalid::new(format!("{count} {what} are more than {max}")));
    }
    Ok(())
}

/// `uniqueItems`, by JSON's equality.
///
/// # Errors
/// When two items are equal.
pub fn check_unique<T: serde::Serialize>(items: &[T]) -> Result<(), Invalid> {
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let value = serde_json::to_value(item).map_err(|error| Invalid::new(error.to_string()))?;
        if !seen.insert(canonical(&value)) {
            return Err(Invalid::new(format!("item {index} is there twice")));
        }
    }
    Ok(())
}

/// Every key matches one of the patterns.
///
/// # Errors
/// When one matches none.
pub fn check_keys<V>(members: &BTreeMap<String, V>, patterns: &[Pattern]) -> Result<(), Invalid> {
    match members.keys().find(|key| !patterns.iter().any(|pattern| pattern.is_match(key))) {
        Some(key) => Err(Invalid::new(format!("the member name {key:?} matches no pattern of the document"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(check_length("größe", 5, 5).is_ok());
        assert_eq!(check_length("é", 2, 9).unwrap_err().to_string(), "1 characters are fewer than 2");
    }

    #[test]
    fn decimal_multiples_are_recognised() {
        assert!(check_multiple(0.3, 0.1).is_ok());
        assert!(check_multiple(19.99, 0.01).is_ok());
        assert!(check_multiple(0.35, 0.1).is_err());
        assert!(check_multiple(1e308, 0.5e-300).is_ok());
        assert!(check_multiple(1e308, 0.123_456_789).is_err());
        assert!(check_multiple(f64::INFINITY, 1.0).is_err());
        assert!(check_multiple(f64::NAN, 1.0).is_err());
        assert!(check_multiple(7, "1e-8").is_ok());
        assert!(check_multiple(5u8, 2.5).is_ok());
        assert_eq!(check_multiple(6i64, "2.5").unwrap_err().to_string(), "6 is not a multiple of 2.5");
    }

    #[test]
    fn items_are_compared_as_json() {
        assert!(check_unique(&[1.0, 2.0]).is_ok());
        assert!(check_unique(&[serde_json::json!({"a": 1, "b": 2}), serde_json::json!({"b": 2, "a": 1.0})]).is_err());
    }

    #[test]
    fn patterns_search_anywhere() {
        static DIGITS: Pattern = Pattern::new(r"\d+");
        assert!(DIGITS.check("abc 12").is_ok());
        assert!(DIGITS.check("abc").is_err());
    }
}
