//! One look without a terminal, for `propose` and `check`: steps the ordinary engine until everything that it asked
//! for is answered or known not to come.

use std::time::Duration;

use crate::domain::signal::{Health, Source};
use crate::engine::{Command, Event, State, incident};

use super::run::{Front, Next};

/// When it gives up and says what is missing.
const LIMIT: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(50);

/// The frontend of one look.
#[derive(Default)]
pub struct OneLook {
    last: Option<Duration>,
}

impl Front for OneLook {
    fn after(&mut self, state: &State, now: Duration, _events: &mut Vec<Event>) -> Next {
        self.last = Some(now);
        if now > LIMIT || finished(state) { Next::Enough } else { Next::On }
    }

    async fn input(&mut self, _state: &State) -> Vec<Command> {
        std::future::pending().await
    }

    fn tick(&self) -> Duration {
        TICK
    }
}

/// Both sources have told all, or will not; and what follows from it is settled.
fn finished(state: &State) -> bool {
    let failed = |source| {
        state
            .world
            .sources
            .get(&source)
            .is_some_and(|s| matches!(s.health, Health::Down(_) | Health::Forbidden(_)))
    };
    let told = |source| state.world.sources.get(&source).is_some_and(|s| s.synced);
    if failed(Source::Kubernetes) {
        return true;
    }
    if !told(Source::Kubernetes) {
        return false;
    }
    if failed(Source::Prometheus) {
        return true;
    }
    let looked = state.reviewed.is_some_and(|at| {
        state.world.sources.get(&Source::Prometheus).and_then(|s| s.heard).is_some_and(|heard| at >= heard)
    });
    told(Source::Prometheus) && looked && state.journal.head.is_some() && incident::settled(state)
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
