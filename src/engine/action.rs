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

use chrono::TimeDelta;
use serde_json::json;

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::format;
use crate::domain::plan::DryRun;
use crate::domain::verdict::{Offer, Outcome, Stage};
use crate::domain::window::Window;
use crate::sabotage::{self, Design};

use super::analysis::{Analysis, Wish};
use super::background;
use super::courtesy;
use super::effect::Effect;
use super::event::{ActionId, Called, FreshLook, Ticket};
use super::gate::{self, Proposal};
use super::gates;
use super::incident;
use super::quorum;
use super::record::{self, PastAction};
use super::settle;
use super::state::{State, Weight};
use super::verify::{self, NEVER_APPLIED, NEVER_SEEN, Phase, Running};

/// Between two read-backs.
const READ_BACK_EVERY: i64 = 5;
/// A server that was not heard for longer, because it or this machine stood still, has not answered all the time.
const ANSWERS: TimeDelta = TimeDelta::seconds(30);

/// The gesture is complete: everything is read once more before anything is recorded or sent.
pub fn approve(state: &mut State, workload: &Key, reason: String, effects: &mut Vec<Effect>) {
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    // Only the way back may be approved while an action is still watched, and nothing while one is being sent.
    if incident.running.as_ref().is_some_and(|r| !r.over() && !r.watched()) {
        return;
    }
    if quorum::needed(&state.setup, workload) > 1 {
        return quorum::give(state, workload, reason, effects);
    }
    go(state, workload, reason, effects);
}

/// Everybody who is wanted has approved.
pub(super) fn go(state: &mut State, workload: &Key, reason: String, effects: &mut Vec<Effect>) {
    let (now, mono, by) = (state.now, state.mono, state.user());
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    let Some(proposal) = &incident.proposal else {
        return;
    };
    let analysis = &proposal.analysis;
    let Some(plan) = analysis.plan.clone() else { return };
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
        dissent: proposal.dissent,
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
        watched_for: chrono::TimeDelta::zero(),
        newest: None,
        unknown_since: None,
        read_back_asked: None,
        waiting_for: "reading everything once more".into(),
        action,
        plan: plan.clone(),
    };
    effects.push(Effect::Recheck(running.digest.clone(), Box::new(plan.clone()), gates::rights_for(&plan)));
    // An action that is still watched waits beside its way back until that is really sent.
    incident.before = incident.running.take().filter(|r| !r.over());
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
    let broken = quorum::broken(state, workload);
    let other = other_unresolved(state, workload);
    let Some(incident) = state.incidents.get_mut(workload) else {
        return;
    };
    let Some(running) = incident.running.as_mut().filter(|r| r.phase == Phase::Rechecking) else {
        return;
    };
    let Some(proposal) = &incident.proposal else {
        abort(state, workload, "nothing was sent: the card is gone", effects);
        return;
    };
    let moved = has_moved(incident.analysis.as_ref(), proposal);
    let late = too_late(running, policy.execute_within, now, mono);
    let changed = match fresh {
        Err(why) => Some(format!("the second look failed: {why}")),
        Ok(fresh) => changed_since(&fresh, running, proposal),
    };
    let expired = proposal.void(now, mono) && !sabotage::is(Design::ExpiryAtArming);
    let refusal = changed
        .filter(|_| !sabotage::is(Design::LooksOnce))
        .or(broken)
        .or(other)
        .or(moved.then(|| "the verdict, a gate or the target changed since the card was drawn".to_owned()))
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
    let body = record::intent(running, proposal, cluster.as_str(), open);
    let ticket = Ticket::Intent(running.action.clone());
    effects.push(Effect::Record { ticket, kind: record::INTENT, body });
    if sabotage::is(Design::WriteBeforeRecord) {
        send(state, workload, effects);
    }
}

