//! `histogram_quantile` of classic buckets, as Prometheus computes it (promql/quantile.go, `BucketQuantile`): linear
//! inside of a bucket, the last finite bound for what lies above it, NaN where there is nothing to compute.
//! `histogram_count` is there so that it can be asked whether there are native histograms: here there are none.

use std::collections::BTreeMap;

use promql_parser::parser::Call;

use super::eval::{Scope, unsupported};
use super::series::Labels;
use super::{Refusal, Sample, Value, distinct};

const LE: &str = "le";
/// Differences between neighbours that are rounding, relative.
const ROUNDING: f64 = 1e-12;

/// `histogram_quantile(q, buckets)`.
pub(super) fn quantile(scope: &Scope<'_>, call: &Call) -> Result<Value, Refusal> {
    let [q, buckets] = call.args.args.as_slice() else {
        return Err(unsupported("`histogram_quantile` without its two arguments"));
    };
    let Value::Scalar(q) = scope.eval(q)? else {
        return Err(unsupported("`histogram_quantile` whose first argument is no scalar"));
    };
    let mut groups: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for sample in scope.vector(buckets)? {
        // What has no bound, or none that is a number, is no bucket.
        let Ok(bound) = sample.labels.get(LE).parse::<f64>() else { continue };
        let group = sample.labels.nameless().with(LE, "");
        groups.entry(group).or_default().push((bound, sample.value));
    }
    let samples = groups.into_iter().map(|(labels, buckets)| Sample { labels, value: of(q, buckets) });
    distinct(samples.collect()).map(Value::Vector)
}

/// `histogram_count(v)`: of floats there is none.
pub(super) fn count(scope: &Scope<'_>, call: &Call) -> Result<Value, Refusal> {
    let argument = call.args.args.first().ok_or_else(|| unsupported("`histogram_count` of nothing"))?;
    scope.vector(argument)?;
    Ok(Value::Vector(Vec::new()))
}

/// The quantile of cumulative counts by upper bound.
fn of(q: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if !(0.0..=1.0).contains(&q) {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    if buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
        return f64::NAN;
    }
    let buckets = monotonic(coalesced(buckets));
    let Some(all) = buckets.last().map(|(_, count)| *count).filter(|count| *count > 0.0) else {
        return f64::NAN;
    };
    let finite = buckets.len() - 1;
    if finite == 0 {
        return f64::NAN;
    }
    let rank = q * all;
    let at = buckets[..finite].partition_point(|(_, count)| *count < rank);
    if at == finite {
        return buckets[finite - 1].0;
    }
    let (end, count) = buckets[at];
    if at == 0 && end <= 0.0 {
        return end;
    }
    let (begin, below) = if at == 0 { (0.0, 0.0) } else { buckets[at - 1] };
    begin + (end - begin) * ((rank - below) / (count - below))
}

/// Bounds that are written differently and are the same ("0.2", "2e-1") are one bucket.
fn coalesced(buckets: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut one: Vec<(f64, f64)> = Vec::new();
    for (bound, count) in buckets {
        match one.last_mut() {
            Some(last) if last.0 == bound => last.1 += count,
            _ => one.push((bound, count)),
        }
    }
    one
}

