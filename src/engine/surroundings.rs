//! What else is the matter: SLOs of other workloads that burn at the same time, callees and callers by the edges that
//! are known, traffic, nodes and evictions. A source that is forbidden is named; it makes nothing unknown by itself.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Key, Pod};
use crate::domain::slo::{Severity, Slo, SloId};
use crate::domain::value::Value;
use crate::domain::window::Window;

use super::analysis::Look;
use super::onset::{self, Onset};
use super::state::State;

/// Two burns that began within this are one story.
const SAME_TIME: TimeDelta = TimeDelta::minutes(5);
/// Node and pod trouble counts from this long before the onset.
const NODE_BEFORE: TimeDelta = TimeDelta::minutes(10);

/// A pod younger than this may still be starting.
const POD_STARTS: TimeDelta = TimeDelta::minutes(2);
/// Reasons for which a node, not the container, ends a pod.
const NODE_REASONS: [&str; 5] = ["Evicted", "NodeLost", "NodeShutdown", "Shutdown", "Preempting"];

/// Another SLO that burns.
#[derive(Clone, PartialEq, Debug)]
pub struct Burning {
    /// Which.
    pub slo: SloId,
    /// What it judges.
    pub workload: Key,
    /// When its burn began, as well as it is known.
    pub onset: Option<Time>,
}

/// All of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Surroundings {
    /// Callees that burn.
    pub callees_burning: Vec<Burning>,
    /// Callers that burn: a consequence.
    pub callers_burning: Vec<Burning>,
    /// Others in the namespace that began to burn at the same time.
    pub siblings_burning: Vec<Burning>,
    /// Other SLOs in the namespace or on an edge that are quiet.
    pub quiet: usize,
    /// Those of whose short window there are no fresh data.
    pub silent: usize,
    /// Callees among them: whether they burn is not known.
    pub callees_silent: Vec<Clean>,
    /// SLOs that burn and judge no workload that is known: whether they are near is not known.
    pub unmapped_burning: Vec<SloId>,
    /// Trouble of nodes and evictions near the onset.
    pub infrastructure: Vec<Clean>,
    /// Which sources of that kind could be read, as in "nodes not readable, pods fine".
    pub infrastructure_source: &'static str,
}

impl Surroundings {
    /// Factor by which the traffic in the incident exceeds that before it, with both rates (requests a second).
    pub fn traffic_step(&self, onset: &Onset) -> Option<(f64, f64, f64)> {
        let (before, during) = (onset.rate_before?, onset.rate_during?);
        (before > 0.0).then(|| (during / before, before, during))
    }
}

/// Onsets of all burns that are known: of incidents, and of what burns without an alert and is studied for that.
pub fn onsets(state: &State) -> BTreeMap<Key, Time> {
    let studied = state.world.slos.values().filter(|slo| burns(slo)).filter_map(|slo| {
        let (workload, _) = state.mapped.get(&slo.id)?.as_ref().ok()?;
        let (buckets, step) = &state.studies.get(&slo.id)?.buckets.as_ref()?.data;
        let onset = onset::find(buckets, *step, slo.budget()?).filter(|onset| onset.ended.is_none())?;
        Some((workload.clone(), onset.began))
    });
    let mut known: BTreeMap<Key, Time> = studied.collect();
    known.extend(state.incidents.values().filter_map(|incident| {
        let onset = incident.analysis.as_ref()?.attribution.onset.as_ref()?;
        Some((incident.workload.clone(), onset.began))
    }));
    known
}

/// How another SLO's workload stands to ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// It judges the same workload.
    Same,
    /// Ours calls it: its burn may be the cause of ours.
    Callee,
    /// It calls ours: its burn may be a consequence.
    Caller,
    /// In the same namespace, on no edge that is known.
    Sibling,
    /// Anywhere else.
    Elsewhere,
    /// What it judges is not known.
    Unmapped,
}

impl Relation {
    /// The word on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same workload",
            Self::Callee => "callee",
            Self::Caller => "caller",
            Self::Sibling => "sibling",
            Self::Elsewhere => "elsewhere",
            Self::Unmapped => "unmapped",
        }
    }
}

/// How `other` stands to `own`, by the edges that are known.
pub fn relation(edges: &BTreeMap<Key, BTreeSet<Key>>, own: Option<&Key>, other: Option<&Key>) -> Relation {
    let calls = |caller: &Key, callee: &Key| edges.get(caller).is_some_and(|all| all.contains(callee));
    match (own, other) {
        (_, None) => Relation::Unmapped,
        (Some(own), Some(other)) if own == other => Relation::Same,
        (Some(own), Some(other)) if calls(own, other) => Relation::Callee,
        (Some(own), Some(other)) if calls(other, own) => Relation::Caller,
        (Some(own), Some(other)) if own.namespace == other.namespace => Relation::Sibling,
        _ => Relation::Elsewhere,
    }
}

