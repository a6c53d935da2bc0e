//! The ways of using it: palette, inbox, choice of a context, themes, keymaps, mouse. Every screen in every look as text,
//! and what no hand may bring about by them.

#[path = "common/world.rs"]
mod world;

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use goaround::domain::clean::Clean;
use goaround::domain::cluster::Key;
use goaround::engine::State;
use goaround::engine::contexts::Context;
use goaround::engine::event::Command;
use goaround::engine::gate::Gesture;
use goaround::engine::palette::Choice;
use goaround::engine::view::{Pane, Row, Screen};
use goaround::ui::Ui;
use goaround::ui::keymap::{self, COMMANDS, Keymap};
use goaround::ui::look::Origin;
use goaround::ui::theme::{self, Depth, Theme};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use world::{World, setup, text};

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (160, 50), (200, 60)];

fn theme(name: &str) -> Theme {
    let (_, source) = theme::BUILT_IN.iter().find(|(known, _)| *known == name).expect("a theme");
    Theme::parse(source, name).expect("whole")
}

fn keys(name: &str) -> Keymap {
    let (_, source) = keymap::BUILT_IN.iter().find(|(known, _)| *known == name).expect("a keymap");
    Keymap::parse(source, name, COMMANDS).expect("whole")
}

fn dressed(theme_name: &str, keymap: &str) -> Ui {
    let origin = Origin {
        config: "/home/ana/.config/goaround/config.toml".into(),
        theme: format!("{theme_name}.toml (built in)"),
        keymap: format!("{keymap}.toml (built in)"),
    };
    Ui::new(theme(theme_name).at(Depth::True), keys(keymap)).from(origin)
}

fn drawn(ui: &Ui, state: &State, (columns, rows): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
    terminal
        .draw(|frame| {
            ui.draw(frame, state);
        })
        .expect("a frame");
    terminal.backend().buffer().clone()
}

/// The burn of the story, in front of a person at 80x24.
fn burning() -> World {
    let mut world = World::burning_with(setup(), |w| w.edited_config(true));
    world.ui = dressed("dark", "default");
    world.look(80, 24);
    world
}

fn with_palette(text: &str) -> World {
    let mut world = burning();
    world.press(KeyCode::Char(':'));
    world.type_text(text);
    world
}

fn with_inbox() -> World {
    let mut world = burning();
    world.press(KeyCode::Char('i'));
    world
}

fn card() -> World {
    let mut world = burning();
    world.press(KeyCode::Char('g'));
    world.read_it();
    world
}

fn contexts() -> World {
    let mut world = World::empty(Default::default());
    world.ui = dressed("dark", "default");
    let context = |name: &str, server: &str, current, prod| Context {
        name: Clean::new(name),
        server: Clean::new(server),
        user: Clean::new(format!("ana@{name}")),
        namespace: Clean::new("default"),
        current,
        prod,
    };
    world.state.view.screen = Screen::Contexts;
    world.state.contexts.all = vec![
        context("staging-eu", "https://10.1.0.1:6443", true, false),
        context("eu-prod-1", "https://api.eu-prod-1.example:6443", false, true),
        context("kind-test", "", false, false),
    ];
    world.look(80, 24);
    world
}

fn card_gesture(state: &State) -> Vec<Gesture> {
    state.incidents.values().filter_map(|i| i.proposal.as_ref()).map(|p| p.gesture.clone()).collect()
}

macro_rules! shots {
    ($name:expr, $ui:expr, $state:expr, $sizes:expr) => {
        for size in $sizes {
            let name = format!("{}_{}x{}", $name, size.0, size.1);
            insta::assert_snapshot!(name, text(&drawn(&$ui, $state, size)));
        }
    };
}

// Screens.

