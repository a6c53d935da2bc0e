//! A drill: before the decision no screen, size, key or title says anything of what was computed; the decision is scored
//! by the clock of the hand, and then everything is there.

#[path = "common/world.rs"]
mod world;

use crossterm::event::KeyCode;
use goaround::domain::clean::Clean;
use goaround::domain::cluster::Key;
use goaround::domain::plan::DryRun;
use goaround::domain::verdict::{Offer, Verdict};
use goaround::engine::analysis::Analysis;
use goaround::engine::drill::{Answer, Drill, HIDDEN, Phase, hides, veiled};
use goaround::engine::revisions::Mark;
use goaround::engine::view::Screen;
use goaround::engine::{Command, Effect, Event, Stamped, step};
use goaround::ui::theme::Depth;
use world::{World, setup, text, ui};

/// Words that only a verdict, a gate, an offer, a target or a model puts on a screen.
const CONCLUDED: [&str; 26] = [
    "bad_deploy",
    "config_change",
    "preexisting",
    "not_enough_data",
    "infrastructure",
    "recovering",
    "ROLL BACK",
    "RESTORE CONFIG",
    "NO CURE",
    "WAY BACK",
    "last good",
    "known good",
    "would serve",
    "gate open",
    "gates open",
    "opens the gate",
    "opens the card",
    "offer rollback",
    "offer restore",
    "offer wait",
    "restore_config",
    "rollback of",
    "FAIL",
    "pass    ",
    "✓ GATE",
    "▶ GATE",
];

fn question(right: Answer) -> Drill {
    Drill {
        number: 2,
        of: 5,
        scenario: Clean::new("the-name-of-the-scenario"),
        happened: Clean::new("what happened in the end"),
        about: Key::new("shop", "api-gateway"),
        right,
        why: Clean::new("the sentence that decides"),
        asked: None,
        phase: Phase::Asking,
        next: false,
    }
}

/// A world whose card is open, as a drill: the question is there.
fn drill(right: Answer, change: impl FnOnce(&mut World)) -> World {
    let mut world = World::burning_with(setup(), change);
    let incident = world.state.incidents.values().next().expect("an incident");
    let about = incident.workload.clone();
    world.state.drill = Some(Drill { about, ..question(right) });
    world.pass(1);
    assert!(world.state.drill.as_ref().is_some_and(|d| d.asked.is_some()), "it is a question");
    world
}

/// One world for each kind of offer.
fn worlds() -> Vec<(&'static str, World)> {
    let hours = chrono::TimeDelta::hours(9);
    let long_ago = move |w: &mut World| {
        for revision in &mut w.revisions {
            revision.created -= hours;
            revision.served = revision.served.map(|(from, to)| (from - hours, to));
        }
    };
    vec![
        ("rollback", drill(Answer::RollBack, |_| {})),
        ("restore", drill(Answer::RestoreConfig, |w| w.edited_config(true))),
        ("none", drill(Answer::DoNot, |w| w.edited_config(false))),
        ("wait", drill(Answer::DoNot, long_ago)),
    ]
}

#[test]
fn the_page_of_a_drill_scrolls_by_lines_and_pages_and_begins_at_the_top_again() {
    let mut world = drill(Answer::RollBack, |_| {});
    world.look(80, 24);
    world.press(KeyCode::Char('g'));
    for (key, scroll) in [
        (KeyCode::Down, 1),
        (KeyCode::Down, 2),
        (KeyCode::PageDown, 12),
        (KeyCode::Up, 11),
        (KeyCode::PageUp, 1),
        (KeyCode::PageUp, 0),
        (KeyCode::Up, 0),
        (KeyCode::Down, 1),
    ] {
        world.press(key);
        assert_eq!((&world.state.view.screen, world.state.view.scroll), (&Screen::Drill, scroll), "{key:?}");
    }
    world.press(KeyCode::Esc);
    assert_eq!((&world.state.view.screen, world.state.view.scroll), (&Screen::Main, 0));
}

fn leaks(world: &World, columns: u16, rows: u16) -> Vec<String> {
    let shown = text(&world.frame(columns, rows).0);
    let found = CONCLUDED.iter().filter(|word| shown.contains(**word));
    found
        .map(|word| format!("`{word}` at {columns}x{rows} on {:?}\n{shown}", world.state.view.screen))
        .collect()
}

