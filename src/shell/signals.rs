//! The signals that end, suspend, resume and resize the program, as input of the loop; and the watch over the loop itself: one
//! that a dead terminal holds fast is left after a while.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use super::tty;

/// A loop that was asked to end and does not move for this long stands in a write. Much longer than any turn of it,
/// and than what is done after it.
const STUCK: Duration = Duration::from_secs(10);

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asked {
    /// To end.
    End,
    /// To let the shell have the terminal.
    Suspend,
    /// To go on.
    Resume,
    /// To draw for another size of the terminal.
    Resize,
}

/// Counts turns of the loop.
#[derive(Clone, Default)]
pub struct Beat(Arc<AtomicU64>);

impl Beat {
    /// A turn.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The signals, heard from now on.
pub struct Signals {
    ends: [Signal; 4],
    suspend: Signal,
    resume: Signal,
    resize: Signal,
}

impl Signals {
    /// Takes the signals over.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            ends: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::quit())?,
            ],
            suspend: signal(SignalKind::from_raw(libc::SIGTSTP))?,
            resume: signal(SignalKind::from_raw(libc::SIGCONT))?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    async fn next(&mut self) -> Asked {
        let [term, hup, int, quit] = &mut self.ends;
        tokio::select! {
            biased;
            _ = term.recv() => Asked::End,
            _ = hup.recv() => Asked::End,
            _ = int.recv() => Asked::End,
            _ = quit.recv() => Asked::End,
            _ = self.suspend.recv() => Asked::Suspend,
            _ = self.resume.recv() => Asked::Resume,
            _ = self.resize.recv() => Asked::Resize,
        }
    }

    /// Tells `tx` what is asked for. After the first wish to end, a loop whose `beat` stands still is left.
    pub async fn tell(mut self, tx: UnboundedSender<Asked>, beat: Beat) {
        loop {
            let asked = self.next().await;
            if tx.send(asked).is_err() {
                return;
            }
            if asked == Asked::End {
                break;
            }
        }
        loop {
            let before = beat.count();
            tokio::time::sleep(STUCK).await;
            if beat.count() == before {
                tty::abandon();
            }
        }
    }
}

/// Stops this process until somebody continues it. True when it was stopped.
pub fn stop() -> bool {
    use rustix::process::{Signal, getpid, kill_process};
    kill_process(getpid(), Signal::STOP).is_ok()
}
