//! Accidents cannot approve: streams of keys, pastes, mouse reports, resizes, suspensions and worlds that move, through the
//! real reader of the terminal, keymap, screen and engine. `GOAROUND_STREAMS=N` plays N of them instead of a hundred
//! thousand, `GOAROUND_SEED=S` begins at another one, `GOAROUND_STREAM=S` plays and tells a single one.

#![allow(
    clippy::disallowed_methods,
    reason = "how many streams, and for how long, is asked of the environment and clock"
)]

#[path = "streams/desk.rs"]
mod desk;
#[path = "streams/judge.rs"]
mod judge;
#[path = "streams/play.rs"]
mod play;
#[path = "common/story.rs"]
mod story;
#[path = "streams/stream.rs"]
mod stream;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use goaround::sabotage::{self, Design};
use play::{Outcome, Player};
use stream::Stream;

/// Streams without a wish of the environment.
const STREAMS: u64 = 100_000;
/// Streams that a thread takes at once.
const BATCH: u64 = 250;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// What many streams came to.
#[derive(Clone, Debug, Default)]
struct Tally {
    streams: u64,
    armed: u64,
    /// Approved by a hand that saw what it did: not one of those that are counted.
    honest: u64,
    /// Seeds of accidents.
    accidents: Vec<u64>,
}

/// Plays streams from `first` on.
fn play(first: u64, count: u64, design: Option<Design>) -> Tally {
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get().min(8)) as u64;
    let next = AtomicU64::new(0);
    let all = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.min(count.div_ceil(BATCH)) {
            scope.spawn(|| {
                let mut player = Player::new();
                sabotage::choose(design);
                let mut tally = Tally::default();
                loop {
                    let from = next.fetch_add(BATCH, Ordering::Relaxed);
                    if from >= count {
                        break;
                    }
                    for seed in first + from..first + (from + BATCH).min(count) {
                        let stream = stream::of(seed, |begin| player.token(begin));
                        let outcome = player.play(&stream);
                        if outcome.is_accident() {
                            tally.accidents.push(seed);
                        } else if outcome.approved {
                            tally.honest += 1;
                            continue;
                        }
                        tally.streams += 1;
                        tally.armed += u64::from(outcome.armed);
                    }
                }
                sabotage::choose(None);
                let mut all = all.lock().expect("lock");
                all.streams += tally.streams;
                all.armed += tally.armed;
                all.honest += tally.honest;
                all.accidents.extend(tally.accidents);
            });
        }
    });
    let mut tally = all.into_inner().expect("lock");
    tally.accidents.sort_unstable();
    tally
}

/// The shortest stream that is the same accident: steps are left out while it stays one.
fn shortest(player: &mut Player, stream: &Stream) -> Stream {
    let mut best = stream.clone();
    let mut size = best.steps.len().max(1);
    loop {
        let mut from = 0;
        while from < best.steps.len() {
            let mut fewer = best.clone();
            fewer.steps.drain(from..(from + size).min(fewer.steps.len()));
            if player.play(&fewer).is_accident() {
                best = fewer;
            } else {
                from += size;
            }
        }
        if size == 1 {
            return best;
        }
        size = size.div_ceil(2);
    }
}

fn tell(seed: u64, design: Option<Design>) -> String {
    let mut player = Player::new();
    sabotage::choose(design);
    let stream = stream::of(seed, |begin| player.token(begin));
    let short = shortest(&mut player, &stream);
    let outcome = player.play(&short);
    sabotage::choose(None);
    let token = player.token(short.begin);
    format!("GOAROUND_STREAM={seed}, token {token}: {outcome:?}\n{short:#?}")
}

#[test]
fn no_accident_approves() {
    if let Some(seed) = number("GOAROUND_STREAM") {
        println!("{}", tell(seed, None));
        return;
    }
    let (first, count) =
        (number("GOAROUND_SEED").unwrap_or(0), number("GOAROUND_STREAMS").unwrap_or(STREAMS));
    let tally = play(first, count, None);
    println!("{} streams were the honest gesture by chance and are not counted", tally.honest);
    println!(
        "{{\"streams\":{},\"armed\":{},\"approvals\":{},\"first_seed\":{first}}}",
        tally.streams,
        tally.armed,
        tally.accidents.len()
    );
    if let Some(seed) = tally.accidents.first() {
        let (count, some) = (tally.accidents.len(), &tally.accidents[..tally.accidents.len().min(20)]);
        panic!("{count} accidents, {some:?}, the first: {}", tell(*seed, None));
    }
    assert!(tally.armed * 2 > tally.streams, "half of the streams stand before an open gate: {tally:?}");
    assert!(tally.honest * 5 < tally.streams, "few are no accident at all: {tally:?}");
}

#[test]
fn the_honest_gesture_approves() {
    let mut player = Player::new();
    for seed in 0..400 {
        let stream = stream::honest(seed, |begin| player.token(begin));
        let outcome = player.play(&stream);
        let wanted = Outcome { armed: true, approved: true, honest: true, decided: false };
        assert_eq!(outcome, wanted, "{stream:#?}");
    }
}

/// Streams of ten million that were taken for accidents, and are a hand: one that corrected itself after something else
/// that the gate had thrown away, one that typed from the moment on at which the frame was there, and three that lost
/// what they typed while their terminal had another size.
const HANDS: [u64; 5] = [307_336, 2_218_907, 3_759_892, 3_946_244, 5_059_691];

#[test]
fn a_hand_by_chance_is_no_accident() {
    let mut player = Player::new();
    for seed in HANDS {
        let stream = stream::of(seed, |begin| player.token(begin));
        let wanted = Outcome { armed: true, approved: true, honest: true, decided: false };
        assert_eq!(player.play(&stream), wanted, "{stream:#?}");
    }
}

/// Streams of ten million that were accidents, or were taken for some: a card was replaced under a hand, but not at
/// once; and two that waited on purpose in the very millisecond in which a changed card had been there for long enough.
const ACCIDENTS: [u64; 3] = [617_437, 4_475_219, 5_903_412];

#[test]
fn what_was_an_accident_once_is_none_any_more() {
    let mut player = Player::new();
    for seed in ACCIDENTS {
        let stream = stream::of(seed, |begin| player.token(begin));
        let outcome = player.play(&stream);
        assert!(outcome.armed && !outcome.is_accident(), "{outcome:?} {stream:#?}");
    }
}

/// Broken designs that streams must find.
const BROKEN: &[Design] = &[
    Design::PasteTypes,
    Design::TypeAhead,
    Design::QueuedCounts,
    Design::TokenSurvivesChange,
    Design::TooSmallApproves,
    Design::OneReadApproves,
    Design::UnreadArms,
    Design::SuspendedStaysArmed,
    Design::TokenDecides,
    Design::StaleSizeCounts,
];

#[test]
fn every_broken_design_is_found() {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut player = Player::new();
                while let Some(design) = BROKEN.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = sabotage::DESIGNS.iter().find(|(known, _)| known == design).expect("listed").1;
                    sabotage::choose(Some(*design));
                    let found = (0..20_000).find(|seed| {
                        let stream = stream::of(*seed, |begin| player.token(begin));
                        player.play(&stream).is_accident()
                    });
                    sabotage::choose(None);
                    let Some(seed) = found else { panic!("{name}: not one accident in 20000 streams") };
                    let stream = stream::of(seed, |begin| player.token(begin));
                    assert!(
                        !player.play(&stream).is_accident(),
                        "{name}: stream {seed} is one without it too"
                    );
                    println!("{name}: found by stream {seed}");
                }
            });
        }
    });
}