#[test]
fn before_the_decision_no_screen_of_any_size_says_what_was_computed() {
    let keys = [
        "", "g", "v", "d", "l", "a", "u", "z", "e", "w", "m", "o", "p", "\t", "\t\t", "\t\t\t", "gv", "gd",
        "?",
    ];
    for (name, mut world) in worlds() {
        world.look(120, 40);
        for keys in keys {
            for _ in 0..3 {
                world.press(KeyCode::Esc);
            }
            for key in keys.chars() {
                world.press(if key == '\t' { KeyCode::Tab } else { KeyCode::Char(key) });
            }
            world.pass(1);
            assert!(hides(&world.state), "{name}: {keys:?} decided");
            for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
                let leaks = leaks(&world, columns, rows);
                assert!(leaks.is_empty(), "{name} after {keys:?}: {}", leaks.join("\n"));
            }
            let (shown, _) = world.frame(200, 60);
            let shown = text(&shown);
            assert!(!shown.contains("the-name-of") && !shown.contains("in the end"), "{name}: {shown}");
            assert!(!ui(Depth::True).title(&world.state).contains("gate"), "{name}");
        }
    }
}

#[test]
fn before_the_decision_the_state_that_screens_see_holds_nothing_that_was_concluded() {
    let concluded = |analysis: &Analysis| {
        [
            ("offer", analysis.offer != Offer::None),
            ("target", analysis.target.is_some()),
            ("plan", analysis.plan.is_some()),
            ("digest", analysis.digest.is_some()),
            ("dry run", analysis.dry_run != DryRun::Pending),
            ("gates", !analysis.gates.is_empty()),
            ("blocks", !analysis.blocks.is_empty()),
            ("addable", !analysis.addable.is_empty()),
            ("reason", analysis.reason.as_str() != HIDDEN),
            ("fingerprint", !analysis.fingerprint.is_empty()),
            ("rows", analysis.rows.iter().any(|row| !matches!(row.mark, Mark::Current | Mark::Plain))),
            ("verdict", analysis.attribution.verdict != Verdict::Unknown),
            ("change", analysis.attribution.change.is_some()),
            ("difference", analysis.attribution.difference.is_some()),
            ("later rollout", analysis.attribution.later_rollout.is_some()),
        ]
    };
    let (_, mut world) = worlds().swap_remove(0);
    let now = world.state.now;
    let about = world.state.drill.as_ref().expect("a drill").about.clone();
    let analysis = world.state.incidents.get_mut(&about).and_then(|i| i.analysis.as_mut()).expect("analysed");
    // What this world has no occasion for.
    analysis.blocks.push(Clean::new("why it cannot be approved"));
    analysis.addable.push(about.clone());
    analysis.attribution.later_rollout = Some(now);
    analysis.rows.iter_mut().filter(|row| row.mark == Mark::Plain).for_each(|row| row.mark = Mark::LastGood);
    for (what, held) in concluded(analysis) {
        assert!(held, "{what} is not there at all");
    }
    let veiled = veiled(&world.state);
    for (what, held) in concluded(veiled.incidents[&about].analysis.as_ref().expect("the facts")) {
        assert!(!held, "{what}");
    }
}

#[test]
fn the_same_words_are_there_once_it_is_decided() {
    for (name, mut world) in worlds() {
        world.look(120, 40);
        world.press(KeyCode::Char('n'));
        world.press(KeyCode::Enter);
        assert!(!hides(&world.state), "{name}");
        let leaks = leaks(&world, 200, 60);
        assert!(!leaks.is_empty(), "{name}: a list of words that finds nothing tests nothing");
    }
}

