//! The terminal in front of the loop: keys as commands, frames drawn when something changed, as fast as the line takes
//! them, and, while all is calm, at most once a second. What was armed is disarmed when somebody else had the terminal.

use std::io;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::domain::clean::Clean;
use crate::domain::signal::{Health, Source};
use crate::engine::view;
use crate::engine::world::SourceState;
use crate::engine::{Command, Event, State};
use crate::ui::Ui;
use crate::ui::commands::live_card;

use super::display::Display;
use super::hand::{self, Fit};
use super::run::{Front, Next};
use super::screen::pacer::{self, Cause};
use super::screen::parser::Told;
use super::screen::probe::Found;
use super::screen::reader::Heard;
use super::signals::{self, Asked, Beat, Signals};
use super::tty::{self, Modes};

/// Between two frames that only data asked for; keys are drawn at once.
const FRAME: Duration = Duration::from_millis(66);
/// The same before the cluster was listed: its first rows are what one waits for.
const START_FRAME: Duration = Duration::from_millis(16);
/// The same while nothing burns: the clock moves once a second, and that is enough for the rest too.
const CALM_FRAME: Duration = Duration::from_millis(950);
/// The clock in the header moves.
const TICK: Duration = Duration::from_millis(250);
/// The terminal in raw mode; gives it back when dropped.
pub struct TerminalFront {
    display: Display,
    ui: Ui,
    asked: mpsc::UnboundedReceiver<Asked>,
    beat: Beat,
    drawn: Option<Duration>,
    /// The same by the real clock.
    drawn_at: Instant,
    drawn_second: i64,
    /// Gates that were open then.
    drawn_gates: usize,
    /// Effect lines that were not read yet when it was drawn: reading is over at no event.
    drawn_unseen: usize,
    /// The pace then: what ends a haste is drawn in haste itself.
    drawn_pace: Duration,
    changed: bool,
    urgent: bool,
    /// Somebody else has the terminal.
    away: bool,
    /// No more keys will come.
    ended: bool,
    /// The frame fits.
    fit: Fit,
    /// Frames that are still drawn before the provoked panic.
    #[cfg(debug_assertions)]
    panics_after: Option<u64>,
}

impl TerminalFront {
    /// Takes the terminal over. To be called inside the runtime.
    ///
    /// # Errors
    /// When standard output is no terminal or cannot be put into raw mode.
    pub fn open(ui: Ui, modes: Modes) -> io::Result<Self> {
        let signals = Signals::listen()?;
        Self::taken(ui, modes, signals).inspect_err(|_| tty::give_back())
    }

    fn taken(ui: Ui, modes: Modes, signals: Signals) -> io::Result<Self> {
        let display = Display::take(modes, ui.is_ascii())?;
        let (tx, asked) = mpsc::unbounded_channel();
        let beat = Beat::default();
        tokio::spawn(signals.tell(tx, beat.clone()));
        Ok(Self {
            display,
            ui,
            asked,
            beat,
            drawn: None,
            drawn_at: Instant::now(),
            drawn_second: i64::MIN,
            drawn_gates: 0,
            drawn_unseen: 0,
            drawn_pace: START_FRAME,
            changed: true,
            urgent: true,
            away: false,
            ended: false,
            fit: Fit::default(),
            #[cfg(debug_assertions)]
            panics_after: None,
        })
    }

    /// Makes the way out after a panic testable: `draw:N` panics when N frames were drawn, `task:N` on another thread
    /// after N milliseconds.
    #[cfg(debug_assertions)]
    #[expect(clippy::panic, reason = "it is what is asked for")]
    pub fn provoke(&mut self, panic: Option<&str>) {
        let Some((place, number)) = panic.and_then(|panic| panic.split_once(':')) else { return };
        let number = number.parse().unwrap_or(0);
        if place == "draw" {
            self.panics_after = Some(number);
        } else {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(number)).await;
                panic!("provoked in a task\u{1b}[31m");
            });
        }
    }

    /// The screen and the keyboard.
    pub fn ui(&mut self) -> &mut Ui {
        &mut self.ui
    }

    /// Another session begins: its clock begins anew, and nothing of the one before counts.
    pub fn begin_again(&mut self) {
        (self.drawn, self.drawn_second, self.changed, self.urgent) = (None, i64::MIN, true, true);
        self.drawn_pace = START_FRAME;
    }

    /// From the last frame to the next one that only data ask for.
    fn pace(&self, state: &State) -> Duration {
        pace(state).min(self.drawn_pace)
    }

    fn due(&mut self, state: &State, now: Duration) -> bool {
        let Some(drawn) = self.drawn else { return true };
        let since = now.saturating_sub(drawn);
        // A burst of keys is drawn as it comes to rest.
        let keys = self.urgent && (self.display.is_quiet() || since >= FRAME);
        if keys && self.display.may(Cause::Hand) {
            return true;
        }
        let stale =
            self.changed || state.now.timestamp() != self.drawn_second || unseen(state) != self.drawn_unseen;
        // A gate that opened is what everybody waits for.
        let opened = view::oldest_gate(state).0 > self.drawn_gates;
        let rested = opened || since >= self.pace(state);
        stale && rested && self.display.may(Cause::Data)
    }

    fn draw(&mut self, state: &State) -> io::Result<Event> {
        #[cfg(debug_assertions)]
        if let Some(left) = &mut self.panics_after {
            assert!(*left > 0, "provoked in a frame\u{1b}[31m");
            *left -= 1;
        }
        self.display.title(self.ui.title(state));
        // Before it is written: who sees it may answer before this goes on.
        let typed = self.display.typed();
        let mut shown = self.display.draw(|frame| {
            let drawn = self.ui.draw(frame, state);
            (drawn.shown, drawn.links)
        })?;
        shown.read = typed;
        self.fit.drawn(shown.read);
        Ok(Event::Shown(shown))
    }

    /// One at a time: what a key means depends on what the key before it did.
    fn heard(&mut self, state: &State, heard: Heard) -> Vec<Command> {
        if !matches!(heard.told, Told::Key(_) | Told::Paste(_) | Told::Mouse(_)) {
            // None of it is a reason to draw, but that it shows other letters than we thought.
            if self.display.answered(&heard.told, heard.at) == Some(Found::NoUnicode) {
                self.ui.become_ascii();
                self.changed = true;
            }
            return Vec::new();
        }
        self.urgent = true;
        let fits = self.fit.counts(heard.read) && self.display.fits();
        let stroke = heard.stroke();
        hand::command(&mut self.ui, state, heard.told, stroke, fits).into_iter().collect()
    }

    fn asked(&mut self, state: &State, asked: Asked) -> Vec<Command> {
        match asked {
            Asked::End => return vec![Command::Quit],
            Asked::Resize => {
                self.urgent = true;
                self.fit.resized();
                return Vec::new();
            }
            Asked::Suspend => {
                self.away = true;
                self.display.give_back();
                if !signals::stop() {
                    return self.asked(state, Asked::Resume);
                }
            }
            Asked::Resume => {
                self.away = false;
                self.urgent = true;
                // A terminal that cannot be taken again is gone.
                if self.display.take_again().is_err() {
                    return vec![Command::Quit];
                }
            }
        }
        hand::returned(state).into_iter().collect()
    }
}

