//! Measuring two ways of doing the same against each other, so that the noise of a machine is shared by both.

use std::time::{Duration, Instant};

/// The median time of each of two ways, which take turns: a disturbance hits both alike.
pub fn compare<A, B>(
    rounds: usize,
    mut first: impl FnMut() -> A,
    mut second: impl FnMut() -> B,
) -> (Duration, Duration) {
    let mut times = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    // The first turn of each fills caches, and is not counted.
    for round in 0..=rounds {
        let one = time(&mut first);
        let two = time(&mut second);
        if round > 0 {
            times.0.push(one);
            times.1.push(two);
        }
    }
    (median(times.0), median(times.1))
}

/// How long it takes, without the time to drop what comes of it.
fn time<T>(run: &mut impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    let result = std::hint::black_box(run());
    let elapsed = start.elapsed();
    drop(result);
    elapsed
}

/// The middle one.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// `numerator / denominator`
#[must_use]
pub fn ratio(numerator: Duration, denominator: Duration) -> f64 {
    numerator.as_secs_f64() / denominator.as_secs_f64().max(f64::MIN_POSITIVE)
}
