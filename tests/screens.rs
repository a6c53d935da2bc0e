//! Every screen as text, at the sizes that people have. The states are computed by the engine from what a world told
//! it, so these are the cards that a person would see; keys go the way that a person's keys go.

#[path = "common/world.rs"]
mod world;

use std::sync::OnceLock;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use goaround::domain::clean::Clean;
use goaround::domain::cluster::{ContentDigest, Key};
use goaround::domain::plan::DryRun;
use goaround::domain::signal::{Health, Signal, Source};
use goaround::domain::value::Value;
use goaround::domain::window::Window;
use goaround::engine::Event;
use goaround::engine::event::{ActionId, Command};
use goaround::engine::gate::Gesture;
use goaround::engine::record::PastAction;
use goaround::engine::view::{Row, Screen};
use goaround::ui::theme::Depth;
use proptest::prelude::*;
use world::{World, at, setup, text, ui};

/// Compares a frame of `world` with what was committed.
macro_rules! shot {
    ($name:literal, $world:expr, $columns:literal x $rows:literal) => {
        insta::assert_snapshot!(
            concat!($name, "_", $columns, "x", $rows),
            text(&$world.frame($columns, $rows).0)
        );
    };
}

#[path = "screens/charts.rs"]
mod charts;
#[path = "screens/closer.rs"]
mod closer;
#[path = "screens/model.rs"]
mod model;
#[path = "screens/sizes.rs"]
mod sizes;

/// The story with a ConfigMap that was edited in place.
fn edited() -> World {
    World::burning_with(setup(), |w| w.edited_config(true))
}

/// A person at 80x24 in front of the card, who has read it.
fn at_the_card(mut world: World) -> World {
    world.look(80, 24);
    world.press(KeyCode::Char('g'));
    world.read_it();
    world
}

/// The same, armed, with a reason where one is wanted.
fn armed(world: World, reason: &str) -> World {
    let mut world = at_the_card(world);
    world.press(KeyCode::Char('a'));
    if !reason.is_empty() {
        world.type_text(reason);
        world.press(KeyCode::Enter);
    }
    world
}

/// The same, approved.
fn approved(world: World) -> World {
    let mut world = armed(world, "");
    let token = world.token().to_lowercase();
    world.type_text(&token);
    world
}

fn gesture(world: &World) -> &Gesture {
    let incident = world.state.incidents.values().next().expect("an incident");
    &incident.proposal.as_ref().expect("a card").gesture
}

/// Traffic doubles, nothing was rolled out for hours.
fn no_cure() -> World {
    World::burning_with(setup(), |w| {
        for revision in &mut w.revisions {
            revision.created -= chrono::TimeDelta::hours(9);
            revision.served = revision.served.map(|(from, to)| (from - chrono::TimeDelta::hours(9), to));
        }
    })
}

// Main screen.

#[test]
fn the_main_screen_shows_a_burn_and_its_proposal() {
    let world = edited();
    shot!("main_burning", world, 80 x 24);
    shot!("main_burning", world, 120 x 40);
    shot!("main_burning", world, 200 x 60);
    shot!("main_burning", world, 60 x 15);
}

#[test]
fn a_small_screen_has_the_same_zones_as_pages() {
    let mut world = edited();
    world.look(80, 24);
    world.press(KeyCode::Tab);
    shot!("page_detail", world, 80 x 24);
    world.press(KeyCode::Tab);
    shot!("page_revisions", world, 80 x 24);
    world.press(KeyCode::Tab);
    shot!("page_log", world, 80 x 24);
}

#[test]
fn every_number_of_a_quiet_slo_has_its_series_and_its_age_one_key_away() {
    let mut world = World::calm();
    world.select("api-gateway");
    world.pass(20);
    world.look(80, 24);
    world.press(KeyCode::Char('v'));
    shot!("readings", world, 80 x 24);
}

#[test]
fn a_calm_main_screen_is_calm() {
    let mut world = World::calm();
    world.select("api-gateway");
    world.pass(20);
    shot!("main_calm", world, 80 x 24);
    shot!("main_calm", world, 120 x 40);
}

