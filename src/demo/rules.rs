//! Recording and alerting rules in the shape in which Sloth writes them: their text, their evaluation every 15 s, and
//! the recorded past. The past is computed from the requests counted in it, because evaluating 170,000 steps of rules
//! at every start would be waiting for nothing; from the start of the run on, the rules themselves are evaluated.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::Millis;
use super::promql::series::{Labels, Storage};
use super::promql::{Query, Value};
use super::scenario::{Scenario, Service};
use super::world::{HISTORY, INTERVAL};

/// Windows of the recorded error ratios and their lengths in milliseconds, without the period's own.
const WINDOWS: [(&str, Millis); 7] = [
    ("5m", 300_000),
    ("30m", 1_800_000),
    ("1h", 3_600_000),
    ("2h", 7_200_000),
    ("6h", 21_600_000),
    ("1d", 86_400_000),
    ("3d", 259_200_000),
];
/// How far apart the recorded samples of the far past are, but for the 5 minute ratios.
const SPARSE: Millis = 240_000;
/// The part of the past that is recorded every 15 s.
const DENSE: Millis = 3_600_000;

/// One objective.
#[derive(Clone, Debug)]
pub struct Slo {
    /// `<service>-<slo>`.
    pub id: String,
    /// The Service.
    pub service: String,
    /// As written in the scenario: `99.9`.
    pub objective: f64,
    /// 1 - objective, as it stands in the rules.
    pub budget: f64,
    labels: Labels,
}

/// An alert that is active.
#[derive(Clone, PartialEq, Debug)]
pub struct Alert {
    /// All its labels.
    pub labels: Labels,
    /// Since when.
    pub active_at: Millis,
    /// The value of its expression.
    pub value: f64,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The recorded metric or the alert.
    pub name: String,
    /// True for an alert.
    pub alerting: bool,
    /// The expression as Prometheus prints it.
    pub text: String,
    /// Labels that it adds.
    pub labels: Labels,
    /// Annotations of an alert.
    pub annotations: Vec<(&'static str, String)>,
    /// The alerts that it has now.
    pub alerts: BTreeMap<Labels, Alert>,
    query: Option<Query>,
    made: BTreeSet<usize>,
}

/// Rules that are evaluated one after the other.
#[derive(Debug)]
pub struct Group {
    /// Its name, as Sloth gives it.
    pub name: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// All rules of a scenario.
#[derive(Debug)]
pub struct Rules {
    /// The objectives.
    pub slos: Vec<Slo>,
    /// The groups in the order of evaluation.
    pub groups: Vec<Group>,
    /// When they were evaluated last.
    pub evaluated: Millis,
}

impl Slo {
    fn new(namespace: &str, service: &Service) -> Option<Self> {
        let objective = service.objective?;
        let id = format!("{}-{}", service.name, service.slo);
        Some(Self {
            labels: Labels::new([
                ("namespace", namespace),
                ("sloth_id", &id),
                ("sloth_service", &service.name),
                ("sloth_slo", &service.slo),
            ]),
            id,
            service: service.name.clone(),
            objective,
            budget: ((100.0 - objective) * 1e8).round() / 1e10,
        })
    }

    fn record(&self, name: &str, text: String) -> Rule {
        Rule::new(name, false, text, self.labels.clone())
    }

    fn windows(&self, namespace: &str) -> Group {
        let service = &self.service;
        let ratio = |(window, _): &(&str, Millis)| {
            let text = format!(
                "(sum(rate(http_requests_total{{code=~\"5..\",namespace=\"{namespace}\",service=\"{service}\"}}[{window}])) or vector(0)) / sum(rate(http_requests_total{{namespace=\"{namespace}\",service=\"{service}\"}}[{window}]))"
            );
            let mut rule = self.record(&ratio_name(window), text);
            rule.labels = rule.labels.with("sloth_window", window);
            rule
        };
        let mut rules: Vec<Rule> = WINDOWS.iter().map(ratio).collect();
        let five = format!("slo:sli_error:ratio_rate5m{{sloth_id=\"{}\"}}[30d]", self.id);
        let mut period = self.record(
            &ratio_name("30d"),
            format!("sum_over_time({five}) / ignoring (sloth_window) count_over_time({five})"),
        );
        period.labels = period.labels.with("sloth_window", "30d");
        rules.push(period);
        Group { name: format!("sloth-slo-sli-recordings-{}", self.id), rules }
    }

