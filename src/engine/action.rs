//! An approved action on its way: recheck, durable intent, one send, outcome, rollout, verification, close. Every
//! arrow has its error; none of them sends anything twice.
//!
//! ```text
//! approved -> Rechecking -> Recording -> Executing -> Stabilising -> Verifying -> Closed
//!                 |changed      |no record   |refused: Aborted (partial, if a call was done)
//!                 v             v            |unknown: read back until known
//!               withdrawn    nothing sent    v
//! ```

use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::format;
use crate::domain::plan::{Call, DryRun, JSON_PATCH, Method};
use crate::domain::verdict::{Outcome, Stage};

use super::analysis::{Analysis, Wish};
use super::effect::Effect;
use super::event::{ActionId, Called, FreshLook, Ticket};
use super::gate::{self, Proposal};
use super::gates;
use super::incident;
use super::record::{self, PastAction};
use super::state::{State, Weight};
use super::verify::{self, NEVER_APPLIED, Phase, Running};

/// Between two read-backs.
const READ_BACK_EVERY: i64 = 5;

/// The gesture is complete: everything is read once more before anything is recorded or sent.
pub fn approve(state: &mut State, workload: &Key, reason: String, effects: &mut Vec<Effect>) {
    let (now, mono, by) = (state.now, state.mono, state.user());
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    let Some(proposal) = &incident.proposal else {
        return;
    };
    let analysis = &proposal.analysis;
    let Some(plan) = analysis.plan.clone() else { return };
    // An action that is still verified ends here: what is verified from now on is its way back.
    let left = incident.running.as_ref().filter(|r| !r.over()).map(|r| r.action.clone());
    if let Some(left) = left {
        let words = "its way back was approved";
        let body = json!({"action": left.0, "outcome": "inconclusive", "words": words});
        effects.push(Effect::Record { ticket: Ticket::Note, kind: record::CLOSED, body });
    }
    let action = gate::action_id(now, mono, &proposal.digest, &by);
    let calls = plan.stamped(&action.0, &proposal.digest, by.as_str());
    let slo = analysis.slos.first().cloned();
    let onset = analysis.attribution.onset.as_ref();
    let budget =
        slo.as_ref().and_then(|id| state.world.slos.get(id)).and_then(|s| s.budget()).unwrap_or(0.001);
    let running = Running {
        digest: proposal.digest.clone(),
        calls,
        done: 0,
        by,
        reason,
        approved: now,
        approved_mono: mono,
        sent: None,
        phase: Phase::Rechecking,
        prediction: analysis.prediction(now),
        slo,
        budget,
        incident: onset.map_or_else(Default::default, |o| o.during),
        before: onset.and_then(|o| o.outside.ratio()),
        rollout_ended: None,
        generation: None,
        visible: false,
        settled: None,
        since: Default::default(),
        read_back_asked: None,
        waiting_for: "reading everything once more".into(),
        action,
        plan: plan.clone(),
    };
    effects.push(Effect::Recheck(running.digest.clone(), Box::new(plan.clone()), gates::rights_for(&plan)));
    incident.running = Some(running);
    incident.reach(Stage::Execute, now);
    state.say(
        "gate",
        Weight::Attention,
        format!("{workload}: approved by {}, checking once more", state.user()),
    );
}

