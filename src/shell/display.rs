//! A terminal that was taken: frames out, at the pace at which they arrive, and what was typed, clicked and answered in.
//! Gives it back when dropped, after the answers that are still on their way: they would be typed into the shell.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use ratatui::layout::Size;
use ratatui::{Frame, Terminal};
use tokio::sync::mpsc;

use crate::domain::clean::Clean;
use crate::ui::link::Link;

use super::screen::canvas::Canvas;
use super::screen::osc;
use super::screen::pacer::{Cause, Pacer};
use super::screen::parser::Told;
use super::screen::probe::{Found, Probe};
use super::screen::reader::{self, Heard, Line, Typed};
use super::tty::{self, Modes, Output};

/// Answers that are under way when we leave are waited for this long.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// The same where no answer ever came.
const NO_ANSWERS: Duration = Duration::from_millis(300);
/// Between two looks whether something came, where nobody can be woken.
const LOOK: Duration = Duration::from_millis(2);

/// The terminal in raw mode.
pub struct Display {
    terminal: Terminal<Canvas<Output>>,
    modes: Modes,
    pacer: Pacer,
    probe: Probe,
    line: Line,
    typed: Typed,
    epoch: Instant,
    /// Goes out before the next frame: what the terminal must know first.
    before: Vec<u8>,
    /// Goes out with the next frame, or without one.
    said: Vec<u8>,
    /// The title that the window has.
    title: String,
    input: mpsc::UnboundedReceiver<Heard>,
}

impl Display {
    /// Takes the terminal over; `ascii`: nothing else is drawn. [`tty::give_back`] undoes it when it fails halfway.
    ///
    /// # Errors
    /// When standard output is no terminal or cannot be put into raw mode.
    pub fn take(modes: Modes, ascii: bool) -> io::Result<Self> {
        let mut before = tty::take(modes)?.into_bytes();
        let output = Output::new()?;
        let size = output.size()?;
        let probe = Probe::new(modes.skills, ascii);
        before.extend(probe.questions().into_bytes());
        let line = Line::default();
        let (heard, input) = mpsc::unbounded_channel();
        let typed = Typed::default();
        reader::spawn(heard, line.clone(), typed.clone())?;
        Ok(Self {
            terminal: Terminal::new(Canvas::new(output, size, modes.skills))?,
            modes,
            pacer: Pacer::new(modes.skills.asks),
            probe,
            line,
            typed,
            epoch: tokio::time::Instant::now().into_std(),
            before,
            said: Vec::new(),
            title: String::new(),
            input,
        })
    }

    /// The clock of the line: real time, whatever the world's clock does.
    fn now(&self) -> Duration {
        tokio::time::Instant::now().into_std().saturating_duration_since(self.epoch)
    }

    /// Whether a frame may be sent now.
    pub fn may(&mut self, cause: Cause) -> bool {
        let now = self.now();
        self.pacer.may(now, cause)
    }

