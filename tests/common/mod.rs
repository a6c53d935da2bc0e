//! The real binary in a real pseudo-terminal: keys in, the screen as a person sees it out. Everything waits on text;
//! the longest wait is a bound against hanging, never a measure.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::disallowed_methods, reason = "a bound against hanging is real time")]

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// No wait is longer; a machine under load is slow, not stuck.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the terminal answers when it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answers {
    /// Everything; frames are held together.
    All,
    /// Everything, but that it does not know how to hold frames together.
    NoSync,
    /// Nothing.
    None,
    /// Everything, as a terminal does that takes UTF-8 for Latin-1.
    Latin1,
}

/// The terminal's side of a question.
struct Terminal {
    answers: Answers,
    keys: Keys,
}

type Keys = Arc<Mutex<Option<Box<dyn std::io::Write + Send>>>>;

impl vt100::Callbacks for Terminal {
    fn unhandled_csi(
        &mut self,
        screen: &mut vt100::Screen,
        first: Option<u8>,
        second: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        let number = params.first().and_then(|p| p.first()).copied();
        let answer = match (first, second, number, last) {
            (None, None, Some(5), 'n') => "\x1b[0n".to_owned(),
            (None, None, Some(6), 'n') => {
                let (row, column) = screen.cursor_position();
                let wide = if self.answers == Answers::Latin1 { 2 } else { 0 };
                format!("\x1b[{};{}R", row + 1, column + 1 + wide)
            }
            (None, None, _, 'c') => "\x1b[?64;1;2c".to_owned(),
            (Some(b'?'), Some(b'$'), Some(mode), 'p') => {
                let known = u8::from(mode == 2026 && self.answers == Answers::All) * 2;
                format!("\x1b[?{mode};{known}$y")
            }
            _ => return,
        };
        if self.answers != Answers::None
            && let Some(keys) = self.keys.lock().expect("lock").as_mut()
        {
            let _ = keys.write_all(answer.as_bytes());
        }
    }
}

/// A running program.
pub struct Screen {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Keys,
    seen: Arc<Mutex<Seen>>,
    deaf: Arc<AtomicBool>,
    closed: Arc<AtomicBool>,
    /// Modes of the terminal before the start.
    modes: String,
    /// State folder, if the test gave none.
    pub folder: Arc<tempfile::TempDir>,
}

struct Seen {
    parser: vt100::Parser<Terminal>,
    raw: Vec<u8>,
    /// Reads in which something came: a frame is one write.
    reads: usize,
    ended: bool,
}

impl Screen {
    /// Starts `goaround ARGUMENTS` on a screen of this size, with a state folder of its own.
    pub fn start(columns: u16, rows: u16, arguments: &[&str]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::start_in(columns, rows, arguments, folder, &[])
    }

    /// The same with a given folder and environment.
    pub fn start_in(
        columns: u16,
        rows: u16,
        arguments: &[&str],
        folder: Arc<tempfile::TempDir>,
        environment: &[(&str, &str)],
    ) -> Self {
        Self::start_before(columns, rows, arguments, folder, environment, Answers::All)
    }

    /// The same on a terminal that answers so.
    pub fn start_before(
        columns: u16,
        rows: u16,
        arguments: &[&str],
        folder: Arc<tempfile::TempDir>,
        environment: &[(&str, &str)],
        answers: Answers,
    ) -> Self {
        let program = env!("CARGO_BIN_EXE_goaround");
        Self::start_other(program, columns, rows, arguments, folder, environment, answers)
    }

    /// The same with another program in between.
    pub fn start_other(
        program: &str,
        columns: u16,
        rows: u16,
        arguments: &[&str],
        folder: Arc<tempfile::TempDir>,
        environment: &[(&str, &str)],
        answers: Answers,
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("GOAROUND_STATE_DIR", folder.path().join("state"));
        command.env("GOAROUND_CONFIG_DIR", folder.path().join("config"));
        command.env("HOME", folder.path());
        // The embedded world's own state folder is below it, and goes with the test.
        command.env("TMPDIR", folder.path());
        for name in ["KUBECONFIG", "GOAROUND_DEBUG_PANIC", "RUST_BACKTRACE", "HTTP_PROXY", "http_proxy"] {
            command.env_remove(name);
        }
        command.env_remove("NO_COLOR");
        // What this machine's locale says must not decide what is drawn.
        command.env("LANG", "C.UTF-8");
        command.env_remove("LC_ALL");
        command.env_remove("LC_CTYPE");
        for (name, value) in environment {
            command.env(name, value);
        }
        let modes = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).expect("the binary starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let keys: Keys = Arc::new(Mutex::new(Some(pair.master.take_writer().expect("a writer"))));
        let columns_rows = (std::num::NonZeroU16::new(rows), std::num::NonZeroU16::new(columns));
        let (Some(rows), Some(columns)) = columns_rows else { panic!("a screen has a size") };
        let seen = Arc::new(Mutex::new(Seen {
            parser: vt100::Parser::new_with_callbacks(
                rows,
                columns,
                0,
                Terminal { answers, keys: Arc::clone(&keys) },
            ),
            raw: Vec::new(),
            reads: 0,
            ended: false,
        }));
        let writer = Arc::clone(&seen);
        let deaf = Arc::new(AtomicBool::new(false));
        let paused = Arc::clone(&deaf);
        let closed = Arc::new(AtomicBool::new(false));
        let hung = Arc::clone(&closed);
        std::thread::spawn(move || {
            let mut bytes = [0_u8; 65_536];
            loop {
                while paused.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                let read = reader.read(&mut bytes).unwrap_or(0);
                if hung.load(Ordering::SeqCst) {
                    writer.lock().expect("lock").ended = true;
                    return;
                }
                let mut seen = writer.lock().expect("lock");
                if read == 0 {
                    seen.ended = true;
                    return;
                }
                seen.raw.extend_from_slice(&bytes[..read]);
                seen.reads += 1;
                seen.parser.process(&bytes[..read]);
            }
        });
        Self { child, master: Some(pair.master), keys, seen, deaf, closed, modes, folder }
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        self.seen.lock().expect("lock").parser.screen().contents()
    }