/// The verdict, a gate, the target or a consequence is not what was on the card.
fn has_moved(analysis: Option<&Analysis>, proposal: &Proposal) -> bool {
    analysis.is_some_and(|now| gate::held(now) != proposal.held) && !sabotage::is(Design::LooksOnce)
}

/// Another action on this Deployment may have been sent and its outcome is not known, in words. The gate says so too,
/// but a journal that was read just now may not have reached the gates yet.
fn other_unresolved(state: &State, workload: &Key) -> Option<String> {
    let running = state.incidents.get(workload)?.running.as_ref()?;
    let others = state.past_here().filter(|a| a.action != running.action.0);
    let other = gates::unresolved(others, workload, &running.plan.uid)?;
    Some(format!("the outcome of action {}, approved by {}, is not known yet", other.action, other.by))
}

/// It was approved too long ago to be sent, by either clock.
fn too_late(running: &Running, within: Window, now: Time, mono: Duration) -> bool {
    let waited = mono.saturating_sub(running.approved_mono);
    let wall = now - running.approved >= within.delta();
    let monotonic = waited >= Duration::from_secs(within.secs()) && !sabotage::is(Design::WallClockOnly);
    (wall || monotonic) && !sabotage::is(Design::ExpiryAtArming)
}

/// What differs between the approved card and the world right now, in words.
fn changed_since(fresh: &FreshLook, running: &Running, proposal: &Proposal) -> Option<String> {
    let plan = &running.plan;
    let Some(deployment) = &fresh.deployment else {
        return Some("the Deployment is gone".into());
    };
    if deployment.meta.uid != plan.uid && !sabotage::is(Design::NameIsIdentity) {
        return Some("the Deployment was re-created under the same name".into());
    }
    if deployment.paused {
        return Some("the Deployment was paused".into());
    }
    if !fresh.replica_sets.iter().any(|r| r.meta.uid == plan.target) {
        return Some("the target's ReplicaSet is gone".into());
    }
    if let Some(other) = courtesy::acted_meanwhile(deployment, running) {
        return Some(other);
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

/// The intent is durable: now, and only now, the action is sealed and sent, if it is not too late by either clock and
/// nothing that was read has changed while the disk was waited for.
pub fn recorded(state: &mut State, action: &ActionId, effects: &mut Vec<Effect>) {
    let (now, mono) = (state.now, state.mono);
    let within = state.setup.policy.execute_within;
    let cluster = state.world.cluster_id.as_ref().map(Clean::to_string).unwrap_or_default();
    let Some(workload) = recording(state, action).map(|(workload, _)| workload) else { return };
    let broken = quorum::broken(state, &workload).or_else(|| other_unresolved(state, &workload));
    let Some((_, incident)) = recording(state, action) else { return };
    let Some(running) = &incident.running else { return };
    let card = incident.proposal.as_ref();
    let unchecked = sabotage::is(Design::ExpiryAtArming) || sabotage::is(Design::EveryAnswerCounts);
    let expired = card.is_none_or(|p| p.void(now, mono)) && !unchecked;
    let moved = card.is_some_and(|card| has_moved(incident.analysis.as_ref(), card));
    let late = too_late(running, within, now, mono);
    let past = past_action(running, card.map(|p| &p.analysis), cluster);
    // The journal may have been read between the append and its answer.
    state.journal.actions.retain(|a| a.action != past.action);
    state.journal.actions.push(past);
    let refusal = match (late || expired, moved, broken) {
        (true, ..) => "the approval expired before its record was on disk".to_owned(),
        (_, true, _) => "the verdict, a gate or the target changed before its record was on disk".to_owned(),
        (_, _, Some(why)) => why,
        _ => return send(state, &workload, effects),
    };
    outcome(state, &workload, false, Some(&format!("not executed: {refusal}")), effects);
    abort(state, &workload, &format!("nothing was sent: {refusal}"), effects);
}

/// Seals and hands over. The card is gone, the wish fulfilled; what it undoes is not watched any more.
fn send(state: &mut State, workload: &Key, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(incident) = state.incidents.get_mut(workload) else { return };
    let Some(running) = &mut incident.running else { return };
    running.phase = Phase::Executing;
    running.sent = Some(now);
    running.waiting_for = "the API server".into();
    let approved = gate::seal(running.action.clone(), running.digest.clone(), running.calls.clone());
    let calls =
        if running.calls.len() == 1 { "1 call".to_owned() } else { format!("{} calls", running.calls.len()) };
    let text = format!("action {} sent: {calls}", running.action.0);
    incident.proposal = None;
    incident.wish = None;
    if let Some(left) = incident.before.take() {
        let words = "its way back was approved";
        let body = json!({"action": left.action.0, "outcome": "inconclusive", "words": words});
        effects.push(Effect::Record { ticket: Ticket::Note, kind: record::CLOSED, body });
    }
    effects.push(Effect::Execute(approved));
    state.say("gate", Weight::Attention, text);
}

/// The incident whose action waits for this very record.
fn recording<'a>(state: &'a mut State, action: &ActionId) -> Option<(Key, &'a mut incident::Incident)> {
    state
        .incidents
        .iter_mut()
        .find(|(_, i)| {
            i.running.as_ref().is_some_and(|r| {
                let ours = r.action == *action || sabotage::is(Design::AnyRecord);
                let again = r.phase == Phase::Executing && sabotage::is(Design::EveryAnswerCounts);
                ours && (r.phase == Phase::Recording || again)
            })
        })
        .map(|(key, incident)| (key.clone(), incident))
}

fn past_action(running: &Running, analysis: Option<&Analysis>, cluster: String) -> PastAction {
    PastAction {
        action: running.action.0.clone(),
        time: running.approved,
        by: running.by.clone(),
        workload: running.plan.workload.to_string(),
        cluster,
        verdict: analysis.map_or(String::new(), |a| a.verdict().word().into()),
        changed: analysis.map(|a| background::kinds(&a.attribution)).unwrap_or_default(),
        offer: running.plan.offer.word().into(),
        target: analysis.and_then(record::target_words).unwrap_or_default(),
        digest: format!("sha256:{}", running.digest.0),
        outcome: None,
        executed: false,
        unknown: true,
        unknown_why: None,
        lost: false,
        word: None,
        left_template: running.plan.undo.template.clone(),
        written_template: running.plan.written_template.clone(),
        configs: running.plan.configs.clone(),
        undo: running.plan.undo.clone(),
        undo_of: analysis.and_then(|a| a.undo_of.clone()),
        reason: running.reason.clone(),
        calls: running.calls.len(),
        watch: running.watch(),
        own: true,
    }
}

/// The record could not be made: of that action nothing is sent. A note that cannot be made closes the gate only.
pub fn record_failed(state: &mut State, ticket: &Ticket, why: &Clean, effects: &mut Vec<Effect>) {
    state.journal.head = Some(Err(why.clone()));
    let waiting = match ticket {
        Ticket::Intent(action) => recording(state, action).map(|(workload, _)| workload),
        Ticket::Word(..) | Ticket::Note => None,
    };
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
            state.dry_runs.remove(&running.digest);
        }
        if let Some(before) = incident.before.take() {
            // The way back was not sent: what it would have undone is watched again.
            incident.running = Some(before);
        }
        incident.reached.remove(&Stage::Execute);
        // The card is void; a new one is drawn from new facts.
        incident.proposal = None;
        incident.planned = state.now;
    }
    state.dirty = true;
    state.say("gate", Weight::Bad, format!("{workload}: {why}"));
    effects.push(Effect::Bell);
}

