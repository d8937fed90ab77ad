//! Numbers: an interval, multiples and what is excluded go in, a number that fits comes out, or that there is none.
//! Exact: everything is a decimal of an integer and a power of ten.

use std::cmp::Ordering;

use super::outcome::{Leaf, Reason};
use crate::source::Number;

/// What a number must fulfil.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers<'s> {
    low: Option<Bound<'s>>,
    high: Option<Bound<'s>>,
    /// A multiple of each of these.
    multiples: Vec<&'s Number>,
    /// Of none of these.
    not_multiples: Vec<&'s Number>,
    integer: bool,
    fraction: bool,
    /// None of these.
    outside: Vec<Number>,
}

/// An end of an interval.
#[derive(Clone, Copy, Debug)]
struct Bound<'s> {
    at: &'s Number,
    /// Whether the end itself is allowed.
    inclusive: bool,
}

impl<'s> Numbers<'s> {
    pub(super) fn at_least(&mut self, at: &'s Number, inclusive: bool) {
        let narrower = self.low.is_none_or(|old| match at.compare(old.at) {
            Ordering::Greater => true,
            Ordering::Equal => old.inclusive && !inclusive,
            Ordering::Less => false,
        });
        if narrower {
            self.low = Some(Bound { at, inclusive });
        }
    }

    pub(super) fn at_most(&mut self, at: &'s Number, inclusive: bool) {
        let narrower = self.high.is_none_or(|old| match at.compare(old.at) {
            Ordering::Less => true,
            Ordering::Equal => old.inclusive && !inclusive,
            Ordering::Greater => false,
        });
        if narrower {
            self.high = Some(Bound { at, inclusive });
        }
    }

    pub(super) fn multiple_of(&mut self, divisor: &'s Number) {
        self.multiples.push(divisor);
    }

    pub(super) fn no_multiple_of(&mut self, divisor: &'s Number) {
        self.not_multiples.push(divisor);
    }

    pub(super) fn integer(&mut self) {
        self.integer = true;
    }

    pub(super) fn fraction(&mut self) {
        self.fraction = true;
    }

    pub(super) fn exclude(&mut self, number: Number) {
        self.outside.push(number);
    }

    /// A number that fits.
    pub(super) fn find(&self) -> Leaf<Number> {
        if self.integer && self.fraction {
            return Leaf::Empty;
        }
        if let (Some(low), Some(high)) = (self.low, self.high) {
            match low.at.compare(high.at) {
                Ordering::Greater => return Leaf::Empty,
                Ordering::Equal if low.inclusive && high.inclusive => {
                    return if self.accepts(low.at) { Leaf::Found(low.at.clone()) } else { Leaf::Empty };
                }
                Ordering::Equal => return Leaf::Empty,
                Ordering::Less => {}
            }
        }
        // The commonest case costs nothing.
        if self.multiples.is_empty() {
            for easy in EASY {
                if let Some(number) = Number::parse(easy).filter(|number| self.accepts(number)) {
                    return Leaf::Found(number);
                }
            }
        }
        let found = if self.integer || !self.multiples.is_empty() { self.stepped() } else { self.dense() };
        found.unwrap_or(Leaf::Unknown(Reason::Numbers))
    }

