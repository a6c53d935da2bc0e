//! How long requests take: log-normal around a median that breathes a little and grows where a pod is short of
//! capacity. Requests of a moment are spread over a histogram's buckets in the proportions of that distribution, so its
//! counts are whole, only grow, never cross, and add up to the requests that there were.

use super::clock::Millis;
use super::noise;

/// Upper bounds in seconds as they stand in `le`, those of most client libraries; the last has none.
pub const BOUNDS: [(f64, &str); 12] = [
    (0.005, "0.005"),
    (0.01, "0.01"),
    (0.025, "0.025"),
    (0.05, "0.05"),
    (0.1, "0.1"),
    (0.25, "0.25"),
    (0.5, "0.5"),
    (1.0, "1"),
    (2.5, "2.5"),
    (5.0, "5"),
    (10.0, "10"),
    (f64::INFINITY, "+Inf"),
];
/// Width of the distribution: 99 of 100 requests take less than 3.6 medians.
const SIGMA: f64 = 0.55;
/// How much longer a request takes at the most where there is no capacity left.
const SLOWEST: f64 = 40.0;
/// The median stays the same for so long.
const SPELL: Millis = 300_000;

/// The share of requests within each bound.
pub(super) type Shape = [f64; BOUNDS.len()];

/// The shape around `median` seconds.
pub(super) fn shape(median: f64) -> Shape {
    BOUNDS.map(|(bound, _)| if bound.is_finite() { normal((bound / median).ln() / SIGMA) } else { 1.0 })
}

/// `median` as it is at a moment: a little faster or slower, and slow where `used` (1: all) of a pod's capacity is.
pub(super) fn breathing(median: f64, used: f64, key: u64, at: Millis) -> f64 {
    let breath = 0.92 + 0.16 * noise::step(key ^ 11, at.div_euclid(SPELL));
    let queue = (1.0 / (1.0 - used.clamp(0.0, 1.0)).max(1.0 / SLOWEST)).max(1.0);
    median * breath * queue
}

/// The normal distribution function (Abramowitz and Stegun 26.2.17; error below 7.5e-8).
fn normal(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    let tail = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * sum;
    if x >= 0.0 { 1.0 - tail } else { tail }
}

/// Requests so far within each bound.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Spread([f64; BOUNDS.len()]);

impl Spread {
    /// More requests with durations of `shape`.
    pub fn add(&mut self, requests: u64, shape: &Shape) {
        for (within, share) in self.0.iter_mut().zip(shape) {
            *within += requests as f64 * share;
        }
    }

    /// Whole requests within each bound.
    pub fn counts(&self) -> impl Iterator<Item = f64> + '_ {
        // A sum of shares may miss a whole number by its rounding.
        self.0.iter().map(|within| (within + 1e-6).floor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_requests_are_within_the_median_and_all_of_them_within_no_bound() {
        let shape = shape(0.05);
        assert!((shape[3] - 0.5).abs() < 1e-6, "{shape:?}");
        assert!((shape[4] - 0.896).abs() < 1e-3 && shape[11] == 1.0, "{shape:?}");
        assert!(shape.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn counts_are_whole_grow_and_add_up() {
        let mut spread = Spread::default();
        let mut before = [0.0; BOUNDS.len()];
        for n in 1..=50 {
            spread.add(n, &shape(0.02 * n as f64));
            let counts: Vec<f64> = spread.counts().collect();
            assert!(counts.iter().zip(before).all(|(now, before)| *now >= before && now.fract() == 0.0));
            assert!(counts.windows(2).all(|pair| pair[0] <= pair[1]));
            before.copy_from_slice(&counts);
        }
        assert_eq!(before[11], 1_275.0);
    }

    #[test]
    fn a_pod_without_capacity_is_slow_but_not_endlessly() {
        let median = |used| breathing(0.05, used, 7, 0);
        assert!(median(0.9) > 5.0 * median(0.0) && median(5.0) < 2.5 && median(f64::NAN) > 0.0);
    }
}
