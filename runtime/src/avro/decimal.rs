//! The logical type `decimal`: numbers with a fixed count of digits behind the point.

use std::fmt;
use std::str::FromStr;

use crate::codegen::Invalid;

/// A decimal number of at most `PRECISION` digits, `SCALE` of them behind the point. Nothing is ever rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal<const PRECISION: u32, const SCALE: u32>(i128);

impl<const PRECISION: u32, const SCALE: u32> Decimal<PRECISION, SCALE> {
    /// The number `unscaled × 10^-SCALE`.
    ///
    /// # Errors
    /// When it has more than `PRECISION` digits.
    pub fn from_unscaled(unscaled: i128) -> Result<Self, Invalid> {
        let fits = 10u128.checked_pow(PRECISION).is_none_or(|limit| unscaled.unsigned_abs() < limit);
        if fits {
            Ok(Decimal(unscaled))
        } else {
            Err(Invalid::decimal(format!("{unscaled} has more than {PRECISION} digits")))
        }
    }

    /// The number times `10^SCALE`.
    #[must_use]
    pub fn unscaled(self) -> i128 {
        self.0
    }

    /// Two's complement, big-endian, in as few bytes as it takes.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let bytes = self.0.to_be_bytes();
        let sign = if self.0 < 0 { 0xff } else { 0 };
        let has_sign = |byte: u8| (byte & 0x80 != 0) == (self.0 < 0);
        let mut start = 0;
        while start < bytes.len() - 1 && bytes[start] == sign && has_sign(bytes[start + 1]) {
            start += 1;
        }
        bytes[start..].to_vec()
    }

    /// The same in exactly `size` bytes.
    pub(crate) fn to_sized_bytes(self, size: usize) -> Option<Vec<u8>> {
        let short = self.to_bytes();
        let sign = if self.0 < 0 { 0xff } else { 0 };
        let mut bytes = vec![sign; size.checked_sub(short.len())?];
        bytes.extend(short);
        Some(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Invalid> {
        let sign = bytes.first().map_or(0, |first| if first & 0x80 != 0 { 0xff } else { 0 });
        let start = bytes.len().saturating_sub(16);
        let (more, last) = bytes.split_at(start);
        let lost = more.iter().any(|byte| *byte != sign) || (!more.is_empty() && (last[0] ^ sign) & 0x80 != 0);
        if lost {
            return Err(Invalid::decimal(format!("it has more than {PRECISION} digits")));
        }
        let mut full = [sign; 16];
        full[16 - last.len()..].copy_from_slice(last);
        Self::from_unscaled(i128::from_be_bytes(full))
    }
}

impl<const PRECISION: u32, const SCALE: u32> fmt::Display for Decimal<PRECISION, SCALE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.unsigned_abs().to_string();
        let scale = SCALE as usize;
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let point = if fraction.is_empty() { "" } else { "." };
        f.pad_integral(self.0 >= 0, "", &format!("{whole}{point}{fraction}"))
    }
}

impl<const PRECISION: u32, const SCALE: u32> FromStr for Decimal<PRECISION, SCALE> {
    type Err = Invalid;

    /// Reads `-12.50`: at most `SCALE` digits behind the point, none of which is lost.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid =
            || Invalid::decimal(format!("{text:?} is no decimal number with {SCALE} digits behind the point"));
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_short = fraction.len() <= SCALE as usize;
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || !is_short || unsigned.ends_with('.') {
            return Err(invalid());
        }
        let digits = format!("{whole}{fraction:0<scale$}", scale = SCALE as usize);
        let unscaled: i128 = digits.parse().map_err(|_| invalid())?;
        Self::from_unscaled(if negative { -unscaled } else { unscaled })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
mod tests {
    use super::Decimal;

    #[test]
    fn text_and_bytes_are_the_same_number() {
        for (text, bytes) in [
            ("0.00", &[0u8][..]),
            ("1.27", &[0x7f]),
            ("1.28", &[0, 0x80]),
            ("-1.28", &[0x80]),
            ("-1.29", &[0xff, 0x7f]),
            ("-0.01", &[0xff]),
            ("1234567.89", &[0x07, 0x5b, 0xcd, 0x15]),
        ] {
            let decimal: Decimal<10, 2> = text.parse().unwrap();
            assert_eq!(decimal.to_string(), text);
            assert_eq!(decimal.to_bytes(), bytes, "{text}");
            assert_eq!(Decimal::<10, 2>::from_bytes(bytes).unwrap(), decimal);
            let long = decimal.to_sized_bytes(20).unwrap();
            assert_eq!(Decimal::<10, 2>::from_bytes(&long).unwrap(), decimal, "{text} in twenty bytes");
        }
        assert_eq!("5".parse::<Decimal<3, 2>>().unwrap().to_string(), "5.00");
        assert_eq!("170141183460469231731687303715884105727".parse::<Decimal<38, 0>>().ok(), None);
    }

    #[test]
    fn digits_are_never_lost() {
        for text in ["", ".5", "5.", "1.234", "10.00", "+1", "1e2", "--1", "1.-2"] {
            assert!(text.parse::<Decimal<3, 2>>().is_err(), "{text}");
        }
        assert!(Decimal::<3, 2>::from_unscaled(1000).is_err());
        assert!(Decimal::<3, 2>::from_bytes(&[3, 0xe8]).is_err());
        assert!(Decimal::<38, 0>::from_bytes(&[1; 17]).is_err());
        assert!(Decimal::<38, 0>::from_bytes(&[0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(Decimal::<10, 2>::from_unscaled(123_456).unwrap().to_sized_bytes(2).is_none());
        assert_eq!(Decimal::<3, 2>::from_bytes(&[]).unwrap().unscaled(), 0);
    }
}
