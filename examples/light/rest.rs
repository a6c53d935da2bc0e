//! The cockpit while nothing happens: memory, processor time, bytes and requests.

use std::time::Duration;

use crate::bench::{Bench, Outcome, World};
use crate::figure::Measured;
use crate::objects::Size;
use crate::terminal::{Line, Terminal};

/// The large cluster.
pub const LARGE: Size = Size { deployments: 250, pods: 10_000, slos: 20 };
/// A small one.
pub const SMALL: Size = Size { deployments: 20, pods: 20, slos: 20 };
const SLOS: Size = Size { deployments: 1_000, pods: 3_000, slos: 1_000 };
/// Until what a start leaves behind is given back.
const CALM: Duration = Duration::from_secs(8);
/// What is idle is looked at for so long. More than two minutes would see every watch opened anew.
const LOOK: Duration = Duration::from_secs(30);

/// With 10,000 pods.
pub fn pods(bench: &Bench) -> Result<Outcome, String> {
    let world = bench.world(LARGE)?;
    let terminal = world.settled(bench, Line::default(), LARGE.slos)?;
    std::thread::sleep(CALM);
    let mut measured = Measured::default();
    let (_, percent) = idle(&terminal);
    measured.take("idle-cpu-pods", percent);
    let (resident, peak) = terminal.process().resident();
    measured.take("rss-pods", resident);
    measured.take("rss-pods-peak", peak);
    terminal.leave("q", CALM);
    Ok(Outcome::Measured(measured))
}

/// With 1,000 SLOs: the cycle is what costs.
pub fn slos(bench: &Bench) -> Result<Outcome, String> {
    let world = bench.world(SLOS)?;
    let terminal = world.settled(bench, Line::default(), SLOS.slos)?;
    std::thread::sleep(CALM);
    world.metrics.take_asked();
    let mut measured = Measured::default();
    let (_, percent) = idle(&terminal);
    measured.take("idle-cpu-slos", percent);
    let queries: u64 = world.metrics.take_asked().values().sum();
    measured.take("queries", (queries as f64 / (LOOK.as_secs_f64() / CYCLE)).ceil());
    measured.take("queries-at-once", world.metrics.most_at_once() as f64);
    terminal.leave("q", CALM);
    Ok(Outcome::Measured(measured))
}

/// Seconds from cycle to cycle.
const CYCLE: f64 = 5.0;

/// With a few pods: bytes of a second, requests of a minute.
pub fn small(bench: &Bench) -> Result<Outcome, String> {
    let world = bench.world(SMALL)?;
    let terminal = world.settled(bench, Line::default(), SMALL.slos)?;
    std::thread::sleep(CALM);
    world.api.take_asked();
    let mut measured = Measured::default();
    let (bytes, _) = idle(&terminal);
    measured.take("idle-bytes", bytes);
    let (renewals, others) = requests(&world);
    let a_minute = 60.0 / LOOK.as_secs_f64();
    measured.take("idle-renewals", renewals as f64 * a_minute);
    measured.take("idle-requests", others as f64 * a_minute);
    terminal.leave("q", CALM);
    Ok(Outcome::Measured(measured))
}

/// Bytes a second, and percent of a processor.
fn idle(terminal: &Terminal) -> (f64, f64) {
    let (cpu, bytes) = (terminal.process().cpu(), terminal.bytes());
    std::thread::sleep(LOOK);
    let spent = terminal.process().cpu().since(&cpu);
    let written = terminal.bytes() - bytes;
    (written as f64 / LOOK.as_secs_f64(), spent.as_secs_f64() / LOOK.as_secs_f64() * 100.0)
}

/// Watches that were opened, and all other requests.
fn requests(world: &World) -> (u64, u64) {
    let asked = world.api.take_asked();
    let (watches, others): (Vec<_>, Vec<_>) =
        asked.into_iter().partition(|(what, _)| what.ends_with(" watch"));
    let sum = |counts: Vec<(String, u64)>| counts.into_iter().map(|(_, count)| count).sum();
    (sum(watches), sum(others))
}
