//! The terminal in front of the loop: keys as commands, frames drawn when something changed, as fast as the line takes
//! them, and, while all is calm, at most once a second. What was armed is disarmed when somebody else had the terminal.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use tokio::sync::mpsc;

use crate::domain::clean::Clean;
use crate::domain::signal::Health;
use crate::engine::gate::Gesture;
use crate::engine::{Command, Event, State};
use crate::ui::Ui;
use crate::ui::commands::live_card;

use super::run::{Front, Next};
use super::screen::canvas::Canvas;
use super::screen::osc;
use super::screen::pacer::{self, Cause, Pacer};
use super::screen::parser::Told;
use super::screen::probe::{self, Probe};
use super::screen::reader::{self, Heard, Line};
use super::signals::{self, Asked, Beat, Signals};
use super::tty::{self, Modes, Output};

/// Between two frames that only data asked for; keys are drawn at once.
const FRAME: Duration = Duration::from_millis(66);
/// The same while nothing burns: the clock moves once a second, and that is enough for the rest too.
const CALM_FRAME: Duration = Duration::from_millis(950);
/// The clock in the header moves.
const TICK: Duration = Duration::from_millis(250);
/// Answers that are under way when we leave are waited for this long, or they would be typed into the shell.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// The same where no answer ever came.
const NO_ANSWERS: Duration = Duration::from_millis(300);

/// The terminal in raw mode; gives it back when dropped.
pub struct TerminalFront {
    terminal: Terminal<Canvas<Output>>,
    ui: Ui,
    modes: Modes,
    pacer: Pacer,
    probe: Probe,
    line: Line,
    epoch: Instant,
    /// Goes out before the next frame: what the terminal must know first.
    before: Vec<u8>,
    /// Goes out with the next frame, or without one.
    said: Vec<u8>,
    /// The title that the window has.
    title: String,
    input: mpsc::UnboundedReceiver<Heard>,
    asked: mpsc::UnboundedReceiver<Asked>,
    beat: Beat,
    drawn: Option<Duration>,
    drawn_second: i64,
    /// Effect lines that were not read yet when it was drawn: reading is over at no event.
    drawn_unseen: usize,
    changed: bool,
    urgent: bool,
    /// Somebody else has the terminal.
    away: bool,
    /// No more keys will come.
    ended: bool,
    #[cfg(debug_assertions)]
    panics_at_draw: bool,
}

impl TerminalFront {
    /// Takes the terminal over. To be called inside the runtime.
    ///
    /// # Errors
    /// When standard output is no terminal or cannot be put into raw mode.
    pub fn open(ui: Ui, modes: Modes) -> io::Result<Self> {
        tty::guard_panics();
        let signals = Signals::listen()?;
        Self::taken(ui, modes, signals).inspect_err(|_| tty::give_back())
    }

    fn taken(ui: Ui, modes: Modes, signals: Signals) -> io::Result<Self> {
        let mut before = tty::take(modes)?.into_bytes();
        let output = Output::new()?;
        let size = output.size()?;
        let terminal = Terminal::new(Canvas::new(output, size, modes.skills))?;
        let probe = Probe::new(modes.skills, ui.is_ascii());
        before.extend(probe.questions().into_bytes());
        let line = Line::default();
        let (keys, input) = mpsc::unbounded_channel();
        reader::spawn(keys, line.clone())?;
        let (tx, asked) = mpsc::unbounded_channel();
        let beat = Beat::default();
        tokio::spawn(signals.tell(tx, beat.clone()));
        Ok(Self {
            terminal,
            ui,
            modes,
            pacer: Pacer::new(modes.skills.asks),
            probe,
            line,
            epoch: tokio::time::Instant::now().into_std(),
            before,
            said: Vec::new(),
            title: String::new(),
            input,
            asked,
            beat,
            drawn: None,
            drawn_second: i64::MIN,
            drawn_unseen: 0,
            changed: true,
            urgent: true,
            away: false,
            ended: false,
            #[cfg(debug_assertions)]
            panics_at_draw: false,
        })
    }

