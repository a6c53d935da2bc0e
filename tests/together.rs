//! Operators on one cluster: each a session of its own, with its own identity and journal, and what they tell one another
//! goes through the cluster alone. A Lease is a courtesy and holds nobody up.

#[path = "common/story.rs"]
mod story;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{ContentDigest, Identity};
use goaround::domain::freeze::{Freeze, When};
use goaround::domain::notice::{Doing, Lease, Notice, Ruling, Said};
use goaround::domain::signal::Signal;
use goaround::domain::verdict::{Gate, GateState, Outcome};
use goaround::engine::event::{Command, Count};
use goaround::engine::gate::Gesture;
use goaround::engine::verify::Phase;
use goaround::engine::{Effect, Event, courtesy, quorum};
use goaround::sabotage::{self, Design};
use story::{Story, Workload, at, key};

/// What a cluster keeps of what operators tell one another.
#[derive(Default)]
struct Board {
    leases: BTreeMap<String, Lease>,
    /// What was said to plans.
    rulings: BTreeMap<String, Ruling>,
    /// An admission policy holds that nobody writes in another's name.
    guarded: bool,
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
                        Notice::Ruling(_) => panic!("a ruling is written by `Rule`"),
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
                    (Effect::ReadRulings(namespace), _) => {
                        let all = self.rulings.values().cloned().collect();
                        answers.push(Event::Rulings(namespace, Ok(all)));
                    }
                    (Effect::TryForgery(namespace, _), _) => {
                        answers.push(Event::Forgery(namespace, self.forgery()));
                    }
                    (Effect::Rule(ruling), _) => {
                        let (workload, digest) = (ruling.workload.clone(), ruling.digest.clone());
                        self.rulings.insert(ruling.name(), *ruling);
                        let count = Count {
                            rulings: self.rulings.values().cloned().collect(),
                            forgery: self.forgery(),
                        };
                        answers.push(Event::Ruled(workload, digest, Box::new(Ok(count))));
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

impl Board {
    /// A cluster with deploy/quorum.yaml.
    fn guarded() -> Self {
        Self { guarded: true, ..Self::default() }
    }

    fn forgery(&self) -> Result<(), Clean> {
        if self.guarded { Ok(()) } else { Err("anybody can approve in the name of somebody else".into()) }
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
            Notice::Ruling(_) => None,
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

// The quorum.

/// A session that wants two people, on a cluster that was looked at.
fn of_two(board: &mut Board, name: &'static str, user: &str) -> Story {
    let mut story = as_user(user);
    story.state.setup.quorum = 2;
    pass(board, 2, &mut [(name, &mut story)]);
    story
}

/// The whole gesture, and what follows of it.
fn approve(board: &mut Board, name: &'static str, story: &mut Story) {
    story.approve_if_it_arms();
    pass(board, 2, &mut [(name, story)]);
}

fn reject(board: &mut Board, name: &'static str, story: &mut Story) {
    story.turn_to("api");
    story.show();
    story.command(Command::Reject);
    story.type_text("no");
    story.command(Command::Submit);
    pass(board, 2, &mut [(name, story)]);
}

fn blocks(story: &Story) -> String {
    story.analysis("api").blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn says(story: &Story, words: &str) -> bool {
    story.state.log.iter().any(|line| line.text.as_str().contains(words))
}

fn tally(story: &Story) -> String {
    quorum::words(&story.state, &key("api"), &story.proposal().digest).expect("a quorum")
}

#[test]
fn one_person_is_not_two_and_the_session_of_the_second_sends() {
    let mut board = Board::guarded();
    let (mut ana, mut ben) = (of_two(&mut board, "ana", "ana"), of_two(&mut board, "ben", "ben"));
    approve(&mut board, "ana", &mut ana);
    pass(&mut board, 40, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert_eq!((ana.executions().len(), ben.executions().len()), (0, 0));
    assert!(!ana.proposal().given.as_ref().expect("given").counting, "it was counted, and waits");
    assert_eq!(tally(&ben), "approved by 1 of 2: ana, 40 s ago");
    assert!(tally(&ana).starts_with("approved by 1 of 2: ana, "));
    assert_eq!(ana.records("approved").len(), 1, "what she said is on record, although nothing was sent");
    approve(&mut board, "ben", &mut ben);
    assert_eq!((ana.executions().len(), ben.executions().len()), (0, 1));
    let intent = ben.records("intent").pop().expect("an intent");
    let people: Vec<_> = intent["approvals"].as_array().expect("both").iter().map(|a| &a["by"]).collect();
    assert_eq!(people, ["ana", "ben"]);
    assert_eq!(ana.records("approved")[0]["digest"], intent["digest"], "the same plan on both screens");
}

/// Two shells of one user: what is sent.
fn two_shells() -> usize {
    let mut board = Board::guarded();
    let (mut one, mut two) = (of_two(&mut board, "one", "ana"), of_two(&mut board, "two", "ana"));
    approve(&mut board, "one", &mut one);
    pass(&mut board, 10, &mut [("one", &mut one), ("two", &mut two)]);
    approve(&mut board, "two", &mut two);
    approve(&mut board, "one", &mut one);
    one.executions().len() + two.executions().len()
}

#[test]
fn two_shells_of_one_user_are_one_person() {
    assert_eq!(two_shells(), 0);
    sabotage::choose(Some(Design::QuorumByKubeconfig));
    let sent = two_shells();
    sabotage::choose(None);
    assert!(sent > 0, "the broken design must be seen");
}

/// Ana approves; ben edits the proposal to the revision before that, and approves it: what is sent.
fn edited() -> (usize, Story) {
    let mut board = Board::guarded();
    let (mut ana, mut ben) = (of_two(&mut board, "ana", "ana"), of_two(&mut board, "ben", "ben"));
    approve(&mut board, "ana", &mut ana);
    pass(&mut board, 10, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    let before = ben.proposal().digest.clone();
    ben.show();
    ben.command(Command::Edit);
    ben.command(Command::Down);
    ben.command(Command::Submit);
    pass(&mut board, 3, &mut [("ben", &mut ben)]);
    assert_ne!(ben.proposal().digest, before, "an edit is another plan");
    approve(&mut board, "ben", &mut ben);
    (ben.executions().len(), ben)
}

#[test]
fn an_edit_voids_what_was_approved_before_it() {
    let (sent, ben) = edited();
    assert_eq!(sent, 0);
    assert!(tally(&ben).starts_with("approved by 1 of 2: ben"), "{}", tally(&ben));
    sabotage::choose(Some(Design::QuorumSurvivesEdit));
    let sent = edited().0;
    sabotage::choose(None);
    assert_eq!(sent, 1, "the broken design must be seen");
}

#[test]
fn a_quorum_that_cannot_be_held_is_refused_with_what_to_install() {
    let mut board = Board::default();
    let mut ana = of_two(&mut board, "ana", "ana");
    assert!(blocks(&ana).contains("in the name of somebody else; hint: kubectl apply -f deploy/quorum.yaml"));
    approve(&mut board, "ana", &mut ana);
    assert_eq!((ana.count("execute"), ana.records("approved").len()), (0, 0), "it does not even arm");
    // Installed: within half a minute it can be approved.
    board.guarded = true;
    pass(&mut board, 20, &mut [("ana", &mut ana)]);
    assert_eq!(blocks(&ana), "");
    approve(&mut board, "ana", &mut ana);
    assert_eq!(ana.records("approved").len(), 1);
    // Taken away again before the second one is counted.
    let mut ben = of_two(&mut board, "ben", "ben");
    board.guarded = false;
    approve(&mut board, "ben", &mut ben);
    assert_eq!(ben.executions().len(), 0);
    assert!(says(&ben, "is not counted: a quorum of 2 cannot be held"));
}

#[test]
fn nobody_is_counted_whom_the_api_server_does_not_name_or_names_as_a_program() {
    for (user, why) in [
        ("system:serviceaccount:shop:default", "is a program"),
        ("ana (kubeconfig)", "does not say who we are"),
    ] {
        let mut board = Board::guarded();
        let mut story = of_two(&mut board, "x", user);
        assert!(blocks(&story).contains(why), "{user}: {}", blocks(&story));
        approve(&mut board, "x", &mut story);
        assert_eq!(story.count("execute") + story.records("approved").len(), 0, "{user}");
    }
    // Nor is what a program wrote.
    let mut board = Board::guarded();
    let mut ana = of_two(&mut board, "ana", "ana");
    approve(&mut board, "ana", &mut ana);
    let own = board.rulings.values().next().expect("hers").clone();
    let robot = Ruling { by: "system:serviceaccount:shop:ci".into(), ..own };
    board.rulings.insert(robot.name(), robot);
    approve(&mut board, "ana", &mut ana);
    assert_eq!(ana.executions().len(), 0);
}

#[test]
fn nobody_knows_yet_is_no_yes() {
    let mut story = as_user("ana");
    story.state.setup.quorum = 2;
    story.pass(3);
    assert!(blocks(&story).contains("it is not known yet whether an approval could be forged"));
    story.approve_if_it_arms();
    assert_eq!(story.count("execute") + story.records("approved").len(), 0);
}

/// What can happen to a proposal of two, in any order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    AnaApproves,
    BenApproves,
    CidRejects,
    TimePasses,
}

#[test]
fn in_any_order_a_rejection_and_an_expiry_win_over_approvals() {
    use Step::{AnaApproves, BenApproves, CidRejects, TimePasses};
    let all = [AnaApproves, BenApproves, CidRejects, TimePasses];
    let mut orders = 0;
    let every = (0..64).map(|n| (all[n / 16], all[n / 4 % 4], all[n % 4]));
    for (a, b, c) in every.filter(|(a, b, c)| a != b && b != c) {
        let mut board = Board::guarded();
        let mut ana = of_two(&mut board, "ana", "ana");
        let mut ben = of_two(&mut board, "ben", "ben");
        let mut cid = of_two(&mut board, "cid", "cid");
        // What must be so, told by a model of its own: who approved since it last expired, and whether it is over.
        let (mut people, mut rejected, mut sent) = (Vec::new(), false, 0);
        for step in [a, b, c] {
            if sent > 0 {
                // The others' cards would tell; in this story they share no more of a cluster than what they tell.
                break;
            }
            match step {
                AnaApproves => approve(&mut board, "ana", &mut ana),
                BenApproves => approve(&mut board, "ben", &mut ben),
                CidRejects if rejected => {}
                CidRejects => reject(&mut board, "cid", &mut cid),
                TimePasses => [&mut ana, &mut ben, &mut cid].into_iter().for_each(|story| story.jump(601)),
            }
            match step {
                TimePasses => (people, rejected) = (Vec::new(), false),
                CidRejects => rejected = true,
                AnaApproves | BenApproves if !rejected && !people.contains(&step) => people.push(step),
                AnaApproves | BenApproves => {}
            }
            pass(&mut board, 5, &mut [("ana", &mut ana), ("ben", &mut ben), ("cid", &mut cid)]);
            sent = usize::from(people.len() == 2);
        }
        let done = ana.executions().len() + ben.executions().len() + cid.executions().len();
        assert_eq!(done, sent, "{a:?}, {b:?}, {c:?}");
        orders += 1;
    }
    assert_eq!(orders, 36);
}

#[test]
fn a_rejection_that_comes_while_all_is_read_again_still_wins() {
    let mut board = Board::guarded();
    let (mut ana, mut ben) = (of_two(&mut board, "ana", "ana"), of_two(&mut board, "ben", "ben"));
    let mut cid = of_two(&mut board, "cid", "cid");
    approve(&mut board, "ana", &mut ana);
    ben.hold.insert("recheck");
    approve(&mut board, "ben", &mut ben);
    reject(&mut board, "cid", &mut cid);
    pass(&mut board, 6, &mut [("ben", &mut ben)]);
    ben.answer("recheck");
    assert_eq!(ben.executions().len(), 0);
    assert!(says(&ben, "nothing was sent: cid rejected it"));
}

#[test]
fn an_approval_that_expires_before_the_record_is_on_disk_sends_nothing() {
    let mut board = Board::guarded();
    let (mut ana, mut ben) = (of_two(&mut board, "ana", "ana"), of_two(&mut board, "ben", "ben"));
    approve(&mut board, "ana", &mut ana);
    // Hers ends first: 10 minutes after her card was opened.
    let left = board.rulings.values().next().expect("hers").expires - ben.now;
    pass(&mut board, left.num_seconds() - 5, &mut [("ben", &mut ben)]);
    ben.hold.insert("intent");
    ben.show();
    approve(&mut board, "ben", &mut ben);
    if ben.held.is_empty() {
        // Ben's own card expired with hers: then there is nothing to hold.
        return assert_eq!(ben.executions().len(), 0);
    }
    ben.jump(10);
    ben.answer("intent");
    assert_eq!(ben.executions().len(), 0);
}

#[test]
fn an_approval_that_expires_on_either_clock_before_the_record_is_on_disk_sends_nothing() {
    // To the millisecond: before it ends on both, at its end on one.
    for (wall, mono, holds) in [(1, 1, true), (0, 1, false), (1, 0, false)] {
        let mut board = Board::guarded();
        let mut ben = of_two(&mut board, "ben", "ben");
        let hers = said(&ben, "ana", Said::Approves, 1, 20);
        board.rulings.insert(hers.name(), hers);
        ben.hold.insert("intent");
        approve(&mut board, "ben", &mut ben);
        assert!(!ben.held.is_empty());
        let (hers, until) = ben.proposal().counted.first().cloned().expect("hers");
        assert_eq!(hers.by.as_str(), "ana");
        ben.now = hers.expires - TimeDelta::milliseconds(wall);
        // What is answered comes a millisecond later.
        ben.mono = until - Duration::from_millis(mono + 1);
        ben.answer("intent");
        assert_eq!(!ben.executions().is_empty(), holds, "{wall} ms, {mono} ms");
        assert_eq!(says(&ben, "1 of 2 approvals hold"), !holds, "{wall} ms, {mono} ms");
    }
}

#[test]
fn an_approval_whose_card_expires_while_it_is_counted_is_not_counted() {
    let mut board = Board::guarded();
    let mut ben = of_two(&mut board, "ben", "ben");
    let left = ben.proposal().expires - ben.now;
    ben.pass(left.num_seconds() - 10);
    board.exchange("ben", &mut ben);
    let hers = said(&ben, "ana", Said::Approves, 1, 300);
    board.rulings.insert(hers.name(), hers);
    ben.approve_if_it_arms();
    assert!(ben.proposal().given.as_ref().is_some_and(|g| g.counting));
    ben.now += TimeDelta::seconds(10);
    board.exchange("ben", &mut ben);
    assert!(ben.executions().is_empty());
    assert!(says(&ben, "the approval is not counted: the proposal expired"), "{:?}", ben.state.log);
}

#[test]
fn an_approval_of_a_card_that_changed_is_taken_back() {
    let mut board = Board::guarded();
    let mut ana = of_two(&mut board, "ana", "ana");
    approve(&mut board, "ana", &mut ana);
    let said = board.rulings.values().next().expect("hers").clone();
    assert_eq!(said.said, Said::Approves);
    // Something that STILL TRUE holds changes: the server warns of partial data.
    ana.rights = false;
    pass(&mut board, 90, &mut [("ana", &mut ana)]);
    assert!(board.rulings.values().all(|r| r.said == Said::Nothing && r.at > said.at), "{:?}", board.rulings);
    assert!(says(&ana, "the approval is taken back: the card that was approved is no more"));
    assert!(ana.proposal().given.is_none());
}

#[test]
fn an_approval_that_was_sent_or_expired_is_not_taken_back() {
    let mut board = Board::guarded();
    let (mut ana, mut ben) = (of_two(&mut board, "ana", "ana"), of_two(&mut board, "ben", "ben"));
    approve(&mut board, "ana", &mut ana);
    approve(&mut board, "ben", &mut ben);
    assert_eq!(ben.executions().len(), 1);
    pass(&mut board, 10, &mut [("ben", &mut ben)]);
    assert!(!says(&ben, "taken back"));
    assert_eq!(board.rulings.values().filter(|r| r.said == Said::Approves).count(), 2);
    // Nobody else approved hers: it ends by itself.
    let mut board = Board::guarded();
    let mut ana = of_two(&mut board, "ana", "ana");
    approve(&mut board, "ana", &mut ana);
    let expires = board.rulings.values().next().expect("hers").expires;
    ana.jump((expires - ana.now).num_seconds() + 1);
    pass(&mut board, 30, &mut [("ana", &mut ana)]);
    assert!(!says(&ana, "taken back"));
    assert_eq!(board.rulings.values().filter(|r| r.said == Said::Approves).count(), 1);
}

#[test]
fn an_approval_that_nobody_answers_is_given_up_after_a_minute_of_either_clock() {
    for (wall, mono, given_up) in [(59, 0, false), (60, 0, true), (0, 59, false), (0, 60, true)] {
        let mut board = Board::guarded();
        let mut ana = of_two(&mut board, "ana", "ana");
        ana.approve_if_it_arms();
        let given = ana.proposal().given.clone().expect("given");
        assert!(given.counting);
        ana.now = given.at + TimeDelta::seconds(wall);
        // Each event is a millisecond later than the one before.
        ana.mono = given.mono + Duration::from_secs(mono) - Duration::from_millis(1);
        ana.event(Event::Tick);
        assert_eq!(ana.proposal().given.is_none(), given_up, "{wall} s, {mono} s");
        assert_eq!(says(&ana, "the approval is not counted: nobody answered"), given_up);
    }
}

#[test]
fn an_approval_whose_count_comes_too_late_on_either_clock_is_not_counted() {
    for (wall, mono, late) in [(29, 0, false), (30, 0, true), (0, 29, false), (0, 30, true)] {
        let mut board = Board::guarded();
        let (mut ana, mut ben) = (of_two(&mut board, "ana", "ana"), of_two(&mut board, "ben", "ben"));
        approve(&mut board, "ana", &mut ana);
        ben.approve_if_it_arms();
        let given = ben.proposal().given.clone().expect("given");
        assert_eq!(ben.state.setup.policy.execute_within.secs(), 30);
        ben.now = given.at + TimeDelta::seconds(wall);
        // What came back is the next event, a millisecond later.
        ben.mono = given.mono + Duration::from_secs(mono) - Duration::from_millis(1);
        board.exchange("ben", &mut ben);
        assert_eq!(says(&ben, "not counted: counting took longer than 30s"), late, "{wall} s, {mono} s");
        assert_eq!(ben.executions().is_empty(), late);
    }
}

#[test]
fn whoever_is_asked_second_restores_a_config_by_the_very_plan_that_was_approved_first() {
    let mut board = Board::guarded();
    let session = |board: &mut Board, name, user: &str, later: i64| {
        let mut story = Story::config_edited(true);
        story.pass(later);
        story.signal(Signal::Identity(Identity { user: Clean::new(user), groups: Vec::new() }));
        (story.state.setup.lease, story.state.setup.quorum) = (true, 2);
        // Another session began to plan at another time.
        story.state.incidents.get_mut(&key("api")).expect("it").planned = story.now;
        pass(board, 20, &mut [(name, &mut story)]);
        story
    };
    let mut ana = session(&mut board, "ana", "ana", 0);
    let mut ben = session(&mut board, "ben", "ben", 7);
    assert_ne!(ana.proposal().digest, ben.proposal().digest, "the time of the restart is under the digest");
    approve(&mut board, "ana", &mut ana);
    pass(&mut board, 12, &mut [("ben", &mut ben)]);
    assert_eq!(ana.proposal().digest, ben.proposal().digest);
    approve(&mut board, "ben", &mut ben);
    assert_eq!(ben.executions().len(), 1);
}

#[test]
fn a_card_under_a_hand_is_not_planned_anew_by_what_somebody_else_approved() {
    let mut board = Board::guarded();
    let mut ana = Story::config_edited(true);
    ana.signal(Signal::Identity(Identity { user: "ana".into(), groups: Vec::new() }));
    ana.state.setup.quorum = 2;
    pass(&mut board, 20, &mut [("ana", &mut ana)]);
    let planned = |ana: &Story| ana.state.incidents[&key("api")].planned;
    let (before, theirs) = (planned(&ana), planned(&ana) - TimeDelta::seconds(7));
    ana.arm();
    assert_ne!(ana.proposal().gesture, Gesture::Idle);
    let other = said(&ana, "ben", Said::Approves, 1, 300);
    let other = Ruling { digest: ContentDigest("another".into()), planned: theirs, ..other };
    board.rulings.insert(other.name(), other.clone());
    pass(&mut board, 12, &mut [("ana", &mut ana)]);
    assert_eq!(planned(&ana), before);
    board.rulings.clear();
    pass(&mut board, 12, &mut [("ana", &mut ana)]);
    ana.command(Command::Back);
    // Nor by one's own approval, by no approval, by one of another workload, or by one that is void.
    for none in [
        Ruling { by: "ana".into(), ..other.clone() },
        Ruling { said: Said::Rejects, ..other.clone() },
        Ruling { workload: key("web"), ..other.clone() },
        Ruling { expires: ana.now, ..other.clone() },
    ] {
        board.rulings = BTreeMap::from([(none.name(), none.clone())]);
        pass(&mut board, 12, &mut [("ana", &mut ana)]);
        assert_eq!(planned(&ana), before, "{none:?}");
    }
    board.rulings = BTreeMap::from([(other.name(), other)]);
    pass(&mut board, 12, &mut [("ana", &mut ana)]);
    assert_eq!(planned(&ana), theirs);
}

#[test]
fn a_rollback_needs_no_common_plan_because_no_time_is_under_its_digest() {
    let mut board = Board::guarded();
    let mut ana = of_two(&mut board, "ana", "ana");
    let before = ana.state.incidents[&key("api")].planned;
    let other = said(&ana, "ben", Said::Approves, 1, 300);
    let planned = before - TimeDelta::seconds(7);
    let other = Ruling { digest: ContentDigest("another".into()), planned, ..other };
    board.rulings.insert(other.name(), other);
    pass(&mut board, 12, &mut [("ana", &mut ana)]);
    assert_eq!(ana.state.incidents[&key("api")].planned, before);
}

#[test]
fn a_workload_can_want_another_number_of_people() {
    let mut board = Board::guarded();
    let mut ana = as_user("ana");
    ana.state.setup.quorums.insert(key("api"), 2);
    pass(&mut board, 20, &mut [("ana", &mut ana)]);
    approve(&mut board, "ana", &mut ana);
    assert_eq!(ana.executions().len(), 0);
    let mut ana = as_user("ana");
    ana.state.setup.quorum = 2;
    ana.state.setup.quorums.insert(key("api"), 1);
    assert_eq!(quorum::words(&ana.state, &key("api"), &ana.proposal().digest), None);
    approve(&mut board, "other", &mut ana);
    assert_eq!(ana.executions().len(), 1);
}

/// What somebody said to the card of `story`, so many seconds ago, void in so many.
fn said(story: &Story, by: &str, said: Said, ago: i64, left: i64) -> Ruling {
    Ruling {
        workload: key("api"),
        digest: story.proposal().digest.clone(),
        by: by.into(),
        said,
        at: story.now - TimeDelta::seconds(ago),
        expires: story.now + TimeDelta::seconds(left),
        planned: story.now,
    }
}

fn hears(story: &mut Story, rulings: Vec<Ruling>) {
    story.event(Event::Rulings("shop".into(), Ok(rulings)));
}

#[test]
fn an_approval_counts_until_it_is_void_and_not_when_its_clock_is_far_ahead() {
    let mut ana = of_two(&mut Board::guarded(), "ana", "ana");
    for (ago, left, counts) in [
        (0, 600, true),
        (599, 1, true),
        // Void by its own word, or by our policy of ten minutes.
        (30, 0, false),
        (600, 60, false),
        // Said later than now: clocks may differ by less than a minute.
        (-59, 600, true),
        (-60, 600, false),
    ] {
        let ruling = said(&ana, "ben", Said::Approves, ago, left);
        hears(&mut ana, vec![ruling]);
        let expected = if counts { "approved by 1 of 2: ben, " } else { "approved by 0 of 2: nobody yet" };
        assert!(tally(&ana).starts_with(expected), "{ago} s ago, {left} s left: {}", tally(&ana));
    }
}

#[test]
fn what_was_said_to_another_plan_or_workload_or_by_nobody_is_not_counted() {
    let mut ana = of_two(&mut Board::guarded(), "ana", "ana");
    let own = |ana: &Story| said(ana, "ben", Said::Approves, 5, 60);
    for other in [
        Ruling { digest: ContentDigest("another".into()), ..own(&ana) },
        Ruling { workload: key("web"), ..own(&ana) },
        Ruling { by: "system:serviceaccount:shop:ci".into(), ..own(&ana) },
        Ruling { said: Said::Nothing, ..own(&ana) },
        Ruling { said: Said::Rejects, ..own(&ana) },
    ] {
        hears(&mut ana, vec![other.clone()]);
        assert_eq!(tally(&ana), "approved by 0 of 2: nobody yet", "{other:?}");
    }
    // One for each person, the oldest first.
    let all = [("cid", 7), ("ben", 30), ("ben", 90)].map(|(by, ago)| said(&ana, by, Said::Approves, ago, 60));
    hears(&mut ana, all.to_vec());
    assert_eq!(tally(&ana), "approved by 2 of 2: ben, 90 s ago; cid, 7 s ago");
}

#[test]
fn a_rejection_blocks_its_plan_until_it_is_void() {
    let mut ana = of_two(&mut Board::guarded(), "ana", "ana");
    let no = |ana: &Story| said(ana, "ben", Said::Rejects, 5, 60);
    for (other, blocked) in [
        (no(&ana), true),
        (Ruling { digest: ContentDigest("another".into()), ..no(&ana) }, false),
        (Ruling { workload: key("web"), ..no(&ana) }, false),
        (Ruling { by: "system:serviceaccount:shop:ci".into(), ..no(&ana) }, false),
        (Ruling { said: Said::Approves, ..no(&ana) }, false),
        (Ruling { expires: ana.now, ..no(&ana) }, false),
    ] {
        hears(&mut ana, vec![other.clone()]);
        ana.pass(2);
        assert_eq!(blocks(&ana).contains("ben rejected it at 1"), blocked, "{other:?}: {}", blocks(&ana));
    }
    // Where one person is enough, a rejection is that person's own.
    let still = no(&ana);
    hears(&mut ana, vec![still]);
    ana.state.setup.quorum = 1;
    ana.pass(2);
    assert_eq!(blocks(&ana), "");
}

#[test]
fn a_rejection_is_told_where_more_than_one_is_wanted_and_anything_may_be_written() {
    for (quorum, told) in [(2, 1), (1, 0), (0, 0)] {
        let mut board = Board::guarded();
        let mut ana = of_two(&mut board, "ana", "ana");
        ana.state.setup.quorum = quorum;
        reject(&mut board, "ana", &mut ana);
        let rulings: Vec<_> = board.rulings.values().map(|r| (r.by.to_string(), r.said)).collect();
        assert_eq!(rulings.len(), told, "{quorum}: {rulings:?}");
        assert!(rulings.iter().all(|r| *r == ("ana".to_owned(), Said::Rejects)));
        let needed = quorum::needed(&ana.state.setup, &key("api"));
        assert_eq!(needed, quorum.max(1), "nobody is never enough");
    }
}

#[test]
fn approvals_are_read_often_for_the_card_in_front_and_forgery_is_tried_again() {
    // Reads and attempts in a minute.
    let minute = |board: &mut Board, story: &mut Story| {
        let count = |story: &Story| {
            let effects = || story.trace.iter().flat_map(|(_, effects)| effects);
            (
                effects().filter(|e| matches!(e, Effect::ReadRulings(_))).count(),
                effects().filter(|e| matches!(e, Effect::TryForgery(..))).count(),
            )
        };
        let before = count(story);
        pass(board, 60, &mut [("ana", story)]);
        let after = count(story);
        (after.0 - before.0, after.1 - before.1)
    };
    let mut board = Board::guarded();
    let mut ana = of_two(&mut board, "ana", "ana");
    ana.turn_to("api");
    assert_eq!(minute(&mut board, &mut ana), (12, 1));
    ana.state.view.screen = goaround::engine::view::Screen::Main;
    assert_eq!(minute(&mut board, &mut ana), (4, 1));
    board.guarded = false;
    minute(&mut board, &mut ana);
    assert_eq!(minute(&mut board, &mut ana), (4, 4), "more often while it is not held");
    ana.state.setup.read_only = true;
    assert_eq!(minute(&mut board, &mut ana).1, 0, "who writes nothing forges nothing");
    ana.state.setup.quorum = 1;
    assert_eq!(minute(&mut board, &mut ana), (0, 0));
}

// One write wins.

/// What `from` wrote is what `to` finds on the server.
fn same_cluster(from: &Story, to: &mut Story) {
    to.workloads = from.workloads.clone();
}

#[test]
fn of_two_who_approve_the_same_at_once_one_writes_and_the_other_is_refused() {
    let (mut ana, mut ben) = (as_user("ana"), as_user("ben"));
    ana.hold.insert("execute");
    ben.hold.insert("execute");
    ana.approve();
    ben.approve();
    ana.answer("execute");
    same_cluster(&ana, &mut ben);
    ben.answer("execute");
    assert!(matches!(ana.phase("api"), Phase::Stabilising));
    let Phase::Aborted(why) = ben.phase("api") else { panic!("{:?}", ben.phase("api")) };
    assert!(why.as_str().starts_with("not executed"), "{why}");
    let by = &ben.workload("api").deployment["metadata"]["annotations"]["goaround.dev/by"];
    assert_eq!(by, "ana");
}

#[test]
fn of_two_who_approve_opposites_at_once_one_writes_and_the_other_is_refused() {
    let (mut ana, mut ben) = (as_user("ana"), as_user("ben"));
    // Ben edits the same proposal to the revision before that.
    ben.show();
    ben.command(Command::Edit);
    ben.command(Command::Down);
    ben.command(Command::Submit);
    ben.pass(3);
    assert_ne!(ana.proposal().digest, ben.proposal().digest);
    ana.hold.insert("execute");
    ben.hold.insert("execute");
    ana.approve();
    ben.approve();
    ben.answer("execute");
    same_cluster(&ben, &mut ana);
    ana.answer("execute");
    assert!(matches!(ben.phase("api"), Phase::Stabilising));
    assert!(matches!(ana.phase("api"), Phase::Aborted(_)));
}

// Freezes.

#[test]
fn a_freeze_is_named_in_the_reason_and_never_in_the_way() {
    let frozen = |from: &str, to: &str| {
        let mut story = as_user("ana");
        let when = When::Once { from: at(from), to: at(to) };
        story.state.setup.policy.freezes = vec![Freeze { when, why: "end of the year".into() }];
        story.pass(2);
        story
    };
    let mut story = frozen("11:00:00", "13:00:00");
    assert_eq!(story.gate(Gate::SafeNow), GateState::Fail);
    let line = story.gate_line(Gate::SafeNow);
    assert!(line.contains("freeze until Fri 2026-11-20 13:00 UTC: end of the year"), "{line}");
    story.show();
    story.mono += std::time::Duration::from_secs(1);
    story.command(Command::Arm);
    assert!(story.proposal().unnamed("because").any(|gate| gate == "SAFE NOW"));
    story.command(Command::Back);
    story.approve();
    assert_eq!(story.executions().len(), 1, "it is named, and then it is done");
    assert_eq!(frozen("13:00:00", "14:00:00").gate(Gate::SafeNow), GateState::Pass);
    // One that begins while a card is armed is a change of the card.
    let mut story = frozen("12:01:00", "13:00:00");
    story.arm();
    story.pass(90);
    assert_eq!(story.gate(Gate::SafeNow), GateState::Fail);
    assert_eq!(story.proposal().gesture, Gesture::Idle);
}

// Hand-over.

#[test]
fn what_a_dead_session_began_on_another_host_is_verified_by_the_next_one_and_nothing_is_sent_again() {
    let (mut board, mut ana, mut ben) = (Board::default(), as_user("ana"), as_user("ben"));
    ana.approve();
    let action = ana.action("api");
    pass(&mut board, 3, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    same_cluster(&ana, &mut ben);
    ben.controller("api", 3);
    let now = ben.now;
    ben.workload_mut("api").errors[0].1 = now;
    pass(&mut board, 40, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert!(seen(&ben).expect("ana").starts_with("ana acts, "), "{:?}", seen(&ben));
    assert!(ben.incident("api").running.is_none(), "she lives: it is hers");
    // Her host dies.
    drop(ana);
    pass(&mut board, 75, &mut [("ben", &mut ben)]);
    assert!(says(&ben, "ana went silent while action"));
    assert_eq!(ben.records("taken_up").len(), 1);
    assert_eq!(ben.running("api").action, action);
    pass(&mut board, 120, &mut [("ben", &mut ben)]);
    assert!(matches!(ben.phase("api"), Phase::Closed(Outcome::Helped)), "{:?}", ben.phase("api"));
    assert_eq!(ben.records("closed")[0]["action"], action.0.as_str());
    assert_eq!((ben.executions().len(), ben.records("taken_up").len()), (0, 1));
}

#[test]
fn what_its_own_session_ended_is_taken_up_by_nobody() {
    let (mut board, mut ana, mut ben) = (Board::default(), as_user("ana"), as_user("ben"));
    ana.approve();
    pass(&mut board, 3, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    same_cluster(&ana, &mut ben);
    for story in [&mut ana, &mut ben] {
        story.controller("api", 3);
        let now = story.now;
        story.workload_mut("api").errors[0].1 = now;
    }
    pass(&mut board, 150, &mut [("ana", &mut ana), ("ben", &mut ben)]);
    assert!(matches!(ana.phase("api"), Phase::Closed(_)), "{:?}", ana.phase("api"));
    drop(ana);
    pass(&mut board, 120, &mut [("ben", &mut ben)]);
    assert_eq!(ben.records("taken_up").len(), 0);
    assert_eq!(seen(&ben), None, "she let it go");
}
