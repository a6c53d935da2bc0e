//! Moves from a seed, the run that they make, and of a run that broke a promise the shortest script that still does.

use std::collections::BTreeMap;

use goaround::domain::window::Window;
use goaround::engine::event::Ticket;
use goaround::engine::record;
use goaround::engine::{Effect, Event};

use crate::chance::Chance;
use crate::fault::{FAULTS, Fault};
use crate::run::{Act, GESTURE, Move, Operator, Run, Task};
use crate::story::{Story, Workload, key, known};

/// How a run ended.
pub struct Ended {
    pub broken: Option<String>,
    pub moves: Vec<Move>,
    pub struck: BTreeMap<Fault, u64>,
    pub sent: u64,
    pub done: u64,
    pub helped: u64,
    /// Kinds of the records of both hosts.
    pub records: Vec<&'static str>,
}

impl Ended {
    /// Of a run that did not end at all.
    pub fn panicked() -> Self {
        Self {
            broken: Some("a panic".into()),
            moves: Vec::new(),
            struck: BTreeMap::new(),
            sent: 0,
            done: 0,
            helped: 0,
            records: Vec::new(),
        }
    }
}

thread_local! {
    /// Stories that have begun: to begin one costs more than a run.
    static BEGUN: [Story; 3] = [
        Story::told(vec![Workload::burning("api")], sparse),
        Story::told(vec![Workload::burning("api"), Workload::burning("web")], sparse),
        Story::told(vec![Workload::restarted()], |story| {
            sparse(story);
            story.edited("11:56:00", vec![known("timeout=5s")]);
        }),
    ];
}

/// Fewer samples are read faster.
fn sparse(story: &mut Story) {
    story.scrape = Window::from_secs(60);
}

/// The beginning of a run.
fn begin(seed: u64, chance: &mut Chance) -> Run {
    let which = [0, 0, 1, 2][usize::try_from(seed % 4).expect("small")];
    BEGUN.with(|begun| {
        let begun = &begun[which];
        Run::new(|| twin(begun), chance)
    })
}

fn twin(story: &Story) -> Story {
    let mut twin = Story::empty(story.state.setup.clone(), story.workloads.clone());
    sparse(&mut twin);
    twin.state = story.state.clone();
    twin.state.view.screen = goaround::engine::view::Screen::Card(key("api"));
    (twin.now, twin.mono) = (story.now, story.mono);
    (twin.configs, twin.known) = (story.configs.clone(), story.known.clone());
    twin
}

/// The moves of a seed, and what they lead to.
pub fn by_seed(seed: u64) -> Ended {
    let mut chance = Chance::new(seed);
    let mut run = begin(seed, &mut chance);
    let steps = 20 + chance.below(40);
    // Some runs are calm and others are a storm.
    let faults = [0, 3, 8, 8, 15, 30][chance.below(6)];
    let mut moves = Vec::new();
    let mut hand = 0;
    for _ in 0..steps {
        // A hand seldom stops in the middle.
        if chance.percent(8) || run.operators[hand].intention.is_empty() {
            hand = chance.below(run.operators.len());
        }
        let next = choose(&mut run, &mut chance, faults, hand);
        moves.push(next);
        if !run.make(next) {
            break;
        }
    }
    ended(run, moves)
}

fn ended(mut run: Run, moves: Vec<Move>) -> Ended {
    if run.judge.broken.is_none() {
        run.peace();
    }
    Ended {
        broken: run.judge.broken.take(),
        moves,
        struck: run.struck,
        sent: run.judge.sent,
        done: run.judge.done,
        helped: run.judge.helped,
        records: run.hosts.iter().flat_map(|h| h.records.iter().map(|(kind, ..)| *kind)).collect(),
    }
}

/// The same moves once more.
fn again(seed: u64, moves: &[Move]) -> Option<String> {
    let mut chance = Chance::new(seed);
    let mut run = begin(seed, &mut chance);
    for next in moves {
        if !run.make(*next) {
            break;
        }
    }
    ended(run, Vec::new()).broken
}

/// The shortest script that breaks a promise, by leaving out what is not needed.
pub fn shortest(seed: u64) -> Option<(Vec<Move>, String)> {
    let mut moves = by_seed(seed).moves;
    let mut why = again(seed, &moves)?;
    let mut chunk = moves.len() / 2;
    while chunk > 0 {
        let mut at = 0;
        while at < moves.len() {
            let mut fewer = moves.clone();
            fewer.drain(at..(at + chunk).min(moves.len()));
            if let Some(still) = again(seed, &fewer) {
                (moves, why) = (fewer, still);
            } else {
                at += chunk;
            }
        }
        chunk /= 2;
    }
    Some((moves, why))
}

#[derive(Clone, Copy)]
enum Kind {
    Intention,
    Work,
    Pass,
    Apart,
    Fault,
}

fn choose(run: &mut Run, chance: &mut Chance, faults: usize, hand: usize) -> Move {
    let who = chance.below(run.operators.len());
    // What goes wrong while something is under way tells most.
    let busy = (0..run.operators.len()).find(|n| !run.operators[*n].tasks.is_empty());
    let sending = run.operators.iter().any(|o| o.tasks.iter().any(|t| matches!(t, Task::Send(..))));
    // Two cards approved in one breath: the second before the first is on the disk.
    let rushed = recording(&run.operators[hand]) && !run.operators[hand].intention.is_empty();
    if let Some(sooner) = overtakes(&run.operators[hand], hand).filter(|_| chance.percent(50)) {
        return sooner;
    }
    let kinds = [
        (45, Kind::Intention),
        (if rushed { 3 } else { 20 }, Kind::Work),
        (7, Kind::Pass),
        (4 + faults / 4, Kind::Apart),
        // While a request is under way anything may happen to it.
        (if sending { faults * 4 } else { faults }, Kind::Fault),
    ];
    match chance.weighted(&kinds) {
        Kind::Intention => intend(run, chance, hand),
        Kind::Work => Move::Work(busy.unwrap_or(who)),
        Kind::Pass => Move::Pass([1, 1, 2, 5, 10, 15, 20, 40, 61, 200][chance.below(10)]),
        Kind::Apart if chance.percent(50) => Move::Begin(who, chance.below(4)),
        Kind::Apart => Move::Hear(who, chance.below(4)),
        Kind::Fault => trouble(run, chance, busy),
    }
}

