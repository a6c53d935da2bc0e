//! The thread that reads the terminal, and the one that makes sense of it. Events that came together belong to the same
//! read of the terminal, also when a slow line cut them in two: nothing that was pasted or sent passes for typing.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::parser::{Parser, Told, Wait};

/// What comes within this was not typed key by key.
const ONE_READ: Duration = Duration::from_millis(40);
/// What comes within this of the byte before it came together with it.
const TOGETHER: Duration = Duration::from_millis(1);
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
    /// When.
    pub at: Instant,
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

/// Reads standard input, which is a terminal, until it ends or nobody listens.
///
/// # Errors
/// When no thread can be started.
pub fn spawn(tx: UnboundedSender<Heard>, line: Line) -> io::Result<()> {
    // Unbuffered: what is not read yet belongs to whoever reads next.
    let terminal = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A paste that nobody takes waits in the terminal, not here.
    let (pieces, received) = sync_channel(16);
    std::thread::Builder::new().name("tty".into()).spawn(move || read(terminal, &pieces))?;
    std::thread::Builder::new().name("keys".into()).spawn(move || understand(&received, &tx, &line))?;
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

fn understand(pieces: &Receiver<(Instant, Vec<u8>)>, tx: &UnboundedSender<Heard>, line: &Line) {
    let (mut parser, mut reads) = (Parser::default(), Reads::default());
    let epoch = tokio::time::Instant::now().into_std();
    loop {
        let mut told = Vec::new();
        let at = match piece(pieces, parser.waits(), line) {
            Ok((at, bytes)) => {
                parser.feed(&bytes, at.saturating_duration_since(epoch), &mut told);
                at
            }
            Err(RecvTimeoutError::Timeout) => {
                let now = tokio::time::Instant::now().into_std();
                parser.silence(now.saturating_duration_since(epoch), &mut told);
                now
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let typed = told.iter().any(|told| matches!(told, Told::Key(_) | Told::Paste(_)));
        let read = reads.number(at, typed);
        for told in told {
            if tx.send(Heard { told, read, at }).is_err() {
                return;
            }
        }
    }
}

/// The next piece, or that a silence ends what `wait` says.
fn piece(
    pieces: &Receiver<(Instant, Vec<u8>)>,
    wait: Option<Wait>,
    line: &Line,
) -> Result<(Instant, Vec<u8>), RecvTimeoutError> {
    let patience = match wait {
        None => return pieces.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(Wait::Escape) => line.escape(),
        Some(Wait::Sequence) => SEQUENCE,
        Some(Wait::Paste) => PASTE,
    };
    pieces.recv_timeout(patience)
}

/// Counts reads of the terminal in which something was typed.
#[derive(Default)]
struct Reads {
    number: u64,
    began: Option<Instant>,
    last: Option<Instant>,
}

impl Reads {
    /// Number of the read at `at`, in which something was `typed` or not.
    fn number(&mut self, at: Instant, typed: bool) -> u64 {
        if !typed {
            return self.number;
        }
        let together = self.last.is_some_and(|last| at.saturating_duration_since(last) <= TOGETHER);
        let within = self.began.is_some_and(|began| at.saturating_duration_since(began) < ONE_READ);
        if !together && !within {
            self.began = Some(at);
            self.number += 1;
        }
        self.last = Some(at);
        self.number
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any moment will do to count from")]
mod tests {
    use super::*;

    #[test]
    fn what_comes_together_is_one_read_and_a_hand_is_many() {
        let begin = Instant::now();
        let mut reads = Reads::default();
        let mut at = |millis: u64, typed| reads.number(begin + Duration::from_millis(millis), typed);
        // An answer of the terminal is no read of its own, and does not make one of two keys.
        assert_eq!([at(0, true), at(1, true), at(39, true)], [1, 1, 1], "a burst");
        assert_eq!([at(60, false), at(80, true)], [1, 2], "the next key");
        assert_eq!([at(119, true), at(120, true), at(121, true)], [2, 2, 2], "a line cut it in two");
        assert_eq!(at(200, true), 3);
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
