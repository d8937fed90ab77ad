//! When a delivery is tried again: pure arithmetic over attempts and `Retry-After`.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

/// The waits between the attempts to deliver one event. After the last one it becomes a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule(Vec<Duration>);

impl RetrySchedule {
    /// These waits: `n` of them make `n + 1` attempts. Each is lengthened at random by up to a fifth, so that many
    /// subscriptions to one failed service do not return at the same moment.
    pub fn new(waits: impl Into<Vec<Duration>>) -> Self {
        RetrySchedule(waits.into())
    }

    /// The wait after the failed attempt number `attempt` (from 1), for a `random` from 0 to 1; `None` when it was the
    /// last.
    pub(crate) fn wait(&self, attempt: u32, random: f64) -> Option<Duration> {
        let index = usize::try_from(attempt).ok()?.checked_sub(1)?;
        let wait = *self.0.get(index)?;
        Some(wait.saturating_add(wait.mul_f64(0.2 * random.clamp(0.0, 1.0)).min(LONGEST_RETRY_AFTER)))
    }
}

impl Default for RetrySchedule {
    /// The example schedule of Standard Webhooks: ten attempts over a bit more than three days.
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let waits = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];
        RetrySchedule(waits.map(Duration::from_secs).to_vec())
    }
}

/// An endpoint cannot ask for a longer wait than the schedule's longest.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads `Retry-After`: seconds, or one of the three forms of an HTTP date (RFC 9110, sections 10.2.3 and 5.6.7).
pub(crate) fn retry_after(header: &str, now: DateTime<Utc>) -> Option<Duration> {
    let header = header.trim();
    let wait = if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large for 64 bits is a long time.
        Duration::from_secs(header.parse().unwrap_or(u64::MAX))
    } else {
        let old = |format| NaiveDateTime::parse_from_str(header, format).map(|time| time.and_utc());
        let time = DateTime::parse_from_rfc2822(header)
            .map(|time| time.to_utc())
            .or_else(|_| old("%A, %d-%b-%y %H:%M:%S GMT"))
            .or_else(|_| old("%a %b %e %H:%M:%S %Y"))
            .ok()?;
        (time - now).to_std().unwrap_or_default()
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_schedule_takes_about_three_days() {
        let schedule = RetrySchedule::default();
        let waits: Vec<Duration> = (1..).map_while(|attempt| schedule.wait(attempt, 0.0)).collect();
        assert_eq!(waits.len(), 9);
        assert_eq!(waits.iter().sum::<Duration>().as_secs() / 3600, 75);
        assert!(waits.is_sorted());
        assert_eq!(schedule.wait(0, 0.0), None);
        assert_eq!(schedule.wait(1, 1.0), Some(Duration::from_secs(6)));
        assert!(RetrySchedule::new([Duration::MAX]).wait(1, 1.0).is_some());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        let half_a_minute = Some(Duration::from_secs(30));
        for header in [
            "30",
            " 30 ",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(retry_after(header, now), half_a_minute, "{header}");
        }
        for header in ["31536000", "99999999999999999999999", "Sat, 06 Nov 2094 08:49:37 GMT"] {
            assert_eq!(retry_after(header, now), Some(LONGEST_RETRY_AFTER), "{header}");
        }
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        for header in ["", "-1", "1.5", "soon"] {
            assert_eq!(retry_after(header, now), None, "{header}");
        }
    }
}
