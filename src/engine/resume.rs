//! Actions of other sessions: what another process records is learnt, and an action that was done but never verified,
//! because its process ended, is taken up where it stands.

use chrono::TimeDelta;
use serde_json::json;

use crate::domain::clean::Clean;
use crate::domain::cluster::Uid;
use crate::domain::signal::Source;
use crate::domain::verdict::{Offer, Outcome, Stage};

use super::analysis::Wish;
use super::effect::Effect;
use super::event::Ticket;
use super::incident::Incident;
use super::record::{self, PastAction};
use super::state::{State, Weight};
use super::verify::Running;

/// Between two looks at what others recorded.
const READ_EVERY: i64 = 5;
/// After this nobody can tell any more what an action did to the SLI.
const TOO_LATE: TimeDelta = TimeDelta::minutes(30);
/// The process that sent an action closes it itself, if it lives.
const ITS_OWN: TimeDelta = TimeDelta::minutes(15);

/// Asks for what others recorded, now and then while anything goes on.
pub fn read_journal(state: &mut State, effects: &mut Vec<Effect>) {
    let due = state.journal.read.is_none_or(|at| (state.now - at).num_seconds() >= READ_EVERY);
    if due && !state.incidents.is_empty() && state.journal.head.is_some() {
        state.journal.read = Some(state.now);
        effects.push(Effect::ReadJournal);
    }
}

/// Takes up what was done and not verified.
pub fn take_up(state: &mut State, effects: &mut Vec<Effect>) {
    let listed = state.world.sources.get(&Source::Kind("deployments")).is_some_and(|s| s.synced);
    if !listed || !matches!(state.journal.head, Some(Ok(_))) {
        return;
    }
    let open = |a: &PastAction| !a.own && a.executed && !a.unknown && a.outcome.is_none();
    // Asked at every review, and seldom so: only then is anything copied.
    if !state.journal.actions.iter().any(open) {
        return;
    }
    let here = state.actions_here();
    for past in here.iter().filter(|a| open(a)) {
        let age = state.now - past.time;
        // One that was there when we began has no process any more; one that came since has.
        let left = state.journal.began.is_some_and(|began| past.time < began) || age >= ITS_OWN;
        let followed = here.iter().any(|a| a.workload == past.workload && a.time > past.time && a.executed);
        if age >= TOO_LATE {
            give_up(state, past, "goaround was not running while it could have been verified", effects);
        } else if followed {
            give_up(state, past, "another action followed before it was verified", effects);
        } else if left {
            watch(state, past);
        }
    }
}

/// Of an action of a dead session only a part was done, and its workload still burns: the rest is offered, as its own
/// session would have done. Once: what was decided of it then is decided.
pub fn offer_rest(state: &mut State) {
    let left =
        |a: &PastAction| !a.own && a.partial() && !a.unknown && !state.rest_offered.contains(&a.action);
    if !state.journal.actions.iter().any(left) {
        return;
    }
    let here = state.actions_here();
    for past in here.iter().filter(|a| left(a)).cloned().collect::<Vec<_>>() {
        let Some(workload) = past.key() else { continue };
        let age = state.now - past.time;
        let alone = state.journal.began.is_some_and(|began| past.time < began) || age >= ITS_OWN;
        let followed = here.iter().any(|a| a.workload == past.workload && a.time > past.time && a.executed);
        let as_left = state
            .world
            .deployments
            .get(&workload)
            .is_some_and(|d| d.meta.uid == past.watch.uid && d.template.digest == past.left_template);
        let now = state.now;
        let Some(incident) = state.incidents.get_mut(&workload) else { continue };
        if !alone || followed || !as_left || incident.acting() || incident.wish.is_some() {
            continue;
        }
        let target = (past.offer == Offer::Rollback.word()).then(|| past.watch.target.clone());
        incident.want(Wish { target, rest: Some(past.configs.clone()), ..Wish::default() }, now);
        state.rest_offered.insert(past.action.clone());
        let text = format!("{workload}: action {} was done in part: the rest of it is offered", past.action);
        state.say("gate", Weight::Attention, text);
        state.dirty = true;
    }
}

/// Nobody will know: that is recorded, so that it is asked only once.
fn give_up(state: &mut State, past: &PastAction, why: &str, effects: &mut Vec<Effect>) {
    let outcome = Outcome::Inconclusive(Clean::new(why));
    let body = json!({"action": past.action, "outcome": outcome.word(), "words": why});
    effects.push(Effect::Record { ticket: Ticket::Note, kind: record::CLOSED, body });
    if let Some(known) = state.journal.actions.iter_mut().find(|a| a.action == past.action) {
        known.outcome = Some(outcome.word().into());
    }
    state.say("verify", Weight::Plain, format!("action {}: {why}", past.action));
}

/// Watches the action's rollout from here on.
fn watch(state: &mut State, past: &PastAction) {
    let Some(workload) = past.key() else { return };
    let offer = [Offer::Rollback, Offer::RestoreConfig].into_iter().find(|o| o.word() == past.offer);
    let (Some(offer), false) = (offer, past.watch.uid == Uid::default()) else { return };
    if !state.world.deployments.contains_key(&workload) {
        // Gone, or in a namespace that is not looked at: another session may see it, until it is too late.
        return;
    }
    let now = state.now;
    let incident = state.incidents.entry(workload.clone()).or_insert_with(|| {
        let mut incident = Incident::new(workload.clone(), now);
        incident.calm_since = Some(now);
        incident
    });
    if incident.running.as_ref().is_some_and(|r| !r.over() || r.action.0 == past.action) {
        return;
    }
    if incident.slos.is_empty() {
        incident.slos = past.watch.slo.clone().into_iter().collect();
    }
    let mut running = Running::taken_up(past, offer, workload);
    running.generation = state.found_at.get(&running.action).copied();
    incident.running = Some(running);
    for stage in [Stage::Propose, Stage::Gate, Stage::Execute, Stage::Stabilise] {
        incident.reach(stage, past.time);
    }
    let text = format!("action {} by {} was not verified to its end: taken up", past.action, past.by);
    state.say("verify", Weight::Attention, text);
    state.dirty = true;
}
