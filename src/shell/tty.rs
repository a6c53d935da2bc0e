//! Who owns the terminal: taken over once, given back on every way out, and silent for frames after that. Never waits
//! for a terminal that takes nothing: a program that cannot draw must still be able to end.

use std::io::{self, Stdout, Write};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

use crate::domain::clean::Clean;

use super::screen::osc;

/// Exit code after a panic, as the language has it.
const PANICKED: i32 = 101;
/// Exit code when the terminal took nothing any more and the loop was left where it stood.
const ABANDONED: i32 = 1;
/// A frame that is being written is waited for this long.
const LAST_FRAME: Duration = Duration::from_secs(1);

/// What is asked of the terminal besides raw mode and the alternate screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Modes {
    /// Reports of buttons and wheel; a terminal then selects text only with shift.
    pub mouse: bool,
}

/// True while the terminal is ours. Held during each write, so that nothing is drawn after it was given back.
static OURS: Mutex<bool> = Mutex::new(false);

/// Standard output while the terminal is ours. What is written later is thrown away.
pub struct Output(Stdout);

impl Default for Output {
    /// The process's standard output.
    fn default() -> Self {
        Self(io::stdout())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if *ours() { self.0.write(bytes) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if *ours() { self.0.flush() } else { Ok(()) }
    }
}

fn ours() -> MutexGuard<'static, bool> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the terminal over, or takes it over again after the shell had it: raw mode is always set anew.
///
/// # Errors
/// When there is no terminal, or it is gone.
pub fn take(modes: Modes) -> io::Result<()> {
    let mut ours = ours();
    let _ = disable_raw_mode();
    enable_raw_mode()?;
    // From here on there is something to give back, even when the rest fails.
    *ours = true;
    execute!(io::stdout(), Print(osc::PUSH_TITLE), EnterAlternateScreen, EnableBracketedPaste)?;
    if modes.mouse { execute!(io::stdout(), Print(osc::mouse(true))) } else { Ok(()) }
}

/// Gives the terminal back. Harmless when it was not taken.
pub fn give_back() {
    if let Some(mut ours) = ours_soon() {
        if *ours {
            let _ = execute!(
                io::stdout(),
                Print(osc::mouse(false)),
                DisableBracketedPaste,
                LeaveAlternateScreen,
                crossterm::cursor::Show,
                Print(osc::POP_TITLE)
            );
        }
        *ours = false;
    }
    let _ = disable_raw_mode();
}

/// [`ours`], unless a write to the terminal does not end.
#[expect(
    clippy::disallowed_methods,
    reason = "a span, on the way out, where no clock of a session is at hand"
)]
fn ours_soon() -> Option<MutexGuard<'static, bool>> {
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
        tell(info);
        std::process::exit(PANICKED);
    }));
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