#[test]
fn palette_inbox_help_and_contexts_at_every_size() {
    let ui = dressed("dark", "default");
    shots!("palette", ui, &with_palette("").state, SIZES);
    shots!("palette_found", ui, &with_palette("api").state, SIZES);
    shots!("palette_decides", ui, &with_palette("reject").state, [SIZES[0]]);
    shots!("inbox", ui, &with_inbox().state, SIZES);
    shots!("contexts", ui, &contexts().state, SIZES);
    let mut help = burning();
    help.press(KeyCode::Char('?'));
    shots!("help", ui, &help.state, SIZES);
    for _ in 0..2 {
        help.press(KeyCode::PageDown);
    }
    shots!("help_scrolled", ui, &help.state, [SIZES[0]]);
}

#[test]
fn every_screen_without_colours_and_in_ascii() {
    let ui = dressed("monochrome", "default").ascii(true);
    let (main, card) = (burning(), card());
    for (name, world) in [
        ("main", &main),
        ("card", &card),
        ("palette", &with_palette("api")),
        ("inbox", &with_inbox()),
        ("contexts", &contexts()),
    ] {
        shots!(format!("ascii_{name}"), ui, &world.state, [SIZES[0], SIZES[1]]);
    }
}

#[test]
fn with_the_keymap_of_vi_help_and_footers_name_its_keys() {
    let ui = dressed("dark", "vim");
    let mut help = burning();
    help.press(KeyCode::Char('?'));
    shots!("vim_help", ui, &help.state, [SIZES[0], SIZES[1]]);
    let main = text(&drawn(&ui, &burning().state, (160, 50)));
    let last = main.lines().last().expect("a footer");
    assert!(last.contains("gd gate") && last.contains("L log"), "{last}");
}

/// The same words and marks whatever the theme: the text of a frame is that of the dark one, only its cells look otherwise.
#[test]
fn every_theme_shows_the_same_words_and_states_differ_without_colour() {
    for world in [burning(), card(), with_palette("a"), with_inbox(), contexts()] {
        let dark = drawn(&dressed("dark", "default"), &world.state, (120, 40));
        for (name, _) in theme::BUILT_IN {
            let other = drawn(&dressed(name, "default"), &world.state, (120, 40));
            assert_eq!(text(&dark), text(&other), "{name}");
        }
    }
    let mono = drawn(&dressed("monochrome", "default"), &burning().state, (120, 40));
    let coloured = mono.content().iter().any(|c| c.fg != Color::Reset || c.bg != Color::Reset);
    assert!(!coloured, "attributes only");
    let words = text(&mono);
    for word in ["1 paging", "2 at risk", "no traffic", "! ", "● ", "◆ ", "●", "last good", "PROD", "▌"]
    {
        assert!(words.contains(word), "{word}\n{words}");
    }
    let card = text(&drawn(&dressed("monochrome", "default"), &card().state, (80, 24)));
    for word in ["pass", "PROD", "void"] {
        assert!(card.contains(word), "{word}\n{card}");
    }
    let attributes: Vec<Modifier> = mono.content().iter().map(|c| c.modifier).collect();
    for wanted in [Modifier::BOLD, Modifier::DIM, Modifier::REVERSED, Modifier::UNDERLINED] {
        assert!(attributes.iter().any(|m| m.contains(wanted)), "{wanted:?}");
    }
}

#[test]
fn each_theme_in_its_colours() {
    for (name, _) in theme::BUILT_IN {
        let ui = dressed(name, "default");
        for (what, world) in [("main", burning()), ("card", card())] {
            let buffer = drawn(&ui, &world.state, (120, 40));
            insta::assert_snapshot!(format!("theme_{name}_{what}"), painted(&buffer));
        }
    }
}

/// A frame as runs of equal look: where a colour goes astray the text alone would not tell.
fn painted(buffer: &Buffer) -> String {
    let mut lines = Vec::new();
    for cells in buffer.content().chunks(usize::from(buffer.area.width)) {
        let mut line = String::new();
        let mut last = None;
        for cell in cells {
            let look = (cell.fg, cell.bg, cell.modifier);
            if last != Some(look) {
                line.push_str(&format!("{{{} {} {}}}", colour(look.0), colour(look.1), attributes(look.2)));
                last = Some(look);
            }
            line.push_str(cell.symbol());
        }
        lines.push(line.replace(" }", "}"));
    }
    lines.join("\n")
}