/// Effect lines of the card on the screen that were not read yet.
fn unseen(state: &State) -> usize {
    live_card(state).map_or(0, |card| card.unseen(state.mono))
}

/// Between two frames that only data ask for.
fn pace(state: &State) -> Duration {
    let sources = &state.world.sources;
    // The first list comes in parts.
    let listing = |s: &SourceState| !s.synced && matches!(s.health, Health::Starting | Health::Live);
    if sources.get(&Source::Kubernetes).is_none_or(listing) {
        return START_FRAME;
    }
    let open = |i: &crate::engine::incident::Incident| {
        !i.slos.is_empty() || i.proposal.is_some() || i.wish.is_some() || i.acting()
    };
    let starting = sources.values().any(|s| s.health == Health::Starting);
    if starting || state.incidents.values().any(open) { FRAME } else { CALM_FRAME }
}

impl Front for TerminalFront {
    fn after(&mut self, state: &State, now: Duration, events: &mut Vec<Event>) -> Next {
        self.beat.beat();
        if self.away {
            return Next::On;
        }
        if let Some(trip) = self.display.round_trip()
            && let Some(line) = pacer::told(trip, state.line)
        {
            events.push(Event::Line(line));
        }
        let sent = if self.due(state, now) {
            self.drawn = Some(now);
            let sent = self.draw(state);
            self.urgent = false;
            self.changed = false;
            self.drawn_second = state.now.timestamp();
            self.drawn_unseen = unseen(state);
            self.drawn_gates = view::open_gates(state).0;
            self.drawn_pace = pace(state);
            self.drawn_at = Instant::now();
            sent.map(Some)
        } else if self.drawn.is_some() {
            self.display.flush().map(|()| None)
        } else {
            Ok(None)
        };
        match sent {
            Ok(shown) => events.extend(shown),
            // The terminal is gone (the line dropped): leave as if a hang-up had come.
            Err(_) if state.quitting => {}
            Err(_) => events.push(Event::Command(Command::Quit)),
        }
        Next::On
    }

    async fn input(&mut self, state: &State) -> Vec<Command> {
        // What came too soon after a frame is drawn when its time has come, not with the next tick.
        let rested = self.drawn_at + self.pace(state);
        let soon = self.changed && rested > Instant::now();
        tokio::select! {
            biased;
            Some(asked) = self.asked.recv() => self.asked(state, asked),
            first = self.display.hear(), if !self.ended => match first {
                Some(first) => self.heard(state, first),
                None => {
                    self.ended = true;
                    vec![Command::Quit]
                }
            },
            () = sleep_until(rested), if soon => Vec::new(),
            // What is under way is still finished.
            else => std::future::pending().await,
        }
    }

    fn changed(&mut self) {
        self.changed = true;
    }

    fn bell(&mut self) {
        self.display.bell();
    }

    fn copy(&mut self, text: &Clean) {
        self.display.copy(text);
    }

    fn notify(&mut self, title: &Clean, body: &Clean) {
        self.display.notify(title, body);
    }

    fn size(&self) -> Option<(u16, u16)> {
        let size = self.display.size();
        self.drawn.is_some().then_some((size.width, size.height))
    }

    fn tick(&self) -> Duration {
        TICK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::Signal;
    use crate::engine::{Stamped, step};

    #[test]
    fn frames_hurry_until_the_cluster_was_listed_and_rest_when_all_was_heard_of() {
        let mut state = State::default();
        assert_eq!(pace(&state), START_FRAME, "nothing was heard yet");
        let now = state.now;
        for (signal, then) in [
            (Signal::Health(Source::Kind("deployments"), Health::Live), START_FRAME),
            (Signal::Health(Source::Kubernetes, Health::Live), START_FRAME),
            (Signal::Synced(Source::Kubernetes, now), CALM_FRAME),
            (Signal::Health(Source::Prometheus, Health::Starting), FRAME),
            (Signal::Health(Source::Prometheus, Health::Live), CALM_FRAME),
        ] {
            let (at, mono) = (state.now, state.mono);
            let said = format!("{signal:?}");
            step(&mut state, Stamped { at, mono, event: Event::Signal(signal) });
            assert_eq!(pace(&state), then, "{said}");
        }
    }
}