#[test]
fn the_healthy_keep_their_places_while_their_burn_is_noise() {
    let mut world = World::calm();
    let order = |world: &World| world.state.listing.rows().to_vec();
    let before = order(&world);
    let five = Window::minutes(5);
    let set = |world: &mut World, of: &dyn Fn(usize) -> Option<f64>| {
        for (n, slo) in world.slos.iter_mut().enumerate() {
            let quiet = slo.burn(five).number().is_some_and(|burn| burn < 1.0);
            if let (Some(burn), Some(reading), true) = (of(n), slo.ratios.get_mut(&five), quiet) {
                reading.value = Value::Number(burn * 0.001);
            }
        }
        world.signal(Signal::Slos(world.slos.clone()));
        world.pass(1);
    };
    set(&mut world, &|n| Some((n * 7 % 10) as f64 / 10.0));
    assert_eq!(order(&world), before);
    // More than the objective allows is no noise.
    let Some(Row::Slo(last)) = before.iter().rfind(|row| matches!(row, Row::Slo(_))) else {
        panic!("{before:?}")
    };
    let at = world.slos.iter().position(|slo| slo.id == *last).expect("it is there");
    set(&mut world, &|n| (n == at).then_some(30.0));
    assert_eq!(order(&world)[0], Row::Slo(last.clone()));
}

#[test]
fn what_is_not_known_is_said_in_words() {
    let mut world = World::empty(setup());
    shot!("main_empty", world, 80 x 24);
    let why = "no kubeconfig: ~/.kube/config does not exist; hint: --kubeconfig FILE or KUBECONFIG";
    world.signal(Signal::Health(Source::Kubernetes, Health::Down(Clean::new(why))));
    shot!("main_no_cluster", world, 80 x 24);
}

#[test]
fn sources_that_are_down_or_forbidden_are_named_with_the_next_step() {
    let mut world = edited();
    let down = "connection refused: http://10.0.0.7:9090; hint: --prometheus URL";
    world.signal(Signal::Health(Source::Prometheus, Health::Down(Clean::new(down))));
    let forbidden = "may not list nodes; hint: a ClusterRole with list, watch on nodes";
    world.signal(Signal::Health(Source::Kind("nodes"), Health::Forbidden(Clean::new(forbidden))));
    world.signal(Signal::Clock(Source::Prometheus, 9_400));
    world.now += chrono::TimeDelta::seconds(20);
    world.event(goaround::engine::Event::Tick);
    shot!("main_sources_down", world, 80 x 24);
    shot!("main_sources_down", world, 120 x 40);
}

#[test]
fn an_slo_without_a_workload_and_a_workload_without_an_slo_say_so() {
    let mut world = World::calm();
    world.select("q2q-ai");
    world.state.view.pane = goaround::engine::view::Pane::Detail;
    shot!("detail_unmapped", world, 80 x 24);
    world.state.view.selected = Some(Row::Workload(Key::new("shop", "mailer")));
    shot!("detail_no_slo", world, 80 x 24);
}

#[test]
fn the_filter_shows_what_is_typed_and_how_much_matches() {
    let mut world = World::calm();
    world.look(80, 24);
    world.press(KeyCode::Char('/'));
    world.type_text("un");
    shot!("main_filtering", world, 80 x 24);
}

// The card.

#[test]
fn the_card_fits_80x24() {
    let world = at_the_card(edited());
    shot!("card", world, 80 x 24);
    shot!("card", world, 120 x 40);
    shot!("card", world, 200 x 60);
    shot!("card", world, 60 x 15);
}

#[test]
fn the_reason_the_token_and_the_rejection_are_typed_on_the_card() {
    let mut world = at_the_card(edited());
    world.press(KeyCode::Char('a'));
    shot!("card_reason", world, 80 x 24);
    world.press(KeyCode::Tab);
    world.type_text("I put it back by hand");
    world.press(KeyCode::Enter);
    let token = world.token().to_lowercase();
    world.type_text(&token[..2]);
    shot!("card_token", world, 80 x 24);
    world.press(KeyCode::Esc);
    world.press(KeyCode::Char('r'));
    world.type_text("it is the load test");
    shot!("card_rejecting", world, 80 x 24);
}