fn colour(colour: Color) -> String {
    match colour {
        Color::Rgb(r, g, b) => format!("{r:02x}{g:02x}{b:02x}"),
        Color::Reset => "-".into(),
        other => format!("{other:?}"),
    }
}

fn attributes(modifier: Modifier) -> String {
    modifier.iter_names().map(|(name, _)| name.chars().next().unwrap_or(' ')).collect()
}

// Production.

#[test]
fn production_is_a_frame_and_a_word_on_every_screen_and_hides_nothing() {
    let mut plain = setup();
    plain.prod = false;
    let mut prod = setup();
    prod.prod = true;
    let of = |setup: &goaround::engine::state::Setup, screen: &dyn Fn(&mut World)| {
        let mut world = World::burning_with(setup.clone(), |w| w.edited_config(true));
        world.ui = dressed("monochrome", "default");
        world.look(80, 24);
        screen(&mut world);
        world.state
    };
    let screens: [&dyn Fn(&mut World); 5] = [
        &|_| {},
        &|w| w.press(KeyCode::Char('g')),
        &|w| w.press(KeyCode::Char('i')),
        &|w| w.press(KeyCode::Char('?')),
        &|w| w.press(KeyCode::Char(':')),
    ];
    for screen in screens {
        let (plain, prod) = (of(&plain, screen), of(&prod, screen));
        for ui in [dressed("monochrome", "default"), dressed("dark", "default").ascii(true)] {
            let (plain, prod) = (drawn(&ui, &plain, (80, 24)), drawn(&ui, &prod, (80, 24)));
            let lines: Vec<String> = text(&prod).lines().map(str::to_owned).collect();
            assert!(lines[0].contains("PROD"), "{}", lines[0]);
            let edge = |line: &&String| line.starts_with(['┃', '#']) || line.ends_with(['┃', '#']);
            assert!(lines.iter().filter(edge).count() > 20, "{}", lines.join("\n"));
            assert!(!text(&plain).lines().any(|line| line.ends_with('┃')));
            // Below the header nothing but blanks and ends of rules became an edge; a cut moved one column.
            let cut = |x, y| matches!(plain[(x, y)].symbol(), "…" | "~");
            for y in 1..24 {
                for x in 0..80 {
                    let (before, after) = (plain[(x, y)].symbol(), prod[(x, y)].symbol());
                    let edge = (x == 0 || x == 79) && matches!(after, "┃" | "#");
                    let may = edge && (matches!(before, " " | "─" | "-") || cut(x, y))
                        || x == 78 && cut(79, y) && after == plain[(79, y)].symbol();
                    assert!(before == after || may, "{x} {y} {before} {after}");
                }
            }
        }
    }
}

// Keys.

#[test]
fn sequences_of_keys_are_one_command_and_a_wrong_one_is_what_it_means_alone() {
    let mut world = burning();
    world.ui = dressed("dark", "vim");
    let last = world.state.listing.rows().last().cloned();
    world.press(KeyCode::Char('G'));
    assert_eq!(world.state.view.selected, last);
    world.press(KeyCode::Char('g'));
    assert_eq!(world.state.view.selected, last, "nothing happened yet");
    assert!(text(&world.frame(80, 24).0).contains("g …"));
    world.press(KeyCode::Char('g'));
    assert_eq!(world.state.view.selected.as_ref(), world.state.listing.rows().first());
    world.press(KeyCode::Char('g'));
    world.press(KeyCode::Esc);
    world.press(KeyCode::Char('d'));
    assert!(matches!(world.state.view.screen, Screen::Diff(_)), "`g` was given up, `d` alone is the diff");
    world.press(KeyCode::Esc);
    world.press(KeyCode::Esc);
    world.press(KeyCode::Char('g'));
    world.press(KeyCode::Char('j'));
    assert_eq!(world.state.view.selected.as_ref(), world.state.listing.rows().get(1), "`j` alone is down");
    world.press(KeyCode::Char('g'));
    world.press(KeyCode::Char('d'));
    assert!(matches!(world.state.view.screen, Screen::Card(_)));
    world.press(KeyCode::Esc);
    let held = |c| KeyEvent::new_with_kind(KeyCode::Char(c), KeyModifiers::NONE, KeyEventKind::Repeat);
    world.press(KeyCode::Char('G'));
    assert_eq!(world.ui.key(&world.state, held('g'), 1), None);
    world.press(KeyCode::Char('g'));
    assert_eq!(world.ui.key(&world.state, held('g'), 1), None, "a held key goes on with nothing");
}

