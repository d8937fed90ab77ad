//! Exact arithmetic on [`Number`]s: what the numeric keywords of JSON Schema ask, without rounding.

use std::cmp::Ordering;

use super::Number;

/// A number as `digits × 10^exponent`, in its one shortest form: no zeros at either end of the digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    /// Empty for zero.
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(number: &Number) -> Self {
        let text = number.as_str();
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, saturating_exponent(exponent)),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let trimmed = all.trim_end_matches('0');
        let zeros = (all.len() - trimmed.len()) as i64;
        let digits = trimmed.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Decimal { negative: false, digits, exponent: 0 };
        }
        let exponent = exponent.saturating_sub(fraction.len() as i64).saturating_add(zeros);
        Decimal { negative, digits, exponent }
    }

    /// The power of ten that the first digit stands behind: `0.digits × 10^magnitude`.
    fn magnitude(&self) -> i64 {
        self.exponent.saturating_add(self.digits.len() as i64)
    }

    fn compare_absolute(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // With the first digits at the same place, text order is numeric order: neither ends in a zero.
            (false, false) => self.magnitude().cmp(&other.magnitude()).then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

/// Exponents beyond 64 bits are as good as infinite.
fn saturating_exponent(text: &str) -> i64 {
    // Far from the ends of the range, so that adding lengths cannot reach them.
    const HUGE: i64 = i64::MAX / 4;
    match text.parse::<i64>() {
        Ok(exponent) => exponent.clamp(-HUGE, HUGE),
        Err(_) if text.starts_with('-') => -HUGE,
        Err(_) => HUGE,
    }
}

impl Number {
    /// Compares by value, whatever the spelling: `1.0` is `1`.
    pub fn compare(&self, other: &Number) -> Ordering {
        let (a, b) = (Decimal::of(self), Decimal::of(other));
        match (a.negative, b.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => a.compare_absolute(&b),
            (true, true) => b.compare_absolute(&a),
        }
    }

    /// Whether it has no fractional part.
    pub fn is_integer(&self) -> bool {
        Decimal::of(self).exponent >= 0
    }

    /// Whether dividing by `divisor` leaves an integer. A divisor of zero, which JSON Schema forbids, or of more than
    /// 38 significant digits divides everything.
    pub fn is_multiple_of(&self, divisor: &Number) -> bool {
        let (value, divisor) = (Decimal::of(self), Decimal::of(divisor));
        let Ok(modulus) = divisor.digits.parse::<u128>() else { return true };
        if value.digits.is_empty() {
            return true;
        }
        // Digits that do not end in zero are no multiple of a higher power of ten.
        let Ok(zeros) = u64::try_from(value.exponent.saturating_sub(divisor.exponent)) else { return false };
        let remainder = value.digits.bytes().fold(0, |remainder, digit| {
            add(multiply(remainder, 10, modulus), u128::from(digit - b'0') % modulus, modulus)
        });
        multiply(remainder, power_of_ten(zeros, modulus), modulus) == 0
    }

    /// The value as an integer and a power of ten, without zeros at the integer's end; `None` for more than 38 digits.
    pub(crate) fn scientific(&self) -> Option<(i128, i64)> {
        let Decimal { negative, digits, exponent } = Decimal::of(self);
        if digits.is_empty() {
            return Some((0, 0));
        }
        let value = digits.parse::<i128>().ok()?;
        Some((if negative { -value } else { value }, exponent))
    }

    /// The number `digits × 10^exponent`, spelled without an exponent where that is short.
    pub(crate) fn from_scientific(digits: i128, exponent: i64) -> Self {
        const PLAIN: i64 = 20;
        if digits == 0 {
            return Number::from(0);
        }
        let (mut digits, mut exponent) = (digits, exponent);
        while digits % 10 == 0 {
            digits /= 10;
            exponent += 1;
        }
        let sign = if digits < 0 { "-" } else { "" };
        let text = digits.unsigned_abs().to_string();
        let spelled = match exponent {
            0..=PLAIN => format!("{sign}{text}{}", "0".repeat(exponent as usize)),
            _ if (-PLAIN..0).contains(&exponent) => {
                let places = exponent.unsigned_abs() as usize;
                let padded = format!("{text:0>width$}", width = places + 1);
                let (whole, fraction) = padded.split_at(padded.len() - places);
                format!("{sign}{whole}.{fraction}")
            }
            _ => format!("{sign}{text}e{exponent}"),
        };
        Number::spelled(spelled)
    }

    /// One spelling for each value, so that equal numbers can be found by their text.
    pub(crate) fn canonical(&self) -> String {
        let Decimal { negative, digits, exponent } = Decimal::of(self);
        format!("{}{}e{exponent}", if negative { "-" } else { "" }, if digits.is_empty() { "0" } else { &digits })
    }
}

fn add(a: u128, b: u128, modulus: u128) -> u128 {
    // Both are below the modulus, so one subtraction brings the sum back.
    match a.checked_add(b) {
        Some(sum) if sum < modulus => sum,
        Some(sum) => sum - modulus,
        None => a - (modulus - b),
    }
}

fn multiply(a: u128, mut b: u128, modulus: u128) -> u128 {
    let mut a = a % modulus;
    if let Some(product) = a.checked_mul(b % modulus) {
        return product % modulus;
    }
    let mut product = 0;
    while b > 0 {
        if b & 1 == 1 {
            product = add(product, a, modulus);
        }
        a = add(a, a, modulus);
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

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use crate::source::Number;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

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
        ] {
            assert_eq!(number(a).compare(&number(b)), expected, "{a} {b}");
            assert_eq!(number(b).compare(&number(a)), expected.reverse(), "{b} {a}");
            assert_eq!(number(a).canonical() == number(b).canonical(), expected == Ordering::Equal);
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
            ("100000000000000000000000000000000000000", "99999999999999999999999999999999999999", false),
            ("1e1000000000000", "64", true),
            ("1e1000000000000", "3", false),
            ("5", "0", true),
        ] {
            assert_eq!(number(value).is_multiple_of(&number(divisor)), expected, "{value} {divisor}");
        }
    }

    #[test]
    fn a_number_has_the_digits_it_is_made_of() {
        for (digits, exponent, text) in
            [(15, 0, "15"), (-15, 2, "-1500"), (15, -1, "1.5"), (-5, -3, "-0.005"), (150, -1, "15"), (3, 40, "3e40")]
        {
            let made = super::super::Number::from_scientific(digits, exponent);
            assert_eq!(made.as_str(), text);
            assert_eq!(Number::parse(text), Some(made));
        }
    }

    #[test]
    fn integers_are_recognised() {
        for (text, expected) in [("1", true), ("1.0", true), ("1.5e1", true), ("1.55e1", false), ("1e-1", false)] {
            assert_eq!(number(text).is_integer(), expected, "{text}");
        }
    }
}
