//! The way out where the cluster cannot tell any more whether a call was done: a person says what happened, in words of
//! their own and under the name that the API server gives them. Nothing is sent, nothing is guessed: the action is over as
//! `inconclusive`, with the word and who gave it, and the workload can be acted on again.
//!
//! ```text
//! unknown --read back--> known                      never by a word
//!    \--read back--> nobody can tell --75 s--> s, words, enter --on the disk--> inconclusive, by NAME
//! ```

use serde_json::json;

use crate::domain::clean::Clean;
use crate::domain::cluster::Key;

use super::effect::Effect;
use super::event::{ActionId, Ticket};
use super::gates;
use super::record::{self, PastAction, Word};
use super::state::{State, Weight};
use super::verify::NEVER_APPLIED;

/// The action on this workload whose outcome is not known, and which blocks it.
pub fn unknown<'a>(state: &'a State, workload: &Key) -> Option<&'a PastAction> {
    let deployment = state.world.deployments.get(workload)?;
    gates::unresolved(state.past_here(), workload, &deployment.meta.uid)
}

/// The action of which a person may say now what became of it.
///
/// # Errors
/// Why nobody may, as a sentence.
pub fn wanted(state: &State, workload: &Key) -> Result<ActionId, String> {
    let Some(past) = unknown(state, workload) else {
        return Err("no outcome on this workload is unknown: there is nothing to say".into());
    };
    let acting = state.incidents.get(workload).is_some_and(super::incident::Incident::acting);
    if !past.lost || acting || state.now - past.time < NEVER_APPLIED {
        return Err(format!("action {} can still be read back: that decides, not a word", past.action));
    }
    if state.setup.read_only {
        return Err("nothing is decided with --read-only".into());
    }
    if state.world.identity.is_none() {
        return Err("the API server has not said who you are".into());
    }
    if let Some(why) = state.journal_closed() {
        return Err(format!("the journal cannot be written: {why}"));
    }
    Ok(ActionId(past.action.clone()))
}

/// The word was given: it counts once it is on the disk.
pub(super) fn give(state: &mut State, workload: &Key, text: &str, effects: &mut Vec<Effect>) {
    let action = match wanted(state, workload) {
        Ok(action) => action,
        Err(why) => return state.say("gate", Weight::Plain, format!("{workload}: {why}")),
    };
    let word = Word { by: state.user(), text: Clean::new(text) };
    let body = json!({"action": action.0, "unknown": false, "by": word.by, "word": word.text});
    effects.push(Effect::Record { ticket: Ticket::Word(action, word), kind: record::READ_BACK, body });
}

/// It is on the disk. What was read back meanwhile stands.
pub(super) fn given(state: &mut State, action: &ActionId, word: &Word) {
    let past = state.journal.actions.iter_mut().rev().find(|a| a.action == action.0 && a.unknown);
    let Some(past) = past else { return };
    past.settle(word.clone());
    let text = format!("{}: action {}, as {} says: {}", past.workload, action.0, word.by, word.text);
    let workload = past.key();
    let now = state.now;
    if let Some(incident) = workload.and_then(|key| state.incidents.get_mut(&key)) {
        incident.planned = now;
    }
    state.say("action", Weight::Attention, text);
    state.dirty = true;
}

/// An own action of which nobody can tell is not followed any more: its workload shows a card again, which says that it
/// is blocked, and why.
pub(super) fn let_go(state: &mut State, action: &ActionId) {
    let now = state.now;
    let ours = |i: &&mut super::incident::Incident| {
        i.running.as_ref().is_some_and(|r| {
            r.action == *action && r.unknown_since.is_some_and(|since| now - since >= NEVER_APPLIED)
        })
    };
    let Some(incident) = state.incidents.values_mut().find(ours) else { return };
    incident.running = None;
    incident.reached.remove(&crate::domain::verdict::Stage::Execute);
    incident.planned = now;
    if let Some(past) = state.journal.actions.iter_mut().find(|a| a.action == action.0) {
        past.own = false;
    }
    state.dirty = true;
}