    fn meta(&self) -> Group {
        let (id, budget) = (&self.id, self.budget);
        let burn = |window: &str| {
            format!(
                "slo:sli_error:ratio_rate{window}{{sloth_id=\"{id}\"}} / on (sloth_id, sloth_slo, sloth_service) group_left () slo:error_budget:ratio{{sloth_id=\"{id}\"}}"
            )
        };
        let mut info = self.record("sloth_slo_info", "vector(1)".to_owned());
        info.labels = Labels::new(info.labels.iter().chain([
            ("sloth_mode", "cli-gen-prom"),
            ("sloth_objective", self.objective.to_string().as_str()),
            ("sloth_spec", "prometheus/v1"),
            ("sloth_version", "v0.16.0"),
        ]));
        Group {
            name: format!("sloth-slo-meta-recordings-{id}"),
            rules: vec![
                self.record("slo:objective:ratio", format!("vector(1 - {budget})")),
                self.record("slo:error_budget:ratio", format!("vector({budget})")),
                self.record("slo:time_period:days", "vector(30)".to_owned()),
                self.record("slo:current_burn_rate:ratio", burn("5m")),
                self.record("slo:period_burn_rate:ratio", burn("30d")),
                self.record(
                    "slo:period_error_budget_remaining:ratio",
                    format!("1 - slo:period_burn_rate:ratio{{sloth_id=\"{id}\"}}"),
                ),
                info,
            ],
        }
    }

    fn alerts(&self, namespace: &str) -> Group {
        let pair = |factor: &str, short: &str, long: &str| {
            let side = |window: &str| {
                format!(
                    "max without (sloth_window) (slo:sli_error:ratio_rate{window}{{sloth_id=\"{}\"}} > ({factor} * {}))",
                    self.id, self.budget
                )
            };
            format!("({} and {})", side(short), side(long))
        };
        let labels = |severity: &str, sloth: &str| {
            Labels::new([
                ("deployment", self.service.as_str()),
                ("namespace", namespace),
                ("severity", severity),
                ("sloth_severity", sloth),
            ])
        };
        let page = format!("{} or {}", pair("14.4", "5m", "1h"), pair("6", "30m", "6h"));
        let ticket = format!("{} or {}", pair("3", "2h", "1d"), pair("1", "6h", "3d"));
        let mut fast = Rule::new("ErrorBudgetBurn", true, page, labels("critical", "page"));
        fast.annotations = vec![
            ("runbook_url", format!("https://runbooks.shop.example/{}", self.service)),
            ("summary", format!("{} burns its error budget", self.service)),
        ];
        let slow = Rule::new("ErrorBudgetBurnSlow", true, ticket, labels("warning", "ticket"));
        Group { name: format!("sloth-slo-alerts-{}", self.id), rules: vec![fast, slow] }
    }
}

fn ratio_name(window: &str) -> String {
    format!("slo:sli_error:ratio_rate{window}")
}

impl Rule {
    fn new(name: &str, alerting: bool, text: String, labels: Labels) -> Self {
        Self {
            name: name.to_owned(),
            alerting,
            query: Query::parse(&text).ok(),
            text,
            labels,
            annotations: Vec::new(),
            alerts: BTreeMap::new(),
            made: BTreeSet::new(),
        }
    }

    /// True when the expression could be read; a rule that could not would show `health: err`.
    pub fn healthy(&self) -> bool {
        self.query.is_some()
    }

    fn evaluate(&mut self, storage: &mut Storage, at: Millis) {
        let samples = match self.query.as_ref().map(|query| query.instant(storage, at)) {
            Some(Ok(Value::Vector(samples))) => samples,
            _ => Vec::new(),
        };
        let mut made = BTreeSet::new();
        if self.alerting {
            let mut alerts = BTreeMap::new();
            for sample in samples {
                let own = sample.labels.nameless();
                let labels = Labels::new(
                    own.iter().chain(self.labels.iter()).chain([("alertname", self.name.as_str())]),
                );
                let active_at = self.alerts.get(&labels).map_or(at, |alert| alert.active_at);
                let firing = labels.with("alertstate", "firing").with("__name__", "ALERTS");
                let id = storage.open(&firing, false);
                storage.push(id, at, 1.0);
                made.insert(id);
                alerts.insert(labels.clone(), Alert { labels, active_at, value: sample.value });
            }
            self.alerts = alerts;
        } else {
            for sample in samples {
                let own = sample.labels.nameless();
                let labels = Labels::new(own.iter().chain(self.labels.iter())).with("__name__", &self.name);
                let id = storage.open(&labels, false);
                storage.push(id, at, sample.value);
                made.insert(id);
            }
        }
        for gone in self.made.difference(&made) {
            storage.end(*gone, at);
        }
        self.made = made;
    }
}

impl Rules {
    /// The rules of all objectives in `scenario`.
    pub fn new(scenario: &Scenario) -> Self {
        let namespace = &scenario.namespace;
        let slos: Vec<Slo> = scenario.services.iter().filter_map(|s| Slo::new(namespace, s)).collect();
        let groups =
            slos.iter().flat_map(|slo| [slo.windows(namespace), slo.meta(), slo.alerts(namespace)]).collect();
        Self { slos, groups, evaluated: 0 }
    }

    /// Evaluates every rule at `at`.
    pub fn evaluate(&mut self, storage: &mut Storage, at: Millis) {
        for rule in self.groups.iter_mut().flat_map(|group| &mut group.rules) {
            rule.evaluate(storage, at);
        }
        self.evaluated = at;
    }