#[test]
fn what_disables_approving_is_prominent() {
    let mut read_only = setup();
    read_only.read_only = true;
    let world = World::burning_with(read_only, |w| {
        w.rights = false;
        w.dry_run = Some(DryRun::Refused(Clean::new("admission webhook \"policy\" denied the request")));
    });
    shot!("card_blocked", at_the_card(world), 80 x 24);
}

#[test]
fn a_card_that_only_waits_says_why() {
    let world = at_the_card(no_cure());
    shot!("card_wait", world, 80 x 24);
    shot!("main_wait", { let mut w = world; w.press(KeyCode::Esc); w }, 120 x 40);
}

#[test]
fn a_restore_of_configuration_can_be_added() {
    let mut world = at_the_card(edited());
    world.press(KeyCode::Char('p'));
    shot!("card_with_restore", world, 80 x 24);
    world.press(KeyCode::Char('d'));
    shot!("diff", world, 80 x 24);
}

#[test]
fn a_rollback_by_hand_needs_no_burn() {
    let mut world = World::calm();
    world.select("api-gateway");
    world.pass(20);
    world.look(80, 24);
    world.press(KeyCode::Char('u'));
    world.pass(16);
    shot!("card_by_hand", world, 80 x 24);
}

#[test]
fn the_edit_form_has_three_fields() {
    let mut world = at_the_card(edited());
    world.press(KeyCode::Char('e'));
    shot!("edit", world, 80 x 24);
    world.press(KeyCode::Down);
    world.press(KeyCode::Tab);
    world.press(KeyCode::Char(' '));
    world.press(KeyCode::Tab);
    world.type_text("two lines,");
    world.press(KeyCode::Enter);
    world.type_text("this is the second");
    shot!("edit_filled", world, 80 x 24);
    world.chord(KeyCode::Char('s'), KeyModifiers::CONTROL);
    let incident = world.state.incidents.values().next().expect("an incident");
    let wish = incident.wish.as_ref().expect("a wish");
    assert_eq!(wish.reason, "two lines, this is the second");
    assert!(wish.restore);
}

#[test]
fn a_new_edit_begins_with_an_empty_reason() {
    let mut world = at_the_card(edited());
    for _ in 0..2 {
        world.press(KeyCode::Char('e'));
        world.press(KeyCode::Tab);
        world.press(KeyCode::Tab);
        let Gesture::Editing(draft) = gesture(&world) else { panic!("no form") };
        assert_eq!(draft.reason, "");
        world.type_text("left from the first time");
        world.press(KeyCode::Esc);
    }
}

// After the decision.

#[test]
fn an_action_shows_where_it_is() {
    let mut world = World::burning();
    world.answers = false;
    let mut world = approved(world);
    shot!("action_sent", world, 80 x 24);
    world.answers = true;
    let mut world = approved(World::burning());
    shot!("action_accepted", world, 80 x 24);
    world.roll_out("5d9c77f49", 1);
    world.pass(3);
    shot!("action_executing", world, 80 x 24);
    world.roll_out("5d9c77f49", 3);
    world.errors.to = Some(world.now);
    world.pass(20);
    shot!("action_verifying", world, 80 x 24);
    // The alert resolves before the verification is over.
    world.slos = world::slos(world.now, false);
    world.signal(Signal::Slos(world.slos.clone()));
    world.pass(70);
    shot!("action_helped", world, 80 x 24);
    shot!("action_helped", world, 120 x 40);
}

#[test]
fn a_verification_that_nobody_asks_any_more_says_so() {
    let mut world = approved(World::burning());
    world.roll_out("5d9c77f49", 3);
    world.errors.to = Some(world.now);
    world.pass(20);
    world.stopped = Some(world.now);
    world.pass(60);
    shot!("action_verifying_stopped", world, 80 x 24);
    shot!("action_verifying_stopped", world, 120 x 40);
}