/// Looks around `look`'s workload.
pub fn look_around(look: &Look<'_>) -> Surroundings {
    let own = &look.deployment.meta.key;
    let since = own_onset(look);
    let mut around = Surroundings::default();
    for slo in look.world.slos.values() {
        let Some(Ok((workload, _))) = look.mapped.get(&slo.id) else {
            if burns(slo) {
                around.unmapped_burning.push(slo.id.clone());
            }
            continue;
        };
        if workload == own {
            continue;
        }
        let is_callee = look.calls(own, workload);
        let near = is_callee || workload.namespace == own.namespace;
        if !burns(slo) {
            // No request is no error; no data is no answer.
            let heard = matches!(
                slo.burn(Window::minutes(5)),
                Value::Number(_) | Value::NaN | Value::Infinite { .. }
            );
            around.quiet += usize::from(near && heard);
            around.silent += usize::from(near && !heard);
            if is_callee && !heard {
                around.callees_silent.push(workload.name.clone());
            }
            continue;
        }
        let is_caller = !is_callee && look.calls(workload, own);
        if !near && !is_caller {
            continue;
        }
        let onset = look.onsets.get(workload).copied().or_else(|| alert_since(slo));
        let burning = Burning { slo: slo.id.clone(), workload: workload.clone(), onset };
        let together = match (onset, since) {
            (Some(theirs), Some(ours)) => (theirs - ours).abs() <= SAME_TIME,
            _ => true,
        };
        if is_callee {
            around.callees_burning.push(burning);
        } else if is_caller {
            around.callers_burning.push(burning);
        } else if together && slo.burning() == Some(Severity::Page) {
            around.siblings_burning.push(burning);
        }
    }
    infrastructure(look, since, &mut around);
    around
}

/// It burns by its alert, or its short window is beyond the page threshold already: a callee's alert may come later
/// than ours although its errors came first.
pub fn burns(slo: &Slo) -> bool {
    let page = slo.pairs.iter().filter(|p| p.severity == Severity::Page).min_by_key(|p| p.short);
    let short = page.is_some_and(|p| matches!(slo.burn(p.short), Value::Number(b) if b > p.factor));
    slo.burning() == Some(Severity::Page) || short
}

/// Since when its page is due, as the server says.
pub fn alert_since(slo: &Slo) -> Option<Time> {
    slo.alerts.iter().filter(|a| a.severity == Severity::Page).filter_map(|a| a.active_at).min()
}

fn own_onset(look: &Look<'_>) -> Option<Time> {
    look.onsets.get(&look.deployment.meta.key).copied().or_else(|| look.slo.and_then(alert_since))
}

/// The one node on which all of our settled pods are not ready while those elsewhere are. A bad deploy makes its own
/// pods unready wherever they are, so pods of a revision that is young at the onset do not count.
fn unready_node<'a>(look: &'a Look<'_>, onset: Option<Time>) -> Option<(&'a Clean, usize)> {
    let young = onset.unwrap_or(look.now) - look.setup.policy.onset_within.delta();
    let settled = look.rows.iter().filter(|r| r.began.is_some_and(|began| began < young));
    let pods = settled.flat_map(|r| look.world.pods_of(&r.uid));
    let pods = pods.filter(|p| !p.deleting && p.phase != "Failed" && p.phase != "Succeeded");
    let mut by_node: BTreeMap<&Clean, (usize, usize)> = BTreeMap::new();
    for pod in pods.filter(|p| p.created.is_some_and(|c| look.now - c >= POD_STARTS)) {
        let counts = by_node.entry(pod.node.as_ref()?).or_default();
        if pod.ready { counts.0 += 1 } else { counts.1 += 1 }
    }
    let mut bad = by_node.iter().filter(|(_, (_, unready))| *unready > 0);
    let (node, (ready, unready)) = bad.next()?;
    let alone = bad.next().is_none() && *ready == 0 && by_node.len() > 1;
    alone.then_some((*node, *unready))
}

fn infrastructure(look: &Look<'_>, onset: Option<Time>, around: &mut Surroundings) {
    let from = onset.unwrap_or(look.now) - NODE_BEFORE;
    let recent = |at: Option<Time>| at.is_none_or(|at| at >= from);
    let own: Vec<_> = look
        .world
        .history(look.deployment)
        .into_iter()
        .flat_map(|revision| look.world.pods_of(&revision.meta.uid))
        .collect();
    let on_our_node = |name: &Clean| own.iter().any(|pod| pod.node.as_ref() == Some(name));
    let nodes = look.world.reads("nodes");
    for node in look.world.nodes.values().filter(|n| on_our_node(&n.name)) {
        if !node.ready && recent(node.since) {
            around.infrastructure.push(Clean::new(format!("node {} is not ready", node.name)));
        }
        for (pressure, _) in node.pressures.iter().filter(|(_, since)| recent(*since)) {
            around.infrastructure.push(Clean::new(format!("node {}: {pressure}", node.name)));
        }
    }
    let by_node = |p: &&&Pod| p.reason.as_ref().is_some_and(|r| NODE_REASONS.contains(&r.as_str()));
    for pod in own.iter().filter(by_node).filter(|p| recent(p.created)) {
        let reason = pod.reason.as_ref().map_or("Evicted", Clean::as_str);
        let what = if reason == "Evicted" { "was evicted".to_owned() } else { format!("ended: {reason}") };
        around.infrastructure.push(Clean::new(format!("pod {} {what}", pod.key.name)));
    }
    if !nodes && let Some((node, count)) = unready_node(look, onset) {
        let text = format!("node {node}: {count} pods are not ready there, those on other nodes are");
        around.infrastructure.push(Clean::new(text));
    }
    for event in look.world.events.iter().filter(|e| e.about_kind == "Node" && e.warning) {
        if event.last.is_some_and(|last| last >= from) && on_our_node(&event.about_name) {
            around.infrastructure.push(Clean::new(format!("node {}: {}", event.about_name, event.reason)));
        }
    }
    around.infrastructure.sort();
    around.infrastructure.dedup();
    // Which nodes are ours is known from our pods only.
    around.infrastructure_source = match (nodes, look.world.reads("pods")) {
        (true, true) => "nodes fine",
        (false, true) => "nodes not readable, pods fine",
        (true, false) => "pods not readable, so our nodes are not known",
        (false, false) => "nodes and pods not readable",
    };
}
