//! A program in a pseudo-terminal, at the other end of a line of a given rate and delay. The terminal answers what
//! xterm would be asked: status, attributes, modes. Whatever is said, in either direction, takes the line's time.
//!
//! ```text
//! program -> pty -> reader -> FIFO (1 MiB, rate) -> delay -> screen -> answers -> delay -> pty -> program
//! ```

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::process::Process;

/// What sshd and TCP hold back; beyond it the program's writes wait.
const BUFFERS: usize = 1 << 20;
/// Bytes that travel together.
const PACKET: usize = 512;

/// A line between program and terminal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line {
    /// Bytes a second from program to terminal; none: as fast as it goes.
    pub rate: Option<f64>,
    /// One way.
    pub delay: Duration,
}

/// The terminal's side of what it is asked.
#[derive(Default)]
pub struct Answers(Vec<u8>);

impl vt100::Callbacks for Answers {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        i1: Option<u8>,
        i2: Option<u8>,
        params: &[&[u16]],
        c: char,
    ) {
        let first = params.first().and_then(|p| p.first()).copied().unwrap_or(0);
        match (i1, i2, c) {
            (None, None, 'n') if first == 5 => self.0.extend_from_slice(b"\x1b[0n"),
            (None, None, 'n') if first == 6 => {
                let (row, column) = screen.cursor_position();
                self.0.extend_from_slice(format!("\x1b[{};{}R", row + 1, column + 1).as_bytes());
            }
            (None, None, 'c') => self.0.extend_from_slice(b"\x1b[?64;1;2;6;9;15;18;21;22c"),
            // Synchronized output is known and off; nothing else is.
            (Some(b'?'), Some(b'$'), 'p') => {
                let known = if first == 2026 { 2 } else { 0 };
                self.0.extend_from_slice(format!("\x1b[?{first};{known}$y").as_bytes());
            }
            _ => {}
        }
    }
}

type Wanted = Box<dyn FnMut(&vt100::Screen) -> bool + Send>;

struct Seen {
    parser: vt100::Parser<Answers>,
    bytes: u64,
    wanted: Option<Wanted>,
    hit: Option<Instant>,
    ended: bool,
}

#[derive(Default)]
struct Queue {
    packets: VecDeque<(Instant, Vec<u8>)>,
    waiting: usize,
    most: usize,
    ended: bool,
}

/// A running program.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    up: Sender<(Instant, Vec<u8>)>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    queue: Arc<(Mutex<Queue>, Condvar)>,
    delay: Duration,
    /// When it was started.
    pub begun: Instant,
}

/// What is started.
pub struct Start<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment beside the terminal's own.
    pub environment: Vec<(String, String)>,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The line to it.
    pub line: Line,
    /// What is waited for from the first byte on.
    pub wanted: Option<Wanted>,
}

