//! Lets a person choose a context before anything is connected: the same engine, screen and keys as afterwards, with
//! nothing behind them yet.

use crate::domain::clean::Clean;
use crate::engine::contexts::{Context, Contexts};
use crate::engine::view::Screen;
use crate::engine::{Effect, Event, Stamped, State, step};
use crate::sources::kubernetes;

use super::clock::Clock;
use super::config::Config;
use super::run::{Front, Next};
use super::session::Wanted;

/// The contexts that a person is to choose from; `None` where nobody is asked: one is named, there are no two of them,
/// or the configuration says so. A kubeconfig that cannot be read is told by the session, which fails on it too.
pub async fn open_question(config: &Config, wanted: &Wanted) -> Option<Vec<kubernetes::Context>> {
    if wanted.context.is_some() || !config.ui.choose_context {
        return None;
    }
    kubernetes::contexts(&wanted.kubeconfig).await.ok().filter(|contexts| contexts.len() > 1)
}

/// The name of the context that was taken; `None`: the person left.
pub async fn choose(
    front: &mut impl Front,
    contexts: &[kubernetes::Context],
    config: &Config,
    clock: Clock,
) -> Option<String> {
    let shown = |c: &kubernetes::Context| Context {
        name: Clean::new(&c.name),
        server: c.server.clone(),
        user: c.user.clone(),
        namespace: c.namespace.clone(),
        current: c.current,
        prod: config.is_production(&c.name),
    };
    let mut state = State { now: clock.now(), ..State::default() };
    state.view.screen = Screen::Contexts;
    state.contexts = Contexts { all: contexts.iter().map(shown).collect(), ..Contexts::default() };
    let mut ticks = tokio::time::interval(front.tick());
    let mut events = Vec::new();
    loop {
        if matches!(front.after(&state, clock.mono(), &mut events), Next::Enough) {
            return None;
        }
        // It was drawn once more, and says what it waits for.
        if let Some(taken) = state.contexts.taken {
            return contexts.get(taken).map(|context| context.name.clone());
        }
        if events.is_empty() {
            tokio::select! {
                biased;
                commands = front.input(&state) => events.extend(commands.into_iter().map(Event::Command)),
                _ = ticks.tick() => events.push(Event::Tick),
            }
        }
        for event in events.drain(..) {
            if !matches!(event, Event::Tick | Event::Shown(_)) {
                front.changed();
            }
            let stamped = Stamped { at: clock.now(), mono: clock.mono(), event };
            let left = step(&mut state, stamped).into_iter().any(|effect| effect == Effect::Quit);
            if left || state.quitting {
                return None;
            }
        }
    }
}
