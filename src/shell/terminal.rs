//! The terminal: raw mode with a guard that ends it on every way out, keys as commands, frames drawn when something
//! changed. A panic restores the screen first and is then printed where it can be read.

use std::io::{self, BufWriter, Stdout, Write as _};
use std::time::Duration;

use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event as TermEvent, KeyEvent};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::signal::unix::{Signal as UnixSignal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::engine::{Command, Event, State};
use crate::ui::Ui;

use super::run::{Front, Next};

/// Between two frames that only data asked for; keys are drawn at once.
const FRAME: Duration = Duration::from_millis(66);
/// The clock in the header moves.
const TICK: Duration = Duration::from_millis(250);
/// A frame is one write.
const BUFFER: usize = 64 * 1024;

/// What a person did.
enum Input {
    Key(KeyEvent, u64),
    Paste(String),
    Resized,
}

/// The terminal in raw mode; leaves it when dropped.
pub struct TerminalFront {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    ui: Ui,
    input: mpsc::UnboundedReceiver<Input>,
    ends: [UnixSignal; 4],
    drawn: Option<Duration>,
    drawn_second: i64,
    stale: bool,
    urgent: bool,
    pending: Vec<Input>,
}

impl TerminalFront {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When standard output is no terminal or cannot be put into raw mode.
    pub fn open(ui: Ui) -> io::Result<Self> {
        guard_panics();
        enable_raw_mode()?;
        let mut out = io::stdout();
        if let Err(error) = execute!(out, EnterAlternateScreen, EnableBracketedPaste) {
            restore();
            return Err(error);
        }
        let backend = CrosstermBackend::new(BufWriter::with_capacity(BUFFER, out));
        let terminal = Terminal::new(backend).inspect_err(|_| restore())?;
        let (tx, input) = mpsc::unbounded_channel();
        std::thread::Builder::new()
            .name("keys".into())
            .spawn(move || read_keys(&tx))
            .inspect_err(|_| restore())?;
        let end = |kind| signal(kind).inspect_err(|_| restore());
        let ends = [
            end(SignalKind::terminate())?,
            end(SignalKind::hangup())?,
            end(SignalKind::interrupt())?,
            end(SignalKind::quit())?,
        ];
        Ok(Self {
            terminal,
            ui,
            input,
            ends,
            drawn: None,
            drawn_second: i64::MIN,
            stale: true,
            urgent: true,
            pending: Vec::new(),
        })
    }

    fn commands(&mut self, state: &State) -> Vec<Command> {
        self.urgent = true;
        let mut commands = Vec::new();
        for input in std::mem::take(&mut self.pending) {
            match input {
                Input::Key(key, read) => commands.extend(self.ui.key(state, key, read)),
                Input::Paste(text) => commands.extend(self.ui.paste(state, text)),
                Input::Resized => {}
            }
        }
        commands
    }
}

impl Drop for TerminalFront {
    fn drop(&mut self) {
        restore();
    }
}

impl Front for TerminalFront {
    fn after(&mut self, state: &State, now: Duration, events: &mut Vec<Event>) -> Next {
        let second = state.now.timestamp();
        self.stale |= state.dirty || second != self.drawn_second;
        let due = self.drawn.is_none_or(|at| now.saturating_sub(at) >= FRAME);
        if !(self.urgent || (self.stale && due)) {
            return Next::On;
        }
        self.urgent = false;
        self.stale = false;
        self.drawn = Some(now);
        self.drawn_second = second;
        let mut shown = None;
        let drawn = self.terminal.draw(|frame| shown = Some(self.ui.draw(frame, state)));
        match drawn {
            Ok(_) => {
                events.extend(shown.map(Event::Shown));
                Next::On
            }
            // The terminal is gone (the line dropped): leave as if a hang-up had come.
            Err(_) if state.quitting => Next::On,
            Err(_) => {
                events.push(Event::Command(Command::Quit));
                Next::On
            }
        }
    }

    async fn input(&mut self, state: &State) -> Vec<Command> {
        let [term, hup, int, quit] = &mut self.ends;
        let ended = tokio::select! {
            biased;
            _ = term.recv() => true,
            _ = hup.recv() => true,
            _ = int.recv() => true,
            _ = quit.recv() => true,
            first = self.input.recv() => match first {
                Some(first) => {
                    self.pending.push(first);
                    false
                }
                None => true,
            },
        };
        if ended {
            return vec![Command::Quit];
        }
        // One at a time: what a key means depends on what the key before it did.
        self.commands(state)
    }

    fn bell(&mut self) {
        let _ = self.terminal.backend_mut().write_all(b"\x07");
    }

    fn tick(&self) -> Duration {
        TICK
    }
}

/// Reads keys on a thread of its own. Events that were already there belong to the same read of the terminal.
fn read_keys(tx: &mpsc::UnboundedSender<Input>) {
    let mut read = 0;
    loop {
        read += 1;
        let Ok(first) = event::read() else { return };
        let mut next = Some(first);
        while let Some(event) = next.take() {
            let input = match event {
                TermEvent::Key(key) => Input::Key(key, read),
                TermEvent::Paste(text) => Input::Paste(text),
                TermEvent::Resize(..) => Input::Resized,
                _ => Input::Resized,
            };
            if tx.send(input).is_err() {
                return;
            }
            if event::poll(Duration::ZERO).unwrap_or(false) {
                next = event::read().ok();
            }
        }
    }
}

/// Gives the terminal back. Harmless when it was not taken.
pub fn restore() {
    let mut out = io::stdout();
    let _ = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, crossterm::cursor::Show);
    let _ = disable_raw_mode();
}

/// A panic anywhere ends the program: first the screen, then the message, where it can be read. An action that was
/// under way has its intent on disk and is read back at the next start.
#[expect(clippy::print_stderr, reason = "there is no screen any more, and nobody above to tell")]
#[expect(
    clippy::disallowed_methods,
    reason = "a panic in one task would leave the others running without a screen"
)]
fn guard_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        restore();
        before(info);
        eprintln!("goaround: this is a bug; an action that was under way is read back at the next start");
        std::process::exit(101);
    }));
}
