//! The terminal always comes back: signals, a line that drops, sizes that storm and panics, at random moments of a cockpit
//! in use, in a real pseudo-terminal. Whatever ends it, the modes of the terminal are those of before, the main screen is
//! there again, and the exit code is right. (What is on the record then is a matter of `tests/killed.rs`.)
//!
//! `GOAROUND_SIGNALS=N` takes N moments for each way, `GOAROUND_SIGNALS_SEED=N` begins with those of that seed.

#![expect(clippy::disallowed_methods, reason = "how many moments is asked of the environment")]

#[path = "simulation/chance.rs"]
#[allow(dead_code, reason = "the simulator uses the rest")]
mod chance;
mod common;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chance::Chance;
use common::Screen;

/// Cockpits at the same time.
const AT_ONCE: usize = 4;
/// The longest time to a moment: the program has started, burns, and shows its card by then.
const LATEST: usize = 4_000;
/// What a person does meanwhile: pages, card, filter, palette, help, an answer begun and dropped; nothing that leaves.
const KEYS: [&str; 16] = [
    "?", "\x1b", "\t", "g", "d", "l", "/", "ap", ":", "co", "\x1b[A", "\x1b[B", "\x1b[6~", "a", "\r",
    "\x1b[I",
];

/// How it is ended, or disturbed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Hangup,
    Terminate,
    Interrupt,
    Quit,
    /// Nobody reads a pipe: no reason to end.
    Pipe,
    /// Stopped, looked at, continued, and left by a key.
    Suspend,
    /// Stopped, ended by a signal while it sleeps, continued.
    EndAsleep,
    /// Many sizes at once, and a signal in the midst of them.
    Resize,
    /// A dropped line: no terminal any more, and a hang-up.
    Drop,
    /// A panic in a frame or in a task.
    Panic,
}

const WAYS: [Way; 10] = [
    Way::Hangup,
    Way::Terminate,
    Way::Interrupt,
    Way::Quit,
    Way::Pipe,
    Way::Suspend,
    Way::EndAsleep,
    Way::Resize,
    Way::Drop,
    Way::Panic,
];

fn number(name: &str, usual: u64) -> u64 {
    let told = std::env::var(name).ok();
    told.map_or(usual, |told| told.parse().unwrap_or_else(|_| panic!("{name}={told} is not a number")))
}

#[test]
fn whatever_ends_it_at_whatever_moment_the_terminal_is_as_it_was_before() {
    let (moments, seed) = (number("GOAROUND_SIGNALS", 2), number("GOAROUND_SIGNALS_SEED", 1));
    let all = (seed..seed + moments).flat_map(|seed| WAYS.map(|way| (way, seed)));
    let (left, wrong) = (Mutex::new(all.collect::<VecDeque<_>>()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("lock").pop_front();
                    let Some((way, seed)) = next else { return };
                    if std::panic::catch_unwind(|| comes_back(way, seed)).is_err() {
                        wrong.lock().expect("lock").push(format!("{way:?}, GOAROUND_SIGNALS_SEED={seed}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("lock");
    println!("{} ways, {moments} moments each", WAYS.len());
    assert!(wrong.is_empty(), "the terminal was not given back:\n{}", wrong.join("\n"));
}

/// One cockpit, used until a random moment and then disturbed.
fn comes_back(way: Way, seed: u64) {
    let mut chance = Chance::new(seed * WAYS.len() as u64 + way as u64);
    let place = if chance.percent(50) { "draw" } else { "task" };
    let number = if place == "draw" { chance.below(20) } else { chance.below(LATEST) };
    let panic = format!("{place}:{number}");
    let environment = [("GOAROUND_DEBUG_PANIC", panic.as_str())];
    let environment = if way == Way::Panic { &environment[..] } else { &[] };
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let size = if chance.percent(50) { (80, 24) } else { (120, 40) };
    let arguments = ["demo", "slo-burn", "--speed", "30"];
    let mut screen = Screen::start_in(size.0, size.1, &arguments, folder, environment);
    use_it(&mut screen, &mut chance, way != Way::Panic);
    disturb(way, &mut screen, &mut chance);
    let code = screen.end();
    if way != Way::Drop {
        screen.assert_restored();
        // Before it has taken the terminal a signal ends it as it ends any program.
        let right = if way == Way::Panic { 101 } else { 0 };
        assert!(code == right || !taken(&screen), "{way:?}: exit code {code}\n{}", screen.text());
    }
}

/// The screen was the program's at some time.
fn taken(screen: &Screen) -> bool {
    screen.raw().contains("\x1b[?1049h")
}

/// Waits for the first frame: from then on it hears signals itself.
fn begun(screen: &Screen) {
    screen.wait_for("the first frame", |text| text.contains("PROD"));
}

/// Presses keys until a random moment. Where it is not `calm`, it may end by itself meanwhile.
fn use_it(screen: &mut Screen, chance: &mut Chance, calm: bool) {
    let mut left = chance.below(LATEST);
    while left > 0 && !screen.ended() {
        let step = left.min(20 + chance.below(300));
        std::thread::sleep(Duration::from_millis(step as u64));
        left -= step;
        let key = KEYS[chance.below(KEYS.len())];
        // What comes after an end that nobody announces is echoed by the terminal, and is no answer of ours.
        if taken(screen) && (calm || !key.contains('\x1b')) {
            screen.try_press(key);
        }
    }
}

fn disturb(way: Way, screen: &mut Screen, chance: &mut Chance) {
    match way {
        Way::Hangup => screen.signal("HUP"),
        Way::Terminate => screen.signal("TERM"),
        Way::Interrupt => screen.signal("INT"),
        Way::Quit => screen.signal("QUIT"),
        Way::Pipe => {
            begun(screen);
            screen.signal("PIPE");
            use_it(screen, chance, true);
            screen.press("\x03");
        }
        Way::Suspend | Way::EndAsleep => {
            // A group without a shell is not stopped by the system, only by itself.
            begun(screen);
            screen.signal("TSTP");
            screen.wait_state("T");
            screen.assert_cooked();
            // What it wrote last may still be on its way to us.
            screen.wait_gone("PROD");
            if way == Way::EndAsleep {
                screen.signal("TERM");
                screen.signal("CONT");
                return;
            }
            screen.signal("CONT");
            // Until it has the terminal again, that is the shell's, which echoes.
            begun(screen);
            use_it(screen, chance, true);
            screen.press("\x03");
        }
        Way::Resize => {
            begun(screen);
            for n in 0..30 {
                let (columns, rows) = (1 + chance.below(200), 1 + chance.below(60));
                screen.resize(columns as u16, rows as u16);
                if n == 20 {
                    screen.signal("TERM");
                }
            }
        }
        Way::Drop => screen.hang_up(),
        Way::Panic => {}
    }
}