#[test]
fn what_another_action_wrote_is_not_told_to_be_ours() {
    let ours = PastAction {
        action: "01K5Z0T5RJ8W2QH0W5V4N3M2A1".into(),
        time: at("12:29:30"),
        workload: "shop/api-gateway".into(),
        cluster: "c0ffee".into(),
        unknown: true,
        configs: vec![(Key::new("shop", "gateway-config"), ContentDigest("0".repeat(64)))],
        ..PastAction::default()
    };
    let theirs = "action 01K5Z0T5RJ8W2QH0W5V4N3M2B2 wrote ConfigMap gateway-config";
    let id = ActionId(ours.action.clone());
    let mut world = World::burning();
    world.event(Event::Journal(Ok("head".into()), vec![ours].into()));
    world.event(Event::ReadBack(id, Err(theirs.into())));
    world.pass(2);
    let world = at_the_card(world);
    shot!("card_blocked_by_twins", world, 80 x 24);
    shot!("card_blocked_by_twins", world, 120 x 40);
}

#[test]
fn an_action_without_a_record_is_not_sent_and_says_so() {
    let mut world = armed(World::burning(), "");
    world.journal = Err(Clean::new("no space left on device"));
    let token = world.token().to_lowercase();
    world.type_text(&token);
    assert!(world.sent.is_empty());
    shot!("action_no_record", world, 80 x 24);
}

// Pages.

#[test]
fn evidence_names_source_window_counts_and_age_of_every_number() {
    let mut world = at_the_card(edited());
    world.press(KeyCode::Char('v'));
    shot!("evidence", world, 80 x 24);
    shot!("evidence", world, 120 x 40);
    world.press(KeyCode::Esc);
    assert!(matches!(world.state.view.screen, Screen::Card(_)));
}

#[test]
fn help_is_printed_from_the_keymap() {
    let mut world = at_the_card(edited());
    world.press(KeyCode::Char('?'));
    shot!("help_card", world, 80 x 24);
    world.press(KeyCode::Char('q'));
    assert!(!world.state.view.help && !world.state.quitting, "a key only closes the help");
    world.press(KeyCode::Esc);
    world.press(KeyCode::Char('?'));
    shot!("help_main", world, 80 x 24);
    shot!("help_main", world, 120 x 40);
}

#[test]
fn the_log_page_scrolls_back_from_the_end() {
    let mut world = edited();
    for n in 0..60 {
        world.state.say("kube", goaround::engine::state::Weight::Plain, format!("line {n}"));
    }
    world.look(80, 24);
    world.press(KeyCode::Char('l'));
    assert!(text(&world.frame(80, 24).0).contains("line 59"));
    world.press(KeyCode::PageUp);
    let page = text(&world.frame(80, 24).0);
    assert!(page.contains("line 40") && !page.contains("line 41"), "{page}");
    world.press(KeyCode::Esc);
    assert_eq!(world.state.view.screen, Screen::Main);
}

// What is reported, what is pressed.

#[test]
fn every_effect_line_can_be_reached_by_paging_and_counts_only_when_it_was_whole() {
    let mut world = World::burning_with(setup(), |w| w.variables = 40);
    world.look(80, 24);
    world.press(KeyCode::Char('g'));
    let all =
        world.state.incidents.values().next().expect("one").proposal.as_ref().expect("a card").effect_lines();
    assert!(all.len() > 40);
    let mut seen = std::collections::BTreeSet::new();
    for page in 0..20 {
        let (buffer, shown) = world.frame(80, 24);
        let screen = text(&buffer);
        for line in &shown.lines {
            // A line is wrapped at blanks, so its words are all there.
            for word in all[*line].text.as_str().split_whitespace() {
                assert!(screen.contains(word), "page {page}: `{word}` of line {line} is not on\n{screen}");
            }
        }
        let before = seen.len();
        seen.extend(shown.lines);
        assert!(before == 0 || page > 12 || seen.len() >= before);
        world.read_it();
        world.press(KeyCode::Char('a'));
        let armed = !matches!(gesture(&world), Gesture::Idle);
        assert_eq!(armed, seen.len() == all.len(), "page {page}");
        if armed {
            return;
        }
        world.press(KeyCode::PageDown);
    }
    panic!("only {} of {} lines could be read", seen.len(), all.len());
}

