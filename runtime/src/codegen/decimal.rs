//! Exact decimal numbers: what `minimum`, `multipleOf`, `enum` and `uniqueItems` compare, without rounding. In comes a
//! number of a document as text, an integer, a double by its shortest spelling, or a number of a JSON value; out comes an
//! order or a remainder.

use std::cmp::Ordering;
use std::fmt::{self, Write};

use serde_json::Number;

/// The digits that are kept: any ten to this power fits the mantissa.
const DIGITS: u32 = 38;

/// A number as `mantissa × 10^exponent`, with no zero at the end of the mantissa.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    mantissa: u128,
    /// Whether there were more digits than are kept, which no number of a program has.
    more: bool,
    exponent: i64,
    /// Not so for infinities and what is no number.
    finite: bool,
}

impl Decimal {
    const NONE: Decimal = Decimal { negative: false, mantissa: 0, more: false, exponent: 0, finite: false };

    /// Reads JSON's spelling. What is no number compares to nothing.
    pub const fn parse(text: &str) -> Self {
        // Far from the ends of the range, so that adding lengths cannot reach them.
        const HUGE: i64 = i64::MAX / 4;
        let bytes = text.as_bytes();
        let negative = !bytes.is_empty() && bytes[0] == b'-';
        let mut at = negative as usize;
        let (mut mantissa, mut digits, mut more, mut exponent) = (0u128, 0, false, 0i64);
        let (mut seen, mut in_fraction) = (false, false);
        while at < bytes.len() {
            let byte = bytes[at];
            if byte == b'.' && !in_fraction {
                in_fraction = true;
            } else if byte.is_ascii_digit() {
                seen = true;
                if digits < DIGITS {
                    mantissa = mantissa * 10 + (byte - b'0') as u128;
                    digits += (mantissa > 0) as u32;
                    exponent -= in_fraction as i64;
                } else {
                    more |= byte != b'0';
                    exponent += !in_fraction as i64;
                }
            } else {
                break;
            }
            at += 1;
        }
        if at < bytes.len() && (bytes[at] == b'e' || bytes[at] == b'E') {
            at += 1;
            let minus = at < bytes.len() && bytes[at] == b'-';
            if at < bytes.len() && (bytes[at] == b'-' || bytes[at] == b'+') {
                at += 1;
            }
            seen &= at < bytes.len();
            let mut power = 0i64;
            while at < bytes.len() && bytes[at].is_ascii_digit() {
                if power < HUGE / 10 {
                    power = power * 10 + (bytes[at] - b'0') as i64;
                }
                at += 1;
            }
            exponent += if minus { -power } else { power };
        }
        if !seen || at < bytes.len() {
            return Decimal::NONE;
        }
        Decimal { negative, mantissa, more, exponent, finite: true }.shortest()
    }

    const fn shortest(mut self) -> Self {
        if self.mantissa == 0 {
            return Decimal { negative: false, mantissa: 0, more: false, exponent: 0, finite: self.finite };
        }
        while !self.more && self.mantissa.is_multiple_of(10) {
            self.mantissa /= 10;
            self.exponent += 1;
        }
        self
    }

    /// Whether it is a number at all.
    pub const fn is_finite(&self) -> bool {
        self.finite
    }

    /// Whether all digits are kept.
    pub(crate) const fn is_exact(&self) -> bool {
        self.finite && !self.more
    }

    /// Whether it has no fractional part: `1.0` has none.
    pub fn is_integer(&self) -> bool {
        self.finite && self.exponent >= 0
    }