    /// Every active alert.
    pub fn alerts(&self) -> impl Iterator<Item = (&Rule, &Alert)> {
        let rules = self.groups.iter().flat_map(|group| &group.rules);
        rules.flat_map(|rule| rule.alerts.values().map(move |alert| (rule, alert)))
    }
}

impl super::world::World {
    /// Records the past of every objective, from the requests counted in it.
    pub(super) fn write_history(&mut self) {
        for slo in self.rules.slos.clone() {
            if let Some(stream) = self.streams.get_mut(&slo.service) {
                let past = std::mem::take(&mut stream.past);
                Past { past: &past, zero: self.zero }.record(&slo, &mut self.storage);
            }
        }
        self.rules.evaluated = self.zero;
    }
}

/// Requests counted at the scrapes of the past.
struct Past<'a> {
    past: &'a [(Millis, u64, u64)],
    zero: Millis,
}

impl Past<'_> {
    fn record(&self, slo: &Slo, storage: &mut Storage) {
        let labelled =
            |name: &str, window: &str| slo.labels.with("__name__", name).with("sloth_window", window);
        let start = self.zero - HISTORY;
        let dense: Vec<Millis> = (start + INTERVAL..=self.zero).step_by(INTERVAL as usize).collect();
        let sparse: Vec<Millis> = (start + INTERVAL..self.zero - DENSE)
            .step_by(SPARSE as usize)
            .chain((self.zero - DENSE..=self.zero).step_by(INTERVAL as usize))
            .collect();
        let mut plain = |name: &str, window: &str, value: f64| {
            let id = storage.open(&labelled(name, window), false);
            sparse.iter().for_each(|at| storage.push(id, *at, value));
        };
        plain("slo:objective:ratio", "", 1.0 - slo.budget);
        plain("slo:error_budget:ratio", "", slo.budget);
        plain("slo:time_period:days", "", 30.0);
        let info = Labels::new(slo.labels.iter().chain([
            ("__name__", "sloth_slo_info"),
            ("sloth_mode", "cli-gen-prom"),
            ("sloth_objective", slo.objective.to_string().as_str()),
            ("sloth_spec", "prometheus/v1"),
            ("sloth_version", "v0.16.0"),
        ]));
        let id = storage.open(&info, false);
        sparse.iter().for_each(|at| storage.push(id, *at, 1.0));

        let five = self.ratios(300_000, &dense);
        let id = storage.open(&labelled(&ratio_name("5m"), "5m"), true);
        five.iter().for_each(|(at, ratio)| storage.push(id, *at, *ratio));
        for (window, length) in &WINDOWS[1..] {
            let id = storage.open(&labelled(&ratio_name(window), window), false);
            for (at, ratio) in self.ratios(*length, &sparse) {
                storage.push(id, at, ratio);
            }
        }
        let id = storage.open(&labelled("slo:current_burn_rate:ratio", "5m"), false);
        for (at, ratio) in self.ratios(300_000, &sparse) {
            storage.push(id, at, ratio / slo.budget);
        }
        let ratio = storage.open(&labelled(&ratio_name("30d"), "30d"), false);
        let burn = storage.open(&labelled("slo:period_burn_rate:ratio", "30d"), false);
        let left = storage.open(&labelled("slo:period_error_budget_remaining:ratio", "30d"), false);
        let (mut sum, mut taken) = (0.0, 0);
        for at in &sparse {
            while let Some((then, value)) = five.get(taken)
                && then <= at
            {
                sum += value;
                taken += 1;
            }
            if taken > 0 {
                let mean = sum / taken as f64;
                storage.push(ratio, *at, mean);
                storage.push(burn, *at, mean / slo.budget);
                storage.push(left, *at, 1.0 - mean / slo.budget);
            }
        }
    }

    /// The error ratio over `window` at each of `times`; nothing while fewer than two scrapes are in the window.
    fn ratios(&self, window: Millis, times: &[Millis]) -> Vec<(Millis, f64)> {
        let (mut low, mut high) = (0, 0);
        let mut ratios = Vec::with_capacity(times.len());
        for at in times {
            let (total, bad) = self.counts(*at, &mut high);
            let (total_before, bad_before) = self.counts(at - window, &mut low);
            if total > total_before {
                ratios.push((*at, (bad - bad_before).max(0.0) / (total - total_before)));
            }
        }
        ratios
    }

    /// Requests and bad requests so far at `at`, between two scrapes in proportion. `cursor` only moves forward.
    fn counts(&self, at: Millis, cursor: &mut usize) -> (f64, f64) {
        while self.past.get(*cursor + 1).is_some_and(|(time, _, _)| *time <= at) {
            *cursor += 1;
        }
        let Some((time, total, bad)) = self.past.get(*cursor).copied() else {
            return (0.0, 0.0);
        };
        let next = self.past.get(*cursor + 1).copied().unwrap_or((time + 1, total, bad));
        let part = ((at - time) as f64 / (next.0 - time) as f64).clamp(0.0, 1.0);
        let between = |a: u64, b: u64| a as f64 + (b as f64 - a as f64) * part;
        (between(total, next.1), between(bad, next.2))
    }
}
