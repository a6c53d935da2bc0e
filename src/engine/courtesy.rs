//! Who is deciding: this session tells it by a Lease while a card is armed or an action of it goes on, and looks for the
//! Leases of others while a card is open. A courtesy: nothing waits for it, nothing is refused because of it, and that it
//! cannot be written or read is one line in the log.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::{Deployment, Key};
use crate::domain::format;
use crate::domain::notice::{Doing, LEASE, Lease, Notice};
use crate::domain::plan::{ACTION, CHANGE_CAUSE};

use super::effect::Effect;
use super::gate::Gesture;
use super::gates;
use super::incident::Incident;
use super::state::{State, Weight};
use super::verify::Running;
use super::view::Screen;

/// Between two renewals, in seconds: two may be lost before a Lease lapses.
const RENEW: i64 = 15;
/// Between two looks at the namespace of the card in front, in seconds.
const LOOK: i64 = 5;
/// Between two looks at a namespace with an open card that nobody has in front.
const GLANCE: i64 = 30;
/// Namespaces that are looked at: with more, something larger than a deploy is wrong.
const NAMESPACES: usize = 4;

/// What is known of who is deciding.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Courtesy {
    /// Leases of this session.
    own: BTreeMap<Key, Lease>,
    /// Leases of others, and when each was first seen as it is.
    others: BTreeMap<Key, Vec<(Lease, Time)>>,
    /// When each namespace was last looked at.
    looked: BTreeMap<Clean, Time>,
    /// It was said that it does not work.
    said: bool,
    /// Others' Leases may not be read: it is not tried again.
    blind: bool,
}

/// Tells and looks, whatever is due.
pub(super) fn keep(state: &mut State, effects: &mut Vec<Effect>) {
    if !state.setup.lease || state.world.identity.is_none() {
        return;
    }
    tell(state, effects);
    look(state, effects);
}

/// What this session does about a workload.
fn doing(incident: &Incident) -> Doing {
    if incident.acting() {
        return Doing::Acting;
    }
    match incident.proposal.as_ref().map(|p| &p.gesture) {
        None | Some(Gesture::Idle) => Doing::Nothing,
        Some(_) => Doing::Deciding,
    }
}

fn tell(state: &mut State, effects: &mut Vec<Effect>) {
    if state.setup.read_only {
        return;
    }
    let (now, holder) = (state.now, state.user());
    let own = &mut state.courtesy.own;
    let mut let_go: BTreeSet<Key> = own.keys().cloned().collect();
    for (workload, incident) in &state.incidents {
        let doing = doing(incident);
        if doing == Doing::Nothing {
            continue;
        }
        let_go.remove(workload);
        let held = own.get(workload);
        let due = held.is_none_or(|l| l.doing != doing || (now - l.renewed).num_seconds() >= RENEW);
        if due {
            let since = held.filter(|l| l.doing == doing).map_or(now, |l| l.since);
            let (workload, holder) = (workload.clone(), holder.clone());
            let lease =
                Lease { workload: workload.clone(), holder, doing, since, renewed: now, seconds: LEASE };
            own.insert(workload, lease.clone());
            effects.push(Effect::Tell(Box::new(Notice::Lease(lease))));
        }
    }
    for workload in let_go {
        if let Some(lease) = own.remove(&workload) {
            let lease = Lease { doing: Doing::Nothing, renewed: now, ..lease };
            effects.push(Effect::Tell(Box::new(Notice::Lease(lease))));
        }
    }
}

fn look(state: &mut State, effects: &mut Vec<Effect>) {
    if state.courtesy.blind {
        return;
    }
    let in_front = match &state.view.screen {
        Screen::Card(key) | Screen::Evidence(key) | Screen::Diff(key) | Screen::Model(key) => Some(key),
        _ => None,
    };
    // Whoever else is at it is followed to the end, whatever our own card says.
    let others = &state.courtesy.others;
    let wanted = |i: &&Incident| {
        others.contains_key(&i.workload)
            || i.acting()
            || i.proposal.as_ref().is_some_and(|p| p.analysis.offer.acts())
    };
    let mut namespaces: BTreeMap<Clean, i64> = BTreeMap::new();
    for incident in state.incidents.values().filter(wanted) {
        let every = if Some(&incident.workload) == in_front { LOOK } else { GLANCE };
        let known = namespaces.entry(incident.workload.namespace.clone()).or_insert(every);
        *known = every.min(*known);
    }
    let now = state.now;
    state.courtesy.looked.retain(|namespace, _| namespaces.contains_key(namespace));
    for (namespace, every) in namespaces.into_iter().take(NAMESPACES) {
        let due = state.courtesy.looked.get(&namespace).is_none_or(|at| (now - *at).num_seconds() >= every);
        if due {
            state.courtesy.looked.insert(namespace.clone(), now);
            effects.push(Effect::ReadLeases(namespace));
        }
    }
}