/// What can happen to a request, and to a record, while it is under way.
const ON_THE_WIRE: [Fault; 12] = [
    Fault::AnswerLost,
    Fault::RequestLost,
    Fault::RequestLate,
    Fault::AnswerCut,
    Fault::Answer500,
    Fault::Answer504,
    Fault::AnswerBusy,
    Fault::AnswerForbidden,
    Fault::NotConnected,
    Fault::CrashWithRequestUnderWay,
    Fault::Crash,
    Fault::ClockBack,
];
const ON_THE_DISK: [Fault; 8] = [
    Fault::Crash,
    Fault::DiskFull,
    Fault::DiskBroken,
    Fault::DiskHangs,
    Fault::RecordLate,
    Fault::ClockBack,
    Fault::Suspended,
    Fault::Recreated,
];

/// What goes wrong next: mostly where something is under way, and what is down is seldom left down for long.
fn trouble(run: &Run, chance: &mut Chance, busy: Option<usize>) -> Move {
    let n = chance.below(60);
    let has = |what: fn(&Task) -> bool| run.operators.iter().position(|o| o.tasks.iter().any(what));
    let sending = has(|t| matches!(t, Task::Send(..)));
    let recording = has(|t| matches!(t, Task::Do(Effect::Record { ticket: Ticket::Intent(_), .. })));
    let dead = run.operators.iter().position(|o| !o.alive);
    // A decision that was just written must outlive its process.
    let decided = |o: &Operator| {
        let last = run.hosts[o.host].records.last();
        o.alive && last.is_some_and(|(kind, ..)| *kind == record::REJECTED)
    };
    if let Some(who) = run.operators.iter().position(decided).filter(|_| chance.percent(40)) {
        return Move::Strike(Fault::Crash, who);
    }
    // Somebody puts it back while it is watched.
    let watches = |o: &Operator| {
        let incidents = o.story.state.incidents.values();
        o.alive && incidents.filter_map(|i| i.running.as_ref()).any(|r| r.watched())
    };
    if run.operators.iter().any(watches) && chance.percent(25) {
        return Move::Strike([Fault::TemplateEdited, Fault::UndoneByOther][chance.below(2)], n);
    }
    // What was just answered is told once more.
    let told = |o: &Operator| {
        o.alive && matches!(o.last, Some(Event::Recorded(Ticket::Intent(_), ..) | Event::Called(..)))
    };
    if let Some(who) = run.operators.iter().position(told).filter(|_| chance.percent(25)) {
        return Move::Strike(Fault::AnswerTwice, who);
    }
    match (sending, recording, dead) {
        (Some(who), _, _) if chance.percent(70) => {
            Move::Strike(ON_THE_WIRE[chance.below(ON_THE_WIRE.len())], who)
        }
        (_, Some(who), _) if chance.percent(50) => {
            Move::Strike(ON_THE_DISK[chance.below(ON_THE_DISK.len())], who)
        }
        (_, _, Some(who)) if chance.percent(50) => Move::Strike(Fault::Restart, who),
        _ => {
            let (fault, _) = FAULTS[chance.below(FAULTS.len())];
            Move::Strike(fault, busy.filter(|_| !n.is_multiple_of(3)).unwrap_or(n))
        }
    }
}

/// An intent of this process is on its way to the disk.
fn recording(operator: &Operator) -> bool {
    let intent = |t: &Task| matches!(t, Task::Do(Effect::Record { ticket: Ticket::Intent(_), .. }));
    operator.tasks.iter().any(intent)
}

/// The second look at one card is done and heard of while the record of another is still on its way.
fn overtakes(operator: &Operator, who: usize) -> Option<Move> {
    if !recording(operator) {
        return None;
    }
    let looked = operator.inbox.iter().position(|e| matches!(e, Event::Rechecked(..)));
    let looks = operator.tasks.iter().position(|t| matches!(t, Task::Do(Effect::Recheck(..))));
    looked.map(|at| Move::Hear(who, at)).or(looks.map(|at| Move::Begin(who, at)))
}

/// The next movement of a hand that wants something.
fn intend(run: &mut Run, chance: &mut Chance, who: usize) -> Move {
    let operator = &mut run.operators[who];
    let two = operator.story.workloads.len() > 1;
    if operator.intention.is_empty() && two && recording(operator) && chance.percent(80) {
        operator.intention.push_back(Act::Turn);
        operator.intention.extend(GESTURE);
    }
    if operator.intention.is_empty() {
        let acts: &[Act] = match chance.below(20) {
            7..=10 if two => &[Act::Turn, Act::Look],
            0 | 6 => &[Act::Look, Act::Reject],
            1 => &[Act::Wait],
            2 => &[Act::WayBack, Act::Look],
            3 => &[Act::AddRestore, Act::Look],
            4 => &[Act::Turn, Act::Look],
            5 => &[Act::Back],
            _ => &GESTURE,
        };
        operator.intention.extend(acts);
    }
    match operator.intention.pop_front() {
        Some(act) => Move::Act(who, act),
        None => Move::Pass(1),
    }
}
