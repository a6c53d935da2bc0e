//! Who owns the terminal: taken over once, given back on every way out, and silent for frames after that. Never waits
//! for a terminal that takes nothing: a program that cannot draw must still be able to end.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::panic::PanicHookInfo;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::layout::Size;
use rustix::termios::{QueueSelector, tcflush, tcgetwinsize};

use crate::domain::clean::Clean;

use super::screen::osc;
use super::screen::terminal_type::Skills;

/// Exit code after a panic, as the language has it.
const PANICKED: i32 = 101;
/// As a shell calls a program that SIGPIPE ended.
const BROKEN_PIPE: i32 = 141;
/// Exit code when the terminal took nothing any more and the loop was left where it stood.
const ABANDONED: i32 = 1;
/// A frame that is being written is waited for this long.
const LAST_FRAME: Duration = Duration::from_secs(1);
/// The size of a terminal that does not know its own.
const USUAL: Size = Size { width: 80, height: 24 };

/// What is asked of the terminal besides raw mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Modes {
    /// Reports of buttons and wheel; a terminal then selects text only with shift.
    pub mouse: bool,
    /// What it can do.
    pub skills: Skills,
}

impl Modes {
    /// The other screen, no cursor, no wrapping (what is wider than we think must not push rows down), pasted text in
    /// brackets, the mouse.
    fn enter(self) -> String {
        let mut bytes = String::new();
        if self.skills.osc {
            bytes.push_str(osc::PUSH_TITLE);
        }
        bytes.push_str("\x1b[?1049h\x1b[?25l\x1b[?7l");
        if self.skills.asks {
            bytes.push_str("\x1b[?2004h");
            bytes.push_str(if self.mouse { osc::mouse(true) } else { "" });
        }
        bytes
    }

    /// Everything that was entered, and what a frame may have left behind.
    fn leave(self) -> String {
        let mut bytes = String::from("\x1b[m\x1b[r");
        if self.skills.osc {
            bytes.push_str(osc::NO_LINK);
        }
        if self.skills.asks {
            bytes.push_str(if self.mouse { osc::mouse(false) } else { "" });
            bytes.push_str("\x1b[?2004l");
        }
        bytes.push_str("\x1b[?7h\x1b[?1049l\x1b[?25h");
        if self.skills.osc {
            bytes.push_str(osc::POP_TITLE);
        }
        bytes
    }
}

/// What gives the terminal back while it is ours. Held during each write, so that nothing is drawn after that.
static OURS: Mutex<Option<Modes>> = Mutex::new(None);

/// Standard output while the terminal is ours, unbuffered: a frame is one write. What is written later is thrown away.
pub struct Output(File);

impl Output {
    /// The process's standard output.
    ///
    /// # Errors
    /// When there is none.
    pub fn new() -> io::Result<Self> {
        Ok(Self(File::from(io::stdout().as_fd().try_clone_to_owned()?)))
    }

    /// The size of the terminal, now.
    ///
    /// # Errors
    /// When it is gone.
    pub fn size(&self) -> io::Result<Size> {
        let size = tcgetwinsize(&self.0)?;
        let known = size.ws_col > 0 && size.ws_row > 0;
        Ok(if known { Size { width: size.ws_col, height: size.ws_row } } else { USUAL })
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if ours().is_some() { self.0.write(bytes) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ours() -> MutexGuard<'static, Option<Modes>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the terminal over, or takes it over again after the shell had it: raw mode is always set anew. What must be
/// told to the terminal is returned, to be written with the first frame.
///
/// # Errors
/// When there is no terminal, or it is gone.
pub fn take(modes: Modes) -> io::Result<String> {
    let mut ours = ours();
    let _ = disable_raw_mode();
    enable_raw_mode()?;
    // From here on there is something to give back.
    *ours = Some(modes);
    Ok(modes.enter())
}

/// Gives the terminal back. Harmless when it was not taken.
pub fn give_back() {
    leave();
    let _ = disable_raw_mode();
}

/// The first half of [`give_back`]: the screen is the shell's again, and nothing is drawn any more; keys and answers
/// still come as they are.
pub fn leave() {
    if let Some(mut ours) = ours_soon()
        && let Some(modes) = ours.take()
        && let Ok(Output(mut out)) = Output::new()
    {
        let _ = out.write_all(modes.leave().as_bytes());
    }
}

/// Throws away what the terminal has sent and nobody has read.
pub fn drop_input() {
    let _ = tcflush(io::stdin(), QueueSelector::IFlush);
}

/// [`ours`], unless a write to the terminal does not end.
#[expect(
    clippy::disallowed_methods,
    reason = "a span, on the way out, where no clock of a session is at hand"
)]
fn ours_soon() -> Option<MutexGuard<'static, Option<Modes>>> {
    let begun = Instant::now();
    loop {
        match OURS.try_lock() {
            Ok(ours) => return Some(ours),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if begun.elapsed() > LAST_FRAME => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Ends the process without the loop, which stands in a write that the terminal does not take.
#[expect(clippy::disallowed_methods, reason = "the loop, whose destructors would run, does not come back")]
pub fn abandon() -> ! {
    let _ = disable_raw_mode();
    std::process::exit(ABANDONED)
}

/// A panic anywhere ends the program: first the screen, then the message, where it can be read. An action that was
/// under way has its intent on disk and is read back at the next start.
#[expect(
    clippy::disallowed_methods,
    reason = "a panic in one task would leave the others running without a screen"
)]
pub fn guard_panics() {
    std::panic::set_hook(Box::new(|info| {
        give_back();
        if reader_left(info) {
            std::process::exit(BROKEN_PIPE);
        }
        tell(info);
        std::process::exit(PANICKED);
    }));
}

/// Whoever read our output wants no more of it, as `head` does: `println!` knows no other way to say so.
fn reader_left(info: &PanicHookInfo<'_>) -> bool {
    let said = info.payload().downcast_ref::<String>();
    said.is_some_and(|said| said.starts_with("failed printing to stdout") && said.contains("Broken pipe"))
}

/// The message of a panic may quote what a cluster said, so it is cleaned like everything else.
fn tell(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let said = payload.downcast_ref::<&str>().copied();
    let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    let place = info.location().map_or("somewhere".into(), ToString::to_string);
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "goaround: panic in thread {thread} at {place}:");
    for line in Clean::lines(said) {
        let _ = writeln!(err, "  {line}");
    }
    let trace = std::backtrace::Backtrace::capture();
    if trace.status() == std::backtrace::BacktraceStatus::Captured {
        let _ = writeln!(err, "{trace}");
    }
    let _ = writeln!(
        err,
        "goaround: this is a bug, please report it; an action that was under way is read back at the next start"
    );
}
