//! The scripted operator: reads the card as drawn by the ordinary screen and decides by ordinary commands, key by key, so
//! that a run without a person goes through the same gate as one with a person. Here it sits in front of a screen in
//! memory (`demo --headless`); `autopilot.rs` puts the same hand in front of the terminal.

use std::time::Duration;

use chrono::TimeDelta;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::demo::scenario::{Decision, Scenario};
use crate::domain::Time;
use crate::domain::cluster::Key;
use crate::domain::verdict::Offer;
use crate::engine::gate::{Gesture, Proposal};
use crate::engine::opinion::{Counsel, Opinion};
use crate::engine::verify::Phase;
use crate::engine::view::{self, Screen};
use crate::engine::{Command, Event, State};
use crate::ui::Ui;

use crate::shell::run::{Front, Next};

/// World time after which a run that came to nothing ends.
const PATIENCE: TimeDelta = TimeDelta::minutes(60);
/// A model is listened to for this long: its seconds are real ones, and on a busy machine there are many of them.
const HEARS: TimeDelta = TimeDelta::minutes(20);
/// A proposal that is gone is given this long to come back.
const GONE: TimeDelta = TimeDelta::minutes(5);
/// Between two keys: a hand, not a paste.
const BETWEEN_KEYS: Duration = Duration::from_millis(20);
/// Between two frames on which nothing is pressed.
const BETWEEN_FRAMES: Duration = Duration::from_millis(200);
const TICK: Duration = Duration::from_millis(20);
/// Columns and rows of its screen.
const SIZE: (u16, u16) = (120, 40);

/// How a run ended, beyond its outcome.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ended {
    /// Outcome word; empty when nothing came of it.
    pub outcome: String,
    /// The verdict that was decided on.
    pub verdict: String,
    /// What was offered.
    pub offer: String,
    /// The revision number of the target.
    pub target: Option<u64>,
}

/// The scripted hand: what the scenario's operator would press next, and how it ended. Whoever draws the screen asks it.
pub struct Hand<'a> {
    scenario: &'a Scenario,
    about: Key,
    begun: Option<Time>,
    last_key: Duration,
    keys: u64,
    seen: Option<Ended>,
    gone: Option<Time>,
    added: bool,
    /// How it ended.
    pub ended: Option<Ended>,
}

impl<'a> Hand<'a> {
    /// The operator of `scenario`.
    pub fn new(scenario: &'a Scenario) -> Self {
        Self {
            about: Key::new(&scenario.namespace, &scenario.about),
            scenario,
            begun: None,
            last_key: Duration::ZERO,
            keys: 0,
            seen: None,
            gone: None,
            added: false,
            ended: None,
        }
    }

    /// The Deployment that it is about.
    pub fn about(&self) -> &Key {
        &self.about
    }

