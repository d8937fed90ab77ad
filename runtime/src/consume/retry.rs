//! When to try again: pure arithmetic over attempts, so that it can be tested without waiting.

use std::time::Duration;

/// How long to wait between attempts: exponentially longer, up to a maximum, spread by jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    jitter: f64,
}

impl Backoff {
    /// Waits `first`, then twice as long each time, but never longer than `longest`. Up to a fifth of each wait is
    /// taken off at random, so that many consumers of a failed service do not return at the same moment.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Backoff { first, longest, jitter: 0.2 }
    }

    /// Which part of each wait may be taken off at random: from 0 (none) to 1 (all).
    #[must_use]
    pub fn jitter(mut self, part: f64) -> Self {
        self.jitter = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
        self
    }

    /// The wait after the failed attempt number `attempt` (from 1), for a `random` from 0 to 1.
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        // Beyond 2^31 every sensible pair of bounds has met its maximum.
        let factor = 1_u32 << attempt.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(factor).min(self.longest);
        let random = if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.0 };
        // Rounded to a double, the longest of all is longer than a `Duration` can be.
        let part = Duration::try_from_secs_f64(full.as_secs_f64() * (1.0 - self.jitter * random));
        part.map_or(full, |part| part.min(full))
    }

    /// [`Backoff::delay`] with a random number.
    pub(crate) fn random_delay(&self, attempt: u32) -> Duration {
        // Without randomness of the system, the waits are merely not spread.
        let random = getrandom::u32().map_or(0.0, |number| f64::from(number) / f64::from(u32::MAX));
        self.delay(attempt, random)
    }
}

/// How often a failing event is tried, and with what waits between.
///
/// ```
/// use std::time::Duration;
/// use event_api::consume::{Backoff, RetryPolicy};
///
/// let policy = RetryPolicy::attempts(5).backoff(Backoff::new(Duration::from_millis(100), Duration::from_secs(10)));
/// assert!(policy.delay(4, 0.0).is_some());
/// assert!(policy.delay(5, 0.0).is_none(), "after the fifth attempt it is given up");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    attempts: u32,
    backoff: Backoff,
}

impl RetryPolicy {
    /// At most `attempts` attempts, the first included; 0 counts as 1.
    pub const fn attempts(attempts: u32) -> Self {
        RetryPolicy { attempts, backoff: Backoff::new(Duration::from_millis(200), Duration::from_secs(30)) }
    }

    /// The waits between attempts: 200 ms, doubling up to 30 s, unless set.
    #[must_use]
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// The wait after the failed attempt number `attempt` (from 1), for a `random` from 0 to 1; `None` when it was
    /// the last.
    pub fn delay(&self, attempt: u32, random: f64) -> Option<Duration> {
        (attempt < self.attempts).then(|| self.backoff.delay(attempt, random))
    }

    pub(crate) fn random_delay(&self, attempt: u32) -> Option<Duration> {
        (attempt < self.attempts).then(|| self.backoff.random_delay(attempt))
    }
}

impl Default for RetryPolicy {
    /// Ten attempts over about a minute and a half.
    fn default() -> Self {
        RetryPolicy::attempts(10)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<u128> = (1..=7).map(|attempt| BACKOFF.delay(attempt, 0.0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 2000, 2000]);
    }

    #[test]
    fn jitter_only_shortens() {
        assert_eq!(BACKOFF.delay(1, 1.0), Duration::from_millis(80));
        assert_eq!(BACKOFF.jitter(1.0).delay(3, 1.0), Duration::ZERO);
        assert_eq!(BACKOFF.jitter(f64::NAN).delay(1, 1.0), Duration::from_millis(100));
    }

    fn duration() -> impl Strategy<Value = Duration> {
        let any = (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos));
        prop_oneof![any, Just(Duration::MAX), Just(Duration::ZERO), (0..10_000_u64).prop_map(Duration::from_millis)]
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_longest(
            (first, longest) in (duration(), duration()),
            (attempt, random, jitter) in (any::<u32>(), any::<f64>(), any::<f64>()),
        ) {
            let backoff = Backoff::new(first, longest).jitter(jitter);
            for attempt in [attempt, attempt % 40, u32::MAX] {
                for random in [random, 0.0, 1.0, f64::NAN] {
                    prop_assert!(backoff.delay(attempt, random) <= longest);
                }
            }
        }
    }

    #[test]
    fn the_longest_wait_of_all_is_one() {
        assert_eq!(Backoff::new(Duration::MAX, Duration::MAX).delay(1, 0.0), Duration::MAX);
    }

    #[test]
    fn attempts_are_bounded() {
        let policy = RetryPolicy::attempts(3);
        assert!(policy.delay(2, 0.5).is_some());
        assert_eq!(policy.delay(3, 0.5), None);
        assert_eq!(RetryPolicy::attempts(0).delay(1, 0.5), None);
    }
}