#[test]
fn the_facts_are_there_before_the_decision() {
    let mut world = drill(Answer::RollBack, |_| {});
    world.look(120, 40);
    world.press(KeyCode::Char('g'));
    assert_eq!(world.state.view.screen, Screen::Drill);
    let shown = text(&world.frame(160, 60).0);
    for fact in
        [HIDDEN, "REVISIONS", "EVIDENCE", "E1", "failed", "b roll back", "n do not roll back", "r restore"]
    {
        assert!(shown.contains(fact), "{fact} is missing in\n{shown}");
    }
    let veiled = veiled(&world.state);
    let analysis = veiled.incidents.values().next().and_then(|i| i.analysis.as_ref()).expect("facts");
    let ids: Vec<&str> = analysis.evidence.items().iter().map(|item| item.id.as_str()).collect();
    let in_order: Vec<String> = (1..=ids.len()).map(|n| format!("E{n}")).collect();
    assert_eq!(ids, in_order, "a gap would say that something is left out");
    assert!(veiled.incidents.values().all(|i| i.proposal.is_none()));
    world.press(KeyCode::Char('?'));
    let help = text(&world.frame(120, 40).0);
    assert!(help.lines().nth(1).is_some_and(|line| line.contains("A DRILL'S QUESTION")), "{help}");
}

#[test]
fn a_decision_takes_a_key_a_reason_or_none_and_enter_and_is_timed_by_the_hand() {
    let mut world = drill(Answer::RollBack, |_| {});
    world.look(120, 40);
    let asked = world.state.drill.as_ref().and_then(|d| d.asked).expect("asked");
    world.pass(30);
    world.press(KeyCode::Char('n'));
    world.press(KeyCode::Esc);
    assert!(hides(&world.state), "taken back");
    world.press(KeyCode::Char('b'));
    world.type_text("new pods fail");
    world.press(KeyCode::Enter);
    let drill = world.state.drill.clone().expect("a drill");
    let answered = drill.answered().expect("decided");
    assert!(
        answered.right && answered.answer == Answer::RollBack && answered.reason.as_str() == "new pods fail"
    );
    let passed = (world.state.mono - asked).as_secs_f64();
    assert!(answered.seconds >= 30.0 && answered.seconds <= passed, "{} of {passed}", answered.seconds);
    let shown = text(&world.frame(120, 40).0);
    for words in
        ["RIGHT", "the sentence that decides", "bad_deploy", "rollback", "OURS", "EVIDENCE THAT DECIDED"]
    {
        assert!(shown.contains(words), "{words} is missing in\n{shown}");
    }
    world.press(KeyCode::Char('g'));
    let card = world.state.view.screen.clone();
    assert!(matches!(card, Screen::Card(_)), "the real card is one key away");
    assert!(text(&world.frame(120, 40).0).contains("a arms"));
    // From the real card back to what it is about, and from the first page as well, where it opens the card too.
    for (key, screen) in [
        (KeyCode::Esc, Screen::Drill),
        (KeyCode::Esc, Screen::Main),
        (KeyCode::Esc, Screen::Drill),
        (KeyCode::Esc, Screen::Main),
        (KeyCode::Char('g'), card),
    ] {
        world.press(key);
        assert_eq!(world.state.view.screen, screen, "{key:?}");
    }
}

#[test]
fn a_wrong_answer_is_told_with_the_right_one_and_enter_leads_to_the_next() {
    let mut world = drill(Answer::RollBack, |_| {});
    world.look(120, 40);
    world.press(KeyCode::Char('n'));
    world.press(KeyCode::Enter);
    let shown = text(&world.frame(120, 40).0);
    assert!(shown.contains("WRONG") && shown.contains("right is: roll back"), "{shown}");
    assert!(!world.state.quitting);
    world.press(KeyCode::Enter);
    assert!(world.state.quitting && world.state.drill.as_ref().is_some_and(|d| d.next));
}

#[test]
fn nothing_can_be_proposed_or_approved_before_the_decision_and_no_bell_rings() {
    let mut world = drill(Answer::RollBack, |_| {});
    world.look(120, 40);
    for command in
        [Command::Arm, Command::ByHand, Command::Undo, Command::Wait, Command::Reject, Command::Model]
    {
        world.command(Command::Gate);
        world.command(command.clone());
        assert_eq!(world.state.view.screen, Screen::Drill, "{command:?}");
    }
    let mut state = world.state.clone();
    state.incidents.clear();
    let tick =
        Stamped { at: state.now, mono: state.mono + std::time::Duration::from_secs(2), event: Event::Tick };
    let effects = step(&mut state, tick);
    assert!(!state.incidents.is_empty(), "it burns anew");
    assert!(!effects.iter().any(|e| matches!(e, Effect::Bell | Effect::Notify { .. })), "{effects:?}");
}