impl Terminal {
    /// Starts a program.
    pub fn start(start: Start<'_>) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", start.program.display());
        let (columns, rows) = start.size;
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).map_err(|e| failed(&e))?;
        let mut command = CommandBuilder::new(start.program);
        command.args(&start.arguments);
        command.env("TERM", "xterm-256color");
        for name in ["COLORTERM", "NO_COLOR", "KUBECONFIG", "HTTP_PROXY", "http_proxy", "TMUX", "STY"] {
            command.env_remove(name);
        }
        for (name, value) in &start.environment {
            command.env(name, value);
        }
        let mut reader = pair.master.try_clone_reader().map_err(|e| failed(&e))?;
        let keys = pair.master.take_writer().map_err(|e| failed(&e))?;
        let size = std::num::NonZeroU16::new(rows).zip(std::num::NonZeroU16::new(columns));
        let (rows, columns) = size.ok_or("a screen has a size")?;
        let seen = Arc::new((
            Mutex::new(Seen {
                parser: vt100::Parser::new_with_callbacks(rows, columns, 0, Answers::default()),
                bytes: 0,
                wanted: start.wanted,
                hit: None,
                ended: false,
            }),
            Condvar::new(),
        ));
        let queue = Arc::new((Mutex::new(Queue::default()), Condvar::new()));
        let (up, said) = channel();
        std::thread::spawn(move || speak(keys, &said));
        let (into, line) = (Arc::clone(&queue), start.line);
        std::thread::spawn(move || {
            let mut bytes = [0_u8; 65_536];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                enqueue(&into, &bytes[..read], line);
            }
            lock(&into.0).ended = true;
            into.1.notify_all();
        });
        let (from, to, answers) = (Arc::clone(&queue), Arc::clone(&seen), up.clone());
        std::thread::spawn(move || deliver(&from, &to, &answers, line));
        let begun = Instant::now();
        let child =
            pair.slave.spawn_command(command).map_err(|e| format!("{}: {e}", start.program.display()))?;
        drop(pair.slave);
        Ok(Self { child, _master: pair.master, up, seen, queue, delay: line.delay, begun })
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.process_id().unwrap_or(0))
    }

    /// Presses keys; they take the line's time. When they were pressed.
    pub fn press(&self, keys: &str) -> Instant {
        let now = Instant::now();
        let _ = self.up.send((now + self.delay, keys.as_bytes().to_vec()));
        now
    }

    /// From now on `wanted` is looked for after each packet.
    pub fn want(&self, wanted: impl FnMut(&vt100::Screen) -> bool + Send + 'static) {
        let mut seen = lock(&self.seen.0);
        seen.hit = None;
        seen.wanted = Some(Box::new(wanted));
    }

    /// When what is wanted was first on the screen.
    pub fn wait(&self, what: &str, patience: Duration) -> Result<Instant, String> {
        let begun = Instant::now();
        let mut seen = lock(&self.seen.0);
        loop {
            if let Some(hit) = seen.hit {
                return Ok(hit);
            }
            let left = patience.checked_sub(begun.elapsed()).filter(|_| !seen.ended);
            let Some(left) = left else {
                let ended = if seen.ended { "it ended before" } else { "it never showed" };
                return Err(format!("{ended}: {what}\n{}", seen.parser.screen().contents()));
            };
            seen = self.seen.1.wait_timeout(seen, left).unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }

    /// Waits until the screen has this text, which it may have already.
    pub fn wait_text(&self, text: &str, patience: Duration) -> Result<Instant, String> {
        let mut seen = lock(&self.seen.0);
        if seen.parser.screen().contents().contains(text) {
            return Ok(Instant::now());
        }
        let wanted = text.to_owned();
        seen.hit = None;
        seen.wanted = Some(Box::new(move |screen| screen.contents().contains(&wanted)));
        drop(seen);
        self.wait(text, patience)
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        lock(&self.seen.0).parser.screen().contents()
    }

    /// Bytes that have reached the terminal.
    pub fn bytes(&self) -> u64 {
        lock(&self.seen.0).bytes
    }

    /// The most bytes that have waited for the line since the last time that this was asked.
    pub fn take_backlog(&self) -> usize {
        std::mem::take(&mut lock(&self.queue.0).most)
    }

    /// Presses keys that leave it and waits for its end; one that does not end is killed.
    pub fn leave(mut self, keys: &str, patience: Duration) {
        self.press(keys);
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if self.child.try_wait().ok().flatten().is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn enqueue((queue, changed): &(Mutex<Queue>, Condvar), bytes: &[u8], line: Line) {
    let mut queue = lock(queue);
    while line.rate.is_some() && queue.waiting + bytes.len() > BUFFERS {
        queue = changed.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
    let now = Instant::now();
    let packet = if line.rate.is_some() { PACKET } else { usize::MAX };
    for packet in bytes.chunks(packet) {
        queue.packets.push_back((now, packet.to_vec()));
    }
    queue.waiting += bytes.len();
    queue.most = queue.most.max(queue.waiting);
    changed.notify_all();
}

/// Hands packets to the screen when they have arrived.
fn deliver(
    from: &(Mutex<Queue>, Condvar),
    to: &(Mutex<Seen>, Condvar),
    up: &Sender<(Instant, Vec<u8>)>,
    line: Line,
) {
    let mut free = Instant::now();
    let mut travelling: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    loop {
        let mut queue = lock(&from.0);
        let next = queue.packets.pop_front();
        if next.is_none() && travelling.is_empty() {
            if queue.ended {
                break;
            }
            drop(from.1.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner));
            continue;
        }
        drop(queue);
        if let Some((came, packet)) = next {
            if let Some(rate) = line.rate {
                free = free.max(came) + Duration::from_secs_f64(packet.len() as f64 / rate);
                arrive(&mut travelling, to, up, line, Some(free));
            } else {
                free = came;
            }
            // Until its last byte is on the line it waits.
            let mut queue = lock(&from.0);
            queue.waiting -= packet.len();
            from.1.notify_all();
            drop(queue);
            travelling.push_back((free + line.delay, packet));
        }
        let until = if line.delay.is_zero() { None } else { Some(Instant::now()) };
        arrive(&mut travelling, to, up, line, until);
        if !travelling.is_empty() {
            let queue = lock(&from.0);
            if queue.packets.is_empty() {
                let left = travelling[0].0.saturating_duration_since(Instant::now());
                drop(from.1.wait_timeout(queue, left));
            }
        }
    }
    lock(&to.0).ended = true;
    to.1.notify_all();
}

/// Shows what has arrived until `until`, waiting for it; without it, all.
fn arrive(
    travelling: &mut VecDeque<(Instant, Vec<u8>)>,
    to: &(Mutex<Seen>, Condvar),
    up: &Sender<(Instant, Vec<u8>)>,
    line: Line,
    until: Option<Instant>,
) {
    while travelling.front().is_some_and(|(at, _)| until.is_none_or(|until| *at <= until)) {
        let Some((at, packet)) = travelling.pop_front() else { break };
        sleep_until(at);
        let mut seen = lock(&to.0);
        let seen = &mut *seen;
        seen.parser.process(&packet);
        seen.bytes += packet.len() as u64;
        let answers = std::mem::take(&mut seen.parser.callbacks_mut().0);
        if !answers.is_empty() {
            let _ = up.send((Instant::now() + line.delay, answers));
        }
        if seen.hit.is_none()
            && let Some(wanted) = &mut seen.wanted
            && wanted(seen.parser.screen())
        {
            seen.hit = Some(Instant::now());
            seen.wanted = None;
        }
        to.1.notify_all();
    }
    if let Some(until) = until {
        sleep_until(until);
    }
}

fn sleep_until(at: Instant) {
    let left = at.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        std::thread::sleep(left);
    }
}

/// Keys and answers, each when it has arrived.
fn speak(mut keys: Box<dyn std::io::Write + Send>, said: &Receiver<(Instant, Vec<u8>)>) {
    while let Ok((at, bytes)) = said.recv() {
        sleep_until(at);
        if keys.write_all(&bytes).and_then(|()| keys.flush()).is_err() {
            return;
        }
    }
}