/// The second look came: go on only if nothing that was approved has changed.
pub fn rechecked(
    state: &mut State,
    workload: &Key,
    fresh: Result<FreshLook, Clean>,
    effects: &mut Vec<Effect>,
) {
    let policy = state.setup.policy.clone();
    let (now, mono) = (state.now, state.mono);
    let cluster = state.world.cluster_id.clone().unwrap_or_default();
    let closed = state.journal_closed().cloned();
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    let (Some(running), Some(proposal)) = (&mut incident.running, &incident.proposal) else {
        return;
    };
    if running.phase != Phase::Rechecking {
        return;
    }
    let late = now - running.approved >= policy.execute_within.delta()
        || mono.saturating_sub(running.approved_mono) >= Duration::from_secs(policy.execute_within.secs());
    let changed = match fresh {
        Err(why) => Some(format!("the second look failed: {why}")),
        Ok(fresh) => changed_since(&fresh, running, proposal),
    };
    let expired = now >= proposal.expires;
    let refusal = changed
        .or(closed.map(|why| format!("the journal cannot be written: {why}")))
        .or(late.then(|| format!("the second look took longer than {}", policy.execute_within)))
        .or(expired.then(|| "the proposal expired".to_owned()));
    if let Some(why) = refusal {
        abort(state, workload, &format!("nothing was sent: {why}"), effects);
        return;
    }
    running.phase = Phase::Recording;
    running.waiting_for = "the record to be on disk".into();
    let open = (now - proposal.opened).num_seconds();
    let body = record::intent(running, &proposal.analysis, cluster.as_str(), open);
    effects.push(Effect::Record { ticket: Ticket::Intent, kind: record::INTENT, body });
}

/// What differs between the approved card and the world right now, in words.
fn changed_since(fresh: &FreshLook, running: &Running, proposal: &Proposal) -> Option<String> {
    let plan = &running.plan;
    let Some(deployment) = &fresh.deployment else {
        return Some("the Deployment is gone".into());
    };
    if deployment.meta.uid != plan.uid {
        return Some("the Deployment was re-created under the same name".into());
    }
    if deployment.paused {
        return Some("the Deployment was paused".into());
    }
    if !fresh.replica_sets.iter().any(|r| r.meta.uid == plan.target) {
        return Some("the target's ReplicaSet is gone".into());
    }
    let test = |path: &str| {
        let body = plan.calls.last()?.body.as_array()?;
        body.iter().find(|o| o["op"] == "test" && o["path"] == path).map(|o| o["value"].clone())
    };
    if test("/spec/template").is_some_and(|was| was != deployment.template.json.value()) {
        return Some("the template changed since the card was drawn".into());
    }
    if test("/metadata/annotations").is_some_and(|was| was != deployment.annotations.value()) {
        return Some("the annotations changed since the card was drawn".into());
    }
    for before in &plan.undo.configs {
        let live = fresh.configs.iter().find(|(key, _)| *key == before.key).and_then(|(_, c)| c.as_ref());
        if live.is_none_or(|c| c.digest != before.version.digest) {
            return Some(format!("ConfigMap {} changed since the card was drawn", before.key.name));
        }
    }
    if !fresh.allowed {
        return Some("a right was taken away".into());
    }
    match &fresh.dry_run {
        DryRun::Accepted(_) => None,
        DryRun::Refused(why) => Some(format!("the server refuses it now: {why}")),
        // It was unavailable before and is named in the reason; then it may be unavailable again.
        DryRun::Unavailable(_) | DryRun::Pending => match proposal.analysis.dry_run {
            DryRun::Accepted(_) => Some("the server could not repeat the dry run".into()),
            _ => None,
        },
    }
}

/// The intent is durable: now, and only now, the action is sealed and sent.
pub fn recorded(state: &mut State, effects: &mut Vec<Effect>) {
    let now = state.now;
    let waiting = state
        .incidents
        .values_mut()
        .find(|i| i.running.as_ref().is_some_and(|r| r.phase == Phase::Recording));
    let Some(incident) = waiting else { return };
    let Some(running) = &mut incident.running else {
        return;
    };
    running.phase = Phase::Executing;
    running.sent = Some(now);
    running.waiting_for = "the API server".into();
    let approved = gate::seal(running.action.clone(), running.digest.clone(), running.calls.clone());
    let past = past_action(running, incident.proposal.as_ref().map(|p| &p.analysis), &state.world.cluster_id);
    incident.proposal = None;
    let text = format!("action {} sent: {} calls", running.action.0, running.calls.len());
    state.journal.actions.push(past);
    effects.push(Effect::Execute(approved));
    state.say("gate", Weight::Attention, text);
}

