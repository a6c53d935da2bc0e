//! What the server's rules say about SLOs: which windows are recorded and by which expressions, which alerts exist,
//! and what they call a page. Sloth's names: `internal/…/sli_rules` and `alert_rules` in slok/sloth.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{Alerting, Labels, Rule, RuleGroup};
use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::sli::{PromQl, demanded};
use crate::domain::slo::Severity;
use crate::domain::window::Window;

/// The name of an error ratio's series, before its window.
pub(super) const RATIO: &str = "slo:sli_error:ratio_rate";
/// The name of what is left of the budget.
pub(super) const REMAINING: &str = "slo:period_error_budget_remaining:ratio";
/// The label that names an SLO.
pub(super) const SLOTH_ID: &str = "sloth_id";
/// Labels that say something about an SLO's series and do not tell one SLO from another.
const NOT_IDENTITY: [&str; 7] = [
    "__name__",
    "sloth_window",
    "sloth_severity",
    "sloth_mode",
    "sloth_spec",
    "sloth_version",
    "sloth_objective",
];

/// `labels` without those that do not identify.
pub(super) fn identity(mut labels: Labels) -> Labels {
    for name in NOT_IDENTITY {
        labels.remove(name);
    }
    labels
}

/// The window of a recorded ratio, as its name has it.
pub(super) fn suffix(record: &str) -> Option<(&str, Window)> {
    let suffix = record.strip_prefix(RATIO)?;
    let window: Window = suffix.parse().ok()?;
    (window.secs() > 0).then_some((suffix, window))
}

/// All rules about SLOs.
#[derive(Default)]
pub(super) struct Rules {
    /// By `sloth_id`.
    pub by_id: BTreeMap<Clean, OfSlo>,
    /// Windows that are recorded, as they are written.
    pub windows: BTreeSet<String>,
}

/// Rules about one SLO.
#[derive(Default)]
pub(super) struct OfSlo {
    /// Recorded error ratios, the shortest window first.
    pub records: Vec<Record>,
    /// Alerts.
    pub alerts: Vec<AlertRule>,
}

/// A recorded error ratio.
pub(super) struct Record {
    pub window: Window,
    pub expr: PromQl,
    /// Labels that the rule sets and that identify.
    pub labels: Labels,
    pub interval_s: f64,
}

/// An alert of an SLO.
pub(super) struct AlertRule {
    pub severity: Severity,
    pub expr: PromQl,
    /// Labels that all its series carry.
    pub demanded: BTreeMap<String, String>,
    /// Labels that the rule sets.
    pub labels: Labels,
    pub runbook: Option<Clean>,
    pub active: Vec<Active>,
}

/// An alert that is pending or firing.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Active {
    /// All its labels, with `alertname`.
    pub labels: Labels,
    pub firing: bool,
    pub since: Option<Time>,
}

impl Rules {
    /// Picks out what is about SLOs.
    pub fn read(groups: Vec<RuleGroup>) -> Self {
        let mut rules = Self::default();
        for group in groups {
            for rule in group.rules {
                match rule {
                    Rule::Recording(recording) => {
                        let Some((suffix, window)) = suffix(recording.record.as_str()) else {
                            continue;
                        };
                        rules.windows.insert(suffix.to_owned());
                        let labels = identity(recording.labels);
                        let Some(id) = labels.get(SLOTH_ID).cloned() else {
                            continue;
                        };
                        rules.by_id.entry(id).or_default().records.push(Record {
                            window,
                            expr: recording.expr,
                            labels,
                            interval_s: group.interval_s,
                        });
                    }
                    Rule::Alerting(alerting) => rules.alert(alerting),
                }
            }
        }
        for of in rules.by_id.values_mut() {
            of.records.sort_by_key(|record| record.window);
        }
        rules
    }

    fn alert(&mut self, rule: Alerting) {
        let demanded = demanded(rule.expr.as_query());
        let id = rule.labels.get(SLOTH_ID).cloned();
        let Some(id) = id.or_else(|| demanded.get(SLOTH_ID).map(Clean::new)) else {
            return;
        };
        let runbook = ["runbook_url", "runbook"]
            .iter()
            .find_map(|name| rule.annotations.get(*name))
            .filter(|text| !text.is_empty());
        let active = rule.alerts.into_iter().map(|alert| Active {
            firing: alert.state == "firing",
            since: alert.active_at,
            labels: alert.labels,
        });
        let alert = AlertRule {
            severity: severity(&rule.labels),
            expr: rule.expr,
            demanded,
            runbook: runbook.cloned(),
            active: active.collect(),
            labels: rule.labels,
        };
        self.by_id.entry(id).or_default().alerts.push(alert);
    }
}

impl OfSlo {
    /// Seconds between evaluations of the ratio with the shortest window.
    pub fn interval_s(&self) -> Option<f64> {
        let first = self.records.first().map(|record| record.interval_s);
        first.filter(|seconds| *seconds > 0.0)
    }

    /// Rules that may have written a series with these labels.
    pub fn writing<'a>(&'a self, series: &'a Labels) -> impl Iterator<Item = &'a Record> {
        let writes = |record: &&Record| record.labels.iter().all(|(k, v)| series.get(k) == Some(v));
        self.records.iter().filter(writes)
    }

    /// Alert rules that watch the SLO with these labels.
    pub fn watching<'a>(&'a self, series: &'a Labels) -> impl Iterator<Item = &'a AlertRule> {
        self.alerts.iter().filter(|rule| {
            rule.demanded
                .iter()
                .all(|(k, v)| k == "sloth_window" || series.get(k).is_none_or(|own| own == v.as_str()))
        })
    }
}

/// What an alert's labels call it: Sloth's own label decides, then the usual one.
pub(super) fn severity(labels: &Labels) -> Severity {
    let is = |name: &str, wanted: &[&str]| labels.get(name).map(|value| wanted.contains(&value.as_str()));
    let page = is("sloth_severity", &["page"]).or_else(|| is("severity", &["critical", "page"]));
    if page == Some(true) { Severity::Page } else { Severity::Ticket }
}