    /// Bytes, and reads in which they came.
    pub fn written(&self) -> (usize, usize) {
        let seen = self.seen.lock().expect("lock");
        (seen.raw.len(), seen.reads)
    }

    /// Everything that was ever written.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("lock").raw).into_owned()
    }

    /// Waits until the screen satisfies `wanted`; shows it when it never does.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let ended = self.seen.lock().expect("lock").ended;
            let text = self.text();
            if wanted(&text) {
                return text;
            }
            assert!(!ended, "it ended before: {what}\n{text}");
            assert!(begun.elapsed() < PATIENCE, "never came: {what}\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until `text` is on the screen.
    pub fn wait(&self, text: &str) -> String {
        self.wait_for(text, |screen| screen.contains(text))
    }

    /// Waits until `text` is not on the screen any more.
    pub fn wait_gone(&self, text: &str) -> String {
        self.wait_for(&format!("no {text}"), |screen| !screen.contains(text))
    }

    /// Presses keys as they are, in one write.
    pub fn press(&mut self, keys: &str) {
        let mut open = self.keys.lock().expect("lock");
        let out = open.as_mut().expect("an open terminal");
        out.write_all(keys.as_bytes()).expect("keys");
        out.flush().expect("keys");
    }

    /// The same in front of a program that may be gone.
    pub fn try_press(&mut self, keys: &str) {
        if let Some(out) = self.keys.lock().expect("lock").as_mut() {
            let _ = out.write_all(keys.as_bytes()).and_then(|()| out.flush());
        }
    }

    /// Nobody writes to the terminal any more.
    pub fn ended(&self) -> bool {
        self.seen.lock().expect("lock").ended
    }

    /// Types like a hand: one key after the other.
    pub fn type_slowly(&mut self, text: &str) {
        for c in text.chars() {
            self.press(&c.to_string());
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// Types a token like a hand that looks for each key: what comes closer together was not typed one by one.
    pub fn type_by_hand(&mut self, token: &str) {
        for c in token.chars() {
            self.press(&c.to_string());
            std::thread::sleep(Duration::from_millis(120));
        }
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let columns_rows = (std::num::NonZeroU16::new(rows), std::num::NonZeroU16::new(columns));
        let (Some(rows), Some(columns)) = columns_rows else { panic!("a screen has a size") };
        // Nothing that is drawn for the new size is read before the screen has it.
        let mut seen = self.seen.lock().expect("lock");
        seen.parser.screen_mut().set_size(rows, columns);
        self.master.as_ref().expect("an open terminal").resize(size).expect("resize");
    }

    /// Stops reading what the program writes, until [`Screen::end`] reads it.
    pub fn be_deaf(&self) {
        self.deaf.store(true, Ordering::SeqCst);
    }

    /// Closes the terminal, as a lost line does.
    pub fn hang_up(&mut self) {
        *self.keys.lock().expect("lock") = None;
        self.master = None;
        // The reader holds the last end; the clock of the next frame lets it go.
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Process id.
    pub fn process(&self) -> u32 {
        self.child.process_id().expect("a process")
    }

    /// Sends a signal by name, as `kill` knows it.
    pub fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .args([format!("-{name}"), self.process().to_string()])
            .status()
            .expect("kill");
        assert!(status.success());
    }

    /// Waits until the process is in this state, as `ps` names it.
    pub fn wait_state(&self, wanted: &str) {
        let begun = Instant::now();
        loop {
            let output = std::process::Command::new("ps")
                .args(["-o", "state=", "-p", &self.process().to_string()])
                .output()
                .expect("ps");
            let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if state.starts_with(wanted) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "its state is {state:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end; gives the exit code.
    pub fn end(&mut self) -> u32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                // What it wrote last is read before anybody looks.
                self.deaf.store(false, Ordering::SeqCst);
                while !self.seen.lock().expect("lock").ended && begun.elapsed() < PATIENCE {
                    std::thread::sleep(Duration::from_millis(10));
                }
                return status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The terminal was given back: main screen, cursor visible, bracketed paste off, the modes it had before.
    pub fn assert_restored(&self) {
        let seen = self.seen.lock().expect("lock");
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen was left on");
        assert!(!screen.hide_cursor(), "the cursor was left hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste was left on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse was left on");
        // A terminal in its own mode echoes what nobody reads.
        assert!(!screen.contents().contains("^["), "an answer was typed into the shell");
        drop(seen);
        self.assert_cooked();
    }

    /// The modes of the terminal are what they were before the start.
    pub fn assert_cooked(&self) {
        assert!(self.modes.contains("ICANON") && self.modes.contains("ECHO"), "{}", self.modes);
        assert_eq!(
            modes(&**self.master.as_ref().expect("an open terminal")),
            self.modes,
            "raw mode was left on"
        );
    }
}

/// Modes of a terminal, in words.
fn modes(master: &(dyn MasterPty + Send)) -> String {
    master.get_termios().map_or_else(|| "unknown".into(), |modes| format!("{modes:?}"))
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.deaf.store(false, Ordering::SeqCst);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
