//! One look without a terminal, for `propose` and `check`: steps the ordinary engine until everything that it asked
//! for is answered or known not to come.

use std::time::Duration;

use crate::domain::Time;
use crate::domain::signal::{Health, Source};
use crate::engine::{Command, Event, State, incident};

use super::run::{Front, Next};

/// When it gives up and says what is missing.
const LIMIT: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(50);

/// The frontend of one look.
#[derive(Default)]
pub struct OneLook {
    /// When everything had been told, as of the last time it was looked at.
    told: Option<Time>,
}

impl Front for OneLook {
    fn after(&mut self, state: &State, now: Duration, _events: &mut Vec<Event>) -> Next {
        // What the journal says is read beside the rest, and is worth waiting for where the rest has failed at once.
        let failed = failed(state) && state.journal.head.is_some();
        if now > LIMIT || failed || self.finished(state) { Next::Enough } else { Next::On }
    }

    async fn input(&mut self, _state: &State) -> Vec<Command> {
        std::future::pending().await
    }

    fn tick(&self) -> Duration {
        TICK
    }
}

impl OneLook {
    /// Everything was told, and was reviewed after it was told: what came last may be what decides.
    fn finished(&mut self, state: &State) -> bool {
        if !told(state) {
            self.told = None;
            return false;
        }
        let told = *self.told.get_or_insert(state.now);
        !state.dirty || state.reviewed.is_some_and(|at| at > told)
    }
}

fn is_failed(state: &State, source: Source) -> bool {
    let known = state.world.sources.get(&source);
    known.is_some_and(|s| matches!(s.health, Health::Down(_) | Health::Forbidden(_)))
}

fn is_synced(state: &State, source: Source) -> bool {
    state.world.sources.get(&source).is_some_and(|s| s.synced)
}

/// A source will not tell, and nothing can follow without it. Prometheus is judged when the cluster has told all.
fn failed(state: &State) -> bool {
    is_failed(state, Source::Kubernetes)
        || (is_synced(state, Source::Kubernetes) && is_failed(state, Source::Prometheus))
}

/// Both sources have told all, and so has everybody who was asked because of it.
fn told(state: &State) -> bool {
    let heard = state.world.sources.get(&Source::Prometheus).and_then(|s| s.heard);
    let looked = state.reviewed.is_some_and(|at| heard.is_some_and(|heard| at >= heard));
    is_synced(state, Source::Kubernetes)
        && is_synced(state, Source::Prometheus)
        && looked
        && state.journal.head.is_some()
        && incident::settled(state)
}

/// A source that is needed and is not there, with the reason; `None`: all are.
pub fn needed_but_missing(state: &State) -> Option<String> {
    for source in
        [Source::Kubernetes, Source::Kind("deployments"), Source::Kind("replicasets"), Source::Prometheus]
    {
        let known = state.world.sources.get(&source);
        match known.map(|s| &s.health) {
            Some(Health::Down(why) | Health::Forbidden(why)) => {
                return Some(format!("{}: {why}", source.name()));
            }
            _ if known.is_none_or(|s| !s.synced) => {
                return Some(format!("{}: no answer within {} s", source.name(), LIMIT.as_secs()));
            }
            _ => {}
        }
    }
    let settled = incident::settled(state);
    (!settled).then(|| format!("not everything was answered within {} s", LIMIT.as_secs()))
}
