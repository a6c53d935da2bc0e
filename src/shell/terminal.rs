//! The terminal in front of the loop: keys as commands, frames drawn when something changed and, while all is calm, at
//! most once a second. What was armed is disarmed when somebody else had the terminal meanwhile.

use std::io::{self, BufWriter, Write as _};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event as TermEvent, KeyEvent, MouseEvent};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};
use tokio::sync::mpsc;

use crate::domain::clean::Clean;
use crate::domain::signal::Health;
use crate::engine::gate::Gesture;
use crate::engine::{Command, Event, State};
use crate::ui::Ui;
use crate::ui::commands::live_card;

use super::run::{Front, Next};
use super::screen::osc;
use super::signals::{self, Asked, Beat, Signals};
use super::tty::{self, Modes};

/// Between two frames that only data asked for; keys are drawn at once.
const FRAME: Duration = Duration::from_millis(66);
/// The same while nothing burns: the clock moves once a second, and that is enough for the rest too.
const CALM_FRAME: Duration = Duration::from_millis(950);
/// The clock in the header moves.
const TICK: Duration = Duration::from_millis(250);
/// What comes within this was not typed key by key.
const ONE_READ: Duration = Duration::from_millis(40);
/// A frame is one write.
const BUFFER: usize = 64 * 1024;

/// What a person did.
enum Input {
    Key(KeyEvent, u64),
    Paste(String),
    Mouse(MouseEvent),
    Resized,
}