    /// The scenario.
    pub fn scenario(&self) -> &'a Scenario {
        self.scenario
    }

    /// When it last pressed a key.
    pub fn last_key(&self) -> Duration {
        self.last_key
    }

    /// The next key, if there is a reason for one.
    pub fn next(&self, state: &State) -> Option<Command> {
        let incident = state.incidents.get(&self.about)?;
        let proposal = incident.proposal.as_ref()?;
        let wrong = matches!(&state.view.screen, Screen::Card(key) if *key != self.about);
        if wrong { Some(Command::Back) } else { self.decide(state, proposal) }
    }

    /// The key was pressed.
    pub fn pressed(&mut self, command: Option<&Command>, now: Duration) {
        if let Some(command) = command {
            self.last_key = now;
            self.added |= *command == Command::AddRestore;
        }
        self.keys += 1;
    }

    /// Looks at the card, and whether all is over.
    pub fn over(&mut self, state: &State) -> bool {
        let begun = *self.begun.get_or_insert(state.now);
        let proposal = state.incidents.get(&self.about).and_then(|i| i.proposal.as_ref());
        if let Some(proposal) = proposal.filter(|p| p.gesture != Gesture::Decided) {
            self.note(proposal);
        }
        let outcome = self.outcome(state).or_else(|| {
            let none = if self.seen.is_none() { "no_offer" } else { "" };
            (state.now - begun > PATIENCE).then(|| none.to_owned())
        });
        if let Some(outcome) = outcome {
            self.ended = Some(Ended { outcome, ..self.seen.clone().unwrap_or_default() });
        }
        self.ended.is_some()
    }

    /// The next key, if the moment has come for one.
    fn decide(&self, state: &State, proposal: &Proposal) -> Option<Command> {
        let waited =
            state.now - proposal.opened >= TimeDelta::milliseconds(self.scenario.operator.after.millis());
        match &proposal.gesture {
            Gesture::Idle if !waited || self.listens(state, proposal) => None,
            Gesture::Idle if state.view.screen == Screen::Main => Some(self.towards_card(state)),
            Gesture::Idle => self.begin(state, proposal),
            Gesture::Reason(text) if proposal.unnamed(text).next().is_some() => Some(Command::FocusNext),
            Gesture::Reason(text) | Gesture::Rejecting(text) => Some(self.typing(text)),
            Gesture::Token { typed, shown: Some(_), .. } => {
                proposal.token.chars().nth(typed.len()).map(|c| Command::Char(c, self.keys))
            }
            _ => None,
        }
    }

    /// The model still speaks about the card, or was not asked yet, and is worth waiting for.
    pub fn listens(&self, state: &State, proposal: &Proposal) -> bool {
        let long = state.now - proposal.opened > HEARS;
        if !self.scenario.operator.hears || state.setup.advisor.is_none() || long {
            return false;
        }
        let counsel = state.counsel.get(&self.about).filter(|c| c.about == proposal.digest);
        counsel.and_then(Counsel::rationale).is_none_or(Opinion::under_way)
    }

    /// Down the list to the workload that the scenario is about, then into its card.
    fn towards_card(&self, state: &State) -> Command {
        if view::selected_workload(state).as_ref() == Some(&self.about) {
            return Command::Open;
        }
        let last = view::rows(state).last() == view::selected(state);
        if last { Command::Home } else { Command::Down }
    }

    fn begin(&self, state: &State, proposal: &Proposal) -> Option<Command> {
        let acts = proposal.analysis.offer.acts();
        match self.scenario.operator.decision {
            Decision::Wait => Some(Command::Wait),
            Decision::Reject => Some(Command::Reject),
            Decision::AddRestore if acts && !self.added && !proposal.analysis.addable.is_empty() => {
                Some(Command::AddRestore)
            }
            _ if !acts => None,
            _ if proposal.unseen(state.mono) > 0 => {
                // Longer effects are on the next page.
                (state.mono.saturating_sub(self.last_key) > Duration::from_secs(1))
                    .then_some(Command::PageDown)
            }
            _ => Some(Command::Arm),
        }
    }

    /// The reason, character by character, then Enter.
    fn typing(&self, text: &str) -> Command {
        let reason = &self.scenario.operator.reason;
        let done = (0..=reason.len())
            .rev()
            .filter(|n| reason.is_char_boundary(*n))
            .find(|n| *n > 0 && text.ends_with(&reason[..*n]));
        let rest = &reason[done.unwrap_or(0)..];
        rest.chars().next().map_or(Command::Submit, |c| Command::Char(c, self.keys))
    }

    /// What the card says, for the expectation.
    fn note(&mut self, proposal: &Proposal) {
        let analysis = &proposal.analysis;
        let number = analysis.target_row().and_then(|r| r.number).and_then(|n| u64::try_from(n).ok());
        self.seen = Some(Ended {
            outcome: String::new(),
            verdict: analysis.verdict().word().into(),
            offer: analysis.offer.word().into(),
            target: number,
        });
    }

    fn outcome(&mut self, state: &State) -> Option<String> {
        let incident = state.incidents.get(&self.about);
        if let Some(incident) = incident {
            if let Some(Phase::Closed(outcome)) = incident.running.as_ref().map(|r| &r.phase) {
                return Some(outcome.word().into());
            }
            let rejected = |fingerprint| state.journal.rejected.contains_key(fingerprint);
            if incident.analysis.as_ref().is_some_and(|a| rejected(&a.fingerprint)) {
                return Some("rejected".into());
            }
            if incident.waiting.is_some() {
                let none = self.seen.as_ref().is_some_and(|s| s.offer == Offer::None.word());
                return Some(if none { "no_offer" } else { "waited" }.into());
            }
            if incident.proposal.is_some() || incident.acting() {
                self.gone = None;
                return None;
            }
        }
        self.seen.as_ref()?;
        let gone = *self.gone.get_or_insert(state.now);
        (state.now - gone > GONE).then(|| "withdrawn".into())
    }
}

/// Prints new lines of the event log, of which so many were printed already; returns how many are printed now.
type Tell<'a> = Box<dyn FnMut(&State, usize) -> usize + 'a>;

/// The hand in front of a screen in memory, as fast as it may.
pub struct Operator<'a> {
    hand: Hand<'a>,
    screen: Terminal<TestBackend>,
    ui: Ui,
    last_drawn: Duration,
    last: bool,
    lines: usize,
    tell: Tell<'a>,
}

impl<'a> Operator<'a> {
    /// An operator for `scenario`; `tell` prints new lines of the event log and returns how many it has printed.
    ///
    /// # Errors
    /// Never: an in-memory screen has nothing to fail; the type says so for the caller's `?`.
    pub fn new(scenario: &'a Scenario, ui: Ui, tell: Tell<'a>) -> Result<Self, std::convert::Infallible> {
        Ok(Self {
            hand: Hand::new(scenario),
            screen: Terminal::new(TestBackend::new(SIZE.0, SIZE.1))?,
            ui,
            last_drawn: Duration::ZERO,
            last: false,
            lines: 0,
            tell,
        })
    }

    /// How it ended.
    pub fn ended(&mut self) -> Ended {
        self.hand.ended.take().unwrap_or_default()
    }

    fn draw(&mut self, state: &State, events: &mut Vec<Event>) {
        let mut shown = None;
        let Ok(_) = self.screen.draw(|frame| shown = Some(self.ui.draw(frame, state)));
        events.extend(shown.map(|drawn| Event::Shown(drawn.shown)));
    }
}

impl Front for Operator<'_> {
    fn after(&mut self, state: &State, now: Duration, events: &mut Vec<Event>) -> Next {
        self.lines = (self.tell)(state, self.lines);
        if self.hand.over(state) {
            // A recording shows how it ended.
            if !std::mem::replace(&mut self.last, true) {
                self.draw(state, events);
                return Next::On;
            }
            return Next::Enough;
        }
        let card = state.incidents.get(self.hand.about()).is_some_and(|i| i.proposal.is_some());
        // Without a card there is nothing to press, and only a recording looks.
        if now.saturating_sub(self.last_drawn) < if card { BETWEEN_KEYS } else { BETWEEN_FRAMES } {
            return Next::On;
        }
        self.last_drawn = now;
        self.draw(state, events);
        if card {
            let command = self.hand.next(state);
            self.hand.pressed(command.as_ref(), now);
            events.extend(command.map(Event::Command));
        }
        Next::On
    }

    async fn input(&mut self, _state: &State) -> Vec<Command> {
        std::future::pending().await
    }

    fn size(&self) -> Option<(u16, u16)> {
        Some(SIZE)
    }

    fn tick(&self) -> Duration {
        TICK
    }
}