/// A call was answered.
pub fn called(state: &mut State, action: &ActionId, index: usize, answer: Called, effects: &mut Vec<Effect>) {
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
    match answer {
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
        Called::Refused(why) | Called::NotSent(why) => stopped(state, &workload, why.as_str(), effects),
        Called::Unknown(_) if sabotage::is(Design::SendsAgain) => send(state, &workload, effects),
        Called::Unknown(why) if sabotage::is(Design::UnknownIsFailed) => {
            stopped(state, &workload, why.as_str(), effects);
        }
        Called::Unknown(_) if sabotage::is(Design::UnknownIsDone) => {
            called(state, action, index, Called::Done(None), effects);
        }
        Called::Unknown(why) => {
            running.phase = Phase::Unknown(why.clone());
            running.unknown_since = Some(now);
            outcome(state, &workload, true, Some(why.as_str()), effects);
            state.say("action", Weight::Bad, format!("{workload}: outcome unknown ({why}), reading back"));
        }
    }
}

/// An action ended before its last call was done. What was done stands and is said; the rest is offered anew.
fn stopped(state: &mut State, workload: &Key, why: &str, effects: &mut Vec<Effect>) {
    let now = state.now;
    let Some(incident) = state.incidents.get_mut(workload) else { return };
    let Some(running) = &mut incident.running else { return };
    let partial = running.done > 0;
    if sabotage::is(Design::PartIsWhole) && partial {
        running.done = running.calls.len();
    }
    let sentence = if partial {
        format!("partial: {} of {} calls were done, then: {why}", running.done, running.calls.len())
    } else {
        format!("not executed: {why}")
    };
    running.phase = Phase::Aborted(Clean::new(&sentence));
    state.dry_runs.remove(&running.digest);
    let plan = running.plan.clone();
    outcome(state, workload, false, Some(&sentence), effects);
    if partial && let Some(incident) = state.incidents.get_mut(workload) {
        // The content is back, the pods do not know it yet: the rest is offered as a proposal of its own.
        let target = (plan.offer == Offer::Rollback).then(|| plan.target.clone());
        incident.want(Wish { target, rest: Some(plan.configs), ..Wish::default() }, now);
    }
    state.dirty = true;
    state.say("action", Weight::Bad, format!("{workload}: {sentence}"));
}