    /// The order of two numbers; none where one is no number.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if !self.finite || !other.finite {
            return None;
        }
        Some(match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_absolute(other),
            (true, true) => other.compare_absolute(self),
        })
    }

    /// One spelling for each value; that of an `i64` as `i64` has it.
    pub(super) fn write_canonical(&self, text: &mut String) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        match u32::try_from(self.exponent).ok().and_then(|zeros| self.mantissa.checked_mul(10u128.checked_pow(zeros)?))
        {
            Some(integer) => write!(text, "{sign}{integer}"),
            None => write!(text, "{sign}{}e{}", self.mantissa, self.exponent),
        }
    }

    fn compare_absolute(&self, other: &Self) -> Ordering {
        let (Some(digits), Some(other_digits)) = (self.mantissa.checked_ilog10(), other.mantissa.checked_ilog10())
        else {
            return self.mantissa.cmp(&other.mantissa);
        };
        let magnitude = self.exponent.saturating_add(i64::from(digits));
        let other_magnitude = other.exponent.saturating_add(i64::from(other_digits));
        // With the first digits at the same place, the shorter mantissa is filled up with zeros.
        let filled = |mantissa: u128, digits: u32, longer: u32| mantissa * 10u128.pow(longer.saturating_sub(digits));
        magnitude
            .cmp(&other_magnitude)
            .then_with(|| {
                filled(self.mantissa, digits, other_digits).cmp(&filled(other.mantissa, other_digits, digits))
            })
            .then_with(|| self.more.cmp(&other.more))
    }

    /// Whether dividing by `divisor` leaves an integer. A divisor of zero, which JSON Schema forbids, or of more than 38
    /// significant digits divides everything.
    pub fn is_multiple_of(&self, divisor: &Self) -> bool {
        if !self.finite || !divisor.finite {
            return false;
        }
        if self.mantissa == 0 || divisor.mantissa == 0 || divisor.more {
            return true;
        }
        // A mantissa that does not end in zero is no multiple of a higher power of ten.
        let Ok(zeros) = u64::try_from(self.exponent.saturating_sub(divisor.exponent)) else { return false };
        let modulus = divisor.mantissa;
        !self.more && multiply(self.mantissa % modulus, power_of_ten(zeros, modulus), modulus) == 0
    }
}

/// `a × b`, both below the modulus.
fn multiply(mut a: u128, mut b: u128, modulus: u128) -> u128 {
    if let Some(product) = a.checked_mul(b) {
        return product % modulus;
    }
    // By doubling. The modulus has at most 38 digits, so a sum of two remainders does not overflow.
    let mut product = 0;
    while b > 0 {
        if b & 1 == 1 {
            product = (product + a) % modulus;
        }
        a = (a + a) % modulus;
        b >>= 1;
    }
    product
}

fn power_of_ten(mut exponent: u64, modulus: u128) -> u128 {
    let (mut base, mut power) = (10 % modulus, 1 % modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = multiply(power, base, modulus);
        }
        base = multiply(base, base, modulus);
        exponent >>= 1;
    }
    power
}

/// In full where that is short.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: i64 = 21;
        if !self.finite {
            return f.write_str("no number");
        }
        let sign = if self.negative { "-" } else { "" };
        let digits = self.mantissa.to_string();
        // How many digits stand before the point.
        let whole = (digits.len() as i64).saturating_add(self.exponent);
        let (point, zeros) = (whole.unsigned_abs() as usize, self.exponent.unsigned_abs() as usize);
        match (self.exponent, whole) {
            (0.., ..=LONGEST) => write!(f, "{sign}{digits}{}", "0".repeat(zeros)),
            (..0, 1..) => write!(f, "{sign}{}.{}", &digits[..point], &digits[point..]),
            (..0, -8..=0) => write!(f, "{sign}0.{}{digits}", "0".repeat(point)),
            _ => write!(f, "{sign}{digits}e{}", self.exponent),
        }
    }
}

impl From<&str> for Decimal {
    fn from(text: &str) -> Self {
        Decimal::parse(text)
    }
}

/// By the shortest spelling, which is what people wrote: `0.1` is a tenth.
impl From<f64> for Decimal {
    fn from(value: f64) -> Self {
        let mut text = Text::default();
        match write!(text, "{value:e}") {
            Ok(()) => Decimal::parse(text.as_str()),
            Err(_) => Decimal::NONE,
        }
    }
}

impl From<&Number> for Decimal {
    fn from(number: &Number) -> Self {
        if let Some(value) = number.as_i64() {
            return value.into();
        }
        if let Some(value) = number.as_u64() {
            return value.into();
        }
        // A double's shortest spelling or, where numbers keep their text, that.
        let mut text = Text::default();
        match write!(text, "{number}") {
            Ok(()) => Decimal::parse(text.as_str()),
            Err(_) => Decimal::parse(&number.to_string()),
        }
    }
}

