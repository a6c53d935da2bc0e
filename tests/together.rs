//! Operators on one cluster: each a session of its own, with its own identity and journal, and what they tell one another
//! goes through the cluster alone. A Lease is a courtesy and holds nobody up.

#[path = "common/story.rs"]
mod story;

use std::collections::BTreeMap;

use goaround::domain::clean::Clean;
use goaround::domain::cluster::Identity;
use goaround::domain::notice::{Doing, Lease, Notice};
use goaround::domain::signal::Signal;
use goaround::engine::event::Command;
use goaround::engine::gate::Gesture;
use goaround::engine::{Effect, Event, courtesy};
use goaround::sabotage::{self, Design};
use story::{Story, Workload, key};

/// What a cluster keeps of what operators tell one another.
#[derive(Default)]
struct Board {
    leases: BTreeMap<String, Lease>,
    /// Why Leases may be neither written nor read.
    forbidden: Option<&'static str>,
    /// How often each session's effects were looked at.
    taken: BTreeMap<&'static str, usize>,
}

impl Board {
    /// Performs what a session wants to tell and to hear, as the cluster would.
    fn exchange(&mut self, name: &'static str, story: &mut Story) {
        loop {
            let from = self.taken.get(name).copied().unwrap_or(0);
            let effects: Vec<Effect> = story.trace[from..].iter().flat_map(|(_, e)| e.clone()).collect();
            self.taken.insert(name, story.trace.len());
            let mut answers = Vec::new();
            for effect in effects {
                match (effect, self.forbidden) {
                    (Effect::Tell(_), Some(why)) => answers.push(Event::NotTold(why.into())),
                    (Effect::ReadLeases(ns), Some(why)) => answers.push(Event::Leases(ns, Err(why.into()))),
                    (Effect::Tell(notice), None) => match *notice {
                        Notice::Lease(mut lease) => {
                            let name = Lease::name(&lease.workload, &lease.holder);
                            if lease.doing == Doing::Nothing {
                                lease.holder = Clean::default();
                            }
                            self.leases.insert(name, lease);
                        }
                    },
                    (Effect::ReadLeases(namespace), None) => {
                        let here = |l: &&Lease| l.workload.namespace == namespace;
                        let all = self.leases.values().filter(here).cloned().collect();
                        answers.push(Event::Leases(namespace, Ok(all)));
                    }
                    _ => {}
                }
            }
            if answers.is_empty() {
                return;
            }
            answers.into_iter().for_each(|event| story.event(event));
        }
    }
}

/// The story of a burning `api` as `user` sees it, who tells others.
fn as_user(user: &str) -> Story {
    let mut story = Story::told(vec![Workload::burning("api"), Workload::new("web")], |s| {
        s.state.setup.lease = true;
    });
    story.signal(Signal::Identity(Identity { user: Clean::new(user), groups: Vec::new() }));
    story
}