#[test]
fn a_long_list_of_effects_is_paged() {
    let mut world = World::burning_with(setup(), |w| w.variables = 40);
    world.look(80, 24);
    world.press(KeyCode::Char('g'));
    shot!("card_many_effects", world, 80 x 24);
    world.press(KeyCode::PageDown);
    world.press(KeyCode::PageDown);
    shot!("card_many_effects_page", world, 80 x 24);
}

#[test]
fn nothing_counts_as_seen_below_80x24_or_under_the_help() {
    let mut world = at_the_card(edited());
    for (columns, rows) in [(79, 24), (80, 23), (20, 5), (1, 1)] {
        let (_, shown) = world.frame(columns, rows);
        assert!(!shown.large_enough && shown.digest.is_none(), "{columns}x{rows}");
    }
    assert!(world.frame(80, 24).1.large_enough);
    world.press(KeyCode::Char('?'));
    assert_eq!(world.frame(80, 24).1, goaround::engine::event::Shown::default());
}

#[test]
fn the_token_is_on_the_card_only_while_it_is_asked_for() {
    let mut world = at_the_card(World::burning());
    let token = world.token();
    let on_screen = |world: &World| text(&world.frame(80, 24).0).contains(&token);
    assert!(!on_screen(&world));
    world.press(KeyCode::Char('a'));
    assert!(on_screen(&world));
    assert!(!text(&world.frame(79, 24).0).contains(&token), "where it cannot be typed it is not shown");
    world.press(KeyCode::Esc);
    assert!(!on_screen(&world));
}

#[test]
fn a_released_key_is_nothing_and_a_held_one_types_nothing() {
    let mut world = armed(World::burning(), "");
    let token = world.token().to_lowercase();
    let first = token.chars().next().expect("four characters");
    for kind in [KeyEventKind::Release, KeyEventKind::Repeat] {
        let key = KeyEvent::new_with_kind(KeyCode::Char(first), KeyModifiers::NONE, kind);
        assert_eq!(world.ui.key(&world.state, key, 9), None, "{kind:?}");
    }
    world.press(KeyCode::Esc);
    for (code, kind, command) in [
        (KeyCode::Char('a'), KeyEventKind::Repeat, None),
        (KeyCode::Char('a'), KeyEventKind::Release, None),
        (KeyCode::Char('r'), KeyEventKind::Repeat, None),
        (KeyCode::PageDown, KeyEventKind::Repeat, Some(Command::PageDown)),
        (KeyCode::PageDown, KeyEventKind::Release, None),
        (KeyCode::Char('a'), KeyEventKind::Press, Some(Command::Arm)),
    ] {
        let key = KeyEvent::new_with_kind(code, KeyModifiers::NONE, kind);
        assert_eq!(world.ui.key(&world.state, key, 9), command, "{code:?} {kind:?}");
    }
}

#[test]
fn ctrl_c_leaves_from_everywhere() {
    let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    for mut world in worlds() {
        assert_eq!(world.ui.key(&world.state, key, 9), Some(Command::Quit), "{:?}", world.state.view);
    }
}

#[test]
fn text_is_pasted_where_text_is_typed_and_nowhere_else() {
    let mut world = at_the_card(edited());
    assert_eq!(world.ui.paste(&world.state, "a".into()), None);
    world.press(KeyCode::Char('a'));
    assert_eq!(world.ui.paste(&world.state, "x".into()), Some(Command::Paste("x".into())));
    world.press(KeyCode::Esc);
    world.press(KeyCode::Char('e'));
    assert_eq!(world.ui.paste(&world.state, "x".into()), None);
    world.press(KeyCode::Tab);
    world.press(KeyCode::Tab);
    assert_eq!(world.ui.paste(&world.state, "x\u{202e}y\nz".into()), Some(Command::Draft("xy\nz".into())));
}

#[test]
fn what_a_person_types_cannot_move_the_cursor_of_another() {
    let mut world = at_the_card(edited());
    world.press(KeyCode::Char('r'));
    world.command(Command::Paste("a\u{202e}b\u{200b}".into()));
    let screen = text(&world.frame(80, 24).0);
    assert!(screen.contains("a<u+202e>b<u+200b>"), "{screen}");
}

// Other terminals.

