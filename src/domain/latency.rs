//! How long requests take, from a histogram's buckets: counts by upper bound over time, and quantiles as Prometheus'
//! `histogram_quantile` computes them (promql/quantile.go, `BucketQuantile`). What lies above the last finite bound is
//! said to be over it, never given a number; no requests is no quantile.

use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;
use super::exact;
use super::sli::Selector;

/// The quantiles that are shown.
pub const QUANTILES: [(f64, &str); 3] = [(0.5, "P50"), (0.95, "P95"), (0.99, "P99")];
/// Relative differences that are rounding (promql/quantile.go, `smallDeltaTolerance`).
const ROUNDING: f64 = 1e-12;

/// A histogram that tells how long the requests of an SLO take.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Histogram {
    /// The metric with the suffix `_bucket`.
    pub metric: Clean,
    /// The selector of its buckets.
    pub selector: Selector,
    /// Seconds of one of its units: 1 where it counts seconds, 0.001 where it counts milliseconds.
    #[serde(with = "exact")]
    pub unit: f64,
}

/// What was found when a histogram was looked for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Found {
    /// One with classic buckets.
    Classic(Histogram),
    /// None with classic buckets; native ones were not looked for yet.
    NotClassic,
    /// There is none that can be read, in a sentence that says why.
    Nothing(Clean),
}

/// Requests of a stretch of time by how long they took.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Its end.
    pub end: Time,
    /// Requests that took no longer than each bound, beside [`Durations::bounds`].
    #[serde(with = "exact")]
    pub within: Vec<f64>,
}

/// Requests by how long they took, over time.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Durations {
    /// Upper bounds in seconds, ascending; the last is `+Inf`.
    #[serde(with = "exact")]
    pub bounds: Vec<f64>,
    /// Consecutive steps, oldest first; those without a sample are left out.
    pub steps: Vec<Step>,
}

/// A quantile of durations.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Quantile {
    /// Seconds.
    At(f64),
    /// Longer than the last finite bound, seconds: nobody knows how long.
    Over(f64),
    /// There were no requests.
    NoRequests,
}

impl Durations {
    /// Bounds and rows of counts made consistent: bounds ascending, counts never falling with the bound. Rows without
    /// the bucket `+Inf` cannot be read and are left out.
    pub fn of(mut bounds: Vec<f64>, rows: Vec<Step>) -> Self {
        bounds.retain(|bound| !bound.is_nan());
        if bounds.last() != Some(&f64::INFINITY) {
            return Self::default();
        }
        let mut steps: Vec<Step> =
            rows.into_iter().filter(|row| row.within.len() == bounds.len()).map(Step::monotonic).collect();
        steps.sort_by_key(|step| step.end);
        Self { bounds, steps }
    }

    /// The quantile `q` (0..1) of a step.
    pub fn quantile(&self, step: &Step, q: f64) -> Quantile {
        let (Some(all), Some(last)) = (step.within.last().copied(), self.bounds.len().checked_sub(1)) else {
            return Quantile::NoRequests;
        };
        if all <= 0.0 || all.is_nan() {
            return Quantile::NoRequests;
        }
        let rank = q * all;
        let at = step.within.iter().take(last).position(|within| *within >= rank).unwrap_or(last);
        let before = at.checked_sub(1);
        if at == last {
            return Quantile::Over(before.map_or(0.0, |n| self.bounds[n]));
        }
        if at == 0 && self.bounds[0] <= 0.0 {
            return Quantile::At(self.bounds[0]);
        }
        let begin = before.map_or(0.0, |n| self.bounds[n]);
        let below = before.map_or(0.0, |n| step.within[n]);
        let inside = step.within[at] - below;
        Quantile::At(begin + (self.bounds[at] - begin) * ((rank - below) / inside))
    }

    /// The step that `at` lies in, if there is one; steps are `length` long.
    pub fn at(&self, at: Time, length: chrono::TimeDelta) -> Option<&Step> {
        let next = self.steps.partition_point(|step| step.end < at);
        self.steps.get(next).filter(|step| step.end - length <= at)
    }
}

impl Step {
    /// All requests of it.
    pub fn total(&self) -> f64 {
        self.within.last().copied().unwrap_or(0.0)
    }

    /// Extrapolation and scrapes at different times can make a larger bucket count less: it counts at least as much.
    fn monotonic(mut self) -> Self {
        let mut most: f64 = 0.0;
        for count in &mut self.within {
            let rounding = (*count - most).abs() <= ROUNDING * most.max(count.abs());
            if rounding || count.is_nan() || *count < most {
                *count = most;
            }
            most = *count;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    fn of(bounds: &[f64], within: &[f64]) -> Durations {
        let step = Step { end: Time::UNIX_EPOCH, within: within.to_vec() };
        Durations::of(bounds.to_vec(), vec![step])
    }

    /// Values of promql/promqltest/testdata/histograms.test.
    #[test]
    fn quantiles_are_those_that_prometheus_publishes() {
        let positive = of(&[0.1, 0.2, 1.0, INF], &[50.0, 70.0, 110.0, 120.0]);
        let negative = of(&[-0.2, -0.1, 0.3, INF], &[10.0, 20.0, 20.0, 30.0]);
        for (q, p, n) in [(0.0, 0.0, -0.2), (0.2, 0.048, -0.2), (0.5, 0.15, -0.15)] {
            for (durations, wanted) in [(&positive, p), (&negative, n)] {
                let Quantile::At(found) = durations.quantile(&durations.steps[0], q) else { panic!("{q}") };
                assert!((found - wanted).abs() < 1e-12, "{q}: {found}, wanted {wanted}");
            }
        }
        // There Prometheus gives the last finite bound as if it were measured.
        assert_eq!(positive.quantile(&positive.steps[0], 1.0), Quantile::Over(1.0));
        assert_eq!(negative.quantile(&negative.steps[0], 0.8), Quantile::Over(0.3));
    }

    #[test]
    fn no_requests_and_no_last_bucket_are_no_quantile() {
        let none = of(&[0.1, INF], &[0.0, 0.0]);
        assert_eq!(none.quantile(&none.steps[0], 0.5), Quantile::NoRequests);
        assert!(
            of(&[0.1, 1.0], &[5.0, 6.0]).steps.is_empty(),
            "without +Inf nobody knows how many there were"
        );
        assert!(of(&[0.1, INF], &[5.0]).steps.is_empty());
        let only = of(&[INF], &[5.0]);
        assert_eq!(only.quantile(&only.steps[0], 0.5), Quantile::Over(0.0));
    }

    #[test]
    fn a_bucket_never_counts_less_than_a_smaller_one() {
        let durations = of(&[0.1, 0.2, 0.4, INF], &[10.0, 9.0, f64::NAN, 20.0]);
        assert_eq!(durations.steps[0].within, [10.0, 10.0, 10.0, 20.0]);
    }

    #[test]
    fn a_point_in_time_finds_the_step_that_it_lies_in() {
        let minute = |n| Time::UNIX_EPOCH + chrono::TimeDelta::minutes(n);
        let step = |n| Step { end: minute(n), within: vec![1.0, 1.0] };
        let durations = Durations::of(vec![1.0, INF], vec![step(5), step(1)]);
        let found = |n| durations.at(minute(n), chrono::TimeDelta::minutes(1)).map(|step| step.end);
        assert_eq!([found(1), found(3), found(4), found(6)], [Some(minute(1)), None, Some(minute(5)), None]);
    }
}