/// Seconds pass for both, and what they tell goes to and fro.
fn pass(board: &mut Board, seconds: i64, sessions: &mut [(&'static str, &mut Story)]) {
    for _ in 0..seconds {
        for (name, story) in sessions.iter_mut() {
            story.pass(1);
            board.exchange(name, story);
        }
    }
}

fn told(story: &Story) -> Vec<Lease> {
    let effects = story.trace.iter().flat_map(|(_, effects)| effects);
    let lease = |effect: &Effect| match effect {
        Effect::Tell(notice) => match &**notice {
            Notice::Lease(lease) => Some(lease.clone()),
        },
        _ => None,
    };
    effects.filter_map(lease).collect()
}

fn seen(story: &Story) -> Option<String> {
    courtesy::words(&story.state, &key("api"))
}

// The Lease.

#[test]
fn whoever_arms_is_seen_by_the_other_and_no_more_when_they_leave() {
    let (mut board, mut ana, mut ben) = (Board::default(), as_user("ana"), as_user("ben"));
    pass(&mut board, 6, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert!(told(&ana).is_empty(), "reading a card tells nobody anything");
    ana.arm();
    pass(&mut board, 40, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert_eq!(seen(&ben).as_deref(), Some("ana is deciding, 39 s"));
    assert_eq!(seen(&ana), None, "nobody is told of their own");
    assert_eq!(told(&ana).len(), 3, "told at once, and again every 15 s");
    ana.command(Command::Back);
    pass(&mut board, 6, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert_eq!(seen(&ben), None);
    let last = told(&ana).pop().expect("a Lease");
    assert_eq!(last.doing, Doing::Nothing, "it is let go");
    pass(&mut board, 60, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert_eq!(told(&ana).len(), 4, "and not told again");
}

#[test]
fn a_lease_whose_holder_fell_silent_lapses() {
    let (mut board, mut ana, mut ben) = (Board::default(), as_user("ana"), as_user("ben"));
    ana.arm();
    pass(&mut board, 8, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert!(seen(&ben).is_some());
    drop(ana);
    pass(&mut board, 30, &mut [("ben", &mut ben)]);
    assert!(seen(&ben).is_some(), "two renewals may be lost");
    pass(&mut board, 25, &mut [("ben", &mut ben)]);
    assert_eq!(seen(&ben), None);
}

#[test]
fn a_lease_never_blocks_an_approval() {
    let find = |design: Option<Design>| {
        sabotage::choose(design);
        let (mut board, mut ana, mut ben) = (Board::default(), as_user("ana"), as_user("ben"));
        ana.arm();
        pass(&mut board, 6, &mut [("ana", &mut ana), ("ben", &mut ben)]);
        assert!(seen(&ben).is_some());
        ben.approve_if_it_arms();
        sabotage::choose(None);
        ben.executions().len()
    };
    assert_eq!(find(None), 1, "ben approves while ana is deciding");
    assert_eq!(find(Some(Design::LeaseIsALock)), 0, "the broken design must be seen");
}

#[test]
fn two_who_decide_at_once_see_one_another_and_two_shells_of_one_user_too() {
    let (mut board, mut ana, mut ben) = (Board::default(), as_user("ana"), as_user("ben"));
    ana.arm();
    ben.arm();
    pass(&mut board, 12, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert!(seen(&ana).expect("ben").starts_with("ben is deciding"));
    assert!(seen(&ben).expect("ana").starts_with("ana is deciding"));
    let (mut board, mut ana, mut other) = (Board::default(), as_user("ana"), as_user("ana"));
    ana.arm();
    pass(&mut board, 12, &mut [("ana", &mut ana), ("other", &mut other)]);
    assert!(seen(&other).expect("the first").starts_with("another session of yours is deciding"));
    assert_eq!(seen(&ana), None);
}

#[test]
fn a_lease_that_cannot_be_written_or_read_is_one_line_and_changes_nothing() {
    let mut board = Board { forbidden: Some("leases is forbidden"), ..Board::default() };
    let mut ana = as_user("ana");
    let reads = |s: &Story| {
        let effects = s.trace.iter().flat_map(|(_, e)| e);
        effects.filter(|e| matches!(e, Effect::ReadLeases(_))).count()
    };
    pass(&mut board, 10, &mut [("ana", &mut ana)]);
    let before = reads(&ana);
    ana.arm();
    pass(&mut board, 120, &mut [("ana", &mut ana)]);
    let lines = ana.state.log.iter().filter(|l| l.text.as_str().contains("leases is forbidden"));
    assert_eq!(lines.count(), 1);
    assert!(matches!(ana.proposal().gesture, Gesture::Token { .. }), "what was armed stays armed");
    assert_eq!(reads(&ana), before, "what is forbidden is not asked for again");
}

#[test]
fn lease_false_and_read_only_write_nothing_and_at_rest_nothing_is_read() {
    let effects = |lease: bool, read_only: bool, burning: bool| {
        let api = if burning { Workload::burning("api") } else { Workload::new("api") };
        let mut story = Story::told(vec![api], |s| {
            (s.state.setup.lease, s.state.setup.read_only) = (lease, read_only);
        });
        if burning {
            story.arm();
            story.command(Command::Reject);
        }
        story.pass(60);
        let all = story.trace.iter().flat_map(|(_, e)| e);
        let reads = all.filter(|e| matches!(e, Effect::ReadLeases(_))).count();
        (told(&story).len(), reads)
    };
    assert_eq!(effects(false, false, true), (0, 0), "lease = false");
    let (written, read) = effects(true, true, true);
    assert_eq!((written, read > 0), (0, true), "--read-only sees, and tells nothing");
    assert_eq!(effects(true, false, false), (0, 0), "nothing burns: nobody is asked");
    let (written, read) = effects(true, false, true);
    assert!((4..=6).contains(&written) && (12..=18).contains(&read), "{written} {read}");
}

#[test]
fn an_action_that_goes_on_is_told_until_it_ends() {
    let (mut board, mut ana, mut ben) = (Board::default(), as_user("ana"), as_user("ben"));
    ana.approve();
    pass(&mut board, 10, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert!(seen(&ben).expect("ana").starts_with("ana acts, "), "{:?}", seen(&ben));
}
