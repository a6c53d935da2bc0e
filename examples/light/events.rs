//! The cockpit while 1,000 pods a second change: processor time, bytes, memory, and how soon a key is answered at the
//! end of a slow line.

use std::time::{Duration, Instant};

use crate::bench::{Bench, Outcome, PATIENCE};
use crate::figure::Measured;
use crate::rest::LARGE;
use crate::terminal::Line;

/// Changes a second.
const RATE: u64 = 1_000;
/// Until the stream runs as it stays.
const WARM: Duration = Duration::from_secs(4);
const LOOK: Duration = Duration::from_secs(15);
/// An hour of it.
const HOUR: u64 = RATE * 3_600;
const MINUTE: u64 = RATE * 60;
/// An hour must be over in this time.
const HOUR_PATIENCE: Duration = Duration::from_secs(600);
/// The slow line.
const SLOW: Line = Line { rate: Some(16_000.0), delay: Duration::from_millis(100) };
/// Keys that are timed.
const KEYS: usize = 40;
/// Between two keys.
const HAND: Duration = Duration::from_millis(350);

/// At 1,000 a second.
pub fn steady(bench: &Bench) -> Result<Outcome, String> {
    let world = bench.world(LARGE)?;
    let terminal = world.settled(bench, Line::default(), LARGE.slos)?;
    world.api.change(RATE);
    std::thread::sleep(WARM);
    let (cpu, bytes, sent, begun) =
        (terminal.process().cpu(), terminal.bytes(), world.api.sent(), Instant::now());
    std::thread::sleep(LOOK);
    let took = begun.elapsed().as_secs_f64();
    let spent = terminal.process().cpu().since(&cpu).as_secs_f64();
    let (written, sent) = (terminal.bytes() - bytes, (world.api.sent() - sent) as f64);
    world.api.change(0);
    if sent / took < 0.9 * RATE as f64 {
        return Err(format!("only {:.0} events a second were taken", sent / took));
    }
    let mut measured = Measured::default();
    // By the event: whatever else the machine does, it costs the same.
    measured.take("cpu-events", spent / sent * RATE as f64 * 100.0);
    measured.take("bytes-events", written as f64 / took);
    terminal.leave("q", PATIENCE);
    Ok(Outcome::Measured(measured))
}

/// An hour's events as fast as they are taken.
pub fn hour(bench: &Bench) -> Result<Outcome, String> {
    let world = bench.world(LARGE)?;
    let terminal = world.settled(bench, Line::default(), LARGE.slos)?;
    let begun = Instant::now();
    let taken = |changes: u64| -> Result<f64, String> {
        let until = world.api.sent() + changes;
        world.api.burst(changes);
        while world.api.sent() < until {
            if begun.elapsed() > HOUR_PATIENCE {
                return Err(format!("only {} events were taken", world.api.sent()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(terminal.process().resident().0)
    };
    let first = taken(MINUTE)?;
    let last = taken(HOUR - MINUTE)?;
    eprintln!(
        "3.6 million events in {:.0} s: {first:.1} MB, then {last:.1} MB",
        begun.elapsed().as_secs_f64()
    );
    let mut measured = Measured::default();
    measured.take("hour-growth", (last - first).max(0.0));
    terminal.leave("q", PATIENCE);
    Ok(Outcome::Measured(measured))
}

/// A key at the end of a slow line, while everything changes.
pub fn key_to_paint(bench: &Bench) -> Result<Outcome, String> {
    let world = bench.world(LARGE)?;
    let terminal = world.settled(bench, SLOW, LARGE.slos)?;
    world.api.change(RATE);
    std::thread::sleep(WARM);
    terminal.take_backlog();
    let mut times = Vec::new();
    for n in 0..KEYS {
        let before = selected(&terminal.text());
        terminal.want(move |screen| {
            let now = selected(&screen.contents());
            now.is_some() && now != before
        });
        let pressed = terminal.press(if n % 8 < 4 { "j" } else { "k" });
        let painted = terminal.wait("the next row selected", PATIENCE)?;
        times.push((painted - pressed).as_secs_f64());
        std::thread::sleep(HAND);
    }
    times.sort_by(f64::total_cmp);
    let backlog = terminal.take_backlog();
    let round_trip = 2.0 * SLOW.delay.as_secs_f64();
    let p99 = times[(times.len() * 99 / 100).min(times.len() - 1)];
    eprintln!("key to paint: median {:.0} ms, p99 {:.0} ms", times[times.len() / 2] * 1e3, p99 * 1e3);
    let mut measured = Measured::default();
    measured.take("key-to-paint", p99 / round_trip);
    measured.take("backlog", backlog as f64 / 1e3);
    terminal.leave("q", PATIENCE);
    Ok(Outcome::Measured(measured))
}

/// The row that is marked.
fn selected(text: &str) -> Option<String> {
    let row = text.lines().find(|line| line.starts_with('▌'))?;
    row.split_whitespace().next().map(str::to_owned)
}