    /// Makes the way out after a panic testable: `draw` panics in the second frame, `task` on another thread.
    #[cfg(debug_assertions)]
    #[expect(clippy::panic, reason = "it is what is asked for")]
    pub fn provoke(&mut self, panic: Option<&str>) {
        self.panics_at_draw = panic == Some("draw");
        if panic == Some("task") {
            tokio::spawn(async {
                tokio::time::sleep(Duration::from_millis(500)).await;
                panic!("provoked in a task\u{1b}[31m");
            });
        }
    }

    /// The clock of the line: real time, whatever the world's clock does.
    fn line_time(&self) -> Duration {
        tokio::time::Instant::now().into_std().saturating_duration_since(self.epoch)
    }

    fn due(&mut self, state: &State, now: Duration) -> bool {
        let Some(drawn) = self.drawn else { return true };
        let since = now.saturating_sub(drawn);
        let line_time = self.line_time();
        // A burst of keys is drawn as it comes to rest.
        let keys = self.urgent && (self.input.is_empty() || since >= FRAME);
        if keys && self.pacer.may(line_time, Cause::Hand) {
            return true;
        }
        let stale =
            self.changed || state.now.timestamp() != self.drawn_second || unseen(state) != self.drawn_unseen;
        let rested = since >= if calm(state) { CALM_FRAME } else { FRAME };
        stale && rested && self.pacer.may(line_time, Cause::Data)
    }

    fn draw(&mut self, state: &State) -> io::Result<Event> {
        #[cfg(debug_assertions)]
        assert!(!self.panics_at_draw || self.drawn_second == i64::MIN, "provoked in a frame\u{1b}[31m");
        let size = self.terminal.backend_mut().writer_mut().size()?;
        self.terminal.backend_mut().resize(size);
        self.terminal.autoresize()?;
        let drawn = self.ui.draw(&mut self.terminal.get_frame(), state);
        // The whole buffer is compared, not what ratatui finds different in it: see `Canvas::frame`.
        let mut buffer = std::mem::take(self.terminal.current_buffer_mut());
        let cells = self.terminal.backend_mut().frame(&buffer, &drawn.links);
        buffer.reset();
        *self.terminal.current_buffer_mut() = buffer;
        let title = self.ui.title(state);
        if title != self.title {
            self.say(&osc::title(&title));
            self.title = title;
        }
        let sent = self.line_time();
        let frame = self.pacer.seal(cells, self.probe.holds_frames(), sent);
        self.send(frame)?;
        Ok(Event::Shown(drawn.shown))
    }