    /// Whether a number fits, by the same arithmetic that checks values.
    fn accepts(&self, number: &Number) -> bool {
        let fits = |bound: Option<Bound<'_>>, outward: Ordering| {
            bound.is_none_or(|bound| match number.compare(bound.at) {
                Ordering::Equal => bound.inclusive,
                order => order != outward,
            })
        };
        fits(self.low, Ordering::Less)
            && fits(self.high, Ordering::Greater)
            && (!self.integer || number.is_integer())
            && (!self.fraction || !number.is_integer())
            && self.multiples.iter().all(|divisor| number.is_multiple_of(divisor))
            && !self.not_multiples.iter().any(|divisor| number.is_multiple_of(divisor))
            && !self.outside.iter().any(|other| number.compare(other).is_eq())
    }

    /// Among the multiples of a step. `None` when the numbers are too long or too far apart.
    fn stepped(&self) -> Option<Leaf<Number>> {
        let mut step = Decimal { digits: 1, exponent: 0 };
        let mut divisors = self.multiples.iter().map(|divisor| Decimal::of(divisor)).collect::<Option<Vec<_>>>()?;
        if self.integer {
            divisors.push(step);
        }
        // A divisor of zero divides everything.
        divisors.retain(|divisor| divisor.digits != 0);
        let Some(first) = divisors.first() else { return self.dense() };
        step = first.absolute();
        for divisor in &divisors[1..] {
            step = step.common_multiple(divisor.absolute())?;
        }
        // A multiple of the step is one of a divisor when its factor is one of `gap`.
        let mut gaps = Vec::new();
        for divisor in &self.not_multiples {
            gaps.push(step.gap(Decimal::of(divisor)?.absolute())?);
        }
        if self.fraction {
            gaps.push(step.gap(Decimal { digits: 1, exponent: 0 })?);
        }
        if gaps.iter().any(|&gap| gap <= 1) {
            return Some(Leaf::Empty);
        }
        let least = match self.low {
            None => i128::MIN,
            Some(bound) => {
                let low = Decimal::of(bound.at)?;
                match low.floor_div(step) {
                    Some((factor, true)) if bound.inclusive => factor,
                    Some((factor, _)) => factor + 1,
                    // What is this far down is no limit.
                    None if low.digits < 0 => i128::MIN,
                    None => return None,
                }
            }
        };
        let most = match self.high {
            None => i128::MAX,
            Some(bound) => {
                let high = Decimal::of(bound.at)?;
                match high.floor_div(step) {
                    Some((factor, true)) if !bound.inclusive => factor - 1,
                    Some((factor, _)) => factor,
                    None if high.digits > 0 => i128::MAX,
                    None => return None,
                }
            }
        };
        if least > most {
            return Some(Leaf::Empty);
        }
        let fits = |factor: i128| -> Option<Number> {
            let skipped = gaps.iter().any(|gap| factor % gap == 0);
            let number = || step.times(factor).map(Decimal::to_number);
            (!skipped).then(number).flatten().filter(|number| self.accepts(number))
        };
        let tries = MAX_TRIES + self.outside.len() as i128;
        // From the smallest outward.
        for distance in 0..tries {
            let (down, up) = if least > 0 {
                (None, least.checked_add(distance))
            } else if most < 0 {
                (most.checked_sub(distance), None)
            } else {
                (Some(-distance), Some(distance))
            };
            let inside = |factor: &i128| (least..=most).contains(factor);
            let (down, up) = (down.filter(inside), up.filter(inside));
            if down.is_none() && up.is_none() {
                return Some(Leaf::Empty);
            }
            if let Some(number) = up.and_then(fits).or_else(|| down.and_then(fits)) {
                return Some(Leaf::Found(number));
            }
        }
        None
    }

    /// In an interval that is not a point and has no step: there is always one.
    fn dense(&self) -> Option<Leaf<Number>> {
        let mut finest = -1;
        for number in self.not_multiples.iter().chain(self.low.iter().chain(&self.high).map(|bound| &bound.at)) {
            finest = finest.min(Decimal::of(number)?.exponent);
        }
        let low = match self.low {
            Some(bound) => Some(Decimal::of(bound.at)?),
            None => None,
        };
        let high = match self.high {
            Some(bound) => Some(Decimal::of(bound.at)?),
            None => None,
        };
        let half = Decimal { digits: 5, exponent: -1 };
        let middle = || low?.plus(high?)?.product(half);
        let one = |sign: i128| Decimal { digits: sign, exponent: 0 };
        let candidates =
            [low, high, low.and_then(|low| low.plus(one(1))), high.and_then(|high| high.plus(one(-1))), middle()];
        for candidate in candidates.into_iter().flatten() {
            let number = candidate.to_number();
            if self.accepts(&number) {
                return Some(Leaf::Found(number));
            }
        }
        // Finer than every divisor and every bound: no multiple of anything, and within the interval.
        let (base, sign) = match (low, high) {
            (Some(low), _) => (low, 1),
            (None, Some(high)) => (high, -1),
            (None, None) => (Decimal { digits: 0, exponent: 0 }, 1),
        };
        for digits in (1..MAX_TRIES).filter(|digits| digits % 10 != 0) {
            let step = Decimal { digits: sign * digits, exponent: finest.checked_sub(6)? };
            let number = base.plus(step)?.to_number();
            if self.accepts(&number) {
                return Some(Leaf::Found(number));
            }
        }
        None
    }
}

/// Tried first.
const EASY: [&str; 4] = ["0", "1", "-1", "0.5"];

/// How many multiples are looked at before the search gives up.
const MAX_TRIES: i128 = 2_000;

/// `digits × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    digits: i128,
    exponent: i64,
}

impl Decimal {
    /// `None` for more than 38 digits.
    fn of(number: &Number) -> Option<Self> {
        let (digits, exponent) = number.scientific()?;
        Some(Decimal { digits, exponent })
    }

