//! Measuring two ways of doing the same against each other, so that the noise of a machine is shared by both.

use std::time::{Duration, Instant};

/// The median time of each of two ways, which take turns: a disturbance hits both alike.
pub fn compare<A, B>(rounds: usize, first: impl FnMut() -> A, second: impl FnMut() -> B) -> (Duration, Duration) {
    let (first, second) = take_turns(rounds, first, second);
    (median(first), median(second))
}

/// The least time of each of two ways, which take turns: for what is short enough that some rounds go undisturbed.
pub fn fastest<A, B>(rounds: usize, first: impl FnMut() -> A, second: impl FnMut() -> B) -> (Duration, Duration) {
    let (first, second) = take_turns(rounds, first, second);
    let least = |times: Vec<Duration>| times.into_iter().min().unwrap_or_default();
    (least(first), least(second))
}

fn take_turns<A, B>(
    rounds: usize,
    mut first: impl FnMut() -> A,
    mut second: impl FnMut() -> B,
) -> (Vec<Duration>, Vec<Duration>) {
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
    times
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
#[must_use]
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// `numerator / denominator`
#[must_use]
pub fn ratio(numerator: Duration, denominator: Duration) -> f64 {
    numerator.as_secs_f64() / denominator.as_secs_f64().max(f64::MIN_POSITIVE)
}