    /// Draws a frame, in one write; in none where nothing changed. `draw` gives the links of the frame.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw<R>(&mut self, draw: impl FnOnce(&mut Frame<'_>) -> (R, Vec<Link>)) -> io::Result<R> {
        let size = self.terminal.backend_mut().writer_mut().size()?;
        self.terminal.backend_mut().resize(size);
        self.terminal.autoresize()?;
        let (drawn, links) = draw(&mut self.terminal.get_frame());
        // The whole buffer is compared, not what ratatui finds different in it: see `Canvas::frame`.
        let mut buffer = std::mem::take(self.terminal.current_buffer_mut());
        let cells = self.terminal.backend_mut().frame(&buffer, &links);
        buffer.reset();
        *self.terminal.current_buffer_mut() = buffer;
        let sent = self.now();
        let frame = self.pacer.seal(cells, self.probe.holds_frames(), sent);
        self.send(frame)?;
        Ok(drawn)
    }

    /// Sends what was said since the last frame.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.said.is_empty() { Ok(()) } else { self.send(Vec::new()) }
    }

    fn send(&mut self, frame: Vec<u8>) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.before);
        bytes.extend(frame);
        bytes.append(&mut self.said);
        if bytes.is_empty() { Ok(()) } else { self.terminal.backend_mut().writer_mut().write_all(&bytes) }
    }

    /// The size of the frame that was drawn last.
    pub fn size(&self) -> Size {
        self.terminal.backend().known_size()
    }

    /// The terminal has the size of the frame on it.
    pub fn fits(&mut self) -> bool {
        // One that does not tell its size any more is gone, which the next frame finds out.
        self.terminal.backend_mut().writer_mut().size().map_or(true, |size| size == self.size())
    }

    /// Number of the last read of the terminal in which something was typed.
    pub fn typed(&self) -> u64 {
        self.typed.last()
    }

    /// Names the window.
    pub fn title(&mut self, title: String) {
        if title != self.title {
            self.say(&osc::title(&title));
            self.title = title;
        }
    }

    /// Rings.
    pub fn bell(&mut self) {
        self.said.push(0x07);
    }

    /// Puts a line into the person's clipboard.
    pub fn copy(&mut self, text: &Clean) {
        self.say(&osc::clipboard(text));
    }

    /// Calls for attention outside of the window.
    pub fn notify(&mut self, title: &Clean, body: &Clean) {
        if self.modes.skills.osc { self.say(&osc::notification(title, body)) } else { self.bell() }
    }

    fn say(&mut self, words: &str) {
        if self.modes.skills.osc {
            self.said.extend_from_slice(words.as_bytes());
        }
    }

    /// The next that was typed, clicked or answered; `None` when no more will come.
    pub async fn hear(&mut self) -> Option<Heard> {
        self.input.recv().await
    }

    /// The same for somebody who cannot be woken: waits this long at most.
    ///
    /// # Errors
    /// When no more will come.
    pub fn hear_within(&mut self, patience: Duration) -> io::Result<Option<Heard>> {
        let until = self.now() + patience;
        loop {
            match self.input.try_recv() {
                Ok(heard) => return Ok(Some(heard)),
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Err(mpsc::error::TryRecvError::Empty) if self.now() >= until => return Ok(None),
                Err(mpsc::error::TryRecvError::Empty) => std::thread::sleep(LOOK),
            }
        }
    }

    /// Nothing waits to be heard.
    pub fn is_quiet(&self) -> bool {
        self.input.is_empty()
    }

    /// Takes an answer of the terminal; the rest of what is heard is not its subject.
    pub fn answered(&mut self, told: &Told, at: Instant) -> Option<Found> {
        if *told != Told::Alive {
            return self.probe.answered(told);
        }
        self.pacer.answered(at.saturating_duration_since(self.epoch));
        if let Some(trip) = self.pacer.round_trip() {
            self.line.learn(trip);
        }
        None
    }

    /// The line's round trip, once it is known.
    pub fn round_trip(&self) -> Option<Duration> {
        self.pacer.round_trip()
    }

    /// Gives the terminal back, until [`Display::take_again`].
    pub fn give_back(&mut self) {
        tty::leave();
        let patience = if self.probe.heard() || self.pacer.heard() { LAST_ANSWERS } else { NO_ANSWERS };
        let until = self.now() + patience;
        while self.pacer.outstanding() > 0 || self.probe.waits() {
            let left = until.saturating_sub(self.now());
            match self.hear_within(left) {
                Ok(Some(Heard { told, at, .. })) => drop(self.answered(&told, at)),
                _ => {
                    tty::drop_input();
                    break;
                }
            }
        }
        tty::give_back();
    }

    /// Takes the terminal over once more, and draws everything anew.
    ///
    /// # Errors
    /// When it is gone.
    pub fn take_again(&mut self) -> io::Result<()> {
        self.pacer.forget();
        self.title.clear();
        self.terminal.backend_mut().forget();
        self.before = tty::take(self.modes)?.into_bytes();
        Ok(())
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.give_back();
    }
}
