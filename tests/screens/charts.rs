//! The list's filter, the charts of the selected SLO with their cursor, and the queries behind its numbers: at the sizes
//! that people have, in colours, without any, and in ASCII.

use goaround::domain::slo::SloId;
use goaround::engine::view::{Chart, Pane};

use super::*;

/// The story a minute later, when everything that is looked at was answered.
fn looked_at() -> World {
    let mut world = edited();
    world.pass(40);
    world
}

/// The same, with a chart and a cursor on it, so many moves from the newest sample.
fn reading(chart: Chart, moves: usize) -> World {
    let mut world = looked_at();
    world.look(120, 40);
    while world.state.view.chart != chart {
        world.press(KeyCode::Char('t'));
    }
    for _ in 0..moves {
        world.press(KeyCode::Left);
    }
    world
}

/// Names as long, as wide and as twisted as a label can be.
fn strange() -> World {
    let mut world = looked_at();
    let names = [
        "x".repeat(200),
        "決済サービスの可用性".repeat(20),
        "خدمة الدفع \u{202e}evil\u{202c}".to_owned(),
        "a\u{1b}[31mb\u{0}c".to_owned(),
    ];
    for (n, name) in names.iter().enumerate() {
        let mut slo = world::slo(world.now, &("api-gateway", 0.5, [0.1; 5]));
        slo.service = Clean::new(name);
        slo.name = Clean::new(name);
        slo.id = SloId(Clean::new(format!("{n}-{name}")));
        world.slos.push(slo);
    }
    world.signal(Signal::Slos(world.slos.clone()));
    world.pass(1);
    world
}

pub fn worlds() -> Vec<World> {
    let mut all = vec![reading(Chart::ErrorRatio, 3), reading(Chart::Latency, 5), reading(Chart::HeatMap, 1)];
    all.push(reading(Chart::HeatMap, 0));
    let mut queries = reading(Chart::Latency, 2);
    queries.press(KeyCode::Char('s'));
    all.push(queries);
    let mut nothing = World::burning_with(setup(), |w| w.no_histogram = Some("there is none"));
    nothing.state.view.chart = Chart::Latency;
    nothing.pass(40);
    all.push(nothing);
    let mut narrowed = strange();
    narrowed.state.view.filter = "ns:shop colour:red since:2h".into();
    narrowed.pass(1);
    all.push(narrowed);
    let mut selected = strange();
    let id = selected.slos.iter().map(|s| s.id.clone()).find(|id| id.0.as_str().starts_with("1-"));
    selected.state.view.selected = id.map(Row::Slo);
    selected.pass(1);
    all.push(selected);
    all
}

#[test]
fn the_latency_and_the_heat_map_stand_on_the_axis_of_the_errors() {
    let world = reading(Chart::Latency, 3);
    shot!("latency", world, 80 x 24);
    shot!("latency", world, 120 x 40);
    shot!("latency", world, 160 x 50);
    shot!("latency", world, 200 x 60);
    let world = reading(Chart::HeatMap, 0);
    shot!("heat_map", world, 80 x 24);
    shot!("heat_map", world, 120 x 40);
    shot!("heat_map", world, 160 x 50);
    shot!("heat_map", world, 200 x 60);
}

#[test]
fn without_colours_and_in_ascii_a_heat_map_is_still_a_heat_map() {
    let mut world = reading(Chart::HeatMap, 2);
    world.ui = ui(Depth::None).ascii(true);
    shot!("heat_map_ascii", world, 120 x 40);
}

#[test]
fn where_there_is_no_histogram_a_sentence_says_so_and_there_is_no_axis() {
    let mut world = World::burning_with(setup(), |w| w.no_histogram = Some("no metric is called so"));
    world.pass(40);
    world.state.view.chart = Chart::Latency;
    world.state.view.pane = Pane::Chart;
    let screen = text(&world.frame(80, 24).0);
    assert!(screen.contains("no latency: no metric is called so"), "{screen}");
    assert!(!screen.contains(" ms"), "{screen}");
}