/// A bucket that counts less than a smaller one counts as much.
fn monotonic(mut buckets: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut most = buckets.first().map_or(0.0, |(_, count)| *count);
    for (_, count) in &mut buckets {
        let small = (*count - most).abs() <= ROUNDING * count.abs().max(most.abs());
        if small || *count < most {
            *count = most;
        }
        most = *count;
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::promql::Query;
    use crate::demo::promql::series::Storage;

    /// Series with one sample at 50 min, as `promql/promqltest/testdata/histograms.test` has them there.
    /// Name, labels and value.
    type Recorded<'a> = (&'a str, &'a [(&'a str, &'a str)], f64);

    fn storage(rows: &[Recorded<'_>]) -> Storage {
        let mut storage = Storage::default();
        for (name, labels, value) in rows {
            let all = labels.iter().copied().chain([("__name__", *name)]);
            let id = storage.open(&Labels::new(all), false);
            storage.push(id, 3_000_000, *value);
        }
        storage
    }

    fn answer(storage: &Storage, query: &str) -> Vec<(String, f64)> {
        let value = Query::parse(query).expect("PromQL").instant(storage, 3_000_000).expect("an answer");
        let Value::Vector(samples) = value else { panic!("{query} is no vector") };
        let labels = |sample: &Sample| sample.labels.iter().map(|(n, v)| format!("{n}={v}")).collect();
        samples.iter().map(|s| (labels(s), s.value)).collect()
    }

    #[test]
    fn quantiles_are_those_of_prometheus_own_tests() {
        let positive =
            [("0.1", 50.0), (".2", 70.0), ("1e0", 110.0), ("+Inf", 120.0)].map(|(le, n)| ("positive", le, n));
        let negative =
            [("-.2", 10.0), ("-0.1", 20.0), ("0.3", 20.0), ("+Inf", 30.0)].map(|(le, n)| ("negative", le, n));
        let labels: Vec<([(&str, &str); 2], f64)> = positive
            .into_iter()
            .chain(negative)
            .map(|(start, le, n)| ([("start", start), ("le", le)], n))
            .collect();
        let rows: Vec<Recorded<'_>> =
            labels.iter().map(|(labels, n)| ("testhistogram_bucket", labels.as_slice(), *n)).collect();
        let storage = storage(&rows);
        let inf = f64::INFINITY;
        for (q, positive, negative) in [
            ("-0.1", -inf, -inf),
            ("1.01", inf, inf),
            ("0", 0.0, -0.2),
            ("0.2", 0.048, -0.2),
            ("0.5", 0.15, -0.15),
            ("0.8", 0.72, 0.3),
            ("1", 1.0, 0.3),
        ] {
            let found = answer(&storage, &format!("histogram_quantile({q}, testhistogram_bucket)"));
            for ((labels, value), (wanted, of)) in
                found.iter().zip([(negative, "start=negative"), (positive, "start=positive")])
            {
                let same = *value == wanted || (value - wanted).abs() < 1e-12;
                assert!(labels == of && same, "{q}: {labels} {value}, wanted {wanted}");
            }
            assert_eq!(found.len(), 2);
        }
        assert!(
            answer(&storage, "histogram_quantile(NaN, testhistogram_bucket)").iter().all(|(_, v)| v.is_nan())
        );
        assert!(answer(&storage, "histogram_count(testhistogram_bucket)").is_empty());
    }

    #[test]
    fn buckets_of_several_pods_are_summed_by_bound_first() {
        let pods: [(&str, &str, [f64; 3]); 4] = [
            ("job1", "ins1", [10.0, 30.0, 40.0]),
            ("job1", "ins2", [20.0, 50.0, 60.0]),
            ("job2", "ins1", [30.0, 40.0, 60.0]),
            ("job2", "ins2", [40.0, 70.0, 90.0]),
        ];
        let labels: Vec<([(&str, &str); 3], f64)> = pods
            .iter()
            .flat_map(|(job, instance, counts)| {
                ["0.1", "0.2", "+Inf"]
                    .iter()
                    .zip(counts)
                    .map(|(le, n)| ([("job", *job), ("instance", *instance), ("le", *le)], *n))
            })
            .collect();
        let rows: Vec<Recorded<'_>> =
            labels.iter().map(|(l, n)| ("request_duration_seconds_bucket", l.as_slice(), *n)).collect();
        let storage = storage(&rows);
        for (q, wanted) in [(0.3, 0.075), (0.5, 0.127_777_777_777_777_8)] {
            let query = format!("histogram_quantile({q}, sum by (le) (request_duration_seconds_bucket))");
            let found = answer(&storage, &query);
            assert!(found.len() == 1 && (found[0].1 - wanted).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn nothing_to_compute_is_nan_and_a_smaller_count_is_lifted() {
        let nan = |buckets: &[(f64, f64)]| of(0.5, buckets.to_vec()).is_nan();
        assert!(nan(&[(0.1, 5.0), (1.0, 6.0)]), "without +Inf");
        assert!(nan(&[(f64::INFINITY, 6.0)]), "without a finite bound");
        assert!(nan(&[(0.1, 0.0), (f64::INFINITY, 0.0)]), "without observations");
        assert_eq!(of(0.5, vec![(1.0, 10.0), (2.0, 8.0), (f64::INFINITY, 20.0)]), 1.0);
        assert_eq!(of(0.25, vec![(1.0, 1.0), (1.0, 1.0), (f64::INFINITY, 4.0)]), 0.5, "one bound, twice");
    }
}