    /// One write of all there is to tell; none where there is nothing.
    fn send(&mut self, frame: Vec<u8>) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.before);
        bytes.extend(frame);
        bytes.append(&mut self.said);
        if bytes.is_empty() { Ok(()) } else { self.terminal.backend_mut().writer_mut().write_all(&bytes) }
    }

    /// Tells the terminal something that is no cell.
    fn say(&mut self, words: &str) {
        if self.modes.skills.osc {
            self.said.extend_from_slice(words.as_bytes());
        }
    }

    /// One at a time: what a key means depends on what the key before it did.
    fn heard(&mut self, state: &State, heard: Heard) -> Vec<Command> {
        let command = match heard.told {
            Told::Key(key) => self.ui.key(state, key, heard.read),
            Told::Paste(text) => self.ui.paste(state, text),
            Told::Mouse(event) => self.ui.mouse(state, event).map(Command::from),
            answer => {
                self.answered(&answer, heard.at);
                return Vec::new();
            }
        };
        self.urgent = true;
        command.into_iter().collect()
    }

    /// The terminal answered something. None of it is a reason to draw, but that it shows other letters than we thought.
    fn answered(&mut self, told: &Told, at: Instant) {
        if *told == Told::Alive {
            self.pacer.answered(at.saturating_duration_since(self.epoch));
            if let Some(trip) = self.pacer.round_trip() {
                self.line.learn(trip);
            }
        } else if self.probe.answered(told) == Some(probe::Found::NoUnicode) {
            self.ui.become_ascii();
            self.changed = true;
        }
    }

    fn asked(&mut self, state: &State, asked: Asked) -> Vec<Command> {
        match asked {
            Asked::End => return vec![Command::Quit],
            Asked::Resize => {
                self.urgent = true;
                return Vec::new();
            }
            Asked::Suspend => {
                self.away = true;
                self.give_back();
                if !signals::stop() {
                    return self.asked(state, Asked::Resume);
                }
            }
            Asked::Resume => {
                self.away = false;
                self.urgent = true;
                self.pacer.forget();
                self.title.clear();
                self.terminal.backend_mut().forget();
                // A terminal that cannot be taken again is gone: the next frame says so.
                match tty::take(self.modes) {
                    Ok(before) => self.before = before.into_bytes(),
                    Err(_) => return vec![Command::Quit],
                }
            }
        }
        // Nobody can say who saw and pressed what meanwhile.
        let armed = live_card(state)
            .is_some_and(|card| matches!(card.gesture, Gesture::Token { .. } | Gesture::Reason(_)));
        if armed { vec![Command::Back] } else { Vec::new() }
    }

    /// Gives the terminal back, when all that it was asked has been answered: an answer that comes later would stand in
    /// the shell as if it had been typed.
    fn give_back(&mut self) {
        tty::leave();
        let patience = if self.probe.heard() { LAST_ANSWERS } else { NO_ANSWERS };
        let until = self.line_time() + patience;
        while self.pacer.outstanding() > 0 || self.probe.waits() {
            match self.input.try_recv() {
                Ok(Heard { told, at, .. }) => self.answered(&told, at),
                Err(mpsc::error::TryRecvError::Empty) if self.line_time() < until => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(_) => {
                    tty::drop_input();
                    break;
                }
            }
        }
        tty::give_back();
    }
}

impl Drop for TerminalFront {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Effect lines of the card on the screen that were not read yet.
fn unseen(state: &State) -> usize {
    live_card(state).map_or(0, |card| card.unseen(state.mono))
}

/// Everything was heard of, and nothing burns, waits for a person or is under way.
fn calm(state: &State) -> bool {
    let starting = state.world.sources.values().any(|s| s.health == Health::Starting);
    let open = |i: &crate::engine::incident::Incident| {
        !i.slos.is_empty() || i.proposal.is_some() || i.wish.is_some() || i.acting()
    };
    !starting && !state.incidents.values().any(open)
}

impl Front for TerminalFront {
    fn after(&mut self, state: &State, now: Duration, events: &mut Vec<Event>) -> Next {
        self.beat.beat();
        if self.away {
            return Next::On;
        }
        if let Some(trip) = self.pacer.round_trip()
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
            sent.map(Some)
        } else if self.drawn.is_some() {
            self.send(Vec::new()).map(|()| None)
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
        tokio::select! {
            biased;
            Some(asked) = self.asked.recv() => self.asked(state, asked),
            first = self.input.recv(), if !self.ended => match first {
                Some(first) => self.heard(state, first),
                None => {
                    self.ended = true;
                    vec![Command::Quit]
                }
            },
            // What is under way is still finished.
            else => std::future::pending().await,
        }
    }

    fn changed(&mut self) {
        self.changed = true;
    }

    fn bell(&mut self) {
        self.said.push(0x07);
    }

    fn copy(&mut self, text: &Clean) {
        self.say(&osc::clipboard(text));
    }

    fn notify(&mut self, title: &Clean, body: &Clean) {
        if self.modes.skills.osc { self.say(&osc::notification(title, body)) } else { self.bell() }
    }

    fn tick(&self) -> Duration {
        TICK
    }
}