/// Leases of a namespace came.
pub(super) fn heard(state: &mut State, namespace: &Clean, found: Result<Vec<Lease>, Clean>) {
    let found = match found {
        Ok(found) => found,
        Err(why) => {
            // A right that is missing will be missing in five seconds too.
            state.courtesy.blind = true;
            return say(state, &format!("who else is deciding cannot be seen: {why}"));
        }
    };
    let (now, user) = (state.now, state.user());
    let courtesy = &mut state.courtesy;
    let mut before: Vec<(Lease, Time)> = Vec::new();
    courtesy.others.retain(|key, leases| {
        let stays = key.namespace != *namespace;
        if !stays {
            before.append(leases);
        }
        stays
    });
    for lease in found {
        // Of this session's own ones no news is wanted; another session of the same person is one.
        if lease.holder == user && courtesy.own.contains_key(&lease.workload) {
            continue;
        }
        let seen = before.iter().find(|(old, _)| *old == lease).map_or(now, |(_, seen)| *seen);
        // One that has lapsed is kept while it is there: when it was first seen must not begin anew.
        if lease.doing != Doing::Nothing {
            courtesy.others.entry(lease.workload.clone()).or_default().push((lease, seen));
        }
    }
}

/// A notice was not taken.
pub(super) fn not_told(state: &mut State, why: &Clean) {
    say(
        state,
        &format!(
            "others cannot be told who is deciding: {why}; hint: deploy/together.yaml, or [gate] lease = false"
        ),
    );
}

/// Once is enough: a courtesy that does not work hurts nobody.
fn say(state: &mut State, text: &str) {
    if !std::mem::replace(&mut state.courtesy.said, true) {
        state.say("gate", Weight::Plain, text);
    }
}

/// Those who hold a Lease on `workload` now, longest first.
pub fn others<'a>(state: &'a State, workload: &Key) -> impl Iterator<Item = &'a Lease> {
    let leases = state.courtesy.others.get(workload).map(Vec::as_slice).unwrap_or_default();
    leases.iter().filter(|(lease, seen)| lease.held(*seen, state.now)).map(|(lease, _)| lease)
}

/// Workloads on which somebody acted who let nothing go, and is not heard of any more.
pub(super) fn left(state: &State) -> impl Iterator<Item = Key> {
    let keys = state.courtesy.others.keys();
    keys.filter(|key| holders(state, key).next().is_some()).cloned()
}

/// Those who acted on `workload` and are not heard of any more.
pub(super) fn holders<'a>(state: &'a State, workload: &Key) -> impl Iterator<Item = &'a Clean> {
    let leases = state.courtesy.others.get(workload).map(Vec::as_slice).unwrap_or_default();
    let lapsed = leases.iter().filter(|(l, seen)| l.doing == Doing::Acting && !l.held(*seen, state.now));
    lapsed.map(|(lease, _)| &lease.holder)
}

/// What another action than `own` did on a Deployment, as its marks have it: `ben acted at 12:35:10: rolled back to
/// nginx:1.27.1`. A mark is goaround's own record; `None`: the last action was `own`, or there was none.
pub fn acted(deployment: &Deployment, own: &str) -> Option<String> {
    let (action, at, by) = gates::mark(deployment).filter(|(action, ..)| action != own)?;
    let cause = deployment.annotation(CHANGE_CAUSE).unwrap_or_default();
    let what = cause.as_str().strip_prefix("goaround: ").map_or(String::new(), |what| format!(": {what}"));
    Some(format!("{by} acted at {}{what} (action {action})", format::clock(at)))
}

/// The same, where it came after the card of `running` was drawn.
pub fn acted_meanwhile(deployment: &Deployment, running: &Running) -> Option<String> {
    let known = running.plan.calls.last().and_then(|call| {
        let tests = call.body.as_array()?;
        let test = tests.iter().find(|o| o["op"] == "test" && o["path"] == "/metadata/annotations")?;
        Some(test["value"][ACTION].as_str().unwrap_or_default().to_owned())
    });
    let mark = deployment.annotation(ACTION)?;
    (known? != mark.as_str()).then(|| acted(deployment, &running.action.0)).flatten()
}

/// Who else is deciding or acts there, in words: `ana is deciding, 40 s`.
pub fn words(state: &State, workload: &Key) -> Option<String> {
    let user = state.user();
    let one = |lease: &Lease| {
        let who = if lease.holder == user { "another session of yours" } else { lease.holder.as_str() };
        let what = if lease.doing == Doing::Acting { "acts" } else { "is deciding" };
        let since = (state.now - lease.since).max(chrono::TimeDelta::zero());
        format!("{who} {what}, {}", format::span(since))
    };
    let all: Vec<String> = others(state, workload).map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}