#[test]
fn the_palette_goes_where_its_words_say() {
    let mut world = with_palette("slo search");
    world.press(KeyCode::Enter);
    let selected = world.state.view.selected.clone();
    assert!(matches!(&selected, Some(Row::Slo(id)) if id.to_string().starts_with("search")), "{selected:?}");
    world.press(KeyCode::Char(':'));
    world.type_text("7d");
    world.press(KeyCode::Enter);
    assert_eq!((world.state.view.range, &world.state.view.palette), (3, &None));
    world.press(KeyCode::Char(':'));
    world.type_text("inb");
    world.press(KeyCode::Tab);
    assert_eq!(world.state.view.palette.as_ref().map(|p| p.text.as_str()), Some("inbox "));
    world.press(KeyCode::Enter);
    assert_eq!(world.state.view.screen, Screen::Inbox);
    world.press(KeyCode::Char(':'));
    world.press(KeyCode::Esc);
    assert_eq!((&world.state.view.screen, &world.state.view.palette), (&Screen::Inbox, &None));
    world.press(KeyCode::Char(':'));
    world.type_text("card shop/api");
    world.press(KeyCode::Enter);
    assert_eq!(world.state.view.screen, Screen::Card(Key::new("shop", "api-gateway")));
}

#[test]
fn from_the_palette_nothing_is_armed_rejected_waited_for_or_edited() {
    for word in ["arm", "reject", "wait", "edit", "add restore", "approve"] {
        let mut world = card();
        let before = card_gesture(&world.state);
        world.press(KeyCode::Char(':'));
        world.type_text(word);
        world.press(KeyCode::Enter);
        assert_eq!(card_gesture(&world.state), before, "{word}");
        assert!(
            world.sent.is_empty() && world.state.incidents.values().all(|i| i.waiting.is_none()),
            "{word}"
        );
        assert!(matches!(world.state.view.screen, Screen::Card(_)), "{word}: {:?}", world.state.view);
    }
}

#[test]
fn where_characters_are_text_a_colon_is_one_and_under_the_palette_nothing_counts_as_seen() {
    let mut world = card();
    world.press(KeyCode::Char('r'));
    world.press(KeyCode::Char(':'));
    assert_eq!(world.state.view.palette, None);
    world.command(Command::Palette);
    assert_eq!(world.state.view.palette, None, "nor does a recording open it there");
    world.press(KeyCode::Esc);
    world.press(KeyCode::Char(':'));
    assert_eq!(world.frame(80, 24).1, Default::default());
}

#[test]
fn the_inbox_opens_the_card_and_leaves_with_its_key() {
    let mut world = with_inbox();
    let screen = text(&world.frame(80, 24).0);
    for words in ["1 gate open", "ROLL BACK api-gateway", "void in", "decides"] {
        assert!(screen.contains(words), "{words}\n{screen}");
    }
    world.press(KeyCode::Enter);
    assert_eq!(world.state.view.screen, Screen::Card(Key::new("shop", "api-gateway")));
    world.press(KeyCode::Char('i'));
    world.press(KeyCode::Char('i'));
    assert_eq!(world.state.view.screen, Screen::Main);
}

// Calls for attention.

#[test]
fn a_gate_calls_once_when_it_opens_and_once_before_it_expires() {
    let mut world = burning();
    assert_eq!(world.calls, ["gate open"]);
    let void_after = world.state.setup.policy.void_after.secs();
    world.pass(void_after - 160);
    assert_eq!(world.calls, ["gate open"]);
    world.pass(50);
    assert_eq!(world.calls, ["gate open", "gate about to expire"]);
    world.pass(20);
    assert_eq!(world.calls.len(), 2, "once each");
}