#[test]
fn without_colours_the_same_words_are_on_the_screen() {
    for world in worlds() {
        let (colours, shown) = world.frame(100, 30);
        let mut plain =
            ratatui::Terminal::new(ratatui::backend::TestBackend::new(100, 30)).expect("a terminal");
        let mut mono = Default::default();
        plain.draw(|frame| mono = ui(Depth::None).draw(frame, &world.state).shown).expect("a frame");
        assert_eq!(text(plain.backend().buffer()), text(&colours));
        assert_eq!(mono, shown);
        let coloured = |c: &ratatui::buffer::Cell| c.fg != ratatui::style::Color::Reset;
        assert!(!plain.backend().buffer().content().iter().any(coloured));
    }
}

#[test]
fn an_ascii_terminal_gets_ascii() {
    for world in worlds() {
        let mut plain =
            ratatui::Terminal::new(ratatui::backend::TestBackend::new(120, 40)).expect("a terminal");
        let ui = ui(Depth::Ansi16).ascii(true);
        plain
            .draw(|frame| {
                ui.draw(frame, &world.state);
            })
            .expect("a frame");
        assert!(plain.backend().buffer().content().iter().all(|c| c.symbol().is_ascii()));
    }
    let mut world = edited();
    world.ui = ui(Depth::None).ascii(true);
    shot!("main_ascii", world, 120 x 40);
}

/// Worlds in many states.
fn worlds() -> Vec<World> {
    let mut all =
        vec![World::empty(setup()), World::calm(), edited(), at_the_card(edited()), at_the_card(no_cure())];
    all.push(armed(World::burning(), ""));
    all.push(armed(edited(), "REVERSIBLE: by hand"));
    all.push(approved(World::burning()));
    all.push(at_the_card(World::burning_with(setup(), |w| w.variables = 40)));
    for key in ['v', 'd', '?', 'e', 'r'] {
        let mut world = at_the_card(edited());
        world.press(KeyCode::Char(key));
        all.push(world);
    }
    let mut typing = at_the_card(edited());
    typing.press(KeyCode::Char('e'));
    typing.press(KeyCode::Tab);
    typing.press(KeyCode::Tab);
    typing.type_text("some words 決済");
    all.push(typing);
    let mut filtering = World::calm();
    filtering.look(80, 24);
    filtering.press(KeyCode::Char('/'));
    all.push(filtering);
    let mut log = edited();
    log.look(80, 24);
    log.press(KeyCode::Char('l'));
    all.push(log);
    let mut gone = edited();
    gone.state.view.screen = Screen::Card(Key::new("no", "such"));
    all.push(gone);
    all.extend(charts::worlds());
    all.extend(model::worlds());
    all
}

struct States(Vec<goaround::engine::State>);

fn states() -> &'static States {
    static STATES: OnceLock<States> = OnceLock::new();
    STATES.get_or_init(|| States(worlds().into_iter().map(|w| w.state).collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_size_makes_it_panic(columns in 1_u16..250, rows in 1_u16..80, pane in 0_usize..4, scroll in 0_usize..60, range in 0_usize..7) {
        let ui = ui(Depth::Ansi256);
        for state in &states().0 {
            let mut state = state.clone();
            for _ in 0..pane {
                state.view.pane = state.view.pane.step(false);
            }
            state.view.scroll = scroll;
            state.view.log_scroll = scroll;
            state.view.range = range;
            let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(columns, rows)).expect("a terminal");
            terminal.draw(|frame| { ui.draw(frame, &state); }).expect("a frame");
        }
    }
}

#[test]
fn very_small_screens_do_not_panic_either() {
    let ui = ui(Depth::Ansi256);
    for state in &states().0 {
        for columns in 1..30 {
            for rows in 1..12 {
                let mut terminal = ratatui::Terminal::new(ratatui::backend::TestBackend::new(columns, rows))
                    .expect("a terminal");
                terminal
                    .draw(|frame| {
                        ui.draw(frame, state);
                    })
                    .expect("a frame");
            }
        }
    }
}

#[test]
fn a_point_in_time_is_what_it_says() {
    assert_eq!(at("12:32:00").to_rfc3339(), "2026-11-20T12:32:00+00:00");
}