fn past_action(running: &Running, analysis: Option<&Analysis>, cluster: &Option<Clean>) -> PastAction {
    PastAction {
        action: running.action.0.clone(),
        time: running.approved,
        by: running.by.clone(),
        workload: running.plan.workload.to_string(),
        cluster: cluster.as_ref().map(Clean::to_string).unwrap_or_default(),
        verdict: analysis.map_or(String::new(), |a| a.verdict().word().into()),
        offer: running.plan.offer.word().into(),
        target: analysis.and_then(record::target_words).unwrap_or_default(),
        digest: format!("sha256:{}", running.digest.0),
        outcome: None,
        executed: false,
        unknown: true,
        last_path: running.calls.last().map(|c| c.path.clone()).unwrap_or_default(),
        left_template: running.plan.undo.template.clone(),
        undo: running.plan.undo.clone(),
        undo_of: analysis.and_then(|a| a.undo_of.clone()),
    }
}

/// The record could not be made: nothing is sent.
pub fn record_failed(state: &mut State, why: &Clean, effects: &mut Vec<Effect>) {
    state.journal.head = Some(Err(why.clone()));
    let waiting = state
        .incidents
        .values()
        .find(|i| i.running.as_ref().is_some_and(|r| r.phase == Phase::Recording))
        .map(|i| i.workload.clone());
    match waiting {
        Some(workload) => {
            abort(
                state,
                &workload,
                &format!("nothing was sent: the journal cannot be written: {why}"),
                effects,
            );
        }
        None => state.say("journal", Weight::Bad, format!("the journal cannot be written: {why}")),
    }
}

/// Ends an action before anything was sent.
fn abort(state: &mut State, workload: &Key, why: &str, effects: &mut Vec<Effect>) {
    if let Some(incident) = state.incidents.get_mut(workload) {
        if let Some(running) = &mut incident.running {
            running.phase = Phase::Aborted(Clean::new(why));
        }
        incident.reached.remove(&Stage::Execute);
        // The card is void; a new one is drawn from new facts.
        incident.proposal = None;
        incident.planned = state.now;
    }
    state.dry_runs.clear();
    state.dirty = true;
    state.say("gate", Weight::Bad, format!("{workload}: {why}"));
    effects.push(Effect::Bell);
}

/// A call was answered.
pub fn called(state: &mut State, action: &ActionId, index: usize, called: Called, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some((workload, incident)) = state
        .incidents
        .iter_mut()
        .find(|(_, i)| i.running.as_ref().is_some_and(|r| r.action == *action))
        .map(|(k, i)| (k.clone(), i))
    else {
        return;
    };
    let Some(running) = &mut incident.running else {
        return;
    };
    match called {
        Called::Done(generation) => {
            running.done = running.done.max(index + 1);
            running.generation = generation;
            if running.done == running.calls.len() {
                running.phase = Phase::Stabilising;
                running.waiting_for = "the rollout".into();
                incident.reach(Stage::Stabilise, now);
                outcome(state, &workload, false, None, effects);
                state.say("action", Weight::Attention, format!("{workload}: written, the rollout goes on"));
            }
        }
        Called::Refused(why) | Called::NotSent(why) => {
            let partial = running.done > 0;
            let sentence = if partial {
                format!("partial: {} of {} calls were done, then: {why}", running.done, running.calls.len())
            } else {
                format!("not executed: {why}")
            };
            running.phase = Phase::Aborted(Clean::new(&sentence));
            let plan = running.plan.clone();
            outcome(state, &workload, false, Some(&sentence), effects);
            if partial && let Some(incident) = state.incidents.get_mut(&workload) {
                // The content is back, the pods do not know it yet: the rest is offered as a proposal of its own.
                let target =
                    (plan.offer == crate::domain::verdict::Offer::Rollback).then(|| plan.target.clone());
                incident.want(Wish { target, rest: true, edited: true, ..Wish::default() }, now);
            }
            state.dry_runs.clear();
            state.dirty = true;
            state.say("action", Weight::Bad, format!("{workload}: {sentence}"));
        }
        Called::Unknown(why) => {
            running.phase = Phase::Unknown(why.clone());
            outcome(state, &workload, true, Some(why.as_str()), effects);
            state.say("action", Weight::Bad, format!("{workload}: outcome unknown ({why}), reading back"));
        }
    }
}

