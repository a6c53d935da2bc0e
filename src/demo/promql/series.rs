//! Time series in memory: samples in order of time, stale markers, and what makes long windows cheap (running totals
//! of counter resets, and of values where a sum over 30 days is asked for on every evaluation).

use std::collections::BTreeMap;
use std::sync::Arc;

use promql_parser::label::{METRIC_NAME, Matchers};

use crate::demo::clock::Millis;

/// A label set in alphabetical order. `__name__` is a label like any other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Labels(Arc<Vec<(Arc<str>, Arc<str>)>>);

impl Labels {
    /// From pairs in any order; a later pair wins; empty values are no labels.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let map: BTreeMap<Arc<str>, Arc<str>> = pairs
            .into_iter()
            .map(|(name, value)| (Arc::from(name.as_ref()), Arc::from(value.as_ref())))
            .collect();
        Self(Arc::new(map.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }

    /// The value of `name`, empty when there is no such label.
    pub fn get(&self, name: &str) -> &str {
        match self.0.binary_search_by(|(n, _)| n.as_ref().cmp(name)) {
            Ok(at) => &self.0[at].1,
            Err(_) => "",
        }
    }

    /// All pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Only the labels for which `keep` holds.
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(Arc::new(self.0.iter().filter(|(name, _)| keep(name)).cloned().collect()))
    }

    /// Without `__name__`.
    pub fn nameless(&self) -> Self {
        if self.get(METRIC_NAME).is_empty() {
            self.clone()
        } else {
            self.filtered(|name| name != METRIC_NAME)
        }
    }

    /// With `name` set to `value`; an empty value removes it.
    pub fn with(&self, name: &str, value: &str) -> Self {
        Self::new(self.iter().filter(|(n, _)| *n != name).chain([(name, value)]))
    }
}

/// One series.
#[derive(Debug)]
pub struct Series {
    /// Its label set, with the name.
    pub labels: Labels,
    /// Its label set without the name, made once because every `rate` needs it.
    pub nameless: Labels,
    times: Vec<Millis>,
    values: Vec<f64>,
    /// Times of stale markers: the series was absent from a scrape that should have had it.
    stale: Vec<Millis>,
    /// `(index, total)`: from sample `index` on, `total` has been lost to counter resets.
    resets: Vec<(usize, f64)>,
    /// Running sum before each sample, kept only for the series that are summed over long windows.
    sums: Option<Vec<f64>>,
    /// Indexes of samples that are not finite; a running sum is of no use across them.
    wild: Vec<usize>,
}

/// The samples of one window.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    series: &'a Series,
    from: usize,
    to: usize,
}

impl Series {
    fn new(labels: Labels, summed: bool) -> Self {
        Self {
            nameless: labels.nameless(),
            labels,
            times: Vec::new(),
            values: Vec::new(),
            stale: Vec::new(),
            resets: Vec::new(),
            sums: summed.then(Vec::new),
            wild: Vec::new(),
        }
    }

    fn push(&mut self, at: Millis, value: f64) {
        let index = self.times.len();
        if let Some(before) = self.values.last()
            && value < *before
        {
            let lost = self.resets.last().map_or(0.0, |(_, total)| *total) + before;
            self.resets.push((index, lost));
        }
        if let Some(sums) = &mut self.sums {
            let before = match (sums.last(), self.values.last()) {
                (Some(sum), Some(value)) if value.is_finite() => sum + value,
                (Some(sum), _) => *sum,
                (None, _) => 0.0,
            };
            sums.push(before);
        }
        if !value.is_finite() {
            self.wild.push(index);
        }
        self.times.push(at);
        self.values.push(value);
    }

    fn first_after(&self, at: Millis) -> usize {
        self.times.partition_point(|t| *t <= at)
    }

    /// The newest sample in `(at - lookback, at]`, unless a stale marker follows it.
    pub fn at(&self, at: Millis, lookback: Millis) -> Option<(Millis, f64)> {
        let index = self.first_after(at).checked_sub(1)?;
        let time = self.times[index];
        let marker = self.stale.partition_point(|t| *t <= at);
        let stale = marker > 0 && self.stale[marker - 1] > time;
        (time > at - lookback && !stale).then(|| (time, self.values[index]))
    }

    /// The samples in `(from, to]`: open on the left, as in Prometheus 3.
    pub fn range(&self, from: Millis, to: Millis) -> Range<'_> {
        Range { series: self, from: self.first_after(from), to: self.first_after(to) }
    }
}

impl<'a> Range<'a> {
    /// How many samples.
    pub fn len(&self) -> usize {
        self.to - self.from
    }

    /// True when the window holds no sample.
    pub fn is_empty(&self) -> bool {
        self.to <= self.from
    }