#[test]
fn the_cursor_reads_time_ratio_counts_and_revision() {
    let mut world = reading(Chart::ErrorRatio, 2);
    shot!("cursor", world, 80 x 24);
    shot!("cursor", world, 120 x 40);
    let line = |world: &World| {
        let screen = text(&world.frame(120, 40).0);
        let line = screen.lines().find(|line| line.contains('▲')).expect("a reading").to_owned();
        line[line.find('▲').expect("its mark")..].to_owned()
    };
    assert!(
        line(&world).starts_with("▲ 12:31:30  20 %  372 of 1,860 failed   on 7f9c4 4.12"),
        "{}",
        line(&world)
    );
    for _ in 0..8 {
        world.press(KeyCode::Char('h'));
    }
    assert!(
        line(&world).starts_with("▲ 12:23:30  0 %  0 of 1,860 failed   on 5d9c7 4.11"),
        "{}",
        line(&world)
    );
    world.chord(KeyCode::Right, KeyModifiers::SHIFT);
    assert!(line(&world).starts_with("▲ 12:32:30"), "{}", line(&world));
    let newest = world.state.view.cursor;
    world.press(KeyCode::Right);
    assert_eq!(world.state.view.cursor, newest, "it stops at the newest sample");
    world.press(KeyCode::Esc);
    assert_eq!((world.state.view.cursor, world.state.view.pane), (None, Pane::Chart), "one step at a time");
    world.press(KeyCode::Left);
    world.press(KeyCode::Char('0'));
    assert_eq!(world.state.view.cursor, None);
}

#[test]
fn another_slo_or_another_range_has_no_cursor_yet() {
    let mut world = reading(Chart::ErrorRatio, 2);
    assert!(world.state.view.cursor.is_some());
    world.press(KeyCode::Char('2'));
    assert_eq!(world.state.view.cursor, None);
    world.press(KeyCode::Left);
    world.press(KeyCode::Down);
    assert_eq!(world.state.view.cursor, None);
}

#[test]
fn a_chart_never_moves_what_is_around_it() {
    let around = |world: &World| -> Vec<String> {
        let screen = text(&world.frame(120, 40).0);
        let lines = screen.lines().map(|line| line.chars().take(54).collect());
        lines.collect()
    };
    let mut world = looked_at();
    world.look(120, 40);
    let before = around(&world);
    for key in [
        KeyCode::Char('t'),
        KeyCode::Left,
        KeyCode::Left,
        KeyCode::Char('t'),
        KeyCode::Char('t'),
        KeyCode::Esc,
    ] {
        world.press(key);
        assert_eq!(around(&world)[..26], before[..26], "{key:?}");
    }
}

#[test]
fn the_query_behind_every_number_is_one_key_away_and_the_cursors_is_first() {
    let mut world = reading(Chart::Latency, 3);
    world.press(KeyCode::Char('s'));
    shot!("queries", world, 80 x 24);
    shot!("queries", world, 120 x 40);
    let page = text(&world.frame(120, 200).0);
    for number in
        ["under the cursor", "budget left", "errors over 5m", "errors over 3d", "all requests of the period"]
    {
        assert!(page.contains(number), "{number} is missing in\n{page}");
    }
    assert!(page.contains("sum by (le) (increase(http_request_duration_seconds_bucket["), "{page}");
    world.press(KeyCode::Char('s'));
    assert_eq!(world.state.view.screen, Screen::Main);
}

#[test]
fn a_filter_says_what_it_hides_and_what_of_it_is_not_understood() {
    let mut world = looked_at();
    world.look(80, 24);
    world.press(KeyCode::Char('/'));
    world.type_text("state:paging|unknown -slo:billing");
    world.press(KeyCode::Enter);
    shot!("filtered", world, 80 x 24);
    let screen = text(&world.frame(120, 40).0);
    assert!(screen.contains("3 shown, 8 hidden"), "{screen}");
    world.press(KeyCode::Char('/'));
    world.type_text(" colour:red");
    let screen = text(&world.frame(200, 60).0);
    assert!(screen.contains("`colour:` is no key"), "{screen}");
    assert_eq!(world.state.view.filter, "state:paging|unknown -slo:billing colour:red", "nothing is lost");
}

#[test]
fn a_time_in_the_filter_chooses_the_lines_of_the_log() {
    let mut world = looked_at();
    world.state.view.filter = "since:20s".into();
    world.state.say("gate", goaround::engine::state::Weight::Plain, "said just now");
    world.pass(1);
    world.state.view.screen = Screen::Log;
    let screen = text(&world.frame(80, 24).0);
    assert!(screen.contains("said just now") && !screen.contains("knows us as ana"), "{screen}");
    assert!(screen.contains("hidden by the filter's time"), "{screen}");
    world.state.view.filter = "until:08:00".into();
    world.pass(1);
    let screen = text(&world.frame(80, 24).0);
    assert!(screen.contains("nothing happened in the time of the filter"), "{screen}");
}

#[test]
fn names_of_any_length_and_writing_keep_to_their_column() {
    let world = strange();
    shot!("strange_names", world, 80 x 24);
    shot!("strange_names", world, 120 x 40);
    shot!("strange_names", world, 200 x 60);
}