#[test]
fn what_the_configuration_keeps_silent_does_not_call() {
    let mut silent = setup();
    silent.silent = goaround::engine::state::Silent { bell: true, notify: true };
    let world = World::burning_with(silent, |_| {});
    assert!(world.calls.is_empty());
    assert_eq!(world.bells, 0);
}

#[test]
fn the_title_says_where_and_what_waits_and_changes_once_a_minute() {
    let mut world = burning();
    let title = world.ui.title(&world.state);
    assert!(title.starts_with("goaround PROD ") && title.ends_with(": 1 gate open 1 m"), "{title}");
    world.pass(30);
    assert_eq!(world.ui.title(&world.state), title, "not with the clock");
    world.pass(30);
    assert!(world.ui.title(&world.state).ends_with(": 1 gate open 2 m"), "{}", world.ui.title(&world.state));
}

// The mouse.

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
    MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
}

fn point(world: &mut World, kind: MouseEventKind, column: u16, row: u16) -> Option<Command> {
    let command = world.ui.mouse(&world.state, mouse(kind, column, row)).map(Command::from);
    if let Some(command) = command.clone() {
        world.command(command);
    }
    command
}

/// Where `words` stand on the screen.
fn place(world: &World, size: (u16, u16), words: &str) -> (u16, u16) {
    let buffer = world.frame(size.0, size.1).0;
    let lines = text(&buffer);
    let (row, line) = lines.lines().enumerate().find(|(_, l)| l.contains(words)).expect("on the screen");
    let before = &line[..line.find(words).expect("there")];
    (before.chars().count() as u16, row as u16)
}

#[test]
fn a_click_selects_a_row_a_revision_a_tab_a_range_and_the_wheel_moves_what_is_below_it() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut world = burning();
    world.look(120, 40);
    let (x, y) = place(&world, (120, 40), "reporting");
    point(&mut world, click, x, y);
    assert!(
        matches!(&world.state.view.selected, Some(Row::Slo(id)) if id.to_string().starts_with("reporting"))
    );
    let (x, y) = place(&world, (120, 40), "api-gateway");
    point(&mut world, click, x, y);
    world.look(120, 40);
    let (x, y) = place(&world, (120, 40), "5d9c7 4.11    image");
    point(&mut world, click, x, y);
    assert_eq!(world.state.view.pane, Pane::Revisions);
    assert_eq!(world.state.view.revision.as_ref().map(|u| u.0.as_str()), Some("rs-5d9c77f49"));
    point(&mut world, MouseEventKind::ScrollUp, x, y);
    assert_eq!(world.state.view.revision.as_ref().map(|u| u.0.as_str()), Some("rs-7f9c4d8b6"));
    let (x, y) = place(&world, (120, 40), "reporting");
    let before = world.state.view.selected.clone();
    point(&mut world, MouseEventKind::ScrollDown, x, y);
    assert_ne!(world.state.view.selected, before);
    assert_eq!(world.state.view.pane, Pane::Revisions, "the arrow keys go where they went before");
    world.look(80, 24);
    let (x, y) = place(&world, (80, 24), "[revisions]");
    point(&mut world, click, x - 5, y);
    assert_eq!(world.state.view.pane, Pane::Chart);
}

#[test]
fn a_click_in_inbox_and_contexts_selects_and_opens_nothing() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut world = with_inbox();
    let (x, y) = place(&world, (80, 24), "ROLL BACK");
    assert!(matches!(point(&mut world, click, x, y), Some(Command::SelectItem(_))));
    assert_eq!(world.state.view.screen, Screen::Inbox);
    let mut world = contexts();
    let (x, y) = place(&world, (80, 24), "eu-prod-1 ");
    point(&mut world, click, x, y);
    assert_eq!((world.state.contexts.at, world.state.contexts.taken), (1, None));
}