    fn absolute(self) -> Self {
        Decimal { digits: self.digits.abs(), ..self }
    }

    /// The digits at a lower exponent.
    fn at(self, exponent: i64) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let zeros = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.digits.checked_mul(10i128.checked_pow(zeros)?)
    }

    fn plus(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        Some(Decimal { digits: self.at(exponent)?.checked_add(other.at(exponent)?)?, exponent })
    }

    fn product(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.checked_add(other.exponent)?;
        Some(Decimal { digits: self.digits.checked_mul(other.digits)?, exponent })
    }

    fn times(self, factor: i128) -> Option<Self> {
        Some(Decimal { digits: self.digits.checked_mul(factor)?, exponent: self.exponent })
    }

    /// The least positive number that both divide.
    fn common_multiple(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        let (a, b) = (self.at(exponent)?, other.at(exponent)?);
        Some(Decimal { digits: (a / gcd(a, b)).checked_mul(b)?, exponent })
    }

    /// The factors of this step that are multiples of `divisor` are the multiples of the result.
    fn gap(self, divisor: Self) -> Option<i128> {
        if divisor.digits == 0 {
            return Some(1);
        }
        let exponent = self.exponent.min(divisor.exponent);
        let (step, divisor) = (self.at(exponent)?, divisor.at(exponent)?);
        Some(divisor / gcd(step, divisor))
    }

    /// The greatest factor of `step` (which is positive) that is not above this, and whether it is exactly this.
    fn floor_div(self, step: Self) -> Option<(i128, bool)> {
        if self.digits == 0 {
            return Some((0, true));
        }
        let exponent = self.exponent.min(step.exponent);
        match (self.at(exponent), step.at(exponent)) {
            (Some(digits), Some(step)) => Some((digits.div_euclid(step), digits.rem_euclid(step) == 0)),
            // So much smaller than one step.
            (Some(digits), None) => Some((if digits < 0 { -1 } else { 0 }, false)),
            // Farther away than can be counted. The near end of an interval cannot be said then.
            (None, _) => None,
        }
    }

    fn to_number(self) -> Number {
        Number::from_scientific(self.digits, self.exponent)
    }
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::Numbers;
    use crate::schema::inclusion::outcome::Leaf;
    use crate::source::Number;

    fn number(text: &str) -> &'static Number {
        Box::leak(Box::new(Number::parse(text).unwrap()))
    }

    fn found(numbers: &Numbers<'_>) -> String {
        match numbers.find() {
            Leaf::Found(number) => number.as_str().to_owned(),
            Leaf::Empty => "none".to_owned(),
            Leaf::Unknown(_) => "?".to_owned(),
        }
    }

    #[test]
    fn a_number_between_two_is_found_however_close_they_are() {
        for (low, high, expected) in
            [("3", "4", "3.5"), ("0.1", "0.10000001", "0.100000005"), ("-4", "-3", "-3.5"), ("7", "7", "none")]
        {
            let mut numbers = Numbers::default();
            numbers.at_least(number(low), false);
            numbers.at_most(number(high), false);
            assert_eq!(found(&numbers), expected, "{low} {high}");
        }
    }

    #[test]
    fn multiples_are_exact() {
        let mut numbers = Numbers::default();
        numbers.at_least(number("0.7"), false);
        numbers.at_most(number("1.3"), false);
        numbers.multiple_of(number("0.25"));
        numbers.multiple_of(number("0.4"));
        assert_eq!(found(&numbers), "none");
        numbers.at_most(number("4"), true);
        let mut numbers = Numbers::default();
        numbers.multiple_of(number("0.25"));
        numbers.multiple_of(number("0.4"));
        numbers.at_least(number("0"), false);
        assert_eq!(found(&numbers), "2");
        numbers.no_multiple_of(number("4"));
        numbers.at_least(number("3"), true);
        assert_eq!(found(&numbers), "6");
        numbers.no_multiple_of(number("0.5"));
        assert_eq!(found(&numbers), "none");
    }

    #[test]
    fn far_numbers_are_no_trouble() {
        let mut numbers = Numbers::default();
        numbers.integer();
        numbers.at_least(number("1e-300"), true);
        numbers.at_most(number("1e-200"), true);
        assert_eq!(found(&numbers), "none");
        let mut numbers = Numbers::default();
        numbers.at_least(number("-1e300"), true);
        numbers.at_most(number("1e300"), true);
        numbers.fraction();
        assert_eq!(found(&numbers), "0.5");
    }
}