/// Records how the calls ended, and remembers it for the gates.
fn outcome(state: &mut State, workload: &Key, unknown: bool, why: Option<&str>, effects: &mut Vec<Effect>) {
    let Some(running) = state.incidents.get(workload).and_then(|i| i.running.as_ref()) else {
        return;
    };
    let (action, done, of) = (running.action.0.clone(), running.done, running.calls.len());
    let body =
        json!({"action": action, "done": done, "of": running.calls.len(), "unknown": unknown, "why": why});
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::OUTCOME, body });
    if let Some(past) = state.journal.actions.iter_mut().rev().find(|a| a.action == action) {
        past.unknown = unknown;
        past.executed |= done > 0;
        if !unknown && done < of {
            past.outcome = Some(if done > 0 { "partial" } else { "not_executed" }.into());
        }
    }
}

/// Somebody looked how many of an action's calls stand, by the marks that they leave on the objects. `Err`: nobody can
/// tell, which is said, and it stays unknown. What is not there yet may still come until the server has given it up; while
/// it does not answer it gives up nothing.
pub fn read_back(
    state: &mut State,
    action: &ActionId,
    stand: Result<usize, Clean>,
    effects: &mut Vec<Effect>,
) {
    let stand = match stand {
        Ok(stand) => stand,
        Err(why) => {
            state.absent.remove(action);
            return still_unknown(state, action, why, true);
        }
    };
    // Several looks may be under way: what is known already stays as it was recorded.
    let open = |state: &State| state.journal.actions.iter().any(|a| a.action == action.0 && a.unknown);
    if !open(state) {
        return;
    }
    // One look tells what the one before could not.
    state.journal.actions.iter_mut().filter(|a| a.action == action.0).for_each(|a| a.lost = false);
    let (since, last) = state.absent.entry(action.clone()).or_insert((state.now, state.now));
    if state.now - *last > ANSWERS {
        *since = state.now;
    }
    *last = state.now;
    let unknown = |i: &incident::Incident| {
        i.running.as_ref().is_some_and(|r| r.action == *action && matches!(r.phase, Phase::Unknown(_)))
    };
    let holder = state.incidents.iter().find(|(_, i)| unknown(i)).map(|(key, _)| key.clone());
    match holder {
        Some(workload) => read_back_own(state, &workload, stand, effects),
        None => read_back_old(state, action, stand),
    }
    if !open(state) {
        state.absent.remove(action);
        let body = json!({"action": action.0, "unknown": false, "done": stand, "found": stand > 0});
        effects.push(Effect::Record { ticket: Ticket::Note, kind: record::READ_BACK, body });
        state.say(
            "action",
            Weight::Attention,
            format!("action {} read back: {stand} of its calls stand", action.0),
        );
    }
    state.dirty = true;
}

