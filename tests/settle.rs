//! An outcome that is unknown is read back; where nothing can tell any more, a named person says what happened, the word
//! counts once it is on the disk, and the workload can be acted on again. And what a killed session left half done.

#[path = "common/story.rs"]
mod story;

use goaround::domain::clean::Clean;
use goaround::domain::verdict::Outcome;
use goaround::engine::Effect;
use goaround::engine::Event;
use goaround::engine::event::{Called, Command, Ticket};
use goaround::engine::gate::Gesture;
use goaround::engine::record::{PastAction, Word, past_actions};
use goaround::engine::verify::Phase;
use goaround::shell::history;
use goaround::shell::journal::{self, Journal};
use story::{Story, at, content, key};

const WORD: &str = "the write arrived; ben rolled it forward by hand at 12:03";

fn gone() -> Clean {
    "somebody else changed it since".into()
}

/// A rollback whose answer was lost, and whose traces somebody has removed.
fn lost() -> Story {
    let mut story = Story::burning();
    story.calls.push_back(Called::Unknown("connection lost".into()));
    story.approve();
    story.lost = Some(gone());
    story.pass(90);
    story
}

fn blocks(story: &Story) -> Vec<String> {
    story.proposal().analysis.blocks.iter().map(ToString::to_string).collect()
}

fn past(story: &Story) -> &PastAction {
    &story.state.journal.actions[0]
}

/// The key, words, enter.
fn says(story: &mut Story, words: &str) {
    story.command(Command::Settle);
    story.type_text(words);
    story.command(Command::Submit);
}

#[test]
fn where_nothing_can_tell_a_named_person_does_and_the_workload_can_be_acted_on_again() {
    let mut story = lost();
    let first = past(&story).action.clone();
    assert!(blocks(&story).iter().any(|b| b.contains(&first) && b.contains("whoever knows it must say it")));
    story.approve_if_it_arms();
    assert_eq!(story.count("execute"), 1, "blocked");
    says(&mut story, WORD);
    let record = story.records("read_back").pop().expect("a record");
    assert_eq!((&record["action"], &record["unknown"]), (&first.clone().into(), &false.into()));
    assert_eq!((&record["by"], &record["word"]), (&"ana".into(), &WORD.into()));
    assert!(record["done"].is_null(), "what nobody counted is not recorded as a number");
    let word = Word { by: "ana".into(), text: WORD.into() };
    assert_eq!((past(&story).unknown, past(&story).word.clone()), (false, Some(word)));
    assert_eq!(past(&story).outcome.as_deref(), Some("inconclusive"));
    story.pass(3);
    assert_eq!(blocks(&story), Vec::<String>::new());
    story.approve();
    assert_eq!(story.executions().len(), 2);
    assert_eq!(story.records("read_back").len(), 1);
}

#[test]
fn no_single_key_no_empty_field_and_no_single_word_settles_anything() {
    let mut story = lost();
    for words in ["", "   ", "done", " done "] {
        says(&mut story, words);
        assert!(matches!(story.proposal().gesture, Gesture::Settling(_)), "{words:?}");
        assert!(story.proposal().note.is_some());
        story.command(Command::Back);
        assert_eq!(story.proposal().gesture, Gesture::Idle);
    }
    story.command(Command::Submit);
    assert!(past(&story).unknown && story.records("read_back").is_empty());
}

#[test]
fn while_it_can_be_read_back_no_word_is_taken() {
    // The API server does not answer; it says that it is not there yet; nothing is unknown at all.
    for (found, unknown) in [(None, true), (Some(0), true), (Some(0), false)] {
        let old = PastAction {
            action: "01OLD".into(),
            time: at("11:59:50"),
            workload: "shop/api".into(),
            cluster: "c0ffee".into(),
            unknown,
            ..PastAction::default()
        };
        let mut story = Story::told(vec![story::Workload::burning("api")], |s| {
            s.past = vec![old].into();
            s.found = found;
        });
        says(&mut story, WORD);
        assert_eq!(story.proposal().gesture, Gesture::Idle, "{found:?}");
        assert!(story.proposal().note.is_some(), "it says why");
        assert!(story.records("read_back").is_empty());
    }
    // It could not tell at one moment, and cannot be asked at the next.
    let mut story = lost();
    story.lost = None;
    story.pass(10);
    says(&mut story, WORD);
    assert!(past(&story).unknown && story.records("read_back").is_empty());
}

#[test]
fn a_call_that_may_still_arrive_is_not_settled() {
    let mut story = Story::burning();
    story.calls.push_back(Called::Unknown("connection lost".into()));
    story.approve();
    story.lost = Some(gone());
    story.pass(60);
    says(&mut story, WORD);
    assert!(matches!(story.phase("api"), Phase::Unknown(_)) && story.records("read_back").is_empty());
}

#[test]
fn a_word_counts_only_once_it_is_on_the_disk() {
    let mut story = lost();
    story.hold.insert("note");
    says(&mut story, WORD);
    assert!(past(&story).unknown);
    assert!(!blocks(&story).is_empty());
    let Some(Effect::Record { ticket, .. }) = story.held.pop_front() else { panic!("a record") };
    assert!(matches!(ticket, Ticket::Word(..)));
    story.event(Event::RecordFailed(ticket, "disk full".into()));
    story.pass(2);
    assert!(past(&story).unknown, "it was not recorded");
    story.approve_if_it_arms();
    assert_eq!(story.count("execute"), 1);
}