/// Records how the calls ended, and remembers it for the gates.
fn outcome(state: &mut State, workload: &Key, unknown: bool, why: Option<&str>, effects: &mut Vec<Effect>) {
    let Some(running) = state.incidents.get(workload).and_then(|i| i.running.as_ref()) else {
        return;
    };
    let (action, done) = (running.action.0.clone(), running.done);
    let body =
        json!({"action": action, "done": done, "of": running.calls.len(), "unknown": unknown, "why": why});
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::OUTCOME, body });
    if let Some(past) = state.journal.actions.iter_mut().rev().find(|a| a.action == action) {
        past.unknown = unknown;
        past.executed |= done > 0;
        if !past.executed && !unknown {
            past.outcome = Some("not_executed".into());
        }
    }
}

/// Somebody looked whether the object bears the action's id.
pub fn read_back(state: &mut State, action: &ActionId, found: Option<bool>, effects: &mut Vec<Effect>) {
    let now = state.now;
    let holder = state
        .incidents
        .iter()
        .find(|(_, i)| {
            i.running.as_ref().is_some_and(|r| r.action == *action && matches!(r.phase, Phase::Unknown(_)))
        })
        .map(|(k, _)| k.clone());
    let old = holder.is_none();
    let sent = match &holder {
        Some(workload) => state.incidents.get(workload).and_then(|i| i.running.as_ref()).and_then(|r| r.sent),
        None => state.journal.actions.iter().find(|a| a.action == action.0).map(|a| a.time),
    };
    let too_late = sent.is_none_or(|sent| now - sent >= NEVER_APPLIED);
    let applied = match found {
        Some(true) => true,
        Some(false) if too_late => false,
        _ => return,
    };
    if let Some(workload) = &holder
        && let Some(incident) = state.incidents.get_mut(workload)
    {
        if let Some(running) = &mut incident.running {
            if applied {
                running.done = running.calls.len();
                running.phase = Phase::Stabilising;
            } else {
                running.phase =
                    Phase::Aborted(Clean::new("not executed: read back, the server does not have it"));
            }
        }
        if applied {
            incident.reach(Stage::Stabilise, now);
        }
    }
    if let Some(past) = state.journal.actions.iter_mut().find(|a| a.action == action.0) {
        past.unknown = false;
        past.executed |= applied;
        if !applied {
            past.outcome = Some("not_executed".into());
        } else if old {
            past.outcome = Some("inconclusive".into());
        }
    }
    let body = json!({"action": action.0, "unknown": false, "done": usize::from(applied), "found": applied});
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::READ_BACK, body });
    let word = if applied { "was applied" } else { "was not applied" };
    state.say("action", Weight::Attention, format!("action {} read back: it {word}", action.0));
    state.dirty = true;
}

/// Actions of earlier sessions whose outcome nobody recorded are read back, until it is known.
pub fn resolve_old(state: &mut State, effects: &mut Vec<Effect>) {
    let now = state.now;
    let ours: Vec<String> =
        state.incidents.values().filter_map(|i| i.running.as_ref()).map(|r| r.action.0.clone()).collect();
    let due = state.resolved_old.is_none_or(|at| (now - at).num_seconds() >= READ_BACK_EVERY);
    if !due {
        return;
    }
    state.resolved_old = Some(now);
    for past in state.actions_here().into_iter().filter(|a| a.unknown && !ours.contains(&a.action)) {
        let call =
            Call { method: Method::Patch, path: past.last_path, content_type: JSON_PATCH, body: Value::Null };
        effects.push(Effect::ReadBack(ActionId(past.action), vec![call]));
    }
}

