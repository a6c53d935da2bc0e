//! `demo --autopilot`: the scripted operator at the pace of a person, in front of the ordinary cockpit in the terminal, with
//! a caption that says what is happening and why, and always that the operator is simulated. A person's key stops it.

use std::time::Duration;

use crate::demo::scenario::{Decision, Scenario};
use crate::domain::clean::Clean;
use crate::domain::format;
use crate::domain::verdict::Outcome;
use crate::domain::window::Window;
use crate::engine::gate::{Gesture, Proposal};
use crate::engine::incident::Incident;
use crate::engine::verify::Phase;
use crate::engine::view::Screen;
use crate::engine::{Command, Event, State};
use crate::shell::run::{Front, Next};
use crate::shell::terminal::TerminalFront;
use crate::ui::caption::{self, Caption};

use super::operator::{Ended, Hand};

/// Between two characters of somebody who copies a word.
const TYPING: Duration = Duration::from_millis(170);
/// Before a key that changes what is on the screen: one has to read it.
const READING: Duration = Duration::from_millis(4_000);
/// How long the end of a scenario stays on the screen.
const LINGER: Duration = Duration::from_secs(7);

/// The operator in front of the terminal.
pub struct Autopilot<'a> {
    terminal: &'a mut TerminalFront,
    hand: Hand<'a>,
    /// The card under the operator's eyes, and since when.
    reading: Option<(Screen, Duration)>,
    over: Option<Duration>,
    next: String,
}

impl<'a> Autopilot<'a> {
    /// For one scenario; `next` says what follows after it.
    pub fn new(terminal: &'a mut TerminalFront, scenario: &'a Scenario, next: String) -> Self {
        terminal.begin_again();
        let words = format!("{}: {}", scenario.name, scenario.title);
        *terminal.ui().caption() = Some(Caption { words, driving: true });
        Self { terminal, hand: Hand::new(scenario), reading: None, over: None, next }
    }

    /// How it ended, if it did.
    pub fn ended(self) -> Option<Ended> {
        self.hand.ended
    }

    fn drives(&mut self) -> bool {
        self.terminal.ui().caption().as_ref().is_none_or(|caption| caption.driving)
    }

    fn says(&mut self, words: String) {
        if let Some(caption) = self.terminal.ui().caption()
            && caption.words != words
        {
            caption.words = words;
            self.terminal.changed();
        }
    }

    /// A person needs a moment for what is on the screen, and types one character after the other.
    fn ready(&mut self, state: &State, command: &Command, now: Duration) -> bool {
        let screen = &state.view.screen;
        if self.reading.as_ref().is_none_or(|(read, _)| read != screen) {
            self.reading = Some((screen.clone(), now));
        }
        let since = self.reading.as_ref().map_or(Duration::ZERO, |(_, since)| now.saturating_sub(*since));
        let still = now.saturating_sub(self.hand.last_key());
        match command {
            Command::Char(..) => still >= TYPING,
            Command::Up | Command::Down | Command::Home | Command::FocusNext => still >= TYPING * 3,
            _ => still >= READING && since >= READING,
        }
    }
}

impl Front for Autopilot<'_> {
    fn after(&mut self, state: &State, now: Duration, events: &mut Vec<Event>) -> Next {
        if self.drives() && self.hand.over(state) && self.over.is_none() {
            self.over = Some(now);
        }
        let words = match &self.hand.ended {
            Some(ended) => format!("{}{}", end(ended, self.hand.scenario()), self.next),
            None => what(state, &self.hand),
        };
        self.says(words);
        let drawn = self.terminal.after(state, now, events);
        if !self.drives() {
            self.over = None;
            return drawn;
        }
        match self.over {
            Some(since) if now.saturating_sub(since) > LINGER => return Next::Enough,
            Some(_) => return drawn,
            None => {}
        }
        // What was drawn counts when the engine has heard of it: then it is time to look.
        if events.is_empty()
            && let Some(command) = self.hand.next(state)
            && self.ready(state, &command, now)
        {
            self.hand.pressed(Some(&command), now);
            events.push(Event::Command(command));
        }
        drawn
    }

    async fn input(&mut self, state: &State) -> Vec<Command> {
        let commands = self.terminal.input(state).await;
        self.terminal.changed();
        commands
    }

    fn changed(&mut self) {
        self.terminal.changed();
    }

    fn bell(&mut self) {
        // Nobody is called who would have to do something.
    }

    fn copy(&mut self, text: &Clean) {
        self.terminal.copy(text);
    }

    fn size(&self) -> Option<(u16, u16)> {
        let (width, height) = self.terminal.size()?;
        let room = caption::room(ratatui::layout::Rect::new(0, 0, width, height));
        Some((room.width, room.height))
    }

    fn tick(&self) -> Duration {
        Duration::from_millis(100)
    }
}