macro_rules! from_integers {
    ($($integer:ty),+) => {
        $(impl From<$integer> for Decimal {
            fn from(value: $integer) -> Self {
                #[allow(unused_comparisons, reason = "for those without a sign")]
                let negative = value < 0;
                let mantissa = i128::from(value).unsigned_abs();
                Decimal { negative, mantissa, more: false, exponent: 0, finite: true }.shortest()
            }
        })+
    };
}

from_integers!(i8, i16, i32, i64, u8, u16, u32, u64);

/// A number's text, on the stack: doubles have at most 17 digits.
#[derive(Default)]
struct Text {
    bytes: [u8; 32],
    length: usize,
}

impl Text {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_and_not_spellings() {
        for (a, b, expected) in [
            ("1", "1.0", Ordering::Equal),
            ("10", "1e1", Ordering::Equal),
            ("0", "-0.0e5", Ordering::Equal),
            ("0.1", "0.10000000000000000000001", Ordering::Less),
            ("9007199254740993", "9007199254740992.0", Ordering::Greater),
            ("-2", "-1", Ordering::Less),
            ("-1", "1e-400", Ordering::Less),
            ("1e400", "9e399", Ordering::Greater),
            ("12", "2", Ordering::Greater),
            ("1e99999999999999999999", "1", Ordering::Greater),
            ("1e-99999999999999999999", "1", Ordering::Less),
            ("1", "1.00000000000000000000000000000000000000000000000001", Ordering::Less),
            ("0.000000000000000000000000000000000000000000000000007", "7e-51", Ordering::Equal),
            ("700000000000000000000000000000000000000000000000000", "7e50", Ordering::Equal),
        ] {
            let (left, right) = (Decimal::parse(a), Decimal::parse(b));
            assert_eq!(left.compare(&right), Some(expected), "{a} {b}");
            assert_eq!(right.compare(&left), Some(expected.reverse()), "{b} {a}");
            assert_eq!(left == right, expected.is_eq(), "{a} {b}");
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (value, divisor, expected) in [
            ("0.3", "0.1", true),
            ("19.99", "0.01", true),
            ("19.995", "0.01", false),
            ("1e308", "0.123456789", false),
            ("0.00751", "0.0001", false),
            ("4.5", "1.5", true),
            ("-9", "3", true),
            ("0", "7", true),
            ("7", "1e10", false),
            ("7", "1e-8", true),
            ("5", "2.5", true),
            ("6", "2.5", false),
            ("100000000000000000000000000000000000000", "99999999999999999999999999999999999999", false),
            ("1e1000000000000", "64", true),
            ("1e1000000000000", "3", false),
            ("5", "0", true),
        ] {
            assert_eq!(Decimal::parse(value).is_multiple_of(&Decimal::parse(divisor)), expected, "{value} {divisor}");
        }
    }

    #[test]
    fn doubles_are_what_they_are_written_as() {
        assert_eq!(Decimal::from(0.1), Decimal::parse("0.1"));
        assert_eq!(Decimal::from(-1e300), Decimal::parse("-1e300"));
        assert_eq!(Decimal::from(5e-324), Decimal::parse("5e-324"));
        assert_eq!(Decimal::from(1.0), Decimal::from(1u8));
        assert!(!Decimal::from(f64::NAN).is_finite());
        assert!(!Decimal::from(f64::NEG_INFINITY).is_finite());
    }

    #[test]
    fn messages_show_numbers_as_people_write_them() {
        for (text, shown) in [
            ("0", "0"),
            ("-1.50", "-1.5"),
            ("100", "100"),
            ("1e3", "1000"),
            ("0.001", "0.001"),
            ("1e-8", "0.00000001"),
            ("1e-12", "1e-12"),
            ("1e30", "1e30"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(Decimal::parse(text).to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_number_compares_to_nothing() {
        for text in ["", "-", ".", "e1", "1e", "1e+", "x", "1x", "1.2.3", "--1", "inf", "NaN"] {
            assert!(!Decimal::parse(text).is_finite(), "{text}");
        }
        assert_eq!(Decimal::parse("x").compare(&1.into()), None);
        assert!(!Decimal::parse("x").is_multiple_of(&1.into()));
    }
}