/// One review's step of an action: read-backs, rollout, verification.
pub fn advance(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    let Some(running) = &mut incident.running else {
        return;
    };
    match running.phase {
        Phase::Unknown(_)
            if running.read_back_asked.is_none_or(|at| (now - at).num_seconds() >= READ_BACK_EVERY) =>
        {
            running.read_back_asked = Some(now);
            effects.push(Effect::ReadBack(running.action.clone(), running.calls.clone()));
        }
        Phase::Stabilising | Phase::Verifying => {
            let before = running.phase.clone();
            let mut ended = verify::watch_rollout(running, &state.world, now);
            if running.phase == Phase::Verifying {
                incident.reached.entry(Stage::Verify).or_insert(now);
                if before == Phase::Stabilising {
                    // The next inquiry must not wait for the old one's turn.
                    incident.focus.verify_from = running.rollout_ended;
                }
                let study = running.slo.as_ref().and_then(|id| state.studies.get(id));
                ended = ended.or_else(|| verify::judge(running, study.and_then(|s| s.verify.as_ref()), now));
            }
            if let Some(outcome) = ended {
                close(state, workload, outcome, effects);
            }
        }
        _ => {}
    }
}

/// The record is complete.
fn close(state: &mut State, workload: &Key, outcome: Outcome, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    incident.reach(Stage::Verify, now);
    incident.reach(Stage::Close, now);
    incident.wish = None;
    incident.planned = now;
    let Some(running) = &mut incident.running else {
        return;
    };
    running.phase = Phase::Closed(outcome.clone());
    let kept = verify::prediction_kept(running);
    let body = json!({
        "action": running.action.0,
        "outcome": outcome.word(),
        "words": outcome.title(),
        "since_rollout": {"bad": running.since.bad.round(), "total": running.since.total.round(),
                          "from": running.rollout_ended.map(|t| t.to_rfc3339())},
        "incident": {"bad": running.incident.bad.round(), "total": running.incident.total.round()},
        "prediction_kept": kept,
        "seconds_from_approval": (now - running.approved).num_seconds(),
    });
    let text = format!(
        "{workload}: {} ({} failed since the rollout)",
        outcome.title(),
        format::bad_of(running.since.bad, running.since.total)
    );
    let action = running.action.0.clone();
    if let Some(past) = state.journal.actions.iter_mut().rev().find(|a| a.action == action) {
        past.outcome = Some(outcome.word().into());
    }
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::CLOSED, body });
    effects.push(Effect::Bell);
    let weight = if outcome == Outcome::Helped { Weight::Good } else { Weight::Bad };
    state.say("verify", weight, text);
    state.dirty = true;
}

/// `z`: proposes the way back of the last action on `workload`.
pub fn propose_undo(state: &mut State, workload: &Key) {
    let now = state.now;
    let name = workload.to_string();
    let last = state.actions_here().into_iter().rev().find(|a| a.workload == name && a.executed);
    let Some(action) = last else {
        state.say(
            "gate",
            Weight::Plain,
            format!("{workload}: goaround has done nothing here that could be undone"),
        );
        return;
    };
    let exists = state.world.replica_sets.contains_key(&action.undo.replica_set);
    let target = (action.undo.configs.is_empty() && exists).then(|| action.undo.replica_set.clone());
    let incident = state
        .incidents
        .entry(workload.clone())
        .or_insert_with(|| incident::Incident::new(workload.clone(), now));
    if let Some(running) = &mut incident.running
        && !running.over()
        && !matches!(running.phase, Phase::Stabilising | Phase::Verifying)
    {
        state.say(
            "gate",
            Weight::Plain,
            "the action is still being sent: its way back can be proposed when it is known",
        );
        return;
    }
    incident.calm_since = None;
    incident.want(Wish { target, undo_of: Some(action), ..Wish::default() }, now);
    state.say("gate", Weight::Plain, format!("{workload}: the way back is proposed"));
    state.dirty = true;
}
