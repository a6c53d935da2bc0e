//! The inbox: what waits for a person, what goes on, and what ended lately, of all workloads; and the calls for attention
//! about it, each once. It opens cards and decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::domain::Time;
use crate::domain::clean::Clean;
use crate::domain::cluster::Key;
use crate::domain::format;
use crate::domain::verdict::Outcome;

use super::effect::Effect;
use super::event::Command;
use super::gate::Proposal;
use super::incident::Incident;
use super::input;
use super::record::PastAction;
use super::state::State;
use super::verify::Phase;
use super::view::{self, Screen};

/// Closed ones that are listed.
const CLOSED: usize = 10;
/// A gate is about to expire when it has no longer than this.
const EXPIRING: TimeDelta = TimeDelta::seconds(60);
/// A card that comes back within this is the one that was told of.
const SAME: TimeDelta = TimeDelta::seconds(60);

/// One row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Item {
    /// An open card of this workload.
    Gate(Key),
    /// An action that goes on.
    Running(Key),
    /// A person said wait.
    Waiting(Key),
    /// An action that is over: its id.
    Closed(String),
}

/// What was told already, so that each thing is told once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    gates: BTreeMap<Key, Gate>,
    ended: BTreeSet<String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Gate {
    fingerprint: String,
    opened: Time,
    expiring: bool,
    seen: Time,
}

/// All rows: gates that act, oldest first, the other cards, what goes on, what waits, what ended, newest first.
pub fn items(state: &State) -> Vec<Item> {
    let mut gates: Vec<(&Incident, &Proposal)> = state.incidents.values().filter_map(open).collect();
    gates.sort_by_key(|(_, p)| (!p.analysis.offer.acts(), p.opened));
    let gates = gates.into_iter().map(|(incident, _)| Item::Gate(incident.workload.clone()));
    let of = |wanted: fn(&&Incident) -> bool| {
        state.incidents.values().filter(wanted).map(|i| i.workload.clone()).collect::<Vec<_>>()
    };
    let running = of(|i| i.acting()).into_iter().map(Item::Running);
    let waiting = of(|i| i.waiting.is_some() && !i.open_gate()).into_iter().map(Item::Waiting);
    let closed = closed(state).into_iter().map(|a| Item::Closed(a.action));
    gates.chain(running).chain(waiting).chain(closed).collect()
}

/// An incident with its open card.
fn open(incident: &Incident) -> Option<(&Incident, &Proposal)> {
    incident.proposal.as_ref().filter(|_| incident.open_gate()).map(|proposal| (incident, proposal))
}

/// The actions that ended last, newest first.
pub fn closed(state: &State) -> Vec<PastAction> {
    let mut closed: Vec<PastAction> = state.actions_here();
    closed.retain(|a| a.outcome.is_some());
    closed.reverse();
    closed.truncate(CLOSED);
    closed
}

/// The workload that a row is about.
pub fn workload(state: &State, item: &Item) -> Option<Key> {
    match item {
        Item::Gate(key) | Item::Running(key) | Item::Waiting(key) => Some(key.clone()),
        Item::Closed(action) => {
            let past = state.journal.actions.iter().find(|a| a.action == *action)?;
            let (namespace, name) = past.workload.split_once('/')?;
            Some(Key::new(namespace, name))
        }
    }
}

/// The selected row: what was selected if it is still there, else the first.
pub fn selected(state: &State) -> Option<Item> {
    let items = items(state);
    match &state.view.item {
        Some(item) if items.contains(item) => Some(item.clone()),
        _ => items.into_iter().next(),
    }
}

/// Takes a command while it fills the screen.
pub(super) fn command(state: &mut State, command: Command) -> bool {
    match command {
        Command::Up | Command::Down | Command::PageUp | Command::PageDown | Command::Home | Command::End => {
            let items = items(state);
            let selected = selected(state);
            let at = items.iter().position(|i| Some(i) == selected.as_ref()).unwrap_or(0);
            state.view.item = items.get(view::moved(at, items.len(), &command)).cloned();
        }
        Command::SelectItem(item) => state.view.item = Some(item),
        Command::Open => {
            if let Some(key) = selected(state).and_then(|item| workload(state, &item)) {
                input::leave(state, Screen::Card(key));
            }
        }
        Command::Gate => return input::main(state, Command::Gate),
        Command::Log => input::leave(state, Screen::Log),
        Command::Back | Command::Inbox => input::leave(state, Screen::Main),
        _ => {}
    }
    false
}

/// Calls for attention: a gate that opened, one that is about to expire, a verification that ended badly.
pub(super) fn call(state: &mut State, effects: &mut Vec<Effect>) {
    let now = state.now;
    let mut told = std::mem::take(&mut state.told);
    told.gates.retain(|_, gate| now - gate.seen <= SAME);
    for incident in state.incidents.values() {
        if let Some((incident, proposal)) = open(incident).filter(|(_, p)| p.analysis.offer.acts()) {
            told.gate(incident, proposal, (now, state.mono), effects);
        }
        if let Some(running) = &incident.running
            && let Phase::Closed(outcome) = &running.phase
            && *outcome != Outcome::Helped
            && told.ended.insert(running.action.0.clone())
        {
            effects.push(notify(outcome.title(), incident.workload.to_string()));
        }
    }
    let kept: BTreeSet<&String> =
        state.incidents.values().filter_map(|i| i.running.as_ref()).map(|r| &r.action.0).collect();
    told.ended.retain(|action| kept.contains(action));
    state.told = told;
}

impl Told {
    fn gate(
        &mut self,
        incident: &Incident,
        proposal: &Proposal,
        (now, mono): (Time, Duration),
        effects: &mut Vec<Effect>,
    ) {
        let fingerprint = &proposal.analysis.fingerprint;
        let workload = &incident.workload;
        let new =
            || Gate { fingerprint: fingerprint.clone(), opened: proposal.opened, expiring: false, seen: now };
        if self.gates.get(workload).is_none_or(|gate| gate.fingerprint != *fingerprint) {
            let body = format!("{} of {workload}: a person decides", proposal.analysis.offer.word());
            effects.push(notify("gate open", body));
            self.gates.remove(workload);
        }
        let gate = self.gates.entry(workload.clone()).or_insert_with(new);
        gate.seen = now;
        // The same offer on a card of its own has a time of its own.
        if gate.opened != proposal.opened {
            (gate.opened, gate.expiring) = (proposal.opened, false);
        }
        let left = proposal.expires - now;
        let whole = proposal.expires - proposal.opened;
        // A card that lives no longer than that would be told of twice at once.
        if !gate.expiring && left <= EXPIRING && !proposal.void(now, mono) && whole > EXPIRING {
            gate.expiring = true;
            effects.push(Effect::Bell);
            effects.push(notify(
                "gate about to expire",
                format!("{workload}: void in {}", format::elapsed(left)),
            ));
        }
    }
}

fn notify(title: impl AsRef<str>, body: impl AsRef<str>) -> Effect {
    Effect::Notify { title: Clean::new(title), body: Clean::new(body) }
}

/// Takes out what the configuration keeps silent.
pub(super) fn hush(state: &State, effects: &mut Vec<Effect>) {
    let silent = state.setup.silent;
    effects.retain(|effect| match effect {
        Effect::Bell => !silent.bell,
        Effect::Notify { .. } => !silent.notify,
        _ => true,
    });
}
