//! The real binary is killed at every point between approval and close, in front of a world that outlives it: before and
//! after each durable write, each request and each answer, and with a request on the wire. Another start on the same
//! journal must then find one effect or none, send nothing a second time, end the record, and tell the truth.
//!
//! At the same points the line drops under the cockpit: what was begun is finished, and the outcome is on the record.
//!
//! `GOAROUND_KILLS=all` takes every point, with `--release` much sooner; `GOAROUND_KILLS=WORD` those with the word in
//! their name.

#![allow(
    clippy::disallowed_methods,
    reason = "the figure of a test; a world's clock is anchored at the host's"
)]

mod common;
#[path = "killed/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;

use goaround::engine::record;
use goaround::shell::journal::Record;

use world::{Cut, Run, World};

/// Worlds at the same time in each of the two tests. A cockpit without optimisation takes half a core at this speed: with
/// more of them than cores can bear an approval is over before its second look is, and a verification before its counts.
const AT_ONCE: usize = if cfg!(debug_assertions) { 2 } else { 8 };
/// The first point of the path: the token is complete.
const APPROVED: &str = "approved";
/// Without `GOAROUND_KILLS` it dies here, and with a call on the wire.
const SOME: [&str; 4] = ["journal.written:1", "call.unsent:2", "execute.answered:1", "record.wanted:3"];

/// Worlds in which it may come by, at most.
const WORLDS: usize = 3;
/// Starts after the death, at most.
const STARTS: usize = 3;
/// Clocks of two processes that count from the same millisecond.
const AGREE: chrono::TimeDelta = chrono::TimeDelta::milliseconds(100);

/// A way to die.
#[derive(Clone, Debug)]
enum Death {
    /// At a point of the program.
    Point(String),
    /// With a call of the plan on the wire.
    Wire(Cut, usize),
    /// Not a death: at a point of the program, the line to its terminal drops.
    Line(String),
}

#[test]
fn between_approval_and_close_there_are_sixty_points_at_which_it_can_die() {
    let points = World::start().points();
    assert!(points.len() >= 60, "{}: {points:?}", points.len());
    for some in SOME {
        assert!(points.iter().any(|point| point == some), "{some} is not among {points:?}");
    }
}

#[test]
fn whenever_it_is_killed_there_is_one_effect_or_none_and_the_next_start_ends_the_record() {
    outlived(deaths());
}

#[test]
fn whenever_the_line_drops_what_was_begun_is_finished_and_its_outcome_recorded() {
    outlived(drops());
}

impl Death {
    /// What it is, whichever time it came to that: `lease.told:9` is the ninth time that a Lease was.
    fn kind(&self) -> String {
        let name = format!("{self:?}");
        name.split(':').next().unwrap_or_default().to_owned()
    }
}

/// How one of them went.
enum Ended {
    Survived,
    /// In none of its worlds.
    NeverCameBy,
    Wrong(String),
}

/// Goes through all of them, and says which were not survived.
fn outlived(wanted: VecDeque<Death>) {
    let (wanted, ends) = (Mutex::new(wanted), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = wanted.lock().expect("lock").pop_front();
                    let Some(death) = next else { return };
                    let ended = survives(&death);
                    let told = match &ended {
                        Ended::Survived => "ok",
                        Ended::NeverCameBy => "it never came by",
                        Ended::Wrong(why) => why,
                    };
                    println!("{death:?}: {told}");
                    ends.lock().expect("lock").push((death, ended));
                }
            });
        }
    });
    judged(&ends.into_inner().expect("lock"));
}

/// How often a cockpit comes by somewhere is not the same each time, a Lease is renewed as long as it takes: a point that
/// it did not come by again is no fault as long as another of its kind was met.
fn judged(ends: &[(Death, Ended)]) {
    let survived: BTreeSet<String> =
        ends.iter().filter(|(_, ended)| matches!(ended, Ended::Survived)).map(|(d, _)| d.kind()).collect();
    let mut missed = 0;
    let mut wrong = Vec::new();
    for (death, ended) in ends {
        match ended {
            Ended::Survived => {}
            Ended::NeverCameBy if survived.contains(&death.kind()) => missed += 1,
            Ended::NeverCameBy => wrong.push(format!("{death:?}: it never came by")),
            Ended::Wrong(why) => wrong.push(format!("{death:?}: {why}")),
        }
    }
    println!("{} deaths between approval and close, {missed} of them not met a second time", ends.len());
    assert!(wrong.is_empty(), "{} of {} deaths:\n{}", wrong.len(), ends.len(), wrong.join("\n\n"));
}

