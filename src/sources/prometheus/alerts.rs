//! The alert rules of one SLO in full, asked for when somebody opens its page: the cycle keeps names and severities only.

use super::answer::{Alerting, Labels, Rule};
use super::client::Client;
use super::error::PromError;
use super::rules::{SLOTH_ID, severity};
use crate::domain::alert::{ActiveAlert, AlertRule};
use crate::domain::clean::Clean;
use crate::domain::sli::demanded;
use crate::domain::slo::Slo;

/// The alert rules that watch `slo`, the most severe first. None: the server has no rule about it.
///
/// # Errors
/// See [`PromError`].
pub async fn alert_rules(client: &Client, slo: &Slo) -> Result<Vec<AlertRule>, PromError> {
    let mut found = Vec::new();
    for group in client.rules().await?.data {
        for rule in group.rules {
            if let Rule::Alerting(rule) = rule
                && watches(&rule, slo)
            {
                found.push(shaped(rule, slo, &group.name));
            }
        }
    }
    found.sort_by(|a, b| (a.severity, &a.name).cmp(&(b.severity, &b.name)));
    Ok(found)
}

/// By its own label or by what its expression demands, and in no label of the SLO's series another one.
fn watches(rule: &Alerting, slo: &Slo) -> bool {
    let demanded = demanded(rule.expr.as_query());
    let id = slo.labels.get(SLOTH_ID);
    let own = rule.labels.get(SLOTH_ID).map(Clean::as_str).or(demanded.get(SLOTH_ID).map(String::as_str));
    let Some((own, id)) = own.zip(id) else { return false };
    own == id.as_str()
        && demanded.iter().all(|(k, v)| {
            k == "sloth_window" || slo.labels.get(k.as_str()).is_none_or(|has| has.as_str() == v)
        })
}

fn shaped(rule: Alerting, slo: &Slo, group: &Clean) -> AlertRule {
    let fits = |labels: &Labels| {
        slo.labels.iter().all(|(k, v)| labels.get(k.as_str()).is_none_or(|other| other == v))
    };
    let active = rule.alerts.into_iter().filter(|alert| fits(&alert.labels)).map(|alert| ActiveAlert {
        annotations: named(&alert.annotations),
        firing: alert.state == "firing",
        since: alert.active_at,
        value: alert.value,
        labels: named(&alert.labels),
    });
    AlertRule {
        severity: severity(&rule.labels),
        expr: Clean::new(rule.expr.as_query()),
        for_s: rule.duration_s,
        labels: named(&rule.labels),
        annotations: named(&rule.annotations),
        group: group.clone(),
        error: rule.last_error,
        active: active.collect(),
        name: rule.name,
    }
}

fn named(labels: &Labels) -> std::collections::BTreeMap<Clean, Clean> {
    labels.iter().map(|(name, value)| (Clean::new(name), value.clone())).collect()
}
