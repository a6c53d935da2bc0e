//! What a reader must know and no gate has used: objective and budget, when the errors began, what the change was, which
//! revisions are spoken of, and how similar incidents ended. Added after the gates' own evidence, so theirs keep their ids.

use crate::domain::clean::Clean;
use crate::domain::diff;
use crate::domain::evidence::EvidenceList;
use crate::domain::format;
use crate::domain::signal::Source;
use crate::domain::value::Value;

use super::analysis::Look;
use super::attribution::Attribution;
use super::gates;
use super::record::PastAction;
use super::revisions::{Mark, RevisionRow};

/// Said of the target of an offer.
pub(super) const WOULD_SERVE: &str = "would serve";
/// Changes of one revision that are told; the rest is counted.
const CHANGES: usize = 4;
/// Similar incidents that are told.
const SIMILAR: usize = 3;
/// Words of a change's fields, by which changes are called alike: `image`, `env`, `volume`, `ConfigMap`, ...
const KINDS: usize = 6;

/// Adds it.
pub fn add(look: &Look<'_>, found: &Attribution, target: Option<&RevisionRow>, evidence: &mut EvidenceList) {
    slo(look, evidence);
    onset(look, found, evidence);
    change(look, found, evidence);
    revisions(look, target, evidence);
    for past in similar(look, found) {
        let ended =
            past.outcome.as_deref().map_or("still open".to_owned(), |o| o.replace('_', " ").to_uppercase());
        let fact = format!(
            "similar earlier incident on {}: {}, {} to {} of {}, ended {ended}",
            past.time.format("%-d %b %Y"),
            past.verdict,
            past.offer,
            past.target,
            past.workload
        );
        evidence.add(fact, "journal", past.time).subject(&past.workload);
    }
}

fn slo(look: &Look<'_>, evidence: &mut EvidenceList) {
    let Some(slo) = look.slo else { return };
    let period = slo.period.map_or(String::new(), |p| p.to_string());
    let at = look.heard(Source::Prometheus);
    if let Some(objective) = slo.objective {
        let added = evidence.add(format!("objective of {}", slo.id), "prom slo:objective:ratio", at);
        added.value(Value::from_f64(objective), "ratio").window(&period);
    }
    if !matches!(slo.remaining, Value::Absent) {
        let added = evidence.add(
            format!("error budget left of {}", slo.id),
            "prom slo:period_error_budget_remaining:ratio",
            at,
        );
        added.value(slo.remaining, "ratio").window(&period);
    }
}

fn onset(look: &Look<'_>, found: &Attribution, evidence: &mut EvidenceList) {
    let Some(onset) = &found.onset else { return };
    let at = gates::counted_at(look);
    evidence.add(format!("the errors began at {}", format::clock(onset.began)), "prom counts by time", at);
    if let Some(ratio) = onset.outside.ratio() {
        evidence
            .add("error ratio before the onset", "prom counts by time", at)
            .value(Value::from_f64(ratio), "ratio")
            .counts(onset.outside.bad, onset.outside.total);
    }
}

fn change(look: &Look<'_>, found: &Attribution, evidence: &mut EvidenceList) {
    let Some(change) = &found.change else { return };
    let row = look.rows.iter().find(|r| r.uid == change.revision);
    let name = row.map_or("the change".into(), named);
    let more = change.what.len().saturating_sub(CHANGES);
    for field in change.what.iter().take(CHANGES) {
        let added = evidence.add(
            format!("{name} changed {}", diff::told(field)),
            "kube ReplicaSets",
            look.heard(gates::KUBE),
        );
        added.subject(&name);
    }
    if more > 0 {
        let fact = format!("{name} changed {}", format::several(more, "more field"));
        evidence.add(fact, "kube ReplicaSets", look.heard(gates::KUBE)).subject(&name);
    }
    for edit in &change.edits {
        let added = evidence.add(
            format!(
                "{} was edited at {}{}",
                edit.name(),
                format::clock(edit.at),
                edit.client.as_ref().map_or(String::new(), |c| format!(" by {c}"))
            ),
            "kube managedFields",
            look.heard(gates::KUBE),
        );
        added.subject(&name);
    }
    let began = format!("the rollout of {name} began at {}", format::clock(change.began));
    if row.is_some_and(|r| r.began.is_some()) {
        evidence.add(began, "kube ReplicaSets, Events", look.heard(gates::KUBE)).subject(&name);
    }
}

fn revisions(look: &Look<'_>, target: Option<&RevisionRow>, evidence: &mut EvidenceList) {
    let current = look.rows.iter().find(|r| r.mark == Mark::Current);
    for (row, does) in current.map(|r| (r, "serves now")).into_iter().chain(target.map(|r| (r, WOULD_SERVE)))
    {
        let images: Vec<&str> = row.images.iter().map(Clean::as_str).collect();
        let fact = format!("{} is {} ({}) and {does}", named(row), row.title(), images.join(", "));
        evidence.add(fact, "kube ReplicaSets", look.heard(gates::KUBE)).subject(named(row));
    }
}

/// How a sentence calls a revision.
fn named(row: &RevisionRow) -> String {
    row.number.map_or_else(|| format!("revision {}", row.title()), |n| format!("revision {n}"))
}

/// Kinds of fields that a change touched, sorted: the first word of each field.
pub fn kinds(found: &Attribution) -> Vec<String> {
    let Some(change) = &found.change else { return Vec::new() };
    let first = |text: &Clean| text.as_str().split_whitespace().next().unwrap_or_default().to_owned();
    let mut kinds: Vec<String> = change.what.iter().map(|c| first(&c.field)).collect();
    if !change.edits.is_empty() {
        kinds.push("ConfigMap".into());
    }
    kinds.sort();
    kinds.dedup();
    kinds.truncate(KINDS);
    kinds
}

/// Earlier actions on this workload, and on others where verdict and kind of change are the same; the most alike and
/// newest first. Computed from words in the journal, nothing is guessed.
fn similar<'a>(look: &'a Look<'_>, found: &Attribution) -> Vec<&'a PastAction> {
    let here = look.deployment.meta.key.to_string();
    let kinds = kinds(found);
    let mut alike: Vec<(usize, &PastAction)> = Vec::new();
    for past in look.actions.iter().filter(|a| a.executed && a.undo_of.is_none()) {
        let (workload, verdict) = (past.workload == here, past.verdict == found.verdict.word());
        let kind = !kinds.is_empty() && past.changed == kinds;
        if workload || (verdict && kind) {
            alike.push((usize::from(workload) * 2 + usize::from(verdict) + usize::from(kind), past));
        }
    }
    alike.sort_by_key(|(score, past)| (std::cmp::Reverse(*score), std::cmp::Reverse(past.time)));
    alike.into_iter().take(SIMILAR).map(|(_, past)| past).collect()
}