/// The points at which the line is to drop, of those that the cockpit passes in each of two runs: some it passes as often
/// as there is time for.
fn drops() -> VecDeque<Death> {
    let Ok(word) = std::env::var("GOAROUND_KILLS") else {
        return SOME.into_iter().map(|name| Death::Line(name.to_owned())).collect();
    };
    let passed = || {
        let world = World::start();
        world.cockpit(None).expect("a whole run");
        world.passed()
    };
    let (one, other) = (passed(), passed());
    let both = one.into_iter().filter(|point| other.contains(point));
    both.filter(|point| word == "all" || point.contains(&word)).map(Death::Line).collect()
}

/// The deaths that are wanted.
fn deaths() -> VecDeque<Death> {
    let point = |name: &str| Death::Point(name.to_owned());
    let Ok(word) = std::env::var("GOAROUND_KILLS") else {
        return SOME.into_iter().map(point).chain([Death::Wire(Cut::Late, 1)]).collect();
    };
    let wire = [Cut::Lost, Cut::Late, Cut::Unanswered].into_iter();
    let wire = wire.flat_map(|cut| [1, 2].map(|nth| Death::Wire(cut, nth)));
    let all = World::start().points().into_iter().map(Death::Point).chain(wire);
    all.filter(|death| word == "all" || format!("{death:?}").contains(&word)).collect()
}

/// Dies so, in a world of its own, and in another one where it did not come by: on a busy machine the card may change
/// under the operator, or expire.
fn dies(death: &Death) -> Option<(World, Run)> {
    (0..WORLDS).find_map(|_| {
        let world = World::start();
        let run = match death {
            Death::Point(point) => Some(world.run(Some(point), None)).filter(|run| run.killed),
            Death::Wire(cut, nth) => Some(world.run(None, Some((*cut, *nth)))).filter(|run| run.killed),
            Death::Line(point) => world.cockpit(Some(point)),
        };
        Some((world, run?))
    })
}

/// Dies so, starts again, and looks at everything.
fn survives(death: &Death) -> Ended {
    let Some((world, first)) = dies(death) else { return Ended::NeverCameBy };
    match taken_up(death, &world, &first) {
        Ok(()) => Ended::Survived,
        Err(why) => Ended::Wrong(why),
    }
}

/// Starts again after it, and looks at everything.
fn taken_up(death: &Death, world: &World, first: &Run) -> Result<(), String> {
    if first.killed && matches!(death, Death::Line(_)) {
        return Err(format!("it did not end by itself\n{}", first.said));
    }
    let told = |what: &str, said: &str| format!("{what}\njournal:\n{}\nsaid:\n{said}", world.journal_lines());
    // What was left behind: nothing was sent that is not on the disk, and nobody is told what is not so.
    held(world, false).map_err(|why| told(&format!("after the death: {why}"), &first.said))?;
    if !first.killed && world.history().values().any(|outcome| outcome == "unknown") {
        return Err(told("it went without waiting for the outcome", &first.said));
    }
    // On a busy machine the scripted operator may find his card expired, and ends; any operator can take it up then.
    let mut said = String::new();
    for _ in 0..STARTS {
        said.push_str(&world.take_up().said);
        held(world, false).map_err(|why| told(&format!("after the next start: {why}"), &said))?;
        if held(world, true).is_ok() {
            break;
        }
    }
    held(world, true).map_err(|why| told(&format!("after the next start: {why}"), &said))
}

/// An action as the journal has it, and what of it reached the server.
struct Action {
    id: String,
    calls: usize,
    effects: usize,
    /// How its calls ended, once that is recorded as known.
    known: Option<u64>,
    closed: Option<String>,
}

