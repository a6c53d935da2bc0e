//! How light the program is: bytes, memory, processor time and requests, each beside its limit. Counts what repeats
//! exactly; what does not is processor time, a ratio within one run, or a median. Nothing is sent anywhere but to
//! loopback, and nothing is changed on a cluster but on the rig, which is thrown away.
//!
//! `cargo bench --bench light -- [--json] [--only NAME] [--without NAME] [--peers]`; exits with 1 where a hard limit is
//! passed.

#![allow(clippy::disallowed_methods, reason = "times of a running program are what is measured")]

#[path = "light/api.rs"]
mod api;
#[path = "light/bench.rs"]
mod bench;
#[path = "light/clock.rs"]
mod clock;
#[path = "light/cluster.rs"]
mod cluster;
#[path = "light/events.rs"]
mod events;
#[path = "light/figure.rs"]
mod figure;
#[path = "light/frames.rs"]
mod frames;
#[path = "light/heap.rs"]
mod heap;
#[path = "light/incident.rs"]
mod incident;
#[path = "light/metrics.rs"]
mod metrics;
#[path = "light/objects.rs"]
mod objects;
#[path = "light/painter.rs"]
mod painter;
#[path = "light/peers.rs"]
mod peers;
#[path = "light/process.rs"]
mod process;
#[path = "light/rest.rs"]
mod rest;
#[path = "../tests/common/rig.rs"]
mod rig;
#[path = "light/start.rs"]
mod start;
#[path = "light/tap.rs"]
mod tap;
#[path = "light/terminal.rs"]
mod terminal;
#[path = "light/windows.rs"]
mod windows;
#[path = "../tests/common/world.rs"]
mod world;

use std::process::ExitCode;

use bench::{Bench, Measure, Outcome};
use figure::{Figure, Measured};

/// A measurement with the figures that it brings. Small memory first: a start is timed by a fork of this process.
struct Part {
    figures: &'static [&'static str],
    measure: Measure,
}

const PARTS: &[Part] = &[
    Part { figures: &["binary"], measure: start::binary },
    Part { figures: &["first-frame", "rss-rest"], measure: start::first_frame },
    Part { figures: &["first-data-20", "kubectl-20", "first-data-20-x"], measure: cluster::few },
    Part { figures: &["nothing-changed", "typical-second"], measure: frames::bytes },
    Part { figures: &["token"], measure: frames::token },
    Part { figures: &["incident"], measure: frames::incident },
    Part { figures: &["windows", "cycle-time"], measure: windows::evaluated },
    Part { figures: &["heap-pod", "event-time"], measure: heap::pods },
    Part { figures: &["proposal"], measure: incident::proposal },
    Part { figures: &["approval"], measure: incident::approval },
    Part { figures: &["frame-time", "frame-ratio"], measure: frames::time },
    Part { figures: &["idle-bytes", "idle-requests", "idle-renewals"], measure: rest::small },
    Part { figures: &["rss-pods", "rss-pods-peak", "idle-cpu-pods"], measure: rest::pods },
    Part { figures: &["idle-cpu-slos", "queries", "queries-at-once"], measure: rest::slos },
    Part { figures: &["cpu-events", "bytes-events"], measure: events::steady },
    Part { figures: &["key-to-paint", "backlog"], measure: events::key_to_paint },
    Part { figures: &["hour-growth"], measure: events::hour },
    Part { figures: &["first-data-3000", "kubectl-3000", "first-data-3000-x"], measure: cluster::many },
];

/// What fails is measured again so often, and the best counts.
const AGAIN: usize = 4;

/// What the command line says.
#[derive(Default)]
struct Arguments {
    json: bool,
    only: Option<String>,
    without: Option<String>,
    peers: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => arguments.json = true,
            "--peers" => arguments.peers = true,
            "--only" => arguments.only = Some(words.next().ok_or("--only wants the name of a figure")?),
            "--without" => {
                arguments.without = Some(words.next().ok_or("--without wants the name of a figure")?)
            }
            other => {
                let known = "--json, --only NAME, --without NAME and --peers";
                return Err(format!("{other} is not known; there are {known}"));
            }
        }
    }
    Ok(arguments)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("light: {why}");
            ExitCode::from(2)
        }
    }
}

/// True where every hard limit holds.
fn run() -> Result<bool, String> {
    let arguments = arguments()?;
    let bench = Bench::new()?;
    let (mut all, mut failed, mut not_run) = (Measured::default(), Vec::new(), Vec::new());
    for part in PARTS {
        let wanted = |name: &&&str| arguments.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
        if part.figures.iter().find(wanted).is_none() {
            continue;
        }
        if arguments.without.as_ref().is_some_and(|without| part.figures.contains(&without.as_str())) {
            not_run.push((part, "left out".to_owned()));
            continue;
        }
        match measured(&bench, part) {
            Ok(Outcome::Measured(measured)) => {
                for (figure, value) in measured.all() {
                    told(&arguments, figure, value);
                }
                all.extend(measured);
            }
            Ok(Outcome::NotRun(why)) => not_run.push((part, why)),
            Err(why) => failed.push((part, why)),
        }
    }
    if arguments.peers {
        peers::tell(&bench)?;
    }
    for (part, why) in &not_run {
        eprintln!("NOT RUN {}: {why}", part.figures.join(", "));
    }
    for (part, why) in &failed {
        eprintln!("FAILED {}: {why}", part.figures.join(", "));
    }
    let over: Vec<&str> = all.over().map(|figure| figure.name).collect();
    if !over.is_empty() {
        eprintln!("OVER its hard limit: {}", over.join(", "));
    }
    Ok(over.is_empty() && failed.is_empty())
}

/// One measurement; where a limit does not hold, the best of several.
fn measured(bench: &Bench, part: &Part) -> Result<Outcome, String> {
    let mut outcome = (part.measure)(bench)?;
    for _ in 0..AGAIN {
        let Outcome::Measured(measured) = &mut outcome else { break };
        if measured.over().next().is_none() {
            break;
        }
        if let Outcome::Measured(again) = (part.measure)(bench)? {
            measured.better(again);
        }
    }
    Ok(outcome)
}

fn told(arguments: &Arguments, figure: &Figure, value: f64) {
    let line = if arguments.json { figure.json(value) } else { figure.row(value) };
    println!("{line}");
}
