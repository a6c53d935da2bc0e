//! The alert rules of one SLO as the server has them, with what each of them fires for now. Read for the one SLO whose
//! page is open; the list of SLOs needs no more than names and severities.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Time;
use super::clean::Clean;
use super::exact;
use super::slo::Severity;
use super::value::Value;

/// Names of annotations that lead to a runbook or a dashboard, most usual first.
const LINKS: [&str; 6] = ["runbook_url", "runbook", "dashboard_url", "dashboard", "grafana_url", "url"];

/// An alert rule.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AlertRule {
    /// The alert's name.
    pub name: Clean,
    /// What it calls a person for.
    pub severity: Severity,
    /// Its condition, as the server prints it.
    pub expr: Clean,
    /// `for`, in seconds: how long the condition must hold.
    #[serde(with = "exact")]
    pub for_s: f64,
    /// Labels that the rule sets.
    pub labels: BTreeMap<Clean, Clean>,
    /// Its annotations; templates in them are not filled in.
    pub annotations: BTreeMap<Clean, Clean>,
    /// The group that it stands in, and the file.
    pub group: Clean,
    /// Why its last evaluation failed, where it did.
    pub error: Option<Clean>,
    /// What is pending or firing.
    pub active: Vec<ActiveAlert>,
}

/// An alert that is pending or firing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ActiveAlert {
    /// All its labels.
    pub labels: BTreeMap<Clean, Clean>,
    /// Its annotations, filled in.
    pub annotations: BTreeMap<Clean, Clean>,
    /// Firing; else pending.
    pub firing: bool,
    /// Since when the condition holds.
    pub since: Option<Time>,
    /// The value of the condition.
    pub value: Value,
}

impl AlertRule {
    /// Annotations as they read best: those of an alert that is active are filled in.
    pub fn told(&self) -> &BTreeMap<Clean, Clean> {
        let active = self.active.iter().map(|a| &a.annotations).find(|a| !a.is_empty());
        active.unwrap_or(&self.annotations)
    }

    /// Links to runbooks and dashboards: the annotation's name and the address.
    pub fn links(&self) -> Vec<(Clean, Clean)> {
        let told = self.told();
        let rank = |name: &Clean| LINKS.iter().position(|known| name == known).unwrap_or(LINKS.len());
        let mut links: Vec<(Clean, Clean)> = told
            .iter()
            .filter(|(_, value)| is_address(value.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        links.sort_by(|a, b| (rank(&a.0), &a.0).cmp(&(rank(&b.0), &b.0)));
        links
    }
}

/// A whole text that is an address of the web. Anything else is text, and is opened by nobody.
pub fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !text.chars().any(|c| c.is_whitespace() || c == '<')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_address_is_a_link() {
        for (text, link) in [
            ("https://runbooks.example/api", true),
            ("http://grafana:3000/d/x?var=a", true),
            ("https://", false),
            ("see https://runbooks.example", false),
            ("https://a b", false),
            ("javascript:alert(1)", false),
            ("https://a<1b>]8;;b", false),
        ] {
            assert_eq!(is_address(Clean::new(text).as_str()), link, "{text}");
        }
    }
}
