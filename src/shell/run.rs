//! The loop: receive, step, perform, draw. One queue, one clock; nothing leaves it without an end that is the same for
//! a key, a signal and an error.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::death;
use crate::domain::clean::Clean;
use crate::engine::state::Weight;
use crate::engine::verify::Phase;
use crate::engine::{Command, Effect, Event, Stamped, State, step};

use super::session::Session;

/// Events taken at once before a frame is drawn.
const BATCH: usize = 512;
/// An action that is on the wire is waited for this long after somebody wanted to leave.
const FINISH: Duration = Duration::from_secs(95);

/// What a frontend says after a batch of events.
pub enum Next {
    /// Go on.
    On,
    /// It has what it wanted.
    Enough,
}

/// What is in front of the engine: a terminal, one look, a scripted operator.
pub trait Front {
    /// Something happened; draws or looks. May put events of its own (what was shown, keys of an operator).
    fn after(&mut self, state: &State, now: Duration, events: &mut Vec<Event>) -> Next;

    /// Input of a person, if there is any; pending for ever where there is none.
    fn input(&mut self, state: &State) -> impl Future<Output = Vec<Command>>;

    /// What is shown may have changed: an event that is not just the time came.
    fn changed(&mut self) {}

    /// Attention is wanted.
    fn bell(&mut self) {}

    /// Columns and rows of the frame that it drew last, where it draws.
    fn size(&self) -> Option<(u16, u16)> {
        None
    }

    /// A line is to be put into the person's clipboard.
    fn copy(&mut self, _text: &Clean) {}

    /// Attention is wanted outside of the window.
    fn notify(&mut self, _title: &Clean, _body: &Clean) {}

    /// When it wants to be called again although nothing happened.
    fn tick(&self) -> Duration;
}

/// Runs until the person leaves or the frontend has enough; gives the last state back.
pub async fn run(session: &mut Session, front: &mut impl Front) -> State {
    let mut state = std::mem::take(&mut session.state);
    let mut ticks = interval(front.tick());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut leaving: Option<Instant> = None;
    let mut batch: Vec<Event> = Vec::new();
    loop {
        let mut own = Vec::new();
        tokio::select! {
            biased;
            commands = front.input(&state) => own.extend(commands.into_iter().map(Event::Command)),
            received = session.events.recv_many(&mut batch, BATCH) => {
                // A sender is kept by the performer, so this never ends.
                debug_assert!(received > 0);
            }
            _ = ticks.tick() => own.push(Event::Tick),
        }
        own.append(&mut batch);
        take(session, front, &mut state, own);
        loop {
            let mut answers = Vec::new();
            let next = front.after(&state, session.clock.mono(), &mut answers);
            if matches!(next, Next::Enough) {
                return state;
            }
            if answers.is_empty() {
                break;
            }
            take(session, front, &mut state, answers);
        }
        if state.quitting {
            let since = *leaving.get_or_insert_with(Instant::now);
            if !on_the_wire(&state) || since.elapsed() > FINISH {
                return state;
            }
            take(session, front, &mut state, vec![Event::Leaving]);
        }
    }
}

fn take(session: &mut Session, front: &mut impl Front, state: &mut State, events: Vec<Event>) {
    for event in events {
        if !matches!(event, Event::Tick | Event::Shown(_) | Event::Line(_)) {
            front.changed();
        }
        let answer = matches!(
            event,
            Event::Rechecked(..)
                | Event::Recorded(..)
                | Event::Called(..)
                | Event::ReadBack(..)
                | Event::NotReadBack(..)
        );
        if answer {
            death::point("step.before");
        }
        let stamped = Stamped { at: session.clock.now(), mono: session.clock.mono(), event };
        let recording = session.recording.as_mut();
        if let Some(why) = recording.and_then(|r| r.take(state, &stamped, front.size())) {
            state.say("record", Weight::Bad, why);
        }
        for effect in step(state, stamped) {
            match effect {
                Effect::Bell => front.bell(),
                Effect::Copy(text) => front.copy(&text),
                Effect::Notify { title, body } => front.notify(&title, &body),
                Effect::Quit => state.quitting = true,
                effect => session.performer.perform(effect, state),
            }
        }
        if answer {
            death::point("step.after");
        }
    }
}

/// An action whose outcome must still be recorded: leaving now would leave it unknown.
fn on_the_wire(state: &State) -> bool {
    state
        .incidents
        .values()
        .filter_map(|i| i.running.as_ref())
        .any(|r| matches!(r.phase, Phase::Recording | Phase::Executing))
}