#[test]
fn what_is_read_back_while_the_word_is_written_stands() {
    let mut story = lost();
    story.hold.insert("note");
    says(&mut story, WORD);
    let Some(Effect::Record { ticket, body, .. }) = story.held.pop_front() else { panic!("a record") };
    story.lost = None;
    story.found = Some(1);
    story.pass(6);
    story.event(Event::Recorded(ticket, 9, "head".into()));
    assert!(!past(&story).unknown && past(&story).executed);
    assert_eq!(past(&story).word, None);
    // So does the next session, whichever came first to the disk.
    let intent = story.records("intent").remove(0);
    let read = story.records("read_back").pop().expect("what was read");
    let records = [("intent", &intent), ("read_back", &read), ("read_back", &body)];
    let next = past_actions(records.into_iter().map(|(kind, body)| (kind, at("12:00:00"), body))).remove(0);
    assert!(next.executed && next.word.is_none() && next.outcome.is_none());
}

#[test]
fn other_sessions_learn_the_word_from_the_journal() {
    let mut story = lost();
    let intent = story.records("intent").remove(0);
    let unknown = story.records("outcome").remove(0);
    let word =
        serde_json::json!({"action": past(&story).action, "unknown": false, "by": "ben", "word": WORD});
    let records = [("intent", &intent), ("outcome", &unknown), ("read_back", &word)];
    let told = past_actions(records.into_iter().map(|(kind, body)| (kind, at("12:00:30"), body)));
    story.event(Event::Past(told.into()));
    story.pass(3);
    assert_eq!(blocks(&story), Vec::<String>::new());
    assert_eq!(past(&story).word.as_ref().map(|w| w.by.as_str()), Some("ben"));
    assert!(story.records("read_back").is_empty());
}

#[test]
fn history_and_post_mortem_quote_the_word_and_who_gave_it() {
    let mut story = lost();
    says(&mut story, WORD);
    let temp = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(temp.path()).expect("a journal");
    for kind in ["intent", "outcome", "read_back"] {
        for body in story.records(kind) {
            journal.append(story.now, kind, &body).expect("a record");
        }
    }
    let rows = history::rows(&journal::read(temp.path()));
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["outcome"], "inconclusive");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_goaround"));
        let output = command.args(arguments).env("GOAROUND_STATE_DIR", temp.path()).output().expect("a run");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for arguments in [&["history"][..], &["audit", "export"], &["audit", "export", "-o", "json"]] {
        let told = run(arguments);
        assert!(told.contains(WORD) && told.contains("ana"), "{arguments:?}:\n{told}");
    }
}

// What a killed session left.

#[test]
fn an_answer_that_comes_after_the_one_that_decided_changes_and_records_nothing() {
    let mut story = Story::burning();
    story.calls.push_back(Called::Unknown("connection lost".into()));
    story.approve();
    let action = story.action("api");
    story.event(Event::ReadBack(action.clone(), Ok(1)));
    // A look that was begun before, on a slow server.
    story.event(Event::ReadBack(action.clone(), Ok(0)));
    story.event(Event::ReadBack(action, Ok(1)));
    let read = story.records("read_back");
    assert_eq!(read.iter().map(|r| &r["done"]).collect::<Vec<_>>(), [1]);
    assert!(past(&story).executed && past(&story).outcome.is_none());
}

#[test]
fn the_rest_of_what_a_killed_session_did_in_part_is_offered_once() {
    let mut story = Story::config_edited(true);
    story.hold.insert("execute");
    story.approve();
    let Some(Effect::Execute(approved)) = story.held.pop_front() else { panic!("nothing was sent") };
    let first = approved.calls()[0].clone();
    story.write(&first.path, &first.body);
    let mut next = story.restarted();
    next.config_maps();
    next.found = Some(1);
    next.pass(90);
    assert_eq!(past(&next).outcome.as_deref(), Some("partial"));
    let plan = next.proposal().analysis.plan.clone().expect("the rest");
    assert_eq!(plan.calls.len(), 1, "the restart, and nothing twice");
    next.command(Command::Reject);
    next.type_text("we restart it ourselves");
    next.command(Command::Submit);
    next.pass(30);
    next.turn_to("api");
    assert!(next.card("api").is_none_or(|card| card.analysis.plan.is_none()), "decided is decided");
    assert_eq!(next.executions().len(), 0);
}

#[test]
fn a_content_that_was_read_before_our_own_write_arrived_is_no_reversal() {
    let mut story = Story::config_edited(true);
    let before = content(&story.configs["api-config"]);
    story.approve();
    story.config_maps();
    let stale = goaround::domain::cluster::ClusterFact::Content(key2("api-config"), Some(before));
    story.hold.insert("read_config");
    story.fact(stale);
    story.controller("api", 3);
    story.pass(5);
    assert!(!matches!(story.phase("api"), Phase::Closed(Outcome::RevertedBy(_))), "{:?}", story.phase("api"));
}

fn key2(name: &str) -> goaround::domain::cluster::Key {
    goaround::domain::cluster::Key { name: name.into(), ..key("api") }
}
