//! An approved action goes its way: second look, durable intent, one send, outcome, rollout, verification. Every
//! arrow is tried with its error, two actions at the same time are kept apart, and a recording replays.

#[path = "common/story.rs"]
mod story;

use std::time::Duration;

use chrono::TimeDelta;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{Change, ClusterFact, ContentDigest, Pod, Uid};
use goaround::domain::diff;
use goaround::domain::plan::{ACTION, BY, Call, DryRun};
use goaround::domain::statistics::Counts;
use goaround::domain::verdict::{Gate, GateState, Offer, Outcome};
use goaround::domain::window::Window;
use goaround::engine::event::{Called, Command, FreshLook, Stamped, Ticket};
use goaround::engine::investigate::Answered;
use goaround::engine::record::{Past, PastAction, past_actions};
use goaround::engine::state::{State, Weight};
use goaround::engine::verify::{self, Phase, Running};
use goaround::engine::view::Screen;
use goaround::engine::{Effect, Event, step};
use proptest::prelude::*;
use story::{Split, Story, Workload, at, config_map, content, key, kind, template};

/// The story of a burning `api`, its rollback approved; these kinds of effects are held back.
fn approved(hold: &[&'static str]) -> Story {
    let mut story = Story::burning();
    story.hold.extend(hold);
    story.approve();
    story
}

/// Two workloads burn since their own rollouts.
fn two_burn(hold: &[&'static str]) -> Story {
    let mut story = Story::told(vec![Workload::burning("api"), Workload::burning("web")], |_| {});
    assert!(story.card("api").is_some() && story.card("web").is_some());
    story.hold.extend(hold);
    story
}

/// The rollback was sent and the server did it.
fn sent() -> Story {
    let story = approved(&[]);
    assert_eq!(story.phase("api"), Phase::Stabilising);
    story
}

/// The rollout of the rollback is done.
fn rolled_out() -> Story {
    let mut story = sent();
    let now = story.now;
    story.workload_mut("api").errors[0].1 = now;
    story.controller("api", 3);
    story.pass(2);
    assert_eq!(story.phase("api"), Phase::Verifying);
    story
}

fn outcome(story: &Story) -> Option<Outcome> {
    match story.phase("api") {
        Phase::Closed(outcome) => Some(outcome),
        _ => None,
    }
}

fn aborted(story: &Story, name: &str) -> String {
    match story.phase(name) {
        Phase::Aborted(why) => why.to_string(),
        other => panic!("not aborted: {other:?}"),
    }
}

/// Kinds of all effects so far, those of the gate and the action only.
fn course(story: &Story) -> Vec<&'static str> {
    let effects = story.trace.iter().flat_map(|(_, effects)| effects);
    effects.map(kind).filter(|k| ["recheck", "intent", "execute"].contains(k)).collect()
}

// Order.

#[test]
fn a_second_look_comes_before_the_record_and_the_record_before_the_one_send() {
    let mut story = approved(&["recheck", "intent", "execute"]);
    assert_eq!(course(&story), ["recheck"]);
    story.pass(3);
    assert_eq!(course(&story), ["recheck"], "nothing happens by itself");
    story.answer("recheck");
    assert_eq!(course(&story), ["recheck", "intent"]);
    story.pass(3);
    assert_eq!(course(&story), ["recheck", "intent"], "nothing is sent before the record is durable");
    story.answer("intent");
    assert_eq!(course(&story), ["recheck", "intent", "execute"]);
    story.pass(3);
    story.answer("execute");
    story.controller("api", 3);
    story.pass(30);
    assert_eq!(course(&story), ["recheck", "intent", "execute"]);
}

#[test]
fn an_intent_that_is_told_durable_twice_is_sent_once() {
    let mut story = approved(&["intent", "execute"]);
    let ticket = Ticket::Intent(story.action("api"));
    for _ in 0..3 {
        story.event(Event::Recorded(ticket.clone(), 7, "head".into()));
    }
    assert_eq!(story.count("execute"), 1);
}

#[test]
fn a_record_of_something_else_sends_nothing() {
    let mut story = approved(&["intent"]);
    story.event(Event::Recorded(Ticket::Note, 7, "head".into()));
    story.event(Event::Recorded(Ticket::Intent(Default::default()), 8, "head".into()));
    assert_eq!(story.count("execute"), 0);
    assert_eq!(story.phase("api"), Phase::Recording);
    // Nor does a failed note abort the action whose own record is still on its way.
    story.event(Event::RecordFailed(Ticket::Note, "busy".into()));
    assert_eq!(story.phase("api"), Phase::Recording);
    story.answer("intent");
    assert_eq!(story.count("execute"), 1);
}

#[test]
fn nothing_is_sent_when_the_record_cannot_be_made() {
    let mut story = approved(&["intent"]);
    story.journal = Err(Clean::new("No space left on device"));
    story.answer("intent");
    assert_eq!(story.count("execute"), 0);
    assert!(aborted(&story, "api").contains("No space left"));
    story.pass(3);
    assert!(story.proposal().analysis.blocks.iter().any(|b| b.as_str().contains("journal")));
    // A late word that it is durable after all does not bring the action back.
    let ticket = Ticket::Intent(story.action("api"));
    story.event(Event::Recorded(ticket, 9, "head".into()));
    assert_eq!(story.count("execute"), 0);
}

#[test]
fn a_journal_that_failed_between_approval_and_second_look_stops_the_action() {
    let mut story = approved(&["recheck"]);
    story.event(Event::Journal(Err("the folder is gone".into()), Past::default()));
    story.answer("recheck");
    assert_eq!((story.count("intent"), story.count("execute")), (0, 0));
    assert!(aborted(&story, "api").contains("the folder is gone"));
}

#[test]
fn an_intent_that_is_durable_too_late_sends_nothing() {
    for (wall, mono, late) in [(29, 29, false), (30, 0, true), (0, 30, true)] {
        let mut story = approved(&["intent"]);
        story.now += TimeDelta::seconds(wall);
        story.mono += Duration::from_secs(mono);
        story.answer("intent");
        assert_eq!(story.count("execute"), usize::from(!late), "wall {wall} s, monotonic {mono} s");
        if late {
            let outcome = story.records("outcome").pop().expect("the intent in the journal gets its end");
            assert_eq!((&outcome["done"], &outcome["unknown"]), (&0.into(), &false.into()));
        }
    }
}

#[test]
fn what_arrives_a_moment_before_the_record_is_on_disk_stops_the_action() {
    for changed in [false, true] {
        let mut story = approved(&["intent"]);
        story.pass(1);
        let looked = story.state.reviewed;
        if changed {
            story.workload_mut("api").deployment["metadata"]["annotations"]["team"] = "payments".into();
        }
        story.objects();
        assert_eq!(story.state.reviewed, looked, "nobody has looked at it yet");
        story.answer("intent");
        assert_eq!(story.count("execute"), usize::from(!changed));
    }
}

#[test]
fn a_gate_that_changes_while_the_record_is_on_its_way_stops_the_action() {
    let mut story = approved(&["intent"]);
    story.workload_mut("web").burn(at("11:58:00"), 0.2);
    story.slos();
    story.pass(16);
    assert_ne!(story.gate(Gate::OnlyUs), GateState::Pass);
    story.answer("intent");
    assert_eq!(story.count("execute"), 0);
    assert!(aborted(&story, "api").contains("changed before its record was on disk"));
    let outcome = story.records("outcome").pop().expect("the intent in the journal gets its end");
    assert_eq!((&outcome["done"], &outcome["unknown"]), (&0.into(), &false.into()));
}

// The second look.

#[test]
fn whatever_differs_in_the_second_look_aborts_and_names_itself() {
    type Tamper = fn(&mut FreshLook);
    fn changed(look: &mut FreshLook, edit: impl Fn(&mut goaround::domain::cluster::Deployment)) {
        edit(look.deployment.as_mut().expect("a Deployment"));
    }
    let cases: [(&str, Tamper); 11] = [
        ("gone", |l| l.deployment = None),
        ("re-created", |l| changed(l, |d| d.meta.uid = Uid("another".into()))),
        ("paused", |l| changed(l, |d| d.paused = true)),
        ("the template changed", |l| {
            changed(l, |d| {
                let mut value = d.template.json.value();
                value["spec"]["containers"][0]["image"] = "x:9".into();
                d.template.json = goaround::domain::cluster::Json::of(&value);
            });
        }),
        ("the annotations changed", |l| {
            changed(l, |d| {
                let mut value = d.annotations.value();
                value["note"] = "hello".into();
                d.annotations = goaround::domain::cluster::Json::of(&value);
            });
        }),
        ("ben acted at 12:00:00: rolled back to 1.4 (action 01JD79FVG0", |l| {
            changed(l, |d| {
                let mut value = d.annotations.value();
                value["goaround.dev/action"] = "01JD79FVG00000000000000000:0123456789ab".into();
                value["goaround.dev/by"] = "ben".into();
                value["kubernetes.io/change-cause"] = "goaround: rolled back to 1.4".into();
                d.annotations = goaround::domain::cluster::Json::of(&value);
            });
        }),
        ("ReplicaSet is gone", |l| l.replica_sets.retain(|r| r.meta.uid.0 != "rs-api-bbb2")),
        ("a right was taken away", |l| l.allowed = false),
        ("the server refuses it now", |l| l.dry_run = DryRun::Refused("quota".into())),
        ("could not repeat the dry run", |l| l.dry_run = DryRun::Unavailable("a webhook".into())),
        ("could not repeat the dry run", |l| l.dry_run = DryRun::Pending),
    ];
    for (why, tamper) in cases {
        let mut story = Story::burning();
        story.tamper = Some(Box::new(tamper));
        story.approve();
        assert_eq!(course(&story), ["recheck"], "{why}");
        assert!(aborted(&story, "api").contains(why), "{why}: {}", aborted(&story, "api"));
        assert!(aborted(&story, "api").starts_with("nothing was sent"));
        // The card is void: what is drawn next is not armed, and has another look at everything.
        assert!(story.card("api").is_none_or(|c| c.gesture == goaround::engine::gate::Gesture::Idle));
    }
}

#[test]
fn a_config_map_that_changed_aborts_a_restore() {
    for live in [None, Some(content(&config_map("api-config", "timeout=9s", None)))] {
        let mut story = Story::config_edited(true);
        assert_eq!(story.proposal().analysis.offer, Offer::RestoreConfig);
        story.tamper = Some(Box::new(move |l| l.configs[0].1 = live.clone()));
        story.approve();
        assert_eq!(course(&story), ["recheck"]);
        assert!(aborted(&story, "api").contains("ConfigMap api-config changed"));
    }
}

#[test]
fn a_second_look_that_fails_or_comes_late_aborts() {
    let mut story = approved(&["recheck"]);
    let digest = story.running("api").digest.clone();
    story.event(Event::Rechecked(digest, Box::new(Err("connection refused".into()))));
    assert!(aborted(&story, "api").contains("connection refused"));
    // 30 s by either clock.
    for (wall, mono, late) in [(29, 29, false), (30, 0, true), (0, 30, true)] {
        let mut story = approved(&["recheck"]);
        story.now += TimeDelta::seconds(wall);
        story.mono += Duration::from_secs(mono);
        story.answer("recheck");
        assert_eq!(story.count("execute"), usize::from(!late), "wall {wall} s, monotonic {mono} s");
        assert_eq!(matches!(story.phase("api"), Phase::Aborted(_)), late);
    }
}

#[test]
fn what_the_watch_or_prometheus_saw_between_approval_and_second_look_aborts_too() {
    type Edit = fn(&mut Story);
    let edits: [(&str, Edit); 3] = [
        ("the burn is over", |s| s.heal("api")),
        ("a callee burns", |s| {
            s.workload_mut("web").burn(at("11:58:00"), 0.3);
            s.slos();
        }),
        ("the target is gone", |s| {
            s.workload_mut("api").sets.remove(1);
            s.objects();
        }),
    ];
    for (what, edit) in edits {
        let mut story = approved(&["recheck"]);
        edit(&mut story);
        story.pass(2);
        story.answer("recheck");
        assert_eq!((story.count("intent"), story.count("execute")), (0, 0), "{what}");
        assert!(aborted(&story, "api").starts_with("nothing was sent"), "{what}");
    }
}

#[test]
fn an_answer_to_an_older_second_look_is_dropped() {
    let mut story = approved(&["recheck"]);
    let effect = story.held.front().cloned();
    let Some(Effect::Recheck(digest, ..)) = effect else { panic!("a second look") };
    story.answer("recheck");
    assert_eq!(story.count("execute"), 1);
    story.event(Event::Rechecked(digest, Box::new(Err("late".into()))));
    assert_eq!(story.count("execute"), 1);
    assert_eq!(story.phase("api"), Phase::Stabilising);
}

// Two at the same time.

#[test]
fn two_intents_in_flight_are_each_sent_by_their_own_record() {
    // Whichever was approved first, and whichever record is durable first.
    for (first, second) in [("api", "web"), ("web", "api")] {
        for durable in ["api", "web"] {
            let mut story = two_burn(&["intent", "execute"]);
            story.approve_of(first);
            story.approve_of(second);
            assert_eq!((story.phase("api"), story.phase("web")), (Phase::Recording, Phase::Recording));
            let (this, other) = (durable, if durable == "api" { "web" } else { "api" });
            let id = story.action(this);
            story.event(Event::Recorded(Ticket::Intent(id.clone()), 7, "head".into()));
            assert_eq!(story.executions(), [id], "{first} was approved first");
            assert_eq!(story.phase(other), Phase::Recording, "the other record is not durable yet");
            let other = story.action(other);
            story.event(Event::RecordFailed(Ticket::Intent(other), "disk full".into()));
            assert_eq!(story.executions().len(), 1);
        }
    }
}

#[test]
fn the_answers_to_one_action_do_not_touch_the_other() {
    let mut story = two_burn(&["execute", "read_back"]);
    story.approve_of("api");
    story.approve_of("web");
    let (api, web) = (story.action("api"), story.action("web"));
    assert_ne!(api, web);
    story.event(Event::Called(web.clone(), 0, Called::Unknown("timeout".into())));
    assert_eq!(story.phase("api"), Phase::Executing);
    story.event(Event::Called(api.clone(), 0, Called::Done(Some(6))));
    assert_eq!(story.phase("api"), Phase::Stabilising);
    assert!(matches!(story.phase("web"), Phase::Unknown(_)));
    story.event(Event::ReadBack(api, Ok(1)));
    assert!(matches!(story.phase("web"), Phase::Unknown(_)));
    story.event(Event::ReadBack(web, Ok(1)));
    assert_eq!(story.phase("web"), Phase::Stabilising);
}

// Calls.

#[test]
fn a_refused_or_unsent_call_ends_the_action_as_not_executed() {
    for called in [Called::Refused("422 testing value failed".into()), Called::NotSent("no route".into())] {
        let mut story = Story::burning();
        story.calls.push_back(called);
        story.approve();
        assert!(aborted(&story, "api").starts_with("not executed"));
        let outcome = story.records("outcome").pop().expect("an outcome");
        assert_eq!((&outcome["done"], &outcome["unknown"]), (&0.into(), &false.into()));
        assert_eq!(
            story.state.journal.actions.last().and_then(|a| a.outcome.clone()).as_deref(),
            Some("not_executed")
        );
        assert_eq!(story.count("execute"), 1, "never again by itself");
        story.pass(60);
        assert_eq!(story.count("execute"), 1);
        assert!(story.card("api").is_some(), "it still burns: a new card, a new gesture");
    }
}

#[test]
fn an_unknown_outcome_is_read_back_until_it_is_known_and_nothing_else_happens_meanwhile() {
    let mut story = Story::burning();
    story.calls.push_back(Called::Unknown("504 Gateway Timeout".into()));
    story.approve();
    let action = story.action("api");
    story.pass(60);
    assert!((10..=14).contains(&story.count("read_back")), "every 5 s: {}", story.count("read_back"));
    // An answer that could not be had says nothing, but why.
    assert_eq!(story.phase("api"), Phase::Unknown("the API server does not answer".into()));
    assert!(story.card("api").is_none(), "no card");
    story.command(Command::Undo);
    story.turn_to("api");
    story.command(Command::Arm);
    story.pass(2);
    assert!(story.card("api").is_none(), "no way back of something unknown");
    assert_eq!(story.count("execute"), 1);
    // It did arrive.
    let call = story.sent[0].calls()[0].clone();
    story.write(&call.path, &call.body);
    story.objects();
    story.found = Some(1);
    story.pass(6);
    assert_eq!(story.phase("api"), Phase::Stabilising);
    let read = story.records("read_back").pop().expect("a record");
    assert_eq!((&read["action"], &read["found"]), (&action.0.into(), &true.into()));
}

#[test]
fn an_action_that_is_not_there_is_called_not_applied_only_after_the_server_gave_up() {
    let mut story = Story::burning();
    story.calls.push_back(Called::Unknown("connection lost".into()));
    story.approve();
    story.found = Some(0);
    story.pass(70);
    assert!(matches!(story.phase("api"), Phase::Unknown(_)), "the request may still arrive");
    assert!(story.card("api").is_none());
    story.pass(12);
    assert!(aborted(&story, "api").starts_with("not executed"));
    story.pass(2);
    assert!(story.card("api").is_some(), "now another proposal may be made");
}

#[test]
fn a_server_that_stood_still_and_goes_on_may_still_take_up_what_waited_for_it() {
    let mut story = Story::burning();
    story.calls.push_back(Called::Unknown("connection lost".into()));
    story.approve();
    // Neither this API server nor its etcd answers for longer than anybody would wait for a request.
    story.found = None;
    story.pass(200);
    assert!(matches!(story.phase("api"), Phase::Unknown(_)));
    // The read overtakes the write that stands before it in a queue.
    story.found = Some(0);
    story.pass(40);
    assert!(matches!(story.phase("api"), Phase::Unknown(_)), "the request may still arrive");
    story.event(Event::ReadBack(story.action("api"), Ok(1)));
    assert_eq!(story.phase("api"), Phase::Stabilising);

    let mut story = Story::burning();
    story.calls.push_back(Called::Unknown("connection lost".into()));
    story.approve();
    for answers in [Some(0), None, Some(0), None] {
        story.found = answers;
        story.pass(40);
        assert!(matches!(story.phase("api"), Phase::Unknown(_)), "it has not answered long enough");
    }
    story.found = Some(0);
    story.pass(60);
    assert!(aborted(&story, "api").starts_with("not executed"), "with faults stopped it ends");
}

#[test]
fn a_watch_that_lags_behind_a_read_back_is_no_sign_that_somebody_reverted_the_action() {
    let outcome = |found_at: Option<i64>| {
        let mut story = Story::burning();
        let generation = story.state.world.deployments[&key("api")].meta.generation;
        story.calls.push_back(Called::Unknown("connection lost".into()));
        story.approve();
        story.pass(30);
        // The API server was away, and so were its watches: they still show what was there before.
        if let Some(more) = found_at {
            story.event(Event::FoundAt(story.action("api"), generation + more));
        }
        story.event(Event::ReadBack(story.action("api"), Ok(1)));
        story.pass(40);
        story.phase("api")
    };
    assert_eq!(outcome(Some(1)), Phase::Stabilising, "the watch has not shown it yet");
    assert!(matches!(outcome(Some(0)), Phase::Closed(Outcome::RevertedBy(_))), "it shows what came after it");
}

#[test]
fn what_nobody_can_tell_stays_unknown_and_its_sentence_stands_on_the_screen_and_blocks() {
    let mut story = Story::burning();
    story.calls.push_back(Called::Unknown("connection lost".into()));
    story.approve();
    let why = || Clean::new("somebody else changed it since");
    let action = story.action("api");
    story.lost = Some(why());
    story.event(Event::ReadBack(action, Err(why())));
    story.pass(70);
    assert_eq!(story.phase("api"), Phase::Unknown(why()));
    assert!(story.card("api").is_none() && story.records("read_back").is_empty());
    // The server has given it up: there is a card again, and it says why it is blocked.
    story.pass(15);
    let blocks = &story.proposal().analysis.blocks;
    assert!(blocks.iter().any(|b| b.as_str().contains("must say it: somebody else changed it since")));
    assert!(story.records("read_back").is_empty());
    let past = story.state.journal.actions.last().expect("an action").clone();
    assert_eq!((past.unknown, past.executed, past.outcome), (true, false, None));
    // In the next session the way is blocked, with the same sentence.
    let past = PastAction {
        action: "01OLD".into(),
        workload: "shop/api".into(),
        ..story.state.journal.actions[0].clone()
    };
    let mut story = Story::told(vec![Workload::burning("api")], |s| s.past = vec![past].into());
    story.lost = Some(why());
    story.event(Event::ReadBack(goaround::engine::event::ActionId("01OLD".into()), Err(why())));
    let told = story.state.journal.actions.iter().map(|a| PastAction { unknown_why: None, ..a.clone() });
    story.event(Event::Past(told.collect::<Vec<_>>().into()));
    story.pass(2);
    let blocks = &story.proposal().analysis.blocks;
    let of = blocks.iter().find(|b| b.as_str().contains("01OLD")).expect("a block");
    assert!(of.as_str().ends_with("must say it: somebody else changed it since"), "{of}");
    story.approve();
    assert_eq!(story.count("recheck"), 0);
}

#[test]
fn an_unknown_outcome_of_an_earlier_session_blocks_until_it_is_read_back() {
    let past = PastAction {
        action: "01OLD".into(),
        time: at("11:59:30"),
        workload: "shop/api".into(),
        cluster: "c0ffee".into(),
        unknown: true,
        ..Default::default()
    };
    let mut story = Story::told(vec![Workload::burning("api")], |s| s.past = vec![past].into());
    story.approve();
    assert_eq!(story.count("recheck"), 0);
    assert!(story.count("read_back") > 0);
    story.found = Some(0);
    story.pass(10);
    story.approve();
    assert_eq!(story.count("recheck"), 0, "46 s after it was approved it may still arrive");
    story.pass(60);
    assert_eq!(story.records("read_back").len(), 1);
    story.approve();
    assert_eq!(story.count("recheck"), 1);
}

#[test]
fn an_unknown_outcome_on_a_deployment_that_is_gone_blocks_no_other_of_its_name() {
    let uid = story::deployment(&Workload::burning("api").deployment).meta.uid;
    for (of, blocked) in [(uid, true), (Uid("another".into()), false)] {
        let mut past = PastAction {
            action: "01OLD".into(),
            time: at("11:59:30"),
            workload: "shop/api".into(),
            cluster: "c0ffee".into(),
            unknown: true,
            ..Default::default()
        };
        past.watch.uid = of;
        let story = Story::told(vec![Workload::burning("api")], |s| s.past = vec![past].into());
        assert_eq!(!story.analysis("api").blocks.is_empty(), blocked);
    }
}

#[test]
fn an_intent_without_an_outcome_in_the_journal_is_an_unknown_one() {
    let mut story = approved(&["execute"]);
    let intent = story.records("intent").pop().expect("an intent");
    let read = past_actions([("intent", at("12:00:30"), &intent)].into_iter());
    assert!(read[0].unknown && !read[0].executed);
    assert_eq!(read[0].workload, "shop/api");
    story.answer("execute");
    let done = story.records("outcome").pop().expect("an outcome");
    let read =
        past_actions([("intent", at("12:00:30"), &intent), ("outcome", at("12:00:31"), &done)].into_iter());
    assert!(!read[0].unknown && read[0].executed);
}

// Partly done.

/// A restore of content whose second call, the restart, ends like this.
fn restored_and(called: Called) -> Story {
    partly(Story::config_edited(true), called)
}

/// The first of two calls is done, the second ends like this.
fn partly(mut story: Story, called: Called) -> Story {
    story.hold.insert("execute");
    story.approve();
    let Some(Effect::Execute(approved)) = story.held.pop_front() else { panic!("nothing was sent") };
    assert_eq!(approved.calls().len(), 2);
    let first = approved.calls()[0].clone();
    let done = story.write(&first.path, &first.body);
    story.hold.clear();
    story.event(Event::Called(approved.action().clone(), 0, done));
    story.config_maps();
    story.event(Event::Called(approved.action().clone(), 1, called));
    story
}

#[test]
fn a_restore_whose_restart_was_refused_is_partial_and_the_rest_is_offered() {
    let mut story = restored_and(Called::Refused("409".into()));
    assert!(aborted(&story, "api").starts_with("partial: 1 of 2 calls were done"));
    let past = story.state.journal.actions.last().expect("an action").clone();
    assert!(past.executed && !past.unknown);
    assert_eq!(past.outcome.as_deref(), Some("partial"));
    story.pass(20);
    let plan = story.proposal().analysis.plan.as_ref().expect("the rest");
    assert_eq!(plan.calls.len(), 1, "only the restart");
    assert!(plan.calls[0].path.ends_with("/deployments/api"));
    // Or the reverse.
    story.command(Command::Undo);
    story.pass(2);
    let plan = story.proposal().analysis.plan.as_ref().expect("the way back");
    assert_eq!(plan.calls.len(), 2);
    let body = plan.calls[0].body.to_string();
    assert!(plan.calls[0].path.ends_with("/configmaps/api-config") && body.contains("timeout=1s"), "{body}");
}

#[test]
fn what_the_rest_of_a_restore_leaves_is_what_changed_since_the_pods_that_serve_began() {
    // They began at 11:57, those before them yesterday.
    for (edited, left) in [("08:00:00", false), ("11:57:30", true)] {
        let mut api = Workload::restarted();
        let templates = api.sets.iter_mut().map(|s| &mut s["spec"]["template"]);
        for template in templates.chain([&mut api.deployment["spec"]["template"]]) {
            template["spec"]["containers"][0]["envFrom"] =
                serde_json::json!([{"secretRef": {"name": "keys"}}]);
        }
        let known = vec![story::known("timeout=5s")];
        let story = Story::told(vec![api, Workload::new("web")], |s| s.edited("11:56:00", known));
        let mut story = partly(story, Called::Refused("409".into()));
        story.pass(20);
        story.secret("keys", edited);
        story.pass(2);
        let plan = story.proposal().analysis.plan.as_ref().expect("the rest");
        assert_eq!(plan.not_restored.iter().any(|n| n.name == "keys"), left, "{edited}: {plan:?}");
    }
}

#[test]
fn the_rest_of_a_restore_is_the_content_that_was_approved_whatever_else_is_known() {
    let known = vec![story::seen("timeout=7s", "06:00:00", "07:00:00"), story::known("timeout=5s")];
    let story = Story::edited_and_restarted("11:56:00", known);
    let mut story = partly(story, Called::Refused("409".into()));
    story.pass(2);
    assert_eq!(story.proposal().analysis.plan.as_ref().expect("the rest").calls.len(), 1);
    // Somebody edits it once more.
    let now = story.now.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    story.configs.insert("api-config".into(), config_map("api-config", "timeout=9s", Some(&now)));
    story.config_maps();
    story.pass(3);
    let plan = story.proposal().analysis.plan.as_ref().expect("the rest");
    assert_eq!(plan.calls.len(), 2);
    let writes = plan.calls[0].body.as_array().expect("operations").iter().find(|o| o["op"] == "replace");
    assert_eq!(writes.expect("a write")["value"]["app.conf"], "timeout=5s");
}

#[test]
fn a_rollback_with_a_restore_that_was_done_in_part_can_be_finished_or_reversed() {
    let mut story = Story::told(vec![Workload::burning("api")], |s| {
        let edited = config_map("api-config", "timeout=1s", Some("2026-11-20T11:50:00Z"));
        s.configs.insert("api-config".into(), edited);
        s.known.insert("api-config".into(), vec![story::known("timeout=5s")]);
    });
    story.command(Command::AddRestore);
    story.pass(2);
    let mut story = partly(story, Called::Refused("409".into()));
    assert!(aborted(&story, "api").starts_with("partial"));
    story.pass(2);
    let plan = story.proposal().analysis.plan.as_ref().expect("the rest");
    assert_eq!((plan.offer, plan.calls.len()), (Offer::Rollback, 1));
    story.command(Command::Undo);
    story.pass(2);
    let plan = story.proposal().analysis.plan.as_ref().expect("the reverse");
    assert!(plan.calls[0].body.to_string().contains("timeout=1s"), "the content is put back");
}

#[test]
fn a_restore_whose_restart_is_not_there_after_an_unknown_outcome_is_partial_too() {
    let mut story = restored_and(Called::Unknown("504".into()));
    assert!(matches!(story.phase("api"), Phase::Unknown(_)));
    story.found = Some(1);
    story.pass(90);
    assert!(aborted(&story, "api").starts_with("partial"), "{}", aborted(&story, "api"));
    // The first call was answered: that somebody changed what it wrote does not undo that it was done.
    let mut changed = restored_and(Called::Unknown("504".into()));
    changed.found = Some(0);
    changed.pass(90);
    assert!(aborted(&changed, "api").starts_with("partial"), "{}", aborted(&changed, "api"));
    let past = story.state.journal.actions.last().expect("an action").clone();
    assert!(past.executed);
    assert_ne!(past.outcome.as_deref(), Some("not_executed"));
    let record = story.records("read_back").pop().expect("a record");
    assert_eq!(record["done"], 1, "the journal says so as well");
    story.pass(3);
    let plan = story.proposal().analysis.plan.as_ref().expect("the rest");
    assert_eq!(plan.calls.len(), 1);
}

#[test]
fn a_restore_whose_first_call_is_unknown_is_partial_or_not_executed_as_the_read_back_finds() {
    for arrived in [false, true] {
        let mut story = Story::config_edited(true);
        story.hold.insert("execute");
        story.approve();
        let Some(Effect::Execute(approved)) = story.held.pop_front() else { panic!("nothing was sent") };
        story.hold.clear();
        let first = approved.calls()[0].clone();
        if arrived {
            story.write(&first.path, &first.body);
            story.config_maps();
        }
        story.event(Event::Called(approved.action().clone(), 0, Called::Unknown("504".into())));
        story.found = Some(usize::from(arrived));
        story.pass(90);
        let expected = if arrived { "partial" } else { "not executed" };
        assert!(aborted(&story, "api").starts_with(expected), "{arrived}: {}", aborted(&story, "api"));
    }
}

// The process ends in the middle.

#[test]
fn of_an_action_that_is_taken_up_the_prediction_of_its_record_is_scored() {
    let mut story = approved(&["execute"]);
    let mut intent = story.records("intent").pop().expect("an intent");
    let told = |intent: &serde_json::Value| {
        let past = past_actions([("intent", at("12:00:30"), intent)].into_iter()).remove(0);
        Running::taken_up(&past, Offer::Rollback, key("api")).prediction
    };
    story.answer("execute");
    assert_eq!(told(&intent), story.running("api").prediction);
    intent["prediction"]["no_new_errors_from"] = "2026-11-20T12:34:56Z".into();
    assert_eq!(told(&intent).clean_from, at("12:34:56"));
}

#[test]
fn an_action_that_was_done_but_not_verified_is_taken_up_by_the_next_session() {
    let mut story = Story::burning();
    story.approve();
    assert_eq!(story.phase("api"), Phase::Stabilising);
    let action = story.action("api");
    let mut next = story.restarted();
    assert_eq!((next.action("api"), next.phase("api")), (action.clone(), Phase::Stabilising));
    assert!(next.card("api").is_none(), "what is being verified is not proposed again");
    next.controller("api", 3);
    next.heal("api");
    next.pass(90);
    assert_eq!(next.phase("api"), Phase::Closed(Outcome::Helped));
    let closed = next.records("closed");
    assert_eq!((closed.len(), &closed[0]["action"]), (1, &action.0.into()));
    assert_eq!(next.executions(), []);
    let later = next.restarted();
    assert!(later.records("closed").is_empty() && later.state.journal.actions[0].helped());
}

#[test]
fn an_intent_that_stands_on_the_server_is_verified_after_a_crash() {
    let mut story = Story::burning();
    story.hold.insert("execute");
    story.approve();
    let Some(Effect::Execute(approved)) = story.held.pop_front() else { panic!("nothing was sent") };
    // The server has it; the process never heard of it.
    story.write(&approved.calls()[0].path, &approved.calls()[0].body);
    let mut next = story.restarted();
    assert!(next.state.journal.actions[0].unknown);
    next.found = Some(1);
    next.pass(6);
    assert_eq!(next.records("read_back").len(), 1);
    assert_eq!(next.phase("api"), Phase::Stabilising);
    assert_eq!(next.executions(), []);
}

#[test]
fn an_action_that_nobody_could_verify_in_time_is_closed_as_inconclusive_once() {
    let mut story = Story::burning();
    story.approve();
    story.now += chrono::TimeDelta::minutes(40);
    let next = story.restarted();
    let closed = next.records("closed");
    assert_eq!((closed.len(), &closed[0]["outcome"]), (1, &"inconclusive".into()));
    assert!(next.restarted().records("closed").is_empty());
}

#[test]
fn what_was_done_in_part_is_known_to_be_so_by_the_next_session() {
    let next = restored_and(Called::Refused("a test failed".into())).restarted();
    let past = &next.state.journal.actions[0];
    assert!(past.partial() && past.executed && !past.unknown);
    assert!(next.incident("api").running.is_none());
}

#[test]
fn the_rest_is_offered_of_what_a_dead_session_did_in_part_while_it_is_as_it_was_left() {
    let next = restored_and(Called::Refused("a test failed".into())).restarted();
    let offered = |change: &dyn Fn(&mut State, PastAction)| {
        let mut state = next.state.clone();
        state.rest_offered.clear();
        state.incidents.get_mut(&key("api")).expect("it burns").wish = None;
        let past = state.journal.actions[0].clone();
        change(&mut state, past);
        let (at, mono) = (state.now + TimeDelta::seconds(1), state.mono + Duration::from_secs(1));
        step(&mut state, Stamped { at, mono, event: Event::Tick });
        let wish = &state.incidents[&key("api")].wish;
        wish.as_ref().is_some_and(|wish| wish.rest.is_some())
    };
    let as_it_is = |change: fn(&mut PastAction)| offered(&|state, _| change(&mut state.journal.actions[0]));
    assert!(as_it_is(|_| {}));
    assert!(!as_it_is(|a| a.outcome = Some("helped".into())), "nothing is left of it");
    assert!(!as_it_is(|a| a.own = true), "its own session does that");
    assert!(!as_it_is(|a| a.unknown = true), "what was done is not known");
    assert!(!as_it_is(|a| a.left_template = ContentDigest("sha256:other".into())), "something else serves");
    assert!(!offered(&|state, past| state.rest_offered.extend([past.action])), "once");
    // One that came since we began may have a process that lives, for a quarter of an hour.
    let began = next.state.journal.began.expect("it was read");
    for (seconds, wanted) in [(899, false), (900, true)] {
        let since = |state: &mut State, _| {
            state.journal.actions[0].time = began;
            state.now = began + TimeDelta::seconds(seconds - 1);
        };
        assert_eq!(offered(&since), wanted, "{seconds}");
    }
    for (seconds, workload, executed, wanted) in [
        (1, "shop/api", true, false),
        (-1, "shop/api", true, true),
        (1, "shop/api", false, true),
        (1, "shop/web", true, true),
    ] {
        let with = |state: &mut State, past: PastAction| {
            state.journal.actions.push(PastAction {
                action: "01ANOTHER".into(),
                time: past.time + TimeDelta::seconds(seconds),
                workload: workload.into(),
                executed,
                outcome: None,
                ..past
            });
        };
        assert_eq!(offered(&with), wanted, "{seconds} s later, {workload}, executed: {executed}");
    }
}

#[test]
fn a_rejection_holds_in_the_next_session() {
    let mut story = Story::burning();
    story.command(Command::Reject);
    story.type_text("not ours");
    story.command(Command::Submit);
    assert!(story.card("api").is_none());
    let mut next = story.restarted();
    next.pass(20);
    assert!(next.card("api").is_none());
    // Something else is offered: the template is another one by now.
    next.workload_mut("api").deployment["spec"]["template"]["metadata"]["labels"]["x"] = "y".into();
    next.workload_mut("api").sets[2]["spec"]["template"]["metadata"]["labels"]["x"] = "y".into();
    next.objects();
    next.pass(20);
    assert!(next.card("api").is_some());
}

#[test]
fn what_another_process_records_counts_here_and_does_not_touch_what_is_ours() {
    let mut story = Story::burning();
    story.approve();
    let ours = story.state.journal.actions.clone();
    let other = PastAction {
        action: "01OTHER".into(),
        time: at("12:00:20"),
        workload: "shop/web".into(),
        cluster: "c0ffee".into(),
        executed: true,
        ..Default::default()
    };
    // The journal has our intent only: our outcome is still on its way to the disk.
    let behind = PastAction { unknown: true, executed: false, own: false, ..ours[0].clone() };
    story.event(Event::Past(vec![behind, other].into()));
    assert_eq!(story.state.journal.actions.len(), 2);
    assert!(story.state.journal.actions.contains(&ours[0]));
    story.pass(3);
    assert!(!story.state.incidents.contains_key(&key("web")), "its own process verifies it");
}

// What is executed is what was approved.

fn without_stamp(call: &Call) -> Call {
    let mut call = call.clone();
    for operation in call.body.as_array_mut().expect("operations") {
        if operation["op"] == "test" {
            continue;
        }
        if let Some(map) = operation["value"].as_object_mut() {
            map.shift_remove(ACTION);
            map.shift_remove(BY);
        }
    }
    call
}

#[test]
fn the_calls_that_are_executed_are_those_of_the_card_but_for_the_stamp() {
    for mut story in [Story::burning(), Story::config_edited(true)] {
        let plan = story.proposal().analysis.plan.clone().expect("a plan");
        let digest = story.proposal().digest.clone();
        assert_eq!(digest, plan.digest("c0ffee"));
        story.approve();
        let approved = story.sent.pop().expect("it was sent");
        assert_eq!(*approved.digest(), digest);
        let bare: Vec<Call> = approved.calls().iter().map(without_stamp).collect();
        assert_eq!(bare, plan.calls);
        let last = approved.calls().last().expect("a call").body.to_string();
        assert!(last.contains(&format!("{}:{}", approved.action().0, digest.short())), "{last}");
        assert!(last.contains("\"goaround.dev/by\":\"ana\""));
        // The record holds the very calls that were sent.
        let intent = story.records("intent").pop().expect("an intent");
        let calls: Vec<serde_json::Value> =
            approved.calls().iter().map(goaround::domain::plan::call_json).collect();
        assert_eq!(intent["calls"], serde_json::Value::from(calls));
    }
}

#[test]
fn the_digest_depends_neither_on_the_approver_nor_on_figures() {
    let digest = Story::burning().proposal().digest.clone();
    let mut story = Story::empty(Default::default(), vec![Workload::burning("api"), Workload::new("web")]);
    story.begin();
    let bea = goaround::domain::cluster::Identity { user: Clean::new("bea"), groups: Vec::new() };
    story.signal(goaround::domain::signal::Signal::Identity(bea));
    story.workload_mut("api").history[1].total += 90_000.0;
    story.workload_mut("api").errors[0].2 = 0.35;
    story.workload_mut("api").burns[0] = 350.0;
    story.slos();
    story.pass(40);
    assert_eq!(story.proposal().digest, digest);
}

#[test]
fn the_digest_changes_with_every_fact_that_the_server_tests() {
    let digest = |change: fn(&mut Story)| {
        let story = Story::told(vec![Workload::burning("api"), Workload::new("web")], change);
        story.proposal().digest.clone()
    };
    let base = digest(|_| {});
    type Edit = fn(&mut Story);
    let edits: [(&str, Edit); 5] = [
        ("uid", |s| {
            let api = s.workload_mut("api");
            api.deployment["metadata"]["uid"] = "dep-2".into();
            for set in &mut api.sets {
                set["metadata"]["ownerReferences"][0]["uid"] = "dep-2".into();
            }
        }),
        ("template", |s| {
            let changed = template("api", "4.13", "5");
            s.workload_mut("api").deployment["spec"]["template"] = changed.clone();
            s.workload_mut("api").sets[2]["spec"]["template"] = changed;
        }),
        ("annotations", |s| {
            s.workload_mut("api").deployment["metadata"]["annotations"]["team"] = "shop".into();
        }),
        ("target's template", |s| {
            s.workload_mut("api").sets[1]["spec"]["template"]["spec"]["containers"][0]["image"] =
                "y:1".into();
        }),
        ("target's annotations", |s| {
            s.workload_mut("api").sets[1]["metadata"]["annotations"]["old"] = "yes".into();
        }),
    ];
    let mut seen = vec![base.clone()];
    for (what, edit) in edits {
        let other = digest(edit);
        assert!(!seen.contains(&other), "{what}");
        seen.push(other);
    }
    // Of a restore also each part of the ConfigMap.
    let restore = |edit: fn(&mut Story)| {
        let mut story = Story::config_edited(true);
        edit(&mut story);
        story.objects();
        story.pass(3);
        story.analysis("api").digest.clone().expect("a plan")
    };
    let base = restore(|_| {});
    assert_eq!(base, restore(|_| {}), "the same facts give the same digest");
    type Change = fn(&mut Story);
    let changes: [(&str, Change); 3] = [
        ("data", |s| {
            let map = s.configs.get_mut("api-config").expect("it");
            map["metadata"]["resourceVersion"] = "75".into();
            map["data"]["app.conf"] = "timeout=3s".into();
        }),
        ("binaryData", |s| {
            let map = s.configs.get_mut("api-config").expect("it");
            map["metadata"]["resourceVersion"] = "75".into();
            map["binaryData"] = serde_json::json!({"a": "AA=="});
        }),
        ("uid", |s| {
            let map = s.configs.get_mut("api-config").expect("it");
            map["metadata"]["resourceVersion"] = "75".into();
            map["metadata"]["uid"] = "cm-2".into();
        }),
    ];
    for (what, change) in changes {
        assert_ne!(base, restore(change), "{what}");
    }
}

#[test]
fn the_server_side_tests_of_the_patch_cover_uid_template_pause_and_annotations() {
    let story = Story::burning();
    let plan = story.proposal().analysis.plan.as_ref().expect("a plan");
    let body = plan.calls[0].body.as_array().expect("operations").clone();
    let tests: Vec<&str> =
        body.iter().filter(|o| o["op"] == "test").filter_map(|o| o["path"].as_str()).collect();
    assert_eq!(tests, ["/metadata/uid", "/spec/template", "/spec/paused", "/metadata/annotations"]);
    let at = |op: &str| body.iter().position(|o| o["op"] == op);
    let last_test = body.iter().rposition(|o| o["op"] == "test");
    assert!(last_test < at("replace"), "tests come first");
    assert!(!plan.changes.is_empty() && plan.changes.iter().all(|c| !diff::sentence(c).is_empty()));
}

// The way back.

#[test]
fn the_way_back_is_exempt_from_cool_down_and_needs_the_whole_gesture() {
    let mut story = rolled_out();
    story.command(Command::Undo);
    story.pass(2);
    let card = story.proposal();
    assert_eq!(card.analysis.undo_of.as_ref(), Some(&story.action("api").0));
    assert_eq!(card.analysis.target, Some(Uid("rs-api-ccc3".into())));
    assert!(!story.gate_line(Gate::SafeNow).contains("cool-down"), "{}", story.gate_line(Gate::SafeNow));
    assert_eq!(story.gate(Gate::Real), GateState::Unknown);
    assert_eq!(story.gate(Gate::Ours), GateState::Unknown);
    let first = story.action("api");
    let cause = |story: &Story| {
        let annotations = &story.workload("api").deployment["metadata"]["annotations"];
        annotations["kubernetes.io/change-cause"].as_str().expect("a cause").to_owned()
    };
    assert!(cause(&story).ends_with(", error budget burn"), "{}", cause(&story));
    story.approve_of("api");
    assert_eq!(story.executions().len(), 2);
    assert_ne!(story.action("api"), first);
    assert!(cause(&story).ends_with(&format!(", undo of {}", first.0)), "{}", cause(&story));
    let intent = story.records("intent").pop().expect("an intent");
    assert_eq!(intent["undo_of"], first.0.as_str());
    assert_eq!(story.workload("api").deployment["spec"]["template"], template("api", "4.12", "5"));
}

#[test]
fn another_action_within_the_cool_down_must_be_named_in_the_reason() {
    let mut story = rolled_out();
    story.pass(80);
    assert_eq!(outcome(&story), Some(Outcome::Helped));
    // Somebody rolls a bad version out again.
    let again = template("api", "4.13", "5");
    let now = story.now;
    story.workload_mut("api").revision(5, "eee5", again, &now.to_rfc3339());
    story.workload_mut("api").burn(now, 0.3);
    story.workload_mut("api").serve("eee5", &now.to_rfc3339(), None);
    story.objects();
    story.slos();
    story.pass(180);
    assert_eq!(story.gate(Gate::SafeNow), GateState::Fail);
    assert!(story.gate_line(Gate::SafeNow).contains("cool-down"), "{}", story.gate_line(Gate::SafeNow));
    assert!(story.proposal().analysis.blocks.is_empty(), "it does not disable");
    story.approve();
    assert_eq!(story.executions().len(), 2);
    assert!(story.records("intent")[1]["reason"].as_str().is_some_and(|why| why.contains("SAFE NOW")));
}

#[test]
fn target_good_of_a_way_back_compares_with_the_state_recorded_before_the_action() {
    let mut story = Story::burning();
    story.approve();
    story.controller("api", 3);
    story.heal("api");
    story.pass(5);
    story.command(Command::Undo);
    story.pass(3);
    let action = story.action("api").0;
    assert_eq!(story.gate(Gate::TargetGood), GateState::Pass);
    let line = story.gate_line(Gate::TargetGood);
    assert!(line.contains(&format!("the state recorded before {action}")), "{line}");
    assert_eq!(story.gate(Gate::Real), GateState::Unknown);
    // What it referred to is another content by now: that is not the state that was recorded.
    let now = story.now.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    story.configs.insert("api-config".into(), config_map("api-config", "timeout=9s", Some(&now)));
    story.config_maps();
    story.pass(3);
    assert_eq!(story.gate(Gate::TargetGood), GateState::Unknown);
    let line = story.gate_line(Gate::TargetGood);
    assert!(line.contains("as before, but ConfigMap api-config changed"), "{line}");
}

#[test]
fn a_way_back_need_not_wait_for_the_rollout_that_it_undoes_but_for_any_other() {
    let mut story = Story::burning();
    story.approve();
    story.controller("api", 1);
    story.pass(5);
    story.command(Command::Undo);
    story.pass(3);
    assert_eq!(story.proposal().analysis.undo_of.as_ref(), Some(&story.action("api").0));
    assert_eq!(story.gate(Gate::SafeNow), GateState::Pass, "{}", story.gate_line(Gate::SafeNow));
    // Somebody else rolls out meanwhile.
    let now = story.now.to_rfc3339();
    story.workload_mut("api").revision(5, "eee5", template("api", "4.13", "5"), &now);
    story.workload_mut("api").deployment["status"] = serde_json::json!({"observedGeneration": 9, "replicas": 4,
        "updatedReplicas": 1, "availableReplicas": 3});
    story.objects();
    story.pass(3);
    let line = story.gate_line(Gate::SafeNow);
    assert_eq!(story.gate(Gate::SafeNow), GateState::Fail, "{line}");
    assert!(line.contains("another rollout is under way (1 of 3 updated)"), "{line}");
}

#[test]
fn there_is_no_way_back_once_something_else_serves_or_the_revision_is_gone() {
    let says =
        |story: &Story, words: &str| story.state.log.iter().any(|line| line.text.as_str().contains(words));
    let mut story = rolled_out();
    let now = story.now.to_rfc3339();
    story.workload_mut("api").revision(5, "eee5", template("api", "4.13", "5"), &now);
    story.objects();
    story.command(Command::Undo);
    story.pass(2);
    assert!(story.card("api").is_none_or(|card| card.analysis.undo_of.is_none()));
    assert!(says(&story, "does not serve any more: there is no way back of it"));
    let mut story = rolled_out();
    story.workload_mut("api").sets.retain(|set| set["metadata"]["name"] != "api-ccc3");
    story.objects();
    story.command(Command::Undo);
    story.pass(2);
    assert!(story.card("api").is_none_or(|card| card.analysis.undo_of.is_none()));
    assert!(says(&story, "the revision that served before is gone"));
}

#[test]
fn only_one_way_back_is_offered_while_one_is_on_its_way() {
    let mut story = rolled_out();
    story.command(Command::Undo);
    story.pass(2);
    story.hold.insert("execute");
    story.approve_of("api");
    let way_back = story.action("api");
    assert_eq!(story.phase("api"), Phase::Executing);
    story.pass(5);
    assert!(story.card("api").is_none(), "no second card for the same way back");
    story.answer("execute");
    story.pass(5);
    assert!(story.card("api").is_none());
    assert_eq!(story.action("api"), way_back);
}

#[test]
fn a_way_back_that_was_asked_for_stays_when_the_verification_ends() {
    let mut story = rolled_out();
    story.workload_mut("api").verify = Some((800.0, 4_000.0));
    story.pass(50);
    story.command(Command::Undo);
    story.pass(2);
    story.arm();
    let digest = story.proposal().digest.clone();
    story.pass(30);
    assert_eq!(outcome(&story), Some(Outcome::NotHelped));
    assert_eq!(story.proposal().digest, digest, "the card does not run away from the hand");
    assert_eq!(story.proposal().analysis.undo_of.as_ref(), Some(&story.action("api").0));
}

#[test]
fn a_way_back_that_was_left_does_not_come_again_by_itself() {
    let mut story = rolled_out();
    story.command(Command::Undo);
    story.pass(2);
    assert!(story.card("api").is_some());
    story.command(Command::Back);
    story.pass(90);
    assert_eq!(outcome(&story), Some(Outcome::Helped));
    assert!(story.incident("api").wish.is_none() && story.card("api").is_none());
}

#[test]
fn an_action_whose_way_back_was_not_sent_is_watched_as_before() {
    let mut story = rolled_out();
    let first = story.action("api");
    story.command(Command::Undo);
    story.pass(2);
    story.tamper = Some(Box::new(|l| l.allowed = false));
    story.approve_of("api");
    assert_eq!(story.executions(), std::slice::from_ref(&first));
    assert_eq!((story.action("api"), story.phase("api")), (first, Phase::Verifying));
    assert!(story.records("closed").is_empty());
    story.tamper = None;
    story.pass(80);
    assert_eq!(outcome(&story), Some(Outcome::Helped));
}

#[test]
fn an_action_cannot_be_undone_while_it_is_being_sent() {
    for held in ["recheck", "intent", "execute"] {
        let mut story = approved(&[held]);
        let phase = story.phase("api");
        story.command(Command::Undo);
        story.pass(3);
        assert_eq!(story.phase("api"), phase);
        assert!(story.incident("api").wish.is_none(), "{held}");
        story.answer(held);
        assert_eq!(story.count("execute"), 1, "and goes on");
    }
}

#[test]
fn a_workload_on_which_nothing_was_done_has_no_way_back() {
    let mut story = Story::burning();
    story.command(Command::Undo);
    assert!(story.incident("api").wish.is_none());
    assert!(story.state.log.iter().any(|l| l.text.as_str().contains("nothing here that could be undone")));
}

#[test]
fn a_deployment_that_vanishes_after_the_approval_ends_the_action_instead_of_leaving_it_hanging() {
    for held in ["recheck", "intent", "execute"] {
        let mut story = approved(&[held]);
        story.workloads.retain(|w| w.name != "api");
        story.fact(ClusterFact::Deployments(Change::Deleted(key("api"), Uid("dep-api".into()))));
        story.pass(2);
        match held {
            "recheck" => {
                let digest = story.running("api").digest.clone();
                let gone = FreshLook {
                    deployment: None,
                    replica_sets: Vec::new(),
                    configs: Vec::new(),
                    dry_run: DryRun::Refused("not found".into()),
                    allowed: true,
                };
                story.event(Event::Rechecked(digest, Box::new(Ok(gone))));
            }
            _ => {
                story.hold.clear();
                story.answer(held);
            }
        }
        story.pass(2);
        assert!(story.running("api").over(), "{held}: {:?}", story.phase("api"));
    }
}

// Verification.

#[test]
fn the_outcome_follows_from_the_counts_since_the_rollout() {
    // In the incident about 2,000 of 10,000 failed; the objective allows 0.1 %.
    let helped = Some(Outcome::Helped);
    let (not, worse) = (Some(Outcome::NotHelped), Some(Outcome::Worse));
    for (bad, total, after, expected, what) in [
        (0.0, 4_000.0, 59, None, "a minute is the least"),
        (0.0, 4_000.0, 75, helped.clone(), "nothing fails any more"),
        (0.0, 99.0, 75, None, "100 requests are the least"),
        (0.0, 100.0, 75, helped.clone(), "100 requests are enough"),
        (3.0, 4_000.0, 75, helped.clone(), "within the objective"),
        (800.0, 4_000.0, 75, not.clone(), "as before"),
        (400.0, 4_000.0, 75, None, "half as many may be on its way down"),
        (2_400.0, 4_000.0, 75, worse.clone(), "three times as many"),
        (5.0, 4_000.0, 75, None, "just above: not sure yet"),
        (20.0, 100.0, 75, not.clone(), "few requests, and clearly no better"),
        (90.0, 100.0, 75, worse.clone(), "few requests, and clearly worse"),
    ] {
        let mut story = rolled_out();
        story.workload_mut("api").verify = Some((bad, total));
        story.pass(after - 2);
        assert_eq!(outcome(&story), expected, "{what}: {bad} of {total} after {after} s");
        let said = story.state.log.iter().rev().find(|line| line.source == "verify").map(|line| line.weight);
        let weight = if expected == helped { Weight::Good } else { Weight::Bad };
        assert!(expected.is_none() || said == Some(weight), "{what}: {said:?}");
    }
}

#[test]
fn pods_of_the_revision_that_was_left_are_waited_for_while_they_stop_for_half_a_minute() {
    for (phase, waited_for) in [("Running", true), ("Pending", true), ("Failed", false), ("Succeeded", false)]
    {
        let mut story = sent();
        let left = Pod {
            key: key("api-ccc3-left"),
            uid: Uid("pod-left".into()),
            replica_set: Some(Uid("rs-api-ccc3".into())),
            phase: Clean::new(phase),
            ..Pod::default()
        };
        story.controller("api", 3);
        story.fact(ClusterFact::Pods(Change::Applied(left)));
        story.pass(2);
        assert_eq!(story.phase("api") == Phase::Stabilising, waited_for, "{phase}");
        assert_eq!(story.running("api").waiting_for == "1 old pod is stopping", waited_for, "{phase}");
        story.pass(30);
        assert_eq!(story.phase("api"), Phase::Verifying, "{phase}");
    }
}

#[test]
fn without_a_burn_before_nothing_can_be_said_to_have_helped_or_not() {
    let story = rolled_out();
    let ended = story.running("api").rollout_ended.expect("it ended");
    let to = ended + TimeDelta::seconds(600);
    for (bad, words) in
        [(0.0, "INCONCLUSIVE: there was no burn to compare with"), (1.0, "NOT HELPED"), (5.0, "NOT HELPED")]
    {
        let mut running = story.running("api").clone();
        running.incident = Counts::new(bad, 100.0);
        let data = vec![story::nobody(0.0, 200.0)];
        let counts = Answered { data, from: ended, to, partial: None };
        let newest = Answered { data: 50.0, from: to - TimeDelta::seconds(30), to, partial: None };
        let mut judged = |now| verify::judge(&mut running, Some(&counts), Some(&newest), now);
        assert_eq!(judged(to - TimeDelta::milliseconds(1)), None);
        let outcome = judged(to);
        assert_eq!(outcome.map(|o| o.title()).as_deref(), Some(words), "{bad} of 100 before");
    }
}

#[test]
fn verification_gives_up_after_ten_minutes_with_the_reason() {
    for (verify, words) in [
        ((0.0, 20.0), "INCONCLUSIVE: too few requests within 10 min"),
        ((400.0, 4_000.0), "INCONCLUSIVE: better, but not surely within the objective"),
        ((5.0, 4_000.0), "INCONCLUSIVE: better, but not surely within the objective"),
        ((0.0, 0.0), "INCONCLUSIVE: too few requests within 10 min"),
    ] {
        let mut story = rolled_out();
        story.workload_mut("api").verify = Some(verify);
        story.pass(560);
        assert_eq!(outcome(&story), None);
        story.pass(60);
        assert_eq!(outcome(&story).map(|o| o.title()).as_deref(), Some(words));
    }
    let mut story = rolled_out();
    story.hold.insert("inquire");
    story.pass(620);
    assert_eq!(outcome(&story).map(|o| o.title()).as_deref(), Some("INCONCLUSIVE: no counts within 10 min"));
}

#[test]
fn where_no_requests_come_any_more_nobody_is_helped() {
    for again in [false, true] {
        let mut story = rolled_out();
        story.pass(20);
        let stopped = story.now;
        story.workload_mut("api").rate.push((stopped, 0.0));
        story.pass(120);
        let running = story.running("api");
        assert!(running.since.total > 100.0 && running.watched_for > TimeDelta::seconds(100), "{running:?}");
        let words = ", no request in the last 37 s";
        assert!(running.waiting_for.ends_with(words), "{}", running.waiting_for);
        let checks = verify::checks(running, &story.state.world, story.now);
        let requests = checks.iter().find(|c| c.name == "requests").expect("a check");
        assert!(!requests.holds && requests.seen.ends_with(words), "{requests:?}");
        if again {
            let now = story.now;
            story.workload_mut("api").rate.push((now, 40.0));
            story.pass(60);
            assert_eq!(outcome(&story), Some(Outcome::Helped));
        } else {
            story.pass(480);
            let inconclusive = Outcome::Inconclusive(Clean::new("no requests come any more"));
            assert_eq!(outcome(&story), Some(inconclusive));
        }
    }
}

#[test]
fn whether_requests_still_come_is_not_told_by_an_old_answer() {
    let story = rolled_out();
    let ended = story.running("api").rollout_ended.expect("it ended");
    let to = ended + TimeDelta::seconds(600);
    let counts = Answered { data: vec![story::nobody(0.0, 9_000.0)], from: ended, to, partial: None };
    let unknown = Outcome::Inconclusive(Clean::new("whether requests still come is not known"));
    for (requests, age, outcome) in [
        (1.0, 30, Outcome::Helped),
        (1.0, 31, unknown.clone()),
        (0.9, 0, Outcome::Inconclusive(Clean::new("no requests come any more"))),
    ] {
        let at = to - TimeDelta::seconds(age);
        let newest = Answered { data: requests, from: at - TimeDelta::seconds(38), to: at, partial: None };
        let mut running = story.running("api").clone();
        assert_eq!(verify::judge(&mut running, Some(&counts), Some(&newest), to), Some(outcome), "{age} s");
    }
    assert_eq!(verify::judge(&mut story.running("api").clone(), Some(&counts), None, to), Some(unknown));
}

#[test]
fn counts_of_which_a_part_is_missing_judge_nothing_and_say_so() {
    for total in [400.0, 40_000.0] {
        // Much better, and much worse.
        for bad in [0.0, 400.0] {
            let mut story = rolled_out();
            story.workload_mut("api").verify = Some((bad, total));
            story.partial = Some(Clean::new("store 3 did not answer"));
            story.pass(300);
            assert_eq!(outcome(&story), None, "{bad} of {total}");
            assert_eq!(story.running("api").waiting_for, "partial data: store 3 did not answer");
            let mut whole = story;
            whole.pass(320);
            let inconclusive = Outcome::Inconclusive(Clean::new("partial data: store 3 did not answer"));
            assert_eq!(outcome(&whole), Some(inconclusive));
        }
    }
    // Once all of them answer, it is judged.
    let mut story = rolled_out();
    story.partial = Some(Clean::new("store 3 did not answer"));
    story.pass(120);
    story.partial = None;
    story.pass(120);
    assert_eq!(outcome(&story), Some(Outcome::Helped));
}

#[test]
fn gates_that_rest_on_counts_are_unknown_while_a_part_of_the_data_is_missing() {
    let gates = |story: &Story| {
        let all = story.proposal().analysis.gates.clone();
        [Gate::Ours, Gate::TargetGood].map(|g| all.iter().find(|r| r.gate == g).expect("a gate").clone())
    };
    let whole = Story::burning();
    assert!(gates(&whole).iter().all(|g| g.state == GateState::Pass), "{:?}", gates(&whole));
    let partial = Story::told(vec![Workload::burning("api")], |s| s.partial = Some("store 3 is away".into()));
    for gate in gates(&partial) {
        assert_eq!(gate.state, GateState::Unknown, "{gate:?}");
        assert!(gate.line.as_str().starts_with("partial data (store 3 is away): "), "{gate:?}");
    }
}

#[test]
fn windows_that_still_remember_the_incident_are_no_failure() {
    let mut story = rolled_out();
    // The page fires and the 5 m window shows 28 % for minutes after the last error.
    story.workload_mut("api").burns[0] = 280.0;
    story.slos();
    story.pass(80);
    assert!(story.workload("api").burning);
    assert_eq!(outcome(&story), Some(Outcome::Helped));
    let closed = story.records("closed").pop().expect("a record");
    assert_eq!(closed["outcome"], "helped");
    assert_eq!(closed["since_rollout"]["bad"], 0.0);
}

#[test]
fn whoever_puts_it_back_is_named() {
    // In the rollout and while it is verified, in the template.
    for mut story in [sent(), rolled_out()] {
        let back = template("api", "4.12", "5");
        let api = story.workload_mut("api");
        api.deployment["spec"]["template"] = back;
        api.deployment["metadata"]["generation"] = 9.into();
        api.deployment["metadata"]["managedFields"] = serde_json::json!([{"manager": "argocd-controller",
            "operation": "Apply", "time": "2026-11-20T12:02:00Z",
            "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {}}}}}}]);
        story.objects();
        story.pass(1);
        assert_eq!(outcome(&story), Some(Outcome::RevertedBy("argocd-controller (client)".into())));
    }
    // Re-created or deleted.
    let mut story = rolled_out();
    story.workload_mut("api").deployment["metadata"]["uid"] = "dep-2".into();
    story.objects();
    story.pass(1);
    assert!(matches!(outcome(&story), Some(Outcome::RevertedBy(_))));
}

#[test]
fn a_restored_config_map_that_is_edited_again_is_reverted_by_its_editor() {
    let mut story = Story::config_edited(true);
    story.approve();
    let now = story.now;
    story.workload_mut("api").errors[0].1 = now;
    story.controller("api", 3);
    story.pass(3);
    assert_eq!(story.phase("api"), Phase::Verifying, "{:?}", story.running("api").waiting_for);
    let mut again = config_map("api-config", "timeout=1s", Some("2026-11-20T12:02:00Z"));
    again["metadata"]["resourceVersion"] = "88".into();
    story.configs.insert("api-config".into(), again);
    story.config_maps();
    story.pass(2);
    assert_eq!(
        outcome(&story),
        Some(Outcome::RevertedBy("kubectl-edit (client), ConfigMap api-config".into()))
    );
}

#[test]
fn the_content_from_before_the_restore_is_taken_for_old_news_for_twenty_seconds() {
    let mut story = Story::config_edited(true);
    let mut before = story.configs["api-config"].clone();
    story.approve();
    let now = story.now;
    story.workload_mut("api").errors[0].1 = now;
    story.controller("api", 3);
    story.pass(3);
    assert_eq!(story.phase("api"), Phase::Verifying, "{:?}", story.running("api").waiting_for);
    before["metadata"]["resourceVersion"] = "88".into();
    story.configs.insert("api-config".into(), before);
    story.config_maps();
    let sent = story.running("api").sent.expect("it was sent");
    while story.now - sent < TimeDelta::seconds(19) {
        story.pass(1);
    }
    assert_eq!(story.now - sent, TimeDelta::seconds(19));
    assert_eq!(outcome(&story), None);
    story.pass(1);
    assert!(matches!(outcome(&story), Some(Outcome::RevertedBy(_))), "{:?}", outcome(&story));
}

#[test]
fn a_rollout_that_does_not_finish_is_inconclusive_and_says_why() {
    let mut story = sent();
    story.controller("api", 1);
    story.pass(30);
    assert_eq!(story.phase("api"), Phase::Stabilising, "it may take its time");
    story.workload_mut("api").deployment["status"]["conditions"] = serde_json::json!([{"type": "Progressing",
        "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}]);
    story.objects();
    story.pass(1);
    let words = outcome(&story).map(|o| o.title()).unwrap_or_default();
    assert!(words.starts_with("INCONCLUSIVE") && words.contains("ProgressDeadlineExceeded"), "{words}");
}

#[test]
fn the_watch_may_lag_behind_our_own_write() {
    let mut story = sent();
    // The watch still shows the Deployment as it was: nobody reverted anything.
    let shown = story.workload("api").deployment.clone();
    let mut old = shown.clone();
    old["spec"]["template"] = template("api", "4.12", "5");
    old["metadata"]["generation"] = 5.into();
    story.fact(ClusterFact::Deployments(Change::Applied(story::deployment(&old))));
    story.pass(15);
    assert_eq!(story.phase("api"), Phase::Stabilising);
}

#[test]
fn what_helped_marks_the_revision_that_it_left_and_it_is_not_offered_again() {
    let mut story = rolled_out();
    story.pass(80);
    assert_eq!(outcome(&story), Some(Outcome::Helped));
    let rows = &story.analysis("api").rows;
    let left = rows.iter().find(|r| r.uid.0 == "rs-api-ccc3").expect("the bad one");
    assert!(matches!(left.mark, goaround::engine::revisions::Mark::RolledBack(_)));
    story.pass(5);
    assert_eq!(story.executions().len(), 1);
}

// Determinism.

#[test]
fn the_same_events_give_the_same_states_and_effects() {
    let mut story = two_burn(&[]);
    let setup = story.state.setup.clone();
    story.turn_to("api");
    story.command(Command::Evidence);
    story.command(Command::Back);
    story.approve();
    let now = story.now;
    story.workload_mut("api").errors[0].1 = now;
    story.controller("api", 3);
    story.pass(80);
    assert_eq!(outcome(&story), Some(Outcome::Helped));
    let mut again = goaround::engine::State::new(setup, at("12:00:00"));
    again.view.screen = Screen::Card(key("api"));
    for (n, (stamped, effects)) in story.trace.iter().enumerate() {
        assert_eq!(step(&mut again, stamped.clone()), *effects, "event {n}: {stamped:?}");
    }
    assert_eq!(again, story.state);
}

/// Something that may happen in any order, at any time, told twice or never.
#[derive(Clone, Debug)]
enum Chance {
    Answer(usize),
    Drop(usize),
    Repeat(usize),
    Pass(i64),
    Fail(usize),
    Key(Command),
    Approve(bool),
    Controller,
    Edit,
    Found(Option<usize>),
}

fn chance() -> impl Strategy<Value = Chance> {
    let keys = prop::sample::select(vec![
        Command::Undo,
        Command::Arm,
        Command::Reject,
        Command::Wait,
        Command::Back,
        Command::Submit,
        Command::AddRestore,
        Command::Char('x', 1),
    ]);
    prop_oneof![
        16 => (0_usize..8).prop_map(Chance::Answer),
        1 => (0_usize..8).prop_map(Chance::Drop),
        1 => (0_usize..8).prop_map(Chance::Repeat),
        3 => (1_i64..90).prop_map(Chance::Pass),
        1 => (0_usize..8).prop_map(Chance::Fail),
        2 => keys.prop_map(Chance::Key),
        5 => any::<bool>().prop_map(Chance::Approve),
        1 => Just(Chance::Controller),
        1 => Just(Chance::Edit),
        1 => prop::sample::select(vec![None, Some(1), Some(0)]).prop_map(Chance::Found),
    ]
}

#[test]
fn in_any_order_of_answers_each_execution_follows_its_own_durable_intent_and_happens_once() {
    let config = proptest::test_runner::Config { cases: 60, failure_persistence: None, ..Default::default() };
    let executed = std::cell::Cell::new(0_usize);
    proptest!(config, |(chances in prop::collection::vec(chance(), 1..40))| {
        let mut story = two_burn(&["recheck", "intent", "execute", "read_back"]);
        story.hold.insert("dry_run");
        for chance in chances {
            match chance {
                Chance::Answer(n) if !story.held.is_empty() => {
                    let n = n % story.held.len();
                    story.held.swap(0, n);
                    let what = kind(&story.held[0]);
                    story.answer(what);
                }
                Chance::Drop(n) if !story.held.is_empty() => {
                    let n = n % story.held.len();
                    story.held.remove(n);
                }
                Chance::Repeat(n) if !story.held.is_empty() => {
                    let again = story.held[n % story.held.len()].clone();
                    story.held.push_back(again);
                }
                Chance::Fail(n) if !story.held.is_empty() => {
                    let n = n % story.held.len();
                    if let Some(Effect::Record { ticket, .. }) = story.held.remove(n) {
                        story.event(Event::RecordFailed(ticket, "disk full".into()));
                    }
                }
                Chance::Pass(seconds) => story.jump(seconds),
                Chance::Key(command) => story.command(command),
                Chance::Approve(api) => {
                    let name = if api { "api" } else { "web" };
                    if story.state.incidents.contains_key(&key(name)) && story.card(name).is_some() {
                        story.turn_to(name);
                        story.approve_if_it_arms();
                    }
                }
                Chance::Controller => story.controller("api", 3),
                Chance::Edit => {
                    story.workload_mut("api").deployment["metadata"]["annotations"]["note"] = "x".into();
                    story.objects();
                }
                Chance::Found(found) => story.found = found,
                _ => {}
            }
        }
        // An execution needs its own intent's record to have been told durable before it, and comes once.
        let mut durable = Vec::new();
        let mut sent = Vec::new();
        for (stamped, effects) in &story.trace {
            if let Event::Recorded(Ticket::Intent(id), ..) = &stamped.event { durable.push(id.clone()); }
            for effect in effects {
                if let Effect::Execute(approved) = effect {
                    prop_assert!(durable.contains(approved.action()), "sent without a record");
                    prop_assert!(!sent.contains(approved.action()), "sent twice");
                    sent.push(approved.action().clone());
                }
            }
        }
        executed.set(executed.get() + sent.len());
    });
    assert!(executed.get() > 20, "the property was tried on executions: {}", executed.get());
}

#[test]
fn a_workload_without_pod_labels_is_verified_as_well() {
    let mut api = Workload::burning("api");
    api.split = Split::NoPods;
    let mut story = Story::told(vec![api], |_| {});
    story.approve();
    assert_eq!(story.count("execute"), 1, "{:?}", story.proposal().note);
    let now = story.now;
    story.workload_mut("api").errors[0].1 = now;
    story.controller("api", 3);
    story.pass(80);
    assert_eq!(outcome(&story), Some(Outcome::Helped));
    let counted: Counts = story.running("api").since;
    assert!(counted.total > 100.0 && counted.bad == 0.0);
    assert!(story.running("api").since.total < 40.0 * Window::minutes(10).secs_f64());
}

// Which workload.

/// The SLO of `api`, burning, with a service that names nothing, as `change` has it.
fn tell_slo(story: &mut Story, change: impl Fn(&mut goaround::domain::slo::Slo)) {
    let mut slo = story.state.world.slos.values().next().expect("an SLO").clone();
    slo.service = Clean::new("requests");
    change(&mut slo);
    story.event(Event::Signal(goaround::domain::signal::Signal::Slos(vec![slo])));
}

fn mapped(story: &Story) -> Option<String> {
    let found = story.state.mapped.values().next()?;
    found.as_ref().ok().map(|(key, how)| format!("{} {}", key.name, how.words()))
}

#[test]
fn an_slo_is_mapped_anew_when_the_rules_or_labels_that_map_it_are_learnt_later() {
    use goaround::domain::slo::Sli;
    let mut story = Story::told(vec![Workload::burning("api"), Workload::new("web")], |_| ());
    let known = story.state.world.slos.values().next().expect("an SLO").sli.clone();
    let rule = |name: &str| [(Clean::new("deployment"), Clean::new(name))].into();
    tell_slo(&mut story, |slo| slo.sli = Sli::Unknown);
    assert_eq!(mapped(&story), None, "nothing says which");
    tell_slo(&mut story, |slo| slo.sli = known.clone());
    assert_eq!(mapped(&story).as_deref(), Some("api by the SLI's job=api"));
    assert!(story.card("api").is_some());
    // The alert rule says otherwise, and comes first: nothing is offered where it was mapped by mistake.
    tell_slo(&mut story, |slo| slo.rule_labels = rule("web"));
    assert_eq!(mapped(&story).as_deref(), Some("web by label deployment=web"));
    assert!(
        !story.state.incidents.contains_key(&key("api")) && story.state.incidents.contains_key(&key("web"))
    );
    assert!(!story.records("withdrawn").is_empty());
    // Labels of the series.
    tell_slo(&mut story, |slo| slo.labels = rule("api"));
    assert_eq!(mapped(&story).as_deref(), Some("api by label deployment=api"));
}

#[test]
fn an_slo_is_mapped_anew_when_a_deployment_gets_the_label_that_its_sli_names() {
    let mut story = Story::told(vec![Workload::burning("api")], |_| ());
    let text = "sum(rate(r_total{app=\"orders\",code=\"500\"}[5m])) / sum(rate(r_total{app=\"orders\"}[5m]))";
    let sli = goaround::domain::sli::understand(text).expect("an SLI");
    tell_slo(&mut story, |slo| slo.sli = goaround::domain::slo::Sli::Understood(Box::new(sli.clone())));
    assert_eq!(mapped(&story), None);
    story.workloads[0].deployment["spec"]["template"]["metadata"]["labels"]["app"] = "orders".into();
    let labelled = story::deployment(&story.workloads[0].deployment);
    story.fact(ClusterFact::Deployments(Change::Applied(labelled)));
    story.jump(2);
    assert_eq!(mapped(&story).as_deref(), Some("api by the SLI's app=orders"));
}

#[test]
fn the_past_that_the_chart_shows_is_asked_for_when_it_is_looked_at() {
    let mut story = Story::burning();
    let selected = goaround::engine::view::selected_slo(&story.state);
    assert_eq!(selected.expect("the most urgent one").0.as_str(), "api-availability");
    let past = |story: &Story| {
        let study = story.state.studies.values().find_map(|s| s.past.clone());
        study.map(|p| ((p.to - p.from).num_days(), p.data.0.len()))
    };
    assert_eq!(past(&story), None, "an hour is counted anyway");
    story.state.view.screen = Screen::Main;
    story.command(Command::Range(3));
    story.pass(20);
    assert_eq!(past(&story), Some((7, 240)));
}

// Single reads.

#[test]
fn one_read_that_failed_is_said_once_and_is_not_the_health_of_its_kind() {
    use goaround::domain::signal::{Signal, Source};
    let mut story = Story::burning();
    let source = Source::Kind("configmaps");
    assert!(story.state.world.reads("configmaps"));
    for name in ["a", "b", "a", "b"] {
        story.event(Event::Signal(Signal::Failed(
            source,
            Clean::new(format!("ConfigMap shop/{name}: timeout")),
        )));
    }
    assert!(story.state.world.reads("configmaps"), "the watch goes on");
    let said = story.state.log.iter().filter(|line| line.source == "configmaps").count();
    assert_eq!(said, 2);
}

#[test]
fn a_config_map_whose_second_read_failed_is_read_again_until_the_content_is_the_versions() {
    let mut story = Story::burning();
    let reads = story.count("read_config");
    story.pass(40);
    assert_eq!(story.count("read_config"), reads, "each version is read once");
    // It is edited, and the read of that is lost.
    story.hold.insert("read_config");
    story.configs.insert("api-config".into(), edited("timeout=9s", "71"));
    story.config_maps();
    story.pass(5);
    assert_eq!(story.count("read_config"), reads + 1);
    story.held.clear();
    story.hold.clear();
    assert_eq!(
        story.state.world.contents[&key("api-config")].as_ref().expect("content").resource_version,
        "70"
    );
    story.pass(15);
    assert_eq!(story.count("read_config"), reads + 2);
    assert_eq!(
        story.state.world.contents[&key("api-config")].as_ref().expect("content").resource_version,
        "71"
    );
    story.pass(40);
    assert_eq!(story.count("read_config"), reads + 2);
}

fn edited(text: &str, version: &str) -> serde_json::Value {
    let mut map = config_map("api-config", text, Some("2026-11-20T12:01:00Z"));
    map["metadata"]["resourceVersion"] = version.into();
    map
}

#[test]
fn a_review_of_rights_that_failed_is_asked_again_soon() {
    let mut story = Story::empty(Default::default(), vec![Workload::burning("api")]);
    story.hold.insert("rights");
    story.begin();
    story.pass(20);
    assert!(story.count("rights") >= 2, "{}", story.count("rights"));
    story.answer("rights");
    let asked = story.count("rights");
    story.hold.clear();
    story.pass(40);
    assert_eq!(story.count("rights"), asked);
}
