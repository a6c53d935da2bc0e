//! An action of an operator on another host, whose journal we cannot read, is known by its mark on the Deployment and by
//! the Lease that is held while it goes on. When that Lease lapses without having been let go, its session died: the
//! verification is taken up here. Nothing is sent again; what is watched is what serves.

use chrono::TimeDelta;
use serde_json::json;

use crate::domain::clean::Clean;
use crate::domain::cluster::{Deployment, Key};
use crate::domain::verdict::{Offer, Stage};

use super::courtesy;
use super::effect::Effect;
use super::event::Ticket;
use super::gates;
use super::record::{self, PastAction, Watch};
use super::state::{State, Weight};
use super::verify::Running;

/// After this nobody can tell any more what an action did to the SLI.
const TOO_LATE: TimeDelta = TimeDelta::minutes(30);
/// The template was written with the mark, if it was not written later than this.
const WITH_IT: TimeDelta = TimeDelta::seconds(90);

/// Takes up what somebody else began and cannot end.
pub(super) fn take_up(state: &mut State, effects: &mut Vec<Effect>) {
    let left: Vec<Key> = courtesy::left(state).collect();
    for workload in left {
        // One who takes it up holds a Lease: one is enough.
        if courtesy::others(state, &workload).next().is_some() {
            continue;
        }
        let past = state.world.deployments.get(&workload).and_then(|d| abandoned(state, &workload, d));
        if let Some(past) = past {
            watch(state, &workload, &past, effects);
        }
    }
}

/// The action whose mark is on the Deployment, if nobody but its dead session knows it.
fn abandoned(state: &State, workload: &Key, deployment: &Deployment) -> Option<PastAction> {
    let (action, time, by) = gates::mark(deployment)?;
    let known = state.journal.actions.iter().any(|a| a.action == action);
    let age = state.now - time;
    let later = deployment
        .meta
        .managed
        .iter()
        .any(|m| m.template && !m.subresource && m.time.is_some_and(|written| written > time + WITH_IT));
    if known || later || age >= TOO_LATE || !courtesy::holders(state, workload).any(|holder| *holder == by) {
        return None;
    }
    let incident = state.incidents.get(workload)?;
    if incident.acting() || incident.running.as_ref().is_some_and(|r| r.action.0 == action) {
        return None;
    }
    let current = state.world.current(deployment)?;
    let onset = incident.analysis.as_ref().and_then(|a| a.attribution.onset.as_ref());
    let slo = incident.slos.first().cloned();
    let budget = slo.as_ref().and_then(|id| state.world.slos.get(id)).and_then(|s| s.budget());
    Some(PastAction {
        action,
        time,
        by,
        workload: workload.to_string(),
        offer: Offer::Rollback.word().into(),
        executed: true,
        written_template: deployment.template.digest.clone(),
        calls: 1,
        watch: Watch {
            uid: deployment.meta.uid.clone(),
            target: current.meta.uid.clone(),
            template: deployment.template.digest_but_restart.clone(),
            slo,
            budget: budget.unwrap_or(0.001),
            incident: onset.map_or_else(Default::default, |o| o.during),
            before: onset.and_then(|o| o.outside.ratio()),
            prediction: None,
        },
        ..PastAction::default()
    })
}

fn watch(state: &mut State, workload: &Key, past: &PastAction, effects: &mut Vec<Effect>) {
    let (user, cluster) = (state.user(), state.world.cluster_id.clone().unwrap_or_default());
    let Some(incident) = state.incidents.get_mut(workload) else { return };
    incident.running = Some(Running::taken_up(past, Offer::Rollback, workload.clone()));
    for stage in [Stage::Propose, Stage::Gate, Stage::Execute, Stage::Stabilise] {
        incident.reach(stage, past.time);
    }
    let body = json!({"cluster": cluster, "workload": past.workload, "action": past.action, "by": user, "of": past.by});
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::TAKEN_UP, body });
    let text = format!(
        "{workload}: {} went silent while action {} goes on: its verification is taken up here",
        past.by, past.action
    );
    state.say("verify", Weight::Attention, Clean::new(text));
    state.dirty = true;
}