/// The terminal in raw mode; gives it back when dropped.
pub struct TerminalFront {
    terminal: Terminal<CrosstermBackend<BufWriter<tty::Output>>>,
    modes: Modes,
    ui: Ui,
    input: mpsc::UnboundedReceiver<Input>,
    asked: mpsc::UnboundedReceiver<Asked>,
    beat: Beat,
    drawn: Option<Duration>,
    drawn_second: i64,
    drawn_size: Option<(u16, u16)>,
    /// Effect lines that were not read yet when it was drawn: reading is over at no event.
    drawn_unseen: usize,
    changed: bool,
    urgent: bool,
    /// The title that the window has.
    title: String,
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
        tty::take(modes)?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(BUFFER, tty::Output::default()));
        let terminal = Terminal::new(backend)?;
        let (keys, input) = mpsc::unbounded_channel();
        std::thread::Builder::new().name("keys".into()).spawn(move || read_keys(&keys))?;
        let (tx, asked) = mpsc::unbounded_channel();
        let beat = Beat::default();
        tokio::spawn(signals.tell(tx, beat.clone()));
        Ok(Self {
            terminal,
            modes,
            ui,
            input,
            asked,
            beat,
            drawn: None,
            drawn_second: i64::MIN,
            drawn_size: None,
            drawn_unseen: 0,
            changed: true,
            urgent: true,
            title: String::new(),
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

    fn due(&self, state: &State, now: Duration) -> bool {
        let Some(drawn) = self.drawn else { return true };
        let since = now.saturating_sub(drawn);
        // A burst of keys is drawn as it comes to rest.
        let keys = self.urgent && (self.input.is_empty() || since >= FRAME);
        let stale =
            self.changed || state.now.timestamp() != self.drawn_second || unseen(state) != self.drawn_unseen;
        keys || (stale && since >= if calm(state) { CALM_FRAME } else { FRAME })
    }

    fn draw(&mut self, state: &State) -> io::Result<Event> {
        #[cfg(debug_assertions)]
        let panics = self.panics_at_draw && self.drawn_second != i64::MIN;
        let mut ours = None;
        let drawn = self.terminal.draw(|frame| {
            #[cfg(debug_assertions)]
            assert!(!panics, "provoked in a frame\u{1b}[31m");
            ours = Some(self.ui.draw(frame, state));
        })?;
        self.drawn_size = Some((drawn.area.width, drawn.area.height));
        let title = self.ui.title(state);
        if title != self.title {
            self.say(&osc::title(&title));
            self.title = title;
        }
        Ok(Event::Shown(ours.unwrap_or_default().shown))
    }

    /// Tells the terminal something that is no cell; it goes with the next frame.
    fn say(&mut self, words: &str) {
        let _ = self.terminal.backend_mut().write_all(words.as_bytes());
    }

    /// Forgets what is on the screen. `Terminal::clear` would ask the terminal where its cursor is, and wait.
    fn anew(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// One at a time: what a key means depends on what the key before it did.
    fn command(&mut self, state: &State, input: Input) -> Vec<Command> {
        self.urgent = true;
        let command = match input {
            Input::Key(key, read) => self.ui.key(state, key, read),
            Input::Paste(text) => self.ui.paste(state, text),
            Input::Mouse(event) => self.ui.mouse(state, event).map(Command::from),
            Input::Resized => None,
        };
        command.into_iter().collect()
    }

    fn asked(&mut self, state: &State, asked: Asked) -> Vec<Command> {
        match asked {
            Asked::End => return vec![Command::Quit],
            Asked::Suspend => {
                self.away = true;
                tty::give_back();
                if !signals::stop() {
                    return self.asked(state, Asked::Resume);
                }
            }
            Asked::Resume => {
                self.away = false;
                self.urgent = true;
                // A terminal that cannot be taken again is gone: the next frame says so.
                if tty::take(self.modes).and_then(|()| self.anew()).is_err() {
                    return vec![Command::Quit];
                }
            }
        }
        // Nobody can say who saw and pressed what meanwhile.
        let armed = live_card(state)
            .is_some_and(|card| matches!(card.gesture, Gesture::Token { .. } | Gesture::Reason(_)));
        if armed { vec![Command::Back] } else { Vec::new() }
    }
}

impl Drop for TerminalFront {
    fn drop(&mut self) {
        tty::give_back();
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
        if self.away || !self.due(state, now) {
            return Next::On;
        }
        self.drawn = Some(now);
        match self.draw(state) {
            Ok(shown) => events.push(shown),
            // The terminal is gone (the line dropped): leave as if a hang-up had come.
            Err(_) if state.quitting => {}
            Err(_) => events.push(Event::Command(Command::Quit)),
        }
        self.urgent = false;
        self.changed = false;
        self.drawn_second = state.now.timestamp();
        self.drawn_unseen = unseen(state);
        Next::On
    }

    async fn input(&mut self, state: &State) -> Vec<Command> {
        tokio::select! {
            biased;
            Some(asked) = self.asked.recv() => self.asked(state, asked),
            first = self.input.recv(), if !self.ended => match first {
                Some(first) => self.command(state, first),
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
        self.say("\x07");
    }

    fn copy(&mut self, text: &Clean) {
        self.say(&osc::clipboard(text));
    }

    fn notify(&mut self, title: &Clean, body: &Clean) {
        self.say(&osc::notification(title, body));
    }

    fn size(&self) -> Option<(u16, u16)> {
        self.drawn_size
    }

    fn tick(&self) -> Duration {
        TICK
    }
}

/// Reads keys on a thread of its own. Events that come together belong to the same read of the terminal, also when a
/// slow line cut them in two.
fn read_keys(tx: &mpsc::UnboundedSender<Input>) {
    let mut read = 0;
    let mut began: Option<Instant> = None;
    loop {
        let Ok(first) = event::read() else { return };
        if began.is_none_or(|at| at.elapsed() >= ONE_READ) {
            began = Some(tokio::time::Instant::now().into_std());
            read += 1;
        }
        let mut next = Some(first);
        while let Some(event) = next.take() {
            let input = match event {
                TermEvent::Key(key) => Input::Key(key, read),
                TermEvent::Paste(text) => Input::Paste(text),
                TermEvent::Mouse(event) => Input::Mouse(event),
                _ => Input::Resized,
            };
            if tx.send(input).is_err() {
                return;
            }
            // Not zero: for that nobody would look at what was read already.
            if event::poll(Duration::from_millis(1)).unwrap_or(false) {
                next = event::read().ok();
            }
        }
    }
}
