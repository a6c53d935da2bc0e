//! The core under fire: two or three operators, an adversary, disks, networks and clocks that fail, all from one seed.
//! Every promise is looked at after every step; a run that breaks one is told by its seed and its shortest script.
//! The same runs must find every broken design of `goaround::sabotage`, or they would prove nothing.
//!
//! `GOAROUND_SIM_RUNS=N cargo test --release --test simulation -- --nocapture` runs any number from
//! `GOAROUND_SIM_SEED` on. The last line is JSON: runs, how often each fault struck, violations, the first such seed.
//! Words that are no option choose tests by a part of their names, as with the harness of the library.

#[path = "simulation/chance.rs"]
mod chance;
#[path = "simulation/fault.rs"]
mod fault;
#[path = "simulation/judge.rs"]
mod judge;
#[path = "simulation/run.rs"]
mod run;
#[path = "simulation/script.rs"]
mod script;
#[path = "simulation/server.rs"]
mod server;
#[path = "common/story.rs"]
mod story;

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use fault::{FAULTS, Fault};
use goaround::sabotage::{self, Design};
use serde_json::json;

/// Runs of every `cargo test`.
const RUNS: u64 = 5_000;
/// Within so many runs every broken design must be found.
const ENOUGH: u64 = 3_000;

#[expect(clippy::disallowed_methods, reason = "how many runs is the caller's choice")]
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What many runs came to.
#[derive(Default)]
struct Tally {
    runs: u64,
    struck: BTreeMap<Fault, u64>,
    sent: u64,
    done: u64,
    helped: u64,
    violations: u64,
    first: Option<(u64, String)>,
}

/// Runs seeds on two threads; `broken`: stops at the first violation.
fn runs(from: u64, count: u64, broken: Option<Design>) -> Tally {
    let next = AtomicU64::new(from);
    let tally = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                sabotage::choose(broken);
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        break;
                    }
                    let ended = catch_unwind(|| script::by_seed(seed));
                    let ended = ended.unwrap_or_else(|_| script::Ended::panicked());
                    let mut tally = tally.lock().expect("lock");
                    tally.runs += 1;
                    for (fault, times) in ended.struck {
                        *tally.struck.entry(fault).or_default() += times;
                    }
                    tally.sent += ended.sent;
                    tally.done += ended.done;
                    tally.helped += ended.helped;
                    if let Some(why) = ended.broken {
                        tally.violations += 1;
                        if tally.first.as_ref().is_none_or(|(first, _)| seed < *first) {
                            tally.first = Some((seed, why));
                        }
                        if broken.is_some() {
                            next.fetch_add(count, Ordering::Relaxed);
                        }
                    }
                }
                sabotage::choose(None);
            });
        }
    });
    tally.into_inner().expect("lock")
}

fn no_promise_is_broken_whatever_goes_wrong() {
    let count = number("GOAROUND_SIM_RUNS", RUNS);
    let tally = runs(number("GOAROUND_SIM_SEED", 1), count, None);
    if let Some((seed, why)) = &tally.first {
        let (moves, why) = script::shortest(*seed).unwrap_or((Vec::new(), why.clone()));
        println!("seed {seed}: {why}");
        for (n, step) in moves.iter().enumerate() {
            println!("{n:3} {step:?}");
        }
    }
    println!("{} sent, {} calls done, {} helped", tally.sent, tally.done, tally.helped);
    let faults: serde_json::Map<String, serde_json::Value> = FAULTS
        .iter()
        .map(|(fault, name)| ((*name).to_owned(), tally.struck.get(fault).copied().unwrap_or(0).into()))
        .collect();
    let first = tally.first.as_ref().map(|(seed, _)| *seed);
    let told =
        json!({"runs": tally.runs, "faults": faults, "violations": tally.violations, "first_seed": first});
    *TOLD.lock().expect("lock") = Some(told);
    assert_eq!(tally.violations, 0, "the first is seed {first:?}, see above");
    if count >= RUNS {
        // It was no idle run: things were done, and every fault struck.
        assert!(tally.done > count / 50 && tally.helped > count / 200, "{} {}", tally.done, tally.helped);
        let never: Vec<&str> =
            FAULTS.iter().filter(|(f, _)| !tally.struck.contains_key(f)).map(|(_, name)| *name).collect();
        assert!(never.is_empty(), "these faults never struck: {never:?}");
    }
}