/// How a scenario ended.
fn end(ended: &Ended, scenario: &Scenario) -> String {
    let expected = scenario.expect.outcome.to_string();
    let word = ended.outcome.replace('_', " ");
    if ended.outcome == expected {
        format!("it ended as the scenario expects: {word}")
    } else {
        format!("it ended as {word}; the scenario expects {}", expected.replace('_', " "))
    }
}

/// What is happening now and why, in plain words.
pub fn what(state: &State, hand: &Hand<'_>) -> String {
    let name = hand.about().name.as_str();
    let Some(incident) = state.incidents.get(hand.about()) else {
        return match state.world.slos.len() {
            0 => "goaround connects to a cluster and its Prometheus".into(),
            slos => format!("{} kept; soon something goes wrong", format::several(slos, "objective")),
        };
    };
    if let Some(words) = incident.running.as_ref().map(|running| action(&running.phase)) {
        return words;
    }
    let Some(proposal) = &incident.proposal else {
        if incident.waiting.is_some() {
            return "nothing is done for now, as decided; it asks again later".into();
        }
        return match burn(state, incident) {
            Some(burn) => format!("the budget of {name} burns {burn} times too fast; gates are computed"),
            None => format!("something is wrong with {name}; the gates are computed"),
        };
    };
    card(state, hand, proposal)
}

/// How many times faster than the budget allows the most urgent SLO burns over 5 minutes.
fn burn(state: &State, incident: &Incident) -> Option<String> {
    let burns =
        incident.slos.iter().filter_map(|id| state.world.slos.get(id)?.burn(Window::minutes(5)).number());
    let most = burns.fold(0.0_f64, f64::max);
    (most > 1.0).then(|| format::grouped(most.round()))
}

/// In front of a card.
fn card(state: &State, hand: &Hand<'_>, proposal: &Proposal) -> String {
    let acts = proposal.analysis.offer.acts();
    match &proposal.gesture {
        Gesture::Idle if hand.listens(state, proposal) => {
            "a proposal is open; a model explains it, each claim is looked up".into()
        }
        Gesture::Idle if state.view.screen == Screen::Main => {
            "a proposal is open; the operator turns to its card".into()
        }
        Gesture::Idle => match hand.scenario().operator.decision {
            Decision::Wait if acts => "the operator has reasons to wait, and says so".into(),
            Decision::Wait => "no rollback would help, none is offered; the operator waits".into(),
            Decision::Reject => "the operator rejects it, and must say why".into(),
            _ if !acts => "no action is offered: none would help".into(),
            _ if proposal.unseen(state.mono) > 0 => {
                "the operator reads; nothing arms before every effect line was shown".into()
            }
            _ => "every gate and every effect line was read; the operator arms".into(),
        },
        Gesture::Reason(_) => "a gate did not pass; the reason must name it".into(),
        Gesture::Token { .. } => "every effect line has been on the screen; the token is typed".into(),
        Gesture::Settling(_) => "the operator says what happened".into(),
        Gesture::Rejecting(_) => "the operator types why it is rejected".into(),
        Gesture::Editing(_) => "the operator changes the proposal; it becomes a new card".into(),
        Gesture::Decided => "decided".into(),
    }
}

/// After it was approved.
fn action(phase: &Phase) -> String {
    match phase {
        Phase::Rechecking => "approved; the cluster is read once more before anything is sent".into(),
        Phase::Recording => "the intent is written to the journal before anything is sent".into(),
        Phase::Executing => "one conditional write is sent, once".into(),
        Phase::Unknown(_) => "no answer: goaround reads back whether the write was done".into(),
        Phase::Stabilising => "the write was accepted; the rollout goes on".into(),
        Phase::Verifying => "did it help? requests are counted since the rollout ended".into(),
        Phase::Closed(Outcome::Helped) => "it helped: the errors are over, by the objective itself".into(),
        Phase::Closed(outcome) => format!("it ended: {}", outcome.title()),
        Phase::Aborted(why) => format!("nothing was done: {why}"),
    }
}