/// Worlds in many states of the gate.
fn worlds() -> Vec<World> {
    let mut all = vec![burning(), card(), with_palette("api"), with_palette("arm"), with_inbox(), contexts()];
    for keys in ["a", "r", "e", "?", "v", "d", "m", ":"] {
        let mut world = card();
        world.type_text(keys);
        all.push(world);
    }
    let mut armed = card();
    armed.press(KeyCode::Char('a'));
    armed.type_text("REVERSIBLE: by hand");
    armed.press(KeyCode::Enter);
    all.push(armed);
    let mut filtering = burning();
    filtering.press(KeyCode::Char('/'));
    all.push(filtering);
    all
}

thread_local! {
    static WORLDS: Vec<State> = worlds().into_iter().map(|w| w.state).collect();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_click_wheel_or_drag_decides_anything(
        size in 0_usize..4,
        which in any::<prop::sample::Index>(),
        events in prop::collection::vec((0_usize..8, 0_u16..200, 0_u16..60), 1..16),
    ) {
        WORLDS.with(|states| {
            {
                let mut state = which.get(states).clone();
                let mut ui = dressed("dark", "default");
                let before = card_gesture(&state);
                let (screen, at) = (state.view.screen.clone(), state.contexts.taken);
                for (kind, column, row) in &events {
                    drawn(&ui, &state, SIZES[size]);
                    let kind = [
                        MouseEventKind::Down(MouseButton::Left),
                        MouseEventKind::Down(MouseButton::Left),
                        MouseEventKind::Down(MouseButton::Right),
                        MouseEventKind::Drag(MouseButton::Left),
                        MouseEventKind::Up(MouseButton::Left),
                        MouseEventKind::ScrollUp,
                        MouseEventKind::ScrollDown,
                        MouseEventKind::Moved,
                    ][*kind];
                    let event = mouse(kind, column % SIZES[size].0, row % SIZES[size].1);
                    let Some(command) = ui.mouse(&state, event).map(Command::from) else { continue };
                    let harmless = matches!(
                        command,
                        Command::Up | Command::Down | Command::Wheel(..) | Command::Pick(_) | Command::Select(_)
                            | Command::SelectRevision(_) | Command::SelectItem(_) | Command::SelectPod(_) | Command::Focus(_) | Command::Range(_)
                    );
                    prop_assert!(harmless, "{command:?}");
                    let stamped = goaround::engine::Stamped {
                        at: state.now,
                        mono: state.mono,
                        event: goaround::engine::Event::Command(command),
                    };
                    goaround::engine::step(&mut state, stamped);
                }
                prop_assert_eq!(card_gesture(&state), before);
                prop_assert_eq!((&state.view.screen, state.contexts.taken), (&screen, at), "nothing opened, nothing left");
                prop_assert!(!state.quitting);
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_text_in_the_palette_decides_anything(words in "[a-z :/]{0,12}", downs in 0_usize..30, on_card in any::<bool>()) {
        let state = WORLDS.with(|states| states[usize::from(on_card)].clone());
        let mut state = state;
        let mut ui = dressed("dark", "default");
        let before = card_gesture(&state);
        let mut press = |state: &mut State, code| {
            let key = KeyEvent::new(code, KeyModifiers::NONE);
            if let Some(command) = ui.key(state, key, 1) {
                if let Command::Choose(Choice::Run(harmless)) = &command {
                    let decides = matches!(
                        harmless.command(),
                        Command::Arm | Command::Edit | Command::Reject | Command::Wait | Command::AddRestore
                    );
                    assert!(!decides, "{command:?}");
                }
                let event = goaround::engine::Event::Command(command);
                let stamped = goaround::engine::Stamped { at: state.now, mono: state.mono, event };
                goaround::engine::step(state, stamped);
            }
        };
        press(&mut state, KeyCode::Char(':'));
        words.chars().for_each(|c| press(&mut state, KeyCode::Char(c)));
        (0..downs).for_each(|_| press(&mut state, KeyCode::Down));
        press(&mut state, KeyCode::Enter);
        let now = card_gesture(&state);
        prop_assert!(now.is_empty() || now == before, "{now:?}");
        prop_assert!(state.incidents.values().all(|i| i.waiting.is_none()));
    }
}