    /// The times of the samples.
    pub fn times(&self) -> &'a [Millis] {
        &self.series.times[self.from..self.to]
    }

    /// The values of the samples.
    pub fn values(&self) -> &'a [f64] {
        &self.series.values[self.from..self.to]
    }

    /// What the counter lost to resets after the first and up to the last sample.
    pub fn resets(&self) -> f64 {
        let lost = |index: usize| {
            let n = self.series.resets.partition_point(|(at, _)| *at <= index);
            if n == 0 { 0.0 } else { self.series.resets[n - 1].1 }
        };
        if self.is_empty() { 0.0 } else { lost(self.to - 1) - lost(self.from) }
    }

    /// The sum of the values, from the running sums where they are kept and usable.
    pub fn sum(&self) -> f64 {
        let wild = self.series.wild.partition_point(|index| *index < self.from);
        let usable = self.series.wild.get(wild).is_none_or(|index| *index >= self.to);
        match &self.series.sums {
            Some(sums) if usable && !self.is_empty() => {
                sums[self.to - 1] + self.series.values[self.to - 1] - sums[self.from]
            }
            _ => super::sum(self.values().iter().copied()),
        }
    }
}

/// All series, found by name.
#[derive(Debug, Default)]
pub struct Storage {
    series: Vec<Series>,
    by_labels: BTreeMap<Labels, usize>,
    by_name: BTreeMap<Arc<str>, Vec<usize>>,
}

impl Storage {
    /// The series with exactly `labels`, made when it does not exist. `summed` keeps running sums for it.
    pub fn open(&mut self, labels: &Labels, summed: bool) -> usize {
        if let Some(id) = self.by_labels.get(labels) {
            return *id;
        }
        let id = self.series.len();
        self.series.push(Series::new(labels.clone(), summed));
        self.by_labels.insert(labels.clone(), id);
        self.by_name.entry(Arc::from(labels.get(METRIC_NAME))).or_default().push(id);
        id
    }

    /// Appends a sample. Out of order samples are dropped, as Prometheus does.
    pub fn push(&mut self, id: usize, at: Millis, value: f64) {
        let series = &mut self.series[id];
        if series.times.last().is_none_or(|last| *last < at) {
            series.push(at, value);
        }
    }

    /// Says that the series was not there at `at`. A series that is stale already stays as it is.
    pub fn end(&mut self, id: usize, at: Millis) {
        let series = &mut self.series[id];
        let alive = series.times.last().is_some_and(|last| series.stale.last().is_none_or(|s| s < last));
        if alive {
            series.stale.push(at);
        }
    }

    /// Gives back the memory that was reserved for growth: after the past is written, most series grow no more.
    pub fn shrink(&mut self) {
        for series in &mut self.series {
            series.times.shrink_to_fit();
            series.values.shrink_to_fit();
            if let Some(sums) = &mut series.sums {
                sums.shrink_to_fit();
            }
        }
    }

    /// One series.
    pub fn get(&self, id: usize) -> &Series {
        &self.series[id]
    }

    /// How many series there are; grows only.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// True when there is no series.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The series that `name` and `matchers` select.
    pub fn select(&self, name: Option<&str>, matchers: &Matchers) -> Vec<usize> {
        let fits = |id: &usize| {
            let labels = &self.series[*id].labels;
            matchers.matchers.iter().all(|m| m.is_match(labels.get(&m.name)))
        };
        match name {
            Some(name) => self
                .by_name
                .get(name)
                .map_or_else(Vec::new, |ids| ids.iter().copied().filter(|id| fits(id)).collect()),
            None => (0..self.series.len()).filter(|id| fits(id)).collect(),
        }
    }

    /// Every metric name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(samples: &[(Millis, f64)], summed: bool) -> Storage {
        let mut storage = Storage::default();
        let id = storage.open(&Labels::new([("__name__", "x")]), summed);
        for (at, value) in samples {
            storage.push(id, *at, *value);
        }
        storage
    }

    #[test]
    fn a_sample_is_seen_for_five_minutes_or_until_the_series_is_missed() {
        let mut storage = series(&[(1_000, 7.0)], false);
        assert_eq!(storage.get(0).at(999, 300_000), None);
        assert_eq!(storage.get(0).at(1_000, 300_000), Some((1_000, 7.0)));
        assert_eq!(storage.get(0).at(300_999, 300_000), Some((1_000, 7.0)));
        assert_eq!(storage.get(0).at(301_000, 300_000), None, "open on the left");
        storage.end(0, 16_000);
        assert_eq!(storage.get(0).at(15_999, 300_000), Some((1_000, 7.0)));
        assert_eq!(storage.get(0).at(16_000, 300_000), None);
        storage.push(0, 31_000, 8.0);
        assert_eq!(storage.get(0).at(31_000, 300_000), Some((31_000, 8.0)));
    }

    #[test]
    fn running_sums_give_what_adding_gives_and_step_aside_for_nan() {
        let samples: Vec<(Millis, f64)> = (1..=50).map(|n| (n * 10, 1.0 / n as f64)).collect();
        let (kept, plain) = (series(&samples, true), series(&samples, false));
        for (from, to) in [(0, 500), (100, 110), (155, 333), (490, 900), (600, 700)] {
            let (a, b) = (kept.get(0).range(from, to).sum(), plain.get(0).range(from, to).sum());
            assert!((a - b).abs() < 1e-12, "({from}, {to}]: {a} {b}");
        }
        let holed = series(&[(10, 1.0), (20, f64::NAN), (30, 2.0), (40, 3.0)], true);
        assert!(holed.get(0).range(0, 40).sum().is_nan());
        assert_eq!(holed.get(0).range(20, 40).sum(), 5.0);
        assert_eq!(holed.get(0).range(0, 10).sum(), 1.0);
    }
}