/// The objects could not be looked at: that tells nothing.
pub fn not_read_back(state: &mut State, action: &ActionId, why: Clean) {
    state.absent.remove(action);
    still_unknown(state, action, why, false);
}

/// `lost`: what was found cannot tell. A person may say it then.
fn still_unknown(state: &mut State, action: &ActionId, why: Clean, lost: bool) {
    for running in state.incidents.values_mut().filter_map(|i| i.running.as_mut()) {
        if running.action == *action && matches!(running.phase, Phase::Unknown(_)) {
            running.phase = Phase::Unknown(why.clone());
        }
    }
    let past = state.journal.actions.iter_mut().rev().find(|a| a.action == action.0 && a.unknown);
    let Some(past) = past else { return };
    let news = past.unknown_why.as_ref() != Some(&why);
    state.dirty |= news || past.lost != lost;
    let text = format!("{}: the outcome of action {} stays unknown: {why}", past.workload, action.0);
    (past.lost, past.unknown_why) = (lost, Some(why));
    if lost {
        settle::let_go(state, action);
    }
    if news {
        state.say("action", Weight::Bad, text);
    }
}

/// The server has answered long enough that not all of the action is there.
fn never_seen(state: &State, action: &ActionId) -> bool {
    state.absent.get(action).is_some_and(|(since, last)| *last - *since >= NEVER_SEEN)
}

fn read_back_own(state: &mut State, workload: &Key, stand: usize, effects: &mut Vec<Effect>) {
    let now = state.now;
    let action = state.incidents.get(workload).and_then(|i| i.running.as_ref()).map(|r| &r.action);
    let given_up = action.is_some_and(|action| never_seen(state, action));
    let Some(incident) = state.incidents.get_mut(workload) else { return };
    let Some(running) = &mut incident.running else { return };
    let id = running.action.0.clone();
    if stand >= running.calls.len() {
        running.done = running.calls.len();
        running.phase = Phase::Stabilising;
        running.waiting_for = "the rollout".into();
        running.generation = state.found_at.get(&running.action).copied();
        incident.reach(Stage::Stabilise, now);
        known(state, &id, true, None);
    } else if (given_up && running.unknown_since.is_none_or(|since| now - since >= NEVER_APPLIED))
        || sabotage::is(Design::MissingIsProof)
    {
        // What the server has answered stays done, whatever somebody made of it since.
        running.done = running.done.max(stand);
        stopped(state, workload, "read back, the server does not have it", effects);
    }
}

/// An action of an earlier session; one that stands is watched from there on, see [`super::resume`].
fn read_back_old(state: &mut State, action: &ActionId, stand: usize) {
    let now = state.now;
    let Some(past) = state.journal.actions.iter().find(|a| a.action == action.0 && a.unknown) else { return };
    let calls = past.configs.len() + 1;
    if stand >= calls {
        known(state, &action.0, true, None);
    } else if now - past.time >= NEVER_APPLIED && never_seen(state, action) {
        let word = if stand > 0 { "partial" } else { "not_executed" };
        known(state, &action.0, stand > 0, Some(word));
    }
}