fn every_broken_design_is_found() {
    let mut missed = Vec::new();
    for (design, name) in sabotage::DESIGNS.iter().filter(|(d, _)| sabotage::in_the_core(*d)) {
        let tally = runs(1, ENOUGH, Some(*design));
        match &tally.first {
            Some((seed, why)) => println!("{name}: found in run {seed} of {ENOUGH}: {why}"),
            None => missed.push(*name),
        }
    }
    assert!(missed.is_empty(), "not found in {ENOUGH} runs: {missed:?}");
}

fn a_seed_leads_to_the_same_run_again() {
    for seed in [1, 2, 3, 50] {
        let (one, other) = (script::by_seed(seed), script::by_seed(seed));
        assert_eq!(one.moves, other.moves);
        assert_eq!(one.records, other.records, "seed {seed}");
        assert_eq!((one.sent, one.done, one.struck), (other.sent, other.done, other.struck));
    }
}

/// What `no_promise_is_broken_whatever_goes_wrong` has to tell at the end.
static TOLD: Mutex<Option<serde_json::Value>> = Mutex::new(None);

const TESTS: [(&str, fn()); 3] = [
    ("a_seed_leads_to_the_same_run_again", a_seed_leads_to_the_same_run_again),
    ("every_broken_design_is_found", every_broken_design_is_found),
    ("no_promise_is_broken_whatever_goes_wrong", no_promise_is_broken_whatever_goes_wrong),
];

/// Which tests are asked for, in the words of the library's harness.
#[derive(Default)]
struct Chosen {
    parts: Vec<String>,
    skipped: Vec<String>,
    only_listed: bool,
    only_ignored: bool,
}

impl Chosen {
    fn by(mut args: impl Iterator<Item = String>) -> Self {
        let mut chosen = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--list" => chosen.only_listed = true,
                "--ignored" => chosen.only_ignored = true,
                "--skip" => chosen.skipped.extend(args.next()),
                "--test-threads" | "--format" | "--color" | "--logfile" | "--shuffle-seed" | "-Z" => {
                    args.next();
                }
                option if option.starts_with('-') => {
                    chosen.skipped.extend(option.strip_prefix("--skip=").map(Into::into))
                }
                part => chosen.parts.push(part.to_owned()),
            }
        }
        chosen
    }

    fn has(&self, name: &str) -> bool {
        let part_of = |part: &String| name.contains(part.as_str());
        let named = self.parts.is_empty() || self.parts.iter().any(part_of);
        named && !self.skipped.iter().any(part_of) && !self.only_ignored
    }
}

fn main() -> ExitCode {
    let chosen = Chosen::by(std::env::args().skip(1));
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in TESTS.into_iter().filter(|(name, _)| chosen.has(name)) {
        if chosen.only_listed {
            println!("{name}: test");
            continue;
        }
        let ok = catch_unwind(test).is_ok();
        println!("test {name} ... {}", if ok { "ok" } else { "FAILED" });
        *(if ok { &mut passed } else { &mut failed }) += 1;
    }
    if chosen.only_listed {
        return ExitCode::SUCCESS;
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let out = TESTS.len() - passed - failed;
    println!(
        "test result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; {out} filtered out"
    );
    if let Some(told) = TOLD.lock().expect("lock").take() {
        println!("{told}");
    }
    ExitCode::from(if failed == 0 { 0 } else { 101 })
}
