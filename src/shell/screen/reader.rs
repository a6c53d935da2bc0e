//! The thread that reads the terminal, and the one that makes sense of it. Every read in which something was typed has
//! its number: what came together did not come from a hand, and what came before a frame was not an answer to it.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use crate::engine::gate::stroke;

use super::parser::{Parser, Told, Wait};

/// What is typed this soon after the key before it was not typed key by key: a token of slower keys takes more than the
/// 40 ms that the gate wants.
const AT_ONCE: Duration = Duration::from_millis(14);
/// A sequence that has begun comes to its end within this, or never.
const SEQUENCE: Duration = Duration::from_secs(2);
/// The same for pasted text between two pieces of it.
const PASTE: Duration = Duration::from_secs(5);

/// What was read.
#[derive(Clone, Debug)]
pub struct Heard {
    /// What.
    pub told: Told,
    /// Number of the read of the terminal; counts keys and pasted text only.
    pub read: u64,
    /// It came so soon after the read before that no hand typed both.
    pub at_once: bool,
    /// When.
    pub at: Instant,
}

impl Heard {
    /// How a typed character names its read, see [`Command::Char`](crate::engine::Command::Char).
    pub fn stroke(&self) -> u64 {
        self.read | if self.at_once { stroke::AT_ONCE } else { 0 }
    }
}

/// The line's round trip, as far as it is known, for whoever must wait for it. In microseconds; 0: not known.
#[derive(Clone, Debug, Default)]
pub struct Line(Arc<AtomicU64>);

impl Line {
    /// A round trip was measured.
    pub fn learn(&self, trip: Duration) {
        self.0.store(u64::try_from(trip.as_micros()).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
    }

    /// How long to wait for what may follow an Esc. A fast line does not tear a sequence; another one may.
    fn escape(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            0 => Duration::from_millis(150),
            micros if micros < 10_000 => Duration::from_millis(50),
            micros => (2 * Duration::from_micros(micros) + Duration::from_millis(50))
                .clamp(Duration::from_millis(150), Duration::from_millis(500)),
        }
    }
}

/// Number of the last read in which something was typed, for whoever must know what came before.
#[derive(Clone, Debug, Default)]
pub struct Typed(Arc<AtomicU64>);

impl Typed {
    /// The number.
    pub fn last(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Makes sense of pieces: the parser, and the numbers of the reads.
pub struct Ears {
    parser: Parser,
    /// Reads in which something was typed.
    reads: u64,
    /// When the last of them came.
    last: Option<Instant>,
    epoch: Instant,
    typed: Typed,
}

impl Ears {
    /// Nothing was heard before `epoch`.
    pub fn new(epoch: Instant, typed: Typed) -> Self {
        Self { parser: Parser::default(), reads: 0, last: None, epoch, typed }
    }

    /// How long to wait for what may follow; `None`: for ever.
    pub fn patience(&self, line: &Line) -> Option<Duration> {
        Some(match self.parser.waits()? {
            Wait::Escape => line.escape(),
            Wait::Sequence => SEQUENCE,
            Wait::Paste => PASTE,
        })
    }

    /// What a piece that was read at `at` tells.
    pub fn hear(&mut self, bytes: &[u8], at: Instant) -> Vec<Heard> {
        let mut told = Vec::new();
        self.parser.feed(bytes, at.saturating_duration_since(self.epoch), &mut told);
        self.number(told, at)
    }

    /// What the silence tells that has lasted until `at`, as long as [`Ears::patience`].
    pub fn silence(&mut self, at: Instant) -> Vec<Heard> {
        let mut told = Vec::new();
        self.parser.silence(at.saturating_duration_since(self.epoch), &mut told);
        self.number(told, at)
    }

    fn number(&mut self, told: Vec<Told>, at: Instant) -> Vec<Heard> {
        let typed = told.iter().any(|told| matches!(told, Told::Key(_) | Told::Paste(_)));
        let at_once = self.last.is_some_and(|last| at.saturating_duration_since(last) < AT_ONCE);
        // An answer of the terminal is no read of its own.
        if typed {
            self.reads += 1;
            self.last = Some(at);
        }
        self.typed.0.store(self.reads, Ordering::SeqCst);
        told.into_iter().map(|told| Heard { told, read: self.reads, at_once, at }).collect()
    }
}

/// Reads standard input, which is a terminal, until it ends or nobody listens.
///
/// # Errors
/// When no thread can be started.
pub fn spawn(tx: UnboundedSender<Heard>, line: Line, typed: Typed) -> io::Result<()> {
    // Unbuffered: what is not read yet belongs to whoever reads next.
    let terminal = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A paste that nobody takes waits in the terminal, not here.
    let (pieces, received) = sync_channel(16);
    std::thread::Builder::new().name("tty".into()).spawn(move || read(terminal, &pieces))?;
    std::thread::Builder::new()
        .name("keys".into())
        .spawn(move || understand(&received, &tx, &line, typed))?;
    Ok(())
}

fn read(mut terminal: File, pieces: &SyncSender<(Instant, Vec<u8>)>) {
    let mut bytes = [0; 4_096];
    loop {
        let count = match terminal.read(&mut bytes) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        if pieces.send((tokio::time::Instant::now().into_std(), bytes[..count].to_vec())).is_err() {
            return;
        }
    }
}

fn understand(pieces: &Receiver<(Instant, Vec<u8>)>, tx: &UnboundedSender<Heard>, line: &Line, typed: Typed) {
    let mut ears = Ears::new(tokio::time::Instant::now().into_std(), typed);
    loop {
        let piece = match ears.patience(line) {
            None => pieces.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(patience) => pieces.recv_timeout(patience),
        };
        let heard = match piece {
            Ok((at, bytes)) => ears.hear(&bytes, at),
            Err(RecvTimeoutError::Timeout) => ears.silence(tokio::time::Instant::now().into_std()),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for heard in heard {
            if tx.send(heard).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any moment will do to count from")]
mod tests {
    use super::*;

    #[test]
    fn what_comes_together_is_one_read_and_a_hand_is_many() {
        let (begin, typed) = (Instant::now(), Typed::default());
        let mut ears = Ears::new(begin, typed.clone());
        let mut hear = |bytes: &[u8], millis: u64| -> Vec<(u64, bool)> {
            let heard = ears.hear(bytes, begin + Duration::from_millis(millis));
            heard.into_iter().map(|heard| (heard.read, heard.at_once)).collect()
        };
        assert_eq!(hear(b"abc", 0), [(1, false); 3], "a burst");
        assert_eq!(hear(b"d", 5), [(2, true)], "a read of its own, and no hand is so fast");
        assert_eq!(hear(b"\x1b[0n", 60), [(2, false)], "an answer of the terminal");
        assert_eq!(hear(b"e", 61), [(3, false)], "which is not what came before a key");
        assert_eq!(typed.last(), 3);
    }

    #[test]
    fn an_escape_is_waited_for_as_long_as_the_line_is_slow() {
        let line = Line::default();
        assert_eq!(line.escape().as_millis(), 150);
        for (trip, wait) in [(1, 50), (40, 150), (150, 350), (900, 500)] {
            line.learn(Duration::from_millis(trip));
            assert_eq!(line.escape().as_millis(), wait, "{trip}");
        }
    }
}