/// Remembers for the gates that an outcome is known.
fn known(state: &mut State, action: &str, executed: bool, outcome: Option<&str>) {
    if let Some(past) = state.journal.actions.iter_mut().rev().find(|a| a.action == action) {
        past.unknown = false;
        past.executed |= executed;
        past.outcome = outcome.map(str::to_owned).or(past.outcome.take());
    }
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
        let trace = Box::new(past.trace());
        effects.push(Effect::ReadBack(ActionId(past.action), trace));
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
            effects.push(Effect::ReadBack(running.action.clone(), Box::new(running.trace())));
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
                let counts = study.and_then(|s| s.verify.as_ref());
                let newest = study.and_then(|s| s.newest.as_ref());
                ended = ended.or_else(|| verify::judge(running, counts, newest, now));
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
    // The wish of this action was fulfilled when it was sent: one that is there now was made since, and its card, which
    // somebody may be reading, stays as it is.
    if incident.wish.is_none() {
        incident.planned = now;
    }
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
    let past = state.journal.actions.iter_mut().rev().find(|a| a.action == action);
    let closed = past.as_ref().is_some_and(|a| !a.own && a.outcome.is_some());
    if let Some(past) = past {
        past.outcome = Some(outcome.word().into());
    }
    if !closed {
        effects.push(Effect::Record { ticket: Ticket::Note, kind: record::CLOSED, body });
    }
    effects.push(Effect::Bell);
    let weight = if outcome == Outcome::Helped { Weight::Good } else { Weight::Bad };
    state.say("verify", weight, text);
    state.dirty = true;
}

/// `z`: proposes the way back of the last action on `workload`, if what it wrote is still what serves.
pub fn propose_undo(state: &mut State, workload: &Key) {
    let now = state.now;
    let name = workload.to_string();
    let last = state.actions_here().into_iter().rev().find(|a| a.workload == name && a.executed);
    let refusal = match &last {
        None => Some("goaround has done nothing here that could be undone".to_owned()),
        Some(action) => cannot_undo(state, workload, action),
    };
    if let Some(why) = refusal {
        state.say("gate", Weight::Plain, format!("{workload}: {why}"));
        return;
    }
    let Some(action) = last else { return };
    // A restore goes back by its ConfigMaps, a rollback by its revision, with the ConfigMaps that went with it. Of one
    // that was done in part only the ConfigMaps were written.
    let by_revision = action.offer == Offer::Rollback.word() && !action.partial();
    let target = by_revision.then(|| action.undo.replica_set.clone());
    let incident = state
        .incidents
        .entry(workload.clone())
        .or_insert_with(|| incident::Incident::new(workload.clone(), now));
    incident.calm_since = None;
    incident.want(Wish { target, undo_of: Some(action), ..Wish::default() }, now);
    state.say("gate", Weight::Plain, format!("{workload}: the way back is proposed"));
    state.dirty = true;
}

fn cannot_undo(state: &State, workload: &Key, action: &PastAction) -> Option<String> {
    let sending = state.incidents.get(workload).and_then(|i| i.running.as_ref());
    if sending.is_some_and(|r| !r.over() && !r.watched()) {
        return Some("the action is still being sent: its way back can be proposed when it is known".into());
    }
    let deployment = state.world.deployments.get(workload)?;
    let left = if action.partial() { &action.left_template } else { &action.written_template };
    if !left.0.is_empty() && deployment.template.digest != *left {
        return Some(format!(
            "what action {} wrote does not serve any more: there is no way back of it",
            action.action
        ));
    }
    let gone = !state.world.replica_sets.contains_key(&action.undo.replica_set);
    (gone && action.offer == Offer::Rollback.word() && !action.partial()).then(|| {
        "the revision that served before is gone (revisionHistoryLimit): propose another one by hand".into()
    })
}