/// Holds journal and history against what the server did. `ended`: nothing may be open any more.
fn held(world: &World, ended: bool) -> Result<(), String> {
    world.audited()?;
    let records = world.records();
    let intents: Vec<&Record> = records.iter().filter(|r| r.kind == record::INTENT).collect();
    let mut done: Vec<Vec<usize>> = vec![Vec::new(); intents.len()];
    for (at, path, body) in world.writes() {
        // The same content restored twice is the same call: it is of the action that was recorded last.
        let call = |r: &Record| {
            let calls = r.body["calls"].as_array().cloned().unwrap_or_default();
            calls.iter().position(|call| call["path"] == path.as_str() && call["body"] == body)
        };
        let of = (0..intents.len())
            .rev()
            .filter(|n| intents[*n].time <= at + AGREE)
            .find_map(|n| Some((n, call(intents[n])?)));
        let Some((n, call)) = of else {
            return Err(format!("the server was sent what no intent on the disk has: {path} {body}"));
        };
        done[n].push(call);
    }
    let actions: Vec<Action> = intents
        .iter()
        .zip(done)
        .map(|(intent, done)| action(intent, &records, &done))
        .collect::<Result<_, String>>()?;
    let history = world.history();
    for action in &actions {
        honest(action, history.get(&action.id), ended)?;
    }
    let whole = actions.iter().filter(|a| a.effects == a.calls).count();
    if ended && whole != 1 {
        return Err(format!("{whole} actions stand"));
    }
    if whole > 1 {
        return Err("it was done twice".into());
    }
    Ok(())
}

/// What is recorded of one action, and what of it was done: each call once, in order.
fn action(intent: &Record, records: &[Record], done: &[usize]) -> Result<Action, String> {
    let id = intent.body["action"].as_str().unwrap_or_default().to_owned();
    let calls = intent.body["calls"].as_array().map_or(0, Vec::len);
    if *done != (0..done.len()).collect::<Vec<_>>() {
        return Err(format!("{id}: its calls were done as {done:?}"));
    }
    let of = |kinds: &[&str]| {
        let own =
            records.iter().filter(|r| kinds.contains(&r.kind.as_str()) && r.body["action"] == id.as_str());
        own.cloned().collect::<Vec<Record>>()
    };
    let outcomes = of(&[record::OUTCOME, record::READ_BACK]);
    let known = outcomes.iter().rev().find(|r| r.body["unknown"] == false);
    let closed = of(&[record::CLOSED]);
    if closed.len() > 1 {
        return Err(format!("{id} was closed {} times", closed.len()));
    }
    Ok(Action {
        id,
        calls,
        effects: done.len(),
        known: known.and_then(|r| r.body["done"].as_u64()),
        closed: closed.first().map(|r| r.body["outcome"].as_str().unwrap_or_default().to_owned()),
    })
}

/// What is recorded and told of an action is what happened.
fn honest(action: &Action, told: Option<&String>, ended: bool) -> Result<(), String> {
    let Action { id, calls, effects, known, closed } = action;
    let told = told.ok_or_else(|| format!("{id} is not in the history"))?;
    if known.is_some_and(|done| done != *effects as u64) {
        return Err(format!("{id}: {known:?} calls are recorded as done, {effects} were"));
    }
    if closed.is_some() && effects < calls {
        return Err(format!("{id} is closed as {closed:?}, and {effects} of {calls} calls were done"));
    }
    let right = match (known, closed.as_deref()) {
        (None, _) => vec!["unknown"],
        (Some(_), Some(outcome)) => vec![outcome],
        (Some(0), None) => vec!["not_executed"],
        (Some(done), None) if *done < *calls as u64 => vec!["partial"],
        (Some(_), None) => vec!["executed"],
    };
    if !right.contains(&told.as_str()) {
        return Err(format!("{id}: the history says {told}, right is {right:?}"));
    }
    if ended && effects == calls && closed.as_deref() != Some("helped") {
        return Err(format!("{id} was done and ended as {closed:?}"));
    }
    if ended && known.is_none() {
        return Err(format!("{id} is left unknown"));
    }
    Ok(())
}

/// Outcome words of the history by action.
type History = BTreeMap<String, String>;
