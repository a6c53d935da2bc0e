//! The card without a terminal: as text for a person, as JSON for scripts (docs/commands.md), and the exit code.

use serde_json::{Value, json};

use crate::domain::format;
use crate::domain::plan::call_json;
use crate::domain::verdict::Offer;
use crate::engine::State;
use crate::engine::analysis::Analysis;
use crate::engine::gate::{EffectKind, effect_lines};
use crate::engine::record;

/// Nothing burns.
pub const QUIET: u8 = 0;
/// Something is offered.
pub const OFFERED: u8 = 10;
/// It burns, and wait or nothing is offered.
pub const NOTHING_TO_DO: u8 = 11;
/// A needed source is down.
pub const SOURCE_DOWN: u8 = 3;

/// What `propose` prints and how it exits.
pub fn exit_code(state: &State) -> u8 {
    let mut analyses = burning(state).peekable();
    let unmapped = unmapped(state).next().is_some();
    if analyses.peek().is_none() {
        return if unmapped { NOTHING_TO_DO } else { QUIET };
    }
    if analyses.any(|a| a.offer.acts()) { OFFERED } else { NOTHING_TO_DO }
}

/// Analyses of everything that burns, most urgent first.
pub fn burning(state: &State) -> impl Iterator<Item = &Analysis> {
    let mut all: Vec<_> = state.incidents.values().filter(|i| i.calm_since.is_none()).collect();
    all.sort_by_key(|i| {
        let severity = i.slos.first().and_then(|id| state.world.slos.get(id)).and_then(|s| s.burning());
        (severity, i.opened, i.workload.clone())
    });
    all.into_iter().filter_map(|i| i.analysis.as_ref())
}

/// SLOs that burn and judge no workload that is known, with what to do.
pub fn unmapped(state: &State) -> impl Iterator<Item = String> + '_ {
    state.world.slos.values().filter(|s| s.burning().is_some()).filter_map(|s| {
        match state.mapped.get(&s.id) {
            Some(Err(why)) => Some(why.words(&s.id)),
            _ => None,
        }
    })
}

/// The JSON of the contract.
pub fn as_json(state: &State) -> Value {
    burning(state).map(one).collect()
}

fn one(analysis: &Analysis) -> Value {
    let gates: serde_json::Map<String, Value> =
        analysis.gates.iter().map(|g| (g.gate.key().to_owned(), g.state.word().into())).collect();
    let calls: Vec<Value> = analysis.plan.iter().flat_map(|p| &p.calls).map(call_json).collect();
    let workload = &analysis.workload;
    json!({
        "workload": {"namespace": workload.namespace, "kind": "Deployment", "name": workload.name},
        "slo": analysis.slos.first().map(|s| s.0.as_str()),
        "slos": analysis.slos.iter().map(|s| s.0.as_str()).collect::<Vec<_>>(),
        "verdict": analysis.verdict().word(),
        "gates": gates,
        "offer": analysis.offer.word(),
        "target": target(analysis),
        "digest": analysis.digest.as_ref().map(|d| format!("sha256:{}", d.0)),
        "calls": calls,
        "not_restored": record::not_restored(analysis),
        "evidence": record::evidence(analysis),
        "reason": analysis.reason,
    })
}

fn target(analysis: &Analysis) -> Value {
    let Some(row) = analysis.target_row().filter(|_| analysis.offer.acts()) else { return Value::Null };
    let configs: Vec<Value> = analysis
        .plan
        .iter()
        .flat_map(|p| &p.configs)
        .map(|(key, digest)| json!({"name": key.name, "digest": format!("sha256:{}", digest.0)}))
        .collect();
    json!({"revision": row.number, "replicaset": row.name, "images": row.images, "config": configs})
}

/// The card as text.
pub fn as_text(state: &State) -> String {
    let mut out = String::new();
    for analysis in burning(state) {
        card(analysis, &mut out);
    }
    for line in unmapped(state) {
        out.push_str(&format!("{line}\n"));
    }
    if out.is_empty() {
        out.push_str(&format!("nothing burns: {}\n", format::several(state.world.slos.len(), "SLO")));
    }
    out
}

fn card(analysis: &Analysis, out: &mut String) {
    let title = match (analysis.offer, analysis.target_row()) {
        (Offer::Rollback, Some(row)) => {
            format!("ROLL BACK {} to {} ({})", analysis.workload, row.title(), row.name)
        }
        (Offer::RestoreConfig, _) => format!("RESTORE THE CONFIG of {}", analysis.workload),
        (Offer::Wait, _) => format!("WAIT: {}", analysis.workload),
        _ => format!("NO OFFER: {}", analysis.workload),
    };
    let mut say = |line: String| {
        out.push_str(line.trim_end());
        out.push('\n');
    };
    say(title);
    say(format!("  {}", analysis.reason));
    let slos: Vec<&str> = analysis.slos.iter().map(|s| s.0.as_str()).collect();
    let how = analysis.how.as_ref().map_or(String::new(), |how| format!(" ({})", how.words()));
    say(format!("  SLO {}{how}", slos.join(", ")));
    if let (Some(failed), Some(minute)) = (analysis.cost.failed, analysis.cost.per_minute) {
        let share =
            analysis.cost.share.map_or(String::new(), |s| format!(", {} of the budget", format::percent(s)));
        say(format!(
            "  {} requests failed so far{share}; a minute more costs {}",
            format::count(failed),
            format::count(minute)
        ));
    }
    for gate in &analysis.gates {
        say(format!("  {:<7} {:<11} {}", gate.state.word(), gate.gate.name(), gate.line));
    }
    for line in effect_lines(analysis) {
        let label = match line.kind {
            EffectKind::Changes => "changes",
            EffectKind::NotRestored => "NOT restored",
            EffectKind::Also => "also",
        };
        say(format!("  {label:<13}{}", line.text));
    }
    for block in &analysis.blocks {
        say(format!("  cannot be approved: {block}"));
    }
    if let Some(digest) = &analysis.digest {
        say(format!("  digest sha256:{}", digest.0));
    }
    out.push('\n');
}
