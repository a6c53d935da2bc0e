//! A service level objective with its newest readings: what the server recorded, what its own rules say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;
use super::exact;
use super::sli::SliExpression;
use super::value::Value;
use super::window::Window;

/// Identity of an SLO: `sloth_id`, and the grouping labels in braces where an SLO is grouped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct SloId(pub Clean);

impl std::fmt::Display for SloId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Severity of an alert or of a window pair.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Severity {
    /// Wakes a person.
    Page,
    /// Can wait until the morning.
    Ticket,
}

impl Severity {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// One pair of burn windows and its threshold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WindowPair {
    /// Severity of the alert that it belongs to.
    pub severity: Severity,
    /// The long window.
    pub long: Window,
    /// The short window.
    pub short: Window,
    /// Threshold as a multiple of the budget.
    #[serde(with = "exact")]
    pub factor: f64,
}

/// An alert of the server, pending or firing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// Alert name.
    pub name: Clean,
    /// Severity by `sloth_severity`.
    pub severity: Severity,
    /// Firing; else pending.
    pub firing: bool,
    /// Since when, where the rules API told.
    pub active_at: Option<Time>,
}

/// Where an SLO is known from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Origin {
    /// Sloth's recorded series.
    Recorded,
    /// Declared by a file in goaround's own configuration; this is the file.
    Declared(Clean),
}

/// The service level indicator as the rules have it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Sli {
    /// Understood: counts can be asked for.
    Understood(Box<SliExpression>),
    /// Not understood, and why: "by time" only, no counts.
    NotUnderstood(Clean),
    /// Its rule was not found.
    Unknown,
}

/// A reading of one window: an error ratio (0..1) and when it was sampled.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reading {
    /// The error ratio.
    pub value: Value,
    /// Time of the sample.
    pub at: Time,
}

/// An SLO and its newest readings.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Slo {
    /// Identity.
    pub id: SloId,
    /// `sloth_service`.
    pub service: Clean,
    /// `sloth_slo`.
    pub name: Clean,
    /// Labels of its series that identify it (window, severity and info labels left out).
    pub labels: BTreeMap<Clean, Clean>,
    /// Labels of its alert rules, whether firing or not.
    pub rule_labels: BTreeMap<Clean, Clean>,
    /// Objective as a ratio (0.999), where known.
    #[serde(with = "exact")]
    pub objective: Option<f64>,
    /// Period of the budget.
    pub period: Option<Window>,
    /// Error ratio by window, the period's included.
    pub ratios: BTreeMap<Window, Reading>,
    /// Remaining budget as the server records it, ratio (1 = untouched, negative = overspent).
    pub remaining: Value,
    /// Alerts that are pending or firing.
    pub alerts: Vec<Alert>,
    /// Window pairs that its alert rules really use, or the defaults.
    pub pairs: Vec<WindowPair>,
    /// The pairs were read from the running rules.
    pub pairs_from_rules: bool,
    /// The indicator.
    pub sli: Sli,
    /// Runbook, from the alert's annotations.
    pub runbook: Option<Clean>,
    /// Where it is known from.
    pub origin: Origin,
    /// An alert rule exists on the server; then its state is the server's, never our comparison.
    pub has_alert_rule: bool,
}

impl Slo {
    /// Error budget as a ratio of requests (0.001), where the objective is known.
    pub fn budget(&self) -> Option<f64> {
        self.objective.map(|objective| 1.0 - objective)
    }

    /// Burn rate over `window`: error ratio over budget.
    pub fn burn(&self, window: Window) -> Value {
        let Some(reading) = self.ratios.get(&window) else {
            return Value::Absent;
        };
        let Some(budget) = self.budget() else {
            return Value::Absent;
        };
        match reading.value {
            // Objectives are written in percent, so a budget below 1e-12 is an empty one (100 %).
            Value::Number(ratio) if budget < 1e-12 && ratio == 0.0 => Value::NaN,
            Value::Number(_) if budget < 1e-12 => Value::Infinite { negative: false },
            Value::Number(ratio) => Value::from_f64(ratio / budget),
            Value::Stale { last, since } => Value::Stale { last: last / budget, since },
            other => other,
        }
    }

    /// The most severe alert that fires.
    pub fn firing(&self) -> Option<&Alert> {
        self.alerts.iter().filter(|alert| alert.firing).min_by_key(|alert| alert.severity)
    }

    /// Pairs of which both windows are over the threshold now, most severe first.
    pub fn pairs_over(&self) -> Vec<&WindowPair> {
        let over =
            |window, factor: f64| matches!(self.burn(window), Value::Number(b) if b > factor * (1.0 - 1e-9));
        self.pairs.iter().filter(|p| over(p.long, p.factor) && over(p.short, p.factor)).collect()
    }

    /// It burns: the server's alert fires, or, where the server has no rule for it, both windows of a pair are over.
    pub fn burning(&self) -> Option<Severity> {
        match self.firing() {
            Some(alert) => Some(alert.severity),
            None if self.has_alert_rule => None,
            None => self.pairs_over().first().map(|pair| pair.severity),
        }
    }
}
