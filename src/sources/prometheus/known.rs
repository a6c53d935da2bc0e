//! The newest answers about recorded SLOs, by `sloth_id` and by the labels that identify a series. What disappears
//! from the answers keeps its last number, marked as stale: silence is no recovery.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Labels, Series, time};
use super::rules::{Active, Rules, SLOTH_ID, identity};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::value::Value;

/// A reading and what it was before it disappeared.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Kept {
    pub value: Value,
    /// Time of the sample, as far as it is known; else of the evaluation.
    pub at: Time,
    /// The last finite number, and when.
    number: Option<(f64, Time)>,
    pub present: bool,
}

impl Kept {
    fn new(value: Value, at: Time, before: Option<&Self>) -> Self {
        let number = value.number().map(|number| (number, at));
        Self { value, at, number: number.or(before.and_then(|before| before.number)), present: true }
    }

    fn gone(&mut self) {
        if self.present {
            self.present = false;
            self.value = self.number.map_or(Value::Absent, |(last, since)| Value::Stale { last, since });
        }
    }

    /// The sample is no newer than this.
    fn sampled(&mut self, at: Time) {
        if self.present {
            self.at = self.at.min(at);
            if self.value.number().is_some()
                && let Some((_, since)) = &mut self.number
            {
                *since = (*since).min(at);
            }
        }
    }
}

/// Takes the readings of `series` into `kept`, and marks those that are not among them.
pub(super) fn refresh<K: Ord + Clone>(
    kept: &mut BTreeMap<K, Kept>,
    of: impl Fn(&K) -> bool,
    series: impl Iterator<Item = (K, Value, Time)>,
) {
    let mut seen = BTreeSet::new();
    for (key, value, at) in series {
        let new = Kept::new(value, at, kept.get(&key));
        kept.insert(key.clone(), new);
        seen.insert(key);
    }
    for (key, kept) in kept.iter_mut() {
        if of(key) && !seen.contains(key) {
            kept.gone();
        }
    }
}

/// When the newest sample of a series was written, and when that was asked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Freshness {
    pub sampled: Time,
    pub asked: Time,
}

/// Everything under one `sloth_id`.
#[derive(Default)]
pub(super) struct OfId {
    pub info: Vec<Labels>,
    pub objective: Vec<(Labels, f64)>,
    pub period_days: Vec<(Labels, f64)>,
    /// Error ratios by identity and by window as its name has it.
    pub ratios: BTreeMap<(Labels, String), Kept>,
    pub remaining: BTreeMap<Labels, Kept>,
    pub freshness: BTreeMap<Labels, Freshness>,
    pub alerts: Vec<Active>,
    /// The server has shown an alert of it, so it has a rule.
    pub alerted: bool,
    /// Labels by which its groups differ; once among them, always: an id must not change while somebody works on it.
    pub varying: BTreeSet<String>,
}

impl OfId {
    /// The label sets of its ratios.
    pub fn identities(&self) -> BTreeSet<&Labels> {
        self.ratios.keys().map(|(labels, _)| labels).collect()
    }

    fn is_described(&self) -> bool {
        !self.info.is_empty() || !self.objective.is_empty()
    }
}

/// All that was answered.
#[derive(Default)]
pub(super) struct Known {
    pub by_id: BTreeMap<Clean, OfId>,
    pub rules: Option<Rules>,
    /// The newest time of evaluation.
    pub evaluated: Option<Time>,
}

impl Known {
    pub fn info(&mut self, series: Vec<Series>) {
        self.replace(series, |of| &mut of.info, |labels, _| Some(labels));
    }

    pub fn objective(&mut self, series: Vec<Series>) {
        let keep = |labels, value: Value| value.number().map(|number| (identity(labels), number));
        self.replace(series, |of| &mut of.objective, keep);
    }

    pub fn period(&mut self, series: Vec<Series>) {
        let keep = |labels, value: Value| value.number().map(|number| (identity(labels), number));
        self.replace(series, |of| &mut of.period_days, keep);
    }

    pub fn alerts(&mut self, series: Vec<Series>) {
        let keep = |labels: Labels, _| {
            let firing = match labels.get("alertstate")?.as_str() {
                "firing" => true,
                "pending" => false,
                _ => return None,
            };
            Some(Active { labels, firing, since: None })
        };
        self.replace(series, |of| &mut of.alerts, keep);
        for of in self.by_id.values_mut() {
            of.alerted |= !of.alerts.is_empty();
        }
    }

    pub fn ratios(&mut self, window: &str, series: Vec<Series>) {
        for (id, series) in self.by_id(series) {
            let readings =
                series.into_iter().map(|s| ((identity(s.labels), window.to_owned()), s.value, s.at));
            let kept = &mut self.by_id.entry(id).or_default().ratios;
            refresh(kept, |(_, of)| of == window, readings);
        }
    }

    pub fn remaining(&mut self, series: Vec<Series>) {
        for (id, series) in self.by_id(series) {
            let readings = series.into_iter().map(|s| (identity(s.labels), s.value, s.at));
            refresh(&mut self.by_id.entry(id).or_default().remaining, |_| true, readings);
        }
    }

    pub fn freshness(&mut self, series: Vec<Series>) {
        for (id, series) in self.by_id(series) {
            let of = self.by_id.entry(id).or_default();
            let told = series.into_iter().filter_map(|s| {
                let sampled = time(s.value.number()?)?;
                Some((identity(s.labels), Freshness { sampled, asked: s.at }))
            });
            of.freshness = told.collect();
            // All windows of an SLO are written by one group of rules: what holds for one holds for the others.
            for ((labels, _), kept) in &mut of.ratios {
                if let Some(told) = of.freshness.get(labels) {
                    kept.sampled(told.sampled);
                }
            }
        }
    }

    /// Forgets what neither series nor rules know any more.
    pub fn forget(&mut self) {
        let rules = self.rules.as_ref();
        self.by_id.retain(|id, of| {
            let ruled = rules.and_then(|rules| rules.by_id.get(id));
            if let Some(ruled) = ruled.filter(|ruled| !ruled.records.is_empty()) {
                // A label was added to the rules: the series without it are not coming back.
                of.ratios.retain(|(labels, _), kept| kept.present || ruled.writing(labels).next().is_some());
                of.remaining.retain(|labels, kept| kept.present || ruled.writing(labels).next().is_some());
            }
            of.is_described()
                || ruled.is_some()
                || !of.alerts.is_empty()
                || of.ratios.values().any(|kept| kept.present)
        });
    }

    /// Series by id; an id that is known and has none is there too, with none.
    fn by_id(&mut self, series: Vec<Series>) -> BTreeMap<Clean, Vec<Series>> {
        let mut by_id: BTreeMap<Clean, Vec<Series>> =
            self.by_id.keys().map(|id| (id.clone(), Vec::new())).collect();
        for one in series {
            self.evaluated = self.evaluated.max(Some(one.at));
            if let Some(id) = one.labels.get(SLOTH_ID).filter(|id| !id.is_empty()) {
                by_id.entry(id.clone()).or_default().push(one);
            }
        }
        by_id
    }

    fn replace<T>(
        &mut self,
        series: Vec<Series>,
        field: impl Fn(&mut OfId) -> &mut Vec<T>,
        keep: impl Fn(Labels, Value) -> Option<T>,
    ) {
        for (id, series) in self.by_id(series) {
            let kept = series.into_iter().filter_map(|s| keep(s.labels, s.value));
            *field(self.by_id.entry(id).or_default()) = kept.collect();
        }
    }
}
