//! What nobody asks about any more is forgotten, so that a cockpit that stands open for a month is as light as on its
//! first day. Only what would be asked for again is dropped: contents and questions, never an incident or an action.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::domain::Time;
use crate::domain::cluster::Key;
use crate::domain::slo::SloId;

use super::state::State;
use super::view;

/// Between two looks.
const EVERY: TimeDelta = TimeDelta::seconds(60);
/// Studies kept beside those of incidents and of the selection: a person goes back and forth.
const STUDIES: usize = 32;
/// Rights that were not asked for during this time are asked for anew.
const RIGHTS: TimeDelta = TimeDelta::hours(1);

/// Forgets, at most once a minute. `wanted` are the ConfigMaps that workloads under watch refer to.
pub fn forget(state: &mut State, wanted: &BTreeSet<Key>) {
    let now = state.now;
    if state.forgot.is_some_and(|at| now - at < EVERY) {
        return;
    }
    state.forgot = Some(now);
    let sets = &state.world.replica_sets;
    state.diffs.retain(|(older, newer), _| sets.contains_key(older) && sets.contains_key(newer));
    state.config_asked.retain(|key, _| wanted.contains(key));
    state.world.contents.retain(|key, _| wanted.contains(key));
    state.world.known.retain(|key, _| wanted.contains(key));
    state.world.watched.retain(|(key, _), _| wanted.contains(key));
    state.rights_asked.retain(|_, asked| now - *asked < RIGHTS);
    let asked = &state.rights_asked;
    state.world.rights.retain(|right, _| asked.contains_key(&right.namespace));
    studies(state);
}

/// Those of SLOs that are gone, then those that were looked at longest ago.
fn studies(state: &mut State) {
    let mut held: BTreeSet<&SloId> = state.incidents.values().flat_map(|i| &i.slos).collect();
    held.extend(state.incidents.values().filter_map(|i| i.running.as_ref()?.slo.as_ref()));
    held.extend(view::selected_slo(state));
    let others = state.studies.iter().filter(|(id, _)| !held.contains(id));
    let mut others: Vec<(bool, Option<Time>, SloId)> =
        others.map(|(id, study)| (state.world.slos.contains_key(id), study.asked, id.clone())).collect();
    others.sort_by(|a, b| b.cmp(a));
    let kept = others.iter().take_while(|(known, ..)| *known).count().min(STUDIES);
    for (_, _, id) in others.drain(kept..) {
        state.studies.remove(&id);
    }
}
